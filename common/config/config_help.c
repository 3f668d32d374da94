/* config_help.c - the table for people: --help on a terminal, and the reference in Markdown. */
#include "config_parts.h"

enum { WIDTH = 100 };

const struct config_builtin config_builtins[] = {
	{ "--config FILE", "Read this file" },
	{ "--set NAME=VALUE", "Set an option of the application's own; may be repeated" },
	{ "--check-config", "Read the options, report what is wrong, and end" },
	{ "--print-config", "Print the options that hold, as a file, and end" },
	{ "--health", "Ask the one that runs with these options how it is, and end: 0 well, 1 not" },
	{ "--help", "Print this and end" },
	{ "--version", "Print the version and end" },
	{ NULL, NULL },
};

static void add_flag_and_value(const struct config_option *o, struct buf *to)
{
	struct buf flag = BUF_INIT;

	config_add_flag(&flag, o->name);
	if (o->type == CONFIG_BOOL) /* --[no-]name */
		buf_printf(to, "--[no-]%.*s", SLICE_ARG(slice_from(buf_slice(&flag), 2)));
	else
		buf_printf(to, "%.*s %s", SLICE_ARG(buf_slice(&flag)), o->value ? o->value : "VALUE");
	buf_fini(&flag);
}

static void add_choices(const struct config_option *o, struct buf *to)
{
	for (const char *const *choice = o->choices; choice && *choice; choice++)
		buf_printf(to, "%s%s", choice == o->choices ? "" : ", ", *choice);
}

/* ---- --help ---- */

static size_t width_of(const struct config_option *o)
{
	struct buf text = BUF_INIT;
	size_t n;

	add_flag_and_value(o, &text);
	n = text.size;
	buf_fini(&text);
	return n;
}

static size_t widest(const struct config_table *table)
{
	size_t most = 0;

	for (const struct config_option *o = table->options; o->name; o++)
		most = width_of(o) > most ? width_of(o) : most;
	return most;
}

static void add_blanks(struct buf *to, size_t n)
{
	buf_printf(to, "%*s", (int)n, "");
}

/* Appends words from column `indent` on; the cursor stands there already. */
static void add_wrapped(struct buf *to, struct slice text, size_t indent)
{
	size_t column = indent;

	while (text.size) {
		size_t word = slice_find(text, ' ');

		if (column > indent && column + 1 + word > WIDTH) {
			buf_add_char(to, '\n');
			add_blanks(to, indent);
			column = indent;
		} else if (column > indent) {
			buf_add_char(to, ' ');
			column++;
		}
		buf_add_slice(to, slice_first(text, word));
		column += word;
		text = slice_from(text, word < text.size ? word + 1 : word);
	}
	buf_add_char(to, '\n');
}

static void add_entry(struct buf *to, size_t indent, struct slice left, struct slice right)
{
	buf_add_str(to, "  ");
	buf_add_slice(to, left);
	add_blanks(to, indent - 2 - left.size);
	add_wrapped(to, right, indent);
}

static void add_option(struct buf *to, size_t indent, const struct config_option *o)
{
	struct buf left = BUF_INIT, right = BUF_INIT;

	add_flag_and_value(o, &left);
	buf_add_str(&right, o->help);
	if (o->choices) {
		buf_add_str(&right, ": ");
		add_choices(o, &right);
	}
	if (o->otherwise)
		buf_printf(&right, " [%s]", o->otherwise);
	add_entry(to, indent, buf_slice(&left), buf_slice(&right));
	buf_fini(&left);
	buf_fini(&right);
}

void config_help(const struct config_table *table, struct buf *to)
{
	size_t indent = widest(table) + 4;

	buf_printf(to, "%s: %s\n\nUsage: %s [--OPTION VALUE]...\n\n", table->program, table->summary, table->program);
	buf_printf(to,
		"Every option is also a line of the file (ping_interval = 25s) and a variable of the environment\n"
		"(STOA_PING_INTERVAL=25s). Flags win over the environment, the environment over the file.\n"
		"Durations are written 300ms, 25s, 10m or 2h; sizes 512B, 64KB, 1MB or 1MiB.\n");
	for (const struct config_option *o = table->options; o->name; o++) {
		if (o->group)
			buf_printf(to, "\n%s:\n", o->group);
		add_option(to, indent, o);
	}
	buf_add_str(to, "\nOther flags:\n");
	for (const struct config_builtin *b = config_builtins; b->flag; b++)
		add_entry(to, indent, slice_str(b->flag), slice_str(b->help));
}

/* ---- The reference ---- */

static void add_range(const struct config_option *o, struct buf *to)
{
	if (o->type == CONFIG_LIST || (o->min == 0 && o->max == 0))
		return;
	buf_add_str(to, "; from ");
	config_format_number(o, o->min, to);
	buf_add_str(to, " to ");
	config_format_number(o, o->max, to);
}

static void add_kind(const struct config_option *o, struct buf *to)
{
	static const char *const kinds[] = {
		[CONFIG_BOOL] = "boolean",
		[CONFIG_INT] = "number",
		[CONFIG_DURATION] = "duration",
		[CONFIG_SIZE] = "size",
		[CONFIG_TEXT] = "text",
		[CONFIG_LIST] = "list",
		[CONFIG_CHOICE] = "one",
	};

	buf_add_str(to, kinds[o->type]);
	if (o->choices) {
		buf_add_str(to, " of ");
		add_choices(o, to);
	}
	add_range(o, to);
}

static const char *alias_note(enum config_alias_unit unit)
{
	switch (unit) {
	case ALIAS_MS:
		return " (a bare number is milliseconds)";
	case ALIAS_SECONDS:
		return " (a bare number is seconds)";
	case ALIAS_BYTES:
		return " (a bare number is bytes)";
	case ALIAS_PATH:
		return " (the first slash may be missing)";
	case ALIAS_SAME:
		break;
	}
	return "";
}

static void add_aliases(const struct config_option *o, struct buf *to)
{
	for (const struct config_alias *a = o->aliases; a->name; a++)
		buf_printf(to, "%s`%s`%s", a == o->aliases ? ". Also " : ", ", a->name, alias_note(a->unit));
}

static void reference_row(const struct config_option *o, struct buf *to)
{
	buf_printf(to, "| `%s` | ", o->name);
	add_kind(o, to);
	if (o->otherwise)
		buf_printf(to, " | `%s` | ", o->otherwise);
	else
		buf_add_str(to, " | not set | ");
	buf_add_str(to, o->help);
	add_aliases(o, to);
	buf_add_str(to, " |\n");
}

static void reference_heading(const char *group, struct buf *to)
{
	buf_printf(to, "\n## %s\n\n| Option | Value | Default | What it does |\n|---|---|---|---|\n", group);
}

void config_reference(const struct config_table *table, struct buf *to)
{
	buf_printf(to,
		"# Options of %s\n\n"
		"This page is written from the program's option table; `%s --help` shows the same.\n\n"
		"An option is read, later wins, from its default; the file that `--config FILE` or `STOA_CONFIG` "
		"names\n(`ping_interval = 25s`, in section `[%s]` or none); the environment "
		"(`STOA_PING_INTERVAL=25s`); the command line\n(`--ping-interval 25s`). "
		"The application's own options stand in section `[app]`, in `STOA_APP_<NAME>` and in\n"
		"`--set NAME=VALUE`. `--check-config` reports what is wrong, `--print-config` prints what holds.\n\n"
		"Durations are written `300ms`, `25s`, `10m` or `2h`, sizes `512B`, `64KB` (1000 bytes each), `1MB` or "
		"`1MiB`,\nlists with commas; in a file, several lines of one list add up.\n",
		table->program, table->program, table->section);
	for (const struct config_option *o = table->options; o->name; o++) {
		if (o->group)
			reference_heading(o->group, to);
		reference_row(o, to);
	}
}
