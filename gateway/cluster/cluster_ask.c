/* cluster_ask.c - what we ask of other servers, and how it ends. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "cluster_internal.h"
#include "metrics.h"

/* Times and counts come from elsewhere: both are bounded, so that sums of them are. */
enum { REQUEST_ID_MAX = NODE_UID_SIZE + 20, TIMEOUT_MAX_MS = INT32_MAX };
#define CLIENTS_MAX ((uint64_t)UINT32_MAX)

/* A node that is to answer, by name for the case that it does not. */
struct awaited {
	char uid[NODE_UID_SIZE + 1], name[NODE_NAME_MAX + 1];
	bool answered;
	bool is_gone;     /* and what it may still say is not waited for */
	bool was_counted; /* of one that is gone: it lived when the servers were counted, for sure */
	uint64_t clients; /* of BROADCAST: that it asked and that have not acknowledged */
};

/*
 * One question. Who is to answer: as many servers as listen to requests of the namespace, ourselves not counted; asked of
 * Redis in the same breath, so that it is as many as the question reaches. Of these the nodes of ours are known by name.
 * A node that is known to be gone is waited for no longer.
 */
struct cluster_request {
	struct map_node by_id;
	struct cluster *cluster;
	enum wire_request_type type;
	struct cluster_asker who;
	struct timer deadline;
	bool is_counted;                /* `servers` is known, since counted_ms */
	int64_t counted_ms;             /* INT64_MAX: not yet */
	int64_t servers;                /* that are to answer */
	int64_t strangers;              /* of them, at least: those that are no nodes of ours */
	int64_t answered;               /* of them; for BROADCAST: that told how many clients they ask */
	uint64_t clients, acknowledged; /* of BROADCAST */
	bool told_clients;
	struct awaited *nodes;
	size_t n_nodes;
	char id[REQUEST_ID_MAX + 1];
};

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

/* Ends it if nothing more is to come. The request is gone after this, or not. */
static void finish_if_complete(struct cluster_request *r, int64_t now_ms)
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

static struct cluster_request *find_request(const struct cluster *c, struct slice id)
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
	char id[REQUEST_ID_MAX + 1];
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
	struct cluster_request *r = find_request(counting->cluster, slice_str(counting->id));
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
	finish_if_complete(r, now_ms);
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

/* --- Answers ------------------------------------------------------------------------------------------------------ */

static void hand_on(struct cluster_request *r, int64_t now_ms, struct stoa_value v)
{
	if (r->who.answer)
		r->who.answer(r->who.to, r->who.tag, now_ms, v);
}

/* The arguments of an acknowledgement. The first alone is what Node sends. */
static struct stoa_value arguments(const struct wire_response *w, struct stoa_value *place)
{
	if (w->args.kind_ == VALUE_ARRAY)
		return w->args;
	*place = w->value;
	return value_array(place, w->has_value ? 1 : 0);
}

/* Nodes of ours say in an answer who they are. NULL: it is none of ours, or has come meanwhile. */
static struct awaited *answerer(struct cluster_request *r, const struct wire_response *w)
{
	for (size_t i = 0; i < r->n_nodes && w->uid.size; i++)
		if (slice_equal(slice_str(r->nodes[i].uid), w->uid))
			return &r->nodes[i];
	return NULL;
}

/* A server answers once; one that is gone is not waited for. False: it is none to be taken. */
static bool note_answer(struct cluster_request *r, const struct wire_response *w)
{
	struct awaited *a = answerer(r, w);
	uint64_t clients = w->clients < CLIENTS_MAX ? w->clients : CLIENTS_MAX;

	if (a && (a->answered || a->is_gone))
		return false;
	r->answered++;
	r->clients += clients;
	if (a) {
		a->answered = true;
		a->clients = clients;
	}
	return true;
}

static bool note_acknowledgement(struct cluster_request *r, const struct wire_response *w)
{
	struct awaited *a = answerer(r, w);

	if (a && a->clients == 0)
		return false;
	if (a)
		a->clients--;
	r->acknowledged++;
	return true;
}

static void heard_sockets(struct cluster_request *r, int64_t now_ms, const struct wire_response *w)
{
	struct cluster *c = r->cluster;

	for (size_t i = 0; i < w->sockets.size_; i++) {
		struct wire_socket s;

		if (wire_socket_of(&c->arena, value_at(w->sockets, i), &c->config.rules, &s) == NULL)
			hand_on(r, now_ms, cluster_describe(c, &s));
		else
			cluster_drop(c, "a socket that makes no sense");
	}
}

/* The types that a question may be answered with. */
static const unsigned takes[] = {
	[WIRE_REMOTE_FETCH] = 1 << WIRE_ANSWER_SOCKETS,
	[WIRE_SERVER_EMIT] = 1 << WIRE_ANSWER_SERVER,
	[WIRE_BROADCAST] = 1 << WIRE_ANSWER_COUNT | 1 << WIRE_ANSWER_ACK,
};

static void heard_answer(struct cluster_request *r, int64_t now_ms, const struct wire_response *w)
{
	struct stoa_value place;

	/* First the count, then who asked: what that runs may end the request. */
	if (w->type == WIRE_ANSWER_ACK ? !note_acknowledgement(r, w) : !note_answer(r, w)) {
		cluster_drop(r->cluster, "an answer that is not waited for");
		return;
	}
	switch (w->type) {
	case WIRE_ANSWER_SOCKETS:
		heard_sockets(r, now_ms, w);
		break;
	case WIRE_ANSWER_SERVER:
	case WIRE_ANSWER_ACK:
		hand_on(r, now_ms, arguments(w, &place));
		break;
	case WIRE_ANSWER_COUNT:
	case WIRE_ANSWER_DONE:
	case WIRE_ANSWER_SIDS:
	case WIRE_ANSWER_ROOMS:
		break;
	}
}

void cluster_heard_answer(struct cluster *c, int64_t now_ms, struct slice payload)
{
	struct cluster_request *r;
	struct wire_response w;
	const char *wrong = wire_response_decode(&c->arena, payload, &c->config.rules, &w);
	char id[REQUEST_ID_MAX + 1];

	if (wrong) {
		cluster_drop(c, wrong);
		return;
	}
	/* On the common channel others' answers are heard as well. */
	r = find_request(c, w.request_id);
	if (r == NULL || !(takes[r->type] & 1U << w.type))
		return;
	memcpy(id, r->id, sizeof(id));
	heard_answer(r, now_ms, &w);
	/* Whoever was told may have forgotten it. */
	r = find_request(c, slice_str(id));
	if (r)
		finish_if_complete(r, now_ms);
}

/* One that is gone answers no more, and its clients neither: so many less are waited for. */
static void stop_waiting_for(struct cluster_request *r, int64_t now_ms, const struct node *n)
{
	for (size_t i = 0; i < r->n_nodes; i++) {
		struct awaited *a = &r->nodes[i];

		if (strcmp(a->uid, n->uid) != 0)
			continue;
		a->is_gone = true;
		a->was_counted = n->heard_ms > r->counted_ms;
		r->clients -= a->clients;
		a->clients = 0;
		finish_if_complete(r, now_ms);
		return;
	}
}

void cluster_node_is_gone(struct cluster *c, int64_t now_ms, const struct node *n)
{
	struct map_node *at, *next;

	map_foreach(&c->requests, at, next) stop_waiting_for(map_item(at, struct cluster_request, by_id), now_ms, n);
}
