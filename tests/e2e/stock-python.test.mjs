// Debian's python3-socketio, the threaded client and the one for asyncio, over every transport: python_stock.py.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { forTest, freePort } from './lib/gateway.mjs';
import { deadline, PATIENCE_MS } from './lib/wait.mjs';

const script = path.join(path.dirname(fileURLToPath(import.meta.url)), 'python_stock.py');

// Runs it to its end; `tell` gets each line of its output. Debian's own interpreter: another one would not find
// Debian's packages.
async function python(t, args, tell) {
	const child = spawn('/usr/bin/python3', ['-B', script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
	let output = '', rest = '';

	t.after(() => child.kill('SIGKILL'));
	child.stderr.setEncoding('utf8').on('data', (text) => (output += text));
	child.stdout.setEncoding('utf8').on('data', (text) => {
		const lines = (rest + text).split('\n');

		output += text;
		rest = lines.pop();
		lines.forEach(tell);
	});
	const code = await deadline(new Promise((resolve) => child.on('close', resolve)), 'the Python client', () => output, 6 * PATIENCE_MS);
	assert.equal(code, 0, output);
	assert.match(output, /^ok all$/m);
}

// Told by polling that the server closes, the threaded client stays away; so there the server just is no more.
async function end(gateway, way) {
	if (way !== 'polling')
		return gateway.stop();
	gateway.stopped = true;
	gateway.signal('SIGKILL');
	return gateway.ended;
}

for (const kind of ['threaded', 'asyncio']) {
	for (const way of ['websocket', 'polling', 'upgrade']) {
		test(`python-socketio, ${kind}, ${way}`, async (t) => {
			const port = await freePort();
			const begin = () => forTest(t, 'clients', ['--listen', `127.0.0.1:${port}`]);
			const first = await begin();
			const ends = [];
			let restarted;

			await python(t, [first.url, kind, way], (line) => {
				const [, sid, reasons] = /^left (\S+) (.+)$/.exec(line) ?? [];

				if (sid !== undefined)
					ends.push(first.line(new RegExp(`left / because of (${reasons})" sid=${sid} `)));
				if (line === 'restart') // when what clients had to say at their end has arrived
					restarted = Promise.all(ends).then(() => end(first, way)).then(begin);
			});
			await restarted;
			assert.equal(ends.length, way === 'polling' ? 2 : 3);
		});
	}
}
