/* deflate_terms.c - the agreement on permessage-deflate: RFC 7692 7.1, in the grammar of RFC 6455 9.1. */
#include <stdlib.h>

#include "deflate.h"

enum { BITS_MIN = 8, VALUE_MAX = 2 }; /* digits */

/* What an offer names; a bit each, by which repetition shows. */
enum param {
	SERVER_NO_CONTEXT = 1 << 0,
	CLIENT_NO_CONTEXT = 1 << 1,
	SERVER_BITS = 1 << 2,
	CLIENT_BITS = 1 << 3,
	ALL_VALUES = SERVER_BITS | CLIENT_BITS
};

static const struct {
	struct slice name;
	enum param param;
} params[] = {
	{ { "server_no_context_takeover", 26 }, SERVER_NO_CONTEXT },
	{ { "client_no_context_takeover", 26 }, CLIENT_NO_CONTEXT },
	{ { "server_max_window_bits", 22 }, SERVER_BITS },
	{ { "client_max_window_bits", 22 }, CLIENT_BITS },
};

static bool is_token_char(char c)
{
	return c > ' ' && c < 0x7f && strchr("()<>@,;:\\\"/[]?={}", c) == NULL;
}

static void skip_blanks(struct slice *s)
{
	while (s->size && (s->at[0] == ' ' || s->at[0] == '\t'))
		*s = slice_from(*s, 1);
}

/* True: `c` was next, and is taken, with the blanks around it. */
static bool take(struct slice *s, char c)
{
	skip_blanks(s);
	if (s->size == 0 || s->at[0] != c)
		return false;
	*s = slice_from(*s, 1);
	skip_blanks(s);
	return true;
}

/* Empty: there is none. */
static struct slice take_token(struct slice *s)
{
	struct slice token = slice_first(*s, 0);

	while (token.size < s->size && is_token_char(s->at[token.size]))
		token.size++;
	*s = slice_from(*s, token.size);
	return token;
}

/* A token, or one in quotes: what is between them has to be a token too (RFC 6455 9.1). Empty: malformed. */
static struct slice take_value(struct slice *s)
{
	struct slice value;

	if (s->size == 0 || s->at[0] != '"')
		return take_token(s);
	*s = slice_from(*s, 1);
	value = take_token(s);
	if (s->size == 0 || s->at[0] != '"')
		return SLICE("");
	*s = slice_from(*s, 1);
	return value;
}

static unsigned param_of(struct slice name)
{
	for (size_t i = 0; i < sizeof(params) / sizeof(params[0]); i++)
		if (slice_equal(name, params[i].name))
			return params[i].param;
	return 0;
}

/* 8 to 15, without zeros before (7.1.2.1); 0: nothing of the kind. */
static unsigned bits_of(struct slice value)
{
	unsigned n = 0;

	if (value.size == 0 || value.size > VALUE_MAX || value.at[0] == '0')
		return 0;
	for (size_t i = 0; i < value.size; i++) {
		if (value.at[i] < '0' || value.at[i] > '9')
			return 0;
		n = n * 10 + (unsigned)(value.at[i] - '0');
	}
	return n >= BITS_MIN && n <= DEFLATE_BITS_MAX ? n : 0;
}

/* What one parameter does to an offer that is acceptable so far. `value` without .at: there was none. */
static bool accept_param(struct deflate_terms *t, unsigned *seen, struct slice name, struct slice value)
{
	unsigned param = param_of(name), bits = bits_of(value);

	if (param == 0 || (*seen & param))
		return false;
	*seen |= param;
	if (value.at == NULL)
		return param != SERVER_BITS;
	if (!(param & ALL_VALUES) || bits == 0)
		return false;
	if (param == SERVER_BITS)
		*t = (struct deflate_terms){ .server_bits = bits, .names_bits = true };
	return true;
}

/* One extension with its parameters. False: malformed. */
static bool take_offer(struct slice *s, bool *acceptable, struct deflate_terms *t)
{
	struct slice name = take_token(s);
	unsigned seen = 0;

	*t = (struct deflate_terms){ .server_bits = DEFLATE_BITS_MAX };
	*acceptable = slice_equal(name, SLICE("permessage-deflate"));
	while (take(s, ';')) {
		struct slice param = take_token(s), value = { 0 };

		if (param.size == 0)
			return false;
		if (take(s, '=')) {
			value = take_value(s);
			if (value.size == 0)
				return false;
		}
		*acceptable = *acceptable && accept_param(t, &seen, param, value);
	}
	return name.size > 0;
}

bool deflate_agree(struct slice offers, struct deflate_terms *terms_r)
{
	bool acceptable;

	do {
		/* A list may have empty places. */
		while (take(&offers, ','))
			;
		skip_blanks(&offers);
		if (offers.size == 0 || !take_offer(&offers, &acceptable, terms_r))
			return false;
		skip_blanks(&offers);
		if (offers.size && offers.at[0] != ',')
			return false;
	} while (!acceptable);
	return true;
}

void deflate_put_terms(struct buf *to, const struct deflate_terms *terms)
{
	buf_add_str(to, "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
	if (terms->names_bits)
		buf_printf(to, "; server_max_window_bits=%u", terms->server_bits);
}
