// Many clients in one room: each gets every broadcast, in order.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import WebSocket from 'ws';
import { connect } from './lib/client.mjs';
import { forTest, IS_DEV } from './lib/gateway.mjs';
import { deadline, PATIENCE_MS } from './lib/wait.mjs';

const CLIENTS = IS_DEV ? 200 : 2_000;
const BROADCASTS = 100;
const AT_ONCE = 100; // connections being opened

// As little as speaks the protocol: the stock client's own cost would be most of the test.
class Member {
	received = [];

	constructor(url, onBroadcast) {
		this.ws = new WebSocket(`${url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`, { perMessageDeflate: false });
		this.joined = new Promise((resolve, reject) => {
			this.ws.on('error', reject).on('close', () => reject(new Error('closed')));
			this.ws.on('message', (data) => {
				const text = data.toString();

				if (text.startsWith('0{'))
					this.ws.send('40');
				else if (text.startsWith('40{'))
					this.ws.send('420["join","crowd"]');
				else if (text.startsWith('430['))
					resolve();
				else if (text === '2')
					this.ws.send('3');
				else if (text.startsWith('42["said",'))
					onBroadcast(this.received.push(text));
			});
		});
	}
}

test(`${CLIENTS} clients in one room all get ${BROADCASTS} broadcasts in order`, async (t) => {
	const g = await forTest(t, 'e2e');
	const members = [];
	let missing = CLIENTS;
	let finish;
	const finished = new Promise((resolve) => (finish = resolve));
	const onBroadcast = (count) => count === BROADCASTS && --missing === 0 && finish();

	t.after(() => members.forEach((member) => member.ws.terminate()));
	for (let i = 0; i < CLIENTS; i += AT_ONCE) {
		const group = Array.from({ length: Math.min(AT_ONCE, CLIENTS - i) }, () => new Member(g.url, onBroadcast));
		members.push(...group);
		await deadline(Promise.all(group.map((member) => member.joined)), 'clients to join');
	}
	const metrics = await g.metrics();
	assert.equal(metrics['stoa_sessions{transport="websocket"}'], CLIENTS);

	const speaker = await connect(t, g.url, { transports: ['websocket'] });
	for (let i = 0; i < BROADCASTS; i++)
		speaker.emit('say', 'crowd', i);
	await deadline(finished, 'all broadcasts', () => `${missing} of ${CLIENTS} clients are not complete`, 4 * PATIENCE_MS);

	const expected = Array.from({ length: BROADCASTS }, (_, i) => `42["said",${i}]`);
	for (const member of members)
		assert.deepEqual(member.received, expected);
});
