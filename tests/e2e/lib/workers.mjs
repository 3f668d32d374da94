// A gateway of several workers, which is one process to a test that ends it and several to one that looks closer.

import { forTest, parseMetrics } from './gateway.mjs';
import { QUICK } from './cluster.mjs';
import { eventually } from './wait.mjs';

const pairs = (line) => Object.fromEntries([...line.matchAll(/(\w+)=("[^"]*"|\S+)/g)].map(([, key, value]) => [key, value]));

// All lines of an event, as their pairs.
export const events = (g, name) => g.lines.filter((line) => line.includes(` ${name} `)).map(pairs);

// What the log says last of each worker that listens.
export function workersOf(g) {
	const workers = [];

	for (const { worker, internal } of events(g, 'listening'))
		workers[worker] = { ...workers[worker], internal };
	for (const { worker, pid } of events(g, 'worker-started'))
		workers[worker] = { ...workers[worker], pid: Number(pid) };
	return workers;
}

export async function metricsOf(worker) {
	return parseMetrics(await (await fetch(`http://${worker.internal}/metrics`)).text());
}

// Resolves when `n` workers listen, hear each other and know where the others are.
export async function together(g, n) {
	await eventually('the workers to know each other', async () => {
		const all = workersOf(g);

		if (all.length < n || all.includes(undefined))
			return false;
		const metrics = await Promise.all(all.map((w) => metricsOf(w).catch(() => ({}))));
		return metrics.every((m) => m.stoa_bus_up === 1 && m.stoa_bus_unsettled === 0 && m.stoa_cluster_nodes === n - 1);
	});
	return workersOf(g);
}

export async function workersForTest(t, redis, n, flags = [], app = 'workers') {
	const g = await forTest(t, app, ['--workers', n, '--redis-url', redis.url, ...QUICK, ...flags]);

	await together(g, n);
	return g;
}
