/*
 * clock.h - the one source of time. Milliseconds that only go forward; what they count from has no meaning. Layers
 * that take time as an argument get it from here through the loop, or from a test that makes it up.
 */
#ifndef STOA_BASE_CLOCK_H
#define STOA_BASE_CLOCK_H

#include <stdint.h>

int64_t clock_now_ms(void);  /* CLOCK_MONOTONIC */
int64_t clock_wall_ms(void); /* since 1970, for logs and HTTP dates only */

#endif
