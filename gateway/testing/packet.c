/* packet.c - Socket.IO packets as a client writes and reads them. */
#include "internal.h"

#include <stdlib.h>

enum { MANY = 1 << 20 };

/* What a server may send; the gateway's limits are for what it receives. */
static const struct sio_rules no_limits = {
	.max_depth = VALUE_DEPTH_MAX, .max_attachments = MANY, .max_event_bytes = MANY
};

/* --- Writing ------------------------------------------------------------------------------------------------------ */

static void must_be_sent(const char *call, int error)
{
	if (error < 0)
		misuse(call, "a value cannot be sent: text that is not UTF-8, JSON that is none, or too deep");
}

void content_of_list(struct content *p, const char *call, struct stoa_list list)
{
	*p = (struct content){ .json = BUF_INIT };
	buf_add_char(&p->json, '[');
	must_be_sent(call, json_encode_items(&p->json, list.at, list.size, &p->blobs));
	buf_add_char(&p->json, ']');
}

void content_of_value(struct content *p, const char *call, struct stoa_value v)
{
	*p = (struct content){ .json = BUF_INIT };
	must_be_sent(call, json_encode(&p->json, v, &p->blobs));
}

void content_fini(struct content *p)
{
	buf_fini(&p->json);
	json_blobs_fini(&p->blobs);
}

const char *packet_refused(const struct stoa_test *t, const struct sio_out *out)
{
	struct frame *f = sio_frame(out);
	struct frame_packet text;
	struct sio_packet packet;
	size_t offset = 0;
	const char *why;

	if (f == NULL || !frame_next(f, &offset, &text))
		return "no memory";
	why = sio_parse(slice_from(text.data, 1), &t->sim.clients.config.rules, &packet);
	frame_unref(f);
	return why;
}

/* --- Reading ------------------------------------------------------------------------------------------------------ */

static void *take(struct arena *arena, size_t size)
{
	void *at = arena_zero(arena, size);

	if (at == NULL)
		misuse("stoa_test", "out of memory");
	return at;
}

/* The attachments of a packet: messages that came right behind it. */
static struct slice *take_blobs(struct link *l, unsigned n)
{
	struct arena *arena = &l->test->arena;
	struct slice *blobs = take(arena, (n + 1) * sizeof(*blobs));

	for (unsigned i = 0; i < n; i++) {
		struct sim_message *m = sim_ws_take(&l->ws);

		if (m == NULL || !m->binary)
			misuse("stoa_test", "the gateway sent fewer attachments than it said");
		blobs[i] = slice_of(arena_copy(arena, m->data, m->size), m->size);
		free(m);
	}
	return blobs;
}

static struct stoa_value decode(struct link *l, struct sio_packet *p)
{
	struct slice *blobs = take_blobs(l, p->attachments);
	const char *why = p->attachments ? sio_check_attachments(p, &no_limits) : NULL;
	struct stoa_value v = value_null();

	if (p->data.size && why == NULL)
		v = json_decode(&l->test->arena, p->data, blobs, p->attachments);
	if (why || v.kind_ == VALUE_BROKEN)
		misuse("stoa_test", "the gateway sent what no client can read: %s", why ? why : "no memory");
	return v;
}

static void put(struct arena *arena, struct letters *to, struct letter letter)
{
	struct letter *l = take(arena, sizeof(*l));

	*l = letter;
	if (to->first == NULL)
		to->end = &to->first;
	*to->end = l;
	to->end = &l->next;
}

static void on_event(struct stoa_test_client *c, const struct sio_packet *p, struct stoa_value data)
{
	struct arena *arena = &c->test->arena;
	struct stoa_value *pairs = take(arena, 6 * sizeof(*pairs));
	const struct stoa_value *items = data.as_.at;

	pairs[0] = value_text(SLICE("name"));
	pairs[1] = items[0];
	pairs[2] = value_text(SLICE("args"));
	pairs[3] = value_array(items + 1, data.size_ - 1);
	pairs[4] = value_text(SLICE("namespace"));
	pairs[5] = value_text(slice_str(c->nsp));
	put(arena, &c->events, (struct letter){ .value = value_object(pairs, 3), .asks = p->has_id, .id = p->id });
}

static void on_ack(struct stoa_test_client *c, const struct sio_packet *p, struct stoa_value data)
{
	put(&c->test->arena, &c->acks, (struct letter){ .value = data, .id = p->id });
}

static void on_connect(struct stoa_test_client *c, const struct sio_packet *p, struct stoa_value data)
{
	(void)p;
	c->sid = value_get(data, SLICE("sid")).as_.at;
	c->stage = CLIENT_IN;
}

static void on_disconnect(struct stoa_test_client *c, const struct sio_packet *p, struct stoa_value data)
{
	(void)p;
	(void)data;
	c->stage = CLIENT_OUT;
}

static void on_refusal(struct stoa_test_client *c, const struct sio_packet *p, struct stoa_value data)
{
	(void)p;
	c->refusal = data;
	c->stage = CLIENT_REFUSED;
}

static void (*const readers[])(struct stoa_test_client *c, const struct sio_packet *p, struct stoa_value data) = {
	[SIO_CONNECT] = on_connect,
	[SIO_DISCONNECT] = on_disconnect,
	[SIO_EVENT] = on_event,
	[SIO_ACK] = on_ack,
	[SIO_CONNECT_ERROR] = on_refusal,
	[SIO_BINARY_EVENT] = on_event,
	[SIO_BINARY_ACK] = on_ack,
};

/* The codec reads what clients send, among which there is no CONNECT_ERROR. But it is a CONNECT in all but its type. */
static enum sio_type parse(struct sim_message *m, struct sio_packet *p)
{
	bool is_refusal = m->size > 1 && m->data[1] == '0' + SIO_CONNECT_ERROR;
	const char *why;

	if (is_refusal)
		m->data[1] = '0' + SIO_CONNECT;
	why = sio_parse(slice_of(m->data + 1, m->size - 1), &no_limits, p);
	if (why)
		misuse("stoa_test", "the gateway sent what no client can read: %s: %s", why, m->data);
	return is_refusal ? SIO_CONNECT_ERROR : p->type;
}

/* Who left a moment ago may still be sent something. */
void packet_read(struct link *l, struct sim_message *m)
{
	struct sio_packet p;
	enum sio_type type = parse(m, &p);
	struct stoa_value data = decode(l, &p);
	struct stoa_test_client *c = link_find(l, p.nsp);

	if (c)
		readers[type](c, &p, data);
}
