// Plots of a result as SVG, for light and dark pages.

import { ALONE, scenarios as all, VARIANTS } from './scenarios.mjs';
import { NAMES, number } from './tables.mjs';

// On white, on dark.
const COLOURS = { bare: ['#9aa5b1', '#7b8794'], stoa: ['#0b7a57', '#2bb68a'], node: ['#e0a030', '#e0a030'], bun: ['#a06cc0', '#b48ad0'], flask: ['#cc5a42', '#e07a60'] };
const OTHERS = [['#3a7fc1', '#5b9fe0'], ['#58a6a6', '#79c4c4'], ['#5b6abf', '#8793e0']];
for (const [i, name] of Object.keys(VARIANTS).entries())
	COLOURS[name] = OTHERS[i % OTHERS.length];

const STYLE = (scheme) => `.page{fill:${scheme ? '#0d1117' : '#ffffff'}}.ink{fill:${scheme ? '#e6edf3' : '#1f2933'}}.faint{fill:${scheme ? '#9198a1' : '#5f6b7a'}}.grid{stroke:${scheme ? '#2a313c' : '#e4e7eb'}}` +
	Object.entries(COLOURS).map(([name, colours]) => `.${name}{fill:${colours[scheme]}}`).join('');

const WIDTH = 860, LABELS = 270, RIGHT = 72, BAR = 12, GAP = 2, GROUP_GAP = 14, TOP = 96, BOTTOM = 34;

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const text = (x, y, content, { size = 12, anchor = 'start', of = 'ink', weight = 400 } = {}) =>
	`<text class="${of}" x="${x.toFixed(1)}" y="${y.toFixed(1)}" font-size="${size}"${anchor === 'start' ? '' : ` text-anchor="${anchor}"`}${weight === 400 ? '' : ` font-weight="${weight}"`}>${escaped(content)}</text>`;

// Three digits at most.
export function short(n) {
	if (n >= 1e6)
		return `${(n / 1e6).toFixed(n >= 1e7 ? 0 : 1)}M`;
	if (n >= 1e4)
		return `${Math.round(n / 1e3)}k`;
	if (n >= 1e3)
		return n.toLocaleString('en-US', { maximumFractionDigits: 0 });
	return n >= 100 ? n.toFixed(0) : n >= 10 ? n.toFixed(1) : n.toFixed(2);
}

// From the power of ten below the least value to twice the greatest, with lines at 1, 2 and 5.
function logScale(values) {
	const low = Math.floor(Math.log10(Math.min(...values))), high = Math.log10(Math.max(...values) * 1.25);
	const ticks = Array.from({ length: Math.ceil(high) - low + 1 }, (_, i) => 10 ** (low + i)).flatMap((n) => [n, 2 * n, 5 * n]);

	return { ticks: ticks.filter((n) => Math.log10(n) <= high), share: (value) => (Math.log10(value) - low) / (high - low) };
}

function linearScale(values) {
	const greatest = Math.max(...values), rough = greatest / 6, power = 10 ** Math.floor(Math.log10(rough));
	const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
	const end = greatest * 1.02;

	return { ticks: Array.from({ length: Math.floor(end / step) + 1 }, (_, i) => i * step), share: (value) => value / end };
}

function legend(servers) {
	let x = 24;

	return servers.map((server) => {
		const part = `<rect class="${server}" x="${x}" y="63" width="11" height="11" rx="2"/>${text(x + 16, 72.5, NAMES[server], { of: 'faint' })}`;

		x += 36 + NAMES[server].length * 6.6;
		return part;
	}).join('');
}

// groups: [{label, bars: [{server, value}]}]
function bars({ title, subtitle, groups, scale, format = short }) {
	const { ticks, share } = scale(groups.flatMap((g) => g.bars.map((b) => b.value)));
	const plotWidth = WIDTH - LABELS - RIGHT;
	const parts = [];
	let y = TOP;

	for (const { label, bars: list } of groups) {
		parts.push(text(LABELS - 12, y + list.length * (BAR + GAP) / 2 + 3, label, { anchor: 'end' }));
		for (const { server, value } of list) {
			const width = Math.max(1.5, share(value) * plotWidth);

			parts.push(`<rect class="${server}" x="${LABELS}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" rx="2"/>`);
			parts.push(text(LABELS + width + 6, y + BAR - 2.5, format(value), { size: 10.5, weight: server === 'stoa' ? 700 : 400 }));
			y += BAR + GAP;
		}
		y += GROUP_GAP;
	}
	const end = y - GROUP_GAP + 6;
	const grid = ticks.map((tick) => {
		const x = (LABELS + Math.max(0, share(tick)) * plotWidth).toFixed(1);

		return `<line class="grid" x1="${x}" y1="${TOP - 8}" x2="${x}" y2="${end}"/>${text(Number(x), end + 15, String(short(tick)).replace(/(\.\d*?)0+(?=\D|$)/, '$1').replace(/\.(?=\D|$)/, ''), { size: 10.5, anchor: 'middle', of: 'faint' })}`;
	});
	const servers = ALONE.filter((name) => groups.some((g) => g.bars.some((b) => b.server === name)));
	const height = end + BOTTOM;

	return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="sans-serif">
<style>${STYLE(0)}@media (prefers-color-scheme: dark){${STYLE(1)}}</style>
<rect class="page" width="100%" height="100%" rx="6"/>
${text(24, 30, title, { size: 17, weight: 600 })}
${text(24, 49, subtitle, { of: 'faint' })}
${legend(servers)}
${grid.join('\n')}
${parts.join('\n')}
</svg>
`;
}

function groupsOf(rows, scenarios, figure) {
	return scenarios
		.map((s) => ({
			label: s.title,
			bars: ALONE.map((server) => ({ server, value: rows.find((r) => r.scenario === s.name && r.server === server)?.[figure] })).filter((b) => b.value > 0),
		}))
		.filter((g) => g.bars.length);
}

const PERCENTILES = [['p50_us', 'half of the deliveries within'], ['p99_us', '99 of 100 within'], ['p999_us', '999 of 1,000 within']];

function latencies(rows) {
	return PERCENTILES.map(([figure, label]) => ({
		label,
		bars: ALONE.map((server) => ({ server, value: rows.find((r) => r.scenario === 'rate' && r.server === server)?.[figure] / 1000 })).filter((b) => b.value > 0),
	})).filter((g) => g.bars.length);
}

// [[name, svg]]; what was not measured has no plot.
export function plots({ rows }, scenarios = all) {
	const flows = scenarios.filter((s) => s.target && !s.cost);
	const wanted = [
		['cpu', { title: 'What one of it costs the server', subtitle: 'µs of CPU for a delivery, echo, answered poll or connection; less is better; logarithmic', groups: groupsOf(rows, flows, 'server_us'), scale: logScale }],
		['latency', { title: 'How long a message takes', subtitle: 'ms until delivered, 20 messages a second to a room of 1,000; less is better; logarithmic', groups: latencies(rows), scale: logScale }],
		['memory', { title: 'What a client that does nothing takes', subtitle: 'bytes of resident memory of the server for each; less is better', groups: groupsOf(rows, scenarios.filter((s) => s.name === 'idle'), 'resident_per_client'), scale: linearScale, format: (n) => number(n) }],
	];

	return wanted.filter(([, plot]) => plot.groups.length).map(([name, plot]) => [name, bars(plot)]);
}
