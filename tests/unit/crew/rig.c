/* rig.c - see rig.h. */
#include "rig.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <unistd.h>

#include "alloc.h"
#include "log.h"
#include "metrics.h"

enum { PATIENCE_MS = 60 * 1000 };

struct rig rig;

/* Those that are not over are the rig's to free. */
struct given {
	struct job job;
	LIST_ENTRY(given) link;
};
static LIST_HEAD(, given) all_given;

static const char *wanted;
static struct timer patience;

/* --- The log ------------------------------------------------------------------------------------------------------ */

static void look(void)
{
	if (wanted && strstr(rig.log + rig.seen, wanted))
		loop_stop(&rig.loop);
}

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void note(const char *format, ...)
{
	va_list args;
	char line[2000];
	int n;

	va_start(args, format);
	n = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (n >= (int)sizeof(line))
		n = sizeof(line) - 1;
	while (rig.log_size + (size_t)n + 2 > rig.log_cap) {
		rig.log_cap = rig.log_cap ? 2 * rig.log_cap : 4096;
		rig.log = must_realloc(rig.log, rig.log_cap);
	}
	memcpy(rig.log + rig.log_size, line, (size_t)n);
	rig.log_size += (size_t)n;
	rig.log[rig.log_size++] = '\n';
	rig.log[rig.log_size] = '\0';
	look();
}

/* The first effect's payload, with the last number of "said" and the like, a process's, replaced. */
static void batch_text(char *to, size_t size, struct slice record)
{
	struct record_rules rules = RECORD_RULES;
	struct arena arena = ARENA_INIT;
	struct batch_record b;
	const char *why = batch_record_read(&arena, record, &rules, &b), *comma;

	ck_assert_msg(why == NULL, "%s: %.*s", why, SLICE_ARG(record));
	if (b.failed.size)
		snprintf(to, size, "given up: %.*s", SLICE_ARG(b.failed));
	else if (b.effects == NULL)
		snprintf(to, size, "nothing");
	else
		snprintf(to, size, "%.*s", SLICE_ARG(b.effects->json));
	if (b.effects && b.effects->call)
		rig.call = b.effects->call;
	comma = strrchr(to, ',');
	if (comma && strtol(comma + 1, NULL, 10) > 1000) {
		rig.pid = strtol(comma + 1, NULL, 10);
		strcpy(to + (comma - to) + 1, "PID]");
	}
	arena_fini(&arena);
}

/* --- What the crew tells ------------------------------------------------------------------------------------------ */

static void on_loaded(void *ctx, struct slice app, const char *error)
{
	struct record_rules rules = RECORD_RULES;
	struct arena arena = ARENA_INIT;
	struct app_record r;

	(void)ctx;
	if (error) {
		note("loaded not: %s", error);
		return;
	}
	ck_assert_ptr_null(app_record_read(&arena, app, &rules, &r));
	note("loaded %d", (int)r.n_namespaces);
	arena_fini(&arena);
}

static void job_free(struct job *job)
{
	struct given *g = (struct given *)(void *)job;

	LIST_REMOVE(g, link);
	free((void *)(uintptr_t)job->record.at);
	free(g);
}

static void on_done(void *ctx, struct job *job, struct slice batch)
{
	char text[1000] = "nothing";

	(void)ctx;
	if (batch.size)
		batch_text(text, sizeof(text), batch);
	note("done %d %s", (int)job->number, text);
	job_free(job);
}

static void on_failed(void *ctx, struct job *job, enum job_failure why, struct slice trace)
{
	(void)ctx;
	free((void *)(uintptr_t)rig.trace.at);
	rig.trace = slice_of(must_strndup(trace.at ? trace.at : "", trace.size), trace.size);
	note("failed %d %s %.*s", (int)job->number, job_failure_name(why),
		SLICE_ARG(slice_first(trace, slice_find(trace, '\n'))));
	job_free(job);
}

static void on_batch(void *ctx, struct slice node, struct slice batch)
{
	char text[1000];
	long pid = rig.pid;

	(void)ctx;
	rig.batches++;
	if (rig.quiet_batches)
		return;
	batch_text(text, sizeof(text), batch);
	rig.pid = pid;
	note("batch %s to %.*s", text, SLICE_ARG(node));
}

static void on_slot(void *ctx, unsigned slot, bool runs)
{
	(void)ctx;
	note("slot %u %s", slot, runs ? "runs" : "rests");
}

static void on_stopped(void *ctx)
{
	(void)ctx;
	note("stopped");
}

static const struct crew_events events = { on_loaded, on_done, on_failed, on_batch, on_slot, on_stopped };

/* --- Life --------------------------------------------------------------------------------------------------------- */

/* Moved to its place whole, as a deployment does it. */
void rig_copy(const char *module)
{
	char command[1000];

	snprintf(command, sizeof(command), "cp %s/%s.so %s.new && mv %s.new %s", MODULES, module, rig.module,
		rig.module, rig.module);
	ck_assert_int_eq(system(command), 0);
}

/* The tests' own variables are no options of the program, which would refuse them. */
static void forget_environment(void)
{
	static const char *const own[] = { "STOA_BIN", "STOA_APPS", "STOA_BUILD", "STOA_DISPATCH", "STOA_LONG" };

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		unsetenv(own[i]);
}

void rig_begin(void)
{
	forget_environment();
	log_set_level(LOG_NONE);
	rig = (struct rig){ .number = 0 };
	rig.log = must_strdup("");
	metrics_set(M_CREW_RUNNING, 0);
	ck_assert_int_eq(loop_init(&rig.loop), 0);
	snprintf(rig.module, sizeof(rig.module), "%s/crew-%d.so", MODULES, getpid());
	rig_copy("crew-test");
}

void rig_end(void)
{
	crew_free(rig.crew);
	while (!LIST_EMPTY(&all_given))
		job_free(&LIST_FIRST(&all_given)->job);
	config_free(broker_options_table(), &rig.options, &(struct config_pairs){ 0 });
	timer_stop(&rig.loop.timers, &patience);
	loop_fini(&rig.loop);
	unlink(rig.module);
	free(rig.log);
	free((void *)(uintptr_t)rig.trace.at);
}

void rig_start(unsigned slots, const char *const *flags)
{
	static char *argv[30];
	struct crew_config config = {
		.options = &rig.options, .slots = slots, .id = "test", .program = PROGRAM, .argv = argv
	};
	const char *const first[] = { PROGRAM, "--app", rig.module, "--redis-url", "redis://127.0.0.1", "--log-level",
		"error" };
	struct config_pairs pairs = { 0 };
	struct buf message = BUF_INIT;
	int n = 0;

	for (; n < (int)(sizeof(first) / sizeof(first[0])); n++)
		argv[n] = (char *)(uintptr_t)first[n];
	for (; flags && *flags; flags++)
		argv[n++] = (char *)(uintptr_t)*flags;
	argv[n] = NULL;
	ck_assert_msg(config_read(broker_options_table(), n, argv, (char *[]){ NULL }, &rig.options, &pairs,
			      &message) == CONFIG_RUN,
		"%.*s", SLICE_ARG(buf_slice(&message)));
	buf_fini(&message);
	for (size_t i = 0; i < pairs.count; i++) {
		free(pairs.at[i].name);
		free(pairs.at[i].value);
	}
	free(pairs.at);
	rig.crew = crew_new(&rig.loop, &config, &events, NULL);
	ck_assert_ptr_nonnull(rig.crew);
	for (unsigned i = 0; i < slots; i++)
		crew_lease(rig.crew, i, INT64_MAX);
	crew_start(rig.crew);
}

/* --- Waiting ------------------------------------------------------------------------------------------------------ */

static void out_of_patience(struct timer *t, int64_t now_ms)
{
	(void)t;
	(void)now_ms;
	fprintf(stderr, "%s\n", rig.log + rig.seen);
	ck_abort_msg("it never said what was waited for: %s", wanted);
}

const char *rig_wait(const char *text)
{
	static char line[2000];
	const char *at, *end;

	wanted = text;
	timer_set(&rig.loop.timers, &patience, out_of_patience, loop_now(&rig.loop) + PATIENCE_MS);
	if (strstr(rig.log + rig.seen, text) == NULL)
		loop_run(&rig.loop);
	timer_stop(&rig.loop.timers, &patience);
	wanted = NULL;
	at = strstr(rig.log + rig.seen, text);
	ck_assert_ptr_nonnull(at);
	end = strchr(at, '\n');
	while (at > rig.log && at[-1] != '\n')
		at--;
	snprintf(line, sizeof(line), "%.*s", (int)(end - at), at);
	rig.seen = (size_t)(end + 1 - rig.log);
	return line;
}

void rig_turns(int n)
{
	while (n-- > 0)
		loop_poll(&rig.loop);
}

bool rig_has(const char *text)
{
	return strstr(rig.log, text) != NULL;
}

/* --- Jobs --------------------------------------------------------------------------------------------------------- */

uint64_t rig_give_record(unsigned slot, struct slice record, int attempt)
{
	struct given *g = must_alloc(sizeof(*g));
	struct job *job = &g->job;

	LIST_INSERT_HEAD(&all_given, g, link);
	*job = (struct job){ .number = (uint64_t)++rig.number,
		.partition = slot,
		.slot = slot,
		.attempt = attempt,
		.id = SLICE("7-0") };
	job->record = slice_of(must_strndup(record.at, record.size), record.size);
	crew_give(rig.crew, job);
	return job->number;
}

static uint64_t give(unsigned slot, const struct event_record *r)
{
	struct buf record = BUF_INIT;
	uint64_t number;

	ck_assert_int_eq(event_record_put(&record, VALUE_JSON, r), 0);
	number = rig_give_record(slot, buf_slice(&record), 1);
	buf_fini(&record);
	return number;
}

uint64_t rig_give(unsigned slot, const char *event, const char *items)
{
	struct buf name = BUF_INIT;
	struct event_record r = { .kind = RECORD_EVENT,
		.node = SLICE("gw01"),
		.nsp = SLICE("/"),
		.sid = SLICE("gw01S"),
		.n = (uint64_t)rig.number + 1,
		.at_ms = 1,
		.items = slice_str(items) };
	uint64_t number;

	ck_assert_int_eq(json_encode_text(&name, slice_str(event)), 0);
	r.name = buf_slice(&name);
	number = give(slot, &r);
	buf_fini(&name);
	return number;
}

uint64_t rig_answer(unsigned slot, const char *by, const char *items)
{
	struct event_record r = { .kind = RECORD_ANSWER,
		.node = SLICE("gw01"),
		.n = 1,
		.at_ms = 1,
		.items = slice_str(items),
		.answer = { .to = slice_str(by), .call = rig.call, .op = ANSWER_GIVEN, .who = SLICE("gw01S") } };

	return give(slot, &r);
}
