// Several gateways over one Redis. Behind brokers they are gateways of one application, each with a broker.

import { forTest, Gateway } from './gateway.mjs';
import { eventually } from './wait.mjs';

let clusters = 0;
const ofOneApplication = () => ({ appName: `cluster${process.pid}-${++clusters}` });

// They beat often, so that tests need not wait; what is judged by silence has time enough on a busy machine.
export const QUICK = ['--node-beat', '100ms', '--node-lost', '5s', '--bus-probe-interval', '2s'];

// All know of each other and hear each other.
export async function together(gateways, others = gateways.length - 1) {
	for (const g of gateways)
		await eventually('the gateways to know each other', async () => {
			const m = await g.metrics();

			return m.stoa_bus_up === 1 && m.stoa_cluster_nodes === others;
		});
}

export async function clusterForTest(t, redis, n, flags = [], app = 'cluster') {
	const one = ofOneApplication();
	const gateways = await Promise.all(Array.from({ length: n }, () => forTest(t, app, ['--redis-url', redis.url, ...QUICK, ...flags], one)));

	await together(gateways);
	return gateways;
}

export function shareCluster(before, after, redis, n, flags = [], app = 'cluster') {
	let gateways = [];

	before(async () => {
		const one = ofOneApplication();

		await redis.started;
		gateways = await Promise.all(Array.from({ length: n }, () => Gateway.start(app, ['--redis-url', redis().url, ...QUICK, ...flags], one)));
		await together(gateways);
	});
	after(() => Promise.all(gateways.map((g) => g.stop())));
	return () => gateways;
}

// Everything that is wanted is subscribed to: what is published from now on is heard.
export async function settled(...gateways) {
	for (const g of gateways)
		await eventually('subscriptions to hold', async () => {
			const m = await g.metrics();

			return m.stoa_bus_up === 1 && m.stoa_bus_unsettled === 0;
		});
}
