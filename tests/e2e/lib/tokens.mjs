// JSON Web Tokens for tests, made by node:crypto alone, and a server that publishes the keys.

import { createHmac, constants, generateKeyPairSync, sign } from 'node:crypto';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';

export const SECRET = 'a-secret-for-tests-which-is-as-long-as-the-hash-of-HS512-needs-it';

const part = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const now = () => Math.floor(Date.now() / 1000);

export const inSeconds = (n) => now() + n;

// How each algorithm signs.
const hash = (alg) => `sha${alg.slice(2)}`;
const signers = {
	HS: (alg, text, key) => createHmac(hash(alg), key).update(text).digest(),
	RS: (alg, text, key) => sign(hash(alg), text, key),
	PS: (alg, text, key) => sign(hash(alg), text, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }),
	ES: (alg, text, key) => sign(hash(alg), text, { key, dsaEncoding: 'ieee-p1363' }),
	Ed: (alg, text, key) => sign(null, text, key),
};

// `claims` expire in an hour unless they say otherwise.
export function token(claims, { alg = 'HS256', key = SECRET, kid } = {}) {
	const said = `${part({ alg, typ: 'JWT', kid })}.${part({ exp: inSeconds(3600), ...claims })}`;

	return `${said}.${signers[alg.slice(0, 2)](alg, Buffer.from(said), key).toString('base64url')}`;
}

const makers = {
	RS: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
	ES: (alg) => generateKeyPairSync('ec', { namedCurve: { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' }[alg] }),
	Ed: () => generateKeyPairSync('ed25519'),
};
makers.PS = makers.RS;

// A key for an algorithm: `sign(claims)`, `pem`, `jwk`.
export function keyFor(alg, kid) {
	const { publicKey, privateKey } = makers[alg.slice(0, 2)](alg);

	return {
		sign: (claims, more) => token(claims, { alg, key: privateKey, kid, ...more }),
		pem: publicKey.export({ type: 'spki', format: 'pem' }),
		jwk: { ...publicKey.export({ format: 'jwk' }), alg, kid, use: 'sig' },
	};
}

// Publishes `keys`; `asked` counts, `answer(response)` may do something else.
export class KeyServer {
	asked = 0;

	static async start(t, keys, { tls } = {}) {
		const server = new KeyServer();
		const serve = (request, response) => server.#serve(request, response);

		server.keys = keys;
		server.http = tls ? createTlsServer(tls, serve) : createServer(serve);
		await new Promise((resolve) => server.http.listen(0, '127.0.0.1', resolve));
		server.url = `${tls ? 'https://localhost' : 'http://127.0.0.1'}:${server.http.address().port}/keys?x=1`;
		t.after(() => {
			server.http.close();
			server.http.closeAllConnections();
		});
		return server;
	}

	#serve(request, response) {
		this.asked++;
		this.request = { method: request.method, url: request.url, headers: request.headers };
		if (this.answer)
			this.answer(response);
		else
			response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify({ keys: this.keys.map((k) => k.jwk) }));
	}
}
