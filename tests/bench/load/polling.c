/* polling.c - see load.h. One request at a time: a GET waits for packets, a POST brings ours. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

enum { SEPARATOR = 0x1e };

static void request(struct client *c, const char *method, struct text body)
{
	const struct options *o = &c->load->o;
	char head[400], length[80] = "";
	struct bytes all = { 0 };
	int size;

	if (body.size)
		snprintf(length, sizeof(length), "Content-Type: text/plain;charset=UTF-8\r\nContent-Length: %zu\r\n",
			body.size);
	size = snprintf(head, sizeof(head),
		"%s /socket.io/?EIO=4&transport=polling%s%s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n%s\r\n", method,
		c->sid[0] ? "&sid=" : "", c->sid, o->ports[c->index % o->n_ports], length);
	bytes_add(&all, head, (size_t)size);
	bytes_add(&all, body.at, body.size);
	net_send(c, all.at, all.size);
	bytes_free(&all);
}

void polling_begin(struct client *c)
{
	c->stage = STAGE_OPENING;
	request(c, "GET", (struct text){ 0 });
}

static void go_on(struct client *c)
{
	struct bytes say = c->say;

	c->posting = say.size > 0;
	c->say = (struct bytes){ 0 };
	request(c, c->posting ? "POST" : "GET", (struct text){ say.at, say.size });
	bytes_free(&say);
}

/* "0{"sid":"..",": the id is needed for the requests that follow. */
static void take_sid(struct client *c, struct text body)
{
	const char *at = memmem(body.at, body.size, "\"sid\":\"", 7);
	const char *end = at ? memchr(at + 7, '"', (size_t)(body.at + body.size - at) - 7) : NULL;
	size_t size = end ? (size_t)(end - at) - 7 : 0;

	if (size == 0 || size >= sizeof(c->sid)) {
		load_fail(c->load, "client %u: no session's id in the open packet", c->index);
		return;
	}
	memcpy(c->sid, at + 7, size);
	c->sid[size] = '\0';
}

static void packets(struct client *c, struct text body)
{
	if (c->stage == STAGE_OPENING)
		take_sid(c, body);
	while (body.size && c->load->error[0] == '\0') {
		const char *end = memchr(body.at, SEPARATOR, body.size);
		size_t size = end ? (size_t)(end - body.at) : body.size;

		client_packet(c, (struct text){ body.at, size });
		size += end != NULL;
		body.at += size;
		body.size -= size;
	}
}

static bool content_length(struct text head, size_t *length)
{
	static const char name[] = "\ncontent-length:";

	for (size_t i = 0; i + sizeof(name) < head.size; i++) {
		if (strncasecmp(head.at + i, name, sizeof(name) - 1) != 0)
			continue;
		*length = strtoul(head.at + i + sizeof(name) - 1, NULL, 10);
		return true;
	}
	return false;
}

size_t polling_read(struct client *c, struct text in)
{
	const char *end = memmem(in.at, in.size, "\r\n\r\n", 4);
	size_t head, length;

	if (end == NULL)
		return 0;
	head = (size_t)(end - in.at) + 4;
	if (memcmp(in.at, "HTTP/1.1 200", 12) != 0 || !content_length((struct text){ in.at, head }, &length)) {
		load_fail(c->load, "client %u: an answer without 200 and Content-Length: %.*s", c->index,
			(int)(in.size < 200 ? in.size : 200), in.at);
		return in.size;
	}
	if (in.size - head < length)
		return 0;
	if (!c->posting)
		packets(c, (struct text){ in.at + head, length });
	if (c->load->error[0] == '\0' && c->fd >= 0)
		go_on(c);
	return head + length;
}
