// The load of cost.mjs's scenarios about the bus: what other processes publish in Redis, and what a gateway with a few clients in
// one room does with it. In step: the next comes when all that was said before has been heard.

import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { freePort } from './servers.mjs';

const PATIENCE_MS = 60_000;
const ROOM = 'r0';
const CHANNEL = `socket.io#/#${ROOM}#`;
// What is said: values of the kinds that applications send.
const PAYLOAD = { id: 12345, from: 'alice', text: 'a message as people write it, with an é in it, and of some length', at: 1732212345678, ratio: 0.25, tags: ['a', 'b'], read: false };
const SAY = `42["say","${ROOM}",${JSON.stringify(PAYLOAD)}]`, SAID = `42["say",${JSON.stringify(PAYLOAD)}]`;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function until(what, found) {
	for (const end = Date.now() + PATIENCE_MS; ; await sleep(5)) {
		const answer = await found();

		if (answer)
			return answer;
		if (Date.now() > end)
			throw new Error(`${what}: waited for in vain`);
	}
}

// --- MessagePack, as far as it is needed here ---------------------------------------------------------------------------

function packNumber(n) {
	const bytes = Buffer.alloc(9);

	if (Number.isInteger(n) && n >= 0 && n < 128)
		return Buffer.from([n]);
	if (Number.isInteger(n) && n < 65536)
		return Buffer.from([0xcd, n >> 8, n & 255]);
	if (Number.isInteger(n))
		bytes.writeBigUInt64BE(BigInt(n), bytes.writeUInt8(0xcf));
	else
		bytes.writeDoubleBE(n, bytes.writeUInt8(0xcb));
	return bytes;
}

function packText(text) {
	const bytes = Buffer.from(text);

	return Buffer.concat([Buffer.from(bytes.length < 32 ? [0xa0 | bytes.length] : [0xd9, bytes.length]), bytes]);
}

function pack(value) {
	if (typeof value === 'number')
		return packNumber(value);
	if (typeof value === 'string')
		return packText(value);
	if (typeof value === 'boolean')
		return Buffer.from([value ? 0xc3 : 0xc2]);
	if (Array.isArray(value))
		return Buffer.concat([Buffer.from([0x90 | value.length]), ...value.map(pack)]);
	return Buffer.concat([Buffer.from([0x80 | Object.keys(value).length]), ...Object.entries(value).flatMap((pair) => pair.map(pack))]);
}

const broadcast = (rooms) => pack(['other1', { type: 2, data: ['say', PAYLOAD], nsp: '/' }, { rooms, except: [], flags: {} }]);

// --- Redis --------------------------------------------------------------------------------------------------------------

const command = (...words) => Buffer.concat([Buffer.from(`*${words.length}\r\n`),
	...words.flatMap((word) => [Buffer.from(`$${Buffer.byteLength(word)}\r\n`), Buffer.from(word), Buffer.from('\r\n')])]);

function reached(port) {
	return new Promise((resolve, reject) => {
		const socket = connect(port, '127.0.0.1', () => resolve(socket.setNoDelay(true)));

		socket.on('error', reject);
	});
}

// Sends commands and keeps all that comes back.
async function linkTo(port) {
	const link = { socket: await reached(port), received: Buffer.alloc(0) };

	link.socket.on('data', (bytes) => (link.received = Buffer.concat([link.received, bytes])));
	return link;
}

export async function openRedis() {
	const port = await freePort();
	const child = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'], { stdio: 'ignore' });
	const ended = new Promise((resolve) => child.on('close', resolve));
	const answers = () => reached(port).then((socket) => (socket.destroy(), true), () => false);

	await until('redis-server', answers);
	return { port, close: () => (child.kill(), ended) };
}

// --- Clients ------------------------------------------------------------------------------------------------------------

// A text frame of less than 64 KiB, masked with zeros.
function frame(text) {
	const bytes = Buffer.from(text), size = bytes.length;

	return Buffer.concat([Buffer.from([0x81, ...(size < 126 ? [0x80 | size] : [0xfe, size >> 8, size & 255]), 0, 0, 0, 0]), bytes]);
}

class Client {
	heard = 0;
	packets = []; // but those that are counted
	#isOpen = false; // the answer's head is through
	#bytes = Buffer.alloc(0);

	constructor(socket, step) {
		this.socket = socket;
		this.step = step;
		socket.on('data', (bytes) => this.#take(bytes));
	}

	say(text) {
		this.socket.write(frame(text));
	}

	#take(bytes) {
		this.#bytes = Buffer.concat([this.#bytes, bytes]);
		if (!this.#isOpen && this.#bytes.includes('\r\n\r\n')) {
			this.#isOpen = true;
			this.#bytes = this.#bytes.subarray(this.#bytes.indexOf('\r\n\r\n') + 4);
		}
		while (this.#isOpen && this.#bytes.length >= 4) {
			const isLong = this.#bytes[1] === 126, head = isLong ? 4 : 2, size = isLong ? this.#bytes.readUInt16BE(2) : this.#bytes[1];

			if (this.#bytes.length < head + size)
				return;
			this.#packet(this.#bytes.subarray(head, head + size).toString());
			this.#bytes = this.#bytes.subarray(head + size);
		}
	}

	#packet(packet) {
		if (!packet.startsWith('42["say"')) {
			this.packets.push(packet);
			return;
		}
		if (packet !== SAID)
			throw new Error(`a client was told ${packet}`);
		this.heard++;
		this.step();
	}
}

async function join(port, step) {
	const client = new Client(await reached(port), step);

	client.socket.write(`GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`
		+ 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
	await until('the session', () => client.packets.length);
	client.say('40');
	client.say(`420["join","${ROOM}"]`);
	await until('the room', () => client.packets.some((packet) => packet.startsWith('430')));
	return client;
}

// --- What is driven -----------------------------------------------------------------------------------------------------

// kind -> the messages of one step, given what the gateway itself published once, and how many of them the clients hear.
// Those that nobody hears end with one that tells that they are through.
const forUs = [CHANNEL, broadcast([ROOM])], forOthers = ['socket.io#/#', broadcast(['elsewhere', 'nowhere'])];
const kinds = {
	heard: { messages: () => [forUs], heard: 1 },
	flood: { messages: () => Array(8).fill(forUs), heard: 8 },
	elsewhere: { messages: () => [...Array(16).fill(forOthers), forUs], heard: 1 },
	own: { messages: (own) => [...Array(16).fill([CHANNEL, own]), forUs], heard: 1 },
	said: { messages: () => [], heard: 1 },
};

// What the gateway publishes when its client says something.
async function publishedBy(client, redis) {
	const link = await linkTo(redis);

	link.socket.write(command('SUBSCRIBE', CHANNEL));
	await until('a subscription', () => link.received.includes(':1\r\n'));
	client.say(SAY);
	const payload = await until('what was said', () => {
		const at = link.received.indexOf('\r\n\x93', 0, 'latin1') + 2; // an array of three begins so
		const size = Number(link.received.subarray(link.received.lastIndexOf('$', at) + 1, at - 2));

		return at > 2 && link.received.length >= at + size + 2 && link.received.subarray(at, at + size);
	});
	link.socket.destroy();
	return payload;
}

// `count` steps of a kind at the gateway on `port`, with so many clients in the room.
export async function drive(kind, clients, count, port, redis) {
	const { messages, heard } = kinds[kind];
	const link = await linkTo(redis), members = [];
	let due = 1, wake;
	const all = (what) => new Promise((resolve, reject) => {
		const late = setTimeout(() => reject(new Error(`${what}: not heard`)), PATIENCE_MS);

		wake = () => members.every((one) => one.heard >= due) && (clearTimeout(late), resolve());
	});

	for (let i = 0; i < clients; i++)
		members.push(await join(port, () => wake?.()));
	await until('the gateway\'s subscription', async () => {
		link.socket.write(command('PUBSUB', 'NUMSUB', CHANNEL));
		await sleep(20);
		return link.received.includes(':1\r\n');
	});
	const first = all('the first message'), own = await publishedBy(members[0], redis); // so the bus is up

	await first;
	for (let i = 0; i < count; i++) {
		due += heard;
		const done = all(`message ${i}`), step = messages(own);

		if (step.length)
			link.socket.write(Buffer.concat(step.map((words) => command('PUBLISH', ...words))));
		else
			members[0].say(SAY);
		await done;
		if (step.length === 0)
			await sleep(3); // until what was published has come back
	}
	link.socket.destroy();
	for (const one of members)
		one.socket.destroy();
}
