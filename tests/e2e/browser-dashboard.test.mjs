// examples/dashboard: its events with the stock client, a reader that is too slow, and its page in headless Chromium.
// With STOA_SCREENSHOT=FILE.png the page is kept as that file and as FILE-phone.png.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { isNarrow, openPage, PAGES, useBrowser, SOON } from './lib/browser.mjs';
import { connect } from './lib/client.mjs';
import { appPath, CLIENT_DIR, forTest, Gateway, pagesOf, runGateway } from './lib/gateway.mjs';
import { Polling } from './lib/raw.mjs';
import { eventually } from './lib/wait.mjs';

const FLAGS = ['--public', pagesOf('dashboard'), '--client-dir', CLIENT_DIR, ...SOON];

useBrowser(after);

describe('the dashboard to clients', () => {
	// Two samples that come in one turn, on a busy machine, are one: the later.
	test('everybody gets the same samples, numbered without a gap but for those that a later one replaced', async (t) => {
		const g = await forTest(t, 'dashboard', ['--set', 'period=20']);
		const clients = [await connect(t, g.url), await connect(t, g.url)];
		const seen = await Promise.all(clients.map(async (c) => {
			const samples = [];
			for (let i = 0; i < 20; i++)
				samples.push(...await c.next('sample'));
			return new Map(samples.map((sample) => [sample.n, sample]));
		}));

		const gaps = seen.flatMap((samples) => [...samples.keys()].slice(1).map((n, i) => n - [...samples.keys()][i] - 1));
		assert.ok(gaps.every((gap) => gap >= 0), `${gaps}`);
		assert.ok(gaps.reduce((sum, gap) => sum + gap, 0) <= (await g.metrics()).stoa_latest_dropped_total, `${gaps}`);
		const common = [...seen[0].keys()].filter((n) => seen[1].has(n));
		assert.ok(common.length > 0);
		for (const n of common)
			assert.deepEqual(seen[0].get(n), seen[1].get(n));
	});

	test('who comes late gets what was before, at most 120 samples, and then the next', async (t) => {
		const g = await forTest(t, 'dashboard', ['--set', 'period=10']);
		const early = await connect(t, g.url);
		const [{ samples: none, series, period }] = await early.next('history');

		assert.equal(period, 10);
		assert.deepEqual(series.map(({ name }) => name), ['Requests', 'Response time', 'Processor', 'Viewers']);
		assert.ok(none.length <= 120);
		while ((await early.next('sample'))[0].n < 130)
			;
		const late = await connect(t, g.url);
		const [{ samples }] = await late.next('history');
		const [next] = await late.next('sample');
		assert.equal(samples.length, 120);
		samples.forEach((sample, i) => assert.equal(sample.n, samples[0].n + i));
		// The next one, unless that still waited when there was a newer one.
		if ((await g.metrics()).stoa_latest_dropped_total === 0)
			assert.equal(next.n, samples.at(-1).n + 1);
		assert.ok(next.n > samples.at(-1).n);
		assert.equal(next.values.length, 4);
		assert.equal(next.values[3], 2, 'two look');
	});

	test('a reader that is too slow gets only the newest of those that waited', async (t) => {
		const g = await forTest(t, 'dashboard', ['--set', 'period=10']);
		const slow = await Polling.open(t, g.port); // between two GETs all waits for it
		const quick = await connect(t, g.url);
		const samplesOf = (packets) => packets.filter((packet) => packet.startsWith('42["sample"')).map((packet) => JSON.parse(packet.slice(2))[1]);

		await slow.post('40');
		await eventually('it to have joined', async () => (await g.metrics()).stoa_clients === 2);
		quick.received.items.splice(0); // from before it had joined
		const [{ n: first }] = await quick.next('sample');
		let last = first;
		while (last < first + 50)
			last = (await quick.next('sample'))[0].n;
		const [sample, ...more] = samplesOf(await slow.packets());
		assert.deepEqual(more, [], 'one waits');
		assert.ok(sample.n >= last, 'the newest');
		assert.ok((await g.metrics()).stoa_latest_dropped_total >= 49);
		const [next] = samplesOf(await slow.packets());
		assert.ok(next.n > sample.n, 'it goes on');
	});

	test('a period that is none is refused when the application is loaded', async () => {
		for (const period of ['soon', '5', '-1']) {
			const { code, stderr } = await runGateway(['--app', appPath('dashboard'), '--listen', '127.0.0.1:0', '--set', `period=${period}`]);
			assert.notEqual(code, 0);
			assert.match(stderr, /option `period` is a number of milliseconds, 10 or more/);
		}
	});
});

describe('the dashboard page', PAGES, () => {
	let gateway;

	before(async () => {
		gateway = await Gateway.start('dashboard', [...FLAGS, '--set', 'period=25']);
	});
	after(() => gateway?.stop());

	const valueOf = (page, name) => page.locator('figure', { hasText: name }).locator('.value');

	test('charts move, and two pages see each other come and go', async (t) => {
		const one = await openPage(t, gateway.url);

		await one.getByText('Live, every 25 ms').waitFor();
		assert.equal(await one.locator('figure').count(), 4);
		await valueOf(one, 'Viewers').getByText('1', { exact: true }).waitFor();
		const curve = one.locator('.curve').first();
		const before = await curve.getAttribute('d');
		await eventually('the curve to move', async () => (await curve.getAttribute('d')) !== before);
		const two = await openPage(t, gateway.url);
		await valueOf(one, 'Viewers').getByText('2', { exact: true }).waitFor();
		await valueOf(two, 'Viewers').getByText('2', { exact: true }).waitFor();
		await two.close();
		await valueOf(one, 'Viewers').getByText('1', { exact: true }).waitFor();
	});

	test('a page that comes late has a history to show', async (t) => {
		const first = await openPage(t, gateway.url);

		await eventually('some samples', () => first.evaluate('samples.length > 50'));
		const late = await openPage(t, gateway.url);
		await late.getByText('Live, every').waitFor();
		assert.ok(await late.evaluate('samples.length') > 50);
	});

	test('looking back by keyboard shows an older value', async (t) => {
		const page = await openPage(t, gateway.url);

		await eventually('some samples', () => page.evaluate('samples.length > 50'));
		await page.getByLabel('Look back').focus();
		for (let i = 0; i < 40; i++)
			await page.keyboard.press('ArrowLeft');
		await page.getByText('1 s ago').waitFor();
		assert.equal(await page.locator('.cursor:not([hidden])').count(), 4);
		await page.keyboard.press('End');
		await page.locator('#when').getByText('now').waitFor();
	});

	test('on a phone of 360 pixels nothing is wider than the screen', async (t) => {
		const page = await openPage(t, gateway.url, { viewport: { width: 360, height: 640 } });

		await page.getByText('Live, every').waitFor();
		assert.ok(await isNarrow(page));
	});

	test('names of series are text, not markup', async (t) => {
		const page = await openPage(t, gateway.url);

		await page.getByText('Live, every').waitFor();
		await page.evaluate(`makeChart({ name: "<img src=x onerror=alert(1)>", unit: "<b>" })`);
		assert.equal(await page.locator('#charts img, #charts b').count(), 0);
	});

	test('a lost connection is shown, and the page comes back by itself', async (t) => {
		const g = await Gateway.start('dashboard', [...FLAGS, '--set', 'period=50']);
		const page = await openPage(t, g.url);

		await page.getByText('Live, every 50 ms').waitFor();
		await g.stop();
		await page.getByText('Reconnecting').waitFor();
		const again = await Gateway.start('dashboard', [...FLAGS, '--listen', `127.0.0.1:${g.port}`, '--set', 'period=40']);
		t.after(() => again.stop());
		await page.getByText('Live, every 40 ms').waitFor();
	});

	test('a desktop and a phone show it', async (t) => {
		const file = process.env.STOA_SCREENSHOT; // kept for the documentation when set
		const desktop = await openPage(t, gateway.url, { viewport: { width: 1000, height: 640 } });
		const phone = await openPage(t, gateway.url, { viewport: { width: 360, height: 640 }, deviceScaleFactor: 2, colorScheme: 'dark', isMobile: true });

		await eventually('a full chart', () => phone.evaluate('samples.length >= 118'));
		assert.ok((await desktop.screenshot({ path: file })).length > 0);
		assert.ok((await phone.screenshot({ path: file?.replace(/(\.png)?$/, '-phone.png') })).length > 0);
	});
});
