/*
 * ws_lws.c - see ws_internal.h. The only file that includes libwebsockets' header ("lws" below): what is asked of it, and
 * what it tells.
 */
#include <errno.h>
#include <libwebsockets.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "log.h"
#include "ws_internal.h"

enum {
	READ_BYTES = 16 * 1024,    /* the largest read, into memory that all share */
	CONTROL_BYTES = 128,       /* memory of every connection, for a control frame */
	WRITE_BYTES = 1024 * 1024, /* what is over this in one write is copied, even when the socket would take it */
	DESCRIPTORS_MAX = 1 << 20
};

/* What our patches make lws tell (deploy/patches/libwebsockets, tell-of-frames and tell-of-errors). */
enum { FRAME_BEGINS = LWS_CALLBACK_USER, PEER_IS_WRONG = LWS_CALLBACK_USER + 1 };

/* --- What is asked of a connection -------------------------------------------------------------------------------- */

bool ws_lws_write(struct ws *ws, const void *bytes, size_t size)
{
	/* LWS_WRITE_HTTP is sent as it is: lws neither changes the bytes nor looks before them, whatever its type says. */
	return lws_write(ws->wsi, (unsigned char *)(uintptr_t)bytes, size, LWS_WRITE_HTTP) >= 0;
}

bool ws_lws_holds(const struct ws *ws)
{
	return lws_partial_buffered(ws->wsi) != 0;
}

void ws_lws_pause(struct ws *ws, bool paused)
{
	lws_rx_flow_control(ws->wsi, !paused);
}

void ws_lws_let_go(struct ws *ws)
{
	unsigned char nothing[1] = { 0 };

	ws_settle(ws);
	shutdown(ws->fd, SHUT_WR);
	/* lws would wait to flush what it holds, until a write has failed. On this socket the next one does. */
	if (ws_lws_holds(ws))
		ws_lws_write(ws, nothing, sizeof(nothing));
	lws_set_timeout(ws->wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_SYNC);
}

void ws_lws_adopt(struct ws *ws)
{
	struct ws_engine *e = ws->engine;

	e->adopting = ws;
	if (lws_adopt_websocket(e->vhost, ws->fd) == NULL)
		ws->wsi = NULL;
	e->adopting = NULL;
}

void ws_lws_read_first(struct ws *ws, struct slice bytes)
{
	lws_websocket_readbuf(ws->wsi, bytes.at, bytes.size);
}

/* --- What lws tells ----------------------------------------------------------------------------------------------- */

/* What a callback answers: not 0 has lws close the connection, behind what it holds. Input is of no use any more once we
 * have begun to close, and a ping must not be answered behind our Close frame. */
static int verdict_on_input(const struct ws *ws)
{
	return ws->state == WS_OPEN ? 0 : -1;
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

/* lws has read the head of a frame and found it well-formed. */
static int on_frame(struct ws *ws, unsigned char first, size_t size)
{
	ws_frame_begins(ws, first, size);
	return verdict_on_input(ws);
}

static int on_receive(struct ws *ws, const void *in, size_t size)
{
	/* lws says "final" only when nothing is missing of the frame. */
	ws_frame_piece(ws, slice_of(in, size), lws_is_final_fragment(ws->wsi) != 0, lws_frame_is_binary(ws->wsi) != 0);
	return verdict_on_input(ws);
}

static int on_peer_close(struct ws *ws, const void *payload, size_t size)
{
	ws_peer_closes(ws, slice_of(payload, size));
	return -1;
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
		ws_fail(user, (unsigned)size, M_BAD_WEBSOCKET);
		return 0;
	case LWS_CALLBACK_RECEIVE:
		return on_receive(user, in, size);
	case LWS_CALLBACK_SERVER_WRITEABLE:
		return ws_writable(user) ? 0 : -1;
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		return on_peer_close(user, in, size);
	case LWS_CALLBACK_WS_SERVER_DROP_PROTOCOL:
		ws_peer_gone(user);
		return 0;
	case LWS_CALLBACK_WSI_DESTROY:
		ws_gone(user);
		return 0;
	default:
		return 0;
	}
}

/* --- Starting ----------------------------------------------------------------------------------------------------- */

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

int ws_lws_start(struct ws_engine *e, const struct gateway_options *options)
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

void ws_lws_stop(struct ws_engine *e)
{
	if (e->context)
		lws_context_destroy(e->context);
}
