/* config.c - the order in which the sources are read. See config.h. */
#include "config_parts.h"

#include <stdlib.h>

static bool assign_defaults(struct config_context *c)
{
	const struct config_place place = { .name = SLICE("default") };

	for (const struct config_option *o = c->table->options; o->name; o++) {
		struct config_match match = { .option = o };

		if (o->otherwise && !config_assign(c, place, &match, o->otherwise))
			return false;
	}
	return true;
}

static bool read_named_file(struct config_context *c, const struct config_flags *flags, char *const *environment)
{
	struct config_place from = { .name = SLICE("--config") };
	const char *path = flags->file;

	if (path == NULL) {
		from.name = SLICE("STOA_CONFIG");
		path = config_variable(environment, "STOA_CONFIG");
	}
	return path == NULL || path[0] == '\0' || config_read_file(c, from, path);
}

static bool read_sources(struct config_context *c, const struct config_flags *flags, char *const *environment)
{
	return assign_defaults(c) && read_named_file(c, flags, environment) &&
	       config_read_environment(c, environment) && config_flags_assign(c, flags);
}

static enum config_action act(struct config_context *c, const struct config_flags *flags, char *const *environment)
{
	switch (flags->action) {
	case CONFIG_HELP:
		config_help(c->table, c->message);
		return CONFIG_HELP;
	case CONFIG_VERSION:
		return CONFIG_VERSION;
	case CONFIG_RUN:
	case CONFIG_HEALTH:
	case CONFIG_CHECK:
	case CONFIG_PRINT:
	case CONFIG_ERROR:
		break;
	}
	if (!read_sources(c, flags, environment))
		return CONFIG_ERROR;
	if (flags->action == CONFIG_PRINT)
		config_print(c, c->message);
	return flags->action;
}

enum config_action config_read(const struct config_table *table, int argc, char *const *argv, char *const *environment,
	void *into, struct config_pairs *pairs, struct buf *message)
{
	struct config_context c = { table, into, pairs, message };
	struct config_flags flags;
	enum config_action action = CONFIG_ERROR;

	buf_clear(message);
	if (config_flags_parse(&c, argc, argv, &flags))
		action = act(&c, &flags, environment);
	free(flags.settings);
	return action;
}

void config_free(const struct config_table *table, void *options, struct config_pairs *pairs)
{
	for (const struct config_option *o = table->options; o->name; o++)
		config_clear(o, options);
	for (size_t i = 0; i < pairs->count; i++) {
		free(pairs->at[i].name);
		free(pairs->at[i].value);
	}
	free(pairs->at);
	*pairs = (struct config_pairs){ 0 };
}
