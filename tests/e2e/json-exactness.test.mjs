// What a stock client has after its values went to the server and back: from Stoa the same as from Socket.IO's own server,
// to the last bit of a number and the order of keys. Differences that are meant are in DIFFERENCES, and in docs/protocol.md.
//
// SEED=n repeats a run; every failure names its seed.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import msgpack from 'socket.io-msgpack-parser';
import * as json from 'socket.io-parser';
import { connect } from './lib/client.mjs';
import { startEchoReference } from './lib/echo_reference.mjs';
import { Gateway } from './lib/gateway.mjs';
import { Polling, RawWebSocket } from './lib/raw.mjs';
import { Chance, difference, fitForMsgpack, HARD, HARD_BINARY, hasBinary, nested, put, RAW, value } from './lib/values.mjs';

const SEED = Number(process.env.SEED ?? 20260711);
const COUNT = 10_000, BINARY_EACH = 10; // values in all, and the part of them that may hold binary
const GROUP = 64, GROUP_TEXT = 150_000; // values in one event, and how long its text may be
const AT_ONCE = 16;

// Node and Stoa, with the one parser or the other.
function servers(options, flags) {
	let both = [];

	before(async () => {
		both = await Promise.all([startEchoReference(options), Gateway.start('clients', flags)]);
	});
	after(() => Promise.all(both.map((server) => server.stop())));
	return () => both;
}

const withJson = servers({}, []);
const withMsgpack = servers({ parser: msgpack }, ['--parser', 'msgpack']);

// `fit` makes of a value one that the parser's client can send without spoiling it.
const PARSERS = [
	{ name: 'the default parser', parser: json, peers: withJson, ways: ['echo', 'back', 'rebuild', 'rewrite'], fit: (v) => v },
	{ name: 'socket.io-msgpack-parser', parser: msgpack, peers: withMsgpack, ways: ['echo', 'back', 'rebuild'], fit: fitForMsgpack },
];

const show = (v) => (JSON.stringify(v) ?? String(v)).slice(0, 300);

// --- Values of a stock client

function generate({ parser, fit }) {
	const c = new Chance(SEED);
	const values = [];

	while (values.length < COUNT) {
		const v = fit(value(c, 4, values.length % BINARY_EACH === 0 ? { binary: 8, odd: 2 } : { binary: 0, odd: 2 }));
		if (canBeSent(v, parser))
			values.push(v);
	}
	return values;
}

// Beside binary the client copies a key __proto__ so that it may choke on the copy, and what looks like a placeholder is
// taken for one: then both servers close the connection.
function canBeSent(v, parser) {
	try {
		return understood(new parser.Encoder().encode({ type: 2, nsp: '/', data: ['echo', v] }), parser) !== undefined;
	} catch {
		return false;
	}
}

// Lists of arguments: as many plain values together as may be, those with binary alone.
function groupsOf(values) {
	const groups = [];
	let group = [], size = 0;

	for (const v of values) {
		const length = hasBinary(v) ? Infinity : (JSON.stringify(v) ?? '').length;

		if (group.length > 0 && (group.length === GROUP || size + length > GROUP_TEXT)) {
			groups.push(group);
			group = [];
			size = 0;
		}
		group.push(v);
		size += length;
	}
	// The last argument is no function, which would be an ack.
	return [...groups, group].map((args) => [...args, 'end']);
}

// To the server and back: passed on in an ack and in an event, and made anew by the application.
const back = (way, socket, args) => (way === 'back' ? (socket.emit(way, ...args), socket.next(way)) : socket.ask(way, ...args));

// In C a key ends at its first NUL, and building anew goes through that.
function withKeysOfC(v) {
	if (v === null || typeof v !== 'object' || ArrayBuffer.isView(v) || v instanceof ArrayBuffer)
		return v;
	if (Array.isArray(v))
		return v.map(withKeysOfC);
	return Object.entries(v).reduce((object, [key, member]) => put(object, key.split('\0')[0], withKeysOfC(member)), {});
}

const expectedOf = (event, fromNode) => (event === 'rebuild' ? withKeysOfC(fromNode) : fromNode);

// JSON in between knows no binary.
const waysFor = (args, ways) => ways.filter((way) => way !== 'rewrite' || !hasBinary(args));

// The answer, or an error when the connection ends instead.
async function answered(promise, socket, what) {
	let listener;
	const ended = new Promise((_, reject) => socket.once('disconnect', (listener = (reason) => reject(new Error(reason)))));

	try {
		return await Promise.race([promise, ended]);
	} catch (error) {
		throw new Error(`${what}: ${error.message}`, { cause: error });
	} finally {
		socket.off('disconnect', listener);
	}
}

async function compareGroup(sockets, args, ways, name) {
	for (const way of waysFor(args, ways)) {
		const [fromNode, fromStoa] = await Promise.all(sockets.map((socket, i) => answered(back(way, socket, args), socket, `${['Node', 'Stoa'][i]}, seed ${SEED}, ${name}, ${way}: ${show(args)}`)));
		const found = difference(expectedOf(way, fromNode), fromStoa);

		if (found !== null)
			assert.fail(`seed ${SEED}, ${name}, ${way}: Node and Stoa differ at ${found}\nsent: ${show(args)}`);
	}
}

async function compareAll(t, { peers, parser, ways, fit }, values, transports, what) {
	const sockets = await Promise.all(peers().map(({ url }) => connect(t, url, { transports, parser })));
	const groups = groupsOf(values.map(fit).filter((v) => canBeSent(v, parser)));
	let next = 0;

	// Events come back in the order they went out, so that several may be on their way.
	await Promise.all(Array.from({ length: AT_ONCE }, async () => {
		for (let i = next++; i < groups.length; i = next++)
			await compareGroup(sockets, groups[i], ways, `${what}, group ${i}`);
	}));
}

for (const p of PARSERS) {
	for (const transport of ['websocket', 'polling']) {
		describe(`values over ${transport}, ${p.name}`, () => {
			const transports = [transport];

			test('hard ones', (t) => compareAll(t, p, HARD, transports, 'hard values'));
			test('hard ones with binary', (t) => compareAll(t, p, HARD_BINARY, transports, 'hard values with binary'));
			test(`${COUNT} generated ones`, (t) => compareAll(t, p, generate(p), transports, 'generated values'));

			test('in the auth object', async (t) => {
				const values = [...HARD.map(p.fit), ...generate(p).slice(0, 1000)].filter((v) => !hasBinary(v) && canBeSent(v, p.parser));
				const auth = Object.fromEntries(values.map((v, i) => [`value ${i}`, v]));
				const [fromNode, fromStoa] = await Promise.all(p.peers().map(async ({ url }) => (await connect(t, url, { transports, parser: p.parser, auth })).ask('auth')));

				// Stoa keeps it as JSON, whatever it came as.
				assert.equal(difference(JSON.parse(JSON.stringify(fromNode)), fromStoa), null, `seed ${SEED}`);
			});
		});
	}
}

// --- Texts that are sent as they are

const EVENTS = ['echo', 'rebuild', 'rewrite'];
const CLOSED = 'closes the connection';

// The arguments that a stock client finds in a packet and its attachments.
function understood([packet, ...attachments], parser = json) {
	const decoder = new parser.Decoder();
	let whole;

	decoder.on('decoded', (decoded) => (whole = decoded));
	decoder.add(packet);
	attachments.forEach((bytes) => decoder.add(bytes));
	return whole.data;
}

// The next packet with its attachments, CLOSED when the server ends instead.
async function nextPacket(ws) {
	const parts = [];

	for (let due = 1; parts.length < due;) {
		let f;

		try {
			f = await ws.next();
		} catch (error) {
			if (ws.raw.over === null)
				throw error;
			return CLOSED;
		}
		if (f.opcode === 8)
			return CLOSED;
		if (f.opcode === 2)
			parts.push(f.payload);
		else if (f.payload.toString() === '2')
			ws.send('3');
		else {
			parts.push(f.payload.toString());
			due += Number(/^4[56](\d+)-/.exec(parts[0])?.[1] ?? 0);
		}
	}
	return parts;
}

// A connection on which texts are said one after the other; a new one after it was closed.
class Talker {
	constructor(t, peer) {
		Object.assign(this, { t, peer, id: 0 });
	}

	async say(head, json, attachments = []) {
		if (this.ws === undefined) {
			this.ws = await RawWebSocket.session(this.t, this.peer.port);
			this.ws.send('40');
			await nextPacket(this.ws);
		}
		this.ws.send(`${head}${this.id++}${json}`);
		attachments.forEach((bytes) => this.ws.sendBinary(bytes));
		const answer = await nextPacket(this.ws);
		if (answer === CLOSED) {
			this.ws.raw.socket.destroy();
			this.ws = undefined;
		}
		return answer;
	}
}

const talkers = (t) => withJson().map((peer) => new Talker(t, peer));
const bothSay = (both, ...what) => Promise.all(both.map((talker) => talker.say(...what)));

function compareAnswers(event, [fromNode, fromStoa], what) {
	if (fromNode === CLOSED || fromStoa === CLOSED)
		return assert.equal(fromStoa === CLOSED ? CLOSED : show(fromStoa), fromNode === CLOSED ? CLOSED : show(fromNode), what);
	const [expected, got] = [fromNode, fromStoa].map(([text, ...attachments]) => understood([text.slice(1), ...attachments]));

	assert.equal(difference(expectedOf(event, expected), got), null, what);
}

test('texts that no client writes, over WebSocket', async (t) => {
	const both = talkers(t);

	for (const text of RAW)
		for (const event of EVENTS)
			compareAnswers(event, await bothSay(both, '42', `["${event}",${text}]`), `${event} of ${text.slice(0, 200)}`);
});

test('texts that no client writes, over polling', async (t) => {
	const valid = RAW.filter((text) => isJson(text));
	const payload = valid.map((text, i) => `42${i}["echo",${text}]`).join('\x1e');
	const answers = await Promise.all(withJson().map(async ({ port }) => {
		const p = await Polling.open(t, port);
		const packets = [];

		assert.equal((await p.post('40')).body, 'ok');
		while (packets.length < 1)
			packets.push(...(await p.packets()));
		assert.equal((await p.post(payload)).body, 'ok');
		while (packets.length < 1 + valid.length)
			packets.push(...(await p.packets()));
		return packets.slice(1);
	}));

	assert.ok(valid.length > 100);
	valid.forEach((text, i) => compareAnswers('echo', answers.map((all) => [all[i]]), text));
});

function isJson(text) {
	try {
		JSON.parse(text);
		return true;
	} catch {
		return false;
	}
}

// Arguments of events with two attachments.
const PLACE = (num, more = '') => `{"_placeholder":true,"num":${num}${more}}`;
const PLACEHOLDERS = [
	`${PLACE(0)},${PLACE(1)}`, `${PLACE(1)},${PLACE(0)}`, `${PLACE(0)},${PLACE(0)}`, PLACE(0), '1', '[]', `[${PLACE(0)},{"a":${PLACE(1)}}]`, PLACE(0, ',"more":1'), `{"num":1,"_placeholder":true}`,
	`{"num":0,"_placeholder":true,"num":1}`, `{"_placeholder":false,"num":0,"_placeholder":true}`, `{"_placeholder":true,"num":0,"_placeholder":false}`, `{"\\u005fplaceholder":true,"\\u006eum":1}`,
	`{"_placeholder":1,"num":0}`, `{"_placeholder":"true","num":9}`, `{"_placeholder":null,"num":-1}`, `{"a":${PLACE(0)},"a":1}`, `{"a":1,"a":${PLACE(0)}}`, `{"1":${PLACE(0)},"0":${PLACE(1)}}`,
	`{"b":-0,"a":${PLACE(0)},"c":1e400}`, PLACE(2), PLACE(-1), PLACE('"0"'), PLACE('null'), PLACE('true'), PLACE('[]'), PLACE('1e400'), PLACE('"splice"'), PLACE('99999999999999999999'), '{"_placeholder":true}',
	`{"_placeholder" : true , "num" : 1 }`, PLACE(0, ',"toString":1'), `[{"_placeholder":true,"num":0}, "a", {"_placeholder":true,"num":1,"x":{}}]`,
];

test('placeholders as no client writes them', async (t) => {
	const both = talkers(t), bytes = [Buffer.from([1, 2]), Buffer.from([3])];

	for (const text of PLACEHOLDERS)
		for (const event of ['echo', 'rebuild'])
			compareAnswers(event, await bothSay(both, '452-', `["${event}",${text}]`, bytes), `${event} of ${text}`);
});

// --- Where they differ, because it is meant so

const B = [Buffer.from([1])];
const DIFFERENCES = [
	{ what: 'integers of up to 64 bits are kept', head: '42', json: '["echo",9007199254740993,-9223372036854775808,18446744073709551615]', node: '[9007199254740992,-9223372036854776000,18446744073709552000]',
		stoa: '[9007199254740993,-9223372036854775808,18446744073709551615]' },
	{ what: 'they are kept when built anew', head: '42', json: '["rebuild",[9007199254740993,-9223372036854775808,18446744073709551615]]', node: '[[9007199254740992,-9223372036854776000,18446744073709552000]]',
		stoa: '[[9007199254740993,-9223372036854775808,18446744073709551615]]' },
	{ what: 'nesting has a limit: 64 with the arguments', head: '42', json: `["echo",${JSON.stringify(nested(64))}]`, node: JSON.stringify([nested(64)]), stoa: CLOSED },
	{ what: 'a key __proto__ survives in an event with binary', head: '451-', json: `["echo",{"__proto__":[1],"a":${PLACE(0)}}]`, attachments: B, node: `[{"a":${PLACE(0)}}]`, stoa: `[{"__proto__":[1],"a":${PLACE(0)}}]` },
	{ what: 'the number of an attachment is digits only', head: '451-', json: `["echo",${PLACE('0.0')}]`, attachments: B, node: `[${PLACE(0)}]`, stoa: CLOSED },
	{ what: 'a placeholder that nothing can come of is refused all the same', head: '451-', json: `["echo",{"a":${PLACE(7)},"a":1}]`, attachments: B, node: '[{"a":1}]', stoa: CLOSED },
	{ what: 'the C application reads and writes keys up to their first NUL', head: '42', json: '["rebuild",{"a\\u0000b":1}]', node: '[{"a\\u0000b":1}]', stoa: '[{"a":1}]' },
];

for (const { what, head, json, attachments, ...expected } of DIFFERENCES) {
	test(`differs from Node: ${what}`, async (t) => {
		const answers = await bothSay(talkers(t), head, json, attachments);

		for (const [i, name] of ['node', 'stoa'].entries())
			assert.equal(answers[i] === CLOSED ? CLOSED : answers[i][0].replace(/^4(3|6\d+-)0/, ''), expected[name], name);
	});
}

test('nesting up to the limit comes back', async (t) => {
	const both = talkers(t);

	for (const event of EVENTS)
		compareAnswers(event, await bothSay(both, '42', `["${event}",${JSON.stringify(nested(63))}]`), event);
});
