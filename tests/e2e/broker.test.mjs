// The gateway's half of an application behind brokers: what goes into the streams and when, what is done with batches, and
// what clients are told when there is no answer. The broker is in the test's hands (lib/hand-broker.mjs).

import assert from 'node:assert/strict';
import { before, after, describe, test } from 'node:test';
import { open } from './lib/client.mjs';
import { runGateway } from './lib/gateway.mjs';
import { gatewayFor, HandBroker, readyz } from './lib/hand-broker.mjs';
import { redisForTest, shareRedis } from './lib/redis.mjs';
import { delay, eventually } from './lib/wait.mjs';

const WS = { transports: ['websocket'] };
const LATE = 'The application did not answer in time';
const BUSY = 'The server is busy';
const AWAY = 'The application is not there';

const redis = shareRedis(before, after);

async function pair(t, flags = [], options = {}) {
	const broker = await HandBroker.start(t, redis(), options);
	const g = await gatewayFor(t, broker, flags);

	await eventually('the gateway to be ready', async () => (await readyz(g)).status === 200);
	return { broker, g };
}

// A client that is in, and the event that it came with.
async function enter(t, broker, g) {
	const socket = open(t, g.url, WS);
	const event = await broker.accept({ do: 'emit', data: ['welcome'] });

	await socket.next('welcome');
	return { socket, event };
}

const refusals = async (g, cause) => (await g.metrics())[`stoa_dispatch_refused_total{cause="${cause}"}`];
const limited = async (g, limit) => (await g.metrics())[`stoa_limit_total{limit="${limit}"}`];

describe('a client comes', () => {
	test('its CONNECT waits for the verdict, and the batch is carried out in order', async (t) => {
		const { broker, g } = await pair(t);
		const socket = open(t, g.url, { ...WS, auth: { token: 'x' }, query: { a: 'b' } });
		const event = await broker.next('connect');

		assert.equal(socket.connected, false);
		assert.equal(event.nsp, '/');
		assert.equal(event.n, 1);
		assert.equal(event.state_n, 1);
		assert.deepEqual(event.state.auth, { token: 'x' });
		assert.match(event.state.query, /a=b/);
		assert.deepEqual(event.state.rooms, [event.sid]);
		assert.deepEqual(Object.keys(await broker.states()), [event.sid]);
		await broker.answer(event, { do: 'accept' }, { do: 'join', room: 'r' }, { do: 'emit', rooms: ['r'], data: ['hello', 1] });
		assert.deepEqual(await socket.next('hello'), [1]);
		assert.equal(socket.id, event.sid);
		await eventually('the entry to be acknowledged', async () => (await broker.length()) === 0);
	});

	test('it is refused, with data', async (t) => {
		const { broker, g } = await pair(t);
		const socket = open(t, g.url, WS);
		const refused = socket.happens('connect_error');

		await broker.answer(await broker.next('connect'), { do: 'refuse', data: { message: 'no', data: { code: 7 } } });
		const [error] = await refused;
		assert.equal(error.message, 'no');
		assert.deepEqual(error.data, { code: 7 });
		await eventually('its state to be dropped', async () => Object.keys(await broker.states()).length === 0);
	});

	test('past event_timeout it is refused; when the application lets it in after that, it hears that it went', async (t) => {
		const { broker, g } = await pair(t, ['--event-timeout', '1s']);
		const socket = open(t, g.url, WS);
		const [error] = await socket.happens('connect_error');

		assert.equal(error.message, LATE);
		const event = await broker.next('connect');
		await eventually('the entry to be taken out', async () => (await broker.length()) === 0);
		await broker.answer(event, { do: 'accept' });
		const gone = await broker.next('disconnect');
		assert.equal(gone.sid, event.sid);
		assert.equal(gone.n, 2);
	});

	test('it goes before the verdict', async (t) => {
		const { broker, g } = await pair(t);
		const socket = open(t, g.url, WS);
		const event = await broker.next('connect');

		socket.disconnect();
		await broker.answer(event, { do: 'accept' });
		assert.equal((await broker.next('disconnect')).sid, event.sid);
	});

	test('namespaces are those of the application record', async (t) => {
		const { broker, g } = await pair(t, [], { app: { namespaces: ['/', '/room-*'] } });
		const [error] = await open(t, `${g.url}/no`, WS).happens('connect_error');

		assert.equal(error.message, 'Invalid namespace');
		open(t, `${g.url}/room-1`, WS);
		assert.equal((await broker.next('connect')).nsp, '/room-1');
	});

	test('nobody has a session before the application said so, when it wants to be asked', async (t) => {
		const { broker, g } = await pair(t, [], { app: { hears_handshakes: true } });
		const answer = fetch(`${g.url}/socket.io/?EIO=4&transport=polling&who=me`);
		const event = await broker.next('handshake');

		assert.match(event.state.query, /who=me/);
		assert.equal(event.sid, undefined);
		await broker.answer(event, { do: 'deny', message: 'not you' });
		assert.equal((await answer).status, 403);
		const second = fetch(`${g.url}/socket.io/?EIO=4&transport=polling`);
		await broker.answer(await broker.next('handshake'), { do: 'admit' });
		assert.equal((await second).status, 200);
	});
});

describe('events', () => {
	test('one of a client is under way at a time, in order; a batch is carried out once', async (t) => {
		const { broker, g } = await pair(t);
		const { socket } = await enter(t, broker, g);

		socket.emit('one', { a: [1, 'ü', null] });
		socket.emit('two', Buffer.from('bytes'));
		const answered = socket.ask('three');
		const one = await broker.next('event');
		assert.equal(one.event, 'one');
		assert.deepEqual(one.args, [{ a: [1, 'ü', null] }]);
		assert.equal(await broker.length(), 1);
		const batch = broker.batch(one, { effects: [{ do: 'emit', data: ['did', 'one'] }] });
		await broker.publish(one.node, batch);
		await broker.publish(one.node, batch);
		const two = await broker.next('event');
		assert.equal(two.event, 'two');
		assert.deepEqual(two.args, [{ _placeholder: true, num: 0 }]);
		assert.deepEqual(two.attachments, [Buffer.from('bytes').toString('base64')]);
		await broker.publish(one.node, batch);
		await broker.answer(two, { do: 'emit', data: ['did', 'two'] });
		const three = await broker.next('event');
		assert.equal(three.n, 4);
		await broker.answer(three, { do: 'ack', ack: three.ack, data: ['yes'] });
		assert.deepEqual(await answered, ['yes']);
		assert.deepEqual(await socket.next('did'), ['one']);
		assert.deepEqual(await socket.next('did'), ['two']);
		assert.deepEqual(socket.received.items, []);
		assert.equal((await g.metrics())['stoa_dispatch_batches_total{result="old"}'], 2);
		await eventually('all to be acknowledged', async () => (await broker.length()) === 0);
	});

	test('an ack that does not come in time is an error; its batch is too late; the next event goes', async (t) => {
		const { broker, g } = await pair(t, ['--event-timeout', '2s']);
		const { socket } = await enter(t, broker, g);

		assert.deepEqual(await socket.ask('one'), [{ error: LATE }]);
		const one = await broker.next('event');
		await eventually('the entry to be taken out', async () => (await broker.length()) === 0);
		await broker.answer(one, { do: 'ack', ack: one.ack, data: ['late'] }, { do: 'emit', data: ['late'] });
		const answered = socket.ask('two');
		const two = await broker.next('event');
		await broker.answer(two, { do: 'ack', ack: two.ack, data: ['in time'] });
		assert.deepEqual(await answered, ['in time']);
		assert.deepEqual(socket.received.items, []);
		assert.equal(await limited(g, 'event_timeout'), 1);
		await g.line(/event-refused .*why=event_timeout/);
	});

	test('what the application gave up is told in its words', async (t) => {
		const { broker, g } = await pair(t);
		const { socket } = await enter(t, broker, g);
		const answered = socket.ask('one');
		const one = await broker.next('event');

		await broker.publish(one.node, broker.batch(one, { failed: 'It crashed' }));
		assert.deepEqual(await answered, [{ error: 'It crashed' }]);
		assert.equal(await refusals(g, 'failed'), 1);
	});

	test('a batch that makes no sense answers its event all the same', async (t) => {
		const { broker, g } = await pair(t);
		const { socket } = await enter(t, broker, g);
		const answered = socket.ask('one');
		const one = await broker.next('event');

		await broker.session.command('PUBLISH', `stoa:batches:${broker.name}:${one.node}`, 'nonsense');
		await broker.answer(one, { do: 'dance' });
		assert.deepEqual(await answered, [{ error: 'The application failed' }]);
		assert.equal((await g.metrics())['stoa_dispatch_batches_total{result="malformed"}'], 2);
	});

	test('states: rooms and session as they are, only when they changed', async (t) => {
		const { broker, g } = await pair(t);
		const { socket, event } = await enter(t, broker, g);

		socket.emit('one');
		const one = await broker.next('event');
		assert.equal(one.state_n, 1);
		assert.equal(one.state, undefined);
		await broker.answer(one, { do: 'join', room: 'r' }, { do: 'session', key: 'name', value: { x: 1 } });
		socket.emit('two');
		const two = await broker.next('event');
		assert.equal(two.state_n, 2);
		assert.deepEqual(two.state.rooms, [event.sid, 'r']);
		assert.deepEqual(two.state.session, { name: { x: 1 } });
		const kept = (await broker.states())[event.sid];
		assert.equal(kept.state_n, 2);
		assert.equal(kept.node, event.node);
		await broker.answer(two);
		socket.disconnect();
		const gone = await broker.next('disconnect');
		assert.equal(gone.reason, 'client namespace disconnect');
		await broker.answer(gone);
		await eventually('its state to be dropped', async () => Object.keys(await broker.states()).length === 0);
	});

	test('a client is asked, and its answer goes where the question came from', async (t) => {
		const { broker, g } = await pair(t);
		const { socket } = await enter(t, broker, g);

		socket.on('what', (n, answer) => answer(n + 1));
		socket.emit('one');
		const one = await broker.next('event');
		await broker.answer(one, { do: 'call', data: ['what', 1], call: 77, timeout: 5000 });
		const expect = await broker.next('answer');
		assert.deepEqual([expect.op, expect.count, expect.to, expect.call], ['expect', 1, 'hand', 77]);
		const given = await broker.next('answer');
		assert.deepEqual([given.op, given.args, given.to, given.call, given.partition], ['answer', [2], 'hand', 77, one.partition]);
	});
});

describe('limits', () => {
	test('max_waiting_events', async (t) => {
		const { broker, g } = await pair(t, ['--max-waiting-events', '2']);
		const { socket } = await enter(t, broker, g);
		const asked = [1, 2].map((i) => socket.ask('wait', i));

		assert.deepEqual(await socket.ask('past'), [{ error: BUSY }]);
		assert.equal(await limited(g, 'max_waiting_events'), 1);
		await g.line(/event-refused .*why=max_waiting_events/);
		for (const i of [1, 2]) {
			const event = await broker.next('event');
			assert.deepEqual(event.args, [i]);
			await broker.answer(event, { do: 'ack', ack: event.ack, data: [i] });
		}
		assert.deepEqual(await Promise.all(asked), [[1], [2]]);
		assert.equal(await limited(g, 'max_waiting_events'), 1);
	});

	test('max_waiting_memory', async (t) => {
		const { broker, g } = await pair(t, ['--max-waiting-memory', '100KB']);
		const { socket } = await enter(t, broker, g);
		const fits = socket.ask('big', 'x'.repeat(90_000));

		assert.deepEqual(await socket.ask('big', 'x'.repeat(10_000)), [{ error: BUSY }]);
		assert.equal(await limited(g, 'max_waiting_memory'), 1);
		const event = await broker.next('event');
		await broker.answer(event, { do: 'ack', ack: event.ack, data: [] });
		assert.deepEqual(await fits, []);
		assert.equal((await g.metrics()).stoa_dispatch_waiting_events, 0);
	});

	test('max_backlog', async (t) => {
		const { broker, g } = await pair(t, ['--max-backlog', '2'], { partitions: 1, reads: false });
		const waiting = [open(t, g.url, WS), open(t, g.url, WS)];

		await eventually('the stream to be full', async () => (await broker.length()) === 2);
		const [error] = await open(t, g.url, WS).happens('connect_error');
		assert.equal(error.message, BUSY);
		assert.equal(await limited(g, 'max_backlog'), 1);
		await broker.read();
		await broker.accept();
		await broker.accept();
		await eventually('both to be in', () => waiting.every((s) => s.connected));
		assert.equal(await broker.length(), 0);
		broker.pause();
		for (const i of [0, 1])
			await broker.session.command('XADD', broker.stream(0), '*', 'e', `nonsense ${i}`);
		assert.deepEqual(await waiting[0].ask('one'), [{ error: BUSY }]);
		assert.equal(await limited(g, 'max_backlog'), 2);
		waiting[1].disconnect();
		await eventually('disconnect to go there all the same', async () => (await broker.length()) === 3);
	});

	test('an event that Redis would not take', async (t) => {
		const { broker, g } = await pair(t, ['--redis-max-publish', '20KB']);
		const { socket } = await enter(t, broker, g);

		assert.deepEqual(await socket.ask('big', 'x'.repeat(21_000)), [{ error: 'The message is too large' }]);
		const answered = socket.ask('small');
		const event = await broker.next('event');
		await broker.answer(event, { do: 'ack', ack: event.ack, data: ['small'] });
		assert.deepEqual(await answered, ['small']);
	});
});

describe('nobody there', () => {
	test('no broker was ever seen: not ready, clients wait, then are refused; then one comes', async (t) => {
		const broker = new HandBroker();
		Object.assign(broker, { redis: redis(), name: 'later', partitions: 1, reads: true, app: { v: 1, partitions: 1, namespaces: ['/'], hears_handshakes: false, hears_refusals: false } });
		t.after(() => broker.end());
		const g = await gatewayFor(t, broker, ['--broker-timeout', '3s', '--event-timeout', '60s']);

		await eventually('that to be told', async () => (await readyz(g)).text === 'no broker has been seen');
		const patient = open(t, g.url, WS);
		await delay(3200); // broker_timeout, and its way there
		const answer = await fetch(`${g.url}/socket.io/?EIO=4&transport=polling`); /* it may want to be asked */
		assert.equal(answer.status, 503);
		assert.match(await answer.text(), new RegExp(AWAY));
		await broker.appear();
		await broker.accept({ do: 'emit', data: ['welcome'] });
		await patient.next('welcome');
		await eventually('the gateway to be ready', async () => (await readyz(g)).status === 200);
		await eventually('it to be counted', async () => (await g.metrics()).stoa_dispatch_brokers === 1);
		await broker.disappear();
		await eventually('that to be seen', async () => (await readyz(g)).text === 'no broker is there');
		await delay(3200);
		assert.deepEqual(await patient.ask('one'), [{ error: AWAY }]);
	});

	test('Redis is away: events wait, or are refused; it comes back empty, and what was under way is there again', async (t) => {
		const own = await redisForTest(t);
		const broker = await HandBroker.start(t, own);
		const g = await gatewayFor(t, broker, ['--broker-timeout', '60s']);
		await eventually('the gateway to be ready', async () => (await readyz(g)).status === 200);
		const { socket } = await enter(t, broker, g);
		const under = socket.ask('under way');
		const first = await broker.next('event');

		await own.kill();
		await eventually('that to be seen', async () => (await readyz(g)).status === 503);
		const waits = socket.ask('waits');
		await own.run();
		await broker.appear();
		const again = await broker.next('event', (e) => e.again === true);
		assert.equal(again.n, first.n);
		assert.equal(again.event, 'under way');
		assert.ok(again.state);
		await broker.answer(again, { do: 'ack', ack: again.ack, data: [1] });
		assert.deepEqual(await under, [1]);
		const next = await broker.next('event', (e) => e.event === 'waits');
		assert.equal(next.again, undefined);
		await broker.answer(next, { do: 'ack', ack: next.ack, data: [2] });
		assert.deepEqual(await waits, [2]);
		assert.equal(socket.connected, true);
		assert.deepEqual(Object.keys(await broker.states()), [first.sid]);
		await eventually('the lease to be taken again', async () => (await own.command('KEYS', `stoa:gateway:${broker.name}:*`)).length === 1);
	});

	test('Redis is away for longer than broker_timeout', async (t) => {
		const own = await redisForTest(t);
		const broker = await HandBroker.start(t, own);
		const g = await gatewayFor(t, broker, ['--broker-timeout', '200ms', '--event-timeout', '5s']);
		await eventually('the gateway to be ready', async () => (await readyz(g)).status === 200);
		const { socket } = await enter(t, broker, g);

		await own.kill();
		await eventually('that to be seen', async () => (await readyz(g)).status === 503);
		const seen = new Set();
		await eventually('events to be refused at once', async () => {
			const [answer] = await socket.ask('one');

			seen.add(answer.error);
			return answer.error === AWAY;
		});
		seen.delete(AWAY);
		seen.delete(LATE); // those before
		assert.deepEqual([...seen], []);
		assert.equal(socket.connected, true);
	});

	test('connections to Redis are lost: nothing is doubled', async (t) => {
		const { broker, g } = await pair(t);
		const { socket } = await enter(t, broker, g);
		const under = socket.ask('under way');
		const event = await broker.next('event');

		for (const type of ['normal', 'pubsub'])
			await broker.session.command('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes');
		await broker.read();
		await eventually('somebody to hear the batch', () => broker.answer(event, { do: 'ack', ack: event.ack, data: ['once'] }));
		assert.deepEqual(await under, ['once']);
		await eventually('all to be acknowledged', async () => (await broker.length()) === 0);
	});
});

describe('a gateway that was taken for dead', () => {
	test('clients whom brokers said good-bye to are closed; the others go on', async (t) => {
		const { broker, g } = await pair(t, ['--node-beat', '100ms', '--node-lost', '500ms']);
		const [lost, kept] = [await enter(t, broker, g), await enter(t, broker, g)];
		const closed = lost.socket.happens('disconnect');

		g.signal('SIGSTOP');
		await eventually('the lease to end', async () => (await broker.session.command('KEYS', `stoa:gateway:${broker.name}:*`)).length === 0);
		await broker.session.command('HDEL', `stoa:clients:${broker.name}:${lost.event.partition}`, lost.event.sid);
		g.signal('SIGCONT');
		await closed;
		const answered = kept.socket.ask('still there');
		const event = await broker.next('event');
		await broker.answer(event, { do: 'ack', ack: event.ack, data: ['yes'] });
		assert.deepEqual(await answered, ['yes']);
		assert.deepEqual(Object.keys(await broker.states()), [kept.event.sid]);
		assert.equal((await g.metrics()).stoa_dispatch_given_up_clients_total, 1);
		await g.line(/clients-given-up/);
		assert.deepEqual(broker.inbox.items, []);
	});
});

describe('ending', () => {
	test('the application is told of all who went, and the lease is given up', async (t) => {
		const { broker, g } = await pair(t, ['--shutdown-timeout', '20s']);
		const { event } = await enter(t, broker, g);
		const [key] = await broker.session.command('KEYS', `stoa:gateway:${broker.name}:*`);

		assert.equal(String(key), `stoa:gateway:${broker.name}:${event.node}`);
		const stopped = g.stop();
		const gone = await broker.next('disconnect');
		assert.equal(gone.reason, 'server shutting down');
		await broker.answer(gone);
		await stopped;
		assert.deepEqual(await broker.session.command('KEYS', `stoa:gateway:${broker.name}:*`), []);
		assert.deepEqual(await broker.states(), {});
	});

	test('without an answer it does not wait for ever; the states stay for brokers to see to', async (t) => {
		const { broker, g } = await pair(t, ['--shutdown-timeout', '200ms']);
		const { event } = await enter(t, broker, g);

		await g.stop();
		await broker.next('disconnect');
		assert.deepEqual(Object.keys(await broker.states()), [event.sid]);
		assert.ok(g.lines.some((line) => /events-left count=1/.test(line)));
	});
});

describe('options', () => {
	test('SIGHUP has nothing to reload', async (t) => {
		const { g } = await pair(t);

		g.signal('SIGHUP');
		await g.line(/nothing-to-reload/);
	});

	test('what does not go together', async () => {
		for (const [flags, why] of [
			[['--dispatch', 'broker'], /needs redis_url/],
			[['--dispatch', 'broker', '--redis-url', redis().url, '--app', 'x.so'], /app is for dispatch = embedded/],
			[['--dispatch', 'broker', '--redis-url', redis().url, '--watch'], /watch is for dispatch = embedded/],
			[['--app-name', 'a b'], /is no application's name/],
			[['--app-name', 'x'.repeat(41)], /is no application's name/],
		]) {
			const { code, stderr } = await runGateway(flags);

			assert.equal(code, 2);
			assert.match(stderr, why);
		}
	});

	test('workers share it: each is a gateway of its own', async (t) => {
		const broker = await HandBroker.start(t, redis());
		const g = await gatewayFor(t, broker, ['--workers', '2']);

		await eventually('both to have a lease', async () => (await broker.session.command('KEYS', `stoa:gateway:${broker.name}:*`)).length === 2);
		const socket = open(t, g.url, WS);
		await broker.accept({ do: 'emit', data: ['welcome'] });
		await socket.next('welcome');
		socket.disconnect();
		await broker.answer(await broker.next('disconnect'));
	});
});
