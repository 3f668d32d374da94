/* sim.c - see sim.h. */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "gate.h"

enum { START_MS = 1000, TURNS = 5 };

/* --- Options ------------------------------------------------------------------------------------------------------ */

static size_t count(const char *const *texts)
{
	size_t n = 0;

	while (texts && texts[n])
		n++;
	return n;
}

/* Appends each text as an argument; returns how many there are then. */
static size_t add_arguments(char **to, size_t n, const char *flag, const char *const *texts)
{
	for (; texts && *texts; texts++, n++) {
		size_t size = strlen(flag) + strlen(*texts) + 1;

		to[n] = must_alloc(size);
		snprintf(to[n], size, "%s%s", flag, *texts);
	}
	return n;
}

/* Options come in by the same door as the command line's, and by no other. */
static int read_options(
	struct sim *s, const char *const *options, const char *const *app_options, char *why, size_t why_size)
{
	size_t n = 1, most = 1 + count(options) + count(app_options);
	char **args = must_alloc((most + 1) * sizeof(*args));
	struct buf message = BUF_INIT;
	char *no_environment[] = { NULL }, program[] = "sim";
	enum config_action action;

	args[0] = program;
	n = add_arguments(args, n, "--", options);
	n = add_arguments(args, n, "--set=", app_options);
	action = config_read(
		&gateway_options_table, (int)n, args, no_environment, &s->options, &s->app_options, &message);
	if (action != CONFIG_RUN)
		snprintf(why, why_size, "%.*s", SLICE_ARG(buf_slice(&message)));
	buf_fini(&message);
	while (n > 1)
		free(args[--n]);
	free(args);
	return action == CONFIG_RUN ? 0 : -1;
}

/* --- The layers --------------------------------------------------------------------------------------------------- */

static void open_layers(struct sim *s)
{
	struct session_config sessions = sessions_config(&s->options);
	struct client_config clients = clients_config(&s->options);

	out_lane_init(&s->lane, (size_t)s->options.max_send_queue);
	sessions_init(&s->sessions, &sessions, &s->timers, &s->graveyard, &s->lane);
	hub_init(&s->hub, (uint32_t)s->options.max_rooms);
	s->hub.recovery = clients_recovery(&s->options, &s->timers);
	clients_init(&s->clients, &clients, &s->hub, &s->sessions);
	dispatch_init(&s->dispatch, &s->hub, &s->clients, &s->timers);
	embedded_init(&s->embedded, &s->dispatch);
	crew_init(&s->crew);
}

static int64_t wall_ms(void)
{
	return SIM_WALL_MS;
}

static int open_gate(struct sim *s, char *why, size_t why_size)
{
	struct jwt_keys *keys;

	if (!gateway_options_ask_tokens(&s->options))
		return 0;
	keys = gate_read_keys(&s->options, why, why_size);
	if (keys == NULL)
		return -1;
	s->gate = gate_new(&s->options, &s->clients, wall_ms);
	gate_set_keys(s->gate, keys, s->now_ms);
	return 0;
}

static int load(struct sim *s, const char *module, char *why, size_t why_size)
{
	struct app_setup setup = { .port = embedded_port(&s->embedded),
		.threads = &s->crew.threads,
		.limits = embedded_limits(&s->options),
		.encoding = s->clients.config.parser->encoding };

	s->pairs = must_alloc((s->app_options.count + 1) * sizeof(*s->pairs));
	for (size_t i = 0; i < s->app_options.count; i++) {
		s->pairs[i][0] = s->app_options.at[i].name;
		s->pairs[i][1] = s->app_options.at[i].value;
	}
	setup.options = (const char *const(*)[2])s->pairs;
	s->app = app_load(module, &setup, why, why_size);
	return s->app ? 0 : -1;
}

int sim_load(struct sim *s, const char *module, const char *const *options, const char *const *app_options, char *why,
	size_t why_size)
{
	*s = (struct sim){ .now_ms = START_MS };
	if (read_options(s, options, app_options, why, why_size) < 0) {
		config_free(&gateway_options_table, &s->options, &s->app_options);
		return -1;
	}
	open_layers(s);
	if (open_gate(s, why, why_size) < 0 || (module && load(s, module, why, why_size) < 0)) {
		sim_close(s);
		return -1;
	}
	return 0;
}

void sim_join(struct sim *s, const struct cluster_config *config, struct pubsub *bus)
{
	s->cluster = cluster_new(config, &s->hub, &s->clients, &s->timers, &dispatch_cluster_ops, &s->dispatch);
	bus->events = &cluster_events;
	bus->ctx = s->cluster;
	dispatch_set_cluster(&s->dispatch, s->cluster);
	cluster_join_bus(s->cluster, bus);
}

void sim_start(struct sim *s)
{
	if (s->app)
		embedded_start(&s->embedded, s->app, s->now_ms);
	sim_turn(s);
}

int sim_open(struct sim *s, const char *module, const char *const *options, const char *const *app_options, char *why,
	size_t why_size)
{
	if (sim_load(s, module, options, app_options, why, why_size) < 0)
		return -1;
	sim_start(s);
	return 0;
}

void sim_close(struct sim *s)
{
	sessions_drop(&s->sessions, s->now_ms);
	if (s->app)
		embedded_stop(&s->embedded, s->now_ms);
	graveyard_dig(&s->graveyard);
	gate_free(s->gate);
	cluster_free(s->cluster);
	recovery_free(s->hub.recovery);
	app_free(s->app);
	crew_fini(&s->crew);
	dispatch_fini(&s->dispatch);
	hub_fini(&s->hub);
	sessions_fini(&s->sessions);
	timers_fini(&s->timers);
	out_lane_fini(&s->lane);
	free(s->pairs);
	config_free(&gateway_options_table, &s->options, &s->app_options);
}

/* --- Time --------------------------------------------------------------------------------------------------------- */

/* A few turns of the loop: what one leaves for the next (an upgrade that settles) is done too. */
void sim_turn(struct sim *s)
{
	for (int i = 0; i < TURNS; i++) {
		timers_run(&s->timers, s->now_ms);
		out_flush_all(&s->lane, s->now_ms);
		graveyard_dig(&s->graveyard);
	}
}

static void work(struct sim *s)
{
	crew_work(&s->crew, s->now_ms);
	if (!s->crew.woken)
		return;
	s->crew.woken = false;
	embedded_tick(&s->embedded, s->now_ms);
}

static int64_t next_ms(const struct sim *s)
{
	int64_t timer = timers_next_ms(&s->timers), worker = crew_next_ms(&s->crew);

	return timer < worker ? timer : worker;
}

/* What a step has left to be done at the same time goes on a millisecond later: a timer that sets itself for now, or a
 * task that begins another, does not stop the clock. */
static void advance(struct sim *s, int64_t end_ms)
{
	int64_t next = next_ms(s);

	s->begun = false;
	if (s->now_ms < end_ms)
		s->now_ms = next > end_ms ? end_ms : next > s->now_ms ? next : s->now_ms + 1;
}

bool sim_step(struct sim *s, int64_t end_ms)
{
	bool begins = !s->begun && crew_next_ms(&s->crew) == INT64_MIN;
	bool more = begins || (s->now_ms < end_ms && next_ms(s) <= end_ms);

	if (begins)
		s->begun = true;
	else
		advance(s, end_ms);
	if (more)
		work(s);
	sim_turn(s);
	return more;
}

/* --- A WebSocket -------------------------------------------------------------------------------------------------- */

struct sim_message *sim_message_new(bool binary, struct slice data)
{
	struct sim_message *m = must_alloc(sizeof(*m) + data.size + 1);

	m->binary = binary;
	m->size = data.size;
	if (data.size)
		memcpy(m->data, data.at, data.size);
	return m;
}

static struct sim_ws *sim_of(struct session_ws *ws)
{
	return (struct sim_ws *)(void *)ws;
}

/* Reads our own frames back: what a client would see. */
static bool ws_write(struct session_ws *ws, const char *bytes, size_t size)
{
	struct sim_ws *w = sim_of(ws);
	struct frame *f = must_alloc(sizeof(*f) + size);
	struct frame_packet packet;
	size_t offset = 0;

	memcpy(f->bytes, bytes, size);
	f->size = size;
	while (frame_next(f, &offset, &packet)) {
		*w->end = sim_message_new(packet.binary, packet.data);
		w->end = &(*w->end)->next;
	}
	free(f);
	return !w->stuck;
}

static void ws_close(struct session_ws *ws, unsigned code)
{
	sim_of(ws)->closed = true;
	sim_of(ws)->code = code;
}

static void ws_pause(struct session_ws *ws, bool paused)
{
	sim_of(ws)->paused = paused;
}

static const struct session_ws_ops ws_ops = { ws_write, ws_close, ws_pause };

void sim_ws_init(struct sim_ws *w)
{
	*w = (struct sim_ws){ .ws = { .ops = &ws_ops } };
	w->end = &w->received;
}

struct sim_message *sim_ws_take(struct sim_ws *w)
{
	struct sim_message *m = w->received;

	if (m == NULL)
		return NULL;
	w->received = m->next;
	if (w->received == NULL)
		w->end = &w->received;
	return m;
}

void sim_ws_fini(struct sim_ws *w)
{
	struct sim_message *m;

	while ((m = sim_ws_take(w)))
		free(m);
}
