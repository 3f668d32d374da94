/*
 * date.h - JavaScript's Date as the text that JSON has for it (ECMA-262, "Date Time String Format"):
 * 2024-02-29T12:34:56.789Z, and with six digits and a sign for years outside of 0 to 9999: -000001-01-01T00:00:00.000Z.
 */
#ifndef STOA_CODEC_DATE_H
#define STOA_CODEC_DATE_H

#include "slice.h"

enum { DATE_TEXT_MAX = 27 };
#define DATE_MS_MAX INT64_C(8640000000000000) /* and its negative: beyond them JavaScript has no dates */

/* Writes the text of `ms` after 1970 in UTC, without a NUL, and returns its size; 0: there is no such date. */
size_t date_put(char to[DATE_TEXT_MAX], int64_t ms);

/* Reads what date_put() writes and nothing else. */
bool date_parse(struct slice text, int64_t *ms);

#endif
