/* remote_fixture.c - see remote_fixture.h. */
#include "remote_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "test_main.h"

/* --- The carrier --------------------------------------------------------------------------------------------------- */

static int send(void *ctx, int64_t now_ms, struct carried *e, struct slice record)
{
	struct fixture *f = ctx;

	(void)now_ms;
	if (f->send_answers)
		return f->send_answers;
	ck_assert(f->n_sent < FIXTURE_SENT_MAX);
	f->numbers[f->n_sent] = e->number;
	snprintf(e->entry, sizeof(e->entry), "%zu-0", f->n_sent);
	buf_add_slice(&f->sent[f->n_sent++], record);
	return 0;
}

static void forget(void *ctx, int64_t now_ms, struct carried *e)
{
	struct fixture *f = ctx;

	(void)now_ms;
	(void)e;
	f->forgotten++;
}

static bool executed(void *ctx, int64_t now_ms, const struct batch_record *b, bool anew)
{
	struct fixture *f = ctx;

	(void)now_ms;
	ck_assert(b->id.size > 0);
	f->executed++;
	f->executed_anew += anew;
	return !f->holds;
}

static void check(void *ctx, int64_t now_ms, struct carried *e, bool fresh)
{
	struct fixture *f = ctx;

	f->checked++;
	if (fresh)
		remote_again(f->remote, now_ms, e->number);
}

static int put_state(void *ctx, int64_t now_ms, struct slice nsp, struct slice sid, struct slice record)
{
	struct fixture *f = ctx;

	(void)now_ms;
	(void)nsp;
	(void)sid;
	buf_clear(&f->put);
	buf_add_slice(&f->put, record);
	f->n_put++;
	return 0;
}

static void drop_state(void *ctx, int64_t now_ms, struct slice nsp, struct slice sid)
{
	struct fixture *f = ctx;

	(void)now_ms;
	(void)nsp;
	(void)sid;
	f->dropped++;
}

static int look_state(void *ctx, int64_t now_ms, struct slice nsp, struct slice sid)
{
	struct fixture *f = ctx;

	(void)now_ms;
	(void)nsp;
	(void)sid;
	f->looked++;
	return 0;
}

static const struct app_record *application(void *ctx)
{
	const struct fixture *f = ctx;

	return f->app_known ? &f->app : NULL;
}

static const struct carrier_ops ops = { .send = send,
	.forget = forget,
	.executed = executed,
	.check = check,
	.put_state = put_state,
	.drop_state = drop_state,
	.look_state = look_state,
	.application = application };

/* --- Life ---------------------------------------------------------------------------------------------------------- */

static int64_t wall_ms(void)
{
	return 1700000000000;
}

void fixture_open_away(struct fixture *f, const char *const *options)
{
	static const struct slice namespaces[] = { { "/", 1 }, { "/chat-*", 7 } };
	char why[300];

	*f = (struct fixture){ .app = { .partitions = 4, .namespaces = namespaces, .n_namespaces = 2 } };
	ck_assert_msg(sim_load(&f->sim, NULL, options, NULL, why, sizeof(why)) == 0, "%s", why);
	f->remote = remote_new(&(struct remote_config){ .event_timeout_ms = 1000,
				       .broker_timeout_ms = 500,
				       .max_waiting_events = 3,
				       .max_waiting_memory = (size_t)f->sim.options.max_waiting_memory,
				       .ack_timeout_ms = 3000,
				       .max_deferred_acks = 2,
				       .wall_ms = wall_ms,
				       .rules = RECORD_RULES },
		&f->sim.dispatch);
	remote_set_carrier(f->remote, &ops, f);
}

void fixture_ready(struct fixture *f, bool fresh)
{
	f->app_known = true;
	remote_application(f->remote, f->sim.now_ms);
	remote_served(f->remote, f->sim.now_ms, true);
	remote_ready(f->remote, f->sim.now_ms, fresh);
	sim_turn(&f->sim);
}

void fixture_open(struct fixture *f, const char *const *options)
{
	fixture_open_away(f, options);
	fixture_ready(f, true);
}

void fixture_close(struct fixture *f)
{
	sessions_drop(&f->sim.sessions, f->sim.now_ms);
	sim_turn(&f->sim);
	remote_free(f->remote);
	sim_close(&f->sim);
	for (size_t i = 0; i < f->n_sent; i++)
		buf_fini(&f->sent[i]);
	buf_fini(&f->put);
	arena_fini(&f->arena);
}

void fixture_pass(struct fixture *f, int64_t ms)
{
	int64_t end_ms = f->sim.now_ms + ms;

	while (sim_step(&f->sim, end_ms))
		;
}

/* --- Events and batches -------------------------------------------------------------------------------------------- */

struct event_record fixture_event(struct fixture *f)
{
	struct event_record e;
	const char *why;

	ck_assert_msg(f->taken < f->n_sent, "nothing more was sent");
	why = event_record_read(&f->arena, buf_slice(&f->sent[f->taken++]), &RECORD_RULES, &e);
	ck_assert_msg(why == NULL, "%s", why);
	return e;
}

void fixture_nothing(struct fixture *f)
{
	ck_assert_msg(f->taken == f->n_sent, "sent: %.*s", SLICE_ARG(buf_slice(&f->sent[f->taken])));
}

void fixture_batch(struct fixture *f, const char *text)
{
	remote_batch(f->remote, f->sim.now_ms, slice_str(text));
	sim_turn(&f->sim);
}

/* Where send() put it last. */
static size_t entry_of(struct fixture *f, const struct event_record *e)
{
	struct event_record sent;
	size_t i = f->n_sent;

	while (i-- > 0)
		if (event_record_read(&f->arena, buf_slice(&f->sent[i]), &RECORD_RULES, &sent) == NULL &&
			sent.n == e->n && slice_equal(sent.sid, e->sid))
			return i;
	ck_abort_msg("it was never sent");
	return 0;
}

static void add_head(struct fixture *f, struct buf *to, const struct event_record *e)
{
	buf_printf(to, "{\"v\":1,\"by\":\"worker\",\"id\":\"%zu-0\",\"partition\":3,\"n\":%llu", entry_of(f, e),
		(unsigned long long)e->n);
	if (e->nsp.size)
		buf_printf(to, ",\"nsp\":\"%.*s\"", SLICE_ARG(e->nsp));
	if (e->sid.size)
		buf_printf(to, ",\"sid\":\"%.*s\"", SLICE_ARG(e->sid));
}

static void hand_in(struct fixture *f, struct buf *text)
{
	remote_batch(f->remote, f->sim.now_ms, buf_slice(text));
	sim_turn(&f->sim);
	buf_fini(text);
}

void fixture_answer(struct fixture *f, const struct event_record *e, const char *effects)
{
	struct buf text = BUF_INIT;

	add_head(f, &text, e);
	buf_printf(&text, ",\"effects\":[%s]}", effects);
	hand_in(f, &text);
}

void fixture_defer(struct fixture *f, const struct event_record *e)
{
	struct buf text = BUF_INIT;

	add_head(f, &text, e);
	buf_add_str(&text, ",\"effects\":[],\"deferred\":true}");
	hand_in(f, &text);
}

void fixture_fail(struct fixture *f, const struct event_record *e, const char *why)
{
	struct buf text = BUF_INIT;

	add_head(f, &text, e);
	buf_printf(&text, ",\"failed\":\"%s\"}", why);
	hand_in(f, &text);
}

/* --- Clients ------------------------------------------------------------------------------------------------------- */

void peer_open_in(struct fixture *f, struct peer *p, const char *query, const char *nsp)
{
	struct session_handshake h = {
		.query = slice_str(query), .headers = SLICE("host: here\n"), .address = SLICE("192.0.2.7")
	};
	char text[100];

	sim_ws_init(&p->ws);
	session_open_ws(&f->sim.sessions, f->sim.now_ms, &h, &p->ws.ws);
	sim_turn(&f->sim);
	free(sim_ws_take(&p->ws));
	snprintf(text, sizeof(text), strcmp(nsp, "/") == 0 ? "0%s" : "0%s,", strcmp(nsp, "/") == 0 ? "" : nsp);
	peer_say(f, p, text);
}

void peer_open(struct fixture *f, struct peer *p)
{
	peer_open_in(f, p, "EIO=4", "/");
}

void peer_join(struct fixture *f, struct peer *p)
{
	struct event_record e;

	peer_open(f, p);
	e = fixture_event(f);
	ck_assert_int_eq(e.kind, RECORD_CONNECT);
	fixture_answer(f, &e, "{\"do\":\"accept\"}");
	ck_assert_msg(strncmp(peer_hears(f, p), "0{\"sid\":", 8) == 0, "%s", p->last);
}

void peer_say(struct fixture *f, struct peer *p, const char *text)
{
	char message[4000];

	snprintf(message, sizeof(message), "4%s", text);
	session_ws_message(&p->ws.ws, f->sim.now_ms, false, slice_str(message));
	sim_turn(&f->sim);
}

void peer_leave(struct fixture *f, struct peer *p)
{
	session_ws_gone(&p->ws.ws, f->sim.now_ms, false);
	sim_turn(&f->sim);
}

const char *peer_hears(struct fixture *f, struct peer *p)
{
	struct sim_message *m;

	sim_turn(&f->sim);
	p->last[0] = '\0';
	while ((m = sim_ws_take(&p->ws))) {
		bool is_message = m->data[0] == '4';

		if (is_message)
			snprintf(p->last, sizeof(p->last), "%s", m->data + 1);
		free(m);
		if (is_message)
			break;
	}
	return p->last;
}

void peer_fini(struct peer *p)
{
	sim_ws_fini(&p->ws);
}
