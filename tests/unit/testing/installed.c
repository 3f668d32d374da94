/* installed.c - the test program that installed.cmake builds against an installed tree, as a user would. */
#include <stdio.h>
#include <string.h>

#include <stoa_test.h>

int main(int argc, char **argv)
{
	struct stoa_test *t = stoa_test_open(argc > 1 ? argv[1] : "", NULL);
	struct stoa_test_client *c = stoa_test_connect(t);

	stoa_test_emit(c, "go");
	puts(stoa_to_json(stoa_test_received(c)));
	stoa_test_close(t);
	return 0;
}
