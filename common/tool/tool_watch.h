/* tool_watch.h - what tool_watch.c hears and tool_watch_show.c shows. */
#ifndef STOA_TOOL_WATCH_H
#define STOA_TOOL_WATCH_H

#include "tool.h"
#include "wire_channel.h"

struct watch_count {
	uint64_t emits, requests, malformed, bytes;
};

/* One line for a message of this channel; its kind is BROADCAST, ROOM or REQUEST. */
void watch_show(const struct tool_args *a, struct arena *arena, const struct wire_channel *channel,
	struct slice payload, struct watch_count *count);
void watch_sum_up(const struct watch_count *count, int64_t ms);

#endif
