// Writes what was measured into docs/performance.md, between its markers, and the plots beside it.
//
//	docs.mjs [DIR]     of DIR (build/bench): result.json, crowd/crowd.json, flame/flame.json with its pictures; and costs.json
//
// What DIR does not have stays as it is in the page. report.test.mjs asks whether the page is whole (mistakesOf()).

import { copyFileSync, existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { plots } from './plot.mjs';
import { scenarios } from './scenarios.mjs';
import { countedTable, crowdTable, functionsTable, machineText, ratioTable, scenarioTables } from './tables.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const PAGE = path.join(HERE, '../../docs/performance.md'), PICTURES = path.join(HERE, '../../docs/performance');
export const BLOCKS = ['machine', 'ratios', 'figures', 'crowd', 'functions', 'counted'];

const begins = (name) => `<!-- written by tests/bench/docs.mjs: ${name} -->`;
const ends = (name) => `<!-- end of ${name} -->`;

// The text between the markers of a block; null: it has none, or more than one.
export function blockOf(page, name) {
	const parts = page.split(begins(name));
	const rest = parts[1]?.split(ends(name));

	return parts.length === 2 && rest.length === 2 ? rest[0].trim() : null;
}

export function withBlock(page, name, text) {
	if (blockOf(page, name) === null)
		throw new Error(`docs/performance.md has not one block "${name}"`);
	const [before, rest] = page.split(begins(name));

	return `${before}${begins(name)}\n\n${text}\n\n${ends(name)}${rest.split(ends(name))[1]}`;
}

const load = (file) => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null);

function write(directory) {
	const told = load(path.join(directory, 'result.json')), crowd = load(path.join(directory, 'crowd/crowd.json'));
	const flames = load(path.join(directory, 'flame/flame.json')), costs = load(path.join(HERE, 'costs.json'));
	const blocks = {
		...(told && { machine: machineText(told), ratios: ratioTable(told, scenarios), figures: scenarioTables(told, scenarios) }),
		...(crowd && { crowd: crowdTable(crowd) }),
		...(flames && { functions: functionsTable(flames) }),
		...(costs && { counted: countedTable(costs) }),
	};
	let page = readFileSync(PAGE, 'utf8');

	mkdirSync(PICTURES, { recursive: true });
	for (const [name, text] of Object.entries(blocks))
		page = withBlock(page, name, text);
	writeFileSync(PAGE, page);
	for (const [name, svg] of told ? plots(told, scenarios) : [])
		writeFileSync(path.join(PICTURES, `${name}.svg`), svg);
	for (const { name } of flames ?? [])
		copyFileSync(path.join(directory, 'flame', `${name}.svg`), path.join(PICTURES, `flame-${name}.svg`));
	console.log(`docs/performance.md: ${Object.keys(blocks).join(', ')}`);
}

// Sentences.
export function mistakesOf(page, pictures) {
	const missing = BLOCKS.filter((name) => !blockOf(page, name)).map((name) => `the block "${name}" is missing, there twice, or empty`);
	const unnamed = ['ratios', 'figures'].flatMap((block) => scenarios
		.filter((s) => (block === 'figures' || s.target) && !blockOf(page, block)?.includes(`\`${s.name}\``))
		.map((s) => `the block "${block}" does not name the scenario ${s.name}`));
	const unshown = pictures.filter((name) => !page.includes(`(performance/${name})`)).map((name) => `docs/performance/${name} is not shown`);

	return [...missing, ...unnamed, ...unshown];
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url))
	write(path.resolve(process.argv[2] ?? path.join(HERE, '../../build/bench')));
