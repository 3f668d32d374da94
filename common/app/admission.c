/*
 * admission.c - requests before there is a client: "handshake" lets them in or not and adds headers, "connection_error"
 * hears of those that were refused.
 */
#include "internal.h"
#include "utf8.h"

#include <errno.h>
#include <strings.h>

struct admission {
	struct buf first, session;
};

/* --- Headers ------------------------------------------------------------------------------------------------------ */

/* What the server says itself, or what would change where an answer ends. A dash at the end: all that begin so. */
static const char *const own_headers[] = { "Access-Control-", "Cache-Control", "Connection", "Content-", "Date",
	"Keep-Alive", "Proxy-", "Sec-WebSocket-", "TE", "Trailer", "Transfer-Encoding", "Upgrade" };

static bool is_own(const char *name)
{
	for (size_t i = 0; i < sizeof(own_headers) / sizeof(*own_headers); i++) {
		const char *own = own_headers[i];
		size_t size = strlen(own);

		if (own[size - 1] == '-' ? strncasecmp(name, own, size) == 0 : strcasecmp(name, own) == 0)
			return true;
	}
	return false;
}

static bool is_token(const char *text)
{
	static const char allowed[] = "!#$%&'*+-.^_`|~0123456789"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

	return *text && text[strspn(text, allowed)] == '\0';
}

static bool is_printable(const char *text)
{
	while (*text >= 0x20 && *text <= 0x7e)
		text++;
	return *text == '\0';
}

const char *app_header_fault(const char *name, const char *value)
{
	if (name == NULL || !is_token(name))
		return "not the name of a header";
	if (is_own(name))
		return "a header that the server writes itself";
	return value && is_printable(value) ? NULL : "a value that is not printable ASCII";
}

int do_set_header(struct stoa_event *ev, const char *name, const char *value, bool session)
{
	const char *call = session ? "stoa_set_session_header" : "stoa_set_header";
	bool is_open = ev && ev->admission && ev->app->running == ev;
	const char *fault = is_open ? app_header_fault(name, value) : "not in the handler of a handshake";
	struct buf *to;

	if (fault)
		return call_failed(ev, call, -EINVAL, fault);
	if (ev->admission->first.size + ev->admission->session.size + strlen(name) + strlen(value) + 4 >
		APP_HEADERS_MAX)
		return call_failed(ev, call, -ENOSPC, "too many headers");
	to = session ? &ev->admission->session : &ev->admission->first;
	buf_printf(to, "%s: %s\r\n", name, value);
	if (!to->failed)
		return 0;
	buf_clear(to);
	return call_failed(ev, call, -ENOMEM, NULL);
}

/* --- "handshake" -------------------------------------------------------------------------------------------------- */

/* The message goes into JSON, which has no other text. */
static struct slice valid_text(struct app *a, const char *message)
{
	struct slice text = slice_str(message);
	const char *copy;

	if (utf8_valid(text))
		return text;
	buf_clear(&a->scratch);
	utf8_mend(&a->scratch, text);
	copy = a->scratch.failed ? NULL : arena_copy(&a->arena, a->scratch.at, a->scratch.size);
	return copy ? slice_of(copy, a->scratch.size) : SLICE("Forbidden");
}

static void decide(struct stoa_event *ev, const char *message)
{
	struct effect *e = effect_add(ev->app, message ? EFFECT_DENY : EFFECT_ADMIT);

	if (e == NULL)
		return;
	if (message)
		e->text = valid_text(ev->app, message);
	e->headers = buf_slice(&ev->admission->first);
	e->session_headers = buf_slice(&ev->admission->session);
	effect_put_first(ev->app, e);
}

void app_admit(struct app *a, int64_t now_ms, const struct app_request *request)
{
	struct admission admission = { BUF_INIT, BUF_INIT };
	struct stoa_event ev = {
		.app = a, .nsp = "/", .name = "handshake", .error = "", .request = request, .admission = &admission
	};

	a->now_ms = now_ms;
	event_begin(a, &ev);
	decide(&ev, event_ask(&ev, a->registry.handshake, "Forbidden"));
	event_end(a);
	buf_fini(&admission.first);
	buf_fini(&admission.session);
	later_drain(a);
}

/* --- "connection_error" ------------------------------------------------------------------------------------------- */

bool app_hears_handshakes(const struct app *a)
{
	return a->registry.handshake.fn != NULL;
}

bool app_hears_connection_errors(const struct app *a)
{
	return a->registry.connection_error.fn != NULL;
}

void app_connection_error(struct app *a, int64_t now_ms, const struct app_request *request, struct slice error)
{
	struct answer argument = { .items = error, .flags = JSON_REWRITE };
	struct stoa_event ev = {
		.app = a, .nsp = "/", .name = "connection_error", .error = "", .request = request, .answer = &argument
	};

	if (!app_hears_connection_errors(a))
		return;
	a->now_ms = now_ms;
	event_begin(a, &ev);
	event_run_plain(&ev, a->registry.connection_error);
	event_end(a);
	later_drain(a);
}
