// "handshake" behind a broker: requests for a session wait for its answer. webhook-handshake.test.mjs has more of what the
// edge does meanwhile; hooks.test.mjs, what such handlers may do.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Broker } from './lib/broker.mjs';
import { connect, open, WAYS } from './lib/client.mjs';
import { Gateway } from './lib/gateway.mjs';
import { fetchRaw, HANDSHAKE, Raw, request, upgradeRequest } from './lib/raw.mjs';
import { redisForTest } from './lib/redis.mjs';
import { eventually } from './lib/wait.mjs';

const UPGRADE = '/socket.io/?EIO=4&transport=websocket';

async function start(t, flags = [], brokerFlags = []) {
	const redis = await redisForTest(t);
	const broker = await Broker.start('hooks', { redisUrl: redis.url, appName: 'app', flags: ['--workers', '1', ...brokerFlags] });
	const g = await Gateway.startWithout(['--dispatch', 'broker', '--redis-url', redis.url, ...flags]);

	t.after(async () => {
		broker.signal('SIGCONT');
		await g.stop();
		await broker.stop();
	});
	await eventually('the gateway to see the broker', () => fetch(`${g.internalUrl}/readyz`).then((answer) => answer.ok));
	return { g, broker };
}

const waiting = (g, n) => eventually(`${n} handshakes to wait`, async () => (await g.metrics()).stoa_handshakes_waiting === n);
const poll = async (t, g, query = '') => (await Raw.open(t, g.port)).write(request('GET', `${HANDSHAKE}${query}`));
const upgrade = async (t, g, query = '') => (await Raw.open(t, g.port)).write(upgradeRequest(`${UPGRADE}${query}`));

test('let in, and refused with its words, by each transport', async (t) => {
	const { g } = await start(t);

	for (const { transports } of WAYS) {
		await connect(t, g.url, { transports });
		await open(t, g.url, { transports, query: { refuse: 'not you' } }).happens('connect_error');
	}
	const refused = await fetchRaw(t, g.port, 'GET', `${HANDSHAKE}&refuse=not+you`);
	assert.deepEqual([refused.status, JSON.parse(refused.body)], [403, { code: 4, message: 'not you' }]);
});

test('headers of the first answer and of all', async (t) => {
	const { g } = await start(t);
	const first = await fetchRaw(t, g.port, 'GET', `${HANDSHAKE}&headers=1`);
	const { sid } = JSON.parse(first.body.toString().slice(1));
	const next = await fetchRaw(t, g.port, 'POST', `${HANDSHAKE}&sid=${sid}`, [], '40');

	assert.deepEqual([first.headers['set-cookie'], first.headers['x-session']], ['first=1; Path=/', 'yes']);
	assert.deepEqual([next.headers['set-cookie'], next.headers['x-session']], [undefined, 'yes']);
});

test('late: who waited goes on as if it had been answered at once', async (t) => {
	const { g, broker } = await start(t, ['--event-timeout', '60s']);

	broker.signal('SIGSTOP');
	const raws = [await poll(t, g), await poll(t, g, '&refuse=late'), await upgrade(t, g), await upgrade(t, g, '&refuse=late')];

	await waiting(g, 4);
	assert.ok(raws.every((raw) => raw.input.length === 0));
	broker.signal('SIGCONT');
	const answers = await Promise.all(raws.map((raw) => raw.response()));
	assert.deepEqual(answers.map((a) => a.status), [200, 403, 101, 400]);
	assert.match(answers[1].body.toString(), /"late"/);
	assert.equal(answers[3].body.toString(), 'late');
	await waiting(g, 0);
});

test('never: 503, and a sentence', async (t) => {
	const { g, broker } = await start(t, ['--event-timeout', '2s']);

	broker.signal('SIGSTOP');
	const answers = await Promise.all([await poll(t, g), await upgrade(t, g)].map((raw) => raw.response()));

	for (const { status, headers, body } of answers)
		assert.deepEqual([status, headers['retry-after'], body.toString()], [503, '1', 'The application did not answer in time']);
	broker.signal('SIGCONT');
	await connect(t, g.url);
});

test('a client that leaves is forgotten', async (t) => {
	const { g, broker } = await start(t, ['--event-timeout', '60s']);

	broker.signal('SIGSTOP');
	const raws = [await poll(t, g), await upgrade(t, g)];

	await waiting(g, 2);
	raws[0].finish();
	raws[1].reset();
	await waiting(g, 0);
	broker.signal('SIGCONT');
	await connect(t, g.url);
	assert.equal((await g.metrics())['stoa_handshakes_total{result="ok"}'], 1);
});

test('no broker any more: 503 at once, after broker_timeout', async (t) => {
	const { g, broker } = await start(t, ['--broker-timeout', '100ms', '--event-timeout', '60s'], ['--lease', '500ms']);

	await broker.stop();
	await eventually('the gateway to miss it', async () => {
		const raw = await poll(t, g);
		const over = await Promise.race([raw.response(), new Promise((resolve) => setTimeout(resolve, 200))]);
		raw.reset();
		return over?.status === 503 && over.body.toString() === 'The application is not there';
	});
});
