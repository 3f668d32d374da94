/*
 * test_threads.c - background tasks on real threads, many at once, while the loop's thread runs handlers. What it
 * finds it finds under -fsanitize=thread; elsewhere it counts.
 */
#include "app.h"
#include "json.h"
#include "log.h"
#include "pool.h"
#include "stoa.h"
#include "test_main.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 40, TASKS = 8, EMITS = 50 };

const struct stoa_host *stoa_host_;

static struct app *app;
static struct pool pool;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t woken = PTHREAD_COND_INITIALIZER;
static bool is_awake;
static int emits, sessions, joins, answers, dones, cancelled; /* on the loop */

/* --- The host ----------------------------------------------------------------------------------------------------- */

static void execute(void *ctx, const struct effect *first)
{
	(void)ctx;
	for (const struct effect *e = first; e; e = e->next) {
		emits += e->kind == EFFECT_EMIT;
		sessions += e->kind == EFFECT_SESSION;
		joins += e->kind == EFFECT_JOIN;
		if (e->kind == EFFECT_CALL)
			app_call_expect(app, e->call, 0);
	}
}

static void no_rooms(void *ctx, const struct app_client *client, void (*each)(void *to, struct slice room), void *to)
{
	(void)ctx;
	(void)client;
	(void)each;
	(void)to;
}

static void no_session(void *ctx, const struct app_client *client,
	void (*each)(void *to, struct slice key, struct slice json), void *to)
{
	(void)ctx;
	(void)client;
	(void)each;
	(void)to;
}

static void run(void *arg)
{
	app_job_run(arg);
}

static int start(void *ctx, struct app_job *job)
{
	return pool_add(ctx, run, job);
}

static int sleep_for(void *ctx, int64_t ms)
{
	return pool_sleep(ctx, ms);
}

static void wake(void *ctx)
{
	(void)ctx;
	pthread_mutex_lock(&lock);
	is_awake = true;
	pthread_cond_signal(&woken);
	pthread_mutex_unlock(&lock);
}

static void end(void *ctx)
{
	ck_assert_uint_eq(pool_end(ctx, 30000), 0);
}

static const struct app_port port = { execute, no_rooms, no_session, NULL };
static const struct app_threads threads = { start, sleep_for, wake, end, &pool };

/* --- The application ---------------------------------------------------------------------------------------------- */

static int answered(struct stoa_event *ev)
{
	(void)ev;
	answers++;
	return 0;
}

static int work(struct stoa_event *ev)
{
	const char *sid = stoa_sid(ev);

	for (int i = 0; i < EMITS; i++) {
		struct stoa_value *list = stoa_list();

		stoa_append(list, stoa_format("%s %d", sid, i));
		stoa_append(list, stoa_json("{\"a\":[1,2.5,\"x\"]}"));
		stoa_append(list, stoa_bytes(sid, 1));
		while (stoa_emit(stoa_to(ev, "room"), "e", *list, i, 0.1 * i) == -ENOSPC)
			stoa_sleep(ev, 1);
		stoa_emit(ev, "connect"); /* fails, is counted, and mostly not logged */
		if (i % 10 == 0)
			stoa_sleep(ev, 0);
	}
	while (stoa_session_put(ev, "k", stoa_object("n", 1)) == -ENOSPC || stoa_join_room(ev, "r") == -ENOSPC ||
		stoa_call(ev, 1000, answered, NULL, "q") == -ENOSPC)
		stoa_sleep(ev, 1);
	stoa_log(ev, STOA_DEBUG, "done %d", 1);
	return 3;
}

static int done(struct stoa_event *ev)
{
	dones++;
	if (stoa_status(ev) == -ECANCELED)
		cancelled++;
	else
		ck_assert_int_eq(stoa_status(ev) == 3, 1);
	return 0;
}

static int on_start(struct stoa_event *ev)
{
	stoa_emit(ev, "handled", stoa_args(ev));
	return stoa_start_background_task(ev, work, done, NULL);
}

static int sleeps(struct stoa_event *ev)
{
	while (stoa_sleep(ev, 60 * 60 * 1000) == 0)
		continue;
	return -ECANCELED;
}

static int on_sleep(struct stoa_event *ev)
{
	return stoa_start_background_task(ev, sleeps, done, NULL);
}

static void setup(const struct stoa_host *host, struct stoa_app *a)
{
	stoa_host_ = host;
	stoa_on(a, "/", "start", on_start, NULL);
	stoa_on(a, "/", "sleep", on_sleep, NULL);
}

static void open_app(void)
{
	struct app_setup s = { .port = &port,
		.threads = &threads,
		.limits = { .max_json_depth = 20,
			.max_room_bytes = 20,
			.max_timers = 100,
			.max_effects = 100,
			.max_attachments = 10,
			.max_session_bytes = 1000,
			.max_handler_bytes = 100000,
			.max_jobs = TASKS } };
	char why[256];

	log_set_level(LOG_ERROR);
	emits = sessions = joins = answers = dones = cancelled = 0;
	pool_init(&pool, 4);
	app = app_from("threads", setup, &s, why, sizeof(why));
	ck_assert_ptr_nonnull(app);
}

static void close_app(void)
{
	app_free(app);
	pool_fini(&pool);
}

static void event(const char *token)
{
	struct app_client client = { .sid = "A", .nsp = "/", .transport = "websocket", .host = &client };

	app_event(app, 1,
		&(struct app_event_in){
			.kind = APP_EVENT, .client = &client, .name = slice_str(token), .items = SLICE("1,\"two\"") });
}

static void turn(void)
{
	pthread_mutex_lock(&lock);
	while (!is_awake)
		pthread_cond_wait(&woken, &lock);
	is_awake = false;
	pthread_mutex_unlock(&lock);
	app_tick(app, 1);
}

START_TEST(many_tasks_lose_nothing)
{
	for (int round = 0; round < ROUNDS; round++) {
		int before = dones;

		for (int i = 0; i < TASKS; i++)
			event("\"start\"");
		while (dones < before + TASKS)
			turn();
	}
	app_stop(app, 2);
	ck_assert_int_eq(dones, ROUNDS * TASKS);
	ck_assert_int_eq(emits, ROUNDS * TASKS * (EMITS + 1));
	ck_assert_int_ge(sessions, ROUNDS * TASKS);
	ck_assert_int_ge(joins, ROUNDS * TASKS);
	ck_assert_int_eq(answers, ROUNDS * TASKS);
	ck_assert_int_eq(cancelled, 0);
}
END_TEST

START_TEST(the_end_wakes_sleepers_and_takes_those_that_never_began)
{
	for (int i = 0; i < TASKS; i++)
		event("\"sleep\"");
	app_stop(app, 2);
	ck_assert_int_eq(dones, TASKS);
	ck_assert_int_eq(cancelled, TASKS);
}
END_TEST

START_TEST(the_end_may_come_at_any_time)
{
	for (int i = 0; i < TASKS; i++)
		event(i % 2 ? "\"start\"" : "\"sleep\"");
	app_stop(app, 2);
	ck_assert_int_eq(dones, TASKS);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("app-threads");
	TCase *tc = tcase_create("threads");

	tcase_add_checked_fixture(tc, open_app, close_app);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, many_tasks_lose_nothing);
	tcase_add_test(tc, the_end_wakes_sleepers_and_takes_those_that_never_began);
	tcase_add_loop_test(tc, the_end_may_come_at_any_time, 0, 20);
	suite_add_tcase(s, tc);
	return s;
}
