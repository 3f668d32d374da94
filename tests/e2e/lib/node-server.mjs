// A Socket.IO server of Node.js on the same Redis: what our gateways share a cluster with.

import { createServer } from 'node:http';
import { once } from 'node:events';
import { createAdapter } from '@socket.io/redis-adapter';
import { createClient } from 'redis';
import { Server } from 'socket.io';

export class NodeServer {
	static async start(redis, { key = 'socket.io', adapter = {} } = {}) {
		const n = new NodeServer();

		n.pub = createClient({ url: redis.url });
		n.sub = n.pub.duplicate();
		n.pub.on('error', () => {});
		n.sub.on('error', () => {});
		await Promise.all([n.pub.connect(), n.sub.connect()]);
		n.http = createServer();
		n.io = new Server(n.http, { adapter: createAdapter(n.pub, n.sub, { key, ...adapter }) });
		n.http.listen(0, '127.0.0.1');
		await once(n.http, 'listening');
		n.url = `http://127.0.0.1:${n.http.address().port}`;
		n.io.on('connection', (s) => n.serve(s));
		return n;
	}

	// What the tests ask of a client of this server.
	serve(socket) {
		socket.on('join', (room, done) => {
			socket.join(room);
			done([...socket.rooms]);
		});
		socket.on('leave', (room, done) => {
			socket.leave(room);
			done([...socket.rooms]);
		});
		// Echoed to all with the room's or a client's name, so that tests can tell that all before it has passed.
		socket.on('say', (to, ...args) => (to === null ? this.io : this.io.to(to)).emit('said', ...args));
	}

	async stop() {
		await this.io.close();
		await Promise.allSettled([this.pub.quit(), this.sub.quit()]);
	}
}

export async function nodeForTest(t, redis, options) {
	const node = await NodeServer.start(redis, options);

	t.after(() => node.stop());
	return node;
}

export function shareNodes(before, after, redis, n, options) {
	let nodes = [];

	before(async () => {
		await redis.started;
		nodes = await Promise.all(Array.from({ length: n }, () => NodeServer.start(redis(), options)));
	});
	after(() => Promise.all(nodes.map((node) => node.stop())));
	return () => nodes;
}
