// Before a client is there and when it goes: handshake hooks, their headers, refusals reported, "disconnecting",
// always_connect; and what a developer or a load balancer looks at: --debug, a blocked loop. The application is
// apps/hooks.c.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { connect, open, openNamespace, upgraded } from './lib/client.mjs';
import { forTest, share } from './lib/gateway.mjs';
import { fetchRaw, HANDSHAKE, Raw, RawWebSocket, request, upgradeRequest } from './lib/raw.mjs';
import { deadline, eventually } from './lib/wait.mjs';

const gateway = share(before, after, 'hooks', ['--cors-allowed-origins', '']);
const WEBSOCKET = '/socket.io/?EIO=4&transport=websocket';

const get = (t, target, headers = []) => fetchRaw(t, gateway().port, 'GET', target, headers);

// The answer to an upgrade that is refused.
async function refusedUpgrade(t, target, headers = [], port = gateway().port) {
	const raw = await Raw.open(t, port);

	raw.write(upgradeRequest(target, { headers }));
	return raw.response();
}

async function watcher(t) {
	const socket = await connect(t, gateway().url, { transports: ['websocket'] });

	await socket.ask('watch');
	return socket;
}

// --- Refusing

test('handshake: a refusal is 403 with code 4 and the message, over polling', async (t) => {
	const { status, headers, body } = await get(t, `${HANDSHAKE}&refuse=no+%22ticket%22`);

	assert.equal(status, 403);
	assert.equal(headers['content-type'], 'application/json');
	assert.equal(body, '{"code":4,"message":"no \\"ticket\\""}');
});

test('2.2: handshake: a refusal is 400 with the message, over WebSocket, and then the end', async (t) => {
	const raw = await Raw.open(t, gateway().port);

	raw.write(upgradeRequest(`${WEBSOCKET}&refuse=no+ticket`));
	const { status, phrase, headers, body } = await raw.response();
	assert.deepEqual([status, phrase, headers.connection, body], [400, 'Bad Request', 'close', 'no ticket']);
	assert.equal(await raw.closed(), 'fin');
});

test('handshake: a negative number is "Forbidden"', async (t) => {
	assert.equal((await get(t, `${HANDSHAKE}&refuse=number`)).body, '{"code":4,"message":"Forbidden"}');
	assert.equal((await refusedUpgrade(t, `${WEBSOCKET}&refuse=number`)).body, 'Forbidden');
});

test('handshake: a message that is long or no UTF-8', async (t) => {
	const long = 'x'.repeat(3000);

	assert.equal((await refusedUpgrade(t, `${WEBSOCKET}&refuse=${long}`)).body, long);
	assert.equal(JSON.parse((await get(t, `${HANDSHAKE}&refuse=${long}`)).body).message, long);
	assert.equal(JSON.parse((await get(t, `${HANDSHAKE}&refuse=a%ffb`)).body).message, 'a\ufffdb');
});

test('handshake: the request is told: address, transport, headers, cookies', async (t) => {
	const headers = ['X-Color: blue', 'Cookie: color=green'];

	assert.equal(JSON.parse((await get(t, `${HANDSHAKE}&refuse=who`, headers)).body).message, '127.0.0.1 polling blue green');
	assert.equal((await refusedUpgrade(t, `${WEBSOCKET}&refuse=who`, headers)).body, '127.0.0.1 websocket blue green');
});

test('handshake: a stock client sees the message', async (t) => {
	const polling = open(t, gateway().url, { transports: ['polling'], query: { refuse: 'not today' } });
	let response; // the client drops it when its listeners have run

	polling.on('connect_error', (error) => (response = error.context.responseText));
	const [error] = await polling.happens('connect_error');
	assert.equal(error.description, 403);
	assert.deepEqual(JSON.parse(response), { code: 4, message: 'not today' });

	const websocket = open(t, gateway().url, { transports: ['websocket'], query: { refuse: 'not today' } });
	const [other] = await websocket.happens('connect_error');
	assert.match(String(other.description?.message ?? other.message), /400/);
});

test('2.2: handshake: the version of the protocol and the WebSocket are looked at after the question', async (t) => {
	const get3 = async (query) => (await get(t, `/socket.io/?EIO=3&transport=polling${query}`)).body;

	assert.equal(await get3('&refuse=no+ticket'), '{"code":4,"message":"no ticket"}');
	assert.equal(await get3(''), '{"code":5,"message":"Unsupported protocol version"}');
	for (const [query, words] of [['&refuse=no+ticket', 'no ticket'], ['', 'Missing or invalid Sec-WebSocket-Key header']]) {
		const raw = await Raw.open(t, gateway().port);
		raw.write(request('GET', `/socket.io/?EIO=3&transport=websocket${query}`, ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13']));
		assert.equal((await raw.response()).body, words);
	}
	assert.equal((await refusedUpgrade(t, '/socket.io/?EIO=3&transport=websocket')).body, 'Unsupported protocol version');
});

test('handshake: only requests for a session are asked about', async (t) => {
	const socket = await watcher(t);
	const [before] = await socket.ask('asked');
	const polling = await connect(t, gateway().url);

	await upgraded(polling);
	await polling.ask('asked');
	assert.deepEqual(await socket.ask('asked'), [before + 1]);
	await get(t, `${HANDSHAKE}&sid=nobody`);
	await get(t, '/socket.io/?EIO=4&transport=none');
	assert.deepEqual(await socket.ask('asked'), [before + 1]);
});

// --- Headers

test('headers: the first answer has both kinds, a refusal too, and none is smuggled', async (t) => {
	for (const answer of [await get(t, `${HANDSHAKE}&headers=1`), await get(t, `${HANDSHAKE}&headers=1&refuse=x`),
		await refusedUpgrade(t, `${WEBSOCKET}&headers=1&refuse=x`)]) {
		assert.equal(answer.headers['set-cookie'], 'first=1; Path=/');
		assert.equal(answer.headers['x-session'], 'yes');
		assert.equal('x-split' in answer.headers || 'x-smuggled' in answer.headers, false);
	}
	assert.equal('x-session' in (await get(t, HANDSHAKE)).headers, false);
});

test('headers: those of the session come with every later answer, the others do not', async (t) => {
	const { port } = gateway();
	const { sid } = JSON.parse((await get(t, `${HANDSHAKE}&headers=1`)).body.slice(1));
	const target = `${HANDSHAKE}&sid=${sid}`;
	const post = await fetchRaw(t, port, 'POST', target, ['Content-Type: text/plain'], '40');
	const poll = await get(t, target);
	const put = await fetchRaw(t, port, 'PUT', target);
	const mismatch = await get(t, `/socket.io/?EIO=3&transport=polling&sid=${sid}`);
	const ws = await RawWebSocket.open(t, port, `${WEBSOCKET}&sid=${sid}`);

	assert.deepEqual([post.status, poll.status, put.status, mismatch.status], [200, 200, 500, 400]);
	for (const { headers } of [post, poll, put, mismatch, ws.response]) {
		assert.equal(headers['x-session'], 'yes');
		assert.equal('set-cookie' in headers, false);
	}
});

test('headers: the 101 of a session that begins with WebSocket has both, and as many as there may be', async (t) => {
	const { port } = gateway();
	const ws = await RawWebSocket.open(t, port, `${WEBSOCKET}&headers=1`);

	assert.equal(ws.response.headers['set-cookie'], 'first=1; Path=/');
	assert.equal(ws.response.headers['x-session'], 'yes');
	assert.match(await ws.text(), /^0\{/);

	const g = await forTest(t, 'hooks', ['--cors-allowed-origins', '*']);
	const headers = [`Origin: http://${'o'.repeat(1000)}`, `Sec-WebSocket-Protocol: ${'p'.repeat(256)}`];
	const many = await RawWebSocket.open(t, g.port, `${WEBSOCKET}&many=1`, { headers });
	assert.equal(many.response.headers['x-many'].length, 4 * 500 + 3 * 2);
	assert.match(await many.text(), /^0\{/);
});

// --- Refusals reported

const refusals = [
	['an unknown transport', '/socket.io/?EIO=4&transport=carrier&mark=1', 'GET', [],
		{ code: 0, message: 'Transport unknown', context: { transport: 'carrier' } }, null],
	['no transport', '/socket.io/?EIO=4&mark=1', 'GET', [], { code: 0, message: 'Transport unknown', context: { transport: '' } }, null],
	['an unknown session', `${HANDSHAKE}&sid=a%22b&mark=1`, 'GET', [],
		{ code: 1, message: 'Session ID unknown', context: { sid: 'a%22b' } }, 'polling'],
	['a method', `${HANDSHAKE}&mark=1`, 'POST', [], { code: 2, message: 'Bad handshake method', context: { method: 'POST' } }, 'polling'],
	['an invalid origin', `${HANDSHAKE}&mark=1`, 'GET', ['Origin: http://a\u00ff'],
		{ code: 3, message: 'Bad request', context: { name: 'INVALID_ORIGIN', origin: 'http://a\ufffd' } }, 'polling'],
	['websocket without an upgrade', `${WEBSOCKET}&mark=1`, 'GET', [],
		{ code: 3, message: 'Bad request', context: { name: 'TRANSPORT_HANDSHAKE_ERROR' } }, 'websocket'],
	['the application', `${HANDSHAKE}&refuse=no&mark=1`, 'GET', [], { code: 4, message: 'no', context: { message: 'no' } }, 'polling'],
	['an old protocol', '/socket.io/?EIO=3&transport=polling&mark=1', 'GET', [],
		{ code: 5, message: 'Unsupported protocol version', context: { protocol: 3 } }, 'polling'],
];

for (const [name, target, method, headers, error, transport] of refusals) {
	test(`connection_error: ${name}`, async (t) => {
		const socket = await watcher(t);
		const { status, body } = await fetchRaw(t, gateway().port, method, target, headers);

		assert.equal(status, error.code === 4 ? 403 : 400);
		assert.deepEqual(JSON.parse(body), { code: error.code, message: error.message });
		assert.deepEqual(await socket.next('refused'), [error, '127.0.0.1', transport, '1']);
	});
}

test('connection_error: what is wrong with an upgrade', async (t) => {
	const socket = await watcher(t);
	const raw = await Raw.open(t, gateway().port);
	const words = 'Missing or invalid Sec-WebSocket-Key header';

	raw.write(request('GET', `${WEBSOCKET}&mark=2`, ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13']));
	assert.equal((await raw.response()).body, words);
	assert.deepEqual(await socket.next('refused'),
		[{ code: 3, message: words, context: { name: 'WEBSOCKET_HANDSHAKE_ERROR' } }, '127.0.0.1', 'websocket', '2']);
	await refusedUpgrade(t, `${WEBSOCKET}&refuse=no&mark=3`);
	assert.deepEqual(await socket.next('refused'), [{ code: 4, message: 'no', context: { message: 'no' } }, '127.0.0.1', 'websocket', '3']);
	await refusedUpgrade(t, `${WEBSOCKET}&sid=x`);
	assert.deepEqual((await socket.next('refused'))[0], { code: 1, message: 'Session ID unknown', context: { sid: 'x' } });
});

test('connection_error: a request for polling after the upgrade names both transports', async (t) => {
	const socket = await watcher(t);
	const other = await connect(t, gateway().url);

	await upgraded(other);
	await get(t, `${HANDSHAKE}&sid=${other.io.engine.id}`);
	assert.deepEqual((await socket.next('refused'))[0], {
		code: 3, message: 'Bad request', context: { name: 'TRANSPORT_MISMATCH', transport: 'polling', previousTransport: 'websocket' },
	});
	assert.equal(other.connected, true);
});

test('connection_error: an origin that may not', async (t) => {
	const g = await forTest(t, 'hooks', ['--cors-allowed-origins', 'https://example.com']);
	const socket = await connect(t, g.url);

	await socket.ask('watch');
	assert.equal((await fetchRaw(t, g.port, 'GET', HANDSHAKE, ['Origin: https://evil.example'])).status, 403);
	assert.deepEqual((await socket.next('refused'))[0],
		{ code: 4, message: 'Not an accepted origin.', context: { origin: 'https://evil.example' } });
});

test('refused handshakes are counted', async (t) => {
	const before = await gateway().metrics();

	await get(t, `${HANDSHAKE}&refuse=no`);
	await refusedUpgrade(t, `${WEBSOCKET}&refuse=no`);
	const after = await gateway().metrics();
	assert.equal(after['stoa_handshakes_total{result="refused"}'] - before['stoa_handshakes_total{result="refused"}'], 2);
	assert.equal(after['stoa_handshakes_total{result="ok"}'], before['stoa_handshakes_total{result="ok"}']);
});

// --- Leaving

test('disconnecting comes before disconnect, both with the rooms', async (t) => {
	const socket = await watcher(t);
	const other = await connect(t, gateway().url, { transports: ['websocket'] });
	const { id } = other;

	await other.ask('join', 'r');
	other.disconnect();
	assert.deepEqual(await socket.next('leaving'), ['disconnecting', 'client namespace disconnect', [id, 'r']]);
	assert.deepEqual(await socket.next('leaving'), ['disconnect', 'client namespace disconnect', [id, 'r']]);
});

test('disconnecting: middleware sees both', async (t) => {
	const socket = await connect(t, gateway().url, { transports: ['websocket'] });
	const seen = openNamespace(t, socket, '/seen');
	const other = await connect(t, `${gateway().url}/seen`, { transports: ['websocket'] });

	const { id } = other;

	await seen.ask('watch');
	other.io.engine.close();
	for (const name of ['disconnecting', 'disconnect']) {
		assert.deepEqual(await seen.next('seen'), [name]);
		assert.deepEqual(await seen.next('leaving'), [name, 'transport close', [id]]);
	}
});

// --- always_connect

test('always_connect: CONNECT, then DISCONNECT, and nothing between', async (t) => {
	const g = await forTest(t, 'hooks', ['--always-connect']);
	const ws = await RawWebSocket.session(t, g.port);

	ws.send('40{"refuse":"no"}');
	assert.match(await ws.text(), /^40\{"sid":"[\w-]{20}"\}$/);
	assert.equal(await ws.text(), '41');
	ws.send('40'); // and may come again
	assert.match(await ws.text(), /^40\{"sid":"[\w-]{20}"\}$/);
});

test('always_connect: a stock client connects and is disconnected, for good', async (t) => {
	const g = await forTest(t, 'hooks', ['--always-connect']);
	const socket = open(t, g.url, { auth: { refuse: 'no' }, reconnection: true });
	const connected = socket.happens('connect');
	const disconnected = socket.happens('disconnect');

	await connected;
	assert.equal((await disconnected)[0], 'io server disconnect');
	assert.deepEqual(socket.received.items, []);
});

test('without always_connect a refusal is an error with data', async (t) => {
	const socket = open(t, gateway().url, { auth: { refuse: 'no' } });
	const [error] = await socket.happens('connect_error');

	assert.deepEqual([error.message, error.data], ['no', { why: 'test' }]);
});

// --- A blocked loop

test('a handler that blocks the loop is logged and counted, and /readyz says so for a while', async (t) => {
	const g = await forTest(t, 'hooks', ['--loop-stall', '300ms']);
	const socket = await connect(t, g.url);
	const readyz = async () => {
		const answer = await fetch(`${g.internalUrl}/readyz`);
		return [answer.status, await answer.text()];
	};

	await socket.ask('block', 20);
	assert.deepEqual(await readyz(), [200, 'ready']);
	await socket.ask('block', 700);
	const [status, text] = await readyz();
	assert.equal(status, 503);
	assert.ok(Number(/^loop blocked for (\d+) ms$/.exec(text)?.[1]) >= 700, text);
	assert.equal((await fetch(`${g.internalUrl}/healthz`)).status, 200);
	assert.match(await g.line(/ loop-blocked /), /warn loop-blocked ms=\d+ loop_stall_ms=300/);
	const metrics = await g.metrics();
	assert.ok(metrics.stoa_loop_stalls_total >= 1);
	assert.ok(metrics.stoa_loop_turn_max_seconds >= 0.7);
	assert.ok(metrics.stoa_loop_busy_seconds_total >= 0.72);
	await eventually('the gateway to be ready again', async () => (await readyz())[0] === 200);
});

// --- --debug

test('--debug shows packets as they pass', async (t) => {
	const g = await forTest(t, 'hooks', ['--debug']);
	const socket = await connect(t, g.url, { transports: ['websocket'] });
	const other = await connect(t, g.url, { transports: ['websocket'] });
	const long = 'x'.repeat(5000);

	await Promise.all([socket.ask('join', 'some'), other.ask('join', 'some')]);
	const from = g.lines.length;
	await socket.ask('echo', '\u001b[31m"red"\n', Buffer.alloc(300));
	await socket.ask('echo', long);
	const all = await g.line(/ packet-out to=\* .*to all.* /, from);
	await g.line(/ packet-out to=some .*bytes=50\d\d/, from); // the last of them
	assert.match(all, / debug packet-out to=\* nsp=\/ clients=2 data="2\[\\"to all\\"\]" bytes=\d+ binary=0$/);

	const lines = g.lines.slice(from).filter((line) => / packet-/.test(line));
	assert.equal(lines.some((line) => /[\u0000-\u001f]/.test(line)), false, 'control characters are escaped');
	assert.ok(lines.some((line) => / packet-in conn=\S+ data=".*echo/.test(line)));
	assert.ok(lines.some((line) => / packet-in conn=\S+ binary=300$/.test(line)));
	assert.ok(lines.some((line) => line.includes(` packet-out to=${socket.id} `) && / binary=300$/.test(line)));
	assert.equal(lines.filter((line) => / packet-out to=some nsp=\/ clients=2 /.test(line)).length, 2, 'one line per broadcast');
	assert.ok(lines.some((line) => /bytes=50\d\d/.test(line)));
	assert.ok(lines.every((line) => line.length < 1500), 'payloads are cut');
});

test('without --debug no packet is shown, at level debug either', async (t) => {
	const g = await forTest(t, 'hooks', ['--log-level', 'debug']);
	const socket = await connect(t, g.url);

	await socket.ask('echo', 'secret');
	assert.equal(g.lines.some((line) => /packet-|secret/.test(line)), false);
});

// --- The last words

test('SIGTERM: a WebSocket that reads slowly and goes on writing still gets its Close frame', async (t) => {
	const g = await forTest(t, 'hooks', ['--max-send-queue', '10MB']);
	const ws = await RawWebSocket.session(t, g.port, { connect: '' });

	ws.raw.socket.pause();
	ws.send('42["fill",1000000]');
	await eventually('the event to be handled', async () => (await g.metrics())['stoa_events_total{direction="out"}'] >= 1);
	const from = g.lines.length;
	g.signal('SIGTERM');
	await g.line(/ shutting-down /, from);
	for (let i = 0; i < 20; i++)
		ws.send(`42["ignored",${i}]`);
	ws.raw.socket.resume();
	const before = [];
	assert.equal(await ws.closed(before), 1012);
	assert.equal(before.at(-1).length, 1000000);
	g.stopped = true;
	assert.equal((await deadline(g.ended, 'the gateway to end')).code, 0);
	g.assertClean();
});
