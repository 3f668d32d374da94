/*
 * api_emit.c - the emit. The event and its arguments are put together as the packet that a client might have sent and
 * are checked as such a packet: one set of rules, and arguments go on as the bytes that came.
 *
 * Binary: `attachments` are base64 texts, and {"_placeholder":true,"num":0} in the arguments stands for the first, as
 * in Socket.IO's own packets. Without attachments such an object is an object.
 */
#include "api_internal.h"
#include "api_object.h"
#include "base64.h"
#include "metrics.h"

struct payload {
	struct slice json; /* in `text`, or in `again`; in the end, in the parser's encoding */
	struct slice *blobs;
	size_t n_blobs;
	struct buf text, again;
	struct json_blobs renumbered;
};

static void payload_fini(struct payload *p)
{
	buf_fini(&p->text);
	buf_fini(&p->again);
	json_blobs_fini(&p->renumbered);
}

/* --- Attachments -------------------------------------------------------------------------------------------------- */

static bool is_base64(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/' ||
	       c == '-' || c == '_';
}

/* base64_decode() passes over what it does not know, as clients do; here that is the sender's mistake. */
static bool base64_valid(struct slice text)
{
	size_t n = text.size;

	while (n && text.size - n < 2 && text.at[n - 1] == '=')
		n--;
	for (size_t i = 0; i < n; i++)
		if (!is_base64(text.at[i]))
			return false;
	return n % 4 != 1 && (n == text.size || text.size % 4 == 0);
}

static bool add_attachment(struct api_call *c, struct payload *p, struct slice token)
{
	struct arena *arena = &c->api->arena;
	struct slice text = token.at[0] == '"' ? json_decode_text(arena, token) : SLICE("not text");
	char *bytes;

	if (text.at && !base64_valid(text))
		return api_fail(c, 400, "attachments", "attachment %zu is not base64 text", p->n_blobs);
	bytes = text.at ? arena_take(arena, text.size / 4 * 3 + 3) : NULL;
	if (bytes == NULL)
		return api_no_memory(c);
	p->blobs[p->n_blobs++] = slice_of(bytes, base64_decode(bytes, text));
	return true;
}

static bool too_many_attachments(struct api_call *c)
{
	metrics_count(M_LIMIT_ATTACHMENTS);
	return api_fail(
		c, 422, "attachments", "there may be %d (max_attachments)", (int)c->api->options->max_attachments);
}

static bool read_attachments(struct api_call *c, struct payload *p)
{
	static const struct json_rules rules = { VALUE_DEPTH_MAX, JSON_NO_BLOBS };
	size_t max = (size_t)c->api->options->max_attachments;
	struct json_items it;
	struct slice item;

	if (c->attachments.size == 0)
		return true;
	p->blobs = arena_take(&c->api->arena, max * sizeof(*p->blobs));
	if (p->blobs == NULL)
		return api_no_memory(c);
	it = json_items_of(c->attachments, &rules);
	while (json_items_next(&it, &item)) {
		if (p->n_blobs == max)
			return too_many_attachments(c);
		if (!add_attachment(c, p, item))
			return false;
	}
	return true;
}

/* --- The packet --------------------------------------------------------------------------------------------------- */

static void put_packet(const struct api_call *c, struct payload *p)
{
	struct slice args = json_trim(c->args), items = c->data;

	if (args.size)
		items = json_trim(slice_of(args.at + 1, args.size - 2));
	if (p->n_blobs)
		buf_printf(&p->text, "%d%zu-[", SIO_BINARY_EVENT, p->n_blobs);
	else
		buf_printf(&p->text, "%d[", SIO_EVENT);
	buf_add_slice(&p->text, c->event);
	if (items.size)
		buf_add_char(&p->text, ',');
	buf_add_slice(&p->text, items);
	buf_add_char(&p->text, ']');
}

static bool refuse_packet(struct api_call *c, const char *why)
{
	const char *values = c->args.size ? "args" : c->data.size ? "data" : NULL;

	if (strcmp(why, "reserved event name") == 0)
		return api_fail(c, 422, "event", "\"%s\" is a reserved event name",
			json_decode_text(&c->api->arena, c->event).at);
	if (strcmp(why, "event name too long") == 0)
		return api_fail(c, 422, "event", "is longer than the option max_event_name allows");
	if (strcmp(why, "illegal attachments") == 0)
		return api_fail(c, 400, values, "a placeholder for an attachment that is not there");
	return api_fail(c, 422, values, "%s", why);
}

static bool check_packet(struct api_call *c, const struct payload *p, struct sio_packet *packet)
{
	const struct gateway_options *o = c->api->options;
	const struct sio_rules rules = { .max_depth = (unsigned)o->max_json_depth,
		.max_attachments = (unsigned)o->max_attachments,
		.max_event_bytes = (size_t)o->max_event_name };
	const char *why = p->text.failed ? NULL : sio_parse(buf_slice(&p->text), &rules, packet);

	if (p->text.failed)
		return api_no_memory(c);
	if (why == NULL && p->n_blobs)
		why = sio_check_attachments(packet, &rules);
	return why == NULL || refuse_packet(c, why);
}

/* Numbers that JavaScript would print otherwise (-0, 1e400) are printed so. */
static bool rewrite(struct api_call *c, struct payload *p)
{
	struct stoa_value v = json_decode(&c->api->arena, p->json, p->blobs, p->n_blobs);

	if (json_encode(&p->again, v, &p->renumbered) < 0 || p->again.failed)
		return api_no_memory(c);
	p->json = buf_slice(&p->again);
	p->blobs = p->renumbered.at;
	p->n_blobs = p->renumbered.count;
	return true;
}

static const struct sio_parser *parser_of(const struct api_call *c)
{
	return sio_parser_of((enum value_encoding)c->api->options->parser);
}

/* What clients of another parser are sent, attachments in place. */
static bool transcode(struct api_call *c, struct payload *p)
{
	if (parser_of(c)->put_json(&p->again, p->json, p->blobs, p->n_blobs) < 0)
		return api_no_memory(c);
	p->json = buf_slice(&p->again);
	p->n_blobs = 0;
	return true;
}

static bool make_payload(struct api_call *c, struct payload *p)
{
	struct sio_packet packet;

	if (c->event.size == 0)
		return api_fail(c, 400, "event", "which event? it is missing");
	if (c->args.size && c->data.size)
		return api_fail(c, 400, "data", "`args` or `data`, not both: `data` is the only argument");
	if (!read_attachments(c, p))
		return false;
	put_packet(c, p);
	if (!check_packet(c, p, &packet))
		return false;
	p->json = packet.data;
	if (parser_of(c)->encoding != VALUE_JSON)
		return transcode(c, p);
	return (packet.flags & JSON_REWRITE) == 0 || rewrite(c, p);
}

/* --- Sending ------------------------------------------------------------------------------------------------------ */

/* How many clients got it. False: no memory. */
static bool send(struct api_call *c, const struct hub_target *t, const struct payload *p, size_t *delivered)
{
	struct recovery_packet packet = {
		.nsp = c->namespace, .rooms = t->rooms, .n_rooms = t->n_rooms, .skip = t->skip, .n_skip = t->n_skip
	};
	struct recovery_offset offset = recovery_begin(c->api->hub, &packet);
	struct frame *f = parser_of(c)->frame(&(struct sio_out){ .type = SIO_EVENT,
		.nsp = c->namespace,
		.json = p->json,
		.blobs = p->blobs,
		.n_blobs = p->n_blobs,
		.offset = recovery_text(&offset) });

	if (f == NULL)
		return api_no_memory(c);
	metrics_count(M_EVENTS_SENT);
	*delivered = hub_broadcast(c->api->hub, t, f);
	if (offset.size)
		recovery_log(c->api->hub, c->now_ms, &packet, f);
	frame_unref(f);
	return true;
}

bool api_emit(struct api_call *c, struct buf *answer)
{
	struct payload p = { .n_blobs = 0 };
	struct hub_target t;
	size_t delivered = 0;
	bool sent = make_payload(c, &p) && api_target_said(c, &c->to, &t) && send(c, &t, &p, &delivered);

	if (sent) {
		buf_printf(answer, "{\"delivered\":%zu", delivered);
		api_tell_emit(c, p.json, p.blobs, p.n_blobs, answer);
		buf_add_char(answer, '}');
	}
	payload_fini(&p);
	return sent;
}
