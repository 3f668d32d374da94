/*
 * effect_record.c - effects, each kind once: what it is called, whom it may concern and what else it says.
 *
 * What is read must be what an embedded application could have left, since it is carried out by the same code without a
 * further look (common/app: effects.c, calls.c, acks.c, admission.c, session.c).
 */
#include "effect_record.h"

#include "effect_target.h"
#include "json.h"
#include "msgpack.h"

static const char *const members[EFFECT_MEMBERS] = { "do", "nsp", "sid", "sid_nsp", "rooms", "all", "skip", "skip_self",
	"local", "volatile", "latest", "uncompressed", "data", "attachments", "ack", "room", "transport", "key",
	"value", "call", "timeout", "message", "headers", "session_headers" };

const char *effect_member_name(enum effect_member member)
{
	return members[member];
}

static const int64_t timeout_max_ms = INT64_C(1) << 53; /* as much as a number of JavaScript's holds; for ever */
enum { CALL_BITS = 62 };                                /* the gateways' own numbers are above */

/* --- Writing ------------------------------------------------------------------------------------------------------ */

static void put_data(struct record_writer *w, struct record_part *map, const struct effect *e)
{
	write_key(w, map, members[E_DATA]);
	write_raw(w, e->json);
	put_blobs(w, map, e->blobs, e->n_blobs);
}

static void put_question(struct record_writer *w, struct record_part *map, const struct effect *e)
{
	if (e->call)
		put_uint(w, map, members[E_CALL], e->call);
	if (e->call && e->timeout_ms > 0)
		put_uint(w, map, members[E_TIMEOUT],
			(uint64_t)(e->timeout_ms < timeout_max_ms ? e->timeout_ms : timeout_max_ms));
}

static void put_asked(struct record_writer *w, struct record_part *map, const struct effect *e)
{
	put_data(w, map, e);
	put_question(w, map, e);
}

static void put_ack(struct record_writer *w, struct record_part *map, const struct effect *e)
{
	put_data(w, map, e);
	put_uint(w, map, members[E_ACK], e->ack_id);
}

static void put_room(struct record_writer *w, struct record_part *map, const struct effect *e)
{
	put_text(w, map, members[E_ROOM], e->room);
}

static void put_disconnect(struct record_writer *w, struct record_part *map, const struct effect *e)
{
	put_flag(w, map, members[E_TRANSPORT], e->transport);
}

static void put_session(struct record_writer *w, struct record_part *map, const struct effect *e)
{
	put_json(w, map, members[E_KEY], e->key);
	if (e->json.size)
		put_json(w, map, members[E_VALUE], e->json);
}

static size_t count_lines(struct slice lines)
{
	size_t n = 0;

	for (size_t i = 0; i < lines.size; i++)
		n += lines.at[i] == '\n';
	return n;
}

/* "Name: value\r\n", as admission.c makes them. */
static void put_headers(struct record_writer *w, struct record_part *map, const char *key, struct slice lines)
{
	struct record_part all, pair;

	if (lines.size == 0)
		return;
	write_key(w, map, key);
	all = write_array(w, count_lines(lines));
	while (slice_find(lines, '\n') < lines.size) {
		size_t end = slice_find(lines, '\r'), colon = slice_find(lines, ':');

		write_item(w, &all);
		pair = write_array(w, 2);
		write_item(w, &pair);
		write_text(w, slice_first(lines, colon));
		write_item(w, &pair);
		write_text(w, slice_of(lines.at + colon + 2, end - colon - 2));
		write_array_end(w);
		lines = slice_from(lines, end + 2);
	}
	write_array_end(w);
}

static void put_decision(struct record_writer *w, struct record_part *map, const struct effect *e)
{
	if (e->kind == EFFECT_DENY)
		put_text(w, map, members[E_MESSAGE], e->text);
	put_headers(w, map, members[E_HEADERS], e->headers);
	put_headers(w, map, members[E_SESSION_HEADERS], e->session_headers);
}

/* --- Reading: what is sent ---------------------------------------------------------------------------------------- */

static void read_data(struct record_reader *r, const struct slice *at, struct effect *e)
{
	struct record_payload p = read_outgoing(r, at[E_DATA], at[E_ATTACHMENTS], "an effect without data");

	e->json = p.json;
	e->blobs = p.blobs;
	e->n_blobs = p.n_blobs;
}

static struct slice first_item(struct record_reader *r, struct slice array)
{
	struct record_walk w = walk_array(r, array, "data is no array");
	struct slice item = { NULL, 0 };

	walk_next(&w, &item);
	return item;
}

static void check_event(struct record_reader *r, const struct effect *e)
{
	struct slice name = first_item(r, e->json);

	if (r->error)
		return;
	if (!value_is_text(r, name)) {
		read_fail(r, "data does not begin with an event's name");
		return;
	}
	name = decoded_text(r, name);
	if (app_event_is_reserved(name))
		read_fail(r, "a reserved event name");
	if (e->kind == EFFECT_SERVERS && app_server_event_is_own(name))
		read_fail(r, "an event of a server's own");
}

static void read_emit(struct record_reader *r, const struct slice *at, struct effect *e)
{
	read_data(r, at, e);
	if (r->error == NULL)
		check_event(r, e);
}

/* `call` 0 or absent: no answers are wanted, which only servers may be asked for. */
static void read_question(struct record_reader *r, const struct slice *at, struct effect *e)
{
	e->call = read_uint(r, at[E_CALL], (UINT64_C(1) << CALL_BITS) - 1, "call is no whole number, or too large");
	e->timeout_ms = (int64_t)read_uint(r, at[E_TIMEOUT], (uint64_t)timeout_max_ms, "timeout is no time");
	if (e->call == 0 && e->kind != EFFECT_SERVERS)
		read_fail(r, "a call without a number");
	if (e->call && e->timeout_ms == 0)
		read_fail(r, "a call without a timeout");
}

static void read_asked(struct record_reader *r, const struct slice *at, struct effect *e)
{
	read_emit(r, at, e);
	read_question(r, at, e);
}

static void read_ack(struct record_reader *r, const struct slice *at, struct effect *e)
{
	read_data(r, at, e);
	if (r->error == NULL && !value_is_array(r, e->json))
		read_fail(r, "data is no array");
	if (at[E_ACK].at == NULL)
		read_fail(r, "an ack without its number");
	e->ack_id = read_uint(r, at[E_ACK], UINT64_MAX, "ack is no whole number");
}

static void read_refusal(struct record_reader *r, const struct slice *at, struct effect *e)
{
	struct slice data[1], message = { NULL, 0 };
	static const char *const names[] = { "message" };

	e->json = read_outgoing(r, at[E_DATA], slice_of(NULL, 0), "a refusal without data").json;
	if (r->error)
		return;
	read_map(r, e->json, names, 1, data, "data of a refusal is no map");
	message = read_text(r, data[0], "a refusal whose message is no text");
	if (message.at == NULL)
		read_fail(r, "a refusal without a message");
}

/* --- Reading: what is done ---------------------------------------------------------------------------------------- */

static void read_room(struct record_reader *r, const struct slice *at, struct effect *e)
{
	e->room = read_name(r, at[E_ROOM], "room is no name");
	if (at[E_ROOM].at == NULL)
		read_fail(r, "a room without a name");
	check_room(r, e->room);
}

static void read_disconnect(struct record_reader *r, const struct slice *at, struct effect *e)
{
	e->transport = read_flag(r, at[E_TRANSPORT], "transport is neither true nor false");
}

static void read_session(struct record_reader *r, const struct slice *at, struct effect *e)
{
	struct slice key = read_text(r, at[E_KEY], "key is no text");
	struct buf token = BUF_INIT;
	const char *copy;

	if (at[E_KEY].at == NULL)
		read_fail(r, "a change of the session without a key");
	e->json = read_json(r, at[E_VALUE], "value is none that JSON has");
	json_encode_text(&token, key);
	copy = arena_copy(r->arena, token.at ? token.at : "", token.size);
	if (copy == NULL || token.failed)
		read_fail(r, "out of memory");
	else
		e->key = slice_of(copy, token.size);
	buf_fini(&token);
}

/* --- Reading: requests -------------------------------------------------------------------------------------------- */

static void read_header(struct record_reader *r, struct slice pair, struct buf *lines)
{
	static const char why[] = "headers are no array of names and values";
	struct slice item[2] = { { NULL, 0 }, { NULL, 0 } }, more, name, value;
	struct record_walk w = walk_array(r, pair, why);
	const char *fault;

	if (!walk_next(&w, &item[0]) || !walk_next(&w, &item[1]) || walk_next(&w, &more))
		read_fail(r, why);
	name = read_text(r, item[0], why);
	value = read_text(r, item[1], why);
	if (r->error)
		return;
	fault = app_header_fault(name.at, value.at);
	read_fail(r, fault);
	if (fault == NULL)
		buf_printf(lines, "%s: %s\r\n", name.at, value.at);
}

static struct slice read_headers(struct record_reader *r, struct slice value)
{
	struct buf lines = BUF_INIT;
	struct record_walk w;
	struct slice pair, kept = { NULL, 0 };
	const char *copy;

	if (value.at == NULL || r->error)
		return kept;
	w = walk_array(r, value, "headers are no array of names and values");
	while (lines.size <= APP_HEADERS_MAX && walk_next(&w, &pair))
		read_header(r, pair, &lines);
	copy = arena_copy(r->arena, lines.at ? lines.at : "", lines.size);
	if (copy == NULL || lines.failed)
		read_fail(r, "out of memory");
	else
		kept = slice_of(copy, lines.size);
	buf_fini(&lines);
	return kept;
}

static void read_decision(struct record_reader *r, const struct slice *at, struct effect *e)
{
	if (e->kind == EFFECT_DENY) {
		e->text = read_text(r, at[E_MESSAGE], "message is no text");
		if (at[E_MESSAGE].at == NULL)
			read_fail(r, "a denial without a message");
	}
	e->headers = read_headers(r, at[E_HEADERS]);
	e->session_headers = read_headers(r, at[E_SESSION_HEADERS]);
	if (e->headers.size + e->session_headers.size > APP_HEADERS_MAX)
		read_fail(r, "too many headers");
}

/* --- The kinds ---------------------------------------------------------------------------------------------------- */

typedef void put_fn(struct record_writer *w, struct record_part *map, const struct effect *e);
typedef void read_fn(struct record_reader *r, const struct slice *at, struct effect *e);

static const struct {
	const char *name;
	bool is_first; /* and nowhere else */
	enum effect_whom whom;
	put_fn *put; /* NULL: nothing more to say */
	read_fn *read;
} formats[] = {
	[EFFECT_ACCEPT] = { "accept", true, WHOM_NOBODY, NULL, NULL },
	[EFFECT_REFUSE] = { "refuse", true, WHOM_NOBODY, put_data, read_refusal },
	[EFFECT_EMIT] = { "emit", false, WHOM_ANY, put_data, read_emit },
	[EFFECT_CALL] = { "call", false, WHOM_ANY, put_asked, read_asked },
	[EFFECT_ACK] = { "ack", false, WHOM_WHO_ASKED, put_ack, read_ack },
	[EFFECT_JOIN] = { "join", false, WHOM_ANY, put_room, read_room },
	[EFFECT_LEAVE] = { "leave", false, WHOM_ANY, put_room, read_room },
	[EFFECT_DISCONNECT] = { "disconnect", false, WHOM_ANY, put_disconnect, read_disconnect },
	[EFFECT_ADMIT] = { "admit", true, WHOM_NOBODY, put_decision, read_decision },
	[EFFECT_DENY] = { "deny", true, WHOM_NOBODY, put_decision, read_decision },
	[EFFECT_SESSION] = { "session", false, WHOM_CLIENT, put_session, read_session },
	[EFFECT_FETCH] = { "fetch", false, WHOM_ANY, put_question, read_question },
	[EFFECT_SERVERS] = { "servers", false, WHOM_SERVERS, put_asked, read_asked },
};
enum { KINDS = sizeof(formats) / sizeof(*formats) };

static void put_effect(struct record_writer *w, const struct effect *e, const struct batch_record *b)
{
	struct record_part map = write_map(w);

	put_text(w, &map, members[E_DO], slice_str(formats[e->kind].name));
	put_target(w, &map, formats[e->kind].whom, &e->to, b);
	if (formats[e->kind].put)
		formats[e->kind].put(w, &map, e);
	write_map_end(w, &map);
}

void put_effects(struct record_writer *w, struct record_part *map, const char *key, const struct batch_record *b)
{
	struct record_part all;
	size_t n = 0;

	for (const struct effect *e = b->effects; e; e = e->next)
		n++;
	write_key(w, map, key);
	all = write_array(w, n);
	for (const struct effect *e = b->effects; e; e = e->next) {
		write_item(w, &all);
		put_effect(w, e, b);
	}
	write_array_end(w);
}

static enum effect_kind read_kind(struct record_reader *r, struct slice value, bool is_first)
{
	const char *names[KINDS];
	size_t kind;

	for (size_t i = 0; i < KINDS; i++)
		names[i] = formats[i].name;
	kind = read_choice(r, value, names, KINDS, "do is none that is known");
	if (r->error == NULL && formats[kind].is_first && !is_first)
		read_fail(r, "accept, refuse, admit and deny are the first effect or none");
	return (enum effect_kind)kind;
}

static struct effect *read_effect(
	struct record_reader *r, struct slice value, const struct batch_record *b, bool is_first)
{
	struct effect *e = read_memory(r, sizeof(*e));
	struct slice at[EFFECT_MEMBERS];

	if (e == NULL)
		return NULL;
	read_map(r, value, members, EFFECT_MEMBERS, at, "an effect that is no map");
	e->kind = read_kind(r, at[E_DO], is_first);
	if (r->error)
		return NULL;
	e->to = read_target(r, at, formats[e->kind].whom, b);
	if (r->error == NULL && formats[e->kind].read)
		formats[e->kind].read(r, at, e);
	return e;
}

const struct effect *read_effects(struct record_reader *r, struct slice value, const struct batch_record *b)
{
	struct effect *first = NULL, **end = &first;
	struct record_walk w;
	struct slice item;
	size_t n = 0;

	if (value.at == NULL || r->error)
		return NULL;
	w = walk_array(r, value, "effects are no array");
	while (walk_next(&w, &item)) {
		if (++n > r->rules->max_effects)
			read_fail(r, "too many effects");
		*end = r->error ? NULL : read_effect(r, item, b, n == 1);
		if (*end)
			end = &(*end)->next;
	}
	return r->error ? NULL : first;
}
