/*
 * measure.h - what the system tells of processes and of the machine, and times by their frequency.
 */
#ifndef STOA_BENCH_MEASURE_H
#define STOA_BENCH_MEASURE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { PIDS_MAX = 16 };

struct pids {
	pid_t at[PIDS_MAX];
	size_t count;
};

uint64_t clock_ns(void);
uint64_t cpu_self_ns(void);

/* Time on a CPU of all threads: schedstat(5), the first number of /proc/PID/task/TID/schedstat. 0: it is gone. */
uint64_t cpu_of_ns(const struct pids *pids);
/* The same of everything on this machine, interrupts included, in steps of 10 ms: the first line of /proc/stat. */
uint64_t cpu_machine_ns(void);
/* How often a clock tick met the processes outside of the kernel, and in it: utime and stime of /proc/PID/stat, proc(5). */
struct ticks {
	uint64_t user, kernel;
};
struct ticks ticks_of(const struct pids *pids);
uint64_t resident_bytes(const struct pids *pids); /* Rss of /proc/PID/smaps_rollup */

/* Times in ns, each counted in a bucket that is at most 1/32 wider than what is in it. */
enum { HISTOGRAM_STEPS = 32, HISTOGRAM_BUCKETS = 40 * HISTOGRAM_STEPS };

struct histogram {
	uint64_t counts[HISTOGRAM_BUCKETS];
	uint64_t total, max;
};

void histogram_add(struct histogram *h, uint64_t ns);
uint64_t histogram_at(const struct histogram *h, double share); /* 0.99: what 99 % are not above; 0: it is empty */

#endif
