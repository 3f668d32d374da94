/* wire_response.c - answers of wire_classic.h, and the check of what is published. */
#include "wire_classic_parts.h"

#include "json.h"
#include "msgpack.h"

#include <errno.h>

enum { RESPONSE_SERVER = 6, RESPONSE_COUNT = 8, RESPONSE_ACK = 9 };

/* --- Reading ------------------------------------------------------------------------------------------------------ */

/* Whether v has the member at all: null is an argument, nothing is none. */
static bool find(struct stoa_value v, struct slice key, struct stoa_value *found)
{
	const struct stoa_value *pairs = v.as_.at;

	for (size_t i = v.size_; i-- > 0;)
		if (slice_equal(value_slice(pairs[2 * i]), key)) {
			*found = pairs[2 * i + 1];
			return true;
		}
	*found = value_null();
	return false;
}

static const char *read_value(
	struct stoa_value v, struct slice key, enum wire_response_type type, struct wire_response *r)
{
	struct stoa_value args = value_get(v, SLICE("args"));

	r->type = type;
	r->has_value = find(v, key, &r->value);
	if (args.kind_ == VALUE_ARRAY)
		r->args = args;
	return NULL;
}

/* Go leaves out what is 0. */
static const char *read_count(struct stoa_value v, struct wire_response *r)
{
	struct stoa_value count;

	r->type = WIRE_ANSWER_COUNT;
	if (!find(v, SLICE("clientCount"), &count) && !find(v, SLICE("clientcount"), &count))
		return NULL;
	if (count.kind_ != VALUE_INT || count.as_.i < 0)
		return "count is no number";
	r->clients = (uint64_t)count.as_.i;
	return NULL;
}

/* Sockets are objects, or texts in answers to the request of before 2020. */
static const char *read_sockets(
	struct arena *arena, struct stoa_value sockets, const struct wire_rules *rules, struct wire_response *r)
{
	bool empty;

	if (sockets.kind_ != VALUE_ARRAY)
		return "sockets are no list";
	if (sockets.size_ > rules->max_names)
		return "too many names";
	r->type = WIRE_ANSWER_SOCKETS;
	r->sockets = sockets;
	if (value_at(sockets, 0).kind_ != VALUE_TEXT)
		return NULL;
	r->type = WIRE_ANSWER_SIDS;
	return wire_names_of(arena, sockets, rules, &r->names, &empty);
}

static const char *read_rooms(
	struct arena *arena, struct stoa_value rooms, const struct wire_rules *rules, struct wire_response *r)
{
	bool empty;

	if (rooms.kind_ != VALUE_ARRAY)
		return "names are no list";
	r->type = WIRE_ANSWER_ROOMS;
	return wire_names_of(arena, rooms, rules, &r->names, &empty);
}

/* By the type when there is one, as the later kinds of answers have it. */
static const char *read_answer(
	struct arena *arena, struct stoa_value v, const struct wire_rules *rules, struct wire_response *r)
{
	struct stoa_value type = value_get(v, SLICE("type")), list;
	int64_t number = type.kind_ == VALUE_INT ? type.as_.i : 0;

	if (number == RESPONSE_COUNT)
		return read_count(v, r);
	if (number == RESPONSE_ACK)
		return read_value(v, SLICE("packet"), WIRE_ANSWER_ACK, r);
	if (number == RESPONSE_SERVER)
		return read_value(v, SLICE("data"), WIRE_ANSWER_SERVER, r);
	if (find(v, SLICE("sockets"), &list))
		return read_sockets(arena, list, rules, r);
	if (find(v, SLICE("rooms"), &list))
		return read_rooms(arena, list, rules, r);
	return NULL;
}

const char *wire_response_decode(
	struct arena *arena, struct slice payload, const struct wire_rules *rules, struct wire_response *r)
{
	struct stoa_value v;
	const char *error = wire_read_object(arena, payload, rules, &v);

	*r = (struct wire_response){ .type = WIRE_ANSWER_DONE };
	if (error)
		return error;
	r->request_id = wire_text_of(value_get(v, SLICE("requestId")));
	r->uid = wire_text_of(value_get(v, SLICE("uid")));
	return r->request_id.size ? read_answer(arena, v, rules, r) : "answer without an id";
}

static bool is_true(struct stoa_value v)
{
	return v.kind_ == VALUE_BOOL && v.as_.i;
}

static void read_handshake(struct stoa_value v, struct wire_socket *socket)
{
	struct stoa_value issued = value_get(v, SLICE("issued"));

	socket->headers = value_get(v, SLICE("headers"));
	socket->query = value_get(v, SLICE("query"));
	socket->time = wire_text_of(value_get(v, SLICE("time")));
	socket->address = wire_text_of(value_get(v, SLICE("address")));
	socket->url = wire_text_of(value_get(v, SLICE("url")));
	socket->xdomain = is_true(value_get(v, SLICE("xdomain")));
	socket->secure = is_true(value_get(v, SLICE("secure")));
	socket->issued_ms = issued.kind_ == VALUE_INT ? issued.as_.i : 0;
	socket->has_auth = find(v, SLICE("auth"), &socket->auth);
}

const char *wire_socket_of(
	struct arena *arena, struct stoa_value v, const struct wire_rules *rules, struct wire_socket *socket)
{
	struct stoa_value handshake = value_get(v, SLICE("handshake"));
	bool empty;

	*socket = (struct wire_socket){ .id = wire_text_of(value_get(v, SLICE("id"))) };
	if (socket->id.size == 0)
		return "client without an id";
	socket->data = value_get(v, SLICE("data"));
	socket->bare = handshake.kind_ != VALUE_OBJECT;
	if (!socket->bare)
		read_handshake(handshake, socket);
	return wire_names_of(arena, value_get(v, SLICE("rooms")), rules, &socket->rooms, &empty);
}

/* --- Writing ------------------------------------------------------------------------------------------------------ */

static void put_type(struct wire_object *o, int type, const struct wire_response *r)
{
	wire_put(o, SLICE("type"), value_int(type));
	wire_put(o, SLICE("requestId"), value_text(r->request_id));
}

static void put_names(struct wire_object *o, struct arena *arena, struct slice key, const struct wire_response *r)
{
	wire_put(o, SLICE("requestId"), value_text(r->request_id));
	wire_put(o, key, wire_names_value(arena, &r->names, false));
}

/* What is ours stands behind what Node knows. */
static void put_ours(struct wire_object *o, const struct wire_response *r, struct stoa_value args)
{
	if (r->uid.size)
		wire_put(o, SLICE("uid"), value_text(r->uid));
	if (args.kind_ == VALUE_ARRAY && args.size_ > 1)
		wire_put(o, SLICE("args"), args);
}

int wire_response_encode(struct buf *to, struct arena *arena, const struct wire_response *r)
{
	struct wire_object o = { .members = 0 };
	struct stoa_value args = value_null();

	if (r->request_id.size == 0)
		return -EINVAL;
	switch (r->type) {
	case WIRE_ANSWER_DONE:
		wire_put(&o, SLICE("requestId"), value_text(r->request_id));
		break;
	case WIRE_ANSWER_SIDS:
		put_names(&o, arena, SLICE("sockets"), r);
		break;
	case WIRE_ANSWER_ROOMS:
		put_names(&o, arena, SLICE("rooms"), r);
		break;
	case WIRE_ANSWER_SERVER:
		put_type(&o, RESPONSE_SERVER, r);
		if (r->has_value)
			wire_put(&o, SLICE("data"), wire_plain_json(arena, r->value));
		args = wire_plain_json(arena, value_open(r->args));
		break;
	case WIRE_ANSWER_COUNT:
		put_type(&o, RESPONSE_COUNT, r);
		wire_put(&o, SLICE("clientCount"), value_uint(r->clients));
		break;
	case WIRE_ANSWER_ACK:
		put_type(&o, RESPONSE_ACK, r);
		if (r->has_value)
			wire_put(&o, SLICE("packet"), r->value);
		put_ours(&o, r, value_open(r->args));
		return msgpack_encode(to, wire_object_value(&o), MSGPACK_BUS);
	case WIRE_ANSWER_SOCKETS:
		return -EINVAL;
	}
	put_ours(&o, r, args);
	return json_encode(to, wire_object_value(&o), NULL);
}

int wire_sockets_begin(struct buf *to, struct slice request_id, struct slice uid)
{
	size_t size = to->size;
	int error;

	if (request_id.size == 0)
		return -EINVAL;
	buf_add_str(to, "{\"requestId\":");
	error = json_encode_text(to, request_id);
	if (error == 0 && uid.size) {
		buf_add_str(to, ",\"uid\":");
		error = json_encode_text(to, uid);
	}
	buf_add_str(to, ",\"sockets\":[");
	if (error == 0 && to->failed)
		error = -ENOMEM;
	if (error)
		to->size = size;
	return error;
}

static void put_handshake(struct wire_object *o, struct arena *arena, const struct wire_socket *socket)
{
	wire_put(o, SLICE("headers"), wire_plain_json(arena, socket->headers));
	wire_put(o, SLICE("time"), value_text(socket->time));
	wire_put(o, SLICE("address"), value_text(socket->address));
	wire_put(o, SLICE("xdomain"), value_bool(socket->xdomain));
	wire_put(o, SLICE("secure"), value_bool(socket->secure));
	wire_put(o, SLICE("issued"), value_int(socket->issued_ms));
	wire_put(o, SLICE("url"), value_text(socket->url));
	wire_put(o, SLICE("query"), wire_plain_json(arena, socket->query));
	if (socket->has_auth)
		wire_put(o, SLICE("auth"), wire_plain_json(arena, socket->auth));
}

int wire_sockets_add(struct buf *to, struct arena *arena, const struct wire_socket *socket)
{
	struct wire_object o = { .members = 0 }, handshake = { .members = 0 };
	size_t size = to->size;
	int error;

	if (socket->id.size == 0 || size == 0)
		return -EINVAL;
	wire_put(&o, SLICE("id"), value_text(socket->id));
	if (!socket->bare) {
		put_handshake(&handshake, arena, socket);
		wire_put(&o, SLICE("handshake"), wire_object_value(&handshake));
	}
	wire_put(&o, SLICE("rooms"), wire_names_value(arena, &socket->rooms, false));
	wire_put(&o, SLICE("data"), wire_plain_json(arena, socket->data));
	if (to->at[size - 1] != '[')
		buf_add_char(to, ',');
	error = json_encode(to, wire_object_value(&o), NULL);
	if (error)
		to->size = size;
	return error;
}

int wire_sockets_end(struct buf *to)
{
	buf_add_str(to, "]}");
	return to->failed ? -ENOMEM : 0;
}

/* --- What Node takes ---------------------------------------------------------------------------------------------- */

static const char *check_opts(struct stoa_value opts)
{
	if (opts.kind_ != VALUE_OBJECT)
		return "opts is no map";
	if (value_get(opts, SLICE("rooms")).kind_ != VALUE_ARRAY ||
		value_get(opts, SLICE("except")).kind_ != VALUE_ARRAY)
		return "rooms or except is no array";
	return NULL;
}

static const char *check_packet(struct stoa_value packet)
{
	struct stoa_value nsp = value_get(packet, SLICE("nsp")), data;
	struct slice name;
	const char *error = wire_packet_decode(packet, &data, &name);

	if (error)
		return error;
	return nsp.kind_ == VALUE_TEXT && wire_nsp_can_be_sent(name) ? NULL : "packet with a malformed namespace";
}

static const char *check_broadcast(struct arena *arena, struct slice payload, const struct wire_rules *rules)
{
	struct wire_broadcast b;
	struct stoa_value v;
	const char *error = wire_broadcast_decode(arena, payload, WIRE_CHANNEL_BROADCAST, rules, &b);

	if (error == NULL)
		error = wire_read_msgpack(arena, payload, rules, &v);
	if (error == NULL)
		error = check_packet(value_at(v, 1));
	if (error == NULL)
		error = check_opts(value_at(v, 2));
	if (error == NULL && value_get(value_at(v, 2), SLICE("flags")).kind_ != VALUE_OBJECT)
		error = "flags is no map";
	return error;
}

static const char *check_request(struct arena *arena, struct slice payload, const struct wire_rules *rules)
{
	struct wire_request r;
	struct stoa_value v;
	const char *error = wire_request_decode(arena, payload, rules, &r);

	if (error == NULL)
		error = wire_read_object(arena, payload, rules, &v);
	if (error == NULL && r.type == WIRE_BROADCAST)
		error = check_packet(value_get(v, SLICE("packet")));
	if (error == NULL && value_get(v, SLICE("opts")).kind_ != VALUE_NULL)
		error = check_opts(value_get(v, SLICE("opts")));
	return error;
}

const char *wire_classic_check(enum wire_channel_kind kind, struct slice payload)
{
	struct wire_rules rules = WIRE_RULES;
	struct wire_response response;
	struct arena arena = ARENA_INIT;
	const char *error;

	rules.max_bytes = rules.max_names = SIZE_MAX;
	rules.max_depth = VALUE_DEPTH_MAX;
	if (kind == WIRE_CHANNEL_BROADCAST || kind == WIRE_CHANNEL_ROOM)
		error = check_broadcast(&arena, payload, &rules);
	else if (kind == WIRE_CHANNEL_REQUEST)
		error = check_request(&arena, payload, &rules);
	else
		error = wire_response_decode(&arena, payload, &rules, &response);
	arena_fini(&arena);
	return error;
}
