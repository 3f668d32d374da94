/*
 * python_text.h - text as Python writes it: repr() of floats, and json.dumps().
 */
#ifndef STOA_CODEC_PYTHON_TEXT_H
#define STOA_CODEC_PYTHON_TEXT_H

#include "json.h"

/* Appends a float as json.dumps() does: 1.0, 1e+16, 1e-05, NaN, Infinity. */
void python_float_add(struct buf *to, double f);

/*
 * Appends v as json.dumps(v) writes it: ", " and ": " between, everything beyond ASCII as \uXXXX, floats as above but
 * NaN and infinities as null, so that every parser reads it. Binary becomes a placeholder and is noted in `blobs`, as in
 * json.h; with blobs NULL it becomes a text, its base64. Raw values are decoded.
 *
 * 0, or -EINVAL (a broken value, text that is not UTF-8, deeper than VALUE_DEPTH_MAX) or -ENOMEM; then nothing has been
 * appended, but `blobs` may have grown.
 */
int python_json_add(struct buf *to, struct stoa_value v, struct json_blobs *blobs);

#endif
