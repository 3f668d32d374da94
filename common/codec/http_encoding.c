/* http_encoding.c - see http_encoding.h. */
#include "http_encoding.h"

#include "http1_text.h"

enum { UNSAID = -1, FULL = 1000 }; /* weights are thousandths */

static const struct {
	enum http_encoding encoding;
	const char *name;
} preferred[] = {
	{ HTTP_BR, "br" },
	{ HTTP_GZIP, "gzip" },
	{ HTTP_DEFLATE, "deflate" },
};

enum { CODINGS = sizeof(preferred) / sizeof(preferred[0]) };

/* What the header says of each; UNSAID: nothing. */
struct weights {
	int of[CODINGS], identity, any;
};

/* "0", "0.25", "1", "1.000"; anything else is 0, and so is what a fourth digit would add. */
static int weight_value(struct slice text)
{
	int value, unit = FULL / 10;

	if (text.size == 0 || (text.at[0] != '0' && text.at[0] != '1') || (text.size > 1 && text.at[1] != '.'))
		return 0;
	value = (text.at[0] - '0') * FULL;
	for (size_t i = 2; i < text.size; i++, unit /= 10) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return 0;
		value += (text.at[i] - '0') * unit;
	}
	return value > FULL ? FULL : value;
}

/* Of ";a=b;q=0.5" the weight; FULL without one. */
static int weight_in(struct slice parameters)
{
	while (parameters.size) {
		size_t end = slice_find(parameters, ';');
		struct slice one = http_trim(slice_first(parameters, end));
		size_t equals = slice_find(one, '=');

		if (equals < one.size && slice_equal_nocase(http_trim(slice_first(one, equals)), SLICE("q")))
			return weight_value(http_trim(slice_from(one, equals + 1)));
		parameters = slice_from(parameters, end < parameters.size ? end + 1 : end);
	}
	return FULL;
}

static int *weight_of(struct weights *w, struct slice name)
{
	for (size_t i = 0; i < CODINGS; i++)
		if (slice_equal_nocase(name, slice_str(preferred[i].name)))
			return &w->of[i];
	if (slice_equal_nocase(name, SLICE("identity")))
		return &w->identity;
	return slice_equal(name, SLICE("*")) ? &w->any : NULL;
}

static void read_list(struct weights *w, struct slice list)
{
	while (list.size) {
		size_t end = slice_find(list, ',');
		struct slice one = slice_first(list, end);
		size_t name = slice_find(one, ';');
		int *weight = weight_of(w, http_trim(slice_first(one, name)));

		if (weight && *weight == UNSAID)
			*weight = weight_in(slice_from(one, name));
		list = slice_from(list, end < list.size ? end + 1 : end);
	}
}

enum http_encoding http_encoding_choose(const struct http_head *head, unsigned offered)
{
	struct weights w = { { UNSAID, UNSAID, UNSAID }, UNSAID, UNSAID };
	enum http_encoding best = HTTP_IDENTITY;
	int best_weight;

	for (size_t i = 0; i < head->n_headers; i++)
		if (head->field_of[i] == HTTP_F_ACCEPT_ENCODING)
			read_list(&w, head->headers[i].value);
	best_weight = w.identity > 0 ? w.identity - 1 : 0;
	for (size_t i = 0; i < CODINGS; i++) {
		int weight = w.of[i] != UNSAID ? w.of[i] : w.any;

		if ((offered & preferred[i].encoding) && weight > best_weight) {
			best = preferred[i].encoding;
			best_weight = weight;
		}
	}
	return best;
}

const char *http_encoding_name(enum http_encoding e)
{
	for (size_t i = 0; i < CODINGS; i++)
		if (preferred[i].encoding == e)
			return preferred[i].name;
	return NULL;
}
