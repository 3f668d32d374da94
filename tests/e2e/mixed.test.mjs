// One cluster of our gateways, servers of Node.js with its Redis adapter, and its emitter: every operation in every
// direction.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Emitter } from '@socket.io/redis-emitter';
import { connect } from './lib/client.mjs';
import { settled, shareCluster } from './lib/cluster.mjs';
import { shareNodes } from './lib/node-server.mjs';
import { shareRedis } from './lib/redis.mjs';
import { eventually } from './lib/wait.mjs';

const redis = shareRedis(before, after);

for (const mode of ['rooms', 'all'])
	describe(`subscriptions = ${mode}`, () => {
		const ours = shareCluster(before, after, redis, 2, ['--redis-key', `mixed-${mode}`, '--subscriptions', mode]);
		const theirs = shareNodes(before, after, redis, 2, { key: `mixed-${mode}` });

		const enter = (t, server) => connect(t, server.url, { transports: ['websocket'] });

		// A client at each server: two of ours, two of theirs. Every server hears every other.
		async function crowd(t) {
			const sockets = await Promise.all([...ours(), ...theirs()].map((s) => enter(t, s)));

			await settled(...ours());
			return sockets;
		}

		// What each has heard when a broadcast published after all else has come.
		async function heard(socket, publish) {
			const mark = `mark ${Math.random()}`;
			const events = [];

			publish(mark);
			for (;;) {
				const { name, args } = await socket.received.take(() => true, 'the mark');

				if (name === 'said' && args[0] === mark)
					return events;
				if (!String(args[0]).startsWith('mark '))
					events.push([name, ...args]);
			}
		}

		// With a channel per room, what others publish to a room right behind a join of theirs is published before we can have
		// subscribed to it; with one pattern for all, nothing is missed.
		async function madeRoom(room, size) {
			if (mode === 'all')
				return;
			await eventually('the joins', async () => (await theirs()[0].io.in(room).fetchSockets()).length === size);
			await settled(...ours());
		}

		const viaNode = (mark) => theirs()[0].io.emit('said', mark);
		const viaUs = (socket) => (mark) => socket.emit('say', null, mark);

		const value = { text: 'ü\u2028', list: [1, -1, 2 ** 40, 1.5, null, true], bin: Buffer.from([0, 1, 255]) };

		describe('Node.js emits', () => {
			const cases = [
				['to all', (io) => io.emit('x', value), [0, 1, 2, 3]],
				['to a room', (io) => io.to('even').emit('x', value), [0, 2]],
				['to several rooms, each client once', (io) => io.to(['even', 'low']).emit('x', value), [0, 1, 2]],
				['except a room', (io) => io.except('even').emit('x', value), [1, 3]],
				['to a sid', (io, s) => io.to(s[1].id).emit('x', value), [1]],
				['except a sid', (io, s) => io.except(s[1].id).emit('x', value), [0, 2, 3]],
				['to a room whose name is a number', (io) => io.to(42).emit('x', value), [0, 2]],
				['volatile', (io) => io.volatile.emit('x', value), [0, 1, 2, 3]],
				['local', (io) => io.local.emit('x', value), [2]],
				['an event by number and many arguments', (io) => io.emit('7', 1, undefined, 'c'), [0, 1, 2, 3], ['7', 1, null, 'c']],
			];

			for (const [name, publish, who, expected = ['x', value]] of cases)
				test(name, async (t) => {
					const sockets = await crowd(t);

					await Promise.all([0, 2].flatMap((i) => [sockets[i].ask('join', 'even'), sockets[i].ask('join', i < 2 ? '42' : 42)]));
					await Promise.all([0, 1].map((i) => sockets[i].ask('join', 'low')));
					await settled(...ours());
					publish(theirs()[0].io, sockets);
					for (const [i, s] of sockets.entries())
						assert.deepEqual(await heard(s, viaNode), who.includes(i) ? [expected] : [], `client ${i}`);
				});
		});

		describe('we emit', () => {
			const cases = [
				['to all', (s) => s[0].emit('say', null, value), [0, 1, 2, 3]],
				['to a room', (s) => s[0].emit('say', 'even', value), [0, 2]],
				['to all others', (s) => s[0].emit('others', null, value), [1, 2, 3]],
				['to a sid of Node.js', (s) => s[0].emit('say', s[3].id, value), [3]],
				['to a room whose name is a number', (s) => s[1].emit('say', '42', value), [0, 2]],
				['to those here', (s) => s[0].emit('say-local', null, value), [0]],
			];

			for (const [name, act, who] of cases)
				test(name, async (t) => {
					const sockets = await crowd(t);

					await Promise.all([0, 2].flatMap((i) => [sockets[i].ask('join', 'even'), sockets[i].ask('join', i < 2 ? '42' : 42)]));
					await settled(...ours());
					act(sockets);
					const publish = viaUs(sockets[name.includes('number') ? 1 : 0]);
					for (const [i, s] of sockets.entries())
						assert.deepEqual(await heard(s, publish), who.includes(i) ? [['said', value]] : [], `client ${i}`);
				});
		});

		describe('the emitter', () => {
			const emitter = () => new Emitter(theirs()[0].pub, { key: `mixed-${mode}` });

			test('to all, to rooms, except, binary', async (t) => {
				const sockets = await crowd(t);

				await Promise.all([0, 2].map((i) => sockets[i].ask('join', 'even')));
				await settled(...ours());
				emitter().emit('a', value);
				emitter().to('even').emit('b');
				emitter().except('even').emit('c');
				emitter().to(sockets[1].id).emit('d');
				const expected = [['a', 'b'], ['a', 'c', 'd'], ['a', 'b'], ['a', 'c']];
				for (const [i, s] of sockets.entries()) {
					const events = await heard(s, viaNode);

					assert.deepEqual(events.map(([name]) => name), expected[i]);
					assert.deepEqual(events[0], ['a', value]);
				}
			});

			test('joins, leaves and disconnects', async (t) => {
				const sockets = await crowd(t);

				emitter().in([sockets[0].id, sockets[2].id]).socketsJoin(['e1', 'e2']);
				await madeRoom('e1', 2);
				emitter().to('e1').emit('joined');
				assert.deepEqual(await heard(sockets[0], viaNode), [['joined']]);
				assert.deepEqual(await heard(sockets[1], viaNode), []);
				emitter().in('e1').socketsLeave('e2');
				emitter().to('e2').emit('joined');
				assert.deepEqual(await heard(sockets[0], viaNode), []);
				const gone = sockets[0].happens('disconnect');
				emitter().in('e1').disconnectSockets(true);
				assert.equal((await gone)[0], 'io server disconnect');
				assert.equal(sockets[1].connected, true);
			});

			test('server-side events', async (t) => {
				const sockets = await crowd(t);

				emitter().serverSideEmit('noted', { a: 1 });
				for (const s of sockets.slice(0, 2))
					assert.deepEqual(await s.next('noted'), [{ a: 1 }]);
			});
		});

		describe('Node.js asks', () => {
			test('how many servers there are', async (t) => {
				await crowd(t);
				assert.equal(await theirs()[0].io.of('/').adapter.serverCount(), 4);
			});

			test('fetchSockets', async (t) => {
				const sockets = await crowd(t);

				await sockets[0].ask('join', 'fetched');
				await sockets[0].ask('session', 'who', 'ada');
				const all = await theirs()[0].io.fetchSockets();
				assert.deepEqual(all.map(({ id }) => id).sort(), sockets.map(({ id }) => id).sort());
				const remote = all.find(({ id }) => id === sockets[0].id);
				assert.deepEqual([...remote.rooms].sort(), ['fetched', sockets[0].id].sort());
				assert.deepEqual(remote.data, { who: 'ada' });
				assert.equal(remote.handshake.address, '127.0.0.1');
				assert.equal(remote.handshake.query.EIO, '4');
				assert.match(remote.handshake.time, /GMT\+0000/);
				assert.match(remote.handshake.url, /^\/socket\.io\/\?EIO=4/);
				assert.equal('auth' in remote.handshake, false);
				remote.emit('x', 1);
				assert.deepEqual(await sockets[0].next('x'), [1]);
			});

			test('all rooms', async (t) => {
				const sockets = await crowd(t);

				await sockets[1].ask('join', 'listed');
				const rooms = await theirs()[0].io.of('/').adapter.allRooms();
				for (const name of ['listed', ...sockets.map(({ id }) => id)])
					assert.ok(rooms.has(name), name);
			});

			test('socketsJoin and what is emitted behind it, socketsLeave', async (t) => {
				const sockets = await crowd(t);
				const { io } = theirs()[0];

				io.in([sockets[0].id, sockets[1].id]).socketsJoin('made');
				await madeRoom('made', 2);
				io.to('made').emit('x');
				for (const s of sockets.slice(0, 2))
					assert.deepEqual(await heard(s, viaNode), [['x']]);
				io.in('made').socketsLeave('made');
				await eventually('the leaves', async () => (await io.in('made').fetchSockets()).length === 0);
			});

			test('disconnectSockets', async (t) => {
				const sockets = await crowd(t);
				const gone = [sockets[0].happens('disconnect'), sockets[1].happens('disconnect')];

				theirs()[1].io.in([sockets[0].id]).disconnectSockets();
				theirs()[1].io.in([sockets[1].id]).disconnectSockets(true);
				for (const g of gone)
					assert.equal((await g)[0], 'io server disconnect');
				assert.equal(sockets[2].connected, true);
			});

			test('servers, with answers and without', async (t) => {
				const sockets = await crowd(t);
				const [a, b] = theirs().map(({ io }) => io);

				b.once('add', (x, y, done) => done(x * y));
				assert.deepEqual((await a.serverSideEmitWithAck('add', 3, 4)).sort(), [12, 7, 7]);
				a.serverSideEmit('noted', 'from node', Buffer.from([1]));
				assert.deepEqual((await sockets[0].next('noted'))[0], 'from node');
			});

			test('clients, by a broadcast with acks', async (t) => {
				const sockets = await crowd(t);

				sockets.forEach((s, i) => s.on('q', (x, done) => done({ i, x, bin: Buffer.from([i]) })));
				const answers = await theirs()[0].io.timeout(5000).emitWithAck('q', 'x');
				assert.deepEqual(answers.sort((x, y) => x.i - y.i), [0, 1, 2, 3].map((i) => ({ i, x: 'x', bin: Buffer.from([i]) })));
				const one = await theirs()[0].io.to(sockets[1].id).timeout(5000).emitWithAck('q', 'y');
				assert.deepEqual(one, [{ i: 1, x: 'y', bin: Buffer.from([1]) }]);
			});

			test('clients of whom one is silent', async (t) => {
				const sockets = await crowd(t);

				sockets.slice(1).forEach((s, i) => s.on('q', (done) => done(i)));
				await assert.rejects(theirs()[0].io.timeout(1500).emitWithAck('q'), (error) => {
					assert.deepEqual([error.message, error.responses.sort()], ['operation has timed out', [0, 1, 2]]);
					return true;
				});
			});
		});

		describe('we ask', () => {
			test('fetch_sockets', async (t) => {
				const sockets = await crowd(t);
				const [status, clients, missing] = await sockets[0].ask('fetch', null, 5000);

				assert.deepEqual([status, missing], [0, []]);
				assert.deepEqual(clients.map(({ id }) => id).sort(), sockets.map(({ id }) => id).sort());
				const remote = clients.find(({ id }) => id === sockets[2].id);
				assert.equal(remote.handshake.query.EIO, '4');
				assert.match(remote.handshake.headers.host, /^127/);
			});

			test('clients by a broadcast with acks', async (t) => {
				const sockets = await crowd(t);

				sockets.forEach((s, i) => s.on('question', (x, done) => done([i, x])));
				const [status, answers] = await sockets[0].ask('ask', null, 5000, 'x');
				assert.deepEqual([status, answers.sort()], [0, [0, 1, 2, 3].map((i) => [[i, 'x']])]);
			});

			test('servers', async (t) => {
				const sockets = await crowd(t);

				theirs().forEach(({ io }) => io.once('add', (x, y, done) => done(x * y)));
				const [status, answers] = await sockets[0].ask('servers', 'add', 5000, 3, 4);
				assert.deepEqual([status, answers.map(([x]) => x).sort()], [0, [12, 12, 7]]);
			});

			test('joins, leaves and disconnects', async (t) => {
				const sockets = await crowd(t);

				sockets[0].emit('gather', null, 'gathered');
				for (const s of sockets)
					assert.deepEqual(await heard(s, viaUs(sockets[0])), [['gathered', 'gathered']]);
				sockets[0].emit('scatter', sockets[3].id, 'gathered');
				sockets[0].emit('say', 'gathered', 'x');
				assert.deepEqual(await heard(sockets[3], viaUs(sockets[0])), []);
				assert.deepEqual(await heard(sockets[2], viaUs(sockets[0])), [['said', 'x']]);
				const gone = sockets[2].happens('disconnect');
				sockets[0].emit('expel', sockets[2].id, true);
				assert.equal((await gone)[0], 'io server disconnect');
			});
		});
	});
