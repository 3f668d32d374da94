// `stoa brokers` and `stoa dead`: who runs the application, what was given up, and what becomes of it. First with records that
// are written here, then with real ones: a handler that crashes, a deploy that mends it, the event handled after all.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Broker } from './lib/broker.mjs';
import { connect } from './lib/client.mjs';
import { gatewayFor, HandBroker } from './lib/hand-broker.mjs';
import { freePort, Gateway } from './lib/gateway.mjs';
import { redisForTest, shareRedis } from './lib/redis.mjs';
import { runTool } from './lib/tool.mjs';
import { eventually } from './lib/wait.mjs';

const redis = shareRedis(before, after);
const WS = { transports: ['websocket'] };

let apps = 0;
// Each test has an application of its own.
function place() {
	const app = `letters-${++apps}`;
	const stoa = (...args) => runTool(args, { env: { STOA_REDIS_URL: redis().url, STOA_APP_NAME: app } });

	return { app, stoa };
}

const set = (key, value) => redis().command('SET', key, typeof value === 'string' ? value : JSON.stringify(value));
const record = (app, partitions) => set(`stoa:app:${app}`, { v: 1, partitions, namespaces: ['/'] });
async function put(app, id, value) {
	await set(`stoa:broker:${app}:${id}`, value);
	await redis().command('SADD', `stoa:brokers:${app}`, id);
}

const broker = (app, id, more) => put(app, id,
	{ v: 1, id, name: `${id}.example#7`, serves: true, slots: 4, partitions: [], in_work: 0, unconfirmed: 0, backlog: 0, oldest: 0, started: Date.now() - 90_500, ...more });

const EVENT = { v: 1, node: 'AbCd', kind: 'event', at: 1700000000123, nsp: '/', sid: 'AbCdGlJYhWMqCLXYXw5O', n: 7, state_n: 2, event: 'say', args: ['hi', { a: 'ü' }], ack: 3 };

async function letter(app, of, more = {}) {
	const text = Buffer.isBuffer(of) || typeof of === 'string' ? of : JSON.stringify(of);
	const fields = { reason: 'crashed', record: text, backtrace: '#0 on_say (app.c:7)\n#1 main', attempts: 3, at: Date.now() - 60_000, partition: 1, id: '1700000000000-5', ...more };

	return String(await redis().command('XADD', `stoa:dead:${app}`, '*', ...Object.entries(fields).flat()));
}

const lettersOf = (app) => redis().command('XLEN', `stoa:dead:${app}`);
const eventsOf = async (app, partition) => (await redis().command('XRANGE', `stoa:events:${app}:${partition}`, '-', '+')).map(([, [name, bytes]]) => [String(name), JSON.parse(bytes)]);

describe('stoa brokers', () => {
	test('C7: nobody has ever run it: 3', async () => {
		const { app, stoa } = place();
		const done = await stoa('brokers');

		assert.deepEqual([done.code, done.lines.at(-1)], [3, `no broker has ever run the application ${app} here`]);
		assert.deepEqual((await stoa('brokers', '--json')).json, [{ app, partitions: 0, without_broker: [], events: 0, dead: 0, brokers: [] }]);
	});

	test('C7: a table: processes, work, partitions; who does not serve; what nobody holds: 4', async () => {
		const { app, stoa } = place();

		await record(app, 8);
		await broker(app, 'one', { partitions: [0, 1, 2, 5], in_work: 3, backlog: 17, oldest: 2345 });
		await broker(app, 'two', { partitions: [3], slots: 2 });
		await broker(app, 'idle', { serves: false });
		await redis().command('XADD', `stoa:events:${app}:7`, '*', 'e', '{}');
		await redis().command('XADD', `stoa:events:${app}:0`, '*', 'e', '{}');
		await letter(app, EVENT);
		const done = await stoa('brokers');

		assert.equal(done.code, 4, done.stderr);
		assert.match(done.lines[0], /^BROKER +NAME +SLOTS +IN HAND +WAITS +OLDEST +AGE +PARTITIONS$/);
		const rows = done.lines.slice(1, -1).sort();
		assert.match(rows[0], /^idle +idle\.example#7 +4 +0 +0 +0\.0s +9\ds +\(its processes do not run\)$/);
		assert.match(rows[1], /^one +one\.example#7 +4 +3 +17 +2\.3s +9\ds +0-2,5$/);
		assert.match(rows[2], /^two +two\.example#7 +2 +0 +0 +0\.0s +9\ds +3$/);
		assert.equal(done.lines.at(-1), '8 partitions, 3 without a broker (4,6-7); 2 events in the streams; 1 dead letter');
		const [json] = (await stoa('brokers', '--json')).json;
		assert.deepEqual({ ...json, brokers: json.brokers.map((b) => b.id).sort() }, { app, partitions: 8, without_broker: [4, 6, 7], events: 2, dead: 1, brokers: ['idle', 'one', 'two'] });
		assert.equal(json.brokers.find((b) => b.id === 'one').backlog, 17);
	});

	test('C7: all is held: 0; those that do not serve alone: 3', async () => {
		const { app, stoa } = place();

		await record(app, 2);
		await broker(app, 'one', { partitions: [0, 1] });
		assert.equal((await stoa('brokers')).code, 0);
		await broker(app, 'one', { serves: false });
		assert.equal((await stoa('brokers')).code, 3);
	});

	test('C7: what others wrote drives no terminal and stops nobody', async () => {
		const { app, stoa } = place();

		await record(app, 1);
		await put(app, 'x', 'no JSON');
		await put(app, 'y', '[1,2]');
		await put(app, 'z', '{"id":"\\u001b[31mred\\u202e","partitions":"all","slots":"many","started":"x"}');
		const done = await stoa('brokers');

		assert.equal(done.code, 3);
		assert.equal(done.lines.length, 3);
		assert.ok(done.lines[1].startsWith('\\x1b[31mred\\xe2\\x80\\xae'), done.lines[1]);
		await set(`stoa:app:${app}`, '{"v":1,"partitions":5000}');
		assert.match((await stoa('brokers')).stdout, /no broker has ever/);
	});
});

describe('stoa dead', () => {
	test('C7: listed, oldest first, as a table and as JSON', async () => {
		const { app, stoa } = place();

		assert.deepEqual([(await stoa('dead', 'list')).code, (await stoa('dead', 'list', '--json')).json], [0, [{ dead: [] }]]);
		const a = await letter(app, EVENT);
		const b = await letter(app, { ...EVENT, kind: 'disconnect', nsp: '/chat', reason: 'transport close', event: undefined, args: undefined, ack: undefined }, { reason: 'timeout', attempts: 1 });
		const c = await letter(app, '{"v":1', { reason: 'malformed' });
		// The same event in MessagePack: 0x89 is a map of nine.
		const packed = Buffer.concat([Buffer.from([0x89, 0xa1, 0x76, 1, 0xa4]), Buffer.from('node'), Buffer.from([0xa4]), Buffer.from('AbCd'), Buffer.from([0xa4]), Buffer.from('kind'), Buffer.from([0xa5]),
			Buffer.from('event'), Buffer.from([0xa2]), Buffer.from('at'), Buffer.from([1]), Buffer.from([0xa3]), Buffer.from('nsp'), Buffer.from([0xa1, 0x2f, 0xa3]), Buffer.from('sid'), Buffer.from([0xa1, 0x73]),
			Buffer.from([0xa1, 0x6e, 7, 0xa5]), Buffer.from('event'), Buffer.from([0xa3]), Buffer.from('say'), Buffer.from([0xa4]), Buffer.from('args'), Buffer.from([0x91, 0xc4, 2, 1, 255])]);
		const d = await letter(app, packed);
		const done = await stoa('dead', 'list');

		assert.equal(done.code, 0, done.stderr);
		assert.match(done.lines[0], /^ID +AGE +REASON +TRIES +PART +CLIENT +NAMESPACE +EVENT$/);
		const rows = [
			[a, 'crashed +3 +1 +AbCdGlJYhWMqCLXYXw5O +/ +event "say"'],
			[b, 'timeout +1 +1 +AbCdGlJYhWMqCLXYXw5O +/chat +disconnect transport close'],
			[c, 'malformed +3 +1 +- +- +\\(malformed JSON\\)'],
			[d, 'crashed +3 +1 +s +/ +event "say"'],
		];

		rows.forEach(([id, what], i) => assert.match(done.lines[i + 1], new RegExp(`^${id} +6\\ds +${what}$`)));
		assert.equal(done.lines.length, 5);
		const [{ dead }] = (await stoa('dead', 'list', '--json')).json;
		assert.deepEqual(dead.map((l) => l.id), [a, b, c, d]);
		assert.deepEqual({ ...dead[0], at: 0 }, { id: a, at: 0, reason: 'crashed', attempts: 3, partition: 1, entry: '1700000000000-5', kind: 'event', namespace: '/', client: EVENT.sid, event: 'say' });
		assert.equal(dead[2].unreadable, 'malformed JSON');
		assert.deepEqual((await stoa('dead', 'list', '--count', '2')).lines.length, 3);
		assert.deepEqual((await stoa('dead', 'list', '--namespace', 'chat', '--json')).json[0].dead.map((l) => l.id), [b]);
		const [shown] = (await stoa('dead', 'show', d, '--json')).json;
		assert.deepEqual(shown.record.args, [{ type: 'Buffer', data: [1, 255] }]);
	});

	test('C7: more than a page', async () => {
		const { app, stoa } = place();
		const session = await redis().session();

		for (let i = 0; i < 120; i++)
			await session.command('XADD', `stoa:dead:${app}`, '*', 'record', JSON.stringify({ ...EVENT, nsp: i % 2 ? '/' : '/odd' }), 'reason', 'crashed', 'attempts', 3, 'at', 1, 'partition', i % 3);
		session.close();
		assert.equal((await stoa('dead', 'list')).lines.length, 121);
		const retried = await stoa('dead', 'retry', '--all', '--namespace', '/odd');
		assert.deepEqual([retried.code, retried.stdout, await lettersOf(app)], [0, 'retry: 60 letters\n', 60]);
		const dropped = await stoa('dead', 'drop', '--all', '--json');
		assert.deepEqual([dropped.code, dropped.json, await lettersOf(app)], [0, [{ done: 60, undone: 0 }], 0]);
		const lengths = await Promise.all([0, 1, 2].map((p) => redis().command('XLEN', `stoa:events:${app}:${p}`)));
		assert.deepEqual(lengths, [20, 20, 20]);
	});

	test('C7: one is shown whole, safe for a terminal', async () => {
		const { app, stoa } = place();
		const id = await letter(app, { ...EVENT, args: ['\u001b[31m'] }, { backtrace: '#0 a\u001b]0;x\u0007\n#1 b' });
		const done = await stoa('dead', 'show', id);

		assert.equal(done.code, 0, done.stderr);
		for (const line of [`id         ${id}`, 'reason     crashed', 'attempts   3', 'partition  1', 'entry      1700000000000-5', 'gateway    AbCd', 'namespace  /', `client     ${EVENT.sid}`,
			'event      event "say"', 'backtrace', '  #0 a\\x1b]0;x\\x07', '  #1 b'])
			assert.ok(done.lines.includes(line), `${line}\n${done.stdout}`);
		assert.match(done.stdout, /^at {9}20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$/m);
		assert.match(done.stdout, /^record {5}\{"v":1,.*"args":\["\\u001b\[31m"\]/m);
		const [json] = (await stoa('dead', 'show', id, '--json')).json;
		assert.deepEqual(json.record.args, ['\u001b[31m']);
		assert.equal(json.backtrace, '#0 a\u001b]0;x\u0007\n#1 b');
	});

	test('C7: retried: back in its stream, without its number and its ack', async () => {
		const { app, stoa } = place();
		const [id, other] = [await letter(app, EVENT), await letter(app, EVENT, { partition: 0 })];
		const done = await stoa('dead', 'retry', id);
		const { ack, n, ...kept } = EVENT;

		assert.deepEqual([done.code, done.stdout], [0, 'retry: 1 letter\n'], done.stderr);
		assert.deepEqual(await eventsOf(app, 1), [['e', { ...kept, n: 0, again: true }]]);
		assert.deepEqual(await eventsOf(app, 0), []);
		assert.equal(await lettersOf(app), 1);
		// It may be given up again, and be retried again.
		await letter(app, (await eventsOf(app, 1))[0][1]);
		assert.equal((await stoa('dead', 'retry', '--all')).code, 0);
		assert.deepEqual((await eventsOf(app, 1))[1], ['e', { ...kept, n: 0, again: true }]);
		assert.deepEqual([(await stoa('dead', 'show', other)).code, (await stoa('dead', 'retry', '--all')).code], [3, 3]);
	});

	test('C7: what nobody can use any more is only dropped', async () => {
		const { app, stoa } = place();
		const hopeless = [
			await letter(app, { ...EVENT, kind: 'connect', event: undefined, args: undefined, ack: undefined }),
			await letter(app, { v: 1, node: 'AbCd', kind: 'handshake', at: 1, n: 1, state: { query: '', headers: '', address: '', transport: 'polling', rooms: [] } }),
			await letter(app, { v: 1, node: 'AbCd', kind: 'answer', at: 1, n: 1, to: 'b', call: 1, op: 'gone' }),
			await letter(app, 'x'),
			await letter(app, EVENT, { partition: 'none' }),
		];
		const done = await stoa('dead', 'retry', '--all');

		assert.deepEqual([done.code, done.stdout, done.stderr.split('\n').length - 1], [4, 'retry: 0 letters\n', hopeless.length]);
		assert.match(done.stderr, /refused long ago; it can only be dropped/);
		const mixed = await stoa('dead', 'drop', hopeless[0], '1-1', ...hopeless.slice(1));
		assert.deepEqual([mixed.code, mixed.stdout, /no letter 1-1/.test(mixed.stderr)], [4, 'drop: 5 letters\n', true]);
		assert.deepEqual([(await stoa('dead', 'drop', hopeless[0])).code, await lettersOf(app)], [3, 0]);
	});

	test('C7: Redis is full: the letter is still there', async (t) => {
		const own = await redisForTest(t);
		const env = { STOA_REDIS_URL: own.url };
		const add = await own.command('XADD', 'stoa:dead:app', '*', 'record', JSON.stringify(EVENT), 'reason', 'crashed', 'partition', 0);

		await own.command('CONFIG', 'SET', 'maxmemory', '1');
		const done = await runTool(['dead', 'retry', '--all'], { env });
		assert.deepEqual([done.code, /OOM/.test(done.stderr), await own.command('XLEN', 'stoa:dead:app'), await own.command('EXISTS', 'stoa:events:app:0')], [1, true, 1, 0], done.stderr);
		assert.ok(add);
	});
});

describe('the command line', () => {
	test('C7: what is wrong: 2', async () => {
		const { stoa } = place();
		const cases = [
			[['dead'], /it is written/],
			[['dead', 'burn'], /list, show, retry or drop/],
			[['dead', 'list', '1-1'], /takes no ID/],
			[['dead', 'list', '--all'], /takes no --all/],
			[['dead', 'show'], /which\?/],
			[['dead', 'retry'], /or --all/],
			[['dead', 'drop', '--all', '1-1'], /takes no ID/],
			[['dead', 'drop', 'x'], /is no ID/],
			[['dead', 'drop', '1-'], /is no ID/],
			[['dead', 'list', '--app-name', 'a b'], /--app-name a b/],
			[['dead', 'list', '--redis-key', 'x'], /no option --redis-key/],
			[['brokers', '--namespace', '/'], /no option --namespace/],
			[['brokers', '--redis', 'http://x'], /redis:\/\//],
			[['brokers', 'x'], /it is written/],
		];

		for (const [args, what] of cases) {
			const done = await stoa(...args);

			assert.deepEqual([done.code, done.stdout, what.test(done.stderr)], [2, '', true], `${args}: ${done.stderr}`);
		}
		assert.match((await runTool(['brokers'])).stderr, /which Redis/);
	});

	test('C7: Redis is not there, refuses, or is silent: 1', async (t) => {
		const own = await redisForTest(t, { flags: ['--requirepass', 'right-secret'] });
		const silent = await redisForTest(t);
		const cases = [
			[[`redis://127.0.0.1:${await freePort()}`], /nothing accepts connections/],
			[[own.url], /wants a password/],
			[[`redis://:wrong-secret@127.0.0.1:${own.port}`], /refused the user or password/],
			[[silent.url, '--timeout', '1'], /did not answer in time/],
		];

		silent.signal('SIGSTOP');
		for (const command of [['brokers'], ['dead', 'list'], ['dead', 'drop', '--all']])
			for (const [where, what] of cases) {
				const done = await runTool([...command, '--redis', ...where]);

				assert.deepEqual([done.code, what.test(done.stderr), /secret/.test(done.stderr)], [1, true, false], `${command} ${where}: ${done.stderr}`);
			}
	});

	test('C7: the help', async () => {
		for (const [command, parts] of [['brokers', ['--app-name NAME', '--redis URL', '3 no broker']], ['dead', ['--app-name NAME', '--all', '--count N', '3 there is no such letter']]]) {
			const { code, stdout } = await runTool([command, '--help']);

			assert.equal(code, 0);
			for (const part of [`stoa ${command}`, 'STOA_REDIS_URL', 'Exit codes:', ...parts])
				assert.ok(stdout.includes(part), `${command}: ${part}`);
			assert.ok(!stdout.includes('--redis-key TEXT'));
		}
	});
});

describe('with gateways and brokers', () => {
	test('C7: what a retried event leaves is carried out by the gateway, though nobody waits for it', async (t) => {
		const hand = await HandBroker.start(t, redis());
		const g = await gatewayFor(t, hand);
		const [socket] = [connect(t, g.url, WS), await hand.accept()];
		const client = await socket;

		const acks = [];

		client.emit('say', 'hi', (...answer) => acks.push(answer));
		const given = await hand.next('event');
		const { id, stream, partition, ...event } = given;

		await hand.publish(given.node, hand.batch(given, { failed: 'The application crashed' }));
		await eventually('the entry to be gone', async () => (await hand.length()) === 0);
		const dead = await letter(hand.name, event, { partition });
		assert.equal((await runTool(['dead', 'retry', dead], { env: { STOA_REDIS_URL: redis().url, STOA_APP_NAME: hand.name } })).code, 0);
		const again = await hand.next('event');
		assert.deepEqual([again.n, again.again, again.ack, again.sid], [0, true, undefined, event.sid]);
		await hand.answer(again, { do: 'emit', all: true, data: ['said', 'hi'] });
		assert.deepEqual(await client.next('said'), ['hi']);
		assert.deepEqual(acks.length, 1); // that it was given up
		await eventually('the entry to be gone', async () => (await hand.length()) === 0);
	});

	test('C7: a handler crashes, the application is mended, and the event is handled after all', async (t) => {
		const { app, stoa } = place();
		const start = (crash) => Broker.start('letters', { redisUrl: redis().url, appName: app, flags: ['--max-attempts', '2', '--workers', '1', '--partitions', '2', '--set', `crash=${crash}`] });
		const broken = await start('yes');
		t.after(() => broken.stop());
		const g = await Gateway.startWithout(['--dispatch', 'broker', '--app-name', app, '--redis-url', redis().url, '--shutdown-timeout', '500ms']);

		t.after(() => g.stop());
		const [speaker, listener] = [await connect(t, g.url, WS), await connect(t, g.url, WS)];
		assert.deepEqual(await speaker.ask('say', 'fine'), ['fine']);
		assert.deepEqual(await listener.next('said'), ['fine', 1]);
		await eventually('all to be held', async () => (await stoa('brokers')).code === 0);
		speaker.emit('say', 'hello');
		await eventually('the event to be given up', async () => (await lettersOf(app)) === 1);
		const [{ dead: [found] }] = (await stoa('dead', 'list', '--json')).json;
		assert.deepEqual([found.reason, found.attempts, found.event, found.client], ['crashed', 2, 'say', speaker.id]);
		assert.match((await stoa('dead', 'show', found.id)).stdout, /^backtrace$/m);
		await broken.stop();
		const mended = await start('no');
		t.after(() => mended.stop());
		assert.equal((await stoa('dead', 'retry', found.id)).code, 0);
		// It may be any attempt from the second on: the handler had begun before.
		const [text, attempt] = await listener.next('said');
		assert.deepEqual([text, attempt > 1], ['hello', true]);
		assert.equal(await lettersOf(app), 0);
		await eventually('nothing to be under way', async () => (await stoa('brokers', '--json')).json[0].events === 0);
	});
});
