// What was measured as tables of Markdown, for docs/performance.md.

import { ALONE, costOf, VARIANTS } from './scenarios.mjs';

export const NAMES = {
	bare: 'bare server', stoa: 'Stoa', node: 'Node.js', bun: 'Bun', flask: 'Flask-SocketIO',
	...Object.fromEntries(Object.entries(VARIANTS).map(([name, { title }]) => [name, title])),
};

export const number = (n, digits = 0) => (n === undefined ? '' : n.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits }));
// About three digits.
export const figure = (n) => (n === undefined ? '' : number(n, n >= 100 ? 0 : n >= 10 ? 1 : 2));
export const ratio = (r) => (r === undefined ? '' : r < 0.8 ? `1/${number(1 / r, 1)}` : number(r, 2));
const ms = (us) => (us ? figure(us / 1000) : '');

// What kept it from more: the server's CPU, the load's, or neither.
export function bound(r) {
	if (r.server_busy > 0.9)
		return r.load_busy > 0.9 ? 'both' : 'server';
	return r.load_busy > 0.9 ? 'load' : '';
}

// `align`: l or r for each column; the last letter is also for those that follow.
export function markdown(columns, rows, align = 'lr') {
	const line = (cells) => `| ${cells.join(' | ')} |`;

	return [line(columns), `|${columns.map((_, i) => ((align[i] ?? align.at(-1)) === 'l' ? '---' : '--:')).join('|')}|`, ...rows.map(line)].join('\n');
}

const rowOf = (told, scenario, server) => told.rows.find((r) => r.scenario === scenario && r.server === server);

// --- Ratios and targets

function ratioCell(told, scenario, server) {
	const r = rowOf(told, scenario.name, server), wanted = scenario.target?.[server];

	if (r?.ratio === undefined || server === 'bare' && costOf(scenario) === 'resident_per_client') // it remembers next to nothing of a client
		return '';
	const spread = r.pairs > 1 ? ` (${r.spread.map(ratio).join(' – ')})` : '';
	return `**${ratio(r.ratio)}**${r.pairs === 0 ? ' ~' : ''}${spread}${wanted === undefined ? '' : r.ratio <= wanted ? `, within ${ratio(wanted)}` : missed(r, wanted)}`;
}

// What the bare server has is as far as one gets with as many calls.
function missed(r, wanted) {
	const by = ratio(r.ratio) === ratio(wanted) ? `, by ${percent(r.ratio / wanted - 1)}` : '';

	return `, **not** within ${ratio(wanted)}${by}${r.floor > wanted ? ` (nor is the bare server’s, ${ratio(r.floor)})` : ''}`;
}

// A target that is no ratio.
function bytesCell({ name, target = {} }, told) {
	const bytes = rowOf(told, name, 'stoa')?.resident_per_client;

	return target.bytes && bytes ? `: ${number(bytes)}, ${bytes <= target.bytes ? '' : '**not** '}within ${number(target.bytes)}` : '';
}

const COSTS = { p99_us: ', by its p99', p999_us: ', by its p99.9', resident_per_client: ', resident bytes' };

export function ratioTable(told, scenarios) {
	const peers = ['bare', 'node', 'bun', 'flask'].filter((name) => told.rows.some((r) => r.server === name && r.ratio !== undefined));
	const rows = scenarios.filter((s) => peers.some((name) => rowOf(told, s.name, name)?.ratio !== undefined));

	return markdown(['Stoa’s cost to that of', ...peers.map((name) => NAMES[name])],
		rows.map((s) => [`${s.title} (\`${s.name}\`)${COSTS[costOf(s)] ?? ''}${bytesCell(s, told)}`, ...peers.map((name) => ratioCell(told, s, name))]), 'l');
}

// --- All figures

const star = (r) => (r.quiet === 0 ? '\\*' : '');
const COLUMNS = [
	['server', (r) => `${NAMES[r.server] ?? r.server}${star(r)}`],
	['a second', (r) => number(r.per_second || undefined)],
	['p50 ms', (r) => ms(r.p50_us)],
	['p99 ms', (r) => ms(r.p99_us)],
	['p99.9 ms', (r) => ms(r.p999_us)],
	['server µs', (r) => figure(r.server_us)],
	['of it kernel', (r) => (r.kernel_share === undefined ? '' : `${Math.round(r.kernel_share * 100)} %`)],
	['machine µs', (r) => figure(r.machine_us)],
	['bytes a client', (r) => (r.scenario === 'idle' ? number(r.resident_per_client) : '')],
	['bound by', bound],
	['Stoa to it', (r) => (r.ratio === undefined ? '' : ratio(r.ratio) + (r.pairs === 0 ? ' ~' : ''))],
	['runs', (r) => (r.quiet === r.runs || r.quiet === 0 ? `${r.runs}` : `${r.quiet} of ${r.runs}`)],
];

// A column that says nothing of this scenario is left out.
function tableOf(rows) {
	const good = rows.filter((r) => !r.why);
	const columns = COLUMNS.filter(([, of]) => good.some((r) => of(r) !== ''));
	const bad = rows.filter((r) => r.why).map((r) => `\nNo figure of ${NAMES[r.server] ?? r.server}: ${r.why}.`);

	return [markdown(columns.map(([name]) => name), good.map((r) => columns.map(([, of]) => of(r)))), ...bad].join('\n');
}

export function scenarioTables(told, scenarios) {
	return scenarios.map((s) => {
		const rows = ALONE.map((server) => rowOf(told, s.name, server)).filter(Boolean);
		const clients = [...new Set(rows.filter((r) => r.clients).map((r) => r.clients))];
		const sizes = clients.length > 1 ? ` Clients: ${rows.filter((r) => r.clients).map((r) => `${NAMES[r.server]} ${number(r.clients)}`).join(', ')}.` : '';

		return `#### \`${s.name}\`: ${s.title}\n\nA unit is one ${s.unit}.${sizes}\n\n${rows.length ? tableOf(rows) : 'Not measured.'}`;
	}).join('\n\n');
}

// --- The machine

export function machineText(told) {
	const last = told.measurements.at(-1), { machine: m } = last;
	const commits = [...new Set(told.measurements.map(({ machine }) => machine.commit).filter(Boolean))];
	const most = Math.max(...told.rows.map((r) => r.runs ?? 0));
	const stars = told.rows.some((r) => r.quiet === 0) ? ' A star: every run of that row was disturbed by something else on the machine.' : '';
	const waves = told.rows.some((r) => r.pairs === 0) ? ' `~`: measured at different times, so that the ratio is one of medians.' : '';

	return `Measured on ${last.when.slice(0, 10)}${commits.length ? ` (${commits.join(', ')})` : ''}: ${m.cpu}, ${m.cores} cores${m.is_virtual ? ' of a virtual machine' : ''}, ${number(m.memory / 2 ** 30)} GiB, ${m.system}, Linux ${m.kernel}, Node.js ${m.node}. ` +
		`Medians of ${most} repetition${most === 1 ? '' : 's'} where the row does not say otherwise.${last.quick ? ' **A quick run: small sizes, short windows.**' : ''}${stars}${waves}`;
}

// --- Many clients

const mib = (bytes) => `${number(bytes / 2 ** 20)} MiB`;
const median = (list) => [...list].sort((x, y) => x - y)[list.length >> 1];
const percent = (share) => `${figure(share * 100)} %`;

export function crowdTable({ when, clients, gateways, connects, memory: m, rest, broadcasts, left, empty }) {
	const of = (name) => median(broadcasts.map((b) => b[name]));
	const rows = [
		['connected', `${number(connects.per_second)} a second, ${figure(connects.seconds)} s in all; ${figure(connects.gateway_us)} µs of the gateways' CPU each`],
		['resident memory of the gateways', `${mib(m.resident)}, ${number(m.gateway_bytes)} bytes a client; ${mib(empty)} before the first`],
		['of the kernel', `${number(m.kernel_bytes)} bytes a connection, both ends of it on this machine`],
		['of the load', `${number(m.load_bytes)} bytes a client`],
		[`CPU at rest, over ${number(rest.seconds)} s`, `gateways ${percent(rest.gateways)} of one core, ${figure(rest.gateways * 1e6 / clients)} µs a client and second; the clients' ends ${percent(rest.load)}, the whole machine ${percent(rest.machine)}`],
		[`a broadcast to all, median of ${broadcasts.length}`, `the first has it after ${figure(of('first_ms'))} ms, the last after ${number(of('last_ms'))} ms; ${figure(of('gateway_us'))} µs of the gateways' CPU for each delivery, ${figure(of('machine_us'))} µs of the machine's without the load's`],
		['when all have left', `${mib(left)} in the gateways`],
	];

	if (m.caches.length)
		rows.splice(3, 0, ['of it, by the kernel’s caches', m.caches.slice(0, 8).map((c) => `${c.name} ${number(c.bytes)}`).join(', ')]);
	return `${number(clients)} clients of ${gateways} gateways and one Redis, ${when.slice(0, 10)}.\n\n${markdown(['what', 'measured'], rows, 'l')}`;
}

// --- Functions

// [{name, title, samples, kernel, top: [{name, where, share}]}] as columns side by side.
export function functionsTable(flames) {
	const most = Math.max(...flames.map((f) => f.top.length));
	const cell = (f) => (f ? `${percent(f.share)} \`${f.name}\`${f.where === 'kernel' ? ' (kernel)' : ''}` : '');

	return markdown(['', ...flames.map((f) => `${f.title}: ${percent(f.kernel)} in the kernel`)], Array.from({ length: most }, (_, i) => [String(i + 1), ...flames.map((f) => cell(f.top[i]))]), 'l');
}

// costs.json of cost.mjs.
export function countedTable(costs) {
	const top = (functions) => Object.entries(functions ?? {}).sort(([, x], [, y]) => y - x).slice(0, 10).map(([name, n]) => `\`${name}\` ${number(n)}`).join(', ');

	return markdown(['of one', 'instructions', 'allocations', 'most of them in'], Object.entries(costs).map(([name, c]) => [`\`${name}\``, number(c.instructions), figure(c.allocations), top(c.functions)]), 'lrrl');
}
