/* test_streams_sim.c - the simulated streams: the common cases, and faults that only they can have at will. */
#include <errno.h>
#include <stdio.h>

#include "streams_cases.h"
#include "streams_sim.h"

static struct streams_sim *sim;
static int max_delay_ms;
static uint64_t seed = 42;

static struct streams *open_as(const char *name)
{
	struct streams *s = streams_sim_open(sim, &stage_events, (void *)(uintptr_t)name);

	stage_hears(name[0] == 'a' ? "a up fresh;" : "b up fresh;");
	return s;
}

void stage_begin(void)
{
	sim = streams_sim_new(seed);
	streams_sim_set_delay(sim, max_delay_ms);
	stage.shows = "ab";
	stage.a = open_as("a");
	stage.b = open_as("b");
	stage.shows = NULL;
}

void stage_end(void)
{
	streams_sim_close(stage.a);
	streams_sim_close(stage.b);
	streams_sim_free(sim);
	stage_fini();
}

/* To a quiet hour at most; a turn more where nothing is left to happen, for who waits without asking. */
void stage_wait(bool (*done)(void *ctx), void *ctx, const char *what)
{
	while (!done(ctx)) {
		int64_t next_ms = streams_sim_next_ms(sim), now_ms = streams_sim_now_ms(sim);

		if (next_ms > now_ms + 1000 * 1000) {
			buf_add_char(&stage.heard, '\0');
			ck_abort_msg("nothing happens any more: %s; heard: %s", what, stage.heard.at);
		}
		streams_sim_run(sim, next_ms > now_ms ? next_ms : now_ms + 1);
	}
}

void stage_cut(struct streams *s)
{
	streams_sim_cut(s, 10, SIM_SENT_LOST);
}

void stage_restart(void)
{
	streams_sim_restart(sim, 10, true);
}

/* --- Faults ------------------------------------------------------------------------------------------------------- */

static void *named(const char *name)
{
	return (void *)(uintptr_t)name;
}

static size_t length(void)
{
	return streams_sim_length(sim, SLICE("s"));
}

static void add_five(void)
{
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(stage.a->ops->add(
					 stage.a, SLICE("s"), SLICE("r"), 9, i < 2 ? stage_answer : NULL, named("add")),
			0);
}

static void settle(void)
{
	streams_sim_run(sim, streams_sim_now_ms(sim) + 1000);
}

START_TEST(what_was_sent_is_done_or_not)
{
	static const size_t done[] = { [SIM_SENT_LOST] = 0, [SIM_SENT_DONE] = 5 };
	enum streams_sim_sent sent = (enum streams_sim_sent)_i;

	max_delay_ms = 20;
	stage_begin();
	add_five();
	ck_assert_uint_eq(stage.heard.size, 0);
	stage.shows = "ab";
	streams_sim_cut(stage.a, 50, sent);
	ck_assert_int_eq(stage.a->ops->length(stage.a, SLICE("s"), NULL, NULL), -ENOTCONN);
	stage_hears("add=-107;add=-107;a down;");
	settle();
	stage_hears("a up;");
	if (sent == SIM_SENT_SOME)
		ck_assert_uint_le(length(), 5);
	else
		ck_assert_uint_eq(length(), done[sent]);
	stage_end();
	max_delay_ms = 0;
}
END_TEST

START_TEST(a_beginning_is_done_of_some)
{
	bool was_part = false;

	max_delay_ms = 20;
	for (int i = 0; i < 30; i++) {
		seed = (uint64_t)i;
		stage_begin();
		add_five();
		streams_sim_cut(stage.a, 50, SIM_SENT_SOME);
		settle();
		was_part |= length() > 0 && length() < 5;
		stage_end();
	}
	ck_assert(was_part);
	max_delay_ms = 0;
}
END_TEST

START_TEST(a_read_that_was_lost_takes_entries_along)
{
	struct slice s = SLICE("s");

	stage_begin();
	ck_assert_int_eq(stage.a->ops->create(stage.a, s, NULL, NULL), 0);
	streams_sim_run(sim, 0);
	ck_assert_int_eq(stage.a->ops->read(stage.a, SLICE("c"), &s, 1, 9, 500), 0);
	streams_sim_run(sim, 0);
	stage.shows = "ab";
	streams_sim_cut(stage.a, 10, SIM_SENT_DONE);
	ck_assert_int_eq(stage.b->ops->add(stage.b, s, SLICE("r"), 9, NULL, NULL), 0);
	streams_sim_run(sim, 499);
	stage_hears("a end -107;a down;");
	ck_assert_uint_eq(streams_sim_pending(sim, s), 1);
	streams_sim_run(sim, 600);
	ck_assert_int_eq(stage.a->ops->claim(stage.a, SLICE("c"), s, SLICE(""), 9, stage_answer, named("claim")), 0);
	streams_sim_run(sim, 600);
	stage_hears("a up;a s #1 r x1;claim=1;");
	stage_end();
}
END_TEST

START_TEST(a_server_that_keeps_what_it_has)
{
	struct slice value;

	stage_begin();
	ck_assert_int_eq(stage.a->ops->put(stage.a, SLICE("k"), SLICE("v"), 0, NULL, NULL), 0);
	streams_sim_run(sim, 0);
	stage.shows = "ab";
	streams_sim_restart(sim, 10, false);
	settle();
	stage_hears("a down;b down;a up fresh;b up fresh;");
	ck_assert(streams_sim_key(sim, SLICE("k"), &value) && slice_equal(value, SLICE("v")));
	stage_end();
}
END_TEST

START_TEST(refused_and_full)
{
	stage_begin();
	streams_sim_refuse(stage.a, 2);
	ck_assert_int_eq(stage.a->ops->length(stage.a, SLICE("s"), NULL, NULL), -ENOBUFS);
	ck_assert_int_eq(stage.a->ops->get(stage.a, SLICE("k"), NULL, NULL), -ENOBUFS);
	streams_sim_fill(sim, true);
	add_five();
	ck_assert_int_eq(stage.a->ops->length(stage.a, SLICE("s"), stage_answer, named("length")), 0);
	stage_hears("add=-71;add=-71;length=0;");
	streams_sim_fill(sim, false);
	add_five();
	settle();
	ck_assert_uint_eq(length(), 5);
	buf_clear(&stage.heard);
	stage_end();
}
END_TEST

START_TEST(delays_keep_the_order)
{
	char text[16], expected[1200] = "";

	max_delay_ms = 20;
	stage_begin();
	stage.b->ops->listen(stage.b, SLICE("c"));
	settle();
	for (int i = 0; i < 40; i++) {
		snprintf(text, sizeof(text), "%d", i);
		ck_assert_int_eq(stage.a->ops->publish(stage.a, SLICE("c"), slice_str(text), NULL, NULL), 0);
		sprintf(expected + strlen(expected), "b heard c %d;", i);
	}
	stage_hears_message(expected);
	stage_end();
	max_delay_ms = 0;
}
END_TEST

START_TEST(who_ended_hears_nothing_and_what_it_sent_arrives)
{
	struct streams *c;

	max_delay_ms = 20;
	stage_begin();
	c = stage.a;
	add_five();
	streams_sim_close(c);
	stage.shows = "ab";
	stage.a = open_as("a"); /* in its place */
	settle();
	ck_assert_uint_eq(stage.heard.size, 0);
	ck_assert_uint_eq(length(), 5);
	stage_end();
	max_delay_ms = 0;
}
END_TEST

Suite *suite(void)
{
	Suite *s = streams_cases("streams-sim");
	TCase *tc = tcase_create("faults");

	tcase_add_loop_test(tc, what_was_sent_is_done_or_not, SIM_SENT_LOST, SIM_SENT_DONE + 1);
	tcase_add_test(tc, a_beginning_is_done_of_some);
	tcase_add_test(tc, a_read_that_was_lost_takes_entries_along);
	tcase_add_test(tc, a_server_that_keeps_what_it_has);
	tcase_add_test(tc, refused_and_full);
	tcase_add_test(tc, delays_keep_the_order);
	tcase_add_test(tc, who_ended_hears_nothing_and_what_it_sent_arrives);
	suite_add_tcase(s, tc);
	return s;
}
