/* tool_request.c - the command line as the JSON object that the API takes. */
#include <inttypes.h>
#include <stdio.h>

#include "json.h"
#include "tool.h"

static const struct json_rules rules = { VALUE_DEPTH_MAX, JSON_NO_BLOBS };

static bool put_text(struct buf *to, const char *text)
{
	if (json_encode_text(to, slice_str(text)) == 0)
		return true;
	tool_complain("%s is not UTF-8", text);
	return false;
}

static void put_name(struct buf *to, const char *name)
{
	buf_printf(to, "%s\"%s\":", to->size > 1 ? "," : "", name);
}

static bool put_member(struct buf *to, const char *name, const char *text)
{
	if (text == NULL)
		return true;
	put_name(to, name);
	return put_text(to, text);
}

static bool put_list(struct buf *to, const char *name, const char *const *at, size_t count)
{
	if (count == 0)
		return true;
	put_name(to, name);
	for (size_t i = 0; i < count; i++) {
		buf_add_char(to, i ? ',' : '[');
		if (!put_text(to, at[i]))
			return false;
	}
	buf_add_char(to, ']');
	return true;
}

static void put_flag(struct buf *to, const char *name, bool set)
{
	if (!set)
		return;
	put_name(to, name);
	buf_add_str(to, "true");
}

/* --- An event's arguments ----------------------------------------------------------------------------------------- */

static bool read_input(struct buf *to)
{
	char part[4096];
	size_t n;

	while ((n = fread(part, 1, sizeof(part), stdin)) > 0)
		buf_add(to, part, n);
	if (ferror(stdin) || to->failed)
		tool_complain("cannot read standard input");
	else if (to->size && to->at[to->size - 1] == '\n')
		to->size--;
	return !ferror(stdin) && !to->failed;
}

static bool put_argument(struct buf *to, struct slice argument, bool is_text, size_t number)
{
	unsigned flags;
	const char *why = is_text ? NULL : json_check(argument, &rules, &flags);

	if (is_text && json_encode_text(to, argument) < 0)
		why = "it is not UTF-8";
	if (why)
		tool_complain("argument %zu is not JSON (%s): %.*s\n      Text is written '\"so\"', or --text says "
			      "that all is text.",
			number, why, argument.size < 60 ? (int)argument.size : 60, argument.at ? argument.at : "");
	else if (!is_text)
		buf_add_slice(to, argument);
	return why == NULL;
}

static bool put_word(struct buf *to, const char *word, bool is_text, size_t number)
{
	struct buf input = BUF_INIT;
	bool put;

	if (strcmp(word, "-") != 0)
		return put_argument(to, slice_str(word), is_text, number);
	put = read_input(&input) && put_argument(to, buf_slice(&input), is_text, number);
	buf_fini(&input);
	return put;
}

bool tool_request_items(const struct tool_args *a, struct buf *items)
{
	for (size_t i = 1; i < a->words.count; i++) {
		if (i > 1)
			buf_add_char(items, ',');
		if (!put_word(items, a->words.at[i], a->text, i))
			return false;
	}
	return true;
}

static bool put_event(struct buf *to, const struct tool_args *a)
{
	if (!put_member(to, "event", a->words.at[0]))
		return false;
	put_name(to, "args");
	buf_add_char(to, '[');
	if (!tool_request_items(a, to))
		return false;
	buf_add_char(to, ']');
	put_flag(to, "volatile", a->is_volatile);
	return true;
}

/* --- The whole ---------------------------------------------------------------------------------------------------- */

static bool put_words(struct buf *to, const struct tool_args *a)
{
	if (a->command->bit & TOOL_EMIT)
		return put_event(to, a);
	if (a->command->bit & TOOL_ROOM)
		return put_member(to, "room", a->words.at[0]);
	return put_list(to, "to", a->words.at, a->words.count);
}

bool tool_request_write(const struct tool_args *a, struct buf *json)
{
	buf_add_char(json, '{');
	if (!put_words(json, a) || !put_list(json, "to", a->to.at, a->to.count) ||
		!put_list(json, "except", a->except.at, a->except.count) ||
		!put_member(json, "namespace", a->namespace) || !put_member(json, "cursor", a->cursor))
		return false;
	put_flag(json, "broadcast", a->broadcast);
	put_flag(json, "local", a->local);
	put_flag(json, "transport", a->transport);
	if (a->limit) {
		put_name(json, "limit");
		buf_printf(json, "%" PRId64, a->limit);
	}
	buf_add_char(json, '}');
	if (json->failed)
		tool_complain("out of memory");
	return !json->failed;
}
