/*
 * options_reference.c - holds docs/options.md, or docs/broker-options.md, to the option table.
 *
 *	options-reference FILE            fails when FILE is not what config_reference() says
 *	options-reference --write FILE    writes it
 *
 * A file whose name begins with broker- is that of the broker's table.
 */
#include <stdio.h>
#include <stdlib.h>

#include "broker_options.h"

static bool write_file(const char *path, struct slice text)
{
	FILE *f = fopen(path, "we");
	bool done = f && fwrite(text.at, 1, text.size, f) == text.size;

	if (f && fclose(f) != 0)
		done = false;
	if (!done)
		perror(path);
	return done;
}

static bool same_as_file(const char *path, struct slice text)
{
	FILE *f = fopen(path, "re");
	struct buf found = BUF_INIT;
	bool same;

	if (f && buf_reserve(&found, text.size + 1)) /* one more than expected, to see that it is too long */
		found.size = fread(found.at, 1, text.size + 1, f);
	if (f)
		fclose(f);
	same = slice_equal(buf_slice(&found), text);
	if (!same)
		fprintf(stderr, "%s is not what the option table says; write it with: options-reference --write %s\n",
			path, path);
	buf_fini(&found);
	return same;
}

static const struct config_table *table_of(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

	return strncmp(name, "broker-", 7) == 0 ? broker_options_table() : &gateway_options_table;
}

int main(int argc, char **argv)
{
	bool writing = argc == 3 && strcmp(argv[1], "--write") == 0;
	struct buf text = BUF_INIT;
	bool done;

	if (argc != 2 && !writing) {
		fprintf(stderr, "usage: options-reference [--write] FILE\n");
		return EXIT_FAILURE;
	}
	config_reference(table_of(argv[argc - 1]), &text);
	done = writing ? write_file(argv[2], buf_slice(&text)) : same_as_file(argv[1], buf_slice(&text));
	buf_fini(&text);
	return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
