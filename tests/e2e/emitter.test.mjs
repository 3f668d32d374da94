// `stoa` through Redis: two gateways and a server of Node.js hear it, and answer. What it exits with.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect } from './lib/client.mjs';
import { clusterForTest, settled, shareCluster } from './lib/cluster.mjs';
import { freePort } from './lib/gateway.mjs';
import { shareNodes } from './lib/node-server.mjs';
import { redisForTest, shareRedis } from './lib/redis.mjs';
import { runTool, Tool } from './lib/tool.mjs';
import { eventually } from './lib/wait.mjs';

const KEY = 'tool';
const redis = shareRedis(before, after);
// A megabyte is more than may wait for a client by default.
const gateways = shareCluster(before, after, redis, 2, ['--redis-key', KEY, '--node-name', 'gate', '--max-send-queue', '20MB']);
const nodes = shareNodes(before, after, redis, 1, { key: KEY });

const env = () => ({ STOA_REDIS_URL: redis().url, STOA_REDIS_KEY: KEY });
const stoa = (...args) => runTool(args, { env: env() });
const stoaWith = (options, ...args) => runTool(args, { ...options, env: { ...env(), ...options.env } });

const folder = mkdtempSync(path.join(tmpdir(), 'stoa-emitter-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

function file(name, bytes) {
	const at = path.join(folder, name);

	writeFileSync(at, bytes);
	return at;
}

// A client at each server.
async function crowd(t, nsp = '') {
	const sockets = await Promise.all([...gateways(), ...nodes()].map((s) => connect(t, s.url + nsp, { transports: ['websocket'] })));

	await settled(...gateways());
	return sockets;
}

async function inRoom(sockets, room) {
	await Promise.all(sockets.map((s) => s.ask('join', room)));
	await settled(...gateways());
}

// What each has heard when a broadcast behind all else has come.
async function heard(sockets) {
	const mark = `mark ${Math.random()}`;

	assert.equal((await stoa('emit', '--broadcast', 'mark', JSON.stringify(mark))).code, 0);
	return Promise.all(sockets.map(async (socket) => {
		for (const events = []; ;) {
			const { name, args } = await socket.received.take(() => true, 'the mark');

			if (name === 'mark' && args[0] === mark)
				return events;
			if (name !== 'mark')
				events.push([name, ...args]);
		}
	}));
}

describe('stoa emit', () => {
	test('C4: to all, to rooms, except, to a sid, volatile, uncompressed', async (t) => {
		const s = await crowd(t);

		await inRoom([s[0], s[2]], 'even');
		await inRoom([s[1]], 'odd');
		const cases = [
			[['--broadcast'], [0, 1, 2], 3],
			[['--to', 'even'], [0, 2], 2],
			[['--to', 'even', '--to', 'odd', '--to', 'even'], [0, 1, 2], 3],
			[['--broadcast', '--except', 'even'], [1], 3],
			[['--to', s[2].id], [2], 1],
			[['--broadcast', '--except', s[0].id, '--except', 'odd'], [2], 3],
			[['--to', 'even', '--volatile', '--uncompressed'], [0, 2], 2],
		];

		for (const [flags, who, servers] of cases) {
			const done = await stoa('emit', ...flags, 'x', '1', '{"a":["ü",null,1.5]}');

			assert.deepEqual([done.code, done.stdout], [0, `emit: heard by ${servers} server${servers === 1 ? '' : 's'}\n`], `${flags}${done.stderr}`);
			const events = await heard(s);
			for (const i of [0, 1, 2])
				assert.deepEqual(events[i], who.includes(i) ? [['x', 1, { a: ['ü', null, 1.5] }]] : [], `${flags}: client ${i}`);
		}
	});

	test('C4: weird names, another namespace, text, standard input, JSON', async (t) => {
		const s = await crowd(t);

		for (const room of ['42', 'röom#1*?[#', ' ', '--to']) {
			await inRoom(s, room);
			assert.equal((await stoa('emit', '--to', room, 'x', '"y"')).code, 0, room);
			assert.deepEqual(await heard(s), [[['x', 'y']], [['x', 'y']], [['x', 'y']]], room);
		}
		assert.equal((await stoaWith({ input: 'line\n' }, 'emit', '--broadcast', '--text', 'ev\u2028ent', 'a "b"', '-')).code, 0);
		assert.deepEqual(await heard(s), Array(3).fill([['ev\u2028ent', 'a "b"', 'line']]));
		const [chat] = await Promise.all([connect(t, `${gateways()[0].url}/chat`)]);
		await settled(...gateways());
		assert.deepEqual((await stoa('emit', '--namespace', 'chat', '--broadcast', '--json', 'x', '1')).json, [{ heard: 2 }]); // both gateways serve it
		assert.deepEqual(await chat.next('x'), [1]);
	});

	test('C4: binary from files, in place and behind the arguments', async (t) => {
		const s = await crowd(t);
		const a = file('a', Buffer.from([0, 255, 10])), b = file('b', Buffer.alloc(0));

		assert.equal((await stoa('emit', '--broadcast', '--attachment', a, '--attachment', b, 'x', '{"at":{"_placeholder":true,"num":0}}', '[{"_placeholder":true,"num":1}]')).code, 0);
		assert.equal((await stoa('emit', '--broadcast', '--attachment', a, '--attachment', b, 'y', '1')).code, 0);
		assert.equal((await stoa('emit', '--broadcast', '--attachment', a, 'z')).code, 0);
		const [A, B] = [Buffer.from([0, 255, 10]), Buffer.alloc(0)];
		assert.deepEqual(await heard(s), Array(3).fill([['x', { at: A }, [B]], ['y', 1, A, B], ['z', A]]));
		const wrong = await stoa('emit', '--broadcast', '--attachment', a, 'x', '{"_placeholder":true,"num":1}');
		assert.deepEqual([wrong.code, /there is none/.test(wrong.stderr)], [2, true]);
		const missing = await stoa('emit', '--broadcast', '--attachment', path.join(folder, 'none'), 'x');
		assert.deepEqual([missing.code, /No such file/.test(missing.stderr)], [2, true]);
	});

	test('C4: a megabyte arrives; what is too large is refused and not sent', async (t) => {
		const s = await crowd(t);
		const large = 'x'.repeat(1 << 20);

		assert.equal((await stoaWith({ input: large }, 'emit', '--broadcast', '--text', 'large', '-')).code, 0);
		for (const events of await heard(s))
			assert.ok(events.length === 1 && events[0][1] === large);
		const refused = await stoaWith({ input: 'y'.repeat(8000001) }, 'emit', '--broadcast', '--text', 'large', '-');
		assert.deepEqual([refused.code, refused.stdout, /at most 8000000/.test(refused.stderr)], [2, '', true]);
		assert.deepEqual(await heard(s), [[], [], []]);
	});

	test('C4: acknowledgements of all, one JSON line each, then a summary', async (t) => {
		const s = await crowd(t);

		s.forEach((c, i) => c.on('q', (x, done) => done({ i, x, bin: Buffer.from([i]) })));
		const done = await stoa('emit', '--broadcast', '--ack', '20', 'q', '"x"');
		assert.equal(done.code, 0, done.stderr);
		assert.deepEqual(done.json.map(([a]) => a).sort((x, y) => x.i - y.i), [0, 1, 2].map((i) => ({ i, x: 'x', bin: { type: 'Buffer', data: [i] } })));
		assert.match(done.stderr, /3 of 3 clients acknowledged, heard by 3 servers/);
		const one = await stoa('emit', '--to', s[2].id, '--ack', '20', '--json', 'q', '"y"');
		assert.deepEqual([one.code, one.json], [0, [{ ack: [{ i: 2, x: 'y', bin: { type: 'Buffer', data: [2] } }] }, { heard: 3, servers: 3, responded: 3, clients: 1, acks: 1 }]]);
	});

	test('C4: a client without an ack: the others are printed, and the code is 4', async (t) => {
		const s = await crowd(t);

		s.slice(1).forEach((c, i) => c.on('q', (done) => done(i)));
		const done = await stoa('emit', '--broadcast', '--ack', '2', 'q');
		assert.deepEqual([done.code, done.json.map(([a]) => a).sort()], [4, [0, 1]]);
		assert.match(done.stderr, /2 of 3 clients acknowledged/);
		const nobody = await stoa('emit', '--to', 'no such room', '--ack', '20', 'q');
		assert.deepEqual([nobody.code, nobody.stdout], [3, '']);
	});

	test('C4: a server without an answer: 4, and it says how many are silent', async (t) => {
		const silent = await redis().session();

		t.after(() => silent.close());
		const s = await crowd(t);
		s.forEach((c, i) => c.on('q', (done) => done(i)));
		await silent.command('SUBSCRIBE', `${KEY}-request#/#`);
		const done = await stoa('emit', '--broadcast', '--ack', '2', 'q');
		assert.deepEqual([done.code, done.json.length], [4, 3]);
		assert.match(done.stderr, /1 of 4 servers did not answer in time/);
	});

	test('C4: nobody hears it: 3', async () => {
		const done = await stoa('emit', '--redis-key', 'nobody', '--broadcast', 'x');

		assert.deepEqual([done.code, done.stdout], [3, 'emit: heard by 0 servers\n']);
		assert.equal((await stoa('emit', '--redis-key', 'nobody', '--ack', '20', '--broadcast', 'x')).code, 3);
	});
});

describe('stoa join, leave, disconnect, server-emit', () => {
	test('C4: clients of all servers', async (t) => {
		const s = await crowd(t);

		assert.deepEqual((await stoa('join', '--to', s[0].id, '--to', s[2].id, 'made')).stdout, 'join: heard by 3 servers\n');
		await inRoom([], 'none');
		assert.deepEqual((await stoa('sockets', '--json', 'made')).json[0].sockets.map(({ id }) => id).sort(), [s[0].id, s[2].id].sort());
		await settled(...gateways());
		assert.equal((await stoa('emit', '--to', 'made', 'x')).code, 0);
		assert.deepEqual(await heard(s), [[['x']], [], [['x']]]);
		assert.equal((await stoa('leave', '--to', s[0].id, 'made')).code, 0);
		assert.equal((await stoa('emit', '--to', 'made', 'y')).code, 0);
		assert.deepEqual(await heard(s), [[], [], [['y']]]);
		const gone = s.slice(1).map((c) => c.happens('disconnect'));
		assert.equal((await stoa('disconnect', '--broadcast', '--except', s[0].id, '--transport')).code, 0);
		for (const [why] of await Promise.all(gone))
			assert.equal(why, 'io server disconnect');
		assert.equal(s[0].connected, true);
	});

	test('C4: events of servers, with and without acks', async (t) => {
		const s = await crowd(t);

		assert.equal((await stoa('server-emit', 'noted', '{"a":1}')).stdout, 'server-emit: heard by 3 servers\n');
		assert.deepEqual([await s[0].next('noted'), await s[1].next('noted')], [[{ a: 1 }], [{ a: 1 }]]);
		nodes()[0].io.once('add', (x, y, done) => done(x * y));
		const done = await stoa('server-emit', '--ack', '20', 'add', '3', '4');
		assert.deepEqual([done.code, done.json.map(([sum]) => sum).sort()], [0, [12, 7, 7]]);
		const partial = await stoa('server-emit', '--ack', '2', 'silent');
		assert.deepEqual([partial.code, partial.stdout], [4, '']);
	});
});

describe('stoa nodes, rooms, sockets', () => {
	test('C4: nodes: the gateways by name, others by number', async (t) => {
		const s = await crowd(t);
		const all = await stoa('nodes', '--json');

		assert.equal(all.code, 0, all.stderr);
		assert.deepEqual([all.json[0].others, all.json[0].nodes.map(({ name, clients }) => [name, clients])], [1, [['gate', 1], ['gate', 1]]]);
		for (const { node, namespaces, age } of all.json[0].nodes)
			assert.deepEqual([[s[0], s[1]].some(({ id }) => id.startsWith(node)), namespaces.includes('/'), typeof age], [true, true, 'number']);
		const table = await stoa('nodes');
		assert.match(table.stdout, /^NODE +CLIENTS +AGE +ADDRESS +NAME +NAMESPACES\n(\S{4} +1 +\d+s .*gate .*\/.*\n){2}2 gateways, and 1 other server in \/\n$/);
	});

	test('C4: rooms: of all servers, each once; --all has the clients\' own', async (t) => {
		const s = await crowd(t);

		await inRoom([s[0], s[1]], 'two');
		await inRoom([s[2]], 'a\u001b[31mred');
		const done = await stoa('rooms');
		assert.deepEqual([done.code, done.stdout], [0, ' SERVERS  ROOM\n       1  a\\x1b[31mred\n       2  two\n']);
		assert.deepEqual((await stoa('rooms', '--json')).json, [{ rooms: [{ room: 'a\u001b[31mred', servers: 1 }, { room: 'two', servers: 2 }], servers: 3, responded: 3 }]);
		const names = (await stoa('rooms', '--json', '--all')).json[0].rooms.map(({ room }) => room);
		assert.ok(s.every(({ id }) => names.includes(id)));
	});

	test('C4: sockets: of all servers, of a room, except', async (t) => {
		const s = await crowd(t);

		await inRoom([s[1], s[2]], 'r');
		const ids = async (...args) => (await stoa('sockets', '--json', ...args)).json[0].sockets.map(({ id }) => id).sort();
		assert.deepEqual(await ids(), s.map(({ id }) => id).sort());
		assert.deepEqual(await ids('r'), [s[1].id, s[2].id].sort());
		assert.deepEqual(await ids('--except', 'r'), [s[0].id]);
		const table = await stoa('sockets', 'r');
		assert.match(table.stdout, new RegExp(`^SID +ADDRESS +AGE +ROOMS\n(\\S{20}  \\S+ +\\d+s  r\n){2}$`));
	});

	test('C4: a server that is silent: what the others say, and 4', async (t) => {
		const silent = await redis().session();

		t.after(() => silent.close());
		const s = await crowd(t);
		await silent.command('SUBSCRIBE', `${KEY}-request#/#`);
		const done = await stoa('sockets', '--json', '--timeout', '2');
		assert.deepEqual([done.code, done.json[0].sockets.length, done.json[0].servers, done.json[0].responded], [4, s.length, 4, 3]);
	});
});

describe('stoa watch', () => {
	async function watch(t, ...args) {
		const tool = new Tool(['watch', ...args], env());

		t.after(() => tool.child.kill('SIGKILL'));
		await tool.says(/watching/);
		return tool;
	}

	test('C4: a line per emit, safe for a terminal, and a summary at the end', async (t) => {
		const apart = ['--redis-key', 'watched']; // a malformed message ends servers of Node.js
		const w = await watch(t, ...apart);

		await stoa('emit', ...apart, '--to', 'r', '--to', 's', '--except', 'e', 'ev\u001b]0;ent', '"\u009b31m\u202e"', `"${'long'.repeat(100)}"`);
		await stoa('emit', ...apart, '--namespace', '/other', '--broadcast', 'x');
		await redis().command('PUBLISH', 'watched#/#', 'garbage');
		await w.says(/malformed/);
		w.child.kill('SIGINT');
		await w.end();
		assert.equal(w.code, 0);
		assert.match(w.lines[0], /^\d\d:\d\d:\d\d\.\d{3} {2}\/ {2}r,s -e {2}ev\\u001b\]0;ent {2}"\\u009b31m\\u202e","long.*\.\. {2}\d+ B$/);
		assert.match(w.lines[1], / {2}\/other {2}\* {2}x {2}\d+ B$/);
		assert.match(w.lines[2], /malformed: malformed MessagePack {2}7 B$/);
		assert.match(w.stderr, /2 emits, 0 requests, 1 malformed, \d+ bytes/);
	});

	test('C4: as JSON, with requests, in one namespace, so many lines', async (t) => {
		const w = await watch(t, '--json', '--requests', '--count', '3', '--namespace', '/');

		nodes()[0].io.of('/elsewhere').emit('not', 'seen');
		nodes()[0].io.to('r').volatile.emit('n', { a: 1 }, Buffer.from([1]));
		await stoa('join', '--to', 'no one', 'room');
		const asked = await stoa('emit', '--broadcast', '--ack', '20', '--json', 'asked', '1');
		assert.deepEqual([asked.code, asked.stderr, asked.stdout], [3, '', '{"heard":4,"servers":3,"responded":3,"clients":0,"acks":0}\n']);
		await w.end();
		assert.equal(w.code, 0);
		const [emitted, join, ask] = w.json;
		assert.match(emitted.time, /^\d{4}-\d\d-\d\dT[\d:.]{12}Z$/);
		assert.deepEqual([emitted.namespace, emitted.rooms, emitted.volatile, emitted.event, emitted.args], ['/', ['r'], true, 'n', [{ a: 1 }, { type: 'Buffer', data: [1] }]]);
		assert.deepEqual([join.request, join.rooms, join.args], ['join', ['no one'], ['room']]);
		assert.deepEqual([ask.request, ask.rooms, ask.event, ask.args], ['ask', [], 'asked', [1]]);
	});

	test('C4: it ends when nobody reads it any more', async (t) => {
		const w = await watch(t, '--redis-key', 'unread');

		w.child.stdout.destroy();
		for (let i = 0; i < 2; i++) // the pipe may take one
			await stoa('emit', '--redis-key', 'unread', '--broadcast', 'x');
		assert.equal((await w.end()).code, 0);
	});

	test('C4: Redis goes and comes: it says so and goes on', async (t) => {
		const own = await redisForTest(t);
		const w = new Tool(['watch'], { STOA_REDIS_URL: own.url });

		t.after(() => w.child.kill('SIGKILL'));
		await w.says(/watching/);
		await own.kill();
		await w.says(/trying again/);
		await own.run();
		await w.says(/connected again/);
		await runTool(['emit', '--broadcast', 'after'], { env: { STOA_REDIS_URL: own.url } });
		await w.says(/after/);
		w.child.kill('SIGTERM');
		assert.equal((await w.end()).code, 0);
	});
});

describe('libstoa-emitter', () => {
	test('C4: the example: a room hears each step, and all are asked', async (t) => {
		const own = await redisForTest(t);
		const [gateway] = await clusterForTest(t, own, 1);
		const s = await Promise.all([0, 1].map(() => connect(t, gateway.url, { transports: ['websocket'] })));

		await s[0].ask('join', 'builds');
		await settled(gateway);
		s.forEach((c, i) => c.on('satisfied?', (done) => done(i)));
		const done = await runTool(['builds'], { program: 'example-emitter', env: { STOA_REDIS_URL: own.url } });
		assert.deepEqual([done.code, done.stderr, done.lines.sort()], [0, '', ['2 of 2 clients answered', 'a client says [0]', 'a client says [1]']]);
		for (let step = 1; step <= 10; step++)
			assert.deepEqual(await s[0].next('progress'), [{ done: step, of: 10 }]);
		const { name } = await s[1].received.take(() => true, 'the question');
		assert.equal(name, 'satisfied?');
	});
});

describe('what goes wrong', () => {
	test('C4: Redis is not there, or its name is not known: 1', async () => {
		const port = await freePort();

		for (const [url, what] of [[`redis://127.0.0.1:${port}`, /nothing accepts connections/], ['unix:///nowhere/at/all', /nothing accepts connections/]])
			for (const command of [['emit', '--broadcast', 'x'], ['nodes'], ['rooms'], ['watch']]) {
				const done = await runTool([...command, '--redis', url]);

				assert.deepEqual([done.code, done.lines.length <= 1, what.test(done.stderr)], [1, true, true], `${command} ${done.stderr}`);
			}
	});

	test('C4: a wrong password, and a user who may not: 1, and no secret is printed', async (t) => {
		const own = await redisForTest(t, { flags: ['--requirepass', 'right-secret'] });
		const admin = await own.session();

		t.after(() => admin.close());
		await admin.command('AUTH', 'right-secret');
		await admin.command('ACL', 'SETUSER', 'mute', 'on', '>mute-secret', '~*', '&*', '+@all', '-publish');
		await admin.command('ACL', 'SETUSER', 'deaf', 'on', '>deaf-secret', '~*', 'resetchannels', '&allowed', '+@all');
		const at = (login) => `redis://${login}@127.0.0.1:${own.port}`;
		const cases = [
			[[':wrong-secret'], ['emit', '--broadcast', 'x'], /refused the user or password/],
			[[':wrong-secret'], ['watch'], /refused the user or password/],
			[['mute:mute-secret'], ['emit', '--broadcast', 'x'], /NOPERM/],
			[['deaf:deaf-secret'], ['rooms'], /NOPERM/],
			[['deaf:deaf-secret'], ['watch'], /NOPERM/],
		];

		for (const [[login], command, what] of cases) {
			const done = await runTool([...command, '--redis', at(login)]);

			assert.deepEqual([done.code, what.test(done.stderr), /secret/.test(done.stderr + done.stdout)], [1, true, false], `${command} ${done.stderr}`);
		}
		const none = await runTool(['emit', '--broadcast', 'x', '--redis', own.url]);
		assert.deepEqual([none.code, /wants a password/.test(none.stderr)], [1, true]);
		assert.equal((await runTool(['emit', '--broadcast', 'x', '--redis', at(':right-secret')])).code, 3);
	});

	test('C4: the command line: 2, and nothing is sent', async (t) => {
		const listener = await redis().session();
		const seen = [];

		t.after(() => listener.close());
		listener.onmessage = (m) => seen.push(m.channel);
		await listener.command('PSUBSCRIBE', 'usage*');
		const cases = [
			[['emit', 'x'], /whom/],
			[['emit', '--broadcast', 'connect'], /reserved/],
			[['emit', '--broadcast', 'x', '{'], /not JSON/],
			[['emit', '--broadcast', 'x', '--ack', '0'], /whole number/],
			[['emit', '--broadcast', 'x', '--ack', '1', '--local'], /which of the two/],
			[['emit', '--broadcast', '--namespace', '/a#b', 'x'], /namespace/],
			[['emit', '--broadcast', '--redis', 'http://x', 'x'], /redis:\/\//],
			[['counts', '--redis', 'redis://x'], /no option --redis/],
			[['nodes', '--to', 'x'], /no option --to/],
			[['watch', 'x'], /it is written/],
		];

		for (const [args, what] of cases) {
			const done = await stoa(...args, '--redis-key', 'usage');

			if (args[0] === 'counts')
				continue;
			assert.deepEqual([done.code, done.stdout, what.test(done.stderr)], [2, '', true], `${args}: ${done.stderr}`);
		}
		assert.match((await runTool(['nodes'])).stderr, /which Redis/);
		assert.deepEqual((await stoa('emit', '--redis-key', 'usage', '--broadcast', 'last')).code, 0);
		await eventually('the last to be seen', () => seen.length > 0);
		assert.deepEqual(seen, ['usage#/#']);
	});

	test('C4: the help of every command names its options and exit codes', async () => {
		for (const command of ['emit', 'join', 'leave', 'disconnect', 'rooms', 'sockets', 'server-emit', 'nodes', 'watch']) {
			const { code, stdout } = await runTool([command, '--help']);

			assert.equal(code, 0);
			for (const part of [`stoa ${command}`, '--redis URL', '--redis-key TEXT', 'STOA_REDIS_URL', 'Exit codes:', '4 some'])
				assert.ok(stdout.includes(part), `${command}: ${part}`);
		}
		assert.doesNotMatch((await runTool(['counts', '--help'])).stdout, /redis/);
	});
});
