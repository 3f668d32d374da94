/*
 * stoa_value.h - part of stoa.h: the shape of a value. Applications read and build values with the functions of
 * stoa.h; the fields are private to Stoa.
 *
 * Inside Stoa this is the one node of every decoded value: JSON and MessagePack decode into trees of it, the
 * application's builders make trees of it, and both encoders read it (value.h of the codec layer).
 */
#ifndef STOA_VALUE_H
#define STOA_VALUE_H

#include <stddef.h>
#include <stdint.h>

struct stoa_value {
	uint32_t kind_, flags_;
	size_t size_;
	union {
		int64_t i;
		uint64_t u;
		double f;
		const void *at;
	} as_;
};

#endif
