/* wire_request.c - requests of wire_classic.h. */
#include "wire_classic_parts.h"

#include "json.h"
#include "msgpack.h"

#include <errno.h>

/* What a type has. */
enum {
	HAS_OPTS = 1,
	HAS_ROOMS = 2,
	HAS_CLOSE = 4,
	HAS_EVENT = 8,   /* data */
	HAS_PACKET = 16, /* and flags; MessagePack */
	MAY_HAVE_SID = 32,
	WANTS_ANSWER = 64 /* always, or it is of no use */
};

static const unsigned has[] = {
	[WIRE_SOCKETS] = HAS_ROOMS | WANTS_ANSWER,
	[WIRE_ALL_ROOMS] = WANTS_ANSWER,
	[WIRE_REMOTE_JOIN] = HAS_OPTS | HAS_ROOMS | MAY_HAVE_SID,
	[WIRE_REMOTE_LEAVE] = HAS_OPTS | HAS_ROOMS | MAY_HAVE_SID,
	[WIRE_REMOTE_DISCONNECT] = HAS_OPTS | HAS_CLOSE | MAY_HAVE_SID,
	[WIRE_REMOTE_FETCH] = HAS_OPTS | WANTS_ANSWER,
	[WIRE_SERVER_EMIT] = HAS_EVENT,
	[WIRE_BROADCAST] = HAS_OPTS | HAS_PACKET | WANTS_ANSWER,
};

/* --- Reading ------------------------------------------------------------------------------------------------------ */

static bool read_type(struct stoa_value v, struct wire_request *r)
{
	struct stoa_value type = value_get(v, SLICE("type"));

	if (type.kind_ != VALUE_INT || type.as_.i < 0 || type.as_.i > WIRE_BROADCAST)
		return false;
	r->type = (enum wire_request_type)type.as_.i;
	return true;
}

/* The form of before 2020 names one client, and one room in `room`. */
static const char *read_rooms(
	struct arena *arena, struct stoa_value v, const struct wire_rules *rules, struct wire_request *r)
{
	struct stoa_value named = value_get(v, r->sid.size ? SLICE("room") : SLICE("rooms"));
	bool one = named.kind_ == VALUE_INT, empty;
	const char *error = wire_names_of(arena, one ? value_array(&named, 1) : named, rules, &r->rooms, &empty);

	if (error == NULL && r->rooms.count == 0 && (!empty || r->type != WIRE_SOCKETS))
		error = "request without rooms";
	return error;
}

static const char *read_event(struct stoa_value v, struct wire_request *r)
{
	r->data = value_get(v, SLICE("data"));
	return r->data.kind_ == VALUE_ARRAY && r->data.size_ ? NULL : "event without a name";
}

static const char *read_parts(
	struct arena *arena, struct stoa_value v, const struct wire_rules *rules, struct wire_request *r)
{
	unsigned parts = has[r->type];
	const char *error = NULL;

	if (parts & MAY_HAVE_SID)
		r->sid = wire_text_of(value_get(v, SLICE("sid")));
	if ((parts & HAS_OPTS) && r->sid.size == 0)
		error = wire_opts_decode(arena, value_get(v, SLICE("opts")), rules, &r->opts);
	if (error == NULL && (parts & HAS_ROOMS))
		error = read_rooms(arena, v, rules, r);
	if (error == NULL && (parts & HAS_PACKET))
		error = wire_packet_decode(value_get(v, SLICE("packet")), &r->data, &r->nsp);
	if (error == NULL && (parts & HAS_EVENT))
		error = read_event(v, r);
	if (parts & HAS_CLOSE) {
		struct stoa_value close = value_get(v, SLICE("close"));
		r->close = close.kind_ == VALUE_BOOL && close.as_.i;
	}
	return error;
}

const char *wire_request_decode(
	struct arena *arena, struct slice payload, const struct wire_rules *rules, struct wire_request *r)
{
	struct stoa_value v;
	const char *error = wire_read_object(arena, payload, rules, &v);

	*r = (struct wire_request){ .nsp = SLICE("/") };
	if (error)
		return error;
	if (!read_type(v, r))
		return "unknown request";
	r->uid = wire_text_of(value_get(v, SLICE("uid")));
	r->request_id = wire_text_of(value_get(v, SLICE("requestId")));
	if ((has[r->type] & WANTS_ANSWER) && r->request_id.size == 0)
		return "request without an id";
	return read_parts(arena, v, rules, r);
}

/* --- Writing ------------------------------------------------------------------------------------------------------ */

static bool can_be_sent(const struct wire_request *r)
{
	unsigned parts = has[r->type];

	if (r->uid.size && !wire_uid_can_be_sent(r->uid))
		return false;
	if ((parts & WANTS_ANSWER) && (r->uid.size == 0 || r->request_id.size == 0))
		return false;
	if ((parts & HAS_OPTS) && r->sid.size == 0 && !wire_opts_can_be_sent(&r->opts))
		return false;
	if (parts & HAS_PACKET)
		return wire_nsp_can_be_sent(r->nsp) && wire_check_event(r->data) == NULL;
	return !(parts & HAS_EVENT) || (value_open(r->data).kind_ == VALUE_ARRAY && value_open(r->data).size_ > 0);
}

struct parts {
	struct wire_object packet;
	struct wire_opts_value opts;
};

/* The form of before 2020. */
static void put_sid(const struct wire_request *r, struct wire_object *o)
{
	wire_put(o, SLICE("sid"), value_text(r->sid));
	if ((has[r->type] & HAS_ROOMS) && r->rooms.count)
		wire_put(o, SLICE("room"), value_text(r->rooms.at[0]));
}

/* A room that is left is left under both its names; one that is joined, as the text that it is. */
static void put_targets(struct arena *arena, const struct wire_request *r, struct wire_object *o, struct parts *p)
{
	unsigned parts = has[r->type];

	if (parts & HAS_OPTS) {
		wire_opts_put(arena, &r->opts, parts & HAS_PACKET ? WIRE_OPTS_WHOLE : WIRE_OPTS_PLAIN, &p->opts);
		wire_put(o, SLICE("opts"), wire_object_value(&p->opts.opts));
	}
	if (parts & HAS_ROOMS)
		wire_put(o, SLICE("rooms"), wire_names_value(arena, &r->rooms, r->type != WIRE_REMOTE_JOIN));
}

static void put_parts(struct arena *arena, const struct wire_request *r, struct wire_object *o, struct parts *p)
{
	unsigned parts = has[r->type];

	if (r->uid.size)
		wire_put(o, SLICE("uid"), value_text(r->uid));
	if (r->request_id.size)
		wire_put(o, SLICE("requestId"), value_text(r->request_id));
	wire_put(o, SLICE("type"), value_int(r->type));
	if (parts & HAS_PACKET) {
		wire_packet_put(r->data, r->nsp, &p->packet);
		wire_put(o, SLICE("packet"), wire_object_value(&p->packet));
	}
	if ((parts & MAY_HAVE_SID) && r->sid.size)
		put_sid(r, o);
	else
		put_targets(arena, r, o, p);
	if (parts & HAS_CLOSE)
		wire_put(o, SLICE("close"), value_bool(r->close));
	if (parts & HAS_EVENT)
		wire_put(o, SLICE("data"), wire_plain_json(arena, r->data));
}

int wire_request_encode(struct buf *to, struct arena *arena, const struct wire_request *r)
{
	struct wire_object o = { .members = 0 };
	struct parts parts;

	if (!can_be_sent(r))
		return -EINVAL;
	put_parts(arena, r, &o, &parts);
	if (has[r->type] & HAS_PACKET)
		return msgpack_encode(to, wire_object_value(&o), MSGPACK_BUS);
	return json_encode(to, wire_object_value(&o), NULL);
}
