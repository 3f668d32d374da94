/* saved.c - clients that are away. See recovery_internal.h. */
#include <stdlib.h>

#include "metrics.h"
#include "recovery_internal.h"

/* --- The list ----------------------------------------------------------------------------------------------------- */

static void link_newest(struct recovery *r, struct recovery_saved *s)
{
	s->newer = NULL;
	s->older = r->newest;
	*(r->newest ? &r->newest->newer : &r->oldest) = s;
	r->newest = s;
	r->n_saved++;
}

static void unlink_saved(struct recovery *r, struct recovery_saved *s)
{
	*(s->older ? &s->older->newer : &r->oldest) = s->newer;
	*(s->newer ? &s->newer->older : &r->newest) = s->older;
	s->older = s->newer = NULL;
	r->n_saved--;
}

/* --- Saving ------------------------------------------------------------------------------------------------------- */

static size_t text_bytes(const struct hub_member *m, struct slice who)
{
	size_t bytes = m->nsp->node.key.size + m->by_sid.key_size + who.size + 3;

	for (uint32_t i = 0; i < m->n_places; i++)
		bytes += m->places[i].room->node.key_size + 1;
	return bytes;
}

static struct slice copy(char **at, struct slice text)
{
	struct slice made = slice_of(*at, text.size);

	if (text.size)
		memcpy(*at, text.at, text.size);
	*at += text.size + 1;
	return made;
}

static void add_room(struct recovery_saved *s, char **at, struct slice room)
{
	s->hashes[s->n_rooms] = map_hash(room.at, room.size);
	s->room[s->n_rooms++] = copy(at, room);
}

static void copy_names(struct recovery_saved *s, const struct hub_member *m, struct slice who, size_t n_rooms)
{
	char *at = (char *)(s->rooms + n_rooms);

	s->room = s->rooms;
	s->hashes = (unsigned *)(void *)at;
	at += n_rooms * sizeof(*s->hashes);
	s->nsp = copy(&at, m->nsp->node.key);
	s->nsp_hash = map_hash(s->nsp.at, s->nsp.size);
	s->who = copy(&at, who);
	add_room(s, &at, table_key(&m->by_sid));
	for (uint32_t i = 0; i < m->n_places; i++)
		add_room(s, &at, table_key(&m->places[i].room->node));
}

static struct recovery_saved *saved_new(const struct hub_member *m, struct slice who)
{
	const struct recovery_seat *seat = (const struct recovery_seat *)(const void *)m->memory;
	size_t n_rooms = m->n_places + 1;
	size_t bytes = sizeof(struct recovery_saved) + n_rooms * (sizeof(struct slice) + sizeof(unsigned)) +
		       text_bytes(m, who);
	struct recovery_saved *s = calloc(1, bytes);

	if (s == NULL)
		return NULL;
	s->bytes = bytes;
	s->start = seat->start;
	s->before = seat->before;
	s->said = hub_said_to(m);
	s->left = seat->memory.left;
	s->joined = seat->memory.joined;
	memcpy(s->pid, seat->pid, sizeof(s->pid));
	s->by_pid.key = slice_of(s->pid, RECOVERY_PID_SIZE);
	copy_names(s, m, who, n_rooms);
	return s;
}

void recovery_save(struct recovery *r, int64_t now_ms, const struct hub_member *m, struct slice who)
{
	struct recovery_saved *s = saved_new(m, who);

	if (s == NULL) {
		metrics_count(M_OUT_OF_MEMORY);
		return;
	}
	s->until_ms = now_ms + r->config.max_away_ms;
	s->position = recovery_position(r);
	map_add(&r->saved, &s->by_pid);
	link_newest(r, s);
	r->bytes += s->bytes;
	wants_add(r, s);
	metrics_count(M_RECOVERY_SAVED);
	recovery_fit(r);
	recovery_watch(r);
}

static struct recovery_saved *find(const struct recovery *r, struct slice pid)
{
	struct map_node *node = map_find(&r->saved, pid);

	return node ? map_item(node, struct recovery_saved, by_pid) : NULL;
}

bool recovery_save_data(struct recovery *r, struct slice pid, void *data, size_t bytes)
{
	struct recovery_saved *s = find(r, pid);

	if (s == NULL || s->data)
		return false;
	s->data = data;
	s->data_bytes = bytes;
	s->bytes += bytes;
	r->bytes += bytes;
	recovery_fit(r);
	return true;
}

/* --- Forgetting --------------------------------------------------------------------------------------------------- */

void recovery_drop(struct recovery *r, struct recovery_saved *s)
{
	if (!s->is_taken) {
		unlink_saved(r, s);
		map_remove(&r->saved, &s->by_pid);
	}
	r->bytes -= s->bytes;
	wants_remove(r, s);
	if (s->data)
		r->config.free_data(s->data);
	free(s);
}

void saved_forget(struct recovery *r)
{
	recovery_drop(r, r->oldest);
}

void saved_expire(struct recovery *r, int64_t now_ms)
{
	while (r->oldest && r->oldest->until_ms <= now_ms)
		saved_forget(r);
}

void saved_fini(struct recovery *r)
{
	while (r->oldest)
		saved_forget(r);
}

/* --- Taking ------------------------------------------------------------------------------------------------------- */

static bool is_same(const struct recovery_offset *a, struct slice b)
{
	return a->size && slice_equal(slice_of(a->text, a->size), b);
}

/* Behind which packet it goes on: that of its offset, but never one from before it was let in. */
static bool find_place(const struct recovery *r, struct recovery_saved *s, struct slice offset)
{
	uint64_t number = 0;

	if (offset.size && !is_same(&s->before, offset) && !packets_parse(r, offset, &number))
		return false;
	s->from = number > s->start ? number : s->start;
	return true;
}

/* Packets behind its place are there; or it has seen the last one that it was sent, and those since it left are. */
static enum recovery_refusal look(
	const struct recovery *r, struct recovery_saved *s, const struct recovery_asked *asked)
{
	if (r->is_deaf)
		return RECOVERY_DEAF;
	if (!find_place(r, s, asked->offset))
		return RECOVERY_OFFSET;
	if (s->from < r->gap)
		return RECOVERY_DEAF;
	if (s->from < s->left)
		return RECOVERY_LEFT;
	if (s->from >= s->said && s->from < s->position)
		s->from = s->position;
	if (s->from + 1 < r->first)
		return RECOVERY_FORGOTTEN;
	return missed_look(r, s, asked->max_bytes);
}

struct recovery_saved *recovery_take(
	struct recovery *r, int64_t now_ms, const struct recovery_asked *asked, enum recovery_refusal *why)
{
	struct recovery_saved *s = find(r, asked->pid);

	*why = RECOVERY_UNKNOWN;
	if (s == NULL || s->until_ms <= now_ms || !slice_equal(s->nsp, asked->nsp) || !slice_equal(s->who, asked->who))
		return NULL;
	*why = look(r, s, asked);
	if (*why != RECOVERY_OK) {
		recovery_drop(r, s);
		recovery_fit(r);
		return NULL;
	}
	unlink_saved(r, s);
	map_remove(&r->saved, &s->by_pid);
	s->is_taken = true;
	recovery_fit(r);
	return s;
}

bool recovery_is_whole(const struct recovery *r, const struct recovery_saved *s)
{
	return s->from >= r->gap && s->from + 1 >= r->first;
}

void recovery_put_back(struct recovery *r, int64_t now_ms, struct recovery_saved *s)
{
	if (s->until_ms <= now_ms || find(r, slice_of(s->pid, RECOVERY_PID_SIZE))) {
		recovery_drop(r, s);
		return;
	}
	s->is_taken = false;
	map_add(&r->saved, &s->by_pid);
	link_newest(r, s);
	recovery_fit(r);
}
