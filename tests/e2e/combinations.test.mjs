// Options together: old clients, parsers, JSONP, compression by HTTP and by WebSocket, cookies, upgrades. Each alone is
// in the file of its name.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gunzipSync, inflateSync } from 'node:zlib';
import { deflated, nextMessage, openDeflating } from './lib/deflate.mjs';
import { forTest } from './lib/gateway.mjs';
import { CONNECT, DISCONNECT, EVENT, pack, unpack } from './lib/msgpack.mjs';
import { BINARY, fetchRaw, frame, Polling, RawWebSocket, TEXT } from './lib/raw.mjs';

const NEW = '/socket.io/?EIO=4&transport=websocket', OLD = '/socket.io/?EIO=3&transport=websocket';
const TYPE = Buffer.from([4]); // in front of binary in protocol 3
const MB = 1_000_000;

const sidIn = (body) => /"sid\\?":\\?"([A-Za-z0-9_-]{20})/.exec(body)[1];

// The next packet of MessagePack to a client of protocol 3.
async function hear(ws) {
	const { opcode, payload } = await ws.next();

	assert.deepEqual([opcode, payload[0]], [BINARY, 4]);
	return unpack(payload.subarray(1));
}

describe('2.9 and 2.13: MessagePack for clients of protocol 3', () => {
	const FLAGS = ['--allow-eio3', '--parser', 'msgpack'];

	test('by WebSocket', async (t) => {
		const { port } = await forTest(t, 'conformance', FLAGS);
		const ws = await RawWebSocket.session(t, port, { target: OLD });
		const tell = (packet) => ws.write(frame(BINARY, Buffer.concat([TYPE, pack(packet)])));

		assert.deepEqual(await hear(ws), { type: CONNECT, nsp: '/' });
		assert.deepEqual(await hear(ws), { type: EVENT, data: ['auth', {}], nsp: '/' });
		tell({ type: EVENT, nsp: '/', id: 0, data: ['message-with-ack', 1, new Date(5)] });
		assert.deepEqual((await hear(ws)).data, [1, new Date(5)]);
		tell({ type: CONNECT, nsp: '/custom?token=a' });
		assert.deepEqual(await hear(ws), { type: CONNECT, nsp: '/custom' });
		assert.deepEqual((await hear(ws)).data, ['auth', { token: 'a' }]);
	});

	for (const [query, type, packet] of [
		['', 'application/octet-stream', (data) => Buffer.concat([Buffer.from([1, ...[...String(data.length + 1)].map(Number), 255]), TYPE, data])],
		['&b64=1', 'text/plain; charset=UTF-8', (data) => Buffer.from(`${data.toString('base64').length + 2}:b4${data.toString('base64')}`)],
	])
		test(`by polling${query}: the open packet goes alone, as text, whatever waits behind it`, async (t) => {
			const { port } = await forTest(t, 'conformance', FLAGS);
			const target = `/socket.io/?EIO=3&transport=polling${query}`;
			const opened = await fetchRaw(t, port, 'GET', target);
			const first = await fetchRaw(t, port, 'GET', `${target}&sid=${sidIn(opened.body)}`);

			assert.equal(opened.headers['content-type'], 'text/plain; charset=UTF-8');
			assert.match(opened.body, /^\d+:0\{"sid":"[^}]*\}$/);
			assert.equal(first.headers['content-type'], type);
			assert.ok(first.bytes.subarray(0, 30).includes(packet(pack({ type: CONNECT, nsp: '/' })).subarray(0, 20)), String(first.bytes));
		});

	test('always_connect: one that is refused is connected, then disconnected', async (t) => {
		const { port } = await forTest(t, 'conformance', [...FLAGS, '--always-connect']);
		const ws = await RawWebSocket.session(t, port, { target: OLD });

		await hear(ws);
		await hear(ws);
		ws.write(frame(BINARY, Buffer.concat([TYPE, pack({ type: CONNECT, nsp: '/guard?data=1' })])));
		assert.deepEqual(await hear(ws), { type: CONNECT, nsp: '/guard' });
		assert.deepEqual(await hear(ws), { type: DISCONNECT, nsp: '/guard' });
	});
});

describe('7692 together with', () => {
	const DEFLATE = ['--per-message-deflate', '--compression-threshold', '100B', '--allow-eio3'];
	const LONG = 'x'.repeat(3000);

	test('2.9: text and binary of protocol 3', async (t) => {
		const { port } = await forTest(t, 'conformance', DEFLATE);
		const ws = await openDeflating(t, port, OLD);

		for (const start of [/^0\{/, /^40$/, /^42\["auth"/])
			assert.match((await nextMessage(ws)).text, start);
		ws.write(deflated(TEXT, `42["message","${LONG}"]`));
		const text = await nextMessage(ws);
		assert.deepEqual([text.text, text.deflated], [`42["message-back","${LONG}"]`, true]);
		ws.write(deflated(TEXT, '451-["message",{"_placeholder":true,"num":0}]'));
		ws.write(deflated(BINARY, Buffer.concat([TYPE, Buffer.from(LONG)])));
		assert.match((await nextMessage(ws)).text, /^451-\["message-back"/);
		assert.deepEqual((await nextMessage(ws)).data, Buffer.concat([TYPE, Buffer.from(LONG)]));
	});

	test('2.13: MessagePack', async (t) => {
		const { port } = await forTest(t, 'conformance', [...DEFLATE, '--parser', 'msgpack']);
		const ws = await openDeflating(t, port, NEW);

		await nextMessage(ws);
		ws.write(deflated(BINARY, pack({ type: CONNECT, nsp: '/', data: { token: LONG } })));
		await nextMessage(ws);
		const { data, deflated: came } = await nextMessage(ws);
		assert.deepEqual([unpack(data).data, came], [['auth', { token: LONG }], true]);
	});

	test('2.6: an upgrade, deflated, in one segment with what follows it', async (t) => {
		const { port } = await forTest(t, 'conformance', DEFLATE);
		const { sid } = await Polling.open(t, port, { connect: '' });
		const ws = await openDeflating(t, port, `${NEW}&sid=${sid}`);
		const words = Array.from({ length: 50 }, (_, i) => `${i} ${LONG}`);

		ws.write(Buffer.concat(['2probe', '5', ...words.map((word) => `42["message","${word}"]`)].map((text) => deflated(TEXT, text))));
		assert.equal((await nextMessage(ws)).text, '3probe');
		for (const word of words)
			assert.equal((await nextMessage(ws)).text, `42["message-back","${word}"]`);
	});
});

// What an answer says, whichever coding it came in: a short one may not get smaller.
const DECODERS = { gzip: gunzipSync, deflate: inflateSync };
const said = ({ headers, bytes }) => (DECODERS[headers['content-encoding']]?.(bytes) ?? bytes).toString();

for (const { eio, open, join } of [
	{ eio: 3, open: /^\d+:0\{"sid":"/, join: (token) => `${token.length + 16}:40/custom?token=${token}` },
	{ eio: 4, open: /^0\{"sid":"/, join: (token) => `40/custom,{"token":"${token}"}` },
])
	test(`2.3, 2.7: JSONP of protocol ${eio}, compressed, with a cookie, for a page of elsewhere`, async (t) => {
		const flags = ['--jsonp', '--allow-eio3', '--cookie', 'io', '--compression-threshold', '1B', '--cors-allowed-origins', '*'];
		const { port } = await forTest(t, 'conformance', flags);
		const target = `/socket.io/?EIO=${eio}&transport=polling&j=7`;
		const headers = ['Origin: http://elsewhere.example', 'Accept-Encoding: deflate'];
		const opened = await fetchRaw(t, port, 'GET', target, headers);
		const [, text] = /^___eio\[7\]\((".*")\);$/.exec(said(opened));
		const sid = sidIn(text);
		const token = 'x'.repeat(1000);

		assert.match(JSON.parse(text), open);
		assert.match(opened.headers['set-cookie'], new RegExp(`^io=${sid}; `));
		assert.equal(opened.headers['access-control-allow-origin'], 'http://elsewhere.example');
		assert.equal((await fetchRaw(t, port, 'POST', `${target}&sid=${sid}`, headers, `d=${encodeURIComponent(join(token))}`)).body, 'ok');
		let answer;

		do // what lets it in may be an answer of its own
			answer = await fetchRaw(t, port, 'GET', `${target}&sid=${sid}`, headers);
		while (!said(answer).includes(token));
		assert.equal(answer.headers['content-encoding'], 'deflate');
		assert.ok(said(answer).includes(JSON.stringify(`42/custom,["auth",{"token":"${token}"}]`).slice(1, -1)), said(answer));
		assert.equal(answer.headers['set-cookie'], undefined);
	});

describe('max_http_buffer_size on a WebSocket, to the byte', () => {
	// A message of `size` bytes in its frame.
	const textOf = (size) => Buffer.from(`42["message","${'x'.repeat(size - 16)}"]`);
	const packedOf = (size) => {
		const around = pack({ type: EVENT, nsp: '/', data: ['message', 'x'.repeat(size - 100)] }).length - (size - 100);
		return pack({ type: EVENT, nsp: '/', data: ['message', 'x'.repeat(size - around)] });
	};
	const cases = [
		{ what: 'text', opcode: TEXT, make: textOf, target: NEW, join: frame(TEXT, '40'), flags: [] },
		{ what: 'text, protocol 3', opcode: TEXT, make: textOf, target: OLD, flags: ['--allow-eio3'] },
		{ what: 'MessagePack', opcode: BINARY, make: packedOf, target: NEW, join: frame(BINARY, pack({ type: CONNECT, nsp: '/' })), flags: ['--parser', 'msgpack'] },
		{ what: 'MessagePack, protocol 3', opcode: BINARY, make: (size) => Buffer.concat([TYPE, packedOf(size - 1)]), target: OLD, flags: ['--parser', 'msgpack', '--allow-eio3'] },
	];

	for (const { what, opcode, make, target, join, flags } of cases)
		for (const deflating of [false, true])
			test(`${what}${deflating ? ', deflated' : ''}: taken; one more is 1009`, async (t) => {
				const { port } = await forTest(t, 'conformance', [...flags, ...(deflating ? ['--per-message-deflate'] : [])]);
				const ws = await (deflating ? openDeflating(t, port, target) : RawWebSocket.open(t, port, target));
				const send = (data) => ws.write(deflating ? deflated(opcode, data) : frame(opcode, data));

				await nextMessage(ws);
				ws.write(join ?? '');
				await nextMessage(ws);
				await nextMessage(ws);
				const [most, more] = [make(MB), make(MB + 1)];
				assert.deepEqual([most.length, more.length], [MB, MB + 1]);
				send(most);
				assert.equal((await nextMessage(ws)).data.length, MB + '-back'.length);
				send(more);
				assert.equal(await ws.closed(), 1009);
			});
});
