// From runs to rows: medians, ratios, the table, the targets.

import { ALONE, costOf } from './scenarios.mjs';
import { bound, number as digitsOf, ratio } from './tables.mjs';

const NOISY = 0.3; // cores that somebody else had
const FIGURES = ['per_second', 'p50_us', 'p99_us', 'p999_us', 'server_us', 'machine_us', 'server_busy', 'load_busy', 'foreign_busy', 'kernel_share', 'resident_per_client', 'connect_us', 'connects_per_second'];

export function median(numbers) {
	const sorted = numbers.filter((n) => n !== undefined).sort((a, b) => a - b);
	const middle = sorted.length >> 1;

	if (sorted.length === 0)
		return undefined;
	return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const isQuiet = (run) => run.foreign_busy <= NOISY;
const preferred = (list, is) => (list.some(is) ? list.filter(is) : list);

// One row for each scenario and server: {scenario, server, runs, quiet, <figures>, ratio, spread, pairs} or {.., why} without a
// figure. `ratio` is stoa's cost to this server's: the median of the ratios of the runs that took place side by side, since
// the machine itself is faster and slower by the minute; `spread` is the least and the largest of them. Where no two were
// measured side by side, `pairs` is 0 and the ratio that of the medians. `floor` is the ratio that the bare server has, which
// costs next to nothing but the kernel's price.
export function medians(runs, scenarios) {
	const rows = [];

	for (const scenario of scenarios) {
		const of = (server) => preferred(runs.filter((r) => r.scenario === scenario.name && r.server === server), (r) => !r.absent);

		for (const server of ALONE.filter((name) => of(name).length)) {
			const { ratio: floor } = server === 'bare' ? {} : ratioOf(of('bare'), of(server), costOf(scenario));

			rows.push({ ...row(scenario, server, of(server)), ...(server === 'stoa' ? {} : ratioOf(of('stoa'), of(server), costOf(scenario))), ...(floor && { floor }) });
		}
	}
	return rows;
}

function row(scenario, server, all) {
	const bad = all.find((r) => r.absent || !r.ok);
	const used = preferred(all, isQuiet);

	if (bad)
		return { scenario: scenario.name, server, why: bad.absent ?? bad.error };
	return {
		scenario: scenario.name, server, clients: all[0].clients, runs: all.length, quiet: all.filter(isQuiet).length,
		...Object.fromEntries(FIGURES.map((name) => [name, median(used.map((r) => r[name]))])),
	};
}

function ratioOf(ours, theirs, cost) {
	if (![ours, theirs].every((list) => list.length && list.every((r) => r.ok && r[cost] > 0)))
		return {};
	const pairs = theirs.map((their) => [ours.find((r) => r.turn === their.turn), their]).filter(([our]) => our);
	const ratios = preferred(pairs, (pair) => pair.every(isQuiet)).map(([our, their]) => our[cost] / their[cost]);

	if (ratios.length === 0)
		return { ratio: median(ours.map((r) => r[cost])) / median(theirs.map((r) => r[cost])), pairs: 0 };
	return { ratio: median(ratios), spread: [Math.min(...ratios), Math.max(...ratios)], pairs: ratios.length };
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

const number = (n, digits) => (n === undefined ? '-' : digitsOf(n, digits));
const ms = (us) => (us ? number(us / 1000, us < 100_000 ? 2 : 0) : '-');

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
	['kernel', (r) => (r.kernel_share === undefined ? '' : `${Math.round(r.kernel_share * 100)} %`)],
	['runs', (r) => String(r.runs)],
	['stoa to it', (r) => ratio(r.ratio) + (r.pairs === 0 ? ' ~' : '')],
	['from - to', (r) => (r.pairs > 1 ? r.spread.map(ratio).join(' - ') : '')],
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
	if (result.rows.some((r) => r.pairs === 0))
		out.push('~ measured at different times: a ratio of medians');
	return out.join('\n').trimEnd();
}
