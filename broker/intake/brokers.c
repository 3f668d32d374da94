/* brokers.c - who else is there, and what our share is. */
#include <inttypes.h>
#include <stdlib.h>

#include "alloc.h"
#include "intake_internal.h"
#include "json.h"

/* --- What we say of ourselves ------------------------------------------------------------------------------------- */

static void put_partitions(const struct intake *in, struct buf *to)
{
	const char *between = "";

	for (unsigned i = 0; i < in->config.partitions; i++) {
		const struct part *p = &in->parts[i];

		if (p->state == PART_LEAVING || !part_is_held(p))
			continue;
		buf_printf(to, "%s%u", between, i);
		between = ",";
	}
}

/* A slot may be without a process for as long as it takes to start one. */
static bool serves(const struct intake *in, int64_t now_ms)
{
	return in->silent_since_ms == 0 || now_ms - in->silent_since_ms < 2 * in->config.lease_ms;
}

static void put_self(struct intake *in, struct buf *to, int64_t now_ms)
{
	struct intake_view v = intake_view(in, now_ms);

	buf_clear(to);
	buf_add_str(to, "{\"v\":1,\"id\":");
	json_encode_text(to, in->config.broker);
	buf_add_str(to, ",\"name\":");
	json_encode_text(to, in->config.name);
	buf_printf(to, ",\"serves\":%s,\"slots\":%u,\"partitions\":[", serves(in, now_ms) ? "true" : "false",
		in->config.slots);
	put_partitions(in, to);
	buf_printf(to,
		"],\"in_work\":%zu,\"unconfirmed\":%zu,\"backlog\":%zu,\"oldest\":%" PRId64 ",\"started\":%" PRId64 "}",
		v.in_work, v.unconfirmed, v.backlog, v.oldest_ms, in->started_ms);
}

static struct slice own_key(struct intake *in)
{
	buf_clear(&in->name);
	name_broker(&in->name, in->config.app, in->config.broker);
	return buf_slice(&in->name);
}

static void tell(struct intake *in, int64_t now_ms)
{
	put_self(in, &in->said, now_ms);
	ops_of(in)->put(in->streams, own_key(in), buf_slice(&in->said), in->config.lease_ms, NULL, NULL);
}

/* --- What others say ---------------------------------------------------------------------------------------------- */

static bool read_peer(struct intake *in, struct slice record, struct peer *peer)
{
	struct json_rules rules = { .max_depth = 8, .blobs = JSON_NO_BLOBS };
	struct stoa_value v, held, does;
	unsigned flags;

	if (json_check(record, &rules, &flags))
		return false;
	v = json_decode(&in->arena, record, NULL, 0);
	if (v.kind_ != VALUE_OBJECT)
		return false;
	held = value_get(v, SLICE("partitions"));
	does = value_get(v, SLICE("serves"));
	peer->held = held.kind_ == VALUE_ARRAY ? held.size_ : 0;
	peer->serves = does.kind_ == VALUE_BOOL && does.as_.i;
	return true;
}

static void on_peer(void *to, struct slice id, struct slice value)
{
	struct intake *in = to;
	struct peer *peer = &in->peers[in->n_peers];

	if (in->n_peers == PEERS_MAX || id.size == 0 || id.size > BY_MAX || slice_equal(id, in->config.broker))
		return;
	arena_reset(&in->arena);
	if (!read_peer(in, value, peer))
		return;
	memcpy(peer->id, id.at, id.size);
	peer->id[id.size] = '\0';
	in->n_peers++;
}

/* --- Our share ---------------------------------------------------------------------------------------------------- */

/* Who holds more comes first, so that what is over after the division stays where it is. */
static bool is_before(const struct intake *in, const struct peer *peer, unsigned held)
{
	if (peer->held != held)
		return peer->held > held;
	return strncmp(peer->id, in->config.broker.at, in->config.broker.size) < 0;
}

static void share_out(struct intake *in, int64_t now_ms)
{
	unsigned held = parts_held(in), n = in->config.partitions;
	bool self = serves(in, now_ms);

	in->brokers = self;
	in->rank = 0;
	for (size_t i = 0; i < in->n_peers; i++) {
		if (!in->peers[i].serves)
			continue;
		in->brokers++;
		in->rank += is_before(in, &in->peers[i], held);
	}
	in->target = self ? n / in->brokers + (in->rank < n % in->brokers) : 0;
}

static void on_listed(void *to, int64_t now_ms, int64_t result, struct slice text)
{
	struct intake *in = to;
	unsigned held;

	(void)text;
	in->brokers_asked = false;
	if (result < 0 || in->leaving)
		return;
	held = parts_held(in);
	share_out(in, now_ms);
	parts_balance(in, now_ms);
	if (parts_held(in) != held) /* so that others do not make room for what we have no more */
		tell(in, now_ms);
}

void brokers_init(struct intake *in)
{
	name_brokers(&in->list_name, in->config.app);
	name_broker(&in->key_prefix, in->config.app, slice_of(NULL, 0));
}

void brokers_beat(struct intake *in, int64_t now_ms)
{
	struct slice list = buf_slice(&in->list_name), prefix = buf_slice(&in->key_prefix);

	if (in->leaving || in->brokers_asked)
		return;
	tell(in, now_ms);
	ops_of(in)->enlist(in->streams, list, prefix, in->config.broker, NULL, NULL);
	in->n_peers = 0;
	in->brokers_asked = ops_of(in)->list(in->streams, list, prefix, on_peer, on_listed, in) == 0;
}

/* Others take over the sooner. */
void brokers_goodbye(struct intake *in)
{
	if (in->up && in->said.size)
		ops_of(in)->release_key(in->streams, own_key(in), buf_slice(&in->said), NULL, NULL);
}

void brokers_slots_changed(struct intake *in, int64_t now_ms)
{
	bool any = false;

	for (unsigned i = 0; i < in->config.slots; i++)
		any |= in->slots[i].runs;
	if (any)
		in->silent_since_ms = 0;
	else if (in->silent_since_ms == 0)
		in->silent_since_ms = now_ms;
}
