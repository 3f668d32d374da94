/* tool_brokers.c - stoa brokers: who runs the application, what of it, and what waits. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "clock.h"
#include "json.h"
#include "records.h"
#include "tool_store.h"

#define BROKERS_MAX "4096"

struct look {
	const struct tool_args *args;
	const char *app;
	struct tool_store *store;
	struct arena arena; /* all texts */
	struct slice *keys; /* n of them behind the word MGET */
	size_t n_keys;
	struct stoa_value *brokers; /* their records */
	size_t n_brokers;
	unsigned partitions; /* 0: nobody has ever said */
	bool held[PARTITIONS_MAX];
	int64_t events, dead; /* in the streams */
};

static struct slice keep(struct look *l, struct slice text)
{
	const char *at = arena_copy(&l->arena, text.at, text.size);

	return slice_of(at, at ? text.size : 0);
}

/* --- Asking ------------------------------------------------------------------------------------------------------- */

/* Chance has put them in order; a person looks for them in one that stays. */
static int compare_keys(const void *a, const void *b)
{
	const struct slice *x = a, *y = b;
	int order = memcmp(x->at, y->at, x->size < y->size ? x->size : y->size);

	return order ? order : (x->size > y->size) - (x->size < y->size);
}

static void heard_ids(void *ctx, const struct redis_reply *reply)
{
	struct look *l = ctx;
	struct buf key = BUF_INIT;

	if (reply->type != REDIS_ARRAY)
		return;
	l->keys = must_alloc((reply->count + 1) * sizeof(*l->keys));
	for (size_t i = 0; i < reply->count; i++) {
		buf_clear(&key);
		name_broker(&key, l->app, reply->items[i].text);
		l->keys[++l->n_keys] = keep(l, buf_slice(&key));
	}
	qsort(l->keys + 1, l->n_keys, sizeof(*l->keys), compare_keys);
	buf_fini(&key);
}

static bool ask_ids(struct look *l)
{
	struct buf list = BUF_INIT;
	bool good;

	name_brokers(&list, l->app);
	good = tool_store_ask(l->store, (struct slice[]){ SLICE("SRANDMEMBER"), buf_slice(&list), SLICE(BROKERS_MAX) },
		3, heard_ids, l);
	buf_fini(&list);
	return good;
}

static void note_held(struct look *l, struct stoa_value partitions)
{
	partitions = value_open(partitions);
	for (size_t i = 0; partitions.kind_ == VALUE_ARRAY && i < partitions.size_; i++) {
		int64_t n = tool_number_of(value_at(partitions, i));

		if (n >= 0 && n < PARTITIONS_MAX)
			l->held[n] = true;
	}
}

static void heard_record(struct look *l, const struct redis_reply *reply)
{
	static const struct json_rules rules = { 16, JSON_NO_BLOBS };
	struct stoa_value v;
	struct slice text;
	unsigned flags = 0;

	if (reply->type != REDIS_STRING || json_check(reply->text, &rules, &flags))
		return; /* gone, or none of a broker */
	text = keep(l, reply->text);
	v = value_open(json_decode(&l->arena, text, NULL, 0));
	if (v.kind_ != VALUE_OBJECT)
		return;
	note_held(l, tool_member(v, "partitions"));
	l->brokers = must_realloc(l->brokers, (l->n_brokers + 1) * sizeof(*l->brokers));
	l->brokers[l->n_brokers++] = v;
}

static void heard_records(void *ctx, const struct redis_reply *reply)
{
	for (size_t i = 0; reply->type == REDIS_ARRAY && i < reply->count; i++)
		heard_record(ctx, &reply->items[i]);
}

static void heard_app(void *ctx, const struct redis_reply *reply)
{
	struct look *l = ctx;
	struct app_record app;

	if (reply->type == REDIS_STRING &&
		app_record_read(&l->arena, keep(l, reply->text), &RECORD_RULES, &app) == NULL)
		l->partitions = app.partitions;
}

static void heard_count(void *ctx, const struct redis_reply *reply)
{
	if (reply->type == REDIS_INTEGER)
		*(int64_t *)ctx += reply->integer;
}

static void say(struct look *l, struct slice verb, const struct buf *name, tool_heard_fn *heard, void *ctx)
{
	tool_store_say(l->store, (struct slice[]){ verb, buf_slice(name) }, 2, heard, ctx);
}

static void say_counts(struct look *l, struct buf *name)
{
	for (unsigned p = 0; p < l->partitions; p++) {
		buf_clear(name);
		name_events(name, l->app, p);
		say(l, SLICE("XLEN"), name, heard_count, &l->events);
	}
	buf_clear(name);
	name_dead(name, l->app);
	say(l, SLICE("XLEN"), name, heard_count, &l->dead);
}

static bool ask(struct look *l)
{
	struct buf name = BUF_INIT;
	bool good = ask_ids(l);

	if (good && l->n_keys) {
		l->keys[0] = SLICE("MGET");
		tool_store_say(l->store, l->keys, l->n_keys + 1, heard_records, l);
	}
	name_app(&name, l->app);
	if (good)
		say(l, SLICE("GET"), &name, heard_app, l);
	good = good && tool_store_wait(l->store);
	if (good)
		say_counts(l, &name);
	good = good && tool_store_wait(l->store);
	buf_fini(&name);
	return good;
}

/* --- Showing ------------------------------------------------------------------------------------------------------ */

static unsigned count_free(const struct look *l)
{
	unsigned n = 0;

	for (unsigned p = 0; p < l->partitions; p++)
		n += !l->held[p];
	return n;
}

/* "0-3,7" */
static void print_ranges(const bool *in, unsigned n)
{
	const char *between = "";

	for (unsigned from = 0, to; from < n; from = to) {
		for (to = from + 1; to < n && in[to] == in[from];)
			to++;
		if (!in[from])
			continue;
		printf(to - from > 1 ? "%s%u-%u" : "%s%u", between, from, to - 1);
		between = ",";
	}
}

static void print_partitions(struct stoa_value v)
{
	bool held[PARTITIONS_MAX] = { false };

	v = value_open(v);
	for (size_t i = 0; v.kind_ == VALUE_ARRAY && i < v.size_; i++) {
		int64_t n = tool_number_of(value_at(v, i));

		if (n >= 0 && n < PARTITIONS_MAX)
			held[n] = true;
	}
	print_ranges(held, PARTITIONS_MAX);
}

static bool serves(struct stoa_value broker)
{
	struct stoa_value v = value_open(tool_member(broker, "serves"));

	return v.kind_ == VALUE_BOOL && v.as_.i;
}

static void print_broker(struct stoa_value v)
{
	int64_t started = tool_number_of(tool_member(v, "started")),
		oldest_ms = tool_number_of(tool_member(v, "oldest"));

	tool_print_padded(tool_text_of(tool_member(v, "id")), 24);
	tool_print_padded(tool_text_of(tool_member(v, "name")), 20);
	printf("%5" PRId64 "  %7" PRId64 "  %7" PRId64 "  %6" PRId64 ".%" PRId64 "s  %7" PRId64 "s  ",
		tool_number_of(tool_member(v, "slots")), tool_number_of(tool_member(v, "in_work")),
		tool_number_of(tool_member(v, "backlog")), oldest_ms / 1000, oldest_ms % 1000 / 100,
		(clock_wall_ms() - started) / 1000);
	print_partitions(tool_member(v, "partitions"));
	puts(serves(v) ? "" : " (its processes do not run)");
}

static const char *plural(int64_t n)
{
	return n == 1 ? "" : "s";
}

static void show_table(const struct look *l)
{
	unsigned n_free = count_free(l);
	bool is_free[PARTITIONS_MAX] = { false };

	puts("BROKER                    NAME                  SLOTS  IN HAND    WAITS    OLDEST       AGE  PARTITIONS");
	for (size_t i = 0; i < l->n_brokers; i++)
		print_broker(l->brokers[i]);
	if (l->partitions == 0) {
		printf("no broker has ever run the application %s here\n", l->app);
		return;
	}
	printf("%u partition%s", l->partitions, plural(l->partitions));
	for (unsigned p = 0; p < l->partitions; p++)
		is_free[p] = !l->held[p];
	if (n_free) {
		printf(", %u without a broker (", n_free);
		print_ranges(is_free, l->partitions);
		putchar(')');
	}
	printf("; %" PRId64 " event%s in the streams; %" PRId64 " dead letter%s\n", l->events, plural(l->events),
		l->dead, plural(l->dead));
}

static void show_json(const struct look *l)
{
	struct buf out = BUF_INIT;
	const char *between = "";

	buf_printf(&out, "{\"app\":\"%s\",\"partitions\":%u,\"without_broker\":[", l->app, l->partitions);
	for (unsigned p = 0; p < l->partitions; p++) {
		if (l->held[p])
			continue;
		buf_printf(&out, "%s%u", between, p);
		between = ",";
	}
	buf_printf(&out, "],\"events\":%" PRId64 ",\"dead\":%" PRId64 ",\"brokers\":[", l->events, l->dead);
	for (size_t i = 0; i < l->n_brokers; i++) {
		if (i)
			buf_add_char(&out, ',');
		tool_add_json(&out, l->brokers[i]);
	}
	buf_add_str(&out, "]}\n");
	tool_write(buf_slice(&out));
	buf_fini(&out);
}

static enum tool_exit show(const struct look *l)
{
	size_t serving = 0;

	if (l->args->json)
		show_json(l);
	else
		show_table(l);
	for (size_t i = 0; i < l->n_brokers; i++)
		serving += serves(l->brokers[i]);
	if (serving == 0)
		return TOOL_NOBODY;
	return count_free(l) ? TOOL_PARTIAL : TOOL_DONE;
}

enum tool_exit tool_brokers(const struct tool_args *a)
{
	struct look l = { .args = a, .app = tool_app_name(a) };
	enum tool_exit status = TOOL_USAGE;

	if (l.app)
		l.store = tool_store_open(a);
	if (l.store)
		status = ask(&l) ? show(&l) : TOOL_FAILED;
	tool_store_close(l.store);
	free(l.keys);
	free(l.brokers);
	arena_fini(&l.arena);
	return status;
}
