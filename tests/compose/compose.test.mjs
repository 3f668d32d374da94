// The deployment with Docker: docker-compose.yml is built and run, and stock clients come through its load balancer.
// The tests go on with what those before them left: one deployment, from its start to its end.

import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import { open, transportOf, WAYS } from '../e2e/lib/client.mjs';
import { get } from '../e2e/lib/http.mjs';
import { deadline, delay, eventually } from '../e2e/lib/wait.mjs';
import { Deployment, whyNot } from './deployment.mjs';

const why = await whyNot();
const ROOM = 'stoa';
const HARDENED = ['gateway', 'broker', 'loadbalancer', 'redis', 'worker-python', 'worker-node'];

let d;
let said = 0;
const people = []; // clients of all three ways, in one room until the end
const hooks = []; // what a client's t.after() would do
const lifetime = { after: (f) => hooks.push(f) };

// A member of the room; its disconnects are counted, and it comes back as the chat's page does.
async function enter(transports, room = ROOM) {
	const socket = open(lifetime, d.url, { transports, auth: { name: `client ${people.length}` }, reconnection: true, reconnectionDelay: 200, reconnectionDelayMax: 1000 });

	socket.losses = 0;
	socket.on('disconnect', () => socket.losses++);
	socket.on('connect', () => socket.emit('join', { room }));
	await socket.next('join');
	people.push(socket);
	return socket;
}

async function enterInAllWays(each) {
	const ways = WAYS.flatMap(({ transports }) => Array.from({ length: each }, () => transports));

	return Promise.all(ways.map((transports) => enter(transports)));
}

const nodeOf = (socket) => socket.id.slice(0, 4);
const losses = (sockets) => sockets.reduce((sum, s) => sum + s.losses, 0);

function heard(socket, text) {
	return socket.received.take((e) => e.name === 'chat' && e.args[0] === text, `"${text}" at a client by ${transportOf(socket)}`);
}

// What one says everybody hears, whichever way and whichever gateway.
async function everybodyHears() {
	for (const speaker of [people[0], people.at(-1)]) {
		const text = `message ${said++}`;

		speaker.emit('chat', { message: text, room: ROOM });
		await Promise.all(people.map((socket) => heard(socket, text)));
	}
}

// The same where what is said in the first moments may be lost: until all have heard one and the same.
async function everybodyHearsAgain() {
	await eventually('one message to reach everybody', async () => {
		const text = `message ${said++}`;
		const all = Promise.all(people.map((s) => s.received.take((e) => e.args[0] === text)));

		people.find((s) => s.connected)?.emit('chat', { message: text, room: ROOM });
		return deadline(all, 'all', () => '', 1000).then(() => true, () => false);
	});
}

// What one says, number by number, until `act` is done and a little longer, and what another one hears of it.
async function talkUntil(act) {
	const talk = { said: [], heard: [] };
	const speaker = people[0], listener = people.at(-1), tag = `talk ${said++}`;
	const listen = (name, text) => name === 'chat' && text.startsWith(`${tag}.`) && talk.heard.push(text);
	let done = false;

	listener.onAny(listen);
	const acting = act().finally(() => (done = true));
	for (let more = 20; more > 0; more -= done ? 1 : 0) {
		talk.said.push(`${tag}.${talk.said.length}`);
		speaker.emit('chat', { message: talk.said.at(-1), room: ROOM });
		await delay(100); // at most max_waiting_events while nobody is there
	}
	await acting;
	await eventually('the last of it to be heard', () => talk.heard.includes(talk.said.at(-1)));
	listener.offAny(listen);
	return talk;
}

async function assertUnknown(sid) {
	const answer = await get(`${d.url}/socket.io/?EIO=4&transport=polling&sid=${sid}`);

	assert.equal(answer.status, 400);
	assert.equal(JSON.parse(answer.text).code, 1);
}

// One new session after the other, until `end`; resolves with the statuses of all.
async function handshakesUntil(end) {
	const statuses = new Set();
	let ended = false;

	end.finally(() => (ended = true)).catch(() => {});
	while (!ended)
		statuses.add((await get(`${d.url}/socket.io/?EIO=4&transport=polling`)).status);
	return [...statuses];
}

describe('docker compose', () => {
	if (why !== null) {
		test('the deployment', { skip: why });
		return;
	}

	before(async () => {
		d = await Deployment.start(3);
		await d.together(3);
	});
	after(async () => {
		hooks.forEach((end) => end());
		await d?.remove();
	});

	test('the image is small', async (t) => {
		const size = async (name) => Number(await d.docker('image', 'inspect', '--format', '{{.Size}}', name));
		const [ours, base] = [await size('stoa-test-gateway'), await size('debian:bookworm-slim')];

		t.diagnostic(`${Math.round(ours / 1e6)} MB, of which Debian ${Math.round(base / 1e6)} MB`);
		assert.ok(ours - base < 30e6, `${ours - base} bytes above the base image`);
	});

	for (const service of HARDENED)
		test(`${service} is not root, writes nowhere, may nothing`, async () => {
			const [c] = await d.running(service);
			const status = await d.docker('exec', c.Id, 'cat', '/proc/1/status');

			assert.match(status, /^Uid:\s+65532\s+65532\s+65532\s+65532$/m);
			assert.match(status, /^CapEff:\s+0+$/m);
			assert.match(status, /^CapBnd:\s+0+$/m);
			assert.match(status, /^NoNewPrivs:\s+1$/m);
			assert.equal(c.HostConfig.ReadonlyRootfs, true);
			await assert.rejects(d.docker('exec', '--user', '0', c.Id, 'touch', '/here'), /Read-only/);
		});

	test('nothing but the load balancer is published', async () => {
		for (const service of HARDENED.filter((name) => name !== 'loadbalancer'))
			for (const c of await d.running(service))
				assert.deepEqual(Object.values(c.HostConfig.PortBindings ?? {}), [], service);
	});

	for (const service of ['gateway', 'broker'])
		test(`each ${service} is healthy, by its own word`, async () => {
			for (const c of await d.running(service)) {
				assert.deepEqual(c.Config.Healthcheck.Test, ['CMD', `stoa-${service}`, '--health']);
				await eventually('Docker to have asked it', async () => (await d.running(service)).find((now) => now.Id === c.Id).State.Health.Status === 'healthy');
			}
		});

	test('the chat on one port: the page, the client, rooms over three gateways for clients of every kind', async () => {
		assert.match((await get(d.url)).text, /Stoa chat/);
		assert.match((await get(`${d.url}/socket.io/socket.io.js`)).text, /Socket\.IO v4/);
		await enterInAllWays(5);
		assert.equal(new Set(people.map(nodeOf)).size, 3, 'every gateway has some');
		await everybodyHears();
	});

	test('the application runs in the broker, not in the gateways', async () => {
		const [broker] = await d.running('broker');
		const handled = (await d.metrics(broker))['stoa_broker_events_total{result="handled"}'];

		assert.ok(handled >= people.length, `${handled} events`);
		for (const c of await d.running('gateway'))
			assert.equal((await d.docker('exec', c.Id, 'cat', '/proc/1/cmdline')).replaceAll('\0', ' ').trim(), 'stoa-gateway --dispatch broker');
	});

	test('what both workers emit arrives, each message once', async () => {
		const socket = await enter(['websocket'], 'lobby');

		people.pop();
		for (const worker of ['Python', 'Node']) {
			const number = new RegExp(`^${worker} worker: this is number (\\d+)$`);
			const next = async () => Number(number.exec((await socket.received.take((e) => number.test(e.args[0]), `the ${worker} worker`)).args[0])[1]);
			const first = await next();

			assert.deepEqual([await next(), await next()], [first + 1, first + 2]);
		}
		socket.disconnect();
	});

	test('five gateways: the new ones get clients, those who were there stay', async () => {
		await d.compose('--profile', 'workers', 'up', '-d', '--no-build', '--no-recreate', '--scale', 'gateway=5');
		await d.together(5);
		await eventually('all five to have clients', async () => {
			await enter(['websocket']);
			return new Set(people.map(nodeOf)).size === 5;
		});
		await everybodyHears();
		assert.equal(losses(people), 0);
	});

	test('two brokers: they share the work, and nobody is disconnected', async () => {
		await d.compose('up', '-d', '--no-build', '--no-deps', '--no-recreate', '--scale', 'broker=2', 'broker');
		await d.brokersShare(2);
		await everybodyHears();
		assert.equal(losses(people), 0);
	});

	test('a broker that is killed: the other takes over, and no message is lost, doubled or out of its order', async () => {
		const [victim] = await d.running('broker');
		const talk = await talkUntil(async () => {
			await d.docker('kill', victim.Id);
			await d.brokersShare(1);
		});

		assert.deepEqual(talk.heard, talk.said);
		assert.equal(losses(people), 0);
	});

	test('another application, put in the place of the one that runs: no message is lost, doubled or out of its order', async () => {
		const old = (await d.running('broker')).map((c) => c.Id);

		// As long as it was, and with the same end, which the program uses by itself too.
		await d.buildFrom('stoa-test-broker', "sed -i 's/joined the room/came to my room/' /usr/lib/stoa/chat.so");
		const talk = await talkUntil(async () => {
			await d.compose('up', '-d', '--no-build', '--no-deps', '--scale', 'broker=2', 'broker');
			await d.brokersShare(2);
		});

		assert.deepEqual(talk.heard, talk.said);
		assert.equal(losses(people), 0);
		assert.ok((await d.running('broker')).every((c) => !old.includes(c.Id)));
		const room = 'another', first = await enter(['websocket'], room);
		people.pop();
		await enter(['websocket'], room);
		people.pop().disconnect();
		assert.match((await first.received.take((e) => e.name === 'join' && /client/.test(e.args[0]), 'the second one')).args[0], / came to my room$/);
		first.disconnect();
	});

	test('no broker for some seconds: what is said waits for the next one, and nobody is disconnected', async () => {
		const talk = await talkUntil(async () => {
			await d.compose('stop', 'broker');
			await d.compose('start', 'broker');
			await d.brokersShare(2);
		});

		assert.deepEqual(talk.heard, talk.said);
		assert.equal(losses(people), 0);
	});

	test('a gateway that is stopped: it drains, its clients go to the others, and nothing is cut off', async () => {
		const victim = nodeOf(people[0]);
		const container = (await d.nodes()).get(victim);
		const its = people.filter((s) => nodeOf(s) === victim);
		const others = people.filter((s) => nodeOf(s) !== victim && s.io.opts.transports?.[0] === 'websocket');
		const [back, before_] = [Promise.all(its.map((s) => s.happens('connect'))), losses(others)];

		await d.docker('stop', '-t', '60', container.Id);
		await back;
		assert.ok(its.every((s) => nodeOf(s) !== victim));
		assert.equal(losses(others), before_);
		assert.equal(await d.docker('inspect', '-f', '{{.State.ExitCode}}', container.Id), '0');
		await d.docker('start', container.Id);
		await d.together(5);
		await everybodyHearsAgain();
	});

	test('a gateway that is killed: who was connected through it comes back, the others stay', async () => {
		const nodes = await d.nodes();
		const victim = nodeOf(people[0]);
		const its = people.filter((s) => nodeOf(s) === victim);
		// Others' polls and upgrades may go through it as well, but not WebSockets from the start.
		const others = people.filter((s) => nodeOf(s) !== victim && s.io.opts.transports?.[0] === 'websocket');
		const [back, before_] = [Promise.all(its.map((s) => s.happens('connect'))), losses(others)];
		const gone = its[0].io.engine.id;

		assert.ok(nodes.get(victim), `the container of ${victim}`);
		assert.notEqual(others.length, 0);
		const statuses = handshakesUntil(back);

		await d.docker('kill', nodes.get(victim).Id);
		// From the first moment on its sessions are unknown ones: never a 5xx, which clients would not understand.
		for (let i = 0; i < 12; i++)
			await assertUnknown(gone);
		await back;
		assert.deepEqual(await statuses, [200]);
		assert.ok(its.every((s) => nodeOf(s) !== victim));
		await everybodyHearsAgain();
		assert.equal(losses(others), before_);
	});

	test('Redis is started anew: everybody stays connected, and the rooms span all gateways again', async () => {
		const before_ = losses(people);

		await d.compose('restart', '-t', '1', 'redis');
		await d.together(4);
		await d.brokersShare(2);
		await everybodyHearsAgain();
		await everybodyHears();
		assert.equal(losses(people), before_);
	});

	test('stopped, all end by themselves', async () => {
		const gone = people.map((s) => s.happens('disconnect'));
		const victims = [...(await d.running('gateway')), ...(await d.running('broker'))];

		people.forEach((s) => (s.io.opts.reconnection = false));
		await d.compose('--profile', 'workers', 'stop');
		await Promise.all(gone);
		// The load balancer goes too, so who polls cannot fetch the last word of its gateway, which says so (3).
		for (const service of ['gateway', 'broker', 'loadbalancer', 'redis'])
			for (const c of await d.containers(service))
				if (!['gateway', 'broker'].includes(service) || victims.some((v) => v.Id === c.Id))
					assert.ok([0, service === 'gateway' ? 3 : 0].includes(c.State.ExitCode), `${c.Name} ended with ${c.State.ExitCode}`);
	});
});
