/*
 * poster.c - see poster.h.
 *
 * A line is one connection and the post that it has in hand. libevent's client connects anew by itself where it can; a
 * line does not let it, since TLS cannot: a connection that has ended is buried, and the next post opens another.
 */
#include "poster.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "lookup.h"

enum {
	ADDRESSES = 8,
	KEEP_ADDRESSES_MS = 30 * 1000, /* then the name is asked for again, when a connection is opened */
	HEADERS_MAX = 16 * 1024,
	LIBEVENTS_TIMEOUT_S = 3600 /* ours is shorter */
};

/* One that has ended: freed after the turn, as this may be inside of it. */
struct husk {
	struct grave grave;
	struct evhttp_connection *connection;
};

struct line {
	struct poster *poster;
	struct evhttp_connection *connection; /* NULL: none */
	struct bufferevent *link;             /* its own */
	bool used;                            /* it has answered before */
	bool ended;                           /* the peer has ended it */
	struct post *post;                    /* in hand; NULL: none */
	struct evhttp_request *request;       /* its; NULL: libevent is done with it */
	bool given;                           /* libevent has it */
	bool starting;                        /* inside of what gives it */
	enum post_result failure;             /* what error_cb said */
	const char *why;
	struct timer due, settle;
};

struct poster {
	struct poster_config config;
	struct ssl_ctx_st *tls;
	struct lookup *lookup;
	char addresses[ADDRESSES][INET6_ADDRSTRLEN];
	size_t n_addresses, next_address;
	int64_t found_ms;
	size_t in_hand;
	struct line lines[];
};

static struct timers *timers_of(const struct line *l)
{
	return &l->poster->config.loop->timers;
}

static int64_t now_of(const struct line *l)
{
	return loop_now(l->poster->config.loop);
}

/* --- The end of a connection ---------------------------------------------------------------------------------- */

static void free_husk(struct grave *g)
{
	struct husk *h = (struct husk *)(void *)((char *)g - offsetof(struct husk, grave));

	evhttp_connection_free(h->connection);
	free(h);
}

static void drop_connection(struct line *l)
{
	struct husk *h;

	if (l->connection == NULL)
		return;
	h = must_alloc(sizeof(*h));
	h->connection = l->connection;
	evhttp_connection_set_closecb(l->connection, NULL, NULL);
	graveyard_bury(&l->poster->config.loop->graveyard, &h->grave, free_husk);
	l->connection = NULL;
	l->link = NULL;
	l->used = l->ended = false;
}

static void on_close(struct evhttp_connection *connection, void *ctx)
{
	struct line *l = ctx;

	(void)connection;
	l->ended = true;
	if (l->post == NULL)
		drop_connection(l);
}

/* --- The end of a post ---------------------------------------------------------------------------------------- */

/* Nobody hears of it any more. */
static void withdraw(struct line *l)
{
	if (l->request && l->given)
		evhttp_cancel_request(l->request);
	else if (l->request)
		evhttp_request_free(l->request);
	l->request = NULL;
	l->given = false;
}

/* The line has nothing in hand afterwards. */
static struct post *let_go(struct line *l)
{
	struct post *p = l->post;

	timer_stop(timers_of(l), &l->due);
	timer_stop(timers_of(l), &l->settle);
	l->post = NULL;
	l->poster->in_hand--;
	p->line = NULL;
	return p;
}

static void fail(struct line *l, enum post_result result, const char *why)
{
	struct post_answer a = { .result = result, .why = why };
	struct post *p;

	withdraw(l);
	drop_connection(l);
	p = let_go(l);
	p->done(p, now_of(l), &a);
}

static void on_settle(struct timer *t, int64_t now_ms)
{
	struct line *l = (struct line *)(void *)((char *)t - offsetof(struct line, settle));

	(void)now_ms;
	fail(l, l->failure, l->why);
}

/* libevent's client may fail while it is asked. */
static void fail_soon(struct line *l, enum post_result result, const char *why)
{
	l->failure = result;
	l->why = why;
	if (l->starting)
		timer_set(timers_of(l), &l->settle, on_settle, now_of(l));
	else
		fail(l, result, why);
}

static void on_due(struct timer *t, int64_t now_ms)
{
	struct line *l = (struct line *)(void *)((char *)t - offsetof(struct line, due));

	(void)now_ms;
	fail(l, POST_TIMEOUT, l->given ? "no answer in time" : "the host's address was not found in time");
}

static void on_error(enum evhttp_request_error error, void *ctx)
{
	static const char *const whys[] = {
		[EVREQ_HTTP_TIMEOUT] = "no answer in time",
		[EVREQ_HTTP_EOF] = "the connection ended before the answer",
		[EVREQ_HTTP_INVALID_HEADER] = "the answer is no HTTP",
		[EVREQ_HTTP_BUFFER_ERROR] = "the connection was lost",
		[EVREQ_HTTP_REQUEST_CANCEL] = "cancelled",
		[EVREQ_HTTP_DATA_TOO_LONG] = "the answer is too large",
	};
	struct line *l = ctx;
	bool nonsense = error == EVREQ_HTTP_INVALID_HEADER || error == EVREQ_HTTP_DATA_TOO_LONG;

	l->why = whys[error];
	l->failure = nonsense ? POST_NONSENSE : l->used ? POST_STALE : POST_LOST;
}

static void lost(struct line *l)
{
	const char *tls = l->link && l->poster->tls ? poster_tls_error(l->link) : NULL;

	if (l->why && tls == NULL) {
		fail_soon(l, l->failure, l->why);
		return;
	}
	l->poster->next_address++;
	fail_soon(l, POST_UNREACHABLE, tls ? tls : "cannot connect");
}

static bool is_kept(struct line *l, struct evhttp_request *request)
{
	const char *said = evhttp_find_header(evhttp_request_get_input_headers(request), "Connection");

	return !l->ended && request->major == 1 && request->minor >= 1 &&
	       (said == NULL || evutil_ascii_strcasecmp(said, "close") != 0);
}

static void on_answer(struct evhttp_request *request, void *ctx)
{
	struct line *l = ctx;
	struct post_answer a = { .result = POST_ANSWERED };
	struct evbuffer *body;
	struct post *p;

	l->request = NULL;
	l->given = false;
	a.status = request ? evhttp_request_get_response_code(request) : 0;
	if (a.status == 0) {
		lost(l);
		return;
	}
	body = evhttp_request_get_input_buffer(request);
	a.body = slice_of((const char *)evbuffer_pullup(body, -1), evbuffer_get_length(body));
	if (is_kept(l, request))
		l->used = true;
	else
		drop_connection(l);
	p = let_go(l);
	p->done(p, now_of(l), &a);
}

/* --- Connecting ----------------------------------------------------------------------------------------------- */

static bool is_address(const char *host)
{
	struct in6_addr any;

	return inet_pton(AF_INET, host, &any) == 1 || inet_pton(AF_INET6, host, &any) == 1;
}

static bool open_connection(struct line *l)
{
	struct poster *p = l->poster;
	const char *address = p->addresses[p->next_address % p->n_addresses];

	if (p->tls)
		l->link = poster_tls_link(p->tls, p->config.loop, p->config.url.host);
	else
		l->link = bufferevent_socket_new(p->config.loop->base, -1, BEV_OPT_CLOSE_ON_FREE);
	if (l->link == NULL)
		return false;
	l->connection = evhttp_connection_base_bufferevent_new(
		p->config.loop->base, NULL, l->link, address, (unsigned short)p->config.url.port);
	if (l->connection == NULL) {
		bufferevent_free(l->link);
		l->link = NULL;
		return false;
	}
	evhttp_connection_set_timeout(l->connection, LIBEVENTS_TIMEOUT_S);
	evhttp_connection_set_max_headers_size(l->connection, HEADERS_MAX);
	evhttp_connection_set_max_body_size(l->connection, (ev_ssize_t)p->config.max_answer);
	evhttp_connection_set_closecb(l->connection, on_close, l);
	return true;
}

/* The addresses are known, or there is a connection. */
static void give(struct line *l)
{
	l->starting = true;
	if (l->connection == NULL && !open_connection(l)) {
		fail_soon(l, POST_UNREACHABLE, "out of memory");
	} else {
		l->given = true;
		if (evhttp_make_request(l->connection, l->request,
			    l->poster->config.get ? EVHTTP_REQ_GET : EVHTTP_REQ_POST,
			    l->poster->config.url.target) < 0) {
			l->request = NULL; /* it was freed */
			fail_soon(l, POST_UNREACHABLE, "cannot connect");
		}
	}
	l->starting = false;
}

static void found(void *to, const struct evutil_addrinfo *all, const char *why)
{
	struct poster *p = to;

	p->n_addresses = p->next_address = 0;
	for (; all && p->n_addresses < ADDRESSES; all = all->ai_next)
		if (getnameinfo(all->ai_addr, all->ai_addrlen, p->addresses[p->n_addresses], INET6_ADDRSTRLEN, NULL, 0,
			    NI_NUMERICHOST) == 0)
			p->n_addresses++;
	p->found_ms = loop_now(p->config.loop);
	for (size_t i = 0; i < p->config.connections; i++) {
		struct line *l = &p->lines[i];

		if (l->post == NULL || l->given || timer_is_set(&l->settle))
			continue;
		if (p->n_addresses) {
			give(l);
		} else {
			l->starting = true; /* perhaps inside of poster_post() */
			fail_soon(l, POST_UNREACHABLE, why ? why : "the host has no address");
			l->starting = false;
		}
	}
}

static bool has_addresses(struct poster *p)
{
	const char *host = p->config.url.host;

	if (is_address(host)) {
		snprintf(p->addresses[0], INET6_ADDRSTRLEN, "%s", host);
		p->n_addresses = 1;
		return true;
	}
	return p->n_addresses && loop_now(p->config.loop) < p->found_ms + KEEP_ADDRESSES_MS;
}

static void start(struct line *l)
{
	struct poster *p = l->poster;

	if (l->connection || has_addresses(p))
		give(l);
	else if (p->lookup == NULL)
		lookup_start(p->config.loop, p->config.url.host, p->config.url.port, found, p, &p->lookup);
}

/* --- The calls ------------------------------------------------------------------------------------------------ */

bool poster_is_busy(const struct poster *p)
{
	return p->in_hand == p->config.connections;
}

/* One with a connection, if there is. */
static struct line *free_line(struct poster *p)
{
	struct line *without = NULL;

	for (size_t i = 0; i < p->config.connections; i++) {
		struct line *l = &p->lines[i];

		if (l->post)
			continue;
		if (l->connection)
			return l;
		if (without == NULL)
			without = l;
	}
	return without;
}

static struct evhttp_request *write_request(struct line *l, struct slice body, const struct post_header *headers)
{
	struct evhttp_request *request = evhttp_request_new(on_answer, l);
	const struct poster_config *config = &l->poster->config;
	struct evkeyvalq *to;
	int failed = 0;

	if (request == NULL)
		return NULL;
	to = evhttp_request_get_output_headers(request);
	failed |= evhttp_add_header(to, "Host", config->url.authority);
	if (!config->get)
		failed |= evhttp_add_header(to, "Content-Type", config->type);
	failed |= evhttp_add_header(to, "Accept", config->type);
	for (; headers->name; headers++)
		failed |= evhttp_add_header(to, headers->name, headers->value);
	failed |= evbuffer_add(evhttp_request_get_output_buffer(request), body.at, body.size);
	evhttp_request_set_error_cb(request, on_error);
	if (failed == 0)
		return request;
	evhttp_request_free(request);
	return NULL;
}

bool poster_post(struct poster *p, struct post *post, struct slice body, const struct post_header *headers)
{
	struct line *l = free_line(p);

	l->request = write_request(l, body, headers);
	if (l->request == NULL)
		return false;
	l->why = NULL;
	l->post = post;
	post->line = l;
	p->in_hand++;
	timer_set(timers_of(l), &l->due, on_due, now_of(l) + p->config.timeout_ms);
	start(l);
	return true;
}

void poster_cancel(struct poster *p, struct post *post)
{
	(void)p;
	if (post->line == NULL)
		return;
	withdraw(post->line);
	drop_connection(post->line);
	let_go(post->line);
}

struct poster *poster_new(const struct poster_config *config, char *why, size_t why_size)
{
	struct ssl_ctx_st *tls =
		config->url.tls ? poster_tls_new(config->ca_file, config->ca_option, why, why_size) : NULL;
	struct poster *p;

	if (config->url.tls && tls == NULL)
		return NULL;
	p = must_alloc(sizeof(*p) + config->connections * sizeof(p->lines[0]));
	p->config = *config;
	p->tls = tls;
	for (size_t i = 0; i < config->connections; i++)
		p->lines[i].poster = p;
	return p;
}

void poster_free(struct poster *p)
{
	if (p == NULL)
		return;
	lookup_cancel(&p->lookup);
	for (size_t i = 0; i < p->config.connections; i++) {
		struct line *l = &p->lines[i];

		withdraw(l);
		drop_connection(l);
		if (l->post)
			let_go(l);
	}
	poster_tls_free(p->tls);
	free(p);
}
