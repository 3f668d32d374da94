/* words.c - options as completions see them; see manual.h. */
#include <stdio.h>
#include <string.h>

#include "manual.h"

static enum word_values values_of(const char *value)
{
	if (value == NULL)
		return WORD_NONE;
	if (strcmp(value, "FILE") == 0)
		return WORD_FILE;
	return strcmp(value, "DIR") == 0 ? WORD_DIR : WORD_OTHER;
}

static void name_flag(struct word *w, const char *prefix, const char *name)
{
	snprintf(w->flag, sizeof(w->flag), "--%s%s", prefix, name);
	for (char *c = w->flag; *c; c++)
		if (*c == '_')
			*c = '-';
}

static void add_option(
	const struct config_option *o, void (*each)(struct buf *to, const struct word *w), struct buf *to)
{
	struct word w = { .help = o->help, .choices = o->choices };

	w.values = o->choices ? WORD_CHOICE : values_of(o->type == CONFIG_BOOL ? NULL : o->value ? o->value : "VALUE");
	name_flag(&w, "", o->name);
	each(to, &w);
	if (o->type != CONFIG_BOOL)
		return;
	name_flag(&w, "no-", o->name);
	each(to, &w);
}

void words_of_daemon(
	const struct config_table *table, void (*each)(struct buf *to, const struct word *w), struct buf *to)
{
	for (const struct config_option *o = table->options; o->name; o++)
		add_option(o, each, to);
	for (const struct config_builtin *b = config_builtins; b->flag; b++) {
		size_t size = strcspn(b->flag, " ");
		struct word w = { .help = b->help, .values = values_of(b->flag[size] ? b->flag + size + 1 : NULL) };

		snprintf(w.flag, sizeof(w.flag), "%.*s", (int)size, b->flag);
		each(to, &w);
	}
}

void words_of_command(const struct tool_command *c, void (*each)(struct buf *to, const struct word *w), struct buf *to)
{
	for (const struct tool_option *o = tool_options; o->name; o++) {
		struct word w = { .help = o->help, .values = values_of(o->value) };

		if (c && (!(o->commands & (int)c->bit) || !(o->via & c->via)))
			continue;
		name_flag(&w, "", o->name);
		each(to, &w);
	}
}
