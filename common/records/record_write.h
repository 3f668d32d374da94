/*
 * record_write.h - maps and arrays in either encoding, so that every format is written down once; private to records.
 *
 * Errors are kept until record_end(), as in buf.h.
 *
 *	struct record_writer w = record_begin(to, encoding);
 *	struct record_part m = write_map(&w);
 *	put_text(&w, &m, "node", ..);
 *	write_map_end(&w, &m);
 *	error = record_end(&w);
 */
#ifndef STOA_RECORDS_RECORD_WRITE_H
#define STOA_RECORDS_RECORD_WRITE_H

#include "buf.h"
#include "value.h"

struct record_writer {
	struct buf *to;
	enum value_encoding encoding;
	size_t begun; /* where the record begins in `to` */
	int error;
};

/* An open map or array. */
struct record_part {
	size_t head; /* of a map in MessagePack: its place in `to`, set when the members are counted */
	size_t count;
};

struct record_writer record_begin(struct buf *to, enum value_encoding encoding);
int record_end(struct record_writer *w); /* 0, -EINVAL or -ENOMEM; then nothing has been appended */

struct record_part write_map(struct record_writer *w);
void write_key(struct record_writer *w, struct record_part *map, const char *key); /* then its value */
void write_map_end(struct record_writer *w, const struct record_part *map);
struct record_part write_array(struct record_writer *w, size_t n);
void write_item(struct record_writer *w, struct record_part *array); /* then the item itself */
void write_array_end(struct record_writer *w);

/* Values. */
void write_text(struct record_writer *w, struct slice text);
void write_json(struct record_writer *w, struct slice json);   /* checked JSON text, in the record's encoding */
void write_raw(struct record_writer *w, struct slice encoded); /* a value in that already */
void write_items(struct record_writer *w, struct slice items); /* those of an array, without what is around them */

/* Members. */
void put_uint(struct record_writer *w, struct record_part *map, const char *key, uint64_t n);
void put_text(struct record_writer *w, struct record_part *map, const char *key, struct slice text);
void put_text_if(struct record_writer *w, struct record_part *map, const char *key, struct slice text); /* not empty */
void put_mended(struct record_writer *w, struct record_part *map, const char *key, struct slice text);  /* any bytes */
void put_json(struct record_writer *w, struct record_part *map, const char *key, struct slice json);
void put_flag(struct record_writer *w, struct record_part *map, const char *key, bool is_set); /* only when it is */
void put_names(struct record_writer *w, struct record_part *map, const char *key, const struct slice *names, size_t n);
/* "attachments"; nothing for none, as always in MessagePack. */
void put_blobs(struct record_writer *w, struct record_part *map, const struct slice *blobs, size_t n);

#endif
