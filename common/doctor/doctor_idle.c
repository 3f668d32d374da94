/* doctor_idle.c - a poll and a WebSocket on which nothing is said must live until the server pings. See doctor_internal.h. */
#include <poll.h>

#include "clock.h"
#include "doctor_internal.h"

enum { MARGIN_MS = 10 * 1000, PING_MOST_MS = 120 * 1000, TICK_MS = 1000 };

enum idle_state { IDLE_NONE, IDLE_WAITS, IDLE_PINGED, IDLE_BROKEN };

struct idle {
	struct link l;
	enum idle_state state;
	int64_t after_ms; /* when it broke, or was pinged */
	struct buf why;
	struct opened opened; /* of the poll */
	struct answer answer;
};

static void settle(struct idle *i, enum idle_state state, int64_t since_ms)
{
	i->state = state;
	i->after_ms = clock_now_ms() - since_ms;
}

/* --- WebSocket ---------------------------------------------------------------------------------------------------- */

static void ws_open(struct doctor *d, struct idle *i)
{
	struct buf connect = BUF_INIT;

	if (!ws_begin(d, &i->l, SLICE(""), false, &i->answer))
		return;
	connect_put(d, &connect);
	buf_add_char(&connect, '\0');
	if (!connect.failed && ws_send(&i->l, connect.at, clock_now_ms() + d->config->timeout_ms))
		i->state = IDLE_WAITS;
	buf_fini(&connect);
}

static void ws_look(struct idle *i, int64_t since_ms)
{
	struct slice text;
	unsigned code;
	enum ws_got got;

	while ((got = ws_next(&i->l, 0, &text, &code)) == WS_TEXT && i->state == IDLE_WAITS)
		if (slice_equal(text, SLICE("2")))
			settle(i, IDLE_PINGED, since_ms);
	if (got != WS_CLOSED || i->state != IDLE_WAITS)
		return;
	if (code)
		buf_printf(&i->why, "a Close frame with %u", code);
	else
		buf_add_str(&i->why, "the connection was closed");
	settle(i, IDLE_BROKEN, since_ms);
}

/* --- Polling ------------------------------------------------------------------------------------------------------ */

static bool poll_again(struct doctor *d, struct idle *i)
{
	struct buf query = BUF_INIT;
	bool good;

	link_close(&i->l);
	answer_fini(&i->answer);
	buf_printf(&query, "polling&sid=%s", i->opened.sid);
	good = ask_begin(d, &i->l, &(struct request){ .query = buf_slice(&query), .headers = buf_slice(&d->cookie) },
		&i->answer);
	buf_fini(&query);
	return good;
}

static void poll_open(struct doctor *d, struct idle *i)
{
	struct buf connect = BUF_INIT;
	struct answer a;

	if (!session_begin(d, &i->opened, buf_slice(&d->cookie), &i->answer))
		return;
	connect_put(d, &connect);
	if (session_post(d, &i->opened, buf_slice(&connect), &a) && poll_again(d, i))
		i->state = IDLE_WAITS;
	answer_fini(&a);
	buf_fini(&connect);
}

static bool has_ping(const struct answer *a)
{
	struct slice rest = buf_slice(&a->body), packet;

	while (packet_next(&rest, &packet))
		if (slice_equal(packet, SLICE("2")))
			return true;
	return false;
}

/* Something of the answer is there: the rest comes soon. */
static void poll_look(struct doctor *d, struct idle *i, int64_t since_ms)
{
	if (!ask_end(&i->l, &i->answer, clock_now_ms() + d->config->timeout_ms) || i->answer.status != 200) {
		put_answer(&i->why, &i->answer);
		settle(i, IDLE_BROKEN, since_ms);
	} else if (has_ping(&i->answer)) {
		settle(i, IDLE_PINGED, since_ms);
	} else if (!poll_again(d, i)) {
		put_answer(&i->why, &i->answer);
		settle(i, IDLE_BROKEN, since_ms);
	}
}

/* --- Both --------------------------------------------------------------------------------------------------------- */

static bool readable(const struct idle *i, int64_t due_ms)
{
	if (i->state != IDLE_WAITS)
		return false;
	return (i->l.ssl && SSL_pending(i->l.ssl) > 0) || i->l.in.size > 0 || link_wait(&i->l, false, due_ms);
}

/* For a while, or until something came. */
static void wait_for_both(const struct idle *ws, const struct idle *poll_, int64_t ms)
{
	struct pollfd p[2] = { { .fd = ws->state == IDLE_WAITS ? ws->l.fd : -1, .events = POLLIN },
		{ .fd = poll_->state == IDLE_WAITS ? poll_->l.fd : -1, .events = POLLIN } };

	poll(p, 2, (int)ms);
}

static void watch(struct doctor *d, struct idle *ws, struct idle *polling, int64_t of_ms)
{
	int64_t since_ms = clock_now_ms(), told_s = -1, passed_ms = 0;

	while ((ws->state == IDLE_WAITS || polling->state == IDLE_WAITS) && passed_ms < of_ms) {
		if (passed_ms / 1000 > told_s && d->config->waits)
			d->config->waits(d->config->to, "waiting for a ping while nothing is said",
				told_s = passed_ms / 1000, of_ms / 1000);
		wait_for_both(ws, polling, TICK_MS);
		if (readable(ws, 0))
			ws_look(ws, since_ms);
		if (readable(polling, 0))
			poll_look(d, polling, since_ms);
		passed_ms = clock_now_ms() - since_ms;
	}
	if (ws->state == IDLE_WAITS)
		settle(ws, IDLE_BROKEN, since_ms);
	if (polling->state == IDLE_WAITS)
		settle(polling, IDLE_BROKEN, since_ms);
}

static bool put_idle(struct doctor *d, const char *what, const struct idle *i)
{
	if (i->state == IDLE_NONE)
		return true;
	if (d->seen.size)
		buf_add_str(&d->seen, "; ");
	buf_printf(&d->seen, "%s: ", what);
	if (i->state == IDLE_PINGED)
		buf_printf(&d->seen, "a ping after %lld s", (long long)(i->after_ms + 500) / 1000);
	else if (i->why.size == 0)
		buf_printf(&d->seen, "no ping in %lld s", (long long)i->after_ms / 1000);
	else
		buf_printf(&d->seen, "broken off after %lld s, ", (long long)i->after_ms / 1000);
	buf_add_slice(&d->seen, buf_slice(&i->why));
	return i->state == IDLE_PINGED;
}

static void put_advice(struct doctor *d)
{
	long long s = (long long)(d->opened.ping_interval_ms + d->opened.ping_timeout_ms + 999) / 1000 + 15;

	buf_printf(&d->advice,
		"Something between ends what is quiet for less than pingInterval (%lld s). Give it more, nginx: "
		"proxy_read_timeout %llds; "
		"HAProxy: timeout client %llds, timeout server %llds, timeout tunnel 1h; Amazon, Google, Azure: the "
		"idle timeout of the "
		"load balancer. Or a shorter pingInterval in the server.",
		(long long)d->opened.ping_interval_ms / 1000, s, s, s);
}

enum doctor_result check_idle(struct doctor *d)
{
	struct idle ws = { .l = { .fd = -1 } }, polling = { .l = { .fd = -1 } };
	bool good;

	if (d->opened.ping_interval_ms == 0 || d->opened.ping_interval_ms > PING_MOST_MS)
		return say(d, DOCTOR_SKIP, "the server's pingInterval is unknown, or above two minutes", "");
	if (d->has_websocket)
		ws_open(d, &ws);
	if (d->can_poll && d->is_sticky)
		poll_open(d, &polling);
	watch(d, &ws, &polling, d->opened.ping_interval_ms + MARGIN_MS);
	good = put_idle(d, "WebSocket", &ws);
	good = put_idle(d, "polling", &polling) && good;
	if (!good)
		put_advice(d);
	if (polling.opened.sid[0])
		session_leave(d, &polling.opened);
	link_close(&ws.l);
	link_close(&polling.l);
	answer_fini(&ws.answer);
	answer_fini(&polling.answer);
	buf_fini(&ws.why);
	buf_fini(&polling.why);
	return good ? DOCTOR_OK : DOCTOR_FAIL;
}
