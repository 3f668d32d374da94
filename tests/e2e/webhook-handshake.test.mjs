// "handshake" where the application is elsewhere: requests for a session wait for its answer. Here it is behind a webhook;
// what the edge does while they wait is the same behind brokers.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect, open, WAYS } from './lib/client.mjs';
import { fetchRaw, frame, HANDSHAKE, Raw, RawWebSocket, request, TEXT, upgradeRequest } from './lib/raw.mjs';
import { eventually } from './lib/wait.mjs';
import { gate, gatewayFor, NEVER, onEvents, Reply, Webhook } from './lib/webhook.mjs';

const HOOKED = ['--webhook-handshake', 'true', '--internal-listen', '127.0.0.1:0'];
const waiting = (g, n) => eventually(`${n} handshakes to wait`, async () => (await g.metrics()).stoa_handshakes_waiting === n);
const UPGRADE = '/socket.io/?EIO=4&transport=websocket';

const deny = (message, more = {}) => [{ do: 'deny', message, ...more }];

for (const { way, transports } of WAYS) {
	test(`over ${way}: let in, and refused with its words`, async (t) => {
		const hook = await Webhook.start(t, onEvents({ 'on handshake': (e) => (/who=bad/.test(e.state.query) ? deny('not you') : undefined) }));
		const g = await gatewayFor(t, hook, HOOKED);

		await connect(t, g.url, { transports, query: { who: 'good' } });
		const refused = open(t, g.url, { transports, query: { who: 'bad' } });
		const [error] = await refused.happens('connect_error');
		assert.ok(error);
		if (error.context?.responseText)
			assert.deepEqual(JSON.parse(error.context.responseText), { code: 4, message: 'not you' });
		assert.deepEqual(hook.posts.filter((e) => e.kind === 'handshake').map((e) => e.state.transport), [transports?.[0] ?? 'polling', transports?.[0] ?? 'polling']);
	});
}

test('headers of the first answer and of all', async (t) => {
	const hook = await Webhook.start(t, onEvents({ 'on handshake': () => [{ do: 'admit', headers: [['X-First', '1']], session_headers: [['X-All', '2']] }] }));
	const g = await gatewayFor(t, hook, HOOKED);
	const first = await fetchRaw(t, g.port, 'GET', HANDSHAKE);
	const { sid } = JSON.parse(first.body.toString().slice(1));
	const next = await fetchRaw(t, g.port, 'POST', `${HANDSHAKE}&sid=${sid}`, [], '40');

	assert.deepEqual([first.headers['x-first'], first.headers['x-all']], ['1', '2']);
	assert.deepEqual([next.headers['x-first'], next.headers['x-all']], [undefined, '2']);
	const ws = await Raw.open(t, g.port);
	ws.write(upgradeRequest(UPGRADE));
	const answer = await ws.response();
	assert.deepEqual([answer.status, answer.headers['x-first'], answer.headers['x-all']], [101, '1', '2']);
});

test('others are served while some wait; what is decided late is carried out then', async (t) => {
	const wait = gate('the test to open');
	const hook = await Webhook.start(t, onEvents({
		'on handshake': async (e) => {
			if (/slow/.test(e.state.query))
				await wait.opened;
			return /bad/.test(e.state.query) ? deny('too late') : [];
		},
	}));
	const g = await gatewayFor(t, hook, [...HOOKED, '--webhook-timeout', '60s', '--event-timeout', '60s']);
	const polls = await Promise.all(['slow', 'slow-bad'].map(async (who) => (await Raw.open(t, g.port)).write(request('GET', `${HANDSHAKE}&who=${who}`))));
	const sockets = await Promise.all(['slow', 'slow-bad'].map(async (who) => (await Raw.open(t, g.port)).write(upgradeRequest(`${UPGRADE}&who=${who}`))));

	await waiting(g, 4);
	await connect(t, g.url);
	assert.ok([...polls, ...sockets].every((raw) => raw.input.length === 0));
	wait.open();
	const answers = await Promise.all([...polls, ...sockets].map((raw) => raw.response()));
	assert.deepEqual(answers.map((a) => a.status), [200, 403, 101, 400]);
	assert.match(answers[1].body.toString(), /"too late"/);
	assert.match(answers[3].body.toString(), /too late/);
	await waiting(g, 0);
});

test('frames that come before the 101 are not lost', async (t) => {
	const hook = await Webhook.start(t, onEvents({ 'on handshake': () => [] }));
	const g = await gatewayFor(t, hook, HOOKED);
	const raw = await Raw.open(t, g.port);

	raw.write(Buffer.concat([Buffer.from(upgradeRequest(UPGRADE)), frame(TEXT, '40{"early":true}')]));
	assert.deepEqual((await hook.next('connect')).state.auth, { early: true });
	await eventually('the answer', () => raw.input.includes('40{"sid":'));
});

describe('no answer', () => {
	const unavailable = async (t, g, words) => {
		const poll = await fetchRaw(t, g.port, 'GET', HANDSHAKE, ['Origin: http://page.example']);
		assert.deepEqual([poll.status, poll.headers['retry-after'], poll.headers['content-type'], poll.body.toString()], [503, '1', 'text/plain; charset=utf-8', words]);
		const ws = (await Raw.open(t, g.port)).write(upgradeRequest(UPGRADE));
		const answer = await ws.response();
		assert.deepEqual([answer.status, answer.headers['retry-after'], answer.body.toString()], [503, '1', words]);
	};

	test('never: 503 after event_timeout', async (t) => {
		const hook = await Webhook.start(t, () => NEVER);
		const g = await gatewayFor(t, hook, [...HOOKED, '--event-timeout', '300ms', '--cors-allowed-origins', 'http://page.example']);

		await unavailable(t, g, 'The application did not answer in time');
		await waiting(g, 0);
	});

	test('5xx, as often as it is tried: 503', async (t) => {
		const hook = await Webhook.start(t, () => new Reply(500));
		const g = await gatewayFor(t, hook, [...HOOKED, '--cors-allowed-origins', 'http://page.example']);

		await unavailable(t, g, 'The application did not answer');
	});

	test('nobody is asked any more: 503 at once', async (t) => {
		const hook = await Webhook.start(t, () => new Reply(500));
		const g = await gatewayFor(t, hook, [...HOOKED, '--webhook-breaker-failures', '1', '--webhook-attempts', '1', '--webhook-breaker-rest', '1h', '--cors-allowed-origins', 'http://page.example']);

		assert.equal((await fetchRaw(t, g.port, 'GET', HANDSHAKE)).status, 503);
		await unavailable(t, g, 'The server is busy');
		assert.equal(hook.posts.length, 1);
	});
});

test('a client that leaves is forgotten', async (t) => {
	const wait = gate('the test to open');
	const hook = await Webhook.start(t, async () => (await wait.opened, []));
	const g = await gatewayFor(t, hook, [...HOOKED, '--webhook-timeout', '60s', '--event-timeout', '60s']);
	const raws = [(await Raw.open(t, g.port)).write(request('GET', HANDSHAKE)), (await Raw.open(t, g.port)).write(upgradeRequest(UPGRADE)),
		(await Raw.open(t, g.port)).write(request('GET', HANDSHAKE))];

	await waiting(g, 3);
	raws[0].finish();
	raws[1].reset();
	raws[2].socket.destroy();
	await waiting(g, 0);
	wait.open();
	await connect(t, g.url);
	const metrics = await g.metrics();
	assert.equal(metrics['stoa_handshakes_total{result="ok"}'], 1);
});

test('max_waiting_handshakes: so many, and no more', async (t) => {
	const wait = gate('the test to open');
	const hook = await Webhook.start(t, async () => (await wait.opened, []));
	const g = await gatewayFor(t, hook, [...HOOKED, '--max-waiting-handshakes', '3', '--webhook-timeout', '60s', '--event-timeout', '60s']);
	const raws = await Promise.all([1, 2, 3].map(async () => (await Raw.open(t, g.port)).write(request('GET', HANDSHAKE))));

	await waiting(g, 3);
	const past = await fetchRaw(t, g.port, 'GET', HANDSHAKE);
	assert.deepEqual([past.status, past.headers['retry-after']], [503, '1']);
	assert.equal((await g.metrics())['stoa_limit_total{limit="max_waiting_handshakes"}'], 1);
	await g.line(/ limit=max_waiting_handshakes/);
	wait.open();
	assert.deepEqual((await Promise.all(raws.map((raw) => raw.response()))).map((a) => a.status), [200, 200, 200]);
	await RawWebSocket.session(t, g.port, { connect: '' });
});

test('at the end those who wait are sent away', async (t) => {
	const hook = await Webhook.start(t, () => NEVER);
	const g = await gatewayFor(t, hook, HOOKED);
	const poll = (await Raw.open(t, g.port)).write(request('GET', HANDSHAKE));
	const ws = (await Raw.open(t, g.port)).write(upgradeRequest(UPGRADE));

	await waiting(g, 2);
	const stopped = g.stop();
	for (const raw of [poll, ws]) {
		const answer = await raw.response();
		assert.deepEqual([answer.status, answer.body.toString()], [503, 'Shutting down']);
	}
	await stopped;
});
