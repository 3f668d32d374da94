// The units of deploy/systemd, and what the programs tell systemd (sd_notify).

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import test, { after, before, describe } from 'node:test';
import { Broker } from '../e2e/lib/broker.mjs';
import { connect } from '../e2e/lib/client.mjs';
import { appPath, BIN, Gateway, ROOT } from '../e2e/lib/gateway.mjs';
import { environment, exitOf, Program, portIn, runProgram } from '../e2e/lib/program.mjs';
import { Redis } from '../e2e/lib/redis.mjs';
import { deadline, eventually, Inbox } from '../e2e/lib/wait.mjs';
import { deployed, read, tool } from './tools.mjs';

const UNITS = readdirSync(deployed('systemd')).filter((name) => name.endsWith('.service'));
const EXPOSURE_MAX = 15; // of 100, as `systemd-analyze security` counts
const hasSystemd = await tool('systemd-analyze', ['--version']).then(({ code }) => code === 0, () => false);
const needsSystemd = { skip: hasSystemd ? false : 'there is no systemd-analyze here' };

let redis, dir;

before(async () => {
	dir = mkdtempSync(path.join(tmpdir(), 'stoa-systemd-'));
	redis = await Redis.start();
});
after(async () => {
	await redis?.kill();
	rmSync(dir, { recursive: true });
});

// Settings of a unit's [Service], in order: [name, value].
const settings = (unit) => [...read('deploy/systemd', unit).split('[Service]')[1].split('[Install]')[0].matchAll(/^(\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]);
const valuesOf = (unit, name) => settings(unit).filter(([known]) => known === name).map(([, value]) => value);

describe('units', () => {
	test('systemd-analyze verify finds nothing wrong', needsSystemd, async (t) => {
		for (const unit of UNITS) {
			// As `verify` wants programs that exist, those that are tested here.
			writeFileSync(path.join(dir, unit), read('deploy/systemd', unit).replaceAll('/usr/bin/stoa-', `${BIN}/stoa-`));
			const { code, output } = await tool('systemd-analyze', ['verify', '--man=no', path.join(dir, unit)]);

			assert.equal(output.split('\n').filter((line) => line.includes('stoa')).join('\n'), '', unit);
			assert.equal(code, 0, `${unit}: ${output}`);
		}
	});

	for (const unit of UNITS)
		test(`systemd-analyze security: ${unit} is exposed little`, needsSystemd, async () => {
			const { code, output } = await tool('systemd-analyze', ['security', '--offline=true', '--no-pager', `--threshold=${EXPOSURE_MAX}`, deployed('systemd', unit)]);

			assert.equal(code, 0, output.split('\n').filter((line) => line.startsWith('✗') || line.startsWith('→')).join('\n'));
		});

	test('all say the same but for program, files, and the exit code that only a gateway has', () => {
		const common = (unit) => settings(unit).filter(([, value]) => !value.includes('stoa-'))
			.filter(([name]) => !name.startsWith('Environment') && name !== 'SuccessExitStatus');

		for (const unit of UNITS)
			assert.deepEqual(common(unit), common(UNITS[0]), unit);
	});

	test('their end has more time than the programs take by default', async () => {
		const ms = (text) => Number.parseInt(text, 10) * { ms: 1, s: 1000, m: 60000 }[text.replace(/^\d+/, '')];

		for (const unit of UNITS) {
			const program = path.basename(valuesOf(unit, 'ExecStart')[0]);
			const { stdout } = await runProgram(program, ['--print-config', ...(program === 'stoa-broker' ? ['--app', 'x.so'] : [])]);
			const takes = [...stdout.matchAll(/^(?:drain_delay|shutdown_timeout|background_timeout) = (\S+)$/gm)].reduce((sum, [, value]) => sum + ms(value), 0);

			assert.ok(takes >= 1000, stdout);
			assert.ok(ms(valuesOf(unit, 'TimeoutStopSec')[0]) > takes + 10000, `${unit}: ${takes} ms`);
		}
	});
});

// --- Which system calls

// The names behind @groups of a SystemCallFilter=.
async function callsOf(words) {
	const all = await Promise.all(words.map(async (word) => {
		if (!word.startsWith('@'))
			return [word];
		const { output } = await tool('systemd-analyze', ['syscall-filter', '--no-pager', word]);
		return callsOf(output.split('\n').map((line) => line.trim()).filter((line) => /^@?[a-z0-9_-]+$/.test(line) && line !== word));
	}));

	return all.flat();
}

async function allowed(unit) {
	const calls = new Set();

	for (const value of valuesOf(unit, 'SystemCallFilter')) {
		const names = await callsOf(value.replace(/^~/, '').split(' '));

		names.forEach((name) => (value.startsWith('~') ? calls.delete(name) : calls.add(name)));
	}
	return calls;
}

// Starts a program below strace, which writes the calls of it and its children into files `to.PID`.
class Traced extends Program {
	static async start(name, args, to, line) {
		const t = new Traced();

		t.name = name;
		t.setMaxListeners(0);
		t.child = spawn('strace', ['-f', '-ff', '-qq', '-o', to, '--', path.join(BIN, name), ...args], { env: environment({}), stdio: ['ignore', 'ignore', 'pipe'] });
		t.ended = exitOf(t.child);
		createInterface({ input: t.child.stderr }).on('line', (text) => t.take(text));
		t.port = portIn(await t.line(line), 'addr');
		return t;
	}

	// strace hands no signals on.
	signalAll(name) {
		for (const pid of readFileSync(`/proc/${this.child.pid}/task/${this.child.pid}/children`, 'utf8').trim().split(' '))
			process.kill(Number(pid), name);
	}
}

const hasStrace = await tool('strace', ['-V']).then(() => true, () => false);
const needsStrace = { skip: hasSystemd ? (hasStrace ? false : 'there is no strace here') : needsSystemd.skip };

// Calls that an unprivileged start makes below strace but systemd makes before it filters.
async function assertWithinFilter(unit, to) {
	const calls = await allowed(unit);
	const files = readdirSync(dir).filter((name) => name.startsWith(`${path.basename(to)}.`));
	const made = new Set(files.flatMap((name) => [...readFileSync(path.join(dir, name), 'utf8').matchAll(/^(\w+)\(.*$/gm)].map(([, call]) => call)));

	assert.ok(calls.size > 200 && made.has('epoll_wait') && made.has('exit_group'), `${calls.size} allowed, made ${[...made].join(' ')}`);
	assert.deepEqual([...made].filter((call) => !calls.has(call)), []);
}

describe('the filter of system calls', () => {
	test('lets a gateway with workers live: clients, Redis, a reload, the end', needsStrace, async (t) => {
		const to = path.join(dir, 'gateway');
		const module = path.join(dir, 'module.so');

		copyFileSync(appPath('chat'), module);
		const g = await Traced.start('stoa-gateway', ['--app', module, '--listen', '127.0.0.1:0', '--internal-listen', '127.0.0.1:0', '--workers', '2', '--redis-url', redis.url, '--shutdown-timeout', '500ms'], to, / listening worker=0 /);
		t.after(() => g.child.kill('SIGKILL'));
		const socket = await connect(t, `http://127.0.0.1:${g.port}`);
		socket.disconnect();
		g.signalAll('SIGHUP');
		await g.line(/ reloaded /);
		g.signalAll('SIGTERM');
		await deadline(g.ended, 'the gateway to end');
		await assertWithinFilter('stoa-gateway.service', to);
	});

	test('lets a broker live, with its workers', needsStrace, async (t) => {
		const to = path.join(dir, 'broker');
		const b = await Traced.start('stoa-broker', ['--app', appPath('chat'), '--app-name', 'traced', '--internal-listen', '127.0.0.1:0', '--workers', '1', '--redis-url', redis.url], to, / listening /);

		t.after(() => b.child.kill('SIGKILL'));
		const internal = portIn(await b.line(/ listening /), 'internal');
		await eventually('the broker to be ready', () => fetch(`http://127.0.0.1:${internal}/readyz`).then((answer) => answer.ok, () => false));
		b.signalAll('SIGTERM');
		await deadline(b.ended, 'the broker to end');
		await assertWithinFilter('stoa-broker.service', to);
	});
});

// --- What systemd hears

let sockets = 0;

// A place where a program may send its notices: { env, inbox }, each notice its lines.
async function listen(t, abstract) {
	const name = abstract ? `@stoa-test-${process.pid}-${++sockets}` : path.join(dir, `notify-${++sockets}`);
	const child = spawn('/usr/bin/python3', [path.join(ROOT, 'tests/deployment/listen.py'), name], { stdio: ['ignore', 'pipe', 'inherit'] });
	const inbox = new Inbox();

	t.after(async () => {
		child.kill('SIGKILL');
		await once(child, 'exit');
	});
	createInterface({ input: child.stdout }).on('line', (line) => inbox.put(JSON.parse(line).split('\n')));
	await inbox.take((notice) => notice[0] === 'bound', 'the socket');
	return { env: { NOTIFY_SOCKET: name }, inbox };
}

const WATCHED = { WATCHDOG_USEC: '40000' };
const heard = (inbox, word) => inbox.take((notice) => notice.includes(word), word);

describe('notices', () => {
	for (const abstract of [false, true])
		test(`a gateway, ${abstract ? 'an abstract socket' : 'a path'}: READY when it listens, WATCHDOG again and again, STOPPING`, async (t) => {
			const { env, inbox } = await listen(t, abstract);
			const g = await Gateway.startWithout(['--app', appPath('chat')], { env: { ...env, ...WATCHED } });

			t.after(() => g.stop());
			const ready = await heard(inbox, 'READY=1');
			assert.deepEqual(ready, ['READY=1', `STATUS=listening on 127.0.0.1:${g.port}`]);
			assert.ok(g.lines.some((line) => line.includes(' listening ')));
			for (let i = 0; i < 3; i++)
				await heard(inbox, 'WATCHDOG=1');
			const end = g.stop();
			assert.deepEqual(await heard(inbox, 'STOPPING=1'), ['STOPPING=1', 'STATUS=draining, 0 sessions']);
			await end;
		});

	test('a gateway that loads its application anew: RELOADING, then READY', async (t) => {
		const { env, inbox } = await listen(t, false);
		const g = await Gateway.startWithout(['--app', appPath('chat')], { env });

		t.after(() => g.stop());
		await heard(inbox, 'READY=1');
		g.signal('SIGHUP');
		await heard(inbox, 'RELOADING=1');
		await heard(inbox, 'READY=1');
	});

	test('without WATCHDOG_USEC, or with that of another process, nothing is said in between', async (t) => {
		for (const env of [{}, { ...WATCHED, WATCHDOG_PID: '1' }]) {
			const notices = await listen(t, false);
			const seen = [];
			const g = await Gateway.startWithout(['--app', appPath('chat')], { env: { ...notices.env, ...env } });

			seen.push(await notices.inbox.take(() => true));
			const end = g.stop();
			seen.push(await notices.inbox.take(() => true));
			await end;
			assert.deepEqual(seen.map((notice) => notice[0]), ['READY=1', 'STOPPING=1']);
		}
	});

	test('workers: the supervisor alone speaks, READY when all are there', async (t) => {
		const { env, inbox } = await listen(t, false);
		const g = await Gateway.startWithout(['--app', appPath('chat'), '--workers', '2', '--redis-url', redis.url, '--redis-key', 'notices'], { env: { ...env, ...WATCHED } });

		t.after(() => g.stop());
		assert.deepEqual(await heard(inbox, 'READY=1'), ['READY=1', 'STATUS=2 workers']);
		await g.line(/ listening worker=1 /);
		await heard(inbox, 'WATCHDOG=1');
		const end = g.stop();
		assert.deepEqual(await heard(inbox, 'STOPPING=1'), ['STOPPING=1']);
		await end;
		assert.deepEqual(inbox.items.filter((notice) => notice[0] !== 'WATCHDOG=1'), []);
	});

	test('a broker: READY when the application is loaded, WATCHDOG, STOPPING', async (t) => {
		const { env, inbox } = await listen(t, true);
		const b = await Broker.start('chat', { redisUrl: redis.url, appName: 'noticed', env: { ...env, ...WATCHED } });

		t.after(() => b.stop());
		assert.deepEqual(await heard(inbox, 'READY=1'), ['READY=1', 'STATUS=runs noticed']);
		await heard(inbox, 'WATCHDOG=1');
		const end = b.stop();
		await heard(inbox, 'STOPPING=1');
		await end;
	});

	test('a socket that nobody listens at, or that is none, is no trouble', async (t) => {
		for (const socket of [path.join(dir, 'nobody'), '@nobody-here', 'relative', '/', `/${'x'.repeat(200)}`]) {
			const g = await Gateway.startWithout(['--app', appPath('chat')], { env: { NOTIFY_SOCKET: socket } });

			t.after(() => g.stop());
			await g.stop();
		}
	});
});
