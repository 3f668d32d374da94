/*
 * doctor.h - looks at a Socket.IO server as its clients see it, through whatever stands between, and names what is wrong.
 *
 * It speaks as stock clients do (protocol.md): polling, each request on a connection of its own, and WebSocket. Whose server it
 * is does not matter. It emits nothing; what it opens it closes again. What comes from the other side is bounded (64 KiB of a
 * head, 4 MiB of a body or message), and every wait has its time.
 *
 * It waits where it stands: for a command that does nothing else.
 */
#ifndef STOA_DOCTOR_DOCTOR_H
#define STOA_DOCTOR_DOCTOR_H

#include <stdbool.h>

#include "slice.h"

enum doctor_result { DOCTOR_OK, DOCTOR_WARN, DOCTOR_FAIL, DOCTOR_SKIP, DOCTOR_RESULTS };

/* What one check came to. The texts end with the call; they may hold what the other side said, bytes of any kind. */
struct doctor_finding {
	const char *check;
	enum doctor_result result;
	struct slice seen;
	struct slice advice; /* what to change; empty: nothing. Lines */
};

struct doctor_config {
	const char *url;       /* http, https, ws or wss; without a path /socket.io/ is meant */
	const char *namespace; /* NULL: "/" */
	const char *auth;      /* JSON that CONNECT carries; NULL: none */
	const char *ca_file;   /* NULL: what the system trusts */
	int64_t timeout_ms;    /* of each answer */
	bool quick;            /* without the wait for a ping */
	void (*found)(void *to, const struct doctor_finding *f);
	/* Once a second while it waits for something that takes long. */
	void (*waits)(void *to, const char *what, int64_t seconds, int64_t of_seconds);
	void *to;
};

/* How many came to what. False: the URL, or the file, cannot be used, and `why` says so in one sentence; nothing was sent. */
bool doctor_run(const struct doctor_config *config, size_t counts[DOCTOR_RESULTS], char *why, size_t why_size);

#endif
