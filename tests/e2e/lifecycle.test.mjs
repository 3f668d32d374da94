// Starting, refusing to start, and ending.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { connect } from './lib/client.mjs';
import { appPath, forTest, Gateway, runGateway } from './lib/gateway.mjs';
import { fetchRaw, HANDSHAKE, Polling, Raw, RawWebSocket, SEPARATOR } from './lib/raw.mjs';
import { deadline } from './lib/wait.mjs';

const pingInterval = async (t, g) => JSON.parse((await fetchRaw(t, g.port, 'GET', HANDSHAKE)).body.slice(1)).pingInterval;

// Files for one test.
function folderFor(t) {
	const folder = mkdtempSync(path.join(tmpdir(), 'stoa-lifecycle-'));

	t.after(() => rmSync(folder, { recursive: true, force: true }));
	return folder;
}

describe('SIGTERM', () => {
	test('clients on both transports are closed, and the exit code is 0', async (t) => {
		const g = await forTest(t, 'conformance');
		const sockets = await Promise.all(['websocket', 'polling'].map((name) => connect(t, g.url, { transports: [name] })));
		const ends = sockets.map((socket) => socket.happens('disconnect'));

		await g.stop();
		for (const [reason] of await Promise.all(ends))
			assert.match(reason, /^transport (close|error)$/, 'a reason after which clients come back by themselves');
	});

	test('on a WebSocket: a Close frame with 1012, no DISCONNECT, no close packet', async (t) => {
		const g = await forTest(t, 'conformance');
		const ws = await RawWebSocket.session(t, g.port, { connect: '' });
		const before = [];
		const closed = ws.closed(before);

		await g.stop();
		assert.equal(await closed, 1012);
		assert.deepEqual(before, ['42["auth",{}]']);
	});

	test('a pending GET gets the close packet, no DISCONNECT', async (t) => {
		const g = await forTest(t, 'conformance');
		const parked = await (await Polling.open(t, g.port, { connect: '' })).park();
		const answer = parked.response();

		await g.stop();
		assert.deepEqual((await answer).body.split(SEPARATOR).filter((packet) => packet !== '6'), ['1']);
	});

	test('a polling session whose GET comes later does not keep it for ever', async (t) => {
		const g = await forTest(t, 'conformance', ['--shutdown-timeout', '500ms']);

		await Polling.open(t, g.port, { connect: '' });
		await g.stop();
	});

	test('idle connections, half a request, half an upgrade, an unread stream: it ends all the same', async (t) => {
		const g = await forTest(t, 'e2e', ['--shutdown-timeout', '500ms', '--max-send-queue', '100MB']);
		const deaf = await RawWebSocket.session(t, g.port, { connect: '' });
		const p = await Polling.open(t, g.port);

		await Raw.open(t, g.port);
		(await Raw.open(t, g.port)).write('GET / HT');
		await RawWebSocket.open(t, g.port, `/socket.io/?EIO=4&transport=websocket&sid=${p.sid}`);
		deaf.raw.socket.pause();
		deaf.send('42["flood",1000,20000]').send('42["timers",10,60000]').send('42["ask",10,60000]').send('421["defer"]');
		await p.settle();
		await g.stop();
	});

	test('while clients take their last bytes, new ones are refused and /readyz is 503', async (t) => {
		const g = await forTest(t, 'conformance', ['--shutdown-timeout', '1h']);
		const p = await Polling.open(t, g.port, { connect: '' }); // it does not fetch its close packet
		const stopped = g.stop();

		await g.line(/ closing /);
		assert.equal((await fetchRaw(t, g.port, 'GET', HANDSHAKE)).status, 503);
		const readyz = await fetchRaw(t, g.internalPort, 'GET', '/readyz');
		assert.deepEqual([readyz.status, readyz.body.trim()], [503, 'draining']);
		assert.deepEqual((await p.packets()).filter((packet) => packet !== '6'), ['1']);
		await stopped;
	});

	test('SIGINT does the same', async (t) => {
		const g = await forTest(t, 'chat');

		g.signal('SIGINT');
		assert.deepEqual(await deadline(g.ended, 'the end'), { code: 0, signal: null });
		g.assertClean();
		g.stopped = true;
	});

	test('a second one exits at once', async (t) => {
		const g = await Gateway.start('e2e', ['--shutdown-timeout', '1h', '--close-timeout', '60s', '--max-send-queue', '100MB']);
		t.after(() => g.child.kill('SIGKILL'));
		const deaf = await RawWebSocket.session(t, g.port, { connect: '' });
		const polling = await Polling.open(t, g.port);

		deaf.raw.socket.pause();
		deaf.send('42["flood",1000,20000]');
		await polling.settle();
		g.signal('SIGTERM');
		await g.line(/ closing /);
		g.signal('SIGTERM');
		const since = Date.now();
		await deadline(g.ended, 'the end after the second signal');
		assert.ok(Date.now() - since < 30_000);
		g.assertClean();
	});
});

describe('what cannot start says why, and exits with something other than 0', () => {
	const refused = async (args, pattern, options) => {
		const { code, stdout, stderr } = await runGateway(args, options);

		assert.ok(code !== 0 && code !== null, `exit code ${code}`);
		assert.match(stderr, pattern);
		assert.equal(stdout, '');
		assert.doesNotMatch(stderr, /Sanitizer|runtime error:/);
		assert.doesNotMatch(stderr, / listening /);
	};
	const listen = ['--listen', '127.0.0.1:0'];

	test('a port that is taken', async (t) => {
		const server = createServer().listen(0, '127.0.0.1');
		await new Promise((resolve) => server.once('listening', resolve));
		t.after(() => server.close());
		const address = `127.0.0.1:${server.address().port}`;

		await refused(['--app', appPath('chat'), '--listen', address], new RegExp(`${address.replaceAll('.', '\\.')}.*([Aa]ddress already in use|in use|taken)`));
		await refused(['--app', appPath('chat'), ...listen, '--internal-listen', address], new RegExp(address.replaceAll('.', '\\.')));
	});

	test('an address that is not here', async () => {
		await refused(['--app', appPath('chat'), '--listen', '192.0.2.1:5000'], /192\.0\.2\.1:5000/);
	});

	test('no application', async () => {
		await refused(listen, /--app/);
	});

	test('a module that is not there', async () => {
		await refused(['--app', appPath('no-such-app'), ...listen], /no-such-app\.so.*[Nn]o such file/s);
	});

	test('a file that is no module', async (t) => {
		const file = path.join(folderFor(t), 'text.so');

		writeFileSync(file, 'this is no module\n');
		await refused(['--app', file, ...listen], /text\.so/);
	});

	test('a module that is no application', async () => {
		await refused(['--app', appPath('none'), ...listen], /none\.so.*STOA_APP/s);
	});

	test('an application that gives up, with its own words', async () => {
		for (const tick of ['often', '-1', ''])
			await refused(['--app', appPath('getting-started'), ...listen, '--set', `tick=${tick}x`], /option `tick` is a whole number from 0 to 86400000, not "/);
	});

	test('an unknown option: the nearest one is named', async (t) => {
		const file = path.join(folderFor(t), 'stoa.conf');

		await refused(['--ping-intervall', '1s'], /ping.intervall.*ping.interval/s);
		await refused(['--pings-timeout=1s'], /ping.timeout/);
		writeFileSync(file, 'ping_intervl = 1s\n');
		await refused(['--config', file], /stoa\.conf:1.*ping_intervl.*ping_interval/s);
	});

	test('a bare number where a unit is needed, a value of the wrong kind, a value that is missing', async () => {
		await refused(['--ping-interval', '300'], /ping.interval.*300.*unit/s);
		await refused(['--max-http-buffer-size', '1000'], /max.http.buffer.size.*1000.*unit/s);
		await refused(['--ping-interval', 'soon'], /ping.interval.*soon/s);
		await refused(['--allow-upgrades=perhaps'], /allow.upgrades.*perhaps/s);
		await refused(['--listen', 'nowhere'], /listen.*nowhere/s);
		await refused(['--ping-interval'], /ping.interval/);
	});

	test('a configuration file that is not there', async () => {
		await refused(['--config', '/no/such/stoa.conf'], /\/no\/such\/stoa\.conf/);
	});
});

describe('options', () => {
	test('--help, --version, --check-config, --print-config: on stdout, exit code 0', async () => {
		const help = await runGateway(['--help']);
		const version = await runGateway(['--version']);
		const check = await runGateway(['--check-config', '--app', appPath('chat')]);
		const print = await runGateway(['--print-config', '--ping-interval', '7s']);

		for (const { code, stdout, stderr } of [help, version, check, print]) {
			assert.equal(code, 0, stderr);
			assert.notEqual(stdout, '');
		}
		for (const flag of ['--app', '--listen', '--ping-interval', '--max-http-buffer-size', '--cors-allowed-origins', '--set', '--config'])
			assert.ok(help.stdout.includes(flag), flag);
		assert.match(version.stdout, /\d+\.\d+\.\d+/);
		assert.match(print.stdout, /^ping_interval = 7s$/m);
	});

	test('--check-config finds what is wrong', async () => {
		const { code, stderr } = await runGateway(['--check-config', '--ping-interval', '5']);

		assert.notEqual(code, 0);
		assert.match(stderr, /unit/);
	});

	test('the flag wins over the environment, that over the file', async (t) => {
		const file = path.join(folderFor(t), 'stoa.conf');

		writeFileSync(file, '# heartbeat\n[gateway]\nping_interval = 1s\n[app]\ntick = 0\n');
		const env = { STOA_PING_INTERVAL: '2s' };
		assert.equal(await pingInterval(t, await forTest(t, 'getting-started', ['--config', file])), 1000);
		assert.equal(await pingInterval(t, await forTest(t, 'getting-started', ['--config', file], { env })), 2000);
		assert.equal(await pingInterval(t, await forTest(t, 'getting-started', ['--config', file, '--ping-interval', '3s'], { env })), 3000);
	});

	test('what --print-config prints can be read back', async (t) => {
		const file = path.join(folderFor(t), 'stoa.conf');

		writeFileSync(file, (await runGateway(['--print-config', '--ping-interval', '1234ms', '--listen', '127.0.0.1:0'])).stdout);
		assert.equal(await pingInterval(t, await forTest(t, 'chat', ['--config', file])), 1234);
	});

	test('the names that Node and Flask use are taken, in their units', async (t) => {
		assert.equal(await pingInterval(t, await forTest(t, 'chat', ['--pingInterval', '1500'])), 1500);
	});

	test('another path', async (t) => {
		const g = await forTest(t, 'chat', ['--path', '/chat/io']);
		const socket = await connect(t, g.url, { path: '/chat/io/', auth: { name: 'Ada' } });

		socket.emit('join', { room: 'r' });
		assert.deepEqual(await socket.next('join'), ['Ada joined the room']);
		assert.equal((await fetchRaw(t, g.port, 'GET', HANDSHAKE)).status, 404);
	});

	test('one transport alone', async (t) => {
		const polling = await forTest(t, 'chat', ['--transports', 'polling']);
		const websocket = await forTest(t, 'chat', ['--transports', 'websocket']);

		assert.match((await fetchRaw(t, polling.port, 'GET', HANDSHAKE)).body, /"upgrades":\[\]/);
		assert.equal((await fetchRaw(t, websocket.port, 'GET', HANDSHAKE)).body, '{"code":0,"message":"Transport unknown"}');
		await connect(t, polling.url);
		await connect(t, websocket.url, { transports: ['websocket'] });
	});
});

test('no descriptor stays open after clients of every kind have come and gone', async (t) => {
	const g = await forTest(t, 'e2e');
	const open = async () => (await g.metrics()).process_open_fds;
	const round = async () => {
		for (const transports of [['websocket'], ['polling'], undefined])
			(await connect(t, g.url, { transports })).disconnect();
		(await RawWebSocket.session(t, g.port)).raw.reset();
		(await (await Polling.open(t, g.port, { connect: undefined })).park()).reset();
		await fetchRaw(t, g.port, 'GET', '/nothing');
		(await Raw.open(t, g.port)).reset();
	};
	const settled = async () => {
		await deadline((async () => {
			while ((await g.metrics()).stoa_connections > 0)
				await new Promise((resolve) => setTimeout(resolve, 20));
		})(), 'all connections to end');
		return open();
	};

	await round();
	const before = await settled();
	for (let i = 0; i < 5; i++)
		await round();
	assert.equal(await settled(), before);
});
