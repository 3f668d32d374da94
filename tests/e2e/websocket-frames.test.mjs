// RFC 6455 5: frames, to the byte.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { bytes, closeFrame, endsWith, goesOn, isRefused, isTaken, out, receives, shareEcho } from './lib/echo.mjs';
import { BINARY, frame, PING, PONG, TEXT } from './lib/raw.mjs';

const echo = shareEcho(before, after);
const refused = (name, data, code) => test(`${name}: ${code}`, (t) => isRefused(t, echo(), data, closeFrame(code)));
const taken = (name, data, ...frames) => test(name, (t) => isTaken(t, echo(), data, ...frames));

describe('5.1: masks', () => {
	refused('5.1: unmasked text', frame(TEXT, '4hi', { mask: false }), 1002);
	refused('5.1: unmasked binary, empty', frame(BINARY, '', { mask: false }), 1002);
	refused('5.1: unmasked ping', frame(PING, 'x', { mask: false }), 1002);
	refused('5.1: unmasked close', frame(8, Buffer.from([3, 0xe8]), { mask: false }), 1002);
	refused('5.1: unmasked continuation', Buffer.concat([frame(TEXT, '4a', { fin: false }), frame(0, 'b', { mask: false })]), 1002);
	taken('5.3: a key of zeros is a key', bytes([0x81, 0x83], '4hi', Buffer.alloc(4)), out(TEXT, '4hi'));
	taken('5.3: each frame has its own key', Buffer.concat([bytes([0x81, 0x83], '4hi', Buffer.from('abcd')), bytes([0x81, 0x83], '4ho', Buffer.from([255, 0, 255, 0]))]),
		out(TEXT, '4hi'), out(TEXT, '4ho'));
});

describe('5.2: lengths', () => {
	const uint64 = (n) => [0, 0, 0, 0, n >>> 24, (n >> 16) & 255, (n >> 8) & 255, n & 255];

	for (const n of [0, 5, 125])
		refused(`5.2: a 16-bit length of ${n}`, bytes([0x82, 0xfe, 0, n], 'x'.repeat(n)), 1002);
	for (const n of [0, 5, 125, 126, 300, 65535])
		refused(`5.2: a 64-bit length of ${n}`, bytes([0x82, 0xff, ...uint64(n)], 'x'.repeat(n)), 1002);
	refused('5.2: a 64-bit length with the top bit', bytes([0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 1], 'x'), 1002);
	refused('5.2: a 64-bit length of all ones', bytes([0x82, 0xff, ...Array(8).fill(255)], 'x'), 1002);
	for (const n of [0, 1, 124, 125, 126, 127, 128, 254, 255, 256, 1023, 1024, 1025, 65534, 65535, 65536, 65537])
		taken(`5.2: a message of ${n} bytes comes back with the shortest length`, frame(BINARY, Buffer.alloc(n, 'x')), out(BINARY, Buffer.alloc(n, 'x')));
});

describe('5.2: reserved bits', () => {
	for (let rsv = 1; rsv <= 7; rsv++)
		refused(`5.2: RSV bits ${rsv.toString(2).padStart(3, '0')} in a text`, frame(TEXT, '4hi', { rsv }), 1002);
	refused('5.2: RSV1 in a ping', frame(PING, 'x', { rsv: 4 }), 1002);
	refused('5.2: RSV3 in a close', frame(8, '', { rsv: 1 }), 1002);
	refused('5.2: RSV2 in a continuation', Buffer.concat([frame(TEXT, '4a', { fin: false }), frame(0, 'b', { rsv: 2 })]), 1002);
	refused('5.2: RSV2 with 500 kB behind it: the close arrives', Buffer.concat([frame(TEXT, 'x', { rsv: 2 }), Buffer.alloc(500_000, 'x')]), 1002);
});

describe('5.2: opcodes', () => {
	for (const opcode of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) {
		refused(`5.2: opcode ${opcode}`, frame(opcode, 'x'), 1002);
		refused(`5.2: opcode ${opcode}, empty`, frame(opcode), 1002);
	}
	refused('5.2: opcode 3 inside a message', Buffer.concat([frame(TEXT, '4a', { fin: false }), frame(3, 'b')]), 1002);
});

describe('5.4: fragments', () => {
	refused('5.4: a continuation first', frame(0, 'x'), 1002);
	refused('5.4: a continuation first, not final', frame(0, 'x', { fin: false }), 1002);
	test('5.4: a continuation after a whole message: 1002', async (t) => {
		const ws = await echo().enter(t);

		await goesOn(ws);
		ws.write(frame(0, 'b'));
		await endsWith(ws, closeFrame(1002));
	});
	for (const first of [TEXT, BINARY])
		for (const second of [TEXT, BINARY])
			for (const fin of [true, false])
				refused(`5.4: opcode ${second}${fin ? '' : ', not final,'} inside the fragments of ${first}`,
					Buffer.concat([frame(first, '4a', { fin: false }), frame(second, 'b', { fin })]), 1002);
	taken('5.4: text in fragments', Buffer.concat([frame(TEXT, '4a', { fin: false }), frame(0, 'b', { fin: false }), frame(0, 'c')]), out(TEXT, '4abc'));
	taken('5.4: binary in fragments', Buffer.concat([frame(BINARY, 'a', { fin: false }), frame(0, 'b')]), out(BINARY, 'ab'));
	taken('5.4: empty fragments', Buffer.concat([frame(TEXT, '', { fin: false }), frame(0, '', { fin: false }), frame(0, '4a', { fin: false }), frame(0)]), out(TEXT, '4a'));
	taken('5.4: all fragments empty', Buffer.concat([frame(BINARY, '', { fin: false }), frame(0)]), out(BINARY));
});

describe('5.5: control frames', () => {
	for (const opcode of [8, PING, PONG]) {
		refused(`5.5: opcode ${opcode} in fragments`, frame(opcode, '', { fin: false }), 1002);
		for (const size of [126, 127, 65536])
			refused(`5.5: opcode ${opcode} with ${size} bytes`, frame(opcode, Buffer.alloc(size, 'x')), 1002);
	}
});

describe('5.5.2: pings', () => {
	const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i));

	for (const payload of ['', 'x', '1234', all.subarray(0, 125), all.subarray(131)])
		taken(`5.5.3: a pong has exactly the ping's payload (${payload.length} bytes)`, frame(PING, payload), out(PONG, payload));
	taken('5.5.2: CVE-2016-10518: a ping whose payload is a number', frame(PING, Buffer.from('65535')), out(PONG, '65535'));
	test('5.5.2: pings one after the other are all answered', async (t) => {
		const ws = await echo().enter(t);

		for (let i = 0; i < 10; i++) {
			ws.write(frame(PING, `ping ${i}`));
			await receives(ws, out(PONG, `ping ${i}`));
		}
	});
	test('5.5.3: of ten pings in one segment at least the last is answered', async (t) => {
		const ws = await echo().enter(t);
		let answer;

		ws.write(Buffer.concat(Array.from({ length: 10 }, (_, i) => frame(PING, `ping ${i}`))));
		do
			answer = await ws.next('the pong of the last ping');
		while (answer.payload.toString() !== 'ping 9');
	});
	test('5.5.2: a ping between fragments is answered before the message is whole', async (t) => {
		const ws = await echo().enter(t);

		ws.write(Buffer.concat([frame(TEXT, '4a', { fin: false }), frame(PING, all.subarray(128, 200))]));
		await receives(ws, out(PONG, all.subarray(128, 200)));
		ws.write(Buffer.concat([frame(0, 'b', { fin: false }), frame(PING)]));
		await receives(ws, out(PONG));
		ws.write(frame(0, 'c'));
		await receives(ws, out(TEXT, '4abc'));
	});
	test('5.5.3: a pong that nobody asked for changes nothing: alone, after a text, inside one', (t) =>
		isTaken(t, echo(), Buffer.concat([
			frame(PONG, all.subarray(200)), frame(TEXT, '4a'), frame(PONG, all.subarray(200)),
			frame(TEXT, Buffer.from('4\xc3', 'latin1'), { fin: false }), frame(PONG, all.subarray(200)), frame(0, Buffer.from([0xa9])),
		]), out(TEXT, '4a'), out(TEXT, '4é')));
});

test('5: a conversation byte by byte', async (t) => {
	const ws = await echo().enter(t);
	const said = Buffer.concat([frame(TEXT, '4é', { fin: false }), frame(PING, 'p'), frame(0, '€'), frame(BINARY, Buffer.alloc(130, 1))]);

	for (const byte of said) {
		ws.write(Buffer.from([byte]));
		await new Promise(setImmediate);
	}
	// The pong may fall behind, when the kernel has put bytes together again.
	const got = [await ws.next(), await ws.next(), await ws.next()];
	assert.deepEqual(got.filter((f) => f.opcode === PONG).map((f) => f.payload.toString()), ['p']);
	assert.deepEqual(got.filter((f) => f.opcode !== PONG).map((f) => f.payload), [Buffer.from('4é€'), Buffer.alloc(130, 1)]);
});
