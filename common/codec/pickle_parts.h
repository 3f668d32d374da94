/* pickle_parts.h - the machine of pickle.c, which its opcodes share; private to pickle*.c. */
#ifndef STOA_CODEC_PICKLE_PARTS_H
#define STOA_CODEC_PICKLE_PARTS_H

#include "pickle.h"

#define PICKLE_MALFORMED "malformed pickle"
#define PICKLE_NO_MEMORY "no memory"
#define PICKLE_TOO_RICH  "pickle too rich"

/* Bits of stoa_value.flags_: as_.u is the number of a box; the array is a tuple. */
enum { PICKLE_IS_BOX = 0x1000, PICKLE_IS_TUPLE = 0x2000 };

struct pickle_values {
	struct stoa_value *at;
	size_t count, cap;
};

/* A list, a tuple or a dict (keys and values in turn). */
struct pickle_box {
	enum value_kind kind;
	bool tuple;
	struct pickle_values items;
};

struct pickle_reader {
	const char *at, *end, *frame_end;
	const struct pickle_rules *rules;
	struct arena *arena;
	struct pickle_values stack, memo;
	size_t *marks; /* heights of the stack */
	size_t n_marks, cap_marks;
	struct pickle_box *boxes;
	size_t n_boxes, cap_boxes;
	size_t values;     /* pushed, and later: built */
	size_t text_bytes; /* of what was built */
	unsigned depth;    /* of what is being built */
	const char *error;
};

/* These and the opcodes answer false with r->error set. */
typedef bool pickle_op_fn(struct pickle_reader *r);

bool pickle_fail(struct pickle_reader *r, const char *why);

/* Room for one more item; the array, or NULL with the error set. */
void *pickle_grow(struct pickle_reader *r, void *at, size_t *cap, size_t count, size_t size);
bool pickle_add(struct pickle_reader *r, struct pickle_values *to, struct stoa_value v);
/* Moves the bytes to the arena, with a NUL behind them. */
bool pickle_keep(struct pickle_reader *r, struct slice *s);

/* The next n bytes; an unsigned number of n bytes, little end first; bytes behind their number, which has n bytes. */
bool pickle_take(struct pickle_reader *r, size_t n, struct slice *bytes);
bool pickle_take_number(struct pickle_reader *r, size_t n, uint64_t *number);
bool pickle_take_counted(struct pickle_reader *r, size_t n, struct slice *bytes);

/* Every value that is pushed shows in the result, so what is pushed is bounded as that is. */
bool pickle_push(struct pickle_reader *r, struct stoa_value v);
/* The n topmost values, one or more, still on the stack; none of them lies below the newest mark. NULL: no. */
struct stoa_value *pickle_top(struct pickle_reader *r, size_t n);
bool pickle_pop_mark(struct pickle_reader *r, size_t *height);

/* UTF-8 with lone surrogates, as Python's "surrogatepass" writes it. */
bool pickle_text_valid(struct slice s);

/* Replaces a value of the machine by its tree. */
bool pickle_build(struct pickle_reader *r, struct stoa_value *v);

/* pickle_scalars.c */
pickle_op_fn pickle_op_binfloat, pickle_op_binint, pickle_op_binint1, pickle_op_binint2, pickle_op_bytes,
	pickle_op_false, pickle_op_long1, pickle_op_long4, pickle_op_long_bytes, pickle_op_long_text, pickle_op_none,
	pickle_op_short_bytes, pickle_op_short_text, pickle_op_text, pickle_op_true;

/* pickle_boxes.c */
pickle_op_fn pickle_op_append, pickle_op_appends, pickle_op_empty_dict, pickle_op_empty_list, pickle_op_empty_tuple,
	pickle_op_mark, pickle_op_setitem, pickle_op_setitems, pickle_op_tuple, pickle_op_tuple1, pickle_op_tuple2,
	pickle_op_tuple3;

#endif
