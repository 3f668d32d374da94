/*
 * dispatch_internal.h - what the files of dispatch share.
 *
 *	dispatch.c        events in
 *	embedded.c        the application in this process
 *	effects_run.c     effects out, on this process's clients
 *	effects_remote.c  and on those of others
 */
#ifndef STOA_DISPATCH_INTERNAL_H
#define STOA_DISPATCH_INTERNAL_H

#include "dispatch.h"

void effects_run(struct dispatch *d, const struct effect *first);

/* effects_remote.c. `self`: the sender's id, when it is left out; else NULL. */
bool remote_concerns(const struct dispatch *d, const struct effect_target *to);
/* Whether the bus brings it back to our own clients as well, in the order of all. */
bool remote_orders(const struct dispatch *d, const struct effect_target *to);
bool remote_emit(struct dispatch *d, const struct effect *e, const char *self, bool ordered); /* false: it is not out */
void remote_change(struct dispatch *d, const struct effect *e, const char *self); /* JOIN, LEAVE, DISCONNECT */
/* CALL, FETCH, SERVERS: asks them; the application hears how many answers to expect, `here` being those of this process. */
void remote_ask(struct dispatch *d, const struct effect *e, size_t here, const char *self);
void remote_client_answer(struct dispatch *d, int64_t now_ms, uint64_t call, const struct sio_packet *p,
	const struct slice *blobs, size_t n_blobs);
void remote_server_answer(struct dispatch *d, const struct effect *e);

#endif
