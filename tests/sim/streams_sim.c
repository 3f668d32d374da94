/* streams_sim.c - see streams_sim.h: links, what is on its way, time and faults. */
#include <errno.h>
#include <stdlib.h>

#include "alloc.h"
#include "streams_sim_internal.h"

/* xorshift64* */
static uint32_t roll(struct streams_sim *sim, uint32_t below)
{
	sim->random ^= sim->random >> 12;
	sim->random ^= sim->random << 25;
	sim->random ^= sim->random >> 27;
	return (uint32_t)((sim->random * UINT64_C(2685821657736338717)) >> 33) % below;
}

/* --- What is on its way ------------------------------------------------------------------------------------------- */

static bool is_before(const struct sim_event *a, const struct sim_event *b)
{
	return a->due_ms < b->due_ms || (a->due_ms == b->due_ms && a->order < b->order);
}

static void swap(struct sim_event **a, struct sim_event **b)
{
	struct sim_event *kept = *a;

	*a = *b;
	*b = kept;
}

/* In a heap that has room for it. */
static void place(struct streams_sim *sim, struct sim_event *e)
{
	size_t i = sim->n_events++;

	sim->heap[i] = e;
	for (; i > 0 && is_before(sim->heap[i], sim->heap[(i - 1) / 2]); i = (i - 1) / 2)
		swap(&sim->heap[i], &sim->heap[(i - 1) / 2]);
}

static void push(struct streams_sim *sim, struct sim_event *e)
{
	if (sim->n_events == sim->cap_events) {
		sim->cap_events = sim->cap_events ? sim->cap_events * 2 : 64;
		sim->heap = must_realloc(sim->heap, sim->cap_events * sizeof(struct sim_event *));
	}
	e->order = sim->next_order++;
	place(sim, e);
}

static struct sim_event *pop(struct streams_sim *sim)
{
	struct sim_event *first = sim->heap[0];
	size_t i = 0, least;

	sim->heap[0] = sim->heap[--sim->n_events];
	for (;; i = least) {
		least = i;
		for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < sim->n_events; child++)
			if (is_before(sim->heap[child], sim->heap[least]))
				least = child;
		if (least == i)
			return first;
		swap(&sim->heap[i], &sim->heap[least]);
	}
}

struct sim_event *sim_event_new(struct sim_port *p, sim_arrive_fn *arrive, const struct slice *texts, size_t n)
{
	size_t size = sizeof(struct sim_event) + n * sizeof(struct slice);
	struct sim_event *e;
	char *at;

	for (size_t i = 0; i < n; i++)
		size += texts[i].size + 1;
	e = must_alloc(size);
	*e = (struct sim_event){ .port = p, .arrive = arrive, .n = n };
	at = (char *)&e->texts[n];
	for (size_t i = 0; i < n; i++) {
		if (texts[i].size)
			memcpy(at, texts[i].at, texts[i].size);
		e->texts[i] = slice_of(at, texts[i].size);
		at += texts[i].size + 1;
	}
	return e;
}

void sim_send(struct sim_event *e, enum sim_way way)
{
	struct sim_port *p = e->port;
	int64_t *last_ms = &p->ways[way], due_ms = p->sim->store.now_ms + roll(p->sim, p->sim->delays);

	e->epoch = p->epoch;
	e->is_asked = way == SIM_THERE || way == SIM_READ_THERE;
	if (!e->is_asked && due_ms < p->held_ms)
		due_ms = p->held_ms;
	*last_ms = e->due_ms = due_ms > *last_ms ? due_ms : *last_ms;
	push(p->sim, e);
}

bool sim_is_current(const struct sim_event *e)
{
	return e->port->is_open && e->epoch == e->port->epoch;
}

void sim_reply(struct sim_event *question, sim_arrive_fn *told, int64_t result, const struct slice *texts, size_t n)
{
	struct sim_event *e;

	if (!sim_is_current(question))
		return;
	e = sim_event_new(question->port, told, texts, n);
	e->number = result;
	sim_send(e, SIM_BACK);
}

struct sim_ticket sim_take_ticket(struct sim_port *p)
{
	struct sim_ticket *first = p->first, taken = *first;

	p->first = first->next;
	if (p->first == NULL)
		p->end = &p->first;
	free(first);
	return taken;
}

/* --- Up and down -------------------------------------------------------------------------------------------------- */

static void drop_blocked(struct streams_sim *sim, const struct sim_port *p)
{
	struct sim_event **at = &sim->blocked;

	while (*at) {
		struct sim_event *e = *at;

		if (p && (e->port != p || e->epoch != p->epoch)) {
			at = &e->next;
			continue;
		}
		*at = e->next;
		free(e);
	}
}

void sim_read_end(struct sim_port *p, int result)
{
	p->is_reading = false;
	p->base.events->read_end(p->base.ctx, p->sim->store.now_ms, result);
}

static void fail_answers(struct sim_port *p)
{
	while (p->is_open && p->first) {
		struct sim_ticket t = sim_take_ticket(p);

		if (t.answer)
			t.answer(t.to, p->sim->store.now_ms, -ENOTCONN, slice_of(NULL, 0));
	}
	if (p->is_open && p->is_reading)
		sim_read_end(p, -ENOTCONN);
}

/* Whatever was sent over the link that breaks. */
static void let_survive(struct sim_port *p, size_t most)
{
	struct streams_sim *sim = p->sim;

	for (; most > 0; most--) {
		struct sim_event *oldest = NULL;

		for (size_t i = 0; i < sim->n_events; i++) {
			struct sim_event *e = sim->heap[i];

			if (e->port == p && e->is_asked && e->epoch == p->epoch && !e->survives &&
				(oldest == NULL || e->order < oldest->order))
				oldest = e;
		}
		if (oldest == NULL)
			return;
		oldest->survives = true;
	}
}

static size_t survivors(struct streams_sim *sim, enum streams_sim_sent sent)
{
	return sent == SIM_SENT_LOST ? 0 : sent == SIM_SENT_DONE ? SIZE_MAX : roll(sim, 8);
}

static void cut(struct sim_port *p, int64_t back_ms, enum streams_sim_sent sent)
{
	struct streams_sim *sim = p->sim;
	bool was_up = p->base.is_up;

	if (!p->is_open || !p->linked)
		return;
	let_survive(p, survivors(sim, sent));
	if (sent != SIM_SENT_DONE)
		drop_blocked(sim, p);
	else if (p->is_reading && p->read_until_ms > back_ms)
		back_ms = p->read_until_ms;
	p->linked = p->base.is_up = false;
	p->epoch++;
	p->relink_ms = back_ms;
	sim_forget_channels(p);
	fail_answers(p);
	if (p->is_open && was_up)
		p->base.events->down(p->base.ctx, sim->store.now_ms, "cut");
}

void streams_sim_cut(struct streams *s, int64_t for_ms, enum streams_sim_sent sent)
{
	struct sim_port *p = sim_port_of(s);

	cut(p, p->sim->store.now_ms + for_ms, sent);
}

void streams_sim_hold(struct streams *s, int64_t for_ms)
{
	struct sim_port *p = sim_port_of(s);
	struct streams_sim *sim = p->sim;
	size_t n = sim->n_events;

	if (sim->store.now_ms + for_ms <= p->held_ms)
		return;
	p->held_ms = sim->store.now_ms + for_ms;
	for (size_t i = 0; i < n; i++)
		if (sim->heap[i]->port == p && !sim->heap[i]->is_asked && sim->heap[i]->due_ms < p->held_ms)
			sim->heap[i]->due_ms = p->held_ms;
	sim->n_events = 0;
	for (size_t i = 0; i < n; i++) /* a heap again */
		place(sim, sim->heap[i]);
}

void streams_sim_refuse(struct streams *s, unsigned count)
{
	sim_port_of(s)->refuses = count;
}

void streams_sim_fill(struct streams_sim *sim, bool is_full)
{
	sim->is_full = is_full;
}

void streams_sim_restart(struct streams_sim *sim, int64_t for_ms, bool forgets)
{
	sim->run++;
	sim->back_ms = sim->store.now_ms + for_ms;
	drop_blocked(sim, NULL);
	if (forgets)
		store_clear(&sim->store);
	for (struct sim_port *p = sim->ports; p < sim->ports + STREAMS_SIM_PORTS; p++) {
		cut(p, sim->back_ms + roll(sim, sim->delays), SIM_SENT_LOST);
		if (p->relink_ms < sim->back_ms)
			p->relink_ms = sim->back_ms;
	}
	/* What had outlived a link does not outlive the server. */
	for (size_t i = 0; i < sim->n_events; i++)
		sim->heap[i]->survives = false;
}

/* The server knows us, and our channels. */
static void greeted(struct streams_sim *sim, struct sim_event *e)
{
	struct sim_port *p = e->port;
	bool fresh = p->run != sim->run;

	p->run = sim->run;
	p->base.is_up = true;
	p->base.events->up(p->base.ctx, sim->store.now_ms, fresh);
	if (p->is_open && p->base.is_up && map_count(&p->channels) && p->base.events->listening)
		p->base.events->listening(p->base.ctx, sim->store.now_ms);
}

void sim_hello_arrives(struct streams_sim *sim, struct sim_event *e)
{
	struct map_node *at, *next;

	(void)sim;
	if (!sim_is_current(e))
		return;
	map_foreach(&e->port->channels, at, next) map_item(at, struct sim_channel, node)->is_held = true;
	sim_reply(e, greeted, 0, NULL, 0);
}

static void relink(struct sim_port *p)
{
	p->linked = true;
	sim_send(sim_event_new(p, sim_hello_arrives, NULL, 0), SIM_THERE);
}

void sim_forget_channels(struct sim_port *p)
{
	struct map_node *at, *next;

	map_foreach(&p->channels, at, next) map_item(at, struct sim_channel, node)->is_held = false;
}

/* --- Life and time ------------------------------------------------------------------------------------------------ */

struct streams_sim *streams_sim_new(uint64_t seed)
{
	struct streams_sim *sim = must_alloc(sizeof(*sim));

	sim->random = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
	sim->delays = 1;
	sim->run = 1;
	sim->store.wall_ms = STREAMS_SIM_WALL_MS;
	return sim;
}

void streams_sim_free(struct streams_sim *sim)
{
	if (sim == NULL)
		return;
	drop_blocked(sim, NULL);
	while (sim->n_events)
		free(sim->heap[--sim->n_events]);
	free(sim->heap);
	store_clear(&sim->store);
	free(sim);
}

void streams_sim_set_delay(struct streams_sim *sim, int max_delay_ms)
{
	sim->delays = (uint32_t)max_delay_ms + 1;
}

int64_t streams_sim_now_ms(const struct streams_sim *sim)
{
	return sim->store.now_ms;
}

struct streams *streams_sim_open(struct streams_sim *sim, const struct streams_events *events, void *ctx)
{
	struct sim_port *p = sim->ports;

	while (p->is_open)
		p++;
	*p = (struct sim_port){ .base = { .ops = &streams_sim_ops, .events = events, .ctx = ctx },
		.sim = sim,
		.is_open = true,
		.epoch = p->epoch + 1 };
	p->end = &p->first;
	p->relink_ms = sim->store.now_ms + roll(sim, sim->delays);
	if (p->relink_ms < sim->back_ms)
		p->relink_ms = sim->back_ms;
	return &p->base;
}

void streams_sim_close(struct streams *s)
{
	struct sim_port *p = s ? sim_port_of(s) : NULL;
	struct map_node *at, *next;

	if (p == NULL || !p->is_open)
		return;
	let_survive(p, SIZE_MAX);
	drop_blocked(p->sim, p);
	p->is_open = p->base.is_up = false;
	p->epoch++;
	while (p->first)
		sim_take_ticket(p);
	map_foreach(&p->channels, at, next)
	{
		map_remove(&p->channels, at);
		free((void *)(uintptr_t)at->key.at);
		free(map_item(at, struct sim_channel, node));
	}
}

int64_t streams_sim_next_ms(const struct streams_sim *sim)
{
	int64_t next = sim->n_events ? sim->heap[0]->due_ms : INT64_MAX;

	for (const struct sim_port *p = sim->ports; p < sim->ports + STREAMS_SIM_PORTS; p++)
		if (p->is_open && !p->linked && p->relink_ms < next)
			next = p->relink_ms;
	for (const struct sim_event *e = sim->blocked; e; e = e->next)
		if (e->due_ms < next)
			next = e->due_ms;
	return next;
}

static void run_due(struct streams_sim *sim)
{
	for (struct sim_port *p = sim->ports; p < sim->ports + STREAMS_SIM_PORTS; p++)
		if (p->is_open && !p->linked && p->relink_ms <= sim->store.now_ms)
			relink(p);
	sim_serve_blocked(sim);
	while (sim->n_events && sim->heap[0]->due_ms <= sim->store.now_ms) {
		struct sim_event *e = pop(sim);

		if (e->survives || sim_is_current(e))
			e->arrive(sim, e);
		free(e);
	}
}

/* In steps, so that what is due earlier finds the time it was due at. */
void streams_sim_run(struct streams_sim *sim, int64_t now_ms)
{
	int64_t next_ms;

	do {
		next_ms = streams_sim_next_ms(sim);
		if (next_ms > now_ms)
			next_ms = now_ms;
		if (next_ms > sim->store.now_ms)
			sim->store.now_ms = next_ms;
		run_due(sim);
	} while (streams_sim_next_ms(sim) <= now_ms || sim->store.now_ms < now_ms);
}
