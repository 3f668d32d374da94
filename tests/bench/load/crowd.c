/*
 * crowd.c - clients that stay and hear what is said to all of them. It says how it goes as lines of JSON: when all are there,
 * when all have heard one message, with the times by CLOCK_MONOTONIC, and at last whether that was all that they heard.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "load.h"

static struct {
	char text[PAYLOAD_MOST + 64];
	size_t size;
	uint32_t number; /* of the message that is awaited */
	size_t heard;    /* by so many */
	uint64_t first_ns;
} crowd;

static void await(struct load *l, uint32_t number)
{
	int head = snprintf(crowd.text, sizeof(crowd.text), "42[\"news\",%u,\"", number);

	memset(crowd.text + head, 'x', l->o.bytes);
	memcpy(crowd.text + head + l->o.bytes, "\"]", 2);
	crowd.size = (size_t)head + l->o.bytes + 2;
	crowd.number = number;
	crowd.heard = 0;
}

static void prepare(struct load *l)
{
	await(l, 1);
}

static void nothing(struct load *l)
{
	(void)l;
}

static void all_heard(struct load *l)
{
	printf("{\"event\":\"heard\",\"number\":%u,\"first_ns\":%llu,\"last_ns\":%llu}\n", crowd.number,
		(unsigned long long)crowd.first_ns, (unsigned long long)clock_ns());
	fflush(stdout);
	await(l, crowd.number + 1);
}

static void packet(struct client *c, struct text got)
{
	if (c->next + 1 != crowd.number || got.size != crowd.size || memcmp(got.at, crowd.text, got.size) != 0) {
		client_unexpected(c, got, (struct text){ crowd.text, crowd.size });
		return;
	}
	if (crowd.heard++ == 0)
		crowd.first_ns = c->load->now;
	c->next++;
	if (crowd.heard == c->load->n_clients)
		all_heard(c->load);
}

static bool stdin_ended(void)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	char byte;

	return poll(&p, 1, 0) > 0 && read(STDIN_FILENO, &byte, 1) == 0;
}

static void stay(struct load *l)
{
	printf("{\"event\":\"ready\",\"clients\":%zu,\"connected_ns\":%llu}\n", l->n_clients,
		(unsigned long long)l->connected_ns);
	fflush(stdout);
	while (l->error[0] == '\0' && !stdin_ended())
		load_turn(l, UINT64_MAX);
	if (crowd.heard && l->error[0] == '\0')
		load_fail(l, "message %u was heard by %zu of %zu", crowd.number, crowd.heard, l->n_clients);
}

const struct scenario scenario_crowd = {
	.name = "crowd", .prepare = prepare, .begin = nothing, .packet = packet, .stay = stay
};
