/* main.c - stoa, the command. See tool.h. */
#include <stdio.h>
#include <stdlib.h>

#include "tool.h"

const struct tool_command tool_commands[] = {
	{ "emit", TOOL_EMIT, TOOL_EITHER, "EVENT [JSON...]", 1, 1000, "Emit an event to clients", "delivered",
		tool_redis_emit },
	{ "join", TOOL_ROOM, TOOL_EITHER, "ROOM", 1, 1, "Put clients into a room", "clients", tool_redis_room },
	{ "leave", TOOL_ROOM, TOOL_EITHER, "ROOM", 1, 1, "Take clients out of a room", "clients", tool_redis_room },
	{ "disconnect", TOOL_DISCONNECT, TOOL_EITHER, "", 0, 0, "Disconnect clients", "clients",
		tool_redis_disconnect },
	{ "rooms", TOOL_LIST | TOOL_ROOMS, TOOL_EITHER, "", 0, 0, "List the rooms of a namespace", "rooms",
		tool_redis_rooms },
	{ "sockets", TOOL_LIST | TOOL_SOCKETS, TOOL_EITHER, "[ROOM...]", 0, 1000,
		"List the clients of a namespace, or of rooms", "sockets", tool_redis_sockets },
	{ "namespaces", TOOL_LIST, TOOL_HTTP, "", 0, 0, "List the namespaces that somebody is in", "namespaces", NULL },
	{ "counts", TOOL_COUNTS, TOOL_HTTP, "[ROOM...]", 0, 1000, "Count the clients of a namespace, or of rooms", NULL,
		NULL },
	{ "server-emit", TOOL_SERVERS, TOOL_REDIS, "EVENT [JSON...]", 1, 1000, "Emit an event to all servers", NULL,
		tool_redis_servers },
	{ "nodes", TOOL_NODES, TOOL_REDIS, "", 0, 0, "List the gateways of the cluster", NULL, tool_redis_nodes },
	{ "brokers", TOOL_BROKERS, TOOL_REDIS, "", 0, 0, "List the brokers that run the application", NULL,
		tool_brokers },
	{ "dead", TOOL_DEAD, TOOL_REDIS, "list|show|retry|drop [ID...]", 1, 1000,
		"Look at the events that were given up, have them handled again, or drop them", NULL, tool_dead },
	{ "watch", TOOL_WATCH, TOOL_REDIS, "", 0, 0, "Show what is emitted, as it passes", NULL, tool_watch },
	{ 0 },
};

/* *next: where the next page begins, to be freed. */
static enum tool_exit ask_page(
	const struct tool_args *a, const struct tool_url *url, const char *key, bool first_page, char **next)
{
	struct tool_answer answer = { .status = 0 };
	struct buf request = BUF_INIT;
	enum tool_exit status = TOOL_FAILED;

	*next = NULL;
	if (!tool_request_write(a, &request))
		status = TOOL_USAGE;
	else if (tool_http_post(url, a->command->name, a, key, buf_slice(&request), &answer))
		status = tool_show(a, &answer, first_page, next);
	buf_fini(&request);
	buf_fini(&answer.body);
	return status;
}

/* A listing goes on until its last page, or ends at --limit. */
static enum tool_exit ask_all(struct tool_args *a, const struct tool_url *url, const char *key)
{
	char *cursor = NULL, *next;
	enum tool_exit status;
	bool first_page = true;

	do {
		status = ask_page(a, url, key, first_page, &next);
		free(cursor);
		a->cursor = cursor = next;
		first_page = false;
	} while (status == TOOL_DONE && next && a->limit == 0);
	free(cursor);
	return status;
}

static enum tool_exit ask(struct tool_args *a)
{
	const char *key = a->is_redis ? NULL : tool_key(a);
	struct tool_url url;

	if (a->is_redis)
		return a->command->redis(a);
	if (key == NULL || !tool_url_read(a->url ? a->url : tool_url_default(), &url))
		return TOOL_USAGE;
	return ask_all(a, &url, key);
}

static enum tool_exit run(struct tool_args *a)
{
	if (a->help)
		tool_args_help(a);
	else if (a->version)
		printf("stoa %s\n", STOA_VERSION);
	else
		return ask(a);
	return TOOL_DONE;
}

int main(int argc, char **argv)
{
	struct tool_args args = { .timeout_ms = 10000 };
	enum tool_exit status = TOOL_USAGE;

	if (tool_args_read(&args, argc, argv))
		status = run(&args);
	tool_args_fini(&args);
	return (int)status;
}
