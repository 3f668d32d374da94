// Runs test files and says last, on a line of its own, `cases: N passed, N failed, N skipped`.
//
//	node run.mjs                         all of them, one file after the other
//	node run.mjs chat.test.mjs           only those named
//
// STOA_BIN, STOA_APPS and STOA_BUILD say what is tested: see lib/gateway.mjs.

import { readdirSync } from 'node:fs';
import path from 'node:path';
import { run } from 'node:test';
import { fileURLToPath } from 'node:url';

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

const stream = run({ files, concurrency: 1 });

stream.on('test:start', (test) => open.splice(test.nesting, open.length, test.name));
stream.on('test:pass', (test) => {
	const skipped = test.skip !== undefined && test.skip !== false;

	if (isGroup(test))
		return;
	counts[skipped ? 'skipped' : 'passed']++;
	tell(skipped ? '-' : 'ok', test, typeof test.skip === 'string' ? ` SKIP: ${test.skip}` : '');
});
stream.on('test:fail', (test) => {
	if (failedInside(test))
		return;
	counts.failed++;
	tell('NOT OK', test);
	console.log(indent(explain(test.details?.error), 4));
});
stream.on('test:stdout', ({ message }) => process.stdout.write(message));
stream.on('test:stderr', ({ message }) => process.stdout.write(message));
stream.on('end', () => {
	console.log(`cases: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
	process.exitCode = counts.failed > 0 || counts.passed + counts.skipped === 0 ? 1 : 0;
});
stream.resume();
