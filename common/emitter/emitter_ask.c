/* emitter_ask.c - what is asked of servers and clients, and their answers. See stoa_emitter.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "emitter_internal.h"
#include "json.h"

enum { ASK_TIMEOUT_MS = 5000 };

#define ANSWER(type) (1U << WIRE_ANSWER_##type)

/* --- Asking ------------------------------------------------------------------------------------------------------- */

static void hear(struct call *c, size_t which, const struct wire_channel *channel)
{
	say_channel(c->e, channel);
	call_hears(c, which, buf_slice(&c->e->channel));
}

static struct call *make(struct stoa_emitter *e, struct slice nsp, const char *id, unsigned answers,
	const struct stoa_emitter_call *told)
{
	struct call *c;

	say_channel(e, &(struct wire_channel){ .kind = WIRE_CHANNEL_REQUEST, .nsp = nsp });
	c = e->channel.failed ? NULL : call_new(e, told, buf_slice(&e->channel));
	if (c == NULL)
		return NULL;
	c->answers = answers;
	snprintf(c->id, sizeof(c->id), "%s", id);
	hear(c, 0, &(struct wire_channel){ .kind = WIRE_CHANNEL_RESPONSE, .nsp = nsp });
	hear(c, 1, &(struct wire_channel){ .kind = WIRE_CHANNEL_RESPONSE_TO, .nsp = nsp, .name = slice_str(e->uid) });
	return c;
}

int ask_start(struct stoa_emitter *e, struct slice nsp, struct wire_request *r, unsigned answers,
	const struct stoa_emitter_call *told)
{
	char id[EMITTER_ID_MAX + 1];
	struct call *c;
	int error;

	snprintf(id, sizeof(id), "%s%" PRIx64, e->uid, e->next_id++);
	r->uid = slice_str(e->uid);
	r->request_id = slice_str(id);
	buf_clear(&e->payload);
	error = say_check(e, wire_request_encode(&e->payload, &e->scratch, r));
	if (error)
		return error;
	c = make(e, nsp, id, answers, told);
	return c ? call_start(c) : emitter_fail(e, -ENOMEM, NULL);
}

int stoa_emitter_ask(struct stoa_emitter *e, const struct stoa_emitter_to *to, const char *event, const char *args,
	const struct stoa_emitter_bytes *attachments, size_t n_attachments, const struct stoa_emitter_call *call)
{
	struct wire_request r = { .type = WIRE_BROADCAST };
	const char *wrong;
	int error = values_target(e, to, &r.nsp, &r.opts);

	r.opts.has_timeout = true;
	r.opts.timeout_ms = call && call->timeout_ms > 0 ? call->timeout_ms : ASK_TIMEOUT_MS;
	if (error == 0)
		error = values_event(e, event, args, attachments, n_attachments, &r.data);
	wrong = error ? NULL : wire_check_event(r.data);
	if (wrong)
		error = emitter_fail(e, -EINVAL, wrong);
	if (error == 0)
		error = ask_start(e, r.nsp, &r, ANSWER(COUNT) | ANSWER(ACK), call);
	arena_reset(&e->scratch);
	return error;
}

int stoa_emitter_ask_servers(struct stoa_emitter *e, const char *nsp, const char *event, const char *args,
	const struct stoa_emitter_call *call)
{
	struct wire_request r = { .type = WIRE_SERVER_EMIT };
	struct slice name;
	int error = values_nsp(e, nsp, &name);

	if (error == 0)
		error = say_check_server_event(e, event);
	if (error == 0)
		error = values_event(e, event, args, NULL, 0, &r.data);
	if (error == 0)
		error = ask_start(e, name, &r, ANSWER(SERVER), call);
	arena_reset(&e->scratch);
	return error;
}

int stoa_emitter_fetch_sockets(
	struct stoa_emitter *e, const struct stoa_emitter_to *to, const struct stoa_emitter_call *call)
{
	struct wire_request r = { .type = WIRE_REMOTE_FETCH };
	struct slice nsp;
	int error = values_target(e, to, &nsp, &r.opts);

	if (error == 0)
		error = ask_start(e, nsp, &r, ANSWER(SOCKETS), call);
	arena_reset(&e->scratch);
	return error;
}

int stoa_emitter_all_rooms(struct stoa_emitter *e, const char *nsp, const struct stoa_emitter_call *call)
{
	struct slice name;
	int error = values_nsp(e, nsp, &name);

	if (error == 0)
		error = ask_start(e, name, &(struct wire_request){ .type = WIRE_ALL_ROOMS }, ANSWER(ROOMS), call);
	arena_reset(&e->scratch);
	return error;
}

/* --- Answers ------------------------------------------------------------------------------------------------------ */

/* e->json holds it. */
static void call_back(struct call *c, const struct json_blobs *blobs, const char *server)
{
	struct stoa_emitter *e = c->e;
	struct stoa_emitter_bytes *bytes = arena_take(&e->arena, (blobs->count + 1) * sizeof(*bytes));
	struct stoa_emitter_answer a = {
		.json = e->json.at, .json_size = e->json.size - 1, .attachments = bytes, .server = server
	};
	bool was = e->in_callback;

	for (size_t i = 0; bytes && i < blobs->count; i++)
		bytes[i] = (struct stoa_emitter_bytes){ blobs->at[i].at, blobs->at[i].size };
	a.n_attachments = bytes ? blobs->count : 0;
	e->in_callback = true;
	c->told.answer(c->told.ctx, &a);
	e->in_callback = was || e->closed;
}

void ask_hand_over(struct call *c, struct stoa_value v, struct slice server)
{
	struct stoa_emitter *e = c->e;
	struct json_blobs blobs = { 0 };

	if (c->stage == CALL_ENDED)
		return;
	buf_clear(&e->json);
	if (json_encode(&e->json, v, &blobs) == 0) {
		buf_add_char(&e->json, '\0');
		c->result.answers++;
		if (c->told.answer && !e->json.failed)
			call_back(c, &blobs, server.size ? arena_copy(&e->arena, server.at, server.size) : NULL);
	}
	json_blobs_fini(&blobs);
}

void ask_end_if_complete(struct call *c)
{
	bool all = c->result.servers >= 0 && c->result.responded >= c->result.servers;

	if (c->stage != CALL_ASKS)
		return;
	if (all && (!(c->answers & ANSWER(ACK)) || c->acks >= c->result.clients))
		call_end(c, 0, NULL);
}

/* Inside a callback the emitter may be freed, and the call with it: `closed` says so. */
static void heard_sockets(struct call *c, const struct wire_response *w)
{
	const struct stoa_emitter *e = c->e;

	for (size_t i = 0; i < w->sockets.size_ && !e->closed; i++)
		ask_hand_over(c, value_at(w->sockets, i), w->uid);
}

static void heard_rooms(struct call *c, const struct wire_response *w)
{
	struct stoa_value *names = arena_take(&c->e->arena, (w->names.count + 1) * sizeof(*names));

	for (size_t i = 0; names && i < w->names.count; i++)
		names[i] = value_text(w->names.at[i]);
	if (names)
		ask_hand_over(c, value_array(names, w->names.count), w->uid);
}

static void heard_arguments(struct call *c, const struct wire_response *w)
{
	if (w->args.kind_ == VALUE_ARRAY)
		ask_hand_over(c, w->args, w->uid);
	else
		ask_hand_over(c, value_array(&w->value, w->has_value ? 1 : 0), w->uid);
}

static void heard(struct call *c, const struct wire_response *w)
{
	if (w->type == WIRE_ANSWER_ACK)
		c->acks++;
	else
		c->result.responded++;
	if (w->type == WIRE_ANSWER_COUNT && w->clients <= INT64_MAX / 2 - (uint64_t)c->result.clients)
		c->result.clients += (long long)w->clients;
	if (w->type == WIRE_ANSWER_SOCKETS)
		heard_sockets(c, w);
	else if (w->type == WIRE_ANSWER_ROOMS)
		heard_rooms(c, w);
	else if (w->type != WIRE_ANSWER_COUNT)
		heard_arguments(c, w);
}

/* On the common channel others' answers are heard as well. */
void ask_heard(struct stoa_emitter *e, struct slice payload)
{
	struct wire_rules rules = WIRE_RULES;
	struct wire_response w;
	struct call *c;

	rules.max_bytes = e->redis.max_message;
	rules.max_names = 1000000;
	if (wire_response_decode(&e->arena, payload, &rules, &w))
		return;
	c = calls_find(e, w.request_id);
	if (c == NULL || !(c->answers & 1U << w.type))
		return;
	heard(c, &w);
	if (!e->closed)
		ask_end_if_complete(c);
}
