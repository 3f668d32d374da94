// A great many clients that do nothing, over several gateways that are one server by way of a Redis: what connecting them takes,
// what they cost in memory and in CPU while they rest, and how long it takes to say something to all of them.
//
//	crowd.mjs [--clients N] [--gateways N] [--rest SECONDS] [--broadcasts N] [--out DIR]
//
// A process has a limit of descriptors (ulimit -n), so that there are several gateways, and as many processes of clients.
// Every client answers heartbeats as the gateways' defaults want them, and is checked to hear every broadcast once and nothing else.
// What it prints stands in crowd.json as well. The last line says: cases: N passed, N failed, N skipped.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { crowdTable } from './tables.mjs';
import { availableMemory, cpuOf, cpuOfMachine, memoryOf, slabs, socketsInUse } from './proc.mjs';
import { BIN, freePort, Site, whyMissing } from './servers.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const OF_A_GATEWAY = 17_000; // clients, below what a process may have open
const BYTES = 128;
const PATIENCE_MS = 120_000;
const OF_SOCKETS = /^(TCP|sock_|filp|dentry|eventpoll|skbuff|kmalloc|request_sock|tw_sock|lsm_)/; // the kernel's caches

const { values: options } = parseArgs({
	options: {
		clients: { type: 'string', default: '100000' },
		gateways: { type: 'string' },
		rest: { type: 'string', default: '50' },
		broadcasts: { type: 'string', default: '5' },
		out: { type: 'string', default: path.join(HERE, '../../build/bench/crowd') },
	},
});
const clients = Number(options.clients), gateways = Number(options.gateways ?? Math.ceil(clients / OF_A_GATEWAY));
const site = new Site(path.join(options.out, 'logs'), `0-${os.availableParallelism() - 1}`);
const loads = [];
let fail, isLeaving = false;
const failed = new Promise((_, reject) => (fail = reject));
failed.catch(() => {}); // also when nothing is waited for

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const now = () => Number(process.hrtime.bigint()); // of the same clock as the load's
const say = (text) => console.log(`${new Date().toISOString().slice(11, 19)} ${text}`);
const count = (n) => Math.round(n).toLocaleString('en-US');

// One process of clients. `next()` resolves to the next thing that it tells.
function startLoad(port, n) {
	const child = spawn(path.join(BIN, 'stoa-load'), ['crowd', '--clients', String(n), '--port', String(port), '--bytes', String(BYTES), '--patience', String(PATIENCE_MS / 1000)], { stdio: ['pipe', 'pipe', 'ignore'] });
	const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
	const ended = once(child, 'close');

	child.stdin.on('error', () => {}); // it ended by itself, and says why
	async function next() {
		const { value } = await within(lines.next(), 'what all clients are to do');

		if (value === undefined)
			throw new Error('stoa-load ended');
		const told = JSON.parse(value);
		if (told.ok === false)
			throw new Error(told.error);
		return told;
	}
	// One that ends unasked fails all that is waited for, with what it said last.
	ended.then(() => (isLeaving ? null : next())).catch(fail);
	loads.push({ child, next, ended, pid: child.pid });
}

function within(promise, what) {
	let timer;
	const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`waited in vain for ${what}`)), PATIENCE_MS * 2)));

	return Promise.race([promise, late, failed]).finally(() => clearTimeout(timer));
}

const allNext = () => Promise.all(loads.map((load) => load.next()));

async function becomesReady(port) {
	for (const end = Date.now() + 20_000; Date.now() < end; await sleep(50))
		if (await fetch(`http://127.0.0.1:${port}/readyz`).then((answer) => answer.ok, () => false))
			return;
	throw new Error('a gateway did not become ready');
}

// Redis is the first of the site's processes.
async function open() {
	const redis = await site.redis(), apis = [];

	for (let i = 0; i < gateways; i++) {
		const port = await freePort(), internal = await freePort();

		await site.startStoa(i, port, redis, ['--internal-listen', `127.0.0.1:${internal}`], { STOA_API_KEY: 'the-key-of-the-crowd' });
		await becomesReady(internal);
		apis.push(internal);
	}
	const [ofRedis, ...ofGateways] = site.pids;

	return { apis, ofRedis, ofGateways };
}

function showProgress() {
	let before = 0;
	const timer = setInterval(() => {
		const sockets = socketsInUse() >> 1;

		if (sockets > before)
			say(`${count(sockets)} connections`);
		before = sockets;
	}, 5000);

	return () => clearInterval(timer);
}

async function connect(pids) {
	const begun = now(), cpu = cpuOf(pids.ofGateways), stop = showProgress();

	for (let i = 0; i < gateways; i++)
		startLoad(site.ports[i], Math.floor(clients / gateways) + (i < clients % gateways ? 1 : 0));
	try {
		const ready = await allNext(); // settles for a while by itself
		const seconds = (Math.max(...ready.map((r) => r.connected_ns)) - begun) / 1e9;

		return { seconds, per_second: clients / seconds, gateway_us: (cpuOf(pids.ofGateways) - cpu) / clients };
	} finally {
		stop();
	}
}

const memory = (pids) => ({ gateways: memoryOf(pids.ofGateways), redis: memoryOf([pids.ofRedis]), load: memoryOf(loads.map((l) => l.pid)), available: availableMemory(), slabs: slabs() });

// How much more there is, for each client. Of the kernel: what its caches of sockets and of what belongs to them have grown by, at
// both ends, since the clients are here as well; where this user may not see them, what is gone of the machine's memory and nobody's.
function grown(before, after) {
	const each = (what) => (after[what].resident - before[what].resident) / clients;
	const all = ['gateways', 'redis', 'load'].map(each).reduce((x, y) => x + y);
	const caches = [...after.slabs].filter(([name]) => OF_SOCKETS.test(name)).map(([name, bytes]) => ({ name, bytes: (bytes - (before.slabs.get(name) ?? 0)) / clients })).sort((x, y) => y.bytes - x.bytes);
	const kernel = caches.length ? caches.reduce((sum, c) => sum + c.bytes, 0) : (before.available - after.available) / clients - all;

	return { gateway_bytes: each('gateways'), load_bytes: each('load'), kernel_bytes: kernel, caches: caches.filter((c) => c.bytes >= 8), resident: after.gateways.resident, redis: after.redis.resident };
}

// What the gateways have when they give nothing back any more.
async function ebb(pids) {
	let bytes = memoryOf(pids.ofGateways).resident, still = 0;

	for (const end = Date.now() + 30_000; still < 6 && Date.now() < end; await sleep(500)) {
		const now = memoryOf(pids.ofGateways).resident;

		still = now < bytes ? 0 : still + 1;
		bytes = Math.min(now, bytes);
	}
	return bytes;
}

const cpuNow = (pids) => ({ at: now() / 1000, gateways: cpuOf(pids.ofGateways), redis: cpuOf([pids.ofRedis]), load: cpuOf(loads.map((l) => l.pid)), machine: cpuOfMachine() });
const between = (a, b) => Object.fromEntries(Object.keys(a).map((name) => [name, b[name] - a[name]]));

// Shares of one core.
async function rest(pids, seconds) {
	const before = cpuNow(pids);

	await Promise.race([sleep(seconds * 1000), failed]);
	const { at, ...cpu } = between(before, cpuNow(pids));
	return { seconds: at / 1e6, ...Object.fromEntries(Object.entries(cpu).map(([name, us]) => [name, us / at])) };
}

async function broadcast(pids, api, number) {
	const before = cpuNow(pids), begun = now();
	const answer = await fetch(`http://127.0.0.1:${api}/api/v1/emit`, {
		method: 'POST',
		headers: { 'content-type': 'application/json', authorization: 'Bearer the-key-of-the-crowd' },
		body: JSON.stringify({ event: 'news', args: [number, 'x'.repeat(BYTES)], broadcast: true }),
	});

	if (!answer.ok)
		throw new Error(`the emit was answered with ${answer.status}: ${await answer.text()}`);
	const heard = await allNext();
	if (heard.some((h) => h.number !== number))
		throw new Error(`broadcast ${number}: the clients tell of ${heard.map((h) => h.number)}`);
	const { at, ...cpu } = between(before, cpuNow(pids));
	return { first_ms: (Math.min(...heard.map((h) => h.first_ns)) - begun) / 1e6, last_ms: (Math.max(...heard.map((h) => h.last_ns)) - begun) / 1e6, gateway_us: cpu.gateways / clients, machine_us: (cpu.machine - cpu.load) / clients };
}

// All have heard all of it, and nothing else.
async function leave() {
	isLeaving = true;
	for (const { child } of loads)
		child.stdin.end();
	const told = await allNext();

	await Promise.all(loads.map((load) => load.ended));
	return told.length;
}

async function end() {
	isLeaving = true;
	for (const { child, ended } of loads) {
		child.kill('SIGKILL');
		await ended;
	}
	await site.close();
}

async function run() {
	say(`${count(clients)} clients, gateways: ${gateways}`);
	const pids = await open();
	const empty = memory(pids), connects = await connect(pids);

	say(`connected in ${connects.seconds.toFixed(1)} s`);
	const full = memory(pids);
	say(`resting for ${options.rest} s`);
	const rests = await rest(pids, Number(options.rest));
	const broadcasts = [];
	for (let number = 1; number <= Number(options.broadcasts); number++)
		broadcasts.push(await broadcast(pids, pids.apis[0], number));
	say('all have heard all broadcasts');
	await leave();
	return { when: new Date().toISOString(), machine: { cores: os.cpus().length, memory: os.totalmem() }, clients, gateways, connects, memory: grown(empty, full), rest: rests, broadcasts, left: await ebb(pids), empty: empty.gateways.resident };
}

for (const signal of ['SIGINT', 'SIGTERM'])
	process.once(signal, () => end().finally(() => process.exit(1)));
mkdirSync(options.out, { recursive: true });
const missing = whyMissing('stoa', 'cluster');
let result = null;
if (missing) {
	console.log(`SKIP: ${missing}`);
} else {
	try {
		result = await run();
	} catch (error) {
		console.log(`FAIL: ${error.message}; logs: ${path.join(options.out, 'logs')}`);
		process.exitCode = 1;
	} finally {
		await end();
	}
}
if (result) {
	writeFileSync(path.join(options.out, 'crowd.json'), JSON.stringify(result, null, '\t') + '\n');
	console.log(`\n${crowdTable(result)}\n`);
}
console.log(`cases: ${result ? 1 : 0} passed, ${result || missing ? 0 : 1} failed, ${missing ? 1 : 0} skipped`);
process.exit(); // a rest that was cut short has its timer yet
