/*
 * hooks.c - an application for the tests of what happens before a client is there and when it goes: each request says in
 * its query what is to become of it. Who sends "watch" hears of refusals and of those who leave.
 */
#include <stoa.h>

#include <string.h>
#include <time.h>

static int asked; /* requests that wanted a session */

/* --- Requests ----------------------------------------------------------------------------------------------------- */

/* ?many: as many bytes of headers as there may be. */
static void set_many(struct stoa_event *ev)
{
	char value[501];

	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	for (int i = 0; i < 4; i++)
		stoa_set_header(ev, "X-Many", value);
}

static int on_handshake(struct stoa_event *ev)
{
	const char *refuse = stoa_query(ev, "refuse");

	asked++;
	if (stoa_query(ev, "headers")) {
		stoa_set_header(ev, "Set-Cookie", "first=1; Path=/");
		stoa_set_session_header(ev, "X-Session", "yes");
		if (stoa_set_header(ev, "X-Split", "a\r\nX-Smuggled: b") == 0)
			return stoa_fail(ev, "a header was split");
	}
	if (stoa_query(ev, "many"))
		set_many(ev);
	if (stoa_sid(ev))
		return stoa_fail(ev, "there is a client already");
	if (refuse && strcmp(refuse, "who") == 0)
		return stoa_fail(ev, stoa_format("%s %s %s %s", stoa_address(ev), stoa_transport(ev),
					     stoa_header(ev, "X-Color"), stoa_cookie(ev, "color")));
	if (refuse && strcmp(refuse, "number") == 0)
		return -1;
	return refuse ? stoa_fail(ev, refuse) : 0;
}

static int on_connection_error(struct stoa_event *ev)
{
	return stoa_emit(stoa_to(ev, "watchers"), "refused", stoa_at(stoa_args(ev), 0), stoa_address(ev),
		stoa_transport(ev), stoa_query(ev, "mark"));
}

static int on_asked(struct stoa_event *ev)
{
	return stoa_ack(ev, asked);
}

/* --- Clients ------------------------------------------------------------------------------------------------------ */

static int on_watch(struct stoa_event *ev)
{
	return stoa_join_room(ev, "watchers");
}

static int on_join(struct stoa_event *ev)
{
	const char *room;

	return stoa_unpack(ev, &room) < 0 ? STOA_EINPUT : stoa_join_room(ev, room);
}

static int on_connect(struct stoa_event *ev)
{
	const char *refuse = NULL;

	if (stoa_read(stoa_auth(ev), stoa_fields("refuse", &refuse)) < 0)
		return 0;
	stoa_emit(ev, "never seen");
	return stoa_fail(ev, refuse, stoa_object("why", "test"));
}

static int on_leaving(struct stoa_event *ev)
{
	return stoa_emit(stoa_to(ev, "watchers"), "leaving", stoa_name(ev), stoa_reason(ev), stoa_rooms(ev));
}

static int on_middleware(struct stoa_event *ev)
{
	if (strncmp(stoa_name(ev), "disconnect", 10) == 0)
		return stoa_emit(stoa_to(ev, "watchers"), "seen", stoa_name(ev));
	return 0;
}

/* --- What a developer looks at ------------------------------------------------------------------------------------ */

/* (ms): holds up everybody. */
static int on_block(struct stoa_event *ev)
{
	int ms;

	if (stoa_unpack(ev, &ms) < 0)
		return STOA_EINPUT;
	nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L }, NULL);
	return 0;
}

/* Says it again: to the sender, to a room, to all. */
static int on_echo(struct stoa_event *ev)
{
	stoa_emit(ev, "echoed", stoa_spread(stoa_args(ev)));
	stoa_emit(stoa_to(ev, "some"), "to some", stoa_spread(stoa_args(ev)));
	return stoa_emit(stoa_to(ev, .broadcast = true), "to all");
}

/* (size): more than a slow reader takes at once. */
static int on_fill(struct stoa_event *ev)
{
	static char bytes[1 << 20];
	int size;

	if (stoa_unpack(ev, &size) < 0 || size < 0 || (size_t)size > sizeof(bytes))
		return STOA_EINPUT;
	return stoa_emit(ev, "filled", stoa_bytes(bytes, (size_t)size));
}

STOA_APP(app)
{
	stoa_on_server(app, "handshake", on_handshake, NULL);
	stoa_on_server(app, "connection_error", on_connection_error, NULL);
	stoa_use(app, "/seen", on_middleware, NULL);
	for (int i = 0; i < 2; i++) {
		const char *nsp = i ? "/seen" : "/";

		stoa_on(app, nsp, "connect", on_connect, NULL);
		stoa_on(app, nsp, "disconnecting", on_leaving, NULL);
		stoa_on(app, nsp, "disconnect", on_leaving, NULL);
		stoa_on(app, nsp, "join", on_join, NULL);
		stoa_on(app, nsp, "watch", on_watch, NULL);
	}
	stoa_on(app, "/", "asked", on_asked, NULL);
	stoa_on(app, "/", "block", on_block, NULL);
	stoa_on(app, "/", "echo", on_echo, NULL);
	stoa_on(app, "/", "fill", on_fill, NULL);
}
