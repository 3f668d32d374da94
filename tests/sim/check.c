/* check.c - what must hold in a world. See world.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "cluster_internal.h"
#include "world.h"

void fails(const struct world *w, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "seed %llu, at %lld ms, %d gateways, %s%s: ", (unsigned long long)w->seed,
		(long long)w->net.now_ms, w->n_stations,
		w->total_order ? "order=total"
		: w->all_rooms ? "subscriptions=all"
			       : "subscriptions=rooms",
		w->faults ? ", with faults" : "");
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n");
	va_end(args);
	exit(EXIT_FAILURE);
}

bool is_steady(const struct world *w, int stay, int64_t since_ms)
{
	const struct stay *s = &w->stays[stay];

	return s->station && s->up_since_ms <= since_ms && s->leaves_ms == INT64_MAX;
}

/* --- Who is where ------------------------------------------------------------------------------------------------- */

static struct hub_member *member_of(const struct who *one)
{
	struct hub_namespace *n =
		one->v.at ? hub_namespace(&one->v.at->sim.hub, slice_str(space_names[one->space])) : NULL;

	return n && one->v.sid[0] ? hub_find(n, slice_str(one->v.sid)) : NULL;
}

static bool sits_in(const struct hub_member *m, const char *room)
{
	for (uint32_t i = 0; m && i < m->n_places; i++)
		if (slice_equal(table_key(&m->places[i].room->node), slice_str(room)))
			return true;
	return false;
}

static void see_rooms_of(struct world *w, struct who *one)
{
	const struct hub_member *m = member_of(one);

	if (one->here != (m != NULL)) {
		one->here = m != NULL;
		one->since_ms = w->net.now_ms;
		if (m == NULL)
			w->gone_ms[one->space] = w->net.now_ms;
	}
	for (int room = 0; room < ROOMS; room++) {
		bool in = sits_in(m, room_names[room]);

		if (in == one->in[room])
			continue;
		one->in[room] = in;
		one->room_ms[room] = w->net.now_ms;
	}
}

void see_rooms(struct world *w)
{
	for (struct who *one = w->who; one < w->who + w->n_who; one++)
		see_rooms_of(w, one);
}

void see_rooms_at(void *world, struct net_port *port)
{
	struct world *w = world;

	for (struct who *one = w->who; one < w->who + w->n_who; one++)
		if (one->v.at && one->v.at->port == port)
			see_rooms_of(w, one);
}

static bool in_one_of(const struct who *one, unsigned rooms, int64_t until_ms)
{
	for (int room = 0; room < ROOMS; room++)
		if ((rooms & 1U << room) && one->in[room] && one->room_ms[room] <= until_ms)
			return true;
	return false;
}

static bool perhaps_in_one_of(const struct who *one, unsigned rooms, int64_t from_ms)
{
	for (int room = 0; room < ROOMS; room++)
		if ((rooms & 1U << room) && (one->in[room] || one->room_ms[room] >= from_ms))
			return true;
	return false;
}

/* All the time since then. */
static bool must_be_in(const struct who *one, int space, unsigned rooms, int64_t since_ms)
{
	return one->here && one->since_ms <= since_ms && one->space == space &&
	       (rooms == 0 || in_one_of(one, rooms, since_ms));
}

/* At some time since then. */
static bool may_be_in(const struct who *one, int space, unsigned rooms, int64_t since_ms)
{
	return one->used && one->space == space && (one->here || one->since_ms >= since_ms) &&
	       (rooms == 0 || perhaps_in_one_of(one, rooms, since_ms));
}

/* --- Messages ----------------------------------------------------------------------------------------------------- */

/* A publisher whose bus went down delivers to its own visitors at once what the others get later. */
static bool may_overtake(const struct world *w, const struct who *one, const struct message *m)
{
	return w->total_order && w->faults && one->stay == m->stay;
}

void check_heard(struct world *w, int who, int message)
{
	struct who *one = &w->who[who];
	struct message *m = &w->messages[message];

	if (message < 0 || message >= w->n_messages)
		fails(w, "visitor %d heard message %d, which nobody said", who, message);
	if (m->got[who])
		fails(w, "visitor %d heard message %d twice", who, message);
	m->got[who] = true;
	if (!may_be_in(one, m->space, m->rooms, m->sent_ms))
		fails(w, "visitor %d heard message %d and was not concerned", who, message);
	if (m->sender == who)
		fails(w, "visitor %d heard its own message %d", who, message);
	if (in_one_of(one, m->skip, m->sent_ms - 1))
		fails(w, "visitor %d heard message %d and was left out", who, message);
	if (one->last_of[m->stay] > message && !may_overtake(w, one, m))
		fails(w, "visitor %d heard message %d behind %d", who, message, one->last_of[m->stay]);
	if (one->last_of[m->stay] < message)
		one->last_of[m->stay] = message;
	one->heard[one->n_heard++] = message;
}

/* Through the bus; or from where it is, which needs none. */
static bool must_reach(const struct world *w, const struct who *one, const struct message *m)
{
	int64_t since_ms = m->sent_ms - SETTLE_MS;

	if (!one->here)
		return false;
	if (one->stay == m->stay && !w->total_order)
		return w->stays[one->stay].station != NULL;
	if (m->stay < STAYS && (!m->is_steady || !is_steady(w, m->stay, since_ms)))
		return false;
	return is_steady(w, one->stay, since_ms);
}

static bool must_hear(const struct world *w, int who, const struct message *m)
{
	const struct who *one = &w->who[who];
	bool skipped = m->skip && perhaps_in_one_of(one, m->skip, m->sent_ms - SETTLE_MS);

	if (!must_reach(w, one, m) || who == m->sender || skipped)
		return false;
	if (m->gathers >= 0 && m->expected[who] && (m->from == 0 || in_one_of(one, m->from, m->sent_ms - SETTLE_MS)) &&
		w->left_ms[m->space][m->gathers] < m->sent_ms - SETTLE_MS)
		return true;
	return must_be_in(one, m->space, m->rooms, m->sent_ms - SETTLE_MS);
}

/* Who was there, and still is where it was found, has left the room at some time since. */
static void check_scattered(struct world *w, const struct message *m)
{
	for (int who = 0; who < w->n_who; who++) {
		const struct who *one = &w->who[who];

		if (m->expected[who] && must_reach(w, one, m) && one->in[m->scatters] &&
			one->room_ms[m->scatters] < m->sent_ms &&
			(m->from == 0 || in_one_of(one, m->from, m->sent_ms - SETTLE_MS)))
			fails(w, "visitor %d did not leave %s as told at %lld ms", who, room_names[m->scatters],
				(long long)m->sent_ms);
	}
}

static void check_message(struct world *w, int message)
{
	struct message *m = &w->messages[message];

	m->checked = true;
	if (m->scatters >= 0) {
		check_scattered(w, m);
		return;
	}
	for (int who = 0; who < w->n_who; who++)
		if (must_hear(w, who, m) && !m->got[who])
			fails(w, "visitor %d did not hear message %d of %lld ms", who, message, (long long)m->sent_ms);
}

void check_messages(struct world *w, bool all)
{
	for (int i = 0; i < w->n_messages; i++)
		if (!w->messages[i].checked && (all || w->messages[i].sent_ms + SETTLE_MS <= w->net.now_ms))
			check_message(w, i);
}

/* Of messages that two visitors heard both, both heard the same one first. */
static void check_order_of(const struct world *w, int a, int b)
{
	int place[MESSAGES], last = -1;

	memset(place, -1, sizeof(place));
	for (int i = 0; i < w->who[b].n_heard; i++)
		place[w->who[b].heard[i]] = i;
	for (int i = 0; i < w->who[a].n_heard; i++) {
		int message = w->who[a].heard[i];

		if (place[message] < 0 || w->messages[message].stay == STAYS || !w->messages[message].is_steady)
			continue;
		if (place[message] < last)
			fails(w, "visitors %d and %d disagree on the place of message %d", a, b, message);
		last = place[message];
	}
}

static void check_order(const struct world *w)
{
	for (int a = 0; a < w->n_who; a++)
		for (int b = 0; b < a; b++)
			if (w->who[a].space == w->who[b].space)
				check_order_of(w, a, b);
}

/* --- Questions ---------------------------------------------------------------------------------------------------- */

struct range {
	int64_t least, most;
	bool mute;      /* one that never answers is certainly asked */
	bool some_mute; /* or perhaps */
};

static struct range who_answers(const struct world *w, const struct question *q)
{
	struct range range = { 0 };

	for (const struct who *one = w->who; one < w->who + w->n_who; one++) {
		bool must = must_be_in(one, q->space, q->rooms, q->sent_ms - SETTLE_MS);
		bool may = may_be_in(one, q->space, q->rooms, q->sent_ms - SETTLE_MS);
		bool mute = one->mute && q->kind == ASK_CLIENTS;

		range.least += must && !mute;
		range.most += may && !mute;
		range.mute |= must && mute;
		range.some_mute |= may && mute;
	}
	return range;
}

static int64_t nodes_of(const struct world *w, const struct question *q, bool certain)
{
	int64_t n = 0;

	for (int stay = 0; stay < w->n_stays; stay++) {
		bool has = q->space < 2; /* those are kept */

		if (stay == q->stay || w->stays[stay].station == NULL)
			continue;
		for (const struct who *one = w->who; one < w->who + w->n_who; one++)
			has |= one->stay == stay && (certain ? must_be_in(one, q->space, 0, q->sent_ms - SETTLE_MS)
							     : may_be_in(one, q->space, 0, q->sent_ms - SETTLE_MS));
		n += has;
	}
	return n;
}

/* Answers come by channels of the namespace. */
static bool hears_answers(const struct world *w, const struct question *q)
{
	bool hears = q->space < 2; /* those are kept */

	for (const struct who *one = w->who; one < w->who + w->n_who; one++)
		hears |= one->stay == q->stay && must_be_in(one, q->space, 0, q->sent_ms - SETTLE_MS);
	return hears && is_steady(w, q->stay, q->sent_ms - SETTLE_MS);
}

/* A station begins and ceases to listen to such a namespace with its clients. One that does so while it is asked may be
 * counted and not hear the question: then it is waited for until the deadline, and named. */
static bool comes_and_goes(const struct question *q)
{
	return q->space >= 2; /* the others are kept */
}

/* Nothing has happened to any station for a while: all that can be asked answer. */
static void check_calm(struct world *w, const struct question *q, int64_t status, int64_t answers, size_t missing)
{
	struct range range = who_answers(w, q);
	bool some_went = w->gone_ms[q->space] >= q->sent_ms - SETTLE_MS;

	if (q->kind == ASK_SERVERS)
		range = (struct range){ nodes_of(w, q, true), nodes_of(w, q, false), false, false };
	if (missing && !comes_and_goes(q))
		fails(w, "question %td: a server is said to be silent", q - w->asks);
	if (answers < range.least || answers > range.most)
		fails(w, "question %td: %lld answers, not %lld to %lld", q - w->asks, (long long)answers,
			(long long)range.least, (long long)range.most);
	if (status && !some_went && !range.some_mute && !comes_and_goes(q))
		fails(w, "question %td: status %lld", q - w->asks, (long long)status);
	if (status == 0 && range.mute && !some_went)
		fails(w, "question %td: status 0, and a client is mute", q - w->asks);
}

static void check_missing(struct world *w, const struct question *q, struct stoa_value missing)
{
	if (comes_and_goes(q))
		return;
	for (size_t i = 0; i < missing.size_; i++)
		for (int stay = 0; stay < w->n_stays; stay++)
			if (w->stays[stay].station && is_steady(w, stay, q->sent_ms - SETTLE_MS) &&
				is_steady(w, q->stay, q->sent_ms - SETTLE_MS) &&
				slice_equal(value_slice(value_at(missing, i)), slice_str(w->stays[stay].station->name)))
				fails(w, "question %td: %s is said to be silent", q - w->asks,
					w->stays[stay].station->name);
}

/* Every station heard, and the one that asked in that namespace too. */
static bool is_calm(const struct world *w, const struct question *q)
{
	int64_t since_ms = q->sent_ms - SETTLE_MS;

	for (int stay = 0; stay < w->n_stays; stay++)
		if (w->stays[stay].station && !is_steady(w, stay, since_ms))
			return false;
	return hears_answers(w, q) && w->changed_ms < since_ms;
}

void check_answer(struct world *w, int ask, struct stoa_value args)
{
	struct question *q = &w->asks[ask];
	struct stoa_value missing = value_at(args, 2);

	if (ask < 0 || ask >= w->n_asks || q->done)
		fails(w, "question %d was answered twice, or never asked", ask);
	q->done = true;
	if (args.size_ != 3 || missing.kind_ != VALUE_ARRAY)
		fails(w, "question %d failed", ask);
	check_missing(w, q, missing);
	if (is_calm(w, q))
		check_calm(w, q, value_at(args, 0).as_.i, value_at(args, 1).as_.i, missing.size_);
}

/* Of a visitor that went with its gateway it is known that it will not. */
static bool may_never_answer(const struct world *w, const struct question *q, const struct who *one)
{
	bool went = !one->here && one->since_ms >= q->sent_ms - SETTLE_MS;

	return q->kind == ASK_CLIENTS && w->stays[one->stay].station && (one->mute || went);
}

/* Nobody waits for a node that is known to be gone, nor past the deadline. */
static int64_t latest_end(const struct world *w, const struct question *q)
{
	int64_t deadline = q->sent_ms + q->timeout_ms, known = w->ended_ms + STATION_LOST_MS + 2 * STATION_BEAT_MS;

	if (w->cut_ms >= q->sent_ms - SETTLE_MS || !hears_answers(w, q) || comes_and_goes(q))
		return deadline;
	for (const struct who *one = w->who; one < w->who + w->n_who; one++)
		if (may_never_answer(w, q, one))
			return deadline;
	if (known < q->sent_ms)
		known = q->sent_ms;
	return known + SETTLE_MS < deadline ? known + SETTLE_MS : deadline;
}

/* Who said good-bye is no node any more, whatever it does until its end. */
static void check_byes(struct world *w, const struct stay *gone)
{
	char name[16];
	struct map_node *at, *next;

	snprintf(name, sizeof(name), "g%d", (int)(gone - w->stays));
	for (int i = 0; i < w->n_stays; i++) {
		if (!is_steady(w, i, gone->bye_ms - SETTLE_MS))
			continue;
		map_foreach(&cluster_nodes(w->stays[i].station->sim.cluster)->by_uid, at,
			next) if (strcmp(map_item(at, struct node, by_uid)->name, name) == 0)
			fails(w, "%s said good-bye, and g%d still knows it", name, i);
	}
}

void check_asks(struct world *w)
{
	for (int i = 0; i < w->n_stays; i++)
		if (w->stays[i].leaves_ms != INT64_MAX && w->net.now_ms > w->stays[i].bye_ms + SETTLE_MS)
			check_byes(w, &w->stays[i]);
	for (int i = 0; i < w->n_asks; i++) {
		const struct question *q = &w->asks[i];
		const struct who *one = &w->who[q->visitor];

		if (!q->done && one->here && w->stays[one->stay].leaves_ms == INT64_MAX &&
			w->net.now_ms > latest_end(w, q) + 10)
			fails(w, "question %d of %lld ms, kind %d, is waited for too long", i, (long long)q->sent_ms,
				(int)q->kind);
	}
}

/* --- The end ------------------------------------------------------------------------------------------------------ */

static size_t held_here(struct world *w, const struct station *s, enum subscription_kind kind, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static size_t held_here(struct world *w, const struct station *s, enum subscription_kind kind, const char *format, ...)
{
	char name[200];
	va_list args;

	va_start(args, format);
	vsnprintf(name, sizeof(name), format, args);
	va_end(args);
	if (!net_holds(s->port, kind, slice_str(name)))
		fails(w, "%s is not subscribed to %s", s->name, name);
	return 1;
}

static size_t rooms_held(struct world *w, const struct station *s, const struct hub_namespace *n, const char *nsp)
{
	struct table_node *at, *next;
	size_t count = 0;

	if (n == NULL || w->all_rooms || w->total_order)
		return 0;
	table_foreach(&n->rooms, at, next) count +=
		held_here(w, s, SUBSCRIPTION_CHANNEL, "socket.io#%s#%.*s#", nsp, SLICE_ARG(table_key(at)));
	return count;
}

/* What the hub needs, and nothing else. */
static void check_subscriptions(struct world *w, const struct station *s)
{
	const struct cluster *c = s->sim.cluster;
	bool all = w->all_rooms || w->total_order;
	size_t channels = held_here(w, s, SUBSCRIPTION_CHANNEL, "socket.io-nodes#"), patterns = 0;

	channels += held_here(w, s, SUBSCRIPTION_CHANNEL, "socket.io#emitter");
	channels += held_here(w, s, SUBSCRIPTION_CHANNEL, "flask-socketio");
	for (int space = 0; space < SPACES; space++) {
		const char *nsp = space_names[space];
		const struct hub_namespace *n = hub_namespace(&s->sim.hub, slice_str(nsp));

		if (n == NULL && space >= 2)
			continue;
		patterns += held_here(w, s, SUBSCRIPTION_PATTERN, "socket.io#%s#%s*", nsp, all ? "" : c->self.id);
		channels += all ? 0 : held_here(w, s, SUBSCRIPTION_CHANNEL, "socket.io#%s#", nsp);
		channels += held_here(w, s, SUBSCRIPTION_CHANNEL, "socket.io-request#%s#", nsp);
		channels += held_here(w, s, SUBSCRIPTION_CHANNEL, "socket.io-response#%s#", nsp);
		channels += held_here(w, s, SUBSCRIPTION_CHANNEL, "socket.io-response#%s#%s#", nsp, c->uid);
		channels += rooms_held(w, s, n, nsp);
	}
	if (net_held(s->port, SUBSCRIPTION_CHANNEL) != channels || net_held(s->port, SUBSCRIPTION_PATTERN) != patterns)
		fails(w, "%s is subscribed to %zu channels and %zu patterns instead of %zu and %zu", s->name,
			net_held(s->port, SUBSCRIPTION_CHANNEL), net_held(s->port, SUBSCRIPTION_PATTERN), channels,
			patterns);
}

static void check_station(struct world *w, const struct station *s, size_t stations)
{
	const struct cluster *c = s->sim.cluster;

	if (!cluster_is_up(c))
		fails(w, "%s is down", s->name);
	if (nodes_count(&c->nodes) != stations - 1)
		fails(w, "%s knows %zu other nodes instead of %zu", s->name, nodes_count(&c->nodes), stations - 1);
	if (map_count(&c->requests) || c->counting || s->sim.dispatch.remote_calls)
		fails(w, "%s still asks", s->name);
	check_subscriptions(w, s);
}

void check_end(struct world *w)
{
	size_t stations = 0;

	check_messages(w, true);
	for (int i = 0; i < w->n_stations; i++)
		stations += w->stations[i].is_open;
	for (int i = 0; i < w->n_stations; i++)
		if (w->stations[i].is_open)
			check_station(w, &w->stations[i], stations);
	for (int i = 0; i < w->n_asks; i++)
		if (!w->asks[i].done && w->who[w->asks[i].visitor].here)
			fails(w, "question %d was never answered", i);
	if (w->total_order && !w->faults)
		check_order(w);
}
