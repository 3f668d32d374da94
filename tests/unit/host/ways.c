/* ways.c - see ways.h. */
#include "ways.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "log.h"
#include "msgpack.h"

struct ways ways;
size_t ways_max_bytes;

/* --- Effects as text ---------------------------------------------------------------------------------------------- */

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void note(const char *format, ...)
{
	size_t used = strlen(ways.log);
	va_list args;

	va_start(args, format);
	ck_assert_int_lt(vsnprintf(ways.log + used, WAYS_LOG - used, format, args), (int)(WAYS_LOG - used));
	va_end(args);
}

static void note_payload(const struct effect *e)
{
	struct arena arena = ARENA_INIT;
	struct buf text = BUF_INIT;
	struct stoa_value v;

	if (ways.encoding == VALUE_MSGPACK && e->json.size && e->kind != EFFECT_SESSION) {
		v = msgpack_decode(&arena, e->json, MSGPACK_CLIENT);
		ck_assert_int_eq(json_encode(&text, v, NULL), 0);
	} else {
		buf_add_slice(&text, e->json);
	}
	if (text.size)
		note(" %.*s", SLICE_ARG(buf_slice(&text)));
	for (size_t i = 0; i < e->n_blobs; i++)
		note(" <%.*s>", SLICE_ARG(e->blobs[i]));
	buf_fini(&text);
	arena_fini(&arena);
}

static void note_names(const char *before, const struct slice *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		note("%s%.*s", i ? "," : before, SLICE_ARG(names[i]));
}

static void note_target(const struct effect_target *to)
{
	if (to->nsp == NULL)
		return;
	note(" to %s %s of %s", to->nsp, to->sid ? to->sid : "-", to->sid ? to->sid_nsp : "-");
	note_names(" rooms ", to->rooms, to->n_rooms);
	note_names(" skip ", to->skip, to->n_skip);
	note("%s%s%s%s%s%s", to->broadcast ? " all" : "", to->skip_self ? " skip_self" : "", to->local ? " local" : "",
		to->is_volatile ? " volatile" : "", to->latest ? " latest" : "",
		to->uncompressed ? " uncompressed" : "");
}

static void note_effect(const struct effect *e)
{
	static const char *const names[] = { "accept", "refuse", "emit", "call", "ack", "join", "leave", "disconnect",
		"admit", "deny", "session", "fetch", "servers" };

	note("  %s", names[e->kind]);
	note_payload(e);
	note("%s%.*s%s%.*s%s%.*s", e->room.size ? " room " : "", SLICE_ARG(e->room), e->key.size ? " key " : "",
		SLICE_ARG(e->key), e->text.size ? " text " : "", SLICE_ARG(e->text));
	if (e->headers.size || e->session_headers.size)
		note(" headers %.*s| %.*s", SLICE_ARG(e->headers), SLICE_ARG(e->session_headers));
	if (e->kind == EFFECT_ACK)
		note(" id %d", (int)e->ack_id);
	if (e->call) {
		note(" call %d for %d", (int)e->call, (int)e->timeout_ms);
		ways.call = e->call;
	}
	note_target(&e->to);
	note("%s\n", e->transport ? " transport" : "");
}

/* --- Embedded ----------------------------------------------------------------------------------------------------- */

static void execute(void *ctx, const struct effect *first)
{
	struct app_origin o = app_origin(ways.app);

	(void)ctx;
	note("[%s%s%s]\n", o.sid ? o.sid : "-", o.sid ? " " : "", o.sid ? o.nsp : "");
	for (; first; first = first->next)
		note_effect(first);
}

static void rooms(void *ctx, const struct app_client *client, void (*each)(void *to, struct slice room), void *to)
{
	(void)ctx;
	(void)client;
	for (size_t i = 0; i < ways.state.n_rooms; i++)
		each(to, ways.state.rooms[i]);
}

static void session(void *ctx, const struct app_client *client,
	void (*each)(void *to, struct slice key, struct slice json), void *to)
{
	(void)ctx;
	(void)client;
	for (size_t i = 0; i < ways.state.n_session; i++)
		each(to, ways.state.session[i].key, ways.state.session[i].json);
}

static const struct app_port embedded_port = { execute, rooms, session, NULL };

/* --- Behind a broker ---------------------------------------------------------------------------------------------- */

static void batch(void *ctx, bool event, struct slice node, struct slice record)
{
	struct arena arena = ARENA_INIT;
	struct record_rules rules = RECORD_RULES;
	struct batch_record b;
	const char *why = batch_record_read(&arena, record, &rules, &b);

	(void)ctx;
	ck_assert_msg(why == NULL, "%s: %.*s", why, SLICE_ARG(record));
	ck_assert(slice_equal(b.by, slice_str(ways.config.by)));
	ck_assert_int_eq(record_encoding(record), ways.encoding);
	ck_assert_int_eq(event, b.id.size > 0);
	ways.events += event;
	ways.deferred = b.deferred;
	snprintf(ways.node, sizeof(ways.node), "%.*s", SLICE_ARG(node));
	buf_clear(&ways.last);
	buf_add_slice(&ways.last, record);
	if (b.effects || b.failed.size) /* an event that left nothing is no batch of an embedded application */
		note("[%.*s%s%.*s]%s%.*s\n", b.sid.size ? (int)b.sid.size : 1, b.sid.size ? b.sid.at : "-",
			b.sid.size ? " " : "", b.sid.size ? (int)b.nsp.size : 0, b.sid.size ? b.nsp.at : "",
			b.failed.size ? " failed " : "", SLICE_ARG(b.failed));
	for (const struct effect *e = b.effects; e; e = e->next)
		note_effect(e);
	arena_fini(&arena);
}

static void running(void *ctx, bool runs)
{
	(void)ctx;
	ways.running += runs ? 1 : -1;
	ck_assert(ways.running == 0 || ways.running == 1);
}

static const struct host_ops host_ops = { batch, running };

/* --- Life --------------------------------------------------------------------------------------------------------- */

static int start_job(void *ctx, struct app_job *job)
{
	(void)ctx;
	ck_assert_ptr_null(ways.job);
	ways.job = job;
	return 0;
}

static int sleep_job(void *ctx, int64_t ms)
{
	(void)ctx;
	(void)ms;
	return 0;
}

static void wake(void *ctx)
{
	(void)ctx;
}

static void end_jobs(void *ctx)
{
	(void)ctx;
	if (ways.job)
		app_job_run(ways.job);
	ways.job = NULL;
}

static const struct app_threads threads = { start_job, sleep_job, wake, end_jobs, NULL };

static const struct slice first_rooms[] = { { "gw01S", 5 }, { "lobby", 5 }, { "r\xC3\xB6om", 5 } };
static const struct state_datum first_session[] = { { { "\"old\"", 5 }, { "[1,2]", 5 } } };

static void begin_state(void)
{
	ways.state = (struct client_state){
		.handshake = { SLICE("token=t%201&x"), SLICE("host: h\nx-h: one\ncookie: c=d\n"), "192.0.2.1" },
		.auth = SLICE("{\"user\":\"Ann\",\"n\":[1,null]}"),
		.transport = "websocket",
		.rooms = first_rooms,
		.n_rooms = 3,
		.session = first_session,
		.n_session = 1,
	};
	ways.state_n = 1;
}

void ways_begin(enum value_encoding encoding, bool embedded)
{
	struct app_limits limits = { .max_json_depth = 20, .max_timers = 100, .max_attachments = 10, .max_jobs = 4 };
	struct app_setup setup = {
		.port = &embedded_port, .threads = &threads, .limits = limits, .encoding = encoding
	};
	char why[256] = "";

	log_set_level(LOG_ERROR);
	ways = (struct ways){ .encoding = encoding, .now_ms = 1000, .timers = TIMERS_INIT, .n = 1 };
	ways.config = (struct host_config){
		.by = "broker-1.7", .rules = RECORD_RULES, .encoding = encoding, .max_clients = 100
	};
	if (ways_max_bytes)
		ways.config.rules.max_bytes = ways_max_bytes;
	begin_state();
	if (!embedded) {
		ways.host = host_new(&ways.config, &ways.timers, &host_ops, NULL);
		setup.port = host_port(ways.host);
	}
	ways.app = app_from("module", stoa_module_setup, &setup, why, sizeof(why));
	ck_assert_msg(ways.app != NULL, "%s", why);
	if (embedded)
		app_start(ways.app, ways.now_ms);
	else
		host_start(ways.host, ways.app, ways.now_ms);
	if (embedded)
		app_lead(ways.app, ways.now_ms, false);
}

void ways_end(void)
{
	app_free(ways.app);
	host_free(ways.host);
	timers_fini(&ways.timers);
	buf_fini(&ways.last);
}

const char *ways_log(void)
{
	static char taken[WAYS_LOG];

	memcpy(taken, ways.log, sizeof(taken));
	ways.log[0] = '\0';
	return taken;
}

/* --- Values ------------------------------------------------------------------------------------------------------- */

/* What a client would have sent, in the encoding; checked as the gateway checks it. */
struct said_values {
	struct arena arena;
	struct buf name, items, whole;
	unsigned flags;
};

static void pack_items(struct said_values *v)
{
	struct stoa_value all = json_decode(&v->arena, buf_slice(&v->whole), NULL, 0);

	for (size_t i = 0; i < all.size_; i++)
		ck_assert_int_eq(
			msgpack_encode(&v->items, ((const struct stoa_value *)all.as_.at)[i], MSGPACK_CLIENT), 0);
}

static void said_values(struct said_values *v, const char *event, const char *items)
{
	struct json_rules json = { .max_depth = 20, .blobs = JSON_NO_BLOBS };

	*v = (struct said_values){ .flags = 0 };
	buf_printf(&v->whole, "[%s]", items ? items : "");
	ck_assert_ptr_null(json_check(buf_slice(&v->whole), &json, &v->flags));
	if (ways.encoding == VALUE_MSGPACK) {
		pack_items(v);
		ck_assert_int_eq(
			msgpack_encode(&v->name, value_text(slice_str(event ? event : "")), MSGPACK_CLIENT), 0);
		v->flags = 0;
		return;
	}
	buf_add_str(&v->items, items ? items : "");
	ck_assert_int_eq(json_encode_text(&v->name, slice_str(event ? event : "")), 0);
}

static void said_fini(struct said_values *v)
{
	buf_fini(&v->name);
	buf_fini(&v->items);
	buf_fini(&v->whole);
	arena_fini(&v->arena);
}

/* --- Events ------------------------------------------------------------------------------------------------------- */

static const char *sid_of(const struct said *s)
{
	bool is_client = s->kind == RECORD_CONNECT || s->kind == RECORD_EVENT || s->kind == RECORD_DISCONNECT;

	return s->sid ? s->sid : is_client || s->kind == RECORD_ANSWER ? "gw01S" : NULL;
}

static struct event_record record_of(const struct said *s, const struct said_values *v, bool with_state)
{
	bool is_request = s->kind == RECORD_HANDSHAKE || s->kind == RECORD_REFUSED;

	return (struct event_record){ .kind = s->kind,
		.node = slice_str(s->node ? s->node : "gw01"),
		.nsp = slice_str(is_request ? ""
				 : s->nsp   ? s->nsp
					    : "/"),
		.sid = slice_str(sid_of(s)),
		.n = ways.n++,
		.at_ms = 1700000000000,
		.name = buf_slice(&v->name),
		.items = buf_slice(&v->items),
		.flags = v->flags,
		.wants_ack = s->ack > 0,
		.ack_id = (uint64_t)s->ack,
		.reason = slice_str(s->reason),
		.error = SLICE("{\"code\":1,\"message\":\"Session ID unknown\"}"),
		.state_n = is_request ? 0 : ways.state_n,
		.has_state = is_request || with_state,
		.state = ways.state };
}

struct slice ways_record(const struct said *s, bool with_state)
{
	static struct buf record;
	struct said_values v;
	struct event_record r;

	buf_clear(&record);
	said_values(&v, s->event, s->items);
	r = record_of(s, &v, with_state);
	ck_assert_int_eq(event_record_put(&record, ways.encoding, &r), 0);
	said_fini(&v);
	return buf_slice(&record);
}

static void say_behind(const struct said *s)
{
	bool with_state = !host_knows(ways.host, slice_str(sid_of(s) ? sid_of(s) : ""), ways.state_n);
	struct slice record = ways_record(s, with_state);
	char *copy = malloc(record.size); /* of its own size, so that a read past it is seen */
	const char *why;

	memcpy(copy, record.at, record.size);
	ways.events = 0;
	why = host_event(ways.host, ways.now_ms, slice_of(copy, record.size), slice_of(NULL, 0), SLICE("17-0"),
		s->partition, s->attempt ? s->attempt : 1);
	free(copy);
	ck_assert_msg(why == NULL, "%s", why);
	ck_assert_int_eq(ways.events, 1);
	ck_assert_int_eq(ways.running, 0);
}

static void say_to_app(const struct said *s, const struct said_values *v)
{
	static const enum app_kind kinds[] = { [RECORD_CONNECT] = APP_CONNECT,
		[RECORD_EVENT] = APP_EVENT,
		[RECORD_DISCONNECT] = APP_DISCONNECT,
		[RECORD_SERVER] = APP_SERVER };
	struct app_request request = { &ways.state.handshake, ways.state.transport, s->attempt };
	struct app_client client = { sid_of(s), s->nsp ? s->nsp : "/", &ways.state.handshake, ways.state.auth,
		ways.state.claims, ways.state.transport, ways.state.recovered, &ways };
	struct app_event_in in = { .client = &client,
		.name = buf_slice(&v->name),
		.items = buf_slice(&v->items),
		.flags = v->flags,
		.wants_ack = s->ack > 0,
		.ack_id = (uint64_t)s->ack,
		.reason = s->reason,
		.attempt = s->attempt };

	if (s->kind == RECORD_HANDSHAKE) {
		app_admit(ways.app, ways.now_ms, &request);
		return;
	}
	if (s->kind == RECORD_REFUSED) {
		app_connection_error(
			ways.app, ways.now_ms, &request, SLICE("{\"code\":1,\"message\":\"Session ID unknown\"}"));
		return;
	}
	in.kind = kinds[s->kind];
	if (s->kind == RECORD_SERVER)
		app_server_event(ways.app, ways.now_ms, client.nsp, &in);
	else
		app_event(ways.app, ways.now_ms, &in);
}

void ways_say(const struct said *s)
{
	struct said_values v;

	if (ways.host) {
		say_behind(s);
		return;
	}
	said_values(&v, s->event, s->items);
	say_to_app(s, &v);
	said_fini(&v);
}

void ways_event(const char *event, const char *items, int64_t ack)
{
	ways_say(&(struct said){ .kind = RECORD_EVENT, .event = event, .items = items, .ack = ack });
}

/* --- Answers ------------------------------------------------------------------------------------------------------ */

static void answer_app(enum answer_op op, const struct said_values *v, uint64_t count)
{
	struct app *a = ways.app;

	if (op == ANSWER_EXPECT)
		app_call_expect(a, ways.call, (size_t)count);
	else if (op == ANSWER_GIVEN)
		app_answer(a, ways.now_ms, ways.call, "gw01S", buf_slice(&v->items), v->flags, NULL, 0);
	else if (op == ANSWER_GONE)
		app_answer_gone(a, ways.now_ms, ways.call, "gw01S");
	else if (op == ANSWER_FOUND)
		app_call_found(a, ways.call, SLICE("{\"id\":\"x\",\"rooms\":[]}"));
	else if (op == ANSWER_SILENT)
		app_call_silent(a, ways.call, SLICE("gw02"));
	else
		app_call_end(a, ways.call, -ENOTCONN);
	app_tick(a, ways.now_ms);
}

static void answer_host(enum answer_op op, const struct said_values *v, uint64_t count)
{
	struct event_record r = { .kind = RECORD_ANSWER,
		.node = SLICE("gw01"),
		.n = 1,
		.items = buf_slice(&v->items),
		.flags = v->flags,
		.answer = { .to = slice_str(ways.config.by),
			.call = ways.call,
			.op = op,
			.count = count,
			.who = op == ANSWER_SILENT ? SLICE("gw02") : SLICE("gw01S"),
			.found = SLICE("{\"id\":\"x\",\"rooms\":[]}"),
			.status = -ENOTCONN } };
	struct buf record = BUF_INIT;

	ck_assert_int_eq(event_record_put(&record, ways.encoding, &r), 0);
	ways.events = 0;
	ck_assert_ptr_null(
		host_event(ways.host, ways.now_ms, buf_slice(&record), slice_of(NULL, 0), SLICE("18-0"), 0, 1));
	ck_assert_int_eq(ways.events, 0);
	buf_fini(&record);
}

void ways_answer(enum answer_op op, const char *items, uint64_t count)
{
	struct said_values v;

	said_values(&v, "", items);
	if (ways.host)
		answer_host(op, &v, count);
	else
		answer_app(op, &v, count);
	said_fini(&v);
}

/* --- Time and threads --------------------------------------------------------------------------------------------- */

void ways_pass(int64_t ms)
{
	for (; ms > 0; ms--) {
		ways.now_ms++;
		if (ways.host)
			timers_run(&ways.timers, ways.now_ms);
		else if (app_due_ms(ways.app) <= ways.now_ms)
			app_tick(ways.app, ways.now_ms);
	}
}

void ways_work(void)
{
	ck_assert_ptr_nonnull(ways.job);
	app_job_run(ways.job);
	ways.job = NULL;
	if (ways.host)
		host_tick(ways.host, ways.now_ms);
	else
		app_tick(ways.app, ways.now_ms);
}

void ways_lead(bool leads)
{
	if (ways.host)
		host_lead(ways.host, ways.now_ms, leads);
	else
		app_lead(ways.app, ways.now_ms, leads);
}

void ways_stop(void)
{
	if (ways.host)
		host_stop(ways.host, ways.now_ms);
	else
		app_stop(ways.app, ways.now_ms);
}
