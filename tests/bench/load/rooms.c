/*
 * rooms.c - rooms of `room_size` clients. One of each says to all, itself among them: `window` messages at a time, a new
 * one when one has reached everybody; or, with a rate, one every so often, whatever became of those before. To polling
 * clients a WebSocket beside the room speaks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

enum { RATE_RING = 1024, OVERHEAD = 96 };

/* One that is on its way, as it must arrive. */
struct message {
	char *text;
	size_t size;
	uint64_t sent_ns;
	uint32_t left; /* members who have not got it */
};

struct room {
	struct load *load;
	uint32_t id, members;
	uint32_t said, done; /* numbers of the next, and of the first that has not reached all */
	struct client *speaker;
	uint32_t ring_size; /* a power of two */
	struct message *ring;
};

void room_name(char to[16], const struct room *r)
{
	snprintf(to, 16, "r%u", r->id);
}

static uint32_t power_of_two(size_t least)
{
	uint32_t n = 1;

	while (n < least)
		n *= 2;
	return n;
}

static void room_init(struct load *l, struct room *r, uint32_t id)
{
	*r = (struct room){ .load = l, .id = id, .ring_size = l->o.rate > 0 ? RATE_RING : power_of_two(l->o.window) };
	r->ring = calloc(r->ring_size, sizeof(*r->ring));
	for (uint32_t i = 0; r->ring && i < r->ring_size; i++) {
		r->ring[i].text = malloc(l->o.bytes + OVERHEAD);
		if (r->ring[i].text == NULL)
			abort();
	}
	if (r->ring == NULL)
		abort();
}

static void prepare(struct load *l)
{
	size_t members = l->n_clients - (l->speaker != NULL);

	l->n_rooms = (members + l->o.room_size - 1) / l->o.room_size;
	l->rooms = calloc(l->n_rooms, sizeof(*l->rooms));
	if (l->rooms == NULL)
		abort();
	for (uint32_t i = 0; i < l->n_rooms; i++)
		room_init(l, &l->rooms[i], i);
	for (size_t i = 0; i < members; i++) {
		struct room *r = &l->rooms[i / l->o.room_size];

		l->clients[i].room = r;
		r->members++;
		if (r->speaker == NULL)
			r->speaker = l->speaker ? l->speaker : &l->clients[i];
	}
}

/* --- Saying ------------------------------------------------------------------------------------------------------- */

static const char PLACEHOLDER[] = "{\"_placeholder\":true,\"num\":0}";

static void put_text(struct room *r, struct message *m)
{
	size_t bytes = r->load->o.bytes, size = 10;

	memcpy(m->text, "42[\"say\",\"", size);
	payload_put(m->text + size, bytes, r->id, r->said);
	memcpy(m->text + size + bytes, "\"]", 2);
	m->size = size + bytes + 2;
}

static void say_text(struct room *r, const struct message *m)
{
	char packet[64 * 1024 + OVERHEAD];
	int size = snprintf(packet, OVERHEAD, "42[\"say\",\"r%u\",\"", r->id);

	memcpy(packet + size, m->text + 10, m->size - 10);
	client_say(r->speaker, (struct text){ packet, (size_t)size + m->size - 10 });
}

static void say_binary(struct room *r, const struct message *m)
{
	char packet[OVERHEAD];
	int size = snprintf(packet, sizeof(packet), "451-[\"say\",\"r%u\",%s]", r->id, PLACEHOLDER);

	client_say(r->speaker, (struct text){ packet, (size_t)size });
	websocket_send(r->speaker, true, (struct text){ m->text, m->size });
}

static void say(struct room *r, uint64_t sent_ns)
{
	struct message *m = &r->ring[r->said & (r->ring_size - 1)];

	if (r->said - r->done >= r->ring_size) {
		load_fail(r->load, "the server does not keep up: %u messages are on their way", r->said - r->done);
		return;
	}
	m->left = r->members;
	m->sent_ns = sent_ns;
	r->load->outstanding++;
	if (r->load->o.binary) {
		payload_put(m->text, r->load->o.bytes, r->id, r->said);
		m->size = r->load->o.bytes;
		say_binary(r, m);
	} else {
		put_text(r, m);
		say_text(r, m);
	}
	r->said++;
	r->load->said++;
}

static void begin(struct load *l)
{
	l->due = clock_ns();
	for (size_t i = 0; i < l->n_rooms && l->o.rate <= 0; i++)
		for (size_t n = 0; n < l->o.window && load_speaks(l); n++)
			say(&l->rooms[i], clock_ns());
}

/* Counted from when it was to be sent: that this program was late is the server's fault, as a rule. */
static uint64_t tick(struct load *l)
{
	uint64_t period = l->o.rate > 0 ? (uint64_t)(1e9 / l->o.rate) : 0;

	if (period == 0 || !load_speaks(l))
		return UINT64_MAX;
	for (; l->due <= l->now; l->due += period)
		say(&l->rooms[0], l->due);
	return l->due;
}

/* --- Hearing ------------------------------------------------------------------------------------------------------ */

static struct message *expected(struct client *c)
{
	if (c->room == NULL || c->next == c->room->said)
		return NULL;
	return &c->room->ring[c->next & (c->room->ring_size - 1)];
}

static void got_one(struct client *c, struct message *m)
{
	struct room *r = c->room;

	load_unit(r->load, m->sent_ns);
	c->next++;
	if (--m->left)
		return;
	r->done++;
	r->load->outstanding--;
	if (!load_speaks(r->load) || r->load->o.rate > 0)
		return;
	if (!r->load->o.in_step)
		say(r, clock_ns());
	else if (r->load->outstanding == 0)
		begin(r->load);
}

static void heard(struct client *c, struct text got)
{
	struct message *m = expected(c);

	if (m == NULL)
		client_unexpected(c, got, (struct text){ "nothing", 7 });
	else if (got.size != m->size || memcmp(got.at, m->text, m->size) != 0)
		client_unexpected(c, got, (struct text){ m->text, m->size });
	else
		got_one(c, m);
}

static void packet(struct client *c, struct text got)
{
	static const char head[] = "451-[\"say\",{\"_placeholder\":true,\"num\":0}]";

	if (!c->load->o.binary) {
		heard(c, got);
		return;
	}
	if (c->blob_due || got.size != sizeof(head) - 1 || memcmp(got.at, head, got.size) != 0)
		client_unexpected(c, got, (struct text){ head, sizeof(head) - 1 });
	c->blob_due = true;
}

static void blob(struct client *c, struct text data)
{
	if (!c->blob_due)
		client_unexpected(c, data, (struct text){ "no attachment", 13 });
	else
		heard(c, data);
	c->blob_due = false;
}

const struct scenario scenario_rooms = {
	.name = "rooms", .prepare = prepare, .begin = begin, .packet = packet, .blob = blob, .tick = tick
};
