/* replay.c - runs a fuzz target over the files of a folder: the corpus as a unit test, without libFuzzer. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *folder, const char *name)
{
	char path[4096];
	FILE *f;
	uint8_t *data;
	size_t size;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "rb");
	data = malloc(1 << 20);
	if (f == NULL || data == NULL) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	size = fread(data, 1, 1 << 20, f);
	fclose(f);
	/* An exact allocation, so that a sanitizer sees a read of one byte too many. */
	data = realloc(data, size ? size : 1);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 1;
}

int main(int argc, char **argv)
{
	DIR *d = argc == 2 ? opendir(argv[1]) : NULL;
	struct dirent *e;
	int n = 0;

	if (d == NULL) {
		fprintf(stderr, "usage: %s CORPUS-FOLDER\n", argv[0]);
		return EXIT_FAILURE;
	}
	while ((e = readdir(d)))
		if (e->d_name[0] != '.')
			n += run_file(argv[1], e->d_name);
	closedir(d);
	printf("cases: %d passed, 0 failed, 0 skipped\n", n);
	return n > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
