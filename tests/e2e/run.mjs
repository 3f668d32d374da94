// Runs test files and says last, on a line of its own, `cases: N passed, N failed, N skipped`.
//
//	node run.mjs                         all of them, one file after the other
//	node run.mjs chat.test.mjs           only those named
//
// STOA_BIN, STOA_APPS, STOA_BUILD and STOA_DISPATCH say what is tested: see lib/program.mjs and lib/gateway.mjs. With
// STOA_IO_URING=true, an option of the programs, all is skipped where they cannot have io_uring.

import { readdirSync } from 'node:fs';
import path from 'node:path';
import { run } from 'node:test';
import { fileURLToPath } from 'node:url';
import { EMBEDDED_ONLY } from './lib/embedded-only.mjs';
import { whyNoUring } from './lib/uring.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const named = process.argv.slice(2).map((name) => path.resolve(name));
const files = named.length > 0 ? named : readdirSync(here).filter((name) => name.endsWith('.test.mjs')).sort().map((name) => path.join(here, name));
const counts = { passed: 0, failed: 0, skipped: 0 };

let current = ''; // the file whose cases are being told
const open = []; // the names of the test that runs and of those around it, outermost first

function indent(text, by) {
	return text.split('\n').map((line) => ' '.repeat(by) + line).join('\n');
}

function explain(error) {
	const cause = error?.cause ?? error;

	return typeof cause === 'object' && cause !== null ? `${cause.stack ?? cause.message ?? JSON.stringify(cause)}` : String(cause);
}

function tell(mark, test, more = '') {
	const ms = Math.round(test.details?.duration_ms ?? 0);
	const file = path.basename(test.file ?? current);

	if (file !== current)
		console.log(`# ${(current = file)}`);
	console.log(`${mark} ${[...open.slice(0, test.nesting), test.name].join(' > ')} (${ms} ms)${more}`);
}

// A describe() is no case, and neither is a test or a file that fails because something inside it did. A file that
// fails as a whole (it does not load, a hook of it throws) is one: nothing else says so.
const isGroup = (test) => test.details?.type === 'suite' || files.includes(path.resolve(test.name));
const failedInside = (test) => test.details?.error?.failureType === 'subtestsFailed';

// Why a case cannot pass behind brokers, and whether that is so of all of its group; undefined: it must pass.
const groupsThatFail = new Set();

function cannotPass(test) {
	if (process.env.STOA_DISPATCH !== 'broker')
		return undefined;
	const names = [path.basename(test.file ?? current), ...open.slice(0, test.nesting)].join(' > ');
	const group = `${names} > *`;
	return EMBEDDED_ONLY[group] !== undefined ? { why: EMBEDDED_ONLY[group], group } : { why: EMBEDDED_ONLY[`${names} > ${test.name}`] };
}

// Groups of files that were run, of which nothing failed.
function groupsThatPass() {
	return Object.keys(EMBEDDED_ONLY).filter((key) => process.env.STOA_DISPATCH === 'broker' && key.endsWith(' > *') &&
		files.some((file) => key.startsWith(`${path.basename(file)} > `)) && !groupsThatFail.has(key));
}

function count(mark, key, test, more) {
	counts[key]++;
	tell(mark, test, more);
}

const whyNot = process.env.STOA_IO_URING === undefined ? undefined : await whyNoUring();
if (whyNot !== undefined) {
	console.log(`SKIP: ${whyNot}\ncases: 0 passed, 0 failed, 1 skipped`);
	process.exit(0);
}
const stream = run({ files, concurrency: 1 });

stream.on('test:start', (test) => open.splice(test.nesting, open.length, test.name));
stream.on('test:pass', (test) => {
	const skipped = test.skip !== undefined && test.skip !== false;

	if (isGroup(test) && !skipped) // of one that is skipped nothing else is told
		return;
	if (!skipped && cannotPass(test)?.why !== undefined && cannotPass(test).group === undefined)
		return count('NOT OK', 'failed', test, ' passes behind brokers: it is to go from lib/embedded-only.mjs');
	count(skipped ? '-' : 'ok', skipped ? 'skipped' : 'passed', test, typeof test.skip === 'string' ? ` SKIP: ${test.skip}` : '');
});
stream.on('test:fail', (test) => {
	if (failedInside(test))
		return;
	const { why, group } = cannotPass(test) ?? {};

	groupsThatFail.add(group);
	if (why !== undefined)
		return count('-', 'skipped', test, ` SKIP: embedded only: ${why}`);
	count('NOT OK', 'failed', test);
	console.log(indent(explain(test.details?.error), 4));
});
stream.on('test:stdout', ({ message }) => process.stdout.write(message));
stream.on('test:stderr', ({ message }) => process.stdout.write(message));
stream.on('end', () => {
	for (const group of groupsThatPass()) {
		counts.failed++;
		console.log(`NOT OK ${group} passes behind brokers: it is to go from lib/embedded-only.mjs`);
	}
	console.log(`cases: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
	process.exitCode = counts.failed > 0 || counts.passed + counts.skipped === 0 ? 1 : 0;
});
stream.resume();
