/*
 * recovery.c - clients that lose their connection and come back, in /, /other and /dynamic-*. `to` is a room, a sid, or null for all.
 *
 *	who                  acks sid, recovered now, rooms, session; in it `seen` lists what the "connect"s saw: [recovered, rooms]
 *	join(room), leave(room), put(key, value)
 *	me(..)               emits said .. to the client itself
 *	say(to, ..)          to them, the sender included
 *	others(to, ..)       without the sender
 *	besides(to, room, ..)  without those of `room`
 *	volatile(to, ..)     volatile
 *	latest(to, ..)       latest
 *	ask(to, ..)          asks them question ..
 *	later(ms, ..)        emits said .. to the client itself when so long has passed, whether it is there or not; logs that
 *	kick                 disconnects the client
 *
 * A client with auth {"refuse":true} is refused.
 */
#include <stoa.h>

static struct stoa_value rest_of(struct stoa_event *ev, size_t from)
{
	struct stoa_value *rest = stoa_list();

	for (size_t i = from; i < stoa_size(stoa_args(ev)); i++)
		stoa_append(rest, stoa_arg(ev, i));
	return stoa_spread(*rest);
}

static const char *text_of(struct stoa_event *ev, size_t i)
{
	const char *text = NULL;

	return stoa_read(stoa_arg(ev, i), &text) == 0 ? text : NULL;
}

#define TO(ev, ...) stoa_to((ev), text_of((ev), 0), .broadcast = text_of((ev), 0) == NULL, __VA_ARGS__)

static int on_connect(struct stoa_event *ev)
{
	struct stoa_value *seen = stoa_list();
	struct stoa_value before = stoa_get(stoa_session(ev), "seen");
	bool refuse = false;

	if (stoa_read(stoa_get(stoa_auth(ev), "refuse"), &refuse) == 0 && refuse)
		return stoa_fail(ev, "refused");
	for (size_t i = 0; i < stoa_size(before); i++)
		stoa_append(seen, stoa_at(before, i));
	stoa_append(seen, stoa_array(stoa_recovered(ev), stoa_rooms(ev)));
	return stoa_session_put(ev, "seen", *seen);
}

static int on_who(struct stoa_event *ev)
{
	return stoa_ack(ev, stoa_sid(ev), stoa_recovered(ev), stoa_rooms(ev), stoa_session(ev));
}

static int on_join(struct stoa_event *ev)
{
	return stoa_join_room(ev, text_of(ev, 0));
}

static int on_leave(struct stoa_event *ev)
{
	return stoa_leave_room(ev, text_of(ev, 0));
}

static int on_put(struct stoa_event *ev)
{
	return stoa_session_put(ev, text_of(ev, 0), stoa_arg(ev, 1));
}

static int on_me(struct stoa_event *ev)
{
	return stoa_emit(ev, "said", rest_of(ev, 0));
}

static int on_say(struct stoa_event *ev)
{
	return stoa_emit(TO(ev, .skip_self = false), "said", rest_of(ev, 1));
}

static int on_others(struct stoa_event *ev)
{
	return stoa_emit(TO(ev, .skip_self = true), "said", rest_of(ev, 1));
}

static int on_besides(struct stoa_event *ev)
{
	return stoa_emit(TO(ev, .skip = stoa_names(text_of(ev, 1))), "said", rest_of(ev, 2));
}

static int on_volatile(struct stoa_event *ev)
{
	return stoa_emit(TO(ev, .is_volatile = true), "said", rest_of(ev, 1));
}

static int on_latest(struct stoa_event *ev)
{
	return stoa_emit(TO(ev, .latest = true), "said", rest_of(ev, 1));
}

static int on_answer(struct stoa_event *ev)
{
	(void)ev;
	return 0;
}

static int on_ask(struct stoa_event *ev)
{
	return stoa_call(TO(ev, .skip_self = false), 1000, on_answer, NULL, "question", rest_of(ev, 1));
}

static int on_time(struct stoa_event *ev)
{
	stoa_log(ev, STOA_INFO, "it is later");
	return stoa_emit(ev, "said", "later");
}

static int on_later(struct stoa_event *ev)
{
	int64_t ms;

	if (stoa_unpack(ev, &ms) < 0)
		return STOA_EINPUT;
	return stoa_after(ev, ms, on_time, NULL) > 0 ? 0 : STOA_EINPUT;
}

static int on_kick(struct stoa_event *ev)
{
	return stoa_disconnect(ev);
}

static const struct stoa_handler events[] = {
	{ "connect", on_connect },
	{ "who", on_who },
	{ "join", on_join },
	{ "leave", on_leave },
	{ "put", on_put },
	{ "me", on_me },
	{ "say", on_say },
	{ "others", on_others },
	{ "besides", on_besides },
	{ "volatile", on_volatile },
	{ "latest", on_latest },
	{ "ask", on_ask },
	{ "later", on_later },
	{ "kick", on_kick },
	{ 0 },
};

STOA_APP(app)
{
	stoa_on_namespace(app, "/", events, NULL);
	stoa_on_namespace(app, "/other", events, NULL);
	stoa_on_namespace(app, "/dynamic-*", events, NULL);
}
