// permessage-deflate with stock clients: socket.io-client in Node, Chromium, Python's aiohttp.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openPage, useBrowser } from './lib/browser.mjs';
import { connect, transportOf } from './lib/client.mjs';
import { nextMessage, openDeflating } from './lib/deflate.mjs';
import { CLIENT_DIR, forTest, share } from './lib/gateway.mjs';
import { deadline, PATIENCE_MS } from './lib/wait.mjs';

useBrowser(after);

const gateway = share(before, after, 'conformance', ['--per-message-deflate', '--http-compression', '--client-dir', CLIENT_DIR]);
const large = (n) => ({ n, list: Array.from({ length: 300 }, (_, i) => ({ id: i, name: `player ${i}`, alive: i % 2 === 0 })) });
const isDeflating = (socket) => Boolean(socket.io.engine.transport.ws.extensions.includes('permessage-deflate'));


test('socket.io-client in Node: events, acks, binary, both ways', async (t) => {
	const socket = await connect(t, gateway().url, { transports: ['websocket'], perMessageDeflate: { threshold: 0 } });

	assert.ok(isDeflating(socket));
	for (const what of [large(1), 'x'.repeat(100_000), 'é€🏛'.repeat(1000), 1, '', null]) {
		socket.emit('message', what);
		assert.deepEqual(await socket.next('message-back'), [what]);
		assert.deepEqual(await socket.ask('message-with-ack', what), [what]);
	}
	const binary = Buffer.alloc(5000, 'binary');
	socket.emit('message', binary, 'between', Buffer.from('small'));
	assert.deepEqual(await socket.next('message-back'), [binary, 'between', Buffer.from('small')]);
});

test('a broadcast to clients that deflate, that do not, that poll: the same in the same order', async (t) => {
	const g = gateway();
	const before = await g.metrics();
	const ways = [
		{ transports: ['websocket'], perMessageDeflate: { threshold: 0 } },
		{ transports: ['websocket'], perMessageDeflate: { threshold: 0 } },
		{ transports: ['websocket'], perMessageDeflate: false },
		{ transports: ['polling'] },
		{},
	];
	const sockets = await Promise.all(ways.map((options) => connect(t, g.url, options)));
	const N = 60;

	assert.deepEqual(sockets.map((s) => transportOf(s) === 'websocket' && isDeflating(s)).slice(0, 4), [true, true, false, false]);
	for (let i = 0; i < N; i++)
		sockets[0].emit('bcast', i % 3 === 0 ? large(i) : { n: i });
	for (const socket of sockets)
		for (let i = 0; i < N; i++)
			assert.deepEqual(await socket.next('bc'), [i % 3 === 0 ? large(i) : { n: i }]);
	const after = await g.metrics();
	const moved = (stage) => {
		const name = `stoa_websocket_compression_bytes_total{stage="${stage}"}`;
		return after[name] - before[name];
	};
	// Once for each broadcast, not for each client.
	const size = JSON.stringify(['bc', large(0)]).length;
	assert.ok(moved('in') >= 20 * size && moved('in') < 20 * (size + 100), `${moved('in')} bytes for 20 of ${size}`);
	assert.ok(moved('out') < moved('in') / 4);
});

test('compress=False: the same emit deflated and not', async (t) => {
	const g = await forTest(t, 'rows', ['--per-message-deflate']);
	const [ada, bob] = [await openDeflating(t, g.port), await openDeflating(t, g.port)];
	const seen = {};

	for (const ws of [ada, bob]) {
		await ws.text();
		ws.send('40');
		ws.sid = JSON.parse((await ws.text()).slice(2)).sid;
	}
	ada.send(`42${JSON.stringify(['flags', bob.sid, 'x'.repeat(2000)])}`);
	for (let i = 0; i < 4; i++) {
		const message = await nextMessage(bob);
		seen[JSON.parse(message.text.slice(2))[0]] = message.deflated;
	}
	assert.deepEqual(seen, { local: true, uncompressed: false, latest: true, all: false });
});

test('Chromium: agrees, and sees what was said', async (t) => {
	const page = await openPage(t, `${gateway().url}/socket.io/socket.io.js`);
	const said = large(7);
	const [got, extensions] = await page.evaluate(async ([what, url]) => {
		const seen = [];
		const Native = WebSocket;
		globalThis.WebSocket = class extends Native {
			constructor(...args) {
				super(...args);
				seen.push(this);
			}
		};
		const { io } = await import(`${url}/socket.io/socket.io.esm.min.js`);
		const socket = io(url, { transports: ['websocket'] });
		const answer = await new Promise((resolve) => {
			socket.on('message-back', resolve);
			socket.emit('message', what);
		});
		const names = seen.map((ws) => ws.extensions);
		socket.disconnect();
		return [answer, names];
	}, [said, gateway().url]);

	assert.deepEqual(got, said);
	assert.equal(extensions.length, 1);
	assert.match(extensions[0], /^permessage-deflate/);
});

for (const compress of [0, 9, 15])
	test(`Python's aiohttp, compress=${compress}`, async (t) => {
		const script = path.join(path.dirname(fileURLToPath(import.meta.url)), 'python_deflate.py');
		const child = spawn('/usr/bin/python3', ['-B', script, gateway().url, String(compress)], { stdio: ['ignore', 'pipe', 'pipe'] });
		let output = '';

		t.after(() => child.kill('SIGKILL'));
		for (const stream of [child.stdout, child.stderr])
			stream.setEncoding('utf8').on('data', (text) => (output += text));
		assert.equal(await deadline(new Promise((resolve) => child.on('close', resolve)), 'the Python client', () => output, 4 * PATIENCE_MS), 0, output);
		assert.match(output, /^ok\n$/);
	});
