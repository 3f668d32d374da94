// From runs to rows: medians, ratios, the table, the targets.

import { costOf } from './scenarios.mjs';

const NOISY = 0.3; // cores that somebody else had
const FIGURES = ['per_second', 'p50_us', 'p99_us', 'p999_us', 'server_us', 'machine_us', 'server_busy', 'load_busy', 'foreign_busy', 'resident_per_client', 'connect_us', 'connects_per_second'];

export function median(numbers) {
	const sorted = numbers.filter((n) => n !== undefined).sort((a, b) => a - b);
	const middle = sorted.length >> 1;

	if (sorted.length === 0)
		return undefined;
	return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

// One row for each scenario and server: {scenario, server, runs, quiet, <figures>, ratio} or {.., why} without a figure.
// `ratio` is stoa's cost to this server's.
export function medians(runs, scenarios) {
	const rows = [];

	for (const scenario of scenarios)
		for (const server of new Set(runs.filter((r) => r.scenario === scenario.name).map((r) => r.server)))
			rows.push(row(scenario, server, runs.filter((r) => r.scenario === scenario.name && r.server === server)));
	for (const r of rows) {
		const cost = costOf(scenarios.find((s) => s.name === r.scenario));
		const ours = rows.find((o) => o.scenario === r.scenario && o.server === 'stoa');

		if (r !== ours && r[cost] > 0 && ours?.[cost] > 0)
			r.ratio = ours[cost] / r[cost];
	}
	return rows;
}

function row(scenario, server, all) {
	const bad = all.find((r) => r.absent || !r.ok);
	const quiet = all.filter((r) => r.ok && r.foreign_busy <= NOISY);
	const used = quiet.length ? quiet : all;

	if (bad)
		return { scenario: scenario.name, server, why: bad.absent ?? bad.error };
	return {
		scenario: scenario.name, server, clients: all[0].clients, runs: all.length, quiet: quiet.length,
		...Object.fromEntries(FIGURES.map((name) => [name, median(used.map((r) => r[name]))])),
	};
}

// [{scenario, server, wanted, reached, met}]
export function targets(rows, scenarios) {
	const found = [];

	for (const scenario of scenarios) {
		for (const [server, wanted] of Object.entries(scenario.target ?? {})) {
			const r = rows.find((o) => o.scenario === scenario.name && o.server === (server === 'bytes' ? 'stoa' : server));
			const reached = server === 'bytes' ? r?.resident_per_client : r?.ratio;

			if (reached !== undefined)
				found.push({ scenario: scenario.name, server, wanted, reached, met: reached <= wanted });
		}
	}
	return found;
}

const number = (n, digits) => (n === undefined ? '-' : n.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits }));
const ms = (us) => (us ? number(us / 1000, us < 100_000 ? 2 : 0) : '-');
const ratio = (r) => (r === undefined ? '' : r < 0.5 ? `1/${number(1 / r, 1)}` : number(r, 2));

// What kept it from more: the server's CPU, the load's, or neither.
function bound(r) {
	if (r.server_busy > 0.9)
		return r.load_busy > 0.9 ? 'both' : 'server';
	return r.load_busy > 0.9 ? 'load' : '';
}

const COLUMNS = [
	['server', (r) => (r.quiet === 0 ? `${r.server} *` : r.server)],
	['clients', (r) => number(r.clients, 0)],
	['per second', (r) => number(r.per_second || undefined, 0)],
	['p50 ms', (r) => ms(r.p50_us)],
	['p99 ms', (r) => ms(r.p99_us)],
	['p99.9 ms', (r) => ms(r.p999_us)],
	['server us', (r) => number(r.server_us, 2)],
	['machine us', (r) => number(r.machine_us, 2)],
	['bytes/client', (r) => (r.scenario === 'idle' ? number(r.resident_per_client, 0) : '')],
	['bound by', (r) => bound(r)],
	['stoa to it', (r) => ratio(r.ratio)],
];

function lines(rows) {
	const cells = [COLUMNS.map(([name]) => name), ...rows.map((r) => (r.why ? [r.server, `no figure: ${r.why}`] : COLUMNS.map(([, of]) => of(r))))];
	const widths = COLUMNS.map((_, i) => Math.max(...cells.filter((c) => c.length > 2).map((c) => c[i].length)));

	return cells.map((c) => '  ' + (c.length === 2 ? `${c[0].padEnd(widths[0])}  ${c[1]}` : c.map((text, i) => (i ? text.padStart(widths[i]) : text.padEnd(widths[i]))).join('  ')).trimEnd());
}

export function table(result, scenarios) {
	const out = [];

	for (const scenario of scenarios) {
		const rows = result.rows.filter((r) => r.scenario === scenario.name);
		const goals = result.targets.filter((t) => t.scenario === scenario.name)
			.map((t) => `${t.server} ${t.server === 'bytes' ? number(t.reached, 0) : ratio(t.reached)} (${t.met ? 'within' : 'NOT within'} ${t.server === 'bytes' ? number(t.wanted, 0) : ratio(t.wanted)})`);

		out.push(`${scenario.name}: ${scenario.title}; CPU us per ${scenario.unit}`, ...lines(rows));
		if (goals.length)
			out.push(`  targets: ${goals.join(', ')}`);
		out.push('');
	}
	if (result.rows.some((r) => r.quiet === 0))
		out.push('* every run was disturbed by something else on this machine');
	return out.join('\n').trimEnd();
}
