/* test_jwt.c - heads, claims and times of tokens. */
#include <stdio.h>
#include <stdlib.h>

#include "maker.h"
#include "test_main.h"

static const char secret[] = "0123456789abcdef0123456789abcdef";

enum { NOW_S = 2000000000 };

static struct jwt_keys *keys;
static struct arena arena;
static struct jwt_rules rules;
static struct jwt_claims claims;

static void setup(void)
{
	rules = (struct jwt_rules){ .leeway_ms = 10000 };
	keys = jwt_keys_new();
	ck_assert_ptr_null(jwt_keys_add_secret(keys, slice_str(secret)));
}

static void teardown(void)
{
	jwt_keys_free(keys);
	arena_fini(&arena);
	maker_forget();
}

static enum jwt_fault check(const char *token)
{
	arena_reset(&arena);
	return jwt_verify(&arena, slice_str(token), keys, &rules, (int64_t)NOW_S * 1000, &claims);
}

static enum jwt_fault of_claims(const char *json)
{
	return check(maker_token("{\"alg\":\"HS256\"}", json, secret));
}

static enum jwt_fault of_head(const char *json)
{
	return check(maker_token(json, "{}", secret));
}

#define HAS_CLAIMS(fault, json) ck_assert_msg(of_claims(json) == (fault), "%s: %d", json, of_claims(json))
#define HAS_HEAD(fault, json)   ck_assert_msg(of_head(json) == (fault), "%s: %d", json, of_head(json))

START_TEST(a_good_one)
{
	HAS_CLAIMS(JWT_OK, "{\"iss\":\"me\",\"sub\":\"ada\",\"exp\":2000000060,\"roles\":[\"a\"]}");
	ck_assert_int_eq(of_claims("{\"iss\":\"me\",\"sub\":\"ada\",\"exp\":2000000060}"), JWT_OK);
	ck_assert(slice_equal(claims.json, SLICE("{\"iss\":\"me\",\"sub\":\"ada\",\"exp\":2000000060}")));
	ck_assert(slice_equal(claims.issuer, SLICE("me")) && slice_equal(claims.subject, SLICE("ada")));
	ck_assert_int_eq(claims.expires_ms, INT64_C(2000000060000));
	ck_assert_int_eq(of_claims("{}"), JWT_OK);
	ck_assert_int_eq(claims.expires_ms, INT64_MAX);
	ck_assert(claims.subject.size == 0 && claims.issuer.size == 0);
}
END_TEST

START_TEST(heads)
{
	HAS_HEAD(JWT_OK, "{\"typ\":\"JWT\",\"alg\":\"HS256\",\"x\":{\"y\":[1]}}");
	HAS_HEAD(JWT_ALGORITHM, "{\"alg\":\"none\"}");
	HAS_HEAD(JWT_ALGORITHM, "{\"alg\":\"None\"}");
	HAS_HEAD(JWT_ALGORITHM, "{\"alg\":\"hs256\"}");
	HAS_HEAD(JWT_ALGORITHM, "{\"alg\":\"HS256 \"}");
	HAS_HEAD(JWT_ALGORITHM, "{\"alg\":\"RS256\"}");
	HAS_HEAD(JWT_MALFORMED, "{\"alg\":\"\"}");
	HAS_HEAD(JWT_MALFORMED, "{\"alg\":7}");
	HAS_HEAD(JWT_MALFORMED, "{\"alg\":null}");
	HAS_HEAD(JWT_MALFORMED, "{}");
	HAS_HEAD(JWT_MALFORMED, "[]");
	HAS_HEAD(JWT_MALFORMED, "\"HS256\"");
	HAS_HEAD(JWT_MALFORMED, "{\"alg\":\"HS256\"");
	HAS_HEAD(JWT_MALFORMED, "{\"alg\":\"HS256\"}}");
	HAS_HEAD(JWT_MALFORMED, "{\"alg\":\"HS256\",\"alg\":\"HS256\"}");
	HAS_HEAD(JWT_MALFORMED, "{\"alg\":\"HS256\",\"\\u0061lg\":\"none\"}");
	HAS_HEAD(JWT_CRITICAL, "{\"alg\":\"HS256\",\"crit\":[\"exp\"]}");
	HAS_HEAD(JWT_CRITICAL, "{\"alg\":\"HS256\",\"crit\":[]}");
	HAS_HEAD(JWT_CRITICAL, "{\"alg\":\"HS256\",\"b64\":true}");
	HAS_HEAD(JWT_CRITICAL, "{\"alg\":\"HS256\",\"b64\":false,\"crit\":[\"b64\"]}");
}
END_TEST

START_TEST(algorithms_may_be_fewer)
{
	rules.algorithms = 1u << JWT_ES256;
	HAS_HEAD(JWT_ALGORITHM, "{\"alg\":\"HS256\"}");
	rules.algorithms |= 1u << JWT_HS256;
	HAS_HEAD(JWT_OK, "{\"alg\":\"HS256\"}");
}
END_TEST

START_TEST(what_is_no_token)
{
	static const char *const none[] = { "", ".", "..", "...", "a.b", "a.b.c", "a.b.c.d", "e30.e30.e30", "x" };
	const char *good = maker_token("{\"alg\":\"HS256\"}", "{}", secret);
	char text[200];

	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
		ck_assert_msg(check(none[i]) == JWT_MALFORMED, "%s", none[i]);
	for (size_t n = 0; n < strlen(good); n++) {
		snprintf(text, n + 1, "%s", good);
		ck_assert_msg(check(text) != JWT_OK, "%s", text);
	}
	for (const char *c = "= \n+/.A"; *c; c++) {
		snprintf(text, sizeof(text), "%s%c", good, *c);
		ck_assert_msg(check(text) != JWT_OK, "%s", text);
		snprintf(text, sizeof(text), "%c%s", *c, good);
		ck_assert_msg(check(text) != JWT_OK, "%s", text);
	}
	/* The last two bits of the signature mean nothing, and are zero all the same. */
	snprintf(text, sizeof(text), "%s", good);
	text[strlen(text) - 1]++;
	ck_assert_int_eq(check(text), JWT_MALFORMED);
}
END_TEST

START_TEST(every_bit_counts)
{
	const char *good = maker_token("{\"alg\":\"HS256\"}", "{\"sub\":\"a\"}", secret);
	char text[200];

	for (size_t i = 0; i < strlen(good); i++)
		for (int bit = 0; bit < 7; bit++) {
			snprintf(text, sizeof(text), "%s", good);
			text[i] ^= (char)(1 << bit);
			ck_assert_msg(check(text) != JWT_OK, "%zu %d", i, bit);
		}
	ck_assert_int_eq(
		check(maker_token("{\"alg\":\"HS256\"}", "{}", "another secret, which is as long")), JWT_SIGNATURE);
}
END_TEST

START_TEST(its_end)
{
	HAS_CLAIMS(JWT_OK, "{\"exp\":2000000001}");
	HAS_CLAIMS(JWT_OK, "{\"exp\":1999999991}"); /* within the leeway */
	HAS_CLAIMS(JWT_EXPIRED, "{\"exp\":1999999990}");
	HAS_CLAIMS(JWT_OK, "{\"exp\":1999999990.5}");
	HAS_CLAIMS(JWT_OK, "{\"exp\":2.000000060e9}");
	HAS_CLAIMS(JWT_EXPIRED, "{\"exp\":0}");
	HAS_CLAIMS(JWT_EXPIRED, "{\"exp\":-1}");
	HAS_CLAIMS(JWT_EXPIRED, "{\"exp\":-9223372036854775808}");
	HAS_CLAIMS(JWT_EXPIRED, "{\"exp\":-1e300}");
	HAS_CLAIMS(JWT_OK, "{\"exp\":9223372036854775807}");
	HAS_CLAIMS(JWT_OK, "{\"exp\":18446744073709551615}");
	HAS_CLAIMS(JWT_OK, "{\"exp\":1e300}");
	HAS_CLAIMS(JWT_MALFORMED, "{\"exp\":1e999}");
	HAS_CLAIMS(JWT_MALFORMED, "{\"exp\":\"2000000060\"}");
	HAS_CLAIMS(JWT_MALFORMED, "{\"exp\":null}");
	HAS_CLAIMS(JWT_MALFORMED, "{\"exp\":[2000000060]}");
	HAS_CLAIMS(JWT_MALFORMED, "{\"exp\":true}");
	rules.leeway_ms = 0;
	HAS_CLAIMS(JWT_EXPIRED, "{\"exp\":2000000000}");
	HAS_CLAIMS(JWT_OK, "{\"exp\":2000000000.001}");
}
END_TEST

START_TEST(nbf_and_iat)
{
	HAS_CLAIMS(JWT_OK, "{\"nbf\":2000000010,\"iat\":2000000010}");
	HAS_CLAIMS(JWT_NOT_YET, "{\"nbf\":2000000011}");
	HAS_CLAIMS(JWT_NOT_YET, "{\"iat\":2000000011}");
	HAS_CLAIMS(JWT_NOT_YET, "{\"iat\":1e300}");
	HAS_CLAIMS(JWT_OK, "{\"nbf\":-5,\"iat\":0}");
	HAS_CLAIMS(JWT_MALFORMED, "{\"nbf\":\"1\"}");
	HAS_CLAIMS(JWT_MALFORMED, "{\"iat\":{}}");
}
END_TEST

START_TEST(who_issued_it)
{
	static const char *const issuers[] = { "https://a", "https://b", NULL };

	rules.issuers = issuers;
	HAS_CLAIMS(JWT_OK, "{\"iss\":\"https://b\"}");
	HAS_CLAIMS(JWT_ISSUER, "{\"iss\":\"https://b/\"}");
	HAS_CLAIMS(JWT_ISSUER, "{}");
	HAS_CLAIMS(JWT_MALFORMED, "{\"iss\":[\"https://b\"]}");
	HAS_CLAIMS(JWT_MALFORMED, "{\"sub\":7,\"iss\":\"https://b\"}");
}
END_TEST

START_TEST(whom_it_is_for)
{
	static const char *const audiences[] = { "chat", "game", NULL };

	HAS_CLAIMS(JWT_AUDIENCE, "{\"aud\":\"chat\"}"); /* it is for somebody, and who we are was not said */
	HAS_CLAIMS(JWT_AUDIENCE, "{\"aud\":[]}");
	HAS_CLAIMS(JWT_OK, "{}");
	rules.audiences = audiences;
	HAS_CLAIMS(JWT_OK, "{\"aud\":\"chat\"}");
	HAS_CLAIMS(JWT_OK, "{\"aud\":[\"x\",\"game\"]}");
	HAS_CLAIMS(JWT_AUDIENCE, "{\"aud\":[\"x\",\"y\"]}");
	HAS_CLAIMS(JWT_AUDIENCE, "{\"aud\":\"chat \"}");
	HAS_CLAIMS(JWT_AUDIENCE, "{}");
	HAS_CLAIMS(JWT_MALFORMED, "{\"aud\":[\"chat\",7]}");
	HAS_CLAIMS(JWT_MALFORMED, "{\"aud\":7}");
	HAS_CLAIMS(JWT_MALFORMED, "{\"aud\":null}");
}
END_TEST

START_TEST(what_must_be_there)
{
	static const char *const names[] = { "exp", "tenant", NULL };

	rules.required = names;
	HAS_CLAIMS(JWT_OK, "{\"exp\":2000000060,\"tenant\":false}");
	HAS_CLAIMS(JWT_CLAIM, "{\"exp\":2000000060}");
	HAS_CLAIMS(JWT_CLAIM, "{\"exp\":2000000060,\"tenant\":null}");
	HAS_CLAIMS(JWT_CLAIM, "{\"tenant\":1}");
}
END_TEST

/* An object of so many members. */
static const char *members(int n)
{
	static char text[4000];
	int at = 0;

	for (int i = 0; i < n; i++)
		at += snprintf(text + at, sizeof(text) - (size_t)at, "%s\"%d\":0", i ? "," : "{", i);
	snprintf(text + at, sizeof(text) - (size_t)at, "}");
	return text;
}

START_TEST(claims_that_are_none)
{
	HAS_CLAIMS(JWT_MALFORMED, "");
	HAS_CLAIMS(JWT_MALFORMED, "[]");
	HAS_CLAIMS(JWT_MALFORMED, "7");
	HAS_CLAIMS(JWT_MALFORMED, "{\"a\":1,}");
	HAS_CLAIMS(JWT_MALFORMED, "{\"a\":\"\xff\"}");
	HAS_CLAIMS(JWT_MALFORMED, "{\"sub\":\"ada\",\"sub\":\"eve\"}");
	HAS_CLAIMS(JWT_MALFORMED, "{\"sub\":\"ada\",\"s\\u0075b\":\"eve\"}");
	HAS_CLAIMS(JWT_OK, "{\"a\":{\"b\":1,\"b\":2}}"); /* nested ones are not looked at */
	HAS_CLAIMS(JWT_OK, members(100));
	HAS_CLAIMS(JWT_MALFORMED, members(101));
	HAS_CLAIMS(JWT_OK, "{\"a\":[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]}");
	HAS_CLAIMS(JWT_MALFORMED, "{\"a\":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}");
}
END_TEST

/* What is not believed is not said either. */
START_TEST(nothing_is_told_of_a_forged_one)
{
	ck_assert_int_eq(check(maker_token("{\"alg\":\"HS256\"}", "{\"exp\":1}", "another secret, which is as long")),
		JWT_SIGNATURE);
	ck_assert(claims.json.size == 0);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("jwt");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_good_one);
	tcase_add_test(tc, heads);
	tcase_add_test(tc, algorithms_may_be_fewer);
	tcase_add_test(tc, what_is_no_token);
	tcase_add_test(tc, every_bit_counts);
	tcase_add_test(tc, its_end);
	tcase_add_test(tc, nbf_and_iat);
	tcase_add_test(tc, who_issued_it);
	tcase_add_test(tc, whom_it_is_for);
	tcase_add_test(tc, what_must_be_there);
	tcase_add_test(tc, claims_that_are_none);
	tcase_add_test(tc, nothing_is_told_of_a_forged_one);
	suite_add_tcase(s, tc);
	return s;
}
