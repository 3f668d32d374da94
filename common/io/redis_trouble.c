/* redis_trouble.c - see redis.h: names for what goes wrong, and one line in the log per episode. */
#include "log.h"
#include "metrics.h"
#include "redis_internal.h"

enum { EPISODE_MS = 60 * 1000, DETAIL_MAX_BYTES = 160 };

static const char *const names[REDIS_TROUBLE_COUNT] = {
#define NAME_(id, name, hint) name,
	REDIS_TROUBLES(NAME_)
#undef NAME_
};

static const char *const hints[REDIS_TROUBLE_COUNT] = {
#define HINT_(id, name, hint) hint,
	REDIS_TROUBLES(HINT_)
#undef HINT_
};

/* The metrics stand in the order of the troubles. */
#define METRIC_OF(trouble) ((enum metric_id)(M_REDIS_TROUBLE_RESOLVE + (int)(trouble)))
_Static_assert(M_REDIS_TROUBLE_RESOLVE + (int)REDIS_TROUBLE_OTHER == M_REDIS_TROUBLE_OTHER, "a row per trouble");

const char *redis_trouble_name(enum redis_trouble trouble)
{
	return trouble < REDIS_TROUBLE_COUNT ? names[trouble] : "none";
}

const char *redis_trouble_hint(enum redis_trouble trouble)
{
	return trouble < REDIS_TROUBLE_COUNT ? hints[trouble] : "";
}

/* Redis's errors begin with a word of their own, most of them; src/server.c and src/acl.c of Redis 7.0 have the texts, and
 * src/networking.c those that are sent in place of a welcome. */
enum redis_trouble redis_trouble_of(struct slice error)
{
	static const struct {
		const char *prefix;
		enum redis_trouble trouble;
	} prefixes[] = {
		{ "NOAUTH ", REDIS_TROUBLE_NOAUTH },
		{ "WRONGPASS ", REDIS_TROUBLE_AUTH },
		{ "ERR invalid password", REDIS_TROUBLE_AUTH },
		{ "NOPERM ", REDIS_TROUBLE_NO_PERMISSION },
		{ "ERR The user executing the script can't run this", REDIS_TROUBLE_NO_PERMISSION },
		{ "LOADING ", REDIS_TROUBLE_LOADING },
		{ "READONLY ", REDIS_TROUBLE_READ_ONLY },
		{ "MASTERDOWN ", REDIS_TROUBLE_READ_ONLY },
		{ "MISCONF ", REDIS_TROUBLE_MISCONF },
		{ "OOM ", REDIS_TROUBLE_OUT_OF_MEMORY },
		{ "ERR max number of clients", REDIS_TROUBLE_MAX_CLIENTS },
		{ "DENIED ", REDIS_TROUBLE_DENIED },
		{ "BUSY ", REDIS_TROUBLE_BUSY },
		{ "MOVED ", REDIS_TROUBLE_CLUSTER },
		{ "ASK ", REDIS_TROUBLE_CLUSTER },
		{ "CROSSSLOT ", REDIS_TROUBLE_CLUSTER },
		{ "CLUSTERDOWN ", REDIS_TROUBLE_CLUSTER },
	};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (slice_starts(error, slice_str(prefixes[i].prefix)))
			return prefixes[i].trouble;
	return REDIS_TROUBLE_OTHER;
}

bool redis_is_expected(struct slice error)
{
	static const char *const prefixes[] = { "BUSYGROUP ", "NOGROUP ", "UNBLOCKED " };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (slice_starts(error, slice_str(prefixes[i])))
			return true;
	return false;
}

/* Redis quotes the arguments of a command that it does not know, and they may be anybody's data. */
static struct slice without_arguments(struct slice text)
{
	struct slice quoting = SLICE(", with args");

	if (text.size > DETAIL_MAX_BYTES)
		text.size = DETAIL_MAX_BYTES;
	for (size_t i = 0; i + quoting.size <= text.size; i++)
		if (slice_starts(slice_from(text, i), quoting))
			return slice_first(text, i);
	return text;
}

void redis_note(struct redis *r, enum redis_trouble trouble, struct slice detail)
{
	static const char *const roles[] = { [REDIS_COMMANDS] = "commands", [REDIS_SUBSCRIBER] = "subscriber" };
	int64_t now = loop_now(r->loop);
	bool is_new = r->seen_ms[trouble] == 0 || now - r->seen_ms[trouble] >= EPISODE_MS;

	metrics_count(METRIC_OF(trouble));
	r->seen_ms[trouble] = now;
	if (!is_new)
		return;
	if (trouble <= REDIS_LAST_LINK_TROUBLE)
		r->announced = false;
	log_warn("redis-trouble", LOG_S("redis", r->shown), LOG_S("role", roles[r->role]),
		LOG_S("kind", redis_trouble_name(trouble)), LOG_T("said", without_arguments(detail)),
		LOG_S("hint", redis_trouble_hint(trouble)));
}

void redis_note_held(struct redis *r)
{
	for (int i = 0; i <= REDIS_LAST_LINK_TROUBLE; i++)
		r->seen_ms[i] = 0;
}
