// `workers = N`: several gateways on one port of one machine, and the process that looks after them. apps/workers.c.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect, open, upgraded } from './lib/client.mjs';
import { appPath, forTest, freePort, Gateway, IS_DEV, runGateway } from './lib/gateway.mjs';
import { fetchRaw, HANDSHAKE, Polling, Raw, RawWebSocket } from './lib/raw.mjs';
import { shareRedis } from './lib/redis.mjs';
import { deadline, eventually } from './lib/wait.mjs';
import { events, metricsOf, together, workersForTest, workersOf } from './lib/workers.mjs';

const N = 3;
const CLIENTS = IS_DEV ? 40 : 100;
const redis = shareRedis(before, after);
const key = () => ['--redis-key', `workers-${Math.random()}`];
const start = (t, n = N, flags = []) => workersForTest(t, redis(), n, [...key(), ...flags]);
const WEBSOCKET = { transports: ['websocket'] };

// The first of two ports that were free a moment ago.
async function freePorts() {
	for (;;) {
		const port = await freePort();
		const server = createServer();
		const isFree = await new Promise((resolve) => server.once('error', () => resolve(false)).listen(port + 1, '127.0.0.1', () => resolve(true)));

		server.close();
		if (isFree)
			return port;
	}
}

function isAlive(pid) {
	try {
		process.kill(pid, 0);
		return true;
	} catch {
		return false;
	}
}

// A client of every worker, in their order: connections come until all have one.
async function oneEach(t, g, options = WEBSOCKET) {
	const found = new Map();

	await eventually('a client of each worker', async () => {
		const socket = await connect(t, g.url, options);
		const [pid] = await socket.ask('pid');

		if (found.has(pid))
			socket.disconnect();
		else
			found.set(pid, socket);
		return found.size === workersOf(g).length;
	});
	return workersOf(g).map(({ pid }) => found.get(pid));
}

describe('one port', () => {
	test('its connections spread over the workers, and each tells of itself', async (t) => {
		const g = await start(t, N, ['--node-name', 'box']);
		const pids = await Promise.all(Array.from({ length: CLIENTS }, async () => (await (await connect(t, g.url, WEBSOCKET)).ask('pid'))[0]));
		const counts = workersOf(g).map(({ pid }) => pids.filter((p) => p === pid).length);

		assert.equal(counts.reduce((a, b) => a + b), CLIENTS);
		assert.ok(Math.min(...counts) > CLIENTS / N / 5, `clients of each worker: ${counts}`);
		for (const [i, worker] of workersOf(g).entries()) {
			const m = await metricsOf(worker);

			assert.deepEqual([m.stoa_worker, m.stoa_workers, m.stoa_worker_restarts_total, m.stoa_clients], [i, N, 0, counts[i]]);
		}
		for (let i = 0; i < N; i++)
			await g.line(new RegExp(` node-joined worker=${(i + 1) % N} .*name=box\\.${i}`));
	});

	test('a room spans them', async (t) => {
		const g = await start(t);
		const sockets = await oneEach(t, g);

		await Promise.all(sockets.map((s) => s.ask('join', 'r')));
		await together(g, N);
		for (const [i, s] of sockets.entries()) {
			s.emit('say', 'r', `from ${i}`);
			for (const other of sockets)
				assert.deepEqual(await other.next('said'), [`from ${i}`]);
		}
	});

	for (const [what, transports] of [['default transports', undefined], ['polling only', ['polling']]]) {
		test(`clients with ${what} are at home at any worker`, async (t) => {
			const g = await start(t);
			const troubles = [];
			const sockets = Array.from({ length: CLIENTS }, () => open(t, g.url, { transports, timeout: 60_000 }));

			for (const s of sockets)
				s.on('connect_error', (error) => troubles.push(`connect_error ${error.message} ${error.description}`))
					.on('disconnect', (reason) => reason === 'io client disconnect' || troubles.push(`disconnect ${reason}`));
			await deadline(Promise.all(sockets.map((s) => new Promise((resolve) => s.once('connect', resolve).once('connect_error', resolve)))), 'all to connect', () => troubles.join('\n'), 60_000);
			if (transports === undefined)
				await Promise.all(sockets.map(upgraded));
			await Promise.all(sockets.map((s) => s.ask('join', 'r')));
			await together(g, N);
			for (let i = 0; i < 3; i++) {
				sockets[i].emit('say', 'r', `round ${i}`);
				for (const s of sockets)
					assert.deepEqual(await s.next('said'), [`round ${i}`]);
			}
			assert.deepEqual(troubles, []);
			const relayed = await Promise.all(workersOf(g).map(async (w) => (await metricsOf(w))['stoa_relayed_total{kind="poll",result="answered"}']));
			assert.ok(relayed.every((n) => n > 0), `polls that each took to another: ${relayed}`);
		});
	}

	test('a fixed internal port is the first one\'s, and the next ones\' follow', async (t) => {
		const port = await freePorts();
		const g = await forTest(t, 'workers', ['--workers', 2, '--redis-url', redis().url, ...key(), '--internal-listen', `127.0.0.1:${port}`, '--node-address', `127.0.0.1:${port}`]);

		await eventually('both to listen', () => workersOf(g).filter((w) => w?.internal).length === 2);
		assert.deepEqual(workersOf(g).map((w) => w.internal), [`127.0.0.1:${port}`, `127.0.0.1:${port + 1}`]);
		await g.line(new RegExp(` node-joined worker=0 .*address=127\\.0\\.0\\.1:${port + 1}$`));
		assert.equal((await metricsOf(workersOf(g)[1])).stoa_worker, 1);
	});
});

describe('a worker that ends', () => {
	test('killed: it is started again, the others do not notice, and its clients come back', async (t) => {
		const g = await start(t);
		const sockets = await oneEach(t, g, { ...WEBSOCKET, reconnection: true, reconnectionDelay: 10 });
		const victim = workersOf(g)[1];
		const ended = [];

		sockets.forEach((s, i) => s.on('disconnect', (reason) => ended.push([i, reason])));
		const back = sockets[1].happens('connect');
		process.kill(victim.pid, 'SIGKILL');
		await back;
		assert.deepEqual(ended, [[1, 'transport close']]);
		await g.line(new RegExp(` worker-ended worker=1 pid=${victim.pid} signal=SIGKILL core=no lived_ms=\\d+$`));
		await g.line(/ worker-started worker=1 .*restarts=1$/);
		await eventually('the next to listen', () => events(g, 'listening').filter((e) => e.worker === '1').length === 2);
		await together(g, N);
		assert.equal((await metricsOf(workersOf(g)[1])).stoa_worker_restarts_total, 1);
		assert.notEqual(workersOf(g)[1].pid, victim.pid);
		await oneEach(t, g);
		for (const i of [0, 2])
			assert.deepEqual(await sockets[i].ask('pid'), [workersOf(g)[i].pid]);
	});

	test('told to end by itself: it lets its clients go, and another takes its place', async (t) => {
		const g = await start(t, 2);
		const [, socket] = await oneEach(t, g);
		const gone = socket.happens('disconnect');

		process.kill(workersOf(g)[1].pid, 'SIGTERM');
		await gone;
		await g.line(/ info worker-ended worker=1 .*code=0 /);
		await g.line(/ worker-started worker=1 .*restarts=1$/);
		await eventually('the next to listen', () => events(g, 'listening').filter((e) => e.worker === '1').length === 2);
	});

	test('while it lets its clients go, the others get all connections', async (t) => {
		const g = await start(t, 2, ['--shutdown-timeout', '1h']);
		const { pid } = workersOf(g)[1];

		await oneEach(t, g); // so that it has had connections
		for (let i = 0; i < 20; i++)
			await Polling.open(t, g.port); // they do not fetch their close packet
		process.kill(pid, 'SIGTERM');
		await g.line(/ shutting-down worker=1 /);
		for (const { status } of await Promise.all(Array.from({ length: 20 }, () => fetchRaw(t, g.port, 'GET', HANDSHAKE))))
			assert.equal(status, 200);
		assert.ok(isAlive(pid), 'it still waits for them');
		g.stopped = true; // it would for an hour
		g.signal('SIGKILL');
	});

	test('connections that wait for it are answered by the next', async (t) => {
		const g = await start(t, 2);
		const { pid } = workersOf(g)[1];

		process.kill(pid, 'SIGSTOP');
		const answers = Array.from({ length: 20 }, () => fetchRaw(t, g.port, 'GET', HANDSHAKE));
		await deadline(Promise.any(answers), 'the other worker to answer');
		process.kill(pid, 'SIGKILL');
		for (const { status } of await Promise.all(answers))
			assert.equal(status, 200);
	});

	test('at once, each time: the waits grow, the others get all connections, and it comes back when it can', async (t) => {
		const folder = mkdtempSync(path.join(tmpdir(), 'stoa-workers-'));
		const poison = path.join(folder, 'poison');
		const g = await start(t, 2, ['--set', `poison=${poison}`]);
		const waits = () => events(g, 'worker-restarts').map((e) => Number(e.in_ms));

		t.after(() => rmSync(folder, { recursive: true, force: true }));
		writeFileSync(poison, '');
		process.kill(workersOf(g)[1].pid, 'SIGKILL');
		await g.line(/ worker-restarts worker=1 in_ms=1600$/);
		const answers = Array.from({ length: 30 }, () => fetchRaw(t, g.port, 'GET', HANDSHAKE));
		for (const { status } of await Promise.all(answers))
			assert.equal(status, 200);
		assert.deepEqual(waits().slice(0, 5), [100, 200, 400, 800, 1600]);
		rmSync(poison);
		const before = waits().length;
		await eventually('the next to listen', () => events(g, 'listening').filter((e) => e.worker === '1').length === 2);
		assert.ok(waits().length <= before + 1, `restarted ${waits().length} times, ${before} of them before it could`);
		assert.equal(events(g, 'worker-started').filter((e) => e.worker === '1').length, waits().length + 1);
		await oneEach(t, g);
	});

	test('as it did when it was first started: all ends, and it is said why, once', async () => {
		const options = ['--workers', '3', '--redis-url', redis().url, '--listen', '127.0.0.1:0', '--internal-listen', '127.0.0.1:0'];
		const { code, stderr } = await runGateway(['--app', appPath('no-such-app'), ...options]);

		assert.equal(code, 1);
		assert.equal(stderr.match(/no-such-app\.so: no such file/g).length, 1, stderr);
		assert.equal(stderr.match(/ worker-started /g).length, 1, stderr);
	});
});

describe('the end', () => {
	for (const signal of ['SIGTERM', 'SIGINT']) {
		test(`${signal}: all let their clients go, and the exit code is 0`, async (t) => {
			const g = await start(t);
			const sockets = await oneEach(t, g);
			const gone = sockets.map((s) => s.happens('disconnect'));
			const ws = await RawWebSocket.session(t, g.port, { connect: '' });
			const closed = ws.closed([]);

			g.signal(signal);
			assert.deepEqual(await deadline(g.ended, 'the end'), { code: 0, signal: null });
			g.stopped = true;
			g.assertClean();
			await Promise.all(gone);
			assert.equal(await closed, 1012);
			assert.deepEqual(events(g, 'worker-ended').map((e) => e.code), ['0', '0', '0']);
		});
	}

	test('a signal that reaches the workers too, and again, is one signal', async (t) => {
		const g = await start(t, N, ['--shutdown-timeout', '3s']);

		await Polling.open(t, g.port); // it does not fetch its close packet
		for (let i = 0; i < 2; i++)
			for (const { pid } of workersOf(g))
				isAlive(pid) && process.kill(pid, 'SIGINT');
		g.signal('SIGINT');
		await refusesConnections(g);
		assert.deepEqual(await deadline(g.ended, 'the end'), { code: 0, signal: null });
		g.stopped = true;
		assert.deepEqual(events(g, 'worker-ended').map((e) => e.code), ['0', '0', '0']);
	});

	test('a second signal ends all at once, those that hang too', async (t) => {
		const g = await start(t, 2, ['--shutdown-timeout', '1h']);
		const [a] = await oneEach(t, g);

		t.after(() => g.child.kill('SIGKILL'));
		a.emit('hang');
		g.signal('SIGTERM');
		await g.line(/ worker-ended worker=1 .*code=0 /);
		g.signal('SIGTERM');
		assert.deepEqual(await deadline(g.ended, 'the end'), { code: 1, signal: null });
		g.stopped = true;
		await g.line(/ worker-ended worker=0 .*signal=SIGKILL /);
	});

	test('one that does not end well is told by the exit code', async (t) => {
		const g = await start(t, 2, ['--shutdown-timeout', '1h']);

		await Polling.open(t, g.port);
		g.signal('SIGTERM');
		await g.line(/ worker-ended .*code=0 /); // the other waits for the polling client
		process.kill(workersOf(g).find(({ pid }) => isAlive(pid)).pid, 'SIGKILL');
		assert.deepEqual(await deadline(g.ended, 'the end'), { code: 1, signal: null });
		g.stopped = true;
	});

	test('workers end with their supervisor', async (t) => {
		const g = await start(t);
		const sockets = await oneEach(t, g);
		const gone = sockets.map((s) => s.happens('disconnect'));
		const pids = workersOf(g).map((w) => w.pid);

		g.stopped = true;
		g.signal('SIGKILL');
		await Promise.all(gone);
		await eventually('the workers to end', () => !pids.some(isAlive));
		await refusesConnections(g);
	});

	test('SIGHUP loads the application anew in each', async (t) => {
		const g = await start(t);
		const sockets = await oneEach(t, g);

		g.signal('SIGHUP');
		for (let i = 0; i < N; i++)
			await g.line(new RegExp(` reloaded worker=${i} `));
		for (const [i, s] of sockets.entries())
			assert.deepEqual(await s.ask('pid'), [workersOf(g)[i].pid]);
	});
});

// The port is closed: nobody's connection waits for a process that will not come.
async function refusesConnections(g) {
	await eventually('the port to be closed', () => Raw.open(null, g.port).then((raw) => raw.socket.destroy() && false, (error) => error.code === 'ECONNREFUSED'));
}

describe('what cannot be', () => {
	const refused = async (code, args, pattern) => {
		const result = await runGateway(args);

		assert.equal(result.code, code, result.stderr);
		assert.match(result.stderr, pattern);
		assert.doesNotMatch(result.stderr, / worker-started /);
	};
	const app = () => ['--app', appPath('workers'), '--listen', '127.0.0.1:0', '--workers', '2'];

	test('without Redis, without a port for each: exit code 2, of --check-config too', async () => {
		for (const check of [[], ['--check-config']]) {
			await refused(2, [...app(), ...check], /workers = 2 needs redis_url/);
			await refused(2, [...app(), ...check, '--redis-url', redis().url], /workers = 2 needs internal_listen/);
			await refused(2, [...app(), ...check, '--redis-url', redis().url, '--internal-listen', '127.0.0.1:65535'], /port 65536/);
		}
		await refused(2, ['--workers', '257'], /workers.*257/);
	});

	test('the port is another\'s, or another gateway\'s with workers', async (t) => {
		const flags = ['--app', appPath('workers'), '--redis-url', redis().url, '--internal-listen', '127.0.0.1:0'];
		const g = await start(t, 2);

		for (const n of [1, 2])
			await refused(1, [...flags, '--workers', n, '--listen', `127.0.0.1:${g.port}`], new RegExp(`cannot listen on 127\\.0\\.0\\.1:${g.port}: Address already in use`));
		const alone = await Gateway.start('workers');
		t.after(() => alone.stop());
		await refused(1, [...flags, '--workers', 2, '--listen', `127.0.0.1:${alone.port}`], /Address already in use/);
	});
});
