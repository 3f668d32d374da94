// Writes into a room of the chat every few seconds, from beside the gateways: nothing here serves clients.
//
// The stock emitter of Node.js publishes to the channels that @socket.io/redis-adapter reads, and so do the gateways.

import { Emitter } from '@socket.io/redis-emitter';
import { createClient } from 'redis';

const { REDIS_URL = 'redis://127.0.0.1', ROOM = 'lobby', EVERY = '5' } = process.env;
const redis = createClient({ url: REDIS_URL });
let count = 0;

redis.on('error', (error) => console.error(`Redis: ${error.message}`)); // it connects again by itself
await redis.connect();

const io = new Emitter(redis);
const timer = setInterval(() => {
	io.to(ROOM).emit('chat', `Node worker: this is number ${++count}`);
	console.log(`emitted ${count} to ${ROOM}`);
}, Number(EVERY) * 1000);

process.on('SIGTERM', () => {
	clearInterval(timer);
	redis.disconnect();
});
