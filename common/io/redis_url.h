/*
 * redis_url.h - where a Redis is and how to log in, from one URL.
 *
 *	redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]      TCP, port 6379
 *	rediss://...                                          the same over TLS
 *	unix://[[USER]:PASSWORD@]/PATH/TO/SOCKET[?db=DATABASE]
 *
 * HOST is a name, an IPv4 address, or an IPv6 address in brackets. USER is an ACL user of Redis 6; without one the
 * password is that of `requirepass`. USER, PASSWORD and PATH are percent-decoded; a password's own @ : / ? # % must be
 * written so (@ is %40). Everything else is refused, not guessed at.
 *
 * The scheme names are those registered with IANA (redis, rediss) and those of redis-py (unix).
 */
#ifndef STOA_IO_REDIS_URL_H
#define STOA_IO_REDIS_URL_H

#include "buf.h"

enum { REDIS_PORT = 6379, REDIS_DATABASE_MAX = 1000000, REDIS_URL_MAX = 8192 };

struct redis_url {
	bool tls;
	char *host;     /* without brackets; NULL: a unix socket */
	char *path;     /* of a unix socket; NULL: TCP */
	char *user;     /* NULL: none */
	char *password; /* NULL: none, then there is no user either */
	int port, database;
};

/* NULL, or one sentence that says what is wrong and never holds any part of the URL. `url` is freed by redis_url_fini()
 * in either case. */
const char *redis_url_parse(const char *text, struct redis_url *url);
void redis_url_fini(struct redis_url *url); /* wipes the password; url is zeroed */

/* Appends the URL as it may be shown: redis://user:***@host:6379/0. */
void redis_url_print(const struct redis_url *url, struct buf *to);

#endif
