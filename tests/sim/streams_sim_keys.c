/* streams_sim_keys.c - see streams_sim_internal.h: what the server does about keys, hashes and channels. */
#include <stdlib.h>

#include "buf.h"
#include "streams_sim_internal.h"

static const struct slice nothing = { NULL, 0 };

/* Pairs first. */
static void tell_each(struct streams_sim *sim, struct sim_event *e)
{
	struct sim_ticket t = sim_take_ticket(e->port);

	for (size_t i = 0; t.each && i + 1 < e->n; i += 2)
		t.each(t.to, e->texts[i], e->texts[i + 1]);
	if (t.answer && sim_is_current(e))
		t.answer(t.to, sim->store.now_ms, e->number, nothing);
}

/* --- Keys --------------------------------------------------------------------------------------------------------- */

static int64_t until(const struct streams_sim *sim, int64_t ttl_ms)
{
	return ttl_ms ? sim->store.now_ms + ttl_ms : INT64_MAX;
}

void sim_claim_key_arrives(struct streams_sim *sim, struct sim_event *e)
{
	const struct store_value *v = store_key(&sim->store, e->texts[0]);

	if (sim_is_refused(sim, e))
		return;
	if (v && !slice_equal(v->text, e->texts[1])) {
		sim_result(e, 0, v->text);
		return;
	}
	store_set(&sim->store, e->texts[0], e->texts[1], until(sim, e->number));
	sim_result(e, 1, nothing);
}

void sim_release_key_arrives(struct streams_sim *sim, struct sim_event *e)
{
	const struct store_value *v = store_key(&sim->store, e->texts[0]);
	bool ours = v && slice_equal(v->text, e->texts[1]);

	if (ours)
		store_drop(&sim->store, e->texts[0]);
	sim_result(e, ours, nothing);
}

void sim_put_arrives(struct streams_sim *sim, struct sim_event *e)
{
	if (sim_is_refused(sim, e))
		return;
	store_set(&sim->store, e->texts[0], e->texts[1], until(sim, e->number));
	sim_result(e, 1, nothing);
}

void sim_get_arrives(struct streams_sim *sim, struct sim_event *e)
{
	const struct store_value *v = store_key(&sim->store, e->texts[0]);

	sim_result(e, v != NULL, v ? v->text : nothing);
}

static void add_pair(struct sim_texts *out, const struct store_value *v)
{
	sim_add_text(out, v->node.key);
	sim_add_text(out, v->text);
}

/* --- Lists of names: hashes whose values are nothing -------------------------------------------------------------- */

static const struct store_value *key_named(struct streams_sim *sim, struct slice prefix, struct slice name)
{
	struct buf key = BUF_INIT;
	const struct store_value *v;

	buf_add_slice(&key, prefix);
	buf_add_slice(&key, name);
	v = store_key(&sim->store, buf_slice(&key));
	buf_fini(&key);
	return v;
}

/* Of the names, those with their keys; the others are taken off. */
static void check_names(struct streams_sim *sim, const struct sim_event *e, struct sim_texts *out)
{
	struct map_node *hash = map_find(&sim->store.hashes, e->texts[0]), *at, *next;

	if (hash == NULL)
		return;
	map_foreach(&map_item(hash, struct store_hash, node)->fields, at, next)
	{
		const struct store_value *v = key_named(sim, e->texts[1], at->key);

		if (v == NULL) {
			store_drop_field(&sim->store, e->texts[0], at->key);
			continue;
		}
		sim_add_text(out, at->key);
		sim_add_text(out, v->text);
	}
}

void sim_enlist_arrives(struct streams_sim *sim, struct sim_event *e)
{
	bool is_new = store_field(&sim->store, e->texts[0], e->texts[2]) == NULL;
	struct sim_texts others = { 0 };

	if (sim_is_refused(sim, e))
		return;
	store_set_field(&sim->store, e->texts[0], e->texts[2], nothing);
	check_names(sim, e, &others);
	free(others.at);
	sim_result(e, is_new, nothing);
}

void sim_list_arrives(struct streams_sim *sim, struct sim_event *e)
{
	struct sim_texts out = { 0 };

	check_names(sim, e, &out);
	sim_reply(e, tell_each, (int64_t)out.n / 2, out.at, out.n);
	free(out.at);
}

/* --- Hashes ------------------------------------------------------------------------------------------------------- */

void sim_field_put_arrives(struct streams_sim *sim, struct sim_event *e)
{
	bool is_new = store_field(&sim->store, e->texts[0], e->texts[1]) == NULL;

	if (sim_is_refused(sim, e))
		return;
	store_set_field(&sim->store, e->texts[0], e->texts[1], e->texts[2]);
	sim_result(e, is_new, nothing);
}

void sim_field_get_arrives(struct streams_sim *sim, struct sim_event *e)
{
	const struct store_value *v = store_field(&sim->store, e->texts[0], e->texts[1]);

	sim_result(e, v != NULL, v ? v->text : nothing);
}

void sim_field_drop_arrives(struct streams_sim *sim, struct sim_event *e)
{
	sim_result(e, store_drop_field(&sim->store, e->texts[0], e->texts[1]), nothing);
}

void sim_field_to_entry_arrives(struct streams_sim *sim, struct sim_event *e)
{
	struct slice pair[] = { SLICE("e"), e->texts[3] };
	bool was_there = store_key(&sim->store, e->texts[4]) == NULL &&
			 store_field(&sim->store, e->texts[0], e->texts[1]) != NULL;

	if (was_there && sim_is_refused(sim, e))
		return;
	if (was_there) {
		store_drop_field(&sim->store, e->texts[0], e->texts[1]);
		store_add(&sim->store, e->texts[2], pair, 1);
	}
	sim_result(e, was_there, nothing);
	sim_serve_blocked(sim);
}

/* In order of insertion; the cursor is the serial of the last that was told, so that what goes meanwhile hides nothing. */
void sim_field_scan_arrives(struct streams_sim *sim, struct sim_event *e)
{
	enum { AT_ONCE = 3 };
	struct map_node *hash = map_find(&sim->store.hashes, e->texts[0]), *at, *next;
	struct sim_texts out = { 0 };
	int64_t last = 0;
	bool more = false;

	if (hash) {
		map_foreach(&map_item(hash, struct store_hash, node)->fields, at, next)
		{
			struct store_value *v = map_item(at, struct store_value, node);

			more = v->serial > e->number && out.n == 2 * AT_ONCE;
			if (v->serial <= e->number || more)
				continue;
			add_pair(&out, v);
			last = v->serial;
		}
	}
	sim_reply(e, tell_each, more ? last : 0, out.at, out.n);
	free(out.at);
}

/* --- Channels ----------------------------------------------------------------------------------------------------- */

static void message_arrives(struct streams_sim *sim, struct sim_event *e)
{
	e->port->base.events->message(e->port->base.ctx, sim->store.now_ms, e->texts[0], e->texts[1]);
}

static bool hears(const struct sim_port *p, struct slice channel)
{
	struct map_node *at = p->is_open && p->linked ? map_find(&p->channels, channel) : NULL;

	return at && map_item(at, struct sim_channel, node)->is_held;
}

size_t streams_sim_publish(struct streams_sim *sim, struct slice channel, struct slice payload)
{
	struct slice texts[] = { channel, payload };
	size_t n = 0;

	for (struct sim_port *p = sim->ports; p < sim->ports + STREAMS_SIM_PORTS; p++) {
		if (!hears(p, channel))
			continue;
		sim_send(sim_event_new(p, message_arrives, texts, 2), SIM_HEARD);
		n++;
	}
	if (sim->heard)
		sim->heard(sim->heard_ctx, channel, payload);
	return n;
}

void streams_sim_overhear(
	struct streams_sim *sim, void (*heard)(void *ctx, struct slice channel, struct slice payload), void *ctx)
{
	sim->heard = heard;
	sim->heard_ctx = ctx;
}

void sim_publish_arrives(struct streams_sim *sim, struct sim_event *e)
{
	sim_result(e, (int64_t)streams_sim_publish(sim, e->texts[0], e->texts[1]), nothing);
}

static void listening(struct streams_sim *sim, struct sim_event *e)
{
	if (e->port->base.is_up && e->port->base.events->listening)
		e->port->base.events->listening(e->port->base.ctx, sim->store.now_ms);
}

void sim_subscribe_arrives(struct streams_sim *sim, struct sim_event *e)
{
	struct map_node *at = sim_is_current(e) ? map_find(&e->port->channels, e->texts[0]) : NULL;

	(void)sim;
	if (at == NULL)
		return;
	map_item(at, struct sim_channel, node)->is_held = true;
	sim_reply(e, listening, 0, NULL, 0);
}
