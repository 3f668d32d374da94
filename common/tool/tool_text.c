/* tool_text.c - text and values that others have chosen, on a terminal. */
#include <stdio.h>

#include "json.h"
#include "stoa_emitter.h"
#include "tool.h"
#include "utf8.h"
#include "wire.h"

void tool_write(struct slice s)
{
	if (s.size)
		fwrite(s.at, 1, s.size, stdout);
}

/* What moves a cursor or turns the writing around: C0, DEL, C1 (in UTF-8 behind 0xC2), and the marks of direction and
 * lines, U+200E.., U+2028.., U+2066... */
static size_t control_at(struct slice s)
{
	unsigned char c = (unsigned char)s.at[0], d = s.size > 1 ? (unsigned char)s.at[1] : 0,
		      e = s.size > 2 ? (unsigned char)s.at[2] : 0;

	if (c < ' ' || c == 0x7F)
		return 1;
	if (c == 0xC2 && d >= 0x80 && d < 0xA0)
		return 2;
	if (c != 0xE2 || (d != 0x80 && d != 0x81))
		return 0;
	if (d == 0x80)
		return (e >= 0x8E && e <= 0x8F) || (e >= 0xA8 && e <= 0xAE) ? 3 : 0;
	return e >= 0xA6 && e <= 0xA9 ? 3 : 0;
}

/* The next character, or its escape; how many bytes it was. */
static size_t print_one(struct slice s)
{
	size_t control = control_at(s), size = control ? control : 1;

	if (control == 1)
		printf("\\x%02x", (unsigned char)s.at[0]);
	for (size_t i = 0; control > 1 && i < control; i++)
		printf("\\x%02x", (unsigned char)s.at[i]);
	if (control)
		return size;
	while (size < s.size && ((unsigned char)s.at[size] & 0xC0) == 0x80)
		size++;
	fwrite(s.at, 1, size, stdout);
	return size;
}

void tool_print_short(struct slice s, size_t max)
{
	struct buf mended = BUF_INIT;
	size_t at = 0;

	utf8_mend(&mended, s);
	for (size_t n = 0; at < mended.size && n < max; n++)
		at += print_one(slice_from(buf_slice(&mended), at));
	if (at < mended.size)
		fputs("..", stdout);
	buf_fini(&mended);
}

void tool_print(struct slice s)
{
	tool_print_short(s, SIZE_MAX);
}

void tool_print_padded(struct slice s, size_t width)
{
	tool_print(s);
	for (size_t at = s.size; at < width; at++)
		putchar(' ');
	fputs("  ", stdout);
}

/* --- Values ------------------------------------------------------------------------------------------------------- */

struct slice tool_text_of(struct stoa_value v)
{
	v = value_open(v);
	return v.kind_ == VALUE_TEXT ? value_slice(v) : (struct slice){ 0 };
}

int64_t tool_number_of(struct stoa_value v)
{
	v = value_open(v);
	if (v.kind_ == VALUE_FLOAT)
		return v.as_.f > -9e15 && v.as_.f < 9e15 ? (int64_t)v.as_.f : 0;
	return v.kind_ == VALUE_INT ? v.as_.i : 0;
}

struct stoa_value tool_member(struct stoa_value v, const char *name)
{
	return value_get(v, slice_str(name));
}

/* JSON.stringify() leaves DEL and the C1 as they are, and the marks of direction. */
static void add_escaped(struct buf *to, struct slice json)
{
	size_t at = 0;

	while (at < json.size) {
		struct slice rest = slice_from(json, at);
		size_t control = control_at(rest);
		const unsigned char *b = (const unsigned char *)rest.at;

		if (control == 0)
			buf_add_char(to, rest.at[0]);
		else if (control == 3)
			buf_printf(to, "\\u%04x", (unsigned)((b[0] & 15) << 12 | (b[1] & 63) << 6 | (b[2] & 63)));
		else
			buf_printf(to, "\\u%04x", control == 2 ? b[1] : b[0]);
		at += control ? control : 1;
	}
}

void tool_add_json(struct buf *to, struct stoa_value v)
{
	struct arena arena = ARENA_INIT;
	struct buf json = BUF_INIT;

	if (json_encode(&json, wire_plain_json(&arena, v), NULL) < 0)
		buf_add_str(&json, "null");
	add_escaped(to, buf_slice(&json));
	buf_fini(&json);
	arena_fini(&arena);
}

struct stoa_value tool_answer_value(struct arena *arena, const struct stoa_emitter_answer *answer)
{
	struct slice *blobs = arena_take(arena, (answer->n_attachments + 1) * sizeof(*blobs));
	struct slice text = slice_of(answer->json, answer->json_size);

	for (size_t i = 0; blobs && i < answer->n_attachments; i++)
		blobs[i] = slice_of(answer->attachments[i].at, answer->attachments[i].size);
	if (blobs == NULL)
		return value_null();
	return value_open(json_decode(arena, text, answer->n_attachments ? blobs : NULL, answer->n_attachments));
}
