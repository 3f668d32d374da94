/* addresses.c - see addresses.h. */
#include "addresses.h"

#include <assert.h>
#include <stdlib.h>

#include "log.h"
#include "metrics.h"

enum { BURST = 2 /* seconds' worth */, PREFIX_OF_IPV6 = 8 /* bytes */ };

static const struct {
	const char *name;
	enum metric_id metric;
} limits[ADDRESS_LIMITS] = {
	[ADDRESS_SESSIONS] = { "max_sessions_per_address", M_LIMIT_ADDRESS_SESSIONS },
	[ADDRESS_OPENS] = { "max_new_sessions_per_address", M_LIMIT_ADDRESS_OPENS },
	[ADDRESS_STRANGERS] = { "max_unknown_sids_per_address", M_LIMIT_ADDRESS_STRANGERS },
	[ADDRESS_EVENTS] = { "max_event_rate_per_address", M_LIMIT_ADDRESS_EVENTS },
	[ALL_OPENS] = { "max_new_sessions", M_LIMIT_OPENS },
	[CLIENT_EVENTS] = { "max_event_rate", M_LIMIT_EVENTS },
};

struct address_config addresses_config(const struct gateway_options *o)
{
	return (struct address_config){
		.max = {
			[ADDRESS_SESSIONS] = o->max_sessions_per_address,
			[ADDRESS_OPENS] = o->max_new_sessions_per_address,
			[ADDRESS_STRANGERS] = o->max_unknown_sids_per_address,
			[ADDRESS_EVENTS] = o->max_event_rate_per_address,
			[ALL_OPENS] = o->max_new_sessions,
			[CLIENT_EVENTS] = o->max_event_rate,
		},
		.enforce = o->enforce_rates,
	};
}

void addresses_init(struct addresses *a, const struct address_config *config)
{
	*a = (struct addresses){ .config = *config };
	TAILQ_INIT(&a->idle);
}

/* --- The table ---------------------------------------------------------------------------------------------------- */

static void forget(struct addresses *a, struct address *at)
{
	TAILQ_REMOVE(&a->idle, at, idle);
	a->idle_count--;
	map_remove(&a->map, &at->node);
	free(at);
}

void addresses_fini(struct addresses *a)
{
	while (!TAILQ_EMPTY(&a->idle))
		forget(a, TAILQ_FIRST(&a->idle));
	assert(map_count(&a->map) == 0);
}

static bool is_ipv4(const struct net_address *a)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(a->bytes, mapped, sizeof(mapped)) == 0;
}

static bool is_this_machine(const struct net_address *a)
{
	static const struct net_address loopback = { .bytes = { [15] = 1 } };

	return is_ipv4(a) ? a->bytes[12] == 127 : memcmp(a, &loopback, sizeof(loopback)) == 0;
}

/* False: it is under no limit. */
static bool key_of(struct slice text, struct net_address *key)
{
	if (!net_address_parse(text, key) || is_this_machine(key))
		return false;
	if (!is_ipv4(key))
		memset(key->bytes + PREFIX_OF_IPV6, 0, sizeof(key->bytes) - PREFIX_OF_IPV6);
	return true;
}

static void rest(struct addresses *a, struct address *at)
{
	TAILQ_INSERT_TAIL(&a->idle, at, idle);
	a->idle_count++;
	if (a->idle_count > ADDRESSES_IDLE_MAX)
		forget(a, TAILQ_FIRST(&a->idle));
}

static struct address *add(struct addresses *a, const struct net_address *key)
{
	struct address *at = calloc(1, sizeof(*at));

	if (at == NULL) {
		metrics_count(M_OUT_OF_MEMORY);
		return NULL;
	}
	at->key = *key;
	at->node.key = slice_of((const char *)at->key.bytes, sizeof(at->key.bytes));
	map_add(&a->map, &at->node);
	rest(a, at);
	return at;
}

static struct address *find(struct addresses *a, struct slice text)
{
	struct net_address key;
	struct map_node *node;

	if (!key_of(text, &key))
		return NULL;
	node = map_find(&a->map, slice_of((const char *)key.bytes, sizeof(key.bytes)));
	return node ? map_item(node, struct address, node) : add(a, &key);
}

struct address *addresses_enter(struct addresses *a, struct slice address)
{
	struct address *at = find(a, address);

	if (at && at->sessions++ == 0) {
		TAILQ_REMOVE(&a->idle, at, idle);
		a->idle_count--;
	}
	return at;
}

void addresses_leave(struct addresses *a, struct address *at)
{
	if (at && --at->sessions == 0)
		rest(a, at);
}

/* --- The limits --------------------------------------------------------------------------------------------------- */

static void log_passed(struct addresses *a, enum address_limit limit, const struct address *at, int64_t now_ms)
{
	char text[NET_ADDRESS_SIZE] = "";
	int64_t count;

	if (!sample_take(&a->passed[limit], now_ms, &count))
		return;
	if (at)
		net_address_format(&at->key, text);
	log_warn("limit passed", LOG_S("limit", limits[limit].name), LOG_S("address", text),
		LOG_S("enforced", a->config.enforce ? "yes" : "no"), LOG_I("count", count));
}

/* Counts and logs; whether it matters. */
static bool passed(struct addresses *a, enum address_limit limit, const struct address *at, int64_t now_ms)
{
	metrics_count(limits[limit].metric);
	log_passed(a, limit, at, now_ms);
	return a->config.enforce;
}

static bool within(const struct addresses *a, enum address_limit limit, struct rate *rate, int64_t now_ms)
{
	int64_t max = a->config.max[limit];

	return max == 0 || rate_take(rate, max, max * BURST, now_ms);
}

/* An address that passes its own limit takes nothing from the process's. */
enum address_limit addresses_admit(struct addresses *a, struct slice address, int64_t now_ms)
{
	struct address *at = find(a, address);
	int64_t max = a->config.max[ADDRESS_SESSIONS];

	if (at && max && at->sessions >= max && passed(a, ADDRESS_SESSIONS, at, now_ms))
		return ADDRESS_SESSIONS;
	if (at && !within(a, ADDRESS_OPENS, &at->opens, now_ms) && passed(a, ADDRESS_OPENS, at, now_ms))
		return ADDRESS_OPENS;
	if (!within(a, ALL_OPENS, &a->opens, now_ms) && passed(a, ALL_OPENS, NULL, now_ms))
		return ALL_OPENS;
	return ADDRESS_FINE;
}

bool addresses_answer_stranger(struct addresses *a, struct slice address, int64_t now_ms)
{
	struct address *at = find(a, address);

	return at == NULL || within(a, ADDRESS_STRANGERS, &at->strangers, now_ms) ||
	       !passed(a, ADDRESS_STRANGERS, at, now_ms);
}

bool addresses_take_event(struct addresses *a, struct address *at, struct rate *session, int64_t now_ms)
{
	if (!within(a, CLIENT_EVENTS, session, now_ms) && passed(a, CLIENT_EVENTS, at, now_ms))
		return false;
	return at == NULL || within(a, ADDRESS_EVENTS, &at->events, now_ms) || !passed(a, ADDRESS_EVENTS, at, now_ms);
}
