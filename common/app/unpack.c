/*
 * unpack.c - values read by the type of the place.
 *
 * Slots are walked twice: once to see whether everything fits, once to store, so that a failure stores nothing. What
 * does not fit first is put in words on the way back from the place where it was found.
 */
#include "internal.h"

#include <inttypes.h>
#include <math.h>

struct reading {
	bool store;       /* the second walk */
	struct buf *said; /* what was expected, when it did not fit; NULL: nobody asks */
};

/* --- Numbers ------------------------------------------------------------------------------------------------------ */

/* Two to the 63rd and the 64th: the first doubles beyond the types, and exact. */
static const double int64_end = 9223372036854775808.0, uint64_end = 18446744073709551616.0;

/* A whole number in either half of what 64 bits can say. Python's clients send 1.0 for 1. */
static bool whole_of(struct stoa_value v, bool *negative, uint64_t *bits)
{
	if (v.kind_ == VALUE_FLOAT) {
		double f = v.as_.f;
		if (!(f >= -int64_end && f < uint64_end) || f < floor(f) || f > floor(f))
			return false;
		*negative = f < 0;
		*bits = f < 0 ? (uint64_t)(int64_t)f : (uint64_t)f;
		return true;
	}
	*negative = v.kind_ == VALUE_INT && v.as_.i < 0;
	*bits = v.as_.u;
	return v.kind_ == VALUE_INT || v.kind_ == VALUE_UINT;
}

static bool fits_signed(bool negative, uint64_t bits, size_t size)
{
	int64_t max = (int64_t)(UINT64_MAX >> (65 - 8 * size));

	return negative ? (int64_t)bits >= -max - 1 : bits <= (uint64_t)max;
}

static void store_whole(void *place, size_t size, uint64_t bits)
{
	switch (size) {
	case 1:
		*(uint8_t *)place = (uint8_t)bits;
		break;
	case 2:
		*(uint16_t *)place = (uint16_t)bits;
		break;
	case 4:
		*(uint32_t *)place = (uint32_t)bits;
		break;
	case 8:
		*(uint64_t *)place = bits;
		break;
	}
}

static bool read_whole(struct reading *r, struct stoa_slot s, struct stoa_value v)
{
	bool is_signed = s.kind_ == STOA_SLOT_INT, negative;
	uint64_t bits;

	if (!whole_of(v, &negative, &bits))
		return false;
	if (is_signed ? !fits_signed(negative, bits, s.size_) : negative || bits > UINT64_MAX >> (64 - 8 * s.size_))
		return false;
	if (r->store)
		store_whole(s.as_.place, s.size_, bits);
	return true;
}

static bool read_double(struct reading *r, struct stoa_slot s, struct stoa_value v)
{
	double f;

	if (v.kind_ == VALUE_FLOAT)
		f = v.as_.f;
	else if (v.kind_ == VALUE_INT)
		f = (double)v.as_.i;
	else if (v.kind_ == VALUE_UINT)
		f = (double)v.as_.u;
	else
		return false;
	if (r->store)
		*(double *)s.as_.place = f;
	return true;
}

/* --- Leaves ------------------------------------------------------------------------------------------------------- */

static bool read_text(struct reading *r, struct stoa_slot s, struct stoa_value v)
{
	if (v.kind_ != VALUE_TEXT || slice_find(value_slice(v), '\0') != v.size_)
		return false;
	if (r->store)
		*(const char **)s.as_.place = v.as_.at;
	return true;
}

static bool read_bool(struct reading *r, struct stoa_slot s, struct stoa_value v)
{
	if (v.kind_ == VALUE_BOOL && r->store)
		*(bool *)s.as_.place = v.as_.i != 0;
	return v.kind_ == VALUE_BOOL;
}

static bool read_bytes(struct reading *r, struct stoa_slot s, struct stoa_value v)
{
	if (v.kind_ == VALUE_BYTES && r->store)
		*(struct stoa_bytes *)s.as_.place = (struct stoa_bytes){ v.as_.at, v.size_ };
	return v.kind_ == VALUE_BYTES;
}

static bool read_value(struct reading *r, struct stoa_slot s, struct stoa_value v)
{
	if (r->store)
		*(struct stoa_value *)s.as_.place = v;
	return v.kind_ != VALUE_BROKEN;
}

/* --- In words ----------------------------------------------------------------------------------------------------- */

static void say_whole(struct buf *to, struct stoa_slot s, struct stoa_value v)
{
	uint64_t max = UINT64_MAX >> (64 - 8 * s.size_), bits;
	bool negative;

	if (!whole_of(v, &negative, &bits))
		buf_add_str(to, "integer");
	else if (s.kind_ == STOA_SLOT_INT)
		buf_printf(to, "integer from %" PRId64 " to %" PRIu64, -(int64_t)(max / 2) - 1, max / 2);
	else
		buf_printf(to, "integer from 0 to %" PRIu64, max);
}

/* What a place takes; `v` is what was there instead. */
static void say_slot(struct buf *to, struct stoa_slot s, struct stoa_value v)
{
	switch ((enum stoa_slot_kind)s.kind_) {
	case STOA_SLOT_TEXT:
		buf_add_str(to, v.kind_ == VALUE_TEXT ? "text without NUL" : "text");
		break;
	case STOA_SLOT_BOOL:
		buf_add_str(to, "bool");
		break;
	case STOA_SLOT_DOUBLE:
		buf_add_str(to, "number");
		break;
	case STOA_SLOT_INT:
	case STOA_SLOT_UINT:
		say_whole(to, s, v);
		break;
	case STOA_SLOT_BYTES:
		buf_add_str(to, "binary");
		break;
	case STOA_SLOT_VALUE:
		buf_add_str(to, "value");
		break;
	case STOA_SLOT_FIELDS:
		buf_add_str(to, "object");
		break;
	case STOA_SLOT_KEY:
		buf_add_str(to, "a place to read into, which the handler did not give");
		break;
	}
}

/* --- Objects ------------------------------------------------------------------------------------------------------ */

static bool fits(struct reading *r, struct stoa_slot s, const struct stoa_value *found);

/* The last member of that name; NULL: none. */
static const struct stoa_value *member(struct stoa_value object, struct slice key)
{
	const struct stoa_value *pairs = object.as_.at;

	for (size_t i = object.size_; i-- > 0;)
		if (slice_equal(value_slice(pairs[2 * i]), key))
			return &pairs[2 * i + 1];
	return NULL;
}

/* "object with text `room`": the place's own words, then the key. */
static bool say_member(struct reading *r, struct stoa_slot key)
{
	struct buf said = BUF_INIT;

	if (r->said == NULL)
		return false;
	buf_printf(&said, "object with %.*s `%s`", SLICE_ARG(buf_slice(r->said)),
		key.kind_ == STOA_SLOT_KEY && key.as_.key ? key.as_.key : "?");
	buf_clear(r->said);
	buf_add_slice(r->said, buf_slice(&said));
	buf_fini(&said);
	return false;
}

/* An object that is not there is none of its members: so the first that must be is named. */
static bool read_fields(struct reading *r, struct stoa_slot s, const struct stoa_value *found)
{
	struct stoa_value object = found ? *found : value_null();

	for (size_t i = 0; i + 1 < s.size_; i += 2) {
		struct stoa_slot key = s.as_.slots[i], place = s.as_.slots[i + 1];
		const struct stoa_value *v = NULL;
		if (object.kind_ == VALUE_OBJECT && key.kind_ == STOA_SLOT_KEY && key.as_.key)
			v = member(object, slice_str(key.as_.key));
		if (key.kind_ != STOA_SLOT_KEY || !fits(r, place, v))
			return say_member(r, key);
	}
	return object.kind_ == VALUE_OBJECT;
}

static bool read_slot(struct reading *r, struct stoa_slot s, const struct stoa_value *found, struct stoa_value v)
{
	switch ((enum stoa_slot_kind)s.kind_) {
	case STOA_SLOT_TEXT:
		return read_text(r, s, v);
	case STOA_SLOT_BOOL:
		return read_bool(r, s, v);
	case STOA_SLOT_DOUBLE:
		return read_double(r, s, v);
	case STOA_SLOT_INT:
	case STOA_SLOT_UINT:
		return read_whole(r, s, v);
	case STOA_SLOT_BYTES:
		return read_bytes(r, s, v);
	case STOA_SLOT_VALUE:
		return found && read_value(r, s, v);
	case STOA_SLOT_FIELDS:
		return read_fields(r, s, found ? &v : NULL);
	case STOA_SLOT_KEY:
		break;
	}
	return false;
}

/* Whether `found` (NULL: nothing there) fits the slot; stores it in the second walk. */
static bool fits(struct reading *r, struct stoa_slot s, const struct stoa_value *found)
{
	struct stoa_value v = found ? value_open(*found) : value_null();
	bool ok;

	if ((s.flags_ & STOA_SLOT_OPTIONAL) && v.kind_ == VALUE_NULL)
		return true;
	/* A value that is only handed on stays as it came. */
	ok = read_slot(r, s, found, s.kind_ == STOA_SLOT_VALUE && found ? *found : v);
	if (!ok && r->said && r->said->size == 0)
		say_slot(r->said, s, v);
	return ok;
}

/* --- The calls ---------------------------------------------------------------------------------------------------- */

static void say_misfit(struct stoa_event *ev, size_t argument, struct buf *said)
{
	struct buf whole = BUF_INIT;

	buf_printf(&whole, "argument %zu: expected %.*s", argument + 1, SLICE_ARG(buf_slice(said)));
	ev->misfit = whole.failed ? NULL : arena_copy(ev->app->work, whole.at, whole.size);
	if (ev->misfit == NULL)
		ev->misfit = "unexpected arguments";
	buf_fini(&whole);
}

int unpack_event(struct stoa_event *ev, struct stoa_slots slots)
{
	struct stoa_value args = value_open(event_args(ev));
	const struct stoa_value *items = args.as_.at;
	size_t n = args.kind_ == VALUE_ARRAY ? args.size_ : 0;
	struct buf said = BUF_INIT;
	struct reading r = { .said = &said };
	bool ok = true;

	for (size_t i = 0; i < slots.size && ok; i++) {
		ok = fits(&r, slots.at[i], i < n ? &items[i] : NULL);
		if (!ok)
			say_misfit(ev, i, &said);
	}
	buf_fini(&said);
	r = (struct reading){ .store = true };
	for (size_t i = 0; i < slots.size && ok; i++)
		fits(&r, slots.at[i], i < n ? &items[i] : NULL);
	return ok ? 0 : STOA_EINPUT;
}

int unpack_read(struct stoa_value v, struct stoa_slot slot)
{
	struct reading r = { .store = false };

	if (!fits(&r, slot, &v))
		return STOA_EINPUT;
	r.store = true;
	fits(&r, slot, &v);
	return 0;
}
