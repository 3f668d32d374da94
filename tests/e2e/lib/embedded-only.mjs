// Cases that hold only where the application is embedded, of files that run behind brokers too: file > case, as run.mjs
// tells them, and why. Behind brokers they must fail, which counts as skipped with this reason; one that passes there
// fails the run, so that no reason outlives its cause. `group > *` is all of a group that fails there, which some of it must.

export const EMBEDDED_ONLY = {
	'hooks.test.mjs > a handler that blocks the loop is logged and counted, and /readyz says so for a while':
		'behind brokers a handler blocks no gateway',
	'msgpack.test.mjs > 2.13: the same bytes to the reference > *':
		'it waits as long as the connection takes to answer a ping, which is shorter than an application elsewhere takes to let somebody in',
	'msgpack.test.mjs > 2.13: beside the clients > 2.13: the HTTP API emits to them, attachments in place':
		'a gateway behind brokers is one of a cluster, which answers of the HTTP API mention',
	'tasks.test.mjs > at the end work that does not end is waited for, named, and left behind':
		'the exit code is that of a worker process, and the broker\'s own is another matter',
};
