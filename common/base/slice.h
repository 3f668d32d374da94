/*
 * slice.h - bytes that somebody else owns: the one type for wire data and text of known length.
 *
 * A slice is passed by value and never owns. It ends with what it points into; whoever stores one says so in its
 * header. The bytes need not be text and are not NUL-terminated. An empty slice may have a NULL `at`.
 */
#ifndef STOA_BASE_SLICE_H
#define STOA_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const char *at;
	size_t size;
};

/* A slice of a string literal, without its NUL. */
#define SLICE(literal) ((struct slice){ "" literal, sizeof(literal) - 1 })

static inline struct slice slice_of(const void *at, size_t size)
{
	return (struct slice){ at, size };
}

/* The bytes of a C string; NULL is empty. */
static inline struct slice slice_str(const char *text)
{
	return (struct slice){ text, text ? strlen(text) : 0 };
}

static inline bool slice_equal(struct slice a, struct slice b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.at, b.at, a.size) == 0);
}

static inline bool slice_starts(struct slice s, struct slice prefix)
{
	return s.size >= prefix.size && (prefix.size == 0 || memcmp(s.at, prefix.at, prefix.size) == 0);
}

/* A copy at *at, which has room for it and is moved behind it: texts of an object in one allocation with it. */
static inline struct slice slice_put(char **at, struct slice s)
{
	struct slice copy = slice_of(*at, s.size);

	if (s.size)
		memcpy(*at, s.at, s.size);
	*at += s.size;
	return copy;
}

/* What is left after the first n bytes; n <= s.size. */
static inline struct slice slice_from(struct slice s, size_t n)
{
	return (struct slice){ n ? s.at + n : s.at, s.size - n }; /* NULL + 0 is undefined in C */
}

/* The first n bytes; n <= s.size. */
static inline struct slice slice_first(struct slice s, size_t n)
{
	return (struct slice){ s.at, n };
}

/* Where `c` is, or s.size when it is not there. */
static inline size_t slice_find(struct slice s, char c)
{
	const char *found = s.size ? memchr(s.at, c, s.size) : NULL;
	return found ? (size_t)(found - s.at) : s.size;
}

/* ASCII letters compared without case, as HTTP's header names are. */
static inline char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static inline bool slice_equal_nocase(struct slice a, struct slice b)
{
	if (a.size != b.size)
		return false;
	for (size_t i = 0; i < a.size; i++)
		if (ascii_lower(a.at[i]) != ascii_lower(b.at[i]))
			return false;
	return true;
}

/* For printf: "%.*s", SLICE_ARG(s). Only for text known to be small and printable. */
#define SLICE_ARG(s) (int)(s).size, (s).at ? (s).at : ""

#endif
