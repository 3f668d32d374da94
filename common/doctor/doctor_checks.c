/* doctor_checks.c - from the name to the handshake. See doctor_internal.h. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "doctor_internal.h"

enum { SAID_MAX = 160, SOON_DAYS = 14 };

/* --- What an answer means ----------------------------------------------------------------------------------------- */

void put_answer(struct buf *to, const struct answer *a)
{
	struct slice body = slice_first(buf_slice(&a->body), a->body.size < SAID_MAX ? a->body.size : SAID_MAX);

	if (a->status == 0 || a->why) {
		buf_add_str(to, a->why ? a->why : "no answer");
		return;
	}
	buf_printf(to, "HTTP %d", a->status);
	if (body.size == 0)
		return;
	buf_add_str(to, ": ");
	for (size_t i = 0; i < body.size; i++)
		buf_add_char(to, (unsigned char)body.at[i] < ' ' ? ' ' : body.at[i]);
	if (body.size < a->body.size)
		buf_add_str(to, "..");
}

/* Engine.IO's own errors (engine.io 6.6, server.ts), by what a body holds; python-engineio has texts of its own. */
static const struct {
	const char *in_body, *advice;
} engine_errors[] = {
	{ "\"code\":0", "The server's option `transports` does not have this transport." },
	{ "Invalid transport", "The server's option `transports` does not have this transport." },
	{ "\"code\":1", "Requests of one session reach several servers: see the check \"any server\"." },
	{ "Invalid session", "Requests of one session reach several servers: see the check \"any server\"." },
	{ "\"code\":3", "What stands between changed the request: it must pass method, query and the headers Upgrade "
			"and Connection." },
	{ "\"code\":4",
		"The server refuses (its hook for handshakes, or allowRequest): it may want a cookie or a token." },
	{ "\"code\":5", "The server speaks another version of the protocol: Socket.IO 2 needs clients of 2.x; of a "
			"Stoa before that "
			"allow_eio3." },
	{ "unsupported version", "The server speaks another version of the protocol (python-socketio below 5): its "
				 "clients must be as old." },
	{ "accepted origin", "The server does not accept this origin: cors_allowed_origins." },
};

static const struct {
	int status;
	const char *advice;
} statuses[] = {
	{ 301, "A redirection, which clients do not follow: use the URL it names." },
	{ 302, "A redirection, which clients do not follow: use the URL it names, or let the path pass without a "
	       "log-in." },
	{ 307, "A redirection, which clients do not follow: use the URL it names." },
	{ 308, "A redirection, which clients do not follow: use the URL it names." },
	{ 401, "Something between wants a log-in: let Socket.IO's path pass without." },
	{ 404, "Nobody serves this path: compare the server's `path` (Flask: `path`, Node: `path`) with the client's, "
	       "and what the proxy "
	       "makes of it (nginx: a `location` that covers /socket.io/, and no path behind proxy_pass's address)." },
	{ 413, "A body is too large for what stands between; nginx: client_max_body_size 1m;" },
	{ 426, "What answers wants an upgrade: the headers Upgrade and Connection do not arrive." },
	{ 429, "Too many requests from one address: a limit of the proxy or the server; behind a proxy see the "
	       "server's trusted_proxies." },
	{ 502, "The proxy does not reach the server, or speaks another protocol to it: its address and port in "
	       "proxy_pass or `server`." },
	{ 503, "The proxy knows of no server that is well, or the server refuses new sessions (it drains, or is "
	       "full)." },
	{ 504, "The proxy waits too short for an answer; nginx: proxy_read_timeout 60s; HAProxy: timeout server 60s" },
};

static bool holds(const struct buf *b, const char *text)
{
	size_t size = strlen(text);

	return b->size >= size && memmem(b->at, b->size, text, size) != NULL;
}

static const char *advice_of(const struct answer *a)
{
	for (size_t i = 0; a->status >= 400 && i < sizeof(engine_errors) / sizeof(engine_errors[0]); i++)
		if (holds(&a->body, engine_errors[i].in_body))
			return engine_errors[i].advice;
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (a->status == statuses[i].status)
			return statuses[i].advice;
	return "";
}

void explain(struct doctor *d, const struct answer *a)
{
	put_answer(&d->seen, a);
	buf_add_str(&d->advice, advice_of(a));
}

/* --- Address, connection ------------------------------------------------------------------------------------------ */

static void put_address(struct buf *to, const struct addrinfo *a)
{
	char host[NI_MAXHOST];

	if (getnameinfo(a->ai_addr, a->ai_addrlen, host, sizeof(host), NULL, 0, NI_NUMERICHOST) == 0)
		buf_add_str(to, host);
}

enum doctor_result check_address(struct doctor *d)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	int error = getaddrinfo(d->url.host, d->url.port, &hints, &d->addresses);

	if (error) {
		d->addresses = NULL;
		buf_printf(&d->seen, "%s: %s", d->url.host, gai_strerror(error));
		return say(d, DOCTOR_FAIL, "", "The name must be known to this machine's name server.");
	}
	for (const struct addrinfo *a = d->addresses; a; a = a->ai_next) {
		if (a != d->addresses)
			buf_add_str(&d->seen, ", ");
		put_address(&d->seen, a);
	}
	return DOCTOR_OK;
}

/* Each address, since clients may take any. */
static size_t try_address(struct doctor *d, const struct addrinfo *to, bool secure)
{
	int64_t since_ms = clock_now_ms();
	struct link l;
	bool good;

	d->url.secure = false; /* TLS is another check */
	good = link_open_to(d, &l, to);
	d->url.secure = secure;
	buf_add_str(&d->seen, d->seen.size ? ", " : "");
	put_address(&d->seen, to);
	if (good)
		buf_printf(&d->seen, " in %lld ms", (long long)(clock_now_ms() - since_ms));
	else
		buf_printf(&d->seen, ": %s", l.why);
	if (good && d->good == NULL)
		d->good = to;
	link_close(&l);
	return good;
}

enum doctor_result check_connection(struct doctor *d)
{
	size_t good = 0, all = 0;

	for (const struct addrinfo *a = d->addresses; a; a = a->ai_next, all++)
		good += try_address(d, a, d->url.secure);
	d->can_connect = good > 0;
	if (all == 0)
		return say(d, DOCTOR_SKIP, "there is no address", "");
	if (good == 0)
		return say(d, DOCTOR_FAIL, "",
			"Nobody listens there, or a firewall is in the way: the port of the load balancer, and who may "
			"reach it.");
	if (good < all)
		return say(d, DOCTOR_WARN, "",
			"Clients that take the address that does not answer wait in vain: listen on it (nginx: listen "
			"[::]:80;), or take it "
			"out of the name.");
	return DOCTOR_OK;
}

/* --- TLS ---------------------------------------------------------------------------------------------------------- */

static void put_name(struct buf *to, X509_NAME *name)
{
	char text[200];

	if (name && X509_NAME_get_text_by_NID(name, NID_commonName, text, sizeof(text)) > 0)
		buf_add_str(to, text);
	else
		buf_add_str(to, "no name");
}

static int days_left(const X509 *cert)
{
	int days = 0, seconds = 0;

	ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(cert));
	return days;
}

static enum doctor_result judge(struct doctor *d, SSL *ssl, const X509 *cert)
{
	long verified = SSL_get_verify_result(ssl);
	int days = days_left(cert);

	buf_printf(&d->seen, "%s, certificate of ", SSL_get_version(ssl));
	put_name(&d->seen, X509_get_subject_name(cert));
	buf_printf(&d->seen, " by ");
	put_name(&d->seen, X509_get_issuer_name(cert));
	buf_printf(&d->seen, ", %d days left", days);
	if (verified != X509_V_OK) {
		buf_printf(&d->seen, ": %s", X509_verify_cert_error_string(verified));
		return say(d, DOCTOR_FAIL, "",
			"Clients refuse it. A certificate for this name, signed by somebody whom clients trust, with "
			"the whole chain (nginx: "
			"ssl_certificate fullchain.pem;); if clients trust an authority of your own, say --ca-file "
			"FILE.");
	}
	if (days < SOON_DAYS)
		return say(d, DOCTOR_WARN, "", "It ends soon: renew it.");
	return DOCTOR_OK;
}

enum doctor_result check_tls(struct doctor *d)
{
	enum doctor_result r = DOCTOR_FAIL;
	struct link l;
	X509 *cert = NULL;

	if (link_open(d, &l)) {
		cert = SSL_get1_peer_certificate(l.ssl);
		r = cert ? judge(d, l.ssl, cert) : say(d, DOCTOR_FAIL, "no certificate", "");
	} else {
		d->can_connect = false;
		buf_add_str(&d->seen, l.why);
		say(d, r, "",
			"The port does not speak TLS as clients do: listen 443 ssl; in nginx, bind :443 ssl crt .. in "
			"HAProxy; or "
			"write http://.");
	}
	X509_free(cert);
	link_close(&l);
	return r;
}

/* --- Handshake ---------------------------------------------------------------------------------------------------- */

static bool is_protocol_3(const struct buf *body)
{
	size_t i = 0;

	while (i < body->size && body->at[i] >= '0' && body->at[i] <= '9')
		i++;
	return i > 0 && i + 2 < body->size && memcmp(body->at + i, ":0{", 3) == 0;
}

/* Where else it may be. */
static bool find_path(struct doctor *d)
{
	char given[sizeof(d->url.path)];
	char below[sizeof(d->url.path) + 12];
	const char *candidates[] = { "/socket.io/", below, "/" };
	bool found = false;

	snprintf(given, sizeof(given), "%s", d->url.path);
	snprintf(below, sizeof(below), "%ssocket.io/", given);
	for (size_t i = 0; i < sizeof(candidates) / sizeof(candidates[0]) && !found; i++) {
		struct answer a;

		if (strcmp(candidates[i], given) == 0 || strlen(candidates[i]) >= sizeof(d->url.path))
			continue;
		snprintf(d->url.path, sizeof(d->url.path), "%s", candidates[i]);
		found = session_begin(d, &d->opened, SLICE(""), &a);
		answer_fini(&a);
	}
	if (!found)
		snprintf(d->url.path, sizeof(d->url.path), "%s", given);
	return found;
}

static void keep_cookie(struct doctor *d, const struct answer *a)
{
	struct slice cookie = answer_header(a, "set-cookie");

	cookie = slice_first(cookie, slice_find(cookie, ';'));
	if (cookie.size) {
		buf_add_str(&d->cookie, "Cookie: ");
		buf_add_slice(&d->cookie, cookie);
		buf_add_str(&d->cookie, "\r\n");
	}
}

static enum doctor_result no_handshake(struct doctor *d, const struct answer *a)
{
	explain(d, a);
	if (a->status == 200 && is_protocol_3(&a->body)) {
		buf_clear(&d->advice);
		return say(d, DOCTOR_FAIL, " (a server of Socket.IO 2, protocol 3)",
			"Its clients must be of 2.x, or the server of 3 or later.");
	}
	if (find_path(d)) {
		d->can_poll = true;
		buf_clear(&d->advice);
		buf_printf(&d->advice,
			"It is at %s: clients must say io(url, { path: \"%s\" }), or the server and the proxy serve it "
			"here.",
			d->url.path, d->url.path);
		return DOCTOR_FAIL;
	}
	if (a->status == 200)
		return say(d, DOCTOR_FAIL, " (that is no Socket.IO)",
			"Something else answers at this path: the proxy's rule for it (nginx: a `location` that covers "
			"it) or the server's `path`.");
	return DOCTOR_FAIL;
}

enum doctor_result check_handshake(struct doctor *d)
{
	struct answer a;
	enum doctor_result r = DOCTOR_OK;

	d->can_poll = session_begin(d, &d->opened, SLICE(""), &a);
	if (!d->can_poll) {
		r = no_handshake(d, &a);
	} else {
		keep_cookie(d, &a);
		buf_printf(&d->seen,
			"%s answers after %lld ms: pingInterval %lld, pingTimeout %lld, maxPayload %lld, upgrades to "
			"WebSocket: %s",
			d->url.path, (long long)a.took_ms, (long long)d->opened.ping_interval_ms,
			(long long)d->opened.ping_timeout_ms, (long long)d->opened.max_payload,
			d->opened.websocket ? "yes" : "no");
	}
	answer_fini(&a);
	if (d->can_poll)
		session_leave(d, &d->opened);
	return r;
}

/* --- Origin ------------------------------------------------------------------------------------------------------- */

enum stranger { STRANGER_REFUSED, STRANGER_MAY_NOT_READ, STRANGER_IS_LET_IN };

static bool comes_in_as(struct doctor *d, struct slice origin, struct buf *allowed, struct answer *a)
{
	struct buf headers = BUF_INIT;
	struct opened o;
	bool good;

	buf_add_str(&headers, "Origin: ");
	buf_add_slice(&headers, origin);
	buf_add_str(&headers, "\r\n");
	good = session_begin(d, &o, buf_slice(&headers), a);
	buf_clear(allowed);
	buf_add_slice(allowed, answer_header(a, "access-control-allow-origin"));
	if (good)
		session_leave(d, &o);
	buf_fini(&headers);
	return good;
}

static void see_stranger(struct doctor *d, struct buf *allowed)
{
	struct answer a;

	if (!comes_in_as(d, SLICE("https://stoa-doctor.example"), allowed, &a))
		buf_add_str(&d->seen, "; those of other sites are refused");
	else if (allowed->size)
		buf_add_str(&d->seen, "; those of any other site, too");
	else
		buf_add_str(&d->seen, "; those of other sites cannot read the answers");
	answer_fini(&a);
}

enum doctor_result check_origin(struct doctor *d)
{
	struct buf origin = BUF_INIT, allowed = BUF_INIT;
	enum doctor_result r = DOCTOR_OK;
	struct answer a;

	doctor_url_put_origin(&origin, &d->url);
	if (comes_in_as(d, buf_slice(&origin), &allowed, &a)) {
		buf_add_str(&d->seen, "pages of this address come in");
		see_stranger(d, &allowed);
	} else {
		buf_add_str(&d->seen, "a page of this very address is refused, ");
		put_answer(&d->seen, &a);
		r = say(d, DOCTOR_FAIL, "",
			"The server does not know by what address it is called. The proxy must say so, nginx:\n"
			"    proxy_set_header Host $http_host;\n"
			"    proxy_set_header X-Forwarded-Proto $scheme;\n"
			"HAProxy: http-request set-header X-Forwarded-Proto https if { ssl_fc }\n"
			"and the server must believe it (Stoa: trusted_proxies). Or name the origin in "
			"cors_allowed_origins.");
	}
	answer_fini(&a);
	buf_fini(&origin);
	buf_fini(&allowed);
	return r;
}
