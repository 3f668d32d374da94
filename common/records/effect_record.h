/* effect_record.h - the effects of a batch; private to records. */
#ifndef STOA_RECORDS_EFFECT_RECORD_H
#define STOA_RECORDS_EFFECT_RECORD_H

#include "record_read.h"
#include "record_write.h"

/* The batch says whose they are, where they do not. */
void put_effects(struct record_writer *w, struct record_part *map, const char *key, const struct batch_record *b);
const struct effect *read_effects(struct record_reader *r, struct slice value, const struct batch_record *b);

#endif
