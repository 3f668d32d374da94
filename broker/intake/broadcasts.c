/* broadcasts.c - what is still published of a batch whose gateway is gone. See broadcasts.h. */
#include "broadcasts.h"

#include "json.h"
#include "msgpack.h"
#include "wire_classic.h"

/* One batch. */
struct telling {
	const struct batch_record *b;
	enum value_encoding encoding;
	struct slice redis_key;
	struct arena *scratch;
	broadcasts_fn *publish;
	void *to;
	struct buf channel, payload;
	size_t failed;
};

/* --- Whom --------------------------------------------------------------------------------------------------------- */

/* One client that is not the sender. */
static bool is_to_another(const struct telling *t, const struct effect_target *to)
{
	return to->sid && to->sid[0] && !slice_equal(slice_str(to->sid), t->b->sid);
}

static bool concerns_others(const struct telling *t, const struct effect *e)
{
	return !e->to.local && e->to.nsp && (e->to.n_rooms || e->to.broadcast || is_to_another(t, &e->to));
}

static struct wire_names copy_names(struct telling *t, const struct slice *names, size_t n, struct slice more)
{
	struct wire_names copy = { arena_take(t->scratch, (n + 1) * sizeof(struct slice)), 0 };

	if (copy.at == NULL)
		return copy;
	for (; copy.count < n; copy.count++)
		copy.at[copy.count] = names[copy.count];
	if (more.size)
		copy.at[copy.count++] = more;
	return copy;
}

static struct wire_opts opts_of(struct telling *t, const struct effect_target *to)
{
	bool one = to->n_rooms == 0 && !to->broadcast;
	struct slice self = to->skip_self ? slice_str(to->sid) : slice_of(NULL, 0);

	return (struct wire_opts){
		.rooms = copy_names(t, to->rooms, to->n_rooms, one ? slice_str(to->sid) : slice_of(NULL, 0)),
		.except = copy_names(t, to->skip, to->n_skip, self),
		.everybody = to->broadcast && to->n_rooms == 0,
		.is_volatile = to->is_volatile,
		.uncompressed = to->uncompressed,
		.has_compress = to->uncompressed,
		.latest = to->latest,
	};
}

/* --- What --------------------------------------------------------------------------------------------------------- */

static struct stoa_value value_of(struct telling *t, const struct effect *e)
{
	if (t->encoding == VALUE_MSGPACK)
		return msgpack_decode(t->scratch, e->json, MSGPACK_CLIENT);
	return value_of_json(t->scratch, e->json, e->n_blobs ? JSON_BLOBS : 0, e->blobs, e->n_blobs);
}

static void say(struct telling *t, enum wire_channel_kind kind, struct slice nsp, int error)
{
	buf_clear(&t->channel);
	wire_channel_add(&t->channel, t->redis_key, &(struct wire_channel){ .kind = kind, .nsp = nsp });
	if (error || t->channel.failed || t->payload.failed)
		t->failed++;
	else
		t->publish(t->to, buf_slice(&t->channel), buf_slice(&t->payload));
}

static void tell_emit(struct telling *t, const struct effect *e)
{
	struct wire_broadcast b = {
		.uid = SLICE("emitter"), .nsp = slice_str(e->to.nsp), .data = value_of(t, e), .opts = opts_of(t, &e->to)
	};

	say(t, WIRE_CHANNEL_BROADCAST, b.nsp, wire_broadcast_encode(&t->payload, t->scratch, &b));
}

static void tell_request(struct telling *t, const struct effect *e, const struct wire_request *r)
{
	say(t, WIRE_CHANNEL_REQUEST, slice_str(e->to.nsp), wire_request_encode(&t->payload, t->scratch, r));
}

static void tell_change(struct telling *t, const struct effect *e, enum wire_request_type type)
{
	struct wire_request r = { .type = type, .opts = opts_of(t, &e->to), .close = e->transport };

	if (type != WIRE_REMOTE_DISCONNECT)
		r.rooms = copy_names(t, &e->room, 1, slice_of(NULL, 0));
	tell_request(t, e, &r);
}

static void tell_servers(struct telling *t, const struct effect *e)
{
	tell_request(t, e,
		&(struct wire_request){ .type = WIRE_SERVER_EMIT, .uid = SLICE("emitter"), .data = value_of(t, e) });
}

static void tell(struct telling *t, const struct effect *e)
{
	buf_clear(&t->payload);
	switch (e->kind) {
	case EFFECT_EMIT:
		if (concerns_others(t, e))
			tell_emit(t, e);
		break;
	case EFFECT_JOIN:
		if (concerns_others(t, e))
			tell_change(t, e, WIRE_REMOTE_JOIN);
		break;
	case EFFECT_LEAVE:
		if (concerns_others(t, e))
			tell_change(t, e, WIRE_REMOTE_LEAVE);
		break;
	case EFFECT_DISCONNECT:
		if (concerns_others(t, e))
			tell_change(t, e, WIRE_REMOTE_DISCONNECT);
		break;
	case EFFECT_SERVERS:
		if (e->call == 0 && e->to.nsp)
			tell_servers(t, e);
		break;
	case EFFECT_ACCEPT:
	case EFFECT_REFUSE:
	case EFFECT_CALL:
	case EFFECT_ACK:
	case EFFECT_ADMIT:
	case EFFECT_DENY:
	case EFFECT_SESSION:
	case EFFECT_FETCH:
		break;
	}
	arena_reset(t->scratch);
}

size_t broadcasts_of(const struct batch_record *b, enum value_encoding encoding, struct slice redis_key,
	struct arena *scratch, broadcasts_fn *publish, void *to)
{
	struct telling t = {
		.b = b, .encoding = encoding, .redis_key = redis_key, .scratch = scratch, .publish = publish, .to = to
	};

	for (const struct effect *e = b->effects; e; e = e->next)
		tell(&t, e);
	buf_fini(&t.channel);
	buf_fini(&t.payload);
	return t.failed;
}
