/*
 * emitter_nodes.c - gateways that say what they are. They do so on the channel KEY-nodes#, every few seconds and when
 * somebody publishes {"v":1,"type":"who"} there:
 *
 *	{"v":1,"type":"beat","uid":"AbCdx7_2","node":"AbCd","name":"host#4711","address":"10.0.0.7:5001",
 *	 "clients":1200,"age":86400,"namespaces":["/","/chat"]}
 *
 * gateway/cluster/nodes.h is theirs. How many listen there is what PUBLISH answers, ourselves included.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "emitter_internal.h"

enum { GATHER_MS = 1000, NODES_MAX = 10000 };

static void name_channel(struct stoa_emitter *e)
{
	buf_clear(&e->channel);
	buf_add_slice(&e->channel, e->key);
	buf_add_str(&e->channel, "-nodes#");
}

/* --- Asking ------------------------------------------------------------------------------------------------------- */

static struct call *make(struct stoa_emitter *e, struct slice nsp, const struct stoa_emitter_call *told)
{
	struct buf count = BUF_INIT;
	struct call *c;

	wire_channel_add(&count, e->key, &(struct wire_channel){ .kind = WIRE_CHANNEL_REQUEST, .nsp = nsp });
	name_channel(e);
	buf_clear(&e->payload);
	buf_add_str(&e->payload, "{\"v\":1,\"type\":\"who\"}");
	c = count.failed || e->channel.failed || e->payload.failed ? NULL : call_new(e, told, buf_slice(&count));
	buf_fini(&count);
	if (c == NULL)
		return NULL;
	c->answers = CALL_GATHERS;
	c->is_gathering = true;
	if (c->told.timeout_ms <= 0)
		c->told.timeout_ms = GATHER_MS;
	snprintf(c->id, sizeof(c->id), "%s%" PRIx64, e->uid, e->next_id++);
	call_hears(c, 0, buf_slice(&e->channel));
	return c;
}

int stoa_emitter_nodes(struct stoa_emitter *e, const char *nsp, const struct stoa_emitter_call *call)
{
	struct call *c = NULL;
	struct slice name;
	int error = values_nsp(e, nsp, &name);

	if (error == 0)
		c = make(e, name, call);
	if (error == 0 && c == NULL)
		error = emitter_fail(e, -ENOMEM, NULL);
	arena_reset(&e->scratch);
	return error ? error : call_start(c);
}

/* --- Hearing ------------------------------------------------------------------------------------------------------ */

static bool is_text(struct stoa_value v, const char *text)
{
	return v.kind_ == VALUE_TEXT && (text == NULL || slice_equal(value_slice(v), slice_str(text)));
}

static bool is_beat(struct stoa_value v)
{
	return is_text(value_get(v, SLICE("type")), "beat") && is_text(value_get(v, SLICE("uid")), NULL) &&
	       is_text(value_get(v, SLICE("node")), NULL) && is_text(value_get(v, SLICE("name")), NULL) &&
	       is_text(value_get(v, SLICE("address")), NULL) && value_get(v, SLICE("clients")).kind_ == VALUE_INT;
}

/* Each once. c->seen holds the uids with a NUL behind each. */
static bool is_new(struct call *c, struct slice uid)
{
	for (size_t at = 0; at < c->seen.size; at += strlen(c->seen.at + at) + 1)
		if (slice_equal(slice_str(c->seen.at + at), uid))
			return false;
	if (slice_find(uid, '\0') < uid.size || c->result.answers >= NODES_MAX)
		return false;
	buf_add_slice(&c->seen, uid);
	buf_add_char(&c->seen, '\0');
	return !c->seen.failed;
}

void nodes_end_if_complete(struct call *c)
{
	if (c->stage == CALL_ASKS && c->result.servers >= 0 && c->result.responded >= c->result.heard)
		call_end(c, 0, NULL);
}

static void heard_by(struct call *c, struct stoa_value beat)
{
	const struct stoa_emitter *e = c->e;

	if (c->stage == CALL_ENDED || !is_new(c, value_slice(value_get(beat, SLICE("uid")))))
		return;
	c->result.responded++;
	ask_hand_over(c, beat, value_slice(value_get(beat, SLICE("uid"))));
	if (!e->closed)
		nodes_end_if_complete(c);
}

void nodes_heard(struct stoa_emitter *e, struct slice payload)
{
	struct wire_rules rules = WIRE_RULES;
	struct stoa_value v;

	if (wire_read_object(&e->arena, payload, &rules, &v) || !is_beat(v))
		return;
	for (struct call *c = e->calls, *next; c && !e->closed; c = next) {
		next = c->next;
		if (c->is_gathering && c->stage != CALL_WAITS)
			heard_by(c, v);
	}
}
