/*
 * emitter.c - a worker beside the servers: counts to ten, tells a room of each step, and asks everybody at the end.
 *
 *	cc -o emitter emitter.c $(pkg-config --cflags --libs stoa-emitter)
 *	STOA_REDIS_URL=redis://127.0.0.1 ./emitter news
 */
#include <stdio.h>
#include <stoa_emitter.h>

static void on_answer(void *ctx, const struct stoa_emitter_answer *answer)
{
	(void)ctx;
	printf("a client says %s\n", answer->json);
}

int main(int argc, char **argv)
{
	struct stoa_emitter *e = stoa_emitter_open(NULL);
	struct stoa_emitter_to room = { .room = argc > 1 ? argv[1] : "news" }, everybody = { .broadcast = true };
	struct stoa_emitter_result result;
	struct stoa_emitter_call ask = { .timeout_ms = 2000, .answer = on_answer, .result = &result };
	char args[40];
	int error = e ? 0 : -1;

	for (int step = 1; step <= 10 && error == 0; step++) {
		snprintf(args, sizeof(args), "[{\"done\":%d,\"of\":10}]", step);
		error = stoa_emitter_emit(e, &room, "progress", args, NULL);
	}
	if (error == 0) {
		error = stoa_emitter_ask(e, &everybody, "satisfied?", NULL, NULL, 0, &ask);
		printf("%lld of %lld clients answered\n", result.answers, result.clients);
	}
	if (error)
		fprintf(stderr, "emitter: %s\n", stoa_emitter_error(e));
	stoa_emitter_free(e);
	return error != 0;
}
