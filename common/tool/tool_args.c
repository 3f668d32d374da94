/* tool_args.c - the command line: one table of options, from which the help comes too. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "tool.h"

void tool_complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("stoa: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
}

enum { TOOL_TARGETS = TOOL_EMIT | TOOL_ROOM | TOOL_DISCONNECT, TOOL_ANY = -1 };

struct option {
	const char *name, *value; /* value NULL: a switch */
	int commands;
	bool (*read)(struct tool_args *a, const struct option *o, const char *value);
	size_t offset;
	const char *help;
};

static void *place_of(struct tool_args *a, const struct option *o)
{
	return (char *)a + o->offset;
}

static bool read_switch(struct tool_args *a, const struct option *o, const char *value)
{
	(void)value;
	*(bool *)place_of(a, o) = true;
	return true;
}

static bool read_text(struct tool_args *a, const struct option *o, const char *value)
{
	*(const char **)place_of(a, o) = value;
	return true;
}

static void add(struct tool_list *list, const char *value)
{
	list->at = must_realloc(list->at, (list->count + 1) * sizeof(*list->at));
	list->at[list->count++] = value;
}

static bool read_list(struct tool_args *a, const struct option *o, const char *value)
{
	add(place_of(a, o), value);
	return true;
}

static bool read_number(struct tool_args *a, const struct option *o, const char *value)
{
	int64_t *to = place_of(a, o);
	char *end;

	*to = strtoll(value, &end, 10);
	if (*end == '\0' && end != value && *to >= 1 && *to <= 1000000)
		return true;
	tool_complain("--%s %s: a whole number from 1 on was expected", o->name, value);
	return false;
}

static bool read_seconds(struct tool_args *a, const struct option *o, const char *value)
{
	bool good = read_number(a, o, value);

	a->timeout_ms *= 1000;
	return good;
}

#define AT(field_) offsetof(struct tool_args, field_)

static const struct option options[] = {
	{ "to", "ROOM", TOOL_TARGETS, read_list, AT(to),
		"Whom: those in this room, or the client of this id; may come again" },
	{ "broadcast", NULL, TOOL_TARGETS, read_switch, AT(broadcast), "Whom: everybody in the namespace" },
	{ "except", "ROOM", TOOL_TARGETS | TOOL_SOCKETS | TOOL_COUNTS, read_list, AT(except),
		"Not those in this room, or the client of this id; may come again" },
	{ "namespace", "NAME", TOOL_ANY, read_text, AT(namespace), "The namespace; /" },
	{ "text", NULL, TOOL_EMIT, read_switch, AT(text), "The arguments are text, not JSON" },
	{ "volatile", NULL, TOOL_EMIT, read_switch, AT(is_volatile), "Not for clients that have output waiting" },
	{ "transport", NULL, TOOL_DISCONNECT, read_switch, AT(transport),
		"Their connections too, with all namespaces" },
	{ "local", NULL, TOOL_ANY, read_switch, AT(local), "Only clients of the gateway that is asked" },
	{ "idempotency-key", "KEY", TOOL_TARGETS, read_text, AT(idempotency_key),
		"A name for this request: sent again with it, it is not done again" },
	{ "limit", "N", TOOL_LIST, read_number, AT(limit), "At most so many; all" },
	{ "cursor", "NAME", TOOL_LIST, read_text, AT(cursor), "Begin behind this one" },
	{ "json", NULL, TOOL_ANY, read_switch, AT(json), "Show the answer as it came; of a listing one line per page" },
	{ "url", "URL", TOOL_ANY, read_text, AT(url),
		"The gateway's internal listener; http:// and STOA_INTERNAL_LISTEN, or http://127.0.0.1:9000" },
	{ "key", "KEY", TOOL_ANY, read_text, AT(key),
		"The gateway's api_key; better in the environment, as STOA_API_KEY" },
	{ "key-file", "FILE", TOOL_ANY, read_text, AT(key_file),
		"The key is this file's first line; STOA_API_KEY_FILE" },
	{ "timeout", "SECONDS", TOOL_ANY, read_seconds, AT(timeout_ms), "How long to wait for the gateway; 10" },
	{ "help", NULL, TOOL_ANY, read_switch, AT(help), "This text; after a command, the command's" },
	{ "version", NULL, TOOL_ANY, read_switch, AT(version), "The version" },
};
enum { OPTIONS = sizeof(options) / sizeof(options[0]) };

/* --- Reading ------------------------------------------------------------------------------------------------------ */

static const struct option *option_of(const char *name, size_t size)
{
	for (size_t i = 0; i < OPTIONS; i++)
		if (slice_equal(slice_str(options[i].name), slice_of(name, size)))
			return &options[i];
	return NULL;
}

/* --name VALUE or --name=VALUE. */
static bool read_option(struct tool_args *a, const char *word, char ***next)
{
	const char *equals = strchr(word, '='), *value = equals ? equals + 1 : NULL;
	const struct option *o = option_of(word + 2, equals ? (size_t)(equals - word) - 2 : strlen(word + 2));

	if (o == NULL) {
		tool_complain("%s is no option; see stoa --help", word);
		return false;
	}
	if (o->value == NULL && value) {
		tool_complain("--%s takes no value", o->name);
		return false;
	}
	if (o->value && value == NULL)
		value = **next ? *(*next)++ : NULL;
	if (o->value && value == NULL) {
		tool_complain("--%s needs a value: --%s %s", o->name, o->name, o->value);
		return false;
	}
	return o->read(a, o, value);
}

static bool read_command(struct tool_args *a, const char *word)
{
	for (const struct tool_command *c = tool_commands; c->name; c++)
		if (strcmp(c->name, word) == 0)
			a->command = c;
	if (a->command == NULL)
		tool_complain("%s is no command; see stoa --help", word);
	return a->command != NULL;
}

static bool is_given(struct tool_args *a, const struct option *o)
{
	if (o->read == read_list)
		return ((const struct tool_list *)place_of(a, o))->count > 0;
	if (o->read == read_switch)
		return *(bool *)place_of(a, o);
	return o->read == read_text && *(const char **)place_of(a, o);
}

static bool check_options(struct tool_args *a)
{
	for (size_t i = 0; i < OPTIONS; i++) {
		if ((options[i].commands & (int)a->command->bit) || !is_given(a, &options[i]))
			continue;
		tool_complain("stoa %s has no option --%s", a->command->name, options[i].name);
		return false;
	}
	return true;
}

static bool check(struct tool_args *a)
{
	const struct tool_command *c = a->command;

	if (a->help || a->version)
		return true;
	if (c == NULL) {
		tool_complain("which command? see stoa --help");
		return false;
	}
	if (a->words.count < c->min_words || a->words.count > c->max_words) {
		tool_complain("it is written: stoa %s %s; see stoa %s --help", c->name, c->words, c->name);
		return false;
	}
	if (c->bit & TOOL_TARGETS && a->to.count == 0 && !a->broadcast) {
		tool_complain("whom? say --to ROOM, or --broadcast for everybody");
		return false;
	}
	return check_options(a);
}

bool tool_args_read(struct tool_args *a, int argc, char **argv)
{
	char **next = argv + (argc > 0);
	bool only_words = false;

	while (*next) {
		const char *word = *next++;

		if (!only_words && strcmp(word, "--") == 0)
			only_words = true;
		else if (!only_words && strncmp(word, "--", 2) == 0) {
			if (!read_option(a, word, &next))
				return false;
		} else if (a->command)
			add(&a->words, word);
		else if (!read_command(a, word))
			return false;
	}
	return check(a);
}

void tool_args_fini(struct tool_args *a)
{
	free(a->to.at);
	free(a->except.at);
	free(a->words.at);
}

/* --- Help --------------------------------------------------------------------------------------------------------- */

static void help_options(const struct tool_command *c)
{
	char name[60];

	puts("\nOptions:");
	for (size_t i = 0; i < OPTIONS; i++) {
		const struct option *o = &options[i];

		if (c ? !(o->commands & (int)c->bit) : o->commands != TOOL_ANY)
			continue;
		snprintf(name, sizeof(name), "--%s %s", o->name, o->value ? o->value : "");
		printf("  %-22s %s\n", name, o->help);
	}
}

static void help_commands(void)
{
	puts("stoa - emit to the clients of a running stoa-gateway from a script, and see who is there\n\n"
	     "Usage: stoa COMMAND [options]\n\nCommands:");
	for (const struct tool_command *c = tool_commands; c->name; c++)
		printf("  %-11s%-16s %s\n", c->name, c->words, c->help);
}

static void help_command(const struct tool_command *c)
{
	printf("stoa %s - %s\n\nUsage: stoa %s %s%s[options]\n", c->name, c->help, c->name, c->words,
		c->words[0] ? " " : "");
	if (c->bit & TOOL_EMIT)
		puts("\nEach argument is JSON ('\"text\"', 42, '{\"a\":1}') or, with --text, text. One that is - is "
		     "read from\n"
		     "standard input, without the newline at its end.");
}

void tool_args_help(const struct tool_args *a)
{
	if (a->command)
		help_command(a->command);
	else
		help_commands();
	help_options(a->command);
	puts("\nExit codes: 0 done, for at least one client; 1 the gateway refused, or did not answer;\n"
	     "2 the command line is wrong; 3 done, and there was nobody. Listings end with 0 when nobody is there, "
	     "too.");
}
