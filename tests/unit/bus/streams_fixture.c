/* streams_fixture.c - see streams_fixture.h. */
#include "streams_fixture.h"

#include <sys/socket.h>
#include <unistd.h>

static struct streams_redis_config config;
struct streams *streams;
int commands, reader, subscriber;
bool closes; /* the next callback does */
int64_t command_timeout_ms = 60 * 1000;

static void close_streams(void)
{
	streams_redis_close(streams);
	streams = NULL;
}

static void told(void)
{
	ck_assert_msg(streams != NULL, "told after it was closed");
	if (closes)
		close_streams();
}

static void on_up(void *ctx, int64_t now_ms, bool fresh)
{
	(void)ctx;
	(void)now_ms;
	buf_add_str(&fx.heard, fresh ? "up fresh;" : "up;");
}

static void on_down(void *ctx, int64_t now_ms, const char *why)
{
	(void)ctx;
	(void)now_ms;
	buf_printf(&fx.heard, "down %s;", why);
}

static void on_entry(void *ctx, int64_t now_ms, const struct streams_entry *e)
{
	(void)ctx;
	(void)now_ms;
	buf_printf(&fx.heard, "%.*s %.*s %.*s x%d;", SLICE_ARG(e->stream), SLICE_ARG(e->id), SLICE_ARG(e->record),
		(int)e->deliveries);
	told();
}

static void on_read_end(void *ctx, int64_t now_ms, int result)
{
	(void)ctx;
	(void)now_ms;
	buf_printf(&fx.heard, "end %d;", result);
	told();
}

static void on_message(void *ctx, int64_t now_ms, struct slice channel, struct slice payload)
{
	(void)ctx;
	(void)now_ms;
	buf_printf(&fx.heard, "%.*s %.*s;", SLICE_ARG(channel), SLICE_ARG(payload));
}

static void on_listening(void *ctx, int64_t now_ms)
{
	(void)ctx;
	(void)now_ms;
	buf_add_str(&fx.heard, "listening;");
}

static const struct streams_events events = { on_up, on_down, on_entry, on_read_end, on_message, on_listening };

void on_answer(void *to, int64_t now_ms, int64_t result, struct slice text)
{
	(void)now_ms;
	buf_printf(&fx.heard, "%s=%lld %.*s;", (const char *)to, (long long)result, SLICE_ARG(text));
	told();
}

void on_pair(void *to, struct slice name, struct slice value)
{
	buf_printf(&fx.heard, "%s %.*s:%.*s;", (const char *)to, SLICE_ARG(name), SLICE_ARG(value));
	told();
}

void on_id(void *to, struct slice id)
{
	buf_printf(&fx.heard, "%s %.*s;", (const char *)to, SLICE_ARG(id));
	told();
}

void *named(const char *name)
{
	return (void *)(uintptr_t)name;
}

/* --- The other side ----------------------------------------------------------------------------------------------- */

int take_pinged(void)
{
	int fd = take_connection();

	expects(fd, "PING");
	says(fd, "+PONG\r\n");
	return fd;
}

bool one_speaks(void *ctx)
{
	int *fds = ctx, other = fds[1];
	char byte;

	if (recv(other, &byte, 1, MSG_PEEK) == 1) {
		fds[1] = fds[0];
		fds[0] = other;
	}
	return recv(fds[0], &byte, 1, MSG_PEEK) == 1;
}

/* Two that are opened in either order: the first to say something, and the other, which is a reader. */
int take_with_reader(void)
{
	int fds[2];

	fds[0] = take_pinged();
	fds[1] = take_pinged();
	run_until(one_speaks, fds, "the one that speaks");
	reader = fds[1];
	return fds[0];
}

void open_streams(void)
{
	char why[300] = "";

	start(NULL);
	closes = false;
	config = (struct streams_redis_config){
		.redis = fx.config, .group = SLICE("g"), .field = SLICE("e"), .max_publish = 50
	};
	config.redis.command_timeout_ms = command_timeout_ms;
	commands = reader = subscriber = -1;
	streams = streams_redis_open(&fx.loop, &config, &events, &fx, why, sizeof(why));
	ck_assert_msg(streams != NULL, "%s", why);
	ck_assert_str_eq(streams_redis_trouble(streams), "connecting");
}

void answer_info(const char *info)
{
	expects(commands, "INFO server");
	says(commands, info);
}

void take_commands(const char *info)
{
	commands = take_pinged();
	answer_info(info);
}

void begin(void)
{
	open_streams();
	take_commands(RUN_1);
	hears("up fresh;");
}

void end(void)
{
	const int fds[] = { commands, reader, subscriber };

	close_streams();
	run_turns(3);
	for (int i = 0; i < 3; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	stop();
}
