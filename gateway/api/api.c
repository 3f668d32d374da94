/* api.c - a request from its head to its answer. See api.h. */
#include "api.h"

#include <stdlib.h>

#include "alloc.h"
#include "api_internal.h"
#include "api_key.h"
#include "log.h"
#include "metrics.h"

static const struct api_operation operations[] = {
	{ "emit", OP_EMIT, api_emit },
	{ "join", OP_JOIN, api_join },
	{ "leave", OP_LEAVE, api_leave },
	{ "disconnect", OP_DISCONNECT, api_disconnect },
	{ "rooms", OP_ROOMS, api_rooms },
	{ "sockets", OP_SOCKETS, api_sockets },
	{ "namespaces", OP_NAMESPACES, api_namespaces },
	{ "counts", OP_COUNTS, api_counts },
};

static const struct slice prefix = { "/api/v1/", 8 };

static const struct api_operation *operation_of(struct slice path)
{
	struct slice name = slice_starts(path, prefix) ? slice_from(path, prefix.size) : SLICE("");

	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
		if (slice_equal(name, slice_str(operations[i].name)))
			return &operations[i];
	return NULL;
}

static bool may_get(const struct api_operation *o)
{
	return (o->bit & OP_ACTS) == 0;
}

/* --- Answers ------------------------------------------------------------------------------------------------------ */

static void count_result(int status)
{
	if (status < 300)
		metrics_count(M_API_OK);
	else if (status == 401)
		metrics_count(M_API_UNAUTHORIZED);
	else
		metrics_count(status < 500 ? M_API_REFUSED : M_API_FAILED);
}

static void finish(struct edge_api_answer *a, int status)
{
	static const struct api_error no_memory = { 503, "out of memory", NULL };

	buf_add_char(&a->body, '\n'); /* for those who read it in a terminal */
	if (a->body.failed) {
		buf_clear(&a->body);
		api_put_error(&a->body, &no_memory, -1);
		status = no_memory.status;
	}
	a->status = status;
	count_result(status);
}

/* Always false, as head() then is. */
static bool refuse(struct edge_api_answer *a, int status, const char *message, const char *lines)
{
	api_put_error(&a->body, &(struct api_error){ status, message, NULL }, -1);
	buf_add_str(&a->headers, lines);
	finish(a, status);
	return false;
}

/* --- The head ----------------------------------------------------------------------------------------------------- */

static bool refuse_key(struct api *api, const struct edge_api_request *r, struct edge_api_answer *a)
{
	int64_t count;

	if (sample_take(&api->wrong_keys, r->now_ms, &count))
		log_warn("api refused", LOG_S("why", r->authorization.at ? "wrong key" : "no key"),
			LOG_I("count", count));
	return refuse(a, 401,
		r->authorization.at ? "the key is not this gateway's api_key; send Authorization: Bearer KEY"
				    : "no key; send Authorization: Bearer KEY with the gateway's api_key",
		"WWW-Authenticate: Bearer\r\n");
}

static bool is_json(const struct edge_api_request *r)
{
	struct slice type = slice_first(r->content_type, slice_find(r->content_type, ';'));

	while (type.size && (type.at[type.size - 1] == ' ' || type.at[type.size - 1] == '\t'))
		type.size--;
	return slice_equal_nocase(type, SLICE("application/json")) && r->content_encoding.size == 0;
}

static bool check_method(const struct edge_api_request *r, const struct api_operation *o, struct edge_api_answer *a)
{
	if (r->method == HTTP_POST || (r->method == HTTP_GET && may_get(o)))
		return true;
	return may_get(o) ? refuse(a, 405, "this path takes GET and POST", "Allow: GET, POST\r\n")
			  : refuse(a, 405, "this path takes POST", "Allow: POST\r\n");
}

static bool head(void *ctx, const struct edge_api_request *r, struct edge_api_answer *a)
{
	struct api *api = ctx;
	const struct api_operation *o = operation_of(r->path);

	if (api->key == NULL)
		return refuse(a, 404, "the HTTP API is off; the option api_key or api_key_file turns it on", "");
	if (!api_key_matches(api->key, r->authorization))
		return refuse_key(api, r, a);
	if (o == NULL)
		return refuse(a, 404,
			"there is no such path; there are emit, join, leave, disconnect, rooms, sockets, namespaces "
			"and "
			"counts, all under /api/v1/",
			"");
	if (!check_method(r, o, a))
		return false;
	if (r->method == HTTP_POST && !is_json(r))
		return refuse(a, 415, "the body must be JSON as it is; send Content-Type: application/json", "");
	return true;
}

static void too_large(void *ctx, struct edge_api_answer *a)
{
	(void)ctx;
	metrics_count(M_LIMIT_API_BODY);
	refuse(a, 413, "the body is larger than the option api_max_body allows", "");
}

/* --- The body ----------------------------------------------------------------------------------------------------- */

enum { KEY_MAX = 255 };

static void run(struct api *api, const struct edge_api_request *r, struct edge_api_answer *a)
{
	const struct api_operation *o = operation_of(r->path);

	arena_reset(&api->arena);
	finish(a, r->method == HTTP_GET ? api_run_query(api, o, r->now_ms, r->query, &a->body)
					: api_run(api, o, r->now_ms, r->body, &a->body));
	log_debug("api", LOG_S("operation", o->name), LOG_I("status", a->status));
}

static void replay(const struct remembered *old, struct edge_api_answer *a)
{
	buf_add_slice(&a->body, old->body);
	buf_add_str(&a->headers, "Idempotent-Replayed: true\r\n");
	a->status = old->status;
	metrics_count(M_API_REPLAYED);
}

/* A refusal is not remembered: nothing was done, and the request may come again better. */
static void run_once(struct api *api, const struct edge_api_request *r, struct edge_api_answer *a)
{
	const struct remembered *old = remember_find(&api->answers, r->now_ms, r->idempotency_key);
	unsigned char digest[REQUEST_DIGEST_SIZE];

	request_digest(r->path, r->body, digest);
	if (old && memcmp(old->digest, digest, sizeof(digest)) == 0) {
		replay(old, a);
	} else if (old) {
		refuse(a, 422, "this Idempotency-Key came before with another request", "");
	} else {
		run(api, r, a);
		if (a->status == 200)
			remember_add(
				&api->answers, r->now_ms, r->idempotency_key, digest, a->status, buf_slice(&a->body));
	}
}

static void request(void *ctx, const struct edge_api_request *r, struct edge_api_answer *a)
{
	struct slice key = r->idempotency_key;

	if (key.at && (key.size == 0 || key.size > KEY_MAX))
		refuse(a, 400, "an Idempotency-Key has 1 to 255 characters", "");
	else if (key.at && !may_get(operation_of(r->path)))
		run_once(ctx, r, a);
	else
		run(ctx, r, a);
}

const struct edge_api_ops api_ops = { head, request, too_large };

/* --- Life --------------------------------------------------------------------------------------------------------- */

struct api *api_open(const struct gateway_options *options, struct hub *hub, char *why, size_t why_size)
{
	struct api *a = must_alloc(sizeof(*a));

	a->options = options;
	a->hub = hub;
	remember_init(&a->answers, (size_t)options->api_idempotency_memory, options->api_idempotency_time_ms);
	if (api_key_read(options, &a->key, why, why_size))
		return a;
	api_free(a);
	return NULL;
}

void api_free(struct api *a)
{
	if (a == NULL)
		return;
	remember_fini(&a->answers);
	arena_fini(&a->arena);
	free(a->key);
	free(a);
}

void api_set_cluster(struct api *a, struct cluster *cluster)
{
	a->cluster = cluster;
}

bool api_is_on(const struct api *a)
{
	return a->key != NULL;
}
