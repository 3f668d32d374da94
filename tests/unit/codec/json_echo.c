/*
 * json_echo.c - test-json-echo: the JSON codec as a filter, for comparison with other implementations.
 *
 * Each line of the input is a JSON text; the answer is a line of flags and the text decoded and encoded again, with a
 * space between them, or "!" and why the text is malformed.
 */
#include "json.h"

#include <stdio.h>
#include <stdlib.h>

static void echo(struct arena *arena, struct buf *out, struct slice line)
{
	static const struct json_rules rules = { .max_depth = 100, .blobs = JSON_NO_BLOBS };
	unsigned flags;
	const char *error = json_check(line, &rules, &flags);

	buf_clear(out);
	if (error) {
		printf("!%s\n", error);
		return;
	}
	if (json_encode(out, json_decode(arena, line, NULL, 0), NULL) < 0) {
		printf("!cannot be encoded\n");
		return;
	}
	printf("%u %.*s\n", flags, SLICE_ARG(buf_slice(out)));
}

int main(void)
{
	struct arena arena = ARENA_INIT;
	struct buf out = BUF_INIT;
	char *line = NULL;
	size_t cap = 0;
	ssize_t size;

	while ((size = getline(&line, &cap, stdin)) > 0) {
		echo(&arena, &out, slice_of(line, (size_t)size - (line[size - 1] == '\n')));
		arena_reset(&arena);
	}
	free(line);
	buf_fini(&out);
	arena_fini(&arena);
	return EXIT_SUCCESS;
}
