/* test_base.c - the base layer. Expectations of base64 and UTF-8 are what Node 20's Buffer answers. */
#include "test_main.h"

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "arena.h"
#include "base64.h"
#include "buf.h"
#include "clock.h"
#include "frame.h"
#include "log.h"
#include "map.h"
#include "random.h"
#include "slice.h"
#include "utf8.h"

#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))

static void assert_slice(struct slice got, struct slice want)
{
	ck_assert_msg(slice_equal(got, want), "got \"%.*s\" (%zu), want \"%.*s\" (%zu)", SLICE_ARG(got), got.size,
		SLICE_ARG(want), want.size);
}

/* Bytes in an allocation of exactly their size, so that a sanitizer sees a read of one too many. */
static struct slice exact(struct slice s)
{
	char *copy = malloc(s.size ? s.size : 1);

	ck_assert_ptr_nonnull(copy);
	if (s.size)
		memcpy(copy, s.at, s.size);
	return slice_of(copy, s.size);
}

static void drop(struct slice s)
{
	union {
		const char *in;
		char *out;
	} at = { s.at };

	free(at.out);
}

/* slice */

START_TEST(slices_compare_by_their_bytes)
{
	struct slice null = { 0 };

	ck_assert(slice_equal(null, SLICE("")));
	ck_assert(slice_equal(SLICE("a\0b"), slice_of("a\0b", 3)));
	ck_assert(!slice_equal(SLICE("a\0b"), SLICE("a\0c")));
	ck_assert(!slice_equal(SLICE("ab"), SLICE("a")));
	ck_assert(slice_starts(SLICE("abc"), SLICE("ab")));
	ck_assert(slice_starts(null, null));
	ck_assert(!slice_starts(SLICE("a"), SLICE("ab")));
	ck_assert(slice_equal_nocase(SLICE("Content-LENGTH"), SLICE("content-length")));
	ck_assert(!slice_equal_nocase(SLICE("@["), SLICE("`{")));
	ck_assert(slice_equal(slice_str(NULL), null));
}
END_TEST

START_TEST(slices_are_cut)
{
	struct slice s = SLICE("key=value");

	ck_assert_uint_eq(slice_find(s, '='), 3);
	ck_assert_uint_eq(slice_find(s, '?'), s.size);
	ck_assert_uint_eq(slice_find((struct slice){ 0 }, 'a'), 0);
	assert_slice(slice_first(s, 3), SLICE("key"));
	assert_slice(slice_from(s, 4), SLICE("value"));
	assert_slice(slice_from(s, s.size), SLICE(""));
	ck_assert_ptr_null(slice_from((struct slice){ 0 }, 0).at);
}
END_TEST

/* alloc */

START_TEST(must_copies_are_terminated)
{
	char *a = must_strdup("abc"), *b = must_strndup("abc", 2), *c = must_strndup(NULL, 0);
	int *zeroed = must_alloc(sizeof(*zeroed));

	ck_assert_str_eq(a, "abc");
	ck_assert_str_eq(b, "ab");
	ck_assert_str_eq(c, "");
	ck_assert_int_eq(*zeroed, 0);
	a = must_realloc(a, 100);
	ck_assert_str_eq(a, "abc");
	free(a);
	free(b);
	free(c);
	free(zeroed);
}
END_TEST

/* buf */

START_TEST(buf_grows_at_the_end)
{
	struct buf b = BUF_INIT;
	char *at;

	for (int i = 0; i < 1000; i++) {
		buf_add_char(&b, (char)('a' + i % 26));
		ck_assert_uint_le(b.size, b.cap);
		ck_assert_uint_eq(b.size, (size_t)i + 1);
	}
	ck_assert_int_eq(b.at[999], 'a' + 999 % 26);
	at = b.at;
	buf_clear(&b);
	buf_add_str(&b, "again");
	ck_assert_ptr_eq(b.at, at);
	assert_slice(buf_slice(&b), SLICE("again"));
	buf_fini(&b);
	ck_assert_ptr_null(b.at);
	ck_assert_uint_eq(b.size + b.cap, 0);
}
END_TEST

START_TEST(buf_takes_every_form)
{
	struct buf b = BUF_INIT;

	buf_add(&b, NULL, 0);
	buf_add_slice(&b, (struct slice){ 0 });
	ck_assert_ptr_null(b.at);
	buf_printf(&b, "%s %d", "text", -7);
	buf_add(&b, "\0x", 2);
	buf_add_slice(&b, SLICE("!"));
	assert_slice(buf_slice(&b), SLICE("text -7\0x!"));
	buf_printf(&b, "%s", "");
	assert_slice(buf_slice(&b), SLICE("text -7\0x!"));
	buf_drop_front(&b, 5);
	assert_slice(buf_slice(&b), SLICE("-7\0x!"));
	buf_drop_front(&b, 0);
	buf_drop_front(&b, b.size);
	ck_assert_uint_eq(b.size, 0);
	buf_drop_front(&b, 0);
	buf_fini(&b);
}
END_TEST

START_TEST(buf_sets_out_numbers)
{
	static const int64_t numbers[] = { 0, 7, -7, 10, 99, 100, -100, 1234567890, INT64_MAX, INT64_MIN };
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < COUNT(numbers); i++) {
		char want[32];

		snprintf(want, sizeof(want), "%lld", (long long)numbers[i]);
		buf_clear(&b);
		buf_add_int(&b, numbers[i]);
		assert_slice(buf_slice(&b), slice_str(want));
	}
	buf_fini(&b);
}
END_TEST

START_TEST(buf_reserves_also_nothing)
{
	struct buf b = BUF_INIT;

	ck_assert_ptr_nonnull(buf_reserve(&b, 0));
	ck_assert_uint_eq(b.size, 0);
	memcpy(buf_reserve(&b, 300), "abc", 3);
	b.size += 3;
	ck_assert_uint_ge(b.cap, 300);
	assert_slice(buf_slice(&b), SLICE("abc"));
	buf_fini(&b);
}
END_TEST

START_TEST(buf_remembers_that_it_failed)
{
	struct buf b = BUF_INIT;

	buf_add_str(&b, "kept");
	ck_assert_ptr_null(buf_reserve(&b, SIZE_MAX - 2));
	ck_assert(b.failed);
	buf_add_str(&b, " lost");
	buf_printf(&b, "lost %d", 1);
	ck_assert_ptr_null(buf_reserve(&b, 1));
	ck_assert(b.failed);
	assert_slice(buf_slice(&b), SLICE("kept"));
	buf_clear(&b);
	ck_assert(!b.failed);
	buf_add_str(&b, "new");
	assert_slice(buf_slice(&b), SLICE("new"));
	buf_fini(&b);
}
END_TEST

/* arena */

START_TEST(arena_pieces_are_aligned_and_stay)
{
	struct arena a = ARENA_INIT;
	char *pieces[500];

	for (size_t i = 0; i < 500; i++) {
		pieces[i] = arena_take(&a, i);
		ck_assert_ptr_nonnull(pieces[i]);
		ck_assert_uint_eq((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
		memset(pieces[i], (int)(i & 127), i);
	}
	for (size_t i = 0; i < 500; i++)
		for (size_t k = 0; k < i; k++)
			ck_assert_int_eq(pieces[i][k], (int)(i & 127));
	ck_assert_uint_ge(a.total_bytes, 499 * 500 / 2);
	arena_fini(&a);
	ck_assert_ptr_null(a.chunks);
	arena_fini(&a);
}
END_TEST

START_TEST(arena_keeps_one_small_chunk)
{
	struct arena a = ARENA_INIT;
	void *first = arena_take(&a, 8);

	ck_assert_ptr_nonnull(arena_take(&a, 1 << 20));
	arena_reset(&a);
	ck_assert_uint_eq(a.total_bytes, 0);
	ck_assert_ptr_eq(arena_take(&a, 8), first);
	arena_fini(&a);
	ck_assert_ptr_nonnull(arena_take(&a, 1 << 20));
	arena_reset(&a);
	ck_assert_ptr_null(a.chunks);
	arena_fini(&a);
}
END_TEST

START_TEST(arena_has_a_limit)
{
	struct arena a = { .limit_bytes = 256 };

	ck_assert_ptr_nonnull(arena_take(&a, 200));
	ck_assert_ptr_null(arena_take(&a, 64));
	ck_assert_ptr_nonnull(arena_take(&a, 48));
	ck_assert_ptr_null(arena_take(&a, 1));
	ck_assert_ptr_nonnull(arena_take(&a, 0));
	arena_reset(&a);
	ck_assert_ptr_nonnull(arena_take(&a, 256));
	ck_assert_ptr_null(arena_take(&a, SIZE_MAX));
	ck_assert_ptr_null(arena_take(&a, SIZE_MAX - 8));
	arena_fini(&a);
	ck_assert_uint_eq(a.limit_bytes, 256);
}
END_TEST

/* What is there already of a chunk is under the limit of now. */
START_TEST(arena_has_another_limit_from_now_on)
{
	struct arena a = ARENA_INIT;

	ck_assert_ptr_nonnull(arena_take(&a, 32));
	arena_limit(&a, 64);
	ck_assert_ptr_nonnull(arena_take(&a, 16));
	ck_assert_ptr_null(arena_take(&a, 17));
	ck_assert(a.refused);
	arena_limit(&a, 0);
	ck_assert_ptr_nonnull(arena_take(&a, 1000));
	arena_limit(&a, 64);
	ck_assert_ptr_null(arena_take(&a, 1));
	arena_limit(&a, a.total_bytes + 16);
	ck_assert_ptr_nonnull(arena_take(&a, 16));
	ck_assert_ptr_null(arena_take(&a, 1));
	arena_fini(&a);
}
END_TEST

static char *say(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
static char *say(struct arena *a, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = arena_vprintf(a, format, args);
	va_end(args);
	return text;
}

START_TEST(arena_copies_and_prints)
{
	struct arena a = ARENA_INIT;
	char *zeros;

	ck_assert_str_eq(arena_copy(&a, "abcdef", 3), "abc");
	ck_assert_str_eq(arena_copy(&a, NULL, 0), "");
	ck_assert_str_eq(say(&a, "%d-%s", 42, "x"), "42-x");
	arena_reset(&a);
	zeros = arena_zero(&a, 64);
	for (int i = 0; i < 64; i++)
		ck_assert_int_eq(zeros[i], 0);
	ck_assert_ptr_nonnull(arena_zero(&a, 0));
	arena_fini(&a);
	arena_limit(&a, 16);
	ck_assert_ptr_null(say(&a, "%s", "longer than the limit"));
	arena_fini(&a);
}
END_TEST

/* frame */

static const struct {
	size_t size;
	size_t head;
	unsigned char bytes[4]; /* of the header, the first ones */
} frame_sizes[] = {
	{ 0, 2, { 0x81, 0 } },
	{ 1, 2, { 0x81, 1 } },
	{ 125, 2, { 0x81, 125 } },
	{ 126, 4, { 0x81, 126, 0, 126 } },
	{ 127, 4, { 0x81, 126, 0, 127 } },
	{ 256, 4, { 0x81, 126, 1, 0 } },
	{ 65535, 4, { 0x81, 126, 255, 255 } },
	{ 65536, 10, { 0x81, 127, 0, 0 } },
	{ 1000000, 10, { 0x81, 127, 0, 0 } },
};

START_TEST(frame_heads_have_the_shortest_form)
{
	size_t n = frame_sizes[_i].size, head = frame_sizes[_i].head, offset = 0;
	struct frame *f = frame_new(frame_packet_size(n));
	struct frame_packet packet;

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(frame_packet_size(n), n + head);
	memset(frame_put(f, false, n), 'x', n);
	ck_assert_uint_eq(f->size, n + head);
	ck_assert_mem_eq(f->bytes, frame_sizes[_i].bytes, head < 4 ? head : 4);
	ck_assert(frame_next(f, &offset, &packet));
	ck_assert(!packet.binary);
	ck_assert_uint_eq(packet.data.size, n);
	ck_assert_ptr_eq(packet.data.at, f->bytes + head);
	ck_assert(!frame_next(f, &offset, &packet));
	frame_unref(f);
}
END_TEST

START_TEST(what_frames_take_is_known)
{
	size_t before = frames_bytes();
	struct frame *f = frame_new(1000), *other = frame_text(SLICE("4"), SLICE("hi"));

	ck_assert_uint_eq(frames_bytes() - before, 2 * sizeof(*f) + 1000 + 5);
	frame_put(f, false, 98);
	frame_ref(f);
	f = frame_fit(f);
	ck_assert_uint_eq(frames_bytes() - before, 2 * sizeof(*f) + 100 + 5);
	f->deflated = other;
	frame_unref(f);
	ck_assert_uint_eq(frames_bytes() - before, 2 * sizeof(*f) + 100 + 5);
	frame_unref(f);
	ck_assert_uint_eq(frames_bytes(), before);
}
END_TEST

START_TEST(frames_of_several_packets_are_walked)
{
	struct frame *f = frame_new(frame_packet_size(3) + frame_packet_size(0) + frame_packet_size(300));
	struct frame_packet packet;
	size_t offset = 0;

	memcpy(frame_put(f, false, 3), "4hi", 3);
	frame_put(f, true, 0);
	memset(frame_put(f, true, 300), '\x81', 300);
	ck_assert_uint_eq(f->packets, 3);
	ck_assert(frame_next(f, &offset, &packet) && !packet.binary);
	assert_slice(packet.data, SLICE("4hi"));
	ck_assert(frame_next(f, &offset, &packet) && packet.binary && packet.data.size == 0);
	ck_assert(frame_next(f, &offset, &packet) && packet.binary && packet.data.size == 300);
	ck_assert(!frame_next(f, &offset, &packet));
	frame_unref(f);
}
END_TEST

START_TEST(frames_count_references)
{
	struct frame *f = frame_text(SLICE("4"), SLICE("2[]")), *empty;
	struct frame_packet packet;
	size_t offset = 0;

	ck_assert_ptr_eq(frame_ref(f), f);
	ck_assert_uint_eq(f->refs, 2);
	frame_unref(f);
	ck_assert(frame_next(f, &offset, &packet));
	assert_slice(packet.data, SLICE("42[]"));
	frame_unref(f);
	frame_unref(NULL);
	empty = frame_text((struct slice){ 0 }, (struct slice){ 0 });
	ck_assert_uint_eq(empty->size, 2);
	frame_unref(empty);
	ck_assert_ptr_null(frame_new(SIZE_MAX));
}
END_TEST

/* base64 */

static const struct {
	struct slice data;
	const char *text;
} base64_pairs[] = {
	{ { "", 0 }, "" },
	{ { "f", 1 }, "Zg==" },
	{ { "fo", 2 }, "Zm8=" },
	{ { "foo", 3 }, "Zm9v" },
	{ { "foob", 4 }, "Zm9vYg==" },
	{ { "fooba", 5 }, "Zm9vYmE=" },
	{ { "foobar", 6 }, "Zm9vYmFy" },
	{ { "\0\0\0", 3 }, "AAAA" },
	{ { "\xff\xff\xff\xfe", 4 }, "/////g==" },
	{ { "\xfb\xef\xbe", 3 }, "++++" },
};

START_TEST(base64_goes_both_ways)
{
	struct buf text = BUF_INIT;
	struct slice in = exact(slice_str(base64_pairs[_i].text));
	char *out = malloc(in.size / 4 * 3 + 3);

	base64_encode(&text, base64_pairs[_i].data);
	assert_slice(buf_slice(&text), in);
	assert_slice(slice_of(out, base64_decode(out, in)), base64_pairs[_i].data);
	buf_fini(&text);
	free(out);
	drop(in);
}
END_TEST

/* Buffer.from(text, "base64") */
static const struct {
	struct slice text, data;
} base64_lenient[] = {
	{ { "Q", 1 }, { "", 0 } },
	{ { "QQ", 2 }, { "A", 1 } },
	{ { "QUI", 3 }, { "AB", 2 } },
	{ { "QUJDRA", 6 }, { "ABCD", 4 } },
	{ { "QUJDR", 5 }, { "ABC", 3 } },
	{ { "QR", 2 }, { "A", 1 } },
	{ { "QQ==QQ==", 8 }, { "A", 1 } },
	{ { "QQ=QQ", 5 }, { "A", 1 } },
	{ { "QU=JD", 5 }, { "A", 1 } },
	{ { "Q=Q", 3 }, { "", 0 } },
	{ { "=QQ", 3 }, { "", 0 } },
	{ { "====", 4 }, { "", 0 } },
	{ { "AAA=AAA=", 8 }, { "\0\0", 2 } },
	{ { "QUJD=QUJD", 9 }, { "ABC", 3 } },
	{ { "Q Q", 3 }, { "A", 1 } },
	{ { " QQ == ", 7 }, { "A", 1 } },
	{ { "QU\nJD", 5 }, { "ABC", 3 } },
	{ { "QUJDRUZH\r\nSElK", 14 }, { "ABCEFGHIJ", 9 } },
	{ { "Q!U@J#D", 7 }, { "ABC", 3 } },
	{ { "QU\0JD", 5 }, { "ABC", 3 } },
	{ { "QU\xe2\x80\xa8JD", 7 }, { "ABC", 3 } },
	{ { "Q\xc3\xa9Q", 4 }, { "A", 1 } },
	{ { "-_-_", 4 }, { "\xfb\xff\xbf", 3 } },
	{ { "+/+/", 4 }, { "\xfb\xff\xbf", 3 } },
	{ { "AB-_", 4 }, { "\x00\x1f\xbf", 3 } },
};

START_TEST(base64_decodes_as_node_does)
{
	struct slice in = exact(base64_lenient[_i].text);
	char *out = malloc(in.size / 4 * 3 + 3);

	assert_slice(slice_of(out, base64_decode(out, in)), base64_lenient[_i].data);
	free(out);
	drop(in);
}
END_TEST

START_TEST(base64_decodes_in_place)
{
	char text[] = "SGVsbG8sIFdvcmxkIQ==";
	size_t n = base64_decode(text, slice_str(text));

	assert_slice(slice_of(text, n), SLICE("Hello, World!"));
}
END_TEST

/* UTF-8 */

/* Buffer.isUtf8() and Buffer.toString(): mended NULL means valid. M is U+FFFD. */
#define M "\xef\xbf\xbd"
static const struct {
	struct slice in;
	const char *mended;
} utf8_rows[] = {
	{ { "", 0 }, NULL },
	{ { "\0", 1 }, NULL },
	{ { "A", 1 }, NULL },
	{ { "\x7f", 1 }, NULL },
	{ { "\x80", 1 }, M },
	{ { "\xbf", 1 }, M },
	{ { "\xc0", 1 }, M },
	{ { "\xc0\x80", 2 }, M M },
	{ { "\xc1\xbf", 2 }, M M },
	{ { "\xc2", 1 }, M },
	{ { "\xc2\x80", 2 }, NULL },
	{ { "\xc2\x7f", 2 }, M "\x7f" },
	{ { "\xdf\xbf", 2 }, NULL },
	{ { "\xe0", 1 }, M },
	{ { "\xe0\x80", 2 }, M M },
	{ { "\xe0\x80\x7f", 3 }, M M "\x7f" },
	{ { "\xe0\x80\x80", 3 }, M M M },
	{ { "\xe0\x9f\xbf", 3 }, M M M },
	{ { "\xe0\xa0", 2 }, M },
	{ { "\xe0\xa0\x80", 3 }, NULL },
	{ { "\xe0\xa0\x41", 3 }, M "A" },
	{ { "\xef\xbf\xbf", 3 }, NULL },
	{ { "\xef\xbb\xbf\x41", 4 }, NULL },
	{ { "\xed\x9f\xbf", 3 }, NULL },
	{ { "\xed\xa0\x80", 3 }, M M M },
	{ { "\xed\xb0\x80", 3 }, M M M },
	{ { "\xed\xbf\xbf", 3 }, M M M },
	{ { "\xed", 1 }, M },
	{ { "\xed\x41", 2 }, M "A" },
	{ { "\xee\x80\x80", 3 }, NULL },
	{ { "\xf0", 1 }, M },
	{ { "\xf0\x80\x80", 3 }, M M M },
	{ { "\xf0\x80\x80\x80", 4 }, M M M M },
	{ { "\xf0\x8f\xbf\xbf", 4 }, M M M M },
	{ { "\xf0\x90\x80\x80", 4 }, NULL },
	{ { "\xf0\x90\x80", 3 }, M },
	{ { "\xf0\x90\x80\xc2", 4 }, M M },
	{ { "\xf0\x90\x80\x41", 4 }, M "A" },
	{ { "\xf4\x8f\xbf\xbf", 4 }, NULL },
	{ { "\xf4\x90\x80\x80", 4 }, M M M M },
	{ { "\xf5", 1 }, M },
	{ { "\xf5\x80\x80\x80", 4 }, M M M M },
	{ { "\xf8\x88\x80\x80", 4 }, M M M M },
	{ { "\xfe", 1 }, M },
	{ { "\xff\xfe", 2 }, M M },
	{ { "\xc2\xc2\xa0", 3 }, M "\xc2\xa0" },
	{ { "\xe2\x82\xe2\x82\xac", 5 }, M "\xe2\x82\xac" },
	{ { "\xe1\xa0\xc2\xa9", 4 }, M "\xc2\xa9" },
	{ { "\xf1\x80\x80\xe2\x80\x82", 6 }, M "\xe2\x80\x82" },
	{ { "\x80\x80\x80\x80", 4 }, M M M M },
	{ { "\x41\xc0\x42", 3 }, "A" M "B" },
	{ { "\xf0\x9f\x98\x80", 4 }, NULL },
	{ { "\xf0\x9f\x98", 3 }, M },
};

START_TEST(utf8_is_what_node_says)
{
	struct slice in = exact(utf8_rows[_i].in);
	const char *mended = utf8_rows[_i].mended;
	struct buf out = BUF_INIT;

	ck_assert_int_eq(utf8_valid(in), mended == NULL);
	utf8_mend(&out, in);
	assert_slice(buf_slice(&out), mended ? slice_str(mended) : in);
	buf_fini(&out);
	drop(in);
}
END_TEST

/* The same rows at every distance from the end of the eight-byte steps. */
START_TEST(utf8_is_the_same_behind_ascii)
{
	for (size_t before = 0; before < 17; before++) {
		struct slice row = utf8_rows[_i].in;
		char *text = malloc(before + row.size + 1);

		memset(text, 'a', before);
		if (row.size)
			memcpy(text + before, row.at, row.size);
		text[before + row.size] = 'z';
		ck_assert_int_eq(utf8_valid(slice_of(text, before + row.size + 1)), utf8_rows[_i].mended == NULL);
		free(text);
	}
}
END_TEST

/* Every code point, encoded; and every pair of bytes against the rule of RFC 3629. */
START_TEST(utf8_knows_all_code_points)
{
	for (uint32_t c = 0; c <= 0x10FFFF; c++) {
		char s[4];
		size_t n = 0;

		if (c < 0x80) {
			s[n++] = (char)c;
		} else if (c < 0x800) {
			s[n++] = (char)(0xC0 | c >> 6);
			s[n++] = (char)(0x80 | (c & 63));
		} else if (c < 0x10000) {
			s[n++] = (char)(0xE0 | c >> 12);
			s[n++] = (char)(0x80 | (c >> 6 & 63));
			s[n++] = (char)(0x80 | (c & 63));
		} else {
			s[n++] = (char)(0xF0 | c >> 18);
			s[n++] = (char)(0x80 | (c >> 12 & 63));
			s[n++] = (char)(0x80 | (c >> 6 & 63));
			s[n++] = (char)(0x80 | (c & 63));
		}
		if (utf8_valid(slice_of(s, n)) != (c < 0xD800 || c > 0xDFFF))
			ck_abort_msg("U+%04X", c);
	}
}
END_TEST

/* Four bytes and more are looked at otherwise than what is left: every beginning, and what may follow it, at both places. */
START_TEST(utf8_is_the_same_at_the_end)
{
	static const char rest[] = "A\x7F\x80\x8F\x9F\xA0\xBF\xC2\xFF";
	const size_t n = sizeof(rest) - 1;
	struct buf mended = BUF_INIT;

	for (size_t i = 0; i < 0x81 * 0x100 * n * n; i++) {
		size_t two = i / n / n;
		char text[] = { (char)(0x7F + two / 0x100), (char)(two % 0x100), rest[i / n % n], rest[i % n], 'b', 'c',
			'd' };
		bool valid;

		mended.size = 0;
		utf8_mend(&mended, slice_of(text, 4));
		valid = slice_equal(buf_slice(&mended), slice_of(text, 4));
		if (utf8_valid(slice_of(text, 4)) != valid || utf8_valid(slice_of(text, sizeof(text))) != valid)
			ck_abort_msg("%02X %02X %02X %02X", text[0] & 255, text[1] & 255, text[2] & 255, text[3] & 255);
	}
	buf_fini(&mended);
}
END_TEST

/* map */

enum { MANY = 10000 };

struct item {
	struct map_node node;
	char name[16];
	int seen;
};

static struct item *fill(struct map *m)
{
	struct item *items = must_alloc(MANY * sizeof(*items));

	for (int i = 0; i < MANY; i++) {
		snprintf(items[i].name, sizeof(items[i].name), "room-%d", i);
		items[i].node.key = slice_str(items[i].name);
		map_add(m, &items[i].node);
	}
	return items;
}

START_TEST(map_finds_ten_thousand_keys)
{
	struct map m = MAP_INIT;
	struct item *items = fill(&m);

	ck_assert_uint_eq(map_count(&m), MANY);
	for (int i = 0; i < MANY; i++) {
		char name[16];
		struct map_node *node;

		snprintf(name, sizeof(name), "room-%d", i);
		node = map_find(&m, slice_str(name));
		ck_assert_ptr_eq(map_item(node, struct item, node), &items[i]);
	}
	ck_assert_ptr_null(map_find(&m, SLICE("room-")));
	ck_assert_ptr_null(map_find(&m, SLICE("")));
	ck_assert_ptr_null(map_find(&m, SLICE("room-1\0")));
	for (int i = 0; i < MANY; i++)
		map_remove(&m, &items[i].node);
	ck_assert_uint_eq(map_count(&m), 0);
	ck_assert_ptr_null(m.nodes);
	free(items);
}
END_TEST

START_TEST(map_lets_the_node_just_seen_go)
{
	struct map m = MAP_INIT;
	struct item *items = fill(&m);
	struct map_node *node, *next;
	int at = 0;

	map_foreach(&m, node, next)
	{
		struct item *item = map_item(node, struct item, node);

		ck_assert_ptr_eq(item, &items[at]); /* in order of insertion */
		item->seen++;
		if (at++ % 3 != 0)
			map_remove(&m, node);
	}
	ck_assert_int_eq(at, MANY);
	ck_assert_uint_eq(map_count(&m), (MANY + 2) / 3);
	for (int i = 0; i < MANY; i++) {
		ck_assert_int_eq(items[i].seen, 1);
		ck_assert_int_eq(map_find(&m, items[i].node.key) != NULL, i % 3 == 0);
	}
	map_foreach(&m, node, next) map_remove(&m, node);
	ck_assert_uint_eq(map_count(&m), 0);
	free(items);
}
END_TEST

START_TEST(map_keys_are_bytes)
{
	struct map m = MAP_INIT;
	struct item a = { .node.key = SLICE("a\0b") }, b = { .node.key = SLICE("a\0c") },
		    none = { .node.key = { "", 0 } };

	map_add(&m, &a.node);
	map_add(&m, &b.node);
	map_add(&m, &none.node);
	ck_assert_ptr_eq(map_find(&m, SLICE("a\0b")), &a.node);
	ck_assert_ptr_eq(map_find(&m, SLICE("a\0c")), &b.node);
	ck_assert_ptr_eq(map_find(&m, SLICE("")), &none.node);
	map_remove(&m, &b.node);
	ck_assert_ptr_null(map_find(&m, SLICE("a\0c")));
	map_remove(&m, &a.node);
	map_remove(&m, &none.node);
}
END_TEST

/* Only the key and the size decide; near keys do not have near hashes. */
START_TEST(map_hash_spreads)
{
	int same = 0;

	for (int i = 0; i < 1000; i++) {
		char a[32] = { 0 }, b[32] = { 0 };

		snprintf(a, sizeof(a), "key%d", i);
		snprintf(b, sizeof(b), "key%d", i + 1);
		ck_assert_uint_eq(map_hash(a, 20), map_hash(a, 20));
		ck_assert_uint_ne(map_hash(a, 20), map_hash(a, 21));
		same += (map_hash(a, 20) & 0xFF) == (map_hash(b, 20) & 0xFF);
	}
	ck_assert_int_lt(same, 30);
}
END_TEST

/* random */

START_TEST(random_ids_use_the_whole_alphabet)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	int counts[256] = { 0 };
	char id[101];

	for (int i = 0; i < 1000; i++) {
		random_id(id, 100);
		ck_assert_uint_eq(strlen(id), 100);
		for (int k = 0; k < 100; k++)
			counts[(unsigned char)id[k]]++;
	}
	for (size_t i = 0; i < 64; i++) { /* 1562 each; seven sigmas are 275 */
		ck_assert_int_gt(counts[(unsigned char)alphabet[i]], 1200);
		ck_assert_int_lt(counts[(unsigned char)alphabet[i]], 1950);
		counts[(unsigned char)alphabet[i]] = 0;
	}
	for (int i = 0; i < 256; i++)
		ck_assert_int_eq(counts[i], 0);
	random_id(id, 0);
	ck_assert_str_eq(id, "");
}
END_TEST

START_TEST(random_bytes_do_not_repeat)
{
	char a[2000], b[2000];

	random_bytes(a, sizeof(a));
	random_bytes(b, sizeof(b));
	ck_assert_mem_ne(a, b, sizeof(a));
	ck_assert_mem_ne(a, a + 512, 512);
	ck_assert_uint_ne(random_u64(), random_u64());
}
END_TEST

START_TEST(random_bytes_differ_in_a_forked_child)
{
	int ends[2], status;
	uint64_t child, first = random_u64(); /* the pool holds more now */
	pid_t pid;

	ck_assert_int_eq(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		child = random_u64();
		_exit(write(ends[1], &child, sizeof(child)) == sizeof(child) ? 0 : 1);
	}
	ck_assert_int_eq(read(ends[0], &child, sizeof(child)), sizeof(child));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_uint_ne(child, random_u64());
	ck_assert_uint_ne(child, first);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

/* log */

/* What one call writes to standard error: a pipe stands in its place. */
static int capture_begin(int ends[2])
{
	int saved = dup(STDERR_FILENO);

	ck_assert_int_ge(saved, 0);
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	return saved;
}

static size_t capture_end(int saved, int ends[2], char *line, size_t cap)
{
	ssize_t n;

	ck_assert_int_eq(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	close(saved);
	close(ends[1]);
	n = read(ends[0], line, cap - 1);
	close(ends[0]);
	line[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

static const struct {
	struct slice value;
	const char *text;
} log_values[] = {
	{ { "abc", 3 }, "abc" },
	{ { "", 0 }, "\"\"" },
	{ { NULL, 0 }, "\"\"" },
	{ { "ping timeout", 12 }, "\"ping timeout\"" },
	{ { "a=b", 3 }, "\"a=b\"" },
	{ { "say \"hi\"", 8 }, "\"say \\\"hi\\\"\"" },
	{ { "back\\slash", 10 }, "\"back\\\\slash\"" },
	{ { "x\nforged sid=1", 14 }, "\"x\\x0aforged sid=1\"" },
	{ { "\r\t\0\x1b[31m", 8 }, "\"\\x0d\\x09\\x00\\x1b[31m\"" },
	{ { "\x7f", 1 }, "\"\\x7f\"" },
	{ { "\xc3\xa9", 2 }, "\"\\xc3\\xa9\"" },
	{ { "/chat,room:1", 12 }, "/chat,room:1" },
};

START_TEST(log_quotes_what_is_not_plain)
{
	int ends[2], saved = capture_begin(ends);
	char line[512], want[512];
	size_t n;

	log_warn("event", LOG_T("key", log_values[_i].value), LOG_I("n", -5));
	n = capture_end(saved, ends, line, sizeof(line));
	ck_assert_uint_gt(n, 25);
	ck_assert_int_eq(line[10], 'T'); /* 2026-01-02T03:04:05.678Z */
	ck_assert_int_eq(line[23], 'Z');
	snprintf(want, sizeof(want), " warn event key=%s n=-5\n", log_values[_i].text);
	ck_assert_str_eq(line + 24, want);
}
END_TEST

/* What it was when, to the millisecond. */
START_TEST(log_says_when)
{
	for (int i = 0; i < 3; i++) {
		int ends[2], saved = capture_begin(ends);
		int64_t before = clock_wall_ms(), after, said;
		int year, month, day, hour, minute, second, ms;
		char line[256];

		log_info("now", LOG_I("min", INT64_MIN));
		after = clock_wall_ms();
		capture_end(saved, ends, line, sizeof(line));
		ck_assert_str_eq(line + 23, "Z info now min=-9223372036854775808\n");
		ck_assert_int_eq(
			sscanf(line, "%4d-%2d-%2dT%2d:%2d:%2d.%3d", &year, &month, &day, &hour, &minute, &second, &ms),
			7);
		said = (int64_t)timegm(&(struct tm){ .tm_year = year - 1900,
			       .tm_mon = month - 1,
			       .tm_mday = day,
			       .tm_hour = hour,
			       .tm_min = minute,
			       .tm_sec = second }) *
			       1000 +
		       ms;
		ck_assert(said >= before && said <= after);
	}
}
END_TEST

START_TEST(log_has_levels)
{
	enum log_level level = LOG_ERROR;
	int ends[2], saved = capture_begin(ends);
	char line[256];

	log_debug("hidden", LOG_I("n", 1));
	log_set_level(LOG_ERROR);
	log_info("hidden", LOG_I("n", 2));
	log_error("shown", LOG_S("n", "3"));
	log_set_level(LOG_INFO);
	capture_end(saved, ends, line, sizeof(line));
	ck_assert_str_eq(line + 24, " error shown n=3\n");
	ck_assert(log_level_of("debug", &level) && level == LOG_DEBUG);
	ck_assert(!log_level_of("loud", &level));
	ck_assert_int_eq(level, LOG_DEBUG);
}
END_TEST

START_TEST(log_cuts_long_lines)
{
	int ends[2], saved = capture_begin(ends);
	char *line = must_alloc(64 * 1024), *value = must_alloc(32 * 1024);
	size_t n;

	memset(value, _i ? '\n' : 'x', 32 * 1024 - 1);
	log_info("long", LOG_S("value", value), LOG_I("n", 1));
	n = capture_end(saved, ends, line, 64 * 1024);
	ck_assert_uint_eq(n, PIPE_BUF);
	ck_assert_uint_eq(slice_find(slice_of(line, n), '\n'), n - 1);
	free(line);
	free(value);
}
END_TEST

START_TEST(log_drops_when_nobody_reads)
{
	int ends[2], saved = capture_begin(ends);
	uint64_t before = log_dropped();
	char *line = must_alloc(1 << 20);
	size_t n;

	for (int i = 0; i < 3000; i++)
		log_info("flood", LOG_S("why", "the pipe holds 64 KiB and nobody reads it, yet this must end"));
	n = capture_end(saved, ends, line, 1 << 20);
	ck_assert_uint_gt(log_dropped(), before);
	ck_assert_int_eq(line[n - 1], '\n'); /* whole lines only */
	free(line);
}
END_TEST

static void add_memory_cases(TCase *c)
{
	tcase_add_test(c, slices_compare_by_their_bytes);
	tcase_add_test(c, slices_are_cut);
	tcase_add_test(c, must_copies_are_terminated);
	tcase_add_test(c, buf_grows_at_the_end);
	tcase_add_test(c, buf_takes_every_form);
	tcase_add_test(c, buf_sets_out_numbers);
	tcase_add_test(c, buf_reserves_also_nothing);
	tcase_add_test(c, buf_remembers_that_it_failed);
	tcase_add_test(c, arena_pieces_are_aligned_and_stay);
	tcase_add_test(c, arena_keeps_one_small_chunk);
	tcase_add_test(c, arena_has_a_limit);
	tcase_add_test(c, arena_has_another_limit_from_now_on);
	tcase_add_test(c, arena_copies_and_prints);
}

static void add_byte_cases(TCase *c)
{
	tcase_add_loop_test(c, frame_heads_have_the_shortest_form, 0, COUNT(frame_sizes));
	tcase_add_test(c, what_frames_take_is_known);
	tcase_add_test(c, frames_of_several_packets_are_walked);
	tcase_add_test(c, frames_count_references);
	tcase_add_loop_test(c, base64_goes_both_ways, 0, COUNT(base64_pairs));
	tcase_add_loop_test(c, base64_decodes_as_node_does, 0, COUNT(base64_lenient));
	tcase_add_test(c, base64_decodes_in_place);
	tcase_add_loop_test(c, utf8_is_what_node_says, 0, COUNT(utf8_rows));
	tcase_add_loop_test(c, utf8_is_the_same_behind_ascii, 0, COUNT(utf8_rows));
	tcase_add_test(c, utf8_knows_all_code_points);
	tcase_add_test(c, utf8_is_the_same_at_the_end);
}

static void add_other_cases(TCase *c)
{
	tcase_add_test(c, map_finds_ten_thousand_keys);
	tcase_add_test(c, map_lets_the_node_just_seen_go);
	tcase_add_test(c, map_keys_are_bytes);
	tcase_add_test(c, map_hash_spreads);
	tcase_add_test(c, random_ids_use_the_whole_alphabet);
	tcase_add_test(c, random_bytes_do_not_repeat);
	tcase_add_test(c, random_bytes_differ_in_a_forked_child);
	tcase_add_loop_test(c, log_quotes_what_is_not_plain, 0, COUNT(log_values));
	tcase_add_test(c, log_says_when);
	tcase_add_test(c, log_has_levels);
	tcase_add_loop_test(c, log_cuts_long_lines, 0, 2);
	tcase_add_test(c, log_drops_when_nobody_reads);
}

Suite *suite(void)
{
	Suite *s = suite_create("base");
	TCase *memory = tcase_create("memory"), *bytes = tcase_create("bytes"), *other = tcase_create("other");

	add_memory_cases(memory);
	add_byte_cases(bytes);
	add_other_cases(other);
	suite_add_tcase(s, memory);
	suite_add_tcase(s, bytes);
	suite_add_tcase(s, other);
	return s;
}
