// Tokens: who is let in, what the application is told, expiry and refresh, where keys come from. What is checked of a token
// itself is in tests/unit/jwt; the clock is moved in tests/scripts/tokens.script.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { connect, open, openNamespace, WAYS } from './lib/client.mjs';
import { appPath, Gateway, runGateway } from './lib/gateway.mjs';
import { certificate } from './lib/tls.mjs';
import { inSeconds, KeyServer, keyFor, SECRET, token } from './lib/tokens.mjs';
import { eventually } from './lib/wait.mjs';
import { ack, gatewayFor as webhookGateway, onEvents, Webhook } from './lib/webhook.mjs';

async function gatewayFor(t, flags, app = 'clients') {
	const g = await Gateway.start(app, flags);

	t.after(() => g.stop());
	return g;
}

function folderFor(t) {
	const folder = mkdtempSync(path.join(tmpdir(), 'stoa-jwt-'));

	t.after(() => rmSync(folder, { recursive: true }));
	return folder;
}

function fileFor(t, text) {
	const file = path.join(folderFor(t), 'keys');

	writeFileSync(file, text);
	return file;
}

const WS = { transports: ['websocket'] };
const counted = (g, result, n = 1) => eventually(`${n} tokens ${result}`, async () => (await g.metrics())[`stoa_tokens_total{result="${result}"}`] === n);

async function refused(t, g, options) {
	const [error] = await open(t, g.url, { ...WS, ...options }).happens('connect_error');

	return [error.message, error.data?.code];
}

// The claims of who is let in.
async function claimsOf(t, g, options) {
	const socket = await connect(t, g.url, { ...WS, ...options });
	const [claims] = await socket.ask('claims');

	return claims;
}

const INVALID = ['invalid token', 'token_invalid'];

describe('a secret', () => {
	for (const { way, transports } of WAYS) {
		test(`who has a good token is let in, and the application knows the claims: ${way}`, async (t) => {
			const g = await gatewayFor(t, ['--jwt-key', SECRET]);
			const exp = inSeconds(3600);
			const socket = await connect(t, g.url, { transports, auth: { token: token({ sub: 'ada', exp, roles: ['admin'] }) } });

			assert.deepEqual(await socket.ask('claims'), [{ sub: 'ada', exp, roles: ['admin'] }]);
			assert.deepEqual(await socket.ask('echo', 1), [1]);
			await counted(g, 'accepted');
		});
	}

	test('--debug shows packets without their tokens', async (t) => {
		const g = await gatewayFor(t, ['--jwt-key', SECRET, '--debug']);
		const shown = token({ sub: 'ada' });
		const socket = await connect(t, g.url, { ...WS, auth: { token: shown, tail: 'eyJ' } });

		await socket.ask('refresh_token', shown);
		await g.line(/ packet-in .*refresh_token/);
		const lines = g.lines.filter((line) => line.includes('packet-in'));

		assert.ok(lines.some((line) => line.includes('\\"token\\":\\"<token>\\",\\"tail\\":\\"eyJ\\"')), lines.join('\n'));
		assert.ok(lines.some((line) => line.includes('[\\"refresh_token\\",\\"<token>\\"]')));
		assert.ok(!lines.some((line) => shown.split('.').some((part) => line.includes(part))));
	});

	test('each refusal has a code for the client, and a reason for who looks at the metrics', async (t) => {
		const g = await gatewayFor(t, ['--jwt-key', SECRET, '--jwt-issuer', 'https://id.example.com', '--jwt-required', 'exp,sub', '--jwt-max-token', '500B']);
		const iss = 'https://id.example.com', sub = 'ada';
		const cases = [
			[undefined, ['token missing', 'token_missing'], 'missing'],
			['x', INVALID, 'malformed'],
			['x'.repeat(501), INVALID, 'too_large'],
			[token({ iss, sub }, { key: `${SECRET}x` }), INVALID, 'signature'],
			[token({ iss, sub }, { alg: 'HS512' }).replace(/^[^.]*/, Buffer.from('{"alg":"none"}').toString('base64url')), INVALID, 'algorithm'],
			[token({ iss, sub, exp: inSeconds(-60) }), ['token expired', 'token_expired'], 'expired'],
			[token({ iss, sub, nbf: inSeconds(60) }), ['token not yet valid', 'token_not_yet_valid'], 'not_yet'],
			[token({ iss: 'https://other.example.com', sub }), INVALID, 'issuer'],
			[token({ iss, sub, aud: 'another' }), INVALID, 'audience'],
			[token({ iss }), INVALID, 'claim'],
		];

		for (const [shown, told, result] of cases) {
			assert.deepEqual(await refused(t, g, shown ? { auth: { token: shown } } : {}), told, result);
			await counted(g, result);
		}
		assert.equal((await claimsOf(t, g, { auth: { token: token({ iss, sub }) } })).sub, sub);
	});

	test('a token of the largest size is one, and one byte more is not', async (t) => {
		const shown = token({ sub: 'ada' });
		const g = await gatewayFor(t, ['--jwt-key', SECRET, '--jwt-max-token', `${shown.length}B`]);

		assert.equal((await claimsOf(t, g, { auth: { token: shown } })).sub, 'ada');
		assert.deepEqual(await refused(t, g, { auth: { token: `${shown}x` } }), INVALID);
		await counted(g, 'too_large');
	});

	test('from the query, the header, a cookie, in the order of the option', async (t) => {
		const g = await gatewayFor(t, ['--jwt-key', SECRET, '--jwt-from', 'header,cookie,query,auth', '--jwt-name', 'jwt']);
		const of = (sub) => token({ sub });
		const extraHeaders = { Authorization: `Bearer ${of('header')}`, Cookie: `a=b; jwt=${of('cookie')}; c=d` };

		assert.equal((await claimsOf(t, g, { auth: { jwt: of('auth') } })).sub, 'auth');
		assert.equal((await claimsOf(t, g, { auth: { jwt: of('auth') }, query: { jwt: of('query') } })).sub, 'query');
		assert.equal((await claimsOf(t, g, { query: { jwt: of('query') }, extraHeaders: { Cookie: extraHeaders.Cookie } })).sub, 'cookie');
		assert.equal((await claimsOf(t, g, { query: { jwt: of('query') }, extraHeaders })).sub, 'header');
		assert.deepEqual(await refused(t, g, { extraHeaders: { Authorization: of('header') } }), ['token missing', 'token_missing']);
		assert.deepEqual(await refused(t, g, { auth: { token: of('auth') } }), ['token missing', 'token_missing']);
	});

	test('only where the option says so; the connection is unharmed', async (t) => {
		const g = await gatewayFor(t, ['--jwt-key', SECRET, '--jwt-namespaces', '/oth*']);
		const socket = await connect(t, g.url, WS);
		const without = openNamespace(t, socket, '/other', { auth: {} });
		const [error] = await without.happens('connect_error');

		assert.equal(error.data.code, 'token_missing');
		assert.deepEqual(await socket.ask('claims'), [{}]);
		without.auth = { token: token({ sub: 'ada' }) };
		without.connect();
		await without.happens('connect');
		assert.equal((await without.ask('claims'))[0].sub, 'ada');
		assert.deepEqual(await socket.ask('echo', 1), [1]);
	});

	test('the token first, then the application', async (t) => {
		const g = await gatewayFor(t, ['--jwt-key', SECRET, '--jwt-name', 'jwt']);
		const main = await connect(t, g.url, { ...WS, auth: { jwt: token({}) } });
		const guard = (auth) => openNamespace(t, main, '/guard', { auth }).happens('connect_error');

		assert.equal((await guard({ token: 'good' }))[0].data.code, 'token_missing');
		main.io.nsps['/guard'].disconnect();
		main.io.nsps['/guard'].auth = { jwt: token({}) };
		main.io.nsps['/guard'].connect();
		assert.deepEqual((await main.io.nsps['/guard'].happens('connect_error'))[0].data, { code: 403, words: ['ask', 'again'] });
	});

	// They do not ask: the session is the question, so the token is in its query.
	test('clients of Engine.IO 3, which send no CONNECT', async (t) => {
		const g = await gatewayFor(t, ['--jwt-key', SECRET, '--jwt-from', 'query', '--allow-eio3', 'true']);
		const told = async (query) => {
			const url = `${g.url}/socket.io/?EIO=3&transport=polling${query}`;
			const first = await (await fetch(url)).text();
			const [, sid] = /"sid":"([^"]+)"/.exec(first);

			return (await fetch(`${url}&sid=${sid}`)).text();
		};

		assert.match(await told(''), /44\{"code":"token_missing"\}$/);
		assert.match(await told('&token=x'), /44\{"code":"token_invalid"\}$/);
		assert.match(await told(`&token=${token({})}`), /2:40/);
	});

	test('with the other parser', async (t) => {
		const parser = (await import('socket.io-msgpack-parser')).default;
		const g = await gatewayFor(t, ['--jwt-key', SECRET, '--parser', 'msgpack']);

		assert.deepEqual(await refused(t, g, { parser }), ['token missing', 'token_missing']);
		const socket = await connect(t, g.url, { ...WS, parser, auth: { token: token({ sub: 'ada', exp: inSeconds(20) }) } });
		assert.ok((await socket.next('token_expiring'))[0].expires_in <= 20);
		assert.deepEqual(Object.keys((await socket.ask('refresh_token', token({ sub: 'ada' })))[0]), ['ok', 'expires_in']);
		assert.equal((await socket.ask('claims'))[0].sub, 'ada');
	});
});

test('behind a webhook: who is refused is not posted, and claims stand in the state, the newer ones too', async (t) => {
	const hook = await Webhook.start(t, onEvents({ claims: (e) => [ack(e, e.state.claims)] }));
	const g = await webhookGateway(t, hook, ['--jwt-key', SECRET]);
	const exp = inSeconds(3600);

	assert.deepEqual(await refused(t, g, { auth: { token: 'x' } }), INVALID);
	const socket = await connect(t, g.url, { ...WS, auth: { token: token({ sub: 'ada', exp }) } });
	assert.deepEqual((await hook.next('connect')).state.claims, { sub: 'ada', exp });
	assert.equal((await socket.ask('refresh_token', token({ sub: 'ada', exp, n: 2 })))[0].ok, true);
	assert.deepEqual(await socket.ask('claims'), [{ sub: 'ada', exp, n: 2 }]);
	socket.disconnect();
	assert.equal((await hook.next('disconnect')).state.claims.n, 2);
	assert.equal(hook.posts.length, 3);
});

test('fetch_sockets has the claims in the handshake', async (t) => {
	const g = await gatewayFor(t, ['--jwt-key', SECRET], 'cluster');
	const exp = inSeconds(3600);
	const socket = await connect(t, `${g.url}/chat`, { ...WS, auth: { token: token({ sub: 'ada', exp }) } });
	const [, clients] = await socket.ask('fetch', null, 5000);

	assert.deepEqual(clients.map(({ handshake }) => handshake.claims), [{ sub: 'ada', exp }]);
});

describe('expiry', () => {
	// `exp` is whole seconds: the application has the claims before it, if only just.
	const SOON = ['--jwt-key', SECRET, '--jwt-leeway', '0s'];

	for (const { way, transports } of WAYS.slice(0, 2)) {
		test(`at the end the client is told and disconnected, and comes again with a fresh token: ${way}`, async (t) => {
			const g = await gatewayFor(t, SOON);
			let shown = token({ sub: 'ada', exp: inSeconds(4) });
			const socket = await connect(t, g.url, { transports, auth: (give) => give({ token: shown }), reconnection: true });
			const gone = socket.happens('disconnect');

			assert.ok((await socket.next('token_expiring'))[0].expires_in <= 4);
			assert.deepEqual(await socket.next('token_expired'), [{ code: 'token_expired', message: 'token expired' }]);
			assert.equal((await gone)[0], 'io server disconnect');
			await g.line(/left \/ because of token expired/);
			assert.equal((await g.metrics()).stoa_token_disconnects_total, 1);
			shown = token({ sub: 'ada' });
			socket.connect();
			await socket.happens('connect');
			assert.equal((await socket.ask('claims'))[0].sub, 'ada');
		});
	}

	test('a newer token keeps the connection; one of somebody else does not', async (t) => {
		const g = await gatewayFor(t, [...SOON, '--jwt-refresh-before', '1h']);
		const socket = await connect(t, g.url, { ...WS, auth: { token: token({ sub: 'ada', exp: inSeconds(60), n: 1 }) } });

		await socket.next('token_expiring');
		const [eve] = await socket.ask('refresh_token', token({ sub: 'eve' }));
		assert.deepEqual([eve.ok, eve.code], [false, 'token_subject']);
		assert.equal((await socket.ask('claims'))[0].n, 1);
		const [answer] = await socket.ask('refresh_token', token({ sub: 'ada', exp: inSeconds(7200), n: 2 }));
		assert.equal(answer.ok, true);
		assert.ok(answer.expires_in > 7100 && answer.expires_in <= 7200);
		assert.equal((await socket.ask('claims'))[0].n, 2);
		// One that is over sooner ends it sooner: what was is forgotten.
		await socket.ask('refresh_token', token({ sub: 'ada', exp: inSeconds(4) }));
		await socket.next('token_expired');
		await counted(g, 'refreshed', 2);
		await counted(g, 'subject');
	});

	test('the application has the event itself where the option gives it another name, or none', async (t) => {
		const g = await gatewayFor(t, ['--jwt-key', SECRET, '--jwt-refresh-event=']);
		const socket = await connect(t, g.url, { ...WS, auth: { token: token({ sub: 'ada' }) } });
		const other = await gatewayFor(t, ['--jwt-key', SECRET, '--jwt-refresh-event', 'echo']);
		const renamed = await connect(t, other.url, { ...WS, auth: { token: token({ sub: 'ada' }) } });

		assert.deepEqual(await socket.ask('echo', token({ sub: 'ada' })).then(([text]) => text.split('.').length), 3);
		assert.equal((await renamed.ask('echo', token({ sub: 'ada' })))[0].ok, true);
	});
});

describe('keys', () => {
	test('every algorithm of public keys, from PEM and from a JWK set', async (t) => {
		const keys = ['RS256', 'RS512', 'PS256', 'PS384', 'ES256', 'ES384', 'ES512', 'EdDSA'].map((alg) => keyFor(alg, `of-${alg}`));
		const pem = await gatewayFor(t, ['--jwt-public-key-file', fileFor(t, keys.filter((_, i) => i % 2).map((k) => k.pem).join('\n'))]);
		const set = await gatewayFor(t, ['--jwt-jwks-file', fileFor(t, JSON.stringify({ keys: keys.map((k) => k.jwk) }))]);

		for (const [i, key] of keys.entries()) {
			assert.equal((await claimsOf(t, set, { auth: { token: key.sign({ sub: key.jwk.kid }) } })).sub, key.jwk.kid);
			if (i % 2)
				assert.equal((await claimsOf(t, pem, { auth: { token: key.sign({ sub: key.jwk.kid }) } })).sub, key.jwk.kid);
		}
		// A public key is no secret.
		assert.deepEqual(await refused(t, pem, { auth: { token: token({}, { key: keys[1].pem }) } }), INVALID);
		await counted(pem, 'algorithm');
	});

	test('a file that changes counts at once, one that is broken does not', async (t) => {
		const file = fileFor(t, `${SECRET}\n`);
		const g = await gatewayFor(t, ['--jwt-key-file', file]);
		const swap = (text) => {
			writeFileSync(`${file}.new`, text);
			renameSync(`${file}.new`, file);
		};
		const key = 'another-secret-that-is-long-enough-for-it';

		await claimsOf(t, g, { auth: { token: token({}) } });
		swap('too short');
		await g.line(/token-keys-not-read .*too short for a secret/);
		await claimsOf(t, g, { auth: { token: token({}) } });
		swap(key);
		await eventually('the new key', async () => (await g.metrics())['stoa_token_keys_reads_total{result="ok"}'] >= 1);
		await claimsOf(t, g, { auth: { token: token({}, { key }) } });
		assert.deepEqual(await refused(t, g, { auth: { token: token({}) } }), INVALID);
	});

	test('SIGHUP reads them too', async (t) => {
		const [first, second] = [keyFor('ES256', '1'), keyFor('ES256', '2')];
		const server = await KeyServer.start(t, [first]);
		const g = await gatewayFor(t, ['--jwt-jwks-url', server.url]);

		await claimsOf(t, g, { auth: { token: first.sign({}) } });
		server.keys = [second];
		const asked = server.asked;
		g.signal('SIGHUP');
		await eventually('a fetch', () => server.asked > asked);
		await claimsOf(t, g, { auth: { token: second.sign({}) } });
		assert.deepEqual(await refused(t, g, { auth: { token: first.sign({}) } }), INVALID);
	});
});

describe('keys from a URL', () => {
	test('fetched with GET; a key that is new there is fetched when the first token of it comes, and its client waits', async (t) => {
		const [first, second] = [keyFor('EdDSA', '1'), keyFor('RS256', '2')];
		const server = await KeyServer.start(t, [first]);
		const g = await gatewayFor(t, ['--jwt-jwks-url', server.url, '--jwt-refetch-min', '100ms']);

		await claimsOf(t, g, { auth: { token: first.sign({}) } });
		assert.deepEqual([server.request.method, server.request.url, server.request.headers.accept], ['GET', '/keys?x=1', 'application/json']);
		server.keys = [first, second];
		await eventually('the pause to be over', async () => (await claimsOf(t, g, { auth: { token: second.sign({ sub: 'ada' }) } }).catch(() => ({}))).sub === 'ada');
		assert.equal((await g.metrics()).stoa_token_keys, 2);
	});

	test('unknown keys have it asked once in a while only', async (t) => {
		const [known, other] = [keyFor('ES256', '1'), keyFor('ES256', '2')];
		const server = await KeyServer.start(t, [known]);
		const g = await gatewayFor(t, ['--jwt-jwks-url', server.url, '--jwt-refetch-min', '1h']);

		await claimsOf(t, g, { auth: { token: known.sign({}) } });
		for (let i = 0; i < 5; i++)
			assert.deepEqual(await refused(t, g, { auth: { token: other.sign({}) } }), INVALID);
		assert.equal(server.asked, 1);
		await counted(g, 'unknown_key', 5);
	});

	test('while it cannot be fetched old keys count; before there are any nobody is let in, and /readyz says so', async (t) => {
		const key = keyFor('ES256', '1');
		const server = await KeyServer.start(t, [key]);
		const flags = ['--jwt-jwks-url', server.url, '--jwt-refetch-min', '100ms', '--jwt-refetch', '1s'];
		const good = await gatewayFor(t, flags);

		await claimsOf(t, good, { auth: { token: key.sign({}) } });
		const asked = server.asked;
		server.answer = (response) => response.writeHead(500).end('no');
		await eventually('a fetch that fails', async () => server.asked > asked && (await good.metrics())['stoa_token_keys_reads_total{result="failed"}'] > 0);
		await claimsOf(t, good, { auth: { token: key.sign({}) } });

		const late = await Gateway.startWithout(['--app', appPath('clients'), ...flags]);
		t.after(() => late.stop());
		assert.deepEqual(await refused(t, late, { auth: { token: key.sign({}) } }), ['tokens cannot be checked at the moment', 'token_unchecked']);
		const ready = await fetch(`${late.internalUrl}/readyz`);
		assert.deepEqual([ready.status, (await ready.text()).includes('no keys yet')], [503, true]);
		server.answer = undefined;
		await eventually('to be ready', async () => (await fetch(`${late.internalUrl}/readyz`)).status === 200);
		await claimsOf(t, late, { auth: { token: key.sign({}) } });
	});

	test('an answer that is too large or no set is none; a server that is silent is waited for so long', async (t) => {
		const key = keyFor('ES256', '1');
		const server = await KeyServer.start(t, [key]);
		const g = await gatewayFor(t, ['--jwt-jwks-url', server.url, '--jwt-max-jwks', '1KB', '--jwt-refetch', '1s', '--jwt-fetch-timeout', '2s']);

		await claimsOf(t, g, { auth: { token: key.sign({}) } });
		server.answer = (response) => response.end('x'.repeat(1001));
		await g.line(/token-keys-not-read .*the answer is too large/);
		server.answer = (response) => response.end('{"keys":{}}');
		await g.line(/token-keys-not-read .*is no JWK set/);
		server.answer = () => {};
		await g.line(/token-keys-not-read .*no answer in time/);
		await claimsOf(t, g, { auth: { token: key.sign({}) } });
	});

	test('https: the certificate and its name are verified', async (t) => {
		const { cert: certFile, key: keyFile } = certificate(folderFor(t), 'localhost', { addresses: [] });
		const key = keyFor('ES256', '1');
		const server = await KeyServer.start(t, [key], { tls: { key: readFileSync(keyFile), cert: readFileSync(certFile) } });
		const g = await gatewayFor(t, ['--jwt-jwks-url', server.url, '--jwt-ca-file', certFile]);

		await claimsOf(t, g, { auth: { token: key.sign({}) } });
		const wary = await Gateway.startWithout(['--app', appPath('clients'), '--jwt-jwks-url', server.url]);
		t.after(() => wary.stop());
		await wary.line(/token-keys-not-read .*self[- ]signed/);
		assert.equal((await refused(t, wary, { auth: { token: key.sign({}) } }))[1], 'token_unchecked');
	});

	test('who leaves while keys are asked for is nobody; who stays is judged when they are there', async (t) => {
		const key = keyFor('ES256', '1');
		const server = await KeyServer.start(t, []);
		const fetched = new Promise((resolve) => { server.answer = resolve; });
		const g = await gatewayFor(t, ['--jwt-key', SECRET, '--jwt-jwks-url', server.url, '--jwt-fetch-timeout', '1m']);
		const answer = await fetched;
		const goes = open(t, g.url, { ...WS, auth: { token: key.sign({ sub: 'eve' }) } });

		await eventually('one to be there', async () => (await g.metrics())['stoa_handshakes_total{result="ok"}'] === 1);
		const stays = open(t, g.url, { ...WS, auth: { token: key.sign({ sub: 'ada' }) } });
		const inside = stays.happens('connect');
		await eventually('another', async () => (await g.metrics())['stoa_handshakes_total{result="ok"}'] === 2);
		await claimsOf(t, g, { auth: { token: token({}) } }); // of a key that is known: nothing to wait for
		goes.io.engine.close();
		await eventually('the one to be gone', async () => (await g.metrics())['stoa_sessions{transport="websocket"}'] === 2);
		answer.end(JSON.stringify({ keys: [key.jwk] }));
		await inside;
		assert.equal((await stays.ask('claims'))[0].sub, 'ada');
		await counted(g, 'accepted', 2);
	});
});

describe('options', () => {
	for (const [flags, says] of [
		[['--jwt-key', 'short'], /jwt_key.*at least 32 bytes/],
		[['--jwt-key', SECRET, '--jwt-key-file', '/dev/null'], /both set/],
		[['--jwt-issuer', 'x'], /need a key/],
		[['--jwt-jwks-url', 'http://id.example.com/keys'], /write https/],
		[['--jwt-jwks-url', 'http://localhost.example.com/keys'], /write https/],
		[['--jwt-key', SECRET, '--jwt-algorithms', 'none'], /jwt_algorithms/],
		[['--jwt-key-file', '/nowhere/at/all'], /\/nowhere\/at\/all/],
		[['--jwt-public-key-file', '/dev/null'], /no public key in PEM/],
	])
		test(`${flags.join(' ')} is an error`, async () => {
			const { code, stderr } = await runGateway(['--listen', '127.0.0.1:0', '--app', appPath('clients'), ...flags]);

			assert.notEqual(code, 0);
			assert.match(stderr, says);
		});
});
