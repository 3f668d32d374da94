/* state_record.h - a client's state inside other records; private to records. */
#ifndef STOA_RECORDS_STATE_RECORD_H
#define STOA_RECORDS_STATE_RECORD_H

#include "record_read.h"
#include "record_write.h"

enum { NODE_MAX = 16 }; /* characters of a gateway's name in records; it has four */

void put_state(struct record_writer *w, struct record_part *map, const char *key, const struct client_state *s);
struct client_state read_state(struct record_reader *r, struct slice value);

#endif
