/*
 * signature.h - how a webhook knows who calls: HMAC-SHA256 (RFC 2104) of the time, a dot and the body, with a secret that
 * both have; the time so that what somebody overheard cannot be played again later. Its form is that of others' webhooks.
 */
#ifndef STOA_WEBHOOK_SIGNATURE_H
#define STOA_WEBHOOK_SIGNATURE_H

#include "slice.h"

enum { SIGNATURE_SIZE = sizeof("sha256=") + 64 }; /* with a NUL */

/* "sha256=" and 64 hexadecimal digits, of "<timestamp>.<body>". False: no memory. */
bool signature_of(struct slice secret, const char *timestamp, struct slice body, char to[SIGNATURE_SIZE]);

#endif
