// A broker in a test's own hands: it reads the streams of events as common/records/records.h has them, and answers what the
// test says, when the test says. For what gateways must do whoever runs the application.

import { Gateway, stopAfter } from './gateway.mjs';
import { deadline, Inbox } from './wait.mjs';

let started = 0;

export class HandBroker {
	inbox = new Inbox(); // events, with `stream`, `id`, `partition` of their entries
	#ended = false;

	// `app` are members of the application's record; `reads` false: events stay in the streams.
	static async start(t, redis, { name = `hand${++started}`, partitions = 2, app = {}, reads = true } = {}) {
		const b = new HandBroker();

		Object.assign(b, { redis, name, partitions, reads, app: { v: 1, partitions, namespaces: ['/'], hears_handshakes: false, hears_refusals: false, ...app } });
		await b.appear();
		t.after(() => b.end());
		return b;
	}

	stream(partition) {
		return `stoa:events:${this.name}:${partition}`;
	}

	get streams() {
		return Array.from({ length: this.partitions }, (_, p) => this.stream(p));
	}

	// Also again, when Redis has forgotten everything.
	async appear() {
		this.session = await this.redis.session();
		for (const stream of this.streams)
			await this.session.command('XGROUP', 'CREATE', stream, 'stoa', '0', 'MKSTREAM').catch((error) => {
				if (!/BUSYGROUP/.test(error.message))
					throw error;
			});
		await this.session.command('SET', `stoa:broker:${this.name}:hand`, '{}');
		await this.session.command('SADD', `stoa:brokers:${this.name}`, 'hand');
		await this.session.command('SET', `stoa:app:${this.name}`, JSON.stringify(this.app));
		await this.session.command('PUBLISH', `stoa:app:${this.name}`, JSON.stringify(this.app));
		if (this.reads)
			await this.read();
	}

	async disappear() {
		await this.session.command('DEL', `stoa:broker:${this.name}:hand`);
	}

	async read() {
		this.reader?.close();
		this.reader = await this.redis.session();
		this.#readOn(this.reader);
	}

	pause() {
		this.reader?.close();
		this.reader = null;
	}

	async #readOn(reader) {
		while (!this.#ended && reader === this.reader) {
			const answer = await reader.command('XREADGROUP', 'GROUP', 'stoa', 'hand', 'COUNT', '100', 'BLOCK', '200', 'STREAMS',
				...this.streams, ...this.streams.map(() => '>')).catch(() => false);

			if (answer === false)
				return;
			for (const [stream, entries] of answer ?? [])
				for (const [id, fields] of entries)
					this.#take(String(stream), String(id), fields[1]);
		}
	}

	#take(stream, id, bytes) {
		this.inbox.put({ ...JSON.parse(bytes.toString()), stream, id, partition: Number(stream.split(':').at(-1)) });
	}

	next(kind, matches = () => true) {
		return this.inbox.take((e) => e.kind === kind && matches(e), `an event of kind ${kind}`);
	}

	// Of the batch of an event.
	batch(event, more) {
		const { id, partition, nsp, sid, n } = event;

		return { v: 1, by: 'hand', id, partition, nsp, sid, n, ...more };
	}

	// How many gateways heard it.
	async publish(node, batch) {
		return this.session.command('PUBLISH', `stoa:batches:${this.name}:${node}`, JSON.stringify(batch));
	}

	answer(event, ...effects) {
		return this.publish(event.node, this.batch(event, { effects }));
	}

	// Lets the next client in.
	async accept(...more) {
		const event = await this.next('connect');

		await this.answer(event, { do: 'accept' }, ...more);
		return event;
	}

	// Entries of all streams.
	async length() {
		const lengths = await Promise.all(this.streams.map((s) => this.session.command('XLEN', s)));

		return lengths.reduce((a, b) => a + b, 0);
	}

	// The states that are kept: sid -> record.
	async states() {
		const states = {};

		for (let p = 0; p < this.partitions; p++) {
			const fields = await this.session.command('HGETALL', `stoa:clients:${this.name}:${p}`);

			for (let i = 0; i < fields.length; i += 2)
				states[String(fields[i])] = JSON.parse(fields[i + 1].toString());
		}
		return states;
	}

	end() {
		this.#ended = true;
		this.reader?.close();
		this.session?.close();
	}
}

// A gateway for it, ended with the test.
export async function gatewayFor(t, broker, flags = []) {
	const g = await Gateway.startWithout(['--dispatch', 'broker', '--app-name', broker.name, '--redis-url', broker.redis.url, '--shutdown-timeout', '500ms', ...flags]);

	stopAfter(t, g);
	return g;
}

export async function readyz(gateway) {
	const answer = await deadline(fetch(`${gateway.internalUrl}/readyz`), 'an answer of /readyz');

	return { status: answer.status, text: (await answer.text()).trim() };
}
