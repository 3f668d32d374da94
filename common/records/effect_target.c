/* effect_target.c - whom an effect concerns. The rules are common/app/effects.c's: what target_resolve() leaves. */
#include "effect_target.h"

/* --- Writing ------------------------------------------------------------------------------------------------------ */

/* What the batch says already is left out. */
static void put_sender(
	struct record_writer *w, struct record_part *map, const struct effect_target *to, const struct batch_record *b)
{
	struct slice sid = slice_str(to->sid), home = slice_str(to->sid_nsp);

	if (!slice_equal(sid, b->sid))
		put_text(w, map, effect_member_name(E_SID), sid);
	if (sid.size && !slice_equal(home, b->nsp))
		put_text_if(w, map, effect_member_name(E_SID_NSP), home);
}

void put_target(struct record_writer *w, struct record_part *map, enum effect_whom whom, const struct effect_target *to,
	const struct batch_record *b)
{
	if (whom == WHOM_NOBODY)
		return;
	if (!slice_equal(slice_str(to->nsp), b->nsp))
		put_text_if(w, map, effect_member_name(E_NSP), slice_str(to->nsp));
	put_sender(w, map, to, b);
	if (to->n_rooms)
		put_names(w, map, effect_member_name(E_ROOMS), to->rooms, to->n_rooms);
	put_flag(w, map, effect_member_name(E_ALL), to->broadcast && whom == WHOM_ANY);
	if (to->n_skip)
		put_names(w, map, effect_member_name(E_SKIP), to->skip, to->n_skip);
	put_flag(w, map, effect_member_name(E_SKIP_SELF), to->skip_self);
	put_flag(w, map, effect_member_name(E_LOCAL), to->local);
	put_flag(w, map, effect_member_name(E_VOLATILE), to->is_volatile);
	put_flag(w, map, effect_member_name(E_LATEST), to->latest);
	put_flag(w, map, effect_member_name(E_UNCOMPRESSED), to->uncompressed);
}

/* --- Reading ------------------------------------------------------------------------------------------------------ */

void check_room(struct record_reader *r, struct slice name)
{
	if (r->rules->max_room_bytes && name.size > r->rules->max_room_bytes)
		read_fail(r, "a room's name that is too long");
}

static const struct slice *read_rooms(struct record_reader *r, struct slice value, size_t *n, const char *why)
{
	const struct slice *rooms = read_names(r, value, r->rules->max_rooms, n, why);

	for (size_t i = 0; i < *n; i++)
		check_room(r, rooms[i]);
	return rooms;
}

/* All texts that were read have a NUL behind them. */
static const char *text_or_null(struct slice text)
{
	return text.size ? text.at : NULL;
}

static void read_sender(
	struct record_reader *r, const struct slice *at, const struct batch_record *b, struct effect_target *to)
{
	struct slice nsp = at[E_NSP].at ? read_namespace(r, at[E_NSP]) : b->nsp;
	struct slice sid = at[E_SID].at ? read_text(r, at[E_SID], "sid is no text") : b->sid;
	struct slice home = at[E_SID_NSP].at ? read_namespace(r, at[E_SID_NSP]) : b->nsp;

	to->nsp = text_or_null(nsp);
	to->sid = text_or_null(sid);
	to->sid_nsp = text_or_null(home.size ? home : nsp);
	if (nsp.size == 0)
		read_fail(r, "an effect without nsp, in a batch that has none");
}

static void read_flags(struct record_reader *r, const struct slice *at, struct effect_target *to)
{
	const struct {
		enum effect_member member;
		bool *place;
	} flags[] = {
		{ E_ALL, &to->broadcast },
		{ E_SKIP_SELF, &to->skip_self },
		{ E_LOCAL, &to->local },
		{ E_VOLATILE, &to->is_volatile },
		{ E_LATEST, &to->latest },
		{ E_UNCOMPRESSED, &to->uncompressed },
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		*flags[i].place = read_flag(r, at[flags[i].member],
			"all, skip_self, local, volatile, latest and "
			"uncompressed are true or false");
}

/* Only where many may be chosen is anybody left out, so one client is then the room that is its own. */
static void make_room_of_one(struct record_reader *r, struct effect_target *to)
{
	bool is_home = to->sid && strcmp(to->nsp, to->sid_nsp) == 0;
	struct slice *own;

	if (to->n_rooms || to->broadcast || !is_home || (to->n_skip == 0 && !to->skip_self))
		return;
	own = read_memory(r, sizeof(*own));
	if (own == NULL)
		return;
	*own = slice_str(to->sid);
	to->rooms = own;
	to->n_rooms = 1;
}

static void read_chosen(struct record_reader *r, const struct slice *at, struct effect_target *to)
{
	read_flags(r, at, to);
	to->rooms = read_rooms(r, at[E_ROOMS], &to->n_rooms, "rooms are no array of names, or too many");
	to->skip = read_rooms(r, at[E_SKIP], &to->n_skip, "skip is no array of names, or too many");
	if (at[E_ROOMS].at && to->n_rooms == 0)
		read_fail(r, "no room in rooms");
	to->broadcast = to->broadcast && to->n_rooms == 0;
	if (r->error == NULL)
		make_room_of_one(r, to);
	if (to->n_rooms == 0 && !to->broadcast && to->sid == NULL)
		read_fail(r, "no sender, and neither rooms nor all");
}

struct effect_target read_target(
	struct record_reader *r, const struct slice *at, enum effect_whom whom, const struct batch_record *b)
{
	struct effect_target to = { .nsp = NULL };

	if (whom == WHOM_NOBODY)
		return to;
	read_sender(r, at, b, &to);
	to.broadcast = whom == WHOM_SERVERS;
	if (whom == WHOM_ANY)
		read_chosen(r, at, &to);
	else if (whom == WHOM_CLIENT && to.sid == NULL)
		read_fail(r, "no sender");
	return to;
}
