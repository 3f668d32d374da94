// Socket.IO's own server, doing with values what apps/clients.c does, in the test's own process.

import { createServer } from 'node:http';
import { Server } from 'socket.io';

// { url, port, stop() }; `options` are those of socket.io.
export async function startEchoReference(options = {}) {
	const http = createServer();
	const io = new Server(http, { serveClient: false, ...options });

	io.on('connection', (socket) => {
		for (const name of ['echo', 'rebuild', 'rewrite'])
			socket.on(name, (...args) => args.pop()(...args));
		socket.on('back', (...args) => socket.emit('back', ...args));
		socket.on('auth', (ack) => ack(socket.handshake.auth));
	});
	await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve));
	const { port } = http.address();
	return { port, url: `http://127.0.0.1:${port}`, stop: () => io.close() };
}
