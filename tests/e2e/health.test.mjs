// --health: what a container's health check runs.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import test, { describe } from 'node:test';
import { forTest, freePort, runGateway } from './lib/gateway.mjs';

const health = (listen, env = {}) => runGateway(['--health', ...(listen ? ['--internal-listen', listen] : [])], { env });

// A server that answers each connection with these bytes; null: with nothing.
async function answering(t, bytes) {
	const server = net.createServer((socket) => {
		socket.on('error', () => {});
		socket.once('data', () => bytes !== null && socket.end(bytes));
		t.after(() => socket.destroy());
	}).listen(0, '127.0.0.1');

	await once(server, 'listening');
	t.after(() => server.close());
	return `127.0.0.1:${server.address().port}`;
}

describe('--health', () => {
	test('a gateway that runs is well', async (t) => {
		const g = await forTest(t, 'chat');

		for (const host of ['127.0.0.1', '0.0.0.0', '']) {
			const { code, stdout, stderr } = await health(`${host}:${g.internalPort}`);

			assert.equal(code, 0, stderr);
			assert.equal(stdout, 'well\n');
		}
	});

	test('it reads the options as the gateway does: from the environment', async (t) => {
		const g = await forTest(t, 'chat');

		assert.equal((await health(null, { STOA_INTERNAL_LISTEN: `127.0.0.1:${g.internalPort}` })).code, 0);
	});

	test('exit code 1, and why: nobody there, no answer, a bad one, no internal listener', async (t) => {
		const cases = [
			[`127.0.0.1:${await freePort()}`, /cannot connect to .*refused/],
			['no.such.host.invalid:1', /cannot connect to no\.such\.host\.invalid:1/],
			[await answering(t, null), /did not answer/],
			[await answering(t, 'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n'), /status 503/],
			[await answering(t, 'SSH-2.0-nonsense\r\n'), /did not answer/],
			[null, /internal_listen is not set/],
		];

		for (const [listen, why] of cases) {
			const { code, stdout, stderr } = await health(listen);

			assert.equal(code, 1, stderr);
			assert.equal(stdout, '');
			assert.match(stderr, why);
		}
	});

	test('a wrong option is a wrong command line', async () => {
		assert.equal((await runGateway(['--health', '--ping-interval', '5'])).code, 2);
	});
});
