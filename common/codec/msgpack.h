/*
 * msgpack.h - MessagePack as JavaScript writes and reads it: checked, decoded into values, encoded from them.
 *
 * The format is msgpack.org's. What JavaScript has and the format lacks is notepack.io's, of which two versions are in
 * use that write it differently:
 *
 *	                     MSGPACK_CLIENT                   MSGPACK_BUS
 *	                     notepack.io 2.2.0, of            notepack.io 3.0.1, of the
 *	                     socket.io-msgpack-parser         Redis adapters and emitters
 *	undefined            ext 0 of one byte: d4 00 00      nil; as a member it is left out
 *	Date                 ext 0 of eight bytes: d7 00 and  the format's timestamp, ext -1, as short as
 *	                     milliseconds, int64              it can be
 *	ArrayBuffer, views   ext 0: c7/c8/c9 size 00 ..       bin
 *	ext -1, read         as any other ext                 a date
 *
 * Either side reads ext 0 in the three forms above, and any other ext as the array [type, bytes], which is all that
 * notepack.io makes of it.
 *
 * Unpacking is ours, since msgpack-c's unpacker stops at 32 levels, allocates by what a head claims, and makes a second
 * tree from which ours would be copied. Packing is msgpack-c's, but for the heads of ext 0, which it would shorten into
 * what means undefined.
 */
#ifndef STOA_CODEC_MSGPACK_H
#define STOA_CODEC_MSGPACK_H

#include "arena.h"
#include "buf.h"
#include "value.h"

enum msgpack_dialect { MSGPACK_CLIENT, MSGPACK_BUS };

struct msgpack_rules {
	unsigned max_depth; /* arrays and maps inside each other; 1 allows [] and {}. VALUE_DEPTH_MAX at most */
};

/*
 * Whether `bytes` is exactly one value: whole, nothing behind it, not too deep, text valid UTF-8, keys text or integers.
 * One pass, no recursion, no allocation; a head that claims more than there are bytes is refused when it is seen. NULL,
 * or why not: a static text, "malformed MessagePack", "MessagePack is not UTF-8", "MessagePack too deep" or
 * "a key that is no text".
 */
const char *msgpack_check(struct slice bytes, const struct msgpack_rules *rules);

/* The same for the value that `bytes` begins with, itself inside `depth` others; *value is its bytes. */
const char *msgpack_scan(struct slice bytes, const struct msgpack_rules *rules, unsigned depth, struct slice *value);

/* The head of the value that checked `bytes` begin with. A map's `count` is its members; `size` is the head's bytes:
 * what they announce, or the next value, begins behind it. */
enum msgpack_form {
	MSGPACK_NIL,
	MSGPACK_BOOL,
	MSGPACK_UINT,
	MSGPACK_INT,
	MSGPACK_FLOAT,
	MSGPACK_TEXT,
	MSGPACK_BYTES,
	MSGPACK_EXT,
	MSGPACK_ARRAY,
	MSGPACK_MAP
};
struct msgpack_head {
	enum msgpack_form form;
	int8_t type;    /* of an ext */
	size_t size;    /* of the head, its type byte included */
	uint32_t body;  /* bytes behind the head that are the value's own; 0 for arrays and maps */
	uint32_t count; /* ARRAY, MAP */
};
bool msgpack_head(struct slice bytes, struct msgpack_head *head); /* false: there is none */
size_t msgpack_count(struct slice bytes);                         /* values one behind the other, checked */

/*
 * Decodes bytes that msgpack_check accepted. VALUE_BROKEN: no memory (or bytes that were not checked: then the answer
 * may be any tree, but nothing is read or written out of bounds). It takes at most MSGPACK_ARENA_FACTOR bytes of the
 * arena for each byte, and none of the heap. Binary points into `bytes`, which must outlive the value; all else is
 * copied.
 *
 * undefined, dates and ArrayBuffers are marked (VALUE_MARKS of value.h). A date beyond JavaScript's range is null, since
 * an invalid Date is null in JSON. Integers stay exact, float32 becomes a double, integers as keys become text.
 */
enum { MSGPACK_ARENA_FACTOR = 34 };
struct stoa_value msgpack_decode(struct arena *arena, struct slice bytes, enum msgpack_dialect dialect);

/* Decodes `n` values, one behind the other, into an array. Arrays and maps among them stay as they are (VALUE_RAW). */
struct stoa_value msgpack_decode_items(struct arena *arena, struct slice bytes, size_t n);

/*
 * Appends v as notepack.io would: the shortest integer, also for a double without a fraction (-0 is 0), a double for
 * any other number, the shortest head for text and binary, members in order. Other than it, doubles beyond 64 bits stay
 * doubles, and lone surrogates become U+FFFD: what follows one is kept. A member that comes twice is written twice.
 *
 * 0, or -EINVAL: text that is not UTF-8, a broken value, a spread where it does not belong, deeper than
 * VALUE_DEPTH_MAX, 4 GiB or more; or -ENOMEM. Then nothing has been appended.
 */
int msgpack_encode(struct buf *to, struct stoa_value v, enum msgpack_dialect dialect);

/* Appends an array of the values, spreads as their items. Errors are the same. */
int msgpack_encode_list(struct buf *to, const struct stoa_value *values, size_t n, enum msgpack_dialect dialect);

/* Heads, for those who put packets together. */
void msgpack_put_map(struct buf *to, size_t members);
void msgpack_put_array(struct buf *to, size_t items);
void msgpack_put_text(struct buf *to, struct slice text); /* UTF-8 */
void msgpack_put_undefined(struct buf *to);               /* MSGPACK_CLIENT's */

#endif
