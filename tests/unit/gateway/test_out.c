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
	lane.ops = &ops;
	out_init(&out, &lane);
}

static void teardown(void)
{
	out_close(&out);
	out_fini(&out);
	ck_assert_ptr_null(lane.soon.first);
	ck_assert_ptr_null(lane.later.first);
	out_lane_fini(&lane);
}

/* A frame of n bytes in all, whose first byte of data is c. */
static struct frame *frame_of(size_t n, char c)
{
	struct frame *f = frame_new(n);
	char *data = frame_put(f, false, n - (n < 128 ? 2 : n < 65540 ? 4 : 10));

	memset(data, c, n - (size_t)(data - f->bytes));
	ck_assert_uint_eq(f->size, n);
	return f;
}

static bool push(struct out *o, size_t n, char c)
{
	struct frame *f = frame_of(n, c);
	bool queued = out_push(o, f);

	ck_assert_uint_eq(f->refs, 1 + queued);
	frame_unref(f);
	return queued;
}

static void drop(struct out *o, uint32_t n)
{
	while (n--)
		frame_unref(out_pop(o));
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
		drop(&out, 1);
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
	ck_assert_ptr_null(lane.soon.first);
}
END_TEST

START_TEST(one_that_goes_leaves_the_dirty_list_whole)
{
	struct out others[3];

	for (int i = 0; i < 3; i++) {
		out_init(&others[i], &lane);
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
	drop(o, o->count);
}

static const struct out_ops ordered_ops = { note_order, overflow };

/* One frame to all of them, as a large fan-out. */
static void fan_out(void)
{
	n_order = 0;
	lane.limit_bytes = SIZE_MAX;
	for (int i = 0; i < MANY; i++)
		out_init(&many[i], &lane);
	lane.ops = &ordered_ops;
	out_init(&out, &lane);
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
	ck_assert_ptr_null(lane.later.first);
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
		drop(&out, 1);
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
			drop(&out, 1);
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

/* --- Taking ------------------------------------------------------------------------------------------------------- */

START_TEST(small_frames_are_taken_together)
{
	const struct out_batch *b;

	lane.limit_bytes = SIZE_MAX;
	push(&out, 20, 'a');
	push(&out, 20, 'b');
	push(&out, OUT_SCRATCH_BYTES, 'c');
	b = out_take(&out, NULL);
	ck_assert_uint_eq(b->n, 2);
	ck_assert_uint_eq(b->bytes.size, 40);
	ck_assert_int_eq(b->bytes.at[2], 'a');
	ck_assert_int_eq(b->bytes.at[22], 'b');
	ck_assert_uint_eq(out.queued_bytes, OUT_SCRATCH_BYTES);
	push(&out, 10, 'd');
	b = out_take(&out, NULL);
	ck_assert_uint_eq(b->n, 1); /* large: as it is */
	ck_assert_ptr_eq(b->bytes.at, b->frames[0]->bytes);
	ck_assert_uint_eq(b->bytes.size, OUT_SCRATCH_BYTES);
	b = out_take(&out, NULL);
	ck_assert_uint_eq(b->n, 1); /* alone: not copied */
	ck_assert_ptr_eq(b->bytes.at, b->frames[0]->bytes);
	ck_assert_int_eq(b->bytes.at[2], 'd');
	ck_assert(out_is_empty(&out));
	ck_assert_uint_eq(out.queued_bytes, 0);
}
END_TEST

START_TEST(a_batch_has_so_many_frames_and_no_more)
{
	uint32_t extra = (uint32_t)_i;

	lane.limit_bytes = SIZE_MAX;
	for (uint32_t i = 0; i < OUT_BATCH_FRAMES + extra; i++)
		push(&out, 3, (char)('a' + i % 26));
	for (uint32_t due = OUT_BATCH_FRAMES + extra, i = 0; due;) {
		const struct out_batch *b = out_take(&out, NULL);

		ck_assert_uint_eq(b->n, due < OUT_BATCH_FRAMES ? due : OUT_BATCH_FRAMES);
		due -= b->n;
		for (uint32_t at = 0; at < b->n; at++)
			ck_assert_int_eq(b->bytes.at[3 * at + 2], 'a' + (int)(i++ % 26));
	}
	ck_assert_uint_eq(out.queued_bytes, 0);
}
END_TEST

START_TEST(a_queue_that_is_never_empty_does_not_grow)
{
	lane.limit_bytes = SIZE_MAX;
	for (int i = 0; i < 3; i++)
		push(&out, 10, 'a');
	for (int i = 0; i < 1000; i++) {
		push(&out, 10, 'b');
		drop(&out, 1);
	}
	ck_assert_uint_eq(out.count, 3);
	ck_assert_uint_le(out.cap, 8);
}
END_TEST

START_TEST(the_memory_of_many_is_given_back)
{
	lane.limit_bytes = SIZE_MAX;
	for (int i = 0; i < 100; i++)
		push(&out, 10, 'a');
	ck_assert_uint_ge(out.cap, 100);
	ck_assert_uint_eq(out_take(&out, NULL)->n, 100);
	ck_assert_uint_eq(out.cap, 1);
	push(&out, 10, 'b');
	ck_assert_ptr_eq(out_peek(&out), out.one);
}
END_TEST

enum { MEMBERS = 3 };
static struct out room[MEMBERS];

static void open_room(void)
{
	lane.limit_bytes = SIZE_MAX;
	for (int i = 0; i < MEMBERS; i++)
		out_init(&room[i], &lane);
}

/* The frame, with the reference of this test and one for each. */
static struct frame *say_to_room(char c)
{
	struct frame *f = frame_of(20, c);

	for (int i = 0; i < MEMBERS; i++)
		ck_assert(out_lend(&room[i], f));
	ck_assert_uint_eq(f->refs, 1);
	frame_ref_times(f, MEMBERS);
	return f;
}

static void expect_batch(struct out *o, const struct out_form *form, const char *each)
{
	const struct out_batch *b = out_take(o, form);

	ck_assert_uint_eq(b->n, strlen(each));
	ck_assert_uint_eq(b->bytes.size, 20 * strlen(each));
	for (size_t i = 0; each[i]; i++)
		ck_assert_int_eq(b->bytes.at[20 * i + 2], each[i]);
	ck_assert(out_is_empty(o));
	ck_assert_uint_eq(o->queued_bytes, 0);
	ck_assert_uint_eq(o->tagged, 0);
}

/* References are given back at the end of the turn, all of them. */
static void end_room(struct frame *const *frames, int n)
{
	for (int i = 0; i < MEMBERS; i++)
		ck_assert(out_is_empty(&room[i]));
	out_flush_all(&lane, 0);
	for (int i = 0; i < n; i++) {
		ck_assert_uint_eq(frames[i]->refs, 1);
		frame_unref(frames[i]);
	}
	for (int i = 0; i < MEMBERS; i++) {
		out_close(&room[i]);
		out_fini(&room[i]);
	}
}

START_TEST(one_frame_of_a_room_is_the_same_for_all)
{
	struct frame *f;

	open_room();
	f = say_to_room('a');
	for (int i = 0; i < MEMBERS; i++)
		expect_batch(&room[i], NULL, "a");
	ck_assert_uint_eq(lane.batch.given, MEMBERS);
	end_room(&f, 1);
}
END_TEST

START_TEST(several_frames_of_a_room_are_put_together_once)
{
	struct frame *f[2];

	open_room();
	f[0] = say_to_room('a');
	f[1] = say_to_room('b');
	expect_batch(&room[0], NULL, "ab");
	memset(lane.scratch + 3, 'x', 1); /* nobody would write there */
	for (int i = 1; i < MEMBERS; i++) {
		expect_batch(&room[i], NULL, "ab");
		ck_assert_int_eq(lane.batch.bytes.at[3], 'x');
	}
	end_room(f, 2);
}
END_TEST

/* More, fewer, others, and the same in another order: always one's own. */
START_TEST(what_differs_is_put_together_anew)
{
	struct frame *f[3];

	open_room();
	f[0] = say_to_room('a');
	f[1] = say_to_room('b');
	f[2] = frame_of(20, 'c');
	ck_assert(out_push(&room[1], f[2]));
	frame_unref(out_pop(&room[2]));
	ck_assert(out_push(&room[2], f[0]));
	expect_batch(&room[0], NULL, "ab");
	expect_batch(&room[1], NULL, "abc");
	expect_batch(&room[2], NULL, "ba");
	end_room(f, 3);
}
END_TEST

static struct frame *upper[26];

static const struct frame *in_capitals(const struct out_form *form, struct frame *f)
{
	(void)form;
	return upper[f->bytes[2] - 'a'];
}

START_TEST(another_form_is_another_batch)
{
	static const struct out_form capitals = { in_capitals };
	struct frame *f[2];

	open_room();
	upper[0] = frame_of(20, 'A');
	upper[1] = frame_of(20, 'B');
	f[0] = say_to_room('a');
	f[1] = say_to_room('b');
	expect_batch(&room[0], NULL, "ab");
	expect_batch(&room[1], &capitals, "AB");
	expect_batch(&room[2], NULL, "ab");
	end_room(f, 2);
	frame_unref(upper[0]);
	frame_unref(upper[1]);
}
END_TEST

/* A frame that is gone must not be taken for a new one in its place. */
START_TEST(a_batch_keeps_its_frames)
{
	open_room();
	for (char c = 'a'; c < 'z'; c++) {
		char said[] = { c, 0 };
		struct frame *f = frame_of(20, c);

		ck_assert(out_push(&room[0], f));
		frame_unref(f);
		expect_batch(&room[0], NULL, said);
	}
	end_room(NULL, 0);
}
END_TEST

START_TEST(what_is_lent_obeys_the_limit)
{
	struct frame *f = frame_of(50, 'a');

	ck_assert(out_lend(&out, f) && out_lend(&out, f));
	ck_assert(!out_lend(&out, f));
	ck_assert(out_has_overflowed(&out));
	frame_ref_times(f, 2);
	out_close(&out);
	ck_assert(!out_lend(&out, f));
	ck_assert_uint_eq(f->refs, 1);
	frame_unref(f);
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
	tcase_add_test(t, small_frames_are_taken_together);
	tcase_add_loop_test(t, a_batch_has_so_many_frames_and_no_more, 0, 2);
	tcase_add_test(t, a_queue_that_is_never_empty_does_not_grow);
	tcase_add_test(t, the_memory_of_many_is_given_back);
	tcase_add_test(t, one_frame_of_a_room_is_the_same_for_all);
	tcase_add_test(t, several_frames_of_a_room_are_put_together_once);
	tcase_add_test(t, what_differs_is_put_together_anew);
	tcase_add_test(t, another_form_is_another_batch);
	tcase_add_test(t, a_batch_keeps_its_frames);
	tcase_add_test(t, what_is_lent_obeys_the_limit);
	suite_add_tcase(s, t);
	return s;
}
