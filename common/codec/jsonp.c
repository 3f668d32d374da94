/* jsonp.c - see jsonp.h. */
#include "jsonp.h"

#include <errno.h>
#include <inttypes.h>

#include "http1.h"
#include "http1_text.h"
#include "json.h"
#include "utf8.h"

enum { INDEX_DIGITS = 9 };

bool jsonp_index(struct slice text, uint32_t *index)
{
	*index = 0;
	if (text.size == 0 || text.size > INDEX_DIGITS)
		return false;
	for (size_t i = 0; i < text.size; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
		*index = *index * 10 + (uint32_t)(text.at[i] - '0');
	}
	return true;
}

/* --- Out ---------------------------------------------------------------------------------------------------------- */

/* U+2028 and U+2029, E2 80 A8 and E2 80 A9, end a line in scripts older than ES2019. */
static void add_script_text(struct buf *to, struct slice json)
{
	static const struct slice before = { "\xe2\x80", 2 };

	for (size_t i = 0; i < json.size; i++) {
		struct slice rest = slice_from(json, i);
		unsigned char last = rest.size > 2 ? (unsigned char)rest.at[2] : 0;

		if ((last == 0xa8 || last == 0xa9) && slice_starts(rest, before)) {
			buf_add_str(to, last == 0xa8 ? "\\u2028" : "\\u2029");
			i += 2;
		} else {
			buf_add_char(to, json.at[i]);
		}
	}
}

int jsonp_wrap(struct buf *to, uint32_t index, struct slice payload)
{
	struct buf json = BUF_INIT;
	int error = json_encode_text(&json, payload);

	if (error == 0) {
		buf_printf(to, "___eio[%" PRIu32 "](", index);
		add_script_text(to, buf_slice(&json));
		buf_add_str(to, ");");
	}
	buf_fini(&json);
	return error < 0 ? error : to->failed ? -ENOMEM : 0;
}

/* --- In ----------------------------------------------------------------------------------------------------------- */

/* As querystring.unescape() does it: a '%' that begins no escape stands for itself. */
static void add_unescaped(struct buf *to, struct slice text)
{
	for (size_t i = 0; i < text.size; i++) {
		bool room = text.at[i] == '%' && text.size - i > 2;
		int high = room ? http_hex_value(text.at[i + 1]) : -1;
		int low = room ? http_hex_value(text.at[i + 2]) : -1;

		if (high >= 0 && low >= 0) {
			buf_add_char(to, (char)(high << 4 | low));
			i += 2;
		} else {
			buf_add_char(to, text.at[i] == '+' ? ' ' : text.at[i]);
		}
	}
}

/* The client doubles nothing but the backslash of an escaped newline. So of a run of backslashes before an 'n' one is
 * taken away, and a run of one makes a newline. */
static void add_newlines(struct buf *to, struct slice text)
{
	size_t run = 0;

	for (size_t i = 0; i < text.size; i++) {
		if (text.at[i] == 'n' && run && !to->failed)
			to->size--;
		buf_add_char(to, text.at[i] == 'n' && run == 1 ? '\n' : text.at[i]);
		run = text.at[i] == '\\' ? run + 1 : 0;
	}
}

/* The one value of `d`, still encoded; .at is NULL: none, or several. */
static struct slice only_d(struct slice body)
{
	struct slice name, value, found = { 0 };

	while (http_query_next(&body, &name, &value)) {
		struct buf plain = BUF_INIT;
		bool is_d;

		add_unescaped(&plain, name);
		is_d = slice_equal(buf_slice(&plain), SLICE("d"));
		buf_fini(&plain);
		if (is_d && found.at)
			return (struct slice){ 0 };
		if (is_d)
			found = value.size ? value : SLICE("");
	}
	return found;
}

bool jsonp_unwrap(struct buf *to, struct slice body)
{
	struct slice d = only_d(body);
	struct buf plain = BUF_INIT, mended = BUF_INIT;

	if (d.at == NULL)
		return false;
	add_unescaped(&plain, d);
	utf8_mend(&mended, buf_slice(&plain));
	add_newlines(to, buf_slice(&mended));
	to->failed |= plain.failed || mended.failed;
	buf_fini(&plain);
	buf_fini(&mended);
	return !to->failed;
}
