// Sessions leave nothing behind: resident memory after many short ones is what it was after few. STOA_LONG=1 (tests/run.sh
// --long) goes to a million of them. And what many took at a time is given back when they have gone.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { test } from 'node:test';
import { forTest, IS_DEV } from './lib/gateway.mjs';
import { frame, HANDSHAKE, request, SEPARATOR, TEXT, upgradeRequest } from './lib/raw.mjs';
import { deadline, eventually, PATIENCE_MS } from './lib/wait.mjs';

const LONG = process.env.STOA_LONG === '1';
const [FEW, MANY] = LONG ? [10_000, 1_000_000] : [2_000, 20_000];
const MARGIN = 1 << 20; // bytes, whatever the number: pages of the allocator that happen to be in use
const WORKERS = 40;

const resident = (pid) => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;

// A connection that tells of what comes; local addresses take turns, or the ports of one would run out.
let opened = 0;
function dial(port) {
	const socket = connect({ port, host: '127.0.0.1', localAddress: `127.0.0.${1 + opened++ % 200}`, noDelay: true });
	let input = '', wake = () => {}, over;

	socket.setEncoding('latin1').on('data', (text) => ((input += text), wake()));
	socket.on('error', (error) => ((over = error), wake())).on('close', () => ((over ??= new Error('closed')), wake()));
	return {
		socket,
		// Resolves when what came since the last time matches.
		until: (pattern) => new Promise((resolve, reject) => {
			wake = () => {
				if (pattern.test(input)) {
					const found = input;
					input = '';
					resolve(found);
				} else if (over !== undefined) {
					reject(new Error(`${over.message} before ${pattern}: ${input.slice(0, 200)}`));
				}
			};
			wake();
		}),
		ended: new Promise((resolve) => socket.on('close', resolve)),
	};
}

// Handshake, CONNECT, an event, a close frame.
async function webSocket(port) {
	const c = dial(port);

	c.socket.write(upgradeRequest('/socket.io/?EIO=4&transport=websocket', { key: 'dGhlIHNhbXBsZSBub25jZQ==' }));
	await c.until(/0\{"sid":/);
	c.socket.write(Buffer.concat([frame(TEXT, '40'), frame(TEXT, '420["join","room"]'), frame(8)]));
	await c.ended;
}

// The same by polling, on a connection that is used again; every other session leaves by 41 as well.
async function polling(c, i) {
	const ask = async (method, target, body) => {
		c.socket.write(request(method, target, ['Content-Type: text/plain'], body));
		return c.until(method === 'GET' ? /\r\n\r\n[^]+$/ : /\r\n\r\nok$/);
	};
	const sid = /"sid":"([^"]+)"/.exec(await ask('GET', HANDSHAKE))[1];
	const target = `${HANDSHAKE}&sid=${sid}`;

	await ask('POST', target, ['40', `420["join","room ${i}"]`].join(SEPARATOR));
	await ask('GET', target);
	await ask('POST', target, i % 2 ? '1' : `41${SEPARATOR}1`);
}

// So many sessions, half of them by WebSocket.
async function come(g, count) {
	let left = count;

	await Promise.all(Array.from({ length: WORKERS }, async (_, worker) => {
		const c = worker % 2 ? dial(g.port) : undefined;

		while (left-- > 0) {
			g.lines.length = 0; // one for each session
			await (c ? polling(c, left) : webSocket(g.port));
		}
		c?.socket.destroy();
	}));
}

const SKIPPED = IS_DEV && 'sanitizers keep freed memory back; the release build shows it';

test(`resident memory after ${MANY} short sessions is what it was after ${FEW}`,
	{ skip: SKIPPED }, async (t) => {
		const g = await forTest(t, 'e2e', ['--shutdown-timeout', '100ms']);
		const settled = () => eventually('all sessions to end', async () => {
			const m = await g.metrics();
			return m['stoa_sessions{transport="polling"}'] + m['stoa_sessions{transport="websocket"}'] + m.stoa_clients + m.stoa_rooms === 0;
		});

		await come(g, FEW);
		await settled();
		const few = resident(g.pid);

		await deadline(come(g, MANY - FEW), `${MANY} sessions`, undefined, LONG ? 3_600_000 : 8 * PATIENCE_MS);
		await settled();
		const many = resident(g.pid);
		assert.equal((await g.metrics())['stoa_handshakes_total{result="ok"}'], MANY);
		console.log(`${few} bytes after ${FEW} sessions, ${many} after ${MANY}: ${many - few}`);
		assert.ok(many - few <= MARGIN, `grew by ${many - few} bytes: ${few} after ${FEW} sessions, ${many} after ${MANY}`);
	});

// --- A spike ---------------------------------------------------------------------------------------------------------

const SPIKE = 3000; // clients
const LEFT = 0.2; // of what the spike took may stay

async function openWebSocket(port) {
	const c = dial(port);

	c.socket.write(upgradeRequest('/socket.io/?EIO=4&transport=websocket', { key: 'dGhlIHNhbXBsZSBub25jZQ==' }));
	await c.until(/0\{"sid":/);
	c.socket.write(frame(TEXT, '40'));
	await c.until(/40\{"sid":/);
	return c.socket;
}

// With a GET that waits.
async function openPolling(port) {
	const c = dial(port);
	const ask = (method, target, body) => c.socket.write(request(method, target, ['Content-Type: text/plain'], body));

	ask('GET', HANDSHAKE);
	const sid = /"sid":"([^"]+)"/.exec(await c.until(/\r\n\r\n[^]+$/))[1];
	ask('POST', `${HANDSHAKE}&sid=${sid}`, '40');
	await c.until(/\r\n\r\nok$/);
	ask('GET', `${HANDSHAKE}&sid=${sid}`);
	await c.until(/40\{"sid":/);
	ask('GET', `${HANDSHAKE}&sid=${sid}`);
	return c.socket;
}

// Does not read what it has asked for: some of it is in the kernel, and the most in its queue.
async function openSlow(port) {
	const socket = await openWebSocket(port);

	socket.pause();
	socket.write(frame(TEXT, '42["flood",800,10000]'));
	return socket;
}

const spikes = [
	{ what: `${SPIKE} WebSocket clients`, open: openWebSocket, count: SPIKE, least: 3e6 },
	{ what: `${SPIKE} polling clients`, open: openPolling, count: SPIKE, least: 2e6 },
	{ what: '10 clients with full queues', open: openSlow, count: 10, least: 20e6 },
];

for (const { what, open, count, least } of spikes) {
	test(`what ${what} took is given back when they have gone`, { skip: SKIPPED }, async (t) => {
		// Nothing of the bounds is met, and nothing happens by the clock.
		const g = await forTest(t, 'e2e', ['--shutdown-timeout', '100ms', '--max-send-queue', '20MB', '--ping-interval', '1h',
			'--connect-timeout', '1h', '--max-sessions-per-address', '0', '--max-new-sessions', '0']);
		const sockets = [];
		let left = count;

		await come(g, 100);
		const base = resident(g.pid);
		let peak = 0;

		await Promise.all(Array.from({ length: WORKERS }, async () => {
			while (left-- > 0)
				sockets.push(await open(g.port));
		}));
		await eventually(`${least} bytes to be in use`, () => (peak = Math.max(peak, resident(g.pid))) - base >= least);
		for (const socket of sockets)
			socket.destroy();
		await eventually(`${what} to be forgotten`, async () => resident(g.pid) - base <= LEFT * (peak - base));
		console.log(`${what}: ${base} bytes before, ${peak} with them, ${resident(g.pid)} after`);
		await eventually('it to be counted', async () => (await g.metrics()).stoa_memory_returns_total >= 1);
	});
}
