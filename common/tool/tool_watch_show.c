/* tool_watch_show.c - a message as a line. */
#include "tool_watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "clock.h"
#include "wire_classic.h"

enum { ARGUMENTS_MAX = 100, BYTES_MAX = 64 * 1024 * 1024 };

/* A message, whatever it is. */
struct seen {
	struct slice uid, nsp;
	struct wire_opts opts;
	const char *request;     /* "join", ..; NULL: an emit */
	struct stoa_value event; /* its name; null: none */
	struct stoa_value args;  /* an array */
	size_t bytes;
};

/* --- Reading ------------------------------------------------------------------------------------------------------ */

static void split(struct seen *s, struct stoa_value data)
{
	data = value_open(data);
	s->args = value_array(NULL, 0);
	if (data.kind_ != VALUE_ARRAY || data.size_ == 0)
		return;
	s->event = value_at(data, 0);
	s->args = value_array((const struct stoa_value *)data.as_.at + 1, data.size_ - 1);
}

static const char *const request_names[] = {
	[WIRE_SOCKETS] = "sockets",
	[WIRE_ALL_ROOMS] = "rooms",
	[WIRE_REMOTE_JOIN] = "join",
	[WIRE_REMOTE_LEAVE] = "leave",
	[WIRE_REMOTE_DISCONNECT] = "disconnect",
	[WIRE_REMOTE_FETCH] = "fetch",
	[WIRE_SERVER_EMIT] = "server-emit",
	[WIRE_BROADCAST] = "ask",
};

static struct stoa_value names_value(struct arena *arena, const struct wire_names *names)
{
	return wire_names_value(arena, names, false);
}

static const char *read_request(
	struct arena *arena, struct slice payload, const struct wire_rules *rules, struct seen *s)
{
	struct wire_request r;
	const char *wrong = wire_request_decode(arena, payload, rules, &r);

	if (wrong)
		return wrong;
	s->uid = r.uid;
	s->opts = r.opts;
	s->request = request_names[r.type];
	if (r.type == WIRE_SERVER_EMIT || r.type == WIRE_BROADCAST)
		split(s, r.data);
	else
		s->args = names_value(arena, &r.rooms);
	return NULL;
}

static const char *read_broadcast(struct arena *arena, const struct wire_channel *channel, struct slice payload,
	const struct wire_rules *rules, struct seen *s)
{
	struct wire_broadcast b;
	const char *wrong = wire_broadcast_decode(arena, payload, channel->kind, rules, &b);

	if (wrong)
		return wrong;
	s->uid = b.uid;
	s->opts = b.opts;
	split(s, b.data);
	return NULL;
}

static const char *read(struct arena *arena, const struct wire_channel *channel, struct slice payload, struct seen *s)
{
	struct wire_rules rules = WIRE_RULES;

	rules.max_bytes = BYTES_MAX;
	rules.max_names = 100000;
	*s = (struct seen){ .nsp = channel->nsp, .bytes = payload.size, .event = value_null() };
	s->args = value_array(NULL, 0);
	return channel->kind == WIRE_CHANNEL_REQUEST ? read_request(arena, payload, &rules, s)
						     : read_broadcast(arena, channel, payload, &rules, s);
}

/* --- As text ------------------------------------------------------------------------------------------------------ */

/* For people the time of day here; for JSON ISO 8601. */
static void print_time(bool iso)
{
	int64_t now = clock_wall_ms();
	time_t seconds = (time_t)(now / 1000);
	struct tm tm;
	char text[40];

	if (iso)
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &tm));
	else
		strftime(text, sizeof(text), "%H:%M:%S", localtime_r(&seconds, &tm));
	printf("%s.%03d", text, (int)(now % 1000));
}

static void print_rooms(const struct wire_opts *opts)
{
	if (opts->rooms.count == 0)
		putchar(opts->everybody ? '*' : '-');
	for (size_t i = 0; i < opts->rooms.count; i++) {
		fputs(i ? "," : "", stdout);
		tool_print(opts->rooms.at[i]);
	}
	for (size_t i = 0; i < opts->except.count; i++) {
		fputs(" -", stdout);
		tool_print(opts->except.at[i]);
	}
}

/* Without the brackets, and cut. */
static void print_args(struct stoa_value args)
{
	struct buf json = BUF_INIT;

	tool_add_json(&json, args);
	if (json.size >= 2)
		tool_print_short(slice_of(json.at + 1, json.size - 2), ARGUMENTS_MAX);
	buf_fini(&json);
}

static void print_name(struct stoa_value event)
{
	struct buf json = BUF_INIT;

	tool_add_json(&json, event);
	if (event.kind_ == VALUE_TEXT && json.size >= 2)
		tool_print(slice_of(json.at + 1, json.size - 2));
	else
		tool_print(buf_slice(&json));
	buf_fini(&json);
}

static void show_text(const struct seen *s)
{
	print_time(false);
	fputs("  ", stdout);
	tool_print(s->nsp);
	fputs("  ", stdout);
	print_rooms(&s->opts);
	fputs("  ", stdout);
	if (s->request)
		printf("[%s]%s", s->request, s->event.kind_ != VALUE_NULL ? " " : "");
	if (s->event.kind_ != VALUE_NULL)
		print_name(s->event);
	fputs(s->args.size_ ? "  " : "", stdout);
	print_args(s->args);
	printf("  %zu B\n", s->bytes);
}

/* --- As JSON ------------------------------------------------------------------------------------------------------ */

static void print_member(const char *name, struct stoa_value v)
{
	struct buf json = BUF_INIT;

	tool_add_json(&json, v);
	printf(",\"%s\":", name);
	tool_write(buf_slice(&json));
	buf_fini(&json);
}

static void begin_json(struct slice nsp)
{
	fputs("{\"time\":\"", stdout);
	print_time(true);
	fputs("Z\"", stdout);
	print_member("namespace", value_text(nsp));
}

static void show_json(struct arena *arena, const struct seen *s)
{
	begin_json(s->nsp);
	print_member("from", value_text(s->uid));
	if (s->request)
		print_member("request", value_text(slice_str(s->request)));
	print_member("rooms", names_value(arena, &s->opts.rooms));
	print_member("except", names_value(arena, &s->opts.except));
	if (s->opts.is_volatile)
		print_member("volatile", value_bool(true));
	if (s->event.kind_ != VALUE_NULL)
		print_member("event", s->event);
	print_member("args", s->args);
	printf(",\"bytes\":%zu}\n", s->bytes);
}

/* --- All of it ---------------------------------------------------------------------------------------------------- */

static void show_malformed(const struct tool_args *a, const struct wire_channel *channel, size_t bytes, const char *why)
{
	if (a->json) {
		begin_json(channel->nsp);
		print_member("malformed", value_text(slice_str(why)));
		printf(",\"bytes\":%zu}\n", bytes);
		return;
	}
	print_time(false);
	fputs("  ", stdout);
	tool_print(channel->nsp);
	printf("  malformed: %s  %zu B\n", why, bytes);
}

void watch_show(const struct tool_args *a, struct arena *arena, const struct wire_channel *channel,
	struct slice payload, struct watch_count *count)
{
	struct seen s;
	const char *wrong = read(arena, channel, payload, &s);

	count->bytes += payload.size;
	count->malformed += wrong != NULL;
	count->emits += wrong == NULL && s.request == NULL;
	count->requests += wrong == NULL && s.request;
	if (wrong)
		show_malformed(a, channel, payload.size, wrong);
	else if (a->json)
		show_json(arena, &s);
	else
		show_text(&s);
}

void watch_sum_up(const struct watch_count *count, int64_t ms)
{
	fprintf(stderr,
		"stoa: %" PRIu64 " emits, %" PRIu64 " requests, %" PRIu64 " malformed, %" PRIu64 " bytes in %.1f s\n",
		count->emits, count->requests, count->malformed, count->bytes, (double)ms / 1000);
}
