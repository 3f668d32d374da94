/*
 * wire_classic.h - what servers say to each other in the way of @socket.io/redis-adapter 8 (Node), and what the "redis
 * emitters" of many languages publish: pure functions over payloads. Channels: wire_channel.h.
 *
 * A broadcast is the MessagePack array [uid, packet, opts]:
 *	packet = {type: 2, data: [event, ..args], nsp: "/"}
 *	opts   = {rooms: [..], except: [..], flags: {volatile, compress, timeout, expectSingleResponse, latest}}
 *
 * `latest` is ours; Node passes it over.
 *
 * Requests and their answers are objects, as JSON when they begin with '{' and as MessagePack otherwise:
 *
 *	                 request (uid, requestId, type, ..)      answer (requestId, ..)
 *	ALL_ROOMS        -                                       rooms
 *	REMOTE_JOIN      opts, rooms                             none
 *	REMOTE_LEAVE     opts, rooms                             none
 *	REMOTE_DISCONNECT  opts, close                           none
 *	REMOTE_FETCH     opts                                    sockets: [{id, handshake, rooms, data}, ..]
 *	SERVER_EMIT      data: [event, ..]                       type 6, data; only when a requestId asks for it
 *	BROADCAST        packet, opts            (MessagePack)   type 8, clientCount, and for each acknowledgement
 *	                                                         type 9, packet          (MessagePack)
 *	SOCKETS          rooms                   (before 2020)   sockets: [sid, ..]
 *	the REMOTE_ ones sid, room or close      (before 2020)   nothing but the requestId, of the one who has it
 *
 * One malformed message ends every Node server of a namespace. So encoders refuse what would be malformed
 * (wire_check_event(), a namespace without slash), and wire_classic_check() tells whether a payload is one that Node
 * takes.
 *
 * Decoders are as lenient as emitters need: lists of names in any form (wire_names_of), flags missing, a map, an array or
 * a text, unknown keys, the packet type 5 (with binary) for 2, a packet without nsp. Acknowledgements (3 and 6) are
 * nobody's: Node hands them to clients, who drop them.
 */
#ifndef STOA_CODEC_WIRE_CLASSIC_H
#define STOA_CODEC_WIRE_CLASSIC_H

#include "buf.h"
#include "wire.h"
#include "wire_channel.h"

/* Whom, and how. */
struct wire_opts {
	struct wire_names rooms, except;
	bool everybody; /* no rooms were named. False with no rooms: nobody */
	bool is_volatile;
	bool uncompressed; /* compress: false */
	bool has_compress; /* to be encoded though it is true */
	bool latest;       /* instead of what waits for a client under the same name; of broadcasts */
	bool single;       /* expectSingleResponse: to one client, whose answer stands alone */
	bool has_timeout;
	int64_t timeout_ms; /* of acknowledgements; not negative */
};

/* --- Broadcasts --------------------------------------------------------------------------------------------------- */

struct wire_broadcast {
	struct slice uid; /* of the server that sent it; "emitter": none of them */
	struct slice nsp;
	struct stoa_value
		data; /* [event, ..args], as wire_check_event() wants it; decoded: VALUE_RAW, the payload's bytes */
	struct wire_opts opts;
};

/*
 * Decodes what came on a channel of kind BROADCAST, ROOM, or EMITTER (whose form is [packet, opts]; others on it are
 * refused, since they come on another channel too). The caller drops its own uid and compares nsp with the channel's.
 */
const char *wire_broadcast_decode(struct arena *arena, struct slice payload, enum wire_channel_kind kind,
	const struct wire_rules *rules, struct wire_broadcast *b);

/*
 * What can be told of a payload of the kinds BROADCAST and ROOM by a look at heads alone, so that what concerns nobody
 * here costs nothing more: neither that it is whole nor that it makes sense has been checked. Anything that is not plainly so
 * is for wire_broadcast_decode() to judge.
 *
 * is_of(): the sender is `uid`. rooms(): rooms are named, by a list; then next() gives one after the other. It ends with
 * `left` 0, or before that where an item is no text (a number, say).
 */
bool wire_broadcast_is_of(struct slice payload, struct slice uid);
struct wire_rooms {
	struct slice rest;
	uint32_t left;
};
bool wire_broadcast_rooms(struct slice payload, struct wire_rooms *rooms);
bool wire_rooms_next(struct wire_rooms *rooms, struct slice *name); /* a slice of the payload */

/*
 * Appends the payload; `arena` is scratch. Data may be raw (value_of_json of an effect's text and attachments). Names
 * that are integers go out as text and as integer. With the uid "emitter" the members stand as the emitter of Node has
 * them. 0, -EINVAL (Node could not take it), -ENOMEM; then nothing has been appended.
 */
int wire_broadcast_encode(struct buf *to, struct arena *arena, const struct wire_broadcast *b);

/* The channel for a broadcast with these opts: its room's when there is exactly one, else the namespace's. */
struct wire_channel wire_broadcast_channel(struct slice nsp, const struct wire_opts *opts);

/*
 * Who is to get a broadcast that came on a channel: the members of any of `rooms` (everybody: all), but those in
 * `except` and those in `seen`. Emitters of some languages publish a message once for each of its rooms, on the room's
 * channel, and name all of them in each; who is in two of the rooms gets it with the first. Node sends it twice.
 */
struct wire_delivery {
	bool everybody;
	struct wire_names rooms, seen, except;
};
struct wire_delivery wire_broadcast_delivery(const struct wire_broadcast *b, const struct wire_channel *channel);

/* --- Requests ----------------------------------------------------------------------------------------------------- */

enum wire_request_type {
	WIRE_SOCKETS,
	WIRE_ALL_ROOMS,
	WIRE_REMOTE_JOIN,
	WIRE_REMOTE_LEAVE,
	WIRE_REMOTE_DISCONNECT,
	WIRE_REMOTE_FETCH,
	WIRE_SERVER_EMIT,
	WIRE_BROADCAST
};

struct wire_request {
	enum wire_request_type type;
	struct slice uid;        /* empty: an emitter's */
	struct slice request_id; /* empty: no answer is wanted */
	struct wire_opts opts;   /* JOIN, LEAVE, DISCONNECT, FETCH: rooms and except; BROADCAST: all */
	struct wire_names rooms; /* JOIN, LEAVE: the rooms; SOCKETS: whose members, none: everybody's */
	struct slice sid;        /* JOIN, LEAVE, DISCONNECT: this client instead of opts; empty: opts */
	bool close;              /* DISCONNECT: the connection too */
	struct stoa_value data;  /* SERVER_EMIT, BROADCAST: [event, ..args] */
	struct slice nsp;        /* BROADCAST: the packet's, "/" when it has none */
};

const char *wire_request_decode(
	struct arena *arena, struct slice payload, const struct wire_rules *rules, struct wire_request *r);
/* As wire_broadcast_encode(). Types that need an answer need uid and request_id. */
int wire_request_encode(struct buf *to, struct arena *arena, const struct wire_request *r);

/* --- Answers ------------------------------------------------------------------------------------------------------ */

enum wire_response_type {
	WIRE_ANSWER_DONE,    /* nothing but the requestId */
	WIRE_ANSWER_SIDS,    /* names */
	WIRE_ANSWER_ROOMS,   /* names */
	WIRE_ANSWER_SOCKETS, /* sockets */
	WIRE_ANSWER_SERVER,  /* value: the first argument of a server's acknowledgement */
	WIRE_ANSWER_COUNT,   /* clients: so many will acknowledge */
	WIRE_ANSWER_ACK      /* value: the first argument of a client's acknowledgement */
};

struct wire_response {
	enum wire_response_type type;
	struct slice request_id;
	struct wire_names names;
	struct stoa_value sockets; /* array; each for wire_socket_of(). Decoding only */
	struct stoa_value value;
	bool has_value; /* false: it acknowledged without an argument */
	uint64_t clients;
	/* What our own servers add, and others pass over: */
	struct slice uid;       /* who answers; empty: it does not say */
	struct stoa_value args; /* ACK, SERVER: all arguments, an array, where there are more than one; else null */
};

/* An empty list of sockets is WIRE_ANSWER_SOCKETS: it does not say which kind it is. */
const char *wire_response_decode(
	struct arena *arena, struct slice payload, const struct wire_rules *rules, struct wire_response *r);
/* As wire_broadcast_encode(); not for WIRE_ANSWER_SOCKETS. */
int wire_response_encode(struct buf *to, struct arena *arena, const struct wire_response *r);

/* A client as REMOTE_FETCH describes it. */
struct wire_socket {
	struct slice id;
	struct wire_names rooms;
	struct stoa_value data;
	/* The handshake. Node takes a client without one: `bare`, and what follows does not count. */
	bool bare;
	struct stoa_value headers, query; /* objects */
	struct slice time;                /* as Date.toString() */
	struct slice address;
	struct slice url;
	bool xdomain, secure;
	int64_t issued_ms; /* since 1970 */
	struct stoa_value auth;
	bool has_auth; /* it may be a secret */
};

/* One client of an answer. What is missing in it is empty or null. */
const char *wire_socket_of(
	struct arena *arena, struct stoa_value v, const struct wire_rules *rules, struct wire_socket *socket);

/*
 * An answer with clients, as JSON, piece by piece: begin, each client, end. Errors are those of
 * wire_broadcast_encode(); a client that cannot be encoded leaves no trace.
 */
int wire_sockets_begin(struct buf *to, struct slice request_id, struct slice uid); /* uid: as in wire_response */
int wire_sockets_add(struct buf *to, struct arena *arena, const struct wire_socket *socket);
int wire_sockets_end(struct buf *to);

/* --- For tests and builds that check what they publish ------------------------------------------------------------ */

/* NULL: Node takes `payload` from a channel of that kind. Stricter than the decoders, which read the mistakes of others. */
const char *wire_classic_check(enum wire_channel_kind kind, struct slice payload);

#endif
