// What brokers cost: events with an ack through an embedded application and through brokers, one after the other on the same
// machine, with the CPU time that each process takes for an event, Redis's among them.
//
//	node tests/bench/broker.mjs [--seconds N] [--repeat N]
//
// Two loads: one client with one event on its way (how long an event takes), and 100 clients with 8 each (how many there are in a
// second). Figures are medians. STOA_BIN and STOA_APPS as for the end-to-end tests; without them the release build.

import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { Broker, becomesReady } from '../e2e/lib/broker.mjs';
import { Gateway } from '../e2e/lib/gateway.mjs';
import { appPath, BIN, portIn, Program } from '../e2e/lib/program.mjs';
import { Redis } from '../e2e/lib/redis.mjs';

const run = promisify(execFile);
const option = (name, otherwise) => Number(process.argv[process.argv.indexOf(name) + 1] || otherwise);
const SECONDS = process.argv.includes('--seconds') ? option('--seconds', 3) : 3;
const REPEAT = process.argv.includes('--repeat') ? option('--repeat', 3) : 3;
const UNLIMITED = ['--max-event-rate', '0', '--max-event-rate-per-address', '0'];
const LOADS = [
	{ name: 'one at a time', flags: ['--clients', '1', '--window', '1'] },
	{ name: '100 clients, 8 each', flags: ['--clients', '100', '--window', '8'] },
];

// User and system time of a process and of its children, in microseconds.
function cpuUs(pid) {
	let ticks = 0;

	for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
		try {
			const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
			const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');

			if (Number(entry) === pid || Number(fields[1]) === pid)
				ticks += Number(fields[11]) + Number(fields[12]);
		} catch {
			// It ended meanwhile.
		}
	}
	return ticks * 10_000;
}

async function measure(port, pids, flags) {
	const before = pids.map(({ pid }) => cpuUs(pid));
	const { stdout } = await run(path.join(BIN, 'stoa-load'), ['echo', '--port', String(port), '--seconds', String(SECONDS), '--warmup', '1', '--pids', String(pids[0].pid), ...flags]);
	const told = JSON.parse(stdout);
	// The warm-up counts for the CPU as the rest does.
	const events = told.per_second * (SECONDS + 1);

	return { perSecond: told.per_second, p50: told.p50_us, p99: told.p99_us, cpu: Object.fromEntries(pids.map(({ name, pid }, i) => [name, (cpuUs(pid) - before[i]) / events])) };
}

async function embedded() {
	const gateway = await Gateway.start('bench', UNLIMITED);

	return { port: gateway.port, pids: [{ name: 'gateway', pid: gateway.pid }], stop: () => gateway.stop() };
}

async function behindBrokers() {
	const redis = await Redis.start();
	const broker = await Broker.start('bench', { redisUrl: redis.url, appName: 'bench' });
	const gateway = new Program();

	gateway.spawn('stoa-gateway', ['--dispatch', 'broker', '--app-name', 'bench', '--redis-url', redis.url, '--listen', '127.0.0.1:0', '--internal-listen', '127.0.0.1:0', ...UNLIMITED]);
	const line = await gateway.line(/ listening .*addr=/);
	gateway.internalUrl = `http://127.0.0.1:${portIn(line, 'internal')}`;
	await becomesReady(gateway);
	return {
		port: portIn(line, 'addr'),
		pids: [{ name: 'gateway', pid: gateway.pid }, { name: 'broker', pid: broker.pid }, { name: 'redis', pid: redis.child.pid }],
		stop: async () => {
			await gateway.stop();
			await broker.stop();
			await redis.kill();
		},
	};
}

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

async function medians(begin) {
	const all = LOADS.map(() => []);

	for (let i = 0; i < REPEAT; i++) {
		const place = await begin();

		for (const [k, load] of LOADS.entries())
			all[k].push(await measure(place.port, place.pids, load.flags));
		await place.stop();
	}
	return all.map((runs) => ({
		perSecond: median(runs.map((r) => r.perSecond)),
		p50: median(runs.map((r) => r.p50)),
		p99: median(runs.map((r) => r.p99)),
		cpu: Object.fromEntries(Object.keys(runs[0].cpu).map((name) => [name, median(runs.map((r) => r.cpu[name]))])),
	}));
}

const shapes = { embedded: await medians(embedded), brokers: await medians(behindBrokers) };
const cell = (value, width) => String(value).padStart(width);

console.log(`${appPath('bench')}, ${SECONDS} s, median of ${REPEAT}`);
for (const [k, load] of LOADS.entries()) {
	console.log(`\n${load.name}${' '.repeat(24 - load.name.length)}  events/s    p50 us    p99 us   CPU us an event: gateway    broker     redis`);
	for (const [name, results] of Object.entries(shapes)) {
		const r = results[k], cpu = (part) => (r.cpu[part] === undefined ? '-' : r.cpu[part].toFixed(1));

		console.log(`  ${name.padEnd(22)}${cell(Math.round(r.perSecond), 10)}${cell(Math.round(r.p50), 10)}${cell(Math.round(r.p99), 10)}${cell(cpu('gateway'), 28)}${cell(cpu('broker'), 10)}${cell(cpu('redis'), 10)}`);
	}
	const [e, b] = [shapes.embedded[k], shapes.brokers[k]];
	const total = (r) => Object.values(r.cpu).reduce((sum, us) => sum + us, 0);
	console.log(`  brokers to embedded: events/s ${(b.perSecond / e.perSecond).toFixed(2)}, p50 +${Math.round(b.p50 - e.p50)} us, CPU ${(total(b) / total(e)).toFixed(1)} times, of which Redis ${(b.cpu.redis / total(b)).toFixed(2)}`);
}
