/* wire_broadcast.c - broadcasts of wire_classic.h. */
#include "wire_classic_parts.h"

#include "msgpack.h"

#include <errno.h>
#include <math.h>

enum { PACKET_EVENT = 2, PACKET_BINARY_EVENT = 5 };

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

const char *wire_opts_decode(
	struct arena *arena, struct stoa_value v, const struct wire_rules *rules, struct wire_opts *opts)
{
	bool no_except;
	const char *error;

	*opts = (struct wire_opts){ .everybody = true };
	/* PHP's empty map is an empty array. */
	if (v.kind_ == VALUE_ARRAY && v.size_ == 0)
		return NULL;
	if (v.kind_ != VALUE_OBJECT)
		return "message without options";
	error = wire_names_of(arena, value_get(v, SLICE("rooms")), rules, &opts->rooms, &opts->everybody);
	if (error == NULL)
		error = wire_names_of(arena, value_get(v, SLICE("except")), rules, &opts->except, &no_except);
	if (error == NULL)
		read_flags(value_get(v, SLICE("flags")), opts);
	return error;
}

const char *wire_packet_decode(struct stoa_value packet, struct stoa_value *data, struct slice *nsp)
{
	struct stoa_value type = value_get(packet, SLICE("type")), of = value_get(packet, SLICE("nsp"));

	if (packet.kind_ != VALUE_OBJECT)
		return "message without a packet";
	if (type.kind_ != VALUE_INT || (type.as_.i != PACKET_EVENT && type.as_.i != PACKET_BINARY_EVENT))
		return "packet is no event";
	if (!is_missing(of) && of.kind_ != VALUE_TEXT)
		return "packet with a malformed namespace";
	*nsp = is_missing(of) ? SLICE("/") : value_slice(of);
	*data = value_get(packet, SLICE("data"));
	return wire_check_event(*data);
}

const char *wire_broadcast_decode(struct arena *arena, struct slice payload, enum wire_channel_kind kind,
	const struct wire_rules *rules, struct wire_broadcast *b)
{
	bool named = kind != WIRE_CHANNEL_EMITTER;
	struct stoa_value v;
	const char *error = wire_read_msgpack(arena, payload, rules, &v);

	*b = (struct wire_broadcast){ .uid = SLICE("emitter") };
	if (error)
		return error;
	if (v.kind_ != VALUE_ARRAY || v.size_ != (named ? 3 : 2))
		return "message is no broadcast";
	if (named && value_at(v, 0).kind_ != VALUE_TEXT)
		return "message without a sender";
	if (named)
		b->uid = value_slice(value_at(v, 0));
	error = wire_packet_decode(value_at(v, named), &b->data, &b->nsp);
	return error ? error : wire_opts_decode(arena, value_at(v, named + 1u), rules, &b->opts);
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
