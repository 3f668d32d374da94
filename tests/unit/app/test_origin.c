/* test_origin.c - whose batch it is, how often an event was begun, who runs the periodic tasks: for hosts that are not
 * where the client is. */
#include <stdio.h>

#include "rig.h"

static char log_text[1024];
static struct stoa_ack kept;

/* One line for each batch: "<sid> <nsp> <from> later: <kinds of effects>". */
static void note(void *ctx, const struct effect *first)
{
	struct app_origin o = app_origin(rig.app);
	size_t at = strlen(log_text);

	(void)ctx;
	at += (size_t)snprintf(log_text + at, sizeof(log_text) - at, "%s %s %s%s:", o.sid ? o.sid : "-", o.nsp,
		o.from ? o.from : "-", o.is_later ? " later" : "");
	for (const struct effect *e = first; e; e = e->next)
		at += (size_t)snprintf(log_text + at, sizeof(log_text) - at, " %d/%s/%s", (int)e->kind,
			e->to.sid ? e->to.sid : "-", e->to.from ? e->to.from : "-");
	snprintf(log_text + at, sizeof(log_text) - at, "\n");
}

static const struct app_port port = { .execute = note };

static const char *take(void)
{
	static char taken[sizeof(log_text)];

	memcpy(taken, log_text, sizeof(taken));
	log_text[0] = '\0';
	return taken;
}

static int says(struct stoa_event *ev)
{
	return stoa_emit(ev, "said", stoa_attempt(ev));
}

static int asks(struct stoa_event *ev)
{
	return stoa_call(ev, 100, says, NULL, "q");
}

static int waits(struct stoa_event *ev)
{
	stoa_after(ev, 10, says, NULL);
	stoa_after(ev, 20, asks, NULL);
	return 0;
}

static int defers(struct stoa_event *ev)
{
	kept = stoa_defer(ev);
	return 0;
}

static int gives(struct stoa_event *ev)
{
	(void)ev;
	return stoa_ack(kept, "late");
}

static int beat(struct stoa_event *ev)
{
	return stoa_emit(stoa_to(ev, .broadcast = true), "beat");
}

static int work(struct stoa_event *ev)
{
	return stoa_emit(ev, "worked");
}

static int begins_work(struct stoa_event *ev)
{
	return stoa_start_background_task(ev, work, NULL, NULL);
}

static void setup(struct stoa_app *app)
{
	stoa_on(app, "/", "say", says, NULL);
	stoa_on(app, "/", "wait", waits, NULL);
	stoa_on(app, "/", "defer", defers, NULL);
	stoa_on(app, "/", "give", gives, NULL);
	stoa_on(app, "/", "work", begins_work, NULL);
	stoa_on(app, "/game-*", "say", says, NULL);
	stoa_on(app, "*", "say", says, NULL);
	stoa_on_server(app, "ask", defers, NULL);
	stoa_on_server(app, "stop", beat, NULL);
	stoa_every(app, "beat", 100, beat, NULL);
	stoa_one_process(app, "/game-*");
	stoa_one_process(app, "/lobby");
	stoa_one_process(app, "/game-*");
}

static void begin(void)
{
	rig_begin();
	rig.port = &port;
	ck_assert_ptr_nonnull(rig_open(setup));
	log_text[0] = '\0';
}

static void event(const char *name, const char *from, int attempt, int64_t ack)
{
	struct app_client client = { .sid = from ? "S" : "T", .nsp = "/", .handshake = &rig.handshake };

	app_event(rig.app, rig.now_ms,
		&(struct app_event_in){ .kind = APP_EVENT,
			.client = &client,
			.name = slice_str(name),
			.wants_ack = ack > 0,
			.ack_id = (uint64_t)ack,
			.attempt = attempt,
			.from = from });
}

START_TEST(batches_say_whose_they_are)
{
	event("\"say\"", "here", 0, 0);
	ck_assert_str_eq(take(), "S / here: 2/S/here\n");
	event("\"say\"", NULL, 0, 0);
	ck_assert_str_eq(take(), "T / -: 2/T/-\n");
}
END_TEST

START_TEST(what_comes_later_remembers)
{
	event("\"wait\"", "here", 0, 0);
	rig_pass(10);
	ck_assert_str_eq(take(), "S / here later: 2/S/here\n");
	rig_pass(10);
	ck_assert_str_eq(take(), "S / here later: 3/S/here\n");
	rig_pass(100); /* the call ends */
	ck_assert_str_eq(take(), "S / here later: 2/S/here\n");
	event("\"work\"", "there", 0, 0);
	rig_work();
	rig_tick();
	ck_assert_str_eq(take(), "S / there later: 2/S/there\n");
}
END_TEST

START_TEST(an_ack_knows_who_waits_for_it)
{
	event("\"defer\"", "here", 0, 5);
	event("\"give\"", NULL, 0, 0);
	ck_assert_str_eq(take(), "T / -: 4/S/here\n");
	event("\"defer\"", "here", 0, 6);
	rig_pass(500);
	ck_assert_str_eq(take(), "S / here later: 4/S/here\n");
}
END_TEST

/* Whoever waits is a server, which has no id. */
START_TEST(a_servers_ack_later)
{
	struct app_event_in in = {
		.kind = APP_SERVER, .name = SLICE("\"ask\""), .wants_ack = true, .ack_id = 9, .from = "far"
	};

	ck_assert(app_server_event(rig.app, rig.now_ms, "/", &in));
	event("\"give\"", NULL, 0, 0);
	ck_assert_str_eq(take(), "T / -: 4/-/far\n");
}
END_TEST

static int attempts_seen[8], n_attempts;

static int sees_attempt(struct stoa_event *ev)
{
	attempts_seen[n_attempts++] = stoa_attempt(ev);
	return 0;
}

static void setup_attempts(struct stoa_app *app)
{
	stoa_on(app, "/", "say", sees_attempt, NULL);
	stoa_on(app, "/", "disconnecting", sees_attempt, NULL);
	stoa_on(app, "/", "disconnect", sees_attempt, NULL);
	stoa_on_server(app, "handshake", sees_attempt, NULL);
}

START_TEST(an_event_says_how_often_it_was_begun)
{
	static const int expected[] = { 1, 1, 3, 2, 2, 4 };
	struct app_client client = { .sid = "S", .nsp = "/", .handshake = &rig.handshake };

	ck_assert_ptr_nonnull(rig_open(setup_attempts));
	n_attempts = 0;
	event("\"say\"", "a", 0, 0);
	event("\"say\"", "a", 1, 0);
	event("\"say\"", "a", 3, 0);
	app_event(rig.app, 0,
		&(struct app_event_in){ .kind = APP_DISCONNECT, .client = &client, .reason = "x", .attempt = 2 });
	app_admit(rig.app, 0, &(struct app_request){ .handshake = &rig.handshake, .attempt = 4 });
	ck_assert_int_eq(n_attempts, 6);
	for (int i = 0; i < 6; i++)
		ck_assert_int_eq(attempts_seen[i], expected[i]);
}
END_TEST

START_TEST(tasks_run_where_it_leads)
{
	app_start(rig.app, rig.now_ms);
	rig_pass(100);
	ck_assert_str_eq(take(), "- / - later: 2/-/-\n");
	app_lead(rig.app, rig.now_ms, false);
	rig_pass(1000);
	ck_assert_str_eq(take(), "");
	ck_assert_int_eq(app_due_ms(rig.app), INT64_MAX);
	app_lead(rig.app, rig.now_ms, true);
	app_lead(rig.app, rig.now_ms, true); /* said twice it is not two */
	rig_pass(99);
	ck_assert_str_eq(take(), "");
	rig_pass(1);
	ck_assert_str_eq(take(), "- / - later: 2/-/-\n");
	app_stop(rig.app, rig.now_ms);
	ck_assert_str_eq(take(), "- / - later: 2/-/-\n");
	app_lead(rig.app, rig.now_ms, true);
	ck_assert_int_eq(app_due_ms(rig.app), INT64_MAX);
}
END_TEST

static void add_pattern(void *to, struct slice pattern)
{
	(void)to;
	snprintf(log_text + strlen(log_text), sizeof(log_text) - strlen(log_text), "%.*s ", SLICE_ARG(pattern));
}

START_TEST(patterns_are_told_as_they_were_given)
{
	app_patterns(rig.app, add_pattern, NULL);
	ck_assert_str_eq(take(), "* /game-* / ");
	app_patterns_of_one_process(rig.app, add_pattern, NULL);
	ck_assert_str_eq(take(), "/game-* /lobby ");
	ck_assert(!app_hears_handshakes(rig.app));
	ck_assert_ptr_nonnull(rig_open(setup_attempts));
	ck_assert(app_hears_handshakes(rig.app));
}
END_TEST

TCase *case_origin(void)
{
	TCase *tc = tcase_create("origin");

	tcase_add_checked_fixture(tc, begin, rig_end);
	tcase_add_test(tc, batches_say_whose_they_are);
	tcase_add_test(tc, what_comes_later_remembers);
	tcase_add_test(tc, an_ack_knows_who_waits_for_it);
	tcase_add_test(tc, a_servers_ack_later);
	tcase_add_test(tc, an_event_says_how_often_it_was_begun);
	tcase_add_test(tc, tasks_run_where_it_leads);
	tcase_add_test(tc, patterns_are_told_as_they_were_given);
	return tc;
}
