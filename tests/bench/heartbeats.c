/*
 * heartbeats.c - what the heartbeats of a quarter of a million sessions cost, without their sockets: the timer that is due, the
 * ping that is queued and flushed, the pong that comes, the timer that is set for the next. Sessions, queues and timers are the
 * gateway's; the clock is made up.
 *
 *	bench-heartbeats COUNT    goes on until there were so many after the first minute of made-up time
 *
 * cost.mjs counts the instructions of it.
 */
#include <stdlib.h>

#include "alloc.h"
#include "log.h"
#include "session.h"

enum { SESSIONS = 250000, INTERVAL_MS = 25000, TIMEOUT_MS = 20000, ANSWER_MS = 50, START_MS = 1000000 };

struct peer {
	struct session_ws ws; /* first */
	int64_t pinged_ms;
	struct peer *next;
};

static struct peer *first, **end = &first; /* have to answer, in the order they were asked */
static int64_t now_ms;
static uint64_t answered;

static bool on_write(struct session_ws *ws, const char *bytes, size_t size)
{
	struct peer *p = (struct peer *)ws;

	if (size != 3 || bytes[2] != '2') /* a frame of one packet: ping */
		return true;
	p->pinged_ms = now_ms;
	p->next = NULL;
	*end = p;
	end = &p->next;
	return true;
}

static void on_close(struct session_ws *ws, unsigned code)
{
	(void)ws;
	(void)code;
}

static void on_pause(struct session_ws *ws, bool paused)
{
	(void)ws;
	(void)paused;
}

static void answer(void)
{
	while (first && first->pinged_ms + ANSWER_MS <= now_ms) {
		struct peer *p = first;

		first = p->next;
		if (first == NULL)
			end = &first;
		session_ws_message(&p->ws, now_ms, false, SLICE("3"));
		answered++;
	}
}

static void opened(struct session *s, int64_t at_ms)
{
	(void)s;
	(void)at_ms;
}

static void message(struct session *s, int64_t at_ms, bool binary, struct slice data)
{
	(void)s;
	(void)at_ms;
	(void)binary;
	(void)data;
}

static void closed(struct session *s, int64_t at_ms, enum close_reason why)
{
	(void)s;
	(void)at_ms;
	if (why != CLOSE_SHUTDOWN && why != CLOSE_TRANSPORT_CLOSE)
		abort(); /* a heartbeat was lost */
}

static struct timers timers;
static struct graveyard graveyard;
static struct out_lane lane;
static struct sessions sessions;

static void pass(int64_t until_ms)
{
	while (now_ms < until_ms) {
		now_ms++;
		answer();
		timers_run(&timers, now_ms);
		out_flush_all(&lane, now_ms);
	}
}

/* They came one after the other, so their heartbeats are as far apart. */
static struct peer *come(void)
{
	static const struct session_ws_ops ops = { on_write, on_close, on_pause };
	static const struct session_handshake as = { .query = { "EIO=4&transport=websocket", 25 } };
	struct peer *peers = must_alloc(SESSIONS * sizeof(*peers));

	for (int i = 0; i < SESSIONS; i++) {
		pass(START_MS + (int64_t)INTERVAL_MS * i / SESSIONS);
		peers[i].ws.ops = &ops;
		if (session_open_ws(&sessions, now_ms, &as, &peers[i].ws) == NULL)
			abort();
	}
	pass(START_MS + 3 * INTERVAL_MS); /* deadlines that were put off have come up too */
	return peers;
}

int main(int argc, char **argv)
{
	static const struct session_ops ops = { .opened = opened, .message = message, .closed = closed };
	struct session_config config = { .ping_interval_ms = INTERVAL_MS,
		.ping_timeout_ms = TIMEOUT_MS,
		.max_payload_bytes = 1000000,
		.max_decode_packets = 100,
		.websocket = true };
	struct peer *peers;

	now_ms = START_MS;
	log_set_level(LOG_ERROR);
	if (argc != 2 || out_lane_init(&lane, 1000000) < 0 ||
		sessions_init(&sessions, &config, &timers, &graveyard, &lane) < 0)
		return 2;
	sessions.ops = &ops;
	peers = come();
	for (uint64_t all = answered + strtoull(argv[1], NULL, 10); answered < all;)
		pass(now_ms + 1);
	sessions_drop(&sessions, now_ms);
	graveyard_dig(&graveyard);
	timers_fini(&timers);
	sessions_fini(&sessions);
	out_lane_fini(&lane);
	free(peers);
	return 0;
}
