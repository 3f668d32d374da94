// Sessions, background tasks, latest values and a handler that blocks, through a stock client; the application is
// apps/tasks.c.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { connect, WAYS } from './lib/client.mjs';
import { Gateway, share } from './lib/gateway.mjs';
import { deadline, eventually } from './lib/wait.mjs';

const gateway = share(before, after, 'tasks', ['--max-background-tasks', '4', '--background-threads', '2', '--slow-handler', '50ms']);
const AT_THE_GATE = -1;
const enter = (t, options = {}) => connect(t, gateway().url, options);

for (const { way, transports } of WAYS) {
	test(`a background task over ${way}: emits with attachments, joins, asks, and is done`, async (t) => {
		const socket = await enter(t, { transports });

		socket.on('how was it', (answer) => answer('long'));
		assert.deepEqual(await socket.ask('walk', 3, 10), [0]);
		for (let i = 0; i < 3; i++) {
			const [step, what] = await socket.next('step');

			assert.equal(step, i);
			assert.equal(Buffer.from(what).toString(), 'foot');
		}
		assert.deepEqual(await socket.next('arrived'), [3, '']);
		assert.deepEqual(await socket.next('answered'), ['long', 0]);
		assert.deepEqual(await socket.ask('session'), [{ walking: true }]);
	});
}

test('the loop goes on while tasks sleep, and a full pool says so', async (t) => {
	const socket = await enter(t);
	const before = (await gateway().appMetrics())['stoa_limit_total{limit="max_background_tasks"}'];
	const started = [];

	// They go no further than a gate: the fifth comes while all four are on their way, however long that takes.
	for (let i = 0; i < 5; i++)
		started.push(...await socket.ask('walk', 1, AT_THE_GATE));
	assert.deepEqual(started, [0, 0, 0, 0, -11]);
	const metrics = await eventually('the tasks to be counted', async () => {
		const m = await gateway().appMetrics(); // a broker hears of them a little later

		return m.stoa_background_tasks === 4 && m['stoa_limit_total{limit="max_background_tasks"}'] > before && m;
	});
	assert.equal(metrics['stoa_limit_total{limit="max_background_tasks"}'], before + 1);
	await socket.ask('open gate');
	for (let i = 0; i < 4; i++)
		await socket.next('arrived');
	await eventually('no task to be left', async () => (await gateway().appMetrics()).stoa_background_tasks === 0);
	assert.deepEqual(await socket.ask('walk', 0, 0), [0]);
	await socket.next('arrived');
});

test('a task whose client has left ends quietly', async (t) => {
	const socket = await enter(t);
	const from = gateway().lines.length;

	await socket.ask('walk', 2, 50);
	socket.disconnect();
	await gateway().line(/walked: 2/, from);
	assert.deepEqual(await (await enter(t)).ask('session'), [{}]);
});

test('session data, and who is there', async (t) => {
	const [one, two] = await Promise.all([enter(t, { auth: { me: 1 }, query: { q: 'ä b' } }), enter(t)]);

	assert.deepEqual(await one.ask('put', 'name', 'Ada'), [0, { name: 'Ada' }]);
	await one.ask('join', 'here');
	await two.ask('join', 'here');
	const [status, all, missing] = await two.ask('who', 'here');
	assert.equal(status, 0);
	assert.deepEqual(missing, []);
	assert.deepEqual(all.map((c) => [c.id, c.data]).sort(), [[one.id, { name: 'Ada' }], [two.id, {}]].sort());
	const { handshake, rooms } = all.find((c) => c.id === one.id);
	assert.deepEqual(rooms.sort(), [one.id, 'here'].sort());
	assert.equal(handshake.query.q, 'ä b');
	assert.equal(handshake.address, '127.0.0.1');
	assert.deepEqual(handshake.auth, { me: 1 });
	assert.equal(typeof handshake.headers.host, 'string');
	one.disconnect();
	assert.deepEqual(await two.next('left'), [{ name: 'Ada' }]);
});

test('latest: a client that keeps up gets all, in order', async (t) => {
	const [one, two] = await Promise.all([enter(t), enter(t)]);

	for (let i = 0; i < 20; i++) {
		await one.ask('latest', 'position', i);
		assert.deepEqual(await two.next('position'), [i]);
	}
});

test('a handler that blocks the loop is named', async (t) => {
	const socket = await enter(t);
	const before = (await gateway().appMetrics()).stoa_slow_handlers_total;
	const from = gateway().lines.length;

	await socket.ask('block', 120);
	const line = await gateway().line(/slow handler/, from);
	assert.match(line, /event=block nsp=\/ sid=/);
	assert.ok(Number(/ms=(\d+)/.exec(line)[1]) >= 120, line);
	await eventually('the handler to be counted', async () => (await gateway().appMetrics()).stoa_slow_handlers_total === before + 1);
});

test('at the end sleepers are woken, and their done runs', async (t) => {
	const g = await Gateway.start('tasks');
	const socket = await connect(t, g.url);

	await socket.ask('walk', 1, 3600_000);
	await g.line(/walks/); // before its thread has it, it would not be begun
	await g.stop();
	assert.ok(g.lines.some((line) => /walked: -1 stopped on the way/.test(line)), g.lines.join('\n'));
});

test('at the end work that does not end is waited for, named, and left behind', async (t) => {
	const g = await Gateway.start('tasks', ['--background-timeout', '200ms']);
	const socket = await connect(t, g.url);

	await socket.ask('stubborn');
	await g.line(/stubborn from here on/); // before its thread has it, it would not be begun
	g.stopped = true;
	g.signal('SIGTERM');
	assert.equal((await deadline(g.ended, 'the gateway to end')).code, 1);
	assert.ok(g.lines.some((line) => /background task still runs event=stubborn/.test(line)), g.lines.join('\n'));
	g.assertClean();
});
