/* remote_streams.c - see remote_streams.h. */
#include <errno.h>
#include <stdlib.h>

#include "alloc.h"
#include "log.h"
#include "metrics.h"
#include "remote_streams_internal.h"

/* --- The application ----------------------------------------------------------------------------------------------- */

static void known_free(struct known_app *k)
{
	if (k == NULL)
		return;
	buf_fini(&k->text);
	arena_fini(&k->arena);
	free(k);
}

static const struct app_record *application(void *ctx)
{
	const struct remote_streams *rs = ctx;

	return rs->app ? &rs->app->record : NULL;
}

static const struct carrier_ops ops = { .send = streams_send,
	.forget = streams_forget,
	.executed = streams_executed,
	.check = streams_check,
	.put_state = streams_put_state,
	.drop_state = streams_drop_state,
	.look_state = streams_look_state,
	.application = application };

static void be_ready(struct remote_streams *rs, int64_t now_ms)
{
	if (!rs->streams->is_up || rs->app == NULL || rs->is_ready)
		return;
	rs->is_ready = true;
	remote_ready(rs->remote, now_ms, rs->is_fresh);
	rs->is_fresh = false;
}

static void read_app(struct remote_streams *rs, int64_t now_ms, struct slice text)
{
	struct known_app *k = must_alloc(sizeof(*k)), *old = rs->app;
	const char *why;

	buf_add_slice(&k->text, text);
	why = k->text.failed ? "no memory"
			     : app_record_read(&k->arena, buf_slice(&k->text), &rs->config.rules, &k->record);
	if (why) {
		log_warn("bad-application-record", LOG_S("app", rs->config.app), LOG_S("why", why));
		known_free(k);
		return;
	}
	rs->app = k;
	if (old && old->record.partitions != k->record.partitions) {
		log_warn(
			"partitions-changed", LOG_I("from", old->record.partitions), LOG_I("to", k->record.partitions));
		rs->is_ready = false;
		rs->is_fresh = true;
	}
	known_free(old);
	remote_application(rs->remote, now_ms);
	be_ready(rs, now_ms);
}

static void on_app(void *to, int64_t now_ms, int64_t result, struct slice text)
{
	struct remote_streams *rs = to;

	if (result == 1 && (rs->app == NULL || !slice_equal(text, buf_slice(&rs->app->text))))
		read_app(rs, now_ms, text);
}

/* --- Looking ------------------------------------------------------------------------------------------------------- */

static void on_broker(void *to, struct slice id, struct slice value)
{
	struct remote_streams *rs = to;

	(void)id;
	(void)value;
	rs->brokers++;
}

static void on_brokers(void *to, int64_t now_ms, int64_t result, struct slice text)
{
	struct remote_streams *rs = to;

	(void)text;
	if (result >= 0) {
		metrics_set(M_DISPATCH_BROKERS, rs->brokers);
		remote_served(rs->remote, now_ms, rs->brokers > 0);
	}
	rs->brokers = 0;
	rs->streams->ops->get(rs->streams, buf_slice(&rs->app_key), on_app, rs);
}

/* First who is there: nothing is refused for want of brokers that are. */
static void ask_all(struct remote_streams *rs)
{
	rs->streams->ops->list(rs->streams, buf_slice(&rs->brokers_named.list), buf_slice(&rs->brokers_named.prefix),
		on_broker, on_brokers, rs);
}

static void look(struct timer *t, int64_t now_ms)
{
	struct remote_streams *rs =
		(struct remote_streams *)(void *)((char *)t - offsetof(struct remote_streams, look));

	if (rs->streams->is_up) {
		ask_all(rs);
		streams_do_undone(rs);
	}
	if (!rs->is_ready)
		remote_away(rs->remote, now_ms);
	timer_set(rs->timers, t, look, now_ms + rs->config.look_ms);
}

/* --- The lease ----------------------------------------------------------------------------------------------------- */

static void on_lease(void *to, int64_t now_ms, int64_t result, struct slice text)
{
	struct remote_streams *rs = to;

	(void)now_ms;
	if (result == 0)
		log_error("gateway-id-taken", LOG_T("node", rs->config.node), LOG_T("by", text));
	if (result == 1)
		rs->held_until_ms = rs->claiming_ms + rs->config.lease_ms;
	rs->claiming_ms = 0;
}

/* For who looks for any gateway. Whom the id belongs to does not matter: it is one that lives. */
static void be_listed(struct remote_streams *rs)
{
	rs->streams->ops->enlist(rs->streams, buf_slice(&rs->gateways_named.list),
		buf_slice(&rs->gateways_named.prefix), rs->config.node, NULL, NULL);
}

/* Who held it no more, being cut off or standing still, was dead to others. */
static void hold(struct remote_streams *rs, int64_t now_ms)
{
	bool has_lapsed = rs->held_until_ms && now_ms >= rs->held_until_ms;

	if (rs->claiming_ms == 0)
		rs->claiming_ms = now_ms;
	rs->streams->ops->claim_key(
		rs->streams, buf_slice(&rs->lease_key), slice_str(rs->config.name), rs->config.lease_ms, on_lease, rs);
	be_listed(rs);
	if (has_lapsed && !rs->is_fresh)
		remote_doubt(rs->remote, now_ms);
}

static void renew(struct timer *t, int64_t now_ms)
{
	struct remote_streams *rs =
		(struct remote_streams *)(void *)((char *)t - offsetof(struct remote_streams, lease));

	if (rs->streams->is_up && !rs->is_leaving)
		hold(rs, now_ms);
	timer_set(rs->timers, t, renew, now_ms + rs->config.lease_ms / 3);
}

static void has_left(struct remote_streams *rs)
{
	void (*left)(void *to) = rs->left;

	rs->left = NULL;
	if (left)
		left(rs->left_to);
}

static void on_released(void *to, int64_t now_ms, int64_t result, struct slice text)
{
	(void)now_ms;
	(void)result;
	(void)text;
	has_left(to);
}

void streams_give_lease_up(struct remote_streams *rs)
{
	rs->lease_kept = false;
	if (rs->streams->ops->release_key(
		    rs->streams, buf_slice(&rs->lease_key), slice_str(rs->config.name), on_released, rs) < 0)
		has_left(rs);
}

void remote_streams_leave(struct remote_streams *rs, int64_t now_ms, void (*left)(void *to), void *to)
{
	(void)now_ms;
	rs->is_leaving = true;
	rs->left = left;
	rs->left_to = to;
	rs->lease_kept = rs->held != NULL;
	if (!rs->lease_kept)
		streams_give_lease_up(rs);
}

/* --- What the streams tell ----------------------------------------------------------------------------------------- */

/* The lease first: nothing of ours is in the streams without it. */
static void on_up(void *ctx, int64_t now_ms, bool fresh)
{
	struct remote_streams *rs = ctx;

	rs->is_fresh |= fresh;
	if (!rs->is_leaving)
		hold(rs, now_ms);
	ask_all(rs);
	streams_do_undone(rs);
	be_ready(rs, now_ms);
}

static void on_down(void *ctx, int64_t now_ms, const char *why)
{
	struct remote_streams *rs = ctx;

	(void)why;
	if (rs->is_ready)
		remote_away(rs->remote, now_ms);
	rs->is_ready = false;
	has_left(rs);
}

/* A broker said so: it is there. */
static void on_news(struct remote_streams *rs, int64_t now_ms, struct slice record)
{
	remote_served(rs->remote, now_ms, true);
	if (rs->streams->is_up)
		ask_all(rs);
	on_app(rs, now_ms, 1, record);
}

static void on_message(void *ctx, int64_t now_ms, struct slice channel, struct slice payload)
{
	struct remote_streams *rs = ctx;

	rs->sent_before = rs->bus ? rs->bus->sent : 0;
	if (slice_equal(channel, buf_slice(&rs->batches)))
		remote_batch(rs->remote, now_ms, payload);
	else if (slice_equal(channel, buf_slice(&rs->app_key)))
		on_news(rs, now_ms, payload);
}

static void on_listening(void *ctx, int64_t now_ms)
{
	(void)ctx; /* batches that were missed are published again, and the record is looked at often */
	(void)now_ms;
}

const struct streams_events remote_streams_events = {
	.up = on_up, .down = on_down, .message = on_message, .listening = on_listening
};

/* --- Life ---------------------------------------------------------------------------------------------------------- */

struct remote_streams *remote_streams_new(
	const struct remote_streams_config *config, struct remote *r, struct timers *timers)
{
	struct remote_streams *rs = must_alloc(sizeof(*rs));

	rs->config = *config;
	rs->remote = r;
	rs->timers = timers;
	rs->held_end = &rs->held;
	name_gateway(&rs->lease_key, config->app, config->node);
	name_batches(&rs->batches, config->app, config->node);
	name_app(&rs->app_key, config->app);
	name_gateways(&rs->gateways_named.list, config->app);
	name_gateway(&rs->gateways_named.prefix, config->app, SLICE(""));
	name_brokers(&rs->brokers_named.list, config->app);
	name_broker(&rs->brokers_named.prefix, config->app, SLICE(""));
	remote_set_carrier(r, &ops, rs);
	return rs;
}

void remote_streams_follow(struct remote_streams *rs, struct pubsub *bus)
{
	rs->bus = bus;
	bus->moved = streams_moved;
	bus->moved_to = rs;
}

void remote_streams_join(struct remote_streams *rs, struct streams *streams)
{
	rs->streams = streams;
	streams->ops->listen(streams, buf_slice(&rs->batches));
	streams->ops->listen(streams, buf_slice(&rs->app_key));
	timer_set(rs->timers, &rs->lease, renew, 0);
	timer_set(rs->timers, &rs->look, look, 0);
}

static void fini_names(struct remote_streams *rs)
{
	struct buf *all[] = { &rs->lease_key, &rs->batches, &rs->app_key, &rs->name, &rs->gateways_named.list,
		&rs->gateways_named.prefix, &rs->brokers_named.list, &rs->brokers_named.prefix };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		buf_fini(all[i]);
}

void remote_streams_free(struct remote_streams *rs)
{
	if (rs == NULL)
		return;
	timer_stop(rs->timers, &rs->lease);
	timer_stop(rs->timers, &rs->look);
	while (rs->notes)
		streams_note_free(rs->notes);
	streams_drop_held(rs);
	if (rs->bus)
		rs->bus->moved = NULL;
	known_free(rs->app);
	fini_names(rs);
	free(rs);
}
