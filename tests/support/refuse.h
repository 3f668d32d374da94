/*
 * refuse.h - a system call that the kernel refuses, for this process and what it runs from here on: what a container's
 * seccomp filter does. There is no way back.
 */
#ifndef STOA_TESTS_REFUSE_H
#define STOA_TESTS_REFUSE_H

#include <stdbool.h>

/* `number`: __NR_..; each call of it fails with `error`. False: this machine does not let us. */
bool refuse_call(int number, int error);

#endif
