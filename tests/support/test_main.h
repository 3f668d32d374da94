/*
 * test_main.h - a Check program defines suite() and links stoa-test-main, whose main() runs it, prints
 * `cases: N passed, N failed, N skipped`, and fails when a case failed or a descriptor was left open. Cases run forked
 * unless CK_FORK=no (sanitizers, valgrind, gdb).
 */
#ifndef STOA_TESTS_TEST_MAIN_H
#define STOA_TESTS_TEST_MAIN_H

#include <check.h>

Suite *suite(void);

#endif
