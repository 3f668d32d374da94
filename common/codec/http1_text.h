/* http1_text.h - what the files of http1.h share about characters; for them alone. */
#ifndef STOA_CODEC_HTTP1_TEXT_H
#define STOA_CODEC_HTTP1_TEXT_H

#include "slice.h"

/* Without the spaces and tabs at both ends (RFC 9110's OWS). */
static inline struct slice http_trim(struct slice s)
{
	while (s.size && (s.at[0] == ' ' || s.at[0] == '\t'))
		s = slice_from(s, 1);
	while (s.size && (s.at[s.size - 1] == ' ' || s.at[s.size - 1] == '\t'))
		s.size--;
	return s;
}

/* The value of a hexadecimal digit; -1 for any other character. */
static inline int http_hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

#endif
