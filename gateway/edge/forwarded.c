/* forwarded.c - see forwarded.h. */
#include "forwarded.h"

#include <stdlib.h>

#include "alloc.h"

enum { HOST_MAX = 261 }; /* a name of 255 characters and a port */

void proxies_init(struct proxies *p, const struct config_list *trusted)
{
	*p = (struct proxies){ 0 };
	if (trusted->count == 0)
		return;
	p->at = must_alloc(trusted->count * NET_RANGES_MAX * sizeof(*p->at));
	for (size_t i = 0; i < trusted->count; i++)
		p->count += net_ranges_parse(slice_str(trusted->at[i]), p->at + p->count);
}

void proxies_fini(struct proxies *p)
{
	free(p->at);
	*p = (struct proxies){ 0 };
}

bool proxies_trust(const struct proxies *p, const struct net_address *a)
{
	for (size_t i = 0; i < p->count; i++)
		if (net_range_has(&p->at[i], a))
			return true;
	return false;
}

/* --- Walking a list backwards -------------------------------------------------------------------------------- */

/* The items of all headers of a name, the last first. */
struct walk {
	const struct http_head *head;
	const char *name;
	size_t next;       /* the header before this one comes next */
	struct slice left; /* of the one in hand */
	bool in_hand;
};

static bool walk_header(struct walk *w)
{
	while (w->next > 0) {
		const struct http_header *h = &w->head->headers[--w->next];

		if (!slice_equal_nocase(h->name, slice_str(w->name)))
			continue;
		w->left = h->value;
		w->in_hand = true;
		return true;
	}
	return false;
}

static bool walk_next(struct walk *w, struct slice *item)
{
	size_t from;

	if (!w->in_hand && !walk_header(w))
		return false;
	for (from = w->left.size; from > 0 && w->left.at[from - 1] != ','; from--)
		;
	*item = http_trim(slice_from(w->left, from));
	if (from == 0)
		w->in_hand = false;
	else
		w->left.size = from - 1;
	return true;
}

static struct walk walk_of(const struct http_head *head, const char *name)
{
	return (struct walk){ .head = head, .name = name, .next = head->n_headers };
}

/* The `nth` item from the end, or the first where there are fewer; .at NULL: there is none. */
static struct slice item_from_end(const struct http_head *head, const char *name, size_t nth)
{
	struct walk w = walk_of(head, name);
	struct slice item, found = { 0 };

	while (nth-- > 0 && walk_next(&w, &item))
		found = item;
	return found;
}

/* --- What the items say -------------------------------------------------------------------------------------- */

/* Returns how many hops are trusted, the peer being the first. */
static size_t find_client(const struct proxies *p, const struct http_head *head, struct net_address *client)
{
	struct walk w = walk_of(head, "X-Forwarded-For");
	struct net_address hop;
	struct slice item;
	size_t trusted = 1;

	while (walk_next(&w, &item) && net_address_parse_hop(item, &hop)) {
		*client = hop;
		if (!proxies_trust(p, &hop))
			break;
		trusted++;
	}
	return trusted;
}

static enum scheme scheme_of(struct slice item)
{
	if (slice_equal_nocase(item, SLICE("https")) || slice_equal_nocase(item, SLICE("wss")))
		return SCHEME_HTTPS;
	if (slice_equal_nocase(item, SLICE("http")) || slice_equal_nocase(item, SLICE("ws")))
		return SCHEME_HTTP;
	return SCHEME_UNKNOWN;
}

static bool is_host(struct slice s)
{
	for (size_t i = 0; i < s.size; i++) {
		char c = ascii_lower(s.at[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && (c == '\0' || !strchr("-._:[]", c)))
			return false;
	}
	return s.size > 0 && s.size <= HOST_MAX;
}

static struct slice host_from_end(const struct http_head *head, size_t nth)
{
	struct slice host = item_from_end(head, "X-Forwarded-Host", nth);

	return is_host(host) ? host : (struct slice){ 0 };
}

void forwarded_read(
	const struct proxies *p, const struct net_address *peer, const struct http_head *head, struct forwarded *to)
{
	size_t hops;

	*to = (struct forwarded){ .client = *peer };
	if (!proxies_trust(p, peer))
		return;
	hops = find_client(p, head, &to->client);
	to->scheme = scheme_of(item_from_end(head, "X-Forwarded-Proto", hops));
	to->host = host_from_end(head, hops);
}

struct slice forwarded_host_claimed(const struct http_head *head)
{
	return host_from_end(head, 1);
}
