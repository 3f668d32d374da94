/* tls.c - see tls.h. */
#include "tls.h"

#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "log.h"
#include "metrics.h"
#include "random.h"
#include "tls_internal.h"

const char *tls_words(void)
{
	unsigned long code = ERR_peek_last_error();
	const char *text = code ? ERR_reason_error_string(code) : NULL;

	ERR_clear_error();
	return text ? text : "no reason given";
}

/* --- Certificates ------------------------------------------------------------------------------------------------- */

static void put_in_force(struct tls *t, const struct tls_certs *certs)
{
	tls_certs_free(&t->certs);
	t->certs = *certs;
	metrics_set(M_TLS_EXPIRES, certs->expires_s);
}

static bool load(struct tls *t, char *why, size_t why_size)
{
	struct tls_certs certs;

	tls_certs_look(t->config.options, t->stamps);
	if (!tls_certs_load(&certs, t->config.options, t, why, why_size))
		return false;
	put_in_force(t, &certs);
	return true;
}

void tls_reload(struct tls *t)
{
	char why[512];

	if (load(t, why, sizeof(why))) {
		metrics_count(M_TLS_LOADS);
		log_info("tls-certificates-loaded", LOG_I("count", t->certs.count),
			LOG_I("days_left", (t->certs.expires_s - time(NULL)) / (24 * 60 * 60)));
	} else {
		metrics_count(M_TLS_LOADS_FAILED);
		log_error("tls-certificates-not-loaded", LOG_S("why", why), LOG_S("in_force", "those before"));
	}
}

static void look_later(struct tls *t);

/* Who writes the files may be between two of them: what is not good yet changes once more. */
static void look(struct timer *timer, int64_t now_ms)
{
	struct tls *t = (struct tls *)(void *)((char *)timer - offsetof(struct tls, look));

	(void)now_ms;
	if (tls_certs_look(t->config.options, t->stamps))
		tls_reload(t);
	look_later(t);
}

static void look_later(struct tls *t)
{
	int64_t interval_ms = t->config.options->tls_reload_interval_ms;

	if (interval_ms > 0)
		timer_set(&t->config.loop->timers, &t->look, look, loop_now(t->config.loop) + interval_ms);
}

bool tls_check(const struct gateway_options *o, char *why, size_t why_size)
{
	struct tls_certs certs;

	if (o->tls_listen == NULL)
		return true;
	if (!tls_certs_load(&certs, o, NULL, why, why_size))
		return false;
	tls_certs_free(&certs);
	return true;
}

/* --- Connections -------------------------------------------------------------------------------------------------- */

void tls_accept(struct tls *t, int fd, const struct net_address *peer)
{
	int64_t count;

	if (t->handshakes < (size_t)t->config.options->max_tls_handshakes) {
		tls_conn_open(t, fd, peer);
		return;
	}
	metrics_count(M_LIMIT_TLS_HANDSHAKES);
	metrics_count(M_TLS_REFUSED);
	if (sample_take(&t->refused, loop_now(t->config.loop), &count))
		log_warn("limit passed", LOG_S("limit", "max_tls_handshakes"), LOG_I("count", count));
	close(fd);
}

void tls_stop_handshakes(struct tls *t)
{
	struct tls_conn *c, *next;

	for (c = TAILQ_FIRST(&t->conns); c; c = next) {
		next = TAILQ_NEXT(c, link);
		if (c->state == TLS_SHAKING)
			tls_conn_close(c);
	}
}

size_t tls_handshakes(const struct tls *t)
{
	return t->handshakes;
}

size_t tls_connections(const struct tls *t)
{
	return t->count;
}

/* --- Life --------------------------------------------------------------------------------------------------------- */

/* Workers of one port have been given one seed. It is wiped: who has it has the keys of all hours since. */
static void seed_tickets(struct tls *t)
{
	struct gateway_options *o = (struct gateway_options *)(uintptr_t)t->config.options;
	unsigned char own[GATEWAY_TLS_SEED_SIZE];

	if (o->tls_seeded_ms > 0) {
		tls_tickets_init(&t->tickets, o->tls_seed, o->tls_seeded_ms);
		OPENSSL_cleanse(o->tls_seed, sizeof(o->tls_seed));
		o->tls_seeded_ms = 0;
		return;
	}
	random_bytes(own, sizeof(own));
	tls_tickets_init(&t->tickets, own, clock_now_ms());
	OPENSSL_cleanse(own, sizeof(own));
}

struct tls *tls_open(const struct tls_config *config, char *why, size_t why_size)
{
	struct tls *t = must_alloc(sizeof(*t));

	t->config = *config;
	TAILQ_INIT(&t->conns);
	seed_tickets(t);
	if (!load(t, why, why_size)) {
		tls_free(t);
		return NULL;
	}
	look_later(t);
	return t;
}

void tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	while (!TAILQ_EMPTY(&t->conns))
		tls_conn_close(TAILQ_FIRST(&t->conns));
	timer_stop(&t->config.loop->timers, &t->look);
	tls_certs_free(&t->certs);
	OPENSSL_cleanse(&t->tickets, sizeof(t->tickets));
	OPENSSL_cleanse(t->scratch, sizeof(t->scratch));
	free(t);
}
