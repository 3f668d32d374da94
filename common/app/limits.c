/* limits.c - what the options mean for an application. */
#include "app.h"
#include "gateway_options.h"

struct app_limits app_limits_of(const struct gateway_options *o)
{
	return (struct app_limits){
		.max_json_depth = (unsigned)o->max_json_depth,
		.max_room_bytes = (size_t)o->max_room_name,
		.max_timers = (size_t)o->max_timers,
		.max_effects = (size_t)o->max_effects,
		.ack_timeout_ms = o->ack_timeout_ms,
		.max_attachments = (size_t)o->max_attachments,
		.max_session_bytes = (size_t)o->max_session_bytes,
		.max_answers = (size_t)o->max_answers,
		.max_answer_bytes = (size_t)o->max_answer_memory,
		.max_handler_bytes = (size_t)o->max_handler_memory,
		.max_jobs = (size_t)o->max_background_tasks,
		.slow_handler_ms = o->slow_handler_ms,
	};
}
