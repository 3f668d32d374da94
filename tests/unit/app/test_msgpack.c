/* test_msgpack.c - an application whose clients speak MessagePack: what it sends, and what it sees of what they sent. */
#include <stdlib.h>

#include "rig.h"

#define EPOCH     "d7000000000000000000" /* new Date(0) */
#define UNDEFINED "d40000"
#define GO        "a2676f" /* "go" */

static int echo(struct stoa_event *ev)
{
	return stoa_emit(ev, "back", stoa_spread(stoa_args(ev)));
}

static int nothing(struct stoa_event *ev)
{
	(void)ev;
	return 0;
}

static int on_other(struct stoa_event *ev)
{
	return stoa_emit(ev, "other", stoa_name(ev), stoa_spread(stoa_args(ev)));
}

static int refuse(struct stoa_event *ev)
{
	return strcmp(stoa_namespace(ev), "/with") == 0 ? stoa_fail(ev, "no", stoa_bytes("x", 1)) : stoa_fail(ev, "no");
}

static int go(struct stoa_event *ev)
{
	return rig.fn(ev);
}

static void set_up(struct stoa_app *app)
{
	stoa_on(app, "/", "go", go, NULL);
	stoa_on(app, "/", "*", on_other, NULL);
	stoa_on(app, "/with", "connect", refuse, NULL);
	stoa_on(app, "/without", "connect", refuse, NULL);
}

static void begin(void)
{
	rig_begin();
	rig.encoding = VALUE_MSGPACK;
	ck_assert_ptr_nonnull(rig_open(set_up));
}

static void send(stoa_fn *fn, const char *items, int64_t id)
{
	rig.fn = fn;
	rig_event_packed(GO, items, id);
}

START_TEST(what_is_passed_on_is_what_came)
{
	send(echo, "", -1);
	ck_assert_str_eq(rig_log(), "emit 91a46261636b to A\n");
	/* 1.0 as float32, a map with a date, undefined, an ArrayBuffer, an ext. */
	send(echo, "ca3f80000081a161" EPOCH UNDEFINED "c70100ff91d6ff01020304", -1);
	ck_assert_str_eq(
		rig_log(), "emit 96a46261636bca3f80000081a161" EPOCH UNDEFINED "c70100ff91d6ff01020304 to A\n");
}
END_TEST

static int by_hand(struct stoa_event *ev)
{
	struct stoa_value when, none, buffer;

	if (stoa_unpack(ev, &when, &none, &buffer) < 0)
		return STOA_EINPUT;
	return stoa_ack(ev, when, stoa_object("n", none, "b", buffer), 5, 0.5, -1, stoa_bytes("xy", 2));
}

START_TEST(values_taken_out_keep_what_they_were)
{
	send(by_hand, EPOCH UNDEFINED "c70100ff", 7);
	ck_assert_str_eq(
		rig_log(), "ack 7 96" EPOCH "82a16e" UNDEFINED "a162c70100ff05cb3fe0000000000000ffc4027879 to A\n");
}
END_TEST

static int look(struct stoa_event *ev)
{
	const char *when, *other = "not there";
	struct stoa_bytes bytes;
	int number;

	if (stoa_unpack(ev, &when, stoa_optional(&other), &bytes, &number) < 0)
		return STOA_EINPUT;
	IS((int64_t)bytes.size, 1);
	IS(number, 5);
	IS(stoa_type(stoa_at(stoa_args(ev), 1)), STOA_NULL);
	return stoa_emit(ev, when, other);
}

/* A date reads as its text, undefined as nothing, an ArrayBuffer as bytes, 5.0 as an integer. */
START_TEST(how_they_read)
{
	send(look,
		EPOCH UNDEFINED "c70100ff"
				"cb4014000000000000",
		-1);
	ck_assert_str_eq(
		rig_log(), "emit 92b8313937302d30312d30315430303a30303a30302e3030305aa96e6f74207468657265 to A\n");
}
END_TEST

static int look_at_ext(struct stoa_event *ev)
{
	struct stoa_value ext = stoa_at(stoa_args(ev), 0), type = stoa_at(ext, 0);
	double nan;
	int number;

	IS(stoa_type(ext), STOA_ARRAY);
	IS((int64_t)stoa_size(ext), 2);
	IS(stoa_type(stoa_at(ext, 1)), STOA_BYTES);
	IS(stoa_read(type, &number), 0);
	IS(number, -5);
	IS(stoa_read(stoa_at(stoa_args(ev), 1), &nan), 0);
	IS(nan < 0 || nan >= 0, 0);
	IS(stoa_read(stoa_at(stoa_args(ev), 1), &number), STOA_EINPUT);
	return stoa_emit(ev, "back", stoa_spread(stoa_args(ev)));
}

START_TEST(exts_and_numbers_that_are_none)
{
	send(look_at_ext,
		"d5fb0102"
		"cb7ff8000000000000",
		-1);
	ck_assert_str_eq(rig_log(), "emit 93a46261636bd5fb0102cb7ff8000000000000 to A\n");
}
END_TEST

static int to_json(struct stoa_event *ev)
{
	return stoa_emit(ev, stoa_to_json(stoa_args(ev)));
}

START_TEST(as_json)
{
	send(to_json, "82a161" UNDEFINED "a16201" UNDEFINED "c40178", -1);
	/* [{"b":1},null,"<1 bytes>"] */
	ck_assert_str_eq(rig_log(), "emit 91ba5b7b2262223a317d2c6e756c6c2c223c312062797465733e225d to A\n");
}
END_TEST

static struct stoa_value *kept;

static int keep(struct stoa_event *ev)
{
	kept = stoa_keep(stoa_args(ev));
	return 0;
}

static int give_back(struct stoa_event *ev)
{
	int status = stoa_emit(ev, "kept", stoa_spread(*kept));

	free(kept);
	return status;
}

START_TEST(what_is_kept_keeps_it)
{
	send(keep, EPOCH UNDEFINED "91c70100ff", -1);
	send(give_back, "", -1);
	ck_assert_str_eq(rig_log(), "emit 94a46b657074" EPOCH UNDEFINED "91c70100ff to A\n");
}
END_TEST

START_TEST(names)
{
	rig_event_packed("a3c3a900", "01", -1);
	ck_assert_str_eq(rig_log(), "emit 93a56f74686572a5c3a9efbfbd01 to A\n"); /* a NUL is shown as U+FFFD */
	rig_event_packed("05", "", -1);
	ck_assert_str_eq(rig_log(), "emit 92a56f74686572a135 to A\n");
	rig_event_packed("cb3ff8000000000000", "", -1);
	ck_assert_str_eq(rig_log(), "emit 92a56f74686572a3312e35 to A\n");
}
END_TEST

static int fail_alone(struct stoa_event *ev)
{
	return stoa_fail(ev, "why");
}

static int fail_with_data(struct stoa_event *ev)
{
	return stoa_fail(ev, "why", stoa_spread(stoa_args(ev)));
}

static int fail_with_first(struct stoa_event *ev)
{
	return stoa_fail(ev, "why", stoa_at(stoa_args(ev), 0));
}

START_TEST(answers_that_nobody_wrote)
{
	send(nothing, "", 1);
	ck_assert_str_eq(rig_log(), "ack 1 90 to A\n");
	send(fail_alone, "", 2);
	ck_assert_str_eq(rig_log(), "ack 2 9181a56572726f72a3776879 to A\n");
	send(fail_with_first, EPOCH, 3);
	ck_assert_str_eq(rig_log(), "ack 3 9182a56572726f72a3776879a464617461" EPOCH " to A\n");
	send(fail_with_data, EPOCH, 3); /* no value, but a list */
	ck_assert_str_eq(rig_log(), "ack 3 9181a56572726f72a3776879 to A\n");
}
END_TEST

START_TEST(refusals)
{
	rig.nsp = "/without";
	rig_connect();
	ck_assert_str_eq(rig_log(), "refuse 82a76d657373616765a26e6fa464617461" UNDEFINED "\n");
	rig.nsp = "/with";
	rig_connect();
	ck_assert_str_eq(rig_log(), "refuse 82a76d657373616765a26e6fa464617461c40178\n");
	rig.nsp = "/nobody";
	rig_connect();
	ck_assert_str_eq(
		rig_log(), "refuse 82a76d657373616765b1496e76616c6964206e616d657370616365a464617461" UNDEFINED "\n");
}
END_TEST

static int on_answer(struct stoa_event *ev)
{
	return stoa_emit(ev, "answer", stoa_spread(stoa_args(ev)));
}

static int ask(struct stoa_event *ev)
{
	return stoa_call(ev, 100, on_answer, NULL, "q", stoa_spread(stoa_args(ev)));
}

START_TEST(calls)
{
	rig.expect = 1;
	send(ask, EPOCH, -1);
	ck_assert_str_eq(rig_log(), "call 92a171" EPOCH " to A\n");
	rig_answer_packed(rig.call, UNDEFINED "81a161" EPOCH);
	ck_assert_str_eq(rig_log(), "emit 93a6616e73776572" UNDEFINED "81a161" EPOCH " to A by sid\n");
}
END_TEST

static int on_found(struct stoa_event *ev)
{
	return stoa_emit(ev, "found", stoa_spread(stoa_args(ev)));
}

static int fetch(struct stoa_event *ev)
{
	return stoa_fetch_sockets(stoa_to(ev, .broadcast = true), 100, on_found, NULL);
}

/* What the host tells of clients, and their sessions, are JSON whatever clients speak. */
START_TEST(json_stays_json)
{
	static const char *const found[] = { "{\"id\":\"A\"}", NULL };

	rig.found = found;
	send(fetch, "", -1);
	ck_assert_str_eq(rig_log(), "fetch to broadcast\nemit 92a5666f756e6481a26964a141 to A by sid\n");
}
END_TEST

static int put(struct stoa_event *ev)
{
	return stoa_session_put(ev, "k", stoa_at(stoa_args(ev), 0));
}

START_TEST(sessions_are_json)
{
	send(put, "81a161" UNDEFINED, -1);
	ck_assert_str_eq(rig_log(), "session \"k\"={} to A\n");
	send(put, EPOCH, -1);
	ck_assert_str_eq(rig_log(), "session \"k\"=\"1970-01-01T00:00:00.000Z\" to A\n");
	send(put, UNDEFINED, -1);
	ck_assert_str_eq(rig_log(), "session \"k\"= to A\n");
	send(put, "c40178", -1); /* binary is not put */
	ck_assert_str_eq(rig_log(), "");
}
END_TEST

static int work(struct stoa_event *ev)
{
	return stoa_emit(ev, "worked", 1.0, stoa_bytes("x", 1));
}

static int start_work(struct stoa_event *ev)
{
	return stoa_start_background_task(ev, work, NULL, NULL);
}

START_TEST(background_work)
{
	send(start_work, "", -1);
	rig_work();
	rig_tick();
	ck_assert_str_eq(rig_log(), "emit 93a6776f726b656401c40178 to A by sid\n");
}
END_TEST

/* Binary is in place: there is no number of attachments to bound. */
static int many(struct stoa_event *ev)
{
	struct stoa_value x = stoa_bytes("x", 1);

	return stoa_emit(ev, "m", x, x, x, x, x);
}

START_TEST(nothing_is_attached)
{
	send(many, "", -1);
	ck_assert_str_eq(rig_log(), "emit 96a16dc40178c40178c40178c40178c40178 to A\n");
}
END_TEST

TCase *case_msgpack(void)
{
	TCase *tc = tcase_create("msgpack");

	tcase_add_checked_fixture(tc, begin, rig_end);
	tcase_add_test(tc, what_is_passed_on_is_what_came);
	tcase_add_test(tc, values_taken_out_keep_what_they_were);
	tcase_add_test(tc, how_they_read);
	tcase_add_test(tc, exts_and_numbers_that_are_none);
	tcase_add_test(tc, as_json);
	tcase_add_test(tc, what_is_kept_keeps_it);
	tcase_add_test(tc, names);
	tcase_add_test(tc, answers_that_nobody_wrote);
	tcase_add_test(tc, refusals);
	tcase_add_test(tc, calls);
	tcase_add_test(tc, json_stays_json);
	tcase_add_test(tc, sessions_are_json);
	tcase_add_test(tc, background_work);
	tcase_add_test(tc, nothing_is_attached);
	return tc;
}
