/* redis_queue.c - see redis.h: commands on their way, and whose answer is whose. */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <hiredis/hiredis.h>
#include <limits.h>
#include <stdlib.h>

#include "metrics.h"
#include "redis_internal.h"

enum {
	QUEUE_FIRST = 32,       /* commands; it grows by doubling and keeps what it has */
	COPIED_BYTES = 4 * 1024 /* a command up to this is copied into the output, a larger one given to it */
};

/* --- The ring ----------------------------------------------------------------------------------------------------- */

static struct redis_sent *nth(const struct redis_queue *q, size_t n)
{
	return &q->at[(q->first + n) & (q->cap - 1)];
}

static bool grow(struct redis_queue *q)
{
	size_t cap = q->cap ? q->cap * 2 : QUEUE_FIRST;
	struct redis_sent *at = malloc(cap * sizeof(*at));

	if (at == NULL)
		return false;
	for (size_t i = 0; i < q->count; i++)
		at[i] = *nth(q, i);
	free(q->at);
	q->at = at;
	q->cap = cap;
	q->first = 0;
	return true;
}

static void account(struct redis_queue *q, int64_t bytes)
{
	q->bytes = (size_t)((int64_t)q->bytes + bytes);
	metrics_add(M_REDIS_QUEUED, bytes);
}

static struct redis_sent pop(struct redis_queue *q)
{
	struct redis_sent sent = *nth(q, 0);

	q->first = (q->first + 1) & (q->cap - 1);
	q->count--;
	account(q, -(int64_t)sent.size);
	return sent;
}

const struct redis_sent *redis_oldest(const struct redis *r)
{
	return r->queue.count ? nth(&r->queue, 0) : NULL;
}

size_t redis_queued_bytes(const struct redis *r)
{
	return r->queue.bytes;
}

void redis_queue_clear(struct redis *r)
{
	account(&r->queue, -(int64_t)r->queue.bytes);
	free(r->queue.at);
	r->queue = (struct redis_queue){ 0 };
}

/* From the newest on, whatever has a byte that was not written did not arrive whole. */
static size_t count_unsent(const struct redis_queue *q, size_t unsent)
{
	size_t n = 0;

	while (unsent > 0 && n < q->count) {
		size_t size = nth(q, q->count - ++n)->size;

		unsent -= size < unsent ? size : unsent;
	}
	return n;
}

void redis_queue_fail(struct redis *r)
{
	size_t unsent = count_unsent(&r->queue, r->unsent);

	r->unsent = 0;
	while (r->queue.count) {
		bool is_unsent = r->queue.count <= unsent;
		struct redis_sent sent = pop(&r->queue);

		if (sent.fn)
			sent.fn(sent.ctx, is_unsent ? REDIS_UNSENT : REDIS_UNKNOWN, NULL);
	}
}

/* --- Sending ------------------------------------------------------------------------------------------------------ */

static size_t digits(size_t n)
{
	size_t count = 1;

	while (n >= 10) {
		n /= 10;
		count++;
	}
	return count;
}

/* "*2\r\n$4\r\nPING\r\n..": what hiredis will write. */
static size_t size_of(const struct slice *argv, size_t argc)
{
	size_t size = 1 + digits(argc) + 2;

	for (size_t i = 0; i < argc; i++)
		size += 1 + digits(argv[i].size) + 2 + argv[i].size + 2;
	return size;
}

/* hiredis takes two arrays. NULL: no memory. */
static char *format(const struct slice *argv, size_t argc)
{
	enum { FEW = 16 };
	const char *few_at[FEW], **at = few_at;
	size_t few_size[FEW], *size = few_size;
	char *text = NULL;

	if (argc > FEW) {
		at = malloc(argc * sizeof(*at));
		size = malloc(argc * sizeof(*size));
	}
	for (size_t i = 0; at && size && i < argc; i++) {
		at[i] = argv[i].size ? argv[i].at : "";
		size[i] = argv[i].size;
	}
	if (at && size && redisFormatCommandArgv(&text, (int)argc, at, size) < 0)
		text = NULL;
	if (at != few_at)
		free(at);
	if (size != few_size)
		free(size);
	return text;
}

static void free_written(const void *at, size_t size, void *text)
{
	(void)at;
	(void)size;
	redisFreeCommand(text);
}

static int write_command(struct redis *r, const struct slice *argv, size_t argc, size_t size)
{
	struct evbuffer *output = bufferevent_get_output(r->link);
	char *text = format(argv, argc);
	int failed;

	if (text == NULL)
		return -ENOMEM;
	if (size > COPIED_BYTES) {
		failed = evbuffer_add_reference(output, text, size, free_written, text);
	} else {
		failed = evbuffer_add(output, text, size);
		redisFreeCommand(text);
		text = NULL;
	}
	if (failed && text)
		redisFreeCommand(text);
	if (!failed)
		redis_link_write(r);
	return failed ? -ENOMEM : 0;
}

int redis_give(struct redis *r, const struct slice *argv, size_t argc, const struct redis_sent *sent)
{
	struct redis_queue *q = &r->queue;
	size_t size = size_of(argv, argc);
	bool was_empty = q->count == 0;
	int error;

	if (q->count == q->cap && !grow(q))
		return -ENOMEM;
	error = write_command(r, argv, argc, size);
	if (error)
		return error;
	*nth(q, q->count++) = *sent;
	nth(q, q->count - 1)->size = size;
	nth(q, q->count - 1)->given_ms = loop_now(r->loop);
	account(q, (int64_t)size);
	metrics_add(M_REDIS_BYTES_SENT, (int64_t)size);
	if (was_empty && r->state == REDIS_READY)
		redis_watch(r);
	return 0;
}

void redis_ping(struct redis *r)
{
	const struct redis_sent sent = { .kind = REDIS_SENT_PING };

	if (redis_give(r, &SLICE("PING"), 1, &sent) < 0)
		redis_fail(r, REDIS_TROUBLE_MEMORY, NULL);
}

/* What the owner asks for: only when ready, and only so much. */
static int ask(struct redis *r, const struct slice *argv, size_t argc, const struct redis_sent *sent)
{
	size_t size = size_of(argv, argc);

	if (!redis_ready(r))
		return -ENOTCONN;
	if (size > r->config->max_queue || r->queue.bytes > r->config->max_queue - size || size > INT_MAX / 2) {
		metrics_count(M_REDIS_REFUSED);
		return -ENOBUFS;
	}
	metrics_count(M_REDIS_COMMANDS_TOTAL);
	return redis_give(r, argv, argc, sent);
}

int redis_command(struct redis *r, const struct slice *argv, size_t argc, redis_reply_fn *fn, void *ctx)
{
	const struct redis_sent sent = { .fn = fn, .ctx = ctx, .kind = REDIS_SENT_COMMAND };

	if (argc == 0 || argc > INT_MAX || argv[0].size == 0 || r->role != REDIS_COMMANDS)
		return -EINVAL;
	return ask(r, argv, argc, &sent);
}

static int ask_names(struct redis *r, struct slice verb, const struct slice *at, struct redis_sent *sent)
{
	size_t argc = sent->left + 1;
	struct slice *argv;
	int error;

	if (sent->left == 0 || sent->left >= INT_MAX || r->role != REDIS_SUBSCRIBER)
		return -EINVAL;
	argv = malloc(argc * sizeof(*argv));
	if (argv == NULL)
		return -ENOMEM;
	argv[0] = verb;
	memcpy(argv + 1, at, sent->left * sizeof(*at));
	error = ask(r, argv, argc, sent);
	free(argv);
	return error;
}

int redis_subscribe(
	struct redis *r, enum redis_names names, const struct slice *at, size_t count, redis_reply_fn *fn, void *ctx)
{
	static const char *const verbs[] = { "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE" };
	struct redis_sent sent = { fn, ctx, 0, 0, count, REDIS_SENT_NAMES, REDIS_PUSH_SUBSCRIBED, names };

	return ask_names(r, slice_str(verbs[names]), at, &sent);
}

int redis_unsubscribe(
	struct redis *r, enum redis_names names, const struct slice *at, size_t count, redis_reply_fn *fn, void *ctx)
{
	static const char *const verbs[] = { "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE" };
	struct redis_sent sent = { fn, ctx, 0, 0, count, REDIS_SENT_NAMES, REDIS_PUSH_UNSUBSCRIBED, names };

	return ask_names(r, slice_str(verbs[names]), at, &sent);
}

/* --- Answers ------------------------------------------------------------------------------------------------------ */

static void call(const struct redis_sent *sent, const struct redis_reply *reply)
{
	if (sent->fn)
		sent->fn(sent->ctx, REDIS_ANSWERED, reply);
}

/* An error is counted, whoever asked; the opening reads its own. */
static void note_error(struct redis *r, const struct redis_reply *reply)
{
	enum redis_trouble trouble = redis_trouble_of(reply->text);

	if (trouble <= REDIS_LAST_LINK_TROUBLE)
		redis_fail(r, trouble, NULL);
	else if (!redis_is_expected(reply->text))
		redis_note(r, trouble, reply->text);
}

static void take_unasked(struct redis *r, const struct redis_reply *reply)
{
	enum redis_trouble trouble = REDIS_TROUBLE_PROTOCOL;

	if (reply->type == REDIS_ERROR)
		trouble = redis_trouble_of(reply->text);
	redis_fail(r, trouble <= REDIS_LAST_LINK_TROUBLE ? trouble : REDIS_TROUBLE_PROTOCOL, "an answer to no command");
}

static void take_answer(struct redis *r, const struct redis_reply *reply)
{
	bool is_opening = r->state == REDIS_OPENING;
	unsigned link = r->links;
	struct redis_sent sent;

	if (r->queue.count == 0) {
		take_unasked(r, reply);
		return;
	}
	if (nth(&r->queue, 0)->kind == REDIS_SENT_NAMES && reply->type != REDIS_ERROR) {
		redis_fail(r, REDIS_TROUBLE_PROTOCOL, "an answer where a subscription was to be confirmed");
		return;
	}
	sent = pop(&r->queue);
	call(&sent, reply);
	if (reply->type == REDIS_ERROR && !is_opening && r->links == link)
		note_error(r, reply);
}

static void take_message(struct redis *r, const struct redis_push *push, const struct redis_reply *reply)
{
	(void)reply;
	metrics_count(M_REDIS_MESSAGES);
	if (r->ops->message)
		r->ops->message(r->ctx, push);
}

static void take_pong(struct redis *r, const struct redis_push *push, const struct redis_reply *reply)
{
	(void)push;
	(void)reply;
	if (r->queue.count && nth(&r->queue, 0)->kind == REDIS_SENT_PING)
		pop(&r->queue);
	else
		redis_fail(r, REDIS_TROUBLE_PROTOCOL, "a pong to no ping");
}

static bool confirms(const struct redis_push *push, const struct redis_sent *sent)
{
	return sent && sent->kind == REDIS_SENT_NAMES && sent->confirmed_by == push->kind && sent->names == push->names;
}

static void take_confirmation(struct redis *r, const struct redis_push *push, const struct redis_reply *reply)
{
	bool is_ours = confirms(push, redis_oldest(r));
	unsigned link = r->links;
	struct redis_sent sent;

	/* Redis moves a slot elsewhere and says so without being asked. */
	if (!is_ours && !(push->kind == REDIS_PUSH_UNSUBSCRIBED && push->names == REDIS_SHARDED)) {
		redis_fail(r, REDIS_TROUBLE_PROTOCOL, "a subscription confirmed that was not asked for");
		return;
	}
	if (is_ours)
		nth(&r->queue, 0)->left--;
	if (r->ops->subscription)
		r->ops->subscription(r->ctx, push);
	if (!is_ours || r->links != link || nth(&r->queue, 0)->left > 0)
		return;
	sent = pop(&r->queue);
	call(&sent, reply);
}

static void take_bad(struct redis *r, const struct redis_push *push, const struct redis_reply *reply)
{
	(void)push;
	(void)reply;
	redis_fail(r, REDIS_TROUBLE_PROTOCOL, "a message of another shape than Redis's");
}

void redis_take_reply(struct redis *r, const struct redis_reply *reply)
{
	static void (*const takers[])(
		struct redis * r, const struct redis_push *push, const struct redis_reply *reply) = {
		[REDIS_PUSH_MESSAGE] = take_message,
		[REDIS_PUSH_SUBSCRIBED] = take_confirmation,
		[REDIS_PUSH_UNSUBSCRIBED] = take_confirmation,
		[REDIS_PUSH_PONG] = take_pong,
		[REDIS_PUSH_BAD] = take_bad,
	};
	struct redis_push push = { .kind = REDIS_PUSH_NONE };

	if (r->role == REDIS_SUBSCRIBER && r->state == REDIS_READY)
		redis_push_of(reply, &push);
	if (push.kind == REDIS_PUSH_NONE)
		take_answer(r, reply);
	else
		takers[push.kind](r, &push, reply);
}
