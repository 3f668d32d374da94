// The load of cost.mjs's scenario about POSTs: one client that polls, and says one event after the other without ever asking for
// what is there for it. In step: the next goes when the one before is answered.

import { connect } from 'node:net';

const BODY = '42["join","r0"]'; // again and again: there is nothing to be done, nor to be told

function reached(port) {
	return new Promise((resolve, reject) => {
		const socket = connect(port, '127.0.0.1', () => resolve(socket.setNoDelay(true)));

		socket.on('error', reject);
	});
}

// Sends one request; its answer's body.
function asked(socket, request) {
	return new Promise((resolve, reject) => {
		let text = '';
		const take = (bytes) => {
			text += bytes;
			const [head, body] = text.split('\r\n\r\n'), length = /^content-length: (\d+)$/im.exec(head)?.[1];

			if (body === undefined || body.length < Number(length))
				return;
			socket.off('data', take).off('close', ended);
			if (head.startsWith('HTTP/1.1 200 '))
				resolve(body);
			else
				reject(new Error(`answered with ${text}`));
		};
		const ended = () => reject(new Error(`ended after ${text || 'nothing'}`));

		socket.on('data', take).on('close', ended).write(request);
	});
}

export async function post(count, port) {
	const socket = await reached(port), path = '/socket.io/?EIO=4&transport=polling';
	const head = (method, sid) => `${method} ${path}${sid ? `&sid=${sid}` : ''} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n`;
	const posted = (sid, body) => `${head('POST', sid)}Content-Type: text/plain;charset=UTF-8\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

	try {
		const { sid } = JSON.parse((await asked(socket, `${head('GET')}\r\n`)).slice(1));

		for (const body of ['40', ...Array(count).fill(BODY)])
			if (await asked(socket, posted(sid, body)) !== 'ok')
				throw new Error('a POST was answered with something else than ok');
	} finally {
		socket.destroy();
	}
}
