/* message.c - see message.h. */
#include "message.h"

#include <errno.h>
#include <string.h>

struct head {
	uint32_t size, kind;
	uint64_t number;
	uint32_t x, y, sizes[MESSAGE_TEXTS];
} __attribute__((packed));

_Static_assert(sizeof(struct head) == MESSAGE_HEAD, "the head's size");

void message_head(char head[MESSAGE_HEAD], const struct message *m)
{
	struct head h = { .kind = m->kind, .number = m->number, .x = m->x, .y = m->y };

	h.size = MESSAGE_HEAD - sizeof(h.size);
	for (size_t i = 0; i < MESSAGE_TEXTS; i++) {
		h.sizes[i] = (uint32_t)m->texts[i].size;
		h.size += h.sizes[i];
	}
	memcpy(head, &h, sizeof(h));
}

void message_put(struct buf *to, const struct message *m)
{
	char head[MESSAGE_HEAD];

	message_head(head, m);
	buf_add(to, head, sizeof(head));
	for (size_t i = 0; i < MESSAGE_TEXTS; i++)
		buf_add_slice(to, m->texts[i]);
}

/* Whether the texts fill what is behind the head. */
static bool fits(const struct head *h)
{
	uint64_t sum = MESSAGE_HEAD - sizeof(h->size);

	for (size_t i = 0; i < MESSAGE_TEXTS; i++)
		sum += h->sizes[i];
	return sum == h->size;
}

ssize_t message_take(struct slice from, size_t max_bytes, struct message *m)
{
	struct head h;
	size_t whole;

	if (from.size < MESSAGE_HEAD)
		return 0;
	memcpy(&h, from.at, sizeof(h));
	whole = (size_t)h.size + sizeof(h.size);
	if (whole > max_bytes || h.kind >= MESSAGE_KINDS || !fits(&h))
		return -EPROTO;
	if (from.size < whole)
		return 0;
	*m = (struct message){ .kind = (enum message_kind)h.kind, .number = h.number, .x = h.x, .y = h.y };
	from = slice_from(from, MESSAGE_HEAD);
	for (size_t i = 0; i < MESSAGE_TEXTS; i++) {
		m->texts[i] = slice_first(from, h.sizes[i]);
		from = slice_from(from, h.sizes[i]);
	}
	return (ssize_t)whole;
}
