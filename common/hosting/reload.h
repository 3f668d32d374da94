/*
 * reload.h - what asks for the application to be loaded anew: SIGHUP, and with the option `watch` a file that was
 * written or moved to its place. The folder is watched, not the file, which linkers remove and make anew.
 */
#ifndef STOA_HOSTING_RELOAD_H
#define STOA_HOSTING_RELOAD_H

#include "loop.h"

struct reload;

/* `wanted` is called from the loop, once for changes that follow each other closely. `file` NULL: SIGHUP alone. NULL:
 * `why` says what failed in one sentence. */
struct reload *reload_open(
	struct loop *loop, const char *file, void (*wanted)(void *ctx), void *ctx, char *why, size_t why_size);
void reload_close(struct reload *r); /* NULL is fine */

#endif
