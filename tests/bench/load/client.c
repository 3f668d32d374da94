/* client.c - see load.h. */
#include <stdio.h>
#include <string.h>

#include "load.h"

void client_begin(struct client *c)
{
	if (c->polling)
		polling_begin(c);
	else
		websocket_begin(c);
}

void client_say(struct client *c, struct text packet)
{
	if (!c->polling) {
		websocket_send(c, false, packet);
		return;
	}
	if (c->say.size)
		bytes_add(&c->say, "\x1e", 1);
	bytes_add(&c->say, packet.at, packet.size);
}

void client_unexpected(struct client *c, struct text got, struct text wanted)
{
	load_fail(c->load, "client %u, message %u: lost, doubled, out of order or changed: got %.*s, wanted %.*s",
		c->index, c->next, (int)(got.size < 120 ? got.size : 120), got.at,
		(int)(wanted.size < 120 ? wanted.size : 120), wanted.at);
}

static bool begins(struct text t, const char *with)
{
	size_t size = strlen(with);

	return t.size >= size && memcmp(t.at, with, size) == 0;
}

static void say_string(struct client *c, const char *s)
{
	client_say(c, (struct text){ s, strlen(s) });
}

static void is_ready(struct client *c)
{
	c->stage = STAGE_READY;
	c->load->ready++;
	if (c->load->scenario->ready)
		c->load->scenario->ready(c);
}

static void join(struct client *c)
{
	char packet[64], name[16];

	if (c->room == NULL) {
		is_ready(c);
		return;
	}
	room_name(name, c->room);
	snprintf(packet, sizeof(packet), "420[\"join\",\"%s\"]", name);
	c->stage = STAGE_JOINING;
	say_string(c, packet);
}

/* Before it is ready. A message may come before the ack of join where the cluster has several servers; but nobody
 * speaks yet. */
static void step(struct client *c, struct text data)
{
	if (c->stage == STAGE_OPENING && begins(data, "0{")) {
		c->stage = STAGE_ENTERING;
		say_string(c, "40");
	} else if (c->stage == STAGE_ENTERING && begins(data, "40{")) {
		join(c);
	} else if (c->stage == STAGE_JOINING && begins(data, "430[")) {
		is_ready(c);
	} else {
		client_unexpected(c, data, (struct text){ "the next step of the handshake", 30 });
	}
}

void client_packet(struct client *c, struct text data)
{
	if (data.size == 1 && data.at[0] == '2')
		say_string(c, "3");
	else if (data.size == 1 && data.at[0] == '6')
		return;
	else if (c->stage != STAGE_READY)
		step(c, data);
	else
		c->load->scenario->packet(c, data);
}

void client_blob(struct client *c, struct text data)
{
	if (c->stage == STAGE_READY && c->load->scenario->blob)
		c->load->scenario->blob(c, data);
	else
		client_unexpected(c, (struct text){ "a binary message", 16 }, (struct text){ "none", 4 });
}
