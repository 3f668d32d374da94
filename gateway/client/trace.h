/*
 * trace.h - packets as they pass (option `debug`), one line of level debug each: its text cut after TRACE_BYTES,
 * attachments as their sizes, MessagePack as JSON, control characters escaped by the log. What goes to many is one line, not one for each.
 *
 *	packet-in conn=<session> data="2[\"join\",{\"room\":\"r\"}]"
 *	packet-out to=<client> data="2[\"said\",\"hello\"]"
 *	packet-out to=r,s nsp=/ clients=17 data=.. binary=4096
 *
 * Whoever calls asks first whether packets are to be shown, so that nothing here costs anything when they are not.
 */
#ifndef STOA_CLIENT_TRACE_H
#define STOA_CLIENT_TRACE_H

#include "frame.h"

enum { TRACE_BYTES = 1000 };

/* `packet`: data that is binary is a packet of MessagePack, not an attachment. */
void trace_in(const char *session, bool binary, bool packet, struct slice data);
void trace_out(const char *client, const struct frame *f);
/* `to`: rooms, or "*" for everybody. */
void trace_broadcast(struct slice to, const char *nsp, size_t clients, const struct frame *f);

#endif
