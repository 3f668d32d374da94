// 2.6: from polling to WebSocket, by hand and with the stock client under load: nothing lost, doubled or reordered.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { connect, upgraded } from './lib/client.mjs';
import { forTest, IS_DEV, share } from './lib/gateway.mjs';
import { fetchRaw, Polling, Raw, RawWebSocket, upgradeRequest } from './lib/raw.mjs';
import { deadline, PATIENCE_MS } from './lib/wait.mjs';

const gateway = share(before, after, 'conformance');

const wsTarget = (p) => `/socket.io/?EIO=4&transport=websocket&sid=${p.sid}`;
const open = (t, port = gateway().port) => Polling.open(t, port, { connect: '' });

async function probe(t, p) {
	const ws = await RawWebSocket.open(t, p.port, wsTarget(p));

	assert.equal(await ws.send('2probe').text(), '3probe');
	return ws;
}

// Does the session still answer over polling?
async function isAliveOnPolling(p) {
	assert.equal((await p.post('42["message","alive"]')).body, 'ok');
	assert.deepEqual((await p.packets()).filter((packet) => packet !== '6'), ['42["message-back","alive"]']);
}

describe('2.6: the steps', () => {
	test('2.6: probe, release of the pending GET by a noop, `5`; then everything goes by WebSocket', async (t) => {
		const p = await open(t);
		const parked = await p.park();
		const ws = await probe(t, p);

		assert.equal((await parked.response()).body, '6');
		ws.send('5').send('42["message",1]');
		assert.equal(await ws.text(), '42["message-back",1]');
		const late = await p.get();
		assert.equal(late.status, 400);
		assert.equal(late.body, '{"code":3,"message":"Bad request"}');
		assert.equal(await ws.send('42["message",2]').text(), '42["message-back",2]');
	});

	test('2.6: until `5` what the server has to say goes by polling', async (t) => {
		const p = await open(t);
		const ws = await probe(t, p);

		await isAliveOnPolling(p);
		ws.send('5').send('42["message",1]');
		assert.equal(await ws.text(), '42["message-back",1]');
	});

	test('2.6: what was queued when `5` comes is sent on the WebSocket, in order', async (t) => {
		const p = await open(t);
		const ws = await probe(t, p);

		await p.post('42["message",1]');
		await p.post('42["message",2]');
		ws.send('5').send('42["message",3]');
		for (const i of [1, 2, 3])
			assert.equal(await ws.text(), `42["message-back",${i}]`);
	});

	test('2.6: a POST between probe and `5` is processed before the first WebSocket message, binary too', async (t) => {
		const p = await open(t);
		const ws = await probe(t, p);

		await p.post('451-["message",{"_placeholder":true,"num":0}]\x1ebAQID\x1e42["message",1]');
		ws.send('5').send('42["message",2]');
		assert.equal(await ws.text(), '451-["message-back",{"_placeholder":true,"num":0}]');
		assert.deepEqual((await ws.next()).payload, Buffer.from([1, 2, 3]));
		assert.equal(await ws.text(), '42["message-back",1]');
		assert.equal(await ws.text(), '42["message-back",2]');
	});

	test('2.6: two probes get two answers', async (t) => {
		const ws = await probe(t, await open(t));

		assert.equal(await ws.send('2probe').text(), '3probe');
	});

	for (const packet of ['42["message",1]', '2', '3probe', '1', 'x']) {
		test(`2.6: ${packet} instead of the probe: that WebSocket is closed, the session unharmed`, async (t) => {
			const p = await open(t);
			const ws = await RawWebSocket.open(t, p.port, wsTarget(p));

			await ws.send(packet).closed();
			await isAliveOnPolling(p);
			assert.equal(await (await probe(t, p)).send('5').send('42["message",1]').text(), '42["message-back",1]');
		});
	}

	test('2.6: a second WebSocket while one is probing is refused or closed; the first goes on', async (t) => {
		const p = await open(t);
		const first = await probe(t, p);
		const second = await Raw.open(t, p.port);

		second.write(upgradeRequest(wsTarget(p)));
		assert.ok([101, 400].includes((await second.response()).status));
		second.finish();
		await second.closed();
		first.send('5').send('42["message",1]');
		assert.equal(await first.text(), '42["message-back",1]');
	});

	test('2.15 Q2: a WebSocket for a session that is on WebSocket already is refused or closed; the session goes on', async (t) => {
		const p = await open(t);
		const first = await probe(t, p);

		assert.equal(await first.send('5').send('42["message",1]').text(), '42["message-back",1]');
		const born = await RawWebSocket.session(t, p.port, { connect: '' });
		for (const sid of [p.sid, born.opened.sid]) {
			const second = await Raw.open(t, p.port);
			second.write(upgradeRequest(wsTarget({ sid })));
			assert.ok([101, 400].includes((await second.response()).status));
			second.finish();
			await second.closed();
		}
		assert.equal(await first.send('42["message",2]').text(), '42["message-back",2]');
		assert.equal(await born.text(), '42["auth",{}]');
		assert.equal(await born.send('42["message",3]').text(), '42["message-back",3]');
	});

	test('2.6: a WebSocket that drops while probing leaves the session, and another may follow', async (t) => {
		const p = await open(t);

		for (const leave of [(raw) => raw.finish(), (raw) => raw.reset()]) {
			const ws = await probe(t, p);
			leave(ws.raw);
			await p.settle();
			await isAliveOnPolling(p);
		}
		const ws = await probe(t, p);
		assert.equal(await ws.send('5').send('42["message",1]').text(), '42["message-back",1]');
	});

	test('2.6: an upgrade not finished within upgrade_timeout: that WebSocket is closed, the session stays', async (t) => {
		const g = await forTest(t, 'conformance', ['--upgrade-timeout', '1s']);
		const p = await open(t, g.port);
		const since = Date.now();
		const ws = await probe(t, p);
		const silent = await RawWebSocket.open(t, g.port, wsTarget(await open(t, g.port)));

		await Promise.all([ws.closed(), silent.closed()]);
		assert.ok(Date.now() - since >= 995, `after ${Date.now() - since} ms`);
		await isAliveOnPolling(p);
	});

	test('2.6: a session that closes takes the probing WebSocket with it', async (t) => {
		const p = await open(t);
		const ws = await probe(t, p);

		await p.post('1');
		await ws.closed();
		assert.ok(await p.isGone());
	});

	test('2.6: with allow_upgrades off none is offered, and the stock client stays on polling', async (t) => {
		const g = await forTest(t, 'conformance', ['--allow-upgrades', 'false']);
		const p = await open(t, g.port);

		assert.deepEqual(JSON.parse((await fetchRaw(t, g.port, 'GET', '/socket.io/?EIO=4&transport=polling')).body.slice(1)).upgrades, []);
		await isAliveOnPolling(p);
		const socket = await connect(t, g.url);
		assert.deepEqual(await socket.ask('message-with-ack', 1), [1]);
		assert.equal(socket.io.engine.transport.name, 'polling');
	});
});

// --- Under load

// Keeps `window` messages under way until all `total` are; `ready(i)` may hold back message i.
function flow(total, window, send, ready = () => true) {
	let sent = 0;
	let done = 0;
	const push = () => {
		while (sent < total && sent - done < window && ready(sent))
			send(sent++);
	};

	return {
		push,
		arrived: () => {
			done++;
			push();
		},
	};
}

// `total` messages from the client, each coming back, and `total` of another client's broadcasts, while the
// connection moves from polling to WebSocket in the middle of both.
async function crossing(t, total) {
	const other = await connect(t, gateway().url, { transports: ['websocket'] });
	const socket = await connect(t, gateway().url);
	const echoes = [];
	const broadcasts = [];
	let isUpgraded = false;
	let finish;
	const finished = new Promise((resolve) => (finish = resolve));
	// The second half waits for the upgrade, so that it falls into the stream and not behind it.
	const ready = (i) => isUpgraded || i < total / 2;
	const up = flow(total, 100, (i) => socket.emit('message', i), ready);
	const down = flow(total, 100, (i) => other.emit('bcast', i), ready);
	const check = () => echoes.length >= total && broadcasts.length >= total && finish();

	socket.offAny();
	socket.on('message-back', (i) => {
		echoes.push(i);
		up.arrived();
		check();
	});
	socket.on('bc', (i) => {
		broadcasts.push(i);
		down.arrived();
		check();
	});
	upgraded(socket).then(() => {
		isUpgraded = true;
		up.push();
		down.push();
	});
	up.push();
	down.push();
	await deadline(finished, `${total} messages each way`, () => `echoes: ${echoes.length}, broadcasts: ${broadcasts.length}`, 4 * PATIENCE_MS);
	const numbers = Array.from({ length: total }, (_, i) => i);
	assert.deepEqual(echoes, numbers);
	assert.deepEqual(broadcasts, numbers);
	await socket.ask('message-with-ack'); // nothing came twice meanwhile
	assert.equal(echoes.length, total);
	assert.equal(broadcasts.length, total);
	assert.equal(socket.io.engine.transport.name, 'websocket');
	socket.disconnect();
	other.disconnect();
}

const TOTAL = IS_DEV ? 1_000 : 10_000;

test(`2.6: ${TOTAL} messages each way across an upgrade: none lost, doubled or reordered`, (t) => crossing(t, TOTAL));

test('2.6: the same, 30 short crossings one after the other', async (t) => {
	for (let i = 0; i < 30; i++)
		await crossing(t, 100);
});
