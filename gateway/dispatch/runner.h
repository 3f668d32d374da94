/*
 * runner.h - who runs the application: this process (embedded.h), brokers, or a webhook (gateway/remote). Declared by
 * dispatch, which knows clients and carries out effects; filled by whoever runs it.
 *
 * A runner is told what happens, and has what the application left carried out by dispatch_execute(), each event's effects
 * as one batch: from inside of the function that told it (embedded), or later, when the client may be gone, which is for
 * dispatch to see. Its functions are never called while dispatch_execute() runs, but for the call_ ones: what a
 * batch causes is told behind it.
 */
#ifndef STOA_DISPATCH_RUNNER_H
#define STOA_DISPATCH_RUNNER_H

#include "app.h"
#include "client.h"

/* What became of a request: EFFECT_ADMIT or EFFECT_DENY; or e is NULL, nobody could be asked or answered in time, and
 * `trouble` says so in a sentence for the client. */
typedef void dispatch_decided_fn(void *to, const struct effect *e, const char *trouble);

struct runner_ops {
	/* Whether clients may ask to be let into the namespace. */
	bool (*has_namespace)(void *ctx, struct slice nsp);

	/* What a client does, in order. c is valid until it was told gone. client_accept() or client_refuse() answers
	 * connect(), by effect, at once or later; gone() comes once for every connect() but the refused, for those who
	 * went before they were answered too (client.h: was_joined). */
	void (*connect)(void *ctx, int64_t now_ms, struct client *c);
	void (*event)(void *ctx, int64_t now_ms, struct client *c, const struct sio_packet *p,
		const struct slice *blobs, size_t n_blobs);
	/* The last word on it: its rooms and data are as they were. Its memory goes at the end of the turn. */
	void (*gone)(void *ctx, int64_t now_ms, struct client *c);

	/* Whether an event of its waits or is under way, or an ack is to be given later. Unset: every event is over when it
	 * was told, and such acks are counted (client.h, n_owed). */
	bool (*busy)(void *ctx, const struct client *c);
	/* Whether a client of this id, which was told gone, may come back with connect(): nothing of it is under way any more.
	 * NULL: it always may. */
	bool (*may_return)(void *ctx, struct slice sid);

	/* A request for a session: answered with dispatch_decide(), or `decided` itself when it has no answer, at once or
	 * later. True: later, unless forget_request() is called with the same `to`. r lives until this returns. */
	bool (*admit)(void *ctx, int64_t now_ms, const struct app_request *r, dispatch_decided_fn *decided, void *to);
	void (*forget_request)(void *ctx, void *to);
	bool (*hears_refusals)(void *ctx);
	void (*refused)(void *ctx, int64_t now_ms, const struct app_request *r, struct slice error);

	/* Another server's event, as app_server_event(). */
	void (*server_event)(void *ctx, int64_t now_ms, const char *nsp, const struct app_event_in *in);
	/* The namespaces that are named exactly, each once. */
	void (*namespaces)(void *ctx, void (*each)(void *to, struct slice nsp), void *to);

	/* What the application asked by effect: app_call_expect() and its neighbours in app.h, inside of dispatch_execute()
	 * and outside. `from`: the client of this process that answers, or went; NULL: it is of another. */
	void (*call_expect)(void *ctx, int64_t now_ms, uint64_t call, size_t clients);
	void (*call_answer)(void *ctx, int64_t now_ms, uint64_t call, struct client *from, struct slice items,
		unsigned flags, const struct slice *blobs, size_t n_blobs);
	void (*call_gone)(void *ctx, int64_t now_ms, uint64_t call, struct client *from);
	bool (*call_found)(void *ctx, int64_t now_ms, uint64_t call, struct slice json);
	void (*call_silent)(void *ctx, int64_t now_ms, uint64_t call, struct slice name);
	void (*call_end)(void *ctx, int64_t now_ms, uint64_t call, int status);

	/* Behind each of them, and all that it caused. */
	void (*settled)(void *ctx, int64_t now_ms);
};

#endif
