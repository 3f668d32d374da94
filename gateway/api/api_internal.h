/*
 * api_internal.h - what the files of the API share.
 *
 *	api.c       a request: key, path, method, type; the answer and its status
 *	api_batch   one object, or several
 *	api_fields  an object's members into a struct api_call, checked by one table
 *	api_emit, api_actions, api_list     the operations
 *	api_remote  what of them others are told
 */
#ifndef STOA_API_INTERNAL_H
#define STOA_API_INTERNAL_H

#include "api.h"
#include "api_remember.h"
#include "arena.h"
#include "client.h"
#include "sample.h"

struct api {
	const struct gateway_options *options;
	struct hub *hub;
	struct cluster *cluster; /* NULL: there are no others */
	char *key;               /* NULL: the API is off */
	struct remembered_answers answers;
	struct arena arena; /* of the request in hand */
	struct sample wrong_keys;
};

struct api_names {
	struct slice *at; /* in the arena */
	size_t count, cap;
	bool given;
};

/* Why a call was refused. Texts live in the arena, or for ever. */
struct api_error {
	int status;
	const char *message;
	const char *field; /* NULL: it is about the whole */
};

/* One operation asked for: what its object said. Slices point into the body or the arena. */
struct api_call {
	struct api *api;
	const struct api_operation *operation;
	int64_t now_ms;
	struct api_error error;

	struct slice namespace;
	struct api_names to, rooms, except; /* `room` and `rooms` are one list */
	bool broadcast, is_volatile, local, transport;

	struct slice event;                   /* its JSON token, checked */
	struct slice args, data, attachments; /* JSON; empty: not given */

	struct slice cursor;
	int64_t limit;
};

/* As bits, for the fields that each takes. */
enum {
	OP_EMIT = 1,
	OP_JOIN = 2,
	OP_LEAVE = 4,
	OP_DISCONNECT = 8,
	OP_ROOMS = 16,
	OP_SOCKETS = 32,
	OP_NAMESPACES = 64,
	OP_COUNTS = 128,
	OP_ACTS = OP_EMIT | OP_JOIN | OP_LEAVE | OP_DISCONNECT,
};

struct api_operation {
	const char *name;
	unsigned bit;
	/* Does it and appends the answer's object. False: c->error says why, and what was appended counts for nothing. */
	bool (*run)(struct api_call *c, struct buf *answer);
};

/* Fills c->error; always false. The text is cut at 299 bytes. */
bool api_fail(struct api_call *c, int status, const char *field, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
bool api_no_memory(struct api_call *c);

/* api_fields.c: the members of `object`, JSON text that was checked, into c; false: c->error. */
bool api_read_fields(struct api_call *c, struct slice object);

/* api_query.c: the same object out of a GET's query, appended to `json`; false: c->error. */
bool api_read_query(struct api_call *c, struct slice query, struct buf *json);

/* api_batch.c: does what a body asks for. The status; *answer is its JSON. */
int api_run(
	struct api *a, const struct api_operation *operation, int64_t now_ms, struct slice body, struct buf *answer);
int api_run_query(
	struct api *a, const struct api_operation *operation, int64_t now_ms, struct slice query, struct buf *answer);
/* Appends {"error":{..}}; index -1: not of a batch. */
void api_put_error(struct buf *to, const struct api_error *e, int64_t index);

/* Whom c is about. The action's form fails unless it was said. */
bool api_target_said(struct api_call *c, const struct api_names *rooms, struct hub_target *t);
struct hub_target api_target(const struct api_call *c, const struct api_names *rooms);

/* Tell the other processes, unless the call says `local`; append "published" to the answer's object. */
void api_tell_emit(
	struct api_call *c, struct slice payload, const struct slice *blobs, size_t n_blobs, struct buf *answer);
void api_tell_rooms(struct api_call *c, bool join, struct buf *answer);
void api_tell_disconnect(struct api_call *c, struct buf *answer);

bool api_emit(struct api_call *c, struct buf *answer);
bool api_join(struct api_call *c, struct buf *answer);
bool api_leave(struct api_call *c, struct buf *answer);
bool api_disconnect(struct api_call *c, struct buf *answer);
bool api_rooms(struct api_call *c, struct buf *answer);
bool api_sockets(struct api_call *c, struct buf *answer);
bool api_namespaces(struct api_call *c, struct buf *answer);
bool api_counts(struct api_call *c, struct buf *answer);

#endif
