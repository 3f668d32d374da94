/*
 * textarea.c - one text per room, edited by several people at once.
 *
 *	client sends                       is acked, and the others in the room get
 *	open {room}                        {revision, text};  people {count}, which the sender gets too
 *	edit {revision, edit}              {revision};        edit {revision, edit}
 *
 * An edit goes through a text from its start to its end: [5, "abc", -2] keeps 5 characters, inserts abc, deletes 2, and
 * keeps the rest; a character is a Unicode code point. Each edit makes the next revision. Two people may change one
 * revision at the same time; then the later one to arrive is transformed, made to say the same of the text that the
 * earlier one left behind, and applied and passed on so. Clients do the same with what they have sent and what arrives
 * meanwhile, so that all end with one text: "operational transformation". Of two insertions in one place the one that
 * arrived first stands first.
 */
#include <stoa.h>

#include <stdlib.h>
#include <string.h>

enum { TEXTS = 32, MAX_TEXT = 16 * 1024, MAX_PARTS = 100, MAX_NAME = 64, KEPT = 200 };

static struct text {
	char room[MAX_NAME + 1], *text; /* UTF-8; NULL: no text here yet */
	int people;
	int64_t opened;                 /* when somebody last came, to tell which is the oldest */
	int64_t revision;               /* how many edits made it */
	struct stoa_value *edits[KEPT]; /* the one that made revision r is at r % KEPT */
} texts[TEXTS];

/* --- Edits -------------------------------------------------------------------------------------------------------- */

/* Where one is in an edit. What remains of the part: text to insert, or n > 0 characters to keep, or n < 0 to delete. */
struct place {
	struct stoa_value edit;
	size_t next;
	int64_t n;
	const char *insert;
};

static bool step(struct place *p)
{
	struct stoa_value part = stoa_at(p->edit, p->next);

	if (p->next++ >= stoa_size(p->edit))
		return false;
	p->insert = NULL;
	p->n = 0;
	return stoa_read(part, &p->insert) == 0 || stoa_read(part, &p->n) == 0;
}

/* Texts have no \r: a text area makes \n of it and counts one character less. */
static bool is_edit(struct stoa_value edit)
{
	struct place p = { .edit = edit };

	if (stoa_type(edit) != STOA_ARRAY || stoa_size(edit) > MAX_PARTS)
		return false;
	while (step(&p))
		if (p.insert != NULL ? strchr(p.insert, '\r') != NULL : p.n == 0 || p.n < -MAX_TEXT || p.n > MAX_TEXT)
			return false;
	return p.next > stoa_size(edit);
}

static const char *skip(const char *utf8, int64_t characters)
{
	for (; characters > 0 && *utf8 != '\0'; characters--)
		do
			utf8++;
		while ((*utf8 & 0xC0) == 0x80);
	return characters > 0 ? NULL : utf8;
}

static int64_t length(const char *utf8)
{
	int64_t characters = 0;

	for (; *utf8 != '\0'; utf8 = skip(utf8, 1))
		characters++;
	return characters;
}

/* Appends a number, or adds it to the one before when it says the same; 0 ends a run. */
static void add(struct stoa_value *edit, int64_t *run, int64_t n)
{
	if (*run != 0 && (n == 0 || (n > 0) != (*run > 0))) {
		stoa_append(edit, *run);
		*run = 0;
	}
	*run += n;
}

/* What `a` is after `b`, both having been made for the same text. Beyond the end of an edit all is kept. */
static struct stoa_value transform(struct stoa_value a_edit, struct stoa_value b_edit)
{
	struct place a = { .edit = a_edit }, b = { .edit = b_edit };
	bool has_a = step(&a), has_b = step(&b);
	struct stoa_value *result = stoa_list();
	int64_t run = 0, n;

	while (has_a) {
		if (has_b && b.insert != NULL) {
			add(result, &run, length(b.insert));
			has_b = step(&b);
		} else if (a.insert != NULL) {
			add(result, &run, 0);
			stoa_append(result, a.insert);
			has_a = step(&a);
		} else {
			n = llabs(a.n);
			if (has_b && llabs(b.n) < n)
				n = llabs(b.n);
			if (!has_b || b.n > 0) /* what b deleted is neither kept nor deleted */
				add(result, &run, a.n > 0 ? n : -n);
			a.n += a.n > 0 ? -n : n;
			b.n += b.n > 0 ? -n : n;
			has_a = a.n != 0 || step(&a);
			has_b = has_b && (b.n != 0 || step(&b));
		}
	}
	add(result, &run, 0);
	return *result;
}

/* The text after the edit, to be freed; NULL: it does not fit the text, or the text would be longer than MAX_TEXT. */
static char *apply(const char *text, struct stoa_value edit)
{
	struct place p = { .edit = edit, .n = INT64_MAX };
	char *result = malloc(MAX_TEXT + 1);
	size_t size = 0;

	while (result != NULL && text != NULL && step(&p)) {
		const char *from = p.insert != NULL ? p.insert : text;
		const char *end = p.insert != NULL ? from + strlen(from) : skip(text, llabs(p.n));

		if (end != NULL && p.n >= 0) {
			if ((size_t)(end - from) > MAX_TEXT - size)
				break;
			memcpy(result + size, from, (size_t)(end - from));
			size += (size_t)(end - from);
		}
		if (p.insert == NULL)
			text = end;
	}
	if (result == NULL || text == NULL || p.next <= stoa_size(edit) || strlen(text) > MAX_TEXT - size) {
		free(result);
		return NULL;
	}
	strcpy(result + size, text);
	return result;
}

/* --- Texts -------------------------------------------------------------------------------------------------------- */

static void clear(struct text *t)
{
	for (int i = 0; i < KEPT; i++)
		free(t->edits[i]);
	free(t->text);
	*t = (struct text){ 0 };
}

/* The room's text; else a new one in a free place, or in that of the text that nobody has looked at for longest. */
static struct text *find_text(const char *room)
{
	struct text *oldest = NULL;

	for (struct text *t = texts; t < texts + TEXTS; t++) {
		if (t->text != NULL && strcmp(t->room, room) == 0)
			return t;
		if (t->people == 0 && (oldest == NULL || t->opened < oldest->opened))
			oldest = t;
	}
	if (oldest != NULL) {
		clear(oldest);
		strcpy(oldest->room, room);
		oldest->text = calloc(1, 1);
	}
	return oldest == NULL || oldest->text == NULL ? NULL : oldest;
}

/* A client's session says which text it has open. It outlives this module when that is loaded anew; the text does not. */
static struct text *text_of(struct stoa_event *ev)
{
	int place;

	if (stoa_read(stoa_session(ev), stoa_fields("text", &place)) < 0 || texts[place].people == 0)
		return NULL;
	return &texts[place];
}

static const char *room_of(const struct text *t)
{
	return stoa_format("text %s", t->room);
}

static int count_people(struct stoa_event *ev, struct text *t, int more)
{
	t->people += more;
	return stoa_emit(stoa_to(ev, room_of(t)), "people", stoa_object("count", t->people));
}

/* --- What happens ------------------------------------------------------------------------------------------------- */

static int on_disconnect(struct stoa_event *ev)
{
	struct text *t = text_of(ev);

	return t == NULL ? 0 : count_people(ev, t, -1);
}

/* The ack leaves before any edit that is made later, so that the client misses none. */
static int on_open(struct stoa_event *ev)
{
	static int64_t opened;
	struct text *t, *before = text_of(ev);
	const char *room;

	if (stoa_unpack(ev, stoa_fields("room", &room)) < 0)
		return STOA_EINPUT;
	if (strlen(room) > MAX_NAME)
		return stoa_fail(ev, "the name is too long");
	t = find_text(room);
	if (t == NULL)
		return stoa_fail(ev, "too many texts are open");
	t->opened = ++opened;
	stoa_ack(ev, stoa_object("revision", t->revision, "text", t->text));
	if (t == before)
		return 0;
	if (before != NULL) {
		stoa_leave_room(ev, room_of(before));
		count_people(ev, before, -1);
	}
	stoa_session_put(ev, "text", (int)(t - texts));
	stoa_join_room(ev, room_of(t));
	return count_people(ev, t, 1);
}

static int on_edit(struct stoa_event *ev)
{
	struct text *t = text_of(ev);
	struct stoa_value edit, *kept;
	int64_t revision;
	char *text;

	if (stoa_unpack(ev, stoa_fields("revision", &revision, "edit", &edit)) < 0)
		return STOA_EINPUT;
	if (t == NULL || !is_edit(edit))
		return stoa_fail(ev, t == NULL ? "no text is open" : "this is no edit");
	if (revision > t->revision || revision < 0 || t->revision - revision > KEPT)
		return stoa_fail(ev, "this revision is not known here");

	while (revision < t->revision)
		edit = transform(edit, *t->edits[++revision % KEPT]);
	text = apply(t->text, edit);
	kept = text == NULL ? NULL : stoa_keep(edit);
	if (kept == NULL) {
		free(text);
		return stoa_fail(ev, "the edit does not fit, or the text grows too long");
	}
	revision = ++t->revision;
	free(t->text);
	t->text = text;
	free(t->edits[revision % KEPT]);
	t->edits[revision % KEPT] = kept;
	stoa_ack(ev, stoa_object("revision", revision));
	return stoa_emit(
		stoa_to(ev, room_of(t), .skip_self = true), "edit", stoa_object("revision", revision, "edit", edit));
}

static int on_stop(struct stoa_event *ev)
{
	(void)ev;
	for (int i = 0; i < TEXTS; i++)
		clear(&texts[i]);
	return 0;
}

STOA_APP(app)
{
	stoa_one_process(app, "/");
	stoa_on_server(app, "stop", on_stop, NULL);
	stoa_on(app, "/", "disconnect", on_disconnect, NULL);
	stoa_on(app, "/", "open", on_open, NULL);
	stoa_on(app, "/", "edit", on_edit, NULL);
}
