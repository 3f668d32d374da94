// Connection state recovery (docs/recovery.md): stock clients that lose their connection, and what is on the wire. apps/recovery.c
// says what its events do.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { Server } from 'socket.io';
import { io } from 'socket.io-client';
import parser from 'socket.io-msgpack-parser';
import { clusterForTest, settled } from './lib/cluster.mjs';
import { BEHIND_BROKERS, forTest, share } from './lib/gateway.mjs';
import { nodeForTest } from './lib/node-server.mjs';
import { RawWebSocket } from './lib/raw.mjs';
import { Redis, shareRedis } from './lib/redis.mjs';
import { SECRET, token } from './lib/tokens.mjs';
import { deadline, eventually, Inbox } from './lib/wait.mjs';
import { ack, gate, gatewayFor, onEvents, Webhook } from './lib/webhook.mjs';

const ON = ['--connection-state-recovery', 'true'];
const gateway = share(before, after, 'recovery', ON);

// A stock client that comes back when it is told to: what it hears is in `heard`, without offsets.
async function enter(t, url, options = {}) {
	const socket = io(url, { forceNew: true, reconnection: false, transports: ['websocket'], ...options });
	const heard = new Inbox();

	t.after(() => socket.disconnect());
	socket.onAny((name, ...args) => heard.put({ name, args, offset: args.pop() }));
	socket.said = async (...args) => {
		const e = await heard.take(() => true, `to hear ${JSON.stringify(args)}`);

		assert.deepEqual([e.name, ...e.args], ['said', ...args]);
		assert.match(e.offset, /^[\w-]{4}[0-9a-f]+$/);
		return e.offset;
	};
	socket.heard = heard;
	socket.ask = (name, ...args) => deadline(new Promise((resolve) => socket.emit(name, ...args, (...answer) => resolve(answer))), `the ack of ${name}`);
	socket.who = async () => {
		const [sid, recovered, rooms, session] = await socket.ask('who');
		return { sid, recovered, rooms, session };
	};
	socket.cut = () => deadline(new Promise((resolve) => {
		socket.once('disconnect', resolve);
		socket.io.engine.close();
	}), 'the connection to end');
	socket.back = (to = url) => deadline(new Promise((resolve, reject) => {
		socket.io.uri = to;
		socket.once('connect', resolve);
		socket.once('connect_error', reject);
		socket.connect();
	}), 'the client to be back');
	await deadline(new Promise((resolve) => socket.once('connect', resolve)), 'the client to connect');
	return socket;
}

const lost = (g, n) => eventually(`${n} clients to be saved, and handlers to be done with them`, async () => {
	const m = await g.metrics();

	return m.stoa_recovery_sessions === n && m.stoa_dispatch_waiting_events === 0;
});
const counted = async (g, result) => (await g.metrics())[`stoa_recoveries_total{result="${result}"}`];
const refusals = (g, result, n = 1) => eventually(`${n} refused as ${result}`, async () => (await counted(g, result)) === n);

for (const [way, options] of [['WebSocket', {}], ['polling', { transports: ['polling'] }], ['polling and upgrade', { transports: undefined }]])
	describe(way, () => {
		test('a client that was cut off is the one it was, and gets what it missed, in order', async (t) => {
			const a = await enter(t, gateway().url, options);
			const b = await enter(t, gateway().url);
			const { id } = a;
			const room = `room ${way}`;

			await a.ask('join', room);
			await a.ask('put', 'name', { first: 'Ä' });
			a.emit('me', 1);
			await a.said(1);
			await a.cut();
			await lost(gateway(), 1);
			b.emit('say', room, 'two');
			b.emit('say', 'another room', 'no');
			b.emit('say', null, 'three', { deep: [null, 'x'] });
			b.emit('say', room, Buffer.from([0, 1, 255]), 'four');
			b.emit('besides', null, room, 'no');
			b.emit('volatile', room, 'no');
			b.emit('say', id, 'five');
			await b.ask('who');
			await a.back();
			assert.equal(a.recovered, true);
			assert.equal(a.id, id);
			await a.said('two');
			await a.said('three', { deep: [null, 'x'] });
			await a.said(Buffer.from([0, 1, 255]), 'four');
			await a.said('five');
			assert.deepEqual(await a.who(), { sid: id, recovered: true, rooms: [id, room],
				session: { name: { first: 'Ä' }, seen: [[false, [id]], [true, [id, room]]] } });
			b.emit('say', room, 'six');
			await a.said('six');
			assert.deepEqual(a.heard.items, []);
		});
	});

test('again and again', async (t) => {
	const a = await enter(t, gateway().url);
	const b = await enter(t, gateway().url);
	const { id } = a;

	await a.ask('join', 'again');
	for (let i = 0; i < 5; i++) {
		await a.cut();
		await lost(gateway(), 1);
		if (i !== 2)
			b.emit('say', 'again', i);
		await b.ask('who');
		await a.back();
		assert.deepEqual([a.recovered, a.id], [true, id]);
		if (i !== 2)
			await a.said(i);
	}
	assert.deepEqual(a.heard.items, []);
});

describe('with tokens', () => {
	const gate = share(before, after, 'recovery', [...ON, '--jwt-key', SECRET]);
	const iss = 'https://id.example.com', exp = 4102444800; // far away, so that tokens of the same claims are the same

	// Who comes back with which token: whether it is the client that it was.
	async function recovered(t, first, second) {
		const a = await enter(t, gate().url, { auth: { token: token(first) } });
		const { id, _pid } = a;

		await a.ask('join', 'private');
		await a.cut();
		await lost(gate(), 1);
		a.auth = { token: token(second) };
		await a.back();
		assert.equal(a.recovered, a.id === id);
		assert.deepEqual((await a.who()).rooms, a.recovered ? [id, 'private'] : [a.id]);
		return [a, id, _pid];
	}

	test('a newer token of the same person', async (t) => {
		const [a] = await recovered(t, { iss, sub: 'ada' }, { iss, sub: 'ada', jti: '2' });

		assert.equal(a.recovered, true);
		a.disconnect();
	});

	for (const [what, first, second] of [
		['a token of somebody else', { iss, sub: 'ada' }, { iss, sub: 'bob' }],
		['the same subject of another issuer', { iss, sub: 'ada' }, { iss: 'https://other.example.com', sub: 'ada' }],
		['issuer and subject that are the same text together', { iss: 'x', sub: 'yz' }, { iss: 'xy', sub: 'z' }],
		['tokens of nobody', { exp, user: 'ada' }, { exp, user: 'bob' }],
	])
		test(`${what}: the private id takes nothing, and its owner can still come back`, async (t) => {
			const [a, id, pid] = await recovered(t, first, second);

			assert.equal(a.recovered, false);
			a.disconnect();
			a._pid = pid;
			a.auth = { token: token(first) };
			await a.back();
			assert.deepEqual([a.recovered, a.id], [true, id]);
			a.disconnect();
			await lost(gate(), 0);
		});

	test('a token of nobody, the same again', async (t) => {
		const [a] = await recovered(t, { exp, user: 'ada' }, { exp, user: 'ada' });

		assert.equal(a.recovered, true);
		a.disconnect();
	});
});

test('from the first second: nothing was received before', async (t) => {
	const a = await enter(t, gateway().url);
	const b = await enter(t, gateway().url);

	await a.cut();
	await lost(gateway(), 1);
	b.emit('say', null, 'the first');
	await b.ask('who');
	await a.back();
	assert.equal(a.recovered, true);
	await a.said('the first');
});

test('what a timer says to a client that is away', async (t) => {
	const a = await enter(t, gateway().url);
	const from = gateway().lines.length;

	await a.ask('later', 100);
	await a.cut();
	await lost(gateway(), 1);
	await gateway().line(/it is later/, from);
	await a.back();
	assert.equal(a.recovered, true);
	await a.said('later');
});

test('of "latest" only the newest, in the place of the newest', async (t) => {
	const a = await enter(t, gateway().url, { transports: ['polling'] });
	const b = await enter(t, gateway().url);

	await a.ask('join', 'latest');
	await a.cut();
	await lost(gateway(), 1);
	for (let i = 0; i < 3; i++)
		b.emit('latest', 'latest', i);
	await b.ask('who');
	await a.back();
	assert.equal(a.recovered, true);
	await a.said(2);
	assert.deepEqual((await a.who()).recovered, true);
	assert.deepEqual(a.heard.items, []);
});

test('who left, was put out, or broke the protocol of Engine.IO is not saved', async (t) => {
	const g = await forTest(t, 'recovery', ON);

	for (const end of [(ws) => ws.send('41'), async (ws) => {
			ws.send('42["kick"]');
			assert.equal(await ws.message(), '41');
		}, (ws) => ws.send('x')]) {
		const ws = await RawWebSocket.session(t, g.port, { connect: '' });
		await end(ws);
		ws.send('1');
		await ws.closed();
	}
	await eventually('all to be gone', async () => (await g.metrics()).stoa_clients === 0);
	assert.equal((await g.metrics()).stoa_recovery_saved_total, 0);
});

test('socket.io-msgpack-parser', async (t) => {
	const g = await forTest(t, 'recovery', [...ON, '--parser', 'msgpack']);
	const a = await enter(t, g.url, { parser });
	const b = await enter(t, g.url, { parser });
	const { id } = a;

	await a.ask('join', 'r');
	a.emit('me', { n: 1 });
	await a.said({ n: 1 });
	await a.cut();
	await lost(g, 1);
	b.emit('say', 'r', Buffer.from('ab'), 1.5, 'x');
	b.emit('say', 'r');
	await b.ask('who');
	await a.back();
	assert.deepEqual([a.recovered, a.id], [true, id]);
	await a.said(Buffer.from('ab'), 1.5, 'x');
	await a.said();
});

describe('on the wire', () => {
	const connected = (text) => JSON.parse(/^40(?:\/\w+,)?(\{.*\})$/.exec(text)[1]);
	const join = async (t, g, auth = '', nsp = '') => {
		const ws = await RawWebSocket.session(t, g.port);
		ws.send(`40${nsp}${auth && JSON.stringify(auth)}`);
		return ws;
	};
	// One in `nsp`, that has received `said 1` and is gone.
	async function left(t, g, n = 1, nsp = '') {
		const ws = await join(t, g, '', nsp);
		const { sid, pid } = connected(await ws.text());

		ws.send(`42${nsp}["me",1]`);
		const offset = JSON.parse((await ws.text()).slice(2 + nsp.length)).pop();
		ws.raw.finish();
		await lost(g, n);
		return { sid, pid, offset };
	}
	const isFresh = async (ws, { sid, pid }) => {
		const now = connected(await ws.text());
		assert.match(now.pid, /^[\w-]{20}$/);
		assert.notEqual(now.pid, pid);
		assert.notEqual(now.sid, sid);
	};

	test('which packets have an offset, and where', async (t) => {
		const ws = await join(t, gateway());
		const answer = await ws.text();
		const off = '"[\\w-]{4}[0-9a-f]+"';
		const rows = [
			['42["me"]', `^42\\["said",${off}\\]$`],
			['42["me",1,"x"]', `^42\\["said",1,"x",${off}\\]$`],
			['451-["me",{"_placeholder":true,"num":0}]', `^451-\\["said",\\{"_placeholder":true,"num":0\\},${off}\\]$`, Buffer.from('ab')],
			['42["say",null,[]]', `^42\\["said",\\[\\],${off}\\]$`],
			['42["volatile",null,1]', '^42\\["said",1\\]$'],
			['42["ask",null,1]', '^42\\d+\\["question",1\\]$'],
			['427["put","a",1]', '^437\\[\\]$'],
		];

		assert.match(answer, /^40\{"sid":"[\w-]{20}","pid":"[\w-]{20}"\}$/);
		assert.equal(connected(answer).pid.slice(0, 4), connected(answer).sid.slice(0, 4));
		for (const [sent, expected, blob] of rows) {
			ws.send(sent);
			if (blob)
				ws.sendBinary(blob);
			assert.match(await ws.text(), new RegExp(expected), sent);
			if (blob)
				assert.deepEqual((await ws.next()).payload, blob);
		}
	});

	test('the same packets as the reference, up to ids', async (t) => {
		const http = createServer();
		const reference = new Server(http, { connectionStateRecovery: {} });
		const talk = async (port, first, ...sent) => {
			const ws = await RawWebSocket.session(t, port);
			const heard = [];
			const until = async (beginning) => {
				do
					heard.push((await ws.next(beginning)).payload.toString());
				while (!heard.at(-1).startsWith(beginning));
			};

			ws.send(first); // the reference takes nothing else before it has answered
			await until('40');
			for (const text of [...sent, '42["me","the end"]']) {
				ws.send(text);
				if (text.startsWith('45'))
					ws.sendBinary('xyz');
			}
			await until('42["said","the end"');
			ws.raw.finish();
			return heard;
		};
		const ids = (all) => all.map((text) => text.replace(/"(sid|pid)":"[^"]*"/g, '"$1":""').replace(/(\["said".*),"[^"]*"\]$/, '$1,"offset"]'));

		reference.on('connection', (s) => {
			s.join('r');
			s.on('join', () => {});
			s.on('me', (...args) => s.emit('said', ...args));
			s.on('say', (to, ...args) => (to ? reference.to(to) : reference).emit('said', ...args));
			s.on('volatile', (to, ...args) => s.volatile.emit('said', ...args));
			s.on('ask', (to, ...args) => reference.timeout(1000).emit('question', ...args, () => {}));
		});
		http.listen(0, '127.0.0.1');
		await once(http, 'listening');
		t.after(() => reference.close());

		const ours = await forTest(t, 'recovery', ON);
		const said = ['40', '42["join","r"]', '42["me"]', '42["me",{"a":[1]},"x"]', '451-["me",{"_placeholder":true,"num":0}]', '42["say","r",1]', '42["say",null,"2"]', '42["ask",null,3]'];
		const [here, there] = [await talk(ours.port, ...said), await talk(http.address().port, ...said)];

		assert.deepEqual(ids(here), ids(there));
		const back = async (port, heard) => {
			const { pid } = JSON.parse(heard[0].slice(2));
			const at = heard.findIndex((text) => text.startsWith('451-'));
			const offset = JSON.parse(heard[at].slice(4)).pop();

			return talk(port, `40${JSON.stringify({ pid, offset })}`);
		};
		await lost(ours, 1);
		await eventually('the reference to have noticed', () => reference.of('/').sockets.size === 0);
		assert.deepEqual(ids(await back(ours.port, here)), ids(await back(http.address().port, there)));
	});

	test('without the option there is neither', async (t) => {
		const g = await forTest(t, 'recovery');
		const ws = await join(t, g, { pid: 'x'.repeat(20), offset: 'x' });

		assert.match(await ws.text(), /^40\{"sid":"[\w-]{20}"\}$/);
		ws.send('42["me",1]');
		assert.equal(await ws.text(), '42["said",1]');
	});

	test('what was missed comes before the answer, and the private id stays', async (t) => {
		const g = await forTest(t, 'recovery', ON);
		const was = await left(t, g);
		const b = await join(t, g);

		await b.text();
		b.send('42["say",null,2]');
		const said = await b.text();
		const ws = await join(t, g, { pid: was.pid, offset: was.offset, token: 1 });
		assert.equal(await ws.text(), said);
		assert.equal(await ws.text(), `40{"sid":"${was.sid}","pid":"${was.pid}"}`);
	});

	test('a private id serves once, and not while its client is there', async (t) => {
		const g = await forTest(t, 'recovery', ON);
		const was = await left(t, g);
		const ask = { pid: was.pid, offset: was.offset };
		const one = await join(t, g, ask);

		assert.equal(connected(await one.text()).pid, was.pid);
		await isFresh(await join(t, g, ask), was);
		await refusals(g, 'unknown');
	});

	test('what does not say it as clients do is let in as any other', async (t) => {
		const g = await forTest(t, 'recovery', ON);
		const was = await left(t, g);
		const { pid, offset } = was;

		for (const ask of [{ pid, offset: 5 }, { pid, offset: null }, { pid: 5, offset }, { pid: [pid], offset }, { pid: '', offset }, { pid: `${pid}x`, offset }, { offset }, { pid: { pid }, offset }])
			await isFresh(await join(t, g, ask), was);
		assert.equal(await counted(g, 'recovered'), 0);
		// It has seen nothing, it says: so it gets all since it was let in.
		const ws = await join(t, g, { pid });
		assert.equal(await ws.text(), `42["said",1,"${offset}"]`);
		assert.equal(await ws.text(), `40{"sid":"${was.sid}","pid":"${pid}"}`);
		assert.equal(await counted(g, 'recovered'), 1);
	});

	test('offsets that are none, and a namespace that is another one', async (t) => {
		const g = await forTest(t, 'recovery', ON);

		const one = await left(t, g);
		await isFresh(await join(t, g, { pid: one.pid, offset: one.offset }, '/other,'), one);
		await refusals(g, 'unknown');
		assert.equal(connected(await (await join(t, g, one)).text()).pid, one.pid);
		for (const [i, wrong] of [(o) => `${o}0`, (o) => `xxxx${o.slice(4)}`, (o) => o.slice(0, 4), (o) => `${o.slice(0, 4)}0${o.slice(4)}`, () => 'x\\"', () => 'y'.repeat(1000)].entries()) {
			const was = await left(t, g);

			await isFresh(await join(t, g, { pid: was.pid, offset: wrong(was.offset) }), was);
			await refusals(g, 'offset', i + 1);
		}
	});

	test('a client that the application refuses is not recovered later', async (t) => {
		const g = await forTest(t, 'recovery', ON);
		const was = await left(t, g);
		const ws = await join(t, g, { pid: was.pid, offset: was.offset, refuse: true });

		assert.match(await ws.text(), /^44/);
		await isFresh(await join(t, g, was), was);
	});

	test('what was said in a room that it left may be what it has not seen', async (t) => {
		for (const [seen, result] of [[false, 'left'], [true, 'recovered']]) {
			const g = await forTest(t, 'recovery', ON);
			const ws = await join(t, g);
			const { sid, pid } = connected(await ws.text());
			ws.send('42["join","r"]').send('42["say","r",1]');
			const first = JSON.parse((await ws.text()).slice(2)).pop();
			ws.send('42["say","r",2]');
			const second = JSON.parse((await ws.text()).slice(2)).pop();
			ws.send('421["leave","r"]');
			assert.equal(await ws.text(), '431[]');
			ws.raw.finish();
			await lost(g, 1);
			const again = await join(t, g, { pid, offset: seen ? second : first });
			assert.equal(connected(await again.text()).sid === sid, seen);
			await refusals(g, result);
		}
	});

	test('an offset that was seen in the life before, and none since', async (t) => {
		const g = await forTest(t, 'recovery', ON);
		const was = await left(t, g);
		const ws = await join(t, g, { pid: 'z'.repeat(20), offset: was.offset });
		const { sid, pid } = connected(await ws.text());

		ws.raw.finish();
		await lost(g, 2);
		const again = await join(t, g, { pid, offset: was.offset });
		assert.equal(connected(await again.text()).sid, sid);
	});
});

describe('several gateways', () => {
	const redis = shareRedis(before, after);
	for (const [i, name] of ['/', '/dynamic-1'].entries())
		test(`what others say to a client that is away is kept for it, in ${name}`, async (t) => {
			const [g, other] = await clusterForTest(t, redis(), 2, [...ON, '--redis-key', `heard${i}`], 'recovery');
			const node = await nodeForTest(t, redis(), { key: `heard${i}` });
			const a = await enter(t, g.url + name);
			const b = await enter(t, other.url + name);
			const witness = await enter(t, g.url);
			const { id } = a;

			await a.ask('join', 'r');
			await settled(g, other);
			await a.cut();
			await lost(g, 1);
			b.emit('say', 'r', 'room', Buffer.from('x'));
			b.emit('say', 'elsewhere', 'no');
			b.emit('say', null, 'all');
			b.emit('say', id, 'one');
			b.emit('volatile', 'r', 'no');
			await b.ask('who');
			// As Redis has them in one order, what a third says behind that comes behind it.
			node.io.of(name).to('r').emit('said', 'from Node', 1);
			node.io.emit('said', 'mark', 1);
			await witness.heard.take((e) => e.args[0] === 'mark', 'the mark');
			await a.back(g.url);
			assert.deepEqual([a.recovered, a.id], [true, id]);
			await a.said('room', Buffer.from('x'));
			await a.said('all');
			await a.said('one');
			await a.said('from Node', 1);
			b.emit('say', 'r', 'live');
			if (name === '/')
				await a.said('mark', 1);
			await a.said('live');
			assert.equal((await g.metrics()).stoa_recovery_sessions, 0);
		});

	test('to Node\'s servers and their clients nothing is added', async (t) => {
		const [g] = await clusterForTest(t, redis(), 1, [...ON, '--redis-key', 'node'], 'recovery');
		const node = await nodeForTest(t, redis(), { key: 'node' });
		const there = io(node.url, { transports: ['websocket'] });
		const heard = new Inbox();

		t.after(() => there.disconnect());
		there.onAny((...args) => heard.put(args));
		await deadline(new Promise((resolve) => there.once('connect', resolve)), 'the client of Node to connect');
		const a = await enter(t, g.url);
		await settled(g);
		a.emit('say', null, 'x', 1);
		assert.deepEqual(await heard.take(), ['said', 'x', 1]);
	});

	test('at another gateway, and when its own is gone, it is a new client', async (t) => {
		const [g, other] = await clusterForTest(t, redis(), 2, [...ON, '--redis-key', 'elsewhere'], 'recovery');
		const a = await enter(t, g.url);
		const { id } = a;

		await a.cut();
		await lost(g, 1);
		await a.back(other.url);
		assert.equal(a.recovered, false);
		assert.notEqual(a.id, id);
		await a.cut();
		await lost(other, 1);
		await other.stop();
		await a.back(g.url);
		assert.equal(a.recovered, false);
	});

	test('a gap in what is heard of others is a reason to begin anew', { skip: BEHIND_BROKERS && 'behind brokers nobody is let in while Redis is away' }, async (t) => {
		const own = await Redis.start();
		t.after(() => own.kill());
		const [g] = await clusterForTest(t, own, 1, [...ON, '--redis-key', 'gap', '--ready-without-bus', 'true'], 'recovery');
		const [a, b, c] = [await enter(t, g.url), await enter(t, g.url), await enter(t, g.url)];
		const isUp = (up) => eventually(`the bus to be ${up}`, async () => (await g.metrics()).stoa_bus_up === up);

		await a.cut();
		await b.cut();
		await lost(g, 2);
		await own.kill();
		await isUp(0);
		await a.back();
		assert.equal(a.recovered, false);
		await own.run();
		await isUp(1);
		await b.back();
		assert.equal(b.recovered, false);
		await refusals(g, 'deaf', 2);
		// c was there all the time, and has seen something since.
		c.emit('me', 1);
		await c.said(1);
		await c.cut();
		await lost(g, 1);
		await c.back();
		assert.equal(c.recovered, true);
	});
});

describe('limits', () => {
	test('max_disconnection_duration', async (t) => {
		const g = await forTest(t, 'recovery', [...ON, '--max-disconnection-duration', '1ms']);
		const a = await enter(t, g.url);

		await a.cut();
		await eventually('it to be saved', async () => (await g.metrics()).stoa_recovery_saved_total === 1);
		await a.back();
		assert.equal(a.recovered, false);
		await refusals(g, 'unknown');
		await eventually('it to be forgotten', async () => (await g.metrics()).stoa_recovery_sessions === 0);
	});

	test('max_recoverable_sessions: the oldest is forgotten', async (t) => {
		const g = await forTest(t, 'recovery', [...ON, '--max-recoverable-sessions', '2']);
		const all = [];

		for (let i = 0; i < 3; i++)
			all.push(await enter(t, g.url));
		for (const [i, a] of all.entries()) {
			await a.cut();
			await eventually('it to be saved', async () => (await g.metrics()).stoa_recovery_saved_total === i + 1);
			assert.equal((await g.metrics())['stoa_limit_total{limit="max_recoverable_sessions"}'], i === 2 ? 1 : 0);
		}
		for (const a of all)
			await a.back();
		assert.deepEqual(all.map((a) => a.recovered), [false, true, true]);
	});

	test('max_recovery_memory: the oldest packets are forgotten, and who needs them is not recovered', async (t) => {
		const g = await forTest(t, 'recovery', [...ON, '--max-recovery-memory', '20KB']);
		const [a, b, c] = [await enter(t, g.url), await enter(t, g.url), await enter(t, g.url)];
		const limit = async () => (await g.metrics())['stoa_limit_total{limit="max_recovery_memory"}'];

		await a.cut();
		await lost(g, 1);
		for (let i = 0; i < 4; i++)
			b.emit('say', null, 'x'.repeat(4000));
		await b.ask('who');
		assert.equal(await limit(), 0);
		await a.back();
		assert.equal(a.recovered, true);
		for (let i = 0; i < 4; i++)
			await a.said('x'.repeat(4000));
		await c.cut();
		await lost(g, 1);
		for (let i = 0; i < 5; i++)
			b.emit('say', null, 'x'.repeat(4000));
		await b.ask('who');
		assert.ok((await limit()) > 0);
		await c.back();
		assert.equal(c.recovered, false);
		await refusals(g, 'forgotten');
		assert.ok((await g.metrics()).stoa_recovery_bytes <= 20000);
	});

	test('what is forgotten while the application looks at who is back: it is cut off, and begins anew', async (t) => {
		const slow = gate('the application to look');
		const seen = [];
		const hook = await Webhook.start(t, onEvents({
			'on connect': async (e) => {
				seen.push(e.state.recovered === true);
				if (seen.at(-1))
					await slow.opened;
			},
			'say': (e, text) => [{ do: 'emit', all: true, data: ['said', text] }, ack(e)],
		}));
		const g = await gatewayFor(t, hook, [...ON, '--max-recovery-memory', '20KB']);
		const a = await enter(t, g.url), b = await enter(t, g.url);
		const { id } = a;

		await b.ask('say', 'seen');
		await a.said('seen');
		await a.cut();
		await lost(g, 1);
		await hook.next('disconnect');
		await b.ask('say', 'missed');
		const ended = deadline(new Promise((resolve) => a.io.once('close', resolve)), 'the connection to be cut off');
		a.connect();
		await hook.next('connect', (e) => e.state.recovered === true);
		for (let i = 0; i < 6; i++)
			await b.ask('say', 'x'.repeat(4000));
		slow.open();
		await ended;
		await eventually('the application to be done with it', async () => (await g.metrics()).stoa_dispatch_waiting_events === 0);
		await a.back();
		assert.deepEqual([a.recovered, a.id === id], [false, false]);
		assert.deepEqual(seen, [false, false, true, false]);
		assert.deepEqual(a.heard.items, []);
	});

	test('who has missed more than may be queued for it begins anew', async (t) => {
		const g = await forTest(t, 'recovery', [...ON, '--max-send-queue', '100KB']);
		const a = await enter(t, g.url);
		const b = await enter(t, g.url, { transports: ['websocket'] });

		await a.cut();
		await lost(g, 1);
		for (let i = 0; i < 6; i++) {
			b.emit('say', null, 'x'.repeat(9000));
			await b.said('x'.repeat(9000));
		}
		await a.back();
		assert.equal(a.recovered, false);
		await refusals(g, 'too-much');
	});
});
