/* file.c - stoa.conf(5). */
#include "manual.h"

static void add_bound(struct buf *to, const struct config_option *o, int64_t n)
{
	if (o->type == CONFIG_DURATION)
		config_format_duration(n, to);
	else if (o->type == CONFIG_SIZE)
		config_format_size(n, to);
	else
		buf_printf(to, "%lld", (long long)n);
}

static void add_kind(struct buf *to, const struct config_option *o)
{
	static const char *const kinds[] = {
		[CONFIG_BOOL] = "true or false",
		[CONFIG_INT] = "a number",
		[CONFIG_DURATION] = "a duration",
		[CONFIG_SIZE] = "a size",
		[CONFIG_TEXT] = "text",
		[CONFIG_LIST] = "a list",
		[CONFIG_CHOICE] = "one word",
	};

	buf_printf(to, "Value: %s", kinds[o->type]);
	for (const char *const *choice = o->choices; choice && *choice; choice++) {
		buf_add_str(to, choice == o->choices ? " of " : ", ");
		mdoc_add(to, *choice);
	}
	if (o->type != CONFIG_LIST && (o->min || o->max)) {
		buf_add_str(to, ", from ");
		add_bound(to, o, o->min);
		buf_add_str(to, " to ");
		add_bound(to, o, o->max);
	}
	buf_add_str(to, ".\n");
}

static void add_option(struct buf *to, const struct config_option *o)
{
	buf_printf(to, ".It Sy %s\n", o->name);
	mdoc_text(to, o->help, true);
	add_kind(to, o);
	if (o->otherwise)
		buf_printf(to, "Default:\n.Ql %s .\n", o->otherwise);
	for (const struct config_alias *a = o->aliases; a->name; a++)
		buf_printf(to, "%s\n.Ql %s%s\n", a == o->aliases ? "Also known as" : "and", a->name,
			a[1].name ? "" : " .");
}

static void add_table(struct buf *to, const struct config_table *table)
{
	buf_printf(to, ".Sh OPTIONS OF %s\nIn\n.Xr %s 8 ,\nby what they are for:\n.Bl -tag -width Ds\n", table->program,
		table->program);
	for (const struct config_option *o = table->options; o->name; o++)
		add_option(to, o);
	buf_add_str(to, ".El\n");
}

void file_page(struct buf *to, const struct config_table *const tables[2])
{
	mdoc_head(to, "stoa.conf", 5, "configuration of stoa-gateway and stoa-broker");
	buf_add_str(to,
		".Sh DESCRIPTION\n"
		"The file that\n.Fl \\-config Ar FILE\nor the variable\n.Ev STOA_CONFIG\nnames.\n"
		"Services read\n.Pa /etc/stoa/gateway.conf\nand\n.Pa /etc/stoa/broker.conf .\n.Pp\n"
		"An option is read, later wins, from its default; the file; the environment, as\n"
		".Ev STOA_PING_INTERVAL\nof\n.Sy ping_interval ;\nthe command line, as\n.Fl \\-ping\\-interval .\n.Pp\n"
		"Lines are\n.Ql name = value ;\ncomments begin a line with\n.Ql #\nor\n.Ql \\&; ,\n"
		"or follow a value after a blank and\n.Ql \\&; .\n"
		"A line has at most 198 bytes.\n"
		"Options may stand in a section, and those of the application stand in one of their own:\n"
		".Bd -literal -offset indent\n"
		"[gateway]\nlisten = 0.0.0.0:5000\napp = /usr/local/lib/chat.so\nping_interval = "
		"25s\n\n[app]\ngreeting = welcome\n"
		".Ed\n.Pp\n"
		"Durations are written\n.Ql 300ms , 25s , 10m\nor\n.Ql 2h ,\nsizes\n.Ql 512B , 64KB , 1MB\nor\n.Ql "
		"1MiB ;\n"
		"KB is 1000 bytes.\n"
		"Lists are separated by commas, and lines that name the same list add to it.\n.Pp\n"
		"What is wrong is told by\n.Fl \\-check\\-config ,\nwith the line and what was expected;\n"
		".Fl \\-print\\-config\nprints what holds, as a file.\n");
	add_table(to, tables[0]);
	add_table(to, tables[1]);
	buf_add_str(to, ".Sh SEE ALSO\n.Xr stoa 1 ,\n.Xr stoa-broker 8 ,\n.Xr stoa-gateway 8\n");
}
