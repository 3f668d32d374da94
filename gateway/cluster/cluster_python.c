/* cluster_python.c - what python-socketio's servers and the processes beside them say, on a channel of theirs. */
#include "cluster_internal.h"
#include "metrics.h"
#include "wire_python.h"

/* --- Channels ----------------------------------------------------------------------------------------------------- */

void cluster_python_join(struct cluster *c)
{
	for (const char *const *name = c->config.python_channels; name && *name; name++)
		c->bus->ops->want(c->bus, SUBSCRIPTION_CHANNEL, slice_str(*name));
}

static bool is_python(const struct cluster *c, struct slice channel)
{
	for (const char *const *name = c->config.python_channels; name && *name; name++)
		if (slice_equal(channel, slice_str(*name)))
			return true;
	return false;
}

/* --- What they say ------------------------------------------------------------------------------------------------ */

/* Their event, with the number by which the answers are called back. */
static void ask(struct cluster *c, int64_t now_ms, const struct wire_python *m, const struct wire_opts *opts)
{
	struct cluster_question q = { .nsp = m->nsp,
		.uid = m->host_id,
		.request_id = m->callback_room,
		.timeout_ms = c->config.ask_timeout_ms,
		.is_python = true,
		.python_id = m->id };

	cluster_pick(c, m->nsp, opts);
	cluster_ask_picked(c, now_ms, &q, m->data, false);
}

/* Everybody's, or one of its rooms has somebody here. */
static bool is_for_us(const struct cluster *c, const struct wire_python *m)
{
	bool is = m->everybody;

	for (size_t i = 0; i < m->rooms.count && !is; i++)
		is = cluster_has_room(c, hub_namespace(c->hub, m->nsp), m->nsp, m->rooms.at[i]);
	return is;
}

static void emit(struct cluster *c, int64_t now_ms, const struct wire_python *m)
{
	struct wire_opts opts = { .rooms = m->rooms, .except = m->skip, .everybody = m->everybody };
	struct hub_target t = { .nsp = hub_namespace(c->hub, m->nsp),
		.rooms = m->rooms.at,
		.n_rooms = m->rooms.count,
		.skip = m->skip.at,
		.n_skip = m->skip.count };
	struct recovery_packet p = {
		.nsp = m->nsp, .rooms = t.rooms, .n_rooms = t.n_rooms, .skip = t.skip, .n_skip = t.n_skip
	};
	struct recovery_offset offset;
	struct frame *f;

	if (!cluster_has_namespace(c, m->nsp) || (!m->everybody && m->rooms.count == 0))
		return;
	if (m->wants_callback) {
		ask(c, now_ms, m, &opts);
		return;
	}
	if (!is_for_us(c, m))
		return;
	offset = recovery_begin(c->hub, &p);
	f = cluster_frame(c, m->nsp, m->data, false, NULL, recovery_text(&offset));
	if (f)
		hub_broadcast(c->hub, &t, f);
	else
		cluster_drop(c, "cannot be sent to clients");
	if (f && offset.size)
		recovery_log(c->hub, now_ms, &p, f);
	frame_unref(f);
}

static struct client *client_here(const struct cluster *c, const struct wire_python *m)
{
	struct hub_namespace *n = hub_namespace(c->hub, m->nsp);
	struct hub_member *member = n ? hub_find(n, m->sid) : NULL;

	return member ? client_of(member) : NULL;
}

static void disconnect(struct cluster *c, int64_t now_ms, const struct wire_python *m)
{
	struct client *one = client_here(c, m);

	if (one)
		client_disconnect(one, now_ms, false);
}

static void enter_room(struct cluster *c, int64_t now_ms, const struct wire_python *m)
{
	struct client *one = client_here(c, m);

	(void)now_ms;
	if (one)
		cluster_join(c, one, m->room);
}

static void leave_room(struct cluster *c, int64_t now_ms, const struct wire_python *m)
{
	struct client *one = client_here(c, m);

	(void)now_ms;
	if (one)
		hub_leave(c->hub, &one->member, m->room);
}

static void close_room(struct cluster *c, int64_t now_ms, const struct wire_python *m)
{
	struct slice room = m->room;
	struct wire_opts opts = { .rooms = { &room, 1 } };

	(void)now_ms;
	cluster_pick(c, m->nsp, &opts);
	for (size_t i = 0; i < c->n_picked; i++)
		hub_leave(c->hub, &c->picked[i]->member, room);
}

/* We ask nothing of them, so nobody can call us back. */
static void callback(struct cluster *c, int64_t now_ms, const struct wire_python *m)
{
	(void)c;
	(void)now_ms;
	(void)m;
}

static void (*const runs[])(struct cluster *c, int64_t now_ms, const struct wire_python *m) = {
	[WIRE_PYTHON_EMIT] = emit,
	[WIRE_PYTHON_CALLBACK] = callback,
	[WIRE_PYTHON_DISCONNECT] = disconnect,
	[WIRE_PYTHON_ENTER_ROOM] = enter_room,
	[WIRE_PYTHON_LEAVE_ROOM] = leave_room,
	[WIRE_PYTHON_CLOSE_ROOM] = close_room,
};

bool cluster_heard_python(struct cluster *c, int64_t now_ms, struct slice channel, struct slice payload)
{
	struct wire_python m;
	const char *wrong;

	if (!is_python(c, channel))
		return false;
	wrong = wire_python_decode(&c->arena, payload, &c->config.rules, &m);
	if (wrong)
		cluster_drop(c, wrong);
	else
		runs[m.method](c, now_ms, &m);
	return true;
}

/* --- What we say -------------------------------------------------------------------------------------------------- */

/* On every channel that we hear: on which of them the question came is not kept, and nobody else has that host_id. */
void cluster_call_python(struct cluster *c, const struct cluster_question *q, struct stoa_value args)
{
	struct wire_python m = { .method = WIRE_PYTHON_CALLBACK,
		.nsp = q->nsp,
		.host_id = q->uid,
		.sid = q->request_id,
		.id = q->python_id,
		.args = args };
	int error;

	if (c->bus == NULL)
		return;
	buf_clear(&c->payload);
	error = wire_python_encode(&c->payload, &c->scratch, &m, WIRE_PYTHON_ANY);
	arena_reset(&c->scratch);
	for (const char *const *name = c->config.python_channels; name && *name && error == 0; name++)
		c->bus->ops->publish(c->bus, slice_str(*name), buf_slice(&c->payload));
	if (error)
		metrics_count(M_BUS_UNPUBLISHED_FAILED);
}
