// 2.9 to the byte: Engine.IO 3 over HTTP and WebSocket. What the session does with it on its own clock is in
// tests/scripts/eio3-*.script.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { forTest, share } from './lib/gateway.mjs';
import { BINARY, fetchRaw, Raw, RawWebSocket, TEXT, upgradeRequest } from './lib/raw.mjs';

const POLLING = '/socket.io/?EIO=3&transport=polling', WEBSOCKET = '/socket.io/?EIO=3&transport=websocket';
const OCTETS = ['Content-Type: application/octet-stream'];
const EVENT = '451-["message",{"_placeholder":true,"num":0}]', BACK = '451-["message-back",{"_placeholder":true,"num":0}]';
const gateway = share(before, after, 'conformance', ['--allow-eio3', '--max-http-buffer-size', '10KB']);

const text = (...packets) => packets.map((packet) => `${packet.length}:${packet}`).join('');
const digits = (n) => [...String(n)].map(Number);
// Strings are packets of text, buffers are the data of binary messages.
const octets = (...packets) => Buffer.concat(packets.map((packet) => {
	const data = typeof packet === 'string' ? Buffer.from(packet) : Buffer.concat([Buffer.from([4]), packet]);

	return Buffer.concat([Buffer.from([typeof packet === 'string' ? 0 : 1, ...digits(data.length), 255]), data]);
}));

// A session in the main namespace, by polling.
async function session(t, { port = gateway().port, query = '' } = {}) {
	const opened = await fetchRaw(t, port, 'GET', POLLING + query);
	const { sid } = JSON.parse(opened.body.slice(opened.body.indexOf('{')));
	const target = `${POLLING}${query}&sid=${sid}`;
	const get = (headers) => fetchRaw(t, port, 'GET', target, headers);
	const post = (body, headers = []) => fetchRaw(t, port, 'POST', target, headers, body);

	assert.equal((await get()).body, text('40', '42["auth",{}]'));
	return { opened, sid, target, get, post };
}

test('the handshake has the fields of protocol 4, and is answered alone', async (t) => {
	const { opened, sid } = await session(t);
	const packet = `0{"sid":"${sid}","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":10000}`;

	assert.equal(opened.body, text(packet));
	assert.equal(opened.headers['content-type'], 'text/plain; charset=UTF-8');
	assert.equal(opened.headers['cache-control'], 'no-store');
});

test('whatever is not 4 is 3, a missing number too', async (t) => {
	for (const query of ['EIO=2&', 'EIO=5&', 'EIO=&', ''])
		assert.match((await fetchRaw(t, gateway().port, 'GET', `/socket.io/?${query}transport=polling`)).body, /^116:0\{/);
});

test('off, it is code 5, on both transports', async (t) => {
	const { port } = await forTest(t, 'conformance');
	const refused = await fetchRaw(t, port, 'GET', POLLING);
	const raw = await Raw.open(t, port);

	assert.equal(refused.status, 400);
	assert.equal(refused.body, '{"code":5,"message":"Unsupported protocol version"}');
	raw.write(upgradeRequest(WEBSOCKET));
	assert.equal((await raw.response()).body, 'Unsupported protocol version');
});

test('PROTOCOL_MISMATCH: later requests say what the first one said', async (t) => {
	const { port } = gateway();
	const old = await session(t);
	const opened = await fetchRaw(t, port, 'GET', '/socket.io/?EIO=4&transport=polling');
	const { sid } = JSON.parse(opened.body.slice(1));

	for (const wrong of [`EIO=4&sid=${old.sid}`, `EIO=3&sid=${sid}`, `sid=${sid}`]) {
		for (const method of ['GET', 'POST']) {
			const { status, body } = await fetchRaw(t, port, method, `/socket.io/?${wrong}&transport=polling`);
			assert.deepEqual([status, body], [400, '{"code":3,"message":"Bad request"}']);
		}
		const raw = await Raw.open(t, port);
		raw.write(upgradeRequest(`/socket.io/?${wrong}&transport=websocket`));
		assert.equal((await raw.response()).body, 'Bad request');
	}
	for (const right of [`EIO=3&sid=${old.sid}`, `EIO=4&sid=${sid}`]) { // and neither is any worse for it
		const ws = await RawWebSocket.open(t, port, `/socket.io/?${right}&transport=websocket`);
		ws.send('2probe');
		assert.equal(await ws.text(), '3probe');
	}
});

test('lengths are what JavaScript takes for a length', async (t) => {
	const { get, post } = await session(t);
	const words = 'é€🏛\u2028';
	const answer = await post(text(`42["message","${words}"]`, '42["message",2]'));

	assert.deepEqual([answer.status, answer.headers['content-type'], answer.body], [200, 'text/html', 'ok']);
	assert.equal((await get()).body, text(`42["message-back","${words}"]`, '42["message-back",2]'));
});

test('what is no UTF-8 becomes U+FFFD before it is measured', async (t) => {
	const { get, post } = await session(t);

	await post(Buffer.concat([Buffer.from('17:42["message","'), Buffer.from([0xff]), Buffer.from('"]')]));
	assert.equal((await get()).body, text('42["message-back","\ufffd"]'));
});

test('binary: a payload of octets, both ways', async (t) => {
	const { get, post } = await session(t);
	const data = Buffer.from([0, 4, 255, 30]);

	assert.equal((await post(octets(EVENT, data, '42["message","€"]'), OCTETS)).body, 'ok');
	const answer = await get();
	assert.equal(answer.headers['content-type'], 'application/octet-stream');
	assert.deepEqual(answer.bytes, octets(BACK, data, '42["message-back","€"]'));
	assert.equal((await post(octets('42["message",1]'), OCTETS)).body, 'ok');
	assert.equal((await get()).body, text('42["message-back",1]')); // nothing binary: text again
});

test('binary: base64 in text, for who asked for it; taken from everybody', async (t) => {
	const plain = await session(t);
	const { get, post } = await session(t, { query: '&b64=1' });

	for (const way of [plain.post, post])
		assert.equal((await way(text(EVENT, 'b4AAT/Hg=='))).body, 'ok');
	const answer = await get();
	assert.equal(answer.headers['content-type'], 'text/plain; charset=UTF-8');
	assert.equal(answer.body, text(BACK, 'b4AAT/Hg=='));
	assert.deepEqual((await plain.get()).bytes, octets(BACK, Buffer.from([0, 4, 255, 30])));
});

test('a payload of octets is compressed like any other', async (t) => {
	const { get, post } = await session(t);
	const data = Buffer.alloc(5000, 7);

	await post(octets(EVENT, data), OCTETS);
	const answer = await get(['Accept-Encoding: gzip']);
	assert.equal(answer.headers['content-encoding'], 'gzip');
	assert.equal(answer.headers['content-type'], 'application/octet-stream');
	assert.deepEqual(gunzipSync(answer.bytes), octets(BACK, data));
});

test('WebSocket: binary has its type byte; base64 for who cannot have it', async (t) => {
	for (const [query, opcode, payload] of [['', BINARY, Buffer.from([4, 1, 2, 255])], ['&b64=1', TEXT, Buffer.from('b4AQL/')]]) {
		const ws = await RawWebSocket.open(t, gateway().port, WEBSOCKET + query);

		assert.match(await ws.text(), /^0\{"sid":".*","upgrades":\[\],/);
		assert.equal(await ws.text(), '40');
		assert.equal(await ws.text(), '42["auth",{}]');
		ws.send(EVENT).sendBinary([4, 1, 2, 255]);
		ws.send(EVENT).send('b4AQL/');
		for (let i = 0; i < 2; i++) {
			assert.equal(await ws.text(), BACK);
			const frame = await ws.next();
			assert.deepEqual([frame.opcode, frame.payload], [opcode, payload]);
		}
	}
});

test('malformed payloads: what came before is done, the session ends', async (t) => {
	const good = '42["message",1]';
	const bad = [`${text(good)}99:4`, `${text(good)}4`, `${text(good)}:4`, `${text(good)}1e0:4`, `${text(good)}${'9'.repeat(9000)}:4`];
	const badOctets = [[0, 1], [0, 255, 50], [2, 1, 255, 50], [0, 9, 9, 255, 50], [0, ...Array(9000).fill(9), 255], [0, 2, 255, 52, 0xff]];

	for (const body of bad)
		await expectEnd(body, []);
	for (const bytes of badOctets)
		await expectEnd(Buffer.concat([octets(good), Buffer.from(bytes)]), OCTETS);

	async function expectEnd(body, headers) {
		const { target, post } = await session(t);
		const raw = await Raw.open(t, gateway().port);

		raw.write(`GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`);
		for (let i = 0; i < 2; i++) // answered at once: what was written before has been read by then
			await fetchRaw(t, gateway().port, 'GET', '/socket.io/?EIO=3&transport=none');
		const from = gateway().lines.length;
		assert.deepEqual([(await post(body, headers)).body], ['ok']);
		assert.ok([text('42["message-back",1]', '1'), text('42["message-back",1]')].includes((await raw.response()).body));
		await gateway().line(/\bclosed\b.*parse error/, from);
		assert.equal((await post('1:2')).status, 400);
	}
});

test('limits: a body past max_http_buffer_size is 413, packets past max_decode_packets end the session', async (t) => {
	const { port } = await forTest(t, 'conformance', ['--allow-eio3', '--max-http-buffer-size', '1KB', '--max-decode-packets', '10']);
	const { get, post } = await session(t, { port });

	assert.equal((await post('0:'.repeat(501))).status, 413);
	assert.equal((await post(`${'0:'.repeat(9)}1:2`)).body, 'ok');
	assert.equal((await get()).body, '1:3');
	assert.equal((await post('0:'.repeat(11))).body, 'ok');
	assert.equal((await get()).status, 400);
});

test('in protocol 4 octets stay refused', async (t) => {
	const opened = await fetchRaw(t, gateway().port, 'GET', '/socket.io/?EIO=4&transport=polling');
	const { sid } = JSON.parse(opened.body.slice(1));
	const target = `/socket.io/?EIO=4&transport=polling&sid=${sid}`;

	assert.equal((await fetchRaw(t, gateway().port, 'POST', target, OCTETS, octets('40'))).status, 400);
	assert.equal(JSON.parse((await fetchRaw(t, gateway().port, 'GET', target)).body).code, 1);
});
