/* link.c - a client's side of one connection. */
#include "internal.h"

#include <stdlib.h>

#include "alloc.h"

/* --- The handshake ------------------------------------------------------------------------------------------------ */

static void add_lower(struct buf *to, struct slice text)
{
	for (size_t i = 0; i < text.size; i++)
		buf_add_char(to, ascii_lower(text.at[i]));
}

static void add_headers(struct buf *to, const char *const *headers)
{
	for (; headers && *headers; headers++) {
		struct slice line = slice_str(*headers);
		size_t colon = slice_find(line, ':');

		if (colon == 0 || colon + 1 >= line.size || line.at[colon + 1] != ' ' ||
			slice_find(line, '\n') < line.size || slice_find(line, '\r') < line.size)
			misuse("stoa_test_connect", "a header is one line \"Name: value\", not \"%s\"", *headers);
		add_lower(to, slice_first(line, colon));
		buf_add_slice(to, slice_from(line, colon));
		buf_add_char(to, '\n');
	}
}

static void add_query(struct buf *to, const char *query)
{
	if (query && *query == '?')
		misuse("stoa_test_connect", "a query begins behind the '?'");
	buf_add_str(to, "EIO=4&transport=websocket");
	if (query && *query)
		buf_printf(to, "&%s", query);
}

static struct stoa_value refusal_of(struct stoa_test *t, struct slice message)
{
	struct stoa_value *pair = arena_zero(&t->arena, 2 * sizeof(*pair));
	const char *copy = arena_copy(&t->arena, message.at, message.size);

	if (pair == NULL || copy == NULL)
		misuse("stoa_test_connect", "out of memory");
	pair[0] = value_text(SLICE("message"));
	pair[1] = value_text(slice_of(copy, message.size));
	return value_object(pair, 1);
}

static void decided(void *to, const struct effect *e, const char *trouble)
{
	struct link *l = to;

	(void)trouble; /* the application is here */
	if (e && e->kind == EFFECT_DENY)
		l->refusal = refusal_of(l->test, e->text);
}

/* "connection_error", in the edge's words. */
static void tell_refused(struct link *l, const struct app_request *request)
{
	struct sim *s = &l->test->sim;
	struct buf error = BUF_INIT, message = BUF_INIT;

	json_encode(&message, value_get(l->refusal, SLICE("message")), NULL);
	buf_printf(&error, "{\"code\":4,\"message\":%.*s,\"context\":{\"message\":%.*s}}",
		SLICE_ARG(buf_slice(&message)), SLICE_ARG(buf_slice(&message)));
	if (dispatch_hears_refusals(&s->dispatch))
		dispatch_refused(&s->dispatch, s->now_ms, request, buf_slice(&error));
	buf_fini(&error);
	buf_fini(&message);
}

/* Asks "handshake", as the edge does before there is a session. */
static void knock(struct link *l, const struct session_handshake *h)
{
	struct sim *s = &l->test->sim;
	struct app_handshake handshake = { h->query, h->headers, h->address.at };
	struct app_request request = { .handshake = &handshake, .transport = "websocket" };

	dispatch_admit(&s->dispatch, s->now_ms, &request, decided, l);
	l->ended = l->refusal.kind_ != VALUE_NULL;
	if (l->ended)
		tell_refused(l, &request);
	else
		session_open_ws(&s->sessions, s->now_ms, h, &l->ws.ws);
}

struct link *link_open(struct stoa_test *t, const struct stoa_test_visitor *visitor)
{
	struct link *l = must_alloc(sizeof(*l));
	struct buf query = BUF_INIT, headers = BUF_INIT;
	const char *address = visitor->address ? visitor->address : "127.0.0.1";

	add_query(&query, visitor->query);
	add_headers(&headers, visitor->headers);
	sim_ws_init(&l->ws);
	l->test = t;
	l->next = t->links;
	t->links = l;
	knock(l, &(struct session_handshake){
			 .query = buf_slice(&query), .headers = buf_slice(&headers), .address = slice_str(address) });
	buf_fini(&query);
	buf_fini(&headers);
	return l;
}

/* --- The end ------------------------------------------------------------------------------------------------------ */

static void forget_clients(struct link *l)
{
	for (struct stoa_test_client *c = l->clients; c; c = c->next_in_link)
		if (c->stage == CLIENT_ASKING || c->stage == CLIENT_IN)
			c->stage = CLIENT_OUT;
	l->ended = true;
}

static void gone(struct link *l, bool error)
{
	session_ws_gone(&l->ws.ws, l->test->sim.now_ms, error);
	forget_clients(l);
}

void link_end(struct link *l)
{
	gone(l, false);
}

void link_free(struct link *l)
{
	sim_ws_fini(&l->ws);
	free(l);
}

/* --- Speaking ----------------------------------------------------------------------------------------------------- */

struct stoa_test_client *link_find(struct link *l, struct slice nsp)
{
	for (struct stoa_test_client *c = l->clients; c; c = c->next_in_link)
		if ((c->stage == CLIENT_ASKING || c->stage == CLIENT_IN) && slice_equal(slice_str(c->nsp), nsp))
			return c;
	return NULL;
}

/* A message that is too large ends the connection, which is the edge's doing where there is one. */
void link_send(struct link *l, const struct sio_out *out)
{
	struct sim *s = &l->test->sim;
	struct frame *f = sio_frame(out);
	struct frame_packet packet;
	size_t offset = 0;

	if (f == NULL)
		misuse("stoa_test", "out of memory");
	while (!l->ended && frame_next(f, &offset, &packet)) {
		if (packet.data.size > (size_t)s->options.max_http_buffer_size)
			gone(l, true);
		else
			session_ws_message(&l->ws.ws, s->now_ms, packet.binary, packet.data);
	}
	frame_unref(f);
}

/* --- Listening ---------------------------------------------------------------------------------------------------- */

static void read_message(struct link *l, struct sim_message *m)
{
	if (m->binary)
		misuse("stoa_test", "the gateway sent binary data without a packet");
	if (m->data[0] == '0' + EIO_PING)
		session_ws_message(&l->ws.ws, l->test->sim.now_ms, false, SLICE("3"));
	else if (m->data[0] == '0' + EIO_MESSAGE)
		packet_read(l, m);
}

static bool has_clients(const struct link *l)
{
	for (const struct stoa_test_client *c = l->clients; c; c = c->next_in_link)
		if (c->stage == CLIENT_ASKING || c->stage == CLIENT_IN)
			return true;
	return false;
}

/* Whether anything happened that the gateway has to see to. */
static bool hear(struct link *l)
{
	struct sim_message *m;
	bool heard = false;

	while ((m = sim_ws_take(&l->ws))) {
		read_message(l, m);
		free(m);
		heard = true;
	}
	if (l->ended)
		return heard;
	if (l->ws.closed)
		forget_clients(l);
	else if (!has_clients(l))
		link_end(l);
	return heard || l->ended;
}

void test_settle(struct stoa_test *t)
{
	bool heard;

	do {
		heard = false;
		sim_turn(&t->sim);
		for (struct link *l = t->links; l; l = l->next)
			heard |= hear(l);
	} while (heard);
}
