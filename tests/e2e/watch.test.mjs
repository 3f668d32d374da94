// A module that is built again while clients are connected: --watch and SIGHUP. apps/watch.c is compiled here, with the
// compiler and the headers that an application's author would use.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, renameSync, rmSync, writeFileSync, copyFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { connect } from './lib/client.mjs';
import { Gateway, ROOT } from './lib/gateway.mjs';

const run = promisify(execFile);
const SOURCE = path.join(ROOT, 'tests/e2e/apps/watch.c');
const INCLUDES = ['common/app/include', 'common/codec/include'].map((dir) => `-I${path.join(ROOT, dir)}`);

function build(to, version, more = []) {
	return run(process.env.CC ?? 'cc', ['-std=c11', '-shared', '-fPIC', ...INCLUDES, `-DVERSION="${version}"`, ...more, '-o', to, SOURCE]);
}

// A gateway that runs version 1 from a folder of its own.
async function start(t, flags) {
	const dir = mkdtempSync(path.join(tmpdir(), 'stoa-watch-'));
	const file = path.join(dir, 'app.so');

	t.after(() => rmSync(dir, { recursive: true }));
	await build(file, '1');
	const g = await Gateway.start(file, flags);
	t.after(() => g.stop());
	return { g, dir, file };
}

const enter = (t, g) => connect(t, g.url, { transports: ['websocket'] });
const reloads = async (g) => {
	const metrics = await g.metrics();
	return [metrics['stoa_reloads_total{result="ok"}'], metrics['stoa_reloads_total{result="failed"}']];
};

test('--watch: a module that is built again takes over; clients stay, with their rooms', async (t) => {
	const { g, file } = await start(t, ['--watch']);
	const socket = await enter(t, g);
	const { id } = socket;

	await socket.ask('join');
	for (const version of ['2', '3', '4']) {
		const from = g.lines.length;

		await build(file, version);
		assert.match(await g.line(/ reloaded /, from), / info reloaded app=\S+app\.so sessions=1$/);
		assert.deepEqual(await socket.ask('version'), [version, [id, 'r']]);
		socket.emit('all');
		assert.deepEqual(await socket.next('hello'), [version]);
	}
	const told = g.lines.filter((line) => /msg="?(start|stop)/.test(line)).map((line) => /(start|stop) \d/.exec(line)[0]);
	assert.deepEqual(told, ['start 1', 'stop 1', 'start 2', 'stop 2', 'start 3', 'stop 3', 'start 4']);
	assert.deepEqual(await reloads(g), [3, 0]);
	assert.equal(socket.connected, true);
	assert.equal((await enter(t, g)).connected, true);
});

test('--watch: what waits ends before the old code goes; its acks and answers are nobody\'s', async (t) => {
	const { g, file } = await start(t, ['--watch']);
	const socket = await enter(t, g);
	let answer; // kept for the version that did not ask

	socket.on('question', (version, ack) => (answer = ack));
	const deferred = socket.ask('defer');
	await socket.ask('wait');
	await socket.next('question');
	const from = g.lines.length;
	await build(file, '2');
	await g.line(/ reloaded /, from);
	assert.deepEqual(await deferred, [{ error: 'the server is stopping' }]);
	const said = g.lines.slice(from).map((line) => /msg="([^"]*)"/.exec(line)?.[1]).filter((text) => text);
	assert.deepEqual(said.filter((text) => /ended/.test(text)).sort(), ['call ended: cancelled 1', 'timer ended: cancelled 1']);
	assert.deepEqual(said.filter((text) => /stop|start/.test(text)), ['stop 1 waiting 0', 'start 2']);

	// The new one's first call has the number of the old one's: the old answer must not be taken for it.
	const old = answer;
	socket.emit('defer', () => {});
	await socket.ask('wait');
	await socket.next('question');
	assert.notEqual(answer, old);
	old('late');
	assert.deepEqual(await socket.ask('waiting'), [2]);
	answer('now');
	assert.deepEqual(await socket.ask('waiting'), [1]);
});

test('--watch: background work ends before its code goes, and the new one has threads of its own', async (t) => {
	const { g, file } = await start(t, ['--watch']);
	const socket = await enter(t, g);

	await socket.ask('join');
	for (const version of ['1', '2']) {
		const from = g.lines.length;

		await socket.ask('work');
		await socket.ask('work');
		assert.deepEqual(await socket.next('working'), [version]);
		await build(file, String(Number(version) + 1));
		await g.line(/ reloaded /, from);
		const said = g.lines.slice(from).map((line) => /msg="([^"]*)"/.exec(line)?.[1]).filter((text) => text);
		assert.deepEqual(said, [`worked ${version}`, `worked ${version}`, `stop ${version} waiting 0`, `start ${Number(version) + 1}`]);
		await socket.ask('version');
		socket.received.items.length = 0;
	}
});

test('--watch: what does not load is reported, and the old one goes on', async (t) => {
	const { g, file } = await start(t, ['--watch']);
	const socket = await enter(t, g);

	await socket.ask('join');
	let from = g.lines.length;
	writeFileSync(file, 'no module');
	assert.match(await g.line(/ not-reloaded /, from), / error not-reloaded why=".*app\.so: .*"/);
	assert.deepEqual((await socket.ask('version'))[0], '1');

	from = g.lines.length;
	await build(file, '2', ['-DBROKEN']);
	assert.match(await g.line(/ not-reloaded .*broken/, from), /app\.so: it is broken/);
	assert.deepEqual((await socket.ask('version'))[0], '1');
	assert.deepEqual((await reloads(g))[0], 0);
	assert.deepEqual(await socket.next('tick'), ['1']);

	from = g.lines.length;
	await build(file, '3');
	await g.line(/ reloaded /, from);
	assert.deepEqual((await socket.ask('version'))[0], '3');
});

test('--watch: a file moved into place, and one written over in place', async (t) => {
	const { g, dir, file } = await start(t, ['--watch']);
	const socket = await enter(t, g);
	const other = path.join(dir, 'other.so');

	let from = g.lines.length;
	await build(other, '2');
	renameSync(other, file);
	await g.line(/ reloaded /, from);
	assert.deepEqual((await socket.ask('version'))[0], '2');

	from = g.lines.length;
	await build(other, '3');
	copyFileSync(other, file); // the same inode: the code that runs must not change under it
	await g.line(/ reloaded /, from);
	assert.deepEqual((await socket.ask('version'))[0], '3');
});

test('SIGHUP loads the module anew, without --watch too', async (t) => {
	const { g, file } = await start(t, []);
	const socket = await enter(t, g);

	rmSync(file);
	await build(file, '2');
	assert.deepEqual((await socket.ask('version'))[0], '1');
	for (const version of ['2', '3']) {
		const from = g.lines.length;

		if (version !== '2') {
			await build(file, version);
		}
		g.signal('SIGHUP');
		await g.line(/ reloaded /, from);
		assert.deepEqual((await socket.ask('version'))[0], version);
	}
	assert.equal(socket.connected, true);
});

test('no descriptor and no memory file is left of old modules', async (t) => {
	const { g, file } = await start(t, ['--watch']);
	const openNow = async () => (await g.metrics()).process_open_fds;
	const before = await openNow();

	for (let i = 2; i < 7; i++) {
		const from = g.lines.length;

		await build(file, String(i));
		await g.line(/ reloaded /, from);
	}
	assert.equal(await openNow(), before);
});
