// Any gateway will do: requests for sessions of another gateway are taken there, and answered as there.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { clusterForTest, QUICK, shareCluster, together } from './lib/cluster.mjs';
import { appPath, forTest, freePort, runGateway } from './lib/gateway.mjs';
import { BINARY, CLOSE, fetchRaw, frame, HANDSHAKE, Polling, Raw, RawWebSocket, request, TEXT, upgradeRequest } from './lib/raw.mjs';
import { redisForTest, shareRedis } from './lib/redis.mjs';
import { eventually } from './lib/wait.mjs';

const redis = shareRedis(before, after);
const SERVED = 'stoa_relays_received_total{result="served"}';
const ENDED = 'stoa_disconnects_total{reason="transport error"}';
const DENIED = 'stoa_relays_received_total{result="denied"}';
const UNKNOWN = '{"code":1,"message":"Session ID unknown"}';
const relayed = (kind, result) => `stoa_relayed_total{kind="${kind}",result="${result}"}`;

// A session of `owner` in the main namespace, whose requests go to `port` from here on.
async function sessionOf(t, owner, port, connected = '') {
	const p = await Polling.open(t, owner.port, { connect: connected });

	p.port = port;
	return p;
}

const wsTarget = (p) => `/socket.io/?EIO=4&transport=websocket&sid=${p.sid}`;
const metric = async (g, name) => (await g.metrics())[name];

// A GET that waits at the owner.
async function parkAt(owner, p, headers = []) {
	const before = await metric(owner, SERVED);
	const raw = await Raw.open(p.t, p.port);

	raw.write(request('GET', p.target, headers));
	await eventually('the poll to be with its owner', async () => (await metric(owner, SERVED)) > before);
	return raw;
}

// Everything of an answer that does not tell the time.
const shown = (r) => ({ head: r.head.replace(/^Date: .*\r\n/m, 'Date: then\r\n'), bytes: r.bytes.toString('latin1') });

describe('the same answers as at the owner', () => {
	const FLAGS = ['--redis-key', 'same', '--max-http-buffer-size', '10KB', '--cookie', 'io', '--jsonp', 'true', '--allow-eio3', 'true',
		'--cors-allowed-origins', 'http://app.example', '--ping-interval', '60s'];
	const cluster = shareCluster(before, after, redis, 2, FLAGS, 'conformance');
	const long = 'x'.repeat(2000);
	const ORIGIN = ['Origin: http://app.example'];
	// Each is done twice, by a session's owner and by the other gateway: act(t, p) gives the answers that are compared.
	const cases = [
		['a poll with something to say', async (t, p) => {
			await p.post('42["message","one"]');
			return [await p.get()];
		}],
		['several packets, and polls one after the other on one connection', async (t, p) => {
			const raw = await Raw.open(t, p.port);
			const answers = [];

			for (let i = 0; i < 5; i++) {
				await p.post(`42["message",${i},"ü\u2028"]`);
				raw.write(request('GET', p.target));
				answers.push(await raw.response());
			}
			return answers;
		}],
		['a post', async (t, p) => [await p.post('42["message","one"]')]],
		['an empty post', async (t, p) => [await p.post('')]],
		['a post of what is no packet', async (t, p) => [await p.post('x'), await p.get()]],
		['a post in chunks', async (t, p) => {
			const raw = await Raw.open(t, p.port);

			raw.write(request('POST', p.target, ['Transfer-Encoding: chunked'])).write('4\r\n42["\r\n').write('d;ext=1\r\nmessage","é"]\r\n');
			raw.write('0\r\nTrailer: x\r\n\r\n');
			return [await raw.response()];
		}],
		['a post whose body comes slowly, with an expectation', async (t, p) => {
			const raw = await Raw.open(t, p.port);

			raw.write(request('POST', p.target, ['Expect: 100-continue', 'Content-Length: 18']));
			assert.equal((await raw.read((input) => (input.includes('\r\n\r\n') ? { value: input.toString(), used: 25 } : undefined), 'a 100')).slice(0, 12), 'HTTP/1.1 100');
			raw.write('42["messa');
			await p.settle();
			raw.write('ge","a"]0');
			return [await raw.response(), await p.get()];
		}],
		['compressed', async (t, p) => {
			await p.post(`42["message","${long}"]`);
			return [await p.get(['Accept-Encoding: gzip', ...ORIGIN])];
		}],
		['with an origin', async (t, p) => [await p.post('42["message",1]', ORIGIN), await p.get(ORIGIN)]],
		['an origin that may not', async (t, p) => [await p.get(['Origin: http://elsewhere.example'])]],
		['old Internet Explorers', async (t, p) => [await p.post('3', ['User-Agent: x Trident/7']), await p.post('42["message",1]'), await p.get(['User-Agent: x;MSIE 10'])]],
		['a body at the limit, and one past it', async (t, p) => [await p.post('4'.padEnd(10_000, ' ')), await p.post('4'.padEnd(10_001, ' '))]],
		['chunks past the limit', async (t, p) => {
			const raw = await Raw.open(t, p.port);

			raw.write(request('POST', p.target, ['Transfer-Encoding: chunked'])).write(`2000\r\n${'y'.repeat(0x2000)}\r\n2000\r\n`);
			return [await raw.response()];
		}],
		['a declared length past the limit', async (t, p) => {
			const raw = await Raw.open(t, p.port);

			raw.write(request('POST', p.target, ['Content-Length: 999999999']));
			return [await raw.response()];
		}],
		['octets', async (t, p) => [await p.post('x', ['Content-Type: application/octet-stream']), await p.get()]],
		['other methods', async (t, p) => [
			await fetchRaw(t, p.port, 'PUT', p.target, [], 'abc'), await fetchRaw(t, p.port, 'DELETE', p.target), await fetchRaw(t, p.port, 'HEAD', p.target),
			await fetchRaw(t, p.port, 'OPTIONS', p.target, ORIGIN)]],
		['another transport', async (t, p) => [await fetchRaw(t, p.port, 'GET', wsTarget(p))]],
		['another protocol', async (t, p) => [await fetchRaw(t, p.port, 'GET', p.target.replace('EIO=4', 'EIO=3'))]],
		['HTTP/1.0', async (t, p) => {
			const raw = await Raw.open(t, p.port);

			await p.post('42["message",1]');
			raw.write(`GET ${p.target} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n`);
			return [await raw.response()];
		}],
		['fields of one connection', async (t, p) => [await p.post('3', ['Connection: keep-alive, Upgrade, X-Own', 'Upgrade: h2c', 'TE: trailers', 'Keep-Alive: 5', 'X-Own: 1'])]],
		['a field that is for gateways', async (t, p) => [await p.post('3', ['Stoa-Relay: something 192.0.2.1 https evil.example'])]],
		['a head as long as may be, and one byte longer', async (t, p) => {
			const left = 16_000 - (request('POST', p.target, ['X-Long: '], '3').length - 1); // max_head_size
			const answers = [await p.post('3', [`X-Long: ${'z'.repeat(left)}`]), await p.post('3', [`X-Long: ${'z'.repeat(left + 1)}`])];

			assert.deepEqual(answers.map((a) => a.status), [200, 431]);
			return answers;
		}],
		['as many fields as may be, and one more', async (t, p) => { // Host and Content-Length are two of the hundred
			const fields = (n) => Array.from({ length: n }, (_, i) => `X-${i}: ${i}`);
			const answers = [await p.post('3', fields(98)), await p.post('3', fields(99))];

			assert.deepEqual(answers.map((a) => a.status), [200, 431]);
			return answers;
		}],
		['upgrades that are none', async (t, p) => {
			const answers = [];

			for (const bytes of [
				request('GET', wsTarget(p), ['Connection: Upgrade', 'Upgrade: websocket']),
				upgradeRequest(wsTarget(p), { key: 'short' }),
				upgradeRequest(wsTarget(p), { headers: ['Upgrade: websocket'] }),
				upgradeRequest(wsTarget(p), { headers: ['Content-Length: 3'] }),
				upgradeRequest(wsTarget(p), { headers: ['Origin: http://elsewhere.example'] }),
				upgradeRequest(wsTarget(p).replace('EIO=4', 'EIO=3')),
				Buffer.from(upgradeRequest(wsTarget(p)).toString().replace('Version: 13', 'Version: 8')),
			]) {
				const raw = await Raw.open(t, p.port);

				raw.write(bytes);
				answers.push(await raw.response());
				await raw.closed();
			}
			return answers;
		}],
		['an upgrade', async (t, p) => {
			const raw = await Raw.open(t, p.port);

			raw.write(upgradeRequest(wsTarget(p), { key: 'dGhlIHNhbXBsZSBub25jZQ==', headers: [...ORIGIN, 'Sec-WebSocket-Protocol: a, b'] }));
			return [await raw.response()];
		}],
	];

	for (const [what, act] of cases)
		test(what, async (t) => {
			const [owner, other] = cluster();
			const direct = await act(t, await sessionOf(t, owner, owner.port));
			const brought = await act(t, await sessionOf(t, owner, other.port));

			assert.deepEqual(brought.map(shown), direct.map(shown));
		});

	test('a second poll ends the session and both polls', async (t) => {
		const [owner, other] = cluster();
		const answers = [];

		for (const port of [owner.port, other.port]) {
			const p = await sessionOf(t, owner, port);
			const first = port === owner.port ? await p.park() : await parkAt(owner, p);

			answers.push([await p.get(), await first.response(), await p.get()].map(shown));
		}
		assert.deepEqual(answers[1], answers[0]);
	});

	test('polls of one session at both gateways are one too many as well', async (t) => {
		const [owner, other] = cluster();
		const p = await sessionOf(t, owner, other.port);
		const first = await parkAt(owner, p);

		p.port = owner.port;
		assert.equal((await p.get()).status, 400);
		assert.equal((await first.response()).body, '1');
	});

	test('JSONP and protocol 3, with octets', async (t) => {
		const [owner, other] = cluster();
		const answers = [];

		for (const port of [owner.port, other.port]) {
			const target = '/socket.io/?EIO=3&transport=polling';
			const { sid } = JSON.parse(/\{.*\}/.exec((await fetchRaw(t, owner.port, 'GET', target)).body)[0]);
			const to = (method, headers, body) => fetchRaw(t, port, method, `${target}&sid=${sid}`, headers, body);

			// "2probe" as octets: 00 (text), its length, ff.
			answers.push([await to('GET'), await to('POST', ['Content-Type: application/octet-stream'], Buffer.from([0, 6, 255, ...Buffer.from('2probe')])), await to('GET')].map(shown));
		}
		assert.deepEqual(answers[1], answers[0]);
	});
});

describe('what a client does, its owner sees', () => {
	const cluster = shareCluster(before, after, redis, 2, ['--redis-key', 'sees', '--ping-interval', '60s', '--trusted-proxies', '127.0.0.1'], 'conformance');

	test('a poll that is aborted ends the session', async (t) => {
		const [owner, other] = cluster();

		for (const how of ['finish', 'reset']) {
			const p = await sessionOf(t, owner, other.port);
			const raw = await parkAt(owner, p);

			raw[how]();
			p.port = owner.port;
			await eventually('the session to end', () => p.isGone());
		}
		assert.ok((await metric(other, relayed('poll', 'aborted'))) >= 2);
	});

	test('a post that is aborted ends the session', async (t) => {
		const [owner, other] = cluster();
		const p = await sessionOf(t, owner, other.port);
		const [served, ended] = [await metric(owner, SERVED), await metric(owner, ENDED)];
		const raw = await Raw.open(t, other.port);

		raw.write(request('POST', p.target, ['Content-Length: 100'])).write('42[');
		await eventually('the post to be with its owner', async () => (await metric(owner, SERVED)) > served);
		raw.reset();
		p.port = owner.port;
		// Asked by its number: a post that asks would be a second one, and end the session itself.
		await eventually('the session to end', async () => (await metric(owner, ENDED)) > ended);
		assert.equal(await p.isGone(), true);
	});

	test('two posts at once end the session', async (t) => {
		const [owner, other] = cluster();
		const p = await sessionOf(t, owner, other.port);
		const served = await metric(owner, SERVED);
		const raw = await Raw.open(t, other.port);

		raw.write(request('POST', p.target, ['Content-Length: 100'])).write('42[');
		await eventually('the post to be with its owner', async () => (await metric(owner, SERVED)) > served);
		assert.equal((await p.post('3')).status, 400);
		assert.equal((await raw.response()).status, 400);
		assert.equal(await p.isGone(), true);
	});

	test('an answer before all of the body has come: what follows it on the connection is read right', async (t) => {
		const [owner, other] = cluster();
		const [p, q] = [await sessionOf(t, owner, other.port), await sessionOf(t, owner, other.port)];
		const served = await metric(owner, SERVED);
		const [first, raw] = [await Raw.open(t, other.port), await Raw.open(t, other.port)];

		first.write(request('POST', p.target, ['Content-Length: 100'])).write('42[');
		await eventually('the post to be with its owner', async () => (await metric(owner, SERVED)) > served);
		raw.write(Buffer.concat([request('POST', p.target, ['Content-Length: 30']), Buffer.from('0123456789')]));
		assert.equal((await raw.response()).status, 400);
		raw.write('01234567890123456789').write(request('POST', q.target, ['Content-Length: 17'])).write('42["messa');
		await q.settle();
		raw.write('ge","a"]');
		assert.equal((await raw.response()).body, 'ok');
		assert.deepEqual(await q.packets(), ['42["message-back","a"]']);
		for (let i = 0; i < 3; i++)
			assert.equal((await q.post('3')).body, 'ok');
	});

	test('a poll waits as long as there is nothing to say', async (t) => {
		const [owner, other] = cluster();
		const p = await sessionOf(t, owner, other.port);
		const raw = await parkAt(owner, p);

		assert.equal(await metric(other, 'stoa_relays'), 1);
		p.port = owner.port;
		await p.post('42["message","now"]');
		assert.equal((await raw.response()).body, '42["message-back","now"]');
		await eventually('the relay to end', async () => (await metric(other, 'stoa_relays')) === 0);
	});

	test('probe, switch and messages over a relayed WebSocket', async (t) => {
		const [owner, other] = cluster();
		const p = await sessionOf(t, owner, other.port);
		const parked = await parkAt(owner, p);
		const ws = await RawWebSocket.open(t, other.port, wsTarget(p));

		assert.equal(await ws.send('2probe').text(), '3probe');
		assert.equal((await parked.response()).body, '6');
		ws.send('5').send('42["message",1]');
		assert.equal(await ws.text(), '42["message-back",1]');
		const late = await p.get();
		assert.deepEqual([late.status, late.body], [400, '{"code":3,"message":"Bad request"}']);
		assert.equal(await metric(other, 'stoa_relays'), 1);
		assert.equal(await metric(owner, 'stoa_sessions{transport="websocket"}'), 1);
		ws.write(frame(CLOSE, Buffer.from([3, 232])));
		assert.equal(await ws.closed(), 1000);
		assert.equal(await ws.raw.closed(), 'fin');
		await eventually('the relay to end', async () => (await metric(other, 'stoa_relays')) === 0);
		await eventually('the session to end', async () => (await metric(owner, 'stoa_sessions{transport="websocket"}')) === 0);
	});

	test('frames that come with the upgrade, or before its answer, are not lost', async (t) => {
		const [owner, other] = cluster();
		const p = await sessionOf(t, owner, other.port);
		const ws = new RawWebSocket();

		ws.raw = await Raw.open(t, other.port);
		ws.raw.write(Buffer.concat([upgradeRequest(wsTarget(p)), frame(TEXT, '2probe'), frame(TEXT, '5').subarray(0, 3)]));
		assert.equal((await ws.raw.response()).status, 101);
		assert.equal(await ws.text(), '3probe');
	});

	test('megabytes in both directions arrive in order', async (t) => {
		const [owner, other] = cluster();
		const p = await sessionOf(t, owner, other.port);
		const ws = await RawWebSocket.open(t, other.port, wsTarget(p));
		const pieces = Array.from({ length: 60 }, (_, i) => `${i}:${String.fromCharCode(97 + (i % 26)).repeat(50_000)}`);

		assert.equal(await ws.send('2probe').text(), '3probe');
		ws.send('5');
		for (const piece of pieces)
			ws.send(`42["message","${piece}"]`);
		for (const piece of pieces)
			assert.equal(await ws.text(), `42["message-back","${piece}"]`);
	});

	test('a client that does not read is closed as slow, and the gateway between holds little', async (t) => {
		const [owner, other] = cluster();
		const p = await sessionOf(t, owner, other.port);
		const ws = await RawWebSocket.open(t, other.port, wsTarget(p));
		const slow = 'stoa_disconnects_total{reason="slow client"}';

		assert.equal(await ws.send('2probe').text(), '3probe');
		ws.send('5');
		ws.raw.socket.pause();
		const before = await metric(other, 'stoa_relay_bytes_total{direction="in"}');
		const body = 'x'.repeat(200_000);

		for (let i = 0; i < 100 && (await metric(owner, slow)) === 0; i++)
			ws.send(`42["message","${body}"]`);
		await eventually('the slow client to be closed', async () => (await metric(owner, slow)) === 1);
		const passed = (await metric(other, 'stoa_relay_bytes_total{direction="in"}')) - before;

		assert.ok(passed < 16e6, `${passed} bytes went through`);
	});

	test('its end, and its reset', async (t) => {
		const [owner, other] = cluster();

		for (const how of ['finish', 'reset']) {
			const p = await sessionOf(t, owner, other.port);
			const ws = await RawWebSocket.open(t, other.port, wsTarget(p));

			assert.equal(await ws.send('2probe').text(), '3probe');
			ws.send('5').send('42["message",1]');
			assert.equal(await ws.text(), '42["message-back",1]');
			ws.raw[how]();
			await eventually('the session to end', async () => (await metric(owner, 'stoa_sessions{transport="websocket"}')) === 0);
			await eventually('the relay to end', async () => (await metric(other, 'stoa_relays')) === 0);
		}
	});

	test('a message too large is refused by the owner, and its Close frame arrives', async (t) => {
		const [owner, other] = cluster();
		const p = await sessionOf(t, owner, other.port);
		const ws = await RawWebSocket.open(t, other.port, wsTarget(p));

		ws.write(frame(BINARY, Buffer.alloc(10), { claim: 100_000_000 }));
		assert.equal(await ws.closed(), 1009);
	});
});

describe('who owns a session', () => {
	test('nobody: code 1, at once', async (t) => {
		const [g] = await clusterForTest(t, redis(), 1, ['--redis-key', 'nobody'], 'conformance');
		const sid = 'zzzzAAAAAAAAAAAAAAAA';
		const answers = await Promise.all(Array.from({ length: 100 }, () => fetchRaw(t, g.port, 'GET', `${HANDSHAKE}&sid=${sid}`)));

		assert.deepEqual([...new Set(answers.map((a) => `${a.status} ${a.body}`))], [`400 ${UNKNOWN}`]);
		assert.equal(await metric(g, relayed('poll', 'unknown')), 100);
		assert.equal((await fetchRaw(t, g.port, 'POST', `${HANDSHAKE}&sid=${sid}`, [], '3')).body, UNKNOWN);
		const raw = await Raw.open(t, g.port);

		raw.write(upgradeRequest(`/socket.io/?EIO=4&transport=websocket&sid=${sid}`));
		const { status, body } = await raw.response();
		assert.deepEqual([status, body], [400, 'Session ID unknown']);
		// What is no sid of ours is not asked for.
		for (const wrong of ['short', 'zzzz', '....AAAAAAAAAAAAAAAA', 'zzzzAAAAAAAAAAAAAAAAA', '%7a%7a%7a%7aAAAAAAAAAAAAAAAA'])
			assert.equal((await fetchRaw(t, g.port, 'GET', `${HANDSHAKE}&sid=${wrong}`)).body, UNKNOWN);
		assert.equal(await metric(g, relayed('poll', 'unknown')), 100);
	});

	// A gateway of which only the lease is known: it is a listener of the test's own.
	async function stranger(t, key, onConnection) {
		const server = createServer({ allowHalfOpen: true }, onConnection).listen(0, '127.0.0.1');

		t.after(() => server.close());
		await new Promise((resolve) => server.once('listening', resolve));
		await redis().command('SET', `${key}-node:zzzz`, `zzzzuid1 127.0.0.1:${server.address().port}`);
		return `${HANDSHAKE}&sid=zzzzAAAAAAAAAAAAAAAA`;
	}

	test('its lease tells, and what is brought there is written anew', async (t) => {
		const [g] = await clusterForTest(t, redis(), 1, ['--redis-key', 'lease', '--trusted-proxies', '127.0.0.1'], 'conformance');
		let got = '';
		const target = await stranger(t, 'lease', (socket) => {
			socket.on('error', () => {});
			socket.on('data', (bytes) => {
				got += bytes;
				if (got.endsWith('[]'))
					socket.end('HTTP/1.1 200 OK\r\nContent-Type: text/own\r\nContent-Length: 3\r\nX-Own: 1\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nConnection: close\r\n\r\nyes');
			});
		});
		const headers = ['X-Forwarded-For: 198.51.100.7', 'X-Forwarded-Proto: https', 'X-Forwarded-Host: app.example', 'Connection: close, X-A', 'X-A: a', 'Stoa-Relay: mine', 'TE: x'];
		const answer = await fetchRaw(t, g.port, 'POST', target, headers, '42[]');
		const secret = String(await redis().command('GET', 'lease-relay-secret'));

		assert.match(answer.head, /^HTTP\/1\.1 200 OK\r\nContent-Type: text\/own\r\nContent-Length: 3\r\nX-Own: 1\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nDate: .*\r\nConnection: close\r\n\r\n$/);
		assert.equal(answer.body, 'yes');
		assert.equal(got, [`POST ${target} HTTP/1.1`, `Stoa-Relay: ${secret} 198.51.100.7 https app.example`, 'Host: 127.0.0.1', 'X-Forwarded-For: 198.51.100.7',
			'X-Forwarded-Proto: https', 'X-Forwarded-Host: app.example', 'X-A: a', 'Content-Length: 4', '', '42[]'].join('\r\n'));
	});

	test('answers that are none: code 1', async (t) => {
		const [g] = await clusterForTest(t, redis(), 1, ['--redis-key', 'none'], 'conformance');
		let answer;
		const target = await stranger(t, 'none', (socket) => {
			socket.on('error', () => {});
			socket.once('data', () => socket.end(answer));
		});

		for (answer of ['', 'x\r\n\r\n', 'HTTP/1.1 200 OK\r\n\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n1234', 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n',
			'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n1', 'HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n1',
			'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n', 'HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 0\r\n\r\n', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(70_000)}`])
			assert.equal((await fetchRaw(t, g.port, 'GET', target)).body, UNKNOWN, answer.slice(0, 80));
		assert.equal(await metric(g, relayed('poll', 'failed')), 10);
	});

	test('a post is never brought twice, a poll once more when its connection was just closed', async (t) => {
		const [g] = await clusterForTest(t, redis(), 1, ['--redis-key', 'twice'], 'conformance');
		const requests = [];
		const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
		// Each connection answers one request, keeps open, and ends with the next.
		const target = await stranger(t, 'twice', (socket) => {
			let n = 0;
			socket.on('error', () => {});
			socket.on('data', (bytes) => {
				requests.push(String(bytes).split(' ')[0]);
				if (n++ === 0)
					socket.write(ok);
				else
					socket.end();
			});
		});
		const get = () => fetchRaw(t, g.port, 'GET', target);

		assert.equal((await get()).body, 'ok');
		assert.equal((await get()).body, 'ok');
		assert.deepEqual(requests, ['GET', 'GET', 'GET']);
		const raw = await Raw.open(t, g.port);

		raw.write(request('POST', target, ['Content-Type: text/plain'], '3'));
		assert.equal((await raw.response()).body, UNKNOWN);
		assert.equal(requests.filter((r) => r === 'POST').length, 1);
	});

	test('one that cannot be reached: code 1', async (t) => {
		const [g] = await clusterForTest(t, redis(), 1, ['--redis-key', 'unreachable'], 'conformance');
		const port = await freePort();

		for (const address of [`127.0.0.1:${port}`, '', 'no address', '127.0.0.1', '127.0.0.1:99999', '[::1', 'x'.repeat(200)]) {
			await redis().command('SET', 'unreachable-node:zzzz', `zzzzuid1 ${address}`);
			assert.equal((await fetchRaw(t, g.port, 'GET', `${HANDSHAKE}&sid=zzzzAAAAAAAAAAAAAAAA`)).body, UNKNOWN, address);
		}
	});

	test('one that never answers: given up after relay_timeout', async (t) => {
		const [g] = await clusterForTest(t, redis(), 1, ['--redis-key', 'silent', '--relay-timeout', '100ms', '--ping-interval', '100ms', '--ping-timeout', '100ms'], 'conformance');
		const target = await stranger(t, 'silent', (socket) => socket.resume().on('error', () => {}));

		assert.equal((await fetchRaw(t, g.port, 'GET', target)).body, UNKNOWN);
		assert.equal((await fetchRaw(t, g.port, 'POST', target, [], '3')).body, UNKNOWN);
		const raw = await Raw.open(t, g.port);

		raw.write(upgradeRequest(target.replace('polling', 'websocket')));
		assert.equal((await raw.response()).body, 'Session ID unknown');
	});

	test('Redis is away: those who are known are still found', async (t) => {
		const own = await redisForTest(t);
		const [owner, other] = await clusterForTest(t, own, 2, ['--ready-without-bus', 'true', '--node-lost', '60s'], 'conformance');
		const p = await sessionOf(t, owner, other.port);

		await own.kill();
		await eventually('the bus to be down', async () => (await metric(other, 'stoa_bus_up')) === 0);
		await p.post('42["message",1]');
		assert.deepEqual(await p.packets(), ['42["message-back",1]']);
		assert.equal((await fetchRaw(t, other.port, 'GET', `${HANDSHAKE}&sid=zzzzAAAAAAAAAAAAAAAA`)).body, UNKNOWN);
	});

	test('Redis comes back empty: the gateways still know each other', async (t) => {
		const own = await redisForTest(t);
		const cluster = await clusterForTest(t, own, 2, [], 'conformance');
		const secret = String(await own.command('GET', 'socket.io-relay-secret'));

		await own.kill();
		await own.run();
		await together(cluster);
		await eventually('the secret to be back', async () => String(await own.command('GET', 'socket.io-relay-secret')) === secret);
		const p = await sessionOf(t, cluster[0], cluster[1].port);

		assert.equal((await p.post('3')).body, 'ok');
	});

	test('a gateway that listens everywhere tells an address that can be reached, and a name is told in numbers', async (t) => {
		const start = (...flags) => forTest(t, 'conformance', ['--redis-url', redis().url, ...QUICK, '--redis-key', 'addresses', ...flags]);
		const port = await freePort();
		const cluster = [await start('--internal-listen', ':0'), await start('--internal-listen', `127.0.0.1:${port}`, '--node-address', `localhost:${port}`)];

		await together(cluster);
		for (const [i, owner] of cluster.entries()) {
			const p = await sessionOf(t, owner, cluster[1 - i].port);
			const address = String(await redis().command('GET', `addresses-node:${p.sid.slice(0, 4)}`)).split(' ')[1];

			assert.match(address, new RegExp(`^([\\d.]+|\\[[\\da-f:]+\\]):${owner.internalPort}$`));
			assert.doesNotMatch(address, /^(0\.0\.0\.0|\[::\]):/);
			assert.equal((await p.post('3')).body, 'ok');
		}
		const wrong = await runGateway(['--app', appPath('conformance'), '--listen', '127.0.0.1:0', '--redis-url', redis().url, '--node-address', 'nowhere.invalid:1']);

		assert.equal(wrong.code, 1);
		assert.match(wrong.stderr, /node_address: nowhere\.invalid: /);
	});

	test('alone, no other is asked for, and nothing is taken from others', async (t) => {
		const g = await forTest(t, 'conformance');

		assert.equal((await fetchRaw(t, g.port, 'GET', `${HANDSHAKE}&sid=zzzzAAAAAAAAAAAAAAAA`)).body, UNKNOWN);
		assert.equal((await fetchRaw(t, g.internalPort, 'GET', HANDSHAKE, ['Stoa-Relay:  127.0.0.1 - -'])).status, 403);
		assert.equal(await metric(g, DENIED), 1);
	});
});

describe('the secret', () => {
	test('wrong, missing or malformed: 403, counted; a handshake is not taken either', async (t) => {
		const [owner] = await clusterForTest(t, redis(), 1, ['--redis-key', 'secret'], 'conformance');
		const secret = String(await redis().command('GET', 'secret-relay-secret'));
		const p = await sessionOf(t, owner, owner.internalPort);
		const wrong = [`${secret}x 127.0.0.1 - -`, `${secret.slice(1)} 127.0.0.1 - -`, `${secret[0] === 'X' ? 'Y' : 'X'}${secret.slice(1)} 127.0.0.1 - -`, ' 127.0.0.1 - -', '', secret, `${secret} nowhere - -`];

		assert.match(secret, /^[A-Za-z0-9+/]{43}=$/);
		for (const field of wrong) {
			const answer = await p.get([`Stoa-Relay: ${field}`]);

			assert.deepEqual([answer.status, answer.headers['stoa-relay']], [403, 'denied'], field);
		}
		assert.equal((await fetchRaw(t, owner.internalPort, 'GET', HANDSHAKE, [`Stoa-Relay: ${secret} 127.0.0.1 - -`])).status, 403);
		assert.equal((await p.get()).status, 404);
		assert.equal(await metric(owner, DENIED), wrong.length + 1);
		assert.equal((await p.post('3', [`Stoa-Relay: ${secret} 127.0.0.1 - -`])).body, 'ok');
		assert.equal(await metric(owner, SERVED), 1);
	});

	test('gateways with different ones: code 1, a warning, and it is counted', async (t) => {
		const start = (secret) => forTest(t, 'conformance', ['--redis-url', redis().url, ...QUICK, '--redis-key', 'apart', '--relay-secret', secret]);
		const [owner, other] = [await start('a-secret-of-one-gateway'), await start('a-secret-of-another-one')];

		await together([owner, other]);
		const p = await sessionOf(t, owner, other.port);

		assert.equal((await p.post('3')).body, UNKNOWN);
		assert.match(await other.line(/relay-denied/), /different secrets/);
		assert.equal(await metric(owner, DENIED), 1);
		assert.equal(await metric(other, relayed('post', 'failed')), 1);
	});

	test('of a file', async (t) => {
		const dir = mkdtempSync(join(tmpdir(), 'stoa-relay-'));

		t.after(() => rmSync(dir, { recursive: true }));
		writeFileSync(join(dir, 'secret'), 'a-secret-of-a-file-here\nsecond line\n');
		const [owner, other] = await clusterForTest(t, redis(), 2, ['--redis-key', 'file', '--relay-secret-file', join(dir, 'secret')], 'conformance');
		const p = await sessionOf(t, owner, other.port);

		assert.equal((await p.post('3')).body, 'ok');
		assert.equal(await redis().command('GET', 'file-relay-secret'), null);
	});

	test('one that Redis has is taken', async (t) => {
		await redis().command('SET', 'given-relay-secret', 'given-by-somebody-else');
		const [owner, other] = await clusterForTest(t, redis(), 2, ['--redis-key', 'given'], 'conformance');
		const p = await sessionOf(t, owner, owner.internalPort);
		const post = (secret) => p.post('3', [`Stoa-Relay: ${secret} 127.0.0.1 - -`]);

		assert.equal((await post('given-by-somebody-else')).body, 'ok');
		p.port = other.port;
		assert.equal((await p.post('3')).body, 'ok');
	});
});

describe('max_relays', () => {
	test('at the limit, and one past it', async (t) => {
		const [owner, other] = await clusterForTest(t, redis(), 2, ['--redis-key', 'limit', '--max-relays', '2', '--ping-interval', '60s'], 'conformance');
		const sessions = [];

		for (let i = 0; i < 3; i++)
			sessions.push(await sessionOf(t, owner, other.port));
		const parked = await parkAt(owner, sessions[0]);
		const ws = await RawWebSocket.open(t, other.port, wsTarget(sessions[1]));

		assert.equal(await ws.send('2probe').text(), '3probe');
		const refused = await sessions[2].get();
		assert.deepEqual([refused.status, refused.headers['retry-after'], refused.body], [503, '1', '']);
		const raw = await Raw.open(t, other.port);
		raw.write(upgradeRequest(wsTarget(sessions[2])));
		assert.equal((await raw.response()).status, 503);
		assert.equal(await metric(other, 'stoa_limit_total{limit="max_relays"}'), 2);
		sessions[0].port = owner.port;
		await sessions[0].post('42["message",1]');
		assert.equal((await parked.response()).status, 200);
		assert.equal((await sessions[2].post('3')).body, 'ok');
	});
});

describe('ends', () => {
	const pair = (t, key, flags = []) => clusterForTest(t, redis(), 2, ['--redis-key', key, '--ping-interval', '60s', ...flags], 'conformance');

	// A gateway that does not end by SIGTERM: no exit code is looked at.
	function killed(g) {
		g.stopped = true;
		g.signal('SIGKILL');
	}

	test('the owner is killed: a poll that waits, and a WebSocket, end at once; then it is code 1', async (t) => {
		const [owner, other] = await pair(t, 'killed');
		const p = await sessionOf(t, owner, other.port);
		const q = await sessionOf(t, owner, other.port);
		const parked = await parkAt(owner, p);
		const ws = await RawWebSocket.open(t, other.port, wsTarget(q));

		assert.equal(await ws.send('2probe').text(), '3probe');
		killed(owner);
		assert.equal((await parked.response()).body, UNKNOWN);
		assert.equal(await ws.raw.closed(), 'fin');
		assert.equal((await p.get()).body, UNKNOWN);
		await eventually('the relays to end', async () => (await metric(other, 'stoa_relays')) === 0);
	});

	test('the owner is stopped: what is brought to it is given up in time, and clients go on when it is lost', async (t) => {
		const [owner, other] = await pair(t, 'stopped', ['--relay-timeout', '1s']);
		const p = await sessionOf(t, owner, other.port);

		t.after(() => owner.signal('SIGCONT'));
		owner.signal('SIGSTOP');
		assert.equal((await p.post('3')).body, UNKNOWN);
		await eventually('the owner to be lost', async () => (await metric(other, 'stoa_cluster_nodes')) === 0);
		assert.equal((await p.post('3')).body, UNKNOWN);
		assert.ok((await metric(other, relayed('post', 'failed'))) >= 1);
		assert.ok((await metric(other, relayed('post', 'unknown'))) >= 1);
		owner.signal('SIGCONT');
	});

	test('the owner is told to end: waiting polls get its last words, WebSockets their Close frame', async (t) => {
		const [owner, other] = await pair(t, 'owner-drains');
		const p = await sessionOf(t, owner, other.port);
		const q = await sessionOf(t, owner, other.port);
		const parked = await parkAt(owner, p);
		const ws = await RawWebSocket.open(t, other.port, wsTarget(q));

		assert.equal(await ws.send('2probe').text(), '3probe');
		ws.send('5').send('42["message",1]');
		assert.equal(await ws.text(), '42["message-back",1]');
		const stopped = owner.stop();
		assert.equal((await parked.response()).body, '1');
		assert.equal(await ws.closed(), 1012);
		await stopped;
	});

	test('the gateway between is told to end: polls there are answered at once, WebSockets closed, and no session ends', async (t) => {
		const [owner, other] = await pair(t, 'between-drains', ['--shutdown-timeout', '20s']);
		const p = await sessionOf(t, owner, other.port);
		const q = await sessionOf(t, owner, other.port);
		const parked = await parkAt(owner, p);
		const ws = await RawWebSocket.open(t, other.port, wsTarget(q));

		assert.equal(await ws.send('2probe').text(), '3probe');
		ws.send('5').send('42["message",1]');
		assert.equal(await ws.text(), '42["message-back",1]');
		const more = [];
		for (let i = 0; i < 10; i++) {
			const session = await sessionOf(t, owner, other.port);
			more.push({ session, parked: await parkAt(owner, session) });
		}
		const stopped = other.stop();
		assert.equal(await ws.raw.closed(), 'fin');
		for (const raw of [parked, ...more.map((m) => m.parked)]) {
			const { status, body, headers } = await raw.response();
			assert.deepEqual([status, body, headers.connection], [200, '6', 'close']);
		}
		await stopped;
		for (const { session } of more) {
			session.port = owner.port;
			assert.equal((await session.post('1')).body, 'ok');
		}
		p.port = owner.port;
		await p.post('42["message","more"]');
		assert.deepEqual(await p.packets(), ['42["message-back","more"]']);
		await p.post('1'); // else its gateway would wait for it
	});
});
