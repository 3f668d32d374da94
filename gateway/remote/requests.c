/* requests.c - what is no client's: handshakes, refused requests, other servers' events. See remote_internal.h. */
#include "remote_internal.h"

static struct remote_event *new_request(
	struct remote *r, int64_t now_ms, enum record_kind kind, const struct event_text *text, enum refusal *why)
{
	struct remote_event *e;

	if (!may_wait(r, now_ms, NULL, sizeof(*e), why)) {
		refusal_note(r, now_ms, *why, kind, SLICE(""));
		return NULL;
	}
	e = remote_event_new(r, now_ms, kind, text);
	*why = REFUSED_MEMORY;
	return e;
}

/* --- Handshakes --------------------------------------------------------------------------------------------------- */

static void admit_at_once(dispatch_decided_fn *decided, void *to)
{
	decided(to, &(struct effect){ .kind = EFFECT_ADMIT }, NULL);
}

bool request_admit(void *ctx, int64_t now_ms, const struct app_request *request, dispatch_decided_fn *decided, void *to)
{
	struct remote *r = ctx;
	const struct app_record *app = remote_app(r);
	struct event_text none = { .n_blobs = 0 };
	struct remote_event *e;
	enum refusal why;
	struct lane *l;
	uint64_t number;

	if (app && !app->hears_handshakes) {
		admit_at_once(decided, to);
		return false;
	}
	e = new_request(r, now_ms, RECORD_HANDSHAKE, &none, &why);
	if (e == NULL) {
		decided(to, NULL, refusal_words[why]);
		return false;
	}
	e->decided = decided;
	e->decided_to = to;
	e->by_asker.key = slice_of((const char *)&e->decided_to, sizeof(e->decided_to));
	map_add(&r->askers, &e->by_asker);
	number = e->carried.number;
	l = lane_new(r, NULL);
	state_keep_request(l, request);
	lane_add(l, now_ms, e);
	return remote_event_find(r, number) != NULL;
}

void request_unask(struct remote *r, struct remote_event *e)
{
	if (e->decided)
		map_remove(&r->askers, &e->by_asker);
	e->decided = NULL;
}

void request_forget(void *ctx, void *to)
{
	struct remote *r = ctx;
	struct map_node *node = map_find(&r->askers, slice_of((const char *)&to, sizeof(to)));

	if (node)
		request_unask(r, map_item(node, struct remote_event, by_asker));
}

bool request_is_idle(const struct remote *r, const struct remote_event *e)
{
	return e->carried.kind == RECORD_HANDSHAKE && (e->decided == NULL || !remote_app(r)->hears_handshakes);
}

void request_admit_now(struct remote *r, int64_t now_ms, struct remote_event *e)
{
	static const struct effect admit = { .kind = EFFECT_ADMIT };

	if (e->decided)
		dispatch_decide(r->dispatch, now_ms, e->decided, e->decided_to, &admit);
}

/* --- Others ------------------------------------------------------------------------------------------------------- */

void request_refused(void *ctx, int64_t now_ms, const struct app_request *request, struct slice error)
{
	struct remote *r = ctx;
	enum refusal why;
	struct remote_event *e = new_request(r, now_ms, RECORD_REFUSED, &(struct event_text){ .error = error }, &why);
	struct lane *l;

	if (e == NULL)
		return;
	l = lane_new(r, NULL);
	state_keep_request(l, request);
	lane_add(l, now_ms, e);
}

/* The namespace has no client, but is where the event is heard. */
void request_server_event(void *ctx, int64_t now_ms, const char *nsp, const struct app_event_in *in)
{
	struct remote *r = ctx;
	enum refusal why;
	struct event_text text = {
		.name = in->name, .items = in->items, .blobs = in->blobs, .n_blobs = in->n_blobs, .nsp = slice_str(nsp)
	};
	struct remote_event *e = new_request(r, now_ms, RECORD_SERVER, &text, &why);

	if (e == NULL)
		return;
	e->flags = in->flags;
	e->wants_ack = in->wants_ack;
	e->ack_id = in->ack_id;
	lane_add(lane_new(r, NULL), now_ms, e);
}
