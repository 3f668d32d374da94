/*
 * eio3.c - Socket.IO for clients of Engine.IO 3 (socket.io-client 2.x), where it differs from protocol 5
 * (protocol.md 2.9): a namespace with a query, ids, refusals.
 */
#include "client_internal.h"

/* The query of a CONNECT is what auth is to newer clients. A query elsewhere says nothing. */
void eio3_split_namespace(struct sio_packet *p, struct buf *auth)
{
	size_t end = slice_find(p->nsp, '?');
	struct slice query;

	if (p->type == SIO_CONNECT)
		p->data = SLICE("");
	if (end == p->nsp.size)
		return;
	query = slice_from(p->nsp, end + 1);
	p->nsp = slice_first(p->nsp, end);
	if (p->type != SIO_CONNECT)
		return;
	buf_add_char(auth, '{');
	client_add_query(auth, query);
	buf_add_char(auth, '}');
	if (!auth->failed)
		p->data = buf_slice(auth);
}

/* The client makes its id out of its session's, which is the only one that it is told of. */
size_t eio3_sid_size(struct slice nsp)
{
	return slice_equal(nsp, SLICE("/")) ? SID_SIZE : nsp.size + 1 + SID_SIZE;
}

void eio3_put_sid(char *to, struct slice nsp, const struct session *s)
{
	if (!slice_equal(nsp, SLICE("/"))) {
		memcpy(to, nsp.at, nsp.size);
		to += nsp.size;
		*to++ = '#';
	}
	memcpy(to, s->sid, SID_SIZE);
}

/* --- Refusals ----------------------------------------------------------------------------------------------------- */

/* Behind the string that text begins with. */
static struct slice behind_string(struct slice text)
{
	size_t i = 1;

	while (i < text.size && text.at[i] != '"')
		i += text.at[i] == '\\' ? 2 : 1;
	return i < text.size ? slice_from(text, i + 1) : (struct slice){ 0 };
}

/* What JavaScript takes for false. */
static bool is_nothing(struct slice json)
{
	static const struct slice nothing[] = { { "null", 4 }, { "false", 5 }, { "0", 1 }, { "\"\"", 2 } };

	for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++)
		if (slice_equal(json, nothing[i]))
			return true;
	return json.size == 0;
}

struct slice eio3_refusal(struct slice json)
{
	static const struct slice message = { "{\"message\":", 11 }, data = { ",\"data\":", 8 };
	struct slice words, rest;

	if (!slice_starts(json, message))
		return json;
	words = slice_from(json, message.size);
	rest = behind_string(words);
	words = slice_first(words, words.size - rest.size);
	if (!slice_starts(rest, data))
		return words;
	rest = slice_from(rest, data.size);
	rest.size--; /* the brace */
	return is_nothing(rest) ? words : rest;
}
