/*
 * test_api.c - the HTTP API on a rig: requests in, answers out, and what clients then receive. The edge's part (heads,
 * bodies, connections) is tests/e2e/api.test.mjs.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "api_internal.h"
#include "metrics.h"
#include "rig.h"
#include "test_main.h"

#define KEY "0123456789abcdef"

static struct rig rig;
static struct api *api;
static struct edge_api_answer answer;

static const char *const options[] = { "api_key=" KEY, "max_rooms=3", "api_max_batch=3", "api_max_list=3",
	"api_idempotency_time=10s", "api_idempotency_memory=1KB", "max_attachments=2", "max_json_depth=4",
	"max_event_name=20B", "max_room_name=20B", NULL };

static void setup(void)
{
	char why[256] = "";

	ck_assert_msg(rig_open(&rig, STOA_APPS "/conformance.so", options, NULL) == 0, "%s", rig.error);
	api = api_open(&rig.sim.options, &rig.sim.hub, why, sizeof(why));
	ck_assert_msg(api != NULL, "%s", why);
}

static void clear_answer(void)
{
	buf_fini(&answer.body);
	buf_fini(&answer.headers);
	answer = (struct edge_api_answer){ 0 };
}

static void teardown(void)
{
	clear_answer();
	api_free(api);
	rig_close(&rig);
}

/* --- Asking ------------------------------------------------------------------------------------------------------- */

static struct edge_api_request request_of(enum http_method method, const char *path, const char *body)
{
	return (struct edge_api_request){ .now_ms = rig.sim.now_ms,
		.method = method,
		.path = slice_str(path),
		.authorization = SLICE("Bearer " KEY),
		.content_type = SLICE("application/json"),
		.body = slice_str(body) };
}

/* As the edge does it. */
static const char *send_request(const struct edge_api_request *r)
{
	clear_answer();
	if (api_ops.head(api, r, &answer))
		api_ops.request(api, r, &answer);
	rig_turn(&rig);
	ck_assert(!answer.body.failed);
	ck_assert_uint_gt(answer.body.size, 0);
	ck_assert_int_eq(answer.body.at[answer.body.size - 1], '\n');
	answer.body.at[answer.body.size - 1] = '\0';
	return answer.body.at;
}

static const char *post(const char *path, const char *body)
{
	struct edge_api_request r = request_of(HTTP_POST, path, body);

	return send_request(&r);
}

static const char *get(const char *path, const char *query)
{
	struct edge_api_request r = request_of(HTTP_GET, path, "");

	r.query = slice_str(query);
	return send_request(&r);
}

static const char *post_once(const char *key, const char *body)
{
	struct edge_api_request r = request_of(HTTP_POST, "/api/v1/emit", body);

	r.idempotency_key = slice_str(key);
	return send_request(&r);
}

#define expect(status_, text_, got_) \
	do { \
		const char *got__ = (got_); \
		ck_assert_str_eq(got__, (text_)); \
		ck_assert_int_eq(answer.status, (status_)); \
	} while (0)

#define emit(body_) post("/api/v1/emit", (body_))

/* --- Clients ------------------------------------------------------------------------------------------------------ */

/* The next message, in a buffer that lasts until the next call; "": none. */
static const char *next(struct rig_client *c)
{
	static char text[1000];
	struct sim_message *m = rig_take(c);

	snprintf(text, sizeof(text), "%s%s", m && m->binary ? "binary " : "", m ? m->data : "");
	free(m);
	return text;
}

/* Joins the namespace; its id there. */
static const char *enter(struct rig_client *c, const char *packet, char sid[SID_SIZE + 1])
{
	const char *got, *at;

	rig_send(c, slice_str(packet));
	got = next(c);
	at = strstr(got, "\"sid\":\"");
	ck_assert_msg(at != NULL, "%s", got);
	memcpy(sid, at + 7, SID_SIZE);
	sid[SID_SIZE] = '\0';
	while (next(c)[0]) /* what the application says at once */
		continue;
	return sid;
}

static char sid_a[SID_SIZE + 1], sid_b[SID_SIZE + 1];

static struct rig_client *client(const char *name, char sid[SID_SIZE + 1])
{
	struct rig_client *c = rig_ws(&rig, name);

	while (next(c)[0])
		continue;
	enter(c, "40", sid);
	return c;
}

static const char *with(const char *format, const char *text)
{
	static char made[1000];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(made, sizeof(made), format, text);
#pragma GCC diagnostic pop
	return made;
}

/* --- Emitting ----------------------------------------------------------------------------------------------------- */

START_TEST(arguments_arrive_as_they_came)
{
	struct rig_client *a = client("a", sid_a);

	expect(200, "{\"delivered\":1}", emit("{\"event\":\"e\",\"broadcast\":true,\"args\":[ 1.50, {\"k\" : [2]} ]}"));
	ck_assert_str_eq(next(a), "42[\"e\",1.50, {\"k\" : [2]}]");
	expect(200, "{\"delivered\":1}", emit("{\"event\":\"\\u0065\",\"broadcast\":true,\"data\":null}"));
	ck_assert_str_eq(next(a), "42[\"\\u0065\",null]");
	expect(200, "{\"delivered\":1}", emit("{\"event\":\"e\",\"broadcast\":true}"));
	ck_assert_str_eq(next(a), "42[\"e\"]");
	expect(200, "{\"delivered\":1}", emit("{\"event\":\"e\",\"broadcast\":true,\"args\":[]}"));
	ck_assert_str_eq(next(a), "42[\"e\"]");
	expect(200, "{\"delivered\":1}", emit("{\"event\":\"e\",\"broadcast\":true,\"args\":[-0,1e400]}"));
	ck_assert_str_eq(next(a), "42[\"e\",0,null]");
}
END_TEST

START_TEST(whom_is_rooms_and_ids_each_once)
{
	struct rig_client *a = client("a", sid_a), *b = client("b", sid_b);

	post("/api/v1/join", with("{\"room\":\"r\",\"to\":\"%s\"}", sid_a));
	expect(200, "{\"delivered\":1}", emit("{\"event\":\"e\",\"to\":\"r\"}"));
	expect(200, "{\"delivered\":1}", emit(with("{\"event\":\"e\",\"to\":[\"r\",\"%s\"]}", sid_a)));
	expect(200, "{\"delivered\":2}", emit(with("{\"event\":\"e\",\"room\":\"r\",\"rooms\":[\"%s\"]}", sid_b)));
	expect(200, "{\"delivered\":1}", emit("{\"event\":\"e\",\"broadcast\":true,\"except\":\"r\"}"));
	expect(200, "{\"delivered\":0}", emit("{\"event\":\"e\",\"to\":\"nobody\"}"));
	expect(200, "{\"delivered\":0}", emit("{\"event\":\"e\",\"broadcast\":true,\"namespace\":\"/custom\"}"));
	for (int i = 0; i < 3; i++)
		ck_assert_str_eq(next(a), "42[\"e\"]");
	for (int i = 0; i < 2; i++)
		ck_assert_str_eq(next(b), "42[\"e\"]");
	ck_assert_str_eq(next(a), "");
	ck_assert_str_eq(next(b), "");
}
END_TEST

START_TEST(a_room_wins_over_broadcast)
{
	client("a", sid_a);
	client("b", sid_b);
	expect(200, "{\"delivered\":1}", emit(with("{\"event\":\"e\",\"broadcast\":true,\"to\":\"%s\"}", sid_a)));
}
END_TEST

START_TEST(namespaces_are_apart)
{
	struct rig_client *a = client("a", sid_a);

	enter(a, "40/custom,", sid_b);
	expect(200, "{\"delivered\":1}", emit("{\"event\":\"e\",\"broadcast\":true,\"namespace\":\"/custom\"}"));
	ck_assert_str_eq(next(a), "42/custom,[\"e\"]");
}
END_TEST

START_TEST(attachments_are_binary)
{
	struct rig_client *a = client("a", sid_a);

	expect(200, "{\"delivered\":1}",
		emit("{\"event\":\"e\",\"broadcast\":true,\"args\":[{\"_placeholder\":true,\"num\":0}],"
		     "\"attachments\":[\"QUJD\"]}"));
	ck_assert_str_eq(next(a), "451-[\"e\",{\"_placeholder\":true,\"num\":0}]");
	ck_assert_str_eq(next(a), "binary ABC");
	emit("{\"event\":\"e\",\"broadcast\":true,\"data\":{\"_placeholder\":true,\"num\":0}}");
	ck_assert_str_eq(next(a), "42[\"e\",{\"_placeholder\":true,\"num\":0}]");
	/* A rewritten packet numbers them again. */
	emit("{\"event\":\"e\",\"broadcast\":true,\"attachments\":[\"QUJD\",\"REU=\"],"
	     "\"args\":[-0,{\"_placeholder\":true,\"num\":1}]}");
	ck_assert_str_eq(next(a), "451-[\"e\",0,{\"_placeholder\":true,\"num\":0}]");
	ck_assert_str_eq(next(a), "binary DE");
}
END_TEST

START_TEST(volatile_is_for_those_with_nothing_waiting)
{
	struct rig_client *a = client("a", sid_a);

	rig_stick(a, true);
	emit("{\"event\":\"one\",\"broadcast\":true}"); /* written, and stays in the transport */
	emit("{\"event\":\"two\",\"broadcast\":true}"); /* waits */
	expect(200, "{\"delivered\":0}", emit("{\"event\":\"e\",\"broadcast\":true,\"volatile\":true}"));
	rig_stick(a, false);
	expect(200, "{\"delivered\":1}", emit("{\"event\":\"e\",\"broadcast\":true,\"volatile\":true}"));
}
END_TEST

/* --- Refusals ----------------------------------------------------------------------------------------------------- */

static const struct {
	const char *body;
	int status;
	const char *error; /* inside {"error":{..}} */
} refusals[] = {
	{ "{", 400, "\"message\":\"the body: malformed JSON\"" },
	{ "{\"event\":\"\xff\"}", 400, "\"message\":\"the body: JSON is not UTF-8\"" },
	{ "5", 400, "\"message\":\"the body must be an object\"" },
	{ "\"\"", 400, "\"message\":\"the body must be an object\"" },
	{ "", 400, "\"message\":\"which event? it is missing\",\"field\":\"event\"" },
	{ "{\"event\":\"e\"}", 400,
		"\"message\":\"neither a room in `to` nor `broadcast`; broadcasting is always "
		"said\",\"field\":\"to\"" },
	{ "{\"event\":\"e\",\"broadcast\":false}", 400,
		"\"message\":\"neither a room in `to` nor `broadcast`; broadcasting is always "
		"said\",\"field\":\"to\"" },
	{ "{\"event\":\"e\",\"to\":[],\"broadcast\":true}", 400, "\"message\":\"no room in `to`\",\"field\":\"to\"" },
	{ "{\"event\":\"e\",\"to\":[\"a\",5]}", 400,
		"\"message\":\"must be text, or an array of texts\",\"field\":\"to\"" },
	{ "{\"event\":\"e\",\"except\":{}}", 400,
		"\"message\":\"must be text, or an array of texts\",\"field\":\"except\"" },
	{ "{\"event\":\"e\",\"to\":\"a\\u0000b\"}", 400,
		"\"message\":\"a name with a NUL or half a surrogate pair\",\"field\":\"to\"" },
	{ "{\"event\":\"e\",\"to\":\"\\ud800\"}", 400,
		"\"message\":\"a name with a NUL or half a surrogate pair\",\"field\":\"to\"" },
	{ "{\"event\":\"e\",\"to\":\"123456789012345678901\"}", 422,
		"\"message\":\"a name of 21 bytes; max_room_name is 20\",\"field\":\"to\"" },
	{ "{\"event\":5,\"broadcast\":true}", 400, "\"message\":\"must be text\",\"field\":\"event\"" },
	{ "{\"event\":\"connect\",\"broadcast\":true}", 422,
		"\"message\":\"\\\"connect\\\" is a reserved event name\",\"field\":\"event\"" },
	{ "{\"event\":\"disc\\u006fnnecting\",\"broadcast\":true}", 422,
		"\"message\":\"\\\"disconnecting\\\" is a reserved event name\",\"field\":\"event\"" },
	{ "{\"event\":\"123456789012345678901\",\"broadcast\":true}", 422,
		"\"message\":\"is longer than the option max_event_name allows\",\"field\":\"event\"" },
	{ "{\"event\":\"e\",\"broadcast\":1}", 400, "\"message\":\"must be true or false\",\"field\":\"broadcast\"" },
	{ "{\"event\":\"e\",\"broadcast\":true,\"args\":5}", 400,
		"\"message\":\"must be an array\",\"field\":\"args\"" },
	{ "{\"event\":\"e\",\"broadcast\":true,\"args\":[],\"data\":1}", 400,
		"\"message\":\"`args` or `data`, not both: `data` is the only argument\",\"field\":\"data\"" },
	{ "{\"event\":\"e\",\"broadcast\":true,\"args\":[[[[[5]]]]]}", 422,
		"\"message\":\"JSON too deep\",\"field\":\"args\"" },
	{ "{\"event\":\"e\",\"broadcast\":true,\"namespace\":\"x\"}", 400,
		"\"message\":\"a namespace begins with a slash\",\"field\":\"namespace\"" },
	{ "{\"event\":\"e\",\"broadcast\":true,\"attachments\":[\"A\"]}", 400,
		"\"message\":\"attachment 0 is not base64 text\",\"field\":\"attachments\"" },
	{ "{\"event\":\"e\",\"broadcast\":true,\"attachments\":[\"QQ=\"]}", 400,
		"\"message\":\"attachment 0 is not base64 text\",\"field\":\"attachments\"" },
	{ "{\"event\":\"e\",\"broadcast\":true,\"attachments\":[5]}", 400,
		"\"message\":\"attachment 0 is not base64 text\",\"field\":\"attachments\"" },
	{ "{\"event\":\"e\",\"broadcast\":true,\"attachments\":[\"\",\"\",\"\"]}", 422,
		"\"message\":\"there may be 2 (max_attachments)\",\"field\":\"attachments\"" },
	{ "{\"event\":\"e\",\"broadcast\":true,\"attachments\":[\"\"],\"data\":{\"_placeholder\":true,\"num\":1}}", 400,
		"\"message\":\"a placeholder for an attachment that is not there\",\"field\":\"data\"" },
	{ "{\"event\":\"e\",\"broadcast\":true,\"exept\":\"a\"}", 400,
		"\"message\":\"unknown field; emit takes event, args, data, attachments, namespace, to, room, rooms, "
		"except, "
		"broadcast, volatile, local\",\"field\":\"exept\"" },
	{ "{\"batch\":5}", 400, "\"message\":\"must be an array\",\"field\":\"batch\"" },
	{ "{\"batch\":[],\"to\":\"a\"}", 400, "\"message\":\"may have no other field beside it\",\"field\":\"batch\"" },
	{ "[1,2,3,4]", 422, "\"message\":\"4 items; api_max_batch is 3\",\"field\":\"batch\"" },
};

START_TEST(what_is_wrong_is_said_and_nothing_is_sent)
{
	struct rig_client *a = client("a", sid_a);
	int64_t refused = metrics_get(M_API_REFUSED);
	char error[500];

	snprintf(error, sizeof(error), "{\"error\":{%s}}", refusals[_i].error);
	expect(refusals[_i].status, error, emit(refusals[_i].body));
	ck_assert_str_eq(next(a), "");
	ck_assert_int_eq(metrics_get(M_API_REFUSED), refused + 1);
}
END_TEST

START_TEST(a_body_cut_anywhere_is_refused)
{
	static const char whole[] =
		"{\"event\":\"e\",\"args\":[\"\\u00e9\",{\"k\":[true,null,-1.5e3]}],\"to\":[\"a\"]}";
	char *copy; /* of exactly this size, for the sanitizer to see a byte too many */

	for (size_t n = 1; n < sizeof(whole) - 1; n++) {
		struct edge_api_request r = request_of(HTTP_POST, "/api/v1/emit", "");

		copy = malloc(n);
		memcpy(copy, whole, n);
		r.body = slice_of(copy, n);
		expect(400, "{\"error\":{\"message\":\"the body: malformed JSON\"}}", send_request(&r));
		free(copy);
	}
	expect(200, "{\"delivered\":0}", emit(whole));
}
END_TEST

/* Whatever comes is answered with a status that says what it was; a byte read too many is the sanitizer's to find. */
START_TEST(mutated_bodies_are_answered)
{
	static const char whole[] =
		"[{\"event\":\"e\",\"args\":[\"\\u00e9\\\"\",{\"k\":[true,null,-1.5e3]}],\"to\":[\"a\"]},"
		"{\"event\":\"f\",\"data\":{\"_placeholder\":true,\"num\":0},\"attachments\":[\"QUI=\"]}]";
	static const char alphabet[] = "{}[]\",:\\ 0u-e=\xff\n";
	unsigned seed = 1;
	char *copy;

	for (int i = 0; i < 20000; i++) {
		struct edge_api_request r = request_of(HTTP_POST, "/api/v1/emit", "");
		size_t size = sizeof(whole) - 1 - (size_t)rand_r(&seed) % 4;

		copy = malloc(size);
		memcpy(copy, whole, size);
		for (int n = 1 + i % 3; n > 0; n--)
			copy[(size_t)rand_r(&seed) % size] = alphabet[(size_t)rand_r(&seed) % (sizeof(alphabet) - 1)];
		r.body = slice_of(copy, size);
		send_request(&r);
		ck_assert(answer.status == 200 || answer.status == 400 || answer.status == 422);
		free(copy);
	}
}
END_TEST

START_TEST(names_at_their_limits_pass)
{
	expect(200, "{\"delivered\":0}", emit("{\"event\":\"12345678901234567890\",\"to\":\"12345678901234567890\"}"));
	expect(200, "{\"delivered\":0}",
		emit("{\"event\":\"e\",\"to\":\"a\",\"args\":[[[[5]]]],\"attachments\":[\"\",\"\"]}"));
}
END_TEST

/* Wherever it runs out, that is what the answer says. */
START_TEST(no_memory_is_503)
{
	const char *body = "{\"event\":\"e\",\"broadcast\":true,\"except\":[\"a\",\"b\"],\"attachments\":[\"QUJD\"],"
			   "\"args\":[-0,{\"_placeholder\":true,\"num\":0}]}";
	int64_t failed = metrics_get(M_API_FAILED), seen = 0;

	client("a", sid_a);
	arena_limit(&api->arena, 1);
	for (; api->arena.limit_bytes < 4000; api->arena.limit_bytes += 7) {
		emit(body);
		ck_assert_msg(answer.status == 200 || answer.status == 503, "%d", answer.status);
		seen += answer.status == 503;
	}
	ck_assert_int_gt(seen, 5);
	ck_assert_int_eq(answer.status, 200);
	ck_assert_int_eq(metrics_get(M_API_FAILED), failed + seen);
}
END_TEST

/* --- The head ----------------------------------------------------------------------------------------------------- */

START_TEST(only_the_key_opens)
{
	static const char *const wrong[] = { "", "Bearer", "Bearer ", "Bearer 0123456789abcdeF",
		"Bearer 0123456789abcde", "Bearer 0123456789abcdef0", ("Basic " KEY), KEY };
	struct edge_api_request r = request_of(HTTP_POST, "/api/v1/emit", "{}");
	int64_t counted = metrics_get(M_API_UNAUTHORIZED);

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		r.authorization = slice_str(wrong[i]);
		expect(401,
			"{\"error\":{\"message\":\"the key is not this gateway's api_key; send Authorization: Bearer "
			"KEY\"}}",
			send_request(&r));
		ck_assert_ptr_nonnull(strstr(answer.headers.at, "WWW-Authenticate: Bearer"));
		counted++;
	}
	ck_assert_int_eq(metrics_get(M_API_UNAUTHORIZED), counted);
	r.authorization = (struct slice){ 0 };
	send_request(&r);
	ck_assert_int_eq(answer.status, 401);
	r.authorization = SLICE("bearer  " KEY);
	send_request(&r);
	ck_assert_int_eq(answer.status, 400); /* the key is right, the body is not */
}
END_TEST

START_TEST(without_a_key_it_is_off)
{
	struct gateway_options none = rig.sim.options;
	char why[100];

	none.api_key = NULL;
	api_free(api);
	api = api_open(&none, &rig.sim.hub, why, sizeof(why));
	ck_assert(!api_is_on(api));
	expect(404, "{\"error\":{\"message\":\"the HTTP API is off; the option api_key or api_key_file turns it on\"}}",
		emit("{}"));
}
END_TEST

static struct api *open_with_file(const char *text, char *why, size_t size)
{
	char path[] = "/tmp/stoa-key-XXXXXX";
	struct gateway_options o = rig.sim.options;
	int fd = mkstemp(path);
	struct api *opened;

	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	o.api_key = NULL;
	o.api_key_file = path;
	opened = api_open(&o, &rig.sim.hub, why, size);
	unlink(path);
	return opened;
}

START_TEST(the_key_may_stand_in_a_file)
{
	struct gateway_options both = rig.sim.options;
	char why[256];

	api_free(api);
	api = open_with_file(KEY "\r\nmore\n", why, sizeof(why));
	ck_assert_ptr_nonnull(api);
	api_free(open_with_file(KEY, why, sizeof(why)));
	ck_assert_ptr_null(open_with_file("", why, sizeof(why)));
	ck_assert_ptr_nonnull(strstr(why, "the file is empty"));
	ck_assert_ptr_null(open_with_file("too short\n", why, sizeof(why)));
	ck_assert_ptr_nonnull(strstr(why, "is no key"));
	ck_assert_ptr_null(open_with_file("0123456789 abcdefgh\n", why, sizeof(why)));
	both.api_key_file = both.api_key;
	ck_assert_ptr_null(api_open(&both, &rig.sim.hub, why, sizeof(why)));
	ck_assert_str_eq(why, "api_key and api_key_file are both set; one of them is the key");
	both.api_key = NULL;
	ck_assert_ptr_null(api_open(&both, &rig.sim.hub, why, sizeof(why)));
	ck_assert_ptr_nonnull(strstr(why, "No such file"));
}
END_TEST

START_TEST(paths_methods_and_types)
{
	struct edge_api_request r = request_of(HTTP_POST, "/api/v1/emit", "{\"event\":\"e\",\"broadcast\":true}");

	post("/api/v1/emits", "{}");
	ck_assert_int_eq(answer.status, 404);
	post("/api/v2/emit", "{}");
	ck_assert_int_eq(answer.status, 404);
	get("/api/v1/emit", "");
	ck_assert_int_eq(answer.status, 405);
	ck_assert_ptr_nonnull(strstr(answer.headers.at, "Allow: POST\r\n"));
	r.content_type = SLICE("application/json ; charset=utf-8");
	send_request(&r);
	ck_assert_int_eq(answer.status, 200);
	r.content_encoding = SLICE("gzip");
	send_request(&r);
	ck_assert_int_eq(answer.status, 415);
	r = request_of(HTTP_POST, "/api/v1/emit", "{}");
	r.content_type = SLICE("text/plain");
	send_request(&r);
	ck_assert_int_eq(answer.status, 415);
	r = request_of(HTTP_PUT, "/api/v1/rooms", "{}");
	send_request(&r);
	ck_assert_int_eq(answer.status, 405);
	ck_assert_ptr_nonnull(strstr(answer.headers.at, "Allow: GET, POST\r\n"));
}
END_TEST

START_TEST(too_large_a_body_is_counted)
{
	int64_t counted = metrics_get(M_LIMIT_API_BODY);

	clear_answer();
	api_ops.too_large(api, &answer);
	ck_assert_int_eq(answer.status, 413);
	ck_assert_int_eq(metrics_get(M_LIMIT_API_BODY), counted + 1);
}
END_TEST

/* --- Batches ------------------------------------------------------------------------------------------------------ */

START_TEST(a_batch_is_done_in_order_and_each_by_itself)
{
	struct rig_client *a = client("a", sid_a);

	expect(200,
		"{\"results\":[{\"delivered\":1},{\"error\":{\"message\":\"must be "
		"text\",\"field\":\"event\",\"index\":1}},"
		"{\"delivered\":1}],\"failed\":1}",
		emit("[{\"event\":\"one\",\"broadcast\":true},{\"event\":1}, {\"event\":\"two\",\"broadcast\":true}]"));
	ck_assert_str_eq(next(a), "42[\"one\"]");
	ck_assert_str_eq(next(a), "42[\"two\"]");
	expect(200, "{\"results\":[{\"delivered\":1}],\"failed\":0}",
		emit("{\"batch\":[{\"event\":\"e\",\"broadcast\":true}]}"));
	expect(200, "{\"results\":[],\"failed\":0}", emit(" [ ] "));
	expect(200, "{\"results\":[{\"error\":{\"message\":\"must be an object\",\"index\":0}}],\"failed\":1}",
		emit("[[]]"));
	expect(400, "{\"error\":{\"message\":\"rooms takes one object, not a batch\",\"field\":\"batch\"}}",
		post("/api/v1/rooms", "[{}]"));
}
END_TEST

START_TEST(a_batch_past_its_limit_is_counted)
{
	int64_t counted = metrics_get(M_LIMIT_API_BATCH);

	emit("[1,2,3]");
	ck_assert_int_eq(answer.status, 200);
	ck_assert_int_eq(metrics_get(M_LIMIT_API_BATCH), counted);
	emit("[1,2,3,4]");
	ck_assert_int_eq(answer.status, 422);
	ck_assert_int_eq(metrics_get(M_LIMIT_API_BATCH), counted + 1);
}
END_TEST

/* --- Idempotency -------------------------------------------------------------------------------------------------- */

START_TEST(the_same_key_is_done_once)
{
	struct rig_client *a = client("a", sid_a);
	const char *body = "{\"event\":\"e\",\"broadcast\":true}";
	int64_t replayed = metrics_get(M_API_REPLAYED);

	expect(200, "{\"delivered\":1}", post_once("k", body));
	ck_assert_uint_eq(answer.headers.size, 0);
	rig_gone(a, false); /* nobody is left, but the answer is the one given before */
	expect(200, "{\"delivered\":1}", post_once("k", body));
	ck_assert_ptr_nonnull(strstr(answer.headers.at, "Idempotent-Replayed: true\r\n"));
	ck_assert_int_eq(metrics_get(M_API_REPLAYED), replayed + 1);
	expect(200, "{\"delivered\":0}", post_once("other", body));
	expect(422, "{\"error\":{\"message\":\"this Idempotency-Key came before with another request\"}}",
		post_once("k", "{\"event\":\"f\",\"broadcast\":true}"));
}
END_TEST

START_TEST(a_key_is_forgotten_after_its_time)
{
	struct rig_client *a = client("a", sid_a);
	const char *body = "{\"event\":\"e\",\"broadcast\":true}";

	post_once("k", body);
	rig_pass(&rig, 9999);
	post_once("k", body);
	ck_assert_str_eq(next(a), "42[\"e\"]");
	ck_assert_str_eq(next(a), "");
	rig_pass(&rig, 1);
	post_once("k", body);
	ck_assert_str_eq(next(a), "42[\"e\"]");
}
END_TEST

START_TEST(a_refusal_is_not_remembered)
{
	expect(400, "{\"error\":{\"message\":\"which event? it is missing\",\"field\":\"event\"}}",
		post_once("k", "{}"));
	expect(200, "{\"delivered\":0}", post_once("k", "{\"event\":\"e\",\"broadcast\":true}"));
}
END_TEST

/* 1 KB holds a few answers; the oldest goes first. */
START_TEST(memory_is_bounded_and_the_oldest_goes)
{
	struct rig_client *a = client("a", sid_a);
	const char *body = "{\"event\":\"e\",\"broadcast\":true}";
	int64_t counted = metrics_get(M_LIMIT_API_MEMORY);
	char key[20];
	int n = 0;

	while (metrics_get(M_LIMIT_API_MEMORY) == counted && n < 100) {
		snprintf(key, sizeof(key), "k%d", n++);
		post_once(key, body);
		ck_assert_str_eq(next(a), "42[\"e\"]");
	}
	ck_assert_int_gt(n, 2);
	ck_assert_int_le(n, 7); /* 150 bytes and more for each */
	post_once(key, body);
	ck_assert_str_eq(next(a), ""); /* the newest is known */
	post_once("k0", body);
	ck_assert_str_eq(next(a), "42[\"e\"]"); /* the oldest is not */
}
END_TEST

START_TEST(an_answer_larger_than_the_memory_is_not_kept)
{
	char body[2000] = "[", key[300] = "";
	int64_t counted = metrics_get(M_LIMIT_API_MEMORY);

	for (int i = 0; i < 3; i++)
		snprintf(body + strlen(body), sizeof(body) - strlen(body), "%s{\"%040d\":1}", i ? "," : "", i);
	strcat(body, "]");
	post_once("k", body);
	ck_assert_int_eq(answer.status, 200);
	ck_assert_int_eq(metrics_get(M_LIMIT_API_MEMORY), counted); /* it fits */
	memset(key, 'k', 255);
	post_once(key, body);
	ck_assert_int_eq(answer.status, 200);
	ck_assert_int_eq(metrics_get(M_LIMIT_API_MEMORY), counted + 1);
	memset(key, 'k', 256);
	expect(400, "{\"error\":{\"message\":\"an Idempotency-Key has 1 to 255 characters\"}}", post_once(key, "{}"));
	expect(400, "{\"error\":{\"message\":\"an Idempotency-Key has 1 to 255 characters\"}}", post_once("", "{}"));
}
END_TEST

/* --- Joining, leaving, disconnecting ------------------------------------------------------------------------------ */

START_TEST(join_and_leave)
{
	client("a", sid_a);
	client("b", sid_b);
	expect(200, "{\"clients\":2}", post("/api/v1/join", "{\"rooms\":[\"r\",\"s\"],\"broadcast\":true}"));
	expect(200, "{\"clients\":2,\"rooms\":2}", get("/api/v1/counts", ""));
	expect(200, "{\"clients\":1}", post("/api/v1/leave", with("{\"room\":\"r\",\"to\":\"%s\"}", sid_a)));
	expect(200, "{\"clients\":1}", get("/api/v1/counts", "to=r"));
	expect(200, "{\"clients\":2}", post("/api/v1/leave", "{\"room\":\"s\",\"to\":\"s\"}")); /* closes it */
	expect(200, "{\"clients\":2,\"rooms\":1}", post("/api/v1/counts", "{}"));
	expect(400, "{\"error\":{\"message\":\"which room? it is missing\",\"field\":\"room\"}}",
		post("/api/v1/join", "{\"broadcast\":true}"));
	post("/api/v1/join", "{\"room\":\"r\"}");
	ck_assert_int_eq(answer.status, 400);
}
END_TEST

START_TEST(a_join_past_max_rooms_is_told_and_counted)
{
	int64_t counted = metrics_get(M_LIMIT_ROOMS);

	client("a", sid_a);
	expect(200, "{\"clients\":1}", post("/api/v1/join", "{\"rooms\":[\"1\",\"2\",\"3\"],\"broadcast\":true}"));
	expect(200, "{\"clients\":0,\"refused\":1}", post("/api/v1/join", "{\"room\":\"4\",\"broadcast\":true}"));
	ck_assert_int_eq(metrics_get(M_LIMIT_ROOMS), counted + 1);
}
END_TEST

START_TEST(lists_of_names_have_a_limit)
{
	int64_t counted = metrics_get(M_LIMIT_API_LIST), rooms = metrics_get(M_LIMIT_ROOMS);

	expect(200, "{\"delivered\":0}",
		emit("{\"event\":\"e\",\"to\":[\"1\",\"2\"],\"to\":\"3\",\"except\":[\"1\",\"2\",\"3\"]}"));
	expect(422,
		"{\"error\":{\"message\":\"more names than the option api_max_list allows, which is "
		"3\",\"field\":\"to\"}}",
		emit("{\"event\":\"e\",\"to\":[\"1\",\"2\",\"3\",\"4\"]}"));
	ck_assert_int_eq(metrics_get(M_LIMIT_API_LIST), counted + 1);
	rig.sim.options.max_rooms = 2;
	expect(422, "{\"error\":{\"message\":\"3 rooms; max_rooms is 2\",\"field\":\"rooms\"}}",
		post("/api/v1/leave", "{\"rooms\":[\"1\",\"2\",\"3\"],\"broadcast\":true}"));
	ck_assert_int_eq(metrics_get(M_LIMIT_ROOMS), rooms + 1);
}
END_TEST

START_TEST(disconnect_one_namespace_or_the_connection)
{
	struct rig_client *a = client("a", sid_a), *b = client("b", sid_b);
	char custom[SID_SIZE + 1];

	enter(a, "40/custom,", custom);
	expect(200, "{\"clients\":1}",
		post("/api/v1/disconnect", with("{\"to\":\"%s\",\"namespace\":\"/custom\"}", custom)));
	ck_assert_str_eq(next(a), "41/custom,");
	ck_assert(!a->ws.closed);
	expect(200, "{\"clients\":2}", post("/api/v1/disconnect", "{\"broadcast\":true,\"transport\":true}"));
	ck_assert_str_eq(next(a), "41");
	ck_assert(a->ws.closed);
	ck_assert(b->ws.closed);
	expect(200, "{\"clients\":0}", post("/api/v1/disconnect", "{\"broadcast\":true}"));
}
END_TEST

/* --- Listings ----------------------------------------------------------------------------------------------------- */

START_TEST(rooms_come_in_pages_by_name)
{
	client("a", sid_a);
	client("b", sid_b);
	post("/api/v1/join", with("{\"rooms\":[\"d\",\"b\",\"c\"],\"to\":\"%s\"}", sid_a));
	post("/api/v1/join", with("{\"rooms\":[\"a\",\"b\",\"ab\"],\"to\":\"%s\"}", sid_b));
	expect(200,
		"{\"rooms\":[{\"room\":\"a\",\"clients\":1},{\"room\":\"ab\",\"clients\":1},{\"room\":\"b\","
		"\"clients\":2}],"
		"\"next\":\"b\"}",
		get("/api/v1/rooms", ""));
	expect(200, "{\"rooms\":[{\"room\":\"c\",\"clients\":1},{\"room\":\"d\",\"clients\":1}]}",
		get("/api/v1/rooms", "cursor=b"));
	expect(200, "{\"rooms\":[{\"room\":\"c\",\"clients\":1}],\"next\":\"c\"}",
		post("/api/v1/rooms", "{\"cursor\":\"bb\",\"limit\":1}"));
	expect(200, "{\"rooms\":[]}", get("/api/v1/rooms", "namespace=%2Fcustom"));
}
END_TEST

START_TEST(an_own_id_is_listed_when_others_are_in_it)
{
	char want[100];

	client("a", sid_a);
	client("b", sid_b);
	snprintf(want, sizeof(want), "{\"rooms\":[{\"room\":\"%s\",\"clients\":2}]}", sid_a);
	post("/api/v1/join", with("{\"room\":\"%s\",\"broadcast\":true}", sid_a));
	expect(200, want, get("/api/v1/rooms", ""));
}
END_TEST

START_TEST(a_limit_past_the_largest_page_is_refused_and_counted)
{
	int64_t counted = metrics_get(M_LIMIT_API_LIST);

	expect(200, "{\"rooms\":[]}", get("/api/v1/rooms", "limit=3"));
	expect(422, "{\"error\":{\"message\":\"is past the option api_max_list, which is 3\",\"field\":\"limit\"}}",
		get("/api/v1/rooms", "limit=4"));
	ck_assert_int_eq(metrics_get(M_LIMIT_API_LIST), counted + 1);
}
END_TEST

START_TEST(sockets_tell_of_their_clients)
{
	char want[500];

	client("a", sid_a);
	client("b", sid_b);
	post("/api/v1/join", with("{\"rooms\":[\"r\",\"\\\"\"],\"to\":\"%s\"}", sid_a));
	rig_pass(&rig, 5);
	snprintf(want, sizeof(want),
		"{\"sockets\":[{\"sid\":\"%s\",\"transport\":\"websocket\",\"address\":\"192.0.2.7\",\"age_ms\":5,"
		"\"rooms\":[\"%s\",\"r\",\"\\\"\"]}]}",
		sid_a, sid_a);
	expect(200, want, get("/api/v1/sockets", "to=r&to=nobody&except=s"));
	expect(200, "{\"sockets\":[]}", get("/api/v1/sockets", "to=r&except=r"));
	ck_assert_ptr_nonnull(strstr(get("/api/v1/sockets", ""), sid_b));
	ck_assert_ptr_nonnull(strstr(get("/api/v1/sockets", "limit=1"), "\"next\":"));
	expect(400, "{\"error\":{\"message\":\"no room in `to`\",\"field\":\"to\"}}",
		post("/api/v1/sockets", "{\"to\":[]}"));
}
END_TEST

START_TEST(a_page_ends_at_its_size)
{
	client("a", sid_a);
	client("b", sid_b);
	rig.sim.options.api_max_body = 100; /* less than two sockets need */
	ck_assert_ptr_nonnull(strstr(get("/api/v1/sockets", ""), "]}],\"next\":\""));
}
END_TEST

START_TEST(namespaces_are_listed)
{
	struct rig_client *a = client("a", sid_a);

	enter(a, "40/custom,", sid_b);
	expect(200,
		"{\"namespaces\":[{\"namespace\":\"/\",\"clients\":1,\"rooms\":0},"
		"{\"namespace\":\"/custom\",\"clients\":1,\"rooms\":0}]}",
		get("/api/v1/namespaces", ""));
}
END_TEST

START_TEST(queries_are_checked_like_bodies)
{
	static const char *const wrong[] = { "to=%zz", "limit=", "limit=0", "limit=x", "limit=1x", "limit=-1", "nope=1",
		"to=%ff", "limit=1,\"local\":true", "limit=99999999999999999999", "cursor=%00" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const char *got = get("/api/v1/sockets", wrong[i]);

		ck_assert_msg(answer.status == 400 || answer.status == 422, "%s: %d %s", wrong[i], answer.status, got);
	}
	expect(200, "{\"sockets\":[]}", get("/api/v1/sockets", "&to=a+b&local=true&"));
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("api");
	TCase *t = tcase_create("api");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, arguments_arrive_as_they_came);
	tcase_add_test(t, whom_is_rooms_and_ids_each_once);
	tcase_add_test(t, a_room_wins_over_broadcast);
	tcase_add_test(t, namespaces_are_apart);
	tcase_add_test(t, attachments_are_binary);
	tcase_add_test(t, volatile_is_for_those_with_nothing_waiting);
	tcase_add_loop_test(
		t, what_is_wrong_is_said_and_nothing_is_sent, 0, (int)(sizeof(refusals) / sizeof(refusals[0])));
	tcase_add_test(t, a_body_cut_anywhere_is_refused);
	tcase_add_test(t, mutated_bodies_are_answered);
	tcase_add_test(t, names_at_their_limits_pass);
	tcase_add_test(t, no_memory_is_503);
	tcase_add_test(t, only_the_key_opens);
	tcase_add_test(t, without_a_key_it_is_off);
	tcase_add_test(t, the_key_may_stand_in_a_file);
	tcase_add_test(t, paths_methods_and_types);
	tcase_add_test(t, too_large_a_body_is_counted);
	tcase_add_test(t, a_batch_is_done_in_order_and_each_by_itself);
	tcase_add_test(t, a_batch_past_its_limit_is_counted);
	tcase_add_test(t, the_same_key_is_done_once);
	tcase_add_test(t, a_key_is_forgotten_after_its_time);
	tcase_add_test(t, a_refusal_is_not_remembered);
	tcase_add_test(t, memory_is_bounded_and_the_oldest_goes);
	tcase_add_test(t, an_answer_larger_than_the_memory_is_not_kept);
	tcase_add_test(t, join_and_leave);
	tcase_add_test(t, a_join_past_max_rooms_is_told_and_counted);
	tcase_add_test(t, lists_of_names_have_a_limit);
	tcase_add_test(t, disconnect_one_namespace_or_the_connection);
	tcase_add_test(t, rooms_come_in_pages_by_name);
	tcase_add_test(t, an_own_id_is_listed_when_others_are_in_it);
	tcase_add_test(t, a_limit_past_the_largest_page_is_refused_and_counted);
	tcase_add_test(t, sockets_tell_of_their_clients);
	tcase_add_test(t, a_page_ends_at_its_size);
	tcase_add_test(t, namespaces_are_listed);
	tcase_add_test(t, queries_are_checked_like_bodies);
	suite_add_tcase(s, t);
	return s;
}
