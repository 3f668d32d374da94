/*
 * edge_fixture.h - the edge with real sockets, its loop and its clients in one process: sessions echo what they hear.
 * The loop runs only inside these functions, until what they wait for has come. A test that waits too long fails.
 */
#ifndef STOA_TESTS_EDGE_FIXTURE_H
#define STOA_TESTS_EDGE_FIXTURE_H

#include "edge.h"

enum { BIG_FILE_BYTES = 3 * 1000 * 1000 }; /* of big.bin */

struct edge_fixture {
	struct loop loop;
	struct out_lane lane;
	struct sessions sessions;
	struct gateway_options options;
	struct config_pairs pairs;
	struct edge *edge;
	long turns;          /* of the loop */
	const char *unready; /* what /readyz says */
	char public_dir
		[64]; /* made for the test: index.html, d/index.html, empty.txt, big.bin, .hidden, link, up, fifo */
	char client_dir[80]; /* socket.io.js alone */
	struct buf heard;    /* what the last of the functions below read, with a NUL behind it */
};
extern struct edge_fixture fx;

/* Options as flags, ended by NULL: start("--head-timeout", "100ms", NULL). */
void start(const char *flag, ...);
void stop(void); /* the test's connections are closed */

int dial(void); /* a client's socket, not blocking */
int dial_internal(void);
void say(int fd, const char *text); /* all of it, while the loop runs */
void say_bytes(int fd, const void *at, size_t size);
void run_for(int ms);

/* Reads until the end, a reset ("<reset>" is appended) or `count` bytes. */
const char *hear_all(int fd);
const char *hear_bytes(int fd, size_t count);
const char *hear_answer(int fd); /* one answer: its head, and the body that Content-Length tells */
bool is_quiet(int fd, int ms);   /* neither bytes nor the end come */

/* dial, say, hear_all, close. The request should ask for Connection: close. */
const char *talk(const char *request, ...) __attribute__((format(printf, 1, 2)));

/* A polling handshake: the sid, valid until the next. */
const char *shake_hands(void);

#endif
