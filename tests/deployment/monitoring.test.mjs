// What Prometheus and Grafana are given: the numbers of a running gateway and broker, the alerts, the dashboard.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { after, before, describe } from 'node:test';
import { Broker } from '../e2e/lib/broker.mjs';
import { Gateway, parseMetrics } from '../e2e/lib/gateway.mjs';
import { Redis } from '../e2e/lib/redis.mjs';
import { eventually } from '../e2e/lib/wait.mjs';
import { deployed, read, tool, yaml } from './tools.mjs';

const APP = 'chat';
let redis, gateway, broker;

before(async () => {
	redis = await Redis.start();
	broker = await Broker.start(APP, { redisUrl: redis.url, appName: APP, flags: ['--workers', '1'] });
	gateway = await Gateway.startWithout(['--dispatch', 'broker', '--app-name', APP, '--redis-url', redis.url]);
});
after(async () => {
	await gateway?.stop();
	await broker?.stop();
	await redis?.kill();
});

const textOf = async (program) => (await fetch(`${program.internalUrl}/metrics`)).text();
const rules = async () => (await yaml(read('deploy/monitoring/alerts.yml')))[0].groups.flatMap((group) => group.rules);
const dashboard = () => JSON.parse(read('deploy/monitoring/grafana/stoa.json'));
const panels = () => dashboard().panels.filter((panel) => panel.type !== 'row');

// name{label="value",..} of an expression: [name, [[label, operator, value], ..]].
function selectorsOf(expr) {
	return [...expr.matchAll(/\b((?:stoa|process)_[a-z_]+)(?:\{([^}]*)\})?/g)].map(([, name, labels = '']) =>
		[name, [...labels.matchAll(/(\w+)(=~|!~|!=|=)"([^"]*)"/g)].map(([, label, operator, value]) => [label, operator, value])]);
}

// What is wrong with the metrics that an expression names: those that nobody has, and values that no label has.
function mistakesOf(expr, series) {
	const mistakes = [];

	for (const [name, labels] of selectorsOf(expr)) {
		const rows = series.filter((row) => row.replace(/\{.*/, '') === name);

		if (rows.length === 0)
			mistakes.push(name);
		for (const [label, , value] of labels.filter(([label]) => !['job', 'instance'].includes(label)))
			mistakes.push(...value.split('|').filter((one) => !rows.some((row) => row.includes(`${label}="${one}"`))).map((one) => `${name}{${label}="${one}"}`));
	}
	return mistakes;
}

// Labels that an expression groups by, and that a legend or summary shows, beside those that Prometheus adds.
function strayLabels(text, expr, series) {
	const shown = [...text.matchAll(/\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}/g)].map(([, label]) => label);
	const known = ['job', 'instance', ...series.filter((row) => selectorsOf(expr).some(([name]) => row.startsWith(`${name}{`))).flatMap((row) => [...row.matchAll(/(\w+)="/g)].map(([, label]) => label))];

	return shown.filter((label) => !known.includes(label));
}

describe('numbers', () => {
	test('promtool finds nothing wrong with what a gateway and a broker say', async () => {
		for (const program of [gateway, broker]) {
			const { code, output } = await tool('promtool', ['check', 'metrics'], { input: await textOf(program) });

			assert.equal(output, '');
			assert.equal(code, 0);
		}
	});
});

describe('alerts', () => {
	test('promtool reads them', async () => {
		const { code, output } = await tool('promtool', ['check', 'rules', deployed('monitoring/alerts.yml')]);

		assert.equal(code, 0, output);
	});

	test('each fires where it should, alone, and none where all is well', async () => {
		const { code, output } = await tool('promtool', ['test', 'rules', 'tests/deployment/alerts.test.yml']);

		assert.equal(code, 0, output);
	});

	test('each has a case that it fires in, and says what it is and how bad', async () => {
		const [{ tests }] = await yaml(read('tests/deployment/alerts.test.yml'));
		const fired = tests.flatMap((one) => one.promql_expr_test.flatMap((asked) => asked.exp_samples.map((sample) => /alertname="(\w+)"/.exec(sample.labels)[1])));

		for (const { alert, labels, annotations } of await rules()) {
			assert.ok(fired.includes(alert), `${alert} has no case`);
			assert.match(labels.severity, /^(critical|warning)$/, alert);
			assert.ok(annotations.summary.length > 20, alert);
		}
	});

	test('every metric and label that they name is there', async () => {
		const series = Object.keys(parseMetrics(await textOf(gateway)));

		for (const { alert, expr, annotations } of await rules()) {
			assert.deepEqual(mistakesOf(expr, series), [], alert);
			assert.deepEqual(strayLabels(annotations.summary.replaceAll('{{ $value }}', ''), expr, series), [], alert);
		}
	});

	test('docs/monitoring.md says what to do about each, and of no other', async () => {
		const told = [...read('docs/monitoring.md').matchAll(/^\| `(Stoa\w+)` \|/gm)].map(([, name]) => name);

		assert.deepEqual(told, (await rules()).map(({ alert }) => alert));
	});
});

describe('dashboard', () => {
	test('it is what its table says', async () => {
		const { code, output } = await tool('node', [deployed('monitoring/dashboard.mjs')]);

		assert.equal(code, 0, output);
		assert.equal(output, read('deploy/monitoring/grafana/stoa.json'), 'write it: node deploy/monitoring/dashboard.mjs > deploy/monitoring/grafana/stoa.json');
	});

	test('every metric and label that it names is there', async () => {
		const series = Object.keys(parseMetrics(await textOf(gateway)));

		for (const { title, targets } of panels())
			for (const { expr, legendFormat } of targets) {
				assert.ok(selectorsOf(expr).length > 0 || expr.includes('up{'), title);
				assert.deepEqual(mistakesOf(expr, series), [], title);
				assert.deepEqual(strayLabels(legendFormat, expr, series), [], title);
			}
	});

	test('promtool reads every expression', async () => {
		const exprs = panels().flatMap(({ targets }) => targets.map(({ expr }) => expr.replaceAll('$__rate_interval', '1m')));
		const file = { groups: [{ name: 'dashboard', rules: exprs.map((expr, i) => ({ record: `panel:${i}`, expr })) }] };
		const dir = mkdtempSync(path.join(tmpdir(), 'stoa-dashboard-'));
		writeFileSync(path.join(dir, 'rules.yml'), JSON.stringify(file));
		const { code, output } = await tool('promtool', ['check', 'rules', '--lint=none', path.join(dir, 'rules.yml')]);

		rmSync(dir, { recursive: true });
		assert.equal(code, 0, output);
		assert.match(output, new RegExp(`${exprs.length} rules found`));
	});

	test('no two panels lie on one another, and ids differ', () => {
		const taken = new Set(), ids = new Set();

		for (const { id, title, gridPos } of dashboard().panels) {
			assert.ok(!ids.has(id) && ids.add(id), title);
			for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
				for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++)
					assert.ok(!taken.has(`${x},${y}`) && taken.add(`${x},${y}`), title);
		}
	});
});

describe('docker-compose.yml, profile monitoring', () => {
	test('the configuration is good, and each file that is mounted is there', async () => {
		const [{ services, networks }] = await yaml(read('docker-compose.yml'));
		const parts = Object.entries(services).filter(([, service]) => service.profiles?.includes('monitoring'));

		assert.deepEqual(parts.map(([name]) => name), ['prometheus', 'grafana']);
		for (const [name, service] of parts) {
			assert.ok(service.networks.every((network) => network in networks), name);
			for (const volume of service.volumes)
				assert.notEqual(read(volume.split(':')[0].slice(2)), '', volume);
		}
		const { code, output } = await tool('promtool', ['check', 'config', deployed('monitoring/prometheus.yml')]);
		assert.equal(code, 0, output);
	});

	test('its jobs are those that alerts and dashboard know', async () => {
		const [{ scrape_configs: jobs }] = await yaml(read('deploy/monitoring/prometheus.yml'));
		const known = [...`${read('deploy/monitoring/alerts.yml')}${read('deploy/monitoring/dashboard.mjs')}`.matchAll(/job="([\w-]+)"/g)].map(([, job]) => job);

		assert.deepEqual(jobs.map((job) => job.job_name).sort(), [...new Set(known)].sort());
	});
});

// Last: it takes the Redis away.
describe('without Redis', () => {
	test('what StoaBusDown looks for is what a gateway says', async () => {
		await eventually('the bus to be up', async () => (await gateway.metrics()).stoa_bus_up === 1);
		redis.signal('SIGKILL');
		await eventually('the bus to be down', async () => (await gateway.metrics()).stoa_bus_up === 0);
		assert.ok((await gateway.metrics()).stoa_bus_subscriptions > 0);
	});
});
