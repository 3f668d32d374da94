/* files.c - see files.h. */
#include "files_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "metrics.h"

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
	for (bool first = true; left.size; first = false) {
		size_t end = slice_find(left, '/');
		struct slice segment = slice_first(left, end);

		if (!is_plain_segment(segment) && !(first && slice_equal(segment, SLICE(".well-known"))))
			return false;
		left = slice_from(left, end < left.size ? end + 1 : end);
	}
	buf_add_char(to, '\0');
	return !to->failed;
}

/* Our tags hold no comma, so one inside a foreign tag only makes pieces that match nothing. */
bool files_etag_matches(struct slice if_none_match, struct slice etag)
{
	while (if_none_match.size) {
		size_t end = slice_find(if_none_match, ',');
		struct slice tag = http_trim(slice_first(if_none_match, end));

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

/* The endings of compressed variants, and of what they make an ETag. */
static const struct {
	enum http_encoding encoding;
	const char *ending, *tag;
} variants[] = {
	{ HTTP_IDENTITY, "", "" },
	{ HTTP_BR, ".br", "-br" },
	{ HTTP_GZIP, ".gz", "-gz" },
	{ HTTP_DEFLATE, ".zz", "-zz" },
};

static size_t variant_of(enum http_encoding e)
{
	size_t i = sizeof(variants) / sizeof(variants[0]) - 1;

	while (i > 0 && variants[i].encoding != e)
		i--;
	return i;
}

static bool open_variant(int dir, const char *name, enum http_encoding e, struct file *f)
{
	char path[NAME_MAX + 1];
	struct stat st;
	int n = snprintf(path, sizeof(path), "%s%s", name, variants[variant_of(e)].ending), fd;

	fd = n < (int)sizeof(path) ? open_below(dir, path) : -ENAMETOOLONG;
	if (fd < 0)
		return false;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0 || st.st_mtime < f->plain.st_mtime) {
		close(fd);
		return false;
	}
	close(f->fd);
	f->fd = fd;
	f->sent = st;
	f->encoding = e;
	return true;
}

int file_open(int dir, const char *name, const struct http_head *head, unsigned offered, struct file *f)
{
	enum http_encoding e;

	*f = (struct file){ .fd = open_below(dir, name) };
	if (f->fd < 0)
		return f->fd;
	if (fstat(f->fd, &f->plain) < 0) {
		close(f->fd);
		return -ENOENT;
	}
	f->sent = f->plain;
	while (S_ISREG(f->plain.st_mode) && (e = http_encoding_choose(head, offered)) != HTTP_IDENTITY &&
		!open_variant(dir, name, e, f))
		offered &= ~(unsigned)e;
	return 0;
}

/* Opens a resolved path segment by segment; `path` is cut up. -errno: it is not there, or not to be had. */
static int open_path(int dir, char *path, const struct http_head *head, struct file *f)
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
	next = file_open(at, path[0] ? path : "index.html", head, HTTP_BR | HTTP_GZIP, f);
	if (at != dir)
		close(at);
	return next;
}

/* --- Answering ----------------------------------------------------------------------------------------------- */

void file_answer_status(struct http_conn *c, int status, struct slice headers)
{
	http_conn_answer(c, &(struct http_answer){ .status = status,
				    .type = "text/plain; charset=utf-8",
				    .headers = headers,
				    .body = slice_str(http_status_text(status)) });
}

/* Without a descriptor to open it with the file may well be there. */
void file_answer_failed(struct http_conn *c, int error, struct slice headers)
{
	file_answer_status(c, error == -EMFILE || error == -ENFILE ? 503 : 404, headers);
}

void file_answer(struct http_conn *c, struct file *f, bool same, struct slice name, const struct buf *headers)
{
	struct buf lines = BUF_INIT;

	buf_add_slice(&lines, buf_slice(headers));
	buf_add_str(&lines, "Vary: Accept-Encoding\r\n");
	if (f->encoding != HTTP_IDENTITY && !same)
		http_put_header(&lines, "Content-Encoding", slice_str(http_encoding_name(f->encoding)));
	metrics_count(M_FILES_SERVED);
	http_conn_answer(c, &(struct http_answer){ .status = same ? 304 : 200,
				    .type = same ? NULL : files_type(name),
				    .headers = buf_slice(&lines),
				    .file = f->fd,
				    .file_size = f->sent.st_size });
	if (f->sent.st_size == 0)
		close(f->fd);
	buf_fini(&lines);
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
	file_answer_status(c, 301, buf_slice(&headers));
	buf_fini(&headers);
}

/* If-None-Match decides alone where it is given (RFC 9110 13.2.2). */
static bool is_same(const struct http_head *head, const struct stat *st, struct slice etag)
{
	struct slice tags = http_header_get(head, "If-None-Match");
	int64_t since;

	if (tags.at)
		return files_etag_matches(tags, etag);
	return http_parse_date(http_header_get(head, "If-Modified-Since"), &since) && st->st_mtime <= since;
}

static void answer_file(struct http_conn *c, const struct http_head *head, struct file *f, struct slice name)
{
	struct buf headers = BUF_INIT;
	char etag[64];
	int n = snprintf(etag, sizeof(etag), "\"%" PRIx64 "-%" PRIx64 "%s\"", (uint64_t)f->sent.st_size,
		(uint64_t)f->sent.st_mtim.tv_sec * 1000000000 + (uint64_t)f->sent.st_mtim.tv_nsec,
		variants[variant_of(f->encoding)].tag);

	http_put_header(&headers, "ETag", slice_of(etag, (size_t)n));
	buf_add_str(&headers, "Last-Modified: ");
	http_put_date_value(&headers, (int64_t)f->plain.st_mtime * 1000);
	buf_add_str(&headers, "\r\nCache-Control: public, max-age=0\r\nX-Content-Type-Options: nosniff\r\n");
	file_answer(c, f, is_same(head, &f->plain, slice_of(etag, (size_t)n)), name, &headers);
	buf_fini(&headers);
}

static void serve_path(struct http_conn *c, const struct http_head *head, int dir, char *path, size_t size)
{
	struct slice name = size && path[size - 1] != '/' ? slice_of(path, size) : SLICE("index.html");
	bool folder = size == 0 || path[size - 1] == '/';
	struct file f;
	int error = open_path(dir, path, head, &f);

	if (error) {
		file_answer_failed(c, error, (struct slice){ 0 });
	} else if (S_ISREG(f.plain.st_mode)) {
		answer_file(c, head, &f, name);
	} else {
		close(f.fd);
		if (S_ISDIR(f.plain.st_mode) && !folder)
			answer_moved(c, head);
		else
			file_answer_status(c, 404, (struct slice){ 0 });
	}
}

void files_serve(struct http_conn *c, const struct http_head *head, int dir)
{
	struct buf path = BUF_INIT;

	if (dir < 0)
		file_answer_status(c, 404, (struct slice){ 0 });
	else if (head->method != HTTP_GET && head->method != HTTP_HEAD)
		file_answer_status(c, 405, SLICE("Allow: GET, HEAD\r\n"));
	else if (!files_resolve(head->path, &path))
		file_answer_status(c, 404, (struct slice){ 0 });
	else
		serve_path(c, head, dir, path.at, path.size - 1);
	buf_fini(&path);
}
