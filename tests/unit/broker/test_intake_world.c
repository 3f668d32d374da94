/*
 * test_intake_world.c - brokers that come, go, die, stand still and lose their links, at random: what clients said is carried out in
 * order, each of it once; and it was handled once, or the second time said so.
 */
#include <stdio.h>
#include <stdlib.h>

#include "intake_fixture.h"
#include "metrics.h"
#include "test_main.h"

enum { CLIENTS = 24, EVENTS = 120, STEP_MS = 10 };

/* What may happen, in percent of the steps of 10 ms. */
struct weather {
	unsigned kill, leave, pause, cut, forget, crash;
	bool calm; /* nothing that makes anybody repeat anything */
};

struct client {
	char sid[16];
	int gate;
	unsigned partition;
	uint64_t n; /* open; it has said what comes before */
	char entry[44];
	bool added;
	uint64_t looked_for;
	unsigned handled[EVENTS + 1], carried_out[EVENTS + 1];
	bool failed[EVENTS + 1];
};

static struct fx fx;
static struct client clients[CLIENTS];
static uint64_t dice;
static const struct weather *weather;

static unsigned roll(unsigned below)
{
	dice = dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(dice >> 33) % below;
}

static bool chance(unsigned percent_of_percent)
{
	return roll(10000) < percent_of_percent;
}

/* --- Gateways ----------------------------------------------------------------------------------------------------- */

static struct client *client_of(struct slice sid)
{
	for (int i = 0; i < CLIENTS; i++)
		if (slice_equal(slice_str(clients[i].sid), sid))
			return &clients[i];
	ck_abort_msg("a client that nobody knows");
	return NULL;
}

static void say(struct client *c, bool again);

static void on_added(void *to, int64_t now_ms, int64_t result, struct slice text)
{
	struct client *c = to;

	(void)now_ms;
	if (result == 1 && c->entry[0] == '\0')
		snprintf(c->entry, sizeof(c->entry), "%.*s", SLICE_ARG(text));
	if (result < 0)
		c->added = false;
}

static void say(struct client *c, bool again)
{
	struct streams *s = fx.gates[c->gate].streams;
	struct event_record r = fx_record(fx.gates[c->gate].node, c->sid, c->n);
	struct buf name = BUF_INIT, record = BUF_INIT;

	r.again = again;
	ck_assert_int_eq(event_record_put(&record, VALUE_JSON, &r), 0);
	name_events(&name, fx.config.app, c->partition);
	c->entry[0] = '\0';
	c->added = s->ops->add(s, buf_slice(&name), buf_slice(&record), 100000, on_added, c) == 0;
	buf_fini(&name);
	buf_fini(&record);
}

static void on_found(void *to, int64_t now_ms, int64_t result, struct slice text)
{
	struct client *c = to;

	(void)now_ms;
	(void)text;
	if (result == 0 && c->added && c->n == c->looked_for)
		say(c, true);
}

/* A gateway looks after what it has open: what Redis lost is said again. */
static void look_after(struct client *c)
{
	struct streams *s = fx.gates[c->gate].streams;
	struct buf name = BUF_INIT;

	if (!s->is_up || c->n > EVENTS)
		return;
	if (!c->added) {
		say(c, true);
		return;
	}
	name_events(&name, fx.config.app, c->partition);
	c->looked_for = c->n;
	if (c->entry[0])
		s->ops->find(s, buf_slice(&name), slice_str(c->entry), on_found, c);
	buf_fini(&name);
}

static void on_heard(struct gate *g, const struct heard *h)
{
	struct client *c = client_of(slice_str(h->sid));

	g->n_heard = 0;
	if (h->n != c->n)
		return;
	if (c->entry[0])
		fx_ack(g, c->partition, slice_str(c->entry));
	c->carried_out[h->n]++;
	c->failed[h->n] = h->failed;
	c->n++;
	if (c->n <= EVENTS)
		say(c, false);
}

/* --- Workers ------------------------------------------------------------------------------------------------------ */

static void begin_job(struct broker *b, struct job *job)
{
	struct event_record r = fx_read(&fx, job->record);
	struct client *c = client_of(r.sid);

	ck_assert_msg(!b->left, "%s has left and is given an event", b->id);
	ck_assert_uint_le(r.n, EVENTS);
	ck_assert_msg(c->handled[r.n] == 0 || job->attempt > 1,
		"%s %d was handled twice, and the second time looks like the first", c->sid, (int)r.n);
	ck_assert_msg(r.n == 1 || c->handled[r.n - 1], "%s %d before %d", c->sid, (int)r.n, (int)r.n - 1);
	if (weather->calm) {
		ck_assert_uint_eq(r.n, c->n);
		ck_assert_int_eq(job->attempt, 1);
	}
	ck_assert_msg(r.n == EVENTS || c->handled[r.n + 1] == 0, "%s %d behind %d", c->sid, (int)r.n, (int)r.n + 1);
	c->handled[r.n]++;
}

static void work(struct broker *b)
{
	if (b->in == NULL || b->paused_until_ms > fx.now_ms)
		return;
	for (unsigned n = roll(4); n > 0 && b->n_jobs; n--) {
		struct job *job = fx_job(b, roll((unsigned)b->n_jobs));

		if (!intake_may_begin(b->in, fx.now_ms, job)) {
			fx_fail(b, job, JOB_LATE);
			continue;
		}
		begin_job(b, job);
		if (chance(weather->crash))
			fx_fail(b, job, roll(2) ? JOB_CRASHED : JOB_TIMEOUT);
		else
			fx_done(b, job);
	}
}

/* --- What happens ------------------------------------------------------------------------------------------------- */

static void happen(struct broker *b, int i)
{
	if (b->in == NULL) {
		if (chance(100))
			fx_broker(&fx, i);
	} else if (b->left || chance(weather->kill)) {
		fx_kill(b);
	} else if (chance(weather->leave)) {
		fx_leave(b);
	} else if (b->paused_until_ms <= fx.now_ms && chance(weather->pause)) {
		fx_pause(b, 100 + roll(3 * LEASE_MS));
	} else if (chance(weather->cut)) {
		streams_sim_cut(b->streams, roll(2 * LEASE_MS), (enum streams_sim_sent)roll(3));
	}
}

static bool all_said(void)
{
	for (int i = 0; i < CLIENTS; i++)
		if (clients[i].n <= EVENTS)
			return false;
	return true;
}

static void step(bool faults)
{
	for (int i = 0; i < 3; i++) {
		if (faults)
			happen(&fx.brokers[i], i);
		work(&fx.brokers[i]);
	}
	if (faults && chance(weather->forget))
		streams_sim_restart(fx.sim, roll(2000), roll(2));
	if (faults && chance(weather->cut))
		streams_sim_cut(fx.gates[roll(2)].streams, roll(1500), (enum streams_sim_sent)roll(3));
	if (roll(50) == 0)
		for (int i = 0; i < CLIENTS; i++)
			look_after(&clients[i]);
	fx_run(&fx, STEP_MS);
}

static void start(uint64_t seed)
{
	dice = seed * 77 + 1;
	memset(clients, 0, sizeof(clients));
	fx_init(&fx, seed + 1);
	fx.on_heard = on_heard;
	fx.config.partitions = 8;
	fx.config.credits = 6;
	fx_gate(&fx, 0, "gat0");
	fx_gate(&fx, 1, "gat1");
	streams_sim_set_delay(fx.sim, (int)roll(8));
	for (int i = 0; i < 3; i++)
		fx_broker(&fx, i);
	fx_run(&fx, 100);
	for (int i = 0; i < CLIENTS; i++) {
		struct client *c = &clients[i];

		c->gate = i % 2;
		c->partition = roll(8);
		c->n = 1;
		snprintf(c->sid, sizeof(c->sid), "gat%d.%d", c->gate, i);
		say(c, false);
	}
}

static void check_clients(void)
{
	for (int i = 0; i < CLIENTS; i++)
		for (int n = 1; n <= EVENTS; n++) {
			const struct client *c = &clients[i];

			ck_assert_msg(
				c->carried_out[n] == 1, "%s %d was carried out %u times", c->sid, n, c->carried_out[n]);
			ck_assert_uint_ge(c->handled[n], 1);
			if (weather->calm)
				ck_assert_uint_eq(c->handled[n], 1);
			if (weather->crash == 0)
				ck_assert(!c->failed[n]);
		}
}

static void check_quiet(void)
{
	for (unsigned p = 0; p < fx.config.partitions; p++) {
		unsigned holders = 0;

		ck_assert_uint_eq(fx_length(&fx, p), 0);
		ck_assert_uint_eq(fx_pending(&fx, p), 0);
		for (int i = 0; i < BROKERS; i++)
			holders += fx.brokers[i].in && intake_holds(fx.brokers[i].in, p);
		ck_assert_uint_eq(holders, 1);
	}
	for (int i = 0; i < BROKERS; i++) {
		struct broker *b = &fx.brokers[i];

		ck_assert_uint_eq(b->n_jobs, 0);
		if (b->in) {
			ck_assert_uint_eq(intake_view(b->in, fx.now_ms).in_work, 0);
			ck_assert_uint_eq(intake_view(b->in, fx.now_ms).unconfirmed, 0);
		}
	}
}

static void run(const struct weather *w, uint64_t seed)
{
	int steps = 0;

	weather = w;
	start(seed);
	for (; steps < 3000 && !all_said(); steps++)
		step(true);
	for (int i = 0; i < 3; i++)
		if (fx.brokers[i].in == NULL || fx.brokers[i].left)
			fx_kill(&fx.brokers[i]), fx_broker(&fx, i);
	for (steps = 0; steps < 6000 && !all_said(); steps++)
		step(false);
	ck_assert_msg(all_said(), "it does not end, seed %d", (int)seed);
	for (steps = 0; steps < 1000; steps++)
		step(false);
	check_clients();
	check_quiet();
	fx_fini(&fx);
}

/* --- Weathers ----------------------------------------------------------------------------------------------------- */

static const struct weather fair = { .calm = true };
static const struct weather deploys = { .leave = 60, .calm = true };
static const struct weather deaths = { .kill = 60, .leave = 20 };
static const struct weather sleepers = { .pause = 80, .leave = 10 };
static const struct weather bad_links = { .cut = 150 };
static const struct weather bad_modules = { .crash = 1000, .leave = 20 };
static const struct weather amnesia = { .forget = 40, .leave = 10 };
static const struct weather everything = {
	.kill = 20, .leave = 20, .pause = 30, .cut = 60, .forget = 15, .crash = 300
};

enum { SEEDS = 2 };
START_TEST(in_fair_weather)
{
	run(&fair, (uint64_t)_i);
}
END_TEST
START_TEST(when_brokers_are_deployed_nothing_is_handled_twice)
{
	run(&deploys, (uint64_t)_i);
}
END_TEST
START_TEST(when_brokers_die)
{
	run(&deaths, (uint64_t)_i);
}
END_TEST
START_TEST(when_brokers_stand_still)
{
	run(&sleepers, (uint64_t)_i);
}
END_TEST
START_TEST(when_links_break)
{
	run(&bad_links, (uint64_t)_i);
}
END_TEST
START_TEST(when_handlers_crash)
{
	run(&bad_modules, (uint64_t)_i);
}
END_TEST
START_TEST(when_redis_forgets)
{
	run(&amnesia, (uint64_t)_i);
}
END_TEST
START_TEST(when_everything_does)
{
	run(&everything, (uint64_t)_i);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("intake world");
	TCase *t = tcase_create("intake world");
	const char *more = getenv("INTAKE_SEEDS");
	const char *from = getenv("INTAKE_FIRST");
	int first = from ? atoi(from) : 0, end = first + (more ? atoi(more) : SEEDS);

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, in_fair_weather, first, end);
	tcase_add_loop_test(t, when_brokers_are_deployed_nothing_is_handled_twice, first, end);
	tcase_add_loop_test(t, when_brokers_die, first, end);
	tcase_add_loop_test(t, when_brokers_stand_still, first, end);
	tcase_add_loop_test(t, when_links_break, first, end);
	tcase_add_loop_test(t, when_handlers_crash, first, end);
	tcase_add_loop_test(t, when_redis_forgets, first, end);
	tcase_add_loop_test(t, when_everything_does, first, end);
	suite_add_tcase(s, t);
	return s;
}
