/* crew-crashing.c - an application whose setup crashes. */
#include "stoa.h"

#include <stdlib.h>

STOA_APP(app)
{
	(void)app;
	abort();
}
