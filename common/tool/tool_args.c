/* tool_args.c - the command line: one table of options, from which tool_help.c makes the help. */
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

enum { TOOL_TARGETS = TOOL_EMIT | TOOL_ROOM | TOOL_DISCONNECT, TOOL_EVENTS = TOOL_EMIT | TOOL_SERVERS };

static void *place_of(struct tool_args *a, const struct tool_option *o)
{
	return (char *)a + o->offset;
}

static bool read_switch(struct tool_args *a, const struct tool_option *o, const char *value)
{
	(void)value;
	*(bool *)place_of(a, o) = true;
	return true;
}

static bool read_text(struct tool_args *a, const struct tool_option *o, const char *value)
{
	*(const char **)place_of(a, o) = value;
	return true;
}

static void add(struct tool_list *list, const char *value)
{
	list->at = must_realloc(list->at, (list->count + 2) * sizeof(*list->at));
	list->at[list->count++] = value;
	list->at[list->count] = NULL;
}

static bool read_list(struct tool_args *a, const struct tool_option *o, const char *value)
{
	add(place_of(a, o), value);
	return true;
}

static bool read_number(struct tool_args *a, const struct tool_option *o, const char *value)
{
	int64_t *to = place_of(a, o);
	char *end;

	*to = strtoll(value, &end, 10);
	if (*end == '\0' && end != value && *to >= 1 && *to <= 1000000)
		return true;
	tool_complain("--%s %s: a whole number from 1 on was expected", o->name, value);
	return false;
}

static bool read_seconds(struct tool_args *a, const struct tool_option *o, const char *value)
{
	bool good = read_number(a, o, value);

	*(int64_t *)place_of(a, o) *= 1000;
	return good;
}

#define AT(field_) offsetof(struct tool_args, field_)

const struct tool_option tool_options[] = {
	{ "to", "ROOM", TOOL_TARGETS, TOOL_EITHER, read_list, AT(to),
		"Whom: those in this room, or the client of this id; may come again" },
	{ "broadcast", NULL, TOOL_TARGETS, TOOL_EITHER, read_switch, AT(broadcast),
		"Whom: everybody in the namespace" },
	{ "except", "ROOM", TOOL_TARGETS | TOOL_SOCKETS | TOOL_COUNTS, TOOL_EITHER, read_list, AT(except),
		"Not those in this room, or the client of this id; may come again" },
	{ "namespace", "NAME", ~TOOL_BROKERS, TOOL_EVERY, read_text, AT(namespace),
		"The namespace; /, and of watch and dead all" },
	{ "text", NULL, TOOL_EVENTS, TOOL_EITHER, read_switch, AT(text), "The arguments are text, not JSON" },
	{ "volatile", NULL, TOOL_EMIT, TOOL_EITHER, read_switch, AT(is_volatile),
		"Not for clients that have output waiting" },
	{ "uncompressed", NULL, TOOL_EMIT, TOOL_REDIS, read_switch, AT(uncompressed),
		"Not to be compressed on its way to clients" },
	{ "attachment", "FILE", TOOL_EMIT, TOOL_REDIS, read_list, AT(attachments),
		"Binary: the N-th, from 0 on, is {\"_placeholder\":true,\"num\":N} in the\n"
		"                         arguments; without any there, all follow them" },
	{ "ack", "SECONDS", TOOL_EVENTS, TOOL_REDIS, read_seconds, AT(ack_ms),
		"Wait so long for acknowledgements, and print each" },
	{ "transport", NULL, TOOL_DISCONNECT, TOOL_EITHER, read_switch, AT(transport),
		"Their connections too, with all namespaces" },
	{ "local", NULL, TOOL_ANY, TOOL_HTTP, read_switch, AT(local), "Only clients of the gateway that is asked" },
	{ "idempotency-key", "KEY", TOOL_TARGETS, TOOL_HTTP, read_text, AT(idempotency_key),
		"A name for this request: sent again with it, it is not done again" },
	{ "limit", "N", TOOL_LIST, TOOL_HTTP, read_number, AT(limit), "At most so many; all" },
	{ "cursor", "NAME", TOOL_LIST, TOOL_HTTP, read_text, AT(cursor), "Begin behind this one" },
	{ "all", NULL, TOOL_ROOMS | TOOL_DEAD, TOOL_REDIS, read_switch, AT(all),
		"Of rooms those that are clients' ids, too; of dead letters every one" },
	{ "requests", NULL, TOOL_WATCH, TOOL_REDIS, read_switch, AT(requests), "What servers ask each other for, too" },
	{ "count", "N", TOOL_WATCH | TOOL_DEAD, TOOL_REDIS, read_number, AT(count), "End after so many lines; none" },
	{ "app-name", "NAME", TOOL_BROKERS | TOOL_DEAD, TOOL_REDIS, read_text, AT(app_name),
		"The servers' app_name; STOA_APP_NAME, or app" },
	{ "json", NULL, TOOL_ANY, TOOL_EVERY, read_switch, AT(json),
		"JSON in place of a table; of a gateway's listing one line per page" },
	{ "url", "URL", TOOL_ANY, TOOL_HTTP, read_text, AT(url),
		"The gateway's internal listener; http:// and STOA_INTERNAL_LISTEN, or http://127.0.0.1:9000" },
	{ "key", "KEY", TOOL_ANY, TOOL_HTTP, read_text, AT(key),
		"The gateway's api_key; better in the environment, as STOA_API_KEY" },
	{ "key-file", "FILE", TOOL_ANY, TOOL_HTTP, read_text, AT(key_file),
		"The key is this file's first line; STOA_API_KEY_FILE" },
	{ "redis", "URL", TOOL_ANY, TOOL_REDIS, read_text, AT(redis),
		"The servers' Redis: redis://, rediss:// or unix://; with a password better as STOA_REDIS_URL" },
	{ "redis-key", "TEXT", ~(TOOL_BROKERS | TOOL_DEAD), TOOL_REDIS, read_text, AT(redis_key),
		"The servers' redis_key (in Node.js: key); STOA_REDIS_KEY, or socket.io" },
	{ "redis-ca-file", "FILE", TOOL_ANY, TOOL_REDIS, read_text, AT(redis_ca_file),
		"Who may sign the certificate of rediss://; STOA_REDIS_CA_FILE" },
	{ "redis-cert-file", "FILE", TOOL_ANY, TOOL_REDIS, read_text, AT(redis_cert_file),
		"Our certificate for it, PEM; STOA_REDIS_CERT_FILE" },
	{ "redis-key-file", "FILE", TOOL_ANY, TOOL_REDIS, read_text, AT(redis_key_file),
		"The key of that certificate, PEM; STOA_REDIS_KEY_FILE" },
	{ "redis-server-name", "HOST", TOOL_ANY, TOOL_REDIS, read_text, AT(redis_server_name),
		"The name that Redis's certificate must have; STOA_REDIS_SERVER_NAME" },
	{ "auth", "JSON", TOOL_DOCTOR, TOOL_ITSELF, read_text, AT(auth), "What clients are let in with" },
	{ "ca-file", "FILE", TOOL_DOCTOR, TOOL_ITSELF, read_text, AT(ca_file),
		"Who may sign the server's certificate; those whom the system trusts" },
	{ "quick", NULL, TOOL_DOCTOR, TOOL_ITSELF, read_switch, AT(quick),
		"Without the wait for a ping, of the server's pingInterval" },
	{ "timeout", "SECONDS", TOOL_ANY, TOOL_EVERY, read_seconds, AT(timeout_ms),
		"How long to wait for an answer; 10" },
	{ "help", NULL, TOOL_ANY, TOOL_EVERY, read_switch, AT(help), "This text; after a command, the command's" },
	{ "version", NULL, TOOL_ANY, TOOL_EVERY, read_switch, AT(version), "The version" },
	{ 0 },
};

/* --- Reading ------------------------------------------------------------------------------------------------------ */

static const struct tool_option *option_of(const char *name, size_t size)
{
	for (const struct tool_option *o = tool_options; o->name; o++)
		if (slice_equal(slice_str(o->name), slice_of(name, size)))
			return o;
	return NULL;
}

/* --name VALUE or --name=VALUE. */
static bool read_option(struct tool_args *a, const char *word, char ***next)
{
	const char *equals = strchr(word, '='), *value = equals ? equals + 1 : NULL;
	const struct tool_option *o = option_of(word + 2, equals ? (size_t)(equals - word) - 2 : strlen(word + 2));

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

static bool is_given(struct tool_args *a, const struct tool_option *o)
{
	if (o->read == read_list)
		return ((const struct tool_list *)place_of(a, o))->count > 0;
	if (o->read == read_switch)
		return *(bool *)place_of(a, o);
	if (o->read == read_text)
		return *(const char **)place_of(a, o) != NULL;
	return *(int64_t *)place_of(a, o) != 0;
}

static bool check_options(struct tool_args *a)
{
	for (const struct tool_option *o = tool_options; o->name; o++) {
		if (((o->commands & (int)a->command->bit) && (o->via & a->command->via)) || !is_given(a, o))
			continue;
		tool_complain("stoa %s has no option --%s", a->command->name, o->name);
		return false;
	}
	return true;
}

/* An option that only one of the two ways has. NULL: there is none. */
static const struct tool_option *given_for(struct tool_args *a, unsigned via)
{
	for (const struct tool_option *o = tool_options; o->name; o++)
		if (o->via == via && is_given(a, o))
			return o;
	return NULL;
}

/* A gateway, or Redis: as the options say, else what there is, else a Redis that the environment names. */
static bool choose_way(struct tool_args *a)
{
	const struct tool_option *http = given_for(a, TOOL_HTTP), *redis = given_for(a, TOOL_REDIS);
	bool named = tool_redis_option(a->redis, "STOA_REDIS_URL") != NULL;

	if (http && redis) {
		tool_complain(
			"--%s is for a gateway's HTTP API, --%s for Redis: which of the two?", http->name, redis->name);
		return false;
	}
	a->is_redis =
		(a->command->via & TOOL_REDIS) && http == NULL && (redis || named || a->command->via == TOOL_REDIS);
	if (a->is_redis && !named)
		tool_complain("which Redis? say --redis URL, or set STOA_REDIS_URL");
	return !a->is_redis || named;
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
	return check_options(a) && choose_way(a);
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
	free(a->attachments.at);
}
