/* load_one.c - test-app-load MODULE.so: loads it, runs "go" with no arguments, prints what it emitted. */
#include <stdio.h>
#include <stdlib.h>

#include "app.h"

static void print(void *ctx, const struct effect *first)
{
	(void)ctx;
	for (const struct effect *e = first; e; e = e->next)
		printf("%.*s\n", SLICE_ARG(e->json));
}

static void no_rooms(void *ctx, const struct app_client *client, void (*each)(void *to, struct slice room), void *to)
{
	(void)ctx;
	(void)client;
	(void)each;
	(void)to;
}

int main(int argc, char **argv)
{
	struct app_port port = { .execute = print, .rooms = no_rooms };
	struct app_setup setup = { .port = &port, .limits = { .max_json_depth = 20, .max_timers = 5 } };
	struct app_client client = { .sid = "A", .nsp = "/" };
	struct app_event_in go = { .kind = APP_EVENT, .client = &client, .name = SLICE("\"go\"") };
	char why[1000];
	struct app *a = argc == 2 ? app_load(argv[1], &setup, why, sizeof(why)) : NULL;

	if (a == NULL) {
		fprintf(stderr, "%s\n", argc == 2 ? why : "usage: test-app-load MODULE.so");
		return EXIT_FAILURE;
	}
	app_event(a, 0, &go);
	app_free(a);
	return EXIT_SUCCESS;
}
