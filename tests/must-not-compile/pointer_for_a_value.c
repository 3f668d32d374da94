/* Of pointers to void only NULL is a value. */
#include <stoa.h>

int h(struct stoa_event *ev, void *ctx);
int h(struct stoa_event *ev, void *ctx)
{
	return stoa_emit(ev, "x", ctx);
}
