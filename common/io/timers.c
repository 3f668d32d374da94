/* timers.c - see timers.h: a wheel of wheels (Varghese and Lauck, "Hashed and hierarchical timing wheels", 1987). */
#include "timers.h"

enum { LEVEL_BITS = 8, MASK = TIMER_SLOTS - 1, WORD = 64, WORDS = TIMER_SLOTS / WORD };

static const int64_t farthest_ms = (INT64_C(1) << LEVEL_BITS * TIMER_LEVELS) - 1;

/* --- Rings -------------------------------------------------------------------------------------------------------- */

static struct timer *timer_of(struct timer_link *link)
{
	return (struct timer *)(void *)link;
}

static bool is_empty(const struct timer_link *head)
{
	return head->next == NULL || head->next == head;
}

static void insert_behind(struct timer_link *at, struct timer_link *link)
{
	link->prev = at;
	link->next = at->next;
	at->next->prev = link;
	at->next = link;
}

static struct timer_link *head_of(struct timer_link *head)
{
	if (head->next == NULL)
		head->next = head->prev = head;
	return head;
}

/* --- Standing somewhere ------------------------------------------------------------------------------------------- */

/* The earliest first. */
static void join_due(struct timers *ts, struct timer *t, bool older)
{
	struct timer_link *head = head_of(&ts->due), *at = older ? head : head->prev;

	if (older)
		while (at->next != head && timer_of(at->next)->due_ms < t->due_ms)
			at = at->next;
	else
		while (at != head && timer_of(at)->due_ms > t->due_ms)
			at = at->prev;
	insert_behind(at, &t->link);
}

/* `older`: it was set before all of its deadline. */
static void stand(struct timers *ts, struct timer *t, bool older)
{
	int64_t ahead = t->due_ms - ts->at_ms, begins;
	unsigned shift = 0, slot;
	struct timer_link *head;

	if (ahead <= 0) {
		join_due(ts, t, older);
		return;
	}
	if (ahead > farthest_ms)
		ahead = farthest_ms;
	while (ahead >> shift >= TIMER_SLOTS)
		shift += LEVEL_BITS;
	begins = (ts->at_ms + ahead) >> shift << shift;
	if (begins < ts->next_ms)
		ts->next_ms = begins;
	slot = (unsigned)(begins >> shift) & MASK;
	head = head_of(&ts->slots[shift / LEVEL_BITS][slot]);
	insert_behind(older ? head : head->prev, &t->link);
	ts->used[shift / LEVEL_BITS][slot / WORD] |= UINT64_C(1) << slot % WORD;
}

static void slot_is_empty(struct timers *ts, size_t i)
{
	ts->used[i / TIMER_SLOTS][i % TIMER_SLOTS / WORD] &= ~(UINT64_C(1) << i % WORD);
}

static void leave(struct timers *ts, struct timer *t)
{
	struct timer_link *rest = t->link.next, *first = &ts->slots[0][0];

	rest->prev = t->link.prev;
	t->link.prev->next = rest;
	t->link.next = NULL;
	/* Alone in a ring is its head. */
	if (rest->next == rest && rest != &ts->due)
		slot_is_empty(ts, (size_t)(rest - first));
}

/* --- Setting ------------------------------------------------------------------------------------------------------ */

static void forget(struct timer_link *head)
{
	struct timer_link *next;

	for (struct timer_link *at = head->next; at && at != head; at = next) {
		next = at->next;
		at->next = NULL;
	}
}

void timers_fini(struct timers *ts)
{
	forget(&ts->due);
	for (size_t i = 0; i < (size_t)TIMER_LEVELS * TIMER_SLOTS; i++)
		forget(&ts->slots[i / TIMER_SLOTS][i % TIMER_SLOTS]);
	*ts = TIMERS_INIT;
}

void timer_set(struct timers *ts, struct timer *t, timer_fn *fn, int64_t due_ms)
{
	int64_t was_ms = t->due_ms;

	t->fn = fn;
	t->due_ms = due_ms;
	if (!timer_is_set(t)) {
		if (ts->count++ == 0)
			ts->next_ms = INT64_MAX;
	} else if (due_ms < was_ms) {
		leave(ts, t);
	}
	if (!timer_is_set(t))
		stand(ts, t, false);
}

void timer_stop(struct timers *ts, struct timer *t)
{
	if (!timer_is_set(t))
		return;
	leave(ts, t);
	ts->count--;
}

/* --- Time passes -------------------------------------------------------------------------------------------------- */

/* The first used slot from `from` on, going round; -1: none. */
static int first_used(const uint64_t used[WORDS], unsigned from)
{
	for (unsigned i = 0; i <= WORDS; i++) {
		unsigned word = (from / WORD + i) % WORDS;
		uint64_t bits = used[word], behind = ~UINT64_C(0) << from % WORD;

		if (i == 0)
			bits &= behind;
		else if (i == WORDS)
			bits &= ~behind;
		if (bits)
			return (int)(word * WORD) + __builtin_ctzll(bits);
	}
	return -1;
}

/* When the time of the next slot with timers comes; INT64_MAX: there is none. */
static int64_t next_slot_ms(const struct timers *ts)
{
	int64_t next = INT64_MAX;

	for (int level = 0; level < TIMER_LEVELS; level++) {
		int64_t now = ts->at_ms >> LEVEL_BITS * level, begins;
		int slot = first_used(ts->used[level], (unsigned)(now + 1) & MASK);

		if (slot < 0)
			continue;
		begins = (now + 1 + ((slot - now - 1) & MASK)) * (INT64_C(1) << LEVEL_BITS * level);
		if (begins < next)
			next = begins;
	}
	return next;
}

/* Timers of a slot whose time has come go where they belong now, each before who was set later. */
static void empty(struct timers *ts, int level)
{
	unsigned slot = (unsigned)(ts->at_ms >> LEVEL_BITS * level) & MASK;
	struct timer_link *head = &ts->slots[level][slot];

	while (!is_empty(head)) {
		struct timer *t = timer_of(head->prev);

		leave(ts, t);
		stand(ts, t, true);
	}
}

/* At the next slot, which is the first of its level's and perhaps of coarser ones as well. Who stands in a coarser one was
 * set earlier than others of that deadline, which was less far then: so the finest goes first. */
static void go_to(struct timers *ts, int64_t at_ms)
{
	ts->at_ms = at_ms;
	for (int level = 0; level < TIMER_LEVELS; level++)
		if ((at_ms & ((INT64_C(1) << LEVEL_BITS * level) - 1)) == 0)
			empty(ts, level);
}

/* Takes the first that is due, unless it was put off meanwhile: then it goes where it belongs. */
static struct timer *take_due(struct timers *ts)
{
	while (!is_empty(&ts->due)) {
		struct timer *t = timer_of(ts->due.next);

		leave(ts, t);
		if (t->due_ms <= ts->at_ms) {
			ts->count--;
			return t;
		}
		stand(ts, t, false);
	}
	return NULL;
}

void timers_run(struct timers *ts, int64_t now_ms)
{
	/* Those due now are run; those that they set for now are not, for there are only so many turns of this loop. */
	uint32_t most = ts->count;
	struct timer *t;

	while (!is_empty(&ts->due) || ts->next_ms <= now_ms) {
		while (most && (t = take_due(ts))) {
			most--;
			t->fn(t, now_ms);
		}
		if (!is_empty(&ts->due))
			return;
		ts->next_ms = next_slot_ms(ts);
		if (ts->next_ms <= now_ms)
			go_to(ts, ts->next_ms);
	}
	if (ts->at_ms < now_ms)
		ts->at_ms = now_ms;
}

int64_t timers_next_ms(const struct timers *ts)
{
	/* The first may have been put off since: who is behind it has not. */
	if (!is_empty(&ts->due))
		return ts->at_ms;
	return ts->count ? ts->next_ms : INT64_MAX;
}
