/* gateways.c - which gateways live; what a lost one leaves behind: its clients, and the broadcasts of its batches. */
#include <errno.h>
#include <stdlib.h>

#include "alloc.h"
#include "intake_internal.h"
#include "log.h"

enum { SCAN_EVERY = 300, NODE_SIZE = 4 }; /* checks: also when no gateway was seen to go */

/* --- The table ---------------------------------------------------------------------------------------------------- */

static struct gateway *find(const struct intake *in, struct slice node)
{
	struct map_node *at = map_find(&in->gateways, node);

	return at ? map_item(at, struct gateway, by_id) : NULL;
}

/* Every start of a gateway has an id of its own: those that are no more make room. */
static bool make_room(struct intake *in)
{
	struct map_node *at, *next;

	if (map_count(&in->gateways) < GATEWAYS_MAX)
		return true;
	map_foreach(&in->gateways, at, next)
	{
		struct gateway *g = map_item(at, struct gateway, by_id);

		if (g->absent_ms == 0 || g->asked)
			continue;
		map_remove(&in->gateways, at);
		free(g);
		return true;
	}
	return false;
}

static struct gateway *need(struct intake *in, struct slice node)
{
	struct gateway *g = find(in, node);

	if (g || node.size == 0 || node.size > GATEWAY_ID_MAX || !make_room(in))
		return g;
	g = must_alloc(sizeof(*g));
	g->in = in;
	memcpy(g->id, node.at, node.size);
	g->by_id.key = slice_of(g->id, node.size);
	map_add(&in->gateways, &g->by_id);
	return g;
}

static bool is_gone(const struct gateway *g, int64_t now_ms)
{
	return g->absent_ms && now_ms - g->absent_ms >= g->in->config.gateway_gone_ms;
}

static void want_scans(struct intake *in)
{
	for (unsigned i = 0; i < in->config.partitions; i++)
		in->parts[i].scan_wanted = true;
}

static void on_key(void *to, int64_t now_ms, int64_t result, struct slice text)
{
	struct gateway *g = to;
	bool was = g->told;

	(void)text;
	g->asked = false;
	if (result < 0)
		return;
	g->lives = result == 1;
	if (g->lives)
		g->absent_ms = 0;
	else if (g->absent_ms == 0)
		g->absent_ms = now_ms ? now_ms : 1;
	g->told = is_gone(g, now_ms);
	if (was || !g->told)
		return;
	log_warn("gateway-gone", LOG_S("node", g->id));
	want_scans(g->in);
}

static void ask(struct gateway *g)
{
	struct intake *in = g->in;

	if (g->asked || !in->up)
		return;
	buf_clear(&in->name);
	name_gateway(&in->name, in->config.app, g->by_id.key);
	g->asked = ops_of(in)->get(in->streams, buf_slice(&in->name), on_key, g) == 0;
}

void gateways_note(struct intake *in, struct slice node)
{
	struct gateway *g = find(in, node);

	if (g)
		return;
	g = need(in, node);
	if (g)
		ask(g);
}

bool gateways_gone(struct intake *in, int64_t now_ms, struct slice node)
{
	struct gateway *g = need(in, node);

	if (g == NULL)
		return false;
	ask(g);
	return is_gone(g, now_ms);
}

bool gateways_absent(struct intake *in, struct slice node)
{
	const struct gateway *g = find(in, node);

	return g && g->absent_ms;
}

/* It could not be looked through to its end. */
static void scan_end(struct intake *in)
{
	if (in->scan)
		in->scan->scan_wanted = true;
	in->scan = NULL;
}

void gateways_forgive(struct intake *in)
{
	struct map_node *at, *next;

	map_foreach(&in->gateways, at, next) map_item(at, struct gateway, by_id)->absent_ms = 0;
	scan_end(in);
}

/* --- Its clients -------------------------------------------------------------------------------------------------- */

static void scan_on(struct intake *in);

static int put_goodbye(struct intake *in, const struct client_record *c, struct slice sid)
{
	struct event_record r = { .kind = RECORD_DISCONNECT,
		.node = c->node,
		.nsp = c->nsp,
		.sid = sid,
		.n = INTAKE_LOST_N,
		.at_ms = in->config.wall_ms(),
		.reason = SLICE("transport close"),
		.state_n = c->state_n,
		.has_state = true,
		.state = c->state };

	buf_clear(&in->record);
	return event_record_put(&in->record, in->config.encoding, &r);
}

static void on_ended(void *to, int64_t now_ms, int64_t result, struct slice text)
{
	struct part *p = to;

	(void)now_ms;
	(void)text;
	if (result == 1)
		metrics_count(M_BROKER_CLIENTS_ENDED);
	else if (result < 0)
		p->scan_later = true;
}

/* A record that nobody can read is of no use to anybody. */
static void drop_client(struct part *p, struct slice sid, const char *wrong)
{
	struct intake *in = p->in;

	log_warn("client-record-malformed", LOG_T("sid", sid), LOG_S("why", wrong));
	ops_of(in)->field_drop(in->streams, p->clients, sid, NULL, NULL);
}

/* The gateway may have come back since its key was looked for. */
static int say_goodbye(struct part *p, struct slice node, struct slice sid)
{
	struct intake *in = p->in;

	buf_clear(&in->name);
	name_gateway(&in->name, in->config.app, node);
	return ops_of(in)->field_to_entry(
		in->streams, buf_slice(&in->name), p->clients, sid, p->events, buf_slice(&in->record), on_ended, p);
}

static void end_client(struct part *p, struct slice sid, struct slice record, int64_t now_ms)
{
	struct intake *in = p->in;
	const struct entry *under_way = entry_of_client(in, sid);
	struct client_record c;
	const char *wrong;

	if (under_way && under_way->kind == RECORD_DISCONNECT) { /* it drops the record itself */
		p->scan_later = true;
		return;
	}
	arena_reset(&in->arena);
	wrong = client_record_read(&in->arena, record, &in->config.rules, &c);
	if (wrong == NULL && !gateways_gone(in, now_ms, c.node))
		return;
	if (wrong == NULL && put_goodbye(in, &c, sid))
		wrong = "cannot be written again";
	if (wrong)
		drop_client(p, sid, wrong);
	else
		p->scan_later |= say_goodbye(p, c.node, sid) != 0;
}

/* The ids of a gateway's clients begin with its own, so that those of the living are passed over unread. */
static void on_client(void *to, struct slice sid, struct slice record)
{
	struct intake *in = to;
	struct slice node = slice_first(sid, sid.size < NODE_SIZE ? sid.size : NODE_SIZE);

	if (in->scan && part_may_begin(in->scan, in->scan_ms) && gateways_gone(in, in->scan_ms, node))
		end_client(in->scan, sid, record, in->scan_ms);
}

static void on_scanned(void *to, int64_t now_ms, int64_t result, struct slice text)
{
	struct intake *in = to;

	(void)text;
	in->scan_asked = false;
	in->scan_ms = now_ms;
	in->scan_cursor = result > 0 ? (uint64_t)result : 0;
	if (result < 0)
		scan_end(in);
	if (result == 0)
		in->scan = NULL;
	if (result >= 0)
		scan_on(in);
}

static struct part *next_to_scan(struct intake *in)
{
	for (unsigned i = 0; i < in->config.partitions; i++) {
		struct part *p = &in->parts[i];

		if (!p->scan_wanted || !part_is_ours(p))
			continue;
		p->scan_wanted = false;
		return p;
	}
	return NULL;
}

static void scan_on(struct intake *in)
{
	if (in->scan_asked || !in->up)
		return;
	if (in->scan == NULL) {
		in->scan = next_to_scan(in);
		in->scan_cursor = 0;
	}
	if (in->scan)
		in->scan_asked = ops_of(in)->field_scan(in->streams, in->scan->clients, in->scan_cursor, on_client,
					 on_scanned, in) == 0;
}

void gateways_on_timer(struct timer *t, int64_t now_ms)
{
	struct intake *in = map_item(t, struct intake, gateways_due);
	struct map_node *at, *next;

	timer_set(in->timers, t, gateways_on_timer, now_ms + in->config.gateway_check_ms);
	if (in->n_checks++ % SCAN_EVERY == 0)
		want_scans(in);
	for (unsigned i = 0; i < in->config.partitions; i++) {
		in->parts[i].scan_wanted |= in->parts[i].scan_later;
		in->parts[i].scan_later = false;
	}
	map_foreach(&in->gateways, at, next) ask(map_item(at, struct gateway, by_id));
	in->scan_ms = now_ms;
	scan_on(in);
}

/* --- Its batches -------------------------------------------------------------------------------------------------- */

static void publish(void *to, struct slice channel, struct slice payload)
{
	struct intake *in = to;

	if (ops_of(in)->publish(in->streams, channel, payload, NULL, NULL))
		metrics_count(M_BROKER_UNSENT);
}

void gateways_publish(struct intake *in, struct slice batch)
{
	struct batch_record b;
	struct arena scratch = ARENA_INIT;
	const char *wrong;

	arena_reset(&in->arena);
	wrong = batch_record_read(&in->arena, batch, &in->config.rules, &b);
	if (wrong)
		log_warn("batch-malformed", LOG_S("why", wrong));
	else if (broadcasts_of(&b, record_encoding(batch), in->config.redis_key, &scratch, publish, in))
		log_warn("broadcast-dropped", LOG_S("why", "what it says cannot be told to other servers"));
	arena_fini(&scratch);
}

/* --- Batches without an event ------------------------------------------------------------------------------------- */

static bool send(struct sent *s);

static void sent_free(struct sent *s)
{
	LIST_REMOVE(s, all);
	free(s);
}

static const struct gateway *any_gateway(const struct intake *in, struct slice but)
{
	struct map_node *at, *next;

	map_foreach(&in->gateways, at, next)
	{
		const struct gateway *g = map_item(at, struct gateway, by_id);

		if (g->lives && !slice_equal(at->key, but))
			return g;
	}
	return NULL;
}

static bool send_elsewhere(struct sent *s)
{
	const struct gateway *g = s->anywhere && !s->again ? any_gateway(s->in, slice_str(s->node)) : NULL;

	if (g == NULL)
		return false;
	s->again = true;
	memcpy(s->node, g->id, sizeof(s->node));
	return send(s);
}

static void on_sent(void *to, int64_t now_ms, int64_t result, struct slice text)
{
	struct sent *s = to;

	(void)text;
	if (result == 0 && !s->anywhere)
		gateways_gone(s->in, now_ms, slice_str(s->node));
	if (result == 0 && send_elsewhere(s))
		return;
	if (result == 0)
		gateways_publish(s->in, slice_of(s->batch, s->size));
	if (result < 0)
		metrics_count(M_BROKER_UNSENT);
	sent_free(s);
}

static bool send(struct sent *s)
{
	struct intake *in = s->in;

	buf_clear(&in->name);
	name_batches(&in->name, in->config.app, slice_str(s->node));
	return ops_of(in)->publish(in->streams, buf_slice(&in->name), slice_of(s->batch, s->size), on_sent, s) == 0;
}

static struct sent *sent_new(struct intake *in, struct slice node, struct slice batch)
{
	const struct gateway *g = node.size ? NULL : any_gateway(in, slice_of(NULL, 0));
	struct sent *s = node.size > GATEWAY_ID_MAX ? NULL : malloc(sizeof(*s) + batch.size);

	if (s == NULL)
		return NULL;
	*s = (struct sent){ .in = in, .anywhere = node.size == 0, .size = batch.size };
	if (node.size)
		memcpy(s->node, node.at, node.size);
	else if (g)
		memcpy(s->node, g->id, sizeof(s->node));
	memcpy(s->batch, batch.at, batch.size);
	LIST_INSERT_HEAD(&in->sent, s, all);
	return s;
}

/* With no gateway known there are none to carry it out but for what concerns Node's servers. */
void intake_send(struct intake *in, int64_t now_ms, struct slice node, struct slice batch)
{
	struct sent *s = in->up ? sent_new(in, node, batch) : NULL;

	(void)now_ms;
	if (s && s->node[0] && send(s))
		return;
	if (s && s->node[0] == '\0')
		gateways_publish(in, batch);
	else
		metrics_count(M_BROKER_UNSENT);
	if (s)
		sent_free(s);
}

void gateways_fini(struct intake *in)
{
	struct map_node *at, *next;
	struct sent *s;

	while ((s = LIST_FIRST(&in->sent)))
		sent_free(s);
	map_foreach(&in->gateways, at, next)
	{
		map_remove(&in->gateways, at);
		free(map_item(at, struct gateway, by_id));
	}
}
