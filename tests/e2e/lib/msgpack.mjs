// Packets of socket.io-msgpack-parser, made and read by that package itself, and by hand where it would not.

import { createRequire } from 'node:module';
import parser from 'socket.io-msgpack-parser';
import { BINARY, frame, RawWebSocket } from './raw.mjs';

const require = createRequire(createRequire(import.meta.url).resolve('socket.io-msgpack-parser'));
const notepack = require('notepack.io'); // the version that the parser has

export { parser };
export const pack = (value) => notepack.encode(value);
export const unpack = (bytes) => notepack.decode(bytes);
export const CONNECT = 0, DISCONNECT = 1, EVENT = 2, ACK = 3, CONNECT_ERROR = 4;

// Bytes written by hand: hexadecimal text, with packed values in between.
export const bytes = (...parts) => Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part.replaceAll(' ', ''), 'hex') : part)));
// A map whose values are bytes: what notepack.io cannot be made to write.
export const map = (members) => bytes((0x80 | Object.keys(members).length).toString(16), ...Object.entries(members).flatMap(([key, value]) => [pack(key), typeof value === 'string' ? bytes(value) : value]));

// A WebSocket of its own; `connect` joins the main namespace and takes the `auth` event of examples/conformance.
export async function session(t, port, { connect = true } = {}) {
	const ws = await RawWebSocket.session(t, port);

	ws.tell = (packet) => ws.write(frame(BINARY, Buffer.isBuffer(packet) ? packet : pack(packet)));
	ws.hear = async () => {
		for (;;) {
			const f = await ws.next('a packet');
			if (f.opcode === BINARY)
				return unpack(f.payload);
			if (f.payload.toString() !== '2')
				throw new Error(`opcode ${f.opcode} instead of a packet: ${f.payload}`);
			ws.send('3');
		}
	};
	if (connect) {
		ws.connected = await ws.tell({ type: CONNECT, nsp: '/' }).hear();
		ws.auth = await ws.hear();
	}
	return ws;
}
