// examples/chat with the stock client, each event over each transport.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { connect, transportOf, upgraded, WAYS } from './lib/client.mjs';
import { share } from './lib/gateway.mjs';

const gateway = share(before, after, 'chat');

let rooms = 0;
const freshRoom = () => `room ${++rooms}`;

for (const { way, transports } of WAYS) {
	describe(`chat over ${way}`, () => {
		const enter = (t, name) => connect(t, gateway().url, { transports, auth: { name } });

		test('join: everyone in the room gets `join` with "NAME joined the room", who joins too', async (t) => {
			const room = freshRoom();
			const ada = await enter(t, 'Ada');
			const bob = await enter(t, 'Bob');

			ada.emit('join', { room });
			assert.deepEqual(await ada.next('join'), ['Ada joined the room']);
			bob.emit('join', { room });
			assert.deepEqual(await bob.next('join'), ['Bob joined the room']);
			assert.deepEqual(await ada.next('join'), ['Bob joined the room']);
		});

		test('leave: those who are left get `leave` with "NAME left the room"', async (t) => {
			const room = freshRoom();
			const ada = await enter(t, 'Ada');
			const bob = await enter(t, 'Bob');

			ada.emit('join', { room });
			await ada.next('join');
			bob.emit('join', { room });
			await bob.next('join');
			bob.emit('leave', { room });
			assert.deepEqual(await ada.next('leave'), ['Bob left the room']);
		});

		test('chat: everyone in the room gets the message, nobody outside it', async (t) => {
			const room = freshRoom();
			const elsewhere = freshRoom();
			const ada = await enter(t, 'Ada');
			const bob = await enter(t, 'Bob');
			const eve = await enter(t, 'Eve');

			for (const [who, where] of [[ada, room], [bob, room], [eve, elsewhere]]) {
				who.emit('join', { room: where });
				await who.next('join');
			}
			ada.emit('chat', { message: 'Grüße, 世界 🏛', room });
			assert.deepEqual(await ada.next('chat'), ['Grüße, 世界 🏛']);
			assert.deepEqual(await bob.next('chat'), ['Grüße, 世界 🏛']);
			eve.emit('chat', { message: 'end', room: elsewhere });
			assert.deepEqual(await eve.next('chat'), ['end'], 'what is first to reach eve is her own');
		});

		test('chat: after `leave` nothing of the room arrives any more', async (t) => {
			const room = freshRoom();
			const own = freshRoom();
			const ada = await enter(t, 'Ada');
			const bob = await enter(t, 'Bob');

			for (const who of [ada, bob]) {
				who.emit('join', { room });
				await who.next('join');
			}
			bob.emit('join', { room: own });
			await bob.next('join');
			bob.emit('leave', { room });
			await ada.next('leave');
			ada.emit('chat', { message: 'among us', room });
			await ada.next('chat');
			bob.emit('chat', { message: 'end', room: own });
			assert.deepEqual(await bob.next('chat'), ['end']);
		});

		test('chat: messages of one sender arrive in order at every member', async (t) => {
			const room = freshRoom();
			const members = await Promise.all(['Ada', 'Bob', 'Cyd'].map((name) => enter(t, name)));

			await Promise.all(members.map(async (m) => {
				m.emit('join', { room });
				await m.next('join');
			}));
			for (let i = 0; i < 100; i++)
				members[0].emit('chat', { message: i, room });
			for (const m of members)
				for (let i = 0; i < 100; i++)
					assert.deepEqual(await m.next('chat'), [i]);
		});

		test('a name that is none of text, and none at all, is Someone', async (t) => {
			for (const auth of [{ name: 7 }, { name: '' }, undefined]) {
				const room = freshRoom();
				const nobody = await connect(t, gateway().url, { transports, auth });

				nobody.emit('join', { room });
				assert.deepEqual(await nobody.next('join'), ['Someone joined the room']);
			}
		});

		test('connects and disconnects are logged', async (t) => {
			const from = gateway().lines.length;
			const dora = await enter(t, 'Dora');

			await gateway().line(/Dora connected/, from);
			dora.disconnect();
			await gateway().line(/Dora disconnected: (client namespace disconnect|transport close)/, from);
		});
	});
}

describe('chat with users', () => {
	const gateway = share(before, after, 'chat', ['--set', 'users=ann:secret,bob:pass:word,eve:,:nobody,mallory']);
	const enter = (t, auth) => connect(t, gateway().url, { auth });

	test('a known name with its password comes in', async (t) => {
		for (const [name, password] of [['ann', 'secret'], ['bob', 'pass:word'], ['eve', ''], ['eve', undefined]]) {
			const someone = await enter(t, { name, password });

			someone.emit('join', { room: name });
			assert.deepEqual(await someone.next('join'), [`${name} joined the room`]);
		}
	});

	test('all others are refused, and not told what was wrong', async (t) => {
		const wrong = [['ann', 'Secret'], ['ann', 'secre'], ['ann', 'secrets'], ['ann', ''], ['ann', undefined], ['ann', 7], ['ann', 'pass:word'],
			['an', 'secret'], ['anns', 'secret'], ['ann:secret', ''], ['bob', 'pass'], ['', 'nobody'], [':', 'nobody'], ['mallory', ''], ['mallory', 'mallory'],
			['ann:secret,bob', 'pass:word'], ['zoe', 'secret'], [undefined, 'secret'], [undefined, undefined]];

		for (const [name, password] of wrong)
			await assert.rejects(enter(t, { name, password }), { message: 'connect_error: unknown name or wrong password' }, `${name} ${password}`);
	});
});

test('an event that does not fit is refused in its ack, and the connection goes on', async (t) => {
	const ada = await connect(t, gateway().url, { auth: { name: 'Ada' } });

	for (const wrong of [[], ['text'], [{}], [{ room: 7 }], [null]]) {
		const [answer] = await ada.ask('join', ...wrong);
		assert.equal(typeof answer?.error, 'string', JSON.stringify(answer));
	}
	ada.emit('join', { room: 'still here' });
	assert.deepEqual(await ada.next('join'), ['Ada joined the room']);
});

test('the default client ends up on WebSocket', async (t) => {
	const ada = await connect(t, gateway().url);

	await upgraded(ada);
	assert.equal(transportOf(ada), 'websocket');
});
