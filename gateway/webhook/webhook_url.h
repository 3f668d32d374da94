/* webhook_url.h - where events are posted to: "https://app.example.com:8443/stoa?x=1". */
#ifndef STOA_WEBHOOK_URL_H
#define STOA_WEBHOOK_URL_H

#include <stdbool.h>
#include <stddef.h>

struct webhook_url {
	bool tls;
	int port;
	char *host;      /* without brackets */
	char *authority; /* for Host: */
	char *target;    /* path and query */
};

/* False: `why` says what is wrong, in one sentence. */
bool webhook_url_parse(const char *text, struct webhook_url *url, char *why, size_t why_size);
void webhook_url_free(struct webhook_url *url);

#endif
