// 2.9: clients of Engine.IO 3, as they come from npm: socket.io-client 2.5.0 with --allow-eio3.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { forTest, freePort, Gateway, share } from './lib/gateway.mjs';
import { fetchRaw } from './lib/raw.mjs';
import { connected, disconnectCases, open, openNamespace, plain, upgraded, WAYS } from './lib/stock.mjs';

const OLD = { client: 'socket.io-client 2.5.0', module: 'client-2.5.0' };
const NEW = { client: 'socket.io-client 4.8.4', module: 'socket.io-client' };
const FLAGS = ['--allow-eio3'];
const UNICODE = 'Grüße, 世界 🏛 \u0000\u001f\u007f\u2028\u2029 \ud83d\ude00';
const BINARY = [Buffer.from([0, 1, 255]), { deep: [Buffer.alloc(0), 'text', { er: Buffer.from([7, 8]) }] }, Buffer.alloc(3000, 9)];
const WITH_BASE64 = [
	...WAYS.map((way) => ({ ...way, options: {} })),
	{ way: 'WebSocket, base64', transports: ['websocket'], options: { forceBase64: true } },
	{ way: 'polling, base64', transports: ['polling'], options: { forceBase64: true } },
];

for (const way of WITH_BASE64)
	describe(`${OLD.client} over ${way.way}`, () => stock(way));

function stock({ transports, upgrades, options }) {
	let gateway;

	before(async () => {
		gateway = await Gateway.start('clients', FLAGS);
	});
	after(async () => {
		await gateway?.stop();
	});

	const begin = (t, name = '/', more = {}) => open(t, OLD, gateway.url + name, { transports, ...options, ...more });
	const enter = async (t, name, more) => {
		const socket = await connected(begin(t, name, more));

		if (upgrades)
			await upgraded(socket);
		return socket;
	};
	const leaves = async (id, name = '/') => {
		const line = await gateway.line(new RegExp(`left ${name} because of .* sid="?${id}"?( |$)`));

		return /because of ([a-z ]+)/.exec(line)[1];
	};

	test('events, in order, also while it upgrades', async (t) => {
		const socket = await connected(begin(t));
		const sent = [[], ['one'], [1, '2', { 3: ['4'] }, null, true, 0.5], [UNICODE, { [UNICODE]: [UNICODE] }]];

		for (const args of sent)
			socket.emit('back', ...args);
		for (let i = 0; i < 100; i++)
			socket.emit('back', i);
		for (const args of sent)
			assert.deepEqual(await socket.next('back'), args);
		for (let i = 0; i < 100; i++)
			assert.deepEqual(await socket.next('back'), [i]);
		if (upgrades)
			await upgraded(socket);
		assert.equal(socket.io.engine.transport.name, transports.at(-1));
	});

	test('acks, both ways', async (t) => {
		const socket = await enter(t);

		for (const args of [[], [1, 'two', { three: [3] }], [UNICODE], [null]])
			assert.deepEqual(await socket.ask('echo', ...args), args);
		socket.on('question', (a, b, ack) => ack(b, a, UNICODE));
		assert.deepEqual(await socket.ask('ask', 'a', { b: 1 }), [{ b: 1 }, 'a', UNICODE]);
	});

	test('binary in events and acks, both ways, between text', async (t) => {
		const socket = await enter(t);

		for (let i = 0; i < 20; i++) {
			socket.emit('back', i);
			socket.emit('back', ...BINARY);
		}
		for (let i = 0; i < 20; i++) {
			assert.deepEqual(await socket.next('back'), [i]);
			assert.deepEqual(plain(await socket.next('back')), plain(BINARY));
		}
		assert.deepEqual(plain(await socket.ask('echo', ...BINARY)), plain(BINARY));
		socket.on('question', (...args) => args.pop()(...args));
		assert.deepEqual(plain(await socket.ask('ask', ...BINARY)), plain(BINARY));
	});

	test('large messages, both ways', async (t) => {
		const socket = await enter(t);
		const text = 'é世🏛'.repeat(60_000);
		const bytes = Buffer.from(Array.from({ length: 400_000 }, (_, i) => i * i));

		assert.deepEqual(await socket.ask('echo', text), [text]);
		assert.deepEqual(plain(await socket.ask('echo', bytes)), plain([bytes]));
	});

	test('the id that the client has is the server\'s, in every namespace', async (t) => {
		const main = await enter(t);
		const other = await connected(openNamespace(t, main, '/other'));
		const [rooms] = await main.ask('join', 'tea');

		assert.equal(main.id, main.io.engine.id);
		assert.deepEqual(rooms.sort(), [main.id, 'tea'].sort());
		assert.equal(other.id, `/other#${main.id}`);
		assert.deepEqual((await other.ask('join', 'tea'))[0].sort(), [other.id, 'tea'].sort());
		const friend = await enter(t);
		friend.emit('say', main.id, 'to you alone');
		assert.deepEqual(await main.next('said'), ['to you alone']);
		(await connected(openNamespace(t, friend, '/other'))).emit('say', other.id, 'and here');
		assert.deepEqual(await other.next('said'), ['and here']);
	});

	test('a room of old and new clients: all get text and binary', async (t) => {
		const [ada, bob] = await Promise.all([enter(t), enter(t)]);
		const eve = await connected(open(t, NEW, gateway.url, { transports }));

		for (const socket of [ada, bob, eve])
			await socket.ask('join', 'tea');
		for (const [from, ...to] of [[ada, bob, eve], [eve, ada, bob]]) {
			from.emit('say', 'tea', 'hello', UNICODE);
			from.emit('say', 'tea', ...BINARY);
			from.emit('say', 'tea', 'bye');
			for (const socket of to) {
				assert.deepEqual(await socket.next('said'), ['hello', UNICODE]);
				assert.deepEqual(plain(await socket.next('said')), plain(BINARY));
				assert.deepEqual(await socket.next('said'), ['bye']);
			}
		}
		await bob.ask('leave', 'tea');
		ada.emit('say', 'tea', 'only Eve');
		assert.deepEqual(await eve.next('said'), ['only Eve']);
		for (const socket of [ada, bob, eve]) {
			await socket.ask('echo');
			assert.deepEqual(socket.inbox.items, []);
		}
	});

	test('namespaces: two on one connection, each with an end of its own', async (t) => {
		const main = await enter(t);
		const other = await connected(openNamespace(t, main, '/other'));
		const { id } = other;

		for (const socket of [main, other]) {
			assert.deepEqual(await socket.ask('echo', 1), [1]);
			assert.deepEqual(plain(await socket.ask('echo', ...BINARY)), plain(BINARY));
		}
		other.disconnect();
		assert.equal(await leaves(id, '/other'), 'client namespace disconnect');
		assert.deepEqual(await main.ask('echo', 2), [2]);
	});

	test('the query of a namespace is its auth', async (t) => {
		const socket = await enter(t, `/guard?token=good&text=${encodeURIComponent('a & ü')}`);
		const bare = await enter(t);

		// The URL's query is the connection's too: the client sends it with every request.
		const [auth] = await socket.ask('auth');
		assert.equal(auth.token, 'good');
		assert.equal(auth.text, 'a & ü');
		assert.deepEqual(await bare.ask('auth'), [{}]);
	});

	test('a namespace that does not exist, or refuses, is the event `error`; the connection goes on', async (t) => {
		const main = await enter(t);
		const [unknown] = await openNamespace(t, main, '/nowhere').happens('error');
		const [refused] = await openNamespace(t, main, '/guard').happens('error');

		assert.deepEqual(unknown, { message: 'Invalid namespace' });
		assert.deepEqual(refused, { code: 403, words: ['ask', 'again'] });
		assert.deepEqual(await main.ask('echo', 1), [1]);
	});

	disconnectCases(test, enter, leaves);

	test('reconnects when the server ends and comes back', async (t) => {
		const port = await freePort();
		const flags = [...FLAGS, '--listen', `127.0.0.1:${port}`];
		const first = await forTest(t, 'clients', flags);
		const again = { reconnection: true, reconnectionDelay: 20, reconnectionDelayMax: 100, randomizationFactor: 0 };
		const socket = await connected(open(t, OLD, first.url, { transports, ...options, ...again }));
		const { id } = socket;
		const ended = socket.happens('disconnect');

		assert.deepEqual(await socket.ask('echo', 1), [1]);
		if (upgrades)
			await upgraded(socket); // in the middle of that its polling rests, and only a ping that does not come tells it
		await first.stop();
		assert.match((await ended)[0], /^transport (close|error)$/);
		const connects = socket.happens('connect');
		await forTest(t, 'clients', flags);
		await connects;
		assert.notEqual(socket.id, id);
		assert.deepEqual(plain(await socket.ask('echo', ...BINARY)), plain(BINARY));
	});
}

describe('the main namespace, refused', () => {
	const gateway = share(before, after, 'guide-connection', FLAGS);

	test('is the event `error` with the message', async (t) => {
		const socket = open(t, OLD, gateway().url, { transports: ['polling'] });

		assert.deepEqual(await socket.happens('error'), ['name and password are missing']);
		assert.equal(socket.connected, false);
	});
});

describe('the heartbeat', () => {
	const gateway = share(before, after, 'clients', [...FLAGS, '--ping-interval', '300ms', '--ping-timeout', '10s']);

	for (const { way, transports, upgrades } of WAYS)
		test(`the client pings, and stays: ${way}`, async (t) => {
			const socket = await connected(open(t, OLD, gateway().url, { transports }));

			if (upgrades)
				await upgraded(socket);
			for (let i = 0; i < 4; i++)
				await socket.happens('pong');
			assert.deepEqual(await socket.ask('echo', 'alive'), ['alive']);
		});
});

test('2.15 Q3: a client that upgrades and falls silent is missed', async (t) => {
	const gateway = await forTest(t, 'clients', [...FLAGS, '--ping-interval', '300ms', '--ping-timeout', '3s']);
	const socket = await connected(open(t, OLD, gateway.url, { transports: ['polling', 'websocket'] }));
	const { id } = socket;

	await upgraded(socket);
	const { engine } = socket.io; // it forgets to ping from now on, and that it would be answered
	engine.setPing = () => {};
	clearTimeout(engine.pingIntervalTimer);
	clearTimeout(engine.pingTimeoutTimer);
	await gateway.line(new RegExp(`left / because of ping timeout.* sid=${id}`));
});

test('off, old clients are told so', async (t) => {
	const gateway = await forTest(t, 'clients');
	const answer = await fetchRaw(t, gateway.port, 'GET', '/socket.io/?EIO=3&transport=polling');
	const socket = open(t, OLD, gateway.url, { transports: ['polling'] });

	assert.equal(answer.status, 400);
	assert.equal(answer.body, '{"code":5,"message":"Unsupported protocol version"}');
	await socket.happens('connect_error');
});
