/* held.c - messages that came before it was known who is in. See client_internal.h.
 *
 * A client may speak as soon as it has asked to be let in. Where the answer comes at once there is nothing to it; where it comes
 * later, what cannot be understood before it (an event for a client that is not in yet, a packet that would close the
 * connection) waits for it with all that follows, so that the same bytes have the same meaning.
 */
#include <stdlib.h>

#include "client_internal.h"
#include "log.h"
#include "metrics.h"

struct held_message {
	struct held_message *next;
	bool binary;
	size_t size;
	char data[];
};

/* There is one while something waits. */
struct held {
	struct conn *conn;
	struct held_message *first, **end;
	size_t count, bytes;
	struct timer drain;
};

static struct held_message *take_first(struct held *h)
{
	struct held_message *m = h->first;

	h->first = m->next;
	if (h->first == NULL)
		h->end = &h->first;
	h->count--;
	h->bytes -= m->size;
	return m;
}

static void put_first(struct held *h, struct held_message *m)
{
	m->next = h->first;
	if (h->first == NULL)
		h->end = &m->next;
	h->first = m;
	h->count++;
	h->bytes += m->size;
}

void held_drop(struct conn *conn)
{
	struct held *h = conn->held;

	if (h == NULL)
		return;
	timer_stop(conn->all->sessions->timers, &h->drain);
	while (h->first)
		free(take_first(h));
	free(h);
	conn->held = NULL;
}

/* A message may end the session, which drops the rest, and this. */
static void drain(struct timer *t, int64_t now_ms)
{
	struct held *h = (struct held *)(void *)((char *)t - offsetof(struct held, drain));
	struct conn *conn = h->conn;

	while (conn->held && h->first) {
		struct held_message *m = take_first(h);

		if (!conn_take(conn, now_ms, m->binary, slice_of(m->data, m->size))) {
			put_first(h, m);
			return;
		}
		free(m);
	}
	held_drop(conn);
}

void conn_decided(struct conn *conn)
{
	conn->n_connecting--;
	if (conn->held)
		timer_set(conn->all->sessions->timers, &conn->held->drain, drain, 0);
}

/* NULL: no memory. */
static struct held *held_of(struct conn *conn)
{
	if (conn->held == NULL && (conn->held = calloc(1, sizeof(*conn->held)))) {
		conn->held->conn = conn;
		conn->held->end = &conn->held->first;
	}
	return conn->held;
}

static bool add(struct held *h, bool binary, struct slice data)
{
	struct held_message *m = malloc(sizeof(*m) + data.size);

	if (m == NULL)
		return false;
	*m = (struct held_message){ .binary = binary, .size = data.size };
	if (data.size)
		memcpy(m->data, data.at, data.size);
	*h->end = m;
	h->end = &m->next;
	h->count++;
	h->bytes += data.size;
	return true;
}

void held_add(struct conn *conn, int64_t now_ms, bool binary, struct slice data)
{
	const struct client_config *c = &conn->all->config;
	struct held *h = held_of(conn);
	bool fits = h && h->count < c->max_held && h->bytes + data.size <= c->max_held_bytes;

	if (fits && add(h, binary, data))
		return;
	metrics_count(h == NULL || fits ? M_OUT_OF_MEMORY : M_LIMIT_WAITING_EVENTS);
	log_debug("too-much-before-connect", LOG_S("sid", conn->session->sid));
	session_close(conn->session, now_ms, CLOSE_FORCED);
}
