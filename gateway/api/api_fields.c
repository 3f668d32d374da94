/* api_fields.c - what an object may say, in one table: names, for which operations, how they are read. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api_internal.h"
#include "api_object.h"
#include "metrics.h"
#include "utf8.h"

struct field {
	const char *name;
	unsigned operations;
	bool (*read)(struct api_call *c, const struct field *f, struct slice value);
	size_t offset; /* in struct api_call */
};

static void *place_of(struct api_call *c, const struct field *f)
{
	return (char *)c + f->offset;
}

static bool is_text(struct slice value)
{
	return value.size && value.at[0] == '"';
}

/* Whether it says nothing. */
static bool is_null(struct slice value)
{
	return slice_equal(value, SLICE("null"));
}

/* --- Names -------------------------------------------------------------------------------------------------------- */

/* The rules of clients' own: they come from applications and from JavaScript, and end up in C's strings. */
static bool check_name(struct api_call *c, const char *field, struct slice name)
{
	size_t max = (size_t)c->api->options->max_room_name;

	if (slice_find(name, '\0') < name.size || !utf8_valid(name))
		return api_fail(c, 400, field, "a name with a NUL or half a surrogate pair");
	if (name.size <= max)
		return true;
	metrics_count(M_LIMIT_ROOM_NAME);
	return api_fail(c, 422, field, "a name of %zu bytes; max_room_name is %zu", name.size, max);
}

static bool read_name(struct api_call *c, const char *field, struct slice token, struct slice *name)
{
	*name = json_decode_text(&c->api->arena, token);
	return name->at ? check_name(c, field, *name) : api_no_memory(c);
}

static bool too_many(struct api_call *c, const char *field)
{
	metrics_count(M_LIMIT_API_LIST);
	return api_fail(c, 422, field, "more names than the option api_max_list allows, which is %" PRId64,
		c->api->options->api_max_list);
}

/* Doubling: a field may come again and again. */
static bool grow_names(struct api_call *c, struct api_names *names)
{
	size_t cap = names->cap ? 2 * names->cap : 4;
	struct slice *at = arena_take(&c->api->arena, cap * sizeof(*at));

	if (at == NULL)
		return api_no_memory(c);
	if (names->count)
		memcpy(at, names->at, names->count * sizeof(*at));
	names->at = at;
	names->cap = cap;
	return true;
}

static const struct json_rules any_json = { VALUE_DEPTH_MAX, JSON_NO_BLOBS };

static bool add_name(struct api_call *c, const struct field *f, struct slice token, struct api_names *names)
{
	if (!is_text(token))
		return api_fail(c, 400, f->name, "must be text, or an array of texts");
	if (names->count == (size_t)c->api->options->api_max_list)
		return too_many(c, f->name);
	if (names->count == names->cap && !grow_names(c, names))
		return false;
	return read_name(c, f->name, token, &names->at[names->count++]);
}

/* One name or an array of them. A field that comes again adds to it, as ?to=a&to=b does. */
static bool read_names(struct api_call *c, const struct field *f, struct slice value)
{
	bool several = value.at[0] == '[';
	struct api_names *names = place_of(c, f);
	struct json_items it = json_items_of(value, &any_json);
	struct slice item;

	if (is_null(value))
		return true;
	names->given = true;
	if (!several)
		return add_name(c, f, value, names);
	while (json_items_next(&it, &item))
		if (!add_name(c, f, item, names))
			return false;
	return true;
}

static bool read_namespace(struct api_call *c, const struct field *f, struct slice value)
{
	if (is_null(value))
		return true;
	if (!is_text(value))
		return api_fail(c, 400, f->name, "must be text");
	if (!read_name(c, f->name, value, &c->namespace))
		return false;
	if (c->namespace.size == 0 || c->namespace.at[0] != '/')
		return api_fail(c, 400, f->name, "a namespace begins with a slash");
	return true;
}

static bool read_cursor(struct api_call *c, const struct field *f, struct slice value)
{
	if (is_null(value))
		return true;
	return is_text(value) ? read_name(c, f->name, value, &c->cursor)
			      : api_fail(c, 400, f->name, "must be what `next` was in the page before");
}

/* --- The rest ----------------------------------------------------------------------------------------------------- */

static bool read_flag(struct api_call *c, const struct field *f, struct slice value)
{
	bool is_true = slice_equal(value, SLICE("true"));

	if (!is_true && !is_null(value) && !slice_equal(value, SLICE("false")))
		return api_fail(c, 400, f->name, "must be true or false");
	*(bool *)place_of(c, f) = is_true;
	return true;
}

static bool read_limit(struct api_call *c, const struct field *f, struct slice value)
{
	int64_t max = c->api->options->api_max_list;
	char digits[20] = "";

	if (is_null(value))
		return true;
	if (value.size < sizeof(digits))
		memcpy(digits, value.at, value.size);
	c->limit = strtoll(digits, NULL, 10);
	if (digits[0] == '\0' || strspn(digits, "0123456789") != value.size || c->limit < 1)
		return api_fail(c, 400, f->name, "must be a whole number from 1 on");
	if (c->limit <= max)
		return true;
	metrics_count(M_LIMIT_API_LIST);
	return api_fail(c, 422, f->name, "is past the option api_max_list, which is %" PRId64, max);
}

/* What goes on to clients stays as it came; the packet that it becomes part of is checked as a client's would be. */
static bool read_json(struct api_call *c, const struct field *f, struct slice value)
{
	*(struct slice *)place_of(c, f) = value;
	return true;
}

static bool read_array(struct api_call *c, const struct field *f, struct slice value)
{
	if (is_null(value))
		return true;
	return value.at[0] == '[' ? read_json(c, f, value) : api_fail(c, 400, f->name, "must be an array");
}

static bool read_event(struct api_call *c, const struct field *f, struct slice value)
{
	return is_text(value) ? read_json(c, f, value) : api_fail(c, 400, f->name, "must be text");
}

/* --- The table ---------------------------------------------------------------------------------------------------- */

#define AT(field_) offsetof(struct api_call, field_)

enum {
	OP_TARGETS = OP_ACTS | OP_SOCKETS | OP_COUNTS,
	OP_PAGES = OP_ROOMS | OP_SOCKETS | OP_NAMESPACES,
	OP_OF_ROOM = OP_JOIN | OP_LEAVE, /* where `room` is not whom it concerns */
};

static const struct field fields[] = {
	{ "event", OP_EMIT, read_event, AT(event) },
	{ "args", OP_EMIT, read_array, AT(args) },
	{ "data", OP_EMIT, read_json, AT(data) },
	{ "attachments", OP_EMIT, read_array, AT(attachments) },
	{ "room", OP_OF_ROOM, read_names, AT(rooms) },
	{ "rooms", OP_OF_ROOM, read_names, AT(rooms) },
	{ "namespace", OP_TARGETS | OP_ROOMS, read_namespace, 0 },
	{ "to", OP_TARGETS, read_names, AT(to) },
	{ "room", OP_TARGETS, read_names, AT(to) },
	{ "rooms", OP_TARGETS, read_names, AT(to) },
	{ "except", OP_TARGETS, read_names, AT(except) },
	{ "broadcast", OP_ACTS, read_flag, AT(broadcast) },
	{ "volatile", OP_EMIT, read_flag, AT(is_volatile) },
	{ "local", OP_TARGETS | OP_PAGES, read_flag, AT(local) },
	{ "transport", OP_DISCONNECT, read_flag, AT(transport) },
	{ "cursor", OP_PAGES, read_cursor, 0 },
	{ "limit", OP_PAGES, read_limit, 0 },
};
enum { FIELDS = sizeof(fields) / sizeof(fields[0]) };

static const struct field *field_of(const struct api_call *c, struct slice name)
{
	for (size_t i = 0; i < FIELDS; i++)
		if ((fields[i].operations & c->operation->bit) && slice_equal(name, slice_str(fields[i].name)))
			return &fields[i];
	return NULL;
}

/* A misspelt field must not be passed over: without its `except` an emit reaches too many. */
static bool unknown_field(struct api_call *c, struct slice name)
{
	char known[200] = "";
	size_t at = 0;

	for (size_t i = 0; i < FIELDS && at < sizeof(known); i++)
		if (fields[i].operations & c->operation->bit && field_of(c, slice_str(fields[i].name)) == &fields[i])
			at += (size_t)snprintf(known + at, sizeof(known) - at, "%s%s", at ? ", " : "", fields[i].name);
	return api_fail(
		c, 400, name.size <= 40 ? name.at : NULL, "unknown field; %s takes %s", c->operation->name, known);
}

static bool read_member(struct api_call *c, struct slice key, struct slice value)
{
	struct slice name = json_decode_text(&c->api->arena, key);
	const struct field *f = name.at ? field_of(c, name) : NULL;

	if (name.at == NULL)
		return api_no_memory(c);
	return f ? f->read(c, f, value) : unknown_field(c, name);
}

bool api_read_fields(struct api_call *c, struct slice object)
{
	struct object_walk walk = object_walk(object);
	struct slice key, value;

	while (object_next(&walk, &key, &value))
		if (!read_member(c, key, value))
			return false;
	return true;
}
