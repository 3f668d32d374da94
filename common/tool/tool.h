/*
 * tool.h - stoa, the command: one request to a gateway's HTTP API (docs/http-api.md), its answer as a table or as it
 * came, and an exit code for scripts.
 *
 *	main.c          reads the command line, asks, shows
 *	tool_args       the options
 *	tool_request    the request's JSON
 *	tool_url        which gateway; tool_http asks it
 *	tool_show       the answer
 *
 * A command runs once and ends: sockets block, with a time limit.
 */
#ifndef STOA_TOOL_H
#define STOA_TOOL_H

#include "buf.h"

enum tool_exit {
	TOOL_DONE = 0,   /* acted upon somebody, or listed */
	TOOL_FAILED = 1, /* refused, or no answer */
	TOOL_USAGE = 2,  /* the command line is wrong: nothing was sent */
	TOOL_NOBODY = 3, /* all is well, and nobody was there */
};

/* Texts of the command line. */
struct tool_list {
	const char **at;
	size_t count;
};

struct tool_command;

struct tool_args {
	const struct tool_command *command;
	const char *url, *key, *key_file, *namespace, *idempotency_key, *cursor;
	int64_t timeout_ms, limit;          /* limit 0: all, page by page */
	struct tool_list to, except, words; /* words: those without an option */
	bool json, broadcast, is_volatile, local, transport, text, help, version;
};

/* As bits, for the options that each takes. */
enum { TOOL_EMIT = 1, TOOL_ROOM = 2, TOOL_DISCONNECT = 4, TOOL_LIST = 8, TOOL_SOCKETS = 16, TOOL_COUNTS = 32 };

struct tool_command {
	const char *name;
	unsigned bit;
	const char *words; /* as the help shows them */
	size_t min_words, max_words;
	const char *help;   /* one sentence */
	const char *result; /* the answer's member that counts clients, or lists */
};
extern const struct tool_command tool_commands[]; /* ended by one without a name */

/* False: it is wrong, which has been said on standard error. */
bool tool_args_read(struct tool_args *a, int argc, char **argv);
void tool_args_fini(struct tool_args *a);
void tool_args_help(const struct tool_args *a); /* on standard output, of the command if there is one */
void tool_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The body for the command; false: a word is not JSON, or standard input cannot be read, which has been said. */
bool tool_request_write(const struct tool_args *a, struct buf *json);

struct tool_url {
	char host[256], port[8], path[256];
};
bool tool_url_read(const char *text, struct tool_url *url);
/* Without --url: where the gateway's own option in the environment says, or its usual place. */
const char *tool_url_default(void);
/* --key, --key-file, STOA_API_KEY, STOA_API_KEY_FILE, in this order; NULL: none, which has been said. */
const char *tool_key(const struct tool_args *a);

struct tool_answer {
	int status;
	struct buf body;
};
/* POSTs. False: no answer, which has been said. */
bool tool_http_post(const struct tool_url *url, const char *path, const struct tool_args *a, const char *key,
	struct slice body, struct tool_answer *answer);

/* Shows the answer and says with what the program ends. *next: where the next page begins, to be freed; NULL: this was
 * the last. */
enum tool_exit tool_show(const struct tool_args *a, const struct tool_answer *answer, bool first_page, char **next);

#endif
