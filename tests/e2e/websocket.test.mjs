// WebSocket framing as a client may do it, well and badly (RFC 6455; 2.4).

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { forTest, share } from './lib/gateway.mjs';
import { BINARY, CLOSE, frame, PING, PONG, Raw, RawWebSocket, TEXT, upgradeRequest } from './lib/raw.mjs';

const gateway = share(before, after, 'conformance');
const TARGET = '/socket.io/?EIO=4&transport=websocket';

async function joined(t, port = gateway().port) {
	const ws = await RawWebSocket.session(t, port, { connect: '' });

	assert.equal(await ws.text(), '42["auth",{}]');
	return ws;
}

test('a message may come in fragments, with a control frame between them', async (t) => {
	const ws = await joined(t);

	ws.write(frame(TEXT, '42["mess', { fin: false })).write(frame(PING, 'x')).write(frame(0, 'age","', { fin: false }));
	const pong = await ws.next();
	assert.equal(pong.opcode, PONG);
	assert.equal(pong.payload.toString(), 'x');
	ws.write(frame(0, 'é"]'));
	assert.equal(await ws.text(), '42["message-back","é"]');
});

test('a message may come byte by byte', async (t) => {
	const ws = await joined(t);

	for (const byte of frame(TEXT, '42["message","slow"]'))
		ws.write(Buffer.from([byte]));
	assert.equal(await ws.text(), '42["message-back","slow"]');
});

test('frames may come in the segment of the upgrade request', async (t) => {
	const raw = await Raw.open(t, gateway().port);
	const ws = Object.assign(new RawWebSocket(), { raw });

	raw.write(Buffer.concat([upgradeRequest(TARGET), frame(TEXT, '40'), frame(TEXT, '42["message",1]')]));
	assert.equal((await raw.response()).status, 101);
	assert.match(await ws.text(), /^0\{/);
	assert.match(await ws.text(), /^40\{/);
	assert.equal(await ws.text(), '42["auth",{}]');
	assert.equal(await ws.text(), '42["message-back",1]');
});

test('sizes around the length encodings come back whole', async (t) => {
	const ws = await joined(t);

	for (const size of [100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 65_500, 65_514, 65_515, 65_516, 65_520, 65_536, 300_000]) {
		const text = 'x'.repeat(size);
		assert.equal(await ws.send(`42["message","${text}"]`).text(), `42["message-back","${text}"]`);
	}
});

test('the first subprotocol offered is accepted', async (t) => {
	const ws = await RawWebSocket.open(t, gateway().port, TARGET, { headers: ['Sec-WebSocket-Protocol: one, two'] });

	assert.equal(ws.response.headers['sec-websocket-protocol'], 'one');
});

test('no extension is agreed to', async (t) => {
	const ws = await RawWebSocket.open(t, gateway().port, TARGET, { headers: ['Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits'] });

	assert.equal(ws.response.headers['sec-websocket-extensions'], undefined);
});

test('a Close frame is answered, with its code, and the connection closed', async (t) => {
	const ws = await joined(t);

	ws.write(frame(CLOSE, Buffer.from([0x03, 0xe8])));
	const answer = await ws.next();
	assert.equal(answer.opcode, CLOSE);
	assert.equal(answer.payload.readUInt16BE(), 1000);
	await ws.raw.closed();
});

test('2.4: a message larger than max_http_buffer_size: 1009, as soon as its size is known, and "transport error"', async (t) => {
	const g = await forTest(t, 'conformance', ['--max-http-buffer-size', '1000B']);
	const cases = [
		(ws) => ws.send(`42["message","${'x'.repeat(1000)}"]`),
		(ws) => ws.write(frame(TEXT, 'x', { claim: 0x7fffffffffff })),
		(ws) => ws.write(frame(TEXT, 'x'.repeat(600), { fin: false })).write(frame(0, 'x'.repeat(600))),
	];

	for (const act of cases) {
		const from = g.lines.length;
		const ws = await joined(t, g.port);
		act(ws);
		assert.equal(await ws.closed(), 1009);
		await g.line(/\bclosed\b.*transport[ -]error/, from);
	}
	const exact = await joined(t, g.port);
	assert.equal((await exact.send(`42["message","${'x'.repeat(984)}"]`).text()).length, 1005);
});

const violations = [
	['an unmasked frame', frame(TEXT, '2', { mask: false }), 1002],
	['a reserved bit', frame(TEXT, 'x', { rsv: 4 }), 1002],
	['an unknown opcode', frame(3, 'x'), 1002],
	['an unknown control opcode', frame(11, 'x'), 1002],
	['a continuation of nothing', frame(0, 'x'), 1002],
	['a new message within one', Buffer.concat([frame(TEXT, 'x', { fin: false }), frame(TEXT, 'y')]), 1002],
	['a fragmented control frame', frame(PING, 'x', { fin: false }), 1002],
	['a control frame above 125 bytes', frame(PING, 'x'.repeat(126)), 1002],
	['a Close frame of one byte', frame(CLOSE, 'x'), 1002],
	['a Close code that may not be sent', frame(CLOSE, Buffer.from([0x03, 0xed])), 1002],
	['text that is not UTF-8', frame(TEXT, Buffer.from([0x34, 0x32, 0xc3, 0x28])), 1007],
	['text with an overlong encoding', frame(TEXT, Buffer.from([0x34, 0xc0, 0xaf])), 1007],
	['text with a surrogate', frame(TEXT, Buffer.from([0x34, 0xed, 0xa0, 0x80])), 1007],
];

for (const [what, bytes, code] of violations) {
	test(`${what}: ${code}, and "transport error"`, async (t) => {
		const from = gateway().lines.length;
		const ws = await joined(t);

		ws.write(bytes);
		assert.equal(await ws.closed(), code);
		await gateway().line(/\bclosed\b.*transport[ -]error/, from);
	});
}

test('4: bytes right behind the upgrade request that are no frame: closed, and the server lives', async (t) => {
	for (const target of [TARGET, `${TARGET}&sid=AAAAAAAAAAAAAAAAAAAA`]) {
		const raw = await Raw.open(t, gateway().port);
		raw.write(Buffer.concat([upgradeRequest(target), Buffer.from('test')]));
		await raw.closed();
	}
	await joined(t);
});

test('4: `Sec-WebSocket-Extensions: constructor` and a subprotocol of many spaces: no harm', async (t) => {
	await RawWebSocket.open(t, gateway().port, TARGET, { headers: ['Sec-WebSocket-Extensions: constructor'] });
	const raw = await Raw.open(t, gateway().port);
	raw.write(upgradeRequest(TARGET, { headers: [`Sec-WebSocket-Protocol: b${' '.repeat(5000)}x`] }));
	assert.ok([101, 400].includes((await raw.response()).status));
});

test('binary frames of unknown kind close the connection', async (t) => {
	const ws = await joined(t);

	ws.write(frame(BINARY, Buffer.from([4])));
	await ws.closed();
});
