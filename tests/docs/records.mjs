// docs/broker-protocol.md against the code that it describes: each example is a record that can be read, whatever it holds is
// written again, those in hexadecimal say what their neighbours in JSON say, and no member, kind or effect is missing.
//
//	node records.mjs BUILD

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fences, ROOT } from './blocks.mjs';

const PAGE = 'docs/broker-protocol.md';
const build = process.argv[2];
const text = readFileSync(path.join(ROOT, PAGE), 'utf8');
const mistakes = [];
const wrong = (line, what) => mistakes.push(`${PAGE}:${line}: ${what}`);
const toHex = (string) => Buffer.from(string).toString('hex');

// --- Examples

const examples = fences(PAGE).filter(({ name }) => name?.startsWith('record/')).map((block) => {
	const title = text.split('\n')[block.line - 2].split(' ')[2];

	return { ...block, title, kind: block.name.slice('record/'.length), bytes: block.language === 'hex' ? Buffer.from(block.text.replace(/\s/g, ''), 'hex') : null };
});

function echo(lines) {
	const { stdout, status } = spawnSync(path.join(build, 'bin/test-record-echo'), { input: lines.map((line) => `${line}\n`).join(''), encoding: 'utf8' });

	assert.equal(status, 0, 'test-record-echo failed');
	return stdout.trimEnd().split('\n');
}

// MessagePack, as much of it as records have.
function decode(bytes) {
	let at = 0;
	const take = (n) => bytes.subarray(at, (at += n));
	const many = (n, one) => Array.from({ length: n }, one);
	const object = (n) => Object.fromEntries(many(n, () => [value(), value()]));
	const heads = {
		0xc0: () => null, 0xc2: () => false, 0xc3: () => true,
		0xc4: () => take(take(1)[0]),
		0xcc: () => take(1)[0], 0xcd: () => take(2).readUInt16BE(), 0xce: () => take(4).readUInt32BE(), 0xcf: () => Number(take(8).readBigUInt64BE()),
		0xd9: () => take(take(1)[0]).toString(),
		0xdc: () => many(take(2).readUInt16BE(), value), 0xde: () => object(take(2).readUInt16BE()),
	};
	function value() {
		const head = take(1)[0];

		if (head < 0x80)
			return head;
		if (head < 0x90)
			return object(head & 15);
		if (head < 0xa0)
			return many(head & 15, value);
		if (head < 0xc0)
			return take(head & 31).toString();
		return heads[head]();
	}
	const whole = value();

	assert.equal(at, bytes.length);
	return whole;
}

// With the attachments in their places, as MessagePack has them.
function inlined(record) {
	const { attachments = [], ...rest } = record;
	const blobs = attachments.map((blob) => Buffer.from(blob, 'base64'));
	const put = (v) => {
		if (Array.isArray(v))
			return v.map(put);
		if (v?._placeholder === true)
			return blobs[v.num];
		return v !== null && typeof v === 'object' ? inlined(v) : v;
	};

	return Object.fromEntries(Object.entries(rest).map(([key, v]) => [key, put(v)]));
}

function check(example, answer) {
	const [verdict, ...more] = answer.split(' ');

	if (verdict !== 'ok')
		return wrong(example.line, `refused: ${more.join(' ')}`);
	const again = Buffer.from(more[0], 'hex');

	try {
		if (example.language === 'json')
			return assert.deepEqual(JSON.parse(again), JSON.parse(example.text));
		const same = examples.find(({ kind, title }) => kind === example.kind && `${title}-msgpack` === example.title);

		assert.deepEqual(decode(again), decode(example.bytes));
		assert.deepEqual(decode(example.bytes), inlined(JSON.parse(same.text)));
	} catch (error) {
		wrong(example.line, error.message);
	}
}

const records = examples.filter(({ kind }) => kind !== 'worker');
const answers = echo(records.map(({ kind, language, bytes, text: json }) => `${kind} ${language === 'hex' ? bytes.toString('hex') : toHex(JSON.stringify(JSON.parse(json)))}`));

records.forEach((example, i) => check(example, answers[i]));
for (const kind of ['event', 'batch', 'client', 'app', 'worker'])
	if (!examples.some((example) => example.kind === kind))
		wrong(1, `no example of a record of kind ${kind}`);

// --- Names

const sources = readdirSync(path.join(ROOT, 'common/records')).filter((name) => name.endsWith('.c')).map((name) => readFileSync(path.join(ROOT, 'common/records', name), 'utf8'));
const tables = sources.flatMap((source) => [...source.matchAll(/^static const char \*const \w+\[\w*\] = \{([^}]*)\};/gm)].map(([, list]) => list));
const kinds = sources.flatMap((source) => [...source.matchAll(/^\t\[EFFECT_\w+\] = \{ "(\w+)"/gm)].map(([, name]) => `"${name}"`));
const names = new Set([...tables, kinds.join()].flatMap((list) => [...list.matchAll(/"(\w+)"/g)].map(([, name]) => name)));

assert.ok(names.size > 60, 'the tables of names were not found');
for (const name of names)
	if (!new RegExp(`\`[^\`\n]*\\b${name}\\b[^\`\n]*\``).test(text))
		wrong(1, `${name} is missing`);

const worker = examples.find(({ kind }) => kind === 'worker');
const said = [...readFileSync(path.join(ROOT, 'broker/intake/brokers.c'), 'utf8').matchAll(/\\"(\w+)\\":/g)].map(([, name]) => name);

if (JSON.stringify(Object.keys(JSON.parse(worker.text))) !== JSON.stringify(said))
	wrong(worker.line, `stoa-broker's record has ${said}`);

// --- Numbers

const [, sid, partition] = /With (?:\d+)\s+partitions, `(\w+)` is in (\d+)/.exec(text) ?? [];

if (echo([`partition 1000 ${toHex(sid)}`])[0] !== partition)
	wrong(1, `${sid} is in another partition than ${partition}`);

for (const mistake of mistakes)
	console.log(mistake);
console.log(`${examples.length} examples, ${names.size} names, ${mistakes.length} mistakes`);
process.exitCode = mistakes.length > 0 ? 1 : 0;
