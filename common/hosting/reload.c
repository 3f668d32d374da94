/* reload.c - see reload.h. */
#include "reload.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "alloc.h"
#include "log.h"

enum { SETTLE_MS = 50 }; /* a build may write the file more than once */

struct reload {
	struct loop *loop;
	void (*wanted)(void *ctx);
	void *ctx;
	struct event *hangup, *change;
	int fd;     /* of inotify; -1: nothing is watched */
	char *name; /* the file's in its folder */
	struct timer settle;
};

static void settled(struct timer *t, int64_t now_ms)
{
	struct reload *r = (struct reload *)(void *)((char *)t - offsetof(struct reload, settle));

	(void)now_ms;
	r->wanted(r->ctx);
}

static void want(struct reload *r)
{
	timer_set(&r->loop->timers, &r->settle, settled, loop_now(r->loop) + SETTLE_MS);
}

static void on_hangup(evutil_socket_t signal, short what, void *ctx)
{
	(void)signal;
	(void)what;
	want(ctx);
}

static void look_at(struct reload *r, const struct inotify_event *e)
{
	if (e->mask & IN_IGNORED)
		log_warn("watch-lost", LOG_S("why", "the folder of the application is gone"));
	else if (e->mask & IN_Q_OVERFLOW || (e->len && strcmp(e->name, r->name) == 0))
		want(r);
}

static void on_change(evutil_socket_t fd, short what, void *ctx)
{
	_Alignas(struct inotify_event) char events[4096];
	ssize_t n = read(fd, events, sizeof(events));

	(void)what;
	for (ssize_t at = 0; at < n;) {
		const struct inotify_event *e = (const void *)(events + at);

		look_at(ctx, e);
		at += (ssize_t)(sizeof(*e) + e->len);
	}
}

/* 0 or -errno. */
static int watch(struct reload *r, const char *file)
{
	const char *slash = strrchr(file, '/');
	char *folder = slash ? strndup(file, (size_t)(slash - file) + 1) : strdup(".");
	int error = 0;

	r->name = must_strdup(slash ? slash + 1 : file);
	r->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (folder == NULL || r->fd < 0 || inotify_add_watch(r->fd, folder, IN_CLOSE_WRITE | IN_MOVED_TO) < 0)
		error = -errno;
	free(folder);
	return error;
}

static bool listen_to(struct reload *r)
{
	struct event_base *base = r->loop->base;

	r->hangup = evsignal_new(base, SIGHUP, on_hangup, r);
	if (r->fd >= 0)
		r->change = event_new(base, r->fd, EV_READ | EV_PERSIST, on_change, r);
	return r->hangup && event_add(r->hangup, NULL) == 0 &&
	       (r->fd < 0 || (r->change && event_add(r->change, NULL) == 0));
}

struct reload *reload_open(
	struct loop *loop, const char *file, void (*wanted)(void *ctx), void *ctx, char *why, size_t why_size)
{
	struct reload *r = must_alloc(sizeof(*r));
	int error;

	r->loop = loop;
	r->wanted = wanted;
	r->ctx = ctx;
	r->fd = -1;
	error = file ? watch(r, file) : 0;
	if (error == 0 && listen_to(r))
		return r;
	snprintf(why, why_size, "cannot watch %s: %s", file ? file : "for SIGHUP", strerror(error ? -error : ENOMEM));
	reload_close(r);
	return NULL;
}

void reload_close(struct reload *r)
{
	if (r == NULL)
		return;
	timer_stop(&r->loop->timers, &r->settle);
	if (r->hangup)
		event_free(r->hangup);
	if (r->change)
		event_free(r->change);
	if (r->fd >= 0)
		close(r->fd);
	free(r->name);
	free(r);
}
