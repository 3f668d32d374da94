/* utf8.c - see utf8.h. */
#include "utf8.h"

#include <arpa/inet.h>

/* The lowest and highest second byte for a lead byte, and how many bytes follow it; 0 for what is no lead. */
static int lead_of(unsigned char c, unsigned char *low, unsigned char *high)
{
	*low = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
	*high = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
	if (c >= 0xC2 && c <= 0xDF)
		return 1;
	if (c >= 0xE0 && c <= 0xEF)
		return 2;
	if (c >= 0xF0 && c <= 0xF4)
		return 3;
	return 0;
}

/* Size of the longest beginning of s (not empty) that could start one character; *whole: it is one. */
static size_t step(struct slice s, bool *whole)
{
	const unsigned char *at = (const unsigned char *)s.at;
	unsigned char low, high;
	int follow = lead_of(at[0], &low, &high);
	size_t n = 1;

	*whole = at[0] < 0x80;
	if (follow == 0)
		return 1;
	while (n <= (size_t)follow && n < s.size && at[n] >= low && at[n] <= high) {
		n++;
		low = 0x80;
		high = 0xBF;
	}
	*whole = n == (size_t)follow + 1;
	return n;
}

static size_t skip_ascii(struct slice s, size_t i)
{
	uint64_t words[4], word;
	uint32_t low, high;

	for (; i + sizeof(words) <= s.size; i += sizeof(words)) {
		memcpy(words, s.at + i, sizeof(words));
		if ((words[0] | words[1] | words[2] | words[3]) & 0x8080808080808080u)
			break;
	}
	while (i + sizeof(word) <= s.size) {
		memcpy(&word, s.at + i, sizeof(word));
		if (word & 0x8080808080808080u)
			return i;
		i += sizeof(word);
	}
	/* What is left of four and more are two halves that may overlap. */
	if (i + sizeof(low) <= s.size) {
		memcpy(&low, s.at + i, sizeof(low));
		memcpy(&high, s.at + s.size - sizeof(high), sizeof(high));
		if (((low | high) & 0x80808080u) == 0)
			return s.size;
	}
	while (i < s.size && (s.at[i] & 0x80) == 0)
		i++;
	return i;
}

/* Size of the character at p, where four bytes can be read; 0: there is none. They are compared as one number. */
static inline size_t character_at(const char *p)
{
	uint32_t w;

	memcpy(&w, p, sizeof(w));
	w = ntohl(w);
	if ((w & 0xF0C0C000) == 0xE0808000) /* first, as most text beyond ASCII is such: no surrogates, not overlong */
		return w >= 0xE0A00000 && w - 0xEDA00000 >= 0x200000 ? 3 : 0;
	if (w < 0x80000000)
		return 1;
	if ((w & 0xE0C00000) == 0xC0800000)
		return w >= 0xC2000000 ? 2 : 0;
	if ((w & 0xF8C0C0C0) == 0xF0808080)
		return w >= 0xF0900000 && w < 0xF4900000 ? 4 : 0;
	return 0;
}

bool utf8_valid(struct slice s)
{
	size_t i = 0, n;
	bool whole;

	while ((i = skip_ascii(s, i)) + sizeof(uint32_t) <= s.size) {
		do {
			n = character_at(s.at + i);
			i += n;
		} while (n > 1 && i + sizeof(uint32_t) <= s.size);
		if (n == 0)
			return false;
	}
	for (; i < s.size; i += n) {
		n = step(slice_from(s, i), &whole);
		if (!whole)
			return false;
	}
	return true;
}

void utf8_mend(struct buf *to, struct slice s)
{
	bool whole;

	while (s.size) {
		size_t n = step(s, &whole);

		if (whole)
			buf_add(to, s.at, n);
		else
			buf_add_str(to, "\xEF\xBF\xBD");
		s = slice_from(s, n);
	}
}
