// STOA_ALLOCATOR: each allocator whose package is there is linked, is the program's malloc, and gives back what is free. And what
// is said where a package is missing.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { IS_DEV, runGateway } from './lib/gateway.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const names = ['libc', 'jemalloc', 'mimalloc'];

const run = (program, ...args) => new Promise((resolve) => execFile(program, args, (error, stdout, stderr) =>
	resolve({ code: error ? error.code : 0, stdout, stderr })));

const configure = (...settings) => run('cmake', ...settings, '-P', path.join(ROOT, 'deploy/cmake/StoaAllocator.cmake'));
const oneLine = (text) => text.replace(/\s+/g, ' ');

const directory = mkdtempSync(path.join(os.tmpdir(), 'stoa-allocators-'));
process.on('exit', () => rmSync(directory, { recursive: true }));

function build(name) {
	const memory = path.join(ROOT, 'common/memory');

	return run('cc', '-D_GNU_SOURCE', '-std=c11', '-O1', `-I${memory}`, '-o', path.join(directory, name), path.join(memory, `memory_${name}.c`),
		path.join(ROOT, 'tests/unit/memory/allocator.c'), ...(name === 'libc' ? [] : [`-l${name}`]));
}

for (const name of names) {
	const there = await build(name);

	assert.ok(there.code === 0 || /cannot find|No such file/.test(there.stderr), there.stderr);
	test(`${name} is the malloc, and gives back`, { skip: there.code !== 0 && `the package lib${name}-dev is not installed` }, async () => {
		const { code, stdout } = await run(path.join(directory, name));

		assert.equal(code, 0);
		const told = JSON.parse(stdout);
		assert.match(told.name, new RegExp(`^${name} \\d+\\.\\d+`));
		assert.ok(path.basename(told.malloc).startsWith(name === 'libc' ? 'libc.so' : `lib${name}`), told.malloc);
		assert.ok(told.with - told.before > 60_000, stdout);
		assert.ok(told.after - told.before < 0.2 * (told.with - told.before), stdout);
	});
}

test('a package that is missing is named', async () => {
	for (const name of ['jemalloc', 'mimalloc']) {
		// As a script it knows no place to look in.
		const { code, stderr } = await configure(`-DSTOA_ALLOCATOR=${name}`, '-DCMAKE_FIND_LIBRARY_SUFFIXES=.none');

		assert.notEqual(code, 0);
		assert.match(oneLine(stderr), new RegExp(`STOA_ALLOCATOR=${name}: its library is missing; install the package lib${name}-dev`));
	}
});

test('what is no allocator, and sanitizers, are refused', async () => {
	assert.match(oneLine((await configure('-DSTOA_ALLOCATOR=tcmalloc')).stderr), /libc, jemalloc or mimalloc, and not "tcmalloc"/);
	assert.match(oneLine((await configure('-DSTOA_ALLOCATOR=jemalloc', '-DSTOA_SANITIZE=address')).stderr), /does not go with STOA_SANITIZE/);
	assert.equal((await configure('-DSTOA_SANITIZE=address')).code, 0);
});

test('--version says which', async () => {
	const { code, stdout } = await runGateway(['--version']);

	assert.equal(code, 0);
	assert.match(stdout, IS_DEV ? /^stoa-gateway [\d.]+, malloc of libc [\d.]+\n$/ : /^stoa-gateway [\d.]+, malloc of (libc|jemalloc|mimalloc) [\d.]+\n$/);
});
