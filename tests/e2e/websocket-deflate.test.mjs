// RFC 7692, permessage-deflate, to the byte, against eio-echo. And what a peer may send of control frames.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { constants } from 'node:zlib';
import { AGREED, deflate, deflated, nextMessage, OFFER, openDeflating } from './lib/deflate.mjs';
import { closeFrame, echoFor, endsWith, out, receives, shareEcho, TARGET } from './lib/echo.mjs';
import { forTest } from './lib/gateway.mjs';
import { BINARY, frame, PING, PONG, RawWebSocket, TEXT } from './lib/raw.mjs';
import { deadline, PATIENCE_MS } from './lib/wait.mjs';

const echo = shareEcho(before, after, ['--per-message-deflate']);

async function enter(t, options = {}, e = echo()) {
	const ws = await openDeflating(t, e.port, TARGET, options);

	assert.match((await nextMessage(ws)).text, /^0\{"sid":"/);
	return ws;
}

// The connection goes on: what is said comes back.
async function goesOn(ws) {
	ws.write(Buffer.concat([deflated(TEXT, '4still here'), frame(TEXT, '4and here')]));
	assert.equal((await nextMessage(ws)).text, '4still here');
	assert.equal((await nextMessage(ws)).text, '4and here');
}

async function isRefused(t, code, ...frames) {
	const ws = await enter(t);

	ws.write(Buffer.concat(frames));
	await endsWith(ws, closeFrame(code));
	await echo().serves();
}

async function isTaken(t, expected, ...frames) {
	const ws = await enter(t);

	ws.write(Buffer.concat(frames));
	for (const data of [expected].flat())
		assert.deepEqual((await nextMessage(ws)).data, Buffer.from(data));
	await goesOn(ws);
}

describe('7.1: what is agreed on', () => {
	const offers = [
		['permessage-deflate', AGREED],
		['permessage-deflate; client_max_window_bits', AGREED],
		['permessage-deflate; client_max_window_bits=8', AGREED],
		['permessage-deflate; server_no_context_takeover; client_no_context_takeover', AGREED],
		['permessage-deflate; server_max_window_bits=10', `${AGREED}; server_max_window_bits=10`],
		['permessage-deflate; server_max_window_bits="15"', `${AGREED}; server_max_window_bits=15`],
		['permessage-deflate; server_max_window_bits=16, permessage-deflate; server_max_window_bits=12, permessage-deflate', `${AGREED}; server_max_window_bits=12`],
		['x-webkit-deflate-frame, permessage-deflate', AGREED],
		['permessage-deflate; unknown', null],
		['permessage-deflate; server_max_window_bits', null],
		['permessage-deflate; server_max_window_bits=7', null],
		['permessage-deflate; server_max_window_bits=16', null],
		['permessage-deflate; client_max_window_bits=08', null],
		['permessage-deflate; server_no_context_takeover=1', null],
		['permessage-deflate; client_no_context_takeover; client_no_context_takeover', null],
		['permessage-deflate;', null],
		['permessage-deflate; server_max_window_bits="10', null],
		[', ,', null],
		['permessage', null],
		// CVE-2016-10542 and its like: names that every object of JavaScript's has.
		['constructor', null],
		['constructor; constructor=constructor, __proto__; toString', null],
	];

	for (const [offer, answer] of offers)
		test(`7.1: ${offer}: ${answer ?? 'none'}`, async (t) => {
			const ws = await enter(t, { offer, answer });

			if (answer)
				return goesOn(ws);
			ws.write(deflated(TEXT, '4x'));
			await endsWith(ws, closeFrame(1002));
		});
	test('7.1: offers in two headers are one list', async (t) => {
		const ws = await RawWebSocket.open(t, echo().port, TARGET, {
			headers: ['Sec-WebSocket-Extensions: permessage-deflate; unknown', 'sec-websocket-extensions: permessage-deflate; server_max_window_bits=9'],
		});

		assert.equal(ws.response.headers['sec-websocket-extensions'], `${AGREED}; server_max_window_bits=9`);
	});
	test('7.1: nothing is offered, nothing is answered', async (t) => {
		const ws = await echo().enter(t);

		assert.equal(ws.response.headers['sec-websocket-extensions'], undefined);
		ws.send(`4${'x'.repeat(5000)}`);
		assert.equal((await nextMessage(ws)).deflated, false);
		ws.write(deflated(TEXT, '4x'));
		await endsWith(ws, closeFrame(1002));
	});
	test('7.1: an offer of 8 kB', (t) => enter(t, { offer: `${'x-long;'.repeat(1000)}a, permessage-deflate` }));
	test('off by default: the offer is not answered', async (t) => {
		const ws = await enter(t, { answer: null }, await echoFor(t));

		ws.write(deflated(TEXT, '4x'));
		await endsWith(ws, closeFrame(1002));
	});
	test('7.1: an upgrade from polling agrees like a handshake', async (t) => {
		const g = await forTest(t, 'conformance', ['--per-message-deflate']);
		const { sid } = await (await fetch(`${g.url}/socket.io/?EIO=4&transport=polling`)).text().then((body) => JSON.parse(body.slice(1)));
		const ws = await openDeflating(t, g.port, `/socket.io/?EIO=4&transport=websocket&sid=${sid}`);

		ws.write(deflated(TEXT, '2probe'));
		assert.equal(await ws.text(), '3probe');
	});
});

describe('6 and 7.2: what comes in', () => {
	const hello = Buffer.from([0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]);
	const all = Buffer.concat([Buffer.from('4'), Buffer.from(Array.from({ length: 5000 }, (_, i) => 32 + ((i * i) % 90)))]);

	test('7.2.3.1: one block', (t) => isTaken(t, 'Hello', frame(BINARY, hello, { rsv: 4 })));
	test('7.2.3.1: in fragments: RSV1 in the first alone', (t) =>
		isTaken(t, 'Hello', frame(BINARY, hello.subarray(0, 3), { rsv: 4, fin: false }), frame(0, hello.subarray(3))));
	test('7.2.3.3: a block without compression', (t) =>
		isTaken(t, 'Hello', frame(BINARY, Buffer.from('000500faff48656c6c6f00', 'hex'), { rsv: 4 })));
	test('7.2.3.4: a last block', (t) => isTaken(t, 'Hello', frame(BINARY, Buffer.from('f348cdc9c9070000', 'hex'), { rsv: 4 })));
	test('7.2.3.5: two blocks', (t) => isTaken(t, 'Hello', frame(BINARY, Buffer.from('f248050000 00ffffcac9c90700'.replace(' ', ''), 'hex'), { rsv: 4 })));
	test('7.2.3.6: an empty message', (t) => isTaken(t, ['', ''], frame(BINARY, Buffer.from([0]), { rsv: 4 }), frame(BINARY, '', { rsv: 4 })));
	test('7.2.3.2: a message that goes on in the window of the one before: 1007', (t) => {
		const second = Buffer.from('f200110000', 'hex');

		return enter(t).then(async (ws) => {
			ws.write(Buffer.concat([frame(BINARY, hello, { rsv: 4 }), frame(BINARY, second, { rsv: 4 })]));
			assert.equal((await nextMessage(ws)).data.toString(), 'Hello');
			await endsWith(ws, closeFrame(1007));
		});
	});
	for (const level of [0, 1, 6, 9])
		for (const windowBits of [9, 15])
			test(`7.2: level ${level}, a window of 2^${windowBits}`, (t) => isTaken(t, all, frame(TEXT, deflate(all, { level, windowBits }), { rsv: 4 })));
	test('7.2: fixed codes', (t) => isTaken(t, all, frame(TEXT, deflate(all, { strategy: constants.Z_FIXED }), { rsv: 4 })));
	test('6: cut at every place, empty fragments, a ping in each gap', async (t) => {
		const payload = deflate('4Hällo 🏛');
		const frames = [];
		const ws = await enter(t);

		for (let at = 0; at <= payload.length; at++)
			frames.push(frame(TEXT, payload.subarray(0, at), { rsv: 4, fin: false }), frame(0, '', { fin: false }), frame(0, payload.subarray(at)));
		ws.write(Buffer.concat(frames));
		for (let at = 0; at <= payload.length; at++)
			assert.equal((await nextMessage(ws)).text, '4Hällo 🏛');
		ws.write(Buffer.concat([frame(TEXT, payload.subarray(0, 5), { rsv: 4, fin: false }), frame(PING, 'between')]));
		await receives(ws, out(PONG, 'between'));
		ws.write(Buffer.concat([frame(PONG, 'nobody asked'), frame(0, payload.subarray(5))]));
		assert.equal((await nextMessage(ws)).text, '4Hällo 🏛');
		await goesOn(ws);
	});
	test('6: byte by byte', async (t) => {
		const ws = await enter(t);

		for (const byte of deflated(TEXT, '4byte by byte')) {
			ws.write(Buffer.from([byte]));
			await new Promise(setImmediate);
		}
		assert.equal((await nextMessage(ws)).text, '4byte by byte');
	});
	test('6: deflated and not, in turns, also inside one write', (t) =>
		isTaken(t, ['4a', '4b', '4c', '4d'], deflated(TEXT, '4a'), frame(TEXT, '4b'), frame(TEXT, '4', { fin: false }), frame(0, 'c'), deflated(TEXT, '4d')));

	test('6: RSV1 in a continuation: 1002', (t) => isRefused(t, 1002, frame(BINARY, hello.subarray(0, 3), { rsv: 4, fin: false }), frame(0, hello.subarray(3), { rsv: 4 })));
	test('6: RSV1 in a continuation of what is not deflated: 1002', (t) => isRefused(t, 1002, frame(TEXT, '4a', { fin: false }), frame(0, 'b', { rsv: 4 })));
	for (const opcode of [8, PING, PONG])
		test(`6: RSV1 in a control frame (${opcode}): 1002`, (t) => isRefused(t, 1002, frame(opcode, '', { rsv: 4 })));
	for (const rsv of [1, 2, 3, 5, 6, 7])
		test(`6: RSV bits ${rsv.toString(2).padStart(3, '0')}: 1002`, (t) => isRefused(t, 1002, frame(BINARY, hello, { rsv })));
	test('5.2: an unmasked frame with RSV1: 1002', (t) => isRefused(t, 1002, frame(BINARY, hello, { rsv: 4, mask: false })));

	for (const [what, hex] of [['no deflate', '48656c6c6f'], ['a block of the reserved type', '06'], ['ends inside a block', 'f248cdc9'], ['a length that contradicts itself', '000500fafe48656c6c6f00'],
		['one byte', 'ff'], ['a wrong byte behind a last block', 'f348cdc9c9070006']])
		test(`7.2.2: ${what}: 1007`, (t) => isRefused(t, 1007, frame(BINARY, Buffer.from(hex, 'hex'), { rsv: 4 })));
	for (const [what, bytes] of [['a lone continuation', [0x34, 0x80]], ['cut at the end', [0x34, 0xe2, 0x82]], ['a surrogate', [0x34, 0xed, 0xa0, 0x80]]]) {
		test(`RFC 6455 8.1: invalid UTF-8 inside, ${what}: 1007`, (t) => isRefused(t, 1007, deflated(TEXT, Buffer.from(bytes))));
		test(`RFC 6455 8.1: the same in binary is fine (${what})`, (t) => isTaken(t, Buffer.from(bytes), deflated(BINARY, Buffer.from(bytes))));
	}
	test('RFC 6455 8.1: a text that is not deflated is checked as ever: 1007', async (t) => {
		const ws = await enter(t);

		ws.write(Buffer.concat([deflated(TEXT, '4x'), frame(TEXT, Buffer.from([0x34, 0xff]))]));
		await endsWith(ws, out(TEXT, '4x'), closeFrame(1007));
	});
});

describe('8: sizes', () => {
	const LIMIT = 1_000_000;
	const peak = (g) => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${g.pid}/status`, 'utf8'))[1]) / 1024; // MB

	test('exactly max_http_buffer_size comes back, one byte more: 1009', async (t) => {
		await isTaken(t, Buffer.alloc(LIMIT, '4'), deflated(TEXT, Buffer.alloc(LIMIT, '4')));
		await isRefused(t, 1009, deflated(TEXT, Buffer.alloc(LIMIT + 1, '4')));
		await isRefused(t, 1009, deflated(BINARY, Buffer.alloc(LIMIT + 1), {}));
	});
	test('bombs of 1:1000, in one frame and in fragments: 1009, and no memory for what they stand for', async (t) => {
		const bomb = deflate(Buffer.alloc(400_000_000));

		assert.ok(bomb.length < 500_000);
		await isRefused(t, 1009, deflated(BINARY, Buffer.alloc(LIMIT + 1)));
		const at = peak(echo());
		await isRefused(t, 1009, frame(BINARY, bomb, { rsv: 4 }));
		await isRefused(t, 1009, frame(BINARY, bomb.subarray(0, 1000), { rsv: 4, fin: false }), frame(0, bomb.subarray(1000)));
		await Promise.all(Array.from({ length: 20 }, () => isRefused(t, 1009, frame(BINARY, bomb, { rsv: 4 }))));
		assert.ok(peak(echo()) - at < 100, `${peak(echo()) - at} MB more`);
	});
	test('a bomb of many empty blocks: a message', (t) => isTaken(t, '', frame(BINARY, Buffer.from('000000ffff'.repeat(100_000) + '00', 'hex'), { rsv: 4 })));
	test('a bomb of many empty last blocks: a message', (t) => isTaken(t, '', frame(BINARY, Buffer.from('010000ffff'.repeat(100_000), 'hex'), { rsv: 4 })));
	test('a payload over the limit is refused by its head, however small what it stands for', (t) =>
		isRefused(t, 1009, frame(BINARY, '', { rsv: 4, claim: LIMIT + 1 })));
	test('max_fragments counts as ever', async (t) => {
		const e = await echoFor(t, ['--per-message-deflate', '--max-fragments', '2']);
		const payload = deflate('4abc');
		const ws = await enter(t, {}, e);

		ws.write(Buffer.concat([frame(TEXT, payload.subarray(0, 2), { rsv: 4, fin: false }), frame(0, payload.subarray(2))]));
		assert.equal((await nextMessage(ws)).text, '4abc');
		ws.write(Buffer.concat([frame(TEXT, '', { rsv: 4, fin: false }), frame(0, '', { fin: false }), frame(0, payload)]));
		await endsWith(ws, closeFrame(1008));
	});
});

describe('7.2.1: what goes out', () => {
	const say = async (ws, size, bits) => {
		const text = `4${'[1.5,"position"],'.repeat(size / 16).slice(0, size - 1)}`;

		ws.send(text);
		const answer = await nextMessage(ws, bits);
		assert.equal(answer.text, text);
		return answer;
	};

	test('from 1024 bytes on, and each message by itself', async (t) => {
		const ws = await enter(t);

		assert.equal((await say(ws, 1023)).deflated, false);
		for (const size of [1024, 1025, 4000, 65_600, 900_000, 1024]) {
			const answer = await say(ws, size);

			assert.equal(answer.deflated, true);
			assert.ok(answer.size < size / 4);
		}
	});
	test('compression_threshold', async (t) => {
		const ws = await enter(t, {}, await echoFor(t, ['--per-message-deflate', '--compression-threshold', '100B']));

		assert.equal((await say(ws, 99)).deflated, false);
		assert.equal((await say(ws, 100)).deflated, true);
		ws.raw.socket.destroy();
	});
	test('what does not become smaller is sent as it is', async (t) => {
		const ws = await enter(t);
		const noise = Buffer.from(Array.from({ length: 5000 }, (_, i) => (Math.imul(i * i + 7, 2654435761) >>> 11) & 255));

		ws.sendBinary(noise);
		const answer = await nextMessage(ws);
		assert.equal(answer.deflated, deflate(noise).length < noise.length);
		assert.deepEqual(answer.data, noise);
	});
	test('order holds between deflated, plain and binary', async (t) => {
		const ws = await enter(t);
		const said = Array.from({ length: 300 }, (_, i) => `4${i}${'x'.repeat(i % 3 === 0 ? 3000 : i % 3)}`);

		ws.write(Buffer.concat(said.map((text, i) => (i % 2 ? deflated(TEXT, text) : frame(TEXT, text)))));
		for (const text of said)
			assert.equal((await nextMessage(ws)).text, text);
	});
	for (const bits of [8, 9, 10, 12, 14])
		test(`7.1.2.1: a window of 2^${bits}: what fits is deflated and can be read with it, what does not is sent as it is`, async (t) => {
			const e = await echoFor(t, ['--per-message-deflate', '--compression-threshold', '100B']);
			const ws = await enter(t, { offer: `${OFFER}; server_max_window_bits=${bits}`, answer: `${AGREED}; server_max_window_bits=${bits}` }, e);

			// zlib makes no window of 2^8 for raw deflate.
			assert.equal((await say(ws, 2 ** bits - 10, Math.max(bits, 9))).deflated, true);
			assert.equal((await say(ws, 2 ** bits + 10)).deflated, false);
			ws.raw.socket.destroy();
		});
});

describe('pings and pongs', () => {
	test('50 at once are fine, with a message behind', async (t) => {
		const ws = await echo().enter(t);

		ws.write(Buffer.concat([...Array.from({ length: 50 }, () => frame(PONG, '')), frame(TEXT, '4x')]));
		await receives(ws, out(TEXT, '4x'));
	});
	for (const [what, opcode] of [['pings', PING], ['pongs', PONG]])
		test(`a flood of ${what}: 1008`, async (t) => {
			const ws = await echo().enter(t);
			let f;

			ws.write(Buffer.concat(Array.from({ length: 100_000 }, () => frame(opcode, 'flood'))));
			do
				f = await ws.next();
			while (f.opcode === PONG);
			assert.deepEqual([f.opcode, f.payload.toString('hex')], [8, '03f0']);
			assert.equal(await ws.raw.closed(), 'fin');
			ws.raw.finish();
			await echo().serves();
		});
	test('max_control_frames: at the limit and one past it; 0: no limit', async (t) => {
		const e = await echoFor(t, ['--max-control-frames', '3']);
		const many = (n) => Buffer.concat([...Array.from({ length: n }, () => frame(PONG, '')), frame(TEXT, '4x')]);
		const [three, four, any] = [await e.enter(t), await e.enter(t), await (await echoFor(t, ['--max-control-frames', '0'])).enter(t)];

		three.write(many(3));
		await receives(three, out(TEXT, '4x'));
		four.write(many(4));
		await endsWith(four, closeFrame(1008));
		any.write(many(2000));
		await receives(any, out(TEXT, '4x'));
		three.raw.socket.destroy();
		any.raw.socket.destroy();
	});
	test('a close frame is not counted', async (t) => {
		const ws = await (await echoFor(t, ['--max-control-frames', '1'])).enter(t);

		ws.write(Buffer.concat([frame(PONG, ''), frame(8, Buffer.from([3, 0xe8]))]));
		await endsWith(ws, closeFrame(1000));
	});
	test('10^6 empty messages come back, and the next one too', async (t) => {
		const ws = await echo().enter(t);
		const N = 1_000_000;

		let got = 0;
		ws.raw.socket.removeAllListeners('data');
		const done = new Promise((resolve) => ws.raw.socket.on('data', (data) => (got += data.length) >= N * 2 + 4 && resolve()));
		const some = Buffer.concat(Array.from({ length: 10_000 }, () => frame(BINARY)));
		for (let i = 0; i < N / 10_000; i++) {
			if (!ws.raw.socket.write(some))
				await deadline(new Promise((resolve) => ws.raw.socket.once('drain', resolve)), 'the echo to read', undefined, 4 * PATIENCE_MS);
		}
		ws.raw.socket.write(frame(TEXT, '4x'));
		await deadline(done, 'all of them', () => `${got} bytes`, 6 * PATIENCE_MS);
		assert.equal(got, N * 2 + 4);
	});
});
