/* dispatch_internal.h - what dispatch.c (events in) and effects_run.c (effects out) share. */
#ifndef STOA_DISPATCH_INTERNAL_H
#define STOA_DISPATCH_INTERNAL_H

#include "dispatch.h"

void effects_run(void *ctx, const struct effect *first); /* app_port.execute */

#endif
