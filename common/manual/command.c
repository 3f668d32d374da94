/* command.c - stoa(1). */
#include "manual.h"

static void add_command(struct buf *to, const struct tool_command *c)
{
	buf_printf(to, ".It Ic %s", c->name);
	if (c->words[0]) {
		buf_add_str(to, " Ar ");
		mdoc_add(to, c->words);
	}
	buf_add_char(to, '\n');
	mdoc_text(to, c->help, true);
	if (c->via == TOOL_HTTP)
		buf_add_str(to, "Of one gateway alone.\n");
	if (c->via == TOOL_REDIS)
		buf_add_str(to, "Through Redis alone.\n");
}

/* The commands that have it; nothing when all do. */
static void add_users(struct buf *to, const struct tool_option *o)
{
	const char *between = "Of ";

	if (o->commands == TOOL_ANY)
		return;
	for (const struct tool_command *c = tool_commands; c->name; c++) {
		if (!(o->commands & (int)c->bit) || !(o->via & c->via))
			continue;
		buf_add_str(to, between);
		mdoc_add(to, c->name);
		between = ", ";
	}
	buf_add_str(to, ".\n");
}

/* A help may go over several lines, indented for a terminal. */
static void add_help(struct buf *to, const char *help)
{
	struct buf one_line = BUF_INIT;

	for (const char *c = help; *c; c++)
		if (*c != '\n' && !(*c == ' ' && one_line.size && one_line.at[one_line.size - 1] == ' '))
			buf_add_char(&one_line, *c);
	buf_add_char(&one_line, '\0');
	mdoc_text(to, one_line.at, true);
	buf_fini(&one_line);
}

static void add_option(struct buf *to, const struct tool_option *o)
{
	buf_add_str(to, ".It Fl \\-");
	mdoc_add(to, o->name);
	if (o->value)
		buf_printf(to, " Ar %s", o->value);
	buf_add_char(to, '\n');
	add_help(to, o->help);
	add_users(to, o);
}

void command_page(struct buf *to)
{
	mdoc_head(to, "stoa", 1, "emit to the clients of running servers from a script, and see who is there");
	buf_add_str(to,
		".Sh SYNOPSIS\n.Nm\n.Ar COMMAND\n.Op Ar argument ...\n.Op Fl \\-OPTION Op Ar VALUE\n.Sh DESCRIPTION\n"
		"With\n.Fl \\-redis\n(or the variable\n.Ev STOA_REDIS_URL\nand no option of a gateway) all servers of "
		"the\n"
		"cluster are asked through their Redis, those of Node.js too; otherwise one gateway, by its HTTP API.\n"
		".Bl -tag -width Ds\n");
	for (const struct tool_command *c = tool_commands; c->name; c++)
		add_command(to, c);
	buf_add_str(to, ".El\n.Pp\nArguments of events are JSON or, with\n.Fl \\-text ,\ntext; one that is\n.Ql \\-\n"
			"is read from standard input.\n.Sh OPTIONS\n.Bl -tag -width Ds\n");
	for (const struct tool_option *o = tool_options; o->name; o++)
		add_option(to, o);
	buf_add_str(to, ".El\n.Sh EXIT STATUS\n.Bl -tag -width Ds\n");
	mdoc_exit(to, "0", "It is done, or listed");
	mdoc_exit(to, "1", "It was refused, or there was no answer; of doctor: something is wrong");
	mdoc_exit(to, "2", "The command line is wrong: nothing was sent");
	mdoc_exit(to, "3", "It is done, and there was nobody; of brokers: none runs; of dead: there is no such letter");
	mdoc_exit(to, "4", "Some did not answer in time, or could not be acted upon; of doctor: warnings alone");
	buf_add_str(to, ".El\n.Sh EXAMPLES\n"
			".Dl stoa emit news '\"hello\"' --to lobby\n.Dl stoa sockets lobby --json\n"
			".Dl stoa watch --redis redis://127.0.0.1\n"
			".Sh SEE ALSO\n.Xr stoa.conf 5 ,\n.Xr stoa-broker 8 ,\n.Xr stoa-gateway 8\n");
}
