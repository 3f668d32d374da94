/* edge_fixture.c - see edge_fixture.h. */
#include "edge_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "metrics.h"
#include "test_main.h"

enum { PATIENCE_MS = 10000 };

struct edge_fixture fx;

/* --- Sessions that echo ------------------------------------------------------------------------------------------- */

static void opened(struct session *s, int64_t now_ms)
{
	(void)s;
	(void)now_ms;
}

static void echo(struct session *s, int64_t now_ms, bool binary, struct slice data)
{
	struct frame *f = frame_new(frame_packet_size(data.size + !binary));
	char *to;

	(void)now_ms;
	ck_assert_ptr_nonnull(f);
	to = frame_put(f, binary, data.size + !binary);
	if (!binary)
		*to++ = '4';
	if (data.size)
		memcpy(to, data.at, data.size);
	out_push(&s->out, f);
	frame_unref(f);
}

static void closed(struct session *s, int64_t now_ms, enum close_reason why)
{
	(void)s;
	(void)now_ms;
	(void)why;
}

static const struct session_ops ops = { .opened = opened, .message = echo, .closed = closed };

/* --- Life --------------------------------------------------------------------------------------------------------- */

static void turn_ends(void *ctx, int64_t now_ms)
{
	(void)ctx;
	out_flush_all(&fx.lane, now_ms);
	fx.turns++;
}

static const char *not_ready(void *ctx)
{
	(void)ctx;
	return fx.unready;
}

static void write_file(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", fx.public_dir, name);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

static void make_public_dir(void)
{
	char path[128];

	snprintf(fx.public_dir, sizeof(fx.public_dir), "/tmp/stoa-edge-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(fx.public_dir));
	write_file("index.html", "<p>home");
	write_file(".hidden", "secret");
	write_file("empty.txt", "");
	write_file("big.bin", "x");
	snprintf(path, sizeof(path), "%s/big.bin", fx.public_dir);
	ck_assert_int_eq(truncate(path, BIG_FILE_BYTES), 0);
	snprintf(path, sizeof(path), "%s/d", fx.public_dir);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	write_file("d/index.html", "<p>folder");
	snprintf(fx.client_dir, sizeof(fx.client_dir), "%s/client", fx.public_dir);
	ck_assert_int_eq(mkdir(fx.client_dir, 0700), 0);
	write_file("client/socket.io.js", "bundle");
	snprintf(path, sizeof(path), "%s/link", fx.public_dir);
	ck_assert_int_eq(symlink("/etc/passwd", path), 0);
	snprintf(path, sizeof(path), "%s/up", fx.public_dir);
	ck_assert_int_eq(symlink("/etc", path), 0);
	snprintf(path, sizeof(path), "%s/fifo", fx.public_dir);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
}

static void remove_public_dir(void)
{
	static const char *const names[] = { "index.html", ".hidden", "empty.txt", "big.bin", "d/index.html", "link",
		"up", "fifo", "client/socket.io.js" };
	char path[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", fx.public_dir, names[i]);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/d", fx.public_dir);
	rmdir(path);
	rmdir(fx.client_dir);
	rmdir(fx.public_dir);
}

static void read_options(va_list flags, const char *first)
{
	char *args[32] = { (char[]){ "test" }, (char[]){ "--listen=127.0.0.1:0" },
		(char[]){ "--internal-listen=127.0.0.1:0" }, (char[]){ "--public" }, fx.public_dir,
		(char[]){ "--client-dir" }, fx.client_dir };
	char *none[] = { NULL };
	struct buf message = BUF_INIT;
	int n = 7, first_given = n;

	for (const char *flag = first; flag; flag = va_arg(flags, const char *))
		args[n++] = strdup(flag);
	ck_assert_int_eq(
		config_read(&gateway_options_table, n, args, none, &fx.options, &fx.pairs, &message), CONFIG_RUN);
	buf_fini(&message);
	while (--n >= first_given)
		free(args[n]);
}

void start(const char *flag, ...)
{
	struct session_config config;
	char why[256];
	va_list flags;

	signal(SIGPIPE, SIG_IGN);
	log_set_level(LOG_ERROR);
	memset(&fx, 0, sizeof(fx));
	memset(metrics_values, 0, sizeof(metrics_values));
	make_public_dir();
	va_start(flags, flag);
	read_options(flags, flag);
	va_end(flags);
	config = sessions_config(&fx.options);
	ck_assert_int_eq(loop_init(&fx.loop), 0);
	ck_assert_int_eq(out_lane_init(&fx.lane, (size_t)fx.options.max_send_queue), 0);
	ck_assert_int_eq(sessions_init(&fx.sessions, &config, &fx.loop.timers, &fx.loop.graveyard, &fx.lane), 0);
	fx.sessions.ops = &ops;
	loop_on_turn_end(&fx.loop, turn_ends, NULL);
	fx.edge = edge_open(
		&(struct edge_config){
			.options = &fx.options, .loop = &fx.loop, .sessions = &fx.sessions, .not_ready = not_ready },
		why, sizeof(why));
	ck_assert_msg(fx.edge != NULL, "%s", why);
}

void stop(void)
{
	edge_free(fx.edge);
	sessions_drop(&fx.sessions, clock_now_ms());
	loop_fini(&fx.loop);
	sessions_fini(&fx.sessions);
	out_lane_fini(&fx.lane);
	config_free(&gateway_options_table, &fx.options, &fx.pairs);
	buf_fini(&fx.heard);
	remove_public_dir();
}

/* --- Clients ------------------------------------------------------------------------------------------------------ */

static void wake(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	*(short *)ctx = what;
	loop_stop(&fx.loop);
}

/* Runs the loop until fd is ready, or for `ms`: false. */
static bool ready(int fd, short what, int ms)
{
	short got = 0;
	struct event *e = event_new(fx.loop.base, fd, what, wake, &got);
	struct timeval patience = { ms / 1000, ms % 1000 * 1000 };

	event_add(e, &patience);
	loop_run(&fx.loop);
	event_free(e);
	return (got & what) != 0;
}

void run_for(int ms)
{
	ready(-1, 0, ms);
}

static int dial_address(const char *address)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(strchr(address, ':') + 1)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

int dial(void)
{
	return dial_address(edge_address(fx.edge));
}

int dial_internal(void)
{
	return dial_address(edge_internal_address(fx.edge));
}

void say_bytes(int fd, const void *at, size_t size)
{
	for (size_t sent = 0; sent < size;) {
		ssize_t n = send(fd, (const char *)at + sent, size - sent, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			return; /* the server has ended it; what it says is for the test to hear */
		if (n < 0)
			ck_assert_msg(ready(fd, EV_WRITE, PATIENCE_MS), "nobody reads");
		else
			sent += (size_t)n;
	}
}

void say(int fd, const char *text)
{
	say_bytes(fd, text, strlen(text));
}

/* Reads once; false at the end. */
static bool hear_some(int fd, size_t max)
{
	char *to = buf_reserve(&fx.heard, max + 1);
	ssize_t n = read(fd, to, max);

	if (n < 0 && errno == EAGAIN) {
		ck_assert_msg(
			ready(fd, EV_READ, PATIENCE_MS), "nothing came after: %.*s", SLICE_ARG(buf_slice(&fx.heard)));
		n = read(fd, to, max);
	}
	if (n < 0 && errno == ECONNRESET)
		buf_add_str(&fx.heard, "<reset>");
	else if (n > 0)
		fx.heard.size += (size_t)n;
	return n > 0 || (n < 0 && errno == EAGAIN);
}

static const char *heard_text(void)
{
	buf_add_char(&fx.heard, '\0');
	fx.heard.size--;
	return fx.heard.at;
}

const char *hear_bytes(int fd, size_t count)
{
	buf_clear(&fx.heard);
	while (fx.heard.size < count && hear_some(fd, count - fx.heard.size < 65536 ? count - fx.heard.size : 65536))
		;
	return heard_text();
}

const char *hear_all(int fd)
{
	return hear_bytes(fd, SIZE_MAX / 2);
}

const char *hear_answer(int fd)
{
	const char *length, *end = NULL;
	size_t size;

	buf_clear(&fx.heard);
	while (end == NULL && hear_some(fd, 1))
		end = strstr(heard_text(), "\r\n\r\n");
	ck_assert_msg(end != NULL, "no answer: %s", heard_text());
	length = strstr(fx.heard.at, "Content-Length: ");
	size = fx.heard.size + (length ? (size_t)atol(length + strlen("Content-Length: ")) : 0);
	while (fx.heard.size < size && hear_some(fd, size - fx.heard.size))
		;
	return heard_text();
}

bool is_quiet(int fd, int ms)
{
	char c;

	run_for(ms);
	return recv(fd, &c, 1, MSG_PEEK) < 0 && errno == EAGAIN;
}

const char *talk(const char *request, ...)
{
	char *formatted;
	va_list args;
	int fd = dial();

	va_start(args, request);
	ck_assert_int_ge(vasprintf(&formatted, request, args), 0);
	va_end(args);
	say(fd, formatted);
	hear_all(fd);
	close(fd);
	free(formatted);
	return fx.heard.at;
}

const char *shake_hands(void)
{
	static char sid[SID_SIZE + 1];
	const char *at = strstr(talk("GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n"
				     "Connection: close\r\n\r\n"),
		"\"sid\":\"");

	ck_assert_msg(at != NULL, "%s", fx.heard.at);
	memcpy(sid, at + strlen("\"sid\":\""), SID_SIZE);
	return sid;
}
