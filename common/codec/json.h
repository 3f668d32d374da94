/*
 * json.h - JSON as JavaScript writes and reads it: checked, decoded into values, encoded from them.
 *
 * Our own because none of the libraries in reach keeps numbers, surrogates and NULs as JavaScript does. Texts are
 * RFC 8259: valid UTF-8, no comments, no trailing comma, depth bounded. Everything is linear in the text's size, also
 * for hostile input, and recursion is bounded by the depth limit.
 *
 * Attachments: in a Socket.IO binary packet an object {"_placeholder":true,"num":n} stands for the n-th attachment
 * (socket.io-parser's binary.ts). JSON_NO_BLOBS says that the text is no binary packet's: then it is a plain object.
 */
#ifndef STOA_CODEC_JSON_H
#define STOA_CODEC_JSON_H

#include "arena.h"
#include "buf.h"
#include "value.h"

/* What json_check and json_items_next learn about a text, ORed into *flags. */
enum {
	JSON_REWRITE = 1, /* holds a number that JavaScript would not print so (-0, or a negative one so small that it
	                     rounds to it; one that overflows to Infinity, which is null in JSON): decode and encode
	                     instead of passing on */
	JSON_BLOBS = 2,   /* holds a placeholder of an attachment */
};

enum { JSON_NO_BLOBS = -1 };

struct json_rules {
	unsigned max_depth; /* arrays and objects inside each other; 1 allows [] and {}. VALUE_DEPTH_MAX at most */
	long blobs;         /* number of attachments, or JSON_NO_BLOBS. A placeholder whose num is no integer in
	                       [0, blobs) makes the text malformed ("illegal attachments") */
};

/*
 * Whether `text` is exactly one JSON value (white space around it allowed). One pass, no allocation. NULL, or why not:
 * a static text, "malformed JSON", "JSON is not UTF-8", "JSON too deep" or "illegal attachments". *flags is set, not
 * added to.
 *
 * A placeholder is what socket.io-parser takes for one: an object whose member _placeholder is true, whatever else is
 * in it, keys compared as decoded, the last of a name counting. Its num must be digits and nothing else: 0.5 and 1e0
 * are illegal here, though Node lets them pass. Unlike in Node, those hidden by a later member of the same name or
 * inside another placeholder must be right as well.
 */
const char *json_check(struct slice text, const struct json_rules *rules, unsigned *flags);

/*
 * Walks the items of an array, checking as it goes:
 *	struct json_items it = json_items_of(text, &rules);
 *	while (json_items_next(&it, &item)) ..
 *	if (it.error) ..
 * Each item is the text of one value without the white space around it. The whole array has been checked when next
 * answers false with error NULL, nothing but white space following it. The array itself counts as one of max_depth.
 * Rules are borrowed and must outlive the walk.
 */
struct json_items {
	struct slice rest;
	const struct json_rules *rules;
	unsigned flags;
	const char *error;
	char open, close;
	bool begun, ended;
};
struct json_items json_items_of(struct slice text, const struct json_rules *rules);
bool json_items_next(struct json_items *it, struct slice *item);

/* The same for the members of an object; `key` is a string's token, quotes included. A placeholder is looked for in the
 * values, but the object itself is never taken for one. */
struct json_items json_members_of(struct slice text, const struct json_rules *rules);
bool json_members_next(struct json_items *it, struct slice *key, struct slice *value);

/*
 * Decodes text that json_check accepted under the same rules. With n_blobs 0 placeholders are plain objects; otherwise
 * they become VALUE_BYTES that point into `blobs`, which is borrowed. VALUE_BROKEN: no memory (or text that was not
 * checked, or not under these rules: then the answer may be any tree, but nothing is read or written out of bounds).
 *
 * It takes at most JSON_ARENA_FACTOR bytes of the arena for each byte of text ("[[[]]]" is the dearest) and, while it
 * runs, up to 36 of the heap.
 *
 * Integers that fit 64 bits stay exact, all other numbers are correctly rounded doubles, -0 among them.
 */
enum { JSON_ARENA_FACTOR = 17 };
struct stoa_value json_decode(struct arena *arena, struct slice text, const struct slice *blobs, size_t n_blobs);

/* Decodes a JSON string token, quotes included, that was checked. {NULL, 0}: no memory. NUL-terminated. */
struct slice json_decode_text(struct arena *arena, struct slice token);

/* The attachments of a text being encoded, in placeholder order; slices are borrowed from the values. */
struct json_blobs {
	struct slice *at;
	size_t count, cap;
};
void json_blobs_fini(struct json_blobs *blobs);

/*
 * Appends v. Binary becomes a placeholder numbered in order (depth first, key order) and is noted in `blobs`; with
 * blobs NULL it is written as the text "<3 bytes>" instead (for logs). NaN and infinities become null, -0 becomes 0,
 * doubles have the shortest text that reads back the same, in JavaScript's form (1e+21, 1e-7, 0.1). Text is escaped as
 * JSON.stringify() does it. A key that comes twice is written twice. A plain object that looks like a placeholder is
 * written like any other, and receivers of a binary packet will take it for one; so it is with Node.
 *
 * 0, or -EINVAL: text that is not UTF-8, a broken value, a spread where it does not belong, deeper than
 * VALUE_DEPTH_MAX; or -ENOMEM. Then nothing has been appended or noted. The same holds for the two below.
 */
int json_encode(struct buf *to, struct stoa_value v, struct json_blobs *blobs);

/* Appends the values as items without brackets, "a,b", spreads as their items: an empty one leaves no comma. */
int json_encode_items(struct buf *to, const struct stoa_value *values, size_t n, struct json_blobs *blobs);

/* Appends a JSON string of s, quotes included. s is UTF-8 with lone surrogates allowed, as in value.h. */
int json_encode_text(struct buf *to, struct slice s);

#endif
