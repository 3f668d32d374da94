/* redis_opening.c - see redis.h: what is said before a connection is used, one command after the other. */
#include <stdio.h>

#include "redis_internal.h"

/* A step fills argv and says how many; 0: there is nothing to say. Numbers are written into `scratch`. */
enum { STEP_ARGS = 3, SCRATCH_BYTES = 16 };

static size_t say_auth(const struct redis *r, struct slice *argv, char *scratch)
{
	const struct redis_url *url = &r->config->url;
	size_t n = 0;

	(void)scratch;
	if (url->password == NULL)
		return 0;
	argv[n++] = SLICE("AUTH");
	if (url->user)
		argv[n++] = slice_str(url->user);
	argv[n++] = slice_str(url->password);
	return n;
}

static size_t say_select(const struct redis *r, struct slice *argv, char *scratch)
{
	if (r->config->url.database == 0)
		return 0;
	argv[0] = SLICE("SELECT");
	argv[1] = slice_of(scratch, (size_t)snprintf(scratch, SCRATCH_BYTES, "%d", r->config->url.database));
	return 2;
}

static size_t say_name(const struct redis *r, struct slice *argv, char *scratch)
{
	(void)scratch;
	argv[0] = SLICE("CLIENT");
	argv[1] = SLICE("SETNAME");
	argv[2] = slice_str(r->config->name);
	return r->config->name ? 3 : 0;
}

/* Only what needs a login and loaded data shows whether these are there. */
static size_t say_ping(const struct redis *r, struct slice *argv, char *scratch)
{
	(void)r;
	(void)scratch;
	argv[0] = SLICE("PING");
	return 1;
}

static bool is_ok(const struct redis_reply *reply)
{
	return reply->type == REDIS_STATUS && slice_equal(reply->text, SLICE("OK"));
}

/* What an answer means: REDIS_TROUBLE_COUNT when one may go on. */

/* Whether Redis is usable at all, whatever was asked. */
static enum redis_trouble ends_it(enum redis_trouble trouble)
{
	static const bool ends[REDIS_TROUBLE_COUNT] = {
		[REDIS_TROUBLE_NOAUTH] = true,
		[REDIS_TROUBLE_LOADING] = true,
		[REDIS_TROUBLE_MAX_CLIENTS] = true,
		[REDIS_TROUBLE_DENIED] = true,
	};

	return ends[trouble] ? trouble : REDIS_TROUBLE_COUNT;
}

static enum redis_trouble or_else(const struct redis_reply *reply, enum redis_trouble otherwise)
{
	enum redis_trouble trouble;

	if (reply->type != REDIS_ERROR)
		return REDIS_TROUBLE_PROTOCOL;
	trouble = ends_it(redis_trouble_of(reply->text));
	return trouble == REDIS_TROUBLE_COUNT ? otherwise : trouble;
}

static enum redis_trouble heard_auth(const struct redis_reply *reply)
{
	return is_ok(reply) ? REDIS_TROUBLE_COUNT : or_else(reply, REDIS_TROUBLE_AUTH);
}

static enum redis_trouble heard_select(const struct redis_reply *reply)
{
	return is_ok(reply) ? REDIS_TROUBLE_COUNT : or_else(reply, REDIS_TROUBLE_DATABASE);
}

/* A name is an ornament: an ACL without `client` does not matter. */
static enum redis_trouble heard_name(const struct redis_reply *reply)
{
	return is_ok(reply) ? REDIS_TROUBLE_COUNT : or_else(reply, REDIS_TROUBLE_COUNT);
}

/* An error (NOPERM, MISCONF) is a sign of life as well. */
static enum redis_trouble heard_ping(const struct redis_reply *reply)
{
	if (reply->type == REDIS_STATUS && slice_equal(reply->text, SLICE("PONG")))
		return REDIS_TROUBLE_COUNT;
	return or_else(reply, REDIS_TROUBLE_COUNT);
}

static const struct {
	size_t (*say)(const struct redis *r, struct slice *argv, char *scratch);
	enum redis_trouble (*heard)(const struct redis_reply *reply);
} steps[] = {
	{ say_auth, heard_auth },
	{ say_select, heard_select },
	{ say_name, heard_name },
	{ say_ping, heard_ping },
};
enum { STEPS = sizeof(steps) / sizeof(steps[0]) };

static void say_next(struct redis *r);

/* Redis may quote the password in an error, so its words are not for the log here. */
static void heard(void *ctx, enum redis_outcome outcome, const struct redis_reply *reply)
{
	struct redis *r = ctx;
	enum redis_trouble trouble;

	if (outcome != REDIS_ANSWERED)
		return;
	trouble = steps[r->step].heard(reply);
	if (trouble != REDIS_TROUBLE_COUNT) {
		redis_fail(r, trouble, NULL);
		return;
	}
	r->step++;
	say_next(r);
}

static void say_next(struct redis *r)
{
	const struct redis_sent sent = { .fn = heard, .ctx = r, .kind = REDIS_SENT_PING };
	struct slice argv[STEP_ARGS];
	char scratch[SCRATCH_BYTES];

	for (; r->step < STEPS; r->step++) {
		size_t argc = steps[r->step].say(r, argv, scratch);

		if (argc == 0)
			continue;
		if (redis_give(r, argv, argc, &sent) < 0)
			redis_fail(r, REDIS_TROUBLE_MEMORY, NULL);
		return;
	}
	redis_is_ready(r);
}

void redis_opening_start(struct redis *r)
{
	redis_enter(r, REDIS_OPENING);
	r->step = 0;
	say_next(r);
}
