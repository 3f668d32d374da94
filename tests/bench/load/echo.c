/* echo.c - every client has `window` echoes on their way, each answered by an ack; acks come in order. */
#include <stdlib.h>
#include <string.h>

#include "load.h"

enum { TEXT_MAX = 64 * 1024 };

size_t number_put(char *to, uint64_t number)
{
	char reversed[20];
	size_t n = 0;

	do {
		reversed[n++] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	for (size_t i = 0; i < n; i++)
		to[i] = reversed[n - 1 - i];
	return n;
}

static void hex_put(char *to, uint32_t number)
{
	for (int i = 7; i >= 0; i--) {
		to[i] = "0123456789abcdef"[number & 15];
		number >>= 4;
	}
}

void payload_put(char *to, size_t size, uint32_t id, uint32_t number)
{
	enum { PATTERN = 8192 };
	static char pattern[PATTERN + TEXT_MAX];
	uint32_t random = 12345;

	if (pattern[0] == '\0') {
		for (size_t i = 0; i < sizeof(pattern); i++) {
			random = random * 1664525 + 1013904223;
			pattern[i] = (char)('a' + (random >> 16) % 26);
		}
	}
	hex_put(to, id);
	hex_put(to + 8, number);
	memcpy(to + PAYLOAD_LEAST, pattern + (id * 31 + number * 7) % PATTERN, size - PAYLOAD_LEAST);
}

/* before + number + middle + payload + "\"]" */
static struct text compose(char *to, const struct client *c, const char *before, uint32_t number, const char *middle)
{
	size_t payload = c->load->o.bytes, size = strlen(before), n = strlen(middle);

	memcpy(to, before, size);
	size += number_put(to + size, number);
	memcpy(to + size, middle, n);
	size += n;
	payload_put(to + size, payload, c->index, number);
	size += payload;
	memcpy(to + size, "\"]", 2);
	return (struct text){ to, size + 2 };
}

static void ask(struct client *c)
{
	char packet[TEXT_MAX];

	c->sent_at[c->sent % c->load->o.window] = clock_ns();
	client_say(c, compose(packet, c, "42", c->sent, "[\"echo\",\""));
	c->sent++;
	c->load->said++;
	c->load->outstanding++;
}

static void prepare(struct load *l)
{
	for (size_t i = 0; i < l->n_clients; i++) {
		l->clients[i].sent_at = calloc(l->o.window, sizeof(uint64_t));
		if (l->clients[i].sent_at == NULL)
			abort();
	}
}

static void begin(struct load *l)
{
	for (size_t i = 0; i < l->n_clients; i++)
		for (size_t n = 0; n < l->o.window && load_speaks(l); n++)
			ask(&l->clients[i]);
}

static void packet(struct client *c, struct text got)
{
	char buffer[TEXT_MAX];
	struct text wanted = compose(buffer, c, "43", c->next, "[\"");

	if (c->next == c->sent || got.size != wanted.size || memcmp(got.at, wanted.at, got.size) != 0) {
		client_unexpected(c, got, wanted);
		return;
	}
	c->load->outstanding--;
	load_unit(c->load, c->sent_at[c->next++ % c->load->o.window]);
	if (!load_speaks(c->load))
		return;
	if (!c->load->o.in_step)
		ask(c);
	else if (c->load->outstanding == 0)
		begin(c->load);
}

const struct scenario scenario_echo = { .name = "echo", .prepare = prepare, .begin = begin, .packet = packet };
