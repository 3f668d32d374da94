// What a cluster does when Redis is killed, silent, refuses, or is abused: clients stay, local traffic goes on, /readyz and
// the metrics tell, and it heals by itself.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect } from './lib/client.mjs';
import { clusterForTest, QUICK, settled, together } from './lib/cluster.mjs';
import { forTest } from './lib/gateway.mjs';
import { redisForTest } from './lib/redis.mjs';
import { eventually } from './lib/wait.mjs';

const enter = (t, gateway, name = '/') => connect(t, `${gateway.url}${name}`, { transports: ['websocket'] });
const FAULTY = ['--redis-command-timeout', '2s', '--redis-connect-timeout', '2s']; // a Redis that is busy is not away

async function readyz(gateway) {
	const answer = await fetch(`${gateway.internalUrl}/readyz`);

	return { status: answer.status, text: (await answer.text()).trim() };
}

const unready = (gateway) => eventually('/readyz to tell', async () => {
	const r = await readyz(gateway);

	return r.status === 503 && r;
});

// Two gateways with a client each, both in the room "r".
async function pair(t, redis, flags = []) {
	const gateways = await clusterForTest(t, redis, 2, [...FAULTY, ...flags]);
	const sockets = await Promise.all(gateways.map((g) => enter(t, g)));

	await Promise.all(sockets.map((s) => s.ask('join', 'r')));
	await settled(...gateways);
	return { gateways, sockets };
}

// Local traffic goes on: a broadcast to the room reaches the sender's own gateway, an ack comes.
async function worksHere(socket) {
	const mark = `here ${Math.random()}`;

	socket.emit('say', 'r', mark);
	for (;;)
		if ((await socket.next('said'))[0] === mark)
			break;
	assert.ok(await socket.ask('join', 'r'));
}

// Both hear each other again; nobody was disconnected.
async function healed({ gateways, sockets }) {
	await together(gateways);
	await settled(...gateways);
	for (const [i, s] of sockets.entries()) {
		const mark = `again ${Math.random()}`;

		assert.equal(s.connected, true);
		s.emit('say', 'r', mark);
		for (;;)
			if ((await sockets[1 - i].next('said'))[0] === mark)
				break;
	}
	for (const g of gateways)
		assert.equal((await readyz(g)).status, 200);
}

test('Redis is killed and starts anew, empty', async (t) => {
	const redis = await redisForTest(t);
	const world = await pair(t, redis);
	const gaps = (await world.gateways[0].metrics()).stoa_bus_gaps_total;

	await redis.kill();
	for (const g of world.gateways)
		await unready(g);
	await worksHere(world.sockets[0]);
	await redis.run();
	await healed(world);
	const m = await world.gateways[0].metrics();
	assert.equal(m.stoa_bus_gaps_total, gaps + 1);
	assert.equal(m.stoa_bus_up, 1);
});

test('what is said while Redis is away for a moment arrives when it is back, as far as it fits', async (t) => {
	const redis = await redisForTest(t);
	const world = await pair(t, redis, ['--redis-max-waiting', '2KB', '--redis-wait', '1h']);
	const [a, b] = world.sockets;

	await redis.kill();
	await unready(world.gateways[0]);
	for (let i = 0; i < 5; i++)
		a.emit('say', 'r', i);
	a.emit('say', 'r', 'x'.repeat(3000)); // more than fits
	await a.ask('join', 'r');
	assert.equal((await world.gateways[0].metrics())['stoa_bus_unpublished_total{cause="queue full"}'], 1);
	await redis.run();
	await healed(world);
	const said = b.received.items.filter(({ name }) => name === 'said').map(({ args }) => args[0]).filter(Number.isInteger);
	assert.deepEqual(said, [...said].sort()); // in order, none twice; whether ours or theirs is back first is open
	assert.equal(new Set(said).size, said.length);
});

test('Redis is silent: stopped, its connections open', async (t) => {
	const redis = await redisForTest(t);
	const world = await pair(t, redis);

	redis.signal('SIGSTOP');
	await unready(world.gateways[0]);
	await worksHere(world.sockets[0]);
	redis.signal('SIGCONT');
	await healed(world);
	assert.ok((await world.gateways[0].metrics())['stoa_redis_trouble_total{kind="silent"}'] >= 1);
});

test('its subscribers are killed again and again', async (t) => {
	const redis = await redisForTest(t);
	const world = await pair(t, redis);

	for (let i = 0; i < 15; i++) {
		await redis.command('CLIENT', 'KILL', 'TYPE', i % 2 ? 'pubsub' : 'normal', 'SKIPME', 'yes');
		await worksHere(world.sockets[0]);
	}
	await healed(world);
});

test('a message larger than anybody reads is left, and not waited for again', async (t) => {
	const redis = await redisForTest(t, { flags: ['--proto-max-bulk-len', '512mb'] });
	const world = await pair(t, redis, ['--redis-max-message', '1MB', '--redis-max-publish', '500KB']);

	await redis.command('PUBLISH', 'socket.io#/#', Buffer.alloc(40_000_000, 0x93));
	await eventually('the gap', async () => (await world.gateways[1].metrics()).stoa_bus_gaps_total > 0);
	await healed(world);
	// Nor do we publish what is too large: those here get it.
	world.sockets[0].emit('say', 'r', 'x'.repeat(600_000));
	await eventually('the refusal', async () => (await world.gateways[0].metrics())['stoa_bus_unpublished_total{cause="too large"}'] === 1);
	await healed(world);
});

test('Redis wants a password all of a sudden', async (t) => {
	const redis = await redisForTest(t);
	const world = await pair(t, redis);
	const admin = await redis.session();

	t.after(() => admin.close());
	await admin.command('CONFIG', 'SET', 'requirepass', 'open sesame');
	await admin.command('AUTH', 'open sesame');
	await admin.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
	await admin.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
	await eventually('/readyz to say why', async () => /noauth/.test((await readyz(world.gateways[0])).text));
	await world.gateways[0].line(/redis-trouble.*kind=noauth.*hint=/);
	await worksHere(world.sockets[0]);
	await admin.command('CONFIG', 'SET', 'requirepass', '');
	await healed(world);
});

test('the password of the URL is used, and shown nowhere', async (t) => {
	const redis = await redisForTest(t, { flags: ['--requirepass', 'open-sesame'] });
	const flags = ['--redis-url', `redis://:open-sesame@127.0.0.1:${redis.port}`, ...QUICK, ...FAULTY];
	const gateways = await Promise.all([1, 2].map(() => forTest(t, 'cluster', flags)));

	await together(gateways);
	for (const g of gateways)
		assert.equal(g.lines.some((line) => line.includes('sesame')), false);
});

test('a user without a right to the channels: not ready, and the log says what to do', async (t) => {
	const redis = await redisForTest(t);

	await redis.command('ACL', 'SETUSER', 'worker', 'on', '>secret', '+@all', '~*', 'resetchannels', '&other*');
	const g = await forTest(t, 'cluster', ['--redis-url', `redis://worker:secret@127.0.0.1:${redis.port}`, ...QUICK, ...FAULTY]);
	const a = await enter(t, g);

	await a.ask('join', 'r');
	await eventually('/readyz to say so', async () => /refused|no-permission/.test((await readyz(g)).text));
	await g.line(/redis-trouble.*kind=no-permission.*hint=/);
	await worksHere(a);
	assert.equal(g.lines.some((line) => line.includes('secret')), false);
	await redis.command('ACL', 'SETUSER', 'worker', 'allchannels');
	await eventually('the bus', async () => (await g.metrics()).stoa_bus_up === 1);
});

test('Redis has no memory left for keys: messages go on', async (t) => {
	const redis = await redisForTest(t);
	const world = await pair(t, redis);

	await redis.command('CONFIG', 'SET', 'maxmemory', '1');
	await world.gateways[0].line(/redis-trouble.*kind=out-of-memory.*hint=/);
	await healed(world);
	await redis.command('CONFIG', 'SET', 'maxmemory', '0');
});

test('a gateway that is killed is forgotten; who waits for its answers does not wait long', async (t) => {
	const redis = await redisForTest(t);
	const gateways = await clusterForTest(t, redis, 3, FAULTY);
	const sockets = await Promise.all(gateways.map((g) => enter(t, g)));

	sockets.slice(0, 2).forEach((s) => s.on('question', (answer) => answer('here')));
	await settled(...gateways);
	gateways[2].signal('SIGSTOP');
	const asked = sockets[0].ask('ask', null, 25_000);
	gateways[2].stopped = true;
	gateways[2].child.kill('SIGKILL');
	const [status, answers] = await asked; // long before its deadline, or the test's patience ends
	assert.equal(status, 0);
	assert.deepEqual(answers, [['here'], ['here']]);
	await together(gateways.slice(0, 2));
});

test('a gateway that ends says good-bye', async (t) => {
	const redis = await redisForTest(t);
	const gateways = await clusterForTest(t, redis, 2, FAULTY);

	await gateways[1].stop();
	await gateways[0].line(/node-left/);
	assert.equal((await gateways[0].metrics()).stoa_cluster_nodes, 0);
	assert.deepEqual(await redis.command('KEYS', 'socket.io-node:*').then((keys) => keys.length), 1);
});

test('ready_without_bus: the load balancer keeps it', async (t) => {
	const redis = await redisForTest(t);
	const { gateways: [g] } = await pair(t, redis, ['--ready-without-bus']);

	await redis.kill();
	await eventually('the bus to be down', async () => (await g.metrics()).stoa_bus_up === 0);
	assert.equal((await readyz(g)).status, 200);
	await redis.run();
});
