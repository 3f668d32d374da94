/* tool_commands.c - the table of commands: what runs them, their help, their man page and their completions come from it. */
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
