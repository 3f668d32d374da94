/* edge.c - listening, accepting, limits; see edge.h. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "alloc.h"
#include "bind.h"
#include "cookie.h"
#include "edge_internal.h"
#include "files.h"
#include "log.h"
#include "metrics.h"
#include "relay.h"
#include "tls.h"

enum {
	BACKLOG = 4096,             /* the kernel lowers it to its own limit */
	ACCEPTS_MAX = 64,           /* connections that a turn takes at most, so that those who are here get theirs */
	RETRY_MS = 100,             /* accepting rests so long when there is no descriptor at all */
	REFUSED_LINGERING_MAX = 256 /* beyond, a refused connection is closed at once */
};

static const char busy_answer[] = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\n"
				  "Connection: close\r\n\r\n";

size_t edge_connections(const struct edge *e)
{
	return e->clients.service.count + e->secure.service.count + (e->tls ? tls_handshakes(e->tls) : 0) +
	       (e->ws ? ws_engine_count(e->ws) : 0) + e->relays->n_tunnels;
}

/* --- Accepting ----------------------------------------------------------------------------------------------- */

/* Answers 503 without reading a request. What has come already is dropped, else the close would destroy the answer. */
static void refuse_now(int fd)
{
	char drop[16 * 1024];

	if (send(fd, busy_answer, sizeof(busy_answer) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) > 0) {
		shutdown(fd, SHUT_WR);
		recv(fd, drop, sizeof(drop), MSG_DONTWAIT);
	}
	close(fd);
}

/* Over TLS nothing can be said before the handshake, which is what costs. */
static void refuse_connection(struct listener *l, int fd)
{
	struct edge *e = l->edge;
	int64_t count;

	metrics_count(M_LIMIT_CONNECTIONS);
	if (sample_take(&e->refused_connections, loop_now(e->config.loop), &count))
		log_warn("connections refused", LOG_S("limit", "max_connections"),
			LOG_I("connections", edge_connections(e)), LOG_I("count", count));
	if (l == &e->secure) {
		close(fd);
		return;
	}
	if (lingers_count(e->lingers) >= REFUSED_LINGERING_MAX) {
		refuse_now(fd);
		return;
	}
	if (send(fd, busy_answer, sizeof(busy_answer) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		close(fd);
	else
		linger_start(e->lingers, fd);
}

/* A socket that was accepted becomes a connection. It has TCP_NODELAY from the listener. */
static void take_connection(struct listener *l, int fd, const struct sockaddr *from)
{
	struct edge *e = l->edge;
	int64_t max = e->config.options->max_connections;
	struct net_address peer;

	if (l != &e->internal)
		metrics_count(M_CONNECTIONS_TOTAL);
	if (l != &e->internal && max > 0 && edge_connections(e) >= (size_t)max) {
		refuse_connection(l, fd);
		return;
	}
	net_address_of(from, &peer);
	if (l == &e->secure)
		tls_accept(e->tls, fd, &peer);
	else
		http_conn_open(&l->service, fd, &peer);
}

static void has_shaken_hands(void *ctx, int fd, const struct net_address *peer)
{
	struct edge *e = ctx;

	http_conn_open(&e->secure.service, fd, peer);
}

static int open_reserve(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void on_retry(struct timer *t, int64_t now_ms)
{
	struct listener *l = (struct listener *)(void *)((char *)t - offsetof(struct listener, retry));

	(void)now_ms;
	if (l->edge->reserve < 0)
		l->edge->reserve = open_reserve();
	if (l->fd >= 0)
		event_add(&l->accepts, NULL);
}

static void rest(struct listener *l)
{
	struct loop *loop = l->edge->config.loop;

	event_del(&l->accepts);
	timer_set(&loop->timers, &l->retry, on_retry, loop_now(loop) + RETRY_MS);
}

/* Gives the reserve up to take one connection and refuse it; then, or without one, accepting rests for a moment, since
 * the listener would report the waiting connections again at once. */
static void shed_one(struct listener *l)
{
	struct edge *e = l->edge;
	int fd;

	if (e->reserve < 0) {
		rest(l);
		return;
	}
	close(e->reserve);
	fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0)
		refuse_now(fd);
	e->reserve = open_reserve();
	if (fd < 0 || e->reserve < 0)
		rest(l);
}

static void cannot_accept(struct listener *l, int error)
{
	struct edge *e = l->edge;
	int64_t count;

	if (sample_take(&e->no_descriptors, loop_now(e->config.loop), &count))
		log_warn("cannot accept", LOG_S("why", strerror(error)), LOG_I("count", count));
	if (error == EMFILE || error == ENFILE) {
		metrics_count(M_LIMIT_CONNECTIONS);
		shed_one(l);
	} else {
		rest(l);
	}
}

/*
 * How many to take in this turn. Asking whether there is one more is a system call that mostly says no, so it is not
 * asked: whoever waits is reported again in the next turn, which then takes twice as many.
 */
static unsigned next_batch(struct listener *l)
{
	uint64_t turn = l->edge->config.loop->turns;
	bool again = l->batch && turn == l->turn + 1;

	l->turn = turn;
	l->batch = !again ? 1 : l->batch < ACCEPTS_MAX ? 2 * l->batch : ACCEPTS_MAX;
	return l->batch;
}

static void on_acceptable(evutil_socket_t listening, short what, void *ctx)
{
	struct listener *l = ctx;
	struct sockaddr_storage from;
	socklen_t size;

	(void)what;
	for (unsigned left = next_batch(l); left; left--) {
		int fd;

		size = sizeof(from);
		fd = accept4(listening, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			take_connection(l, fd, (struct sockaddr *)&from);
			continue;
		}
		l->batch = 0;
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			cannot_accept(l, errno);
		return;
	}
}

/* --- Listening ----------------------------------------------------------------------------------------------- */

/* What it accepts is as it is: on Linux TCP_NODELAY is handed down. */
static int start_listening(struct listener *l, int fd, bool listens)
{
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (!listens && listen(fd, BACKLOG) < 0)
		return -errno;
	l->fd = fd;
	event_assign(&l->accepts, l->edge->config.loop->base, fd, EV_READ | EV_PERSIST, on_acceptable, l);
	return event_add(&l->accepts, NULL) < 0 ? -ENOMEM : 0;
}

/* A socket that was bound by others is `inherited`; 0: none. False: `why` is filled. */
static bool listener_open(struct listener *l, const char *address, int inherited, char *why, size_t why_size)
{
	const char *reason = "out of memory";
	int fd = inherited > 0 ? inherited : bind_address(address, false, &reason);
	int error = fd < 0 ? -1 : start_listening(l, fd, inherited > 0);

	if (error == 0) {
		bind_name(fd, l->address);
		return true;
	}
	if (fd >= 0) {
		reason = strerror(-error); /* listen(2) failed: another took the port meanwhile */
		close(fd);
	}
	l->fd = -1;
	snprintf(why, why_size, "cannot listen on %s: %s", address, reason);
	return false;
}

static void listener_close(struct listener *l)
{
	if (l->fd >= 0) {
		event_del(&l->accepts);
		close(l->fd);
	}
	l->fd = -1;
	timer_stop(&l->edge->config.loop->timers, &l->retry);
}

/* --- The whole ----------------------------------------------------------------------------------------------- */

static bool open_dir(const char *dir, int *fd, char *why, size_t why_size)
{
	if (dir == NULL)
		return true;
	*fd = files_open(dir);
	if (*fd >= 0)
		return true;
	snprintf(why, why_size, "cannot serve files of %s: %s", dir, strerror(-*fd));
	*fd = -1;
	return false;
}

static void read_options(struct edge *e)
{
	const struct gateway_options *o = e->config.options;

	e->path = slice_str(o->path);
	while (e->path.size && e->path.at[e->path.size - 1] == '/')
		e->path.size--;
	for (size_t i = 0; i < o->transports.count; i++)
		e->transports |= strcmp(o->transports.at[i], "polling") == 0 ? TRANSPORT_POLLING : TRANSPORT_WEBSOCKET;
	e->server.limits = (struct http_limits){ .max_head_bytes = (size_t)o->max_head_size,
		.max_line_bytes = (size_t)o->max_request_line,
		.max_headers = (size_t)o->max_headers };
	e->internal_limits = e->server.limits;
	e->internal_limits.max_head_bytes += RELAY_HEAD_EXTRA;
	e->internal_limits.max_headers++;
	e->internal.service.limits = e->relayed.limits = &e->internal_limits;
	e->server.head_timeout_ms = o->head_timeout_ms;
	e->server.body_timeout_ms = o->body_timeout_ms;
	e->server.keep_alive_timeout_ms = o->keep_alive_timeout_ms;
}

static void warn_of_options(const struct gateway_options *o)
{
	const char *complaint = cookie_complaint(o);

	if (complaint)
		log_warn("cookie", LOG_S("why", complaint));
}

static bool open_tls(struct edge *e, char *why, size_t why_size)
{
	const struct gateway_options *o = e->config.options;

	if (o->tls_listen == NULL)
		return true;
	e->tls = tls_open(
		&(struct tls_config){ .options = o, .loop = e->config.loop, .opened = has_shaken_hands, .ctx = e }, why,
		why_size);
	return e->tls && listener_open(&e->secure, o->tls_listen, o->tls_listen_fd, why, why_size);
}

static bool open_all(struct edge *e, char *why, size_t why_size)
{
	const struct gateway_options *o = e->config.options;

	e->ws = ws_engine_new(e->config.loop, o, why, why_size);
	return e->ws && open_dir(o->public_dir, &e->public_dir, why, why_size) &&
	       open_dir(o->serve_client ? o->client_dir : NULL, &e->client_dir, why, why_size) &&
	       (o->internal_listen == NULL || listener_open(&e->internal, o->internal_listen, 0, why, why_size)) &&
	       listener_open(&e->clients, o->listen, o->listen_fd, why, why_size) && open_tls(e, why, why_size);
}

struct edge *edge_open(const struct edge_config *config, char *why, size_t why_size)
{
	struct edge *e = must_alloc(sizeof(*e));

	e->config = *config;
	e->public_dir = e->client_dir = -1;
	e->reserve = open_reserve();
	e->clients.edge = e->internal.edge = e->secure.edge = e;
	e->clients.fd = e->internal.fd = e->secure.fd = -1;
	e->lingers = lingers_new(config->loop, config->options->close_timeout_ms);
	http_server_init(&e->server, config->loop, e->lingers);
	http_service_init(&e->clients.service, &edge_clients_ops, &e->server, e);
	http_service_init(&e->secure.service, &edge_clients_ops, &e->server, e);
	http_service_init(&e->internal.service, &edge_internal_ops, &e->server, e);
	http_service_init(&e->relayed, &edge_relayed_ops, &e->server, e);
	e->relays = relays_new(e);
	read_options(e);
	proxies_init(&e->proxies, &config->options->trusted_proxies);
	e->compressor = compressor_new();
	warn_of_options(config->options);
	if (open_all(e, why, why_size))
		return e;
	edge_free(e);
	return NULL;
}

void edge_set_api(struct edge *e, const struct edge_api_ops *ops, void *ctx)
{
	e->api = ops;
	e->api_ctx = ctx;
}

static int begin_to_listen(const struct listener *l, int inherited)
{
	if (inherited <= 0 || l->fd < 0)
		return 0;
	return listen(l->fd, BACKLOG) < 0 ? -errno : 0;
}

int edge_listen(struct edge *e)
{
	int error = begin_to_listen(&e->clients, e->config.options->listen_fd);

	return error ? error : begin_to_listen(&e->secure, e->config.options->tls_listen_fd);
}

void edge_reload_certificates(struct edge *e)
{
	if (e->tls)
		tls_reload(e->tls);
}

/* A socket that others have too goes on listening when it is closed here, and connections would wait for nobody. */
static void listener_stop(struct listener *l)
{
	if (l->fd >= 0)
		shutdown(l->fd, SHUT_RD);
	listener_close(l);
}

/* New ones; those that are there go on, but for what is idle between two requests or still shakes hands. */
static void stop_taking_clients(struct edge *e)
{
	listener_stop(&e->clients);
	listener_stop(&e->secure);
	if (e->tls)
		tls_stop_handshakes(e->tls);
	http_service_close_idle(&e->clients.service);
	http_service_close_idle(&e->secure.service);
}

void edge_stop_sessions(struct edge *e)
{
	e->server.ending = true;
	door_forget_all(e);
	if (e->relays->ops)
		stop_taking_clients(e);
	relays_drain(e->relays);
}

size_t edge_end_tunnels(struct edge *e, size_t most)
{
	return relay_tunnels_drain(e->relays, most);
}

size_t edge_tunnels(const struct edge *e)
{
	return e->relays->n_tunnels;
}

void edge_stop_listening(struct edge *e)
{
	edge_stop_sessions(e);
	stop_taking_clients(e);
	http_service_close_idle(&e->relayed);
	edge_end_tunnels(e, SIZE_MAX);
}

size_t edge_unread(const struct edge *e)
{
	return ws_engine_unread(e->ws);
}

void edge_flush(struct edge *e, bool begins)
{
	ws_engine_flush(e->ws, begins);
}

bool edge_is_empty(const struct edge *e)
{
	return edge_connections(e) == 0 && e->relayed.count == 0 && lingers_count(e->lingers) == 0 &&
	       ws_engine_lingering(e->ws) == 0 && (e->tls == NULL || tls_connections(e->tls) == 0);
}

void edge_free(struct edge *e)
{
	if (e == NULL)
		return;
	listener_close(&e->clients);
	listener_close(&e->internal);
	listener_close(&e->secure);
	http_service_close_all(&e->clients.service);
	http_service_close_all(&e->secure.service);
	http_service_close_all(&e->internal.service);
	http_service_close_all(&e->relayed);
	relays_free(e->relays);
	ws_engine_free(e->ws);
	lingers_free(e->lingers);
	tls_free(e->tls);
	http_server_fini(&e->server);
	for (int i = 0; i < 3; i++) {
		int fd = (int[]){ e->reserve, e->public_dir, e->client_dir }[i];

		if (fd >= 0)
			close(fd);
	}
	buf_fini(&e->headers);
	buf_fini(&e->lines);
	buf_fini(&e->extra);
	proxies_fini(&e->proxies);
	compressor_free(e->compressor);
	door_free(e);
	free(e);
}

static const char *address_of(const struct listener *l)
{
	return l->address[0] ? l->address : NULL;
}

const char *edge_address(const struct edge *e)
{
	return address_of(&e->clients);
}

const char *edge_tls_address(const struct edge *e)
{
	return address_of(&e->secure);
}

const char *edge_internal_address(const struct edge *e)
{
	return address_of(&e->internal);
}
