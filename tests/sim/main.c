/*
 * main.c - runs of a simulated cluster (world.h, brokers_world.h), one for each seed, for as long as there is time.
 *
 *	sim-cluster | sim-broker [--seed N] [--seeds COUNT] [--seconds N] [--long] [--trace]
 *
 * Without arguments: 20 seconds, from seed 1 on. --seed alone: that one. --long: half an hour, from a seed of the clock.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "clock.h"
#include "log.h"
#include "runs.h"

struct plan {
	uint64_t seed, seeds; /* seeds 0: as many as there is time for */
	int64_t seconds;
	bool trace;
};

static struct plan plan_of(int argc, char **argv)
{
	static const struct option options[] = { { "seed", required_argument, NULL, 's' },
		{ "seeds", required_argument, NULL, 'n' }, { "seconds", required_argument, NULL, 't' },
		{ "long", no_argument, NULL, 'l' }, { "trace", no_argument, NULL, 'v' }, { 0 } };
	struct plan plan = { .seed = 1, .seconds = 20 };
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (c == 's')
			plan.seed = strtoull(optarg, NULL, 10), plan.seeds = plan.seeds ? plan.seeds : 1;
		else if (c == 'n')
			plan.seeds = strtoull(optarg, NULL, 10);
		else if (c == 't')
			plan.seconds = strtoll(optarg, NULL, 10), plan.seeds = 0;
		else if (c == 'l')
			plan.seed = (uint64_t)time(NULL), plan.seeds = 0, plan.seconds = 1800;
		else if (c == 'v')
			plan.trace = true;
		else
			exit(2);
	}
	return plan;
}

int main(int argc, char **argv)
{
	struct plan plan = plan_of(argc, argv);
	int64_t end_ms = clock_now_ms() + plan.seconds * 1000;
	uint64_t n = 0;

	log_set_level(plan.trace ? LOG_INFO : LOG_ERROR);
	while (plan.seeds ? n < plan.seeds : clock_now_ms() < end_ms)
		run_seed(plan.seed + n++, plan.trace);
	printf("%llu seeds from %llu\n", (unsigned long long)n, (unsigned long long)plan.seed);
	return EXIT_SUCCESS;
}
