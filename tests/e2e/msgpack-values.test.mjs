// The MessagePack codec against notepack.io, of which 2.2.0 is what clients have and 3.0.1 what the Redis adapters have:
// ten thousand made-up values and those at every edge, to the byte. Differences that are meant:
//   - doubles beyond 64 bits stay doubles; notepack.io makes a wrong integer of them.
//   - lone surrogates become U+FFFD; notepack.io makes a wrong character of them and of what follows.
//   - integers beyond 2^53 are kept; JavaScript rounds them (none is made up here).
//   - invalid dates are null, as in JSON; notepack.io makes them 1970.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { describe, test } from 'node:test';
import notepack3 from 'notepack.io';
import { BIN } from './lib/gateway.mjs';
import { pack, unpack } from './lib/msgpack.mjs';

// Lines of values through the codec: [client, bus, json] of each.
function through(values) {
	const { stdout, status } = spawnSync(path.join(BIN, 'test-msgpack-echo'), { input: values.map((v) => `${v.toString('hex')}\n`).join(''), maxBuffer: 1 << 28 });

	assert.equal(status, 0);
	return stdout.toString().split('\n').slice(0, -1).map((line) => (line[0] === '!' ? line : [...line.split(' ', 2), line.slice(line.split(' ', 2).join(' ').length + 1)]));
}

let state = 20240229n;
function random(n) {
	state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
	return Number((state >> 33n) % BigInt(n));
}
const pick = (list) => list[random(list.length)];
const bits = new DataView(new ArrayBuffer(8));

function double() {
	bits.setUint32(0, random(2 ** 31) * 2 + random(2));
	bits.setUint32(4, random(2 ** 31) * 2 + random(2));
	const f = bits.getFloat64(0);
	return Number.isNaN(f) ? NaN : Math.abs(f) >= 2 ** 53 && Number.isFinite(f) ? 0.5 : f; // see above
}

const pieces = ['a', 'é', 'ß', '中', '한', '😀', '\u{10ffff}', '\0', '"', '\\', '\n', '\u2028', '\uffff', 'x'.repeat(31), 'y'.repeat(254)];
const text = () => Array.from({ length: random(6) }, () => pick(pieces)).join('');
const integer = () => pick([1, -1]) * (random(2) * (2 ** random(53)) + random(2 ** pick([1, 7, 8, 16, 31])));
const bin = () => Buffer.from(Array.from({ length: random(40) }, () => random(256)));
const date = () => new Date(pick([1, -1]) * Math.floor(random(2 ** 31) * pick([1, 1000, 1e6, 4e6])));
const leaf = [integer, integer, double, text, text, () => true, () => false, () => null, () => undefined, bin, date, () => Uint8Array.from(bin()).buffer];

function value(depth) {
	const kind = random(depth > 4 ? 4 : 6);

	if (kind < 4)
		return pick(leaf)();
	if (kind === 4)
		return Array.from({ length: random(depth === 0 ? 20 : 5) }, () => value(depth + 1));
	return Object.fromEntries(Array.from({ length: random(depth === 0 ? 20 : 5) }, () => [`${pick(['', 'k', 'é'])}${random(1000)}`, value(depth + 1)]));
}

// As notepack.io 3 sees what 2 read, and JSON what is left of binary.
const inJson = (v) => {
	if (Buffer.isBuffer(v) || v instanceof ArrayBuffer)
		return `<${v.byteLength ?? v.length} bytes>`;
	if (Array.isArray(v))
		return v.map(inJson);
	return v !== null && typeof v === 'object' && !(v instanceof Date) ? Object.fromEntries(Object.entries(v).map(([key, member]) => [key, inJson(member)])) : v;
};

function compare(values) {
	const answers = through(values.map(pack));

	assert.equal(answers.length, values.length);
	values.forEach((v, i) => {
		const [client, bus, json] = answers[i];

		assert.equal(client, pack(v).toString('hex'));
		assert.equal(bus, notepack3.encode(v).toString('hex'));
		assert.equal(json, JSON.stringify(inJson(v)) ?? 'null');
	});
}

describe('A9: values to the byte as notepack.io writes them', () => {
	test('A9: ten thousand made-up values', () => compare(Array.from({ length: 10_000 }, () => value(0))));

	test('A9: integers about every power of two', () => {
		const edges = Array.from({ length: 54 }, (_, i) => 2 ** i).flatMap((n) => [n - 1, n, n + 1, -n - 1, -n, -n + 1]).filter(Number.isSafeInteger);

		compare(edges);
	});

	test('A9: texts, binary, arrays and objects of the sizes at which heads change', () => {
		for (const size of [0, 15, 16, 31, 32, 255, 256, 65535, 65536])
			compare(['x'.repeat(size), 'é'.repeat(size / 2), Buffer.alloc(size), new ArrayBuffer(size), Array(size).fill(0), Object.fromEntries(Array.from({ length: size }, (_, i) => [`k${i}`, i]))]);
	});

	test('A9: dates at every edge', () => {
		const edges = [0, 1, -1, 999, 1000, -999, -1000, 2 ** 32 * 1000 - 1, 2 ** 32 * 1000, 2 ** 34 * 1000 - 1, 2 ** 34 * 1000, 8.64e15, -8.64e15, 253402300799999, 253402300800000, -62167219200000, -62167219200001];

		compare(edges.map((ms) => new Date(ms)));
	});

	test('A9: the differences that are meant', () => {
		const invalid = Buffer.concat([Buffer.from('d700', 'hex'), Buffer.from('7fffffffffffffff', 'hex')]);
		const [huge, big, late] = through([Buffer.from('cb7e37e43c8800759c', 'hex'), Buffer.from('cf0020000000000001', 'hex'), invalid]);

		assert.deepEqual(huge, ['cb7e37e43c8800759c', 'cb7e37e43c8800759c', '1e+300']);
		assert.notEqual(pack(1e300).toString('hex'), huge[0], 'notepack.io writes it right meanwhile');
		assert.equal(big[2], '9007199254740993');
		assert.notEqual(unpack(pack('\ud800x')), '\ud800x', 'notepack.io writes it right meanwhile');
		assert.deepEqual(late, ['c0', 'c0', 'null']);
	});
});
