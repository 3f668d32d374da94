/* doctor_ways.c - sessions: across connections, in namespaces, with large messages, over WebSocket. See doctor_internal.h. */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "doctor_internal.h"

enum { ROUNDS = 8, GETS_MAX = 20, SIZE_MOST = 2 * 1024 * 1024 };

/* --- Any server --------------------------------------------------------------------------------------------------- */

/* How many requests on new connections found the session; a pong says nothing. */
static size_t found(struct doctor *d, const struct opened *o, struct answer *last)
{
	size_t n = 0;

	for (int i = 0; i < ROUNDS; i++) {
		struct answer a;
		bool good = session_post(d, o, SLICE("3"), &a);

		n += good;
		if (good || last->status) {
			answer_fini(&a);
			continue;
		}
		answer_fini(last);
		*last = a;
	}
	return n;
}

static const char sticky_advice[] =
	"Let all requests of a client go to one server. nginx, in `upstream`: hash $remote_addr consistent;\n"
	"HAProxy, in `backend`: balance source, or for browsers alone: cookie io prefix indirect nocache\n"
	"Or share the sessions (gateways of one Stoa cluster do, with redis_url), or connect with transports: "
	"[\"websocket\"].";

static size_t try_sticky(struct doctor *d, struct answer *last)
{
	struct answer a;
	struct opened o;
	size_t n = 0;

	*last = (struct answer){ .head = BUF_INIT, .body = BUF_INIT };
	if (session_begin(d, &o, buf_slice(&d->cookie), &a)) {
		n = found(d, &o, last);
		session_leave(d, &o);
	}
	answer_fini(&a);
	return n;
}

/* As clients that keep no cookies do, then as browsers do. */
enum doctor_result check_sticky(struct doctor *d)
{
	struct buf cookie = d->cookie;
	struct answer last;
	size_t n;

	d->cookie = BUF_INIT;
	n = try_sticky(d, &last);
	d->cookie = cookie;
	d->is_sticky = n == ROUNDS;
	buf_printf(&d->seen, "%zu of %d requests on new connections found their session", n, ROUNDS);
	if (!d->is_sticky) {
		buf_add_str(&d->seen, ", the others: ");
		put_answer(&d->seen, &last);
	}
	answer_fini(&last);
	if (d->is_sticky)
		return DOCTOR_OK;
	n = cookie.size ? try_sticky(d, &last) : 0;
	answer_fini(&last);
	if (n == ROUNDS) {
		d->is_sticky = true;
		return say(d, DOCTOR_WARN, "; with the cookie all did",
			"Browsers keep it (of another site only with withCredentials); other clients do not, and must "
			"use WebSocket alone.");
	}
	return say(d, DOCTOR_FAIL, "", sticky_advice);
}

/* --- Namespace ---------------------------------------------------------------------------------------------------- */

enum joining { JOIN_WAITS, JOINED, REFUSED };

/* The answer to CONNECT among the packets, "40.." or "44..", of our namespace. */
static enum joining joining_of(struct slice packet)
{
	if (slice_starts(packet, SLICE("40")))
		return JOINED;
	return slice_starts(packet, SLICE("44")) ? REFUSED : JOIN_WAITS;
}

static enum joining read_joining(struct doctor *d, const struct opened *o, struct buf *said, struct answer *a)
{
	enum joining j = JOIN_WAITS;
	struct slice rest, packet;

	for (int i = 0; i < GETS_MAX && j == JOIN_WAITS; i++) {
		answer_fini(a);
		if (!session_get(d, o, a))
			break;
		rest = buf_slice(&a->body);
		while (j == JOIN_WAITS && packet_next(&rest, &packet))
			j = joining_of(packet);
	}
	if (j != JOIN_WAITS)
		buf_add_slice(said, slice_from(packet, 2));
	return j;
}

static enum doctor_result judge_joining(
	struct doctor *d, enum joining j, const struct buf *said, const struct answer *a)
{
	const char *nsp = d->config->namespace ? d->config->namespace : "/";

	buf_printf(&d->seen, "%s: ", nsp);
	if (j == JOINED) {
		d->joined = true;
		return say(d, DOCTOR_OK, "the client is let in", "");
	}
	if (j == JOIN_WAITS) {
		buf_add_str(&d->seen, "CONNECT is not answered, ");
		explain(d, a);
		return say(d, DOCTOR_FAIL, "",
			a->status ? ""
				  : "The application does not answer: its connect handler waits, or whoever runs it is "
				    "not there.");
	}
	buf_add_str(&d->seen, "refused, ");
	buf_add_slice(&d->seen, slice_first(buf_slice(said), said->size < 300 ? said->size : 300));
	return say(d, DOCTOR_WARN, "",
		"That is the server's word: say --auth JSON as its clients do, or another --namespace.");
}

enum doctor_result check_namespace(struct doctor *d)
{
	struct buf connect = BUF_INIT, said = BUF_INIT;
	struct answer a;
	enum doctor_result r;
	struct opened o;

	if (!session_begin(d, &o, buf_slice(&d->cookie), &a)) {
		explain(d, &a);
		r = DOCTOR_FAIL;
	} else {
		enum joining j = JOIN_WAITS;

		connect_put(d, &connect);
		answer_fini(&a);
		if (session_post(d, &o, buf_slice(&connect), &a))
			j = read_joining(d, &o, &said, &a);
		r = judge_joining(d, j, &said, &a);
		session_leave(d, &o);
	}
	answer_fini(&a);
	buf_fini(&connect);
	buf_fini(&said);
	return r;
}

/* --- Size --------------------------------------------------------------------------------------------------------- */

/* A pong of so many bytes: no server looks at what stands in it. */
static bool takes(struct doctor *d, size_t size, struct answer *a)
{
	struct buf body = BUF_INIT;
	struct opened o;
	bool good = session_begin(d, &o, buf_slice(&d->cookie), a);

	if (good && buf_reserve(&body, size)) {
		memset(body.at, 'x', size);
		body.at[0] = '3';
		body.size = size;
		answer_fini(a);
		good = session_post(d, &o, buf_slice(&body), a);
		session_leave(d, &o);
	}
	buf_fini(&body);
	return good;
}

enum doctor_result check_size(struct doctor *d)
{
	size_t size = d->opened.max_payload > SIZE_MOST ? SIZE_MOST : (size_t)d->opened.max_payload;
	struct answer a;
	bool good;

	if (size == 0)
		return say(d, DOCTOR_SKIP, "the server names no maxPayload", "");
	good = takes(d, size, &a);
	if (good) {
		buf_printf(&d->seen, "a POST of %zu bytes arrives, as maxPayload promises", size);
	} else {
		buf_printf(&d->seen, "a POST of %zu bytes, which maxPayload allows: ", size);
		put_answer(&d->seen, &a);
		buf_add_str(&d->advice, "What stands between must take as much as the server (max_http_buffer_size); "
					"nginx: client_max_body_size 1m;");
	}
	answer_fini(&a);
	return good ? DOCTOR_OK : DOCTOR_WARN;
}

/* --- WebSocket ---------------------------------------------------------------------------------------------------- */

static const char upgrade_advice[] = "The proxy must pass the upgrade on. nginx, in `http`: map $http_upgrade "
				     "$connection_upgrade { default upgrade; '' ''; }\n"
				     "and in the `location`:\n"
				     "    proxy_http_version 1.1;\n"
				     "    proxy_set_header Upgrade $http_upgrade;\n"
				     "    proxy_set_header Connection $connection_upgrade;\n"
				     "HAProxy does by itself, but needs `timeout tunnel`; Apache: ProxyPass .. "
				     "upgrade=websocket; Amazon: an application load "
				     "balancer.";

static void see_deflate(struct doctor *d)
{
	struct link l;
	struct answer a;

	if (ws_begin(d, &l, SLICE(""), true, &a))
		buf_add_str(&d->seen, answer_header(&a, "sec-websocket-extensions").size ? ", compression: yes"
											 : ", compression: no");
	answer_fini(&a);
	link_close(&l);
}

static enum doctor_result opened_by_ws(struct doctor *d, struct link *l)
{
	struct slice text;
	unsigned code;
	struct opened o;

	if (ws_next(l, clock_now_ms() + d->config->timeout_ms, &text, &code) != WS_TEXT || !opened_read(&o, text))
		return say(d, DOCTOR_FAIL, "101, but the session does not open",
			"The proxy lets no messages of the WebSocket pass, or it is not Socket.IO behind it.");
	if (!d->can_poll)
		d->opened = o;
	d->has_websocket = true;
	buf_add_str(&d->seen, "opens a session");
	see_deflate(d);
	return DOCTOR_OK;
}

enum doctor_result check_websocket(struct doctor *d)
{
	enum doctor_result r = DOCTOR_FAIL;
	struct answer a;
	struct link l;

	if (ws_begin(d, &l, SLICE(""), false, &a)) {
		r = opened_by_ws(d, &l);
	} else if (d->can_poll && !d->opened.websocket) {
		r = DOCTOR_WARN;
		put_answer(&d->seen, &a);
		say(d, r, " (the server says that it has none)",
			"The server's option `transports`, or `allow_upgrades`.");
	} else {
		put_answer(&d->seen, &a);
		buf_add_str(&d->advice, upgrade_advice);
	}
	answer_fini(&a);
	link_close(&l);
	return r;
}

/* 2probe, 3probe, 5. */
static enum doctor_result probe(struct doctor *d, struct link *l)
{
	int64_t due_ms = clock_now_ms() + d->config->timeout_ms;
	struct slice text;
	unsigned code;

	if (!ws_send(l, "2probe", due_ms) || ws_next(l, due_ms, &text, &code) != WS_TEXT ||
		!slice_equal(text, SLICE("3probe")))
		return say(d, DOCTOR_FAIL, "the WebSocket is there, but the probe is not answered",
			"It reaches another server than the session's: see the check \"any server\", which holds for "
			"WebSockets, too.");
	ws_send(l, "5", due_ms);
	ws_send(l, "1", due_ms);
	return say(d, DOCTOR_OK, "a session goes from polling to WebSocket", "");
}

enum doctor_result check_upgrade(struct doctor *d)
{
	struct buf query = BUF_INIT;
	enum doctor_result r = DOCTOR_FAIL;
	struct answer a;
	struct opened o;
	struct link l;

	if (!d->has_websocket || !d->opened.websocket)
		return say(d, DOCTOR_SKIP, "there is no WebSocket to go to", "");
	if (!session_begin(d, &o, buf_slice(&d->cookie), &a)) {
		explain(d, &a);
		answer_fini(&a);
		return r;
	}
	answer_fini(&a);
	buf_printf(&query, "&sid=%s", o.sid);
	if (ws_begin(d, &l, buf_slice(&query), false, &a))
		r = probe(d, &l);
	else
		explain(d, &a);
	answer_fini(&a);
	link_close(&l);
	buf_fini(&query);
	return r;
}
