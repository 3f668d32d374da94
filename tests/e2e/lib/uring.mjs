// Whether the kernel lets a gateway have io_uring, asked of the program itself.

import path from 'node:path';
import { appPath, BIN, Gateway } from './gateway.mjs';
import { Program, portIn } from './program.mjs';

// The reason why not; undefined: it does.
export async function whyNoUring() {
	const g = await Gateway.startWithout(['--app', appPath('e2e')], { env: { STOA_IO_URING: 'true' } });
	const line = g.lines.find((text) => / io-uring-unavailable /.test(text));

	await g.stop();
	return line && `no io_uring: ${/why="([^"]*)"/.exec(line)?.[1] ?? line}`;
}

// A gateway whose kernel refuses `call`, setup or enter: see tests/support/refusing.c. Null: this machine does not let us.
export class Refused extends Program {
	static async start(t, call, args) {
		const g = new Refused();

		g.spawn('refusing', [call, path.join(BIN, 'stoa-gateway'), '--listen', '127.0.0.1:0', '--internal-listen', '127.0.0.1:0', '--shutdown-timeout', '500ms', ...args]);
		const found = await Promise.race([g.line(/ listening .*addr=/), g.ended]).catch(() => g.ended);
		if (typeof found !== 'string')
			return found.code === 77 ? null : Promise.reject(new Error(g.lines.join('\n')));
		t.after(() => g.stop());
		g.port = portIn(found, 'addr');
		g.internalUrl = `http://127.0.0.1:${portIn(found, 'internal')}`;
		return g;
	}
}
