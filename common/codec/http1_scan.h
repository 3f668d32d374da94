/*
 * http1_scan.h - the bytes of a head, each looked at once, whatever the pieces in which they come: what may not stand in a
 * head at all is refused, and the ends of lines are found. For http1_head.c alone, which understands the lines.
 */
#ifndef STOA_CODEC_HTTP1_SCAN_H
#define STOA_CODEC_HTTP1_SCAN_H

#include "http1.h"

struct http_scan {
	size_t start;  /* of the request line: behind an empty line when there is one */
	size_t at;     /* everything before this may stand in a head */
	bool new_line; /* a line ended among the bytes that are new */
	bool whole;    /* the head ends at `at` */
	bool bad;      /* the byte at `at` is refused: */
	struct http_refusal why;
};

/* Goes on at s->at, to the end of the head, of what is there, or to what is refused. */
void http_scan(struct slice in, const struct http_limits *limits, struct http_scan *s);

#endif
