// What becomes of runs: ratios of pairs, what a second measurement replaces, the page's blocks, stacks. And whether
// docs/performance.md shows what there is.

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { blockOf, mistakesOf, withBlock } from './docs.mjs';
import { plots } from './plot.mjs';
import { medians, targets } from './report.mjs';
import { Result } from './result.mjs';
import { collapse, picture, topOf } from './stacks.mjs';
import { ratioTable, scenarioTables } from './tables.mjs';

const scenario = { name: 'x', title: 'an x', unit: 'x', target: { bare: 1.5, node: 0.5 } };
const run = (server, turn, server_us, more = {}) => ({ scenario: 'x', server, turn: String(turn), ok: true, server_us, clients: 10, foreign_busy: 0.1, ...more });
const rowOf = (rows, server) => rows.find((r) => r.server === server);

test('a ratio is the median of the ratios of runs that took place side by side', () => {
	// Of the medians it would be 2 / 2: the machine is three times as slow in the second turn.
	const runs = [run('stoa', 1, 2), run('bare', 1, 1), run('stoa', 2, 6), run('bare', 2, 3), run('stoa', 3, 1), run('bare', 3, 2)];
	const row = rowOf(medians(runs, [scenario]), 'bare');

	assert.deepEqual([row.ratio, row.spread, row.pairs, row.server_us], [2, [0.5, 2], 3, 2]);
});

test('runs that others disturbed count only where there are no better ones', () => {
	const noisy = { foreign_busy: 0.9 };
	const some = medians([run('stoa', 1, 2), run('bare', 1, 1), run('stoa', 2, 50), run('bare', 2, 1, noisy)], [scenario]);
	const all = medians([run('stoa', 1, 2, noisy), run('bare', 1, 1)], [scenario]);

	assert.deepEqual([rowOf(some, 'bare').ratio, rowOf(some, 'bare').quiet, rowOf(some, 'bare').runs], [2, 1, 2]);
	assert.deepEqual([rowOf(all, 'bare').ratio, rowOf(all, 'stoa').quiet], [2, 0]);
});

test('of servers that never ran side by side the ratio is that of the medians, and says so', () => {
	const row = rowOf(medians([run('stoa', 1, 2), run('bare', 2, 4)], [scenario]), 'bare');

	assert.deepEqual([row.ratio, row.pairs], [0.5, 0]);
	assert.match(scenarioTables({ rows: [row], measurements: [] }, [scenario]), /\| 1\/2\.0 ~ \|/);
});

test('a run that was no good leaves its server without a figure and a ratio', () => {
	const rows = medians([run('stoa', 1, 2), run('bare', 1, 1), { scenario: 'x', server: 'bare', turn: '2', ok: false, error: 'one is lost' }], [scenario]);

	assert.deepEqual([rowOf(rows, 'bare').why, rowOf(rows, 'bare').ratio], ['one is lost', undefined]);
	assert.deepEqual(targets(rows, [scenario]), []);
});

test('targets: within, and not', () => {
	const rows = medians([run('stoa', 1, 2), run('bare', 1, 1), run('node', 1, 10)], [scenario]);

	assert.deepEqual(targets(rows, [scenario]).map((t) => [t.server, t.reached, t.met]), [['bare', 2, false], ['node', 0.2, true]]);
	const slow = medians([run('stoa', 1, 2), run('bare', 1, 1.8), run('node', 1, 3)], [scenario]);
	assert.match(ratioTable({ rows: slow }, [scenario]), /1\/1\.5\*\*, \*\*not\*\* within 1\/2\.0 \(nor is the bare server’s, 1\/1\.7\)/);
	assert.match(ratioTable({ rows }, [scenario]), /\*\*2\.00\*\*, \*\*not\*\* within 1\.50 \| \*\*1\/5\.0\*\*, within 1\/2\.0/);
});

test('result.json: what is measured again replaces what was there, the rest stays; add keeps all; quick is apart', () => {
	const directory = mkdtempSync(path.join(os.tmpdir(), 'stoa-result-'));
	const measure = (when, options, more, list) => {
		const result = new Result(directory, { when, quick: false, ...more }, [scenario], options);

		for (const [server, us] of list)
			result.record({ ...run(server, 0, us), repetition: 1 });
		return JSON.parse(readFileSync(path.join(directory, 'result.json'), 'utf8'));
	};

	try {
		measure('monday', {}, {}, [['stoa', 1], ['bare', 1], ['node', 5]]);
		const again = measure('tuesday', {}, {}, [['stoa', 2], ['bare', 1]]);
		assert.deepEqual(again.runs.map((r) => [r.server, r.server_us]), [['node', 5], ['stoa', 2], ['bare', 1]]);
		assert.deepEqual([rowOf(again.rows, 'bare').ratio, rowOf(again.rows, 'node').pairs], [2, 0]);
		assert.deepEqual(again.measurements.map((m) => m.when), ['monday', 'tuesday']);
		const added = measure('friday', { add: true }, {}, [['stoa', 4]]);
		assert.equal(rowOf(added.rows, 'stoa').server_us, 3);
		const quick = measure('sunday', { add: true }, { quick: true }, [['bare', 1]]);
		assert.deepEqual(quick.runs.map((r) => r.server), ['bare']);
	} finally {
		rmSync(directory, { recursive: true });
	}
});

test('a block of a page is written between its markers, and only there', () => {
	const page = 'a\n<!-- written by tests/bench/docs.mjs: ratios -->\nold\n<!-- end of ratios -->\nb\n';
	const written = withBlock(page, 'ratios', 'new $& $1');

	assert.equal(written, 'a\n<!-- written by tests/bench/docs.mjs: ratios -->\n\nnew $& $1\n\n<!-- end of ratios -->\nb\n');
	assert.equal(blockOf(written, 'ratios'), 'new $& $1');
	assert.equal(blockOf(page + page, 'ratios'), null);
	assert.throws(() => withBlock('no markers', 'ratios', 'new'));
});

test('what perf script prints becomes stacks, functions and a picture', async () => {
	const printed = [
		'stoa-gateway ', '\tffffffff8163859d tcp_sendmsg+0x14d ([kernel.kallsyms])', '\t    20ca3 ws_put+0x13 (/x/bin/stoa-gateway)', '\t    1 main+0x1 (/x/bin/stoa-gateway)', '\t    2 __libc_start_call_main+0x1 (/lib/libc.so.6)', '',
		'stoa-gateway ', '\t    20ca3 ws_put+0x13 (/x/bin/stoa-gateway)', '\t    1 main+0x1 (/x/bin/stoa-gateway)', '',
		'stoa-gateway ', '\t    7 event_run.isra.0+0x13 (/x/bin/stoa-gateway)', '\t    8 [unknown] (/lib/libevent-2.1.so.7)', '\t    0 [unknown] ([unknown])', '', '',
	];
	const stacks = await collapse(printed);

	assert.deepEqual([...stacks], [['main;ws_put;tcp_sendmsg [k]', 1], ['main;ws_put', 1], ['[libevent-2.1.so.7] [e];event_run', 1]]);
	const { samples, kernel, top } = topOf(stacks, 1);
	assert.deepEqual([samples, kernel.toFixed(2), top[0].name, top[0].where], [3, '0.33', 'tcp_sendmsg', 'kernel']);
	const svg = picture(stacks, { title: 'a < b', subtitle: '' });
	assert.match(svg, /<title>ws_put: 66\.7 %<\/title><rect class="u\d"/);
	assert.match(svg, /<title>tcp_sendmsg \(kernel\): 33\.3 %<\/title><rect class="k\d"/);
	assert.match(svg, /a &lt; b/);
});

test('a plot has a bar for each server, with its figure', () => {
	const rows = medians([run('stoa', 1, 2), run('bare', 1, 1), run('node', 1, 12.34)], [scenario]);
	const [[name, svg]] = plots({ rows }, [scenario]);

	assert.equal(name, 'cpu');
	for (const text of ['class="stoa" x="270"', 'class="node" x="270"', '>2.00<', '>12.3<'])
		assert.ok(svg.includes(text), text);
});

test('docs/performance.md has all of its blocks, names every scenario and shows every picture', () => {
	const docs = new URL('../../docs/', import.meta.url);

	assert.deepEqual(mistakesOf(readFileSync(new URL('performance.md', docs), 'utf8'), readdirSync(new URL('performance/', docs))), []);
	assert.equal(mistakesOf('', ['cpu.svg']).length > 15, true); // it can fail
});
