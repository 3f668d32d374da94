// The internal listener, and the counter of every limit: each is moved by going past the limit.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { connect, openNamespace, upgraded } from './lib/client.mjs';
import { forTest, parseMetrics, share } from './lib/gateway.mjs';
import { fetchRaw, frame, HANDSHAKE, Polling, PONG, Raw, RawWebSocket, request, SEPARATOR, TEXT, upgradeRequest } from './lib/raw.mjs';
import { SECRET } from './lib/tokens.mjs';
import { eventually } from './lib/wait.mjs';

const gateway = share(before, after, 'e2e');

const counted = (g, name, atLeast = 1) => eventually(`${name} to count`, async () => (await g.metrics())[name] >= atLeast);

describe('the internal listener', () => {
	const get = (t, target) => fetchRaw(t, gateway().internalPort, 'GET', target);

	test('/healthz and /readyz are 200', async (t) => {
		assert.equal((await get(t, '/healthz')).status, 200);
		assert.equal((await get(t, '/readyz')).status, 200);
	});

	test('/metrics is Prometheus text: HELP and TYPE once before each name, no series twice', async (t) => {
		const { status, headers, body } = await get(t, '/metrics');
		const typed = new Set();
		const series = new Set();

		assert.equal(status, 200);
		assert.match(headers['content-type'], /^text\/plain; version=0\.0\.4/);
		for (const line of body.trimEnd().split('\n')) {
			const found = /^(?:# (HELP|TYPE) )?([a-z_:][a-z0-9_:]*)(\{[a-z_]+="[^"\\]*"(?:,[a-z_]+="[^"\\]*")*\})?(?: (.+))?$/.exec(line);
			assert.ok(found, line);
			const [, comment, name, labels = '', value] = found;
			if (comment === 'TYPE') {
				assert.ok(!typed.has(name), `TYPE of ${name} twice`);
				assert.match(value, /^(counter|gauge|histogram)$/);
				if (value === 'histogram')
					['_bucket', '_sum', '_count'].forEach((part) => typed.add(name + part));
				typed.add(name);
			} else if (comment === undefined) {
				assert.ok(typed.has(name), `${name} before its TYPE`);
				assert.ok(!series.has(name + labels), `${name}${labels} twice`);
				assert.ok(Number.isFinite(Number(value)), line);
				series.add(name + labels);
			}
		}
		for (const name of ['stoa_connections', 'stoa_clients', 'process_resident_memory_bytes', 'process_open_fds', 'process_cpu_seconds_total'])
			assert.ok(series.has(name), name);
		assert.equal(Object.keys(parseMetrics(body)).length, series.size);
	});

	test('anything else is 404, other methods 405', async (t) => {
		for (const target of ['/', '/metric', '/socket.io/', HANDSHAKE])
			assert.equal((await get(t, target)).status, 404, target);
		assert.equal((await fetchRaw(t, gateway().internalPort, 'POST', '/healthz', [], 'x')).status, 405);
	});

	test('nothing of it is on the public listener', async (t) => {
		for (const target of ['/healthz', '/readyz', '/metrics'])
			assert.equal((await fetchRaw(t, gateway().port, 'GET', target)).status, 404, target);
	});
});

describe('gauges and counters follow what happens', () => {
	test('sessions, clients and rooms go up and come down', async (t) => {
		const g = await forTest(t, 'e2e');
		const names = ['stoa_sessions{transport="websocket"}', 'stoa_sessions{transport="polling"}', 'stoa_clients', 'stoa_rooms'];
		const are = (...wanted) => eventually(`${names} to be ${wanted}`, async () => {
			const m = await g.metrics();
			return names.every((name, i) => m[name] === wanted[i]);
		});

		await are(0, 0, 0, 0);
		const one = await connect(t, g.url, { transports: ['websocket'] });
		const two = await connect(t, g.url, { transports: ['polling'] });
		await one.ask('join', 'a');
		await two.ask('join', 'a');
		await two.ask('join', 'b');
		await are(1, 1, 2, 2);
		two.disconnect();
		await are(1, 0, 1, 1);
		const three = await connect(t, g.url);
		await upgraded(three);
		await are(2, 0, 2, 1);
		one.disconnect();
		three.disconnect();
		await are(0, 0, 0, 0);
		const m = await g.metrics();
		assert.equal(m['stoa_handshakes_total{result="ok"}'], 3);
		assert.equal(m['stoa_upgrades_total{result="ok"}'], 1);
		assert.ok(m['stoa_events_total{direction="in"}'] >= 3);
		assert.ok(m['stoa_acks_total{direction="out"}'] >= 3);
		assert.ok(m['stoa_bytes_total{direction="in"}'] > 0);
		assert.ok(m['stoa_bytes_total{direction="out"}'] > 0);
	});

	test('every end of a session is counted by its reason', async (t) => {
		const g = await forTest(t, 'e2e');
		const ended = (reason, at = g) => counted(at, `stoa_disconnects_total{reason="${reason}"}`);

		(await RawWebSocket.session(t, g.port)).raw.finish();
		await ended('transport close');
		(await RawWebSocket.session(t, g.port)).write(frame(3, 'x'));
		await ended('transport error');
		(await Polling.open(t, g.port)).post('x');
		await ended('parse error');
		(await RawWebSocket.session(t, g.port)).send('42["too early"]');
		await ended('forced close');
		const soon = await forTest(t, 'e2e', ['--ping-interval', '300ms', '--ping-timeout', '300ms']); // the others have time
		await RawWebSocket.session(t, soon.port);
		await ended('ping timeout', soon);
	});

	test('handler errors, unknown acks, timed out calls, dropped volatile events', async (t) => {
		const g = await forTest(t, 'e2e');
		const socket = await connect(t, g.url, { transports: ['websocket'] });

		await socket.ask('fail');
		await counted(g, 'stoa_handler_errors_total');
		socket.emit('ask', 1, 50);
		await counted(g, 'stoa_call_timeouts_total');
		const raw = await RawWebSocket.session(t, g.port, { connect: '' });
		raw.send('4399[]');
		await counted(g, 'stoa_acks_unknown_total');
		const deaf = await RawWebSocket.session(t, g.port, { connect: '' });
		deaf.raw.socket.pause();
		for (let i = 0; i < 5; i++)
			deaf.send('42["flood volatile",500,20000]');
		await counted(g, 'stoa_volatile_dropped_total');
	});

	test('requests for a session that nobody knows are counted, by polling and by WebSocket', async (t) => {
		const g = await forTest(t, 'e2e');
		const unknown = '/socket.io/?EIO=4&sid=aaaaaaaaaaaaaaaaaaaa&transport=';

		assert.equal((await fetchRaw(t, g.port, 'GET', `${unknown}polling`)).status, 400);
		await counted(g, 'stoa_unknown_sids_total');
		(await Raw.open(t, g.port)).write(upgradeRequest(`${unknown}websocket`));
		await counted(g, 'stoa_unknown_sids_total', 2);
		assert.equal((await g.metrics())['stoa_handshakes_total{result="refused"}'], 0);
	});

	test('malformed input is counted by the part that found it', async (t) => {
		const g = await forTest(t, 'e2e');
		const bad = (part) => counted(g, `stoa_malformed_total{part="${part}"}`);

		(await Raw.open(t, g.port)).write('NONSENSE\r\n\r\n');
		await bad('http');
		(await Polling.open(t, g.port)).post('x');
		await bad('engine.io');
		(await RawWebSocket.session(t, g.port)).send('4x');
		await bad('socket.io');
		(await RawWebSocket.session(t, g.port)).write(frame(3, 'x'));
		await bad('websocket');
	});
});

// One row per limit: the flags that make it small, and what goes past it. `act` may check what the peer is told.
const joined = (t, g) => RawWebSocket.session(t, g.port, { connect: '' });
const API_KEY = '0123456789abcdef';

// A request to the HTTP API (docs/http-api.md); api.test.mjs looks at its answers.
const askApi = (g, body, headers = {}) => fetch(`${g.internalUrl}/api/v1/emit`, {
	method: 'POST',
	headers: { 'Authorization': `Bearer ${API_KEY}`, 'Content-Type': 'application/json', ...headers },
	body,
});

// Addresses are under limits when they are not this machine's own.
const FROM = ['--enforce-rates', 'true', '--trusted-proxies', 'loopback'];
const from = (t, g, address) => fetchRaw(t, g.port, 'GET', HANDSHAKE, [`X-Forwarded-For: ${address}`]);

const limits = [
	['jwt_max_token', ['--jwt-key', SECRET, '--jwt-max-token', '500B', '--jwt-namespaces', '/other'], async (t, g) => {
		const socket = await connect(t, g.url, { transports: ['websocket'] });
		const [error] = await openNamespace(t, socket, '/other', { auth: { token: 'x'.repeat(501) } }).happens('connect_error');
		assert.deepEqual([error.message, error.data], ['invalid token', { code: 'token_invalid' }]);
		socket.disconnect();
	}, 'clients'],
	['max_connections', ['--max-connections', '3'], async (t, g) => {
		for (let i = 0; i < 3; i++)
			await Raw.open(t, g.port);
		const fourth = await Raw.open(t, g.port);
		fourth.write(request('GET', HANDSHAKE));
		await fourth.closed();
		assert.doesNotMatch(fourth.input.toString(), /^HTTP\/1\.1 200/);
	}],
	['max_head', ['--max-head-size', '1KB'], async (t, g) => {
		assert.equal((await fetchRaw(t, g.port, 'GET', HANDSHAKE, [`X: ${'x'.repeat(2000)}`])).status, 431);
	}],
	['max_head', ['--max-request-line', '200B'], async (t, g) => {
		assert.ok([414, 431].includes((await fetchRaw(t, g.port, 'GET', `${HANDSHAKE}&x=${'x'.repeat(200)}`)).status));
	}],
	['max_head', ['--max-headers', '10'], async (t, g) => {
		assert.equal((await fetchRaw(t, g.port, 'GET', HANDSHAKE, Array.from({ length: 20 }, (_, i) => `X${i}: x`))).status, 431);
	}],
	['head_timeout', ['--head-timeout', '1s'], async (t, g) => {
		await (await Raw.open(t, g.port)).write('GET / HTTP/1.1\r\nHost:').closed();
	}],
	['head_timeout', ['--head-timeout', '1s'], async (t, g) => {
		await (await Raw.open(t, g.port)).closed(); // no byte at all
	}],
	['body_timeout', ['--body-timeout', '200ms'], async (t, g) => {
		const p = await Polling.open(t, g.port);
		await (await Raw.open(t, g.port)).write(`POST ${p.target} HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\n4`).closed();
	}],
	['keep_alive_timeout', ['--keep-alive-timeout', '1s'], async (t, g) => {
		const raw = (await Raw.open(t, g.port)).write(request('GET', HANDSHAKE));
		assert.equal((await raw.response()).status, 200);
		await raw.closed();
	}],
	['max_http_buffer_size', ['--max-http-buffer-size', '1KB'], async (t, g) => {
		assert.equal((await (await Polling.open(t, g.port)).post(`4${'x'.repeat(1000)}`)).status, 413);
	}],
	['max_http_buffer_size', ['--max-http-buffer-size', '1KB'], async (t, g) => {
		assert.equal(await (await joined(t, g)).send('x'.repeat(1001)).closed(), 1009);
	}],
	['max_decode_packets', ['--max-decode-packets', '10'], async (t, g) => {
		const p = await Polling.open(t, g.port);
		await p.post(Array.from({ length: 11 }, () => '3').join(SEPARATOR));
		await eventually('the session to end', () => p.isGone());
	}],
	['max_fragments', ['--max-fragments', '10'], async (t, g) => {
		const ws = (await joined(t, g)).write(frame(TEXT, '4', { fin: false }));
		for (let i = 0; i < 10; i++)
			ws.write(frame(0, 'x', { fin: i === 9 }));
		assert.equal(await ws.closed(), 1008);
	}],
	['max_control_frames', ['--max-control-frames', '10'], async (t, g) => {
		const ws = (await joined(t, g)).write(Buffer.concat(Array.from({ length: 11 }, () => frame(PONG, ''))));
		assert.equal(await ws.closed(), 1008);
	}],
	['max_send_queue', ['--max-send-queue', '100KB'], async (t, g) => {
		const ws = await joined(t, g);
		ws.raw.socket.pause();
		for (let i = 0; i < 20; i++)
			ws.send('42["flood",1000,5000]');
		await counted(g, 'stoa_disconnects_total{reason="slow client"}');
	}],
	['max_send_wait', ['--max-send-wait', '200ms', '--max-send-queue', '100MB'], async (t, g) => {
		const ws = await joined(t, g);
		ws.raw.socket.pause();
		for (let i = 0; i < 5; i++) // more than the kernel takes, and never too much for the queue
			ws.send('42["flood",1000,5000]');
		await counted(g, 'stoa_disconnects_total{reason="slow client"}');
	}],
	['connect_timeout', ['--connect-timeout', '1s'], async (t, g) => {
		await (await RawWebSocket.session(t, g.port)).closed();
	}],
	['upgrade_timeout', ['--upgrade-timeout', '1s'], async (t, g) => {
		const p = await Polling.open(t, g.port);
		await (await RawWebSocket.open(t, g.port, `/socket.io/?EIO=4&transport=websocket&sid=${p.sid}`)).closed();
	}],
	['max_new_sessions', ['--enforce-rates', 'true', '--max-new-sessions', '1'], async (t, g) => {
		const answers = [];
		for (let i = 0; i < 20; i++)
			answers.push((await fetchRaw(t, g.port, 'GET', HANDSHAKE)).status);
		assert.deepEqual(answers.slice(0, 2), [200, 200]);
		assert.ok(answers.includes(503), `${answers}`);
	}],
	['max_sessions_per_address', [...FROM, '--max-sessions-per-address', '3'], async (t, g) => {
		for (let i = 0; i < 3; i++)
			assert.equal((await from(t, g, '192.0.2.1')).status, 200);
		const fourth = await from(t, g, '192.0.2.1');
		assert.equal(fourth.status, 429);
		assert.equal(fourth.headers['retry-after'], '1');
		assert.equal((await from(t, g, '192.0.2.2')).status, 200);
	}],
	['max_new_sessions_per_address', [...FROM, '--max-new-sessions-per-address', '1'], async (t, g) => {
		const upgrade = upgradeRequest('/socket.io/?EIO=4&transport=websocket', { headers: ['X-Forwarded-For: 192.0.2.1'] });
		await eventually('a 429', async () => (await (await Raw.open(t, g.port)).write(upgrade).response()).status === 429);
		assert.equal((await from(t, g, '192.0.2.2')).status, 200);
	}],
	['max_unknown_sids_per_address', [...FROM, '--max-unknown-sids-per-address', '1'], async (t, g) => {
		const ask = request('GET', `${HANDSHAKE}&sid=AAAAAAAAAAAAAAAAAAAA`, ['X-Forwarded-For: 192.0.2.1']);
		const raw = (await Raw.open(t, g.port)).write(Buffer.concat(Array.from({ length: 20 }, () => ask)));
		await raw.closed();
		const answers = raw.input.toString().match(/HTTP\/1\.1 400/g).length;
		assert.ok(answers >= 2 && answers < 20, `${answers} answers`);
	}],
	['max_event_rate', ['--enforce-rates', 'true', '--max-event-rate', '5'], async (t, g) => {
		const ws = await joined(t, g); // which was one of the ten
		const before = [];
		for (let i = 0; i < 100; i++)
			ws.send(`42${i}["nothing"]`);
		assert.equal(await ws.closed(before), 1005);
		assert.ok(before.length >= 9 && before.length < 100, `${before.length} answers`);
	}],
	['max_event_rate', ['--max-event-rate', '5'], async (t, g) => { // counted, and no more
		const ws = await joined(t, g);
		for (let i = 0; i < 100; i++)
			ws.send(`42${i}["nothing"]`);
		for (let i = 0; i < 100; i++)
			assert.equal(await ws.message(), `43${i}[]`);
		await g.line(/limit passed.*limit=max_event_rate .*enforced=no/);
	}],
	['max_event_rate_per_address', [...FROM, '--max-event-rate-per-address', '10', '--max-event-rate', '0'], async (t, g) => {
		const sockets = await Promise.all([1, 2].map(() => RawWebSocket.open(t, g.port, '/socket.io/?EIO=4&transport=websocket', { headers: ['X-Forwarded-For: 192.0.2.1'] })));
		for (const ws of sockets)
			for (let i = 0; i < 100; i++)
				ws.send(i === 0 ? '40' : '42["nothing"]');
		await Promise.all(sockets.map((ws) => ws.closed()));
	}],
	['max_namespaces', ['--max-namespaces', '3'], async (t, g) => {
		const ws = await joined(t, g);
		for (let i = 0; i < 4; i++)
			ws.send(`40/other-${i},`);
	}],
	['max_rooms', ['--max-rooms', '5'], async (t, g) => {
		(await joined(t, g)).send('42["join many",10]');
	}],
	['max_room_name', ['--max-room-name', '30B'], async (t, g) => {
		(await joined(t, g)).send(`42["join","${'r'.repeat(31)}"]`);
	}],
	['max_pending_acks', ['--max-pending-acks', '5'], async (t, g) => {
		(await joined(t, g)).send('42["ask",10,60000]');
	}],
	['ack_timeout', ['--ack-timeout', '200ms'], async (t, g) => {
		const ws = (await joined(t, g)).send('427["defer"]');
		assert.match(await ws.message(), /^437\[\{"error":"/);
	}],
	['max_timers', ['--max-timers', '5'], async (t, g) => {
		(await joined(t, g)).send('42["timers",10,60000]');
	}],
	['max_effects', ['--max-effects', '5'], async (t, g) => {
		(await joined(t, g)).send('42["flood",10,10]');
	}],
	['max_session_bytes', ['--max-session-bytes', '10B'], async (t, g) => {
		(await joined(t, g)).send('42["put","key","value"]');
	}, 'tasks'],
	['max_answers', ['--max-answers', '1'], async (t, g) => {
		(await joined(t, g)).send('42["join","r"]');
		(await joined(t, g)).send('42["join","r"]').send('42["who","r"]');
	}, 'tasks'],
	['max_answer_memory', ['--max-answer-memory', '1KB'], async (t, g) => {
		(await joined(t, g)).send(`42["put","key","${'x'.repeat(1000)}"]`).send('42["join","r"]').send('42["who","r"]');
	}, 'tasks'],
	['max_handler_memory', ['--max-handler-memory', '10KB'], async (t, g) => {
		(await joined(t, g)).send('42["repeat","x",1000]');
	}, 'tasks'],
	['max_attachments', [], async (t, g) => {
		(await joined(t, g)).send('451-["repeat",{"_placeholder":true,"num":0},11]').write(frame(2, 'x'));
	}, 'tasks'],
	['max_background_tasks', ['--max-background-tasks', '1'], async (t, g) => {
		(await joined(t, g)).send('42["walk",1,60000]').send('42["walk",1,60000]');
	}, 'tasks'],
	['background_timeout', ['--background-timeout', '100ms'], async (t, g) => {
		const ws = (await joined(t, g)).send('421["stubborn"]');
		assert.equal(await ws.message(), '431[]');
		await g.line(/stubborn from here on/); // before its thread has it, it would not be begun
		g.signal('SIGHUP'); // the old application's work is left behind
	}, 'tasks'],
	['api_max_body', ['--api-key', API_KEY, '--api-max-body', '1KB'], (t, g) => askApi(g, 'x'.repeat(1001))],
	['api_max_batch', ['--api-key', API_KEY, '--api-max-batch', '1'], (t, g) => askApi(g, '[{},{}]')],
	['api_max_list', ['--api-key', API_KEY, '--api-max-list', '1'], (t, g) => askApi(g, '{"event":"e","to":["a","b"]}')],
	['api_idempotency_memory', ['--api-key', API_KEY, '--api-idempotency-memory', '1KB'], async (t, g) => {
		for (let i = 0; i < 10; i++)
			await askApi(g, '{"event":"e","broadcast":true}', { 'Idempotency-Key': `k${i}` });
	}],
];

// Those that need several gateways, or certificates.
const elsewhere = ['max_relays', 'max_waiting_handshakes', // relay.test.mjs, webhook-handshake.test.mjs
	'max_waiting_events', 'max_waiting_memory', 'max_backlog', 'event_timeout', // broker.test.mjs
	'max_tls_handshakes', 'tls_handshake_timeout', // tls.test.mjs
	'max_recovery_memory', 'max_recoverable_sessions']; // recovery.test.mjs

// Connections on which nothing comes are nobody's fault: browsers open them in advance.
const silent = ['--keep-alive-timeout', '--head-timeout'];

// Concurrent: each has a gateway of its own and waits most of the time. Limits of time are such that who is slow once, on a
// busy machine, is not past them.
describe('each limit is counted, logged, refuses, and leaves the others alone', { concurrency: 4 }, () => {
	for (const [limit, flags, act, app = 'e2e'] of limits) {
		test(`${limit}: ${flags.join(' ')}`, async (t) => {
			const g = await forTest(t, app, flags);
			const name = `stoa_limit_total{limit="${limit}"}`;

			assert.equal((await g.metrics())[name], 0);
			await act(t, g);
			await counted(g, name);
			if (!silent.includes(flags[0]))
				await g.line(new RegExp(` limit=${limit}`));
			if (!['max_connections', 'max_new_sessions'].includes(limit)) // which are everybody's
				await RawWebSocket.session(t, g.port, { connect: '' });
		});
	}

	test('every limit there is, is in this list', async () => {
		const names = Object.keys(await gateway().metrics()).map((name) => /^stoa_limit_total\{limit="(.+)"\}$/.exec(name)?.[1]).filter(Boolean);

		assert.deepEqual(names.sort(), [...new Set([...limits.map(([limit]) => limit), ...elsewhere])].sort());
	});
});
