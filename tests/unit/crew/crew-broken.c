/* crew-broken.c - an application that gives up. */
#include "stoa.h"

STOA_APP(app)
{
	stoa_abort(app, "it is broken");
}
