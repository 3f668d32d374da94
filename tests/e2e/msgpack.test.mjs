// 2.13: parser = msgpack. Stock clients with socket.io-msgpack-parser, and the same bytes to Socket.IO's own server and
// to Stoa.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { connect as connectClient, open as openClient, openNamespace, transportOf, upgraded, WAYS } from './lib/client.mjs';
import { forTest, Gateway, share } from './lib/gateway.mjs';
import { ACK, bytes, CONNECT, CONNECT_ERROR, DISCONNECT, EVENT, map, pack, parser, session, unpack } from './lib/msgpack.mjs';
import { Polling, RawWebSocket } from './lib/raw.mjs';
import { asPeer, overWebSocket, startReference } from './lib/reference.mjs';

const FLAGS = ['--parser', 'msgpack'];
const connect = (t, url, options) => connectClient(t, url, { parser, ...options });
const open = (t, url, options) => openClient(t, url, { parser, ...options });

describe('2.13: the same bytes to the reference', () => {
	const MAX_DEPTH = 64, MAX_EVENT_NAME = 200; // the options' defaults
	let gateway, reference, stoa;

	before(async () => {
		reference = await startReference({ parser: 'socket.io-msgpack-parser' });
		gateway = await Gateway.start('conformance', FLAGS);
		stoa = asPeer(gateway);
	});
	after(async () => {
		reference?.stop();
		await gateway?.stop();
	});

	const SID = /a3736964b4(?:[0-9a-f]{2}){20}/g;
	const masked = (trace) => trace.map((line) => line.replace(SID, 'a3736964b4*'));
	const isPacket = (line) => /^8[2-5]a/.test(line);
	// The members of an answer are in the reference's order, but for one: the answer that there is no such namespace.
	const members = (line) => (isPacket(line) && !line.includes('*') ? unpack(Buffer.from(line, 'hex')) : line);
	const packetsOf = (inputs) => inputs.map((input) => (typeof input === 'object' && !Buffer.isBuffer(input) ? pack(input) : input));
	const play = async (t, peer, inputs) => masked(await overWebSocket(t, peer, packetsOf(inputs), { join: false }));
	const ends = (trace) => assert.match(trace.at(-1), /^forced close$/, `it is open: ${trace}`);

	const show = (inputs) => inputs.map((input) => (Buffer.isBuffer(input) ? `<${input.length > 40 ? `${input.toString('hex', 0, 40)}..` : input.toString('hex')}>` : typeof input === 'string' ? input : `<${pack(input).toString('hex')}>`)).join(' | ');
	const join = { type: CONNECT, nsp: '/' };
	const nsp = '/';

	function same(what, inputs, { close = false, order = true } = {}) {
		test(`2.13: ${what}: ${show(inputs)}`, async (t) => {
			const [theirs, ours] = [await play(t, reference, inputs), await play(t, stoa, inputs)];

			assert.deepEqual(order ? ours : ours.map(members), order ? theirs : theirs.map(members));
			if (close)
				ends(ours);
			else
				assert.doesNotMatch(ours.at(-1), /close/);
		});
	}

	// Here the reference goes on, or falls over; we close.
	function stricter(what, inputs) {
		test(`2.13: ${what} closes here: ${show(inputs)}`, async (t) => {
			ends(await play(t, stoa, inputs));
			await session(t, gateway.port);
		});
	}

	const undefinedData = { type: CONNECT, data: undefined, nsp };

	same('CONNECT without data', [join]);
	same('CONNECT with data undefined, as clients send it', [undefinedData]);
	same('CONNECT with an object', [{ type: CONNECT, data: { a: 1, b: ['x'] }, nsp }]);
	same('CONNECT with an id, which says nothing', [{ type: CONNECT, nsp, id: 5 }]);
	same('unknown members are passed over', [{ x: { y: [1, null] }, type: CONNECT, nsp, options: { compress: true }, '': 1 }]);
	same('the last of two members counts', [bytes('83', pack('type'), '05', pack('type'), '00', pack('nsp'), pack('/'))]);
	same('a member that an integer names', [bytes('83', '05', 'c0', pack('type'), '00', pack('nsp'), pack('/'))]);
	same('long heads', [bytes('df00000002', 'db0000000474797065', 'd30000000000000000', 'da00036e7370', 'd9012f')]);
	same('whole numbers as doubles', [map({ type: 'cb0000000000000000', nsp: pack('/') }), map({ type: 'cb4000000000000000', nsp: pack('/'), id: 'cb4014000000000000', data: pack(['message-with-ack', 1]) })]);
	same('another namespace', [{ type: CONNECT, nsp: '/custom', data: { a: 1 } }]);
	same('an unknown namespace', [{ type: CONNECT, nsp: '/nope' }, join], { order: false });
	same('a namespace with a NUL in its name is another, and unknown', [{ type: CONNECT, nsp: '/custom\0' }, join], { order: false });
	same('a namespace without a slash is unknown', [{ type: CONNECT, nsp: 'custom' }, join], { order: false });
	same('a refusal', [{ type: CONNECT, nsp: '/guard' }]);
	same('a refusal with data', [{ type: CONNECT, nsp: '/guard', data: { data: 1 } }]);
	same('after a refusal another try', [{ type: CONNECT, nsp: '/guard' }, { type: CONNECT, nsp: '/guard', data: { ok: true } }]);
	same('a second CONNECT', [join, join], { close: true });

	const values = [0, -1, 1.5, 2 ** 53 - 1, -(2 ** 53), 1e-7, NaN, -Infinity, 'é中😀', '', true, null, undefined, new Date(0), new Date(-1), new Date(8.64e15),
		Buffer.from('buffer'), new Uint8Array([1, 2]), new ArrayBuffer(0), new Uint8Array([7]), [], {}, [undefined, [new Date(5)]], { a: undefined, b: { c: [Buffer.alloc(300)] } }, 'x'.repeat(70000)];

	for (const value of values)
		same(`a value there and back, as argument and inside one`, [join, { type: EVENT, data: ['message', value, [value], { value }], nsp }]);
	same('an ack, its id first', [join, { type: EVENT, data: ['message-with-ack', new Date(1), undefined, { a: new Uint8Array(3) }], id: 0, nsp }]);
	for (const id of [1, 127, 128, 65536, 2 ** 32, 2 ** 53 - 1])
		same(`the id ${id}`, [join, { type: EVENT, data: ['message-with-ack'], id, nsp }]);
	same('an id that is undefined', [join, { type: EVENT, data: ['message'], id: undefined, nsp }]);
	same('a number as the name of an event', [join, { type: EVENT, data: [5, 1], nsp }]);
	same('a name that only an object of JavaScript would have', [join, { type: EVENT, data: ['__proto__', 1], nsp }, { type: EVENT, data: ['toString'], nsp }]);
	same('an event that nobody handles, asking for an ack', [join, { type: EVENT, data: ['nobody'], id: 1, nsp }]);
	same('an ack that nobody asked for', [join, { type: ACK, data: [1], id: 77, nsp }]);
	same('an ack without id', [join, { type: ACK, data: [], nsp }]);
	same('DISCONNECT, and again', [join, { type: DISCONNECT, nsp }, join]);
	same('DISCONNECT with data undefined', [join, { type: DISCONNECT, data: undefined, nsp }, join]);
	same('the server disconnects', [join, { type: EVENT, data: ['bye'], nsp }]);
	// Passed on as it came; the reference writes anew what it read. To a client it is the same.
	same('other exts, and longer heads than need be', [join, map({ type: '02', data: bytes('98', pack('message'), 'd40501', 'd6ff00000000', 'c703ff010203', 'd5000102', '91d7070102030405060708', 'ca3f000000', 'd90178'), nsp: pack('/') })], { order: false });

	for (const [what, input] of [
		['nothing', bytes('')], ['no map', bytes('90')], ['a number', bytes('00')], ['nil', bytes('c0')], ['text', pack('2')], ['an unused byte', bytes('c1')],
		['no type', { nsp }], ['type 5', { type: 5, nsp, data: ['message'] }], ['type 6', { type: 6, nsp, data: [] }], ['type -1', { type: -1, nsp }], ['type 1.5', { type: 1.5, nsp }], ['a type that is text', { type: '2', nsp, data: ['message'] }], ['a type that is nil', { type: null, nsp }],
		['no namespace', { type: EVENT, data: ['message'] }], ['a namespace that is a number', { type: EVENT, data: ['message'], nsp: 1 }], ['a namespace that is nil', { type: EVENT, data: ['message'], nsp: null }],
		['an id that is nil', { type: EVENT, data: ['message'], nsp, id: null }], ['an id of 1.5', { type: EVENT, data: ['message'], nsp, id: 1.5 }], ['an id that is text', { type: EVENT, data: ['message'], nsp, id: '1' }], ['an id that is true', { type: EVENT, data: ['message'], nsp, id: true }],
		['no data', { type: EVENT, nsp }], ['data undefined', { type: EVENT, data: undefined, nsp }], ['data nil', { type: EVENT, data: null, nsp }], ['data an object', { type: EVENT, data: {}, nsp }], ['data text', { type: EVENT, data: 'message', nsp }], ['data a Date', { type: EVENT, data: new Date(0), nsp }],
		['an ack without data', { type: ACK, nsp, id: 0 }], ['an ack with an object', { type: ACK, data: {}, nsp, id: 0 }],
		['DISCONNECT with nil', { type: DISCONNECT, data: null, nsp }], ['DISCONNECT with an object', { type: DISCONNECT, data: {}, nsp }], ['DISCONNECT with an array', { type: DISCONNECT, data: [], nsp }],
		['CONNECT_ERROR that is nil', { type: CONNECT_ERROR, data: null, nsp }], ['CONNECT_ERROR', { type: CONNECT_ERROR, data: 'x', nsp }],
		['a byte too many', Buffer.concat([pack({ type: EVENT, data: ['message'], nsp }), bytes('c0')])],
		['the packets of the default parser', '42["message",1]'],
		['an event for a namespace that was not joined', { type: EVENT, data: ['message'], nsp: '/custom' }],
	])
		same(`${what} closes`, [join, input], { close: true });
	for (const [what, data] of [['nil', null], ['an array', []], ['text', 'x'], ['a Date', new Date(0)], ['binary', Buffer.alloc(1)]])
		same(`CONNECT with ${what} closes`, [{ type: CONNECT, data, nsp }], { close: true });
	same('the default parser\'s CONNECT closes', ['40'], { close: true });

	test('2.13: an event cut short anywhere closes', async (t) => {
		const whole = pack({ type: EVENT, data: ['message', 1.5, { a: Buffer.from('xyz') }], id: 300, nsp });

		for (let size = 0; size < whole.length; size++)
			ends(await play(t, stoa, [join, whole.subarray(0, size)]));
	});

	for (const name of ['connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener'])
		stricter(`the reserved name ${name}`, [join, { type: EVENT, data: [name], nsp }]);
	for (const [what, name] of [['nil', null], ['undefined', undefined], ['true', true], ['an object', {}], ['an array', ['message']], ['binary', Buffer.from('message')], ['a Date', new Date(0)], ['NaN', NaN]])
		stricter(`a name that is ${what}`, [join, { type: EVENT, data: [name], nsp }]);
	stricter('an event without a name', [join, { type: EVENT, data: [], nsp }]);
	stricter('a name that is too long', [join, { type: EVENT, data: ['n'.repeat(MAX_EVENT_NAME + 1)], nsp }]);
	stricter('an id below 0', [join, { type: EVENT, data: ['message'], nsp, id: -1 }]);
	stricter('an id beyond 64 bits', [join, map({ type: '02', data: pack(['message']), nsp: pack('/'), id: 'cb43f0000000000000' })]);
	stricter('a namespace without a name', [{ type: CONNECT, nsp: '' }]);
	stricter('text that is not UTF-8', [join, map({ type: '02', data: bytes('92', pack('message'), 'a1ff'), nsp: pack('/') })]);
	stricter('a key that is nil', [join, map({ type: '02', data: bytes('92', pack('message'), '81c001'), nsp: pack('/') })]);
	stricter('a key of the packet that is nil', [bytes('83', 'c0c0', pack('type'), '00', pack('nsp'), pack('/'))]);
	stricter('an ext where an array is due, which JavaScript makes one', [join, map({ type: '02', data: 'd50501 02', nsp: pack('/') })]);

	test('2.13: names and depth at their limits', async (t) => {
		const ws = await session(t, gateway.port);
		const nested = (levels) => bytes('92', pack('message'), '91'.repeat(levels), 'c0'); // inside the array of the event
		const name = 'n'.repeat(MAX_EVENT_NAME);

		ws.tell({ type: EVENT, data: [name], nsp }).tell(map({ type: '02', data: nested(MAX_DEPTH - 1), nsp: pack('/') }));
		let inner = (await ws.hear()).data[1];
		for (let level = 1; level < MAX_DEPTH; level++)
			[inner] = inner;
		assert.equal(inner, null);
		await ws.tell(map({ type: '02', data: nested(MAX_DEPTH), nsp: pack('/') })).closed();
	});
});

describe('4: MessagePack bombs', () => {
	const gateway = share(before, after, 'conformance', FLAGS);
	const claims = ['dc ffff', 'dd ffffffff', 'de ffff', 'df ffffffff', 'da ffff', 'db ffffffff', 'c5 ffff', 'c6 ffffffff', 'c8 ffff00', 'c9 ffffffff00', 'df 80000000', 'dd 7fffffff'];
	const event = (data) => map({ type: '02', data: bytes('92', pack('message'), data), nsp: pack('/') });

	for (const claim of claims) {
		test(`4: ${claim} closes, as a packet and inside one, and the server answers at once`, async (t) => {
			for (const bomb of [bytes(claim), bytes(claim, '00'.repeat(1000)), event(bytes(claim)), event(bytes('81', pack('a'), claim)), event(bytes(claim, '90'.repeat(100000)))]) {
				await (await session(t, gateway().port)).tell(bomb).closed();
				await session(t, gateway().port);
			}
		});
	}

	for (const [what, level] of [['arrays', '91'], ['maps', '81a0'], ['claims inside claims', 'ddffffffff'], ['maps in arrays', '9181a161']]) {
		test(`4: 100,000 ${what} inside each other close`, async (t) => {
			for (const bomb of [bytes(level.repeat(100000)), event(bytes(level.repeat(100000), 'c0'))]) {
				await (await session(t, gateway().port)).tell(bomb).closed();
				await session(t, gateway().port);
			}
		});
	}

	test('4: half a million empty values are echoed', async (t) => {
		const ws = await session(t, gateway().port);
		const flat = event(bytes('dd0007a120', '90'.repeat(500000)));

		assert.equal((await ws.tell(flat).hear()).data[1].length, 500000);
	});

	test('4: packets that nobody should send cost no one else anything', async (t) => {
		const bystander = await session(t, gateway().port);

		for (const bomb of [...claims.map((claim) => bytes(claim)), bytes('91'.repeat(500000))])
			await (await session(t, gateway().port)).tell(bomb).closed();
		assert.deepEqual((await bystander.tell({ type: EVENT, data: ['message', 1], nsp: '/' }).hear()).data, ['message-back', 1]);
		const metrics = await gateway().metrics();

		assert.ok(metrics['stoa_malformed_total{part="socket.io"}'] > claims.length);
	});
});

describe('2.13: stock clients', () => {
	const gateway = share(before, after, 'conformance', FLAGS);
	const rooms = share(before, after, 'e2e', FLAGS);
	// Sent, and what comes back in the same client: with the reference it is the same.
	const there = [1, -1.5, 2 ** 53 - 1, 'ü世界🏛', true, null, undefined, new Date(1700000000123), [undefined, { a: [new Date(-1)] }], Buffer.from('buffer'), { deep: { b: Buffer.from([0, 255]) } }];
	const binary = (value) => new Uint8Array(value.buffer ?? value, value.byteOffset ?? 0, value.byteLength);

	for (const { way, transports } of WAYS) {
		test(`2.13: events, acks, binary, dates and undefined, by ${way}`, async (t) => {
			const socket = await connect(t, gateway().url, { transports, auth: { token: 'good', none: undefined } });

			assert.deepEqual(await socket.next('auth'), [{ token: 'good' }]);
			socket.emit('message', ...there);
			assert.deepEqual(await socket.next('message-back'), there);
			assert.deepEqual(await socket.ask('message-with-ack', ...there), there);
			assert.deepEqual(await socket.ask('message-with-ack'), []);
			socket.on('q', (n, ack) => ack(n, undefined, new Date(9), Buffer.from('answer')));
			assert.deepEqual(await socket.ask('ask'), [1, undefined, new Date(9), Buffer.from('answer')]);
			const [view, buffer, nested] = await socket.ask('message-with-ack', new Uint8Array([1, 2, 3]), new ArrayBuffer(2), { v: new Float64Array(1) });
			assert.ok(view instanceof ArrayBuffer && buffer instanceof ArrayBuffer && nested.v instanceof ArrayBuffer);
			assert.deepEqual([...binary(view)], [1, 2, 3]);
			assert.equal(buffer.byteLength, 2);
			assert.equal(nested.v.byteLength, 8);
			const large = Buffer.alloc(200000, 7);
			assert.deepEqual(await socket.ask('message-with-ack', large), [large]);
			if (transports === undefined) {
				await upgraded(socket);
				assert.deepEqual(await socket.ask('message-with-ack', ...there), there);
			}
			assert.equal(transportOf(socket), transports?.[0] ?? 'websocket');
		});

		test(`2.13: namespaces, refusal, disconnect from both sides, by ${way}`, async (t) => {
			const socket = await connect(t, gateway().url, { transports });
			const custom = openNamespace(t, socket, '/custom', { auth: { b: 2 } });
			assert.deepEqual(await custom.next('auth'), [{ b: 2 }]);
			const refused = openNamespace(t, socket, '/guard', { auth: { data: 1 } });
			const [error] = await refused.happens('connect_error');
			assert.equal(error.message, 'not authorized');
			assert.deepEqual(error.data, { content: 'Please retry later' });
			const [unknown] = await openNamespace(t, socket, '/nope').happens('connect_error');
			assert.equal(unknown.message, 'Invalid namespace');
			custom.disconnect();
			socket.emit('bye');
			assert.deepEqual((await socket.happens('disconnect'))[0], 'io server disconnect');
		});

		test(`2.13: rooms, and a broadcast that nothing is lost of, by ${way}`, async (t) => {
			const [a, b] = [await connect(t, rooms().url, { transports }), await connect(t, rooms().url, { transports })];

			await a.ask('join', way);
			b.emit('say', way, { when: new Date(4), none: undefined, list: [undefined], bytes: Buffer.from('x') });
			assert.deepEqual(await a.next('said'), [{ when: new Date(4), none: undefined, list: [undefined], bytes: Buffer.from('x') }]);
			assert.deepEqual(await a.ask('nothing'), []);
			assert.deepEqual(await a.ask('fail', 1), [{ error: 'it failed', data: { why: 'because' } }]);
		});
	}

	test('2.13: what an application says of a client, and what it was let in with', async (t) => {
		const socket = await connect(t, rooms().url, { auth: { when: new Date(0), none: undefined, list: [undefined] } });
		const [who] = await socket.ask('who');

		assert.equal(who.sid, socket.id);
		assert.deepEqual(who.auth, { when: '1970-01-01T00:00:00.000Z', list: [null] });
	});

	test('2.13: a client with the default parser gets nowhere', async (t) => {
		const socket = openClient(t, gateway().url, { transports: ['websocket'] });

		await new Promise((resolve) => socket.io.engine.once('close', resolve));
		assert.equal(socket.connected, false);
	});

	test('2.13: and neither does one with this parser elsewhere', async (t) => {
		const other = await forTest(t, 'conformance');

		await (await RawWebSocket.session(t, other.port)).sendBinary(pack({ type: CONNECT, nsp: '/' })).closed();
	});

	test('2.13: over polling a packet is base64 behind a b', async (t) => {
		const p = await Polling.open(t, gateway().port);
		const post = (packet) => p.post(`b${pack(packet).toString('base64')}`);
		const packets = async () => (await p.packets()).filter((text) => text !== '2').map((text) => (assert.equal(text[0], 'b'), unpack(Buffer.from(text.slice(1), 'base64'))));

		assert.equal((await post({ type: CONNECT, nsp: '/' })).body, 'ok');
		const [connected] = await packets();
		assert.deepEqual(connected, { type: CONNECT, data: { sid: connected.data.sid, pid: undefined }, nsp: '/' });
		await post({ type: EVENT, data: ['message', new Date(1)], nsp: '/' });
		let back;
		while ((back = (await packets()).find((packet) => packet.data?.[0] === 'message-back')) === undefined)
			continue;
		assert.deepEqual(back.data[1], new Date(1));
		assert.equal((await p.post('42["message"]')).status, 200);
		const last = [];
		while (!last.includes('1'))
			last.push(...(await p.packets()));
	});
});

describe('2.13: beside the clients', () => {
	const KEY = 'a key of sixteen and more'.replaceAll(' ', '-');

	test('2.13: the HTTP API emits to them, attachments in place', async (t) => {
		const g = await forTest(t, 'conformance', FLAGS, { env: { STOA_API_KEY: KEY } });
		const socket = await connect(t, g.url, { transports: ['websocket'] });
		const emit = async (body) => {
			const answer = await fetch(`${g.internalUrl}/api/v1/emit`, { method: 'POST', headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' }, body });
			return [answer.status, await answer.json()];
		};

		assert.deepEqual(await emit('{"broadcast":true,"event":"news","args":[1,-0,1e400,"é",{"a":[null]},{"_placeholder":true,"num":0}],"attachments":["AAH/"]}'), [200, { delivered: 1 }]);
		assert.deepEqual(await socket.next('news'), [1, 0, null, 'é', { a: [null] }, Buffer.from([0, 1, 255])].map((value) => (value === null ? Infinity : value)));
	});

	test('2.13: packets in the log can be read', async (t) => {
		const g = await forTest(t, 'conformance', [...FLAGS, '--debug']);
		const ws = await session(t, g.port);

		await ws.tell({ type: EVENT, data: ['message', new Date(0), Buffer.alloc(3), undefined], id: undefined, nsp: '/' }).hear();
		await g.line(/packet-in .*data="\{\\"type\\":2,\\"data\\":\[\\"message\\",\\"1970-01-01T00:00:00\.000Z\\",\\"<3 bytes>\\",null\],\\"nsp\\":\\"\/\\"\}" bytes=\d+/);
		await g.line(/packet-out to=.*data="\{\\"type\\":2,\\"data\\":\[\\"message-back\\",/);
		ws.tell(bytes('ddffffffff'));
		await g.line(/packet-in .*data="<5 bytes>"/);
		await g.line(/invalid-packet .*why="no packet"/);
	});
});
