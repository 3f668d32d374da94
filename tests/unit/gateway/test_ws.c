/*
 * test_ws.c - the WebSocket edge: a real loop, libwebsockets and loopback sockets in one process. The session is a
 * stand-in of this file that writes down what it is told.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "metrics.h"
#include "send_batch.h"
#include "test_main.h"
#include "ws.h"
#include "ws_message.h"

enum { LIMIT = 100 * 1000, FRAGMENTS = 100, TURNS = 2000 };

/* --- The stand-in for the session --------------------------------------------------------------------------------- */

struct seen {
	struct buf text; /* one word per call: "opened", "text:hello", "binary:..", "writable", "gone", "error" */
	struct session_ws *ws;
	void (*on_opened)(struct seen *seen);
	void (*on_message)(struct seen *seen, struct slice data);
	size_t messages, bytes;
	bool quiet;   /* counts messages instead of writing them down */
	bool blocked; /* it was found out after a write that not all of it is in the kernel */
};

static struct seen *seen_of(struct session_ws *ws)
{
	return (struct seen *)(void *)ws->session;
}

static void opened(void *ctx, struct session_ws *ws, int64_t now_ms)
{
	struct seen *seen = ctx;

	ck_assert_int_gt(now_ms, 0);
	seen->ws = ws;
	ws->session = (struct session *)(void *)seen;
	buf_add_str(&seen->text, "opened ");
	if (seen->on_opened)
		seen->on_opened(seen);
}

void session_ws_message(struct session_ws *ws, int64_t now_ms, bool binary, struct slice data)
{
	struct seen *seen = seen_of(ws);

	(void)now_ms;
	if (seen == NULL)
		return;
	seen->messages++;
	seen->bytes += data.size;
	if (!seen->quiet) {
		buf_add_str(&seen->text, binary ? "binary:" : "text:");
		buf_add_slice(&seen->text, data);
		buf_add_char(&seen->text, ' ');
	}
	if (seen->on_message)
		seen->on_message(seen, data);
}

void session_ws_last_call(struct session_ws *ws)
{
	(void)ws;
}

void session_ws_blocked(struct session_ws *ws)
{
	if (seen_of(ws))
		seen_of(ws)->blocked = true;
}

void session_ws_writable(struct session_ws *ws)
{
	if (seen_of(ws))
		buf_add_str(&seen_of(ws)->text, "writable ");
}

void session_ws_gone(struct session_ws *ws, int64_t now_ms, bool error)
{
	struct seen *seen = seen_of(ws);

	(void)now_ms;
	if (seen == NULL)
		return;
	ws->session = NULL;
	buf_add_str(&seen->text, error ? "error " : "gone ");
	seen->ws = NULL;
}

static void close_ws(struct seen *seen, unsigned code)
{
	struct session_ws *ws = seen->ws;

	seen->ws = NULL;
	ws->session = NULL;
	ws->ops->close(ws, code);
}

/* --- The loop, turn by turn --------------------------------------------------------------------------------------- */

static struct loop loop;
static struct ws_engine *engine;
static struct gateway_options options;
static int descriptors;
static bool together; /* writes are made as in a flush of output, with the option io_uring */

static int open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void stop(void *ctx, int64_t now_ms)
{
	(void)now_ms;
	loop_stop(ctx);
}

static void tick(struct timer *t, int64_t now_ms)
{
	(void)t;
	(void)now_ms;
}

static bool
	ahead; /* a test has moved the timers' clock on: what is set for a moment from now would wait for ours to get there */

static void turn(void)
{
	static struct timer timer;

	if (ahead) {
		loop_poll(&loop);
		return;
	}
	timer_set(&loop.timers, &timer, tick, clock_now_ms() + 1);
	loop_run(&loop);
	timer_stop(&loop.timers, &timer);
}

static void setup(void)
{
	char why[100];

	log_set_level(LOG_ERROR);
	descriptors = open_descriptors();
	options = (struct gateway_options){ .max_http_buffer_size = LIMIT,
		.max_fragments = FRAGMENTS,
		.close_timeout_ms = 1000,
		.max_connections = 1000,
		.io_uring = together };
	ck_assert_int_eq(loop_init(&loop), 0);
	loop_on_turn_end(&loop, stop, &loop);
	engine = ws_engine_new(&loop, &options, why, sizeof(why));
	ck_assert_ptr_nonnull(engine);
}

static void setup_together(void)
{
	together = true;
	setup();
	ck_assert_int_eq(metrics_get(M_IO_URING), 1);
}

static void teardown(void)
{
	ws_engine_free(engine);
	loop_fini(&loop);
	ck_assert_int_eq(open_descriptors(), descriptors);
	together = false;
	ahead = false;
}

static int halves_pong_of = -1;

/* libc's for everybody in this process, but of the next pong to that socket only half is taken: as when the kernel has no
 * memory for the rest, which no peer brings about. */
__attribute__((visibility("default"))) ssize_t send(int fd, const void *bytes, size_t size, int flags)
{
	if (fd == halves_pong_of && *(const unsigned char *)bytes == 0x8a) {
		halves_pong_of = -1;
		size /= 2;
	}
	return sendto(fd, bytes, size, flags, NULL, 0);
}

/* --- The client --------------------------------------------------------------------------------------------------- */

struct client {
	int fd, server_fd;
	struct buf in; /* what came, behind the 101 */
	bool ended, reset;
	struct seen seen;
};

static void pair(int fds[2])
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), small = 16 * 1024;

	/* Small buffers: a peer that does not read is noticed soon. */
	setsockopt(listener, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, size), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fds[0], SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	ck_assert_int_eq(connect(fds[0], (struct sockaddr *)&address, size), 0);
	fds[1] = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	ck_assert_int_ge(fds[1], 0);
	close(listener);
}

/* Reads what is there. */
static void client_read(struct client *c)
{
	for (;;) {
		char *to = buf_reserve(&c->in, 64 * 1024);
		ssize_t n = recv(c->fd, to, 64 * 1024, MSG_DONTWAIT);

		if (n <= 0) {
			c->ended = n == 0;
			c->reset = n < 0 && errno == ECONNRESET;
			return;
		}
		c->in.size += (size_t)n;
	}
}

static void client_wait(struct client *c, size_t size)
{
	for (int i = 0; i < TURNS && c->in.size < size && !c->ended && !c->reset; i++) {
		turn();
		client_read(c);
	}
	ck_assert_uint_ge(c->in.size, size);
}

static void client_wait_end(struct client *c)
{
	for (int i = 0; i < TURNS && !c->ended && !c->reset; i++) {
		turn();
		client_read(c);
	}
	ck_assert(c->ended);
}

static void client_wait_seen(struct client *c, const char *word)
{
	for (int i = 0; i < TURNS; i++) {
		buf_add_char(&c->seen.text, '\0');
		c->seen.text.size--;
		if (strstr(c->seen.text.at, word))
			return;
		turn();
	}
	ck_abort_msg("never seen: %s, but: %s", word, c->seen.text.at);
}

static void turns(int n)
{
	while (n--)
		turn();
}

static int client_start(struct client *c, struct slice rest)
{
	static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\n";
	int fds[2];
	struct ws_accept a = { .key = SLICE("dGhlIHNhbXBsZSBub25jZQ=="),
		.extra = SLICE("X-Extra: yes\r\n"),
		.rest = rest,
		.opened = opened,
		.ctx = &c->seen };

	pair(fds);
	c->fd = fds[0];
	a.fd = c->server_fd = fds[1];
	if (ws_accept(engine, &a) < 0)
		return -1;
	client_wait(c, sizeof(answer));
	ck_assert_mem_eq(c->in.at, answer, sizeof(answer) - 1);
	return 0;
}

/* The 101 is dropped from c->in once it was looked at. */
static struct client *client_new_with(struct slice rest, void (*on_opened)(struct seen *seen))
{
	struct client *c = calloc(1, sizeof(*c));
	char *end;

	c->seen.on_opened = on_opened;
	ck_assert_int_eq(client_start(c, rest), 0);
	buf_add_char(&c->in, '\0');
	ck_assert_ptr_nonnull(strstr(c->in.at, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
	ck_assert_ptr_nonnull(strstr(c->in.at, "\r\nX-Extra: yes\r\n"));
	end = strstr(c->in.at, "\r\n\r\n");
	ck_assert_ptr_nonnull(end);
	c->in.size--;
	buf_drop_front(&c->in, (size_t)(end + 4 - c->in.at));
	return c;
}

static struct client *client_new(void)
{
	return client_new_with((struct slice){ 0 }, NULL);
}

static void client_free(struct client *c)
{
	close(c->fd);
	turns(3);
	if (c->seen.ws) /* paused, so that the end was not seen */
		close_ws(&c->seen, 0);
	buf_fini(&c->in);
	buf_fini(&c->seen.text);
	free(c);
}

static void send_all(struct client *c, struct slice bytes)
{
	while (bytes.size) {
		ssize_t n = send(c->fd, bytes.at, bytes.size, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			return; /* closed meanwhile: what the test waits for tells */
		if (n > 0)
			bytes = slice_from(bytes, (size_t)n);
		turn();
	}
}

static void add_head(struct buf *to, int first, size_t n, bool masked)
{
	int bytes = n < 126 ? 0 : n < 65536 ? 2 : 8;

	buf_add_char(to, (char)first);
	buf_add_char(to, (char)((masked ? 0x80 : 0) | (bytes == 0 ? (int)n : bytes == 2 ? 126 : 127)));
	while (bytes-- > 0)
		buf_add_char(to, (char)((uint64_t)n >> (bytes * 8)));
}

static unsigned char mask[4] = { 0x11, 0xa2, 0x33, 0xf4 };

static void add_frame(struct buf *to, int first, struct slice payload)
{
	add_head(to, first, payload.size, true);
	buf_add(to, mask, sizeof(mask));
	for (size_t i = 0; i < payload.size; i++)
		buf_add_char(to, (char)((unsigned char)payload.at[i] ^ mask[i % 4]));
}

static void send_frame(struct client *c, int first, struct slice payload)
{
	struct buf b = BUF_INIT;

	add_frame(&b, first, payload);
	send_all(c, buf_slice(&b));
	buf_fini(&b);
}

static void expect_seen(struct client *c, const char *text)
{
	client_wait_seen(c, text);
	ck_assert_str_eq(c->seen.text.at, text);
}

static void expect_bytes(struct client *c, const char *bytes, size_t size)
{
	client_wait(c, size);
	ck_assert_uint_eq(c->in.size, size);
	ck_assert_mem_eq(c->in.at, bytes, size);
	buf_clear(&c->in);
}
#define EXPECT(c, literal) expect_bytes(c, literal, sizeof(literal) - 1)

/* For tables, where SLICE() is no constant. */
#define BYTES(literal) \
	{ \
		"" literal, sizeof(literal) - 1 \
	}

static char *filled(size_t size, char c)
{
	char *at = malloc(size + 1);

	memset(at, c, size);
	return at;
}

enum {
	TEXT = 0x81,
	BINARY = 0x82,
	CLOSE = 0x88,
	PING = 0x89,
	PONG = 0x8a,
	TEXT_PART = 0x01,
	BINARY_PART = 0x02,
	PART = 0,
	LAST = 0x80
};

/* --- Messages ----------------------------------------------------------------------------------------------------- */

START_TEST(whole_messages)
{
	struct client *c = client_new();

	send_frame(c, TEXT, SLICE("hello"));
	send_frame(c, BINARY, SLICE("\x01\x02"));
	send_frame(c, TEXT, SLICE(""));
	send_frame(c, TEXT, SLICE("\xc3\xa9"));
	expect_seen(c, "opened text:hello binary:\x01\x02 text: text:\xc3\xa9 ");
	client_free(c);
}
END_TEST

START_TEST(bytes_behind_the_head)
{
	struct buf rest = BUF_INIT;
	struct client *c;
	char *big = filled(20000, 'b');

	add_frame(&rest, TEXT, SLICE("one"));
	add_frame(&rest, TEXT, slice_of(big, 20000));
	add_frame(&rest, TEXT_PART, SLICE("th"));
	c = client_new_with(buf_slice(&rest), NULL);
	c->seen.quiet = true;
	send_frame(c, LAST, SLICE("ree"));
	for (int i = 0; i < TURNS && c->seen.messages < 3; i++)
		turn();
	ck_assert_uint_eq(c->seen.messages, 3);
	ck_assert_uint_eq(c->seen.bytes, 3 + 20000 + 5);
	client_free(c);
	buf_fini(&rest);
	free(big);
}
END_TEST

START_TEST(fragments_and_control_frames_between)
{
	struct client *c = client_new();

	send_frame(c, TEXT_PART, SLICE("he"));
	send_frame(c, PING, SLICE("are you there"));
	send_frame(c, PART, SLICE(""));
	send_frame(c, PONG, SLICE("\xff\xfe"));
	send_frame(c, LAST, SLICE("llo"));
	send_frame(c, BINARY_PART, SLICE("\xff"));
	send_frame(c, LAST, SLICE(""));
	expect_seen(c, "opened text:hello binary:\xff ");
	EXPECT(c, "\x8a\x0d"
		  "are you there");
	client_free(c);
}
END_TEST

START_TEST(pings)
{
	struct client *c = client_new();
	char *long_one = filled(125, 'p'), answer[127] = { (char)0x8a, 125 };

	send_frame(c, PING, SLICE(""));
	EXPECT(c, "\x8a\x00");
	send_frame(c, PING, slice_of(long_one, 125));
	memcpy(answer + 2, long_one, 125);
	expect_bytes(c, answer, sizeof(answer));
	expect_seen(c, "opened ");
	free(long_one);
	client_free(c);
}
END_TEST

/* A latest ping is answered, as RFC 6455 5.5.3 allows, whatever its neighbours in a segment. */
START_TEST(many_pings)
{
	struct client *c = client_new();
	struct buf b = BUF_INIT;

	for (char i = '0'; i <= '9'; i++)
		add_frame(&b, PING, slice_of(&i, 1));
	add_frame(&b, TEXT, SLICE("behind"));
	send_all(c, buf_slice(&b));
	expect_seen(c, "opened text:behind ");
	EXPECT(c, "\x8a\x01"
		  "9");
	buf_fini(&b);
	client_free(c);
}
END_TEST

START_TEST(one_byte_at_a_time)
{
	struct client *c = client_new();
	struct buf b = BUF_INIT;

	add_frame(&b, TEXT_PART, SLICE("he"));
	add_frame(&b, LAST, SLICE("llo"));
	add_frame(&b, BINARY, SLICE("12345"));
	for (size_t i = 0; i < b.size; i++)
		send_all(c, slice_of(b.at + i, 1));
	expect_seen(c, "opened text:hello binary:12345 ");
	buf_fini(&b);
	client_free(c);
}
END_TEST

static struct slice counted_up;

static void expect_counted_up(struct seen *seen, struct slice data)
{
	(void)seen;
	ck_assert_uint_eq(data.size, counted_up.size);
	if (data.size)
		ck_assert_mem_eq(data.at, counted_up.at, data.size);
}

static void send_in_two(struct client *c, struct slice bytes, size_t cut)
{
	send_all(c, slice_first(bytes, cut));
	turn();
	send_all(c, slice_from(bytes, cut));
}

/* A head and a payload that end anywhere in a read, unmasked in steps of eight and by the byte from any place of the mask. */
START_TEST(masked_and_cut_anywhere)
{
	static const unsigned char masks[][4] = { { 1, 2, 3, 4 }, { 0, 0, 0, 0 }, { 0x80, 0, 0, 0 }, { 0, 0, 0, 5 } };
	static const size_t sizes[] = { 0, 1, 8, 9, 17, 126 };
	struct client *c = client_new();
	size_t sent = 0;
	char text[126];

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(i * 7);
	c->seen.quiet = true;
	c->seen.on_message = expect_counted_up;
	memcpy(mask, masks[_i], sizeof(mask));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct buf b = BUF_INIT;

		counted_up = slice_of(text, sizes[i]);
		add_frame(&b, BINARY, counted_up);
		for (size_t cut = 0; cut < b.size; cut++, sent++)
			send_in_two(c, buf_slice(&b), cut);
		for (int n = 0; n < TURNS && c->seen.messages < sent; n++)
			turn();
		ck_assert_uint_eq(c->seen.messages, sent);
		buf_fini(&b);
	}
	client_free(c);
}
END_TEST

/* A turn takes what has come, up to READ_BYTES, in as many messages as it is. */
START_TEST(many_messages_in_one_read)
{
	enum { MESSAGES = 100, SIZE = 100 };
	struct client *c = client_new();
	char *text = filled(SIZE, 'x');
	struct buf b = BUF_INIT;

	c->seen.quiet = true;
	for (int i = 0; i < MESSAGES; i++)
		add_frame(&b, TEXT, slice_of(text, SIZE));
	send_all(c, buf_slice(&b));
	for (int i = 0; i < TURNS && c->seen.messages == 0; i++)
		turn();
	ck_assert_uint_eq(c->seen.messages, MESSAGES);
	buf_fini(&b);
	client_free(c);
	free(text);
}
END_TEST

/* --- Limits ------------------------------------------------------------------------------------------------------- */

START_TEST(largest_message)
{
	struct client *c = client_new();
	char *big = filled(LIMIT, 'x');

	c->seen.quiet = true;
	send_frame(c, TEXT, slice_of(big, LIMIT));
	send_frame(c, TEXT_PART, slice_of(big, LIMIT - 1));
	send_frame(c, LAST, SLICE("y"));
	for (int i = 0; i < TURNS && c->seen.messages < 2; i++)
		turn();
	ck_assert_uint_eq(c->seen.messages, 2);
	ck_assert_uint_eq(c->seen.bytes, 2 * LIMIT);
	client_free(c);
	free(big);
}
END_TEST

static void expect_refusal(struct client *c, unsigned code, enum metric_id metric, int64_t before)
{
	char frame[] = { (char)0x88, 2, (char)(code >> 8), (char)code };

	expect_seen(c, "opened error ");
	expect_bytes(c, frame, sizeof(frame));
	client_wait_end(c);
	ck_assert_uint_eq(c->in.size, 0);
	ck_assert_int_eq(metrics_get(metric), before + 1);
	ck_assert_uint_eq(ws_engine_count(engine), 0);
	client_free(c);
}

START_TEST(too_large)
{
	struct client *c = client_new();
	int64_t before = metrics_get(M_LIMIT_PAYLOAD);
	char *big = filled(LIMIT + 1, 'x');

	send_frame(c, TEXT, slice_of(big, LIMIT + 1));
	expect_refusal(c, 1009, M_LIMIT_PAYLOAD, before);
	free(big);
}
END_TEST

START_TEST(too_large_in_fragments)
{
	struct client *c = client_new();
	int64_t before = metrics_get(M_LIMIT_PAYLOAD);
	char *big = filled(LIMIT, 'x');

	send_frame(c, BINARY_PART, slice_of(big, LIMIT));
	send_frame(c, LAST, SLICE("y"));
	expect_refusal(c, 1009, M_LIMIT_PAYLOAD, before);
	free(big);
}
END_TEST

START_TEST(too_large_by_announcement)
{
	struct client *c = client_new();
	int64_t before = metrics_get(M_LIMIT_PAYLOAD);
	struct buf b = BUF_INIT;

	add_head(&b, BINARY, _i ? LIMIT + 1 : INT64_MAX, true);
	buf_add(&b, mask, sizeof(mask));
	send_all(c, buf_slice(&b));
	expect_refusal(c, 1009, M_LIMIT_PAYLOAD, before);
	buf_fini(&b);
}
END_TEST

/* The second frame alone would pass; none of it comes. */
START_TEST(too_large_by_a_sum_announced)
{
	struct client *c = client_new();
	int64_t before = metrics_get(M_LIMIT_PAYLOAD);
	struct buf b = BUF_INIT;

	add_frame(&b, BINARY_PART, SLICE("xy"));
	add_head(&b, LAST, LIMIT - 1, true);
	buf_add(&b, mask, sizeof(mask));
	send_all(c, buf_slice(&b));
	expect_refusal(c, 1009, M_LIMIT_PAYLOAD, before);
	buf_fini(&b);
}
END_TEST

START_TEST(most_fragments)
{
	struct client *c = client_new();

	send_frame(c, TEXT_PART, SLICE("a"));
	for (int i = 0; i < FRAGMENTS - 2; i++)
		send_frame(c, PART, SLICE(""));
	send_frame(c, LAST, SLICE("b"));
	expect_seen(c, "opened text:ab ");
	client_free(c);
}
END_TEST

START_TEST(too_many_fragments)
{
	struct client *c = client_new();
	int64_t before = metrics_get(M_LIMIT_FRAGMENTS);
	struct buf b = BUF_INIT;

	add_frame(&b, TEXT_PART, SLICE(""));
	for (int i = 0; i < 100 * 1000; i++)
		add_frame(&b, PART, SLICE(""));
	send_all(c, buf_slice(&b));
	expect_refusal(c, 1008, M_LIMIT_FRAGMENTS, before);
	buf_fini(&b);
}
END_TEST

/* The same without sockets: what ws_message.h says for pieces that no test of ours can make a kernel deliver. */
START_TEST(pieces)
{
	const struct ws_limits limits = { .bytes = 10, .fragments = 2 };
	struct ws_message m = { 0 };
	struct slice whole;

	ck_assert_int_eq(ws_message_frame(&m, &limits, 10), WS_PARTIAL);
	ck_assert_int_eq(ws_message_add(&m, &limits, SLICE("12345"), false, &whole), WS_PARTIAL);
	ck_assert_int_eq(ws_message_add(&m, &limits, SLICE("12345"), true, &whole), WS_COMPLETE);
	ck_assert(slice_equal(whole, SLICE("1234512345")));
	ws_message_clear(&m);
	ck_assert_int_eq(ws_message_frame(&m, &limits, 11), WS_TOO_LARGE);
	ck_assert_int_eq(ws_message_frame(&m, &limits, UINT64_MAX), WS_TOO_LARGE);
	ws_message_clear(&m);
	ck_assert_int_eq(ws_message_frame(&m, &limits, 5), WS_PARTIAL);
	ck_assert_int_eq(ws_message_add(&m, &limits, SLICE("12345"), false, &whole), WS_PARTIAL);
	ck_assert_int_eq(ws_message_frame(&m, &limits, 6), WS_TOO_LARGE);
	ws_message_clear(&m);
	ck_assert_int_eq(ws_message_add(&m, &limits, SLICE("12345678901"), true, &whole), WS_TOO_LARGE);
	ws_message_clear(&m);
	ck_assert_int_eq(ws_message_frame(&m, &limits, 0), WS_PARTIAL);
	ck_assert_int_eq(ws_message_frame(&m, &limits, 0), WS_PARTIAL);
	ck_assert_int_eq(ws_message_frame(&m, &limits, 0), WS_TOO_MANY_FRAGMENTS);
	ws_message_clear(&m);
}
END_TEST

START_TEST(control_frames_of_a_second)
{
	const struct ws_limits limits = { .controls = 2 }, none = { 0 };
	struct ws_controls c = { 0 };

	ck_assert(ws_controls_count(&c, &limits, 5000));
	ck_assert(ws_controls_count(&c, &limits, 5999));
	ck_assert(!ws_controls_count(&c, &limits, 5999));
	ck_assert(ws_controls_count(&c, &limits, 6000));
	ck_assert(ws_controls_count(&c, &limits, 6000));
	ck_assert(!ws_controls_count(&c, &limits, 6999));
	for (int i = 0; i < 1000; i++)
		ck_assert(ws_controls_count(&c, &none, 9000));
}
END_TEST

/* --- Output ------------------------------------------------------------------------------------------------------- */

static bool ws_write(struct client *c, const void *bytes, size_t size)
{
	bool all;

	c->seen.blocked = false;
	ws_engine_flush(engine, true);
	all = c->seen.ws->ops->write(c->seen.ws, bytes, size);
	ws_engine_flush(engine, false);
	return all && !c->seen.blocked;
}

/* One text frame of size bytes, wrapped as ours are. */
static struct buf server_frame(size_t size)
{
	struct buf b = BUF_INIT;

	add_head(&b, TEXT, size, false);
	for (size_t i = 0; i < size; i++)
		buf_add_char(&b, (char)('a' + i % 23));
	return b;
}

START_TEST(write_outside_callbacks)
{
	struct client *c = client_new();
	/* As a frame: nothing in front of the bytes is ours to change. */
	static const char shared[] = "\x81\x01"
				     "a\x81\x01"
				     "b";

	ck_assert(ws_write(c, shared, sizeof(shared) - 1));
	EXPECT(c, "\x81\x01"
		  "a\x81\x01"
		  "b");
	expect_seen(c, "opened ");
	client_free(c);
}
END_TEST

START_TEST(slow_reader)
{
	enum { BIG = 10 * 1000 * 1000 };
	struct client *c = client_new();
	struct buf big = server_frame(BIG);

	ck_assert(!ws_write(c, big.at, big.size));
	ck_assert(!ws_write(c, "\x81\x01z", 3));
	turns(20);
	expect_seen(c, "opened ");
	client_wait(c, big.size + 3);
	ck_assert_uint_eq(c->in.size, big.size + 3);
	ck_assert_mem_eq(c->in.at, big.at, big.size);
	ck_assert_mem_eq(c->in.at + big.size, "\x81\x01z", 3);
	expect_seen(c, "opened writable ");
	buf_clear(&c->in);
	ck_assert(ws_write(c, "\x81\x01!", 3));
	EXPECT(c, "\x81\x01!");
	buf_fini(&big);
	client_free(c);
}
END_TEST

/* The socket has room again before libwebsockets has noticed. */
START_TEST(write_behind_what_is_held)
{
	struct client *c = client_new();
	struct buf big = server_frame(3 * 1000 * 1000);

	ck_assert(!ws_write(c, big.at, big.size));
	client_read(c);
	ck_assert_uint_gt(c->in.size, 0);
	ck_assert(!ws_write(c, "\x81\x01z", 3));
	client_wait(c, big.size + 3);
	ck_assert_mem_eq(c->in.at, big.at, big.size);
	ck_assert_mem_eq(c->in.at + big.size, "\x81\x01z", 3);
	expect_seen(c, "opened writable ");
	buf_fini(&big);
	client_free(c);
}
END_TEST

START_TEST(pings_of_a_slow_reader)
{
	struct client *c = client_new();
	struct buf big = server_frame(3 * 1000 * 1000);

	ck_assert(!ws_write(c, big.at, big.size));
	send_frame(c, PING, SLICE("p"));
	send_frame(c, TEXT, SLICE("still heard"));
	expect_seen(c, "opened text:still heard ");
	client_wait(c, big.size + 3);
	ck_assert_mem_eq(c->in.at, big.at, big.size);
	ck_assert_mem_eq(c->in.at + big.size, "\x8a\x01p", 3);
	expect_seen(c, "opened text:still heard writable ");
	buf_fini(&big);
	client_free(c);
}
END_TEST

/* What libwebsockets has left of a pong of its own goes first, though the socket would take ours at once. */
START_TEST(write_behind_half_a_pong)
{
	struct client *c = client_new();
	struct buf ping = BUF_INIT;

	add_frame(&ping, PING, SLICE("0123456789"));
	halves_pong_of = c->server_fd;
	ck_assert_int_eq(send(c->fd, ping.at, ping.size, MSG_NOSIGNAL), (ssize_t)ping.size);
	while (halves_pong_of >= 0)
		turn();
	ws_write(c, "\x81\x01z", 3);
	EXPECT(c, "\x8a\x0a"
		  "0123456789\x81\x01z");
	ck_assert(ws_write(c, "\x81\x01!", 3));
	EXPECT(c, "\x81\x01!");
	buf_fini(&ping);
	client_free(c);
}
END_TEST

/* --- Output of many, together ------------------------------------------------------------------------------------- */

static void reset(int fd)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

static bool write_letter(struct client *c, char letter)
{
	char frame[] = { (char)TEXT, 1, letter };

	return c->seen.ws->ops->write(c->seen.ws, frame, sizeof(frame));
}

START_TEST(writes_of_a_flush)
{
	struct client *c[3] = { client_new(), client_new(), client_new() };
	int64_t before = metrics_get(M_IO_URING_WRITES);

	ws_engine_flush(engine, true);
	for (int i = 0; i < 3; i++)
		ck_assert(write_letter(c[i], (char)('a' + i)));
	ck_assert_int_eq(metrics_get(M_IO_URING_WRITES), before);
	ws_engine_flush(engine, false);
	ck_assert_int_eq(metrics_get(M_IO_URING_WRITES) - before, 3);
	EXPECT(c[0], "\x81\x01"
		     "a");
	EXPECT(c[1], "\x81\x01"
		     "b");
	EXPECT(c[2], "\x81\x01"
		     "c");
	/* Outside of a flush nothing waits. */
	ck_assert(write_letter(c[0], 'd') && write_letter(c[1], 'd'));
	ck_assert_int_eq(metrics_get(M_IO_URING_WRITES) - before, 3);
	/* Where libwebsockets may have said something by itself, it writes the rest too. */
	send_frame(c[1], PING, SLICE("p"));
	EXPECT(c[1], "\x81\x01"
		     "d\x8a\x01p");
	ws_engine_flush(engine, true);
	for (int i = 0; i < 3; i++)
		ck_assert(write_letter(c[i], 'e'));
	ws_engine_flush(engine, false);
	ck_assert_int_eq(metrics_get(M_IO_URING_WRITES) - before, 5);
	for (int i = 0; i < 3; i++)
		client_free(c[i]);
}
END_TEST

/* What is done to a connection while its write waits comes behind that. */
START_TEST(whatever_follows_a_write_of_a_flush)
{
	struct client *c[3] = { client_new(), client_new(), client_new() };
	struct buf big = server_frame(100 * 1000);

	ws_engine_flush(engine, true);
	for (int i = 0; i < 3; i++)
		ck_assert(write_letter(c[i], 'a'));
	ck_assert(write_letter(c[0], 'b'));
	c[1]->seen.ws->ops->write(c[1]->seen.ws, big.at, big.size);
	ck_assert(write_letter(c[2], 'b'));
	close_ws(&c[2]->seen, 1012);
	ws_engine_flush(engine, false);
	EXPECT(c[0], "\x81\x01"
		     "a\x81\x01"
		     "b");
	EXPECT(c[2], "\x81\x01"
		     "a\x81\x01"
		     "b\x88\x02\x03\xf4");
	client_wait_end(c[2]);
	client_wait(c[1], 3 + big.size);
	ck_assert_mem_eq(c[1]->in.at,
		"\x81\x01"
		"a",
		3);
	ck_assert_mem_eq(c[1]->in.at + 3, big.at, big.size);
	for (int i = 0; i < 3; i++)
		client_free(c[i]);
	buf_fini(&big);
}
END_TEST

/* A write is taken, and then its socket turns out to be full, at any place of it; those beside it hear as ever. */
START_TEST(full_sockets_of_a_flush)
{
	enum { FRAME = 8003 };
	struct client *slow = client_new(), *other = client_new();
	struct buf frame = server_frame(FRAME - 4);
	int little = 5000;
	size_t written = 0;

	ck_assert_uint_eq(frame.size, FRAME);
	ck_assert_int_eq(setsockopt(slow->server_fd, SOL_SOCKET, SO_SNDBUF, &little, sizeof(little)), 0);
	while (!slow->seen.blocked) {
		ws_engine_flush(engine, true);
		ck_assert(slow->seen.ws->ops->write(slow->seen.ws, frame.at, frame.size));
		ck_assert(write_letter(other, 'x'));
		ws_engine_flush(engine, false);
		written += FRAME;
	}
	ck_assert(!other->seen.blocked);
	/* From here on, behind what is held. */
	ck_assert(!ws_write(slow, "\x81\x01z", 3));
	client_wait(other, written / FRAME * 3);
	client_wait(slow, written + 3);
	ck_assert_uint_eq(slow->in.size, written + 3);
	for (size_t at = 0; at < written; at += FRAME)
		ck_assert_mem_eq(slow->in.at + at, frame.at, FRAME);
	expect_seen(slow, "opened writable ");
	expect_seen(other, "opened ");
	ck_assert(ws_write(slow, "\x81\x01!", 3));
	client_free(slow);
	client_free(other);
	buf_fini(&frame);
}
END_TEST

/* Told later, never from inside the flush; as if the write had failed at once, the session takes it for blocked. */
START_TEST(a_reset_peer_of_a_flush)
{
	struct client *c[3] = { client_new(), client_new(), client_new() };

	reset(c[1]->fd);
	c[1]->fd = -1;
	while (!c[1]->seen.blocked) {
		ws_engine_flush(engine, true);
		for (int i = 0; i < 3; i++)
			ck_assert(write_letter(c[i], 'a'));
		ws_engine_flush(engine, false);
		buf_clear(&c[0]->in);
	}
	ck_assert_ptr_nonnull(c[1]->seen.ws->session);
	expect_seen(c[1], "opened gone ");
	client_wait(c[0], 3);
	client_wait(c[2], 3);
	turns(2);
	ck_assert_uint_eq(ws_engine_count(engine), 2);
	for (int i = 0; i < 3; i++)
		client_free(c[i]);
}
END_TEST

/* --- Closing by us ------------------------------------------------------------------------------------------------ */

START_TEST(close_without_status)
{
	struct client *c = client_new();

	ws_write(c, "\x81\x01z", 3);
	close_ws(&c->seen, 0);
	turns(2);
	ck_assert_uint_eq(ws_engine_count(engine), 0);
	EXPECT(c, "\x81\x01z\x88\x00");
	client_wait_end(c);
	expect_seen(c, "opened ");
	client_free(c);
}
END_TEST

START_TEST(close_with_unread_input)
{
	struct client *c = client_new();
	struct buf out = server_frame(30000), big = BUF_INIT;
	char *x = filled(50000, 'x');

	/* More than the client's window: the rest waits in our kernel, where a reset would destroy it. */
	ck_assert(ws_write(c, out.at, out.size));
	add_frame(&big, TEXT, slice_of(x, 50000));
	ck_assert_int_gt(send(c->fd, big.at, big.size, MSG_DONTWAIT), 0);
	close_ws(&c->seen, 1012);
	send_frame(c, TEXT, SLICE("and more"));
	client_wait(c, out.size + 4);
	ck_assert_mem_eq(c->in.at, out.at, out.size);
	ck_assert_mem_eq(c->in.at + out.size, "\x88\x02\x03\xf4", 4);
	client_wait_end(c);
	send_frame(c, TEXT, SLICE("and more"));
	expect_seen(c, "opened ");
	buf_fini(&out);
	buf_fini(&big);
	free(x);
	client_free(c);
}
END_TEST

START_TEST(close_with_buffered_output)
{
	struct client *c = client_new();
	struct buf big = server_frame(2 * 1000 * 1000);

	ck_assert(!ws_write(c, big.at, big.size));
	close_ws(&c->seen, 1012);
	send_frame(c, PING, SLICE("nothing follows our Close frame"));
	/* Too late, and what is wrong with it does not matter any more: it is too large, and no text. */
	send_frame(c, _i ? TEXT : BINARY, slice_of(big.at, LIMIT + 1));
	turns(5);
	ck_assert_uint_eq(ws_engine_count(engine), 1);
	client_wait(c, big.size + 4);
	ck_assert_uint_eq(c->in.size, big.size + 4);
	ck_assert_mem_eq(c->in.at, big.at, big.size);
	ck_assert_mem_eq(c->in.at + big.size, "\x88\x02\x03\xf4", 4);
	client_wait_end(c);
	expect_seen(c, "opened ");
	ck_assert_uint_eq(ws_engine_count(engine), 0);
	buf_fini(&big);
	client_free(c);
}
END_TEST

static void close_in_message(struct seen *seen, struct slice data)
{
	(void)data;
	close_ws(seen, 0);
}

START_TEST(close_of_a_peer_that_never_reads)
{
	struct client *c = client_new();
	struct buf big = server_frame(10 * 1000 * 1000);
	int64_t before_ms;

	ws_write(c, big.at, big.size);
	before_ms = loop_now(&loop);
	close_ws(&c->seen, 0);
	turns(5);
	ck_assert_uint_eq(ws_engine_count(engine), 1);
	ahead = true;
	timers_run(&loop.timers, before_ms + 9 * 1000); /* the turns may have taken a second and more */
	turns(2);
	ck_assert_uint_eq(ws_engine_count(engine), 1);
	timers_run(&loop.timers, clock_now_ms() + 11 * 1000);
	turns(2);
	ck_assert_uint_eq(ws_engine_count(engine), 0);
	expect_seen(c, "opened ");
	buf_fini(&big);
	client_free(c);
}
END_TEST

START_TEST(close_without_a_descriptor_to_spare)
{
	struct client *c = client_new();
	struct rlimit old, none;

	getrlimit(RLIMIT_NOFILE, &old);
	none = old;
	none.rlim_cur = 0;
	setrlimit(RLIMIT_NOFILE, &none);
	close_ws(&c->seen, 0);
	setrlimit(RLIMIT_NOFILE, &old);
	EXPECT(c, "\x88\x00");
	client_wait_end(c);
	client_free(c);
}
END_TEST

START_TEST(close_inside_a_message)
{
	struct client *c = client_new();
	struct buf b = BUF_INIT;

	c->seen.on_message = close_in_message;
	add_frame(&b, TEXT, SLICE("first"));
	add_frame(&b, TEXT, SLICE("second"));
	add_frame(&b, PING, SLICE("ping"));
	send_all(c, buf_slice(&b));
	EXPECT(c, "\x88\x00");
	client_wait_end(c);
	expect_seen(c, "opened text:first ");
	buf_fini(&b);
	client_free(c);
}
END_TEST

/* The connection that closes another one from its own callback. */
static struct client *victim;

static void close_the_other(struct seen *seen, struct slice data)
{
	(void)seen;
	(void)data;
	close_ws(&victim->seen, 0);
}

START_TEST(close_from_another_connection)
{
	struct client *c = client_new();

	victim = client_new();
	c->seen.on_message = close_the_other;
	/* Both have input in the same turn. */
	ck_assert_int_gt(send(victim->fd, "\x81\x80\0\0\0\0", 6, 0), 0);
	send_frame(c, TEXT, SLICE("x"));
	EXPECT(victim, "\x88\x00");
	client_wait_end(victim);
	ck_assert_uint_eq(ws_engine_count(engine), 1);
	client_free(victim);
	client_free(c);
}
END_TEST

static void close_when_opened(struct seen *seen)
{
	close_ws(seen, 0);
}

START_TEST(close_when_just_opened)
{
	struct buf rest = BUF_INIT;
	struct client *c;

	add_frame(&rest, TEXT, SLICE("never seen"));
	c = client_new_with(buf_slice(&rest), close_when_opened);
	EXPECT(c, "\x88\x00");
	client_wait_end(c);
	expect_seen(c, "opened ");
	ck_assert_uint_eq(ws_engine_count(engine), 0);
	buf_fini(&rest);
	client_free(c);
}
END_TEST

START_TEST(linger_ends)
{
	struct client *c;
	int before;

	options.close_timeout_ms = 20;
	ws_engine_free(engine);
	engine = ws_engine_new(&loop, &options, (char[100]){ 0 }, 100);
	before = open_descriptors();
	c = client_new();
	close_ws(&c->seen, 0);
	client_wait_end(c);
	for (int i = 0; i < TURNS && open_descriptors() > before + 1; i++)
		turn();
	ck_assert_int_eq(open_descriptors(), before + 1);
	client_free(c);
}
END_TEST

/* --- Closing by the peer ------------------------------------------------------------------------------------------ */

static const struct {
	struct slice sent, answer;
	const char *seen;
} closes[] = {
	{ BYTES(""), BYTES("\x88\x00"), "opened gone " },
	{ BYTES("\x03\xe8"), BYTES("\x88\x02\x03\xe8"), "opened gone " },
	{ BYTES("\x03\xe8"
		"bye"),
		BYTES("\x88\x02\x03\xe8"), "opened gone " },
	{ BYTES("\x03\xf4"), BYTES("\x88\x02\x03\xf4"), "opened gone " },
	{ BYTES("\x0f\xa0"), BYTES("\x88\x02\x0f\xa0"), "opened gone " },
	{ BYTES("\x03"), BYTES("\x88\x02\x03\xea"), "opened error " },
	{ BYTES("\x03\xe7"), BYTES("\x88\x02\x03\xea"), "opened error " },
	{ BYTES("\x03\xed"), BYTES("\x88\x02\x03\xea"), "opened error " },
	{ BYTES("\x03\xe8\xff"), BYTES("\x88\x02\x03\xef"), "opened error " },
};

START_TEST(peer_closes)
{
	struct client *c = client_new();

	send_frame(c, CLOSE, closes[_i].sent);
	send_frame(c, TEXT, SLICE("too late"));
	expect_bytes(c, closes[_i].answer.at, closes[_i].answer.size);
	client_wait_end(c);
	expect_seen(c, closes[_i].seen);
	ck_assert_uint_eq(ws_engine_count(engine), 0);
	client_free(c);
}
END_TEST

START_TEST(peer_closes_behind_buffered_output)
{
	struct client *c = client_new();
	struct buf big = server_frame(1000 * 1000);

	ck_assert(!ws_write(c, big.at, big.size));
	send_frame(c, CLOSE, SLICE("\x03\xe8"));
	expect_seen(c, "opened gone ");
	client_wait(c, big.size + 4);
	ck_assert_mem_eq(c->in.at + big.size, "\x88\x02\x03\xe8", 4);
	client_wait_end(c);
	ck_assert_uint_eq(c->in.size, big.size + 4);
	buf_fini(&big);
	client_free(c);
}
END_TEST

START_TEST(peer_ends)
{
	struct client *c = client_new();

	send_frame(c, TEXT, SLICE("last"));
	shutdown(c->fd, SHUT_WR);
	client_wait_end(c);
	expect_seen(c, "opened text:last gone ");
	ck_assert_uint_eq(ws_engine_count(engine), 0);
	client_free(c);
}
END_TEST

START_TEST(peer_resets)
{
	struct client *c = client_new();

	reset(c->fd);
	expect_seen(c, "opened gone ");
	turns(2);
	ck_assert_uint_eq(ws_engine_count(engine), 0);
	c->fd = -1;
	client_free(c);
}
END_TEST

START_TEST(write_to_a_reset_peer)
{
	struct client *c = client_new();

	reset(c->fd);
	/* Told later, never from inside write(). */
	while (ws_write(c, "\x81\x01z", 3))
		;
	ck_assert_ptr_nonnull(c->seen.ws->session);
	expect_seen(c, "opened gone ");
	turns(2);
	ck_assert_uint_eq(ws_engine_count(engine), 0);
	c->fd = -1;
	client_free(c);
}
END_TEST

/* With output that nobody takes: lws must not flush, spin or forget. */
static void gone_with_buffered_output(void (*leave)(int fd))
{
	struct client *c = client_new();
	struct buf big = server_frame(10 * 1000 * 1000);
	int64_t start = clock_now_ms();

	ck_assert(!ws_write(c, big.at, big.size));
	turns(5);
	leave(c->fd);
	expect_seen(c, "opened gone ");
	turns(2);
	ck_assert_uint_eq(ws_engine_count(engine), 0);
	ck_assert_int_lt(clock_now_ms() - start, 4000); /* that of lws: 5 s */
	buf_fini(&big);
	client_free(c);
}

static void half_close(int fd)
{
	shutdown(fd, SHUT_WR);
}

static void reset_but_keep_the_number(int fd)
{
	int other = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	dup3(other, fd, O_CLOEXEC);
	close(other);
}

START_TEST(peer_resets_with_buffered_output)
{
	gone_with_buffered_output(reset_but_keep_the_number);
}
END_TEST

START_TEST(peer_ends_with_buffered_output)
{
	gone_with_buffered_output(half_close);
}
END_TEST

/* --- Protocol errors ---------------------------------------------------------------------------------------------- */

static const struct {
	const char *what;
	struct slice bytes;
	unsigned code;
} errors[] = {
	{ "unmasked", BYTES("\x81\x01x"), 1002 },
	{ "rsv bit", BYTES("\xc1\x81\0\0\0\0x"), 1002 },
	{ "bad opcode", BYTES("\x83\x81\0\0\0\0x"), 1002 },
	{ "fragmented ping", BYTES("\x09\x80\0\0\0\0"), 1002 },
	{ "continuation first", BYTES("\x80\x80\0\0\0\0"), 1002 },
	{ "text inside fragments", BYTES("\x01\x80\0\0\0\0\x81\x80\0\0\0\0"), 1002 },
	{ "long ping", BYTES("\x89\xfe\0\x7e\0\0\0\0"), 1002 },
	{ "top bit of the length", BYTES("\x81\xff\x80\0\0\0\0\0\0\0"), 1002 },
	{ "invalid text", BYTES("\x81\x82\0\0\0\0\xc3\x28"), 1007 },
	{ "invalid text across fragments", BYTES("\x01\x81\0\0\0\0\xe2\x80\x82\0\0\0\0\x28\xa1"), 1007 },
	{ "character cut at the end", BYTES("\x81\x81\0\0\0\0\xc3"), 1007 },
	{ "character cut before an empty end", BYTES("\x01\x81\0\0\0\0\xc3\x80\x80\0\0\0\0"), 1007 },
	{ "character cut at the end of 2",
		BYTES("\x81\x82\1\0\0\0"
		      "`\xc3"),
		1007 },
	{ "character cut at the end of 3",
		BYTES("\x81\x83\1\0\0\0"
		      "`a\xc3"),
		1007 },
	{ "character cut at the end of 4",
		BYTES("\x81\x84\1\0\0\0"
		      "`aa\xc3"),
		1007 },
	{ "rsv bit in a ping", BYTES("\xc9\x80\0\0\0\0"), 1002 },
	{ "rsv bit in a continuation", BYTES("\x01\x80\0\0\0\0\xc0\x80\0\0\0\0"), 1002 },
};

START_TEST(protocol_error)
{
	struct client *c = client_new();
	int64_t before = metrics_get(M_BAD_WEBSOCKET);

	send_all(c, errors[_i].bytes);
	send_frame(c, TEXT, SLICE("and goes on"));
	expect_refusal(c, errors[_i].code, M_BAD_WEBSOCKET, before);
}
END_TEST

/* The session hears of it at once; the peer when it has read what was sent before. */
START_TEST(protocol_error_behind_output)
{
	struct client *c = client_new();
	struct buf big = server_frame(1000 * 1000);

	ck_assert(!ws_write(c, big.at, big.size));
	turns(3);
	send_all(c, errors[_i].bytes);
	expect_seen(c, "opened error "); /* which takes fewer turns than lws has patience to flush */
	send_frame(c, TEXT, SLICE("and goes on"));
	client_wait(c, big.size + 4);
	ck_assert_mem_eq(c->in.at, big.at, big.size);
	ck_assert_mem_eq(c->in.at + big.size, "\x88\x02\x03", 3);
	ck_assert_int_eq((unsigned char)c->in.at[big.size + 3], errors[_i].code & 255);
	client_wait_end(c);
	ck_assert_uint_eq(c->in.size, big.size + 4);
	expect_seen(c, "opened error ");
	buf_fini(&big);
	client_free(c);
}
END_TEST

/* Neither does it fill the kernel's buffers, and keep the loop turning for nothing. */
START_TEST(input_behind_an_error_is_thrown_away)
{
	enum { MUCH = 3 * 1000 * 1000 }; /* still far more than the kernel holds back; valgrind has to keep up */
	struct client *c = client_new();
	struct buf big = server_frame(1000 * 1000);
	char *much = filled(MUCH, 'x');

	ck_assert(!ws_write(c, big.at, big.size));
	send_all(c, errors[0].bytes);
	expect_seen(c, "opened error ");
	send_all(c, slice_of(much, MUCH));
	client_wait(c, big.size + 4);
	ck_assert_mem_eq(c->in.at + big.size, "\x88\x02\x03\xea", 4);
	client_wait_end(c);
	buf_fini(&big);
	free(much);
	client_free(c);
}
END_TEST

/* --- Pausing ------------------------------------------------------------------------------------------------------ */

static void pause_at_p(struct seen *seen, struct slice data)
{
	if (slice_equal(data, SLICE("p")))
		seen->ws->ops->pause(seen->ws, true);
}

START_TEST(pause_inside_a_read)
{
	struct client *c = client_new();
	struct buf b = BUF_INIT;

	c->seen.on_message = pause_at_p;
	add_frame(&b, TEXT, SLICE("a"));
	add_frame(&b, TEXT, SLICE("p"));
	add_frame(&b, TEXT, SLICE("b"));
	add_frame(&b, TEXT, SLICE("p"));
	add_frame(&b, TEXT_PART, SLICE("c"));
	send_all(c, buf_slice(&b));
	send_frame(c, LAST, SLICE("d"));
	turns(10);
	expect_seen(c, "opened text:a text:p ");
	c->seen.ws->ops->pause(c->seen.ws, false);
	expect_seen(c, "opened text:a text:p text:b text:p ");
	turns(10);
	expect_seen(c, "opened text:a text:p text:b text:p ");
	c->seen.ws->ops->pause(c->seen.ws, false);
	expect_seen(c, "opened text:a text:p text:b text:p text:cd ");
	buf_fini(&b);
	client_free(c);
}
END_TEST

static void pause_when_opened(struct seen *seen)
{
	seen->ws->ops->pause(seen->ws, true);
}

START_TEST(pause_before_what_came_with_the_head)
{
	struct buf rest = BUF_INIT;
	struct client *c;

	add_frame(&rest, TEXT, SLICE("a"));
	c = client_new_with(buf_slice(&rest), pause_when_opened);
	send_frame(c, TEXT, SLICE("b"));
	turns(10);
	expect_seen(c, "opened ");
	c->seen.ws->ops->pause(c->seen.ws, false);
	expect_seen(c, "opened text:a text:b ");
	buf_fini(&rest);
	client_free(c);
}
END_TEST

START_TEST(pause_outside_and_close)
{
	struct client *c = client_new();

	c->seen.ws->ops->pause(c->seen.ws, true);
	send_frame(c, TEXT, SLICE("never seen"));
	turns(5);
	close_ws(&c->seen, 0);
	EXPECT(c, "\x88\x00");
	client_wait_end(c);
	expect_seen(c, "opened ");
	client_free(c);
}
END_TEST

/* Messages are numbers that count up. */
static void expect_next_number(struct seen *seen, struct slice data)
{
	char number[12];
	int n = snprintf(number, sizeof(number), "%zu", seen->messages - 1);

	ck_assert(slice_equal(data, slice_of(number, (size_t)n)));
	if (seen->messages % 7 == 0)
		seen->ws->ops->pause(seen->ws, true);
}

START_TEST(pause_while_flooded)
{
	enum { COUNT = 5000, STEP = 777 };
	struct client *c = client_new();
	struct buf b = BUF_INIT;
	char number[12];

	for (int i = 0; i < COUNT; i++)
		add_frame(&b, TEXT, slice_of(number, (size_t)snprintf(number, sizeof(number), "%d", i)));
	c->seen.quiet = true;
	c->seen.on_message = expect_next_number;
	for (size_t at = 0; at < b.size; at += STEP) {
		send_all(c, slice_of(b.at + at, b.size - at < STEP ? b.size - at : STEP));
		c->seen.ws->ops->pause(c->seen.ws, false);
	}
	for (int i = 0; i < TURNS && c->seen.messages < COUNT; i++) {
		turn();
		c->seen.ws->ops->pause(c->seen.ws, false);
	}
	ck_assert_uint_eq(c->seen.messages, COUNT);
	buf_fini(&b);
	client_free(c);
}
END_TEST

/* --- The engine --------------------------------------------------------------------------------------------------- */

START_TEST(engine_ends_with_open_connections)
{
	struct client *c[4];
	struct buf big = server_frame(5 * 1000 * 1000);

	for (int i = 0; i < 4; i++)
		c[i] = client_new();
	ck_assert_uint_eq(ws_engine_count(engine), 4);
	send_frame(c[0], TEXT_PART, SLICE("half a message"));
	ws_write(c[1], big.at, big.size);
	c[2]->seen.ws->ops->pause(c[2]->seen.ws, true);
	send_frame(c[2], TEXT, SLICE("unread"));
	ws_write(c[3], big.at, big.size);
	close_ws(&c[3]->seen, 0);
	ws_engine_free(engine);
	engine = NULL;
	for (int i = 0; i < 3; i++)
		expect_seen(c[i], "opened gone ");
	expect_seen(c[3], "opened ");
	for (int i = 0; i < 4; i++)
		client_free(c[i]);
	buf_fini(&big);
}
END_TEST

/* Its 101 finds nobody. */
START_TEST(peer_is_gone_at_once)
{
	struct client *c = calloc(1, sizeof(*c));
	struct linger at_once = { .l_onoff = 1 };
	int fds[2];
	struct ws_accept a = { .key = SLICE("dGhlIHNhbXBsZSBub25jZQ=="), .opened = opened, .ctx = &c->seen };

	pair(fds);
	setsockopt(fds[0], SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(fds[0]);
	a.fd = fds[1];
	ck_assert_int_eq(ws_accept(engine, &a), 0);
	client_wait_seen(c, "gone");
	turns(3);
	ck_assert_uint_eq(ws_engine_count(engine), 0);
	buf_fini(&c->seen.text);
	buf_fini(&c->in);
	free(c);
}
END_TEST

/* A number that lws has no place for. */
START_TEST(descriptor_too_high)
{
	struct client c = { 0 };
	struct rlimit old, few;
	struct ws_accept a = { .key = SLICE("dGhlIHNhbXBsZSBub25jZQ=="), .opened = opened, .ctx = &c.seen };
	char why[100];
	int fds[2];

	ws_engine_free(engine);
	getrlimit(RLIMIT_NOFILE, &old);
	few = old;
	few.rlim_cur = 64;
	setrlimit(RLIMIT_NOFILE, &few);
	engine = ws_engine_new(&loop, &options, why, sizeof(why));
	setrlimit(RLIMIT_NOFILE, &old);
	pair(fds);
	a.fd = fcntl(fds[1], F_DUPFD_CLOEXEC, 100);
	ck_assert_int_ge(a.fd, 100);
	close(fds[1]);
	ck_assert_int_eq(ws_accept(engine, &a), -EIO);
	c.fd = fds[0];
	client_wait_end(&c);
	ck_assert_uint_eq(c.seen.text.size, 0);
	ck_assert_uint_eq(ws_engine_count(engine), 0);
	close(c.fd);
	buf_fini(&c.in);
}
END_TEST

START_TEST(descriptor_limit_is_restored)
{
	struct rlimit before, after;
	char why[100];

	ws_engine_free(engine);
	getrlimit(RLIMIT_NOFILE, &before);
	options.max_connections = 1;
	engine = ws_engine_new(&loop, &options, why, sizeof(why));
	getrlimit(RLIMIT_NOFILE, &after);
	ck_assert_uint_eq(before.rlim_cur, after.rlim_cur);
}
END_TEST

START_TEST(many_come_and_go)
{
	int before = open_descriptors();

	for (int i = 0; i < 60; i++) {
		struct client *c = client_new();

		if (i % 3 == 0)
			close_ws(&c->seen, 0);
		else if (i % 3 == 1)
			send_frame(c, CLOSE, SLICE(""));
		client_free(c);
	}
	turns(10);
	ck_assert_uint_eq(ws_engine_count(engine), 0);
	ck_assert_int_eq(open_descriptors(), before);
}
END_TEST

/* --- Anything, in any order --------------------------------------------------------------------------------------- */

static unsigned dice(unsigned sides)
{
	static unsigned state = 1;

	state = state * 1103515245 + 12345;
	return (state >> 16) % sides;
}

/* What a session may do, from inside a message or outside. */
static void do_something(struct seen *seen)
{
	struct buf b;

	if (seen->ws == NULL)
		return;
	switch (dice(6)) {
	case 0:
		b = server_frame(dice(100 * 1000));
		seen->ws->ops->write(seen->ws, b.at, b.size);
		buf_fini(&b);
		break;
	case 1:
		close_ws(seen, dice(2) ? 1012 : 0);
		break;
	default:
		seen->ws->ops->pause(seen->ws, dice(3) == 0);
	}
}

static void do_something_in_a_message(struct seen *seen, struct slice data)
{
	(void)data;
	if (dice(3) == 0)
		do_something(seen);
}

/* The last two kinds are protocol errors: seldom, so that more than their end is seen. */
static int any_first_byte(void)
{
	static const int firsts[] = { TEXT, TEXT, BINARY, TEXT_PART, PART, LAST, PING, PONG, CLOSE, 0xc1, 0x83 };

	return firsts[dice(dice(20) ? 8 : 11)];
}

static void send_something(struct client *c)
{
	struct buf b = BUF_INIT;
	char *x = filled(3000, 'x');

	for (unsigned i = dice(4); i > 0; i--)
		add_frame(&b, any_first_byte(), slice_of(x, dice(10) ? dice(60) : dice(3000)));
	if (b.size && dice(10) == 0)
		b.size -= dice((unsigned)b.size);
	send(c->fd, b.at, b.size, MSG_DONTWAIT | MSG_NOSIGNAL);
	buf_fini(&b);
	free(x);
}

static void act(struct client *c)
{
	switch (dice(12)) {
	case 0:
		do_something(&c->seen);
		break;
	case 1:
		shutdown(c->fd, SHUT_WR);
		break;
	case 2:
	case 3:
	case 4:
		client_read(c);
		buf_clear(&c->in);
		break;
	default:
		send_something(c);
	}
}

/* What a flush does: to several, perhaps to one of them twice. */
static void act_together(struct client **c, unsigned clients)
{
	ws_engine_flush(engine, true);
	for (unsigned i = dice(clients); i > 0; i--) {
		struct seen *seen = &c[dice(clients)]->seen;

		if (seen->ws && dice(4))
			seen->ws->ops->write(seen->ws, "\x81\x01z", 3);
		else
			do_something(seen);
	}
	ws_engine_flush(engine, false);
}

static struct client *client_for_anything(void)
{
	struct client *c = client_new();

	c->seen.quiet = true;
	c->seen.on_message = do_something_in_a_message;
	return c;
}

START_TEST(anything_in_any_order)
{
	enum { CLIENTS = 8, STEPS = 2000, STEPS_TOGETHER = 800 };
	struct client *c[CLIENTS];

	for (int i = 0; i < CLIENTS; i++)
		c[i] = client_for_anything();
	for (int i = 0; i < (together ? STEPS_TOGETHER : STEPS); i++) {
		unsigned who = dice(CLIENTS);

		act(c[who]);
		if (together)
			act_together(c, CLIENTS);
		if (dice(3) == 0)
			turn();
		if (dice(40) == 0) {
			client_free(c[who]);
			c[who] = client_for_anything();
		}
	}
	for (int i = 0; i < CLIENTS; i++)
		client_free(c[i]);
	for (int i = 0; i < TURNS && ws_engine_count(engine); i++)
		turn();
	ck_assert_uint_eq(ws_engine_count(engine), 0);
}
END_TEST

/* Whatever way the writes go. */
static void add_cases_of_writing(TCase *t)
{
	tcase_add_test(t, write_outside_callbacks);
	tcase_add_test(t, slow_reader);
	tcase_add_test(t, write_behind_what_is_held);
	tcase_add_test(t, pings_of_a_slow_reader);
	tcase_add_test(t, write_behind_half_a_pong);
	tcase_add_test(t, close_without_status);
	tcase_add_test(t, close_with_unread_input);
	tcase_add_loop_test(t, close_with_buffered_output, 0, 2);
	tcase_add_test(t, close_of_a_peer_that_never_reads);
	tcase_add_test(t, peer_closes_behind_buffered_output);
	tcase_add_test(t, write_to_a_reset_peer);
	tcase_add_test(t, peer_resets_with_buffered_output);
	tcase_add_test(t, peer_ends_with_buffered_output);
	tcase_add_test(t, engine_ends_with_open_connections);
	tcase_add_test(t, anything_in_any_order);
}

/* What writes, and what ends behind that, with the option io_uring. */
static TCase *cases_together(void)
{
	TCase *t = tcase_create("together");

	tcase_add_checked_fixture(t, setup_together, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, writes_of_a_flush);
	tcase_add_test(t, whatever_follows_a_write_of_a_flush);
	tcase_add_test(t, full_sockets_of_a_flush);
	tcase_add_test(t, a_reset_peer_of_a_flush);
	add_cases_of_writing(t);
	return t;
}

static bool has_io_uring(void)
{
	char why[120];
	struct send_batch *batch = send_batch_new(NULL, why, sizeof(why));
	bool has = batch != NULL;

	if (!has)
		printf("SKIP: no io_uring: %s\ncases: 0 passed, 0 failed, 1 skipped\n", why);
	send_batch_free(batch);
	return has;
}

Suite *suite(void)
{
	Suite *s = suite_create("ws");
	TCase *t = tcase_create("ws");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, whole_messages);
	tcase_add_test(t, bytes_behind_the_head);
	tcase_add_test(t, fragments_and_control_frames_between);
	tcase_add_test(t, pings);
	tcase_add_test(t, many_pings);
	tcase_add_test(t, one_byte_at_a_time);
	tcase_add_loop_test(t, masked_and_cut_anywhere, 0, 4);
	tcase_add_test(t, many_messages_in_one_read);
	tcase_add_test(t, largest_message);
	tcase_add_test(t, too_large);
	tcase_add_test(t, too_large_in_fragments);
	tcase_add_loop_test(t, too_large_by_announcement, 0, 2);
	tcase_add_test(t, too_large_by_a_sum_announced);
	tcase_add_test(t, most_fragments);
	tcase_add_test(t, too_many_fragments);
	tcase_add_test(t, pieces);
	tcase_add_test(t, control_frames_of_a_second);
	tcase_add_test(t, close_without_a_descriptor_to_spare);
	tcase_add_test(t, close_inside_a_message);
	tcase_add_test(t, close_from_another_connection);
	tcase_add_test(t, close_when_just_opened);
	tcase_add_test(t, linger_ends);
	tcase_add_loop_test(t, peer_closes, 0, sizeof(closes) / sizeof(closes[0]));
	tcase_add_test(t, peer_ends);
	tcase_add_test(t, peer_resets);
	tcase_add_loop_test(t, protocol_error, 0, sizeof(errors) / sizeof(errors[0]));
	tcase_add_loop_test(t, protocol_error_behind_output, 0, sizeof(errors) / sizeof(errors[0]));
	tcase_add_test(t, input_behind_an_error_is_thrown_away);
	tcase_add_test(t, pause_inside_a_read);
	tcase_add_test(t, pause_before_what_came_with_the_head);
	tcase_add_test(t, pause_outside_and_close);
	tcase_add_test(t, pause_while_flooded);
	tcase_add_test(t, peer_is_gone_at_once);
	tcase_add_test(t, descriptor_too_high);
	tcase_add_test(t, descriptor_limit_is_restored);
	tcase_add_test(t, many_come_and_go);
	add_cases_of_writing(t);
	suite_add_tcase(s, t);
	if (has_io_uring())
		suite_add_tcase(s, cases_together());
	return s;
}
