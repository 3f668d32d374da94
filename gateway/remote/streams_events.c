/* streams_events.c - entries of the streams of events: added, looked for, taken out. See remote_streams_internal.h. */
#include <errno.h>
#include <stdio.h>

#include "remote_streams_internal.h"

static struct slice stream_name(struct remote_streams *rs, unsigned partition)
{
	buf_clear(&rs->name);
	name_events(&rs->name, rs->config.app, partition);
	return buf_slice(&rs->name);
}

static unsigned partition_of(const struct remote_streams *rs, const struct carried *e)
{
	char number[24];

	if (e->has_partition)
		return e->partition;
	if (e->sid.size)
		return app_record_partition(&rs->app->record, e->nsp, e->sid);
	snprintf(number, sizeof(number), "%llu", (unsigned long long)e->number);
	return app_record_partition(&rs->app->record, e->nsp, slice_str(number));
}

static void on_taken_out(void *to, int64_t now_ms, int64_t result, struct slice text)
{
	struct note *note = to;

	(void)now_ms;
	(void)text;
	if (result == -ENOTCONN)
		note->is_undone = true;
	else
		streams_note_free(note);
}

void streams_take_out(struct remote_streams *rs, struct note *note)
{
	if (rs->streams->ops->ack(rs->streams, stream_name(rs, note->partition), slice_of(note->sid, note->sid_size),
		    on_taken_out, note) < 0)
		note->is_undone = true;
}

/* The event is over already: the entry need not be there. It is gone before the client's next event is in the stream, so that
 * nobody who takes the partition over runs it behind that: what the connection took with it is asked again first of all. */
void streams_take_out_entry(struct remote_streams *rs, unsigned partition, struct slice id)
{
	struct note *note = streams_note(rs, 0, partition, id);

	note->is_entry = true;
	streams_take_out(rs, note);
}

static void note_entry(struct carried *e, struct slice id)
{
	size_t size = id.size < CARRIED_ENTRY_MAX ? id.size : CARRIED_ENTRY_MAX;

	memcpy(e->entry, id.at, size);
	e->entry[size] = '\0';
}

/* When the connection was lost it is looked for when that is back: streams_check(). */
static void on_added(void *to, int64_t now_ms, int64_t result, struct slice id)
{
	struct note note = *(struct note *)to;
	struct remote_streams *rs = note.rs;
	struct carried *e = remote_carried_event(rs->remote, note.number);

	streams_note_free(to);
	if (e)
		e->adding = false;
	if (result == 0) {
		remote_refuse(rs->remote, now_ms, note.number, REFUSED_BACKLOG);
	} else if (result == 1 && e == NULL) {
		streams_take_out_entry(rs, note.partition, id);
	} else if (result == 1) {
		note_entry(e, id);
		remote_carried(rs->remote, now_ms, note.number);
	} else if (result != -ENOTCONN) {
		remote_refuse(rs->remote, now_ms, note.number, REFUSED_BY_CARRIER);
	}
}

/* What is owed whatever waits there. */
static bool is_owed(enum record_kind kind)
{
	return kind == RECORD_DISCONNECT || kind == RECORD_ANSWER;
}

int streams_send(void *ctx, int64_t now_ms, struct carried *e, struct slice record)
{
	struct remote_streams *rs = ctx;
	unsigned partition = partition_of(rs, e);
	struct note *note = streams_note(rs, e->number, partition, SLICE(""));
	int error = rs->streams->ops->add(rs->streams, stream_name(rs, partition), record,
		is_owed(e->kind) ? (size_t)INT32_MAX : rs->config.max_backlog, on_added, note);

	(void)now_ms;
	e->entry_partition = partition;
	e->entry[0] = '\0';
	e->adding = error == 0;
	if (error)
		streams_note_free(note);
	return error == -ENOTCONN || error == -ENOBUFS ? -EAGAIN : error;
}

void streams_forget(void *ctx, int64_t now_ms, struct carried *e)
{
	(void)now_ms;
	if (e->entry[0])
		streams_take_out_entry(ctx, e->entry_partition, slice_str(e->entry));
}

bool streams_executed(void *ctx, int64_t now_ms, const struct batch_record *b, bool anew)
{
	struct remote_streams *rs = ctx;

	(void)now_ms;
	if (streams_must_hold(rs, anew)) {
		streams_hold_entry(rs, b);
		return false;
	}
	streams_take_out_entry(rs, b->partition, b->id);
	return true;
}

static void on_found(void *to, int64_t now_ms, int64_t result, struct slice text)
{
	struct note note = *(struct note *)to;

	(void)text;
	streams_note_free(to);
	if (result == 0)
		remote_again(note.rs->remote, now_ms, note.number);
}

void streams_check(void *ctx, int64_t now_ms, struct carried *e, bool fresh)
{
	struct remote_streams *rs = ctx;
	struct note *note;

	(void)fresh;   /* a short absence may hide a restart that kept some of it */
	if (e->adding) /* since then, in its client's turn */
		return;
	if (e->entry[0] == '\0') {
		remote_again(rs->remote, now_ms, e->number);
		return;
	}
	note = streams_note(rs, e->number, e->entry_partition, SLICE(""));
	if (rs->streams->ops->find(
		    rs->streams, stream_name(rs, e->entry_partition), slice_str(e->entry), on_found, note))
		streams_note_free(note);
}
