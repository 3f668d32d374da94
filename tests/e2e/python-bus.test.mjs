// What python-socketio's world says through Redis: a Flask-SocketIO worker with the packages of Debian (pickles), the
// captured messages of later versions (JSON), and callbacks back to who asked.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { connect } from './lib/client.mjs';
import { clusterForTest, settled, shareCluster } from './lib/cluster.mjs';
import { shareRedis } from './lib/redis.mjs';
import { deadline, eventually } from './lib/wait.mjs';

const redis = shareRedis(before, after);
const cluster = shareCluster(before, after, redis, 2, ['--python-channels', 'flask-socketio,socketio']);
const script = path.join(path.dirname(fileURLToPath(import.meta.url)), 'flask_worker.py');

const enter = (t, gateway, name = '/') => connect(t, `${gateway.url}${name}`, { transports: ['websocket'] });

async function crowd(t) {
	const sockets = await Promise.all(cluster().map((g) => enter(t, g)));

	await settled(...cluster());
	return sockets;
}

// What came before a mark that is emitted by the same road, the same process.
async function heard(socket, mark) {
	const events = [];

	for (;;) {
		const { name, args } = await socket.received.take(() => true, 'the mark');

		if (name === 'mark' && args[0] === mark)
			return events;
		if (name !== 'mark')
			events.push([name, ...args]);
	}
}

class Worker {
	static async start(t, channel = 'flask-socketio') {
		const w = new Worker();

		// Debian's own interpreter: another one would not find Debian's packages.
		w.child = spawn('/usr/bin/python3', ['-B', script, redis().url, channel], { stdio: ['pipe', 'pipe', 'inherit'] });
		t.after(() => w.child.kill('SIGKILL'));
		w.lines = createInterface({ input: w.child.stdout })[Symbol.asyncIterator]();
		return w;
	}

	async call(name, args = [], kwargs = {}) {
		this.child.stdin.write(`${JSON.stringify([name, args, kwargs])}\n`);
		const { value } = await deadline(this.lines.next(), `the worker to ${name}`);

		assert.equal(value, JSON.stringify(name));
	}
}

describe('a Flask-SocketIO worker', () => {
	test('emits values of every kind, to all, to rooms, to a sid, and skips one', async (t) => {
		const [a, b] = await crowd(t);
		const worker = await Worker.start(t);

		await a.ask('join', 'r');
		await settled(...cluster());
		await worker.call('emit', ['one', { text: 'ü', list: [1, -2, 1.5, null, true], big: 2 ** 40 }]);
		await worker.call('emit', ['two', { tuple: [1, 'b', { c: [] }] }]);
		await worker.call('emit', ['bin', { x: { bytes: [0, 1, 255] } }]);
		await worker.call('emit', ['nothing', null]);
		await worker.call('emit', ['room', 1], { to: 'r' });
		await worker.call('emit', ['sid', 2], { to: b.id });
		await worker.call('emit', ['rooms', 3], { to: ['r', b.id] });
		await worker.call('emit', ['skipped', 4], { skip_sid: b.id });
		await worker.call('send', ['hello']);
		await worker.call('emit', ['elsewhere', 5], { namespace: '/chat' });
		await worker.call('emit', ['mark', 'end']);
		const all = [['one', { text: 'ü', list: [1, -2, 1.5, null, true], big: 2 ** 40 }], ['two', 1, 'b', { c: [] }], ['bin', { x: Buffer.from([0, 1, 255]) }], ['nothing']];
		assert.deepEqual(await heard(a, 'end'), [...all, ['room', 1], ['rooms', 3], ['skipped', 4], ['message', 'hello']]);
		assert.deepEqual(await heard(b, 'end'), [...all, ['sid', 2], ['rooms', 3], ['message', 'hello']]);
	});

	test('closes a room, and disconnects a client', async (t) => {
		const [a, b] = await crowd(t);
		const worker = await Worker.start(t);

		await Promise.all([a.ask('join', 'closing'), b.ask('join', 'closing')]);
		await settled(...cluster());
		await worker.call('close_room', ['closing']);
		await worker.call('emit', ['x', 1], { to: 'closing' });
		await worker.call('emit', ['mark', 'closed']);
		for (const s of [a, b])
			assert.deepEqual(await heard(s, 'closed'), []);
		const gone = b.happens('disconnect');
		await worker.call('disconnect', [b.id, '/']);
		assert.equal((await gone)[0], 'io server disconnect');
		assert.equal(a.connected, true);
	});

	test('a worker of python-socketio itself speaks on its own channel', async (t) => {
		const [a] = await crowd(t);
		const worker = await Worker.start(t, 'socketio');

		await worker.call('emit', ['x', [1, 2]]);
		assert.deepEqual(await a.next('x'), [[1, 2]]);
	});
});

describe('messages of later versions', () => {
	const say = (message) => redis().command('PUBLISH', 'flask-socketio', JSON.stringify({ namespace: '/', room: null, skip_sid: null, callback: null, host_id: 'e'.repeat(32), ...message }));

	test('5.16: arguments are a list, binary beside it, NaN is null', async (t) => {
		const [a] = await crowd(t);

		await say({ method: 'emit', event: 'x', data: [1, 'two', { three: 3 }], binary: false });
		await say({ method: 'emit', event: 'y', data: [[{ a: { _placeholder: true, num: 0 } }], 'AQI='], binary: true });
		await redis().command('PUBLISH', 'flask-socketio', '{"method": "emit", "event": "z", "data": [NaN, -Infinity], "binary": false, "namespace": "/", "room": null}');
		assert.deepEqual(await a.next('x'), [1, 'two', { three: 3 }]);
		assert.deepEqual(await a.next('y'), [{ a: Buffer.from([1, 2]) }]);
		assert.deepEqual(await a.next('z'), [null, null]);
	});

	test('a client enters a room and leaves it', async (t) => {
		const [a, b] = await crowd(t);

		await say({ method: 'enter_room', sid: b.id, room: 'entered' });
		await eventually('the room', async () => (await a.ask('fetch', 'entered', 1000))[1].length === 1);
		await say({ method: 'leave_room', sid: b.id, room: 'entered' });
		await eventually('the room to be empty', async () => (await a.ask('fetch', 'entered', 1000))[1].length === 0);
	});

	test('callbacks come back to the process that asked, with all arguments', async (t) => {
		const [a, b] = await crowd(t);
		const session = await redis().session();
		const answers = [];

		t.after(() => session.close());
		session.onmessage = ({ payload }) => {
			const m = JSON.parse(payload);

			if (m.method === 'callback')
				answers.push(m);
		};
		await session.command('SUBSCRIBE', 'flask-socketio');
		b.on('q', (x, done) => done('ans', x, Buffer.from([1, 2])));
		await say({ method: 'emit', event: 'q', data: [7], binary: false, room: b.id, callback: [b.id, '/', 3], host_id: 'f'.repeat(32) });
		await eventually('the callback', () => answers.length > 0);
		assert.deepEqual(answers, [{ method: 'callback', host_id: 'f'.repeat(32), sid: b.id, namespace: '/', id: 3, args: ['ans', 7, 'AQI='] }]);
		assert.equal(a.connected, true);
	});
});

describe('what is no message', () => {
	const bad = [
		'', '{', 'hello', '{"method":"emit"}', '{"method":"dance","namespace":"/"}', '[1]', Buffer.from([0x80, 4, 0x95]),
		// cposix\nsystem\n(S'..' tR. : what a pickle could do elsewhere
		Buffer.from("\x80\x02cposix\nsystem\nq\x00X\x04\x00\x00\x00trueq\x01\x85q\x02Rq\x03.", 'latin1'),
		'{"method":"emit","event":"connect","data":[],"binary":false,"namespace":"/","room":null}',
		`{"method":"emit","event":"x","data":${'['.repeat(5000)}${']'.repeat(5000)},"namespace":"/","room":null}`,
		Buffer.alloc(100000, 0x28),
	];

	test('is dropped and counted, and changes nothing', async (t) => {
		const [a] = await crowd(t);
		const before = (await cluster()[0].metrics()).stoa_bus_dropped_total;

		for (const payload of bad)
			await redis().command('PUBLISH', 'flask-socketio', payload);
		await redis().command('PUBLISH', 'flask-socketio', '{"method":"emit","event":"mark","data":["still"],"binary":false,"namespace":"/","room":null}');
		assert.deepEqual(await heard(a, 'still'), []);
		assert.equal((await cluster()[0].metrics()).stoa_bus_dropped_total - before, bad.length);
	});
});

test('without the option nothing is heard, and without pickles only JSON is', async (t) => {
	const [deaf] = await clusterForTest(t, redis(), 1, ['--redis-key', 'deaf']);
	const [careful] = await clusterForTest(t, redis(), 1, ['--redis-key', 'careful', '--python-channels', 'flask-socketio', '--no-python-pickle']);
	const [a, b] = [await enter(t, deaf), await enter(t, careful)];
	const worker = await Worker.start(t);

	await settled(deaf, careful);
	await worker.call('emit', ['pickled', 1]);
	await redis().command('PUBLISH', 'flask-socketio', '{"method":"emit","event":"mark","data":["json"],"binary":false,"namespace":"/","room":null}');
	assert.deepEqual(await heard(b, 'json'), []);
	a.emit('say', null, 'last');
	assert.deepEqual((await a.received.take()).args, ['last']);
});
