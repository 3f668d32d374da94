/* measure.c - see measure.h. */
#include "measure.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static uint64_t read_clock(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t clock_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

uint64_t cpu_self_ns(void)
{
	return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

static uint64_t cpu_of_task(pid_t pid, const char *task)
{
	unsigned long long ns = 0;
	char path[320];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", (int)pid, task);
	f = fopen(path, "r");
	if (f == NULL)
		return 0;
	if (fscanf(f, "%llu", &ns) != 1)
		ns = 0;
	fclose(f);
	return ns;
}

static uint64_t cpu_of_process(pid_t pid)
{
	uint64_t ns = 0;
	struct dirent *task;
	char path[64];
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	tasks = opendir(path);
	if (tasks == NULL)
		return 0;
	while ((task = readdir(tasks)))
		if (task->d_name[0] != '.')
			ns += cpu_of_task(pid, task->d_name);
	closedir(tasks);
	return ns;
}

uint64_t cpu_of_ns(const struct pids *pids)
{
	uint64_t ns = 0;

	for (size_t i = 0; i < pids->count; i++)
		ns += cpu_of_process(pids->at[i]);
	return ns;
}

/* The second field is a name in parentheses; those of the servers have no `)` in them. */
static void add_ticks(struct ticks *sum, pid_t pid)
{
	unsigned long long user = 0, kernel = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	if (f == NULL)
		return;
	if (fscanf(f, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &kernel) == 2) {
		sum->user += user;
		sum->kernel += kernel;
	}
	fclose(f);
}

struct ticks ticks_of(const struct pids *pids)
{
	struct ticks sum = { 0 };

	for (size_t i = 0; i < pids->count; i++)
		add_ticks(&sum, pids->at[i]);
	return sum;
}

uint64_t cpu_machine_ns(void)
{
	unsigned long long user = 0, nice = 0, system = 0, idle = 0, waiting = 0, irq = 0, softirq = 0;
	FILE *f = fopen("/proc/stat", "r");
	int n = 0;

	if (f) {
		n = fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system, &idle, &waiting, &irq,
			&softirq);
		fclose(f);
	}
	if (n != 7)
		return 0;
	return (user + nice + system + irq + softirq) * (1000000000u / (unsigned long)sysconf(_SC_CLK_TCK));
}

static uint64_t resident_of(pid_t pid)
{
	unsigned long long kb = 0;
	char path[64], line[160];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	f = fopen(path, "r");
	if (f == NULL)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "Rss: %llu kB", &kb) == 1)
			break;
	fclose(f);
	return kb * 1024;
}

uint64_t resident_bytes(const struct pids *pids)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < pids->count; i++)
		bytes += resident_of(pids->at[i]);
	return bytes;
}

/* --- Histogram ---------------------------------------------------------------------------------------------------- */

/* Up to 31 a bucket each; above, 32 buckets for each power of two. */
static unsigned bucket_of(uint64_t ns)
{
	unsigned power, bucket;

	if (ns < HISTOGRAM_STEPS)
		return (unsigned)ns;
	power = 63 - (unsigned)__builtin_clzll(ns);
	bucket = (power - 4) * HISTOGRAM_STEPS + (unsigned)(ns >> (power - 5)) % HISTOGRAM_STEPS;
	return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

/* The largest time in it. */
static uint64_t end_of(unsigned bucket)
{
	unsigned power = bucket / HISTOGRAM_STEPS + 4;

	if (bucket < HISTOGRAM_STEPS)
		return bucket;
	return ((uint64_t)(HISTOGRAM_STEPS + bucket % HISTOGRAM_STEPS + 1) << (power - 5)) - 1;
}

void histogram_add(struct histogram *h, uint64_t ns)
{
	h->counts[bucket_of(ns)]++;
	h->total++;
	if (ns > h->max)
		h->max = ns;
}

uint64_t histogram_at(const struct histogram *h, double share)
{
	uint64_t wanted = (uint64_t)((double)h->total * share), seen = 0;

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->counts[i];
		if (seen > wanted)
			return end_of(i) < h->max ? end_of(i) : h->max;
	}
	return h->max;
}
