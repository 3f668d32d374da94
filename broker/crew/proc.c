/* proc.c - see proc.h. */
#include "proc.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "log.h"
#include "trace.h"

enum { READ_BYTES = 128 * 1024, TRACE_MS = 1000, GONE_MS = 1000, ABOVE = 10, IDLE_BYTES = 256 * 1024 };

extern char **environ;

/* --- Its life ----------------------------------------------------------------------------------------------------- */

static void close_fd(struct proc *p)
{
	if (p->readable)
		event_free(p->readable);
	if (p->writable)
		event_free(p->writable);
	p->readable = p->writable = NULL;
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

static void release(struct proc *p)
{
	timer_stop(&p->loop->timers, &p->kill);
	close_fd(p);
	buf_fini(&p->in);
	buf_fini(&p->out);
	page_free(p->page);
	free(p);
}

void proc_kill(struct proc *p, enum proc_cause cause)
{
	if (p->cause == PROC_ENDED)
		p->cause = cause;
	if (!p->is_over)
		kill(p->pid, SIGKILL);
}

static void out_of_patience(struct timer *t, int64_t now_ms)
{
	struct proc *p = (struct proc *)(void *)((char *)t - offsetof(struct proc, kill));

	(void)now_ms;
	proc_kill(p, PROC_TIMEOUT);
}

void proc_kill_slowly(struct proc *p)
{
	if (p->is_over || p->cause != PROC_ENDED)
		return;
	p->cause = PROC_TIMEOUT;
	kill(p->pid, TRACE_SIGNAL);
	timer_set(&p->loop->timers, &p->kill, out_of_patience, loop_now(p->loop) + TRACE_MS);
}

void proc_free(struct proc *p)
{
	if (p == NULL)
		return;
	if (!p->is_over) {
		kill(p->pid, SIGKILL);
		while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	release(p);
}

/* --- What it says ------------------------------------------------------------------------------------------------- */

static void nonsense(struct proc *p, const char *why)
{
	if (p->cause == PROC_ENDED)
		log_error("worker-makes-no-sense", LOG_I("worker", p->page->slot), LOG_I("pid", p->pid),
			LOG_S("why", why));
	proc_kill(p, PROC_NONSENSE);
	close_fd(p);
}

static void take_messages(struct proc *p)
{
	struct slice all = buf_slice(&p->in);
	struct message m;
	ssize_t n = 0;

	while (p->cause != PROC_NONSENSE && (n = message_take(all, p->max_message, &m)) > 0) {
		all = slice_from(all, (size_t)n);
		if (!p->events->said(p->to, p, &m))
			n = -EPROTO;
		if (n < 0)
			break;
	}
	if (n < 0)
		nonsense(p, "a message that is none");
	buf_drop_front(&p->in, p->in.size - all.size);
	if (p->in.size == 0 && p->in.cap > IDLE_BYTES)
		buf_fini(&p->in);
}

/* One piece. 1, 0: nothing more now, or -errno; -ECONNRESET: its end. */
static int read_piece(struct proc *p)
{
	char *to = buf_reserve(&p->in, READ_BYTES);
	ssize_t n;

	if (to == NULL)
		return -ENOMEM;
	n = recv(p->fd, to, READ_BYTES, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0)
		return -ECONNRESET;
	p->in.size += (size_t)n;
	take_messages(p);
	return 1;
}

static void still_there(struct timer *t, int64_t now_ms)
{
	struct proc *p = (struct proc *)(void *)((char *)t - offsetof(struct proc, kill));

	(void)now_ms;
	proc_kill(p, PROC_NONSENSE);
}

/* Its end is the process's, in a moment, unless it closed it itself. */
static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
	struct proc *p = ctx;
	int error = read_piece(p);

	(void)fd;
	(void)what;
	if (error >= 0)
		return;
	close_fd(p);
	if (!p->may_close && p->cause == PROC_ENDED)
		timer_set(&p->loop->timers, &p->kill, still_there, loop_now(p->loop) + GONE_MS);
}

void proc_reaped(struct proc *p, int how)
{
	p->is_over = true;
	p->how = how;
	timer_stop(&p->loop->timers, &p->kill);
	while (p->fd >= 0 && p->cause != PROC_NONSENSE && read_piece(p) > 0)
		;
	p->events->ended(p->to, p);
	release(p);
}

/* --- What it is told ---------------------------------------------------------------------------------------------- */

/* Whether something is left. */
static bool write_out(struct proc *p)
{
	ssize_t n = send(p->fd, p->out.at + p->sent, p->out.size - p->sent, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n > 0)
		p->sent += (size_t)n;
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		p->sent = p->out.size; /* it is gone, which is told elsewhere */
	if (p->sent < p->out.size)
		return true;
	p->sent = 0;
	buf_clear(&p->out);
	if (p->out.cap > IDLE_BYTES)
		buf_fini(&p->out);
	return false;
}

static void on_writable(evutil_socket_t fd, short what, void *ctx)
{
	struct proc *p = ctx;

	(void)fd;
	(void)what;
	if (write_out(p))
		event_add(p->writable, NULL);
}

/* Written in the next turn of the loop, together with what else is said in this one. */
void proc_say(struct proc *p, const struct message *m)
{
	if (p->fd < 0)
		return;
	if (p->sent > IDLE_BYTES) {
		buf_drop_front(&p->out, p->sent);
		p->sent = 0;
	}
	message_put(&p->out, m);
	if (p->out.failed)
		proc_kill(p, PROC_KILLED);
	else
		event_add(p->writable, NULL);
}

/* --- Starting ----------------------------------------------------------------------------------------------------- */

/* Above those that it is given to the worker as: there they cannot be in each other's way. */
static int moved_up(int fd)
{
	int moved = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, ABOVE), error = errno;

	if (fd >= 0)
		close(fd);
	errno = error;
	return moved;
}

static int spawn(pid_t *pid, const struct proc_config *config, int socket, int page)
{
	posix_spawn_file_actions_t files;
	int error;

	if (posix_spawn_file_actions_init(&files) != 0)
		return ENOMEM;
	error = posix_spawn_file_actions_adddup2(&files, socket, PAGE_SOCKET_FD);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(&files, page, PAGE_FD);
	if (error == 0)
		error = posix_spawn(pid, config->program, &files, NULL, config->argv, environ);
	posix_spawn_file_actions_destroy(&files);
	return error;
}

static bool listen_to(struct proc *p)
{
	struct event_base *base = p->loop->base;

	p->readable = event_new(base, p->fd, EV_READ | EV_PERSIST, on_readable, p);
	p->writable = event_new(base, p->fd, EV_WRITE, on_writable, p);
	return p->readable && p->writable && event_add(p->readable, NULL) == 0;
}

static int start(struct proc *p, const struct proc_config *config)
{
	int pair[2] = { -1, -1 }, page = -1, error = 0;

	p->page = page_new(&page);
	page = moved_up(page);
	if (p->page == NULL || page < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		error = errno;
	p->fd = pair[0];
	if (error == 0) {
		p->page->parent = getpid();
		p->page->slot = config->slot;
		snprintf(p->page->by, sizeof(p->page->by), "%s", config->by);
		pair[1] = moved_up(pair[1]);
		error = pair[1] < 0 ? errno : listen_to(p) ? spawn(&p->pid, config, pair[1], page) : ENOMEM;
	}
	if (pair[1] >= 0)
		close(pair[1]);
	if (page >= 0)
		close(page);
	return error;
}

struct proc *proc_start(struct loop *loop, const struct proc_config *config, const struct proc_events *events, void *to)
{
	struct proc *p = must_alloc(sizeof(*p));
	int error;

	*p = (struct proc){ .loop = loop, .events = events, .to = to, .fd = -1, .max_message = config->max_message };
	p->born_ms = clock_now_ms();
	error = start(p, config);
	if (error == 0)
		return p;
	release(p);
	errno = error;
	return NULL;
}

/* --- Afterwards --------------------------------------------------------------------------------------------------- */

void proc_describe(const struct proc *p, char *to, size_t size)
{
	const char *name = WIFSIGNALED(p->how) ? sigabbrev_np(WTERMSIG(p->how)) : NULL;

	if (WIFSIGNALED(p->how))
		snprintf(to, size, "it was ended by SIG%s%s", name ? name : "?",
			WCOREDUMP(p->how) ? ", with a core" : "");
	else
		snprintf(to, size, "it ended with code %d", WEXITSTATUS(p->how));
}

/* How the worker's copy of the module is called in it (common/app/load.c). */
static const char copy_name[] = "/proc/self/fd/";

void proc_trace(const struct proc *p, const char *module, struct buf *to)
{
	uint32_t size = p->page->traced;
	struct slice rest = slice_of(p->page->trace, size < PAGE_TRACE_MAX ? size : PAGE_TRACE_MAX);
	const char *at;

	while (rest.size && (at = memmem(rest.at, rest.size, copy_name, strlen(copy_name)))) {
		buf_add(to, rest.at, (size_t)(at - rest.at));
		buf_add_str(to, module);
		rest = slice_from(rest, (size_t)(at - rest.at) + strlen(copy_name));
		while (rest.size && rest.at[0] >= '0' && rest.at[0] <= '9')
			rest = slice_from(rest, 1);
	}
	buf_add_slice(to, rest);
}

void proc_merge(struct proc *p, bool is_over)
{
	int64_t now[METRIC_COUNT];

	memcpy(now, p->page->metrics, sizeof(now));
	metrics_merge(now, p->merged, is_over);
}
