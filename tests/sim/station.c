/* station.c - see station.h. */
#include "station.h"

#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"

static const char *const options[] = { "ping_interval=1h", "ping_timeout=1h", "connect_timeout=1h", "ack_timeout=1h",
	NULL };
static const char *const python_channels[] = { "flask-socketio", NULL };

void station_open(struct station *s, struct net *n, const char *name, bool all_rooms, bool total_order)
{
	struct cluster_config config = { .prefix = "socket.io",
		.name = s->name,
		.path = "/socket.io",
		.address = "",
		.all_rooms = all_rooms || total_order,
		.total_order = total_order,
		.beat_ms = STATION_BEAT_MS,
		.lost_ms = STATION_LOST_MS,
		.ask_timeout_ms = 5000,
		.max_requests = 1000,
		.rules = WIRE_RULES,
		.python_channels = python_channels };
	char why[300];

	snprintf(s->name, sizeof(s->name), "%s", name);
	if (sim_load(&s->sim, STOA_APPS "/sim.so", options, NULL, why, sizeof(why)) < 0) {
		fprintf(stderr, "%s\n", why);
		abort();
	}
	s->sim.now_ms = n->now_ms;
	s->port = net_open(n);
	s->is_open = true;
	sim_join(&s->sim, &config, &s->port->base);
	sim_start(&s->sim);
	net_flush(s->port);
}

void station_close(struct station *s)
{
	if (!s->is_open)
		return;
	net_close(s->port);
	sim_close(&s->sim);
	s->is_open = false;
}

void stations_turn(struct net *n, struct station *all, size_t count)
{
	do {
		for (struct station *s = all; s < all + count; s++)
			if (s->is_open)
				s->sim.now_ms = n->now_ms;
		net_run(n, n->now_ms);
		for (struct station *s = all; s < all + count; s++) {
			if (!s->is_open)
				continue;
			sim_turn(&s->sim);
			net_flush(s->port);
		}
	} while (net_next_ms(n) <= n->now_ms);
}

int64_t stations_next_ms(const struct net *n, const struct station *all, size_t count)
{
	int64_t next = net_next_ms(n);

	for (const struct station *s = all; s < all + count; s++)
		if (s->is_open && timers_next_ms(&s->sim.timers) < next)
			next = timers_next_ms(&s->sim.timers);
	return next > n->now_ms ? next : n->now_ms + 1;
}

/* --- Visitors ----------------------------------------------------------------------------------------------------- */

static void send_text(struct visitor *v, struct buf *text)
{
	if (v->at && !v->ws.closed)
		session_ws_message(&v->ws.ws, v->at->sim.now_ms, false, buf_slice(text));
	buf_fini(text);
}

static void add_head(struct buf *text, const struct visitor *v, char type)
{
	buf_printf(text, "4%c", type);
	if (strcmp(v->nsp, "/") != 0)
		buf_printf(text, "%s,", v->nsp);
}

void visitor_open(struct visitor *v, struct station *s, const char *nsp)
{
	visitor_open_with(v, s, nsp, "");
}

void visitor_open_with(struct visitor *v, struct station *s, const char *nsp, const char *auth)
{
	struct session_handshake h = {
		.query = SLICE("EIO=4"), .headers = SLICE("host: sim\n"), .address = SLICE("192.0.2.7")
	};
	struct buf text = BUF_INIT;

	*v = (struct visitor){ .nsp = nsp, .at = s };
	sim_ws_init(&v->ws);
	session_open_ws(&s->sim.sessions, s->sim.now_ms, &h, &v->ws.ws);
	add_head(&text, v, '0');
	buf_add_str(&text, auth);
	send_text(v, &text);
}

void visitor_close(struct visitor *v)
{
	if (v->at)
		session_ws_gone(&v->ws.ws, v->at->sim.now_ms, false);
	v->at = NULL;
}

void visitor_fini(struct visitor *v)
{
	sim_ws_fini(&v->ws);
}

void visitor_say(struct visitor *v, int64_t id, const char *json)
{
	struct buf text = BUF_INIT;

	add_head(&text, v, '2');
	if (id >= 0)
		buf_printf(&text, "%lld", (long long)id);
	buf_add_str(&text, json);
	send_text(v, &text);
}

void visitor_answer(struct visitor *v, int64_t id, const char *json)
{
	struct buf text = BUF_INIT;

	add_head(&text, v, '3');
	buf_printf(&text, "%lld%s", (long long)id, json);
	send_text(v, &text);
}

static void note_sid(struct visitor *v, struct slice json)
{
	struct arena arena = ARENA_INIT;
	struct slice sid = value_slice(value_get(json_decode(&arena, json, NULL, 0), SLICE("sid")));

	if (sid.size == SID_SIZE)
		memcpy(v->sid, sid.at, SID_SIZE);
	arena_fini(&arena);
}

bool visitor_hear(struct visitor *v, struct sio_packet *packet, struct sim_message **message)
{
	static const struct sio_rules rules = { .max_depth = 20, .max_attachments = 10, .max_event_bytes = 200 };
	struct sim_message *m;

	while ((m = sim_ws_take(&v->ws))) {
		struct slice text = slice_of(m->data, m->size);

		*message = m;
		if (slice_starts(text, SLICE("44"))) { /* the parser is a server's, which is never told so */
			*packet = (struct sio_packet){ .type = SIO_CONNECT_ERROR, .data = slice_from(text, 2) };
			return true;
		}
		if (slice_starts(text, SLICE("4")) && sio_parse(slice_from(text, 1), &rules, packet) == NULL) {
			if (packet->type == SIO_CONNECT)
				note_sid(v, packet->data);
			return true;
		}
		free(m);
	}
	return false;
}
