/* doctor_http.c - requests, and sessions by polling. See doctor_internal.h. */
#include <string.h>

#include "clock.h"
#include "doctor_internal.h"
#include "http1.h"
#include "json.h"

static void put_request(struct doctor *d, struct buf *to, const struct request *r)
{
	buf_printf(to, "%s %s?EIO=4&transport=", r->method ? r->method : "GET", r->path ? r->path : d->url.path);
	buf_add_slice(to, r->query);
	buf_add_str(to, " HTTP/1.1\r\nHost: ");
	doctor_url_put_host(to, &d->url);
	buf_add_str(to, "\r\nUser-Agent: stoa-doctor\r\nAccept: */*\r\n");
	if (!r->upgrade)
		buf_add_str(to, "Connection: close\r\n");
	buf_add_slice(to, r->headers);
	if (r->method)
		buf_printf(to, "Content-Type: text/plain;charset=UTF-8\r\nContent-Length: %zu\r\n", r->body.size);
	buf_add_str(to, "\r\n");
	buf_add_slice(to, r->body);
}

bool ask_begin(struct doctor *d, struct link *l, const struct request *r, struct answer *a)
{
	struct buf bytes = BUF_INIT;
	bool good;

	*a = (struct answer){ .head = BUF_INIT, .body = BUF_INIT };
	put_request(d, &bytes, r);
	good = link_open(d, l) && !bytes.failed;
	/* Who refuses a body early answers before all of it is written: that is still read. */
	if (good)
		link_write(l, buf_slice(&bytes), clock_now_ms() + d->config->timeout_ms);
	else
		a->why = l->why;
	buf_fini(&bytes);
	return good;
}

static bool read_head(struct link *l, struct answer *a, int64_t due_ms)
{
	for (;;) {
		long size = answer_read_head(a, buf_slice(&l->in));

		if (size > 0) {
			buf_drop_front(&l->in, (size_t)size);
			if (a->status >= 200 || a->status == 101)
				return true;
		} else if (size < 0) {
			a->why = "that is no answer of HTTP/1.1";
		} else if (link_read(l, due_ms) != LINK_BYTES) {
			a->why = l->why;
		}
		if (a->why) {
			a->status = 0;
			return false;
		}
	}
}

static int64_t length_of(const struct answer *a)
{
	struct slice text = answer_header(a, "content-length");
	int64_t n = text.size ? 0 : -1;

	for (size_t i = 0; i < text.size && n >= 0 && n <= DOCTOR_BODY_MAX; i++)
		n = text.at[i] >= '0' && text.at[i] <= '9' ? n * 10 + text.at[i] - '0' : -1;
	return n;
}

/* False: more is needed. */
static bool take_body(struct link *l, struct answer *a, struct http_chunks *chunks, bool chunked, int64_t length)
{
	struct slice in = buf_slice(&l->in);
	size_t room = DOCTOR_BODY_MAX - a->body.size;
	int state = HTTP_CHUNKS_MORE;

	if (chunked) {
		state = http_chunks_feed(chunks, &in, &a->body, DOCTOR_BODY_MAX);
	} else {
		size_t wanted = length >= 0 ? (size_t)length - a->body.size : in.size;

		wanted = wanted < in.size ? wanted : in.size;
		buf_add_slice(&a->body, slice_first(in, wanted < room ? wanted : room));
		in = slice_from(in, wanted);
	}
	buf_drop_front(&l->in, l->in.size - in.size);
	return state != HTTP_CHUNKS_MORE || (!chunked && length >= 0 && a->body.size >= (size_t)length) ||
	       a->body.size >= DOCTOR_BODY_MAX || a->body.failed || (chunked && in.size);
}

bool ask_end(struct link *l, struct answer *a, int64_t due_ms)
{
	int64_t since_ms = clock_now_ms(), length;
	struct http_chunks chunks = { 0 };
	bool chunked;

	if (!read_head(l, a, due_ms))
		return false;
	chunked = http_list_has(answer_header(a, "transfer-encoding"), "chunked");
	length = length_of(a);
	if (length > DOCTOR_BODY_MAX)
		length = DOCTOR_BODY_MAX;
	if (a->status != 101 && a->status != 204)
		while (!take_body(l, a, &chunks, chunked, length) && link_read(l, due_ms) == LINK_BYTES)
			;
	a->took_ms = clock_now_ms() - since_ms;
	return true;
}

bool ask(struct doctor *d, const struct request *r, struct answer *a)
{
	struct link l;
	bool good = ask_begin(d, &l, r, a) && ask_end(&l, a, clock_now_ms() + d->config->timeout_ms);

	link_close(&l);
	return good;
}

/* --- Sessions ----------------------------------------------------------------------------------------------------- */

#define NUMBER_MAX INT64_C(1000000000000000) /* more than anybody means, and sums of it are numbers */

static int64_t number(struct stoa_value object, const char *name)
{
	struct stoa_value v = value_get(object, slice_str(name));

	if (v.kind_ != VALUE_INT || v.as_.i <= 0)
		return 0;
	return v.as_.i < NUMBER_MAX ? v.as_.i : NUMBER_MAX;
}

/* What goes into a query: nothing that ends it. */
static bool is_sid(struct slice sid)
{
	for (size_t i = 0; i < sid.size; i++)
		if (sid.at[i] <= ' ' || sid.at[i] > '~' || strchr("&#%?+", sid.at[i]))
			return false;
	return sid.size > 0 && sid.size <= DOCTOR_SID_MAX;
}

bool opened_read(struct opened *o, struct slice packet)
{
	static const struct json_rules rules = { .max_depth = 8, .blobs = JSON_NO_BLOBS };
	struct slice json = slice_from(packet, 1), sid = { 0 };
	struct arena arena = ARENA_INIT;
	struct stoa_value v, upgrades;
	unsigned flags;

	if (packet.size < 2 || packet.at[0] != '0' || json_check(json, &rules, &flags))
		return false;
	*o = (struct opened){ .websocket = false };
	v = json_decode(&arena, json, NULL, 0);
	if (v.kind_ == VALUE_OBJECT && value_get(v, SLICE("sid")).kind_ == VALUE_TEXT)
		sid = value_slice(value_get(v, SLICE("sid")));
	if (is_sid(sid)) {
		memcpy(o->sid, sid.at, sid.size);
		o->ping_interval_ms = number(v, "pingInterval");
		o->ping_timeout_ms = number(v, "pingTimeout");
		o->max_payload = number(v, "maxPayload");
		upgrades = value_get(v, SLICE("upgrades"));
		for (size_t i = 0; upgrades.kind_ == VALUE_ARRAY && i < upgrades.size_; i++)
			o->websocket |= slice_equal(value_slice(value_at(upgrades, i)), SLICE("websocket"));
	}
	arena_fini(&arena);
	return o->sid[0] != '\0';
}

bool session_begin(struct doctor *d, struct opened *o, struct slice headers, struct answer *a)
{
	return ask(d, &(struct request){ .query = SLICE("polling"), .headers = headers }, a) && a->status == 200 &&
	       opened_read(o, slice_first(buf_slice(&a->body), slice_find(buf_slice(&a->body), '\x1e')));
}

static void put_query(struct buf *to, const struct opened *o)
{
	buf_printf(to, "polling&sid=%s", o->sid);
}

bool session_post(struct doctor *d, const struct opened *o, struct slice body, struct answer *a)
{
	struct buf query = BUF_INIT;
	bool good;

	put_query(&query, o);
	good = ask(d,
		&(struct request){
			.method = "POST", .query = buf_slice(&query), .headers = buf_slice(&d->cookie), .body = body },
		a);
	buf_fini(&query);
	return good && a->status == 200;
}

bool session_get(struct doctor *d, const struct opened *o, struct answer *a)
{
	struct buf query = BUF_INIT;
	bool good;

	put_query(&query, o);
	good = ask(d, &(struct request){ .query = buf_slice(&query), .headers = buf_slice(&d->cookie) }, a);
	buf_fini(&query);
	return good && a->status == 200;
}

void session_leave(struct doctor *d, const struct opened *o)
{
	struct answer a;

	session_post(d, o, SLICE("1"), &a);
	answer_fini(&a);
}

bool packet_next(struct slice *payload, struct slice *packet)
{
	size_t size = slice_find(*payload, '\x1e');

	if (payload->size == 0)
		return false;
	*packet = slice_first(*payload, size);
	*payload = slice_from(*payload, size < payload->size ? size + 1 : size);
	return true;
}

void connect_put(const struct doctor *d, struct buf *to)
{
	const char *nsp = d->config->namespace;

	buf_add_str(to, "40");
	if (nsp && strcmp(nsp, "/") != 0)
		buf_printf(to, "%s,", nsp);
	if (d->config->auth)
		buf_add_str(to, d->config->auth);
}
