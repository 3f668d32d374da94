// Everything that kills a Node.js server, or should kill anybody, published on every channel: dropped, counted, and nothing
// else.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import notepack from 'notepack.io';
import { connect } from './lib/client.mjs';
import { settled, shareCluster } from './lib/cluster.mjs';
import { shareRedis } from './lib/redis.mjs';
import { eventually } from './lib/wait.mjs';

const redis = shareRedis(before, after);
const cluster = shareCluster(before, after, redis, 2, ['--subscriptions', 'all', '--python-channels', 'socketio']);

const pack = (value) => Buffer.from(notepack.encode(value));
const packet = { type: 2, data: ['x', 1], nsp: '/' };
const opts = { rooms: [], except: [], flags: {} };
const good = pack(['UVWXYZ', packet, opts]);
const text = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));

const broadcasts = {
	'nothing': Buffer.alloc(0),
	'plain text': text('hello'),
	'JSON': text(['UVWXYZ', packet, opts]),
	'cut': good.subarray(0, good.length - 3),
	'bytes behind it': Buffer.concat([good, Buffer.from([0])]),
	'nil': Buffer.from([0xc0]),
	'opts missing': pack(['UVWXYZ', packet]),
	'rooms a number': pack(['UVWXYZ', packet, { ...opts, rooms: 7 }]),
	'data missing': pack(['UVWXYZ', { type: 2, nsp: '/' }, opts]),
	'data empty': pack(['UVWXYZ', { ...packet, data: [] }, opts]),
	'an event that is reserved': pack(['UVWXYZ', { ...packet, data: ['connect'] }, opts]),
	'an event that is an object': pack(['UVWXYZ', { ...packet, data: [{ toString: 'x' }] }, opts]),
	'an array of 2^32-1 items': Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff]),
	'text of 2^32-1 bytes': Buffer.from([0x93, 0xdb, 0xff, 0xff, 0xff, 0xff]),
	'100,000 levels': Buffer.concat([Buffer.from([0x93, 0xa1, 0x61]), Buffer.alloc(100_000, 0x91)]),
	'text that is not UTF-8': Buffer.from([0x93, 0xa1, 0xff, 0x80, 0x80]),
	'noise': Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7919) % 256)),
};

const requests = {
	'nothing': Buffer.alloc(0),
	'half JSON': text('{"type":'),
	'nil': Buffer.from([0xc0]),
	'no type': text({ uid: 'UVWXYZ', requestId: 'a' }),
	'a type there is not': text({ uid: 'UVWXYZ', requestId: 'a', type: 99 }),
	'fetch without opts': text({ uid: 'UVWXYZ', requestId: 'a', type: 5 }),
	'broadcast without packet': pack({ uid: 'UVWXYZ', requestId: 'a', type: 7, opts }),
	'join without rooms': text({ uid: 'UVWXYZ', type: 2, opts }),
	'deep JSON': text(`{"type":6,"uid":"UVWXYZ","data":${'['.repeat(10_000)}${']'.repeat(10_000)}}`),
};

const answers = {
	'nothing': Buffer.alloc(0),
	'no id': text({ sockets: [] }),
	'nil': Buffer.from([0xc0]),
	'half JSON': text('{"requestId":"'),
};

const beats = { 'nothing': Buffer.alloc(0), 'another version': text({ v: 2, type: 'beat' }), 'no address': text({ v: 1, type: 'beat', uid: 'ABCDEFGH', node: 'ABCD' }) };

const channels = [
	['socket.io#/#', broadcasts], ['socket.io#/#room#', broadcasts], ['socket.io-request#/#', requests],
	['socket.io-response#/#', answers], ['socket.io-nodes#', beats],
];

for (const [channel, payloads] of channels)
	describe(channel, () => {
		for (const [name, payload] of Object.entries(payloads))
			test(name, async (t) => {
				const gateways = cluster();
				const sockets = await Promise.all(gateways.map((g) => connect(t, g.url, { transports: ['websocket'] })));

				await Promise.all(sockets.map((s) => s.ask('join', 'room')));
				await settled(...gateways);
				const before = await Promise.all(gateways.map(async (g) => (await g.metrics()).stoa_bus_dropped_total));
				await redis().command('PUBLISH', channel, payload);
				for (const [i, g] of gateways.entries())
					await eventually('it to be dropped', async () => (await g.metrics()).stoa_bus_dropped_total === before[i] + 1);
				sockets[0].emit('say', 'room', 'still here');
				for (const s of sockets) {
					const { name: event, args } = await s.received.take();

					assert.deepEqual([event, ...args], ['said', 'still here']);
				}
			});
	});

test('a line in the log tells why, at most once a second', async () => {
	for (const g of cluster()) {
		const lines = g.lines.filter((line) => line.includes('bus-dropped'));

		assert.ok(lines.length > 0);
		assert.ok(lines.every((line) => /why=/.test(line) && /count=\d+/.test(line)));
	}
});

test('a server that is not there, a uid like ours, a namespace like another: nobody hears', async (t) => {
	const [g] = cluster();
	const a = await connect(t, g.url, { transports: ['websocket'] });

	await settled(g);
	await redis().command('PUBLISH', 'socket.io#/other#', good);
	await redis().command('PUBLISH', 'socket.io#/#', pack(['UVWXYZ', { ...packet, nsp: '/other' }, opts]));
	await redis().command('PUBLISH', 'socket.io#/#nobody-is-here#', pack(['UVWXYZ', packet, { ...opts, rooms: ['nobody-is-here'] }]));
	await redis().command('PUBLISH', 'socket.io-response#/#', text({ requestId: 'never asked', sockets: [] }));
	await redis().command('PUBLISH', 'socket.io#/#', pack(['UVWXYZ', { ...packet, data: ['mark'] }, opts]));
	assert.deepEqual(await a.received.take(), { name: 'mark', args: [] });
});

// wire.md's third parties: what other emitters make of the format, and what clients get.
describe('emitters with ways of their own', () => {
	const forms = {
		'per room, each with all rooms: once for who is in both': [[['socket.io#/#a#', { rooms: ['a', 'b'] }], ['socket.io#/#b#', { rooms: ['a', 'b'] }]], 1],
		'type 5 for binary': [[['socket.io#/#', {}, { type: 5 }]], 1],
		'rooms a text': [[['socket.io#/#a#', { rooms: 'a' }]], 1],
		'rooms a map': [[['socket.io#/#', { rooms: { 1: 'a', 3: 'b' } }]], 1],
		'rooms nil, flags nil': [[['socket.io#/#', { rooms: null, flags: null }]], 1],
		'flags an empty array': [[['socket.io#/#', { flags: [] }]], 1],
		'no except, no flags': [[['socket.io#/#', { except: undefined, flags: undefined }]], 1],
		'two parts on a channel of their own, as before 2016': [[['socket.io#emitter', { two: true }]], 1],
		'packet without nsp': [[['socket.io#/#', {}, { nsp: undefined }]], 1],
	};

	for (const [name, [messages, times]] of Object.entries(forms))
		test(name, async (t) => {
			const [g] = cluster();
			const s = await connect(t, g.url, { transports: ['websocket'] });

			await Promise.all(['a', 'b'].map((room) => s.ask('join', room)));
			await settled(g);
			for (const [channel, change, packetChange = {}] of messages)
				await redis().command('PUBLISH', channel, pack([...(change.two ? [] : ['emitter']), { ...packet, ...packetChange }, { ...opts, ...change }]));
			await redis().command('PUBLISH', 'socket.io#/#', pack(['UVWXYZ', { ...packet, data: ['mark'] }, opts]));
			const events = [];
			for (;;) {
				const e = await s.received.take();

				if (e.name === 'mark')
					break;
				events.push(e);
			}
			assert.deepEqual(events, Array.from({ length: times }, () => ({ name: 'x', args: [1] })));
		});
});
