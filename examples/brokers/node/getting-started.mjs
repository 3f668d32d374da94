// The tour of examples/getting-started, in Node.js, behind gateways with dispatch = broker.
//
//	node getting-started.mjs --app-name app --redis-url redis://127.0.0.1 [--tick MS]

import { parseArgs } from 'node:util';
import { Stoa } from './stoa.mjs';

const text = (value) => ({ type: 'string', default: value });
const { values: options } = parseArgs({ options: { 'app-name': text('app'), 'redis-url': text('redis://127.0.0.1'), tick: text('0') } });
const io = new Stoa({ app: options['app-name'], redisUrl: options['redis-url'] });

io.on('connect', (socket) => {
	if (socket.auth.token === 'bad')
		throw new Error('unauthorized!');
	socket.emit('my response', { data: 'Connected' });
});
io.on('disconnect', (socket, reason) => console.log(`disconnected: ${reason}`));

io.on('message', (socket, message) => socket.send(message));
io.on('json', (socket, value) => socket.emit('json', value));
io.on('my_event', (socket, a, b, c) => socket.emit('my response', a, b, c));
io.on('my event', (socket, value) => {
	socket.emit('my response', value);
	return ['one', 2];
});
io.on('echo', (socket, ...args) => args);
io.on('ask', (socket) => socket.ask((...answer) => socket.emit('answered', ...answer), 'question'));

io.on('my broadcast event', (socket, value) => io.emit('my response', value));
io.on('join', (socket, { username, room }) => {
	socket.join(room);
	io.to(room).send(`${username} has entered the room.`);
});
io.on('leave', (socket, { username, room }) => {
	socket.leave(room);
	io.to(room).send(`${username} has left the room.`);
});
io.on('my room event', (socket, { room, data }) => io.to(room).emit('my response', { data }));
io.on('close room', (socket, { room }) => io.to(room).socketsLeave(room));

io.on('my error event', () => {
	throw new Error('this event always fails');
});
io.onError((error, socket, event, args) => socket.emit('error event', { event, args }));

if (Number(options.tick) > 0)
	io.every(Number(options.tick), () => io.emit('some event', { data: 42 }));

io.on('my_event', (socket, ...args) => socket.emit('my_response', ...args), '/test');

await io.run();
