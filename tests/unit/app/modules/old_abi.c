/* old_abi.c - built for another version of the interface. */
#include <stoa.h>

#undef STOA_ABI
#define STOA_ABI 99

STOA_APP(app)
{
	stoa_abort(app, "never runs");
}
