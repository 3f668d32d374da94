/*
 * cluster.c - everything that reaches other gateways, by events. `to` is a room, a sid, or null for all of the namespace.
 *
 *	join(room), leave(room)          the client itself; acks its rooms
 *	say(to, ..)                      emits said .. to them, the sender included
 *	others(to, ..)                   the same without the sender
 *	say-local(to, ..)                to those of this gateway alone
 *	say-volatile(to, ..)             volatile
 *	gather(to, room)                 all of them join the room, then it is told gathered
 *	scatter(to, room)                all of them leave the room
 *	expel(to, transport)             all of them are disconnected
 *	ask(to, ms, ..)                  asks them question ..; acks status, [[answer ..] ..], [missing ..]
 *	fetch(to, ms)                    acks status, [client ..], [missing ..]
 *	servers(name, ms, ..)            server_side_emit; acks status, [[answer ..] ..], [missing ..]
 *	tell-servers(name, ..)           the same without answers
 *	session(key, value)              puts into the session; acks
 *
 * Servers' events: add(a, b) acks the sum and the gateway's namespace; noted(..) emits noted .. to all here; silent never acks.
 */
#include <stoa.h>

static struct stoa_value rest_of(struct stoa_event *ev, size_t from)
{
	struct stoa_value *rest = stoa_list();

	for (size_t i = from; i < stoa_size(stoa_args(ev)); i++)
		stoa_append(rest, stoa_arg(ev, i));
	return stoa_spread(*rest);
}

static const char *room_of(struct stoa_event *ev)
{
	const char *room = NULL;

	return stoa_read(stoa_arg(ev, 0), &room) == 0 ? room : NULL;
}

#define TO(ev, ...) stoa_to((ev), room_of(ev), .broadcast = room_of(ev) == NULL, __VA_ARGS__)

static int on_join(struct stoa_event *ev)
{
	stoa_join_room(ev, room_of(ev));
	return stoa_ack(ev, stoa_rooms(ev));
}

static int on_leave(struct stoa_event *ev)
{
	stoa_leave_room(ev, room_of(ev));
	return stoa_ack(ev, stoa_rooms(ev));
}

static int on_say(struct stoa_event *ev)
{
	return stoa_emit(TO(ev, .skip_self = false), "said", rest_of(ev, 1));
}

static int on_others(struct stoa_event *ev)
{
	return stoa_emit(TO(ev, .skip_self = true), "said", rest_of(ev, 1));
}

static int on_say_local(struct stoa_event *ev)
{
	return stoa_emit(TO(ev, .local = true), "said", rest_of(ev, 1));
}

static int on_say_volatile(struct stoa_event *ev)
{
	return stoa_emit(TO(ev, .is_volatile = true), "said", rest_of(ev, 1));
}

static int on_gather(struct stoa_event *ev)
{
	const char *room;

	if (stoa_read(stoa_arg(ev, 1), &room) < 0)
		return STOA_EINPUT;
	stoa_join_room(TO(ev, .skip_self = false), room);
	return stoa_emit(stoa_to(ev, room), "gathered", room);
}

static int on_scatter(struct stoa_event *ev)
{
	const char *room;

	if (stoa_read(stoa_arg(ev, 1), &room) < 0)
		return STOA_EINPUT;
	return stoa_leave_room(TO(ev, .skip_self = false), room);
}

static int on_expel(struct stoa_event *ev)
{
	bool transport = false;

	if (stoa_read(stoa_arg(ev, 1), &transport) < 0)
		return STOA_EINPUT;
	return transport ? stoa_disconnect_transport(TO(ev, .skip_self = true))
			 : stoa_disconnect(TO(ev, .skip_self = true));
}

static int on_answers(struct stoa_event *ev)
{
	int status = stoa_status(ev);
	struct stoa_value *answers = stoa_list();

	while (stoa_next(ev))
		stoa_append(answers, stoa_args(ev));
	return stoa_ack(stoa_asked(ev), status, *answers, stoa_missing(ev));
}

static int on_found(struct stoa_event *ev)
{
	int status = stoa_status(ev);
	struct stoa_value *clients = stoa_list();

	while (stoa_next(ev))
		stoa_append(clients, stoa_arg(ev, 0));
	return stoa_ack(stoa_asked(ev), status, *clients, stoa_missing(ev));
}

static int64_t timeout_of(struct stoa_event *ev)
{
	int64_t ms = 1000;

	return stoa_read(stoa_arg(ev, 1), &ms) == 0 ? ms : 1000;
}

static int on_ask(struct stoa_event *ev)
{
	struct stoa_ack later = stoa_defer(ev);

	(void)later;
	return stoa_call(TO(ev, .skip_self = false), timeout_of(ev), on_answers, NULL, "question", rest_of(ev, 2));
}

static int on_fetch(struct stoa_event *ev)
{
	struct stoa_ack later = stoa_defer(ev);

	(void)later;
	return stoa_fetch_sockets(TO(ev, .skip_self = false), timeout_of(ev), on_found, NULL);
}

static int on_servers(struct stoa_event *ev)
{
	struct stoa_ack later = stoa_defer(ev);

	(void)later;
	return stoa_server_side_emit(ev, timeout_of(ev), on_answers, NULL, room_of(ev), rest_of(ev, 2));
}

static int on_tell_servers(struct stoa_event *ev)
{
	return stoa_server_side_emit(ev, 0, NULL, NULL, room_of(ev), rest_of(ev, 1));
}

static int on_session(struct stoa_event *ev)
{
	return stoa_session_put(ev, room_of(ev), stoa_arg(ev, 1));
}

/* --- What other servers say --------------------------------------------------------------------------------------- */

static int on_add(struct stoa_event *ev)
{
	int a, b;

	if (stoa_unpack(ev, &a, &b) < 0)
		return STOA_EINPUT;
	return stoa_ack(ev, a + b, stoa_namespace(ev));
}

static int on_noted(struct stoa_event *ev)
{
	return stoa_emit(stoa_to(ev, .broadcast = true, .local = true), "noted", stoa_spread(stoa_args(ev)));
}

static struct stoa_ack never;

static int on_silent(struct stoa_event *ev)
{
	never = stoa_defer(ev);
	return 0;
}

static const struct stoa_handler events[] = {
	{ "join", on_join },
	{ "leave", on_leave },
	{ "say", on_say },
	{ "others", on_others },
	{ "say-local", on_say_local },
	{ "say-volatile", on_say_volatile },
	{ "gather", on_gather },
	{ "scatter", on_scatter },
	{ "expel", on_expel },
	{ "ask", on_ask },
	{ "fetch", on_fetch },
	{ "servers", on_servers },
	{ "tell-servers", on_tell_servers },
	{ "session", on_session },
	{ 0 },
};

STOA_APP(app)
{
	stoa_on_namespace(app, "/", events, NULL);
	stoa_on_namespace(app, "/chat", events, NULL);
	stoa_on_namespace(app, "/dynamic-*", events, NULL);
	stoa_on_server(app, "add", on_add, NULL);
	stoa_on_server(app, "noted", on_noted, NULL);
	stoa_on_server(app, "silent", on_silent, NULL);
}
