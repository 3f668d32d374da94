// Batches that no application behind stoa-broker would leave: from a worker in another language that is wrong, or from whoever
// else can publish. None is carried out in part, the client of the event is told, the log says why, and the gateway goes on.

import assert from 'node:assert/strict';
import { before, after, describe, test } from 'node:test';
import { connect } from './lib/client.mjs';
import { gatewayFor, HandBroker } from './lib/hand-broker.mjs';
import { shareRedis } from './lib/redis.mjs';
import { eventually } from './lib/wait.mjs';

const WS = { transports: ['websocket'] };
const FAILED = [{ error: 'The application failed' }];
const redis = shareRedis(before, after);
const emit = (...data) => ({ do: 'emit', data });

async function place(t) {
	await redis.started;
	const broker = await HandBroker.start(t, redis());
	const gateway = await gatewayFor(t, broker, ['--max-room-name', '20B']);
	const [socket] = await Promise.all([connect(t, gateway.url, WS), broker.accept()]);

	return { broker, gateway, socket };
}

const bad = async (gateway) => (await gateway.metrics())['stoa_dispatch_batches_total{result="malformed"}'];

// What the worker answers, and what the log says of it.
const MISTAKES = [
	['an effect that is none', [{ do: 'dance' }], 'do is none that is known'],
	['accept behind another effect', [emit('x'), { do: 'accept' }], 'the first effect'],
	['an event without a name', [{ do: 'emit', data: [] }], 'event\'s name'],
	['a reserved event', [emit('disconnect')], 'a reserved event name'],
	['a reserved event, escaped', [emit('x'), { do: 'emit', rooms: ['r'], data: ['connect_error'] }], 'a reserved event name'],
	['no array of arguments', [{ do: 'emit', data: 'x' }], 'data is no array'],
	['a room that is too long', [{ do: 'join', room: 'r'.repeat(21) }], 'too long'],
	['a room that is no text', [{ do: 'join', room: 7 }], 'room is no name'],
	['no rooms', [{ do: 'emit', rooms: [], data: ['x'] }], 'no room in rooms'],
	['a flag that is none', [{ do: 'emit', all: 'yes', data: ['x'] }], 'true or false'],
	['an attachment that is no base64', [{ do: 'emit', data: ['x', { _placeholder: true, num: 0 }], attachments: ['%%%%'] }], 'base64'],
	['a placeholder without its attachment', [{ do: 'emit', data: ['x', { _placeholder: true, num: 1 }], attachments: ['AA=='] }], 'illegal attachments'],
	['a call without a time', [{ do: 'call', data: ['x'], call: 1 }], 'a call without a timeout'],
	['a call with a gateway\'s number', [{ do: 'call', data: ['x'], call: 2 ** 63, timeout: 1 }], 'too large'],
	['a session that is too deep', [{ do: 'session', key: 'k', value: JSON.parse('['.repeat(505) + ']'.repeat(505)) }], 'too deep'],
];

describe('a batch that is wrong', () => {
	for (const [what, effects, why] of MISTAKES) {
		test(what, async (t) => {
			const { broker, gateway, socket } = await place(t);
			const before = await bad(gateway);
			const from = gateway.lines.length;
			const answer = socket.ask('event');

			await broker.answer(await broker.next('event'), emit('first'), ...effects);
			assert.deepEqual(await answer, FAILED);
			assert.ok((await gateway.line(/ bad-batch /, from)).includes(why), gateway.lines.slice(from).join('\n'));
			assert.equal(await bad(gateway), before + 1);
			assert.deepEqual(socket.received.items, [], 'not even the effects before it');
			await eventually('the entry to be acknowledged', async () => (await broker.length()) === 0);

			const second = socket.ask('event');
			const event = await broker.next('event');
			await broker.answer(event, { do: 'ack', ack: event.ack, data: ['fine'] });
			assert.deepEqual(await second, ['fine']);
		});
	}

	test('headers that a response cannot have: the request is refused, and none of it is sent', async (t) => {
		await redis.started;
		const broker = await HandBroker.start(t, redis(), { app: { hears_handshakes: true } });
		const gateway = await gatewayFor(t, broker);

		for (const [name, value] of [['X-A', 'b\r\nX-Evil: 1'], ['Content-Length', '0'], ['X A', 'b'], ['X-A', 'é']]) {
			const asked = fetch(`${gateway.url}/socket.io/?EIO=4&transport=polling`);

			await broker.answer(await broker.next('handshake'), { do: 'admit', headers: [[name, value]] });
			const answer = await asked;
			assert.equal(answer.status, 503);
			assert.equal(answer.headers.get('x-evil'), null);
		}
	});
});

test('whatever else is published there is dropped, counted and logged', async (t) => {
	const { broker, gateway, socket } = await place(t);
	const before = await bad(gateway);
	const payloads = ['', '{', 'null', '[]', '{"v":2,"by":"x"}', '{"v":1}', '{"v":1,"by":"x","effects":{}}', `{"v":1,"by":"x","effects":${'['.repeat(100_000)}`,
		Buffer.from([0xc1]), Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff]), Buffer.from([0xdf, 0xff, 0xff, 0xff, 0xff, 0xa1]), Buffer.alloc(100_000, 0x91), Buffer.alloc(1000, 0xff)];

	for (const payload of payloads)
		assert.equal(await redis().command('PUBLISH', `stoa:batches:${broker.name}:${socket.id.slice(0, 4)}`, payload), 1);
	await eventually('all of them to be counted', async () => (await bad(gateway)) === before + payloads.length);
	const answer = socket.ask('event');
	const event = await broker.next('event');
	await broker.answer(event, { do: 'ack', ack: event.ack, data: ['fine'] });
	assert.deepEqual(await answer, ['fine']);
});

test('batches of events that are not open: another number, another client, another entry', async (t) => {
	const { broker, socket } = await place(t);
	const answer = socket.ask('event');
	const event = await broker.next('event');
	const another = `${event.sid.slice(0, 19)}${event.sid.endsWith('_') ? '-' : '_'}`;

	for (const other of [{ n: event.n + 1 }, { n: event.n - 1 }, { sid: another }])
		await broker.publish(event.node, { ...broker.batch(event, { effects: [emit('no'), { do: 'ack', ack: event.ack, data: ['no'] }] }), ...other });
	await broker.answer(event, { do: 'ack', ack: event.ack, data: ['yes'] });
	assert.deepEqual(await answer, ['yes']);
	assert.deepEqual(socket.received.items, []);
});
