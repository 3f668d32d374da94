/* host.c - the table of functions that a module calls through, and the one of them that has no other place. */
#include "internal.h"
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const enum log_level levels[] = {
	[STOA_ERROR] = LOG_ERROR, [STOA_WARN] = LOG_WARN, [STOA_INFO] = LOG_INFO, [STOA_DEBUG] = LOG_DEBUG
};

static void host_log(struct stoa_event *ev, enum stoa_level level, const char *format, va_list args) STOA_PRINTF_(3, 0);

static void host_log(struct stoa_event *ev, enum stoa_level level, const char *format, va_list args)
{
	struct log_pair pairs[5] = { { 0 } };
	enum log_level at = (unsigned)level < sizeof(levels) / sizeof(*levels) ? levels[level] : LOG_INFO;
	char *text = NULL;
	size_t n = 0;

	if (!log_on(at) || vasprintf(&text, format, args) < 0)
		return;
	pairs[n++] = LOG_S("msg", text);
	if (ev && ev->sid)
		pairs[n++] = LOG_S("sid", ev->sid);
	if (ev) {
		pairs[n++] = LOG_S("nsp", ev->nsp);
		pairs[n++] = LOG_S("event", ev->name);
	}
	log_write(at, "app", pairs);
	free(text);
}

const struct stoa_host host_table = {
	.abi = STOA_ABI,
	.size = sizeof(struct stoa_host),
	.give_up = setup_abort,

	.on = setup_on,
	.use = setup_use,
	.on_error = setup_on_error,
	.on_server = setup_on_server,
	.every = setup_every,
	.option = setup_option,

	.ctx = context_ctx,
	.sid = context_sid,
	.nsp = context_nsp,
	.name = context_name,
	.args = event_args,
	.reason = context_reason,
	.status = context_status,
	.error = context_error,
	.attempt = context_attempt,
	.query = context_query,
	.header = context_header,
	.cookie = context_cookie,
	.address = context_address,
	.transport = context_transport,
	.auth = context_auth,

	.unpack = unpack_event,
	.read = unpack_read,
	.type = walk_type,
	.count = walk_length,
	.at = walk_at,
	.key = walk_key,
	.get = walk_get,
	.to_json = walk_to_json,
	.keep = walk_keep,

	.null = build_null,
	.boolean = build_bool,
	.integer = build_int,
	.uinteger = build_uint,
	.number = build_number,
	.text = build_text,
	.borrow = build_borrow,
	.bytes = build_bytes,
	.json = build_json,
	.spread = build_spread,
	.object = build_object,
	.array = build_array,
	.format = build_format,
	.list = build_list,
	.dict = build_dict,
	.append = build_append,
	.put = build_put,

	.emit = do_emit,
	.defer = do_defer,
	.ack = do_ack,
	.fail_event = do_fail,
	.join_room = do_join_room,
	.leave_room = do_leave_room,
	.disconnect = do_disconnect,
	.rooms = do_rooms,

	.call = do_call,
	.next = do_next,
	.after = do_after,
	.cancel = do_cancel,
	.log_line = host_log,
	.set_header = do_set_header,
	.one_process = setup_one_process,
	.session = do_session,
	.session_put = do_session_put,
	.fetch_sockets = do_fetch_sockets,
	.server_side_emit = do_server_side_emit,
	.missing = do_missing,
	.start_background_task = do_start_job,
	.sleep_ms = do_sleep,
	.asked = do_asked,
	.answers = do_answers,
	.option_int = setup_option_int,
	.claims = context_claims,
	.recovered = context_recovered,
};

_Thread_local struct arena *app_bench;

const struct stoa_host *app_build_in(struct arena *arena)
{
	app_bench = arena;
	return &host_table;
}
