/*
 * files.h - files over HTTP: the public folder's pages and the client's bundle.
 *
 * A path is decoded once and taken apart: no empty segment, none that begins with a dot (so no "..", no hidden file)
 * but /.well-known/, which is for all to see (RFC 8615),
 * no NUL, no control character, no backslash. The segments are opened one by one below the folder, never through a
 * symbolic link, and only regular files are sent. So no request names what is not in the folder, whatever its encoding
 * and whoever changes links meanwhile.
 *
 * Where NAME.br or NAME.gz lies beside NAME and is not older, and the request's Accept-Encoding takes it, its bytes are
 * sent, with NAME's type and an ETag of their own. Nothing is compressed while it is served. There are no ranges: a
 * request for one gets the whole file, as RFC 9110 14.2 allows.
 */
#ifndef STOA_EDGE_FILES_H
#define STOA_EDGE_FILES_H

#include "http_conn.h"

/* A folder to serve from: a descriptor, or -errno. The folder itself may be a symbolic link. */
int files_open(const char *dir);

/* Appends the path relative to the folder, with a NUL behind it: "a/b.html"; "" for the folder itself. False: refused.
 * A slash at the end stays one ("a/"). */
bool files_resolve(struct slice path, struct buf *to);

/* Whether an If-None-Match (a list, `*`, weak or strong; .at NULL: none) names `etag`. */
bool files_etag_matches(struct slice if_none_match, struct slice etag);

/* The Content-Type that a name's ending tells. */
const char *files_type(struct slice name);

/* Answers a request for a page; dir -1: there is no folder, and all are 404. */
void files_serve(struct http_conn *c, const struct http_head *head, int dir);

/* Answers a request for `name` if that is a file of the client's bundle (protocol: any method). False: it is not.
 * `headers` are lines for the answer. */
bool files_serve_client(
	struct http_conn *c, const struct http_head *head, int dir, struct slice name, struct slice headers);

#endif
