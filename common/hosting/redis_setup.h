/*
 * redis_setup.h - what the options say of Redis, and what this process is called in it.
 */
#ifndef STOA_HOSTING_REDIS_SETUP_H
#define STOA_HOSTING_REDIS_SETUP_H

#include "gateway_options.h"
#include "redis.h"

enum { GATEWAY_NAME_MAX = 299 };

/* Borrows from the options; redis_url_fini(&r->url) when done. 0, or -1 and one sentence in `why`. */
int redis_setup_read(const struct gateway_options *o, struct redis_config *r, char *why, size_t why_size);
/* What people call this process: node_name, or HOST#PID in `buf` of GATEWAY_NAME_MAX + 1. */
const char *redis_setup_node_name(const struct gateway_options *o, char *buf);

#endif
