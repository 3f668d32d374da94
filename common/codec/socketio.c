/* socketio.c - see socketio.h. */
#include "socketio.h"

#include <assert.h>

#include "utf8.h"

static const char invalid_payload[] = "invalid payload";

/* Names that a client's event may not have, because they mean something on the server (Node's RESERVED_EVENTS). */
static const struct slice reserved[] = { { "connect", 7 }, { "connect_error", 13 }, { "disconnect", 10 },
	{ "disconnecting", 13 }, { "newListener", 11 }, { "removeListener", 14 } };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_binary(enum sio_type type)
{
	return type == SIO_BINARY_EVENT || type == SIO_BINARY_ACK;
}

/* The head: type, attachments, namespace, id. Each function takes its part from the front of *rest. */

static const char *take_type(struct slice *rest, struct sio_packet *packet)
{
	if (rest->size == 0)
		return "empty packet";
	if (rest->at[0] < '0' || rest->at[0] > '0' + SIO_BINARY_ACK)
		return "unknown packet type";
	packet->type = (enum sio_type)(rest->at[0] - '0');
	*rest = slice_from(*rest, 1);
	return packet->type == SIO_CONNECT_ERROR ? "connect error from a client" : NULL;
}

/* Digits of any number are passed over in one go; the value stays at `cap` when it would go above. */
static size_t count_of(struct slice s, size_t cap, size_t *count)
{
	size_t i, n = 0;

	for (i = 0; i < s.size && is_digit(s.at[i]); i++)
		n = n >= cap ? cap : n * 10 + (size_t)(s.at[i] - '0');
	*count = n < cap ? n : cap;
	return i;
}

static const char *take_attachments(struct slice *rest, const struct sio_rules *rules, struct sio_packet *packet)
{
	size_t count, digits = count_of(*rest, (size_t)rules->max_attachments + 1, &count);

	if (digits == rest->size || rest->at[digits] != '-' || count == 0)
		return "illegal attachments";
	if (count > rules->max_attachments)
		return "too many attachments";
	packet->attachments = (unsigned)count;
	*rest = slice_from(*rest, digits + 1);
	return NULL;
}

static const char *take_nsp(struct slice *rest, struct sio_packet *packet)
{
	size_t end;

	packet->nsp = SLICE("/");
	if (rest->size == 0 || rest->at[0] != '/')
		return NULL;
	end = slice_find(*rest, ',');
	packet->nsp = slice_first(*rest, end);
	*rest = slice_from(*rest, end < rest->size ? end + 1 : end);
	return utf8_valid(packet->nsp) ? NULL : "namespace is not UTF-8";
}

static const char *take_id(struct slice *rest, struct sio_packet *packet)
{
	uint64_t id = 0;
	size_t i;

	for (i = 0; i < rest->size && is_digit(rest->at[i]); i++) {
		uint64_t digit = (uint64_t)(rest->at[i] - '0');

		if (id > (UINT64_MAX - digit) / 10)
			return "id too large";
		id = id * 10 + digit;
	}
	packet->id = id;
	packet->has_id = i > 0;
	*rest = slice_from(*rest, i);
	return NULL;
}

static const char *take_head(struct slice *rest, const struct sio_rules *rules, struct sio_packet *packet)
{
	const char *error = take_type(rest, packet);

	if (!error && is_binary(packet->type))
		error = take_attachments(rest, rules, packet);
	if (!error)
		error = take_nsp(rest, packet);
	return error ? error : take_id(rest, packet);
}

/* The name of an event. */

const char *sio_check_name(struct slice name, const struct sio_rules *rules)
{
	if (name.size > rules->max_event_bytes)
		return "event name too long";
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (slice_equal(name, reserved[i]))
			return "reserved event name";
	return NULL;
}

/* A name with escapes is compared as what it means: "\u0063onnect" is reserved too. No escape makes more than six
 * bytes of one, so what is longer than that need not be decoded. */
static const char *check_escaped_name(struct slice token, const struct sio_rules *rules)
{
	struct arena arena = ARENA_INIT;
	struct slice name;
	const char *error;

	if (token.size / 6 > rules->max_event_bytes)
		return "event name too long";
	name = json_decode_text(&arena, token);
	error = name.at ? sio_check_name(name, rules) : "no memory";
	arena_fini(&arena);
	return error;
}

static const char *take_name(struct slice token, const struct sio_rules *rules, struct sio_packet *packet)
{
	struct slice inside;

	packet->event = token;
	if (token.at[0] == '-' || is_digit(token.at[0]))
		return sio_check_name(token, rules);
	if (token.at[0] != '"')
		return "event name is no string";
	if (slice_find(token, '\\') < token.size)
		return check_escaped_name(token, rules);
	inside = slice_of(token.at + 1, token.size - 2);
	return sio_check_name(inside, rules);
}

/* The payload. */

static struct json_rules json_rules_of(const struct sio_rules *rules, long blobs)
{
	return (struct json_rules){ .max_depth = rules->max_depth, .blobs = blobs };
}

static bool is_object(struct slice text)
{
	static const char white[] = " \t\r\n";

	while (text.size && memchr(white, text.at[0], sizeof(white) - 1))
		text = slice_from(text, 1);
	return text.size && text.at[0] == '{';
}

static const char *parse_connect(const struct sio_rules *rules, struct sio_packet *packet)
{
	struct json_rules json = json_rules_of(rules, JSON_NO_BLOBS);

	packet->has_id = false;
	packet->id = 0;
	if (packet->data.size == 0)
		return NULL;
	return is_object(packet->data) ? json_check(packet->data, &json, &packet->flags) : invalid_payload;
}

static const char *parse_disconnect(const struct sio_rules *rules, struct sio_packet *packet)
{
	(void)rules;
	packet->has_id = false;
	packet->id = 0;
	return packet->data.size ? invalid_payload : NULL;
}

/* Checks the items that are left and notes the text from the first to the last of them. */
static const char *take_items(struct json_items *it, struct sio_packet *packet)
{
	struct slice item, first = { 0 };
	const char *end = NULL;

	while (json_items_next(it, &item)) {
		if (end == NULL)
			first = item;
		end = item.at + item.size;
	}
	packet->items = end ? slice_of(first.at, (size_t)(end - first.at)) : SLICE("");
	packet->flags = it->flags;
	return it->error;
}

static const char *parse_event(const struct sio_rules *rules, struct sio_packet *packet)
{
	struct json_rules json = json_rules_of(rules, JSON_NO_BLOBS);
	struct json_items it = json_items_of(packet->data, &json);
	struct slice name;
	const char *error;

	if (!json_items_next(&it, &name))
		return it.error ? it.error : "event without a name";
	error = take_name(name, rules, packet);
	return error ? error : take_items(&it, packet);
}

static const char *parse_ack(const struct sio_rules *rules, struct sio_packet *packet)
{
	struct json_rules json = json_rules_of(rules, JSON_NO_BLOBS);
	struct json_items it = json_items_of(packet->data, &json);

	return take_items(&it, packet);
}

static const char *(*const parsers[])(const struct sio_rules *rules, struct sio_packet *packet) = {
	[SIO_CONNECT] = parse_connect,
	[SIO_DISCONNECT] = parse_disconnect,
	[SIO_EVENT] = parse_event,
	[SIO_BINARY_EVENT] = parse_event,
	[SIO_ACK] = parse_ack,
	[SIO_BINARY_ACK] = parse_ack,
};

const char *sio_parse(struct slice text, const struct sio_rules *rules, struct sio_packet *packet)
{
	const char *error;

	*packet = (struct sio_packet){ 0 };
	error = take_head(&text, rules, packet);
	packet->data = text;
	return error ? error : parsers[packet->type](rules, packet);
}

const char *sio_check_attachments(struct sio_packet *packet, const struct sio_rules *rules)
{
	struct json_rules json = json_rules_of(rules, (long)packet->attachments);

	packet->flags = 0;
	return json_check(packet->data, &json, &packet->flags);
}

/* Writing. */

static size_t put_number(char *to, uint64_t n)
{
	char digits[20];
	size_t size = 0;

	do
		digits[size++] = (char)('0' + n % 10);
	while (n /= 10);
	for (size_t i = 0; i < size; i++)
		to[i] = digits[size - 1 - i];
	return size;
}

static enum sio_type type_of(const struct sio_out *out)
{
	if (out->n_blobs == 0)
		return out->type;
	assert(out->type != SIO_CONNECT && out->type != SIO_DISCONNECT && out->type != SIO_CONNECT_ERROR);
	return out->type == SIO_EVENT ? SIO_BINARY_EVENT : out->type == SIO_ACK ? SIO_BINARY_ACK : out->type;
}

enum { HEAD_MAX = 2 + 20 + 1, ID_MAX = 1 + 20 }; /* "45", a count, "-"; ",", an id */

/* The parts around the namespace, each returning its size. */
static size_t put_head(char *to, const struct sio_out *out)
{
	size_t n = 0;

	to[n++] = '4'; /* Engine.IO's message */
	to[n++] = (char)('0' + (int)type_of(out));
	if (out->n_blobs) {
		n += put_number(to + n, out->n_blobs);
		to[n++] = '-';
	}
	return n;
}

static size_t put_id(char *to, const struct sio_out *out, bool comma)
{
	size_t n = 0;

	if (comma)
		to[n++] = ',';
	if (out->has_id)
		n += put_number(to + n, out->id);
	return n;
}

static struct frame *frame_for(const struct sio_out *out, size_t text_size)
{
	size_t size = frame_packet_size(text_size);

	for (size_t i = 0; i < out->n_blobs; i++)
		size += frame_packet_size(out->blobs[i].size);
	return frame_new(size);
}

static char *put_slice(char *to, struct slice s)
{
	if (s.size)
		memcpy(to, s.at, s.size);
	return to + s.size;
}

/* The size of an event's `["name"`. */
static size_t name_end(struct slice json)
{
	size_t at = 2;

	while (at < json.size && json.at[at] != '"')
		at += json.at[at] == '\\' ? 2 : 1;
	return at < json.size ? at + 1 : json.size;
}

/* What stands between the packet's type and its arguments, whatever their number of attachments. */
static void put_tag(struct frame *f, const char *from, size_t before_json, struct slice json)
{
	size_t size = before_json + name_end(json);

	if (size > UINT16_MAX) /* no name is that long */
		return;
	f->tag_at = (uint32_t)(from - f->bytes);
	f->tag_size = (uint32_t)size;
}

/* `,"offset"` and the bracket that it goes before. */
static size_t offset_size(const struct sio_out *out)
{
	return out->offset.size ? out->offset.size + 3 : 0;
}

static char *put_json(char *to, const struct sio_out *out)
{
	if (out->offset.size == 0)
		return put_slice(to, out->json);
	to = put_slice(to, slice_first(out->json, out->json.size - 1));
	to = put_slice(to, SLICE(",\""));
	to = put_slice(to, out->offset);
	return put_slice(to, SLICE("\"]"));
}

struct frame *sio_frame(const struct sio_out *out)
{
	bool main_nsp = out->nsp.size <= 1;
	struct slice nsp = main_nsp ? SLICE("") : out->nsp;
	char head[HEAD_MAX], id[ID_MAX];
	struct slice before = slice_of(head, put_head(head, out)), after = slice_of(id, put_id(id, out, !main_nsp));
	size_t text_size = before.size + nsp.size + after.size + out->json.size + offset_size(out);
	struct frame *f = frame_for(out, text_size);
	char *to;

	if (f == NULL)
		return NULL;
	f->uncompressed = out->uncompressed;
	to = frame_put(f, false, text_size);
	to = put_slice(to, before);
	if (out->latest)
		put_tag(f, to, nsp.size + after.size, out->json);
	put_json(put_slice(put_slice(to, nsp), after), out);
	for (size_t i = 0; i < out->n_blobs; i++)
		put_slice(frame_put(f, true, out->blobs[i].size), out->blobs[i]);
	return f;
}
