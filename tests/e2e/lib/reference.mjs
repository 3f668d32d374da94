// What a client sees of a server, written down: the same acts against Socket.IO's own server and against Stoa give two
// traces, which must be equal.

import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { forTest } from './gateway.mjs';
import { BINARY, CLOSE, fetchRaw, frame, HANDSHAKE, PING, PONG, Polling, Raw, RawWebSocket, request, SEPARATOR, TEXT } from './raw.mjs';
import { deadline, Inbox } from './wait.mjs';

const SERVER = path.join(path.dirname(fileURLToPath(import.meta.url)), 'reference_server.mjs');

// --- The two

// Socket.IO's server; `options` are its own.
export async function startReference(options = {}) {
	const child = spawn(process.execPath, [SERVER, JSON.stringify(options)], { stdio: ['pipe', 'pipe', 'inherit'] });
	const said = new Inbox();
	let rest = '';

	child.stdout.setEncoding('utf8').on('data', (text) => {
		const lines = (rest + text).split('\n');

		rest = lines.pop();
		lines.forEach((line) => said.put(JSON.parse(line)));
	});
	child.on('close', () => said.end(new Error('the reference has ended')));
	const { port } = await said.take((line) => line.port !== undefined, 'the reference to listen');
	const reasons = new Map();

	return {
		port,
		reasonOf: async (sid) => {
			if (!reasons.has(sid))
				reasons.set(sid, (await said.take((line) => line.closed === sid, `the reference to close ${sid}`)).reason);
			return reasons.get(sid);
		},
		stop: () => child.kill('SIGKILL'),
	};
}

// Stoa, seen the same way.
export function asPeer(gateway) {
	return {
		port: gateway.port,
		reasonOf: async (sid) => /why="([^"]+)"/.exec(await gateway.line(new RegExp(` closed sid=${sid} `)))[1],
	};
}

// Both for one test.
export async function bothFor(t, options, flags) {
	const reference = await startReference(options);

	t.after(() => reference.stop());
	return [reference, asPeer(await forTest(t, 'conformance', flags))];
}

// --- Traces

// How a body is framed is HTTP's business: the reference sends some in chunks, we never do.
const FREE = ['date', 'connection', 'keep-alive', 'content-length', 'transfer-encoding'];
const plain = (text) => text.replaceAll(/"sid":"[A-Za-z0-9_-]{20}"/g, '"sid":"*"').replace(/^42\d+\["q"/, '42N["q"');

// A response, without what two servers may differ in.
export function seen({ status, headers, body }) {
	const kept = Object.entries(headers).filter(([name]) => !FREE.includes(name)).sort();

	return { status, headers: Object.fromEntries(kept.map(([name, value]) => [name, name === 'upgrade' ? value.toLowerCase() : plain(value)])), body: plain(body) };
}

// What comes on a WebSocket until the pong of this, or its end, is added to the trace; false: it has ended.
async function hear(ws, pong, trace) {
	for (;;) {
		let f;

		try {
			f = await ws.next();
		} catch (error) {
			if (ws.raw.over === null)
				throw error;
			trace.push('gone');
			return false;
		}
		const text = plain(f.payload.toString());
		ws.asked = /^42(\d+)\["q"/.exec(f.payload.toString())?.[1] ?? ws.asked;
		if (f.opcode === CLOSE) {
			trace.push(`close ${f.payload.length >= 2 ? f.payload.readUInt16BE() : 'without a status'}`);
			return false;
		}
		if (f.opcode === PONG && text === pong)
			return true;
		trace.push(f.opcode === TEXT ? text : f.opcode === BINARY ? f.payload.toString('hex') : f.opcode === PONG ? `pong ${text}` : `opcode ${f.opcode}`);
	}
}

// Inputs for a WebSocket: text as it is (N is the id of what the server asked last), bytes as a binary frame, { raw } as
// it stands.
function frameOf(input, ws) {
	if (typeof input === 'string')
		return frame(TEXT, input.replace(/^(43|461-)N/, `$1${ws.asked}`));
	return Buffer.isBuffer(input) ? frame(BINARY, input) : input.raw;
}

// A WebSocket session that joins `/` first when told to, then says the inputs: what it hears, and why it ended. Each is
// followed by two pings, one after the other: when the second is answered, what the input brought about is there.
export async function overWebSocket(t, peer, inputs, { join = true } = {}) {
	const ws = await RawWebSocket.session(t, peer.port);
	const trace = [];
	let open = true;

	for (const input of [...(join ? ['40'] : []), ...inputs]) {
		ws.write(frameOf(input, ws));
		for (const ping of ['first', 'second'])
			open = open && (await hear(ws.write(frame(PING, ping)), ping, trace));
		if (!open)
			break;
	}
	ws.raw.socket.destroy();
	return open ? trace : [...trace, await peer.reasonOf(ws.opened.sid)];
}

// A question whose answer shows that all before it has been processed, whoever has joined what.
const SENTINEL = '40/nobody,';
const ANSWER = '44/nobody,{"message":"Invalid namespace"}';

// The same by polling: each input is the payload of a POST. What the POSTs are answered, then what the GETs bring.
export async function overPolling(t, peer, payloads, { join = true, headers } = {}) {
	const p = await Polling.open(t, peer.port);
	const posts = [], gets = [];

	for (const payload of [...(join ? ['40'] : []), ...payloads, SENTINEL])
		posts.push(seen(await p.post(payload, headers)));
	for (let over = false; !over;) {
		const answer = await p.get();
		const packets = plain(answer.body).split(SEPARATOR);

		over = answer.status !== 200 || packets.includes(ANSWER) || packets.includes('1');
		gets.push(...(answer.status === 200 ? packets.filter((packet) => packet !== ANSWER) : [seen(answer)]));
	}
	const ended = gets.at(-1)?.status !== undefined || gets.includes('1');
	const reason = ended ? await peer.reasonOf(p.sid) : 'open';

	// Where there is no client yet, nobody is told of the difference.
	return { posts, gets, reason: join ? reason : reason.replace('forced server close', 'forced close') };
}

// One request on a connection of its own.
export async function overHttp(t, peer, method, target, headers = [], body = undefined) {
	return seen(await fetchRaw(t, peer.port, method, target, headers, body));
}

// Bytes on a connection of their own: the answer, if there is one, and whether the server ends.
export async function rawly(t, peer, bytes, { ends = false } = {}) {
	const raw = await Raw.open(t, peer.port);

	raw.write(bytes);
	const answer = seen(await raw.response());
	if (ends)
		await deadline(raw.ended, 'the end of the connection');
	raw.socket.destroy();
	return answer;
}

// Two POSTs of one session that cross, two GETs, ...: `act(p, peer)` says what was seen; how the session ended is added.
export async function withSession(t, peer, act, { join = true } = {}) {
	const p = await Polling.open(t, peer.port);

	if (join) {
		await p.post('40');
		for (let n = 0; n < 2;)
			n += (await p.packets()).length;
	}
	const trace = await act(p, peer);
	const after = seen(await p.post('3'));

	const gone = /"code":1,/.test(after.body); // code 3: on a WebSocket meanwhile

	return { trace, after, reason: gone ? await peer.reasonOf(p.sid) : 'open' };
}

export { HANDSHAKE, request };
