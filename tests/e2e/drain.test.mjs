// A gateway lets its clients go: who is told when, what arrives, who goes first, and what the exit code says.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Emitter } from '@socket.io/redis-emitter';
import { createClient } from 'redis';
import { balancerForTest } from './lib/balancers.mjs';
import { connect } from './lib/client.mjs';
import { clusterForTest, settled } from './lib/cluster.mjs';
import { CUT, forTest } from './lib/gateway.mjs';
import { fetchRaw, Polling, RawWebSocket } from './lib/raw.mjs';
import { shareRedis } from './lib/redis.mjs';
import { runTool } from './lib/tool.mjs';
import { deadline, eventually } from './lib/wait.mjs';
import { ack, gate, gatewayFor, onEvents, Webhook } from './lib/webhook.mjs';

const redis = shareRedis(before, after);
const readyz = async (t, g) => {
	const { status, body } = await fetchRaw(t, g.internalPort, 'GET', '/readyz');

	return [status, body.trim()];
};
const ends = (g) => {
	g.stopped = true;
	return deadline(g.ended, 'the end', () => g.lines.slice(-20).join('\n'));
};

describe('drain_delay', () => {
	test('SIGTERM: all goes on but /readyz, others see it, and a second signal ends it now', async (t) => {
		const [a, b] = await clusterForTest(t, redis(), 2, ['--redis-key', 'delay', '--drain-delay', '1h']);
		const before = await connect(t, a.url);

		t.after(() => a.child.kill('SIGKILL'));
		a.signal('SIGTERM');
		await eventually('/readyz to say so', async () => (await readyz(t, a))[0] === 503);
		assert.deepEqual(await readyz(t, a), [503, 'draining']);
		assert.equal((await a.metrics()).stoa_draining, 1);
		const later = await connect(t, a.url, { transports: ['websocket'] });
		later.emit('join', 'r');
		await eventually('its heartbeat to tell others', async () =>
			/^.*  draining$/m.test((await runTool(['nodes', '--redis', redis().url, '--redis-key', 'delay'])).stdout));
		before.emit('join', 'r');
		before.emit('say', 'r', 'still here');
		assert.deepEqual(await later.next('said'), ['still here']);
		assert.ok(!a.lines.some((line) => / closing /.test(line)));
		a.signal('SIGTERM');
		b.signal('SIGINT');
		assert.deepEqual(await ends(a), { code: 1, signal: null });
		assert.deepEqual(await ends(b), { code: 0, signal: null });
	});

	test('SIGINT is a person, who does not wait for a load balancer', async (t) => {
		const g = await forTest(t, 'conformance', ['--drain-delay', '1h', '--shutdown-timeout', '1h']);
		const socket = await connect(t, g.url);
		const gone = socket.happens('disconnect');

		g.signal('SIGINT');
		assert.match((await gone)[0], /^transport (close|error)$/);
		assert.deepEqual(await ends(g), { code: 0, signal: null });
	});
});

describe('pace', () => {
	test('drain_rate: some go, others stay and are served meanwhile', async (t) => {
		const g = await forTest(t, 'e2e', ['--drain-rate', '2', '--shutdown-timeout', '1h']);
		const sockets = await Promise.all(Array.from({ length: 8 }, (_, i) => connect(t, g.url, { transports: [['websocket'], ['polling']][i % 2] })));
		const gone = sockets.map((s) => new Promise((resolve) => s.once('disconnect', () => resolve(s))));

		g.signal('SIGTERM');
		await deadline(Promise.race(gone), 'the first to go');
		const left = sockets.filter((s) => s.connected);
		assert.ok(left.length > 0);
		assert.ok((await Promise.allSettled(left.map((s) => s.timeout(30_000).emitWithAck('nothing')))).some(({ status }) => status === 'fulfilled'), 'an ack of one that is not closed yet');
		const line = await g.line(/ draining .*closed=[1-7] /);
		assert.match(line, / to_close=[1-7] /);
		await Promise.all(gone);
		assert.deepEqual(await ends(g), { code: 0, signal: null });
	});

	test('an event under way is answered before its client goes; who has none goes at once', async (t) => {
		const held = gate('the answer to be given');
		const hook = await Webhook.start(t, onEvents({ slow: async (e) => (await held.opened, [ack(e, 'done')]) }));
		const g = await gatewayFor(t, hook, ['--shutdown-timeout', '1h']);
		const busy = await connect(t, g.url), polling = await connect(t, g.url, { transports: ['polling'] }), idle = await connect(t, g.url);
		const answers = [busy, polling].map((s) => s.ask('slow'));
		const goes = [busy, polling].map((s) => s.happens('disconnect'));
		const idleGoes = idle.happens('disconnect');

		await hook.next('event');
		await hook.next('event');
		g.signal('SIGTERM');
		await idleGoes;
		assert.ok(busy.connected && polling.connected);
		held.open();
		assert.deepEqual(await Promise.all(answers), [['done'], ['done']]);
		for (const [reason] of await Promise.all(goes))
			assert.match(reason, /^transport (close|error)$/);
		assert.deepEqual(await ends(g), { code: 0, signal: null });
	});

	test('an ack that the application never gives holds its client until the time is up, and no longer', async (t) => {
		const g = await forTest(t, 'e2e', ['--shutdown-timeout', '2s']);
		const ws = await RawWebSocket.session(t, g.port, { connect: '' });

		ws.send('421["defer"]').send('422["nothing"]');
		assert.equal(await ws.text(), '432[]');
		g.signal('SIGTERM');
		assert.equal(await ws.closed(), 1012);
		await g.line(/ closing-the-rest /);
		assert.ok([0, CUT].includes((await ends(g)).code)); // there is little time to take the last message
	});
});

describe('the exit code', () => {
	const deaf = async (t, g) => {
		const ws = await RawWebSocket.session(t, g.port, { connect: '' });

		ws.raw.socket.pause();
		ws.send('42["flood",1000,20000]');
		await eventually('its queue to be full', async () => (await g.metrics()).stoa_deliveries_total >= 1000);
	};

	test(`${CUT}: the time was up before all had their messages`, async (t) => {
		const g = await forTest(t, 'e2e', ['--shutdown-timeout', '500ms', '--max-send-queue', '100MB']);

		await deaf(t, g);
		g.signal('SIGTERM');
		assert.deepEqual(await ends(g), { code: CUT, signal: null });
		assert.match(g.lines.find((line) => / shutdown-timeout /.test(line)), / cut=1$/);
	});

	test('of workers, the same', async (t) => {
		const g = await forTest(t, 'e2e', ['--workers', '2', '--redis-url', redis().url, '--redis-key', 'workers', '--shutdown-timeout', '500ms', '--max-send-queue', '100MB']);
		const ws = await RawWebSocket.session(t, g.port, { connect: '' });

		ws.raw.socket.pause();
		ws.send('42["flood",1000,20000]').send('42["nothing"]');
		await eventually('some worker to have sent', () => ws.raw.socket.bytesRead > 0);
		g.signal('SIGTERM');
		assert.deepEqual(await ends(g), { code: CUT, signal: null });
	});
});

describe('what waits for a client when it is closed arrives before the close', () => {
	const COUNT = 200;
	const numbersOf = (packets) => packets.filter((p) => p.startsWith('42["flood"')).map((p) => JSON.parse(p.slice(2))[1]);
	const all = Array.from({ length: COUNT }, (_, i) => i);
	const flooded = (g) => eventually('all to be queued', async () => (await g.metrics()).stoa_deliveries_total >= COUNT);

	test('WebSocket', async (t) => {
		const g = await forTest(t, 'e2e', ['--shutdown-timeout', '1h', '--max-send-queue', '100MB']);
		const ws = await RawWebSocket.session(t, g.port, { connect: '' });
		const heard = [];

		ws.raw.socket.pause();
		ws.send(`42["flood",${COUNT},20000]`);
		await flooded(g);
		g.signal('SIGTERM');
		await g.line(/ closing /);
		ws.raw.socket.resume();
		assert.equal(await ws.closed(heard), 1012);
		assert.deepEqual(numbersOf(heard), all);
		assert.deepEqual(await ends(g), { code: 0, signal: null });
	});

	test('polling, each request on a connection of its own', async (t) => {
		const g = await forTest(t, 'e2e', ['--shutdown-timeout', '1h', '--max-send-queue', '100MB']);
		const p = await Polling.open(t, g.port);
		const heard = [];

		await p.post('40');
		await p.packets();
		await p.post(`42["flood",${COUNT},20000]`);
		await flooded(g);
		g.signal('SIGTERM');
		await g.line(/ closing /);
		while (heard.at(-1) !== '1')
			heard.push(...(await p.packets()));
		assert.deepEqual(numbersOf(heard), all);
		assert.deepEqual(await ends(g), { code: 0, signal: null });
	});
});

// Numbers from outside, all the time. What is promised to a client of a gateway that drains: what reached the gateway before its
// connection closes arrives, once and in order; what comes until it is back elsewhere does not (there is no recovery).
test('a gateway drains, its clients go to the other: no number is missing on a connection, none comes twice', { timeout: 400_000 }, async (t) => {
	const [a, b] = await clusterForTest(t, redis(), 2, ['--redis-key', 'move', '--trusted-proxies', '127.0.0.1', '--max-new-sessions', '0', '--shutdown-timeout', '1h', '--drain-rate', '30']);
	const url = await balancerForTest(t, 'nginx', [a, b]);
	const client = createClient({ url: redis().url });
	const emitter = new Emitter(client, { key: 'move' });
	const sockets = await Promise.all(Array.from({ length: 24 }, (_, i) =>
		connect(t, url, { transports: [['websocket'], ['polling']][i % 2], reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 200 })));
	const stays = sockets.map(() => [[]]); // of each client, of each of its connections: the numbers heard
	let n = 0;

	t.after(() => client.quit());
	await client.connect();
	for (const [i, s] of sockets.entries()) {
		s.on('disconnect', () => stays[i].push([]));
		s.on('connect', () => s.emit('join', 'numbers'));
		s.on('n', (number) => stays[i].at(-1).push(number));
		s.emit('join', 'numbers');
	}
	await settled(a, b);
	const talk = setInterval(() => emitter.to('numbers').emit('n', ++n), 5);
	t.after(() => clearInterval(talk));
	await eventually('all to hear', () => stays.every(([first]) => first.length > 0));
	const ofA = (await a.metrics())['stoa_sessions{transport="polling"}'] + (await a.metrics())['stoa_sessions{transport="websocket"}'];
	assert.ok(ofA > 0 && ofA < 24, `${ofA} of 24 are A's`);
	a.signal('SIGTERM');
	assert.deepEqual(await ends(a), { code: 0, signal: null });
	// Who was at A may learn of its end later than we do.
	const moved = () => stays.filter((all) => all.length > 1).length;
	await eventually('all to hear again', () => moved() >= ofA && sockets.every((s) => s.connected) && stays.every((all) => all.at(-1).length > 0));
	clearInterval(talk);
	const last = n;
	await eventually('the last number', () => stays.every((all) => all.at(-1).at(-1) === last));
	assert.equal(moved(), ofA, 'who was at B stayed there');
	for (const all of stays) {
		for (const numbers of all)
			assert.deepEqual(numbers, numbers.map((_, i) => numbers[0] + i), 'without a gap, in order');
		const firsts = all.flat();
		assert.ok(firsts.every((number, i) => i === 0 || number > firsts[i - 1]), 'never twice');
	}
});
