// The tour of examples/getting-started where the application is behind a webhook.

import { after, before } from 'node:test';
import { tour } from './lib/tour.mjs';
import { ack, emit, gatewayFor, onEvents, toRoom, Webhook } from './lib/webhook.mjs';

const KEY = '0123456789abcdef';

const main = onEvents({
	'on connect': (e) => (e.state.auth?.token === 'bad' ? [{ do: 'refuse', data: { message: 'unauthorized!' } }] : [emit('my response', { data: 'Connected' })]),
	'on answer': (e) => (e.op === 'answer' ? [{ ...emit('answered', ...e.args), attachments: e.attachments }] : []),
	'message': (e, text) => [emit('message', text)],
	'json': (e, value) => [emit('json', value)],
	'my_event': (e) => [emit('my response', ...e.args)],
	'my event': (e, value) => [emit('my response', value), ack(e, 'one', 2)],
	'echo': (e) => [{ ...ack(e, ...e.args), attachments: e.attachments }],
	'ask': () => [{ do: 'call', data: ['question'], call: 1, timeout: 20000 }],
	'my broadcast event': (e, value) => [{ do: 'emit', all: true, data: ['my response', value] }],
	'join': (e, { username, room }) => [{ do: 'join', room }, toRoom(room, 'message', `${username} has entered the room.`)],
	'leave': (e, { username, room }) => [{ do: 'leave', room }, toRoom(room, 'message', `${username} has left the room.`)],
	'my room event': (e, { room, data }) => [toRoom(room, 'my response', { data })],
	'close room': (e, { room }) => [{ do: 'leave', rooms: [room], room }],
	'my error event': (e) => [emit('error event', { event: e.event, args: e.args })],
});
const test = onEvents({ 'my_event': (e) => [emit('my_response', ...e.args)] });
const handle = (e) => (e.nsp === '/test' ? test : main)(e);

const FLAGS = ['--webhook-namespaces', '/,/test', '--webhook-timeout', '20s', '--webhook-max-answer', '4MB'];
const lifetime = { ends: [], after: (f) => lifetime.ends.unshift(f) };
let g;

before(async () => {
	g = await gatewayFor(lifetime, await Webhook.start(lifetime, handle), FLAGS);
});
after(async () => {
	for (const end of lifetime.ends)
		await end();
});

// What is no answer to an event comes by the HTTP API.
async function startTicking(t, ms) {
	const ticking = await gatewayFor(t, await Webhook.start(t, handle), [...FLAGS, '--api-key', KEY]);
	const tick = () => fetch(`${ticking.internalUrl}/api/v1/emit`, {
		method: 'POST', body: JSON.stringify({ event: 'some event', args: [{ data: 42 }], broadcast: true }),
		headers: { 'Authorization': `Bearer ${KEY}`, 'Content-Type': 'application/json' },
	}).catch(() => {});
	const timer = setInterval(tick, ms);

	t.after(() => clearInterval(timer));
	return ticking;
}

tour('the tour behind a webhook', () => g, startTicking);
