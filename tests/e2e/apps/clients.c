/*
 * clients.c - an application for the tests of stock clients and of what becomes of values: whatever it is sent, it sends
 * back, as it came or made anew.
 *
 *	/, /other   echo ..        acks ..
 *	            back ..        emits back ..
 *	            rebuild ..     acks .., every array and object built anew from what is in them
 *	            rewrite ..     acks .., each written as JSON and read again; without binary
 *	            auth           acks the client's auth object
 *	            claims         acks what its token says
 *	            join, leave    (room): acks the rooms
 *	            say            (room, ..): said .. to the room, not to the sender
 *	            ask ..         emits question ..; acks the client's answer
 *	            bye            disconnects the namespace
 *	            byebye         disconnects everything and closes the connection
 *	/guard      refuses unless the auth object's or the query's token is "good"
 *
 * The log has a line for everyone who leaves: `left NAMESPACE because of REASON`.
 */
#include <stoa.h>

#include <string.h>

static int on_echo(struct stoa_event *ev)
{
	return stoa_ack(ev, stoa_spread(stoa_args(ev)));
}

static int on_back(struct stoa_event *ev)
{
	return stoa_emit(ev, "back", stoa_spread(stoa_args(ev)));
}

/* Leaves stay the values that came, so that texts may hold a NUL. */
static struct stoa_value built_anew(struct stoa_value v)
{
	struct stoa_value *list = stoa_list(), *dict = stoa_dict();

	if (stoa_type(v) != STOA_ARRAY && stoa_type(v) != STOA_OBJECT)
		return v;
	for (size_t i = 0; i < stoa_size(v); i++)
		if (stoa_type(v) == STOA_ARRAY)
			stoa_append(list, built_anew(stoa_at(v, i)));
		else
			stoa_put(dict, stoa_key(v, i), built_anew(stoa_at(v, i)));
	return stoa_type(v) == STOA_ARRAY ? *list : *dict;
}

static int on_rebuild(struct stoa_event *ev)
{
	return stoa_ack(ev, stoa_spread(built_anew(stoa_args(ev))));
}

static int on_rewrite(struct stoa_event *ev)
{
	struct stoa_value *list = stoa_list();

	for (size_t i = 0; i < stoa_size(stoa_args(ev)); i++)
		stoa_append(list, stoa_json(stoa_to_json(stoa_arg(ev, i))));
	return stoa_ack(ev, stoa_spread(*list));
}

static int on_auth(struct stoa_event *ev)
{
	return stoa_ack(ev, stoa_auth(ev));
}

static int on_claims(struct stoa_event *ev)
{
	return stoa_ack(ev, stoa_claims(ev));
}

static int on_join(struct stoa_event *ev)
{
	const char *room;

	if (stoa_unpack(ev, &room) < 0)
		return STOA_EINPUT;
	stoa_join_room(ev, room);
	return stoa_ack(ev, stoa_rooms(ev));
}

static int on_leave(struct stoa_event *ev)
{
	const char *room;

	if (stoa_unpack(ev, &room) < 0)
		return STOA_EINPUT;
	stoa_leave_room(ev, room);
	return stoa_ack(ev, stoa_rooms(ev));
}

static int on_say(struct stoa_event *ev)
{
	struct stoa_value *words = stoa_list();
	const char *room;

	if (stoa_unpack(ev, &room) < 0)
		return STOA_EINPUT;
	for (size_t i = 1; i < stoa_size(stoa_args(ev)); i++)
		stoa_append(words, stoa_arg(ev, i));
	return stoa_emit(stoa_to(ev, room, .skip_self = true), "said", stoa_spread(*words));
}

static int on_answer(struct stoa_event *ev)
{
	return stoa_ack(stoa_asked(ev), stoa_spread(stoa_args(ev)));
}

static int on_ask(struct stoa_event *ev)
{
	stoa_defer(ev);
	return stoa_call(ev, 60000, on_answer, NULL, "question", stoa_spread(stoa_args(ev)));
}

static int on_bye(struct stoa_event *ev)
{
	return stoa_disconnect(ev);
}

static int on_byebye(struct stoa_event *ev)
{
	return stoa_disconnect_transport(ev);
}

static int on_disconnect(struct stoa_event *ev)
{
	stoa_log(ev, STOA_INFO, "left %s because of %s", stoa_namespace(ev), stoa_reason(ev));
	return 0;
}

static int on_guard_connect(struct stoa_event *ev)
{
	const char *token = stoa_query(ev, "token");

	if (stoa_read(stoa_auth(ev), stoa_fields("token", stoa_optional(&token))) < 0)
		return stoa_fail(ev, "no token that can be read");
	if (token && strcmp(token, "good") == 0)
		return 0;
	return stoa_fail(ev, "not authorized", stoa_object("code", 403, "words", stoa_array("ask", "again")));
}

static const struct stoa_handler handlers[] = {
	{ "echo", on_echo },
	{ "back", on_back },
	{ "rebuild", on_rebuild },
	{ "rewrite", on_rewrite },
	{ "auth", on_auth },
	{ "claims", on_claims },
	{ "join", on_join },
	{ "leave", on_leave },
	{ "say", on_say },
	{ "ask", on_ask },
	{ "bye", on_bye },
	{ "byebye", on_byebye },
	{ "disconnect", on_disconnect },
	{ 0 },
};

STOA_APP(app)
{
	stoa_on_namespace(app, "/", handlers, NULL);
	stoa_on_namespace(app, "/other", handlers, NULL);
	stoa_on(app, "/guard", "connect", on_guard_connect, NULL);
	stoa_on_namespace(app, "/guard", handlers, NULL);
}
