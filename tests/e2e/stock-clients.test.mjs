// Stock JavaScript clients of every generation over every transport: each does all that a client does.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { forTest, freePort, Gateway } from './lib/gateway.mjs';
import { connected, disconnectCases, GENERATIONS, open, openNamespace, plain, upgraded, WAYS } from './lib/stock.mjs';

const BINARY = [Buffer.from([0, 1, 255]), { deep: [Buffer.alloc(0), 'text', { er: new Uint8Array([7, 8]) }] }, Buffer.alloc(3000, 9)];
const RECONNECTION = { reconnection: true, reconnectionDelay: 20, reconnectionDelayMax: 100, randomizationFactor: 0 };

for (const generation of GENERATIONS)
	for (const way of WAYS)
		describe(`${generation.client} over ${way.way}`, () => stock(generation, way));

function stock(generation, { transports, upgrades }) {
	const UNICODE = `Grüße, 世界 🏛 \u0000\u001f\u007f\u2028\u2029 \ud83d\ude00 ${generation.keepsSurrogates ?? true ? '\ud800' : ''}`;
	let gateway;

	before(async () => {
		gateway = await Gateway.start('clients', generation.flags);
	});
	after(async () => {
		await gateway?.stop();
	});

	const begin = (t, name = '/', options = {}) => open(t, generation, gateway.url + name, { transports, ...options });
	const enter = async (t, name, options) => {
		const socket = await connected(begin(t, name, options));

		if (upgrades)
			await upgraded(socket);
		return socket;
	};
	// The server's side of an end: the reason that the handler saw.
	const leaves = async (id, name = '/') => {
		const line = await gateway.line(new RegExp(`left ${name} because of .* sid=${id}( |$)`));

		return /because of ([a-z ]+)/.exec(line)[1];
	};

	test('events: none, one and several arguments, unicode, in order, also while it upgrades', async (t) => {
		const socket = await connected(begin(t));
		const sent = [[], ['one'], [1, '2', { 3: ['4'] }, null, true, false, 0.5], [UNICODE, { [UNICODE]: [UNICODE] }]];

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

	test('acks of the server, with none and several values', async (t) => {
		const socket = await enter(t);

		for (const args of [[], [1, 'two', { three: [3] }], [UNICODE], [null]])
			assert.deepEqual(await socket.ask('echo', ...args), args);
	});

	test('acks of the client, with none and several values', async (t) => {
		const socket = await enter(t);

		socket.on('question', (a, b, ack) => ack(b, a, UNICODE));
		assert.deepEqual(await socket.ask('ask', 'a', { b: 1 }), [{ b: 1 }, 'a', UNICODE]);
		socket.off('question');
		socket.on('question', (ack) => ack());
		assert.deepEqual(await socket.ask('ask'), []);
	});

	test('binary in events and acks, both ways', async (t) => {
		const socket = await enter(t);

		socket.emit('back', ...BINARY);
		assert.deepEqual(plain(await socket.next('back')), plain(BINARY));
		assert.deepEqual(plain(await socket.ask('echo', ...BINARY)), plain(BINARY));
		socket.on('question', (...args) => args.pop()(...args));
		assert.deepEqual(plain(await socket.ask('ask', ...BINARY)), plain(BINARY));
	});

	test('rooms: in one, in two, out again, with binary', async (t) => {
		const [ada, bob, eve] = await Promise.all([enter(t), enter(t), enter(t)]);

		for (const socket of [ada, bob])
			assert.ok((await socket.ask('join', 'tea'))[0].includes('tea'));
		assert.ok((await eve.ask('join', 'coffee'))[0].includes('coffee'));
		ada.emit('say', 'tea', 'hello', UNICODE);
		ada.emit('say', 'tea', ...BINARY);
		assert.deepEqual(await bob.next('said'), ['hello', UNICODE]);
		assert.deepEqual(plain(await bob.next('said')), plain(BINARY));
		assert.ok(!(await bob.ask('leave', 'tea'))[0].includes('tea'));
		ada.emit('say', 'tea', 'nobody');
		ada.emit('say', 'coffee', 'only Eve');
		assert.deepEqual(await eve.next('said'), ['only Eve']);
		for (const socket of [ada, bob, eve]) {
			await socket.ask('echo');
			assert.deepEqual(socket.inbox.items, []);
		}
	});

	test('namespaces: two on one connection, each with events, acks and an end of its own', async (t) => {
		const main = await enter(t);
		const other = await connected(openNamespace(t, main, '/other'));

		const { id } = other;

		assert.notEqual(main.id, id);
		for (const socket of [main, other]) {
			assert.deepEqual(await socket.ask('echo', 1), [1]);
			socket.emit('back', ...BINARY);
			assert.deepEqual(plain(await socket.next('back')), plain(BINARY));
		}
		other.emit('say', main.id, 'not across namespaces');
		other.disconnect();
		assert.equal(await leaves(id, '/other'), 'client namespace disconnect');
		assert.deepEqual(await main.ask('echo', 2), [2]);
		assert.deepEqual(main.inbox.items, []);
		other.connect();
		await connected(other);
		assert.deepEqual(await other.ask('echo', 3), [3]);
	});

	test('a namespace that does not exist is refused, and the connection goes on', async (t) => {
		const main = await enter(t);
		const [error] = await openNamespace(t, main, '/nowhere').happens('connect_error');

		assert.equal(error.message, 'Invalid namespace');
		assert.deepEqual(await main.ask('echo', 1), [1]);
	});

	test('refusal with message and data; with the right auth object it is let in', async (t) => {
		const [error] = await begin(t, '/guard', { auth: { token: 'bad' } }).happens('connect_error');
		const socket = await enter(t, '/guard', { auth: { token: 'good', deep: [UNICODE] } });

		assert.equal(error.message, 'not authorized');
		assert.deepEqual(error.data, { code: 403, words: ['ask', 'again'] });
		assert.deepEqual(await socket.ask('auth'), [{ token: 'good', deep: [UNICODE] }]);
	});

	disconnectCases(test, enter, leaves);

	test('large messages, both ways', async (t) => {
		const socket = await enter(t);
		const text = 'é世🏛'.repeat(60_000);
		const bytes = Buffer.from(Array.from({ length: 600_000 }, (_, i) => i * i));
		const both = [text.slice(0, 30_000), { bytes: bytes.subarray(0, 500_000) }];

		assert.deepEqual(await socket.ask('echo', text), [text]);
		assert.deepEqual(plain(await socket.ask('echo', bytes)), plain([bytes]));
		socket.emit('back', ...both);
		assert.deepEqual(plain(await socket.next('back')), plain(both));
	});

	test('reconnects when the server ends and comes back', async (t) => {
		const port = await freePort();
		const flags = [...(generation.flags ?? []), '--listen', `127.0.0.1:${port}`];
		const first = await forTest(t, 'clients', flags);
		const socket = await connected(open(t, generation, first.url, { transports, ...RECONNECTION }));
		const { id } = socket;
		const ended = socket.happens('disconnect');

		assert.deepEqual(await socket.ask('echo', 1), [1]);
		if (upgrades)
			await upgraded(socket); // in the middle of that its polling rests, and only a ping that does not come tells it
		await first.stop();
		assert.match((await ended)[0], /^transport (close|error)$/);
		const again = socket.happens('connect');
		await forTest(t, 'clients', flags);
		await again;
		assert.notEqual(socket.id, id);
		assert.deepEqual(plain(await socket.ask('echo', ...BINARY)), plain(BINARY));
		if (upgrades)
			await upgraded(socket);
	});
}
