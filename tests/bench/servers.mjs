// Starts the servers that are measured: each alone, two of them with a Redis between, or a gateway with a broker.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { VARIANTS } from './scenarios.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const PEERS = path.join(HERE, 'peers');
const BUN = path.join(PEERS, 'node_modules/.bin/bun');
const READY_MS = 20_000;

export const BIN = process.env.STOA_BIN ?? path.join(HERE, '../../build/release/bin');
const APP = path.join(process.env.STOA_APPS ?? path.join(BIN, '../apps'), 'bench.so');

// name -> what it is, the command line, and why it cannot run here.
const kinds = {
	stoa: {
		command: (port, redis) => [path.join(BIN, 'stoa-gateway'), '--app', APP, '--listen', `127.0.0.1:${port}`, ...(redis ? ['--redis-url', redis] : [])],
		missing: () => !existsSync(APP) && `${APP} was not built`,
	},
	bare: {
		command: (port) => [path.join(BIN, 'bench-bare'), String(port)],
		missing: () => false,
	},
	node: {
		command: (port, redis) => [process.execPath, path.join(PEERS, 'node.mjs'), String(port), ...(redis ? [redis] : [])],
		missing: () => !existsSync(path.join(HERE, '../e2e/node_modules/socket.io')) && 'the npm packages of tests/e2e are not installed',
	},
	bun: {
		command: (port) => [BUN, path.join(PEERS, 'bun.mjs'), String(port)],
		missing: () => !existsSync(BUN) && 'the npm packages of tests/bench/peers are not installed',
	},
	flask: {
		command: (port, redis) => ['/usr/bin/python3', path.join(PEERS, 'flask_gevent.py'), String(port), ...(redis ? [redis] : [])],
		missing: () => !existsSync('/usr/lib/python3/dist-packages/gevent') && 'python3-gevent is not installed',
	},
};

for (const [name, { flags = [] }] of Object.entries(VARIANTS))
	kinds[name] = { command: (...where) => [...kinds.stoa.command(...where), ...flags], missing: kinds.stoa.missing };

export function whyMissing(name, shape) {
	if (shape === 'broker' && !existsSync(path.join(BIN, 'stoa-broker')))
		return 'there is no stoa-broker in this build';
	if (shape && !existsSync('/usr/bin/redis-server'))
		return 'redis-server is not installed';
	return kinds[name].missing() || null;
}

export async function freePort() {
	const server = createServer();

	await new Promise((resolve, reject) => server.on('error', reject).listen(0, '127.0.0.1', resolve));
	const { port } = server.address();
	await new Promise((resolve) => server.close(resolve));
	return port;
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function answers(port) {
	return new Promise((resolve) => {
		const socket = connect(port, '127.0.0.1');

		socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
		socket.on('connect', () => socket.destroy());
	});
}

const isReady = (port) => fetch(`http://127.0.0.1:${port}/readyz`).then((answer) => answer.ok, () => false);

// A process and all that it started.
function family(pid) {
	const children = new Map();

	for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
		try {
			const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
			const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);

			children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
		} catch {
			// It ended meanwhile.
		}
	}
	const all = [pid];
	for (const one of all)
		all.push(...(children.get(one) ?? []));
	return all;
}

// What runs for one measurement. CPU 0 is the servers', the next one the load's.
export class Site {
	#children = [];
	ports = [];

	constructor(logs, cpu) {
		this.logs = logs;
		this.cpu = cpu;
		mkdirSync(logs, { recursive: true });
	}

	get pids() {
		return this.#children.flatMap(({ child }) => family(child.pid));
	}

	async open(server, shape) {
		const redis = shape ? await this.redis() : null;

		if (shape === 'broker')
			return this.#behindBroker(redis);
		for (let i = 0; i < (shape === 'cluster' ? 2 : 1); i++) {
			const port = await freePort();

			await this.start(`${server}-${i}`, kinds[server].command(port, redis), port, VARIANTS[server]?.env);
			this.ports.push(port);
			this.#isItself(server, `${server}-${i}`);
		}
		if (shape)
			await sleep(1500); // until they have heard of each other: no two servers say so in one way
	}

	// A variant that says in its log that it runs like any other has no figures of its own.
	#isItself(server, name) {
		const { unlike } = VARIANTS[server] ?? {};

		if (unlike && readFileSync(path.join(this.logs, `${name}.log`), 'utf8').includes(unlike))
			throw new Error(`it says ${unlike}; see ${this.logs}/${name}.log`);
	}

	// A gateway of ours, and a broker with the application in one process.
	async #behindBroker(redis) {
		const [port, internal, ofBroker] = [await freePort(), await freePort(), await freePort()];
		const at = (number) => `127.0.0.1:${number}`;

		await this.start('broker', [path.join(BIN, 'stoa-broker'), '--app', APP, '--workers', '1', '--redis-url', redis, '--internal-listen', at(ofBroker)], ofBroker);
		await this.start('stoa-0', [path.join(BIN, 'stoa-gateway'), '--dispatch', 'broker', '--redis-url', redis, '--listen', at(port), '--internal-listen', at(internal)], port);
		this.ports.push(port);
		for (const end = Date.now() + READY_MS; Date.now() < end; await sleep(50))
			if (await isReady(ofBroker) && await isReady(internal))
				return;
		throw new Error('the broker or the gateway did not become ready');
	}

	// Another gateway of ours, number `i`, in this cluster.
	async startStoa(i, port, redis, flags, env) {
		await this.start(`stoa-${i}`, [...kinds.stoa.command(port, redis), ...flags], port, env);
		this.ports.push(port);
	}

	// Resolves to its URL.
	async redis() {
		const port = await freePort();

		await this.start('redis', ['redis-server', '--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'], port);
		return `redis://127.0.0.1:${port}`;
	}

	// Resolves when its port answers.
	async start(name, command, port, more = {}) {
		const log = openSync(path.join(this.logs, `${name}.log`), 'w');
		const { STOA_BIN, STOA_APPS, STOA_BUILD, ...env } = process.env;
		const child = spawn('taskset', ['-c', String(this.cpu), ...command], { stdio: ['ignore', log, log], env: { ...env, ...more } });
		const ended = new Promise((resolve) => child.on('close', resolve));
		let isOver = false;

		ended.then(() => (isOver = true));
		this.#children.push({ child, ended });
		for (const end = Date.now() + READY_MS; !isOver && Date.now() < end; await sleep(20))
			if (await answers(port))
				return;
		throw new Error(`${name} did not start; see ${this.logs}/${name}.log`);
	}

	async close() {
		for (const { child, ended } of this.#children.reverse()) {
			child.kill('SIGTERM');
			const killer = setTimeout(() => child.kill('SIGKILL'), 3000);
			await ended;
			clearTimeout(killer);
		}
	}
}
