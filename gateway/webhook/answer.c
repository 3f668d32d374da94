/* answer.c - see answer.h. */
#include "answer.h"

#define BY SLICE("webhook")

/* Batches name the entry of a stream that they answer; ours is in none. */
#define ENTRY SLICE("0-1")

static struct slice trim(struct slice s)
{
	while (s.size && strchr(" \t\r\n", s.at[0]))
		s = slice_from(s, 1);
	while (s.size && strchr(" \t\r\n", s.at[s.size - 1]))
		s.size--;
	return s;
}

static struct batch_record outside_of(const struct answered *e)
{
	struct batch_record b = { .by = BY, .nsp = e->nsp, .sid = e->sid, .n = e->n };

	/* What an answer leaves comes as what happens later does: the event that asked is over. */
	if (e->kind == RECORD_ANSWER)
		b.n = 0;
	else
		b.id = ENTRY;
	return b;
}

/* What is said of the event goes behind what the body says, which is checked by whoever reads the batch: of members that
 * come twice the last one counts. */
static void put_spliced(struct buf *to, const struct answered *e, struct slice body)
{
	struct batch_record b = outside_of(e);
	struct buf outside = BUF_INIT;

	batch_record_put(&outside, VALUE_JSON, &b);
	buf_add(to, body.at, body.size - 1);
	if (trim(slice_from(slice_first(body, body.size - 1), 1)).size)
		buf_add_char(to, ',');
	buf_add_slice(to, slice_from(buf_slice(&outside), 1));
	to->failed |= outside.failed;
	buf_fini(&outside);
}

/* Whether the event waits for a verdict, which is then the first effect; and the one that is meant when there is none. */
static bool wants_verdict(enum record_kind kind, enum effect_kind *yes, enum effect_kind *no)
{
	if (kind == RECORD_CONNECT) {
		*yes = EFFECT_ACCEPT;
		*no = EFFECT_REFUSE;
	} else if (kind == RECORD_HANDSHAKE) {
		*yes = EFFECT_ADMIT;
		*no = EFFECT_DENY;
	} else {
		return false;
	}
	return true;
}

/* The batch with its verdict, when it can be read and has none. */
static bool put_with_verdict(
	struct buf *to, const struct answered *e, struct slice batch, const struct record_rules *rules)
{
	struct arena arena = ARENA_INIT;
	struct effect verdict = { .next = NULL };
	struct batch_record b;
	enum effect_kind no;
	bool lacks = wants_verdict(e->kind, &verdict.kind, &no) &&
		     batch_record_read(&arena, batch, rules, &b) == NULL && b.failed.size == 0 &&
		     (b.effects == NULL || (b.effects->kind != verdict.kind && b.effects->kind != no));

	if (lacks) {
		verdict.to.sid = b.sid.at;
		verdict.to.sid_nsp = verdict.to.nsp = b.nsp.at;
		verdict.next = (struct effect *)(uintptr_t)b.effects; /* it is only read */
		b.effects = &verdict;
		if (batch_record_put(to, VALUE_JSON, &b) < 0)
			to->failed = true;
	}
	arena_fini(&arena);
	return lacks;
}

void answer_put_batch(struct buf *to, const struct answered *e, struct slice body, const struct record_rules *rules)
{
	struct slice object = trim(body);
	struct buf spliced = BUF_INIT;

	if (object.size == 0)
		object = SLICE("{}");
	if (object.size < 2 || object.at[0] != '{' || object.at[object.size - 1] != '}')
		object = SLICE("{\"effects\":\"not an object\"}"); /* it will be said that it cannot be read */
	put_spliced(&spliced, e, object);
	if (spliced.failed)
		to->failed = true;
	else if (!put_with_verdict(to, e, buf_slice(&spliced), rules))
		buf_add_slice(to, buf_slice(&spliced));
	buf_fini(&spliced);
}

void answer_put_failed(struct buf *to, const struct answered *e, struct slice why)
{
	struct batch_record b = outside_of(e);

	b.failed = why;
	batch_record_put(to, VALUE_JSON, &b);
}
