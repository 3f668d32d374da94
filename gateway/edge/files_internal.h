/* files_internal.h - what files.c and files_client.c share. */
#ifndef STOA_EDGE_FILES_INTERNAL_H
#define STOA_EDGE_FILES_INTERNAL_H

#include <sys/stat.h>

#include "files.h"
#include "http_encoding.h"

/* A file opened to be sent. */
struct file {
	int fd;
	struct stat plain, sent; /* sent: of the compressed variant, where there is one */
	enum http_encoding encoding;
};

/* Opens `name` in the folder, and what lies beside it compressed and is among `offered` and in the request's
 * Accept-Encoding in its place: NAME.br, NAME.gz, NAME.zz (deflate). A variant that is older than the file is not its
 * own any more. -errno: the file is not to be had. What is opened may be no regular file. */
int file_open(int dir, const char *name, const struct http_head *head, unsigned offered, struct file *f);

/* 200 with the file, or 304; takes f->fd. `headers` are more lines. */
void file_answer(struct http_conn *c, struct file *f, bool same, struct slice name, const struct buf *headers);

/* The text of a status; and the one for a file that could not be opened. */
void file_answer_status(struct http_conn *c, int status, struct slice headers);
void file_answer_failed(struct http_conn *c, int error, struct slice headers);

#endif
