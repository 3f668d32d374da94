/* world.c - time, what is done, and what visitors hear. See world.h. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

#include "cluster_internal.h"
#include "runs.h"

enum { START_MS = 5000, STEP_MAX_MS = 60, TIMEOUT_MAX_MS = 8000, NEVER_MS = 20000 };

const char *const room_names[ROOMS] = { "a", "b", "c#d", "42", "e*[\\" };
const char *const space_names[SPACES] = { "/", "/chat", "/any-x" };

static uint32_t roll(struct world *w, uint32_t below)
{
	return net_roll(&w->net, below);
}

static void tell(const struct world *w, const char *what, int a, int b)
{
	if (w->trace)
		fprintf(stderr, "%8lld %s %d %d\n", (long long)w->net.now_ms, what, a, b);
}

/* --- Time --------------------------------------------------------------------------------------------------------- */

static void see_links(struct world *w)
{
	for (int i = 0; i < w->n_stays; i++) {
		struct stay *s = &w->stays[i];

		if (s->station == NULL || s->station->port->base.is_up == (s->up_since_ms != INT64_MAX))
			continue;
		s->up_since_ms = s->station->port->base.is_up ? w->net.now_ms : INT64_MAX;
		w->changed_ms = w->net.now_ms;
	}
}

static void hear_event(struct world *w, int who, const struct sio_packet *p)
{
	struct who *one = &w->who[who];

	if (slice_equal(p->event, SLICE("\"said\"")))
		check_heard(w, who, atoi(p->items.at));
	else if (slice_equal(p->event, SLICE("\"question\"")) && p->has_id && !one->mute)
		visitor_answer(&one->v, (int64_t)p->id, "[1]");
}

static bool hear(struct world *w, int who)
{
	struct arena arena = ARENA_INIT;
	struct sim_message *m;
	struct sio_packet p;
	bool heard = false;

	for (; visitor_hear(&w->who[who].v, &p, &m); free(m)) {
		heard = true;
		if (p.type == SIO_EVENT)
			hear_event(w, who, &p);
		else if (p.type == SIO_ACK && p.has_id)
			check_answer(w, (int)p.id, json_decode(&arena, p.data, NULL, 0));
	}
	arena_fini(&arena);
	return heard;
}

/* All that happens at this moment. */
static void turn(struct world *w)
{
	bool heard;

	do {
		stations_turn(&w->net, w->stations, (size_t)w->n_stations);
		see_links(w);
		see_rooms(w);
		heard = false;
		for (int who = 0; who < w->n_who; who++)
			heard |= hear(w, who);
	} while (heard);
}

static void end_stays(struct world *w);

static void pass(struct world *w, int64_t ms)
{
	int64_t end_ms = w->net.now_ms + ms;

	while (w->net.now_ms < end_ms) {
		int64_t next = stations_next_ms(&w->net, w->stations, (size_t)w->n_stations);

		w->net.now_ms = next < end_ms ? next : end_ms;
		turn(w);
		end_stays(w);
		check_messages(w, false);
		check_asks(w);
	}
}

/* --- Stations and visitors ---------------------------------------------------------------------------------------- */

static void begin_stay(struct world *w, struct station *s)
{
	char name[16];

	if (w->n_stays == STAYS)
		return;
	snprintf(name, sizeof(name), "g%d", w->n_stays);
	station_open(s, &w->net, name, w->all_rooms, w->total_order);
	w->stays[w->n_stays] = (struct stay){ .station = s, .up_since_ms = INT64_MAX, .leaves_ms = INT64_MAX };
	w->changed_ms = w->net.now_ms;
	tell(w, "station", w->n_stays, 0);
	w->n_stays++;
}

static void end_stay(struct world *w, int stay)
{
	tell(w, "end", stay, 0);
	for (int who = 0; who < w->n_who; who++)
		if (w->who[who].stay == stay)
			w->who[who].v.at = NULL;
	station_close(w->stays[stay].station);
	w->stays[stay].station = NULL;
	w->changed_ms = w->ended_ms = w->net.now_ms;
	see_rooms(w);
}

static void end_stays(struct world *w)
{
	for (int stay = 0; stay < w->n_stays; stay++)
		if (w->stays[stay].station && w->stays[stay].leaves_ms <= w->net.now_ms)
			end_stay(w, stay);
}

/* One that is there; -1: none. */
static int some_stay(struct world *w)
{
	uint32_t first = roll(w, (uint32_t)w->n_stays);

	for (int i = 0; i < w->n_stays; i++) {
		int stay = (int)(first + (uint32_t)i) % w->n_stays;

		if (w->stays[stay].station && w->stays[stay].leaves_ms == INT64_MAX)
			return stay;
	}
	return -1;
}

static int some_visitor(struct world *w)
{
	uint32_t first = w->n_who ? roll(w, (uint32_t)w->n_who) : 0;

	for (int i = 0; i < w->n_who; i++) {
		int who = (int)(first + (uint32_t)i) % w->n_who;

		if (w->who[who].here && w->stays[w->who[who].stay].leaves_ms == INT64_MAX)
			return who;
	}
	return -1;
}

static void visit(struct world *w)
{
	int stay = some_stay(w);
	struct who *one = &w->who[w->n_who];

	if (stay < 0 || w->n_who == VISITORS)
		return;
	*one = (struct who){ .used = true, .stay = stay, .mute = roll(w, 6) == 0 };
	one->space = roll(w, 3) ? 0 : 1 + (int)roll(w, SPACES - 1);
	for (int i = 0; i <= STAYS; i++)
		one->last_of[i] = -1;
	for (int i = 0; i < ROOMS; i++)
		one->room_ms[i] = -1;
	one->since_ms = w->net.now_ms;
	tell(w, "visitor", w->n_who, stay);
	w->n_who++;
	visitor_open(&one->v, w->stays[stay].station, space_names[one->space]);
}

/* --- What is done ------------------------------------------------------------------------------------------------- */

static unsigned some_rooms(struct world *w)
{
	switch (roll(w, 4)) {
	case 0:
		return 0;
	case 1:
		return 1 + roll(w, (1U << ROOMS) - 1);
	}
	return 1U << roll(w, ROOMS);
}

static const char *name_json(int room)
{
	return room == ROOMS - 1 ? "e*[\\\\" : room_names[room];
}

static void add_rooms(struct buf *to, unsigned rooms)
{
	const char *comma = "";

	buf_add_char(to, '[');
	for (int room = 0; room < ROOMS; room++) {
		if ((rooms & 1U << room) == 0)
			continue;
		buf_printf(to, "%s\"%s\"", comma, name_json(room));
		comma = ",";
	}
	buf_add_char(to, ']');
}

static void say(struct visitor *v, int64_t id, struct buf *json)
{
	buf_add_char(json, '\0');
	visitor_say(v, id, json->at);
	buf_fini(json);
}

static struct message *message_new(struct world *w, int who, unsigned rooms)
{
	struct message *m = &w->messages[w->n_messages++];

	*m = (struct message){ .sent_ms = w->net.now_ms, .rooms = rooms, .sender = -1, .gathers = -1, .scatters = -1 };
	m->stay = who < 0 ? STAYS : w->who[who].stay;
	m->space = who < 0 ? (int)roll(w, SPACES) : w->who[who].space;
	m->is_steady = who < 0 || is_steady(w, m->stay, w->net.now_ms - SETTLE_MS);
	return m;
}

static void do_emit(struct world *w, int who)
{
	struct message *m;
	struct buf json = BUF_INIT;
	bool others = roll(w, 3) == 0;

	if (w->n_messages == MESSAGES)
		return;
	m = message_new(w, who, some_rooms(w));
	m->skip = roll(w, 3) ? 0 : 1U << roll(w, ROOMS);
	m->sender = others ? who : -1;
	buf_add_str(&json, "[\"emit\",");
	add_rooms(&json, m->rooms);
	buf_add_char(&json, ',');
	add_rooms(&json, m->skip);
	buf_printf(&json, ",%d,%d]", others, w->n_messages - 1);
	tell(w, "emit", who, w->n_messages - 1);
	say(&w->who[who].v, -1, &json);
}

/* A process of Python's. */
static void do_python(struct world *w, int who)
{
	struct message *m;
	struct buf json = BUF_INIT;

	(void)who;
	if (w->n_messages == MESSAGES)
		return;
	m = message_new(w, -1, some_rooms(w) & (1U << roll(w, ROOMS)));
	buf_printf(&json,
		"{\"method\":\"emit\",\"event\":\"said\",\"data\":%d,\"namespace\":\"%s\",\"room\":", w->n_messages - 1,
		space_names[m->space]);
	for (int room = 0; room < ROOMS; room++)
		if (m->rooms & 1U << room)
			buf_printf(&json, "\"%s\"", name_json(room));
	buf_printf(&json, "%s,\"skip_sid\":null,\"callback\":null,\"host_id\":\"python\"}", m->rooms ? "" : "null");
	net_publish(&w->net, SLICE("flask-socketio"), buf_slice(&json));
	tell(w, "python", m->space, w->n_messages - 1);
	buf_fini(&json);
}

static void do_join(struct world *w, int who)
{
	struct buf json = BUF_INIT;

	buf_printf(&json, "[\"join\",\"%s\"]", name_json((int)roll(w, ROOMS)));
	tell(w, "join", who, 0);
	say(&w->who[who].v, -1, &json);
}

static void do_leave(struct world *w, int who)
{
	struct buf json = BUF_INIT;
	int room = (int)roll(w, ROOMS);

	w->left_ms[w->who[who].space][room] = w->net.now_ms;
	buf_printf(&json, "[\"leave\",\"%s\"]", name_json(room));
	tell(w, "leave", who, room);
	say(&w->who[who].v, -1, &json);
}

/* Who was in one of `from` all the while, at a station that hears. */
static void expect_gathered(struct world *w, struct message *m)
{
	int64_t since_ms = m->sent_ms - SETTLE_MS;

	for (int i = 0; i < w->n_who; i++) {
		struct who *one = &w->who[i];
		bool in = m->from == 0;

		for (int room = 0; room < ROOMS; room++)
			in |= (m->from & 1U << room) && one->in[room] && one->room_ms[room] <= since_ms &&
			      w->left_ms[one->space][room] < since_ms;
		m->expected[i] = in && one->here && one->since_ms <= since_ms && one->space == m->space;
	}
}

static void do_gather(struct world *w, int who)
{
	struct message *m;
	struct buf json = BUF_INIT;
	int room = (int)roll(w, ROOMS);

	if (w->n_messages == MESSAGES)
		return;
	m = message_new(w, who, 1U << room);
	m->gathers = room;
	m->from = some_rooms(w);
	expect_gathered(w, m);
	buf_add_str(&json, "[\"gather\",");
	add_rooms(&json, m->from);
	buf_printf(&json, ",\"%s\",%d]", name_json(room), w->n_messages - 1);
	tell(w, "gather", who, w->n_messages - 1);
	say(&w->who[who].v, -1, &json);
}

static void do_scatter(struct world *w, int who)
{
	struct buf json = BUF_INIT;
	struct message *m;
	int room = (int)roll(w, ROOMS);

	if (w->n_messages == MESSAGES)
		return;
	m = message_new(w, who, 1U << room);
	m->scatters = room;
	m->from = some_rooms(w);
	expect_gathered(w, m);
	w->left_ms[w->who[who].space][room] = w->net.now_ms;
	buf_add_str(&json, "[\"scatter\",");
	add_rooms(&json, m->from);
	buf_printf(&json, ",\"%s\"]", name_json(room));
	tell(w, "scatter", who, room);
	say(&w->who[who].v, -1, &json);
}

static void do_expel(struct world *w, int who)
{
	struct buf json = BUF_INIT;

	if (roll(w, 4))
		return;
	w->gone_ms[w->who[who].space] = w->net.now_ms;
	buf_add_str(&json, "[\"expel\",");
	add_rooms(&json, 1U << roll(w, ROOMS));
	buf_add_char(&json, ']');
	tell(w, "expel", who, 0);
	say(&w->who[who].v, -1, &json);
}

static void do_go(struct world *w, int who)
{
	tell(w, "go", who, 0);
	visitor_close(&w->who[who].v);
	w->who[who].here = false;
	w->who[who].since_ms = w->gone_ms[w->who[who].space] = w->net.now_ms;
}

static void do_ask(struct world *w, int who)
{
	static const char *const names[] = { "ask", "fetch", "servers" };
	struct question *q = &w->asks[w->n_asks];
	struct buf json = BUF_INIT;

	if (w->n_asks == ASKS)
		return;
	*q = (struct question){ .kind = (enum ask_kind)roll(w, 3),
		.visitor = who,
		.stay = w->who[who].stay,
		.space = w->who[who].space,
		.sent_ms = w->net.now_ms,
		.timeout_ms = roll(w, 2) ? 300 + roll(w, 1000) : TIMEOUT_MAX_MS };
	buf_printf(&json, "[\"%s\",", names[q->kind]);
	if (q->kind != ASK_SERVERS) {
		q->rooms = some_rooms(w);
		add_rooms(&json, q->rooms);
		buf_add_char(&json, ',');
	}
	buf_printf(&json, "%lld%s]", (long long)q->timeout_ms, q->kind == ASK_SERVERS ? ",\"hello\"" : "");
	tell(w, names[q->kind], who, w->n_asks);
	say(&w->who[who].v, w->n_asks++, &json);
}

/* --- Faults ------------------------------------------------------------------------------------------------------- */

/* The others wait for its answers just then. */
static void ask_and_end(struct world *w, int stay)
{
	for (int i = (int)roll(w, 4); i > 0; i--) {
		int who = some_visitor(w);

		if (who >= 0 && w->who[who].stay != stay)
			do_ask(w, who);
	}
	turn(w);
	pass(w, roll(w, 2 * NET_DELAY_MAX_MS));
	end_stay(w, stay);
}

static void said_good_bye(void *to)
{
	(void)to;
}

static void fault(struct world *w)
{
	int stay = some_stay(w);
	uint32_t what = w->cuts ? roll(w, 8) : 4 + roll(w, 4);
	bool said;

	if (stay < 0)
		return;
	w->changed_ms = w->net.now_ms;
	if (what < 4) {
		w->cut_ms = w->net.now_ms + 4000; /* until it is healed, and longer */
		tell(w, "cut", stay, (int)what % 2);
		net_cut(w->stays[stay].station->port, (enum net_link)(what % 2), 1 + roll(w, 1500), roll(w, 2));
	} else if (what < 6) {
		ask_and_end(w, stay);
	} else if (what == 6) {
		tell(w, "bye", stay, 0);
		said = is_steady(w, stay, w->net.now_ms);
		w->stays[stay].leaves_ms = w->net.now_ms + SETTLE_MS + roll(w, 600);
		w->stays[stay].bye_ms = said ? w->net.now_ms : INT64_MAX - SETTLE_MS; /* nobody hears it */
		cluster_leave_bus(w->stays[stay].station->sim.cluster, w->net.now_ms, said_good_bye, NULL);
		sessions_drop(&w->stays[stay].station->sim.sessions, w->net.now_ms);
	} else {
		for (int i = 0; i < w->n_stations; i++)
			if (!w->stations[i].is_open) {
				begin_stay(w, &w->stations[i]);
				return;
			}
	}
}

/* --- A run -------------------------------------------------------------------------------------------------------- */

static void (*const deeds[])(struct world *w, int who) = { do_emit, do_emit, do_emit, do_emit, do_emit, do_join,
	do_join, do_join, do_leave, do_gather, do_gather, do_scatter, do_expel, do_go, do_ask, do_ask, do_python };

static void do_something(struct world *w)
{
	int who = some_visitor(w);

	if (w->faults && roll(w, 25) == 0)
		fault(w);
	else if (who < 0 || roll(w, 8) == 0)
		visit(w);
	else
		deeds[roll(w, sizeof(deeds) / sizeof(deeds[0]))](w, who);
}

static void begin(struct world *w)
{
	uint32_t mode = roll(w, 3);

	w->all_rooms = mode == 1;
	w->total_order = mode == 2;
	w->faults = roll(w, 2);
	w->cuts = roll(w, 2); /* or links hold, and gateways come and go alone */
	w->n_stations = roll(w, 12) ? 2 + (int)roll(w, 3) : 2 + (int)roll(w, STATIONS - 1);
	w->net.max_delay_ms = (int)roll(w, NET_DELAY_MAX_MS + 1);
	for (int i = 0; i < w->n_stations; i++)
		begin_stay(w, &w->stations[i]);
	for (int i = 0; i < w->n_stations + 3; i++)
		visit(w);
	pass(w, 2 * SETTLE_MS);
}

/* Stays that wait to end do, links heal, answers come or do not. */
static void settle(struct world *w)
{
	int64_t end_ms = w->net.now_ms + 2000 + STATION_LOST_MS + 2 * STATION_BEAT_MS + SETTLE_MS;

	for (int i = 0; i < w->n_asks; i++)
		if (w->asks[i].sent_ms + w->asks[i].timeout_ms >= end_ms)
			end_ms = w->asks[i].sent_ms + w->asks[i].timeout_ms + 1;
	pass(w, end_ms - w->net.now_ms);
}

void world_run(struct world *w, uint64_t seed, bool trace)
{
	int deeds_left;

	memset(w, 0, sizeof(*w));
	w->seed = seed;
	w->trace = trace;
	net_init(&w->net, seed);
	w->net.now_ms = START_MS;
	w->net.arrived = see_rooms_at;
	w->net.ctx = w;
	w->cut_ms = w->ended_ms = -NEVER_MS;
	begin(w);
	for (deeds_left = 30 + (int)roll(w, 60); deeds_left > 0; deeds_left--) {
		do_something(w);
		turn(w);
		pass(w, roll(w, STEP_MAX_MS));
	}
	settle(w);
	check_end(w);
	for (int i = 0; i < w->n_stations; i++)
		station_close(&w->stations[i]);
	for (int i = 0; i < w->n_who; i++)
		visitor_fini(&w->who[i].v);
	net_fini(&w->net);
}

void run_seed(uint64_t seed, bool trace)
{
	static struct world w;

	world_run(&w, seed, trace);
}
