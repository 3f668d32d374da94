/*
 * trace.h - in a worker: what is still said when it dies. A signal that ends it, and SIGUSR2, with which the broker asks
 * for it, write the stack into the shared page; after the first the process dies of it as ever, after the second it stands
 * still until it is killed.
 */
#ifndef STOA_CREW_TRACE_H
#define STOA_CREW_TRACE_H

#include "page.h"

enum { TRACE_SIGNAL = 12 }; /* SIGUSR2 */

void trace_install(struct page *page);

#endif
