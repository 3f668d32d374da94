/*
 * stoa_generic.h - part of stoa.h: how C types become values and places. C11's _Generic picks a function by type for
 * each element of a list of up to 24; a type without a row is a compile error at the call.
 */
#ifndef STOA_GENERIC_H
#define STOA_GENERIC_H

#include "stoa_value.h"

#define STOA_ABI 1

/* In C11 `true` is an int and would arrive as 1. C23 makes it a bool, and 7.18p4 lets us do so today. */
#if __STDC_VERSION__ < 202311L
#undef true
#undef false
#define true ((bool)1)
#define false ((bool)0)
#endif

#if defined(__GNUC__)
#define STOA_PRINTF_(text, first) __attribute__((format(printf, text, first)))
#define STOA_MUST_                __attribute__((warn_unused_result))
#define STOA_EXPORT_              __attribute__((visibility("default")))
#define STOA_HIDDEN_              __attribute__((visibility("hidden")))
#else
#define STOA_PRINTF_(text, first)
#define STOA_MUST_
#define STOA_EXPORT_
#define STOA_HIDDEN_
#endif

/*
 * What a module exports: the version it was built for, checked before anything of it runs, and its setup, which gets
 * the host's table. The table only ever grows, so a longer one than the module knows is fine.
 */
#define STOA_ENTRY_(app) \
	const struct stoa_host *stoa_host_; \
	STOA_EXPORT_ extern const int stoa_module_abi; \
	const int stoa_module_abi = STOA_ABI; \
	STOA_EXPORT_ void stoa_module_setup(const struct stoa_host *host, struct stoa_app *self); \
	static void stoa_entry_(struct stoa_app *app); \
	void stoa_module_setup(const struct stoa_host *host, struct stoa_app *self) \
	{ \
		stoa_host_ = host; \
		if (host->size < sizeof(*host)) \
			host->give_up(self, "it was built with a newer stoa.h"); \
		else \
			stoa_entry_(self); \
	} \
	static void stoa_entry_(struct stoa_app *app)

struct stoa_bytes {
	const void *at;
	size_t size;
};

struct stoa_list {
	const struct stoa_value *at;
	size_t size;
};

/* A place to read into, or the key before it, or an object's keys and places. Private as well. */
struct stoa_slot {
	uint32_t kind_, flags_;
	size_t size_; /* of an integer's type; of a list of keys and places */
	union {
		void *place;
		const char *key;
		const struct stoa_slot *slots;
	} as_;
};

struct stoa_slots {
	const struct stoa_slot *at;
	size_t size;
};

/* An ack taken out of its event, or the event itself. Private. */
struct stoa_ack {
	uint64_t words_[6];
};

/* clang-format off */
/* Of pointers only NULL is a value: with a null pointer constant the other branch's type is the conditional's, with any
 * other void * it is void *, which has no row. */
#define STOA_PTR_(x) _Generic((x), void * : (x), default : NULL)
#define STOA_V_(x) \
	_Generic((x), struct stoa_value : stoa_same_, bool : stoa_bool, \
		char * : stoa_borrow_, const char * : stoa_borrow_, \
		void * : _Generic(1 ? STOA_PTR_(x) : (int *)0, int * : stoa_null_), \
		float : stoa_float_, double : stoa_float_, \
		signed char : stoa_int_, short : stoa_int_, int : stoa_int_, long : stoa_int_, long long : stoa_int_, \
		unsigned char : stoa_uint_, unsigned short : stoa_uint_, unsigned : stoa_uint_, \
		unsigned long : stoa_uint_, unsigned long long : stoa_uint_)(x)

#define STOA_SLOT_(x) \
	_Generic((x), struct stoa_slot : stoa_slot_same_, char * : stoa_slot_key_, const char * : stoa_slot_key_, \
		const char ** : stoa_slot_text_, bool * : stoa_slot_bool_, double * : stoa_slot_double_, \
		signed char * : stoa_slot_schar_, short * : stoa_slot_short_, int * : stoa_slot_int_, \
		long * : stoa_slot_long_, long long * : stoa_slot_llong_, \
		unsigned char * : stoa_slot_uchar_, unsigned short * : stoa_slot_ushort_, unsigned * : stoa_slot_uint_, \
		unsigned long * : stoa_slot_ulong_, unsigned long long * : stoa_slot_ullong_, \
		struct stoa_bytes * : stoa_slot_bytes_, struct stoa_value * : stoa_slot_value_)(x)

#define STOA_TO_(to) _Generic((to), struct stoa_event * : stoa_sender_, struct stoa_target : stoa_target_same_)(to)
#define STOA_ACK_(ack) _Generic((ack), struct stoa_event * : stoa_ack_of_, struct stoa_ack : stoa_ack_same_)(ack)

/* The first of a list: an event's name or a message, which must be text. */
#define STOA_NAME_(name, ...) _Generic((name), char * : stoa_name_same_, const char * : stoa_name_same_)(name)

#define STOA_LIST_(...) \
	((struct stoa_list){ (const struct stoa_value[]){ STOA_MAP_(STOA_V_, __VA_ARGS__) }, STOA_COUNT_(__VA_ARGS__) })
#define STOA_SLOTS_(...) \
	((struct stoa_slots){ (const struct stoa_slot[]){ STOA_MAP_(STOA_SLOT_, __VA_ARGS__) }, STOA_COUNT_(__VA_ARGS__) })
#define STOA_PAIRED_(...) \
	sizeof(struct { _Static_assert(STOA_COUNT_(__VA_ARGS__) % 2 == 0, "stoa: every key needs a value"); char c; })

#define STOA_COUNT_(...) \
	STOA_NTH_(__VA_ARGS__, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define STOA_MAP_(F, ...) \
	STOA_NTH_(__VA_ARGS__, STOA_24_, STOA_23_, STOA_22_, STOA_21_, STOA_20_, STOA_19_, STOA_18_, STOA_17_, STOA_16_, \
		STOA_15_, STOA_14_, STOA_13_, STOA_12_, STOA_11_, STOA_10_, STOA_9_, STOA_8_, STOA_7_, STOA_6_, STOA_5_, \
		STOA_4_, STOA_3_, STOA_2_, STOA_1_, 0)(F, __VA_ARGS__)
#define STOA_NTH_(a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21, a22, \
	a23, a24, n, ...) n
#define STOA_1_(F, a) F(a)
#define STOA_2_(F, a, b) F(a), F(b)
#define STOA_3_(F, a, b, c) F(a), F(b), F(c)
#define STOA_4_(F, a, b, c, d) F(a), F(b), F(c), F(d)
#define STOA_5_(F, a, b, c, d, e) F(a), F(b), F(c), F(d), F(e)
#define STOA_6_(F, a, b, c, d, e, f) F(a), F(b), F(c), F(d), F(e), F(f)
#define STOA_7_(F, a, b, c, d, e, f, g) F(a), F(b), F(c), F(d), F(e), F(f), F(g)
#define STOA_8_(F, a, b, c, d, e, f, g, h) F(a), F(b), F(c), F(d), F(e), F(f), F(g), F(h)
#define STOA_9_(F, a, b, c, d, e, f, g, h, ...) STOA_8_(F, a, b, c, d, e, f, g, h), STOA_1_(F, __VA_ARGS__)
#define STOA_10_(F, a, b, c, d, e, f, g, h, ...) STOA_8_(F, a, b, c, d, e, f, g, h), STOA_2_(F, __VA_ARGS__)
#define STOA_11_(F, a, b, c, d, e, f, g, h, ...) STOA_8_(F, a, b, c, d, e, f, g, h), STOA_3_(F, __VA_ARGS__)
#define STOA_12_(F, a, b, c, d, e, f, g, h, ...) STOA_8_(F, a, b, c, d, e, f, g, h), STOA_4_(F, __VA_ARGS__)
#define STOA_13_(F, a, b, c, d, e, f, g, h, ...) STOA_8_(F, a, b, c, d, e, f, g, h), STOA_5_(F, __VA_ARGS__)
#define STOA_14_(F, a, b, c, d, e, f, g, h, ...) STOA_8_(F, a, b, c, d, e, f, g, h), STOA_6_(F, __VA_ARGS__)
#define STOA_15_(F, a, b, c, d, e, f, g, h, ...) STOA_8_(F, a, b, c, d, e, f, g, h), STOA_7_(F, __VA_ARGS__)
#define STOA_16_(F, a, b, c, d, e, f, g, h, ...) STOA_8_(F, a, b, c, d, e, f, g, h), STOA_8_(F, __VA_ARGS__)
#define STOA_17_(F, a, b, c, d, e, f, g, h, ...) STOA_8_(F, a, b, c, d, e, f, g, h), STOA_9_(F, __VA_ARGS__)
#define STOA_18_(F, a, b, c, d, e, f, g, h, ...) STOA_8_(F, a, b, c, d, e, f, g, h), STOA_10_(F, __VA_ARGS__)
#define STOA_19_(F, a, b, c, d, e, f, g, h, ...) STOA_8_(F, a, b, c, d, e, f, g, h), STOA_11_(F, __VA_ARGS__)
#define STOA_20_(F, a, b, c, d, e, f, g, h, ...) STOA_8_(F, a, b, c, d, e, f, g, h), STOA_12_(F, __VA_ARGS__)
#define STOA_21_(F, a, b, c, d, e, f, g, h, ...) STOA_8_(F, a, b, c, d, e, f, g, h), STOA_13_(F, __VA_ARGS__)
#define STOA_22_(F, a, b, c, d, e, f, g, h, ...) STOA_8_(F, a, b, c, d, e, f, g, h), STOA_14_(F, __VA_ARGS__)
#define STOA_23_(F, a, b, c, d, e, f, g, h, ...) STOA_8_(F, a, b, c, d, e, f, g, h), STOA_15_(F, __VA_ARGS__)
#define STOA_24_(F, a, b, c, d, e, f, g, h, ...) STOA_8_(F, a, b, c, d, e, f, g, h), STOA_16_(F, __VA_ARGS__)
/* clang-format on */

#endif
