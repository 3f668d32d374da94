/* asks.c - what the application asks of clients and servers, and the answers. See remote_internal.h. */
#include <errno.h>
#include <stdlib.h>

#include "alloc.h"
#include "metrics.h"
#include "remote_internal.h"

/* What the cluster knows at the end of a question's time (who was silent) comes before its end is told. */
enum { BEHIND_MS = 20, SEND_MS = 1000 };

/* --- Questions ----------------------------------------------------------------------------------------------------- */

static void ask_free(struct ask *a)
{
	map_remove(&a->remote->asks, &a->by_number);
	timer_stop(a->remote->timers, &a->expiry);
	free(a);
}

static void on_expiry(struct timer *t, int64_t now_ms);

static struct ask *ask_new(struct remote *r, int64_t now_ms, const struct batch_record *b, const struct effect *e)
{
	struct ask *a = must_alloc(sizeof(*a) + b->by.size + b->nsp.size + b->sid.size);
	int64_t wait_ms = e->timeout_ms > 0 ? e->timeout_ms : 0;
	char *at = a->copied;

	a->remote = r;
	a->number = ++r->last_ask;
	a->call = e->call;
	a->by = slice_put(&at, b->by);
	a->nsp = slice_put(&at, b->nsp);
	a->sid = slice_put(&at, b->sid);
	a->has_partition = b->id.size || b->sid.size == 0;
	a->partition = b->partition;
	a->expected = UINT64_MAX;
	a->due_ms = wait_ms > INT64_MAX / 2 - now_ms ? INT64_MAX / 2 : now_ms + wait_ms + BEHIND_MS;
	a->by_number.key = slice_of((const char *)&a->number, sizeof(a->number));
	map_add(&r->asks, &a->by_number);
	timer_set(r->timers, &a->expiry, on_expiry, a->due_ms);
	return a;
}

static struct ask *ask_find(struct remote *r, uint64_t number)
{
	struct map_node *node = map_find(&r->asks, slice_of((const char *)&number, sizeof(number)));

	return node ? map_item(node, struct ask, by_number) : NULL;
}

static bool has_questions(const struct effect *e)
{
	while (e && e->call == 0)
		e = e->next;
	return e != NULL;
}

const struct effect *asks_take(struct remote *r, int64_t now_ms, struct arena *arena, const struct batch_record *b)
{
	struct effect *first = NULL, **end = &first;

	if (!has_questions(b->effects))
		return b->effects;
	for (const struct effect *e = b->effects; e; e = e->next) {
		struct effect *copy = arena_take(arena, sizeof(*copy));

		if (copy == NULL) {
			metrics_count(M_OUT_OF_MEMORY);
			break;
		}
		*copy = *e;
		copy->next = NULL;
		if (e->call)
			copy->call = ask_new(r, now_ms, b, e)->number;
		*end = copy;
		end = &copy->next;
	}
	return first;
}

void asks_free(struct remote *r)
{
	struct map_node *node, *next;

	map_foreach(&r->asks, node, next) ask_free(map_item(node, struct ask, by_number));
}

/* --- Answers ------------------------------------------------------------------------------------------------------- */

/* What is said of a question, but for its text. */
struct saying {
	enum answer_op op;
	uint64_t count;
	int status;
	struct slice items, text; /* text: found, or who */
	unsigned flags;
	const struct slice *blobs;
	size_t n_blobs;
};

static struct answer_record answer_of(const struct remote_event *e, const struct ask *a, const struct saying *s)
{
	struct answer_record answer = {
		.to = e->name, .call = a->call, .op = s->op, .count = s->count, .status = s->status
	};

	if (s->op == ANSWER_FOUND)
		answer.found = e->error;
	else
		answer.who = e->error;
	return answer;
}

/* An answer of a client goes behind its events; one of nobody here at once. */
static bool say(struct ask *a, int64_t now_ms, struct client *from, const struct saying *s)
{
	struct remote *r = a->remote;
	struct lane *l = from ? from->upper : NULL;
	struct event_text text = { .name = a->by,
		.items = s->items,
		.error = s->text,
		.blobs = s->blobs,
		.n_blobs = s->n_blobs,
		.nsp = a->nsp,
		.sid = a->sid };
	struct remote_event *e;
	enum refusal why;

	if (!may_wait(r, now_ms, l, sizeof(*e) + s->items.size, &why)) {
		refusal_note(r, now_ms, why, RECORD_ANSWER, a->sid);
		return false;
	}
	e = remote_event_new(r, now_ms, RECORD_ANSWER, &text);
	if (e == NULL)
		return false;
	e->flags = s->flags;
	e->answer = answer_of(e, a, s);
	e->carried.has_partition = a->has_partition;
	e->carried.partition = a->partition;
	e->carried.due_ms = a->due_ms > INT64_MAX / 2 ? a->due_ms : a->due_ms + SEND_MS;
	lane_add(l ? l : lane_new(r, NULL), now_ms, e);
	return true;
}

/* Its time is over: whoever asked hears it from here, behind all that was said in time. */
static void on_expiry(struct timer *t, int64_t now_ms)
{
	struct ask *a = (struct ask *)(void *)((char *)t - offsetof(struct ask, expiry));

	say(a, now_ms, NULL, &(struct saying){ .op = ANSWER_END, .status = -ETIMEDOUT });
	ask_free(a);
}

static void count_answer(struct ask *a)
{
	if (++a->answers >= a->expected)
		ask_free(a);
}

void ask_expect(void *ctx, int64_t now_ms, uint64_t call, size_t clients)
{
	struct ask *a = ask_find(ctx, call);

	if (a == NULL)
		return;
	say(a, now_ms, NULL, &(struct saying){ .op = ANSWER_EXPECT, .count = clients });
	a->expected = clients;
	if (a->answers >= a->expected)
		ask_free(a);
}

void ask_answer(void *ctx, int64_t now_ms, uint64_t call, struct client *from, struct slice items, unsigned flags,
	const struct slice *blobs, size_t n_blobs)
{
	struct ask *a = ask_find(ctx, call);

	if (a == NULL)
		return;
	say(a, now_ms, from,
		&(struct saying){ .op = ANSWER_GIVEN,
			.items = items,
			.flags = flags,
			.blobs = blobs,
			.n_blobs = n_blobs,
			.text = slice_str(from ? from->sid : "") });
	count_answer(a);
}

void ask_gone(void *ctx, int64_t now_ms, uint64_t call, struct client *from)
{
	struct ask *a = ask_find(ctx, call);

	if (a == NULL)
		return;
	say(a, now_ms, from, &(struct saying){ .op = ANSWER_GONE, .text = slice_str(from ? from->sid : "") });
	count_answer(a);
}

bool ask_found(void *ctx, int64_t now_ms, uint64_t call, struct slice json)
{
	struct ask *a = ask_find(ctx, call);
	bool said = a && say(a, now_ms, NULL, &(struct saying){ .op = ANSWER_FOUND, .text = json });

	if (said)
		count_answer(a);
	return said;
}

void ask_silent(void *ctx, int64_t now_ms, uint64_t call, struct slice name)
{
	struct ask *a = ask_find(ctx, call);

	if (a)
		say(a, now_ms, NULL, &(struct saying){ .op = ANSWER_SILENT, .text = name });
}

void ask_end(void *ctx, int64_t now_ms, uint64_t call, int status)
{
	struct ask *a = ask_find(ctx, call);

	if (a == NULL)
		return;
	say(a, now_ms, NULL, &(struct saying){ .op = ANSWER_END, .status = status });
	ask_free(a);
}
