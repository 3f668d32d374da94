/*
 * compress.h - polling answers compressed with gzip or deflate (RFC 1950, 1952; "deflate" is zlib's format, as HTTP
 * has it).
 *
 * One compressor serves all connections, one answer at a time, so the memory is that of one: about 270 KB for each of
 * the two codings once it was used, and the last answer's bytes up to 256 KB. What a peer can make it cost is
 * time: about 60 us for an answer of some KB, about 5 ms for one of 1 MB, on the loop.
 */
#ifndef STOA_EDGE_COMPRESS_H
#define STOA_EDGE_COMPRESS_H

#include "http_encoding.h"

struct compressor;

struct compressor *compressor_new(void);
void compressor_free(struct compressor *c); /* NULL is fine */

/* HTTP_GZIP or HTTP_DEFLATE. *out is valid until the next call. False: there was no memory, or nothing is gained; the
 * answer goes out as it is. */
bool compressor_run(struct compressor *c, enum http_encoding coding, struct slice in, struct slice *out);

#endif
