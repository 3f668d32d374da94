// RFC 6455 5.5.1 and 7: how a connection ends, to the byte.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { closeFrame, echoFor, endsWith, goesOn, isRefused, out, receives, shareEcho, status } from './lib/echo.mjs';
import { BINARY, CLOSE, frame, PING, TEXT } from './lib/raw.mjs';

const echo = shareEcho(before, after);
const refused = (name, data, code) => test(`${name}: ${code ?? 'answered without a status'}`, (t) => isRefused(t, echo(), data, closeFrame(code)));
const MB = 1 << 20;

// The line that tells of this session's end.
const told = (g, ws, why = '') => g.line(new RegExp(`\\bclosed sid=${ws.opened.sid} why="?${why}`));

describe('7.4: status codes', () => {
	const RIGHT = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999];
	const WRONG = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 9999, 65535];

	for (const code of RIGHT)
		refused(`7.4: ${code} is echoed`, frame(CLOSE, status(code)), code);
	for (const code of WRONG)
		refused(`7.4: ${code} is refused`, frame(CLOSE, status(code)), 1002);
	refused('7.4: a valid code with a reason', frame(CLOSE, status(1000, 'going away')), 1000);
	refused('7.4: a code that nobody may send, with a reason', frame(CLOSE, status(1006, 'why')), 1002);
});

describe('5.5.1: close frames', () => {
	refused('5.5.1: without a payload', frame(CLOSE), undefined);
	refused('5.5.1: one byte of payload', frame(CLOSE, Buffer.from([3])), 1002);
	refused('5.5.1: a reason of 123 bytes', frame(CLOSE, status(1000, 'x'.repeat(123))), 1000);
	refused('5.5.1: a reason of 123 bytes, not ASCII', frame(CLOSE, status(3000, '€'.repeat(41))), 3000);
	for (const reason of [[0xff, 0xfe], [0x80], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0x41, 0xf4, 0x90, 0x80, 0x80]])
		refused(`8.1: a reason that is not UTF-8 (${Buffer.from(reason).toString('hex')})`, frame(CLOSE, status(1000, Buffer.from(reason))), 1007);
	refused('8.1: a reason with a cut character at its end', frame(CLOSE, status(1000, Buffer.from([0x41, 0xe2, 0x82]))), 1007);
	refused('5.5.1: a close inside a message', Buffer.concat([frame(TEXT, '4a', { fin: false }), frame(CLOSE, status(1000))]), 1000);
	refused('5.5.1: a close with a reason inside a character', Buffer.concat([frame(TEXT, Buffer.from([0x34, 0xe2]), { fin: false }), frame(CLOSE, status(1000, 'why'))]), 1000);
	refused('5.5.1: what follows a close is dropped: text', Buffer.concat([frame(CLOSE, status(1000)), frame(TEXT, '4late')]), 1000);
	refused('5.5.1: what follows a close is dropped: a ping', Buffer.concat([frame(CLOSE, status(1000)), frame(PING, 'late')]), 1000);
	refused('5.5.1: what follows a close is dropped: another close', Buffer.concat([frame(CLOSE, status(1000)), frame(CLOSE, status(1001))]), 1000);
	refused('5.5.1: what follows a close is dropped: 500 kB', Buffer.concat([frame(CLOSE, status(1000)), Buffer.alloc(500_000, 'x')]), 1000);
	refused('5.5.1: what follows a close is dropped: a frame that is none', Buffer.concat([frame(CLOSE, status(1000)), Buffer.from([0xff, 0xff])]), 1000);
	test('5.5.1: a message right before a close reaches the application', async (t) => {
		const ws = await echo().enter(t);

		ws.write(Buffer.concat([frame(TEXT, '4last'), frame(CLOSE, status(1000))]));
		assert.match(await told(echo(), ws, 'transport close'), /\bin=1\b/);
	});
});

describe('7: ends', () => {
	test('7.1.1: the server ends its side first, and lets the peer finish for a while', async (t) => {
		const ws = await echo().enter(t);

		ws.write(frame(CLOSE, status(1000)));
		await receives(ws, closeFrame(1000));
		assert.equal(await ws.raw.closed(), 'fin');
		ws.write(Buffer.alloc(100_000, 'x'));
		ws.raw.finish();
	});
	test('7.1.1: a peer that does not end its side is cut after close_timeout', async (t) => {
		const g = await echoFor(t, ['--close-timeout', '200ms']);
		const ws = await g.enter(t);

		ws.write(frame(CLOSE, status(1000)));
		await receives(ws, closeFrame(1000));
		assert.equal(await ws.raw.closed(), 'fin');
		await g.settled();
	});
	for (const [how, leave] of [['FIN', (raw) => raw.finish()], ['RST', (raw) => raw.reset()]]) {
		test(`7.1.7: a peer that leaves without a close (${how})`, async (t) => {
			const ws = await echo().enter(t);

			await goesOn(ws);
			leave(ws.raw);
			await told(echo(), ws, 'transport close');
		});
		test(`7.1.7: a peer that leaves inside a frame (${how})`, async (t) => {
			const ws = await echo().enter(t);

			ws.write(frame(BINARY, Buffer.alloc(1000)).subarray(0, 500));
			leave(ws.raw);
			await told(echo(), ws, 'transport close');
		});
	}
	test('2.4: what breaks the protocol is "transport error", a close is "transport close"', async (t) => {
		const bad = await echo().enter(t);
		const good = await echo().enter(t);

		bad.write(frame(3));
		good.write(frame(CLOSE, status(1000)));
		await told(echo(), bad, 'transport error');
		await told(echo(), good, 'transport close');
	});
	test('2.4: the server closes by a close frame without a status', (t) => isRefused(t, echo(), frame(TEXT, '1'), closeFrame()));
});

describe('5.5.1: a close behind output', () => {
	const large = Buffer.alloc(8 * MB, 'x');
	const flags = ['--max-http-buffer-size', '16MB', '--max-send-queue', '64MB'];

	// A peer that asks for much, and does not read on when the answer begins.
	const ask = async (t, g) => {
		const ws = await g.enter(t);
		const begins = new Promise((resolve) => ws.raw.socket.once('data', resolve));

		ws.write(frame(BINARY, large));
		await begins;
		ws.raw.socket.pause();
		return ws;
	};
	const rows = [
		['the peer closes: everything arrives, then the answer, then the end', frame(CLOSE, status(1001)), 'transport close', 1001],
		['the server closes: everything arrives, then its close, then the end', frame(TEXT, '1'), 'transport close', undefined],
		['the peer breaks the protocol: what was sent before arrives, then 1002, then the end', frame(3), 'transport error', 1002],
		['the peer sends too much: what was sent before arrives, then 1009, then the end', frame(BINARY, 'x', { claim: 20_000_000 }), 'transport error', 1009],
	];

	for (const [what, data, why, code] of rows) {
		test(what, async (t) => {
			const g = await echoFor(t, flags);
			const ws = await ask(t, g);

			ws.write(data);
			// Of a broken protocol the session hears when the output has left.
			if (code !== 1002)
				await told(g, ws, why);
			ws.raw.socket.resume();
			await endsWith(ws, out(BINARY, large), closeFrame(code));
			await told(g, ws, why);
		});
	}

	// Concurrent: they take as long as the server's deadline. Those before must be faster than that, and are alone.
	describe('and never leaves', { concurrency: true }, () => {
		const ends = [
			['the peer closes', frame(CLOSE, status(1000)), 'transport close'],
			['the server closes', frame(TEXT, '1'), 'transport close'],
			['the peer breaks the protocol', frame(3), 'transport error'],
		];

		for (const [what, data, why] of ends) {
			test(`${what}: a peer that never reads is gone within the drain deadline`, async (t) => {
				const g = await echoFor(t, flags);
				const ws = await ask(t, g);
				const started = Date.now();

				ws.write(data);
				await told(g, ws, why);
				await g.settled();
				assert.ok(Date.now() - started >= 4900, `it had only ${Date.now() - started} ms to read`);
				await g.serves();
			});
		}

		test('a peer that never reads and lets more than max_send_queue wait is closed as slow, and gone', async (t) => {
			const g = await echoFor(t, ['--max-http-buffer-size', '16MB', '--max-send-queue', '1MB']);
			const ws = await ask(t, g);

			for (let i = 0; i < 5; i++)
				ws.write(frame(BINARY, Buffer.alloc(MB / 2)));
			await told(g, ws);
			await g.serves();
			await g.settled();
		});
	});
});
