/*
 * streams_sim.h - a Redis that is made up: streams.h for up to STREAMS_SIM_PORTS gateways and brokers of one process, on a
 * clock that the caller moves, with delays drawn from a seed. No sockets. It answers as streams_redis does: the tests of
 * tests/unit/bus/streams_cases.h run against both.
 *
 *	struct streams_sim *sim = streams_sim_new(seed);
 *	struct streams *s = streams_sim_open(sim, &events, ctx);
 *	streams_sim_run(sim, now_ms);     up() has been called
 *	s->ops->add(s, ..);
 *	streams_sim_run(sim, now_ms);     what is due arrives, in order: with max_delay_ms 0 (the default) everything
 *
 * What is asked goes to the server, is done there and answered, each way with a delay. Keys' leases run out, and reads end,
 * by the clock of streams_sim_run().
 */
#ifndef STOA_TESTS_STREAMS_SIM_H
#define STOA_TESTS_STREAMS_SIM_H

#include "streams.h"

enum { STREAMS_SIM_PORTS = 40 };
#define STREAMS_SIM_WALL_MS INT64_C(1700000000000) /* ids begin with this + now_ms, as Redis's do with its clock */

struct streams_sim;

struct streams_sim *streams_sim_new(uint64_t seed);
void streams_sim_free(struct streams_sim *sim);                        /* all ports are closed */
void streams_sim_set_delay(struct streams_sim *sim, int max_delay_ms); /* from 0 to this, each way */

/* Not linked yet: it links itself within a delay, by streams_sim_run(). */
struct streams *streams_sim_open(struct streams_sim *sim, const struct streams_events *events, void *ctx);
void streams_sim_close(
	struct streams *s); /* its process ended: nothing is called any more; what was sent still arrives */

int64_t streams_sim_next_ms(const struct streams_sim *sim); /* INT64_MAX: nothing is on its way */
void streams_sim_run(struct streams_sim *sim, int64_t now_ms);
int64_t streams_sim_now_ms(const struct streams_sim *sim);

/* --- Faults ------------------------------------------------------------------------------------------------------- */

/* What becomes of what is on its way to the server when a link breaks. */
enum streams_sim_sent {
	SIM_SENT_LOST, /* none of it is done */
	SIM_SENT_SOME, /* a beginning of it is done */
	SIM_SENT_DONE  /* all of it is done; and a read() that waits there still takes entries until its time is over */
};
/* The port's link breaks; it is back after for_ms. down() is called at once. */
void streams_sim_cut(struct streams *s, int64_t for_ms, enum streams_sim_sent sent);
/* The port's process stands still: for so long it hears nothing of what arrives; what it had sent goes on. */
void streams_sim_hold(struct streams *s, int64_t for_ms);
/* The next `count` things asked there are refused with -ENOBUFS. */
void streams_sim_refuse(struct streams *s, unsigned count);
/* The server is at its maxmemory, or not any more: what would write is answered -EPROTO. */
void streams_sim_fill(struct streams_sim *sim, bool is_full);
/* The server ends and is back after for_ms, having forgotten everything or nothing. */
void streams_sim_restart(struct streams_sim *sim, int64_t for_ms, bool forgets);

/* --- Looking inside, and doing, at once --------------------------------------------------------------------------- */

size_t streams_sim_length(const struct streams_sim *sim, struct slice stream);
size_t streams_sim_pending(const struct streams_sim *sim, struct slice stream);
/* Entry number i, from the oldest; false: there is none. `record` is its first field's value. */
bool streams_sim_entry(const struct streams_sim *sim, struct slice stream, size_t i, struct slice *record);
/* The value of a field of entry i; false: no entry, no field. */
bool streams_sim_note(
	const struct streams_sim *sim, struct slice stream, size_t i, struct slice name, struct slice *value);
bool streams_sim_key(struct streams_sim *sim, struct slice key, struct slice *value);
bool streams_sim_field(const struct streams_sim *sim, struct slice hash, struct slice field, struct slice *value);
size_t streams_sim_fields(const struct streams_sim *sim, struct slice hash);
bool streams_sim_field_at(
	const struct streams_sim *sim, struct slice hash, size_t i, struct slice *field); /* its name */
/* Is told all that is published, on any channel. */
void streams_sim_overhear(
	struct streams_sim *sim, void (*heard)(void *ctx, struct slice channel, struct slice payload), void *ctx);
size_t streams_sim_publish(struct streams_sim *sim, struct slice channel, struct slice payload); /* how many hear it */
void streams_sim_drop_key(struct streams_sim *sim, struct slice key); /* of a lease: it has run out */

#endif
