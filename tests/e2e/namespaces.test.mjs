// Namespaces made by their name: by a pattern and by the catch-all, how many one connection may join, and that nothing is
// left of those that nobody is in.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect, open, openNamespace } from './lib/client.mjs';
import { forTest } from './lib/gateway.mjs';
import { fetchRaw, Polling, RawWebSocket } from './lib/raw.mjs';
import { eventually } from './lib/wait.mjs';

const KEY = '0123456789abcdef';

// The namespaces that somebody is in, as the HTTP API lists them.
async function listed(g) {
	const answer = await fetch(`${g.internalUrl}/api/v1/namespaces`, { headers: { Authorization: `Bearer ${KEY}` } });

	assert.equal(answer.status, 200);
	return JSON.stringify(await answer.json());
}

describe('2.10: namespaces by pattern', () => {
	test('2.10: a name that fits is joined, each is one of its own; others are `Invalid namespace`', async (t) => {
		const g = await forTest(t, 'e2e');
		const one = await connect(t, `${g.url}/other-1`, { transports: ['websocket'] });
		const two = await connect(t, `${g.url}/other-2`, { transports: ['websocket'] });

		await one.ask('join', 'r');
		await two.ask('join', 'r');
		two.emit('say', 'r', 'for two');
		one.emit('say', 'r', 'for one');
		assert.deepEqual(await one.next('said'), ['for one']);
		assert.deepEqual(await two.next('said'), ['for two']);
		for (const name of ['/other', '/Other-1', '/another-1']) {
			const [error] = await open(t, g.url + name, { transports: ['websocket'] }).happens('connect_error');
			assert.equal(error.message, 'Invalid namespace', name);
		}
	});

	test('2.10: the catch-all event of a namespace by pattern sees what no handler has', async (t) => {
		const g = await forTest(t, 'e2e');
		const socket = await connect(t, `${g.url}/other-x`, { transports: ['websocket'] });

		socket.emit('anything', 1);
		assert.deepEqual(await socket.next('caught'), ['anything', 1]);
	});

	test('2.10: the catch-all namespace takes any name', async (t) => {
		const g = await forTest(t, 'rows');

		for (const name of ['/any/where', '/any/ü', '/any/ x?y=1']) {
			const ws = await RawWebSocket.session(t, g.port);
			assert.match(await ws.send(`40${name},`).text(), /^40\//, name);
			assert.equal(await ws.send(`42${name},1["what"]`).text(), `43${name},1[${JSON.stringify(name)},"what"]`);
		}
	});
});

describe('4: many namespaces', () => {
	test('2.15 Q8: max_namespaces on one connection, at the limit and one past it; who leaves one may join another', async (t) => {
		const g = await forTest(t, 'e2e', ['--max-namespaces', '3']);
		const ws = await RawWebSocket.session(t, g.port, { connect: '' });

		for (const name of ['/other-1', '/other-2'])
			assert.match(await ws.send(`40${name},`).text(), new RegExp(`^40${name},\\{"sid":`));
		assert.equal(await ws.send('40/other-3,').text(), '44/other-3,{"message":"Too many namespaces"}');
		ws.send('41/other-1,').send('40/other-3,');
		assert.match(await ws.text(), /^40\/other-3,/);
		assert.equal(await ws.send('40/other-4,').text(), '44/other-4,{"message":"Too many namespaces"}');
		assert.equal((await g.metrics())['stoa_limit_total{limit="max_namespaces"}'], 2);
	});

	test('2.10: a name of max_room_name is taken, a longer one closes', async (t) => {
		const g = await forTest(t, 'e2e', ['--max-room-name', '30B']);
		const name = `/other-${'x'.repeat(23)}`;
		const ws = await RawWebSocket.session(t, g.port);

		assert.equal(name.length, 30);
		assert.match(await ws.send(`40${name},`).text(), /^40\/other-x/);
		assert.equal(await ws.send(`40${name}x,`).closed(), 1005);
	});

	test('2.10: a namespace that its last client leaves is gone, with its rooms: by 41, by the end, by polling', async (t) => {
		const g = await forTest(t, 'e2e', ['--api-key', KEY]);
		const stays = await RawWebSocket.session(t, g.port, { connect: '' });
		const leaves = await RawWebSocket.session(t, g.port);
		const ends = await RawWebSocket.session(t, g.port);
		const polls = await Polling.open(t, g.port);

		for (const [ws, name] of [[leaves, '/other-a'], [ends, '/other-b']]) {
			assert.match(await ws.send(`40${name},`).text(), /^40\//);
			assert.match(await ws.send(`42${name},1["join","room of ${name}"]`).text(), /^43\//);
		}
		await polls.post('40/other-c,');
		assert.match((await polls.packets())[0], /^40\/other-c,/);
		for (const name of ['/other-a', '/other-b', '/other-c'])
			assert.ok((await listed(g)).includes(name), name);
		assert.equal((await g.metrics()).stoa_rooms, 2);
		leaves.send('41/other-a,');
		ends.raw.reset();
		await polls.post('1');
		await eventually('the namespaces to be gone', async () => !(await listed(g)).includes('/other-'));
		const m = await g.metrics();
		assert.equal(m.stoa_rooms, 0);
		assert.equal(m.stoa_clients, 1);
		stays.raw.socket.destroy();
	});

	test('2.10: a thousand namespaces one after the other leave nothing', async (t) => {
		const g = await forTest(t, 'e2e', ['--api-key', KEY]);
		const ws = await RawWebSocket.session(t, g.port);

		for (let i = 0; i < 1000; i++) {
			ws.send(`40/other-${i},`).send(`42/other-${i},["join","r"]`).send(`41/other-${i},`);
			assert.match(await ws.text(), /^40\/other-/);
		}
		assert.match(await ws.send('40').text(), /^40\{/);
		assert.ok(!(await listed(g)).includes('/other-'));
		assert.equal((await g.metrics()).stoa_rooms, 0);
	});
});
