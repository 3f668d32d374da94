/* net.c - see net.h. */
#include "net.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>

#include "alloc.h"

enum { NAMES_AT_ONCE = 16, WAITING_MAX = 1000 };

typedef void arrive_fn(struct net *n, struct net_event *e);

/* Something on its way over a link. */
struct net_event {
	int64_t due_ms;
	uint64_t order;
	struct net_port *port;
	enum net_link link;
	unsigned epoch;
	bool survives; /* the link was cut behind it */
	arrive_fn *arrive;
	pubsub_answer_fn *answer;
	void *to;
	int64_t number; /* a result, or a key's time to live */
	enum subscription_kind kind;
	bool subscribe;
	struct net_event *next; /* in the queue of what waits for the link */
	size_t a_size, b_size;
	char bytes[]; /* two texts, each with a NUL behind it */
};

struct net_key {
	struct net_key *next;
	int64_t until_ms;
	size_t name_size, value_size;
	char bytes[]; /* the name, then the value */
};

static struct slice text_a(const struct net_event *e)
{
	return slice_of(e->bytes, e->a_size);
}

static struct slice text_b(const struct net_event *e)
{
	return slice_of(e->bytes + e->a_size + 1, e->b_size);
}

/* xorshift64* */
uint32_t net_roll(struct net *n, uint32_t below)
{
	n->random ^= n->random >> 12;
	n->random ^= n->random << 25;
	n->random ^= n->random >> 27;
	return (uint32_t)((n->random * UINT64_C(2685821657736338717)) >> 33) % below;
}

/* --- What is on its way ------------------------------------------------------------------------------------------- */

static bool is_before(const struct net_event *a, const struct net_event *b)
{
	return a->due_ms < b->due_ms || (a->due_ms == b->due_ms && a->order < b->order);
}

static void swap(struct net_event **a, struct net_event **b)
{
	struct net_event *kept = *a;

	*a = *b;
	*b = kept;
}

static void place(struct net *n, struct net_event *e)
{
	size_t i = n->n_events++;

	n->heap[i] = e;
	for (; i > 0 && is_before(n->heap[i], n->heap[(i - 1) / 2]); i = (i - 1) / 2)
		swap(&n->heap[i], &n->heap[(i - 1) / 2]);
}

static void push(struct net *n, struct net_event *e)
{
	if (n->n_events == n->cap_events) {
		n->cap_events = n->cap_events ? n->cap_events * 2 : 256;
		n->heap = must_realloc(n->heap, n->cap_events * sizeof(struct net_event *));
	}
	e->order = n->next_event++;
	place(n, e);
}

static struct net_event *pop(struct net *n)
{
	struct net_event *first = n->heap[0];
	size_t i = 0, least;

	n->heap[0] = n->heap[--n->n_events];
	for (;; i = least) {
		least = i;
		for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < n->n_events; child++)
			if (is_before(n->heap[child], n->heap[least]))
				least = child;
		if (least == i)
			return first;
		swap(&n->heap[i], &n->heap[least]);
	}
}

static struct net_event *event_new(
	struct net_port *p, enum net_link link, arrive_fn *arrive, struct slice a, struct slice b)
{
	struct net_event *e = must_alloc(sizeof(*e) + a.size + b.size + 2);

	e->port = p;
	e->link = link;
	e->arrive = arrive;
	e->a_size = a.size;
	e->b_size = b.size;
	if (a.size)
		memcpy(e->bytes, a.at, a.size);
	if (b.size)
		memcpy(e->bytes + a.size + 1, b.at, b.size);
	return e;
}

static void send(struct net_event *e, struct net_way *way)
{
	struct net *n = e->port->net;
	int64_t due_ms = n->now_ms + net_roll(n, (uint32_t)n->max_delay_ms + 1);

	e->epoch = e->port->epoch[e->link];
	way->last_ms = e->due_ms = due_ms > way->last_ms ? due_ms : way->last_ms;
	push(n, e);
}

static void to_server(struct net_event *e)
{
	send(e, &e->port->there[e->link]);
}

static void to_port(struct net_event *e)
{
	send(e, &e->port->back[e->link]);
}

/* --- The server: channels ----------------------------------------------------------------------------------------- */

static struct net_name *held(const struct net_port *p, enum subscription_kind kind, struct slice name)
{
	struct map_node *at = map_find(&p->held[kind], name);

	return at ? map_item(at, struct net_name, node) : NULL;
}

bool net_holds(const struct net_port *p, enum subscription_kind kind, struct slice name)
{
	return held(p, kind, name) != NULL;
}

size_t net_held(const struct net_port *p, enum subscription_kind kind)
{
	return map_count(&p->held[kind]);
}

static void release_name(struct net_port *p, struct net_name *one)
{
	map_remove(&p->held[one->kind], &one->node);
	free(one);
}

static void release_all(struct net_port *p)
{
	struct map_node *at, *next;

	for (int kind = 0; kind < SUBSCRIPTION_KINDS; kind++)
		map_foreach(&p->held[kind], at, next) release_name(p, map_item(at, struct net_name, node));
}

static void hold(struct net_port *p, enum subscription_kind kind, struct slice name)
{
	struct net_name *one = must_alloc(sizeof(*one) + name.size + 1);

	one->kind = kind;
	memcpy(one->text, name.at, name.size);
	one->node.key = slice_of(one->text, name.size);
	map_add(&p->held[kind], &one->node);
}

static void message_arrives(struct net *n, struct net_event *e)
{
	e->port->received++;
	e->port->base.events->message(e->port->base.ctx, n->now_ms, text_a(e), text_b(e));
	if (n->arrived)
		n->arrived(n->ctx, e->port);
}

/* As often as pubsub.h says. */
static unsigned times_wanted(const struct net_port *p, const char *channel, struct slice name)
{
	struct map_node *at, *next;
	unsigned times = 0;

	if (net_holds(p, SUBSCRIPTION_CHANNEL, name))
		return 1;
	map_foreach(&p->held[SUBSCRIPTION_PATTERN], at, next) times +=
		fnmatch(map_item(at, struct net_name, node)->text, channel, 0) == 0;
	return times;
}

static void publish_at_server(struct net *n, const char *channel, struct slice name, struct slice payload)
{
	for (struct net_port *p = n->ports; p < n->ports + NET_PORTS; p++) {
		unsigned times = p->is_open ? times_wanted(p, channel, name) : 0;

		while (times-- > 0)
			to_port(event_new(p, NET_SUBSCRIBER, message_arrives, name, payload));
	}
}

void net_publish(struct net *n, struct slice channel, struct slice payload)
{
	char *text = must_strndup(channel.at, channel.size);

	publish_at_server(n, text, channel, payload);
	free(text);
}

static void move_over(struct net_port *p, uint64_t over)
{
	if (p->base.over >= over)
		return;
	p->base.over = over;
	if (p->base.moved)
		p->base.moved(p->base.moved_to, p->net->now_ms);
}

static void published_arrives(struct net *n, struct net_event *e)
{
	(void)n;
	move_over(e->port, (uint64_t)e->number);
}

/* Nobody is told of what came over a link that is no more; nor who does not want to know. */
static void publish_arrives(struct net *n, struct net_event *e)
{
	struct net_event *back;

	publish_at_server(n, e->bytes, text_a(e), text_b(e));
	if (e->port->base.moved == NULL || e->epoch != e->port->epoch[NET_COMMANDS])
		return;
	back = event_new(e->port, NET_COMMANDS, published_arrives, slice_of(NULL, 0), slice_of(NULL, 0));
	back->number = e->number;
	to_port(back);
}

static void publish_on(struct net_event *e)
{
	e->number = (int64_t)++e->port->base.sent;
	to_server(e);
}

/* --- The server: answers ------------------------------------------------------------------------------------------ */

static void answer_arrives(struct net *n, struct net_event *e)
{
	if (e->answer)
		e->answer(e->to, n->now_ms, e->number, text_a(e));
}

static void reply(const struct net_event *question, int64_t result, struct slice text)
{
	struct net_event *e = event_new(question->port, NET_COMMANDS, answer_arrives, text, slice_of(NULL, 0));

	e->answer = question->answer;
	e->to = question->to;
	e->number = result;
	to_port(e);
}

static void count_arrives(struct net *n, struct net_event *e)
{
	int64_t count = 0;

	for (struct net_port *p = n->ports; p < n->ports + NET_PORTS; p++)
		count += p->is_open && net_holds(p, SUBSCRIPTION_CHANNEL, text_a(e));
	reply(e, count, slice_of(NULL, 0));
}

static struct net_key **find_key(struct net *n, struct slice name)
{
	struct net_key **at = &n->keys;

	while (*at && !slice_equal(slice_of((*at)->bytes, (*at)->name_size), name))
		at = &(*at)->next;
	return at;
}

static void drop_key(struct net_key **at)
{
	struct net_key *key = *at;

	*at = key->next;
	free(key);
}

static struct slice value_of(const struct net_key *key)
{
	return slice_of(key->bytes + key->name_size, key->value_size);
}

static struct net_key *live_key(struct net *n, struct slice name)
{
	struct net_key **at = find_key(n, name);

	if (*at && (*at)->until_ms <= n->now_ms)
		drop_key(at);
	return *find_key(n, name);
}

static void claim_arrives(struct net *n, struct net_event *e)
{
	struct net_key *key = live_key(n, text_a(e));

	if (key == NULL) {
		key = must_alloc(sizeof(*key) + e->a_size + e->b_size);
		memcpy(key->bytes, e->bytes, e->a_size);
		memcpy(key->bytes + e->a_size, text_b(e).at, e->b_size);
		key->name_size = e->a_size;
		key->value_size = e->b_size;
		key->next = n->keys;
		n->keys = key;
	}
	if (slice_equal(value_of(key), text_b(e)))
		key->until_ms = n->now_ms + e->number;
	reply(e, slice_equal(value_of(key), text_b(e)), value_of(key));
}

static void look_up_arrives(struct net *n, struct net_event *e)
{
	struct net_key *key = live_key(n, text_a(e));

	reply(e, key != NULL, key ? value_of(key) : slice_of(NULL, 0));
}

static void release_arrives(struct net *n, struct net_event *e)
{
	struct net_key **at = find_key(n, text_a(e));
	bool was_there = *at != NULL;

	if (was_there)
		drop_key(at);
	reply(e, was_there, slice_of(NULL, 0));
}

/* --- Up and down -------------------------------------------------------------------------------------------------- */

static void try_up(struct net_port *p);

static void go_up(struct net_port *p)
{
	bool gap = p->was_up;

	p->base.is_up = p->was_up = true;
	while (p->waiting) {
		struct net_event *e = p->waiting;

		p->waiting = e->next;
		if (p->net->now_ms - e->number > NET_WAIT_MS)
			free(e);
		else
			publish_on(e);
	}
	p->waiting_end = &p->waiting;
	p->n_waiting = 0;
	p->base.events->up(p->base.ctx, p->net->now_ms, gap);
}

static void probe_is_back(struct net *n, struct net_event *e)
{
	struct net_port *p = e->port;

	(void)n;
	if (!p->probing || !p->linked[NET_COMMANDS]) /* of before a cut */
		return;
	p->probing = false;
	if (!p->base.is_up && subscriptions_are_settled(&p->wanted))
		go_up(p);
	else
		try_up(p);
}

static void probe_arrives(struct net *n, struct net_event *e)
{
	(void)n;
	if (e->port->linked[NET_SUBSCRIBER])
		to_port(event_new(e->port, NET_SUBSCRIBER, probe_is_back, slice_of(NULL, 0), slice_of(NULL, 0)));
}

static void try_up(struct net_port *p)
{
	if (p->base.is_up || p->probing || !p->linked[NET_COMMANDS] || !p->linked[NET_SUBSCRIBER] ||
		!subscriptions_are_settled(&p->wanted))
		return;
	p->probing = true;
	to_server(event_new(p, NET_COMMANDS, probe_arrives, slice_of(NULL, 0), slice_of(NULL, 0)));
}

static void go_down(struct net_port *p, const char *why)
{
	p->probing = false;
	if (!p->base.is_up)
		return;
	p->base.is_up = false;
	p->base.events->down(p->base.ctx, p->net->now_ms, why);
}

/* One by one: what an answer runs may ask again. */
static void fail_answers(struct net_port *p)
{
	struct net *n = p->net;
	size_t i = 0;

	while (i < n->n_events) {
		struct net_event *e = n->heap[i++];
		pubsub_answer_fn *answer = e->answer;

		if (e->port != p || answer == NULL)
			continue;
		e->answer = NULL;
		answer(e->to, n->now_ms, -ENOTCONN, slice_of(NULL, 0));
		i = 0;
	}
}

void net_cut(struct net_port *p, enum net_link link, int64_t for_ms, bool sent)
{
	struct net *n = p->net;

	if (!p->linked[link])
		return;
	p->linked[link] = false;
	p->relink_ms[link] = n->now_ms + for_ms;
	for (size_t i = 0; sent && link == NET_COMMANDS && i < n->n_events; i++)
		if (n->heap[i]->port == p && n->heap[i]->arrive == publish_arrives)
			n->heap[i]->survives = true;
	p->epoch[link]++;
	if (link == NET_SUBSCRIBER) {
		release_all(p);
		subscriptions_lost(&p->wanted);
	}
	go_down(p, "cut");
	if (link == NET_COMMANDS) {
		fail_answers(p);
		move_over(p, p->base.sent);
	}
}

static void relink(struct net_port *p, enum net_link link)
{
	p->linked[link] = true;
	p->relink_ms[link] = INT64_MAX;
	net_flush(p);
	try_up(p);
}

/* --- Subscriptions ------------------------------------------------------------------------------------------------ */

static void confirmation_arrives(struct net *n, struct net_event *e)
{
	(void)n;
	subscriptions_answered(&e->port->wanted, e->kind, text_a(e));
	try_up(e->port);
}

static void subscription_arrives(struct net *n, struct net_event *e)
{
	struct net_name *one = held(e->port, e->kind, text_a(e));
	struct net_event *back = event_new(e->port, NET_SUBSCRIBER, confirmation_arrives, text_a(e), slice_of(NULL, 0));

	(void)n;
	if (e->subscribe && one == NULL)
		hold(e->port, e->kind, text_a(e));
	else if (!e->subscribe && one)
		release_name(e->port, one);
	back->kind = e->kind;
	to_port(back);
}

void net_flush(struct net_port *p)
{
	struct slice names[NAMES_AT_ONCE];
	struct subscription_batch batch;

	if (!p->is_open || !p->linked[NET_SUBSCRIBER])
		return;
	while ((batch = subscriptions_next(&p->wanted, names, NAMES_AT_ONCE)).n > 0) {
		for (size_t i = 0; i < batch.n; i++) {
			struct net_event *e =
				event_new(p, NET_SUBSCRIBER, subscription_arrives, names[i], slice_of(NULL, 0));

			e->kind = batch.kind;
			e->subscribe = batch.subscribe;
			to_server(e);
		}
	}
	try_up(p);
}

/* --- pubsub.h ----------------------------------------------------------------------------------------------------- */

static struct net_port *port_of(struct pubsub *b)
{
	return (struct net_port *)(void *)b;
}

static int publish(struct pubsub *b, struct slice channel, struct slice payload)
{
	struct net_port *p = port_of(b);
	struct net_event *e;

	if (!p->is_open)
		return -ENOTCONN;
	if (p->n_waiting >= WAITING_MAX)
		return -ENOBUFS;
	p->published++;
	e = event_new(p, NET_COMMANDS, publish_arrives, channel, payload);
	if (p->linked[NET_COMMANDS] && p->waiting == NULL) {
		publish_on(e);
		return 0;
	}
	e->number = p->net->now_ms;
	*p->waiting_end = e;
	p->waiting_end = &e->next;
	p->n_waiting++;
	return 0;
}

static int ask(struct pubsub *b, arrive_fn *arrive, struct slice a, struct slice text, int64_t number,
	pubsub_answer_fn *answer, void *to)
{
	struct net_event *e;

	if (!port_of(b)->is_open || !port_of(b)->linked[NET_COMMANDS])
		return -ENOTCONN;
	e = event_new(port_of(b), NET_COMMANDS, arrive, a, text);
	e->answer = answer;
	e->to = to;
	e->number = number;
	to_server(e);
	return 0;
}

static int count(struct pubsub *b, struct slice channel, pubsub_answer_fn *answer, void *to)
{
	return ask(b, count_arrives, channel, slice_of(NULL, 0), 0, answer, to);
}

static int claim(
	struct pubsub *b, struct slice key, struct slice value, int64_t ttl_ms, pubsub_answer_fn *answer, void *to)
{
	return ask(b, claim_arrives, key, value, ttl_ms, answer, to);
}

static int look_up(struct pubsub *b, struct slice key, pubsub_answer_fn *answer, void *to)
{
	return ask(b, look_up_arrives, key, slice_of(NULL, 0), 0, answer, to);
}

static int release(struct pubsub *b, struct slice key, pubsub_answer_fn *answer, void *to)
{
	return ask(b, release_arrives, key, slice_of(NULL, 0), 0, answer, to);
}

static void want(struct pubsub *b, enum subscription_kind kind, struct slice name)
{
	if (port_of(b)->is_open)
		subscriptions_want(&port_of(b)->wanted, kind, name);
}

static void drop(struct pubsub *b, enum subscription_kind kind, struct slice name)
{
	if (port_of(b)->is_open)
		subscriptions_drop(&port_of(b)->wanted, kind, name);
}

static bool is_live(const struct pubsub *b, enum subscription_kind kind, struct slice name)
{
	return subscriptions_is_live(&((const struct net_port *)(const void *)b)->wanted, kind, name);
}

static const struct pubsub_ops ops = { publish, count, claim, look_up, release, want, drop, is_live };

/* --- Life and time ------------------------------------------------------------------------------------------------ */

void net_init(struct net *n, uint64_t seed)
{
	*n = (struct net){ .random = seed * UINT64_C(0x9E3779B97F4A7C15) + 1, .max_delay_ms = NET_DELAY_MAX_MS };
}

void net_fini(struct net *n)
{
	while (n->keys)
		drop_key(&n->keys);
	while (n->n_events)
		free(n->heap[--n->n_events]);
	free(n->heap);
}

struct net_port *net_open(struct net *n)
{
	struct net_port *p = n->ports;

	while (p->is_open)
		p++;
	*p = (struct net_port){ .base = { .ops = &ops }, .net = n, .is_open = true };
	p->waiting_end = &p->waiting;
	subscriptions_init(&p->wanted);
	for (int link = 0; link < NET_LINKS; link++)
		p->relink_ms[link] = n->now_ms + net_roll(n, (uint32_t)n->max_delay_ms + 1);
	return p;
}

void net_close(struct net_port *p)
{
	struct net *n = p->net;
	size_t kept = 0;

	release_all(p);
	subscriptions_fini(&p->wanted);
	p->base.is_up = false;
	while (p->waiting) {
		struct net_event *e = p->waiting;

		p->waiting = e->next;
		free(e);
	}
	for (size_t i = 0; i < n->n_events; i++)
		if (n->heap[i]->port == p)
			free(n->heap[i]);
		else
			n->heap[kept++] = n->heap[i];
	n->n_events = 0;
	for (size_t i = 0; i < kept; i++) /* a heap again */
		place(n, n->heap[i]);
	p->is_open = false;
}

static int64_t next_relink_ms(const struct net *n)
{
	int64_t next = INT64_MAX;

	for (const struct net_port *p = n->ports; p < n->ports + NET_PORTS; p++)
		for (int link = 0; p->is_open && link < NET_LINKS; link++)
			if (!p->linked[link] && p->relink_ms[link] < next)
				next = p->relink_ms[link];
	return next;
}

int64_t net_next_ms(const struct net *n)
{
	int64_t next = next_relink_ms(n);

	return n->n_events && n->heap[0]->due_ms < next ? n->heap[0]->due_ms : next;
}

static void relink_due(struct net *n)
{
	for (struct net_port *p = n->ports; p < n->ports + NET_PORTS; p++)
		for (int link = 0; p->is_open && link < NET_LINKS; link++)
			if (!p->linked[link] && p->relink_ms[link] <= n->now_ms)
				relink(p, (enum net_link)link);
}

void net_run(struct net *n, int64_t now_ms)
{
	n->now_ms = now_ms;
	relink_due(n);
	while (n->n_events && n->heap[0]->due_ms <= now_ms) {
		struct net_event *e = pop(n);

		if (e->survives || e->epoch == e->port->epoch[e->link])
			e->arrive(n, e);
		free(e);
	}
}
