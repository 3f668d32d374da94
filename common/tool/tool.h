/*
 * tool.h - stoa, the command: asks one gateway by its HTTP API (docs/http-api.md), or all servers through their Redis
 * (docs/emitting.md); the answer as a table or as JSON, and an exit code for scripts.
 *
 *	main.c          reads the command line, asks, shows
 *	tool_commands   the commands; tool_args the options; tool_help their help (and common/manual their man page)
 *	tool_request    the request's JSON
 *	tool_url        which gateway; tool_http asks it
 *	tool_show       the answer
 *	tool_redis      which Redis; what is told through it
 *	tool_redis_args an event's arguments and attachments
 *	tool_redis_list what is listed through it
 *	tool_watch      what passes through it; tool_watch_show a line of it
 *	tool_store      commands to Redis, one after the other, for:
 *	tool_brokers    who runs the application; tool_dead what was given up; tool_letter one of these
 *	tool_doctor     what common/doctor finds
 *	tool_text       text of others on a terminal
 *
 * A command runs once and ends: it waits, with a time limit. watch goes on until it is interrupted.
 */
#ifndef STOA_TOOL_H
#define STOA_TOOL_H

#include "arena.h"
#include "buf.h"
#include "stoa_value.h"

enum tool_exit {
	TOOL_DONE = 0,   /* acted upon somebody, or listed */
	TOOL_FAILED = 1, /* refused, or no answer */
	TOOL_USAGE = 2,  /* the command line is wrong: nothing was sent */
	TOOL_NOBODY = 3, /* all is well, and nobody was there */
	TOOL_PARTIAL = 4 /* some did not answer in time, or could not be acted upon; of doctor: warnings alone */
};

/* Texts of the command line, a NULL behind them. */
struct tool_list {
	const char **at;
	size_t count;
};

struct tool_command;

struct tool_args {
	const struct tool_command *command;
	const char *url, *key, *key_file, *namespace, *idempotency_key, *cursor;
	const char *app_name;
	const char *auth, *ca_file;
	const char *redis, *redis_key, *redis_ca_file, *redis_cert_file, *redis_key_file, *redis_server_name;
	int64_t timeout_ms, ack_ms, limit, count; /* limit 0: all, page by page; ack_ms 0: no acks; count 0: no end */
	struct tool_list to, except, words;       /* words: those without an option */
	struct tool_list attachments;
	bool json, broadcast, is_volatile, uncompressed, local, transport, text, all, requests, help, version, quick;
	bool is_redis; /* through Redis; otherwise of a gateway */
};

/* As bits, for the options that each takes. */
enum {
	TOOL_EMIT = 1,
	TOOL_ROOM = 2,
	TOOL_DISCONNECT = 4,
	TOOL_LIST = 8,
	TOOL_SOCKETS = 16,
	TOOL_COUNTS = 32,
	TOOL_SERVERS = 64,
	TOOL_NODES = 128,
	TOOL_WATCH = 256,
	TOOL_ROOMS = 512,
	TOOL_BROKERS = 1024,
	TOOL_DEAD = 2048,
	TOOL_DOCTOR = 4096
};

/* How a command, or an option, goes about it. */
enum { TOOL_HTTP = 1, TOOL_REDIS = 2, TOOL_EITHER = TOOL_HTTP | TOOL_REDIS, TOOL_ITSELF = 4, TOOL_EVERY = 7 };

struct tool_command {
	const char *name;
	unsigned bit, via;
	const char *words; /* as the help shows them */
	size_t min_words, max_words;
	const char *help;   /* one sentence */
	const char *result; /* the HTTP API's answer's member that counts clients, or lists */
	enum tool_exit (*run)(const struct tool_args *a); /* NULL: neither through Redis nor by itself */
};
extern const struct tool_command tool_commands[]; /* ended by one without a name */

/* False: it is wrong, which has been said on standard error. */
bool tool_args_read(struct tool_args *a, int argc, char **argv);
void tool_args_fini(struct tool_args *a);
void tool_args_help(const struct tool_args *a); /* on standard output, of the command if there is one */

struct tool_option {
	const char *name, *value; /* value NULL: a switch */
	int commands;
	unsigned via;
	bool (*read)(struct tool_args *a, const struct tool_option *o, const char *value);
	size_t offset;
	const char *help;
};
enum { TOOL_ANY = -1 };                         /* those that are for all, or all but a few, are below 0 */
extern const struct tool_option tool_options[]; /* ended by one without a name */

void tool_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The body for the command; false: a word is not JSON, or standard input cannot be read, which has been said. */
bool tool_request_write(const struct tool_args *a, struct buf *json);
/* An event's arguments alone, as items without brackets; false as above. */
bool tool_request_items(const struct tool_args *a, struct buf *items);

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

/* --- Through Redis ------------------------------------------------------------------------------------------------ */

enum tool_exit tool_redis_emit(const struct tool_args *a);
enum tool_exit tool_redis_servers(const struct tool_args *a);
enum tool_exit tool_redis_room(const struct tool_args *a);
enum tool_exit tool_redis_disconnect(const struct tool_args *a);
enum tool_exit tool_redis_rooms(const struct tool_args *a);
enum tool_exit tool_redis_sockets(const struct tool_args *a);
enum tool_exit tool_redis_nodes(const struct tool_args *a);
enum tool_exit tool_watch(const struct tool_args *a);
enum tool_exit tool_brokers(const struct tool_args *a);
enum tool_exit tool_dead(const struct tool_args *a);
enum tool_exit tool_doctor(const struct tool_args *a);

/* Options of Redis, from the command line or else from the environment; NULL: neither. */
const char *tool_redis_option(const char *given, const char *variable);

/* NULL: which has been said. */
struct stoa_emitter;
struct stoa_emitter_result;
struct stoa_emitter *tool_redis_open(const struct tool_args *a);
/* With what a command ends whose result this is; complains of a failure. */
enum tool_exit tool_redis_ended(const struct stoa_emitter_result *r);

/* Arguments as a JSON array, and the attachments in it, to be freed by tool_event_fini() in either case. False: has been
 * said. */
struct stoa_emitter_bytes;
struct tool_event {
	struct buf args; /* with a NUL */
	struct buf *files;
	struct stoa_emitter_bytes *attachments;
	size_t n_attachments;
};
bool tool_event_read(const struct tool_args *a, struct tool_event *event);
void tool_event_fini(struct tool_event *event);

/* --- Text of others ----------------------------------------------------------------------------------------------- */

void tool_write(struct slice s); /* as it is */
/* Clients may have chosen it: nothing in it drives a terminal. */
void tool_print(struct slice s);
/* The same, at most `max` characters of it, and then "..". */
void tool_print_short(struct slice s, size_t max);
void tool_print_padded(struct slice s, size_t width); /* two blanks behind it */

/* Of what answers hold; nothing, or 0, where it is something else. */
struct slice tool_text_of(struct stoa_value v);
int64_t tool_number_of(struct stoa_value v);
struct stoa_value tool_member(struct stoa_value v, const char *name);
/* The value as one line of JSON, binary as Node.js writes it: {"type":"Buffer","data":[..]}. Fine for terminals. */
void tool_add_json(struct buf *to, struct stoa_value v);
/* JSON as the emitter hands it over; `arena` holds it. */
struct stoa_emitter_answer;
struct stoa_value tool_answer_value(struct arena *arena, const struct stoa_emitter_answer *answer);

#endif
