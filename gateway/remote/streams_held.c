/*
 * streams_held.c - an entry is taken out of its stream when Redis has what its batch told other gateways, so that whoever
 * takes over from this one, should it be killed in between, tells them. See remote_streams_internal.h.
 *
 * They are told over another connection (pubsub.h), which says how far that is. What had to wait for the connection itself
 * is not waited for.
 */
#include <stdlib.h>

#include "alloc.h"
#include "remote_streams_internal.h"

bool streams_must_hold(const struct remote_streams *rs, bool anew)
{
	const struct pubsub *bus = rs->bus;

	return bus && bus->over < bus->sent && !(anew && bus->sent == rs->sent_before);
}

static struct held *hold(struct remote_streams *rs, unsigned partition, struct slice id, struct slice sid)
{
	struct held *h = must_alloc(sizeof(*h) + id.size + sid.size);

	h->after = rs->bus->sent;
	h->partition = partition;
	h->id_size = id.size;
	h->sid_size = sid.size;
	if (id.size)
		memcpy(h->texts, id.at, id.size);
	if (sid.size)
		memcpy(h->texts + id.size, sid.at, sid.size);
	*rs->held_end = h;
	rs->held_end = &h->next;
	return h;
}

void streams_hold_entry(struct remote_streams *rs, const struct batch_record *b)
{
	hold(rs, b->partition, b->id, b->sid);
}

void streams_hold_state(struct remote_streams *rs, unsigned partition, struct slice sid)
{
	hold(rs, partition, SLICE(""), sid)->is_state = true;
}

static struct held *take(struct remote_streams *rs)
{
	struct held *h = rs->held;

	rs->held = h->next;
	if (rs->held == NULL)
		rs->held_end = &rs->held;
	return h;
}

static void release(struct remote_streams *rs, int64_t now_ms, const struct held *h)
{
	struct slice sid = slice_of(h->texts + h->id_size, h->sid_size);

	if (h->is_state) {
		streams_drop(rs, h->partition, sid);
		return;
	}
	streams_take_out_entry(rs, h->partition, slice_of(h->texts, h->id_size));
	remote_released(rs->remote, now_ms, sid);
}

void streams_moved(void *to, int64_t now_ms)
{
	struct remote_streams *rs = to;

	while (rs->held && rs->held->after <= rs->bus->over) {
		struct held *h = take(rs);

		release(rs, now_ms, h);
		free(h);
	}
	if (rs->lease_kept && rs->held == NULL)
		streams_give_lease_up(rs);
}

void streams_drop_held(struct remote_streams *rs)
{
	while (rs->held)
		free(take(rs));
}
