/*
 * value.h - the tree that every codec decodes into and encodes from.
 *
 * A node is a struct stoa_value, passed by value. What it points to lives in the arena it was decoded or built in, and
 * nothing in a tree is ever freed by itself. Nodes are immutable, but for VALUE_RAW, which decodes itself on first
 * look and remembers (value_open).
 *
 *	kind          as_                                        size_
 *	VALUE_NULL    -                                          0
 *	VALUE_BOOL    i: 0 or 1                                  0
 *	VALUE_INT     i                                          0
 *	VALUE_UINT    u, above INT64_MAX                         0
 *	VALUE_FLOAT   f                                          0
 *	VALUE_TEXT    at: bytes and a NUL behind them            bytes without the NUL
 *	VALUE_BYTES   at: bytes                                  bytes
 *	VALUE_ARRAY   at: struct stoa_value[size_]               items
 *	VALUE_OBJECT  at: struct stoa_value[2 * size_],          members
 *	              key (VALUE_TEXT), value, key, value, ..
 *	VALUE_RAW     at: struct value_raw                       0
 *	VALUE_SPREAD  at: one struct stoa_value, an array;       0
 *	              stands for its items where a list of values is encoded
 *	VALUE_BROKEN  -                                          0   could not be made (no memory, bad JSON): encoding fails
 *
 * Text is UTF-8 in which lone surrogates, which JavaScript's strings may hold, appear as three bytes each (WTF-8);
 * the JSON encoder writes them as \udXXX again. An object may hold a key twice: the last one counts.
 *
 * What JavaScript has and JSON has not is a mark in flags_ on what JSON makes of it (VALUE_MARKS): readers need not know
 * of it, JSON loses it, MessagePack brings and keeps it.
 */
#ifndef STOA_CODEC_VALUE_H
#define STOA_CODEC_VALUE_H

#include "arena.h"
#include "slice.h"
#include "stoa_value.h"

/* Arrays and objects inside each other: decoders make none deeper, encoders and value_copy() refuse what is. */
enum { VALUE_DEPTH_MAX = 512 };

enum value_kind {
	VALUE_NULL,
	VALUE_BOOL,
	VALUE_INT,
	VALUE_UINT,
	VALUE_FLOAT,
	VALUE_TEXT,
	VALUE_BYTES,
	VALUE_ARRAY,
	VALUE_OBJECT,
	VALUE_RAW,
	VALUE_SPREAD,
	VALUE_BROKEN
};

enum {
	VALUE_UNDEFINED =
		0x100,      /* of VALUE_NULL: undefined. JSON leaves out a member that is, and has null elsewhere */
	VALUE_DATE = 0x200, /* of VALUE_TEXT: a Date; the text is date.h's */
	VALUE_ARRAYBUFFER = 0x400, /* of VALUE_BYTES: an ArrayBuffer, where others are a Buffer */
	VALUE_MARKS = VALUE_UNDEFINED | VALUE_DATE | VALUE_ARRAYBUFFER,
	VALUE_PLAIN =
		0x800 /* of VALUE_TEXT: read from JSON that has it as it is, between quotes. So it is written again
	                       without another look; whoever does not know of it loses nothing */
};

/* What values travel in: JSON text with attachments beside it, or MessagePack with everything in it (MSGPACK_CLIENT). */
enum value_encoding { VALUE_JSON, VALUE_MSGPACK };

/*
 * JSON text or MessagePack that was checked (json_check, msgpack_check) but not decoded: what is only passed on stays as
 * it came. `items`: it is the inside of an array, "a,b" in JSON, and the value is that array.
 */
struct value_raw {
	struct slice text;
	enum value_encoding encoding;
	bool items;
	bool is_bus;    /* MessagePack of servers, which have dates of their own: MSGPACK_BUS */
	bool verbatim;  /* JSON that may be copied into other JSON as it is: no attachment, no JSON_REWRITE */
	size_t n_items; /* of MessagePack's `items` */
	const struct slice *blobs; /* attachments that its placeholders stand for */
	size_t n_blobs;
	struct arena *arena; /* where it decodes to */
	bool opened;
	struct stoa_value tree; /* when opened; VALUE_BROKEN when there was no memory */
};

static inline struct stoa_value value_null(void)
{
	return (struct stoa_value){ .kind_ = VALUE_NULL };
}
static inline struct stoa_value value_bool(bool b)
{
	return (struct stoa_value){ .kind_ = VALUE_BOOL, .as_.i = b };
}
static inline struct stoa_value value_int(int64_t i)
{
	return (struct stoa_value){ .kind_ = VALUE_INT, .as_.i = i };
}
static inline struct stoa_value value_float(double f)
{
	return (struct stoa_value){ .kind_ = VALUE_FLOAT, .as_.f = f };
}
static inline struct stoa_value value_broken(void)
{
	return (struct stoa_value){ .kind_ = VALUE_BROKEN };
}
static inline struct stoa_value value_uint(uint64_t u)
{
	return u <= INT64_MAX ? value_int((int64_t)u) : (struct stoa_value){ .kind_ = VALUE_UINT, .as_.u = u };
}

/* These borrow: `s` (for text: with a NUL behind it) and the arrays live as long as the value. */
static inline struct stoa_value value_text(struct slice s)
{
	return (struct stoa_value){ .kind_ = VALUE_TEXT, .size_ = s.size, .as_.at = s.at };
}
static inline struct stoa_value value_bytes(struct slice s)
{
	return (struct stoa_value){ .kind_ = VALUE_BYTES, .size_ = s.size, .as_.at = s.at };
}
static inline struct stoa_value value_array(const struct stoa_value *items, size_t n)
{
	return (struct stoa_value){ .kind_ = VALUE_ARRAY, .size_ = n, .as_.at = items };
}
static inline struct stoa_value value_object(const struct stoa_value *pairs, size_t members)
{
	return (struct stoa_value){ .kind_ = VALUE_OBJECT, .size_ = members, .as_.at = pairs };
}

/* The value of checked JSON text, with the flags of its check; value_raw and what it decodes to live in `arena`, text
 * and blobs must outlive it. VALUE_BROKEN without memory. */
struct stoa_value value_of_json(
	struct arena *arena, struct slice text, unsigned flags, const struct slice *blobs, size_t n_blobs);
/* The same for the inside of an array ("a,b" or ""). Opened, its items are plain nodes but for arrays and objects,
 * which are VALUE_RAW with flags of their own: an argument that is passed on is the same bytes again. Opening takes at
 * most 50 bytes of the arena for each byte of text. */
struct stoa_value value_of_items(
	struct arena *arena, struct slice text, unsigned flags, const struct slice *blobs, size_t n_blobs);

/* The two for MessagePack that was checked, the latter for values of it one behind the other. An item that is an array
 * or map and not empty is VALUE_RAW. Opening items takes at most 70 bytes of the arena for each byte. */
struct stoa_value value_of_msgpack(struct arena *arena, struct slice bytes);
struct stoa_value value_of_msgpack_items(struct arena *arena, struct slice bytes);
/* The first of the two, of MessagePack as servers write it (MSGPACK_BUS). */
struct stoa_value value_of_bus(struct arena *arena, struct slice bytes);

/* v itself, or for VALUE_RAW its decoded tree (decoded now if need be); never VALUE_RAW. */
struct stoa_value value_open(struct stoa_value v);

/* Bytes of a text or binary value (opened); empty for others. */
static inline struct slice value_slice(struct stoa_value v)
{
	return slice_of(v.as_.at, v.size_);
}

/* Items of an array, values of an object, null where there is none. Opens raw values. */
struct stoa_value value_at(struct stoa_value v, size_t i);
struct stoa_value value_get(struct stoa_value v, struct slice key); /* the last member of that name */

/* A deep copy into `to`, raw values as their text; values that share a list of attachments share its copy. VALUE_BROKEN
 * without memory, when v holds a broken value, or when it is deeper than VALUE_DEPTH_MAX. */
struct stoa_value value_copy(struct arena *to, struct stoa_value v);

#endif
