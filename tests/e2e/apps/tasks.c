/* tasks.c - an application for tests: sessions, who is there, background tasks, latest values, a handler that blocks. */
#include <stoa.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

/* --- Sessions ----------------------------------------------------------------------------------------------------- */

/* (key, value): acks with what the call said and the whole session. */
static int on_put(struct stoa_event *ev)
{
	struct stoa_value value;
	const char *key;
	int status;

	if (stoa_unpack(ev, &key, &value) < 0)
		return STOA_EINPUT;
	status = stoa_session_put(ev, key, value);
	return stoa_ack(ev, status, stoa_session(ev));
}

static int on_session(struct stoa_event *ev)
{
	return stoa_ack(ev, stoa_session(ev));
}

static int on_disconnect(struct stoa_event *ev)
{
	return stoa_emit(stoa_to(ev, .broadcast = true, .skip_self = true), "left", stoa_session(ev));
}

static int on_join(struct stoa_event *ev)
{
	const char *room;

	if (stoa_unpack(ev, &room) < 0)
		return STOA_EINPUT;
	return stoa_join_room(ev, room);
}

static int found(struct stoa_event *ev)
{
	struct stoa_value *all = stoa_list();

	while (stoa_next(ev))
		stoa_append(all, stoa_arg(ev, 0));
	return stoa_ack(stoa_asked(ev), stoa_status(ev), *all, stoa_missing(ev));
}

/* (room): acks with the status and all that are in it. */
static int on_who(struct stoa_event *ev)
{
	const char *room;

	if (stoa_unpack(ev, &room) < 0)
		return STOA_EINPUT;
	stoa_defer(ev);
	return stoa_fetch_sockets(stoa_to(ev, room), 1000, found, NULL);
}

static int on_servers(struct stoa_event *ev)
{
	stoa_defer(ev);
	return stoa_server_side_emit(ev, 1000, found, NULL, "ping");
}

/* --- Output ------------------------------------------------------------------------------------------------------- */

/* (name, value): to everybody, only the newest of a name counts. */
static int on_latest(struct stoa_event *ev)
{
	struct stoa_value value;
	const char *name;

	if (stoa_unpack(ev, &name, &value) < 0)
		return STOA_EINPUT;
	return stoa_emit(stoa_to(ev, .broadcast = true, .latest = true), name, value);
}

/* The same, each of them. */
static int on_each(struct stoa_event *ev)
{
	struct stoa_value value;
	const char *name;

	if (stoa_unpack(ev, &name, &value) < 0)
		return STOA_EINPUT;
	return stoa_emit(stoa_to(ev, .broadcast = true), name, value);
}

/* (value, n): the value n times in one event; acks with what the call said. */
static int on_repeat(struct stoa_event *ev)
{
	struct stoa_value value, *list = stoa_list();
	int n;

	if (stoa_unpack(ev, &value, &n) < 0)
		return STOA_EINPUT;
	for (int i = 0; i < n; i++)
		stoa_append(list, value);
	return stoa_ack(ev, stoa_emit(ev, "repeated", stoa_spread(*list)));
}

/* --- Background tasks --------------------------------------------------------------------------------------------- */

struct plan {
	int steps, pause_ms; /* AT_THE_GATE: until somebody opens it */
};

enum { AT_THE_GATE = -1 };

static atomic_bool gate_is_open;

static int pause_of(struct stoa_event *ev, const struct plan *plan)
{
	if (plan->pause_ms != AT_THE_GATE)
		return stoa_sleep(ev, plan->pause_ms);
	while (!atomic_load(&gate_is_open))
		if (stoa_sleep(ev, 5) < 0)
			return -1;
	return 0;
}

static int answered(struct stoa_event *ev)
{
	return stoa_emit(ev, "answered", stoa_spread(stoa_args(ev)), stoa_status(ev));
}

static int walk(struct stoa_event *ev)
{
	const struct plan *plan = stoa_ctx(ev);

	stoa_log(ev, STOA_INFO, "walks");
	stoa_session_put(ev, "walking", true);
	stoa_join_room(ev, "walkers");
	for (int i = 0; i < plan->steps; i++) {
		if (pause_of(ev, plan) < 0)
			return stoa_fail(ev, "stopped on the way");
		stoa_emit(stoa_to(ev, "walkers"), "step", i, stoa_bytes("foot", 4));
	}
	stoa_call(ev, 1000, answered, NULL, "how was it");
	return plan->steps;
}

static int arrived(struct stoa_event *ev)
{
	stoa_log(ev, STOA_INFO, "walked: %d %s", stoa_status(ev), stoa_error(ev));
	free(stoa_ctx(ev));
	return stoa_emit(ev, "arrived", stoa_status(ev), stoa_error(ev));
}

/* (steps, pause_ms): acks with what the call said. */
static int on_walk(struct stoa_event *ev)
{
	struct plan plan, *copy;
	int status;

	if (stoa_unpack(ev, &plan.steps, &plan.pause_ms) < 0)
		return STOA_EINPUT;
	copy = malloc(sizeof(*copy));
	if (copy == NULL)
		return -1;
	*copy = plan;
	status = stoa_start_background_task(ev, walk, arrived, copy);
	if (status < 0)
		free(copy);
	return stoa_ack(ev, status);
}

static int on_open_gate(struct stoa_event *ev)
{
	atomic_store(&gate_is_open, true);
	return stoa_ack(ev, true);
}

static void block(int ms)
{
	struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	while (nanosleep(&left, &left) < 0)
		continue;
}

/* Does not care that the process is ending. */
static int be_stubborn(struct stoa_event *ev)
{
	stoa_log(ev, STOA_INFO, "stubborn from here on");
	block(60 * 60 * 1000);
	return 0;
}

static int on_stubborn(struct stoa_event *ev)
{
	return stoa_start_background_task(ev, be_stubborn, NULL, NULL);
}

/* (ms): holds up the loop. */
static int on_block(struct stoa_event *ev)
{
	int ms;

	if (stoa_unpack(ev, &ms) < 0)
		return STOA_EINPUT;
	block(ms);
	return 0;
}

static const struct stoa_handler handlers[] = {
	{ "put", on_put },
	{ "session", on_session },
	{ "disconnect", on_disconnect },
	{ "join", on_join },
	{ "who", on_who },
	{ "servers", on_servers },
	{ "latest", on_latest },
	{ "each", on_each },
	{ "repeat", on_repeat },
	{ "walk", on_walk },
	{ "open gate", on_open_gate },
	{ "stubborn", on_stubborn },
	{ "block", on_block },
	{ 0 },
};

STOA_APP(app)
{
	stoa_on_namespace(app, "/", handlers, NULL);
	stoa_on_namespace(app, "/other", handlers, NULL);
}
