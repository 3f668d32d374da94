/* api_batch.c - one object or several: {..}, {"batch":[{..},..]} or [{..},..]. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "api_internal.h"
#include "api_object.h"
#include "metrics.h"

static const struct json_rules rules = { VALUE_DEPTH_MAX, JSON_NO_BLOBS };

/* --- Errors ------------------------------------------------------------------------------------------------------- */

bool api_fail(struct api_call *c, int status, const char *field, const char *format, ...)
{
	char text[300];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	c->error = (struct api_error){ status, NULL, field };
	if (n >= 0)
		c->error.message = arena_copy(&c->api->arena, text, strlen(text));
	return c->error.message ? false : api_no_memory(c);
}

bool api_no_memory(struct api_call *c)
{
	metrics_count(M_OUT_OF_MEMORY);
	c->error = (struct api_error){ 503, "out of memory", NULL };
	return false;
}

void api_put_error(struct buf *to, const struct api_error *e, int64_t index)
{
	buf_add_str(to, "{\"error\":{\"message\":");
	if (json_encode_text(to, slice_str(e->message)) < 0) /* the cut went through a character */
		buf_add_str(to, "\"refused\"");
	if (e->field) {
		buf_add_str(to, ",\"field\":");
		json_encode_text(to, slice_str(e->field));
	}
	if (index >= 0)
		buf_printf(to, ",\"index\":%" PRId64, index);
	buf_add_str(to, "}}");
}

/* --- One ---------------------------------------------------------------------------------------------------------- */

static struct api_call call_of(struct api *a, const struct api_operation *operation, int64_t now_ms)
{
	return (struct api_call){ .api = a, .operation = operation, .now_ms = now_ms, .namespace = SLICE("/") };
}

/* Its answer or its error, appended; the status. */
static int run_one(struct api_call *c, struct slice object, int64_t index, struct buf *answer)
{
	size_t begin = answer->size;

	if (object.at[0] != '{')
		api_fail(c, 400, NULL, index < 0 ? "the body must be an object" : "must be an object");
	else if (api_read_fields(c, object) && c->operation->run(c, answer))
		return 200;
	answer->size = begin;
	api_put_error(answer, &c->error, index);
	return c->error.status;
}

static int refuse(struct api_call *c, struct buf *answer)
{
	buf_clear(answer);
	api_put_error(answer, &c->error, -1);
	return c->error.status;
}

/* --- Several ------------------------------------------------------------------------------------------------------ */

static bool count_items(struct api_call *c, struct slice array)
{
	struct json_items it = json_items_of(array, &rules);
	struct slice item;
	int64_t n = 0, max = c->api->options->api_max_batch;

	while (json_items_next(&it, &item))
		n++;
	if (n <= max)
		return true;
	metrics_count(M_LIMIT_API_BATCH);
	return api_fail(c, 422, "batch", "%" PRId64 " items; api_max_batch is %" PRId64, n, max);
}

/* Each by itself and in order: one that is refused does not stop the others. */
static int run_batch(const struct api_call *like, struct slice array, struct buf *answer)
{
	struct json_items it = json_items_of(array, &rules);
	struct slice item;
	int64_t index = 0, failed = 0;

	buf_add_str(answer, "{\"results\":[");
	while (json_items_next(&it, &item)) {
		struct api_call c = *like;

		if (index > 0)
			buf_add_char(answer, ',');
		failed += run_one(&c, item, index++, answer) != 200;
	}
	buf_printf(answer, "],\"failed\":%" PRId64 "}", failed);
	return 200;
}

/* {"batch":[..]} and nothing beside it. */
static bool is_batch(struct api_call *c, struct slice object, struct slice *array)
{
	struct object_walk walk = object_walk(object);
	struct slice key, value;

	if (object.at[0] != '{' || !object_next(&walk, &key, &value) || !slice_equal(key, SLICE("\"batch\"")))
		return false;
	*array = value;
	if (value.at[0] != '[')
		api_fail(c, 400, "batch", "must be an array");
	else if (object_next(&walk, &key, &value))
		api_fail(c, 400, "batch", "may have no other field beside it");
	return true;
}

static int run_body(struct api_call *c, struct slice body, struct buf *answer)
{
	struct slice array = body;

	if (body.at[0] != '[' && !is_batch(c, body, &array))
		return run_one(c, body, -1, answer);
	if (c->error.status == 0 && (c->operation->bit & OP_ACTS) == 0)
		api_fail(c, 400, "batch", "%s takes one object, not a batch", c->operation->name);
	if (c->error.status || !count_items(c, array))
		return refuse(c, answer);
	return run_batch(c, array, answer);
}

/* --- The whole ---------------------------------------------------------------------------------------------------- */

int api_run(struct api *a, const struct api_operation *operation, int64_t now_ms, struct slice body, struct buf *answer)
{
	struct api_call c = call_of(a, operation, now_ms);
	struct slice text = json_trim(body.size ? body : SLICE("{}"));
	unsigned flags;
	const char *why = json_check(text, &rules, &flags);

	if (why) {
		api_fail(&c, 400, NULL, "the body: %s", why);
		return refuse(&c, answer);
	}
	return run_body(&c, text, answer);
}

int api_run_query(
	struct api *a, const struct api_operation *operation, int64_t now_ms, struct slice query, struct buf *answer)
{
	struct api_call c = call_of(a, operation, now_ms);
	struct buf json = BUF_INIT;
	int status;

	if (api_read_query(&c, query, &json))
		status = run_one(&c, buf_slice(&json), -1, answer);
	else
		status = refuse(&c, answer);
	buf_fini(&json);
	return status;
}
