/* rig.c - see rig.h. */
#include "rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "log.h"

/* The module's side lives in this program: STOA_APP would define it. */
const struct stoa_host *stoa_host_;

struct rig rig;

static void (*current_setup)(struct stoa_app *app);
static int error_fd = -1, real_stderr = -1;

void rig_is(const char *file, int line, int64_t got, int64_t want)
{
	ck_assert_msg(got == want, "%s:%d: %lld, not %lld", file, line, (long long)got, (long long)want);
}

/* --- The port ----------------------------------------------------------------------------------------------------- */

static void write_names(const char *before, const struct slice *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(&rig.log, "%s%s%.*s", i ? "," : before, slice_equal(names[i], SLICE("A")) ? "room " : "",
			SLICE_ARG(names[i]));
}

static void write_target(const struct effect_target *to)
{
	buf_add_str(&rig.log, " to");
	if (to->n_rooms)
		write_names(" ", to->rooms, to->n_rooms);
	else if (!to->broadcast)
		buf_printf(&rig.log, " %s%s", to->sid, to->host ? "" : " by sid");
	write_names(" skip=", to->skip, to->n_skip);
	buf_add_str(&rig.log, to->skip_self ? " skip_self" : "");
	buf_add_str(&rig.log, to->broadcast ? " broadcast" : "");
	buf_add_str(&rig.log, to->local ? " local" : "");
	buf_add_str(&rig.log, to->is_volatile ? " volatile" : "");
	buf_add_str(&rig.log, to->latest ? " latest" : "");
	buf_add_str(&rig.log, to->uncompressed ? " uncompressed" : "");
	if (strcmp(to->nsp, "/") != 0)
		buf_printf(&rig.log, " nsp=%s", to->nsp);
}

static void write_payload(const struct effect *e)
{
	buf_add_char(&rig.log, ' ');
	if (rig.encoding == VALUE_JSON)
		buf_add_slice(&rig.log, e->json);
	for (size_t i = 0; rig.encoding == VALUE_MSGPACK && i < e->json.size; i++)
		buf_printf(&rig.log, "%02x", (unsigned char)e->json.at[i]);
	for (size_t i = 0; i < e->n_blobs; i++) {
		buf_add_str(&rig.log, " <");
		buf_add_slice(&rig.log, e->blobs[i]);
		buf_add_char(&rig.log, '>');
	}
}

/* Header lines stand in brackets, as they will be sent. */
static void write_decision(const struct effect *e)
{
	buf_add_str(&rig.log, e->kind == EFFECT_ADMIT ? "admit" : "deny ");
	buf_add_slice(&rig.log, e->text);
	if (e->headers.size)
		buf_printf(&rig.log, " [%.*s]", SLICE_ARG(e->headers));
	if (e->session_headers.size)
		buf_printf(&rig.log, " session [%.*s]", SLICE_ARG(e->session_headers));
}

static void write_words(const struct effect *e)
{
	switch (e->kind) {
	case EFFECT_ACCEPT:
		buf_add_str(&rig.log, "accept");
		return;
	case EFFECT_REFUSE:
		buf_add_str(&rig.log, "refuse");
		write_payload(e);
		return;
	case EFFECT_EMIT:
		buf_add_str(&rig.log, "emit");
		write_payload(e);
		break;
	case EFFECT_CALL:
		buf_add_str(&rig.log, "call");
		write_payload(e);
		break;
	case EFFECT_ACK:
		buf_printf(&rig.log, "ack %d", (int)e->ack_id);
		write_payload(e);
		break;
	case EFFECT_JOIN:
		buf_printf(&rig.log, "join %.*s", SLICE_ARG(e->room));
		break;
	case EFFECT_LEAVE:
		buf_printf(&rig.log, "leave %.*s", SLICE_ARG(e->room));
		break;
	case EFFECT_ADMIT:
	case EFFECT_DENY:
		write_decision(e);
		return;
	case EFFECT_DISCONNECT:
		buf_printf(&rig.log, "disconnect%s", e->transport ? " transport" : "");
		break;
	case EFFECT_SESSION:
		buf_printf(&rig.log, "session %.*s=%.*s", SLICE_ARG(e->key), SLICE_ARG(e->json));
		break;
	case EFFECT_FETCH:
		buf_add_str(&rig.log, "fetch");
		break;
	case EFFECT_SERVERS:
		buf_add_str(&rig.log, "servers");
		write_payload(e);
		break;
	}
	write_target(&e->to);
}

static void find(uint64_t call)
{
	size_t n = 0;

	while (rig.found && rig.found[n] && app_call_found(rig.app, call, slice_str(rig.found[n])))
		n++;
	app_call_expect(rig.app, call, n);
}

static void execute(void *ctx, const struct effect *first)
{
	(void)ctx;
	for (const struct effect *e = first; e; e = e->next) {
		write_words(e);
		buf_add_char(&rig.log, '\n');
		if (e->kind == EFFECT_CALL)
			rig.call = e->call;
		if (e->kind == EFFECT_CALL && rig.expect >= 0)
			app_call_expect(rig.app, e->call, (size_t)rig.expect);
		if (e->kind == EFFECT_FETCH)
			find(e->call);
		if (e->kind == EFFECT_SERVERS && e->call)
			app_call_expect(rig.app, e->call, 0);
	}
}

static void rooms(void *ctx, const struct app_client *client, void (*each)(void *to, struct slice room), void *to)
{
	(void)ctx;
	ck_assert_ptr_eq(client->host, &rig);
	for (const char *const *r = rig.rooms; r && *r; r++)
		each(to, slice_str(*r));
}

static void session(void *ctx, const struct app_client *client,
	void (*each)(void *to, struct slice key, struct slice json), void *to)
{
	(void)ctx;
	ck_assert_ptr_eq(client->host, &rig);
	for (const char *const *s = rig.session; s && *s; s += 2)
		each(to, slice_str(s[0]), slice_str(s[1]));
}

static const struct app_port port = { .execute = execute, .rooms = rooms, .session = session };

/* --- Background work: on this thread, when the test says so ------------------------------------------------------- */

static int start(void *ctx, struct app_job *job)
{
	(void)ctx;
	if (rig.n_jobs == RIG_JOBS)
		return -EAGAIN;
	rig.jobs[rig.n_jobs++] = job;
	return 0;
}

static int sleep_for(void *ctx, int64_t ms)
{
	(void)ctx;
	rig.slept_ms += ms;
	return rig.is_ending ? -ECANCELED : 0;
}

static void wake(void *ctx)
{
	(void)ctx;
	rig.woken++;
}

void rig_work(void)
{
	for (int i = 0; i < rig.n_jobs; i++)
		app_job_run(rig.jobs[i]);
	rig.n_jobs = 0;
}

void rig_tick(void)
{
	rig.woken = 0;
	app_tick(rig.app, rig.now_ms);
}

static void end(void *ctx)
{
	(void)ctx;
	rig.is_ending = true;
	rig_work();
}

static const struct app_threads threads = { start, sleep_for, wake, end, NULL };

/* A second for every look, so that no log line is held back; or as much as the test says. */
static int64_t look(void)
{
	return rig.clock_ms += rig.clock_step_ms;
}

/* --- Life --------------------------------------------------------------------------------------------------------- */

static int go(struct stoa_event *ev)
{
	return rig.fn(ev);
}

static void setup_go(struct stoa_app *app)
{
	stoa_on(app, "/", "go", go, NULL);
}

static void entry(const struct stoa_host *host, struct stoa_app *app)
{
	stoa_host_ = host;
	current_setup(app);
}

struct app *rig_open(void (*setup)(struct stoa_app *app))
{
	struct app_setup s = { .port = rig.port ? rig.port : &port,
		.threads = &threads,
		.clock_ms = look,
		.limits = rig.limits,
		.encoding = rig.encoding,
		.options = rig.options };

	app_free(rig.app);
	rig.is_ending = false;
	current_setup = setup;
	rig.why[0] = '\0';
	rig.app = app_from("test", entry, &s, rig.why, sizeof(rig.why));
	return rig.app;
}

void rig_begin(void)
{
	log_set_level(LOG_ERROR);
	rig = (struct rig){ .nsp = "/", .transport = "websocket", .expect = -1, .now_ms = 1000, .clock_step_ms = 1000 };
	rig.limits = (struct app_limits){ .max_json_depth = 20,
		.max_room_bytes = 20,
		.max_timers = 5,
		.max_effects = 10,
		.ack_timeout_ms = 500,
		.max_attachments = 3,
		.max_session_bytes = 40,
		.max_answers = 3,
		.max_answer_bytes = 5000,
		.max_jobs = 2 };
	rig.handshake.address = "192.0.2.1";
	ck_assert_ptr_nonnull(rig_open(setup_go));
}

void rig_end(void)
{
	app_free(rig.app);
	buf_fini(&rig.log);
	free(rig.taken);
	rig.app = NULL;
	if (real_stderr >= 0) {
		dup2(real_stderr, STDERR_FILENO);
		close(real_stderr);
		close(error_fd);
		real_stderr = -1;
	}
}

const char *rig_log(void)
{
	free(rig.taken);
	rig.taken = strndup(rig.log.at ? rig.log.at : "", rig.log.size);
	buf_clear(&rig.log);
	return rig.taken;
}

/* --- Events ------------------------------------------------------------------------------------------------------- */

static void send(struct app_event_in *in)
{
	struct app_client client = { .sid = "A",
		.nsp = rig.nsp,
		.handshake = &rig.handshake,
		.auth = slice_str(rig.auth),
		.claims = slice_str(rig.claims),
		.transport = rig.transport,
		.host = &rig };

	in->client = &client;
	app_event(rig.app, rig.now_ms, in);
}

void rig_connect(void)
{
	send(&(struct app_event_in){ .kind = APP_CONNECT });
}

void rig_disconnect(const char *reason)
{
	send(&(struct app_event_in){ .kind = APP_DISCONNECT, .reason = reason });
}

static unsigned check(const char *items, long n_blobs)
{
	struct json_rules rules = { .max_depth = 20, .blobs = n_blobs };
	struct buf whole = BUF_INIT;
	unsigned flags = 0;

	buf_printf(&whole, "[%s]", items);
	ck_assert_ptr_null(json_check(buf_slice(&whole), &rules, &flags));
	buf_fini(&whole);
	return flags;
}

static void send_event(const char *name, const char *items, const struct slice *blobs, size_t n, int64_t id)
{
	struct app_event_in in = { .kind = APP_EVENT,
		.items = slice_str(items),
		.flags = check(items, n ? (long)n : JSON_NO_BLOBS),
		.blobs = blobs,
		.n_blobs = n,
		.wants_ack = id >= 0,
		.ack_id = (uint64_t)id };
	struct buf token = BUF_INIT;

	ck_assert_int_eq(json_encode_text(&token, slice_str(name)), 0);
	in.name = buf_slice(&token);
	if (name[0] == '#') /* a number, or any other token as it stands */
		in.name = slice_str(name + 1);
	send(&in);
	buf_fini(&token);
}

void rig_event(const char *name, const char *items, int64_t id)
{
	send_event(name, items, NULL, 0, id);
}

void rig_event_blobs(const char *name, const char *items, const struct slice *blobs, size_t n)
{
	send_event(name, items, blobs, n, -1);
}

void rig_go(stoa_fn *fn, const char *items)
{
	rig_go_ack(fn, items, -1);
}

void rig_go_ack(stoa_fn *fn, const char *items, int64_t id)
{
	rig.fn = fn;
	rig_event("go", items, id);
}

void rig_answer(uint64_t call, const char *items)
{
	char *copy = strdup(items); /* gone when the call returns, as a host's is */

	app_answer(rig.app, rig.now_ms, call, "A", slice_str(copy), check(items, JSON_NO_BLOBS), NULL, 0);
	free(copy);
}

/* In memory of its own size, so that a read past it is seen. */
static struct slice bytes_of(const char *hex)
{
	size_t n = strlen(hex) / 2;
	char *at = malloc(n + 1), digits[3] = "";

	for (size_t i = 0; i < n; i++) {
		memcpy(digits, hex + 2 * i, 2);
		at[1 + i] = (char)strtoul(digits, NULL, 16);
	}
	return slice_of(at + 1, n);
}

static void free_bytes(struct slice s)
{
	free((char *)(uintptr_t)s.at - 1);
}

void rig_event_packed(const char *name, const char *items, int64_t id)
{
	struct app_event_in in = { .kind = APP_EVENT,
		.name = bytes_of(name),
		.items = bytes_of(items),
		.wants_ack = id >= 0,
		.ack_id = (uint64_t)id };

	send(&in);
	free_bytes(in.name);
	free_bytes(in.items);
}

void rig_answer_packed(uint64_t call, const char *items)
{
	struct slice bytes = bytes_of(items);

	app_answer(rig.app, rig.now_ms, call, "A", bytes, 0, NULL, 0);
	free_bytes(bytes);
}

void rig_gone(uint64_t call)
{
	app_answer_gone(rig.app, rig.now_ms, call, "A");
}

void rig_pass(int64_t ms)
{
	int64_t until = rig.now_ms + ms;

	while (app_due_ms(rig.app) <= until) {
		if (app_due_ms(rig.app) > rig.now_ms)
			rig.now_ms = app_due_ms(rig.app);
		app_tick(rig.app, rig.now_ms);
	}
	rig.now_ms = until;
}

/* --- Standard error ----------------------------------------------------------------------------------------------- */

void rig_watch_errors(void)
{
	log_set_level(LOG_DEBUG);
	real_stderr = dup(STDERR_FILENO);
	error_fd = memfd_create("stderr", 0);
	ck_assert_int_ge(dup2(error_fd, STDERR_FILENO), 0);
}

const char *rig_errors(void)
{
	static char text[8192];
	ssize_t n = pread(error_fd, text, sizeof(text) - 1, 0);

	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	ck_assert_int_eq(ftruncate(error_fd, 0), 0);
	lseek(error_fd, 0, SEEK_SET);
	return text;
}
