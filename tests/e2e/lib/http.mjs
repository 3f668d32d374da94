// One request on a connection of its own. fetch() keeps connections for the next request: one that its server has ended
// meanwhile may leave that request without an answer or an error, and nothing then keeps the process waiting for it.

import http from 'node:http';
import { deadline } from './wait.mjs';

// { status, text } of a GET.
export function get(url) {
	const answer = new Promise((resolve, reject) => {
		const request = http.get(url, { agent: false }, (response) => {
			let text = '';

			response.setEncoding('utf8');
			response.on('data', (part) => (text += part));
			response.on('end', () => resolve({ status: response.statusCode, text }));
			response.on('error', reject);
		});

		request.on('error', reject);
	});

	return deadline(answer, `an answer to GET ${url}`);
}
