// The option io_uring: writes to many WebSockets by one system call, with nothing different for anybody; and a kernel that
// does not let us. Other files are run once more with it: e2e-uring/NAME.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { appPath, forTest } from './lib/gateway.mjs';
import { RawWebSocket } from './lib/raw.mjs';
import { Refused, whyNoUring } from './lib/uring.mjs';
import { eventually } from './lib/wait.mjs';

const skip = await whyNoUring();
const NOT_LET = 'this machine does not let a process filter its system calls';

// Clients in the room "r", who have been told so.
function crowd(t, g, n) {
	return Promise.all(Array.from({ length: n }, async () => {
		const ws = await RawWebSocket.session(t, g.port, { connect: '' });

		ws.send('420["join","r"]');
		assert.match(await ws.text(), /^430\[/);
		return ws;
	}));
}

// Has `who` say the numbers from `from` to below `to` to the room, in one write, each in a text of `size` bytes.
function say(who, from, to, size = 1) {
	who.raw.socket.cork();
	for (let i = from; i < to; i++)
		who.send(`42["say","r","${String(i).padStart(size, '0')}"]`);
	who.raw.socket.uncork();
}

async function hear(ws, from, to) {
	for (let i = from; i < to; i++)
		assert.match(await ws.message(`message ${i}`), new RegExp(`^42\\["said","0*${i}"\\]$`));
}

test('what many hear at once is written in batches, to each in order', { skip }, async (t) => {
	const g = await forTest(t, 'e2e', ['--io-uring']);
	const all = await crowd(t, g, 40);
	const before = (await g.metrics()).stoa_io_uring_writes_total;

	for (let i = 0; i < 40; i += 8) {
		say(all[i], i, i + 8);
		await Promise.all(all.map((ws) => hear(ws, i, i + 8)));
	}
	const metrics = await g.metrics();
	assert.equal(metrics.stoa_io_uring, 1);
	assert.ok(metrics.stoa_io_uring_writes_total - before >= 5 * 39, `${metrics.stoa_io_uring_writes_total - before} writes`);
});

test('it is off by itself', async (t) => {
	const g = await forTest(t, 'e2e', process.env.STOA_IO_URING ? ['--no-io-uring'] : []);
	const all = await crowd(t, g, 10);

	say(all[0], 0, 8);
	await Promise.all(all.map((ws) => hear(ws, 0, 8)));
	const metrics = await g.metrics();
	assert.equal(metrics.stoa_io_uring, 0);
	assert.equal(metrics.stoa_io_uring_writes_total, 0);
});

test('who reads late gets everything, in order, and then is written to as before', { skip }, async (t) => {
	const COUNT = 5000; // more than the kernel takes for two sockets
	const g = await forTest(t, 'e2e', ['--io-uring', '--max-send-queue', '100MB']);
	const [late, speaker, ...others] = await crowd(t, g, 4);

	late.raw.socket.pause();
	for (let i = 0; i < COUNT; i += 4)
		say(speaker, i, i + 4, 2500);
	await Promise.all([speaker, ...others].map((ws) => hear(ws, 0, COUNT)));
	late.raw.socket.resume();
	await hear(late, 0, COUNT);
	say(speaker, COUNT, COUNT + 8);
	await Promise.all([late, speaker, ...others].map((ws) => hear(ws, COUNT, COUNT + 8)));
});

test('who reads nothing is closed as slow, who is gone is gone, and nobody else misses anything', { skip }, async (t) => {
	const g = await forTest(t, 'e2e', ['--io-uring', '--max-send-queue', '100KB']);
	const all = await crowd(t, g, 24);
	const slow = all.splice(0, 3);
	const leaving = all.splice(0, 6);

	slow.forEach((ws) => ws.raw.socket.pause());
	const ended = (why) => g.lines.filter((line) => / closed /.test(line) && line.includes(`why="${why}"`)).length;
	for (let i = 0; ended('slow client') < 3 || leaving.length > 0; i += 8) {
		assert.ok(i < 20_000, 'the slow ones should have been closed');
		say(all[0], i, i + 8, 4000);
		if (i % 80 === 0)
			leaving.pop()?.raw.reset();
		await Promise.all(all.map((ws) => hear(ws, i, i + 8)));
	}
	await eventually('those that are gone to be noticed', () => ended('transport close') + ended('transport error') === 6);
	const metrics = await g.metrics();
	assert.equal(metrics['stoa_sessions{transport="websocket"}'], all.length);
	assert.equal(metrics['stoa_limit_total{limit="max_send_queue"}'], 3);
});

test('a kernel that forbids it: one warning, and all goes on without', async (t) => {
	const g = await Refused.start(t, 'setup', ['--app', appPath('e2e'), '--io-uring']);

	if (g === null)
		return t.skip(NOT_LET);
	const all = await crowd(t, g, 10);
	say(all[0], 0, 8);
	await Promise.all(all.map((ws) => hear(ws, 0, 8)));
	const lines = g.lines.filter((line) => /io-uring/.test(line));
	assert.equal(lines.length, 1, lines.join('\n'));
	assert.match(lines[0], / warn .*io-uring-unavailable why="(it is forbidden here, by a seccomp filter|it was built without liburing)/);
	assert.equal((await g.metrics()).stoa_io_uring, 0);
});

test('a kernel that gives it and then does not: what was in the batch arrives, once, and all goes on without', { skip }, async (t) => {
	const g = await Refused.start(t, 'enter', ['--app', appPath('e2e'), '--io-uring']);

	if (g === null)
		return t.skip(NOT_LET);
	assert.equal((await g.metrics()).stoa_io_uring, 1);
	const all = await crowd(t, g, 10);
	for (let i = 0; i < 24; i += 8) {
		say(all[i % 10], i, i + 8);
		await Promise.all(all.map((ws) => hear(ws, i, i + 8)));
	}
	assert.equal(g.lines.filter((line) => / io-uring-lost /.test(line)).length, 1);
	assert.equal((await g.metrics()).stoa_io_uring, 0);
});
