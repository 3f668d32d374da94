/*
 * wire.h - what the formats that servers exchange over Redis have in common: rules, lists of names, reading a payload.
 *
 * Payloads come from anybody who can publish, so all of them are hostile until decoded. Decoders answer NULL or why
 * not: a static text, fit as a metric's label. What they hand out lives in the arena given, but for binary, which points
 * into the payload. On an error the result means nothing.
 */
#ifndef STOA_CODEC_WIRE_H
#define STOA_CODEC_WIRE_H

#include "pickle.h"
#include "value.h"

struct wire_rules {
	size_t max_bytes;           /* of a payload */
	unsigned max_depth;         /* of its arrays and objects; VALUE_DEPTH_MAX at most */
	size_t max_names;           /* rooms, sids or clients in one list */
	struct pickle_rules pickle; /* of Python's; its max_bytes 0: none is read */
	bool python_list_is_args;   /* see wire_python.h */
};

#define WIRE_RULES \
	((struct wire_rules){ .max_bytes = 1 << 20, .max_depth = 200, .max_names = 10000, .pickle = PICKLE_RULES })

/* Rooms or sids; each once, in the order of their first appearance. Integers have become their decimal text. */
struct wire_names {
	struct slice *at;
	size_t count;
};

/* An event that a client can be sent: an array whose first item is a number or a text that no client takes for a
 * reserved name. NULL, or why not. */
const char *wire_check_event(struct stoa_value data);

/*
 * A list of names as emitters write it: an array, a text (one name; empty: none), a map (its values), or nothing. What
 * is no name in it (null, true) is left out: nobody can be in such a room. `names->count` may therefore be 0 though the
 * list was not empty: *empty says what the list was.
 */
const char *wire_names_of(struct arena *arena, struct stoa_value list, const struct wire_rules *rules,
	struct wire_names *names, bool *empty);
/* One name, as its text; false: it is none. */
bool wire_name_of(struct arena *arena, struct stoa_value v, struct slice *name);

/* The text of v, or empty when it is none. */
struct slice wire_text_of(struct stoa_value v);

/* JSON (it begins with '{') or MessagePack, as a tree that is an object. */
const char *wire_read_object(
	struct arena *arena, struct slice payload, const struct wire_rules *rules, struct stoa_value *v);
/* MessagePack, as any tree. */
const char *wire_read_msgpack(
	struct arena *arena, struct slice payload, const struct wire_rules *rules, struct stoa_value *v);
/* That it is MessagePack as the rules want it; nothing is decoded. */
const char *wire_check_msgpack(struct slice payload, const struct wire_rules *rules);

/* v as JSON.stringify() takes it in Node: binary as {"type":"Buffer","data":[..]}. VALUE_BROKEN: no memory. */
struct stoa_value wire_plain_json(struct arena *arena, struct stoa_value v);

/* --- Objects to be encoded: members in order ---------------------------------------------------------------------- */

struct wire_object {
	struct stoa_value pairs[2 * 12];
	size_t members;
};

static inline void wire_put(struct wire_object *o, struct slice key, struct stoa_value v)
{
	o->pairs[2 * o->members] = value_text(key);
	o->pairs[2 * o->members + 1] = v;
	o->members++;
}

/* Borrows the object. */
static inline struct stoa_value wire_object_value(const struct wire_object *o)
{
	return value_object(o->pairs, o->members);
}

/* The names as an array in the arena. `both`: one that is an integer's text stands there twice, as text and as integer,
 * since Node's rooms may be either. VALUE_BROKEN: no memory. */
struct stoa_value wire_names_value(struct arena *arena, const struct wire_names *names, bool both);

#endif
