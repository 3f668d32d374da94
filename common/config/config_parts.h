/*
 * config_parts.h - what the files of config/ share; nobody else includes it.
 *
 * Every source (config_file.c, config_environment.c, config_flags.c) does the same three things for each setting it
 * finds: config_find() the name, config_assign() the value, config_pair() what is the application's. All three report
 * through config_fail(), so the first error stands in the message and `false` runs up to config_read().
 */
#ifndef STOA_CONFIG_PARTS_H
#define STOA_CONFIG_PARTS_H

#include "config.h"

/* One config_read() under way; owns nothing. */
struct config_context {
	const struct config_table *table;
	void *into;
	struct config_pairs *pairs;
	struct buf *message;
};

/* Where a setting stands, for messages: "--listen", "STOA_LISTEN", or a file's path and its line. */
struct config_place {
	struct slice name;
	unsigned line; /* 0: none */
};

/* A name, looked up. */
struct config_match {
	const struct config_option *option;
	const struct config_alias *alias; /* under which it was found; NULL: its own name */
	bool more;                        /* a LIST is added to instead of replaced */
};

/* config_message.c. Writes "place: " and the rest, unless a message is there already. Always false. */
bool config_fail(struct config_context *c, struct config_place place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Appends text from outside for a message: control characters escaped, cut when long. Quoted: in "..". */
void config_add_foreign(struct buf *to, struct slice text);
void config_add_quoted(struct buf *to, struct slice text);

/* config_names.c */
bool config_find(const struct config_table *table, struct slice name, struct config_match *match);

/* The error for a name that config_find() does not know. `others` (NULL, or ended by NULL) are known here as well. */
bool config_fail_unknown(
	struct config_context *c, struct config_place place, struct slice name, const char *const *others);

/* The flag of an option: "--ping-interval". */
void config_add_flag(struct buf *to, const char *name);

/* config_value.c */
bool config_assign(
	struct config_context *c, struct config_place place, const struct config_match *match, const char *value);
bool config_parse_bool(const char *text, bool *value);
void config_format(const struct config_option *o, const void *options, struct buf *to); /* the field as text */
void config_format_number(const struct config_option *o, int64_t n, struct buf *to);
void config_clear(const struct config_option *o, void *options); /* frees the field's value */

/* The field of o in the options' struct, whose type the row names. */
static inline void *config_field(const struct config_option *o, void *options)
{
	return (char *)options + o->offset;
}
static inline const void *config_field_of(const struct config_option *o, const void *options)
{
	return (const char *)options + o->offset;
}

/* config_pairs.c: sets a pair of the application's; a later value replaces an earlier one. */
bool config_pair(struct config_context *c, struct config_place place, struct slice name, const char *value);

/* config_file.c: `from` is who named the file, for the message when it cannot be read. */
bool config_read_file(struct config_context *c, struct config_place from, const char *path);

/* config_environment.c. Its value of a variable, NULL when it is unset or empty. */
bool config_read_environment(struct config_context *c, char *const *environment);
const char *config_variable(char *const *environment, const char *name);

/* config_flags.c: the command line, looked up but not yet assigned. `settings` is owned; the rest points into argv. */
struct config_setting {
	struct config_match match; /* no option: a pair of the application's */
	struct config_place place;
	struct slice pair; /* the pair's name */
	const char *value;
};
struct config_flags {
	enum config_action action;
	const char *file; /* NULL: --config was not given; "": no file, whatever the environment says */
	struct config_setting *settings;
	size_t count;
};
bool config_flags_parse(struct config_context *c, int argc, char *const *argv, struct config_flags *flags);
bool config_flags_assign(struct config_context *c, const struct config_flags *flags);

/* config_help.c, config_print.c */
void config_help(const struct config_table *table, struct buf *to);
void config_print(const struct config_context *c, struct buf *to);

#endif
