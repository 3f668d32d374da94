// Measures servers in turns and tells what they cost; --help prints how. run.sh beside it installs and builds what this needs.
//
// A run is one server, fresh, under one scenario. Servers take turns within a repetition, so that what else the machine
// does meets all of them. Of the runs of one server the medians count, of the quiet ones where there are any. A
// run whose clients missed, doubled or changed a message has no figure, and one of ours fails the whole.

import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { plots } from './plot.mjs';
import { table } from './report.mjs';
import { Result } from './result.mjs';
import { ALONE, commandLine, DEFAULT, loadArguments, runs as isRun, scenarios, SELDOM, VARIANTS } from './scenarios.mjs';
import { BIN, Site, whyMissing } from './servers.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const RUN_MS = 180_000;

const USAGE = `Usage: node tests/bench/bench.mjs [OPTION]...
  --quick          small sizes, once, beside bare and node alone
  --only NAMES     only these scenarios, with commas; --list prints them
  --peers NAMES    only beside these: ${ALONE.filter((name) => name !== 'stoa').join(', ')}; none for stoa alone
  --repeat N       how often each is measured (5; --quick 1)
  --add            beside the runs that result.json has, not in their place
  --out DIR        where result.json and the plots go (build/bench; --quick build/bench/quick)
  --list, --help   print the scenarios; print this
STOA_BIN is where the programs are (build/release/bin), STOA_APPS the application modules.
`;

function read() {
	try {
		const flag = { type: 'boolean', default: false }, text = { type: 'string' };

		return parseArgs({ options: { quick: flag, only: text, peers: text, repeat: text, add: flag, out: text, list: flag, help: { ...flag, short: 'h' } } }).values;
	} catch (error) {
		console.error(`bench: ${error.message}\n\n${USAGE}`);
		process.exit(2);
	}
}

const options = read();
if (options.help) {
	process.stdout.write(USAGE);
	process.exit(0);
}
const names = (list) => list.split(',').filter((name) => name && name !== 'none');
const repeat = Number(options.repeat ?? (options.quick ? 1 : 5));
const peers = options.peers === undefined ? (options.quick ? ['bare', 'node'] : ALONE) : names(options.peers);
const out = options.out ?? path.join(HERE, '../../build/bench', options.quick ? 'quick' : '');
const cpus = os.availableParallelism() > 1 ? { server: 0, load: 1 } : { server: 0, load: 0 };

function chosen() {
	const only = options.only && names(options.only);
	const unknown = (only ?? []).filter((name) => !scenarios.some((s) => s.name === name));

	if (unknown.length || !Number.isInteger(repeat) || repeat < 1 || peers.some((name) => !ALONE.includes(name))) {
		console.error(`bench: ${unknown.length ? `no such scenario: ${unknown}` : 'unknown peer, or no number of repetitions'}; see --help`);
		process.exit(2);
	}
	return scenarios.filter((s) => (only ? only.includes(s.name) : !options.quick || s.quick !== null));
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
const loadBegun = (scenario, common) => load([...commandLine(scenario.beside[0], { ...DEFAULT, ...scenario.beside[1] }), ...common], { nice: 15 });

async function measure(scenario, server) {
	const site = new Site(path.join(out, 'logs', `${scenario.name}-${server}`), cpus.server);

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

// What is measured less often than all takes its turns from the first repetition to the last.
function isDue(scenario, server, repetition) {
	const most = Math.min(SELDOM[server] ?? repeat, scenario.repeat ?? repeat);

	if (most >= repeat)
		return true;
	return Array.from({ length: most }, (_, i) => 1 + Math.round(i * (repeat - 1) / Math.max(1, most - 1))).includes(repetition);
}

// Why a server cannot be measured is told, and counted, once.
async function runAll(list, result) {
	const servers = ALONE.filter((name) => name === 'stoa' || peers.includes(name));
	const counts = { passed: 0, failed: 0, skipped: 0, wrong: 0 };

	for (let repetition = 1; repetition <= repeat; repetition++) {
		for (const scenario of list) {
			for (const server of servers.filter((name) => isRun(scenario, name) && isDue(scenario, name, repetition))) {
				const absent = whyMissing(server, scenario.shape);

				if (absent && repetition > 1)
					continue;
				const begun = Date.now();
				const run = absent ? { absent } : { ...await measure(scenario, server), took_s: (Date.now() - begun) / 1000 };

				result.record({ ...run, scenario: scenario.name, server, repetition });
				counts[absent ? 'skipped' : run.ok ? 'passed' : 'failed']++;
				counts.wrong += !run.ok && !absent && isOurs(server);
				console.log(absent ? `SKIP: ${scenario.name} of ${server}: ${absent}` : `${repetition}/${repeat} ${scenario.name.padEnd(12)} ${server.padEnd(10)} ${brief(run)}`);
			}
		}
	}
	return counts;
}

const isOurs = (server) => ['stoa', 'bare'].includes(server) || server in VARIANTS;

function machine() {
	const git = (...args) => {
		try {
			return execFileSync('git', ['-C', HERE, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
		} catch {
			return '';
		}
	};
	const system = readFileSync('/etc/os-release', 'utf8').match(/PRETTY_NAME="(.*)"/)?.[1];

	const isVirtual = / hypervisor /.test(readFileSync('/proc/cpuinfo', 'utf8'));

	return { cpu: os.cpus()[0]?.model, is_virtual: isVirtual, cores: os.cpus().length, memory: os.totalmem(), kernel: os.release(), system, node: process.version, commit: git('describe', '--always', '--dirty') };
}

const list = chosen();
if (options.list) {
	for (const s of list)
		console.log(`${s.name.padEnd(14)}${s.title}`);
	process.exit(0);
}
const result = new Result(out, { when: new Date().toISOString(), quick: options.quick, repeat, machine: machine() }, scenarios, { add: options.add });
const counts = await runAll(list, result);
const told = result.told;

for (const [name, svg] of plots(told, scenarios))
	writeFileSync(path.join(out, `${name}.svg`), svg);
console.log(`\n${table({ ...told, rows: told.rows.filter((r) => list.some((s) => s.name === r.scenario)) }, list)}\n\nresult.json and plots: ${path.relative(process.cwd(), out) || '.'}`);
console.log(`cases: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.wrong ? 1 : 0;
