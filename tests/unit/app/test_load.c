/* test_load.c - modules found, refused and run. MODULES is the folder they were built in. */
#include "rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <unistd.h>

static struct buf heard;

static void hear(void *ctx, const struct effect *first)
{
	(void)ctx;
	for (const struct effect *e = first; e; e = e->next)
		buf_add_slice(&heard, e->json);
}

static void no_rooms(void *ctx, const struct app_client *client, void (*each)(void *to, struct slice room), void *to)
{
	(void)ctx;
	(void)client;
	(void)each;
	(void)to;
}

static const struct app_port port = { .execute = hear, .rooms = no_rooms };
static const char *const options[][2] = { { "name", "Ada" }, { NULL, NULL } };
static const struct app_setup setup = {
	.port = &port, .limits = { .max_json_depth = 20, .max_timers = 5 }, .options = options
};

static void run_go(struct app *a)
{
	struct app_client client = { .sid = "A", .nsp = "/" };

	buf_clear(&heard);
	app_event(a, 0,
		&(struct app_event_in){
			.kind = APP_EVENT, .client = &client, .name = SLICE("\"go\""), .items = SLICE("") });
	buf_add_char(&heard, '\0');
}

START_TEST(a_module_of_two_files)
{
	char why[300] = "";
	struct app *a = app_load(MODULES "/app-test-good.so", &setup, why, sizeof(why));

	ck_assert_msg(a != NULL, "%s", why);
	run_go(a);
	ck_assert_str_eq(heard.at, "[\"hello\",\"from Ada\"]");
	app_free(a);
	buf_fini(&heard);
}
END_TEST

START_TEST(the_same_module_twice_in_one_process)
{
	char why[300];
	struct app *a = app_load(MODULES "/app-test-good.so", &setup, why, sizeof(why));
	struct app *b = app_load(MODULES "/app-test-good.so", &setup, why, sizeof(why));

	ck_assert_ptr_nonnull(a);
	ck_assert_ptr_nonnull(b);
	app_free(a);
	run_go(b);
	ck_assert_str_eq(heard.at, "[\"hello\",\"from Ada\"]");
	app_free(b);
	buf_fini(&heard);
}
END_TEST

START_TEST(a_name_without_a_slash_is_a_file_here)
{
	char why[300], cwd[4096];
	struct app *a;

	ck_assert_ptr_nonnull(getcwd(cwd, sizeof(cwd)));
	ck_assert_int_eq(chdir(MODULES), 0);
	a = app_load("app-test-good.so", &setup, why, sizeof(why));
	ck_assert_int_eq(chdir(cwd), 0);
	ck_assert_ptr_nonnull(a);
	app_free(a);
}
END_TEST

static void put_file(const char *from, const char *to)
{
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0700);
	ssize_t n;

	do
		n = sendfile(out, in, NULL, 1 << 20);
	while (n > 0);
	ck_assert_int_eq(n, 0);
	close(in);
	close(out);
}

/* The code that runs is not what the file has become, and what is loaded next is. */
START_TEST(a_copy_outlives_its_file)
{
	char file[] = "/tmp/stoa-test-XXXXXX", why[300] = "";
	struct app_setup copied = setup;
	struct app *a, *b;

	copied.copy = true;
	close(mkstemp(file));
	put_file(MODULES "/app-test-good.so", file);
	a = app_load(file, &copied, why, sizeof(why));
	ck_assert_msg(a != NULL, "%s", why);
	put_file(MODULES "/app-test-mistaken.so", file);
	ck_assert_ptr_null(app_load(file, &copied, why, sizeof(why)));
	ck_assert_ptr_nonnull(strstr(why, "given twice: \"go\""));
	ck_assert_int_eq(strncmp(why, file, strlen(file)), 0);
	put_file(NOT_A_MODULE, file);
	ck_assert_ptr_null(app_load(file, &copied, why, sizeof(why)));
	unlink(file);
	ck_assert_ptr_null(app_load(file, &copied, why, sizeof(why)));
	run_go(a);
	ck_assert_str_eq(heard.at, "[\"hello\",\"from Ada\"]");
	b = app_load(MODULES "/app-test-good.so", &copied, why, sizeof(why));
	app_free(a);
	run_go(b);
	ck_assert_str_eq(heard.at, "[\"hello\",\"from Ada\"]");
	app_free(b);
	buf_fini(&heard);
}
END_TEST

static const struct {
	const char *path, *why;
} refused[] = {
	{ MODULES "/none.so", MODULES "/none.so: no such file" },
	{ "", ": no such file" },
	{ MODULES, MODULES ": not a file" },
	{ MODULES "/app-test-no_app.so", MODULES "/app-test-no_app.so has no STOA_APP: it is no application" },
	{ MODULES "/app-test-old_abi.so", MODULES "/app-test-old_abi.so was built for stoa ABI 99, this is 1" },
	{ MODULES "/app-test-newer.so", MODULES "/app-test-newer.so: it was built with a newer stoa.h" },
	{ MODULES "/app-test-undefined.so", MODULES "/app-test-undefined.so: undefined symbol: nobody_has_this" },
	{ MODULES "/app-test-mistaken.so", MODULES "/app-test-mistaken.so: stoa_on: given twice: \"go\"" },
	{ NOT_A_MODULE, NOT_A_MODULE ": file too short" },
};

START_TEST(refusals)
{
	char why[1000] = "";

	ck_assert_ptr_null(app_load(refused[_i].path, &setup, why, sizeof(why)));
	if (strcmp(refused[_i].path, NOT_A_MODULE) == 0)
		ck_assert_msg(strncmp(why, NOT_A_MODULE ": ", strlen(NOT_A_MODULE) + 2) == 0, "%s", why);
	else
		ck_assert_str_eq(why, refused[_i].why);
}
END_TEST

TCase *case_load(void)
{
	TCase *tc = tcase_create("load");

	tcase_add_test(tc, a_module_of_two_files);
	tcase_add_test(tc, the_same_module_twice_in_one_process);
	tcase_add_test(tc, a_name_without_a_slash_is_a_file_here);
	tcase_add_test(tc, a_copy_outlives_its_file);
	tcase_add_loop_test(tc, refusals, 0, (int)(sizeof(refused) / sizeof(*refused)));
	return tc;
}
