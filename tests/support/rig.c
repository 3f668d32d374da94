/* rig.c - see rig.h. */
#include "rig.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"

/* --- Made-up requests --------------------------------------------------------------------------------------------- */

static void poll_answer(struct session_poll *p, struct slice payload, bool open)
{
	struct rig_client *c = (struct rig_client *)(void *)((char *)p - offsetof(struct rig_client, poll));

	(void)open;
	c->parked = false;
	free(c->payload);
	c->payload = sim_message_new(strcmp(p->type, "application/octet-stream") == 0, payload);
}

static void post_abort(struct session_post *p)
{
	struct rig_client *c = (struct rig_client *)(void *)((char *)p - offsetof(struct rig_client, post));

	c->post_aborted = true;
}

/* --- The rig ------------------------------------------------------------------------------------------------------ */

int rig_open(struct rig *r, const char *module, const char *const *options, const char *const *app_options)
{
	*r = (struct rig){ .first = NULL };
	return sim_open(&r->sim, module, options, app_options, r->error, sizeof(r->error));
}

static void free_client(struct rig_client *c)
{
	sim_ws_fini(&c->ws);
	free(c->payload);
	free(c);
}

void rig_close(struct rig *r)
{
	sim_close(&r->sim);
	while (r->first) {
		struct rig_client *next = r->first->next;
		free_client(r->first);
		r->first = next;
	}
}

void rig_turn(struct rig *r)
{
	sim_turn(&r->sim);
}

void rig_pass(struct rig *r, int64_t ms)
{
	int64_t end_ms = r->sim.now_ms + ms;

	while (sim_step(&r->sim, end_ms))
		continue;
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
	sim_ws_init(&c->ws);
	c->poll.answer = poll_answer;
	c->post.abort = post_abort;
	c->next = r->first;
	r->first = c;
	return c;
}

static struct session_handshake handshake_of(const struct rig *r)
{
	return (struct session_handshake){ .query = SLICE("EIO=4&x=1"),
		.headers = SLICE("host: rig\ncookie: a=b\n"),
		.address = SLICE("192.0.2.7"),
		.eio3 = r->as.eio3,
		.base64 = r->as.base64,
		.jsonp = r->as.jsonp,
		.jsonp_index = r->as.jsonp_index };
}

struct rig_client *rig_ws(struct rig *r, const char *name)
{
	struct rig_client *c = client_new_(r, name);
	struct session_handshake h = handshake_of(r);
	struct session *s;

	c->ws.ws.base64 = h.base64;
	s = session_open_ws(&r->sim.sessions, r->sim.now_ms, &h, &c->ws.ws);
	memcpy(c->sid, s->sid, sizeof(c->sid));
	rig_turn(r);
	return c;
}

struct rig_client *rig_polling(struct rig *r, const char *name)
{
	struct rig_client *c = client_new_(r, name);
	struct session_handshake h = handshake_of(r);
	struct session *s = session_open_polling(&r->sim.sessions, r->sim.now_ms, &h, &c->poll);

	c->polling = true;
	memcpy(c->sid, s->sid, sizeof(c->sid));
	rig_turn(r);
	return c;
}

static struct session *session_of(struct rig_client *c)
{
	return sessions_find(&c->rig->sim.sessions, slice_str(c->sid));
}

bool rig_upgrade(struct rig_client *c, const char *name)
{
	struct rig_client *up = client_new_(c->rig, name);
	struct session *s = session_of(c);
	bool begun;

	up->ws.ws.base64 = c->rig->as.base64;
	begun = s && session_upgrade_begin(s, c->rig->sim.now_ms, &up->ws.ws);
	memcpy(up->sid, c->sid, sizeof(up->sid));
	rig_turn(c->rig);
	return begun;
}

void rig_send(struct rig_client *c, struct slice text)
{
	session_ws_message(&c->ws.ws, c->rig->sim.now_ms, false, text);
	rig_turn(c->rig);
}

void rig_send_binary(struct rig_client *c, struct slice data)
{
	session_ws_message(&c->ws.ws, c->rig->sim.now_ms, true, data);
	rig_turn(c->rig);
}

bool rig_get(struct rig_client *c)
{
	struct session *s = session_of(c);
	struct session_poll other = { .answer = poll_answer };
	bool begun =
		s && session_is_polling(s) && session_poll_begin(s, c->rig->sim.now_ms, c->parked ? &other : &c->poll);

	c->parked = c->poll.session != NULL;
	rig_turn(c->rig);
	return begun;
}

static bool post(struct rig_client *c, bool octets, struct slice body)
{
	struct session *s = session_of(c);

	c->post.octets = octets;
	if (s == NULL || (octets && !session_takes_octets(s)) || !session_is_polling(s) ||
		!session_post_begin(s, c->rig->sim.now_ms, &c->post))
		return false;
	session_post_end(&c->post, c->rig->sim.now_ms, body);
	rig_turn(c->rig);
	return true;
}

bool rig_post(struct rig_client *c, struct slice body)
{
	return post(c, false, body);
}

bool rig_post_octets(struct rig_client *c, struct slice body)
{
	return post(c, true, body);
}

void rig_gone(struct rig_client *c, bool error)
{
	if (c->polling)
		session_poll_gone(&c->poll, c->rig->sim.now_ms);
	else
		session_ws_gone(&c->ws.ws, c->rig->sim.now_ms, error);
	rig_turn(c->rig);
}

void rig_stick(struct rig_client *c, bool stuck)
{
	c->ws.stuck = stuck;
	if (!stuck)
		session_ws_writable(&c->ws.ws);
	rig_turn(c->rig);
}

struct sim_message *rig_take(struct rig_client *c)
{
	return sim_ws_take(&c->ws);
}
