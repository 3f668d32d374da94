// Headless Chromium for tests of pages.

import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';
import { IS_DEV } from './gateway.mjs';
import { PATIENCE_MS } from './wait.mjs';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
// A page that is closed while it polls leaves no connection to end: the server misses its pongs. A server that ends in
// the middle of an upgrade is missed by the stock client only at the ping timeout, as its polling rests then. With these
// flags either happens within seconds instead of 45.
export const SOON = ['--ping-interval', '2s', '--ping-timeout', '4s'];
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

// For describe() of what is about a page: a page does not see with what flags the server was built.
export const PAGES = { skip: IS_DEV && 'pages are looked at with the release build' };

let browser;

// A browser for all tests of a file, launched for the first page: useBrowser(after).
export function useBrowser(after) {
	after(async () => (await browser)?.close());
}

const launched = () => (browser ??= chromium.launch({ executablePath: CHROMIUM, args: FLAGS, timeout: 120_000 }));

// A page of its own: no storage shared with the others. An error in it fails the test, and so does a request to elsewhere.
export async function openPage(t, url, options = {}) {
	const context = await (await launched()).newContext({ viewport: { width: 1100, height: 720 }, ...options });
	const page = await context.newPage();

	page.problems = [];
	page.setDefaultTimeout(PATIENCE_MS);
	page.on('pageerror', (error) => page.problems.push(error.message));
	page.on('request', (request) => {
		const { protocol, host } = new URL(request.url());
		if (!['data:', 'about:'].includes(protocol) && host !== new URL(url).host)
			page.problems.push(`request to ${request.url()}`);
	});
	t.after(async () => {
		await context.close();
		assert.deepEqual(page.problems, []);
	});
	await page.goto(url);
	return page;
}

// Is nothing wider than the screen?
export const isNarrow = (page) => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
