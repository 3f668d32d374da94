// A client of protocol 3, and one that polls by JSONP, cannot tell Stoa from Socket.IO's own server: see reference.test.mjs.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Gateway } from './lib/gateway.mjs';
import { BINARY, CLOSE, fetchRaw, frame, PING, PONG, RawWebSocket } from './lib/raw.mjs';
import { seen, startReference } from './lib/reference.mjs';

let gateway, reference;

before(async () => {
	reference = await startReference({ allowEIO3: true, httpCompression: false });
	gateway = await Gateway.start('conformance', ['--allow-eio3', '--jsonp', '--cors-allowed-origins', '', '--serve-client', 'false']);
});
after(async () => {
	reference?.stop();
	await gateway?.stop();
});

async function compare(play, differs) {
	const [theirs, ours] = await Promise.all([reference.port, gateway.port].map(play));

	if (differs === undefined)
		assert.deepEqual(ours, theirs);
	else
		assert.notDeepEqual(ours, theirs, `no difference any more: ${differs}`);
}

const sidIn = (body) => /"sid\\?":\\?"([A-Za-z0-9_-]{20})/.exec(body)[1];
const without = (text) => text.replaceAll(/(sid\\?":\\?")[A-Za-z0-9_-]{20}/g, '$1*');
const view = (response) => {
	const { status, headers, body } = seen(response);

	return [status, headers, without(body)];
};
const counted = (...packets) => packets.map((packet) => `${packet.length}:${packet}`).join('');

// --- Requests

describe('2.2, 2.9 against the reference: requests, where protocol 3 is taken', () => {
	const target = (eio, transport, sid) => `/socket.io/?${[eio, transport, sid].filter(Boolean).join('&')}`;
	const opened = async (t, port, eio) => `sid=${sidIn((await fetchRaw(t, port, 'GET', target(`EIO=${eio}`, 'transport=polling'))).body)}`;
	const SIDS = { 'without a sid': () => '', 'an unknown sid': () => 'sid=AAAAAAAAAAAAAAAAAAAA', 'a sid of protocol 3': (t, port) => opened(t, port, 3), 'a sid of protocol 4': (t, port) => opened(t, port, 4) };

	for (const [what, sid] of Object.entries(SIDS))
		for (const transport of ['', 'transport=polling', 'transport=websocket', 'transport=x', 'transport=polling&j=3'])
			test(`${what}, ${transport || 'no transport'}`, async (t) => {
				for (const eio of ['', 'EIO=', 'EIO=3', 'EIO=4', 'EIO=5'])
					for (const method of ['POST', 'PUT', 'OPTIONS', 'GET']) {
						// Taken, a GET with a sid takes CONNECT's answer, or in protocol 4 waits.
						if (method === 'GET' && what === 'a sid of protocol 4' && eio === 'EIO=4')
							continue;
						const body = method !== 'POST' ? undefined : /&j=/.test(transport) ? 'd=6' : what.endsWith('3') ? '1:6' : '6';
						await compare(async (port) => [method, eio, view(await fetchRaw(t, port, method, target(eio, transport, await sid(t, port)), [], body))]);
					}
			});
});

// --- Payloads

const EVENT = '42["message",1]', END = '42["message","end"]', WITH_BINARY = '451-["message",{"_placeholder":true,"num":0}]';
const STRICT = 'a length is digits, and they must be there';

describe('2.9 against the reference: payloads of POSTs', () => {
	const rows = [
		[counted(EVENT)], [counted(EVENT, EVENT)], [counted('2')], [counted('2probe')], [counted('3')], [counted('1')], [counted('6')], [counted('5')], [counted('0')],
		[counted('4')], [counted('7')], [counted(EVENT, '7', EVENT)], [''], ['0:'], [':'], ['3:4'], ['3'], ['abc'], ['1:4:'], ['100:6'], ['01:6'], ['-1:6'],
		[' 1:6', STRICT], ['1 :6', STRICT], ['+1:6', STRICT], ['1e0:6', STRICT],
		[counted(EVENT) + 'x'], ['2:😀😀'],
		[counted('b4AAAA')], [counted('bAAAA'), 'a type that is none'], [counted('b'), 'a type that is none'], [counted(WITH_BINARY, 'b4AAEC')], [counted(WITH_BINARY, EVENT)],
		[counted('40')], [counted('40/custom')], [counted('40/custom?token=a')], [counted('40/custom?a=1&b=%20x,')], [counted('40/nope')], [counted('40/guard')], [counted('40/guard?data=1')],
		[counted('40/dynamic-3')], [counted('40{"a":1}')], [counted('40[]')], [counted('40?token=b')], [counted('40/?token=b')], [counted('42?x["message",1]')],
		[counted('41')], [counted('41/custom')], [counted('42/custom,["message",1]')], [counted('420["message-with-ack",1]')], [counted('430[1]')], [counted('44')], [counted('44"x"')], [counted('42["connect"]')],
		[counted('42["message","é世🏛"]')], ['18:42["message","é世🏛"]'],
	];

	for (const query of ['', '&b64=1'])
		for (const [body, differs] of rows)
			test(`${JSON.stringify(body)}${query}`, (t) => compare(async (port) => {
				const opened = await fetchRaw(t, port, 'GET', `/socket.io/?EIO=3&transport=polling${query}`);
				const target = `/socket.io/?EIO=3&transport=polling${query}&sid=${sidIn(opened.body)}`;
				const joined = await fetchRaw(t, port, 'GET', target);
				const posts = [await fetchRaw(t, port, 'POST', target, [], body), await fetchRaw(t, port, 'POST', target, [], counted('2'))];

				return [opened, joined, ...posts, await fetchRaw(t, port, 'GET', target)].map(view);
			}, differs));
});

describe('2.3 against the reference: JSONP', () => {
	const form = encodeURIComponent;
	const rows = (wrap) => [
		`d=${form(wrap(EVENT))}`, `d=${wrap(EVENT)}`, `x=1&d=${form(wrap(EVENT))}`, `d=${form(wrap(EVENT))}&x`, `%64=${form(wrap(EVENT))}`, `d=${form(wrap('42["message","+ +"]')).replaceAll('%2B', '+')}`,
		`d=${form(wrap('42["message","é\u2028\u2029"]'))}`, `d=${form(wrap('42["message","\\\\n \\n x"]'))}`, `d=${form(wrap('42["message","\\\\\\n"]'))}`,
		'', 'd', 'd=', 'x=1', `D=${form(wrap(EVENT))}`, `d[]=${form(wrap(EVENT))}`, `d=a&d=${form(wrap(EVENT))}`, `d=%zz${form(wrap(EVENT))}`, 'd=%ff', `d=${form(wrap('7'))}`,
	];

	for (const eio of [3, 4]) {
		const wrap = eio === 3 ? counted : (packet) => packet;

		for (const body of rows(wrap))
			test(`protocol ${eio}: ${JSON.stringify(body)}`, (t) => compare(async (port) => {
				const opened = await fetchRaw(t, port, 'GET', `/socket.io/?EIO=${eio}&transport=polling&j=12`);
				const target = `/socket.io/?EIO=${eio}&transport=polling&j=12&sid=${sidIn(opened.body)}`;
				const post = (data) => fetchRaw(t, port, 'POST', target, ['Content-Type: application/x-www-form-urlencoded'], data);

				if (eio === 4)
					await post('d=40');
				const joined = await fetchRaw(t, port, 'GET', target);
				const posts = [await post(body), await post(`d=${form(wrap(END))}`)];
				return [opened, joined, ...posts, await fetchRaw(t, port, 'GET', target)].map(view);
			}));
	}
});

// --- WebSocket

describe('2.9 against the reference: WebSocket', () => {
	const rows = [
		['2'], ['2abc'], ['3'], ['0'], ['5'], ['6'], ['7'], [''], ['4'], ['1', 'Q1'], ['40'], ['41'], ['40/custom'], ['40/custom?token=a'], ['40/guard'], ['40/guard?data=1'], ['40/nope'], [EVENT],
		['420["message-with-ack",{"a":[1]}]'], ['b4AAEC'], ['42["byebye"]'], ['42["bye"]'], ['44'], ['45-["x"]'], [WITH_BINARY, undefined, Buffer.from([4, 1, 2])], [WITH_BINARY, undefined, Buffer.from([4])],
	];

	for (const query of ['', '&b64=1'])
		for (const [text, differs, binary] of rows)
			test(`${JSON.stringify(text)}${binary ? ` and ${binary.toString('hex')}` : ''}${query}`, (t) => compare(async (port) => {
				const ws = await RawWebSocket.open(t, port, `/socket.io/?EIO=3&transport=websocket${query}`);
				const trace = [];
				const hear = async () => {
					const { opcode, payload } = await ws.next().catch((error) => (ws.raw.over === null ? Promise.reject(error) : { opcode: CLOSE, payload: ws.raw.over }));
					if (opcode !== PONG)
						trace.push([opcode, without(payload.toString('latin1'))]);
					return opcode;
				};
				let opcode;

				for (let i = 0; i < 3; i++) // open, CONNECT, auth
					await hear();
				ws.send(text);
				if (binary)
					ws.write(frame(BINARY, binary));
				for (let i = 0; i < 3 && opcode !== CLOSE; i++) { // what the reference does later is done by then
					ws.write(frame(PING));
					while ((opcode = await hear()) !== PONG && opcode !== CLOSE)
						;
				}
				return trace;
			}, differs));
});
