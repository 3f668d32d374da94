/* websocket.c - see load.h. Frames as a client writes and reads them, RFC 6455 5.2. */
#include <stdio.h>
#include <string.h>

#include "load.h"

enum { FIN = 0x80, MASKED = 0x80, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };
enum { FRAME_MAX = 64 * 1024 };

void websocket_begin(struct client *c)
{
	/* The answer to the key is not checked: that the server speaks WebSocket shows. */
	static const char head[] = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n"
				   "Host: 127.0.0.1:%u\r\n"
				   "Connection: Upgrade\r\n"
				   "Upgrade: websocket\r\n"
				   "Sec-WebSocket-Version: 13\r\n"
				   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
	char request[320];
	int size = snprintf(request, sizeof(request), head, c->load->o.ports[c->index % c->load->o.n_ports]);

	c->stage = STAGE_UPGRADING;
	net_send(c, request, (size_t)size);
}

static void send_frame(struct client *c, unsigned opcode, struct text data)
{
	static const unsigned char mask[4] = { 0x37, 0xfa, 0x21, 0x3d };
	unsigned char frame[FRAME_MAX + 8];
	size_t head = 2;

	if (data.size > FRAME_MAX) {
		load_fail(c->load, "a message of %zu bytes is more than this program sends", data.size);
		return;
	}
	frame[0] = (unsigned char)(FIN | opcode);
	frame[1] = (unsigned char)(MASKED | (data.size < 126 ? data.size : 126));
	if (data.size >= 126) {
		frame[2] = (unsigned char)(data.size >> 8);
		frame[3] = (unsigned char)data.size;
		head = 4;
	}
	memcpy(frame + head, mask, 4);
	head += 4;
	for (size_t i = 0; i < data.size; i++)
		frame[head + i] = (unsigned char)data.at[i] ^ mask[i & 3];
	net_send(c, frame, head + data.size);
}

void websocket_send(struct client *c, bool binary, struct text data)
{
	send_frame(c, binary ? BINARY : TEXT, data);
}

static void frame(struct client *c, unsigned first, struct text data)
{
	switch (first) {
	case FIN | TEXT:
		client_packet(c, data);
		break;
	case FIN | BINARY:
		client_blob(c, data);
		break;
	case FIN | PING:
		send_frame(c, PONG, data);
		break;
	case FIN | PONG:
		break;
	case FIN | CLOSE:
		load_fail(c->load, "client %u: the server closed its WebSocket", c->index);
		break;
	default:
		load_fail(c->load, "client %u: a frame that begins with %02x", c->index, first);
	}
}

static uint64_t big_endian(const unsigned char *at, unsigned n)
{
	uint64_t value = 0;

	while (n--)
		value = value << 8 | *at++;
	return value;
}

/* Size of the frame and where its payload begins; 0: it is not there yet. */
static size_t frame_size(struct text in, size_t *head)
{
	const unsigned char *at = (const void *)in.at;
	unsigned more;
	uint64_t size;

	if (in.size < 2)
		return 0;
	more = at[1] == 126 ? 2 : at[1] == 127 ? 8 : 0;
	*head = 2 + more;
	if (in.size < *head)
		return 0;
	size = *head + (more ? big_endian(at + 2, more) : at[1]);
	return size <= in.size ? (size_t)size : 0;
}

static size_t read_head(struct client *c, struct text in)
{
	const char *end = memmem(in.at, in.size, "\r\n\r\n", 4);

	if (end == NULL)
		return 0;
	if (in.size < 12 || memcmp(in.at, "HTTP/1.1 101", 12) != 0)
		load_fail(
			c->load, "client %u: no WebSocket: %.*s", c->index, (int)(in.size < 60 ? in.size : 60), in.at);
	c->stage = STAGE_OPENING;
	return (size_t)(end - in.at) + 4;
}

size_t websocket_read(struct client *c, struct text in)
{
	size_t used = 0, size, head;

	if (c->stage == STAGE_UPGRADING) {
		used = read_head(c, in);
		if (used == 0)
			return 0;
	}
	while (c->fd >= 0 && c->load->error[0] == '\0' &&
		(size = frame_size((struct text){ in.at + used, in.size - used }, &head))) {
		frame(c, (unsigned char)in.at[used], (struct text){ in.at + used + head, size - head });
		used += size;
	}
	return used;
}
