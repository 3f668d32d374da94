/* describe.c - what gateways have to know of an application before they ask it. */
#include "host_internal.h"

#include <errno.h>

struct names {
	struct arena *arena;
	struct slice *at;
	size_t count;
};

static void count_name(void *to, struct slice name)
{
	struct names *n = to;

	(void)name;
	n->count++;
}

static void add_name(void *to, struct slice name)
{
	struct names *n = to;

	if (n->at)
		n->at[n->count++] = slice_of(arena_copy(n->arena, name.at, name.size), name.size);
}

typedef void patterns_fn(const struct app *a, void (*each)(void *to, struct slice pattern), void *to);

static struct names names_of(struct arena *arena, const struct app *app, patterns_fn *patterns)
{
	struct names n = { .arena = arena };

	patterns(app, count_name, &n);
	n.at = arena_take(arena, n.count * sizeof(*n.at));
	n.count = 0;
	patterns(app, add_name, &n);
	return n;
}

int host_describe(struct buf *to, const struct app *app, unsigned partitions)
{
	struct arena arena = ARENA_INIT;
	struct names all = names_of(&arena, app, app_patterns);
	struct names one = names_of(&arena, app, app_patterns_of_one_process);
	struct app_record r = { .partitions = partitions,
		.namespaces = all.at,
		.n_namespaces = all.count,
		.one_process = one.at,
		.n_one_process = one.count,
		.hears_handshakes = app_hears_handshakes(app),
		.hears_refusals = app_hears_connection_errors(app) };
	int error = all.at && one.at ? app_record_put(to, &r) : -ENOMEM;

	arena_fini(&arena);
	return error;
}
