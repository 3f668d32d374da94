/* doctor.c - the checks in their order. See doctor.h. */
#include <string.h>

#include "doctor_internal.h"

enum { NEEDS_CONNECTION = 1, NEEDS_POLLING = 2, NEEDS_TLS = 4, NEEDS_STICKY = 8, NEEDS_TIME = 16, NEEDS_SESSION = 32 };

static const struct check {
	const char *name;
	enum doctor_result (*run)(struct doctor *d);
	unsigned needs;
} checks[] = {
	{ "address", check_address, 0 },
	{ "connection", check_connection, 0 },
	{ "tls", check_tls, NEEDS_CONNECTION | NEEDS_TLS },
	{ "handshake", check_handshake, NEEDS_CONNECTION },
	{ "origin", check_origin, NEEDS_CONNECTION | NEEDS_POLLING },
	{ "any server", check_sticky, NEEDS_CONNECTION | NEEDS_POLLING },
	{ "namespace", check_namespace, NEEDS_CONNECTION | NEEDS_POLLING | NEEDS_STICKY },
	{ "message size", check_size, NEEDS_CONNECTION | NEEDS_POLLING | NEEDS_STICKY },
	{ "websocket", check_websocket, NEEDS_CONNECTION },
	{ "upgrade", check_upgrade, NEEDS_CONNECTION | NEEDS_POLLING | NEEDS_STICKY },
	{ "quiet times", check_idle, NEEDS_CONNECTION | NEEDS_SESSION | NEEDS_TIME },
};

/* NULL: it can be done. */
static const char *missing(const struct doctor *d, const struct check *c)
{
	if (c->needs & NEEDS_TLS && !d->url.secure)
		return "";
	if (c->needs & NEEDS_CONNECTION && !d->can_connect)
		return "there is no connection";
	if (c->needs & NEEDS_POLLING && !d->can_poll)
		return "there is no session by polling";
	if (c->needs & NEEDS_STICKY && !d->is_sticky)
		return "the requests of a session do not reach one server";
	if (c->needs & NEEDS_SESSION && !(d->has_websocket || (d->can_poll && d->is_sticky)))
		return "there is neither WebSocket nor polling";
	if (c->needs & NEEDS_TIME && d->config->quick)
		return "it takes as long as the server's pingInterval, and --quick was said";
	return NULL;
}

static void run_check(struct doctor *d, const struct check *c, size_t counts[DOCTOR_RESULTS])
{
	const char *why = missing(d, c);
	struct doctor_finding f = { .check = c->name, .result = DOCTOR_SKIP };

	if (why && why[0] == '\0')
		return;
	buf_clear(&d->seen);
	buf_clear(&d->advice);
	if (why)
		buf_add_str(&d->seen, why);
	else
		f.result = c->run(d);
	f.seen = buf_slice(&d->seen);
	f.advice = buf_slice(&d->advice);
	counts[f.result]++;
	d->config->found(d->config->to, &f);
}

static void doctor_fini(struct doctor *d)
{
	if (d->addresses)
		freeaddrinfo(d->addresses);
	SSL_CTX_free(d->tls);
	buf_fini(&d->cookie);
	buf_fini(&d->seen);
	buf_fini(&d->advice);
}

bool doctor_run(const struct doctor_config *config, size_t counts[DOCTOR_RESULTS], char *why, size_t why_size)
{
	struct doctor d = { .config = config, .cookie = BUF_INIT, .seen = BUF_INIT, .advice = BUF_INIT };

	memset(counts, 0, DOCTOR_RESULTS * sizeof(*counts));
	if (!doctor_url_read(config->url, &d.url, why, why_size))
		return false;
	if (d.url.secure && (d.tls = doctor_tls_new(config->ca_file, why, why_size)) == NULL)
		return false;
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		run_check(&d, &checks[i], counts);
	doctor_fini(&d);
	return true;
}
