// 2.3's last lines: JSONP, in both protocols, off unless it is asked for; and with the stock client in a real browser.

import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { openPage, SOON, useBrowser } from './lib/browser.mjs';
import { forTest, share } from './lib/gateway.mjs';
import { fetchRaw, Raw, RawWebSocket } from './lib/raw.mjs';

const FORM = ['Content-Type: application/x-www-form-urlencoded'];
const REFUSED = '{"code":3,"message":"JSONP is not enabled, or j is not a number"}';
const gateway = share(before, after, 'conformance', ['--jsonp', '--allow-eio3']);

useBrowser(after);

// The payload of a script: what the page's function is called with.
const called = (script, index) => {
	const payloads = [];

	assert.match(script, new RegExp(`^___eio\\[${index}\\]\\("[^\\n\\u2028\\u2029]*"\\);$`));
	new Function('___eio', script)({ [index]: (payload) => payloads.push(payload) });
	assert.equal(payloads.length, 1);
	return payloads[0];
};

async function session(t, query, index) {
	const target = `/socket.io/?${query}&transport=polling&j=${index}`;
	const opened = await fetchRaw(t, gateway().port, 'GET', target);
	const { sid } = JSON.parse(called(opened.body, index).replace(/^\d+:/, '').slice(1));
	const postForm = (body) => fetchRaw(t, gateway().port, 'POST', `${target}&sid=${sid}`, FORM, body);

	return {
		opened,
		get: async () => called((await fetchRaw(t, gateway().port, 'GET', `${target}&sid=${sid}`)).body, index),
		// As the client encodes it: a backslash-n in the text gets one backslash more, and newlines stay for the form.
		post: (payload) => postForm(`d=${encodeURIComponent(payload.replaceAll('\\n', '\\\\n'))}`),
		postForm,
	};
}

test('protocol 4: answers are scripts, bodies are forms', async (t) => {
	const { opened, get, post } = await session(t, 'EIO=4', 12);
	const words = 'a\\b "c" \u2028 </script> é🏛';

	assert.equal(opened.status, 200);
	assert.equal(opened.headers['content-type'], 'text/plain; charset=UTF-8');
	assert.match(opened.body, /^___eio\[12\]\("0\{\\"sid\\":\\"/);
	const answer = await post('40');
	assert.deepEqual([answer.status, answer.headers['content-type'], answer.body], [200, 'text/html', 'ok']);
	assert.match(await get(), /^40\{"sid":".{20}"\}\x1e42\["auth",\{\}\]$/);
	await post(`42["message",${JSON.stringify(words)}]\x1e42["message","line\\nline"]`);
	assert.equal(await get(), `42["message-back",${JSON.stringify(words)}]\x1e42["message-back","line\\nline"]`);
	await post('451-["message",{"_placeholder":true,"num":0}]\x1ebAQL/');
	assert.equal(await get(), '451-["message-back",{"_placeholder":true,"num":0}]\x1ebAQL/');
});

test('protocol 3: the same around its payloads, binary as base64', async (t) => {
	const { get, post } = await session(t, 'EIO=3', 0);

	assert.equal(await get(), '2:4013:42["auth",{}]');
	await post('45:451-["message",{"_placeholder":true,"num":0}]6:b4AQL/');
	assert.equal(await get(), '50:451-["message-back",{"_placeholder":true,"num":0}]6:b4AQL/');
	await post('1:2');
	assert.equal(await get(), '1:3');
});

test('a form without a payload, or with two, is passed over; an empty one is no packet', async (t) => {
	const { get, post, postForm } = await session(t, 'EIO=4', 3);

	for (const body of ['', 'x=40', 'd=40&d=40'])
		assert.equal((await postForm(body)).body, 'ok');
	await post('40');
	assert.match(await get(), /^40\{/);
	assert.equal((await postForm('d=')).body, 'ok');
	assert.equal((await postForm('d=2')).status, 400);
});

test('nothing but a number gets into a script', async (t) => {
	for (const j of ['', 'x', '1x', '-1', '1](alert)(', '%5D', '0123456789', 'constructor']) {
		const { status, headers, body } = await fetchRaw(t, gateway().port, 'GET', `/socket.io/?EIO=4&transport=polling&j=${j}`);

		assert.deepEqual([status, headers['content-type'], body], [400, 'application/json', REFUSED], j);
	}
	assert.match((await fetchRaw(t, gateway().port, 'GET', '/socket.io/?EIO=4&transport=polling&j=007')).body, /^___eio\[7\]\(/);
});

test('off, a handshake with j is refused, so that the client hears of it at once; elsewhere j means nothing', async (t) => {
	const { port } = await forTest(t, 'conformance');
	const refused = await fetchRaw(t, port, 'GET', '/socket.io/?EIO=4&transport=polling&j=0');
	const { sid } = JSON.parse((await fetchRaw(t, port, 'GET', '/socket.io/?EIO=4&transport=polling')).body.slice(1));
	const target = `/socket.io/?EIO=4&transport=polling&sid=${sid}&j=0`;

	assert.deepEqual([refused.status, refused.body], [400, REFUSED]);
	assert.equal((await fetchRaw(t, port, 'POST', target, [], '40')).body, 'ok');
	assert.match((await fetchRaw(t, port, 'GET', target)).body, /^40\{/);
	const ws = await RawWebSocket.open(t, port, '/socket.io/?EIO=4&transport=websocket&j=0');
	assert.match(await ws.text(), /^0\{/);
});

test('an aborted script ends the session as any aborted poll does', async (t) => {
	const target = '/socket.io/?EIO=4&transport=polling&j=1';
	const opened = await fetchRaw(t, gateway().port, 'GET', target);
	const { sid } = JSON.parse(called(opened.body, 1).slice(1));
	const raw = await Raw.open(t, gateway().port);
	const from = gateway().lines.length;

	raw.write(`GET ${target}&sid=${sid} HTTP/1.1\r\nHost: x\r\n\r\n`);
	for (let i = 0; i < 2; i++) // answered at once: what was written before has been read by then
		await fetchRaw(t, gateway().port, 'GET', '/socket.io/?EIO=4&transport=none');
	raw.reset();
	await gateway().line(new RegExp(`\\bclosed\\b.*sid=${sid}.*transport error`), from);
});

// A script that is still loading keeps the page from being loaded: so the client begins when it is.
const PAGE = `<!doctype html><meta charset="utf-8"><title>JSONP</title><script src="client.js"></script><script>
let socket;
const ask = (name, ...args) => new Promise((resolve) => socket.emit(name, ...args, (...answer) => resolve(answer)));
const back = (...args) => new Promise((resolve) => {
	socket.once('back', (...answer) => resolve(answer));
	socket.emit('back', ...args);
});
const connected = new Promise((resolve) => addEventListener('load', () => setTimeout(() => {
	socket = io({ transports: ['polling'], forceJSONP: true, reconnection: false });
	socket.on('connect', () => resolve(true));
})));
</script>`;

test('socket.io-client 2.5.0 with forceJSONP in a browser: events, acks, binary, both ways', async (t) => {
	const dir = mkdtempSync(path.join(tmpdir(), 'stoa-jsonp-'));
	const require = createRequire(import.meta.url);

	t.after(() => rmSync(dir, { recursive: true }));
	copyFileSync(path.join(path.dirname(require.resolve('client-2.5.0/package.json')), 'dist/socket.io.js'), path.join(dir, 'client.js'));
	writeFileSync(path.join(dir, 'index.html'), PAGE);
	const { url } = await forTest(t, 'clients', ['--jsonp', '--allow-eio3', '--public', dir, ...SOON]);
	const page = await openPage(t, `${url}/`);
	const scripts = [];
	const words = ['line\nline', 'back\\nslash', '\\', 'é🏛\u2028\u2029', '"\'</script>'];

	page.on('request', (request) => request.url().includes('transport=polling') && scripts.push(`${request.method()} ${request.resourceType()}`));
	await page.evaluate('connected');
	assert.equal(await page.evaluate('typeof socket.io.engine.transport.index'), 'number');
	assert.deepEqual(await page.evaluate((args) => ask('echo', ...args), words), words);
	assert.deepEqual(await page.evaluate((args) => back(...args), words), words);
	const bytes = await page.evaluate(() => ask('echo', { deep: [new Uint8Array([1, 2, 255]).buffer] })
		.then(([{ deep: [buffer] }]) => [...new Uint8Array(buffer)]));
	assert.deepEqual(bytes, [1, 2, 255]);
	assert.deepEqual(await page.evaluate(() => new Promise((resolve) => {
		socket.on('question', (a, ack) => ack(a + 1));
		socket.emit('ask', 41, (...answer) => resolve(answer));
	})), [42]);
	assert.ok(scripts.includes('GET script') && scripts.includes('POST document'), scripts.join(', '));
	assert.equal(await page.evaluate('socket.disconnect().connected'), false);
});
