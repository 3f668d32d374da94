/* batch_record.c - what an event left: the outside of it; effect_record.c has the effects. */
#include <errno.h>

#include "effect_record.h"

enum { V, BY, ID, PARTITION, NSP, SID, N, EFFECTS, FAILED, DEFERRED, MEMBERS };
static const char *const members[MEMBERS] = { "v", "by", "id", "partition", "nsp", "sid", "n", "effects", "failed",
	"deferred" };

enum { ID_MAX = 41 }; /* two numbers of 64 bits and the dash between them */

int batch_record_put(struct buf *to, enum value_encoding encoding, const struct batch_record *b)
{
	struct record_writer w = record_begin(to, encoding);
	struct record_part map = write_map(&w);

	put_uint(&w, &map, members[V], RECORDS_VERSION);
	put_text(&w, &map, members[BY], b->by);
	put_text_if(&w, &map, members[ID], b->id);
	if (b->id.size || b->sid.size == 0)
		put_uint(&w, &map, members[PARTITION], b->partition);
	put_text_if(&w, &map, members[NSP], b->nsp);
	put_text_if(&w, &map, members[SID], b->sid);
	if (b->n || b->id.size)
		put_uint(&w, &map, members[N], b->n);
	if (b->failed.size)
		put_text(&w, &map, members[FAILED], b->failed);
	else if (b->effects)
		put_effects(&w, &map, members[EFFECTS], b);
	put_flag(&w, &map, members[DEFERRED], b->deferred);
	write_map_end(&w, &map);
	return record_end(&w);
}

static bool all_digits(struct slice s)
{
	for (size_t i = 0; i < s.size; i++)
		if (s.at[i] < '0' || s.at[i] > '9')
			return false;
	return s.size > 0 && s.size <= 20;
}

static struct slice read_id(struct record_reader *r, struct slice value)
{
	struct slice id = read_word(r, value, ID_MAX, "id is no stream entry's");
	size_t dash = slice_find(id, '-');

	if (value.at &&
		(dash == id.size || !all_digits(slice_first(id, dash)) || !all_digits(slice_from(id, dash + 1))))
		read_fail(r, "id is no stream entry's");
	return id;
}

static void read_outside(struct record_reader *r, const struct slice *at, struct batch_record *b)
{
	read_version(r, at[V]);
	if (at[BY].at == NULL)
		read_fail(r, "a batch by nobody");
	b->by = read_word(r, at[BY], BY_MAX, "by is no worker's name");
	b->id = read_id(r, at[ID]);
	if (b->id.size && at[PARTITION].at == NULL)
		read_fail(r, "an id without its partition");
	b->partition = (unsigned)read_uint(r, at[PARTITION], PARTITIONS_MAX - 1, "partition is none");
	b->nsp = read_namespace(r, at[NSP]);
	b->sid = read_text(r, at[SID], "sid is no text");
	b->n = read_uint(r, at[N], UINT64_MAX, "n is no whole number");
	if (b->id.size && at[N].at == NULL)
		read_fail(r, "an id without its n");
	b->failed = read_text(r, at[FAILED], "failed is no text");
	if (b->failed.size && at[EFFECTS].at)
		read_fail(r, "failed, and yet effects");
	b->deferred = read_flag(r, at[DEFERRED], "deferred is neither true nor false");
}

const char *batch_record_read(
	struct arena *arena, struct slice bytes, const struct record_rules *rules, struct batch_record *b)
{
	struct record_reader r = record_reader_of(arena, bytes, rules);
	struct slice at[MEMBERS];

	*b = (struct batch_record){ .n = 0 };
	read_map(&r, bytes, members, MEMBERS, at, "the record is no map");
	read_outside(&r, at, b);
	b->effects = read_effects(&r, at[EFFECTS], b);
	return r.error;
}

const char *batch_record_peek(struct arena *arena, struct slice bytes, struct batch_record *b)
{
	struct record_rules rules = RECORD_RULES;
	struct record_reader r;
	struct slice at[MEMBERS];

	rules.max_bytes = SIZE_MAX;
	r = record_reader_of(arena, bytes, &rules);
	*b = (struct batch_record){ .n = 0 };
	read_map(&r, bytes, members, MEMBERS, at, "the record is no map");
	read_outside(&r, at, b);
	return r.error;
}
