// The HTTP API of the internal listener and the command `stoa`, with stock clients: what docs/http-api.md says.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { connect } from './lib/client.mjs';
import { BIN, forTest, ROOT, runGateway } from './lib/gateway.mjs';
import { deadline } from './lib/wait.mjs';

const KEY = 'a key without blanks'.replaceAll(' ', '-');
const WITH_KEY = ['--api-key', KEY];

const start = (t, flags = [], options = {}) => forTest(t, 'e2e', [...WITH_KEY, ...flags], options);

// A client in a room.
async function member(t, g, room) {
	const socket = await connect(t, g.url, { transports: ['websocket'] });

	await socket.ask('join', room);
	return socket;
}

// Asks the API; resolves with its status and its JSON.
async function ask(g, what, body, headers = {}) {
	const answer = await fetch(`${g.internalUrl}/api/v1/${what}`, {
		method: body === undefined ? 'GET' : 'POST',
		headers: { 'Authorization': `Bearer ${KEY}`, 'Content-Type': 'application/json', ...headers },
		body: typeof body === 'object' ? JSON.stringify(body) : body,
	});

	return { status: answer.status, headers: answer.headers, json: await answer.json() };
}

// Runs a program to its end. What STOA_ variables the tests have for themselves is not passed on.
async function run(program, args, { env = {}, input = '' } = {}) {
	const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('STOA_')));
	const child = spawn(program, args, { env: { ...inherited, PATH: `${BIN}:${process.env.PATH}`, ...env } });
	const out = { stdout: '', stderr: '', both: '' };

	for (const name of ['stdout', 'stderr']) {
		child[name].setEncoding('utf8').on('data', (text) => {
			out[name] += text;
			out.both += text;
		});
	}
	child.stdin.on('error', () => {}).end(input);
	try {
		const code = await deadline(new Promise((resolve, reject) => {
			child.on('error', reject);
			child.on('close', (status, signal) => resolve(status ?? signal));
		}), `${program} ${args.join(' ')} to end`, () => out.both);

		return { code, ...out };
	} finally {
		child.kill('SIGKILL');
	}
}

const environmentOf = (g) => ({ STOA_API_KEY: KEY, STOA_INTERNAL_LISTEN: `127.0.0.1:${g.internalPort}` });
const stoa = (g, args, options = {}) => run(path.join(BIN, 'stoa'), args, { ...options, env: { ...environmentOf(g), ...options.env } });

describe('the HTTP API', () => {
	test('a stock client receives what fetch() emits', async (t) => {
		const g = await start(t);
		const socket = await member(t, g, 'r');

		assert.deepEqual((await ask(g, 'emit', { event: 'e', args: [1, 'zwei', { drei: [3] }], to: 'r' })).json, { delivered: 1 });
		assert.deepEqual(await socket.next('e'), [1, 'zwei', { drei: [3] }]);
		await ask(g, 'emit', { event: 'e', data: null, broadcast: true });
		assert.deepEqual(await socket.next('e'), [null]);
		await ask(g, 'emit', { event: 'b', args: [{ _placeholder: true, num: 0 }], attachments: [Buffer.from('ABC').toString('base64')], to: socket.id });
		assert.deepEqual((await socket.next('b'))[0], Buffer.from('ABC'));
	});

	test('clients on polling receive it too', async (t) => {
		const g = await start(t);
		const socket = await connect(t, g.url, { transports: ['polling'] });

		assert.deepEqual((await ask(g, 'emit', { event: 'e', broadcast: true })).json, { delivered: 1 });
		assert.deepEqual(await socket.next('e'), []);
	});

	test('join, leave, lists and disconnect', async (t) => {
		const g = await start(t);
		const a = await member(t, g, 'r');
		const b = await connect(t, g.url, { transports: ['websocket'] });

		assert.deepEqual((await ask(g, 'join', { room: 's', broadcast: true, except: 'r' })).json, { clients: 1 });
		assert.deepEqual((await ask(g, 'rooms')).json, { rooms: [{ room: 'r', clients: 1 }, { room: 's', clients: 1 }] });
		const [socket] = (await ask(g, 'sockets?to=s')).json.sockets;
		assert.equal(socket.sid, b.id);
		assert.deepEqual(socket.rooms, [b.id, 's']);
		assert.equal(socket.transport, 'websocket');
		assert.equal(socket.address, '127.0.0.1');
		assert.deepEqual((await ask(g, 'counts')).json, { clients: 2, rooms: 2 });
		const gone = b.happens('disconnect');
		assert.deepEqual((await ask(g, 'disconnect', { to: 's' })).json, { clients: 1 });
		assert.deepEqual((await gone)[0], 'io server disconnect');
		assert.deepEqual((await ask(g, 'leave', { room: 'r', to: a.id })).json, { clients: 1 });
		assert.deepEqual((await ask(g, 'counts')).json, { clients: 1, rooms: 0 });
	});

	test('a batch, and what is wrong in it', async (t) => {
		const g = await start(t);
		const socket = await member(t, g, 'r');
		const { status, json } = await ask(g, 'emit', { batch: [{ event: 'one', to: 'r' }, { event: 'disconnect', to: 'r' }, { event: 'two', to: 'r' }] });

		assert.equal(status, 200);
		assert.deepEqual(json, {
			results: [{ delivered: 1 }, { error: { message: '"disconnect" is a reserved event name', field: 'event', index: 1 } }, { delivered: 1 }],
			failed: 1,
		});
		await socket.next('one');
		await socket.next('two');
	});

	test('a request with the same Idempotency-Key is done once', async (t) => {
		const g = await start(t);
		const socket = await member(t, g, 'r');
		const once = { 'Idempotency-Key': 'k' };

		await ask(g, 'emit', { event: 'e', args: [1], to: 'r' }, once);
		const again = await ask(g, 'emit', { event: 'e', args: [1], to: 'r' }, once);
		assert.deepEqual(again.json, { delivered: 1 });
		assert.equal(again.headers.get('Idempotent-Replayed'), 'true');
		assert.equal((await ask(g, 'emit', { event: 'e', args: [2], to: 'r' }, once)).status, 422);
		await ask(g, 'emit', { event: 'end', to: 'r' });
		await socket.next('e');
		await socket.next('end');
		assert.deepEqual(socket.received.items, []);
		const metrics = await g.metrics();
		assert.equal(metrics['stoa_api_requests_total{result="replayed"}'], 1);
		assert.equal(metrics['stoa_api_requests_total{result="ok"}'], 2);
		assert.equal(metrics['stoa_api_requests_total{result="refused"}'], 1);
	});
});

describe('who may', () => {
	test('wrong key, no key', async (t) => {
		const g = await start(t);
		const wrong = await ask(g, 'counts', undefined, { Authorization: 'Bearer nobodys-key-of-all' });

		assert.equal(wrong.status, 401);
		assert.equal(wrong.headers.get('WWW-Authenticate'), 'Bearer');
		assert.match(wrong.json.error.message, /api_key/);
		const none = await fetch(`${g.internalUrl}/api/v1/emit`, { method: 'POST', body: 'x'.repeat(10) });
		assert.equal(none.status, 401);
		assert.equal((await g.metrics())['stoa_api_requests_total{result="unauthorized"}'], 2);
		assert.ok(!g.lines.join('\n').includes(KEY));
	});

	test('without a key the API is off and says so', async (t) => {
		const g = await forTest(t, 'e2e');
		const answer = await ask(g, 'emit', { event: 'e', broadcast: true });

		assert.equal(answer.status, 404);
		assert.match(answer.json.error.message, /the option api_key or api_key_file turns it on/);
	});

	test('never on the public listener', async (t) => {
		const g = await start(t);
		const answer = await fetch(`${g.url}/api/v1/counts`, { headers: { Authorization: `Bearer ${KEY}` } });

		assert.equal(answer.status, 404);
		assert.doesNotMatch(await answer.text(), /error|key/);
	});

	test('the key in a file; a file without one', async (t) => {
		const dir = mkdtempSync(path.join(os.tmpdir(), 'stoa-api-'));
		const file = path.join(dir, 'key');

		t.after(() => rmSync(dir, { recursive: true }));
		writeFileSync(file, `${KEY}\n`);
		const g = await forTest(t, 'e2e', ['--api-key-file', file]);
		assert.equal((await ask(g, 'counts')).status, 200);
		assert.equal((await stoa(g, ['counts', '--key-file', file], { env: { STOA_API_KEY: '' } })).code, 0);
		writeFileSync(file, 'short\n');
		const ended = await runGateway(['--app', path.join(BIN, '../apps/e2e.so'), '--listen', '127.0.0.1:0', '--api-key-file', file]);
		assert.equal(ended.code, 1);
		assert.match(ended.stderr, /api_key_file/);
	});
});

describe('limits', () => {
	test('a body at api_max_body and past it', async (t) => {
		const g = await start(t, ['--api-max-body', '1KB']);
		const body = (size) => {
			const empty = JSON.stringify({ event: 'e', broadcast: true, data: '' });
			return JSON.stringify({ event: 'e', broadcast: true, data: 'x'.repeat(size - empty.length) });
		};

		assert.equal((await ask(g, 'emit', body(1000))).status, 200);
		const past = await ask(g, 'emit', body(1001));
		assert.equal(past.status, 413);
		assert.match(past.json.error.message, /api_max_body/);
		assert.equal((await g.metrics())['stoa_limit_total{limit="api_max_body"}'], 1);
		assert.equal((await ask(g, 'counts')).status, 200);
	});

	test('a batch, a page', async (t) => {
		const g = await start(t, ['--api-max-batch', '2', '--api-max-list', '2']);
		const item = { event: 'e', broadcast: true };

		assert.equal((await ask(g, 'emit', [item, item])).status, 200);
		assert.equal((await ask(g, 'emit', [item, item, item])).status, 422);
		assert.equal((await ask(g, 'rooms?limit=2')).status, 200);
		assert.equal((await ask(g, 'rooms?limit=3')).status, 422);
		const metrics = await g.metrics();
		assert.equal(metrics['stoa_limit_total{limit="api_max_batch"}'], 1);
		assert.equal(metrics['stoa_limit_total{limit="api_max_list"}'], 1);
	});

	test('the command reads a listing page by page', async (t) => {
		const g = await start(t, ['--api-max-list', '2']);
		const socket = await connect(t, g.url, { transports: ['websocket'] });

		for (const room of ['e', 'a', 'd', 'b', 'c'])
			await ask(g, 'join', { room, to: socket.id });
		const { code, stdout } = await stoa(g, ['rooms']);
		assert.equal(code, 0);
		assert.deepEqual(stdout.trim().split('\n').map((line) => line.trim().split(/ +/)[1]), ['ROOM', 'a', 'b', 'c', 'd', 'e']);
		assert.equal((await stoa(g, ['rooms', '--limit', '2'])).stdout.split('\n').length, 4);
		const pages = (await stoa(g, ['rooms', '--json'])).stdout.trim().split('\n').map((line) => JSON.parse(line));
		assert.deepEqual(pages.map((page) => page.next), ['b', 'd', undefined]);
	});
});

describe('stoa', () => {
	test('exit codes', async (t) => {
		const g = await start(t);
		const socket = await member(t, g, 'r');
		const cases = [
			[0, 'emit', '--to', 'r', 'e', '{"a":1}', '2'],
			[3, 'emit', '--to', 'nobody', 'e'],
			[1, 'emit', '--broadcast', 'connect'],
			[1, 'counts', '--key', 'not-the-key-at-all'],
			[1, 'counts', '--url', 'http://127.0.0.1:1'],
			[2, 'emit', '--broadcast'],
			[2, 'emit', 'e'],
			[2, 'emit', '--broadcast', 'e', 'no json'],
			[2, 'counts', '--volatile'],
			[2, 'nonsense'],
			[2],
			[0, '--help'],
			[0, 'emit', '--help'],
			[0, '--version'],
			[0, 'join', 's', '--to', 'r'],
			[0, 'leave', 's', '--broadcast'],
			[0, 'disconnect', '--to', 'r', '--transport'],
			[3, 'disconnect', '--broadcast'],
		];

		for (const [code, ...args] of cases) {
			const ended = await stoa(g, args);
			assert.equal(ended.code, code, `stoa ${args.join(' ')}: ${ended.both}`);
			assert.equal(code === 0 || code === 3, ended.stderr === '', ended.both);
		}
		assert.deepEqual(await socket.next('e'), [{ a: 1 }, 2]);
	});

	test('standard input, text, and names that would drive a terminal', async (t) => {
		const g = await start(t);
		const socket = await member(t, g, 'red \u001b[31m');

		await stoa(g, ['emit', '--broadcast', 'e', '-'], { input: '{"piped": true}\n' });
		assert.deepEqual(await socket.next('e'), [{ piped: true }]);
		await stoa(g, ['emit', '--broadcast', '--text', 'e', '-', '1'], { input: 'two\nlines\n' });
		assert.deepEqual(await socket.next('e'), ['two\nlines', '1']);
		assert.match((await stoa(g, ['rooms'])).stdout, /red \\x1b\[31m\n/);
	});
});

// The blocks of the manual. One that is followed by another in json or text shows there what it prints; `...` stands for
// what differs from run to run.
function examples() {
	const text = readFileSync(path.join(ROOT, 'docs/http-api.md'), 'utf8');
	const blocks = [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language, code]) => ({ language, code }));

	return blocks.flatMap((block, i) => {
		const output = ['json', 'text'].includes(blocks[i + 1]?.language) ? blocks[i + 1].code : undefined;
		return ['json', 'text'].includes(block.language) ? [] : [{ ...block, output }];
	});
}

const runners = {
	sh: (code) => ['bash', ['-ec', code]],
	python: (code) => ['python3', ['-c', code]],
	js: (code) => [process.execPath, ['--input-type=module', '-e', code]],
	cron: (code) => ['sh', ['-c', code.replace(/^(\S+\s+){5}/, '')]],
};

function assertPrinted(printed, expected) {
	const pattern = expected.split('...').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*');

	assert.match(printed, new RegExp(`^${pattern}$`));
}

describe('the manual', () => {
	const all = examples();

	test('has examples', () => {
		assert.ok(all.length >= 10);
		assert.deepEqual([...new Set(all.map((e) => e.language))].sort(), Object.keys(runners).sort());
	});

	for (const [i, example] of all.entries()) {
		test(`example ${i + 1}, ${example.language}, prints what it says`, async (t) => {
			const g = await start(t);
			const socket = await member(t, g, 'news');
			const [program, args] = runners[example.language](example.code.replaceAll('127.0.0.1:9000', `127.0.0.1:${g.internalPort}`));
			const ended = await run(program, args, { env: environmentOf(g) });

			assert.equal(ended.code, 0, ended.both);
			assert.ok(example.output, 'it says what it prints');
			assertPrinted(ended.both, example.output);
			if (/\bemit\b/.test(example.code) && !ended.both.includes('refused'))
				await socket.received.take(() => true, 'what the example emits');
		});
	}
});
