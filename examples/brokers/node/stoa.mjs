// Handlers of Socket.IO events behind Stoa's gateways, much as with Socket.IO; needs a Redis client and nothing else.
//
//	import { Stoa } from './stoa.mjs';
//	const io = new Stoa({ app: 'chat', redisUrl: 'redis://127.0.0.1' });
//
//	io.on('join', (socket, room) => {
//		socket.join(room);
//		io.to(room).emit('joined', room);
//		return 'welcome'; // what the client's callback gets
//	});
//	await io.run();
//
// A handler is given the socket as it is for this one event: the connection is a gateway's, and the next event may be another
// process's. Any number of these run beside each other, and beside stoa-broker; docs/broker-protocol.md has the formats. Events
// are handled one at a time; handlers may be async, but not for longer than the lease. For clients of the default parser (JSON).

import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'redis';

// --- Binary: a placeholder in the arguments, base64 beside them

function pack(value) {
	const attachments = [];
	const put = (v) => {
		if (Buffer.isBuffer(v) || ArrayBuffer.isView(v) || v instanceof ArrayBuffer)
			return { _placeholder: true, num: attachments.push(Buffer.from(v.buffer ?? v, v.byteOffset, v.byteLength).toString('base64')) - 1 };
		if (Array.isArray(v))
			return v.map(put);
		if (v === null || typeof v !== 'object' || typeof v.toJSON === 'function')
			return v;
		return Object.fromEntries(Object.entries(v).map(([key, item]) => [key, put(item)]));
	};

	return { data: put(value), ...(attachments.length > 0 && { attachments }) };
}

function unpack(value, attachments = []) {
	const blobs = attachments.map((text) => Buffer.from(text, 'base64'));
	const take = (v) => {
		if (Array.isArray(v))
			return v.map(take);
		if (v === null || typeof v !== 'object')
			return v;
		return v._placeholder === true ? blobs[v.num] : Object.fromEntries(Object.entries(v).map(([key, item]) => [key, take(item)]));
	};

	return blobs.length > 0 ? take(value) : value;
}

// --- What handlers use

// Whom effects concern: io, io.to('room').except('other'), socket, socket.broadcast.to('room') ..
class Target {
	constructor(effects, whom, stoa) {
		Object.assign(this, { effects, whom, stoa });
	}

	#with(more) {
		return new Target(this.effects, { ...this.whom, ...more }, this.stoa);
	}

	#do(what, members = {}) {
		this.effects().push({ do: what, ...members, ...this.whom });
	}

	to(room) {
		const { all, ...whom } = this.whom;
		return new Target(this.effects, { ...whom, rooms: [...(whom.rooms ?? []), room] }, this.stoa);
	}
	except(room) { return this.#with({ skip: [...(this.whom.skip ?? []), room] }); }
	of(namespace) { return this.#with({ nsp: namespace }); }
	get local() { return this.#with({ local: true }); }
	get volatile() { return this.#with({ volatile: true }); }

	emit(event, ...args) { this.#do('emit', pack([event, ...args])); }
	send(message) { this.emit('message', message); }
	socketsJoin(room) { this.#do('join', { room }); }
	socketsLeave(room) { this.#do('leave', { room }); }
	disconnectSockets(close = false) { this.#do('disconnect', { transport: close }); }

	// Asks one client; `answered` is called with what it acknowledges.
	ask(answered, event, ...args) {
		this.#do('call', { ...pack([event, ...args]), ...this.stoa.expect(answered, this) });
	}
}

// The client of the event in hand; a target that is it alone.
class Socket extends Target {
	constructor(effects, stoa, { node, sid, nsp }, state) {
		super(effects, {}, stoa);
		Object.assign(this, { node, id: sid, nsp, auth: state.auth ?? {}, claims: state.claims ?? {}, rooms: new Set(state.rooms), handshake: state });
		// What is kept of it: io.on('x', (socket) => socket.data.count++)
		this.data = new Proxy({ ...state.session }, {
			set: (data, key, value) => (effects().push({ do: 'session', key, value }), Reflect.set(data, key, value)),
			deleteProperty: (data, key) => (effects().push({ do: 'session', key }), Reflect.deleteProperty(data, key)),
		});
	}

	get broadcast() { return new Target(this.effects, { all: true, skip_self: true }, this.stoa); }
	to(room) { return this.broadcast.to(room); }
	join(room) { this.socketsJoin(room); }
	leave(room) { this.socketsLeave(room); }
	disconnect(close) { this.disconnectSockets(close); }
}

// --- The worker

const CLAIM_KEY = `local v = redis.call('GET', KEYS[1])
if v and v ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`;
const RELEASE_KEY = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end";
const END_CLIENT = "if redis.call('EXISTS', KEYS[3]) == 0 and redis.call('HDEL', KEYS[1], ARGV[1]) == 1 then redis.call('XADD', KEYS[2], '*', 'e', ARGV[2]) end";
const LOST_N = Number.MAX_SAFE_INTEGER; // of a disconnect whose gateway is gone: no gateway counts so far
const BEAT_MS = 1000, CONFIRM_MS = 2000, GONE_MS = 5000; // leases are renewed, batches published again, gateways given up
const LISTED_S = 86400; // how long a list is kept that nobody renews
const now = () => performance.now();

export class Stoa extends Target {
	#held = new Map(); // number -> { number, events, clients, lease, until, leaving, open: entry -> { node, batch, at } }
	#handlers = new Map(); // namespace -> Map of event -> function
	#errorHandlers = new Map();
	#tasks = [];
	#states = new Map(); // sid -> { n, state }
	#calls = new Map();
	#absent = new Map(); // node -> since when
	#effects = [];
	#stopping = false;
	#nextBeat = 0;
	#nextScan = 0;
	#lastCall = 0;
	#anyNode = null;

	constructor({ app = 'app', redisUrl = 'redis://127.0.0.1', partitions = 32, leaseMs = 5000 } = {}) {
		super(() => this.#effects, { all: true });
		this.stoa = this;
		Object.assign(this, { app, partitions, leaseMs, id: `node-${process.pid}-${randomUUID().slice(0, 8)}`, started: Date.now() });
		this.redis = createClient({ url: redisUrl, disableOfflineQueue: true, socket: { reconnectStrategy: () => 200 } });
		this.reader = this.redis.duplicate(); // which waits for events
	}

	// connect(socket), disconnect(socket, reason), any event (socket, ...args); what it returns is the acknowledgement, an
	// array being several arguments.
	on(event, handler, namespace = '/') {
		if (!this.#handlers.has(namespace))
			this.#handlers.set(namespace, new Map());
		this.#handlers.get(namespace).set(event, handler);
		return this;
	}

	// (error, socket, event, args)
	onError(handler, namespace = '/') {
		this.#errorHandlers.set(namespace, handler);
		return this;
	}

	// One of all workers runs it so often.
	every(ms, task) {
		this.#tasks.push({ ms, task, due: 0 });
		return this;
	}

	#name(what, which) {
		return `stoa:${what}:${this.app}${which === undefined ? '' : `:${which}`}`;
	}

	#do(...words) {
		return this.redis.sendCommand(words.map(String));
	}

	async run() {
		for (const signal of ['SIGTERM', 'SIGINT'])
			process.once(signal, () => (this.#stopping = true));
		for (const client of [this.redis, this.reader]) {
			client.on('error', () => {}); // it connects again by itself
			await client.connect();
		}
		while (!this.#stopping || this.#held.size > 0) {
			try {
				await this.#register();
				while (!this.#stopping || this.#held.size > 0)
					await this.#turn();
			} catch (error) {
				console.log(`Redis: ${error.message}`);
				for (const p of this.#held.values())
					p.until = 0; // until it was taken again
				if (this.#stopping)
					break;
				await sleep(500);
			}
		}
		await Promise.all([this.redis, this.reader].map((client) => client.disconnect()));
	}

	async #register() {
		const record = { v: 1, partitions: this.partitions, namespaces: [...this.#handlers.keys()] };

		await this.#do('SETNX', this.#name('app'), JSON.stringify(record));
		this.partitions = record.partitions = JSON.parse(await this.#do('GET', this.#name('app'))).partitions;
		await this.#do('SET', this.#name('app'), JSON.stringify(record));
		await this.#do('PUBLISH', this.#name('app'), JSON.stringify(record));
		for (const p of this.#held.values())
			await this.#makeGroup(p);
		this.#nextBeat = 0;
	}

	async #makeGroup(p) {
		await this.#do('XGROUP', 'CREATE', p.events, 'stoa', '0', 'MKSTREAM').catch((error) => {
			if (!error.message.startsWith('BUSYGROUP'))
				throw error;
		});
	}

	async #turn() {
		if (now() >= this.#nextBeat)
			await this.#beat();
		const wait = await this.#runTasks();
		const mine = new Map([...this.#held.values()].filter((p) => p.leaving === null).map((p) => [p.events, p]));

		if (mine.size === 0)
			return sleep(Math.min(wait, 100));
		const words = ['XREADGROUP', 'GROUP', 'stoa', this.id, 'COUNT', '16', 'BLOCK', String(Math.max(1, Math.floor(wait))), 'STREAMS'];
		const read = await this.reader.sendCommand([...words, ...mine.keys(), ...[...mine].map(() => '>')]);

		for (const [events, entries] of read ?? []) {
			for (const [entry, fields] of entries) {
				await this.#handle(mine.get(events), entry, fields[1]);
				await this.#keepLeases();
			}
		}
	}

	// --- Leases

	async #beat() {
		this.#nextBeat = now() + BEAT_MS;
		const kept = [...this.#held.values()].filter((p) => p.leaving === null).map((p) => p.number);
		const share = this.#stopping ? 0 : await this.#share(kept);

		if (this.#stopping)
			await this.#do('DEL', this.#name('broker', this.id));
		await this.#keepLeases(true);
		for (const number of kept.slice(share))
			if (this.#held.has(number))
				this.#held.get(number).leaving = now();
		for (let number = 0; number < this.partitions && kept.length < share; number++) {
			const p = { number, events: this.#name('events', number), clients: this.#name('clients', number), lease: this.#name('lease', number), until: 0, leaving: null, open: new Map() };

			if (this.#held.has(number) || !(await this.#claim(p)))
				continue;
			this.#held.set(number, p);
			await this.#makeGroup(p);
			kept.push(number);
		}
		for (const p of [...this.#held.values()])
			await this.#look(p);
		if (now() >= this.#nextScan) {
			this.#nextScan = now() + GONE_MS;
			await this.#endLostClients();
		}
	}

	// Those of the list whose keys are there, with their values; the others are taken off.
	async #listed(what) {
		const names = (await this.#do('SRANDMEMBER', this.#name(`${what}s`), 1024)).sort();
		const values = names.length ? await this.#do('MGET', ...names.map((name) => this.#name(what, name))) : [];
		const gone = names.filter((name, i) => values[i] === null);

		if (gone.length)
			await this.#do('SREM', this.#name(`${what}s`), ...gone);
		return names.map((name, i) => [name, values[i]]).filter(([, text]) => text !== null);
	}

	async #share(kept) {
		const self = { v: 1, id: this.id, name: `${hostname()}#${process.pid}`, serves: true, slots: 1, partitions: kept, in_work: 0, unconfirmed: 0, backlog: 0, oldest: 0, started: this.started };

		await this.#do('SET', this.#name('broker', this.id), JSON.stringify(self), 'PX', this.leaseMs);
		await this.#do('SADD', this.#name('brokers'), this.id);
		await this.#do('EXPIRE', this.#name('brokers'), LISTED_S);
		const others = (await this.#listed('broker')).filter(([name]) => name !== this.id).map(([, text]) => JSON.parse(text));
		const workers = [self, ...others.filter((r) => r.serves === true)];
		const rank = workers.filter((r) => r.partitions.length > kept.length || (r.partitions.length === kept.length && r.id < this.id)).length;

		return Math.floor(this.partitions / workers.length) + (rank < this.partitions % workers.length ? 1 : 0);
	}

	async #claim(p) {
		const asked = now();

		if ((await this.#do('EVAL', CLAIM_KEY, 1, p.lease, this.id, this.leaseMs)) !== 1)
			return false;
		p.until = asked + this.leaseMs;
		return true;
	}

	async #keepLeases(all = false) {
		for (const p of [...this.#held.values()])
			if ((all || p.until - now() < this.leaseMs / 2) && !(await this.#claim(p)))
				this.#held.delete(p.number);
	}

	// --- Events

	async #pending(p) {
		const all = [];

		for (let after = '-'; ; after = `(${all.at(-1)[0]}`) {
			const page = await this.#do('XPENDING', p.events, 'stoa', after, '+', 100);
			if (page.length === 0)
				return all;
			all.push(...page);
		}
	}

	// What is pending: of a batch of ours, not carried out yet; anything else was left by another, or is not known to have come.
	async #look(p) {
		const begun = now();
		const seen = new Set();

		for (const [entry, , , deliveries] of await this.#pending(p)) {
			seen.add(entry);
			if (p.open.has(entry)) {
				await this.#publishAgain(p, entry);
			} else if (p.leaving === null) {
				const [claimed] = await this.#do('XCLAIM', p.events, 'stoa', this.id, 0, entry, 'RETRYCOUNT', deliveries);
				if (claimed)
					await this.#handle(p, entry, claimed[1][1]);
			}
		}
		for (const [entry, { at }] of [...p.open])
			if (!seen.has(entry) && at < begun)
				p.open.delete(entry);
		if (p.leaving !== null && (p.open.size === 0 || now() - p.leaving > CONFIRM_MS)) {
			await this.#do('EVAL', RELEASE_KEY, 1, p.lease, this.id);
			this.#held.delete(p.number);
		}
	}

	async #acknowledge(p, entry) {
		await this.#do('XDEL', p.events, entry);
		await this.#do('XACK', p.events, 'stoa', entry);
	}

	async #handle(p, entry, text) {
		let event;

		if (now() >= p.until || this.#held.get(p.number) !== p || p.open.has(entry))
			return; // it stays pending, for whoever has the partition now
		try {
			event = JSON.parse(text);
		} catch { // of a deployment with another parser, for one
			console.log(`not JSON: ${entry} of partition ${p.number}`);
			await this.#do('XADD', this.#name('dead'), 'MAXLEN', '~', 1000, '*', 'record', text, 'reason', 'malformed', 'partition', p.number, 'id', entry);
			return this.#acknowledge(p, entry);
		}
		if (event.kind === 'answer') {
			await this.#answered(event);
			return this.#acknowledge(p, entry);
		}
		const { nsp, sid, n, node } = event;
		const batch = { v: 1, by: this.id, id: entry, partition: p.number, nsp, sid, n, effects: await this.#runEvent(p, event) };

		p.open.set(entry, { node, batch, at: -Infinity });
		await this.#publishAgain(p, entry);
	}

	async #stateOf(p, { kind, sid, state, state_n: n = 0 }) {
		if (state === undefined && n > 0 && this.#states.get(sid)?.n === n)
			({ state } = this.#states.get(sid));
		else if (state === undefined && n > 0)
			state = JSON.parse((await this.#do('HGET', p.clients, sid)) ?? '{}').state;
		if (this.#states.size > 100_000)
			this.#states.clear();
		if (n > 0 && kind !== 'disconnect')
			this.#states.set(sid, { n, state });
		else
			this.#states.delete(sid);
		return state ?? {};
	}

	async #runEvent(p, event) {
		const { kind, nsp = '/', sid, event: name = kind } = event;
		const state = await this.#stateOf(p, event);
		const socket = new Socket(this.effects, this, event, state);
		const handler = sid === undefined ? undefined : this.#handlers.get(nsp)?.get(name);
		const args = unpack(event.args ?? [], event.attachments);
		let answer;

		this.#effects = [];
		if (kind === 'handshake')
			return [{ do: 'admit' }];
		if (kind === 'connect')
			return this.#runConnect(handler, socket);
		if (handler === undefined)
			return [];
		try {
			const result = await handler(socket, ...(kind === 'disconnect' ? [event.reason] : args));
			answer = result === undefined ? [] : Array.isArray(result) ? result : [result];
		} catch (error) {
			console.log(`${name} failed: ${error.stack}`);
			await this.#errorHandlers.get(nsp)?.(error, socket, name, args);
			answer = [{ error: error.message }];
		}
		if (event.ack !== undefined)
			this.#effects.push({ do: 'ack', ack: event.ack, ...pack(answer) });
		return this.#effects;
	}

	// A handler that throws refuses the client.
	async #runConnect(handler, socket) {
		try {
			await handler?.(socket);
			return [{ do: 'accept' }, ...this.#effects];
		} catch (error) {
			return [{ do: 'refuse', data: { message: error.message, ...(error.data !== undefined && { data: error.data }) } }, ...this.#effects];
		}
	}

	// --- Asking clients, and what is done without an event

	expect(answered, socket, timeout = 60_000) {
		for (const [number, { until }] of this.#calls)
			if (until < now())
				this.#calls.delete(number);
		this.#calls.set(++this.#lastCall, { answered, socket, until: now() + timeout });
		return { call: this.#lastCall, timeout };
	}

	async #answered(event) {
		const call = event.to === this.id && event.op === 'answer' ? this.#calls.get(event.call) : undefined;

		if (call === undefined)
			return;
		await this.#runLater(event.node, { nsp: call.socket.nsp, sid: call.socket.id }, () => call.answered(...unpack(event.args, event.attachments)));
	}

	// How long it is until the next, at most what a read may wait.
	async #runTasks() {
		const leads = this.#held.has(0) && !this.#stopping;

		for (const task of leads ? this.#tasks.filter(({ due }) => now() >= due) : []) {
			task.due = now() + task.ms;
			await this.#runLater(null, { nsp: '/', partition: 0 }, task.task);
		}
		return Math.max(0, Math.min(200, ...(leads ? this.#tasks.map(({ due }) => due - now()) : [])));
	}

	async #runLater(node, of, task) {
		this.#effects = [];
		try {
			await task();
		} catch (error) {
			console.log(`failed: ${error.stack}`);
		}
		if (this.#effects.length > 0)
			await this.#publishLater(node, { v: 1, by: this.id, ...of, effects: this.#effects });
	}

	// --- Batches and gateways

	async #publish(node, batch) {
		return node !== null && (await this.#do('PUBLISH', this.#name('batches', node), JSON.stringify(batch))) > 0;
	}

	async #publishAgain(p, entry) {
		const open = p.open.get(entry);

		if (now() - open.at < CONFIRM_MS)
			return;
		open.at = now();
		if ((await this.#publish(open.node, open.batch)) || !(await this.#isGone(open.node)))
			return;
		await this.#acknowledge(p, entry);
		p.open.delete(entry);
		const { id, n, ...rest } = open.batch;
		await this.#publishLater(null, rest);
	}

	// Without an answer: to a client's gateway; for what concerns many, to any, the same as long as it lives.
	async #publishLater(node, batch) {
		if ((await this.#publish(node, batch)) || (await this.#publish(this.#anyNode, batch)))
			return;
		for (const [node] of await this.#listed('gateway')) {
			this.#anyNode = node;
			if (await this.#publish(this.#anyNode, batch))
				return;
		}
	}

	async #isGone(node) {
		if ((await this.#do('EXISTS', this.#name('gateway', node))) === 1) {
			this.#absent.delete(node);
			return false;
		}
		if (!this.#absent.has(node))
			this.#absent.set(node, now());
		return now() - this.#absent.get(node) >= GONE_MS;
	}

	async #endLostClients() {
		const gone = new Map();

		for (const p of [...this.#held.values()].filter(({ leaving }) => leaving === null)) {
			let cursor = '0';

			do {
				const [next, pairs] = await this.#do('HSCAN', p.clients, cursor, 'COUNT', 100);
				cursor = next;
				for (let i = 0; i < pairs.length; i += 2) {
					const { node, nsp, state_n, state } = JSON.parse(pairs[i + 1]);

					if (!gone.has(node))
						gone.set(node, await this.#isGone(node));
					if (gone.get(node))
						await this.#do('EVAL', END_CLIENT, 3, p.clients, p.events, this.#name('gateway', node), pairs[i], JSON.stringify({ v: 1, node, kind: 'disconnect', at: Date.now(), nsp, sid: pairs[i], n: LOST_N, reason: 'transport close', state_n, state }));
				}
			} while (cursor !== '0');
		}
	}
}
