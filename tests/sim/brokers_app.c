/*
 * brokers_app.c - what the simulated brokers run. Every event's first argument is its number among those of its client, which
 * goes into the ledger and comes back in all that follows from it.
 *
 *	echo(n)             emits echo(n) to the client; acks (n)
 *	count(n)            session.count + 1; acks (n, count, rooms)
 *	say(n, room)        said(sid, n) to the room, all when it is empty; acks (n)
 *	join(n, room), leave(n, room)    acks (n)
 *	later(n, ms)        emits came(n) to the client after ms; acks (n)
 *	ask(n, ms)          the client is asked question(n); acks (n, status, its answer) when it has
 *	fetch(n, room)      acks (n, status, how many there are in the room) when that is known
 *	fail(n)             fails
 *	bye(n)              disconnects the client
 *
 * A connect with {"refuse":true} is refused; others are told welcome. Who leaves is told to the room "watch": left(sid).
 */
#include <stoa.h>

#include "ledger.h"

static int number_of(struct stoa_event *ev)
{
	int64_t n = -1;

	return stoa_read(stoa_arg(ev, 0), &n) == 0 ? (int)n : -1;
}

static int64_t second_of(struct stoa_event *ev)
{
	int64_t n = 0;

	return stoa_read(stoa_arg(ev, 1), &n) == 0 ? n : 0;
}

static const char *room_of(struct stoa_event *ev)
{
	const char *text = "";

	return stoa_read(stoa_arg(ev, 1), &text) == 0 ? text : "";
}

/* Middleware of every event. */
static int note(struct stoa_event *ev)
{
	ledger.handled(stoa_sid(ev), number_of(ev), stoa_attempt(ev));
	return 0;
}

static int on_echo(struct stoa_event *ev)
{
	stoa_emit(ev, "echo", number_of(ev));
	return stoa_ack(ev, number_of(ev));
}

static int on_count(struct stoa_event *ev)
{
	int64_t count = 0;

	if (stoa_read(stoa_session(ev), stoa_fields("count", &count)) < 0)
		count = 0;
	stoa_session_put(ev, "count", count + 1);
	return stoa_ack(ev, number_of(ev), count + 1, stoa_rooms(ev));
}

static int on_say(struct stoa_event *ev)
{
	const char *room = room_of(ev);

	if (room[0])
		stoa_emit(stoa_to(ev, room), "said", stoa_sid(ev), number_of(ev));
	else
		stoa_emit(stoa_to(ev, .broadcast = true), "said", stoa_sid(ev), number_of(ev));
	return stoa_ack(ev, number_of(ev));
}

static int on_join(struct stoa_event *ev)
{
	stoa_join_room(ev, room_of(ev));
	return stoa_ack(ev, number_of(ev));
}

static int on_leave(struct stoa_event *ev)
{
	stoa_leave_room(ev, room_of(ev));
	return stoa_ack(ev, number_of(ev));
}

/* Numbers are above 0 and travel in the timer's pointer. */
static int on_time(struct stoa_event *ev)
{
	return stoa_status(ev) ? 0 : stoa_emit(ev, "came", (int64_t)(intptr_t)stoa_ctx(ev));
}

static int on_later(struct stoa_event *ev)
{
	stoa_after(ev, second_of(ev), on_time, (void *)(intptr_t)number_of(ev));
	return stoa_ack(ev, number_of(ev));
}

static int on_answer(struct stoa_event *ev)
{
	return stoa_ack(stoa_asked(ev), (int64_t)(intptr_t)stoa_ctx(ev), stoa_status(ev), stoa_args(ev));
}

static int on_ask(struct stoa_event *ev)
{
	struct stoa_ack later = stoa_defer(ev);

	(void)later;
	return stoa_call(ev, second_of(ev), on_answer, (void *)(intptr_t)number_of(ev), "question", number_of(ev));
}

static int on_found(struct stoa_event *ev)
{
	return stoa_ack(stoa_asked(ev), (int64_t)(intptr_t)stoa_ctx(ev), stoa_status(ev), (int64_t)stoa_answers(ev));
}

static int on_fetch(struct stoa_event *ev)
{
	struct stoa_ack later = stoa_defer(ev);

	(void)later;
	return stoa_fetch_sockets(stoa_to(ev, room_of(ev)), 2000, on_found, (void *)(intptr_t)number_of(ev));
}

static int on_fail(struct stoa_event *ev)
{
	return stoa_fail(ev, "as asked");
}

static int on_bye(struct stoa_event *ev)
{
	return stoa_disconnect(ev);
}

static int on_connect(struct stoa_event *ev)
{
	bool refuse = false;

	ledger.connected(stoa_sid(ev), stoa_attempt(ev));
	if (stoa_read(stoa_auth(ev), stoa_fields("refuse", &refuse)) == 0 && refuse)
		return stoa_fail(ev, "as asked");
	return stoa_emit(ev, "welcome", stoa_sid(ev));
}

static int on_disconnect(struct stoa_event *ev)
{
	ledger.left(stoa_sid(ev), stoa_reason(ev), stoa_attempt(ev));
	return stoa_emit(stoa_to(ev, "watch"), "left", stoa_sid(ev));
}

static int on_tick(struct stoa_event *ev)
{
	(void)ev;
	ledger.ticked();
	return 0;
}

static const struct stoa_handler handlers[] = {
	{ "connect", on_connect },
	{ "disconnect", on_disconnect },
	{ "echo", on_echo },
	{ "count", on_count },
	{ "say", on_say },
	{ "join", on_join },
	{ "leave", on_leave },
	{ "later", on_later },
	{ "ask", on_ask },
	{ "fetch", on_fetch },
	{ "fail", on_fail },
	{ "bye", on_bye },
	{ 0 },
};

STOA_APP(app)
{
	stoa_on_namespace(app, "/", handlers, NULL);
	stoa_on_namespace(app, "/any-*", handlers, NULL);
	stoa_use(app, "*", note, NULL);
	stoa_every(app, "tick", 500, on_tick, NULL);
}
