// Stock clients behind load balancers that know nothing of sessions, over three gateways: everybody connects, nobody is
// refused or dropped, and what is said arrives once. With STOA_LONG it goes on for a minute.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { balancerForTest } from './lib/balancers.mjs';
import { open, transportOf } from './lib/client.mjs';
import { shareCluster } from './lib/cluster.mjs';
import { IS_DEV } from './lib/gateway.mjs';
import { fetchRaw } from './lib/raw.mjs';
import { shareRedis } from './lib/redis.mjs';
import { deadline, eventually } from './lib/wait.mjs';

const CLIENTS = IS_DEV ? 45 : 200;
const ROUNDS = IS_DEV ? 5 : 15;
const LONG_MS = 60_000;

const redis = shareRedis(before, after);

async function sum(gateways, pattern) {
	let n = 0;

	for (const g of gateways)
		for (const [name, value] of Object.entries(await g.metrics()))
			if (pattern.test(name))
				n += value;
	return n;
}

// Everybody asks and is answered, one speaks and everybody hears it.
async function round(sockets, n) {
	const mark = `round ${n}`;
	const heard = sockets.map((s) => s.next('said'));

	await Promise.all(sockets.map((s, i) => s.ask('session', 'round', { n, i })));
	sockets[n % sockets.length].emit('say', null, mark);
	for (const args of await Promise.all(heard))
		assert.deepEqual(args, [mark]);
}

for (const balancer of ['haproxy', 'nginx']) {
	describe(`behind ${balancer}`, () => {
		const cluster = shareCluster(before, after, redis, 3, ['--redis-key', balancer, '--trusted-proxies', '127.0.0.1', '--max-new-sessions', '0'], 'cluster');

		for (const [what, transports] of [['default transports', undefined], ['polling only', ['polling']]]) {
			describe(`${CLIENTS} clients with ${what}`, () => test('all connect, hear everything once, and stay', { timeout: 240_000 }, async (t) => {
				const url = await balancerForTest(t, balancer, cluster());
				const answered = /^stoa_relayed_total\{.*"answered"\}$/, others = /^stoa_relayed_total\{.*"(unknown|failed)"\}$/;
				const [relayedBefore, othersBefore] = [await sum(cluster(), answered), await sum(cluster(), others)];
				const troubles = [];
				const sockets = Array.from({ length: CLIENTS }, () => open(t, url, { transports, timeout: 60_000 }));

				for (const s of sockets)
					s.on('connect_error', (error) => troubles.push(`connect_error ${error.message} ${error.description}`))
						.on('disconnect', (reason, details) => reason === 'io client disconnect' || troubles.push(`disconnect ${reason} ${details?.description}`));
				await deadline(Promise.all(sockets.map((s) => new Promise((resolve) => s.once('connect', resolve).once('connect_error', resolve)))), 'the clients to connect', () => troubles.join('\n'), 60_000);
				assert.deepEqual(troubles, []);
				if (transports === undefined)
					await eventually('all to upgrade', () => sockets.every((s) => transportOf(s) === 'websocket'));
				const end = Date.now() + (process.env.STOA_LONG ? LONG_MS : 0);

				for (let n = 0; n < ROUNDS || Date.now() < end; n++)
					await round(sockets, n);
				assert.deepEqual(troubles, []);
				assert.ok((await sum(cluster(), answered)) - relayedBefore > CLIENTS, 'most requests came to a gateway that was not theirs');
				assert.equal((await sum(cluster(), others)) - othersBefore, 0);
				for (const g of cluster())
					assert.ok((await sum([g], /^stoa_sessions/)) > 0, 'the balancer uses all gateways');
			}));
		}

		test('a session that nobody has is refused through it', async (t) => {
			const url = await balancerForTest(t, balancer, cluster());
			const { status, body } = await fetchRaw(t, Number(new URL(url).port), 'GET', '/socket.io/?EIO=4&transport=polling&sid=zzzzAAAAAAAAAAAAAAAA');

			assert.deepEqual([status, body], [400, '{"code":1,"message":"Session ID unknown"}']);
		});
	});
}
