/*
 * jsonp.h - Engine.IO over <script> and <form>, for browsers without XMLHttpRequest: what wraps a polling payload (of
 * either protocol) in both directions. As engine.io's polling-jsonp.ts does it.
 */
#ifndef STOA_CODEC_JSONP_H
#define STOA_CODEC_JSONP_H

#include "buf.h"

/* The index of a callback, `j` of the query: 1 to 9 digits. False: anything else, which must not get into a script. */
bool jsonp_index(struct slice text, uint32_t *index);

/* Appends ___eio[index]("payload as a JavaScript string"); - JSON, U+2028 and U+2029 escaped as well. The payload is
 * UTF-8. -EINVAL: it is not; -ENOMEM. */
int jsonp_wrap(struct buf *to, uint32_t index, struct slice payload);

/* Appends the payload that a form's body (d=..) holds: decoded, \n made a newline, \\n made \n, invalid UTF-8 mended.
 * False: `d` is not there, or not once, which the reference passes over in silence; or no memory (to->failed). */
bool jsonp_unwrap(struct buf *to, struct slice body);

#endif
