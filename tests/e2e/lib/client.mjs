// Stock Socket.IO clients for tests.

import { io } from 'socket.io-client';
import { deadline, Inbox } from './wait.mjs';

// The three ways a client comes. `undefined` is its default: polling first, then an upgrade.
export const WAYS = [
	{ way: 'WebSocket', transports: ['websocket'] },
	{ way: 'polling', transports: ['polling'] },
	{ way: 'polling and upgrade', transports: undefined },
];

// A client that is connecting. What it receives lies in its inbox; it is closed with the test.
export function open(t, url, options = {}) {
	return equip(t, io(url, { forceNew: true, reconnection: false, ...options }));
}

// The same, connected.
export async function connect(t, url, options = {}) {
	const socket = open(t, url, options);
	const refused = new Promise((_, reject) => socket.once('connect_error', (error) => reject(new Error(`connect_error: ${error.message}`, { cause: error }))));

	await deadline(Promise.race([new Promise((resolve) => socket.once('connect', resolve)), refused]), 'the client to connect');
	return socket;
}

// Another namespace of a client's connection; the manager connects it.
export function openNamespace(t, socket, name, options = {}) {
	return equip(t, socket.io.socket(name, options));
}

function equip(t, socket) {
	const inbox = new Inbox();

	t.after(() => socket.disconnect());
	socket.onAny((name, ...args) => inbox.put({ name, args }));
	socket.received = inbox;
	// The arguments of the next event of that name.
	socket.next = async (name) => (await inbox.take((e) => e.name === name, `the event ${name}`)).args;
	// One of the client's own: connect, connect_error, disconnect.
	socket.happens = (name) => deadline(new Promise((resolve) => socket.once(name, (...args) => resolve(args))), `${name} of the client`);
	// Emits, and resolves with what was acked.
	socket.ask = (name, ...args) => deadline(new Promise((resolve) => socket.emit(name, ...args, (...answer) => resolve(answer))), `the ack of ${name}`);
	return socket;
}

export const transportOf = (socket) => socket.io.engine.transport.name;

// Resolves when the connection has moved to WebSocket.
export function upgraded(socket) {
	const engine = socket.io.engine;

	if (engine.transport.name === 'websocket')
		return Promise.resolve();
	return deadline(new Promise((resolve) => engine.once('upgrade', resolve)), 'the upgrade');
}
