// Engine.IO over HTTP, to the byte: handshake, refusals, the rules of polling, closing.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { forTest, share } from './lib/gateway.mjs';
import { fetchRaw, HANDSHAKE, Polling, Raw, RawWebSocket, request, SEPARATOR, upgradeRequest } from './lib/raw.mjs';
import { eventually } from './lib/wait.mjs';

const gateway = share(before, after, 'conformance');
const get = (t, target, headers) => fetchRaw(t, gateway().port, 'GET', target, headers);
const error = (code, message) => JSON.stringify({ code, message });

describe('2.1: handshake', () => {
	test('2.1: the answer is the open packet, with these headers', async (t) => {
		const response = await get(t, HANDSHAKE);

		assert.equal(response.version, 'HTTP/1.1');
		assert.equal(response.status, 200);
		assert.equal(response.phrase, 'OK');
		assert.match(response.body, /^0\{"sid":"[A-Za-z0-9_-]{20}","upgrades":\["websocket"\],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000\}$/);
		assert.equal(response.headers['content-type'], 'text/plain; charset=UTF-8');
		assert.equal(response.headers['content-length'], '118');
		assert.equal(response.headers['cache-control'], 'no-store');
		assert.equal(response.headers['set-cookie'], undefined);
		assert.equal(response.headers['access-control-allow-origin'], undefined);
	});

	test('2.1: a POST is answered `ok`, with these headers', async (t) => {
		const { headers, status, body } = await (await Polling.open(t, gateway().port)).post('40');

		assert.equal(status, 200);
		assert.equal(body, 'ok');
		assert.equal(headers['content-type'], 'text/html');
		assert.equal(headers['content-length'], '2');
		assert.equal(headers['cache-control'], 'no-store');
	});

	test('2.1: over WebSocket the open packet is the first message and offers no upgrades', async (t) => {
		const ws = await RawWebSocket.open(t, gateway().port);

		assert.match(await ws.text(), /^0\{"sid":"[A-Za-z0-9_-]{20}","upgrades":\[\],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000\}$/);
	});

	test('2.1: no two sids are the same, and the Socket.IO id is another one', async (t) => {
		const sids = new Set();

		for (let i = 0; i < 20; i++) {
			const p = await Polling.open(t, gateway().port, { connect: '' });
			sids.add(p.sid).add(JSON.parse(p.connected[0].slice(2)).sid);
		}
		assert.equal(sids.size, 40);
		for (const sid of sids)
			assert.match(sid, /^[A-Za-z0-9_-]{20}$/);
	});

	test('2.1: options are said in the handshake', async (t) => {
		const g = await forTest(t, 'conformance', ['--ping-interval', '300ms', '--ping-timeout', '2s', '--max-http-buffer-size', '5KB', '--allow-upgrades', 'false']);
		const { body } = await fetchRaw(t, g.port, 'GET', HANDSHAKE);

		assert.match(body, /"upgrades":\[\],"pingInterval":300,"pingTimeout":2000,"maxPayload":5000\}$/);
	});

	test('2.1: the path is a prefix with a slash; anything else is 404', async (t) => {
		assert.equal((await get(t, '/socket.io/more?EIO=4&transport=polling')).status, 200);
		assert.equal((await get(t, '/socket.io?EIO=4&transport=polling')).status, 404);
		assert.equal((await get(t, '/engine.io/?EIO=4&transport=polling')).status, 404);
	});

	test('2.1: `t` and unknown parameters are ignored, the last of several values counts', async (t) => {
		assert.equal((await get(t, `${HANDSHAKE}&t=abc&b64=1&x=%20y&z`)).status, 200);
		assert.equal((await get(t, '/socket.io/?transport=websocket&EIO=3&EIO=4&transport=polling')).status, 200);
	});
});

describe('2.2: refusals over HTTP', () => {
	const rows = [
		['no transport', '/socket.io/?EIO=4', 0, 'Transport unknown'],
		['no query', '/socket.io/', 0, 'Transport unknown'],
		['an unknown transport', '/socket.io/?EIO=4&transport=carrier-pigeon', 0, 'Transport unknown'],
		['transport=constructor', '/socket.io/?EIO=4&transport=constructor', 0, 'Transport unknown'],
		['transport=__proto__', '/socket.io/?EIO=4&transport=__proto__', 0, 'Transport unknown'],
		['webtransport over HTTP', '/socket.io/?EIO=4&transport=webtransport', 0, 'Transport unknown'],
		['an unknown sid', `${HANDSHAKE}&sid=AAAAAAAAAAAAAAAAAAAA`, 1, 'Session ID unknown'],
		['sid=__proto__', `${HANDSHAKE}&sid=__proto__`, 1, 'Session ID unknown'],
		['transport=websocket without an upgrade', '/socket.io/?EIO=4&transport=websocket', 3, 'Bad request'],
		['EIO=3', '/socket.io/?EIO=3&transport=polling', 5, 'Unsupported protocol version'],
		['no EIO', '/socket.io/?transport=polling', 5, 'Unsupported protocol version'],
		['EIO=04', '/socket.io/?EIO=04&transport=polling', 5, 'Unsupported protocol version'],
	];

	for (const [what, target, code, message] of rows) {
		test(`2.2: ${what}: 400, code ${code}`, async (t) => {
			const response = await get(t, target);

			assert.equal(response.status, 400);
			assert.equal(response.headers['content-type'], 'application/json');
			assert.equal(response.body, error(code, message));
		});
	}

	for (const method of ['POST', 'PUT', 'DELETE', 'HEAD']) {
		test(`2.2: ${method} without a sid: 400, code 2`, async (t) => {
			const response = await fetchRaw(t, gateway().port, method, HANDSHAKE, [], method === 'POST' ? '40' : undefined);

			assert.equal(response.status, 400);
			if (method !== 'HEAD')
				assert.equal(response.body, error(2, 'Bad handshake method'));
		});
	}

	test('2.2: a sid with another transport, or another EIO: 400, code 3; the session is unharmed', async (t) => {
		const p = await Polling.open(t, gateway().port, { connect: '' });

		assert.equal((await get(t, `/socket.io/?EIO=4&transport=websocket&sid=${p.sid}`)).body, error(3, 'Bad request'));
		assert.equal((await get(t, `/socket.io/?EIO=3&transport=polling&sid=${p.sid}`)).body, error(3, 'Bad request'));
		await p.post('42["message",1]');
		assert.ok((await p.packets()).includes('42["message-back",1]'));
	});

	test('2.2: a sid with a method other than GET and POST: 500, empty; the session is unharmed', async (t) => {
		const p = await Polling.open(t, gateway().port, { connect: '' });

		for (const method of ['PUT', 'DELETE']) {
			const response = await fetchRaw(t, gateway().port, method, p.target);
			assert.equal(response.status, 500, method);
			assert.equal(response.body, '');
		}
		assert.equal((await p.post('42["message",1]')).body, 'ok');
	});
});

describe('2.2: refusals of an upgrade', () => {
	const refusal = async (t, bytes) => {
		const raw = await Raw.open(t, gateway().port);
		raw.write(bytes);
		const response = await raw.response();
		await raw.closed();
		return response;
	};
	const rows = [
		['an unknown transport', '/socket.io/?EIO=4&transport=x', 'Transport unknown'],
		['transport=__proto__', '/socket.io/?EIO=4&transport=__proto__', 'Transport unknown'],
		['an unknown sid', '/socket.io/?EIO=4&transport=websocket&sid=AAAAAAAAAAAAAAAAAAAA', 'Session ID unknown'],
		['EIO=3', '/socket.io/?EIO=3&transport=websocket', 'Unsupported protocol version'],
	];

	for (const [what, target, message] of rows) {
		test(`2.2: ${what}: 400 with the message before any 101, then the connection is closed`, async (t) => {
			const response = await refusal(t, upgradeRequest(target));

			assert.equal(response.status, 400);
			assert.equal(response.phrase, 'Bad Request');
			assert.equal(response.headers.connection, 'close');
			assert.equal(response.headers['content-type'], 'text/html');
			assert.equal(response.headers['content-length'], String(message.length));
			assert.equal(response.body, message);
		});
	}

	const target = '/socket.io/?EIO=4&transport=websocket';
	const upgrade = ['Connection: Upgrade', 'Upgrade: websocket'];

	test('2.2: no key, or one that is none: 400', async (t) => {
		for (const key of [[], ['Sec-WebSocket-Key: short'], ['Sec-WebSocket-Key: ????????????????????????']]) {
			const response = await refusal(t, request('GET', target, [...upgrade, 'Sec-WebSocket-Version: 13', ...key]));
			assert.equal(response.status, 400);
			assert.equal(response.body, 'Missing or invalid Sec-WebSocket-Key header');
		}
	});

	test('2.2: a version that is not spoken: 400, and the header says which is', async (t) => {
		const response = await refusal(t, request('GET', target, [...upgrade, 'Sec-WebSocket-Version: 7', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==']));

		assert.equal(response.status, 400);
		assert.match(response.headers['sec-websocket-version'], /\b13\b/);
	});

	test('2.2: an upgrade to something else: 400', async (t) => {
		const response = await refusal(t, request('GET', target, ['Connection: Upgrade', 'Upgrade: h2c', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==']));

		assert.equal(response.status, 400);
	});

	test('2.2: an upgrade with transport=polling: 101 and an empty close frame; a session that it names is unharmed', async (t) => {
		const p = await Polling.open(t, gateway().port, { connect: '' });

		for (const target of [HANDSHAKE, p.target]) {
			const before = [];
			assert.equal(await (await RawWebSocket.open(t, gateway().port, target)).closed(before), 1005);
			assert.deepEqual(before, []);
		}
		await p.post('42["message",1]');
		assert.deepEqual(await p.packets(), ['42["message-back",1]']);
	});

	test('2.15 Q6: an upgrade on a foreign path followed by a reset costs nothing but that connection', async (t) => {
		for (let i = 0; i < 20; i++) {
			const raw = await Raw.open(t, gateway().port);
			raw.write(upgradeRequest('/elsewhere'));
			raw.reset();
		}
		await Polling.open(t, gateway().port);
	});
});

describe('2.7: origins', () => {
	const origin = (o) => [`Origin: ${o}`];

	test('2.7: by default only the own origin may connect; others are told so with 403, over WebSocket too', async (t) => {
		assert.equal((await get(t, HANDSHAKE)).status, 200, 'no origin: no browser');
		assert.equal((await get(t, HANDSHAKE, origin('http://127.0.0.1'))).status, 200);
		const response = await get(t, HANDSHAKE, origin('http://evil.example'));
		assert.equal(response.status, 403);
		assert.equal(response.body, error(4, 'Not an accepted origin.'));
		const raw = await Raw.open(t, gateway().port);
		raw.write(upgradeRequest('/socket.io/?EIO=4&transport=websocket', { headers: origin('http://evil.example') }));
		assert.equal((await raw.response()).status, 403);
	});

	test('2.7: cors_allowed_origins: a list names who may, `*` is anybody, and the answer says so', async (t) => {
		const listed = await forTest(t, 'conformance', ['--cors-allowed-origins', 'https://a.example,https://b.example']);
		const open = await forTest(t, 'conformance', ['--cors-allowed-origins', '*']);
		const allowed = await fetchRaw(t, listed.port, 'GET', HANDSHAKE, origin('https://b.example'));

		assert.equal(allowed.status, 200);
		assert.equal(allowed.headers['access-control-allow-origin'], 'https://b.example');
		assert.equal((await fetchRaw(t, listed.port, 'GET', HANDSHAKE, origin('https://c.example'))).status, 403);
		const any = await fetchRaw(t, open.port, 'GET', HANDSHAKE, origin('https://c.example'));
		assert.equal(any.status, 200);
		assert.match(any.headers['access-control-allow-origin'], /^(\*|https:\/\/c\.example)$/);
	});

	test('2.7: OPTIONS is answered 204, and allows nothing to a foreign origin', async (t) => {
		const open = await forTest(t, 'conformance', ['--cors-allowed-origins', '*']);
		const preflight = [...origin('http://evil.example'), 'Access-Control-Request-Method: POST'];
		const allowed = await fetchRaw(t, open.port, 'OPTIONS', HANDSHAKE, preflight);

		assert.equal(allowed.status, 204);
		assert.match(allowed.headers['access-control-allow-methods'], /\bPOST\b/);
		assert.equal((await fetchRaw(t, gateway().port, 'OPTIONS', HANDSHAKE, preflight)).headers['access-control-allow-origin'], undefined);
	});
});

describe('2.3: polling', () => {
	const open = (t) => Polling.open(t, gateway().port, { connect: '' });

	// Does `act`, and waits for the log line that says that a session ended so.
	const endsWith = async (reason, act) => {
		const from = gateway().lines.length;
		const result = await act();
		await gateway().line(new RegExp(`\\bclosed\\b.*${reason.replace(' ', '[ -]')}`), from);
		return result;
	};

	test('2.3: one GET answers everything queued, separated by 0x1e', async (t) => {
		const p = await open(t);

		for (let i = 0; i < 3; i++)
			await p.post(`42["message",${i}]`);
		assert.equal((await p.get()).body, ['42["message-back",0]', '42["message-back",1]', '42["message-back",2]'].join(SEPARATOR));
	});

	test('2.3: one POST brings several packets, in order', async (t) => {
		const p = await open(t);

		await p.post([0, 1, 2].map((i) => `42["message",${i}]`).join(SEPARATOR));
		assert.deepEqual(await p.packets(), ['42["message-back",0]', '42["message-back",1]', '42["message-back",2]']);
	});

	test('2.3: a GET with nothing to say waits, and is answered when there is something', async (t) => {
		const p = await open(t);

		const parked = await p.park();
		assert.equal(parked.input.length, 0);
		await p.post('42["message","Grüße 🏛"]');
		const response = await parked.response();
		assert.equal(response.body, '42["message-back","Grüße 🏛"]');
		assert.equal(response.headers['content-length'], String(Buffer.byteLength('42["message-back","Grüße 🏛"]')));
		assert.equal(response.headers['content-type'], 'text/plain; charset=UTF-8');
		assert.equal(response.headers['cache-control'], 'no-store');
	});

	test('2.3: binary travels as `b` and base64, both ways', async (t) => {
		const p = await open(t);

		await p.post(`451-["message",{"_placeholder":true,"num":0}]${SEPARATOR}bAQID/w==`);
		assert.deepEqual(await p.packets(), ['451-["message-back",{"_placeholder":true,"num":0}]', 'bAQID/w==']);
	});

	test('2.3: GET and POST take turns on one kept connection', async (t) => {
		const p = await open(t);
		const raw = await Raw.open(t, gateway().port);

		for (let i = 0; i < 5; i++) {
			raw.write(request('POST', p.target, ['Content-Type: text/plain'], `42["message",${i}]`));
			assert.equal((await raw.response()).body, 'ok');
			raw.write(request('GET', p.target));
			assert.equal((await raw.response()).body, `42["message-back",${i}]`);
		}
	});

	test('2.3: a second GET while one is pending: that one gets `1`, the new one 400, the session is closed', async (t) => {
		const p = await open(t);

		const parked = await p.park();
		const second = await endsWith('transport error', () => p.get());
		assert.equal(second.status, 400);
		assert.equal(second.body, '');
		const first = await parked.response();
		assert.equal(first.status, 200);
		assert.equal(first.body, '1');
		assert.ok(await p.isGone());
	});

	test('2.3: a second POST while one is in flight: 400, the one in flight is cut, the session is closed', async (t) => {
		const p = await open(t);
		const slow = await Raw.open(t, gateway().port);

		slow.write(`POST ${p.target} HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\n42["mess`);
		await p.settle();
		const second = await endsWith('transport error', () => p.post('42["message",2]'));
		assert.equal(second.status, 400);
		assert.equal(second.body, '');
		await slow.closed();
		assert.ok(await p.isGone());
	});

	for (const [how, leave] of [['FIN', (raw) => raw.finish()], ['RST', (raw) => raw.reset()]]) {
		test(`2.3: a pending GET whose client goes away (${how}): the session is closed at once with "transport error"`, async (t) => {
			const p = await open(t);

			const parked = await p.park();
			await endsWith('transport error', () => leave(parked)); // not noticed, it would be a ping timeout
			assert.ok(await p.isGone());
		});

		test(`2.3: a POST whose client goes away in its body (${how}): the session is closed with "transport error"`, async (t) => {
			const p = await open(t);
			const raw = await Raw.open(t, gateway().port);

			raw.write(`POST ${p.target} HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\n42["mess`);
			await p.settle();
			await endsWith('transport error', () => leave(raw));
			assert.ok(await p.isGone());
		});
	}

	test('2.3: a byte behind a pending GET costs no CPU while it waits', async (t) => {
		const g = await forTest(t, 'conformance', ['--ping-interval', '1500ms', '--ping-timeout', '20s']);
		const p = await Polling.open(t, g.port, { connect: '' });
		const clock = await RawWebSocket.session(t, g.port); // its first ping is what ends the wait

		const parked = await p.park();
		parked.write('G');
		await p.settle();
		const before = g.cpuMs();
		const started = Date.now();
		assert.equal(await clock.text('the ping'), '2');
		const cpu = g.cpuMs() - before;
		const wall = Date.now() - started;
		assert.ok(cpu < 100 + wall / 10, `${cpu} ms of CPU in ${wall} ms`);
	});

	test('2.3: Content-Type application/octet-stream: 400, the session is closed', async (t) => {
		const p = await open(t);
		const response = await endsWith('transport error', () => p.post('40', ['Content-Type: application/octet-stream']));

		assert.equal(response.status, 400);
		assert.ok(await p.isGone());
	});

	test('2.3: a body of exactly max_http_buffer_size is taken, one more byte is 413 and the session survives', async (t) => {
		const g = await forTest(t, 'conformance', ['--max-http-buffer-size', '1000B']);
		const p = await Polling.open(t, g.port, { connect: '' });
		const body = (size) => `42["message","${'x'.repeat(size - 16)}"]`;
		const chunked = async (text) => {
			const raw = await Raw.open(t, g.port);
			const half = text.length >> 1;
			raw.write(`POST ${p.target} HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n`);
			for (const part of [text.slice(0, half), text.slice(half)])
				raw.write(`${part.length.toString(16)}\r\n${part}\r\n`);
			raw.write('0\r\n\r\n');
			return raw.response();
		};

		assert.equal(body(1000).length, 1000);
		for (const send of [(text) => p.post(text), chunked]) {
			assert.equal((await send(body(1000))).body, 'ok');
			assert.equal((await p.packets())[0].length, 1005);
			const tooLarge = await send(body(1001));
			assert.equal(tooLarge.status, 413);
			assert.equal(tooLarge.body, '');
			assert.equal((await send('42["message",1]')).body, 'ok');
			assert.deepEqual(await p.packets(), ['42["message-back",1]']);
		}
	});

	for (const [what, bad] of [['an unknown type', '9'], ['a letter', 'x'], ['an empty packet', ''], ['no type', ' ']]) {
		test(`2.3: ${what} in a payload: POST is answered ok, a pending GET \`1\`, the session ends with "parse error"`, async (t) => {
			const p = await open(t);

			const parked = await p.park();
			const response = await endsWith('parse error', () => p.post(bad));
			assert.equal(response.status, 200);
			assert.equal(response.body, 'ok');
			assert.equal((await parked.response()).body, '1');
			assert.ok(await p.isGone());
		});
	}

	test('2.3: what follows a bad packet in a payload is dropped', async (t) => {
		const watcher = await RawWebSocket.session(t, gateway().port, { connect: '' });
		const p = await open(t);

		assert.equal(await watcher.text(), '42["auth",{}]');
		await endsWith('parse error', () => p.post(`x${SEPARATOR}42["bcast","late"]`));
		watcher.send('42["message","first"]');
		assert.equal(await watcher.message(), '42["message-back","first"]');
	});

	test('2.3: a close packet: a pending GET gets `6`, POST ok, what follows is dropped, "transport close"', async (t) => {
		const watcher = await RawWebSocket.session(t, gateway().port, { connect: '' });
		const p = await open(t);

		assert.equal(await watcher.text(), '42["auth",{}]');
		const parked = await p.park();
		const response = await endsWith('transport close', () => p.post(`1${SEPARATOR}42["bcast","late"]`));
		assert.equal(response.body, 'ok');
		assert.equal((await parked.response()).body, '6');
		assert.ok(await p.isGone());
		watcher.send('42["message","first"]');
		assert.equal(await watcher.message(), '42["message-back","first"]');
	});

	test('2.3: a ping from the client is "transport error"', async (t) => {
		const p = await open(t);

		await endsWith('transport error', () => p.post('2'));
		assert.ok(await p.isGone());
	});

	test('2.3: open, upgrade and noop packets from a client are ignored', async (t) => {
		const p = await open(t);

		await p.post(['0', '5', '6', '42["message",1]'].join(SEPARATOR));
		assert.deepEqual(await p.packets(), ['42["message-back",1]']);
	});
});

describe('2.4: closing', () => {
	// In one payload with it the stock client would see the close first, and reconnect.
	const takesLeaveThenClose = async (p, first) => {
		const payloads = [first];

		while (!payloads.at(-1).includes('1'))
			payloads.push(await p.packets());
		assert.deepEqual(payloads[0], ['41']);
		assert.deepEqual(payloads.flat().filter((packet) => packet !== '6'), ['41', '1']);
	};

	test('2.4: over polling the queued packets come first, and the close packet with the next GET', async (t) => {
		const p = await Polling.open(t, gateway().port, { connect: '' });

		await p.post('42["byebye"]');
		await takesLeaveThenClose(p, await p.packets());
		assert.ok(await p.isGone());
	});

	test('2.4: over polling a pending GET takes the queued packets, the next one the close packet', async (t) => {
		const p = await Polling.open(t, gateway().port, { connect: '' });
		const parked = await p.park();

		await p.post('42["byebye"]');
		await takesLeaveThenClose(p, (await parked.response()).body.split(SEPARATOR));
	});

	test('2.4: a closed polling session that nobody fetches is dropped after polling_close_timeout', async (t) => {
		const g = await forTest(t, 'conformance', ['--polling-close-timeout', '300ms']);
		const p = await Polling.open(t, g.port, { connect: '' });
		const since = Date.now();

		await p.post('42["byebye"]');
		await eventually('the session to be dropped', () => p.isGone());
		assert.ok(Date.now() - since >= 295, `after ${Date.now() - since} ms`);
	});

	test('2.4: over WebSocket: a Close frame without a status', async (t) => {
		const ws = await RawWebSocket.session(t, gateway().port, { connect: '' });
		const before = [];

		ws.send('42["byebye"]');
		assert.equal(await ws.closed(before), 1005);
		assert.deepEqual(before, ['42["auth",{}]', '41']);
		await ws.raw.closed();
	});

	test('2.15 Q1: the close packet `1` on a WebSocket closes it', async (t) => {
		const ws = await RawWebSocket.session(t, gateway().port, { connect: '' });
		const from = gateway().lines.length;

		ws.send('1');
		await ws.closed();
		await gateway().line(/\bclosed\b.*transport[ -]close/, from);
	});

	test('2.4: a WebSocket that ends without a Close frame is "transport close"', async (t) => {
		for (const leave of [(raw) => raw.finish(), (raw) => raw.reset()]) {
			const ws = await RawWebSocket.session(t, gateway().port, { connect: '' });
			const from = gateway().lines.length;

			leave(ws.raw);
			await gateway().line(/\bclosed\b.*transport[ -]close/, from);
		}
	});
});
