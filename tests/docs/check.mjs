// What the pages say, held against what there is. Prints every mistake as PAGE:LINE, and exits with 1 when there are any.
//
//	node check.mjs BUILD      BUILD has the modules and programs made of the pages' blocks
//
// - a link to a file of the project leads to one, and a link to a heading to a heading;
// - each block of C is compiled: named in its fence, or word for word in a file that is;
// - each block of JavaScript is JavaScript;
// - what is called stoa_.. exists, and so do the gateway's options that the guide names;
// - docs/features.md and docs/protocol.md name tests that exist, and docs/from-flask-socketio.md all names of Flask-SocketIO.

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { Script } from 'node:vm';
import { fences, isProgram, pages, ROOT, sources } from './blocks.mjs';

const build = process.argv[2];
const mistakes = [];
const read = (...names) => readFileSync(path.join(ROOT, ...names), 'utf8');
const wrong = (page, line, what) => mistakes.push(`${page}:${line}: ${what}`);

// The lines of a page outside of its blocks, as [text, number].
function proseOf(page) {
	let inside = false;

	return read(page).split('\n').map((text, i) => [text, i + 1]).filter(([text]) => {
		const fence = /^\s*```/.test(text);

		inside = fence ? !inside : inside;
		return !inside && !fence;
	});
}

// As GitHub makes them.
function anchorsOf(page) {
	const titles = proseOf(page).map(([text]) => /^#+ (.*)/.exec(text)).filter((found) => found !== null).map(([, title]) => title);

	return new Set(titles.map((title) => title.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-')));
}

function checkLinks(page) {
	for (const [text, line] of proseOf(page)) {
		for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
			if (/^[a-z]+:/.test(target))
				continue;
			const [file, anchor] = target.split('#');
			const to = file === '' ? page : path.normalize(path.join(path.dirname(page), file));

			if (!existsSync(path.join(ROOT, to)))
				wrong(page, line, `there is no ${to}`);
			else if (anchor !== undefined && !anchorsOf(to).has(anchor))
				wrong(page, line, `${to} has no heading #${anchor}`);
		}
	}
}

// All files below a folder that the build compiles.
function filesBelow(folder) {
	return readdirSync(path.join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
		const name = path.join(folder, entry.name);

		if (entry.isDirectory())
			return entry.name === 'node_modules' ? [] : filesBelow(name);
		return /\.[ch]$/.test(name) ? [name] : [];
	});
}

const compiled = ['examples', 'tests/unit', 'tests/e2e/apps'].flatMap(filesBelow).map((name) => read(name)).join('\n');

function checkBlocks(page) {
	for (const { line, language, name, text } of fences(page)) {
		if (language === 'c' && name === undefined && !compiled.includes(text))
			wrong(page, line, 'this block of C has no name in its fence, and no compiled file has it');
		if (language === 'js' || language === 'javascript') {
			try {
				new Script(`(async () => {${text.replace(/^import .*$/gm, '')}\n})`);
			} catch (error) {
				wrong(page, line, `this is no JavaScript: ${error.message}`);
			}
		}
	}
}

// What the build made of the blocks is of this text, and is not older than it.
function checkBuilt() {
	for (const [name, text] of sources()) {
		const made = path.join(build, 'tests/docs/blocks', `${name}.c`);
		const result = isProgram(name) ? path.join(build, 'bin', name) : path.join(build, 'apps', `${name}.so`);

		if (!existsSync(made) || readFileSync(made, 'utf8') !== text)
			mistakes.push(`${name}: the build has another text of this block: configure anew`);
		else if (!existsSync(result) || statSync(result).mtimeMs < statSync(made).mtimeMs)
			mistakes.push(`${name}: this block was not compiled: ${result} is missing or too old`);
	}
}

const headers = ['stoa.h', 'stoa_generic.h', 'stoa_plain.h', 'stoa_test.h'].map((name) => read('common/app/include', name)).join('\n') + read('common/codec/include/stoa_value.h') + read('common/emitter/include/stoa_emitter.h');
const others = read('common/metrics/metrics.h') + read('deploy/cmake/StoaBuild.cmake'); // metrics, and the build's words
const known = new Set((headers + others).match(/\bstoa_\w+/g));
const options = new Set([...read('common/config/gateway_options.c').matchAll(/^\t\{ "(\w+)"/gm)].map(([, name]) => name));

// Flags of other programs are on other pages.
function checkNames(page) {
	for (const [text, line] of proseOf(page)) {
		for (const [name] of text.matchAll(/\bstoa_\w+/g))
			if (!known.has(name) && name !== 'stoa_')
				wrong(page, line, `there is no ${name}`);
		if (page !== 'docs/from-flask-socketio.md' && page !== 'docs/guide.md')
			continue;
		for (const [, name] of text.matchAll(/(?<=[` ])--([a-z0-9-]+)/g))
			if (!options.has(name.replaceAll('-', '_')) && !['app', 'set'].includes(name))
				wrong(page, line, `the gateway has no option --${name}`);
	}
}

// --- docs/features.md

const TEST = /^\[`[^`]+`\]\(([^)]+)\): (.+)$/;

function hasTest(file, name) {
	const source = readFileSync(file, 'utf8');

	if (file.endsWith('.c'))
		return source.includes(`START_TEST(${name})`) && source.includes(name, source.indexOf(`START_TEST(${name})`) + name.length + 12);
	return [`'${name}'`, `\`${name}\``].some((quoted) => source.includes(`test(${quoted}`));
}

// Each row of the page's tables names tests that exist. Returns what the rows' first cells say.
function checkShown(page, has) {
	const rows = proseOf(page).filter(([text]) => text.startsWith('|') && !/^\|[-|]*$/.test(text) && !/shown by \|$/.test(text));

	for (const [text, line] of rows) {
		for (const test of text.slice(1, -1).split('|').at(-1).trim().split('<br>')) {
			const found = TEST.exec(test);

			if (found === null)
				wrong(page, line, `this names no test: ${test}`);
			else if (existsSync(path.join(ROOT, 'docs', found[1])) && !has(path.join(ROOT, 'docs', found[1]), found[2]))
				wrong(page, line, `${found[1]} has no test ${found[2]}`);
		}
	}
	return new Set(rows.map(([text]) => text.slice(1, -1).split('|')[0].trim()));
}

function checkFeatures(page) {
	const seen = checkShown(page, hasTestOrGroup);

	const missing = proseOf(page).filter(([text]) => text.startsWith('Not there: ')).map(([text]) => text).join(' ');

	for (const [letter, count] of Object.entries({ A: 16, B: 13, C: 12, D: 11 }))
		for (let row = 1; row <= count; row++)
			if (!seen.has(`${letter}${row}`) && !new RegExp(`\\b${letter}${row}, `).test(missing))
				wrong(page, 1, `row ${letter}${row} is missing, and not said to be`);
}

// --- docs/protocol.md

const ADVISORIES = `
	CVE-2017-16031 CVE-2020-28481 CVE-2024-38355 CVE-2020-36049 CVE-2022-2421 CVE-2023-32695 CVE-2026-33151 CVE-2020-36048
	CVE-2022-21676 CVE-2022-41940 CVE-2023-31125 CVE-2026-59725 GHSA-gr94-w7qr-f4j3 CVE-2016-10518 CVE-2016-10542
	GHSA-5v72-xg48-5rpm CVE-2021-32640 CVE-2024-37890 CVE-2026-45736 CVE-2026-48779 CVE-2026-62389 CVE-2019-13611
	CVE-2026-48802 CVE-2026-48809 CVE-2025-61765 CVE-2026-48804
`.trim().split(/\s+/);

// Whether a test of a table has this name: it fits the template, and what stands in the gaps is in the file, word by word.
function isOfTable(source, name) {
	for (const [, raw] of source.matchAll(/\btest\(`((?:\\`|[^`])*)`/g)) {
		const template = raw.replaceAll('\\`', '`');
		const pattern = template.split(/\$\{(?:[^{}]|\{[^}]*\})*\}/).map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('(.+)');
		const gaps = new RegExp(`^${pattern}$`).exec(name)?.slice(1);

		if (gaps?.join(' ').split(' ').every((word) => source.includes(word)))
			return true;
	}
	return false;
}

// A test, one of a table of tests, a group of tests, or a comment of a script.
function hasTestOrGroup(file, name) {
	const raw = readFileSync(file, 'utf8');
	const source = raw.replaceAll(/\\(['`])/g, '$1');

	if (file.endsWith('.script'))
		return source.split('\n').some((line) => line.startsWith('#') && line.slice(2) === name) || source.replaceAll('\n# ', ' ').includes(`# ${name}`);
	if (file.endsWith('.c'))
		return hasTest(file, name);
	return [`'${name}'`, `\`${name}\``].some((quoted) => source.includes(`test(${quoted}`) || source.includes(`describe(${quoted}`)) || source.includes(`\t'${name}': `) || source.includes(`\t['${name}', `) || isOfTable(raw, name);
}

function checkProtocol(page) {
	const seen = checkShown(page, hasTestOrGroup);
	const titles = proseOf(page).filter(([text]) => text.startsWith('## ')).map(([text]) => text);

	for (let section = 1; section <= 15; section++)
		if (!titles.some((title) => title.startsWith(`## 2.${section} `)))
			wrong(page, 1, `section 2.${section} is missing`);
	for (const id of ADVISORIES)
		if (!seen.has(id))
			wrong(page, 1, `${id} is missing`);
}

// --- docs/from-flask-socketio.md

const MEMBERS = `
	SocketIO init_app on on_event event on_namespace on_error on_error_default emit send call close_room run stop
	start_background_task sleep test_client reason join_room leave_room rooms disconnect request.sid request.namespace
	request.event session current_app message json Namespace is_connected connect get_received register_namespace
	enter_room get_session save_session transport get_environ handle_request shutdown instrument trigger_event WSGIApp
	ASGIApp Manager PubSubManager RedisManager KombuManager KafkaManager ZmqManager ConnectionRefusedError TimeoutError
	manage_session message_queue channel path resource socketio_path client_manager logger serializer async_handlers
	always_connect namespaces async_mode ping_interval ping_timeout max_http_buffer_size allow_upgrades http_compression
	compression_threshold cookie cors_allowed_origins cors_credentials monitor_clients transports engineio_logger
	static_files broadcast include_self skip_sid to room namespace callback ignore_queue timeout silent sid auth host port
	debug use_reloader log_output allow_unsafe_werkzeug write_only
`.trim().split(/\s+/);

function checkMembers(page) {
	const code = [...read(page).matchAll(/`([^`]+)`/g)].map(([, text]) => text).join('\n');

	for (const name of MEMBERS)
		if (!new RegExp(`(?<![\\w])${name.replace('.', '\\.')}(?![\\w])`).test(code))
			wrong(page, 1, `${name} is missing`);
}

for (const page of pages()) {
	checkLinks(page);
	checkBlocks(page);
	checkNames(page);
}
checkBuilt();
checkFeatures('docs/features.md');
checkProtocol('docs/protocol.md');
checkMembers('docs/from-flask-socketio.md');
for (const mistake of mistakes)
	console.log(mistake);
console.log(`${pages().length} pages, ${sources().size} blocks of C, ${mistakes.length} mistakes`);
process.exitCode = mistakes.length > 0 ? 1 : 0;
