/*
 * build.c - values made by the application, in the running handler's memory.
 *
 * Text given in a list ("values...") is only borrowed until the call that the list is for: what keeps it copies it, so
 * that emitting a text costs no copy of its own. In flags_: whether the text is borrowed, whether the array or object
 * grows, and whether it was made in setting up: then it may not grow in a handler, whose memory it would outlive.
 */
#include "internal.h"
#include "utf8.h"

#include <errno.h>
#include <stdarg.h>

enum { BORROWED = 1, GROWS = 2, IN_SETUP = 4 };
enum { FIRST_CAP = 4 };

/* What stands for a value, a list or a text that there was no memory for: whatever uses it fails. */
static struct stoa_value broken_place = { .kind_ = VALUE_BROKEN };
static const char broken_text[] = "\xFF";

/* --- Leaves ------------------------------------------------------------------------------------------------------- */

struct stoa_value build_null(void)
{
	return value_null();
}

struct stoa_value build_bool(bool b)
{
	return value_bool(b);
}

struct stoa_value build_int(int64_t i)
{
	return value_int(i);
}

struct stoa_value build_uint(uint64_t u)
{
	return value_uint(u);
}

struct stoa_value build_number(double f)
{
	return value_float(f);
}

struct stoa_value build_borrow(const char *text)
{
	struct stoa_value v = text ? value_text(slice_str(text)) : value_null();

	v.flags_ = text ? BORROWED : 0;
	return v;
}

/* v as it may be stored. */
static struct stoa_value owned(struct stoa_value v)
{
	struct arena *arena = app_work();

	if (!(v.flags_ & BORROWED))
		return v;
	v.flags_ = 0;
	v.as_.at = arena ? arena_copy(arena, v.as_.at, v.size_) : NULL;
	return v.as_.at ? v : value_broken();
}

struct stoa_value build_text(const char *text)
{
	return owned(build_borrow(text));
}

struct stoa_value build_bytes(const void *at, size_t size)
{
	struct arena *arena = app_work();
	const char *copy = arena ? arena_copy(arena, at, size) : NULL;

	return copy ? value_bytes(slice_of(copy, size)) : value_broken();
}

/* Placeholders of attachments have no meaning here: there are none. */
struct stoa_value build_json(const char *json)
{
	struct json_rules rules = { .blobs = JSON_NO_BLOBS };
	struct arena *arena = app_work();
	struct slice text = slice_str(json);
	unsigned flags = 0;

	if (arena == NULL || json == NULL)
		return value_broken();
	rules.max_depth = app_current ? app_current->limits.max_json_depth : VALUE_DEPTH_MAX;
	if (json_check(text, &rules, &flags))
		return value_broken();
	text.at = arena_copy(arena, text.at, text.size);
	return text.at ? value_of_json(arena, text, flags, NULL, 0) : value_broken();
}

const char *build_format(const char *format, va_list args)
{
	struct arena *arena = app_work();
	const char *text = arena ? arena_vprintf(arena, format, args) : NULL;

	return text ? text : broken_text;
}

/* --- Lists at once ------------------------------------------------------------------------------------------------ */

static struct stoa_value *copy_list(struct stoa_list list)
{
	struct arena *arena = app_work();
	struct stoa_value *to = arena ? arena_take(arena, list.size * sizeof(*to)) : NULL;

	for (size_t i = 0; to && i < list.size; i++)
		to[i] = owned(list.at[i]);
	return to;
}

/* How many values there are with every spread unfolded. */
static size_t count_spread(struct stoa_list list)
{
	size_t n = 0;

	for (size_t i = 0; i < list.size; i++) {
		struct stoa_value v = list.at[i];
		if (v.kind_ == VALUE_SPREAD)
			n += value_open(*(const struct stoa_value *)v.as_.at).size_;
		else
			n++;
	}
	return n;
}

/* A spread in an array is unfolded here, since it may stand only where a call takes values. */
struct stoa_value build_array(struct stoa_list list)
{
	struct arena *arena = app_work();
	size_t n = count_spread(list), at = 0;
	struct stoa_value *to = arena ? arena_take(arena, n * sizeof(*to)) : NULL;

	for (size_t i = 0; to && i < list.size; i++) {
		struct stoa_value v = list.at[i];
		if (v.kind_ != VALUE_SPREAD) {
			to[at++] = owned(v);
			continue;
		}
		v = value_open(*(const struct stoa_value *)v.as_.at);
		if (v.size_)
			memcpy(&to[at], v.as_.at, v.size_ * sizeof(*to));
		at += v.size_;
	}
	return to ? value_array(to, n) : value_broken();
}

struct stoa_value build_object(struct stoa_list list)
{
	struct stoa_value *pairs = copy_list(list);

	if (pairs == NULL || list.size % 2)
		return value_broken();
	for (size_t i = 0; i < list.size; i += 2)
		if (pairs[i].kind_ != VALUE_TEXT)
			return value_broken();
	return value_object(pairs, list.size / 2);
}

struct stoa_value build_spread(struct stoa_value array)
{
	struct arena *arena = app_work();
	struct stoa_value *copy = arena ? arena_take(arena, sizeof(*copy)) : NULL;
	bool is_items = array.kind_ == VALUE_RAW || array.kind_ == VALUE_ARRAY;

	if (copy == NULL || !is_items || (array.kind_ == VALUE_RAW && value_open(array).kind_ != VALUE_ARRAY))
		return value_broken();
	*copy = array;
	return (struct stoa_value){ .kind_ = VALUE_SPREAD, .as_.at = copy };
}

/* --- Lists that grow ---------------------------------------------------------------------------------------------- */

static uint32_t growth_flags(void)
{
	return GROWS | (app_current && app_current->work == &app_current->setup_arena ? IN_SETUP : 0U);
}

static struct stoa_value *grown(enum value_kind kind)
{
	struct arena *arena = app_work();
	struct stoa_value *v = arena ? arena_take(arena, sizeof(*v)) : NULL;

	if (v == NULL)
		return &broken_place;
	*v = (struct stoa_value){ .kind_ = kind, .flags_ = growth_flags() };
	return v;
}

struct stoa_value *build_list(void)
{
	return grown(VALUE_ARRAY);
}

struct stoa_value *build_dict(void)
{
	return grown(VALUE_OBJECT);
}

/* Whether n items fill what was taken: room is FIRST_CAP, then twice as much each time. */
static bool is_full(size_t n)
{
	return n == 0 || (n >= FIRST_CAP && (n & (n - 1)) == 0);
}

/* Room for one more at the end of `v`, whose items are `width` nodes each. The old items stay where they are: a copy
 * of *v that somebody took remains what it was. */
static struct stoa_value *place_for_one(struct stoa_value *v, size_t width)
{
	struct arena *arena = app_work();
	const struct stoa_value *old = v->as_.at;
	struct stoa_value *to;

	if (!is_full(v->size_))
		return (struct stoa_value *)(uintptr_t)old + v->size_ * width;
	to = arena ? arena_take(arena, (v->size_ ? 2 * v->size_ : FIRST_CAP) * width * sizeof(*to)) : NULL;
	if (to == NULL)
		return NULL;
	if (v->size_)
		memcpy(to, old, v->size_ * width * sizeof(*to));
	v->as_.at = to;
	return to + v->size_ * width;
}

/* A list that lost a value would be sent as if it were whole: it becomes unusable instead. */
static int lost(struct stoa_value *v, const char *call, int error)
{
	if (v != &broken_place)
		v->kind_ = VALUE_BROKEN;
	return call_failed(app_current ? app_current->running : NULL, call, error, NULL);
}

static int grow(
	struct stoa_value *v, enum value_kind kind, const char *call, const struct stoa_value *items, size_t width)
{
	struct stoa_value *to;

	if (v && v->kind_ == VALUE_BROKEN)
		return lost(v, call, -ENOMEM);
	if (v == NULL || v->kind_ != kind || v->flags_ != growth_flags())
		return call_failed(app_current ? app_current->running : NULL, call, -EINVAL, "not made to grow here");
	to = place_for_one(v, width);
	if (to == NULL)
		return lost(v, call, -ENOMEM);
	for (size_t i = 0; i < width; i++)
		to[i] = owned(items[i]);
	v->size_++;
	return 0;
}

int build_append(struct stoa_value *list, struct stoa_value v)
{
	return grow(list, VALUE_ARRAY, "stoa_append", &v, 1);
}

int build_put(struct stoa_value *dict, const char *key, struct stoa_value v)
{
	struct stoa_value pair[2] = { build_borrow(key), v };

	if (key == NULL && dict)
		return lost(dict, "stoa_put", -EINVAL);
	return grow(dict, VALUE_OBJECT, "stoa_put", pair, 2);
}
