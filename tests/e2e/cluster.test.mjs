// Several gateways over Redis: one Socket.IO server to their clients. apps/cluster.c says what its events do.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { connect } from './lib/client.mjs';
import { settled, shareCluster } from './lib/cluster.mjs';
import { shareRedis } from './lib/redis.mjs';

const redis = shareRedis(before, after);

const enter = (t, gateway, name = '/') => connect(t, `${gateway.url}${name}`, { transports: ['websocket'] });

// One client at each.
const one = (t, gateways, name) => Promise.all(gateways.map((g) => enter(t, g, name)));

// A client's events so far: all that was published before by `by` has passed when this broadcast of it arrives.
async function heard(socket, by = socket) {
	const mark = `mark ${Math.random()}`;

	by.emit('say', socket.nsp === by.nsp ? socket.id : null, mark);
	for (;;) {
		const { name, args } = await socket.received.take(() => true, 'the mark');

		if (name === 'said' && args[0] === mark)
			return socket.heardSoFar?.splice(0) ?? [];
		(socket.heardSoFar ??= []).push([name, ...args]);
	}
}

for (const mode of ['rooms', 'all']) {
	describe(`subscriptions = ${mode}`, () => {
		const cluster = shareCluster(before, after, redis, 3, ['--redis-key', `key-${mode}`, '--subscriptions', mode]);

		test('a broadcast reaches every client of every gateway once', async (t) => {
			const sockets = await one(t, cluster());
			const value = { text: 'ü\u2028"', list: [1, -1, 2 ** 53, 1.5, null, true, [], {}] };

			await settled(...cluster());
			sockets[0].emit('say', null, value, 'two');
			for (const s of sockets)
				assert.deepEqual(await heard(s, sockets[0]), [['said', value, 'two']]);
		});

		test('binary travels in place', async (t) => {
			const sockets = await one(t, cluster());

			await settled(...cluster());
			sockets[1].emit('say', null, { a: [Buffer.from([0, 255, 1])] }, Buffer.alloc(0));
			for (const s of sockets)
				assert.deepEqual(await heard(s, sockets[1]), [['said', { a: [Buffer.from([0, 255, 1])] }, Buffer.alloc(0)]]);
		});

		test('a room spans all gateways, and nobody else hears it', async (t) => {
			const [a, b, c] = await one(t, cluster());

			await Promise.all([a.ask('join', 'r'), c.ask('join', 'r')]);
			await settled(...cluster());
			b.emit('say', 'r', 'to the room');
			assert.deepEqual(await heard(a, b), [['said', 'to the room']]);
			assert.deepEqual(await heard(c, b), [['said', 'to the room']]);
			assert.deepEqual(await heard(b), []);
			await c.ask('leave', 'r');
			b.emit('say', 'r', 'again');
			assert.deepEqual(await heard(a, b), [['said', 'again']]);
			assert.deepEqual(await heard(c, b), []);
		});

		test('names of any kind are rooms', async (t) => {
			const [a, b] = await one(t, cluster());
			const names = ['', '#', 'a#b#', '42', '-7', '007', '*?[x]\\', 'röm', '/chat', '__proto__'];

			for (const name of names)
				await a.ask('join', name);
			await settled(...cluster());
			for (const name of names)
				b.emit('say', name, name);
			assert.deepEqual(await heard(a, b), names.map((name) => ['said', name]));
		});

		test('a client is reached by its sid from anywhere, and left out by it', async (t) => {
			const [a, b, c] = await one(t, cluster());

			await settled(...cluster());
			a.emit('say', c.id, 'just you');
			a.emit('others', null, 'not me');
			assert.deepEqual(await heard(c, a), [['said', 'just you'], ['said', 'not me']]);
			assert.deepEqual(await heard(b, a), [['said', 'not me']]);
			assert.deepEqual(await heard(a), []);
		});

		test('local stays here', async (t) => {
			const [a, b] = await one(t, cluster());

			await settled(...cluster());
			a.emit('say-local', null, 'here');
			assert.deepEqual(await heard(a), [['said', 'here']]);
			assert.deepEqual(await heard(b, a), []);
		});

		test('namespaces are apart, also one that exists on one gateway only', async (t) => {
			const [a, b] = await one(t, cluster());
			const chat = await enter(t, cluster()[2], '/chat');
			const dynamic = await enter(t, cluster()[1], '/dynamic-7');

			await settled(...cluster());
			a.emit('say', null, 'main');
			assert.deepEqual(await heard(b, a), [['said', 'main']]);
			assert.deepEqual(await heard(chat), []);
			assert.deepEqual(await heard(dynamic), []);
		});

		test('others are joined to a room, and hear at once what is sent there', async (t) => {
			for (let i = 0; i < 20; i++) {
				const room = `gathering-${mode}-${i}`;
				const sockets = await one(t, cluster());

				await settled(...cluster());
				sockets[0].emit('gather', null, room);
				for (const s of sockets)
					assert.deepEqual(await heard(s, sockets[0]), [['gathered', room]]);
				sockets.forEach((s) => s.disconnect());
			}
		});

		test('others leave a room', async (t) => {
			const sockets = await one(t, cluster());

			await Promise.all(sockets.map((s) => s.ask('join', 'leaving')));
			await settled(...cluster());
			sockets[2].emit('scatter', 'leaving', 'leaving');
			sockets[2].emit('say', 'leaving', 'nobody is there');
			for (const s of sockets)
				assert.deepEqual(await heard(s, sockets[2]), []);
		});

		test('others are disconnected, of the namespace or altogether', async (t) => {
			const [a, b, c] = await one(t, cluster());

			await settled(...cluster());
			const gone = b.happens('disconnect');
			a.emit('expel', b.id, false);
			assert.deepEqual((await gone)[0], 'io server disconnect');
			const cut = c.happens('disconnect');
			a.emit('expel', null, true);
			assert.deepEqual((await cut)[0], 'io server disconnect');
			assert.equal(a.connected, true);
		});

		test('clients everywhere are asked, with all their arguments', async (t) => {
			const sockets = await one(t, cluster());

			sockets.forEach((s, i) => s.on('question', (n, answer) => answer(i, n + i, { from: [i] })));
			await settled(...cluster());
			const [status, answers, missing] = await sockets[0].ask('ask', null, 5000, 10);
			assert.deepEqual([status, missing], [0, []]);
			assert.deepEqual(answers.sort((x, y) => x[0] - y[0]), [[0, 10, { from: [0] }], [1, 11, { from: [1] }], [2, 12, { from: [2] }]]);
		});

		test('who does not answer costs its deadline, and the others\' answers are there', async (t) => {
			const sockets = await one(t, cluster());

			sockets.slice(0, 2).forEach((s, i) => s.on('question', (answer) => answer(i)));
			await settled(...cluster());
			const [status, answers] = await sockets[0].ask('ask', null, 1500);
			assert.equal(status, -110); // ETIMEDOUT
			assert.deepEqual(answers.sort(), [[0], [1]]);
		});

		test('one client of another gateway is asked by its sid', async (t) => {
			const [a, b] = await one(t, cluster());

			b.on('question', (answer) => answer('yes'));
			await settled(...cluster());
			assert.deepEqual(await a.ask('ask', b.id, 5000), [0, [['yes']], []]);
		});

		test('fetch_sockets sees all, with rooms, session and handshake, and no secrets', async (t) => {
			const gateways = cluster();
			const sockets = await Promise.all(gateways.map((g, i) => connect(t, `${g.url}/chat?who=${i}`, { transports: ['websocket'], auth: { token: 'secret' } })));

			for (const [i, s] of sockets.entries()) {
				await s.ask('join', `room-${i}`);
				await s.ask('session', 'n', i);
			}
			await settled(...gateways);
			const [status, clients, missing] = await sockets[1].ask('fetch', null, 5000);
			assert.deepEqual([status, missing], [0, []]);
			assert.equal(clients.length, 3);
			for (const [i, s] of sockets.entries()) {
				const c = clients.find(({ id }) => id === s.id);

				assert.deepEqual(c.rooms.sort(), [s.id, `room-${i}`].sort());
				assert.deepEqual(c.data, { n: i });
				assert.equal(c.handshake.query.who, String(i));
				assert.equal(c.handshake.address, '127.0.0.1');
				assert.equal(i === 1, 'auth' in c.handshake);
			}
			const [, some] = await sockets[1].ask('fetch', 'room-2', 5000);
			assert.deepEqual(some.map(({ id }) => id), [sockets[2].id]);
		});

		test('servers are asked, and told', async (t) => {
			const sockets = await one(t, cluster());

			await settled(...cluster());
			assert.deepEqual(await sockets[0].ask('servers', 'add', 5000, 2, 3), [0, [[5, '/'], [5, '/']], []]);
			sockets[0].emit('tell-servers', 'noted', 'x', [1]);
			for (const s of sockets.slice(1))
				assert.deepEqual(await s.next('noted'), ['x', [1]]);
			assert.deepEqual(await heard(sockets[0]), []);
		});

		test('servers that stay silent are named', async (t) => {
			const [a] = await one(t, cluster());

			await settled(...cluster());
			const [status, answers, missing] = await a.ask('servers', 'silent', 300);
			assert.deepEqual([status, answers, missing.length], [-110, [], 2]);
			for (const name of missing)
				assert.match(name, /#\d+$/);
		});

		test('what one gateway sends to a room arrives in its order', async (t) => {
			const [a, b, c] = await one(t, cluster());
			const N = 300;

			await Promise.all([b.ask('join', 'order'), c.ask('join', 'order')]);
			await settled(...cluster());
			for (let i = 0; i < N; i++)
				a.emit('say', 'order', i);
			const expected = Array.from({ length: N }, (_, i) => ['said', i]);
			assert.deepEqual(await heard(b, a), expected);
			assert.deepEqual(await heard(c, a), expected);
		});
	});
}

describe('order = total', () => {
	const cluster = shareCluster(before, after, redis, 3, ['--redis-key', 'key-total', '--order', 'total']);

	test('everybody sees a room in one order, those who send included', async (t) => {
		const sockets = await one(t, cluster());
		const N = 100;

		await Promise.all(sockets.map((s) => s.ask('join', 'one order')));
		await settled(...cluster());
		for (let i = 0; i < N; i++)
			sockets.forEach((s, k) => s.emit('say', 'one order', `${k}:${i}`));
		const orders = [];
		for (const s of sockets) {
			const order = [];

			while (order.length < 3 * N)
				order.push((await s.next('said'))[0]);
			orders.push(order);
		}
		assert.deepEqual(orders[1], orders[0]);
		assert.deepEqual(orders[2], orders[0]);
		assert.equal(new Set(orders[0]).size, 3 * N);
	});
});
