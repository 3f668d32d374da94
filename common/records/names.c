/* names.c - what things are called in Redis. */
#include "records.h"

const char records_group[] = "stoa";
const char records_field[] = "e";

static void name_of(struct buf *to, const char *what, const char *app)
{
	buf_printf(to, "stoa:%s:%s", what, app);
}

static void numbered(struct buf *to, const char *what, const char *app, unsigned n)
{
	buf_printf(to, "stoa:%s:%s:%u", what, app, n);
}

static void named(struct buf *to, const char *what, const char *app, struct slice id)
{
	buf_printf(to, "stoa:%s:%s:", what, app);
	buf_add_slice(to, id);
}

void name_events(struct buf *to, const char *app, unsigned partition)
{
	numbered(to, "events", app, partition);
}

void name_clients(struct buf *to, const char *app, unsigned partition)
{
	numbered(to, "clients", app, partition);
}

void name_lease(struct buf *to, const char *app, unsigned partition)
{
	numbered(to, "lease", app, partition);
}

void name_dead(struct buf *to, const char *app)
{
	name_of(to, "dead", app);
}

void name_app(struct buf *to, const char *app)
{
	name_of(to, "app", app);
}

void name_broker(struct buf *to, const char *app, struct slice id)
{
	named(to, "broker", app, id);
}

void name_brokers(struct buf *to, const char *app)
{
	name_of(to, "brokers", app);
}

void name_gateways(struct buf *to, const char *app)
{
	name_of(to, "gateways", app);
}

void name_gateway(struct buf *to, const char *app, struct slice id)
{
	named(to, "gateway", app, id);
}

void name_batches(struct buf *to, const char *app, struct slice node)
{
	named(to, "batches", app, node);
}

static bool fits_app_name(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
	       c == '-';
}

bool app_name_ok(const char *app)
{
	size_t size = app ? strlen(app) : 0;

	for (size_t i = 0; i < size; i++)
		if (!fits_app_name(app[i]))
			return false;
	return size > 0 && size <= APP_NAME_MAX;
}
