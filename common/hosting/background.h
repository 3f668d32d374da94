/*
 * background.h - threads for one application's background tasks (app_threads), and the loop woken by them.
 *
 * Each application has its own: one that is replaced is told to end while the next one begins.
 */
#ifndef STOA_HOSTING_BACKGROUND_H
#define STOA_HOSTING_BACKGROUND_H

#include "app.h"
#include "gateway_options.h"
#include "notify.h"

struct background;

/* `notify` is sent to when the application wants app_tick(); it outlives this. */
struct background *background_new(const struct gateway_options *o, struct notify *notify);
const struct app_threads *background_threads(struct background *b);
/* After app_free(). False: some work has not ended, and nothing was freed, since it may use all of it. NULL is fine. */
bool background_free(struct background *b);

#endif
