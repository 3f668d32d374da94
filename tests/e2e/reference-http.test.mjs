// A client cannot tell Stoa from Socket.IO's own server, over HTTP: requests and polling sessions, see reference.test.mjs.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Gateway } from './lib/gateway.mjs';
import { fetchRaw, Raw, RawWebSocket, request, SEPARATOR, upgradeRequest } from './lib/raw.mjs';
import { asPeer, bothFor, HANDSHAKE, overHttp, overPolling, rawly, seen, startReference, withSession } from './lib/reference.mjs';

const LIMIT = 10_000;
let gateway, reference, stoa;

before(async () => {
	reference = await startReference({ maxHttpBufferSize: LIMIT, httpCompression: false });
	gateway = await Gateway.start('conformance', ['--max-http-buffer-size', `${LIMIT}B`, '--cors-allowed-origins', '', '--serve-client', 'false']);
	stoa = asPeer(gateway);
});
after(async () => {
	reference?.stop();
	await gateway?.stop();
});

async function compare(t, play, differs, peers = [reference, stoa]) {
	const [theirs, ours] = await Promise.all(peers.map(play));

	if (differs === undefined)
		assert.deepEqual(ours, theirs);
	else
		assert.notDeepEqual(ours, theirs, `no difference any more: ${differs}`);
}

describe('2.1, 2.2 against the reference: requests', () => {
	const rows = [
		['GET', HANDSHAKE], ['GET', '/socket.io/more?EIO=4&transport=polling'], ['GET', `${HANDSHAKE}&t=abc&b64=1&x=%20y&z`],
		['GET', '/socket.io/?transport=websocket&EIO=3&EIO=4&transport=polling'], ['GET', '/socket.io/?EIO=4&transport=poll%69ng'],
		['GET', '/socket.io/'], ['GET', '/socket.io/?'], ['GET', '/socket.io/?EIO=4'], ['GET', '/socket.io/?EIO=4&transport='], ['GET', '/socket.io/?EIO=4&transport=x'],
		['GET', '/socket.io/?EIO=4&transport=constructor'], ['GET', '/socket.io/?EIO=4&transport=__proto__'], ['GET', '/socket.io/?EIO=4&transport=webtransport'], ['GET', '/socket.io/?EIO=4&transport=Polling'],
		['GET', `${HANDSHAKE}&sid=AAAAAAAAAAAAAAAAAAAA`], ['GET', `${HANDSHAKE}&sid=__proto__`], ['GET', `${HANDSHAKE}&sid=`], ['GET', `${HANDSHAKE}&sid=%00`], ['GET', `${HANDSHAKE}&sid=%zz`],
		['POST', `${HANDSHAKE}&sid=AAAAAAAAAAAAAAAAAAAA`], ['GET', '/socket.io/?EIO=4&transport=websocket'], ['POST', '/socket.io/?EIO=4&transport=websocket'],
		['GET', '/socket.io/?EIO=3&transport=polling'], ['GET', '/socket.io/?transport=polling'], ['GET', '/socket.io/?EIO=04&transport=polling'], ['GET', '/socket.io/?EIO=5&transport=polling'],
		['POST', HANDSHAKE, [], '40'], ['PUT', HANDSHAKE], ['DELETE', HANDSHAKE], ['HEAD', HANDSHAKE], ['OPTIONS', HANDSHAKE], ['PATCH', HANDSHAKE],
		['GET', HANDSHAKE, ['Origin: http://elsewhere.example']], ['GET', HANDSHAKE, ['Origin: null']],
		['GET', HANDSHAKE, ['User-Agent: Mozilla/4.0 (compatible;MSIE 8.0; Windows NT 6.1; Trident/4.0)']], ['GET', HANDSHAKE, ['User-Agent: Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko']],
		['GET', HANDSHAKE, ['User-Agent: Mozilla/5.0 Firefox/130']],
		['GET', `/socket.io/?EIO=4&transport=none`, ['User-Agent: ;MSIE']],
		['GET', `${HANDSHAKE}&x=%00`], ['GET', `${HANDSHAKE}&x=%zz`],
		// Two things wrong at once: which is seen first.
		['POST', '/socket.io/?EIO=3&transport=polling'], ['POST', '/socket.io/?EIO=4&transport=x'], ['POST', '/socket.io/?EIO=3&transport=websocket'], ['GET', '/socket.io/?EIO=3&transport=websocket'],
		['GET', '/socket.io/?EIO=3&transport=polling&sid=AAAAAAAAAAAAAAAAAAAA'], ['PUT', `${HANDSHAKE}&sid=AAAAAAAAAAAAAAAAAAAA`], ['GET', '/socket.io/?EIO=4&transport=x&sid=AAAAAAAAAAAAAAAAAAAA'],
		['GET', '/socket.io/?EIO=4&transport=websocket&sid=AAAAAAAAAAAAAAAAAAAA'], ['OPTIONS', '/socket.io/?EIO=3&transport=websocket'],
	];

	for (const [method, target, headers, body] of rows)
		test(`2.2: ${method} ${target} ${headers ?? ''}`, (t) => compare(t, (peer) => overHttp(t, peer, method, target, headers, body),
			target.includes('%69') ? 'EIO, transport and sid are looked for as plain characters' : undefined));
});

describe('2.2 against the reference: upgrades', () => {
	const target = '/socket.io/?EIO=4&transport=websocket';
	const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
	const head = (...lines) => request('GET', target, ['Connection: Upgrade', ...lines]);
	const rows = [
		['all is well', upgradeRequest(target, { key: 'dGhlIHNhbXBsZSBub25jZQ==' })],
		['a subprotocol', upgradeRequest(target, { key: 'dGhlIHNhbXBsZSBub25jZQ==', headers: ['Sec-WebSocket-Protocol: one, two'] })],
		['no transport', upgradeRequest('/socket.io/?EIO=4')], ['an unknown transport', upgradeRequest('/socket.io/?EIO=4&transport=x')],
		['transport=__proto__', upgradeRequest('/socket.io/?EIO=4&transport=__proto__')], ['an unknown sid', upgradeRequest(`${target}&sid=AAAAAAAAAAAAAAAAAAAA`)],
		['no key', head('Upgrade: websocket', 'Sec-WebSocket-Version: 13')], ['a key that is none', head('Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: short')],
		['version 7', head('Upgrade: websocket', 'Sec-WebSocket-Version: 7', key), 'we speak version 13 alone, and the header says so'],
		['no version', head('Upgrade: websocket', key), 'we speak version 13 alone, and the header says so'],
		['two things wrong: transport and key', request('GET', '/socket.io/?EIO=4&transport=x', ['Connection: Upgrade', 'Upgrade: websocket'])],
		['two things wrong: sid and key', request('GET', `${target}&sid=AAAAAAAAAAAAAAAAAAAA`, ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'])],
		['two things wrong: EIO and key', request('GET', '/socket.io/?EIO=3&transport=websocket', ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'])],
		['two things wrong: key and version', head('Upgrade: websocket')],
		['a POST', request('POST', target, ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', key])],
		['an upgrade to something else', head('Upgrade: h2c', 'Sec-WebSocket-Version: 13', key)],
	];

	for (const [what, data, differs] of rows)
		test(`2.2: ${what}`, (t) => compare(t, (peer) => rawly(t, peer, data), differs));

	test('2.2, 2.15 Q5: another EIO is refused before the 101; the reference answers 101 and then 400 on the same connection', (t) =>
		compare(t, (peer) => rawly(t, peer, upgradeRequest('/socket.io/?EIO=3&transport=websocket', { key: 'dGhlIHNhbXBsZSBub25jZQ==' })), 'Q5'));
	test('2.2: transport=polling in an upgrade is answered 101', (t) => compare(t, (peer) => rawly(t, peer, upgradeRequest(HANDSHAKE, { key: 'dGhlIHNhbXBsZSBub25jZQ==' }))));
});

describe('2.3, 2.4 against the reference: payloads of POSTs', () => {
	const join = (...packets) => packets.join(SEPARATOR);
	const LATER = 'the reference handles the packets of a payload after all of it has been read, and drops what came before a bad one; we handle each in turn';
	const SOONER = 'the packets are the same; the reference tells its handlers when the GET has come ("forced close"), we do at once ("forced server close")';
	const base64 = `451-["message",{"_placeholder":true,"num":0}]`;
	const rows = [
		['one message', ['42["message",1]']], ['three', [join('42["message",1]', '42["message",2]', '42["message","é🏛"]')]],
		['binary', [join(base64, 'bAQID/w==')]], ['binary without padding', [join(base64, 'bAQID/w')]], ['binary in the alphabet of URLs', [join(base64, 'bAQID_w==')]],
		['binary that is no base64', [join(base64, 'b!!!!')]], ['binary with white space', [join(base64, 'bAQ ID')]], ['empty binary', [join(base64, 'b')]], ['binary in two POSTs', [base64, 'bAQID']],
		['a pong', ['3']], ['open, upgrade and noop', [join('0', '5', '6', '42["message",1]')]], ['a ping', ['2']], ['a ping between', [join('42["message",1]', '2', '42["message",2]')]],
		['close', ['1']], ['a close between', [join('42["message",1]', '1', '42["message",2]')]],
		['an unknown type', ['9']], ['a letter', ['x']], ['nothing', ['']], ['one separator', [SEPARATOR]], ['separators', [SEPARATOR.repeat(3)]], ['an empty packet behind', [join('42["message",1]', '')]],
		['an empty packet in front', [join('', '42["message",1]')]], ['a bad packet between', [join('42["message",1]', 'x', '42["message",2]')]],
		['a bad Socket.IO packet between', [join('42["message",1]', '4x', '42["message",2]')]], ['only `4`', ['4']], ['an event for a namespace not joined', ['42/custom,["x"]']],
		['invalid UTF-8', [Buffer.from([0x34, 0x32, 0x5b, 0x22, 0x6d, 0x65, 0x73, 0x73, 0x61, 0x67, 0x65, 0x22, 0x2c, 0x22, 0xc3, 0x28, 0xff, 0x22, 0x5d])]],
		['invalid UTF-8 in the name', [Buffer.from([0x34, 0x32, 0x5b, 0x22, 0xff, 0x22, 0x5d])]],
		['a NUL', ['42["message","\\u0000"]']], ['a raw NUL', ['42["message","\x00"]']],
		['a body of the limit', [`42["message","${'x'.repeat(LIMIT - 16)}"]`]], ['one byte more', [`42["message","${'x'.repeat(LIMIT - 15)}"]`]],
		['41, then 40', ['41', '40']], ['41 and 42', [join('41', '42["message"]')]], ['the application closes', ['42["byebye"]']], ['the application leaves', ['42["bye"]']],
		['two namespaces', ['40/custom,', '41/custom,', '42["message",1]']], ['40 twice', ['40']],
	];
	const differing = {
		'the application closes': 'the end that the application asked for is logged with its own reason; the packets are the same',
		'a bad Socket.IO packet between': LATER,
		'41 and 42': LATER,
		'only `4`': SOONER, 'a raw NUL': SOONER,
	};

	for (const [what, payloads] of rows)
		test(`2.3: ${what}`, (t) => compare(t, (peer) => overPolling(t, peer, payloads), differing[what]));

	test('2.10: before CONNECT: an event', (t) => compare(t, (peer) => overPolling(t, peer, ['42["message"]'], { join: false })));
	for (const type of ['application/octet-stream', 'text/plain', 'application/octet-stream; charset=x', 'application/json', undefined])
		test(`2.3: Content-Type ${type}`, (t) => compare(t, (peer) => withSession(t, peer, async (p) => seen(await p.post('42["message",1]', type ? [`Content-Type: ${type}`] : [])))));
});

describe('2.2, 2.3 against the reference: requests of a session', () => {
	const post = (target, length, text) => `POST ${target} HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: ${length}\r\n\r\n${text}`;
	// On this machine a request that is answered shows that what was written before has been read.
	const settle = async (t, peer) => {
		for (let i = 0; i < 3; i++)
			await fetchRaw(t, peer.port, 'GET', '/socket.io/?EIO=4&transport=none');
	};
	const park = async (t, peer, p) => {
		const raw = await Raw.open(t, peer.port);

		raw.write(request('GET', p.target));
		await settle(t, peer);
		return raw;
	};
	const upgrade = async (t, peer, p) => RawWebSocket.open(t, peer.port, `/socket.io/?EIO=4&transport=websocket&sid=${p.sid}`);
	const rows = {
		'2.2: PUT': async (t, peer, p) => overHttp(t, peer, 'PUT', p.target),
		'2.2: DELETE': async (t, peer, p) => overHttp(t, peer, 'DELETE', p.target),
		'2.2: OPTIONS': async (t, peer, p) => overHttp(t, peer, 'OPTIONS', p.target),
		'2.2: HEAD': async (t, peer, p) => overHttp(t, peer, 'HEAD', p.target),
		'2.2: transport=websocket in a plain request': async (t, peer, p) => overHttp(t, peer, 'GET', `/socket.io/?EIO=4&transport=websocket&sid=${p.sid}`),
		'2.2: EIO=3': async (t, peer, p) => overHttp(t, peer, 'GET', `/socket.io/?EIO=3&transport=polling&sid=${p.sid}`),
		'2.3: a second GET': async (t, peer, p) => {
			const first = await park(t, peer, p);
			const second = seen(await p.get());

			return [second, seen(await first.response())];
		},
		'2.3: a second POST': async (t, peer, p) => {
			const first = await Raw.open(t, peer.port);

			first.write(post(p.target, 100, '42["mess'));
			await settle(t, peer);
			const second = seen(await p.post('42["message",2]'));
			await first.closed();
			return [second, first.input.toString()];
		},
		'2.3: an aborted GET': async (t, peer, p) => {
			(await park(t, peer, p)).reset();
			return peer.reasonOf(p.sid);
		},
		'2.3: a GET that ends its side': async (t, peer, p) => {
			(await park(t, peer, p)).finish();
			return peer.reasonOf(p.sid);
		},
		'2.3: an aborted POST': async (t, peer, p) => {
			const raw = await Raw.open(t, peer.port);

			raw.write(post(p.target, 100, '42["mess'));
			await settle(t, peer);
			raw.reset();
			return peer.reasonOf(p.sid);
		},
		'2.3: a chunked body past the limit': async (t, peer, p) => {
			const raw = await Raw.open(t, peer.port);

			raw.write(`POST ${p.target} HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n`);
			raw.write(`${(LIMIT + 1).toString(16)}\r\n${'x'.repeat(LIMIT + 1)}\r\n0\r\n\r\n`);
			return seen(await raw.response());
		},
		'2.3: a message, with a GET waiting': async (t, peer, p) => {
			const parked = await park(t, peer, p);

			return [seen(await p.post('42["message",1]')), seen(await parked.response())];
		},
		'2.3: a bad packet, with a GET waiting': async (t, peer, p) => {
			const parked = await park(t, peer, p);

			return [seen(await p.post('x')), seen(await parked.response())];
		},
		'2.3: a bad Socket.IO packet, with a GET waiting': async (t, peer, p) => {
			const parked = await park(t, peer, p);

			return [seen(await p.post('4x')), seen(await parked.response())];
		},
		'2.3: a close packet, with a GET waiting': async (t, peer, p) => {
			const parked = await park(t, peer, p);

			return [seen(await p.post('1')), seen(await parked.response())];
		},
		'2.3: a ping, with a GET waiting': async (t, peer, p) => {
			const parked = await park(t, peer, p);

			return [seen(await p.post('2')), seen(await parked.response())];
		},
		'2.6: probe, upgrade, messages; then polling is over': async (t, peer, p) => {
			const ws = await upgrade(t, peer, p);
			const trace = [await ws.send('2probe').text(), await ws.send('2probe').text()];

			trace.push(await ws.send('5').send('42["message",1]').message());
			trace.push(seen(await p.get()), seen(await p.post('42["message",2]')));
			trace.push(await ws.send('42["message",3]').message());
			return trace;
		},
		'2.6: `5` without a probe': async (t, peer, p) => (await upgrade(t, peer, p)).send('5').send('42["message",1]').message(),
		'2.6: a noop for the GET that waits while probing': async (t, peer, p) => {
			const parked = await park(t, peer, p);
			const ws = await upgrade(t, peer, p);

			return [await ws.send('2probe').text(), seen(await parked.response())];
		},
		...Object.fromEntries(['42["message"]', '2', '3probe', 'x', '2probe2', '1', '6'].map((packet) => [`2.6: ${packet} instead of the probe`, async (t, peer, p) => {
			const ws = await upgrade(t, peer, p);

			return [await ws.send(packet).closed(), seen(await p.post('42["message",1]')), await p.packets()];
		}])),
		'2.6: binary instead of the probe': async (t, peer, p) => {
			const ws = await upgrade(t, peer, p);

			return [await ws.sendBinary('x').closed(), seen(await p.post('42["message",1]')), await p.packets()];
		},
		'2.6: a second WebSocket while one is probing': async (t, peer, p) => {
			const first = await upgrade(t, peer, p);
			const answer = await first.send('2probe').text();
			const second = await upgrade(t, peer, p);

			return [answer, await second.closed(), await first.send('5').send('42["message",1]').message()];
		},
		'2.6: the session closes, with a WebSocket probing': async (t, peer, p) => {
			const ws = await upgrade(t, peer, p);
			const answer = await ws.send('2probe').text();

			return [answer, seen(await p.post('1')), await ws.closed()];
		},
		'2.6: a WebSocket that drops while probing, and another': async (t, peer, p) => {
			const first = await upgrade(t, peer, p);
			const answer = await first.send('2probe').text();

			first.raw.reset();
			await settle(t, peer);
			const second = await upgrade(t, peer, p);
			return [answer, await second.send('2probe').text(), await second.send('5').send('42["message",1]').message()];
		},
	};
	for (const [name, act] of Object.entries(rows))
		test(name, (t) => compare(t, (peer) => withSession(t, peer, (p) => act(t, peer, p))));
});

// Concurrent: each waits for its limit, at servers of its own.
describe('2.4, 2.5, 2.6 against the reference: time limits', { concurrency: true }, () => {
	const options = { pingInterval: 2000, pingTimeout: 2000, upgradeTimeout: 2000, connectTimeout: 3500 };
	const flags = ['--ping-interval', '2s', '--ping-timeout', '2s', '--upgrade-timeout', '2s', '--connect-timeout', '3500ms', '--cors-allowed-origins', ''];
	const rows = {
		'2.5: no pong, by WebSocket': async (t, peer) => {
			const ws = await RawWebSocket.session(t, peer.port, { connect: '' });
			const before = [];

			return [await ws.closed(before), before, await peer.reasonOf(ws.opened.sid)];
		},
		'2.5: no pong, by polling': (t, peer) => withSession(t, peer, async (p) => [await p.packets(), await p.packets()]),
		'2.10: nothing joined, by WebSocket': async (t, peer) => {
			const ws = await RawWebSocket.session(t, peer.port);

			for (let text; (text = await ws.text()) !== '2';);
			const code = ws.send('3');
			return [await code.closed(), await peer.reasonOf(ws.opened.sid)];
		},
		'2.10: nothing joined, by polling, with a GET waiting': (t, peer) => withSession(t, peer, async (p) => {
			const ping = await p.packets();

			await p.post('3');
			return [ping, await p.packets()];
		}, { join: false }),
		'2.6: an upgrade that takes too long': (t, peer) => withSession(t, peer, async (p) => {
			const ws = await RawWebSocket.open(t, peer.port, `/socket.io/?EIO=4&transport=websocket&sid=${p.sid}`);

			return [await ws.send('2probe').text(), await ws.closed(), (await p.post('42["message",1]')).body];
		}),
	};

	for (const [name, act] of Object.entries(rows))
		test(name, async (t) => compare(t, (peer) => act(t, peer), undefined, await bothFor(t, options, flags)));

	test('2.15 Q2: a WebSocket for a session on WebSocket takes it over in the reference; here it is closed', async (t) =>
		compare(t, async (peer) => {
			const ws = await RawWebSocket.session(t, peer.port, { connect: '' });
			const second = await RawWebSocket.open(t, peer.port, `/socket.io/?EIO=4&transport=websocket&sid=${ws.opened.sid}`);

			await ws.text();
			return second.send('2probe').closed();
		}, undefined, await bothFor(t, { upgradeTimeout: 2000 }, ['--cors-allowed-origins', ''])));
});
