/* config_flags.c - the command line: read whole first, because it names the file, and assigned last, because it wins. */
#include "config_parts.h"

#include <stdlib.h>

#include "alloc.h"

enum { NAME_ROOM = 128 };

/* The flags that are not options, under their names as nearest() compares them. */
static const char *const builtin_names[] = { "config", "set", "help", "version", "health", "check_config",
	"print_config", NULL };

/* Walks argv. */
struct walk {
	struct config_context *context;
	struct config_flags *flags;
	int argc, next;
	char *const *argv;
};

/* One flag, taken apart: --name, or --name=value. */
struct flag {
	struct config_place place; /* as it was written, up to the = */
	char text[NAME_ROOM];
	struct slice name; /* without dashes, - as _ */
	const char *value; /* NULL: not in the same word */
};

static void take_apart(const char *word, struct flag *f)
{
	const char *equals = strchr(word, '=');
	size_t size = equals ? (size_t)(equals - word) : strlen(word);

	f->place = (struct config_place){ .name = slice_of(word, size) };
	f->value = equals ? equals + 1 : NULL;
	f->name = slice_of(f->text, size - 2 < NAME_ROOM ? size - 2 : NAME_ROOM);
	for (size_t i = 0; i < f->name.size; i++)
		f->text[i] = (char)(word[i + 2] == '-' ? '_' : word[i + 2]);
}

static const char *next_word(const struct walk *w)
{
	return w->next < w->argc ? w->argv[w->next] : NULL;
}

/* The flag's value, from behind its = or from the next word. A word that is a flag itself is no value. */
static bool take_value(struct walk *w, struct flag *f)
{
	const char *word = next_word(w);

	if (f->value)
		return true;
	if (word == NULL || strncmp(word, "--", 2) == 0)
		return config_fail(w->context, f->place, "a value must follow");
	f->value = word;
	w->next++;
	return true;
}

/* A boolean flag takes the next word only when that is a boolean. */
static void take_bool(struct walk *w, struct flag *f)
{
	const char *word = next_word(w);
	bool ignored;

	if (f->value)
		return;
	f->value = "true";
	if (word && config_parse_bool(word, &ignored)) {
		f->value = word;
		w->next++;
	}
}

static bool add_setting(struct walk *w, struct config_setting setting)
{
	w->flags->settings[w->flags->count++] = setting;
	return true;
}

static bool on_option(struct walk *w, struct flag *f, const struct config_match *match)
{
	if (match->option->type == CONFIG_BOOL)
		take_bool(w, f);
	else if (!take_value(w, f))
		return false;
	return add_setting(w, (struct config_setting){ .match = *match, .place = f->place, .value = f->value });
}

/* --no-NAME */
static bool on_negation(struct walk *w, const struct flag *f, const struct config_match *match)
{
	if (match->option->type != CONFIG_BOOL)
		return config_fail(w->context, f->place, "%s is not a boolean", match->option->name);
	if (f->value)
		return config_fail(w->context, f->place, "it takes no value");
	return add_setting(w, (struct config_setting){ .match = *match, .place = f->place, .value = "false" });
}

/* --set NAME=VALUE */
static bool on_set(struct walk *w, struct flag *f)
{
	const char *equals;
	struct buf quoted = BUF_INIT;

	if (!take_value(w, f))
		return false;
	equals = strchr(f->value, '=');
	if (equals)
		return add_setting(w, (struct config_setting){ .place = f->place,
					      .pair = slice_of(f->value, (size_t)(equals - f->value)),
					      .value = equals + 1 });
	config_add_quoted(&quoted, slice_str(f->value));
	config_fail(w->context, f->place, "%.*s is not NAME=VALUE", SLICE_ARG(buf_slice(&quoted)));
	buf_fini(&quoted);
	return false;
}

static bool on_config(struct walk *w, struct flag *f)
{
	if (!take_value(w, f))
		return false;
	w->flags->file = f->value;
	return true;
}

static bool is_named(const struct flag *f, const char *name)
{
	return slice_equal(f->name, slice_str(name));
}

static enum config_action action_of(const struct flag *f)
{
	static const struct {
		const char *name;
		enum config_action action;
	} actions[] = {
		{ "help", CONFIG_HELP },
		{ "version", CONFIG_VERSION },
		{ "health", CONFIG_HEALTH },
		{ "check_config", CONFIG_CHECK },
		{ "print_config", CONFIG_PRINT },
	};

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (is_named(f, actions[i].name))
			return actions[i].action;
	return CONFIG_RUN;
}

static bool on_action(struct walk *w, const struct flag *f, enum config_action action)
{
	if (f->value)
		return config_fail(w->context, f->place, "it takes no value");
	w->flags->action = action;
	return true;
}

static bool on_flag(struct walk *w, struct flag *f)
{
	const struct slice no = SLICE("no_");
	struct config_match match;
	enum config_action action = action_of(f);

	if (action != CONFIG_RUN)
		return on_action(w, f, action);
	if (is_named(f, "config"))
		return on_config(w, f);
	if (is_named(f, "set"))
		return on_set(w, f);
	if (config_find(w->context->table, f->name, &match))
		return on_option(w, f, &match);
	if (slice_starts(f->name, no) && config_find(w->context->table, slice_from(f->name, no.size), &match))
		return on_negation(w, f, &match);
	return config_fail_unknown(w->context, f->place, f->name, builtin_names);
}

static bool fail_argument(struct walk *w, const char *word)
{
	const struct config_place place = { .name = SLICE("command line") };
	struct buf quoted = BUF_INIT;

	config_add_quoted(&quoted, slice_str(word));
	config_fail(w->context, place, "unexpected argument %.*s; options are written --name value, --help lists them",
		SLICE_ARG(buf_slice(&quoted)));
	buf_fini(&quoted);
	return false;
}

static bool on_word(struct walk *w, const char *word)
{
	struct flag f;

	if (strncmp(word, "--", 2) != 0 || word[2] == '\0' || word[2] == '=')
		return fail_argument(w, word);
	take_apart(word, &f);
	return on_flag(w, &f);
}

bool config_flags_parse(struct config_context *c, int argc, char *const *argv, struct config_flags *flags)
{
	struct walk w = { c, flags, argc, 1, argv };

	*flags = (struct config_flags){ .action = CONFIG_RUN };
	flags->settings = must_alloc(((size_t)argc + 1) * sizeof(*flags->settings));
	while (w.next < argc && flags->action != CONFIG_HELP && flags->action != CONFIG_VERSION)
		if (!on_word(&w, argv[w.next++]))
			return false;
	return true;
}

static bool assign_setting(struct config_context *c, const struct config_setting *s)
{
	if (s->match.option)
		return config_assign(c, s->place, &s->match, s->value);
	return config_pair(c, s->place, s->pair, s->value);
}

bool config_flags_assign(struct config_context *c, const struct config_flags *flags)
{
	for (size_t i = 0; i < flags->count; i++)
		if (!assign_setting(c, &flags->settings[i]))
			return false;
	return true;
}
