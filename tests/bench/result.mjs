// result.json: every run there was, and what was made of them. It is written anew after each run, so that of a measurement that
// is broken off nothing is lost, and what it has is kept by the next one into the same directory: a pair of scenario and server
// that is measured again replaces its older runs, or joins them with `add`.

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { medians, targets } from './report.mjs';

const EMPTY = { measurements: [], runs: [] };

function read(file) {
	try {
		return JSON.parse(readFileSync(file, 'utf8'));
	} catch (error) {
		if (error.code === 'ENOENT')
			return EMPTY;
		throw error;
	}
}

export class Result {
	#replaced = new Set();

	// `measurement`: {when, commit, machine, quick, repeat}. What a quick run measured is never beside what a full one did.
	constructor(directory, measurement, scenarios, { add = false } = {}) {
		const { measurements = [], runs } = read(path.join(directory, 'result.json'));
		const isSame = measurements.at(-1)?.quick === measurement.quick;

		mkdirSync(directory, { recursive: true });
		this.file = path.join(directory, 'result.json');
		this.scenarios = scenarios;
		this.add = add;
		this.measurements = [...(isSame ? measurements : []), measurement];
		this.runs = isSame ? runs : [];
	}

	// `run`: what stoa-load told, with scenario, server and repetition. Runs of one `turn` took place one after the other.
	record(run) {
		const { when } = this.measurements.at(-1);
		const pair = `${run.scenario} ${run.server}`;

		if (!this.add && !this.#replaced.has(pair))
			this.runs = this.runs.filter((r) => `${r.scenario} ${r.server}` !== pair);
		this.#replaced.add(pair);
		this.runs.push({ ...run, turn: `${when} ${run.repetition}` });
		this.write();
	}

	get told() {
		const used = this.measurements.filter(({ when }) => this.runs.some((r) => r.turn.startsWith(when)));
		const rows = medians(this.runs, this.scenarios);

		return { measurements: used, rows, targets: targets(rows, this.scenarios), runs: this.runs };
	}

	write() {
		writeFileSync(`${this.file}.part`, JSON.stringify(this.told, null, '\t') + '\n');
		renameSync(`${this.file}.part`, this.file);
	}
}
