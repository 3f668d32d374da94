// Starts a stoa-gateway for a test and ends it again.
//
// Ports are free ones, chosen by the kernel. A gateway that is stopped must exit with 0 and must not have written a
// sanitizer's report: stop() asserts both, so every test is a leak test on the `dev` build.
//
// With STOA_DISPATCH=broker the application runs behind a broker that is started with the gateway and ends with it, and
// its lines are among the gateway's. To a test that is one program, as if the application were embedded.

import { createServer } from 'node:net';
import path from 'node:path';
import { becomesReady, Broker, sharedRedis, shareOut } from './broker.mjs';
import { hangUp } from './raw.mjs';
import { appPath, portIn, Program, ROOT, runProgram } from './program.mjs';

export { APPS, appPath, BIN, parseMetrics, ROOT } from './program.mjs';
export const CLIENT_DIR = process.env.STOA_CLIENT_DIR ?? path.join(ROOT, 'build/deps/client');
export const CUT = 3; // the exit code when the time was up before all clients had their last messages
export const IS_DEV = process.env.STOA_BUILD === 'dev'; // with sanitizers: several times slower, so sizes are smaller
export const BEHIND_BROKERS = process.env.STOA_DISPATCH === 'broker';

export const pagesOf = (name) => path.join(ROOT, 'examples', name, 'public');
export const runGateway = (args, options) => runProgram('stoa-gateway', args, options);

// What embedded has no limit for is not what the files test that run both ways; and where an application counts in the memory
// of its module, there is one process that has it.
const UNLIMITED = ['--max-waiting-events', '100000'];
const ONE_PROCESS = ['hooks'];

let started = 0; // gateways that have a broker: each has an application name and a cluster of its own

export class Gateway extends Program {
	broker = null; // the application's, when it is not embedded
	goodEnds = [0, CUT]; // clients that a test leaves behind may have had messages

	// Resolves when it listens. `app` is a module's name or absolute path; `flags` are more of the command line. Gateways
	// of one `appName` share their brokers.
	static async start(app, flags = [], { env = {}, appName } = {}) {
		const g = new Gateway();

		if (BEHIND_BROKERS)
			await g.#startBoth(app, flags, env, appName ?? `t${process.pid}-${++started}`);
		else
			await g.#start(['--app', appPath(app), ...flags], env);
		return g;
	}

	// A gateway without an application: the flags say who runs it.
	static async startWithout(flags, { env = {} } = {}) {
		const g = new Gateway();

		await g.#start(flags, env);
		return g;
	}

	async #start(flags, env) {
		const args = ['--listen', '127.0.0.1:0', '--internal-listen', '127.0.0.1:0', ...flags];
		// Polling sessions that a test leaves behind need not be waited for.
		if (!flags.includes('--shutdown-timeout'))
			args.push('--shutdown-timeout', '500ms');

		this.spawn('stoa-gateway', args, env);
		if (this.broker !== null)
			this.#endWithBroker();
		const line = await this.line(/ listening .*addr=/);
		this.port = portIn(line, 'addr');
		this.internalPort = portIn(line, 'internal');
		this.url = `http://127.0.0.1:${this.port}`;
		this.internalUrl = `http://127.0.0.1:${this.internalPort}`;
	}

	async #startBoth(app, flags, env, appName) {
		const share = await shareOut(flags);
		const redisUrl = share.redisUrl ?? (await sharedRedis()).url;
		const apart = share.redisUrl === undefined ? ['--redis-url', redisUrl, '--redis-key', appName] : [];

		this.broker = await Broker.start(app, { redisUrl, appName, flags: [...(ONE_PROCESS.includes(app) ? ['--workers', '1'] : ['--workers', '2']), ...share.broker] });
		this.broker.lines.forEach((line) => this.take(line));
		this.broker.on('line', (line) => this.take(line));
		try {
			await this.#start(['--dispatch', 'broker', '--app-name', appName, ...UNLIMITED, ...apart, ...share.gateway], env);
			if (!flags.includes('--workers'))
				await becomesReady(this);
		} catch (error) {
			this.broker.signal('SIGKILL');
			throw error;
		}
	}

	// The broker ends when the gateway has; then both have ended, with the worse of their codes.
	#endWithBroker() {
		this.ended = this.ended.then(async (end) => {
			const { broker } = this;

			broker.signal('SIGTERM');
			const brokers = await broker.ended;
			return [0, CUT].includes(end.code) && brokers.code !== 0 ? brokers : end;
		});
	}

	// Of whoever runs the application: handlers, timers, background work.
	appMetrics() {
		return (this.broker ?? this).metrics();
	}

	async stop() {
		if (this.stopped)
			return;
		try {
			await super.stop();
		} finally {
			this.broker?.signal('SIGKILL');
		}
	}
}

// A port that was free a moment ago.
export async function freePort() {
	const server = createServer().listen(0, '127.0.0.1');

	await new Promise((resolve) => server.once('listening', resolve));
	const { port } = server.address();
	await new Promise((resolve) => server.close(resolve));
	return port;
}

// A gateway for all tests of a file: `const gateway = share(before, after, 'chat')`, then gateway().url in a test.
export function share(before, after, app, flags = []) {
	let g;

	before(async () => {
		g = await Gateway.start(app, flags);
	});
	after(async () => {
		await g?.stop();
	});
	return () => g;
}

// A gateway for one test, ended with it.
export async function forTest(t, app, flags = [], options = {}) {
	const g = await Gateway.start(app, flags, options);

	stopAfter(t, g);
	return g;
}

export function stopAfter(t, g) {
	t.after(() => {
		hangUp(t);
		return g.stop();
	});
}
