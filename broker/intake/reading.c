/* reading.c - what is claimed and read, by the credit that the slots have left. */
#include <errno.h>
#include <stdlib.h>

#include "intake_internal.h"
#include "log.h"

/* --- Credit ------------------------------------------------------------------------------------------------------- */

/* Each partition may have at least one event at its slot, so that an idle one can be read whole. */
static unsigned credit_of(const struct intake *in, const struct slot *s)
{
	return in->config.credits > s->n_parts ? in->config.credits : s->n_parts;
}

static unsigned free_of(const struct intake *in, const struct slot *s)
{
	unsigned used = s->in_work + s->claiming + s->reading, all = credit_of(in, s);

	return s->runs && used < all ? all - used : 0;
}

/* --- What is pending ---------------------------------------------------------------------------------------------- */

static void claim_more(struct part *p);

static void on_claimed(void *to, int64_t now_ms, int64_t result, struct slice text)
{
	struct part *p = to;
	bool anew = p->claim_anew;

	(void)text;
	p->claim_asked = p->claim_anew = false;
	p->in->slots[p->claim_slot].claiming -= p->claim_credit;
	if (result == 0 && !anew && p->state == PART_CLAIMING)
		p->state = PART_READING;
	else if ((result == -ENOENT || result == -EPROTO) && p->state == PART_CLAIMING) /* its group is lost */
		ops_of(p->in)->create(p->in->streams, p->events, NULL, NULL);
	intake_soon(p->in, now_ms);
}

static void claim_more(struct part *p)
{
	struct intake *in = p->in;
	struct slot *s = &in->slots[p->slot];
	unsigned n = free_of(in, s);

	if (p->claim_asked || p->in_read || n == 0)
		return;
	n = n < CLAIM_MAX ? n : CLAIM_MAX;
	if (ops_of(in)->claim(in->streams, in->config.broker, p->events, id_slice(&p->after), n, on_claimed, p))
		return;
	p->claim_asked = true;
	p->claim_slot = p->slot;
	p->claim_credit = n;
	s->claiming += n;
}

void reading_claim(struct part *p)
{
	p->after.size = 0;
	p->claim_anew = p->claim_asked;
	p->state = PART_CLAIMING;
}

/* --- What is new -------------------------------------------------------------------------------------------------- */

/* How much of a slot one read may ask for. With little credit left it waits until there is more: many reads of a few
 * entries cost more than they bring. */
struct share {
	unsigned parts, taken, seen; /* partitions that can be read, that will be, and passed so far */
	unsigned each;
};

static bool is_readable(const struct part *p, int64_t now_ms)
{
	return p->state == PART_READING && part_may_begin(p, now_ms);
}

static void share_of(const struct intake *in, const struct slot *s, struct share *share)
{
	unsigned left = free_of(in, s), enough = credit_of(in, s) / 4;

	if (share->parts == 0 || left == 0 || left < enough)
		return;
	share->taken = share->parts < left ? share->parts : left;
	share->each = left / share->taken;
}

static unsigned shares_of(const struct intake *in, struct share *shares, int64_t now_ms)
{
	unsigned each = READ_MAX;

	for (unsigned i = 0; i < in->config.partitions; i++)
		if (is_readable(&in->parts[i], now_ms))
			shares[in->parts[i].slot].parts++;
	for (unsigned i = 0; i < in->config.slots; i++) {
		share_of(in, &in->slots[i], &shares[i]);
		if (shares[i].taken && shares[i].each < each)
			each = shares[i].each;
	}
	return each;
}

/* Whose turn it is goes round among the slot's partitions. */
static bool takes_part(const struct slot *s, struct share *share)
{
	unsigned place = (share->seen++ + s->turn) % share->parts;

	return place < share->taken;
}

static size_t choose(struct intake *in, struct share *shares, unsigned each, int64_t now_ms)
{
	size_t n = 0;

	for (unsigned i = 0; i < in->config.partitions; i++) {
		struct part *p = &in->parts[i];
		struct slot *s = &in->slots[p->slot];

		if (!is_readable(p, now_ms) || !takes_part(s, &shares[p->slot]))
			continue;
		in->reads[n++] = p->events;
		p->in_read = true;
		s->reading += each;
	}
	for (unsigned i = 0; i < in->config.slots; i++)
		in->slots[i].turn += shares[i].taken;
	return n;
}

static void unread(struct intake *in)
{
	for (unsigned i = 0; i < in->config.partitions; i++)
		in->parts[i].in_read = false;
	for (unsigned i = 0; i < in->config.slots; i++)
		in->slots[i].reading = 0;
}

/* What is left out for want of credit is asked for soon; there is no other way to end a read. */
static int64_t block_of(const struct intake *in, const struct share *shares)
{
	for (unsigned i = 0; i < in->config.slots; i++)
		if (in->slots[i].runs && shares[i].taken < shares[i].parts)
			return BLOCK_BUSY_MS;
	return BLOCK_MS;
}

static void read_more(struct intake *in, int64_t now_ms)
{
	unsigned each;
	size_t n;

	memset(in->shares, 0, in->config.slots * sizeof(*in->shares));
	each = shares_of(in, in->shares, now_ms);
	n = choose(in, in->shares, each, now_ms);
	if (n == 0)
		return;
	if (ops_of(in)->read(in->streams, in->config.broker, in->reads, n, each, block_of(in, in->shares)) == 0) {
		in->is_reading = true;
		return;
	}
	unread(in);
	in->read_after_ms = now_ms + READ_RETRY_MS;
}

/* Redis has lost a group without having told: all of it is made anew. */
static void make_groups(struct intake *in)
{
	for (unsigned i = 0; i < in->config.partitions; i++) {
		struct part *p = &in->parts[i];

		if (p->state != PART_READING)
			continue;
		ops_of(in)->create(in->streams, p->events, NULL, NULL);
		reading_claim(p);
	}
}

void reading_end(struct intake *in, int64_t now_ms, int result)
{
	in->is_reading = false;
	unread(in);
	if (result == -ENOENT)
		make_groups(in);
	else if (result < 0 && result != -ENOTCONN)
		in->read_after_ms = now_ms + READ_RETRY_MS;
	intake_soon(in, now_ms);
}

/* What is at workers by then still has room. */
static bool has_memory(const struct intake *in)
{
	return in->unconfirmed <= in->config.max_unconfirmed - in->config.max_unconfirmed / 4;
}

void reading_work(struct intake *in, int64_t now_ms)
{
	if (!in->up)
		return;
	for (unsigned i = 0; i < in->config.partitions; i++)
		if (in->parts[i].state == PART_CLAIMING && part_may_begin(&in->parts[i], now_ms))
			claim_more(&in->parts[i]);
	if (!in->is_reading && now_ms >= in->read_after_ms && has_memory(in))
		read_more(in, now_ms);
}

void reading_init(struct intake *in)
{
	in->reads = calloc(in->config.partitions, sizeof(*in->reads));
	in->shares = calloc(in->config.slots, sizeof(*in->shares));
}

void reading_fini(struct intake *in)
{
	free(in->reads);
	free(in->shares);
}
