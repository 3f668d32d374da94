/* tool_show.c - an answer as a person reads it, or as it came. */
#include <inttypes.h>
#include <stdio.h>

#include "alloc.h"
#include "json.h"
#include "tool.h"

static const struct json_rules rules = { VALUE_DEPTH_MAX, JSON_NO_BLOBS };

/* --- Tables ------------------------------------------------------------------------------------------------------- */

static void show_room(struct stoa_value v)
{
	printf("%8" PRId64 "  ", tool_number_of(tool_member(v, "clients")));
	tool_print(tool_text_of(tool_member(v, "room")));
	putchar('\n');
}

static void show_namespace(struct stoa_value v)
{
	printf("%8" PRId64 "  %6" PRId64 "  ", tool_number_of(tool_member(v, "clients")),
		tool_number_of(tool_member(v, "rooms")));
	tool_print(tool_text_of(tool_member(v, "namespace")));
	putchar('\n');
}

/* The client's own id comes first among its rooms and has been shown. */
static void show_socket(struct stoa_value v)
{
	struct stoa_value rooms = value_open(tool_member(v, "rooms"));

	printf("%.*s  %-9.*s  %-15.*s  %7" PRId64 "s ", SLICE_ARG(tool_text_of(tool_member(v, "sid"))),
		SLICE_ARG(tool_text_of(tool_member(v, "transport"))),
		SLICE_ARG(tool_text_of(tool_member(v, "address"))), tool_number_of(tool_member(v, "age_ms")) / 1000);
	for (size_t i = 1; rooms.kind_ == VALUE_ARRAY && i < rooms.size_; i++) {
		putchar(i > 1 ? ',' : ' ');
		tool_print(tool_text_of(value_at(rooms, i)));
	}
	putchar('\n');
}

static const struct listing {
	const char *what, *heading;
	void (*show)(struct stoa_value v);
} listings[] = {
	{ "rooms", " CLIENTS  ROOM", show_room },
	{ "sockets", "SID                   TRANSPORT  ADDRESS               AGE  ROOMS", show_socket },
	{ "namespaces", " CLIENTS   ROOMS  NAMESPACE", show_namespace },
};

static const struct listing *listing_of(const struct tool_args *a)
{
	for (size_t i = 0; i < sizeof(listings) / sizeof(listings[0]); i++)
		if (strcmp(a->command->name, listings[i].what) == 0)
			return &listings[i];
	return NULL;
}

static void show_listing(const struct listing *l, struct stoa_value answer, bool first_page)
{
	struct stoa_value all = value_open(tool_member(answer, l->what));

	if (first_page)
		puts(l->heading);
	for (size_t i = 0; all.kind_ == VALUE_ARRAY && i < all.size_; i++)
		l->show(value_at(all, i));
}

/* --- Numbers ------------------------------------------------------------------------------------------------------ */

static const char *plural(int64_t n)
{
	return n == 1 ? "" : "s";
}

static void show_counts(const struct tool_args *a, struct stoa_value answer)
{
	int64_t clients = tool_number_of(tool_member(answer, "clients")),
		rooms = tool_number_of(tool_member(answer, "rooms"));

	printf("%" PRId64 " client%s", clients, plural(clients));
	if (a->words.count == 0)
		printf(", %" PRId64 " room%s", rooms, plural(rooms));
	putchar('\n');
}

static void show_action(const struct tool_args *a, struct stoa_value answer)
{
	int64_t clients = tool_number_of(tool_member(answer, a->command->result)),
		refused = tool_number_of(tool_member(answer, "refused"));

	printf("%s: %" PRId64 " client%s\n", a->command->name, clients, plural(clients));
	if (refused)
		tool_complain("%" PRId64 " client%s may be in no more rooms (max_rooms)", refused, plural(refused));
}

/* --- The answer --------------------------------------------------------------------------------------------------- */

static enum tool_exit refused(const struct tool_answer *answer, struct stoa_value v)
{
	struct stoa_value error = tool_member(v, "error");
	struct slice message = tool_text_of(tool_member(error, "message")),
		     field = tool_text_of(tool_member(error, "field"));

	if (message.size == 0)
		tool_complain("refused with status %d", answer->status);
	else if (field.size)
		tool_complain("refused (%d): %.*s: %.*s", answer->status, SLICE_ARG(field), SLICE_ARG(message));
	else
		tool_complain("refused (%d): %.*s", answer->status, SLICE_ARG(message));
	return TOOL_FAILED;
}

static enum tool_exit show(
	const struct tool_args *a, const struct tool_answer *answer, struct stoa_value v, bool first_page)
{
	const struct listing *l = listing_of(a);

	if (a->json)
		printf("%.*s", SLICE_ARG(buf_slice(&answer->body)));
	else if (l)
		show_listing(l, v, first_page);
	else if (a->command->bit & TOOL_COUNTS)
		show_counts(a, v);
	else
		show_action(a, v);
	if (l || a->command->bit & TOOL_COUNTS)
		return TOOL_DONE;
	return tool_number_of(tool_member(v, a->command->result)) > 0 ? TOOL_DONE : TOOL_NOBODY;
}

enum tool_exit tool_show(const struct tool_args *a, const struct tool_answer *answer, bool first_page, char **next)
{
	struct arena arena = ARENA_INIT;
	enum tool_exit status = TOOL_FAILED;
	struct stoa_value v = value_null();
	struct slice cursor;
	unsigned flags;

	if (json_check(buf_slice(&answer->body), &rules, &flags) == NULL)
		v = value_open(json_decode(&arena, buf_slice(&answer->body), NULL, 0));
	if (answer->status != 200 || v.kind_ != VALUE_OBJECT)
		status = refused(answer, v);
	else
		status = show(a, answer, v, first_page);
	cursor = tool_text_of(tool_member(v, "next"));
	*next = cursor.size ? must_strndup(cursor.at, cursor.size) : NULL;
	arena_fini(&arena);
	return status;
}
