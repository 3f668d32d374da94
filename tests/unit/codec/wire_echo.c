/*
 * wire_echo.c - test-wire-echo: the decoders and encoders of what servers say over Redis as a filter, for comparison
 * with captured messages and with other implementations.
 *
 * Each line of the input is a kind and a payload in hexadecimal ("-": empty): pickle, python, python-list,
 * python-pickle, broadcast, emitter, request or response. Each answer is a line of JSON:
 *	{"error": "why it was refused"}
 *	{"is": what was read, "blobs": [attachments of it in hexadecimal], "again": the same encoded by us, in hexadecimal}
 * A kind with a '!' behind it (broadcast!, request!, response!) is answered with what wire_classic_check() says.
 */
#include "json.h"
#include "wire_classic.h"
#include "wire_python.h"

#include <stdio.h>
#include <stdlib.h>

struct echo {
	struct arena arena;
	struct wire_rules rules;
	struct stoa_value is;
	struct buf again;
	bool encoded;
};

static struct stoa_value text(struct slice s)
{
	return value_text(s.at ? s : SLICE(""));
}

/* The object, kept. */
static struct stoa_value keep(struct echo *e, const struct wire_object *o)
{
	return value_copy(&e->arena, wire_object_value(o));
}

static void put_opts(struct echo *e, struct wire_object *o, const struct wire_opts *opts)
{
	struct wire_object flags = { .members = 0 };

	if (opts->has_compress)
		wire_put(&flags, SLICE("compress"), value_bool(!opts->uncompressed));
	if (opts->is_volatile)
		wire_put(&flags, SLICE("volatile"), value_bool(true));
	if (opts->single)
		wire_put(&flags, SLICE("expectSingleResponse"), value_bool(true));
	if (opts->has_timeout)
		wire_put(&flags, SLICE("timeout"), value_int(opts->timeout_ms));
	wire_put(o, SLICE("everybody"), value_bool(opts->everybody));
	wire_put(o, SLICE("rooms"), wire_names_value(&e->arena, &opts->rooms, false));
	wire_put(o, SLICE("except"), wire_names_value(&e->arena, &opts->except, false));
	wire_put(o, SLICE("flags"), keep(e, &flags));
}

static const char *echo_pickle(struct echo *e, struct slice payload)
{
	const char *error = pickle_decode(&e->arena, payload, &e->rules.pickle, &e->is);

	e->encoded = error == NULL && pickle_encode(&e->again, e->is) == 0;
	return error;
}

static const char *echo_broadcast_of(struct echo *e, struct slice payload, enum wire_channel_kind kind)
{
	struct wire_object o = { .members = 0 };
	struct wire_broadcast b;
	const char *error = wire_broadcast_decode(&e->arena, payload, kind, &e->rules, &b);

	if (error)
		return error;
	wire_put(&o, SLICE("uid"), text(b.uid));
	wire_put(&o, SLICE("nsp"), text(b.nsp));
	wire_put(&o, SLICE("data"), b.data);
	put_opts(e, &o, &b.opts);
	e->is = keep(e, &o);
	e->encoded = wire_broadcast_encode(&e->again, &e->arena, &b) == 0;
	return NULL;
}

static const char *echo_broadcast(struct echo *e, struct slice payload)
{
	return echo_broadcast_of(e, payload, WIRE_CHANNEL_BROADCAST);
}

static const char *echo_emitter(struct echo *e, struct slice payload)
{
	return echo_broadcast_of(e, payload, WIRE_CHANNEL_EMITTER);
}

static const char *echo_request(struct echo *e, struct slice payload)
{
	struct wire_object o = { .members = 0 }, opts = { .members = 0 };
	struct wire_request r;
	const char *error = wire_request_decode(&e->arena, payload, &e->rules, &r);

	if (error)
		return error;
	wire_put(&o, SLICE("type"), value_int(r.type));
	wire_put(&o, SLICE("uid"), text(r.uid));
	wire_put(&o, SLICE("requestId"), text(r.request_id));
	put_opts(e, &opts, &r.opts);
	wire_put(&o, SLICE("opts"), keep(e, &opts));
	wire_put(&o, SLICE("rooms"), wire_names_value(&e->arena, &r.rooms, false));
	wire_put(&o, SLICE("sid"), text(r.sid));
	wire_put(&o, SLICE("close"), value_bool(r.close));
	wire_put(&o, SLICE("data"), r.data);
	wire_put(&o, SLICE("nsp"), text(r.nsp));
	e->is = keep(e, &o);
	e->encoded = wire_request_encode(&e->again, &e->arena, &r) == 0;
	return NULL;
}

static const char *echo_sockets(struct echo *e, const struct wire_response *r, struct stoa_value *list)
{
	struct stoa_value *items = arena_take(&e->arena, r->sockets.size_ * sizeof(*items));
	struct wire_socket s;
	const char *error;

	e->encoded = wire_sockets_begin(&e->again, r->request_id, r->uid) == 0;
	for (size_t i = 0; i < r->sockets.size_; i++) {
		struct wire_object o = { .members = 0 };

		error = wire_socket_of(&e->arena, value_at(r->sockets, i), &e->rules, &s);
		if (error)
			return error;
		wire_put(&o, SLICE("id"), text(s.id));
		wire_put(&o, SLICE("rooms"), wire_names_value(&e->arena, &s.rooms, false));
		wire_put(&o, SLICE("data"), s.data);
		wire_put(&o, SLICE("address"), text(s.address));
		items[i] = keep(e, &o);
		e->encoded = e->encoded && wire_sockets_add(&e->again, &e->arena, &s) == 0;
	}
	e->encoded = e->encoded && wire_sockets_end(&e->again) == 0;
	*list = value_array(items, r->sockets.size_);
	return NULL;
}

static const char *echo_response(struct echo *e, struct slice payload)
{
	struct wire_object o = { .members = 0 };
	struct stoa_value sockets = value_null();
	struct wire_response r;
	const char *error = wire_response_decode(&e->arena, payload, &e->rules, &r);

	if (error)
		return error;
	if (r.type == WIRE_ANSWER_SOCKETS)
		error = echo_sockets(e, &r, &sockets);
	else
		e->encoded = wire_response_encode(&e->again, &e->arena, &r) == 0;
	wire_put(&o, SLICE("type"), value_int(r.type));
	wire_put(&o, SLICE("requestId"), text(r.request_id));
	wire_put(&o, SLICE("names"), wire_names_value(&e->arena, &r.names, false));
	wire_put(&o, SLICE("sockets"), sockets);
	wire_put(&o, SLICE("has_value"), value_bool(r.has_value));
	wire_put(&o, SLICE("value"), r.value);
	wire_put(&o, SLICE("clients"), value_uint(r.clients));
	e->is = keep(e, &o);
	return error;
}

static const char *echo_python_as(struct echo *e, struct slice payload, enum wire_python_form form)
{
	struct wire_object o = { .members = 0 };
	struct wire_python m;
	const char *error = wire_python_decode(&e->arena, payload, &e->rules, &m);

	if (error)
		return error;
	wire_put(&o, SLICE("method"), value_int(m.method));
	wire_put(&o, SLICE("nsp"), text(m.nsp));
	wire_put(&o, SLICE("host_id"), text(m.host_id));
	wire_put(&o, SLICE("data"), m.data);
	wire_put(&o, SLICE("args"), m.args);
	wire_put(&o, SLICE("everybody"), value_bool(m.everybody));
	wire_put(&o, SLICE("rooms"), wire_names_value(&e->arena, &m.rooms, false));
	wire_put(&o, SLICE("skip"), wire_names_value(&e->arena, &m.skip, false));
	wire_put(&o, SLICE("callback"), m.wants_callback ? text(m.callback_room) : value_null());
	wire_put(&o, SLICE("id"), value_uint(m.id));
	wire_put(&o, SLICE("sid"), text(m.sid));
	wire_put(&o, SLICE("room"), text(m.room));
	e->is = keep(e, &o);
	e->encoded = wire_python_encode(&e->again, &e->arena, &m, form) == 0;
	return NULL;
}

static const char *echo_python(struct echo *e, struct slice payload)
{
	return echo_python_as(e, payload, WIRE_PYTHON_ANY);
}

static const char *echo_python_list(struct echo *e, struct slice payload)
{
	return echo_python_as(e, payload, WIRE_PYTHON_LIST);
}

static const char *echo_python_pickle(struct echo *e, struct slice payload)
{
	return echo_python_as(e, payload, WIRE_PYTHON_PICKLE);
}

static const char *check_broadcast(struct echo *e, struct slice payload)
{
	(void)e;
	return wire_classic_check(WIRE_CHANNEL_BROADCAST, payload);
}

static const char *check_request(struct echo *e, struct slice payload)
{
	(void)e;
	return wire_classic_check(WIRE_CHANNEL_REQUEST, payload);
}

static const char *check_response(struct echo *e, struct slice payload)
{
	(void)e;
	return wire_classic_check(WIRE_CHANNEL_RESPONSE, payload);
}

static const struct {
	const char *name;
	const char *(*echo)(struct echo *e, struct slice payload);
} kinds[] = {
	{ "pickle", echo_pickle },
	{ "python", echo_python },
	{ "python-list", echo_python_list },
	{ "python-pickle", echo_python_pickle },
	{ "broadcast", echo_broadcast },
	{ "emitter", echo_emitter },
	{ "request", echo_request },
	{ "response", echo_response },
	{ "broadcast!", check_broadcast },
	{ "request!", check_request },
	{ "response!", check_response },
};

static void print_hex(struct slice s)
{
	putchar('"');
	for (size_t i = 0; i < s.size; i++)
		printf("%02x", (unsigned char)s.at[i]);
	putchar('"');
}

static void print_answer(struct echo *e)
{
	struct json_blobs blobs = { NULL, 0, 0 };
	struct buf is = BUF_INIT;

	if (json_encode(&is, e->is, &blobs) < 0)
		buf_add_str(&is, "\"cannot be encoded\"");
	printf("{\"is\":");
	fwrite(is.at, 1, is.size, stdout);
	printf(",\"blobs\":[");
	for (size_t i = 0; i < blobs.count; i++) {
		printf(i ? "," : "");
		print_hex(blobs.at[i]);
	}
	printf("],\"again\":");
	if (e->encoded)
		print_hex(buf_slice(&e->again));
	else
		printf("null");
	printf("}\n");
	json_blobs_fini(&blobs);
	buf_fini(&is);
}

/* The payload behind the kind, in its place. */
static size_t unhex(char *hex)
{
	size_t n = 0;
	unsigned byte;

	for (; sscanf(hex + 2 * n, "%2x", &byte) == 1; n++)
		hex[n] = (char)byte;
	return n;
}

static const char *echo_line(struct echo *e, char *line)
{
	char *hex = strchr(line, ' ');
	size_t size;

	if (hex == NULL)
		return "no payload";
	*hex++ = '\0';
	size = unhex(hex);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(line, kinds[i].name) == 0) {
			/* Of its exact size, so that a sanitizer sees a read of one byte too many. */
			char *exact = malloc(size ? size : 1);
			const char *error;

			if (exact == NULL)
				return "no memory";
			memcpy(exact, hex, size);
			error = kinds[i].echo(e, slice_of(exact, size));
			if (error)
				printf("{\"error\":\"%s\"}\n", error);
			else
				print_answer(e);
			free(exact);
			return NULL;
		}
	return "no such kind";
}

int main(void)
{
	struct echo e = { .rules = WIRE_RULES };
	char *line = NULL;
	size_t cap = 0;

	while (getline(&line, &cap, stdin) > 0) {
		const char *error = echo_line(&e, line);

		if (error)
			printf("{\"error\":\"%s\"}\n", error);
		fflush(stdout);
		arena_reset(&e.arena);
		buf_clear(&e.again);
		e.encoded = false;
		e.is = value_null();
	}
	free(line);
	buf_fini(&e.again);
	arena_fini(&e.arena);
	return EXIT_SUCCESS;
}
