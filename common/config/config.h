/*
 * config.h - options: one table from which the file, the environment, the flags, --help, --check-config,
 * --print-config and the documentation all come.
 *
 * A row names an option once, in lower case with underscores ("ping_interval"). It is read, later wins, from: its
 * default; the file (`ping_interval = 25s`, in the program's section or none; [app] holds the application's own); the
 * environment (STOA_PING_INTERVAL); the flag (--ping-interval 25s or --ping-interval=25s). Aliases are the names that
 * Node and Flask-SocketIO use, in their units; they are accepted in the file and as flags (--pingInterval 25000), and
 * those without capitals in the environment too, whose names have no case. Where an alias would be the same word as
 * the option itself, the option's rule holds: a unit is needed.
 *
 * Durations and sizes need a unit: `300ms`, `25s`, `10m`, `2h`; `512B`, `64KB`, `1MB`, `1MiB` (KB is 1000 bytes). A
 * bare number is an error that says so. Booleans are true/false, yes/no, on/off, 1/0; a flag may leave the value out,
 * and --no-NAME is false. Lists are separated by commas; lines of one file that name the same list add to it. An empty
 * text is no text: `public =` takes back what an earlier source said. An empty list is one that was given.
 *
 * The environment: an empty variable is an unset one. STOA_APP_<NAME> is the application's option <name>. Every other
 * variable that begins with STOA_ must be an option, except those of the build's scripts and those that Kubernetes
 * adds for a Service named `stoa` (STOA_PORT_.., STOA_SERVICE_..).
 *
 * The file: `name = value` lines, [sections], comments that begin a line with # or ; or follow a value after a blank
 * and ;. A line has at most 198 bytes. Indentation means nothing.
 *
 * Built-in flags: --config FILE (STOA_CONFIG), --set NAME=VALUE, --help, --version, --health, --check-config,
 * --print-config.
 *
 * Every error is one sentence that names the place (file:line, variable or flag), the option, what came and what was
 * expected; an unknown option also names the nearest one, when one is near.
 *
 * Called once, before the loop starts: it reads files and aborts when there is no memory. Nothing here is kept; the
 * table, argv and the environment may change afterwards.
 */
#ifndef STOA_CONFIG_CONFIG_H
#define STOA_CONFIG_CONFIG_H

#include "buf.h"

enum config_type {
	CONFIG_BOOL,     /* bool */
	CONFIG_INT,      /* int64_t */
	CONFIG_DURATION, /* int64_t, milliseconds */
	CONFIG_SIZE,     /* int64_t, bytes */
	CONFIG_TEXT,     /* char *, owned; NULL when unset */
	CONFIG_LIST,     /* struct config_list, owned */
	CONFIG_CHOICE    /* int: index into `choices` */
};

struct config_list {
	char **at; /* ended by NULL; NULL when empty */
	size_t count;
	bool set; /* given, if only as an empty list */
};

enum config_alias_unit {
	ALIAS_SAME,
	ALIAS_MS,
	ALIAS_SECONDS,
	ALIAS_BYTES,
	ALIAS_PATH /* a URL path that may come without its first slash */
};

struct config_alias {
	const char *name;            /* as it is written there: "pingInterval" */
	enum config_alias_unit unit; /* of a bare number under that name */
};

struct config_option {
	const char *name;
	enum config_type type;
	size_t offset;              /* of the field in the options' struct */
	const char *otherwise;      /* the default, as one would write it; NULL: unset */
	int64_t min, max;           /* of INT, DURATION, SIZE; of a LIST's number of items; both 0: no bounds */
	const char *const *choices; /* of CHOICE, and of a LIST's items; ended by NULL */
	const char *(*check)(
		const char *text); /* of TEXT and a LIST's items: NULL, or what is wrong, to follow the value */
	const char *value;         /* what --help calls the value: "DURATION", "FILE", .. */
	const char *help;          /* one sentence, no full stop */
	bool secret;               /* --print-config does not show it */
	const char *group;         /* the heading above this row; NULL: the row belongs to the one before */
	struct config_alias aliases[3];
};

struct config_table {
	const char *program;                 /* "stoa-gateway" */
	const char *section;                 /* "gateway": the file's section */
	const char *summary;                 /* one sentence, no full stop: --help's first line */
	const struct config_option *options; /* ended by a row without name; in --help's order */
};

/* The flags that are no options: "--config FILE" and what it does. Ended by one without a flag. */
struct config_builtin {
	const char *flag, *help;
};
extern const struct config_builtin config_builtins[];

/* What the command line asked for. */
enum config_action { CONFIG_RUN, CONFIG_HELP, CONFIG_VERSION, CONFIG_HEALTH, CONFIG_CHECK, CONFIG_PRINT, CONFIG_ERROR };

/* A name=value pair of the application's own, from [app], STOA_APP_<NAME> and --set name=value. */
struct config_pair {
	char *name, *value;
};
struct config_pairs {
	struct config_pair *at;
	size_t count;
};

/*
 * Reads all sources into `into` (zeroed by the caller, laid out as the table says) and `pairs` (zeroed). --config FILE
 * (or STOA_CONFIG) names the file. On CONFIG_ERROR `message` holds the error, one line, without the program's name; on
 * CONFIG_HELP the help text, on CONFIG_PRINT the effective options as a file that can be read back (what a file cannot
 * hold is a comment that says so). --help and --version win over what is wrong after them and read no other source.
 * What was allocated is freed by config_free() in every case.
 */
enum config_action config_read(const struct config_table *table, int argc, char *const *argv, char *const *environment,
	void *into, struct config_pairs *pairs, struct buf *message);
void config_free(const struct config_table *table, void *options, struct config_pairs *pairs);

/* Appends the option reference as Markdown (docs/options.md is this text; a test compares). */
void config_reference(const struct config_table *table, struct buf *to);

/* units.c: the same text, shortest form, for messages and --print-config. */
void config_format_duration(int64_t ms, struct buf *to);
void config_format_size(int64_t bytes, struct buf *to);

/* units.c: "25s" -> 25000, "1MB" -> 1000000. NULL, or what is wrong: a static text to follow the value in a message. Only whole
 * numbers: 1500ms, not 1.5s. */
const char *config_parse_duration(const char *text, int64_t *ms);
const char *config_parse_size(const char *text, int64_t *bytes);

#endif
