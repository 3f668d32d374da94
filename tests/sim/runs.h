/* runs.h - what main.c runs again and again: a simulation's world, from a seed. A failure prints the seed and ends the program. */
#ifndef STOA_TESTS_RUNS_H
#define STOA_TESTS_RUNS_H

#include <stdbool.h>
#include <stdint.h>

void run_seed(uint64_t seed, bool trace);

#endif
