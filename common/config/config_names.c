/* config_names.c - from a name to its row, and from a misspelt one to the nearest. */
#include "config_parts.h"

enum { NAME_MAX_BYTES = 63 }; /* longer names are not compared: the distance costs the product of the lengths */

static bool is_name(const char *known, struct slice name)
{
	return slice_equal(slice_str(known), name);
}

bool config_find(const struct config_table *table, struct slice name, struct config_match *match)
{
	const struct config_option *o;

	for (o = table->options; o->name; o++) {
		if (is_name(o->name, name)) {
			*match = (struct config_match){ .option = o };
			return true;
		}
	}
	for (o = table->options; o->name; o++) {
		for (const struct config_alias *a = o->aliases; a->name; a++) {
			if (is_name(a->name, name)) {
				*match = (struct config_match){ .option = o, .alias = a };
				return true;
			}
		}
	}
	return false;
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/*
 * Levenshtein's distance, one row at a time. Capitals in `a` do not count, those of an alias do: PING_INTERVAL is near
 * the option, and what is as near to both is told the option's own name.
 */
static unsigned distance(struct slice a, struct slice b)
{
	unsigned row[NAME_MAX_BYTES + 1];

	for (size_t j = 0; j <= b.size; j++)
		row[j] = (unsigned)j;
	for (size_t i = 0; i < a.size; i++) {
		unsigned diagonal = row[0]++;

		for (size_t j = 0; j < b.size; j++) {
			unsigned cost = diagonal + (ascii_lower(a.at[i]) != b.at[j]);

			diagonal = row[j + 1];
			row[j + 1] = least(cost, row[j] + 1, diagonal + 1);
		}
	}
	return row[b.size];
}

struct nearest {
	struct slice name;
	const char *found;
	unsigned distance;
};

static void consider(struct nearest *n, const char *candidate)
{
	struct slice known = slice_str(candidate);
	unsigned d = known.size > NAME_MAX_BYTES ? n->distance : distance(n->name, known);

	if (d < n->distance) {
		n->distance = d;
		n->found = candidate;
	}
}

/* NULL when nothing shares half of the letters: a wild guess would only mislead. */
static const char *nearest(const struct config_table *table, struct slice name, const char *const *others)
{
	struct nearest n = { name, NULL, (unsigned)name.size / 2 + 1 };

	if (name.size > NAME_MAX_BYTES)
		return NULL;
	for (const struct config_option *o = table->options; o->name; o++) {
		consider(&n, o->name);
		for (const struct config_alias *a = o->aliases; a->name; a++)
			consider(&n, a->name);
	}
	for (; others && *others; others++)
		consider(&n, *others);
	return n.found;
}

bool config_fail_unknown(
	struct config_context *c, struct config_place place, struct slice name, const char *const *others)
{
	const char *near = nearest(c->table, name, others);
	struct buf text = BUF_INIT;

	config_add_foreign(&text, name);
	if (near)
		config_fail(c, place, "unknown option %.*s; did you mean %s?", SLICE_ARG(buf_slice(&text)), near);
	else
		config_fail(c, place, "unknown option %.*s; --help lists all", SLICE_ARG(buf_slice(&text)));
	buf_fini(&text);
	return false;
}

void config_add_flag(struct buf *to, const char *name)
{
	buf_add_str(to, "--");
	for (; *name; name++)
		buf_add_char(to, (char)(*name == '_' ? '-' : *name));
}
