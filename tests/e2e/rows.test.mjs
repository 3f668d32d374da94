// What docs/features.md names and no other file shows: apps/rows.c with the stock client.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { connect, open, openNamespace } from './lib/client.mjs';
import { forTest, share } from './lib/gateway.mjs';
import { eventually } from './lib/wait.mjs';

const gateway = share(before, after, 'rows');

const enter = (t, name = '/') => connect(t, `${gateway().url}${name}`, { transports: ['websocket'] });
async function crowd(t, n) {
	const sockets = await Promise.all(Array.from({ length: n }, () => enter(t)));

	sockets.forEach((socket) => (socket.crowd = sockets));
	return sockets;
}

// A client's events once all that its crowd sent before has been handled and has arrived, their names and arguments.
async function heard(socket) {
	await Promise.all((socket.crowd ?? []).map((other) => other.ask('set', 'heard', 1)));
	await socket.ask('set', 'heard', 1);
	return socket.received.items.splice(0).map(({ name, args }) => [name, ...args]);
}

async function clientsOf(socket, to, namespace = '/') {
	socket.emit('fetch', to, namespace);
	const [status, clients] = await socket.next('found');

	assert.equal(status, 0);
	return clients;
}

const roomsOf = async (socket) => (await socket.ask('set', 'x', 1))[1].slice(1).sort();

// --- Emitting

test('emit: skip_sid leaves one client out of a broadcast', async (t) => {
	const [ada, bob, eve] = await crowd(t, 3);

	ada.emit('skip', bob.id, 'not for Bob');
	for (const [socket, expected] of [[ada, [['said', 'not for Bob']]], [eve, [['said', 'not for Bob']]], [bob, []]])
		assert.deepEqual(await heard(socket), expected);
});

test('emit: local, compress=False and latest arrive like any other', async (t) => {
	const [ada, bob] = await crowd(t, 2);

	ada.emit('flags', bob.id, { a: 1 });
	assert.deepEqual(await heard(bob), ['local', 'uncompressed', 'latest', 'all'].map((name) => [name, { a: 1 }]));
	assert.deepEqual(await heard(ada), []);
});

test('emit: without a room in another namespace it is for the sender there', async (t) => {
	const [ada, bob] = await crowd(t, 2);
	const adaThere = openNamespace(t, ada, '/other');
	const bobThere = openNamespace(t, bob, '/other');

	await Promise.all([adaThere.happens('connect'), bobThere.happens('connect')]);
	ada.emit('elsewhere', '/other', 'for Ada');
	assert.deepEqual(await adaThere.next('said'), ['for Ada']);
	assert.deepEqual(await heard(bobThere), []);
});

test('emit: reserved names are refused, error is none; without a sender broadcasting has to be said', async (t) => {
	const [ada] = await crowd(t, 1);

	assert.deepEqual(await ada.ask('refused'), [-22, -22, 0, -89]);
});

// --- Rooms and clients, by sid

test('rooms: another client is made to join and to leave, by its sid', async (t) => {
	const [ada, bob] = await crowd(t, 2);

	await ada.ask('join', bob.id, 'tea');
	assert.deepEqual(await roomsOf(bob), ['tea']);
	assert.deepEqual(await roomsOf(ada), []);
	await ada.ask('leave', bob.id, 'tea');
	assert.deepEqual(await roomsOf(bob), []);
});

test('rooms: all who are in one join another (sockets_join), and leave it (sockets_leave)', async (t) => {
	const [ada, bob, eve] = await crowd(t, 3);

	for (const socket of [ada, bob])
		await socket.ask('join', socket.id, 'one');
	await eve.ask('join', 'one', 'two');
	assert.deepEqual(await Promise.all([ada, bob, eve].map(roomsOf)), [['one', 'two'], ['one', 'two'], []]);
	await eve.ask('leave', 'two', 'one');
	assert.deepEqual(await Promise.all([ada, bob].map(roomsOf)), [['two'], ['two']]);
});

test('rooms: in another namespace the sender joins there, and a room is closed there', async (t) => {
	const [ada] = await crowd(t, 1);
	const there = openNamespace(t, ada, '/other');

	await there.happens('connect');
	await ada.ask('join elsewhere', '/other', 'tea');
	assert.deepEqual([await roomsOf(ada), await roomsOf(there)], [[], ['tea']]);
	await ada.ask('close elsewhere', '/other', 'tea');
	assert.deepEqual(await roomsOf(there), []);
});

test('rooms: who disconnects is in none any more', async (t) => {
	const [ada, bob] = await crowd(t, 2);

	await bob.ask('join', bob.id, 'short');
	assert.equal((await clientsOf(ada, 'short')).length, 1);
	bob.disconnect();
	await eventually('Bob to be gone', async () => (await clientsOf(ada, 'short')).length === 0);
});

test('disconnect: another client by its sid, and in another namespace', async (t) => {
	const [ada, bob] = await crowd(t, 2);
	const there = openNamespace(t, bob, '/other');

	await there.happens('connect');
	const end = there.happens('disconnect');
	ada.emit('disconnect other', there.id, '/other');
	assert.equal((await end)[0], 'io server disconnect');
	assert.equal(bob.connected, true);
	const endToo = bob.happens('disconnect');
	ada.emit('disconnect other', bob.id, '/');
	assert.equal((await endToo)[0], 'io server disconnect');
});

test('disconnect: all who are in a room, and their connections (disconnect_sockets)', async (t) => {
	const [ada, bob, eve] = await crowd(t, 3);
	const there = openNamespace(t, bob, '/other');

	await there.happens('connect');
	for (const socket of [bob, eve])
		await socket.ask('join', socket.id, 'out');
	const ends = [bob, eve, there].map((socket) => socket.happens('disconnect'));
	ada.emit('disconnect transport', 'out');
	for (const [reason] of await Promise.all(ends))
		assert.match(reason, /^(io server disconnect|transport close)$/);
	assert.equal(ada.connected, true);
});

test('sessions: one per client and namespace', async (t) => {
	const [ada, bob] = await crowd(t, 2);
	const there = openNamespace(t, ada, '/other');

	await there.happens('connect');
	await ada.ask('set', 'a', 1);
	await there.ask('set', 'b', 2);
	assert.deepEqual((await ada.ask('set', 'c', [null, { d: 'e' }]))[0], { a: 1, c: [null, { d: 'e' }] });
	assert.deepEqual((await ada.ask('set', 'a', null))[0], { c: [null, { d: 'e' }] });
	assert.deepEqual((await there.ask('set', 'c', 3))[0], { b: 2, c: 3 });
	assert.deepEqual((await bob.ask('set', 'x', 0))[0], { x: 0 });
});

// --- Asking

test('fetch_sockets: id, rooms, session and handshake of each client, in any namespace', async (t) => {
	const [ada, bob] = await crowd(t, 2);
	const there = await connect(t, `${gateway().url}/other`, { auth: { name: 'There' }, query: { a: '1' } });

	await bob.ask('join', bob.id, 'seen');
	await bob.ask('set', 'name', 'Bob');
	const [found, ...more] = await clientsOf(ada, 'seen');
	assert.deepEqual(more, []);
	assert.deepEqual([found.id, found.rooms.sort(), found.data], [bob.id, [bob.id, 'seen'].sort(), { name: 'Bob' }]);
	const [{ id, handshake }] = await clientsOf(ada, there.id, '/other');
	assert.equal(id, there.id);
	assert.equal(handshake.address, '127.0.0.1');
	assert.deepEqual(handshake.auth, { name: 'There' });
	assert.equal(handshake.query.a, '1');
	assert.deepEqual(await clientsOf(ada, 'nobody is here'), []);
});

test('call: another client by its sid: no values, one, several', async (t) => {
	const [ada, bob] = await crowd(t, 2);

	for (const answer of [[], ['one'], ['one', 2, { three: 3 }]]) {
		bob.once('question', (a, b, ack) => {
			assert.deepEqual([a, b], ['a', 2]);
			ack(...answer);
		});
		ada.emit('ask', bob.id, 30_000);
		assert.deepEqual(await ada.next('answers'), [0, [answer], '']);
	}
});

test('call: time runs out for those who are silent, and the other answers are there', async (t) => {
	const [ada, bob, eve] = await crowd(t, 3);

	for (const socket of [bob, eve])
		await socket.ask('join', socket.id, 'asked');
	bob.on('question', (a, b, ack) => ack('yes'));
	ada.emit('ask', 'asked', 1500);
	const [status, answers, error] = await ada.next('answers');
	assert.deepEqual([status, answers], [-110, [['yes']]]);
	assert.match(error, /timed out/);
});

test('server_side_emit: a gateway alone has nobody to ask', async (t) => {
	const [ada] = await crowd(t, 1);

	ada.emit('servers');
	assert.deepEqual(await ada.next('servers'), [0, 0, []]);
});

// --- Connecting

test('connect: a handler that returns a negative number refuses, and data may be anything', async (t) => {
	for (const [name, message, data] of [['/refuse', /./, undefined], ['/refuse-with-data', /^no$/, [1, 'two']]]) {
		const [error] = await open(t, `${gateway().url}${name}`).happens('connect_error');

		assert.match(error.message, message);
		assert.deepEqual(error.data, data);
	}
});

test('namespaces: the one for any name, and its catch-all, which sees the name of the event', async (t) => {
	const socket = await enter(t, '/any/where');

	assert.deepEqual(await socket.ask('what', 1, { a: 2 }), ['/any/where', 'what', 1, { a: 2 }]);
});

// --- Later

test('acks: given later, by another handler', async (t) => {
	const [ada] = await crowd(t, 1);

	assert.deepEqual(await ada.ask('ack later'), ['later', 2]);
});

test('timers: one that is cancelled runs at once and says so', async (t) => {
	const [ada] = await crowd(t, 1);

	ada.emit('cancel');
	const [status, words] = await ada.next('cancelled');
	assert.equal(status, -125);
	assert.match(words, /cancel/i);
});

test('background tasks: emit to all, sleep, join, and what they return is the status of the end', async (t) => {
	const [ada, bob] = await crowd(t, 2);

	ada.emit('work');
	for (const socket of [ada, bob])
		assert.deepEqual(await socket.next('from work'), [0]);
	assert.deepEqual(await ada.next('done'), [-7]);
	assert.deepEqual(bob.received.items, []);
});

test('logging: what is below log_level is not there, and a line names client, namespace and event', async (t) => {
	const words = ['error', 'warn', 'info', 'debug'];

	for (const level of ['info', 'debug']) { // above these a gateway does not say where it listens
		const g = await forTest(t, 'rows', ['--log-level', level]);
		const socket = await connect(t, g.url);

		await socket.ask('levels');
		await g.line(/at info/);
		if (level === 'debug')
			await g.line(/at debug/);
		assert.deepEqual(words.filter((word) => g.lines.some((line) => line.includes(`at ${word}`))), words.slice(0, words.indexOf(level) + 1));
		const line = await g.line(/at warn/);
		assert.match(line, / warn /);
		for (const part of [`sid=${socket.id}`, 'nsp=/', 'event=levels'])
			assert.ok(line.includes(part), `${part} in ${line}`);
	}
});
