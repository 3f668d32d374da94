// stoa-load must notice what it is there to notice: it meets a server that is right, and ones that lose, double, change
// or swap a message.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import test from 'node:test';

const require = createRequire(new URL('../e2e/package.json', import.meta.url));
const { WebSocketServer } = require('ws');
const LOAD = path.join(process.env.STOA_BIN, 'stoa-load');
const WRONG_ONE = 700; // which delivery the fault meets

const faults = {
	none: (send) => send,
	loses: (send) => (ws, message, n) => n !== WRONG_ONE && send(ws, message),
	doubles: (send) => (ws, message, n) => {
		send(ws, message);
		if (n === WRONG_ONE)
			send(ws, message);
	},
	changes: (send) => (ws, message, n) => send(ws, n === WRONG_ONE ? message.replace(/(.)"]$/, '#"]') : message),
	swaps: (send) => {
		let held = null;

		return (ws, message, n) => {
			if (n === WRONG_ONE)
				held = { ws, message };
			else
				send(ws, message);
			if (held?.ws === ws && n > WRONG_ONE) {
				send(ws, held.message);
				held = null;
			}
		};
	},
};

async function startServer(fault) {
	const http = createServer(), wss = new WebSocketServer({ server: http });
	const rooms = new Map();
	const deliver = faults[fault]((ws, message) => ws.send(message));
	let n = 0;

	wss.on('connection', (ws) => {
		ws.send('0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000}');
		ws.on('message', (data) => packet(ws, String(data)));
	});
	function packet(ws, text) {
		if (text === '40')
			return ws.send('40{"sid":"x"}');
		const [, id, json] = text.match(/^42(\d*)(\[.*)$/) ?? [];
		const [name, first, second] = JSON.parse(json ?? '[]');

		if (name === 'join') {
			rooms.set(first, [...(rooms.get(first) ?? []), ws]);
			ws.send(`43${id}[]`);
		} else if (name === 'say') {
			for (const member of rooms.get(first))
				deliver(member, `42${JSON.stringify(['say', second])}`, ++n);
		} else if (name === 'echo') {
			deliver(ws, `43${id}${JSON.stringify([first])}`, ++n);
		}
	}
	await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve));
	return { port: http.address().port, close: () => (wss.clients.forEach((ws) => ws.terminate()), http.close()) };
}

async function load(fault, args) {
	const server = await startServer(fault);
	const child = spawn(LOAD, [...args, '--port', String(server.port), '--warmup', '0.2', '--seconds', '0.5', '--patience', fault === 'loses' ? '2' : '60'], { stdio: ['ignore', 'pipe', 'inherit'] });
	let text = '';

	child.stdout.setEncoding('utf8').on('data', (piece) => (text += piece));
	const code = await new Promise((resolve) => child.on('close', resolve));
	server.close();
	return { code, ...JSON.parse(text) };
}

const kinds = { rooms: ['rooms', '--clients', '50', '--room-size', '10', '--window', '4'], echo: ['echo', '--clients', '20', '--window', '4'] };

for (const [kind, args] of Object.entries(kinds)) {
	test(`${kind}: a server that is right gets its figures`, async () => {
		const { code, ok, units } = await load('none', args);

		assert.deepEqual([code, ok], [0, true]);
		assert.ok(units > 0);
	});
	for (const fault of ['loses', 'doubles', 'changes', 'swaps']) {
		test(`${kind}: a server that ${fault} a message gets none`, async () => {
			const { code, ok, error, units } = await load(fault, args);

			assert.deepEqual([code, ok, units], [1, false, undefined]);
			assert.match(error, fault === 'loses' ? /lost/ : /lost, doubled, out of order or changed/);
		});
	}
}
