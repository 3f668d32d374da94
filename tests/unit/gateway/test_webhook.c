/* test_webhook.c - the parts of the webhook that need no network: breaker, signature, URL, answers. */
#include <stdio.h>

#include "answer.h"
#include "breaker.h"
#include "signature.h"
#include "test_main.h"
#include "webhook_url.h"

/* --- The breaker -------------------------------------------------------------------------------------------------- */

static struct breaker breaker_of(int64_t failures)
{
	return (struct breaker){ .max_failures = failures, .rest_ms = 100 };
}

static bool admits(struct breaker *b, int64_t now_ms, bool probe)
{
	bool is_probe, would = breaker_would_admit(b, now_ms), does = breaker_admit(b, now_ms, &is_probe);

	ck_assert_int_eq(would, does);
	ck_assert_int_eq(is_probe, does && probe);
	return does;
}

START_TEST(failures_in_a_row_open_it)
{
	struct breaker b = breaker_of(3);

	ck_assert(!breaker_failed(&b, 0));
	ck_assert(!breaker_failed(&b, 0));
	ck_assert(!breaker_succeeded(&b)); /* the row is broken */
	ck_assert(!breaker_failed(&b, 0));
	ck_assert(!breaker_failed(&b, 0));
	ck_assert(admits(&b, 0, false));
	ck_assert(breaker_failed(&b, 5));
	ck_assert_int_eq(b.state, BREAKER_OPEN);
	ck_assert(!breaker_failed(&b, 50)); /* one that was under way: it rests no longer for it */
	ck_assert(!admits(&b, 104, true));
	ck_assert(admits(&b, 105, true));
}
END_TEST

START_TEST(one_failure_may_be_enough)
{
	struct breaker b = breaker_of(1);

	ck_assert(breaker_failed(&b, 0));
	ck_assert(!admits(&b, 99, true));
}
END_TEST

START_TEST(one_shows_whether_it_goes_on)
{
	struct breaker b = breaker_of(2);

	breaker_failed(&b, 0);
	breaker_failed(&b, 0);
	ck_assert(admits(&b, 100, true));
	ck_assert(!admits(&b, 100, true)); /* no other beside it */
	ck_assert(breaker_failed(&b, 150));
	ck_assert(!admits(&b, 249, true));
	ck_assert(admits(&b, 250, true));
	ck_assert(breaker_succeeded(&b));
	ck_assert(admits(&b, 250, false));
	ck_assert(!breaker_failed(&b, 250)); /* it counts from the beginning */
}
END_TEST

START_TEST(who_was_under_way_and_answers_closes_it)
{
	struct breaker b = breaker_of(1);

	breaker_failed(&b, 0);
	ck_assert(breaker_succeeded(&b));
	ck_assert(admits(&b, 1, false));
}
END_TEST

START_TEST(what_nobody_knows_decides_nothing)
{
	struct breaker b = breaker_of(1);

	breaker_unknown(&b, false);
	ck_assert(admits(&b, 0, false));
	breaker_failed(&b, 0);
	ck_assert(admits(&b, 100, true));
	breaker_unknown(&b, false); /* another's */
	ck_assert(!admits(&b, 100, true));
	breaker_unknown(&b, true);
	ck_assert(admits(&b, 100, true));
}
END_TEST

/* --- The signature ------------------------------------------------------------------------------------------------ */

/* What openssl makes of it, by
	printf '1700000000.{}' | openssl dgst -sha256 -hmac 0123456789abcdef */
START_TEST(signatures_are_hmac_sha256)
{
	char signature[SIGNATURE_SIZE];

	ck_assert(signature_of(SLICE("0123456789abcdef"), "1700000000", SLICE("{}"), signature));
	ck_assert_str_eq(signature, "sha256=e4f8e2ecae2295b2ddb2f0b5584c8275e226c0ebe9b3b819e70156bb67122e3e");
	ck_assert(signature_of(SLICE("0123456789abcdef"), "1700000001", SLICE("{}"), signature));
	ck_assert_str_ne(signature, "sha256=e4f8e2ecae2295b2ddb2f0b5584c8275e226c0ebe9b3b819e70156bb67122e3e");
}
END_TEST

/* --- The URL ------------------------------------------------------------------------------------------------------ */

static const struct {
	const char *text;
	bool tls;
	int port;
	const char *host, *authority, *target;
} urls[] = {
	{ "http://127.0.0.1:8099/stoa", false, 8099, "127.0.0.1", "127.0.0.1:8099", "/stoa" },
	{ "http://app", false, 80, "app", "app", "/" },
	{ "https://app.example.com", true, 443, "app.example.com", "app.example.com", "/" },
	{ "https://app.example.com:8443/a/b?x=1&y", true, 8443, "app.example.com", "app.example.com:8443",
		"/a/b?x=1&y" },
	{ "https://app?x=1", true, 443, "app", "app", "/?x=1" },
	{ "http://[::1]:80/", false, 80, "::1", "[::1]:80", "/" },
};

START_TEST(urls_are_taken_apart)
{
	struct webhook_url url;
	char why[300] = "";

	ck_assert_msg(webhook_url_parse(urls[_i].text, &url, why, sizeof(why)), "%s", why);
	ck_assert_int_eq(url.tls, urls[_i].tls);
	ck_assert_int_eq(url.port, urls[_i].port);
	ck_assert_str_eq(url.host, urls[_i].host);
	ck_assert_str_eq(url.authority, urls[_i].authority);
	ck_assert_str_eq(url.target, urls[_i].target);
	webhook_url_free(&url);
}
END_TEST

static const char *const no_urls[] = { "", "/stoa", "app:80", "ftp://app/", "http://", "http:///x", "http://u:p@app/",
	"http://app/#x", "http://app:0/", "http://app:99999/", "http://a b/", "https://" };

START_TEST(what_is_no_url_is_refused)
{
	struct webhook_url url;
	char why[300] = "";

	ck_assert(!webhook_url_parse(no_urls[_i], &url, why, sizeof(why)));
	ck_assert_ptr_nonnull(strstr(why, "webhook_url"));
	ck_assert_ptr_null(url.host);
}
END_TEST

/* --- Answers ------------------------------------------------------------------------------------------------------ */

static const struct answered event = { .kind = RECORD_EVENT, .nsp = { "/", 1 }, .sid = { "s", 1 }, .n = 7 };
static const struct answered connect = { .kind = RECORD_CONNECT, .nsp = { "/", 1 }, .sid = { "s", 1 }, .n = 1 };
static const struct answered handshake = { .kind = RECORD_HANDSHAKE, .n = 3 };
static const struct answered answer = { .kind = RECORD_ANSWER, .nsp = { "/", 1 }, .sid = { "s", 1 }, .n = 4 };

static struct buf batch;
static struct arena arena;

/* The batch that a body makes; `why` NULL: it can be read. */
static struct batch_record read_batch(const struct answered *e, const char *body, const char **why)
{
	struct record_rules rules = RECORD_RULES;
	struct batch_record b;

	buf_clear(&batch);
	arena_reset(&arena);
	answer_put_batch(&batch, e, slice_str(body), &rules);
	ck_assert(!batch.failed);
	*why = batch_record_read(&arena, buf_slice(&batch), &rules, &b);
	return b;
}

static void end(void)
{
	buf_fini(&batch);
	arena_fini(&arena);
}

static size_t effects_of(const struct batch_record *b, enum effect_kind *kinds)
{
	size_t n = 0;

	for (const struct effect *e = b->effects; e; e = e->next)
		kinds[n++] = e->kind;
	return n;
}

static const char *const bodies[] = { "", "{}", " {\n} ", "{\"effects\":[]}", "{\"other\":1}",
	"{\"effects\":[],\"n\":99,\"sid\":\"x\",\"by\":\"me\",\"id\":\"9-9\"}" };

START_TEST(a_batch_is_of_its_event)
{
	const char *why;
	struct batch_record b = read_batch(&event, bodies[_i], &why);

	ck_assert_msg(why == NULL, "%s: %.*s", why, SLICE_ARG(buf_slice(&batch)));
	ck_assert_ptr_null(b.effects);
	ck_assert_uint_eq(b.n, 7);
	ck_assert(slice_equal(b.sid, SLICE("s")));
	ck_assert(slice_equal(b.nsp, SLICE("/")));
	ck_assert(slice_equal(b.by, SLICE("webhook")));
	ck_assert_uint_gt(b.id.size, 0);
}
END_TEST

START_TEST(effects_come_in_order)
{
	enum effect_kind kinds[4];
	const char *why;
	struct batch_record b = read_batch(&event,
		"{\"effects\":[{\"do\":\"join\",\"room\":\"r\"},{\"do\":\"emit\",\"rooms\":[\"r\"],\"data\":[\"e\",1]}]"
		"}",
		&why);

	ck_assert_msg(why == NULL, "%s", why);
	ck_assert_uint_eq(effects_of(&b, kinds), 2);
	ck_assert_int_eq(kinds[0], EFFECT_JOIN);
	ck_assert_int_eq(kinds[1], EFFECT_EMIT);
}
END_TEST

static const char *const nonsense[] = { "[]", "null", "\"x\"", "{", "}", "{}{}", "{\"a\":1},{\"b\":2}", "<html></html>",
	"{\"effects\":{}}", "{\"effects\":[{\"do\":\"fly\"}]}", "{\"effects\":[{}]}", "{\"effects\":[],}", "{,}", "x{}",
	"{\"effects\":[{\"do\":\"emit\",\"data\":{}}]}" };

START_TEST(what_is_no_answer_cannot_be_read)
{
	struct batch_record b;
	const char *why;

	b = read_batch(&event, nonsense[_i], &why);
	ck_assert_msg(why != NULL, "%s became %.*s", nonsense[_i], SLICE_ARG(buf_slice(&batch)));
	b = read_batch(&connect, nonsense[_i], &why);
	ck_assert_ptr_nonnull(why);
	(void)b;
}
END_TEST

START_TEST(who_is_not_refused_is_let_in)
{
	enum effect_kind kinds[4];
	const char *why;
	struct batch_record b = read_batch(&connect, "", &why);

	ck_assert_uint_eq(effects_of(&b, kinds), 1);
	ck_assert_int_eq(kinds[0], EFFECT_ACCEPT);
	ck_assert_uint_eq(b.n, 1);
	b = read_batch(&connect, "{\"effects\":[{\"do\":\"join\",\"room\":\"r\"}]}", &why);
	ck_assert_uint_eq(effects_of(&b, kinds), 2);
	ck_assert_int_eq(kinds[0], EFFECT_ACCEPT);
	ck_assert_int_eq(kinds[1], EFFECT_JOIN);
	b = read_batch(&connect,
		"{\"effects\":[{\"do\":\"emit\",\"data\":[\"hello\",{\"to\":\"you\"}]},{\"do\":\"emit\",\"all\":true,"
		"\"data\":[\"x\"]}]}",
		&why);
	ck_assert_msg(why == NULL, "%s", why);
	ck_assert_uint_eq(effects_of(&b, kinds), 3);
	ck_assert(slice_equal(b.effects->next->json, SLICE("[\"hello\",{\"to\":\"you\"}]")));
	ck_assert_str_eq(b.effects->next->to.sid, "s");
	b = read_batch(&connect, "{\"effects\":[{\"do\":\"accept\"}]}", &why);
	ck_assert_uint_eq(effects_of(&b, kinds), 1);
	b = read_batch(&connect, "{\"effects\":[{\"do\":\"refuse\",\"data\":{\"message\":\"no\"}}]}", &why);
	ck_assert_uint_eq(effects_of(&b, kinds), 1);
	ck_assert_int_eq(kinds[0], EFFECT_REFUSE);
	b = read_batch(&handshake, "", &why);
	ck_assert_uint_eq(effects_of(&b, kinds), 1);
	ck_assert_int_eq(kinds[0], EFFECT_ADMIT);
	b = read_batch(&handshake, "{\"effects\":[{\"do\":\"deny\",\"message\":\"no\"}]}", &why);
	ck_assert_msg(why == NULL, "%s", why);
	ck_assert_uint_eq(effects_of(&b, kinds), 1);
	ck_assert_int_eq(kinds[0], EFFECT_DENY);
}
END_TEST

/* What it leaves is carried out as what comes later: nobody waits for it. */
START_TEST(an_answer_is_answered_by_nobody)
{
	const char *why;
	struct batch_record b = read_batch(&answer, "{\"effects\":[{\"do\":\"join\",\"room\":\"r\"}]}", &why);

	ck_assert_msg(why == NULL, "%s", why);
	ck_assert_uint_eq(b.id.size, 0);
	ck_assert(slice_equal(b.sid, SLICE("s")));
	ck_assert_ptr_nonnull(b.effects);
}
END_TEST

START_TEST(a_failure_says_why)
{
	struct record_rules rules = RECORD_RULES;
	struct batch_record b;

	answer_put_failed(&batch, &event, SLICE("It \"failed\""));
	ck_assert_ptr_null(batch_record_read(&arena, buf_slice(&batch), &rules, &b));
	ck_assert(slice_equal(b.failed, SLICE("It \"failed\"")));
	ck_assert_uint_eq(b.n, 7);
}
END_TEST

#define COUNT(list) (int)(sizeof(list) / sizeof((list)[0]))

Suite *suite(void)
{
	Suite *s = suite_create("webhook");
	TCase *c = tcase_create("webhook");

	tcase_add_checked_fixture(c, NULL, end);
	tcase_add_test(c, failures_in_a_row_open_it);
	tcase_add_test(c, one_failure_may_be_enough);
	tcase_add_test(c, one_shows_whether_it_goes_on);
	tcase_add_test(c, who_was_under_way_and_answers_closes_it);
	tcase_add_test(c, what_nobody_knows_decides_nothing);
	tcase_add_test(c, signatures_are_hmac_sha256);
	tcase_add_loop_test(c, urls_are_taken_apart, 0, COUNT(urls));
	tcase_add_loop_test(c, what_is_no_url_is_refused, 0, COUNT(no_urls));
	tcase_add_loop_test(c, a_batch_is_of_its_event, 0, COUNT(bodies));
	tcase_add_test(c, effects_come_in_order);
	tcase_add_loop_test(c, what_is_no_answer_cannot_be_read, 0, COUNT(nonsense));
	tcase_add_test(c, who_is_not_refused_is_let_in);
	tcase_add_test(c, an_answer_is_answered_by_nobody);
	tcase_add_test(c, a_failure_says_why);
	suite_add_tcase(s, c);
	return s;
}
