/* config_value.c - one value: from text to the field that its row names, and back. */
#include "config_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"

static const char BLANKS[] = " \t";

/* A value on its way into its field. */
struct assignment {
	struct config_context *context;
	struct config_place place;
	const struct config_match *match;
	const char *value;
};

/* `listen "x" is no address`: option, what came, what was expected. */
static bool fail_value(const struct assignment *a, const char *value, const char *wrong)
{
	struct buf quoted = BUF_INIT;

	config_add_quoted(&quoted, slice_str(value));
	config_fail(a->context, a->place, "%s %.*s %s", a->match->option->name, SLICE_ARG(buf_slice(&quoted)), wrong);
	buf_fini(&quoted);
	return false;
}

/* The same for a reason that is put together. */
static bool fail_value_buf(const struct assignment *a, const char *value, struct buf *wrong)
{
	buf_add_char(wrong, '\0');
	fail_value(a, value, wrong->at);
	buf_fini(wrong);
	return false;
}

static void add_choices(const struct config_option *o, struct buf *to)
{
	for (const char *const *choice = o->choices; *choice; choice++)
		buf_printf(to, "%s%s", choice == o->choices ? "" : ", ", *choice);
}

static int find_choice(const struct config_option *o, const char *text)
{
	for (int i = 0; o->choices[i]; i++)
		if (strcmp(o->choices[i], text) == 0)
			return i;
	return -1;
}

static bool fail_choice(const struct assignment *a, const char *value)
{
	struct buf wrong = BUF_INIT;

	buf_add_str(&wrong, "is not one of ");
	add_choices(a->match->option, &wrong);
	return fail_value_buf(a, value, &wrong);
}

/* ---- Numbers ---- */

void config_format_number(const struct config_option *o, int64_t n, struct buf *to)
{
	if (o->type == CONFIG_DURATION)
		config_format_duration(n, to);
	else if (o->type == CONFIG_SIZE)
		config_format_size(n, to);
	else
		buf_printf(to, "%" PRId64, n);
}

static bool is_bounded(const struct config_option *o)
{
	return o->min != 0 || o->max != 0;
}

static bool fail_range(const struct assignment *a)
{
	const struct config_option *o = a->match->option;
	struct buf wrong = BUF_INIT;

	buf_add_str(&wrong,
		o->type == CONFIG_LIST ? "has the wrong number of items; it takes " : "is out of range; it goes from ");
	config_format_number(o, o->min, &wrong);
	buf_add_str(&wrong, " to ");
	config_format_number(o, o->max, &wrong);
	return fail_value_buf(a, a->value, &wrong);
}

static const char *parse_int(const char *text, int64_t *value)
{
	char *end;
	long long n;

	if (strspn(text, "+-0123456789") != strlen(text) || *text == '\0')
		return "is not a whole number";
	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno == ERANGE)
		return "is too large";
	if (*end != '\0')
		return "is not a whole number";
	*value = n;
	return NULL;
}

static const char *parse_number(const struct config_option *o, const char *text, int64_t *value)
{
	if (o->type == CONFIG_DURATION)
		return config_parse_duration(text, value);
	if (o->type == CONFIG_SIZE)
		return config_parse_size(text, value);
	return parse_int(text, value);
}

/* The unit that a bare number has under its alias. */
static const char *alias_unit(const struct config_alias *alias)
{
	if (alias == NULL)
		return "";
	switch (alias->unit) {
	case ALIAS_MS:
		return "ms";
	case ALIAS_SECONDS:
		return "s";
	case ALIAS_BYTES:
		return "B";
	case ALIAS_SAME:
	case ALIAS_PATH:
		break;
	}
	return "";
}

/* Puts the alias's unit behind a bare number, and the slash before a path. The caller frees. */
static char *in_our_form(const struct config_match *match, const char *value)
{
	bool bare = value[0] && strspn(value, "0123456789") == strlen(value);
	bool relative = match->alias && match->alias->unit == ALIAS_PATH && value[0] && value[0] != '/';
	char *text;

	if (asprintf(&text, "%s%s%s", relative ? "/" : "", value, bare ? alias_unit(match->alias) : "") < 0)
		abort();
	return text;
}

static bool assign_number(const struct assignment *a, int64_t *field)
{
	const struct config_option *o = a->match->option;
	const char *wrong;
	int64_t n;

	wrong = parse_number(o, a->value, &n);
	if (wrong)
		return fail_value(a, a->value, wrong);
	if (is_bounded(o) && (n < o->min || n > o->max))
		return fail_range(a);
	*field = n;
	return true;
}

/* ---- Booleans and choices ---- */

bool config_parse_bool(const char *text, bool *value)
{
	static const char *const words[] = { "false", "true", "no", "yes", "off", "on", "0", "1" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (slice_equal_nocase(slice_str(words[i]), slice_str(text))) {
			*value = i % 2 == 1;
			return true;
		}
	}
	return false;
}

static bool assign_bool(const struct assignment *a, bool *field)
{
	return config_parse_bool(a->value, field) || fail_value(a, a->value, "is not a boolean; write true or false");
}

static bool assign_choice(const struct assignment *a, int *field)
{
	int i = find_choice(a->match->option, a->value);

	if (i < 0)
		return fail_choice(a, a->value);
	*field = i;
	return true;
}

/* ---- Texts and lists ---- */

static bool assign_text(const struct assignment *a, char **field)
{
	const struct config_option *o = a->match->option;
	const char *wrong = o->check && a->value[0] ? o->check(a->value) : NULL;

	if (wrong)
		return fail_value(a, a->value, wrong);
	free(*field);
	*field = a->value[0] ? must_strdup(a->value) : NULL;
	return true;
}

static void list_clear(struct config_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->at[i]);
	free(list->at);
	*list = (struct config_list){ 0 };
}

static void list_add(struct config_list *list, struct slice item)
{
	list->at = must_realloc(list->at, (list->count + 2) * sizeof(*list->at));
	list->at[list->count++] = must_strndup(item.at, item.size);
	list->at[list->count] = NULL;
}

static struct slice trim(struct slice s)
{
	while (s.size && strchr(BLANKS, s.at[0]))
		s = slice_from(s, 1);
	while (s.size && strchr(BLANKS, s.at[s.size - 1]))
		s.size--;
	return s;
}

static void list_split(struct config_list *list, struct slice text)
{
	size_t comma;

	if (trim(text).size == 0)
		return;
	while ((comma = slice_find(text, ',')) < text.size) {
		list_add(list, trim(slice_first(text, comma)));
		text = slice_from(text, comma + 1);
	}
	list_add(list, trim(text));
}

static bool item_is_good(const struct assignment *a, const char *item)
{
	const struct config_option *o = a->match->option;
	const char *wrong;

	if (item[0] == '\0')
		return fail_value(a, a->value, "has an empty item");
	if (o->choices && find_choice(o, item) < 0)
		return fail_choice(a, item);
	wrong = o->check ? o->check(item) : NULL;
	return wrong == NULL || fail_value(a, item, wrong);
}

static bool list_is_good(const struct assignment *a, const struct config_list *list)
{
	const struct config_option *o = a->match->option;

	for (size_t i = 0; i < list->count; i++)
		if (!item_is_good(a, list->at[i]))
			return false;
	if (is_bounded(o) && ((int64_t)list->count < o->min || (int64_t)list->count > o->max))
		return fail_range(a);
	return true;
}

static bool assign_list(const struct assignment *a, struct config_list *field)
{
	struct config_list list = { .set = true };
	bool good;

	for (size_t i = 0; a->match->more && i < field->count; i++)
		list_add(&list, slice_str(field->at[i]));
	list_split(&list, slice_str(a->value));
	good = list_is_good(a, &list);
	if (good) {
		list_clear(field);
		*field = list;
	} else {
		list_clear(&list);
	}
	return good;
}

/* ---- All types ---- */

static bool assign(const struct assignment *a, void *field)
{
	switch (a->match->option->type) {
	case CONFIG_BOOL:
		return assign_bool(a, field);
	case CONFIG_INT:
	case CONFIG_DURATION:
	case CONFIG_SIZE:
		return assign_number(a, field);
	case CONFIG_TEXT:
		return assign_text(a, field);
	case CONFIG_LIST:
		return assign_list(a, field);
	case CONFIG_CHOICE:
		return assign_choice(a, field);
	}
	return false;
}

bool config_assign(
	struct config_context *c, struct config_place place, const struct config_match *match, const char *value)
{
	char *text = in_our_form(match, value);
	struct assignment a = { c, place, match, text };
	bool done = assign(&a, config_field(match->option, c->into));

	free(text);
	return done;
}

static void format_list(const struct config_list *list, struct buf *to)
{
	for (size_t i = 0; i < list->count; i++)
		buf_printf(to, "%s%s", i ? ", " : "", list->at[i]);
}

void config_format(const struct config_option *o, const void *options, struct buf *to)
{
	const void *field = config_field_of(o, options);
	const char *text;

	switch (o->type) {
	case CONFIG_BOOL:
		buf_add_str(to, *(const bool *)field ? "true" : "false");
		break;
	case CONFIG_INT:
	case CONFIG_DURATION:
	case CONFIG_SIZE:
		config_format_number(o, *(const int64_t *)field, to);
		break;
	case CONFIG_TEXT:
		text = *(char *const *)field;
		buf_add_str(to, text ? text : "");
		break;
	case CONFIG_LIST:
		format_list(field, to);
		break;
	case CONFIG_CHOICE:
		buf_add_str(to, o->choices[*(const int *)field]);
		break;
	}
}

void config_clear(const struct config_option *o, void *options)
{
	void *field = config_field(o, options);
	char **text = field;

	if (o->type == CONFIG_LIST)
		list_clear(field);
	if (o->type == CONFIG_TEXT) {
		free(*text);
		*text = NULL;
	}
}
