/* main.c - stoa-manual NAME: prints the man page, or the completions, whose file has this name. See manual.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker_options.h"
#include "manual.h"

static const struct config_table *gateway_table(void)
{
	return &gateway_options_table;
}

static void conf_page(struct buf *to)
{
	file_page(to, (const struct config_table *const[2]){ gateway_table(), broker_options_table() });
}

/* Text from a table of options, or from the command's tables. */
static const struct {
	const char *name;
	const struct config_table *(*table)(void);
	void (*of_table)(struct buf *to, const struct config_table *table);
	void (*of_others)(struct buf *to);
} texts[] = {
	{ "stoa-gateway.8", gateway_table, daemon_page, NULL },
	{ "stoa-broker.8", broker_options_table, daemon_page, NULL },
	{ "stoa.conf.5", NULL, NULL, conf_page },
	{ "stoa.1", NULL, NULL, command_page },
	{ "stoa-gateway.bash", gateway_table, bash_daemon, NULL },
	{ "stoa-broker.bash", broker_options_table, bash_daemon, NULL },
	{ "stoa.bash", NULL, NULL, bash_command },
	{ "_stoa-gateway", gateway_table, zsh_daemon, NULL },
	{ "_stoa-broker", broker_options_table, zsh_daemon, NULL },
	{ "_stoa", NULL, NULL, zsh_command },
	{ "stoa-gateway.fish", gateway_table, fish_daemon, NULL },
	{ "stoa-broker.fish", broker_options_table, fish_daemon, NULL },
	{ "stoa.fish", NULL, NULL, fish_command },
};
enum { TEXTS = sizeof(texts) / sizeof(texts[0]) };

static bool write_text(size_t i)
{
	struct buf text = BUF_INIT;
	bool done;

	if (texts[i].table)
		texts[i].of_table(&text, texts[i].table());
	else
		texts[i].of_others(&text);
	done = !text.failed && fwrite(text.at, 1, text.size, stdout) == text.size && fflush(stdout) == 0;
	buf_fini(&text);
	return done;
}

int main(int argc, char **argv)
{
	for (size_t i = 0; argc == 2 && i < TEXTS; i++)
		if (strcmp(texts[i].name, argv[1]) == 0)
			return write_text(i) ? EXIT_SUCCESS : EXIT_FAILURE;
	fprintf(stderr, "usage: stoa-manual NAME\n");
	return EXIT_FAILURE;
}
