/* broker_options.c - see broker_options.h. */
#include "broker_options.h"

#include <stdlib.h>

#define HOURS(n) ((int64_t)(n)*60 * 60 * 1000)
#define MILLION  1000000

static const char *check_name(const char *text)
{
	return text[0] && strlen(text) <= 80 ? NULL : "is no name; it has 1 to 80 characters";
}

#define FIELD(type_, field_) \
	.offset = offsetof(struct broker_options, field_) + \
		  0 * sizeof(_Generic(((struct broker_options *)0)->field_, type_ : 0))
#define NUMBER_(type_, word_, field_, default_, min_, max_) \
	FIELD(int64_t, field_), .type = (type_), .value = (word_), .otherwise = (default_), .min = (min_), .max = (max_)
#define INT(...)      NUMBER_(CONFIG_INT, "NUMBER", __VA_ARGS__)
#define DURATION(...) NUMBER_(CONFIG_DURATION, "DURATION", __VA_ARGS__)
#define SIZE(...)     NUMBER_(CONFIG_SIZE, "SIZE", __VA_ARGS__)
#define TEXT(field_, default_, check_) \
	FIELD(char *, field_), .type = CONFIG_TEXT, .value = "TEXT", .otherwise = (default_), .check = (check_)

/* A row of the gateway's table stands here with its name alone, or with other words: it has no `value`. */
/* clang-format off */
static const struct config_option rows[] = {
	{ .name = "app", .group = "What it runs" },
	{ .name = "app_name" },
	{ .name = "parser" },
	{ "workers", INT(slots, "0", 0, SLOTS_MAX),
		.help = "Processes that run the application, each one event at a time; 0: as many as there are cores" },
	{ "handler_timeout", DURATION(handler_timeout_ms, "10s", 0, HOURS(1)),
		.help = "A worker that takes longer over an event is killed, and the event is tried again; 0s: it has all the time in the world" },
	{ "max_attempts", INT(max_attempts, "3", 1, 1000),
		.help = "How often an event is begun whose worker crashes or is killed; then it is a dead letter (stoa dead list)" },
	{ .name = "watch" },
	{ "broker_name", TEXT(broker_name, NULL, check_name), .help = "What people call this broker; not set: HOST#PID" },
	{ .name = "internal_listen", .group = "What it tells",
		.help = "Where /healthz, /readyz and /metrics are answered; not set: nowhere" },
	{ .name = "log_level" },

	{ .name = "redis_url", .group = "Redis",
		.help = "The Redis of the gateways: redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE], rediss:// for TLS, unix:///PATH" },
	{ .name = "redis_key", .help = "What the names of the gateways' channels begin with, as theirs says" },
	{ .name = "redis_ca_file" },
	{ .name = "redis_cert_file" },
	{ .name = "redis_key_file" },
	{ .name = "redis_server_name" },
	{ .name = "redis_connect_timeout" },
	{ .name = "redis_command_timeout" },
	{ .name = "redis_max_queue" },
	{ .name = "redis_max_message" },
	{ .name = "redis_max_publish" },

	{ "partitions", .group = "The queue (docs/brokers.md)", INT(partitions, "32", 1, 1024),
		.help = "Into how many parts events are divided, each handled by one worker of one broker; the same for all brokers, and not to be changed while events wait" },
	{ "credits", INT(credits, "64", 1, 10000), .help = "Events that a worker is given ahead of the one it is at" },
	{ "lease", DURATION(lease_ms, "3s", 100, HOURS(1)),
		.help = "A broker that was silent for so long has lost its partitions to others" },
	{ "confirm", DURATION(confirm_ms, "1s", 10, HOURS(1)),
		.help = "An answer that its gateway has not confirmed after so long is sent again" },
	{ "handover", DURATION(handover_ms, "5s", 0, HOURS(1)),
		.help = "Answers of a partition that is handed over have so long to be confirmed" },
	{ "gateway_gone", DURATION(gateway_gone_ms, "4s", 100, HOURS(1)),
		.help = "A gateway whose lease has ended has so long to come back; then its clients are told gone" },
	{ "max_event_age", DURATION(max_event_age_ms, "60s", 1000, HOURS(24)),
		.help = "An older event is not begun: its gateway has given it up after event_timeout, which is to be shorter" },
	{ "max_unconfirmed", SIZE(max_unconfirmed, "64MB", 10000, 100000 * (int64_t)MILLION),
		.help = "Answers that are not confirmed yet; past it no events are read" },
	{ "max_dead", INT(max_dead, "10000", 1, 100 * MILLION), .help = "Dead letters that are kept; the oldest go first" },
	{ "max_client_states", INT(max_client_states, "100000", 1, 100 * MILLION),
		.help = "Clients whose rooms, sessions and handshakes a worker remembers; of others it asks Redis" },
	{ "max_client_state_memory", SIZE(max_client_state_memory, "256MB", 10000, 100000 * (int64_t)MILLION),
		.help = "And what that may take in a worker" },

	{ .name = "max_room_name", .group = "Limits on the application" },
	{ .name = "max_attachments" },
	{ .name = "max_json_depth" },
	{ .name = "ack_timeout" },
	{ .name = "max_timers" },
	{ .name = "max_effects" },
	{ .name = "max_session_bytes" },
	{ .name = "max_answers" },
	{ .name = "max_answer_memory" },
	{ .name = "max_handler_memory" },
	{ .name = "background_threads" },
	{ .name = "max_background_tasks" },
	{ .name = "slow_handler" },

	{ .name = "shutdown_timeout", .group = "Ending",
		.help = "After SIGTERM events under way have so long to be finished and handed over" },
	{ .name = "background_timeout" },
	{ 0 },
};
/* clang-format on */

static const struct config_option *gateways(const char *name)
{
	const struct config_option *o = gateway_options_table.options;

	while (o->name && strcmp(o->name, name) != 0)
		o++;
	return o->name ? o : NULL;
}

static bool is_gateways(const struct config_option *row)
{
	return row->value == NULL;
}

/* A name that the gateway's table has not is a mistake of this file. */
static struct config_option completed(const struct config_option *row)
{
	const struct config_option *from = gateways(row->name);
	struct config_option to;

	if (from == NULL)
		abort();
	to = *from;
	to.offset += offsetof(struct broker_options, gateway);
	to.group = row->group;
	to.help = row->help ? row->help : from->help;
	return to;
}

const struct config_table *broker_options_table(void)
{
	static struct config_option all[sizeof(rows) / sizeof(rows[0])];
	static const struct config_table table = { .program = "stoa-broker",
		.section = "broker",
		.summary = "runs an application module for gateways with dispatch = broker",
		.options = all };

	if (all[0].name == NULL)
		for (size_t i = 0; rows[i].name; i++)
			all[i] = is_gateways(&rows[i]) ? completed(&rows[i]) : rows[i];
	return &table;
}

bool broker_options_agree(const struct broker_options *o, struct buf *why)
{
	const char *wrong = NULL;

	if (o->gateway.app == NULL)
		wrong = "no application: say --app FILE.so";
	else if (o->gateway.redis_url == NULL)
		wrong = "no Redis: say --redis-url redis://HOST, the gateways' own";
	else if (o->confirm_ms >= o->max_event_age_ms)
		wrong = "confirm is to be shorter than max_event_age";
	if (wrong)
		buf_add_str(why, wrong);
	return wrong == NULL;
}
