// A stoa-broker for a test: the application's other home. With STOA_DISPATCH=broker every Gateway.start() of a test
// file has one of its own, and what the file expects must hold all the same (lib/gateway.mjs).

import { Redis } from './redis.mjs';
import { appPath, portIn, Program, runProgram } from './program.mjs';
import { eventually } from './wait.mjs';

export class Broker extends Program {
	// Resolves when it runs the application. `flags` are its command line but for those given here.
	static async start(app, { redisUrl, appName, flags = [], env = {} }) {
		const b = new Broker();

		b.appName = appName;
		b.spawn('stoa-broker', ['--app', appPath(app), '--app-name', appName, '--redis-url', redisUrl, '--internal-listen', '127.0.0.1:0', ...flags], env);
		await b.ready();
		return b;
	}

	async ready() {
		this.internalPort = portIn(await this.line(/ listening .*internal=/), 'internal');
		this.internalUrl = `http://127.0.0.1:${this.internalPort}`;
		await becomesReady(this);
	}
}

export async function becomesReady(program) {
	let ended = null;

	program.ended.then(({ code, signal }) => (ended = code ?? signal));
	await eventually(`${program.name} to be ready`, async () => {
		if (ended !== null)
			throw new Error(`${program.name} ended with ${ended}:\n${program.lines.join('\n')}`);
		return fetch(`${program.internalUrl}/readyz`).then((answer) => answer.ok, () => false);
	});
}

// --- Whose flags are whose

// What a gateway's command line means to a broker as well. `workers` is another number there, and addresses, names and
// where keys begin are each program's own.
const OWN = ['listen', 'internal-listen', 'workers', 'config', 'node-name', 'node-address', 'watch'];
const BROKERS_ALONE = ['set', 'app'];
let known; // names of stoa-broker's options

async function brokerOptions() {
	known ??= runProgram('stoa-broker', ['--help']).then(({ stdout }) => new Set([...stdout.matchAll(/^ +--(?:\[no-\])?([a-z0-9-]+)/gm)].map((m) => m[1])));
	return known;
}

// ['--a', '1', '--no-b'] -> [['--a', '1'], ['--no-b']]
function grouped(flags) {
	const groups = [];

	for (const flag of flags.map(String)) {
		if (flag.startsWith('--') || groups.length === 0)
			groups.push([flag]);
		else
			groups.at(-1).push(flag);
	}
	return groups;
}

const nameOf = ([flag]) => /^--(?:no-)?([a-zA-Z0-9-]+)/.exec(flag)?.[1];

// A command line of an embedding gateway, shared out.
export async function shareOut(flags) {
	const options = await brokerOptions();
	const groups = grouped(flags);

	return {
		gateway: groups.filter((group) => !BROKERS_ALONE.includes(nameOf(group))).flat(),
		broker: groups.filter((group) => options.has(nameOf(group)) && !OWN.includes(nameOf(group)) && nameOf(group) !== 'redis-url').flat(),
		redisUrl: groups.find((group) => nameOf(group) === 'redis-url')?.[1],
	};
}

// --- A Redis for all brokers of a test file

let shared;

// Started at its first use; ends with this process, which need not wait for it.
export function sharedRedis() {
	shared ??= Redis.start().then((redis) => {
		redis.child.unref();
		process.on('exit', () => redis.killNow());
		return redis;
	});
	return shared;
}
