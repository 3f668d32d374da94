/*
 * fuzz_host.c - bytes taken for what a worker is given: records of events and of clients. Each event that is run leaves one batch,
 * which can be read; nothing else does.
 *
 * The first byte says the encoding, of what follows FF FE ends each piece: "J" and an event; "C" and one whose client's record is the
 * next piece; "L", "l": periodic tasks run, or not; "t": time passes. All bytes are taken for messages of a broker, too.
 */
#include <stdio.h>
#include <stdlib.h>

#include "host.h"
#include "log.h"
#include "message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "not so: %s (line %d)\n", #condition, __LINE__); \
			abort(); \
		} \
	} while (0)

app_setup_fn stoa_module_setup; /* tests/unit/host/module.c */

struct world {
	enum value_encoding encoding;
	struct timers timers;
	struct host *host;
	struct app *app;
	int64_t now_ms;
	int answers;
};

static void on_batch(void *ctx, bool event, struct slice node, struct slice record)
{
	struct record_rules rules = RECORD_RULES;
	struct world *w = ctx;
	struct arena arena = ARENA_INIT;
	struct batch_record b;

	(void)node;
	REQUIRE(record_encoding(record) == w->encoding);
	REQUIRE(batch_record_read(&arena, record, &rules, &b) == NULL);
	REQUIRE(event == (b.id.size > 0));
	w->answers += event;
	arena_fini(&arena);
}

static const struct host_ops ops = { on_batch, NULL };

static void give(struct world *w, struct slice record, struct slice client)
{
	const char *why;

	w->answers = 0;
	why = host_event(w->host, w->now_ms, record, client, SLICE("17-0"), 3, 2);
	REQUIRE(w->answers <= 1);
	REQUIRE(why == NULL || w->answers == 0);
}

static struct slice next_piece(struct slice *all)
{
	const char *end = memmem(all->at, all->size, "\xFF\xFE", 2);
	size_t size = end ? (size_t)(end - all->at) : all->size;
	struct slice piece = slice_first(*all, size);

	*all = slice_from(*all, end ? size + 2 : size);
	return piece;
}

static void take_piece(struct world *w, struct slice *all)
{
	struct slice piece = next_piece(all);
	char what = piece.size ? piece.at[0] : 't';

	if (what == 'J')
		give(w, slice_from(piece, 1), slice_of(NULL, 0));
	else if (what == 'C')
		give(w, slice_from(piece, 1), next_piece(all));
	else if (what == 'L' || what == 'l')
		host_lead(w->host, w->now_ms, what == 'L');
	w->now_ms += what == 't' ? 60 : 1;
	timers_run(&w->timers, w->now_ms);
}

static void take_messages(struct slice all)
{
	struct message m;
	ssize_t n;

	while ((n = message_take(all, 1 << 20, &m)) > 0)
		all = slice_from(all, (size_t)n);
}

static void open_world(struct world *w, enum value_encoding encoding)
{
	struct host_config config = { .by = "fuzz.0.1",
		.rules = RECORD_RULES,
		.encoding = encoding,
		.max_clients = 2,
		.max_client_bytes = 100000 };
	struct app_limits limits = { .max_json_depth = 40,
		.max_timers = 50,
		.max_effects = 100,
		.max_attachments = 10,
		.max_handler_bytes = 1 << 22 };
	char why[200];

	*w = (struct world){ .encoding = encoding, .timers = TIMERS_INIT, .now_ms = 1000 };
	w->host = host_new(&config, &w->timers, &ops, w);
	w->app = app_from("fuzz", stoa_module_setup,
		&(struct app_setup){ .port = host_port(w->host), .limits = limits, .encoding = encoding }, why,
		sizeof(why));
	REQUIRE(w->app);
	host_start(w->host, w->app, w->now_ms);
}

static void close_world(struct world *w)
{
	host_stop(w->host, w->now_ms);
	app_free(w->app);
	host_free(w->host);
	timers_fini(&w->timers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice all = slice_of((const char *)data + 1, size ? size - 1 : 0);
	struct world w;

	log_set_level(LOG_NONE);
	if (size == 0)
		return 0;
	take_messages(all);
	open_world(&w, data[0] & 1 ? VALUE_MSGPACK : VALUE_JSON);
	while (all.size)
		take_piece(&w, &all);
	close_world(&w);
	return 0;
}
