// Values that JavaScript clients send: hard ones that somebody thought of, and as many as one likes of those that nobody
// did. And JSON texts that no client of JavaScript's would write.

// --- Comparing

const kindOf = (v) =>
	v === null ? 'null'
	: Array.isArray(v) ? 'array'
	: ArrayBuffer.isView(v) ? v.constructor.name
	: v instanceof ArrayBuffer ? 'ArrayBuffer'
	: typeof v;

// Where two values differ, as a path and why; null when they do not. Numbers as Object.is() sees them, keys in order.
export function difference(a, b, at = '') {
	if (kindOf(a) !== kindOf(b))
		return `${at}: ${kindOf(a)} and ${kindOf(b)}`;
	if (ArrayBuffer.isView(a) || a instanceof ArrayBuffer)
		return bytesOf(a).equals(bytesOf(b)) ? null : `${at}: bytes ${bytesOf(a).toString('hex')} and ${bytesOf(b).toString('hex')}`;
	if (typeof a !== 'object' || a === null)
		return Object.is(a, b) ? null : `${at}: ${show(a)} and ${show(b)}`;
	const keys = Object.keys(a), others = Object.keys(b);
	if (keys.length !== others.length || keys.some((key, i) => key !== others[i])) {
		const from = keys.findIndex((key, i) => key !== others[i]);
		return `${at}: ${keys.length} and ${others.length} keys, ${JSON.stringify(keys.slice(from, from + 9))} and ${JSON.stringify(others.slice(from, from + 9))}`;
	}
	for (const key of keys) {
		const found = difference(a[key], b[key], `${at}[${JSON.stringify(key)}]`);
		if (found !== null)
			return found;
	}
	return null;
}

const show = (v) => (Object.is(v, -0) ? '-0' : typeof v === 'number' ? String(v) : JSON.stringify(v) ?? String(v));

function bytesOf(v) {
	return v instanceof ArrayBuffer ? Buffer.from(v) : Buffer.from(v.buffer, v.byteOffset, v.byteLength);
}

export function hasBinary(v) {
	if (v === null || typeof v !== 'object')
		return false;
	return ArrayBuffer.isView(v) || v instanceof ArrayBuffer || Object.values(v).some(hasBinary);
}

// --- Chance, the same again for the same seed (mulberry32)

export class Chance {
	constructor(seed) {
		this.state = seed >>> 0;
	}

	next() {
		let x = (this.state = (this.state + 0x6d2b79f5) >>> 0);

		x = Math.imul(x ^ (x >>> 15), x | 1);
		x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
		return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
	}

	below(n) {
		return Math.floor(this.next() * n);
	}

	of(list) {
		return list[this.below(list.length)];
	}
}

// --- Numbers

const bits = new DataView(new ArrayBuffer(8));

function ofBits(high, low) {
	bits.setUint32(0, high);
	bits.setUint32(4, low);
	return bits.getFloat64(0);
}

// The double `steps` places beside f.
function beside(f, steps) {
	bits.setFloat64(0, f);
	bits.setBigUint64(0, BigInt.asUintN(64, bits.getBigUint64(0) + BigInt(steps)));
	return bits.getFloat64(0);
}

export const NUMBERS = [
	0, -0, 1, -1, 0.1, 0.2, 0.3, 0.1 + 0.2, 1 / 3, -1 / 3, 100, 1e3, 123456789, 1e15, 1e16, 1e17, 1e20, 1e21, 1e22, 1.5e21,
	123456789012345680000, 1e-5, 1e-6, 1e-7, 1.5e-7, 9.5e-7, 1e100, 1e-100, 1e308, 1e-308, Math.PI, Math.E,
	2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 2 ** 53 + 2, -(2 ** 53), 2 ** 63, -(2 ** 63),
	2 ** 63 - 1024, 2 ** 64, 2 ** 64 - 2048, 2 ** 64 + 4096, 2 ** 70, Number.MAX_VALUE, -Number.MAX_VALUE, Number.MIN_VALUE,
	-Number.MIN_VALUE, Number.EPSILON, 2.2250738585072014e-308, 2.225073858507201e-308, 4.9e-324, 1e-323, 1.5e-323, 5e-324,
	9007199254740993, 9.5367431640625e-7, 5.960464477539063e-8, 4.35, 0.000001, 0.0000001, 999999999999999900000, 1e23,
	8.41e21, 9.999999999999999e22, 2.0 ** -1074, 6.02214076e23, 299792458, 1.7976931348623155e308, 0.5, 0.25, 0.125,
];

function number(c) {
	switch (c.below(8)) {
	case 0:
		return c.of(NUMBERS);
	case 1:
		return c.below(2000) - 1000;
	case 2: // any double at all
		return ofBits(c.below(2 ** 32), c.below(2 ** 32));
	case 3: // beside a power of two
		return beside(2 ** (c.below(2098) - 1074), c.below(7) - 3) * c.of([1, -1]);
	case 4: // beside a power of ten
		return beside(Number(`1e${c.below(631) - 323}`), c.below(7) - 3);
	case 5: // few digits
		return c.below(10 ** (1 + c.below(15))) / 10 ** c.below(24);
	case 6: // integers, also those that are none to a double
		return Math.trunc(c.next() * 2 ** c.below(80)) * c.of([1, -1]);
	default: // subnormal
		return ofBits(c.below(2) * 2 ** 31 + c.below(16), c.below(2 ** 32));
	}
}

// --- Texts

export const TEXTS = [
	'', ' ', '"', '\\', '\\"', '/', '</script>', '\b\f\n\r\t', '\u0000', 'a\u0000b', '\u0001\u001f', '\u007f\u0080\u009f', '\u2028\u2029', '\ufeff',
	'\ufffd\uffff\ufffe', 'é', '世界', '🏛', '👩‍👩‍👧', '\u{10000}\u{10ffff}', '\ud800', '\udc00', '\udc00\ud800', '\ud83d', '\ude00\ud83d\ude00\ud83d', 'a\ud800b',
	'\ud800\ud800\udc00\udc00', '\udbff\udfff', '\ue000', '\ud7ff', 'null', 'true', '1e400', '{}', '{"_placeholder":true,"num":0}', '\\u0041', '\\ud800',
	'e\u0301', '\u200b\u200e\u202e', 'İıſ', '42["x"]', '\u001e', 'b64', 'x'.repeat(70_000), '世'.repeat(30_000), '\u0000'.repeat(500), '\ud800'.repeat(500), '"\\'.repeat(500),
];

const LETTERS = [
	() => 'abcXYZ 09_-/:,[]{}', () => '"\\\b\f\n\r\t/', (c) => String.fromCharCode(c.below(0x20)), (c) => String.fromCharCode(0x7f + c.below(0x781)),
	(c) => String.fromCharCode(0x800 + c.below(0xd000)), (c) => String.fromCodePoint(0x10000 + c.below(0x100000)), (c) => String.fromCharCode(0xd800 + c.below(0x800)),
	(c) => String.fromCharCode(0xe000 + c.below(0x2000)), () => '\u2028\u2029\ufeff',
];

function text(c) {
	let all = '';

	if (c.below(12) === 0)
		return c.of(TEXTS);
	for (let n = c.below(c.of([4, 4, 12, 60])); n > 0; n--)
		all += c.of([...c.of(LETTERS)(c)]);
	return all;
}

// --- Binary

const BINARIES = [
	() => Buffer.alloc(0), () => Buffer.from([0]), () => new Uint8Array([1, 2, 255]), () => new Uint8Array([9, 8, 7, 6, 5]).subarray(1, 3), () => new ArrayBuffer(5),
	() => new DataView(new ArrayBuffer(8), 2, 3), () => new Float64Array([0.5, NaN]), () => new Int16Array([1, -1]), () => Buffer.from('{"a":1}'), () => Buffer.alloc(300, 0xa5),
];

const binary = (c) => (c.below(2) ? c.of(BINARIES)(c) : Buffer.from(Array.from({ length: c.below(40) }, () => c.below(256))));

// --- All of them

export const KEYS = [
	'', ' ', 'a', 'b', '0', '1', '10', '-1', '01', '1.5', '4294967294', '4294967295', '__proto__', 'constructor', 'prototype', 'toString', 'valueOf',
	'hasOwnProperty', 'length', 'type', 'data', 'num', 'nsp', 'id', '_placeholder', '"', '\\', '\n', '\u2028', 'é', '世', '🏛', '\ud800', '\udc00x', 'x'.repeat(300), '\u001f',
];

// What stringify() makes something else of, or nothing.
const ODD = [
	() => undefined, () => NaN, () => Infinity, () => -Infinity, () => new Date(1700000000123), () => new Date(NaN), () => new Map([[1, 2]]), () => new Set([1]), () => Symbol('s'),
	() => /regexp/g, () => new Error('error'), () => Object(1.5), () => Object('boxed'), () => Object(false), () => ({ toJSON: () => ({ of: 'toJSON' }) }), () => [, 1, , ], () => () => 1,
	() => Object.assign(Object.create({ inherited: 1 }), { own: 2 }), () => Object.create(null), () => new URL('http://a/b?c'),
];

// A member like any other, whatever its name.
export const put = (object, key, value) => Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });

function container(c, depth, kinds) {
	const n = c.below(c.of([1, 3, 3, 8]));

	if (c.below(2))
		return Array.from({ length: n }, () => value(c, depth - 1, kinds));
	const object = {};
	for (let i = 0; i < n; i++)
		put(object, c.below(2) ? c.of(KEYS) : text(c), value(c, depth - 1, kinds));
	return object;
}

// One value; kinds.binary and kinds.odd say how many more of them it may hold.
export function value(c, depth, kinds) {
	const pick = c.below(20);

	if (pick < 7 && depth > 0)
		return container(c, depth, kinds);
	if (kinds.binary > 0 && pick < 10) {
		kinds.binary--;
		return binary(c);
	}
	if (kinds.odd > 0 && pick === 10) {
		kinds.odd--;
		return c.of(ODD)();
	}
	return pick < 14 ? number(c) : pick < 18 ? text(c) : c.of([null, true, false]);
}

// The client's encoder spoils lone surrogates, integers beyond 64 bits and views of a part of a buffer; dates that are none
// it makes 1970; and a key __proto__ becomes the prototype of what it decodes.
export function fitForMsgpack(v) {
	if (typeof v === 'string')
		return wellFormed(v);
	if (typeof v === 'number')
		return Number.isInteger(v) && Math.abs(v) >= 2 ** 63 ? v / 2 ** 1000 : v;
	if (v instanceof Date)
		return Number.isNaN(v.getTime()) ? null : v;
	if (v === null || typeof v !== 'object' || typeof v.toJSON === 'function' || v instanceof ArrayBuffer || Buffer.isBuffer(v))
		return v;
	if (ArrayBuffer.isView(v))
		return v.slice ? v.slice() : new DataView(v.buffer.slice(v.byteOffset, v.byteOffset + v.byteLength));
	if (Array.isArray(v))
		return Array.from(v, fitForMsgpack);
	return Object.entries(v).filter(([key]) => key !== '__proto__')
		.reduce((object, [key, member]) => put(object, wellFormed(key), fitForMsgpack(member)), {});
}

const wellFormed = (text) => text.replaceAll(/\p{Surrogate}/gu, '\ufffd');

// n arrays and objects inside each other.
export function nested(n, inner = 1) {
	return n === 0 ? inner : n % 2 ? [nested(n - 1, inner)] : { a: nested(n - 1, inner) };
}

export const HARD = [
	...NUMBERS, ...TEXTS, null, true, false, [], {}, [[]], [{}], [null], { a: null }, [[], {}, [[]], [{}]], NUMBERS, TEXTS,
	Object.fromEntries(KEYS.filter((key) => key !== '__proto__').map((key, i) => [key, i])), JSON.parse('{"__proto__":{"a":1},"constructor":{"prototype":{"b":2}}}'),
	JSON.parse('{"__proto__":null}'), JSON.parse('{"b":1,"a":2,"10":3,"9":4,"-1":5}'), { _placeholder: true, num: 0 }, { _placeholder: true, num: -1 }, { _placeholder: true },
	[{ _placeholder: false, num: 'x' }], { _placeholder: 'true', num: 1.5 }, nested(20), nested(55), Array(1000).fill(0), Array(1000).fill({ a: [1] }),
	Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`key ${i}`, i])), ODD.slice(0, 7).map((make) => make()), ODD.slice(7).map((make) => make()),
	Object.fromEntries(ODD.map((make, i) => [`odd ${i}`, make()])),
];

export const HARD_BINARY = [
	...BINARIES.map((make) => make()), BINARIES.map((make) => make()), { '': Buffer.from([1]), 1: Buffer.from([2]), 0: Buffer.from([3]), '\ud800': Buffer.alloc(1) },
	nested(50, Buffer.from([5])), [{ a: Buffer.alloc(2) }, 'text', -0, 1e21, '\ud800', { '\u0000': Buffer.alloc(0) }], { a: Buffer.alloc(100_000, 7), b: [Buffer.alloc(100_000, 8)] },
	[undefined, Buffer.alloc(1), undefined], { a: undefined, b: Buffer.alloc(1), c: NaN, d: new Date(0) }, [new Uint8Array(3), { toJSON: () => Buffer.alloc(2) }],
	{ _placeholder: 0, num: Buffer.alloc(1) }, JSON.parse('{"type":"Buffer","data":[1]}'), { b: Buffer.from([1]), a: { c: Buffer.from([2]), b: Buffer.from([3]) } },
];

// --- Texts as no client of JavaScript's writes them; each is one argument of an event

const DIGITS = '1234567890'.repeat(80);

export const RAW = [
	// Numbers
	'-0', '-0.0', '-0e5', '0.0', '0e0', '0E+00', '1.0', '1.50', '1e2', '1E2', '1e+2', '1e-2', '10e-1', '0.1e1', '1e400', '-1e400', '1e-400', '-1e-400', '1e99999999999', '-1e-99999999999',
	'0e99999999999', '123e-99999999999', '9007199254740993', '-9007199254740993', '9007199254740992.5', '9007199254740993.0', '9223372036854775807', '9223372036854775808',
	'-9223372036854775808', '-9223372036854775809', '18446744073709551615', '18446744073709551616', '18446744073709549568', '18446744073709550591', '18446744073709550592', '36893488147419103232',
	'12345678901234567890123', '100000000000000000000', '1000000000000000000000', '1.7976931348623157e308', '1.7976931348623158e308', '1.7976931348623159e308', '1.797693134862315807e308',
	'1.797693134862315808e308', '179769313486231580793e288', '2.2250738585072011e-308', '2.2250738585072012e-308', '2.2250738585072014e-308', '4.9406564584124654e-324', '2.4703282292062327e-324',
	'2.4703282292062328e-324', '2.47032822920623272e-324', '-2.4703282292062327e-324', '3e-324', '7.4109846876186982e-324', '5e-324', '0.1000000000000000055511151231257827', '0.30000000000000004',
	DIGITS, `-${DIGITS}`, `0.${DIGITS}`, `${DIGITS.slice(0, 309)}`, `${DIGITS.slice(0, 308)}`, `0.${'0'.repeat(400)}1`, `0.${'0'.repeat(320)}49`, `1${'0'.repeat(309)}`, `1${'0'.repeat(400)}e-400`,
	`0.${'0'.repeat(400)}1e400`, `${DIGITS}e-${DIGITS.length}`, '9007199254740992.999999999999999999', '1e23', '8.5e22', '1e21', '999999999999999999999', '123456789012345678', '0.00000012345',
	'-5e-324', '-3e-324', '-2e-324', '4503599627370496.5', '4503599627370497.5', '9.5e-7', '1e-06',
	// Texts
	'"\\u0041\\u00e9\\u4e16"', '"\\/\\"\\\\\\b\\f\\n\\r\\t"', '"\\u0000"', '"\\ud83d\\ude00"', '"\\uD83D\\uDE00"', '"\\ud83d"', '"\\ude00"', '"\\ude00\\ud83d"', '"\\ud83d\\ud83d\\ude00"', '"\\ud83dx"',
	'"\\ud83d\\u0041"', '"\\ud83d\\\\ude00"', '"\\ud800\\n"', '"\\u2028\\u2029"', '"\u2028\u2029"', '"\u007f\u0080"', '"\ufeff"', '"\\uFEFF\\uFFFF"', '"\\u001f"', '"/"', '"🏛"', '"\\u005c\\u0022"',
	// Objects and arrays
	'{"a":1,"a":2}', '{"a":1,"b":2,"a":3}', '{"b":1,"a":2,"b":{"c":1,"c":2}}', '{"\\u0061":1,"a":2}', '{"a":1,"\\u0061":2}', '{"__proto__":1}', '{"__proto__":{"x":1},"y":2}', '{"\\u005f_proto__":null}',
	'{"__proto__":1,"__proto__":2}', '{"":1,"":2}', '{"2":1,"1":2,"2":3}', '{"1":1,"01":2,"-1":3,"1.0":4,"4294967295":5,"4294967294":6}', '{"\\ud800":1,"\\udc00":2}', '{"\\u0000":1}',
	'{"a":-0}', '{"a":[1e400,-0,{"b":-0.0}]}', '[-0,-0.0,0,-0e1]', '[1e400,"1e400"]', '{"_placeholder":true,"num":0}', '{"_placeholder":true}', '{"num":1e400,"_placeholder":false}', '[]', '{}', '[[],{}]',
	' [ 1 , 2 ] ', '{ "a" : 1 , "b" : [ ] }', '\t{\n"a"\r:\t1\n}', '[\n\n]', '{\t}', 'true', 'false', 'null', '{"length":3,"0":1}', '{"toJSON":1}', '{"then":1,"constructor":2,"hasOwnProperty":3}',
	// None of these is JSON
	'+1', '01', '-01', '00', '-', '--1', '1.', '.5', '-.5', '1e', '1e+', '1.e5', '0x10', '1_000', 'NaN', 'Infinity', '-Infinity', '1n', 'undefined', 'True', 'nul', 'nulll', 'tru', '\'a\'', '"a', 'a"', '"\\x41"',
	'"\\u12"', '"\\u123g"', '"\\U0041"', '"\\"', '"\\\n"', '"a\nb"', '"a\tb"', '"\u0000"', '"\u001f"', '[1,]', '[,1]', '[1 2]', '[', ']', '[1', '{"a":1,}', '{,}', '{"a"}', '{"a":}', '{a:1}', '{1:1}',
	'{"a":1 "b":2}', '{"a" 1}', '{"a":1', '{"a"::1}', '{[]:1}', '[1]]', '{}}', '1 2', '/*a*/1', '1//a', '#', '\u00a01', '\u000b1', '\f1', '\ufeff1', '[1,/**/2]', '[1;2]', '"a" "b"', 'null null', '{"a":undefined}',
	'[NaN]', '[-]', '[1.]', '[1e]', '["\\ud83d\\u"]', '{"a":"\\ud83d\\u12"}', '-a', '1a', '1.2.3', '1e2e3', '1e2.5', '\\u0031', '"\\a"', '"\\0"', '*', '@', '',
];
