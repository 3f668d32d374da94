/* main.c - stoa, the command. See tool.h. */
#include <stdio.h>
#include <stdlib.h>

#include "tool.h"

/* *next: where the next page begins, to be freed. */
static enum tool_exit ask_page(
	const struct tool_args *a, const struct tool_url *url, const char *key, bool first_page, char **next)
{
	struct tool_answer answer = { .status = 0 };
	struct buf request = BUF_INIT;
	enum tool_exit status = TOOL_FAILED;

	*next = NULL;
	if (!tool_request_write(a, &request))
		status = TOOL_USAGE;
	else if (tool_http_post(url, a->command->name, a, key, buf_slice(&request), &answer))
		status = tool_show(a, &answer, first_page, next);
	buf_fini(&request);
	buf_fini(&answer.body);
	return status;
}

/* A listing goes on until its last page, or ends at --limit. */
static enum tool_exit ask_all(struct tool_args *a, const struct tool_url *url, const char *key)
{
	char *cursor = NULL, *next;
	enum tool_exit status;
	bool first_page = true;

	do {
		status = ask_page(a, url, key, first_page, &next);
		free(cursor);
		a->cursor = cursor = next;
		first_page = false;
	} while (status == TOOL_DONE && next && a->limit == 0);
	free(cursor);
	return status;
}

static enum tool_exit ask(struct tool_args *a)
{
	struct tool_url url;
	const char *key;

	if (a->is_redis || a->command->via == TOOL_ITSELF)
		return a->command->run(a);
	key = tool_key(a);
	if (key == NULL || !tool_url_read(a->url ? a->url : tool_url_default(), &url))
		return TOOL_USAGE;
	return ask_all(a, &url, key);
}

static enum tool_exit run(struct tool_args *a)
{
	if (a->help)
		tool_args_help(a);
	else if (a->version)
		printf("stoa %s\n", STOA_VERSION);
	else
		return ask(a);
	return TOOL_DONE;
}

int main(int argc, char **argv)
{
	struct tool_args args = { .timeout_ms = 10000 };
	enum tool_exit status = TOOL_USAGE;

	if (tool_args_read(&args, argc, argv))
		status = run(&args);
	tool_args_fini(&args);
	return (int)status;
}
