/* fish.c - completions of fish: a command for each flag. */
#include "manual.h"

static void add_quoted(struct buf *to, const char *text)
{
	buf_add_char(to, '\'');
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			buf_add_char(to, '\\');
		buf_add_char(to, *text == '\n' ? ' ' : *text);
	}
	buf_add_char(to, '\'');
}

static void add_flag(struct buf *to, const struct word *w)
{
	buf_printf(to, " -l %s -d ", w->flag + 2);
	add_quoted(to, w->help);
	switch (w->values) {
	case WORD_NONE:
		break;
	case WORD_FILE:
		buf_add_str(to, " -r -F");
		break;
	case WORD_DIR:
		buf_add_str(to, " -x -a '(__fish_complete_directories)'");
		break;
	case WORD_OTHER:
		buf_add_str(to, " -x");
		break;
	case WORD_CHOICE:
		buf_add_str(to, " -x -a '");
		for (const char *const *choice = w->choices; *choice; choice++)
			buf_printf(to, "%s%s", choice == w->choices ? "" : " ", *choice);
		buf_add_char(to, '\'');
		break;
	}
	buf_add_char(to, '\n');
}

static void begin(struct buf *to, const char *program)
{
	buf_printf(to, "# written from the program's own tables\ncomplete -c %s -f\n", program);
}

static void add_gateways(struct buf *to, const struct word *w)
{
	buf_add_str(to, "complete -c stoa-gateway");
	add_flag(to, w);
}

static void add_brokers(struct buf *to, const struct word *w)
{
	buf_add_str(to, "complete -c stoa-broker");
	add_flag(to, w);
}

void fish_daemon(struct buf *to, const struct config_table *table)
{
	begin(to, table->program);
	words_of_daemon(table, table->section[0] == 'b' ? add_brokers : add_gateways, to);
}

/* The condition: one of the commands that have it. */
static void add_command_flag(struct buf *to, const struct word *w)
{
	buf_add_str(to, "complete -c stoa -n '__fish_seen_subcommand_from");
	for (const struct tool_option *o = tool_options; o->name; o++) {
		if (strcmp(o->name, w->flag + 2) != 0)
			continue;
		for (const struct tool_command *c = tool_commands; c->name; c++)
			if ((o->commands & (int)c->bit) && (o->via & c->via))
				buf_printf(to, " %s", c->name);
	}
	buf_add_char(to, '\'');
	add_flag(to, w);
}

void fish_command(struct buf *to)
{
	begin(to, "stoa");
	for (const struct tool_command *c = tool_commands; c->name; c++) {
		buf_printf(to, "complete -c stoa -n __fish_use_subcommand -a %s -d ", c->name);
		add_quoted(to, c->help);
		buf_add_char(to, '\n');
	}
	words_of_command(NULL, add_command_flag, to);
}
