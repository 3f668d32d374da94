/* files_client.c - the client's bundle (protocol.md 2.14); see files.h. */
#include "files_internal.h"

#include <unistd.h>

#define CLIENT_ETAG "\"4.8.4\"" /* the release; the reference's is the same whatever the coding */

static const char *const names[] = { "socket.io.js", "socket.io.js.map", "socket.io.min.js", "socket.io.min.js.map",
	"socket.io.esm.min.js", "socket.io.esm.min.js.map", "socket.io.msgpack.min.js",
	"socket.io.msgpack.min.js.map" };

static void answer(
	struct http_conn *c, const struct http_head *head, struct file *f, const char *name, struct slice headers)
{
	struct buf lines = BUF_INIT;
	bool same = files_etag_matches(http_header_get(head, "If-None-Match"), SLICE(CLIENT_ETAG));

	buf_add_str(&lines, "Cache-Control: public, max-age=0\r\nETag: " CLIENT_ETAG "\r\n");
	buf_add_slice(&lines, headers);
	file_answer(c, f, same, slice_str(name), &lines);
	buf_fini(&lines);
}

static void serve(struct http_conn *c, const struct http_head *head, int dir, const char *name, struct slice headers)
{
	struct file f;
	int error = file_open(dir, name, head, HTTP_BR | HTTP_GZIP | HTTP_DEFLATE, &f);

	if (error) {
		file_answer_failed(c, error, headers);
	} else if (!S_ISREG(f.plain.st_mode)) {
		close(f.fd);
		file_answer_status(c, 404, headers);
	} else {
		answer(c, head, &f, name, headers);
	}
}

bool files_serve_client(
	struct http_conn *c, const struct http_head *head, int dir, struct slice name, struct slice headers)
{
	if (dir < 0 || name.size == 0) /* which most requests are for */
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!slice_equal(name, slice_str(names[i])))
			continue;
		serve(c, head, dir, names[i], headers);
		return true;
	}
	return false;
}
