// The pages of the examples in headless Chromium. With STOA_SCREENSHOT=FILE.png the chat page is kept as that file, and
// as FILE-phone.png.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openPage, useBrowser, SOON } from './lib/browser.mjs';
import { connect } from './lib/client.mjs';
import { CLIENT_DIR, Gateway, pagesOf } from './lib/gateway.mjs';
import { PATIENCE_MS } from './lib/wait.mjs';

useBrowser(after);

describe('the chat page', () => {
	let gateway;

	before(async () => {
		gateway = await Gateway.start('chat', ['--public', pagesOf('chat'), '--client-dir', CLIENT_DIR]);
	});
	after(() => gateway?.stop());

	async function enter(t, name, room, options) {
		const page = await openPage(t, gateway.url, options);

		await page.getByLabel('Your name').fill(name);
		await page.getByLabel('Room').fill(room);
		await page.getByRole('button', { name: 'Join' }).click();
		await page.getByText(`${name} joined the room`).waitFor();
		await page.getByText(`Connected as ${name}`).waitFor();
		return page;
	}

	async function say(page, text) {
		await page.getByLabel('Message', { exact: true }).fill(text);
		await page.keyboard.press('Enter');
	}

	const seen = (page, text) => page.getByRole('log').getByText(text, { exact: true }).waitFor();
	const lines = (page) => page.locator('#messages li').count();

	test('two pages in one room see messages, a third outside it sees none', async (t) => {
		const ada = await enter(t, 'Ada', 'agora');
		const bob = await enter(t, 'Bob', 'agora');
		const eve = await enter(t, 'Eve', 'elsewhere');

		await seen(ada, 'Bob joined the room');
		await say(ada, 'Does anybody hear me?');
		await seen(ada, 'Does anybody hear me?');
		await seen(bob, 'Does anybody hear me?');
		await say(bob, 'Loud and clear.');
		await seen(ada, 'Loud and clear.');
		await seen(bob, 'Loud and clear.');
		assert.equal(await ada.locator('.message.mine').count(), 1);
		assert.equal(await bob.locator('.message.mine').count(), 1);

		await say(eve, 'Nobody here?');
		await seen(eve, 'Nobody here?');
		assert.equal(await lines(eve), 2, 'her own joining and her own message');
	});

	test('messages of other clients are shown, and markup in them is text', async (t) => {
		const ada = await enter(t, 'Ada', 'markup');
		const bob = await connect(t, gateway.url, { auth: { name: '<b>Bob</b>' } });
		const evil = '<img src=x onerror="document.title=\'broken into\'">';

		bob.emit('join', { room: 'markup' });
		await seen(ada, '<b>Bob</b> joined the room');
		bob.emit('chat', { room: 'markup', message: evil });
		bob.emit('chat', { room: 'markup', message: `<i>Bob</i>: ${evil}` });
		bob.emit('chat', { room: 'markup', message: { not: 'text' } });
		await seen(ada, '{"not":"text"}');
		assert.equal(await ada.getByText(evil, { exact: true }).count(), 2);
		assert.equal(await ada.locator('#messages img, #messages i').count(), 0);
		assert.doesNotMatch(await ada.title(), /broken/);
	});

	test('leaving goes back to the start; the others are told', async (t) => {
		const ada = await enter(t, 'Ada', 'leaving');
		const bob = await enter(t, 'Bob', 'leaving');

		await bob.getByRole('button', { name: 'Leave' }).click();
		await seen(ada, 'Bob left the room');
		await bob.getByLabel('Your name').waitFor();
	});

	test('it works from the keyboard alone', async (t) => {
		const page = await openPage(t, gateway.url);

		await page.keyboard.type('Kay');
		await page.keyboard.press('Tab');
		await page.keyboard.type('keys');
		await page.keyboard.press('Enter');
		await page.getByText('Connected as Kay').waitFor();
		await page.keyboard.type('typed');
		await page.keyboard.press('Enter');
		await seen(page, 'typed');
	});

	test('on a phone of 360 pixels nothing is wider than the screen', async (t) => {
		const page = await enter(t, 'A name that is as long as it may', 'a-room-with-a-very-long-name-that-will-not-fit-on-a-phone', { viewport: { width: 360, height: 640 } });
		const isNarrow = () => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);

		assert.ok(await isNarrow());
		await say(page, 'x'.repeat(400));
		await seen(page, 'x'.repeat(400));
		assert.ok(await isNarrow());
	});

	test('a lost connection is shown, and the page comes back by itself', async (t) => {
		const g = await Gateway.start('chat', ['--public', pagesOf('chat'), '--client-dir', CLIENT_DIR, ...SOON]);
		const page = await openPage(t, g.url);

		await page.getByLabel('Your name').fill('Ada');
		await page.getByLabel('Room').fill('again');
		await page.getByRole('button', { name: 'Join' }).click();
		await page.getByText('Connected as Ada').waitFor();
		await g.stop();
		await page.getByText('Reconnecting').waitFor();
		const again = await Gateway.start('chat', ['--listen', `127.0.0.1:${g.port}`]);
		t.after(() => again.stop());
		await page.getByText('Connected as Ada').waitFor({ timeout: 2 * PATIENCE_MS });
		await say(page, 'back');
		await seen(page, 'back');
	});

	test('where users are known a password is asked for, and a wrong one refused politely', async (t) => {
		const g = await Gateway.start('chat', ['--public', pagesOf('chat'), '--client-dir', CLIENT_DIR, '--set', 'users=Ada:secret']);
		t.after(() => g.stop());
		const page = await openPage(t, g.url);

		assert.equal(await page.getByLabel('Password').isVisible(), false);
		await page.getByLabel('Your name').fill('Ada');
		await page.getByLabel('Room').fill('agora');
		await page.keyboard.press('Enter');
		await page.getByText('This chat is for people it knows. Please give your password.').waitFor();
		await page.keyboard.type('guess');
		await page.keyboard.press('Enter');
		await page.getByText('Unknown name or wrong password. Please try again.').waitFor();
		await page.keyboard.type('secret');
		await page.keyboard.press('Enter');
		await page.getByText('Connected as Ada').waitFor();
	});

	test('a conversation looks the same in both windows', async (t) => {
		const file = process.env.STOA_SCREENSHOT; // kept for README when set
		const ada = await enter(t, 'Ada', 'agora', { viewport: { width: 1000, height: 640 } });
		const bob = await enter(t, 'Zeno', 'agora', { viewport: { width: 360, height: 640 }, deviceScaleFactor: 2, colorScheme: 'dark', isMobile: true });
		const talk = [
			[ada, 'Is anyone at the stoa this morning?'],
			[bob, 'Always. It is the only shade in Athens.'],
			[ada, 'I brought figs, and a question about rooms.'],
			[bob, 'Ask. Whoever is in the room will hear it, and nobody else.'],
			[ada, 'That was the question.'],
		];

		for (const [page, text] of talk) {
			await say(page, text);
			await seen(ada, text);
			await seen(bob, text);
		}
		assert.ok((await ada.screenshot({ path: file })).length > 0);
		assert.ok((await bob.screenshot({ path: file?.replace(/(\.png)?$/, '-phone.png') })).length > 0);
	});
});

describe('the getting-started page', () => {
	test('each button shows what goes out and what arrives', async (t) => {
		const g = await Gateway.start('getting-started', ['--public', pagesOf('getting-started'), '--client-dir', CLIENT_DIR]);
		t.after(() => g.stop());
		const page = await openPage(t, g.url);
		const press = (name) => page.getByRole('button', { name, exact: true }).click();
		const logged = (text) => page.getByRole('log').getByText(text, { exact: true }).first().waitFor();

		await page.getByText('Connected, sid').waitFor();
		await logged('← my response {"data":"Connected"}');
		await press('message');
		await logged('← message "Hello, stoa"');
		await press('my event');
		await logged('← my event acked "one", 2');
		await press('my_event');
		await logged('← my response "Hello, stoa", 2, [true,null]');
		await press('echo binary');
		await logged('← echo acked <binary: 1 2 255>');
		await press('ask');
		await logged('← answered "Hello, stoa"');
		await press('my error event');
		await logged('← error event {"event":"my error event","args":[{"data":"Hello, stoa"},"more"]}');
		await press('/test my_event');
		await logged('← /test my_response {"data":"Hello, stoa"}');
		await press('join');
		await logged('← message "Ada has entered the room."');
		await press('my room event');
		await logged('← my response {"data":"Hello, stoa"}');
		await press('connect with a bad token');
		await logged('✕ connect_error "unauthorized!"');
	});
});

describe('the conformance page', () => {
	test('it says what the server does, and connects', async (t) => {
		const g = await Gateway.start('conformance', ['--public', pagesOf('conformance'), '--client-dir', CLIENT_DIR]);
		t.after(() => g.stop());
		const page = await openPage(t, g.url);

		await page.getByText('Connected.').waitFor();
	});
});
