/* tool_letter.c - see tool_letter.h. */
#include "tool_letter.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "clock.h"
#include "json.h"
#include "msgpack.h"

/* --- Reading ------------------------------------------------------------------------------------------------------ */

static int64_t number_of(struct slice text)
{
	int64_t n = 0;

	if (text.size == 0 || text.size > 15)
		return -1;
	for (size_t i = 0; i < text.size; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return -1;
		n = 10 * n + (text.at[i] - '0');
	}
	return n;
}

static void read_field(struct letter *l, struct slice name, struct slice value)
{
	const struct {
		struct slice name;
		struct slice *text;
		int64_t *number;
	} fields[] = {
		{ SLICE("record"), &l->record, NULL },
		{ SLICE("reason"), &l->reason, NULL },
		{ SLICE("backtrace"), &l->backtrace, NULL },
		{ SLICE("id"), &l->entry, NULL },
		{ SLICE("attempts"), NULL, &l->attempts },
		{ SLICE("at"), NULL, &l->at_ms },
		{ SLICE("partition"), NULL, &l->partition },
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (!slice_equal(fields[i].name, name))
			continue;
		if (fields[i].text)
			*fields[i].text = value;
		else
			*fields[i].number = number_of(value);
	}
}

bool letter_read(struct arena *arena, const struct redis_reply *reply, struct letter *l)
{
	const struct redis_reply *fields = reply->count == 2 ? &reply->items[1] : NULL;

	*l = (struct letter){ .partition = -1 };
	if (reply->type != REDIS_ARRAY || fields == NULL || fields->type != REDIS_ARRAY)
		return false;
	l->id = reply->items[0].text;
	for (size_t i = 0; i + 1 < fields->count; i += 2)
		read_field(l, fields->items[i].text, fields->items[i + 1].text);
	l->wrong = event_record_read(arena, l->record, &RECORD_RULES, &l->event);
	return true;
}

bool letter_is_in(const struct letter *l, const char *nsp)
{
	struct slice name = slice_str(nsp), own = l->event.nsp;

	if (nsp == NULL)
		return true;
	if (l->wrong || own.size == 0)
		return false;
	return slice_equal(name, own) || (name.size && name.at[0] != '/' && slice_equal(name, slice_from(own, 1)));
}

const char *letter_is_final(const struct letter *l)
{
	static const char *const finals[] = {
		[RECORD_CONNECT] = "its client was refused long ago",
		[RECORD_EVENT] = NULL,
		[RECORD_DISCONNECT] = NULL,
		[RECORD_HANDSHAKE] = "its request was answered long ago",
		[RECORD_REFUSED] = NULL,
		[RECORD_SERVER] = NULL,
		[RECORD_ANSWER] = "the call that it answers is over",
	};

	if (l->wrong)
		return l->wrong;
	if (l->partition < 0 || l->partition >= PARTITIONS_MAX)
		return "it does not say its partition";
	return finals[l->event.kind];
}

/* --- Showing ------------------------------------------------------------------------------------------------------ */

static struct stoa_value value_of_record(struct arena *arena, const struct letter *l)
{
	static const struct json_rules rules = { VALUE_DEPTH_MAX, JSON_NO_BLOBS };
	static const struct msgpack_rules packed = { VALUE_DEPTH_MAX };
	unsigned flags;

	if (l->record.size && l->record.at[0] == '{' && json_check(l->record, &rules, &flags) == NULL)
		return json_decode(arena, l->record, NULL, 0);
	if (l->record.size && msgpack_check(l->record, &packed) == NULL)
		return msgpack_decode(arena, l->record, MSGPACK_CLIENT);
	return value_bytes(l->record);
}

/* An event's name is a token of the record's encoding. */
static struct stoa_value value_of_name(struct arena *arena, const struct letter *l)
{
	if (l->event.name.size == 0)
		return value_null();
	if (record_encoding(l->record) == VALUE_JSON)
		return json_decode(arena, l->event.name, NULL, 0);
	return msgpack_decode(arena, l->event.name, MSGPACK_CLIENT);
}

/* `connect`, `disconnect transport close`, `event "message"` */
static void add_what(struct arena *arena, struct buf *to, const struct letter *l)
{
	if (l->wrong) {
		buf_printf(to, "(%s)", l->wrong);
		return;
	}
	buf_add_str(to, record_kind_name(l->event.kind));
	if (l->event.reason.size)
		buf_add_char(to, ' ');
	buf_add_slice(to, l->event.reason);
	if (l->event.name.size == 0)
		return;
	buf_add_char(to, ' ');
	tool_add_json(to, value_of_name(arena, l));
}

static void print_what(const struct letter *l, size_t max)
{
	struct arena arena = ARENA_INIT;
	struct buf what = BUF_INIT;

	add_what(&arena, &what, l);
	tool_print_short(buf_slice(&what), max);
	buf_fini(&what);
	arena_fini(&arena);
}

void letter_print_head(void)
{
	puts("ID                       AGE  REASON     TRIES  PART  CLIENT                NAMESPACE   EVENT");
}

void letter_print_row(const struct letter *l)
{
	struct slice sid = l->event.sid, nsp = l->event.nsp;

	tool_print_padded(l->id, 17);
	printf("%8" PRId64 "s  ", (clock_wall_ms() - l->at_ms) / 1000);
	tool_print_padded(l->reason, 9);
	printf("%5" PRId64 "  %4" PRId64 "  ", l->attempts, l->partition);
	tool_print_padded(sid.size ? sid : SLICE("-"), 20);
	tool_print_padded(nsp.size ? nsp : SLICE("-"), 10);
	print_what(l, 60);
	putchar('\n');
}

static void print_line(const char *name, struct slice text)
{
	if (text.size == 0)
		return;
	printf("%-10s ", name);
	tool_print(text);
	putchar('\n');
}

static void print_time(int64_t ms)
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;
	char text[40] = "";

	if (ms > 0 && gmtime_r(&seconds, &tm))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	print_line("at", slice_str(text));
}

static void print_lines(struct slice text)
{
	while (text.size) {
		struct slice line = slice_first(text, slice_find(text, '\n'));

		fputs("  ", stdout);
		tool_print(line);
		putchar('\n');
		text = slice_from(text, line.size < text.size ? line.size + 1 : line.size);
	}
}

static void print_record(const struct letter *l)
{
	struct arena arena = ARENA_INIT;
	struct buf json = BUF_INIT;

	tool_add_json(&json, value_of_record(&arena, l));
	print_line("record", buf_slice(&json));
	buf_fini(&json);
	arena_fini(&arena);
}

void letter_print(const struct letter *l)
{
	print_line("id", l->id);
	print_time(l->at_ms);
	print_line("reason", l->reason);
	printf("%-10s %" PRId64 "\n", "attempts", l->attempts);
	printf("%-10s %" PRId64 "\n", "partition", l->partition);
	print_line("entry", l->entry);
	print_line("gateway", l->event.node);
	print_line("namespace", l->event.nsp);
	print_line("client", l->event.sid);
	printf("%-10s ", "event");
	print_what(l, SIZE_MAX);
	putchar('\n');
	print_record(l);
	if (l->backtrace.size)
		puts("backtrace");
	print_lines(l->backtrace);
}

static void add_member(struct buf *to, const char *name, struct stoa_value v)
{
	buf_printf(to, ",\"%s\":", name);
	tool_add_json(to, v);
}

static void add_text(struct buf *to, const char *name, struct slice text)
{
	if (text.size)
		add_member(to, name, value_text(text));
}

void letter_add_json(struct buf *to, const struct letter *l, bool whole)
{
	struct arena arena = ARENA_INIT;

	buf_add_str(to, "{\"id\":");
	tool_add_json(to, value_text(l->id));
	add_member(to, "at", value_int(l->at_ms));
	add_text(to, "reason", l->reason);
	add_member(to, "attempts", value_int(l->attempts));
	add_member(to, "partition", value_int(l->partition));
	add_text(to, "entry", l->entry);
	if (l->wrong)
		add_text(to, "unreadable", slice_str(l->wrong));
	else
		add_text(to, "kind", slice_str(record_kind_name(l->event.kind)));
	add_text(to, "namespace", l->event.nsp);
	add_text(to, "client", l->event.sid);
	if (l->event.name.size)
		add_member(to, "event", value_of_name(&arena, l));
	if (whole) {
		add_member(to, "record", value_of_record(&arena, l));
		add_text(to, "backtrace", l->backtrace);
	}
	buf_add_char(to, '}');
	arena_fini(&arena);
}
