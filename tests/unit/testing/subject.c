/* subject.c - the application that test_testing.c drives: one handler for each thing that a test client sees. */
#include <stdio.h>
#include <stdlib.h>

#include <stoa.h>

static const char *trace; /* a file that "start", "stop" and "disconnect" write to; "" for none */
static int seen;

static void note(const char *what)
{
	FILE *f = *trace ? fopen(trace, "a") : NULL;

	if (f == NULL)
		return;
	fprintf(f, "%s\n", what);
	fclose(f);
}

static int on_start(struct stoa_event *ev)
{
	(void)ev;
	note("start");
	return 0;
}

static int on_stop(struct stoa_event *ev)
{
	(void)ev;
	note("stop");
	return 0;
}

static int on_handshake(struct stoa_event *ev)
{
	return stoa_query(ev, "banned") ? stoa_fail(ev, "go away") : 0;
}

static int on_connection_error(struct stoa_event *ev)
{
	note(stoa_to_json(stoa_at(stoa_args(ev), 0)));
	return 0;
}

static int on_connect(struct stoa_event *ev)
{
	const char *do_ = "";

	if (stoa_read(stoa_auth(ev), stoa_fields("do", &do_)) < 0)
		return 0;
	if (do_[0] == 'r') /* refuse */
		return stoa_fail(ev, "not you", stoa_object("code", 7));
	return do_[0] == 'd' ? stoa_disconnect(ev) : 0;
}

static int on_disconnect(struct stoa_event *ev)
{
	note(stoa_reason(ev));
	return stoa_emit(stoa_to(ev, .broadcast = true), "gone", stoa_reason(ev));
}

static int on_echo(struct stoa_event *ev)
{
	stoa_emit(ev, "echo", stoa_spread(stoa_args(ev)));
	return stoa_ack(ev, stoa_spread(stoa_args(ev)));
}

static int on_who(struct stoa_event *ev)
{
	return stoa_ack(ev, stoa_object("auth", stoa_auth(ev), "query", stoa_query(ev, "a"), "eio",
				    stoa_query(ev, "EIO"), "transport", stoa_query(ev, "transport"), "by",
				    stoa_transport(ev), "header", stoa_header(ev, "x-one"), "cookie",
				    stoa_cookie(ev, "id"), "address", stoa_address(ev), "sid", stoa_sid(ev)));
}

static int later(struct stoa_event *ev)
{
	return stoa_emit(ev, "later");
}

static int on_later(struct stoa_event *ev)
{
	long ms;

	if (stoa_unpack(ev, &ms) < 0)
		return STOA_EINPUT;
	return stoa_after(ev, ms, later, NULL) > 0 ? 0 : -1;
}

static int give(struct stoa_event *ev)
{
	struct stoa_ack *ack = stoa_ctx(ev);

	stoa_ack(*ack, "at last", stoa_bytes("\1", 1));
	free(ack);
	return 0;
}

static int on_defer(struct stoa_event *ev)
{
	struct stoa_ack *ack = malloc(sizeof(*ack));
	long ms;

	if (ack == NULL || stoa_unpack(ev, &ms) < 0)
		return STOA_EINPUT;
	*ack = stoa_defer(ev);
	return stoa_after(ev, ms, give, ack) > 0 ? 0 : -1;
}

static int answered(struct stoa_event *ev)
{
	return stoa_emit(ev, "answered", stoa_error(ev), stoa_spread(stoa_args(ev)));
}

static int on_ask(struct stoa_event *ev)
{
	return stoa_call(ev, 1000, answered, NULL, "question", stoa_bytes("\1\2", 2));
}

static int on_leave(struct stoa_event *ev)
{
	return stoa_disconnect(ev);
}

static int on_leave_all(struct stoa_event *ev)
{
	return stoa_disconnect_transport(ev);
}

static int on_count(struct stoa_event *ev)
{
	return stoa_ack(ev, ++seen);
}

static int on_news(struct stoa_event *ev)
{
	return stoa_emit(stoa_to(ev, .namespace = "/news"), "news", stoa_spread(stoa_args(ev)));
}

/* Counts to three, a second apart, and has its own end told. */
static int count(struct stoa_event *ev)
{
	int status = 0;

	for (int i = 1; i <= 3 && status == 0; i++) {
		stoa_emit(ev, "counted", i);
		status = stoa_sleep(ev, 1000);
	}
	return status;
}

static int counted(struct stoa_event *ev)
{
	note("counted");
	return stoa_emit(ev, "done", stoa_status(ev));
}

static int on_background(struct stoa_event *ev)
{
	return stoa_start_background_task(ev, count, counted, NULL);
}

/* Work that does not hear of the end. */
static int restless(struct stoa_event *ev)
{
	for (;;)
		stoa_sleep(ev, 0);
	return 0;
}

static int on_restless(struct stoa_event *ev)
{
	return stoa_start_background_task(ev, restless, NULL, NULL);
}

static int no_work(struct stoa_event *ev)
{
	(void)ev;
	return 0;
}

/* Each task begins the next. */
static int on_again(struct stoa_event *ev)
{
	seen++;
	return stoa_start_background_task(ev, no_work, on_again, NULL);
}

/* Work that begins more of itself. */
static int spawn(struct stoa_event *ev)
{
	seen++;
	return stoa_start_background_task(ev, spawn, NULL, NULL);
}

static int on_spawn(struct stoa_event *ev)
{
	return stoa_start_background_task(ev, spawn, NULL, NULL);
}

static int on_tick(struct stoa_event *ev)
{
	return stoa_emit(stoa_to(ev, .broadcast = true), "tick");
}

static const struct stoa_handler handlers[] = {
	{ "connect", on_connect },
	{ "disconnect", on_disconnect },
	{ "echo", on_echo },
	{ "message", on_echo },
	{ "who", on_who },
	{ "later", on_later },
	{ "defer", on_defer },
	{ "ask", on_ask },
	{ "leave", on_leave },
	{ "leave all", on_leave_all },
	{ "count", on_count },
	{ "news", on_news },
	{ "background", on_background },
	{ "restless", on_restless },
	{ "again", on_again },
	{ "spawn", on_spawn },
	{ 0 },
};

STOA_APP(app)
{
	trace = stoa_option(app, "trace", "");
	stoa_on_namespace(app, "/", handlers, NULL);
	stoa_on_namespace(app, "/news", handlers, NULL);
	stoa_on_server(app, "start", on_start, NULL);
	stoa_on_server(app, "stop", on_stop, NULL);
	stoa_on_server(app, "handshake", on_handshake, NULL);
	stoa_on_server(app, "connection_error", on_connection_error, NULL);
	stoa_every(app, "tick", strtol(stoa_option(app, "tick", "0"), NULL, 10), on_tick, NULL);
}
