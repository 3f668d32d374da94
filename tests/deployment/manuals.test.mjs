// The man pages and completions that a build writes: that the tools which read them find nothing wrong, and that they have all
// that the programs have.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { describe } from 'node:test';
import { BIN } from '../e2e/lib/gateway.mjs';
import { runProgram } from '../e2e/lib/program.mjs';
import { tool } from './tools.mjs';

const file = (name) => path.join(BIN, '../manual', name);
const text = (name) => readFileSync(file(name), 'utf8');
const PAGES = ['stoa-gateway.8', 'stoa-broker.8', 'stoa.1', 'stoa.conf.5'];
const DAEMONS = ['stoa-gateway', 'stoa-broker'];

const has = (command, ...args) => tool(command, args).then(({ code }) => code === 0, () => false);
const skipped = { mandoc: !(await has('mandoc', '-T', 'ascii', file('stoa.1'))), groff: !(await has('groff', '--version')), zsh: !(await has('zsh', '--version')), fish: !(await has('fish', '--version')) };
const needs = (name) => ({ skip: skipped[name] ? `there is no ${name} here` : false });

// Flags as --help shows them; --[no-]name is two.
function flagsOf(help) {
	return [...help.matchAll(/^ {2}--(\[no-\])?([a-z0-9-]+)/gm)].flatMap(([, no, name]) => (no ? [`--${name}`, `--no-${name}`] : [`--${name}`]));
}

const helpOf = async (program, ...words) => (await runProgram(program, [...words, '--help'])).stdout;
const commandsOf = (help) => [...help.split('Options:')[0].matchAll(/^ {2}([a-z-]+) /gm)].map(([, name]) => name);

// A page as it is read, without overstrikes and the ends of lines.
async function rendered(name) {
	const { code, output } = await tool('mandoc', ['-T', 'utf8', '-O', 'width=500', file(name)]);

	assert.equal(code, 0, output);
	return output.replaceAll(/.\x08/gu, '');
}

describe('man pages', () => {
	for (const name of PAGES) {
		test(`${name}: mandoc has nothing to warn of`, needs('mandoc'), async () => {
			assert.deepEqual(await tool('mandoc', ['-T', 'lint', '-W', 'warning', file(name)]), { code: 0, output: '' });
		});

		test(`${name}: groff has nothing to warn of`, needs('groff'), async () => {
			assert.deepEqual(await tool('groff', ['-mandoc', '-ww', '-z', '-T', 'utf8', file(name)]), { code: 0, output: '' });
		});
	}

	for (const program of DAEMONS)
		test(`${program}(8) has every flag of --help`, needs('mandoc'), async () => {
			const page = await rendered(`${program}.8`);
			const flags = [...(await helpOf(program)).matchAll(/^ {2}(--[^ ]+)/gm)].map(([, flag]) => flag);

			assert.ok(flags.length > 20);
			assert.deepEqual(flags.filter((flag) => !page.includes(`\n     ${flag} `) && !page.includes(`\n     ${flag}\n`)), []);
		});

	test('stoa.conf(5) has every option of both, with what it takes', needs('mandoc'), async () => {
		const page = await rendered('stoa.conf.5');

		for (const args of [['stoa-gateway', '--app', 'x.so'], ['stoa-broker', '--app', 'x.so']]) {
			const { stdout } = await runProgram(args[0], [...args.slice(1), '--print-config']);
			const names = [...stdout.matchAll(/^(?:# )?([a-z0-9_]+) (?:=|is not set|is set)/gm)].map(([, name]) => name);

			assert.ok(names.length > 20, stdout);
			assert.deepEqual(names.filter((name) => !page.includes(`\n     ${name}\n`) && !page.includes(`\n     ${name} `)), []);
		}
		assert.match(page, /log_level.*\n.*Value: one word of error, warn, info, debug/);
		assert.match(page, /ping_interval.*\n.*Value: a duration, from .* to /);
	});

	test('stoa(1) has every command, and every option with those that have it', needs('mandoc'), async () => {
		const page = await rendered('stoa.1');
		const commands = commandsOf(await helpOf('stoa'));

		assert.ok(commands.length > 10);
		for (const command of commands) {
			assert.ok(page.includes(`\n     ${command}`), command);
			for (const flag of flagsOf(await helpOf('stoa', command)))
				assert.ok(page.includes(`\n     ${flag}`), `${command} ${flag}`);
		}
		assert.match(page, /--ack SECONDS\n.*Of emit, server-emit\./);
	});

	test('what would be an escape or a request is text', needs('mandoc'), async () => {
		const page = await rendered('stoa-gateway.8');

		assert.doesNotMatch(page, /\\/);
		assert.match(page, /--check-config\n/);
	});
});

// What bash makes of a command line, the cursor at its end. `words` are as bash splits them.
async function completed(program, words) {
	const quoted = words.map((word) => `'${word}'`).join(' ');
	const script = `compopt() { :; }; . '${file(`${program}.bash`)}'; COMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; _${program.replaceAll('-', '_')}; printf '%s\\n' "\${COMPREPLY[@]}"`;
	const { code, output } = await tool('bash', ['--norc', '-u', '-c', script]);

	assert.equal(code, 0, output);
	return output.split('\n').filter((word) => word !== '');
}

describe('completions of bash', () => {
	for (const program of DAEMONS)
		test(`${program}: all flags of --help, those that begin so, and no others`, async () => {
			const flags = flagsOf(await helpOf(program));

			assert.deepEqual((await completed(program, [program, ''])).sort(), [...flags].sort());
			assert.deepEqual(await completed(program, [program, '--check']), ['--check-config']);
			assert.deepEqual(await completed(program, [program, '--nothing']), []);
		});

	test('values: of words, of files, of directories; also behind an =', async (t) => {
		const dir = mkdtempSync(path.join(tmpdir(), 'stoa-complete-'));

		t.after(() => rmSync(dir, { recursive: true }));
		writeFileSync(path.join(dir, 'one.so'), '');
		assert.deepEqual(await completed('stoa-gateway', ['stoa-gateway', '--log-level', '']), ['error', 'warn', 'info', 'debug']);
		assert.deepEqual(await completed('stoa-gateway', ['stoa-gateway', '--log-level', 'w']), ['warn']);
		assert.deepEqual(await completed('stoa-gateway', ['stoa-gateway', '--log-level', '=']), ['error', 'warn', 'info', 'debug']);
		assert.deepEqual(await completed('stoa-gateway', ['stoa-gateway', '--log-level', '=', 'd']), ['debug']);
		assert.deepEqual(await completed('stoa-broker', ['stoa-broker', '--app', `${dir}/o`]), [`${dir}/one.so`]);
		assert.deepEqual(await completed('stoa-gateway', ['stoa-gateway', '--public', `${dir}/o`]), []);
		assert.deepEqual(await completed('stoa-gateway', ['stoa-gateway', '--ping-interval', '']), []);
	});

	test('stoa: commands first, then the options of that one', async () => {
		const commands = commandsOf(await helpOf('stoa'));

		assert.deepEqual((await completed('stoa', ['stoa', ''])).sort(), [...commands, '--help', '--version'].sort());
		assert.deepEqual(await completed('stoa', ['stoa', 'em']), ['emit']);
		for (const command of commands)
			assert.deepEqual((await completed('stoa', ['stoa', command, '--'])).sort(), flagsOf(await helpOf('stoa', command)).sort(), command);
	});
});

describe('completions of others', () => {
	for (const program of [...DAEMONS, 'stoa']) {
		test(`zsh reads _${program}`, needs('zsh'), async () => {
			assert.deepEqual(await tool('zsh', ['-f', '-n', file(`_${program}`)]), { code: 0, output: '' });
		});

		test(`fish completes ${program}`, needs('fish'), async () => {
			const words = program === 'stoa' ? `${program} emit --` : `${program} --`;
			const script = `set -gx fish_complete_path; source '${file(`${program}.fish`)}'; complete -C '${words}'`;
			const { code, output } = await tool('fish', ['--no-config', '-c', script]);
			const flags = flagsOf(program === 'stoa' ? await helpOf('stoa', 'emit') : await helpOf(program));

			assert.equal(code, 0, output);
			assert.deepEqual(output.split('\n').filter((line) => line !== '').map((line) => line.split('\t')[0]).sort(), flags.sort());
		});
	}

	test('zsh takes each row of _arguments for an option', needs('zsh'), async () => {
		// _arguments itself needs a terminal; what it is handed is printed instead, a row a line.
		const rows = (name, setup = '') => tool('zsh', ['-f', '-c', `_arguments() { print -rl -- "$@" }; ${setup} . '${file(name)}'`]);

		for (const program of DAEMONS) {
			const { code, output } = await rows(`_${program}`);
			const flags = [...output.matchAll(/^\*(--[a-z0-9-]+)=?\[(?:[^\]\\]|\\.)*\](?::[a-z]+:.*)?$/gm)].map(([, flag]) => flag);

			assert.equal(code, 0, output);
			assert.equal(output.trimEnd().split('\n').length, flags.length + 1, 'every row but -s is of this form');
			assert.deepEqual(flags.sort(), flagsOf(await helpOf(program)).sort());
		}
	});
});
