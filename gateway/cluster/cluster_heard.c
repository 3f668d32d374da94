/* cluster_heard.c - what other servers answer, and those of which no answer comes any more. */
#include "cluster_request.h"

/* Counts come from elsewhere: bounded, so that sums of them are. */
#define CLIENTS_MAX ((uint64_t)UINT32_MAX)

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
	char id[CLUSTER_REQUEST_ID_MAX + 1];

	if (wrong) {
		cluster_drop(c, wrong);
		return;
	}
	/* On the common channel others' answers are heard as well. */
	r = cluster_request_find(c, w.request_id);
	if (r == NULL || !(takes[r->type] & 1U << w.type))
		return;
	memcpy(id, r->id, sizeof(id));
	heard_answer(r, now_ms, &w);
	/* Whoever was told may have forgotten it. */
	r = cluster_request_find(c, slice_str(id));
	if (r)
		cluster_request_settle(r, now_ms);
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
		cluster_request_settle(r, now_ms);
		return;
	}
}

void cluster_node_is_gone(struct cluster *c, int64_t now_ms, const struct node *n)
{
	struct map_node *at, *next;

	map_foreach(&c->requests, at, next) stop_waiting_for(map_item(at, struct cluster_request, by_id), now_ms, n);
}
