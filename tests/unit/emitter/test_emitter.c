/* test_emitter.c - libstoa-emitter as programs use it, in both drives. */
#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redis_server.h"
#include "stoa_emitter.h"
#include "test_main.h"

#define REQUESTS  "socket.io-request#/#"
#define RESPONSES "socket.io-response#/#"

static char told[4000]; /* what callbacks were told */

static void note(const char *text)
{
	ck_assert_uint_lt(strlen(told) + strlen(text) + 2, sizeof(told));
	strcat(told, text);
	strcat(told, ";");
}

static void on_answer(void *ctx, const struct stoa_emitter_answer *a)
{
	(void)ctx;
	ck_assert_uint_eq(strlen(a->json), a->json_size);
	note(a->json);
}

static void setup(void)
{
	told[0] = '\0';
	redis_start();
}

static void teardown(void)
{
	server_end();
	redis_clean();
}

static struct stoa_emitter *open_emitter(void)
{
	struct stoa_emitter *e = stoa_emitter_open(&(struct stoa_emitter_options){ .url = redis_url });

	ck_assert_ptr_nonnull(e);
	return e;
}

static const struct stoa_emitter_to all = { .broadcast = true }, room = { .room = "room1" };

/* --- Bytes -------------------------------------------------------------------------------------------------------- */

static void hears(redisContext *c, const char *channel, const void *payload, size_t size)
{
	redisReply *r = redis_next(c);

	ck_assert_str_eq(r->element[2]->str, channel);
	ck_assert_uint_eq(r->element[3]->len, size);
	ck_assert_mem_eq(r->element[3]->str, payload, size);
	freeReplyObject(r);
}

static void hears_text(redisContext *c, const char *channel, const char *text)
{
	hears(c, channel, text, strlen(text));
}

/* As @socket.io/redis-emitter 5.1 writes them. */
START_TEST(bytes_of_the_emitter_of_node)
{
	static const char hello[] = "\x93\xa7"
				    "emitter\x83\xa4type\x02\xa4"
				    "data\x92\xa5hello\xa1x\xa3nsp\xa1/\x83\xa5rooms\x91\xa5room1\xa5"
				    "flags\x80\xa6"
				    "except\x90";
	struct stoa_emitter *e = open_emitter();
	struct stoa_emitter_result r;
	redisContext *c = redis_listen();

	ck_assert_int_eq(
		stoa_emitter_emit(e, &room, "hello", " [\"x\"] ", &(struct stoa_emitter_call){ .result = &r }), 0);
	ck_assert_int_eq(r.heard, 1);
	ck_assert_int_eq(r.status, 0);
	hears(c, "socket.io#/#room1#", hello, sizeof(hello) - 1);
	ck_assert_int_eq(stoa_emitter_sockets_join(e, &(struct stoa_emitter_to){ .nsp = "chat", .room = "a" },
				 (const char *[]){ "b", "c", NULL }, NULL),
		0);
	hears_text(c, "socket.io-request#/chat#",
		"{\"type\":2,\"opts\":{\"rooms\":[\"a\"],\"except\":[]},\"rooms\":[\"b\",\"c\"]}");
	ck_assert_int_eq(
		stoa_emitter_sockets_leave(e,
			&(struct stoa_emitter_to){ .broadcast = true, .except = (const char *[]){ "x", NULL } },
			(const char *[]){ "b", NULL }, NULL),
		0);
	hears_text(c, REQUESTS, "{\"type\":3,\"opts\":{\"rooms\":[],\"except\":[\"x\"]},\"rooms\":[\"b\"]}");
	ck_assert_int_eq(stoa_emitter_disconnect_sockets(e, &room, true, NULL), 0);
	hears_text(c, REQUESTS, "{\"type\":4,\"opts\":{\"rooms\":[\"room1\"],\"except\":[]},\"close\":true}");
	ck_assert_int_eq(stoa_emitter_server_side_emit(e, NULL, "ev", "[1,{\"a\":null}]", NULL), 0);
	hears_text(c, REQUESTS, "{\"uid\":\"emitter\",\"type\":6,\"data\":[\"ev\",1,{\"a\":null}]}");
	redisFree(c);
	stoa_emitter_free(e);
}
END_TEST

START_TEST(a_room_wins_over_broadcast)
{
	struct stoa_emitter *e = open_emitter();
	redisContext *c = redis_listen();

	ck_assert_int_eq(stoa_emitter_disconnect_sockets(
				 e, &(struct stoa_emitter_to){ .room = "a", .broadcast = true }, false, NULL),
		0);
	hears_text(c, REQUESTS, "{\"type\":4,\"opts\":{\"rooms\":[\"a\"],\"except\":[]},\"close\":false}");
	redisFree(c);
	stoa_emitter_free(e);
}
END_TEST

START_TEST(binary_stands_where_its_placeholder_does)
{
	static const char bytes[] = { 0, (char)0xff, 10 };
	struct stoa_emitter_bytes one = { bytes, 3 };
	struct stoa_emitter *e = open_emitter();
	redisContext *c = redis_listen();
	redisReply *r;

	ck_assert_int_eq(
		stoa_emitter_emit_binary(e, &all, "x", "[{\"at\":{\"_placeholder\":true,\"num\":0}}]", &one, 1, NULL),
		0);
	r = redis_next(c);
	ck_assert_ptr_nonnull(memmem(r->element[3]->str, r->element[3]->len,
		"\x81\xa2"
		"at\xc4\x03\x00\xff\x0a",
		9));
	freeReplyObject(r);
	redisFree(c);
	stoa_emitter_free(e);
}
END_TEST

/* --- Refused ------------------------------------------------------------------------------------------------------ */

static const struct {
	struct stoa_emitter_to to;
	const char *event, *args, *why;
} bad[] = {
	{ { 0 }, "x", NULL, "whom?" },
	{ { .rooms = (const char *[]){ NULL } }, "x", NULL, "whom?" },
	{ { .broadcast = true }, NULL, NULL, "has no name" },
	{ { .broadcast = true }, "connect", NULL, "reserved" },
	{ { .broadcast = true }, "a\xff", NULL, "not UTF-8" },
	{ { .room = "\xff" }, "x", NULL, "not UTF-8" },
	{ { .broadcast = true, .nsp = "/a#b" }, "x", NULL, "namespace" },
	{ { .broadcast = true }, "x", "{}", "not an array" },
	{ { .broadcast = true }, "x", "[1", "malformed JSON" },
	{ { .broadcast = true }, "x", "1], [2", "malformed JSON" },
	{ { .broadcast = true }, "x", "", "malformed JSON" },
};

START_TEST(what_is_malformed_is_never_sent)
{
	struct stoa_emitter *e = open_emitter();
	redisContext *c = redis_listen();

	ck_assert_int_eq(stoa_emitter_emit(e, &bad[_i].to, bad[_i].event, bad[_i].args, NULL), -EINVAL);
	ck_assert_msg(strstr(stoa_emitter_error(e), bad[_i].why) != NULL, "%s", stoa_emitter_error(e));
	ck_assert_int_eq(stoa_emitter_ask(e, &bad[_i].to, bad[_i].event, bad[_i].args, NULL, 0, NULL), -EINVAL);
	ck_assert_int_eq(stoa_emitter_emit(e, &room, "next", NULL, NULL), 0);
	freeReplyObject(redis_next(c)); /* this, and nothing before it */
	ck_assert_uint_eq(c->reader->len, c->reader->pos);
	redisFree(c);
	stoa_emitter_free(e);
}
END_TEST

/* Node.js servers would take its arguments for a client. */
START_TEST(reserved_events_of_servers)
{
	static const char *const names[] = { "connect", "connection", "new_namespace" };
	struct stoa_emitter *e = open_emitter();

	for (size_t i = 0; i < 3; i++) {
		ck_assert_int_eq(stoa_emitter_server_side_emit(e, NULL, names[i], NULL, NULL), -EINVAL);
		ck_assert_int_eq(stoa_emitter_ask_servers(e, NULL, names[i], NULL, NULL), -EINVAL);
	}
	ck_assert_int_eq(stoa_emitter_server_side_emit(e, NULL, "disconnect", NULL, NULL), 0);
	stoa_emitter_free(e);
}
END_TEST

START_TEST(a_message_of_max_publish_and_one_byte_more)
{
	struct stoa_emitter *e =
		stoa_emitter_open(&(struct stoa_emitter_options){ .url = redis_url, .max_publish = 100 });
	char args[100];

	/* Without an argument it has 53 bytes; text of 32 to 255 has a head of two. */
	snprintf(args, sizeof(args), "[\"%045d\"]", 0);
	ck_assert_int_eq(stoa_emitter_emit(e, &all, "x", args, NULL), 0);
	snprintf(args, sizeof(args), "[\"%046d\"]", 0);
	ck_assert_int_eq(stoa_emitter_emit(e, &all, "x", args, NULL), -EMSGSIZE);
	ck_assert_ptr_nonnull(strstr(stoa_emitter_error(e), "101 bytes; at most 100"));
	stoa_emitter_free(e);
}
END_TEST

START_TEST(options_that_are_wrong)
{
	ck_assert_ptr_null(stoa_emitter_open(&(struct stoa_emitter_options){ .url = "http://secret@x" }));
	ck_assert_ptr_null(strstr(stoa_emitter_error(NULL), "secret"));
	ck_assert_str_ne(stoa_emitter_error(NULL), "");
	ck_assert_ptr_null(
		stoa_emitter_open(&(struct stoa_emitter_options){ .url = "rediss://x", .ca_file = "/no/such" }));
	ck_assert_str_ne(stoa_emitter_error(NULL), "");
	stoa_emitter_free(NULL);
}
END_TEST

START_TEST(quoting)
{
	char to[16];

	ck_assert_int_eq(stoa_emitter_quote(to, sizeof(to), "a\"\n"), 7);
	ck_assert_str_eq(to, "\"a\\\"\\n\"");
	ck_assert_int_eq(stoa_emitter_quote(to, 3, "abc"), 5);
	ck_assert_int_eq(stoa_emitter_quote(NULL, 0, "abc"), 5);
	ck_assert_int_eq(stoa_emitter_quote(to, sizeof(to), "\xff"), -EINVAL);
}
END_TEST

/* --- Redis goes --------------------------------------------------------------------------------------------------- */

START_TEST(a_redis_that_comes_back_is_waited_for)
{
	struct stoa_emitter *e = open_emitter();
	redisContext *c;

	ck_assert_int_eq(stoa_emitter_emit(e, &all, "before", NULL, NULL), 0);
	redis_kill();
	ck_assert_int_eq(
		stoa_emitter_emit(e, &all, "never", NULL, &(struct stoa_emitter_call){ .timeout_ms = 50 }), -ENOTCONN);
	ck_assert_str_ne(stoa_emitter_error(e), "");
	redis_start();
	c = redis_listen();
	ck_assert_int_eq(
		stoa_emitter_emit(e, &all, "after", NULL, &(struct stoa_emitter_call){ .timeout_ms = 60000 }), 0);
	redisReply *r = redis_next(c);
	ck_assert_ptr_nonnull(memmem(r->element[3]->str, r->element[3]->len, "after", 5));
	freeReplyObject(r);
	redisFree(c);
	stoa_emitter_free(e);
}
END_TEST

/* The old connection is not written to: that would leave it open whether the event was published. */
START_TEST(a_redis_that_was_started_anew_between_calls)
{
	struct stoa_emitter *e = open_emitter();
	struct stoa_emitter_call call = { .timeout_ms = 60000 };

	ck_assert_int_eq(stoa_emitter_emit(e, &all, "before", NULL, &call), 0);
	redis_kill();
	redis_start();
	ck_assert_int_eq(stoa_emitter_emit(e, &all, "after", NULL, &call), 0);
	stoa_emitter_free(e);
}
END_TEST

/* A worker that does something else between two calls, for longer than a call may take. */
START_TEST(time_passes_between_calls)
{
	struct stoa_emitter *e = open_emitter();
	struct stoa_emitter_call call = { .timeout_ms = 2000 };

	ck_assert_int_eq(stoa_emitter_emit(e, &all, "before", NULL, NULL), 0);
	poll(NULL, 0, 2500);
	ck_assert_int_eq(stoa_emitter_emit(e, &all, "after", NULL, &call), 0);
	stoa_emitter_free(e);
}
END_TEST

START_TEST(the_impatient_do_not_wait)
{
	struct stoa_emitter *e;

	redis_kill();
	e = stoa_emitter_open(&(struct stoa_emitter_options){ .url = redis_url, .impatient = true });
	ck_assert_int_eq(
		stoa_emitter_emit(e, &all, "x", NULL, &(struct stoa_emitter_call){ .timeout_ms = 600000 }), -ENOTCONN);
	ck_assert_int_eq(stoa_emitter_nodes(e, NULL, &(struct stoa_emitter_call){ .timeout_ms = 600000 }), -ENOTCONN);
	stoa_emitter_free(e);
}
END_TEST

START_TEST(many_later_and_one_flush)
{
	struct stoa_emitter *e = open_emitter();
	struct stoa_emitter_call later = { .later = true, .timeout_ms = 60000 };
	redisContext *c = redis_listen();
	char args[20];

	for (int i = 0; i < 1000; i++) {
		snprintf(args, sizeof(args), "[%d]", i);
		ck_assert_int_eq(stoa_emitter_server_side_emit(e, NULL, "n", args, &later), 0);
	}
	ck_assert_int_eq(stoa_emitter_flush(e), 0);
	for (int i = 0; i < 1000; i++) {
		char text[80];

		snprintf(text, sizeof(text), "{\"uid\":\"emitter\",\"type\":6,\"data\":[\"n\",%d]}", i);
		hears_text(c, REQUESTS, text);
	}
	ck_assert_int_eq(stoa_emitter_flush(e), 0);
	redisFree(c);
	stoa_emitter_free(e);
}
END_TEST

START_TEST(so_much_may_wait)
{
	struct stoa_emitter *e;
	struct stoa_emitter_call later = { .later = true, .timeout_ms = 100 };
	int queued = 0, error;

	redis_kill();
	e = stoa_emitter_open(&(struct stoa_emitter_options){ .url = redis_url, .max_waiting = 1000 });
	while ((error = stoa_emitter_emit(e, &all, "x", "[1]", &later)) == 0)
		queued++;
	ck_assert_int_eq(error, -ENOBUFS);
	ck_assert_int_eq(queued, 1000 / (12 + 54)); /* channel and message */
	ck_assert_int_eq(stoa_emitter_flush(e), -ENOTCONN);
	ck_assert_int_eq(stoa_emitter_flush(e), 0);
	ck_assert_int_eq(stoa_emitter_emit(e, &all, "x", "[1]", &later), 0); /* there is room again */
	stoa_emitter_free(e);
}
END_TEST

/* --- Asking ------------------------------------------------------------------------------------------------------- */

START_TEST(acks_of_all_clients)
{
	struct stoa_emitter *e = open_emitter();
	struct stoa_emitter_result r;
	struct stoa_emitter_call call = { .timeout_ms = 60000, .answer = on_answer, .result = &r };

	server_start(REQUESTS, RESPONSES,
		(const char *[]){ "{\"type\":9,\"requestId\":\"nobody's\",\"packet\":0}", "garbage",
			"{\"type\":8,\"requestId\":\"@\",\"clientCount\":2}",
			"{\"type\":9,\"requestId\":\"@\",\"packet\":\"a\"}", "{\"type\":9,\"requestId\":\"@\"}", NULL },
		2);
	for (int i = 0; i < 2; i++) {
		told[0] = '\0';
		ck_assert_int_eq(stoa_emitter_ask(e, &all, "q", NULL, NULL, 0, &call), 0);
		ck_assert_str_eq(told, "[\"a\"];[];");
		ck_assert_int_eq(r.clients, 2);
		ck_assert_int_eq(r.answers, 2);
		ck_assert_int_eq(r.heard, 1);
		ck_assert_int_eq(r.servers, 1);
		ck_assert_int_eq(r.responded, 1);
	}
	stoa_emitter_free(e);
}
END_TEST

START_TEST(acks_of_some_clients)
{
	struct stoa_emitter *e = open_emitter();
	struct stoa_emitter_result r;
	struct stoa_emitter_call call = { .timeout_ms = 300, .answer = on_answer, .result = &r };

	server_start(REQUESTS, RESPONSES,
		(const char *[]){ "{\"type\":8,\"requestId\":\"@\",\"clientCount\":2}",
			"{\"type\":9,\"requestId\":\"@\",\"packet\":\"a\"}", NULL },
		1);
	ck_assert_int_eq(stoa_emitter_ask(e, &all, "q", NULL, NULL, 0, &call), -ETIMEDOUT);
	ck_assert_str_eq(told, "[\"a\"];");
	ck_assert_int_eq(r.clients, 2);
	ck_assert_int_eq(r.answers, 1);
	/* The same server is silent now. */
	ck_assert_int_eq(stoa_emitter_fetch_sockets(e, &all, &call), -ETIMEDOUT);
	ck_assert_int_eq(r.servers, 1);
	ck_assert_int_eq(r.responded, 0);
	stoa_emitter_free(e);
}
END_TEST

START_TEST(clients_rooms_and_servers)
{
	struct stoa_emitter *e = open_emitter();
	struct stoa_emitter_call call = { .timeout_ms = 60000, .answer = on_answer };

	server_start(REQUESTS, RESPONSES,
		(const char *[]){ "{\"requestId\":\"@\",\"sockets\":[{\"id\":\"a\"},{\"id\":\"b\"}]}", NULL }, 1);
	ck_assert_int_eq(stoa_emitter_fetch_sockets(e, &all, &call), 0);
	ck_assert_str_eq(told, "{\"id\":\"a\"};{\"id\":\"b\"};");
	server_end();
	told[0] = '\0';
	server_start(REQUESTS, RESPONSES, (const char *[]){ "{\"requestId\":\"@\",\"rooms\":[\"x\",1]}", NULL }, 1);
	ck_assert_int_eq(stoa_emitter_all_rooms(e, NULL, &call), 0);
	ck_assert_str_eq(told, "[\"x\",\"1\"];");
	server_end();
	told[0] = '\0';
	server_start(REQUESTS, RESPONSES, (const char *[]){ "{\"type\":6,\"requestId\":\"@\",\"data\":7}", NULL }, 1);
	ck_assert_int_eq(stoa_emitter_ask_servers(e, "/", "add", "[3,4]", &call), 0);
	ck_assert_str_eq(told, "[7];");
	server_end();
	ck_assert_int_eq(stoa_emitter_ask_servers(e, "/", "add", "[3,4]", &call), 0); /* nobody is there */
	stoa_emitter_free(e);
}
END_TEST

#define BEAT(uid) \
	"{\"v\":1,\"type\":\"beat\",\"uid\":\"" uid \
	"\",\"node\":\"AbCd\",\"name\":\"n\",\"address\":\"\",\"clients\":3,\"namespaces\":[\"/\"]}"

START_TEST(gateways)
{
	struct stoa_emitter *e = open_emitter();
	struct stoa_emitter_result r;
	struct stoa_emitter_call call = { .timeout_ms = 60000, .answer = on_answer, .result = &r };

	server_start("socket.io-nodes#", "socket.io-nodes#",
		(const char *[]){ BEAT("one"), BEAT("one"), "{\"type\":\"beat\"}", BEAT("two"), NULL }, 1);
	server_start("socket.io-nodes#", "socket.io-nodes#", (const char *[]){ NULL }, 1);
	server_start(REQUESTS, RESPONSES, (const char *[]){ NULL }, 1);
	ck_assert_int_eq(stoa_emitter_nodes(e, NULL, &call), 0);
	ck_assert_int_eq(r.answers, 2);
	ck_assert_int_eq(r.heard, 2);
	ck_assert_int_eq(r.servers, 1);
	ck_assert_ptr_nonnull(strstr(told, "\"uid\":\"one\""));
	ck_assert_ptr_nonnull(strstr(told, "\"uid\":\"two\""));
	/* They do not answer a second time: the time ends it. */
	call.timeout_ms = 200;
	ck_assert_int_eq(stoa_emitter_nodes(e, NULL, &call), 0);
	ck_assert_int_eq(r.answers, 0);
	stoa_emitter_free(e);
}
END_TEST

static void ask_inside(void *ctx, const struct stoa_emitter_answer *a)
{
	(void)a;
	ck_assert_int_eq(stoa_emitter_emit(ctx, &all, "x", NULL, NULL), -EDEADLK);
	note("refused");
}

START_TEST(no_waiting_inside_of_waiting)
{
	struct stoa_emitter *e = open_emitter();

	server_start(REQUESTS, RESPONSES, (const char *[]){ "{\"requestId\":\"@\",\"rooms\":[]}", NULL }, 1);
	ck_assert_int_eq(stoa_emitter_all_rooms(e, NULL,
				 &(struct stoa_emitter_call){ .timeout_ms = 60000, .answer = ask_inside, .ctx = e }),
		0);
	ck_assert_str_eq(told, "refused;");
	stoa_emitter_free(e);
}
END_TEST

/* --- libevent ----------------------------------------------------------------------------------------------------- */

static struct event_base *base;
static struct stoa_emitter *attached;

static void on_done(void *ctx, const struct stoa_emitter_result *r)
{
	char text[100];

	snprintf(text, sizeof(text), "%s %d heard %lld", (const char *)ctx, r->status, r->heard);
	note(text);
	if (strcmp(ctx, "last") == 0)
		event_base_loopbreak(base);
}

static void on_state(void *ctx, bool connected, const char *why)
{
	(void)ctx;
	note(connected ? "up" : why[0] ? "down" : "?");
	if (!connected)
		event_base_loopbreak(base);
}

static void open_attached(void)
{
	base = event_base_new();
	attached =
		stoa_emitter_open(&(struct stoa_emitter_options){ .url = redis_url, .base = base, .state = on_state });
	ck_assert_ptr_nonnull(attached);
}

static void close_attached(void)
{
	stoa_emitter_free(attached);
	event_base_free(base);
}

START_TEST(callbacks_come_from_the_loop)
{
	static char names[][8] = { "emit", "ask", "nobody", "last" };
	struct stoa_emitter_call call = { .timeout_ms = 60000, .answer = on_answer, .done = on_done };

	server_start(REQUESTS, RESPONSES,
		(const char *[]){ "{\"type\":8,\"requestId\":\"@\",\"clientCount\":1}",
			"{\"type\":9,\"requestId\":\"@\",\"packet\":\"a\"}", NULL },
		1);
	open_attached();
	call.ctx = names[0];
	ck_assert_int_eq(stoa_emitter_emit(attached, &all, "x", NULL, &call), 0);
	call.ctx = names[1];
	ck_assert_int_eq(stoa_emitter_ask(attached, &all, "x", NULL, NULL, 0, &call), 0);
	ck_assert_int_eq(stoa_emitter_emit(attached, &all, "connect", NULL, &call), -EINVAL);
	ck_assert_str_eq(told, "");
	event_base_loop(base, EVLOOP_ONCE);
	call.timeout_ms = 300;
	call.ctx = names[3];
	ck_assert_int_eq(stoa_emitter_fetch_sockets(attached, &all, &call), 0);
	event_base_dispatch(base);
	ck_assert_str_eq(told, "up;emit 0 heard 0;[\"a\"];ask 0 heard 1;last -110 heard 1;");
	/* Redis goes, and comes back. */
	told[0] = '\0';
	redis_kill();
	event_base_dispatch(base);
	ck_assert_str_eq(told, "down;");
	call.timeout_ms = 60000;
	ck_assert_int_eq(stoa_emitter_emit(attached, &all, "x", NULL, &call), 0);
	redis_start();
	while (strstr(told, "last") == NULL)
		event_base_dispatch(base);
	ck_assert_ptr_nonnull(strstr(told, "up;last 0 heard 0;"));
	close_attached();
}
END_TEST

/* The connection breaks before all of it was written: then it was not published, and is sent again. */
START_TEST(what_was_not_sent_is_sent_later)
{
	static char last[] = "last";
	struct stoa_emitter_call call = { .timeout_ms = 60000, .done = on_done, .ctx = last };
	char *args = malloc(4000000);

	memset(args, ' ', 4000000);
	memcpy(args, "[\"", 2);
	memcpy(args + 4000000 - 3, "\"]", 3);
	open_attached();
	while (strstr(told, "up") == NULL)
		event_base_loop(base, EVLOOP_ONCE);
	redis_stop();
	ck_assert_int_eq(stoa_emitter_emit(attached, &all, "x", args, &call), 0);
	for (int i = 0; i < 10; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	redis_kill();
	event_base_dispatch(base);
	ck_assert_str_eq(told, "up;down;");
	redis_start();
	while (strstr(told, "last") == NULL)
		event_base_dispatch(base);
	ck_assert_ptr_nonnull(strstr(told, "up;last 0 heard 0;"));
	free(args);
	close_attached();
}
END_TEST

static void free_inside_answer(void *ctx, const struct stoa_emitter_answer *a)
{
	(void)ctx;
	(void)a;
	note("freed");
	stoa_emitter_free(attached);
	event_base_loopbreak(base);
}

START_TEST(freed_inside_an_answer)
{
	struct stoa_emitter_call call = { .timeout_ms = 60000, .answer = free_inside_answer, .done = on_done };

	server_start(REQUESTS, RESPONSES,
		(const char *[]){ "{\"requestId\":\"@\",\"sockets\":[{\"id\":\"a\"},{\"id\":\"b\"}]}", NULL }, 1);
	open_attached();
	ck_assert_int_eq(stoa_emitter_fetch_sockets(attached, &all, &call), 0);
	ck_assert_int_eq(stoa_emitter_all_rooms(attached, NULL, &call), 0);
	event_base_dispatch(base);
	ck_assert_str_eq(told, "up;freed;");
	event_base_loop(base, EVLOOP_NONBLOCK);
	event_base_free(base);
}
END_TEST

static void free_inside_done(void *ctx, const struct stoa_emitter_result *r)
{
	(void)ctx;
	(void)r;
	note("freed");
	stoa_emitter_free(attached);
	event_base_loopbreak(base);
}

START_TEST(freed_inside_an_end)
{
	struct stoa_emitter_call call = { .timeout_ms = 60000, .done = free_inside_done };

	open_attached();
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(stoa_emitter_emit(attached, &all, "x", NULL, &call), 0);
	event_base_dispatch(base);
	ck_assert_str_eq(told, "up;freed;");
	event_base_loop(base, EVLOOP_NONBLOCK);
	event_base_free(base);
}
END_TEST

START_TEST(freed_with_calls_under_way)
{
	struct stoa_emitter_call call = { .timeout_ms = 60000, .done = on_done };

	open_attached();
	call.ctx = base;
	ck_assert_int_eq(stoa_emitter_ask(attached, &all, "x", NULL, NULL, 0, &call), 0);
	event_base_loop(base, EVLOOP_ONCE);
	ck_assert_int_eq(stoa_emitter_emit(attached, &all, "x", NULL, &call), 0);
	close_attached();
	ck_assert_ptr_null(strstr(told, "heard"));
}
END_TEST

START_TEST(so_many_may_ask)
{
	struct stoa_emitter_call call = { .timeout_ms = 60000 };

	base = event_base_new();
	attached = stoa_emitter_open(&(struct stoa_emitter_options){ .url = redis_url, .base = base, .max_calls = 2 });
	ck_assert_int_eq(stoa_emitter_all_rooms(attached, NULL, &call), 0);
	ck_assert_int_eq(stoa_emitter_all_rooms(attached, NULL, &call), 0);
	ck_assert_int_eq(stoa_emitter_all_rooms(attached, NULL, &call), -EAGAIN);
	ck_assert_int_eq(stoa_emitter_emit(attached, &all, "x", NULL, &call), 0);
	close_attached();
}
END_TEST

/* A Redis that is stopped: what was sent to it is not known to have been done. */
START_TEST(redis_does_not_answer)
{
	struct stoa_emitter *e = open_emitter();
	redisContext *c = redis_connect();
	redisReply *r;

	ck_assert_int_eq(stoa_emitter_emit(e, &all, "x", NULL, NULL), 0);
	r = redisCommand(c, "CLIENT PAUSE 60000 ALL");
	freeReplyObject(r);
	ck_assert_int_eq(
		stoa_emitter_emit(e, &all, "x", NULL, &(struct stoa_emitter_call){ .timeout_ms = 200 }), -ECONNRESET);
	redisFree(c);
	stoa_emitter_free(e);
}
END_TEST

Suite *suite(void)
{
	const struct {
		const TTest *test;
		int times;
	} tests[] = { { bytes_of_the_emitter_of_node, 1 }, { a_room_wins_over_broadcast, 1 },
		{ binary_stands_where_its_placeholder_does, 1 },
		{ what_is_malformed_is_never_sent, sizeof(bad) / sizeof(bad[0]) },
		{ a_message_of_max_publish_and_one_byte_more, 1 }, { reserved_events_of_servers, 1 },
		{ options_that_are_wrong, 1 }, { quoting, 1 }, { a_redis_that_comes_back_is_waited_for, 1 },
		{ a_redis_that_was_started_anew_between_calls, 1 }, { time_passes_between_calls, 1 },
		{ the_impatient_do_not_wait, 1 }, { many_later_and_one_flush, 1 }, { so_much_may_wait, 1 },
		{ acks_of_all_clients, 1 }, { acks_of_some_clients, 1 }, { clients_rooms_and_servers, 1 },
		{ gateways, 1 }, { no_waiting_inside_of_waiting, 1 }, { callbacks_come_from_the_loop, 1 },
		{ what_was_not_sent_is_sent_later, 1 }, { freed_inside_an_answer, 1 }, { freed_inside_an_end, 1 },
		{ freed_with_calls_under_way, 1 }, { so_many_may_ask, 1 }, { redis_does_not_answer, 1 } };
	Suite *s = suite_create("emitter");
	TCase *c = tcase_create("emitter");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 120);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_loop_test(c, tests[i].test, 0, tests[i].times);
	suite_add_tcase(s, c);
	return s;
}
