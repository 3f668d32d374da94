/* relays.c - all that is with other gateways: its beginning and end, and what the layer above says. See relay.h. */
#include <event2/bufferevent.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "relay.h"

enum { OLD_SECRET_MS = 60 * 1000 };

struct relays *relays_new(struct edge *e)
{
	struct relays *all = must_alloc(sizeof(*all));

	all->edge = e;
	TAILQ_INIT(&all->requests);
	TAILQ_INIT(&all->kept);
	LIST_INIT(&all->tunnels);
	return all;
}

/* On a connection of its own, which ends with its answer. */
static void release(struct relay *relay)
{
	struct relays *all = relay->all;
	struct relay_link *l = relay_link_open(all, NULL, relay->link->address, true);
	size_t method = slice_find(buf_slice(&relay->head), ' ');
	struct buf head = BUF_INIT;

	if (l == NULL)
		return;
	buf_add_str(&head, RELAY_RELEASE);
	buf_add_slice(&head, slice_from(buf_slice(&relay->head), method));
	if (!head.failed)
		relay_send_head(
			bufferevent_get_output(l->bev), buf_slice(&head), all->secret[0], buf_slice(&relay->origin));
	buf_fini(&head);
	relay_link_abandon(l);
}

void relays_drain(struct relays *all)
{
	struct relay *relay;

	TAILQ_FOREACH (relay, &all->requests, entry)
		if (relay->kind == RELAY_POLL && relay->link && !relay->connecting)
			release(relay);
}

void relays_free(struct relays *all)
{
	if (all == NULL)
		return;
	relay_tunnels_free(all);
	while (!TAILQ_EMPTY(&all->kept))
		relay_link_close(TAILQ_FIRST(&all->kept));
	buf_fini(&all->type);
	buf_fini(&all->lines);
	free(all);
}

void edge_set_relay(struct edge *e, const struct edge_relay_ops *ops, void *ctx)
{
	e->relays->ops = ops;
	e->relays->ctx = ctx;
}

void edge_relay_secret(struct edge *e, const char *secret)
{
	struct relays *all = e->relays;

	if (strcmp(all->secret[0], secret) == 0)
		return;
	memcpy(all->secret[1], all->secret[0], sizeof(all->secret[0]));
	snprintf(all->secret[0], sizeof(all->secret[0]), "%s", secret);
	all->old_until_ms = loop_now(e->config.loop) + OLD_SECRET_MS;
}

void edge_relay_found(struct edge *e, struct slice id, const char *address)
{
	struct relay *relay, *next;

	for (relay = TAILQ_FIRST(&e->relays->requests); relay; relay = next) {
		next = TAILQ_NEXT(relay, entry);
		if (relay->link || !slice_equal(slice_of(relay->node, NODE_ID_SIZE), id))
			continue;
		relay_go_on(relay, address);
	}
}
