// The tour of examples/getting-started with the stock client, event for event, over each transport: the same whoever runs the
// application, and in whatever language it is written.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect, open, openNamespace, WAYS } from './client.mjs';

let rooms = 0;
const freshRoom = () => `room ${++rooms}`;

// `gateway` tells the gateway with its url, startTicking(t, ms) starts one more whose application has a tick.
export function tour(name, gateway, startTicking) {
	for (const { way, transports } of WAYS) {
		describe(`${name} over ${way}`, () => {
			// Connected, and its greeting taken.
			const enter = async (t, options = {}) => {
				const socket = await connect(t, gateway().url, { transports, ...options });
				assert.deepEqual(await socket.next('my response'), [{ data: 'Connected' }]);
				return socket;
			};
			// In a room, and the message about it taken.
			const enterRoom = async (t, username, room) => {
				const socket = await enter(t);
				socket.emit('join', { username, room });
				assert.deepEqual(await socket.next('message'), [`${username} has entered the room.`]);
				return socket;
			};

			test('every connect gets `my response` {data: "Connected"}', async (t) => {
				await enter(t);
				await enter(t, { auth: { token: 'good' } });
			});

			test('connect with auth {token: "bad"} is refused with `unauthorized!`', async (t) => {
				const socket = open(t, gateway().url, { transports, auth: { token: 'bad' } });
				const [error] = await socket.happens('connect_error');

				assert.equal(error.message, 'unauthorized!');
				assert.equal(error.data, undefined);
				assert.equal(socket.connected, false);
			});

			test('message: the same text back by send', async (t) => {
				const socket = await enter(t);

				for (const text of ['hello', '', 'ünï 世界 🏛 "quoted" \\ \u0000 \u2028 end', 'x'.repeat(100_000)]) {
					socket.send(text);
					assert.deepEqual(await socket.next('message'), [text]);
				}
			});

			test('json: the same object back as `json`', async (t) => {
				const socket = await enter(t);
				const json = { a: 1, b: [true, null, 0.1, -0.5, 1e21], c: { d: 'e' }, '': [] };

				socket.emit('json', json);
				assert.deepEqual(await socket.next('json'), [json]);
			});

			test('my event: `my response` with it, and the ack "one", 2', async (t) => {
				const socket = await enter(t);

				assert.deepEqual(await socket.ask('my event', { data: 'x' }), ['one', 2]);
				assert.deepEqual(await socket.next('my response'), [{ data: 'x' }]);
			});

			test('my_event: `my response` with the three arguments', async (t) => {
				const socket = await enter(t);

				socket.emit('my_event', 'a', { b: 1 }, [2]);
				assert.deepEqual(await socket.next('my response'), ['a', { b: 1 }, [2]]);
			});

			test('my broadcast event: `my response` to everybody', async (t) => {
				const one = await enter(t);
				const two = await enter(t);

				one.emit('my broadcast event', { data: 'all' });
				assert.deepEqual(await one.next('my response'), [{ data: 'all' }]);
				assert.deepEqual(await two.next('my response'), [{ data: 'all' }]);
			});

			test('join, my room event, leave: messages and events for the room alone', async (t) => {
				const room = freshRoom();
				const ada = await enterRoom(t, 'Ada', room);
				const bob = await enterRoom(t, 'Bob', room);
				const eve = await enter(t);

				assert.deepEqual(await ada.next('message'), ['Bob has entered the room.']);
				eve.emit('my room event', { room, data: [1] });
				assert.deepEqual(await ada.next('my response'), [{ data: [1] }]);
				assert.deepEqual(await bob.next('my response'), [{ data: [1] }]);
				bob.emit('leave', { username: 'Bob', room });
				assert.deepEqual(await ada.next('message'), ['Bob has left the room.']);
				eve.send('end');
				assert.deepEqual(await eve.next('message'), ['end']);
				assert.deepEqual(eve.received.items, [], 'eve was not in the room');
			});

			test('close room: its members are in it no more', async (t) => {
				const room = freshRoom();
				const ada = await enterRoom(t, 'Ada', room);
				const bob = await enterRoom(t, 'Bob', room);

				await ada.next('message');
				bob.emit('close room', { room });
				bob.emit('my room event', { room, data: 'nobody hears' });
				for (const socket of [bob, ada]) {
					socket.send('end');
					assert.deepEqual(await socket.next('message'), ['end']);
					assert.deepEqual(socket.received.items, []);
					assert.equal(socket.connected, true);
				}
			});

			test('ask: what the client acks to `question` comes back as `answered`', async (t) => {
				const socket = await enter(t);

				socket.once('question', (...args) => args.at(-1)('forty-two', 42));
				socket.emit('ask');
				assert.deepEqual(await socket.next('answered'), ['forty-two', 42]);
				socket.once('question', (answer) => answer(Buffer.from([0, 1, 255])));
				socket.emit('ask');
				assert.deepEqual(Buffer.from((await socket.next('answered'))[0]), Buffer.from([0, 1, 255]));
			});

			test('my error event: the error handler emits `error event` {event, args}', async (t) => {
				const socket = await enter(t);

				socket.emit('my error event', 'a', { b: 2 });
				assert.deepEqual(await socket.next('error event'), [{ event: 'my error event', args: ['a', { b: 2 }] }]);
				socket.send('still here');
				assert.deepEqual(await socket.next('message'), ['still here']);
			});

			test('/test: my_event -> my_response, on the same connection', async (t) => {
				const socket = await enter(t);
				const other = openNamespace(t, socket, '/test');

				await other.happens('connect');
				other.emit('my_event', { x: 1 }, 2);
				assert.deepEqual(await other.next('my_response'), [{ x: 1 }, 2]);
				assert.notEqual(other.id, socket.id);
				other.disconnect();
				socket.send('the main one is not touched');
				assert.deepEqual(await socket.next('message'), ['the main one is not touched']);
			});

			test('echo: acks anything as it came, binary too', async (t) => {
				const socket = await enter(t);
				const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));

				assert.deepEqual(await socket.ask('echo'), []);
				for (const args of [[1], ['text', null, true, [], {}], [0.1, 9007199254740991, -1, 1e300], [{ deep: [{ er: 'x' }] }]])
					assert.deepEqual(await socket.ask('echo', ...args), args);
				const [first, { inside: [second] }] = await socket.ask('echo', bytes, { inside: [Buffer.alloc(0)] });
				assert.deepEqual(Buffer.from(first), bytes);
				assert.equal(second.byteLength ?? second.length, 0);
			});

			test('echo: 500 kB of binary and of text', async (t) => {
				const socket = await enter(t);
				const bytes = Buffer.alloc(500_000, 0xa5);

				assert.ok(bytes.equals(Buffer.from((await socket.ask('echo', bytes))[0])));
				assert.deepEqual(await socket.ask('echo', 'é'.repeat(250_000)), ['é'.repeat(250_000)]);
			});
		});
	}

	test('the periodic task emits `some event` {data: 42} to all when the option `tick` says so', async (t) => {
		const g = await startTicking(t, 50);
		const one = await connect(t, g.url, { transports: ['websocket'] });
		const two = await connect(t, g.url, { transports: ['polling'] });

		for (const socket of [one, two])
			for (let i = 0; i < 3; i++)
				assert.deepEqual(await socket.next('some event'), [{ data: 42 }]);
	});

	test('a refused client may try again on the same connection', async (t) => {
		const socket = open(t, gateway().url, { auth: { token: 'bad' } });

		await socket.happens('connect_error');
		socket.auth = { token: 'better' };
		socket.connect();
		await socket.happens('connect');
		assert.deepEqual(await socket.next('my response'), [{ data: 'Connected' }]);
	});
}
