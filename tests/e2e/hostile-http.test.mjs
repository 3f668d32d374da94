// Requests that are meant to be understood in two ways, and those that never end. After each the server answers a
// handshake at once.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { forTest, share } from './lib/gateway.mjs';
import { fetchRaw, HANDSHAKE, Polling, Raw } from './lib/raw.mjs';

const gateway = share(before, after, 'conformance');

async function alive(t, port = gateway().port) {
	assert.equal((await fetchRaw(t, port, 'GET', HANDSHAKE)).status, 200);
}

// What comes back for these bytes until the end: the statuses of the answers.
async function statuses(t, port, bytes) {
	const raw = await Raw.open(t, port);

	raw.write(Buffer.from(bytes, 'latin1'));
	await raw.closed();
	return [...raw.input.toString('latin1').matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}

// A second request hidden in what another reader would take for the body of the first.
const HIDDEN = `GET ${HANDSHAKE}&hidden=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;

describe('4: smuggling', () => {
	const rows = [
		['Content-Length and Transfer-Encoding', `Content-Length: ${HIDDEN.length + 5}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${HIDDEN}`, 400],
		['Transfer-Encoding and Content-Length', `Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n${HIDDEN}`, 400],
		['two Content-Lengths', `Content-Length: 0\r\nContent-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`, 400],
		['two equal Content-Lengths', `Content-Length: 0\r\nContent-Length: 0\r\n\r\n${HIDDEN}`, 400],
		['a list of Content-Lengths', `Content-Length: 0, 0\r\n\r\n${HIDDEN}`, 400],
		['Content-Length: +0', `Content-Length: +0\r\n\r\n${HIDDEN}`, 400],
		['Content-Length: -1', `Content-Length: -1\r\n\r\n${HIDDEN}`, 400],
		['Content-Length: 0x0', `Content-Length: 0x0\r\n\r\n${HIDDEN}`, 400],
		['Content-Length of 2^63', `Content-Length: 9223372036854775808\r\n\r\n${HIDDEN}`, 413],
		['Content-Length of 2^64', `Content-Length: 18446744073709551616\r\n\r\n${HIDDEN}`, 413],
		['Transfer-Encoding: xchunked', `Transfer-Encoding: xchunked\r\n\r\n${HIDDEN}`, 400],
		['Transfer-Encoding: chunked, identity', `Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${HIDDEN}`, 400],
		['Transfer-Encoding twice', `Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${HIDDEN}`, 400],
		['Transfer-Encoding: gzip', `Transfer-Encoding: gzip\r\n\r\n${HIDDEN}`, 501],
		['Transfer-Encoding behind a vertical tab', `Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n${HIDDEN}`, 400],
		['a space before the colon', `Content-Length : 0\r\n\r\n${HIDDEN}`, 400],
		['obs-fold', `X-One: 1\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n${HIDDEN}`, 400],
		['a bare LF in a header', `X-One: 1\nContent-Length: 0\r\n\r\n${HIDDEN}`, 400],
		['a bare CR in a header', `X-One: 1\rContent-Length: 0\r\n\r\n${HIDDEN}`, 400],
		['a bare LF as the end of the head', `Content-Length: 0\r\n\n${HIDDEN}`, 400],
		['a NUL', `X-One: 1\x00Content-Length: 0\r\n\r\n${HIDDEN}`, 400],
		['no name', `: 1\r\n\r\n${HIDDEN}`, 400],
		['two Hosts', `Host: y\r\nContent-Length: 0\r\n\r\n${HIDDEN}`, 400],
		['a chunk size with a sign', `Transfer-Encoding: chunked\r\n\r\n+0\r\n\r\n${HIDDEN}`, 400],
		['a chunk size of 2^64', `Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n${HIDDEN}`, [400, 413]],
		['a chunk line that ends with LF', `Transfer-Encoding: chunked\r\n\r\n0\n\r\n${HIDDEN}`, 400],
		['a chunk that is longer than it says', `Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n${HIDDEN}`, 400],
	];

	for (const [what, rest, status] of rows) {
		test(`4: ${what}: ${status}, once, then the end`, async (t) => {
			const p = await Polling.open(t, gateway().port);
			const got = await statuses(t, gateway().port, `POST ${p.target} HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n${rest}`);

			assert.equal(got.length, 1, `answers: ${got}`);
			assert.ok([status].flat().includes(got[0]), `${got[0]}`);
			await alive(t);
		});
	}

	for (const [what, head, status] of [
		['an absolute target', `GET http://x${HANDSHAKE} HTTP/1.1\r\nHost: y\r\n\r\n`, 400],
		['no Host', `GET ${HANDSHAKE} HTTP/1.1\r\n\r\n`, 400],
		['HTTP/2.0', `GET ${HANDSHAKE} HTTP/2.0\r\nHost: x\r\n\r\n`, 505],
		['HTTP/0.9', `GET ${HANDSHAKE}\r\n\r\n`, 400],
		['two spaces', `GET  ${HANDSHAKE} HTTP/1.1\r\nHost: x\r\n\r\n`, 400],
		['a tab', `GET\t${HANDSHAKE} HTTP/1.1\r\nHost: x\r\n\r\n`, 400],
		['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
		['an endless first line', `GET /${'a'.repeat(70_000)}`, 414],
		['an endless header', `GET / HTTP/1.1\r\nHost: x\r\nX-One: ${'a'.repeat(70_000)}`, 431],
		['10000 headers', `GET / HTTP/1.1\r\nHost: x\r\n${'a: b\r\n'.repeat(10_000)}\r\n`, 431],
		['a query of 65 kB', `GET ${HANDSHAKE}&x=${'a'.repeat(65_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 414],
	]) {
		test(`4: ${what}: ${status}`, async (t) => {
			assert.deepEqual(await statuses(t, gateway().port, head), [status]);
			await alive(t);
		});
	}

	test('4: what follows a body that nobody wanted is a request of its own, and no part of it', async (t) => {
		const got = await statuses(t, gateway().port, `POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}${HIDDEN}`);

		assert.deepEqual(got, [404, 200]);
	});
});

describe('4: slow requests', () => {
	const FLAGS = ['--head-timeout', '1s', '--body-timeout', '1s', '--keep-alive-timeout', '60s'];

	// Sends the bytes one by one until the end, and says how it ended.
	async function drip(t, port, bytes) {
		const raw = await Raw.open(t, port);
		let sent = 0;
		const dripping = setInterval(() => raw.over === null && raw.write(bytes[sent++ % bytes.length]), 20);

		t.after(() => clearInterval(dripping));
		await raw.closed('the server to lose patience');
		clearInterval(dripping);
		return /^HTTP\/1\.1 (\d+)/.exec(raw.input.toString('latin1'))?.[1];
	}

	test('4: a head byte by byte: 408 after head_timeout; others are served meanwhile', async (t) => {
		const g = await forTest(t, 'conformance', FLAGS);
		const slow = drip(t, g.port, `GET / HTTP/1.1\r\nX: ${'a'.repeat(5000)}`);

		await alive(t, g.port);
		assert.equal(await slow, '408');
		assert.equal((await g.metrics())['stoa_limit_total{limit="head_timeout"}'], 1);
	});

	for (const [what, lines, bytes] of [
		['a body', 'Content-Length: 5000', 'a'],
		['a chunked body', 'Transfer-Encoding: chunked', '1\r\na\r\n'],
	]) {
		test(`4: ${what} byte by byte: the end after body_timeout, and of its session; others are served meanwhile`, async (t) => {
			const g = await forTest(t, 'conformance', FLAGS);
			const p = await Polling.open(t, g.port);
			const raw = await Raw.open(t, g.port);
			let sent = 0;

			raw.write(`POST ${p.target} HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n${lines}\r\n\r\n`);
			const dripping = setInterval(() => raw.over === null && raw.write(bytes[sent++ % bytes.length]), 20);
			t.after(() => clearInterval(dripping));
			await alive(t, g.port);
			await raw.closed('the server to lose patience');
			assert.match(raw.input.toString('latin1'), /^HTTP\/1\.1 408 /);
			assert.ok(await p.isGone());
			assert.equal((await g.metrics())['stoa_limit_total{limit="body_timeout"}'], 1);
		});
	}
});
