/*
 * api_actions.c - whom, and what is done to clients' rooms and connections. Each action is one function over a
 * hub_target: what this process does about clients of its own.
 */
#include <errno.h>

#include "api_internal.h"
#include "log.h"
#include "metrics.h"

/* --- Whom --------------------------------------------------------------------------------------------------------- */

struct hub_target api_target(const struct api_call *c, const struct api_names *rooms)
{
	return (struct hub_target){ .nsp = hub_namespace(c->api->hub, c->namespace),
		.rooms = rooms->at,
		.n_rooms = rooms->count,
		.skip = c->except.at,
		.n_skip = c->except.count,
		.is_volatile = c->is_volatile };
}

/* A room wins over broadcast, as in stoa.h. An empty list is nobody, and more likely a mistake than meant. */
bool api_target_said(struct api_call *c, const struct api_names *rooms, struct hub_target *t)
{
	if (rooms->given && rooms->count == 0)
		return api_fail(c, 400, "to", "no room in `to`");
	if (rooms->count == 0 && !c->broadcast)
		return api_fail(c, 400, "to", "neither a room in `to` nor `broadcast`; broadcasting is always said");
	*t = api_target(c, rooms);
	return true;
}

/* Clients collected, since what is done to them changes the hub. */
struct picked {
	struct client **at;
	size_t count;
};

static void count_one(void *to, struct hub_member *m)
{
	(void)m;
	++*(size_t *)to;
}

static void pick_one(void *to, struct hub_member *m)
{
	struct picked *p = to;

	p->at[p->count++] = client_of(m);
}

static bool pick(struct api_call *c, struct picked *p)
{
	struct hub_target t;
	size_t count = 0;

	if (!api_target_said(c, &c->to, &t))
		return false;
	hub_select(c->api->hub, &t, count_one, &count);
	*p = (struct picked){ .at = arena_take(&c->api->arena, count * sizeof(struct client *)) };
	if (p->at == NULL)
		return api_no_memory(c);
	hub_select(c->api->hub, &t, pick_one, p);
	return true;
}

/* --- Rooms -------------------------------------------------------------------------------------------------------- */

/* Which room, and whom. No client can be in more rooms than max_rooms, so no more need be named. */
static bool pick_for_rooms(struct api_call *c, struct picked *p)
{
	size_t max = (size_t)c->api->options->max_rooms;

	if (c->rooms.count == 0)
		return api_fail(c, 400, "room", "which room? it is missing");
	if (c->rooms.count > max) {
		metrics_count(M_LIMIT_ROOMS);
		return api_fail(c, 422, "rooms", "%zu rooms; max_rooms is %zu", c->rooms.count, max);
	}
	return pick(c, p);
}

/* Stops at the first that it cannot join: it could join no other. */
static bool join_all(struct hub *hub, struct client *client, const struct api_names *rooms)
{
	int error = 0;

	for (size_t i = 0; i < rooms->count && error == 0; i++)
		error = hub_join(hub, &client->member, rooms->at[i]);
	if (error)
		metrics_count(error == -ENOSPC ? M_LIMIT_ROOMS : M_OUT_OF_MEMORY);
	return error == 0;
}

bool api_join(struct api_call *c, struct buf *answer)
{
	struct picked p;
	size_t refused = 0;

	if (!pick_for_rooms(c, &p))
		return false;
	for (size_t i = 0; i < p.count; i++)
		refused += !join_all(c->api->hub, p.at[i], &c->rooms);
	buf_printf(answer, "{\"clients\":%zu", p.count - refused);
	if (refused) {
		log_warn("not-joined", LOG_T("nsp", c->namespace), LOG_T("room", c->rooms.at[0]),
			LOG_S("why", "max_rooms"), LOG_I("clients", refused));
		buf_printf(answer, ",\"refused\":%zu", refused);
	}
	api_tell_rooms(c, true, answer);
	buf_add_char(answer, '}');
	return true;
}

bool api_leave(struct api_call *c, struct buf *answer)
{
	struct picked p;

	if (!pick_for_rooms(c, &p))
		return false;
	for (size_t i = 0; i < p.count; i++)
		for (size_t r = 0; r < c->rooms.count; r++)
			hub_leave(c->api->hub, &p.at[i]->member, c->rooms.at[r]);
	buf_printf(answer, "{\"clients\":%zu", p.count);
	api_tell_rooms(c, false, answer);
	buf_add_char(answer, '}');
	return true;
}

/* --- The end ------------------------------------------------------------------------------------------------------ */

/* A handler of one that goes may end another before its turn comes: that one is gone then, and its memory stays until
 * the end of the loop's turn. */
bool api_disconnect(struct api_call *c, struct buf *answer)
{
	struct picked p;

	if (!pick(c, &p))
		return false;
	for (size_t i = 0; i < p.count; i++)
		client_disconnect(p.at[i], c->now_ms, c->transport);
	buf_printf(answer, "{\"clients\":%zu", p.count);
	api_tell_disconnect(c, answer);
	buf_add_char(answer, '}');
	return true;
}
