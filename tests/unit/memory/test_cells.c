/* test_cells.c - where libevent's small pieces are; which malloc there is. */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cells.h"
#include "memory.h"
#include "test_main.h"

START_TEST(small_pieces_stand_side_by_side)
{
	char *a, *b, *large;

	cells_open(4096);
	a = cells_malloc(CELL_BYTES);
	b = cells_malloc(1);
	large = cells_malloc(CELL_BYTES + 1);
	ck_assert(cells_has(a) && cells_has(b) && !cells_has(large));
	ck_assert_int_eq(b - a, CELL_BYTES);
	cells_free(a);
	ck_assert_ptr_eq(cells_malloc(2), a);
	cells_free(large);
	cells_free(NULL);
}
END_TEST

START_TEST(what_does_not_fit_comes_from_malloc)
{
	void *pieces[5];

	cells_open(4096);
	for (int i = 0; i < 4096 / CELL_BYTES - 4; i++)
		ck_assert(cells_has(cells_malloc(CELL_BYTES)));
	for (int i = 0; i < 5; i++)
		pieces[i] = cells_malloc(CELL_BYTES);
	ck_assert(cells_has(pieces[3]));
	ck_assert(pieces[4] != NULL && !cells_has(pieces[4]));
	memset(pieces[4], 1, CELL_BYTES);
	cells_free(pieces[4]);
	cells_free(pieces[3]);
	ck_assert_ptr_eq(cells_malloc(CELL_BYTES), pieces[3]);
}
END_TEST

START_TEST(pieces_grow_and_shrink_with_what_is_in_them)
{
	char *piece;

	cells_open(4096);
	piece = cells_realloc(NULL, 8);
	ck_assert(cells_has(piece));
	memcpy(piece, "7 bytes", 8);
	piece = cells_realloc(piece, 1000);
	ck_assert(!cells_has(piece));
	ck_assert_str_eq(piece, "7 bytes");
	piece = cells_realloc(piece, 2000);
	ck_assert_str_eq(piece, "7 bytes");
	cells_free(piece);
	piece = cells_malloc(16);
	memcpy(piece, "15 bytes of it.", 16);
	piece = cells_realloc(piece, 3);
	ck_assert(cells_has(piece) && memcmp(piece, "15 ", 3) == 0);
	cells_free(piece);
}
END_TEST

static void on_read(evutil_socket_t fd, short what, void *ctx)
{
	char c;

	(void)what;
	*(int *)ctx += (int)read(fd, &c, 1);
}

/* What all this is for: a descriptor that is watched takes nothing small from malloc. */
START_TEST(libevent_lives_with_it)
{
	struct event_base *base;
	struct event *event;
	void *before, *after;
	int pipes[2], heard = 0;

	cells_for_libevent();
	base = event_base_new();
	ck_assert_int_eq(pipe(pipes), 0);
	event = event_new(base, pipes[0], EV_READ | EV_PERSIST, on_read, &heard);
	before = cells_malloc(CELL_BYTES);
	cells_free(before);
	event_add(event, NULL);
	after = cells_malloc(CELL_BYTES);
	ck_assert_msg(after != before, "libevent has not taken the next place, so it takes 16 bytes elsewhere");
	cells_free(after);
	ck_assert_int_eq(write(pipes[1], "x", 1), 1);
	event_base_loop(base, EVLOOP_ONCE);
	ck_assert_int_eq(heard, 1);
	event_free(event);
	event_base_free(base);
	ck_assert_ptr_eq(cells_malloc(CELL_BYTES), before); /* given back */
	close(pipes[0]);
	close(pipes[1]);
}
END_TEST

START_TEST(the_allocator_has_a_name)
{
	ck_assert_uint_ge(strspn(strchr(memory_allocator(), ' ') + 1, "0123456789."), 3);
	memory_give_back();
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("cells");
	TCase *t = tcase_create("cells");

	tcase_add_test(t, small_pieces_stand_side_by_side);
	tcase_add_test(t, what_does_not_fit_comes_from_malloc);
	tcase_add_test(t, pieces_grow_and_shrink_with_what_is_in_them);
	tcase_add_test(t, libevent_lives_with_it);
	tcase_add_test(t, the_allocator_has_a_name);
	suite_add_tcase(s, t);
	return s;
}
