/*
 * sim.h - a gateway without an edge, on a clock that the caller moves. Sockets and time are made up; sessions, Socket.IO,
 * hub, dispatch and the application are the gateway's own. libstoa-test and the test rig (tests/support/rig.h) are
 * both made of it.
 *
 * Nothing happens by itself: whoever acts on the layers calls sim_turn(), which is what the loop does when a turn ends.
 */
#ifndef STOA_TESTING_SIM_H
#define STOA_TESTING_SIM_H

#include "client.h"
#include "crew.h"
#include "embedded.h"
#include "gateway_options.h"
#include "session.h"

struct gate;

#define SIM_WALL_MS INT64_C(2000000000000) /* 2033 */

struct sim {
	struct gateway_options options;
	struct config_pairs app_options;
	struct timers timers;
	struct graveyard graveyard;
	struct out_lane lane;
	struct sessions sessions;
	struct hub hub;
	struct clients clients;
	struct dispatch dispatch;
	struct embedded embedded;
	struct crew crew;        /* background tasks */
	struct cluster *cluster; /* NULL: alone. Freed with it */
	struct gate
		*gate; /* NULL: no token is asked for. Keys of files and texts; its wall clock stands at SIM_WALL_MS */
	struct app *app;
	const char *(*pairs)[2]; /* app_options, as applications take them */
	int64_t now_ms;
	bool begun; /* at now_ms: the background tasks that were new */
};

/* Loads `module` and runs its "start". `options`: "name=value" of the gateway, `app_options` of the application; both
 * ended by NULL, or NULL. 0, or -1 with `why` in one sentence, and nothing to close. */
int sim_open(struct sim *s, const char *module, const char *const *options, const char *const *app_options, char *why,
	size_t why_size);
/* The same in two steps, for one whose application is elsewhere (module NULL: whoever runs it is set in between), or that is
 * to be in a cluster: in between sim_join(), which sets whom the bus tells. The bus
 * outlives it, and begins to speak after sim_start(). */
int sim_load(struct sim *s, const char *module, const char *const *options, const char *const *app_options, char *why,
	size_t why_size);
void sim_join(struct sim *s, const struct cluster_config *config, struct pubsub *bus);
void sim_start(struct sim *s);
void sim_close(struct sim *s); /* ends the sessions, runs "stop", frees all but the transports */

void sim_turn(struct sim *s); /* due timers run, output is flushed, the dead are buried */

/* Begins new background tasks, or goes to the next deadline or the end of their sleep, but not past end_ms, and ends a
 * turn there. False: at end_ms, and done.
 *	while (sim_step(s, end_ms)) .. */
bool sim_step(struct sim *s, int64_t end_ms);

/* --- A WebSocket -------------------------------------------------------------------------------------------------- */

struct sim_message {
	struct sim_message *next;
	bool binary;
	size_t size;
	char data[]; /* with a NUL behind it */
};

/* What the gateway writes is read back into messages, in order. Outlives the session it is given to. */
struct sim_ws {
	struct session_ws ws; /* first */
	struct sim_message *received, **end;
	bool stuck;    /* its socket is full: set by the caller */
	bool paused;   /* the session does not want to read */
	bool closed;   /* the gateway closed it .. */
	unsigned code; /* .. with this status; 0: none */
};

void sim_ws_init(struct sim_ws *w);
void sim_ws_fini(struct sim_ws *w);

struct sim_message *sim_ws_take(struct sim_ws *w); /* the oldest; the caller frees it. NULL: there is none */
struct sim_message *sim_message_new(bool binary, struct slice data);

#endif
