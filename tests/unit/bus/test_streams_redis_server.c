/* test_streams_redis_server.c - the streams over a real Redis: the common cases, and what only a real server does. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "metrics.h"
#include "redis_server.h"
#include "streams_cases.h"
#include "streams_redis.h"

static const char *server_options = "";
static struct streams_redis_config configs[2];

/* --- The stage ---------------------------------------------------------------------------------------------------- */

static struct streams *open_as(int i, const char *name)
{
	char why[300] = "";
	struct streams *s;

	configs[i] = (struct streams_redis_config){
		.redis = fx.config, .group = SLICE("stoa"), .field = SLICE("e"), .max_publish = 8000000
	};
	configs[i].redis.name = name;
	s = streams_redis_open(&fx.loop, &configs[i], &stage_events, (void *)(uintptr_t)name, why, sizeof(why));
	ck_assert_msg(s != NULL, "%s", why);
	return s;
}

static void begin_on(const char *options, const char *url)
{
	server_options = options;
	begin_server(options, url);
	fx.config.max_queue = 64000000;
	stage.shows = "ab";
	stage.a = open_as(0, "a");
	stage_hears("a up fresh;");
	stage.b = open_as(1, "b");
	stage_hears("b up fresh;");
	stage.shows = NULL;
}

/* With the rights that streams_redis.h names, and one for the name by which stage_cut() finds its connections. */
void stage_begin(void)
{
	begin_on("--user stoa on >pw ~* &* +@stream +@scripting +info +get +set +del +hset +hget +hdel "
		 "+hscan +sadd +srem +srandmember +exists +expire +publish +subscribe +ping +client|setname",
		"stoa:pw@");
}

void stage_end(void)
{
	streams_redis_close(stage.a);
	streams_redis_close(stage.b);
	run_turns(3);
	end_server();
	stage_fini();
}

void stage_wait(bool (*done)(void *ctx), void *ctx, const char *what)
{
	run_until(done, ctx, what);
}

void stage_cut(struct streams *s)
{
	char part[16], *list = strdup(admin("CLIENT LIST")), *save, *line;

	snprintf(part, sizeof(part), " name=%s ", s == stage.a ? "a" : "b");
	for (line = strtok_r(list, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (strstr(line, part))
			admin("CLIENT KILL ID %d", atoi(line + 3));
	free(list);
}

void stage_restart(void)
{
	kill_server();
	start_server(server_options);
}

/* --- Only here ---------------------------------------------------------------------------------------------------- */

static void *named(const char *name)
{
	return (void *)(uintptr_t)name;
}

static int add(const char *stream, const char *record, const char *name)
{
	return stage.a->ops->add(stage.a, slice_str(stream), slice_str(record), 10, stage_answer, named(name));
}

START_TEST(a_server_that_is_full)
{
	stage_begin();
	ck_assert_int_eq(add("s", "r", "add"), 0);
	stage_hears("add=1 #1;");
	admin("CONFIG SET maxmemory 1");
	ck_assert_int_eq(add("s", "r", "add"), 0);
	ck_assert_int_eq(stage.a->ops->put(stage.a, SLICE("k"), SLICE("v"), 0, stage_answer, named("put")), 0);
	ck_assert_int_eq(stage.a->ops->claim_key(stage.a, SLICE("k"), SLICE("v"), 1000, stage_answer, named("key")), 0);
	ck_assert_int_eq(stage.a->ops->length(stage.a, SLICE("s"), stage_answer, named("length")), 0);
	stage_hears("add=-71;put=-71;key=-71;length=1;");
	admin("CONFIG SET maxmemory 0");
	admin("HSET h f v");
	admin("CONFIG SET maxmemory 1");
	ck_assert_int_eq(stage.a->ops->field_to_entry(stage.a, SLICE("none"), SLICE("h"), SLICE("f"), SLICE("s"),
				 SLICE("r"), stage_answer, named("to_entry")),
		0);
	ck_assert_int_eq(stage.a->ops->field_get(stage.a, SLICE("h"), SLICE("f"), stage_answer, named("get")), 0);
	stage_hears("to_entry=-71;get=1 v;");
	wait_for_trouble(REDIS_TROUBLE_OUT_OF_MEMORY);
	ck_assert(stage.a->is_up);
	stage_end();
}
END_TEST

START_TEST(a_server_that_becomes_a_replica)
{
	stage_begin();
	stage.shows = "ab";
	admin("REPLICAOF 127.0.0.1 1");
	ck_assert_int_eq(add("s", "r", "add"), 0);
	stage_hears("add=-71;a down;");
	wait_for_trouble(REDIS_TROUBLE_READ_ONLY);
	admin("REPLICAOF NO ONE");
	stage_hears("a up;");
	ck_assert_int_eq(add("s", "r", "add"), 0);
	stage_hears("add=1 #1;");
	stage_end();
}
END_TEST

START_TEST(a_user_without_a_right)
{
	begin_on("--user stoa on >pw ~* &* +@all -info -xadd", "stoa:pw@");
	ck_assert_int_eq(add("s", "r", "add"), 0);
	ck_assert_int_eq(stage.a->ops->length(stage.a, SLICE("s"), stage_answer, named("length")), 0);
	stage_hears("add=-71;length=0;");
	wait_for_trouble(REDIS_TROUBLE_NO_PERMISSION);
	/* Which Redis it is cannot be known, so it may be another each time. */
	stage.shows = "a";
	admin("CLIENT KILL TYPE normal");
	stage_hears("a down;a up fresh;");
	stage_end();
}
END_TEST

static bool is_refused(void *ctx)
{
	(void)ctx;
	return streams_redis_trouble(stage.a) && strcmp(streams_redis_trouble(stage.a), "no-permission") == 0;
}

START_TEST(a_channel_that_is_not_allowed)
{
	begin_on("--user stoa on >pw ~* resetchannels +@all", "stoa:pw@");
	stage.shows = "ab";
	stage.a->ops->listen(stage.a, SLICE("c"));
	stage_hears("a down;");
	run_until(is_refused, NULL, "the refusal");
	admin("ACL SETUSER stoa allchannels");
	stage_hears("a up;a listening;");
	stage_end();
}
END_TEST

START_TEST(scripts_that_were_flushed)
{
	stage_begin();
	ck_assert_int_eq(add("s", "r", "add"), 0);
	stage_hears("add=1 #1;");
	admin("SCRIPT FLUSH");
	ck_assert_int_eq(add("s", "r", "add"), 0);
	stage_hears("add=1 #2;");
	stage_end();
}
END_TEST

START_TEST(a_stream_that_is_no_stream)
{
	stage_begin();
	admin("SET s text");
	ck_assert_int_eq(add("s", "r", "add"), 0);
	ck_assert_int_eq(stage.a->ops->length(stage.a, SLICE("s"), stage_answer, named("length")), 0);
	ck_assert_int_eq(stage.a->ops->read(stage.a, SLICE("c"), &SLICE("s"), 1, 1, 0), 0);
	stage_hears("add=-71;length=-71;a end -71;");
	stage_end();
}
END_TEST

static bool has_ended(void *ctx)
{
	(void)ctx;
	return stage.heard.size > 0;
}

START_TEST(a_stream_that_goes_while_it_is_read)
{
	stage_begin();
	admin("XGROUP CREATE s stoa 0 MKSTREAM");
	ck_assert_int_eq(stage.a->ops->read(stage.a, SLICE("c"), &SLICE("s"), 1, 1, 30000), 0);
	ck_assert_int_eq(stage.a->ops->length(stage.a, SLICE("s"), stage_answer, named("length")), 0);
	stage_hears("length=0;");
	run_turns(5);
	admin("DEL s");
	run_until(has_ended, NULL, "the end of the read");
	stage_hears("a end -2;");
	stage_end();
}
END_TEST

/* What was written before the server stood still is unknown; and it holds up nobody. */
START_TEST(a_server_that_stands_still)
{
	begin_server("", NULL);
	fx.config.command_timeout_ms = 400;
	stage.shows = "ab";
	stage.a = open_as(0, "a");
	stage_hears("a up fresh;");
	kill(server, SIGSTOP);
	ck_assert_int_eq(add("s", "r", "add"), 0);
	stage_hears("add=-107;a down;");
	ck_assert_str_eq(streams_redis_trouble(stage.a), "silent");
	ck_assert_int_eq(add("s", "r", "add"), -ENOTCONN);
	kill(server, SIGCONT);
	stage_hears("a up;");
	stage_end();
}
END_TEST

/* --- Lists of names among what is not ours ------------------------------------------------------------------------- */

static int n_told;

static void on_name(void *to, struct slice name, struct slice value)
{
	(void)to;
	(void)name;
	(void)value;
	n_told++;
}

static void enlist(void)
{
	ck_assert_int_eq(stage.a->ops->put(stage.a, SLICE("x:me"), SLICE("v"), 60000, NULL, NULL), 0);
	ck_assert_int_eq(
		stage.a->ops->enlist(stage.a, SLICE("xs"), SLICE("x:"), SLICE("me"), stage_answer, named("enlist")), 0);
}

static void list(void)
{
	n_told = 0;
	ck_assert_int_eq(
		stage.a->ops->list(stage.a, SLICE("xs"), SLICE("x:"), on_name, stage_answer, named("list")), 0);
}

START_TEST(a_list_among_other_keys)
{
	stage_begin();
	admin("EVAL 'for i=1,20000 do redis.call(\"SET\",\"other:\"..i,i) redis.call(\"SET\",\"x:\"..i,i) end' 0");
	admin("CONFIG RESETSTAT");
	enlist();
	list();
	stage_hears("enlist=1;list=1;");
	ck_assert_int_eq(n_told, 1);
	ck_assert_ptr_null(strstr(admin("INFO commandstats"), "scan"));
	ck_assert_ptr_nonnull(strstr(admin("INFO commandstats"), "cmdstat_get:calls=1,"));
	ck_assert_int_gt(atoi(admin("TTL xs")), 80000);
	ck_assert_int_le(atoi(admin("TTL xs")), 86400);
	stage_end();
}
END_TEST

/* Too many to be told of, and they are gone: a few looks, and only what is there is left. */
START_TEST(a_list_full_of_what_is_no_more)
{
	stage_begin();
	admin("EVAL 'for i=1,5000 do redis.call(\"SADD\",\"xs\",i) end' 0");
	enlist();
	stage_hears("enlist=1;");
	ck_assert_int_le(atoi(admin("SCARD xs")), 5000); /* a few of them went at once */
	for (int i = 0; i < 5; i++)
		list();
	ck_assert_int_eq(stage.a->ops->length(stage.a, SLICE("none"), stage_answer, named("length")), 0);
	run_until(has_ended, NULL, "the answers");
	buf_clear(&stage.heard);
	list();
	stage_hears("list=1;");
	ck_assert_str_eq(admin("SMEMBERS xs"), "me\n");
	stage_end();
}
END_TEST

START_TEST(a_list_of_more_than_are_told)
{
	stage_begin();
	admin("EVAL 'for i=1,1100 do redis.call(\"SADD\",\"xs\",i) redis.call(\"SET\",\"x:\"..i,i) end' 0");
	list();
	stage_hears("list=1024;");
	ck_assert_int_eq(n_told, 1024);
	ck_assert_int_eq(atoi(admin("SCARD xs")), 1100);
	stage_end();
}
END_TEST

START_TEST(a_list_that_is_not_ours)
{
	stage_begin();
	admin("LPUSH x:queue 1");
	admin("SADD xs queue");
	enlist();
	list();
	stage_hears("enlist=1;list=1;");
	ck_assert_int_eq(n_told, 1);
	ck_assert_int_eq(atoi(admin("SCARD xs")), 2); /* it is there, whatever it is */
	admin("SET xs text");
	enlist();
	list();
	stage_hears("enlist=-71;list=-71;");
	wait_for_trouble(REDIS_TROUBLE_OTHER);
	ck_assert_str_eq(admin("GET x:me"), "v\n");
	admin("DEL xs");
	enlist();
	list();
	stage_hears("enlist=1;list=1;");
	stage_end();
}
END_TEST

Suite *suite(void)
{
	const struct redis_test tests[] = {
		REDIS_TEST(a_list_among_other_keys),
		REDIS_TEST(a_list_full_of_what_is_no_more),
		REDIS_TEST(a_list_of_more_than_are_told),
		REDIS_TEST(a_list_that_is_not_ours),
		REDIS_TEST(a_server_that_is_full),
		REDIS_TEST(a_server_that_becomes_a_replica),
		REDIS_TEST(a_user_without_a_right),
		REDIS_TEST(a_channel_that_is_not_allowed),
		REDIS_TEST(scripts_that_were_flushed),
		REDIS_TEST(a_stream_that_is_no_stream),
		REDIS_TEST(a_stream_that_goes_while_it_is_read),
		REDIS_TEST(a_server_that_stands_still),
	};
	Suite *s = streams_cases("streams-redis-server");

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		TCase *tc = tcase_create(tests[i].name);

		tcase_set_timeout(tc, 60);
		tcase_add_test(tc, tests[i].test);
		suite_add_tcase(s, tc);
	}
	return s;
}
