// Origins, preflights, and the cookie: what an answer says to a browser (protocol 2.7).

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CLIENT_DIR, forTest, runGateway, appPath, share } from './lib/gateway.mjs';
import { fetchRaw, HANDSHAKE, Polling, Raw, request, upgradeRequest } from './lib/raw.mjs';

const WEBSOCKET = '/socket.io/?EIO=4&transport=websocket';
const ALLOW = 'access-control-allow-origin';
const CREDENTIALS = 'access-control-allow-credentials';
const REFUSED = '{"code":4,"message":"Not an accepted origin."}';
const origin = (o) => [`Origin: ${o}`];
const cors = (headers) => Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('access-control') || name === 'vary'));

async function upgrade(t, port, headers) {
	const raw = await Raw.open(t, port);

	raw.write(upgradeRequest(WEBSOCKET, { headers }));
	return raw.response();
}

describe('2.7: origins, by the option', () => {
	// The option, an origin (undefined: none), and what the answer says; null: 403.
	const rows = [
		['not set', undefined, undefined, { vary: 'Origin' }],
		['not set', undefined, 'http://127.0.0.1', { [ALLOW]: 'http://127.0.0.1', [CREDENTIALS]: 'true', vary: 'Origin' }],
		['not set', undefined, 'https://127.0.0.1', { [ALLOW]: 'https://127.0.0.1', [CREDENTIALS]: 'true', vary: 'Origin' }],
		['not set', undefined, 'http://elsewhere.example', null],
		['not set', undefined, 'null', null],
		['empty', '', 'http://elsewhere.example', {}],
		['*', '*', 'http://elsewhere.example', { [ALLOW]: 'http://elsewhere.example', [CREDENTIALS]: 'true', vary: 'Origin' }],
		['*', '*', 'null', { [ALLOW]: 'null', [CREDENTIALS]: 'true', vary: 'Origin' }],
		['one', 'https://a.example', 'https://a.example', { [ALLOW]: 'https://a.example', [CREDENTIALS]: 'true', vary: 'Origin' }],
		['one', 'https://a.example', undefined, { vary: 'Origin' }],
		['one', 'https://a.example', 'https://b.example', null],
		['one', 'https://a.example', 'http://127.0.0.1', null],
		['a list', 'https://a.example,http://b.example:8080', 'http://b.example:8080', { [ALLOW]: 'http://b.example:8080', [CREDENTIALS]: 'true', vary: 'Origin' }],
		['a list', 'https://a.example,http://b.example:8080', 'http://b.example', null],
		['a pattern', 'https://*.a.example', 'https://x.y.a.example', { [ALLOW]: 'https://x.y.a.example', [CREDENTIALS]: 'true', vary: 'Origin' }],
		['a pattern', 'https://*.a.example', 'https://a.example', null],
		['a pattern', 'https://*.a.example', 'https://evil.example/.a.example', null],
	];
	const gateways = new Map();

	after(() => Promise.all([...gateways.values()].map((g) => g.stop())));

	async function gatewayOf(option) {
		if (!gateways.has(option))
			gateways.set(option, await forTest({ after() {} }, 'conformance', ['--client-dir', CLIENT_DIR, ...(option === undefined ? [] : [`--cors-allowed-origins=${option}`])]));
		return gateways.get(option);
	}

	for (const [name, option, from, want] of rows) {
		test(`2.7: ${name}, from ${from}: ${want === null ? 'refused' : JSON.stringify(want)}`, async (t) => {
			const { port } = await gatewayOf(option);
			const headers = from === undefined ? [] : origin(from);
			const response = await fetchRaw(t, port, 'GET', HANDSHAKE, headers);
			const over = await upgrade(t, port, headers);

			if (want === null) {
				assert.deepEqual([response.status, response.body, response.headers['content-type']], [403, REFUSED, 'application/json']);
				assert.deepEqual(cors(response.headers), { vary: 'Origin' });
				assert.deepEqual([over.status, over.body], [403, 'Not an accepted origin.']);
				return;
			}
			assert.deepEqual([response.status, over.status], [200, 101]);
			assert.deepEqual(cors(response.headers), want);
			assert.deepEqual(cors(over.headers), want);
		});
	}

	test('2.7: the lines stand on every answer: polls, POSTs, errors, the bundle', async (t) => {
		const { port } = await gatewayOf('https://a.example');
		const headers = origin('https://a.example');
		const p = await Polling.open(t, port);
		const answers = [
			await p.post('40', ['Content-Type: text/plain', ...headers]), await p.get(headers), await fetchRaw(t, port, 'GET', '/socket.io/', headers),
			await fetchRaw(t, port, 'PUT', p.target, headers), await fetchRaw(t, port, 'GET', `${HANDSHAKE}&sid=x`, headers),
			await fetchRaw(t, port, 'POST', p.target, ['Content-Type: application/octet-stream', ...headers], 'x'),
			await fetchRaw(t, port, 'GET', '/socket.io/socket.io.js', headers),
		];

		assert.deepEqual(answers.map(({ status }) => status), [200, 200, 400, 500, 400, 400, 200]);
		for (const answer of answers)
			assert.equal(answer.headers[ALLOW], 'https://a.example');
	});

	test('2.7: a refused origin may not even use a session that is not its own', async (t) => {
		const { port } = await gatewayOf(undefined);
		const p = await Polling.open(t, port);
		const refused = await p.post('40', ['Content-Type: text/plain', ...origin('http://evil.example')]);

		assert.deepEqual([refused.status, refused.body], [403, REFUSED]);
		await p.post('40');
		assert.match((await p.packets())[0], /^40/);
	});

	test('2.2, 2.7: an origin that is none is a bad request and never echoed, after the transport and before the sid', async (t) => {
		for (const option of [undefined, '*', 'https://a.example']) {
			const { port } = await gatewayOf(option);
			for (const from of ['http://a\u00ff', 'http://a\tb', `http://${'a'.repeat(1100)}`]) {
				const response = await fetchRaw(t, port, 'GET', `${HANDSHAKE}&sid=unknown`, origin(from));
				assert.deepEqual([response.status, response.body], [400, '{"code":3,"message":"Bad request"}']);
				assert.equal(response.headers[ALLOW], undefined);
			}
			const two = await fetchRaw(t, port, 'GET', HANDSHAKE, [...origin('https://a.example'), ...origin('https://b.example')]);
			assert.deepEqual([two.status, two.body], [400, '{"code":3,"message":"Bad request"}']);
			const first = await fetchRaw(t, port, 'GET', '/socket.io/?EIO=4&transport=none', origin('http://a\u00ff'));
			assert.equal(JSON.parse(first.body).code, 0);
		}
	});

	test('2.7: a refused origin is logged with the line that would allow it, escaped, once a second', async (t) => {
		const g = await forTest(t, 'conformance');
		const from = g.lines.length;
		const started = Date.now();

		await fetchRaw(t, g.port, 'GET', HANDSHAKE, origin('https://x.example:8443'));
		assert.match(await g.line(/origin refused/, from), /origin=https:\/\/x\.example:8443 .*allow_with="cors_allowed_origins = https:\/\/x\.example:8443"/);
		for (let i = 0; i < 5; i++)
			await fetchRaw(t, g.port, 'GET', HANDSHAKE, origin('https://y.example'));
		assert.ok(g.lines.slice(from).filter((line) => line.includes('origin refused')).length <= 2 + (Date.now() - started) / 1000, 'sampled');
	});

	test('2.7: an origin that would break the line or the configuration is logged without one', async (t) => {
		const g = await forTest(t, 'conformance');
		const from = g.lines.length;

		await fetchRaw(t, g.port, 'GET', HANDSHAKE, origin('https://x" allow_with="y, https://*'));
		assert.match(await g.line(/origin refused/, from), /origin="https:\/\/x\\" allow_with=\\"y, https:\/\/\*" .*allow_with="?"? count=1/);
	});
});

describe('2.7: what the other options say', () => {
	const gateway = share(before, after, 'conformance', [
		'--cors-allowed-origins=*', '--no-cors-credentials', '--cors-exposed-headers=X-One,X-Two', '--cors-allowed-headers=X-Three,X-Four', '--cors-methods=GET,POST', '--cors-max-age=10m', '--client-dir', CLIENT_DIR,
	]);

	test('2.7: * without credentials is `*`, for all, without Vary', async (t) => {
		for (const headers of [[], origin('http://a.example')]) {
			const response = await fetchRaw(t, gateway().port, 'GET', HANDSHAKE, headers);
			assert.deepEqual(cors(response.headers), { [ALLOW]: '*', 'access-control-expose-headers': 'X-One,X-Two' });
		}
		assert.deepEqual(cors((await upgrade(t, gateway().port, origin('http://a.example'))).headers), { [ALLOW]: '*', 'access-control-expose-headers': 'X-One,X-Two' });
	});

	test('2.7: a preflight names what the options name, whatever its query', async (t) => {
		const want = {
			[ALLOW]: '*', 'access-control-allow-headers': 'X-Three,X-Four', 'access-control-allow-methods': 'GET,POST', 'access-control-expose-headers': 'X-One,X-Two',
			'access-control-max-age': '600',
		};

		for (const target of [HANDSHAKE, '/socket.io/', `${HANDSHAKE}&sid=unknown`, '/socket.io/?EIO=3&transport=x', '/socket.io/socket.io.js']) {
			const response = await fetchRaw(t, gateway().port, 'OPTIONS', target, [...origin('http://a.example'), 'Access-Control-Request-Headers: x-five']);
			assert.equal(response.status, 204, target);
			assert.equal(response.headers['content-length'], '0');
			assert.deepEqual(cors(response.headers), want);
		}
	});
});

describe('2.7: preflights by default', () => {
	const gateway = share(before, after, 'conformance', ['--cors-allowed-origins=https://a.example']);
	const preflight = (t, headers) => fetchRaw(t, gateway().port, 'OPTIONS', HANDSHAKE, headers);

	test('2.7: the headers asked for are allowed', async (t) => {
		const response = await preflight(t, [...origin('https://a.example'), 'Access-Control-Request-Headers: x-one, x-two']);

		assert.equal(response.status, 204);
		assert.deepEqual(cors(response.headers), {
			[ALLOW]: 'https://a.example', [CREDENTIALS]: 'true', vary: 'Origin, Access-Control-Request-Headers', 'access-control-allow-headers': 'x-one, x-two',
			'access-control-allow-methods': 'GET,HEAD,PUT,PATCH,POST,DELETE',
		});
	});

	test('2.7: what is no list of names is not echoed', async (t) => {
		for (const value of ['<script>', 'x\u00ff', 'a'.repeat(1025), '"', 'a: b'])
			assert.equal((await preflight(t, [...origin('https://a.example'), `Access-Control-Request-Headers: ${value}`])).headers['access-control-allow-headers'], undefined);
	});

	test('2.7: a foreign origin gets 403, and nothing that allows', async (t) => {
		const response = await preflight(t, origin('https://b.example'));

		assert.deepEqual([response.status, response.body], [403, REFUSED]);
		assert.deepEqual(cors(response.headers), { vary: 'Origin' });
	});

	test('2.2, 2.7: without the option, or with an empty one, OPTIONS is code 2', async (t) => {
		for (const flags of [[], ['--cors-allowed-origins=']]) {
			const g = await forTest(t, 'conformance', flags);
			assert.equal((await fetchRaw(t, g.port, 'OPTIONS', HANDSHAKE)).body, '{"code":2,"message":"Bad handshake method"}');
		}
	});
});

describe('2.7: the cookie', () => {
	const rows = [
		[['--cookie', 'io'], (sid) => `io=${sid}; Path=/; HttpOnly; SameSite=Lax`],
		[['--cookie', 'n', '--cookie-path', '/x', '--cookie-domain', 'a.example', '--cookie-max-age', '10s', '--cookie-secure', '--cookie-same-site', 'none'],
			(sid) => `n=${sid}; Max-Age=10; Domain=a.example; Path=/x; HttpOnly; Secure; SameSite=None`],
		[['--cookie', 'n', '--cookie-path=', '--no-cookie-http-only', '--cookie-same-site', 'off'], (sid) => `n=${sid}`],
	];

	for (const [flags, want] of rows) {
		test(`2.7: ${flags.join(' ')}: on the polling handshake alone`, async (t) => {
			const g = await forTest(t, 'conformance', flags);
			const response = await fetchRaw(t, g.port, 'GET', HANDSHAKE);
			const { sid } = JSON.parse(response.body.slice(1));

			assert.equal(response.headers['set-cookie'], want(sid));
			const raw = await Raw.open(t, g.port);
			raw.write(request('POST', `${HANDSHAKE}&sid=${sid}`, ['Content-Type: text/plain'], '40'));
			assert.equal((await raw.response()).headers['set-cookie'], undefined);
			raw.write(request('GET', `${HANDSHAKE}&sid=${sid}`));
			assert.equal((await raw.response()).headers['set-cookie'], undefined);
			assert.equal((await upgrade(t, g.port, [])).headers['set-cookie'], undefined);
			assert.equal((await fetchRaw(t, g.port, 'GET', '/socket.io/?EIO=4&transport=none')).headers['set-cookie'], undefined);
		});
	}

	test('2.7: SameSite=None without Secure is warned of', async (t) => {
		const g = await forTest(t, 'conformance', ['--cookie', 'io', '--cookie-same-site', 'none']);

		assert.match(await g.line(/warn cookie/), /SameSite=None unless cookie_secure/);
	});

	test('2.7: what would end the header or the cookie is refused at the start', async () => {
		for (const flags of [
			['--cookie', 'a b'], ['--cookie', 'a=b'], ['--cookie', 'a;b'], ['--cookie', 'a\r\nX: y'], ['--cookie-path', 'x'], ['--cookie-path', '/a;b'], ['--cookie-path', '/a\r\nX: y'],
			['--cookie-domain', 'a b'], ['--cookie-domain', 'a;b'], ['--cookie-domain', 'a\nb'], ['--cookie-same-site', 'sometimes'], ['--cookie-max-age', '10'],
			['--cors-methods', 'GET\r\nX: y'], ['--cors-exposed-headers', 'a b'], ['--cors-allowed-headers', 'a:b'], ['--trusted-proxies', '10.0.0.0/33'],
		]) {
			const { code, stderr } = await runGateway(['--app', appPath('conformance'), '--check-config', ...flags]);
			assert.equal(code, 2, flags.join(' '));
			assert.match(stderr, new RegExp(flags[0].slice(2).replaceAll('-', '_')));
		}
	});
});
