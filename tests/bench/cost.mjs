// Counts what the gateway does for each delivery, echo, answered poll and POST, and connection: instructions, and calls of malloc and
// its like. Not timed, so that any machine and any day gives the same.
//
//	cost.mjs BIN             against costs.json; the last line says: cases: N passed, N failed, N skipped
//	cost.mjs --record BIN [NAME..]  writes costs.json anew, of these scenarios or of all
//	cost.mjs --top BIN NAME  the functions that have most of one scenario
//
// The gateway runs under valgrind's callgrind, once with a few and once with many of the same; the difference is theirs.
// The load speaks in step with it, so that its turns are the same every time.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { drive, openRedis } from './bus.mjs';
import { post } from './posts.mjs';
import { freePort } from './servers.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const RECORDED = path.join(HERE, 'costs.json');
const MARGIN = { instructions: 0.03, allocations: 0.02 }; // the same build twice: within 0.01, and 0.015 of a connection
const LEAST = 0.05; // of an allocation: below it is noise of the loop
const SHOWN = 0.01; // of the instructions: a function with less is not recorded, nor a change by less
const READY_MS = 60_000;
const CANNOT = / io-uring-unavailable .*?why="([^"]*)"/; // the gateway says that an option cannot be had here
const ALLOCATORS = /^(malloc|calloc|realloc|aligned_alloc|posix_memalign)$/;

// `per`: how many units one of --count makes. `options`: of the gateway. `program`: one of the build that is counted alone, with the
// count. `bus`: what bus.mjs drives by way of a Redis, and how many clients are in the room. `args`: stoa-load's. `load`: what speaks in its place.
const scenarios = {
	'delivery-in-a-room-of-200': { args: ['rooms', '--clients', '200', '--room-size', '200'], few: 20, many: 620, per: 200 },
	'delivery-of-8-at-once': { args: ['rooms', '--clients', '200', '--room-size', '200', '--window', '8'], few: 40, many: 1240, per: 200 },
	'delivery-of-binary': { args: ['rooms', '--clients', '200', '--room-size', '200', '--binary'], few: 20, many: 620, per: 200 },
	'delivery-by-io-uring': { args: ['rooms', '--clients', '200', '--room-size', '200'], options: ['--io-uring'], few: 20, many: 620, per: 200 },
	'echo': { args: ['echo', '--clients', '1'], few: 200, many: 4200, per: 1 },
	'echo-of-8-at-once': { args: ['echo', '--clients', '1', '--window', '8'], few: 200, many: 4200, per: 1 },
	'poll-answered': { args: ['rooms', '--clients', '20', '--room-size', '20', '--polling'], few: 20, many: 520, per: 20 },
	'post-answered': { load: post, few: 200, many: 2200, per: 1 },
	'connection': { args: ['storm', '--clients', '1'], few: 50, many: 550, per: 1 },
	'heartbeat-of-250000': { program: 'bench-heartbeats', few: 1000, many: 51000, per: 1 },
	'bus-message-to-1': { bus: ['heard', 1], few: 50, many: 550, per: 1 },
	'bus-message-to-10': { bus: ['heard', 10], few: 50, many: 550, per: 1 },
	'bus-message-of-8-at-once': { bus: ['flood', 1], few: 20, many: 220, per: 8 },
	'bus-message-for-nobody-here': { bus: ['elsewhere', 1], few: 20, many: 220, per: 16 },
	'bus-message-of-our-own': { bus: ['own', 1], few: 20, many: 220, per: 16 },
	'bus-message-said': { bus: ['said', 1], few: 50, many: 550, per: 1 },
};
// Nothing happens by the clock meanwhile.
const STILL = ['--ping-interval', '1h', '--ping-timeout', '1h', '--connect-timeout', '1h', '--loop-stall', '0s', '--slow-handler', '0ms', '--shutdown-timeout', '1s'];
const STILL_BUS = ['--node-beat', '20m', '--node-lost', '1h', '--bus-probe-interval', '1h', '--redis-command-timeout', '1h'];

const CALLGRIND = (profile) => ['--tool=callgrind', `--callgrind-out-file=${profile}`, '--dump-line=no'];

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function endOf(child) {
	let output = '';

	for (const stream of [child.stdout, child.stderr])
		stream?.setEncoding('utf8').on('data', (text) => (output += text));
	return new Promise((resolve, reject) => {
		child.on('error', reject);
		child.on('close', (code, signal) => resolve({ code: code ?? signal, output }));
	});
}

// What a profile says of the whole run, in the format of callgrind's out files: `instructions`, calls of `allocations`, and
// `functions`, name -> its own instructions and how often it was called.
function read(profile) {
	const names = new Map(), functions = new Map();
	const of = (name) => functions.get(name) ?? functions.set(name, { own: 0, calls: 0 }).get(name);
	let current, callee, isCall = false, allocations = 0, instructions = 0;

	for (const line of profile.split('\n')) {
		const [, kind, id, name] = line.match(/^(c?fn)=\((\d+)\)(?: (.*))?$/) ?? [];

		if (name)
			names.set(id, name);
		if (kind === 'fn') {
			current = of(names.get(id));
		} else if (kind === 'cfn') {
			callee = names.get(id);
		} else if (line.startsWith('calls=')) {
			const calls = Number(line.slice(6).split(' ')[0]);

			of(callee).calls += calls;
			if (ALLOCATORS.test(callee))
				allocations += calls;
			isCall = true; // the next line is what the call cost, in all
		} else if (/^(summary|totals): /.test(line)) {
			instructions = Number(line.split(' ')[1]);
		} else if (/^[\d+*-]/.test(line)) {
			if (!isCall)
				current.own += Number(line.split(' ').at(-1));
			isCall = false;
		}
	}
	return { instructions, allocations, functions };
}

class Skipped extends Error {}

async function runLoad(count, port, bin, { args }) {
	const load = spawn(path.join(bin, 'stoa-load'), [...args, '--in-step', '--connecting', '1', '--patience', '60', '--count', String(count), '--port', String(port)], { stdio: ['ignore', 'pipe', 'pipe'] });
	const { code, output } = await endOf(load);

	if (code !== 0)
		throw new Error(`stoa-load ended with ${code}: ${output}`);
}

async function runProgram(bin, { program }, count, profile) {
	const { code, output } = await endOf(spawn('valgrind', [...CALLGRIND(profile), path.join(bin, program), String(count)], { stdio: ['ignore', 'pipe', 'pipe'] }));

	if (code !== 0)
		throw new Error(`${program} ended with ${code}: ${output}`);
	return read(readFileSync(profile, 'utf8'));
}

async function run(bin, scenario, count, directory) {
	const profile = path.join(directory, `profile-${count}`);

	return scenario.program ? runProgram(bin, scenario, count, profile) : runGateway(bin, scenario, count, profile);
}

async function runGateway(bin, scenario, count, profile) {
	const port = await freePort();
	const redis = scenario.bus ? await openRedis() : null;
	const gateway = spawn('valgrind', [...CALLGRIND(profile), path.join(bin, 'stoa-gateway'),
		'--app', path.join(bin, '../apps/bench.so'), '--listen', `127.0.0.1:${port}`,
		...STILL, ...(scenario.options ?? []), ...(redis ? ['--redis-url', `redis://127.0.0.1:${redis.port}`, ...STILL_BUS] : [])],
	{ stdio: ['ignore', 'pipe', 'pipe'] });
	const ended = endOf(gateway);
	let log = '', isOver = false;

	gateway.stderr.on('data', (text) => (log += text));
	ended.then(() => (isOver = true));
	try {
		for (const until = Date.now() + READY_MS; !/ listening /.test(log); await sleep(50))
			if (isOver || Date.now() > until)
				throw new Error(`the gateway did not start:\n${log}`);
		if (CANNOT.test(log))
			throw new Skipped(CANNOT.exec(log)[1]);
		await (redis ? drive(...scenario.bus, count, port, redis.port) : (scenario.load ?? runLoad)(count, port, bin, scenario));
	} finally {
		gateway.kill('SIGTERM');
		await ended;
		await redis?.close();
	}
	return read(readFileSync(profile, 'utf8'));
}

// Of one unit: {instructions, allocations, functions: [{name, own, calls}], the largest first}.
async function measure(bin, scenario) {
	const directory = mkdtempSync(path.join(os.tmpdir(), 'stoa-cost-'));

	try {
		const few = await run(bin, scenario, scenario.few, directory), many = await run(bin, scenario, scenario.many, directory);
		const units = (scenario.many - scenario.few) * scenario.per;
		const functions = [...many.functions].map(([name, { own, calls }]) => {
			const before = few.functions.get(name) ?? { own: 0, calls: 0 };

			return { name, own: (own - before.own) / units, calls: (calls - before.calls) / units };
		});

		return {
			instructions: (many.instructions - few.instructions) / units,
			allocations: (many.allocations - few.allocations) / units,
			functions: functions.sort((x, y) => y.own - x.own),
		};
	} finally {
		rmSync(directory, { recursive: true });
	}
}

// What is wrong with a figure, in one sentence; null: nothing.
function verdict(name, what, now, then) {
	const margin = then * MARGIN[what] + (what === 'allocations' ? LEAST : 1);

	if (Math.abs(now - then) <= margin)
		return null;
	const change = then > 0 ? ` (${now > then ? '+' : ''}${((now / then - 1) * 100).toFixed(1)} %)` : '';

	return `${name}: ${now.toFixed(2)} ${what}, recorded are ${then.toFixed(2)}${change}: ${now > then
		? 'this build does more; see cost.mjs --top, and record anew only what is meant'
		: 'it does less now; record it, so that it stays so'}: node tests/bench/cost.mjs --record BIN`;
}

const shown = (functions, instructions) => functions.filter((f) => f.own >= SHOWN * instructions && !f.name.startsWith('0x'));

// The functions that account for most of the difference.
function suspects({ functions, instructions }, then = {}) {
	const names = new Set([...shown(functions, instructions).map((f) => f.name), ...Object.keys(then)]);
	const changed = [...names].map((name) => {
		const now = functions.find((f) => f.name === name)?.own ?? 0;

		return { name, by: now - (then[name] ?? 0) };
	});

	return changed.filter((f) => Math.abs(f.by) >= SHOWN * instructions).sort((x, y) => Math.abs(y.by) - Math.abs(x.by)).slice(0, 6)
		.map((f) => `${f.name} ${f.by > 0 ? '+' : ''}${f.by.toFixed(0)}`).join(', ');
}

// The same, or null where it cannot be measured here: said.
async function measureIfPossible(bin, name) {
	try {
		return await measure(bin, scenarios[name]);
	} catch (error) {
		if (!(error instanceof Skipped))
			throw error;
		console.log(`SKIP: ${name}: ${error.message}`);
		return null;
	}
}

async function check(bin) {
	const recorded = JSON.parse(readFileSync(RECORDED, 'utf8'));
	const names = Object.keys(scenarios);
	let failed = 0, skipped = 0;

	for (const name of names) {
		const now = await measureIfPossible(bin, name);

		if (!now) {
			skipped++;
			continue;
		}
		const wrong = Object.keys(MARGIN).map((what) => verdict(name, what, now[what], recorded[name]?.[what] ?? 0)).filter(Boolean);

		console.log(`${wrong.length ? 'not ok' : 'ok'} ${name}: ${now.instructions.toFixed(1)} instructions, ${now.allocations.toFixed(3)} allocations`);
		for (const sentence of wrong)
			console.log(`FAIL: ${sentence}`);
		if (wrong.length)
			console.log(`  by function: ${suspects(now, recorded[name]?.functions)}`);
		failed += wrong.length > 0;
	}
	console.log(`cases: ${names.length - failed - skipped} passed, ${failed} failed, ${skipped} skipped`);
	return failed ? 1 : 0;
}

async function record(bin, names) {
	const before = JSON.parse(readFileSync(RECORDED, 'utf8')), costs = {};

	for (const name of Object.keys(scenarios)) {
		const now = names.length && !names.includes(name) ? null : await measureIfPossible(bin, name);

		if (!now) {
			costs[name] = before[name];
			continue;
		}
		costs[name] = {
			instructions: Number(now.instructions.toFixed(1)),
			allocations: Number(now.allocations.toFixed(3)),
			functions: Object.fromEntries(shown(now.functions, now.instructions).map((f) => [f.name, Math.round(f.own)])),
		};
		console.log(`${name}: ${now.instructions.toFixed(1)} instructions, ${now.allocations.toFixed(3)} allocations`);
	}
	writeFileSync(RECORDED, JSON.stringify(costs, null, '\t') + '\n');
	return 0;
}

async function top(bin, name) {
	const { instructions, allocations, functions } = await measure(bin, scenarios[name]);

	console.log(`${name}: ${instructions.toFixed(1)} instructions, ${allocations.toFixed(3)} allocations; own instructions and calls of`);
	for (const f of functions.slice(0, 40))
		console.log(`${f.own.toFixed(1).padStart(9)} ${f.calls.toFixed(2).padStart(7)}  ${f.name}`);
	return 0;
}

const words = process.argv.slice(2).filter((word) => !word.startsWith('--'));
if (!words[0] || !existsSync(path.join(words[0], 'stoa-gateway'))) {
	console.error('usage: cost.mjs [--record | --top] BIN [NAME..]');
	process.exit(2);
}
const bin = path.resolve(words[0]);
if (process.argv.includes('--top'))
	process.exitCode = await top(bin, words[1]);
else
	process.exitCode = await (process.argv.includes('--record') ? record(bin, words.slice(1)) : check(bin));
