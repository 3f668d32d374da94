// Running the tools that the tests of deploy/ ask.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../e2e/lib/gateway.mjs';

export const deployed = (...names) => path.join(ROOT, 'deploy', ...names);
export const read = (...names) => readFileSync(path.join(ROOT, ...names), 'utf8');

// Runs a tool to its end, `input` on its standard input: { code, output }, output being both streams as they came.
export function tool(command, args, { input = '', env = {}, cwd = ROOT } = {}) {
	return new Promise((resolve, reject) => {
		const child = spawn(command, args, { cwd, env: { ...process.env, LC_ALL: 'C.UTF-8', ...env } });
		let output = '';

		child.on('error', reject);
		for (const stream of [child.stdout, child.stderr])
			stream.setEncoding('utf8').on('data', (text) => (output += text));
		child.on('close', (code) => resolve({ code, output }));
		child.stdin.on('error', () => {}); // it need not read all of it
		child.stdin.end(input);
	});
}

// YAML is JSON to us: Debian's python3-yaml reads it, every document of it.
export async function yaml(text) {
	const program = 'import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(sys.stdin)), default=str))';
	const { code, output } = await tool('/usr/bin/python3', ['-c', program], { input: text });

	if (code !== 0)
		throw new Error(output);
	return JSON.parse(output);
}
