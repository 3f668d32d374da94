/* json_encode_parts.h - what json_encode.c and json_encode_msgpack.c share; private to them. Errors are json_encode()'s, and
 * what was appended until then is for the caller to take back. */
#ifndef STOA_CODEC_JSON_ENCODE_PARTS_H
#define STOA_CODEC_JSON_ENCODE_PARTS_H

#include "json.h"

struct json_encoder {
	struct buf *to;
	struct json_blobs *blobs;
	unsigned depth; /* arrays and objects that are open */
};

int json_put_value(struct json_encoder *e, struct stoa_value v);
int json_put_text(struct buf *to, struct slice s);

/* VALUE_RAW of MessagePack, from its bytes straight into text: what encoding its tree gives, without the tree. */
int json_put_msgpack(struct json_encoder *e, const struct value_raw *raw);

#endif
