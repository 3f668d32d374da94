// What the system tells of processes and of itself (proc(5)): CPU time in microseconds, memory in bytes.

import { readdirSync, readFileSync } from 'node:fs';

function read(file) {
	try {
		return readFileSync(file, 'utf8');
	} catch {
		return ''; // it ended meanwhile, or this user may not read it
	}
}

const sum = (numbers) => numbers.reduce((x, y) => x + y, 0);
const kilobytes = (text, name) => Number(text.match(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm'))?.[1] ?? 0) * 1024;

function tasks(pid) {
	try {
		return readdirSync(`/proc/${pid}/task`);
	} catch {
		return [];
	}
}

// Time that all threads of these processes had a CPU.
export const cpuOf = (pids) => sum(pids.flatMap((pid) => tasks(pid).map((task) => Number(read(`/proc/${pid}/task/${task}/schedstat`).split(' ')[0]) / 1000)));

// The same of everything on this machine, interrupts included, in steps of 10 ms.
export const cpuOfMachine = () => {
	const [user, nice, system, , , irq, softirq] = read('/proc/stat').split('\n')[0].trim().split(/\s+/).slice(1).map(Number);

	return (user + nice + system + irq + softirq) * 10_000;
};

// Resident bytes of these processes: all, and with pages that several share divided among them.
export function memoryOf(pids) {
	const texts = pids.map((pid) => read(`/proc/${pid}/smaps_rollup`));

	return { resident: sum(texts.map((text) => kilobytes(text, 'Rss'))), share: sum(texts.map((text) => kilobytes(text, 'Pss'))) };
}

export const availableMemory = () => kilobytes(read('/proc/meminfo'), 'MemAvailable');
export const socketsInUse = () => Number(read('/proc/net/sockstat').match(/^TCP: inuse (\d+)/m)?.[1] ?? 0);

// Bytes of the kernel's caches of objects by name; empty where this user may not see them.
export function slabs() {
	const rows = read('/proc/slabinfo').split('\n').slice(2).map((line) => line.split(/\s+/)).filter((row) => row.length > 15);

	return new Map(rows.map(([name, , objects, size]) => [name, Number(objects) * Number(size)]));
}
