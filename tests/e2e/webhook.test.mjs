// The application behind a webhook: what clients see, what is posted, and what happens when posts fail.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { connect, open, openNamespace, WAYS } from './lib/client.mjs';
import { freePort, Gateway } from './lib/gateway.mjs';
import { eventually } from './lib/wait.mjs';
import { ack, emit, gate, gatewayFor, HANG_UP, NEVER, onEvents, Reply, SECRET, toRoom, Webhook } from './lib/webhook.mjs';

const errorOf = ([answer]) => answer.error;
const counted = (g, name, n = 1) => eventually(`${name} to be ${n}`, async () => (await g.metrics())[name] === n);

// --- What clients see

// Much of examples/getting-started.
const tour = onEvents({
	'on connect': (e) => (e.state.auth?.token === 'bad' ? [{ do: 'refuse', data: { message: 'unauthorized!' } }] : [emit('my response', { data: 'Connected' })]),
	'message': (e, text) => [emit('message', text)],
	'my event': (e, data) => [emit('my response', data), ack(e, 'one', 2)],
	'join': (e, { username, room }) => [{ do: 'join', room }, toRoom(room, 'message', `${username} has entered the room.`)],
	'leave': (e, { username, room }) => [{ do: 'leave', room }, toRoom(room, 'message', `${username} has left the room.`)],
	'say': (e, room, text) => [{ ...toRoom(room, 'said', text), skip_self: true }, ack(e)],
	'all': (e, text) => [{ do: 'emit', all: true, data: ['told', text] }],
	'remember': (e, value) => [{ do: 'session', key: 'it', value }, ack(e, e.state.session ?? null)],
	'where': (e) => [ack(e, e.state.rooms, e.state.transport, e.state.address)],
	'leave me': () => [{ do: 'disconnect' }],
	'bytes': (e) => [{ ...ack(e, ...e.args), attachments: e.attachments }, { ...emit('bytes', ...e.args), attachments: e.attachments }],
});

for (const { way, transports } of WAYS) {
	test(`a tour over ${way}`, async (t) => {
		const hook = await Webhook.start(t, tour);
		const g = await gatewayFor(t, hook);
		const enter = async (options) => {
			const socket = await connect(t, g.url, { transports, ...options });
			assert.deepEqual(await socket.next('my response'), [{ data: 'Connected' }]);
			return socket;
		};
		const refused = open(t, g.url, { transports, auth: { token: 'bad' } });
		const [error] = await refused.happens('connect_error');
		const a = await enter({ auth: { token: 'good' }, query: { x: 1 } }), b = await enter();

		assert.equal(error.message, 'unauthorized!');
		for (const text of ['hello', '', 'ünï 世界 🏛 "quoted" \\ \u0000 \u2028 end', 'x'.repeat(100_000)]) {
			a.emit('message', text);
			assert.deepEqual(await a.next('message'), [text]);
		}
		assert.deepEqual(await a.ask('my event', { deep: [1, { 2: null }] }), ['one', 2]);
		assert.deepEqual(await a.next('my response'), [{ deep: [1, { 2: null }] }]);
		a.emit('join', { username: 'A', room: 'r' });
		assert.deepEqual(await a.next('message'), ['A has entered the room.']);
		b.emit('join', { username: 'B', room: 'r' });
		assert.deepEqual([await a.next('message'), await b.next('message')], [['B has entered the room.'], ['B has entered the room.']]);
		await a.ask('say', 'r', 'hi');
		assert.deepEqual(await b.next('said'), ['hi']);
		const [rooms, transport, address] = await b.ask('where');
		assert.deepEqual([rooms.toSorted(), address], [[b.id, 'r'].toSorted(), '127.0.0.1']);
		assert.ok(['polling', 'websocket'].includes(transport));
		b.emit('leave', { username: 'B', room: 'r' });
		assert.deepEqual(await a.next('message'), ['B has left the room.']);
		assert.deepEqual(await a.ask('remember', { n: 1 }), [null]);
		assert.deepEqual(await a.ask('remember', 2), [{ it: { n: 1 } }]);
		b.emit('all', 'x');
		assert.deepEqual([await a.next('told'), await b.next('told')], [['x'], ['x']]);
		assert.deepEqual(await a.ask('bytes', Buffer.from([0, 1, 255])), [Buffer.from([0, 1, 255])]);
		assert.deepEqual(await a.next('bytes'), [Buffer.from([0, 1, 255])]);
		a.emit('leave me');
		assert.equal((await a.happens('disconnect'))[0], 'io server disconnect');
		b.disconnect();
		assert.equal((await hook.next('disconnect', (e) => e.sid !== b.id && e.reason.startsWith('server'))).reason, 'server namespace disconnect');
		assert.equal((await hook.next('disconnect')).reason, 'client namespace disconnect');
		assert.deepEqual(new Set(hook.posts.map((e) => e.attempt)), new Set([1]));
	});
}

test('what is posted: the client as it is then, numbered', async (t) => {
	const hook = await Webhook.start(t, onEvents({ hello: (e) => [ack(e)] }));
	const g = await gatewayFor(t, hook);
	const socket = await connect(t, g.url, { auth: { token: 'x' }, query: { a: 'b' }, extraHeaders: { 'X-Mine': 'yes' } });

	await socket.ask('hello', 1, { two: 2 });
	const [first, second] = hook.posts;
	assert.deepEqual([first.kind, first.n, second.kind, second.n], ['connect', 1, 'event', 2]);
	assert.deepEqual([second.nsp, second.sid, second.event, second.args], ['/', socket.id, 'hello', [1, { two: 2 }]]);
	assert.deepEqual([second.node.length, typeof second.ack], [4, 'number']);
	assert.deepEqual(second.state.auth, { token: 'x' });
	assert.match(second.state.query, /a=b/);
	assert.match(second.state.headers, /^x-mine: yes$/m);
	socket.emit('no ack');
	assert.equal('ack' in (await hook.next('event', (e) => e.event === 'no ack')), false);
});

test('namespaces: those of the option, and no post for others', async (t) => {
	const hook = await Webhook.start(t, onEvents({ where: (e) => [ack(e, e.nsp)] }));
	const g = await gatewayFor(t, hook, ['--webhook-namespaces', '/,/game-*']);
	const socket = await connect(t, g.url);
	const game = openNamespace(t, socket, '/game-1'), other = openNamespace(t, socket, '/other');

	assert.equal((await other.happens('connect_error'))[0].message, 'Invalid namespace');
	assert.deepEqual(await game.ask('where'), ['/game-1']);
	assert.deepEqual(hook.posts.filter((e) => e.kind === 'connect').map((e) => e.nsp).toSorted(), ['/', '/game-1']);
});

test('one asks clients: each answer is posted, with the number of the call', async (t) => {
	const hook = await Webhook.start(t, onEvents({
		'ask': (e) => [{ do: 'call', rooms: [e.sid], data: ['question', 'well?'], call: 77, timeout: 20000 }],
		'on answer': (e) => (e.op === 'answer' ? [{ do: 'emit', data: ['heard', e.call, e.args] }] : []),
	}));
	const g = await gatewayFor(t, hook);
	const socket = await connect(t, g.url);

	socket.on('question', (text, answer) => answer(`${text} yes`));
	socket.emit('ask');
	const answer = await hook.next('answer', (e) => e.op === 'answer');
	assert.deepEqual([answer.call, answer.args, answer.to, answer.sid], [77, ['well? yes'], 'webhook', socket.id]);
	assert.deepEqual(await socket.next('heard'), [77, ['well? yes']]);
});

describe('order', () => {
	test('one event of a client at a time, in order, however long each takes', async (t) => {
		const hook = await Webhook.start(t, async (e) => {
			await new Promise((resolve) => setTimeout(resolve, (e.n * 7) % 11));
			return e.kind === 'event' ? [emit('done', e.args[0]), ...(e.ack === undefined ? [] : [ack(e)])] : [];
		});
		const g = await gatewayFor(t, hook);
		const sockets = await Promise.all([1, 2, 3].map(() => connect(t, g.url)));

		await Promise.all(sockets.map(async (socket) => {
			for (let i = 0; i < 40; i++)
				socket.emit('work', i);
			await socket.ask('work', 40);
			for (let i = 0; i <= 40; i++)
				assert.deepEqual(await socket.next('done'), [i]);
			assert.deepEqual(hook.posts.filter((e) => e.sid === socket.id).map((e) => e.n), Array.from({ length: 42 }, (_, i) => i + 1));
		}));
	});

	test('who waits holds nobody up', async (t) => {
		const wait = gate('the test to open');
		const hook = await Webhook.start(t, onEvents({
			slow: async (e) => (await wait.opened, [ack(e, 'slow')]),
			fast: (e) => [ack(e, 'fast')],
		}));
		const g = await gatewayFor(t, hook, ['--webhook-timeout', '30s']);
		const [a, b] = [await connect(t, g.url), await connect(t, g.url)];
		const slow = a.ask('slow');

		await hook.next('event');
		assert.deepEqual(await b.ask('fast'), ['fast']);
		wait.open();
		assert.deepEqual(await slow, ['slow']);
	});

	test('webhook_connections: so many posts at a time, over connections that are kept', async (t) => {
		const hook = await Webhook.start(t, async (e) => {
			await new Promise(setImmediate);
			return e.kind === 'event' ? [ack(e)] : [];
		});
		const g = await gatewayFor(t, hook, ['--webhook-connections', '2']);
		const sockets = await Promise.all(Array.from({ length: 10 }, () => connect(t, g.url)));

		for (let i = 0; i < 5; i++)
			await Promise.all(sockets.map((socket) => socket.ask('x')));
		assert.equal(hook.mostInWork, 2);
		assert.equal(hook.connected, 2);
	});
});

// --- What fails

describe('attempts', () => {
	for (const [what, answer] of [['503', new Reply(503)], ['500', new Reply(500, 'oops')], ['429', new Reply(429)], ['a connection that ends', HANG_UP]]) {
		test(`${what}: the event is posted again, until it is answered`, async (t) => {
			const hook = await Webhook.start(t, (e) => (e.kind === 'event' ? (e.attempt < 3 ? answer : [ack(e, e.attempt)]) : []));
			const g = await gatewayFor(t, hook);
			const socket = await connect(t, g.url);

			assert.deepEqual(await socket.ask('x'), [3]);
			const posts = hook.posts.filter((e) => e.kind === 'event');
			assert.deepEqual(posts.map((e) => [e.n, e.attempt]), [[2, 1], [2, 2], [2, 3]]);
			// That a connection that was kept ends is nobody's failure: it may have ended before.
			assert.equal((await g.metrics()).stoa_webhook_retries_total, answer === HANG_UP ? 1 : 2);
			await g.line(/ webhook-failed .*attempt=1 of=3/);
		});
	}

	test('webhook_attempts: then the client is told, and its next event goes on', async (t) => {
		const hook = await Webhook.start(t, (e) => (e.event === 'bad' ? new Reply(503) : e.kind === 'event' ? [ack(e, 'fine')] : []));
		const g = await gatewayFor(t, hook, ['--webhook-attempts', '2']);
		const socket = await connect(t, g.url);

		assert.equal(errorOf(await socket.ask('bad')), 'The application did not answer');
		assert.deepEqual(hook.posts.filter((e) => e.event === 'bad').map((e) => e.attempt), [1, 2]);
		assert.deepEqual(await socket.ask('good'), ['fine']);
	});

	test('webhook_timeout: an attempt that is not answered in time has failed', async (t) => {
		const hook = await Webhook.start(t, (e) => (e.kind === 'event' ? (e.attempt === 1 ? NEVER : [ack(e, e.attempt)]) : []));
		const g = await gatewayFor(t, hook, ['--webhook-timeout', '1s']);
		const socket = await connect(t, g.url);

		assert.deepEqual(await socket.ask('x'), [2]);
		assert.equal((await g.metrics())['stoa_webhook_posts_total{result="timed out"}'], 1);
	});

	test('event_timeout: the client is told, whatever is under way', async (t) => {
		const hook = await Webhook.start(t, (e) => (e.kind === 'event' ? NEVER : []));
		const g = await gatewayFor(t, hook, ['--webhook-timeout', '60s', '--event-timeout', '1s']);
		const socket = await connect(t, g.url);

		assert.equal(errorOf(await socket.ask('x')), 'The application did not answer in time');
		await eventually('the post to be given up', () => hook.inWork === 0);
	});

	test('nobody there: clients are refused', async (t) => {
		const port = await freePort();
		const g = await gatewayFor(t, { url: `http://127.0.0.1:${port}/` });
		const [error] = await open(t, g.url).happens('connect_error');

		assert.equal(error.message, 'The application did not answer');
		assert.equal((await g.metrics())['stoa_webhook_posts_total{result="unreachable"}'], 3);
		await g.line(/ webhook-failed .*why="cannot connect"/);
	});

	test('a host that has no address', async (t) => {
		const g = await gatewayFor(t, { url: 'http://nobody.invalid/' }, ['--webhook-timeout', '300ms', '--webhook-attempts', '1']);
		const [error] = await open(t, g.url).happens('connect_error');

		assert.equal(error.message, 'The application did not answer');
	});
});

describe('the circuit breaker', () => {
	test('after so many failures events are refused at once; then one shows whether it goes on', async (t) => {
		let broken = true;
		const hook = await Webhook.start(t, (e) => (e.kind !== 'event' ? [] : broken ? new Reply(503) : [ack(e, 'fine')]));
		const g = await gatewayFor(t, hook, ['--webhook-attempts', '1', '--webhook-breaker-failures', '3', '--webhook-breaker-rest', '2s']);
		const socket = await connect(t, g.url);

		for (let i = 0; i < 3; i++)
			assert.equal(errorOf(await socket.ask('x')), 'The application did not answer');
		await g.line(/ webhook-rests .*for_ms=2000 hint=/);
		const posts = hook.posts.length;
		assert.equal(errorOf(await socket.ask('x')), 'The server is busy');
		assert.equal(hook.posts.length, posts);
		const metrics = await g.metrics();
		assert.deepEqual([metrics.stoa_webhook_resting, metrics.stoa_webhook_rests_total, metrics['stoa_dispatch_refused_total{cause="circuit breaker"}']], [1, 1, 1]);
		assert.match(await (await fetch(`${g.internalUrl}/readyz`)).text(), /the webhook has failed too often/);
		// Still broken: the one that is tried fails, and the rest begins anew.
		await eventually('one to be tried', async () => (await socket.ask('x'), hook.posts.length > posts));
		await counted(g, 'stoa_webhook_rests_total', 2);
		broken = false;
		await eventually('it to go on', async () => (await socket.ask('x'))[0] === 'fine');
		await g.line(/ webhook-answers /);
		assert.equal((await g.metrics()).stoa_webhook_resting, 0);
	});

	test('disconnects wait meanwhile, and are posted', async (t) => {
		let broken = false;
		const hook = await Webhook.start(t, () => (broken ? new Reply(503) : undefined));
		const g = await gatewayFor(t, hook, ['--webhook-attempts', '1', '--webhook-breaker-failures', '1', '--webhook-breaker-rest', '300ms']);
		const [a, b] = [await connect(t, g.url), await connect(t, g.url)];
		const sid = b.id;

		broken = true;
		await a.ask('x');
		b.disconnect();
		await g.line(/ closed .*client namespace|closed sid=/);
		broken = false;
		assert.equal((await hook.next('disconnect')).sid, sid);
	});
});

describe('answers that are none', () => {
	for (const [what, reply, words, metric] of [
		['no JSON', new Reply(200, '<html>'), 'The application failed', 'stoa_dispatch_batches_total{result="malformed"}'],
		['nearly JSON', new Reply(200, '{]}'), 'The application failed', 'stoa_dispatch_batches_total{result="malformed"}'],
		['no object', new Reply(200, '[]'), 'The application failed', 'stoa_dispatch_batches_total{result="malformed"}'],
		['an effect that is none', new Reply(200, '{"effects":[{"do":"fly"}]}'), 'The application failed', 'stoa_dispatch_batches_total{result="malformed"}'],
		['effects that are too many', new Reply(200, JSON.stringify({ effects: Array.from({ length: 100_001 }, () => ({ do: 'join', room: 'r' })) })), 'The application failed', 'stoa_dispatch_batches_total{result="malformed"}'],
		['its own words', new Reply(200, '{"failed":"Not today"}'), 'Not today', 'stoa_dispatch_batches_total{result="failed"}'],
		['400', new Reply(400, 'no'), 'The application refused it', 'stoa_webhook_posts_total{result="refused"}'],
		['401', new Reply(401), 'The application refused it', 'stoa_webhook_posts_total{result="refused"}'],
		['a redirect', new Reply(302, '', { Location: '/elsewhere' }), 'The application refused it', 'stoa_webhook_posts_total{result="refused"}'],
	]) {
		test(`${what}: the client is told, nothing is tried again, the next event goes on`, async (t) => {
			const hook = await Webhook.start(t, onEvents({ bad: () => reply, good: (e) => [ack(e, 'fine')] }));
			const g = await gatewayFor(t, hook, ['--webhook-max-answer', '10MB']);
			const socket = await connect(t, g.url);

			assert.equal(errorOf(await socket.ask('bad')), words);
			assert.equal((await g.metrics())[metric], 1);
			assert.deepEqual(await socket.ask('good'), ['fine']);
			assert.equal(hook.posts.filter((e) => e.event === 'bad').length, 1);
		});
	}

	test('webhook_max_answer: at the limit and one past it', async (t) => {
		const padded = (e, size) => {
			const body = JSON.stringify({ effects: [ack(e, 'fine')] });
			return new Reply(200, body + ' '.repeat(size - body.length), { 'Content-Type': 'application/json' });
		};
		const hook = await Webhook.start(t, (e) => (e.kind === 'event' ? padded(e, e.args[0]) : undefined));
		const g = await gatewayFor(t, hook, ['--webhook-max-answer', '2KB', '--webhook-attempts', '1']);
		const socket = await connect(t, g.url);

		assert.deepEqual(await socket.ask('x', 2000), ['fine']);
		assert.equal(errorOf(await socket.ask('x', 2001)), 'The application did not answer');
		await g.line(/ webhook-failed .*why="the answer is too large"/);
	});

	// Whoever listens there is no HTTP server.
	for (const [what, bytes] of [['no HTTP', 'hello\r\n\r\n'], ['nothing', ''], ['half an answer', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{'], ['endless headers', `HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(10_000)}`]]) {
		test(`a server that says ${what}`, async (t) => {
			const server = createServer((socket) => socket.on('error', () => {}).once('data', () => socket.end(bytes))).listen(0, '127.0.0.1');

			await new Promise((resolve) => server.once('listening', resolve));
			t.after(() => server.close());
			const g = await gatewayFor(t, { url: `http://127.0.0.1:${server.address().port}/` }, ['--webhook-attempts', '2']);
			const [error] = await open(t, g.url).happens('connect_error');

			assert.equal(error.message, 'The application did not answer');
			await g.line(/ webhook-failed /);
		});
	}
});

test('the server is started again under load: every event is handled in order, and acked', async (t) => {
	const hook = await Webhook.start(t, (e) => (e.kind === 'event' ? [ack(e, e.args[0])] : []));
	const g = await gatewayFor(t, hook, ['--webhook-attempts', '30', '--webhook-retry', '50ms', '--webhook-breaker-failures', '1000000', '--event-timeout', '60s']);
	const sockets = await Promise.all(Array.from({ length: 20 }, () => connect(t, g.url)));
	const half = gate('half of it to be done');
	let done = 0;
	const work = sockets.map(async (socket) => {
		for (let i = 0; i < 30; i++) {
			assert.deepEqual(await socket.ask('count', i), [i]);
			if (++done === 200)
				half.open();
		}
	});

	await half.opened;
	await hook.close();
	await g.line(/ webhook-failed /);
	await hook.listen();
	await Promise.all(work);
	for (const socket of sockets) {
		const ns = hook.posts.filter((e) => e.sid === socket.id).map((e) => e.n);
		assert.deepEqual(ns, ns.toSorted((a, b) => a - b));
		assert.equal(new Set(ns).size, 31);
	}
});

test('at the end of the process disconnects are posted', async (t) => {
	const hook = await Webhook.start(t);
	const g = await gatewayFor(t, hook);
	const socket = await connect(t, g.url, { transports: ['websocket'] });

	await g.stop();
	assert.deepEqual((({ sid, reason }) => [typeof sid, reason])(await hook.next('disconnect')), ['string', 'server shutting down']);
	assert.ok(socket.disconnected || (await socket.happens('disconnect')));
});

test('beside Redis: two gateways, one webhook, one room', async (t) => {
	const { redisForTest } = await import('./lib/redis.mjs');
	const redis = await redisForTest(t);
	const hook = await Webhook.start(t, tour);
	const [one, two] = await Promise.all([1, 2].map(() => gatewayFor(t, hook, ['--redis-url', redis.url])));
	const [a, b] = [await connect(t, one.url), await connect(t, two.url)];

	await Promise.all([one, two].map((g) => eventually('the other gateway', async () => (await g.metrics()).stoa_cluster_nodes === 1)));
	a.emit('join', { username: 'A', room: 'r' });
	await a.next('message');
	b.emit('join', { username: 'B', room: 'r' });
	await eventually('the room to span both', async () => { // what is said while Redis is told of the join, is not heard
		await b.ask('say', 'r', 'hi');
		return a.received.items.some((e) => e.name === 'said');
	});
	assert.deepEqual(await a.next('said'), ['hi']);
});

// --- TLS

describe('https', () => {
	const make = (t) => {
		const dir = mkdtempSync(path.join(tmpdir(), 'stoa-webhook-'));
		const at = (name) => path.join(dir, name);
		const openssl = (...args) => execFileSync('openssl', args, { stdio: 'ignore' });

		t.after(() => rmSync(dir, { recursive: true }));
		for (const ca of ['ca', 'other'])
			openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', `/CN=${ca}`, '-keyout', at(`${ca}.key`), '-out', at(`${ca}.pem`));
		openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', '/CN=x', '-keyout', at('key.pem'), '-out', at('req.pem'));
		writeFileSync(at('names'), 'subjectAltName=DNS:localhost');
		openssl('x509', '-req', '-in', at('req.pem'), '-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-days', '2', '-extfile', at('names'), '-out', at('cert.pem'));
		return { tls: { key: readFileSync(at('key.pem')), cert: readFileSync(at('cert.pem')) }, ca: at('ca.pem'), other: at('other.pem') };
	};

	test('the certificate and its name are verified', async (t) => {
		const { tls, ca, other } = make(t);
		const hook = await Webhook.start(t, onEvents({ x: (e) => [ack(e, 'fine')] }), { tls });
		const g = await gatewayFor(t, hook, ['--webhook-ca-file', ca]);
		const socket = await connect(t, g.url);

		for (let i = 0; i < 3; i++)
			assert.deepEqual(await socket.ask('x'), ['fine']);
		assert.equal(hook.connected, 1);
		for (const [flags, why] of [[['--webhook-ca-file', other], /webhook-failed .*why=".*certificate/], [[], /webhook-failed .*why=".*certificate/]]) {
			const wrong = await gatewayFor(t, hook, [...flags, '--webhook-attempts', '1']);
			const [error] = await open(t, wrong.url).happens('connect_error');
			assert.equal(error.message, 'The application did not answer');
			await wrong.line(why);
		}
		const named = await gatewayFor(t, { url: hook.url.replace('localhost', '127.0.0.1') }, ['--webhook-ca-file', ca, '--webhook-attempts', '1']);
		await open(t, named.url).happens('connect_error');
		await named.line(/webhook-failed .*why="IP address mismatch"/i);
	});

	test('a connection that ended is opened anew', async (t) => {
		const { tls, ca } = make(t);
		const hook = await Webhook.start(t, onEvents({ x: (e) => [ack(e, 'fine')] }), { tls });
		const g = await gatewayFor(t, hook, ['--webhook-ca-file', ca]);
		const socket = await connect(t, g.url);

		assert.deepEqual(await socket.ask('x'), ['fine']);
		hook.connections.forEach((connection) => connection.destroy());
		assert.deepEqual(await socket.ask('x'), ['fine']);
		assert.equal(hook.connected, 2);
	});
});

// --- Options

test('the secret of a file, and one that is wrong', async (t) => {
	const dir = mkdtempSync(path.join(tmpdir(), 'stoa-webhook-'));
	const file = path.join(dir, 'secret');

	t.after(() => rmSync(dir, { recursive: true }));
	writeFileSync(file, `${SECRET}\nanother line\n`);
	const hook = await Webhook.start(t, onEvents({ x: (e) => [ack(e, 'fine')] }));
	const g = await Gateway.startWithout(['--dispatch', 'webhook', '--webhook-url', hook.url, '--webhook-secret-file', file]);
	t.after(() => g.stop());
	assert.deepEqual(await (await connect(t, g.url)).ask('x'), ['fine']);
});
