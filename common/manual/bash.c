/* bash.c - completions of bash: a function for each program, which needs no package of others. */
#include <string.h>

#include "manual.h"

/* The values of a flag, as a branch of the function's case. */
static void add_values(struct buf *to, const struct word *w)
{
	if (w->values == WORD_NONE)
		return;
	buf_printf(to, "\t%s) ", w->flag);
	switch (w->values) {
	case WORD_FILE:
		buf_add_str(to, "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); ");
		break;
	case WORD_DIR:
		buf_add_str(to, "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- \"$cur\"); ");
		break;
	case WORD_CHOICE:
		buf_add_str(to, "mapfile -t COMPREPLY < <(compgen -W '");
		for (const char *const *choice = w->choices; *choice; choice++)
			buf_printf(to, "%s%s", choice == w->choices ? "" : " ", *choice);
		buf_add_str(to, "' -- \"$cur\"); ");
		break;
	case WORD_OTHER:
	case WORD_NONE:
		break;
	}
	buf_add_str(to, "return ;;\n");
}

static void add_flag(struct buf *to, const struct word *w)
{
	buf_printf(to, " %s", w->flag);
}

static void begin(struct buf *to, const char *name)
{
	buf_add_str(to, "# bash completion; written from the program's own tables\n_");
	for (const char *c = name; *c; c++)
		buf_add_char(to, *c == '-' ? '_' : *c);
	/* --flag=value comes as three words. */
	buf_add_str(to, "()\n{\n\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} flags\n"
			"\tif [ \"$cur\" = = ]; then\n\t\tcur=\n"
			"\telif [ \"$prev\" = = ] && [ \"$COMP_CWORD\" -gt 2 ]; then\n\t\tprev=${COMP_WORDS[COMP_CWORD "
			"- 2]}\n\tfi\n"
			"\tCOMPREPLY=()\n\tcase $prev in\n");
}

static void end(struct buf *to, const char *name)
{
	buf_add_str(to, "\tmapfile -t COMPREPLY < <(compgen -W \"$flags\" -- \"$cur\")\n}\ncomplete -F _");
	for (const char *c = name; *c; c++)
		buf_add_char(to, *c == '-' ? '_' : *c);
	buf_printf(to, " %s\n", name);
}

void bash_daemon(struct buf *to, const struct config_table *table)
{
	begin(to, table->program);
	words_of_daemon(table, add_values, to);
	buf_add_str(to, "\tesac\n\tflags='");
	words_of_daemon(table, add_flag, to);
	buf_add_str(to, "'\n");
	end(to, table->program);
}

void bash_command(struct buf *to)
{
	begin(to, "stoa");
	words_of_command(NULL, add_values, to);
	buf_add_str(to, "\tesac\n\tcase ${COMP_WORDS[1]} in\n");
	for (const struct tool_command *c = tool_commands; c->name; c++) {
		buf_printf(to, "\t%s) flags='", c->name);
		words_of_command(c, add_flag, to);
		buf_add_str(to, "' ;;\n");
	}
	buf_add_str(
		to, "\t*) flags='--help --version' ;;\n\tesac\n\t[ \"$COMP_CWORD\" -gt 1 ] || flags='--help --version");
	for (const struct tool_command *c = tool_commands; c->name; c++)
		buf_printf(to, " %s", c->name);
	buf_add_str(to, "'\n");
	end(to, "stoa");
}
