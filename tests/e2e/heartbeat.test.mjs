// 2.5: the heartbeat, on the client's clock. Lower bounds are exact (measured from before the server can have started
// its timer); upper bounds are generous, since a busy machine is late.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { connect } from './lib/client.mjs';
import { forTest, share } from './lib/gateway.mjs';
import { Polling, RawWebSocket } from './lib/raw.mjs';
import { delay } from './lib/wait.mjs';

const INTERVAL = 300, TIMEOUT = 200, SLACK = 5;
const gateway = share(before, after, 'conformance', ['--ping-interval', `${INTERVAL}ms`, '--ping-timeout', `${TIMEOUT}ms`]);
// For those who answer, or do something before the time is up: a busy machine does not keep them from it.
const patient = share(before, after, 'conformance', ['--ping-interval', `${INTERVAL}ms`, '--ping-timeout', '20s']);
const PATIENT_TIMEOUT = 2000;
const lessPatient = share(before, after, 'conformance', ['--ping-interval', `${INTERVAL}ms`, '--ping-timeout', `${PATIENT_TIMEOUT}ms`]);

test('2.5: the first ping comes pingInterval after the open packet, the next pingInterval after the pong', async (t) => {
	let since = Date.now();
	const ws = await RawWebSocket.session(t, patient().port);

	for (let i = 0; i < 4; i++) {
		assert.equal(await ws.text('a ping'), '2');
		assert.ok(Date.now() - since >= INTERVAL - SLACK, `after ${Date.now() - since} ms`);
		since = Date.now();
		ws.send('3');
	}
});

test('2.5: no pong within pingTimeout: "ping timeout", and the WebSocket is closed without a status', async (t) => {
	const since = Date.now();
	const from = gateway().lines.length;
	const ws = await RawWebSocket.session(t, gateway().port);

	assert.equal(await ws.closed(), 1005);
	assert.ok(Date.now() - since >= INTERVAL + TIMEOUT - SLACK, `after ${Date.now() - since} ms`);
	await gateway().line(/\bclosed\b.*ping[ -]timeout/, from);
});

test('2.5: over polling the ping answers a GET, and a pending GET gets `1` when the time is up', async (t) => {
	const since = Date.now();
	const from = lessPatient().lines.length;
	const p = await Polling.open(t, lessPatient().port);

	assert.deepEqual(await p.packets(), ['2']);
	assert.equal((await p.get()).body, '1');
	assert.ok(Date.now() - since >= INTERVAL + PATIENT_TIMEOUT - SLACK, `after ${Date.now() - since} ms`);
	await lessPatient().line(/\bclosed\b.*ping[ -]timeout/, from);
	assert.ok(await p.isGone());
});

test('2.5: over polling a pong by POST keeps the session', async (t) => {
	const p = await Polling.open(t, patient().port);

	for (let i = 0; i < 4; i++) {
		assert.deepEqual(await p.packets(), ['2']);
		assert.equal((await p.post('3')).body, 'ok');
	}
});

test('2.5: a pong that nobody asked for restarts the interval', async (t) => {
	const interval = 2000;
	const g = await forTest(t, 'conformance', ['--ping-interval', `${interval}ms`]);
	const ws = await RawWebSocket.session(t, g.port);

	await delay(interval / 2);
	const since = Date.now();
	ws.send('3');
	assert.equal(await ws.text('a ping'), '2');
	assert.ok(Date.now() - since >= interval - SLACK, `after ${Date.now() - since} ms`);
});

test('2.5: another packet while a pong is due restarts pingTimeout, once per ping', async (t) => {
	const timeout = 3000;
	const g = await forTest(t, 'conformance', ['--ping-interval', '200ms', '--ping-timeout', `${timeout}ms`]);
	const ws = await RawWebSocket.session(t, g.port, { connect: '' });

	assert.equal(await ws.text(), '42["auth",{}]');
	assert.equal(await ws.text('the ping'), '2');
	await delay(timeout / 2);
	const first = Date.now();
	ws.send('42["message",1]');
	await delay(timeout * 2 / 3);
	const second = Date.now();
	ws.send('42["message",2]');
	assert.equal(await ws.closed(), 1005);
	assert.ok(Date.now() - first >= timeout - SLACK, `the first restarted it: closed ${Date.now() - first} ms after`);
	assert.ok(Date.now() - second < timeout, `the second did not: closed ${Date.now() - second} ms after`);
});

test('2.5: stock clients stay connected over many heartbeats, on both transports', async (t) => {
	const sockets = await Promise.all(['websocket', 'polling'].map((name) => connect(t, patient().url, { transports: [name] })));

	await Promise.all(sockets.map((socket) => new Promise((resolve) => {
		let pings = 0;
		socket.io.on('ping', () => ++pings === 6 && resolve());
	})));
	for (const socket of sockets)
		assert.deepEqual(await socket.ask('message-with-ack', 'alive'), ['alive']);
});

test('2.15 Q3: a session that upgrades while a pong is due is still pinged, and still timed out', async (t) => {
	const p = await Polling.open(t, lessPatient().port);
	const from = lessPatient().lines.length;

	assert.deepEqual(await p.packets(), ['2']);
	const ws = await RawWebSocket.open(t, lessPatient().port, `/socket.io/?EIO=4&transport=websocket&sid=${p.sid}`);
	ws.send('2probe');
	assert.equal(await ws.text(), '3probe');
	ws.send('5');
	await ws.closed();
	await lessPatient().line(/\bclosed\b.*ping[ -]timeout/, from);
});
