// stoa-broker as a program: its command line, what it says of itself, how it begins and ends, its worker processes, and
// what a client behind a gateway sees of their crashes and of a new module.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { before, after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { Broker, becomesReady } from './lib/broker.mjs';
import { connect } from './lib/client.mjs';
import { appPath, freePort, Gateway, ROOT, runGateway } from './lib/gateway.mjs';
import { Program, portIn, runProgram } from './lib/program.mjs';
import { Redis, redisForTest, shareRedis } from './lib/redis.mjs';
import { deadline, eventually } from './lib/wait.mjs';

const run = promisify(execFile);
const redis = shareRedis(before, after);
const runBroker = (args, options) => runProgram('stoa-broker', args, options);
const get = (program, where, options) => fetch(`${program.internalUrl}${where}`, options);
const readyz = async (program) => (await get(program, '/readyz')).text();

let names = 0;
const newName = () => `program-${process.pid}-${++names}`;

function folder(t) {
	const dir = mkdtempSync(path.join(tmpdir(), 'stoa-broker-'));

	t.after(() => rmSync(dir, { recursive: true, force: true }));
	return dir;
}

// A broker of `rough`, or of a file; ended with the test.
async function brokerFor(t, { app = 'rough', appName = newName(), flags = [], redisUrl = redis().url } = {}) {
	const b = await Broker.start(app, { redisUrl, appName, flags: ['--workers', '2', '--shutdown-timeout', '5s', ...flags] });

	t.after(() => b.stop());
	return b;
}

// One that need not become ready.
async function spawned(t, flags) {
	const b = new Program();

	b.spawn('stoa-broker', ['--internal-listen', '127.0.0.1:0', ...flags]);
	t.after(() => b.stop());
	b.internalUrl = `http://127.0.0.1:${portIn(await b.line(/ listening /), 'internal')}`;
	return b;
}

async function gatewayFor(t, broker, flags = []) {
	const g = await Gateway.startWithout(['--dispatch', 'broker', '--app-name', broker.appName, '--redis-url', redis().url, '--redis-key', broker.appName, ...flags]);

	t.after(() => g.stop());
	await becomesReady(g);
	return g;
}

// A broker, a gateway and a client.
async function pair(t, options = {}) {
	const broker = await brokerFor(t, options);
	const gateway = await gatewayFor(t, broker, options.gateway);
	const socket = await connect(t, gateway.url, { transports: ['websocket'] });

	socket.on('disconnect', (reason) => (socket.gone = reason));
	return { broker, gateway, socket };
}

function workersOf(broker) {
	return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).filter((pid) => {
		try {
			const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
			return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === broker.pid;
		} catch {
			return false; // it has ended meanwhile
		}
	}).map(Number);
}

async function deadLetters(broker) {
	const entries = await redis().command('XRANGE', `stoa:dead:${broker.appName}`, '-', '+');

	return entries.map(([, fields]) => Object.fromEntries(fields.map((f, i) => [String(f), String(fields[i + 1])]).filter((_, i) => i % 2 === 0)));
}

const leases = async (broker) => (await redis().command('KEYS', `stoa:lease:${broker.appName}:*`)).length;

describe('the command line', () => {
	test('--help, --version, --print-config and --check-config', async () => {
		const help = await runBroker(['--help']);

		assert.equal(help.code, 0);
		assert.match(help.stdout, /^stoa-broker: runs an application module/);
		for (const option of ['--app FILE', '--redis-url', '--handler-timeout', '--max-timers', '--partitions'])
			assert.ok(help.stdout.includes(option), option);
		assert.match((await runBroker(['--version'])).stdout, /^stoa-broker \d+\.\d+\.\d+\n$/);
		const printed = await runBroker(['--print-config', '--credits', '7', '--redis-url', 'redis://:secret@h']);
		assert.match(printed.stdout, /^credits = 7$/m);
		assert.doesNotMatch(printed.stdout, /secret/);
		const checked = await runBroker(['--check-config', '--app', 'x', '--redis-url', 'redis://h']);
		assert.deepEqual([checked.code, checked.stdout], [0, 'the configuration is good\n']);
	});

	test('what is wrong is one sentence, and code 2', async () => {
		const cases = [
			[[], /^stoa-broker: no application: say --app FILE\.so\n$/],
			[['--app', 'x'], /^stoa-broker: no Redis: say --redis-url/],
			[['--app', 'x', '--redis-url', 'redis://h', '--partition', '4'], /partition.*partitions/],
			[['--app', 'x', '--redis-url', 'redis://h', '--partitions', '0'], /partitions/],
			[['--app', 'x', '--redis-url', 'redis://h', '--handler-timeout', '5'], /handler.timeout.*5/],
			[['--app', 'x', '--redis-url', 'redis://h', '--app-name', 'a b'], /app.name/],
			[['--app', 'x', '--redis-url', 'redis://h', '--confirm', '2s', '--max-event-age', '1s'], /confirm is to be shorter/],
		];

		for (const [args, why] of cases) {
			const { code, stderr } = await runBroker(args);

			assert.equal(code, 2, stderr);
			assert.match(stderr, why);
			assert.equal(stderr.trim().split('\n').length, 1);
		}
	});

	test('a module that is none: one sentence, and code 1', async (t) => {
		const dir = folder(t);
		const text = path.join(dir, 'text.so');
		const old = path.join(dir, 'old.so');

		writeFileSync(text, 'no module');
		writeFileSync(path.join(dir, 'old.c'), 'const int stoa_module_abi = 0; void stoa_module_setup(const void *h, void *a) { (void)h; (void)a; }');
		await run(process.env.CC ?? 'cc', ['-shared', '-fPIC', '-o', old, path.join(dir, 'old.c')]);
		for (const [app, why] of [[path.join(dir, 'missing.so'), /missing\.so: no such file/], [text, /text\.so: .*(invalid|short)/], [old, /built for stoa ABI 0/]]) {
			const { code, stderr } = await runBroker(['--app', app, '--redis-url', redis().url, '--log-level', 'warn']);

			assert.equal(code, 1, stderr);
			assert.match(stderr, why);
			assert.equal(stderr.trim().split('\n').length, 1, stderr);
		}
	});

	test('a Redis that never could be, an address that is taken: one sentence, and code 1', async (t) => {
		const b = await brokerFor(t);
		const app = ['--app', appPath('rough')];

		for (const [flags, why] of [[['--redis-url', 'http://h'], /redis_url: /], [['--redis-url', redis().url, '--internal-listen', `127.0.0.1:${b.internalPort}`], /cannot listen on .*in use/]]) {
			const { code, stderr } = await runBroker([...app, ...flags]);

			assert.equal(code, 1);
			assert.match(stderr, why);
		}
	});

	test('--worker is for the broker itself to say', async () => {
		const { code, stderr } = await runBroker(['--worker', '--app', appPath('rough'), '--redis-url', redis().url]);

		assert.equal(code, 1);
		assert.match(stderr, /--worker is for the broker itself/);
	});

	test('--health', async (t) => {
		const b = await brokerFor(t);
		const well = await runBroker(['--health', '--internal-listen', `127.0.0.1:${b.internalPort}`]);

		assert.deepEqual([well.code, well.stdout], [0, 'well\n']);
		assert.equal((await runBroker(['--health', '--internal-listen', `127.0.0.1:${await freePort()}`])).code, 1);
		assert.match((await runBroker(['--health'])).stderr, /internal_listen is not set/);
	});
});

describe('the internal listener', () => {
	test('three pages, GET and HEAD', async (t) => {
		const b = await brokerFor(t);

		assert.equal(await (await get(b, '/healthz')).text(), 'ok');
		assert.equal(await readyz(b), 'ready');
		const head = await get(b, '/metrics', { method: 'HEAD' });
		assert.equal(head.status, 200);
		assert.equal(await head.text(), '');
		assert.equal((await get(b, '/')).status, 404);
		assert.equal((await get(b, '/api/emit')).status, 404);
		assert.equal((await get(b, '/healthz', { method: 'POST', body: 'x' })).status, 405);
	});

	test('numbers of the broker, of Redis and of the application', async (t) => {
		const { broker, socket } = await pair(t);

		for (let i = 0; i < 5; i++)
			await socket.ask('who');
		await eventually('the events to be counted', async () => (await broker.metrics())['stoa_handler_seconds_count'] >= 6); // and the connect
		const metrics = await broker.metrics();
		assert.equal(metrics['stoa_handler_seconds_bucket{le="+Inf"}'], metrics['stoa_handler_seconds_count']);
		assert.ok(metrics['stoa_handler_seconds_sum'] > 0);
		assert.equal(metrics['stoa_broker_workers'], 2);
		assert.equal(metrics['stoa_broker_partitions'], 32);
		assert.equal(metrics['stoa_redis_connected{role="commands"}'], 2);
	});

	test('what is no request is refused; who says nothing waits for nobody', async (t) => {
		const b = await brokerFor(t);
		const answer = async (bytes) => {
			const socket = net.connect(b.internalPort, '127.0.0.1');
			let text = '';

			socket.setEncoding('latin1').on('data', (part) => (text += part)).on('error', () => {});
			socket.write(bytes);
			await deadline(new Promise((resolve) => socket.on('close', resolve)), 'the connection to end');
			return text;
		};

		assert.match(await answer('nonsense\r\n\r\n'), /^HTTP\/1\.1 400 /);
		assert.match(await answer(`GET /${'x'.repeat(2000)} HTTP/1.1\r\nHost: a\r\n\r\n`), /^HTTP\/1\.1 414 /);
		assert.match(await answer(`GET / HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(9000)}\r\n\r\n`), /^HTTP\/1\.1 431 /);
		// 64 at a time: with one more the oldest goes.
		const idle = [];
		let ended = 0;
		for (let i = 0; i < 65; i++) {
			const socket = net.connect(b.internalPort, '127.0.0.1').on('error', () => {}).on('close', () => ended++);

			t.after(() => socket.destroy());
			idle.push(new Promise((resolve) => socket.on('connect', resolve)));
		}
		await Promise.all(idle);
		await eventually('the oldest to be closed', () => ended >= 1);
		assert.equal(await (await get(b, '/healthz')).text(), 'ok');
	});
});

describe('it begins', () => {
	test('without Redis it waits, and is not ready', async (t) => {
		const port = await freePort();
		const b = await spawned(t, ['--app', appPath('rough'), '--redis-url', `redis://127.0.0.1:${port}`, '--redis-connect-timeout', '1s']);

		await b.line(/ redis-trouble /);
		assert.equal((await get(b, '/healthz')).status, 200);
		assert.equal((await get(b, '/readyz')).status, 503);
		const late = await Redis.start({ port });
		t.after(() => late.kill());
		await eventually('the broker to be ready', async () => (await readyz(b)) === 'ready');
	});

	test('with another number of partitions it refuses', async (t) => {
		const b = await brokerFor(t, { flags: ['--partitions', '8'] });
		const { code, stderr } = await runBroker(['--app', appPath('rough'), '--app-name', b.appName, '--redis-url', redis().url, '--partitions', '9', '--log-level', 'warn']);

		assert.equal(code, 1);
		assert.match(stderr, /has 8 partitions in this Redis, and 9 here/);
	});

	test('the record of the application is written, and again when Redis has forgotten it', async (t) => {
		const b = await brokerFor(t);
		const record = async () => JSON.parse((await redis().command('GET', `stoa:app:${b.appName}`)) ?? 'null');

		assert.deepEqual(await record(), { v: 1, partitions: 32, namespaces: ['/'], one_process: [] });
		const own = await redisForTest(t);
		const other = await brokerFor(t, { redisUrl: own.url });
		await own.kill();
		await own.run();
		await eventually('the record to be there again', async () => (await own.command('GET', `stoa:app:${other.appName}`)) !== null);
		await becomesReady(other);
	});
});

describe('it ends', () => {
	test('SIGTERM: partitions are handed over, workers stop, code 0', async (t) => {
		const b = await brokerFor(t);
		const workers = workersOf(b);

		assert.equal(workers.length, 2);
		assert.equal(await leases(b), 32);
		await b.stop();
		assert.equal(await leases(b), 0);
		for (const pid of workers)
			assert.ok(!existsSync(`/proc/${pid}`));
	});

	test('what is under way is finished first', async (t) => {
		const { broker, socket } = await pair(t);
		const answer = socket.ask('slow', 700);

		await eventually('the event to be at a worker', async () => (await broker.metrics())['stoa_broker_in_work'] > 0);
		await broker.stop();
		assert.deepEqual(await answer, [700]);
		assert.equal((await socket.next('stopped'))[0], '1');
	});

	test('a handler that does not end: killed with shutdown_timeout, code 0', async (t) => {
		const { broker, socket } = await pair(t, { flags: ['--handler-timeout', '1h', '--shutdown-timeout', '300ms', '--background-timeout', '0s'] });

		socket.emit('hang');
		await eventually('the event to be at a worker', async () => (await broker.metrics())['stoa_broker_in_work'] > 0);
		await broker.stop();
		await broker.line(/ shutdown-timeout /);
	});

	test('a second signal ends it at once', async (t) => {
		const { broker, socket } = await pair(t, { flags: ['--handler-timeout', '1h', '--shutdown-timeout', '1h'] });

		socket.emit('hang');
		await eventually('the event to be at a worker', async () => (await broker.metrics())['stoa_broker_in_work'] > 0);
		broker.stopped = true; // not by a test's end
		broker.signal('SIGTERM');
		await broker.line(/ shutting-down /);
		broker.signal('SIGTERM');
		assert.equal((await deadline(broker.ended, 'the broker to end')).code, 1);
	});

	test('kill -9: its workers end with it, another broker takes over', async (t) => {
		const { broker, gateway, socket } = await pair(t, { flags: ['--lease', '1s'] });
		const other = await brokerFor(t, { appName: broker.appName, flags: ['--lease', '1s'] });
		const workers = workersOf(broker);

		await eventually('the partitions to be shared', async () => (await broker.metrics())['stoa_broker_partitions'] === 16 && (await other.metrics())['stoa_broker_partitions'] === 16);
		broker.stopped = true;
		broker.signal('SIGKILL');
		await broker.ended;
		await eventually('its workers to end', () => workers.every((pid) => !existsSync(`/proc/${pid}`)));
		await eventually('the other to hold all', async () => (await other.metrics())['stoa_broker_partitions'] === 32);
		const [version, pid] = await socket.ask('who');
		assert.equal(version, '1');
		assert.ok(workersOf(other).includes(pid));
		assert.equal(socket.gone, undefined);
		assert.equal((await get(gateway, '/readyz')).status, 200);
	});
});

describe('worker processes', () => {
	test('a crash costs nobody anything but time: the event is tried again, and says so', async (t) => {
		const mark = path.join(folder(t), 'mark');
		const { broker, socket } = await pair(t, { flags: ['--set', `mark=${mark}`] });

		await socket.emit('join');
		assert.deepEqual(await socket.ask('once'), ['there', 2]);
		const [, , attempt, rooms, session] = await socket.ask('who'); // the successor knows the client
		assert.deepEqual([attempt, rooms.sort(), session], [1, [socket.id, 'room'].sort(), { name: 'Ann' }]);
		assert.equal(socket.gone, undefined);
		await broker.line(/ worker-ended .*SIGSEGV/);
		assert.match(await broker.line(/ worker-trace .*rough/), /rough\.so/);
		const metrics = await broker.metrics();
		assert.equal(metrics['stoa_broker_workers_ended_total{cause="ended"}'], 1);
		assert.equal(metrics['stoa_broker_workers_started_total'], 3);
		await eventually('two workers to run', async () => (await broker.metrics())['stoa_broker_workers'] === 2);
	});

	test('an event that always crashes is a dead letter with a backtrace; its client hears of it', async (t) => {
		const { broker, socket } = await pair(t, { flags: ['--max-attempts', '2'] });
		const [answer] = await socket.ask('crash');

		assert.equal(typeof answer.error, 'string');
		const [letter] = await deadLetters(broker);
		assert.equal(letter.reason, 'crashed');
		assert.equal(letter.attempts, '2');
		assert.match(letter.backtrace, /^SIGSEGV[^]*rough\.so/);
		assert.equal(JSON.parse(letter.record).event, 'crash');
		assert.equal((await socket.ask('who'))[0], '1');
		assert.equal(socket.gone, undefined);
	});

	test('one that takes longer than handler_timeout is killed, and leaves where it was; others go on', async (t) => {
		const { broker, gateway, socket } = await pair(t, { flags: ['--max-attempts', '1', '--handler-timeout', '2s', '--partitions', '2', '--credits', '1'] });
		const hanging = socket.ask('hang');
		const others = await Promise.all(Array.from({ length: 6 }, () => connect(t, gateway.url, { transports: ['websocket'] })));

		await Promise.all(others.map((other) => other.ask('who')));
		assert.equal(typeof (await hanging)[0].error, 'string');
		const [letter] = await deadLetters(broker);
		assert.equal(letter.reason, 'timeout');
		assert.match(letter.backtrace, /it took too long[^]*rough\.so/);
		assert.equal((await broker.metrics())['stoa_broker_workers_ended_total{cause="handler_timeout"}'], 1);
		assert.equal(socket.gone, undefined);
	});
});

describe('a new module', () => {
	// Moved to its place, as a deployment does it.
	function deploy(file, app) {
		copyFileSync(app, `${file}.new`);
		renameSync(`${file}.new`, file);
	}

	async function deployed(t, flags = []) {
		const file = path.join(folder(t), 'app.so');

		deploy(file, appPath('rough'));
		return { file, ...(await pair(t, { app: file, flags })) };
	}

	for (const [how, flags] of [['SIGHUP', []], ['--watch', ['--watch']]])
		test(`${how}: it takes over; clients stay, with rooms and sessions`, async (t) => {
			const { file, broker, socket } = await deployed(t, flags);

			socket.emit('join');
			assert.equal((await socket.ask('who'))[0], '1');
			deploy(file, appPath('rough-next'));
			if (how === 'SIGHUP')
				broker.signal('SIGHUP');
			await broker.line(/ reloaded /);
			await eventually('the new one to answer', async () => (await socket.ask('who'))[0] === '2');
			const [, , , rooms, session] = await socket.ask('who');
			assert.deepEqual([rooms.sort(), session], [[socket.id, 'room'].sort(), { name: 'Ann' }]);
			assert.equal((await broker.metrics())['stoa_reloads_total{result="ok"}'], 1);
			assert.equal(socket.gone, undefined);
		});

	test('one that cannot be loaded changes nothing, and the next one counts', async (t) => {
		const { file, broker, socket } = await deployed(t);
		const [, pid] = await socket.ask('who');

		writeFileSync(`${file}.new`, 'no module');
		renameSync(`${file}.new`, file);
		broker.signal('SIGHUP');
		await broker.line(/ not-reloaded why=/);
		assert.deepEqual((await socket.ask('who')).slice(0, 2), ['1', pid]);
		assert.equal((await broker.metrics())['stoa_reloads_total{result="failed"}'], 1);
		deploy(file, appPath('rough-next'));
		broker.signal('SIGHUP');
		await eventually('the new one to answer', async () => (await socket.ask('who'))[0] === '2');
	});

	test('no event is lost or comes out of order while modules change', async (t) => {
		const { file, broker, socket } = await deployed(t, ['--workers', '1']);
		const answers = [];
		let asked = 0;

		for (let round = 0; round < 4; round++) {
			const from = broker.lines.length;

			deploy(file, appPath(round % 2 ? 'rough' : 'rough-next'));
			broker.signal('SIGHUP');
			const reloaded = broker.line(/ reloaded /, from);
			for (let i = 0; i < 40; i++) {
				const n = asked++;

				socket.emit('who', (version, pid, attempt) => answers.push([n, attempt]));
			}
			await reloaded;
			await eventually('all to be answered', () => answers.length === asked);
		}
		assert.deepEqual(answers, Array.from({ length: asked }, (_, n) => [n, 1]));
		assert.equal(socket.gone, undefined);
	});
});
