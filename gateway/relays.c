/* relays.c - see relays.h. */
#include "relays.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "base64.h"
#include "log.h"
#include "random.h"

enum {
	SECRET_BYTES = 32,
	SECRET_MIN = 16, /* characters, as the option's own check */
	SECRET_MAX = 1000,
	SECRET_DAYS = 7,
	RENEW_MS = 60 * 60 * 1000,
	RETRY_MS = 1000, /* after an answer that was none */
	LOOKUPS_MAX = 64,
	KEY_MAX = 300
};

/* A node that requests wait for: each one question, whoever waits. */
struct lookup {
	struct node_relays *all;
	char id[NODE_ID_SIZE];
	bool used, asked; /* not asked: there is no secret yet either */
};

struct node_relays {
	struct edge *edge;
	struct loop *loop;
	const struct gateway_options *options;
	const struct cluster *cluster;
	struct pubsub *bus;
	struct timer renew;
	char secret[SECRET_MAX + 1]; /* what we show, or would put into Redis */
	bool fixed;                  /* by the options */
	bool known, claiming;
	struct lookup lookups[LOOKUPS_MAX];
	char address[NODE_ADDRESS_MAX + 1]; /* the answer in hand */
};

/* --- The secret of the options ------------------------------------------------------------------------------------ */

static bool is_secret(struct slice text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text.at[i] <= ' ' || text.at[i] > '~')
			return false;
	return text.size >= SECRET_MIN && text.size <= SECRET_MAX;
}

static void take_secret(struct node_relays *n, struct slice text)
{
	snprintf(n->secret, sizeof(n->secret), "%.*s", SLICE_ARG(text));
}

static bool read_file(struct node_relays *n, const char *path, char *why, size_t why_size)
{
	char line[SECRET_MAX + 2] = "";
	FILE *f = fopen(path, "re");
	bool read = f && fgets(line, sizeof(line), f);

	if (!read)
		snprintf(why, why_size, "cannot read relay_secret_file %s: %s", path,
			f ? "the file is empty" : strerror(errno));
	if (f)
		fclose(f);
	if (!read)
		return false;
	line[strcspn(line, "\r\n")] = '\0';
	if (!is_secret(slice_str(line))) {
		snprintf(why, why_size,
			"the first line of %s (relay_secret_file) is no secret; it has at least %d visible characters, "
			"without blanks",
			path, SECRET_MIN);
		return false;
	}
	take_secret(n, slice_str(line));
	return true;
}

static bool read_options(struct node_relays *n, char *why, size_t why_size)
{
	const struct gateway_options *o = n->options;

	if (o->relay_secret && o->relay_secret_file) {
		snprintf(why, why_size, "relay_secret and relay_secret_file are both set; one of them is the secret");
		return false;
	}
	n->fixed = o->relay_secret || o->relay_secret_file;
	if (o->relay_secret_file)
		return read_file(n, o->relay_secret_file, why, why_size);
	if (o->relay_secret)
		take_secret(n, slice_str(o->relay_secret));
	return true;
}

static void invent_secret(struct node_relays *n)
{
	struct buf text = BUF_INIT;
	char bytes[SECRET_BYTES];

	random_bytes(bytes, sizeof(bytes));
	base64_encode(&text, slice_of(bytes, sizeof(bytes)));
	take_secret(n, buf_slice(&text));
	buf_fini(&text);
}

/* --- Looking a node up -------------------------------------------------------------------------------------------- */

static const char *known_address(const struct node_relays *n, struct slice id)
{
	const struct node *node = nodes_find(cluster_nodes(n->cluster), id);

	return node && node->address[0] ? node->address : NULL;
}

static void found(struct lookup *l, const char *address)
{
	char id[NODE_ID_SIZE];

	memcpy(id, l->id, NODE_ID_SIZE);
	l->used = false; /* what follows may look up another */
	edge_relay_found(l->all->edge, slice_of(id, NODE_ID_SIZE), address);
}

/* A lease is "uid address". */
static const char *address_of(struct node_relays *n, struct slice lease)
{
	size_t blank = slice_find(lease, ' ');
	struct slice address = slice_from(lease, blank < lease.size ? blank + 1 : lease.size);

	if (address.size == 0 || address.size > NODE_ADDRESS_MAX)
		return NULL;
	snprintf(n->address, sizeof(n->address), "%.*s", SLICE_ARG(address));
	return n->address;
}

static void on_lease(void *to, int64_t now_ms, int64_t result, struct slice text)
{
	struct lookup *l = to;

	(void)now_ms;
	found(l, result == 1 ? address_of(l->all, text) : NULL);
}

static bool ask_for_lease(struct lookup *l)
{
	struct node_relays *n = l->all;
	char key[KEY_MAX];

	snprintf(key, sizeof(key), "%s-node:%.*s", n->options->redis_key, NODE_ID_SIZE, l->id);
	l->asked = n->bus->is_up && n->bus->ops->look_up(n->bus, slice_str(key), on_lease, l) == 0;
	return l->asked;
}

static struct lookup *find_lookup(struct node_relays *n, struct slice id)
{
	struct lookup *unused = NULL;

	for (size_t i = 0; i < LOOKUPS_MAX; i++) {
		struct lookup *l = &n->lookups[i];

		if (l->used && slice_equal(slice_of(l->id, NODE_ID_SIZE), id))
			return l;
		if (!l->used)
			unused = l;
	}
	if (unused) {
		*unused = (struct lookup){ .all = n };
		memcpy(unused->id, id.at, NODE_ID_SIZE);
	}
	return unused;
}

/* The secret has come, or will not: who waited for it is told where to go. */
static void resume_lookups(struct node_relays *n)
{
	for (size_t i = 0; i < LOOKUPS_MAX; i++) {
		struct lookup *l = &n->lookups[i];
		const char *address = NULL;

		if (!l->used || l->asked)
			continue;
		if (n->known)
			address = known_address(n, slice_of(l->id, NODE_ID_SIZE));
		if (address || !n->known || !ask_for_lease(l))
			found(l, address);
	}
}

/* --- The secret of Redis ------------------------------------------------------------------------------------------ */

static void renew(struct timer *t, int64_t now_ms);

static void use_secret(struct node_relays *n)
{
	n->known = true;
	edge_relay_secret(n->edge, n->secret);
}

static void on_secret(void *to, int64_t now_ms, int64_t result, struct slice text)
{
	struct node_relays *n = to;
	bool good = result == 1 || (result == 0 && is_secret(text));

	n->claiming = false;
	if (result == 0 && good)
		take_secret(n, text);
	else if (result == 0 && text.size)
		log_error("relay-secret", LOG_S("why", "what is in Redis is none; delete the key"),
			LOG_S("redis_key", n->options->redis_key));
	if (good)
		use_secret(n);
	timer_set(&n->loop->timers, &n->renew, renew, now_ms + (good ? RENEW_MS : RETRY_MS));
	resume_lookups(n);
}

static bool claim(struct node_relays *n)
{
	char key[KEY_MAX];

	if (n->claiming || n->fixed)
		return n->claiming;
	snprintf(key, sizeof(key), "%s-relay-secret", n->options->redis_key);
	n->claiming = n->bus->ops->claim(n->bus, slice_str(key), slice_str(n->secret),
			      (int64_t)SECRET_DAYS * 24 * 60 * 60 * 1000, on_secret, n) == 0;
	return n->claiming;
}

static void renew(struct timer *t, int64_t now_ms)
{
	struct node_relays *n = (struct node_relays *)(void *)((char *)t - offsetof(struct node_relays, renew));

	if (!n->bus->is_up || !claim(n))
		timer_set(&n->loop->timers, &n->renew, renew, now_ms + RETRY_MS);
}

void node_relays_bus_up(struct node_relays *n, int64_t now_ms)
{
	if (!n->fixed && !claim(n))
		timer_set(&n->loop->timers, &n->renew, renew, now_ms + RETRY_MS);
}

/* --- For the edge ------------------------------------------------------------------------------------------------- */

static enum edge_relay_where where(void *ctx, int64_t now_ms, struct slice id, const char **address)
{
	struct node_relays *n = ctx;
	struct lookup *l;

	(void)now_ms;
	*address = n->known ? known_address(n, id) : NULL;
	if (*address)
		return EDGE_RELAY_THERE;
	l = find_lookup(n, id);
	if (l == NULL)
		return EDGE_RELAY_NOWHERE;
	if (!l->used)
		l->used = n->known ? ask_for_lease(l) : claim(n);
	return l->used ? EDGE_RELAY_ASKED : EDGE_RELAY_NOWHERE;
}

/* Perhaps Redis lost its data, and another gateway was first to put one there. */
static void denied(void *ctx, int64_t now_ms)
{
	(void)now_ms;
	claim(ctx);
}

static const struct edge_relay_ops relay_ops = { .where = where, .denied = denied };

/* --- Life --------------------------------------------------------------------------------------------------------- */

struct node_relays *node_relays_open(struct edge *edge, struct loop *loop, const struct gateway_options *options,
	const struct cluster *cluster, char *why, size_t why_size)
{
	struct node_relays *n = must_alloc(sizeof(*n));

	n->edge = edge;
	n->loop = loop;
	n->options = options;
	n->cluster = cluster;
	if (!read_options(n, why, why_size)) {
		node_relays_close(n);
		return NULL;
	}
	if (!n->fixed)
		invent_secret(n);
	if (n->fixed)
		use_secret(n);
	return n;
}

void node_relays_join(struct node_relays *n, struct pubsub *bus)
{
	n->bus = bus;
	edge_set_relay(n->edge, &relay_ops, n);
}

void node_relays_close(struct node_relays *n)
{
	if (n == NULL)
		return;
	edge_set_relay(n->edge, NULL, NULL);
	timer_stop(&n->loop->timers, &n->renew);
	free(n);
}
