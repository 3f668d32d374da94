/*
 * dice.h - random.h without the kernel: ids come from a seed, so that a run that depends on them (partitions are chosen by a
 * client's id) can be repeated. Linked into a program, dice.c is what all of it gets for random.h's functions.
 */
#ifndef STOA_TESTS_DICE_H
#define STOA_TESTS_DICE_H

#include <stdint.h>

void dice_seed(uint64_t seed);

#endif
