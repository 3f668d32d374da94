// A program of ours as a test sees it: what it writes line by line, its metrics, its end.
//
// STOA_BIN and STOA_APPS name the folders of the programs and of the application modules; without them the release
// build is taken.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { deadline } from './wait.mjs';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
export const BIN = process.env.STOA_BIN ?? path.join(ROOT, 'build/release/bin');
export const APPS = process.env.STOA_APPS ?? path.join(BIN, '../apps');

export const appPath = (name) => (path.isAbsolute(name) ? name : path.join(APPS, `${name}.so`));

const REPORT = /AddressSanitizer|LeakSanitizer|UndefinedBehaviorSanitizer|runtime error:/;

// The tests' own STOA_ variables are no options of the programs, which would refuse them.
export function environment(env) {
	const own = ['STOA_BIN', 'STOA_APPS', 'STOA_BUILD', 'STOA_CLIENT_DIR', 'STOA_SCREENSHOT', 'STOA_WRAP', 'STOA_LONG', 'STOA_DISPATCH'];
	return { ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.includes(name))), ...env };
}

// `close` and not `exit`: only then has all of its output been read.
export function exitOf(child) {
	return new Promise((resolve, reject) => {
		child.on('error', reject);
		child.on('close', (code, signal) => resolve({ code, signal }));
	});
}

// Runs a program to its end: for what fails, and for --help and its like.
export async function runProgram(name, args, { env = {} } = {}) {
	const child = spawn(path.join(BIN, name), args, { env: environment(env) });
	const ended = exitOf(child);
	const out = { stdout: '', stderr: '' };

	child.stdout.setEncoding('utf8').on('data', (text) => (out.stdout += text));
	child.stderr.setEncoding('utf8').on('data', (text) => (out.stderr += text));
	try {
		return { ...out, ...(await deadline(ended, `${name} ${args.join(' ')} to end`)), ...out };
	} finally {
		child.kill('SIGKILL');
	}
}

export class Program extends EventEmitter {
	lines = [];     // what it wrote on stderr, line by line; every one is also emitted as 'line'
	stopped = false;
	goodEnds = [0]; // exit codes after SIGTERM

	spawn(name, args, env = {}) {
		let rest = '';

		this.name = name;
		this.setMaxListeners(0);
		this.child = spawn(path.join(BIN, name), args, { env: environment(env), stdio: ['ignore', 'ignore', 'pipe'] });
		this.ended = exitOf(this.child);
		this.child.stderr.setEncoding('utf8').on('data', (text) => {
			const lines = (rest + text).split('\n');

			rest = lines.pop();
			lines.forEach((line) => this.take(line));
		});
	}

	take(line) {
		this.lines.push(line);
		this.emit('line', line);
	}

	get pid() {
		return this.child.pid;
	}

	// The first line that matches, among those written since line number `from` or still to come.
	line(pattern, from = 0) {
		const found = this.lines.slice(from).find((line) => pattern.test(line));

		if (found !== undefined)
			return Promise.resolve(found);
		let listener;
		const arrived = new Promise((resolve) => {
			listener = (line) => pattern.test(line) && resolve(line);
			this.on('line', listener);
		});
		const ended = this.ended.then(({ code, signal }) => {
			throw new Error(`${this.name} ended with ${code ?? signal} before a log line like ${pattern}:\n${this.lines.slice(from).join('\n')}`);
		});
		return deadline(Promise.race([arrived, ended]), `a log line like ${pattern}`, () => this.lines.slice(from).join('\n'))
			.finally(() => this.off('line', listener));
	}

	// User and system time it has taken, in milliseconds.
	cpuMs() {
		const stat = readFileSync(`/proc/${this.pid}/stat`, 'utf8');
		const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');

		return (Number(fields[11]) + Number(fields[12])) * 10; // clock ticks of 1/100 s
	}

	// All metrics: name with labels -> number.
	async metrics() {
		// Over a connection of its own: one that is kept may be closed while the next request is on its way.
		const answer = await fetch(`${this.internalUrl}/metrics`, { headers: { Connection: 'close' } });
		const text = await answer.text();

		assert.equal(answer.status, 200);
		return parseMetrics(text);
	}

	signal(name) {
		this.child.kill(name);
	}

	// Ends it by SIGTERM. Harmless when it has ended.
	async stop() {
		if (this.stopped)
			return;
		this.stopped = true;
		this.signal('SIGTERM');
		try {
			const { code, signal } = await deadline(this.ended, `${this.name} to end after SIGTERM`, () => this.lines.slice(-20).join('\n'));
			this.assertClean();
			assert.ok(this.goodEnds.includes(code), `${code ?? signal} is no good exit code of ${this.name} after SIGTERM; the log ends with\n${this.lines.slice(-20).join('\n')}`);
		} finally {
			this.child.kill('SIGKILL');
		}
	}

	assertClean() {
		const at = this.lines.findIndex((line) => REPORT.test(line));

		assert.equal(at, -1, `a sanitizer's report:\n${this.lines.slice(at, at + 40).join('\n')}`);
	}
}

export function portIn(line, key) {
	const found = new RegExp(`\\b${key}="?[^ "]*:(\\d+)`).exec(line);

	return found === null ? undefined : Number(found[1]);
}

export function parseMetrics(text) {
	const metrics = {};

	for (const line of text.split('\n')) {
		const found = /^([a-zA-Z_:][^ {]*(?:\{[^}]*\})?) (\S+)$/.exec(line);
		if (found !== null)
			metrics[found[1]] = Number(found[2]);
	}
	return metrics;
}
