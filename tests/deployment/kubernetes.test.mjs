// deploy/kubernetes without a cluster: what its parts say of each other, and the options with the programs themselves.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import test, { before, describe } from 'node:test';
import { runProgram } from '../e2e/lib/program.mjs';
import { deployed, read, tool, yaml } from './tools.mjs';

const seconds = (text) => Number.parseInt(text, 10) * { s: 1, m: 60 }[text.at(-1)];
let kustomization, all;

const of = (kind) => all.filter((object) => object.kind === kind);
const named = (kind, name) => of(kind).find((object) => object.metadata.name === name);
const podsOf = (labels) => of('Deployment').filter(({ spec }) => Object.entries(labels).every(([key, value]) => spec.template.metadata.labels[key] === value));
const containersOf = ({ spec }) => spec.template.spec.containers;
const portsOf = (deployment) => containersOf(deployment).flatMap(({ ports }) => ports);
const OURS = () => of('Deployment').filter(({ metadata }) => ['gateway', 'broker'].includes(metadata.name));

// The variables of a container: those of config maps, and its own.
function variablesOf({ envFrom = [], env = [] }) {
	const maps = envFrom.map(({ configMapRef }) => named('ConfigMap', configMapRef.name)?.data);

	assert.ok(maps.every((map) => map !== undefined), 'a config map that is not there');
	return Object.assign({}, ...maps, ...env.map(({ name, value }) => ({ [name]: value })));
}

before(async () => {
	[kustomization] = await yaml(read('deploy/kubernetes/kustomization.yaml'));
	all = (await Promise.all(kustomization.resources.map((file) => yaml(read('deploy/kubernetes', file))))).flat();
});

describe('manifests', () => {
	test('kustomize is told of every file, and every object has a kind, a version and a name of its own', () => {
		const names = all.map(({ apiVersion, kind, metadata }) => `${apiVersion} ${kind} ${metadata.name}`);

		assert.deepEqual([...kustomization.resources, 'kustomization.yaml'].sort(), readdirSync(deployed('kubernetes')).sort());
		assert.equal(new Set(names).size, names.length);
		assert.ok(names.every((name) => !name.includes('undefined')), names.join('\n'));
		assert.ok(named('Namespace', kustomization.namespace));
	});

	test('no key stands twice in a file', async () => {
		const program = 'import sys, yaml\nclass L(yaml.SafeLoader): pass\ndef m(l, n):\n  k = [x.value for x, _ in n.value]\n  assert len(k) == len(set(k)), n.start_mark\n  return yaml.SafeLoader.construct_mapping(l, n, True)\nL.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, m)\nlist(yaml.load_all(sys.stdin, L))';

		for (const file of readdirSync(deployed('kubernetes')))
			assert.deepEqual(await tool('/usr/bin/python3', ['-c', program], { input: read('deploy/kubernetes', file) }), { code: 0, output: '' }, file);
	});

	test('selectors select, each one deployment', () => {
		for (const { metadata, spec } of of('Deployment'))
			assert.deepEqual(podsOf(spec.selector.matchLabels).map((found) => found.metadata.name), [metadata.name]);
		for (const { kind, metadata, spec } of [...of('Service'), ...of('PodDisruptionBudget'), ...of('NetworkPolicy')])
			assert.equal(podsOf(spec.podSelector?.matchLabels ?? spec.selector.matchLabels ?? spec.selector).length, 1, `${kind} ${metadata.name}`);
		for (const { spec } of of('NetworkPolicy'))
			for (const { podSelector } of spec.ingress.flatMap(({ from }) => from).filter((from) => from.podSelector))
				assert.equal(podsOf(podSelector.matchLabels).length, 1);
		for (const { spec } of of('HorizontalPodAutoscaler'))
			assert.ok(named(spec.scaleTargetRef.kind, spec.scaleTargetRef.name));
		for (const { spec } of OURS())
			for (const { labelSelector } of spec.template.spec.topologySpreadConstraints ?? [])
				assert.deepEqual(labelSelector, spec.selector);
	});

	test('ports that are named are there', () => {
		const has = (deployment, name) => portsOf(deployment).some((port) => port.name === name);

		for (const { metadata, spec } of of('Service'))
			for (const { targetPort } of spec.ports)
				assert.ok(has(podsOf(spec.selector)[0], targetPort), `${metadata.name} ${targetPort}`);
		for (const { metadata, spec } of of('NetworkPolicy'))
			for (const { port } of spec.ingress.flatMap(({ ports }) => ports))
				assert.ok(has(podsOf(spec.podSelector.matchLabels)[0], port), `${metadata.name} ${port}`);
		for (const deployment of of('Deployment'))
			for (const container of containersOf(deployment))
				for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe'].map((name) => container[name]).filter(Boolean))
					assert.ok(has(deployment, (probe.httpGet ?? probe.tcpSocket).port));
		for (const { spec } of of('Ingress'))
			for (const { backend } of spec.rules.flatMap(({ http }) => http.paths))
				assert.ok(named('Service', backend.service.name).spec.ports.some(({ name }) => name === backend.service.port.name));
	});

	test('pods may do nothing that they need not', () => {
		for (const { metadata, spec: { template: { spec } } } of of('Deployment')) {
			assert.equal(spec.enableServiceLinks, false, metadata.name); // or STOA_.. variables of services are taken for options
			assert.equal(spec.automountServiceAccountToken, false, metadata.name);
			assert.equal(spec.securityContext.runAsNonRoot, true, metadata.name);
			assert.equal(spec.securityContext.seccompProfile.type, 'RuntimeDefault', metadata.name);
			for (const { securityContext, resources } of spec.containers) {
				assert.deepEqual(securityContext, { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } });
				assert.ok(resources.limits.memory && resources.requests.cpu);
			}
		}
	});
});

describe('beside the programs', () => {
	// As the container runs: its variables, those of the image, and its arguments.
	async function check(deployment, change = {}) {
		const [container] = containersOf(deployment);
		const image = deployment.metadata.name === 'broker' ? { STOA_APP: 'chat.so' } : {};

		assert.ok(deployment.metadata.name === 'broker' || container.args?.length > 0, 'the image would run its own CMD');

		assert.ok(kustomization.images.some(({ name }) => name === container.image), container.image);
		return runProgram(container.image, [...(container.args ?? []), '--check-config'], { env: { ...image, ...variablesOf(container), ...change } });
	}

	test('they take the variables for options, and find nothing wrong', async () => {
		for (const deployment of OURS()) {
			const { code, stderr } = await check(deployment);

			assert.equal(code, 0, stderr);
			assert.equal((await check(deployment, { STOA_NOTHING_KNOWN: '1' })).code, 2);
		}
	});

	test('ports are those that they listen on, and Redis is the service that there is', () => {
		for (const deployment of OURS()) {
			const [container] = containersOf(deployment);
			const variables = variablesOf(container);
			const listens = ['STOA_LISTEN', 'STOA_INTERNAL_LISTEN'].filter((name) => variables[name]).map((name) => Number(variables[name].split(':').at(-1)));
			const redis = new URL(variables.STOA_REDIS_URL);

			assert.deepEqual(container.ports.map(({ containerPort }) => containerPort), listens);
			assert.ok(named('Service', redis.hostname).spec.ports.some(({ port }) => port === Number(redis.port || 6379)));
			assert.equal(deployment.spec.template.metadata.annotations['prometheus.io/port'], String(listens.at(-1)));
		}
	});

	test('paths of probes are what they answer', () => {
		const answered = read('docs/operating.md');

		for (const deployment of OURS())
			for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe'])
				assert.ok(answered.includes(`| \`${containersOf(deployment)[0][probe].httpGet.path}\` |`), probe);
	});

	test('pods have more time for their end than they take', async () => {
		for (const deployment of OURS()) {
			const { spec } = deployment.spec.template;
			const [container] = spec.containers;
			const { stdout } = await runProgram(container.image, [...(container.args ?? []), '--app', 'x.so', '--print-config'], { env: variablesOf(container) });
			const takes = [...stdout.matchAll(/^(?:drain_delay|shutdown_timeout|background_timeout) = (\S+)$/gm)].reduce((sum, [, value]) => sum + seconds(value), 0);

			assert.ok(takes >= 30, stdout);
			assert.ok(spec.terminationGracePeriodSeconds > takes, `${takes} s`);
			assert.equal(container.lifecycle, undefined, 'it would take time too');
			if (deployment.metadata.name === 'gateway')
				assert.ok(seconds(/^drain_delay = (\S+)$/m.exec(stdout)[1]) >= 5, 'load balancers need a while');
		}
	});

	test('images are those of docker-compose.yml, of this version', () => {
		const version = /project\(stoa VERSION (\S+)/.exec(read('CMakeLists.txt'))[1];

		for (const { name, newTag } of kustomization.images) {
			assert.ok(read('docker-compose.yml').includes(`image: \${STOA_IMAGES:-stoa}-${name.slice('stoa-'.length)}`), name);
			assert.equal(newTag, version);
		}
	});
});
