// Where the gateway's time goes, in the kernel and outside of it: samples of its stacks under a load as flame graphs, and the ten
// functions that were met most often.
//
//	flame.mjs [--out DIR] [--seconds N]
//
// perf samples by the CPU's clock (1,999 times a second), so it runs on virtual machines without counters; where interrupts are
// off, a sample falls on what switches them on again. It needs root, or kernel.perf_event_paranoid and kptr_restrict that allow
// the kernel's stacks. DIR (build/bench/flame) gets NAME.svg and flame.json; docs.mjs shows them.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { collapse, picture, topOf } from './stacks.mjs';
import { commandLine } from './scenarios.mjs';
import { BIN, Site } from './servers.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const HERTZ = 1999;

const graphs = [
	{ name: 'room', title: 'a room of 1,000, one message in flight', load: ['rooms', { clients: 1000, 'room-size': 1000 }] },
	{ name: 'room-8', title: 'a room of 1,000, 8 in flight', load: ['rooms', { clients: 1000, 'room-size': 1000, window: 8 }] },
	{ name: 'echo', title: 'echo with ack, 100 clients, 8 outstanding', load: ['echo', { clients: 100, window: 8 }] },
];

const { values: options } = parseArgs({ options: { out: { type: 'string', default: path.join(HERE, '../../build/bench/flame') }, seconds: { type: 'string', default: '5' } } });
const seconds = Number(options.seconds);

function whyMissing() {
	try {
		execFileSync('perf', ['record', '-q', '-e', 'cpu-clock:k', '-o', '/dev/null', 'true'], { stdio: 'ignore' });
		return null;
	} catch (error) {
		return error.code === 'ENOENT' ? 'perf is not installed (the Debian package linux-perf)' : 'perf may not sample the kernel here';
	}
}

// Resolves when the clients are connected and speak.
async function startLoad(port, load) {
	const child = spawn(path.join(BIN, 'stoa-load'), [...commandLine(load[0], { ...load[1], warmup: 0, seconds: seconds + 3 }), '--port', String(port), '--cpu', '1'], { stdio: ['ignore', 'ignore', 'pipe'] });
	const ended = once(child, 'close');
	const begins = new Promise((resolve) => child.stderr.on('data', resolve));

	await Promise.race([begins, ended]);
	return { child, ended };
}

// The stacks that perf tells of, outermost first: Map of "frame;frame;.." -> how often.
async function stacksOf(data) {
	const child = spawn('perf', ['script', '--no-inline', '-F', 'comm,ip,sym,dso', '-i', data], { stdio: ['ignore', 'pipe', 'ignore'] });

	return collapse(createInterface({ input: child.stdout }));
}

async function sample({ name, load }) {
	const site = new Site(path.join(options.out, 'logs'), 0), data = path.join(options.out, `${name}.data`);
	let running = null;

	try {
		await site.open('stoa');
		running = await startLoad(site.ports[0], load);
		execFileSync('perf', ['record', '-q', '-e', 'cpu-clock', '-F', String(HERTZ), '--call-graph', 'dwarf,8192', '-p', site.pids.join(','), '-o', data, '--', 'sleep', String(seconds)], { stdio: ['ignore', 'ignore', 'inherit'] });
		const [code] = await running.ended;

		if (code !== 0)
			throw new Error(`the load of ${name} failed`);
		return await stacksOf(data);
	} finally {
		running?.child.kill('SIGKILL');
		await site.close();
		rmSync(data, { force: true });
	}
}

mkdirSync(options.out, { recursive: true });
const missing = whyMissing(), told = [];
for (const graph of missing ? [] : graphs) {
	const stacks = await sample(graph), { samples, kernel, top } = topOf(stacks);

	writeFileSync(path.join(options.out, `${graph.name}.svg`), picture(stacks, { title: `stoa-gateway: ${graph.title}`, subtitle: `${samples.toLocaleString('en-US')} samples in ${seconds} s, ${Math.round(kernel * 100)} % of them in the kernel; what is below 0.3 % is left out` }));
	told.push({ name: graph.name, title: graph.title, samples, kernel, top });
	console.log(`${graph.name}: ${samples} samples, ${Math.round(kernel * 100)} % in the kernel; ${top.slice(0, 4).map((f) => `${f.name} ${(f.share * 100).toFixed(1)} %`).join(', ')}`);
}
if (missing)
	console.log(`SKIP: ${missing}`);
else
	writeFileSync(path.join(options.out, 'flame.json'), JSON.stringify(told, null, '\t') + '\n');
