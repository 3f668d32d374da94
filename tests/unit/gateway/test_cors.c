/* test_cors.c - which origins may speak to us: a table. */
#include "cors.h"
#include "test_main.h"

#define UNSET \
	{ \
		.set = false \
	}
#define LIST(n) \
	{ \
		.at = (char **)(uintptr_t)lists[n], .count = sizes[n], .set = true \
	}

enum { EMPTY, ANY, ONE, STAR, PORTS, TWO_STARS, LISTS };

static const char *const lists[LISTS][3] = {
	[EMPTY] = { NULL },
	[ANY] = { "*", NULL },
	[ONE] = { "https://a.example", "http://b.example:8080", NULL },
	[STAR] = { "https://*.example.com", NULL },
	[PORTS] = { "http://localhost:*", NULL },
	[TWO_STARS] = { "https://*.b.*.example", NULL },
};
static const size_t sizes[LISTS] = { 0, 1, 2, 1, 1, 1 };

static const struct {
	int list; /* -1: not set */
	const char *origin, *host;
	bool allowed;
} cases[] = {
	{ -1, NULL, "a:80", true }, /* no page's script */
	{ -1, "http://a", "a", true },
	{ -1, "https://a", "a", true }, /* TLS may have ended before us */
	{ -1, "http://a:5000", "a:5000", true },
	{ -1, "http://A.Example", "a.example", true },
	{ -1, "http://a", "a:80", true },
	{ -1, "https://a", "a:443", true },
	{ -1, "https://a", "a:80", false },
	{ -1, "http://a", "a:443", false },
	{ -1, "http://a:5000", "a", false },
	{ -1, "http://a", "a:5000", false },
	{ -1, "http://evil", "a", false },
	{ -1, "http://a.evil", "a", false },
	{ -1, "http://evil/a", "a", false },
	{ -1, "ftp://a", "a", false },
	{ -1, "null", "a", false },
	{ -1, "", "a", false },
	{ -1, "http://", "", false },
	{ -1, "http://a", NULL, false },
	{ EMPTY, "http://evil", "a", true },
	{ EMPTY, "null", "a", true },
	{ ANY, "http://evil", "a", true },
	{ ANY, "null", "a", true },
	{ ONE, "https://a.example", "x", true },
	{ ONE, "http://b.example:8080", "x", true },
	{ ONE, NULL, "x", true },
	{ ONE, "http://x", "x", false }, /* a list is the whole list */
	{ ONE, "https://a.example:443", "x", false },
	{ ONE, "https://a.example.evil", "x", false },
	{ ONE, "http://a.example", "x", false },
	{ ONE, "https://a.exampl", "x", false },
	{ ONE, "*", "x", false },
	{ STAR, "https://a.example.com", "x", true },
	{ STAR, "https://a.b.example.com", "x", true },
	{ STAR, "https://example.com", "x", false },
	{ STAR, "https://.example.com", "x", false },
	{ STAR, "https://a.example.com.evil", "x", false },
	{ STAR, "https://evil/.example.com", "x", false },
	{ STAR, "https://evil:80#.example.com", "x", false },
	{ STAR, "https://evil@a.example.com", "x", false },
	{ STAR, "http://a.example.com", "x", false },
	{ STAR, "https://a.example.com:444", "x", false },
	{ STAR, "https://a.example.com.example.com", "x", true },
	{ PORTS, "http://localhost:3000", "x", true },
	{ PORTS, "http://localhost:", "x", false },
	{ PORTS, "http://localhost", "x", false },
	{ PORTS, "http://localhost:3000/x", "x", false },
	{ TWO_STARS, "https://a.b.c.example", "x", true },
	{ TWO_STARS, "https://a.b.b.b.example", "x", true },
	{ TWO_STARS, "https://a.b.example", "x", false },
};

START_TEST(origins)
{
	const struct config_list unset = UNSET, list = LIST(cases[_i].list < 0 ? 0 : cases[_i].list);
	bool allowed = cors_allows(cases[_i].list < 0 ? &unset : &list, slice_str(cases[_i].origin),
		&(struct cors_self){ slice_str(cases[_i].host), SCHEME_UNKNOWN });

	ck_assert_msg(allowed == cases[_i].allowed, "%s at %s", cases[_i].origin, cases[_i].host);
}
END_TEST

START_TEST(schemes_that_are_known)
{
	static const struct {
		int list;
		const char *origin, *host;
		bool allowed;
		enum scheme scheme;
	} known[] = {
		{ -1, "https://a", "a", true, SCHEME_HTTPS }, { -1, "https://a", "a:443", true, SCHEME_HTTPS },
		{ -1, "http://a", "a", false, SCHEME_HTTPS }, { -1, "https://a", "a", false, SCHEME_HTTP },
		{ -1, "http://a", "a", true, SCHEME_HTTP },
		{ ONE, "https://a.example", "x", true, SCHEME_HTTP }, /* of a list only the list */
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		const struct config_list unset = UNSET, list = LIST(ONE);
		struct cors_self self = { slice_str(known[i].host), known[i].scheme };

		ck_assert_int_eq(cors_allows(known[i].list < 0 ? &unset : &list, slice_str(known[i].origin), &self),
			known[i].allowed);
	}
}
END_TEST

START_TEST(long_origins_cost_little)
{
	static char origin[CORS_ORIGIN_MAX];
	const struct config_list list = LIST(TWO_STARS);

	memset(origin, 'b', sizeof(origin));
	memcpy(origin, "https://", 8);
	for (size_t i = 9; i < sizeof(origin); i += 2)
		origin[i] = '.';
	ck_assert(!cors_allows(&list, slice_of(origin, sizeof(origin)), &(struct cors_self){ .host = SLICE("x") }));
}
END_TEST

START_TEST(what_is_no_origin)
{
	static char longer[CORS_ORIGIN_MAX + 1];

	memset(longer, 'a', sizeof(longer));
	ck_assert(cors_origin_is_valid((struct slice){ 0 }));
	ck_assert(cors_origin_is_valid(SLICE("http://a.example:1")));
	ck_assert(cors_origin_is_valid(SLICE("null")));
	ck_assert(cors_origin_is_valid(slice_of(longer, CORS_ORIGIN_MAX)));
	ck_assert(!cors_origin_is_valid(slice_of(longer, sizeof(longer))));
	ck_assert(!cors_origin_is_valid(SLICE("http://\xc3\xa9")));
	ck_assert(!cors_origin_is_valid(SLICE("http://a\tb")));
	ck_assert(!cors_origin_is_valid(SLICE("http://a\r\nX: y")));
	ck_assert(!cors_origin_is_valid(SLICE("http://a\x7f")));
}
END_TEST

START_TEST(what_the_option_takes)
{
	ck_assert(cors_is_option(SLICE("https://a.example:1")));
	ck_assert(!cors_is_option(SLICE("")));
	ck_assert(!cors_is_option(SLICE("https://a b")));
	ck_assert(!cors_is_option(SLICE("https://a,https://b")));
	ck_assert(!cors_is_option(SLICE("https://*.a")));
	ck_assert(!cors_is_option(SLICE("https://a;b")));
	ck_assert(!cors_is_option(SLICE("https://a\"b")));
}
END_TEST

/* --- The lines of an answer --------------------------------------------------------------------------------------- */

static struct gateway_options options_of(int list, bool credentials)
{
	static const char *const exposed[] = { "X-A", "X-B", NULL }, *const methods[] = { "GET", "POST", NULL };
	const struct config_list unset = UNSET, given = LIST(list < 0 ? 0 : list);

	return (struct gateway_options){ .cors_allowed_origins = list < 0 ? unset : given,
		.cors_credentials = credentials,
		.cors_exposed_headers = { .at = (char **)(uintptr_t)exposed, .count = 2, .set = true },
		.cors_methods = { .at = (char **)(uintptr_t)methods, .count = 2, .set = true } };
}

static void expect_text(struct buf *b, const char *lines)
{
	ck_assert_msg(slice_equal(buf_slice(b), slice_str(lines)), "%.*s", SLICE_ARG(buf_slice(b)));
	buf_fini(b);
}

static void expect_lines(int list, const char *origin, bool allowed, bool credentials, const char *lines)
{
	struct gateway_options o = options_of(list, credentials);
	struct buf b = BUF_INIT;

	cors_put(&b, &o, slice_str(origin), allowed);
	expect_text(&b, lines);
}

#define EXPOSED "Access-Control-Expose-Headers: X-A,X-B\r\n"

START_TEST(answers_echo_the_origin)
{
	expect_lines(-1, NULL, true, true, "Vary: Origin\r\n");
	expect_lines(-1, "http://a", false, true, "Vary: Origin\r\n");
	expect_lines(EMPTY, "http://a", true, true, "");
	expect_lines(ANY, "http://a", true, true,
		"Access-Control-Allow-Origin: http://a\r\nAccess-Control-Allow-Credentials: true\r\n" EXPOSED
		"Vary: Origin\r\n");
	expect_lines(ANY, "http://a", true, false, "Access-Control-Allow-Origin: *\r\n" EXPOSED);
	expect_lines(ANY, NULL, true, false, "Access-Control-Allow-Origin: *\r\n" EXPOSED);
	expect_lines(ONE, "http://a", true, true,
		"Access-Control-Allow-Origin: http://a\r\nAccess-Control-Allow-Credentials: true\r\n" EXPOSED
		"Vary: Origin\r\n");
	expect_lines(
		ONE, "http://a", true, false, "Access-Control-Allow-Origin: http://a\r\n" EXPOSED "Vary: Origin\r\n");
}
END_TEST

static void expect_preflight(struct gateway_options *o, const char *asked, const char *lines)
{
	struct http_head head = { .n_headers = 1,
		.headers = { { SLICE("access-control-request-headers"), slice_str(asked) } } };
	struct buf b = BUF_INIT;

	cors_put_preflight(&b, o, &head);
	expect_text(&b, lines);
}

START_TEST(preflights_are_answered)
{
	static char long_list[1100];
	static const char *const allowed[] = { "X-C", NULL };
	struct gateway_options o = options_of(ANY, true);

#define METHODS "Access-Control-Allow-Methods: GET,POST\r\n"
#define VARY    "Vary: Access-Control-Request-Headers\r\n"
	expect_preflight(&o, "x-one, x-two", METHODS VARY "Access-Control-Allow-Headers: x-one, x-two\r\n");
	expect_preflight(&o, "", METHODS VARY);
	expect_preflight(&o, "x<script>", METHODS VARY);
	expect_preflight(&o, "x-\xff", METHODS VARY);
	memset(long_list, 'a', sizeof(long_list) - 1);
	expect_preflight(&o, long_list, METHODS VARY);
	o.cors_max_age_ms = 600999;
	o.cors_allowed_headers = (struct config_list){ .at = (char **)(uintptr_t)allowed, .count = 1, .set = true };
	expect_preflight(&o, "x-one", METHODS "Access-Control-Allow-Headers: X-C\r\nAccess-Control-Max-Age: 600\r\n");
	o.cors_allowed_headers.count = 0;
	o.cors_max_age_ms = 0;
	expect_preflight(&o, "x-one", METHODS);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("cors");
	TCase *t = tcase_create("cors");

	tcase_add_loop_test(t, origins, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(t, schemes_that_are_known);
	tcase_add_test(t, long_origins_cost_little);
	tcase_add_test(t, what_is_no_origin);
	tcase_add_test(t, what_the_option_takes);
	tcase_add_test(t, answers_echo_the_origin);
	tcase_add_test(t, preflights_are_answered);
	suite_add_tcase(s, t);
	return s;
}
