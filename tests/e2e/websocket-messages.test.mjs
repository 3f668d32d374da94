// RFC 6455 8 and 10.4: UTF-8 and sizes of messages, to the byte.

import { after, before, describe, test } from 'node:test';
import { bytes, closeFrame, echoFor, endsWith, isRefused, isTaken, out, receives, shareEcho } from './lib/echo.mjs';
import { BINARY, frame, PING, PONG, TEXT } from './lib/raw.mjs';

const echo = shareEcho(before, after);
const LIMIT = 1_000_000; // max_http_buffer_size when nothing is said
const hex = (data) => Buffer.from(data).toString('hex');
const text = (...data) => Buffer.concat([Buffer.from('4'), ...data.map((d) => Buffer.from(d))]);

// A text message in frames that end at these places.
function cutAt(data, ...places) {
	const ends = [...places, data.length];

	return Buffer.concat(ends.map((end, i) => frame(i === 0 ? TEXT : 0, data.subarray(ends[i - 1] ?? 0, end), { fin: i === ends.length - 1 })));
}

describe('8.1: UTF-8', () => {
	const VALID = [
		['ASCII', 'Hello'], ['Greek', 'κόσμε'], ['NUL', 'a\0b'], ['U+007F U+0080', '\x7f\x80'], ['U+07FF U+0800', '\u07ff\u0800'],
		['U+D7FF U+E000', '\ud7ff\ue000'], ['U+FFFD U+FFFE U+FFFF', '\ufffd\ufffe\uffff'], ['U+10000 U+10FFFF', '\u{10000}\u{10ffff}'], ['a byte order mark', '\ufeffx'],
	];
	const INVALID = [
		['a lone continuation', [0x80]], ['the last continuation', [0xbf]], ['two continuations', [0x80, 0xbf]],
		['a lead without its continuation', [0xc3, 0x41]], ['three bytes, one missing', [0xe2, 0x82, 0x41]], ['four bytes, one missing', [0xf0, 0x9f, 0x8f, 0x41]],
		['overlong NUL', [0xc0, 0x80]], ['overlong /', [0xc0, 0xaf]], ['overlong in two', [0xc1, 0xbf]], ['overlong in three', [0xe0, 0x80, 0xaf]],
		['overlong U+07FF', [0xe0, 0x9f, 0xbf]], ['overlong in four', [0xf0, 0x80, 0x80, 0xaf]], ['overlong U+FFFF', [0xf0, 0x8f, 0xbf, 0xbf]],
		['surrogate D800', [0xed, 0xa0, 0x80]], ['surrogate DFFF', [0xed, 0xbf, 0xbf]], ['a pair of surrogates', [0xed, 0xa0, 0x80, 0xed, 0xb0, 0x80]],
		['U+110000', [0xf4, 0x90, 0x80, 0x80]], ['a lead F5', [0xf5, 0x80, 0x80, 0x80]], ['five bytes', [0xf8, 0x88, 0x80, 0x80, 0x80]],
		['six bytes', [0xfc, 0x84, 0x80, 0x80, 0x80, 0x80]], ['FE', [0xfe]], ['FF', [0xff]],
	];

	for (const [what, valid] of VALID) {
		test(`8.1: ${what}: whole, and cut at every place`, async (t) => {
			const data = text(valid);
			const all = [frame(TEXT, data)];

			for (let i = 0; i <= data.length; i++)
				for (let j = i; j <= data.length; j++)
					all.push(cutAt(data, i, j));
			await isTaken(t, echo(), Buffer.concat(all), ...all.map(() => out(TEXT, data)));
		});
	}
	for (const [what, invalid] of INVALID) {
		test(`8.1: ${what} (${hex(invalid)}): 1007, whole and cut at every place`, async (t) => {
			const data = text('é', invalid, 'x');

			await isRefused(t, echo(), frame(TEXT, data), closeFrame(1007));
			for (let i = 0; i <= data.length; i++)
				await isRefused(t, echo(), cutAt(data, i), closeFrame(1007));
		});
		test(`8.1: ${what} (${hex(invalid)}) is fine in binary`, (t) => isTaken(t, echo(), frame(BINARY, Buffer.from(invalid)), out(BINARY, Buffer.from(invalid))));
	}
	for (const character of ['é', '€', '🏛']) {
		const data = text(character);

		for (let n = 2; n < data.length; n++) {
			const cut = data.subarray(0, n);

			test(`8.1: a message that ends inside a character (${hex(cut)}): 1007`, (t) => isRefused(t, echo(), frame(TEXT, cut), closeFrame(1007)));
			test(`8.1: the same, in fragments (${hex(cut)}): 1007`, (t) => isRefused(t, echo(), cutAt(cut, 1, n - 1), closeFrame(1007)));
			test(`8.1: the same, and an empty last fragment (${hex(cut)}): 1007`, (t) => isRefused(t, echo(), cutAt(cut, n), closeFrame(1007)));
		}
	}
	test('8.1: one message does not go on in the next', (t) =>
		isRefused(t, echo(), Buffer.concat([frame(TEXT, text([0xc3])), frame(TEXT, Buffer.from([0xa9]))]), closeFrame(1007)));
	test('8.1: a ping inside a character', async (t) => {
		const ws = await echo().enter(t);

		ws.write(Buffer.concat([frame(TEXT, text([0xe2]), { fin: false }), frame(PING, Buffer.from([0xff]))]));
		await receives(ws, out(PONG, Buffer.from([0xff])));
		ws.write(Buffer.concat([frame(0, Buffer.from([0x82]), { fin: false }), frame(0, Buffer.from([0xac]))]));
		await receives(ws, out(TEXT, '4€'));
	});
	for (let shift = 0; shift < 3; shift++)
		test(`8.1: a long text, wherever the reads cut it (${shift})`, async (t) => {
			const data = text('x'.repeat(shift), '€🏛é'.repeat(3000));

			await isTaken(t, echo(), frame(TEXT, data), out(TEXT, data));
			await isRefused(t, echo(), frame(TEXT, Buffer.concat([data, Buffer.from([0xff])])), closeFrame(1007));
		});
});

describe('10.4: max_http_buffer_size', () => {
	// In one frame, or in frames of `size`.
	const fragments = (opcode, data, size) => {
		const frames = [];

		for (let at = 0; at < data.length; at += size)
			frames.push(frame(at === 0 ? opcode : 0, data.subarray(at, at + size), { fin: at + size >= data.length }));
		return Buffer.concat(frames);
	};

	for (const [what, opcode, fill] of [['text', TEXT, '4'], ['binary', BINARY, 'x']]) {
		const most = Buffer.alloc(LIMIT, fill);
		const more = Buffer.alloc(LIMIT + 1, fill);

		test(`10.4: ${what} of exactly the limit comes back`, (t) => isTaken(t, echo(), frame(opcode, most), out(opcode, most)));
		test(`10.4: ${what} of one byte more: 1009`, (t) => isRefused(t, echo(), frame(opcode, more), closeFrame(1009)));
		for (const size of [1000, 333_333, 999_999]) {
			test(`10.4: ${what} of exactly the limit in fragments of ${size} comes back`, (t) => isTaken(t, echo(), fragments(opcode, most, size), out(opcode, most)));
			test(`10.4: ${what} of one byte more in fragments of ${size}: 1009`, (t) => isRefused(t, echo(), fragments(opcode, more, size), closeFrame(1009)));
		}
	}
	for (const claim of [LIMIT + 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53])
		test(`10.4: a length of ${claim} is refused by its head: 1009`, (t) => isRefused(t, echo(), frame(BINARY, '', { claim }), closeFrame(1009)));
	test('10.4: a length that makes the sum of fragments one too large is refused by its head: 1009', (t) =>
		isRefused(t, echo(), Buffer.concat([frame(BINARY, Buffer.alloc(1000), { fin: false }), frame(0, '', { claim: LIMIT - 999 })]), closeFrame(1009)));
	test('10.4: a length of 2^63 - 1: 1009', (t) => isRefused(t, echo(), bytes([0x82, 0xff, 0x7f, ...Array(7).fill(255)], 'x'), closeFrame(1009)));
	test('10.4: a length of 2^63: 1002', (t) => isRefused(t, echo(), frame(BINARY, 'x', { claim: 2 ** 63 }), closeFrame(1002)));
	test('10.4: lengths whose sum wraps around: 1009', (t) =>
		isRefused(t, echo(), Buffer.concat([frame(BINARY, Buffer.alloc(1000), { fin: false }), bytes([0x80, 0xff, 0x7f, ...Array(7).fill(255)], 'x')]), closeFrame(1009)));
	test('10.4: who goes on sending behind one byte too many still gets the 1009', (t) =>
		isRefused(t, echo(), Buffer.concat([frame(BINARY, Buffer.alloc(LIMIT + 1)), Buffer.alloc(3_000_000, 'x')]), closeFrame(1009)));
	test('10.4: the limit can be set', async (t) => {
		const g = await echoFor(t, ['--max-http-buffer-size', '100B']);

		await isTaken(t, g, frame(BINARY, Buffer.alloc(100)), out(BINARY, Buffer.alloc(100)));
		await isRefused(t, g, frame(BINARY, Buffer.alloc(101)), closeFrame(1009));
		await isRefused(t, g, Buffer.concat([frame(BINARY, Buffer.alloc(100), { fin: false }), frame(0, 'x')]), closeFrame(1009));
		await isTaken(t, g, Buffer.concat([frame(BINARY, Buffer.alloc(100), { fin: false }), frame(0)]), out(BINARY, Buffer.alloc(100)));
	});
});

describe('10.4: max_fragments', () => {
	const empties = (n) => {
		const one = frame(0, '', { fin: false });

		return Buffer.concat([frame(BINARY, '', { fin: false }), ...Array(n - 2).fill(one), frame(0)]);
	};

	test('10.4: CVE-2026-62389: 100,000 empty fragments: 1008', (t) => isRefused(t, echo(), empties(100_000), closeFrame(1008)));
	test('10.4: 16384 empty fragments are a message, one more is not', async (t) => {
		await isTaken(t, echo(), empties(16384), out(BINARY));
		await isRefused(t, echo(), empties(16385), closeFrame(1008));
	});
	test('10.4: CVE-2026-48779: fragments of one byte count the same', async (t) => {
		const bits = (n) => Buffer.concat(Array.from({ length: n }, (_, i) => frame(i === 0 ? BINARY : 0, 'x', { fin: i === n - 1 })));

		await isTaken(t, echo(), bits(16384), out(BINARY, 'x'.repeat(16384)));
		await isRefused(t, echo(), bits(16385), closeFrame(1008));
	});
	test('10.4: the limit can be set; control frames do not count', async (t) => {
		const g = await echoFor(t, ['--max-fragments', '3']);
		const ws = await g.enter(t);

		for (const part of [frame(TEXT, '4', { fin: false }), frame(0, 'a', { fin: false })]) {
			ws.write(Buffer.concat([part, frame(PING, 'p')]));
			await receives(ws, out(PONG, 'p'));
		}
		ws.write(frame(0, 'b'));
		await receives(ws, out(TEXT, '4ab'));
		ws.raw.socket.destroy();
		await isRefused(t, g, Buffer.concat([frame(TEXT, '4', { fin: false }), frame(0, 'a', { fin: false }), frame(0, 'b', { fin: false }), frame(0)]), closeFrame(1008));
	});
	test('10.4: the count begins anew with each message', async (t) => {
		const g = await echoFor(t, ['--max-fragments', '2']);
		const two = Buffer.concat([frame(TEXT, '4', { fin: false }), frame(0, 'a')]);

		await isTaken(t, g, Buffer.concat(Array(20).fill(two)), ...Array(20).fill(out(TEXT, '4a')));
	});
});

test('5.4: a frame that comes in many reads is one fragment', async (t) => {
	const g = await echoFor(t, ['--max-fragments', '2']);
	const ws = await g.enter(t);
	const data = Buffer.alloc(50_000, 'x');
	const all = Buffer.concat([frame(BINARY, data, { fin: false }), frame(0, 'y')]);

	for (let at = 0; at < all.length; at += 500) {
		ws.write(all.subarray(at, at + 500));
		await new Promise(setImmediate);
	}
	await receives(ws, out(BINARY, Buffer.concat([data, Buffer.from('y')])));
	ws.write(frame(3));
	await endsWith(ws, closeFrame(1002));
});
