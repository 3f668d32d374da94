/* workers.c - the supervisor; see workers.h. */
#include "workers.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "backoff.h"
#include "clock.h"
#include "log.h"
#include "random.h"
#include "sockets.h"
#include "systemd.h"

enum {
	QUEUE_WAITS_MS = 1000, /* connections are not left waiting for a worker that is to come later than that */
	END_GRACE_MS = 10 * 1000
};

#define NEVER INT64_MAX

struct slot {
	pid_t pid;       /* 0: it is not running */
	int64_t due_ms;  /* then it is started */
	int64_t born_ms; /* and was */
	int64_t restarts;
	bool was_set_up; /* in one of its lives */
	struct backoff backoff;
};

struct workers {
	const struct gateway_options *options;
	size_t count, running;
	struct slot *slots;
	int *sockets; /* bound to the port, one for each; behind them those of the port for TLS, or none */
	unsigned char tls_seed[GATEWAY_TLS_SEED_SIZE];
	int64_t tls_seeded_ms;
	_Atomic bool *set_up; /* shared: the worker in its present life */
	sigset_t signals, signals_before;
	bool ending;
	bool told_ready;    /* systemd: each worker has been set up */
	int64_t beat_ms;    /* then it hears that the supervisor lives; NEVER */
	int64_t give_up_ms; /* NEVER, unless `ending` */
	int status;
};

/* The worker's socket for TLS. -1: there are none. */
static int *tls_socket(const struct workers *w, size_t i)
{
	return &w->sockets[w->count + i];
}

/* --- In the worker ------------------------------------------------------------------------------------------------ */

static void describe(const struct workers *w, size_t i, struct worker *self)
{
	const struct gateway_options *o = w->options;

	*self = (struct worker){ .options = *o, .is_set_up = &w->set_up[i] };
	self->options.worker = (int64_t)i;
	self->options.worker_restarts = w->slots[i].restarts;
	if (o->drain_rate) /* they drain together */
		self->options.drain_rate = (o->drain_rate + o->workers - 1) / o->workers;
	self->options.listen_fd = w->sockets[i];
	if (o->tls_listen) {
		self->options.tls_listen_fd = *tls_socket(w, i);
		self->options.tls_seeded_ms = w->tls_seeded_ms;
		memcpy(self->options.tls_seed, w->tls_seed, sizeof(w->tls_seed));
	}
	if (o->internal_listen) {
		gateway_options_address(
			o->internal_listen, (int64_t)i, self->internal_listen, sizeof(self->internal_listen));
		self->options.internal_listen = self->internal_listen;
	}
	if (o->node_address) {
		gateway_options_address(o->node_address, (int64_t)i, self->node_address, sizeof(self->node_address));
		self->options.node_address = self->node_address;
	}
	if (o->node_name) { /* a name's limit is 80 */
		snprintf(self->node_name, sizeof(self->node_name), "%.76s.%u", o->node_name, (unsigned)i & 0xff);
		self->options.node_name = self->node_name;
	}
}

static void release(struct workers *w)
{
	free(w->slots);
	free(w->sockets);
}

static void become_worker(struct workers *w, size_t i, pid_t supervisor, struct worker *self)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != supervisor)
		_exit(EXIT_FAILURE); /* it died before it could be asked for */
	describe(w, i, self);
	w->sockets[i] = *tls_socket(w, i) = -1;
	sockets_close(w->sockets, 2 * w->count);
	release(w);
	explicit_bzero(w->tls_seed, sizeof(w->tls_seed)); /* it is in self, until it is used */
	systemd_forget();
	signal(SIGHUP, SIG_IGN); /* until there is something to load anew */
	sigprocmask(SIG_SETMASK, &w->signals_before, NULL);
	log_set_worker((int)i);
}

void worker_started(const struct worker *self)
{
	*self->is_set_up = true;
	kill(getppid(), SIGUSR1);
}

/* --- Ends --------------------------------------------------------------------------------------------------------- */

static void tell_all(const struct workers *w, int signal)
{
	for (size_t i = 0; i < w->count; i++)
		if (w->slots[i].pid)
			kill(w->slots[i].pid, signal);
}

static void begin_to_end(struct workers *w, int signal)
{
	const struct gateway_options *o = w->options;

	w->ending = true;
	systemd_tell("STOPPING=1");
	w->give_up_ms =
		clock_now_ms() + o->drain_delay_ms + o->shutdown_timeout_ms + o->background_timeout_ms + END_GRACE_MS;
	sockets_close(w->sockets, 2 * w->count);
	tell_all(w, signal);
}

static void kill_all(struct workers *w, const char *why)
{
	log_warn(why, LOG_I("workers_left", w->running));
	w->give_up_ms = NEVER;
	w->status = EXIT_FAILURE;
	tell_all(w, SIGKILL);
}

static void log_end(const struct workers *w, size_t i, int how, int64_t lived_ms)
{
	bool is_signal = WIFSIGNALED(how), is_fine = w->ending || (WIFEXITED(how) && WEXITSTATUS(how) == 0);
	char name[16];

	snprintf(name, sizeof(name), "SIG%s", is_signal ? sigabbrev_np(WTERMSIG(how)) : "");
	log_at(is_fine ? LOG_INFO : LOG_ERROR, "worker-ended", LOG_I("worker", i), LOG_I("pid", w->slots[i].pid),
		is_signal ? LOG_S("signal", name) : LOG_I("code", WEXITSTATUS(how)),
		LOG_S("core", is_signal && WCOREDUMP(how) ? "yes" : "no"), LOG_I("lived_ms", lived_ms));
}

/* One that was told to end before it listened to signals had nothing to let go. */
static bool ended_well(int how, bool set_up)
{
	if (WIFEXITED(how))
		return WEXITSTATUS(how) == EXIT_SUCCESS || WEXITSTATUS(how) == WORKER_CUT;
	return !set_up && (WTERMSIG(how) == SIGTERM || WTERMSIG(how) == SIGINT);
}

static void plan_restart(struct workers *w, size_t i, int64_t now_ms, int64_t lived_ms)
{
	struct slot *s = &w->slots[i];
	int64_t delay_ms = backoff_next(&s->backoff, lived_ms);

	s->restarts++;
	s->due_ms = now_ms + delay_ms;
	if (delay_ms >= QUEUE_WAITS_MS) {
		shutdown(w->sockets[i], SHUT_RD);
		if (*tls_socket(w, i) >= 0)
			shutdown(*tls_socket(w, i), SHUT_RD);
	}
	log_info("worker-restarts", LOG_I("worker", i), LOG_I("in_ms", delay_ms));
}

static void worker_ended(struct workers *w, size_t i, int how)
{
	struct slot *s = &w->slots[i];
	int64_t now_ms = clock_now_ms(), lived_ms = now_ms - s->born_ms;
	bool set_up = atomic_exchange(&w->set_up[i], false);

	s->was_set_up |= set_up;
	log_end(w, i, how, lived_ms);
	s->pid = 0;
	w->running--;
	if (w->ending) {
		if (WIFEXITED(how) && WEXITSTATUS(how) == WORKER_CUT && w->status == EXIT_SUCCESS)
			w->status = WORKER_CUT;
		else if (!ended_well(how, set_up))
			w->status = EXIT_FAILURE;
	} else if (!s->was_set_up && WIFEXITED(how) && WEXITSTATUS(how) != 0) {
		w->status = WEXITSTATUS(how);
		begin_to_end(w, SIGTERM);
	} else {
		plan_restart(w, i, now_ms, lived_ms);
	}
}

/* As the first process of a container it also has children that are none of its own. */
static void reap(struct workers *w)
{
	int how;

	for (pid_t pid; (pid = waitpid(-1, &how, WNOHANG)) > 0;)
		for (size_t i = 0; i < w->count; i++)
			if (w->slots[i].pid == pid)
				worker_ended(w, i, how);
}

/* --- Starts ------------------------------------------------------------------------------------------------------- */

static void note_set_up(struct workers *w)
{
	for (size_t i = 0; i < w->count; i++)
		w->slots[i].was_set_up |= w->set_up[i];
}

/* The first may crash before it is set up, which need not happen to the others. */
static bool first_was_there(const struct workers *w)
{
	return w->slots[0].was_set_up || w->slots[0].restarts > 0;
}

static int64_t due_ms(const struct workers *w, size_t i)
{
	if (w->ending || w->slots[i].pid || (i > 0 && !first_was_there(w)))
		return NEVER;
	return w->slots[i].due_ms;
}

/* True: this is the worker. */
static bool start(struct workers *w, size_t i, struct worker *self)
{
	struct slot *s = &w->slots[i];
	pid_t supervisor = getpid(), pid = fork();

	if (pid == 0) {
		become_worker(w, i, supervisor, self);
		return true;
	}
	s->born_ms = clock_now_ms();
	if (pid < 0) {
		log_error("worker-not-started", LOG_I("worker", i), LOG_S("why", strerror(errno)));
		plan_restart(w, i, s->born_ms, 0);
		return false;
	}
	s->pid = pid;
	w->running++;
	log_info("worker-started", LOG_I("worker", i), LOG_I("pid", pid), LOG_I("restarts", s->restarts));
	return false;
}

static bool start_due(struct workers *w, struct worker *self)
{
	int64_t now_ms = clock_now_ms();

	for (size_t i = 0; i < w->count; i++)
		if (due_ms(w, i) <= now_ms && start(w, i, self))
			return true;
	return false;
}

/* --- What systemd hears ------------------------------------------------------------------------------------------ */

static bool all_were_there(const struct workers *w)
{
	for (size_t i = 0; i < w->count; i++)
		if (!w->slots[i].was_set_up)
			return false;
	return true;
}

static void tell_systemd(struct workers *w)
{
	int64_t now_ms = clock_now_ms();

	if (!w->told_ready && !w->ending && all_were_there(w)) {
		w->told_ready = true;
		systemd_tell("READY=1\nSTATUS=%zu workers", w->count);
	}
	if (now_ms < w->beat_ms)
		return;
	systemd_tell("WATCHDOG=1");
	w->beat_ms = now_ms + systemd_watchdog_ms();
}

/* --- The supervisor ----------------------------------------------------------------------------------------------- */

static int64_t next_ms(const struct workers *w)
{
	int64_t next = w->give_up_ms < w->beat_ms ? w->give_up_ms : w->beat_ms;

	for (size_t i = 0; i < w->count; i++)
		if (due_ms(w, i) < next)
			next = due_ms(w, i);
	return next;
}

/* The signal that came, or a negative number when it is time for something. */
static int wait_for_signal(const struct workers *w)
{
	int64_t next = next_ms(w), left_ms = next - clock_now_ms();
	struct timespec left = { 0 };

	if (next == NEVER)
		return sigwaitinfo(&w->signals, NULL);
	if (left_ms > 0)
		left = (struct timespec){ left_ms / 1000, left_ms % 1000 * 1000 * 1000 };
	return sigtimedwait(&w->signals, NULL, &left);
}

static void take_signal(struct workers *w, int signal)
{
	if (signal == SIGHUP)
		tell_all(w, SIGHUP);
	else if ((signal == SIGTERM || signal == SIGINT) && w->ending)
		kill_all(w, "interrupted");
	else if (signal == SIGTERM || signal == SIGINT)
		begin_to_end(w, signal);
	else if (clock_now_ms() >= w->give_up_ms)
		kill_all(w, "shutdown-timeout");
}

/* WORKER_RUNS, or all is over. */
static int supervise(struct workers *w, struct worker *self)
{
	while (!w->ending || w->running) {
		if (start_due(w, self))
			return WORKER_RUNS;
		take_signal(w, wait_for_signal(w));
		note_set_up(w);
		reap(w);
		tell_systemd(w);
	}
	log_info("stopped", LOG_I("log_lines_dropped", log_dropped()));
	return w->status;
}

static bool bind_ports(struct workers *w, char *address, char *why, size_t why_size)
{
	const struct gateway_options *o = w->options;
	char tls_address[SOCKETS_ADDRESS_SIZE];

	for (size_t i = 0; i < 2 * w->count; i++)
		w->sockets[i] = -1;
	if (!sockets_bind(w->sockets, w->count, o->listen, address, why, why_size))
		return false;
	if (o->tls_listen == NULL)
		return true;
	random_bytes(w->tls_seed, sizeof(w->tls_seed));
	w->tls_seeded_ms = clock_now_ms();
	return sockets_bind(tls_socket(w, 0), w->count, o->tls_listen, tls_address, why, why_size);
}

static bool open_workers(struct workers *w, const struct gateway_options *o)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGUSR1 };
	char address[SOCKETS_ADDRESS_SIZE], why[512];

	*w = (struct workers){ .options = o, .count = (size_t)o->workers, .give_up_ms = NEVER, .beat_ms = NEVER };
	if (systemd_watchdog_ms())
		w->beat_ms = 0;
	w->slots = must_alloc(w->count * sizeof(*w->slots));
	w->sockets = must_alloc(2 * w->count * sizeof(*w->sockets));
	w->set_up =
		mmap(NULL, w->count * sizeof(*w->set_up), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	snprintf(why, sizeof(why), "out of memory");
	if (w->set_up == MAP_FAILED || !bind_ports(w, address, why, sizeof(why))) {
		fprintf(stderr, "stoa-gateway: %s\n", why);
		return false;
	}
	sigemptyset(&w->signals);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(&w->signals, signals[i]);
	sigprocmask(SIG_BLOCK, &w->signals, &w->signals_before);
	log_info("workers", LOG_I("count", w->count), LOG_S("bound", address));
	return true;
}

int workers_run(const struct gateway_options *o, struct worker *self)
{
	struct workers w;
	int status = open_workers(&w, o) ? supervise(&w, self) : EXIT_FAILURE;

	if (status != WORKER_RUNS)
		release(&w);
	return status;
}
