// The two applications of docs/webhooks.md, as they stand there.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { connect, open } from './lib/client.mjs';
import { freePort, ROOT } from './lib/gateway.mjs';
import { exitOf } from './lib/program.mjs';
import { eventually } from './lib/wait.mjs';
import { gatewayFor, SECRET } from './lib/webhook.mjs';

const page = readFileSync(path.join(ROOT, 'docs/webhooks.md'), 'utf8');

for (const [language, program, file] of [['python', 'python3', 'app.py'], ['js', process.execPath, 'app.cjs']]) {
	test(`docs/webhooks.md: the application in ${language}`, async (t) => {
		const [, code] = new RegExp(`\n\`\`\`${language}\n([^]*?)\n\`\`\`\n`).exec(page);
		const dir = mkdtempSync(path.join(ROOT, 'tests/e2e/node_modules/.webhook-')); // where Express is found
		const port = await freePort();

		t.after(() => rmSync(dir, { recursive: true }));
		writeFileSync(path.join(dir, file), code);
		const child = spawn(program, [path.join(dir, file)], { env: { ...process.env, SECRET, PORT: port }, stdio: 'ignore' });
		const ended = exitOf(child);
		t.after(() => (child.kill('SIGKILL'), ended));
		const url = `http://127.0.0.1:${port}/stoa`;
		// Each over a connection of its own: one that is kept may be closed while the next request is on its way.
		const post = (headers) => fetch(url, { method: 'POST', body: '{"kind":"none"}', headers: { 'Content-Type': 'application/json', Connection: 'close', ...headers } });

		await eventually('the application to listen', () => post({}).then(() => true, () => false));
		assert.equal((await post({})).status, 401);
		assert.equal((await post({ 'X-Stoa-Timestamp': '1', 'X-Stoa-Signature': `sha256=${'0'.repeat(64)}` })).status, 401);

		const g = await gatewayFor(t, { url });
		const [error] = await open(t, g.url, { auth: { token: 'bad' } }).happens('connect_error');
		const [a, b] = [await connect(t, g.url), await connect(t, g.url)];

		assert.equal(error.message, 'unauthorized!');
		assert.deepEqual(await a.next('welcome'), [{ you: a.id }]);
		assert.deepEqual(await a.ask('say', 'hello', { to: 'all' }), ['ok']);
		assert.deepEqual(await b.next('said'), ['hello', { to: 'all' }]);
		b.emit('say', 'without an ack');
		assert.deepEqual(await a.next('said'), ['without an ack']);
		const { id } = a;
		a.disconnect();
		assert.deepEqual(await b.next('left'), [id]);
	});
}
