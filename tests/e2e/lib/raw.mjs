// Exact bytes: HTTP and WebSocket over plain TCP, nothing added and nothing hidden.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { deadline, Inbox } from './wait.mjs';

export const SEPARATOR = '\x1e'; // between the packets of a polling payload

// --- TCP

const connections = new WeakMap(); // of each test

// The connections that a test opened end before the gateway that it started does: then that has nobody to wait for, and
// ends at once. What it does about who stays is for lifecycle.test.mjs.
export function hangUp(t) {
	connections.get(t)?.forEach((socket) => socket.destroy());
}

// A TCP connection. Bytes that arrived and nobody took are in `input`; `ended` resolves with 'fin' or 'rst' when the
// peer is done.
export class Raw {
	#room = Buffer.alloc(0); // its live part is what arrived and nobody took
	#from = 0;
	#to = 0;
	#readers = new Set();

	static open(t, port, host = '127.0.0.1') {
		return Raw.over(t, connect({ port, host, noDelay: true, allowHalfOpen: true }));
	}

	// Over a socket that is connecting; `ready` is its event when it is.
	static async over(t, socket, ready = 'connect') {
		const raw = new Raw();

		raw.socket = socket;
		t?.after(() => socket.destroy());
		if (t && !connections.get(t)?.add(socket))
			connections.set(t, new Set([socket]));
		await deadline(new Promise((resolve, reject) => socket.once(ready, resolve).once('error', reject)), 'a connection');
		raw.over = null;
		raw.ended = new Promise((resolve) => {
			const end = (how) => {
				raw.over ??= how;
				resolve(raw.over);
				raw.#wake();
			};
			socket.on('end', () => end('fin')).on('error', () => end('rst')).on('close', () => end('rst'));
		});
		socket.on('data', (data) => {
			raw.#append(data);
			raw.#wake();
		});
		return raw;
	}

	get input() {
		return this.#room.subarray(this.#from, this.#to);
	}

	// Room is doubled, so that megabytes in small pieces do not take the time in which they must be read. What was taken
	// is never written over: it may be in use.
	#append(data) {
		const { input } = this;

		if (this.#to + data.length > this.#room.length) {
			this.#room = Buffer.allocUnsafe(2 * (input.length + data.length));
			this.#from = 0;
			this.#to = input.copy(this.#room);
		}
		this.#to += data.copy(this.#room, this.#to);
	}

	#wake() {
		for (const reader of [...this.#readers])
			reader();
	}

	write(data) {
		this.socket.write(data);
		return this;
	}

	finish() {
		this.socket.end();
	}

	reset() {
		this.socket.resetAndDestroy();
	}

	closed(what = 'the peer to close the connection') {
		return deadline(this.ended, what, () => `received: ${this.input.toString('latin1').slice(0, 400)}`);
	}

	// Waits until `parse(input, over)` finds something: it returns { value, used }, or undefined for "more".
	async read(parse, what) {
		let attempt;
		const found = new Promise((resolve, reject) => {
			attempt = () => {
				try {
					const result = parse(this.input, this.over !== null);
					if (result !== undefined) {
						this.#from += result.used;
						resolve(result.value);
					} else if (this.over !== null) {
						reject(new Error(`the connection ended (${this.over}) instead of ${what}; received: ${this.input.toString('latin1').slice(0, 400)}`));
					}
				} catch (error) {
					reject(error);
				}
			};
			this.#readers.add(attempt);
			attempt();
		});
		try {
			return await deadline(found, what, () => `received: ${this.input.toString('latin1').slice(0, 400)}`);
		} finally {
			this.#readers.delete(attempt);
		}
	}

	// The next HTTP response. A HEAD's has no body whatever its Content-Length says.
	response(method = 'GET') {
		return this.read((input, over) => parseResponse(input, over, method), 'an HTTP response');
	}
}

// --- HTTP

function parseResponse(input, over, method) {
	const end = input.indexOf('\r\n\r\n');

	if (end < 0)
		return undefined;
	const [statusLine, ...lines] = input.toString('latin1', 0, end).split('\r\n');
	const [, version, status, phrase] = /^(HTTP\/1\.[01]) (\d{3}) ?(.*)$/.exec(statusLine) ?? assert.fail(`no status line: ${statusLine}`);
	const headers = {};
	for (const line of lines) {
		const colon = line.indexOf(':');
		assert.ok(colon > 0, `no header: ${line}`);
		const name = line.slice(0, colon).toLowerCase();
		const value = line.slice(colon + 1).trim();
		headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
	}
	const value = { version, status: Number(status), phrase, headers, head: input.toString('latin1', 0, end + 4) };
	const bodyAt = end + 4;

	if (method === 'HEAD' || value.status === 304 || value.status === 204 || value.status === 101)
		return { value: { ...value, body: '', bytes: Buffer.alloc(0) }, used: bodyAt };
	if (/chunked/i.test(headers['transfer-encoding'] ?? '')) {
		const chunked = parseChunks(input, bodyAt);
		return chunked && { value: { ...value, body: chunked.bytes.toString(), bytes: chunked.bytes }, used: chunked.used };
	}
	const length = headers['content-length'];
	if (length === undefined && !over)
		return undefined;
	const size = length === undefined ? input.length - bodyAt : Number(length);
	if (input.length < bodyAt + size)
		return undefined;
	const bytes = Buffer.from(input.subarray(bodyAt, bodyAt + size));
	return { value: { ...value, body: bytes.toString(), bytes }, used: bodyAt + size };
}

function parseChunks(input, at) {
	const parts = [];

	for (;;) {
		const end = input.indexOf('\r\n', at);
		if (end < 0)
			return undefined;
		const size = parseInt(input.toString('latin1', at, end), 16);
		const next = end + 2 + size + 2;
		if (input.length < next)
			return undefined;
		if (size === 0)
			return { bytes: Buffer.concat(parts), used: next };
		parts.push(input.subarray(end + 2, end + 2 + size));
		at = next;
	}
}

// The bytes of a request. `headers` are given as lines, so that they may be wrong.
export function request(method, target, headers = [], body = undefined) {
	const lines = [`${method} ${target} HTTP/1.1`, 'Host: 127.0.0.1', ...headers];

	if (body !== undefined)
		lines.push(`Content-Length: ${Buffer.byteLength(body)}`);
	return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), Buffer.from(body ?? '')]);
}

// One request over a connection of its own.
export async function fetchRaw(t, port, method, target, headers = [], body = undefined) {
	const raw = await Raw.open(t, port);

	raw.write(request(method, target, headers, body));
	const response = await raw.response(method);
	raw.finish();
	return response;
}

// --- Engine.IO over polling

export const HANDSHAKE = '/socket.io/?EIO=4&transport=polling';

// A polling session, handled by hand. get() and post() each use a connection of their own, as browsers may.
export class Polling {
	static async open(t, port, { connect: auth } = {}) {
		const p = new Polling();
		const response = await fetchRaw(t, port, 'GET', HANDSHAKE);

		assert.equal(response.status, 200, response.body);
		Object.assign(p, { t, port, open: JSON.parse(response.body.slice(1)) });
		p.sid = p.open.sid;
		p.target = `${HANDSHAKE}&sid=${p.sid}`;
		if (auth !== undefined)
			p.connected = await p.connect(auth);
		return p;
	}

	// CONNECT to the main namespace; takes the answer and the `auth` event with which examples/conformance follows it.
	async connect(auth = '') {
		const packets = [];

		assert.equal((await this.post(`40${auth}`)).body, 'ok');
		while (packets.length < 2)
			packets.push(...(await this.packets()));
		assert.match(packets[0], /^40\{"sid":"/);
		assert.match(packets[1], /^42\["auth",/);
		return packets;
	}

	get(headers = []) {
		return fetchRaw(this.t, this.port, 'GET', this.target, headers);
	}

	post(body, headers = ['Content-Type: text/plain;charset=UTF-8']) {
		return fetchRaw(this.t, this.port, 'POST', this.target, headers, body);
	}

	// The packets of one GET.
	async packets() {
		const response = await this.get();
		assert.equal(response.status, 200, response.body);
		return response.body.split(SEPARATOR);
	}

	// A GET that is left pending: its connection. Waiting for it to be parked needs `settle()`.
	async park(headers = []) {
		const raw = await Raw.open(this.t, this.port);
		raw.write(request('GET', this.target, headers));
		await this.settle();
		return raw;
	}

	// A request that the server answers at once, so that what was written before on this machine has been read.
	async settle() {
		for (let i = 0; i < 2; i++)
			await fetchRaw(this.t, this.port, 'GET', '/socket.io/?EIO=4&transport=none');
	}

	// Is the session gone? A session that is still there may end by being asked: a post beside another one is answered with
	// a 400 that has no body.
	async isGone() {
		const { status, body } = await this.post('3');
		return status === 400 && body !== '' && JSON.parse(body).code === 1;
	}
}

// --- WebSocket

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

export function upgradeRequest(target, { key = randomBytes(16).toString('base64'), headers = [] } = {}) {
	return request('GET', target, ['Connection: Upgrade', 'Upgrade: websocket', `Sec-WebSocket-Key: ${key}`, 'Sec-WebSocket-Version: 13', ...headers]);
}

// One frame's bytes; from a client they are masked, unless a test wants it wrong.
export function frame(opcode, payload = '', { fin = true, rsv = 0, mask = true, claim = undefined } = {}) {
	const data = Buffer.from(payload);
	const size = claim ?? data.length;
	const length = size < 126 ? [size] : size < 65536 ? [126, size >> 8, size & 255] : [127, ...uint64(size)];
	const head = Buffer.from([(fin ? 0x80 : 0) | (rsv << 4) | opcode, length[0] | (mask ? 0x80 : 0), ...length.slice(1)]);

	if (!mask)
		return Buffer.concat([head, data]);
	const key = randomBytes(4);
	return Buffer.concat([head, key, data.map((byte, i) => byte ^ key[i % 4])]);
}

function uint64(n) {
	const bytes = Buffer.alloc(8);

	bytes.writeBigUInt64BE(BigInt(n));
	return bytes;
}

export const TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10;

export class RawWebSocket {
	// `port` may be a connection that is there, a Raw.
	static async open(t, port, target = '/socket.io/?EIO=4&transport=websocket', options = {}) {
		const ws = new RawWebSocket();
		const key = randomBytes(16).toString('base64');

		ws.raw = port instanceof Raw ? port : await Raw.open(t, port);
		ws.raw.write(upgradeRequest(target, { key, ...options }));
		ws.response = await ws.raw.response();
		assert.equal(ws.response.status, 101, ws.response.body);
		assert.equal(ws.response.headers['sec-websocket-accept'], createHash('sha1').update(key + GUID).digest('base64'));
		return ws;
	}

	// A session of its own, its open packet taken; with `connect` also in the main namespace.
	static async session(t, port, { connect: auth, target } = {}) {
		const ws = await RawWebSocket.open(t, port, target);
		const text = await ws.text();

		assert.match(text, /^0\{"sid":"/);
		ws.opened = JSON.parse(text.slice(1));
		if (auth !== undefined) {
			ws.send(`40${auth}`);
			ws.connected = await ws.text();
			assert.match(ws.connected, /^40\{"sid":"/);
		}
		return ws;
	}

	send(text) {
		this.raw.write(frame(TEXT, text));
		return this;
	}

	sendBinary(bytes) {
		this.raw.write(frame(BINARY, bytes));
		return this;
	}

	write(bytes) {
		this.raw.write(bytes);
		return this;
	}

	next(what = 'a WebSocket frame') {
		return this.raw.read(parseFrame, what);
	}

	// The next message, which must be text.
	async text(what = 'a text message') {
		const f = await this.next(what);

		assert.equal(f.opcode, TEXT, `${what}: got opcode ${f.opcode} ${f.payload}`);
		return f.payload.toString();
	}

	// The next text message that is no ping; pings are answered.
	async message(what) {
		for (;;) {
			const text = await this.text(what);
			if (text !== '2')
				return text;
			this.send('3');
		}
	}

	// The server closes: the code of its Close frame (1005 for one without), 'fin' or 'rst' if none came. What came
	// before it is added to `before`.
	async closed(before = []) {
		for (;;) {
			let f;
			try {
				f = await this.next('the server to close');
			} catch (error) {
				if (this.raw.over === null)
					throw error;
				return this.raw.over;
			}
			if (f.opcode === CLOSE) {
				const code = f.payload.length >= 2 ? f.payload.readUInt16BE() : 1005;
				if (!this.raw.socket.destroyed)
					this.raw.write(frame(CLOSE, f.payload.subarray(0, 2)));
				this.raw.finish();
				return code;
			}
			before.push(f.payload.toString());
		}
	}
}

function parseFrame(input) {
	if (input.length < 2)
		return undefined;
	const short = input[1] & 0x7f;
	const at = short < 126 ? 2 : short === 126 ? 4 : 10;

	assert.equal(input[1] & 0x80, 0, 'a server does not mask');
	if (input.length < at)
		return undefined;
	const size = short < 126 ? short : short === 126 ? input.readUInt16BE(2) : Number(input.readBigUInt64BE(2));
	if (input.length < at + size)
		return undefined;
	const payload = Buffer.from(input.subarray(at, at + size));
	return { value: { fin: input[0] >= 0x80, rsv: (input[0] >> 4) & 7, opcode: input[0] & 15, payload }, used: at + size };
}

export { Inbox };
