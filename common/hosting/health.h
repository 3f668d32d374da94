/*
 * health.h - the flag --health: what a container's health check runs, beside the program and with its options.
 */
#ifndef STOA_HOSTING_HEALTH_H
#define STOA_HOSTING_HEALTH_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether the program that listens at `listen` (internal_listen; "host:port" or ":port"; NULL: there is none to ask)
 * answers GET /healthz with 200, within a few seconds. False: `why` in one sentence. Blocks.
 */
bool health_ask(const char *listen, char *why, size_t why_size);

#endif
