/* utf8.h - RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef STOA_BASE_UTF8_H
#define STOA_BASE_UTF8_H

#include "buf.h"

bool utf8_valid(struct slice s);

/* Appends s with every invalid sequence replaced by U+FFFD, in the way browsers and Node do (WHATWG: one per maximal
 * valid prefix). */
void utf8_mend(struct buf *to, struct slice s);

#endif
