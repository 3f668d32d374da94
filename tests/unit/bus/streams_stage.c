/* streams_stage.c - see streams_cases.h: what is heard, and asking. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "streams_cases.h"

struct stage stage;

/* --- What is heard ------------------------------------------------------------------------------------------------ */

static bool is_id(struct slice text)
{
	return text.size > 12 && text.size < 40 && text.at[0] == '1' && slice_find(text, '-') >= 12 &&
	       slice_find(text, '-') < text.size;
}

static size_t number_of(struct slice id)
{
	size_t i = 0;

	while (i < stage.n_ids && !slice_equal(stage.ids[i], id))
		i++;
	if (i < stage.n_ids)
		return i + 1;
	ck_assert_uint_lt(i, sizeof(stage.ids) / sizeof(stage.ids[0]));
	stage.ids[i] = slice_of(must_strndup(id.at, id.size), id.size);
	return stage.n_ids = i + 1;
}

struct slice stage_id(size_t number)
{
	ck_assert_uint_le(number, stage.n_ids);
	return stage.ids[number - 1];
}

void stage_add_text(struct slice text)
{
	if (is_id(text))
		buf_printf(&stage.heard, "#%zu", number_of(text));
	else if (text.size > 100)
		buf_printf(&stage.heard, "of %zu", text.size);
	else
		buf_add_slice(&stage.heard, text);
}

static bool shows(const char *name)
{
	return stage.shows && strchr(stage.shows, name[0]);
}

static void on_up(void *ctx, int64_t now_ms, bool fresh)
{
	(void)now_ms;
	if (shows(ctx))
		buf_printf(&stage.heard, "%s up%s;", (const char *)ctx, fresh ? " fresh" : "");
}

static void on_down(void *ctx, int64_t now_ms, const char *why)
{
	(void)now_ms;
	(void)why;
	if (shows(ctx))
		buf_printf(&stage.heard, "%s down;", (const char *)ctx);
}

static void on_listening(void *ctx, int64_t now_ms)
{
	(void)now_ms;
	if (shows(ctx))
		buf_printf(&stage.heard, "%s listening;", (const char *)ctx);
}

static void on_entry(void *ctx, int64_t now_ms, const struct streams_entry *e)
{
	(void)now_ms;
	buf_printf(&stage.heard, "%s %.*s ", (const char *)ctx, SLICE_ARG(e->stream));
	stage_add_text(slice_equal(e->stream, SLICE("s")) ? e->id : SLICE("-"));
	buf_add_char(&stage.heard, ' ');
	stage_add_text(e->record);
	buf_printf(&stage.heard, " x%llu;", (unsigned long long)e->deliveries);
}

static void on_read_end(void *ctx, int64_t now_ms, int result)
{
	(void)now_ms;
	buf_printf(&stage.heard, "%s end %d;", (const char *)ctx, result);
}

static void on_message(void *ctx, int64_t now_ms, struct slice channel, struct slice payload)
{
	(void)now_ms;
	buf_printf(&stage.messages, "%s heard %.*s %.*s;", (const char *)ctx, SLICE_ARG(channel), SLICE_ARG(payload));
}

const struct streams_events stage_events = { .up = on_up,
	.down = on_down,
	.entry = on_entry,
	.read_end = on_read_end,
	.message = on_message,
	.listening = on_listening };

void stage_answer(void *to, int64_t now_ms, int64_t result, struct slice text)
{
	(void)now_ms;
	buf_printf(&stage.heard, "%s=%lld", (const char *)to, (long long)result);
	if (text.size) {
		buf_add_char(&stage.heard, ' ');
		stage_add_text(text);
	}
	buf_add_char(&stage.heard, ';');
}

static bool has_heard(void *ctx)
{
	size_t size = strlen(ctx);

	return stage.heard.size >= size || (stage.heard.size && memcmp(stage.heard.at, ctx, stage.heard.size) != 0);
}

void stage_hears(const char *text)
{
	stage_wait(has_heard, (void *)(uintptr_t)text, text);
	buf_add_char(&stage.heard, '\0');
	ck_assert_str_eq(stage.heard.at, text);
	buf_clear(&stage.heard);
}

static bool has_message(void *ctx)
{
	return stage.messages.size >= strlen(ctx);
}

void stage_hears_message(const char *text)
{
	stage_wait(has_message, (void *)(uintptr_t)text, text);
	buf_add_char(&stage.messages, '\0');
	ck_assert_str_eq(stage.messages.at, text);
	buf_clear(&stage.messages);
}

void stage_fini(void)
{
	for (size_t i = 0; i < stage.n_ids; i++)
		free((void *)(uintptr_t)stage.ids[i].at);
	buf_fini(&stage.heard);
	buf_fini(&stage.messages);
	stage = (struct stage){ 0 };
}

/* --- Asking ------------------------------------------------------------------------------------------------------- */

void *stage_named(const char *name)
{
	return (void *)(uintptr_t)name;
}

void stage_add(struct streams *s, const char *stream, const char *record)
{
	ck_assert_int_eq(s->ops->add(s, slice_str(stream), slice_str(record), 1000, NULL, NULL), 0);
}

void stage_create(const char *stream)
{
	ASK(a, create, slice_str(stream));
	stage_hears("create=1;");
}

void stage_read(struct streams *s, const char *consumer, const char *stream, size_t count)
{
	struct slice name = slice_str(stream);

	ck_assert_int_eq(s->ops->read(s, slice_str(consumer), &name, 1, count, 0), 0);
}
