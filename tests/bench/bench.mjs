// Measures servers in turns and tells what they cost: bench.mjs [--quick] [--only NAMES] [--peers NAMES] [--repeat N]
// [--out DIR] [--list]. run.sh beside it installs and builds what this needs.
//
// A run is one server, fresh, under one scenario. Servers take turns within a repetition, so that what else the machine
// does meets all of them. Of the runs of one server the medians count, of the quiet ones where there are any. A
// run whose clients missed, doubled or changed a message has no figure, and one of ours fails the whole.

import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { plots } from './plot.mjs';
import { medians, table, targets } from './report.mjs';
import { ALONE, commandLine, loadArguments, scenarios } from './scenarios.mjs';
import { BIN, Site, whyMissing } from './servers.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const RUN_MS = 180_000;

const { values: options } = parseArgs({
	options: {
		quick: { type: 'boolean', default: false },
		only: { type: 'string' },
		peers: { type: 'string' },
		repeat: { type: 'string' },
		out: { type: 'string', default: path.join(HERE, '../../build/bench') },
		list: { type: 'boolean', default: false },
	},
});
const repeat = Number(options.repeat ?? (options.quick ? 1 : 5));
const peers = (options.peers ?? (options.quick ? 'bare,node' : 'bare,node,bun,flask')).split(',').filter((name) => name && name !== 'none');
const cpus = os.availableParallelism() > 1 ? { server: 0, load: 1 } : { server: 0, load: 0 };

function chosen() {
	const names = options.only?.split(',');
	const unknown = (names ?? []).filter((name) => !scenarios.some((s) => s.name === name));

	if (unknown.length || !Number.isInteger(repeat) || repeat < 1 || peers.some((name) => !ALONE.includes(name))) {
		console.error(`bench: ${unknown.length ? `no such scenario: ${unknown}` : 'unknown peer, or no number of repetitions'}; see --help`);
		process.exit(2);
	}
	return scenarios.filter((s) => (names ? names.includes(s.name) : !options.quick || s.quick !== null));
}

// Starts stoa-load: {begins, report}, two promises. What went wrong is told in the report as well.
function load(args, { nice = 0 } = {}) {
	const child = spawn('nice', ['-n', String(nice), path.join(BIN, 'stoa-load'), ...args], { stdio: ['ignore', 'pipe', 'pipe'], timeout: RUN_MS });
	const out = { stdout: '', stderr: '' };
	let begin;
	const begins = new Promise((resolve) => (begin = resolve));

	child.stdout.setEncoding('utf8').on('data', (text) => (out.stdout += text));
	child.stderr.setEncoding('utf8').on('data', (text) => {
		out.stderr += text;
		if (out.stderr.includes('begins'))
			begin();
	});
	const report = new Promise((resolve) => {
		child.on('error', (error) => resolve({ ok: false, error: error.message }));
		child.on('close', (code, signal) => {
			try {
				resolve(JSON.parse(out.stdout));
			} catch {
				resolve({ ok: false, error: `stoa-load ended with ${code ?? signal}: ${out.stderr.trim()}` });
			}
		});
	});
	report.then(begin);
	return { begins, report };
}

// The other load gives way to the one that is measured.
const loadBegun = (scenario, common) => load([...commandLine(...scenario.beside), ...common], { nice: 15 });

async function measure(scenario, server) {
	const site = new Site(path.join(options.out, 'logs', `${scenario.name}-${server}`), cpus.server);

	try {
		await site.open(server, scenario.shape);
		const common = ['--port', site.ports.join(','), '--pids', site.pids.join(','), '--cpu', String(cpus.load)];
		const other = scenario.beside ? loadBegun(scenario, common) : null;

		await other?.begins;
		const result = await load([...loadArguments(scenario, server, options.quick), ...common]).report;
		const beside = await other?.report;

		return beside && !beside.ok ? beside : result;
	} catch (error) {
		return { ok: false, error: error.message };
	} finally {
		await site.close();
	}
}

const brief = (r) => (r.ok ? `${r.units ? `${Math.round(r.per_second)}/s, ${r.server_us?.toFixed(2)} us` : `${Math.round(r.resident_per_client)} B`}${r.foreign_busy > 0.3 ? ', while others were busy' : ''}` : `no figure: ${r.error}`);

async function runAll(list) {
	const servers = ALONE.filter((name) => name === 'stoa' || peers.includes(name));
	const runs = [];

	for (let repetition = 1; repetition <= repeat; repetition++) {
		for (const scenario of list) {
			for (const server of servers.filter((name) => (scenario.only ?? ALONE).includes(name))) {
				const missing = whyMissing(server, scenario.shape);

				if (missing) {
					if (repetition === 1)
						runs.push({ scenario: scenario.name, server, absent: missing });
					continue;
				}
				const result = await measure(scenario, server);

				runs.push({ ...result, scenario: scenario.name, server, repetition });
				console.log(`${repetition}/${repeat} ${scenario.name.padEnd(12)} ${server.padEnd(6)} ${brief(result)}`);
			}
		}
	}
	return runs;
}

function machine() {
	const git = (...args) => {
		try {
			return execFileSync('git', ['-C', HERE, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
		} catch {
			return '';
		}
	};
	const system = readFileSync('/etc/os-release', 'utf8').match(/PRETTY_NAME="(.*)"/)?.[1];

	return { cpu: os.cpus()[0]?.model, cores: os.cpus().length, memory: os.totalmem(), kernel: os.release(), system, node: process.version, commit: git('describe', '--always', '--dirty') };
}

const list = chosen();
if (options.list) {
	for (const s of list)
		console.log(`${s.name.padEnd(14)}${s.title}`);
	process.exit(0);
}
mkdirSync(options.out, { recursive: true });
const runs = await runAll(list);
const rows = medians(runs, list);
const result = { when: new Date().toISOString(), machine: machine(), quick: options.quick, repeat, rows, targets: targets(rows, list), runs };

writeFileSync(path.join(options.out, 'result.json'), JSON.stringify(result, null, '\t') + '\n');
for (const [name, svg] of plots(result, list))
	writeFileSync(path.join(options.out, `${name}.svg`), svg);
console.log(`\n${table(result, list)}\n\nresult.json and plots: ${path.relative(process.cwd(), options.out) || '.'}`);
const counts = { passed: 0, failed: 0, skipped: 0 };
for (const run of runs) {
	counts[run.absent ? 'skipped' : run.ok ? 'passed' : 'failed']++;
	if (run.absent)
		console.log(`SKIP: ${run.scenario} of ${run.server}: ${run.absent}`);
}
console.log(`cases: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = runs.some((run) => !run.ok && !run.absent && ['stoa', 'bare'].includes(run.server)) ? 1 : 0;
