/* files.c - see files.h. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "metrics.h"

#define CLIENT_ETAG "\"4.8.4\""

static const struct {
	const char *ending, *type;
} types[] = {
	{ ".html", "text/html; charset=utf-8" },
	{ ".htm", "text/html; charset=utf-8" },
	{ ".js", "application/javascript; charset=utf-8" },
	{ ".mjs", "application/javascript; charset=utf-8" },
	{ ".css", "text/css; charset=utf-8" },
	{ ".json", "application/json; charset=utf-8" },
	{ ".map", "application/json; charset=utf-8" },
	{ ".webmanifest", "application/manifest+json; charset=utf-8" },
	{ ".txt", "text/plain; charset=utf-8" },
	{ ".md", "text/markdown; charset=utf-8" },
	{ ".csv", "text/csv; charset=utf-8" },
	{ ".xml", "text/xml; charset=utf-8" },
	{ ".svg", "image/svg+xml; charset=utf-8" },
	{ ".png", "image/png" },
	{ ".jpg", "image/jpeg" },
	{ ".jpeg", "image/jpeg" },
	{ ".gif", "image/gif" },
	{ ".webp", "image/webp" },
	{ ".avif", "image/avif" },
	{ ".ico", "image/vnd.microsoft.icon" },
	{ ".woff", "font/woff" },
	{ ".woff2", "font/woff2" },
	{ ".ttf", "font/ttf" },
	{ ".otf", "font/otf" },
	{ ".wasm", "application/wasm" },
	{ ".pdf", "application/pdf" },
	{ ".zip", "application/zip" },
	{ ".gz", "application/gzip" },
	{ ".mp3", "audio/mpeg" },
	{ ".ogg", "audio/ogg" },
	{ ".wav", "audio/wav" },
	{ ".mp4", "video/mp4" },
	{ ".webm", "video/webm" },
};

static const char *const client_files[] = { "socket.io.js", "socket.io.js.map", "socket.io.min.js",
	"socket.io.min.js.map", "socket.io.esm.min.js", "socket.io.esm.min.js.map", "socket.io.msgpack.min.js",
	"socket.io.msgpack.min.js.map" };

int files_open(const char *dir)
{
	int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

const char *files_type(struct slice name)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct slice ending = slice_str(types[i].ending);

		if (name.size > ending.size && slice_equal_nocase(slice_from(name, name.size - ending.size), ending))
			return types[i].type;
	}
	return "application/octet-stream";
}

/* --- What is asked for --------------------------------------------------------------------------------------- */

static bool is_plain_segment(struct slice s)
{
	if (s.size == 0 || s.at[0] == '.')
		return false;
	for (size_t i = 0; i < s.size; i++)
		if ((unsigned char)s.at[i] < 0x20 || s.at[i] == 0x7f || s.at[i] == '\\')
			return false;
	return true;
}

bool files_resolve(struct slice path, struct buf *to)
{
	size_t from = to->size;
	struct slice left;

	if (path.size == 0 || path.at[0] != '/' || http_unescape(to, slice_from(path, 1), false) < 0)
		return false;
	left = slice_of(to->at + from, to->size - from);
	while (left.size) {
		size_t end = slice_find(left, '/');

		if (!is_plain_segment(slice_first(left, end)))
			return false;
		left = slice_from(left, end < left.size ? end + 1 : end);
	}
	buf_add_char(to, '\0');
	return !to->failed;
}

static struct slice trim(struct slice s)
{
	while (s.size && (s.at[0] == ' ' || s.at[0] == '\t'))
		s = slice_from(s, 1);
	while (s.size && (s.at[s.size - 1] == ' ' || s.at[s.size - 1] == '\t'))
		s.size--;
	return s;
}

/* Our tags hold no comma, so one inside a foreign tag only makes pieces that match nothing. */
bool files_etag_matches(struct slice if_none_match, struct slice etag)
{
	while (if_none_match.size) {
		size_t end = slice_find(if_none_match, ',');
		struct slice tag = trim(slice_first(if_none_match, end));

		if (slice_starts(tag, SLICE("W/")))
			tag = slice_from(tag, 2);
		if (slice_equal(tag, etag) || slice_equal(tag, SLICE("*")))
			return true;
		if_none_match = slice_from(if_none_match, end < if_none_match.size ? end + 1 : end);
	}
	return false;
}

/* --- Opening ------------------------------------------------------------------------------------------------- */

/* O_NONBLOCK: a FIFO in the folder must not hold the process. */
static int open_below(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);

	return fd < 0 ? -errno : fd;
}

static int open_folder(int dir, const char *name)
{
	int fd = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Opens a resolved path segment by segment; `path` is cut up. -errno: it is not there, or not to be had. */
static int open_path(int dir, char *path)
{
	int at = dir, next;
	char *slash;

	while (at >= 0 && (slash = strchr(path, '/'))) {
		*slash = '\0';
		next = open_folder(at, path);
		if (at != dir)
			close(at);
		at = next;
		path = slash + 1;
	}
	if (at < 0)
		return at;
	next = open_below(at, path[0] ? path : "index.html");
	if (at != dir)
		close(at);
	return next;
}

/* --- Answering ----------------------------------------------------------------------------------------------- */

static void answer_text(struct http_conn *c, int status, struct slice headers)
{
	http_conn_answer(c, &(struct http_answer){ .status = status,
				    .type = "text/plain; charset=utf-8",
				    .headers = headers,
				    .body = slice_str(http_status_text(status)) });
}

/* Without a descriptor to open it with the file may well be there. */
static void answer_failed(struct http_conn *c, int error, struct slice headers)
{
	answer_text(c, error == -EMFILE || error == -ENFILE ? 503 : 404, headers);
}

static void answer_moved(struct http_conn *c, const struct http_head *head)
{
	struct buf headers = BUF_INIT;

	buf_add_str(&headers, "Location: ");
	buf_add_slice(&headers, head->path);
	buf_add_char(&headers, '/');
	if (head->query.size) {
		buf_add_char(&headers, '?');
		buf_add_slice(&headers, head->query);
	}
	buf_add_str(&headers, "\r\n");
	answer_text(c, 301, buf_slice(&headers));
	buf_fini(&headers);
}

static void put_last_modified(struct buf *to, const struct stat *st)
{
	size_t at = to->size;

	buf_add_str(to, "Last-Modified");
	at = to->size;
	http_put_date(to, (int64_t)st->st_mtime * 1000); /* "Date: ..": its name gives way to the one before */
	memmove(to->at + at, to->at + at + 4, to->size - at - 4);
	to->size -= 4;
}

static void answer_file(
	struct http_conn *c, const struct http_head *head, const struct stat *st, int fd, struct slice name)
{
	struct buf headers = BUF_INIT;
	char etag[64];
	int n = snprintf(etag, sizeof(etag), "\"%" PRIx64 "-%" PRIx64 "\"", (uint64_t)st->st_size,
		(uint64_t)st->st_mtim.tv_sec * 1000000000 + (uint64_t)st->st_mtim.tv_nsec);
	bool same = files_etag_matches(http_header_get(head, "If-None-Match"), slice_of(etag, (size_t)n));

	http_put_header(&headers, "ETag", slice_of(etag, (size_t)n));
	put_last_modified(&headers, st);
	buf_add_str(&headers, "Cache-Control: public, max-age=0\r\nX-Content-Type-Options: nosniff\r\n");
	metrics_count(M_FILES_SERVED);
	http_conn_answer(c, &(struct http_answer){ .status = same ? 304 : 200,
				    .type = same ? NULL : files_type(name),
				    .headers = buf_slice(&headers),
				    .file = fd,
				    .file_size = st->st_size });
	if (st->st_size == 0)
		close(fd);
	buf_fini(&headers);
}

static void serve_path(struct http_conn *c, const struct http_head *head, int dir, char *path, size_t size)
{
	struct slice name = size && path[size - 1] != '/' ? slice_of(path, size) : SLICE("index.html");
	bool folder = size == 0 || path[size - 1] == '/';
	struct stat st;
	int fd = open_path(dir, path);

	if (fd < 0) {
		answer_failed(c, fd, (struct slice){ 0 });
	} else if (fstat(fd, &st) < 0) {
		close(fd);
		answer_text(c, 404, (struct slice){ 0 });
	} else if (S_ISREG(st.st_mode)) {
		answer_file(c, head, &st, fd, name);
	} else {
		close(fd);
		if (S_ISDIR(st.st_mode) && !folder)
			answer_moved(c, head);
		else
			answer_text(c, 404, (struct slice){ 0 });
	}
}

void files_serve(struct http_conn *c, const struct http_head *head, int dir)
{
	struct buf path = BUF_INIT;

	if (dir < 0)
		answer_text(c, 404, (struct slice){ 0 });
	else if (head->method != HTTP_GET && head->method != HTTP_HEAD)
		answer_text(c, 405, SLICE("Allow: GET, HEAD\r\n"));
	else if (!files_resolve(head->path, &path))
		answer_text(c, 404, (struct slice){ 0 });
	else
		serve_path(c, head, dir, path.at, path.size - 1);
	buf_fini(&path);
}

static void answer_client(
	struct http_conn *c, const struct http_head *head, int fd, const char *name, struct slice headers)
{
	struct buf lines = BUF_INIT;
	struct stat st;
	bool same = files_etag_matches(http_header_get(head, "If-None-Match"), SLICE(CLIENT_ETAG));

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		answer_text(c, 404, headers);
		return;
	}
	buf_add_str(&lines, "Cache-Control: public, max-age=0\r\nETag: " CLIENT_ETAG "\r\n");
	buf_add_slice(&lines, headers);
	metrics_count(M_FILES_SERVED);
	http_conn_answer(c, &(struct http_answer){ .status = same ? 304 : 200,
				    .type = same ? NULL : files_type(slice_str(name)),
				    .headers = buf_slice(&lines),
				    .file = fd,
				    .file_size = st.st_size });
	if (st.st_size == 0)
		close(fd);
	buf_fini(&lines);
}

bool files_serve_client(
	struct http_conn *c, const struct http_head *head, int dir, struct slice name, struct slice headers)
{
	int fd;

	for (size_t i = 0; i < sizeof(client_files) / sizeof(client_files[0]); i++) {
		if (dir < 0 || !slice_equal(name, slice_str(client_files[i])))
			continue;
		fd = open_below(dir, client_files[i]);
		if (fd < 0)
			answer_failed(c, fd, headers);
		else
			answer_client(c, head, fd, client_files[i], headers);
		return true;
	}
	return false;
}
