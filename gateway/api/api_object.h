/* api_object.h - walks the members of an object without decoding it: values stay the bytes that came. */
#ifndef STOA_API_OBJECT_H
#define STOA_API_OBJECT_H

#include "slice.h"

/* `text` is one object, accepted by json_check(). *key is the name's JSON token, quotes included. */
struct object_walk {
	struct slice rest;
};
struct object_walk object_walk(struct slice text);
bool object_next(struct object_walk *w, struct slice *key, struct slice *value);

struct slice json_trim(struct slice text); /* without white space at its ends */

#endif
