/* crew.c - slots, and the jobs that wait for their processes. See crew.h. */
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "alloc.h"
#include "clock.h"
#include "crew_internal.h"
#include "log.h"

/* --- Slots -------------------------------------------------------------------------------------------------------- */

void slot_runs(struct slot *s, bool runs)
{
	struct crew *c = s->crew;

	if (s->is_told == runs)
		return;
	s->is_told = runs;
	c->events->slot(c->ctx, s->number, runs);
}

void slot_push(struct slot *s)
{
	struct task *t;

	while (s->now && s->now->state == MEMBER_RUNNING && (t = TAILQ_FIRST(&s->waiting))) {
		TAILQ_REMOVE(&s->waiting, t, link);
		member_give(s->now, t);
	}
}

static void restart_due(struct timer *t, int64_t now_ms)
{
	(void)now_ms;
	slot_start((struct slot *)(void *)((char *)t - offsetof(struct slot, restart)));
}

static void plan_restart(struct slot *s, int64_t lived_ms)
{
	int64_t delay_ms = backoff_next(&s->backoff, lived_ms);

	log_info("worker-restarts", LOG_I("worker", s->number), LOG_I("in_ms", delay_ms));
	timer_set(&s->crew->loop->timers, &s->restart, restart_due, loop_now(s->crew->loop) + delay_ms);
}

void slot_start(struct slot *s)
{
	if (s->crew->is_stopping)
		return;
	s->now = member_start(s);
	if (s->now == NULL)
		plan_restart(s, 0);
}

static void begin(struct slot *s)
{
	member_begin(s->now);
	slot_runs(s, true);
	slot_push(s);
}

/* The first is started alone, so that what is wrong with the module is said once. */
static void start_others(struct crew *c)
{
	c->has_loaded = true;
	for (unsigned i = 1; i < c->config.slots; i++)
		slot_start(&c->slots[i]);
}

void crew_tell_app(struct crew *c, struct slice app)
{
	if (slice_equal(app, buf_slice(&c->app)))
		return;
	buf_clear(&c->app);
	buf_add_slice(&c->app, app);
	c->events->loaded(c->ctx, app, NULL);
}

void slot_loaded(struct slot *s, struct member *m, struct slice app)
{
	struct crew *c = s->crew;

	if (c->is_stopping)
		return;
	if (m == s->next) {
		reload_look(c, app);
		return;
	}
	crew_tell_app(c, app);
	begin(s);
	if (!c->has_loaded)
		start_others(c);
}

/* --- Ends --------------------------------------------------------------------------------------------------------- */

static bool all_ended(const struct crew *c)
{
	for (unsigned i = 0; i < c->config.slots; i++)
		if (c->slots[i].now || c->slots[i].next)
			return false;
	return true;
}

static void idle(struct timer *t, int64_t now_ms)
{
	struct crew *c = (struct crew *)(void *)((char *)t - offsetof(struct crew, idle));

	(void)now_ms;
	c->events->stopped(c->ctx);
}

static void look_for_the_end(struct crew *c)
{
	if (c->is_stopping && all_ended(c))
		timer_set(&c->loop->timers, &c->idle, idle, loop_now(c->loop));
}

static void successor_ended(struct slot *s, const char *why, bool was_expected)
{
	s->next = NULL;
	if (!was_expected)
		reload_fails(s->crew, why);
	reload_ends(s->crew);
}

static void current_ended(struct slot *s, const struct member *m, const char *why)
{
	struct crew *c = s->crew;

	s->now = NULL;
	if (c->is_stopping) {
		slot_runs(s, false);
	} else if (s->is_draining) {
		slot_promote(s);
	} else if (!c->has_loaded) {
		c->events->loaded(c->ctx, slice_of(NULL, 0), why);
	} else {
		if (m->error)
			log_error("not-loaded", LOG_S("why", why));
		slot_runs(s, false);
		plan_restart(s, clock_now_ms() - m->proc->born_ms);
	}
}

void slot_ended(struct slot *s, struct member *m, const char *why, bool was_expected)
{
	if (m == s->next)
		successor_ended(s, why, was_expected);
	else
		current_ended(s, m, why);
	look_for_the_end(s->crew);
}

/* As the first process of a container it also has children that are none of its own. */
static void on_children(evutil_socket_t signal, short what, void *ctx)
{
	struct crew *c = ctx;
	int how;

	(void)signal;
	(void)what;
	for (pid_t pid; (pid = waitpid(-1, &how, WNOHANG)) > 0;) {
		struct proc *found = NULL;

		for (unsigned i = 0; i < c->config.slots; i++) {
			struct slot *s = &c->slots[i];

			if (s->now && s->now->proc->pid == pid)
				found = s->now->proc;
			if (s->next && s->next->proc->pid == pid)
				found = s->next->proc;
		}
		if (found)
			proc_reaped(found, how);
	}
}

/* --- Watching ----------------------------------------------------------------------------------------------------- */

static int64_t watch_interval_ms(const struct crew *c)
{
	int64_t timeout_ms = c->config.options->handler_timeout_ms;

	if (timeout_ms == 0 || timeout_ms / 4 > WATCH_MS)
		return WATCH_MS;
	return timeout_ms / 4 > 10 ? timeout_ms / 4 : 10;
}

/* Whoever stood still itself (a stopped machine, a debugger) forgives the others. */
static void watch(struct timer *t, int64_t now_ms)
{
	struct crew *c = (struct crew *)(void *)((char *)t - offsetof(struct crew, watch));

	if (now_ms - c->watched_ms > 10 * WATCH_MS)
		c->forgiven_ms = now_ms;
	for (unsigned i = 0; i < c->config.slots; i++) {
		if (c->slots[i].now)
			member_watch(c->slots[i].now, now_ms);
		if (c->slots[i].next)
			member_watch(c->slots[i].next, now_ms);
	}
	c->watched_ms = now_ms;
	timer_set(&c->loop->timers, &c->watch, watch, now_ms + watch_interval_ms(c));
}

void crew_count(struct crew *c)
{
	for (unsigned i = 0; i < c->config.slots; i++)
		if (c->slots[i].now)
			proc_merge(c->slots[i].now->proc, false);
}

unsigned crew_running(const struct crew *c)
{
	unsigned n = 0;

	for (unsigned i = 0; i < c->config.slots; i++)
		n += c->slots[i].now && c->slots[i].now->state == MEMBER_RUNNING;
	return n;
}

/* --- The crew ----------------------------------------------------------------------------------------------------- */

static char **worker_argv(char *const *argv)
{
	static char flag[] = "--worker";
	size_t n = 0;
	char **to;

	while (argv[n])
		n++;
	to = must_alloc((n + 2) * sizeof(*to));
	to[0] = argv[0];
	to[1] = flag;
	for (size_t i = 1; i < n; i++)
		to[i + 1] = argv[i];
	return to;
}

struct crew *crew_new(struct loop *loop, const struct crew_config *config, const struct crew_events *events, void *ctx)
{
	struct crew *c = must_alloc(sizeof(*c));

	*c = (struct crew){ .loop = loop, .config = *config, .events = events, .ctx = ctx };
	c->argv = worker_argv(config->argv);
	c->program = must_strdup(config->program ? config->program : "/proc/self/exe");
	c->slots = must_alloc(config->slots * sizeof(*c->slots));
	for (unsigned i = 0; i < config->slots; i++) {
		c->slots[i] = (struct slot){ .crew = c, .number = i };
		TAILQ_INIT(&c->slots[i].waiting);
	}
	c->children = evsignal_new(loop->base, SIGCHLD, on_children, c);
	if (c->children && event_add(c->children, NULL) == 0)
		return c;
	crew_free(c);
	return NULL;
}

void crew_start(struct crew *c)
{
	c->watched_ms = loop_now(c->loop);
	watch(&c->watch, c->watched_ms);
	slot_start(&c->slots[0]);
}

void crew_give(struct crew *c, struct job *job)
{
	struct slot *s = &c->slots[job->slot];
	struct task *t = must_alloc(sizeof(*t));

	t->job = job;
	TAILQ_INSERT_TAIL(&s->waiting, t, link);
	slot_push(s);
}

void crew_lead(struct crew *c, unsigned slot, bool leads)
{
	struct slot *s = &c->slots[slot];

	s->leads = leads;
	if (s->now && s->now->state == MEMBER_RUNNING)
		proc_say(s->now->proc, &(struct message){ .kind = MESSAGE_LEAD, .x = leads });
}

static void member_lease(struct member *m, unsigned partition, int64_t until_ms)
{
	if (m)
		m->proc->page->until_ms[partition] = until_ms;
}

void crew_lease(struct crew *c, unsigned partition, int64_t until_ms)
{
	c->until_ms[partition] = until_ms;
	for (unsigned i = 0; i < c->config.slots; i++) {
		member_lease(c->slots[i].now, partition, until_ms);
		member_lease(c->slots[i].next, partition, until_ms);
	}
}

void crew_stop(struct crew *c, int64_t timeout_ms)
{
	c->is_stopping = true;
	c->is_loading = false;
	for (unsigned i = 0; i < c->config.slots; i++) {
		struct slot *s = &c->slots[i];

		timer_stop(&c->loop->timers, &s->restart);
		if (s->now)
			member_stop(s->now, timeout_ms);
		if (s->next)
			proc_kill(s->next->proc, PROC_KILLED);
	}
	look_for_the_end(c);
}

static void slot_fini(struct slot *s)
{
	struct task *t;

	timer_stop(&s->crew->loop->timers, &s->restart);
	member_free(s->now);
	member_free(s->next);
	while ((t = TAILQ_FIRST(&s->waiting))) {
		TAILQ_REMOVE(&s->waiting, t, link);
		free(t);
	}
}

void crew_free(struct crew *c)
{
	if (c == NULL)
		return;
	for (unsigned i = 0; i < c->config.slots; i++)
		slot_fini(&c->slots[i]);
	timer_stop(&c->loop->timers, &c->watch);
	timer_stop(&c->loop->timers, &c->idle);
	if (c->children)
		event_free(c->children);
	buf_fini(&c->app);
	buf_fini(&c->coming);
	free(c->slots);
	free(c->program);
	free(c->argv);
	free(c);
}
