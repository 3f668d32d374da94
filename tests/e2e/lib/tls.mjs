// Certificates made for a test, and connections over TLS.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect as connectTls } from 'node:tls';
import { Gateway } from './gateway.mjs';
import { portIn } from './program.mjs';
import { Raw } from './raw.mjs';

// A folder for certificates, gone with the tests of a file.
export function folder(after) {
	const dir = mkdtempSync(path.join(tmpdir(), 'stoa-tls-'));

	after(() => rmSync(dir, { recursive: true }));
	return dir;
}

const openssl = (...args) => execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'ignore'] });

// A certificate that signs itself: { cert, key, ca }, two files and the text of the first. One of the same name before it is
// replaced as a whole file each, as ACME clients do.
export function certificate(dir, name, { hosts = ['localhost'], addresses = ['127.0.0.1'], key = 'EC', days = 30 } = {}) {
	const files = { cert: path.join(dir, `${name}.crt`), key: path.join(dir, `${name}.key`) };
	const kind = key === 'EC' ? ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'] : ['-newkey', 'rsa:2048'];

	openssl('req', '-x509', ...kind, '-nodes', '-keyout', `${files.key}.new`, '-out', `${files.cert}.new`, '-days', String(days),
		'-subj', `/CN=${name}`, '-addext', `subjectAltName=${[...hosts.map((h) => `DNS:${h}`), ...addresses.map((a) => `IP:${a}`)].join()}`);
	renameSync(`${files.key}.new`, files.key);
	renameSync(`${files.cert}.new`, files.cert);
	return { ...files, ca: readFileSync(files.cert) };
}

export const flagsFor = (...certs) => ['--tls-listen', '127.0.0.1:0', '--tls-cert-file', certs.map((c) => c.cert).join(), '--tls-key-file', certs.map((c) => c.key).join()];

// A gateway with a port for TLS beside the other, for one test.
export async function tlsGateway(t, app, certs, flags = []) {
	const g = await Gateway.start(app, ['--close-timeout', '200ms', ...flagsFor(...[certs].flat()), ...flags]);

	t.after(() => g.stop());
	g.tlsPort = portIn(await g.line(/ listening-tls /), 'tls_addr');
	g.tlsUrl = `https://localhost:${g.tlsPort}`;
	return g;
}

// A connection that has shaken hands; `options` are those of node:tls.
export function openTls(t, port, options) {
	return Raw.over(t, connectTls({ port, host: '127.0.0.1', servername: 'localhost', allowHalfOpen: true, ...options }), 'secureConnect');
}
