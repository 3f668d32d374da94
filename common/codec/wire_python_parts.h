/* wire_python_parts.h - what reading and writing share; private to wire_python*.c. */
#ifndef STOA_CODEC_WIRE_PYTHON_PARTS_H
#define STOA_CODEC_WIRE_PYTHON_PARTS_H

#include "wire_python.h"

enum { WIRE_PYTHON_METHODS = WIRE_PYTHON_CLOSE_ROOM + 1 };

extern const char *const wire_python_methods[WIRE_PYTHON_METHODS];
bool wire_python_has_sid(enum wire_python_method method);
bool wire_python_has_room(enum wire_python_method method);

#endif
