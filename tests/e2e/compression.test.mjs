// What is compressed on its way to a client: polling answers (httpCompression), the client's bundle, static pages.

import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { brotliCompressSync, brotliDecompressSync, deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib';
import { connect } from './lib/client.mjs';
import { CLIENT_DIR, forTest, share } from './lib/gateway.mjs';
import { fetchRaw, HANDSHAKE, Polling, Raw, request, SEPARATOR } from './lib/raw.mjs';

const accept = (value) => [`Accept-Encoding: ${value}`];
const unpack = { gzip: gunzipSync, deflate: inflateSync, br: brotliDecompressSync };
const plainOf = ({ headers, bytes }) => (headers['content-encoding'] ? unpack[headers['content-encoding']](bytes) : bytes).toString();

describe('2.3: compression of polling answers', () => {
	const gateway = share(before, after, 'rows');
	const large = `42["plain","${'x'.repeat(2000)}"]`;

	// What a GET with such a header gets, when the server has just said something as large as that.
	async function answer(t, size, headers, { port = gateway().port, event = 'echo', name = 'echo' } = {}) {
		const p = await open(t, port);
		const text = `42["${name}","${'x'.repeat(size - 9 - name.length)}"]`;

		await p.post(text.replace(`"${name}"`, `"${event}"`));
		const response = await p.get(headers);
		assert.equal(response.status, 200);
		assert.equal(plainOf(response), text);
		assert.equal(text.length, size);
		assert.equal(response.headers['content-length'], String(response.bytes.length));
		assert.equal(response.headers['content-type'], 'text/plain; charset=UTF-8');
		assert.equal(response.headers['cache-control'], 'no-store');
		return response;
	}

	async function open(t, port) {
		const p = await Polling.open(t, port);

		await p.post('40');
		await p.packets();
		return p;
	}

	const rows = [
		['gzip', 'gzip'], ['deflate', 'deflate'], ['gzip, deflate, br, zstd', 'gzip'], ['deflate, gzip', 'gzip'], ['br', undefined], ['*', 'gzip'],
		['gzip;q=0.2, deflate;q=0.8', 'deflate'], ['gzip;q=0, deflate', 'deflate'], ['gzip;q=0, *;q=0', undefined], ['identity;q=0', undefined],
		['identity;q=0, gzip;q=0.1', 'gzip'], ['identity, gzip;q=0.5', undefined], ['', undefined], ['GZIP', 'gzip'],
	];

	for (const [value, encoding] of rows) {
		test(`2.3: Accept-Encoding "${value}": ${encoding ?? 'as it is'}`, async (t) => {
			const response = await answer(t, 2000, accept(value));

			assert.equal(response.headers['content-encoding'], encoding);
			if (encoding !== undefined)
				assert.ok(response.bytes.length < 200, `${response.bytes.length} bytes`);
		});
	}

	test('2.3: no Accept-Encoding: as it is; several lines of it are one list', async (t) => {
		assert.equal((await answer(t, 2000, [])).headers['content-encoding'], undefined);
		assert.equal((await answer(t, 2000, [...accept('gzip;q=0'), ...accept('deflate')])).headers['content-encoding'], 'deflate');
	});

	test('2.3: from compression_threshold on, to the byte', async (t) => {
		assert.equal((await answer(t, 1023, accept('gzip'))).headers['content-encoding'], undefined);
		assert.equal((await answer(t, 1024, accept('gzip'))).headers['content-encoding'], 'gzip');
		const g = await forTest(t, 'rows', ['--compression-threshold', '100B']);
		assert.equal((await answer(t, 99, accept('gzip'), { port: g.port })).headers['content-encoding'], undefined);
		assert.equal((await answer(t, 100, accept('gzip'), { port: g.port })).headers['content-encoding'], 'gzip');
	});

	test('2.3: http_compression off: never', async (t) => {
		const g = await forTest(t, 'rows', ['--no-http-compression']);

		assert.equal((await answer(t, 2000, accept('gzip'), { port: g.port })).headers['content-encoding'], undefined);
		assert.equal((await g.metrics())['stoa_http_compression_bytes_total{stage="in"}'], 0);
	});

	test('2.3: what the application sends uncompressed is not; with anything else in the payload it is', async (t) => {
		assert.equal((await answer(t, 2000, accept('gzip'), { name: 'plainly' , event: 'plainly' })).headers['content-encoding'], undefined);
		const p = await open(t, gateway().port);
		await p.post([`42["plainly","${'x'.repeat(2000)}"]`, '42["echo",1]'].join(SEPARATOR));
		const response = await p.get(accept('gzip'));
		assert.equal(response.headers['content-encoding'], 'gzip');
		assert.equal(plainOf(response), [`42["plainly","${'x'.repeat(2000)}"]`, '42["echo",1]'].join(SEPARATOR));
	});

	test('2.3: a GET that waited is compressed by its own headers; answers of one connection each by theirs', async (t) => {
		const p = await open(t, gateway().port);
		const raw = await Raw.open(t, gateway().port);

		for (const encoding of ['gzip', undefined, 'deflate', 'gzip']) {
			raw.write(request('GET', p.target, encoding ? accept(encoding) : []));
			await p.settle();
			await p.post(large.replace('plain', 'echo'));
			const response = await raw.response();
			assert.equal(response.headers['content-encoding'], encoding);
			assert.equal(plainOf(response), large.replace('plain', 'echo'));
		}
	});

	test('2.3: neither POSTs, handshakes nor errors are', async (t) => {
		const g = await forTest(t, 'rows', ['--compression-threshold', '0B']);

		assert.equal((await fetchRaw(t, g.port, 'GET', '/socket.io/?EIO=4&transport=none', accept('gzip'))).headers['content-encoding'], undefined);
		const p = await Polling.open(t, g.port);
		const posted = await p.post('40', ['Content-Type: text/plain', ...accept('gzip')]);
		assert.equal(posted.body, 'ok');
		assert.equal(posted.headers['content-encoding'], undefined);
	});

	test('2.3: compressed bytes are counted', async (t) => {
		const bytes = async () => Object.entries(await gateway().metrics()).filter(([name]) => name.startsWith('stoa_http_compression_bytes_total')).map(([, value]) => value);
		const [inBefore, outBefore] = await bytes();

		const { bytes: { length } } = await answer(t, 5000, accept('gzip'));
		assert.deepEqual(await bytes(), [inBefore + 5000, outBefore + length]);
	});

	test('2.3: what a stock client and fetch() get is what was sent', async (t) => {
		const socket = await connect(t, gateway().url, { transports: ['polling'], extraHeaders: { 'Accept-Encoding': 'identity' } });
		const text = 'Grüße 🏛 '.repeat(500);

		socket.emit('echo', text);
		assert.deepEqual(await socket.next('echo'), [text]);
		const p = await open(t, gateway().port);
		await p.post(`42["echo","${text}"]`);
		const response = await fetch(gateway().url + p.target);
		assert.equal(response.headers.get('content-encoding'), 'gzip');
		assert.equal(await response.text(), `42["echo","${text}"]`);
	});
});

describe('2.14: the client bundle, compressed', () => {
	const files = ['socket.io.js', 'socket.io.js.map', 'socket.io.min.js', 'socket.io.min.js.map', 'socket.io.esm.min.js', 'socket.io.esm.min.js.map', 'socket.io.msgpack.min.js', 'socket.io.msgpack.min.js.map'];
	const folder = mkdtempSync(path.join(tmpdir(), 'stoa-bundle-'));

	for (const name of files) {
		const bytes = readFileSync(path.join(CLIENT_DIR, name));
		writeFileSync(path.join(folder, name), bytes);
		writeFileSync(path.join(folder, `${name}.br`), brotliCompressSync(bytes, { params: { 1: 5 } }));
		writeFileSync(path.join(folder, `${name}.gz`), gzipSync(bytes));
		writeFileSync(path.join(folder, `${name}.zz`), deflateSync(bytes));
	}
	after(() => rmSync(folder, { recursive: true }));
	const gateway = share(before, after, 'rows', ['--client-dir', folder, '--cors-allowed-origins', 'https://a.example']);
	const get = (t, name, headers) => fetchRaw(t, gateway().port, 'GET', `/socket.io/${name}`, headers);
	const rows = [
		['gzip, deflate, br, zstd', 'br'], ['gzip, deflate', 'gzip'], ['deflate', 'deflate'], ['br;q=0.5, gzip', 'gzip'], ['*', 'br'], ['br;q=0, *', 'gzip'],
		['identity', undefined], ['', undefined], ['br;q=0', undefined],
	];

	for (const name of files) {
		test(`2.14: ${name}: br, gzip, deflate`, async (t) => {
			const want = readFileSync(path.join(folder, name), 'utf8');

			for (const [value, encoding] of rows) {
				const response = await get(t, `${name}?x=1`, accept(value));
				assert.equal(response.status, 200);
				assert.equal(response.headers['content-encoding'], encoding, value);
				assert.equal(plainOf(response), want);
				assert.equal(response.headers.etag, '"4.8.4"');
				assert.equal(response.headers['cache-control'], 'public, max-age=0');
				assert.equal(response.headers['content-type'], name.endsWith('.map') ? 'application/json; charset=utf-8' : 'application/javascript; charset=utf-8');
				assert.equal(response.headers.vary, 'Origin, Accept-Encoding');
			}
		});
	}

	test('2.14: variants are no files of their own', async (t) => {
		for (const name of ['socket.io.js.br', 'socket.io.js.gz', 'socket.io.min.js.map.zz'])
			assert.equal((await get(t, name)).status, 400);
	});

	test('2.14: 304 has neither body nor coding', async (t) => {
		for (const value of ['"4.8.4"', 'W/"4.8.4"', '"x", W/"4.8.4"', '*']) {
			const response = await get(t, 'socket.io.js', [`If-None-Match: ${value}`, ...accept('br')]);
			assert.equal(response.status, 304, value);
			assert.equal(response.headers['content-encoding'], undefined);
		}
		for (const value of ['4.8.4', '"4.8.3"', 'W/"4.8.40"'])
			assert.equal((await get(t, 'socket.io.js', [`If-None-Match: ${value}`])).status, 200, value);
	});

	test('2.14: any method; HEAD has the length of the variant', async (t) => {
		const { length } = readFileSync(path.join(folder, 'socket.io.min.js.gz'));

		for (const method of ['POST', 'PUT', 'DELETE', 'PATCH'])
			assert.equal((await fetchRaw(t, gateway().port, method, '/socket.io/socket.io.min.js', [], '')).status, 200, method);
		const head = await fetchRaw(t, gateway().port, 'HEAD', '/socket.io/socket.io.min.js', accept('gzip'));
		assert.equal(head.headers['content-length'], String(length));
		assert.equal(head.headers['content-encoding'], 'gzip');
	});

	test('2.7, 2.14: CORS lines on the files, on 304, and a preflight', async (t) => {
		const origin = 'Origin: https://a.example';

		for (const headers of [[origin], [origin, 'If-None-Match: "4.8.4"']])
			assert.equal((await get(t, 'socket.io.js', headers)).headers['access-control-allow-origin'], 'https://a.example');
		const preflight = await fetchRaw(t, gateway().port, 'OPTIONS', '/socket.io/socket.io.js', [origin]);
		assert.equal(preflight.status, 204);
		assert.equal(preflight.headers['access-control-allow-methods'], 'GET,HEAD,PUT,PATCH,POST,DELETE');
	});

	test('2.14: the bundle as it is fetched has its variants beside it', async (t) => {
		const g = await forTest(t, 'rows', ['--client-dir', CLIENT_DIR]);

		for (const encoding of ['br', 'gzip', 'deflate']) {
			const response = await fetchRaw(t, g.port, 'GET', '/socket.io/socket.io.msgpack.min.js', accept(encoding));
			assert.equal(response.headers['content-encoding'], encoding, `in ${CLIENT_DIR}; deploy/client.sh makes them`);
			assert.equal(plainOf(response), readFileSync(path.join(CLIENT_DIR, 'socket.io.msgpack.min.js'), 'utf8'));
		}
	});
});

describe('A13: static pages, compressed', () => {
	const folder = mkdtempSync(path.join(tmpdir(), 'stoa-pages-'));
	const put = (name, bytes) => writeFileSync(path.join(folder, name), bytes);
	const page = '<p>page</p>'.repeat(300);

	mkdirSync(path.join(folder, 'sub'));
	put('index.html', page);
	put('index.html.br', brotliCompressSync(page));
	put('index.html.gz', gzipSync(page));
	put('app.js', 'app();'.repeat(100));
	put('app.js.gz', gzipSync('app();'.repeat(100)));
	put('plain.css', 'p {}');
	put('stale.js', 'new');
	put('stale.js.gz', gzipSync('old'));
	put('empty.js', 'x');
	put('empty.js.gz', '');
	put('folder.js', 'x');
	mkdirSync(path.join(folder, 'folder.js.gz'));
	cpSync(path.join(folder, 'index.html'), path.join(folder, 'sub/index.html'));
	put('sub/index.html.gz', gzipSync(page));
	utimesSync(path.join(folder, 'stale.js.gz'), 1000, 1000);
	after(() => rmSync(folder, { recursive: true }));
	const gateway = share(before, after, 'rows', ['--public', folder]);
	const get = (t, target, headers) => fetchRaw(t, gateway().port, 'GET', target, headers);

	for (const [target, value, encoding] of [
		['/', 'gzip, br', 'br'], ['/', 'gzip', 'gzip'], ['/', '', undefined], ['/index.html?x', 'br;q=0.1, gzip;q=0.2', 'gzip'], ['/', 'deflate', undefined],
		['/sub/', 'gzip, br', 'gzip'], ['/sub/', 'br', undefined], ['/app.js', 'br, gzip', 'gzip'], ['/app.js', 'br', undefined], ['/plain.css', 'br, gzip', undefined],
		['/stale.js', 'gzip', undefined], ['/empty.js', 'gzip', undefined], ['/folder.js', 'gzip', undefined],
	]) {
		test(`A13: ${target} with "${value}": ${encoding ?? 'as it is'}`, async (t) => {
			const plain = await get(t, target);
			const response = await get(t, target, accept(value));

			assert.equal(response.status, 200);
			assert.equal(response.headers['content-encoding'], encoding);
			assert.equal(plainOf(response), plain.body);
			for (const name of ['content-type', 'last-modified', 'cache-control'])
				assert.equal(response.headers[name], plain.headers[name]);
			assert.equal(response.headers.etag === plain.headers.etag, encoding === undefined, 'an ETag for each');
			for (const { headers } of [plain, response])
				assert.equal(headers.vary, 'Accept-Encoding');
			const head = await fetchRaw(t, gateway().port, 'HEAD', target, accept(value));
			assert.equal(head.headers['content-length'], response.headers['content-length']);
			const again = await get(t, target, [...accept(value), `If-None-Match: ${response.headers.etag}`]);
			assert.equal(again.status, 304);
			assert.equal(again.headers.etag, response.headers.etag);
			assert.equal(again.headers.vary, 'Accept-Encoding');
		});
	}

	test('A13: the ETag of one coding is no match for another', async (t) => {
		const { etag } = (await get(t, '/', accept('gzip'))).headers;

		assert.equal((await get(t, '/', [...accept('br'), `If-None-Match: ${etag}`])).status, 200);
	});

	test('A13: If-Modified-Since: 304 at the date and later, 200 before, with nonsense, and beside If-None-Match', async (t) => {
		const at = statSync(path.join(folder, 'app.js')).mtimeMs;
		const since = (ms) => `If-Modified-Since: ${new Date(ms).toUTCString()}`;
		const { headers } = await get(t, '/app.js');

		assert.equal(new Date(headers['last-modified']).getTime(), Math.floor(at / 1000) * 1000);
		assert.equal((await get(t, '/app.js', [`If-Modified-Since: ${headers['last-modified']}`])).status, 304);
		assert.equal((await get(t, '/app.js', [since(at + 10_000)])).status, 304);
		assert.equal((await get(t, '/app.js', [since(at - 10_000)])).status, 200);
		assert.equal((await get(t, '/app.js', ['If-Modified-Since: yesterday'])).status, 200);
		assert.equal((await get(t, '/app.js', [since(at), 'If-None-Match: "other"'])).status, 200);
	});

	test('A13: a variant asked for by name is a file of its own', async (t) => {
		const response = await get(t, '/app.js.gz', accept('gzip'));

		assert.equal(response.headers['content-type'], 'application/gzip');
		assert.equal(response.headers['content-encoding'], undefined);
	});

	test('A13: Range is answered with the whole file', async (t) => {
		const response = await get(t, '/app.js', ['Range: bytes=0-3']);

		assert.equal(response.status, 200);
		assert.equal(response.body.length, 600);
	});
});
