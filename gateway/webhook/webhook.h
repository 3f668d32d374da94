/*
 * webhook.h - the carrier (gateway/remote/carrier.h) that POSTs each event to a URL, signed, and takes the answer for its
 * batch. What is posted is the event's record (records.h), always with its client's state; docs/webhooks.md is the same
 * for those who write the other side.
 *
 * An attempt that reaches nobody, gets no answer in time, or is answered with 429 or 5xx is made again, with a growing
 * pause, webhook_attempts in all. After webhook_breaker_failures of these in a row, of whatever events, nobody is asked for
 * webhook_breaker_rest: events are refused at once, but for disconnects, which wait; then one is tried. Other answers but
 * 2xx are the application's own no: the event has failed.
 */
#ifndef STOA_WEBHOOK_WEBHOOK_H
#define STOA_WEBHOOK_WEBHOOK_H

#include "gateway_options.h"
#include "loop.h"

struct remote;
struct webhook;

/* Whether the options say enough; `why` says what is missing, in one sentence. */
struct webhook *webhook_open(
	const struct gateway_options *options, struct loop *loop, struct remote *remote, char *why, size_t why_size);
/* Events are taken from here on. */
void webhook_start(struct webhook *w, int64_t now_ms);
/* For /readyz: NULL, or why nothing is posted now. */
const char *webhook_trouble(const struct webhook *w);
/* What is under way is given up without a word. The remote is asked nothing, and asks nothing any more. NULL is fine. */
void webhook_close(struct webhook *w);

#endif
