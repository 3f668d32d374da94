/* cluster_emit.c - broadcasts, and who joins, leaves and goes: told to others, and heard of them. */
#include <errno.h>
#include <stdlib.h>

#include "alloc.h"
#include "cluster_internal.h"
#include "log.h"
#include "metrics.h"
#include "msgpack.h"

/* --- Told --------------------------------------------------------------------------------------------------------- */

struct wire_opts cluster_opts(const struct cluster_target *t)
{
	return (struct wire_opts){ .rooms = t->rooms,
		.except = t->except,
		.everybody = t->rooms.count == 0,
		.is_volatile = t->is_volatile,
		.uncompressed = t->uncompressed,
		.latest = t->latest,
		.has_compress = t->uncompressed };
}

bool cluster_orders(const struct cluster *c, struct slice nsp)
{
	return c && c->config.total_order && cluster_is_up(c) && cluster_hears_all(c, nsp);
}

int cluster_emit(struct cluster *c, const struct cluster_target *t, struct stoa_value data)
{
	struct wire_broadcast b = { .nsp = t->nsp, .data = data, .opts = cluster_opts(t) };
	struct wire_channel channel;
	int encoded;

	if (c == NULL || c->bus == NULL)
		return 0;
	b.uid = slice_str(t->ordered ? c->ordered_uid : c->uid);
	buf_clear(&c->payload);
	encoded = wire_broadcast_encode(&c->payload, &c->scratch, &b);
	arena_reset(&c->scratch);
	channel = wire_broadcast_channel(t->nsp, &b.opts);
	if (channel.kind == WIRE_CHANNEL_ROOM && !c->config.all_rooms && cluster_joins_has(c, t->nsp, &t->rooms))
		channel = (struct wire_channel){ .kind = WIRE_CHANNEL_BROADCAST, .nsp = t->nsp };
	return cluster_send(c, &channel, encoded);
}

int cluster_send_request(struct cluster *c, struct slice nsp, const struct wire_request *r)
{
	int encoded;

	buf_clear(&c->payload);
	encoded = wire_request_encode(&c->payload, &c->scratch, r);
	arena_reset(&c->scratch);
	return cluster_send(c, &(struct wire_channel){ .kind = WIRE_CHANNEL_REQUEST, .nsp = nsp }, encoded);
}

static int tell_change(struct cluster *c, const struct cluster_target *t, struct wire_request *r)
{
	if (c == NULL || c->bus == NULL)
		return 0;
	r->uid = slice_str(c->uid);
	r->opts = cluster_opts(t);
	return cluster_send_request(c, t->nsp, r);
}

int cluster_join_rooms(
	struct cluster *c, int64_t now_ms, const struct cluster_target *t, const struct wire_names *rooms)
{
	if (c && c->bus)
		cluster_joins_note(c, now_ms, t->nsp, rooms);
	return tell_change(c, t, &(struct wire_request){ .type = WIRE_REMOTE_JOIN, .rooms = *rooms });
}

int cluster_leave_rooms(struct cluster *c, const struct cluster_target *t, const struct wire_names *rooms)
{
	return tell_change(c, t, &(struct wire_request){ .type = WIRE_REMOTE_LEAVE, .rooms = *rooms });
}

int cluster_disconnect(struct cluster *c, const struct cluster_target *t, bool transport)
{
	return tell_change(c, t, &(struct wire_request){ .type = WIRE_REMOTE_DISCONNECT, .close = transport });
}

/* --- Heard: broadcasts -------------------------------------------------------------------------------------------- */

/* The payload in the encoding of our clients' parser; in JSON its binary is noted in `blobs`. */
static int put_data(struct cluster *c, struct stoa_value data, struct json_blobs *blobs)
{
	if (c->clients->config.parser->encoding == VALUE_JSON)
		return json_encode(&c->payload, data, blobs);
	return msgpack_encode(&c->payload, data, MSGPACK_CLIENT);
}

/* An event as our clients read it; NULL: no memory, or what no client could be sent. */
static struct frame *frame_of(struct cluster *c, struct stoa_value data, const struct sio_out *out)
{
	struct json_blobs blobs = { 0 };
	struct sio_out whole = *out;
	struct frame *f = NULL;

	buf_clear(&c->payload);
	if (put_data(c, data, &blobs) == 0) {
		whole.json = buf_slice(&c->payload);
		whole.blobs = blobs.at;
		whole.n_blobs = blobs.count;
		f = c->clients->config.parser->frame(&whole);
	}
	json_blobs_fini(&blobs);
	return f;
}

struct frame *cluster_frame(struct cluster *c, struct slice nsp, struct stoa_value data, bool uncompressed,
	const uint64_t *ack_id, struct slice offset)
{
	return frame_of(c, data,
		&(struct sio_out){ .type = SIO_EVENT,
			.nsp = nsp,
			.has_id = ack_id != NULL,
			.id = ack_id ? *ack_id : 0,
			.offset = offset,
			.uncompressed = uncompressed });
}
/* Names left out: those of the message, and for a publisher of one message per room the rooms that had theirs. */
static bool skip_of(struct cluster *c, const struct wire_delivery *d, struct hub_target *t)
{
	size_t n = d->except.count + d->seen.count;
	struct slice *skip = arena_take(&c->arena, n * sizeof(*skip));

	if (skip == NULL)
		return false;
	if (d->except.count)
		memcpy(skip, d->except.at, d->except.count * sizeof(*skip));
	if (d->seen.count)
		memcpy(skip + d->except.count, d->seen.at, d->seen.count * sizeof(*skip));
	t->skip = skip;
	t->n_skip = n;
	return true;
}

static void deliver(
	struct cluster *c, struct slice nsp, const struct wire_broadcast *b, const struct wire_channel *channel)
{
	struct wire_delivery d = wire_broadcast_delivery(b, channel);
	struct hub_target t = { .nsp = hub_namespace(c->hub, nsp),
		.rooms = d.rooms.at,
		.n_rooms = d.rooms.count,
		.is_volatile = b->opts.is_volatile,
		.latest = b->opts.latest };
	struct sio_out out = {
		.type = SIO_EVENT, .nsp = nsp, .latest = b->opts.latest, .uncompressed = b->opts.uncompressed
	};
	struct recovery_packet p = { .nsp = nsp, .rooms = d.rooms.at, .n_rooms = d.rooms.count };
	struct recovery_offset offset = { .size = 0 };
	struct frame *f = NULL;

	if (!d.everybody && d.rooms.count == 0)
		return;
	if (skip_of(c, &d, &t)) {
		p.skip = t.skip;
		p.n_skip = t.n_skip;
		if (!b->opts.is_volatile)
			offset = recovery_begin(c->hub, &p);
		out.offset = recovery_text(&offset);
		f = frame_of(c, b->data, &out);
	}
	if (f == NULL) {
		cluster_drop(c, "cannot be sent to clients");
		return;
	}
	hub_broadcast(c->hub, &t, f);
	if (offset.size)
		recovery_log(c->hub, c->now_ms, &p, f);
	frame_unref(f);
}

bool cluster_has_namespace(const struct cluster *c, struct slice nsp)
{
	return hub_namespace(c->hub, nsp) || recovery_awaits(c->hub->recovery, nsp, slice_of(NULL, 0));
}

bool cluster_has_room(const struct cluster *c, const struct hub_namespace *n, struct slice nsp, struct slice room)
{
	return (n && hub_has_room(n, room)) || recovery_awaits(c->hub->recovery, nsp, room);
}

/* All the rooms that it names are empty here. A room's own channel has been asked for by that name. */
static bool is_for_others(
	const struct cluster *c, const struct hub_namespace *n, struct slice nsp, struct slice payload)
{
	struct wire_rooms rooms;
	struct slice room;

	if (!wire_broadcast_rooms(payload, &rooms))
		return false;
	while (wire_rooms_next(&rooms, &room))
		if (cluster_has_room(c, n, nsp, room))
			return false;
	return rooms.left == 0;
}

/* With nobody here to hear it, or when it is our own that comes back, it is not even decoded. Emitters from before 2016 name
 * the namespace in the packet alone. */
static bool concerns_us(const struct cluster *c, const struct wire_channel *channel, struct slice payload)
{
	const struct hub_namespace *n;

	if (channel->kind == WIRE_CHANNEL_EMITTER)
		return true;
	n = hub_namespace(c->hub, channel->nsp);
	if (n == NULL && !recovery_awaits(c->hub->recovery, channel->nsp, slice_of(NULL, 0)))
		return false;
	if (wire_broadcast_is_of(payload, slice_str(c->uid)))
		return false;
	if (channel->kind == WIRE_CHANNEL_ROOM)
		return cluster_has_room(c, n, channel->nsp, channel->name);
	return !is_for_others(c, n, channel->nsp, payload);
}

void cluster_heard_broadcast(struct cluster *c, const struct wire_channel *channel, struct slice payload)
{
	bool names_itself = channel->kind == WIRE_CHANNEL_EMITTER;
	struct wire_broadcast b;
	const char *wrong;

	if (!concerns_us(c, channel, payload))
		return;
	wrong = wire_broadcast_decode(&c->arena, payload, channel->kind, &c->config.rules, &b);
	if (wrong) {
		cluster_drop(c, wrong);
		return;
	}
	if (slice_equal(b.uid, slice_str(c->uid)))
		return;
	if (names_itself ? cluster_has_namespace(c, b.nsp) : slice_equal(b.nsp, channel->nsp))
		deliver(c, b.nsp, &b, channel);
}

/* --- Heard: changes ----------------------------------------------------------------------------------------------- */

static void pick(void *to, struct hub_member *m)
{
	struct cluster *c = to;

	if (c->n_picked == c->cap_picked) {
		c->cap_picked = c->cap_picked ? c->cap_picked * 2 : 64;
		c->picked = must_realloc(c->picked, c->cap_picked * sizeof(struct client *));
	}
	c->picked[c->n_picked++] = client_of(m);
}

void cluster_pick(struct cluster *c, struct slice nsp, const struct wire_opts *opts)
{
	struct hub_target t = { .nsp = hub_namespace(c->hub, nsp),
		.rooms = opts->rooms.at,
		.n_rooms = opts->rooms.count,
		.skip = opts->except.at,
		.n_skip = opts->except.count };

	c->n_picked = 0;
	if (opts->everybody || opts->rooms.count)
		hub_select(c->hub, &t, pick, c);
}

/* The form from before 2020 names one client. */
static void pick_for(struct cluster *c, struct slice nsp, const struct wire_request *r)
{
	struct hub_namespace *n = hub_namespace(c->hub, nsp);
	struct hub_member *m = n && r->sid.size ? hub_find(n, r->sid) : NULL;

	if (r->sid.size == 0) {
		cluster_pick(c, nsp, &r->opts);
		return;
	}
	c->n_picked = 0;
	if (m)
		pick(c, m);
}

void cluster_join(struct cluster *c, struct client *one, struct slice room)
{
	size_t max = c->clients->config.max_name_bytes;
	int error = max && room.size > max ? -E2BIG : hub_join(c->hub, &one->member, room);

	if (error == 0)
		return;
	metrics_count(error == -ENOSPC ? M_LIMIT_ROOMS : error == -E2BIG ? M_LIMIT_ROOM_NAME : M_OUT_OF_MEMORY);
	log_warn("not-joined", LOG_S("sid", one->sid), LOG_T("nsp", one->nsp), LOG_T("room", room),
		LOG_S("why", error == -ENOSPC  ? "max_rooms"
			     : error == -E2BIG ? "max_room_name"
					       : "no memory"));
}

void cluster_heard_change(struct cluster *c, int64_t now_ms, struct slice nsp, const struct wire_request *r)
{
	pick_for(c, nsp, r);
	for (size_t i = 0; i < c->n_picked; i++) {
		struct client *one = c->picked[i];

		/* Disconnecting runs handlers, which may end others that were picked; their memory stays for this turn. */
		if (r->type == WIRE_REMOTE_DISCONNECT)
			client_disconnect(one, now_ms, r->close);
		for (size_t k = 0; k < r->rooms.count; k++) {
			if (r->type == WIRE_REMOTE_JOIN)
				cluster_join(c, one, r->rooms.at[k]);
			else if (r->type == WIRE_REMOTE_LEAVE)
				hub_leave(c->hub, &one->member, r->rooms.at[k]);
		}
	}
}
