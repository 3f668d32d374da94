/* cluster_nodes.c - our beat and our lease; who comes and goes. */
#include <stdio.h>

#include "cluster_internal.h"
#include "log.h"
#include "metrics.h"
#include "random.h"

enum { BEATS_APART_MS = 200, KEY_MAX = 300, VALUE_MAX = NODE_UID_SIZE + 1 + NODE_ADDRESS_MAX };

static void beat(struct timer *t, int64_t now_ms);

/* --- Ourselves ---------------------------------------------------------------------------------------------------- */

static void name_ourselves(struct cluster *c)
{
	const char *id = c->clients->sessions->node_id;

	memcpy(c->uid, id, NODE_ID_SIZE);
	random_id(c->uid + NODE_ID_SIZE, NODE_UID_SIZE - NODE_ID_SIZE);
	memcpy(c->ordered_uid, id, NODE_ID_SIZE);
	random_id(c->ordered_uid + NODE_ID_SIZE, NODE_UID_SIZE - NODE_ID_SIZE);
	c->self = (struct node_self){
		.uid = c->uid, .id = id, .name = c->config.name, .address = c->config.address, .namespaces = c->names
	};
}

void cluster_nodes_init(struct cluster *c)
{
	name_ourselves(c);
	buf_add_slice(&c->nodes_channel, c->prefix);
	buf_add_str(&c->nodes_channel, "-nodes#");
}

static void list_namespaces(struct cluster *c)
{
	struct map_node *n, *next;

	c->self.n_namespaces = map_count(&c->namespaces);
	if (c->self.n_namespaces > NODE_NAMESPACES_MAX)
		return;
	c->self.n_namespaces = 0;
	map_foreach(&c->namespaces, n, next) c->names[c->self.n_namespaces++] = n->key;
}

static void publish_beat(struct cluster *c)
{
	list_namespaces(c);
	c->self.clients = metrics_get(M_CLIENTS);
	buf_clear(&c->payload);
	nodes_put_beat(&c->payload, &c->self);
	if (!c->payload.failed)
		c->bus->ops->publish(c->bus, buf_slice(&c->nodes_channel), buf_slice(&c->payload));
}

/* --- The lease of our four characters ----------------------------------------------------------------------------- */

static struct slice lease_key(const struct cluster *c, char key[KEY_MAX])
{
	int size = snprintf(key, KEY_MAX, "%s-node:%s", c->config.prefix, c->self.id);

	return slice_of(key, size < KEY_MAX ? (size_t)size : KEY_MAX - 1);
}

/* Another process goes by them. Without a client nobody has seen them, and others will do. */
static void change_name(struct cluster *c, int64_t now_ms)
{
	if (map_count(&c->hub->namespaces) || recovery_count(c->hub->recovery) ||
		sessions_count(c->clients->sessions)) {
		log_error("node-id-taken", LOG_S("node", c->self.id),
			LOG_S("meaning",
				"requests that another gateway relays may miss their session; start this one anew"));
		return;
	}
	cluster_rename(c);
	log_info("node-id-changed", LOG_S("node", c->self.id));
	cluster_beat_soon(c, now_ms);
}

static void on_claimed(void *to, int64_t now_ms, int64_t result, struct slice text)
{
	struct cluster *c = to;

	(void)text;
	c->lease_is_ours = result == 1;
	if (result == 0)
		change_name(c, now_ms);
}

static void claim(struct cluster *c)
{
	char key[KEY_MAX], value[VALUE_MAX + 1];

	snprintf(value, sizeof(value), "%s %s", c->uid, c->config.address);
	c->bus->ops->claim(c->bus, lease_key(c, key), slice_str(value), c->config.lost_ms, on_claimed, c);
}

/* --- The beat ----------------------------------------------------------------------------------------------------- */

static void tell_lost(struct cluster *c, int64_t now_ms)
{
	const struct node *n;

	while ((n = nodes_take_lost(&c->nodes, now_ms))) {
		log_warn("node-lost", LOG_S("node", n->id), LOG_S("name", n->name));
		cluster_node_went(c, now_ms, n);
	}
}

static void beat(struct timer *t, int64_t now_ms)
{
	struct cluster *c = (struct cluster *)(void *)((char *)t - offsetof(struct cluster, beat));

	/* We stood still ourselves: what others said meanwhile is about to be read. */
	if (now_ms - c->last_beat_ms > 2 * c->config.beat_ms)
		nodes_forgive(&c->nodes, now_ms);
	timer_set(c->timers, &c->beat, beat, now_ms + c->config.beat_ms);
	c->last_beat_ms = now_ms;
	if (c->first_beat_ms == 0)
		c->first_beat_ms = now_ms;
	c->self.age_s = (now_ms - c->first_beat_ms) / 1000;
	cluster_joins_expire(c, now_ms);
	if (!cluster_is_up(c))
		return;
	publish_beat(c);
	claim(c);
	tell_lost(c, now_ms);
}

void cluster_beat_soon(struct cluster *c, int64_t now_ms)
{
	/* Behind our good-bye a beat would make us a node again. */
	if (cluster_is_up(c) && !c->is_leaving)
		timer_set(c->timers, &c->beat, beat,
			now_ms > c->last_beat_ms + BEATS_APART_MS ? now_ms : c->last_beat_ms + BEATS_APART_MS);
}

void cluster_nodes_up(struct cluster *c, int64_t now_ms, bool gap)
{
	struct slice who = nodes_who();

	if (c->is_leaving)
		return;
	if (gap)
		nodes_forgive(&c->nodes, now_ms);
	c->bus->ops->publish(c->bus, buf_slice(&c->nodes_channel), who);
	beat(&c->beat, now_ms);
}

/* --- The others --------------------------------------------------------------------------------------------------- */

void cluster_node_went(struct cluster *c, int64_t now_ms, const struct node *n)
{
	metrics_set(M_CLUSTER_NODES, (int64_t)nodes_count(&c->nodes));
	cluster_node_is_gone(c, now_ms, n);
}

void cluster_heard_node(struct cluster *c, int64_t now_ms, struct slice payload)
{
	const struct node *n;

	switch (nodes_heard(&c->nodes, now_ms, &c->self, payload, &n)) {
	case NODES_NEW:
		log_info("node-joined", LOG_S("node", n->id), LOG_S("name", n->name), LOG_S("address", n->address));
		metrics_set(M_CLUSTER_NODES, (int64_t)nodes_count(&c->nodes));
		break;
	case NODES_GONE:
		log_info("node-left", LOG_S("node", n->id), LOG_S("name", n->name));
		cluster_node_went(c, now_ms, n);
		break;
	case NODES_ASKED:
		cluster_beat_soon(c, now_ms);
		break;
	case NODES_MALFORMED:
		cluster_drop(c, "malformed beat");
		break;
	case NODES_FULL:
		cluster_drop(c, "too many nodes");
		break;
	case NODES_CONFLICT: /* the lease decides who changes */
	case NODES_OLD:
	case NODES_OWN:
		break;
	}
}

void cluster_drain(struct cluster *c, int64_t now_ms)
{
	if (c == NULL)
		return;
	c->self.draining = true;
	cluster_beat_soon(c, now_ms);
}

/* --- Leaving ------------------------------------------------------------------------------------------------------ */

static void on_released(void *to, int64_t now_ms, int64_t result, struct slice text)
{
	struct cluster *c = to;

	(void)now_ms;
	(void)result;
	(void)text;
	c->left(c->left_to);
}

void cluster_leave_bus(struct cluster *c, int64_t now_ms, void (*done)(void *to), void *to)
{
	char key[KEY_MAX];

	(void)now_ms;
	if (!cluster_is_up(c)) {
		done(to);
		return;
	}
	timer_stop(c->timers, &c->beat);
	c->is_leaving = true;
	cluster_unhear(c); /* so that nobody counts on our answers */
	c->left = done;
	c->left_to = to;
	buf_clear(&c->payload);
	nodes_put_bye(&c->payload, &c->self);
	c->bus->ops->publish(c->bus, buf_slice(&c->nodes_channel), buf_slice(&c->payload));
	if (!c->lease_is_ours || c->bus->ops->release(c->bus, lease_key(c, key), on_released, c) < 0)
		done(to);
}
