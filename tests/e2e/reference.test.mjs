// A client cannot tell Stoa from Socket.IO's own server: the same bytes to both, and what comes back is compared, with
// the reason for which the session ended. Where we differ the row says why, and must differ: a difference that is no
// more is an error, too. The answers themselves are in protocol.test.mjs, packets.test.mjs and their neighbours.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Gateway } from './lib/gateway.mjs';
import { frame, Raw, request, SEPARATOR, upgradeRequest } from './lib/raw.mjs';
import { asPeer, HANDSHAKE, overHttp, overPolling, overWebSocket, rawly, seen, startReference, withSession } from './lib/reference.mjs';

const LIMIT = 10_000;
let gateway, reference, stoa;

before(async () => {
	reference = await startReference({ maxHttpBufferSize: LIMIT, httpCompression: false });
	// The reference looks at no origin; neither does this one.
	gateway = await Gateway.start('conformance', ['--max-http-buffer-size', `${LIMIT}B`, '--cors-allowed-origins', '', '--serve-client', 'false']);
	stoa = asPeer(gateway);
});
after(async () => {
	reference?.stop();
	await gateway?.stop();
});

// `differs`: why we do.
async function compare(t, play, differs) {
	const theirs = await play(reference);
	const ours = await play(stoa);

	if (differs === undefined)
		assert.deepEqual(ours, theirs);
	else
		assert.notDeepEqual(ours, theirs, `no difference any more: ${differs}`);
}

const WHITE = 'white space is no digit here; the reference reads it as one, as JavaScript does';
const NO_JSON = 'the reference takes a packet without its JSON';
// As it may stand in a test's name.
const show = (input) => (Buffer.isBuffer(input) ? `<${input.toString('hex', 0, 16)}>` : input.raw ? `raw <${input.raw.toString('hex', 0, 16)}>` : `${input.slice(0, 60)}${input.length > 60 ? '...' : ''}`).replaceAll('\n', '\\n');
const bytes = (...list) => Buffer.from(list);
const placeholder = (num) => `{"_placeholder":true,"num":${num}}`;

describe('2.10 against the reference: packets before CONNECT, by WebSocket', () => {
	const rows = [
		['40'], ['40{"a":1}'], ['40[]'], ['40null'], ['40"x"'], ['40{"a"'], ['40123'], ['40123{"a":1}'], ['40true'], ['40 '], ['40{}x'], ['40{"pid":"AAAAAAAAAAAAAAAAAAAA","offset":"x"}'],
		['40/custom'], ['40/custom,'], ['40/custom,{"a":1}'], ['40/custom,[]'], ['40/custom,12'], ['40/custom,12{"a":1}'], ['40/custom?token=1,'], ['40/nope'], ['40/,'], ['40/'],
		['40//'], ['40/custom/,'], ['40/Custom,'], ['40/dynamic-12,'], ['40/dynamic-,'], ['40/dynamic-1x,'], ['40/guard,'], ['40/guard,{"data":1}'], ['40/guard,{"ok":true}'],
		['40/guard,{"data":0}'], ['40/guard,', '40/guard,{"ok":1}'], ['40/guard,', '42/guard,["x"]'],
		['42["message"]'], ['431[]'], ['41'], ['41/custom,'], ['4'], ['44{"message":"x"}'], ['44'], ['47'], ['4x'],
		['451-["a",{"_placeholder":true,"num":0}]', bytes(1)], [bytes(1)], ['42/custom,["x"]'],
	];

	for (const inputs of rows)
		test(`2.10: ${inputs.map(show).join(' | ')}`, (t) => compare(t, (peer) => overWebSocket(t, peer, inputs, { join: false }), inputs[0] === '40 ' ? WHITE : undefined));
});

describe('2.10 against the reference: events and acks, by WebSocket', () => {
	const ID = 'ids are integers of 64 bits here, doubles there';
	const rows = [
		['42["message"]'], ['42["message",1,"a",[null,true],{"x":{}}]'], ['42[1,"x"]'], ['42[1.5]'], ['42[""]'],
		['42'], ['4212'], ['42{}'], ['42[]'], ['42[null]'], ['42[true]'], ['42[["message"]]'], ['42[{"toString":"foo"}]'], ['42"x"'], ['42["message"'],
		['42["message"]x'], ['42abc["message"]'], ['42-1["message"]'], ['42 ["message",1]'], ['42["message",1] '], ['42\n["message"]'],
		['420["message-with-ack",1]'], ['4212["message-with-ack"]'], ['42007["message-with-ack"]'], ['4299["nobody"]'], ['42 1["message"]'],
		['429007199254740993["message-with-ack"]', ID], [`42${'234567890123456789012345678901'}["message-with-ack"]`, ID], ['4218446744073709551616["message-with-ack"]', ID],
		['421["message-with-ack"]', '421["message-with-ack"]'],
		...['connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener'].map((name) => [`42["${name}"]`]),
		...['error', 'connection', '__proto__', 'toString', 'constructor', 'hasOwnProperty', 'disconnected'].map((name) => [`42["${name}",1]`]),
		['42["\\u0063onnect"]'], ['42["connect ",1]'],
		['431[]'], ['43[]'], ['4399[1]'], ['431{}'], ['431'], ['43'], ['431"x"'], ['431[1', ],
		['425["ask"]', '43N["one"]', '43N["two"]'], ['425["ask"]', '43N[]'],
		['421["join","r"]', '422["join","s"]', '42["bcast",1]'],
		['41'], ['41', '40'], ['41', '42["message"]'], ['41[]'], ['41{}'], ['411'], ['41/custom,'], ['41,'],
		['40'], ['40/custom,', '40/custom,'], ['40/custom,', '42["message",1]', '41/custom,', '42["message",2]'], ['40/custom,', '41', '42/custom,["message"]', '40'],
		['44'], ['44{"message":"x"}'], ['45'], ['46'], ['47'], ['48["a"]'], ['49'], ['4x'], ['4'],
		['421["bye"]'], ['42["bye"]', '40'], ['42["bye"]', '42["message"]'], ['42["byebye"]'], ['40/custom,', '42["byebye"]'],
		['42["message",{"_placeholder":true,"num":0}]'],
	];
	const reasons = {
		'42': NO_JSON, '4212': NO_JSON, '43': NO_JSON, '431': NO_JSON,
		'42 1["message"]': WHITE,
		'42["byebye"]': 'the end that the application asked for is logged with its own reason; the frames are the same',
		'40/custom,|42["byebye"]': 'the same',
	};

	for (const row of rows) {
		const differs = row.at(-1) === ID ? ID : reasons[row.join('|')];
		const inputs = row.filter((input) => input !== ID);

		test(`2.10: ${inputs.map(show).join(' | ')}`, (t) => compare(t, (peer) => overWebSocket(t, peer, inputs), differs));
	}

	test('2.10: an event in the segment of its CONNECT: the reference closes, we handle it', (t) =>
		compare(t, (peer) => overWebSocket(t, peer, [{ raw: Buffer.concat([frame(1, '40'), frame(1, '42["message"]')]) }], { join: false }),
			'the reference has not let the client in yet; who may speak need not guess when'));
});

describe('2.10 against the reference: binary, by WebSocket', () => {
	const one = `451-["message",${placeholder(0)}]`;
	const INTEGERS = 'counts and numbers are digits here; the reference takes any number of JavaScript, 0.5 too';
	const rows = [
		[[one, bytes(1, 2, 3)]], [[one, Buffer.alloc(0)]], [[one, 'bAQID']], [[one, 'bAQI']], [[one, 'b']],
		[[`452-["message",${placeholder(0)},{"b":[${placeholder(1)}]}]`, bytes(1), bytes(2)]],
		[[`452-["message",${placeholder(1)},${placeholder(0)}]`, bytes(1), bytes(2)]],
		[[`452-["message",${placeholder(0)},${placeholder(0)}]`, bytes(1), bytes(2)]],
		[[`451-["message",1]`, bytes(1)]],
		[[`451-7["message-with-ack",${placeholder(0)}]`, bytes(255)]],
		[['428["ask"]', `461-N[${placeholder(0)}]`, bytes(3)]], [[`461-99[${placeholder(0)}]`, bytes(3)]], [[`461-[${placeholder(0)}]`, bytes(3)]],
		[[`451-["nobody",${placeholder(0)}]`, bytes(1)]], [[`451-9["nobody",${placeholder(0)}]`, bytes(1)]],
		[[one, '3', bytes(1)]], [[one, '2', bytes(1)]], [[one, '6', '0', '5', bytes(1)]],
		[[one, '42["message"]']], [[one, '41']], [[one, '40/custom,']], [[bytes(1)]], [[one, bytes(1), bytes(2)]],
		[['45-["a"]']], [['450-["a"]']], [['451.5-["a"]']], [['45-1-["a"]']], [['451["a"]']], [['45 1-["a"]'], WHITE], [['4511-["a"]']], [['45999999999999-["a"]']],
		[[`451e0-["message",${placeholder(0)}]`, bytes(1)], INTEGERS],
		[[`4501-["message",${placeholder(0)}]`, bytes(1)]], [['461-1{}', bytes(1)]], [['451-{}', bytes(1)]], [['451-', bytes(1)], NO_JSON],
		...['1', '-1', '"0"', '"splice"', 'null', '99', '99999999999999999999', 'true', '[]'].map((num) => [[`451-["message",${placeholder(num)}]`, bytes(1)]]),
		[[`451-["message",${placeholder('0.5')}]`, bytes(1)], INTEGERS],
		[[`451-["message",${placeholder('0.0')}]`, bytes(1)], INTEGERS], [[`451-["message",${placeholder('-0')}]`, bytes(1)], INTEGERS],
		[[`451-[${placeholder(0)}]`, bytes(1)]], [[`451-["connect",${placeholder(0)}]`, bytes(1)]],
		[['451-["message",{"_placeholder":false,"num":0}]', bytes(1)]], [['451-["message",{"_placeholder":1,"num":0}]', bytes(1)]],
		[['451-["message",{"num":0,"_placeholder":true}]', bytes(1)]], [['451-["message",{"num":0,"_placeholder":true,"x":1}]', bytes(1)]],
		[[`451-/custom,["message",${placeholder(0)}]`, bytes(1)]], [[`451-/nope,["message",${placeholder(0)}]`, bytes(1)]],
		[['40/custom,', `451-/custom,["x",${placeholder(0)}]`, bytes(1)]],
		[[`4510-["message",${Array.from({ length: 10 }, (_, i) => placeholder(i))}]`, ...Array.from({ length: 10 }, (_, i) => bytes(i))]],
		[[`4511-["message",${Array.from({ length: 11 }, (_, i) => placeholder(i))}]`, bytes(0)]],
	];

	for (const [inputs, differs] of rows)
		test(`2.10: ${inputs.map(show).join(' | ')}`,
			(t) => compare(t, (peer) => overWebSocket(t, peer, inputs), differs));
});

describe('2.1, 2.4 against the reference: Engine.IO packets, by WebSocket', () => {
	const rows = [
		[['3']], [['3', '42["message"]']], [['2']], [['2probe']], [['0']], [['5']], [['6']], [['x']], [['7']], [['']], [[' ']], [['b']], [['bAAAA']], [['é']],
		[['1'], 'Q1: the reference ignores a close packet on a WebSocket'],
		[[{ raw: frame(10, 'hello') }, '42["message"]']],
		[[{ raw: frame(3, 'x') }]], [[{ raw: frame(11, 'x') }]], [[{ raw: frame(1, 'x', { rsv: 1 }) }]], [[{ raw: frame(1, '42["message"]', { mask: false }) }]], [[{ raw: frame(0, 'x') }]],
		[[{ raw: frame(9, 'x', { fin: false }) }]], [[{ raw: frame(9, 'x'.repeat(126)) }]], [[{ raw: frame(1, bytes(0xc3, 0x28)) }]], [[{ raw: frame(8) }]], [[{ raw: frame(8, bytes(3, 232)) }]],
		[[{ raw: frame(8, bytes(3)) }]], [[{ raw: frame(8, bytes(0, 0)) }]], [[{ raw: frame(8, bytes(3, 237)) }]],
		[[{ raw: Buffer.concat([frame(1, '42["mess', { fin: false }), frame(9, 'between'), frame(0, 'age",1]')]) }], 'of what comes in one segment we answer the message first, then the ping'],
		[[{ raw: Buffer.concat([frame(1, '42', { fin: false }), frame(1, '42')]) }]],
		[['x'.repeat(LIMIT + 1)]], [[`42["message","${'x'.repeat(LIMIT - 15)}"]`]], [[`42["message","${'x'.repeat(LIMIT - 14)}"]`]], [[Buffer.alloc(LIMIT + 1)]],
	];

	for (const [inputs, differs] of rows)
		test(`2.1: ${inputs.map(show).join(' | ')}`,
			(t) => compare(t, (peer) => overWebSocket(t, peer, inputs), differs));
});
