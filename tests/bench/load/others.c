/* others.c - clients that do nothing, and clients that come and go. */
#include "load.h"

static void unexpected(struct client *c, struct text got)
{
	client_unexpected(c, got, (struct text){ "nothing", 7 });
}

static void nothing(struct load *l)
{
	(void)l;
}

const struct scenario scenario_idle = { .name = "idle", .prepare = nothing, .begin = nothing, .packet = unexpected };

/* --- Storm -------------------------------------------------------------------------------------------------------- */

/* Not while its input is being read. */
static void again(struct client *c)
{
	c->next_again = c->load->again;
	c->load->again = c;
}

/* Each connection is closed as soon as it has its namespace, and another one begun in its place. */
static void storm_ready(struct client *c)
{
	if (c->load->phase < PHASE_WARMING)
		return;
	c->load->outstanding--;
	load_unit(c->load, c->begun_ns);
	if (load_speaks(c->load))
		again(c);
}

static void storm_begin(struct load *l)
{
	for (size_t i = 0; i < l->n_clients; i++)
		again(&l->clients[i]);
}

static uint64_t storm_tick(struct load *l)
{
	struct client *c;

	while (load_speaks(l) && (c = l->again)) {
		l->again = c->next_again;
		net_close(c);
		l->reconnected++;
		l->outstanding++;
		l->said++;
		net_connect(c);
	}
	return UINT64_MAX;
}

const struct scenario scenario_storm = { .name = "storm",
	.prepare = nothing,
	.ready = storm_ready,
	.begin = storm_begin,
	.packet = unexpected,
	.tick = storm_tick };
