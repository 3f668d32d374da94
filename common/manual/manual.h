/*
 * manual.h - man pages and completions of the shells, from the tables that the programs read their command lines by.
 *
 *	main.c       which text is asked for, by the name of its file
 *	mdoc.c       text as mdoc(7)
 *	daemon.c     stoa-gateway(8), stoa-broker(8)
 *	file.c       stoa.conf(5)
 *	command.c    stoa(1)
 *	words.c      an option of either table as completions see it
 *	bash.c, zsh.c, fish.c
 */
#ifndef STOA_MANUAL_MANUAL_H
#define STOA_MANUAL_MANUAL_H

#include "config.h"
#include "tool.h"

/* --- Pages */

void mdoc_head(struct buf *to, const char *name, int section, const char *summary);
/* Appends a line of text: what would be a request or an escape is none. `full_stop`: one stands behind it. */
void mdoc_text(struct buf *to, const char *text, bool full_stop);
/* Appends text for the inside of a line. */
void mdoc_add(struct buf *to, const char *text);
void mdoc_exit(struct buf *to, const char *code, const char *meaning);

void daemon_page(struct buf *to, const struct config_table *table);
void file_page(struct buf *to, const struct config_table *const tables[2]);
void command_page(struct buf *to);

/* --- Completions */

enum word_values { WORD_NONE, WORD_FILE, WORD_DIR, WORD_CHOICE, WORD_OTHER };

/* A flag as it is written, without value: "--log-level". */
struct word {
	char flag[80];
	const char *help;
	enum word_values values;
	const char *const *choices; /* of WORD_CHOICE; ended by NULL */
};

/* Of a daemon: its options, --no-.. of booleans, and the flags that are no options. Each is handed to `each`. */
void words_of_daemon(
	const struct config_table *table, void (*each)(struct buf *to, const struct word *w), struct buf *to);
/* Of the command `c`; NULL: those of all commands together. */
void words_of_command(const struct tool_command *c, void (*each)(struct buf *to, const struct word *w), struct buf *to);

void bash_daemon(struct buf *to, const struct config_table *table);
void bash_command(struct buf *to);
void zsh_daemon(struct buf *to, const struct config_table *table);
void zsh_command(struct buf *to);
void fish_daemon(struct buf *to, const struct config_table *table);
void fish_command(struct buf *to);

#endif
