// Stock clients of every generation, all spoken to with the same words.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { deadline, Inbox } from './wait.mjs';

const require = createRequire(import.meta.url);

// The major version of the client decides what it can say; `options` are the client's, `flags` the gateway's.
const MSGPACK = { options: { parser: require('socket.io-msgpack-parser') }, flags: ['--parser', 'msgpack'], keepsSurrogates: false };

export const GENERATIONS = [
	{ client: 'socket.io-client 3.1.3', module: 'client-3.1.3' },
	{ client: 'socket.io-client 4.0.1', module: 'client-4.0.1' },
	{ client: 'socket.io-client 4.4.1', module: 'client-4.4.1' },
	{ client: 'socket.io-client 4.8.4', module: 'socket.io-client' },
	{ client: 'socket.io-client 3.1.3 with socket.io-msgpack-parser', module: 'client-3.1.3', ...MSGPACK },
	{ client: 'socket.io-client 4.8.4 with socket.io-msgpack-parser', module: 'socket.io-client', ...MSGPACK },
];

export const WAYS = [
	{ way: 'WebSocket', transports: ['websocket'] },
	{ way: 'polling', transports: ['polling'] },
	{ way: 'polling and upgrade', transports: ['polling', 'websocket'], upgrades: true },
];

const HEARD = ['back', 'said']; // what the application emits, of itself or when asked

// A client that is connecting, closed with the test.
export function open(t, { module, options: always = {} }, url, options = {}) {
	const { io } = require(module);
	const socket = (io ?? require(module))(url, { forceNew: true, reconnection: false, ...always, ...options });

	return equip(t, socket);
}

// Another namespace of a client's connection.
export const openNamespace = (t, socket, name) => equip(t, socket.io.socket(name));

// next(name): the arguments of the next event; ask(name, ..): what was acked; happens(name): one of the client's own.
function equip(t, socket) {
	const inbox = new Inbox();

	t.after(() => socket.disconnect());
	for (const name of HEARD)
		socket.on(name, (...args) => inbox.put({ name, args }));
	return Object.assign(socket, {
		inbox,
		next: async (name) => (await inbox.take((e) => e.name === name, `the event ${name}`)).args,
		ask: (name, ...args) => deadline(new Promise((resolve) => socket.emit(name, ...args, (...answer) => resolve(answer))), `the ack of ${name}`),
		happens: (name) => deadline(new Promise((resolve) => socket.once(name, (...args) => resolve(args))), `${name} of the client`),
	});
}

// Resolves when the client is connected.
export async function connected(socket) {
	const refused = new Promise((_, reject) => {
		for (const name of ['connect_error', 'error'])
			socket.once(name, (error) => reject(new Error(`${name}: ${error?.message ?? error}`, { cause: error })));
	});

	if (!socket.connected)
		await deadline(Promise.race([new Promise((resolve) => socket.once('connect', resolve)), refused]), 'the client to connect');
	refused.catch(() => {}); // what comes later is no concern of this
	return socket;
}

// Resolves when the connection has moved to WebSocket.
export function upgraded(socket) {
	const engine = socket.io.engine;

	if (engine.transport.name === 'websocket')
		return Promise.resolve();
	return deadline(new Promise((resolve) => engine.once('upgrade', resolve)), 'the upgrade');
}

// Binary in a form that can be compared, whatever it came as.
export const plain = (value) =>
	value instanceof ArrayBuffer ? { bytes: Buffer.from(value).toString('hex') }
	: ArrayBuffer.isView(value) ? { bytes: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex') }
	: Array.isArray(value) ? value.map(plain)
	: value !== null && typeof value === 'object' ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)]))
	: value;

// How a client goes, with the reasons that it and the server give, the same in every generation. `enter(t)` brings a client,
// `leaves(id)` resolves with the server's reason.
export function disconnectCases(test, enter, leaves) {
	test('disconnected by the client: of a namespace, and by closing the transport', async (t) => {
		const [polite, rude] = await Promise.all([enter(t), enter(t)]);
		const ids = [polite.id, rude.id];
		const ends = [polite.happens('disconnect'), rude.happens('disconnect')];

		polite.disconnect();
		rude.io.engine.close();
		assert.deepEqual((await Promise.all(ends)).map(([reason]) => reason), ['io client disconnect', 'forced close']);
		assert.deepEqual(await Promise.all(ids.map((id) => leaves(id))), ['client namespace disconnect', 'transport close']);
	});

	test('disconnected by the server: of a namespace, and of everything', async (t) => {
		const [one, all] = await Promise.all([enter(t), enter(t)]);
		const ids = [one.id, all.id];
		const ends = [one.happens('disconnect'), all.happens('disconnect')];

		one.emit('bye');
		all.emit('byebye');
		assert.deepEqual((await Promise.all(ends)).map(([reason]) => reason), ['io server disconnect', 'io server disconnect']);
		assert.deepEqual(await Promise.all(ids.map((id) => leaves(id))), ['server namespace disconnect', 'server namespace disconnect']);
	});
}
