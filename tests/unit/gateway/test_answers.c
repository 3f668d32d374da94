/* test_answers.c - what goes with an answer: the cookie, and compression. */
#include <stdlib.h>
#include <zlib.h>

#include "compress.h"
#include "cookie.h"
#include "metrics.h"
#include "test_main.h"

/* --- The cookie --------------------------------------------------------------------------------------------------- */

#define TEXT(t) (char *)(uintptr_t)(t)

static const struct {
	struct gateway_options o;
	const char *line;
	bool complained;
} cookies[] = {
	{ { .cookie = NULL, .cookie_path = TEXT("/") }, "", false },
	{ { .cookie = TEXT("io"), .cookie_path = TEXT("/"), .cookie_http_only = true },
		"Set-Cookie: io=SID; Path=/; HttpOnly; SameSite=Lax\r\n", false },
	{ { .cookie = TEXT("io") }, "Set-Cookie: io=SID; SameSite=Lax\r\n", false },
	{ { .cookie = TEXT("n"),
		  .cookie_path = TEXT("/x"),
		  .cookie_domain = TEXT("a.example"),
		  .cookie_max_age_ms = 10999,
		  .cookie_http_only = true,
		  .cookie_secure = true,
		  .cookie_same_site = SAME_SITE_NONE },
		"Set-Cookie: n=SID; Max-Age=10; Domain=a.example; Path=/x; HttpOnly; Secure; SameSite=None\r\n",
		false },
	{ { .cookie = TEXT("n"), .cookie_same_site = SAME_SITE_STRICT }, "Set-Cookie: n=SID; SameSite=Strict\r\n",
		false },
	{ { .cookie = TEXT("n"), .cookie_same_site = SAME_SITE_OFF }, "Set-Cookie: n=SID\r\n", false },
	{ { .cookie = TEXT("n"), .cookie_same_site = SAME_SITE_NONE }, "Set-Cookie: n=SID; SameSite=None\r\n", true },
	{ { .cookie = TEXT("__Secure-n") }, "Set-Cookie: __Secure-n=SID; SameSite=Lax\r\n", true },
	{ { .cookie = TEXT("__Host-n"), .cookie_path = TEXT("/"), .cookie_secure = true },
		"Set-Cookie: __Host-n=SID; Path=/; Secure; SameSite=Lax\r\n", false },
	{ { .cookie = TEXT("__Host-n"), .cookie_path = TEXT("/x"), .cookie_secure = true },
		"Set-Cookie: __Host-n=SID; Path=/x; Secure; SameSite=Lax\r\n", true },
};

START_TEST(cookies_in_the_reference_order)
{
	struct buf b = BUF_INIT;

	cookie_put(&b, &cookies[_i].o, "SID", false);
	ck_assert_msg(slice_equal(buf_slice(&b), slice_str(cookies[_i].line)), "%.*s", SLICE_ARG(buf_slice(&b)));
	ck_assert_int_eq(cookie_complaint(&cookies[_i].o) != NULL, cookies[_i].complained);
	buf_fini(&b);
}
END_TEST

START_TEST(a_cookie_that_comes_over_tls_is_secure)
{
	static const struct gateway_options o = { .cookie = TEXT("io") };
	struct buf b = BUF_INIT;

	cookie_put(&b, &o, "SID", true);
	ck_assert(slice_equal(buf_slice(&b), SLICE("Set-Cookie: io=SID; Secure; SameSite=Lax\r\n")));
	buf_fini(&b);
}
END_TEST

/* --- Compression -------------------------------------------------------------------------------------------------- */

/* inflate() finds out by itself which of the two formats it is: 47 is 15 and 32. */
static void expect_inflates(struct slice small, struct slice want)
{
	char *out = malloc(want.size + 1);
	z_stream z = { .next_in = (Bytef *)(uintptr_t)small.at,
		.avail_in = (uInt)small.size,
		.next_out = (Bytef *)out,
		.avail_out = (uInt)want.size + 1 };

	ck_assert_int_eq(inflateInit2(&z, 47), Z_OK);
	ck_assert_int_eq(inflate(&z, Z_FINISH), Z_STREAM_END);
	ck_assert_uint_eq(z.total_out, want.size);
	ck_assert_uint_eq(z.avail_in, 0);
	ck_assert_int_eq(memcmp(out, want.at, want.size), 0);
	inflateEnd(&z);
	free(out);
}

START_TEST(what_is_compressed_inflates)
{
	static const size_t sizes[] = { 1024, 300, 2 * 1024 * 1024, 1024 };
	struct compressor *c = compressor_new();
	struct slice out;

	memset(metrics_values, 0, sizeof(metrics_values));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char *text = malloc(sizes[i]);

		for (size_t j = 0; j < sizes[i]; j++)
			text[j] = (char)('a' + j * j % 17 * (j % 5));
		ck_assert(compressor_run(c, HTTP_GZIP, slice_of(text, sizes[i]), &out));
		ck_assert_int_eq(memcmp(out.at, "\x1f\x8b", 2), 0);
		expect_inflates(out, slice_of(text, sizes[i]));
		ck_assert(compressor_run(c, HTTP_DEFLATE, slice_of(text, sizes[i]), &out));
		ck_assert_int_eq(out.at[0], 0x78);
		expect_inflates(out, slice_of(text, sizes[i]));
		free(text);
	}
	ck_assert_int_eq(metrics_get(M_COMPRESSED_IN), 2 * (1024 + 300 + 2 * 1024 * 1024 + 1024));
	ck_assert_int_lt(metrics_get(M_COMPRESSED_OUT), metrics_get(M_COMPRESSED_IN) / 2);
	compressor_free(c);
}
END_TEST

START_TEST(what_grows_is_left)
{
	struct compressor *c = compressor_new();
	char noise[4096];
	uint32_t x = 1;
	struct slice out;

	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (char)((x = x * 1664525 + 1013904223) >> 24);
	ck_assert(!compressor_run(c, HTTP_GZIP, slice_of(noise, sizeof(noise)), &out));
	ck_assert(!compressor_run(c, HTTP_GZIP, SLICE("ab"), &out));
	ck_assert(!compressor_run(c, HTTP_GZIP, SLICE("a"), &out));
	ck_assert(!compressor_run(c, HTTP_GZIP, SLICE(""), &out));
	memset(noise, 'x', sizeof(noise));
	ck_assert(compressor_run(c, HTTP_GZIP, slice_of(noise, sizeof(noise)), &out)); /* and goes on */
	expect_inflates(out, slice_of(noise, sizeof(noise)));
	compressor_free(c);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("answers");
	TCase *t = tcase_create("answers");

	tcase_add_loop_test(t, cookies_in_the_reference_order, 0, sizeof(cookies) / sizeof(cookies[0]));
	tcase_add_test(t, a_cookie_that_comes_over_tls_is_secure);
	tcase_add_test(t, what_is_compressed_inflates);
	tcase_add_test(t, what_grows_is_left);
	suite_add_tcase(s, t);
	return s;
}
