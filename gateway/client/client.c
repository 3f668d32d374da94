/* client.c - one Socket.IO client in one namespace. See client.h. */
#include "client.h"

#include <assert.h>
#include <stdlib.h>

#include "client_internal.h"
#include "log.h"
#include "metrics.h"
#include "random.h"
#include "trace.h"

static void put_sid(struct client *c, char *to, size_t size)
{
	if (conn_is_eio3(c->conn)) {
		eio3_put_sid(to, c->nsp, c->conn->session);
	} else {
		random_id(to, SID_SIZE);
		memcpy(to, c->conn->all->sessions->node_id, NODE_ID_SIZE);
	}
	c->sid = to;
	c->member.by_sid = table_node(slice_of(to, size));
}

struct client *client_new(struct conn *conn, const struct sio_packet *connect)
{
	size_t sid_size = conn_is_eio3(conn) ? eio3_sid_size(connect->nsp) : SID_SIZE;
	struct client *c = calloc(1, sizeof(*c) + connect->nsp.size + connect->data.size + sid_size + 3);
	char *to;

	if (c == NULL) {
		metrics_count(M_OUT_OF_MEMORY);
		return NULL;
	}
	to = c->copied;
	memcpy(to, connect->nsp.at, connect->nsp.size);
	c->nsp = slice_of(to, connect->nsp.size);
	to += connect->nsp.size + 1;
	if (connect->data.size)
		memcpy(to, connect->data.at, connect->data.size);
	c->auth_size = (uint32_t)connect->data.size;
	to += connect->data.size + 1;
	c->conn = conn;
	put_sid(c, to, sid_size);
	c->member.out = &conn->session->out;
	c->next_in_conn = conn->clients;
	conn->clients = c;
	conn->n_clients++;
	conn->n_connecting++;
	return c;
}

void client_pass(struct client *c, int64_t now_ms)
{
	c->at_gate = false;
	client_recall(c, now_ms);
	c->conn->all->ops->connect(c->conn->all->ctx, c, now_ms);
}

void client_set_pass(struct client *c, struct client_pass *pass)
{
	free(c->pass);
	c->pass = pass;
	c->data_version++;
}

struct session *client_session(const struct client *c)
{
	return c->conn->session;
}

struct client *client_in_namespace(const struct client *c, struct slice nsp)
{
	return conn_find(c->conn, nsp);
}

/* --- Sending ------------------------------------------------------------------------------------------------------ */

void client_send(struct client *c, const struct sio_out *out)
{
	struct frame *f = c->conn->all->config.parser->frame(out);

	if (f && c->conn->all->config.show_packets)
		trace_out(c->sid, f);
	if (f)
		out_push(c->member.out, f);
	else
		metrics_count(M_OUT_OF_MEMORY);
	frame_unref(f);
}

static void send_bare(struct client *c, enum sio_type type, struct slice json)
{
	client_send(c, &(struct sio_out){ .type = type, .nsp = c->nsp, .json = json });
}

/* --- In and out --------------------------------------------------------------------------------------------------- */

static void send_connected(struct client *c)
{
	struct buf payload = BUF_INIT;

	if (conn_is_eio3(c->conn)) {
		send_bare(c, SIO_CONNECT, SLICE(""));
		return;
	}
	c->conn->all->config.parser->put_connected(&payload, slice_str(c->sid), client_pid(c));
	if (payload.failed)
		metrics_count(M_OUT_OF_MEMORY);
	else
		send_bare(c, SIO_CONNECT, buf_slice(&payload));
	buf_fini(&payload);
}

bool client_accept(struct client *c, int64_t now_ms)
{
	assert(c->state == CLIENT_CONNECTING);
	if (!client_may_restore(c)) {
		session_close(c->conn->session, now_ms, CLOSE_FORCED);
		return false;
	}
	if (hub_enter(c->conn->all->hub, &c->member, c->nsp) < 0) {
		metrics_count(M_OUT_OF_MEMORY);
		session_close(c->conn->session, now_ms, CLOSE_FORCED);
		return false;
	}
	c->state = CLIENT_JOINED;
	c->was_joined = true;
	conn_decided(c->conn);
	conn_joined(c->conn);
	client_restore(c);
	send_connected(c);
	return true;
}

static void free_client(struct grave *g)
{
	struct client *c = (struct client *)(void *)((char *)g - offsetof(struct client, grave));

	free(c->pending);
	free(c->pass);
	free(c->member.memory);
	client_free_data(c);
	free(c->last_rooms);
	free(c);
}

void client_release(struct client *c)
{
	assert(c->state == CLIENT_GONE);
	client_keep_data(c);
	c->grave = (struct grave){ 0 }; /* where the lists were */
	graveyard_bury(c->conn->all->sessions->graveyard, &c->grave, free_client);
}

static void note_room(void *to, struct slice room)
{
	buf_add_slice(to, room);
	buf_add_char(to, '\0');
}

static void each_joined(const struct client *c, void (*each)(void *to, struct slice room), void *to)
{
	for (uint32_t i = 0; i < c->member.n_places; i++)
		each(to, table_key(&c->member.places[i].room->node));
}

void client_rooms(const struct client *c, void (*each)(void *to, struct slice room), void *to)
{
	struct slice rest = slice_of(c->last_rooms, c->last_rooms_size);

	each(to, table_key(&c->member.by_sid));
	if (c->state == CLIENT_JOINED)
		each_joined(c, each, to);
	while (rest.size) {
		size_t n = slice_find(rest, '\0');

		each(to, slice_first(rest, n));
		rest = slice_from(rest, n + 1);
	}
}

static void set_gone(struct client *c, enum close_reason why)
{
	if (c->state == CLIENT_CONNECTING)
		conn_decided(c->conn);
	c->state = CLIENT_GONE;
	c->why = why;
	conn_unlink(c->conn, c);
	if (c->pass)
		c->conn->all->gate->left(c->conn->all->gate_ctx, c);
}

static void leave_hub(struct client *c, int64_t now_ms)
{
	struct buf rooms = BUF_INIT;

	each_joined(c, note_room, &rooms);
	c->last_rooms = rooms.at;
	c->last_rooms_size = (uint32_t)rooms.size;
	client_remember(c, now_ms);
	hub_exit(c->conn->all->hub, &c->member);
	log_debug("left", LOG_S("sid", c->sid), LOG_T("nsp", c->nsp), LOG_S("why", close_reason_text(c->why)));
}

void client_leave(struct client *c, int64_t now_ms, enum close_reason why)
{
	if (c->state == CLIENT_GONE)
		return;
	set_gone(c, why);
	if (c->was_joined)
		leave_hub(c, now_ms);
	if (c->at_gate)
		client_release(c);
	else
		c->conn->all->ops->gone(c->conn->all->ctx, c, now_ms, why);
}

void client_refuse(struct client *c, struct slice json)
{
	assert(c->state == CLIENT_CONNECTING);
	if (c->conn->all->config.always_connect) {
		send_connected(c);
		send_bare(c, SIO_DISCONNECT, SLICE(""));
	} else {
		send_bare(c, SIO_CONNECT_ERROR, conn_is_eio3(c->conn) ? eio3_refusal(json) : json);
	}
	client_forget(c);
	set_gone(c, CLOSE_SERVER_NAMESPACE);
	client_release(c);
}

void client_end(struct client *c, int64_t now_ms, enum close_reason why)
{
	send_bare(c, SIO_DISCONNECT, SLICE(""));
	client_leave(c, now_ms, why);
}

void client_disconnect(struct client *c, int64_t now_ms, bool transport)
{
	struct conn *conn = c->conn;

	if (c->state != CLIENT_JOINED)
		return;
	if (!transport) {
		client_end(c, now_ms, CLOSE_SERVER_NAMESPACE);
		return;
	}
	while (conn->clients) {
		send_bare(conn->clients, SIO_DISCONNECT, SLICE(""));
		client_leave(conn->clients, now_ms, CLOSE_SERVER_NAMESPACE);
	}
	session_close(conn->session, now_ms, CLOSE_SERVER_NAMESPACE);
}

/* --- Acks asked of the client ------------------------------------------------------------------------------------- */

bool client_ask(struct client *c, uint64_t ack_id, uint64_t call)
{
	if (c->n_pending >= c->conn->all->config.max_pending_acks) {
		metrics_count(M_LIMIT_ACKS);
		return false;
	}
	if (c->n_pending == c->cap_pending) {
		uint32_t cap = c->cap_pending ? c->cap_pending * 2 : 4;
		struct client_pending *more = realloc(c->pending, cap * sizeof(*more));

		if (more == NULL)
			return false;
		c->pending = more;
		c->cap_pending = cap;
	}
	c->pending[c->n_pending++] = (struct client_pending){ ack_id, call };
	return true;
}

static void remove_pending(struct client *c, uint32_t i)
{
	c->n_pending--;
	memmove(c->pending + i, c->pending + i + 1, (c->n_pending - i) * sizeof(*c->pending));
}

void client_forget_call(struct client *c, uint64_t call)
{
	for (uint32_t i = 0; i < c->n_pending; i++) {
		if (c->pending[i].call == call) {
			remove_pending(c, i);
			return;
		}
	}
}

bool client_take_pending(struct client *c, uint64_t *call)
{
	if (c->n_pending == 0)
		return false;
	*call = c->pending[--c->n_pending].call;
	return true;
}

/* Answers come in the order asked, nearly always: the first look finds them. */
void client_answered(struct client *c, int64_t now_ms, const struct sio_packet *p, const struct slice *blobs, size_t n)
{
	struct clients *all = c->conn->all;

	metrics_count(M_ACKS_RECEIVED);
	for (uint32_t i = 0; p->has_id && i < c->n_pending; i++) {
		uint64_t call = c->pending[i].call;

		if (c->pending[i].ack_id != p->id)
			continue;
		remove_pending(c, i);
		all->ops->answer(all->ctx, c, now_ms, call, p, blobs, n);
		return;
	}
	metrics_count(M_ACKS_UNKNOWN);
}
