/* daemon.c - stoa-gateway(8) and stoa-broker(8). */
#include <string.h>

#include "manual.h"

static void add_choices(struct buf *to, const struct config_option *o)
{
	buf_add_str(to, "One of: ");
	for (const char *const *choice = o->choices; *choice; choice++) {
		mdoc_add(to, *choice);
		buf_add_str(to, choice[1] ? ", " : ".\n");
	}
}

static void add_option(struct buf *to, const struct config_option *o)
{
	buf_add_str(to, ".It Fl ");
	mdoc_add(to, o->type == CONFIG_BOOL ? "-[no-]" : "-");
	for (const char *c = o->name; *c; c++)
		buf_add_str(to, *c == '_' ? "\\-" : (char[2]){ *c, '\0' });
	if (o->type != CONFIG_BOOL)
		buf_printf(to, " Ar %s", o->value ? o->value : "VALUE");
	buf_add_char(to, '\n');
	mdoc_text(to, o->help, true);
	if (o->choices)
		add_choices(to, o);
	if (o->otherwise)
		buf_printf(to, "Default:\n.Ql %s .\n", o->otherwise);
}

/* "--config FILE" as .It Fl -config Ar FILE */
static void add_builtin(struct buf *to, const struct config_builtin *b)
{
	size_t size = strcspn(b->flag, " ");

	buf_add_str(to, ".It Fl ");
	for (size_t i = 1; i < size; i++)
		buf_add_str(to, b->flag[i] == '-' ? "\\-" : (char[2]){ b->flag[i], '\0' });
	if (b->flag[size])
		buf_printf(to, " Ar %s", b->flag + size + 1);
	buf_add_char(to, '\n');
	mdoc_text(to, b->help, true);
}

static void add_options(struct buf *to, const struct config_table *table)
{
	const char *rest = "";

	buf_add_str(to, ".Sh OPTIONS\n"
			"Each is also a line of the file and a variable of the environment, see\n.Xr stoa.conf 5 .\n");
	for (const struct config_option *o = table->options; o->name; o++) {
		if (o->group) {
			buf_printf(to, "%s.Ss %s\n.Bl -tag -width Ds\n", rest, o->group);
			rest = ".El\n";
		}
		add_option(to, o);
	}
	buf_printf(to, "%s.Ss Other flags\n.Bl -tag -width Ds\n", rest);
	for (const struct config_builtin *b = config_builtins; b->flag; b++)
		add_builtin(to, b);
	buf_add_str(to, ".El\n");
}

void daemon_page(struct buf *to, const struct config_table *table)
{
	bool is_broker = strcmp(table->section, "broker") == 0;

	mdoc_head(to, table->program, 8, table->summary);
	buf_printf(to,
		".Sh SYNOPSIS\n.Nm\n.Op Fl \\-config Ar FILE\n.Op Fl \\-OPTION Ar VALUE ...\n.Sh DESCRIPTION\n.Nm\n");
	buf_add_str(to,
		is_broker ? "takes the events of clients from Redis, has worker processes run an application\n"
			    "module over them, and sends what the application says back to the gateways of\n"
			    ".Xr stoa-gateway 8 .\nAny number of brokers share the work.\n"
			  : "serves Socket.IO clients over WebSocket and HTTP long\\-polling.\n"
			    "It runs an application module itself, or leaves that to brokers,\n"
			    ".Xr stoa-broker 8 ,\nor to a webhook.\n"
			    "Gateways that share a Redis are one cluster, in front of which a load balancer needs no\n"
			    "stickiness.\n");
	add_options(to, table);
	buf_add_str(to, ".Sh SIGNALS\n.Bl -tag -width Ds\n.It Dv SIGTERM , SIGINT\n");
	mdoc_text(to,
		is_broker ? "Hands its partitions over, has its workers finish, and ends; a second one ends it at once"
			  : "Takes nothing new, closes all clients in good order, and ends, all within "
			    "shutdown_timeout; a second one ends it at once",
		true);
	buf_add_str(to, ".It Dv SIGHUP\n");
	mdoc_text(to, "Loads the application anew; clients stay connected", true);
	buf_add_str(to, ".El\n.Sh FILES\n.Bl -tag -width Ds\n");
	buf_printf(to, ".It Pa /etc/stoa/%s.conf\nThe configuration of the service.\n", table->section);
	buf_printf(to, ".It Pa /etc/default/%s\nIts environment.\n.El\n.Sh EXIT STATUS\n.Bl -tag -width Ds\n",
		table->program);
	mdoc_exit(to, "0", "It was told to end, and did");
	mdoc_exit(to, "1", "It could not start, or was interrupted by a second signal");
	mdoc_exit(to, "2", "The options are wrong; the message says where and what was expected");
	if (!is_broker)
		mdoc_exit(to, "3",
			"It was told to end, and shutdown_timeout was over before all clients had their last messages");
	buf_printf(to, ".El\n.Sh EXAMPLES\n.Dl %s --check-config --config /etc/stoa/%s.conf\n", table->program,
		table->section);
	buf_printf(
		to, ".Sh SEE ALSO\n.Xr stoa 1 ,\n.Xr stoa.conf 5 ,\n.Xr stoa-%s 8\n", is_broker ? "gateway" : "broker");
}
