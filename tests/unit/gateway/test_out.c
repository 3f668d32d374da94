/* test_out.c - the output record: order, limit, gathering, the dirty list. */
#include "out.h"
#include "test_main.h"

static struct out_lane lane;
static struct out out;
static int flushed, overflowed;

static void flush(struct out *o)
{
	(void)o;
	flushed++;
}

static void overflow(struct out *o, int64_t now_ms)
{
	(void)o;
	(void)now_ms;
	overflowed++;
}

static const struct out_ops ops = { flush, overflow };

static void setup(void)
{
	flushed = overflowed = 0;
	ck_assert_int_eq(out_lane_init(&lane, 100), 0);
	out_init(&out, &lane, &ops);
}

static void teardown(void)
{
	out_close(&out);
	out_fini(&out);
	ck_assert_ptr_null(lane.dirty);
	ck_assert_ptr_null(lane.later);
	out_lane_fini(&lane);
}

/* Pushes a frame of n bytes in all, whose first byte of data is c. */
static bool push(struct out *o, size_t n, char c)
{
	struct frame *f = frame_new(n);
	char *data = frame_put(f, false, n - (n < 128 ? 2 : n < 65540 ? 4 : 10));
	bool queued;

	memset(data, c, n - (size_t)(data - f->bytes));
	ck_assert_uint_eq(f->size, n);
	queued = out_push(o, f);
	ck_assert_uint_eq(f->refs, 1 + queued);
	frame_unref(f);
	return queued;
}

START_TEST(frames_leave_in_order)
{
	char c = 'a', expected = 'a';

	lane.limit_bytes = SIZE_MAX;
	for (int i = 0; i < 1000; i++) {
		ck_assert(push(&out, 10, c++));
		if (i % 3 == 0) {
			struct frame *f = out_pop(&out);
			ck_assert_int_eq(f->bytes[2], expected++);
			frame_unref(f);
		}
	}
	while (!out_is_empty(&out)) {
		ck_assert_int_eq(out_peek(&out)->bytes[2], expected++);
		out_drop(&out, 1);
	}
	ck_assert_uint_eq(out.queued_bytes, 0);
}
END_TEST

START_TEST(the_limit_is_reached_and_not_passed)
{
	ck_assert(push(&out, 50, 'a'));
	ck_assert(push(&out, 50, 'b'));
	ck_assert(!push(&out, 2, 'c'));
	out_flush_all(&lane, 0);
	ck_assert_int_eq(overflowed, 1);
	ck_assert_int_eq(flushed, 0);
	/* What was queued before is still there, in order; nothing more is taken. */
	ck_assert_uint_eq(out.count, 2);
	ck_assert(!push(&out, 2, 'd'));
}
END_TEST

START_TEST(a_frame_larger_than_the_limit_passes_alone)
{
	ck_assert(push(&out, 1000, 'a'));
	out_flush_all(&lane, 0);
	ck_assert_int_eq(flushed, 1);
	ck_assert_int_eq(overflowed, 0);
}
END_TEST

START_TEST(a_dirty_record_is_flushed_once_a_turn)
{
	push(&out, 10, 'a');
	push(&out, 10, 'b');
	out_flush_all(&lane, 0);
	ck_assert_int_eq(flushed, 1);
	out_flush_all(&lane, 0);
	ck_assert_int_eq(flushed, 1);
	out_wake(&out);
	out_flush_all(&lane, 0);
	ck_assert_int_eq(flushed, 2);
}
END_TEST

START_TEST(a_closed_record_is_neither_filled_nor_flushed)
{
	push(&out, 10, 'a');
	out_close(&out);
	ck_assert(!push(&out, 10, 'b'));
	out_flush_all(&lane, 0);
	ck_assert_int_eq(flushed, 0);
	out_wake(&out);
	ck_assert_ptr_null(lane.dirty);
}
END_TEST

START_TEST(one_that_goes_leaves_the_dirty_list_whole)
{
	struct out others[3];

	for (int i = 0; i < 3; i++) {
		out_init(&others[i], &lane, &ops);
		push(&others[i], 10, 'a');
	}
	out_close(&others[_i]);
	out_fini(&others[_i]);
	push(&out, 10, 'b');
	out_flush_all(&lane, 0);
	ck_assert_int_eq(flushed, 3);
	for (int i = 0; i < 3; i++)
		out_close(&others[i]);
}
END_TEST

/* --- Large fan-outs ----------------------------------------------------------------------------------------------- */

enum { MANY = OUT_SLICE + 10 };
static struct out many[MANY];
static const struct out *order[2 * MANY];
static int n_order;

static void note_order(struct out *o)
{
	order[n_order++] = o;
	out_drop(o, o->count);
}

static const struct out_ops ordered_ops = { note_order, overflow };

/* One frame to all of them, as a large fan-out. */
static void fan_out(void)
{
	n_order = 0;
	lane.limit_bytes = SIZE_MAX;
	for (int i = 0; i < MANY; i++)
		out_init(&many[i], &lane, &ordered_ops);
	out_init(&out, &lane, &ordered_ops);
	out_bulk(&lane, true);
	for (int i = 0; i < MANY; i++)
		ck_assert(push(&many[i], 10, 'a'));
	out_bulk(&lane, false);
}

static void close_many(void)
{
	for (int i = 0; i < MANY; i++) {
		out_close(&many[i]);
		out_fini(&many[i]);
	}
	ck_assert_ptr_null(lane.later);
}

START_TEST(a_large_fan_out_is_flushed_in_slices_behind_the_others)
{
	fan_out();
	push(&out, 10, 'b');
	ck_assert(out_flush_turn(&lane, 0));
	ck_assert_int_eq(n_order, 1 + OUT_SLICE);
	ck_assert_ptr_eq(order[0], &out);
	push(&out, 10, 'c');
	ck_assert(!out_flush_turn(&lane, 0));
	ck_assert_int_eq(n_order, 2 + MANY);
	ck_assert_ptr_eq(order[1 + OUT_SLICE], &out);
	for (int i = 0; i < OUT_SLICE; i++)
		ck_assert_ptr_eq(order[1 + i], &many[i]);
	for (int i = OUT_SLICE; i < MANY; i++)
		ck_assert_ptr_eq(order[2 + i], &many[i]);
	close_many();
}
END_TEST

START_TEST(a_slice_that_is_the_last_says_so)
{
	fan_out();
	for (int i = 0; i < MANY - OUT_SLICE; i++) {
		out_close(&many[i]);
		out_fini(&many[i]);
	}
	ck_assert(!out_flush_turn(&lane, 0));
	ck_assert_int_eq(n_order, OUT_SLICE);
	close_many();
}
END_TEST

START_TEST(what_is_said_to_one_that_waits_does_not_overtake)
{
	fan_out();
	push(&many[MANY - 1], 10, 'b');
	ck_assert_uint_eq(many[MANY - 1].count, 2);
	ck_assert_int_eq(out_peek(&many[MANY - 1])->bytes[2], 'a');
	out_flush_all(&lane, 0);
	ck_assert_int_eq(n_order, MANY);
	close_many();
}
END_TEST

START_TEST(one_that_goes_leaves_the_list_of_those_that_wait_whole)
{
	static const int going[] = { 0, 5, MANY - 1 };
	const struct out *gone = &many[going[_i]];

	fan_out();
	out_close(&many[going[_i]]);
	out_fini(&many[going[_i]]);
	out_bulk(&lane, true);
	push(&out, 10, 'b');
	out_bulk(&lane, false);
	out_flush_all(&lane, 0);
	ck_assert_int_eq(n_order, MANY);
	ck_assert_ptr_eq(order[MANY - 1], &out);
	for (int i = 0; i < n_order; i++)
		ck_assert_ptr_ne(order[i], gone);
	close_many();
}
END_TEST

/* A frame of 10 bytes, known by `tag`; 0: by nothing. */
static struct frame *tagged(char tag, char c)
{
	struct frame *f = frame_new(10);
	char *data = frame_put(f, false, 8);

	memset(data, c, 8);
	data[0] = tag;
	f->tag_at = 2;
	f->tag_size = tag != 0;
	return f;
}

static bool push_tagged(char tag, char c)
{
	struct frame *f = tagged(tag, c);
	bool dropped = false, queued;

	queued = tag ? out_push_latest(&out, f, &dropped) : out_push(&out, f);
	ck_assert(queued);
	frame_unref(f);
	return dropped;
}

START_TEST(the_latest_drops_what_waits_under_its_tag)
{
	lane.limit_bytes = 60;
	ck_assert(!push_tagged('p', 'a'));
	ck_assert(!push_tagged(0, 'b'));
	ck_assert(!push_tagged('q', 'c'));
	ck_assert(push_tagged('p', 'x'));
	ck_assert(!push_tagged(0, 'd'));
	for (char c = 'e'; c < 'z'; c++)
		ck_assert(push_tagged('p', c));
	ck_assert(push_tagged('q', 'y'));
	ck_assert(push_tagged('p', 'z'));
	ck_assert_uint_eq(out.count, 4);
	ck_assert_uint_eq(out.tagged, 2);
	ck_assert_uint_eq(out.queued_bytes, 40);
	for (const char *c = "bdyz"; *c; c++) {
		ck_assert_int_eq(out_peek(&out)->bytes[3], *c);
		out_drop(&out, 1);
	}
	ck_assert_uint_eq(out.tagged, 0);
	ck_assert_uint_eq(out.queued_bytes, 0);
}
END_TEST

/* Whatever the ring's shape, against a plain list. */
START_TEST(the_latest_agrees_with_a_list)
{
	char tags[64], values[64];
	unsigned seed = (unsigned)_i * 7919 + 1, n = 0;

	lane.limit_bytes = SIZE_MAX;
	for (int step = 0; step < 2000; step++) {
		char tag, value;
		unsigned at = 0;

		seed = seed * 1103515245 + 12345;
		tag = (char)("\0abc"[seed >> 16 & 3]);
		value = (char)('a' + (seed >> 20) % 26);
		if (n == sizeof(tags) || (seed >> 25 & 3) == 0) {
			if (n == 0)
				continue;
			ck_assert_int_eq(out_peek(&out)->bytes[3], values[0]);
			out_drop(&out, 1);
			memmove(tags, tags + 1, --n);
			memmove(values, values + 1, n);
			continue;
		}
		while (tag && at < n && tags[at] != tag)
			at++;
		ck_assert(push_tagged(tag, value) == (tag && at < n));
		if (tag && at < n) {
			n--;
			memmove(tags + at, tags + at + 1, n - at);
			memmove(values + at, values + at + 1, n - at);
		}
		tags[n] = tag;
		values[n++] = value;
		ck_assert_uint_eq(out.count, n);
	}
}
END_TEST

START_TEST(gather_puts_small_frames_together)
{
	uint32_t frames;
	struct slice bytes;

	lane.limit_bytes = SIZE_MAX;
	push(&out, 10, 'a');
	bytes = out_gather(&out, NULL, &frames);
	ck_assert_uint_eq(frames, 1);
	ck_assert_ptr_eq(bytes.at, out_peek(&out)->bytes); /* alone: not copied */
	push(&out, 20, 'b');
	push(&out, OUT_SCRATCH_BYTES, 'c');
	bytes = out_gather(&out, NULL, &frames);
	ck_assert_uint_eq(frames, 2);
	ck_assert_uint_eq(bytes.size, 30);
	ck_assert_int_eq(bytes.at[2], 'a');
	ck_assert_int_eq(bytes.at[12], 'b');
	out_drop(&out, 2);
	push(&out, 10, 'd');
	bytes = out_gather(&out, NULL, &frames);
	ck_assert_uint_eq(frames, 1); /* large: as it is */
	ck_assert_uint_eq(bytes.size, OUT_SCRATCH_BYTES);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("out");
	TCase *t = tcase_create("out");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, frames_leave_in_order);
	tcase_add_test(t, the_limit_is_reached_and_not_passed);
	tcase_add_test(t, a_frame_larger_than_the_limit_passes_alone);
	tcase_add_test(t, a_dirty_record_is_flushed_once_a_turn);
	tcase_add_test(t, a_closed_record_is_neither_filled_nor_flushed);
	tcase_add_loop_test(t, one_that_goes_leaves_the_dirty_list_whole, 0, 3);
	tcase_add_test(t, a_large_fan_out_is_flushed_in_slices_behind_the_others);
	tcase_add_test(t, a_slice_that_is_the_last_says_so);
	tcase_add_test(t, what_is_said_to_one_that_waits_does_not_overtake);
	tcase_add_loop_test(t, one_that_goes_leaves_the_list_of_those_that_wait_whole, 0, 3);
	tcase_add_test(t, the_latest_drops_what_waits_under_its_tag);
	tcase_add_loop_test(t, the_latest_agrees_with_a_list, 0, 20);
	tcase_add_test(t, gather_puts_small_frames_together);
	suite_add_tcase(s, t);
	return s;
}
