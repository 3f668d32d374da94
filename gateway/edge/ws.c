/*
 * ws.c - see ws.h. The only file that includes libwebsockets' header ("lws" below).
 *
 * How a connection ends. lws would end one in its own ways: waiting 5 s for an answer to its Close frame, flushing for
 * 5 s, closing with unread input so that the kernel resets and the Close frame is lost. So ws.c ends it, and lws only
 * lets go:
 *
 *	OPEN ------ write fails, peer gone ----------------> ENDED -> lws lets go -> freed after the turn
 *	  |                                                    ^
 *	  +-- our Close frame, or the answer to the peer's ----+  (a duplicate of the descriptor lingers)
 *	  |                                                    |
 *	  +-- the same with output waiting --> DRAINING -------+  (drained, or DRAIN_MS over)
 *
 * lws must not be told to let go of a connection while it walks its own lists, that is from any of its callbacks. So
 * end() only notes the connection, and reap() runs from a timer, outside of lws, in the same turn or the next one.
 */
#include "ws.h"

#include <errno.h>
#include <fcntl.h>
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "alloc.h"
#include "linger.h"
#include "log.h"
#include "metrics.h"
#include "utf8.h"
#include "ws_message.h"

enum {
	READ_BYTES = 16 * 1024,    /* the largest read, into memory that all share */
	CONTROL_BYTES = 128,       /* memory of every connection, for a control frame */
	WRITE_BYTES = 1024 * 1024, /* what is over this in one write is copied, even when the socket would take it */
	DRAIN_MS = 10 * 1000,      /* a closed connection has so long to take what was written before */
	DESCRIPTORS_MAX = 1 << 20
};

/* RFC 6455 7.4.1. What lws finds wrong it has its own 1002 and 1007 for. */
enum {
	STATUS_PROTOCOL = 1002,
	STATUS_PAYLOAD = 1007,
	STATUS_POLICY = 1008,
	STATUS_TOO_LARGE = 1009,
	STATUS_INTERNAL = 1011
};

/* What our patches make lws tell (deploy/patches/libwebsockets, tell-of-frames and tell-of-errors). */
enum { FRAME_BEGINS = LWS_CALLBACK_USER, PEER_IS_WRONG = LWS_CALLBACK_USER + 1 };

/* The first byte of a frame (RFC 6455 5.2). */
enum { RSV1 = 0x40, OPCODE = 0x0f, OPCODE_CONTROL = 0x08, OPCODE_CLOSE = 0x08 };

enum ws_state { ADOPTING, OPEN, DRAINING, ENDED };

struct ws {
	struct session_ws base; /* first: what the session knows */
	struct ws_engine *engine;
	struct lws *wsi; /* NULL once lws has let go */
	int fd;          /* lws's */
	enum ws_state state;
	bool blocked; /* the session waits for session_ws_writable() */
	bool holding; /* lws has output that the socket did not take */
	bool ponging; /* the peer has sent a ping: lws writes, too, from here on */
	bool listed_ended;
	bool opened; /* and ws_accept() is to say so */
	struct ws_message message;
	struct ws_controls controls;
	struct timer drain;
	LIST_ENTRY(ws) all;
	TAILQ_ENTRY(ws) ended;
	struct grave grave;
};

struct ws_engine {
	struct loop *loop;
	struct lws_context *context;
	struct lws_vhost *vhost;
	struct lingers *lingers;
	struct ws_limits limits;
	struct ws_deflate *deflate;
	int descriptors; /* numbers below this are fit for lws */
	struct timer reaper;
	LIST_HEAD(, ws) all;
	TAILQ_HEAD(, ws) ended;
	size_t count;
	struct ws *adopting; /* during ws_accept(): for the callbacks that complete the handshake */
	const struct ws_accept *accept;
};

/* --- Ending ------------------------------------------------------------------------------------------------------- */

static void reap(struct timer *t, int64_t now_ms);

/* Nothing more is sent or handed up. */
static void end(struct ws *ws)
{
	struct ws_engine *e = ws->engine;

	if (ws->state == ENDED)
		return;
	ws->state = ENDED;
	timer_stop(&e->loop->timers, &ws->drain);
	ws->listed_ended = true;
	TAILQ_INSERT_TAIL(&e->ended, ws, ended);
	timer_set(&e->loop->timers, &e->reaper, reap, loop_now(e->loop));
}

/* Has lws close its descriptor and forget the connection, here and now, by way of on_destroy(); not from one of its
 * callbacks. */
static void let_go(struct ws *ws)
{
	unsigned char nothing[1] = { 0 };

	shutdown(ws->fd, SHUT_WR);
	/* lws would wait to flush what it holds, until a write has failed. On this socket the next one does. */
	if (lws_partial_buffered(ws->wsi))
		lws_write(ws->wsi, nothing, sizeof(nothing), LWS_WRITE_HTTP);
	lws_set_timeout(ws->wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_SYNC);
}

static void unlist_ended(struct ws *ws)
{
	if (ws->listed_ended)
		TAILQ_REMOVE(&ws->engine->ended, ws, ended);
	ws->listed_ended = false;
}

static void reap(struct timer *t, int64_t now_ms)
{
	struct ws_engine *e = (struct ws_engine *)(void *)((char *)t - offsetof(struct ws_engine, reaper));
	struct ws *ws;

	(void)now_ms;
	while ((ws = TAILQ_FIRST(&e->ended))) {
		unlist_ended(ws);
		let_go(ws);
	}
}

/* Everything is in the kernel: the end of our side, then the peer has time to read and to end its own. Without a
 * descriptor to spare let_go() ends our side, and the peer has no time. */
static void finish(struct ws *ws)
{
	int fd = fcntl(ws->fd, F_DUPFD_CLOEXEC, 0);

	if (fd >= 0)
		linger_start(ws->engine->lingers, fd);
	end(ws);
}

static void drained_too_slowly(struct timer *t, int64_t now_ms)
{
	(void)now_ms;
	end((struct ws *)(void *)((char *)t - offsetof(struct ws, drain)));
}

static void drain(struct ws *ws)
{
	struct loop *loop = ws->engine->loop;

	ws->state = DRAINING;
	timer_set(&loop->timers, &ws->drain, drained_too_slowly, loop_now(loop) + DRAIN_MS);
}

/* As much as the socket takes now, without lws: its memory is cold when a room is large. How much that was. */
static size_t put_directly(struct ws *ws, const void *bytes, size_t size)
{
	ssize_t n;

	if (ws->holding || ws->ponging)
		return 0;
	n = send(ws->fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	return n > 0 ? (size_t)n : 0;
}

/* All is taken: lws copies what the socket does not take, and sends it before anything else. On failure it only says so
 * here. */
static bool put(struct ws *ws, const void *bytes, size_t size)
{
	size_t sent = put_directly(ws, bytes, size);
	const char *rest = (const char *)bytes + sent;

	if (sent == size)
		return true;
	/* LWS_WRITE_HTTP is sent as it is: lws neither changes the bytes nor looks before them, whatever its type says. */
	if (lws_write(ws->wsi, (unsigned char *)(uintptr_t)rest, size - sent, LWS_WRITE_HTTP) < 0) {
		end(ws);
		return false;
	}
	ws->holding = lws_partial_buffered(ws->wsi);
	return true;
}

/* Code 0: a frame without a status. */
static void close_with(struct ws *ws, unsigned code)
{
	unsigned char frame[4] = { 0x88, code ? 2 : 0, (unsigned char)(code >> 8), (unsigned char)code };

	if (ws->state != OPEN || !put(ws, frame, code ? 4 : 2))
		return;
	if (lws_partial_buffered(ws->wsi))
		drain(ws);
	else
		finish(ws);
}

/* The peer did what it must not. */
static void fail(struct ws *ws, unsigned code, enum metric_id metric)
{
	if (ws->state != OPEN)
		return;
	metrics_count(metric);
	session_ws_last_call(&ws->base);
	close_with(ws, code);
	session_ws_gone(&ws->base, loop_now(ws->engine->loop), true);
}

/* --- What the session does ---------------------------------------------------------------------------------------- */

static struct ws *ws_of(struct session_ws *base)
{
	return (struct ws *)(void *)base;
}

static bool op_write(struct session_ws *base, const char *bytes, size_t size)
{
	struct ws *ws = ws_of(base);

	if (ws->state != OPEN || !put(ws, bytes, size))
		return false;
	ws->blocked = ws->holding;
	return !ws->blocked;
}

static void op_close(struct session_ws *base, unsigned code)
{
	struct ws *ws = ws_of(base);

	if (ws->state == OPEN)
		close_with(ws, code);
}

/* While paused lws keeps the rest of what it has read, at most READ_BYTES, and goes on with that first. */
static void op_pause(struct session_ws *base, bool paused)
{
	struct ws *ws = ws_of(base);

	if (ws->state == OPEN)
		lws_rx_flow_control(ws->wsi, !paused);
}

static const struct session_ws_ops ops = { .write = op_write, .close = op_close, .pause = op_pause };

/* --- What lws tells ----------------------------------------------------------------------------------------------- */

static unsigned status_of(const unsigned char *payload)
{
	return (unsigned)(payload[0] << 8 | payload[1]);
}

/* What a callback answers: not 0 has lws close the connection, behind what it holds. Input is of no use any more once we
 * have begun to close, and a ping must not be answered behind our Close frame. */
static int verdict_on_input(const struct ws *ws)
{
	return ws->state == OPEN ? 0 : -1;
}

static int on_create(struct lws *wsi)
{
	struct ws_engine *e = lws_context_user(lws_get_context(wsi));

	if (e == NULL || e->adopting == NULL)
		return 0;
	e->adopting->wsi = wsi;
	lws_set_wsi_user(wsi, e->adopting);
	return 0;
}

static int on_headers(struct ws *ws, struct lws_process_html_args *to)
{
	struct slice extra = ws->engine->accept->extra;

	if (to->max_len < 0 || extra.size >= (size_t)to->max_len)
		return -1;
	if (extra.size)
		memcpy(to->p, extra.at, extra.size);
	to->p += extra.size;
	return 0;
}

static int on_established(struct ws *ws)
{
	const struct ws_accept *a = ws->engine->accept;

	ws->state = OPEN;
	ws->opened = true;
	ws->holding = lws_partial_buffered(ws->wsi);
	a->opened(a->ctx, &ws->base, loop_now(ws->engine->loop));
	return 0;
}

/* False: it was refused. */
static bool inflate(struct ws *ws, struct slice *message)
{
	switch (ws_deflate_inflate(ws->engine->deflate, *message, message)) {
	case INFLATED:
		return true;
	case INFLATE_TOO_LARGE:
		fail(ws, STATUS_TOO_LARGE, M_LIMIT_PAYLOAD);
		break;
	case INFLATE_INVALID:
		fail(ws, STATUS_PAYLOAD, M_BAD_WEBSOCKET);
		break;
	case INFLATE_NO_MEMORY:
		fail(ws, STATUS_INTERNAL, M_OUT_OF_MEMORY);
		break;
	}
	return false;
}

/* Text is checked here, whole: lws would look at every byte by itself, and does not see what was deflated. */
static void hand_up(struct ws *ws, struct slice message)
{
	bool binary = lws_frame_is_binary(ws->wsi) != 0;

	if (ws->message.deflated && !inflate(ws, &message))
		return;
	if (binary || utf8_valid(message))
		session_ws_message(&ws->base, loop_now(ws->engine->loop), binary, message);
	else
		fail(ws, STATUS_PAYLOAD, M_BAD_WEBSOCKET);
}

static void progress(struct ws *ws, enum ws_progress what, struct slice whole)
{
	switch (what) {
	case WS_PARTIAL:
		return;
	case WS_COMPLETE:
		hand_up(ws, whole);
		break;
	case WS_TOO_LARGE:
		fail(ws, STATUS_TOO_LARGE, M_LIMIT_PAYLOAD);
		break;
	case WS_TOO_MANY_FRAGMENTS:
		fail(ws, STATUS_POLICY, M_LIMIT_FRAGMENTS);
		break;
	case WS_NO_MEMORY:
		fail(ws, STATUS_INTERNAL, M_OUT_OF_MEMORY);
		break;
	}
	ws_message_clear(&ws->message);
}

/* RFC 7692 6: only the first frame of a message says that it is deflated. */
static bool is_rsv1_allowed(const struct ws *ws, unsigned char first)
{
	return ws->base.form && !(first & OPCODE_CONTROL) && (first & OPCODE) != 0;
}

/* lws has read the head of a frame and found it well-formed. */
static int on_frame(struct ws *ws, unsigned char first, size_t size)
{
	const struct ws_limits *limits = &ws->engine->limits;

	if (ws->state != OPEN)
		return verdict_on_input(ws);
	if ((first & RSV1) && !is_rsv1_allowed(ws, first)) {
		fail(ws, STATUS_PROTOCOL, M_BAD_WEBSOCKET);
	} else if (!(first & OPCODE_CONTROL)) {
		ws->message.deflated |= (first & RSV1) != 0;
		progress(ws, ws_message_frame(&ws->message, limits, size), (struct slice){ 0 });
	} else if ((first & OPCODE) != OPCODE_CLOSE) {
		ws->ponging = true;
		if (!ws_controls_count(&ws->controls, limits, loop_now(ws->engine->loop)))
			fail(ws, STATUS_POLICY, M_LIMIT_CONTROLS);
	}
	return verdict_on_input(ws);
}

static int on_receive(struct ws *ws, const void *in, size_t size)
{
	struct slice whole = { 0 };

	/* lws says "final" only when nothing is missing of the frame. */
	if (ws->state == OPEN)
		progress(ws,
			ws_message_add(&ws->message, &ws->engine->limits, slice_of(in, size),
				lws_is_final_fragment(ws->wsi), &whole),
			whole);
	return verdict_on_input(ws);
}

static int on_writable(struct ws *ws)
{
	/* lws may have written a pong meanwhile; it calls again. */
	if (lws_partial_buffered(ws->wsi))
		return ws->state == ENDED ? -1 : 0;
	ws->holding = false;
	if (ws->state == DRAINING)
		finish(ws);
	if (ws->state == OPEN && ws->blocked) {
		ws->blocked = false;
		session_ws_writable(&ws->base);
	}
	return ws->state == ENDED ? -1 : 0;
}

/* The peer closes, with a status that lws found valid or without one; the answer is the same. lws would answer itself,
 * so that it ends here: behind output that waits lws sends that first, then calls on_drop(). */
static int on_peer_close(struct ws *ws, const unsigned char *payload, size_t size)
{
	if (ws->state != OPEN)
		return -1;
	if (size > 2 && !utf8_valid(slice_of((const char *)payload + 2, size - 2))) {
		fail(ws, STATUS_PAYLOAD, M_BAD_WEBSOCKET);
		return -1;
	}
	session_ws_last_call(&ws->base);
	close_with(ws, size >= 2 ? status_of(payload) : 0);
	session_ws_gone(&ws->base, loop_now(ws->engine->loop), false);
	return -1;
}

/* lws begins to close: all is flushed behind our own Close frame, or the peer is gone. */
static int on_drop(struct ws *ws)
{
	if (ws->state == DRAINING && !lws_partial_buffered(ws->wsi))
		finish(ws);
	if (ws->state != OPEN)
		return 0;
	end(ws);
	session_ws_gone(&ws->base, loop_now(ws->engine->loop), false);
	return 0;
}

static void free_ws(struct grave *g)
{
	free((char *)g - offsetof(struct ws, grave));
}

static void forget(struct ws *ws)
{
	struct ws_engine *e = ws->engine;

	unlist_ended(ws);
	timer_stop(&e->loop->timers, &ws->drain);
	LIST_REMOVE(ws, all);
	e->count--;
	ws_message_clear(&ws->message);
	graveyard_bury(&e->loop->graveyard, &ws->grave, free_ws);
}

static int on_destroy(struct ws *ws)
{
	ws->wsi = NULL;
	ws->state = ENDED;
	/* The session does not know yet after a failed write, and when the engine ends. */
	session_ws_gone(&ws->base, loop_now(ws->engine->loop), false);
	forget(ws);
	return 0;
}

/* `user` is the struct ws; there is none for lws's own descriptors. */
static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t size)
{
	if (reason == LWS_CALLBACK_WSI_CREATE)
		return on_create(wsi);
	if (user == NULL)
		return 0;
	switch ((int)reason) {
	case FRAME_BEGINS:
		return on_frame(user, *(const unsigned char *)in, size);
	case PEER_IS_WRONG:
		fail(user, (unsigned)size, M_BAD_WEBSOCKET);
		return 0;
	case LWS_CALLBACK_ADD_HEADERS:
		return on_headers(user, in);
	case LWS_CALLBACK_ESTABLISHED:
		return on_established(user);
	case LWS_CALLBACK_RECEIVE:
		return on_receive(user, in, size);
	case LWS_CALLBACK_SERVER_WRITEABLE:
		return on_writable(user);
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		return on_peer_close(user, in, size);
	case LWS_CALLBACK_WS_SERVER_DROP_PROTOCOL:
		return on_drop(user);
	case LWS_CALLBACK_WSI_DESTROY:
		return on_destroy(user);
	default:
		return 0;
	}
}

/* --- Accepting ---------------------------------------------------------------------------------------------------- */

/* What the handshake needs and nothing else: whatever the client sent beside it was judged by the edge. */
static void write_head(struct buf *to, const struct ws_accept *a)
{
	buf_add_str(to, "GET / HTTP/1.1\r\n"
			"Host: stoa\r\n"
			"Upgrade: websocket\r\n"
			"Connection: Upgrade\r\n"
			"Sec-WebSocket-Version: 13\r\n"
			"Sec-WebSocket-Key: ");
	buf_add_slice(to, a->key);
	buf_add_str(to, "\r\n\r\n");
	if (a->rest.size)
		buf_add_slice(to, a->rest);
}

static struct ws *new_ws(struct ws_engine *e, const struct ws_accept *a)
{
	struct ws *ws = must_alloc(sizeof(*ws));

	ws->base.ops = &ops;
	ws->base.form = a->form;
	ws->engine = e;
	ws->fd = a->fd;
	LIST_INSERT_HEAD(&e->all, ws, all);
	e->count++;
	return ws;
}

/* lws completes the handshake before it returns, or gives up; it takes the descriptor in either case. */
static void adopt(struct ws *ws, const struct ws_accept *a, struct slice input)
{
	struct ws_engine *e = ws->engine;

	e->adopting = ws;
	e->accept = a;
	lws_adopt_socket_vhost_readbuf(e->vhost, a->fd, input.at, input.size);
	e->adopting = NULL;
	e->accept = NULL;
}

int ws_accept(struct ws_engine *e, const struct ws_accept *a)
{
	struct buf input = BUF_INIT;
	struct ws *ws;

	if (a->fd >= e->descriptors) {
		close(a->fd);
		return -EIO;
	}
	write_head(&input, a);
	if (input.failed) {
		buf_fini(&input);
		close(a->fd);
		return -ENOMEM;
	}
	ws = new_ws(e, a);
	adopt(ws, a, buf_slice(&input));
	buf_fini(&input);
	if (ws->opened)
		return 0;
	/* Refused with or without an object of lws's; with one, on_destroy() does what is to be done. */
	if (ws->wsi)
		let_go(ws);
	else if (ws->grave.free == NULL)
		forget(ws);
	return -EIO;
}

/* --- Engine ------------------------------------------------------------------------------------------------------- */

static void log_line(int level, const char *line)
{
	size_t size = strlen(line);

	(void)level;
	while (size && line[size - 1] == '\n')
		size--;
	log_debug("libwebsockets", LOG_T("line", slice_of(line, size)));
}

/*
 * lws has a table with a place for every descriptor number up to the soft limit, 16 bytes each, and takes a limit over
 * ten million for 2560. So it gets to see one that fits our options. What is over it must not come near lws: 4.1.6
 * refuses such a number, and then clears its place behind the table's end.
 */
static rlim_t descriptors_for(const struct gateway_options *options, rlim_t allowed)
{
	rlim_t enough = DESCRIPTORS_MAX;

	/* A connection may linger while another takes its place; the rest is for everything that is no connection. */
	if (options->max_connections > 0 && options->max_connections < DESCRIPTORS_MAX / 2 - 1024)
		enough = (rlim_t)options->max_connections * 2 + 1024;
	return allowed < enough ? allowed : enough;
}

static struct lws_context *new_context(
	struct ws_engine *e, struct lws_context_creation_info *info, const struct gateway_options *options)
{
	struct lws_context *context;
	struct rlimit old, seen;

	getrlimit(RLIMIT_NOFILE, &old);
	seen = old;
	seen.rlim_cur = descriptors_for(options, old.rlim_cur);
	setrlimit(RLIMIT_NOFILE, &seen);
	context = lws_create_context(info);
	setrlimit(RLIMIT_NOFILE, &old);
	e->descriptors = (int)seen.rlim_cur;
	return context;
}

static int start_lws(struct ws_engine *e, const struct gateway_options *options)
{
	static const struct lws_protocols protocols[] = { { .name = "stoa",
								  .callback = on_event,
								  .rx_buffer_size = CONTROL_BYTES,
								  .tx_packet_size = WRITE_BYTES },
		{ 0 } };
	/* Zeroed: no timers per connection, which lws keeps in one sorted list. Engine.IO has its own heartbeat. */
	static const lws_retry_bo_t no_keepalive = { 0 };
	void *loops[] = { e->loop->base };
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN_SERVER,
		.options = LWS_SERVER_OPTION_LIBEVENT | LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
		.foreign_loops = loops,
		.protocols = protocols,
		.pt_serv_buf_size = READ_BYTES,
		.retry_and_idle_policy = &no_keepalive,
		.user = e,
		.gid = -1,
		.uid = -1,
	};

	lws_set_log_level(LLL_ERR | LLL_WARN, log_line);
	e->context = new_context(e, &info, options);
	if (e->context)
		e->vhost = lws_create_vhost(e->context, &info);
	return e->vhost ? 0 : -ENOMEM;
}

struct ws_engine *ws_engine_new(struct loop *loop, const struct gateway_options *options, char *why, size_t why_size)
{
	struct ws_engine *e = must_alloc(sizeof(*e));

	LIST_INIT(&e->all);
	TAILQ_INIT(&e->ended);
	e->loop = loop;
	e->limits.bytes = (uint64_t)options->max_http_buffer_size;
	e->limits.fragments = (uint32_t)options->max_fragments;
	e->limits.controls = (uint32_t)options->max_control_frames;
	e->lingers = lingers_new(loop, options->close_timeout_ms);
	e->deflate = ws_deflate_new(options);
	if (e->lingers == NULL || e->deflate == NULL || start_lws(e, options) < 0) {
		snprintf(why, why_size, "cannot start libwebsockets (log_level debug shows why)");
		ws_engine_free(e);
		return NULL;
	}
	return e;
}

void ws_engine_free(struct ws_engine *e)
{
	struct ws *ws;

	if (e == NULL)
		return;
	while ((ws = LIST_FIRST(&e->all)))
		let_go(ws);
	if (e->context)
		lws_context_destroy(e->context);
	lingers_free(e->lingers);
	ws_deflate_free(e->deflate);
	timer_stop(&e->loop->timers, &e->reaper);
	free(e);
}

struct ws_deflate *ws_engine_deflate(struct ws_engine *e)
{
	return e->deflate;
}

size_t ws_engine_count(const struct ws_engine *e)
{
	return e->count;
}

size_t ws_engine_lingering(const struct ws_engine *e)
{
	return lingers_count(e->lingers);
}
