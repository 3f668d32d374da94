/* test_streams_answers.c - what the streams send, to the byte, and how they read answers of every shape. */
#include "streams_fixture.h"

/* --- What is sent and answered ------------------------------------------------------------------------------------ */

/* Each asks one thing; what must be sent stands in `sent`. */
static int ask_add(void)
{
	return streams->ops->add(streams, SLICE("s"), SLICE("{ }"), 9, on_answer, named("add"));
}
static int ask_note(void)
{
	const struct slice pairs[] = { SLICE("a"), SLICE("b") };

	return streams->ops->note(streams, SLICE("s"), pairs, 1, 9, on_answer, named("note"));
}
static int ask_ack(void)
{
	return streams->ops->ack(streams, SLICE("s"), SLICE("1-1"), on_answer, named("ack"));
}
static int ask_find(void)
{
	return streams->ops->find(streams, SLICE("s"), SLICE("1-1"), on_answer, named("find"));
}
static int ask_length(void)
{
	return streams->ops->length(streams, SLICE("s"), on_answer, named("length"));
}
static int ask_create(void)
{
	return streams->ops->create(streams, SLICE("s"), on_answer, named("create"));
}
static int ask_claim(void)
{
	return streams->ops->claim(streams, SLICE("me"), SLICE("s"), SLICE("1-1"), 7, on_answer, named("claim"));
}
static int ask_claim_first(void)
{
	return streams->ops->claim(streams, SLICE("me"), SLICE("s"), SLICE(""), 7, on_answer, named("claim"));
}
static int ask_take(void)
{
	return streams->ops->take(streams, SLICE("me"), SLICE("s"), SLICE("1-1"), on_answer, named("take"));
}
static int ask_pending(void)
{
	return streams->ops->pending(streams, SLICE("s"), SLICE("1-1"), 7, on_id, on_answer, named("pending"));
}
static int ask_leave(void)
{
	return streams->ops->leave(streams, SLICE("me"), SLICE("s"), on_answer, named("leave"));
}
static int ask_claim_key(void)
{
	return streams->ops->claim_key(streams, SLICE("k"), SLICE("v"), 500, on_answer, named("claim_key"));
}
static int ask_release_key(void)
{
	return streams->ops->release_key(streams, SLICE("k"), SLICE("v"), on_answer, named("release_key"));
}
static int ask_put(void)
{
	return streams->ops->put(streams, SLICE("k"), SLICE("v"), 500, on_answer, named("put"));
}
static int ask_put_for_ever(void)
{
	return streams->ops->put(streams, SLICE("k"), SLICE("v"), 0, on_answer, named("put"));
}
static int ask_get(void)
{
	return streams->ops->get(streams, SLICE("k"), on_answer, named("get"));
}
static int ask_list(void)
{
	return streams->ops->list(streams, SLICE("ks"), SLICE("k:"), on_pair, on_answer, named("list"));
}
static int ask_enlist(void)
{
	return streams->ops->enlist(streams, SLICE("ks"), SLICE("k:"), SLICE("me"), on_answer, named("enlist"));
}
static int ask_field_put(void)
{
	return streams->ops->field_put(streams, SLICE("h"), SLICE("f"), SLICE("v"), on_answer, named("field_put"));
}
static int ask_field_get(void)
{
	return streams->ops->field_get(streams, SLICE("h"), SLICE("f"), on_answer, named("field_get"));
}
static int ask_field_drop(void)
{
	return streams->ops->field_drop(streams, SLICE("h"), SLICE("f"), on_answer, named("field_drop"));
}
static int ask_field_scan(void)
{
	return streams->ops->field_scan(streams, SLICE("h"), 17, on_pair, on_answer, named("field_scan"));
}
static int ask_field_to_entry(void)
{
	return streams->ops->field_to_entry(
		streams, SLICE("k"), SLICE("h"), SLICE("f"), SLICE("s"), SLICE("r"), on_answer, named("to_entry"));
}
static int ask_publish(void)
{
	return streams->ops->publish(streams, SLICE("c"), SLICE("hi"), on_answer, named("publish"));
}

struct row {
	int (*ask)(void);
	const char *sent;   /* words; EVAL's script is `script` */
	const char *script; /* NULL: none */
	const char *said, *heard;
};

#define ENTRY_1 "*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\ne\r\n$1\r\nA\r\n"

static const struct row rows[] = {
	{ ask_add, "EVAL 1 s 9 e", script_add, "$3\r\n1-1\r\n", "add=1 1-1;" },
	{ ask_add, "EVAL 1 s 9 e", script_add, "$-1\r\n", "add=0 ;" },
	{ ask_add, "EVAL 1 s 9 e", script_add, ":1\r\n", "add=-71 ;" },
	{ ask_add, "EVAL 1 s 9 e", script_add, "$3\r\nabc\r\n", "add=-71 abc;" },
	{ ask_add, "EVAL 1 s 9 e", script_add, "-OOM command\r\n", "add=-71 ;" },
	{ ask_note, "XADD s MAXLEN = 9 * a b", NULL, "$3\r\n1-1\r\n", "note=1 1-1;" },
	{ ask_note, "XADD s MAXLEN = 9 * a b", NULL, "*0\r\n", "note=-71 ;" },
	{ ask_ack, "XDEL s 1-1", NULL, ":1\r\n:1\r\n", "ack=1 ;" },
	{ ask_ack, "XDEL s 1-1", NULL, ":0\r\n:0\r\n", "ack=0 ;" },
	{ ask_ack, "XDEL s 1-1", NULL, "-NOPERM no\r\n:1\r\n", "ack=-71 ;" },
	{ ask_ack, "XDEL s 1-1", NULL, ":1\r\n-NOPERM no\r\n", "ack=-71 ;" },
	{ ask_ack, "XDEL s 1-1", NULL, ":1\r\n$1\r\n1\r\n", "ack=-71 ;" },
	{ ask_find, "EVAL 1 s 1-1", script_find, ":1\r\n", "find=1 ;" },
	{ ask_find, "EVAL 1 s 1-1", script_find, "*0\r\n", "find=-71 ;" },
	{ ask_length, "XLEN s", NULL, ":7\r\n", "length=7 ;" },
	{ ask_length, "XLEN s", NULL, ":-7\r\n", "length=-71 ;" },
	{ ask_create, "XGROUP CREATE s g 0 MKSTREAM", NULL, "+OK\r\n", "create=1 ;" },
	{ ask_create, "XGROUP CREATE s g 0 MKSTREAM", NULL, "-BUSYGROUP there\r\n", "create=0 ;" },
	{ ask_create, "XGROUP CREATE s g 0 MKSTREAM", NULL, "-WRONGTYPE\r\n", "create=-71 ;" },
	{ ask_create, "XGROUP CREATE s g 0 MKSTREAM", NULL, ":1\r\n", "create=-71 ;" },
	{ ask_claim, "EVAL 1 s g me (1-1 7", script_claim,
		"*2\r\n*3\r\n$3\r\n1-1\r\n*2\r\n$1\r\ne\r\n$1\r\nA\r\n:1\r\n"
		"*3\r\n$3\r\n1-2\r\n*4\r\n$1\r\nx\r\n$1\r\nX\r\n$1\r\ne\r\n$1\r\nB\r\n:3\r\n",
		"s 1-1 A x1;s 1-2 B x3;claim=2 ;" },
	{ ask_claim_first, "EVAL 1 s g me - 7", script_claim, "*0\r\n", "claim=0 ;" },
	{ ask_claim, "EVAL 1 s g me (1-1 7", script_claim, "-NOGROUP none\r\n", "claim=-2 ;" },
	{ ask_claim, "EVAL 1 s g me (1-1 7", script_claim, "*1\r\n*0\r\n", "claim=-71 ;" },
	{ ask_claim, "EVAL 1 s g me (1-1 7", script_claim, "*1\r\n" ENTRY_1, "claim=-71 ;" },
	/* Nothing of what is partly wrong is told. */
	{ ask_claim, "EVAL 1 s g me (1-1 7", script_claim,
		"*2\r\n*3\r\n$3\r\n1-1\r\n*2\r\n$1\r\ne\r\n$1\r\nA\r\n:1\r\n*3\r\n$3\r\n1-2\r\n*1\r\n$1\r\ne\r\n:3\r\n",
		"claim=-71 ;" },
	{ ask_claim, "EVAL 1 s g me (1-1 7", script_claim,
		"*1\r\n*3\r\n$3\r\n1-1\r\n*2\r\n$1\r\ne\r\n$1\r\nA\r\n$1\r\n1\r\n", "claim=-71 ;" },
	{ ask_take, "EVAL 1 s g me 1-1", script_take, "*1\r\n*3\r\n$3\r\n1-1\r\n*2\r\n$1\r\ne\r\n$1\r\nA\r\n:2\r\n",
		"s 1-1 A x2;take=1 ;" },
	{ ask_take, "EVAL 1 s g me 1-1", script_take, "*0\r\n", "take=0 ;" },
	{ ask_take, "EVAL 1 s g me 1-1", script_take, "-NOGROUP none\r\n", "take=0 ;" },
	{ ask_take, "EVAL 1 s g me 1-1", script_take, "$-1\r\n", "take=-71 ;" },
	{ ask_pending, "XPENDING s g (1-1 + 7", NULL,
		"*2\r\n*4\r\n$3\r\n1-1\r\n$2\r\nme\r\n:1\r\n:1\r\n*4\r\n$3\r\n1-2\r\n$2\r\nme\r\n:1\r\n:1\r\n",
		"pending 1-1;pending 1-2;pending=2 ;" },
	{ ask_pending, "XPENDING s g (1-1 + 7", NULL, "-NOGROUP none\r\n", "pending=0 ;" },
	{ ask_pending, "XPENDING s g (1-1 + 7", NULL, "*1\r\n*4\r\n$1\r\n1\r\n$2\r\nme\r\n:1\r\n:1\r\n",
		"pending=-71 ;" },
	{ ask_pending, "XPENDING s g (1-1 + 7", NULL, "*4\r\n:1\r\n$3\r\n1-1\r\n$3\r\n1-2\r\n*0\r\n", "pending=-71 ;" },
	{ ask_leave, "EVAL 1 s g me", script_leave, ":1\r\n", "leave=1 ;" },
	{ ask_leave, "EVAL 1 s g me", script_leave, "-NOGROUP none\r\n", "leave=1 ;" },
	{ ask_claim_key, "EVAL 1 k v 500", script_claim_key, ":1\r\n", "claim_key=1 ;" },
	{ ask_claim_key, "EVAL 1 k v 500", script_claim_key, "$2\r\nhe\r\n", "claim_key=0 he;" },
	{ ask_claim_key, "EVAL 1 k v 500", script_claim_key, ":0\r\n", "claim_key=-71 ;" },
	{ ask_claim_key, "EVAL 1 k v 500", script_claim_key, "+OK\r\n", "claim_key=-71 ;" },
	{ ask_release_key, "EVAL 1 k v", script_release_key, ":1\r\n", "release_key=1 ;" },
	{ ask_release_key, "EVAL 1 k v", script_release_key, "+OK\r\n", "release_key=-71 ;" },
	{ ask_put, "SET k v PX 500", NULL, "+OK\r\n", "put=1 ;" },
	{ ask_put_for_ever, "SET k v", NULL, "+OK\r\n", "put=1 ;" },
	{ ask_put, "SET k v PX 500", NULL, "$-1\r\n", "put=-71 ;" },
	{ ask_get, "GET k", NULL, "$1\r\nv\r\n", "get=1 v;" },
	{ ask_get, "GET k", NULL, "$-1\r\n", "get=0 ;" },
	{ ask_get, "GET k", NULL, ":1\r\n", "get=-71 ;" },
	{ ask_enlist, "EVAL 1 ks me k:", script_enlist, ":1\r\n", "enlist=1 ;" },
	{ ask_enlist, "EVAL 1 ks me k:", script_enlist, "-WRONGTYPE\r\n", "enlist=-71 ;" },
	{ ask_enlist, "EVAL 1 ks me k:", script_enlist, "+OK\r\n", "enlist=-71 ;" },
	{ ask_list, "EVAL 1 ks k:", script_list, "*0\r\n", "list=0 ;" },
	{ ask_list, "EVAL 1 ks k:", script_list, "*4\r\n$1\r\na\r\n$1\r\nA\r\n$1\r\nb\r\n$0\r\n\r\n",
		"list a:A;list b:;list=2 ;" },
	{ ask_list, "EVAL 1 ks k:", script_list, "*1\r\n$1\r\na\r\n", "list=-71 ;" },
	{ ask_list, "EVAL 1 ks k:", script_list, "*2\r\n$1\r\na\r\n$-1\r\n", "list=-71 ;" },
	{ ask_list, "EVAL 1 ks k:", script_list, ":0\r\n", "list=-71 ;" },
	{ ask_list, "EVAL 1 ks k:", script_list, "-NOPERM no\r\n", "list=-71 ;" },
	{ ask_field_put, "HSET h f v", NULL, ":0\r\n", "field_put=0 ;" },
	{ ask_field_put, "HSET h f v", NULL, "+OK\r\n", "field_put=-71 ;" },
	{ ask_field_get, "HGET h f", NULL, "$1\r\nv\r\n", "field_get=1 v;" },
	{ ask_field_get, "HGET h f", NULL, "*0\r\n", "field_get=-71 ;" },
	{ ask_field_drop, "HDEL h f", NULL, ":1\r\n", "field_drop=1 ;" },
	{ ask_field_scan, "HSCAN h 17 COUNT 100", NULL, "*2\r\n$2\r\n42\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n",
		"field_scan f:v;field_scan=42 ;" },
	{ ask_field_scan, "HSCAN h 17 COUNT 100", NULL, "*2\r\n$2\r\n42\r\n*1\r\n$1\r\nf\r\n", "field_scan=-71 ;" },
	{ ask_field_scan, "HSCAN h 17 COUNT 100", NULL, "*2\r\n$3\r\n-42\r\n*0\r\n", "field_scan=-71 ;" },
	{ ask_field_scan, "HSCAN h 17 COUNT 100", NULL, "*2\r\n$2\r\n42\r\n$0\r\n\r\n", "field_scan=-71 ;" },
	{ ask_field_to_entry, "EVAL 3 h s k f e r", script_field_to_entry, ":1\r\n", "to_entry=1 ;" },
	{ ask_field_to_entry, "EVAL 3 h s k f e r", script_field_to_entry, "$3\r\n1-1\r\n", "to_entry=-71 ;" },
	{ ask_publish, "PUBLISH c hi", NULL, ":2\r\n", "publish=2 ;" },
	{ ask_publish, "PUBLISH c hi", NULL, "+2\r\n", "publish=-71 ;" },
};

static void expect_sent(const struct row *row)
{
	struct slice argv[16] = { { 0 } };
	struct slice words = slice_str(row->sent);
	size_t n = 0;

	while (words.size) {
		argv[n] = slice_first(words, slice_find(words, ' '));
		words = slice_from(words, argv[n].size < words.size ? argv[n].size + 1 : words.size);
		if (n++ == 0 && row->script)
			argv[n++] = slice_str(row->script);
	}
	if (row->ask == ask_add)
		argv[n++] = SLICE("{ }");
	expects_command(commands, argv, n);
	if (row->ask == ask_ack)
		expects(commands, "XACK s g 1-1");
}

START_TEST(what_is_sent_and_how_answers_are_read)
{
	const struct row *row = &rows[_i];

	begin();
	ck_assert_int_eq(row->ask(), 0);
	ck_assert_uint_eq(fx.heard.size, 0);
	expect_sent(row);
	says(commands, row->said);
	hears(row->heard);
	ck_assert(streams->is_up);
	/* And where the first thing that is told closes it, nothing more is told. */
	closes = true;
	ck_assert_int_eq(row->ask(), 0);
	ck_assert_int_eq(row->ask(), 0);
	expect_sent(row);
	says(commands, row->said);
	buf_clear(&fx.heard);
	run_turns(10);
	ck_assert_ptr_null(streams);
	end();
}
END_TEST

static const struct {
	const char *said, *heard;
} reads[] = {
	{ "*1\r\n*2\r\n$1\r\ns\r\n*2\r\n" ENTRY_1 "*2\r\n$3\r\n2-0\r\n*2\r\n$1\r\nx\r\n$1\r\nB\r\n",
		"s 1-1 A x1;s 2-0  x1;end 0;" },
	{ "*2\r\n*2\r\n$1\r\ns\r\n*1\r\n" ENTRY_1 "*2\r\n$1\r\nt\r\n*1\r\n" ENTRY_1, "s 1-1 A x1;t 1-1 A x1;end 0;" },
	{ "*-1\r\n", "end 0;" },
	{ "*0\r\n", "end 0;" },
	{ "$-1\r\n", "end 0;" },
	{ "-NOGROUP No such key\r\n", "end -2;" },
	{ "-UNBLOCKED the stream key no longer exists\r\n", "end -2;" },
	{ "-WRONGTYPE Operation\r\n", "end -71;" },
	{ "+OK\r\n", "end -71;" },
	{ ":1\r\n", "end -71;" },
	{ "*1\r\n*2\r\n$1\r\nu\r\n*1\r\n" ENTRY_1, "end -71;" }, /* not asked for */
	{ "*1\r\n*1\r\n$1\r\ns\r\n", "end -71;" },
	{ "*1\r\n*2\r\n$1\r\ns\r\n$1\r\ns\r\n", "end -71;" },
	{ "*1\r\n*2\r\n$1\r\ns\r\n*2\r\n" ENTRY_1 ":1\r\n", "end -71;" },
	{ "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*1\r\n$3\r\n1-1\r\n", "end -71;" },
	{ "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*-1\r\n", "end -71;" },
	{ "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*1\r\n$1\r\ne\r\n", "end -71;" },
	{ "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\ne\r\n:1\r\n", "end -71;" },
	{ "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1--\r\n*2\r\n$1\r\ne\r\n$1\r\nA\r\n", "end -71;" },
	{ "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$2\r\n1-\r\n*2\r\n$1\r\ne\r\n$1\r\nA\r\n", "end -71;" },
	{ "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$1\r\n1\r\n*2\r\n$1\r\ne\r\n$1\r\nA\r\n", "end -71;" },
	{ "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$42\r\n12345678901234567890-123456789012345678901\r\n*2\r\n$1\r\ne\r\n"
	  "$1\r\nA\r\n",
		"end -71;" },
};

static void read_both(void)
{
	const struct slice both[] = { SLICE("s"), SLICE("t") };

	ck_assert_int_eq(streams->ops->read(streams, SLICE("me"), both, 2, 5, 0), 0);
}

START_TEST(how_reads_are_answered)
{
	begin();
	read_both();
	reader = take_pinged();
	expects(reader, "XREADGROUP GROUP g me COUNT 5 STREAMS s t > >");
	says(reader, reads[_i].said);
	hears(reads[_i].heard);
	closes = true;
	read_both();
	expects(reader, "XREADGROUP GROUP g me COUNT 5 STREAMS s t > >");
	says(reader, reads[_i].said);
	run_turns(10);
	ck_assert_ptr_null(streams);
	end();
}
END_TEST

/* Who asks knows what to do about it. */
START_TEST(no_group_is_no_trouble)
{
	int64_t before;

	begin();
	before = troubles(REDIS_TROUBLE_OTHER);
	ck_assert_int_eq(ask_length(), 0);
	ck_assert_int_eq(ask_length(), 0);
	expects(commands, "XLEN s");
	expects(commands, "XLEN s");
	says(commands, "-NOGROUP none\r\n");
	hears("length=0 ;");
	ck_assert_int_eq(troubles(REDIS_TROUBLE_OTHER), before);
	says(commands, "-WRONGTYPE no\r\n");
	hears("length=-71 ;");
	ck_assert_int_eq(troubles(REDIS_TROUBLE_OTHER), before + 1);
	end();
}
END_TEST

Suite *suite(void)
{
	const struct redis_test tests[] = {
		REDIS_TESTS(what_is_sent_and_how_answers_are_read, rows),
		REDIS_TESTS(how_reads_are_answered, reads),
		REDIS_TEST(no_group_is_no_trouble),
	};

	return redis_suite("streams-answers", tests, sizeof(tests) / sizeof(tests[0]));
}
