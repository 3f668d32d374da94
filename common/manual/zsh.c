/* zsh.c - completions of zsh: rows for its _arguments. */
#include "manual.h"

/* Inside of '..': what _arguments, or the shell, would take for its own is marked. */
static void add_words(struct buf *to, const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			buf_add_str(to, "'\\''");
		else if (*text == '\n')
			buf_add_char(to, ' ');
		else if (*text == '[' || *text == ']' || *text == ':' || *text == '\\')
			buf_printf(to, "\\%c", *text);
		else
			buf_add_char(to, *text);
	}
}

static void add_row(struct buf *to, const struct word *w)
{
	buf_printf(to, " \\\n\t'*%s%s[", w->flag, w->values == WORD_NONE ? "" : "=");
	add_words(to, w->help);
	buf_add_char(to, ']');
	switch (w->values) {
	case WORD_NONE:
		break;
	case WORD_FILE:
		buf_add_str(to, ":file:_files");
		break;
	case WORD_DIR:
		buf_add_str(to, ":directory:_files -/");
		break;
	case WORD_OTHER:
		buf_add_str(to, ":value: ");
		break;
	case WORD_CHOICE:
		buf_add_str(to, ":word:(");
		for (const char *const *choice = w->choices; *choice; choice++)
			buf_printf(to, "%s%s", choice == w->choices ? "" : " ", *choice);
		buf_add_char(to, ')');
		break;
	}
	buf_add_char(to, '\'');
}

void zsh_daemon(struct buf *to, const struct config_table *table)
{
	buf_printf(to, "#compdef %s\n# written from the program's own tables\n_arguments -s", table->program);
	words_of_daemon(table, add_row, to);
	buf_add_char(to, '\n');
}

void zsh_command(struct buf *to)
{
	buf_add_str(to, "#compdef stoa\n# written from the program's own tables\n"
			"local state line\nlocal -a commands\ncommands=(\n");
	for (const struct tool_command *c = tool_commands; c->name; c++) {
		buf_printf(to, "\t'%s:", c->name);
		add_words(to, c->help);
		buf_add_str(to, "'\n");
	}
	buf_add_str(to, ")\n_arguments -C '1:command:->command' '*::argument:->argument'\n"
			"case $state in\ncommand) _describe command commands ;;\nargument)\n\tcase $words[1] in\n");
	for (const struct tool_command *c = tool_commands; c->name; c++) {
		buf_printf(to, "\t%s) _arguments", c->name);
		words_of_command(c, add_row, to);
		buf_add_str(to, " ;;\n");
	}
	buf_add_str(to, "\tesac ;;\nesac\n");
}
