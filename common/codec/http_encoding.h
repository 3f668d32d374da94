/*
 * http_encoding.h - the content coding of an answer, by the request's Accept-Encoding (RFC 9110 12.5.3). Pure.
 *
 * Every line of the header is read. Weights count; among equal ones our order decides: br, gzip, deflate. An exact name
 * wins over `*`; of a name given twice the first counts; a weight that is none is 0. "identity" with a larger weight
 * than all we have is what the client prefers, and "identity;q=0" without anything else we have is answered with
 * identity all the same, as the reference does: there is nothing better to say.
 */
#ifndef STOA_CODEC_HTTP_ENCODING_H
#define STOA_CODEC_HTTP_ENCODING_H

#include "http1.h"

enum http_encoding { HTTP_IDENTITY, HTTP_BR = 1, HTTP_GZIP = 2, HTTP_DEFLATE = 4 };

/* The best of `offered`, an OR of the above; HTTP_IDENTITY: none. */
enum http_encoding http_encoding_choose(const struct http_head *head, unsigned offered);

/* "br", "gzip", "deflate"; NULL for HTTP_IDENTITY. */
const char *http_encoding_name(enum http_encoding e);

#endif
