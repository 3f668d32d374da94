/* app_record.c - what gateways know of the application before they ask, and which partition a client's events go to. */
#include "record_read.h"
#include "record_write.h"

enum { V, PARTITIONS, NAMESPACES, ONE_PROCESS, HEARS_HANDSHAKES, HEARS_REFUSALS, MEMBERS };
static const char *const members[MEMBERS] = { "v", "partitions", "namespaces", "one_process", "hears_handshakes",
	"hears_refusals" };

int app_record_put(struct buf *to, const struct app_record *r)
{
	struct record_writer w = record_begin(to, VALUE_JSON);
	struct record_part map = write_map(&w);

	put_uint(&w, &map, members[V], RECORDS_VERSION);
	put_uint(&w, &map, members[PARTITIONS], r->partitions);
	put_names(&w, &map, members[NAMESPACES], r->namespaces, r->n_namespaces);
	put_names(&w, &map, members[ONE_PROCESS], r->one_process, r->n_one_process);
	put_flag(&w, &map, members[HEARS_HANDSHAKES], r->hears_handshakes);
	put_flag(&w, &map, members[HEARS_REFUSALS], r->hears_refusals);
	write_map_end(&w, &map);
	return record_end(&w);
}

/* As stoa_on() takes it: "/chat", "/game-*", "*". */
static bool is_pattern(struct slice text)
{
	size_t star = slice_find(text, '*');

	if (text.size == 0 || (text.at[0] != '/' && text.at[0] != '*'))
		return false;
	return star + 1 >= text.size && slice_find(text, ',') == text.size;
}

static const struct slice *read_patterns(struct record_reader *r, struct slice value, size_t *n, const char *why)
{
	const struct slice *patterns = read_names(r, value, r->rules->max_rooms, n, why);

	for (size_t i = 0; i < *n; i++)
		if (!is_pattern(patterns[i]))
			read_fail(r, why);
	return patterns;
}

const char *app_record_read(
	struct arena *arena, struct slice bytes, const struct record_rules *rules, struct app_record *a)
{
	struct record_reader r = record_reader_of(arena, bytes, rules);
	struct slice at[MEMBERS];

	*a = (struct app_record){ 0 };
	read_map(&r, bytes, members, MEMBERS, at, "the record is no map");
	read_version(&r, at[V]);
	a->partitions =
		(unsigned)read_uint(&r, at[PARTITIONS], PARTITIONS_MAX, "partitions is no number from 1 to 1024");
	if (a->partitions == 0)
		read_fail(&r, "partitions is no number from 1 to 1024");
	a->namespaces = read_patterns(&r, at[NAMESPACES], &a->n_namespaces, "namespaces are no array of patterns");
	a->one_process = read_patterns(&r, at[ONE_PROCESS], &a->n_one_process, "one_process is no array of patterns");
	a->hears_handshakes = read_flag(&r, at[HEARS_HANDSHAKES], "hears_handshakes is neither true nor false");
	a->hears_refusals = read_flag(&r, at[HEARS_REFUSALS], "hears_refusals is neither true nor false");
	return r.error;
}

static bool fits(struct slice pattern, struct slice nsp)
{
	if (pattern.size && pattern.at[pattern.size - 1] == '*')
		return slice_starts(nsp, slice_first(pattern, pattern.size - 1));
	return slice_equal(pattern, nsp);
}

static bool fits_one_of(const struct slice *patterns, size_t n, struct slice nsp)
{
	for (size_t i = 0; i < n; i++)
		if (fits(patterns[i], nsp))
			return true;
	return false;
}

bool app_record_has_namespace(const struct app_record *r, struct slice nsp)
{
	return fits_one_of(r->namespaces, r->n_namespaces, nsp);
}

/* 32 bits of FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/): few lines in any language. */
static uint32_t hash_of(struct slice s)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < s.size; i++)
		hash = (hash ^ (unsigned char)s.at[i]) * 16777619u;
	return hash;
}

unsigned app_record_partition(const struct app_record *r, struct slice nsp, struct slice sid)
{
	bool one = fits_one_of(r->one_process, r->n_one_process, nsp);

	return r->partitions ? hash_of(one ? nsp : sid) % r->partitions : 0;
}
