/* cluster_answer.c - what other servers ask of us. */
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "cluster_internal.h"
#include "metrics.h"

/* What our clients, or our application, are still to answer to another server. */
struct cluster_asked {
	struct map_node by_number;
	struct cluster *cluster;
	uint64_t number;
	uint64_t waiting; /* clients; of a server's event: 1 */
	struct timer deadline;
	struct cluster_question question; /* its slices in `texts` */
	char texts[];
};

/* --- Answering ---------------------------------------------------------------------------------------------------- */

/* To the one who asked, where it says who it is: nobody else is woken. What servers acknowledge goes to all, as with
 * Node. */
static void send_payload(
	struct cluster *c, struct slice nsp, struct slice uid, enum wire_response_type type, int encoded)
{
	bool to_one = uid.size && type != WIRE_ANSWER_SERVER;

	cluster_send(c,
		&(struct wire_channel){ .kind = to_one ? WIRE_CHANNEL_RESPONSE_TO : WIRE_CHANNEL_RESPONSE,
			.nsp = nsp,
			.name = to_one ? uid : slice_of(NULL, 0) },
		encoded);
}

static void send_answer(struct cluster *c, struct slice nsp, struct slice uid, struct wire_response *w)
{
	int encoded;

	if (c->bus == NULL)
		return;
	w->uid = slice_str(c->uid);
	buf_clear(&c->payload);
	encoded = wire_response_encode(&c->payload, &c->scratch, w);
	arena_reset(&c->scratch);
	send_payload(c, nsp, uid, w->type, encoded);
}

/* --- Rooms and clients -------------------------------------------------------------------------------------------- */

struct name_list {
	struct cluster *c;
	struct slice *at;
	size_t count, cap;
};

/* Names end with the hub's change, and nothing changes until the answer is encoded. */
static bool add_name(struct name_list *list, struct slice name)
{
	if (list->count == list->cap) {
		size_t cap = list->cap ? list->cap * 2 : 64;
		struct slice *more = arena_take(&list->c->arena, cap * sizeof(*more));

		if (more == NULL)
			return false;
		if (list->count)
			memcpy(more, list->at, list->count * sizeof(*more));
		list->at = more;
		list->cap = cap;
	}
	list->at[list->count++] = name;
	return true;
}

/* All rooms, clients' own among them. */
static void answer_rooms(struct cluster *c, int64_t now_ms, struct slice nsp, const struct wire_request *r)
{
	struct hub_namespace *n = hub_namespace(c->hub, nsp);
	struct name_list list = { .c = c };
	struct wire_response w = { .type = WIRE_ANSWER_ROOMS, .request_id = r->request_id };
	struct table_node *at, *next;

	(void)now_ms;
	if (n) {
		table_foreach(&n->sids, at, next) add_name(&list, table_key(at));
		table_foreach(&n->rooms, at, next) if (hub_find(n, table_key(at)) == NULL)
			add_name(&list, table_key(at));
	}
	w.names = (struct wire_names){ list.at, list.count };
	send_answer(c, nsp, r->uid, &w);
}

/* The form from before 2020: ids alone. */
static void answer_sids(struct cluster *c, int64_t now_ms, struct slice nsp, const struct wire_request *r)
{
	struct wire_opts opts = { .rooms = r->rooms, .everybody = r->rooms.count == 0 };
	struct name_list list = { .c = c };
	struct wire_response w = { .type = WIRE_ANSWER_SIDS, .request_id = r->request_id };

	(void)now_ms;
	cluster_pick(c, nsp, &opts);
	for (size_t i = 0; i < c->n_picked; i++)
		add_name(&list, slice_str(c->picked[i]->sid));
	w.names = (struct wire_names){ list.at, list.count };
	send_answer(c, nsp, r->uid, &w);
}

static void answer_fetch(struct cluster *c, int64_t now_ms, struct slice nsp, const struct wire_request *r)
{
	int error;

	cluster_pick(c, nsp, &r->opts);
	buf_clear(&c->payload);
	error = wire_sockets_begin(&c->payload, r->request_id, slice_str(c->uid));
	for (size_t i = 0; i < c->n_picked && error == 0; i++) {
		struct wire_socket s;

		if (cluster_socket_of(c, now_ms, c->picked[i], &s))
			error = wire_sockets_add(&c->payload, &c->scratch, &s);
		arena_reset(&c->scratch);
	}
	if (error == 0)
		error = wire_sockets_end(&c->payload);
	send_payload(c, nsp, r->uid, WIRE_ANSWER_SOCKETS, error);
}

/* --- Events that are answered ------------------------------------------------------------------------------------- */

static void asked_free(struct cluster_asked *a)
{
	map_remove(&a->cluster->asked, &a->by_number);
	timer_stop(a->cluster->timers, &a->deadline);
	free(a);
}

/* Who was silent so long is the asker's to name: its own deadline was no later. */
static void on_deadline(struct timer *t, int64_t now_ms)
{
	struct cluster_asked *a =
		(struct cluster_asked *)(void *)((char *)t - offsetof(struct cluster_asked, deadline));

	(void)now_ms;
	asked_free(a);
}

/* NULL: too many are open. */
static struct cluster_asked *asked_new(struct cluster *c, int64_t now_ms, const struct cluster_question *q)
{
	struct cluster_asked *a;
	char *text;

	if (map_count(&c->asked) >= c->config.max_requests) {
		metrics_count(M_CLUSTER_REQUESTS_FULL);
		return NULL;
	}
	a = must_alloc(sizeof(*a) + q->nsp.size + q->uid.size + q->request_id.size);
	text = a->texts;
	a->cluster = c;
	a->question = *q;
	a->question.nsp = slice_put(&text, q->nsp);
	a->question.uid = slice_put(&text, q->uid);
	a->question.request_id = slice_put(&text, q->request_id);
	a->number = CLUSTER_CALL | ++c->next_asked;
	a->by_number.key = slice_of(&a->number, sizeof(a->number));
	map_add(&c->asked, &a->by_number);
	timer_set(c->timers, &a->deadline, on_deadline, now_ms + q->timeout_ms);
	return a;
}

static struct cluster_question question_of(
	const struct cluster *c, struct slice nsp, const struct wire_request *r, enum wire_response_type type)
{
	return (struct cluster_question){ .nsp = nsp,
		.uid = r->uid,
		.request_id = r->request_id,
		.type = type,
		.timeout_ms =
			r->opts.has_timeout && r->opts.timeout_ms ? r->opts.timeout_ms : c->config.ask_timeout_ms };
}

static struct cluster_asked *find_asked(const struct cluster *c, uint64_t number)
{
	struct map_node *n = c ? map_find(&c->asked, slice_of(&number, sizeof(number))) : NULL;

	return n ? map_item(n, struct cluster_asked, by_number) : NULL;
}

static void send_arguments(struct cluster_asked *a, struct stoa_value args)
{
	const struct cluster_question *q = &a->question;
	struct wire_response w = { .type = q->type,
		.request_id = q->request_id,
		.value = value_at(args, 0),
		.args = args,
		.has_value = value_open(args).size_ > 0 };

	if (q->is_python)
		cluster_call_python(a->cluster, q, args);
	else
		send_answer(a->cluster, q->nsp, q->uid, &w);
}

uint64_t cluster_ask_picked(
	struct cluster *c, int64_t now_ms, const struct cluster_question *q, struct stoa_value data, bool uncompressed)
{
	struct hub_namespace *n = hub_namespace(c->hub, q->nsp);
	struct cluster_asked *a = n ? asked_new(c, now_ms, q) : NULL;
	uint64_t id = n ? n->next_ack_id++ : 0, asked;
	struct frame *f = a ? cluster_frame(c, q->nsp, data, uncompressed, &id, slice_of(NULL, 0)) : NULL;

	for (size_t i = 0; f && i < c->n_picked; i++) {
		struct client *one = c->picked[i];

		if (!client_ask(one, id, a->number))
			continue;
		if (out_push(one->member.out, f))
			a->waiting++;
		else
			client_forget_call(one, a->number);
	}
	frame_unref(f);
	asked = a ? a->waiting : 0;
	metrics_add(M_DELIVERIES, (int64_t)asked);
	if (a && asked == 0)
		asked_free(a);
	return asked;
}

/* A broadcast whose acknowledgements go back. How many were asked is said first, also that nobody was. */
static void ask_clients(struct cluster *c, int64_t now_ms, struct slice nsp, const struct wire_request *r)
{
	struct wire_response w = { .type = WIRE_ANSWER_COUNT, .request_id = r->request_id };
	struct cluster_question q = question_of(c, nsp, r, WIRE_ANSWER_ACK);

	cluster_pick(c, nsp, &r->opts);
	w.clients = cluster_ask_picked(c, now_ms, &q, r->data, r->opts.uncompressed);
	send_answer(c, nsp, r->uid, &w);
}

void cluster_client_answer(struct cluster *c, int64_t now_ms, uint64_t call, struct stoa_value args)
{
	struct cluster_asked *a = find_asked(c, call);

	(void)now_ms;
	if (a == NULL)
		return;
	if (args.kind_ != VALUE_NULL)
		send_arguments(a, args);
	if (--a->waiting == 0)
		asked_free(a);
}

static void tell_server_event(struct cluster *c, int64_t now_ms, struct slice nsp, const struct wire_request *r)
{
	struct cluster_question q = question_of(c, nsp, r, WIRE_ANSWER_SERVER);
	struct cluster_asked *a = r->request_id.size ? asked_new(c, now_ms, &q) : NULL;

	c->ops->server_event(c->ctx, now_ms, nsp, r->data, a ? a->number : 0);
}

void cluster_server_answer(struct cluster *c, uint64_t answer, struct stoa_value args)
{
	struct cluster_asked *a = find_asked(c, answer);

	if (a == NULL)
		return;
	send_arguments(a, args);
	asked_free(a);
}

void cluster_answer_fini(struct cluster *c)
{
	struct map_node *n, *next;

	map_foreach(&c->asked, n, next) asked_free(map_item(n, struct cluster_asked, by_number));
}

/* --- Requests ----------------------------------------------------------------------------------------------------- */

static void change(struct cluster *c, int64_t now_ms, struct slice nsp, const struct wire_request *r)
{
	bool is_here = r->sid.size && hub_namespace(c->hub, nsp) && hub_find(hub_namespace(c->hub, nsp), r->sid);
	struct wire_response done = { .type = WIRE_ANSWER_DONE, .request_id = r->request_id };

	cluster_heard_change(c, now_ms, nsp, r);
	/* The form from before 2020 is answered by the one that has the client. */
	if (is_here && r->request_id.size)
		send_answer(c, nsp, r->uid, &done);
}

static void (*const runs[])(struct cluster *c, int64_t now_ms, struct slice nsp, const struct wire_request *r) = {
	[WIRE_SOCKETS] = answer_sids,
	[WIRE_ALL_ROOMS] = answer_rooms,
	[WIRE_REMOTE_JOIN] = change,
	[WIRE_REMOTE_LEAVE] = change,
	[WIRE_REMOTE_DISCONNECT] = change,
	[WIRE_REMOTE_FETCH] = answer_fetch,
	[WIRE_SERVER_EMIT] = tell_server_event,
	[WIRE_BROADCAST] = ask_clients,
};

void cluster_heard_request(struct cluster *c, int64_t now_ms, struct slice nsp, struct slice payload)
{
	struct wire_request r;
	const char *wrong = wire_request_decode(&c->arena, payload, &c->config.rules, &r);

	if (wrong) {
		cluster_drop(c, wrong);
		return;
	}
	/* What we asked, or did ourselves when we said so. */
	if (slice_equal(r.uid, slice_str(c->uid)))
		return;
	if (r.type == WIRE_BROADCAST && !slice_equal(r.nsp, nsp)) {
		cluster_drop(c, "another namespace's");
		return;
	}
	runs[r.type](c, now_ms, nsp, &r);
}
