/* A pointer to something of the application's is no value. */
#include <stoa.h>

int h(struct stoa_event *ev, struct stoa_app *app);
int h(struct stoa_event *ev, struct stoa_app *app)
{
	return stoa_emit(ev, "x", stoa_object("user", app));
}
