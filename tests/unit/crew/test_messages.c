/* test_messages.c - what a broker and its workers say to each other: whole, in pieces, and what is none. */
#include "message.h"

#include <errno.h>
#include <stdlib.h>

#include "test_main.h"

static const struct message whole = { .kind = MESSAGE_JOB,
	.number = 1234567890123,
	.x = 5,
	.y = 2,
	.texts = { { "7-0", 3 }, { "record", 6 }, { NULL, 0 } } };

START_TEST(messages_are_read_as_they_were_written)
{
	struct buf all = BUF_INIT;
	struct message m;

	message_put(&all, &whole);
	message_put(&all, &(struct message){ .kind = MESSAGE_STOP });
	ck_assert_int_eq(message_take(buf_slice(&all), 1000, &m), MESSAGE_HEAD + 9);
	ck_assert_int_eq(m.kind, MESSAGE_JOB);
	ck_assert_uint_eq(m.number, 1234567890123);
	ck_assert_uint_eq(m.x, 5);
	ck_assert_uint_eq(m.y, 2);
	ck_assert(slice_equal(m.texts[0], SLICE("7-0")));
	ck_assert(slice_equal(m.texts[1], SLICE("record")));
	ck_assert_uint_eq(m.texts[2].size, 0);
	buf_drop_front(&all, MESSAGE_HEAD + 9);
	ck_assert_int_eq(message_take(buf_slice(&all), 1000, &m), MESSAGE_HEAD);
	ck_assert_int_eq(m.kind, MESSAGE_STOP);
	buf_fini(&all);
}
END_TEST

START_TEST(a_piece_is_no_message_yet)
{
	struct buf all = BUF_INIT;
	struct message m;

	message_put(&all, &whole);
	for (size_t n = 0; n < all.size; n++) {
		char *copy = malloc(n + 1);

		memcpy(copy, all.at, n);
		ck_assert_int_eq(message_take(slice_of(copy, n), 1000, &m), 0);
		free(copy);
	}
	buf_fini(&all);
}
END_TEST

/* Where a number stands, and what it is changed to. */
static const struct {
	size_t at;
	uint32_t to;
} lies[] = { { 0, 0 }, { 0, 31 }, { 0, 42 }, { 0, UINT32_MAX }, { 4, MESSAGE_KINDS }, { 4, UINT32_MAX }, { 24, 4 },
	{ 24, UINT32_MAX }, { 28, 5 }, { 32, 1 }, { 32, UINT32_MAX } };

START_TEST(what_is_none_is_refused)
{
	struct buf all = BUF_INIT;
	struct message m;

	message_put(&all, &whole);
	memcpy(all.at + lies[_i].at, &lies[_i].to, 4);
	ck_assert_int_eq(message_take(buf_slice(&all), 1000, &m), -EPROTO);
	buf_fini(&all);
}
END_TEST

START_TEST(sizes_are_bounded)
{
	struct buf all = BUF_INIT;
	struct message m;

	message_put(&all, &whole);
	ck_assert_int_eq(message_take(buf_slice(&all), all.size, &m), (ssize_t)all.size);
	ck_assert_int_eq(message_take(buf_slice(&all), all.size - 1, &m), -EPROTO);
	ck_assert_int_eq(
		message_take(slice_of(all.at, MESSAGE_HEAD), all.size - 1, &m), -EPROTO); /* before it is there */
	buf_fini(&all);
}
END_TEST

TCase *case_messages(void);
TCase *case_messages(void)
{
	TCase *tc = tcase_create("messages");

	tcase_add_test(tc, messages_are_read_as_they_were_written);
	tcase_add_test(tc, a_piece_is_no_message_yet);
	tcase_add_loop_test(tc, what_is_none_is_refused, 0, sizeof(lies) / sizeof(lies[0]));
	tcase_add_test(tc, sizes_are_bounded);
	return tc;
}
