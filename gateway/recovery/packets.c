/* packets.c - the log of packets: a ring by number. See recovery_internal.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "metrics.h"
#include "recovery_internal.h"

static struct logged **place(const struct recovery *r, uint64_t number)
{
	return &r->ring[number & (r->cap - 1)];
}

uint64_t recovery_position(const struct recovery *r)
{
	return r->next - 1;
}

/* --- Offsets ------------------------------------------------------------------------------------------------------ */

static bool concerns(const struct recovery *r, const struct hub *hub, const struct recovery_packet *p)
{
	const struct hub_namespace *n = hub_namespace(hub, p->nsp);

	if (p->n_rooms == 0)
		return n || recovery_awaits(r, p->nsp, slice_of(NULL, 0));
	for (size_t i = 0; i < p->n_rooms; i++)
		if ((n && hub_has_room(n, p->rooms[i])) || recovery_awaits(r, p->nsp, p->rooms[i]))
			return true;
	return false;
}

/* Four characters that are this process's, and the number: whoever has seen neither does not name it by chance. */
struct recovery_offset recovery_begin(const struct hub *hub, const struct recovery_packet *p)
{
	const struct recovery *r = hub->recovery;
	struct recovery_offset offset = { .size = 0 };
	char number[17];

	if (r == NULL || !concerns(r, hub, p))
		return offset;
	offset.size = sizeof(r->prefix) + (size_t)snprintf(number, sizeof(number), "%" PRIx64, r->next);
	memcpy(offset.text, r->prefix, sizeof(r->prefix));
	memcpy(offset.text + sizeof(r->prefix), number, offset.size - sizeof(r->prefix));
	return offset;
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* As it was written, and nothing else. */
bool packets_parse(const struct recovery *r, struct slice offset, uint64_t *number)
{
	*number = 0;
	if (offset.size <= sizeof(r->prefix) || offset.size > RECOVERY_OFFSET_MAX ||
		memcmp(offset.at, r->prefix, sizeof(r->prefix)) != 0 || offset.at[sizeof(r->prefix)] == '0')
		return false;
	for (size_t i = sizeof(r->prefix); i < offset.size; i++) {
		int digit = digit_of(offset.at[i]);

		if (digit < 0)
			return false;
		*number = *number << 4 | (unsigned)digit;
	}
	return *number < r->next;
}

/* --- Adding ------------------------------------------------------------------------------------------------------- */

enum { RING_FIRST = 256 };

static bool grow(struct recovery *r)
{
	size_t cap = r->cap ? 2 * r->cap : RING_FIRST;
	struct logged **ring = malloc(cap * sizeof(*ring));

	if (ring == NULL)
		return false;
	for (uint64_t i = r->first; i < r->next; i++)
		ring[i & (cap - 1)] = *place(r, i);
	free(r->ring);
	r->ring = ring;
	r->cap = cap;
	return true;
}

static struct slice copy(char **at, struct slice text)
{
	struct slice made = slice_of(*at, text.size);

	if (text.size)
		memcpy(*at, text.at, text.size);
	*at += text.size;
	return made;
}

static void copy_names(struct logged *l, char **at, const struct slice *from, size_t n, size_t begin)
{
	for (size_t i = 0; i < n; i++) {
		l->hashes[begin + i] = map_hash(from[i].at, from[i].size);
		l->names[begin + i] = copy(at, from[i]);
	}
}

static size_t bytes_of(const struct slice *names, size_t n)
{
	size_t bytes = n * (sizeof(struct slice) + sizeof(unsigned));

	for (size_t i = 0; i < n; i++)
		bytes += names[i].size;
	return bytes;
}

static struct logged *logged_new(int64_t now_ms, const struct recovery_packet *p, struct frame *f)
{
	size_t size = sizeof(struct logged) + bytes_of(p->rooms, p->n_rooms) + bytes_of(p->skip, p->n_skip) +
		      p->nsp.size + p->skip_sid.size;
	struct logged *l = calloc(1, size);
	char *at;

	if (l == NULL)
		return NULL;
	l->at_ms = now_ms;
	l->bytes = size + sizeof(struct logged *);
	l->n_rooms = p->n_rooms;
	l->n_skip = p->n_skip;
	l->names = (struct slice *)(void *)(l + 1);
	l->hashes = (unsigned *)(void *)(l->names + p->n_rooms + p->n_skip);
	at = (char *)(l->hashes + p->n_rooms + p->n_skip);
	l->nsp_hash = map_hash(p->nsp.at, p->nsp.size);
	l->nsp = copy(&at, p->nsp);
	l->skip_sid = copy(&at, p->skip_sid);
	copy_names(l, &at, p->rooms, p->n_rooms, 0);
	copy_names(l, &at, p->skip, p->n_skip, p->n_rooms);
	if (f) {
		l->frame = frame_ref(f);
		l->bytes += sizeof(*f) + f->size;
	}
	return l;
}

/* A packet that cannot be kept is a hole like one that is forgotten. */
static void add(struct recovery *r, struct logged *l)
{
	if (l && r->next - r->first == r->cap && !grow(r)) {
		frame_unref(l->frame);
		free(l);
		l = NULL;
	}
	if (l == NULL) {
		metrics_count(M_OUT_OF_MEMORY);
		while (r->first < r->next)
			packets_forget(r);
		r->first = ++r->next;
		return;
	}
	*place(r, r->next++) = l;
	r->bytes += l->bytes;
}

void packets_add_gap(struct recovery *r, int64_t now_ms)
{
	r->gap = r->next;
	add(r, logged_new(now_ms, &(struct recovery_packet){ .n_rooms = 0 }, NULL));
}

void recovery_log(const struct hub *hub, int64_t now_ms, const struct recovery_packet *p, struct frame *f)
{
	struct recovery *r = hub->recovery;
	struct hub_target t = { .nsp = hub_namespace(hub, p->nsp), .rooms = p->rooms, .n_rooms = p->n_rooms };

	hub_note_said(&t, r->next);
	add(r, logged_new(now_ms, p, f));
	recovery_fit(r);
	recovery_watch(r);
}

/* --- Forgetting --------------------------------------------------------------------------------------------------- */

void packets_forget(struct recovery *r)
{
	struct logged *l = *place(r, r->first++);

	r->bytes -= l->bytes;
	frame_unref(l->frame);
	free(l);
}

void packets_expire(struct recovery *r, int64_t now_ms)
{
	while (r->first < r->next && (*place(r, r->first))->at_ms + r->config.keep_ms <= now_ms)
		packets_forget(r);
	if (r->first < r->next)
		return;
	free(r->ring);
	r->ring = NULL;
	r->cap = 0;
}

void packets_fini(struct recovery *r)
{
	while (r->first < r->next)
		packets_forget(r);
	free(r->ring);
}

/* --- Whom they were for ------------------------------------------------------------------------------------------- */

static bool is_in(const struct recovery_saved *s, struct slice name, unsigned hash)
{
	for (size_t i = 0; i < s->n_rooms; i++)
		if (s->hashes[i] == hash && slice_equal(s->room[i], name))
			return true;
	return false;
}

static bool is_any(const struct logged *l, const struct recovery_saved *s, size_t begin, size_t n)
{
	for (size_t i = begin; i < begin + n; i++)
		if (is_in(s, l->names[i], l->hashes[i]))
			return true;
	return false;
}

static bool is_for(const struct logged *l, const struct recovery_saved *s)
{
	if (l->frame == NULL || l->nsp_hash != s->nsp_hash || !slice_equal(l->nsp, s->nsp))
		return false;
	if (l->n_rooms && !is_any(l, s, 0, l->n_rooms))
		return false;
	return !is_any(l, s, l->n_rooms, l->n_skip) && (l->skip_sid.size == 0 || !slice_equal(l->skip_sid, s->room[0]));
}

uint64_t recovery_missed(
	const struct recovery *r, const struct recovery_saved *s, void (*each)(void *to, struct frame *f), void *to)
{
	uint64_t number = s->from + 1 > r->first ? s->from + 1 : r->first, last = s->from;

	for (; number < r->next; number++) {
		if (!is_for(*place(r, number), s))
			continue;
		each(to, (*place(r, number))->frame);
		last = number;
	}
	return last;
}

static void add_bytes(void *to, struct frame *f)
{
	size_t *bytes = to;

	*bytes += f->size;
}

size_t packets_missed_bytes(const struct recovery *r, const struct recovery_saved *s)
{
	size_t bytes = 0;

	recovery_missed(r, s, add_bytes, &bytes);
	return bytes;
}
