/*
 * pickle.h - Python's pickles of plain data, protocols 2 to 5, into values. Data only: what would name a class, call
 * or build anything is refused, so that a pickle from a stranger is no more than a strange JSON.
 *
 * The format is described in CPython's Lib/pickletools.py. python-socketio up to 5.13 sends its messages so; these are
 * the opcodes that plain data gives, whichever of CPython's picklers wrote it:
 *	PROTO FRAME STOP MARK NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 LONG1 LONG4 BINFLOAT
 *	SHORT_BINUNICODE BINUNICODE BINUNICODE8 SHORT_BINBYTES BINBYTES BINBYTES8 BYTEARRAY8
 *	EMPTY_DICT SETITEM SETITEMS EMPTY_LIST APPEND APPENDS EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3
 *	MEMOIZE BINPUT LONG_BINPUT BINGET LONG_BINGET
 *
 *	Python              value
 *	None, bool          VALUE_NULL, VALUE_BOOL
 *	int                 VALUE_INT, VALUE_UINT; VALUE_FLOAT, correctly rounded, beyond 64 bits
 *	float               VALUE_FLOAT
 *	str                 VALUE_TEXT, lone surrogates as in value.h
 *	bytes, bytearray    VALUE_BYTES
 *	list                VALUE_ARRAY
 *	tuple               VALUE_ARRAY, and pickle_is_tuple()
 *	dict                VALUE_OBJECT; keys become text as json.dumps() makes it: None "null", True "true", 1 "1",
 *	                    1.0 "1.0"; any other key is refused
 *
 * One object may stand in many places of the result, so a few bytes can describe a huge one: the limits count what is
 * seen by walking the result, and a cycle is deeper than any limit. Work and memory are linear in the input and in
 * max_values.
 */
#ifndef STOA_CODEC_PICKLE_H
#define STOA_CODEC_PICKLE_H

#include "buf.h"
#include "value.h"

struct pickle_rules {
	size_t max_bytes;       /* of the pickle */
	size_t max_values;      /* nodes of the result, keys counted too */
	size_t max_text_bytes;  /* of all its text and binary */
	unsigned max_depth;     /* lists, tuples and dicts inside each other; VALUE_DEPTH_MAX at most */
	unsigned max_int_bytes; /* of one int */
};

#define PICKLE_RULES \
	((struct pickle_rules){ .max_bytes = 1 << 20, \
		.max_values = 1 << 18, \
		.max_text_bytes = 4 << 20, \
		.max_depth = 200, \
		.max_int_bytes = 128 })

/*
 * Decodes `in`, which is one pickle and nothing else. NULL and *v, which lives in `arena` together with its text (the
 * input may go); or why not, a static text: "pickle too large", "malformed pickle", "pickle of more than data",
 * "pickle text is not UTF-8", "pickle integer too large", "pickle too deep", "pickle too rich", "pickle key is no text", "no memory".
 */
const char *pickle_decode(struct arena *arena, struct slice in, const struct pickle_rules *rules, struct stoa_value *v);

/* A tuple of the pickle, as opposed to a list; and one to be written. */
bool pickle_is_tuple(struct stoa_value v);
struct stoa_value pickle_tuple(const struct stoa_value *items, size_t n);

/*
 * Appends v as a pickle of protocol 3, which all of Python 3 reads: the table above from right to left. Members that are
 * undefined are left out, raw values are decoded. 0, or -EINVAL (a broken value, text that is not UTF-8, deeper than
 * VALUE_DEPTH_MAX, 4 GiB or more) or -ENOMEM; then nothing has been appended.
 */
int pickle_encode(struct buf *to, struct stoa_value v);

#endif
