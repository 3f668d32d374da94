/* relay_head.c - the request as it is sent on, and the answer as it is read. See relay.h. */
#include <event2/buffer.h>
#include <inttypes.h>
#include <stdlib.h>

#include "relay.h"

enum { ANSWER_HEAD_MAX = 64 * 1024 };

static const char field[] = "Stoa-Relay";

/* --- Where it comes from ------------------------------------------------------------------------------------------ */

static const char *const schemes[] = { [SCHEME_UNKNOWN] = "-", [SCHEME_HTTP] = "http", [SCHEME_HTTPS] = "https" };

void relay_put_origin(struct buf *to, const struct forwarded *from)
{
	char address[NET_ADDRESS_SIZE];

	net_address_format(&from->client, address);
	buf_printf(to, "%s %s ", address, schemes[from->scheme]);
	if (from->host.size)
		buf_add_slice(to, from->host); /* the characters of one: forwarded.c has looked */
	else
		buf_add_char(to, '-');
}

static struct slice next_word(struct slice *text)
{
	size_t size = slice_find(*text, ' ');
	struct slice word = slice_first(*text, size);

	*text = slice_from(*text, size < text->size ? size + 1 : size);
	return word;
}

/* Takes the same time for every wrong secret of one length. */
static bool is_secret(const char *secret, struct slice given)
{
	size_t size = strlen(secret);
	volatile unsigned char difference = 0;

	if (size == 0 || given.size != size)
		return false;
	for (size_t i = 0; i < size; i++)
		difference |= (unsigned char)(given.at[i] ^ secret[i]);
	return difference == 0;
}

static bool is_taken(const struct relays *all, struct slice secret)
{
	bool is_old = loop_now(all->edge->config.loop) < all->old_until_ms;

	return is_secret(all->secret[0], secret) || (is_old && is_secret(all->secret[1], secret));
}

bool relay_read_origin(const struct relays *all, const struct http_head *head, struct forwarded *from)
{
	struct slice text = http_header_get(head, field), secret = next_word(&text), scheme;

	*from = (struct forwarded){ .scheme = SCHEME_UNKNOWN };
	if (!is_taken(all, secret) || !net_address_parse(next_word(&text), &from->client))
		return false;
	scheme = next_word(&text);
	for (int i = 0; i < (int)(sizeof(schemes) / sizeof(schemes[0])); i++)
		if (slice_equal(scheme, slice_str(schemes[i])))
			from->scheme = (enum scheme)i;
	if (!slice_equal(text, SLICE("-")))
		from->host = text;
	return true;
}

/* --- The request -------------------------------------------------------------------------------------------------- */

/* Of one connection, or written by us. What Connection names beside these is kept: as at a server, it means nothing. */
static bool goes_on(struct slice name)
{
	static const char *const dropped[] = { "Connection", "Content-Length", "Expect", "Keep-Alive",
		"Proxy-Connection", field, "TE", "Trailer", "Transfer-Encoding", "Upgrade" };

	for (size_t i = 0; i < sizeof(dropped) / sizeof(dropped[0]); i++)
		if (slice_equal_nocase(name, slice_str(dropped[i])))
			return false;
	return true;
}

static void put_field(struct buf *to, struct slice name, struct slice value)
{
	buf_add_slice(to, name);
	buf_add_str(to, ": ");
	buf_add_slice(to, value);
	buf_add_str(to, "\r\n");
}

/* All of them: with two the owner refuses it, as it would the client. */
static void put_upgrades(struct buf *to, const struct http_head *head)
{
	buf_add_str(to, "Connection: Upgrade\r\n");
	for (size_t i = 0; i < head->n_headers; i++)
		if (slice_equal_nocase(head->headers[i].name, SLICE("Upgrade")))
			put_field(to, head->headers[i].name, head->headers[i].value);
	if (head->content_length > 0 || head->chunked)
		http_put_length(to, 1); /* which refuses it as well; none follows */
}

/* The owner refuses what is too large before a byte of it is sent, whatever its own limit is. */
static void put_body_length(struct buf *to, const struct http_head *head, size_t max_body)
{
	int64_t length = head->content_length > 0 ? head->content_length : 0;

	if (head->chunked)
		buf_add_str(to, "Transfer-Encoding: chunked\r\n");
	else
		http_put_length(to, (uint64_t)length > max_body ? INT64_MAX : (uint64_t)length);
}

void relay_put_head(struct buf *to, const struct eio_request *r, enum relay_kind kind, size_t max_body)
{
	const struct http_head *head = r->head;

	buf_add_slice(to, head->method_text);
	buf_add_char(to, ' ');
	buf_add_slice(to, head->path);
	buf_add_char(to, '?'); /* a request with a sid has a query */
	buf_add_slice(to, head->query);
	buf_add_str(to, " HTTP/1.1\r\n");
	for (size_t i = 0; i < head->n_headers; i++)
		if (goes_on(head->headers[i].name))
			put_field(to, head->headers[i].name, head->headers[i].value);
	if (http_header_get(head, "Host").at == NULL)
		buf_add_str(to, "Host:\r\n");
	if (kind == RELAY_UPGRADE)
		put_upgrades(to, head);
	else if (kind == RELAY_POST)
		put_body_length(to, head, max_body);
	buf_add_str(to, "\r\n");
}

void relay_send_head(struct evbuffer *to, struct slice head, const char *secret, struct slice origin)
{
	size_t line = slice_find(head, '\n') + 1;

	evbuffer_add(to, head.at, line);
	evbuffer_add_printf(to, "%s: %s %.*s\r\n", field, secret, SLICE_ARG(origin));
	evbuffer_add(to, head.at + line, head.size - line);
}

/* --- The answer --------------------------------------------------------------------------------------------------- */

static bool next_line(struct slice *head, struct slice *line)
{
	size_t size = slice_find(*head, '\r');

	*line = slice_first(*head, size);
	if (size + 2 > head->size || head->at[size + 1] != '\n')
		return false;
	*head = slice_from(*head, size + 2);
	return true;
}

static bool read_number(struct slice text, size_t max, size_t *to)
{
	*to = 0;
	for (size_t i = 0; i < text.size; i++) {
		if (text.at[i] < '0' || text.at[i] > '9' || *to > max / 10)
			return false;
		*to = *to * 10 + (size_t)(text.at[i] - '0');
	}
	return text.size > 0 && *to <= max;
}

/* "HTTP/1.1 200 OK" */
static bool read_status(struct slice line, int *status)
{
	static const struct slice version = { "HTTP/1.1 ", 9 };
	size_t number;

	if (!slice_starts(line, version) || line.size < 12 ||
		!read_number(slice_first(slice_from(line, 9), 3), 599, &number))
		return false;
	*status = (int)number;
	return true;
}

/* What our own answer to the client has of its own is left out; see put_head() of http_answer.c. */
static bool read_field(struct slice line, struct relay_answer *a, bool *has_length, struct buf *type, struct buf *lines)
{
	size_t colon = slice_find(line, ':');
	struct slice name = slice_first(line, colon), value;

	if (colon + 1 >= line.size)
		return false;
	value = slice_from(line, line.at[colon + 1] == ' ' ? colon + 2 : colon + 1);
	if (slice_equal_nocase(name, SLICE("Content-Length"))) {
		if (*has_length || !read_number(value, SIZE_MAX / 4, &a->body_size))
			return false;
		*has_length = true;
	} else if (slice_equal_nocase(name, SLICE("Content-Type"))) {
		buf_clear(type);
		buf_add_slice(type, value);
		buf_add_char(type, '\0');
	} else if (slice_equal_nocase(name, SLICE("Connection"))) {
		a->close = slice_equal_nocase(value, SLICE("close"));
	} else if (slice_equal_nocase(name, slice_str(field))) {
		a->denied = true;
	} else if (!slice_equal_nocase(name, SLICE("Date"))) {
		put_field(lines, name, value);
	}
	return true;
}

static bool read_head(struct slice head, struct relay_answer *a, bool *has_length, struct buf *type, struct buf *lines)
{
	struct slice line;

	if (!next_line(&head, &line) || !read_status(line, &a->status))
		return false;
	while (next_line(&head, &line) && line.size)
		if (!read_field(line, a, has_length, type, lines))
			return false;
	return head.size == 0 && !type->failed && !lines->failed;
}

int relay_read_answer(
	struct evbuffer *from, bool head_only, struct relay_answer *a, struct buf *type, struct buf *lines)
{
	struct evbuffer_ptr end = evbuffer_search(from, "\r\n\r\n", 4, NULL);
	bool has_length = false;

	*a = (struct relay_answer){ 0 };
	buf_clear(type);
	buf_clear(lines);
	if (end.pos < 0)
		return evbuffer_get_length(from) > ANSWER_HEAD_MAX ? -1 : 0;
	a->head_size = (size_t)end.pos + 4;
	if (a->head_size > ANSWER_HEAD_MAX ||
		!read_head(slice_of(evbuffer_pullup(from, end.pos + 4), a->head_size), a, &has_length, type, lines))
		return -1;
	if (!has_length && a->status != 101 && a->status != 304)
		return -1; /* ours always say */
	if (head_only || a->status == 101 || a->status == 304)
		a->body_size = 0;
	return 1;
}
