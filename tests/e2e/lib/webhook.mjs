// An application behind a webhook: an HTTP server that checks what a gateway must send with every event, and answers with
// what a test says.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { Gateway, stopAfter } from './gateway.mjs';
import { deadline, Inbox } from './wait.mjs';

export const SECRET = 'a secret that is not one'.replaceAll(' ', '-');

// What a handler may return in the place of effects.
export class Reply {
	constructor(status, body = '', headers = {}) {
		Object.assign(this, { status, body, headers });
	}
}
export const HANG_UP = Symbol('the connection ends without an answer');
export const NEVER = Symbol('no answer at all');

export class Webhook {
	posts = [];            // all of them: the event, and `attempt`
	inbox = new Inbox();   // the same, for who waits
	connections = new Set();
	connected = 0;         // connections in all
	inWork = 0;
	mostInWork = 0;
	complaints = [];

	// `handle(event)` returns effects, a Reply, one of the symbols, or nothing; or a promise of that.
	static async start(t, handle = () => [], { tls } = {}) {
		const hook = new Webhook();

		hook.handle = handle;
		hook.tls = tls;
		await hook.listen(0);
		t.after(async () => {
			await hook.close();
			assert.deepEqual(hook.complaints, []);
		});
		return hook;
	}

	async listen(port = this.port) {
		const serve = (request, response) => this.#take(request, response);

		this.server = this.tls ? createTlsServer(this.tls, serve) : createServer(serve);
		this.server.keepAliveTimeout = 0;
		this.server.on(this.tls ? 'secureConnection' : 'connection', (socket) => {
			this.connected++;
			this.connections.add(socket);
			socket.on('close', () => this.connections.delete(socket)).on('error', () => {});
		});
		await new Promise((resolve, reject) => this.server.once('error', reject).listen(port, '127.0.0.1', resolve));
		this.port = this.server.address().port;
	}

	get url() {
		return `${this.tls ? 'https://localhost' : 'http://127.0.0.1'}:${this.port}/stoa?app=test`;
	}

	async close() {
		if (!this.server.listening)
			return;
		const closed = new Promise((resolve) => this.server.close(resolve));

		this.connections.forEach((socket) => socket.destroy());
		await closed;
	}

	// The next post that nobody took and that matches.
	next(kind, matches = () => true) {
		return this.inbox.take((event) => event.kind === kind && matches(event), `a post of ${kind}`);
	}

	async #take(request, response) {
		let body = '';

		for await (const chunk of request.setEncoding('utf8'))
			body += chunk;
		const event = this.#check(request, body);

		this.posts.push(event);
		this.mostInWork = Math.max(this.mostInWork, ++this.inWork);
		response.once('close', () => this.inWork--);
		this.inbox.put(event);
		await this.#answer(response, event);
	}

	async #answer(response, event) {
		const answer = await this.handle(event);

		if (answer === NEVER)
			return;
		if (answer === HANG_UP) {
			response.socket?.destroy();
		} else if (answer instanceof Reply) {
			response.writeHead(answer.status, answer.headers).end(answer.body);
		} else if (answer === undefined) {
			response.writeHead(204).end();
		} else {
			response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify({ effects: answer }));
		}
	}

	// What every post has. A failure here is told at the end of the test.
	#check({ method, url, headers }, body) {
		try {
			const timestamp = headers['x-stoa-timestamp'];
			const signed = `sha256=${createHmac('sha256', SECRET).update(`${timestamp}.${body}`).digest('hex')}`;
			const event = JSON.parse(body);

			assert.deepEqual([method, url, headers['content-type']], ['POST', '/stoa?app=test', 'application/json']);
			assert.equal(headers['x-stoa-signature'], signed);
			assert.ok(Math.abs(Date.now() / 1000 - Number(timestamp)) < 60, 'the time is now');
			assert.equal(headers['x-stoa-event'], event.kind);
			assert.equal(event.v, 1);
			if (['connect', 'event', 'disconnect', 'handshake', 'refused'].includes(event.kind))
				assert.equal(typeof event.state, 'object', `the state goes with ${event.kind}`);
			event.attempt = Number(headers['x-stoa-attempt']);
			return event;
		} catch (error) {
			this.complaints.push(error);
			return {};
		}
	}
}

// A gateway whose application is behind `hook`; events are given up soon, and tried again soon.
export async function gatewayFor(t, hook, flags = []) {
	const g = await Gateway.startWithout(['--dispatch', 'webhook', '--webhook-url', hook.url, '--webhook-secret', SECRET,
		'--webhook-retry', '20ms', ...flags]);

	stopAfter(t, g);
	return g;
}

// A promise that the test resolves.
export function gate(what) {
	let open;
	const opened = new Promise((resolve) => (open = resolve));

	return { open, opened: deadline(opened, what) };
}

// A handler from one for each event's name; what is no event is answered with nothing.
export function onEvents(handlers) {
	return (event) => (event.kind === 'event' ? handlers[event.event]?.(event, ...event.args) : handlers[`on ${event.kind}`]?.(event));
}

export const ack = (event, ...data) => ({ do: 'ack', ack: event.ack, data });
export const emit = (...data) => ({ do: 'emit', data });
export const toRoom = (room, ...data) => ({ do: 'emit', rooms: [room], data });
