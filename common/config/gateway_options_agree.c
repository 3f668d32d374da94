/* gateway_options_agree.c - what options say together. See gateway_options.h. */
#include <stdio.h>
#include <stdlib.h>

#include "gateway_options.h"

enum { PORT_MAX = 65535 };

static int64_t port_of(const char *address)
{
	return strtol(strrchr(address, ':') + 1, NULL, 10);
}

void gateway_options_address(const char *address, int64_t steps, char *to, size_t size)
{
	int64_t port = port_of(address);

	snprintf(to, size, "%.*s:%lld", (int)(strrchr(address, ':') - address), address,
		(long long)(port ? port + steps : 0));
}

static bool takes_polling(const struct gateway_options *o)
{
	for (size_t i = 0; i < o->transports.count; i++)
		if (strcmp(o->transports.at[i], "polling") == 0)
			return true;
	return false;
}

/* Worker N takes the port that is N further. */
static bool ports_suffice(const struct gateway_options *o, const char *name, const char *address, struct buf *why)
{
	if (address == NULL || port_of(address) + o->workers - 1 <= PORT_MAX)
		return true;
	buf_printf(why, "%s = %s: with workers = %lld the last of them would have port %lld", name, address,
		(long long)o->workers, (long long)(port_of(address) + o->workers - 1));
	return false;
}

static bool workers_agree(const struct gateway_options *o, struct buf *why)
{
	if (o->workers == 1)
		return true;
	if (o->redis_url == NULL) {
		buf_printf(why,
			"workers = %lld needs redis_url: each worker is a gateway of its own, and rooms span them "
			"through Redis",
			(long long)o->workers);
		return false;
	}
	if (o->internal_listen == NULL && takes_polling(o)) {
		buf_printf(why,
			"workers = %lld needs internal_listen, where workers bring each other requests of polling "
			"clients; or transports = websocket",
			(long long)o->workers);
		return false;
	}
	return ports_suffice(o, "internal_listen", o->internal_listen, why) &&
	       ports_suffice(o, "node_address", o->node_address, why);
}

static bool webhook_agrees(const struct gateway_options *o, struct buf *why)
{
	if (o->dispatch != DISPATCH_WEBHOOK) {
		if (o->webhook_url)
			buf_printf(why, "webhook_url is set, and events do not go there without dispatch = webhook");
	} else if (o->webhook_url == NULL) {
		buf_printf(why, "dispatch = webhook needs webhook_url, where events are posted");
	} else if (o->webhook_secret == NULL && o->webhook_secret_file == NULL) {
		buf_printf(why, "dispatch = webhook needs webhook_secret_file: the application knows by it who posts");
	} else if (o->webhook_secret && o->webhook_secret_file) {
		buf_printf(why, "webhook_secret and webhook_secret_file are both set; one of them is the secret");
	} else if (o->parser != 0) {
		buf_printf(why, "dispatch = webhook needs parser = default: what is posted is JSON");
	}
	return why->size == 0;
}

static bool dispatch_agrees(const struct gateway_options *o, struct buf *why)
{
	if (o->dispatch == DISPATCH_EMBEDDED)
		return true;
	if (o->app || o->watch) {
		buf_printf(why, "%s is for dispatch = embedded: elsewhere, who runs the application loads it",
			o->app ? "app" : "watch");
		return false;
	}
	if (o->dispatch == DISPATCH_BROKER && o->redis_url == NULL) {
		buf_printf(why, "dispatch = broker needs redis_url: events go to brokers by way of Redis");
		return false;
	}
	return true;
}

static bool tokens_agree(const struct gateway_options *o, struct buf *why)
{
	if (o->jwt_key && o->jwt_key_file)
		buf_printf(why, "jwt_key and jwt_key_file are both set; one of them is the secret");
	else if (!gateway_options_ask_tokens(o) && (o->jwt_issuer.set || o->jwt_audience.set || o->jwt_algorithms.set))
		buf_printf(why,
			"jwt_issuer, jwt_audience and jwt_algorithms need a key: without one no token is asked for");
	return why->size == 0;
}

static bool tls_agrees(const struct gateway_options *o, struct buf *why)
{
	size_t certs = o->tls_cert_file.count, keys = o->tls_key_file.count;

	if (o->tls_listen == NULL) {
		if (certs || keys || o->https_redirect)
			buf_printf(why, "%s is set, and without tls_listen nobody speaks TLS",
				certs  ? "tls_cert_file"
				: keys ? "tls_key_file"
				       : "https_redirect");
	} else if (certs == 0 || keys == 0) {
		buf_printf(why, "tls_listen needs tls_cert_file and tls_key_file");
	} else if (certs != keys) {
		buf_printf(why,
			"tls_cert_file names %zu files and tls_key_file %zu; each certificate has a key, in the same "
			"order",
			certs, keys);
	}
	return why->size == 0;
}

bool gateway_options_agree(const struct gateway_options *o, struct buf *why)
{
	return tls_agrees(o, why) && workers_agree(o, why) && dispatch_agrees(o, why) && webhook_agrees(o, why) &&
	       tokens_agree(o, why);
}
