/*
 * record_echo.c - records read and written again, for tests in other languages. A line in, a line out:
 *
 *	event|batch|client|app HEX      ok HEX, of the same encoding, or: refused REASON
 *	partition N HEX                 the partition of a client of that id, of N
 */
#include <stdio.h>
#include <stdlib.h>

#include "records.h"

static struct arena arena;

typedef const char *pass_fn(struct slice bytes, struct buf *to);

static const char *pass_event(struct slice bytes, struct buf *to)
{
	struct record_rules rules = RECORD_RULES;
	struct event_record e;
	const char *why = event_record_read(&arena, bytes, &rules, &e);

	return why ? why : event_record_put(to, record_encoding(bytes), &e) ? "it cannot be written" : NULL;
}

static const char *pass_batch(struct slice bytes, struct buf *to)
{
	struct record_rules rules = RECORD_RULES;
	struct batch_record b;
	const char *why = batch_record_read(&arena, bytes, &rules, &b);

	return why ? why : batch_record_put(to, record_encoding(bytes), &b) ? "it cannot be written" : NULL;
}

static const char *pass_client(struct slice bytes, struct buf *to)
{
	struct record_rules rules = RECORD_RULES;
	struct client_record c;
	const char *why = client_record_read(&arena, bytes, &rules, &c);

	return why ? why : client_record_put(to, record_encoding(bytes), &c) ? "it cannot be written" : NULL;
}

static const char *pass_app(struct slice bytes, struct buf *to)
{
	struct record_rules rules = RECORD_RULES;
	struct app_record a;
	const char *why = app_record_read(&arena, bytes, &rules, &a);

	return why ? why : app_record_put(to, &a) ? "it cannot be written" : NULL;
}

static const struct {
	const char *name;
	pass_fn *pass;
} kinds[] = { { "event", pass_event }, { "batch", pass_batch }, { "client", pass_client }, { "app", pass_app } };

static struct slice bytes_of(const char *hex)
{
	char *at = arena_take(&arena, strlen(hex) / 2 + 1);
	size_t size = 0;
	unsigned byte;

	for (; at && sscanf(hex, "%2x", &byte) == 1; hex += 2)
		at[size++] = (char)byte;
	return slice_of(at, size);
}

static void pass(const char *kind, const char *hex)
{
	struct buf to = BUF_INIT;
	const char *why = "no such kind";

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strcmp(kinds[i].name, kind) == 0)
			why = kinds[i].pass(bytes_of(hex), &to);
	printf("%s%s", why ? "refused " : "ok ", why ? why : "");
	for (size_t i = 0; why == NULL && i < to.size; i++)
		printf("%02x", (unsigned char)to.at[i]);
	puts("");
	buf_fini(&to);
}

int main(void)
{
	char *line = NULL;
	size_t cap = 0;

	while (getline(&line, &cap, stdin) > 0) {
		char *rest = line, *word = strsep(&rest, " \n"), *second = rest ? strsep(&rest, " \n") : NULL;
		struct app_record a = { .partitions = 1 };

		if (second && rest && strcmp(word, "partition") == 0) {
			a.partitions = (unsigned)strtoul(second, NULL, 10);
			printf("%u\n", app_record_partition(&a, SLICE("/"), bytes_of(strsep(&rest, "\n"))));
		} else {
			pass(word, second ? second : "");
		}
		fflush(stdout);
		arena_reset(&arena);
	}
	free(line);
	arena_fini(&arena);
	return 0;
}
