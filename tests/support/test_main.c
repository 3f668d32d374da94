/* test_main.c - see test_main.h. */
#include "test_main.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

static int open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	if (d == NULL)
		return 0;
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

int main(void)
{
	SRunner *runner = srunner_create(suite());
	int before = open_descriptors(), failed, run;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	run = srunner_ntests_run(runner);
	srunner_free(runner);
	if (open_descriptors() != before) {
		fprintf(stderr, "a test left descriptors open\n");
		failed++;
		run++;
	}
	printf("cases: %d passed, %d failed, 0 skipped\n", run - failed, failed);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
