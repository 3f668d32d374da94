// TLS that ends at the gateway: stock clients and exact bytes over it, handshakes that fail, certificates that change.

import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect, transportOf, upgraded, WAYS } from './lib/client.mjs';
import { appPath, runGateway } from './lib/gateway.mjs';
import { fetchRaw, frame, HANDSHAKE, Raw, RawWebSocket, request, TEXT } from './lib/raw.mjs';
import { shareRedis } from './lib/redis.mjs';
import { certificate, flagsFor, folder, openTls, tlsGateway } from './lib/tls.mjs';
import { deadline, eventually } from './lib/wait.mjs';
import { together, workersOf, metricsOf } from './lib/workers.mjs';
import { QUICK } from './lib/cluster.mjs';

const dir = folder(after);
const one = certificate(dir, 'one');
const ca = [one.ca];
const start = (t, flags = [], app = 'e2e') => tlsGateway(t, app, one, flags);
const counts = (g, name, atLeast = 1) => eventually(`${name} to be ${atLeast}`, async () => (await g.metrics())[name] >= atLeast);
const HANDSHAKES = (result) => `stoa_tls_handshakes_total{result="${result}"}`;

const ask = async (t, g, target, headers = [], options = {}) => {
	const raw = await openTls(t, g.tlsPort, { ca, ...options });
	return raw.write(request('GET', target, headers)).response();
};
const session = async (t, g, options = { connect: '' }) => RawWebSocket.session(t, await openTls(t, g.tlsPort, { ca }), options);

// Why a handshake fails, as the client is told; null: it does not.
const refusal = async (t, g, options = {}) => openTls(t, g.tlsPort, { ca, ...options }).then(() => null, (error) => error.code);

describe('clients over TLS', () => {
	for (const { way, transports } of WAYS) {
		test(`${way}: large messages both ways`, async (t) => {
			const g = await start(t, [], 'conformance');
			const socket = await connect(t, g.tlsUrl, { transports, ca });
			const text = 'x'.repeat(700_000);
			const bytes = Buffer.alloc(700_000, 7);

			if (transports === undefined)
				await upgraded(socket);
			assert.deepEqual(await socket.ask('message-with-ack', text, 1), [text, 1]);
			assert.deepEqual(await socket.ask('message-with-ack', bytes), [bytes]);
			assert.equal(transportOf(socket), transports?.[0] ?? 'websocket');
			socket.disconnect();
			await eventually('nothing to be left', async () => (await g.metrics()).stoa_tls_connections === 0);
		});
	}

	// The one of asyncio: the threaded one reads and writes one TLS connection in two threads, which Python before 3.13 does not
	// guard, and loses it now and then at any server.
	test('python-socketio', async (t) => {
		const g = await start(t, [], 'conformance');
		const script = [
			'import asyncio, ssl, sys, aiohttp, socketio',
			'async def main():',
			'    context = ssl.create_default_context(cafile=sys.argv[2])',
			'    for transports in (["websocket"], ["polling"], None):',
			'        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as http:',
			'            client = socketio.AsyncClient(http_session=http, reconnection=False)',
			'            await client.connect(sys.argv[1], transports=transports)',
			'            answer = await client.call("message-with-ack", ("a" * 100000, b"b"), timeout=20)',
			'            await client.disconnect()',
			'            assert list(answer) == ["a" * 100000, b"b"], answer',
			'asyncio.run(main())',
		].join('\n');
		const ended = new Promise((resolve) => {
			const child = execFile('/usr/bin/python3', ['-c', script, g.tlsUrl, one.cert], (failed, out, err) => resolve(failed && `${failed}${out}${err}`));

			t.after(() => child.kill('SIGKILL'));
		});
		const error = await deadline(ended, 'the client to end');

		assert.equal(error, null);
	});

	test('a client is known by its own address, its own origin is https, and a cookie is Secure', async (t) => {
		const g = await start(t, ['--cookie', 'io']);
		const socket = await connect(t, g.tlsUrl, { transports: ['websocket'], ca });
		const own = await ask(t, g, HANDSHAKE, ['Origin: https://127.0.0.1']);

		assert.equal((await socket.ask('who'))[0].address, '127.0.0.1');
		assert.equal(own.status, 200);
		assert.match(own.headers['set-cookie'], /^io=.*; Secure/);
		assert.equal((await ask(t, g, HANDSHAKE, ['Origin: http://127.0.0.1'])).status, 403);
		assert.doesNotMatch((await fetchRaw(t, g.port, 'GET', HANDSHAKE)).headers['set-cookie'], /Secure/);
		assert.equal((await fetchRaw(t, g.port, 'GET', HANDSHAKE, ['Origin: http://127.0.0.1'])).status, 200);
	});

	test('a trusted proxy says over TLS too what its client spoke', async (t) => {
		const g = await start(t, ['--trusted-proxies', 'loopback']);

		assert.equal((await ask(t, g, HANDSHAKE, ['Origin: http://127.0.0.1', 'X-Forwarded-Proto: http'])).status, 200);
		assert.equal((await ask(t, g, HANDSHAKE, ['Origin: https://127.0.0.1', 'X-Forwarded-Proto: http'])).status, 403);
		assert.equal((await ask(t, g, HANDSHAKE, ['Origin: http://127.0.0.1'])).status, 200);
	});

	test('pipelined requests, a record for each byte, and a half-closed connection are answered', async (t) => {
		const g = await start(t);
		const raw = await openTls(t, g.tlsPort, { ca });

		for (const byte of request('GET', HANDSHAKE))
			raw.write(Buffer.from([byte]));
		assert.equal((await raw.response()).status, 200);
		raw.write(Buffer.concat([request('GET', HANDSHAKE), request('GET', HANDSHAKE)])).finish();
		assert.equal((await raw.response()).status, 200);
		assert.equal((await raw.response()).status, 200);
		assert.equal(await raw.closed(), 'fin');
	});
});

describe('a connection ends', () => {
	test('a client that takes nothing is closed as slow', async (t) => {
		const g = await start(t, ['--max-send-wait', '300ms', '--max-send-queue', '100MB']);
		const ws = await session(t, g);

		ws.raw.socket.pause();
		for (let i = 0; i < 20; i++)
			ws.send('42["flood",1000,5000]');
		await counts(g, 'stoa_disconnects_total{reason="slow client"}');
		ws.raw.socket.destroy();
		await eventually('it to be gone', async () => (await g.metrics()).stoa_tls_connections === 0);
	});

	test('one that takes it later gets all of it, in order', async (t) => {
		const g = await start(t, ['--max-send-wait', '0ms', '--max-send-queue', '100MB']);
		const ws = await session(t, g);

		ws.raw.socket.pause();
		ws.send('42["flood",400,50000]');
		await counts(g, 'stoa_events_total{direction="out"}', 400);
		await g.metrics(); // turns in which it fills
		ws.raw.socket.resume();
		for (let i = 0; i < 400; i++)
			assert.ok((await ws.message()).startsWith(`42["flood",${i},`), `event ${i}`);
	});

	test('what the gateway does not read yet waits, and nothing of it is lost', async (t) => {
		const g = await start(t);
		const raw = await openTls(t, g.tlsPort, { ca });
		const ahead = 200; // of 7 kB: more than the sockets between hold

		raw.write(request('GET', HANDSHAKE));
		const target = `${HANDSHAKE}&sid=${JSON.parse((await raw.response()).body.slice(1)).sid}`;
		const post = (body) => fetchRaw(t, g.port, 'POST', target, ['Content-Type: text/plain'], body);
		assert.equal((await post('40')).body, 'ok');
		raw.write(request('GET', target));
		assert.match((await raw.response()).body, /^40/);
		raw.write(request('GET', target)); // is answered when there is something
		for (let i = 0; i < ahead; i++)
			raw.write(request('GET', `/none?${i}-${'x'.repeat(7000)}`));
		for (let i = 0; i < 3; i++)
			await g.metrics(); // turns in which it is read as far as it is
		assert.equal((await post('421["nothing"]')).body, 'ok');
		assert.equal((await raw.response()).body, '431[]');
		for (let i = 0; i < ahead; i++)
			assert.equal((await raw.response()).status, 404, `request ${i}`);
	});

	test('what was sent before the end arrives, then a Close frame, then the end', async (t) => {
		const g = await start(t, ['--shutdown-timeout', '10s', '--max-send-queue', '100MB']);
		const ws = await session(t, g);
		const before = [];

		ws.raw.socket.pause();
		ws.send('42["flood",200,50000]');
		await counts(g, 'stoa_events_total{direction="out"}', 200);
		g.signal('SIGTERM');
		await g.line(/shutting-down/);
		ws.raw.socket.resume();
		assert.equal(await ws.closed(before), 1012);
		assert.equal(before.filter((text) => text.startsWith('42["flood"')).length, 200);
		assert.equal(await ws.raw.closed(), 'fin');
		assert.equal((await deadline(g.ended, 'the gateway to end')).code, 0);
	});

	for (const version of ['-tls1_2', '-tls1_3']) {
		test(`close_notify is said (${version})`, async (t) => {
			const g = await start(t);
			const client = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${g.tlsPort}`, '-CAfile', one.cert, '-msg', '-ign_eof', version], { stdio: ['pipe', 'pipe', 'ignore'] });
			let said = '';

			t.after(() => client.kill('SIGKILL'));
			client.stdout.on('data', (data) => (said += data));
			client.stdin.write(request('GET', HANDSHAKE, ['Connection: close']));
			await deadline(new Promise((resolve) => client.on('close', resolve)), 'the client to end', () => said);
			assert.match(said, /HTTP\/1\.1 200 OK/);
			assert.match(said, /<<< .*Alert.*warning close_notify/);
		});
	}

	test('a client that is cut off ends its session', async (t) => {
		const g = await start(t);
		const ws = await session(t, g);

		ws.raw.socket._handle?.reset?.(() => {}) ?? ws.raw.socket.destroy();
		await counts(g, 'stoa_disconnects_total{reason="transport close"}');
		await eventually('it to be gone', async () => (await g.metrics()).stoa_tls_connections === 0);
	});

	test('a client that answers no ping is gone', async (t) => {
		const g = await start(t, ['--ping-interval', '500ms', '--ping-timeout', '3s']);
		const ws = await session(t, g);

		await ws.closed();
		await counts(g, 'stoa_disconnects_total{reason="ping timeout"}');
		await eventually('it to be gone', async () => (await g.metrics()).stoa_tls_connections === 0);
	});
});

describe('handshakes that are none', () => {
	test('plain HTTP is answered in plain words, garbage is not', async (t) => {
		const g = await start(t);
		const answer = await fetchRaw(t, g.tlsPort, 'GET', HANDSHAKE);
		const garbage = await Raw.open(t, g.tlsPort);

		assert.equal(answer.status, 400);
		assert.match(answer.body, /^This port speaks HTTPS, not HTTP$/);
		garbage.write('\0'.repeat(1000));
		await garbage.closed();
		await counts(g, HANDSHAKES('failed'), 2);
		await g.line(/tls-handshakes-failed address=127\.0\.0\.1 why="http request"/);
		await session(t, g);
	});

	test('old versions are refused, and 1.2 where it is to be 1.3', async (t) => {
		const g = await start(t);
		const modern = await start(t, ['--tls-min-version', '1.3']);
		const old = { ciphers: 'DEFAULT@SECLEVEL=0', minVersion: 'TLSv1', maxVersion: 'TLSv1.1' };

		assert.equal(await refusal(t, g, old), 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
		assert.equal(await refusal(t, g, { maxVersion: 'TLSv1.2' }), null);
		assert.equal(await refusal(t, modern, { maxVersion: 'TLSv1.2' }), 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
		assert.equal(await refusal(t, modern), null);
	});

	test('ciphers without forward secrecy are refused; others are as the options say', async (t) => {
		const g = await start(t, ['--tls-ciphers', 'ECDHE-ECDSA-AES256-GCM-SHA384', '--tls-ciphersuites', 'TLS_CHACHA20_POLY1305_SHA256']);
		const chosen = async (options) => (await openTls(t, g.tlsPort, { ca, ...options })).socket.getCipher().name;

		assert.equal(await chosen({ maxVersion: 'TLSv1.2' }), 'ECDHE-ECDSA-AES256-GCM-SHA384');
		assert.equal(await chosen({}), 'TLS_CHACHA20_POLY1305_SHA256');
		assert.equal(await refusal(t, await start(t), { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA256' }), 'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE');
	});

	test('http/1.1 is spoken, and nothing else', async (t) => {
		const g = await start(t);
		const both = await openTls(t, g.tlsPort, { ca, ALPNProtocols: ['h2', 'http/1.1'] });

		assert.equal(both.socket.alpnProtocol, 'http/1.1');
		assert.equal(await refusal(t, g, { ALPNProtocols: ['h2'] }), 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL');
		assert.equal((await openTls(t, g.tlsPort, { ca })).socket.alpnProtocol, false);
	});

	test('a renegotiation is refused', async (t) => {
		const g = await start(t);
		const raw = await openTls(t, g.tlsPort, { ca, maxVersion: 'TLSv1.2' });
		const refused = await deadline(new Promise((resolve) => {
			raw.socket.on('error', () => resolve(true));
			raw.socket.renegotiate({}, (error) => resolve(error !== null));
		}), 'an answer');

		assert.ok(refused);
	});

	test('tls_handshake_timeout: one that does not go on', async (t) => {
		const g = await start(t, ['--tls-handshake-timeout', '300ms']);
		const silent = await Raw.open(t, g.tlsPort);
		const half = await Raw.open(t, g.tlsPort);

		half.write(Buffer.from([0x16, 3, 1, 2, 0, 1]));
		await Promise.all([silent.closed(), half.closed()]);
		await counts(g, 'stoa_limit_total{limit="tls_handshake_timeout"}', 2);
		assert.equal((await g.metrics())[HANDSHAKES('timed out')], 2);
		await g.line(/tls-handshakes-failed .*why=tls_handshake_timeout/);
		await eventually('one that goes on', async () => await refusal(t, g) === null); // a slow machine may be too late too
	});

	test('max_tls_handshakes: one past it is closed, and those that are over do not count', async (t) => {
		const g = await start(t, ['--max-tls-handshakes', '2']);
		const done = [await session(t, g), await session(t, g), await session(t, g)];
		const waiting = [await Raw.open(t, g.tlsPort), await Raw.open(t, g.tlsPort)];
		const third = await Raw.open(t, g.tlsPort);

		await third.closed();
		assert.equal((await g.metrics())['stoa_limit_total{limit="max_tls_handshakes"}'], 1);
		assert.equal((await g.metrics())[HANDSHAKES('refused')], 1);
		await g.line(/limit passed.*limit=max_tls_handshakes/);
		assert.deepEqual(waiting.map((raw) => raw.over), [null, null]);
		waiting[0].socket.destroy();
		await eventually('a place', async () => await refusal(t, g) === null);
		done[0].send('421["nothing"]');
		assert.equal(await done[0].text(), '431[]');
	});

	test('max_connections counts them', async (t) => {
		const g = await start(t, ['--max-connections', '2']);

		await session(t, g);
		await Raw.open(t, g.tlsPort);
		await eventually('both to be counted', async () => (await g.metrics()).stoa_connections === 2);
		await (await Raw.open(t, g.tlsPort)).closed();
		await counts(g, 'stoa_limit_total{limit="max_connections"}');
	});
});

describe('certificates', () => {
	const issuedTo = async (t, g, options) => (await openTls(t, g.tlsPort, { rejectUnauthorized: false, ...options })).socket.getPeerCertificate().subject.CN;
	const expires = async (g) => (await g.metrics()).stoa_tls_certificate_expiry_timestamp_seconds;

	test('of several the one for the host is shown, else the first; of either kind of key', async (t) => {
		const two = certificate(dir, 'two', { hosts: ['two.example', '*.two.example'], key: 'RSA', days: 3 });
		const g = await tlsGateway(t, 'e2e', [one, two]);

		assert.equal(await issuedTo(t, g, { servername: 'localhost' }), 'one');
		assert.equal(await issuedTo(t, g, { servername: 'two.example' }), 'two');
		assert.equal(await issuedTo(t, g, { servername: 'WWW.two.example' }), 'two');
		assert.equal(await issuedTo(t, g, { servername: 'other.example' }), 'one');
		assert.equal(await issuedTo(t, g, { servername: '' }), 'one');
		assert.ok(Math.abs(await expires(g) - Date.now() / 1000 - 3 * 24 * 3600) < 600, 'the first to end');
	});

	for (const version of ['TLSv1.2', 'TLSv1.3']) {
		test(`a session is resumed (${version})`, async (t) => {
			const g = await start(t);
			const versions = { ca, minVersion: version, maxVersion: version };
			const first = await openTls(t, g.tlsPort, versions);
			const ticket = new Promise((resolve) => first.socket.on('session', resolve));

			first.write(request('GET', HANDSHAKE));
			assert.equal((await first.response()).status, 200);
			const again = await openTls(t, g.tlsPort, { ...versions, session: version === 'TLSv1.2' ? first.socket.getSession() : await deadline(ticket, 'a ticket') });
			assert.ok(again.socket.isSessionReused());
			assert.equal((await again.write(request('GET', HANDSHAKE)).response()).status, 200);
			assert.equal((await g.metrics())[HANDSHAKES('resumed')], 1);
			assert.equal((await g.metrics())[HANDSHAKES('ok')], 1);
		});
	}

	test('SIGHUP: new connections get the new one, old ones go on; a bad file leaves it in force', async (t) => {
		const own = certificate(dir, 'own', { days: 5 });
		const g = await tlsGateway(t, 'e2e', own, ['--tls-reload-interval', '0s']);
		const ws = await RawWebSocket.session(t, await openTls(t, g.tlsPort, { ca: [own.ca] }), { connect: '' });
		const until = await expires(g);
		const next = certificate(dir, 'own', { days: 9 });

		await assert.doesNotReject(openTls(t, g.tlsPort, { ca: [own.ca] }));
		g.signal('SIGHUP');
		await g.line(/tls-certificates-loaded .*days_left=[89]$/);
		assert.equal(await refusal(t, g, { ca: [own.ca] }), 'DEPTH_ZERO_SELF_SIGNED_CERT');
		assert.equal(await refusal(t, g, { ca: [next.ca] }), null);
		assert.ok(await expires(g) > until + 3 * 24 * 3600);

		writeFileSync(own.cert, 'nonsense');
		g.signal('SIGHUP');
		await g.line(/tls-certificates-not-loaded why="tls_cert_file .*own\.crt holds no certificate/);
		assert.equal(await refusal(t, g, { ca: [next.ca] }), null);
		const metrics = await g.metrics();
		assert.equal(metrics['stoa_tls_certificate_loads_total{result="ok"}'], 1);
		assert.equal(metrics['stoa_tls_certificate_loads_total{result="failed"}'], 1);

		ws.send('421["nothing"]');
		assert.equal(await ws.text(), '431[]');
	});

	test('files that change are read without being asked', async (t) => {
		const own = certificate(dir, 'watched');
		const g = await tlsGateway(t, 'e2e', own, ['--tls-reload-interval', '50ms']);
		const next = certificate(dir, 'watched');

		await eventually('the new certificate', async () => await refusal(t, g, { ca: [next.ca] }) === null);
		assert.equal(await refusal(t, g, { ca: [own.ca] }), 'DEPTH_ZERO_SELF_SIGNED_CERT');
	});

	// The flags, and what --check-config and a start say.
	const other = certificate(dir, 'other', { key: 'RSA' });
	const copy = (name, from) => {
		copyFileSync(from, path.join(dir, name));
		return path.join(dir, name);
	};
	const wrong = [
		['no file', () => flagsFor({ ...one, cert: path.join(dir, 'none.crt') }), /tls_cert_file .*none\.crt cannot be read: No such file/],
		['no key file', () => flagsFor({ ...one, key: path.join(dir, 'none.key') }), /tls_key_file .*none\.key cannot be read: No such file/],
		['no certificate', () => flagsFor({ ...one, cert: one.key }), /tls_cert_file .*one\.key holds no certificate in PEM/],
		['no key', () => flagsFor({ ...one, key: one.cert }), /tls_key_file .*one\.crt holds no key in PEM/],
		['another kind of key', () => flagsFor({ ...one, key: other.key }), /tls_key_file .*other\.key is not the key of tls_cert_file .*one\.crt/],
		['another key', () => flagsFor({ ...one, key: certificate(dir, 'third').key }), /tls_key_file .*third\.key is not the key of tls_cert_file/],
		['an encrypted key', () => flagsFor({ ...one, key: encrypted() }), /tls_key_file .*encrypted\.key is encrypted; write it without a passphrase/],
		['no key named', () => ['--tls-listen', ':0', '--tls-cert-file', one.cert], /tls_listen needs tls_cert_file and tls_key_file/],
		['more certificates than keys', () => ['--tls-listen', ':0', '--tls-cert-file', `${one.cert},${one.cert}`, '--tls-key-file', one.key], /tls_cert_file names 2 files and tls_key_file 1/],
		['nobody who listens', () => ['--tls-cert-file', one.cert], /tls_cert_file is set, and without tls_listen/],
		['a redirect to nowhere', () => ['--https-redirect'], /https_redirect is set, and without tls_listen/],
		['a redirect to no host', () => [...flagsFor(one), '--https-redirect-host', 'a/b'], /a\/b.* is not a host/],
		['no such cipher', () => [...flagsFor(one), '--tls-ciphers', 'NONE'], /tls_ciphers = NONE names no cipher/],
		['no such ciphersuite', () => [...flagsFor(one), '--tls-ciphersuites', 'NONE'], /tls_ciphersuites = NONE names what OpenSSL does not have/],
	];

	function encrypted() {
		const file = path.join(dir, 'encrypted.key');

		execFileSync('openssl', ['pkey', '-in', one.key, '-aes256', '-passout', 'pass:secret', '-out', file]);
		return file;
	}

	for (const [what, flags, why] of wrong) {
		test(`--check-config finds ${what}`, async () => {
			const checked = await runGateway(['--app', appPath('e2e'), '--check-config', ...flags()]);

			assert.notEqual(checked.code, 0);
			assert.match(checked.stderr, why);
		});
	}

	test('a gateway does not start with a bad one', async () => {
		const started = await runGateway(['--app', appPath('e2e'), '--listen', '127.0.0.1:0', ...flagsFor({ ...one, key: other.key })]);

		assert.notEqual(started.code, 0);
		assert.match(started.stderr, /is not the key of tls_cert_file/);
	});

	test('a key for all to read and a certificate that is over are warned of', async () => {
		const over = certificate(dir, 'over');

		execFileSync('openssl', ['x509', '-in', over.cert, '-signkey', over.key, '-days', '-1', '-out', over.cert], { stdio: 'ignore' });
		chmodSync(over.key, 0o644);
		const checked = await runGateway(['--app', appPath('e2e'), '--check-config', ...flagsFor(over)]);
		assert.equal(checked.code, 0);
		assert.match(checked.stdout, /the configuration is good/);
		assert.match(checked.stderr, /warn tls-key-exposed file=\S*over\.key/);
		assert.match(checked.stderr, /warn tls-certificate-expired file=\S*over\.crt/);
		const good = await runGateway(['--app', appPath('e2e'), '--check-config', ...flagsFor({ cert: one.cert, key: copy('mine.key', one.key) })]);
		assert.doesNotMatch(good.stderr, /warn/);
	});
});

describe('https_redirect', () => {
	const to = async (t, g, target, headers) => {
		const raw = (await Raw.open(t, g.port)).write([`GET ${target} HTTP/1.1`, ...headers, '', ''].join('\r\n'));
		const { status, headers: { location } } = await raw.response();
		return [status, location];
	};

	test('308 to the same address by https; what came by it stays', async (t) => {
		mkdirSync(path.join(dir, '.well-known/acme-challenge'), { recursive: true });
		writeFileSync(path.join(dir, '.well-known/acme-challenge/token'), 'the proof');
		const g = await start(t, ['--https-redirect', '--trusted-proxies', 'loopback', '--public', dir]);
		const there = (host) => [308, `https://${host}:${g.tlsPort}${HANDSHAKE}`];

		assert.deepEqual(await to(t, g, HANDSHAKE, ['Host: a.example']), there('a.example'));
		assert.deepEqual(await to(t, g, HANDSHAKE, ['Host: a.example:5000']), there('a.example'));
		assert.deepEqual(await to(t, g, HANDSHAKE, ['Host: [::1]:5000']), there('[::1]'));
		assert.deepEqual(await to(t, g, HANDSHAKE, ['Host: x', 'X-Forwarded-Host: b.example']), there('b.example'));
		for (const host of ['a.example/b', 'a@b.example', '[::1', '[]:1', ''])
			assert.deepEqual(await to(t, g, '/', [`Host: ${host}`]), [400, undefined], host);
		assert.equal((await to(t, g, HANDSHAKE, ['Host: x', 'X-Forwarded-Proto: https']))[0], 200);
		assert.equal((await fetchRaw(t, g.port, 'GET', '/.well-known/acme-challenge/token')).body, 'the proof');
		assert.equal((await to(t, g, '/.well-known/other', ['Host: x']))[0], 308);
		assert.equal((await ask(t, g, HANDSHAKE)).status, 200);
		assert.equal((await fetchRaw(t, g.internalPort, 'GET', '/healthz')).status, 200);
		assert.equal((await g.metrics()).stoa_https_redirects_total, 5);
	});

	test('to the host that is named; bodies and upgrades too', async (t) => {
		const g = await start(t, ['--https-redirect', '--https-redirect-host', 'www.example:8443']);
		const raw = await Raw.open(t, g.port);

		assert.deepEqual(await to(t, g, '/a?b', ['Host: evil.example', 'Connection: Upgrade', 'Upgrade: websocket']), [308, 'https://www.example:8443/a?b']);
		raw.write(request('POST', '/a', [], 'body'));
		assert.equal((await raw.response()).status, 308);
		raw.write(request('GET', '/a'));
		assert.equal((await raw.response()).status, 308);
	});
});

describe('workers', () => {
	const redis = shareRedis(before, after);

	test('each of them speaks TLS, and resumes what another began', async (t) => {
		const g = await start(t, ['--workers', '2', '--redis-url', redis().url, ...QUICK], 'workers');
		const served = async () => (await Promise.all(workersOf(g).map(metricsOf))).map((m) => m[HANDSHAKES('ok')] + m[HANDSHAKES('resumed')]);

		await together(g, 2);
		const first = await openTls(t, g.tlsPort, { ca, maxVersion: 'TLSv1.2' });
		const session = first.socket.getSession();
		await eventually('both to be asked', async () => {
			assert.ok((await openTls(t, g.tlsPort, { ca, maxVersion: 'TLSv1.2', session })).socket.isSessionReused());
			return (await served()).every((n) => n >= 2);
		});
		const socket = await connect(t, g.tlsUrl, { ca });
		await upgraded(socket);
	});
});
