/* config_environment.c - the variables that begin with STOA_. */
#include "config_parts.h"

#include <stdio.h>

enum { NAME_ROOM = 128 };

/* Read elsewhere: the first two by the build's scripts, the last by config_read() before all others. */
static const char *const others[] = { "STOA_DEPS", "STOA_LWS_ROOT", "STOA_CONFIG", NULL };

/*
 * Kubernetes gives every container variables for each Service; a Service named `stoa` or `stoa-...` must not keep the
 * gateway from starting. They are STOA_SERVICE_HOST, STOA_SERVICE_PORT.., STOA_PORT and STOA_PORT_80_TCP..
 */
static bool is_of_kubernetes(const char *name, const char *value)
{
	return strstr(name, "_SERVICE_HOST") || strstr(name, "_SERVICE_PORT") || strstr(name, "_PORT_") ||
	       strncmp(value, "tcp://", 6) == 0 || strncmp(value, "udp://", 6) == 0;
}

static bool is_anothers(struct slice name, const char *value)
{
	char text[NAME_ROOM];

	for (const char *const *other = others; *other; other++)
		if (slice_equal(slice_str(*other), name))
			return true;
	snprintf(text, sizeof(text), "%.*s", SLICE_ARG(name));
	return is_of_kubernetes(text, value);
}

/* A name that does not fit is none of ours; what is left of it will do for the message. */
static struct slice lower(struct slice name, char to[NAME_ROOM])
{
	size_t n = name.size < NAME_ROOM ? name.size : NAME_ROOM;

	for (size_t i = 0; i < n; i++)
		to[i] = ascii_lower(name.at[i]);
	return slice_of(to, n);
}

/* An option; or STOA_APP_<NAME>, an application's, unless an option has all of that as its name (app_name). */
static bool read_variable(struct config_context *c, struct slice variable, const char *value)
{
	const struct slice app = SLICE("STOA_APP_"), prefix = SLICE("STOA_");
	struct config_place place = { .name = variable };
	struct config_match match;
	char text[NAME_ROOM];
	struct slice name;

	name = lower(slice_from(variable, prefix.size), text);
	if (config_find(c->table, name, &match))
		return config_assign(c, place, &match, value);
	if (slice_starts(variable, app))
		return config_pair(c, place, lower(slice_from(variable, app.size), text), value);
	return is_anothers(variable, value) || config_fail_unknown(c, place, name, NULL);
}

bool config_read_environment(struct config_context *c, char *const *environment)
{
	for (; environment && *environment; environment++) {
		struct slice entry = slice_str(*environment);
		size_t equals = slice_find(entry, '=');

		if (!slice_starts(entry, SLICE("STOA_")) || equals + 1 >= entry.size)
			continue; /* another's, or empty, which is unset */
		if (!read_variable(c, slice_first(entry, equals), entry.at + equals + 1))
			return false;
	}
	return true;
}

const char *config_variable(char *const *environment, const char *name)
{
	size_t size = strlen(name);

	for (; environment && *environment; environment++)
		if (strncmp(*environment, name, size) == 0 && (*environment)[size] == '=' && (*environment)[size + 1])
			return *environment + size + 1;
	return NULL;
}
