/*
 * server.h - a broker: Redis, the queue (intake.h) and the workers (crew.h), wired in one place.
 *
 * Its life: the first worker loads the module, or the broker ends with the reason; then Redis is connected to, as long as
 * that takes; the application's record is read and written, which says how many partitions there are for ever; then the
 * intake begins. SIGHUP, and with `watch` a changed file, reload. On SIGTERM or SIGINT partitions are handed over, workers
 * finish and stop, and the process leaves with 0, all within shutdown_timeout; a second signal ends it at once.
 */
#ifndef STOA_BROKER_SERVER_H
#define STOA_BROKER_SERVER_H

#include "crew.h"
#include "internal.h"
#include "redis_setup.h"
#include "reload.h"
#include "streams_redis.h"
#include "systemd.h"

enum { BROKER_ID_SIZE = 12 };

enum server_state {
	SERVER_LOADING, /* the module */
	SERVER_SERVING,
	SERVER_LEAVING, /* partitions are handed over */
	SERVER_STOPPING /* workers end */
};

struct server {
	const struct broker_options *options;
	struct loop loop;
	struct crew *crew;
	struct intake *intake;
	struct streams_redis_config redis;
	struct streams *streams; /* NULL until the module has been loaded */
	struct internal *internal;
	struct reload *reload;
	struct systemd_watch watch;
	struct event *signals[2];
	struct timer give_up, put_app; /* shutdown_timeout; the application's record is written again */
	char id[BROKER_ID_SIZE + 1], name[GATEWAY_NAME_MAX + 1];
	struct buf app_key, app; /* the application's record, and its name in Redis */
	bool app_is_news;        /* loaded, and not written yet */
	enum server_state state;
	bool is_up, is_fresh; /* the streams are */
	bool is_told;         /* the intake was told so: the record in Redis is ours */
	int64_t leave_by_ms;
	int status;
	char why[512]; /* status is not 0 */
};

/* 0, or -1 with `why` in one sentence. */
int server_open(struct server *s, const struct broker_options *options, char *const *argv, char *why, size_t why_size);
int server_run(struct server *s); /* until it ends: an exit status; if it is not 0, s->why says why */
void server_close(struct server *s);

#endif
