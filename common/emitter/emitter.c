/* emitter.c - opening and closing, and the two drives. See stoa_emitter.h. */
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "emitter_internal.h"
#include "json.h"
#include "log.h"
#include "random.h"

static char open_error[EMITTER_WHY_MAX];

const char *emitter_text(int error)
{
	static const struct {
		int error;
		const char *text;
	} texts[] = {
		{ -ENOMEM, "there is no memory for it" },
		{ -ENOBUFS, "too much waits for Redis already" },
		{ -EAGAIN, "too many calls wait for answers already" },
		{ -ENOTCONN, "Redis could not be reached in time" },
		{ -ECONNRESET, "the connection to Redis broke; it may have been published" },
		{ -EDEADLK, "a function that waits was called from inside a callback" },
		{ -ETIMEDOUT, "some did not answer in time" },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].error == error)
			return texts[i].text;
	return "";
}

int emitter_fail(struct stoa_emitter *e, int error, const char *why)
{
	snprintf(e->why, sizeof(e->why), "%s", why ? why : emitter_text(error));
	return error;
}

const char *stoa_emitter_error(const struct stoa_emitter *e)
{
	return e ? e->why : open_error;
}

/* --- Opening ------------------------------------------------------------------------------------------------------ */

static size_t or_default(size_t value, size_t otherwise)
{
	return value ? value : otherwise;
}

static const char *url_of(const struct stoa_emitter_options *o)
{
	const char *url = o->url ? o->url : getenv("STOA_REDIS_URL");

	return url && url[0] ? url : "redis://127.0.0.1:6379";
}

static const char *copy(struct stoa_emitter *e, int place, const char *text)
{
	e->texts[place] = text && text[0] ? must_strdup(text) : NULL;
	return e->texts[place];
}

static void configure(struct stoa_emitter *e, const struct stoa_emitter_options *o)
{
	e->redis = (struct redis_config){ REDIS_CONFIG_DEFAULTS };
	e->redis.name = copy(e, 0, o->name ? o->name : "stoa-emitter");
	e->redis.ca_file = copy(e, 1, o->ca_file);
	e->redis.cert_file = copy(e, 2, o->cert_file);
	e->redis.key_file = copy(e, 3, o->key_file);
	e->redis.server_name = copy(e, 4, o->server_name);
	e->key = slice_str(copy(e, 5, o->key && o->key[0] ? o->key : "socket.io"));
	e->max_publish = or_default(o->max_publish, 8000000);
	e->max_waiting = or_default(o->max_waiting, 16000000);
	e->max_calls = or_default(o->max_calls, 1000);
	/* One message must fit, with what is around it. */
	if (e->redis.max_queue < e->max_publish + 10000)
		e->redis.max_queue = e->max_publish + 10000;
	e->state = o->state;
	e->state_ctx = o->ctx;
	e->impatient = o->impatient;
}

/* A write to a Redis that is gone. */
static void ignore_broken_pipes(void)
{
	struct sigaction now;

	if (sigaction(SIGPIPE, NULL, &now) == 0 && !(now.sa_flags & SA_SIGINFO) && now.sa_handler == SIG_DFL)
		signal(SIGPIPE, SIG_IGN);
}

static void turn_end(void *ctx, int64_t now_ms)
{
	struct stoa_emitter *e = ctx;

	(void)now_ms;
	if (!e->closed && e->waiting_bytes)
		calls_send(e); /* for what did not fit before */
	calls_run_ended(e);
}

static bool open_loop(struct stoa_emitter *e, struct event_base *base)
{
	int error = base ? loop_attach(&e->loop, base) : loop_init(&e->loop);

	e->is_attached = base != NULL;
	loop_on_turn_end(&e->loop, turn_end, e);
	return error == 0;
}

/* `why` in open_error. */
static bool open_all(struct stoa_emitter *e, const struct stoa_emitter_options *o)
{
	const char *why;

	configure(e, o);
	why = redis_url_parse(url_of(o), &e->redis.url);
	if (why == NULL && !open_loop(e, o->base))
		why = emitter_text(-ENOMEM);
	if (why) {
		snprintf(open_error, sizeof(open_error), "%s", why);
		return false;
	}
	if (links_open(e))
		return true;
	snprintf(open_error, sizeof(open_error), "%s", e->why);
	return false;
}

struct stoa_emitter *stoa_emitter_open(const struct stoa_emitter_options *options)
{
	static const struct stoa_emitter_options none;
	struct stoa_emitter *e = must_alloc(sizeof(*e));

	ignore_broken_pipes();
	log_set_level(LOG_NONE); /* the program's standard error is its own */
	e->calls_end = &e->calls;
	e->ended_end = &e->ended;
	random_id(e->uid, EMITTER_UID_SIZE);
	subscriptions_init(&e->names);
	open_error[0] = '\0';
	if (open_all(e, options ? options : &none))
		return e;
	stoa_emitter_free(e);
	return NULL;
}

/* --- Closing ------------------------------------------------------------------------------------------------------ */

static void free_all(struct stoa_emitter *e)
{
	/* A lookup that was given up is freed by a turn. */
	if (!e->is_attached && e->loop.base)
		event_base_loop(e->loop.base, EVLOOP_NONBLOCK);
	loop_fini(&e->loop);
	redis_url_fini(&e->redis.url);
	for (size_t i = 0; i < sizeof(e->texts) / sizeof(e->texts[0]); i++)
		free(e->texts[i]);
	arena_fini(&e->arena);
	arena_fini(&e->scratch);
	buf_fini(&e->channel);
	buf_fini(&e->payload);
	buf_fini(&e->json);
	free(e);
}

static void free_later(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	free_all(ctx);
}

void stoa_emitter_free(struct stoa_emitter *e)
{
	struct timeval at_once = { 0, 0 };

	if (e == NULL)
		return;
	e->closed = true;
	links_close(e);
	calls_fini(e);
	subscriptions_fini(&e->names);
	if (!e->in_callback || event_base_once(e->loop.base, -1, EV_TIMEOUT, free_later, e, &at_once) < 0)
		free_all(e);
}

/* --- JSON --------------------------------------------------------------------------------------------------------- */

int stoa_emitter_quote(char *to, size_t size, const char *text)
{
	struct buf quoted = BUF_INIT;
	int result = json_encode_text(&quoted, slice_str(text));

	if (result == 0) {
		result = (int)quoted.size;
		snprintf(to, size, "%.*s", SLICE_ARG(buf_slice(&quoted)));
	}
	buf_fini(&quoted);
	return result;
}
