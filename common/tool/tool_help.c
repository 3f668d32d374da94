/* tool_help.c - the help, from the tables of commands and options. */
#include <stdio.h>

#include "tool.h"

static void help_options(const struct tool_command *c)
{
	static const char *const notes[] = { [TOOL_HTTP] = " [gateway]",
		[TOOL_REDIS] = " [Redis]",
		[TOOL_EITHER] = "",
		[TOOL_ITSELF] = "",
		[TOOL_EVERY] = "" };
	char name[60];

	puts("\nOptions:");
	for (const struct tool_option *o = tool_options; o->name; o++) {
		unsigned via = c ? c->via : TOOL_EITHER;

		if ((c ? !(o->commands & (int)c->bit) : o->commands > 0) || !(o->via & via))
			continue;
		snprintf(name, sizeof(name), "--%s %s", o->name, o->value ? o->value : "");
		printf("  %-22s %s%s\n", name, o->help, via == TOOL_EITHER ? notes[o->via] : "");
	}
}

static void help_commands(void)
{
	puts("stoa - emit to the clients of running servers from a script, and see who is there\n\n"
	     "Usage: stoa COMMAND [options]\n\nCommands:");
	for (const struct tool_command *c = tool_commands; c->name; c++)
		printf("  %-11s %-16s %s\n", c->name, c->words, c->help);
}

static void help_command(const struct tool_command *c)
{
	printf("stoa %s - %s\n\nUsage: stoa %s %s%s[options]\n", c->name, c->help, c->name, c->words,
		c->words[0] ? " " : "");
	if (c->bit & (TOOL_EMIT | TOOL_SERVERS))
		puts("\nEach argument is JSON ('\"text\"', 42, '{\"a\":1}') or, with --text, text. One that is - is "
		     "read from\n"
		     "standard input, without the newline at its end.");
	if (c->bit & TOOL_NODES)
		puts("\nServers of Node.js do not say who they are; they are counted, by the namespace.");
	if (c->bit & TOOL_BROKERS)
		puts("\nOf each: its processes, the events in hand and those that wait in its partitions, the age of\n"
		     "the oldest in hand, how long it runs, its partitions.");
	if (c->bit & TOOL_DEAD)
		puts("\nlist: all, oldest first. show ID: one, with its record and the backtrace. drop: they are "
		     "deleted.\n"
		     "retry: they are handled again; nobody waits for that any more, so nothing is acknowledged.\n"
		     "retry and drop take IDs, or --all, which with --namespace are those of one.");
	if (c->bit & TOOL_DOCTOR)
		puts("\nIt connects as clients do, by polling and by WebSocket, to any server of Socket.IO 3 and 4, "
		     "and says of\n"
		     "each step what was seen and what to change. The last step takes as long as the server's "
		     "pingInterval.");
	if (c->bit & TOOL_WATCH)
		puts("\nA line is an emit: time, namespace, rooms (* for all, -NAME for those left out), event and\n"
		     "arguments, bytes in Redis. It ends when it is interrupted (Ctrl-C), with a summary.");
}

static void help_ways(const struct tool_command *c)
{
	if (c == NULL || c->via == TOOL_EITHER)
		puts("\nWith --redis (or STOA_REDIS_URL and no option of a gateway) all servers of the cluster are "
		     "asked\n"
		     "through their Redis, those of Node.js too; otherwise one gateway by its HTTP API.");
}

static void help_exit_codes(const struct tool_command *c)
{
	unsigned via = c ? c->via : TOOL_EITHER;

	if (c && c->bit & TOOL_DOCTOR) {
		puts("\nExit codes: 0 all is well; 1 something is wrong; 2 a wrong command line, nothing was sent; 4 "
		     "warnings alone.");
		return;
	}
	puts("\nExit codes: 0 done, or listed; 1 refused, or no answer; 2 a wrong command line, nothing was sent;");
	if (c && c->bit & TOOL_BROKERS) {
		puts("3 no broker runs; 4 some partitions are without one.");
		return;
	}
	if (c && c->bit & TOOL_DEAD) {
		puts("3 there is no such letter; 4 some are not there, or cannot be retried.");
		return;
	}
	puts("3 done, and there was nobody. Listings end with 0 when nobody is there, too.");
	if (via & TOOL_REDIS)
		puts("Through Redis: 3 no server heard it, or with --ack no client; 4 some did not answer in time.");
}

void tool_args_help(const struct tool_args *a)
{
	if (a->command)
		help_command(a->command);
	else
		help_commands();
	help_ways(a->command);
	help_options(a->command);
	help_exit_codes(a->command);
}
