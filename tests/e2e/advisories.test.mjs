// Inputs that have brought other servers down: the published advisories of Socket.IO, Engine.IO, ws and their Python
// kin, and what a server in C has to stand besides. After each a handshake is answered at once, a client that was there
// before is unharmed, and nothing of it is left.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Gateway, IS_DEV } from './lib/gateway.mjs';
import { BINARY, fetchRaw, frame, HANDSHAKE, PING, Polling, PONG, Raw, RawWebSocket, request, SEPARATOR, TEXT, upgradeRequest } from './lib/raw.mjs';
import { eventually } from './lib/wait.mjs';

const TARGET = '/socket.io/?EIO=4&transport=websocket';
const MANY = IS_DEV ? 100_000 : 1_000_000;
let g, witness, asked = 0;

before(async () => {
	g = await Gateway.start('conformance', ['--max-control-frames', '0', '--head-timeout', '3s', '--body-timeout', '3s', '--connect-timeout', '10s', '--ping-interval', '1h', '--polling-close-timeout', '1s']);
	witness = await RawWebSocket.session(null, g.port, { connect: '' });
	assert.equal(await witness.text(), '42["auth",{}]');
});
after(async () => {
	witness?.raw.socket.destroy();
	await g?.stop();
});

const joined = async (t) => {
	const ws = await RawWebSocket.session(t, g.port, { connect: '' });

	assert.equal(await ws.text(), '42["auth",{}]');
	return ws;
};

// Sends more than the kernel's buffers hold, unless the peer has had enough before.
function pour(raw, chunk, times) {
	return new Promise((resolve) => {
		let left = times;
		const more = () => {
			while (left > 0 && raw.over === null && !raw.socket.destroyed) {
				left--;
				if (!raw.socket.write(chunk))
					return void raw.socket.once('drain', more);
			}
			resolve();
		};
		raw.ended.then(resolve);
		more();
	});
}

// It answers a newcomer, and who was there before.
async function serves(t) {
	assert.equal((await fetchRaw(t, g.port, 'GET', HANDSHAKE)).status, 200);
	asked++;
	assert.equal(await witness.send(`42${asked}["message-with-ack",${asked}]`).text(), `43${asked}[${asked}]`);
	assert.equal(g.child.exitCode, null);
}

const closes = async (ws, ...codes) => {
	const code = await ws.closed();

	assert.ok(codes.includes(code), `closed with ${code}`);
};
const refuses = (...statuses) => async (t, bytes) => {
	const raw = await Raw.open(t, g.port);

	raw.write(bytes);
	const { status } = await raw.response();
	assert.ok(statuses.includes(status), `answered with ${status}`);
	await raw.closed();
};
const post = (p, head, body) => `POST ${p.target} HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n${head}\r\n\r\n${body}`;
const placeholder = (num) => `451-["x",{"_placeholder":true,"num":${num}}]`;

const advisories = {
	'CVE-2017-16031: ids are random': async (t) => {
		const sids = await Promise.all(Array.from({ length: 100 }, async () => JSON.parse((await fetchRaw(t, g.port, 'GET', HANDSHAKE)).body.slice(1)).sid));
		const secrets = sids.map((sid) => sid.slice(4)); // the first four name the node

		assert.equal(new Set(sids.map((sid) => sid.slice(0, 4))).size, 1);
		for (let i = 0; i < 16; i++)
			assert.ok(new Set(secrets.map((secret) => secret[i])).size > 20, `character ${i} of 100 ids`);
	},
	'CVE-2020-28481: no origin is allowed unless it is configured': async (t) => {
		const { status, headers } = await fetchRaw(t, g.port, 'GET', HANDSHAKE, ['Origin: https://evil.example']);

		assert.equal(status, 403);
		assert.equal(headers['access-control-allow-origin'], undefined);
	},
	'CVE-2024-38355: an event named `error` that nobody handles': async (t) => {
		const ws = await joined(t);

		assert.equal(await ws.send('42["error"]').send('42["error",null]').send('42["message"]').text(), '42["message-back"]');
	},
	'CVE-2020-36049: runs of digits, and a namespace of 900 kB': async (t) => {
		for (const packet of [`42${'1'.repeat(900_000)}["x"]`, `45${'1'.repeat(900_000)}-["x"]`, `40/${'n'.repeat(900_000)},`, `42/${'n'.repeat(900_000)}`])
			await closes((await joined(t)).send(packet), 1005);
	},
	'CVE-2022-2421: a placeholder whose number is none, or out of range': async (t) => {
		for (const num of ['"splice"', '"__proto__"', '1', '-1', '1e9', '0.5', 'null', '{}'])
			await closes((await joined(t)).send(placeholder(num)).sendBinary('x'), 1005);
	},
	'CVE-2023-32695: an event whose name is an object': async (t) => {
		for (const name of ['{"toString":"foo"}', '[]', 'null', 'true', '{}'])
			await closes((await joined(t)).send(`42[${name}]`), 1005);
	},
	'CVE-2026-33151: attachments announced without end': async (t) => {
		await closes((await joined(t)).send('45999999-["x"]').sendBinary('x'), 1005);
		await closes((await joined(t)).send('4511-["x"]'), 1005);
	},
	'CVE-2020-36048: a POST larger than it may be, announced and in chunks': async (t) => {
		const p = await Polling.open(t, g.port);
		const large = await Raw.open(t, g.port);
		const chunked = await Raw.open(t, g.port);

		large.write(post(p, 'Content-Length: 100000000', 'x'));
		assert.equal((await large.response()).status, 413);
		chunked.write(post(p, 'Transfer-Encoding: chunked', ''));
		await pour(chunked, `10000\r\n${'x'.repeat(65536)}\r\n`, 100);
		assert.equal((await chunked.response()).status, 413);
		assert.equal((await p.post('3')).body, 'ok', 'the session survives');
	},
	'CVE-2022-21676: bytes that are no frame right behind the upgrade, with and without a sid': async (t) => {
		for (const target of [TARGET, `${TARGET}&sid=${(await Polling.open(t, g.port)).sid}`])
			for (const junk of ['test', Buffer.alloc(100, 0xff), Buffer.from([0x71, 0x80])]) {
				const raw = (await Raw.open(t, g.port)).write(Buffer.concat([upgradeRequest(target), Buffer.from(junk)]));

				await raw.closed();
				assert.match(raw.input.toString('latin1'), /^HTTP\/1\.1 101 /);
			}
	},
	'CVE-2022-41940, 2.15 Q6: an upgrade that is not handled, then a reset': async (t) => {
		for (const target of [TARGET, '/elsewhere', '/socket.io/?EIO=4&transport=x'])
			for (const protocol of ['websocket', 'h2c'])
				(await Raw.open(t, g.port)).write(request('GET', target, ['Connection: Upgrade', `Upgrade: ${protocol}`])).reset();
	},
	'CVE-2023-31125: transport=__proto__ in an upgrade': async (t) => {
		for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty'])
			await refuses(400)(t, upgradeRequest(`/socket.io/?EIO=4&transport=${name}`));
	},
	'CVE-2026-59725: POSTs of application/octet-stream are answered': async (t) => {
		for (let i = 0; i < 50; i++) {
			const p = await Polling.open(t, g.port);

			assert.equal((await p.post('4', ['Content-Type: application/octet-stream'])).status, 400);
			assert.ok(await p.isGone());
		}
	},
	'GHSA-gr94-w7qr-f4j3: names of JavaScript for a sid': async (t) => {
		for (const sid of ['__proto__', 'constructor', 'toString', '%00', '%zz', '%', '\u{ff}']) {
			const { status, body } = await fetchRaw(t, g.port, 'GET', `${HANDSHAKE}&sid=${sid}`);

			assert.equal(status, 400);
			if (sid !== '\u{ff}')
				assert.equal(JSON.parse(body).code, 1);
		}
	},
	'CVE-2016-10518: a pong has the bytes of its ping and no other': async (t) => {
		const ws = await joined(t);

		for (const payload of ['', '1', '\0', 'x'.repeat(125)]) {
			const pong = await ws.write(frame(PING, payload)).next();
			assert.equal(pong.opcode, PONG);
			assert.equal(pong.payload.toString(), payload);
		}
	},
	'CVE-2016-10542: frames that claim to be huge': async (t) => {
		for (const claim of [1_000_001, 2 ** 31, 2 ** 32, 2 ** 53])
			await closes((await joined(t)).write(frame(BINARY, 'x', { claim })), 1009);
	},
	'GHSA-5v72-xg48-5rpm: Sec-WebSocket-Extensions: constructor': async (t) => {
		for (const value of ['constructor', '__proto__', 'permessage-deflate; constructor', 'permessage-deflate; __proto__=1', `${'a,'.repeat(1000)}`, ';;;,,,===', `x; y="${'\\'.repeat(500)}"`])
			(await RawWebSocket.open(t, g.port, TARGET, { headers: [`Sec-WebSocket-Extensions: ${value}`] })).raw.socket.destroy();
	},
	'CVE-2021-32640: Sec-WebSocket-Protocol with very many spaces': async (t) => {
		(await RawWebSocket.open(t, g.port, TARGET, { headers: [`Sec-WebSocket-Protocol: b${' '.repeat(15_000)}x`] })).raw.socket.destroy();
	},
	'CVE-2024-37890: an upgrade with more headers than there may be': async (t) => {
		await refuses(431)(t, request('GET', TARGET, [...Array.from({ length: 200 }, (_, i) => `X-${i}: x`), 'Connection: Upgrade', 'Upgrade: websocket']));
	},
	'CVE-2026-45736: a Close frame has the status and nothing else': async (t) => {
		const ws = await joined(t);

		ws.write(frame(3, 'x'));
		const close = await ws.next();
		assert.equal(close.opcode, 8);
		assert.deepEqual([...close.payload], [1002 >> 8, 1002 & 255]);
	},
	'CVE-2026-48779: fragments of one byte without end': async (t) => {
		const ws = await joined(t);

		ws.write(frame(TEXT, '4', { fin: false }));
		await pour(ws.raw, Buffer.concat(Array.from({ length: 100 }, () => frame(0, 'x', { fin: false }))), 1000);
		await closes(ws, 1008);
	},
	'CVE-2026-62389: empty fragments are counted': async (t) => {
		const ws = await joined(t);

		ws.write(frame(BINARY, '', { fin: false }));
		await pour(ws.raw, Buffer.concat(Array.from({ length: 100 }, () => frame(0, '', { fin: false }))), 1000);
		await closes(ws, 1008);
	},
	'CVE-2019-13611: the origin is looked at on a WebSocket too': async (t) => {
		await refuses(403)(t, upgradeRequest(TARGET, { headers: ['Origin: https://evil.example'] }));
	},
	'CVE-2026-48802: a flood of pongs, and of handshakes that go no further': async (t) => {
		const ws = await joined(t);

		await pour(ws.raw, Buffer.concat(Array.from({ length: 1000 }, () => frame(TEXT, '3'))), MANY / 1000);
		assert.equal(await ws.send('42["message"]').text(), '42["message-back"]');
		for (let i = 0; i < 1000; i++)
			assert.equal((await fetchRaw(t, g.port, 'GET', HANDSHAKE)).status, 200);
	},
	'CVE-2026-48809: a body is refused before it is read, where there is nobody to read it': async (t) => {
		const raw = await Raw.open(t, g.port);

		raw.write(`POST ${HANDSHAKE}&sid=AAAAAAAAAAAAAAAAAAAA HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n`);
		assert.equal((await raw.response()).status, 400);
		await raw.closed();
		await closes((await joined(t)).sendBinary(Buffer.alloc(1_000_001)), 1009);
	},
	'CVE-2025-61765: a pickle is no packet': async (t) => {
		const pickle = Buffer.from("cposix\nsystem\n(S'touch /tmp/never'\ntR.");

		await closes((await joined(t)).sendBinary(pickle), 1005);
		await closes((await joined(t)).send(`4${pickle}`), 1005);
	},
	'CVE-2026-48804: a packet with attachments from who is in no namespace, and one that is never whole': async (t) => {
		await closes((await RawWebSocket.session(t, g.port)).send('452-["x"]'), 1005);
		for (let i = 0; i < 50; i++) {
			const ws = await joined(t);
			ws.send(`4510-["${'x'.repeat(190)}"]`).sendBinary(Buffer.alloc(100_000)).raw.reset();
		}
	},
};

describe('4: advisories', () => {
	for (const [name, act] of Object.entries(advisories))
		test(`4: ${name}`, async (t) => {
			await act(t);
			await serves(t);
		});
});

const http = {
	'Content-Length and Transfer-Encoding': 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG',
	'two Content-Lengths': 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx',
	'a folded header': 'GET / HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n',
	'a bare LF': 'GET / HTTP/1.1\nHost: x\n\n',
	'an encoding that is none': 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n',
	'a space before the colon': 'GET / HTTP/1.1\r\nHost : x\r\n\r\n',
	'a NUL in a header': 'GET / HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n',
	'a NUL in the target': 'GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n',
	'a negative length': 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
	'a length beyond all numbers': 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n',
	'a chunk of a size beyond all numbers': `POST ${HANDSHAKE} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n`,
	'a query of 65 kB': `GET ${HANDSHAKE}&x=${'x'.repeat(65_536)} HTTP/1.1\r\nHost: x\r\n\r\n`,
	'10,000 headers': `GET / HTTP/1.1\r\nHost: x\r\n${'X: x\r\n'.repeat(10_000)}\r\n`,
	'nothing but NULs': '\0'.repeat(20_000),
	'TLS': Buffer.from('16030100c8010000c403030000000000000000000000000000', 'hex'),
};

describe('4: HTTP', () => {
	for (const [name, bytes] of Object.entries(http))
		test(`4: ${name}`, async (t) => {
			const raw = await Raw.open(t, g.port);

			raw.write(bytes);
			await raw.closed();
			assert.match(raw.input.toString('latin1'), /^HTTP\/1\.1 (400|408|413|414|431) /);
			assert.equal(raw.input.toString('latin1').match(/HTTP\/1\.1 /g).length, 1, 'one answer');
			await serves(t);
		});

	test('4: a head, and a body, that come a byte at a time', async (t) => {
		const p = await Polling.open(t, g.port);
		const slow = await Promise.all(Array.from({ length: 20 }, () => Raw.open(t, g.port)));

		slow.forEach((raw, i) => raw.write(i % 2 ? 'GET / HTTP/1.1\r\nHost: ' : post(p, 'Content-Length: 1000', '4').slice(0, i === 0 ? undefined : 60)));
		const drip = setInterval(() => slow.forEach((raw) => raw.over === null && raw.write('x')), 50);
		t.after(() => clearInterval(drip));
		await Promise.all(slow.map((raw) => raw.closed()));
		await serves(t);
	});

	test('4: escapes that are none, and %00, in path and query', async (t) => {
		for (const target of ['/%00', '/%zz', '/%', '/socket.io/%00', `${HANDSHAKE}&x=%00`, `${HANDSHAKE}&x=%zz`, `${HANDSHAKE}&%00=%`])
			assert.ok([200, 400, 404].includes((await fetchRaw(t, g.port, 'GET', target)).status), target);
		await serves(t);
	});
});

const extras = {
	'2.15 Q7: 300,000 levels of nesting in an event, in auth and in an ack': async (t) => {
		const deep = '['.repeat(300_000) + ']'.repeat(300_000);

		for (const packet of [`42["x",${deep}]`, `40/custom,{"a":${deep}}`, `430[${deep}]`, `42["x",${'{"a":'.repeat(150_000)}1${'}'.repeat(150_000)}]`, `42["x",${'['.repeat(300_000)}`])
			await closes((await joined(t)).send(packet), 1005);
	},
	'invalid UTF-8 in a text frame: 1007': async (t) => {
		for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xc3]])
			await closes((await joined(t)).write(frame(TEXT, Buffer.from([0x34, 0x32, ...bytes]))), 1007);
	},
	'NUL and half a surrogate pair in a message': async (t) => {
		const ws = await joined(t);

		assert.equal(await ws.send('42["message","\\u0000\\ud800"]').text(), '42["message-back","\\u0000\\ud800"]');
		await closes(ws.send('42["message","\0"]'), 1005);
	},
	'numbers beyond all bounds': async (t) => {
		const ws = await joined(t);

		for (const number of ['1e400', '-0', '9007199254740993', '-1e-400', `1${'0'.repeat(10_000)}`, `0.${'1'.repeat(10_000)}`])
			assert.match(await ws.send(`42["message",${number}]`).text(), /^42\["message-back",/);
		assert.match(await ws.send(`421["join",1e400]`).text(), /^431\[/);
	},
	'400,000 packets in one payload': async (t) => {
		const p = await Polling.open(t, g.port);

		await p.post(`3${SEPARATOR}`.repeat(400_000));
		assert.ok(await p.isGone());
	},
	'nothing but separators': async (t) => {
		const p = await Polling.open(t, g.port);

		assert.equal((await p.post(SEPARATOR.repeat(900_000))).body, 'ok');
		assert.ok(await p.isGone());
	},
	'a POST of bytes that are no UTF-8': async (t) => {
		const p = await Polling.open(t, g.port);

		assert.equal((await p.post(Buffer.alloc(300_000, 0xff))).body, 'ok');
		assert.ok(await p.isGone());
	},
	'fragments whose sum is more than a message may be: 1009': async (t) => {
		const ws = await joined(t);

		ws.write(frame(BINARY, Buffer.alloc(600_000), { fin: false })).write(frame(0, Buffer.alloc(600_000)));
		await closes(ws, 1009);
	},
	'a million empty frames': async (t) => {
		const ws = await joined(t);

		await pour(ws.raw, Buffer.concat(Array.from({ length: 1000 }, () => frame(TEXT, ''))), MANY / 1000);
		await closes(ws, 1005, 'rst');
	},
	'a million pings and pongs of WebSocket': async (t) => {
		const ws = await joined(t);

		ws.raw.socket.resume();
		await pour(ws.raw, Buffer.concat(Array.from({ length: 1000 }, (_, i) => frame(i % 2 ? PING : PONG, 'x'))), MANY / 1000);
	},
	'acks that nobody asked for': async (t) => {
		const ws = await joined(t);

		await pour(ws.raw, Buffer.concat(Array.from({ length: 1000 }, (_, i) => frame(TEXT, `43${i}[]`))), MANY / 1000);
		assert.equal(await ws.send('42["message"]').text(), '42["message-back"]');
	},
	'2.15 Q8: 5000 CONNECTs to namespaces made by their name: sixteen are let in': async (t) => {
		const ws = await joined(t);
		let [accepted, refused] = [1, 0];

		for (let i = 0; i < 5000; i++)
			ws.send(`40/dynamic-${i},`);
		while (accepted + refused < 5001)
			/^40/.test(await ws.text()) ? accepted++ : refused++;
		assert.equal(accepted, 16);
	},
	'5000 CONNECTs to namespaces that are none': async (t) => {
		const ws = await joined(t);

		for (let i = 0; i < 5000; i++)
			ws.send(`40/a${i},`);
		for (let i = 0; i < 5000; i++)
			assert.equal(await ws.text(), `44/a${i},{"message":"Invalid namespace"}`);
	},
	'1000 handshakes that go no further are gone after connect_timeout': async (t) => {
		const rows = ['stoa_sessions{transport="polling"}', 'stoa_sessions{transport="websocket"}'];

		for (let i = 0; i < 1000; i++)
			await fetchRaw(null, g.port, 'GET', HANDSHAKE);
		for (let i = 0; i < 100; i++)
			(await RawWebSocket.open(t, g.port)).raw.socket.resume();
		await eventually('the sessions to end', async () => {
			const m = await g.metrics();
			return m[rows[0]] === 0 && m[rows[1]] === 1;
		});
	},
};

describe('4: what else is thrown at it', () => {
	for (const [name, act] of Object.entries(extras))
		test(`4: ${name}`, async (t) => {
			await act(t);
			await serves(t);
		});
});
