/*
 * streams_redis_list.c - enlist(), list(): sets of names beside their keys. See streams_redis_internal.h.
 *
 * Each is a script, so that no name is taken off whose key came back in between. The set itself may hold what is not ours,
 * or be no set at all: a name is but what stands behind the prefix of a key, and the latter is an error that is logged.
 */
#include <errno.h>

#include "streams_redis_internal.h"

#define LIST_MAX "1024"
#define CHECKED  "8"     /* by each renewal: nobody need list() them to keep them few */
#define EXPIRY_S "86400" /* longer than any lease */

const char script_enlist[] = "local n=redis.pcall('SADD',KEYS[1],ARGV[1])\n"
			     "if type(n)=='table' then return n end\n"
			     "redis.call('EXPIRE',KEYS[1]," EXPIRY_S ")\n"
			     "for _,m in ipairs(redis.call('SRANDMEMBER',KEYS[1]," CHECKED ")) do\n"
			     " if redis.call('EXISTS',ARGV[2]..m)==0 then redis.call('SREM',KEYS[1],m) end\n"
			     "end\n"
			     "return n";

int streams_redis_enlist(struct streams *s, struct slice list, struct slice prefix, struct slice name,
	streams_answer_fn *answer, void *to)
{
	static const struct question_kind kind = { "enlist", answer_integer, -EPROTO };
	struct question *q = question_new(s, &kind, 0, answer, to);

	return q ? question_eval(q, script_enlist, list, (struct slice[]){ name, prefix }, 2) : -ENOTCONN;
}

/* [name, value, ..]. A key that holds something else than text is not gone, and has nothing to tell. */
const char script_list[] = "local out,all={},redis.pcall('SRANDMEMBER',KEYS[1]," LIST_MAX ")\n"
			   "if all.err then return all end\n"
			   "for _,m in ipairs(all) do\n"
			   " local v=redis.pcall('GET',ARGV[1]..m)\n"
			   " if not v then redis.call('SREM',KEYS[1],m)\n"
			   " elseif type(v)=='string' then out[#out+1]=m out[#out+1]=v end\n"
			   "end\n"
			   "return out";

static int64_t read_list(struct question *q, const struct redis_reply *reply, struct slice *text)
{
	(void)text;
	if (reply->type != REDIS_ARRAY || reply->count % 2 != 0)
		return -EPROTO;
	for (size_t i = 0; i < reply->count; i++)
		if (reply->items[i].type != REDIS_STRING)
			return -EPROTO;
	for (size_t i = 0; i < reply->count && q->each.pair && !q->streams->closed; i += 2)
		q->each.pair(q->to, reply->items[i].text, reply->items[i + 1].text);
	return (int64_t)reply->count / 2;
}

int streams_redis_list(struct streams *s, struct slice list, struct slice prefix,
	void (*each)(void *to, struct slice name, struct slice value), streams_answer_fn *answer, void *to)
{
	static const struct question_kind kind = { "list", read_list, -EPROTO };
	struct question *q = question_new(s, &kind, 0, answer, to);

	if (q == NULL)
		return -ENOTCONN;
	q->each.pair = each;
	return question_eval(q, script_list, list, &prefix, 1);
}
