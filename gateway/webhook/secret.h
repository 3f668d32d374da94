/* secret.h - the secret that events are signed with. */
#ifndef STOA_WEBHOOK_SECRET_H
#define STOA_WEBHOOK_SECRET_H

#include "gateway_options.h"

/* To be freed with secret_free(). NULL: `why` says what is wrong, in one sentence. */
char *secret_read(const struct gateway_options *options, char *why, size_t why_size);
void secret_free(char *secret);

#endif
