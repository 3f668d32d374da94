// A client cannot tell Stoa from Socket.IO's own server by the headers: CORS, the cookie, the bundle, compression.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { gunzipSync, inflateSync } from 'node:zlib';
import { CLIENT_DIR, Gateway } from './lib/gateway.mjs';
import { fetchRaw, HANDSHAKE, Polling, Raw, upgradeRequest } from './lib/raw.mjs';
import { asPeer, seen, startReference } from './lib/reference.mjs';

// A server of each for the tests of a suite.
function both(options, flags) {
	const peers = [];
	let gateway;

	before(async () => {
		peers.push(await startReference(options));
		gateway = await Gateway.start('conformance', ['--client-dir', CLIENT_DIR, ...flags]);
		peers.push(asPeer(gateway));
	});
	after(async () => {
		peers[0]?.stop();
		await gateway?.stop();
	});
	return peers;
}

// `but` are headers in which Stoa differs, with the reason.
async function compare(peers, play, but = {}) {
	const [theirs, ours] = [await play(peers[0]), await play(peers[1])];

	for (const [name, { reason, ours: want }] of Object.entries(but)) {
		assert.equal(ours.headers[name], want, reason);
		assert.notEqual(theirs.headers[name], want, `no difference any more: ${reason}`);
		delete ours.headers[name];
		delete theirs.headers[name];
	}
	assert.deepEqual(ours, theirs);
}

const get = (t, peer, method, target, headers, body) => fetchRaw(t, peer.port, method, target, headers, body);
// Ids differ, also where they are in a cookie; `Vary` may be one line or several.
const told = (response) => {
	const { status, headers, body } = seen(response);

	if (headers['set-cookie'])
		headers['set-cookie'] = headers['set-cookie'].replace(/=[A-Za-z0-9_-]{20};?/, '=*;');
	if (headers.vary)
		headers.vary = headers.vary.split(/, */).sort().join(', ');
	return { status, headers, body: body.length > 1000 ? createHash('sha256').update(body).digest('hex') : body };
};

const ORIGIN = 'Origin: https://a.example';
const REQUESTS = [
	['a handshake', 'GET', HANDSHAKE], ['an error', 'GET', '/socket.io/?EIO=4&transport=none'], ['a POST without a session', 'POST', HANDSHAKE, '40'],
	['a preflight', 'OPTIONS', HANDSHAKE], ['a preflight of an unknown session', 'OPTIONS', `${HANDSHAKE}&sid=x`], ['a preflight without a query', 'OPTIONS', '/socket.io/'],
	['a preflight of the bundle', 'OPTIONS', '/socket.io/socket.io.min.js'],
];

for (const [what, cors, flags] of [
	['* without credentials', { origin: '*' }, ['--cors-allowed-origins=*', '--no-cors-credentials']],
	['a list', { origin: ['https://a.example', 'https://b.example'], credentials: true }, ['--cors-allowed-origins=https://a.example,https://b.example']],
	['all options', { origin: ['https://a.example'], credentials: true, exposedHeaders: ['X-A', 'X-B'], allowedHeaders: ['X-C', 'X-D'], methods: ['GET', 'POST'], maxAge: 600 },
		['--cors-allowed-origins=https://a.example', '--cors-exposed-headers=X-A,X-B', '--cors-allowed-headers=X-C,X-D', '--cors-methods=GET,POST', '--cors-max-age=10m']],
]) {
	describe(`2.7 against the reference: ${what}`, () => {
		const peers = both({ cors }, flags);

		for (const [name, method, target, body] of REQUESTS) {
			test(`2.7: ${name}`, (t) => compare(peers, async (peer) => told(await get(t, peer, method, target, [ORIGIN, 'Access-Control-Request-Headers: x-one, x-two'], body))));
		}

		test('2.7: without Origin', (t) => {
			const unasked = { reason: 'who sends no Origin is no page, and is told nothing', ours: undefined };
			const but = { ...(cors.credentials && { 'access-control-allow-credentials': unasked }), ...(cors.exposedHeaders && { 'access-control-expose-headers': unasked }) };
			return compare(peers, async (peer) => told(await get(t, peer, 'GET', HANDSHAKE)), but);
		});

		test('2.7: a 101', (t) => compare(peers, async (peer) => {
			const raw = await Raw.open(t, peer.port);

			raw.write(upgradeRequest('/socket.io/?EIO=4&transport=websocket', { key: 'dGhlIHNhbXBsZSBub25jZQ==', headers: [ORIGIN] }));
			return told(await raw.response());
		}));
	});
}

for (const [cookie, flags] of [
	[undefined, []],
	[true, ['--cookie', 'io']],
	[{ name: 'n', path: '/x', httpOnly: false, sameSite: 'strict', maxAge: 10 }, ['--cookie', 'n', '--cookie-path', '/x', '--no-cookie-http-only', '--cookie-same-site', 'strict', '--cookie-max-age', '10s']],
	[{ name: 'n', path: false, domain: 'a.example', secure: true, sameSite: 'none' }, ['--cookie', 'n', '--cookie-path=', '--cookie-domain', 'a.example', '--cookie-secure', '--cookie-same-site', 'none']],
]) {
	describe(`2.7 against the reference: the cookie ${JSON.stringify(cookie)}`, () => {
		const peers = both({ cookie }, ['--cors-allowed-origins=', ...flags]);

		test('2.7: on the handshake', (t) => compare(peers, async (peer) => told(await get(t, peer, 'GET', HANDSHAKE))));
		test('2.7: not on what follows', (t) => compare(peers, async (peer) => {
			const p = await Polling.open(t, peer.port);
			return told(await p.post('40'));
		}));
	});
}

describe('2.14 against the reference: the bundle', () => {
	const peers = both({ serveClient: true }, ['--cors-allowed-origins=']);
	const VARY = { vary: { reason: 'what a cache may keep depends on Accept-Encoding', ours: 'Accept-Encoding' } };

	for (const name of ['socket.io.js', 'socket.io.min.js', 'socket.io.esm.min.js', 'socket.io.msgpack.min.js'].flatMap((file) => [file, `${file}.map`]))
		test(`2.14: ${name}`, (t) => compare(peers, async (peer) => told(await get(t, peer, 'GET', `/socket.io/${name}?x=1`)), VARY));
	for (const method of ['POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS'])
		test(`2.14: by ${method}`, (t) => compare(peers, async (peer) => told(await get(t, peer, method, '/socket.io/socket.io.min.js')), VARY));
	for (const [accepts, differs] of [['br'], ['gzip'], ['deflate'], ['identity'], ['*'], ['gzip;q=0.5, br;q=0.1'], ['gzip, br', 'br']]) {
		test(`2.14: Accept-Encoding ${accepts}`, (t) => compare(peers, async (peer) => {
			const response = await get(t, peer, 'GET', '/socket.io/socket.io.min.js', [`Accept-Encoding: ${accepts}`]);
			return { status: response.status, headers: seen({ ...response, body: '' }).headers };
		}, differs ? { ...VARY, 'content-encoding': { reason: 'among equals ours is the smallest, theirs the client\'s first', ours: differs } } : VARY));
	}
	for (const tag of ['"4.8.4"', 'W/"4.8.4"']) {
		test(`2.14: If-None-Match ${tag}`, (t) => compare(peers, async (peer) => told(await get(t, peer, 'GET', '/socket.io/socket.io.js', [`If-None-Match: ${tag}`])), {
			etag: { reason: 'RFC 9110 15.4.5: a 304 has them', ours: '"4.8.4"' },
			'cache-control': { reason: 'RFC 9110 15.4.5: a 304 has them', ours: 'public, max-age=0' },
			...VARY,
		}));
	}
	test('2.14: another name', (t) => compare(peers, async (peer) => told(await get(t, peer, 'GET', '/socket.io/package.json'))));
});

describe('2.3 against the reference: compression', () => {
	const peers = both({}, ['--cors-allowed-origins=']);
	const unpack = { gzip: gunzipSync, deflate: inflateSync };
	const answer = async (t, peer, accepts, size) => {
		const p = await Polling.open(t, peer.port, { connect: '' });

		await p.post(`42["message","${'x'.repeat(size - 21)}"]`);
		const response = await p.get([`Accept-Encoding: ${accepts}`]);
		const { 'content-encoding': coding } = response.headers;
		return { headers: seen({ ...response, body: '' }).headers, body: (coding ? unpack[coding](response.bytes) : response.bytes).toString() };
	};

	for (const accepts of ['gzip', 'deflate', 'gzip, deflate, br', 'br', '*', '', 'gzip;q=0', 'gzip;q=0.5, deflate;q=0.8', 'gzip;q=0, *', 'identity;q=0'])
		test(`2.3: Accept-Encoding "${accepts}"`, (t) => compare(peers, (peer) => answer(t, peer, accepts, 2000)));
	for (const size of [1023, 1024])
		test(`2.3: ${size} bytes`, (t) => compare(peers, (peer) => answer(t, peer, 'gzip', size)));
	test('2.3: among equals gzip; the reference takes the client\'s first', (t) => compare(peers, (peer) => answer(t, peer, 'deflate, gzip', 2000),
		{ 'content-encoding': { reason: 'the order of a list means nothing (RFC 9110 12.5.3)', ours: 'gzip' } }));
	test('2.3: who would rather have it plain gets it plain', (t) => compare(peers, (peer) => answer(t, peer, 'identity;q=1, gzip;q=0.5', 2000),
		{ 'content-encoding': { reason: 'the weights say so', ours: undefined } }));
});
