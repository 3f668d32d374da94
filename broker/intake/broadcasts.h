/*
 * broadcasts.h - what is still published of a batch whose gateway is gone: what concerned others than its sender. Pure: a batch
 * in, messages out.
 *
 * Emits to rooms, to all or to another client, and joins, leaves and disconnects of such, unless `local`; events for other
 * servers that want no answer. They are encoded as an emitter's (wire_classic.h), so that all gateways and Node servers carry
 * them out, in the order of the batch, on the channels that every server of the namespace hears: a room's own may not be
 * subscribed yet when a join of the same batch fills it. Acks, answers to asked calls, and what was for the sender, are nobody's
 * any more.
 */
#ifndef STOA_INTAKE_BROADCASTS_H
#define STOA_INTAKE_BROADCASTS_H

#include "records.h"

/* `publish` is called for each message, slices valid until it returns. How many effects could not be encoded. */
typedef void broadcasts_fn(void *to, struct slice channel, struct slice payload);
size_t broadcasts_of(const struct batch_record *b, enum value_encoding encoding, struct slice redis_key,
	struct arena *scratch, broadcasts_fn *publish, void *to);

#endif
