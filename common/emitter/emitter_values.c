/* emitter_values.c - the caller's texts as what is encoded. See emitter_internal.h. */
#include <errno.h>
#include <stdio.h>

#include "emitter_internal.h"
#include "json.h"
#include "utf8.h"

/* --- Names -------------------------------------------------------------------------------------------------------- */

int values_nsp(struct stoa_emitter *e, const char *nsp, struct slice *to)
{
	struct buf with_slash = BUF_INIT;

	if (nsp == NULL || nsp[0] == '\0')
		nsp = "/";
	if (strchr(nsp, '#') || !utf8_valid(slice_str(nsp)))
		return emitter_fail(e, -EINVAL, "no namespace has a # or text that is not UTF-8");
	if (nsp[0] != '/')
		buf_add_char(&with_slash, '/');
	buf_add_str(&with_slash, nsp);
	to->at = with_slash.failed ? NULL : arena_copy(&e->scratch, with_slash.at, with_slash.size);
	to->size = with_slash.size;
	buf_fini(&with_slash);
	return to->at ? 0 : emitter_fail(e, -ENOMEM, NULL);
}

static size_t count_of(const char *const *at)
{
	size_t n = 0;

	while (at && at[n])
		n++;
	return n;
}

/* One that comes twice is one. */
static int add_name(struct stoa_emitter *e, struct wire_names *names, const char *name)
{
	struct slice s = slice_str(name);

	if (!utf8_valid(s))
		return emitter_fail(e, -EINVAL, "the name of a room is not UTF-8");
	for (size_t i = 0; i < names->count; i++)
		if (slice_equal(names->at[i], s))
			return 0;
	names->at[names->count++] = s;
	return 0;
}

static int names_of(struct stoa_emitter *e, const char *first, const char *const *more, struct wire_names *names)
{
	size_t n = count_of(more);
	int error = first ? -1 : 0;

	*names = (struct wire_names){ arena_take(&e->scratch, (n + 1) * sizeof(*names->at)), 0 };
	if (names->at == NULL)
		return emitter_fail(e, -ENOMEM, NULL);
	if (first)
		error = add_name(e, names, first);
	for (size_t i = 0; i < n && error == 0; i++)
		error = add_name(e, names, more[i]);
	return error;
}

int values_names(struct stoa_emitter *e, const char *const *at, struct wire_names *names)
{
	int error = names_of(e, NULL, at, names);

	if (error == 0 && names->count == 0)
		return emitter_fail(e, -EINVAL, "no room is named");
	return error;
}

int values_target(struct stoa_emitter *e, const struct stoa_emitter_to *to, struct slice *nsp, struct wire_opts *opts)
{
	static const struct stoa_emitter_to nobody;
	int error;

	to = to ? to : &nobody;
	*opts = (struct wire_opts){ .is_volatile = to->is_volatile, .uncompressed = to->uncompressed };
	error = values_nsp(e, to->nsp, nsp);
	if (error == 0)
		error = names_of(e, to->room, to->rooms, &opts->rooms);
	if (error == 0)
		error = names_of(e, NULL, to->except, &opts->except);
	if (error)
		return error;
	if (opts->rooms.count == 0 && !to->broadcast)
		return emitter_fail(e, -EINVAL, "whom? say a room, rooms, or broadcast for everybody");
	opts->everybody = opts->rooms.count == 0;
	return 0;
}

/* --- Events ------------------------------------------------------------------------------------------------------- */

/* [event, ..args] as one text. `args` is an array as it stands, checked below. */
static int write_event(struct stoa_emitter *e, const char *event, struct slice args)
{
	buf_clear(&e->json);
	buf_add_char(&e->json, '[');
	if (json_encode_text(&e->json, slice_str(event)) < 0)
		return emitter_fail(e, -EINVAL, "the event's name is not UTF-8");
	if (args.size) {
		buf_add_char(&e->json, ',');
		buf_add_slice(&e->json, args);
	}
	buf_add_char(&e->json, ']');
	return e->json.failed ? emitter_fail(e, -ENOMEM, NULL) : 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct slice trimmed(struct slice s)
{
	while (s.size && is_blank(s.at[0]))
		s = slice_from(s, 1);
	while (s.size && is_blank(s.at[s.size - 1]))
		s.size--;
	return s;
}

/* What is inside the array, blank when it is empty. */
static int read_args(
	struct stoa_emitter *e, const char *args, const struct json_rules *rules, unsigned *flags, struct slice *inside)
{
	struct slice all = trimmed(slice_str(args));
	const char *wrong = NULL;
	char why[100];

	*inside = slice_of(NULL, 0);
	if (args == NULL)
		return 0;
	wrong = json_check(all, rules, flags);
	if (wrong == NULL && all.at[0] != '[')
		wrong = "not an array";
	snprintf(why, sizeof(why), "the arguments are no JSON array: %s", wrong ? wrong : "");
	if (wrong)
		return emitter_fail(e, -EINVAL, why);
	*inside = trimmed(slice_of(all.at + 1, all.size - 2));
	return 0;
}

static const struct slice *blobs_of(
	struct stoa_emitter *e, const struct stoa_emitter_bytes *attachments, size_t n_attachments)
{
	struct slice *blobs = arena_take(&e->scratch, (n_attachments + 1) * sizeof(*blobs));

	for (size_t i = 0; blobs && i < n_attachments; i++)
		blobs[i] = slice_of(attachments[i].at, attachments[i].size);
	return blobs;
}

int values_event(struct stoa_emitter *e, const char *event, const char *args,
	const struct stoa_emitter_bytes *attachments, size_t n_attachments, struct stoa_value *data)
{
	struct json_rules rules = { VALUE_DEPTH_MAX - 8, n_attachments ? (long)n_attachments : JSON_NO_BLOBS };
	const struct slice *blobs = n_attachments ? blobs_of(e, attachments, n_attachments) : NULL;
	struct slice inside;
	unsigned flags = 0;
	int error =
		event ? read_args(e, args, &rules, &flags, &inside) : emitter_fail(e, -EINVAL, "the event has no name");

	if (error == 0)
		error = write_event(e, event, inside);
	if (error)
		return error;
	if (n_attachments && blobs == NULL)
		return emitter_fail(e, -ENOMEM, NULL);
	*data = json_decode(&e->scratch, buf_slice(&e->json), blobs, n_attachments);
	return data->kind_ == VALUE_ARRAY ? 0 : emitter_fail(e, -ENOMEM, NULL);
}
