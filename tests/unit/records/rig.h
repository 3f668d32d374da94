/*
 * rig.h - records as JSON text, tried in both encodings: what is read is written again, and must be the same.
 */
#ifndef STOA_TESTS_RECORDS_RIG_H
#define STOA_TESTS_RECORDS_RIG_H

#include "records.h"
#include "test_main.h"

extern struct arena arena; /* reset by rig_begin() */
extern struct record_rules rules;

void rig_begin(void); /* for tcase_add_checked_fixture() */
void rig_end(void);

/* The text as a record in that encoding, in the arena. */
struct slice record_of(const char *json, enum value_encoding encoding);
/* And back. */
const char *text_of(struct slice record);

/* Read, written and read again, in both encodings: the text must come out as it went in. */
void event_stays(const char *json);
void batch_stays(const char *json);
void client_stays(const char *json);
/* The reason, which must be the same in both; "" when it can be read. */
const char *event_fault(const char *json);
const char *batch_fault(const char *json);
const char *client_fault(const char *json);
/* The reason in one encoding, of any bytes; "" when they can be read. */
const char *event_fault_of(struct slice bytes);
const char *batch_fault_of(struct slice bytes);

/* Reads it, which must succeed. */
struct event_record event_of(const char *json);
struct batch_record batch_of(const char *json);

#define IS_TEXT(slice, text) rig_same_text(__FILE__, __LINE__, slice, text)
#define IS_STR(a, b)         rig_same_text(__FILE__, __LINE__, slice_str(a), b)
void rig_same_text(const char *file, int line, struct slice got, const char *wanted);

TCase *apps_cases(void);
TCase *batches_cases(void);
TCase *effects_cases(void);
TCase *events_cases(void);
TCase *names_cases(void);
TCase *states_cases(void);

#endif
