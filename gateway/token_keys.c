/* token_keys.c - see token_keys.h. */
#include "token_keys.h"

#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "clock.h"
#include "log.h"
#include "metrics.h"
#include "poster.h"
#include "reload.h"

enum { WATCHES = 4, WHY_MAX = 512 };

struct token_keys {
	const struct gateway_options *options;
	struct loop *loop;
	struct gate *gate;
	struct reload *watches[WATCHES];
	struct timer again;
	/* Of jwt_jwks_url. */
	struct webhook_url url;
	struct poster *poster; /* NULL: there is no URL */
	struct post post;
	bool fetching;
	int64_t asked_ms;   /* when it was last asked; INT64_MIN: never */
	struct buf fetched; /* the last set that was good; empty: none yet */
};

/* --- Reading -------------------------------------------------------------------------------------------------------- */

static void failed(const char *from, const char *why)
{
	metrics_count(M_TOKEN_KEYS_FAILED);
	log_error("token-keys-not-read", LOG_S("from", from), LOG_S("why", why));
}

/* NULL: why not was logged. */
static struct jwt_keys *all_keys(const struct token_keys *k, struct slice set)
{
	char why[WHY_MAX] = "";
	struct jwt_keys *keys = gate_read_keys(k->options, why, sizeof(why));
	const char *wrong = keys && set.size ? jwt_keys_add_set(keys, set, false) : NULL;

	if (keys == NULL)
		failed("files", why);
	if (wrong == NULL)
		return keys;
	failed(k->options->jwt_jwks_url, wrong);
	jwt_keys_free(keys);
	return NULL;
}

static bool take(struct token_keys *k, int64_t now_ms, struct slice set)
{
	struct jwt_keys *keys = all_keys(k, set);

	if (keys == NULL)
		return false;
	metrics_count(M_TOKEN_KEYS_READ);
	log_debug("token-keys", LOG_I("keys", (int64_t)jwt_keys_count(keys)));
	gate_set_keys(k->gate, keys, now_ms);
	return true;
}

/* --- Fetching ------------------------------------------------------------------------------------------------------- */

/* NULL: it has a body to be read. */
static const char *fault_of(const struct post_answer *a, char *text, size_t size)
{
	if (a->result != POST_ANSWERED)
		return a->why;
	if (a->status == 200 && a->body.size)
		return NULL;
	snprintf(text, size, "answered with status %d%s", a->status, a->body.size ? "" : " and nothing else");
	return text;
}

static void on_answer(struct post *p, int64_t now_ms, const struct post_answer *a)
{
	struct token_keys *k = (struct token_keys *)(void *)((char *)p - offsetof(struct token_keys, post));
	char text[WHY_MAX];
	const char *why = fault_of(a, text, sizeof(text));

	k->fetching = false;
	if (why == NULL && take(k, now_ms, a->body)) {
		buf_clear(&k->fetched);
		buf_add_slice(&k->fetched, a->body);
		return;
	}
	if (why)
		failed(k->options->jwt_jwks_url, why);
	gate_keep_keys(k->gate, now_ms);
}

static bool fetch(struct token_keys *k, int64_t now_ms)
{
	static const struct post_header none = { NULL, NULL };

	if (k->fetching)
		return true;
	k->asked_ms = now_ms;
	k->post = (struct post){ .done = on_answer };
	k->fetching = poster_post(k->poster, &k->post, SLICE(""), &none);
	return k->fetching;
}

static bool fetch_for_a_token(void *ctx, int64_t now_ms)
{
	struct token_keys *k = ctx;

	return k->fetching || (now_ms - k->asked_ms >= k->options->jwt_refetch_min_ms && fetch(k, now_ms));
}

static const struct gate_keys_ops ops = { fetch_for_a_token };

/* --- Again ---------------------------------------------------------------------------------------------------------- */

static void on_again(struct timer *t, int64_t now_ms);

static void read_again(struct token_keys *k, int64_t now_ms)
{
	timer_set(&k->loop->timers, &k->again, on_again, now_ms + k->options->jwt_refetch_ms);
	if (k->poster)
		fetch(k, now_ms);
	else
		take(k, now_ms, SLICE(""));
}

static void on_again(struct timer *t, int64_t now_ms)
{
	read_again((struct token_keys *)(void *)((char *)t - offsetof(struct token_keys, again)), now_ms);
}

/* Files count at once, whatever the URL's server says. */
static void on_change(void *ctx)
{
	struct token_keys *k = ctx;
	int64_t now_ms = loop_now(k->loop);

	if (k->poster && (k->fetched.size || gate_has_keys(k->gate)))
		take(k, now_ms, buf_slice(&k->fetched));
	read_again(k, now_ms);
}

/* --- Life ----------------------------------------------------------------------------------------------------------- */

static bool open_watches(struct token_keys *k, char *why, size_t why_size)
{
	const struct gateway_options *o = k->options;
	const char *files[WATCHES] = { NULL, o->jwt_key_file, o->jwt_public_key_file, o->jwt_jwks_file };

	for (size_t i = 0; i < WATCHES; i++) {
		if (i && files[i] == NULL) /* the first is for SIGHUP alone */
			continue;
		k->watches[i] = reload_open(k->loop, files[i], on_change, k, why, why_size);
		if (k->watches[i] == NULL)
			return false;
	}
	return true;
}

static bool open_poster(struct token_keys *k, char *why, size_t why_size)
{
	const struct gateway_options *o = k->options;
	struct poster_config config = { .loop = k->loop,
		.ca_file = o->jwt_ca_file,
		.ca_option = "jwt_ca_file",
		.connections = 1,
		.timeout_ms = o->jwt_fetch_timeout_ms,
		.max_answer = (size_t)o->jwt_max_jwks,
		.type = "application/json",
		.get = true };

	if (o->jwt_jwks_url == NULL)
		return true;
	if (!webhook_url_parse(o->jwt_jwks_url, &k->url, why, why_size))
		return false;
	config.url = k->url;
	k->poster = poster_new(&config, why, why_size);
	return k->poster != NULL;
}

/* Files are to be good at the start. Keys of a URL come when they come: with keys beside them clients need not wait. */
static bool read_first(struct token_keys *k, char *why, size_t why_size)
{
	struct jwt_keys *keys = gate_read_keys(k->options, why, why_size);

	if (keys == NULL)
		return false;
	if (k->poster && jwt_keys_count(keys) == 0)
		jwt_keys_free(keys);
	else
		gate_set_keys(k->gate, keys, loop_now(k->loop));
	return true;
}

int token_keys_open(struct token_keys **to, struct loop *loop, const struct gateway_options *o, struct clients *clients,
	char *why, size_t why_size)
{
	struct token_keys *k;

	*to = NULL;
	if (!gateway_options_ask_tokens(o))
		return 0;
	*to = k = must_alloc(sizeof(*k));
	k->options = o;
	k->loop = loop;
	k->asked_ms = INT64_MIN / 2;
	k->gate = gate_new(o, clients, clock_wall_ms);
	if (!open_watches(k, why, why_size) || !open_poster(k, why, why_size) || !read_first(k, why, why_size))
		return -1;
	if (k->poster) {
		gate_set_source(k->gate, &ops, k);
		fetch(k, loop_now(loop));
	}
	timer_set(&loop->timers, &k->again, on_again, loop_now(loop) + o->jwt_refetch_ms);
	return 0;
}

const char *token_keys_trouble(const struct token_keys *k)
{
	return k == NULL || gate_has_keys(k->gate) ? NULL : "there are no keys yet to check tokens with";
}

void token_keys_close(struct token_keys *k)
{
	if (k == NULL)
		return;
	timer_stop(&k->loop->timers, &k->again);
	for (size_t i = 0; i < WATCHES; i++)
		reload_close(k->watches[i]);
	poster_free(k->poster);
	webhook_url_free(&k->url);
	buf_fini(&k->fetched);
	gate_free(k->gate);
	free(k);
}
