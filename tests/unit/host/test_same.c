/* test_same.c - an application behind a broker leaves what it leaves embedded, in both encodings. */
#include <stdio.h>
#include <stdlib.h>

#include "ways.h"

static void who(void)
{
	ways_event("who", "", 1);
	SAY(.kind = RECORD_EVENT, .event = "who", .ack = 2, .attempt = 3);
}

static void echo(void)
{
	ways_event("echo", "1,\"t\\u0000wo\",{\"a\":[null,true]},1.5,\"\\ud83d\\ude00\"", 7);
	ways_event("echo", "", -1);
	SAY(.kind = RECORD_EVENT, .nsp = "/game-1", .event = "echo", .items = "[]", .ack = 3);
	ways_event("nobody handles it", "1", 8);
}

static void comes_and_goes(void)
{
	SAY(.kind = RECORD_CONNECT);
	ways_event("echo", "1", -1);
	SAY(.kind = RECORD_DISCONNECT, .reason = "transport close", .attempt = 2);
}

static void is_refused(void)
{
	ways.state.handshake.query = SLICE("token=x1");
	SAY(.kind = RECORD_CONNECT);
	SAY(.kind = RECORD_CONNECT, .nsp = "/unknown");
}

static void targets(void)
{
	ways_event("targets", "", 1);
}

static void session(void)
{
	ways_event("session", "", 1);
}

static void calls(void)
{
	ways_event("call", "", -1);
	ways_answer(ANSWER_GIVEN, "\"yes\",1", 0);
	ways_event("call", "", -1);
	ways_answer(ANSWER_GONE, "", 0);
	ways_event("call", "", -1);
	ways_pass(1000);
	ways_answer(ANSWER_GIVEN, "\"too late\"", 0);
}

static void questions(void)
{
	ways_event("fetch", "", -1);
	ways_answer(ANSWER_FOUND, "", 0);
	ways_answer(ANSWER_FOUND, "", 0);
	ways_answer(ANSWER_EXPECT, "", 2);
	ways_event("servers", "", -1);
	ways_answer(ANSWER_GIVEN, "5", 0);
	ways_answer(ANSWER_SILENT, "", 0);
	ways_answer(ANSWER_END, "", 0);
}

static void timers(void)
{
	ways_event("after", "", -1);
	ways_pass(50);
	ways_event("after", "", -1);
	ways_event("cancel", "", 1);
}

static void acks_later(void)
{
	ways_event("defer", "", 4);
	ways_event("give", "", -1);
	SAY(.kind = RECORD_EVENT, .event = "defer", .sid = "gw01Z", .ack = 5);
	ways_event("give", "", -1);
}

static void work(void)
{
	ways_event("work", "", -1);
	ways_work();
}

static void fails(void)
{
	ways_event("fail", "", 3);
	ways_event("fail", "", -1);
	ways_event("nothing", "", 4);
	ways_event("nothing", "", -1);
}

static void requests(void)
{
	SAY(.kind = RECORD_HANDSHAKE);
	ways.state.handshake.query = SLICE("deny=1");
	SAY(.kind = RECORD_HANDSHAKE);
	ways.state.transport = NULL;
	SAY(.kind = RECORD_REFUSED);
}

static void servers(void)
{
	SAY(.kind = RECORD_SERVER, .event = "hello", .items = "1,[2]", .ack = 77);
	SAY(.kind = RECORD_SERVER, .nsp = "/game-2", .event = "hello");
	SAY(.kind = RECORD_SERVER, .event = "unheard", .ack = 78);
	SAY(.kind = RECORD_SERVER, .event = "wait", .ack = 79);
	SAY(.kind = RECORD_SERVER, .event = "hello");
}

static void tasks(void)
{
	ways_pass(500);
	ways_lead(true);
	ways_pass(250);
	ways_lead(false);
	ways_pass(500);
}

static void stops(void)
{
	ways_event("after", "", -1);
	ways_event("defer", "", 4);
	ways_event("call", "", -1);
	ways_event("work", "", -1);
	ways_stop();
}

static void (*const scenes[])(void) = { who, echo, comes_and_goes, is_refused, targets, session, calls, questions,
	timers, acks_later, work, fails, requests, servers, tasks, stops };
enum { SCENES = sizeof(scenes) / sizeof(scenes[0]) };

static char *played(void (*scene)(void), enum value_encoding encoding, bool embedded)
{
	char *text;

	ways_begin(encoding, embedded);
	scene();
	text = strdup(ways_log());
	ways_end();
	return text;
}

/* "disconnecting" and "disconnect" are two batches embedded, and one in a record: the second head goes. */
static void drop_repeated_heads(char *text)
{
	char *head = text, *next;

	for (; (next = strstr(head + 1, "\n[")); head = next) {
		char *end = strchr(next + 1, '\n');
		size_t size = (size_t)(end - next);

		if (strstr(text, "\"leaving\"") && strncmp(next + 1, "[gw01S /]\n  emit [\"left\"", 24) == 0)
			memmove(next, next + size, strlen(next + size) + 1);
	}
}

START_TEST(it_does_the_same)
{
	enum value_encoding encoding = _i < SCENES ? VALUE_JSON : VALUE_MSGPACK;
	char *embedded = played(scenes[_i % SCENES], encoding, true);
	char *behind = played(scenes[_i % SCENES], encoding, false);

	drop_repeated_heads(embedded);
	ck_assert_str_eq(behind, embedded);
	ck_assert_int_gt((int)strlen(behind), 20);
	free(embedded);
	free(behind);
}
END_TEST

TCase *case_same(void);
TCase *case_same(void)
{
	TCase *tc = tcase_create("same");

	tcase_add_loop_test(tc, it_does_the_same, 0, 2 * SCENES);
	return tc;
}
