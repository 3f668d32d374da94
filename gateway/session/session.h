/*
 * session.h - one Engine.IO session: handshake, transports, upgrade, heartbeat, close. Protocol 4 (EIO=4), and 3 for old
 * clients, which differs in how packets are written and in who pings (protocol.md 2.9).
 *
 * The session owns no descriptor and reads no clock. The edge lends it what it speaks through: a struct session_poll
 * (a GET that waits), a struct session_post (a POST being received), a struct session_ws (a WebSocket). Each is embedded
 * in an object of the edge, points to its session while the session knows it (`session` is NULL otherwise, and calls
 * with such a one are ignored), and is freed by the edge, after the turn.
 *
 * Output goes through `out`, one record per session: client and hub push frames, and at the end of the turn they are
 * written to the WebSocket or answer the waiting GET.
 *
 * States: OPEN -> CLOSING (polling only: closed by us, waits for the GET that takes the last packets) -> CLOSED. When
 * a session leaves OPEN, ops->closed() is called once, at once; its memory is freed after the turn.
 */
#ifndef STOA_SESSION_SESSION_H
#define STOA_SESSION_SESSION_H

#include "addresses.h"
#include "engineio.h"
#include "gateway_options.h"
#include "graveyard.h"
#include "out.h"
#include "table.h"
#include "timers.h"

enum { SID_SIZE = 20, NODE_ID_SIZE = 4 }; /* characters; 4 name the node, 16 are 96 random bits */

/* Why a session or a client ended. Texts are Socket.IO's (protocol.md 2.11). */
enum close_reason {
	CLOSE_TRANSPORT_CLOSE, /* the peer went, or said so */
	CLOSE_TRANSPORT_ERROR, /* protocol error on the transport, too large, aborted request */
	CLOSE_PING_TIMEOUT,
	CLOSE_PARSE_ERROR,      /* an invalid Engine.IO packet */
	CLOSE_FORCED,           /* an invalid Socket.IO packet, or connect_timeout */
	CLOSE_FORCED_SERVER,    /* the same, when a polling session could not be told at once */
	CLOSE_SERVER_NAMESPACE, /* of a client: the application disconnected it */
	CLOSE_CLIENT_NAMESPACE, /* of a client: it left the namespace */
	CLOSE_SHUTDOWN,
	CLOSE_TOKEN_EXPIRED, /* of a client: what it proved who it is by is over, and it has shown nothing newer */
	CLOSE_SLOW,          /* its output queue overflowed; "transport close" to the application */
	CLOSE_REASONS
};
const char *close_reason_text(enum close_reason why);

/* How a client came: copied at the handshake, kept with the session (session_handshake()). */
struct session_handshake {
	bool eio3;            /* protocol 3; else 4 */
	bool base64;          /* protocol 3: binary in a payload is text (`b64`); in protocol 4 it always is */
	bool jsonp;           /* polling by <script>: what payloads are wrapped in .. */
	uint32_t jsonp_index; /* .. for this callback */
	struct slice query;   /* as sent, still encoded, without '?' */
	struct slice headers; /* lines "name: value\n", names in lower case, in the order sent */
	struct slice address; /* "192.0.2.1" */
	struct slice lines;   /* for the edge: header lines of every answer to its requests, each with its CRLF */
};

struct session;

/* A GET on its way: answered with a payload exactly once, unless it goes away first. */
struct session_poll {
	/* 200, `payload`; `open`: it is the handshake's answer (a cookie may go with it). The poll is no longer
	 * the session's when this is called. */
	void (*answer)(struct session_poll *p, struct slice payload, bool open);
	bool uncompressed; /* inside answer(): the application asked that nothing of the payload be compressed */
	const char *type;  /* inside answer(): the payload's Content-Type */
	struct session *session;
};

/* A POST whose body is being received. */
struct session_post {
	void (*abort)(struct session_post *p); /* destroy its connection without an answer */
	struct session *session;
	bool octets; /* its body is application/octet-stream: only where session_takes_octets() */
};

/* A WebSocket. */
struct session_ws {
	const struct session_ws_ops *ops;
	const struct out_form *form; /* how it takes frames; NULL: as they are */
	struct session *session;
	bool base64; /* protocol 3: this client cannot read binary frames (`b64` in its query) */
};
struct session_ws_ops {
	/* Sends whole frames. All of it is taken; false: some is still buffered, session_ws_writable() will tell. After true
	 * that may still be found out while the turn's output is flushed: session_ws_blocked(). */
	bool (*write)(struct session_ws *ws, const char *bytes, size_t size);
	/* Sends what was written, then a close frame (code 0: without a status), then ends the connection. The WebSocket
	 * is no longer the session's when this is called. */
	void (*close)(struct session_ws *ws, unsigned code);
	/* Stops and resumes reading: no session_ws_message() while paused. */
	void (*pause)(struct session_ws *ws, bool paused);
};

/* The layer above: Socket.IO, or an echo. */
struct session_ops {
	void (*opened)(struct session *s, int64_t now_ms);
	void (*message)(struct session *s, int64_t now_ms, bool binary, struct slice data);
	void (*closed)(struct session *s, int64_t now_ms, enum close_reason why);
	/* Whether something of it is under way that has an answer to come: sessions_shut() lets it wait. May be unset. */
	bool (*busy)(const struct session *s);
};

struct session_config {
	int64_t ping_interval_ms, ping_timeout_ms, upgrade_timeout_ms, polling_close_timeout_ms;
	int64_t max_send_wait_ms; /* 0: no limit */
	size_t max_payload_bytes;
	size_t max_decode_packets;
	bool websocket, allow_upgrades;
	struct address_config addresses;
};

struct session_config sessions_config(const struct gateway_options *o);

/* All sessions of a process. */
struct sessions {
	struct table by_sid;
	struct session_config config;
	const struct session_ops *ops;
	void *ctx; /* the upper layer's */
	struct timers *timers;
	struct graveyard *graveyard;
	struct out_lane *lane;
	size_t closing; /* of all: those that are SESSION_CLOSING */
	size_t shut_at; /* the bucket at which sessions_shut() goes on */
	struct addresses addresses;
	struct frame *ping, *pong, *noop, *close;
	char node_id[NODE_ID_SIZE + 1];
	struct buf scratch, payload;
};

enum session_state { SESSION_OPEN, SESSION_CLOSING, SESSION_CLOSED };

struct session {
	/* What a delivery to a WebSocket touches, in the first 128 bytes. */
	struct out out;        /* first */
	struct session_ws *ws; /* the transport, once it is WebSocket; else NULL and polling */
	uint64_t messages_out;
	enum session_state state : 8;
	enum close_reason why : 8;
	bool blocked; /* the WebSocket still has bytes of ours */
	bool ws_gone; /* it ended before we did */
	bool pong_due, pong_extended;
	bool eio3, base64; /* as in the handshake */
	struct {
		uint32_t query, headers, address, lines;
	} size; /* of the handshake's texts */
	struct sessions *all;
	struct session_aside *aside; /* there is one as long as it polls */
	void *user;                  /* the upper layer's, set in opened() */
	struct timer heartbeat;
	int64_t opened_ms;
	struct address *address; /* may be NULL: see addresses_enter() */
	struct rate events;
	uint64_t messages_in;
	union {
		struct table_node by_sid;
		struct grave grave; /* once it is CLOSED */
	};
	char sid[SID_SIZE + 1];
	char copied[]; /* the handshake's texts in the order of `size`, a NUL behind each */
};

int sessions_init(struct sessions *all, const struct session_config *config, struct timers *timers,
	struct graveyard *graveyard, struct out_lane *lane);
void sessions_fini(struct sessions *all); /* all sessions are closed and dug */
size_t sessions_count(const struct sessions *all);
struct session *sessions_find(struct sessions *all, struct slice sid); /* open or closing; NULL: unknown */
static inline size_t sessions_open(const struct sessions *all)         /* and not closed by us */
{
	return sessions_count(all) - all->closing;
}
/* Closes up to `most` of those that are open, how many it says: WebSockets with 1012 ("service restart"), polling with its
 * close packet. Those are passed over, unless `even_busy`, of which something is under way: what ops->busy() knows, a POST, an
 * upgrade. The next call goes on where this one stopped; none may be added any more. */
size_t sessions_shut(struct sessions *all, int64_t now_ms, size_t most, bool even_busy);
void sessions_shutdown(struct sessions *all, int64_t now_ms); /* all of them */
/* Closed by us, with messages that nobody came for. */
size_t sessions_unread(const struct sessions *all);
/* Ends what is left at once, without a word to anybody but the upper layer. */
void sessions_drop(struct sessions *all, int64_t now_ms);

static inline struct session_handshake session_handshake(const struct session *s)
{
	const char *query = s->copied, *headers = query + s->size.query + 1;
	const char *address = headers + s->size.headers + 1, *lines = address + s->size.address + 1;

	return (struct session_handshake){ .eio3 = s->eio3,
		.base64 = s->base64,
		.query = slice_of(query, s->size.query),
		.headers = slice_of(headers, s->size.headers),
		.address = slice_of(address, s->size.address),
		.lines = slice_of(lines, s->size.lines) };
}

/* A new session; the open packet goes out on the transport given. NULL: no memory. */
struct session *session_open_polling(
	struct sessions *all, int64_t now_ms, const struct session_handshake *h, struct session_poll *p);
struct session *session_open_ws(
	struct sessions *all, int64_t now_ms, const struct session_handshake *h, struct session_ws *ws);

/* Whether requests for polling still belong here: false once a WebSocket took over (code 3, TRANSPORT_MISMATCH). */
static inline bool session_is_polling(const struct session *s)
{
	return s->ws == NULL;
}
/* Whether a POST may have binary in it as it is: in protocol 3 alone. */
static inline bool session_takes_octets(const struct session *s)
{
	return s->eio3;
}
static inline const char *session_transport(const struct session *s)
{
	return s->ws ? "websocket" : "polling";
}

/* A GET for packets. False: another was waiting already, which ends the session; the caller answers 400 to this one. */
bool session_poll_begin(struct session *s, int64_t now_ms, struct session_poll *p);
void session_poll_gone(struct session_poll *p, int64_t now_ms); /* aborted: ends the session */

/* Answers a GET that waits, with a packet that means nothing: what brought it here is about to end. */
void session_poll_release(struct session *s);

/* A POST. False: another is in flight, which ends the session and aborts that one; the caller answers 400. */
bool session_post_begin(struct session *s, int64_t now_ms, struct session_post *p);
void session_post_end(struct session_post *p, int64_t now_ms, struct slice body); /* complete: answer "ok" after this */
void session_post_cancel(struct session_post *p); /* refused (413): the session goes on */
/* Aborted, or of a kind that is not taken (octet-stream: answer 400): ends the session. */
void session_post_gone(struct session_post *p, int64_t now_ms);

/* A WebSocket for an existing session. False: it is upgrading or upgraded already, or upgrades are off: the caller
 * completes the handshake and closes it at once, without a status; the session is unharmed. */
bool session_upgrade_begin(struct session *s, int64_t now_ms, struct session_ws *ws);

/* Whole messages, in order. Text was checked to be UTF-8. */
void session_ws_message(struct session_ws *ws, int64_t now_ms, bool binary, struct slice data);
void session_ws_blocked(struct session_ws *ws);  /* what was written and taken is still buffered */
void session_ws_writable(struct session_ws *ws); /* everything written before is in the kernel */
/* What is queued goes at once: behind the Close frame that follows nothing can go, or it goes along with a 101. */
void session_ws_last_call(struct session_ws *ws);
void session_ws_gone(struct session_ws *ws, int64_t now_ms, bool error); /* error: protocol error, too large */

/* Counts an event of the layer above. False: there are too many, and the session is to be closed. */
static inline bool session_take_event(struct session *s, int64_t now_ms)
{
	return addresses_take_event(&s->all->addresses, s->address, &s->events, now_ms);
}

/* Closes. CLOSE_FORCED on a polling session that cannot be told at once is reported as CLOSE_FORCED_SERVER. */
void session_close(struct session *s, int64_t now_ms, enum close_reason why);

#endif
