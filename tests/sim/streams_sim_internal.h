/*
 * streams_sim_internal.h - what the files of the simulated Redis share.
 *
 *	streams_sim.c        links, what is on its way, time and faults
 *	streams_sim_serve.c  what the server does about streams
 *	streams_sim_keys.c   .. about keys, hashes and channels
 *	streams_sim_ops.c    streams.h's functions: each asks
 *	streams_store.c      what the server keeps
 */
#ifndef STOA_TESTS_STREAMS_SIM_INTERNAL_H
#define STOA_TESTS_STREAMS_SIM_INTERNAL_H

#include "streams_sim.h"
#include "streams_store.h"

struct sim_event;
struct sim_port;

typedef void sim_arrive_fn(struct streams_sim *sim, struct sim_event *e);

/* What goes over one of these stays in order. */
enum sim_way { SIM_THERE, SIM_BACK, SIM_READ_THERE, SIM_READ_BACK, SIM_HEARD, SIM_WAYS };

/* Something on its way. `texts` stand behind it, each with a NUL. */
struct sim_event {
	int64_t due_ms;
	uint64_t order;
	struct sim_port *port;
	unsigned epoch; /* the port's when it was sent: older ones are of a link that broke */
	bool is_asked;  /* to the server */
	bool survives;  /* it arrives there though the link broke */
	sim_arrive_fn *arrive;
	int64_t number, count;  /* a time, a limit, a result */
	struct sim_event *next; /* of reads that wait at the server */
	size_t n;
	struct slice texts[];
};

typedef void sim_each_fn(void *to, struct slice name, struct slice value);

/* Somebody waits for an answer. */
struct sim_ticket {
	struct sim_ticket *next;
	streams_answer_fn *answer;
	sim_each_fn *each;
	void (*each_id)(void *to, struct slice id);
	void *to;
};

struct sim_port {
	struct streams base; /* first */
	struct streams_sim *sim;
	bool is_open, linked;
	unsigned epoch;
	int64_t ways[SIM_WAYS]; /* when the last thing sent over it arrives */
	int64_t relink_ms;
	int64_t held_ms; /* it hears nothing before */
	unsigned run;    /* of the server, when last up; 0: never */
	struct sim_ticket *first, **end;
	struct map channels; /* wanted: struct sim_channel */
	unsigned refuses;
	bool is_reading;
	int64_t read_until_ms;
};

struct sim_channel {
	struct map_node node;
	bool is_held; /* the server knows */
};

struct streams_sim {
	struct store store;
	uint64_t random;
	uint32_t delays; /* from 0 to below this */
	unsigned run;
	bool is_full;
	int64_t back_ms; /* when the server is there again */
	struct sim_port ports[STREAMS_SIM_PORTS];
	struct sim_event **heap; /* by time, then in the order sent */
	size_t n_events, cap_events;
	uint64_t next_order;
	struct sim_event *blocked; /* reads that wait, in the order they came */
	void (*heard)(void *ctx, struct slice channel, struct slice payload);
	void *heard_ctx;
};

static inline struct sim_port *sim_port_of(struct streams *s)
{
	return (struct sim_port *)(void *)s;
}

/* An event with n copied texts, not sent. */
struct sim_event *sim_event_new(struct sim_port *p, sim_arrive_fn *arrive, const struct slice *texts, size_t n);
void sim_send(struct sim_event *e, enum sim_way way);
/* The server's answer to the oldest ticket: its result, and the texts of `e`; e is sent or freed. */
void sim_reply(struct sim_event *question, sim_arrive_fn *told, int64_t result, const struct slice *texts, size_t n);
void sim_result(struct sim_event *question, int64_t number, struct slice text);
bool sim_is_refused(const struct streams_sim *sim, struct sim_event *e); /* it is full, which has been answered */
bool sim_is_current(const struct sim_event *e);
void sim_serve_blocked(struct streams_sim *sim); /* entries came, or time */
void sim_read_end(struct sim_port *p, int result);
struct sim_ticket sim_take_ticket(struct sim_port *p);

/* A list of texts that others own; `at` is to be freed. */
struct sim_texts {
	struct slice *at;
	size_t n, cap;
};
void sim_add_text(struct sim_texts *t, struct slice text);

extern const struct streams_ops streams_sim_ops;
sim_arrive_fn sim_hello_arrives, sim_subscribe_arrives, sim_read_arrives, sim_add_arrives, sim_note_arrives,
	sim_ack_arrives, sim_find_arrives, sim_length_arrives, sim_create_arrives, sim_claim_arrives, sim_take_arrives,
	sim_pending_arrives, sim_leave_arrives, sim_claim_key_arrives, sim_release_key_arrives, sim_put_arrives,
	sim_get_arrives, sim_enlist_arrives, sim_list_arrives, sim_field_put_arrives, sim_field_get_arrives,
	sim_field_drop_arrives, sim_field_scan_arrives, sim_field_to_entry_arrives, sim_publish_arrives;
void sim_forget_channels(struct sim_port *p);

#endif
