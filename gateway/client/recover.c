/* recover.c - a client that was here before, and lost its connection. See recovery.h, and client_internal.h.
 *
 * It asks to be let in with the private id that it was given, and the offset of the last event that it has seen:
 * 40{"pid":"..","offset":"..",..}. If it is recovered, what it has missed goes out before the answer, as the reference has it.
 */
#include <stdlib.h>

#include "client_internal.h"
#include "json.h"
#include "log.h"
#include "metrics.h"
#include "random.h"

static struct recovery *recovery_of(const struct client *c)
{
	return c->conn->all->hub->recovery;
}

static struct recovery_seat *seat_of(const struct client *c)
{
	return (struct recovery_seat *)(void *)c->member.memory;
}

struct slice client_pid(const struct client *c)
{
	const struct recovery_seat *seat = seat_of(c);

	return seat ? slice_of(seat->pid, RECOVERY_PID_SIZE) : slice_of("", 0);
}

/* A private id proves that it was there; behind a gate it is to be the same person too. */
static struct slice who(const struct client *c)
{
	return c->pass ? c->pass->who : slice_of(NULL, 0);
}

/* --- What it asks ------------------------------------------------------------------------------------------------- */

/* A string's text as it stands: what has escapes in it is no id of ours. */
static bool take_text(struct slice token, struct slice *text)
{
	if (token.size < 2 || token.at[0] != '"')
		return false;
	*text = slice_of(token.at + 1, token.size - 2);
	return true;
}

/* False: it does not ask, or not in the way that clients do. */
static bool read_asked(const struct client *c, struct recovery_asked *asked)
{
	struct json_rules rules = { .max_depth = c->conn->all->config.rules.max_depth, .blobs = JSON_NO_BLOBS };
	struct json_items it = json_members_of(client_auth(c), &rules);
	struct slice key, value;
	bool ok = true;

	while (json_members_next(&it, &key, &value)) {
		if (slice_equal(key, SLICE("\"pid\"")))
			ok &= take_text(value, &asked->pid);
		else if (slice_equal(key, SLICE("\"offset\"")))
			ok &= take_text(value, &asked->offset);
	}
	return ok && it.error == NULL && asked->pid.size == RECOVERY_PID_SIZE;
}

/* --- Who it was --------------------------------------------------------------------------------------------------- */

static bool seat_new(struct client *c)
{
	struct recovery_seat *seat = calloc(1, sizeof(*seat));

	if (seat == NULL) {
		metrics_count(M_OUT_OF_MEMORY);
		return false;
	}
	random_id(seat->pid, RECOVERY_PID_SIZE);
	memcpy(seat->pid, c->conn->all->sessions->node_id, NODE_ID_SIZE);
	c->member.memory = &seat->memory;
	return true;
}

static void note_before(struct client *c, struct slice offset)
{
	struct recovery_offset *before = &seat_of(c)->before;

	if (offset.size == 0 || offset.size > sizeof(before->text))
		return;
	memcpy(before->text, offset.at, offset.size);
	before->size = offset.size;
}

static void add_room(struct buf *to, struct slice room)
{
	buf_add_slice(to, room);
	buf_add_char(to, '\0');
}

/* Until it is in, it says of its rooms what will be. */
static void take_rooms(struct client *c, const struct recovery_saved *s)
{
	struct buf rooms = BUF_INIT;

	for (size_t i = 1; i < s->n_rooms; i++)
		add_room(&rooms, s->room[i]);
	c->last_rooms = rooms.at;
	c->last_rooms_size = (uint32_t)rooms.size;
}

static void become(struct client *c, struct recovery_saved *s)
{
	struct recovery_seat *seat = seat_of(c);
	char *sid = (char *)(void *)(uintptr_t)c->sid; /* in c->copied */

	memcpy(sid, s->room[0].at, SID_SIZE);
	c->member.by_sid = table_node(slice_of(sid, SID_SIZE));
	memcpy(seat->pid, s->pid, sizeof(seat->pid));
	seat->taken = s;
	seat->start = s->from;
	c->data = s->data;
	c->data_bytes = s->data_bytes;
	c->data_version = 1;
	s->data = NULL;
	c->recovered = true;
	take_rooms(c, s);
}

static enum recovery_refusal look_for(struct client *c, int64_t now_ms, const struct recovery_asked *asked)
{
	const struct clients *all = c->conn->all;
	struct recovery *r = recovery_of(c);
	enum recovery_refusal why;
	struct recovery_saved *s = recovery_take(r, now_ms, asked, &why);

	if (s && all->ops->may_return && !all->ops->may_return(all->ctx, s->room[0])) {
		recovery_drop(r, s);
		return RECOVERY_BUSY;
	}
	if (s)
		become(c, s);
	return why;
}

void client_recall(struct client *c, int64_t now_ms)
{
	struct recovery_asked asked = {
		.nsp = c->nsp, .who = who(c), .max_bytes = c->member.out->lane->limit_bytes / 2
	};
	enum recovery_refusal why;

	if (recovery_of(c) == NULL || conn_is_eio3(c->conn) || !seat_new(c) || !read_asked(c, &asked))
		return;
	note_before(c, asked.offset);
	why = look_for(c, now_ms, &asked);
	if (why == RECOVERY_OK)
		return;
	recovery_refused(why);
	log_debug("not-recovered", LOG_S("sid", c->sid), LOG_S("why", recovery_refusal_text(why)));
}

/* --- In again ----------------------------------------------------------------------------------------------------- */

static void join(struct client *c, struct slice room)
{
	int error = hub_join(c->conn->all->hub, &c->member, room);

	if (error)
		log_warn("not-joined", LOG_S("sid", c->sid), LOG_T("room", room), LOG_S("why", "it is recovered"));
}

static void push(void *to, struct frame *f)
{
	struct client *c = to;
	bool dropped;

	if (f->tag_size)
		out_push_latest(c->member.out, f, &dropped);
	else
		out_push(c->member.out, f);
	metrics_count(M_RECOVERY_REPLAYED);
	metrics_count(M_DELIVERIES);
}

/* The application was slow to let it in, and something is forgotten, or was not heard, meanwhile. It was told that this client is
 * recovered: its connection has to go, and the next one is a new client's. */
bool client_may_restore(const struct client *c)
{
	const struct recovery_seat *seat = seat_of(c);

	if (seat == NULL || seat->taken == NULL || recovery_is_whole(recovery_of(c), seat->taken))
		return true;
	log_debug("not-restored", LOG_S("sid", c->sid), LOG_S("why", "what it has missed is not there any more"));
	return false;
}

void client_restore(struct client *c)
{
	struct recovery_seat *seat = seat_of(c);
	struct recovery *r = recovery_of(c);
	struct recovery_saved *s = seat ? seat->taken : NULL;

	if (seat == NULL)
		return;
	if (s == NULL) {
		seat->start = recovery_position(r);
		return;
	}
	free(c->last_rooms);
	c->last_rooms = NULL;
	c->last_rooms_size = 0;
	for (size_t i = 1; i < s->n_rooms; i++)
		join(c, s->room[i]);
	seat->memory.joined = s->joined;
	seat->memory.said = recovery_missed(r, s, push, c);
	seat->taken = NULL;
	recovery_drop(r, s);
	recovery_refused(RECOVERY_OK);
	log_debug("recovered", LOG_S("sid", c->sid), LOG_T("nsp", c->nsp));
}

/* --- Out ---------------------------------------------------------------------------------------------------------- */

static const bool is_recoverable[CLOSE_REASONS] = {
	[CLOSE_TRANSPORT_CLOSE] = true,
	[CLOSE_TRANSPORT_ERROR] = true,
	[CLOSE_PING_TIMEOUT] = true,
	[CLOSE_FORCED] = true,
	[CLOSE_FORCED_SERVER] = true,
	[CLOSE_SLOW] = true,
};

void client_remember(struct client *c, int64_t now_ms)
{
	if (c->member.memory && is_recoverable[c->why])
		recovery_save(recovery_of(c), now_ms, &c->member, who(c));
}

void client_forget(struct client *c)
{
	struct recovery_seat *seat = seat_of(c);

	if (seat == NULL || seat->taken == NULL)
		return;
	recovery_drop(recovery_of(c), seat->taken);
	seat->taken = NULL;
}

/* One that went before it was let in is as it was. */
static void put_back(struct client *c)
{
	struct recovery_seat *seat = seat_of(c);
	struct recovery_saved *s = seat->taken;

	seat->taken = NULL;
	s->data = c->data;
	c->data = NULL;
	recovery_put_back(recovery_of(c), c->conn->all->sessions->lane->now_ms, s);
}

void client_keep_data(struct client *c)
{
	const struct recovery_seat *seat = seat_of(c);

	if (seat == NULL)
		return;
	if (seat->taken)
		put_back(c);
	else if (c->was_joined && c->data && is_recoverable[c->why] &&
		 recovery_save_data(recovery_of(c), client_pid(c), c->data, c->data_bytes))
		c->data = NULL;
}

/* --- Life --------------------------------------------------------------------------------------------------------- */

struct recovery *clients_recovery(const struct gateway_options *o, struct timers *timers)
{
	if (!o->connection_state_recovery)
		return NULL;
	return recovery_new(
		&(struct recovery_config){ .max_away_ms = o->max_disconnection_duration_ms,
			.keep_ms = o->max_disconnection_duration_ms + o->ping_interval_ms + o->ping_timeout_ms,
			.max_bytes = (size_t)o->max_recovery_memory,
			.max_sessions = (size_t)o->max_recoverable_sessions,
			.free_data = client_free_data_list },
		timers);
}
