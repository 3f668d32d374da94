/* ws_deflate.c - see ws_deflate.h. */
#include "ws_deflate.h"

#include <stdlib.h>

#include "alloc.h"
#include "metrics.h"

/* For those whose window has 2^bits bytes. */
struct form {
	struct out_form base; /* first */
	struct ws_deflate *all;
	size_t window; /* larger frames are sent as they are; SIZE_MAX: zlib's own is as large */
};

struct ws_deflate {
	bool enabled;
	size_t threshold;
	struct deflater *deflater;
	struct inflater *inflater;
	struct form forms[DEFLATE_BITS_MAX + 1];
};

/* Counted once for a frame, whoever many it goes to. */
static const struct frame *deflate_anew(struct ws_deflate *d, struct frame *f)
{
	const struct frame *made = deflate_frame(d->deflater, f, d->threshold);

	if (made) {
		metrics_add(M_WS_COMPRESSED_IN, (int64_t)f->size);
		metrics_add(M_WS_COMPRESSED_OUT, (int64_t)made->size);
	}
	return made;
}

static const struct frame *deflated(const struct out_form *base, struct frame *f)
{
	const struct form *form = (const struct form *)(const void *)base;
	const struct frame *other;

	if (f->size > form->window)
		return f;
	other = f->deflate_tried ? f->deflated : deflate_anew(form->all, f);
	return other ? other : f;
}

struct ws_deflate *ws_deflate_new(const struct gateway_options *options)
{
	struct ws_deflate *d = must_alloc(sizeof(*d));

	d->enabled = options->per_message_deflate;
	if (!d->enabled)
		return d;
	d->threshold = (size_t)options->compression_threshold;
	d->deflater = deflater_new();
	d->inflater = inflater_new((size_t)options->max_http_buffer_size);
	for (unsigned bits = 0; bits <= DEFLATE_BITS_MAX; bits++)
		d->forms[bits] = (struct form){
			.base.of = deflated, .all = d, .window = bits == DEFLATE_BITS_MAX ? SIZE_MAX : (size_t)1 << bits
		};
	if (d->deflater && d->inflater)
		return d;
	ws_deflate_free(d);
	return NULL;
}

void ws_deflate_free(struct ws_deflate *d)
{
	if (d == NULL)
		return;
	deflater_free(d->deflater);
	inflater_free(d->inflater);
	free(d);
}

/* Several headers are one list (RFC 6455 9.1). */
static void join_offers(struct buf *to, const struct http_head *head)
{
	for (size_t i = 0; i < head->n_headers; i++) {
		if (!slice_equal_nocase(head->headers[i].name, SLICE("Sec-WebSocket-Extensions")))
			continue;
		if (to->size)
			buf_add_char(to, ',');
		buf_add_slice(to, head->headers[i].value);
	}
}

const struct out_form *ws_deflate_agree(struct ws_deflate *d, const struct http_head *head, struct buf *lines)
{
	struct buf offers = BUF_INIT;
	struct deflate_terms terms;
	bool agreed;

	if (!d->enabled)
		return NULL;
	join_offers(&offers, head);
	agreed = !offers.failed && deflate_agree(buf_slice(&offers), &terms);
	buf_fini(&offers);
	if (!agreed)
		return NULL;
	buf_add_str(lines, "Sec-WebSocket-Extensions: ");
	deflate_put_terms(lines, &terms);
	buf_add_str(lines, "\r\n");
	return &d->forms[terms.server_bits].base;
}

enum inflated ws_deflate_inflate(struct ws_deflate *d, struct slice payload, struct slice *whole_r)
{
	return inflate_message(d->inflater, payload, whole_r);
}
