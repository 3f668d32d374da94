/* test_forwarded.c - whom proxies speak for: a table. */
#include "forwarded.h"
#include "test_main.h"

#define TRUSTED "10.0.0.0/8", "192.0.2.7", "::1"

static const struct {
	const char *peer, *lines[4]; /* X-Forwarded-For, -For again, -Proto, -Host */
	const char *client, *host;
	enum scheme scheme;
} cases[] = {
	{ "203.0.113.1", { "198.51.100.1", NULL, "https", "a" }, "203.0.113.1", NULL,
		SCHEME_UNKNOWN }, /* not trusted */
	{ "10.1.1.1", { NULL }, "10.1.1.1", NULL, SCHEME_UNKNOWN },
	{ "10.1.1.1", { "198.51.100.1", NULL, "https", "a.example:8443" }, "198.51.100.1", "a.example:8443",
		SCHEME_HTTPS },
	{ "::ffff:10.1.1.1", { "198.51.100.1" }, "198.51.100.1", NULL, SCHEME_UNKNOWN },
	{ "::1", { "2001:db8::5" }, "2001:db8::5", NULL, SCHEME_UNKNOWN },
	{ "10.1.1.1", { "[2001:db8::5]:1234" }, "2001:db8::5", NULL, SCHEME_UNKNOWN },
	{ "10.1.1.1", { "198.51.100.1:1234" }, "198.51.100.1", NULL, SCHEME_UNKNOWN },
	{ "10.1.1.1", { "::ffff:198.51.100.1" }, "198.51.100.1", NULL, SCHEME_UNKNOWN },
	/* What stands before the first that is not trusted, anybody may have written. */
	{ "10.1.1.1", { "1.1.1.1, 198.51.100.1" }, "198.51.100.1", NULL, SCHEME_UNKNOWN },
	{ "10.1.1.1", { "1.1.1.1, 198.51.100.1, 192.0.2.7,10.2.2.2" }, "198.51.100.1", NULL, SCHEME_UNKNOWN },
	{ "10.1.1.1", { "1.1.1.1, 10.3.3.3, 198.51.100.1" }, "198.51.100.1", NULL, SCHEME_UNKNOWN },
	{ "10.1.1.1", { "1.1.1.1", "198.51.100.1" }, "198.51.100.1", NULL, SCHEME_UNKNOWN },
	{ "10.1.1.1", { "198.51.100.1", "10.2.2.2" }, "198.51.100.1", NULL, SCHEME_UNKNOWN },
	{ "10.1.1.1", { "10.9.9.9, 10.2.2.2" }, "10.9.9.9", NULL, SCHEME_UNKNOWN }, /* all are */
	/* Malformed: as far as it goes. */
	{ "10.1.1.1", { "unknown" }, "10.1.1.1", NULL, SCHEME_UNKNOWN },
	{ "10.1.1.1", { "" }, "10.1.1.1", NULL, SCHEME_UNKNOWN },
	{ "10.1.1.1", { ",,," }, "10.1.1.1", NULL, SCHEME_UNKNOWN },
	{ "10.1.1.1", { "198.51.100.1, <script>" }, "10.1.1.1", NULL, SCHEME_UNKNOWN },
	{ "10.1.1.1", { "198.51.100.1, evil, 10.2.2.2" }, "10.2.2.2", NULL, SCHEME_UNKNOWN },
	{ "10.1.1.1", { "198.51.100.1 10.2.2.2" }, "10.1.1.1", NULL, SCHEME_UNKNOWN },
	/* Scheme and host. */
	{ "10.1.1.1", { NULL, NULL, "HTTP", NULL }, "10.1.1.1", NULL, SCHEME_HTTP },
	{ "10.1.1.1", { NULL, NULL, "wss", NULL }, "10.1.1.1", NULL, SCHEME_HTTPS },
	{ "10.1.1.1", { NULL, NULL, "ws", NULL }, "10.1.1.1", NULL, SCHEME_HTTP },
	{ "10.1.1.1", { NULL, NULL, "gopher", "a/b" }, "10.1.1.1", NULL, SCHEME_UNKNOWN },
	{ "10.1.1.1", { NULL, NULL, "", "" }, "10.1.1.1", NULL, SCHEME_UNKNOWN },
	{ "10.1.1.1", { NULL, NULL, NULL, "a\"b" }, "10.1.1.1", NULL, SCHEME_UNKNOWN },
	{ "10.1.1.1", { NULL, NULL, NULL, "[2001:db8::1]:80" }, "10.1.1.1", "[2001:db8::1]:80", SCHEME_UNKNOWN },
	/* Of lists the item of the outermost trusted proxy. */
	{ "10.1.1.1", { "198.51.100.1", NULL, "http, https", "evil, a" }, "198.51.100.1", "a", SCHEME_HTTPS },
	{ "10.1.1.1", { "198.51.100.1, 10.2.2.2", NULL, "https, http", "a, inner" }, "198.51.100.1", "a",
		SCHEME_HTTPS },
	{ "10.1.1.1", { "198.51.100.1, 10.2.2.2", NULL, "http, https, http", "evil, a, inner" }, "198.51.100.1", "a",
		SCHEME_HTTPS },
	{ "10.1.1.1", { "198.51.100.1, 10.2.2.2", NULL, "https", "a" }, "198.51.100.1", "a", SCHEME_HTTPS },
};

static const char *const names[] = { "X-Forwarded-For", "x-forwarded-for", "X-Forwarded-PROTO", "X-Forwarded-Host" };

static struct http_head head_of(const char *const *lines)
{
	struct http_head head = { .n_headers = 0 };

	for (size_t i = 0; i < 4; i++)
		if (lines[i])
			head.headers[head.n_headers++] =
				(struct http_header){ slice_str(names[i]), slice_str(lines[i]) };
	return head;
}

static struct config_list trusted(void)
{
	static const char *const at[] = { TRUSTED, NULL };

	return (struct config_list){ .at = (char **)(uintptr_t)at, .count = 3, .set = true };
}

START_TEST(who_asks)
{
	struct http_head head = head_of(cases[_i].lines);
	struct config_list list = trusted();
	char client[NET_ADDRESS_SIZE];
	struct net_address peer;
	struct forwarded f;
	struct proxies p;

	proxies_init(&p, &list);
	ck_assert(net_address_parse(slice_str(cases[_i].peer), &peer));
	forwarded_read(&p, &peer, &head, &f);
	net_address_format(&f.client, client);
	ck_assert_str_eq(client, cases[_i].client);
	ck_assert_int_eq((int)f.scheme, (int)cases[_i].scheme);
	ck_assert_msg(slice_equal(f.host, slice_str(cases[_i].host)), "%.*s", SLICE_ARG(f.host));
	proxies_fini(&p);
}
END_TEST

START_TEST(nobody_is_trusted_unless_named)
{
	const char *lines[4] = { "198.51.100.1", NULL, "https", "a" };
	struct http_head head = head_of(lines);
	struct config_list none = { 0 };
	char client[NET_ADDRESS_SIZE];
	struct net_address peer;
	struct forwarded f;
	struct proxies p;

	proxies_init(&p, &none);
	ck_assert(net_address_parse(SLICE("127.0.0.1"), &peer));
	forwarded_read(&p, &peer, &head, &f);
	net_address_format(&f.client, client);
	ck_assert_str_eq(client, "127.0.0.1");
	ck_assert_ptr_null(f.host.at);
	ck_assert(slice_equal(forwarded_host_claimed(&head), SLICE("a")));
	proxies_fini(&p);
}
END_TEST

START_TEST(a_long_host_is_none)
{
	static char host[300];
	const char *lines[4] = { NULL, NULL, NULL, host };
	struct http_head head;

	memset(host, 'a', 261);
	head = head_of(lines);
	ck_assert_uint_eq(forwarded_host_claimed(&head).size, 261);
	host[261] = 'a';
	head = head_of(lines);
	ck_assert_ptr_null(forwarded_host_claimed(&head).at);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("forwarded");
	TCase *t = tcase_create("forwarded");

	tcase_add_loop_test(t, who_asks, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(t, nobody_is_trusted_unless_named);
	tcase_add_test(t, a_long_host_is_none);
	suite_add_tcase(s, t);
	return s;
}
