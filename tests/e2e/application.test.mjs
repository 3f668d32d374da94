// What stoa.h promises and no example shows, through a stock client; the application is apps/e2e.c.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { connect, openNamespace } from './lib/client.mjs';
import { Gateway, share } from './lib/gateway.mjs';
import { delay } from './lib/wait.mjs';

const gateway = share(before, after, 'e2e', ['--ack-timeout', '300ms']);
const enter = (t, options = {}) => connect(t, gateway().url, options);

test('context: sid, namespace, query, headers, cookies, address, transport, auth', async (t) => {
	for (const name of ['websocket', 'polling']) {
		const socket = await enter(t, {
			transports: [name],
			query: { color: 'rot & grün' },
			extraHeaders: { 'X-Color': 'blue', Cookie: 'a=b; color=green' },
			auth: { color: 'white' },
		});
		const [who] = await socket.ask('who');

		assert.deepEqual(who, {
			sid: socket.id, namespace: '/', query: 'rot & grün', header: 'blue', cookie: 'green', address: '127.0.0.1',
			transport: name, auth: { color: 'white' },
		});
	}
});

test('context: what is not there is null, and auth {}', async (t) => {
	const socket = await enter(t);
	const [who] = await socket.ask('who');

	assert.deepEqual([who.query, who.header, who.cookie, who.auth], [null, null, null, {}]);
});

test('rooms: a client is in its own, and in those it joined', async (t) => {
	const socket = await enter(t);

	assert.deepEqual((await socket.ask('join', 'r'))[0].sort(), [socket.id, 'r'].sort());
});

test('targets: a sid is a room', async (t) => {
	const one = await enter(t);
	const two = await enter(t);

	one.emit('say', two.id, 'to two');
	assert.deepEqual(await two.next('said'), ['to two']);
	assert.deepEqual(one.received.items, []);
});

test('targets: several rooms, each client once, some left out, the sender too', async (t) => {
	const [me, inA, inBoth, inBothButOut] = await Promise.all([enter(t), enter(t), enter(t), enter(t)]);
	const joins = [[me, 'a'], [inA, 'a'], [inBoth, 'a'], [inBoth, 'b'], [inBothButOut, 'a'], [inBothButOut, 'b'], [inBothButOut, 'c']];

	for (const [socket, room] of joins)
		await socket.ask('join', room);
	await me.ask('say some', 'a', 'b', 'c', 'hello');
	await me.ask('say some', 'a', 'b', inA.id, 'again');
	assert.deepEqual(await inA.next('said'), ['hello']);
	assert.deepEqual(await inBoth.next('said'), ['hello']);
	assert.deepEqual(await inBoth.next('said'), ['again']);
	assert.deepEqual(await inBothButOut.next('said'), ['again']);
	for (const socket of [me, inA, inBoth, inBothButOut]) {
		await socket.ask('nothing');
		assert.deepEqual(socket.received.items, []);
	}
});

test('targets: another namespace', async (t) => {
	const [here, there] = await Promise.all([enter(t), enter(t)]);
	const other = openNamespace(t, here, '/other-1');

	await other.happens('connect');
	other.emit('say main', 'from the other');
	assert.deepEqual(await there.next('said'), ['from the other']);
});

test('rooms of one name in two namespaces are two rooms', async (t) => {
	const socket = await enter(t);
	const other = openNamespace(t, socket, '/other-2');

	await other.happens('connect');
	await socket.ask('join', 'same');
	await other.ask('join', 'same');
	socket.emit('say', 'same', 'here');
	assert.deepEqual(await socket.next('said'), ['here']);
	await other.ask('nothing');
	assert.deepEqual(other.received.items, []);
});

test('the catch-all handler sees what no other handles, with its name', async (t) => {
	const socket = await enter(t);

	socket.emit('whatever', 1, { a: Buffer.from([1]) });
	const [name, one, { a }] = await socket.next('caught');
	assert.deepEqual([name, one, Buffer.from(a)], ['whatever', 1, Buffer.from([1])]);
});

test('middleware: a negative number fails the event there, and its ack says so', async (t) => {
	const socket = await enter(t);

	assert.deepEqual(await socket.ask('forbidden'), [{ error: 'not allowed' }]);
	assert.deepEqual(await socket.ask('nothing'), []);
});

test('acks: a handler that returns 0 acks with nothing, one that fails with the error and its data', async (t) => {
	const socket = await enter(t);

	assert.deepEqual(await socket.ask('nothing'), []);
	assert.deepEqual(await socket.ask('fail'), [{ error: 'it failed', data: { why: 'because' } }]);
});

test('effects noted before an error are carried out', async (t) => {
	const socket = await enter(t);
	const [answer] = await socket.ask('emit and fail');

	assert.equal(typeof answer.error, 'string');
	assert.deepEqual(await socket.next('said'), ['before']);
});

test('acks: one that was deferred and never given is answered as a failure after ack_timeout', async (t) => {
	const socket = await enter(t);
	const since = Date.now();
	const [answer] = await socket.ask('defer');

	assert.equal(typeof answer.error, 'string');
	assert.ok(Date.now() - since >= 295, `after ${Date.now() - since} ms`);
});

test('call: answers come each to its question, and time runs out for the rest', async (t) => {
	const socket = await enter(t);

	socket.on('question', (i, answer) => i !== 1 && answer(i * 10));
	socket.emit('ask', 3, 1500);
	const answers = [await socket.next('answered'), await socket.next('answered'), await socket.next('answered')];
	assert.deepEqual(answers.slice(0, 2), [[0, [0]], [0, [20]]]);
	assert.ok(answers[2][0] < 0);
	assert.deepEqual(answers[2][1], []);
});

test('timers: run after their time, and find their client', async (t) => {
	const socket = await enter(t);
	const since = Date.now();

	socket.emit('timers', 2, 200);
	assert.deepEqual(await socket.next('time'), [0]);
	assert.deepEqual(await socket.next('time'), [0]);
	assert.ok(Date.now() - since >= 195, `after ${Date.now() - since} ms`);
});

test('timers and calls of a client that has left end quietly', async (t) => {
	const socket = await enter(t);

	socket.emit('timers', 10, 50);
	socket.emit('ask', 10, 100);
	await socket.next('question');
	socket.disconnect();
	await delay(200);
	assert.deepEqual(await (await enter(t)).ask('nothing'), []);
});

test('start and stop of the process reach the application', async () => {
	const g = await Gateway.start('e2e');

	await g.line(/the application saw start/);
	await g.stop();
	assert.ok(g.lines.some((line) => /the application saw stop/.test(line)));
});
