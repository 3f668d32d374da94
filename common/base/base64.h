/* base64.h - RFC 4648 section 4, with padding, as Engine.IO's polling carries binary. */
#ifndef STOA_BASE_BASE64_H
#define STOA_BASE_BASE64_H

#include "buf.h"

void base64_encode(struct buf *to, struct slice data); /* appends; see buf.h for failure */

/*
 * Decodes into `to`, which has room for text.size / 4 * 3 + 3 bytes; `to` may be text.at. Returns the number of
 * bytes. Never fails, as the reference's decoder never does (protocol: Buffer.from(text, "base64")): characters
 * outside both alphabets are passed over, '-' and '_' count as '+' and '/', '=' ends it, a lone last character gives
 * nothing.
 */
size_t base64_decode(char *to, struct slice text);

#endif
