// A Redis of a test's own: no persistence, a free port of loopback, ended with the test.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from './gateway.mjs';
import { deadline, eventually } from './wait.mjs';

class EndedAtOnce extends Error {}

export class Redis {
	static async start({ port, flags = [] } = {}) {
		const r = new Redis();

		r.flags = flags;
		for (let attempts = port === undefined ? 5 : 1; ; attempts--) {
			r.port = port ?? (await freePort());
			try {
				await r.run();
				return r;
			} catch (error) {
				if (!(error instanceof EndedAtOnce) || attempts === 1)
					throw error;
			}
		}
	}

	// Starts it, again after kill(): empty, on the same port.
	async run() {
		this.dir = mkdtempSync(path.join(tmpdir(), 'stoa-redis-'));
		this.child = spawn('redis-server', ['--port', this.port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', this.dir, ...this.flags],
			{ stdio: 'ignore' });
		this.ended = once(this.child, 'exit');
		let hasEnded = false;

		this.child.once('exit', () => (hasEnded = true));
		await eventually('Redis to answer', () => hasEnded || this.command('PING').then(() => true, (error) => /NOAUTH/.test(error.message)));
		if (hasEnded)
			throw new EndedAtOnce(`redis-server on port ${this.port} ended at once: somebody else may have taken the port`);
	}

	get url() {
		return `redis://127.0.0.1:${this.port}`;
	}

	// One command on a connection of its own.
	async command(...args) {
		const session = await RedisSession.open(this.port);

		try {
			return await session.command(...args);
		} finally {
			session.close();
		}
	}

	session() {
		return RedisSession.open(this.port);
	}

	signal(name) {
		this.child.kill(name);
	}

	async kill() {
		this.child.kill('SIGCONT');
		this.child.kill('SIGKILL');
		await deadline(this.ended, 'Redis to end');
		rmSync(this.dir, { recursive: true, force: true });
	}

	// For where nothing can be waited for.
	killNow() {
		this.child.kill('SIGKILL');
		rmSync(this.dir, { recursive: true, force: true });
	}
}

export async function redisForTest(t, options = {}) {
	const redis = await Redis.start(options);

	t.after(() => redis.kill());
	return redis;
}

// Started before the file's tests, ended after them.
export function shareRedis(before, after, options = {}) {
	let redis, tell;
	const get = () => redis;

	get.started = new Promise((resolve) => (tell = resolve)); // for other hooks, which need not run behind this one
	before(async () => {
		redis = await Redis.start(options);
		tell();
	});
	after(() => redis?.kill());
	return get;
}

// RESP2 as far as the tests need it: commands in order, and messages of what is subscribed to.
export class RedisSession {
	#bytes = Buffer.alloc(0);
	#waiting = [];
	messages = [];
	onmessage = () => {};

	static async open(port) {
		const s = new RedisSession();

		s.socket = connect(port, '127.0.0.1');
		s.socket.on('data', (bytes) => s.#receive(bytes));
		s.socket.on('error', () => {});
		s.socket.on('close', () => s.#waiting.splice(0).forEach((w) => w.reject(new Error('Redis closed the connection'))));
		await once(s.socket, 'connect');
		return s;
	}

	command(...args) {
		const parts = args.map((a) => (Buffer.isBuffer(a) ? a : Buffer.from(String(a))));

		this.socket.write(Buffer.concat([Buffer.from(`*${parts.length}\r\n`), ...parts.flatMap((p) => [Buffer.from(`$${p.length}\r\n`), p, Buffer.from('\r\n')])]));
		return deadline(new Promise((resolve, reject) => this.#waiting.push({ resolve, reject })), `Redis to answer ${args[0]}`);
	}

	close() {
		this.socket.destroy();
	}

	#receive(bytes) {
		this.#bytes = Buffer.concat([this.#bytes, bytes]);
		for (;;) {
			const found = parse(this.#bytes, 0);

			if (found === null)
				return;
			this.#bytes = this.#bytes.subarray(found.end);
			this.#take(found.value);
		}
	}

	#take(value) {
		if (Array.isArray(value) && /^p?message$/.test(String(value[0]))) {
			const message = { channel: String(value.at(-2)), payload: value.at(-1) };

			this.messages.push(message);
			this.onmessage(message);
		} else if (value instanceof Error) {
			this.#waiting.shift()?.reject(value);
		} else {
			this.#waiting.shift()?.resolve(value);
		}
	}
}

function parse(bytes, at) {
	const line = bytes.indexOf('\r\n', at);

	if (line < 0)
		return null;
	const text = bytes.toString('utf8', at + 1, line);
	const body = line + 2;

	switch (String.fromCharCode(bytes[at])) {
	case '+':
		return { value: text, end: body };
	case '-':
		return { value: new Error(text), end: body };
	case ':':
		return { value: Number(text), end: body };
	case '$':
		if (Number(text) < 0)
			return { value: null, end: body };
		return bytes.length < body + Number(text) + 2 ? null : { value: bytes.subarray(body, body + Number(text)), end: body + Number(text) + 2 };
	default:
		return parseArray(bytes, Number(text), body);
	}
}

function parseArray(bytes, count, at) {
	const items = [];

	for (let i = 0; i < count; i++) {
		const found = parse(bytes, at);

		if (found === null)
			return null;
		items.push(found.value);
		at = found.end;
	}
	return { value: items, end: at };
}
