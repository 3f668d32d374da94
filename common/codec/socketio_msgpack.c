/*
 * socketio_msgpack.c - packets of socket.io-msgpack-parser. See socketio_parser.h.
 *
 * Its checks are those of that package's checkPacket(), and those that it lacks: event names, depth, and whatever the
 * default parser checks. Members are in the order in which Node's server writes them.
 */
#include <errno.h>
#include <math.h>
#include <msgpack/pack.h>

#include "msgpack.h"
#include "socketio_parser.h"

static const char invalid_payload[] = "invalid payload", malformed_text[] = "malformed MessagePack";

/* --- Reading ------------------------------------------------------------------------------------------------------ */

/* The members of a packet; `at` NULL: it is not there. */
struct members {
	struct slice type, nsp, data, id;
};

static struct slice *member_of(struct members *m, struct slice key)
{
	static const char names[][5] = { "type", "nsp", "data", "id" };
	struct slice *const places[] = { &m->type, &m->nsp, &m->data, &m->id };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (slice_equal(key, slice_str(names[i])))
			return places[i];
	return NULL;
}

static enum msgpack_form form_of(struct slice value)
{
	struct msgpack_head head;

	msgpack_head(value, &head);
	return head.form;
}

/* What text and binary hold. */
static struct slice body_of(struct slice value)
{
	struct msgpack_head head;

	msgpack_head(value, &head);
	return slice_first(slice_from(value, head.size), head.body);
}

/* undefined is ext 0 of one byte, whatever that is. */
static bool is_undefined(struct slice value)
{
	return value.at == NULL || slice_starts(value, slice_of("\xD4\x00", 2));
}

static const char *take(struct slice *rest, const struct sio_rules *rules, struct slice *value)
{
	struct msgpack_rules bounds = { rules->max_depth };
	const char *error = msgpack_scan(*rest, &bounds, 0, value);

	if (error == NULL)
		*rest = slice_from(*rest, value->size);
	return error;
}

/* The packet is one map, and all of it is checked; members that it need not have are passed over. */
static const char *take_members(struct slice rest, const struct sio_rules *rules, struct members *m)
{
	struct msgpack_head head;
	struct slice key, value, *place;
	const char *error = NULL;

	if (!msgpack_head(rest, &head))
		return malformed_text;
	if (head.form != MSGPACK_MAP)
		return "no packet";
	rest = slice_from(rest, head.size);
	for (uint32_t i = 0; i < head.count && error == NULL; i++) {
		error = take(&rest, rules, &key);
		if (error == NULL && form_of(key) != MSGPACK_TEXT && form_of(key) != MSGPACK_UINT &&
			form_of(key) != MSGPACK_INT)
			error = "a key that is no text";
		if (error == NULL)
			error = take(&rest, rules, &value);
		place = error == NULL && form_of(key) == MSGPACK_TEXT ? member_of(m, body_of(key)) : NULL;
		if (place)
			*place = value;
	}
	return error == NULL && rest.size ? malformed_text : error;
}

/* A whole number of 64 bits, not negative, however it is written. */
static bool whole_of(struct slice value, uint64_t *n)
{
	enum msgpack_form form = value.at ? form_of(value) : MSGPACK_NIL;
	struct stoa_value v = value_null();

	if (form == MSGPACK_UINT || form == MSGPACK_INT || form == MSGPACK_FLOAT)
		v = msgpack_decode(NULL, value, MSGPACK_CLIENT); /* numbers take no memory */
	if (v.kind_ == VALUE_FLOAT && v.as_.f >= 0 && v.as_.f < 18446744073709551616.0 && v.as_.f <= floor(v.as_.f))
		v = value_uint((uint64_t)v.as_.f);
	*n = v.as_.u;
	return v.kind_ == VALUE_UINT || (v.kind_ == VALUE_INT && v.as_.i >= 0);
}

static const char *take_type(const struct members *m, struct sio_packet *packet)
{
	uint64_t type;

	if (!whole_of(m->type, &type) || type > SIO_CONNECT_ERROR)
		return "unknown packet type";
	packet->type = (enum sio_type)type;
	return packet->type == SIO_CONNECT_ERROR ? "connect error from a client" : NULL;
}

static const char *take_nsp(const struct members *m, struct sio_packet *packet)
{
	if (m->nsp.at == NULL || form_of(m->nsp) != MSGPACK_TEXT || body_of(m->nsp).size == 0)
		return "invalid namespace";
	packet->nsp = body_of(m->nsp);
	return NULL;
}

static const char *take_id(const struct members *m, struct sio_packet *packet)
{
	if (is_undefined(m->id))
		return NULL;
	packet->has_id = true;
	return whole_of(m->id, &packet->id) ? NULL : "invalid packet id";
}

/* Numbers are names too, as in the default parser; as text they are too short to need a look. */
static const char *check_name(struct slice name, const struct sio_rules *rules)
{
	struct stoa_value number;

	switch (form_of(name)) {
	case MSGPACK_TEXT:
		return sio_check_name(body_of(name), rules);
	case MSGPACK_UINT:
	case MSGPACK_INT:
		return NULL;
	case MSGPACK_FLOAT:
		number = msgpack_decode(NULL, name, MSGPACK_CLIENT);
		return isfinite(number.as_.f) ? NULL : "event name is no string";
	case MSGPACK_NIL:
	case MSGPACK_BOOL:
	case MSGPACK_BYTES:
	case MSGPACK_EXT:
	case MSGPACK_ARRAY:
	case MSGPACK_MAP:
		break;
	}
	return "event name is no string";
}

static const char *take_array(const struct members *m, struct sio_packet *packet, uint32_t *count)
{
	struct msgpack_head head;

	if (m->data.at == NULL || form_of(m->data) != MSGPACK_ARRAY)
		return invalid_payload;
	msgpack_head(m->data, &head);
	*count = head.count;
	packet->data = m->data;
	packet->items = slice_from(m->data, head.size);
	return NULL;
}

static const char *take_event(const struct members *m, const struct sio_rules *rules, struct sio_packet *packet)
{
	const char *error;
	uint32_t count;

	error = take_array(m, packet, &count);
	if (error)
		return error;
	if (count == 0)
		return "event without a name";
	error = take(&packet->items, rules, &packet->event);
	return error ? error : check_name(packet->event, rules);
}

/* python-socketio 5.7 leaves out the id that is 0. */
static const char *take_ack(const struct members *m, const struct sio_rules *rules, struct sio_packet *packet)
{
	uint32_t count;

	(void)rules;
	packet->has_id = true;
	return take_array(m, packet, &count);
}

static const char *take_connect(const struct members *m, const struct sio_rules *rules, struct sio_packet *packet)
{
	(void)rules;
	packet->has_id = false;
	packet->id = 0;
	if (is_undefined(m->data))
		return NULL;
	packet->data = m->data;
	return form_of(m->data) == MSGPACK_MAP ? NULL : invalid_payload;
}

static const char *take_disconnect(const struct members *m, const struct sio_rules *rules, struct sio_packet *packet)
{
	(void)rules;
	packet->has_id = false;
	packet->id = 0;
	return is_undefined(m->data) ? NULL : invalid_payload;
}

static const char *(*const takers[])(
	const struct members *m, const struct sio_rules *rules, struct sio_packet *packet) = {
	[SIO_CONNECT] = take_connect,
	[SIO_DISCONNECT] = take_disconnect,
	[SIO_EVENT] = take_event,
	[SIO_ACK] = take_ack,
};

static const char *parse(struct slice data, const struct sio_rules *rules, struct sio_packet *packet)
{
	struct members m = { .type = { NULL, 0 } };
	const char *error = take_members(data, rules, &m);

	*packet = (struct sio_packet){ .data = { "", 0 } };
	if (error == NULL)
		error = take_type(&m, packet);
	if (error == NULL)
		error = take_nsp(&m, packet);
	if (error == NULL)
		error = take_id(&m, packet);
	return error ? error : takers[packet->type](&m, rules, packet);
}

/* --- Writing ------------------------------------------------------------------------------------------------------ */

/* Where a packet is written to; `at` NULL: it is only measured. */
struct sink {
	char *at;
	size_t size;
};

static int write_sink(void *to, const char *at, size_t size)
{
	struct sink *s = to;

	if (s->at && size)
		memcpy(s->at + s->size, at, size);
	s->size += size;
	return 0;
}

static void put_text(msgpack_packer *to, struct slice text)
{
	msgpack_pack_str(to, text.size);
	msgpack_pack_str_body(to, text.at, text.size);
}

static void put_type(msgpack_packer *to, const struct sio_out *out)
{
	put_text(to, SLICE("type"));
	msgpack_pack_uint64(to, out->type);
}

static void put_id(msgpack_packer *to, const struct sio_out *out)
{
	if (!out->has_id)
		return;
	put_text(to, SLICE("id"));
	msgpack_pack_uint64(to, out->id);
}

/* The payload, an array, with one text more at its end. */
static void put_payload(msgpack_packer *to, struct sink *sink, const struct sio_out *out)
{
	struct msgpack_head head;
	struct slice items;

	if (out->offset.size == 0 || !msgpack_head(out->json, &head) || head.form != MSGPACK_ARRAY) {
		write_sink(sink, out->json.at, out->json.size);
		return;
	}
	items = slice_from(out->json, head.size);
	msgpack_pack_array(to, head.count + 1);
	write_sink(sink, items.at, items.size);
	put_text(to, out->offset);
}

static void put_packet(struct sink *sink, const struct sio_out *out)
{
	msgpack_packer to;

	msgpack_packer_init(&to, sink, write_sink);
	msgpack_pack_map(&to, 2U + (out->json.size > 0) + out->has_id);
	if (out->type == SIO_ACK)
		put_id(&to, out);
	put_type(&to, out);
	if (out->json.size) {
		put_text(&to, SLICE("data"));
		put_payload(&to, sink, out);
	}
	if (out->type != SIO_ACK)
		put_id(&to, out);
	put_text(&to, SLICE("nsp"));
	put_text(&to, out->nsp.size ? out->nsp : SLICE("/"));
}

/* An event's name as it stands in its payload. */
static struct slice name_in(struct slice payload)
{
	struct msgpack_head head;
	struct slice name = { "", 0 };

	if (msgpack_head(payload, &head) && head.form == MSGPACK_ARRAY && head.count) {
		name = slice_from(payload, head.size);
		if (msgpack_head(name, &head) && head.body <= name.size - head.size)
			name = slice_first(name, head.size + head.body);
	}
	return name;
}

/* Behind the packet, where nobody sends it: the name, which says where it ends, and the namespace. */
static void put_tag(struct frame *f, struct slice name, struct slice nsp)
{
	char *to = f->bytes + f->size;

	memcpy(to, name.at, name.size);
	memcpy(to + name.size, nsp.at, nsp.size);
	f->tag_at = (uint32_t)f->size;
	f->tag_size = (uint32_t)(name.size + nsp.size);
}

static struct frame *make_frame(const struct sio_out *out)
{
	struct slice name = out->latest ? name_in(out->json) : SLICE(""), nsp = out->nsp.size ? out->nsp : SLICE("/");
	struct sink measured = { NULL, 0 }, sink = { NULL, 0 };
	bool tagged = name.size && name.size + nsp.size <= UINT16_MAX; /* no name is longer */
	struct frame *f;

	put_packet(&measured, out);
	f = frame_new(frame_packet_size(measured.size) + (tagged ? name.size + nsp.size : 0));
	if (f == NULL)
		return NULL;
	f->uncompressed = out->uncompressed;
	sink.at = frame_put(f, true, measured.size);
	put_packet(&sink, out);
	if (tagged)
		put_tag(f, name, nsp);
	return f;
}

/* --- Payloads ----------------------------------------------------------------------------------------------------- */

/* Node names the private id of recovery also where there is none. */
static void put_connected(struct buf *to, struct slice sid, struct slice pid)
{
	msgpack_put_map(to, 2);
	msgpack_put_text(to, SLICE("sid"));
	msgpack_put_text(to, sid);
	msgpack_put_text(to, SLICE("pid"));
	if (pid.size)
		msgpack_put_text(to, pid);
	else
		msgpack_put_undefined(to);
}

static void put_message(struct buf *to, struct slice text)
{
	msgpack_put_map(to, 1);
	msgpack_put_text(to, SLICE("message"));
	msgpack_put_text(to, text);
}

static int put_json(struct buf *to, struct slice json, const struct slice *blobs, size_t n_blobs)
{
	struct arena arena = ARENA_INIT;
	struct stoa_value v = json_decode(&arena, json, blobs, n_blobs);
	int error = v.kind_ == VALUE_BROKEN ? -ENOMEM : msgpack_encode(to, v, MSGPACK_CLIENT);

	arena_fini(&arena);
	return error;
}

/* Binary in it is what logs would show. */
static int auth(struct buf *json, const struct sio_packet *connect)
{
	struct arena arena = ARENA_INIT;
	struct stoa_value v;
	int error = 0;

	if (connect->data.size) {
		v = msgpack_decode(&arena, connect->data, MSGPACK_CLIENT);
		error = v.kind_ == VALUE_BROKEN ? -ENOMEM : json_encode(json, v, NULL);
	}
	arena_fini(&arena);
	return error;
}

const struct sio_parser sio_msgpack = {
	.encoding = VALUE_MSGPACK,
	.is_binary = true,
	.parse = parse,
	.frame = make_frame,
	.put_connected = put_connected,
	.put_message = put_message,
	.put_json = put_json,
	.auth = auth,
};

void sio_msgpack_show(struct buf *to, struct slice data)
{
	static const struct msgpack_rules rules = { VALUE_DEPTH_MAX };
	struct arena arena = ARENA_INIT;
	bool shown = msgpack_check(data, &rules) == NULL;

	if (shown)
		shown = json_encode(to, msgpack_decode(&arena, data, MSGPACK_CLIENT), NULL) == 0;
	if (!shown)
		buf_printf(to, "<%zu bytes>", data.size);
	arena_fini(&arena);
}
