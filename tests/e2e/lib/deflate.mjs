// permessage-deflate (RFC 7692) for tests, by Node's zlib.

import assert from 'node:assert/strict';
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { frame, RawWebSocket } from './raw.mjs';

const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);

// A message's payload as a client sends it.
export function deflate(data, options = {}) {
	const all = deflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH, ...options });

	assert.ok(all.subarray(-4).equals(TAIL));
	return all.subarray(0, -4);
}

// What a payload stands for, to a client with a window of 2^windowBits bytes.
export const inflate = (payload, windowBits = 15) =>
	inflateRawSync(Buffer.concat([payload, TAIL]), { finishFlush: constants.Z_SYNC_FLUSH, windowBits });

// One message, deflated, as a frame.
export const deflated = (opcode, data, options = {}) => frame(opcode, deflate(data), { rsv: 4, ...options });

export const OFFER = 'permessage-deflate';
export const AGREED = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';

// A WebSocket whose offer was answered with `answer`; null: not at all.
export async function openDeflating(t, port, target, { offer = OFFER, answer = AGREED } = {}) {
	const ws = await RawWebSocket.open(t, port, target, { headers: [`Sec-WebSocket-Extensions: ${offer}`] });

	assert.equal(ws.response.headers['sec-websocket-extensions'], answer ?? undefined);
	return ws;
}

// The next message: its text or bytes, and whether it came deflated.
export async function nextMessage(ws, windowBits = 15) {
	const f = await ws.next();

	assert.ok(f.fin && (f.rsv === 0 || f.rsv === 4), `rsv ${f.rsv}`);
	const data = f.rsv ? inflate(f.payload, windowBits) : f.payload;
	return { opcode: f.opcode, data, text: f.opcode === 1 ? data.toString() : undefined, deflated: f.rsv === 4, size: f.payload.length };
}
