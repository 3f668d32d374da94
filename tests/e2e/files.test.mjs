// Static pages and the client's bundle.

import assert from 'node:assert/strict';
import { mkdtempSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { CLIENT_DIR, forTest, Gateway, pagesOf } from './lib/gateway.mjs';
import { fetchRaw, Raw, request } from './lib/raw.mjs';

const SECRET = 'this file is outside the folder';
let folder;
let gateway;

before(async () => {
	folder = mkdtempSync(path.join(tmpdir(), 'stoa-files-'));
	const pages = path.join(folder, 'public');

	mkdirSync(path.join(pages, 'sub'), { recursive: true });
	mkdirSync(path.join(folder, 'public-not'));
	for (const name of ['index.html', 'page.html', 'app.js', 'module.mjs', 'style.css', 'data.json', 'image.svg', 'photo.png', 'photo.jpg', 'text.txt', 'font.woff2', 'program.wasm', 'unknown.xyz', 'none', '.hidden', 'with space.html', 'ünï.html', 'sub/index.html', 'sub/inner.txt'])
		writeFileSync(path.join(pages, name), `content of ${name}`);
	writeFileSync(path.join(pages, 'empty.txt'), '');
	writeFileSync(path.join(pages, 'large.bin'), Buffer.alloc(3_000_000, 'x'));
	writeFileSync(path.join(folder, 'secret.txt'), SECRET);
	writeFileSync(path.join(folder, 'public-not', 'secret.txt'), SECRET);
	symlinkSync('../secret.txt', path.join(pages, 'link.txt'));
	symlinkSync('..', path.join(pages, 'up'));
	symlinkSync('/etc', path.join(pages, 'etc'));
	gateway = await Gateway.start('chat', ['--public', pages, '--client-dir', CLIENT_DIR, '--max-send-queue', '100MB']);
});

after(async () => {
	await gateway?.stop();
	rmSync(folder, { recursive: true, force: true });
});

const get = (t, target, headers) => fetchRaw(t, gateway.port, 'GET', target, headers);

describe('static pages', () => {
	const types = [
		['page.html', /^text\/html; ?charset=utf-8$/i],
		['app.js', /^(text|application)\/javascript; ?charset=utf-8$/i],
		['module.mjs', /^(text|application)\/javascript; ?charset=utf-8$/i],
		['style.css', /^text\/css; ?charset=utf-8$/i],
		['data.json', /^application\/json/i],
		['image.svg', /^image\/svg\+xml/i],
		['photo.png', /^image\/png$/],
		['photo.jpg', /^image\/jpeg$/],
		['text.txt', /^text\/plain; ?charset=utf-8$/i],
		['font.woff2', /^font\/woff2$/],
		['program.wasm', /^application\/wasm$/],
		['unknown.xyz', /^application\/octet-stream$/],
		['none', /^application\/octet-stream$/],
	];

	for (const [name, type] of types) {
		test(`${name} is served as ${type}`, async (t) => {
			const response = await get(t, `/${name}`);

			assert.equal(response.status, 200);
			assert.equal(response.body, `content of ${name}`);
			assert.match(response.headers['content-type'], type);
			assert.equal(response.headers['content-length'], String(response.body.length));
			assert.match(response.headers.etag, /^(W\/)?"[^"]+"$/);
		});
	}

	test('/ is index.html, and a query changes nothing', async (t) => {
		for (const target of ['/', '/?x=1', '/index.html']) {
			const response = await get(t, target);
			assert.equal(response.status, 200);
			assert.equal(response.body, 'content of index.html');
			assert.match(response.headers['content-type'], /^text\/html/);
		}
	});

	test('a folder is its index.html', async (t) => {
		assert.equal((await get(t, '/sub/')).body, 'content of sub/index.html');
		assert.equal((await get(t, '/sub/inner.txt')).body, 'content of sub/inner.txt');
		const response = await get(t, '/sub');
		if (response.status !== 200)
			assert.match(response.headers.location ?? '', response.status === 404 ? /^$/ : /\/sub\/$/);
	});

	test('names are decoded', async (t) => {
		assert.equal((await get(t, '/with%20space.html')).body, 'content of with space.html');
		assert.equal((await get(t, '/%C3%BCn%C3%AF.html')).body, 'content of ünï.html');
		assert.equal((await get(t, '/%61pp.js')).body, 'content of app.js');
	});

	test('an empty file is 200 with no body', async (t) => {
		const response = await get(t, '/empty.txt');

		assert.equal(response.status, 200);
		assert.equal(response.headers['content-length'], '0');
	});

	test('a large file comes whole, and its connection goes on', async (t) => {
		const raw = await Raw.open(t, gateway.port);

		for (let i = 0; i < 2; i++) {
			raw.write(request('GET', '/large.bin'));
			const response = await raw.response();
			assert.equal(response.status, 200);
			assert.ok(response.bytes.equals(Buffer.alloc(3_000_000, 'x')));
		}
	});

	test('If-None-Match with the ETag, in a list, weak, or *: 304 without a body', async (t) => {
		const { etag } = (await get(t, '/app.js')).headers;

		for (const value of [etag, `"other", ${etag}`, `W/${etag.replace(/^W\//, '')}`, '*']) {
			const response = await get(t, '/app.js', [`If-None-Match: ${value}`]);
			assert.equal(response.status, 304, value);
			assert.equal(response.headers.etag, etag);
		}
		assert.equal((await get(t, '/app.js', ['If-None-Match: "other"'])).status, 200);
	});

	test('a changed file has another ETag', async (t) => {
		const before = (await get(t, '/page.html')).headers.etag;

		writeFileSync(path.join(folder, 'public', 'page.html'), 'content of page.html, changed');
		const after = await get(t, '/page.html', [`If-None-Match: ${before}`]);
		assert.equal(after.status, 200);
		assert.equal(after.body, 'content of page.html, changed');
		assert.notEqual(after.headers.etag, before);
		writeFileSync(path.join(folder, 'public', 'page.html'), 'content of page.html');
	});

	test('HEAD has the headers of GET and no body', async (t) => {
		const raw = await Raw.open(t, gateway.port);

		raw.write(request('HEAD', '/app.js'));
		const head = await raw.response('HEAD');
		raw.write(request('GET', '/app.js'));
		const response = await raw.response();
		assert.equal(head.status, 200);
		for (const name of ['content-length', 'content-type', 'etag'])
			assert.equal(head.headers[name], response.headers[name], name);
		assert.equal(response.body, 'content of app.js', 'nothing of a body came before it');
	});

	test('what is not there is 404', async (t) => {
		for (const target of ['/nothing', '/sub/nothing.html', '/app.js/', '/app.js/more', '/INDEX.HTML'])
			assert.equal((await get(t, target)).status, 404, target);
	});

	test('other methods are 405, and Allow says which are not', async (t) => {
		for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
			const response = await fetchRaw(t, gateway.port, method, '/app.js', [], 'x');
			assert.equal(response.status, 405, method);
			assert.match(response.headers.allow, /GET/);
			assert.match(response.headers.allow, /HEAD/);
		}
	});

	const escapes = [
		'/../secret.txt', '/..', '/../', '/sub/../../secret.txt', '/%2e%2e/secret.txt', '/%2E%2E%2Fsecret.txt', '/..%2fsecret.txt', '/.%2e/secret.txt',
		'/sub/%2e%2e/%2e%2e/secret.txt', '/%252e%252e/secret.txt', '/..\\secret.txt', '/..%5csecret.txt', '/sub\\..\\..\\secret.txt', '//secret.txt',
		'//etc/passwd', '/..//secret.txt', '/./../secret.txt', '/../public-not/secret.txt', '/index.html%00', '/%00', '/secret.txt%00.html', '/%', '/%zz', '/%c0%ae%c0%ae/secret.txt',
		'/%ff', '/link.txt', '/up/secret.txt', '/etc/passwd', '/.hidden', '/sub/.', '/sub/..', '/.', `/${'a/'.repeat(3000)}`, `/${'x'.repeat(5000)}`,
	];

	for (const target of escapes) {
		test(`no way out: ${target.slice(0, 40)}`, async (t) => {
			const response = await get(t, target);

			assert.ok([400, 403, 404, 414].includes(response.status), `status ${response.status}: ${response.body.slice(0, 100)}`);
			assert.doesNotMatch(response.body, /outside the folder|root:/);
		});
	}

	test('without `public` there are no pages', async (t) => {
		const g = await forTest(t, 'chat');

		for (const target of ['/', '/index.html', '/etc/passwd'])
			assert.equal((await fetchRaw(t, g.port, 'GET', target)).status, 404);
	});

	test('the pages of the examples are served, and load nothing from elsewhere', async (t) => {
		for (const name of ['chat', 'getting-started', 'conformance']) {
			const g = await forTest(t, name, ['--public', pagesOf(name)]);
			const { status, body } = await fetchRaw(t, g.port, 'GET', '/');
			assert.equal(status, 200);
			assert.match(body, /<script src="\/socket\.io\/socket\.io\.js">/);
			assert.doesNotMatch(body, /(src|href)="?(https?:)?\/\//);
		}
	});
});

describe('2.14: the client bundle', () => {
	const bundles = ['socket.io.js', 'socket.io.min.js', 'socket.io.esm.min.js', 'socket.io.msgpack.min.js'];

	for (const name of bundles.flatMap((bundle) => [bundle, `${bundle}.map`])) {
		test(`2.14: ${name}`, async (t) => {
			const response = await get(t, `/socket.io/${name}?x=1`);

			assert.equal(response.status, 200);
			assert.ok(response.bytes.equals(readFileSync(path.join(CLIENT_DIR, name))));
			assert.equal(response.headers.etag, '"4.8.4"');
			assert.equal(response.headers['cache-control'], 'public, max-age=0');
			assert.equal(response.headers['content-type'], name.endsWith('.map') ? 'application/json; charset=utf-8' : 'application/javascript; charset=utf-8');
		});
	}

	test('2.14: If-None-Match "4.8.4", weak too: 304', async (t) => {
		for (const value of ['"4.8.4"', 'W/"4.8.4"'])
			assert.equal((await get(t, '/socket.io/socket.io.js', [`If-None-Match: ${value}`])).status, 304);
		assert.equal((await get(t, '/socket.io/socket.io.js', ['If-None-Match: "4.8.3"'])).status, 200);
	});

	test('2.14: HEAD has no body', async (t) => {
		const response = await fetchRaw(t, gateway.port, 'HEAD', '/socket.io/socket.io.js');

		assert.equal(response.status, 200);
		assert.equal(response.headers['content-length'], String(readFileSync(path.join(CLIENT_DIR, 'socket.io.js')).length));
	});

	test('2.14: other names under the path are Engine.IO\'s: 400, code 0', async (t) => {
		for (const name of ['socket.io.css', 'package.json', 'LICENSE', '..%2f..%2fsecret.txt', 'socket.io.js%00', 'socket.io.js/'])
			assert.equal((await get(t, `/socket.io/${name}`)).status, 400, name);
		assert.deepEqual(JSON.parse((await get(t, '/socket.io/socket.io.css')).body), { code: 0, message: 'Transport unknown' });
	});

	test('2.14: with serve_client off there is none', async (t) => {
		const g = await forTest(t, 'chat', ['--serve-client', 'false', '--client-dir', CLIENT_DIR]);

		assert.equal((await fetchRaw(t, g.port, 'GET', '/socket.io/socket.io.js')).status, 400);
	});
});

test('without client_dir the bundle beside the program is served', async (t) => {
	const g = await forTest(t, 'chat');
	const response = await fetchRaw(t, g.port, 'GET', '/socket.io/socket.io.js');

	assert.equal(response.status, 200);
	assert.equal(response.headers.etag, '"4.8.4"');
});
