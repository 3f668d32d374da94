// RFC 6455 4: the opening handshake, and what may come right behind it, to the byte.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { closeFrame, goesOn, out, POLLING, receives, same, shareEcho, status, TARGET } from './lib/echo.mjs';
import { CLOSE, fetchRaw, frame, PING, PONG, Raw, RawWebSocket, request, TEXT, upgradeRequest } from './lib/raw.mjs';

// Polling sessions are left behind, which at the end would have time to fetch their last packets.
const echo = shareEcho(before, after, ['--shutdown-timeout', '500ms']);
const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='; // RFC 6455 1.3
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';
const OPEN = /^0\{"sid":"([A-Za-z0-9_-]{20})","upgrades":\[\],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000\}$/;

// A connection that has sent the upgrade request and these bytes behind it in one segment, and has got the 101.
async function upgrade(t, behind = Buffer.alloc(0), { target = TARGET, headers = [] } = {}) {
	const ws = new RawWebSocket();

	ws.raw = await Raw.open(t, echo().port);
	ws.raw.write(Buffer.concat([upgradeRequest(target, { key: KEY, headers }), behind]));
	ws.response = await ws.raw.response();
	assert.equal(ws.response.status, 101, ws.response.body);
	assert.equal(ws.response.headers['sec-websocket-accept'], ACCEPT);
	return ws;
}

async function opens(ws) {
	assert.match(await ws.text('the open packet'), OPEN);
}

// A connection may be over before its open packet is written.
async function opensAtMost(ws) {
	if (ws.raw.input[0] !== 0x88)
		await opens(ws);
}

// A polling session: its sid and the target of its upgrade.
async function polling(t) {
	const { body } = await fetchRaw(t, echo().port, 'GET', POLLING);
	const { sid } = JSON.parse(body.slice(1));
	const post = (data) => fetchRaw(t, echo().port, 'POST', `${POLLING}&sid=${sid}`, ['Content-Type: text/plain'], data);
	const get = () => fetchRaw(t, echo().port, 'GET', `${POLLING}&sid=${sid}`);

	return { sid, target: `${TARGET}&sid=${sid}`, post, get };
}

async function isUnharmed(session) {
	assert.equal((await session.post('4still here')).body, 'ok');
	assert.equal((await session.get()).body, '4still here');
}

describe('4.2.2: the answer', () => {
	test('4.2.2: exactly these bytes, then the open packet as the first frame', async (t) => {
		const ws = await upgrade(t);

		assert.equal(ws.response.head, [
			'HTTP/1.1 101 Switching Protocols',
			'Upgrade: WebSocket',
			'Connection: Upgrade',
			`Sec-WebSocket-Accept: ${ACCEPT}`,
			'Vary: Origin',
			'', ''].join('\r\n'));
		await opens(ws);
		await goesOn(ws);
	});

	test('4.2.2: every key has its own answer', async (t) => {
		for (const key of ['AAAAAAAAAAAAAAAAAAAAAA==', '/////////////////////w==', '+/0123456789abcdefABCQ==']) {
			const raw = await Raw.open(t, echo().port);

			raw.write(upgradeRequest(TARGET, { key }));
			const { headers } = await raw.response();
			assert.equal(headers['sec-websocket-accept'], createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64'));
		}
	});

	test('4.2.1: names and tokens in any case, in any order, beside others', async (t) => {
		const raw = await Raw.open(t, echo().port);

		raw.write(request('GET', TARGET, ['SEC-WEBSOCKET-VERSION: 13', `sec-websocket-key:${KEY}`, 'X-Other: 1', 'upgrade: WebSocket', 'connection: keep-alive, UPGRADE']));
		assert.equal((await raw.response()).headers['sec-websocket-accept'], ACCEPT);
	});

	test('4.2.1: a request that comes byte by byte', async (t) => {
		const raw = await Raw.open(t, echo().port);

		for (const byte of Buffer.concat([upgradeRequest(TARGET, { key: KEY }), frame(TEXT, '4hi')])) {
			raw.write(Buffer.from([byte]));
			await new Promise(setImmediate);
		}
		assert.equal((await raw.response()).status, 101);
		const ws = Object.assign(new RawWebSocket(), { raw });
		await opens(ws);
		await receives(ws, out(TEXT, '4hi'));
	});
});

describe('4.2.1: what is refused, before any 101', () => {
	const with_ = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Key': KEY, 'Sec-WebSocket-Version': '13' };
	const rows = [
		['two keys', { 'Sec-WebSocket-Key': [KEY, KEY] }, 400],
		['a key of 15 bytes', { 'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAA' }, 400],
		['a key of 17 bytes', { 'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAAA=' }, 400],
		['an empty key', { 'Sec-WebSocket-Key': '' }, 400],
		['two versions', { 'Sec-WebSocket-Version': ['13', '13'] }, 400],
		['version 13, 8', { 'Sec-WebSocket-Version': '13, 8' }, 400],
		['version 8', { 'Sec-WebSocket-Version': '8' }, 400],
		['version 013', { 'Sec-WebSocket-Version': '013' }, 400],
		['an upgrade to two protocols', { Upgrade: ['websocket', 'h2c'] }, 400],
		['a body', { 'Content-Length': '3' }, 400],
		['a chunked body', { 'Transfer-Encoding': 'chunked' }, 400],
	];

	for (const [what, headers, expected] of rows) {
		test(`4.2.1: ${what}: ${expected}`, async (t) => {
			const raw = await Raw.open(t, echo().port);
			const lines = Object.entries({ ...with_, ...headers }).flatMap(([name, value]) => [value].flat().map((v) => `${name}: ${v}`));

			raw.write(request('GET', TARGET, lines));
			const response = await raw.response();
			assert.equal(response.status, expected, response.head);
			assert.equal(response.headers.connection, 'close');
			assert.equal(await raw.closed(), 'fin');
			raw.finish();
			await echo().serves();
		});
	}
	test('4.2.1: POST: 400', async (t) => {
		const raw = await Raw.open(t, echo().port);

		raw.write(Buffer.concat([Buffer.from('POST'), upgradeRequest(TARGET).subarray(3)]));
		assert.equal((await raw.response()).status, 400);
	});
	test('CVE-2024-37890: more header fields than the limit, the upgrade among those cut off', async (t) => {
		const raw = await Raw.open(t, echo().port);

		raw.write(request('GET', TARGET, [...Array.from({ length: 2000 }, (_, i) => `a${i}:`), 'Connection: Upgrade', 'Upgrade: websocket', `Sec-WebSocket-Key: ${KEY}`, 'Sec-WebSocket-Version: 13']));
		assert.equal((await raw.response()).status, 431);
		await echo().serves();
	});
});

describe('11.3.4: Sec-WebSocket-Protocol', () => {
	const rows = [
		['one', 'chat', 'chat'],
		['several: the first', 'chat, superchat', 'chat'],
		['no space behind the comma', 'chat,superchat', 'chat'],
		['spaces before the comma', 'chat  ,superchat', 'chat'],
		['every character of a token', "!#$%&'*+-.^_`|~09azAZ", "!#$%&'*+-.^_`|~09azAZ"],
		['none', '', undefined],
		['a comma', ',', undefined],
		['two words', 'a b', undefined],
		['not a token', 'a/b', undefined],
		['a quoted name', '"a"', undefined],
		['a name of JavaScript', '__proto__', '__proto__'],
		['256 characters', 'x'.repeat(256), 'x'.repeat(256)],
		['a name too long to be echoed', 'x'.repeat(257), undefined],
		['CVE-2021-32640: many spaces', `b${' '.repeat(8000)}x`, undefined],
		['many spaces, then a comma', `b${' '.repeat(8000)},x`, 'b'],
		['many commas', ','.repeat(8000), undefined],
	];

	for (const [what, offered, chosen] of rows) {
		test(`11.3.4: ${what}`, async (t) => {
			const before = echo().cpuMs();
			const ws = await upgrade(t, undefined, { headers: [`Sec-WebSocket-Protocol: ${offered}`] });

			assert.equal(ws.response.headers['sec-websocket-protocol'], chosen);
			assert.ok(echo().cpuMs() - before < 500, `answered after ${echo().cpuMs() - before} ms of work`);
			await opens(ws);
			await goesOn(ws);
		});
	}
	test('11.3.4: the header twice: the first of the first', async (t) => {
		const ws = await upgrade(t, undefined, { headers: ['Sec-WebSocket-Protocol: a', 'Sec-WebSocket-Protocol: b'] });

		assert.equal(ws.response.headers['sec-websocket-protocol'], 'a');
	});
});

describe('9.1: Sec-WebSocket-Extensions', () => {
	const OFFERS = [
		'permessage-deflate', 'permessage-deflate; client_max_window_bits', 'permessage-deflate; server_max_window_bits=99', 'x-webkit-deflate-frame',
		'constructor', '__proto__', 'toString; constructor; __proto__=1', '', ';', ',', ';;,,;=', '=', '"', 'permessage-deflate; "', `permessage-deflate${';'.repeat(5000)}`, ' '.repeat(5000),
	];

	for (const offer of OFFERS) {
		test(`9.1: none is agreed: ${offer.length > 60 ? `${offer.slice(0, 20).trim()}... (${offer.length} characters)` : `"${offer}"`}`, async (t) => {
			const ws = await upgrade(t, undefined, { headers: [`Sec-WebSocket-Extensions: ${offer}`] });

			assert.equal(ws.response.headers['sec-websocket-extensions'], undefined);
			await opens(ws);
			await goesOn(ws);
		});
	}
	test('9.1: a compressed frame is refused: 1002', async (t) => {
		const ws = await upgrade(t, undefined, { headers: ['Sec-WebSocket-Extensions: permessage-deflate'] });

		await opens(ws);
		ws.write(frame(TEXT, Buffer.from([0x32, 0xc9, 0x00, 0x00]), { rsv: 4 }));
		await receives(ws, closeFrame(1002));
	});
});

describe('frames in the segment of the request', () => {
	test('a message is answered', async (t) => {
		const ws = await upgrade(t, frame(TEXT, '4hi'));

		await opens(ws);
		await receives(ws, out(TEXT, '4hi'));
		await goesOn(ws);
	});
	test('many messages are answered in order', async (t) => {
		const ws = await upgrade(t, Buffer.concat(Array.from({ length: 500 }, (_, i) => frame(TEXT, `4${i}`))));

		await opens(ws);
		await receives(ws, ...Array.from({ length: 500 }, (_, i) => out(TEXT, `4${i}`)));
		await goesOn(ws);
	});
	test('a message of 100 kB is answered', async (t) => {
		const ws = await upgrade(t, frame(TEXT, `4${'x'.repeat(100_000)}`));

		await opens(ws);
		await receives(ws, out(TEXT, `4${'x'.repeat(100_000)}`));
		await goesOn(ws);
	});
	for (const n of [1, 2, 5, 6, 8])
		test(`the first ${n} bytes of a frame, the rest later`, async (t) => {
			const whole = frame(TEXT, '4hi');
			const ws = await upgrade(t, whole.subarray(0, n));

			await opens(ws);
			ws.write(whole.subarray(n));
			await receives(ws, out(TEXT, '4hi'));
		});
	test('a ping is answered', async (t) => {
		const ws = await upgrade(t, frame(PING, 'p'));
		const got = [await ws.next(), await ws.next()];

		assert.deepEqual(got.map((f) => f.opcode).sort(), [TEXT, PONG]);
		await goesOn(ws);
	});
	test('a close is answered', async (t) => {
		const ws = await upgrade(t, frame(CLOSE, status(1000)));

		assert.equal(await ws.raw.closed(), 'fin');
		await opensAtMost(ws);
		same(ws.raw.input, closeFrame(1000));
	});
	test('the end of the peer\'s side right behind the request', async (t) => {
		const raw = await Raw.open(t, echo().port);

		raw.write(upgradeRequest(TARGET));
		raw.finish();
		assert.equal((await raw.response()).status, 101);
		assert.equal(await raw.closed(), 'fin');
		await echo().serves();
	});
	test('a reset right behind the request', async (t) => {
		for (let i = 0; i < 20; i++) {
			const raw = await Raw.open(t, echo().port);

			raw.write(upgradeRequest(TARGET));
			raw.reset();
		}
		await echo().serves();
	});
	test('with a sid: probe, upgrade and a message', async (t) => {
		const session = await polling(t);
		const ws = await upgrade(t, Buffer.concat([frame(TEXT, '2probe'), frame(TEXT, '5'), frame(TEXT, '4hi')]), session);

		await receives(ws, out(TEXT, '3probe'), out(TEXT, '4hi'));
		await goesOn(ws);
	});
	test('with a sid: a message before the probe closes that WebSocket only', async (t) => {
		const session = await polling(t);
		const ws = await upgrade(t, frame(TEXT, '4hi'), session);

		await receives(ws, closeFrame());
		assert.equal(await ws.raw.closed(), 'fin');
		await isUnharmed(session);
	});
});

describe('CVE-2022-21676: bytes that are no frame in the segment of the request', () => {
	const rows = [
		['test', Buffer.from('test'), 1002],
		['an HTTP request', request('GET', '/'), 1002],
		['NUL', Buffer.alloc(100), 1002],
		['FF', Buffer.alloc(100, 0xff), 1002],
		['an unmasked frame', frame(TEXT, '4hi', { mask: false }), 1002],
		['more than is read at once', Buffer.alloc(300_000, 'test'), 1002],
		['text that is not UTF-8', frame(TEXT, Buffer.from([0x34, 0xff])), 1007],
		['a message over the limit', frame(TEXT, '4', { claim: 1_000_001 }), 1009],
	];

	for (const [what, data, code] of rows) {
		test(`${what}: ${code}`, async (t) => {
			const ws = await upgrade(t, data);

			assert.equal(await ws.raw.closed(), 'fin');
			await opensAtMost(ws);
			same(ws.raw.input, closeFrame(code));
			ws.raw.finish();
			await echo().serves();
		});
		test(`${what}, with a sid: ${code}, and the session is unharmed`, async (t) => {
			const session = await polling(t);
			const ws = await upgrade(t, data, session);

			assert.equal(await ws.raw.closed(), 'fin');
			same(ws.raw.input, closeFrame(code));
			ws.raw.finish();
			await isUnharmed(session);
		});
	}
});
