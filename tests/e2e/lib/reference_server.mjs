// Socket.IO's own server with what examples/conformance does, for reference.test.mjs. Prints JSON lines: its port, and
// the end of every session with its reason: what its clients were told, else Engine.IO's.

import { createServer } from 'node:http';
import { Server } from 'socket.io';

const http = createServer();
const { parser, ...options } = JSON.parse(process.argv[2] ?? '{}'); // parser: the name of its package
const io = new Server(http, { serveClient: false, ...options, ...(parser && { parser: (await import(parser)).default }) });
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const custom = (socket) => socket.emit('auth', socket.handshake.auth);

const told = new Map();

io.engine.on('connection', (session) => session.on('close', (reason) => say({ closed: session.id, reason: told.get(session.id) ?? reason })));
io.on('connection', (socket) => {
	custom(socket);
	socket.on('disconnect', (reason) => !/namespace/.test(reason) && told.set(socket.conn.id, reason));
	socket.on('message', (...args) => socket.emit('message-back', ...args.filter((arg) => typeof arg !== 'function')));
	socket.on('message-with-ack', (...args) => args.pop()(...args));
	socket.on('join', (room, ack) => {
		socket.join(room);
		ack([...socket.rooms].filter((name) => name !== socket.id));
	});
	socket.on('bcast', (...args) => io.emit('bc', ...args));
	socket.on('ask', (ack) => socket.timeout(500).emit('q', 1, (error, ...answer) => (error ? ack(error.message) : ack(...answer))));
	socket.on('bye', () => socket.disconnect());
	socket.on('byebye', () => socket.disconnect(true));
});
io.of('/custom').on('connection', custom);
io.of('/guard').use((socket, next) => {
	const { ok, data } = socket.handshake.auth;
	const error = new Error('not authorized');

	if (data !== undefined && data !== null)
		error.data = { content: 'Please retry later' };
	next(ok ? undefined : error);
});
io.of(/^\/dynamic-\d+$/);
process.stdin.resume().on('end', () => process.exit(0)); // ends with the test
http.listen(0, '127.0.0.1', () => say({ port: http.address().port }));
