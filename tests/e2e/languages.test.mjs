// An application in Python and in Node.js, behind a gateway: workers that need no more than a Redis client
// (docs/broker-protocol.md). Each passes the tour that the C module passes, and does what brokers must: share, hand over, take over.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { becomesReady, Broker } from './lib/broker.mjs';
import { connect } from './lib/client.mjs';
import { Gateway } from './lib/gateway.mjs';
import { LANGUAGES, Worker } from './lib/languages.mjs';
import { shareRedis } from './lib/redis.mjs';
import { runTool } from './lib/tool.mjs';
import { tour } from './lib/tour.mjs';
import { eventually } from './lib/wait.mjs';

const WS = { transports: ['websocket'] };
const PARTITIONS = 32;
const redis = shareRedis(before, after);

let apps = 0;

// A gateway whose application is in other hands, and workers that come and go.
class Place {
	workers = [];

	static async start(languages = [], { flags = [], workerFlags = [] } = {}) {
		const place = new Place();

		place.app = `lang${process.pid}-${++apps}`;
		place.gateway = await Gateway.startWithout(['--dispatch', 'broker', '--app-name', place.app, '--redis-url', redis().url, '--redis-key', place.app, ...flags]);
		languages.forEach((language) => place.add(language, workerFlags));
		if (languages.length > 0)
			await becomesReady(place.gateway);
		return place;
	}

	static async forTest(t, languages, options) {
		const place = await Place.start(languages, options);

		t.after(() => place.end());
		return place;
	}

	get url() {
		return this.gateway.url;
	}

	add(language, flags = []) {
		const worker = Worker.start(language, { redisUrl: redis().url, appName: this.app, flags });

		this.workers.push(worker);
		return worker;
	}

	// The ids of those who hold partitions, once for each.
	async holders() {
		const keys = Array.from({ length: PARTITIONS }, (_, p) => `stoa:lease:${this.app}:${p}`);

		return (await redis().command('MGET', ...keys)).filter((id) => id !== null).map(String);
	}

	// How many partitions each worker holds, the most first.
	async shares() {
		const counts = new Map();

		(await this.holders()).forEach((id) => counts.set(id, (counts.get(id) ?? 0) + 1));
		return [...counts.values()].sort((a, b) => b - a);
	}

	// Entries that Redis has given to the worker and that nobody has acknowledged.
	async pendingWith(worker) {
		const id = (await this.holders()).find((holder) => holder.includes(`-${worker.child.pid}-`));
		const streams = Array.from({ length: PARTITIONS }, (_, p) => `stoa:events:${this.app}:${p}`);
		const pages = await Promise.all(streams.map((stream) => redis().command('XPENDING', stream, 'stoa', '-', '+', 10, id)));

		return pages.flatMap((page, p) => page.map(([entry]) => `${p} ${entry}`));
	}

	// Stands still with an event in its hands, which it will never answer.
	async freeze(worker) {
		let before = [], looks = 0;

		await eventually('a worker to be stopped in the middle of an event', async () => {
			if (looks === 0)
				worker.child.kill('SIGSTOP');
			const now = await this.pendingWith(worker);
			before = looks === 0 ? now : now.filter((entry) => before.includes(entry));
			looks = before.length > 0 ? looks + 1 : 0;
			if (looks === 0)
				worker.child.kill('SIGCONT');
			return looks === 10;
		});
	}

	shared(...counts) {
		return eventually(`shares of ${counts}`, async () => String(await this.shares()) === String(counts));
	}

	async end() {
		await this.gateway.stop();
		await Promise.all(this.workers.map((worker) => worker.stop()));
	}
}

// Clients that ask one thing after the other and look whether the answers come whole and in order.
class Askers {
	static async start(t, place, count) {
		const all = new Askers();

		all.done = false;
		all.answered = 0;
		all.sockets = await Promise.all(Array.from({ length: count }, () => connect(t, place.url, WS)));
		all.ended = Promise.all(all.sockets.map((socket) => all.#ask(socket)));
		return all;
	}

	async #ask(socket) {
		let expected = 0;

		for (let i = 0; !this.done; i += 4) {
			const numbers = [i, i + 1, i + 2, i + 3];
			const answers = await Promise.all(numbers.map(async (n) => [n, await socket.ask('echo', n), expected++]));

			for (const [n, answer, order] of answers) {
				assert.deepEqual(answer, [n]);
				assert.equal(order, n, 'an ack came before the one of an earlier event');
				this.answered++;
			}
		}
		assert.equal(socket.connected, true);
	}

	// Until so many more have been answered.
	async more(count) {
		const enough = this.answered + count;

		await eventually(`${count} more answers`, () => this.answered >= enough);
	}

	async end() {
		this.done = true;
		await this.ended;
	}
}

for (const language of LANGUAGES) {
	describe(`an application in ${language.language}`, () => {
		let place;

		before(async () => {
			await redis.started;
			place = await Place.start([language]);
		});
		after(() => place?.end());
		tour('getting-started', () => place, (t, ms) => Place.forTest(t, [language], { workerFlags: ['--tick', String(ms)] }));
	});

	describe(`workers in ${language.language}`, () => {
		test('share the partitions, and give them back', async (t) => {
			const place = await Place.forTest(t, [language]);

			await place.shared(32);
			const second = place.add(language);
			await place.shared(16, 16);
			place.add(language);
			await place.shared(11, 11, 10);
			await second.stop();
			await place.shared(16, 16);
		});

		test('SIGTERM hands over: every event is answered, in order', async (t) => {
			const place = await Place.forTest(t, [language, language]);

			await place.shared(16, 16);
			const askers = await Askers.start(t, place, 8);
			await askers.more(40);
			const [first] = place.workers;
			await first.stop();
			assert.equal((await place.holders()).filter((id) => id.includes(`-${first.child.pid}-`)).length, 0, 'it has given up all that it had');
			await place.shared(32);
			await askers.more(40);
			await askers.end();
		});

		test('kill -9: another takes over, and answers what was pending', async (t) => {
			const place = await Place.forTest(t, [language, language]);

			await place.shared(16, 16);
			const askers = await Askers.start(t, place, 8);
			await askers.more(40);
			await place.freeze(place.workers[0]);
			await place.workers[0].kill();
			await place.shared(32);
			await askers.more(40);
			await askers.end();
		});

		test('the clients of a lost gateway are told gone, once', async (t) => {
			const place = await Place.forTest(t, [language], { flags: ['--node-lost', '1s', '--node-beat', '200ms'] });
			const other = await Gateway.startWithout(['--dispatch', 'broker', '--app-name', place.app, '--redis-url', redis().url, '--redis-key', place.app]);

			t.after(() => other.stop());
			await connect(t, place.url, WS);
			await connect(t, place.url, WS);
			place.gateway.signal('SIGKILL');
			await place.gateway.ended;
			place.gateway.stopped = true;
			const gone = () => place.workers[0].lines.filter((line) => line === 'disconnected: transport close').length;
			await eventually('both to be told', () => gone() === 2);
			await eventually('their states to be dropped', async () => (await redis().command('KEYS', `stoa:clients:${place.app}:*`)).length === 0);
			const left = async () => Promise.all(Array.from({ length: PARTITIONS }, (_, p) => redis().command('XLEN', `stoa:events:${place.app}:${p}`)));
			await eventually('their events to be acknowledged', async () => (await left()).every((length) => length === 0));
			assert.equal(gone(), 2);
		});

		test('a batch that its gateway did not hear is published again', async (t) => {
			const place = await Place.forTest(t, [language]);
			const askers = await Askers.start(t, place, 16);

			for (let i = 0; i < 5; i++) {
				await askers.more(50);
				await redis().command('CLIENT', 'KILL', 'TYPE', 'pubsub');
			}
			await askers.more(200);
			await askers.end();
		});

		test('Redis is restarted: workers and clients go on', async (t) => {
			const place = await Place.forTest(t, [language]);
			const askers = await Askers.start(t, place, 4);

			await askers.more(20);
			await redis().kill();
			await redis().run();
			await askers.more(20);
			await askers.end();
		});
	});
}

test('languages beside each other: each has its share, and every event is answered in order', async (t) => {
	const place = await Place.forTest(t, [...LANGUAGES, ...LANGUAGES]);

	await place.shared(8, 8, 8, 8);
	const askers = await Askers.start(t, place, 16);
	await askers.more(100);
	await place.workers[0].stop();
	await askers.more(100);
	await place.freeze(place.workers[1]);
	await place.workers[1].kill();
	await place.shared(16, 16);
	await askers.more(100);
	await askers.end();
});

test('stoa-broker beside them: it has its share, and what it leaves is taken over', async (t) => {
	const place = await Place.forTest(t, LANGUAGES);
	const broker = await Broker.start('getting-started', { redisUrl: redis().url, appName: place.app, flags: ['--workers', '1'] });

	t.after(() => broker.stop());
	await place.shared(11, 11, 10);
	const askers = await Askers.start(t, place, 16);
	await askers.more(100);
	await place.workers[0].stop();
	await place.shared(16, 16);
	await askers.more(100);
	await broker.stop();
	await place.shared(32);
	await askers.more(100);
	await askers.end();
});

// --- Among what is others'

const members = async (what, place) => (await redis().command('SMEMBERS', `stoa:${what}:${place.app}`)).map(String);
const statsOf = async () => new Map([...String(await redis().command('INFO', 'commandstats')).matchAll(/cmdstat_([^:]+):calls=(\d+)/g)].map(([, name, calls]) => [name, Number(calls)]));

test('all find each other by a list of names, whatever else is in Redis', async (t) => {
	await redis().command('EVAL', "for i=1,20000 do redis.call('SET','other:'..i,i) end", 0);
	const place = await Place.forTest(t, LANGUAGES);
	const broker = await Broker.start('getting-started', { redisUrl: redis().url, appName: place.app, flags: ['--workers', '1'] });

	t.after(() => broker.stop());
	await redis().command('SADD', `stoa:brokers:${place.app}`, 'nobody', Buffer.from([0xff, 0x00]));
	await place.shared(11, 11, 10);
	await eventually('who is nobody to be taken off', async () => (await members('brokers', place)).length === 3);
	assert.equal((await members('gateways', place)).length, 1);
	await redis().command('CONFIG', 'RESETSTAT');
	await eventually('a dozen beats', async () => ((await statsOf()).get('srandmember') ?? 0) > 30);
	assert.equal((await runTool(['brokers'], { env: { STOA_REDIS_URL: redis().url, STOA_APP_NAME: place.app } })).lines.length, 5);
	const stats = await statsOf();
	assert.deepEqual(['scan', 'keys', 'randomkey', 'dbsize'].filter((name) => stats.has(name)), []);
	assert.ok(stats.get('eval') > 0);
	await redis().command('EVAL', "for i=1,20000 do redis.call('DEL','other:'..i) end", 0);
});

test('a list that is lost is whole again, and who is no more is taken off it', async (t) => {
	const place = await Place.forTest(t, LANGUAGES, { flags: ['--node-lost', '2s'] });
	const broker = await Broker.start('getting-started', { redisUrl: redis().url, appName: place.app, flags: ['--workers', '1'] });

	t.after(() => broker.stop());
	await place.shared(11, 11, 10);
	await redis().command('DEL', `stoa:brokers:${place.app}`, `stoa:gateways:${place.app}`);
	await eventually('all to be on them', async () => (await members('brokers', place)).length === 3 && (await members('gateways', place)).length === 1);
	const askers = await Askers.start(t, place, 4);
	await askers.more(50);
	await place.workers[0].kill();
	await place.shared(16, 16);
	await askers.more(50);
	await askers.end();
	await eventually('it to be taken off', async () => (await members('brokers', place)).length === 2);
	// Of gateways nobody asks: those that live look.
	place.gateway.signal('SIGKILL');
	await place.gateway.ended;
	place.gateway.stopped = true;
	const [dead] = await members('gateways', place);
	const other = await Gateway.startWithout(['--dispatch', 'broker', '--app-name', place.app, '--redis-url', redis().url, '--redis-key', place.app, '--node-lost', '2s']);
	t.after(() => other.stop());
	await eventually('the dead one to be taken off', async () => {
		const there = await members('gateways', place);
		return there.length === 1 && there[0] !== dead;
	});
});
