/* event_record.c - what happened, as a gateway tells it. */
#include <errno.h>

#include "state_record.h"

enum {
	V,
	NODE,
	KIND,
	AT,
	NSP,
	SID,
	N,
	EVENT,
	ARGS,
	ATTACHMENTS,
	ACK,
	REASON,
	ERROR,
	STATE_N,
	STATE,
	AGAIN,
	TO,
	CALL,
	OP,
	COUNT,
	WHO,
	FOUND,
	STATUS,
	MEMBERS
};
static const char *const members[MEMBERS] = { "v", "node", "kind", "at", "nsp", "sid", "n", "event", "args",
	"attachments", "ack", "reason", "error", "state_n", "state", "again", "to", "call", "op", "count", "who",
	"found", "status" };

static const char *const kinds[] = { "connect", "event", "disconnect", "handshake", "refused", "server", "answer" };
static const char *const ops[] = { "expect", "answer", "gone", "found", "silent", "end" };
static const char *const statuses[] = { "timeout", "unreachable" };
static const int status_numbers[] = { -ETIMEDOUT, -ENOTCONN };
#define COUNT_OF(list) (sizeof(list) / sizeof(*(list)))

const char *record_kind_name(enum record_kind kind)
{
	return kinds[kind];
}

/* --- Writing ------------------------------------------------------------------------------------------------------ */

static void put_said(struct record_writer *w, struct record_part *map, const struct event_record *e)
{
	write_key(w, map, members[ARGS]);
	write_items(w, e->items);
	put_blobs(w, map, e->blobs, e->n_blobs);
}

static void put_event(struct record_writer *w, struct record_part *map, const struct event_record *e)
{
	write_key(w, map, members[EVENT]);
	write_raw(w, e->name);
	put_said(w, map, e);
	if (e->wants_ack)
		put_uint(w, map, members[ACK], e->ack_id);
}

static void put_refused(struct record_writer *w, struct record_part *map, const struct event_record *e)
{
	put_json(w, map, members[ERROR], e->error);
}

static void put_answer(struct record_writer *w, struct record_part *map, const struct event_record *e)
{
	const struct answer_record *a = &e->answer;

	put_text(w, map, members[TO], a->to);
	put_uint(w, map, members[CALL], a->call);
	put_text(w, map, members[OP], slice_str(ops[a->op]));
	put_text_if(w, map, members[WHO], a->who);
	if (a->op == ANSWER_EXPECT)
		put_uint(w, map, members[COUNT], a->count);
	if (a->op == ANSWER_GIVEN)
		put_said(w, map, e);
	if (a->op == ANSWER_FOUND)
		put_json(w, map, members[FOUND], a->found);
	if (a->op == ANSWER_END)
		put_text(w, map, members[STATUS], slice_str(statuses[a->status == -ENOTCONN]));
}

static void put_reason(struct record_writer *w, struct record_part *map, const struct event_record *e)
{
	put_text(w, map, members[REASON], e->reason);
}

static void (*const puts_of[])(struct record_writer *w, struct record_part *map, const struct event_record *e) = {
	[RECORD_CONNECT] = NULL,
	[RECORD_EVENT] = put_event,
	[RECORD_DISCONNECT] = put_reason,
	[RECORD_HANDSHAKE] = NULL,
	[RECORD_REFUSED] = put_refused,
	[RECORD_SERVER] = put_event,
	[RECORD_ANSWER] = put_answer,
};

int event_record_put(struct buf *to, enum value_encoding encoding, const struct event_record *e)
{
	struct record_writer w = record_begin(to, encoding);
	struct record_part map = write_map(&w);

	if (slice_find(e->nsp, '\0') != e->nsp.size)
		w.error = -EINVAL; /* an application could not be told */
	put_uint(&w, &map, members[V], RECORDS_VERSION);
	put_text(&w, &map, members[NODE], e->node);
	put_text(&w, &map, members[KIND], slice_str(kinds[e->kind]));
	put_uint(&w, &map, members[AT], e->at_ms > 0 ? (uint64_t)e->at_ms : 0);
	put_text_if(&w, &map, members[NSP], e->nsp);
	put_text_if(&w, &map, members[SID], e->sid);
	put_uint(&w, &map, members[N], e->n);
	if (puts_of[e->kind])
		puts_of[e->kind](&w, &map, e);
	if (e->state_n)
		put_uint(&w, &map, members[STATE_N], e->state_n);
	if (e->has_state)
		put_state(&w, &map, members[STATE], &e->state);
	put_flag(&w, &map, members[AGAIN], e->again);
	write_map_end(&w, &map);
	return record_end(&w);
}

/* --- Reading ------------------------------------------------------------------------------------------------------ */

static void need(struct record_reader *r, const struct slice *at, size_t member, const char *why)
{
	if (at[member].at == NULL)
		read_fail(r, why);
}

static void read_said(struct record_reader *r, const struct slice *at, struct event_record *e)
{
	struct record_payload p = read_payload(r, at[ARGS], at[ATTACHMENTS], "an event without args");

	if (r->error == NULL && !value_is_array(r, at[ARGS]))
		read_fail(r, "args are no array");
	if (r->error)
		return;
	e->items = inside_array(r, p.json);
	e->flags = p.flags;
	e->blobs = p.blobs;
	e->n_blobs = p.n_blobs;
}

static void read_event_name(struct record_reader *r, const struct slice *at, struct event_record *e)
{
	bool is_text = value_is_text(r, at[EVENT]);

	e->name = at[EVENT];
	if (!is_text && !value_is_number(r, at[EVENT]))
		read_fail(r, "event is no name");
	else if (is_text && e->kind == RECORD_EVENT && app_event_is_reserved(decoded_text(r, at[EVENT])))
		read_fail(r, "a reserved event name");
}

static void read_event(struct record_reader *r, const struct slice *at, struct event_record *e)
{
	need(r, at, EVENT, "an event without a name");
	if (r->error)
		return;
	read_event_name(r, at, e);
	read_said(r, at, e);
	e->wants_ack = at[ACK].at != NULL;
	e->ack_id = read_uint(r, at[ACK], UINT64_MAX, "ack is no whole number");
}

static void read_disconnect(struct record_reader *r, const struct slice *at, struct event_record *e)
{
	need(r, at, REASON, "a disconnect without a reason");
	e->reason = read_text(r, at[REASON], "reason is no text");
}

static void read_handshake(struct record_reader *r, const struct slice *at, struct event_record *e)
{
	(void)e;
	need(r, at, STATE, "a request without state");
}

static void read_refused(struct record_reader *r, const struct slice *at, struct event_record *e)
{
	read_handshake(r, at, e);
	need(r, at, ERROR, "a refusal without its error");
	e->error = read_json_object(r, at[ERROR], "error is no map");
}

static void read_server(struct record_reader *r, const struct slice *at, struct event_record *e)
{
	need(r, at, NSP, "an event of another server without nsp");
	read_event(r, at, e);
}

static void read_answer(struct record_reader *r, const struct slice *at, struct event_record *e)
{
	struct answer_record *a = &e->answer;

	need(r, at, TO, "an answer to nobody");
	need(r, at, CALL, "an answer to no call");
	a->to = read_word(r, at[TO], BY_MAX, "to is no worker's name");
	a->call = read_uint(r, at[CALL], UINT64_MAX, "call is no whole number");
	a->op = (enum answer_op)read_choice(r, at[OP], ops, COUNT_OF(ops), "op is none that is known");
	a->who = read_text(r, at[WHO], "who is no text");
	a->count = read_uint(r, at[COUNT], UINT64_MAX, "count is no whole number");
	if (r->error == NULL && a->op == ANSWER_GIVEN)
		read_said(r, at, e);
	if (a->op == ANSWER_FOUND) {
		need(r, at, FOUND, "nothing was found");
		a->found = read_json_object(r, at[FOUND], "found is no map");
	}
	if (a->op == ANSWER_END)
		a->status = status_numbers[read_choice(
			r, at[STATUS], statuses, COUNT_OF(statuses), "status is none that is known")];
}

static const struct {
	bool is_of_client;
	void (*read)(struct record_reader *r, const struct slice *at, struct event_record *e);
} reads_of[] = {
	[RECORD_CONNECT] = { true, NULL },
	[RECORD_EVENT] = { true, read_event },
	[RECORD_DISCONNECT] = { true, read_disconnect },
	[RECORD_HANDSHAKE] = { false, read_handshake },
	[RECORD_REFUSED] = { false, read_refused },
	[RECORD_SERVER] = { false, read_server },
	[RECORD_ANSWER] = { false, read_answer },
};

static void read_head(struct record_reader *r, const struct slice *at, struct event_record *e)
{
	read_version(r, at[V]);
	need(r, at, NODE, "an event without a node");
	e->node = read_word(r, at[NODE], NODE_MAX, "node is no gateway's name");
	e->kind = (enum record_kind)read_choice(r, at[KIND], kinds, COUNT_OF(kinds), "kind is none that is known");
	e->at_ms = (int64_t)read_uint(r, at[AT], INT64_MAX, "at is no time");
	e->nsp = read_namespace(r, at[NSP]);
	e->sid = read_text(r, at[SID], "sid is no text");
	e->n = read_uint(r, at[N], UINT64_MAX, "n is no whole number");
	e->state_n = read_uint(r, at[STATE_N], UINT64_MAX, "state_n is no whole number");
	e->again = read_flag(r, at[AGAIN], "again is neither true nor false");
}

const char *event_record_read(
	struct arena *arena, struct slice bytes, const struct record_rules *rules, struct event_record *e)
{
	struct record_reader r = record_reader_of(arena, bytes, rules);
	struct slice at[MEMBERS];

	*e = (struct event_record){ .n = 0 };
	read_map(&r, bytes, members, MEMBERS, at, "the record is no map");
	read_head(&r, at, e);
	if (reads_of[e->kind].is_of_client && (e->sid.size == 0 || e->nsp.size == 0 || (e->n == 0 && !e->again)))
		read_fail(&r, "a client's event without nsp, sid or n");
	if (r.error == NULL && reads_of[e->kind].read)
		reads_of[e->kind].read(&r, at, e);
	e->has_state = at[STATE].at != NULL;
	if (r.error == NULL && e->has_state)
		e->state = read_state(&r, at[STATE]);
	return r.error;
}
