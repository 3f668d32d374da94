// examples/brokers: workers in other languages, as a test starts and ends them.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { cpSync, existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { environment, exitOf, ROOT } from './program.mjs';
import { deadline } from './wait.mjs';

const EXAMPLES = path.join(ROOT, 'examples/brokers');

// Debian's, which python3-redis is for.
const PYTHON = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';

export const LANGUAGES = [
	{ language: 'Python', folder: 'python', words: [PYTHON, '-u', 'getting_started.py'] },
	{ language: 'Node', folder: 'node', words: [process.execPath, 'getting-started.mjs'] },
];

// The example's files in a folder of their own, which has the packages that these tests have.
function install(folder) {
	const dir = mkdtempSync(path.join(tmpdir(), 'stoa-languages-'));

	cpSync(path.join(EXAMPLES, folder), dir, { recursive: true });
	if (!existsSync(path.join(dir, 'node_modules')))
		symlinkSync(path.join(ROOT, 'tests/e2e/node_modules'), path.join(dir, 'node_modules'));
	return dir;
}

export class Worker extends EventEmitter {
	lines = [];
	stopped = false;

	static start({ language, folder, words }, { redisUrl, appName, flags = [] }) {
		const w = new Worker();
		const [program, ...args] = [...words, '--app-name', appName, '--redis-url', redisUrl, ...flags];
		let rest = '';
		const take = (text) => {
			const lines = (rest + text).split('\n');

			rest = lines.pop();
			lines.forEach((line) => (w.lines.push(line), w.emit('line', line)));
		};

		w.name = `the ${language} worker`;
		w.dir = install(folder);
		w.child = spawn(program, args, { cwd: w.dir, env: environment({}), stdio: ['ignore', 'pipe', 'pipe'] });
		w.ended = exitOf(w.child);
		w.child.stdout.setEncoding('utf8').on('data', take);
		w.child.stderr.setEncoding('utf8').on('data', take);
		return w;
	}

	// A line that matches, among those written since line number `from` or still to come.
	line(pattern, from = 0) {
		const found = this.lines.slice(from).find((line) => pattern.test(line));

		if (found !== undefined)
			return Promise.resolve(found);
		const arrived = new Promise((resolve) => this.on('line', (line) => pattern.test(line) && resolve(line)));
		return deadline(arrived, `${this.name} to say ${pattern}`, () => this.lines.join('\n'));
	}

	async kill() {
		this.stopped = true;
		this.child.kill('SIGKILL');
		await deadline(this.ended, `${this.name} to end`);
		rmSync(this.dir, { recursive: true, force: true });
	}

	// Ends it by SIGTERM, which hands over what it has. Harmless when it has ended.
	async stop() {
		if (this.stopped)
			return;
		this.stopped = true;
		this.child.kill('SIGTERM');
		try {
			const { code, signal } = await deadline(this.ended, `${this.name} to end after SIGTERM`, () => this.lines.join('\n'));
			assert.equal(code ?? signal, 0, `exit code of ${this.name} after SIGTERM; it said\n${this.lines.join('\n')}`);
		} finally {
			this.child.kill('SIGKILL');
			rmSync(this.dir, { recursive: true, force: true });
		}
	}
}
