/*
 * internal.h - what the files of libstoa-test share.
 *
 *	stoa_test.c  the functions of stoa_test.h: a test, its clients, and what is misuse
 *	link.c       a client's side of one connection: transport, pings, which client a packet is for
 *	packet.c     Socket.IO packets as a client writes and reads them
 *	host.c       values in a test program
 */
#ifndef STOA_TESTING_INTERNAL_H
#define STOA_TESTING_INTERNAL_H

#include "sim.h"
#include "stoa_test.h"

/* Ends the program with one sentence: `call` is the function of stoa_test.h that was misused. */
_Noreturn void misuse(const char *call, const char *format, ...) __attribute__((format(printf, 2, 3)));

struct stoa_test {
	struct sim sim;
	struct arena arena; /* clients, and all that they receive */
	struct link *links;
};

enum client_stage { CLIENT_ASKING, CLIENT_IN, CLIENT_REFUSED, CLIENT_OUT };

/* An event received, or an ack that came after its call had returned. In the test's arena. */
struct letter {
	struct letter *next;
	struct stoa_value value;
	bool asks;   /* an event to be answered .. */
	uint64_t id; /* .. with this id; of an ack: its call's */
};

struct letters {
	struct letter *first, **end;
};

struct stoa_test_client {
	struct stoa_test *test;
	struct link *link;
	struct stoa_test_client *next_in_link;
	const char *nsp;
	const char *sid; /* NULL: not yet */
	enum client_stage stage;
	struct stoa_value refusal;
	struct letters events, acks;
	struct letter *taken; /* the event taken last, NULL: none */
	uint64_t last_id;     /* of its calls */
};

/* A connection: a WebSocket, and the clients on it. */
struct link {
	struct sim_ws ws; /* first */
	struct stoa_test *test;
	struct link *next;
	struct stoa_test_client *clients;
	bool ended;
	struct stoa_value refusal; /* {"message": ..}: "handshake" refused it, and it never began; else null */
};

/* --- link.c ------------------------------------------------------------------------------------------------------- */

struct link *link_open(struct stoa_test *t, const struct stoa_test_visitor *visitor);
void link_free(struct link *l);                                       /* the session is gone */
void link_end(struct link *l);                                        /* it goes away */
struct stoa_test_client *link_find(struct link *l, struct slice nsp); /* asking or in; NULL */
void link_send(struct link *l, const struct sio_out *out);
void test_settle(struct stoa_test *t); /* turns, until nobody has anything to say */

/* --- packet.c ----------------------------------------------------------------------------------------------------- */

/* The values as the text between brackets, with their attachments; borrowed until content_fini(). Misuse when they
 * cannot be sent. */
struct content {
	struct buf json;
	struct json_blobs blobs;
};
void content_of_list(struct content *p, const char *call, struct stoa_list list); /* [..] */
void content_of_value(struct content *p, const char *call, struct stoa_value v);
void content_fini(struct content *p);

/* Why the gateway would close the connection at this packet; NULL: it would not. */
const char *packet_refused(const struct stoa_test *t, const struct sio_out *out);

/* Reads the packet that begins with `m` (its attachments are the link's next messages) and does what it says. */
void packet_read(struct link *l, struct sim_message *m);

/* --- host.c ------------------------------------------------------------------------------------------------------- */

void values_open(void);  /* a test opens: values can be built on this thread */
void values_close(void); /* a test closes: with the last one go the values built */

#endif
