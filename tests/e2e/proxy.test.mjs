// Behind proxies: whose X-Forwarded-For, -Proto and -Host are believed, and what comes of it.

import assert from 'node:assert/strict';
import { createServer, request as httpRequest } from 'node:http';
import { connect as dial } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { connect, upgraded, WAYS } from './lib/client.mjs';
import { forTest, Gateway, share } from './lib/gateway.mjs';
import { fetchRaw, HANDSHAKE, Raw, upgradeRequest } from './lib/raw.mjs';

const WEBSOCKET = '/socket.io/?EIO=4&transport=websocket';

// A load balancer that ends TLS, but for the TLS: appends to X-Forwarded-For and says what the browser sees.
async function startProxy(t, port, { proto = 'https', host = 'app.example' } = {}) {
	const forward = (req) => ({
		...req.headers,
		host: 'gateway.internal:5000',
		'x-forwarded-for': [req.headers['x-forwarded-for'], req.socket.remoteAddress].filter(Boolean).join(', '),
		'x-forwarded-proto': proto,
		'x-forwarded-host': host,
	});
	const proxy = createServer((req, res) => {
		const up = httpRequest({ port, host: '127.0.0.1', method: req.method, path: req.url, headers: forward(req) }, (answer) => {
			res.writeHead(answer.statusCode, answer.headers);
			answer.pipe(res);
		});
		up.on('error', () => res.destroy());
		res.on('close', () => up.destroy());
		req.pipe(up);
	});

	proxy.on('upgrade', (req, socket, head) => {
		const up = dial(port, '127.0.0.1', () => {
			const lines = Object.entries(forward(req)).map(([name, value]) => `${name}: ${value}\r\n`);
			up.write(`GET ${req.url} HTTP/1.1\r\n${lines.join('')}\r\n`);
			up.write(head);
			up.pipe(socket);
			socket.pipe(up);
		});
		up.on('error', () => socket.destroy()).on('close', () => socket.destroy());
		socket.on('error', () => up.destroy()).on('close', () => up.destroy());
	});
	await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
	t.after(() => {
		proxy.closeAllConnections();
		proxy.close();
	});
	return `http://127.0.0.1:${proxy.address().port}`;
}

describe('A10: the client\'s address', () => {
	const gateway = share(before, after, 'hooks', ['--trusted-proxies', 'loopback,10.0.0.0/8,2001:db8::/32']);
	// The application is asked, and refuses with what it was told.
	const seen = async (t, headers, port = gateway().port) => JSON.parse((await fetchRaw(t, port, 'GET', `${HANDSHAKE}&refuse=who`, headers)).body).message.split(' ')[0];
	const rows = [
		[[], '127.0.0.1'],
		[['X-Forwarded-For: 198.51.100.7'], '198.51.100.7'],
		[['X-Forwarded-For: 198.51.100.7:1234'], '198.51.100.7'],
		[['X-Forwarded-For: [2a00::7]:1234'], '2a00::7'],
		[['X-Forwarded-For: ::ffff:198.51.100.7'], '198.51.100.7'],
		[['x-forwarded-for: 1.1.1.1, 198.51.100.7,10.0.0.5 , 2001:db8::9'], '198.51.100.7'],
		[['X-Forwarded-For: 1.1.1.1', 'X-Forwarded-For: 198.51.100.7', 'X-Forwarded-For: 10.0.0.5'], '198.51.100.7'],
		[['X-Forwarded-For: 10.0.0.9, 10.0.0.5'], '10.0.0.9'],
		[['X-Forwarded-For: 198.51.100.7, "; DROP TABLE'], '127.0.0.1'],
		[['X-Forwarded-For: 198.51.100.7, unknown, 10.0.0.5'], '10.0.0.5'],
		[['X-Forwarded-For: '], '127.0.0.1'],
		[[`X-Forwarded-For: ${'9'.repeat(4000)}`], '127.0.0.1'],
		[[`X-Forwarded-For: 198.51.100.7${', 10.0.0.1'.repeat(1000)}`], '198.51.100.7'],
		[['Forwarded: for=198.51.100.7;proto=https'], '127.0.0.1'],
	];

	for (const [headers, address] of rows) {
		test(`A10: ${headers.map((line) => line.slice(0, 80)).join(' / ') || 'none'}: ${address}`, async (t) => {
			assert.equal(await seen(t, headers), address);
		});
	}

	test('A10: over WebSocket too', async (t) => {
		const raw = await Raw.open(t, gateway().port);

		raw.write(upgradeRequest(`${WEBSOCKET}&refuse=who`, { headers: ['X-Forwarded-For: 198.51.100.7'] }));
		assert.match((await raw.response()).body, /^198\.51\.100\.7 /);
	});

	test('A10: who is not trusted is not believed', async (t) => {
		for (const flags of [[], ['--trusted-proxies', '10.0.0.0/8,::2']]) {
			const g = await forTest(t, 'hooks', flags);
			assert.equal(await seen(t, ['X-Forwarded-For: 198.51.100.7'], g.port), '127.0.0.1');
		}
	});
});

describe('2.7: the own origin, behind a proxy', () => {
	const gateway = share(before, after, 'conformance', ['--trusted-proxies', '127.0.0.1']);
	const status = async (t, headers, port = gateway().port) => (await fetchRaw(t, port, 'GET', HANDSHAKE, headers)).status;
	const rows = [
		['https://app.example', ['X-Forwarded-Proto: https', 'X-Forwarded-Host: app.example'], 200],
		['https://APP.example', ['X-Forwarded-Proto: HTTPS', 'X-Forwarded-Host: app.example:443'], 200],
		['https://app.example:8443', ['X-Forwarded-Proto: https', 'X-Forwarded-Host: app.example:8443'], 200],
		['http://app.example', ['X-Forwarded-Proto: https', 'X-Forwarded-Host: app.example'], 403],
		['https://app.example', ['X-Forwarded-Proto: http', 'X-Forwarded-Host: app.example'], 403],
		['https://app.example', ['X-Forwarded-Host: app.example'], 200],
		['https://127.0.0.1', ['X-Forwarded-Proto: https'], 200],
		['http://127.0.0.1', ['X-Forwarded-Proto: https'], 403],
		['http://127.0.0.1', ['X-Forwarded-Host: app.example'], 403],
		['https://evil.example', ['X-Forwarded-Proto: https', 'X-Forwarded-Host: app.example'], 403],
		['https://app.example', ['X-Forwarded-Proto: https', 'X-Forwarded-Host: evil.example, app.example'], 200],
		['https://evil.example', ['X-Forwarded-Proto: https', 'X-Forwarded-Host: evil.example, app.example'], 403],
		['https://app.example', ['X-Forwarded-For: 198.51.100.7, 127.0.0.1', 'X-Forwarded-Proto: https, http', 'X-Forwarded-Host: app.example, inner'], 200],
		['http://127.0.0.1', ['X-Forwarded-Proto: gopher', 'X-Forwarded-Host: a/b"c'], 200],
	];

	for (const [origin, headers, want] of rows) {
		test(`2.7: ${origin}, ${headers.join(', ')}: ${want}`, async (t) => {
			const raw = await Raw.open(t, gateway().port);

			assert.equal(await status(t, [`Origin: ${origin}`, ...headers]), want);
			raw.write(upgradeRequest(WEBSOCKET, { headers: [`Origin: ${origin}`, ...headers] }));
			assert.equal((await raw.response()).status, want === 200 ? 101 : want);
		});
	}

	test('2.7: nothing of what a proxy says is echoed', async (t) => {
		const response = await fetchRaw(t, gateway().port, 'GET', HANDSHAKE, ['Origin: https://app.example', 'X-Forwarded-Host: app.example', 'X-Forwarded-Proto: gopher', 'X-Forwarded-For: <script>']);

		assert.equal(response.status, 200);
		assert.doesNotMatch(response.head + response.body, /script|gopher/);
	});

	test('2.7: refused for a proxy that is not trusted: the log says which line would trust it', async (t) => {
		const g = await forTest(t, 'conformance');
		const from = g.lines.length;

		assert.equal(await status(t, ['Origin: https://app.example', 'X-Forwarded-Proto: https', 'X-Forwarded-Host: app.example'], g.port), 403);
		assert.match(await g.line(/origin refused/, from), /allow_with="trusted_proxies = 127\.0\.0\.1"/);
	});

	test('2.7: refused for its scheme behind a proxy that is trusted: the log names the origin', async (t) => {
		const g = await forTest(t, 'conformance', ['--trusted-proxies', 'loopback']);
		const from = g.lines.length;

		assert.equal(await status(t, ['Origin: http://app.example', 'X-Forwarded-Proto: https', 'X-Forwarded-Host: app.example'], g.port), 403);
		assert.match(await g.line(/origin refused/, from), /host=app\.example allow_with="cors_allowed_origins = http:\/\/app\.example"/);
	});
});

describe('A10: a stock client through a proxy', () => {
	for (const { way, transports } of WAYS) {
		test(`A10: over ${way}`, async (t) => {
			const g = await Gateway.start('conformance', ['--trusted-proxies', 'loopback']);
			t.after(() => g.stop());
			const url = await startProxy(t, g.port);
			const extraHeaders = { origin: 'https://app.example', 'x-forwarded-for': '198.51.100.7, 203.0.113.5' };
			const socket = await connect(t, url, { transports, extraHeaders });

			assert.deepEqual(await socket.ask('message-with-ack', 'through', Buffer.from([1])), ['through', Buffer.from([1])]);
			if (transports === undefined)
				await upgraded(socket);
			socket.disconnect();
			assert.match(await g.line(/ closed /), /address=203\.0\.113\.5 /);
			await assert.rejects(connect(t, url, { transports, extraHeaders: { origin: 'https://evil.example' } }));
		});
	}
});
