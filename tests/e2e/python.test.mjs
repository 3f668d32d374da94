// Debian's python3-socketio client against examples/getting-started; its steps are in python_client.py.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { share } from './lib/gateway.mjs';
import { deadline, PATIENCE_MS } from './lib/wait.mjs';

const gateway = share(before, after, 'getting-started');
const packed = share(before, after, 'getting-started', ['--parser', 'msgpack']);
const script = path.join(path.dirname(fileURLToPath(import.meta.url)), 'python_client.py');

// Debian's own interpreter: another one would not find Debian's packages.
async function python(t, ...args) {
	const child = spawn('/usr/bin/python3', ['-B', script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
	let output = '';

	t.after(() => child.kill('SIGKILL'));
	for (const stream of [child.stdout, child.stderr])
		stream.setEncoding('utf8').on('data', (text) => (output += text));
	const code = await deadline(new Promise((resolve) => child.on('close', resolve)), 'the Python client', () => output, 4 * PATIENCE_MS);
	assert.equal(code, 0, output);
	return output;
}

for (const transport of ['websocket', 'polling']) {
	test(`python-socketio over ${transport}: the tour, /test, a refusal`, async (t) => {
		assert.match(await python(t, gateway().url, transport), /ok refusal\n$/);
	});
}

test('python-socketio upgrades from polling to WebSocket', async (t) => {
	await python(t, gateway().url, 'upgrade');
});

for (const transport of ['websocket', 'polling']) {
	test(`2.13: python-socketio with serializer='msgpack' over ${transport}: the tour, /test, a refusal`, async (t) => {
		assert.match(await python(t, packed().url, transport, 'msgpack'), /ok refusal\n$/);
	});
}

test("2.13: python-socketio with serializer='msgpack' upgrades from polling to WebSocket", async (t) => {
	await python(t, packed().url, 'upgrade', 'msgpack');
});
