// The dashboard as a table: `node dashboard.mjs > dashboard.json` writes what Grafana takes; a test holds the two together.
//
// A panel shows each gateway, or broker, that is chosen above, and what they come to together.

const GATEWAY = '{job="stoa-gateway",instance=~"$gateway"}';
const BROKER = '{job="stoa-broker",instance=~"$broker"}';

// A query: what is summed and shown by these labels.
const by = (labels, expr, legend) => ({ expr: labels === '' ? expr : `sum by (${labels}) (${expr})`, legend });
// Each one's own, and the sum of all.
const each = (expr) => [by('instance', expr, '{{instance}}'), { expr: `sum(${expr})`, legend: 'all' }];
const rate = (name, where, labels = '') => `rate(${name}${labels === '' ? where : where.replace('}', `,${labels}}`)}[$__rate_interval])`;

// A histogram's share of what took at most so long.
const quantile = (q, name, where) => ({ expr: `histogram_quantile(${q}, sum by (le) (rate(${name}_bucket${where}[$__rate_interval])))`, legend: `${q * 100} % within` });

const ROWS = [
	['All gateways', 'stat', [
		['Gateways', 'none', [{ expr: 'count(up{job="stoa-gateway"} == 1)', legend: '' }]],
		['Clients', 'none', [{ expr: 'sum(stoa_clients{job="stoa-gateway"})', legend: '' }]],
		['Events in', 'cps', [{ expr: 'sum(rate(stoa_events_total{job="stoa-gateway",direction="in"}[$__rate_interval]))', legend: '' }]],
		['Deliveries', 'cps', [{ expr: 'sum(rate(stoa_deliveries_total{job="stoa-gateway"}[$__rate_interval]))', legend: '' }]],
		['Bus up', 'none', [{ expr: 'sum(stoa_bus_up{job="stoa-gateway"})', legend: '' }]],
		['Brokers', 'none', [{ expr: 'count(up{job="stoa-broker"} == 1)', legend: '' }]],
		['Backlog', 'none', [{ expr: 'sum(stoa_broker_backlog{job="stoa-broker"})', legend: '' }]],
		['Dead letters in a day', 'none', [{ expr: 'sum(increase(stoa_broker_dead_letters_total[1d]))', legend: '' }]],
	]],
	['Clients', 'timeseries', [
		['Clients', 'none', each(`stoa_clients${GATEWAY}`)],
		['Sessions by transport', 'none', [by('transport', `stoa_sessions${GATEWAY}`, '{{transport}}')]],
		['Handshakes and upgrades', 'cps', [by('result', rate('stoa_handshakes_total', GATEWAY), 'handshake {{result}}'), by('result', rate('stoa_upgrades_total', GATEWAY), 'upgrade {{result}}')]],
		['Sessions ended, by reason', 'cps', [by('reason', rate('stoa_disconnects_total', GATEWAY), '{{reason}}')]],
		['Limits passed', 'cps', [by('limit', rate('stoa_limit_total', GATEWAY), '{{limit}}')]],
		['Unknown sessions, malformed input', 'cps', [by('instance', rate('stoa_unknown_sids_total', GATEWAY), 'unknown at {{instance}}'), by('part', rate('stoa_malformed_total', GATEWAY), '{{part}}')]],
		['Draining', 'none', [by('instance', `stoa_draining${GATEWAY}`, '{{instance}}')]],
		['Clients that are away and may be recovered', 'none', each(`stoa_recovery_sessions${GATEWAY}`)],
		['Came back: recovered, or why not', 'cps', [by('result', rate('stoa_recoveries_total', GATEWAY), '{{result}}')]],
		['Kept for recovery', 'bytes', each(`stoa_recovery_bytes${GATEWAY}`)],
	]],
	['TLS and tokens', 'timeseries', [
		['TLS connections', 'none', each(`stoa_tls_connections${GATEWAY}`)],
		['TLS handshakes', 'cps', [by('result', rate('stoa_tls_handshakes_total', GATEWAY), '{{result}}')]],
		['Certificates end in', 's', [{ expr: `(stoa_tls_certificate_expiry_timestamp_seconds${GATEWAY} > 0) - time()`, legend: '{{instance}}' }]],
		['Certificates and keys that could not be read', 'cps', [by('instance', rate('stoa_tls_certificate_loads_total', GATEWAY, 'result="failed"'), 'certificates of {{instance}}'), by('instance', rate('stoa_token_keys_reads_total', GATEWAY, 'result="failed"'), 'keys of {{instance}}')]],
		['Tokens', 'cps', [by('result', rate('stoa_tokens_total', GATEWAY), '{{result}}')]],
		['Keys that tokens are checked with', 'none', [by('instance', `stoa_token_keys${GATEWAY}`, '{{instance}}')]],
		['Disconnected, as their token had ended', 'cps', each(rate('stoa_token_disconnects_total', GATEWAY))],
	]],
	['Messages', 'timeseries', [
		['Events in', 'cps', each(rate('stoa_events_total', GATEWAY, 'direction="in"'))],
		['Events out', 'cps', each(rate('stoa_events_total', GATEWAY, 'direction="out"'))],
		['Deliveries', 'cps', each(rate('stoa_deliveries_total', GATEWAY))],
		['Bytes', 'Bps', [by('direction', rate('stoa_bytes_total', GATEWAY), '{{direction}}')]],
		['Output that waits', 'bytes', each(`stoa_frames_bytes${GATEWAY}`)],
		['Dropped', 'cps', [by('instance', rate('stoa_volatile_dropped_total', GATEWAY), 'volatile at {{instance}}'), by('instance', rate('stoa_latest_dropped_total', GATEWAY), 'latest at {{instance}}')]],
	]],
	['The bus and Redis', 'timeseries', [
		['Bus up', 'none', [by('instance', `stoa_bus_up${GATEWAY}`, '{{instance}}')]],
		['Through Redis and back', 's', [by('instance', `stoa_bus_lag_seconds${GATEWAY}`, '{{instance}}')]],
		['Messages', 'cps', [by('direction', rate('stoa_bus_messages_total', GATEWAY), '{{direction}}')]],
		['Lost and missed', 'cps', [by('cause', rate('stoa_bus_unpublished_total', GATEWAY), '{{cause}}'), by('instance', rate('stoa_bus_gaps_total', GATEWAY), 'gaps of {{instance}}'), by('instance', rate('stoa_bus_deaf_total', GATEWAY), '{{instance}} deaf')]],
		['Connections to Redis', 'none', [by('job, role', 'stoa_redis_connected{job=~"stoa-.*"}', '{{job}} {{role}}')]],
		['Trouble with Redis', 'cps', [by('kind', 'rate(stoa_redis_trouble_total{job=~"stoa-.*"}[$__rate_interval])', '{{kind}}')]],
		['Other gateways seen', 'none', [by('instance', `stoa_cluster_nodes${GATEWAY}`, '{{instance}}')]],
		['Requests taken to other gateways', 'cps', [by('kind, result', rate('stoa_relayed_total', GATEWAY), '{{kind}} {{result}}')]],
	]],
	['Brokers and webhook', 'timeseries', [
		['Partitions held', 'none', each(`stoa_broker_partitions${BROKER}`)],
		['Events that wait', 'none', each(`stoa_broker_backlog${BROKER}`)],
		['Age of the oldest', 's', [by('instance', `stoa_broker_oldest_seconds${BROKER}`, '{{instance}}')]],
		['Events handled', 'cps', [by('result', rate('stoa_broker_events_total', BROKER), '{{result}}')]],
		['Time of handlers', 's', [quantile(0.5, 'stoa_handler_seconds', BROKER), quantile(0.99, 'stoa_handler_seconds', BROKER)]],
		['Time of events, as gateways see it', 's', [quantile(0.5, 'stoa_dispatch_seconds', GATEWAY), quantile(0.99, 'stoa_dispatch_seconds', GATEWAY)]],
		['Events given up', 'cps', [by('cause', rate('stoa_dispatch_refused_total', GATEWAY), '{{cause}}')]],
		['Retries and dead letters', 'cps', [by('cause', rate('stoa_broker_retries_total', BROKER), 'again: {{cause}}'), by('reason', rate('stoa_broker_dead_letters_total', BROKER), 'dead: {{reason}}')]],
		['Worker processes', 'none', [by('instance', `stoa_broker_workers${BROKER}`, '{{instance}}')]],
		['Posts to the webhook', 'cps', [by('result', rate('stoa_webhook_posts_total', GATEWAY), '{{result}}')]],
	]],
	['Processes', 'timeseries', [
		['Loop: share of the time', 'percentunit', [by('instance', rate('stoa_loop_busy_seconds_total', GATEWAY), '{{instance}}')]],
		['Loop: longest turn so far', 's', [by('instance', `stoa_loop_turn_max_seconds${GATEWAY}`, '{{instance}}')]],
		['Loop: stalls', 'cps', [by('instance', rate('stoa_loop_stalls_total', GATEWAY), '{{instance}}')]],
		['Handlers that failed, and slow ones', 'cps', [by('job', 'rate(stoa_handler_errors_total{job=~"stoa-.*"}[$__rate_interval])', 'failed, {{job}}'), by('job', 'rate(stoa_slow_handlers_total{job=~"stoa-.*"}[$__rate_interval])', 'slow, {{job}}')]],
		['Processor', 'percentunit', [by('instance', 'rate(process_cpu_seconds_total{job=~"stoa-.*"}[$__rate_interval])', '{{instance}}')]],
		['Resident memory', 'bytes', [by('instance', 'process_resident_memory_bytes{job=~"stoa-.*"}', '{{instance}}')]],
		['Descriptors, share of what is allowed', 'percentunit', [{ expr: 'process_open_fds{job=~"stoa-.*"} / process_max_fds{job=~"stoa-.*"}', legend: '{{instance}}' }]],
		['Log lines dropped', 'cps', [by('instance', 'rate(stoa_log_dropped_total{job=~"stoa-.*"}[$__rate_interval])', '{{instance}}')]],
	]],
];

const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };
const COLUMNS = 24, PER_LINE = { stat: 8, timeseries: 4 }, HEIGHT = { stat: 4, timeseries: 8 };

let id = 0, y = 0;

function panelOf([title, unit, targets], type, place) {
	const width = COLUMNS / PER_LINE[type];

	return {
		id: ++id, type, title, datasource: DATASOURCE,
		gridPos: { x: (place % PER_LINE[type]) * width, y: y + Math.floor(place / PER_LINE[type]) * HEIGHT[type], w: width, h: HEIGHT[type] },
		fieldConfig: { defaults: { unit, ...(type === 'timeseries' && { min: 0 }) }, overrides: [] },
		options: type === 'stat' ? { reduceOptions: { calcs: ['lastNotNull'] }, graphMode: 'area' } : { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi' } },
		targets: targets.map(({ expr, legend }, i) => ({ refId: String.fromCharCode(65 + i), datasource: DATASOURCE, expr, legendFormat: legend })),
	};
}

function rowOf([title, type, panels]) {
	const row = { id: ++id, type: 'row', title, collapsed: false, gridPos: { x: 0, y: y++, w: COLUMNS, h: 1 }, panels: [] };
	const all = panels.map((panel, place) => panelOf(panel, type, place));

	y += Math.ceil(panels.length / PER_LINE[type]) * HEIGHT[type];
	return [row, ...all];
}

const chosen = (name, job) => ({
	name, type: 'query', label: name, datasource: DATASOURCE, query: { query: `label_values(up{job="${job}"}, instance)`, refId: name },
	refresh: 2, multi: true, includeAll: true, allValue: '.*', current: { text: 'All', value: '$__all' }, sort: 1,
});

const dashboard = {
	uid: 'stoa', title: 'Stoa', tags: ['stoa'], schemaVersion: 38, version: 1, editable: true, timezone: 'browser', refresh: '15s',
	time: { from: 'now-1h', to: 'now' },
	templating: { list: [{ name: 'datasource', type: 'datasource', query: 'prometheus' }, chosen('gateway', 'stoa-gateway'), chosen('broker', 'stoa-broker')] },
	panels: ROWS.flatMap(rowOf),
};

console.log(JSON.stringify(dashboard, null, '\t'));
