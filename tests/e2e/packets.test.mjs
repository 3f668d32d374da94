// 2.10: Socket.IO packets, byte for byte, over a WebSocket.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { forTest, share } from './lib/gateway.mjs';
import { Polling, RawWebSocket } from './lib/raw.mjs';

const gateway = share(before, after, 'conformance');

// Not yet in a namespace.
const fresh = (t) => RawWebSocket.session(t, gateway().port);

// In the main namespace, its `auth` event taken.
async function joined(t) {
	const ws = await RawWebSocket.session(t, gateway().port, { connect: '' });

	assert.equal(await ws.text(), '42["auth",{}]');
	return ws;
}

const sidOf = (packet) => JSON.parse(packet.slice(packet.indexOf('{'))).sid;
const ID = '[A-Za-z0-9_-]{20}';

describe('2.10: CONNECT', () => {
	const accepted = [
		['40', '', '{}'],
		['40{}', '', '{}'],
		['40{"a":1,"b":[{"c":"d"}]}', '', '{"a":1,"b":[{"c":"d"}]}'],
		['40123', '', '{}'],
		['40/custom', '/custom,', '{}'],
		['40/custom,', '/custom,', '{}'],
		['40/custom,{"a":1}', '/custom,', '{"a":1}'],
	];

	for (const [packet, nsp, auth] of accepted) {
		test(`2.10: ${packet} is accepted`, async (t) => {
			const ws = await fresh(t);

			ws.send(packet);
			assert.match(await ws.text(), new RegExp(`^40${nsp}\\{"sid":"${ID}"\\}$`));
			assert.equal(await ws.text(), `42${nsp}["auth",${auth}]`);
		});
	}

	for (const packet of ['40[]', '40null', '40"x"', '40{"a"', '40{"a":1}x', '40/custom,[]']) {
		test(`2.10: ${packet} closes`, async (t) => {
			await (await fresh(t)).send(packet).closed();
		});
	}

	test('2.10: a second CONNECT for a joined namespace closes', async (t) => {
		await (await joined(t)).send('40').closed();
	});

	test('2.10: an unknown namespace is answered, and the connection stays', async (t) => {
		const ws = await joined(t);

		for (const nsp of ['/nope', '/custom?token=1', '/dynamic-x', '/dynamic-', '/dynamic-1\0', '/custom\0x', '/%00', '/ü'])
			assert.equal(await ws.send(`40${nsp},`).text(), `44${nsp},{"message":"Invalid namespace"}`);
		assert.equal(await ws.send('42["message",1]').text(), '42["message-back",1]');
	});

	test('2.10: a refusal carries the message, and the data if there is some', async (t) => {
		const ws = await fresh(t);

		assert.equal(await ws.send('40/guard,').text(), '44/guard,{"message":"not authorized"}');
		assert.equal(await ws.send('40/guard,{"data":1}').text(), '44/guard,{"message":"not authorized","data":{"content":"Please retry later"}}');
		assert.match(await ws.send('40/guard,{"ok":true}').text(), new RegExp(`^40/guard,\\{"sid":"${ID}"\\}$`));
	});

	test('2.10: after a refusal nothing of that namespace is served: a packet for it closes', async (t) => {
		const ws = await fresh(t);

		await ws.send('40/guard,').text();
		await ws.send('42/guard,["message"]').closed();
	});

	test('2.10: 41 gets no reply; the namespace is left, the connection stays, and 40 may follow with a new sid', async (t) => {
		const ws = await RawWebSocket.session(t, gateway().port, { connect: '' });
		const first = sidOf(ws.connected);

		assert.equal(await ws.text(), '42["auth",{}]');
		ws.send('41').send('40');
		const again = await ws.text();
		assert.match(again, new RegExp(`^40\\{"sid":"${ID}"\\}$`));
		assert.notEqual(sidOf(again), first);
	});

	test('2.10: 41 of one namespace leaves the others', async (t) => {
		const ws = await joined(t);

		await ws.send('40/custom,').text();
		await ws.text();
		ws.send('41/custom,');
		assert.equal(await ws.send('42["message",1]').text(), '42["message-back",1]');
		await ws.send('42/custom,["message"]').closed();
	});

	for (const packet of ['42["message"]', '431[]', '41', '451-["a",{"_placeholder":true,"num":0}]']) {
		test(`2.10: ${packet} before CONNECT closes`, async (t) => {
			await (await fresh(t)).send(packet).sendBinary('x').closed();
		});
	}

	test('2.10: an event after 41 closes', async (t) => {
		await (await joined(t)).send('41').send('42["message"]').closed();
	});

	test('2.10: a connection that has joined nothing after connect_timeout is closed', async (t) => {
		const g = await forTest(t, 'conformance', ['--connect-timeout', '2s']);
		const since = Date.now();
		const silent = await RawWebSocket.session(t, g.port);
		const refused = await RawWebSocket.session(t, g.port);
		const polling = await Polling.open(t, g.port);
		const inside = await RawWebSocket.session(t, g.port, { connect: '' });

		await refused.send('40/nope,').text();
		await Promise.all([silent.closed(), refused.closed()]);
		assert.ok(Date.now() - since >= 1995);
		assert.equal((await polling.get()).status, 200);
		assert.ok(await polling.isGone());
		assert.equal(await inside.text(), '42["auth",{}]');
		assert.equal(await inside.send('42["message",1]').text(), '42["message-back",1]');
	});
});

describe('2.10: EVENT and ACK', () => {
	// What goes in, what comes out.
	const answered = [
		['42["message"]', '42["message-back"]'],
		['42["message",1,"a",[null,true]]', '42["message-back",1,"a",[null,true]]'],
		['42["message",{"_placeholder":true,"num":0}]', '42["message-back",{"_placeholder":true,"num":0}]'],
		['420["message-with-ack",1]', '430[1]'],
		['4212["message-with-ack"]', '4312[]'],
		['42007["message-with-ack"]', '437[]'],
		['4218446744073709551615["message-with-ack"]', '4318446744073709551615[]'],
		['421["bye"]', '41'],
	];

	for (const [packet, answer] of answered) {
		test(`2.10: ${packet} is answered ${answer}`, async (t) => {
			const ws = await joined(t);

			assert.equal(await ws.send(packet).text(), answer);
		});
	}

	for (const name of ['error', 'connection', '__proto__', 'toString', 'disconnected']) {
		test(`2.10: ${name} is an ordinary event name`, async (t) => {
			const ws = await joined(t);

			ws.send(`421["${name}"]`).send('42["message",1]');
			assert.equal(await ws.text(), '42["message-back",1]', 'nobody handles it, so nobody answers');
		});
	}

	test('2.10: a number may be an event name', async (t) => {
		const ws = await joined(t);

		ws.send('42[1,"x"]').send('42["message",1]');
		assert.equal(await ws.text(), '42["message-back",1]');
	});

	const closing = [
		'42', '4212', '42{}', '42[]', '42[null]', '42[{"toString":"foo"}]', '42[["message"]]', '42[true]', '42"x"', '42["message"', '42["message"]x', '42abc["message"]',
		'42-1["message"]', '42["connect"]', '42["connect_error"]', '42["disconnect"]', '42["disconnecting"]', '42["newListener"]', '42["removeListener"]',
		'42/custom,["message"]', '431{}', '41[]', '44{"message":"x"}', '44', '47', '48["a"]', '49', '4x', '4', '4218446744073709551616["message"]',
		'45-["a"]', '450-["a"]', '451.5-["a"]', '45-1-["a"]', '451["a"]', '451e1-["a"]', '4511-["a"]', '45999999999999-["a"]',
	];

	for (const packet of closing) {
		test(`2.10: ${packet} closes`, async (t) => {
			const from = gateway().lines.length;

			await (await joined(t)).send(packet).closed();
			await gateway().line(/\bclosed\b.*(forced[ -]close|parse[ -]error)/, from);
		});
	}

	test('2.10: an ack for an id that was never given, or given twice, is ignored', async (t) => {
		const ws = await joined(t);

		ws.send('4399[1]').send('43[1]').send('42["message",1]');
		assert.equal(await ws.text(), '42["message-back",1]');
		const question = await ws.send('425["ask"]').text();
		const [, id] = /^42(\d+)\["q",1\]$/.exec(question);
		ws.send(`43${id}["first"]`).send(`43${id}["second"]`).send('42["message",2]');
		assert.equal(await ws.text(), '435["first"]');
		assert.equal(await ws.text(), '42["message-back",2]');
	});

	test('4: nesting beyond max_json_depth costs that connection, and nothing else', async (t) => {
		for (const [open, close] of [['[', ']'], ['{"a":', '}']]) {
			const deep = open.repeat(100_000) + '1' + close.repeat(100_000);
			await (await joined(t)).send(`42["message",${deep}]`).closed();
			await (await fresh(t)).send(`40{"a":${deep}}`).closed();
		}
		assert.equal(await (await joined(t)).send('42["message",1]').text(), '42["message-back",1]');
	});
});

describe('2.10: binary', () => {
	const bytes = (...list) => Buffer.from(list);

	test('2.10: a binary event comes back, attachments right behind it and in order', async (t) => {
		const ws = await joined(t);

		ws.send('452-["message",{"_placeholder":true,"num":0},{"b":[{"_placeholder":true,"num":1}]}]').sendBinary(bytes(1, 2)).sendBinary(bytes());
		assert.equal(await ws.text(), '452-["message-back",{"_placeholder":true,"num":0},{"b":[{"_placeholder":true,"num":1}]}]');
		assert.deepEqual((await ws.next()).payload, bytes(1, 2));
		assert.deepEqual((await ws.next()).payload, bytes());
	});

	test('2.10: a binary ack', async (t) => {
		const ws = await joined(t);

		ws.send('451-7["message-with-ack",{"_placeholder":true,"num":0}]').sendBinary(bytes(255));
		assert.equal(await ws.text(), '461-7[{"_placeholder":true,"num":0}]');
		assert.deepEqual((await ws.next()).payload, bytes(255));
		const question = await ws.send('428["ask"]').text();
		const [, id] = /^42(\d+)\["q",1\]$/.exec(question);
		ws.send(`461-${id}[{"_placeholder":true,"num":0}]`).sendBinary(bytes(3));
		assert.equal(await ws.text(), '461-8[{"_placeholder":true,"num":0}]');
		assert.deepEqual((await ws.next()).payload, bytes(3));
	});

	test('2.1: a text frame that begins with `b` is an attachment in base64', async (t) => {
		const ws = await joined(t);

		ws.send('451-["message",{"_placeholder":true,"num":0}]').send('bAQID');
		assert.equal(await ws.text(), '451-["message-back",{"_placeholder":true,"num":0}]');
		assert.deepEqual((await ws.next()).payload, bytes(1, 2, 3));
	});

	test('2.10: heartbeats may come between a packet and its attachments', async (t) => {
		const ws = await joined(t);

		ws.send('451-["message",{"_placeholder":true,"num":0}]').send('3').sendBinary(bytes(1));
		assert.equal(await ws.text(), '451-["message-back",{"_placeholder":true,"num":0}]');
	});

	test('2.10: ten attachments are taken, eleven are not', async (t) => {
		const packet = (n) => `45${n}-["message",${Array.from({ length: n }, (_, i) => `{"_placeholder":true,"num":${i}}`).join(',')}]`;
		const ws = await joined(t);

		ws.send(packet(10));
		for (let i = 0; i < 10; i++)
			ws.sendBinary(bytes(i));
		assert.match(await ws.text(), /^4510-\["message-back",/);
		await (await joined(t)).send(packet(11)).closed();
	});

	test('2.10: a placeholder may be named twice, an attachment never', async (t) => {
		const ws = await joined(t);

		ws.send('452-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]').sendBinary(bytes(1)).sendBinary(bytes(2));
		assert.equal(await ws.text(), '452-["message-back",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]');
		assert.deepEqual((await ws.next()).payload, bytes(1));
		assert.deepEqual((await ws.next()).payload, bytes(1));
	});

	const closing = [
		['an attachment without a packet', (ws) => ws.sendBinary('x')],
		['text while attachments are due', (ws) => ws.send('451-["message",{"_placeholder":true,"num":0}]').send('42["message"]')],
		...['1', '-1', '"0"', '"splice"', '0.5', 'null', '99999999999999999999'].map((num) =>
			[`a placeholder with num ${num}`, (ws) => ws.send(`451-["message",{"_placeholder":true,"num":${num}}]`).sendBinary('x')]),
		['a placeholder as the name', (ws) => ws.send('451-[{"_placeholder":true,"num":0}]').sendBinary('x')],
		['a packet for a namespace not joined', (ws) => ws.send('451-/custom,["message",{"_placeholder":true,"num":0}]').sendBinary('x')],
	];

	for (const [what, act] of closing) {
		test(`2.10: ${what} closes`, async (t) => {
			const ws = await joined(t);

			act(ws);
			await ws.closed();
		});
	}
});
