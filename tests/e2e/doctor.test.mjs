// `stoa doctor`: servers of three kinds that are well, proxies that are wrong on purpose, and sides that are hostile.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Server } from 'socket.io';
import { balancerForTest } from './lib/balancers.mjs';
import { forTest, freePort } from './lib/gateway.mjs';
import { runTool } from './lib/tool.mjs';
import { deadline, eventually } from './lib/wait.mjs';

// The findings by their checks, and the exit code.
async function doctor(url, ...args) {
	const { stdout, stderr, code } = await runTool(['doctor', url, '--json', ...args]);
	assert.equal(stderr, '');
	const { checks, ...counts } = JSON.parse(stdout);
	const by = Object.fromEntries(checks.map(({ check, ...rest }) => [check, rest]));

	return { code, counts, by, results: Object.fromEntries(checks.map(({ check, result }) => [check, result])) };
}

const only = (results, ...wanted) => Object.entries(results).filter(([, r]) => wanted.includes(r)).map(([check]) => check);
const WELL = ['address', 'connection', 'handshake', 'origin', 'any server', 'namespace', 'message size', 'websocket', 'upgrade'];

async function nodeForTest(t, options = {}, prepare = () => {}) {
	const http = createHttpServer((_, response) => response.writeHead(404).end('nobody'));
	const io = new Server(http, { pingInterval: 2000, ...options });

	prepare(io);
	http.listen(0, '127.0.0.1');
	await once(http, 'listening');
	t.after(() => io.close());
	const { port } = http.address();
	return { port, url: `http://127.0.0.1:${port}` };
}

describe('servers that are well', { concurrency: true }, () => {
	test('Stoa', async (t) => {
		const { code, counts, results } = await doctor((await forTest(t, 'e2e', ['--ping-interval', '2s'])).url);

		assert.deepEqual(only(results, 'ok'), [...WELL, 'quiet times']);
		assert.deepEqual(counts, { ok: 10, warnings: 0, failures: 0, skipped: 0 });
		assert.equal(code, 0);
	});

	test('socket.io of Node.js, with a refusal that --auth lifts', async (t) => {
		const node = await nodeForTest(t, {}, (io) => io.of('/chat').use((s, next) =>
			next(s.handshake.auth.token === 'good' ? undefined : Object.assign(new Error('not \u001b[31mauthorized'), { data: 1 }))));
		const well = await doctor(node.url);
		const refused = await doctor(node.url, '--quick', '--namespace', '/chat');
		const none = await doctor(node.url, '--quick', '--namespace', '/nobody');
		const good = await doctor(node.url, '--quick', '--namespace', '/chat', '--auth', '{"token":"good"}');

		assert.deepEqual([well.code, only(well.results, 'ok')], [0, [...WELL, 'quiet times']]);
		assert.match(well.by.handshake.seen, /pingInterval 2000, pingTimeout 20000, maxPayload 1000000, upgrades to WebSocket: yes/);
		assert.match(well.by.origin.seen, /those of other sites cannot read/);
		assert.deepEqual([refused.code, only(refused.results, 'warn', 'fail')], [4, ['namespace']]);
		assert.match(refused.by.namespace.seen, /\/chat: refused, .*"message":"not .*authorized"/);
		assert.match(none.by.namespace.seen, /Invalid namespace/);
		assert.equal(good.code, 0);
		const { stdout } = await runTool(['doctor', node.url, '--quick', '--namespace', '/chat']);
		assert.ok(!stdout.includes('\u001b'), 'what a server says drives no terminal');
		assert.match(stdout, /^warn {2}namespace: .*\n {6}-> .*--auth/m);
		assert.match(stdout, /\n0 wrong, 1 warning\n$/);
	});

	test('Flask-SocketIO', async (t) => {
		const port = await freePort();
		const script = path.join(path.dirname(fileURLToPath(import.meta.url)), 'flask_server.py');
		const child = spawn('/usr/bin/python3', ['-B', script, String(port)], { stdio: 'ignore' });
		const ended = once(child, 'exit');

		t.after(async () => {
			child.kill('SIGKILL');
			await deadline(ended, 'the Flask server to end');
		});
		await eventually('the Flask server to answer', () => fetch(`http://127.0.0.1:${port}/`).then(() => true, () => false));
		const { results } = await doctor(`http://127.0.0.1:${port}`);
		assert.deepEqual(['handshake', 'origin', 'any server', 'namespace', 'quiet times'].map((check) => results[check]), Array(5).fill('ok'));
		assert.deepEqual(only(results, 'fail'), []);
	});
});

// nginx with what is inside of its `server`, and of its `location /`.
const nginx = (servers, inside, { upstream = '', server = '' } = {}) => (port) => `
worker_processes 1;
events {}
http {
	access_log off;
	${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${name};`).join('\n')}
	map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
	upstream them { ${upstream} ${servers.map((s) => `server 127.0.0.1:${s.port};`).join(' ')} }
	server {
		listen 127.0.0.1:${port} ${server.includes('ssl_certificate') ? 'ssl' : ''};
		${server}
		location / { proxy_pass http://them; ${inside} }
	}
}`;
const GOOD = `proxy_http_version 1.1; proxy_set_header Host $http_host; proxy_set_header Upgrade $http_upgrade;
	proxy_set_header Connection $connection_upgrade;`;
const behind = (t, ...rest) => balancerForTest(t, 'nginx', [], nginx(...rest));

describe('proxies that are wrong', { concurrency: 4 }, () => {
	test('nothing is wrong', async (t) => {
		assert.equal((await doctor(await behind(t, [await nodeForTest(t)], GOOD))).code, 0);
	});

	test('the upgrade is not passed on', async (t) => {
		const url = await behind(t, [await nodeForTest(t)], 'proxy_set_header Host $http_host;');
		const { code, by, results } = await doctor(url, '--quick');

		assert.deepEqual([code, only(results, 'fail', 'warn')], [1, ['websocket']]);
		assert.match(by.websocket.advice, /proxy_set_header Upgrade \$http_upgrade;/);
		assert.equal(results.upgrade, 'skip');
	});

	for (const [what, transport] of [['a WebSocket', 'WebSocket'], ['a poll', 'polling']])
		test(`${what} is cut when it is quiet`, async (t) => {
			const url = await behind(t, [await nodeForTest(t, { transports: [transport.toLowerCase()] })], `${GOOD} proxy_read_timeout 1s;`);
			const { code, by } = await doctor(url);

			assert.equal(code, 1);
			assert.equal(by['quiet times'].result, 'fail');
			assert.match(by['quiet times'].seen, new RegExp(`^${transport}: broken off after \\d+ s, ${transport === 'polling' ? 'HTTP 504' : 'the connection was closed'}`));
			assert.match(by['quiet times'].advice, /pingInterval \(2 s\)\. .*proxy_read_timeout 37s;/);
		});

	test('HAProxy cuts WebSockets that are quiet', async (t) => {
		const { port } = await nodeForTest(t);
		const url = await balancerForTest(t, 'haproxy', [], (listen) => `
defaults
	mode http
	timeout connect 5s
	timeout client 30s
	timeout server 30s
	timeout tunnel 1s
listen all
	bind 127.0.0.1:${listen}
	server a 127.0.0.1:${port}
`);
		const { by } = await doctor(url);

		assert.match(by['quiet times'].seen, /^WebSocket: broken off after \d+ s, .*; polling: a ping after/);
	});

	test('two servers in turn, without stickiness', async (t) => {
		const url = await behind(t, [await nodeForTest(t), await nodeForTest(t)], GOOD);
		const { code, by, results } = await doctor(url);

		assert.deepEqual([code, only(results, 'fail')], [1, ['any server']]);
		assert.match(by['any server'].seen, /^[0-7] of 8 requests .*: HTTP 400: \{"code":1,"message":"Session ID unknown"\}$/);
		assert.match(by['any server'].advice, /hash \$remote_addr consistent;/);
		assert.deepEqual(only(results, 'skip'), ['namespace', 'message size', 'upgrade']);
	});

	test('sticky by address, which is well, and by cookie, which is for browsers', async (t) => {
		const nodes = [await nodeForTest(t), await nodeForTest(t)];
		const hash = await behind(t, nodes, GOOD, { upstream: 'ip_hash;' });
		const cookie = await balancerForTest(t, 'haproxy', [], (listen) => `
defaults
	mode http
	timeout connect 5s
	timeout client 30s
	timeout server 30s
listen all
	bind 127.0.0.1:${listen}
	balance roundrobin
	cookie io prefix indirect nocache
	cookie io insert indirect nocache
${nodes.map((n, i) => `\tserver g${i} 127.0.0.1:${n.port} cookie g${i}`).join('\n')}
`);
		const { code, by, results } = await doctor(cookie, '--quick');

		assert.equal((await doctor(hash, '--quick')).code, 0);
		assert.deepEqual([code, only(results, 'warn', 'fail')], [4, ['any server']]);
		assert.match(by['any server'].seen, /; with the cookie all did$/);
	});

	test('another path, and a path that the proxy changes', async (t) => {
		const other = await doctor((await nodeForTest(t)).url + '/chat', '--quick');
		const { port } = await nodeForTest(t);
		const changed = await doctor(await behind(t, [{ port }], `${GOOD} rewrite ^ /elsewhere break;`), '--quick');

		assert.equal(other.code, 1);
		assert.match(other.by.handshake.advice, /It is at \/socket\.io\/: .*path: "\/socket\.io\/"/);
		assert.equal(other.by.namespace.result, 'ok');
		assert.equal(changed.by.handshake.result, 'fail');
		assert.match(changed.by.handshake.seen, /HTTP 404/);
	});

	test('nobody behind it, a page in its place, and nobody at all', async (t) => {
		const nobody = await doctor(await behind(t, [{ port: await freePort() }], GOOD), '--quick');
		const page = await doctor(await behind(t, [{ port: 1 }], 'return 200 "<html>Welcome";'), '--quick');
		const closed = await doctor(`http://127.0.0.1:${await freePort()}`, '--quick');
		const unknown = await doctor('http://no-such-host.invalid', '--quick');

		assert.match(nobody.by.handshake.seen, /HTTP 502/);
		assert.match(nobody.by.handshake.advice, /does not reach the server/);
		assert.match(page.by.handshake.seen, /HTTP 200: <html>Welcome \(that is no Socket\.IO\)/);
		assert.deepEqual([closed.code, closed.by.connection.result], [1, 'fail']);
		assert.match(closed.by.connection.seen, /Connection refused/);
		assert.deepEqual([unknown.code, unknown.by.address.result], [1, 'fail']);
		for (const { results } of [closed, unknown])
			assert.equal(results.handshake, 'skip');
	});

	test('bodies that the server would take', async (t) => {
		const { code, by } = await doctor(await behind(t, [await nodeForTest(t)], `${GOOD} client_max_body_size 100k;`), '--quick');

		assert.equal(code, 4);
		assert.match(by['message size'].seen, /1000000 bytes, .*HTTP 413/);
		assert.match(by['message size'].advice, /client_max_body_size 1m;/);
	});

	test('the host is not passed on', async (t) => {
		const g = await forTest(t, 'e2e');
		const { code, by } = await doctor(await behind(t, [g], GOOD.replace('proxy_set_header Host $http_host;', '')), '--quick');

		assert.equal(code, 1);
		assert.equal(by.origin.result, 'fail');
		assert.match(by.origin.advice, /proxy_set_header Host \$http_host;/);
	});
});

describe('TLS', () => {
	let dir;

	before(() => {
		dir = mkdtempSync(path.join(tmpdir(), 'stoa-doctor-'));
		execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '90', '-subj', '/CN=localhost',
			'-addext', 'subjectAltName=DNS:localhost', '-keyout', path.join(dir, 'key'), '-out', path.join(dir, 'cert')], { stdio: 'ignore' });
		return () => rmSync(dir, { recursive: true });
	});

	test('a certificate of its own: who trusts it, and for which name', async (t) => {
		const server = `ssl_certificate ${dir}/cert; ssl_certificate_key ${dir}/key;`;
		const url = await behind(t, [await nodeForTest(t)], GOOD, { server });
		const secure = url.replace('http://127.0.0.1', 'https://localhost');
		const stranger = await doctor(secure, '--quick');
		const trusted = await doctor(secure, '--quick', '--ca-file', path.join(dir, 'cert'));
		const misnamed = await doctor(secure.replace('localhost', '127.0.0.1'), '--quick', '--ca-file', path.join(dir, 'cert'));

		assert.deepEqual([stranger.code, only(stranger.results, 'fail')], [1, ['tls']]);
		assert.match(stranger.by.tls.seen, /certificate of localhost by localhost, (89|90) days left: self-signed certificate/);
		assert.equal(trusted.by.tls.result, 'ok');
		assert.ok(WELL.slice(2).every((check) => trusted.results[check] === 'ok'));
		assert.match(misnamed.by.tls.seen, /IP address mismatch/);
		assert.equal((await runTool(['doctor', secure, '--ca-file', '/no/such/file'])).code, 2);
	});

	test('a port that speaks plain HTTP', async (t) => {
		const { by } = await doctor((await nodeForTest(t)).url.replace('http:', 'https:'), '--quick');

		assert.equal(by.tls.result, 'fail');
		assert.match(by.tls.advice, /does not speak TLS/);
	});
});

describe('a side that is hostile', { concurrency: 4 }, () => {
	const serve = async (t, answer) => {
		const sockets = new Set();
		const server = createServer((socket) => {
			sockets.add(socket);
			socket.on('error', () => {}).once('data', () => answer(socket));
		}).listen(0, '127.0.0.1');

		await once(server, 'listening');
		t.after(() => {
			sockets.forEach((s) => s.destroy());
			server.close();
		});
		return `http://127.0.0.1:${server.address().port}`;
	};
	const endless = (socket, text) => {
		const more = () => {
			while (!socket.destroyed && socket.write(text));
		};
		socket.on('drain', more);
		more();
	};
	const open = (object) => (socket) => {
		const body = `0${JSON.stringify(object)}`;

		socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
	};

	for (const [what, answer, seen] of [
		['says nothing', () => {}, /no answer in time/],
		['hangs up', (s) => s.destroy(), /the connection was (closed|reset)/],
		['speaks another protocol', (s) => s.end('SSH-2.0-OpenSSH_9.2\r\n'), /no answer of HTTP/],
		['sends a head without end', (s) => endless(s.write('HTTP/1.1 200 OK\r\n') && s, `X: ${'x'.repeat(1000)}\r\n`), /no answer of HTTP/],
		['sends a body without end', (s) => endless(s.write('HTTP/1.1 200 OK\r\n\r\n') && s, 'x'.repeat(65536)), /HTTP 200: x+\.\. \(that is no/],
		['claims a body of any size', (s) => s.end(`HTTP/1.1 200 OK\r\nContent-Length: ${'9'.repeat(30)}\r\n\r\nx`), /HTTP 200: x/],
		['chunks that are none', (s) => s.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'), /HTTP 200/],
		['sends JSON that is too deep', (s) => s.end(`HTTP/1.1 200 OK\r\n\r\n0${'['.repeat(100000)}`), /HTTP 200: 0\[/],
		['names a session of no kind', open({ sid: 'x\r\nEvil: yes' }), /HTTP 200/],
		['names a session of any length', open({ sid: 'x'.repeat(100000) }), /HTTP 200/],
	])
		test(what, async (t) => {
			const { code, by } = await doctor(await serve(t, answer), '--quick', '--timeout', '1');

			assert.equal(code, 1);
			assert.equal(by.handshake.result, 'fail');
			assert.match(by.handshake.seen, seen);
		});

	test('numbers that no server means', async (t) => {
		const { code, by } = await doctor(await serve(t, open({ sid: 'abc', upgrades: 'all', pingInterval: 1e15, pingTimeout: -1, maxPayload: 1e18 })), '--timeout', '1');

		assert.equal(code, 1);
		assert.equal(by.handshake.result, 'ok');
		assert.equal(by['quiet times'].result, 'skip');
	});
});

test('a command line that is wrong sends nothing', async () => {
	for (const [args, why] of [[[], /it is written: stoa doctor URL/], [['ftp://x'], /no URL of a server/], [['http://x:y'], /no URL of a server/],
		[['http://x', '--auth', '{'], /--auth \{: malformed JSON/], [['http://x', '--redis', 'redis://x'], /has no option --redis/]]) {
		const { code, stderr } = await runTool(['doctor', ...args]);

		assert.equal(code, 2);
		assert.match(stderr, why);
	}
});
