/* api_key.h - the API's bearer key. */
#ifndef STOA_API_KEY_H
#define STOA_API_KEY_H

#include "gateway_options.h"
#include "slice.h"

/* The key of the options, to be freed; NULL when there is none. False: `why` says what is wrong, in one sentence. */
bool api_key_read(const struct gateway_options *options, char **key, char *why, size_t why_size);

/* Whether an Authorization header's value carries the key. Takes the same time for every wrong key of its length. */
bool api_key_matches(const char *key, struct slice authorization);

#endif
