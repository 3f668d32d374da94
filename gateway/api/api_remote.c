/* api_remote.c - an action on clients of other processes too: what was done here is told to the cluster. */
#include "api_internal.h"
#include "msgpack.h"

/* Lists are the call's own and not changed. */
static struct cluster_target target_of(const struct api_call *c)
{
	return (struct cluster_target){ .nsp = c->namespace,
		.rooms = { c->to.at, c->to.count },
		.except = { c->except.at, c->except.count },
		.is_volatile = c->is_volatile };
}

static bool concerns_others(const struct api_call *c)
{
	return c->api->cluster && !c->local;
}

/* Nothing is said where there are no others. */
static void put_result(struct buf *answer, int error)
{
	buf_add_str(answer, error ? ",\"published\":false" : ",\"published\":true");
}

void api_tell_emit(
	struct api_call *c, struct slice payload, const struct slice *blobs, size_t n_blobs, struct buf *answer)
{
	struct cluster_target t = target_of(c);
	struct stoa_value data;

	if (!concerns_others(c))
		return;
	if (c->api->options->parser == VALUE_MSGPACK)
		data = msgpack_decode(&c->api->arena, payload, MSGPACK_CLIENT);
	else
		data = value_of_json(&c->api->arena, payload, n_blobs ? JSON_BLOBS : 0, blobs, n_blobs);
	put_result(answer, cluster_emit(c->api->cluster, &t, data));
}

void api_tell_rooms(struct api_call *c, bool join, struct buf *answer)
{
	struct cluster_target t = target_of(c);
	struct wire_names rooms = { c->rooms.at, c->rooms.count };

	if (!concerns_others(c))
		return;
	put_result(answer, join ? cluster_join_rooms(c->api->cluster, c->now_ms, &t, &rooms)
				: cluster_leave_rooms(c->api->cluster, &t, &rooms));
}

void api_tell_disconnect(struct api_call *c, struct buf *answer)
{
	struct cluster_target t = target_of(c);

	if (concerns_others(c))
		put_result(answer, cluster_disconnect(c->api->cluster, &t, c->transport));
}
