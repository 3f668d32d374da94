/* config_pairs.c - the application's own options: names and texts that only the module understands. */
#include "config_parts.h"

#include <stdlib.h>

#include "alloc.h"

static const char NAME_BYTES[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";

/* Only what every source can spell, so that a name means the same from each. */
static bool is_good_name(struct slice name)
{
	for (size_t i = 0; i < name.size; i++)
		if (name.at[i] == '\0' || strchr(NAME_BYTES, name.at[i]) == NULL)
			return false;
	return name.size > 0;
}

static bool fail_name(struct config_context *c, struct config_place place, struct slice name)
{
	struct buf quoted = BUF_INIT;

	config_add_quoted(&quoted, name);
	config_fail(c, place, "%.*s is not a name for an application's option; it takes letters, digits, _, - and .",
		SLICE_ARG(buf_slice(&quoted)));
	buf_fini(&quoted);
	return false;
}

static struct config_pair *find_or_add(struct config_pairs *pairs, struct slice name)
{
	struct config_pair *p;

	for (size_t i = 0; i < pairs->count; i++)
		if (slice_equal(slice_str(pairs->at[i].name), name))
			return &pairs->at[i];
	pairs->at = must_realloc(pairs->at, (pairs->count + 1) * sizeof(*pairs->at));
	p = &pairs->at[pairs->count++];
	*p = (struct config_pair){ .name = must_strndup(name.at, name.size) };
	return p;
}

bool config_pair(struct config_context *c, struct config_place place, struct slice name, const char *value)
{
	struct config_pair *p;

	if (!is_good_name(name))
		return fail_name(c, place, name);
	p = find_or_add(c->pairs, name);
	free(p->value);
	p->value = must_strdup(value);
	return true;
}
