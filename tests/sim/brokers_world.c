/* brokers_world.c - time, what is done, and faults. See brokers_world.h. */
#include "brokers_world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "dice.h"
#include "runs.h"

enum { START_MS = 5000, STEP_MAX_MS = 60 };

const char *const room_names[ROOMS] = { "watch", "b", "c#d" };

uint32_t world_roll(struct world *w, uint32_t below)
{
	w->random = w->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((w->random >> 33) % below);
}

void tell(const struct world *w, const char *format, ...)
{
	va_list args;

	if (!w->trace)
		return;
	va_start(args, format);
	fprintf(stderr, "%8lld ", (long long)w->now_ms);
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n");
	va_end(args);
}

/* --- Time --------------------------------------------------------------------------------------------------------- */

static bool is_paused(const struct world *w, const struct shop_life *l)
{
	return l->paused_until_ms > w->now_ms;
}

static void turn_shops(struct world *w)
{
	for (int i = 0; i < w->n_shop_lives; i++)
		if (w->shop_lives[i].shop && !is_paused(w, &w->shop_lives[i]))
			shop_turn(w->shop_lives[i].shop, w->now_ms);
}

static void end_leavers(struct world *w)
{
	for (int i = 0; i < w->n_shop_lives; i++)
		if (w->shop_lives[i].shop && w->shop_lives[i].shop->left)
			end_shop(w, i);
	for (int i = 0; i < w->n_gate_lives; i++)
		if (w->gate_lives[i].gate && w->gate_lives[i].gate->left)
			end_gate(w, i, false);
	if (w->doomed >= 0 && w->gate_lives[w->doomed].gate) {
		end_gate(w, w->doomed, true);
		w->changed_ms = w->now_ms;
	}
	w->doomed = -1;
}

static int64_t next_ms(const struct world *w)
{
	int64_t next = streams_sim_next_ms(w->streams), at = net_next_ms(&w->net);

	next = at < next ? at : next;
	for (const struct gate_life *l = w->gate_lives; l < w->gate_lives + w->n_gate_lives; l++)
		if (l->gate && (at = gate_next_ms(l->gate)) < next)
			next = at;
	for (const struct shop_life *l = w->shop_lives; l < w->shop_lives + w->n_shop_lives; l++) {
		at = l->shop ? shop_next_ms(l->shop) : INT64_MAX;
		if (l->shop && is_paused(w, l))
			at = l->paused_until_ms;
		next = at < next ? at : next;
	}
	return next;
}

/* All that happens at this moment; what is made to happen at once, over and over, goes on a millisecond later. */
static void turn(struct world *w)
{
	bool more = true;

	shop_wall_ms = gates_wall_ms = STREAMS_SIM_WALL_MS + w->now_ms;
	for (int rounds = 0; more && rounds < 20; rounds++) {
		more = false;
		for (int i = 0; i < w->n_gates; i++)
			if (w->gates[i].is_open)
				w->gates[i].station.sim.now_ms = w->now_ms;
		net_run(&w->net, w->now_ms);
		streams_sim_run(w->streams, w->now_ms);
		for (int i = 0; i < w->n_gates; i++)
			if (w->gates[i].is_open)
				gate_turn(&w->gates[i], w->now_ms);
		turn_shops(w);
		for (int who = 0; who < w->n_persons; who++)
			more |= hear(w, who);
		end_leavers(w);
		more |= next_ms(w) <= w->now_ms;
	}
}

static void pass(struct world *w, int64_t ms)
{
	int64_t end_ms = w->now_ms + ms;

	while (w->now_ms < end_ms) {
		int64_t next = next_ms(w);

		next = next > w->now_ms ? next : w->now_ms + 1;
		w->now_ms = next < end_ms ? next : end_ms;
		turn(w);
		check_deadlines(w);
	}
}

/* --- Gateways and brokers ----------------------------------------------------------------------------------------- */

void begin_gate(struct world *w)
{
	char name[16];

	for (int i = 0; i < w->n_gates; i++) {
		if (w->gates[i].is_open || w->n_gate_lives == GATE_LIVES)
			continue;
		snprintf(name, sizeof(name), "g%d", w->n_gate_lives);
		tell(w, "gateway %s begins", name);
		gate_open(&w->gates[i], &w->net, w->streams, name, w->max_waiting);
		w->gate_lives[w->n_gate_lives++] = (struct gate_life){ .gate = &w->gates[i] };
		return;
	}
}

void end_gate(struct world *w, int life, bool died)
{
	tell(w, "gateway g%d %s", life, died ? "dies" : "has ended");
	for (int who = 0; who < w->n_persons; who++)
		if (w->persons[who].gate == life) {
			see_end(w, who);
			w->persons[who].v.at = NULL;
		}
	w->gate_lives[life].died = died;
	w->gate_lives[life].ended_ms = w->now_ms;
	gate_close(w->gate_lives[life].gate);
	w->gate_lives[life].gate = NULL;
}

void begin_shop(struct world *w)
{
	for (int i = 0; i < SHOPS; i++) {
		struct shop *s = &w->shops[i];
		char name[24];

		if (s->is_open || w->n_shop_lives == SHOP_LIVES)
			continue;
		snprintf(name, sizeof(name), "b%d", w->n_shop_lives);
		tell(w, "broker %s begins", name);
		shop_open(s, name, streams_sim_open(w->streams, NULL, NULL), w->now_ms, &w->random, &w->dice,
			1 + world_roll(w, SLOTS_MAX));
		w->shop_lives[w->n_shop_lives++] = (struct shop_life){ .shop = s };
		return;
	}
}

void end_shop(struct world *w, int life)
{
	struct shop_life *l = &w->shop_lives[life];
	struct streams *port = l->shop->streams;

	tell(w, "broker b%d %s", life, l->shop->left ? "has left" : "dies");
	shop_close(l->shop);
	streams_sim_close(port);
	l->shop = NULL;
}

int some_gate(struct world *w)
{
	uint32_t first = world_roll(w, (uint32_t)w->n_gate_lives);

	for (int i = 0; i < w->n_gate_lives; i++) {
		int life = (int)(first + (uint32_t)i) % w->n_gate_lives;

		if (w->gate_lives[life].gate && !w->gate_lives[life].leaves)
			return life;
	}
	return -1;
}

int some_shop(struct world *w)
{
	uint32_t first = world_roll(w, (uint32_t)w->n_shop_lives);

	for (int i = 0; i < w->n_shop_lives; i++) {
		int life = (int)(first + (uint32_t)i) % w->n_shop_lives;

		if (w->shop_lives[life].shop && !w->shop_lives[life].leaves)
			return life;
	}
	return -1;
}

/* --- Clients ------------------------------------------------------------------------------------------------------ */

static void visit(struct world *w)
{
	struct person *p = &w->persons[w->n_persons];
	int gate = some_gate(w);

	if (gate < 0 || w->n_persons == PERSONS)
		return;
	*p = (struct person){
		.gate = gate, .refuses = world_roll(w, 8) == 0, .mute = world_roll(w, 6) == 0, .asked_ms = w->now_ms
	};
	p->listens = !p->refuses && world_roll(w, 4) == 0;
	tell(w, "client %d comes to g%d", w->n_persons, gate);
	w->n_persons++;
	visitor_open_with(&p->v, &w->gate_lives[gate].gate->station, world_roll(w, 4) ? "/" : "/any-x",
		p->refuses ? "{\"refuse\":true}" : "");
}

static int some_person(struct world *w)
{
	uint32_t first = w->n_persons ? world_roll(w, (uint32_t)w->n_persons) : 0;

	for (int i = 0; i < w->n_persons; i++) {
		int who = (int)(first + (uint32_t)i) % w->n_persons;

		if (w->persons[who].is_in && !w->persons[who].gone && !w->persons[who].listens)
			return who;
	}
	return -1;
}

static void go(struct world *w, int who)
{
	tell(w, "client %d goes", who);
	see_end(w, who);
	visitor_close(&w->persons[who].v);
}

static const struct {
	const char *name;
	bool room, time;
} deed_words[] = {
	[DEED_ECHO] = { "echo", false, false },
	[DEED_COUNT] = { "count", false, false },
	[DEED_SAY] = { "say", true, false },
	[DEED_JOIN] = { "join", true, false },
	[DEED_LEAVE] = { "leave", true, false },
	[DEED_LATER] = { "later", false, true },
	[DEED_ASK] = { "ask", false, true },
	[DEED_FETCH] = { "fetch", true, false },
	[DEED_FAIL] = { "fail", false, false },
	[DEED_BYE] = { "bye", false, false },
};

static enum deed_kind some_kind(struct world *w)
{
	static const enum deed_kind kinds[] = { DEED_ECHO, DEED_ECHO, DEED_ECHO, DEED_COUNT, DEED_COUNT, DEED_COUNT,
		DEED_SAY, DEED_SAY, DEED_JOIN, DEED_JOIN, DEED_LEAVE, DEED_LATER, DEED_ASK, DEED_FETCH, DEED_FAIL };

	return world_roll(w, 60) == 0 ? DEED_BYE : kinds[world_roll(w, sizeof(kinds) / sizeof(kinds[0]))];
}

static void say_that(struct world *w, int who, enum deed_kind kind, int room)
{
	struct person *p = &w->persons[who];
	struct deed *d = &p->deeds[p->n_deeds + 1];
	struct buf json = BUF_INIT;

	if (p->n_deeds == DEEDS)
		return;
	p->n_deeds++;
	*d = (struct deed){ .kind = kind, .sent_ms = w->now_ms, .room = -1 };
	/* What changes the state is acked, so that it is known whether it did. */
	d->wants_ack = d->kind != DEED_BYE && ((d->kind != DEED_ECHO && d->kind != DEED_SAY) || world_roll(w, 3));
	d->until_ms = w->now_ms + ACK_MS;
	buf_printf(&json, "[\"%s\",%d", deed_words[d->kind].name, p->n_deeds);
	if (deed_words[d->kind].room) {
		d->room = room;
		buf_printf(&json, ",\"%s\"", room_names[d->room]);
	}
	if (deed_words[d->kind].time)
		buf_printf(&json, ",%d", 1 + (int)world_roll(w, 1500));
	buf_add(&json, "]", 2); /* with its NUL */
	tell(w, "client %d says %d %s", who, p->n_deeds, json.at);
	visitor_say(&p->v, d->wants_ack ? p->n_deeds : -1, json.at);
	buf_fini(&json);
}

static void say(struct world *w, int who)
{
	say_that(w, who, some_kind(w), (int)world_roll(w, ROOMS));
}

void join_all(struct world *w, int who)
{
	for (int room = 0; room < ROOMS; room++)
		say_that(w, who, DEED_JOIN, room);
}

/* Many at once wait for each other at the gateway. */
static void say_some(struct world *w, int who)
{
	for (uint32_t n = world_roll(w, 5) ? 1 : 1 + world_roll(w, 10);
		n > 0 && w->persons[who].is_in && !w->persons[who].gone; n--)
		say(w, who);
}

/* --- A run -------------------------------------------------------------------------------------------------------- */

static void do_something(struct world *w)
{
	int who = some_person(w);

	if (w->faults && world_roll(w, 30) == 0)
		fault(w);
	else if (who < 0 || world_roll(w, 10) == 0)
		visit(w);
	else if (world_roll(w, 25) == 0)
		go(w, who);
	else
		say_some(w, who);
}

static void begin(struct world *w)
{
	w->faults = world_roll(w, 4) != 0;
	if (w->faults && world_roll(w, 3))
		w->dice = (struct shop_dice){ .crashes = world_roll(w, 60),
			.timeouts = world_roll(w, 20),
			.slow = world_roll(w, 60),
			.slow_ms = 1500 };
	else
		w->dice = (struct shop_dice){ .slow = world_roll(w, 60), .slow_ms = w->faults ? 1500 : 100 };
	w->crashes = w->dice.crashes || w->dice.timeouts;
	w->max_waiting = w->faults && world_roll(w, 3) == 0 ? 2 + world_roll(w, 10) : 1000;
	w->n_gates = 1 + (int)world_roll(w, GATES);
	w->net.max_delay_ms = (int)world_roll(w, NET_DELAY_MAX_MS + 1);
	streams_sim_set_delay(w->streams, w->net.max_delay_ms);
	for (int i = 0; i < w->n_gates; i++)
		begin_gate(w);
	for (int i = 1 + (int)world_roll(w, 2); i > 0; i--)
		begin_shop(w);
	pass(w, 3000);
	for (int i = 0; i < 2 * w->n_gates; i++)
		visit(w);
	pass(w, 500);
}

/* Everything is mended, and all that waits comes or does not. */
static void settle(struct world *w)
{
	w->dice = (struct shop_dice){ .slow_ms = 1 };
	w->settles = true;
	if (some_shop(w) < 0)
		begin_shop(w);
	if (some_gate(w) < 0)
		begin_gate(w);
	pass(w, QUIET_MS);
}

static void all_go(struct world *w)
{
	for (int who = 0; who < w->n_persons; who++)
		if (!w->persons[who].gone)
			go(w, who);
	pass(w, QUIET_MS);
}

static void end(struct world *w)
{
	for (int i = 0; i < w->n_gate_lives; i++)
		if (w->gate_lives[i].gate)
			end_gate(w, i, false);
	for (int i = 0; i < w->n_shop_lives; i++)
		if (w->shop_lives[i].shop)
			end_shop(w, i);
	for (int who = 0; who < w->n_persons; who++)
		visitor_fini(&w->persons[who].v);
	net_fini(&w->net);
	streams_sim_free(w->streams);
}

/* Redis is one: what brokers publish for gateways that are no more is heard by the others. */
static void overheard(void *ctx, struct slice channel, struct slice payload)
{
	if (slice_starts(channel, SLICE("socket.io")))
		net_publish(&((struct world *)ctx)->net, channel, payload);
}

void world_run(struct world *w, uint64_t seed, bool trace)
{
	memset(w, 0, sizeof(*w));
	w->seed = seed;
	w->doomed = -1;
	w->random = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
	w->trace = shop_trace = trace;
	w->now_ms = START_MS;
	net_init(&w->net, seed);
	w->net.now_ms = START_MS;
	w->streams = streams_sim_new(seed);
	streams_sim_overhear(w->streams, overheard, w);
	map_hash("", 0); /* draws its key at its first use, which is not to be in one run alone */
	dice_seed(seed);
	ledger_of(w);
	begin(w);
	for (int deeds_left = 60 + (int)world_roll(w, 200); deeds_left > 0; deeds_left--) {
		do_something(w);
		turn(w);
		pass(w, world_roll(w, STEP_MAX_MS));
	}
	settle(w);
	check_quiet(w);
	all_go(w);
	check_quiet(w);
	end(w);
}

void run_seed(uint64_t seed, bool trace)
{
	static struct world w;

	world_run(&w, seed, trace);
}
