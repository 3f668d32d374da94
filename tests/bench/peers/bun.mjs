// The application of ../apps/bench.c on socket.io with Bun's engine: bun bun.mjs PORT
import { Server as Engine } from '@socket.io/bun-engine';
import { Server } from 'socket.io';
import { application } from './application.mjs';

const io = new Server();
const engine = new Engine({ path: '/socket.io/' });

io.bind(engine);
application(io);
Bun.serve({ hostname: '127.0.0.1', port: Number(process.argv[2]), ...engine.handler() });
console.log('ready');
process.on('SIGTERM', () => process.exit(0));
