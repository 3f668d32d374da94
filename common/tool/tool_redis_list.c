/* tool_redis_list.c - rooms, clients and gateways of all servers, through Redis. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "clock.h"
#include "json.h"
#include "stoa_emitter.h"
#include "tool.h"

/* What the callbacks gather. */
struct listing {
	const struct tool_args *args;
	struct buf json; /* with --json: items with commas between */
	size_t shown;
	struct slice *names; /* of rooms: in `arena` */
	size_t n_names, cap_names;
	struct slice nsp; /* with its slash, in `arena` */
	long long here;   /* of nodes: that take part in it */
	struct arena arena;
};

static void listing_fini(struct listing *l)
{
	buf_fini(&l->json);
	free(l->names);
	arena_fini(&l->arena);
}

static void add_json(struct listing *l, struct stoa_value v)
{
	if (l->shown++)
		buf_add_char(&l->json, ',');
	tool_add_json(&l->json, v);
}

/* {"what":[..],"servers":N,"responded":N} */
static void show_json(const struct listing *l, const char *what, const struct stoa_emitter_result *r)
{
	printf("{\"%s\":[", what);
	tool_write(buf_slice(&l->json));
	printf("],\"servers\":%lld,\"responded\":%lld}\n", r->servers, r->responded);
}

/* --- Rooms -------------------------------------------------------------------------------------------------------- */

/* As servers make ids: 20 characters of base64url. Rooms may be named so, but hardly are. */
static bool is_like_sid(struct slice s)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	for (size_t i = 0; i < s.size; i++)
		if (memchr(alphabet, s.at[i], sizeof(alphabet) - 1) == NULL)
			return false;
	return s.size == 20;
}

static void note_name(struct listing *l, struct slice name)
{
	char *at;

	if (!l->args->all && is_like_sid(name))
		return;
	at = arena_copy(&l->arena, name.at, name.size);
	if (at == NULL)
		return;
	if (l->n_names == l->cap_names) {
		l->cap_names = l->cap_names ? 2 * l->cap_names : 64;
		l->names = must_realloc(l->names, l->cap_names * sizeof(*l->names));
	}
	l->names[l->n_names++] = slice_of(at, name.size);
}

static void note_rooms(void *ctx, const struct stoa_emitter_answer *answer)
{
	struct listing *l = ctx;
	struct arena arena = ARENA_INIT;
	struct stoa_value names = tool_answer_value(&arena, answer);

	for (size_t i = 0; names.kind_ == VALUE_ARRAY && i < names.size_; i++)
		note_name(l, tool_text_of(value_at(names, i)));
	arena_fini(&arena);
}

static int by_name(const void *left, const void *right)
{
	const struct slice *a = left, *b = right;
	size_t size = a->size < b->size ? a->size : b->size;
	int order = size ? memcmp(a->at, b->at, size) : 0;

	return order ? order : (a->size > b->size) - (a->size < b->size);
}

static void show_room(struct listing *l, struct slice name, size_t servers)
{
	struct stoa_value pairs[] = { value_text(SLICE("room")), value_text(name), value_text(SLICE("servers")),
		value_int((int64_t)servers) };

	if (l->args->json) {
		add_json(l, value_object(pairs, 2));
		return;
	}
	printf("%8zu  ", servers);
	tool_print(name);
	putchar('\n');
}

/* A server names each of its rooms once. */
static void show_rooms(struct listing *l, const struct stoa_emitter_result *r)
{
	if (l->n_names)
		qsort(l->names, l->n_names, sizeof(*l->names), by_name);
	if (!l->args->json)
		puts(" SERVERS  ROOM");
	for (size_t i = 0, n; i < l->n_names; i += n) {
		for (n = 1; i + n < l->n_names && slice_equal(l->names[i], l->names[i + n]);)
			n++;
		show_room(l, l->names[i], n);
	}
	if (l->args->json)
		show_json(l, "rooms", r);
}

/* --- Clients ------------------------------------------------------------------------------------------------------ */

/* Its own id comes in any place among its rooms. */
static void print_rooms(struct stoa_value rooms, struct slice id)
{
	size_t shown = 0;

	for (size_t i = 0; rooms.kind_ == VALUE_ARRAY && i < rooms.size_; i++) {
		struct slice room = tool_text_of(value_at(rooms, i));

		if (slice_equal(room, id))
			continue;
		if (shown++)
			putchar(',');
		tool_print(room);
	}
}

static void print_socket(struct stoa_value v)
{
	struct slice id = tool_text_of(tool_member(v, "id"));
	struct stoa_value handshake = tool_member(v, "handshake");
	int64_t issued = tool_number_of(tool_member(handshake, "issued"));

	tool_print_padded(id, 20);
	tool_print_padded(tool_text_of(tool_member(handshake, "address")), 15);
	if (issued)
		printf("%7" PRId64 "s  ", (clock_wall_ms() - issued) / 1000);
	else
		printf("%8s  ", "-");
	print_rooms(value_open(tool_member(v, "rooms")), id);
	putchar('\n');
}

static void note_socket(void *ctx, const struct stoa_emitter_answer *answer)
{
	struct listing *l = ctx;
	struct arena arena = ARENA_INIT;
	struct stoa_value v = tool_answer_value(&arena, answer);

	if (l->args->json)
		add_json(l, v);
	else
		print_socket(v);
	arena_fini(&arena);
}

static void show_sockets(struct listing *l, const struct stoa_emitter_result *r)
{
	if (l->args->json)
		show_json(l, "sockets", r);
}

/* --- Gateways ----------------------------------------------------------------------------------------------------- */

static bool is_in(struct stoa_value namespaces, struct slice nsp)
{
	bool found = namespaces.kind_ != VALUE_ARRAY; /* too many to be named */

	for (size_t i = 0; !found && i < namespaces.size_; i++)
		found = slice_equal(tool_text_of(value_at(namespaces, i)), nsp);
	return found;
}

static bool is_draining(struct stoa_value node)
{
	struct stoa_value draining = tool_member(node, "draining");

	return draining.kind_ == VALUE_BOOL && draining.as_.i;
}

static void print_node(struct stoa_value v)
{
	struct stoa_value namespaces = value_open(tool_member(v, "namespaces"));
	struct slice address = tool_text_of(tool_member(v, "address"));

	tool_print_padded(tool_text_of(tool_member(v, "node")), 4);
	printf("%7" PRId64 "  %7" PRId64 "s  ", tool_number_of(tool_member(v, "clients")),
		tool_number_of(tool_member(v, "age")));
	tool_print_padded(address.size ? address : SLICE("-"), 21);
	tool_print_padded(tool_text_of(tool_member(v, "name")), 20);
	for (size_t i = 0; namespaces.kind_ == VALUE_ARRAY && i < namespaces.size_; i++) {
		fputs(i ? "," : "", stdout);
		tool_print(tool_text_of(value_at(namespaces, i)));
	}
	fputs(namespaces.kind_ == VALUE_ARRAY ? "" : "(many)", stdout);
	puts(is_draining(v) ? "  draining" : "");
}

static void note_node(void *ctx, const struct stoa_emitter_answer *answer)
{
	struct listing *l = ctx;
	struct arena arena = ARENA_INIT;
	struct stoa_value v = tool_answer_value(&arena, answer);

	l->here += is_in(value_open(tool_member(v, "namespaces")), l->nsp);
	if (l->args->json)
		add_json(l, v);
	else
		print_node(v);
	arena_fini(&arena);
}

static void show_nodes(struct listing *l, const struct stoa_emitter_result *r)
{
	long long others = r->servers > l->here ? r->servers - l->here : 0;

	if (l->args->json) {
		fputs("{\"nodes\":[", stdout);
		tool_write(buf_slice(&l->json));
		printf("],\"others\":%lld}\n", others);
		return;
	}
	printf("%lld gateway%s, and %lld other server%s in ", r->answers, r->answers == 1 ? "" : "s", others,
		others == 1 ? "" : "s");
	tool_print(l->nsp);
	putchar('\n');
}

/* --- All of them -------------------------------------------------------------------------------------------------- */

static int ask_rooms(struct stoa_emitter *e, const struct tool_args *a, const struct stoa_emitter_call *call)
{
	return stoa_emitter_all_rooms(e, a->namespace, call);
}

static int ask_sockets(struct stoa_emitter *e, const struct tool_args *a, const struct stoa_emitter_call *call)
{
	struct stoa_emitter_to to = {
		.nsp = a->namespace, .rooms = a->words.at, .broadcast = a->words.count == 0, .except = a->except.at
	};

	if (!a->json)
		puts("SID                   ADDRESS               AGE  ROOMS");
	return stoa_emitter_fetch_sockets(e, &to, call);
}

static int ask_nodes(struct stoa_emitter *e, const struct tool_args *a, const struct stoa_emitter_call *call)
{
	struct stoa_emitter_call short_call = *call;

	if (!a->json)
		puts("NODE  CLIENTS       AGE  ADDRESS                NAME                  NAMESPACES");
	short_call.timeout_ms = call->timeout_ms < 2000 ? call->timeout_ms : 2000;
	return stoa_emitter_nodes(e, a->namespace, &short_call);
}

/* Its slash may be missing. */
static void name_namespace(struct listing *l)
{
	const char *given = l->args->namespace ? l->args->namespace : "/";
	size_t size = strlen(given);
	char *at = arena_take(&l->arena, size + 2);

	if (at == NULL)
		return;
	at[0] = '/';
	memcpy(at + (given[0] != '/'), given, size);
	l->nsp = slice_of(at, size + (given[0] != '/'));
}

static enum tool_exit list(const struct tool_args *a,
	int (*ask)(struct stoa_emitter *e, const struct tool_args *a, const struct stoa_emitter_call *call),
	stoa_emitter_answer_fn *note, void (*show)(struct listing *l, const struct stoa_emitter_result *r))
{
	struct listing l = { .args = a };
	struct stoa_emitter *e = tool_redis_open(a);
	struct stoa_emitter_result r = { .responded = 0 };
	enum tool_exit status = TOOL_USAGE;

	name_namespace(&l);
	if (e) {
		r.status = ask(e, a,
			&(struct stoa_emitter_call){
				.timeout_ms = (int)a->timeout_ms, .answer = note, .ctx = &l, .result = &r });
		r.why = stoa_emitter_error(e);
		if (r.status == 0 || r.answers)
			show(&l, &r);
		status = tool_redis_ended(&r);
	}
	stoa_emitter_free(e);
	listing_fini(&l);
	return status;
}

enum tool_exit tool_redis_rooms(const struct tool_args *a)
{
	return list(a, ask_rooms, note_rooms, show_rooms);
}

enum tool_exit tool_redis_sockets(const struct tool_args *a)
{
	return list(a, ask_sockets, note_socket, show_sockets);
}

enum tool_exit tool_redis_nodes(const struct tool_args *a)
{
	return list(a, ask_nodes, note_node, show_nodes);
}
