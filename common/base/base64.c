/* base64.c - see base64.h. Our own because no library in reach decodes as leniently as the reference must. */
#include "base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct buf *to, struct slice data)
{
	const unsigned char *in = (const unsigned char *)data.at;
	char *out = buf_reserve(to, (data.size + 2) / 3 * 4);
	size_t i = 0, left;

	if (out == NULL)
		return;
	for (; i + 2 < data.size; i += 3) {
		uint32_t n = (uint32_t)in[i] << 16 | (uint32_t)in[i + 1] << 8 | in[i + 2];
		*out++ = alphabet[n >> 18];
		*out++ = alphabet[n >> 12 & 63];
		*out++ = alphabet[n >> 6 & 63];
		*out++ = alphabet[n & 63];
	}
	left = data.size - i;
	if (left) {
		uint32_t n = (uint32_t)in[i] << 16 | (left == 2 ? (uint32_t)in[i + 1] << 8 : 0);
		*out++ = alphabet[n >> 18];
		*out++ = alphabet[n >> 12 & 63];
		*out++ = left == 2 ? alphabet[n >> 6 & 63] : '=';
		*out++ = '=';
	}
	to->size += (data.size + 2) / 3 * 4;
}

static int value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	if (c == '/' || c == '_')
		return 63;
	return -1;
}

size_t base64_decode(char *to, struct slice text)
{
	uint32_t bits = 0;
	unsigned have = 0;
	char *start = to;

	for (size_t i = 0; i < text.size && text.at[i] != '='; i++) {
		int v = value_of(text.at[i]);

		if (v < 0)
			continue;
		bits = bits << 6 | (uint32_t)v;
		have += 6;
		if (have >= 8) {
			have -= 8;
			*to++ = (char)(bits >> have);
		}
	}
	return (size_t)(to - start);
}
