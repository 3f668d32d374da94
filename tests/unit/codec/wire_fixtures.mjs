// What servers and emitters really publish, through our decoders and encoders: node wire_fixtures.mjs TEST-WIRE-ECHO
//
// Every captured message (tests/fixtures/redis) is decoded and compared with what the capture says it means; encoded
// again it is the same bytes, but for those that say otherwise below; and notepack.io, Node's own decoder, reads ours as
// it reads theirs. Cut short anywhere, and in the forms that end a Node server, messages are refused.
import { spawnSync } from 'node:child_process';
import assert from 'node:assert';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [program] = process.argv.slice(2);
const folder = new URL('../../fixtures/redis/', import.meta.url);
const require = createRequire(new URL('../../e2e/', import.meta.url));
const notepack = require('notepack.io');

// --- The program under test ---------------------------------------------------------------------------------------

const questions = []; // [kind, hex, what to do with the answer]
const ask = (kind, hex, then) => questions.push([kind, hex, then]);

function answers() {
	const asked = questions.splice(0);
	const input = asked.map(([kind, hex]) => `${kind} ${hex || '-'}`).join('\n') + '\n';
	const run = spawnSync(program, { input, maxBuffer: 1 << 30, encoding: 'utf8' });
	assert.strictEqual(run.status, 0, run.stderr);
	const lines = run.stdout.split('\n');
	assert.strictEqual(lines.length, asked.length + 1);
	asked.forEach(([kind, hex, then], i) => then(JSON.parse(lines[i]), kind, hex));
}

let passed = 0, failed = 0;
function check(what, fn) {
	try {
		fn();
		passed++;
	} catch (error) {
		if (failed++ < 20)
			console.error(`${what}: ${error.message.slice(0, 1500)}`);
	}
}

// --- What a capture means -----------------------------------------------------------------------------------------

const isObject = (v) => v !== null && typeof v === 'object' && !Array.isArray(v);

// Binary as {$bin}, dates as their text, tuples as arrays: as the program's answer will be made, too.
function plain(v) {
	if (Array.isArray(v))
		return v.map(plain);
	if (!isObject(v))
		return v;
	if ('$date' in v)
		return v.$date;
	if ('$tuple' in v)
		return plain(v.$tuple);
	if ('$undefined' in v || '$float' in v)
		return null;
	return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, plain(x)]));
}

function withBlobs(v, blobs) {
	if (Array.isArray(v))
		return v.map((x) => withBlobs(x, blobs));
	if (!isObject(v))
		return v;
	if (v._placeholder === true)
		return { $bin: blobs[v.num] };
	return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, withBlobs(x, blobs)]));
}
const read = (answer) => withBlobs(answer.is, answer.blobs);

function names(list) {
	if (list === null || list === undefined || list === '')
		return [];
	if (typeof list === 'string' || typeof list === 'number')
		return [String(list)];
	return [...new Set((isObject(list) ? Object.values(list) : list).map(String))];
}

function optsOf(opts) {
	const { compress, volatile, expectSingleResponse, timeout } = isObject(opts.flags) ? opts.flags : {};
	const flags = Object.fromEntries(Object.entries({ compress, volatile, expectSingleResponse, timeout })
		.filter(([, v]) => v !== undefined));
	return { everybody: names(opts.rooms).length === 0, rooms: names(opts.rooms), except: names(opts.except), flags };
}

function broadcastOf([uid, packet, opts]) {
	return { uid, nsp: packet.nsp ?? '/', data: packet.data, ...optsOf(opts) };
}

function requestOf(r) {
	const opts = r.opts ? optsOf(r.opts) : { everybody: false, rooms: [], except: [], flags: {} };
	return { type: r.type, uid: r.uid ?? '', requestId: r.requestId ?? '', opts, rooms: names(r.rooms ?? r.room),
		sid: r.sid ?? '', close: r.close ?? false, data: r.data ?? r.packet?.data ?? null, nsp: r.packet?.nsp ?? '/' };
}

const [DONE, SIDS, ROOMS, SOCKETS, SERVER, COUNT, ACK] = [0, 1, 2, 3, 4, 5, 6];
function responseOf(r) {
	const is = { type: DONE, requestId: r.requestId, names: [], sockets: null, has_value: false, value: null, clients: 0 };
	if (r.type === 8)
		return { ...is, type: COUNT, clients: r.clientCount };
	if (r.type === 9)
		return { ...is, type: ACK, has_value: 'packet' in r, value: r.packet ?? null };
	if (r.type === 6)
		return { ...is, type: SERVER, has_value: 'data' in r, value: r.data ?? null };
	if (r.rooms)
		return { ...is, type: ROOMS, names: r.rooms };
	if (typeof r.sockets?.[0] === 'string')
		return { ...is, type: SIDS, names: r.sockets };
	if (r.sockets)
		return { ...is, type: SOCKETS, sockets: r.sockets.map((s) => ({ id: s.id, rooms: s.rooms, data: s.data,
			address: s.handshake.address })) };
	return is;
}
const meanings = { broadcast: broadcastOf, request: requestOf, response: responseOf };

// --- The classic adapter and its emitters -------------------------------------------------------------------------

const rows = (file) => readFileSync(new URL(file, folder), 'utf8').split('\n').filter(Boolean)
	.map((line) => ({ file, ...JSON.parse(line) })).filter((row) => row.cmd === 'PUBLISH' || !row.cmd);

function kindOf(channel) {
	if (channel.includes('-request#'))
		return 'request';
	if (channel.includes('-response#'))
		return 'response';
	return channel.endsWith('#emitter') ? 'emitter' : 'broadcast';
}

// These are not the bytes that Node would send, or hold what we write in our own way: a numeric room under both its names.
const notOurs = (row) => /^raw-|numeric-room|^after-bad|^bad-|^parser-json-broadcast-ack/.test(row.name) || row.file.startsWith('third');
// Another parser's, or malformed.
const refused = (row) => /^bad-/.test(row.name) || (row.enc === 'json' && kindOf(row.channel) === 'broadcast');
const butTaken = { 'bad-rooms-null': true }; // Node takes it, and so do we

const notepackDecode = (hex) => notepack.decode(Buffer.from(hex, 'hex'));

function checkClassic(row, answer, kind) {
	check(`${row.file} ${row.name} ${row.seq}`, () => {
		if (refused(row) && !butTaken[row.name]) {
			assert.ok(answer.error, 'accepted');
			return;
		}
		assert.strictEqual(answer.error, undefined);
		let decoded = row.decoded ? plain(row.decoded) : plain(toMarks(notepackOf(row)));
		if (kind === 'emitter')
			decoded = ['emitter', ...decoded];
		assert.deepStrictEqual(read(answer), meanings[kind === 'emitter' ? 'broadcast' : kind](decoded));
		const meant = answer.again;
		assert.ok(meant !== null, 'not encoded');
		if (!notOurs(row))
			assert.strictEqual(meant, row.hex.replace('cf0000000000000000', '00')); // -0, which notepack.io makes so
		ask(`${kind === 'emitter' ? 'broadcast' : kind}!`, meant,
			({ error }) => check(`${row.name} is what Node takes`, () => assert.strictEqual(error, undefined)));
		ask(kind === 'emitter' ? 'broadcast' : kind, meant,
			(again) => check(`${row.name} again`, () => assert.deepStrictEqual(read(again), read(answer))));
		if (kind === 'broadcast')
			assert.deepStrictEqual(notepackDecode(meant)[1].data, notepackDecode(row.hex)[1].data);
	});
}

// Values of the decoder as the captures write them.
function toMarks(v) {
	if (Buffer.isBuffer(v) || v instanceof ArrayBuffer)
		return { $bin: Buffer.from(v).toString('hex') };
	if (v instanceof Date)
		return { $date: v.toISOString() };
	if (Array.isArray(v))
		return v.map(toMarks);
	return isObject(v) ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, toMarks(x)])) : v;
}
const notepackOf = (row) => row.enc === 'json' ? JSON.parse(Buffer.from(row.hex, 'hex')) : notepackDecode(row.hex);

function cutShort(kind, row) {
	const size = row.hex.length / 2;
	const cuts = size < 2000 ? Array.from({ length: size }, (_, i) => i) : [0, 1, 2, 3, 100, 1000, size - 2, size - 1];
	for (const n of cuts)
		ask(kind, row.hex.slice(0, 2 * n), ({ error }) =>
			check(`${row.file} ${row.name} cut to ${n}`, () => assert.ok(error, 'accepted')));
}

for (const file of ['redis-adapter', 'redis-adapter-options', 'redis-emitter-js', 'third-party-emitters'])
	for (const row of rows(`${file}.jsonl`)) {
		const kind = kindOf(row.channel);
		ask(kind, row.hex, (answer) => checkClassic(row, answer, kind));
		if (!refused(row))
			cutShort(kind, row);
	}
answers();
answers(); // those that the first asked

// --- What ends a Node server --------------------------------------------------------------------------------------

const packed = (v) => notepack.encode(v).toString('hex');
const text = (s) => Buffer.from(s).toString('hex');
const event = { type: 2, data: ['m'], nsp: '/' };
const malformed = {
	broadcast: [
		'', packed(['x', event, { rooms: [] }]) + '00', packed(['x', event]), packed(['x', event, null]), packed(['x', event, { rooms: 5 }]),
		packed(['x', event, { rooms: true }]), packed(['x', event, { rooms: [], except: 1 }]), packed(['x', event, 'text']),
		packed({ 0: 'x', 1: event, 2: { rooms: [] } }), packed(5), packed(null), packed('text'), packed([]), packed(['x']),
		packed(['x', { data: ['m'], nsp: '/' }, { rooms: [] }]), packed(['x', { type: 2, nsp: '/' }, { rooms: [] }]),
		packed(['x', { type: 2, data: [], nsp: '/' }, { rooms: [] }]), packed(['x', { type: 2, data: [null], nsp: '/' }, { rooms: [] }]),
		packed(['x', { type: 2, data: 'm', nsp: '/' }, { rooms: [] }]), packed(['x', { type: 2, data: { 0: 'm' }, nsp: '/' }, { rooms: [] }]),
		packed(['x', { type: 2, data: ['connect'], nsp: '/' }, { rooms: [] }]), packed(['x', { type: 2, data: ['disconnect'], nsp: '/' }, { rooms: [] }]),
		packed(['x', { type: 3, data: ['m'], nsp: '/' }, { rooms: [] }]), packed(['x', { type: 0, data: ['m'], nsp: '/' }, { rooms: [] }]),
		packed(['x', { type: '2', data: ['m'], nsp: '/' }, { rooms: [] }]), packed(['x', { type: 2, data: ['m'], nsp: 5 }, { rooms: [] }]),
		packed(['x', event, { rooms: [] }, 1]), packed([null, event, { rooms: [] }]), packed([7, event, { rooms: [] }]),
		packed(['x', null, { rooms: [] }]), packed([event, { rooms: [] }]),
		text('["x",{"type":2,"data":["m"],"nsp":"/"},{"rooms":[]}]'), text('hello'), text('{"method": "emit"}'), text('null'),
		'c1', 'dd7fffffff', 'df7fffffff', 'c6ffffffff00', '93', `93a178${'91'.repeat(1000)}`,
	],
	emitter: ['', packed([event]), packed(['x', event, { rooms: [] }]), packed([event, null]), packed({})],
	request: [
		'', text('{nope'), text('null'), text('[]'), text('{}'), text('{"type":5}'), text('{"uid":"x","requestId":"1","type":5}'),
		text('{"uid":"x","requestId":"1","type":5,"opts":null}'), text('{"uid":"x","requestId":"1","type":5,"opts":{"rooms":5}}'),
		text('{"uid":"x","type":5,"opts":{"rooms":[]}}'), text('{"uid":"x","type":1}'), text('{"uid":"x","requestId":"1","type":"5","opts":{}}'),
		text('{"uid":"x","requestId":"1","type":8}'), text('{"uid":"x","requestId":"1","type":-1}'), text('{"uid":"x","requestId":"1"}'),
		text('{"uid":"x","type":2,"opts":{"rooms":[]}}'), text('{"uid":"x","type":2,"opts":{"rooms":[]},"rooms":7.5e400}'),
		text('{"uid":"x","type":2,"rooms":["a"]}'), text('{"uid":"x","type":2,"sid":"s"}'), text('{"uid":"x","type":4,"close":true}'),
		text('{"uid":"x","type":6}'), text('{"uid":"x","type":6,"data":[]}'), text('{"uid":"x","type":6,"data":"ev"}'),
		text('{"uid":"x","requestId":"1","type":5,"opts":{"rooms":[]}} x'), text('{"uid":"x","requestId":"1","type":1}\0'),
		packed(null), packed([]), packed(5), packed({ uid: 'x', requestId: '1', type: 7, opts: { rooms: [] } }),
		packed({ uid: 'x', requestId: '1', type: 7, packet: event }), packed({ uid: 'x', type: 7, packet: event, opts: { rooms: [] } }),
		packed({ uid: 'x', requestId: '1', type: 7, packet: { type: 2 }, opts: { rooms: [] } }), 'c0', '81',
		packed({ uid: 'x', requestId: '1', type: 1 }) + '00',
	],
	response: ['', text('{nope'), text('null'), text('{}'), text('{"sockets":[]}'), text('{"requestId":5,"rooms":[]}'),
		text('{"requestId":"1","rooms":"a"}'), text('{"requestId":"1","sockets":{}}'), text('{"requestId":"1","sockets":[{}]}'),
		text('{"requestId":"1","type":8,"clientCount":-1}'), text('{"requestId":"1","type":8,"clientCount":"1"}'),
		text('{"requestId":"1","type":8,"clientCount":1.5}'), packed(null), packed([]), 'c0', packed({ type: 9 })],
	python: ['', text('hello'), text('null'), text('[]'), text('{}'), text('{"method":"emit","event":"e","data":1}'),
		text('{"method":"emit","event":"e","data":1,"namespace":null}'), text('{"method":"boom","namespace":"/"}'),
		text('{"method":"emit","data":1,"namespace":"/"}'), text('{"method":"emit","event":"connect","data":1,"namespace":"/"}'),
		text('{"method":"emit","event":["e"],"data":1,"namespace":"/"}'), text('{"method":"emit","event":"e","binary":true,"data":{},"namespace":"/"}'),
		text('{"method":"emit","event":"e","binary":true,"data":[{"_placeholder":true,"num":1},"AA=="],"namespace":"/"}'),
		text('{"method":"emit","event":"e","binary":true,"data":[{"_placeholder":true,"num":0},7],"namespace":"/"}'),
		text('{"method":"emit","event":"e","binary":true,"data":[],"namespace":"/"}'),
		text('{"method":"disconnect","namespace":"/"}'), text('{"method":"disconnect","sid":null,"namespace":"/"}'),
		text('{"method":"enter_room","sid":"s","namespace":"/"}'), text('{"method":"close_room","namespace":"/"}'),
		text('{"method":"callback","sid":"s","namespace":"/","id":1,"args":[]}'),
		text('{"method":"callback","host_id":"h","sid":"s","namespace":"/","args":[]}'),
		text('{"method":"callback","host_id":"h","sid":"s","namespace":"/","id":1}'),
		text('{"method":"emit","event":"e","data":1NaN,"namespace":"/"}'), text('{"method":"emit","event":"e","data":Nan,"namespace":"/"}'),
		text('{"method":"emit","event":"e\\'), text('{"method":"emit","event":NaN,"data":1,"namespace":"/"}'), '80', '8004', '80042e',
		packed({ method: 'emit' })],
};
for (const [kind, list] of Object.entries(malformed))
	for (const hex of list)
		ask(kind, hex, ({ error }) => check(`${kind} ${hex}`, () => assert.ok(error, 'accepted')));
answers();

// --- What emitters of other languages write when there is nothing to say ----------------------------------------------

const lenient = [
	[['x', event, []], { everybody: true }], // PHP's empty map
	[['x', event, { rooms: '', flags: '' }], { everybody: true }],
	[['x', event, { rooms: null, flags: null, except: null }], { everybody: true }],
	[['x', event, { rooms: [null] }], { everybody: false, rooms: [] }],
	[['x', event, { rooms: 'a', except: { 1: 'b', 3: 4 }, flags: [] }], { everybody: false, rooms: ['a'], except: ['b', '4'] }],
	[['x', event, { rooms: [1, '1', 2.5], flags: { volatile: 1, timeout: 2.9 } }],
		{ rooms: ['1', '2.5'], flags: { volatile: true, timeout: 2 } }],
	[['x', event, { flags: { volatile: 0, compress: true, timeout: -1 } }], { flags: { compress: true } }],
	[['x', event, { flags: { timeout: 1e12 } }], { flags: { timeout: 2 ** 31 - 1 } }],
];
for (const [message, is] of lenient)
	ask('broadcast', packed(message), (answer) => check(JSON.stringify(message), () => {
		assert.strictEqual(answer.error, undefined);
		for (const [key, value] of Object.entries(is))
			assert.deepStrictEqual(answer.is[key], value);
	}));
answers();

// --- Python -------------------------------------------------------------------------------------------------------

const methods = ['emit', 'callback', 'disconnect', 'enter_room', 'leave_room', 'close_room'];

const fill = (v, blobs) => {
	if (Array.isArray(v))
		return v.map((x) => fill(x, blobs));
	if (!isObject(v))
		return v;
	if (v._placeholder)
		return { $bin: Buffer.from(blobs[v.num], 'base64').toString('hex') };
	return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, fill(x, blobs)]));
};

function argsOf(row, d) {
	if (row.enc === 'pickle')
		return d.data?.$tuple ? plain(d.data.$tuple) : d.data === null ? [] : [plain(d.data)];
	const data = d.binary ? fill(d.data[0], d.data.slice(1)) : d.data;
	if (Array.isArray(data) && 'binary' in d)
		return data;
	return data === null ? [] : [data];
}

function pythonOf(row) {
	// What JSON.parse() cannot read, and what it rounds.
	const source = row.enc === 'raw' ? row.decoded.replace(/NaN|-?Infinity/g, 'null') : null;
	const d = source ? JSON.parse(source) : row.decoded;
	const emit = d.method === 'emit';
	return { method: methods.indexOf(d.method), nsp: d.namespace, host_id: d.host_id ?? '',
		data: emit ? [d.event, ...argsOf(row, d)] : null, args: plain(d.args ?? null), everybody: emit && (d.room ?? null) === null,
		rooms: emit ? names(d.room) : [], skip: emit ? names(d.skip_sid) : [],
		callback: d.callback ? plain(d.callback)[0] : null, id: d.callback ? plain(d.callback)[2] : d.id ?? 0,
		sid: d.sid ?? '', room: emit ? '' : d.room ?? '' };
}

const numbersAlike = (v) => JSON.parse(JSON.stringify(v)); // -0 and integers that JavaScript rounds
// Written in our own way: room 42 as "42", NaN as null, an integer beyond 64 bits as a double.
const writtenElse = /emit-float|emit-ints|room-int|^rawjson/;

function checkPython(row, answer) {
	check(`${row.file} ${row.name}`, () => {
		if (row.decoded.$rejected || row.decoded.data?.$set || /garbage$|no-namespace/.test(row.name) && !/after/.test(row.name)) {
			assert.ok(answer.error, 'accepted');
			return;
		}
		assert.strictEqual(answer.error, undefined);
		assert.deepStrictEqual(numbersAlike(read(answer)), numbersAlike(pythonOf(row)));
		if (!row.decoded.host_id && row.enc !== 'raw')
			return;
		assert.ok(answer.again, 'not encoded');
		if (answer.blobs.length && row.decoded.method === 'callback') // for which Python has no form: base64
			return;
		ask('python', answer.again, (again) =>
			check(`${row.file} ${row.name} again`, () => assert.deepStrictEqual(read(again), read(answer))));
	});
}

const pythonFiles = ['python-socketio-5.7.2', 'python-socketio-5.13.0', 'python-socketio-5.14.0', 'python-socketio-5.14.2',
	'python-socketio-5.16.3', 'flask-socketio-5.3.2', 'flask-socketio-head'];
for (const file of pythonFiles)
	for (const row of rows(`${file}.jsonl`)) {
		ask('python', row.hex, (answer) => checkPython(row, answer));
		cutShort('python', row);
		if (/5\.16\.3|head/.test(file) && !writtenElse.test(row.name))
			ask('python-list', row.hex, (answer) => check(`${row.name} to the byte`, () => assert.strictEqual(
				Buffer.from(answer.again, 'hex').toString(), Buffer.from(row.hex, 'hex').toString())));
	}
answers();
answers();

console.log(`cases: ${passed} passed, ${failed} failed, 0 skipped`);
process.exit(failed ? 1 : 0);
