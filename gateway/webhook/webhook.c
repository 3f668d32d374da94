/* webhook.c - the carrier's functions, its life. See webhook.h. */
#include "webhook.h"

#include <errno.h>
#include <stdlib.h>

#include "alloc.h"
#include "secret.h"
#include "webhook_internal.h"

/* --- The carrier ----------------------------------------------------------------------------------------------- */

static int send(void *ctx, int64_t now_ms, struct carried *e, struct slice record)
{
	struct webhook *w = ctx;
	struct record_rules rules = RECORD_RULES;
	struct event_record read;
	struct job *j;
	uint64_t n = 0;

	if (e->due_ms < INT64_MAX && !breaker_would_admit(&w->breaker, now_ms))
		return -EBUSY;
	if (event_record_read(&w->arena, record, &rules, &read) == NULL)
		n = read.n;
	arena_reset(&w->arena);
	if (n == 0)
		return -EMSGSIZE;
	j = job_new(w, e, record, n);
	if (j == NULL)
		return -ENOMEM;
	job_wait(j, false);
	jobs_pump(w, now_ms);
	return 0;
}

static void forget(void *ctx, int64_t now_ms, struct carried *e)
{
	struct webhook *w = ctx;
	struct job *j = job_find(w, e->number);

	if (j == NULL)
		return;
	if (j->post.line)
		w->posting--;
	job_free(j);
	jobs_pump(w, now_ms);
}

static bool executed(void *ctx, int64_t now_ms, const struct batch_record *b, bool anew)
{
	(void)ctx;
	(void)now_ms;
	(void)b;
	(void)anew;
	return true;
}

static void check(void *ctx, int64_t now_ms, struct carried *e, bool fresh)
{
	(void)ctx;
	(void)now_ms;
	(void)e;
	(void)fresh;
}

static const struct app_record *application(void *ctx)
{
	return &((struct webhook *)ctx)->app;
}

static const struct carrier_ops ops = {
	.send = send, .forget = forget, .executed = executed, .check = check, .application = application
};

/* --- Life ------------------------------------------------------------------------------------------------------ */

static void describe(struct webhook *w)
{
	const struct config_list *all = &w->options->webhook_namespaces;

	w->namespaces = must_alloc((all->count + 1) * sizeof(*w->namespaces));
	for (size_t i = 0; i < all->count; i++)
		w->namespaces[i] = slice_str(all->at[i]);
	w->app = (struct app_record){ .partitions = 1,
		.namespaces = w->namespaces,
		.n_namespaces = all->count,
		.hears_handshakes = w->options->webhook_handshake };
}

static bool open_poster(struct webhook *w, char *why, size_t why_size)
{
	const struct gateway_options *o = w->options;
	struct poster_config config = { .loop = w->loop,
		.ca_file = o->webhook_ca_file,
		.ca_option = "webhook_ca_file",
		.connections = (size_t)o->webhook_connections,
		.timeout_ms = o->webhook_timeout_ms,
		.max_answer = (size_t)o->webhook_max_answer,
		.type = "application/json" };

	if (!webhook_url_parse(o->webhook_url, &w->url, why, why_size))
		return false;
	config.url = w->url;
	w->poster = poster_new(&config, why, why_size);
	return w->poster != NULL;
}

struct webhook *webhook_open(
	const struct gateway_options *options, struct loop *loop, struct remote *remote, char *why, size_t why_size)
{
	struct webhook *w = must_alloc(sizeof(*w));

	w->options = options;
	w->loop = loop;
	w->remote = remote;
	w->breaker.max_failures = options->webhook_breaker_failures;
	w->breaker.rest_ms = options->webhook_breaker_rest_ms;
	TAILQ_INIT(&w->waiting);
	describe(w);
	w->secret = secret_read(options, why, why_size);
	if (w->secret && open_poster(w, why, why_size)) {
		remote_set_carrier(remote, &ops, w);
		return w;
	}
	webhook_close(w);
	return NULL;
}

void webhook_start(struct webhook *w, int64_t now_ms)
{
	remote_application(w->remote, now_ms);
	remote_served(w->remote, now_ms, true);
	remote_ready(w->remote, now_ms, false);
}

const char *webhook_trouble(const struct webhook *w)
{
	return w->breaker.state == BREAKER_CLOSED ? NULL : "the webhook has failed too often";
}

void webhook_close(struct webhook *w)
{
	struct map_node *node, *next;

	if (w == NULL)
		return;
	map_foreach(&w->jobs, node, next) job_free(map_item(node, struct job, by_number));
	timer_stop(&w->loop->timers, &w->reopen);
	timer_stop(&w->loop->timers, &w->pump_soon);
	poster_free(w->poster);
	webhook_url_free(&w->url);
	secret_free(w->secret);
	arena_fini(&w->arena);
	free(w->namespaces);
	free(w);
}
