/*
 * payload.c - values as what is sent: JSON and its attachments, or MessagePack, whichever the clients' parser wants.
 *
 * It is made at the call, so that what cannot be sent is an error there and nothing of the application's is looked at
 * later.
 */
#include "internal.h"
#include "msgpack.h"

#include <errno.h>

static int copy_blobs(struct app *a, const struct json_blobs *blobs, struct payload *p)
{
	struct slice *copy = arena_take(&a->arena, blobs->count * sizeof(*copy));

	for (size_t i = 0; copy && i < blobs->count; i++) {
		copy[i] = slice_of(arena_copy(&a->arena, blobs->at[i].at, blobs->at[i].size), blobs->at[i].size);
		if (copy[i].at == NULL)
			copy = NULL;
	}
	p->blobs = copy;
	p->n_blobs = copy ? blobs->count : 0;
	return copy || blobs->count == 0 ? 0 : -ENOMEM;
}

/* What a->scratch holds, and its attachments. */
static int payload_take(struct app *a, int error, struct json_blobs *blobs, struct payload *p)
{
	*p = (struct payload){ .blobs = NULL };
	if (error == 0 && a->scratch.failed)
		error = -ENOMEM;
	if (error == 0 && blobs->count > a->limits.max_attachments) {
		app_count(M_LIMIT_ATTACHMENTS);
		error = -E2BIG;
	}
	if (error == 0)
		p->json = slice_of(arena_copy(&a->arena, a->scratch.at, a->scratch.size), a->scratch.size);
	if (error == 0 && p->json.at == NULL)
		error = -ENOMEM;
	if (error == 0 && blobs->count)
		error = copy_blobs(a, blobs, p);
	json_blobs_fini(blobs);
	return error;
}

static int encode_list(struct app *a, struct stoa_list list, struct json_blobs *blobs)
{
	int error;

	if (a->encoding == VALUE_MSGPACK)
		return msgpack_encode_list(&a->scratch, list.at, list.size, MSGPACK_CLIENT);
	buf_add_char(&a->scratch, '[');
	error = json_encode_items(&a->scratch, list.at, list.size, blobs);
	buf_add_char(&a->scratch, ']');
	return error;
}

int payload_of_list(struct app *a, struct stoa_list list, struct payload *p)
{
	struct json_blobs blobs = { NULL, 0, 0 };

	buf_clear(&a->scratch);
	return payload_take(a, encode_list(a, list, &blobs), &blobs, p);
}

int payload_of_json(struct app *a, struct stoa_value v, struct payload *p)
{
	struct json_blobs blobs = { NULL, 0, 0 };

	buf_clear(&a->scratch);
	return payload_take(a, json_encode(&a->scratch, v, &blobs), &blobs, p);
}

int payload_of_value(struct app *a, struct stoa_value v, struct payload *p)
{
	struct json_blobs none = { NULL, 0, 0 };

	if (a->encoding == VALUE_JSON)
		return payload_of_json(a, v, p);
	buf_clear(&a->scratch);
	return payload_take(a, msgpack_encode(&a->scratch, v, MSGPACK_CLIENT), &none, p);
}

struct payload payload_empty(const struct app *a)
{
	return (struct payload){ .json = a->encoding == VALUE_JSON ? SLICE("[]") : SLICE("\x90") };
}

const char *payload_fault(int error)
{
	if (error == -EINVAL)
		return "a value that cannot be sent";
	return error == -E2BIG ? "more attachments than max_attachments" : NULL;
}

/* An object that says something under `key`, and may have `data`. */
struct words {
	const char *key;
	bool in_array;
	bool always_data;          /* in MessagePack, where it can be undefined, as Node's is */
	struct slice otherwise[2]; /* by encoding: when there is no memory to say it */
};

static const struct words refusal = { "message", false, true,
	{ [VALUE_JSON] = { "{\"message\":\"Connection rejected by server\"}", 43 },
		[VALUE_MSGPACK] = { "\x81\xA7message\xBD\103onnection rejected by server", 39 } } };
static const struct words failure = { "error", true, false,
	{ [VALUE_JSON] = { "[{\"error\":\"the handler failed\"}]", 32 },
		[VALUE_MSGPACK] = { "\x91\x81\xA5\145rror\xB2the handler failed", 27 } } };

static int json_words(struct buf *to, const struct words *w, const char *message, struct slice data)
{
	int error;

	buf_printf(to, "%s{\"%s\":", w->in_array ? "[" : "", w->key);
	error = json_encode_text(to, slice_str(message));
	if (data.size) {
		buf_add_str(to, ",\"data\":");
		buf_add_slice(to, data);
	}
	buf_add_str(to, w->in_array ? "}]" : "}");
	return error;
}

static int msgpack_words(struct buf *to, const struct words *w, const char *message, struct slice data)
{
	int error;

	if (w->in_array)
		msgpack_put_array(to, 1);
	msgpack_put_map(to, data.size || w->always_data ? 2 : 1);
	msgpack_put_text(to, slice_str(w->key));
	error = msgpack_encode(to, value_text(slice_str(message)), MSGPACK_CLIENT);
	if (data.size || w->always_data)
		msgpack_put_text(to, SLICE("data"));
	if (data.size)
		buf_add_slice(to, data);
	else if (w->always_data)
		msgpack_put_undefined(to);
	return error;
}

static int payload_of_words(
	struct app *a, const struct words *w, const char *message, const struct payload *data, struct payload *p)
{
	struct json_blobs none = { NULL, 0, 0 };
	struct slice more = data ? data->json : SLICE("");
	int error;

	buf_clear(&a->scratch);
	error = a->encoding == VALUE_JSON ? json_words(&a->scratch, w, message, more)
					  : msgpack_words(&a->scratch, w, message, more);
	error = payload_take(a, error, &none, p);
	if (error) {
		p->json = w->otherwise[a->encoding];
	} else if (data) {
		p->blobs = data->blobs;
		p->n_blobs = data->n_blobs;
	}
	return error;
}

int payload_of_refusal(struct app *a, const char *message, const struct payload *data, struct payload *p)
{
	return payload_of_words(a, &refusal, message, data, p);
}

int payload_of_error(struct app *a, const char *message, const struct payload *data, struct payload *p)
{
	return payload_of_words(a, &failure, message, data, p);
}
