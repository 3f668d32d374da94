/* jwt_part.c - a token's parts: base64url, and JSON that says everything once. See jwt_internal.h. */
#include "base64.h"
#include "json.h"
#include "jwt_internal.h"

enum { MAX_DEPTH = 16, MAX_MEMBERS = 100 };

static bool is_url_char(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* The bits that a last character has too many are zero: one text for the same bytes. */
static bool ends_well(struct slice text)
{
	static const char of_one[] = "AQgw", of_two[] = "AEIMQUYcgkosw048";
	size_t left = text.size % 4;

	if (left == 0)
		return true;
	return left > 1 && strchr(left == 2 ? of_one : of_two, text.at[text.size - 1]) != NULL;
}

struct slice jwt_decode(struct arena *arena, struct slice text)
{
	char *to;

	for (size_t i = 0; i < text.size; i++)
		if (!is_url_char(text.at[i]))
			return slice_of(NULL, 0);
	if (!ends_well(text))
		return slice_of(NULL, 0);
	to = arena_take(arena, text.size / 4 * 3 + 3);
	return slice_of(to, to ? base64_decode(to, text) : 0);
}

static bool is_said_once(struct stoa_value object)
{
	const struct stoa_value *at = object.as_.at;

	for (size_t i = 1; i < object.size_; i++)
		for (size_t j = 0; j < i; j++)
			if (slice_equal(value_slice(at[2 * i]), value_slice(at[2 * j])))
				return false;
	return true;
}

struct stoa_value jwt_object(struct arena *arena, struct slice json)
{
	struct json_rules rules = { .max_depth = MAX_DEPTH, .blobs = JSON_NO_BLOBS };
	struct stoa_value v;
	unsigned flags;

	if (json.at == NULL || json_check(json, &rules, &flags))
		return value_broken();
	v = json_decode(arena, json, NULL, 0);
	if (v.kind_ != VALUE_OBJECT || v.size_ > MAX_MEMBERS || !is_said_once(v))
		return value_broken();
	return v;
}

bool jwt_has(struct stoa_value object, struct slice name)
{
	const struct stoa_value *at = object.as_.at;

	for (size_t i = 0; i < object.size_; i++)
		if (slice_equal(value_slice(at[2 * i]), name))
			return true;
	return false;
}

bool jwt_text(struct stoa_value object, struct slice name, struct slice *text)
{
	struct stoa_value v = value_get(object, name);

	*text = slice_of("", 0);
	if (v.kind_ == VALUE_TEXT)
		*text = value_slice(v);
	return v.kind_ == VALUE_TEXT || !jwt_has(object, name);
}
