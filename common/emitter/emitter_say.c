/* emitter_say.c - what is told: emits, joins, leaves, disconnects. See stoa_emitter.h. */
#include <errno.h>
#include <stdio.h>

#include "emitter_internal.h"

/* --- What all have in common -------------------------------------------------------------------------------------- */

int say_check(struct stoa_emitter *e, int encoded)
{
	char why[128];

	if (encoded == -EINVAL)
		return emitter_fail(e, encoded, "it is nothing that a server could read");
	if (encoded)
		return emitter_fail(e, encoded, NULL);
	if (e->payload.size <= e->max_publish)
		return 0;
	snprintf(why, sizeof(why), "the message has %zu bytes; at most %zu are published (max_publish)",
		e->payload.size, e->max_publish);
	return emitter_fail(e, -EMSGSIZE, why);
}

void say_channel(struct stoa_emitter *e, const struct wire_channel *channel)
{
	buf_clear(&e->channel);
	wire_channel_add(&e->channel, e->key, channel);
}

/* e->channel and e->payload are made. */
static int say(struct stoa_emitter *e, const struct stoa_emitter_call *told)
{
	struct call *c = e->channel.failed ? NULL : call_new(e, told, slice_of(NULL, 0));

	return c ? call_start(c) : emitter_fail(e, -ENOMEM, NULL);
}

static int say_request(
	struct stoa_emitter *e, struct slice nsp, const struct wire_request *r, const struct stoa_emitter_call *told)
{
	int error;

	buf_clear(&e->payload);
	error = say_check(e, wire_request_encode(&e->payload, &e->scratch, r));
	say_channel(e, &(struct wire_channel){ .kind = WIRE_CHANNEL_REQUEST, .nsp = nsp });
	return error ? error : say(e, told);
}

/* --- Events ------------------------------------------------------------------------------------------------------- */

static int emit(struct stoa_emitter *e, struct wire_broadcast *b, const struct stoa_emitter_call *told)
{
	struct wire_channel channel = wire_broadcast_channel(b->nsp, &b->opts);
	const char *wrong = wire_check_event(b->data);
	int error;

	if (wrong)
		return emitter_fail(e, -EINVAL, wrong);
	buf_clear(&e->payload);
	error = say_check(e, wire_broadcast_encode(&e->payload, &e->scratch, b));
	say_channel(e, &channel);
	return error ? error : say(e, told);
}

int stoa_emitter_emit_binary(struct stoa_emitter *e, const struct stoa_emitter_to *to, const char *event,
	const char *args, const struct stoa_emitter_bytes *attachments, size_t n_attachments,
	const struct stoa_emitter_call *call)
{
	struct wire_broadcast b = { .uid = SLICE("emitter") };
	int error = values_target(e, to, &b.nsp, &b.opts);

	if (error == 0)
		error = values_event(e, event, args, attachments, n_attachments, &b.data);
	if (error == 0)
		error = emit(e, &b, call);
	arena_reset(&e->scratch);
	return error;
}

int stoa_emitter_emit(struct stoa_emitter *e, const struct stoa_emitter_to *to, const char *event, const char *args,
	const struct stoa_emitter_call *call)
{
	return stoa_emitter_emit_binary(e, to, event, args, NULL, 0, call);
}

/* Servers of Node.js raise these themselves, and take what comes with them for a client. */
int say_check_server_event(struct stoa_emitter *e, const char *event)
{
	static const char *const reserved[] = { "connect", "connection", "new_namespace" };

	for (size_t i = 0; event && i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (strcmp(event, reserved[i]) == 0)
			return emitter_fail(e, -EINVAL, "reserved event name");
	return 0;
}

int stoa_emitter_server_side_emit(struct stoa_emitter *e, const char *nsp, const char *event, const char *args,
	const struct stoa_emitter_call *call)
{
	struct wire_request r = { .type = WIRE_SERVER_EMIT, .uid = SLICE("emitter") };
	struct slice name;
	int error = values_nsp(e, nsp, &name);

	if (error == 0)
		error = say_check_server_event(e, event);
	if (error == 0)
		error = values_event(e, event, args, NULL, 0, &r.data);
	if (error == 0)
		error = say_request(e, name, &r, call);
	arena_reset(&e->scratch);
	return error;
}

/* --- Clients ------------------------------------------------------------------------------------------------------ */

static int change(struct stoa_emitter *e, const struct stoa_emitter_to *to, struct wire_request *r,
	const char *const *rooms, const struct stoa_emitter_call *call)
{
	struct slice nsp;
	int error = values_target(e, to, &nsp, &r->opts);

	if (error == 0 && r->type != WIRE_REMOTE_DISCONNECT)
		error = values_names(e, rooms, &r->rooms);
	if (error == 0)
		error = say_request(e, nsp, r, call);
	arena_reset(&e->scratch);
	return error;
}

int stoa_emitter_sockets_join(struct stoa_emitter *e, const struct stoa_emitter_to *to, const char *const *rooms,
	const struct stoa_emitter_call *call)
{
	return change(e, to, &(struct wire_request){ .type = WIRE_REMOTE_JOIN }, rooms, call);
}

int stoa_emitter_sockets_leave(struct stoa_emitter *e, const struct stoa_emitter_to *to, const char *const *rooms,
	const struct stoa_emitter_call *call)
{
	return change(e, to, &(struct wire_request){ .type = WIRE_REMOTE_LEAVE }, rooms, call);
}

int stoa_emitter_disconnect_sockets(
	struct stoa_emitter *e, const struct stoa_emitter_to *to, bool transport, const struct stoa_emitter_call *call)
{
	return change(e, to, &(struct wire_request){ .type = WIRE_REMOTE_DISCONNECT, .close = transport }, NULL, call);
}
