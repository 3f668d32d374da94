/*
 * fuzz_headers.c - what is read out of single headers: Accept-Encoding, X-Forwarded-.., Origin, dates. The input is
 * lines "Name: value". What must hold: slices lie inside the input; what is written again is read as the same; a
 * pattern lets nobody in who is not below its domain.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "cors.h"
#include "http_encoding.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "not so: %s (line %d)\n", #condition, __LINE__); \
			abort(); \
		} \
	} while (0)

#define LIST(...) \
	(struct config_list) \
	{ \
		.at = (char *[]){ __VA_ARGS__, NULL }, .count = sizeof((char *[]){ __VA_ARGS__ }) / sizeof(char *), \
		.set = true \
	}

static void split(struct slice in, struct http_head *head)
{
	while (in.size && head->n_headers < HTTP_MAX_HEADERS) {
		size_t end = slice_find(in, '\n'), colon = slice_find(slice_first(in, end), ':');
		struct slice value = slice_from(slice_first(in, end), colon < end ? colon + 1 : end);

		while (value.size && value.at[0] == ' ')
			value = slice_from(value, 1);
		head->headers[head->n_headers++] = (struct http_header){ slice_first(in, colon), value };
		in = slice_from(in, end < in.size ? end + 1 : end);
	}
}

static void try_encoding(const struct http_head *head)
{
	for (unsigned offered = 0; offered < 8; offered++) {
		enum http_encoding e = http_encoding_choose(head, offered);

		REQUIRE(e == HTTP_IDENTITY || (offered & e));
		REQUIRE((http_encoding_name(e) == NULL) == (e == HTTP_IDENTITY));
	}
}

static void try_address(struct slice text)
{
	struct net_range ranges[NET_RANGES_MAX];
	struct net_address a, again;
	char written[NET_ADDRESS_SIZE];

	net_ranges_parse(text, ranges);
	if (!net_address_parse_hop(text, &a))
		return;
	net_address_format(&a, written);
	REQUIRE(net_address_parse(slice_str(written), &again));
	REQUIRE(memcmp(&a, &again, sizeof(a)) == 0);
}

static void try_forwarded(const struct http_head *head, struct slice in)
{
	struct config_list trusted =
		LIST((char[]){ "loopback" }, (char[]){ "10.0.0.0/8" }, (char[]){ "2001:db8::/32" });
	struct net_address peer;
	struct forwarded f;
	struct proxies p;

	proxies_init(&p, &trusted);
	REQUIRE(net_address_parse(SLICE("10.0.0.1"), &peer));
	forwarded_read(&p, &peer, head, &f);
	REQUIRE(f.host.at == NULL || (f.host.at >= in.at && f.host.at + f.host.size <= in.at + in.size));
	proxies_fini(&p);
}

static bool ends_with(struct slice s, struct slice end)
{
	return s.size > end.size && slice_equal_nocase(slice_from(s, s.size - end.size), end);
}

static void try_origin(struct slice origin)
{
	static const char scheme[] = "https://";
	struct config_list list = LIST((char[]){ "https://*.a.example" });
	struct cors_self self = { .host = SLICE("a.example") };

	cors_is_own(origin, &self);
	if (origin.at == NULL || !cors_allows(&list, origin, &self))
		return;
	REQUIRE(ends_with(origin, SLICE(".a.example")));
	for (size_t i = sizeof(scheme) - 1; i < origin.size; i++)
		REQUIRE(!strchr("/@:#?\\", origin.at[i]));
}

static void try_date(struct slice text)
{
	struct buf b = BUF_INIT;
	int64_t seconds, again;

	if (!http_parse_date(text, &seconds))
		return;
	http_put_date_value(&b, seconds * 1000);
	REQUIRE(http_parse_date(buf_slice(&b), &again) && again == seconds);
	buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	static struct http_head head;
	struct gateway_options o = { .cors_allowed_origins = { .set = false } };
	struct buf lines = BUF_INIT;

	head = (struct http_head){ .n_headers = 0 };
	split(in, &head);
	try_encoding(&head);
	try_forwarded(&head, in);
	cors_put_preflight(&lines, &o, &head);
	buf_fini(&lines);
	for (size_t i = 0; i < head.n_headers; i++) {
		try_address(head.headers[i].value);
		try_origin(head.headers[i].value);
		try_date(head.headers[i].value);
	}
	return 0;
}
