/*
 * json_decode.c - checked text to values; see json.h.
 *
 * Nodes are collected on one stack for the whole text; a container that ends takes its own off the top, into an array
 * of the exact size in the arena. So each node is copied once, and time and memory stay linear in the text.
 *
 * Texts were checked, but nothing here relies on that to stay within them.
 */
#include "json_number.h"
#include "json_scan.h"

#include <stdlib.h>

enum { FIRST_NODES = 32 };

struct decoder {
	const char *at, *end;
	struct arena *arena;
	const struct slice *blobs;
	size_t n_blobs;
	unsigned depth;
	char *text;               /* where the next text goes */
	struct stoa_value *nodes; /* the stack: `first` until that is full */
	size_t count, cap;
	struct stoa_value first[FIRST_NODES];
};

static bool decode_value(struct decoder *d);

/* Not one initializer: it would clear the nodes, which is most of the work of a small text. */
static void decoder_init(
	struct decoder *d, struct arena *arena, struct slice text, const struct slice *blobs, size_t n_blobs)
{
	d->at = text.at;
	d->end = text.at + text.size;
	d->arena = arena;
	d->blobs = blobs;
	d->n_blobs = n_blobs;
	d->depth = 0;
	d->text = NULL;
	d->nodes = d->first;
	d->count = 0;
	d->cap = FIRST_NODES;
}

static void decoder_fini(struct decoder *d)
{
	if (d->nodes != d->first)
		free(d->nodes);
}

static bool grow(struct decoder *d)
{
	struct stoa_value *old = d->nodes == d->first ? NULL : d->nodes;
	struct stoa_value *nodes = realloc(old, 2 * d->cap * sizeof(*nodes));

	if (nodes == NULL)
		return false;
	if (old == NULL)
		memcpy(nodes, d->first, sizeof(d->first));
	d->nodes = nodes;
	d->cap *= 2;
	return true;
}

static bool push(struct decoder *d, struct stoa_value v)
{
	if (d->count == d->cap && !grow(d))
		return false;
	d->nodes[d->count++] = v;
	return true;
}

static size_t put_utf8(char *to, unsigned code)
{
	unsigned char *u = (unsigned char *)to;

	if (code < 0x80) {
		u[0] = (unsigned char)code;
		return 1;
	}
	if (code < 0x800) {
		u[0] = (unsigned char)(0xC0 | code >> 6);
		u[1] = (unsigned char)(0x80 | (code & 0x3F));
		return 2;
	}
	if (code < 0x10000) {
		u[0] = (unsigned char)(0xE0 | code >> 12);
		u[1] = (unsigned char)(0x80 | (code >> 6 & 0x3F));
		u[2] = (unsigned char)(0x80 | (code & 0x3F));
		return 3;
	}
	u[0] = (unsigned char)(0xF0 | code >> 18);
	u[1] = (unsigned char)(0x80 | (code >> 12 & 0x3F));
	u[2] = (unsigned char)(0x80 | (code >> 6 & 0x3F));
	u[3] = (unsigned char)(0x80 | (code & 0x3F));
	return 4;
}

/* The escape of a low surrogate at p, as a number below 0x400; or -1. */
static int low_surrogate(const char *p, const char *end)
{
	int code;

	if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
		return -1;
	code = json_hex4(p + 2, end);
	return code >= 0xDC00 && code <= 0xDFFF ? code - 0xDC00 : -1;
}

/* d->at is behind the "\u". A surrogate without its other half becomes three bytes of its own. */
static char *unescape_unicode(struct decoder *d, char *to)
{
	int code = json_hex4(d->at, d->end), low;

	if (code < 0)
		return NULL;
	d->at += 4;
	if (code >= 0xD800 && code <= 0xDBFF) {
		low = low_surrogate(d->at, d->end);
		if (low >= 0) {
			code = 0x10000 + ((code - 0xD800) << 10) + low;
			d->at += 6;
		}
	}
	return to + put_utf8(to, (unsigned)code);
}

/* One escape at d->at, written to `to`; where the next byte goes. */
static char *unescape(struct decoder *d, char *to)
{
	int c;

	if (d->end - d->at < 2)
		return NULL;
	d->at += 2;
	if (d->at[-1] == 'u')
		return unescape_unicode(d, to);
	c = json_short_escape(d->at[-1]);
	if (c < 0)
		return NULL;
	*to = (char)c;
	return to + 1;
}

/*
 * The text that starts at d->at, with a NUL behind it. One piece of the arena serves all texts: what is left of the
 * JSON when the first one starts is enough, since no escape is shorter than what it stands for and the quotes make
 * room for the NUL. *plain: nothing in it was escaped.
 */
static bool take_text(struct decoder *d, struct slice *text, bool *plain)
{
	char *begin = d->text ? d->text : arena_take(d->arena, (size_t)(d->end - d->at)), *to = begin;

	if (begin == NULL || *d->at != '"')
		return false;
	d->at++;
	*plain = true;
	for (;;) {
		const char *run = d->at;

		d->at = json_skip_plain(run, d->end, false);
		memcpy(to, run, (size_t)(d->at - run));
		to += d->at - run;
		if (d->at == d->end)
			return false;
		if (*d->at == '"')
			break;
		to = *d->at == '\\' ? unescape(d, to) : NULL;
		if (to == NULL)
			return false;
		*plain = false;
	}
	*to = '\0';
	d->at++;
	d->text = to + 1;
	*text = slice_of(begin, (size_t)(to - begin));
	return true;
}

static bool decode_text(struct decoder *d)
{
	struct stoa_value v;
	struct slice text;
	bool plain;

	if (!take_text(d, &text, &plain))
		return false;
	v = value_text(text);
	v.flags_ = plain ? VALUE_PLAIN : 0;
	return push(d, v);
}

static bool decode_word(struct decoder *d, struct slice word, struct stoa_value v)
{
	if (!slice_starts(slice_of(d->at, (size_t)(d->end - d->at)), word))
		return false;
	d->at += word.size;
	return push(d, v);
}

static bool decode_number(struct decoder *d)
{
	const char *begin = d->at;

	while (d->at < d->end && ((*d->at >= '0' && *d->at <= '9') || *d->at == '-' || *d->at == '+' || *d->at == '.' ||
					 *d->at == 'e' || *d->at == 'E'))
		d->at++;
	if (d->at == begin)
		return false;
	return push(d, json_number_value(slice_of(begin, (size_t)(d->at - begin))));
}

/* Takes one character and the white space around it. */
static bool accept(struct decoder *d, char c)
{
	const char *p = json_skip_space(d->at, d->end);

	if (p == d->end || *p != c)
		return false;
	d->at = json_skip_space(p + 1, d->end);
	return true;
}

static bool decode_member(struct decoder *d)
{
	return d->at < d->end && decode_text(d) && accept(d, ':') && decode_value(d);
}

/* The nodes above `mark`, off the stack and into the arena. */
static const struct stoa_value *keep_nodes(struct decoder *d, size_t mark)
{
	size_t size = (d->count - mark) * sizeof(struct stoa_value);
	struct stoa_value *kept = arena_take(d->arena, size);

	if (kept)
		memcpy(kept, d->nodes + mark, size);
	d->count = mark;
	return kept;
}

/* An object whose members lie above `mark` stands for an attachment. */
static bool is_placeholder(const struct decoder *d, size_t mark)
{
	struct stoa_value object = value_object(d->nodes + mark, (d->count - mark) / 2);
	struct stoa_value is_one = value_get(object, SLICE("_placeholder"));

	return is_one.kind_ == VALUE_BOOL && is_one.as_.i;
}

static bool put_attachment(struct decoder *d, size_t mark)
{
	struct stoa_value object = value_object(d->nodes + mark, (d->count - mark) / 2);
	struct stoa_value num = value_get(object, SLICE("num"));

	d->count = mark;
	if (num.kind_ != VALUE_INT || num.as_.i < 0 || (uint64_t)num.as_.i >= d->n_blobs)
		return false;
	return push(d, value_bytes(d->blobs[num.as_.i]));
}

static bool put_container(struct decoder *d, char close, size_t mark)
{
	size_t n = d->count - mark;
	const struct stoa_value *kept;

	if (close == '}' && d->n_blobs && is_placeholder(d, mark))
		return put_attachment(d, mark);
	kept = keep_nodes(d, mark);
	if (kept == NULL)
		return false;
	return push(d, close == ']' ? value_array(kept, n) : value_object(kept, n / 2));
}

static bool decode_container(struct decoder *d)
{
	char close = *d->at == '[' ? ']' : '}';
	size_t mark = d->count;

	if (d->depth == VALUE_DEPTH_MAX)
		return false;
	d->depth++;
	d->at = json_skip_space(d->at + 1, d->end);
	if (d->at < d->end && *d->at != close)
		do
			if (!(close == ']' ? decode_value(d) : decode_member(d)))
				return false;
		while (accept(d, ','));
	d->depth--;
	d->at = json_skip_space(d->at, d->end);
	if (d->at == d->end || *d->at != close)
		return false;
	d->at++;
	return put_container(d, close, mark);
}

static bool decode_value(struct decoder *d)
{
	if (d->at == d->end)
		return false;
	switch (*d->at) {
	case '"':
		return decode_text(d);
	case '[':
	case '{':
		return decode_container(d);
	case 't':
		return decode_word(d, SLICE("true"), value_bool(true));
	case 'f':
		return decode_word(d, SLICE("false"), value_bool(false));
	case 'n':
		return decode_word(d, SLICE("null"), value_null());
	default:
		return decode_number(d);
	}
}

/* An item of json_decode_items(): what is passed on as it came is not decoded. */
static bool decode_item(struct decoder *d)
{
	struct json_rules rules = { .max_depth = VALUE_DEPTH_MAX,
		.blobs = d->n_blobs ? (long)d->n_blobs : JSON_NO_BLOBS };
	unsigned flags = 0;
	struct stoa_value v;
	struct slice item;

	if (d->at == d->end || (*d->at != '[' && *d->at != '{'))
		return decode_value(d);
	if (json_scan_value(slice_of(d->at, (size_t)(d->end - d->at)), &rules, 0, &flags, &item))
		return false;
	d->at = item.at + item.size;
	v = value_of_json(d->arena, item, flags, d->blobs, d->n_blobs);
	return v.kind_ != VALUE_BROKEN && push(d, v);
}

struct stoa_value json_decode(struct arena *arena, struct slice text, const struct slice *blobs, size_t n_blobs)
{
	struct stoa_value v = value_broken();
	struct decoder d;

	if (text.size == 0)
		return v;
	decoder_init(&d, arena, text, blobs, n_blobs);
	d.at = json_skip_space(d.at, d.end);
	if (decode_value(&d) && json_skip_space(d.at, d.end) == d.end)
		v = d.nodes[0];
	decoder_fini(&d);
	return v;
}

struct stoa_value json_decode_items(struct arena *arena, struct slice text, const struct slice *blobs, size_t n_blobs)
{
	struct stoa_value v = value_broken();
	const struct stoa_value *kept;
	struct decoder d;
	bool whole = true;
	size_t n;

	decoder_init(&d, arena, text.size ? text : SLICE(""), blobs, n_blobs);
	d.at = json_skip_space(d.at, d.end);
	if (d.at < d.end)
		do
			whole = decode_item(&d);
		while (whole && accept(&d, ','));
	n = d.count;
	if (whole && json_skip_space(d.at, d.end) == d.end && (kept = keep_nodes(&d, 0)))
		v = value_array(kept, n);
	decoder_fini(&d);
	return v;
}

/* Nothing in a string's token is escaped, as in most names. */
static bool is_plain(struct slice token)
{
	const char *last = token.at + token.size - 1;

	return *token.at == '"' && json_skip_plain(token.at + 1, last, false) == last && *last == '"';
}

struct slice json_decode_text(struct arena *arena, struct slice token)
{
	struct slice text = { NULL, 0 };
	struct decoder d;
	bool plain;

	if (token.size >= 2 && is_plain(token)) {
		text = slice_of(token.at + 1, token.size - 2);
		text.at = arena_copy(arena, text.at, text.size);
		return text.at ? text : slice_of(NULL, 0);
	}
	decoder_init(&d, arena, token, NULL, 0);
	if (token.size < 2 || !take_text(&d, &text, &plain) || d.at != d.end)
		return slice_of(NULL, 0);
	return text;
}
