/* data.c - what is kept with a client for the layer above, and a client described in JSON. See client.h. */
#include <errno.h>
#include <stdlib.h>

#include "client_internal.h"
#include "http1.h"
#include "json.h"
#include "utf8.h"

/* --- Data --------------------------------------------------------------------------------------------------------- */

static struct slice key_of(const struct client_datum *d)
{
	return slice_of(d->text, d->key_size);
}

static struct slice json_of(const struct client_datum *d)
{
	return slice_of(d->text + d->key_size, d->json_size);
}

static struct client_datum **find(struct client *c, struct slice key)
{
	struct client_datum **at = &c->data;

	while (*at && !slice_equal(key_of(*at), key))
		at = &(*at)->next;
	return at;
}

/* `"key":value,`; the last comma and the braces around all make one byte more. */
static size_t weight(struct slice key, struct slice json)
{
	return key.size + json.size + 2;
}

static struct client_datum *datum_new(struct slice key, struct slice json)
{
	struct client_datum *d = malloc(sizeof(*d) + key.size + json.size);

	if (d == NULL)
		return NULL;
	d->key_size = key.size;
	d->json_size = json.size;
	memcpy(d->text, key.at, key.size);
	memcpy(d->text + key.size, json.at, json.size);
	return d;
}

int client_put_data(struct client *c, struct slice key, struct slice json)
{
	struct client_datum **at = find(c, key), *old = *at, *put = NULL;
	size_t max_bytes = c->conn->all->config.max_session_bytes;
	size_t bytes = c->data_bytes - (old ? weight(key, json_of(old)) : 0);

	if (json.size) {
		bytes += weight(key, json);
		if (max_bytes && bytes + 1 > max_bytes)
			return -E2BIG;
		put = datum_new(key, json);
		if (put == NULL)
			return -ENOMEM;
		put->next = old ? old->next : NULL;
	}
	*at = put ? put : old ? old->next : NULL;
	c->data_bytes = bytes;
	c->data_version++;
	free(old);
	return 0;
}

void client_data(const struct client *c, void (*each)(void *to, struct slice key, struct slice json), void *to)
{
	for (const struct client_datum *d = c->data; d; d = d->next)
		each(to, key_of(d), json_of(d));
}

void client_free_data_list(void *first)
{
	struct client_datum *d = first;

	while (d) {
		struct client_datum *next = d->next;

		free(d);
		d = next;
	}
}

void client_free_data(struct client *c)
{
	client_free_data_list(c->data);
	c->data = NULL;
}

/* --- Description -------------------------------------------------------------------------------------------------- */

/* Appends what a peer sent as JSON text: what is no UTF-8 becomes U+FFFD. */
static void add_text(struct buf *to, struct slice raw)
{
	struct buf mended = BUF_INIT;

	if (!utf8_valid(raw)) {
		utf8_mend(&mended, raw);
		raw = buf_slice(&mended);
		to->failed |= mended.failed;
	}
	if (json_encode_text(to, raw) < 0)
		to->failed = true;
	buf_fini(&mended);
}

static void add_comma(struct buf *to)
{
	if (to->size && to->at[to->size - 1] != '{' && to->at[to->size - 1] != '[')
		buf_add_char(to, ',');
}

static void add_room(void *to, struct slice room)
{
	add_comma(to);
	add_text(to, room);
}

static void add_datum(void *to, struct slice key, struct slice json)
{
	add_comma(to);
	buf_add_slice(to, key);
	buf_add_char(to, ':');
	buf_add_slice(to, json);
}

/* A piece with a broken escape is as it was sent. */
static void add_unescaped(struct buf *to, struct slice text)
{
	struct buf plain = BUF_INIT;
	bool ok = http_unescape(&plain, text, true) == 0 && !plain.failed;

	add_text(to, ok ? buf_slice(&plain) : text);
	buf_fini(&plain);
}

void client_add_query(struct buf *to, struct slice query)
{
	struct slice name, value;

	while (http_query_next(&query, &name, &value)) {
		add_comma(to);
		add_unescaped(to, name);
		buf_add_char(to, ':');
		add_unescaped(to, value);
	}
}

/* Takes the next "name: value" line. */
static bool next_header(struct slice *lines, struct slice *name, struct slice *value)
{
	size_t end = slice_find(*lines, '\n');
	struct slice line = slice_first(*lines, end);
	size_t colon = slice_find(line, ':');

	if (lines->size == 0)
		return false;
	*lines = slice_from(*lines, end < lines->size ? end + 1 : end);
	*name = slice_first(line, colon);
	*value = colon + 2 <= line.size ? slice_from(line, colon + 2) : slice_of("", 0);
	return true;
}

static bool came_before(struct slice lines, struct slice name)
{
	struct slice other, value;
	const char *end = name.at;

	while (next_header(&lines, &other, &value) && other.at != end)
		if (slice_equal(other, name))
			return true;
	return false;
}

/* All lines of one name are one value, as Node joins them. */
static void add_header(struct buf *to, struct slice name, struct slice value, struct slice rest)
{
	struct buf joined = BUF_INIT;
	struct slice other;

	buf_add_slice(&joined, value);
	while (next_header(&rest, &other, &value)) {
		if (!slice_equal(other, name))
			continue;
		buf_add_str(&joined, slice_equal(name, SLICE("cookie")) ? "; " : ", ");
		buf_add_slice(&joined, value);
	}
	to->failed |= joined.failed;
	add_comma(to);
	add_text(to, name);
	buf_add_char(to, ':');
	add_text(to, buf_slice(&joined));
	buf_fini(&joined);
}

static void add_headers(struct buf *to, struct slice all)
{
	struct slice rest = all, name, value;

	while (next_header(&rest, &name, &value))
		if (!came_before(all, name))
			add_header(to, name, value, rest);
}

static void add_handshake(struct buf *to, const struct session_handshake *h, struct slice auth, struct slice claims)
{
	buf_add_str(to, ",\"handshake\":{\"address\":");
	add_text(to, h->address);
	buf_add_str(to, ",\"query\":{");
	client_add_query(to, h->query);
	buf_add_str(to, "},\"headers\":{");
	add_headers(to, h->headers);
	buf_add_str(to, "},\"auth\":");
	buf_add_slice(to, auth.size ? auth : SLICE("{}"));
	if (claims.size) {
		buf_add_str(to, ",\"claims\":");
		buf_add_slice(to, claims);
	}
	buf_add_char(to, '}');
}

void client_describe(const struct client *c, struct buf *to)
{
	struct session_handshake handshake = session_handshake(client_session(c));

	buf_add_str(to, "{\"id\":");
	add_text(to, slice_str(c->sid));
	buf_add_str(to, ",\"rooms\":[");
	client_rooms(c, add_room, to);
	buf_add_str(to, "],\"data\":{");
	client_data(c, add_datum, to);
	buf_add_char(to, '}');
	add_handshake(to, &handshake, client_auth(c), client_claims(c));
	buf_add_char(to, '}');
}
