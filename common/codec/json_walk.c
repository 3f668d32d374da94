/* json_walk.c - an array's items and an object's members, one after the other; see json.h. */
#include "json_scan.h"

static const char malformed_text[] = "malformed JSON";
static const char too_deep_text[] = "JSON too deep";

struct json_items json_items_of(struct slice text, const struct json_rules *rules)
{
	return (struct json_items){ .rest = text.size ? text : SLICE(""), .rules = rules, .open = '[', .close = ']' };
}

struct json_items json_members_of(struct slice text, const struct json_rules *rules)
{
	return (struct json_items){ .rest = text.size ? text : SLICE(""), .rules = rules, .open = '{', .close = '}' };
}

/* Takes one character and the white space around it. */
static bool take(struct json_items *it, char c)
{
	struct slice rest = json_rest_behind(it->rest, slice_first(it->rest, 0));

	if (rest.size == 0 || rest.at[0] != c)
		return false;
	it->rest = json_rest_behind(rest, slice_first(rest, 1));
	return true;
}

static const char *end(struct json_items *it)
{
	it->ended = true;
	return it->rest.size ? malformed_text : NULL;
}

static const char *take_value(struct json_items *it, struct slice *value)
{
	const char *error = json_scan_value(it->rest, it->rules, 1, &it->flags, value);

	if (error == NULL)
		it->rest = slice_from(it->rest, (size_t)(value->at + value->size - it->rest.at));
	return error;
}

/* Up to the next item or member, or behind the last. */
static const char *advance(struct json_items *it)
{
	bool first = !it->begun;

	it->begun = true;
	if (!first && take(it, it->close))
		return end(it);
	if (!take(it, first ? it->open : ','))
		return malformed_text;
	if (it->rules->max_depth == 0)
		return too_deep_text;
	return first && take(it, it->close) ? end(it) : NULL;
}

static bool settle(struct json_items *it, const char *error)
{
	it->error = error;
	if (error)
		it->ended = true;
	return !it->ended;
}

bool json_items_next(struct json_items *it, struct slice *item)
{
	const char *error;

	if (it->ended)
		return false;
	error = advance(it);
	if (error == NULL && !it->ended)
		error = take_value(it, item);
	return settle(it, error);
}

static const char *take_member(struct json_items *it, struct slice *key, struct slice *value)
{
	const char *error = it->rest.size && it->rest.at[0] == '"' ? take_value(it, key) : malformed_text;

	if (error == NULL && !take(it, ':'))
		error = malformed_text;
	return error ? error : take_value(it, value);
}

bool json_members_next(struct json_items *it, struct slice *key, struct slice *value)
{
	const char *error;

	if (it->ended)
		return false;
	error = advance(it);
	if (error == NULL && !it->ended)
		error = take_member(it, key, value);
	return settle(it, error);
}
