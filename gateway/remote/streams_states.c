/* streams_states.c - the states of clients in their hash, and what was lost on its way. See remote_streams_internal.h. */
#include <errno.h>
#include <stdlib.h>

#include "alloc.h"
#include "remote_streams_internal.h"

/* --- Notes --------------------------------------------------------------------------------------------------------- */

struct note *streams_note(struct remote_streams *rs, uint64_t number, unsigned partition, struct slice sid)
{
	struct note *n = must_alloc(sizeof(*n) + sid.size);

	n->next = rs->notes;
	n->link = &rs->notes;
	if (n->next)
		n->next->link = &n->next;
	rs->notes = n;
	n->rs = rs;
	n->number = number;
	n->partition = partition;
	n->sid_size = sid.size;
	if (sid.size)
		memcpy(n->sid, sid.at, sid.size);
	return n;
}

void streams_note_free(struct note *n)
{
	*n->link = n->next;
	if (n->next)
		n->next->link = n->link;
	free(n);
}

static struct slice hash_name(struct remote_streams *rs, unsigned partition)
{
	buf_clear(&rs->name);
	name_clients(&rs->name, rs->config.app, partition);
	return buf_slice(&rs->name);
}

/* --- States ------------------------------------------------------------------------------------------------------- */

static void on_put(void *to, int64_t now_ms, int64_t result, struct slice text)
{
	struct note *note = to;

	(void)text;
	if (result < 0)
		remote_put_again(note->rs->remote, now_ms, slice_of(note->sid, note->sid_size));
	streams_note_free(note);
}

int streams_put_state(void *ctx, int64_t now_ms, struct slice nsp, struct slice sid, struct slice record)
{
	struct remote_streams *rs = ctx;
	unsigned partition = app_record_partition(&rs->app->record, nsp, sid);
	struct note *note = streams_note(rs, 0, partition, sid);
	int error = rs->streams->ops->field_put(
		rs->streams, hash_name(rs, partition), slice_of(note->sid, note->sid_size), record, on_put, note);

	(void)now_ms;
	if (error)
		streams_note_free(note);
	return error;
}

static void on_looked(void *to, int64_t now_ms, int64_t result, struct slice text)
{
	struct note *note = to;
	struct remote *r = note->rs->remote;
	struct slice sid = slice_of(note->sid, note->sid_size);

	(void)text;
	if (result < 0)
		remote_look_again(r, sid);
	else
		remote_state_is(r, now_ms, sid, result > 0);
	streams_note_free(note);
}

int streams_look_state(void *ctx, int64_t now_ms, struct slice nsp, struct slice sid)
{
	struct remote_streams *rs = ctx;
	unsigned partition = app_record_partition(&rs->app->record, nsp, sid);
	struct note *note = streams_note(rs, 0, partition, sid);
	int error = rs->streams->ops->field_get(
		rs->streams, hash_name(rs, partition), slice_of(note->sid, note->sid_size), on_looked, note);

	(void)now_ms;
	if (error)
		streams_note_free(note);
	return error;
}

static void on_dropped(void *to, int64_t now_ms, int64_t result, struct slice text)
{
	struct note *note = to;

	(void)now_ms;
	(void)text;
	if (result >= 0) {
		streams_note_free(note);
		return;
	}
	note->is_undone = true;
}

static void drop(struct remote_streams *rs, struct note *note)
{
	if (rs->streams->ops->field_drop(rs->streams, hash_name(rs, note->partition),
		    slice_of(note->sid, note->sid_size), on_dropped, note) < 0)
		on_dropped(note, 0, -ENOTCONN, SLICE(""));
}

void streams_drop(struct remote_streams *rs, unsigned partition, struct slice sid)
{
	drop(rs, streams_note(rs, 0, partition, sid));
}

/* Not before its entry: who has that once more needs the state. */
void streams_drop_state(void *ctx, int64_t now_ms, struct slice nsp, struct slice sid)
{
	struct remote_streams *rs = ctx;

	(void)now_ms;
	if (rs->app == NULL)
		return;
	if (streams_must_hold(rs, true))
		streams_hold_state(rs, app_record_partition(&rs->app->record, nsp, sid), sid);
	else
		streams_drop(rs, app_record_partition(&rs->app->record, nsp, sid), sid);
}

void streams_do_undone(struct remote_streams *rs)
{
	for (struct note *n = rs->notes; n; n = n->next) {
		if (!n->is_undone)
			continue;
		n->is_undone = false;
		if (n->is_entry)
			streams_take_out(rs, n);
		else
			drop(rs, n);
	}
}
