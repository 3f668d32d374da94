/* test_scripts.c - every script of tests/scripts, one case each. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"
#include "test_main.h"

static struct dirent **scripts;

static char *read_file(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = calloc(1, 1 << 16);

	ck_assert_msg(f != NULL && fread(text, 1, (1 << 16) - 1, f) > 0, "cannot read %s", path);
	fclose(f);
	return text;
}

START_TEST(script)
{
	char path[4096], why[1024] = "";
	char *text;
	int line;

	snprintf(path, sizeof(path), "%s/%s", STOA_SCRIPTS, scripts[_i]->d_name);
	text = read_file(path);
	line = script_run(text, STOA_APPS, why, sizeof(why));
	free(text);
	ck_assert_msg(line == 0, "%s:%d: %s", scripts[_i]->d_name, line, why);
}
END_TEST

static int is_script(const struct dirent *e)
{
	return strstr(e->d_name, ".script") != NULL;
}

Suite *suite(void)
{
	Suite *s = suite_create("scripts");
	TCase *t = tcase_create("scripts");
	int n = scandir(STOA_SCRIPTS, &scripts, is_script, alphasort);

	tcase_add_loop_test(t, script, 0, n > 0 ? n : 1);
	suite_add_tcase(s, t);
	return s;
}
