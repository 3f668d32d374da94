/*
 * app.c - what the simulated gateways run: each event does one thing to the cluster. Lists are of room names; an empty one
 * is everybody of the namespace.
 *
 *	join(room), leave(room)               the client itself
 *	emit(rooms, skip, others, n)          said n; others: not to the client itself
 *	gather(rooms, room, n)                all of them join room, which is then told said n
 *	scatter(rooms, room)                  all of them leave room
 *	expel(rooms)                          all of them are disconnected, the client itself left out
 *	ask(rooms, ms)                        question; acks status, the number of answers, [missing ..]
 *	fetch(rooms, ms)                      the same of who is there
 *	servers(ms, name)                     the same of other servers; name is hello, or one that nobody answers
 *	latest(room, n)                       said n, of which only the newest counts
 */
#include <stoa.h>

enum { NAMES = 8 };

struct names {
	const char *at[NAMES + 1];
};

/* Argument i as names ended by NULL; NULL: none. */
static const char *const *names_of(struct stoa_event *ev, size_t i, struct names *names)
{
	struct stoa_value list = stoa_arg(ev, i);
	size_t n = stoa_size(list);

	if (n == 0)
		return NULL;
	for (size_t k = 0; k < n && k < NAMES; k++)
		if (stoa_read(stoa_at(list, k), &names->at[k]) < 0)
			return NULL;
	names->at[n < NAMES ? n : NAMES] = NULL;
	return names->at;
}

static int64_t number_of(struct stoa_event *ev, size_t i)
{
	int64_t n = 0;

	return stoa_read(stoa_arg(ev, i), &n) == 0 ? n : 0;
}

static const char *text_of(struct stoa_event *ev, size_t i)
{
	const char *text = "";

	return stoa_read(stoa_arg(ev, i), &text) == 0 ? text : "";
}

#define TO(ev, names, ...) \
	stoa_to((ev), .rooms = names_of((ev), 0, (names)), .broadcast = stoa_size(stoa_arg((ev), 0)) == 0, __VA_ARGS__)

static int on_join(struct stoa_event *ev)
{
	return stoa_join_room(ev, text_of(ev, 0));
}

static int on_leave(struct stoa_event *ev)
{
	return stoa_leave_room(ev, text_of(ev, 0));
}

static int on_emit(struct stoa_event *ev)
{
	struct names rooms, skip;
	bool others = number_of(ev, 2) != 0;

	return stoa_emit(TO(ev, &rooms, .skip = names_of(ev, 1, &skip), .skip_self = others), "said", number_of(ev, 3));
}

static int on_gather(struct stoa_event *ev)
{
	struct names rooms;

	stoa_join_room(TO(ev, &rooms, .local = false), text_of(ev, 1));
	return stoa_emit(stoa_to(ev, text_of(ev, 1)), "said", number_of(ev, 2));
}

static int on_scatter(struct stoa_event *ev)
{
	struct names rooms;

	return stoa_leave_room(TO(ev, &rooms, .local = false), text_of(ev, 1));
}

static int on_expel(struct stoa_event *ev)
{
	struct names rooms;

	return stoa_disconnect(TO(ev, &rooms, .skip_self = true));
}

static int on_answers(struct stoa_event *ev)
{
	return stoa_ack(stoa_asked(ev), stoa_status(ev), (int64_t)stoa_answers(ev), stoa_missing(ev));
}

static int on_ask(struct stoa_event *ev)
{
	struct stoa_ack later = stoa_defer(ev);
	struct names rooms;

	(void)later;
	return stoa_call(TO(ev, &rooms, .local = false), number_of(ev, 1), on_answers, NULL, "question");
}

static int on_fetch(struct stoa_event *ev)
{
	struct stoa_ack later = stoa_defer(ev);
	struct names rooms;

	(void)later;
	return stoa_fetch_sockets(TO(ev, &rooms, .local = false), number_of(ev, 1), on_answers, NULL);
}

static int on_servers(struct stoa_event *ev)
{
	struct stoa_ack later = stoa_defer(ev);

	(void)later;
	return stoa_server_side_emit(ev, number_of(ev, 0), on_answers, NULL, text_of(ev, 1));
}

static int on_latest(struct stoa_event *ev)
{
	return stoa_emit(stoa_to(ev, text_of(ev, 0), .latest = true), "said", number_of(ev, 1));
}

static int on_hello(struct stoa_event *ev)
{
	return stoa_ack(ev, stoa_namespace(ev));
}

static const struct stoa_handler events[] = {
	{ "join", on_join },
	{ "leave", on_leave },
	{ "emit", on_emit },
	{ "gather", on_gather },
	{ "scatter", on_scatter },
	{ "expel", on_expel },
	{ "ask", on_ask },
	{ "fetch", on_fetch },
	{ "servers", on_servers },
	{ "latest", on_latest },
	{ 0 },
};

STOA_APP(app)
{
	stoa_on_namespace(app, "/", events, NULL);
	stoa_on_namespace(app, "/chat", events, NULL);
	stoa_on_namespace(app, "/any-*", events, NULL);
	stoa_on_server(app, "hello", on_hello, NULL);
}
