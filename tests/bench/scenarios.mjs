// What is measured. `load` is stoa-load's command line; `quick` replaces parts of it in a quick run (null: left out).
// `cost` is the figure that ratios are made of, less being better: CPU of the server's processes per unit, where nothing
// else is said. `target` is what stoa is to reach: its cost to each other's, at most; `bytes`: at most.
// `beside`: another load meanwhile, of which nothing is told. `only`: servers that can run it. `sizes`: other numbers for servers that cannot take as many. `repeat`: at most so often.

// Our gateway otherwise than it comes, and where that is measured. A row: title, flags, env, scenarios; `unlike`: with this in its
// log it runs like any other, and is not measured.
export const VARIANTS = {
	'stoa-uring': { title: 'Stoa, io_uring', flags: ['--io-uring'], unlike: 'io-uring-unavailable', scenarios: ['room-1k', 'room-1k-8', 'rooms-10', 'room-10k', 'room-10k-8'] },
};

// Who is measured, in this order, and how often at the most: what is ten times away needs no five repetitions.
export const ALONE = ['bare', 'stoa', ...Object.keys(VARIANTS), 'node', 'bun', 'flask'];
export const SELDOM = { flask: 2 };
export const DEFAULT = { warmup: 1, seconds: 2 };

const rooms = (clients, size, more = {}) => ({ clients, 'room-size': size, ...more });

export const scenarios = [
	{
		name: 'echo', title: 'echo with ack, 100 clients, 8 outstanding', unit: 'echo',
		load: ['echo', { clients: 100, window: 8 }],
		target: { bare: 1.6, node: 1 / 3.5, flask: 1 / 40 },
	},
	{
		name: 'room-1k', title: 'a room of 1,000, one message in flight', unit: 'delivery',
		load: ['rooms', rooms(1000, 1000)],
		target: { bare: 1.1, node: 1 / 2.2, flask: 1 / 12 },
	},
	{
		name: 'room-1k-8', title: 'a room of 1,000, 8 in flight', unit: 'delivery',
		load: ['rooms', rooms(1000, 1000, { window: 8 })],
		target: { bare: 1.2, node: 1 / 6.5, flask: 1 / 20 },
	},
	{
		name: 'rooms-10', title: 'rooms of 10, 1,000 clients', unit: 'delivery',
		load: ['rooms', rooms(1000, 10)],
		target: { bare: 1.25, node: 1 / 3, flask: 1 / 18 },
	},
	{
		name: 'room-10k', title: 'a room of 10,000, one message in flight', unit: 'delivery', quick: null,
		load: ['rooms', rooms(10000, 10000, { seconds: 3 })], only: ['bare', 'stoa', 'node', 'bun'],
		target: { bare: 1.25, node: 1 / 2.5 },
	},
	{
		name: 'room-10k-8', title: 'a room of 10,000, 8 in flight', unit: 'delivery', quick: null, repeat: 3,
		load: ['rooms', rooms(10000, 10000, { window: 8, seconds: 3 })], only: ['bare', 'stoa', 'node', 'bun'],
	},
	{
		name: 'rooms-10-10k', title: 'rooms of 10, 10,000 clients', unit: 'delivery', quick: null, repeat: 3,
		load: ['rooms', rooms(10000, 10, { seconds: 3 })], only: ['bare', 'stoa', 'node', 'bun'],
	},
	{
		name: 'rate', title: '20 messages a second to a room of 1,000', unit: 'delivery', cost: 'p99_us',
		load: ['rooms', rooms(1000, 1000, { rate: 20, seconds: 8 })], quick: { seconds: 2 },
		target: { bare: 1.3, node: 1 / 1.5, flask: 1 / 12 },
	},
	{
		name: 'mixed', title: 'echo of others while a room of 10,000 is full', unit: 'echo', cost: 'p999_us',
		repeat: 3, load: ['echo', { clients: 10, window: 1, seconds: 3 }], only: ['bare', 'stoa', 'node', 'bun'],
		beside: ['rooms', rooms(10000, 10000, { seconds: 5 })], quick: null,
	},
	{
		name: 'binary', title: 'a room of 1,000, binary', unit: 'delivery',
		load: ['rooms', rooms(1000, 1000, { binary: true })], only: ['stoa', 'node', 'bun', 'flask'],
	},
	{
		name: 'polling', title: 'polling clients in one room', unit: 'poll answered',
		load: ['rooms', rooms(10000, 10000, { polling: true, seconds: 3 })], quick: { clients: 500, 'room-size': 500 },
		sizes: { flask: { clients: 1000, 'room-size': 1000 } },
		target: { node: 1 / 6, flask: 1 / 12 },
	},
	{
		name: 'connect', title: 'connect, join /, close; 64 at a time', unit: 'connection',
		load: ['storm', { clients: 64 }],
		target: { bare: 2, node: 1 / 6, flask: 1 / 12 },
	},
	{
		name: 'idle', title: 'clients that do nothing', unit: 'client', cost: 'resident_per_client',
		load: ['idle', { clients: 10000, warmup: 0, seconds: 2 }], quick: { clients: 1000 },
		sizes: { flask: { clients: 3000 } },
		target: { bytes: 2600, node: 1 / 6, flask: 1 / 22 },
	},
	{
		name: 'cluster', title: '2 gateways and Redis, a room of 1,000', unit: 'delivery',
		load: ['rooms', rooms(1000, 1000)], only: ['stoa', 'node', 'flask'], shape: 'cluster',
		target: { node: 1 / 2, flask: 1 / 10 },
	},
	{
		name: 'cluster-10', title: '2 gateways and Redis, rooms of 10, 1,000 clients', unit: 'delivery', repeat: 3,
		load: ['rooms', rooms(1000, 10)], only: ['stoa', 'node', 'flask'], shape: 'cluster',
	},
	{
		name: 'broker', title: 'echo with ack through a broker', unit: 'echo', repeat: 3,
		load: ['echo', { clients: 100, window: 8 }], only: ['stoa'], shape: 'broker',
	},
];

// Whether this server is measured under this scenario.
export const runs = (scenario, server) => (VARIANTS[server] ? VARIANTS[server].scenarios.includes(scenario.name) : (scenario.only ?? ALONE).includes(server));

export function loadArguments(scenario, server, isQuick) {
	const [kind, numbers] = scenario.load;
	const fast = isQuick ? { warmup: 0.3, seconds: 1, ...scenario.quick } : {};

	return commandLine(kind, { ...DEFAULT, ...numbers, ...scenario.sizes?.[server], ...fast });
}

export function commandLine(kind, options) {
	return [kind, ...Object.entries(options).flatMap(([name, value]) => (value === true ? [`--${name}`] : [`--${name}`, String(value)]))];
}

export const costOf = (scenario) => scenario.cost ?? 'server_us';
