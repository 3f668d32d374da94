/* stoa_test.c - the functions of stoa_test.h, and what is misuse of them. */
#include "stoa_test.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "internal.h"

void misuse(const char *call, const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "%s: ", call);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}

/* --- The application ---------------------------------------------------------------------------------------------- */

struct stoa_test *stoa_test_open(const char *module, const char *const *options)
{
	struct stoa_test *t = must_alloc(sizeof(*t));
	char why[512];

	if (module == NULL)
		misuse("stoa_test_open", "the module is NULL");
	for (const char *const *o = options; o && *o; o++)
		if (strchr(*o, '=') == NULL)
			misuse("stoa_test_open", "an option is \"name=value\", not \"%s\"", *o);
	values_open();
	if (sim_open(&t->sim, module, NULL, options, why, sizeof(why)) < 0)
		misuse("stoa_test_open", "%s", why);
	return t;
}

void stoa_test_close(struct stoa_test *t)
{
	if (t == NULL)
		return;
	sim_close(&t->sim);
	while (t->links) {
		struct link *next = t->links->next;

		link_free(t->links);
		t->links = next;
	}
	arena_fini(&t->arena);
	free(t);
	values_close();
}

void stoa_test_pass(struct stoa_test *t, int64_t ms)
{
	int64_t end_ms;

	if (t == NULL)
		misuse("stoa_test_pass", "the test is NULL");
	if (ms < 0)
		misuse("stoa_test_pass", "time does not go back: %lld ms", (long long)ms);
	end_ms = t->sim.now_ms + ms;
	while (sim_step(&t->sim, end_ms))
		test_settle(t);
	test_settle(t);
}

/* --- Connecting --------------------------------------------------------------------------------------------------- */

static bool is_given(const struct stoa_test_visitor *v)
{
	return v->query || v->headers || v->address;
}

static void check_beside(const struct stoa_test_visitor *v)
{
	static const char call[] = "stoa_test_connect";

	if (v->beside->test != v->test)
		misuse(call, "`beside` is a client of another test");
	if (is_given(v))
		misuse(call, "query, headers and address are those of the client `beside`");
	if (v->beside->link->ended)
		misuse(call, "the connection of the client `beside` has ended");
	if (link_find(v->beside->link, slice_str(v->namespace)))
		misuse(call, "the client `beside`, or another on its connection, is in %s already", v->namespace);
}

static void check_visitor(const struct stoa_test_visitor *v)
{
	static const char call[] = "stoa_test_connect";

	if (v->test == NULL)
		misuse(call, "the test is NULL");
	if (*v->namespace != '/' || strchr(v->namespace, ','))
		misuse(call, "a namespace begins with '/' and has no comma: \"%s\"", v->namespace);
	if (v->auth.kind_ != VALUE_NULL && stoa_type(v->auth) != STOA_OBJECT)
		misuse(call, "auth is an object");
	if (v->beside)
		check_beside(v);
}

static struct stoa_test_client *client_new_on(struct link *l, const char *nsp)
{
	struct arena *arena = &l->test->arena;
	struct stoa_test_client *c = arena_zero(arena, sizeof(*c));

	if (c == NULL || (c->nsp = arena_copy(arena, nsp, strlen(nsp))) == NULL)
		misuse("stoa_test_connect", "out of memory");
	c->test = l->test;
	c->link = l;
	c->next_in_link = l->clients;
	l->clients = c;
	return c;
}

static void ask_in(struct stoa_test_client *c, struct stoa_value auth)
{
	static const char call[] = "stoa_test_connect";
	struct content p = { .json = BUF_INIT };
	struct sio_out out = { .type = SIO_CONNECT, .nsp = slice_str(c->nsp) };
	const char *why;

	if (auth.kind_ != VALUE_NULL)
		content_of_value(&p, call, auth);
	out.json = buf_slice(&p.json);
	why = p.blobs.count ? "auth cannot hold binary data" : packet_refused(c->test, &out);
	if (why)
		misuse(call, "%s", why);
	link_send(c->link, &out);
	content_fini(&p);
}

struct stoa_test_client *stoa_test_connect_(struct stoa_test_visitor v)
{
	struct stoa_test_client *c;

	if (v.namespace == NULL)
		v.namespace = "/";
	check_visitor(&v);
	c = client_new_on(v.beside ? v.beside->link : link_open(v.test, &v), v.namespace);
	c->refusal = c->link->refusal;
	if (c->link->ended)
		c->stage = CLIENT_REFUSED;
	else
		ask_in(c, v.auth);
	test_settle(v.test);
	return c;
}

/* --- Clients ------------------------------------------------------------------------------------------------------ */

static void check_client(const struct stoa_test_client *c, const char *call)
{
	if (c == NULL)
		misuse(call, "the client is NULL");
}

static void check_in(const struct stoa_test_client *c, const char *call)
{
	check_client(c, call);
	if (c->stage == CLIENT_REFUSED)
		misuse(call, "the client was refused in %s", c->nsp);
	if (c->stage != CLIENT_IN)
		misuse(call, "the client is no longer connected to %s", c->nsp);
}

bool stoa_test_connected(struct stoa_test_client *c)
{
	check_client(c, "stoa_test_connected");
	return c->stage == CLIENT_IN;
}

const char *stoa_test_sid(struct stoa_test_client *c)
{
	check_client(c, "stoa_test_sid");
	return c->sid;
}

struct stoa_value stoa_test_refusal(struct stoa_test_client *c)
{
	check_client(c, "stoa_test_refusal");
	return c->refusal;
}

void stoa_test_disconnect(struct stoa_test_client *c)
{
	check_in(c, "stoa_test_disconnect");
	link_send(c->link, &(struct sio_out){ .type = SIO_DISCONNECT, .nsp = slice_str(c->nsp) });
	c->stage = CLIENT_OUT;
	test_settle(c->test);
}

void stoa_test_drop(struct stoa_test_client *c)
{
	check_client(c, "stoa_test_drop");
	if (c->link->ended)
		misuse("stoa_test_drop", "the client's connection has ended already");
	link_end(c->link);
	test_settle(c->test);
}

/* --- Events ------------------------------------------------------------------------------------------------------- */

static void send_list(struct stoa_test_client *c, const char *call, struct sio_out out, struct stoa_list list)
{
	struct content p;
	const char *why;

	content_of_list(&p, call, list);
	out.nsp = slice_str(c->nsp);
	out.json = buf_slice(&p.json);
	out.blobs = p.blobs.at;
	out.n_blobs = p.blobs.count;
	why = packet_refused(c->test, &out);
	if (why)
		misuse(call, "the gateway would close the connection: %s: %.*s", why, SLICE_ARG(out.json));
	link_send(c->link, &out);
	content_fini(&p);
	test_settle(c->test);
}

static void check_event(const struct stoa_test_client *c, const char *call, const char *event)
{
	check_in(c, call);
	if (event == NULL)
		misuse(call, "the event's name is NULL");
}

void stoa_test_emit_(struct stoa_test_client *c, const char *event, struct stoa_list list)
{
	check_event(c, "stoa_test_emit", event);
	send_list(c, "stoa_test_emit", (struct sio_out){ .type = SIO_EVENT }, list);
}

/* Takes the oldest, or the one with that id; NULL: there is none. */
static struct letter *letters_take(struct letters *from, const uint64_t *id)
{
	for (struct letter **at = &from->first; *at; at = &(*at)->next) {
		struct letter *l = *at;

		if (id && l->id != *id)
			continue;
		*at = l->next;
		if (from->end == &l->next)
			from->end = at;
		return l;
	}
	return NULL;
}

static struct stoa_value value_of(const struct letter *l)
{
	return l ? l->value : value_null();
}

struct stoa_value stoa_test_call_(struct stoa_test_client *c, const char *event, struct stoa_list list)
{
	uint64_t id;

	check_event(c, "stoa_test_call", event);
	id = c->last_id++;
	send_list(c, "stoa_test_call", (struct sio_out){ .type = SIO_EVENT, .has_id = true, .id = id }, list);
	return value_of(letters_take(&c->acks, &id));
}

struct stoa_value stoa_test_acked(struct stoa_test_client *c)
{
	check_client(c, "stoa_test_acked");
	return value_of(letters_take(&c->acks, NULL));
}

struct stoa_value stoa_test_received(struct stoa_test_client *c)
{
	check_client(c, "stoa_test_received");
	c->taken = letters_take(&c->events, NULL);
	return value_of(c->taken);
}

void stoa_test_answer_(struct stoa_test_client *c, struct stoa_list list)
{
	static const char call[] = "stoa_test_answer";

	check_in(c, call);
	if (c->taken == NULL)
		misuse(call, "no event was taken by stoa_test_received() before it");
	if (!c->taken->asks)
		misuse(call, "the event taken last asks for no answer, or has it: %s", stoa_to_json(c->taken->value));
	c->taken->asks = false;
	send_list(c, call, (struct sio_out){ .type = SIO_ACK, .has_id = true, .id = c->taken->id }, list);
}
