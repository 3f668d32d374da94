// Compares the JSON codec with the JavaScript engine's, text for text: node json_differential.mjs TEST-JSON-ECHO [SEED]
//
// For each text: refused by both or by neither; and JSON.parse(ours) is what JSON.parse(JSON.stringify(JSON.parse(text)))
// is. Where it can be, our text is JSON.stringify's byte for byte. Differences that are meant:
//   - integers of 64 bits stay exact; JavaScript rounds beyond 2^53 (compared as numbers they are equal).
//   - a key that comes twice is written twice, as is the order of keys that are integers: only the parsed values are
//     compared then.
//   - texts nested deeper than 100 are refused.
// Also: what is free of JSON_REWRITE may be passed on as it stands, so parsing the text itself must give the same.
import { spawnSync } from 'node:child_process';
import assert from 'node:assert';

const [program, seedText] = process.argv.slice(2);
const REWRITE = 1;

let state = BigInt(seedText ?? 20240229);
function random(n) {
	state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
	return Number((state >> 33n) % BigInt(n));
}
const pick = (list) => list[random(list.length)];

const bits = new DataView(new ArrayBuffer(8));
function anyDouble() {
	bits.setUint32(0, random(2 ** 31) * 2 + random(2));
	bits.setUint32(4, random(2 ** 31) * 2 + random(2));
	const f = bits.getFloat64(0);
	return Number.isFinite(f) ? f : 0.5;
}

const digits = (n) => Array.from({ length: n }, () => random(10)).join('');
const sign = () => pick(['', '-']);
const numberTexts = [
	() => String(random(1000)),
	() => String(-random(2 ** 31)),
	() => '-0',
	() => `${1 + random(9)}${digits(random(25))}`,
	() => `-${1 + random(9)}${digits(random(25))}`,
	() => `${random(1000)}.${digits(1 + random(20))}`,
	() => `${sign()}0.${'0'.repeat(random(30))}${digits(1 + random(20))}`,
	() => `${sign()}${random(10)}.${digits(1 + random(17))}${pick(['e', 'E'])}${pick(['', '+', '-'])}${random(400)}`,
	() => `${sign()}${random(10)}${pick(['e', 'E', 'e+'])}${300 + random(20)}`,
	() => `${sign()}${random(10)}e-${300 + random(40)}`,
	() => String(anyDouble()),
	() => anyDouble().toExponential(16),
	() => anyDouble().toPrecision(17).replace(/^(-?)\./, '$10.'),
	() => String(random(1000000) / 100),
	() => String(random(2 ** 31) / 1e6),
	() => String(1.7e9 + random(1000000) / 1000),
];

const pieces = [
	'a', 'Z', ' ', '0', 'hello', '/', '\\/', '\\"', '\\\\', '\\b', '\\f', '\\n', '\\r', '\\t', '\\u0000',
	'\\u001f', '\\u0022',
	'\\u005C', '\\u007f', '\x7f', '\\u00e9', 'é', 'ß', 'Ж', '中文字', '한', '\u2028', '\\u2029', '\ufeff', '\\ufeff',
	'\uffff', '\\uFFFE',
	'😀', '\\ud83d\\ude00', '\\uD83D\\uDE00', '\\ud800', '\\udfff', '\\ude00\\ud83d', '\\ud83dx',
	'\\ud83d\\u0041', '\\uD83D\\n', '\u{10ffff}',
];
function text() {
	let t = '';
	for (let n = random(8); n > 0; n--)
		t += pick(pieces);
	return `"${t}"`;
}
const keys = ['"a"', '"b"', '"__proto__"', '"constructor"', '"toString"', '""', '"1"', '"0"', '"\\u0061"', '"num"',
	'"_placeholder"'];
const key = () => (random(3) ? pick(keys) : text());
const space = () => (random(6) ? '' : pick([' ', '\t', '\r', '  ', ' \t\r']));

function value(depth) {
	const kind = random(depth > 5 ? 6 : 9);
	if (kind < 3)
		return pick(numberTexts)();
	if (kind < 5)
		return text();
	if (kind === 5)
		return pick(['true', 'false', 'null']);
	const member = () => (kind === 8 ? '' : `${space()}${key()}${space()}:`);
	const items = Array.from({ length: random(6) }, () => member() + space() + value(depth + 1) + space());
	const inside = items.join(',') || space();
	return kind === 8 ? `[${inside}]` : `{${inside}}`;
}

// A text with one mistake, most often.
function damaged() {
	const t = [...value(0)];
	const at = random(t.length + 1);
	const what = pick(['{', '}', '[', ']', ',', ':', '"', '\\', '0', '-', '+', '.', 'e', 'u', ' ', '\x01',
		'\u00a0', 'null', "'", '/', '//', 'NaN']);
	t.splice(at, random(2), what);
	return t.slice(0, random(10) ? t.length : random(t.length + 1)).join('');
}

function hardNumbers() {
	const list = [];
	for (let e = -1074; e <= 1023; e++) {
		const f = 2 ** e;
		bits.setFloat64(0, f);
		const b = bits.getBigUint64(0);
		for (const d of [-2n, -1n, 0n, 1n, 2n]) {
			bits.setBigUint64(0, b + d < 0n ? 0n : b + d);
			list.push(String(bits.getFloat64(0)), bits.getFloat64(0).toExponential(18));
		}
	}
	for (let e = -330; e <= 310; e++)
		list.push(`1e${e}`, `-1e${e}`, `9.999999999999999e${e}`, `9.9999999999999995e${e}`, `4.9e${e}`,
			`123456789012345678e${e}`);
	for (let n = 0n; n < 70n; n++)
		for (const d of [-1n, 0n, 1n])
			list.push(String(2n ** n + d), String(-(2n ** n) + d), `${2n ** n + d}.0`, `${2n ** n + d}.5`);
	const max = (2n ** 1024n - 2n ** 970n).toString(); // the least that rounds to Infinity is max + 2^969
	const edge = 2n ** 1024n - 2n ** 970n + 2n ** 969n;
	list.push(max, `${edge - 1n}`, `${edge}`, `-${edge}`, `${edge - 1n}.9`, `${edge}.0`, `${edge}e0`,
		`0.${edge}e309`, `0.${edge - 1n}e309`,
		`${edge}000e-3`, `0.000${edge - 1n}e312`, '1'.repeat(308), '1'.repeat(309), '2'.repeat(309),
		`1${'0'.repeat(400)}e-400`,
		`0.${'0'.repeat(400)}1e401`, `${'9'.repeat(2000)}e-2000`, `1e${'0'.repeat(500)}1`,
		`1e-${'0'.repeat(500)}1`, '1e99999999999999999999',
		'1e-99999999999999999999', '-1e-99999999999999999999', '0e99999999999999999999',
		'-0e99999999999999999999', '-0.0', '-0e0', '-0.0e-5',
		'-0.00000000001', '-1e-323', '-1e-324', '-2e-324', '-3e-324', '-2.4703282292062327e-324',
		'-2.4703282292062328e-324',
		`-0.${'0'.repeat(323)}2`, `-0.${'0'.repeat(323)}3`, `-1${'0'.repeat(400)}e-800`, '1e-400', '1e400',
		'-1e400', '1E400', '1e+400',
		'2.2250738585072011e-308', '2.2250738585072012e-308', '2.2250738585072014e-308',
		'1.7976931348623157e308', '1.7976931348623158e308',
		'1.7976931348623159e308', '17976931348623157e292', '9007199254740993', '9007199254740993.0', '0.1',
		'0.2', '0.3', '1e21', '1e20',
		'123456789012345680000', '1e-6', '1e-7', '1.5e-7', '5e-324', '0.000001', '0.0000012', '100', '1e2',
		'1.0', '1.10', '4.35', '0.1e1');
	// Halfway between two doubles and just beside it, in more digits than a double has.
	for (let i = 0; i < 300; i++) {
		const e = 53n + BigInt(random(900)), m = 2n ** 52n + BigInt(random(2 ** 31));
		const half = (2n * m + 1n) << (e - 53n);
		list.push(`${half}`, `${half}.0`, `${half - 1n}.9`, `${half}.${'0'.repeat(900)}1`,
			`${half}.${'0'.repeat(900)}`);
	}
	return list;
}

function hardTexts() {
	const list = hardNumbers();
	for (const t of ['', ' ', '1 2', '[1,]', '[,1]', '{"a":1,}', '{"a"}', '{"a":}', '{a:1}', "{'a':1}", '[', ']',
		'{', '}', '"', '"\\"', '"\\u12"', '"\\u123g"',
		'"\\x41"', '"\\a"', '"\\U0041"', '01', '-01', '-', '+1', '.5', '5.', '1.e1', '1e', '1e+', '1ee1',
		'0x10', '1_0', 'Infinity', 'NaN', '-Infinity',
		'undefined', 'tru', 'truee', 'True', 'nul', 'nulll', '[1 2]', '[1]]', '{"a":1 "b":2}', '{"a":1}}',
		'{"a"::1}', '[1,,2]', '/**/1', '1//', '\ufeff1', '\u00a01',
		'\v1', '\f1', '"\t"', '"\x00"', '"\x1f"', '\x00', '1\x00', '""', '"\\/"', '{"__proto__":{"a":1}}',
		'{"__proto__":null,"__proto__":1}', '{"a":1,"a":2}',
		'{"a":1,"\\u0061":2}', '{"b":1,"a":2,"b":3}', '{"2":1,"1":2}', '{"":0}',
		'[[],{},"",0,null,[[]],[{}],{"":[]}]',
		`"${'x'.repeat(5000)}"`, `[${'1,'.repeat(5000)}1]`, `[${'"a",'.repeat(3000)}{}]`,
		`${'['.repeat(100)}${']'.repeat(100)}`, `${'{"a":'.repeat(99)}[]${'}'.repeat(99)}`])
		list.push(t);
	for (let n = 0; n < 40; n++) // a byte to notice at every place of a word
		for (const c of ['"', '\\', '\\n', 'é', '\x1f', '\x7f', '😀'])
			list.push(`"${'a'.repeat(n)}${c}${'b'.repeat(random(20))}"`);
	return list;
}

function parse(t) {
	try {
		return { ok: true, value: JSON.parse(t) };
	} catch {
		return { ok: false };
	}
}

// Whether JSON.stringify() keeps what the text says about it: no integer beyond 2^53, no key twice or integer-like.
function isPlain(t, stringified) {
	if (/(?<![\d.])\d{16,}(?![\d.eE])/.test(t))
		return false;
	const members = (json) => (json.replace(/\\["\\]/g, '  ').match(/"\s*:/g) ?? []).length;
	return !/"\d+"\s*:/.test(t) && members(t) === members(stringified);
}

const texts = hardTexts();
for (let i = 0; i < 10000; i++)
	texts.push(value(0), pick(numberTexts)());
for (let i = 0; i < 4000; i++)
	texts.push(damaged());
const lines = texts.filter((t) => !t.includes('\n'));

const run = spawnSync(program, { input: lines.join('\n') + '\n', maxBuffer: 1 << 30, encoding: 'utf8' });
assert.strictEqual(run.status, 0, run.stderr);
const answers = run.stdout.split('\n');
assert.strictEqual(answers.length, lines.length + 1);

let failed = 0, same = 0;
lines.forEach((line, i) => {
	const theirs = parse(line), answer = answers[i];
	try {
		assert.strictEqual(!answer.startsWith('!'), theirs.ok, 'accepted by one of the two');
		if (!theirs.ok)
			return;
		const flags = parseInt(answer, 10), ours = answer.slice(answer.indexOf(' ') + 1);
		const stringified = JSON.stringify(theirs.value);
		assert.deepStrictEqual(JSON.parse(ours), JSON.parse(stringified));
		if (!(flags & REWRITE))
			assert.deepStrictEqual(theirs.value, JSON.parse(stringified), 'must be rewritten');
		else if (typeof theirs.value === 'number') // elsewhere a later member of that name may hide the number
			assert.notDeepStrictEqual(theirs.value, JSON.parse(stringified), 'need not be rewritten');
		if (isPlain(line, stringified)) {
			assert.strictEqual(ours, stringified);
			same++;
		}
	} catch (error) {
		if (failed++ < 10)
			console.error([line, `  -> ${answer}`, error.message].map((t) => t.slice(0, 300)).join('\n'));
	}
});
console.log(`${same} texts byte for byte`);
console.log(`cases: ${lines.length - failed} passed, ${failed} failed, 0 skipped`);
process.exit(failed ? 1 : 0);
