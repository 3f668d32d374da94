/* cluster_ask.c - what we ask of other servers, and how it ends. */
#include "cluster_request.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "metrics.h"

enum { TIMEOUT_MAX_MS = INT32_MAX }; /* times come from elsewhere: bounded, so that sums of them are */

/* --- The end of it ------------------------------------------------------------------------------------------------ */

static void request_free(struct cluster_request *r)
{
	map_remove(&r->cluster->requests, &r->by_id);
	timer_stop(r->cluster->timers, &r->deadline);
	free(r->nodes);
	free(r);
}

/*
 * How many servers are still to answer. Of a node that is gone it may be unknown whether it was among those counted, or
 * had ended before: then there are at most as many as nodes that are silent, and strangers.
 */
static int64_t outstanding(const struct cluster_request *r)
{
	int64_t left = r->servers - r->answered, silent = 0;
	bool in_doubt = false;

	for (size_t i = 0; i < r->n_nodes; i++) {
		const struct awaited *a = &r->nodes[i];

		left -= !a->answered && a->is_gone && a->was_counted;
		in_doubt |= !a->answered && a->is_gone && !a->was_counted;
		silent += !a->answered && !a->is_gone;
	}
	if (in_doubt && left > silent + r->strangers)
		left = silent + r->strangers;
	return left > 0 ? left : 0;
}

/* Nodes by name, all that have not answered; then one without for each server that is not ours. */
static size_t silent_of(const struct cluster_request *r, struct slice *silent, size_t max)
{
	int64_t left = r->is_counted ? outstanding(r) : 0;
	size_t n = 0;

	for (size_t i = 0; i < r->n_nodes && n < max && (left > 0 || !r->is_counted); i++)
		if (!r->nodes[i].answered && !r->nodes[i].is_gone)
			silent[n++] = slice_str(r->nodes[i].name);
	for (left -= (int64_t)n; left > 0 && n < max; left--)
		silent[n++] = slice_of(NULL, 0);
	return n;
}

enum { SILENT_MAX = 256 };

static void finish(struct cluster_request *r, int64_t now_ms, int status)
{
	struct slice silent[SILENT_MAX];
	size_t n = silent_of(r, silent, SILENT_MAX);

	if (status == 0 && r->who.counted && !r->told_clients)
		r->who.counted(r->who.to, r->who.tag, now_ms, r->clients);
	if (r->who.end)
		r->who.end(r->who.to, r->who.tag, now_ms, status, silent, n);
	request_free(r);
}

static void on_deadline(struct timer *t, int64_t now_ms)
{
	struct cluster_request *r =
		(struct cluster_request *)(void *)((char *)t - offsetof(struct cluster_request, deadline));

	metrics_count(M_CLUSTER_TIMEOUTS);
	finish(r, now_ms, -ETIMEDOUT);
}

static bool servers_answered(const struct cluster_request *r)
{
	return r->is_counted && outstanding(r) == 0;
}

void cluster_request_settle(struct cluster_request *r, int64_t now_ms)
{
	if (!servers_answered(r))
		return;
	if (r->type == WIRE_BROADCAST && !r->told_clients) {
		r->told_clients = true;
		if (r->who.counted)
			r->who.counted(r->who.to, r->who.tag, now_ms, r->clients);
	}
	if (r->type != WIRE_BROADCAST || r->acknowledged >= r->clients)
		finish(r, now_ms, 0);
}

/* --- Asking ------------------------------------------------------------------------------------------------------- */

struct cluster_request *cluster_request_find(const struct cluster *c, struct slice id)
{
	struct map_node *n = map_find(&c->requests, id);

	return n ? map_item(n, struct cluster_request, by_id) : NULL;
}

static void note_nodes(struct cluster_request *r, struct slice nsp)
{
	struct map_node *at, *next;

	r->nodes = must_alloc((nodes_count(&r->cluster->nodes) + 1) * sizeof(*r->nodes));
	map_foreach(&r->cluster->nodes.by_uid, at, next)
	{
		const struct node *n = map_item(at, struct node, by_uid);

		if (!node_has_namespace(n, nsp))
			continue;
		memcpy(r->nodes[r->n_nodes].uid, n->uid, sizeof(n->uid));
		memcpy(r->nodes[r->n_nodes].name, n->name, sizeof(n->name));
		r->n_nodes++;
	}
}

static struct cluster_request *request_new(
	struct cluster *c, enum wire_request_type type, struct slice nsp, const struct cluster_asker *who)
{
	struct cluster_request *r = must_alloc(sizeof(*r));

	r->cluster = c;
	r->type = type;
	r->who = *who;
	r->counted_ms = INT64_MAX;
	snprintf(r->id, sizeof(r->id), "%s%" PRIx64, c->uid, c->next_request++);
	r->by_id.key = slice_str(r->id);
	map_add(&c->requests, &r->by_id);
	note_nodes(r, nsp);
	return r;
}

/* Which of the requests the count is for: by its id, since it may be over by then. */
struct cluster_counting {
	struct cluster_counting *next, **link; /* all of them: a bus that is closed answers nothing */
	struct cluster *cluster;
	bool with_us; /* we listen too */
	char id[CLUSTER_REQUEST_ID_MAX + 1];
};

static struct cluster_counting *counting_new(struct cluster *c, const struct cluster_request *r)
{
	struct cluster_counting *counting = must_alloc(sizeof(*counting));

	counting->cluster = c;
	memcpy(counting->id, r->id, sizeof(r->id));
	counting->next = c->counting;
	counting->link = &c->counting;
	if (c->counting)
		c->counting->link = &counting->next;
	c->counting = counting;
	return counting;
}

static void counting_free(struct cluster_counting *counting)
{
	*counting->link = counting->next;
	if (counting->next)
		counting->next->link = counting->link;
	free(counting);
}

static void on_count(void *to, int64_t now_ms, int64_t result, struct slice text)
{
	struct cluster_counting *counting = to;
	struct cluster_request *r = cluster_request_find(counting->cluster, slice_str(counting->id));
	bool with_us = counting->with_us;

	(void)text;
	counting_free(counting);
	if (r == NULL)
		return;
	if (result < 0) {
		finish(r, now_ms, -ENOTCONN);
		return;
	}
	r->is_counted = true;
	r->counted_ms = now_ms;
	r->servers = result - (with_us && result > 0);
	r->strangers = r->servers > (int64_t)r->n_nodes ? r->servers - (int64_t)r->n_nodes : 0;
	cluster_request_settle(r, now_ms);
}

static int count_servers(struct cluster *c, struct cluster_request *r, struct slice nsp)
{
	struct cluster_counting *counting = counting_new(c, r);
	int error;

	buf_clear(&c->channel);
	wire_channel_add(&c->channel, c->prefix, &(struct wire_channel){ .kind = WIRE_CHANNEL_REQUEST, .nsp = nsp });
	counting->with_us = c->bus->ops->is_live(c->bus, SUBSCRIPTION_CHANNEL, buf_slice(&c->channel));
	error = c->bus->ops->count(c->bus, buf_slice(&c->channel), on_count, counting);
	if (error)
		counting_free(counting);
	return error;
}

static int64_t bounded_timeout(int64_t ms)
{
	return ms < 0 ? 0 : ms > TIMEOUT_MAX_MS ? TIMEOUT_MAX_MS : ms;
}

static int ask(struct cluster *c, int64_t now_ms, struct slice nsp, struct wire_request *wire, int64_t timeout_ms,
	const struct cluster_asker *who)
{
	struct cluster_request *r;
	int error;

	if (!cluster_is_up(c))
		return -ENOTCONN;
	timeout_ms = bounded_timeout(timeout_ms);
	if (map_count(&c->requests) >= c->config.max_requests) {
		metrics_count(M_CLUSTER_REQUESTS_FULL);
		return -EAGAIN;
	}
	r = request_new(c, wire->type, nsp, who);
	wire->uid = slice_str(c->uid);
	wire->request_id = slice_str(r->id);
	error = cluster_send_request(c, nsp, wire);
	if (error == 0)
		error = count_servers(c, r, nsp);
	if (error) {
		request_free(r);
		return error;
	}
	metrics_count(M_CLUSTER_REQUESTS);
	/* A moment before whoever asked gives up by itself: who was silent is to be told first. */
	timer_set(c->timers, &r->deadline, on_deadline, now_ms + (timeout_ms > 1 ? timeout_ms - 1 : timeout_ms));
	return 0;
}

int cluster_ask(struct cluster *c, int64_t now_ms, const struct cluster_target *t, struct stoa_value data,
	int64_t timeout_ms, const struct cluster_asker *who)
{
	struct wire_request r = { .type = WIRE_BROADCAST, .opts = cluster_opts(t), .data = data, .nsp = t->nsp };

	r.opts.has_timeout = true;
	r.opts.timeout_ms = bounded_timeout(timeout_ms);
	return ask(c, now_ms, t->nsp, &r, timeout_ms, who);
}

int cluster_fetch(struct cluster *c, int64_t now_ms, const struct cluster_target *t, int64_t timeout_ms,
	const struct cluster_asker *who)
{
	return ask(c, now_ms, t->nsp, &(struct wire_request){ .type = WIRE_REMOTE_FETCH, .opts = cluster_opts(t) },
		timeout_ms, who);
}

int cluster_servers(struct cluster *c, int64_t now_ms, struct slice nsp, struct stoa_value data, int64_t timeout_ms,
	const struct cluster_asker *who)
{
	struct wire_request r = { .type = WIRE_SERVER_EMIT, .data = data };

	if (who)
		return ask(c, now_ms, nsp, &r, timeout_ms, who);
	if (c == NULL || c->bus == NULL)
		return 0;
	r.uid = slice_str(c->uid);
	return cluster_send_request(c, nsp, &r);
}

void cluster_forget(struct cluster *c, const void *to)
{
	struct map_node *n, *next;

	if (c == NULL)
		return;
	map_foreach(&c->requests, n, next)
	{
		struct cluster_request *r = map_item(n, struct cluster_request, by_id);

		if (r->who.to == to)
			request_free(r);
	}
}

void cluster_ask_fini(struct cluster *c)
{
	struct map_node *n, *next;

	map_foreach(&c->requests, n, next) request_free(map_item(n, struct cluster_request, by_id));
	while (c->counting)
		counting_free(c->counting);
}
