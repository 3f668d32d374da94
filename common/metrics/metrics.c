/* metrics.c - see metrics.h. */
#include "metrics.h"

#include <assert.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

enum metric_type { COUNTER, GAUGE, COUNTER_MS, GAUGE_MS, BUCKET, SUM_US };

static const char *const type_names[] = { "counter", "gauge", "counter", "gauge", "histogram", "histogram" };

static const struct metric {
	enum metric_type type;
	const char *name, *labels, *help;
} table[METRIC_COUNT] = {
#define METRIC_ROW_(id, type_, name_, labels_, help_) { type_, name_, labels_, help_ },
	METRICS(METRIC_ROW_)
#undef METRIC_ROW_
};

int64_t metrics_values[METRIC_COUNT];

void metrics_time(enum metric_id first, int64_t us)
{
	static const int64_t bounds_us[] = { 100, 1000, 10000, 100000, 1000000, 10000000 };
	enum { BOUNDS = sizeof(bounds_us) / sizeof(bounds_us[0]) };
	size_t i = 0;

	while (i < BOUNDS && us > bounds_us[i])
		i++;
	metrics_values[(size_t)first + i]++;
	metrics_values[(size_t)first + BOUNDS + 1] += us;
}

void metrics_merge(const int64_t *now, int64_t *before, bool is_over)
{
	for (size_t i = 0; i < METRIC_COUNT; i++) {
		bool is_gauge = table[i].type == GAUGE || table[i].type == GAUGE_MS;

		metrics_values[i] += (is_gauge && is_over ? 0 : now[i]) - before[i];
		before[i] = now[i];
	}
}

static const enum metric_id logged_elsewhere[] = { M_LIMIT_CONNECTIONS, M_LIMIT_HEAD, M_LIMIT_HEAD_TIME,
	M_LIMIT_BODY_TIME, M_LIMIT_IDLE_TIME, M_LIMIT_ADDRESS_SESSIONS, M_LIMIT_ADDRESS_OPENS,
	M_LIMIT_ADDRESS_STRANGERS, M_LIMIT_ADDRESS_EVENTS, M_LIMIT_OPENS, M_LIMIT_EVENTS, M_LIMIT_TLS_HANDSHAKES,
	M_LIMIT_TLS_TIME };

/* NULL: it is no limit, or not to be logged here. */
static const char *limit_of(size_t id)
{
	static const char prefix[] = "limit=\"";

	for (size_t i = 0; i < sizeof(logged_elsewhere) / sizeof(logged_elsewhere[0]); i++)
		if (logged_elsewhere[i] == id)
			return NULL;
	return strcmp(table[id].name, "stoa_limit_total") == 0 ? table[id].labels + sizeof(prefix) - 1 : NULL;
}

/* The rows that limit_of() knows. They stand together, before those that are logged elsewhere. */
static void find_limits(size_t *first, size_t *end)
{
	while (limit_of(*first) == NULL)
		++*first;
	for (*end = *first; *end < METRIC_COUNT && limit_of(*end);)
		++*end;
	for (size_t i = *end; i < METRIC_COUNT; i++)
		assert(limit_of(i) == NULL);
}

/* Every turn of the loop comes here, mostly for nothing: then it is one comparison of memory. */
void metrics_log_limits(int64_t now_ms)
{
	static int64_t logged[METRIC_COUNT], next_ms;
	static size_t first, end;

	if (end == 0)
		find_limits(&first, &end);
	if (now_ms < next_ms || memcmp(logged + first, metrics_values + first, (end - first) * sizeof(*logged)) == 0)
		return;
	for (size_t i = first; i < end; i++) {
		const char *limit = limit_of(i);

		if (metrics_values[i] != logged[i])
			log_warn("limit passed", LOG_T("limit", slice_of(limit, strcspn(limit, "\""))),
				LOG_I("count", metrics_values[i] - logged[i]));
		logged[i] = metrics_values[i];
	}
	next_ms = now_ms + 1000;
}

static void write_head(struct buf *to, const struct metric *m)
{
	buf_printf(to, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name, type_names[m->type]);
}

/* Of the buckets of row i's histogram up to it, or before it when it is none. */
static int64_t cumulated(size_t i)
{
	int64_t n = table[i].type == BUCKET ? metrics_values[i] : 0;

	while (i > 0 && table[i - 1].type == BUCKET && strcmp(table[i - 1].name, table[i].name) == 0)
		n += metrics_values[--i];
	return n;
}

static void write_histogram(struct buf *to, size_t i)
{
	const struct metric *m = &table[i];

	if (m->type == BUCKET)
		buf_printf(to, "%s_bucket{%s} %" PRId64 "\n", m->name, m->labels, cumulated(i));
	else
		buf_printf(to, "%s_sum %.6f\n%s_count %" PRId64 "\n", m->name, (double)metrics_values[i] / 1e6, m->name,
			cumulated(i));
}

static void write_row(struct buf *to, size_t i)
{
	const struct metric *m = &table[i];

	if (i == 0 || strcmp(m->name, table[i - 1].name) != 0)
		write_head(to, m);
	if (m->type == BUCKET || m->type == SUM_US) {
		write_histogram(to, i);
		return;
	}
	buf_add_str(to, m->name);
	if (m->labels[0])
		buf_printf(to, "{%s}", m->labels);
	if (m->type == COUNTER_MS || m->type == GAUGE_MS)
		buf_printf(to, " %.3f\n", (double)metrics_values[i] / 1000);
	else
		buf_printf(to, " %" PRId64 "\n", metrics_values[i]);
}

static void write_number(struct buf *to, enum metric_type type, const char *name, const char *help, double value)
{
	write_head(to, &(struct metric){ .type = type, .name = name, .help = help });
	buf_printf(to, "%s %.15g\n", name, value);
}

/* Reads a small file of /proc as text. False: it is not there, as in a chroot. */
static bool read_proc(const char *path, char *to, size_t size)
{
	FILE *f = fopen(path, "re");
	size_t n;

	if (f == NULL)
		return false;
	n = fread(to, 1, size - 1, f);
	to[n] = '\0';
	fclose(f);
	return n > 0;
}

static void write_memory(struct buf *to)
{
	char text[128];
	long long pages;

	if (read_proc("/proc/self/statm", text, sizeof(text)) && sscanf(text, "%*d %lld", &pages) == 1)
		write_number(to, GAUGE, "process_resident_memory_bytes", "Resident memory in bytes",
			(double)pages * (double)sysconf(_SC_PAGESIZE));
}

/* Since Linux 6.2 the directory's size is the answer; counting 100,000 names would hold up the loop. */
static int64_t count_descriptors(void)
{
	struct stat st;
	DIR *d;
	int64_t n = -3; /* ".", ".." and the directory itself */

	if (stat("/proc/self/fd", &st) == 0 && st.st_size > 0)
		return st.st_size;
	d = opendir("/proc/self/fd");
	if (d == NULL)
		return -1;
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void write_descriptors(struct buf *to)
{
	int64_t open_now = count_descriptors();
	struct rlimit limit;

	if (open_now >= 0)
		write_number(to, GAUGE, "process_open_fds", "Open file descriptors", (double)open_now);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		write_number(
			to, GAUGE, "process_max_fds", "Most file descriptors that may be open", (double)limit.rlim_cur);
}

static void write_cpu(struct buf *to)
{
	struct timespec used;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) == 0)
		write_number(to, COUNTER, "process_cpu_seconds_total", "User and system CPU time in seconds",
			(double)used.tv_sec + (double)used.tv_nsec / 1e9);
}

/* Seconds from boot to this process's start: field 22 of its stat, counted behind the name, which may hold blanks. */
static bool started_after_boot(double *seconds)
{
	char text[1024];
	const char *at;
	unsigned long long ticks;

	if (!read_proc("/proc/self/stat", text, sizeof(text)) || (at = strrchr(text, ')')) == NULL)
		return false;
	if (sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
		    &ticks) != 1)
		return false;
	*seconds = (double)ticks / (double)sysconf(_SC_CLK_TCK);
	return true;
}

/* The start is fixed, but the wall clock may step: it is found once, so that the value never moves. */
static double start_time(void)
{
	static double found;
	struct timespec wall, boot;
	double after;

	if (found > 0 || !started_after_boot(&after))
		return found;
	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	found = (double)(wall.tv_sec - boot.tv_sec) + after;
	return found;
}

static void write_process(struct buf *to)
{
	double start = start_time();

	write_memory(to);
	write_descriptors(to);
	write_cpu(to);
	if (start > 0)
		write_number(to, GAUGE, "process_start_time_seconds", "When the process started, since 1970", start);
}

void metrics_write(struct buf *to)
{
	for (size_t i = 0; i < METRIC_COUNT; i++)
		write_row(to, i);
	write_process(to);
	write_number(to, COUNTER, "stoa_log_dropped_total", "Log lines that could not be written at once",
		(double)log_dropped());
}
