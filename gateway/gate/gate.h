/*
 * gate.h - who may ask the application to be let in: clients with a token that is good (common/jwt), where the options name a
 * key. What they prove is kept with them as their claims (client_claims()), and they are put out when it is over.
 *
 * It stands between a connection and the layer above (client_gate_ops), so it is the same for an application that is embedded,
 * behind brokers or a webhook, and none of them hears of who was refused.
 *
 * Time: `exp` and its kind are compared with the wall clock once, when a token is shown, and `exp` becomes a deadline of
 * the clock that timers have. A wall clock that is set later ends nobody's connection.
 *
 * Keys are handed in (gate_set_keys()). Where they come from a distance (gate_keys_ops), a token of a key that is not
 * known has them asked for, and its client waits meanwhile, for as long as that takes. It is then judged by what is there.
 */
#ifndef STOA_GATE_GATE_H
#define STOA_GATE_GATE_H

#include "client.h"
#include "gateway_options.h"
#include "jwt.h"

struct gate;

struct gate_keys_ops {
	/* Asks for newer keys. True: gate_set_keys() or gate_keep_keys() is going to be called, never from inside. */
	bool (*fetch)(void *ctx, int64_t now_ms);
};

/* On `clients`, before the first session. Options and clients outlive it. It has no keys, and refuses everybody. */
struct gate *gate_new(const struct gateway_options *o, struct clients *clients, int64_t (*wall_ms)(void));
void gate_free(struct gate *g); /* when all sessions have ended; NULL is fine */
void gate_set_source(struct gate *g, const struct gate_keys_ops *ops, void *ctx);

/* Takes them over. Who waits is judged by them. */
void gate_set_keys(struct gate *g, struct jwt_keys *keys, int64_t now_ms);
/* There are no newer ones: who waits is judged by the old ones. */
void gate_keep_keys(struct gate *g, int64_t now_ms);
bool gate_has_keys(const struct gate *g);

/* gate_keys.c: the keys of the options' files and texts. NULL: `why` says what is wrong, in one sentence. */
struct jwt_keys *gate_read_keys(const struct gateway_options *o, char *why, size_t why_size);

#endif
