/*
 * http1_chunks.c - chunked bodies; see http1.h. One function per state takes one byte and answers the next state; only
 * the data of chunks is taken in bulk.
 */
#include "http1.h"

#include "http1_text.h"

enum { MAX_IDLE_BYTES = 4096, MAX_SIZE_SHIFT = 60 };

enum state {
	SIZE_FIRST, /* zero: a struct http_chunks begins as {0} */
	SIZE,
	EXTENSION,
	SIZE_LF,
	DATA,
	DATA_CR,
	DATA_LF,
	TRAILER_FIRST,
	TRAILER,
	TRAILER_LF,
	LAST_LF,
	DONE,
	BAD
};

/* Counts a byte that carries nothing: extensions, trailers, leading zeros. Endless ones are an attack. */
static enum state idle(struct http_chunks *c, enum state next)
{
	return ++c->idle_ > MAX_IDLE_BYTES ? BAD : next;
}

static bool is_text(char byte)
{
	return byte == '\t' || ((unsigned char)byte >= ' ' && byte != 0x7F);
}

static enum state on_size_first(struct http_chunks *c, char byte)
{
	int v = http_hex_value(byte);

	if (v < 0 || c->left_ >> MAX_SIZE_SHIFT)
		return BAD;
	c->left_ = c->left_ << 4 | (uint64_t)v;
	return c->left_ ? SIZE : idle(c, SIZE);
}

static enum state on_size(struct http_chunks *c, char byte)
{
	if (byte == ';')
		return idle(c, EXTENSION);
	return byte == '\r' ? SIZE_LF : on_size_first(c, byte);
}

static enum state on_extension(struct http_chunks *c, char byte)
{
	if (byte == '\r')
		return SIZE_LF;
	return is_text(byte) ? idle(c, EXTENSION) : BAD;
}

static enum state on_size_lf(struct http_chunks *c, char byte)
{
	if (byte != '\n')
		return BAD;
	return c->left_ ? DATA : TRAILER_FIRST;
}

static enum state on_data_cr(struct http_chunks *c, char byte)
{
	(void)c;
	return byte == '\r' ? DATA_LF : BAD;
}

static enum state on_data_lf(struct http_chunks *c, char byte)
{
	(void)c;
	return byte == '\n' ? SIZE_FIRST : BAD;
}

static enum state on_trailer(struct http_chunks *c, char byte)
{
	if (byte == '\r')
		return TRAILER_LF;
	return is_text(byte) ? idle(c, TRAILER) : BAD;
}

static enum state on_trailer_first(struct http_chunks *c, char byte)
{
	return byte == '\r' ? LAST_LF : on_trailer(c, byte);
}

static enum state on_trailer_lf(struct http_chunks *c, char byte)
{
	(void)c;
	return byte == '\n' ? TRAILER_FIRST : BAD;
}

static enum state on_last_lf(struct http_chunks *c, char byte)
{
	(void)c;
	return byte == '\n' ? DONE : BAD;
}

/* DATA, DONE and BAD take no single bytes. */
static enum state (*const steps[])(struct http_chunks *c, char byte) = {
	[SIZE_FIRST] = on_size_first,
	[SIZE] = on_size,
	[EXTENSION] = on_extension,
	[SIZE_LF] = on_size_lf,
	[DATA_CR] = on_data_cr,
	[DATA_LF] = on_data_lf,
	[TRAILER_FIRST] = on_trailer_first,
	[TRAILER] = on_trailer,
	[TRAILER_LF] = on_trailer_lf,
	[LAST_LF] = on_last_lf,
};

static void take_data(struct http_chunks *c, struct slice *in, struct buf *body)
{
	size_t n = in->size < c->left_ ? in->size : (size_t)c->left_;

	buf_add(body, in->at, n);
	*in = slice_from(*in, n);
	c->left_ -= n;
	if (body->failed)
		c->state_ = BAD;
	else if (c->left_ == 0)
		c->state_ = DATA_CR;
}

/* A chunk that cannot fit is refused where its size ends: not a byte of it is waited for. */
static bool too_large(const struct http_chunks *c, const struct buf *body, size_t max_body)
{
	return c->state_ == SIZE_LF && (body->size > max_body || c->left_ > max_body - body->size);
}

int http_chunks_feed(struct http_chunks *c, struct slice *in, struct buf *body, size_t max_body)
{
	while (in->size && c->state_ != DONE && c->state_ != BAD && !too_large(c, body, max_body)) {
		if (c->state_ == DATA) {
			take_data(c, in, body);
		} else {
			c->state_ = (int)steps[c->state_](c, in->at[0]);
			*in = slice_from(*in, 1);
		}
	}
	return c->state_ == DONE ? HTTP_CHUNKS_END : c->state_ == BAD ? HTTP_CHUNKS_BAD : HTTP_CHUNKS_MORE;
}
