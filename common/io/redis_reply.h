/*
 * redis_reply.h - what Redis says (RESP2), from bytes to values, without a socket.
 *
 * hiredis' reader takes the bytes apart; what it finds becomes a tree in the reader's own memory, one tree at a time.
 * Strings are copied into it once, because hiredis moves its buffer; small replies allocate nothing in the long run.
 *
 * Redis is taken for hostile here: a reply of more than max_message bytes ends the stream as soon as its length is
 * announced, or, where nothing is announced, when so many bytes have come; so does one whose tree would take more than
 * twice that (an element takes 48 bytes, so elements of 4 bytes each do), one nested deeper than 7 (hiredis' limit), a line
 * of more than 64 KiB, and anything that is not RESP2. Never more than max_message + 1.1 MB are buffered.
 */
#ifndef STOA_IO_REDIS_REPLY_H
#define STOA_IO_REDIS_REPLY_H

#include "slice.h"

enum redis_type { REDIS_STRING, REDIS_STATUS, REDIS_ERROR, REDIS_INTEGER, REDIS_NIL, REDIS_ARRAY };

struct redis_reply {
	enum redis_type type;
	int64_t integer;   /* REDIS_INTEGER */
	struct slice text; /* REDIS_STRING, any bytes; REDIS_STATUS and REDIS_ERROR: a line without its prefix */
	struct redis_reply *items; /* REDIS_ARRAY: `count` of them, never NULL when count > 0 */
	size_t count;
};

enum redis_read {
	REDIS_READ_REPLY,
	REDIS_READ_MORE,  /* the rest has not come */
	REDIS_READ_BAD,   /* not RESP2, or nested too deep; stays so until the reset */
	REDIS_READ_LARGE, /* larger than max_message, or its tree; the same */
	REDIS_READ_NOMEM  /* no memory; the same */
};

struct redis_reader;

struct redis_reader *redis_reader_new(size_t max_message);
void redis_reader_free(struct redis_reader *r);  /* NULL is fine */
void redis_reader_reset(struct redis_reader *r); /* another stream begins: nothing is kept */

/* Bytes come, 16 KiB at most at a time, since they are moved up when a reply has been taken (more is slower, not wrong). */
void redis_reader_feed(struct redis_reader *r, struct slice bytes);

/* The next reply, valid until the next call of any of these. Call it until it says REDIS_READ_MORE. */
enum redis_read redis_reader_next(struct redis_reader *r, const struct redis_reply **reply);

/* Why it was bad, in words; may quote the byte that came, never more. */
const char *redis_reader_why(const struct redis_reader *r);

/* --- What a subscriber hears -------------------------------------------------------------------------------------- */

/* Sharded names are SSUBSCRIBE's of Redis 7. */
enum redis_names { REDIS_CHANNELS, REDIS_PATTERNS, REDIS_SHARDED, REDIS_NAMES_KINDS };

enum redis_push_kind {
	REDIS_PUSH_NONE,         /* an ordinary reply */
	REDIS_PUSH_MESSAGE,      /* somebody published */
	REDIS_PUSH_SUBSCRIBED,   /* one name of a SUBSCRIBE, PSUBSCRIBE or SSUBSCRIBE holds from here on */
	REDIS_PUSH_UNSUBSCRIBED, /* one name does not any more */
	REDIS_PUSH_PONG,         /* PING's answer while something is subscribed */
	REDIS_PUSH_BAD           /* begins as one of these and does not go on so */
};

struct redis_push {
	enum redis_push_kind kind;
	enum redis_names names;
	struct slice name;    /* the channel or pattern that was subscribed to */
	struct slice channel; /* of a message: where it was published; for channels the same as `name` */
	struct slice payload; /* of a message */
	int64_t count;        /* after (un)subscribing: how many names of all kinds are left */
};

/* Reads a reply that came on a subscriber's connection. The slices are the reply's. */
void redis_push_of(const struct redis_reply *reply, struct redis_push *push);

#endif
