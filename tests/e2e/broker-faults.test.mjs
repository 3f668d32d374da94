// An application behind brokers while everything is killed that can be: clients chat, and what each hears is checked by number
// (lib/crowd.mjs). Nobody is disconnected but the clients of a gateway that was killed, and they are back soon. With
// STOA_LONG=1 it is a thousand clients, a new module every ten seconds for five minutes, and faults at random all the while;
// what it counts is in docs/brokers.md.

import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { Broker, becomesReady } from './lib/broker.mjs';
import { QUICK } from './lib/cluster.mjs';
import { Crowd } from './lib/crowd.mjs';
import { appPath, freePort, IS_DEV } from './lib/gateway.mjs';
import { portIn, Program } from './lib/program.mjs';
import { redisForTest } from './lib/redis.mjs';
import { delay, eventually } from './lib/wait.mjs';

const LONG = process.env.STOA_LONG === '1';
const APP = 'faults';
const SIZES = LONG ? { clients: 1000, perRoom: 10, pauseMs: 2000 } : { clients: IS_DEV ? 24 : 60, perRoom: 6, pauseMs: 50 };

function childrenOf(pid) {
	return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((child) => {
		try {
			const stat = readFileSync(`/proc/${child}/stat`, 'utf8');
			return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === pid;
		} catch {
			return false; // it has ended meanwhile
		}
	});
}

const most = (list) => list.reduce((a, b) => Math.max(a, b), 0);
const some = (list) => list[Math.floor(Math.random() * list.length)];

// Two gateways on ports that stay theirs, two brokers with two processes each, and what a test does to them.
class Place {
	gateways = [];
	brokers = [];
	log = []; // what was done, and when
	killed = []; // gateways: url and when

	static async start(t) {
		const place = new Place();

		place.redis = await redisForTest(t);
		place.dir = mkdtempSync(path.join(tmpdir(), 'stoa-faults-'));
		place.module = path.join(place.dir, 'app.so');
		place.deployFile();
		t.after(() => place.end());
		place.ports = [await freePort(), await freePort()];
		await Promise.all([0, 1].map((i) => place.startBroker(i)));
		await Promise.all([0, 1].map((i) => place.startGateway(i)));
		return place;
	}

	// A module's file is replaced, never written into.
	deployFile() {
		copyFileSync(appPath('faults'), `${this.module}.new`);
		renameSync(`${this.module}.new`, this.module);
	}

	async startBroker(i) {
		this.brokers[i] = await Broker.start(this.module, { redisUrl: this.redis.url, appName: APP, flags: ['--workers', '2', '--shutdown-timeout', '5s', '--gateway-gone', '500ms'] });
	}

	async startGateway(i) {
		const g = new Program();

		g.spawn('stoa-gateway', ['--dispatch', 'broker', '--app-name', APP, '--redis-url', this.redis.url, ...QUICK, '--listen', `127.0.0.1:${this.ports[i]}`,
			'--internal-listen', '127.0.0.1:0', '--shutdown-timeout', '500ms', '--max-event-rate', '0', '--max-event-rate-per-address', '0']);
		this.gateways[i] = g;
		const line = await g.line(/ listening .*addr=/);
		g.internalUrl = `http://127.0.0.1:${portIn(line, 'internal')}`;
		await becomesReady(g);
	}

	get urls() {
		return this.ports.map((port) => `http://127.0.0.1:${port}`);
	}

	note(what) {
		this.log.push(what);
		if (LONG)
			console.log(`${new Date().toISOString().slice(11, 19)} ${what}`);
	}

	// --- Faults. Each resolves when it is over as far as the place can tell; the crowd tells the rest.

	killWorker() {
		const pids = this.brokers.flatMap((b) => childrenOf(b.pid));

		this.note('kill -9 of a worker process');
		if (pids.length > 0)
			process.kill(some(pids), 'SIGKILL');
	}

	async killBroker(i = Math.floor(Math.random() * 2)) {
		const broker = this.brokers[i];

		this.note('kill -9 of a broker');
		broker.signal('SIGKILL');
		await broker.ended;
		broker.assertClean();
		await this.startBroker(i);
	}

	async replaceBroker(i = Math.floor(Math.random() * 2)) {
		const broker = this.brokers[i];

		this.note('SIGTERM of a broker');
		await broker.stop();
		await this.startBroker(i);
	}

	async killGateway(i = Math.floor(Math.random() * 2)) {
		const gateway = this.gateways[i];

		this.note('kill -9 of a gateway');
		this.killed.push({ url: this.urls[i], at: performance.now() });
		gateway.signal('SIGKILL');
		await gateway.ended;
		gateway.assertClean();
		await this.startGateway(i);
	}

	async restartRedis() {
		this.note('restart of Redis, which forgets everything');
		this.restarts = [...(this.restarts ?? []), performance.now()];
		await this.redis.kill();
		await this.redis.run();
	}

	async deploy() {
		const from = this.brokers.map((b) => b.lines.length);

		this.note('a new module');
		this.deployFile();
		await Promise.all(this.brokers.map(async (b, i) => {
			b.signal('SIGHUP');
			await b.line(/ reloaded /, from[i]);
		}));
	}

	async end() {
		await Promise.all(this.gateways.map((g) => g.stop()));
		await Promise.all(this.brokers.map((b) => b.stop()));
		rmSync(this.dir, { recursive: true, force: true });
	}
}

// What the crowd counted, judged: what is promised never happens, and what is said to happen only where it may.
function judge(place, crowd) {
	const { here, across, ghosts } = crowd.losses();
	const expected = (d) => place.killed.some((k) => k.url === d.url && d.at >= k.at - 50 && d.at <= k.at + 5000);
	// What a gateway had in hand when it was killed a broker may say once more, and later than what its clients say when they
	// are back.
	const senderDied = (d) => place.killed.some((k) => k.url === crowd.talkers[d.from].url);
	const report = {
		clients: crowd.talkers.length,
		messages: crowd.messages,
		deliveries: crowd.deliveries,
		refused: crowd.refusals.length,
		handledAgain: crowd.repeated.size,
		lostHere: here.length,
		lostAcross: across.length,
		duplicates: crowd.duplicates.filter((d) => !senderDied(d)).length,
		duplicatesOfKilledGateways: crowd.duplicates.filter(senderDied).length,
		reorderings: crowd.reorderings.filter((d) => !senderDied(d)).length,
		reorderingsOfKilledGateways: crowd.reorderings.filter(senderDied).length,
		refusedYetHeard: ghosts.length,
		disconnects: crowd.disconnects.length,
		unexpectedDisconnects: crowd.disconnects.filter((d) => !expected(d)).length,
		backWithinMs: Math.round(most(crowd.returns)),
		slowestAckMs: Math.round(most(crowd.delays)),
	};

	console.log(`broker-faults ${JSON.stringify(report)}`);
	assert.equal(report.unexpectedDisconnects, 0, JSON.stringify(crowd.disconnects.filter((d) => !expected(d)).slice(0, 5)));
	assert.equal(report.reorderings, 0, JSON.stringify(crowd.reorderings.filter((d) => !senderDied(d)).slice(0, 5)));
	assert.equal(report.duplicates, 0, JSON.stringify(crowd.duplicates.filter((d) => !senderDied(d)).slice(0, 5)));
	assert.equal(report.lostHere, 0, JSON.stringify(here.slice(0, 5)));
	assert.equal(report.refusedYetHeard, 0, JSON.stringify(ghosts.slice(0, 5)));
	// Between gateways messages go by way of Redis' channels, which keep nothing for who is not there: they may be lost while
	// Redis is away, and not else.
	if (place.restarts === undefined)
		assert.equal(report.lostAcross, 0, JSON.stringify(across.slice(0, 5)));
	return report;
}

async function gather(t, place) {
	const crowd = new Crowd(place.urls, SIZES);

	t.after(() => crowd.end());
	await crowd.complete();
	await crowd.goesOn(2);
	return crowd;
}

// What was acked last is on its way to other gateways, and to others of the same: an ack does not wait for them. Until all
// of it is there, or what is missing will not come.
async function arrived(crowd) {
	const end = performance.now() + 5000;
	const isThere = ({ here, across }) => here.length + across.length === 0;

	while (!isThere(crowd.losses()) && performance.now() < end)
		await delay(20);
}

async function conclude(place, crowd) {
	await crowd.complete();
	await crowd.goesOn(1);
	await crowd.quiet();
	await arrived(crowd);
	return judge(place, crowd);
}

const FAULTS = ['killWorker', 'killBroker', 'replaceBroker', 'killGateway', 'deploy', 'restartRedis'];

if (LONG) {
	test('five minutes: a new module every ten seconds, and faults at random', async (t) => {
		const place = await Place.start(t);
		const crowd = await gather(t, place);
		const end = performance.now() + 300_000;
		let done = false;
		const deploying = (async () => {
			for (; !done; await delay(10_000))
				await place.deploy().catch(() => {}); // a broker that is killed just then has no line to say
		})();

		try {
			while (performance.now() < end) {
				await place[some(FAULTS.filter((name) => name !== 'deploy'))]();
				await delay(5000 + Math.random() * 10_000);
			}
		} finally {
			done = true;
			await deploying;
		}
		const report = await conclude(place, crowd);
		assert.ok(report.backWithinMs < 10_000);
	});
} else {
	// The same faults one by one, then all of them in one chat.
	for (const fault of FAULTS) {
		test(`${fault}: nobody loses, doubles or reorders anything`, async (t) => {
			const place = await Place.start(t);
			const crowd = await gather(t, place);

			for (let i = 0; i < 2; i++) {
				await place[fault]();
				await crowd.complete();
				await crowd.goesOn(2);
			}
			const report = await conclude(place, crowd);
			assert.equal(report.disconnects > 0, fault === 'killGateway');
		});
	}

	test('killGateway: the application is told of all its clients, once each', async (t) => {
		const place = await Place.start(t);
		const crowd = await gather(t, place);
		const names = crowd.talkers.filter((talker) => talker.url === place.urls[0]).map((talker) => talker.i);
		const told = () => place.brokers.flatMap((b) => b.lines).map((line) => /left (\d+) because of (.*?)"/.exec(line)).filter((found) => found !== null);

		await place.killGateway(0);
		await crowd.complete();
		await eventually('the disconnect handlers to run', () => told().length >= names.length);
		await crowd.goesOn(1);
		assert.deepEqual(told().map(([, name]) => Number(name)).sort((a, b) => a - b), names);
		assert.deepEqual([...new Set(told().map(([, , reason]) => reason))], ['transport close']);
		await conclude(place, crowd);
	});

	test('killWorker in a handler: the event is handled again, and says so', async (t) => {
		const place = await Place.start(t);
		const crowd = await gather(t, place);
		const { socket } = crowd.talkers[0];
		const answer = new Promise((resolve) => socket.emit('work', 1000, resolve));

		// Whichever of the processes has it: all are killed, until it is answered as another attempt.
		await Promise.race(place.brokers.map((broker) => broker.line(/at work/)));
		for (const broker of place.brokers)
			for (const pid of childrenOf(broker.pid))
				process.kill(pid, 'SIGKILL');
		assert.equal(await answer, 2);
		await conclude(place, crowd);
	});

	test('all of it in one chat', async (t) => {
		const place = await Place.start(t);
		const crowd = await gather(t, place);

		for (const fault of FAULTS) {
			await place[fault]();
			await crowd.goesOn(1);
		}
		await conclude(place, crowd);
	});
}
