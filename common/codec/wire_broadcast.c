/* wire_broadcast.c - broadcasts of wire_classic.h. */
#include "wire_classic_parts.h"

#include "msgpack_parts.h"

#include <errno.h>
#include <math.h>

enum { PACKET_EVENT = 2, PACKET_BINARY_EVENT = 5 };

enum { PACKET_TYPE, PACKET_DATA, PACKET_NSP, PACKET_PARTS };
enum { OPTS_ROOMS, OPTS_EXCEPT, OPTS_FLAGS, OPTS_PARTS };
static const struct slice packet_names[] = { { "type", 4 }, { "data", 4 }, { "nsp", 3 } },
			  opts_names[] = { { "rooms", 5 }, { "except", 6 }, { "flags", 5 } };

static const char no_memory[] = "no memory";

/* --- Reading ------------------------------------------------------------------------------------------------------ */

static bool is_missing(struct stoa_value v)
{
	return v.kind_ == VALUE_NULL;
}

/* What JavaScript takes for true. */
static bool truthy(struct stoa_value v)
{
	switch ((enum value_kind)v.kind_) {
	case VALUE_BOOL:
	case VALUE_INT:
		return v.as_.i != 0;
	case VALUE_FLOAT:
		return v.as_.f != 0 && !isnan(v.as_.f);
	case VALUE_TEXT:
		return v.size_ > 0;
	case VALUE_NULL:
	case VALUE_BROKEN:
		return false;
	case VALUE_UINT:
	case VALUE_BYTES:
	case VALUE_ARRAY:
	case VALUE_OBJECT:
	case VALUE_RAW:
	case VALUE_SPREAD:
		break;
	}
	return true;
}

/* A number of milliseconds, as far as a timer goes; anything else is none. */
static bool read_timeout(struct stoa_value v, int64_t *ms)
{
	double f = v.kind_ == VALUE_INT ? (double)v.as_.i : v.kind_ == VALUE_FLOAT ? v.as_.f : -1;

	if (!(f >= 0))
		return false;
	*ms = f < INT32_MAX ? (int64_t)f : INT32_MAX;
	return true;
}

/* Flags are whatever an emitter writes when there are none: nil, "", [], .. */
static void read_flags(struct stoa_value flags, struct wire_opts *opts)
{
	struct stoa_value compress = value_get(flags, SLICE("compress"));

	opts->is_volatile = truthy(value_get(flags, SLICE("volatile")));
	opts->latest = truthy(value_get(flags, SLICE("latest")));
	opts->single = truthy(value_get(flags, SLICE("expectSingleResponse")));
	opts->has_compress = !is_missing(compress);
	opts->uncompressed = opts->has_compress && !truthy(compress);
	opts->has_timeout = read_timeout(value_get(flags, SLICE("timeout")), &opts->timeout_ms);
}

static const char *read_opts(struct arena *arena, const struct stoa_value parts[OPTS_PARTS],
	const struct wire_rules *rules, struct wire_opts *opts)
{
	bool no_except;
	const char *error = wire_names_of(arena, parts[OPTS_ROOMS], rules, &opts->rooms, &opts->everybody);

	if (error == NULL)
		error = wire_names_of(arena, parts[OPTS_EXCEPT], rules, &opts->except, &no_except);
	if (error == NULL)
		read_flags(parts[OPTS_FLAGS], opts);
	return error;
}

const char *wire_opts_decode(
	struct arena *arena, struct stoa_value v, const struct wire_rules *rules, struct wire_opts *opts)
{
	struct stoa_value parts[OPTS_PARTS];

	*opts = (struct wire_opts){ .everybody = true };
	/* PHP's empty map is an empty array. */
	if (v.kind_ == VALUE_ARRAY && v.size_ == 0)
		return NULL;
	if (v.kind_ != VALUE_OBJECT)
		return "message without options";
	for (int i = 0; i < OPTS_PARTS; i++)
		parts[i] = value_get(v, opts_names[i]);
	return read_opts(arena, parts, rules, opts);
}

static const char *read_packet(const struct stoa_value parts[PACKET_PARTS], struct stoa_value *data, struct slice *nsp)
{
	struct stoa_value type = parts[PACKET_TYPE], of = parts[PACKET_NSP];

	if (type.kind_ != VALUE_INT || (type.as_.i != PACKET_EVENT && type.as_.i != PACKET_BINARY_EVENT))
		return "packet is no event";
	if (!is_missing(of) && of.kind_ != VALUE_TEXT)
		return "packet with a malformed namespace";
	*nsp = is_missing(of) ? SLICE("/") : value_slice(of);
	*data = parts[PACKET_DATA];
	return wire_check_event(*data);
}

const char *wire_packet_decode(struct stoa_value packet, struct stoa_value *data, struct slice *nsp)
{
	struct stoa_value parts[PACKET_PARTS];

	if (packet.kind_ != VALUE_OBJECT)
		return "message without a packet";
	for (int i = 0; i < PACKET_PARTS; i++)
		parts[i] = value_get(packet, packet_names[i]);
	return read_packet(parts, data, nsp);
}

/* --- Broadcasts, whose data is not decoded ------------------------------------------------------------------------ */

/* The array's head is taken; false: it is another. */
static bool take_array(struct slice *rest, uint32_t count)
{
	struct msgpack_head head;

	if (!msgpack_read_head(*rest, &head) || head.form != MSGPACK_ARRAY || head.count != count)
		return false;
	*rest = slice_from(*rest, head.size);
	return true;
}

static bool take_text(struct slice *rest, struct slice *text)
{
	struct msgpack_head head;

	if (!msgpack_read_value_head(*rest, &head) || head.form != MSGPACK_TEXT)
		return false;
	*text = msgpack_body(*rest, &head);
	*rest = slice_from(*rest, head.size + head.body);
	return true;
}

/* A key; {NULL, 0}: it is no text. False: there is none. */
static bool take_key(struct slice *rest, struct slice *key)
{
	if (take_text(rest, key))
		return true;
	*key = slice_of(NULL, 0);
	return msgpack_skip(rest);
}

/* The members of these names in the map that comes next, as they came, the last of each; {NULL, 0}: there is none. False:
 * it is no map. */
static bool take_members(struct slice *rest, const struct slice *names, struct slice *values, int n)
{
	struct msgpack_head head;
	struct slice key, value;

	for (int i = 0; i < n; i++)
		values[i] = slice_of(NULL, 0);
	if (!msgpack_read_head(*rest, &head) || head.form != MSGPACK_MAP)
		return false;
	*rest = slice_from(*rest, head.size);
	for (uint32_t at = 0; at < head.count; at++) {
		if (!take_key(rest, &key))
			return false;
		value = *rest;
		if (!msgpack_skip(rest))
			return false;
		for (int i = 0; i < n && key.at; i++)
			if (slice_equal(key, names[i]))
				values[i] = slice_first(value, value.size - rest->size);
	}
	return true;
}

/* A part of checked bytes, decoded but for what is only passed on. */
static struct stoa_value part_of(struct arena *arena, struct slice bytes, bool passed_on)
{
	struct msgpack_head head;

	if (bytes.at == NULL)
		return value_null();
	if (passed_on && msgpack_read_head(bytes, &head) && head.count)
		return value_of_bus(arena, bytes);
	return msgpack_decode(arena, bytes, MSGPACK_BUS);
}

/* False: no memory. */
static bool parts_of(struct arena *arena, const struct slice *bytes, struct stoa_value *parts, int n, int passed_on)
{
	bool whole = true;

	for (int i = 0; i < n; i++) {
		parts[i] = part_of(arena, bytes[i], i == passed_on);
		whole = whole && parts[i].kind_ != VALUE_BROKEN;
	}
	return whole;
}

static const char *take_packet(struct arena *arena, struct slice *rest, struct wire_broadcast *b)
{
	struct slice bytes[PACKET_PARTS];
	struct stoa_value parts[PACKET_PARTS];

	if (!take_members(rest, packet_names, bytes, PACKET_PARTS))
		return "message without a packet";
	if (!parts_of(arena, bytes, parts, PACKET_PARTS, PACKET_DATA))
		return no_memory;
	return read_packet(parts, &b->data, &b->nsp);
}

static const char *take_opts(
	struct arena *arena, struct slice *rest, const struct wire_rules *rules, struct wire_opts *opts)
{
	struct slice bytes[OPTS_PARTS];
	struct stoa_value parts[OPTS_PARTS];

	*opts = (struct wire_opts){ .everybody = true };
	/* PHP's empty map is an empty array. */
	if (take_array(rest, 0))
		return NULL;
	if (!take_members(rest, opts_names, bytes, OPTS_PARTS))
		return "message without options";
	if (!parts_of(arena, bytes, parts, OPTS_PARTS, OPTS_PARTS))
		return no_memory;
	return read_opts(arena, parts, rules, opts);
}

const char *wire_broadcast_decode(struct arena *arena, struct slice payload, enum wire_channel_kind kind,
	const struct wire_rules *rules, struct wire_broadcast *b)
{
	bool named = kind != WIRE_CHANNEL_EMITTER;
	const char *error = wire_check_msgpack(payload, rules);

	*b = (struct wire_broadcast){ .uid = SLICE("emitter") };
	if (error)
		return error;
	if (!take_array(&payload, named ? 3 : 2))
		return "message is no broadcast";
	if (named && !take_text(&payload, &b->uid))
		return "message without a sender";
	error = take_packet(arena, &payload, b);
	return error ? error : take_opts(arena, &payload, rules, &b->opts);
}

/* --- At a glance -------------------------------------------------------------------------------------------------- */

bool wire_broadcast_is_of(struct slice payload, struct slice uid)
{
	struct slice sender;

	return take_array(&payload, 3) && take_text(&payload, &sender) && slice_equal(sender, uid);
}

bool wire_broadcast_rooms(struct slice payload, struct wire_rooms *rooms)
{
	struct msgpack_head head;
	struct slice list;

	*rooms = (struct wire_rooms){ .left = 0 };
	if (!take_array(&payload, 3) || !msgpack_skip(&payload) || !msgpack_skip(&payload) ||
		!take_members(&payload, &opts_names[OPTS_ROOMS], &list, 1) || payload.size)
		return false;
	if (!msgpack_read_head(list, &head) || head.form != MSGPACK_ARRAY || head.count == 0)
		return false;
	rooms->rest = slice_from(list, head.size);
	rooms->left = head.count;
	return true;
}

bool wire_rooms_next(struct wire_rooms *rooms, struct slice *name)
{
	if (rooms->left == 0 || !take_text(&rooms->rest, name))
		return false;
	rooms->left--;
	return true;
}

/* --- Writing ------------------------------------------------------------------------------------------------------ */

static struct stoa_value flags_value(const struct wire_opts *opts, struct wire_object *o)
{
	if (opts->has_compress || opts->uncompressed)
		wire_put(o, SLICE("compress"), value_bool(!opts->uncompressed));
	if (opts->is_volatile)
		wire_put(o, SLICE("volatile"), value_bool(true));
	if (opts->single)
		wire_put(o, SLICE("expectSingleResponse"), value_bool(true));
	if (opts->has_timeout)
		wire_put(o, SLICE("timeout"), value_int(opts->timeout_ms));
	if (opts->latest)
		wire_put(o, SLICE("latest"), value_bool(true));
	return wire_object_value(o);
}

void wire_opts_put(
	struct arena *arena, const struct wire_opts *opts, enum wire_opts_form form, struct wire_opts_value *v)
{
	struct stoa_value except = wire_names_value(arena, &opts->except, true);

	v->flags.members = v->opts.members = 0;
	wire_put(&v->opts, SLICE("rooms"), wire_names_value(arena, &opts->rooms, true));
	if (form != WIRE_OPTS_EMITTER)
		wire_put(&v->opts, SLICE("except"), except);
	if (form != WIRE_OPTS_PLAIN)
		wire_put(&v->opts, SLICE("flags"), flags_value(opts, &v->flags));
	if (form == WIRE_OPTS_EMITTER)
		wire_put(&v->opts, SLICE("except"), except);
}

/* Nobody's broadcast is not to be sent: without rooms it would be everybody's. */
bool wire_opts_can_be_sent(const struct wire_opts *opts)
{
	return opts->everybody ? opts->rooms.count == 0 : opts->rooms.count > 0;
}

bool wire_nsp_can_be_sent(struct slice nsp)
{
	return slice_starts(nsp, SLICE("/"));
}

bool wire_uid_can_be_sent(struct slice uid)
{
	return uid.size && slice_find(uid, '#') == uid.size;
}

void wire_packet_put(struct stoa_value data, struct slice nsp, struct wire_object *packet)
{
	packet->members = 0;
	wire_put(packet, SLICE("type"), value_int(PACKET_EVENT));
	wire_put(packet, SLICE("data"), data);
	wire_put(packet, SLICE("nsp"), value_text(nsp));
}

int wire_broadcast_encode(struct buf *to, struct arena *arena, const struct wire_broadcast *b)
{
	bool emitter = slice_equal(b->uid, SLICE("emitter"));
	struct wire_opts_value opts;
	struct wire_object packet;
	struct stoa_value items[3];

	if (!wire_uid_can_be_sent(b->uid) || !wire_nsp_can_be_sent(b->nsp) || !wire_opts_can_be_sent(&b->opts) ||
		wire_check_event(b->data))
		return -EINVAL;
	wire_packet_put(b->data, b->nsp, &packet);
	wire_opts_put(arena, &b->opts, emitter ? WIRE_OPTS_EMITTER : WIRE_OPTS_WHOLE, &opts);
	items[0] = value_text(b->uid);
	items[1] = wire_object_value(&packet);
	items[2] = wire_object_value(&opts.opts);
	return msgpack_encode(to, value_array(items, 3), MSGPACK_BUS);
}

/* --- Where to, and to whom ---------------------------------------------------------------------------------------- */

struct wire_channel wire_broadcast_channel(struct slice nsp, const struct wire_opts *opts)
{
	if (opts->rooms.count == 1)
		return (struct wire_channel){ WIRE_CHANNEL_ROOM, nsp, opts->rooms.at[0] };
	return (struct wire_channel){ .kind = WIRE_CHANNEL_BROADCAST, .nsp = nsp };
}

struct wire_delivery wire_broadcast_delivery(const struct wire_broadcast *b, const struct wire_channel *channel)
{
	const struct wire_names *rooms = &b->opts.rooms;
	struct wire_delivery d = { .everybody = b->opts.everybody, .rooms = *rooms, .except = b->opts.except };
	size_t i = 0;

	if (channel->kind != WIRE_CHANNEL_ROOM)
		return d;
	while (i < rooms->count && !slice_equal(rooms->at[i], channel->name))
		i++;
	/* Its room is not among them: Node goes by the rooms, not by the channel. */
	if (i == rooms->count)
		return d;
	d.rooms = (struct wire_names){ rooms->at + i, 1 };
	d.seen = (struct wire_names){ rooms->at, i };
	return d;
}
