// The blocks of C in the pages: which there are, and the files that the build makes of them.
//
//	node blocks.mjs --write FOLDER     writes FOLDER/GROUP-NAME.c for each, and FOLDER/blocks.cmake with their names
//
// A block is named in its fence: ```c guide/rooms. Blocks of one name make one file, in the order of the page; a file
// that does not include stoa.h itself gets that line. Where the group ends in -test the file is a program, elsewhere a
// module. Compilers name the page and its line.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

// All pages, relative to ROOT: those in the root, in docs and beside the examples.
export function pages() {
	const inFolder = (folder) => readdirSync(path.join(ROOT, folder)).filter((name) => name.endsWith('.md')).map((name) => path.join(folder, name));
	const examples = readdirSync(path.join(ROOT, 'examples'), { withFileTypes: true }).filter((entry) => entry.isDirectory());

	return [...inFolder('.'), ...inFolder('docs'), ...examples.flatMap(({ name }) => inFolder(path.join('examples', name)))].sort();
}

// Every fenced block of a page: { page, line, language, name, text }, `line` being that of its first line of text.
export function fences(page) {
	const lines = readFileSync(path.join(ROOT, page), 'utf8').split('\n');
	const found = [];
	let block = null;

	for (const [i, line] of lines.entries()) {
		if (block === null && line.startsWith('```')) {
			const [language, name] = line.slice(3).trim().split(/\s+/);
			block = { page, line: i + 2, language, name, text: '' };
		} else if (block !== null && line === '```') {
			found.push(block);
			block = null;
		} else if (block !== null) {
			block.text += `${line}\n`;
		}
	}
	if (block !== null)
		throw new Error(`${page}:${block.line}: this block has no end`);
	return found;
}

// The files to compile: name -> text.
export function sources() {
	const files = new Map();

	for (const { page, line, language, name, text } of pages().flatMap(fences)) {
		if (language !== 'c' || name === undefined)
			continue;
		if (!/^[a-z-]+\/[a-z-]+$/.test(name))
			throw new Error(`${page}:${line - 1}: a block's name is GROUP/NAME, not ${name}`);
		const file = name.replace('/', '-');
		const numbered = `#line ${line} "${page}"\n${text}`;

		if (files.has(file))
			files.set(file, `${files.get(file)}\n${numbered}`);
		else
			files.set(file, /#include <stoa(_test)?\.h>/.test(text) ? numbered : `#include <stoa.h>\n${numbered}`);
	}
	return files;
}

export const isProgram = (file) => /-test-/.test(file);

// A file that is as it should be keeps its time, so that nothing is built anew.
function write(file, text) {
	if (!existsSync(file) || readFileSync(file, 'utf8') !== text)
		writeFileSync(file, text);
}

function writeAll(folder) {
	const files = sources();
	const names = [...files.keys()];
	const list = (variable, items) => `set(${variable} ${items.join(' ')})\n`;

	mkdirSync(folder, { recursive: true });
	for (const [name, text] of files)
		write(path.join(folder, `${name}.c`), text);
	write(path.join(folder, 'blocks.cmake'), list('doc_modules', names.filter((name) => !isProgram(name)))
		+ list('doc_programs', names.filter(isProgram)) + list('doc_pages', pages().map((page) => path.join(ROOT, page))));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	if (process.argv[2] !== '--write' || process.argv.length !== 4)
		throw new Error('usage: node blocks.mjs --write FOLDER');
	writeAll(process.argv[3]);
}
