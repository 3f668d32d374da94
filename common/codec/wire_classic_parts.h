/* wire_classic_parts.h - what broadcasts, requests and answers share; private to wire_*.c. */
#ifndef STOA_CODEC_WIRE_CLASSIC_PARTS_H
#define STOA_CODEC_WIRE_CLASSIC_PARTS_H

#include "wire_classic.h"

/* {rooms, except, flags} in any of the forms that decoders take. */
const char *wire_opts_decode(
	struct arena *arena, struct stoa_value v, const struct wire_rules *rules, struct wire_opts *opts);

/* {type, data, nsp} of an event. */
const char *wire_packet_decode(struct stoa_value packet, struct stoa_value *data, struct slice *nsp);

/* The options to be encoded: rooms and except; with flags behind them; or between them, as emitters have it. */
enum wire_opts_form { WIRE_OPTS_PLAIN, WIRE_OPTS_WHOLE, WIRE_OPTS_EMITTER };
struct wire_opts_value {
	struct wire_object opts, flags; /* flags is a member of opts */
};
/* Without memory, a part of it is VALUE_BROKEN, which no encoder takes. */
void wire_opts_put(
	struct arena *arena, const struct wire_opts *opts, enum wire_opts_form form, struct wire_opts_value *v);
void wire_packet_put(struct stoa_value data, struct slice nsp, struct wire_object *packet);

bool wire_opts_can_be_sent(const struct wire_opts *opts);
bool wire_nsp_can_be_sent(struct slice nsp);
bool wire_uid_can_be_sent(struct slice uid);

#endif
