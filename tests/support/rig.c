/* rig.c - see rig.h. */
#include "rig.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"

/* --- Made-up transports ------------------------------------------------------------------------------------------- */

static struct rig_message *message_new(bool binary, struct slice data)
{
	struct rig_message *m = must_alloc(sizeof(*m) + data.size + 1);

	m->binary = binary;
	m->size = data.size;
	if (data.size)
		memcpy(m->data, data.at, data.size);
	return m;
}

static struct rig_client *client_of_ws(struct session_ws *ws)
{
	return (struct rig_client *)(void *)ws;
}

/* Reads our own frames back: what a client would see. */
static bool ws_write(struct session_ws *ws, const char *bytes, size_t size)
{
	struct rig_client *c = client_of_ws(ws);
	struct frame *f = must_alloc(sizeof(*f) + size);
	struct frame_packet packet;
	size_t offset = 0;

	memcpy(f->bytes, bytes, size);
	f->size = size;
	while (frame_next(f, &offset, &packet)) {
		*c->end = message_new(packet.binary, packet.data);
		c->end = &(*c->end)->next;
	}
	free(f);
	return !c->stuck;
}

static void ws_close(struct session_ws *ws, unsigned code)
{
	client_of_ws(ws)->ws_closed = true;
	client_of_ws(ws)->ws_code = code;
}

static void ws_pause(struct session_ws *ws, bool paused)
{
	client_of_ws(ws)->paused = paused;
}

static const struct session_ws_ops ws_ops = { ws_write, ws_close, ws_pause };

static void poll_answer(struct session_poll *p, struct slice payload, bool open)
{
	struct rig_client *c = (struct rig_client *)(void *)((char *)p - offsetof(struct rig_client, poll));

	(void)open;
	c->parked = false;
	free(c->payload);
	c->payload = message_new(false, payload);
}

static void post_abort(struct session_post *p)
{
	struct rig_client *c = (struct rig_client *)(void *)((char *)p - offsetof(struct rig_client, post));

	c->post_aborted = true;
}

/* --- The rig ------------------------------------------------------------------------------------------------------ */

/* Options come in by the same door as the command line's. */
static int read_options(struct rig *r, const char *const *options, const char *const *app_options)
{
	char *args[64], text[64][256];
	struct buf message = BUF_INIT;
	char *no_environment[] = { NULL };
	int n = 0, status = 0;

	snprintf(text[n], sizeof(text[n]), "rig");
	args[n] = text[n];
	n++;
	for (; options && *options && n < 60; options++, n++) {
		snprintf(text[n], sizeof(text[n]), "--%s", *options);
		args[n] = text[n];
	}
	for (; app_options && *app_options && n < 60; app_options++, n++) {
		snprintf(text[n], sizeof(text[n]), "--set=%s", *app_options);
		args[n] = text[n];
	}
	args[n] = NULL;
	if (config_read(&gateway_options_table, n, args, no_environment, &r->options, &r->app_options, &message) !=
		CONFIG_RUN) {
		snprintf(r->error, sizeof(r->error), "%.*s", SLICE_ARG(buf_slice(&message)));
		status = -1;
	}
	buf_fini(&message);
	return status;
}

static void open_layers(struct rig *r)
{
	const struct gateway_options *o = &r->options;
	struct session_config sessions = { .ping_interval_ms = o->ping_interval_ms,
		.ping_timeout_ms = o->ping_timeout_ms,
		.upgrade_timeout_ms = o->upgrade_timeout_ms,
		.polling_close_timeout_ms = o->polling_close_timeout_ms,
		.max_payload_bytes = (size_t)o->max_http_buffer_size,
		.max_decode_packets = (size_t)o->max_decode_packets,
		.polling = true,
		.websocket = true,
		.allow_upgrades = o->allow_upgrades };
	struct client_config clients = { .rules = { .max_depth = (unsigned)o->max_json_depth,
						 .max_attachments = (unsigned)o->max_attachments,
						 .max_event_bytes = (size_t)o->max_event_name },
		.connect_timeout_ms = o->connect_timeout_ms,
		.max_namespaces = (size_t)o->max_namespaces,
		.max_pending_acks = (size_t)o->max_pending_acks,
		.max_name_bytes = (size_t)o->max_room_name };

	out_lane_init(&r->lane, (size_t)o->max_send_queue);
	sessions_init(&r->sessions, &sessions, &r->timers, &r->graveyard, &r->lane);
	hub_init(&r->hub, (uint32_t)o->max_rooms);
	clients_init(&r->clients, &clients, &r->hub, &r->sessions);
	dispatch_init(&r->dispatch, &r->hub, &r->clients, &r->timers);
}

static int load(struct rig *r, const char *module)
{
	const struct gateway_options *o = &r->options;
	struct app_setup setup = { .port = dispatch_port(&r->dispatch),
		.limits = { .max_json_depth = (unsigned)o->max_json_depth,
			.max_room_bytes = (size_t)o->max_room_name,
			.max_timers = (size_t)o->max_timers,
			.max_effects = (size_t)o->max_effects,
			.ack_timeout_ms = o->ack_timeout_ms } };

	r->pairs = must_alloc((r->app_options.count + 1) * sizeof(*r->pairs));
	for (size_t i = 0; i < r->app_options.count; i++) {
		r->pairs[i][0] = r->app_options.at[i].name;
		r->pairs[i][1] = r->app_options.at[i].value;
	}
	setup.options = (const char *const(*)[2])r->pairs;
	r->app = app_load(module, &setup, r->error, sizeof(r->error));
	return r->app ? 0 : -1;
}

int rig_open(struct rig *r, const char *module, const char *const *options, const char *const *app_options)
{
	*r = (struct rig){ .now_ms = 1000 };
	if (read_options(r, options, app_options) < 0) {
		config_free(&gateway_options_table, &r->options, &r->app_options);
		return -1;
	}
	open_layers(r);
	if (load(r, module) < 0) {
		rig_close(r);
		return -1;
	}
	dispatch_start(&r->dispatch, r->app, r->now_ms);
	rig_turn(r);
	return 0;
}

static void free_client(struct rig_client *c)
{
	struct rig_message *m;

	while ((m = rig_take(c)))
		free(m);
	free(c->payload);
	free(c);
}

void rig_close(struct rig *r)
{
	sessions_drop(&r->sessions, r->now_ms);
	if (r->app)
		dispatch_stop(&r->dispatch, r->now_ms);
	graveyard_dig(&r->graveyard);
	app_free(r->app);
	dispatch_fini(&r->dispatch);
	hub_fini(&r->hub);
	sessions_fini(&r->sessions);
	timers_fini(&r->timers);
	out_lane_fini(&r->lane);
	while (r->first) {
		struct rig_client *next = r->first->next;
		free_client(r->first);
		r->first = next;
	}
	free(r->pairs);
	config_free(&gateway_options_table, &r->options, &r->app_options);
}

void rig_turn(struct rig *r)
{
	/* A few turns: what one leaves for the next (an upgrade that settles) is done too. */
	for (int i = 0; i < 5; i++) {
		timers_run(&r->timers, r->now_ms);
		out_flush_all(&r->lane, r->now_ms);
		graveyard_dig(&r->graveyard);
	}
}

void rig_pass(struct rig *r, int64_t ms)
{
	int64_t end = r->now_ms + ms;

	while (timers_next_ms(&r->timers) <= end) {
		int64_t next = timers_next_ms(&r->timers);

		r->now_ms = next > r->now_ms ? next : r->now_ms;
		rig_turn(r);
		if (timers_next_ms(&r->timers) <= r->now_ms)
			r->now_ms++;
	}
	r->now_ms = end;
	rig_turn(r);
}

/* --- Clients ------------------------------------------------------------------------------------------------------ */

struct rig_client *rig_find(struct rig *r, const char *name)
{
	struct rig_client *c = r->first;

	while (c && strcmp(c->name, name) != 0)
		c = c->next;
	return c;
}

static struct rig_client *client_new_(struct rig *r, const char *name)
{
	struct rig_client *c = must_alloc(sizeof(*c));

	snprintf(c->name, sizeof(c->name), "%s", name);
	c->rig = r;
	c->end = &c->received;
	c->ws.ops = &ws_ops;
	c->poll.answer = poll_answer;
	c->post.abort = post_abort;
	c->next = r->first;
	r->first = c;
	return c;
}

static const struct session_handshake handshake = {
	.query = { "EIO=4&x=1", 9 }, .headers = { "host: rig\ncookie: a=b\n", 21 }, .address = { "192.0.2.7", 9 }
};

struct rig_client *rig_ws(struct rig *r, const char *name)
{
	struct rig_client *c = client_new_(r, name);
	struct session *s = session_open_ws(&r->sessions, r->now_ms, &handshake, &c->ws);

	memcpy(c->sid, s->sid, sizeof(c->sid));
	rig_turn(r);
	return c;
}

struct rig_client *rig_polling(struct rig *r, const char *name)
{
	struct rig_client *c = client_new_(r, name);
	struct session *s = session_open_polling(&r->sessions, r->now_ms, &handshake, &c->poll);

	c->polling = true;
	memcpy(c->sid, s->sid, sizeof(c->sid));
	rig_turn(r);
	return c;
}

static struct session *session_of(struct rig_client *c)
{
	return sessions_find(&c->rig->sessions, slice_str(c->sid));
}

bool rig_upgrade(struct rig_client *c, const char *name)
{
	struct rig_client *up = client_new_(c->rig, name);
	struct session *s = session_of(c);
	bool begun = s && session_upgrade_begin(s, c->rig->now_ms, &up->ws);

	memcpy(up->sid, c->sid, sizeof(up->sid));
	rig_turn(c->rig);
	return begun;
}

void rig_send(struct rig_client *c, struct slice text)
{
	session_ws_message(&c->ws, c->rig->now_ms, false, text);
	rig_turn(c->rig);
}

void rig_send_binary(struct rig_client *c, struct slice data)
{
	session_ws_message(&c->ws, c->rig->now_ms, true, data);
	rig_turn(c->rig);
}

bool rig_get(struct rig_client *c)
{
	struct session *s = session_of(c);
	struct session_poll other = { poll_answer, NULL };
	bool begun = s && session_is_polling(s) && session_poll_begin(s, c->rig->now_ms, c->parked ? &other : &c->poll);

	c->parked = c->poll.session != NULL;
	rig_turn(c->rig);
	return begun;
}

bool rig_post(struct rig_client *c, struct slice body)
{
	struct session *s = session_of(c);

	if (s == NULL || !session_is_polling(s) || !session_post_begin(s, c->rig->now_ms, &c->post))
		return false;
	session_post_end(&c->post, c->rig->now_ms, body);
	rig_turn(c->rig);
	return true;
}

void rig_gone(struct rig_client *c, bool error)
{
	if (c->polling)
		session_poll_gone(&c->poll, c->rig->now_ms);
	else
		session_ws_gone(&c->ws, c->rig->now_ms, error);
	rig_turn(c->rig);
}

void rig_stick(struct rig_client *c, bool stuck)
{
	c->stuck = stuck;
	if (!stuck)
		session_ws_writable(&c->ws);
	rig_turn(c->rig);
}

struct rig_message *rig_take(struct rig_client *c)
{
	struct rig_message *m = c->received;

	if (m == NULL)
		return NULL;
	c->received = m->next;
	if (c->received == NULL)
		c->end = &c->received;
	return m;
}
