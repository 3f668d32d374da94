/* gate_internal.h - what the files of gateway/gate share. See gate.h. */
#ifndef STOA_GATE_GATE_INTERNAL_H
#define STOA_GATE_GATE_INTERNAL_H

#include <sys/queue.h>

#include "gate.h"
#include "metrics.h"

/* What is kept with a client; freed with it. */
struct pass {
	struct client_pass shown; /* first */
	struct gate *gate;
	struct client *client;
	TAILQ_ENTRY(pass) in_waiting;
	bool waits;         /* for keys, as its client does */
	bool warned;        /* token_expiring was sent */
	struct timer timer; /* the next of the two that are due */
	int64_t expires_ms; /* by the clock of timers, without leeway; INT64_MAX: never */
	struct slice issuer, subject;
	char copied[]; /* claims, issuer NUL subject */
};
TAILQ_HEAD(pass_list, pass);

struct gate {
	const struct gateway_options *options;
	struct clients *clients;
	int64_t (*wall_ms)(void);
	struct jwt_keys *keys; /* NULL: none yet */
	const struct gate_keys_ops *source;
	void *source_ctx;
	struct jwt_rules rules;
	struct buf refresh_event; /* its name in the parser's encoding; empty: there is none */
	struct buf name;          /* of the token in an auth object: a JSON token */
	struct arena arena;       /* of what is in hand */
	struct pass_list waiting;
};

/* What became of a token. Those that jwt_verify() finds, and ours. */
enum verdict {
	TOKEN_MISSING = JWT_FAULTS,
	TOKEN_TOO_LARGE,
	TOKEN_UNCHECKED, /* there are no keys to check it with */
	TOKEN_SUBJECT,   /* of a refresh: it is somebody else's */
	TOKEN_AGAIN,     /* of a refresh: its key is being asked for */
	VERDICTS
};

/* gate_token.c. JWT_OK, TOKEN_MISSING or TOKEN_TOO_LARGE. `token` is the client's, or in the arena. */
unsigned gate_find_token(struct gate *g, const struct client *c, struct slice *token);
struct slice gate_without_bearer(struct slice token);
bool gate_asks_in(const struct gate *g, struct slice nsp);

/* gate.c */
unsigned gate_judge(struct gate *g, struct slice token, struct jwt_claims *claims);
struct pass *gate_pass_new(struct gate *g, struct client *c, const struct jwt_claims *claims, int64_t now_ms);

/* gate_refuse.c: counts it, and tells the client. */
void gate_refuse(struct gate *g, struct client *c, unsigned verdict);
void gate_refuse_refresh(struct gate *g, struct client *c, const struct sio_packet *asked, unsigned verdict);
void gate_ack(struct gate *g, struct client *c, const struct sio_packet *asked, const char *json);
void gate_tell(struct gate *g, struct client *c, const char *json); /* an event: ["name",..] */

/* gate_expiry.c */
void gate_watch(struct pass *p, int64_t now_ms); /* sets its timer */
bool gate_event(void *ctx, struct client *c, int64_t now_ms, const struct sio_packet *packet);

#endif
