/* tool_redis_args.c - an event's arguments with binary: files, and placeholders for them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "json.h"
#include "stoa_emitter.h"
#include "tool.h"

enum { FILE_MAX = 64 * 1024 * 1024 };

static bool read_file(struct buf *to, const char *path)
{
	FILE *f = fopen(path, "re");
	size_t n = 1;
	int error = f ? 0 : errno;

	while (error == 0 && n > 0 && to->size <= FILE_MAX && buf_reserve(to, 65536)) {
		n = fread(to->at + to->size, 1, 65536, f);
		to->size += n;
		error = ferror(f) ? errno : 0;
	}
	if (f)
		fclose(f);
	if (error == 0 && n > 0)
		error = EFBIG;
	if (error)
		tool_complain("--attachment %s: %s", path, strerror(error));
	return error == 0;
}

static bool read_files(const struct tool_args *a, struct tool_event *event)
{
	event->files = must_alloc((a->attachments.count + 1) * sizeof(*event->files));
	event->attachments = must_alloc((a->attachments.count + 1) * sizeof(*event->attachments));
	for (size_t i = 0; i < a->attachments.count; i++) {
		event->n_attachments = i + 1;
		if (!read_file(&event->files[i], a->attachments.at[i]))
			return false;
		event->attachments[i] = (struct stoa_emitter_bytes){ event->files[i].at, event->files[i].size };
	}
	return true;
}

/* Whether the arguments say where the attachments belong; -1: they name one that is not there. */
static int has_placeholders(struct slice args, size_t n_attachments)
{
	const struct json_rules rules = { VALUE_DEPTH_MAX, (long)n_attachments };
	unsigned flags = 0;
	const char *wrong = json_check(args, &rules, &flags);

	if (wrong)
		tool_complain("--attachment: a placeholder in the arguments has a num for which there is none");
	return wrong ? -1 : (flags & JSON_BLOBS) != 0;
}

static void append_placeholders(struct buf *args, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(args, "%s{\"_placeholder\":true,\"num\":%zu}", args->size > 1 ? "," : "", i);
}

static bool write_args(const struct tool_args *a, struct tool_event *event)
{
	struct buf *args = &event->args;
	int placed = 1;

	buf_add_char(args, '[');
	if (!tool_request_items(a, args))
		return false;
	if (event->n_attachments) {
		buf_add_char(args, ']');
		placed = args->failed ? 1 : has_placeholders(buf_slice(args), event->n_attachments);
		args->size--;
	}
	if (placed == 0)
		append_placeholders(args, event->n_attachments);
	buf_add_char(args, ']');
	buf_add_char(args, '\0');
	if (args->failed)
		tool_complain("out of memory");
	return placed >= 0 && !args->failed;
}

bool tool_event_read(const struct tool_args *a, struct tool_event *event)
{
	return read_files(a, event) && write_args(a, event);
}

void tool_event_fini(struct tool_event *event)
{
	for (size_t i = 0; i < event->n_attachments; i++)
		buf_fini(&event->files[i]);
	free(event->files);
	free(event->attachments);
	buf_fini(&event->args);
}
