/* state_record.c - a client's state, in an event or by itself. */
#include "state_record.h"

#include "json.h"

enum { QUERY, HEADERS, ADDRESS, TRANSPORT, AUTH, CLAIMS, RECOVERED, ROOMS, SESSION, STATE_MEMBERS };
static const char *const state_members[STATE_MEMBERS] = { "query", "headers", "address", "transport", "auth", "claims",
	"recovered", "rooms", "session" };

/* --- Writing ------------------------------------------------------------------------------------------------------ */

/* Its keys are JSON text, and so are the values: made one text, it is written as any other. */
static void put_session(struct record_writer *w, struct record_part *map, const struct client_state *s)
{
	struct buf all = BUF_INIT;

	for (size_t i = 0; i < s->n_session; i++) {
		buf_add_char(&all, i ? ',' : '{');
		buf_add_slice(&all, s->session[i].key);
		buf_add_char(&all, ':');
		buf_add_slice(&all, s->session[i].json);
	}
	if (s->n_session) {
		buf_add_char(&all, '}');
		w->to->failed = w->to->failed || all.failed;
		put_json(w, map, state_members[SESSION], buf_slice(&all));
	}
	buf_fini(&all);
}

void put_state(struct record_writer *w, struct record_part *map, const char *key, const struct client_state *s)
{
	struct record_part state;

	write_key(w, map, key);
	state = write_map(w);
	put_mended(w, &state, state_members[QUERY], s->handshake.query);
	put_mended(w, &state, state_members[HEADERS], s->handshake.headers);
	put_text(w, &state, state_members[ADDRESS], slice_str(s->handshake.address));
	put_text_if(w, &state, state_members[TRANSPORT], slice_str(s->transport));
	if (s->auth.size)
		put_json(w, &state, state_members[AUTH], s->auth);
	if (s->claims.size)
		put_json(w, &state, state_members[CLAIMS], s->claims);
	put_flag(w, &state, state_members[RECOVERED], s->recovered);
	if (s->n_rooms)
		put_names(w, &state, state_members[ROOMS], s->rooms, s->n_rooms);
	put_session(w, &state, s);
	write_map_end(w, &state);
}

/* --- Reading ------------------------------------------------------------------------------------------------------ */

/* A key's token as our own encoder writes it: those that are the same are equal. */
static struct slice token_of(struct record_reader *r, struct slice key)
{
	struct buf token = BUF_INIT;
	struct slice text = read_text(r, key, "a key of the session that is no text");
	const char *copy;

	if (json_encode_text(&token, text) < 0 || token.failed)
		read_fail(r, "a key of the session that is no text");
	copy = arena_copy(r->arena, token.at ? token.at : "", token.size);
	if (copy == NULL)
		read_fail(r, "out of memory");
	text = slice_of(copy, copy ? token.size : 0);
	buf_fini(&token);
	return text;
}

static void read_session(struct record_reader *r, struct slice value, struct client_state *s)
{
	struct record_walk w;
	struct state_datum *data;
	struct slice key, datum;
	size_t count;

	if (value.at == NULL || r->error)
		return;
	w = walk_map(r, value, "session is no map");
	count = walk_count(w);
	data = r->error ? NULL : read_memory(r, count * sizeof(*data));
	while (data && s->n_session < count && walk_member(&w, &key, &datum))
		data[s->n_session++] = (struct state_datum){ token_of(r, key),
			read_json(r, datum, "the session holds what JSON has not") };
	s->session = data;
}

struct client_state read_state(struct record_reader *r, struct slice value)
{
	struct client_state s = { .n_rooms = 0 };
	struct slice at[STATE_MEMBERS];

	read_map(r, value, state_members, STATE_MEMBERS, at, "state is no map");
	s.handshake.query = read_text(r, at[QUERY], "query is no text");
	s.handshake.headers = read_text(r, at[HEADERS], "headers are no text");
	s.handshake.address = read_text(r, at[ADDRESS], "address is no text").at;
	s.transport = read_text(r, at[TRANSPORT], "transport is no text").at;
	s.auth = read_json_object(r, at[AUTH], "auth is no map");
	s.claims = read_json_object(r, at[CLAIMS], "claims is no map");
	s.recovered = read_flag(r, at[RECOVERED], "recovered is neither true nor false");
	s.rooms = read_names(r, at[ROOMS], r->rules->max_rooms, &s.n_rooms, "rooms are no array of texts, or too many");
	read_session(r, at[SESSION], &s);
	if (s.handshake.address == NULL)
		s.handshake.address = "";
	return s;
}

/* --- A client ----------------------------------------------------------------------------------------------------- */

enum { V, NODE, NSP, N, STATE_N, STATE, MEMBERS };
static const char *const members[MEMBERS] = { "v", "node", "nsp", "n", "state_n", "state" };

int client_record_put(struct buf *to, enum value_encoding encoding, const struct client_record *r)
{
	struct record_writer w = record_begin(to, encoding);
	struct record_part map = write_map(&w);

	put_uint(&w, &map, members[V], RECORDS_VERSION);
	put_text(&w, &map, members[NODE], r->node);
	put_text(&w, &map, members[NSP], r->nsp);
	put_uint(&w, &map, members[N], r->n);
	put_uint(&w, &map, members[STATE_N], r->state_n);
	put_state(&w, &map, members[STATE], &r->state);
	write_map_end(&w, &map);
	return record_end(&w);
}

const char *client_record_read(
	struct arena *arena, struct slice bytes, const struct record_rules *rules, struct client_record *c)
{
	struct record_reader r = record_reader_of(arena, bytes, rules);
	struct slice at[MEMBERS];

	*c = (struct client_record){ .n = 0 };
	read_map(&r, bytes, members, MEMBERS, at, "the record is no map");
	read_version(&r, at[V]);
	if (!at[NODE].at || !at[NSP].at || !at[STATE].at)
		read_fail(&r, "a client without node, nsp or state");
	c->node = read_word(&r, at[NODE], NODE_MAX, "node is no gateway's name");
	c->nsp = read_namespace(&r, at[NSP]);
	c->n = read_uint(&r, at[N], UINT64_MAX, "n is no whole number");
	c->state_n = read_uint(&r, at[STATE_N], UINT64_MAX, "state_n is no whole number");
	c->state = read_state(&r, at[STATE]);
	return r.error;
}
