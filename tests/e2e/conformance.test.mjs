// examples/conformance with the stock client: what public protocol suites expect, over each transport.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { connect, open, openNamespace, WAYS } from './lib/client.mjs';
import { share } from './lib/gateway.mjs';
import { delay, eventually } from './lib/wait.mjs';

const gateway = share(before, after, 'conformance');

const ARGUMENTS = [
	['text', ['hello']],
	['several', [1, '2', { 3: ['4'] }, null, true, false]],
	['none', []],
	['nested', [{ a: { b: { c: [[[{}]]] } } }]],
	['numbers', [0, -1, 0.1, 1e21, 1e-7, 123456789012345]],
	['unicode', ['€ 世界 🏛 \u0000 \u001f \u2028 \ud83d\ude00']],
	['keys that mean something elsewhere', [JSON.parse('{"__proto__":1,"constructor":2,"toString":3,"_placeholder":false,"num":7}')]],
];

// A client has 500 ms to answer. A machine that stands still for longer is asked again.
const TIMED_OUT = 'operation has timed out';
const answered = (socket) => eventually('an answer in time', async () => {
	const answer = await socket.ask('ask');

	return answer[0] !== TIMED_OUT && answer;
});
const plain = (value) =>
	value instanceof ArrayBuffer || ArrayBuffer.isView(value) ? { bytes: Buffer.from(value).toString('hex') }
	: Array.isArray(value) ? value.map(plain)
	: value !== null && typeof value === 'object' ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)]))
	: value;

for (const { way, transports } of WAYS) {
	describe(`conformance over ${way}`, () => {
		const enter = (t, options = {}) => connect(t, gateway().url, { transports, ...options });
		const enterNamespace = (t, name, options = {}) => connect(t, gateway().url + name, { transports, ...options });

		test('2.10: CONNECT is followed by `auth` with the auth object, {} when none', async (t) => {
			assert.deepEqual(await (await enter(t)).next('auth'), [{}]);
			assert.deepEqual(await (await enter(t, { auth: { token: '123', deep: [1] } })).next('auth'), [{ token: '123', deep: [1] }]);
			assert.deepEqual(await (await enterNamespace(t, '/custom', { auth: { a: 1 } })).next('auth'), [{ a: 1 }]);
		});

		test('2.10: several namespaces live on one connection and leave it one by one', async (t) => {
			const main = await enter(t);
			const custom = openNamespace(t, main, '/custom', { auth: { b: 2 } });

			assert.deepEqual(await custom.next('auth'), [{ b: 2 }]);
			assert.notEqual(custom.id, main.id);
			custom.disconnect();
			assert.deepEqual(await main.ask('message-with-ack', 1), [1]);
			const again = openNamespace(t, main, '/custom');
			assert.deepEqual(await again.next('auth'), [{ b: 2 }]);
		});

		for (const [what, args] of ARGUMENTS) {
			test(`message: message-back with all arguments: ${what}`, async (t) => {
				const socket = await enter(t);

				socket.emit('message', ...args);
				assert.deepEqual(await socket.next('message-back'), args);
			});

			test(`message-with-ack: acks all arguments: ${what}`, async (t) => {
				const socket = await enter(t);

				assert.deepEqual(await socket.ask('message-with-ack', ...args), args);
			});
		}

		test('binary comes back byte for byte, at any depth and in order', async (t) => {
			const socket = await enter(t);
			const args = [Buffer.from([1, 2, 3]), { a: Buffer.from([]), b: [Buffer.from([0, 255]), 'text'] }, Buffer.alloc(70_000, 7)];

			socket.emit('message', ...args);
			assert.deepEqual(plain(await socket.next('message-back')), plain(args));
			assert.deepEqual(plain(await socket.ask('message-with-ack', ...args)), plain(args));
		});

		test('join: acks the rooms without the own one', async (t) => {
			const socket = await enter(t);

			assert.deepEqual(await socket.ask('join', 'one'), [['one']]);
			assert.deepEqual((await socket.ask('join', 'two'))[0].sort(), ['one', 'two']);
			assert.deepEqual((await socket.ask('join', 'one'))[0].sort(), ['one', 'two'], 'joining twice is joining once');
		});

		test('bcast: everybody in the namespace gets `bc`, no other namespace', async (t) => {
			const one = await enter(t);
			const two = await enter(t);
			const custom = openNamespace(t, two, '/custom');
			const bytes = Buffer.from([9, 8]);

			await custom.next('auth');
			one.emit('bcast', 'a', { b: bytes });
			assert.deepEqual(plain(await one.next('bc')), plain(['a', { b: bytes }]));
			assert.deepEqual(plain(await two.next('bc')), plain(['a', { b: bytes }]));
			assert.deepEqual(custom.received.items, []);
		});

		test('ask: acks what the client answers to `q`', async (t) => {
			const socket = await enter(t);

			socket.on('q', (one, answer) => answer(one + 1));
			assert.deepEqual(await answered(socket), [2]);
			socket.off('q').on('q', (one, answer) => answer(Buffer.from([1])));
			assert.deepEqual(plain(await answered(socket)), plain([Buffer.from([1])]));
		});

		test('ask: acks "operation has timed out" after 500 ms without one; a late answer changes nothing', async (t) => {
			const socket = await enter(t);
			const asked = Date.now();
			let late;

			socket.on('q', (one, answer) => (late = answer));
			assert.deepEqual(await socket.ask('ask'), [TIMED_OUT]);
			assert.ok(Date.now() - asked >= 490, `after ${Date.now() - asked} ms`);
			late('too late');
			assert.deepEqual(await socket.ask('message-with-ack', 'goes on'), ['goes on']);
		});

		test('bye: the namespace is disconnected, the others stay', async (t) => {
			const socket = await enter(t);
			const custom = openNamespace(t, socket, '/custom');

			await custom.next('auth');
			socket.emit('bye');
			assert.deepEqual((await socket.happens('disconnect'))[0], 'io server disconnect');
			assert.equal(custom.connected, true);
		});

		test('byebye: all namespaces are disconnected and the connection is closed', async (t) => {
			const socket = await enter(t);
			const custom = openNamespace(t, socket, '/custom');
			const engine = socket.io.engine;

			await custom.next('auth');
			const ends = Promise.all([socket.happens('disconnect'), custom.happens('disconnect')]);
			const closed = new Promise((resolve) => engine.once('close', resolve));
			socket.emit('byebye');
			assert.deepEqual((await ends).map(([reason]) => reason), ['io server disconnect', 'io server disconnect']);
			await closed;
		});

		test('/guard: refuses with `not authorized`, with data when auth.data is set, and accepts when auth.ok', async (t) => {
			const refusal = async (auth) => {
				const socket = open(t, `${gateway().url}/guard`, { transports, auth });
				const [error] = await socket.happens('connect_error');
				return [error.message, error.data];
			};

			assert.deepEqual(await refusal(undefined), ['not authorized', undefined]);
			for (const ok of [false, 0, '', null])
				assert.deepEqual(await refusal({ ok }), ['not authorized', undefined]);
			assert.deepEqual(await refusal({ data: 1 }), ['not authorized', { content: 'Please retry later' }]);
			for (const ok of [true, 1, 'yes', [], {}])
				await enterNamespace(t, '/guard', { auth: { ok } });
		});

		test('/dynamic-<digits> is accepted, every other name is answered `Invalid namespace`', async (t) => {
			const refusal = async (name) => {
				const socket = open(t, gateway().url + name, { transports });
				return (await socket.happens('connect_error'))[0].message;
			};

			await enterNamespace(t, '/dynamic-101');
			await enterNamespace(t, '/dynamic-0');
			for (const name of ['/dynamic-', '/dynamic-x', '/dynamic-1x', '/dynamic', '/nope', '/customs', '/Custom'])
				assert.equal(await refusal(name), 'Invalid namespace', name);
		});

		test('events reach the handler in the order sent', async (t) => {
			const socket = await enter(t);

			for (let i = 0; i < 200; i++)
				socket.emit('message', i, i % 3 === 0 ? Buffer.from([i]) : i);
			for (let i = 0; i < 200; i++)
				assert.equal((await socket.next('message-back'))[0], i);
		});
	});
}

test('2.10: an event with an id that nobody handles is never acked', async (t) => {
	const socket = await connect(t, gateway().url);
	let acked = false;

	socket.emit('nobody handles this', () => (acked = true));
	await socket.ask('message-with-ack');
	await delay(50);
	assert.equal(acked, false);
});
