/*
 * config_file.c - the file. inih finds sections, names and values; the reader under it counts the lines, which inih
 * does not tell its handler, takes the indentation away, which inih would read as the continuation of the line before,
 * and refuses a line that does not fit inih's buffer, which inih would cut in two.
 */
#include "config_parts.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"

struct file {
	struct config_context *context;
	FILE *stream;
	struct config_place place; /* the path and the line just read */
	bool *seen;                /* per row: this file has named it */
	int error;                 /* of reading */
};

static bool fail_long_line(struct file *f, int room)
{
	return config_fail(f->context, f->place, "the line is longer than %d bytes or holds a zero byte", room);
}

/* fgets() for inih. It ends at the first error, so that no later line is looked at. */
static char *read_line(char *to, int size, void *user)
{
	struct file *f = user;
	size_t blanks;

	if (f->context->message->size)
		return NULL;
	if (fgets(to, size, f->stream) == NULL) {
		f->error = ferror(f->stream) ? errno : 0;
		return NULL;
	}
	f->place.line++;
	if (strchr(to, '\n') == NULL && !feof(f->stream)) {
		fail_long_line(f, size - 2);
		return NULL;
	}
	blanks = strspn(to, " \t");
	memmove(to, to + blanks, strlen(to + blanks) + 1);
	return to;
}

static bool on_option(struct file *f, const char *name, const char *value)
{
	const struct config_table *table = f->context->table;
	struct config_match match;
	bool *seen;

	if (!config_find(table, slice_str(name), &match))
		return config_fail_unknown(f->context, f->place, slice_str(name), NULL);
	seen = &f->seen[match.option - table->options];
	match.more = *seen;
	*seen = true;
	return config_assign(f->context, f->place, &match, value);
}

static bool fail_section(struct file *f, const char *section)
{
	struct buf text = BUF_INIT;

	config_add_foreign(&text, slice_str(section));
	config_fail(f->context, f->place, "unknown section [%.*s]; known are [%s] and [app]",
		SLICE_ARG(buf_slice(&text)), f->context->table->section);
	buf_fini(&text);
	return false;
}

static int on_entry(void *user, const char *section, const char *name, const char *value)
{
	struct file *f = user;

	if (strcmp(section, "app") == 0)
		return config_pair(f->context, f->place, slice_str(name), value);
	if (section[0] && strcmp(section, f->context->table->section) != 0)
		return fail_section(f, section);
	return on_option(f, name, value);
}

static size_t count_options(const struct config_table *table)
{
	size_t n = 0;

	while (table->options[n].name)
		n++;
	return n;
}

static bool fail_read(struct file *f, struct config_place from, int error)
{
	struct buf path = BUF_INIT;

	config_add_quoted(&path, f->place.name);
	config_fail(f->context, from, "cannot read %.*s: %s", SLICE_ARG(buf_slice(&path)), strerror(error));
	buf_fini(&path);
	return false;
}

/* A directory opens but does not read. */
static bool read_stream(struct file *f, struct config_place from)
{
	int bad_line = ini_parse_stream(read_line, f, on_entry, f);

	if (f->error)
		return fail_read(f, from, f->error);
	if (bad_line > 0) {
		f->place.line = (unsigned)bad_line;
		config_fail(f->context, f->place, "the line is neither [section] nor name = value");
	}
	return f->context->message->size == 0;
}

bool config_read_file(struct config_context *c, struct config_place from, const char *path)
{
	struct file f = { .context = c, .place = { .name = slice_str(path) } };
	bool done;

	f.stream = fopen(path, "re");
	if (f.stream == NULL)
		return fail_read(&f, from, errno);
	f.seen = must_alloc(count_options(c->table) * sizeof(*f.seen) + 1);
	done = read_stream(&f, from);
	free(f.seen);
	fclose(f.stream);
	return done;
}
