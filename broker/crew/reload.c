/* reload.c - successors, beside those that run. */
#include "crew_internal.h"
#include "log.h"

static void drain(struct slot *s)
{
	const struct gateway_options *o = &s->crew->config.options->gateway;

	timer_stop(&s->crew->loop->timers, &s->restart);
	s->is_draining = true;
	if (s->now)
		member_stop(s->now, o->shutdown_timeout_ms + o->background_timeout_ms);
	else
		slot_promote(s);
}

/* All have loaded: from here on there is no way back. */
static void switch_over(struct crew *c)
{
	c->is_loading = false;
	for (unsigned i = 0; i < c->config.slots; i++)
		drain(&c->slots[i]);
}

void reload_look(struct crew *c, struct slice app)
{
	if (!c->is_loading)
		return;
	buf_clear(&c->coming);
	buf_add_slice(&c->coming, app);
	for (unsigned i = 0; i < c->config.slots; i++)
		if (c->slots[i].next == NULL || c->slots[i].next->state != MEMBER_LOADED)
			return;
	switch_over(c);
}

static void drop_successors(struct crew *c)
{
	for (unsigned i = 0; i < c->config.slots; i++)
		if (c->slots[i].next)
			proc_kill(c->slots[i].next->proc, PROC_KILLED);
}

void reload_fails(struct crew *c, const char *why)
{
	if (!c->is_loading)
		return;
	c->is_loading = false;
	buf_clear(&c->coming);
	metrics_count(M_RELOADS_FAILED);
	log_error("not-reloaded", LOG_S("why", why));
	drop_successors(c);
	c->events->loaded(c->ctx, slice_of(NULL, 0), why);
}

void slot_promote(struct slot *s)
{
	s->is_draining = false;
	s->now = s->next;
	s->next = NULL;
	if (s->now) {
		member_begin(s->now);
		slot_runs(s, true);
		slot_push(s);
	} else {
		slot_start(s);
	}
	reload_ends(s->crew);
}

static bool is_busy(const struct crew *c)
{
	for (unsigned i = 0; i < c->config.slots; i++)
		if (c->slots[i].next || c->slots[i].is_draining)
			return true;
	return c->is_loading;
}

/* Only now: gateways are not to send what the old one would refuse. */
static void is_reloaded(struct crew *c)
{
	metrics_count(M_RELOADS);
	log_info("reloaded", LOG_S("app", c->config.options->gateway.app), LOG_I("workers", c->config.slots));
	crew_tell_app(c, buf_slice(&c->coming));
	buf_clear(&c->coming);
}

void reload_ends(struct crew *c)
{
	if (is_busy(c) || c->is_stopping)
		return;
	if (c->coming.size)
		is_reloaded(c);
	if (!c->reload_again)
		return;
	c->reload_again = false;
	crew_reload(c);
}

void crew_reload(struct crew *c)
{
	if (c->is_stopping || !c->has_loaded)
		return;
	if (is_busy(c)) {
		c->reload_again = true;
		return;
	}
	c->is_loading = true;
	for (unsigned i = 0; i < c->config.slots && c->is_loading; i++) {
		c->slots[i].next = member_start(&c->slots[i]);
		if (c->slots[i].next == NULL)
			reload_fails(c, "no process for it could be started");
	}
}
