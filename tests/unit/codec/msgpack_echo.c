/*
 * msgpack_echo.c - test-msgpack-echo: the MessagePack codec as a filter, for comparison with other implementations.
 *
 * Each line of the input is a value as notepack.io 2.2.0 writes it, in hexadecimal digits; the answer is a line of the
 * value decoded and encoded again for clients and for the bus, and as JSON, spaces between, or "!" and why it is
 * malformed.
 */
#include <stdio.h>
#include <stdlib.h>

#include "json.h"
#include "msgpack.h"

static struct slice unhex(char *text)
{
	size_t n = strcspn(text, "\n") / 2;
	char digits[3] = "";

	for (size_t i = 0; i < n; i++) {
		memcpy(digits, text + 2 * i, 2);
		text[i] = (char)strtoul(digits, NULL, 16);
	}
	return slice_of(text, n);
}

static void print_hex(struct slice s)
{
	for (size_t i = 0; i < s.size; i++)
		printf("%02x", (unsigned char)s.at[i]);
	putchar(' ');
}

static void echo(struct arena *arena, struct buf *out, struct slice bytes)
{
	static const struct msgpack_rules rules = { .max_depth = 100 };
	const char *error = msgpack_check(bytes, &rules);
	struct stoa_value v;

	if (error) {
		printf("!%s\n", error);
		return;
	}
	v = msgpack_decode(arena, bytes, MSGPACK_CLIENT);
	for (int dialect = MSGPACK_CLIENT; dialect <= MSGPACK_BUS; dialect++) {
		buf_clear(out);
		if (msgpack_encode(out, v, (enum msgpack_dialect)dialect) < 0)
			exit(EXIT_FAILURE);
		print_hex(buf_slice(out));
	}
	buf_clear(out);
	if (json_encode(out, v, NULL) < 0)
		exit(EXIT_FAILURE);
	printf("%.*s\n", SLICE_ARG(buf_slice(out)));
}

int main(void)
{
	struct arena arena = ARENA_INIT;
	struct buf out = BUF_INIT;
	char *line = NULL;
	size_t cap = 0;

	while (getline(&line, &cap, stdin) > 0) {
		echo(&arena, &out, unhex(line));
		arena_reset(&arena);
	}
	free(line);
	buf_fini(&out);
	arena_fini(&arena);
	return EXIT_SUCCESS;
}
