/* test_metrics.c - the Prometheus text: every row once, families whole, the process's own numbers true. */
#include <fcntl.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "metrics.h"
#include "test_main.h"

static struct buf text;

static void write_all(void)
{
	buf_clear(&text);
	metrics_write(&text);
	buf_add_char(&text, '\0');
	ck_assert(!text.failed);
}

static void done(void)
{
	buf_fini(&text);
}

/* The value in the line that begins with `series`; each series has one line. */
static double value_of(const char *series)
{
	char start[160];
	const char *at;

	snprintf(start, sizeof(start), "\n%s ", series);
	at = strstr(text.at, start);
	ck_assert_msg(at != NULL, "no line of %s", series);
	ck_assert_ptr_null(strstr(at + 1, start));
	return strtod(at + strlen(start), NULL);
}

static void match_line(const char *line)
{
	static const char pattern[] = "^(# HELP [a-z_]+ [^\\]+"
				      "|# TYPE [a-z_]+ (counter|gauge|histogram)"
				      "|[a-z_]+(\\{[a-z_]+=\"[^\"\\]+\"(,[a-z_]+=\"[^\"\\]+\")*\\})? [0-9.e+-]+)$";
	regex_t re;

	ck_assert_int_eq(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
	ck_assert_msg(regexec(&re, line, 0, NULL, 0) == 0, "not Prometheus text: %s", line);
	regfree(&re);
}

START_TEST(every_line_is_well_formed)
{
	char *rest, *line;

	write_all();
	ck_assert_int_eq(text.at[text.size - 2], '\n');
	for (line = strtok_r(text.at, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		match_line(line);
}
END_TEST

START_TEST(rows_carry_their_values)
{
	metrics_values[M_CONNECTIONS] = 0;
	metrics_add(M_CONNECTIONS, 3);
	metrics_add(M_CONNECTIONS, -1);
	metrics_count(M_CLOSED_PING);
	metrics_values[M_BYTES_SENT] = INT64_MAX;
	ck_assert_int_eq(metrics_get(M_CONNECTIONS), 2);
	write_all();
	ck_assert_double_eq(value_of("stoa_connections"), 2);
	ck_assert_double_eq(value_of("stoa_disconnects_total{reason=\"ping timeout\"}"), 1);
	ck_assert_double_eq(value_of("stoa_disconnects_total{reason=\"slow client\"}"), 0);
	metrics_values[M_LOOP_TURN_MAX] = 1234;
	write_all();
	ck_assert_ptr_nonnull(strstr(text.at, "\nstoa_loop_turn_max_seconds 1.234\n"));
	ck_assert_ptr_nonnull(strstr(text.at, "\nstoa_bytes_total{direction=\"out\"} 9223372036854775807\n"));
}
END_TEST

static const struct {
	const char *type, *name, *series, *help;
} rows[] = {
#define ROW(id, type, name, labels, help) { #type, name, labels[0] ? name "{" labels "}" : name, help },
	METRICS(ROW)
};

static const char *type_of(const char *row)
{
	if (strcmp(row, "BUCKET") == 0 || strcmp(row, "SUM_US") == 0)
		return "histogram";
	return strncmp(row, "COUNTER", 7) == 0 ? "counter" : "gauge";
}

/* Its series as they are shown: a row of a histogram is that with a word behind its name. */
static void find_series(size_t i)
{
	size_t n = strlen(rows[i].name);
	char series[200];

	if (strcmp(rows[i].type, "BUCKET") == 0) {
		snprintf(series, sizeof(series), "%s_bucket%s", rows[i].name, rows[i].series + n);
		value_of(series);
	} else if (strcmp(rows[i].type, "SUM_US") == 0) {
		snprintf(series, sizeof(series), "%s_sum", rows[i].name);
		value_of(series);
		snprintf(series, sizeof(series), "%s_count", rows[i].name);
		value_of(series);
	} else {
		value_of(rows[i].series);
	}
}

START_TEST(families_are_whole)
{
	char head[400];
	const char *at;

	write_all();
	snprintf(head, sizeof(head), "# HELP %s %s\n# TYPE %s %s\n%s", rows[_i].name, rows[_i].help, rows[_i].name,
		type_of(rows[_i].type), rows[_i].name);
	at = strstr(text.at, head);
	ck_assert_msg(at != NULL, "no head:\n%s", head);
	snprintf(head, sizeof(head), "# TYPE %s ", rows[_i].name);
	at = strstr(text.at, head);
	ck_assert_ptr_null(strstr(at + 1, head));
	find_series((size_t)_i);
}
END_TEST

START_TEST(durations_fall_into_buckets)
{
	static const int64_t us[] = { 0, 100, 101, 1000, 5000, 2000000, 10000000, 10000001 };

	for (size_t i = 0; i < sizeof(us) / sizeof(us[0]); i++)
		metrics_time(M_HANDLER_TIME, us[i]);
	write_all();
	ck_assert_double_eq(value_of("stoa_handler_seconds_bucket{le=\"0.0001\"}"), 2);
	ck_assert_double_eq(value_of("stoa_handler_seconds_bucket{le=\"0.001\"}"), 4);
	ck_assert_double_eq(value_of("stoa_handler_seconds_bucket{le=\"0.01\"}"), 5);
	ck_assert_double_eq(value_of("stoa_handler_seconds_bucket{le=\"1\"}"), 5);
	ck_assert_double_eq(value_of("stoa_handler_seconds_bucket{le=\"10\"}"), 7);
	ck_assert_double_eq(value_of("stoa_handler_seconds_bucket{le=\"+Inf\"}"), 8);
	ck_assert_double_eq(value_of("stoa_handler_seconds_count"), 8);
	ck_assert_double_eq_tol(value_of("stoa_handler_seconds_sum"), 22.006202, 1e-9);
}
END_TEST

START_TEST(another_process_is_added)
{
	int64_t now[METRIC_COUNT] = { 0 }, before[METRIC_COUNT] = { 0 };

	metrics_values[M_HANDLER_ERRORS] = 10;
	metrics_values[M_TASKS] = 1;
	now[M_HANDLER_ERRORS] = 3;
	now[M_TASKS] = 4;
	metrics_merge(now, before, false);
	ck_assert_int_eq(metrics_get(M_HANDLER_ERRORS), 13);
	ck_assert_int_eq(metrics_get(M_TASKS), 5);
	now[M_HANDLER_ERRORS] = 5;
	now[M_TASKS] = 2;
	metrics_merge(now, before, false);
	ck_assert_int_eq(metrics_get(M_HANDLER_ERRORS), 15);
	ck_assert_int_eq(metrics_get(M_TASKS), 3);
	now[M_HANDLER_ERRORS] = 6;
	metrics_merge(now, before, true);
	ck_assert_int_eq(metrics_get(M_HANDLER_ERRORS), 16);
	ck_assert_int_eq(metrics_get(M_TASKS), 1);
}
END_TEST

START_TEST(names_follow_the_convention)
{
	size_t n = strlen(rows[_i].name);
	bool total = n > 6 && strcmp(rows[_i].name + n - 6, "_total") == 0;

	ck_assert_int_eq(strncmp(rows[_i].name, "stoa_", 5), 0);
	ck_assert_int_eq(total, strncmp(rows[_i].type, "COUNTER", 7) == 0);
}
END_TEST

START_TEST(descriptors_are_counted)
{
	double before, after;
	int fd;

	write_all();
	before = value_of("process_open_fds");
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	write_all();
	after = value_of("process_open_fds");
	close(fd);
	ck_assert_double_eq(after, before + 1);
	ck_assert_double_eq(value_of("process_max_fds"), (double)sysconf(_SC_OPEN_MAX));
}
END_TEST

START_TEST(process_is_described)
{
	double start, now = (double)time(NULL);

	write_all();
	start = value_of("process_start_time_seconds");
	ck_assert_double_gt(start, now - 600);
	ck_assert_double_le(start, now + 2);
	ck_assert_double_ge(value_of("process_resident_memory_bytes"), 100000);
	ck_assert_double_gt(value_of("process_cpu_seconds_total"), 0);
	ck_assert_double_eq(value_of("stoa_log_dropped_total"), 0);
	write_all();
	ck_assert_double_eq(value_of("process_start_time_seconds"), start);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("metrics");
	TCase *t = tcase_create("metrics");

	tcase_add_checked_fixture(t, NULL, done);
	tcase_add_test(t, every_line_is_well_formed);
	tcase_add_test(t, rows_carry_their_values);
	tcase_add_test(t, durations_fall_into_buckets);
	tcase_add_test(t, another_process_is_added);
	tcase_add_loop_test(t, families_are_whole, 0, METRIC_COUNT);
	tcase_add_loop_test(t, names_follow_the_convention, 0, METRIC_COUNT);
	tcase_add_test(t, descriptors_are_counted);
	tcase_add_test(t, process_is_described);
	suite_add_tcase(s, t);
	return s;
}
