/* config_print.c - --print-config: the options that hold, as a file that says the same when it is read. */
#include "config_parts.h"

enum { LINE_BYTES = 198 }; /* what config_file.c reads as one line */

static bool has_comment_mark(struct slice text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text.at[i] == ';' && (i == 0 || text.at[i - 1] == ' '))
			return true;
	return false;
}

/* Whether the file's grammar gives these bytes back: it trims blanks, ends at a line's end and knows `; comment`. */
static bool fits_file(struct slice name, struct slice text)
{
	if (name.size + SLICE(" = ").size + text.size > LINE_BYTES || has_comment_mark(text))
		return false;
	for (size_t i = 0; i < text.size; i++)
		if ((unsigned char)text.at[i] < ' ')
			return false;
	return text.size == 0 || (text.at[0] != ' ' && text.at[text.size - 1] != ' ');
}

static void print_line(const char *name, struct slice text, struct buf *to)
{
	if (fits_file(slice_str(name), text)) {
		buf_printf(to, "%s =%s%.*s\n", name, text.size ? " " : "", SLICE_ARG(text));
		return;
	}
	buf_printf(to, "# a file cannot hold this value of %s: ", name);
	config_add_quoted(to, text);
	buf_add_char(to, '\n');
}

/* One line when it fits, else one per item. */
static void print_list(
	const struct config_option *o, const struct config_list *list, struct slice joined, struct buf *to)
{
	if (!list->set) {
		buf_printf(to, "# %s is not set\n", o->name);
		return;
	}
	if (fits_file(slice_str(o->name), joined)) {
		print_line(o->name, joined, to);
		return;
	}
	for (size_t i = 0; i < list->count; i++)
		print_line(o->name, slice_str(list->at[i]), to);
}

static void print_option(const struct config_option *o, const void *options, struct buf *to)
{
	struct buf text = BUF_INIT;

	config_format(o, options, &text);
	if (o->secret && text.size)
		buf_printf(to, "# %s is set, and not shown\n", o->name);
	else if (o->type == CONFIG_LIST)
		print_list(o, config_field_of(o, options), buf_slice(&text), to);
	else
		print_line(o->name, buf_slice(&text), to);
	buf_fini(&text);
}

void config_print(const struct config_context *c, struct buf *to)
{
	buf_printf(to, "[%s]\n", c->table->section);
	for (const struct config_option *o = c->table->options; o->name; o++)
		print_option(o, c->into, to);
	if (c->pairs->count)
		buf_add_str(to, "\n[app]\n");
	for (size_t i = 0; i < c->pairs->count; i++)
		print_line(c->pairs->at[i].name, slice_str(c->pairs->at[i].value), to);
}
