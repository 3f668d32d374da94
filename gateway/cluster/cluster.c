/* cluster.c - life of the cluster, what comes from the bus, and which channels are wanted. See cluster.h. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "alloc.h"
#include "cluster_internal.h"
#include "log.h"
#include "metrics.h"
#include "random.h"

/* --- Publishing --------------------------------------------------------------------------------------------------- */

/* What was encoded into c->payload, or why it could not be. */
int cluster_send(struct cluster *c, const struct wire_channel *channel, int encoded)
{
	if (encoded == 0) {
		buf_clear(&c->channel);
		wire_channel_add(&c->channel, c->prefix, channel);
		encoded = c->channel.failed ? -ENOMEM : 0;
	}
	/* What is malformed would end Node.js servers. */
	if (encoded == 0 && CLUSTER_CHECKS_PUBLISHED)
		assert(wire_classic_check(channel->kind, buf_slice(&c->payload)) == NULL);
	if (encoded == 0)
		return c->bus->ops->publish(c->bus, buf_slice(&c->channel), buf_slice(&c->payload));
	metrics_count(encoded == -ENOMEM ? M_OUT_OF_MEMORY : M_BUS_UNPUBLISHED_FAILED);
	return encoded;
}

/* --- Subscriptions ------------------------------------------------------------------------------------------------ */

typedef void change_fn(struct pubsub *p, enum subscription_kind kind, struct slice name);

static void change_channel(struct cluster *c, change_fn *change, const struct wire_channel *channel)
{
	buf_clear(&c->channel);
	wire_channel_add(&c->channel, c->prefix, channel);
	change(c->bus, SUBSCRIPTION_CHANNEL, buf_slice(&c->channel));
}

static void change_pattern(struct cluster *c, change_fn *change, struct slice nsp, struct slice start)
{
	buf_clear(&c->channel);
	wire_channel_add_pattern(&c->channel, c->prefix, nsp, start);
	change(c->bus, SUBSCRIPTION_PATTERN, buf_slice(&c->channel));
}

/* Ids of Engine.IO 3 in other namespaces than the main one begin with the namespace. */
static void change_old_sids(struct cluster *c, change_fn *change, struct slice nsp)
{
	struct buf start = BUF_INIT;

	buf_add_slice(&start, nsp);
	buf_add_char(&start, '#');
	buf_add_str(&start, c->self.id);
	if (!start.failed)
		change_pattern(c, change, nsp, buf_slice(&start));
	buf_fini(&start);
}

bool cluster_hears_all(const struct cluster *c, struct slice nsp)
{
	struct buf pattern = BUF_INIT;
	bool live;

	wire_channel_add_pattern(&pattern, c->prefix, nsp, SLICE(""));
	live = c->bus->ops->is_live(c->bus, SUBSCRIPTION_PATTERN, buf_slice(&pattern));
	buf_fini(&pattern);
	return live;
}

/* A '#' makes the names of a namespace's channels those of another one's rooms (wire_channel.h): such a namespace, whose
 * name a client may have chosen, is heard nowhere, and its patterns would bring the other's messages twice. */
static bool can_be_heard(struct slice nsp)
{
	return slice_find(nsp, '#') == nsp.size;
}

/* Everything of a namespace but its rooms. The order is Node's: who counts those that listen to requests counts who can
 * hear broadcasts as well. */
static void change_namespace(struct cluster *c, change_fn *change, struct slice nsp)
{
	if (c->bus == NULL || !can_be_heard(nsp))
		return;
	change_pattern(c, change, nsp, c->config.all_rooms ? SLICE("") : slice_str(c->self.id));
	if (!c->config.all_rooms)
		change_channel(c, change, &(struct wire_channel){ .kind = WIRE_CHANNEL_BROADCAST, .nsp = nsp });
	if (!c->config.all_rooms && c->config.old_sids && nsp.size > 1)
		change_old_sids(c, change, nsp);
	change_channel(c, change, &(struct wire_channel){ .kind = WIRE_CHANNEL_REQUEST, .nsp = nsp });
	change_channel(c, change, &(struct wire_channel){ .kind = WIRE_CHANNEL_RESPONSE, .nsp = nsp });
	change_channel(c, change,
		&(struct wire_channel){ .kind = WIRE_CHANNEL_RESPONSE_TO, .nsp = nsp, .name = slice_str(c->uid) });
}

struct cluster_namespace *cluster_find(const struct cluster *c, struct slice nsp)
{
	struct map_node *n = map_find(&c->namespaces, nsp);

	return n ? map_item(n, struct cluster_namespace, node) : NULL;
}

static struct cluster_namespace *namespace_of(struct cluster *c, struct slice nsp)
{
	struct cluster_namespace *n = cluster_find(c, nsp);

	if (n)
		return n;
	n = must_alloc(sizeof(*n) + nsp.size);
	memcpy(n->name, nsp.at, nsp.size);
	n->node.key = slice_of(n->name, nsp.size);
	map_add(&c->namespaces, &n->node);
	if (c->bus)
		change_namespace(c, c->bus->ops->want, nsp);
	return n;
}

static void forget_namespace(struct cluster *c, struct cluster_namespace *n)
{
	if (c->bus)
		change_namespace(c, c->bus->ops->drop, n->node.key);
	map_remove(&c->namespaces, &n->node);
	free(n);
}

void cluster_unhear(struct cluster *c)
{
	struct map_node *n, *next;

	map_foreach(&c->namespaces, n, next) change_namespace(c, c->bus->ops->drop, n->key);
}

void cluster_rename(struct cluster *c)
{
	struct map_node *n, *next;

	map_foreach(&c->namespaces, n, next) if (c->bus) change_namespace(c, c->bus->ops->drop, n->key);
	/* Who we are on the bus stays: what is on its way there bears it. */
	random_id(c->clients->sessions->node_id, NODE_ID_SIZE);
	map_foreach(&c->namespaces, n, next) if (c->bus) change_namespace(c, c->bus->ops->want, n->key);
}

void cluster_keep(struct cluster *c, struct slice nsp)
{
	if (c)
		namespace_of(c, nsp)->is_kept = true;
}

static void namespace_begins(void *ctx, const struct hub_namespace *n)
{
	struct cluster *c = ctx;

	namespace_of(c, n->node.key)->has_clients = true;
	cluster_beat_soon(c, 0);
}

static void namespace_ends(void *ctx, const struct hub_namespace *n)
{
	struct cluster *c = ctx;
	struct cluster_namespace *own = cluster_find(c, n->node.key);

	own->has_clients = false;
	if (!own->is_kept && !own->has_saved)
		forget_namespace(c, own);
	cluster_beat_soon(c, 0);
}

/* Ids of our own clients have their pattern. */
static bool is_own_sid(const struct cluster *c, struct slice room)
{
	return room.size == SID_SIZE && slice_starts(room, slice_str(c->self.id));
}

static void change_room(struct cluster *c, change_fn *change, struct slice nsp, struct slice room)
{
	if (c->bus && !c->config.all_rooms && !is_own_sid(c, room) && can_be_heard(nsp))
		change_channel(
			c, change, &(struct wire_channel){ .kind = WIRE_CHANNEL_ROOM, .nsp = nsp, .name = room });
}

static void room_begins(void *ctx, const struct hub_namespace *n, struct slice room)
{
	struct cluster *c = ctx;

	if (c->bus)
		change_room(c, c->bus->ops->want, n->node.key, room);
}

static void room_ends(void *ctx, const struct hub_namespace *n, struct slice room)
{
	struct cluster *c = ctx;

	if (c->bus)
		change_room(c, c->bus->ops->drop, n->node.key, room);
}

/* --- Who may be recovered ----------------------------------------------------------------------------------------- */

static void want_saved(void *ctx, struct slice nsp, struct slice room)
{
	struct cluster *c = ctx;

	if (room.at == NULL)
		namespace_of(c, nsp)->has_saved = true;
	else if (c->bus)
		change_room(c, c->bus->ops->want, nsp, room);
}

static void drop_saved(void *ctx, struct slice nsp, struct slice room)
{
	struct cluster *c = ctx;
	struct cluster_namespace *own;

	if (room.at) {
		if (c->bus)
			change_room(c, c->bus->ops->drop, nsp, room);
		return;
	}
	own = cluster_find(c, nsp);
	own->has_saved = false;
	if (!own->is_kept && !own->has_clients)
		forget_namespace(c, own);
}

static const struct recovery_ops recovery_ops = { want_saved, drop_saved };

static const struct hub_ops hub_ops = { namespace_begins, namespace_ends, room_begins, room_ends };

/* --- What comes --------------------------------------------------------------------------------------------------- */

void cluster_drop(struct cluster *c, const char *why)
{
	int64_t count;

	metrics_count(M_BUS_DROPPED);
	if (sample_take(&c->dropped, c->now_ms, &count))
		log_warn("bus-dropped", LOG_S("why", why), LOG_I("count", count));
}

static void heard(struct cluster *c, int64_t now_ms, const struct wire_channel *channel, struct slice payload)
{
	switch (channel->kind) {
	case WIRE_CHANNEL_BROADCAST:
	case WIRE_CHANNEL_ROOM:
	case WIRE_CHANNEL_EMITTER:
		cluster_heard_broadcast(c, channel, payload);
		break;
	case WIRE_CHANNEL_REQUEST:
		cluster_heard_request(c, now_ms, channel->nsp, payload);
		break;
	case WIRE_CHANNEL_RESPONSE:
	case WIRE_CHANNEL_RESPONSE_TO:
		cluster_heard_answer(c, now_ms, payload);
	}
}

static void on_message(void *ctx, int64_t now_ms, struct slice channel, struct slice payload)
{
	struct cluster *c = ctx;
	struct wire_channel parsed;

	c->now_ms = now_ms;
	if (slice_equal(channel, buf_slice(&c->nodes_channel)))
		cluster_heard_node(c, now_ms, payload);
	else if (cluster_heard_python(c, now_ms, channel, payload))
		; /* it was one of theirs */
	else if (wire_channel_parse(channel, c->prefix, &parsed))
		heard(c, now_ms, &parsed, payload);
	else
		cluster_drop(c, "unknown channel");
	arena_reset(&c->arena);
}

static void on_up(void *ctx, int64_t now_ms, bool gap)
{
	struct cluster *c = ctx;

	log_info("bus-up", LOG_S("messages-missed", gap ? "maybe" : "none"));
	recovery_deaf(c->hub->recovery, now_ms, false);
	if (gap)
		recovery_gap(c->hub->recovery, now_ms);
	cluster_nodes_up(ctx, now_ms, gap);
}

static void on_down(void *ctx, int64_t now_ms, const char *why)
{
	struct cluster *c = ctx;

	recovery_deaf(c->hub->recovery, now_ms, true);
	log_warn("bus-down", LOG_S("why", why), LOG_S("meaning", "clients here go on; other nodes are out of reach"));
}

const struct pubsub_events cluster_events = { on_message, on_up, on_down };

/* --- Life --------------------------------------------------------------------------------------------------------- */

struct cluster *cluster_new(const struct cluster_config *config, struct hub *hub, struct clients *clients,
	struct timers *timers, const struct cluster_ops *ops, void *ctx)
{
	struct cluster *c = must_alloc(sizeof(*c));

	c->config = *config;
	c->hub = hub;
	c->clients = clients;
	c->timers = timers;
	c->ops = ops;
	c->ctx = ctx;
	c->prefix = slice_str(config->prefix);
	nodes_init(&c->nodes, config->lost_ms);
	cluster_nodes_init(c);
	hub_listen(hub, &hub_ops, c);
	recovery_listen(hub->recovery, &recovery_ops, c);
	return c;
}

void cluster_join_bus(struct cluster *c, struct pubsub *bus)
{
	struct map_node *n, *next;

	c->bus = bus;
	bus->ops->want(bus, SUBSCRIPTION_CHANNEL, buf_slice(&c->nodes_channel));
	change_channel(c, bus->ops->want, &(struct wire_channel){ .kind = WIRE_CHANNEL_EMITTER });
	cluster_python_join(c);
	map_foreach(&c->namespaces, n, next) change_namespace(c, bus->ops->want, n->key);
}

void cluster_free(struct cluster *c)
{
	struct map_node *n, *next;

	if (c == NULL)
		return;
	c->bus = NULL;
	cluster_ask_fini(c);
	cluster_answer_fini(c);
	cluster_joins_fini(c);
	recovery_listen(c->hub->recovery, NULL, NULL);
	timer_stop(c->timers, &c->beat);
	map_foreach(&c->namespaces, n, next) forget_namespace(c, map_item(n, struct cluster_namespace, node));
	if (map_count(&c->hub->namespaces) == 0)
		hub_listen(c->hub, NULL, NULL);
	nodes_fini(&c->nodes);
	arena_fini(&c->arena);
	arena_fini(&c->scratch);
	buf_fini(&c->channel);
	buf_fini(&c->payload);
	buf_fini(&c->nodes_channel);
	free(c->picked);
	free(c);
}

bool cluster_is_up(const struct cluster *c)
{
	return c && c->bus && c->bus->is_up;
}

const struct nodes *cluster_nodes(const struct cluster *c)
{
	return &c->nodes;
}

const struct node_self *cluster_self(const struct cluster *c)
{
	return &c->self;
}
