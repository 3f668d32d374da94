// 2.11: every reason for which a client goes, as the handler of "disconnect" hears it and as the log has it.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { forTest } from './lib/gateway.mjs';
import { fetchRaw, frame, Polling, Raw, RawWebSocket, request, SEPARATOR } from './lib/raw.mjs';

const FAST = ['--ping-interval', '2s', '--ping-timeout', '1s'];

// In `/` and `/other` of apps/clients.c, by WebSocket.
async function enter(t, g) {
	const ws = await RawWebSocket.session(t, g.port, { connect: '' });

	assert.match(await ws.send('40/other,').text(), /^40\/other,/);
	return ws;
}

async function enterByPolling(t, g) {
	const p = await Polling.open(t, g.port);

	await p.post(['40', '40/other,'].join(SEPARATOR));
	for (let n = 0; n < 2;)
		n += (await p.packets()).length;
	return p;
}

const upload = (t, g, p) => Raw.open(t, g.port).then((raw) => raw.write(`POST ${p.target} HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\n4`));

// [what happens, the reason, what a polling or WebSocket client does, flags, what the log's line of the session says]
const rows = [
	['the peer closes by a Close frame', 'transport close', enter, (t, g, ws) => ws.write(frame(8))],
	['the peer ends its connection', 'transport close', enter, (t, g, ws) => ws.raw.finish()],
	['the peer resets its connection', 'transport close', enter, (t, g, ws) => ws.raw.reset()],
	['a close packet by WebSocket (2.15 Q1)', 'transport close', enter, (t, g, ws) => ws.send('1')],
	['a close packet by POST', 'transport close', enterByPolling, (t, g, p) => p.post('1')],
	['a frame that is none', 'transport error', enter, (t, g, ws) => ws.write(frame(3))],
	['a message that is too large', 'transport error', enter, (t, g, ws) => ws.send('x'.repeat(1001)), ['--max-http-buffer-size', '1KB']],
	['two GETs', 'transport error', enterByPolling, async (t, g, p) => {
		await p.park();
		await p.get();
	}],
	['two POSTs', 'transport error', enterByPolling, async (t, g, p) => {
		await upload(t, g, p);
		await p.settle();
		await p.post('3');
	}],
	['a GET that goes away', 'transport error', enterByPolling, async (t, g, p) => (await p.park()).reset()],
	['a POST that goes away', 'transport error', enterByPolling, async (t, g, p) => {
		const raw = await upload(t, g, p);
		await p.settle();
		raw.reset();
	}],
	['a ping from the client, by WebSocket', 'transport error', enter, (t, g, ws) => ws.send('2')],
	['a ping from the client, by POST', 'transport error', enterByPolling, (t, g, p) => p.post('2')],
	['a POST of application/octet-stream', 'transport error', enterByPolling, (t, g, p) => p.post('4', ['Content-Type: application/octet-stream'])],
	['no pong, by WebSocket', 'ping timeout', enter, () => {}, FAST],
	['no pong, by polling', 'ping timeout', enterByPolling, () => {}, FAST],
	['an Engine.IO packet of no type, by WebSocket', 'parse error', enter, (t, g, ws) => ws.send('x')],
	['an Engine.IO packet of no type, by POST', 'parse error', enterByPolling, (t, g, p) => p.post('x')],
	['an invalid Socket.IO packet', 'forced close', enter, (t, g, ws) => ws.send('4x')],
	['a packet for a namespace not joined', 'forced close', enter, (t, g, ws) => ws.send('42/guard,["x"]')],
	['a second CONNECT', 'forced close', enter, (t, g, ws) => ws.send('40')],
	['an invalid packet by POST, with a GET waiting', 'forced close', enterByPolling, async (t, g, p) => {
		const parked = await p.park();
		await p.post('4x');
		assert.equal((await parked.response()).body, '1');
	}],
	['an invalid packet by POST, without a GET', 'forced server close', enterByPolling, (t, g, p) => p.post('4x')],
	['attachments that do not come', 'forced close', enter, (t, g, ws) => ws.send('451-["x",{"_placeholder":true,"num":0}]'), ['--connect-timeout', '2s']],
	['the process ends', 'server shutting down', enter, (t, g) => void g.stop()],
	['a queue that is full', 'transport close', enter, (t, g, ws) => {
		ws.raw.socket.pause();
		for (let i = 0; i < 1000; i++)
			ws.send(`42${i}["echo","${'x'.repeat(20_000)}"]`);
	}, ['--max-send-queue', '100KB'], 'slow client'],
];

// Concurrent: each has a gateway of its own and waits most of the time.
describe('2.11: why a connection ended, told to every namespace of it', { concurrency: 4 }, () => {
	for (const [what, reason, come, act, flags = [], logged = reason] of rows)
		test(`2.11: ${reason}: ${what}`, async (t) => {
			const g = await forTest(t, 'clients', flags);
			const who = await come(t, g);
			const sid = who.sid ?? who.opened.sid;

			await act(t, g, who);
			await g.line(new RegExp(`left / because of ${reason}"`));
			await g.line(new RegExp(`left /other because of ${reason}"`));
			assert.match(await g.line(new RegExp(` closed sid=${sid} `)), new RegExp(`why="${logged}"`));
			assert.equal(g.lines.filter((line) => /left \//.test(line)).length, 2, 'once for each');
		});
});

describe('2.11: why a client left a namespace', () => {
	test('2.11: client namespace disconnect: that namespace alone', async (t) => {
		const g = await forTest(t, 'clients');
		const ws = await enter(t, g);

		ws.send('41/other,').send('421["echo",1]');
		await g.line(/left \/other because of client namespace disconnect"/);
		assert.match(await ws.text(), /^431\[/, 'the connection goes on');
		assert.ok(!g.lines.some((line) => /left \/ /.test(line)));
	});

	test('2.11: server namespace disconnect: that namespace alone', async (t) => {
		const g = await forTest(t, 'clients');
		const ws = await enter(t, g);

		assert.equal(await ws.send('42/other,["bye"]').text(), '41/other,');
		await g.line(/left \/other because of server namespace disconnect"/);
		assert.match(await ws.send('421["echo",1]').text(), /^431\[/);
	});

	test('2.11: disconnect(true): every namespace gets its DISCONNECT, then the transport is closed', async (t) => {
		const g = await forTest(t, 'clients');
		const ws = await enter(t, g);
		const before = [];

		assert.equal(await ws.send('42["byebye"]').closed(before), 1005);
		assert.deepEqual(before.sort(), ['41', '41/other,']);
		await g.line(/left \/ because of server namespace disconnect"/);
		await g.line(/left \/other because of server namespace disconnect"/);
	});

	test('2.11: connect_timeout ends a connection that joined nothing; nobody is told, the log has it', async (t) => {
		const g = await forTest(t, 'clients', ['--connect-timeout', '1s']);
		const ws = await RawWebSocket.session(t, g.port);

		assert.equal(await ws.closed(), 1005);
		assert.match(await g.line(new RegExp(` closed sid=${ws.opened.sid} `)), /why="forced close"/);
		assert.ok(!g.lines.some((line) => /left \//.test(line)));
	});
});
