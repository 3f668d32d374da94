// Load balancers before gateways, round robin and without any stickiness: Debian's HAProxy and nginx, each on a free port
// with a configuration in a directory of its own, ended with the test.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort, ROOT } from './gateway.mjs';
import { deadline, eventually } from './wait.mjs';

const PATH = `${process.env.PATH}:/usr/sbin:/sbin`; // where Debian has both

function haproxyConfig(port, gateways) {
	return `
global
	maxconn 1000
defaults
	mode http
	timeout connect 5s
	timeout client 60s
	timeout server 60s
	timeout tunnel 60s
	option forwardfor
frontend clients
	bind 127.0.0.1:${port}
	default_backend gateways
backend gateways
	balance roundrobin
${gateways.map((g, i) => `\tserver g${i} 127.0.0.1:${g.port}`).join('\n')}
`;
}

// What is given to users, with these gateways.
function nginxConfig(port, gateways) {
	const servers = gateways.map((g) => `server 127.0.0.1:${g.port} max_fails=3 fail_timeout=1s;`).join('\n');
	const text = readFileSync(path.join(ROOT, 'deploy/nginx.conf'), 'utf8');

	return text
		.replace(/(?:^[ \t]*server [\w.-]+:\d+[^;{]*;\s*\n)+/m, `${servers}\n`)
		.replace(/listen [^;]+;/, `listen 127.0.0.1:${port};`)
		.replace(/worker_processes [^;]+;/, 'worker_processes 2;')
		.replace('http {', `http {\naccess_log off;\n${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${name};`).join('\n')}`);
}

const KINDS = {
	haproxy: { config: haproxyConfig, args: (dir) => ['haproxy', '-q', '-db', '-f', path.join(dir, 'config')] },
	nginx: {
		config: nginxConfig,
		args: (dir) => ['nginx', '-p', dir, '-e', 'stderr', '-c', path.join(dir, 'config'), '-g', `daemon off; pid ${path.join(dir, 'pid')};`],
	},
};

// Resolves with its URL when it answers.
export async function balancerForTest(t, kind, gateways, config = KINDS[kind].config) {
	const { args } = KINDS[kind];
	const dir = mkdtempSync(path.join(tmpdir(), `stoa-${kind}-`));
	const port = await freePort();
	const url = `http://127.0.0.1:${port}`;
	let output = '';

	chmodSync(dir, 0o755); // nginx's workers may be somebody else
	writeFileSync(path.join(dir, 'config'), config(port, gateways));
	const [program, ...rest] = args(dir);
	const child = spawn(program, rest, { env: { ...process.env, PATH }, stdio: ['ignore', 'pipe', 'pipe'] });
	const ended = once(child, 'exit').catch((error) => (output += error.message));

	child.stdout.on('data', (text) => (output += text));
	child.stderr.on('data', (text) => (output += text));
	t.after(async () => {
		child.kill('SIGTERM');
		await deadline(ended, `${program} to end`);
		rmSync(dir, { recursive: true, force: true });
	});
	await eventually(`${program} to answer; it said: ${output}`, async () => {
		if (child.exitCode !== null || output.includes('ENOENT'))
			throw new Error(`${program} ended: ${output}`);
		return fetch(`${url}/socket.io/?EIO=4&transport=none`).then(() => true, () => false);
	});
	return url;
}
