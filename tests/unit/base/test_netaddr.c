/* test_netaddr.c - addresses and ranges: tables. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "netaddr.h"
#include "test_main.h"

static const struct {
	const char *text, *plain, *hop; /* as it is written again; NULL: it is none */
} addresses[] = {
	{ "192.0.2.1", "192.0.2.1", "192.0.2.1" },
	{ "2001:db8::1", "2001:db8::1", "2001:db8::1" },
	{ "2001:DB8:0:0::1", "2001:db8::1", "2001:db8::1" },
	{ "::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1" },
	{ "::1", "::1", "::1" },
	{ "192.0.2.1:80", NULL, "192.0.2.1" },
	{ "192.0.2.1:65535", NULL, "192.0.2.1" },
	{ "[2001:db8::1]", NULL, "2001:db8::1" },
	{ "[2001:db8::1]:443", NULL, "2001:db8::1" },
	{ "[::ffff:192.0.2.1]:443", NULL, "192.0.2.1" },
	{ "", NULL, NULL },
	{ "192.0.2", NULL, NULL },
	{ "192.0.2.256", NULL, NULL },
	{ "192.0.2.1 ", NULL, NULL },
	{ "192.0.2.1:", NULL, NULL },
	{ "192.0.2.1:x", NULL, NULL },
	{ "192.0.2.1:123456", NULL, NULL },
	{ "[192.0.2.1]", NULL, NULL },
	{ "[2001:db8::1", NULL, NULL },
	{ "[2001:db8::1]x", NULL, NULL },
	{ "[2001:db8::1]:", NULL, NULL },
	{ "[]", NULL, NULL },
	{ "[", NULL, NULL },
	{ "fe80::1%eth0", NULL, NULL },
	{ "unknown", NULL, NULL },
	{ "_hidden", NULL, NULL },
	{ "0x7f.1", NULL, NULL },
	{ "127.1", NULL, NULL },
	{ "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc", NULL, NULL },
};

static void expect(bool good, const struct net_address *a, const char *want, const char *text)
{
	char got[NET_ADDRESS_SIZE] = "";

	if (good)
		net_address_format(a, got);
	ck_assert_msg(good == (want != NULL), "\"%s\" is %s", text, good ? got : "none");
	if (want)
		ck_assert_str_eq(got, want);
}

START_TEST(addresses_as_text)
{
	struct net_address a;
	bool good = net_address_parse(slice_str(addresses[_i].text), &a);

	expect(good, &a, addresses[_i].plain, addresses[_i].text);
	good = net_address_parse_hop(slice_str(addresses[_i].text), &a);
	expect(good, &a, addresses[_i].hop, addresses[_i].text);
}
END_TEST

START_TEST(addresses_of_peers)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = 80 };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = 80 };
	struct sockaddr_un local = { .sun_family = AF_UNIX, .sun_path = "/a/socket" };
	struct net_address a;

	inet_pton(AF_INET, "192.0.2.1", &in.sin_addr);
	net_address_of((struct sockaddr *)&in, &a);
	expect(true, &a, "192.0.2.1", "of IPv4");
	inet_pton(AF_INET6, "2001:db8::1", &in6.sin6_addr);
	net_address_of((struct sockaddr *)&in6, &a);
	expect(true, &a, "2001:db8::1", "of IPv6");
	inet_pton(AF_INET6, "::ffff:192.0.2.1", &in6.sin6_addr);
	net_address_of((struct sockaddr *)&in6, &a);
	expect(true, &a, "192.0.2.1", "of IPv4 at a socket of IPv6");
	net_address_of((struct sockaddr *)&local, &a);
	expect(true, &a, "::", "of no network");
}
END_TEST

START_TEST(a_nul_ends_no_address)
{
	struct net_address a;

	ck_assert(!net_address_parse(SLICE("192.0.2.1\0"), &a));
	ck_assert(!net_address_parse(SLICE("192.0.2.1\0x"), &a));
}
END_TEST

static const struct {
	const char *range, *address;
	bool has;
} inside[] = {
	{ "10.0.0.0/8", "10.255.0.1", true },
	{ "10.0.0.0/8", "11.0.0.1", false },
	{ "10.1.2.3/8", "10.9.9.9", true }, /* what is behind the bits means nothing */
	{ "192.0.2.1", "192.0.2.1", true },
	{ "192.0.2.1", "192.0.2.2", false },
	{ "192.0.2.1/32", "192.0.2.1", true },
	{ "192.0.2.128/25", "192.0.2.127", false },
	{ "192.0.2.128/25", "192.0.2.128", true },
	{ "0.0.0.0/0", "203.0.113.9", true },
	{ "0.0.0.0/0", "2001:db8::1", false },
	{ "::/0", "203.0.113.9", true },
	{ "10.0.0.0/8", "::ffff:10.1.1.1", true },
	{ "::ffff:10.0.0.0/104", "10.1.1.1", true },
	{ "2001:db8::/33", "2001:db8:7fff::1", true },
	{ "2001:db8::/33", "2001:db8:8000::1", false },
	{ "2001:db8::1", "2001:db8::1", true },
	{ "loopback", "127.9.9.9", true },
	{ "loopback", "::1", true },
	{ "loopback", "::2", false },
	{ "private", "10.1.1.1", true },
	{ "private", "172.16.0.1", true },
	{ "private", "172.31.255.255", true },
	{ "private", "172.32.0.0", false },
	{ "private", "192.168.1.1", true },
	{ "private", "169.254.1.1", true },
	{ "private", "fd00::1", true },
	{ "private", "fe80::1", true },
	{ "private", "fec0::1", false },
	{ "private", "127.0.0.1", false },
	{ "private", "8.8.8.8", false },
};

START_TEST(ranges_hold_addresses)
{
	struct net_range ranges[NET_RANGES_MAX];
	size_t n = net_ranges_parse(slice_str(inside[_i].range), ranges);
	struct net_address a;
	bool has = false;

	ck_assert_uint_gt(n, 0);
	ck_assert(net_address_parse(slice_str(inside[_i].address), &a));
	for (size_t i = 0; i < n; i++)
		has |= net_range_has(&ranges[i], &a);
	ck_assert_msg(has == inside[_i].has, "%s and %s", inside[_i].range, inside[_i].address);
}
END_TEST

START_TEST(what_is_no_range)
{
	static const char *const texts[] = { "", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8/8",
		"::/129", "::/0128", "10.0.0.0/8 ", "example.com", "*", "Private", "10.0.0.1:80", "[::1]" };
	struct net_range ranges[NET_RANGES_MAX];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		ck_assert_msg(net_ranges_parse(slice_str(texts[i]), ranges) == 0, "%s", texts[i]);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("netaddr");
	TCase *t = tcase_create("netaddr");

	tcase_add_loop_test(t, addresses_as_text, 0, sizeof(addresses) / sizeof(addresses[0]));
	tcase_add_test(t, addresses_of_peers);
	tcase_add_test(t, a_nul_ends_no_address);
	tcase_add_loop_test(t, ranges_hold_addresses, 0, sizeof(inside) / sizeof(inside[0]));
	tcase_add_test(t, what_is_no_range);
	suite_add_tcase(s, t);
	return s;
}
