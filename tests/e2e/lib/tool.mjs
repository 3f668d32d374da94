// The command `stoa`, run as a script runs it.

import { spawn } from 'node:child_process';
import path from 'node:path';
import { BIN } from './gateway.mjs';
import { deadline, eventually } from './wait.mjs';

// Nothing of who runs the tests.
const clean = () => Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('STOA_')));

export class Tool {
	constructor(args, env = {}, program = 'stoa') {
		this.stdout = '';
		this.stderr = '';
		this.child = spawn(path.join(BIN, program), args, { env: { ...clean(), TZ: 'UTC', ...env } });
		for (const name of ['stdout', 'stderr'])
			this.child[name].setEncoding('utf8').on('data', (text) => (this[name] += text));
		this.child.stdin.on('error', () => {});
		this.ended = new Promise((resolve, reject) => {
			this.child.on('error', reject);
			this.child.on('close', (code, signal) => resolve(code ?? signal));
		});
	}

	says(what) {
		return eventually(`stoa to say ${what}`, () => what.test(this.stdout + this.stderr));
	}

	async end() {
		try {
			this.code = await deadline(this.ended, 'stoa to end', () => this.stdout + this.stderr);
			return this;
		} finally {
			this.child.kill('SIGKILL');
		}
	}

	get lines() {
		return this.stdout.split('\n').slice(0, -1);
	}

	get json() {
		return this.lines.map((line) => JSON.parse(line));
	}
}

export function runTool(args, { env, input = '', program } = {}) {
	const tool = new Tool(args, env, program);

	tool.child.stdin.end(input);
	return tool.end();
}
