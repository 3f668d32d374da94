/* tool_redis.c - which Redis, and what is told to servers and their clients through it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "stoa_emitter.h"
#include "tool.h"

/* --- Which Redis -------------------------------------------------------------------------------------------------- */

const char *tool_redis_option(const char *given, const char *variable)
{
	const char *value = given ? given : getenv(variable);

	return value && value[0] ? value : NULL;
}

struct stoa_emitter *tool_redis_open(const struct tool_args *a)
{
	struct stoa_emitter_options o = {
		.url = tool_redis_option(a->redis, "STOA_REDIS_URL"),
		.key = tool_redis_option(a->redis_key, "STOA_REDIS_KEY"),
		.ca_file = tool_redis_option(a->redis_ca_file, "STOA_REDIS_CA_FILE"),
		.cert_file = tool_redis_option(a->redis_cert_file, "STOA_REDIS_CERT_FILE"),
		.key_file = tool_redis_option(a->redis_key_file, "STOA_REDIS_KEY_FILE"),
		.server_name = tool_redis_option(a->redis_server_name, "STOA_REDIS_SERVER_NAME"),
		.name = "stoa",
		.impatient = true,
	};
	struct stoa_emitter *e = stoa_emitter_open(&o);

	if (e == NULL)
		tool_complain("--redis: %s", stoa_emitter_error(NULL));
	return e;
}

/* --- What came of it ---------------------------------------------------------------------------------------------- */

static enum tool_exit exit_of(int status)
{
	if (status == -ETIMEDOUT)
		return TOOL_PARTIAL;
	return status == -EINVAL || status == -EMSGSIZE ? TOOL_USAGE : TOOL_FAILED;
}

enum tool_exit tool_redis_ended(const struct stoa_emitter_result *r)
{
	if (r->status == 0)
		return TOOL_DONE;
	if (r->status == -ETIMEDOUT && r->responded < r->servers)
		tool_complain("%lld of %lld servers did not answer in time", r->servers - r->responded, r->servers);
	else
		tool_complain("%s", r->why);
	return exit_of(r->status);
}

static const char *plural(long long n)
{
	return n == 1 ? "" : "s";
}

static enum tool_exit show_heard(const struct tool_args *a, const struct stoa_emitter_result *r)
{
	if (r->status)
		return tool_redis_ended(r);
	if (a->json)
		printf("{\"heard\":%lld}\n", r->heard);
	else
		printf("%s: heard by %lld server%s\n", a->command->name, r->heard, plural(r->heard));
	return r->heard > 0 ? TOOL_DONE : TOOL_NOBODY;
}

static struct stoa_emitter_to target(const struct tool_args *a)
{
	return (struct stoa_emitter_to){ .nsp = a->namespace,
		.rooms = a->to.at,
		.broadcast = a->broadcast,
		.except = a->except.at,
		.is_volatile = a->is_volatile,
		.uncompressed = a->uncompressed };
}

/* What the function that answered `status` said, also when it was refused before it had a result. */
static void complete(const struct stoa_emitter *e, int status, struct stoa_emitter_result *r)
{
	r->status = status;
	r->why = stoa_emitter_error(e);
}

/* --- Acknowledgements --------------------------------------------------------------------------------------------- */

static void show_ack(void *ctx, const struct stoa_emitter_answer *answer)
{
	const struct tool_args *a = ctx;
	struct arena arena = ARENA_INIT;
	struct buf line = BUF_INIT;

	buf_add_str(&line, a->json ? "{\"ack\":" : "");
	tool_add_json(&line, tool_answer_value(&arena, answer));
	buf_add_str(&line, a->json ? "}\n" : "\n");
	tool_write(buf_slice(&line));
	fflush(stdout);
	buf_fini(&line);
	arena_fini(&arena);
}

static void sum_up_json(const struct stoa_emitter_result *r, bool of_clients)
{
	printf("{\"heard\":%lld,\"servers\":%lld,\"responded\":%lld", r->heard, r->servers, r->responded);
	if (of_clients)
		printf(",\"clients\":%lld", r->clients);
	printf(",\"acks\":%lld}\n", r->answers);
}

/* On standard error: standard output has the acks and nothing else. */
static void sum_up(const struct tool_args *a, const struct stoa_emitter_result *r, bool of_clients)
{
	if (a->json)
		sum_up_json(r, of_clients);
	else if (of_clients)
		fprintf(stderr, "%s: %lld of %lld client%s acknowledged, heard by %lld server%s\n", a->command->name,
			r->answers, r->clients, plural(r->clients), r->heard, plural(r->heard));
	else
		fprintf(stderr, "%s: %lld of %lld server%s acknowledged\n", a->command->name, r->answers, r->servers,
			plural(r->servers));
}

static enum tool_exit show_asked(const struct tool_args *a, const struct stoa_emitter_result *r, bool of_clients)
{
	if (r->status && r->status != -ETIMEDOUT)
		return tool_redis_ended(r);
	sum_up(a, r, of_clients);
	if (r->status)
		return tool_redis_ended(r);
	return (of_clients ? r->clients : r->servers) > 0 ? TOOL_DONE : TOOL_NOBODY;
}

/* --- Events ------------------------------------------------------------------------------------------------------- */

static enum tool_exit emit(const struct tool_args *a, struct stoa_emitter *e, const struct tool_event *event)
{
	struct stoa_emitter_to to = target(a);
	struct stoa_emitter_result r = { .heard = -1 };
	struct stoa_emitter_call call = { .timeout_ms = (int)a->timeout_ms, .result = &r };

	if (a->ack_ms == 0) {
		complete(e,
			stoa_emitter_emit_binary(e, &to, a->words.at[0], event->args.at, event->attachments,
				event->n_attachments, &call),
			&r);
		return show_heard(a, &r);
	}
	call.timeout_ms = (int)a->ack_ms;
	call.answer = show_ack;
	call.ctx = (void *)(uintptr_t)a;
	complete(e,
		stoa_emitter_ask(
			e, &to, a->words.at[0], event->args.at, event->attachments, event->n_attachments, &call),
		&r);
	return show_asked(a, &r, true);
}

static enum tool_exit emit_to_servers(const struct tool_args *a, struct stoa_emitter *e, const struct tool_event *event)
{
	struct stoa_emitter_result r = { .heard = -1 };
	struct stoa_emitter_call call = { .timeout_ms = (int)a->timeout_ms, .result = &r };

	if (a->ack_ms == 0) {
		complete(e, stoa_emitter_server_side_emit(e, a->namespace, a->words.at[0], event->args.at, &call), &r);
		return show_heard(a, &r);
	}
	call.timeout_ms = (int)a->ack_ms;
	call.answer = show_ack;
	call.ctx = (void *)(uintptr_t)a;
	complete(e, stoa_emitter_ask_servers(e, a->namespace, a->words.at[0], event->args.at, &call), &r);
	return show_asked(a, &r, false);
}

static enum tool_exit with_event(const struct tool_args *a,
	enum tool_exit (*act)(const struct tool_args *a, struct stoa_emitter *e, const struct tool_event *event))
{
	struct tool_event event = { .n_attachments = 0 };
	struct stoa_emitter *e = NULL;
	enum tool_exit status = TOOL_USAGE;

	if (tool_event_read(a, &event) && (e = tool_redis_open(a)) != NULL)
		status = act(a, e, &event);
	stoa_emitter_free(e);
	tool_event_fini(&event);
	return status;
}

enum tool_exit tool_redis_emit(const struct tool_args *a)
{
	return with_event(a, emit);
}

enum tool_exit tool_redis_servers(const struct tool_args *a)
{
	return with_event(a, emit_to_servers);
}

/* --- Clients ------------------------------------------------------------------------------------------------------ */

enum tool_exit tool_redis_room(const struct tool_args *a)
{
	struct stoa_emitter *e = tool_redis_open(a);
	struct stoa_emitter_to to = target(a);
	struct stoa_emitter_result r = { .heard = -1 };
	struct stoa_emitter_call call = { .timeout_ms = (int)a->timeout_ms, .result = &r };
	const char *rooms[] = { a->words.at[0], NULL };
	enum tool_exit status;

	if (e == NULL)
		return TOOL_USAGE;
	if (strcmp(a->command->name, "join") == 0)
		complete(e, stoa_emitter_sockets_join(e, &to, rooms, &call), &r);
	else
		complete(e, stoa_emitter_sockets_leave(e, &to, rooms, &call), &r);
	status = show_heard(a, &r);
	stoa_emitter_free(e);
	return status;
}

enum tool_exit tool_redis_disconnect(const struct tool_args *a)
{
	struct stoa_emitter *e = tool_redis_open(a);
	struct stoa_emitter_to to = target(a);
	struct stoa_emitter_result r = { .heard = -1 };
	enum tool_exit status;

	if (e == NULL)
		return TOOL_USAGE;
	complete(e,
		stoa_emitter_disconnect_sockets(e, &to, a->transport,
			&(struct stoa_emitter_call){ .timeout_ms = (int)a->timeout_ms, .result = &r }),
		&r);
	status = show_heard(a, &r);
	stoa_emitter_free(e);
	return status;
}
