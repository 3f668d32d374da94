/* worker.c - a worker process: messages to the host, its batches back. See crew.h. */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "background.h"
#include "clock.h"
#include "crew.h"
#include "host.h"
#include "log.h"
#include "message.h"
#include "page.h"
#include "trace.h"

enum { READ_BYTES = 128 * 1024, JOBS_A_TURN = 64 };

struct worker {
	const struct broker_options *options;
	struct page *page;
	struct loop loop;
	struct notify notify; /* background tasks left something */
	struct background *background;
	struct host *host;
	struct app *app;
	const char *(*app_options)[2];
	struct event *readable;
	struct buf in;
	uint64_t job; /* whose batch is to come; 0: none */
	bool runs, is_over;
};

/* --- Saying ------------------------------------------------------------------------------------------------------- */

/* Waits until it is out: what is said of an event is not lost with what crashes after it. */
static void write_all(struct iovec *parts, int n)
{
	struct msghdr m = { .msg_iov = parts, .msg_iovlen = (size_t)n };

	while (m.msg_iovlen) {
		ssize_t sent = sendmsg(PAGE_SOCKET_FD, &m, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			_exit(EXIT_FAILURE); /* nobody is there who could be told */
		while (m.msg_iovlen && (size_t)sent >= m.msg_iov->iov_len) {
			sent -= (ssize_t)m.msg_iov->iov_len;
			m.msg_iov++;
			m.msg_iovlen--;
		}
		if (m.msg_iovlen) {
			m.msg_iov->iov_base = (char *)m.msg_iov->iov_base + sent;
			m.msg_iov->iov_len -= (size_t)sent;
		}
	}
}

static void say(const struct message *m)
{
	char head[MESSAGE_HEAD];
	struct iovec parts[1 + MESSAGE_TEXTS] = { { head, sizeof(head) } };
	int n = 1;

	message_head(head, m);
	for (size_t i = 0; i < MESSAGE_TEXTS; i++)
		if (m->texts[i].size)
			parts[n++] = (struct iovec){ (void *)(uintptr_t)m->texts[i].at, m->texts[i].size };
	write_all(parts, n);
}

static void say_done(struct worker *w, struct slice batch)
{
	say(&(struct message){ .kind = MESSAGE_DONE, .number = w->job, .texts = { batch } });
	w->job = 0;
}

static void on_batch(void *ctx, bool event, struct slice node, struct slice record)
{
	if (event)
		say_done(ctx, record);
	else
		say(&(struct message){ .kind = MESSAGE_BATCH, .texts = { node, record } });
}

static void on_running(void *ctx, bool runs)
{
	struct worker *w = ctx;

	w->page->since_ms = runs ? clock_now_ms() : 0;
}

static const struct host_ops host_ops = { on_batch, on_running };

/* --- Jobs --------------------------------------------------------------------------------------------------------- */

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void do_start(struct worker *w, const struct message *m)
{
	(void)m;
	w->runs = true;
	host_start(w->host, w->app, loop_now(&w->loop));
}

static void say_failed(const struct message *job, enum job_failure failure, const char *why)
{
	say(&(struct message){
		.kind = MESSAGE_FAILED, .number = job->number, .x = failure, .texts = { slice_str(why) } });
}

static void do_job(struct worker *w, const struct message *m)
{
	int64_t begun_us = now_us();
	const char *why;

	if (m->x >= PARTITIONS_MAX || clock_now_ms() >= w->page->until_ms[m->x]) {
		say_failed(m, JOB_LATE, "");
		return;
	}

	w->job = m->number;
	w->page->job = m->number;
	why = host_event(w->host, loop_now(&w->loop), m->texts[1], m->texts[2], m->texts[0], m->x, (int)m->y);
	metrics_time(M_HANDLER_TIME, now_us() - begun_us);
	if (why)
		say_failed(m, why == host_no_state ? JOB_NO_STATE : JOB_MALFORMED, why);
	else if (w->job)
		say_done(w, slice_of(NULL, 0)); /* an answer: nobody waits for a batch */
	w->page->job = 0;
}

static void do_lead(struct worker *w, const struct message *m)
{
	host_lead(w->host, loop_now(&w->loop), m->x != 0);
}

static void do_stop(struct worker *w, const struct message *m)
{
	(void)m;
	host_stop(w->host, loop_now(&w->loop));
	w->is_over = true;
	loop_stop(&w->loop);
}

/* --- Hearing ------------------------------------------------------------------------------------------------------ */

static void hear(struct worker *w, const struct message *m)
{
	static void (*const does[MESSAGE_KINDS])(struct worker * w, const struct message *m) = {
		[MESSAGE_START] = do_start,
		[MESSAGE_JOB] = do_job,
		[MESSAGE_LEAD] = do_lead,
		[MESSAGE_STOP] = do_stop,
	};

	if (does[m->kind] == NULL || (!w->runs && m->kind != MESSAGE_START))
		_exit(EXIT_FAILURE);
	does[m->kind](w, m);
}

/* So many at most that timers and background tasks have their turn. */
static void hear_all(struct worker *w)
{
	struct slice all = buf_slice(&w->in);
	struct message m;
	ssize_t n = 0;

	for (int i = 0; i < JOBS_A_TURN && !w->is_over && (n = message_take(all, SIZE_MAX, &m)) > 0; i++) {
		hear(w, &m);
		all = slice_from(all, (size_t)n);
	}
	if (n < 0)
		_exit(EXIT_FAILURE);
	if (n > 0 && !w->is_over)
		event_active(w->readable, EV_READ, 0);
	buf_drop_front(&w->in, w->in.size - all.size);
}

/* The broker's end is ours. */
static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
	struct worker *w = ctx;
	char *to = buf_reserve(&w->in, READ_BYTES);
	ssize_t n = to ? recv(fd, to, READ_BYTES, MSG_DONTWAIT) : -1;

	(void)what;
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		_exit(EXIT_FAILURE);
	if (n > 0)
		w->in.size += (size_t)n;
	hear_all(w);
}

/* --- Life --------------------------------------------------------------------------------------------------------- */

static void on_notify(void *ctx, int64_t now_ms)
{
	struct worker *w = ctx;

	host_tick(w->host, now_ms);
}

static void on_turn_end(void *ctx, int64_t now_ms)
{
	struct worker *w = ctx;

	metrics_log_limits(now_ms);
	memcpy(w->page->metrics, metrics_values, sizeof(w->page->metrics));
}

/* The pairs of the configuration in the form that applications take. */
static const char *(*options_of(const struct config_pairs *pairs))[2]
{
	const char *(*all)[2] = must_alloc((pairs->count + 1) * sizeof(*all));

	for (size_t i = 0; i < pairs->count; i++) {
		all[i][0] = pairs->at[i].name;
		all[i][1] = pairs->at[i].value;
	}
	return all;
}

static struct host_config host_config_of(const struct worker *w)
{
	const struct broker_options *o = w->options;
	struct host_config config = { .by = w->page->by,
		.rules = RECORD_RULES,
		.max_batch = (size_t)o->gateway.redis_max_publish,
		.encoding = (enum value_encoding)o->gateway.parser,
		.max_clients = (size_t)o->max_client_states,
		.max_client_bytes = (size_t)o->max_client_state_memory };

	return config;
}

/* The gateway ends a call in time, and says so; this long it may take to. */
enum { CALL_SLACK_MS = 2000 };

static struct app *load(struct worker *w, char *why, size_t why_size)
{
	const struct gateway_options *o = &w->options->gateway;
	struct app_setup setup = { .port = host_port(w->host),
		.threads = background_threads(w->background),
		.clock_ms = clock_now_ms,
		.limits = app_limits_of(o),
		.encoding = (enum value_encoding)o->parser,
		.options = (const char *const(*)[2])w->app_options,
		.copy = true };

	setup.limits.call_slack_ms = CALL_SLACK_MS;
	return app_load(o->app, &setup, why, why_size);
}

/* Says what it loaded, or why it could not. */
static bool loads(struct worker *w)
{
	struct buf record = BUF_INIT;
	char why[512] = "out of memory";
	bool is_well;

	w->app = load(w, why, sizeof(why));
	is_well = w->app && host_describe(&record, w->app, (unsigned)w->options->partitions) == 0;
	if (w->app && !is_well)
		snprintf(why, sizeof(why), "%s: its namespaces cannot be written down", w->options->gateway.app);
	say(&(struct message){
		.kind = MESSAGE_LOADED, .x = is_well, .texts = { is_well ? buf_slice(&record) : slice_str(why) } });
	buf_fini(&record);
	return is_well;
}

static bool begins(struct worker *w)
{
	struct host_config config = host_config_of(w);

	if (loop_init(&w->loop) < 0 || notify_open(&w->notify, &w->loop, on_notify, w) < 0)
		return false;
	w->background = background_new(&w->options->gateway, &w->notify);
	w->host = host_new(&config, &w->loop.timers, &host_ops, w);
	w->readable = event_new(w->loop.base, PAGE_SOCKET_FD, EV_READ | EV_PERSIST, on_readable, w);
	loop_on_turn_end(&w->loop, on_turn_end, w);
	return w->readable && event_add(w->readable, NULL) == 0;
}

/* Nothing that work which has not ended may still use can be freed. */
static void ends(struct worker *w)
{
	if (w->app && app_jobs_left(w->app))
		_exit(EXIT_FAILURE);
	app_free(w->app);
	background_free(w->background);
	host_free(w->host);
	if (w->readable)
		event_free(w->readable);
	notify_close(&w->notify);
	loop_fini(&w->loop);
	buf_fini(&w->in);
	free(w->app_options);
}

/* Signals are the broker's, and so is this process; what it runs is to have neither socket nor page. */
static bool belongs(const struct page *page)
{
	static const int left_to_the_broker[] = { SIGTERM, SIGINT, SIGHUP, SIGPIPE };

	for (size_t i = 0; i < sizeof(left_to_the_broker) / sizeof(left_to_the_broker[0]); i++)
		signal(left_to_the_broker[i], SIG_IGN);
	fcntl(PAGE_SOCKET_FD, F_SETFD, FD_CLOEXEC);
	fcntl(PAGE_FD, F_SETFD, FD_CLOEXEC);
	prctl(PR_SET_NAME, "stoa-worker"); /* and not "exe", which it was run as */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	return getppid() == page->parent;
}

int crew_worker_run(const struct broker_options *options, const struct config_pairs *app_options)
{
	struct worker w = { .options = options, .page = page_open() };
	bool is_well;

	if (w.page == NULL) {
		fprintf(stderr, "stoa-broker: --worker is for the broker itself to say\n");
		return EXIT_FAILURE;
	}
	if (!belongs(w.page))
		return EXIT_FAILURE;
	log_set_worker((int)w.page->slot);
	w.app_options = options_of(app_options);
	trace_install(w.page);
	is_well = begins(&w) && loads(&w);
	if (is_well)
		loop_run(&w.loop);
	on_turn_end(&w, clock_now_ms());
	ends(&w);
	page_free(w.page);
	return is_well ? EXIT_SUCCESS : EXIT_FAILURE;
}
