// examples/game: its events with the stock client, and its page in headless Chromium. With STOA_SCREENSHOT=FILE.png the
// page is kept as that file and as FILE-phone.png.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { isNarrow, openPage, PAGES, useBrowser, SOON } from './lib/browser.mjs';
import { connect, open, WAYS } from './lib/client.mjs';
import { CLIENT_DIR, forTest, Gateway, pagesOf, share } from './lib/gateway.mjs';
import { eventually } from './lib/wait.mjs';

const FLAGS = ['--public', pagesOf('game'), '--client-dir', CLIENT_DIR, ...SOON];

useBrowser(after);

// One state of the sea, as game.c packs it.
function unpack(bytes) {
	const [ships, coins] = [bytes.readUInt16LE(0), bytes.readUInt16LE(2)];
	const fields = { id: 'UInt16', x: 'UInt16', y: 'UInt16', vx: 'Int16', vy: 'Int16', score: 'UInt16' };
	const at = (i) => 4 + i * 12;
	const ship = (i) => Object.fromEntries(Object.entries(fields).map(([name, type], j) => [name, bytes[`read${type}LE`](at(i) + 2 * j)]));
	const coin = (i) => ({ x: bytes.readUInt16LE(at(ships) + i * 4), y: bytes.readUInt16LE(at(ships) + i * 4 + 2) });

	assert.equal(bytes.length, at(ships) + coins * 4);
	return {
		ships: new Map(Array.from({ length: ships }, (_, i) => [ship(i).id, ship(i)])),
		coins: Array.from({ length: coins }, (_, i) => coin(i)),
	};
}

// Where to pull for the coin that is next.
function towardsCoin({ ships, coins }, id) {
	const { x, y, vx, vy } = ships.get(id);
	const far = (coin) => Math.hypot(coin.x - x, coin.y - y);
	const coin = coins.reduce((a, b) => (far(a) < far(b) ? a : b));
	const pull = (distance, speed) => Math.max(-127, Math.min(127, distance * 3 - speed * 1.5));

	return Int8Array.of(pull(coin.x - x, vx), pull(coin.y - y, vy));
}

for (const { way, transports } of WAYS)
	describe(`the game over ${way}`, () => {
		const gateway = share(before, after, 'game');
		const play = async (t, name) => {
			const player = await connect(t, gateway().url, { transports, auth: { name } });
			[player.world] = await player.next('welcome');
			return player;
		};
		// The first state that is as asked.
		const sea = async (player, isSo) => {
			for (;;) {
				const state = unpack((await player.next('sea'))[0]);
				if (isSo(state))
					return state;
			}
		};

		test('players see each other join and leave, and ships go with their clients', async (t) => {
			const ada = await play(t, 'Ada');
			const bob = await play(t, 'Bob');

			assert.deepEqual(await ada.next('join'), [{ id: bob.world.id, name: 'Bob' }]);
			assert.deepEqual(bob.world.ships.map(({ name }) => name).sort(), ['Ada', 'Bob']);
			await sea(ada, ({ ships }) => ships.has(ada.world.id) && ships.has(bob.world.id));
			bob.disconnect();
			assert.deepEqual(await ada.next('leave'), [{ id: bob.world.id }]);
			const cyd = await play(t, 'Cyd');
			await ada.next('join');
			assert.ok(cyd.world.id !== bob.world.id);
			assert.ok(!(await sea(ada, ({ ships }) => ships.has(cyd.world.id))).ships.has(bob.world.id));
			cyd.io.engine.close(); // no goodbye
			assert.deepEqual(await ada.next('leave'), [{ id: cyd.world.id }]);
		});

		test('who steers moves for everybody, and stays on the sea', async (t) => {
			const ada = await play(t, 'Ada');
			const bob = await play(t, 'Bob');
			const of = (state) => state.ships.get(bob.world.id);

			const start = of(await sea(ada, (state) => of(state)));
			bob.emit('steer', Int8Array.of(start.x < 800 ? 127 : -127, 0));
			await sea(ada, (state) => Math.abs(of(state).x - start.x) > 100);
			ada.emit('steer', Int8Array.of(-127, -127)); // out of his way
			bob.emit('steer', Int8Array.of(127, 127));
			await sea(ada, (state) => of(state).x === 1600 - 24 && of(state).y === 1000 - 24);
			bob.emit('steer', Int8Array.of(0, 0));
			await sea(ada, (state) => of(state).vx === 0 && of(state).vy === 0);
		});

		test('coins are gathered and counted, and new ones come', async (t) => {
			const ada = await play(t, 'Ada');
			const bob = await play(t, 'Bob');

			await sea(ada, (state) => {
				assert.equal(state.coins.length, 10);
				ada.emit('steer', towardsCoin(state, ada.world.id));
				return state.ships.get(ada.world.id).score >= 2;
			});
			await sea(bob, ({ ships }) => ships.get(ada.world.id).score >= 2);
		});

		test('what is no steering is refused in its ack', async (t) => {
			const ada = await play(t, 'Ada');

			for (const wrong of [[], ['left'], [Int8Array.of(1)], [Int8Array.of(1, 2, 3)], [[1, 2]]]) {
				const [answer] = await ada.ask('steer', ...wrong);
				assert.equal(typeof answer?.error, 'string', JSON.stringify(answer));
			}
		});
	});

test('the 33rd ship is refused, and comes in when one has left', async (t) => {
	const g = await forTest(t, 'game');
	const players = await Promise.all(Array.from({ length: 32 }, () => connect(t, g.url, { transports: ['websocket'] })));
	const late = open(t, g.url, { transports: ['websocket'] });

	assert.equal((await late.happens('connect_error'))[0].message, 'the sea is full, come again later');
	players[5].disconnect();
	await players[6].next('leave');
	const next = await connect(t, g.url);
	assert.equal((await next.next('welcome'))[0].ships.length, 32);
});

test('a name that is too long or no text is refused', async (t) => {
	const g = await forTest(t, 'game');

	for (const name of ['x'.repeat(64), 7]) {
		const refused = open(t, g.url, { auth: { name } });
		assert.equal((await refused.happens('connect_error'))[0].message, 'a name is a short text');
	}
});

describe('the game page', PAGES, () => {
	let gateway;

	before(async () => {
		gateway = await Gateway.start('game', FLAGS);
	});
	after(() => gateway?.stop());

	async function play(t, name, options, url = gateway.url) {
		const page = await openPage(t, url, options);

		await page.getByLabel('Your name').fill(name);
		await page.keyboard.press('Enter');
		await page.getByRole('listitem').filter({ hasText: name }).waitFor();
		return page;
	}

	const shipOf = (page, name) => page.evaluate(`(() => { const s = [...ships.values()].find((s) => s.name === ${JSON.stringify(name)}); return s?.to && { x: s.to[0], y: s.to[1] }; })()`);

	test('two pages see each other sail by keyboard, and leave', async (t) => {
		const ada = await play(t, 'Ada');
		const bob = await play(t, 'Bob');

		await ada.getByText('Bob sets sail').waitFor();
		const start = await eventually('the ship to be seen', () => shipOf(bob, 'Ada'));
		await ada.keyboard.down(start.x < 800 ? 'ArrowRight' : 'KeyA');
		await eventually('Ada to sail on the page of Bob', async () => Math.abs((await shipOf(bob, 'Ada')).x - start.x) > 80);
		await ada.keyboard.up('ArrowRight');
		await bob.getByRole('button', { name: 'Leave' }).click();
		await ada.getByText('Bob is gone').waitFor();
		await bob.getByLabel('Your name').waitFor();
		assert.equal(await ada.getByRole('listitem').count(), 1);
	});

	test('a drag steers, by finger on a phone of 360 pixels too, where nothing is wider than the screen', async (t) => {
		const eve = await play(t, 'Eve', { viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true });
		const start = await eventually('the ship to be seen', () => shipOf(eve, 'Eve'));

		assert.ok(await isNarrow(eve));
		await eve.mouse.move(180, 500);
		await eve.mouse.down();
		await eve.mouse.move(start.x < 800 ? 260 : 100, 500);
		await eventually('Eve to sail', async () => Math.abs((await shipOf(eve, 'Eve')).x - start.x) > 80);
		await eve.mouse.up();
	});

	test('a page that is closed takes its ship along; names are text, not markup', async (t) => {
		const ada = await play(t, 'Ada');
		const evil = await play(t, '<img src=x>');

		await ada.getByText('<img src=x> sets sail').waitFor();
		assert.equal(await ada.locator('img').count(), 0);
		await evil.close();
		await ada.getByText('<img src=x> is gone').waitFor();
	});

	test('a lost connection is shown, and the page comes back with a new ship', async (t) => {
		const g = await Gateway.start('game', FLAGS);
		const ada = await play(t, 'Ada', {}, g.url);

		await g.stop();
		await ada.getByText('Reconnecting').waitFor();
		const again = await Gateway.start('game', ['--listen', `127.0.0.1:${g.port}`]);
		t.after(() => again.stop());
		await ada.getByText('Ada sets sail').waitFor();
		await eventually('the ship to be seen', () => shipOf(ada, 'Ada'));
	});

	// For a picture worth keeping: everybody gathers some coins and ends up where the board hides nobody.
	async function sailAbout(others, ada) {
		const targets = [5, 8, 3];
		const done = others.map(async (other, i) => {
			const [{ id }] = await other.next('welcome');
			for (;;) {
				const state = unpack((await other.next('sea'))[0]);
				other.emit('steer', towardsCoin(state, id));
				const { score, x, y } = state.ships.get(id);
				if (score >= targets[i] && (x > 400 || y > 400)) // not behind the board
					return other.emit('steer', Int8Array.of(0, 0));
			}
		});

		await ada.evaluate(`setInterval(() => {
			const [x, y] = ships.get(world.id).to;
			const [coin] = [...coins].sort((a, b) => Math.hypot(a[0] - x, a[1] - y) - Math.hypot(b[0] - x, b[1] - y));
			socket.emit("steer", Int8Array.of(...[coin[0] - x, coin[1] - y].map((d) => Math.max(-60, Math.min(60, d)))));
		}, 100)`);
		await Promise.all(done);
		await eventually('all to be seen', () => ada.evaluate('[...ships.values()].every(({ to: [x, y] }) => x > 400 || y > 400)'));
	}

	test('a desktop and a phone show it', async (t) => {
		const file = process.env.STOA_SCREENSHOT; // kept for the documentation when set
		const g = await forTest(t, 'game', FLAGS);
		const others = await Promise.all(['Zeno', 'Hypatia', 'Chrysippus'].map((name) => connect(t, g.url, { auth: { name } })));
		const ada = await play(t, 'Ada', { viewport: { width: 1000, height: 640 } }, g.url);
		const bob = await play(t, 'Cleanthes', { viewport: { width: 360, height: 640 }, deviceScaleFactor: 2, colorScheme: 'dark', isMobile: true }, g.url);
		for (const name of ['Ada', 'Cleanthes', 'Zeno', 'Hypatia', 'Chrysippus'])
			await ada.getByRole('listitem').filter({ hasText: name }).waitFor();
		if (file)
			await sailAbout(others, ada);
		assert.ok((await ada.screenshot({ path: file })).length > 0);
		assert.ok((await bob.screenshot({ path: file?.replace(/(\.png)?$/, '-phone.png') })).length > 0);
	});
});
