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

static size_t bytes_of(const struct recovery_packet *p, size_t n_links)
{
	size_t bytes = sizeof(struct logged) + n_links * sizeof(struct link) + p->skip_sid.size +
		       p->n_skip * (sizeof(struct slice) + sizeof(unsigned));

	for (size_t i = 0; i < p->n_skip; i++)
		bytes += p->skip[i].size;
	return bytes;
}

static struct logged *logged_new(int64_t now_ms, const struct recovery_packet *p, struct frame *f)
{
	size_t most_links = p->n_rooms ? p->n_rooms : 1, size = bytes_of(p, most_links);
	struct logged *l = calloc(1, size);
	char *at;

	if (l == NULL)
		return NULL;
	l->at_ms = now_ms;
	l->bytes = size + sizeof(struct logged *);
	l->n_skip = p->n_skip;
	l->skip = (struct slice *)(void *)(l->links + most_links);
	l->hashes = (unsigned *)(void *)(l->skip + p->n_skip);
	at = (char *)(l->hashes + p->n_skip);
	l->skip_sid = copy(&at, p->skip_sid);
	for (size_t i = 0; i < p->n_skip; i++) {
		l->hashes[i] = map_hash(p->skip[i].at, p->skip[i].size);
		l->skip[i] = copy(&at, p->skip[i]);
	}
	if (f) {
		l->frame = frame_ref(f);
		l->bytes += sizeof(*f) + f->size;
	}
	return l;
}

/* --- Chains ------------------------------------------------------------------------------------------------------- */

/* Namespaces have no NUL in them, rooms may. */
void packets_key(struct buf *to, struct slice nsp, struct slice room)
{
	buf_clear(to);
	buf_add_slice(to, nsp);
	if (room.at == NULL)
		return;
	buf_add_char(to, '\0');
	buf_add_slice(to, room);
}

static struct chain *chain_new(struct recovery *r, struct slice key)
{
	struct chain *c = calloc(1, sizeof(*c) + key.size);

	if (c == NULL)
		return NULL;
	memcpy(c->name, key.at, key.size);
	c->node.key = slice_of(c->name, key.size);
	c->bytes = sizeof(*c) + key.size + sizeof(void *);
	map_add(&r->chains, &c->node);
	r->bytes += c->bytes;
	return c;
}

/* To the end of its chain, once. False: no memory. */
static bool chain_up(struct recovery *r, struct logged *l, struct slice nsp, struct slice room)
{
	struct buf key = BUF_INIT;
	struct map_node *node;
	struct chain *c = NULL;

	packets_key(&key, nsp, room);
	if (!key.failed) {
		node = map_find(&r->chains, buf_slice(&key));
		c = node ? map_item(node, struct chain, node) : chain_new(r, buf_slice(&key));
	}
	buf_fini(&key);
	if (c && c->last != r->next) {
		l->links[l->n_links++] = (struct link){ c, c->last };
		c->last = r->next;
	}
	return c != NULL;
}

static bool chain_all(struct recovery *r, struct logged *l, const struct recovery_packet *p)
{
	bool ok = p->n_rooms || chain_up(r, l, p->nsp, slice_of(NULL, 0));

	for (size_t i = 0; i < p->n_rooms && ok; i++)
		ok = chain_up(r, l, p->nsp, p->rooms[i].at ? p->rooms[i] : SLICE(""));
	return ok;
}

/* Those of packet `number`, whose last one it is. */
static void end_chains(struct recovery *r, const struct logged *l, uint64_t number)
{
	for (size_t i = 0; i < l->n_links; i++) {
		struct chain *c = l->links[i].chain;

		if (c->last != number)
			continue;
		map_remove(&r->chains, &c->node);
		r->bytes -= c->bytes;
		free(c);
	}
}

static void logged_free(struct recovery *r, struct logged *l, uint64_t number)
{
	end_chains(r, l, number);
	frame_unref(l->frame);
	free(l);
}

/* --- In and out --------------------------------------------------------------------------------------------------- */

/* A packet that cannot be kept is a hole like one that is forgotten. */
static void add_hole(struct recovery *r)
{
	metrics_count(M_OUT_OF_MEMORY);
	while (r->first < r->next)
		packets_forget(r);
	r->first = ++r->next;
}

/* `p` NULL: to nobody. */
static void add(struct recovery *r, struct logged *l, const struct recovery_packet *p)
{
	bool kept = l && (p == NULL || chain_all(r, l, p)) && (r->next - r->first < r->cap || grow(r));

	if (kept) {
		*place(r, r->next++) = l;
		r->bytes += l->bytes;
		return;
	}
	add_hole(r);
	if (l)
		logged_free(r, l, r->next - 1);
}

void packets_add_gap(struct recovery *r, int64_t now_ms)
{
	r->gap = r->next;
	add(r, logged_new(now_ms, &(struct recovery_packet){ .n_rooms = 0 }, NULL), NULL);
}

void recovery_log(const struct hub *hub, int64_t now_ms, const struct recovery_packet *p, struct frame *f)
{
	struct recovery *r = hub->recovery;
	struct hub_target t = { .nsp = hub_namespace(hub, p->nsp),
		.rooms = p->rooms,
		.n_rooms = p->n_rooms,
		.skip = p->skip,
		.n_skip = p->n_skip };

	hub_note_said(&t, r->next);
	add(r, logged_new(now_ms, p, f), p);
	recovery_fit(r);
	recovery_watch(r);
}

/* --- Forgetting --------------------------------------------------------------------------------------------------- */

void packets_forget(struct recovery *r)
{
	uint64_t number = r->first++;
	struct logged *l = *place(r, number);

	r->bytes -= l->bytes;
	logged_free(r, l, number);
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
