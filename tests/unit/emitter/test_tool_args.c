/* test_tool_args.c - the command line of `stoa`: which way a command goes, and what it has no place for. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "test_main.h"
#include "tool.h"

static enum tool_exit by_redis(const struct tool_args *a)
{
	(void)a;
	return TOOL_DONE;
}

const struct tool_command tool_commands[] = {
	{ "emit", TOOL_EMIT, TOOL_EITHER, "EVENT [JSON...]", 1, 1000, "", "delivered", by_redis },
	{ "counts", TOOL_COUNTS, TOOL_HTTP, "[ROOM...]", 0, 1000, "", NULL, NULL },
	{ "nodes", TOOL_NODES, TOOL_REDIS, "", 0, 0, "", NULL, by_redis },
	{ "brokers", TOOL_BROKERS, TOOL_REDIS, "", 0, 0, "", NULL, by_redis },
	{ "dead", TOOL_DEAD, TOOL_REDIS, "list|..", 1, 1000, "", NULL, by_redis },
	{ 0 },
};

const char *tool_redis_option(const char *given, const char *variable)
{
	const char *value = given ? given : getenv(variable);

	return value && value[0] ? value : NULL;
}

enum { REFUSED = -1, HTTP, REDIS };

static const struct {
	const char *words;
	bool environment; /* names a Redis */
	int way;
} rows[] = {
	{ "emit --broadcast x", false, HTTP },
	{ "emit --broadcast x", true, REDIS },
	{ "emit --broadcast x --url http://h", true, HTTP },
	{ "emit --broadcast x --key k", true, HTTP },
	{ "emit --broadcast x --local", true, HTTP },
	{ "emit --broadcast x --idempotency-key k", true, HTTP },
	{ "emit --broadcast x --redis redis://h", false, REDIS },
	{ "emit --redis=redis://h --broadcast -- x --y", false, REDIS },
	{ "emit --broadcast x --redis redis://h --url http://h", false, REFUSED },
	{ "emit --broadcast x --ack 5 --local", true, REFUSED },
	{ "emit --broadcast x --ack 5", true, REDIS },
	{ "emit --broadcast x --ack 5", false, REFUSED },
	{ "emit --broadcast x --ack 0", true, REFUSED },
	{ "emit --broadcast x --ack -1", true, REFUSED },
	{ "emit --broadcast x --ack 1.5", true, REFUSED },
	{ "emit --broadcast x --ack", true, REFUSED },
	{ "emit --broadcast x --requests", true, REFUSED },
	{ "emit x", true, REFUSED },
	{ "emit --broadcast", true, REFUSED },
	{ "counts", true, HTTP },
	{ "counts --redis redis://h", false, REFUSED },
	{ "nodes", true, REDIS },
	{ "nodes", false, REFUSED },
	{ "nodes --redis redis://h", false, REDIS },
	{ "nodes --url http://h", true, REFUSED },
	{ "nodes --limit 5", true, REFUSED },
	{ "nodes x", true, REFUSED },
	{ "nodes --app-name a", true, REFUSED },
	{ "brokers --app-name a --json", true, REDIS },
	{ "brokers", false, REFUSED },
	{ "brokers --namespace /", true, REFUSED },
	{ "brokers --redis-key k", true, REFUSED },
	{ "dead list --namespace / --count 3", true, REDIS },
	{ "dead retry --all", true, REDIS },
	{ "dead drop 1-1 2-2 --redis redis://h", false, REDIS },
	{ "dead list --redis-key k", true, REFUSED },
	{ "dead list --limit 3", true, REFUSED },
	{ "dead list --url http://h", true, REFUSED },
	{ "dead", true, REFUSED },
	{ "nothing", true, REFUSED },
	{ "", true, REFUSED },
};

START_TEST(which_way)
{
	char text[200], *argv[20] = { (char[]){ "stoa" } }, *save, *word;
	struct tool_args a = { .timeout_ms = 10000 };
	int argc = 1, way;

	if (rows[_i].environment)
		setenv("STOA_REDIS_URL", "redis://h", 1);
	else
		unsetenv("STOA_REDIS_URL");
	snprintf(text, sizeof(text), "%s", rows[_i].words);
	for (word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	argv[argc] = NULL;
	way = !tool_args_read(&a, argc, argv) ? REFUSED : a.is_redis ? REDIS : HTTP;
	ck_assert_msg(way == rows[_i].way, "%s: %d", rows[_i].words, way);
	tool_args_fini(&a);
}
END_TEST

START_TEST(lists_end_with_null)
{
	char *argv[] = { (char[]){ "stoa" }, (char[]){ "emit" }, (char[]){ "--to" }, (char[]){ "a" },
		(char[]){ "--to=b" }, (char[]){ "x" }, NULL };
	struct tool_args a = { .timeout_ms = 10000 };

	unsetenv("STOA_REDIS_URL");
	ck_assert(tool_args_read(&a, 6, argv));
	ck_assert_uint_eq(a.to.count, 2);
	ck_assert_str_eq(a.to.at[1], "b");
	ck_assert_ptr_null(a.to.at[2]);
	ck_assert_ptr_null(a.words.at[1]);
	tool_args_fini(&a);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("tool-args");
	TCase *c = tcase_create("tool-args");

	tcase_add_loop_test(c, which_way, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(c, lists_end_with_null);
	suite_add_tcase(s, c);
	return s;
}
