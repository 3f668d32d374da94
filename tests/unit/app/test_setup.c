/* test_setup.c - STOA_APP's calls, their mistakes, and which handler an event then finds. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>

static int ok(struct stoa_event *ev)
{
	(void)ev;
	return 0;
}

/* Says its ctx, a text, and where it is. */
static int say(struct stoa_event *ev)
{
	return stoa_emit(
		stoa_to(ev, .broadcast = true), "said", (const char *)stoa_ctx(ev), stoa_namespace(ev), stoa_name(ev));
}

/* --- Mistakes ----------------------------------------------------------------------------------------------------- */

static const struct {
	const char *nsp, *event, *why;
} mistakes[] = {
	{ "chat", "x", "test: stoa_on: a namespace begins with a slash, not \"chat\"" },
	{ "", "x", "test: stoa_on: a namespace begins with a slash, not \"\"" },
	{ "/a*b", "x", "test: stoa_on: a star stands only at the end of namespace \"/a*b\"" },
	{ "/a,b", "x", "test: stoa_on: a comma cannot stand in namespace \"/a,b\"" },
	{ NULL, "x", "test: stoa_on: no namespace given" },
	{ "/", NULL, "test: stoa_on: no event given" },
	{ "/", "connect_error", "test: stoa_on: no client can send the reserved event \"connect_error\"" },
	{ "/", "newListener", "test: stoa_on: no client can send the reserved event \"newListener\"" },
	{ "/", "removeListener", "test: stoa_on: no client can send the reserved event \"removeListener\"" },
};
static size_t row;

static void setup_row(struct stoa_app *app)
{
	stoa_on(app, mistakes[row].nsp, mistakes[row].event, ok, NULL);
	stoa_on(app, "also wrong", "x", ok, NULL);
}

START_TEST(a_mistake_stops_the_load)
{
	row = (size_t)_i;
	ck_assert_ptr_null(rig_open(setup_row));
	ck_assert_str_eq(rig.why, mistakes[row].why);
}
END_TEST

static void twice_event(struct stoa_app *app)
{
	stoa_on(app, "/", "join", ok, NULL);
	stoa_on(app, "/other", "join", ok, NULL);
	stoa_on(app, "/", "join", ok, NULL);
}
static void twice_connect(struct stoa_app *app)
{
	stoa_on(app, "/", "connect", ok, NULL);
	stoa_on(app, "/", "connect", ok, NULL);
}
static void twice_any(struct stoa_app *app)
{
	stoa_on(app, "/", "*", ok, NULL);
	stoa_on(app, "/", "*", ok, NULL);
}
static void twice_error(struct stoa_app *app)
{
	stoa_on_error(app, "*", ok, NULL);
	stoa_on_error(app, "*", ok, NULL);
}
static void twice_task(struct stoa_app *app)
{
	stoa_every(app, "tick", 0, ok, NULL);
	stoa_every(app, "tick", 5, ok, NULL);
}
static void twice_start(struct stoa_app *app)
{
	stoa_on_server(app, "start", ok, NULL);
	stoa_on_server(app, "start", ok, NULL);
}
static void wrong_server_event(struct stoa_app *app)
{
	stoa_on_server(app, NULL, ok, NULL);
}

static void twice_server_event(struct stoa_app *app)
{
	stoa_on_server(app, "reload", ok, NULL);
	stoa_on_server(app, "reload", ok, NULL);
}

static void bad_one_process(struct stoa_app *app)
{
	stoa_one_process(app, "game");
}
static void no_function(struct stoa_app *app)
{
	stoa_on(app, "/", "join", NULL, NULL);
}
static void no_use(struct stoa_app *app)
{
	stoa_use(app, "/", NULL, NULL);
}
static void bad_use(struct stoa_app *app)
{
	stoa_use(app, "x", ok, NULL);
}
static void bad_error(struct stoa_app *app)
{
	stoa_on_error(app, "x", ok, NULL);
}
static void bad_period(struct stoa_app *app)
{
	stoa_every(app, "tick", -1, ok, NULL);
}
static void no_task_name(struct stoa_app *app)
{
	stoa_every(app, NULL, 1, ok, NULL);
}
static void gives_up(struct stoa_app *app)
{
	stoa_abort(app, "option `tick` is a number");
}
static void gives_up_silently(struct stoa_app *app)
{
	stoa_abort(app, NULL);
}

static const struct {
	void (*setup)(struct stoa_app *app);
	const char *why;
} setups[] = {
	{ twice_event, "test: stoa_on: given twice: \"join\"" },
	{ twice_connect, "test: stoa_on: given twice: \"connect\"" },
	{ twice_any, "test: stoa_on: given twice: \"*\"" },
	{ twice_error, "test: stoa_on_error: given twice: \"*\"" },
	{ twice_task, "test: stoa_every: given twice: \"tick\"" },
	{ twice_start, "test: stoa_on_server: given twice: \"start\"" },
	{ wrong_server_event, "test: stoa_on_server: no event given" },
	{ twice_server_event, "test: stoa_on_server: given twice: \"reload\"" },
	{ bad_one_process, "test: stoa_one_process: a namespace begins with a slash, not \"game\"" },
	{ no_function, "test: stoa_on: no function given for \"join\"" },
	{ no_use, "test: stoa_use: no function given for \"/\"" },
	{ bad_use, "test: stoa_use: a namespace begins with a slash, not \"x\"" },
	{ bad_error, "test: stoa_on_error: a namespace begins with a slash, not \"x\"" },
	{ bad_period, "test: stoa_every: a period below 0 for \"tick\"" },
	{ no_task_name, "test: stoa_every: no name given" },
	{ gives_up, "test: option `tick` is a number" },
	{ gives_up_silently, "test: it gave up without a word" },
};

START_TEST(a_wrong_setup_is_told)
{
	ck_assert_ptr_null(rig_open(setups[_i].setup));
	ck_assert_str_eq(rig.why, setups[_i].why);
}
END_TEST

static struct stoa_app *kept_app;

static void keeps_app(struct stoa_app *app)
{
	kept_app = app;
	stoa_on(app, "/", "go", say, CTX("go"));
}

START_TEST(setup_ends_with_the_function)
{
	ck_assert_ptr_nonnull(rig_open(keeps_app));
	rig_watch_errors();
	stoa_on(kept_app, "/later", "x", ok, NULL);
	stoa_use(kept_app, "/", ok, NULL);
	stoa_abort(kept_app, "x");
	ck_assert_ptr_nonnull(strstr(rig_errors(), "stoa_on"));
	ck_assert(!app_has_namespace(rig.app, SLICE("/later")));
}
END_TEST

/* --- Options ------------------------------------------------------------------------------------------------------ */

static const char *tick, *other, *none;

static void reads_options(struct stoa_app *app)
{
	tick = stoa_option(app, "tick", "0");
	other = stoa_option(app, "other", "as it was");
	none = stoa_option(app, "none", NULL);
}

START_TEST(options)
{
	static const char *const given[][2] = { { "tick", "5" }, { "x", "y" }, { "tick", "7" }, { NULL, NULL } };

	rig.options = given;
	ck_assert_ptr_nonnull(rig_open(reads_options));
	ck_assert_str_eq(tick, "7");
	ck_assert_str_eq(other, "as it was");
	ck_assert_ptr_null(none);
	rig.options = NULL;
	ck_assert_ptr_nonnull(rig_open(reads_options));
	ck_assert_str_eq(tick, "0");
}
END_TEST

static const struct {
	const char *given, *why;
	int64_t is;
} numbers[] = {
	{ "5", NULL, 5 },
	{ "-5", NULL, -5 },
	{ "+7", NULL, 7 },
	{ "10", NULL, 10 },
	{ NULL, NULL, 99 }, /* what is not given is not looked at */
	{ "11", "test: option `n` is a whole number from -5 to 10, not \"11\"", 99 },
	{ "-6", "test: option `n` is a whole number from -5 to 10, not \"-6\"", 99 },
	{ "", "test: option `n` is a whole number from -5 to 10, not \"\"", 99 },
	{ "-", "test: option `n` is a whole number from -5 to 10, not \"-\"", 99 },
	{ "5x", "test: option `n` is a whole number from -5 to 10, not \"5x\"", 99 },
	{ " 5", "test: option `n` is a whole number from -5 to 10, not \" 5\"", 99 },
	{ "-+5", "test: option `n` is a whole number from -5 to 10, not \"-+5\"", 99 },
	{ "1.0", "test: option `n` is a whole number from -5 to 10, not \"1.0\"", 99 },
	{ "18446744073709551617", "test: option `n` is a whole number from -5 to 10, not \"18446744073709551617\"",
		99 },
};

static int64_t number;

static void reads_number(struct stoa_app *app)
{
	number = stoa_option_int(app, "n", 99, -5, 10);
}

START_TEST(options_that_are_numbers)
{
	const char *const given[][2] = { { "n", numbers[_i].given }, { NULL, NULL } };

	number = 0;
	rig.options = numbers[_i].given ? given : NULL;
	if (numbers[_i].why) {
		ck_assert_ptr_null(rig_open(reads_number));
		ck_assert_str_eq(rig.why, numbers[_i].why);
	} else {
		ck_assert_ptr_nonnull(rig_open(reads_number));
	}
	IS(number, numbers[_i].is);
	rig.options = NULL;
}
END_TEST

static void reads_any_number(struct stoa_app *app)
{
	number = stoa_option_int(app, "n", 99, INT64_MIN, INT64_MAX);
}

START_TEST(options_of_the_whole_range)
{
	const char *given[][2] = { { "n", "9223372036854775807" }, { NULL, NULL } };

	rig.options = (const char *const(*)[2])given;
	ck_assert_ptr_nonnull(rig_open(reads_any_number));
	IS(number, INT64_MAX);
	given[0][1] = "9223372036854775808";
	ck_assert_ptr_null(rig_open(reads_any_number));
	ck_assert_ptr_nonnull(strstr(rig.why, "not \"9223372036854775808\""));
	rig.options = NULL;
}
END_TEST

/* --- Who handles what --------------------------------------------------------------------------------------------- */

static const struct stoa_handler table[] = { { "connect", say }, { "join", say }, { 0 } };

static void setup_namespaces(struct stoa_app *app)
{
	stoa_on(app, "/chat", "join", say, CTX("exact join"));
	stoa_on(app, "/chat", "*", say, CTX("exact any"));
	stoa_on(app, "/game-*", "join", say, CTX("prefix join"));
	stoa_on(app, "/game-big-*", "join", say, CTX("longer prefix join"));
	stoa_on_namespace(app, "/table", table, CTX("table"));
	stoa_on(app, "*", "join", say, CTX("star join"));
	stoa_on(app, "*", "leave", say, CTX("star leave"));
	stoa_on(app, "*", "*", say, CTX("star any"));
	stoa_on(app, "*", "connect", say, CTX("star connect"));
}

static const struct {
	const char *nsp, *event, *log;
} lookups[] = {
	{ "/chat", "join", "emit [\"said\",\"exact join\",\"/chat\",\"join\"] to broadcast nsp=/chat\n" },
	{ "/chat", "leave", "emit [\"said\",\"exact any\",\"/chat\",\"leave\"] to broadcast nsp=/chat\n" },
	{ "/chat", "*", "emit [\"said\",\"exact any\",\"/chat\",\"*\"] to broadcast nsp=/chat\n" },
	{ "/game-", "join", "emit [\"said\",\"prefix join\",\"/game-\",\"join\"] to broadcast nsp=/game-\n" },
	{ "/game-7", "join", "emit [\"said\",\"prefix join\",\"/game-7\",\"join\"] to broadcast nsp=/game-7\n" },
	{ "/game-7", "leave", "" },
	{ "/game-big-7", "join",
		"emit [\"said\",\"longer prefix join\",\"/game-big-7\",\"join\"] to broadcast nsp=/game-big-7\n" },
	{ "/table", "join", "emit [\"said\",\"table\",\"/table\",\"join\"] to broadcast nsp=/table\n" },
	{ "/table", "x", "" },
	{ "/chatty", "join", "emit [\"said\",\"star join\",\"/chatty\",\"join\"] to broadcast nsp=/chatty\n" },
	{ "/", "what", "emit [\"said\",\"star any\",\"/\",\"what\"] to broadcast\n" },
};

START_TEST(the_most_exact_namespace_handles)
{
	ck_assert_ptr_nonnull(rig_open(setup_namespaces));
	rig.nsp = lookups[_i].nsp;
	rig_event(lookups[_i].event, "", -1);
	ck_assert_str_eq(rig_log(), lookups[_i].log);
}
END_TEST

START_TEST(connect_and_disconnect_are_not_for_the_star)
{
	ck_assert_ptr_nonnull(rig_open(setup_namespaces));
	rig.nsp = "/chat";
	rig_connect();
	ck_assert_str_eq(rig_log(), "accept\n");
	rig_disconnect("transport close");
	ck_assert_str_eq(rig_log(), "");
	rig.nsp = "/table";
	rig_connect();
	ck_assert_str_eq(
		rig_log(), "accept\nemit [\"said\",\"table\",\"/table\",\"connect\"] to broadcast nsp=/table\n");
}
END_TEST

static void setup_some(struct stoa_app *app)
{
	stoa_on(app, "/", "connect", ok, NULL);
	stoa_on(app, "/game-*", "x", ok, NULL);
	stoa_use(app, "/use", ok, NULL);
	stoa_use(app, "*", ok, NULL);
	stoa_on_error(app, "/error", ok, NULL);
	stoa_on_error(app, "*", ok, NULL);
}

START_TEST(namespaces_exist_by_their_handlers)
{
	ck_assert_ptr_nonnull(rig_open(setup_some));
	ck_assert(app_has_namespace(rig.app, SLICE("/")));
	ck_assert(app_has_namespace(rig.app, SLICE("/game-1")));
	ck_assert(!app_has_namespace(rig.app, SLICE("/game")));
	ck_assert(!app_has_namespace(rig.app, SLICE("/use")));
	ck_assert(!app_has_namespace(rig.app, SLICE("/error")));
	rig.nsp = "/use";
	rig_connect();
	ck_assert_str_eq(rig_log(), "refuse {\"message\":\"Invalid namespace\"}\n");
	rig_event("x", "", 1);
	ck_assert_str_eq(rig_log(), "");
}
END_TEST

START_TEST(a_number_is_a_name_too)
{
	ck_assert_ptr_nonnull(rig_open(setup_namespaces));
	rig.nsp = "/chat";
	rig_event("#42", "", -1);
	ck_assert_str_eq(rig_log(), "emit [\"said\",\"exact any\",\"/chat\",\"42\"] to broadcast nsp=/chat\n");
}
END_TEST

START_TEST(a_nul_does_not_make_another_name)
{
	ck_assert_ptr_nonnull(rig_open(setup_namespaces));
	rig.nsp = "/chat";
	rig_event("#\"join\\u0000x\"", "", -1);
	ck_assert_str_eq(
		rig_log(), "emit [\"said\",\"exact any\",\"/chat\",\"join\xEF\xBF\xBDx\"] to broadcast nsp=/chat\n");
}
END_TEST

/* --- Values that live as long as the application -------------------------------------------------------------------- */

static struct stoa_value greeting, *list;

static int greet(struct stoa_event *ev)
{
	IS(stoa_append(list, "in a handler"), -22);
	return stoa_emit(ev, "greeting", greeting, *list);
}

static void setup_values(struct stoa_app *app)
{
	char text[20];

	snprintf(text, sizeof(text), "hello %d", 5);
	greeting = stoa_object("text", text, "list", stoa_array(1, 2));
	memset(text, 'x', sizeof(text));
	list = stoa_list();
	stoa_append(list, "in setting up");
	stoa_on(app, "/", "go", greet, NULL);
}

START_TEST(values_of_setup_last)
{
	ck_assert_ptr_nonnull(rig_open(setup_values));
	for (int i = 0; i < 3; i++) {
		rig_event("go", "", -1);
		ck_assert_str_eq(rig_log(),
			"emit [\"greeting\",{\"text\":\"hello 5\",\"list\":[1,2]},[\"in setting up\"]] to A\n");
	}
}
END_TEST

static void one_process(struct stoa_app *app)
{
	stoa_one_process(app, "/game-*");
	stoa_on_server(app, "from another", ok, NULL);
}

START_TEST(one_process_is_recorded_and_brings_no_namespace)
{
	ck_assert_ptr_nonnull(rig_open(one_process));
	ck_assert(app_is_one_process(rig.app, SLICE("/game-1")));
	ck_assert(!app_is_one_process(rig.app, SLICE("/chat")));
	ck_assert(!app_has_namespace(rig.app, SLICE("/game-1")));
}
END_TEST

TCase *case_setup(void)
{
	TCase *tc = tcase_create("setup");

	tcase_add_checked_fixture(tc, rig_begin, rig_end);
	tcase_add_loop_test(tc, a_mistake_stops_the_load, 0, (int)(sizeof(mistakes) / sizeof(*mistakes)));
	tcase_add_loop_test(tc, a_wrong_setup_is_told, 0, (int)(sizeof(setups) / sizeof(*setups)));
	tcase_add_test(tc, setup_ends_with_the_function);
	tcase_add_test(tc, options);
	tcase_add_test(tc, options_of_the_whole_range);
	tcase_add_loop_test(tc, options_that_are_numbers, 0, (int)(sizeof(numbers) / sizeof(*numbers)));
	tcase_add_loop_test(tc, the_most_exact_namespace_handles, 0, (int)(sizeof(lookups) / sizeof(*lookups)));
	tcase_add_test(tc, connect_and_disconnect_are_not_for_the_star);
	tcase_add_test(tc, namespaces_exist_by_their_handlers);
	tcase_add_test(tc, a_number_is_a_name_too);
	tcase_add_test(tc, a_nul_does_not_make_another_name);
	tcase_add_test(tc, values_of_setup_last);
	tcase_add_test(tc, one_process_is_recorded_and_brings_no_namespace);
	return tc;
}
