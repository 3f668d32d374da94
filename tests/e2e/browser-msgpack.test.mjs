// 2.13, 2.14: the bundle with MessagePack, socket.io.msgpack.min.js, in headless Chromium. Its binary is an ArrayBuffer: of a
// typed array that bundle makes an object.

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { openPage, useBrowser } from './lib/browser.mjs';
import { CLIENT_DIR, Gateway } from './lib/gateway.mjs';

useBrowser(after);

const PAGE = '<!doctype html><link rel="icon" href="data:,"><title>MessagePack</title><script src="/socket.io/socket.io.msgpack.min.js"></script>';
let gateway, folder;

before(async () => {
	folder = await mkdtemp(path.join(tmpdir(), 'stoa-page-'));
	await writeFile(path.join(folder, 'index.html'), PAGE);
	gateway = await Gateway.start('conformance', ['--parser', 'msgpack', '--public', folder, '--client-dir', CLIENT_DIR]);
});
after(async () => {
	await gateway?.stop();
	await rm(folder, { recursive: true });
});

for (const transport of ['websocket', 'polling']) {
	test(`2.13: in a browser over ${transport}: dates, undefined and binary there and back, an ack both ways, a refusal`, async (t) => {
		const page = await openPage(t, gateway.url);
		const seen = await page.evaluate(async (transport) => {
			const socket = io({ transports: [transport] });
			const once = (name) => new Promise((resolve) => socket.once(name, (...args) => resolve(args)));
			const ask = (...args) => new Promise((resolve) => socket.emit(...args, (...answer) => resolve(answer)));
			const [auth] = await once('auth');
			const back = once('message-back');

			socket.on('q', (n, ack) => ack(n, new Date(5)));
			socket.emit('message', new Date(7), undefined, { a: undefined, list: [undefined] }, new Uint8Array([1, 2, 3]).buffer, 2 ** 40, 'é😀');
			const [date, none, object, bytes, number, text] = await back;
			const [n, when] = await ask('ask');
			const guard = io('/guard', { transports: [transport], auth: { data: 1 } });
			const error = await new Promise((resolve) => guard.once('connect_error', resolve));

			return { auth, date: date instanceof Date && date.getTime(), none: none === undefined, member: 'a' in object && object.a === undefined && object.list[0] === undefined,
				bytes: [...new Uint8Array(bytes)], number, text, n, when: when.getTime(), refused: [error.message, error.data], transport: socket.io.engine.transport.name };
		}, transport);

		assert.deepEqual(seen, { auth: {}, date: 7, none: true, member: true, bytes: [1, 2, 3], number: 2 ** 40, text: 'é😀', n: 1, when: 5,
			refused: ['not authorized', { content: 'Please retry later' }], transport });
	});
}
