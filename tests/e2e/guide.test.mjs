// docs/guide.md, section by section: its blocks of C, built by tests/docs, and what the guide says that they do. Other
// pages' blocks are at the end.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isProgram, sources } from '../docs/blocks.mjs';
import { connect, open } from './lib/client.mjs';
import { forTest } from './lib/gateway.mjs';
import { SECRET, token } from './lib/tokens.mjs';
import { eventually } from './lib/wait.mjs';

const driven = new Set();

// The tests of one block, each with a gateway of its own that runs the block's module.
function block(name, define) {
	const module = name.replace('/', '-');

	driven.add(module);
	describe(name, () => define((t, flags = []) => forTest(t, module, flags)));
}

const enter = (t, g, options = {}) => connect(t, g.url, { transports: ['websocket'], ...options });

block('guide/initialisation', (start) => {
	test('initialisation: the greeting, by default and by option', async (t) => {
		for (const [flags, greeting] of [[[], 'Hello!'], [['--set', 'greeting=Good morning'], 'Good morning']]) {
			const socket = await enter(t, await start(t, flags));

			socket.emit('hello');
			assert.deepEqual(await socket.next('greeting'), [greeting]);
		}
	});

	test('initialisation: an empty greeting stops the load, in the words of the application', async (t) => {
		await assert.rejects(start(t, ['--set', 'greeting=']), /option `greeting` is empty/);
	});
});

block('guide/receiving', (start) => {
	test('receiving: message and json are logged, and acked with nothing', async (t) => {
		const g = await start(t);
		const socket = await enter(t, g);

		assert.deepEqual(await socket.ask('message', 'hi'), []);
		await g.line(/received message: hi/);
		assert.deepEqual(await socket.ask('json', { a: [1, 2] }), []);
		await g.line(/received json: \{\\"a\\":\[1,2\]\}/);
	});

	test('receiving: arguments by type, members and arguments that may be missing', async (t) => {
		const socket = await enter(t, await start(t));

		assert.deepEqual(await socket.ask('measured', 'door', { value: 2.1 }), ['door: 2.1 m, note: none']);
		assert.deepEqual(await socket.ask('measured', 'door', { value: 7, unit: 'ft' }, 'wide'), ['door: 7 ft, note: wide']);
		assert.deepEqual(await socket.ask('measured', 1), [{ error: 'argument 1: expected text' }]);
		assert.match((await socket.ask('measured', 'door', {}))[0].error, /argument 2: .*`value`/);
	});

	test('receiving: arguments that are walked', async (t) => {
		const socket = await enter(t, await start(t));

		assert.deepEqual(await socket.ask('sum', 1, 2, 3.5), [6.5]);
		assert.deepEqual(await socket.ask('sum'), [0]);
		assert.deepEqual(await socket.ask('sum', 1, 'two'), [{ error: 'argument 2 is no number' }]);
	});

	test('receiving: the catch-all', async (t) => {
		const socket = await enter(t, await start(t));

		assert.deepEqual(await socket.ask('constructor', 1), ['there is no event constructor here']);
	});
});

block('guide/sending', (start) => {
	test('sending: send, and an event with values of every kind, to the sender alone', async (t) => {
		const g = await start(t);
		const socket = await enter(t, g);
		const other = await enter(t, g);

		socket.send({ any: ['thing'] });
		assert.deepEqual(await socket.next('message'), [{ any: ['thing'] }]);
		socket.emit('my event');
		assert.deepEqual(await socket.next('my response'), ['a text', 42, 0.5, true, null, { name: 'Ada', scores: [1, 2, 3] }]);
		other.send('end');
		assert.deepEqual(await other.next('message'), ['end']);
		assert.deepEqual(other.received.items, []);
	});

	test('sending: a list that grows, and bytes', async (t) => {
		const socket = await enter(t, await start(t));

		socket.emit('count', 4);
		const [numbers, bytes] = await socket.next('counted');
		assert.deepEqual(numbers, [1, 2, 3, 4]);
		assert.deepEqual(Buffer.from(bytes), Buffer.from([0, 1, 255]));
		assert.deepEqual(await socket.ask('count', 1001), [{ error: 'from 0 to 1000' }]);
	});

	test('sending: an ack of two values', async (t) => {
		const socket = await enter(t, await start(t));

		assert.deepEqual(await socket.ask('compare', 'one', 'three'), [false, -2]);
		assert.deepEqual(await socket.ask('compare', 'one', 'one'), [true, 0]);
	});
});

block('guide/broadcasting', (start) => {
	test('broadcasting: to everybody, and to everybody else', async (t) => {
		const g = await start(t, ['--set', 'tick=0']);
		const [ada, bob] = [await enter(t, g), await enter(t, g)];

		ada.emit('typing');
		ada.send('hello');
		for (const socket of [ada, bob])
			assert.deepEqual(await socket.next('message'), ['hello']);
		assert.deepEqual(await bob.next('typing'), []);
		assert.deepEqual(ada.received.items, [], 'not to the sender');
	});

	test('broadcasting: the server speaks by itself', async (t) => {
		const g = await start(t, ['--set', 'tick=20']);

		for (const socket of [await enter(t, g), await enter(t, g, { transports: ['polling'] })]) {
			const [first] = await socket.next('tick');
			const [second] = await socket.next('tick');
			assert.ok(second > first);
		}
	});
});

block('guide/rooms', (start) => {
	const join = async (t, g, username, room) => {
		const socket = await enter(t, g);

		socket.emit('join', { username, room });
		assert.deepEqual(await socket.next('message'), [`${username} has entered the room.`]);
		return socket;
	};

	test('rooms: join, my rooms, leave', async (t) => {
		const g = await start(t);
		const ada = await join(t, g, 'Ada', 'tea');
		const bob = await join(t, g, 'Bob', 'tea');

		assert.deepEqual(await ada.next('message'), ['Bob has entered the room.']);
		assert.deepEqual(await bob.ask('my rooms'), [[bob.id, 'tea']]);
		bob.emit('leave', { username: 'Bob', room: 'tea' });
		assert.deepEqual(await ada.next('message'), ['Bob has left the room.']);
		assert.deepEqual(await bob.ask('my rooms'), [[bob.id]]);
		assert.deepEqual(bob.received.items, []);
	});

	test('rooms: one client by its sid', async (t) => {
		const g = await start(t);
		const [ada, bob, eve] = [await enter(t, g), await enter(t, g), await enter(t, g)];

		ada.emit('whisper', bob.id, 'psst');
		assert.deepEqual(await bob.next('whisper'), [ada.id, 'psst']);
		for (const socket of [ada, eve]) {
			await socket.ask('my rooms');
			assert.deepEqual(socket.received.items, []);
		}
	});

	test('rooms: several, each client once, and some left out', async (t) => {
		const g = await start(t);
		const ada = await join(t, g, 'Ada', 'tea');
		const bob = await join(t, g, 'Bob', 'coffee');
		const eve = await join(t, g, 'Eve', 'muted');

		for (const [socket, room] of [[ada, 'coffee'], [eve, 'tea']]) {
			socket.emit('join', { username: 'X', room });
			await socket.next('message');
		}
		ada.emit('announce', 'pause');
		for (const socket of [ada, bob])
			assert.deepEqual(await socket.next('announcement'), ['pause']);
		for (const socket of [ada, bob, eve]) {
			await socket.ask('my rooms');
			assert.ok(socket.received.items.every((e) => e.name === 'message'), 'once, and not to the muted');
		}
	});

	test('rooms: a room that is closed has nobody in it, and nobody is disconnected', async (t) => {
		const g = await start(t);
		const ada = await join(t, g, 'Ada', 'tea');

		(await enter(t, g)).emit('close room', 'tea');
		assert.deepEqual(await ada.next('room closed'), ['tea']);
		assert.deepEqual(await ada.ask('my rooms'), [[ada.id]]);
	});
});

block('guide/connection', (start) => {
	const auth = (name) => ({ auth: { name, password: 'secret' } });

	test('connection: refused with a message, and with data', async (t) => {
		const g = await start(t);

		for (const [given, message, data] of [[undefined, 'name and password are missing', undefined], [{ name: 'Eve', password: 'x' }, 'wrong password', { name: 'Eve' }]]) {
			const [error] = await open(t, g.url, { transports: ['websocket'], auth: given }).happens('connect_error');

			assert.equal(error.message, message);
			assert.deepEqual(error.data, data);
		}
	});

	test('connection: who comes and who goes is told, rooms while they are there, and the reason', async (t) => {
		const g = await start(t);
		const ada = await enter(t, g, auth('Ada'));
		const bob = await enter(t, g, auth('Bob'));

		assert.deepEqual(await ada.next('came'), ['Bob']);
		for (const socket of [ada, bob])
			await socket.ask('join', 'tea');
		bob.disconnect();
		assert.deepEqual(await ada.next('leaves'), ['tea']);
		assert.deepEqual(await ada.next('went'), ['Bob', 'client namespace disconnect']);
	});

	test('connection: the server disconnects', async (t) => {
		const socket = await enter(t, await start(t), auth('Ada'));
		const end = socket.happens('disconnect');

		socket.emit('quit');
		assert.equal((await end)[0], 'io server disconnect');
	});

	test('connection: a request is refused, or let in with a header', async (t) => {
		const g = await start(t);
		const ask = (agent) => fetch(`${g.url}/socket.io/?EIO=4&transport=polling`, { headers: { 'User-Agent': agent } });
		const refused = await ask('BadBot/1.0');

		assert.equal(refused.status, 403);
		assert.deepEqual(await refused.json(), { code: 4, message: 'no bots' });
		assert.equal((await ask('Browser')).headers.get('x-served-by'), 'stoa');
	});
});

block('guide/namespaces', (start) => {
	test('namespaces: a table for an exact name and for a pattern, the name at hand', async (t) => {
		const g = await start(t);

		for (const name of ['/test', '/game-17', '/game-18']) {
			const socket = await connect(t, `${g.url}${name}`);

			assert.deepEqual(await socket.next('welcome'), [name]);
			socket.emit('my event', 1, { a: 2 });
			assert.deepEqual(await socket.next('my response'), [1, { a: 2 }]);
		}
	});

	test('namespaces: an event for another one', async (t) => {
		const g = await start(t);
		const main = await enter(t, g);
		const game = await connect(t, `${g.url}/game-1`);

		game.emit('news', 'hello', 7);
		assert.deepEqual(await main.next('news'), ['hello', 7]);
	});

	test('namespaces: none that nothing fits', async (t) => {
		const g = await start(t);
		const [error] = await open(t, `${g.url}/elsewhere`).happens('connect_error');

		assert.equal(error.message, 'Invalid namespace');
	});
});

block('guide/errors', (start) => {
	test('errors: what the error handler acks is the ack', async (t) => {
		const g = await start(t);
		const socket = await enter(t, g);

		assert.deepEqual(await socket.ask('divide', 6, 3), [2]);
		assert.deepEqual(await socket.ask('divide', 6, 0), [{ failed: 'divide', why: 'division by zero' }]);
		assert.deepEqual(await socket.ask('divide', 6, '0'), [{ failed: 'divide', why: 'argument 2: expected integer' }]);
		await g.line(/failed: division by zero \[6,0\]/);
	});

	test('errors: the default handler, and the ack that it leaves', async (t) => {
		const g = await start(t);

		for (const name of ['/other', '/plain-1']) {
			const socket = await connect(t, `${g.url}${name}`);

			assert.deepEqual(await socket.ask('divide', 6, 0), [{ error: 'division by zero', data: { dividend: 6 } }]);
			assert.deepEqual(await socket.next('sorry'), [name, 'division by zero']);
		}
	});
});

block('guide/sessions', (start) => {
	test('sessions: data of one client, changed and removed', async (t) => {
		const g = await start(t);
		const ada = await enter(t, g, { query: { lang: 'fr' }, extraHeaders: { Cookie: 'theme=dark' } });
		const bob = await enter(t, g);
		const sessionOf = async (socket) => (await socket.ask('who am i'))[0].session;

		assert.deepEqual(await ada.ask('visit'), [1]);
		assert.deepEqual(await ada.ask('visit'), [2]);
		assert.deepEqual(await bob.ask('visit'), [1]);
		assert.deepEqual(await sessionOf(ada), { lang: 'fr', theme: 'dark', visits: 2 });
		assert.deepEqual(await sessionOf(bob), { lang: 'en', visits: 1 });
		await ada.ask('forget');
		assert.deepEqual(await sessionOf(ada), { theme: 'dark', visits: 2 });
	});

	test('sessions: how the client came is there in every event', async (t) => {
		const socket = await enter(t, await start(t), { extraHeaders: { 'User-Agent': 'a test' } });
		const [{ session, ...who }] = await socket.ask('who am i', 1, 'two');

		assert.deepEqual(who, {
			sid: socket.id, namespace: '/', event: 'who am i', args: [1, 'two'], agent: 'a test', address: '127.0.0.1', transport: 'websocket',
		});
	});
});

block('guide/middleware', (start) => {
	test('middleware: stops what is not allowed, and sees everything', async (t) => {
		const socket = await enter(t, await start(t));

		assert.deepEqual(await socket.ask('admin count'), [{ error: 'not allowed' }]);
		assert.deepEqual(await socket.ask('log in', 'guess'), [{ error: 'wrong password' }]);
		assert.deepEqual(await socket.ask('admin count'), [{ error: 'not allowed' }]);
		assert.deepEqual(await socket.ask('log in', 'secret'), []);
		assert.deepEqual(await socket.ask('admin count'), [6]); // the connect is one
	});
});

block('guide/asking', (start) => {
	test('asking: one client, and its answer', async (t) => {
		const socket = await enter(t, await start(t));

		socket.once('colour?', (what, answer) => answer(what === 'a name, please' ? 'blue' : 'nothing'));
		socket.emit('ask me');
		assert.deepEqual(await socket.next('asked'), ['you like blue']);
	});

	test('asking: a room votes, with all answers and with some', async (t) => {
		const g = await start(t);
		const voters = [await enter(t, g), await enter(t, g), await enter(t, g)];

		for (const [i, socket] of voters.entries()) {
			await socket.ask('join', `voter ${i}`);
			socket.on('vote?', (answer) => answer(i > 0));
		}
		voters[0].emit('poll', 30_000);
		assert.deepEqual(await voters[0].next('result'), [2, 1, true]);
		voters[1].off('vote?');
		voters[0].emit('poll', 200);
		assert.deepEqual(await voters[1].next('result'), [2, 1, true]);
		assert.deepEqual(await voters[1].next('result'), [1, 1, false]);
	});

	test('asking: who is there, from their sessions, by an ack given later', async (t) => {
		const g = await start(t);
		const [ada, bob, eve] = [await enter(t, g), await enter(t, g), await enter(t, g)];

		await ada.ask('join', 'Ada');
		await bob.ask('join', 'Bob');
		assert.deepEqual((await eve.ask('who'))[0].sort(), ['Ada', 'Bob']);
		bob.disconnect();
		await eventually('Bob to be gone', async () => (await eve.ask('who'))[0].length === 1);
	});
});

block('guide/tasks', (start) => {
	test('tasks: a reminder to the client that wanted it', async (t) => {
		const g = await start(t);
		const [ada, bob] = [await enter(t, g), await enter(t, g)];

		await g.line(/ready/);
		await ada.ask('remind me', 20);
		assert.deepEqual(await ada.next('reminder'), []);
		await bob.ask('remind me', 0);
		await bob.next('reminder');
		assert.deepEqual(bob.received.items, []);
	});

	test('tasks: work on another thread emits as it goes, and handlers run meanwhile', async (t) => {
		const socket = await enter(t, await start(t));

		assert.deepEqual(await socket.ask('count primes', 10_000), []);
		for (let n = 1000; n <= 10_000; n += 1000) {
			assert.deepEqual(await socket.next('progress'), [n]);
			if (n === 5000)
				assert.deepEqual(await socket.ask('remind me', 60_000), []);
		}
		assert.deepEqual(await socket.next('primes'), [1229]);
		assert.deepEqual(await socket.ask('count primes', 2_000_000), [{ error: 'a million at most' }]);
	});

	test('tasks: one that is at work when the process ends returns early', async (t) => {
		const g = await start(t);
		const socket = await enter(t, g);

		await socket.ask('count primes', 1_000_000);
		await socket.next('progress');
		await g.stop();
	});
});

block('readme/join', (start) => {
	test('readme: its application says who has entered', async (t) => {
		const socket = await enter(t, await start(t));

		socket.emit('join', { username: 'Ada', room: 'tea' });
		assert.deepEqual(await socket.next('message'), ['Ada has entered the room.']);
		assert.deepEqual(await socket.ask('join', {}), [{ error: 'argument 1: expected object with text `username`' }]);
	});
});

block('authentication/claims', (start) => {
	const API_KEY = 'a-key-of-this-test-of-32-characters';
	const withKeys = (t) => start(t, ['--jwt-key', SECRET, '--api-key', API_KEY]);

	test('authentication: who it is stands in the token, and is a room', async (t) => {
		const g = await withKeys(t);
		const [ada, bob] = [await enter(t, g, { auth: { token: token({ sub: 'ada' }) } }), await enter(t, g, { auth: { token: token({ sub: 'bob' }), sub: 'ada' } })];
		const emit = (event, room) => fetch(`${g.internalUrl}/api/v1/emit`, {
			method: 'POST', headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' }, body: JSON.stringify({ event, to: room }),
		});

		assert.equal((await emit('for ada', 'user:ada')).status, 200);
		assert.equal((await emit('for all', ['user:ada', 'user:bob'])).status, 200);
		await Promise.all([ada, bob].map((socket) => socket.next('for all')));
		assert.deepEqual([ada, bob].map((socket) => socket.received.items.some((e) => e.name === 'for ada')), [true, false]);
	});

	test('authentication: a token of nobody is refused by the application', async (t) => {
		const socket = open(t, (await withKeys(t)).url, { transports: ['websocket'], auth: { token: token({}) } });

		assert.equal((await socket.happens('connect_error'))[0].message, 'a token of nobody');
	});
});

test('every block of C in the pages is driven by a test here', () => {
	assert.deepEqual([...sources().keys()].filter((name) => !isProgram(name)).sort(), [...driven].sort());
});
