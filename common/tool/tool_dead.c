/* tool_dead.c - stoa dead: the events that were given up are listed, shown, retried, dropped. */
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "tool_letter.h"
#include "tool_store.h"

enum { PAGE = 50 };

struct desk {
	const struct tool_args *args;
	const char *app;
	struct tool_store *store;
	struct buf stream;  /* the name of the dead letters' */
	struct arena arena; /* of one page */
	struct buf json;    /* with --json: items with commas between */
	struct buf newest;
	struct buf last; /* the id of the last letter seen, with a bracket before it */
	size_t seen;     /* letters of this page */
	size_t shown, done, undone;
	void (*each)(struct desk *d, const struct letter *l);
};

/* --- Pages -------------------------------------------------------------------------------------------------------- */

static bool is_over(const struct desk *d)
{
	return d->args->count && d->shown >= (size_t)d->args->count;
}

static void heard_page(void *ctx, const struct redis_reply *reply)
{
	struct desk *d = ctx;
	struct letter l;

	d->seen = reply->type == REDIS_ARRAY ? reply->count : 0;
	for (size_t i = 0; i < d->seen && !is_over(d); i++) {
		if (!letter_read(&d->arena, &reply->items[i], &l))
			continue;
		buf_clear(&d->last);
		buf_add_char(&d->last, '(');
		buf_add_slice(&d->last, l.id);
		if (!letter_is_in(&l, d->args->namespace))
			continue;
		d->shown++;
		d->each(d, &l);
	}
	arena_reset(&d->arena);
}

static void heard_newest(void *ctx, const struct redis_reply *reply)
{
	struct desk *d = ctx;
	struct letter l;

	if (reply->type == REDIS_ARRAY && reply->count && letter_read(&d->arena, &reply->items[0], &l))
		buf_add_slice(&d->newest, l.id);
}

static bool next_page(struct desk *d)
{
	struct slice argv[] = { SLICE("XRANGE"), buf_slice(&d->stream), buf_slice(&d->last), buf_slice(&d->newest),
		SLICE("COUNT"), SLICE("50") };

	_Static_assert(PAGE == 50, "as it is said");
	return tool_store_ask(d->store, argv, 6, heard_page, d);
}

/* All letters that there are now, oldest first: one that is retried may soon be dead again. What is asked from inside is
 * waited for with its page. */
static bool each_letter(struct desk *d, void (*each)(struct desk *d, const struct letter *l))
{
	struct slice argv[] = { SLICE("XREVRANGE"), buf_slice(&d->stream), SLICE("+"), SLICE("-"), SLICE("COUNT"),
		SLICE("1") };
	bool good = tool_store_ask(d->store, argv, 6, heard_newest, d);

	d->each = each;
	d->seen = d->newest.size ? PAGE : 0;
	buf_add_char(&d->last, '-');
	while (good && d->seen == PAGE && !is_over(d))
		good = next_page(d);
	return good;
}

/* The letters that are named. */
static bool each_named(struct desk *d, void (*each)(struct desk *d, const struct letter *l))
{
	bool good = true;

	d->each = each;
	for (size_t i = 1; good && i < d->args->words.count; i++) {
		struct slice id = slice_str(d->args->words.at[i]);
		struct slice argv[] = { SLICE("XRANGE"), buf_slice(&d->stream), id, id };

		d->seen = 0;
		good = tool_store_ask(d->store, argv, 4, heard_page, d);
		if (!good || d->seen)
			continue;
		tool_complain("there is no letter %s", d->args->words.at[i]);
		d->undone++;
	}
	return good;
}

/* --- Looking ------------------------------------------------------------------------------------------------------ */

static void add_json(struct desk *d, const struct letter *l, bool whole)
{
	if (d->json.size)
		buf_add_char(&d->json, ',');
	letter_add_json(&d->json, l, whole);
}

static void list_one(struct desk *d, const struct letter *l)
{
	if (d->args->json)
		add_json(d, l, false);
	else
		letter_print_row(l);
}

static enum tool_exit list(struct desk *d)
{
	if (!d->args->json)
		letter_print_head();
	if (!each_letter(d, list_one))
		return TOOL_FAILED;
	if (d->args->json) {
		fputs("{\"dead\":[", stdout);
		tool_write(buf_slice(&d->json));
		puts("]}");
	}
	return TOOL_DONE;
}

static void show_one(struct desk *d, const struct letter *l)
{
	if (d->done++ && !d->args->json)
		putchar('\n');
	if (!d->args->json) {
		letter_print(l);
		return;
	}
	letter_add_json(&d->json, l, true);
	buf_add_char(&d->json, '\n');
	tool_write(buf_slice(&d->json));
	buf_clear(&d->json);
}

/* --- Acting ------------------------------------------------------------------------------------------------------- */

static void heard_done(void *ctx, const struct redis_reply *reply)
{
	struct desk *d = ctx;

	/* An id, or 1; 0 or nil: somebody else was faster. */
	if (reply->type == REDIS_STRING || (reply->type == REDIS_INTEGER && reply->integer == 1))
		d->done++;
	else
		d->undone++;
}

static void drop_one(struct desk *d, const struct letter *l)
{
	tool_store_say(d->store, (struct slice[]){ SLICE("XDEL"), buf_slice(&d->stream), l->id }, 3, heard_done, d);
}

/* Put back, then deleted, in one step: it is never lost and never there twice. */
static const char retry_script[] = "if #redis.call('XRANGE',KEYS[1],ARGV[1],ARGV[1])==0 then return 0 end\n"
				   "local id=redis.pcall('XADD',KEYS[2],'*',ARGV[2],ARGV[3])\n"
				   "if type(id)=='table' then return id end\n"
				   "redis.call('XDEL',KEYS[1],ARGV[1])\n"
				   "return id";

static void complain(const struct letter *l, const char *why)
{
	tool_complain("%.*s: %s; it can only be dropped", SLICE_ARG(l->id), why);
}

static void put_back(struct desk *d, const struct letter *l, struct slice record)
{
	struct buf events = BUF_INIT;

	name_events(&events, d->app, (unsigned)l->partition);
	tool_store_say(d->store,
		(struct slice[]){ SLICE("EVAL"), slice_str(retry_script), SLICE("2"), buf_slice(&d->stream),
			buf_slice(&events), l->id, slice_str(records_field), record },
		8, heard_done, d);
	buf_fini(&events);
}

/* Nobody waits for it: no number, no acknowledgement. */
static void retry_one(struct desk *d, const struct letter *l)
{
	struct event_record again = l->event;
	const char *final = letter_is_final(l);
	struct buf record = BUF_INIT;

	again.n = 0;
	again.again = true;
	again.wants_ack = false;
	if (final == NULL && event_record_put(&record, record_encoding(l->record), &again))
		final = "it cannot be written again";
	if (final) {
		complain(l, final);
		d->undone++;
	} else {
		put_back(d, l, buf_slice(&record));
	}
	buf_fini(&record);
}

static enum tool_exit ended(const struct desk *d, bool good)
{
	if (!good)
		return TOOL_FAILED;
	if (d->undone == 0 && d->done)
		return TOOL_DONE;
	return d->shown == 0 ? TOOL_NOBODY : TOOL_PARTIAL;
}

static enum tool_exit show(struct desk *d)
{
	return ended(d, each_named(d, show_one));
}

static enum tool_exit act(struct desk *d, void (*each)(struct desk *d, const struct letter *l))
{
	bool good = d->args->all ? each_letter(d, each) : each_named(d, each);
	const char *verb = d->args->words.at[0];

	if (good && d->args->json)
		printf("{\"done\":%zu,\"undone\":%zu}\n", d->done, d->undone);
	else if (good)
		printf("%s: %zu letter%s\n", verb, d->done, d->done == 1 ? "" : "s");
	return ended(d, good);
}

static enum tool_exit retry(struct desk *d)
{
	return act(d, retry_one);
}

static enum tool_exit drop(struct desk *d)
{
	return act(d, drop_one);
}

/* --- Which -------------------------------------------------------------------------------------------------------- */

static const struct verb {
	const char *name;
	enum tool_exit (*run)(struct desk *d);
	bool takes_ids, takes_all;
} verbs[] = {
	{ "list", list, false, false },
	{ "show", show, true, false },
	{ "retry", retry, true, true },
	{ "drop", drop, true, true },
};

static const struct verb *verb_of(const struct tool_args *a)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i].name, a->words.at[0]) == 0)
			return &verbs[i];
	tool_complain("stoa dead %s: list, show, retry or drop was expected", a->words.at[0]);
	return NULL;
}

static bool is_id(const char *text)
{
	size_t ms = strspn(text, "0123456789"), seq = text[ms] == '-' ? strspn(text + ms + 1, "0123456789") : 0;

	return ms > 0 && ms < 21 && seq > 0 && seq < 21 && text[ms + 1 + seq] == '\0';
}

static bool check(const struct tool_args *a, const struct verb *verb)
{
	if (a->all && !verb->takes_all) {
		tool_complain("stoa dead %s takes no --all", verb->name);
		return false;
	}
	if (a->words.count > 1 && (!verb->takes_ids || a->all)) {
		tool_complain("stoa dead %s%s takes no ID", verb->name, a->all ? " --all" : "");
		return false;
	}
	if (verb->takes_ids && a->words.count == 1 && !a->all) {
		tool_complain("which? say the letters' IDs%s; see stoa dead list", verb->takes_all ? ", or --all" : "");
		return false;
	}
	for (size_t i = 1; i < a->words.count; i++) {
		if (is_id(a->words.at[i]))
			continue;
		tool_complain("%s is no ID; they are written like 1700000000000-0", a->words.at[i]);
		return false;
	}
	return true;
}

enum tool_exit tool_dead(const struct tool_args *a)
{
	const struct verb *verb = verb_of(a);
	struct desk d = { .args = a };
	enum tool_exit status = TOOL_USAGE;

	if (verb && check(a, verb))
		d.app = tool_app_name(a);
	if (d.app)
		d.store = tool_store_open(a);
	if (d.store) {
		name_dead(&d.stream, d.app);
		status = verb->run(&d);
	}
	tool_store_close(d.store);
	arena_fini(&d.arena);
	buf_fini(&d.stream);
	buf_fini(&d.json);
	buf_fini(&d.last);
	buf_fini(&d.newest);
	return status;
}
