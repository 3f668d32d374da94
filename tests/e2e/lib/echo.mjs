// eio-echo for tests: the edge and session layers alone, every message comes back. Raw WebSocket connections to it,
// to the byte.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { BIN, Gateway } from './gateway.mjs';
import { CLOSE, frame, Raw, RawWebSocket, TEXT, upgradeRequest } from './raw.mjs';
import { eventually } from './wait.mjs';

export const TARGET = '/engine.io/?EIO=4&transport=websocket';
export const POLLING = '/engine.io/?EIO=4&transport=polling';

// What is STOA_* is an option to the program; the tests' own variables are none. With STOA_IO_URING they run once more.
const ENV = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('STOA_') || name === 'STOA_IO_URING'));

export class Echo extends Gateway {
	static async start(flags = []) {
		const echo = new Echo();

		await echo.#start(flags);
		return echo;
	}

	async #start(flags) {
		let rest = '';

		this.setMaxListeners(0);
		this.child = spawn(path.join(BIN, 'eio-echo'), ['--listen', '127.0.0.1:0', ...flags], { env: ENV, stdio: ['ignore', 'ignore', 'pipe'] });
		this.ended = new Promise((resolve, reject) => {
			this.child.on('error', reject).on('close', (code, signal) => resolve({ code, signal }));
		});
		this.child.stderr.setEncoding('utf8').on('data', (text) => {
			const lines = (rest + text).split('\n');

			rest = lines.pop();
			for (const line of lines) {
				this.lines.push(line);
				this.emit('line', line);
			}
		});
		const line = await Promise.race([
			this.line(/ listening .*addr=/),
			this.ended.then(({ code, signal }) => assert.fail(`eio-echo ended with ${code ?? signal}:\n${this.lines.join('\n')}${rest}`)),
		]);
		this.port = Number(/\baddr="?[^ "]*:(\d+)/.exec(line)[1]);
		this.atStart = this.descriptors();
	}

	descriptors() {
		return readdirSync(`/proc/${this.pid}/fd`).length;
	}

	// Every connection so far has left nothing behind.
	settled() {
		return eventually(`no more than ${this.atStart} descriptors`, () => this.descriptors() === this.atStart);
	}

	// A handshake is answered: whatever came before has cost its own connection at most.
	async serves() {
		const raw = await Raw.open(null, this.port);

		try {
			raw.write(upgradeRequest(TARGET));
			assert.equal((await raw.response()).status, 101);
		} finally {
			raw.socket.destroy();
		}
	}

	// A session of its own, its open packet taken.
	enter(t) {
		return RawWebSocket.session(t, this.port, { target: TARGET });
	}
}

// An eio-echo for all tests of a file; at the end all of its descriptors must be back.
export function shareEcho(before, after, flags = []) {
	let echo;

	before(async () => {
		echo = await Echo.start(flags);
	});
	after(async () => {
		await echo?.settled();
		await echo?.stop();
	});
	return () => echo;
}

// One for a single test.
export async function echoFor(t, flags = []) {
	const echo = await Echo.start(flags);

	t.after(async () => {
		await echo.settled();
		await echo.stop();
	});
	return echo;
}

// --- Bytes

// A frame as the server writes it.
export const out = (opcode, payload = '', options = {}) => frame(opcode, payload, { ...options, mask: false });

export const status = (code, reason = '') => Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason)]);

// Any head at all, then the payload, masked with `key` (null: not masked).
export function bytes(head, payload = '', key = Buffer.from([0x11, 0x22, 0x33, 0x44])) {
	const data = Buffer.from(payload);

	return Buffer.concat([Buffer.from(head), key ?? Buffer.alloc(0), key === null ? data : data.map((byte, i) => byte ^ key[i % 4])]);
}

function show(data) {
	return data.length <= 200 ? data.toString('hex') : `${data.toString('hex', 0, 100)}... (${data.length} bytes)`;
}

export function same(got, expected, what = 'what the server sent') {
	if (!got.equals(expected))
		assert.equal(show(got), show(expected), what);
}

// Reads as many bytes as are expected, which must be these.
export async function receives(ws, ...frames) {
	const expected = Buffer.concat(frames);
	const got = await ws.raw.read((input, over) => {
		const n = Math.min(input.length, expected.length);

		if (n < expected.length && !over && input.equals(expected.subarray(0, n)))
			return undefined;
		return { value: input.subarray(0, n), used: n };
	}, `the bytes ${show(expected)}`);

	same(got, expected);
}

// The connection goes on, and has nothing more to say than the answer to this.
export async function goesOn(ws) {
	ws.send('4still here');
	await receives(ws, out(TEXT, '4still here'));
}

// All that comes until the server's end, which must be an orderly one, is these frames.
export async function endsWith(ws, ...frames) {
	const how = await ws.raw.closed('the server to end the connection');

	same(ws.raw.input, Buffer.concat(frames));
	assert.equal(how, 'fin', 'a reset may destroy what was sent before');
	ws.raw.finish();
}

export const closeFrame = (code) => out(CLOSE, code === undefined ? '' : status(code));

// The bad input `data` is answered with `frames` and the end, and nobody else notices.
export async function isRefused(t, echo, data, ...frames) {
	const ws = await echo.enter(t);

	ws.write(data);
	await endsWith(ws, ...frames);
	await echo.serves();
}

// The input `data` is answered with `frames` and the connection goes on.
export async function isTaken(t, echo, data, ...frames) {
	const ws = await echo.enter(t);

	ws.write(data);
	await receives(ws, ...frames);
	await goesOn(ws);
	ws.raw.socket.destroy();
}
