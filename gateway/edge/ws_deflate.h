/*
 * ws_deflate.h - permessage-deflate of a process: who gets it, in which form frames are sent, what comes inflated.
 * One deflater and one inflater serve all connections, since nothing is kept between messages (deflate.h).
 */
#ifndef STOA_EDGE_WS_DEFLATE_H
#define STOA_EDGE_WS_DEFLATE_H

#include "deflate.h"
#include "gateway_options.h"
#include "http1.h"
#include "out.h"

struct ws_deflate;

/* NULL: no memory. Also when the option is off: then nobody gets it. */
struct ws_deflate *ws_deflate_new(const struct gateway_options *options);
void ws_deflate_free(struct ws_deflate *d); /* NULL is fine */

/* What becomes of a client's offers: the form for its frames, which lives as long as `d`, and the line for the 101
 * appended to `lines`. NULL: no compression, nothing is appended. */
const struct out_form *ws_deflate_agree(struct ws_deflate *d, const struct http_head *head, struct buf *lines);

/* The payload of a message with RSV1; see inflate_message(). */
enum inflated ws_deflate_inflate(struct ws_deflate *d, struct slice payload, struct slice *whole_r);

#endif
