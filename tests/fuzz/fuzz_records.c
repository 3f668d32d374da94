/*
 * fuzz_records.c - bytes taken for every kind of record. What is read can be written, and that is read as the same; what
 * a gateway would carry out is within the rules; memory stays in proportion.
 */
#include <stdio.h>
#include <stdlib.h>

#include "json.h"
#include "records.h"
#include "utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "not so: %s (line %d)\n", #condition, __LINE__); \
			abort(); \
		} \
	} while (0)

static const struct record_rules rules = { .max_bytes = 1 << 20,
	.max_depth = 40,
	.max_effects = 200,
	.max_rooms = 100,
	.max_attachments = 50,
	.max_room_bytes = 200 };

/* --- What holds of all that was read ------------------------------------------------------------------------------ */

static void require_text(struct slice s)
{
	REQUIRE(utf8_valid(s));
	REQUIRE(s.at == NULL || s.at[s.size] == '\0');
	REQUIRE(slice_find(s, '\0') == s.size);
}

static void require_json(struct slice s)
{
	struct json_rules json = { .max_depth = VALUE_DEPTH_MAX, .blobs = JSON_NO_BLOBS };
	unsigned flags;

	if (s.size == 0)
		return;
	REQUIRE(json_check(s, &json, &flags) == NULL);
	REQUIRE(!(flags & JSON_REWRITE));
}

static void require_target(const struct effect_target *to)
{
	REQUIRE(to->nsp && to->nsp[0] == '/' && to->sid_nsp && to->sid_nsp[0] == '/');
	REQUIRE(to->sid == NULL || *to->sid);
	REQUIRE(!(to->n_rooms && to->broadcast));
	REQUIRE(to->n_rooms <= rules.max_rooms && to->n_skip <= rules.max_rooms);
	for (size_t i = 0; i < to->n_rooms; i++)
		REQUIRE(utf8_valid(to->rooms[i]));
	for (size_t i = 0; i < to->n_skip; i++)
		REQUIRE(utf8_valid(to->skip[i]));
}

static void require_lines(struct slice lines)
{
	bool is_new = true;

	for (size_t i = 0; i < lines.size; i++) {
		char c = lines.at[i];

		REQUIRE((c >= 0x20 && c <= 0x7E) || c == '\r' || c == '\n');
		REQUIRE(c != '\r' || (i + 1 < lines.size && lines.at[i + 1] == '\n'));
		REQUIRE(c != '\n' || (i > 0 && lines.at[i - 1] == '\r'));
		REQUIRE(!is_new || (c != ':' && c != '\r'));
		is_new = c == '\n';
	}
	REQUIRE(is_new);
}

static void require_effects(const struct batch_record *b)
{
	bool is_first = true;

	for (const struct effect *e = b->effects; e; e = e->next) {
		bool decides = e->kind == EFFECT_ACCEPT || e->kind == EFFECT_REFUSE || e->kind == EFFECT_ADMIT ||
			       e->kind == EFFECT_DENY;

		REQUIRE(is_first || !decides);
		is_first = false;
		if (!decides)
			require_target(&e->to);
		if (e->kind == EFFECT_SESSION) {
			require_json(e->key);
			require_json(e->json);
		}
		if (e->kind == EFFECT_EMIT || e->kind == EFFECT_CALL || e->kind == EFFECT_ACK ||
			e->kind == EFFECT_SERVERS)
			REQUIRE(e->json.size && e->n_blobs <= rules.max_attachments);
		require_lines(e->headers);
		require_lines(e->session_headers);
		REQUIRE(e->headers.size + e->session_headers.size <= APP_HEADERS_MAX);
		REQUIRE(e->call >> 62 == 0 && e->timeout_ms >= 0);
	}
}

static void require_state(const struct client_state *s)
{
	require_text(s->handshake.query);
	require_text(s->handshake.headers);
	require_json(s->auth);
	REQUIRE(s->n_rooms <= rules.max_rooms);
	for (size_t i = 0; i < s->n_session; i++) {
		require_json(s->session[i].key);
		require_json(s->session[i].json);
	}
}

/* --- There and back ----------------------------------------------------------------------------------------------- */

/* A record of one kind: read, looked at, and written to `to`. False: it is none. */
typedef bool pass_fn(struct arena *arena, struct slice bytes, struct buf *to);

static bool pass_event(struct arena *arena, struct slice bytes, struct buf *to)
{
	struct event_record e;

	if (event_record_read(arena, bytes, &rules, &e))
		return false;
	require_text(e.node);
	require_text(e.nsp);
	require_text(e.sid);
	require_text(e.reason);
	require_json(e.error);
	require_json(e.answer.found);
	if (e.has_state)
		require_state(&e.state);
	REQUIRE(event_record_put(to, record_encoding(bytes), &e) == 0);
	return true;
}

static bool pass_batch(struct arena *arena, struct slice bytes, struct buf *to)
{
	struct batch_record b, outside;

	if (batch_record_read(arena, bytes, &rules, &b))
		return false;
	require_effects(&b);
	REQUIRE(batch_record_peek(arena, bytes, &outside) == NULL);
	REQUIRE(slice_equal(outside.id, b.id) && slice_equal(outside.sid, b.sid) && outside.n == b.n);
	REQUIRE(batch_record_put(to, record_encoding(bytes), &b) == 0);
	return true;
}

static bool pass_client(struct arena *arena, struct slice bytes, struct buf *to)
{
	struct client_record c;

	if (client_record_read(arena, bytes, &rules, &c))
		return false;
	require_state(&c.state);
	REQUIRE(client_record_put(to, record_encoding(bytes), &c) == 0);
	return true;
}

static bool pass_app(struct arena *arena, struct slice bytes, struct buf *to)
{
	struct app_record a;

	if (app_record_read(arena, bytes, &rules, &a))
		return false;
	REQUIRE(a.partitions >= 1 && a.partitions <= PARTITIONS_MAX);
	REQUIRE(app_record_partition(&a, SLICE("/"), bytes) < a.partitions);
	app_record_has_namespace(&a, SLICE("/chat"));
	REQUIRE(app_record_put(to, &a) == 0);
	return true;
}

static void try(pass_fn *pass, struct slice bytes)
{
	struct arena arena = ARENA_INIT, second = ARENA_INIT;
	struct buf once = BUF_INIT, twice = BUF_INIT;
	bool fits = pass(&arena, bytes, &once);

	REQUIRE(arena.total_bytes <= 400 * bytes.size + (1 << 16));
	if (fits) {
		REQUIRE(pass(&second, buf_slice(&once), &twice));
		REQUIRE(slice_equal(buf_slice(&once), buf_slice(&twice)));
	}
	arena_fini(&arena);
	arena_fini(&second);
	buf_fini(&once);
	buf_fini(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static pass_fn *const passes[] = { pass_event, pass_batch, pass_client, pass_app };

	for (size_t i = 0; i < sizeof(passes) / sizeof(*passes); i++)
		try(passes[i], slice_of(data, size));
	return 0;
}
