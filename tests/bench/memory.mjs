// What a client that does nothing takes of the gateway's memory, and what adds to it: rooms, namespaces, headers, polling.
//
//	memory.mjs BIN             against memory.json; the last line says: cases: N passed, N failed, N skipped
//	memory.mjs --record BIN    writes memory.json anew
//
// Resident bytes of a fresh process, how they grow from a few clients to many, divided by those that came. It is the same
// within a hundredth each time: nothing is timed, and nobody else's load is in it. docs/memory.md says what the bytes are.

import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { frame, HANDSHAKE, request, TEXT, upgradeRequest } from '../e2e/lib/raw.mjs';
import { memoryOf } from './proc.mjs';
import { freePort } from './servers.mjs';

const RECORDED = path.join(path.dirname(fileURLToPath(import.meta.url)), 'memory.json');
const HUGE_PAGES = '/sys/kernel/mm/transparent_hugepage/enabled';
const MARGIN = 0.04;
const FEW = 400, MANY = 4400; // the tables that all clients share double at other numbers
const AT_A_TIME = 50;
const ROOM = 10; // clients
const READY_MS = 60_000, PATIENCE_MS = 30_000;

const BROWSER = [
	'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36',
	'Origin: https://chat.example.com', 'Pragma: no-cache', 'Cache-Control: no-cache', 'Accept-Encoding: gzip, deflate, br, zstd',
	'Accept-Language: en-GB,en;q=0.9,de;q=0.8', 'X-Forwarded-For: 203.0.113.77', 'X-Forwarded-Proto: https',
	`Cookie: session=${'0123456789abcdef'.repeat(16)}; consent=all; theme=dark`,
];

// Each brings a client `c` to where it rests; `i` is its number.
const cases = {
	'websocket': (c) => webSocket(c),
	'websocket-in-5-rooms-of-10': async (c, i) => {
		await webSocket(c);
		for (let room = 0; room < 5; room++)
			await c.ask(frame(TEXT, `420["join","room-${room}-${Math.floor(i / ROOM)}"]`), /430\[\]/);
	},
	'websocket-in-a-room-of-its-own': async (c, i) => {
		await webSocket(c);
		await c.ask(frame(TEXT, `420["join","user-${i}"]`), /430\[\]/);
	},
	'websocket-in-3-namespaces': async (c) => {
		await webSocket(c);
		for (const name of ['/one', '/two'])
			await c.ask(frame(TEXT, `40${name},`), new RegExp(`40${name},\\{"sid":`));
	},
	'websocket-of-a-browser': (c) => webSocket(c, BROWSER),
	'websocket-that-pings': async (c) => {
		await webSocket(c);
		await c.ask(frame(9, 'ping'), /ping/);
	},
	'polling-with-a-get-that-waits': async (c) => {
		const sid = /"sid":"([^"]+)"/.exec(await c.ask(request('GET', HANDSHAKE), /\r\n\r\n0\{.*\}$/))[1];
		const get = request('GET', `${HANDSHAKE}&sid=${sid}`);

		await c.ask(request('POST', `${HANDSHAKE}&sid=${sid}`, ['Content-Type: text/plain'], '40'), /\r\n\r\nok$/);
		await c.ask(get, /40\{"sid":/);
		c.write(get);
	},
};

async function webSocket(c, headers = []) {
	await c.ask(upgradeRequest('/socket.io/?EIO=4&transport=websocket', { key: 'dGhlIHNhbXBsZSBub25jZQ==', headers }), /0\{"sid":/);
	await c.ask(frame(TEXT, '40'), /40\{"sid":/);
}

function dial(port) {
	const socket = connect({ port, host: '127.0.0.1', noDelay: true });
	let input = '', wake = () => {}, over;

	socket.setEncoding('latin1').on('data', (text) => ((input += text), wake()));
	socket.on('error', (error) => ((over = error), wake())).on('close', () => ((over ??= new Error('closed')), wake()));
	return {
		write: (bytes) => socket.write(bytes),
		destroy: () => socket.destroy(),
		// Resolves with what came, once that matches.
		ask: (bytes, pattern) => new Promise((resolve, reject) => {
			const late = setTimeout(() => ((over = new Error('nothing more came')), wake()), PATIENCE_MS);

			input = '';
			wake = () => {
				if (over === undefined && !pattern.test(input))
					return;
				clearTimeout(late);
				wake = () => {};
				if (over === undefined)
					resolve(input);
				else
					reject(new Error(`${over.message} before ${pattern}: ${input.slice(0, 200)}`));
			};
			socket.write(bytes);
		}),
	};
}

async function startGateway(bin) {
	const port = await freePort();
	const gateway = spawn(path.join(bin, 'stoa-gateway'), ['--app', path.join(bin, '../apps/memory.so'), '--listen', `127.0.0.1:${port}`,
		'--ping-interval', '1h', '--cors-allowed-origins', '*', '--log-level', 'warn', '--shutdown-timeout', '1s'], { stdio: ['ignore', 'ignore', 'pipe'] });
	const ended = new Promise((resolve) => gateway.on('close', resolve).on('error', resolve));
	let log = '', isOver = false;

	gateway.stderr.setEncoding('utf8').on('data', (text) => (log += text));
	ended.then(() => (isOver = true));
	for (const until = Date.now() + READY_MS; ; await new Promise((resolve) => setTimeout(resolve, 20))) {
		if (await fetch(`http://127.0.0.1:${port}/`).then(() => true, () => false))
			break;
		if (isOver || Date.now() > until) {
			gateway.kill('SIGKILL');
			throw new Error(`the gateway did not start:\n${log}`);
		}
	}
	return { port, pid: gateway.pid, stop: () => (gateway.kill('SIGTERM'), ended) };
}

// Bytes of one client.
async function measure(bin, settle) {
	const gateway = await startGateway(bin), clients = [];
	const grow = async (to) => {
		while (clients.length < to) {
			const first = clients.length, more = Array.from({ length: AT_A_TIME }, () => dial(gateway.port));

			clients.push(...more);
			await Promise.all(more.map((c, i) => settle(c, first + i)));
		}
		return memoryOf([gateway.pid]).resident;
	};

	try {
		const few = await grow(FEW), many = await grow(MANY);

		return Math.round((many - few) / (MANY - FEW));
	} finally {
		clients.forEach((c) => c.destroy());
		await gateway.stop();
	}
}

// What is wrong with a figure, in one sentence; null: nothing.
function verdict(name, now, then) {
	if (Math.abs(now - then) <= then * MARGIN)
		return null;
	return `${name}: ${now} bytes, recorded are ${then}: ${now > then ? 'a client takes more; docs/memory.md says what of, and record anew only what is meant'
		: 'it takes less now; record it, so that it stays so'}: node tests/bench/memory.mjs --record BIN`;
}

async function check(bin) {
	const recorded = JSON.parse(readFileSync(RECORDED, 'utf8'));
	let failed = 0;

	if (/\[always\]/.test(readFileSync(HUGE_PAGES, 'utf8'))) {
		console.log(`SKIP: ${HUGE_PAGES} is "always": resident memory grows by 2 MB at a time`);
		console.log(`cases: 0 passed, 0 failed, ${Object.keys(cases).length} skipped`);
		return 0;
	}
	for (const [name, settle] of Object.entries(cases)) {
		const now = await measure(bin, settle), wrong = verdict(name, now, recorded[name] ?? 0);

		console.log(`${wrong ? 'not ok' : 'ok'} ${name}: ${now} bytes`);
		if (wrong)
			console.log(`FAIL: ${wrong}`);
		failed += wrong !== null;
	}
	console.log(`cases: ${Object.keys(cases).length - failed} passed, ${failed} failed, 0 skipped`);
	return failed ? 1 : 0;
}

async function record(bin) {
	const bytes = {};

	for (const [name, settle] of Object.entries(cases)) {
		bytes[name] = await measure(bin, settle);
		console.log(`${name}: ${bytes[name]} bytes`);
	}
	writeFileSync(RECORDED, `${JSON.stringify(bytes, null, '\t')}\n`);
	return 0;
}

const words = process.argv.slice(2).filter((word) => !word.startsWith('--'));
if (!words[0] || !existsSync(path.join(words[0], 'stoa-gateway'))) {
	console.error('usage: memory.mjs [--record] BIN');
	process.exit(2);
}
process.exitCode = await (process.argv.includes('--record') ? record : check)(path.resolve(words[0]));
