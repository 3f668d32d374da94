/*
 * records.h - what gateways and whoever runs the application say to each other: events there, batches of effects back.
 * docs/broker-protocol.md is the same for people who write workers.
 *
 * A record is one map, in the encoding of the deployment's parser: JSON text, or MessagePack (msgpack.h, MSGPACK_CLIENT).
 * A reader tells them apart by the first byte: '{' begins JSON, a map's head MessagePack. What clients say travels as it
 * came: arguments and names stand in a record in the clients' own encoding and are never decoded on the way. In JSON,
 * binary is a placeholder and stands in base64 under "attachments"; in MessagePack it is in its place.
 *
 * Every record has "v": RECORDS_VERSION. Members that a reader does not know are skipped; a record of a higher version is
 * refused. Everything read is hostile: the functions check all of it, and say why not in a static text.
 *
 * An event. One client's events are numbered by its gateway from 1 (`n`), and no second one is under way before the first
 * has been answered. So whoever retries, retries in order; and an answer to anything but the client's open event is an
 * old one and dropped.
 *
 *	v node kind at        always; node: the gateway's four characters, at: milliseconds since 1970
 *	nsp sid n             connect, event, disconnect: the client, the event's number. Others have n, counted by node, and
 *	                      handshake and refused no nsp, no sid; server no sid
 *	event args            event, server: the name; [..]
 *	ack                   event, server: the id to acknowledge with; absent when nobody asks
 *	reason                disconnect: "transport close", ..; refused: see error
 *	error                 refused: connection_error's object, {"code":..,"message":..,"context":{..}}
 *	state_n               version of the client's state (0: none) that this event is handled in
 *	state                 that state, when it is not the one of the event before; see struct client_state
 *	again                 true: it may have been handled before (Redis lost it, or seemed to; with n 0: it had been given up,
 *	                      and a person asked for it again: no client waits for it)
 *	to call op ..         answer: see struct answer_record; nsp and sid are those of the batch that asked, if it
 *	                      had any
 *
 * A batch:
 *
 *	v by                  always; by: who ran it, for the answers to its calls (BY_MAX characters at most)
 *	id partition          of the stream entry it answers; no id when nothing was asked (timers, background work). Without sid
 *	                      `partition` says by itself where answers to its calls go
 *	nsp sid n             the event's; sid and nsp alone: the client that began what is later
 *	effects               [{"do":..}, ..], in order
 *	failed                instead of effects: why the event was given up, a sentence for the client
 *	deferred              true: the ack that the event asks for comes in a later batch
 *
 * An effect: "do" is accept, refuse, emit, call, ack, join, leave, disconnect, admit, deny, session, fetch or servers
 * (enum effect_kind). Whom it concerns: `nsp` when it is not the event's; `rooms`, [names], or `all`: true; neither: the
 * sender, or with `sid` that client; `skip` [names], `skip_self`, `local`, `volatile`, `latest`, `uncompressed`: true. The
 * rest by kind: data (emit, call, servers: [event, ..]; ack: [..]; refuse: {"message":..}), attachments, ack (ack), room
 * (join, leave), transport (disconnect), key and value (session; no value: the key goes), call and timeout (call, fetch,
 * servers), message and headers, session_headers (admit, deny): [["name","value"], ..]. Absent booleans are false. `sid` ""
 * is nobody: an effect without a sender in a batch that has one. `sid_nsp` goes with it, where it is not the batch's.
 */
#ifndef STOA_RECORDS_RECORDS_H
#define STOA_RECORDS_RECORDS_H

#include "app.h"
#include "arena.h"
#include "buf.h"

enum { RECORDS_VERSION = 1, BY_MAX = 48, APP_NAME_MAX = 40, PARTITIONS_MAX = 1024 };

/* --- Names in Redis ----------------------------------------------------------------------------------------------- */

/* Appends "stoa:events:<app>:<p>", and so on: `app` is 1 to APP_NAME_MAX of [A-Za-z0-9_.-]. */
void name_events(struct buf *to, const char *app, unsigned partition); /* stream; one field, "e": an event's record */
void name_clients(
	struct buf *to, const char *app, unsigned partition); /* hash: sid -> record of a client, kept by its gateway */
void name_lease(struct buf *to, const char *app, unsigned partition); /* key: the broker's id, as long as it holds it */
void name_dead(struct buf *to, const char *app);                      /* stream: events that were given up */
void name_app(struct buf *to, const char *app); /* key, and channel on which it changes: an application's record */
void name_broker(struct buf *to, const char *app, struct slice id); /* key with a lease: a broker's record */
void name_brokers(struct buf *to, const char *app);                 /* set: ids, of which some may be no more */
void name_gateway(
	struct buf *to, const char *app, struct slice id); /* key with a lease: it lives; the value is its name */
void name_gateways(struct buf *to, const char *app);       /* set: their ids, likewise */
void name_batches(struct buf *to, const char *app, struct slice node); /* channel: batches for that gateway */
bool app_name_ok(const char *app);
extern const char records_group[]; /* the consumer group of every stream of events: "stoa" */
extern const char records_field[]; /* "e" */

/* --- Reading and writing ------------------------------------------------------------------------------------------ */

/* What is read may be so large and deep. */
struct record_rules {
	size_t max_bytes;              /* of a record */
	unsigned max_depth;            /* of what clients or the application say, inside it */
	size_t max_effects, max_rooms; /* of a batch; of one client or effect */
	size_t max_attachments;        /* of one event or effect */
	size_t max_room_bytes;         /* of a room's name that an effect says; 0: no limit */
};
#define RECORD_RULES ((struct record_rules){ 16000000, RECORD_DEPTH_MAX, 100000, 100000, 100000, 0 })
enum { RECORD_DEPTH_MAX = VALUE_DEPTH_MAX - 8 }; /* a record's own maps and arrays are around it */

enum value_encoding record_encoding(struct slice record);

/* --- A client's state --------------------------------------------------------------------------------------------- */

struct state_datum {
	struct slice key, json; /* JSON text both */
};

/* In a record: {"query","headers","address","transport","auth":{..},"claims":{..},"recovered","rooms":[..],"session":{..}},
 * headers being the text of struct app_handshake, recovered being there when it is true. auth, claims and session are values
 * of the record's encoding there; here they are JSON text. */
struct client_state {
	struct app_handshake handshake;
	struct slice auth;   /* JSON text of an object; empty: none */
	struct slice claims; /* likewise */
	const char *transport;
	bool recovered;            /* as in struct app_client */
	const struct slice *rooms; /* its own id first */
	size_t n_rooms;
	const struct state_datum *session;
	size_t n_session;
};

/* A field of name_clients(): {"v","node","nsp","n","state_n","state"}. */
struct client_record {
	struct slice node, nsp, sid; /* sid is the field's name; read by whoever reads the record */
	uint64_t n;                  /* of the last event that was said when this was written */
	uint64_t state_n;
	struct client_state state;
};
int client_record_put(struct buf *to, enum value_encoding encoding, const struct client_record *r);
const char *client_record_read(
	struct arena *arena, struct slice bytes, const struct record_rules *rules, struct client_record *r);

/* --- Events ------------------------------------------------------------------------------------------------------- */

enum record_kind {
	RECORD_CONNECT,
	RECORD_EVENT,
	RECORD_DISCONNECT,
	RECORD_HANDSHAKE, /* dispatch_admit(): answered with EFFECT_ADMIT or EFFECT_DENY */
	RECORD_REFUSED,   /* app_connection_error(): no answer but the batch */
	RECORD_SERVER,    /* app_server_event() */
	RECORD_ANSWER     /* to what the application asked */
};
const char *record_kind_name(enum record_kind kind); /* "connect", .. */

/* What app.h's app_call_expect() and its neighbours are told, from afar: "op" is expect, answer, gone, found, silent or
 * end; `count` (expect), `who` (answer, gone: a sid; silent: a node's name), `args` (answer), `found` (found: the object),
 * `status` (end: "timeout" or "unreachable"). It goes to the partition of the client that the call was made for. */
enum answer_op { ANSWER_EXPECT, ANSWER_GIVEN, ANSWER_GONE, ANSWER_FOUND, ANSWER_SILENT, ANSWER_END };
struct answer_record {
	struct slice to; /* the batch's `by`: whoever is not it drops the answer */
	uint64_t call;
	enum answer_op op;
	uint64_t count;
	struct slice who;   /* may be empty */
	struct slice found; /* JSON text of an object */
	int status;         /* END: -ETIMEDOUT or -ENOTCONN */
};

struct event_record {
	enum record_kind kind;
	struct slice node, nsp, sid;
	uint64_t n;
	int64_t at_ms;
	/* As in struct app_event_in: in the record's encoding. */
	struct slice name, items;
	unsigned flags;
	const struct slice *blobs;
	size_t n_blobs;
	bool wants_ack;
	uint64_t ack_id;
	struct slice reason;
	struct slice error; /* JSON text */
	uint64_t state_n;
	bool has_state, again;
	struct client_state state;
	struct answer_record answer;
};
/* 0, -ENOMEM, -EINVAL (a value that cannot be written; a namespace with a NUL in it). `r->name` and `items` must be in
 * `encoding`. What clients sent at their handshake is mended where it is not UTF-8. */
int event_record_put(struct buf *to, enum value_encoding encoding, const struct event_record *r);
/* NULL, or why not. Slices point into `bytes` or the arena; strings that app.h wants NUL-terminated are. */
const char *event_record_read(
	struct arena *arena, struct slice bytes, const struct record_rules *rules, struct event_record *r);

/* --- Batches ------------------------------------------------------------------------------------------------------ */

struct batch_record {
	struct slice by, id; /* id empty: nothing was asked */
	unsigned partition;
	struct slice nsp, sid;
	uint64_t n;
	struct slice failed; /* empty: it was handled */
	bool deferred;
	const struct effect *effects;
};
/* Of effects, pointers of the host's own (to.host, to.sender) are not written, and are NULL when read; to.sid and to.sid_nsp
 * are the batch's where an effect says nothing else. */
int batch_record_put(struct buf *to, enum value_encoding encoding, const struct batch_record *r);
const char *batch_record_read(
	struct arena *arena, struct slice bytes, const struct record_rules *rules, struct batch_record *r);
/* Only what is outside of the effects, for whoever passes it on: effects stays NULL and is not checked. */
const char *batch_record_peek(struct arena *arena, struct slice bytes, struct batch_record *r);

/* --- The application ---------------------------------------------------------------------------------------------- */

/* What gateways must know of it before they ask: the value of name_app(), written by brokers when they start and load. */
struct app_record {
	unsigned partitions; /* 1 to PARTITIONS_MAX; the same for ever, while anything is in the streams */
	/* As given to stoa_on(): "/chat", "/game-*", "*". */
	const struct slice *namespaces;
	size_t n_namespaces;
	const struct slice *one_process; /* of those, the ones of stoa_one_process() */
	size_t n_one_process;
	bool hears_handshakes; /* nobody gets a session before it was asked */
	bool hears_refusals;
};
int app_record_put(struct buf *to, const struct app_record *r); /* JSON always */
const char *app_record_read(
	struct arena *arena, struct slice bytes, const struct record_rules *rules, struct app_record *r);
bool app_record_has_namespace(const struct app_record *r, struct slice nsp);

/* Where the events of a client go: by its id, or all of a namespace that one process serves to one partition. Without an
 * id (handshake, refused, server) `sid` is anything that spreads them. */
unsigned app_record_partition(const struct app_record *r, struct slice nsp, struct slice sid);

#endif
