/* deferred.c - acks that the application took out to give them later: whoever holds one may die with it, and then its client
 * is told here. See remote_internal.h. */
#include <stdlib.h>

#include "alloc.h"
#include "remote_internal.h"

/* The application gives it up itself after ack_timeout, and says so: that has the time to come. */
enum { BEHIND_MS = 2000 };

struct deferred {
	struct deferred *next;
	uint64_t ack_id;
	int64_t due_ms;
};

static void drop_first(struct lane *l)
{
	struct deferred *first = l->deferred;

	l->deferred = first->next;
	if (first->next == NULL)
		l->deferred_end = &l->deferred;
	l->n_deferred--;
	l->remote->n_deferred--;
	free(first);
}

static void on_due(struct timer *t, int64_t now_ms)
{
	struct lane *l = (struct lane *)(void *)((char *)t - offsetof(struct lane, deferred_due));

	while (l->deferred && l->deferred->due_ms <= now_ms) {
		uint64_t ack_id = l->deferred->ack_id;

		drop_first(l);
		if (l->client == NULL || l->client->state != CLIENT_JOINED)
			continue;
		refusal_note(l->remote, now_ms, REFUSED_LATE, RECORD_EVENT, l->sid);
		refuse_ack(l->remote, l->client, ack_id, slice_str(refusal_words[REFUSED_LATE]));
	}
	if (l->deferred)
		timer_set(l->remote->timers, t, on_due, l->deferred->due_ms);
}

/* In the order of their deadlines, since all have the same time. Past the limit the application's own word has to do. */
void deferred_keep(struct lane *l, int64_t now_ms, uint64_t ack_id)
{
	const struct remote_config *c = &l->remote->config;
	struct deferred *d;

	if (c->ack_timeout_ms == 0 || l->n_deferred >= c->max_deferred_acks)
		return;
	d = must_alloc(sizeof(*d));
	d->ack_id = ack_id;
	d->due_ms = now_ms + c->ack_timeout_ms + BEHIND_MS;
	if (l->deferred == NULL)
		l->deferred_end = &l->deferred;
	*l->deferred_end = d;
	l->deferred_end = &d->next;
	l->n_deferred++;
	l->remote->n_deferred++;
	if (l->deferred == d)
		timer_set(l->remote->timers, &l->deferred_due, on_due, d->due_ms);
}

/* What comes later may be here first, when the event's own batch was lost on the way and is said again. */
static void is_given(struct lane *l, uint64_t ack_id)
{
	struct remote_event *e = l->first;

	if (e && e->wants_ack && e->ack_id == ack_id)
		e->ack_given = true;
	for (struct deferred **at = &l->deferred; *at; at = &(*at)->next) {
		struct deferred *d = *at;

		if (d->ack_id != ack_id)
			continue;
		*at = d->next;
		if (d->next == NULL)
			l->deferred_end = at;
		l->n_deferred--;
		l->remote->n_deferred--;
		free(d);
		return;
	}
}

void deferred_given(struct remote *r, const struct batch_record *b)
{
	const struct effect *effects = r->n_deferred || b->id.size == 0 ? b->effects : NULL;

	for (const struct effect *e = effects; e; e = e->next) {
		struct map_node *node;

		if (e->kind != EFFECT_ACK || e->to.sid == NULL)
			continue;
		node = map_find(&r->lanes, slice_str(e->to.sid));
		if (node)
			is_given(map_item(node, struct lane, by_sid), e->ack_id);
	}
}

void deferred_drop(struct lane *l)
{
	timer_stop(l->remote->timers, &l->deferred_due);
	while (l->deferred)
		drop_first(l);
}
