// Many clients that chat, and a checker of what they hear: each message has a number of its own among those of its client in
// its room. What was acked must be heard by all of the room that were there, once, in order.

import { io } from 'socket.io-client';
import { eventually } from './wait.mjs';

const NUMBERS = 4096; // messages of one client

class Talker {
	constructor(crowd, i) {
		this.crowd = crowd;
		this.i = i;
		this.room = `room ${Math.floor(i / crowd.perRoom)}`;
		this.url = crowd.urls[i % crowd.urls.length];
		this.n = 0;
		this.acked = 0;
		this.sent = [];        // by number: { at, ackedAt, refused }
		this.here = [];        // [from, until] of the times it was in its room
		this.heard = new Map(); // by talker: how often each number
		this.last = new Map();  // by talker: the last number
		this.socket = io(this.url, {
			forceNew: true, transports: ['websocket'], auth: { name: String(i) },
			reconnectionDelay: 200, reconnectionDelayMax: 1000,
		});
		this.socket.on('connect', () => this.enter());
		this.socket.on('disconnect', (reason) => this.isGone(reason));
		this.socket.on('said', (room, from, n, attempt) => this.hear(room, Number(from), n, attempt));
	}

	enter() {
		if (this.lostAt !== undefined)
			this.crowd.returns.push(performance.now() - this.lostAt);
		this.lostAt = undefined;
		this.ask('join', this.room).then((rooms) => {
			if (!Array.isArray(rooms))
				return setTimeout(() => this.socket.connected && this.enter(), 100); // refused: nobody could hear it
			this.here.push([performance.now(), Infinity]);
			this.talk();
		}, () => {});
	}

	isGone(reason) {
		const now = performance.now();

		if (this.crowd.ending)
			return;
		this.lostAt = now;
		if (this.here.length > 0)
			this.here.at(-1)[1] = now;
		this.crowd.disconnects.push({ i: this.i, url: this.url, reason, at: now });
		clearTimeout(this.timer);
	}

	// Resolves with what is acked, rejects when the connection goes first.
	ask(name, ...args) {
		return new Promise((resolve, reject) => {
			const gone = () => reject(new Error('gone'));

			this.socket.once('disconnect', gone);
			this.socket.emit(name, ...args, (answer) => {
				this.socket.off('disconnect', gone);
				resolve(answer);
			});
		});
	}

	talk() {
		const { crowd } = this;

		clearTimeout(this.timer);
		if (crowd.silent || this.n + 1 >= NUMBERS)
			return;
		this.timer = setTimeout(async () => {
			const n = ++this.n;
			const message = (this.sent[n] = { at: performance.now() });

			try {
				const answer = await this.ask('say', this.room, n);

				message.ackedAt = performance.now();
				message.refused = answer !== n;
				crowd.delays.push(message.ackedAt - message.at);
				if (message.refused)
					crowd.refusals.push(JSON.stringify(answer));
				else
					this.acked++;
			} catch {
				return; // it goes on when it is back
			}
			this.talk();
		}, crowd.pauseMs * (0.5 + Math.random()));
	}

	hear(room, from, n, attempt) {
		const counts = this.heard.get(from) ?? this.heard.set(from, new Uint8Array(NUMBERS)).get(from);
		const last = this.last.get(from) ?? 0;
		const { crowd } = this;

		crowd.deliveries++;
		if (attempt > 1)
			crowd.repeated.add(`${from} ${n}`);
		counts[n] = Math.min(counts[n] + 1, 255);
		if (counts[n] > 1)
			crowd.duplicates.push({ to: this.i, from, n, at: performance.now() });
		else if (n < last)
			crowd.reorderings.push({ to: this.i, from, n, last });
		this.last.set(from, Math.max(last, n));
	}

	wasHere(from, until) {
		return this.here.some(([a, b]) => a < from && b > until);
	}
}

export class Crowd {
	silent = false;
	ending = false;
	deliveries = 0;
	repeated = new Set(); // messages heard from a second attempt of the handler
	delays = [];          // of acks, in ms
	returns = [];         // how long clients were away, in ms
	refusals = [];
	disconnects = [];
	duplicates = [];
	reorderings = [];

	constructor(urls, { clients, perRoom, pauseMs }) {
		Object.assign(this, { urls, perRoom, pauseMs });
		this.talkers = Array.from({ length: clients }, (_, i) => new Talker(this, i));
	}

	get messages() {
		return this.talkers.reduce((sum, t) => sum + t.acked, 0);
	}

	// All are in their rooms.
	complete() {
		return eventually('all clients to be in their rooms', () => this.talkers.every((t) => t.socket.connected && t.here.at(-1)?.[1] === Infinity));
	}

	// Every one of them has been acked `more` messages from now on.
	async goesOn(more = 1) {
		const before = this.talkers.map((t) => t.acked);

		await eventually('every client to be answered', () => this.talkers.every((t, i) => t.acked >= before[i] + more));
	}

	// Nobody says anything more, and all that was said is answered.
	async quiet() {
		this.silent = true;
		await eventually('all messages to be answered', () => this.talkers.every((t) => t.n === 0 || t.sent[t.n].ackedAt !== undefined || !t.wasHere(t.sent[t.n].at, t.sent[t.n].at)
			|| this.disconnects.some((d) => d.i === t.i && d.at >= t.sent[t.n].at)));
	}

	end() {
		this.ending = true;
		this.silent = true;
		for (const t of this.talkers) {
			clearTimeout(t.timer);
			t.socket.disconnect();
		}
	}

	// Messages acked whose hearers, there all the while, did not hear them: those of the same gateway, those of others. And what
	// was refused, yet heard.
	losses() {
		const lost = { here: [], across: [] }, ghosts = [];

		for (const from of this.talkers) {
			const room = this.talkers.filter((t) => t.room === from.room);

			from.sent.forEach((message, n) => {
				if (message.refused && room.some((t) => (t.heard.get(from.i)?.[n] ?? 0) > 0))
					ghosts.push({ from: from.i, n });
				if (message.ackedAt === undefined || message.refused)
					return;
				for (const to of room)
					if (to.wasHere(message.at, message.ackedAt + 1000) && !to.heard.get(from.i)?.[n])
						lost[to.url === from.url ? 'here' : 'across'].push({ from: from.i, to: to.i, n, at: message.at });
			});
		}
		return { ...lost, ghosts };
	}
}
