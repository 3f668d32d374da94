/* netaddr.c - see netaddr.h. */
#include "netaddr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

static const struct {
	const char *word;
	const char *ranges[NET_RANGES_MAX + 1];
} words[] = {
	{ "loopback", { "127.0.0.0/8", "::1" } },
	{ "private", { "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10" } },
};

enum { MAPPED_BITS = 96 };
static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

bool net_address_parse(struct slice text, struct net_address *to)
{
	char copy[NET_ADDRESS_SIZE];

	if (text.size == 0 || text.size >= sizeof(copy) || memchr(text.at, '\0', text.size))
		return false;
	memcpy(copy, text.at, text.size);
	copy[text.size] = '\0';
	if (inet_pton(AF_INET6, copy, to->bytes) == 1)
		return true;
	memcpy(to->bytes, mapped, sizeof(mapped));
	return inet_pton(AF_INET, copy, to->bytes + sizeof(mapped)) == 1;
}

void net_address_of(const struct sockaddr *peer, struct net_address *to)
{
	const struct sockaddr_in *in = (const void *)peer;
	const struct sockaddr_in6 *in6 = (const void *)peer;

	*to = (struct net_address){ .bytes = { 0 } };
	if (peer->sa_family == AF_INET) {
		memcpy(to->bytes, mapped, sizeof(mapped));
		memcpy(to->bytes + sizeof(mapped), &in->sin_addr, 4);
	} else if (peer->sa_family == AF_INET6) {
		memcpy(to->bytes, &in6->sin6_addr, 16);
	}
}

static bool is_port(struct slice s)
{
	for (size_t i = 0; i < s.size; i++)
		if (s.at[i] < '0' || s.at[i] > '9')
			return false;
	return s.size > 0 && s.size <= 5;
}

/* "[address]" or "[address]:port" */
static bool parse_bracketed(struct slice text, struct net_address *to)
{
	size_t end = slice_find(text, ']');
	struct slice behind;

	if (end == text.size)
		return false;
	behind = slice_from(text, end + 1);
	return (behind.size == 0 || (behind.at[0] == ':' && is_port(slice_from(behind, 1)))) &&
	       slice_find(slice_first(text, end), ':') < end &&
	       net_address_parse(slice_from(slice_first(text, end), 1), to);
}

bool net_address_parse_hop(struct slice text, struct net_address *to)
{
	size_t colon = slice_find(text, ':');

	if (text.size && text.at[0] == '[')
		return parse_bracketed(text, to);
	if (colon < text.size && is_port(slice_from(text, colon + 1)) && slice_find(text, '.') < colon)
		text = slice_first(text, colon);
	return net_address_parse(text, to);
}

void net_address_format(const struct net_address *a, char to[NET_ADDRESS_SIZE])
{
	bool is_mapped = memcmp(a->bytes, mapped, sizeof(mapped)) == 0;

	inet_ntop(is_mapped ? AF_INET : AF_INET6, a->bytes + (is_mapped ? sizeof(mapped) : 0), to, NET_ADDRESS_SIZE);
}

/* -1: it is none. */
static int parse_bits(struct slice text, int max)
{
	int n = 0;

	for (size_t i = 0; i < text.size; i++) {
		if (text.at[i] < '0' || text.at[i] > '9' || i == 3)
			return -1;
		n = n * 10 + (text.at[i] - '0');
	}
	return text.size && n <= max ? n : -1;
}

static bool parse_range(struct slice text, struct net_range *to)
{
	size_t slash = slice_find(text, '/');
	bool v6 = slice_find(slice_first(text, slash), ':') < slash;
	int max = v6 ? 128 : 32, bits = max;

	if (slash < text.size)
		bits = parse_bits(slice_from(text, slash + 1), max);
	if (bits < 0 || !net_address_parse(slice_first(text, slash), &to->from))
		return false;
	to->bits = (unsigned)bits + (v6 ? 0 : MAPPED_BITS);
	return true;
}

size_t net_ranges_parse(struct slice text, struct net_range to[NET_RANGES_MAX])
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t n = 0;

		if (!slice_equal(text, slice_str(words[i].word)))
			continue;
		for (; words[i].ranges[n]; n++)
			parse_range(slice_str(words[i].ranges[n]), &to[n]);
		return n;
	}
	return parse_range(text, to) ? 1 : 0;
}

bool net_range_has(const struct net_range *r, const struct net_address *a)
{
	size_t whole = r->bits / 8;
	unsigned rest = r->bits % 8;

	if (memcmp(r->from.bytes, a->bytes, whole) != 0)
		return false;
	return rest == 0 || ((r->from.bytes[whole] ^ a->bytes[whole]) >> (8 - rest)) == 0;
}
