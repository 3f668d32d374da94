/*
 * pickle.c - the stack machine of pickletools.py, as far as plain data needs it; see pickle.h.
 *
 * While the machine runs, a list may still grow though the memo and other lists refer to it. So lists, tuples and dicts
 * are boxes on the heap, values name them by number, and the tree is built from them in the end.
 */
#include "pickle_parts.h"

#include <stdlib.h>

static const char more_than_data[] = "pickle of more than data";

enum { FIRST_PROTOCOL = 2, LAST_PROTOCOL = 5 };

enum op {
	OP_MARK = '(',
	OP_EMPTY_TUPLE = ')',
	OP_STOP = '.',
	OP_BINBYTES = 'B',
	OP_SHORT_BINBYTES = 'C',
	OP_BINFLOAT = 'G',
	OP_BININT = 'J',
	OP_BININT1 = 'K',
	OP_BININT2 = 'M',
	OP_NONE = 'N',
	OP_BINUNICODE = 'X',
	OP_EMPTY_LIST = ']',
	OP_APPEND = 'a',
	OP_APPENDS = 'e',
	OP_BINGET = 'h',
	OP_LONG_BINGET = 'j',
	OP_BINPUT = 'q',
	OP_LONG_BINPUT = 'r',
	OP_SETITEM = 's',
	OP_TUPLE = 't',
	OP_SETITEMS = 'u',
	OP_EMPTY_DICT = '}',
	OP_PROTO = 0x80,
	OP_TUPLE1 = 0x85,
	OP_TUPLE2 = 0x86,
	OP_TUPLE3 = 0x87,
	OP_NEWTRUE = 0x88,
	OP_NEWFALSE = 0x89,
	OP_LONG1 = 0x8a,
	OP_LONG4 = 0x8b,
	OP_SHORT_BINUNICODE = 0x8c,
	OP_BINUNICODE8 = 0x8d,
	OP_BINBYTES8 = 0x8e,
	OP_MEMOIZE = 0x94,
	OP_FRAME = 0x95,
	OP_BYTEARRAY8 = 0x96,
};

/* The opcodes that are left: classes, calls, sets, persistent ids, the text ones of protocol 0, Python 2's strings. */
static const char other_ops[] = "012FILPQRSTUVbcdgilop\x81\x82\x83\x84\x8f\x90\x91\x92\x93\x97\x98";

bool pickle_fail(struct pickle_reader *r, const char *why)
{
	r->error = why;
	return false;
}

/* --- Memory ------------------------------------------------------------------------------------------------------- */

/* Room for one more item; the array, or NULL with the error set. */
void *pickle_grow(struct pickle_reader *r, void *at, size_t *cap, size_t count, size_t size)
{
	size_t wanted = *cap ? 2 * *cap : 16;

	if (count < *cap)
		return at;
	at = realloc(at, wanted * size);
	if (at == NULL)
		r->error = PICKLE_NO_MEMORY;
	else
		*cap = wanted;
	return at;
}

bool pickle_add(struct pickle_reader *r, struct pickle_values *to, struct stoa_value v)
{
	struct stoa_value *at = pickle_grow(r, to->at, &to->cap, to->count, sizeof(*at));

	if (at == NULL)
		return false;
	to->at = at;
	to->at[to->count++] = v;
	return true;
}

static void reader_fini(struct pickle_reader *r)
{
	for (size_t i = 0; i < r->n_boxes; i++)
		free(r->boxes[i].items.at);
	free(r->boxes);
	free(r->marks);
	free(r->memo.at);
	free(r->stack.at);
}

bool pickle_keep(struct pickle_reader *r, struct slice *s)
{
	s->at = arena_copy(r->arena, s->at, s->size);
	return s->at ? true : pickle_fail(r, PICKLE_NO_MEMORY);
}

/* --- The input ---------------------------------------------------------------------------------------------------- */

bool pickle_take(struct pickle_reader *r, size_t n, struct slice *bytes)
{
	if (n > (size_t)(r->end - r->at))
		return pickle_fail(r, PICKLE_MALFORMED);
	*bytes = slice_of(r->at, n);
	r->at += n;
	return true;
}

/* An unsigned number of n bytes, little end first. */
bool pickle_take_number(struct pickle_reader *r, size_t n, uint64_t *number)
{
	struct slice bytes;

	if (!pickle_take(r, n, &bytes))
		return false;
	for (*number = 0; n-- > 0;)
		*number = *number << 8 | (unsigned char)bytes.at[n];
	return true;
}

/* Bytes behind their number, which has n bytes itself. */
bool pickle_take_counted(struct pickle_reader *r, size_t n, struct slice *bytes)
{
	uint64_t size;

	if (!pickle_take_number(r, n, &size))
		return false;
	return size <= SIZE_MAX ? pickle_take(r, (size_t)size, bytes) : pickle_fail(r, PICKLE_MALFORMED);
}

/* --- The stack ---------------------------------------------------------------------------------------------------- */

static size_t newest_mark(const struct pickle_reader *r)
{
	return r->n_marks ? r->marks[r->n_marks - 1] : 0;
}

/* Every value that is pushed shows in the result, so what is pushed is bounded as that is. */
bool pickle_push(struct pickle_reader *r, struct stoa_value v)
{
	if (++r->values > r->rules->max_values)
		return pickle_fail(r, PICKLE_TOO_RICH);
	return pickle_add(r, &r->stack, v);
}

/* The n topmost values, one or more, still on the stack; none of them lies below the newest mark. */
struct stoa_value *pickle_top(struct pickle_reader *r, size_t n)
{
	if (r->stack.count - newest_mark(r) < n) {
		r->error = PICKLE_MALFORMED;
		return NULL;
	}
	return r->stack.at + r->stack.count - n;
}

bool pickle_pop_mark(struct pickle_reader *r, size_t *height)
{
	if (r->n_marks == 0)
		return pickle_fail(r, PICKLE_MALFORMED);
	*height = r->marks[--r->n_marks];
	return true;
}

/* --- The memo ----------------------------------------------------------------------------------------------------- */

/* Picklers number what they keep in order. */
static bool put(struct pickle_reader *r, uint64_t index)
{
	struct stoa_value *at = pickle_top(r, 1);

	if (at == NULL || index != r->memo.count)
		return pickle_fail(r, PICKLE_MALFORMED);
	return r->memo.count < r->rules->max_values ? pickle_add(r, &r->memo, *at) : pickle_fail(r, PICKLE_TOO_RICH);
}

static bool get(struct pickle_reader *r, size_t n)
{
	uint64_t index;

	if (!pickle_take_number(r, n, &index))
		return false;
	return index < r->memo.count ? pickle_push(r, r->memo.at[index]) : pickle_fail(r, PICKLE_MALFORMED);
}

static bool op_memoize(struct pickle_reader *r)
{
	return put(r, r->memo.count);
}

static bool op_binput(struct pickle_reader *r)
{
	uint64_t index;

	return pickle_take_number(r, 1, &index) && put(r, index);
}

static bool op_long_binput(struct pickle_reader *r)
{
	uint64_t index;

	return pickle_take_number(r, 4, &index) && put(r, index);
}

static bool op_binget(struct pickle_reader *r)
{
	return get(r, 1);
}

static bool op_long_binget(struct pickle_reader *r)
{
	return get(r, 4);
}

/* --- The machine -------------------------------------------------------------------------------------------------- */

/* A frame announces how much follows; none begins inside another. */
static bool op_frame(struct pickle_reader *r)
{
	uint64_t size;

	if (!pickle_take_number(r, 8, &size))
		return false;
	if (r->at - 9 < r->frame_end || size > (uint64_t)(r->end - r->at))
		return pickle_fail(r, PICKLE_MALFORMED);
	r->frame_end = r->at + size;
	return true;
}

static pickle_op_fn *const ops[256] = {
	[OP_MARK] = pickle_op_mark,
	[OP_EMPTY_TUPLE] = pickle_op_empty_tuple,
	[OP_BINBYTES] = pickle_op_bytes,
	[OP_SHORT_BINBYTES] = pickle_op_short_bytes,
	[OP_BINFLOAT] = pickle_op_binfloat,
	[OP_BININT] = pickle_op_binint,
	[OP_BININT1] = pickle_op_binint1,
	[OP_BININT2] = pickle_op_binint2,
	[OP_NONE] = pickle_op_none,
	[OP_BINUNICODE] = pickle_op_text,
	[OP_EMPTY_LIST] = pickle_op_empty_list,
	[OP_APPEND] = pickle_op_append,
	[OP_APPENDS] = pickle_op_appends,
	[OP_BINGET] = op_binget,
	[OP_LONG_BINGET] = op_long_binget,
	[OP_BINPUT] = op_binput,
	[OP_LONG_BINPUT] = op_long_binput,
	[OP_SETITEM] = pickle_op_setitem,
	[OP_TUPLE] = pickle_op_tuple,
	[OP_SETITEMS] = pickle_op_setitems,
	[OP_EMPTY_DICT] = pickle_op_empty_dict,
	[OP_TUPLE1] = pickle_op_tuple1,
	[OP_TUPLE2] = pickle_op_tuple2,
	[OP_TUPLE3] = pickle_op_tuple3,
	[OP_NEWTRUE] = pickle_op_true,
	[OP_NEWFALSE] = pickle_op_false,
	[OP_LONG1] = pickle_op_long1,
	[OP_LONG4] = pickle_op_long4,
	[OP_SHORT_BINUNICODE] = pickle_op_short_text,
	[OP_BINUNICODE8] = pickle_op_long_text,
	[OP_BINBYTES8] = pickle_op_long_bytes,
	[OP_MEMOIZE] = op_memoize,
	[OP_FRAME] = op_frame,
	[OP_BYTEARRAY8] = pickle_op_long_bytes,
};

/* From behind the protocol to behind the STOP. */
static bool run(struct pickle_reader *r)
{
	while (r->at < r->end) {
		unsigned char op = (unsigned char)*r->at++;

		if (op == OP_STOP)
			return true;
		if (ops[op] == NULL)
			return pickle_fail(r, op && strchr(other_ops, (char)op) ? more_than_data : PICKLE_MALFORMED);
		if (!ops[op](r))
			return false;
	}
	return pickle_fail(r, PICKLE_MALFORMED);
}

static bool read_head(struct pickle_reader *r)
{
	struct slice head;

	if (!pickle_take(r, 2, &head) || (unsigned char)head.at[0] != OP_PROTO)
		return pickle_fail(r, PICKLE_MALFORMED);
	return head.at[1] >= FIRST_PROTOCOL && head.at[1] <= LAST_PROTOCOL ? true : pickle_fail(r, PICKLE_MALFORMED);
}

static bool read_pickle(struct pickle_reader *r, struct stoa_value *v)
{
	if (!read_head(r) || !run(r))
		return false;
	if (r->at != r->end || r->stack.count != 1 || r->n_marks)
		return pickle_fail(r, PICKLE_MALFORMED);
	r->values = 1;
	*v = r->stack.at[0];
	return pickle_build(r, v);
}

const char *pickle_decode(struct arena *arena, struct slice in, const struct pickle_rules *rules, struct stoa_value *v)
{
	struct pickle_reader r = { .rules = rules, .arena = arena };

	*v = value_broken();
	if (in.size > rules->max_bytes)
		return "pickle too large";
	if (in.size == 0)
		return PICKLE_MALFORMED;
	r.at = r.frame_end = in.at;
	r.end = in.at + in.size;
	if (!read_pickle(&r, v))
		*v = value_broken();
	reader_fini(&r);
	return r.error;
}

bool pickle_is_tuple(struct stoa_value v)
{
	return v.kind_ == VALUE_ARRAY && (v.flags_ & PICKLE_IS_TUPLE);
}
