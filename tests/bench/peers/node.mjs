// The application of ../apps/bench.c on socket.io of Node.js: node node.mjs PORT [REDIS_URL]
// Its packages are those of the end-to-end tests.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { application } from './application.mjs';

const require = createRequire(new URL('../../e2e/package.json', import.meta.url));
const { Server } = require('socket.io');
const [port, redisUrl] = process.argv.slice(2);
const http = createServer();
const io = new Server(http);

if (redisUrl) {
	const { createAdapter } = require('@socket.io/redis-adapter');
	const { createClient } = require('redis');
	const clients = [createClient({ url: redisUrl }), createClient({ url: redisUrl })];

	await Promise.all(clients.map((client) => client.connect()));
	io.adapter(createAdapter(...clients));
}
application(io);
http.listen(Number(port), '127.0.0.1', 4096, () => console.log('ready'));
process.on('SIGTERM', () => process.exit(0));
