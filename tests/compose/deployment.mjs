// docker-compose.yml, really run: a project of its own name, on a free port of loopback.

import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { freePort, parseMetrics, ROOT } from '../e2e/lib/gateway.mjs';
import { get } from '../e2e/lib/http.mjs';
import { eventually } from '../e2e/lib/wait.mjs';

const execute = promisify(execFile);
const OUTPUT_MAX = 64 * 1024 * 1024;
const PARTITIONS = 32; // the broker's default

// Resolves with what it printed; the error of one that fails has all of it.
async function run(command, args, env = {}) {
	try {
		return (await execute(command, args, { cwd: ROOT, env: { ...process.env, ...env }, maxBuffer: OUTPUT_MAX })).stdout.trim();
	} catch (error) {
		const printed = `${error.stdout ?? ''}${error.stderr ?? ''}`;

		throw new Error(`${command} ${args.join(' ')}: ${printed.split('\n').slice(-40).join('\n') || error.message}`);
	}
}

// Null when it runs, else the line that says why not.
async function answers(command, args) {
	try {
		await run(command, args);
		return null;
	} catch ({ message }) {
		const lines = message.split('\n').map((line) => line.trim()).filter((line) => line !== '');

		return lines.find((line) => /cannot|denied|refused/i.test(line)) ?? lines.at(-1);
	}
}

// Compose is a plugin of the client, or a program of its own.
export async function findCompose() {
	if ((await answers('docker', ['compose', 'version'])) === null)
		return ['docker', 'compose'];
	return (await answers('docker-compose', ['version'])) === null ? ['docker-compose'] : null;
}

// Why these tests cannot run here; null: they can.
export async function whyNot() {
	const why = await answers('docker', ['info']);

	if (why !== null)
		return `Docker does not answer: ${why}`;
	return (await findCompose()) === null ? 'there is neither `docker compose` nor docker-compose' : null;
}

// Authorities that this machine was told to trust beside the usual ones: npm, inside a build, may meet them too.
function extraAuthorities() {
	const dir = '/usr/local/share/ca-certificates';

	try {
		return readdirSync(dir).filter((name) => name.endsWith('.crt')).map((name) => readFileSync(path.join(dir, name), 'utf8')).join('\n');
	} catch {
		return '';
	}
}

export class Deployment {
	static async start(gateways) {
		const d = new Deployment();

		d.port = await freePort();
		d.url = `http://127.0.0.1:${d.port}`;
		d.project = `stoa-test-${process.pid}`;
		d.program = await findCompose();
		d.env = {
			COMPOSE_PROJECT_NAME: d.project, STOA_IMAGES: 'stoa-test', STOA_PUBLISH: `127.0.0.1:${d.port}`, WORKERS_EVERY: '1',
			EXTRA_CA: extraAuthorities(),
		};
		try {
			await d.compose('--profile', 'workers', 'build');
			await d.compose('--profile', 'workers', 'up', '-d', '--no-build', '--scale', `gateway=${gateways}`);
			await eventually('the load balancer to find the gateways', () => get(d.url).then((answer) => answer.status === 200, () => false));
		} catch (error) {
			error.message += `\n${await d.logs().catch(() => '')}`;
			await d.remove();
			throw error;
		}
		return d;
	}

	compose(...args) {
		return run(this.program[0], [...this.program.slice(1), ...args], this.env);
	}

	docker(...args) {
		return run('docker', args);
	}

	// Of all that ran, from the newest start on.
	logs() {
		return this.compose('--profile', 'workers', 'logs', '--no-color', '--tail', '40');
	}

	remove() {
		return this.compose('--profile', 'workers', 'down', '-v', '--remove-orphans', '-t', '1');
	}

	// The containers of one service, as `docker inspect` shows them, those that ended included.
	async containers(service) {
		const ids = await this.docker('ps', '-aq', '--filter', `label=com.docker.compose.project=${this.project}`,
			'--filter', `label=com.docker.compose.service=${service}`);

		return ids === '' ? [] : JSON.parse(await this.docker('inspect', ...ids.split('\n')));
	}

	async running(service) {
		return (await this.containers(service)).filter((c) => c.State.Running);
	}

	// What a gateway counts, asked from this machine, which reaches its networks.
	async metrics(container) {
		const { IPAddress } = Object.values(container.NetworkSettings.Networks)[0];

		return parseMetrics((await get(`http://${IPAddress}:5001/metrics`)).text);
	}

	// The container behind each node id, the first four characters of its clients' ids: they are leased in Redis.
	async nodes() {
		const [redis] = await this.running('redis');
		const ask = (...args) => this.docker('exec', redis.Id, 'redis-cli', '--raw', ...args);
		const keys = (await ask('KEYS', 'socket.io-node:*')).split('\n').filter((key) => key !== '');
		const gateways = await this.running('gateway');
		const of = async (key) => {
			const address = (await ask('GET', key)).split(' ')[1].split(':')[0];

			return [key.slice(-4), gateways.find((g) => Object.values(g.NetworkSettings.Networks).some((n) => n.IPAddress === address))];
		};

		return new Map(await Promise.all(keys.map(of)));
	}

	// So many brokers hold all partitions, each its share.
	async brokersShare(count) {
		await eventually(`${count} brokers to share the partitions`, async () => {
			const brokers = await this.running('broker');
			const held = (await Promise.all(brokers.map((b) => this.metrics(b).catch(() => ({}))))).map((m) => m.stoa_broker_partitions);

			return brokers.length === count && held.every((n) => n === PARTITIONS / count);
		});
	}

	// An image in the place of the one of that name: what it was, and a command that changed it.
	async buildFrom(image, command) {
		const dir = mkdtempSync(path.join(tmpdir(), 'stoa-image-'));

		try {
			writeFileSync(path.join(dir, 'Dockerfile'), `FROM ${image}\nUSER 0\nRUN ${command}\nUSER 65532:65532\n`);
			await this.docker('build', '-t', image, dir);
		} finally {
			rmSync(dir, { recursive: true });
		}
	}

	// All of them hear each other.
	async together(count) {
		await eventually(`${count} gateways to be together`, async () => {
			const gateways = await this.running('gateway');
			const all = await Promise.all(gateways.map((g) => this.metrics(g).catch(() => ({}))));

			return gateways.length === count && all.every((m) => m.stoa_bus_up === 1 && m.stoa_cluster_nodes === count - 1);
		});
	}
}
