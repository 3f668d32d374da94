// Plots of a result as SVG, by themselves: plot.mjs RESULT.json DIRECTORY.

import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ALONE, scenarios as all } from './scenarios.mjs';

const COLOURS = { bare: '#8a94a6', stoa: '#0b6e4f', node: '#e09f3e', bun: '#9e6ebd', flask: '#c8553d' };
const NAMES = { bare: 'bare epoll server', stoa: 'Stoa', node: 'Node.js, socket.io', bun: 'Bun, socket.io', flask: 'Flask-SocketIO, gevent' };
const INK = '#1f2933', FAINT = '#697586', GRID = '#e4e7eb';

const WIDTH = 860, LABELS = 280, RIGHT = 80, BAR = 15, GAP = 3, GROUP_GAP = 16, TOP = 92, BOTTOM = 34;

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const text = (x, y, content, { size = 12, anchor = 'start', fill = INK, weight = 400 } = {}) =>
	`<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" font-size="${size}" text-anchor="${anchor}" fill="${fill}" font-weight="${weight}">${escaped(content)}</text>`;

export function short(n) {
	if (n >= 1e6)
		return `${(n / 1e6).toFixed(n >= 1e7 ? 0 : 1)}M`;
	if (n >= 1e4)
		return `${Math.round(n / 1e3)}k`;
	if (n >= 1e3)
		return `${(n / 1e3).toFixed(1)}k`;
	return n >= 100 ? n.toFixed(0) : n >= 10 ? n.toFixed(1) : n.toFixed(2);
}

// From the power of ten below the least value to the one above the greatest.
function logScale(values) {
	const low = Math.floor(Math.log10(Math.min(...values))), high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))));

	return {
		ticks: Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i)),
		share: (value) => (Math.log10(value) - low) / (high - low),
	};
}

function linearScale(values) {
	const greatest = Math.max(...values), rough = greatest / 5, power = 10 ** Math.floor(Math.log10(rough));
	const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
	const end = Math.ceil(greatest / step) * step;

	return { ticks: Array.from({ length: Math.round(end / step) + 1 }, (_, i) => i * step), share: (value) => value / end };
}

function legend(servers) {
	let x = LABELS;

	return servers.map((server) => {
		const part = `<rect x="${x}" y="62" width="11" height="11" rx="2" fill="${COLOURS[server]}"/>${text(x + 16, 72, NAMES[server], { size: 12, fill: FAINT })}`;

		x += 30 + NAMES[server].length * 6.3;
		return part;
	}).join('');
}

// groups: [{label, bars: [{server, value}]}]
function bars({ title, subtitle, groups, scale, format = short }) {
	const values = groups.flatMap((g) => g.bars.map((b) => b.value));
	const { ticks, share } = scale(values);
	const plotWidth = WIDTH - LABELS - RIGHT;
	const parts = [];
	let y = TOP;

	for (const { label, bars: list } of groups) {
		const height = list.length * (BAR + GAP);

		parts.push(text(LABELS - 12, y + height / 2 + 3, label, { anchor: 'end' }));
		for (const { server, value } of list) {
			const width = Math.max(1.5, share(value) * plotWidth);

			parts.push(`<rect x="${LABELS}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" rx="2" fill="${COLOURS[server]}"/>`);
			parts.push(text(LABELS + width + 6, y + BAR - 3.5, format(value), { size: 11, weight: server === 'stoa' ? 700 : 400 }));
			y += BAR + GAP;
		}
		y += GROUP_GAP;
	}
	const end = y - GROUP_GAP + 6;
	const grid = ticks.map((tick) => {
		const x = LABELS + Math.max(0, share(tick)) * plotWidth;

		return `<line x1="${x.toFixed(1)}" y1="${TOP - 8}" x2="${x.toFixed(1)}" y2="${end}" stroke="${GRID}"/>${text(x, end + 16, short(tick).replace(/\.0+(?=\D|$)/, ''), { size: 11, anchor: 'middle', fill: FAINT })}`;
	});
	const servers = ALONE.filter((name) => groups.some((g) => g.bars.some((b) => b.server === name)));

	return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${end + BOTTOM}" width="${WIDTH}" height="${end + BOTTOM}" font-family="system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif">
<rect width="100%" height="100%" fill="#ffffff" rx="6"/>
${text(24, 30, title, { size: 17, weight: 600 })}
${text(24, 49, subtitle, { size: 12, fill: FAINT })}
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

const PERCENTILES = [['p50_us', 'half of the deliveries'], ['p99_us', '99 of 100'], ['p999_us', '999 of 1,000']];

function latencies(rows) {
	return PERCENTILES.map(([figure, label]) => ({
		label,
		bars: ALONE.map((server) => ({ server, value: rows.find((r) => r.scenario === 'rate' && r.server === server)?.[figure] / 1000 })).filter((b) => b.value > 0),
	})).filter((g) => g.bars.length);
}

// [[name, svg]]; what was not measured has no plot.
export function plots({ rows }, scenarios = all) {
	const flows = scenarios.filter((s) => !['idle', 'rate', 'mixed'].includes(s.name));
	const wanted = [
		['cpu', { title: 'What one delivery costs the server', subtitle: 'microseconds of CPU for each delivery, echo, answered poll or connection; less is better; logarithmic', groups: groupsOf(rows, flows, 'server_us'), scale: logScale }],
		['throughput', { title: 'How many in a second', subtitle: 'one process on one core, the load on another; more is better; logarithmic', groups: groupsOf(rows, flows, 'per_second'), scale: logScale }],
		['latency', { title: 'How long a message takes', subtitle: 'milliseconds until delivered, 20 messages a second to 1,000 clients; less is better', groups: latencies(rows), scale: linearScale }],
		['memory', { title: 'What a client that does nothing takes', subtitle: 'bytes of resident memory for each; less is better; logarithmic', groups: groupsOf(rows, scenarios.filter((s) => s.name === 'idle'), 'resident_per_client'), scale: logScale }],
	];

	return wanted.filter(([, plot]) => plot.groups.length).map(([name, plot]) => [name, bars(plot)]);
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
	const [file, directory] = process.argv.slice(2);

	for (const [name, svg] of plots(JSON.parse(readFileSync(file, 'utf8'))))
		writeFileSync(path.join(directory, `${name}.svg`), svg);
}
