/* config_message.c - the one sentence that an error is. Text from outside may not break the line or drive a terminal. */
#include "config_parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { SHOWN_BYTES = 60 }; /* of a foreign text */

void config_add_foreign(struct buf *to, struct slice text)
{
	for (size_t i = 0; i < text.size && i < SHOWN_BYTES; i++) {
		unsigned char c = (unsigned char)text.at[i];

		if (c < ' ' || c == 0x7F)
			buf_printf(to, "\\x%02x", c);
		else
			buf_add_char(to, (char)c);
	}
	if (text.size > SHOWN_BYTES)
		buf_add_str(to, "..");
}

void config_add_quoted(struct buf *to, struct slice text)
{
	buf_add_char(to, '"');
	config_add_foreign(to, text);
	buf_add_char(to, '"');
}

bool config_fail(struct config_context *c, struct config_place place, const char *format, ...)
{
	va_list args;
	char *text;

	if (c->message->size)
		return false;
	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		abort();
	va_end(args);
	buf_add_slice(c->message, place.name);
	if (place.line)
		buf_printf(c->message, ":%u", place.line);
	buf_printf(c->message, ": %s", text);
	free(text);
	return false;
}
