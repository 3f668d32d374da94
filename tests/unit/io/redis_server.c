/* redis_server.c - see redis_server.h. */
#include "redis_server.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

char folder[64], socket_path[96];
pid_t server; /* 0: none */

/* `options` as on redis-server's command line, without blanks inside. */
void start_server(const char *options)
{
	char text[2000], *argv[100], *save, *word;
	int argc = 0;

	snprintf(text, sizeof(text),
		"redis-server --port 0 --unixsocket %s --dir %s --save '' --appendonly no --daemonize no --loglevel "
		"warning %s",
		socket_path, folder, options);
	for (word = strtok_r(text, " ", &save); word && argc < 99; word = strtok_r(NULL, " ", &save)) {
		static char empty[] = "";

		argv[argc++] = strcmp(word, "''") == 0 ? empty : word;
	}
	argv[argc] = NULL;
	server = fork();
	ck_assert_int_ge(server, 0);
	if (server == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when the test fails */
		dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
		execvp(argv[0], argv);
		_exit(127);
	}
}

void kill_server(void)
{
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	server = 0;
}

/* By redis-cli, once the server answers; what it says. */
const char *admin(const char *format, ...)
{
	static char said[10000];
	char text[1000], line[1200];
	va_list args;
	FILE *f;
	size_t n;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	snprintf(line, sizeof(line), "redis-cli -s %s %s 2>&1", socket_path, text);
	f = popen(line, "re");
	ck_assert_ptr_nonnull(f);
	n = fread(said, 1, sizeof(said) - 1, f);
	said[n] = '\0';
	pclose(f);
	return said;
}

static bool is_up(void *ctx)
{
	(void)ctx;
	return strstr(admin("PING"), "connect") == NULL;
}

void await_server(void)
{
	run_until(is_up, NULL, "the server to start");
}

void run_script(const char *script)
{
	char line[4000];

	snprintf(line, sizeof(line), "cd %s && { %s; } >out 2>&1", folder, script);
	ck_assert_msg(system(line) == 0, "%s", line); /* NOLINT: a test's own script */
}

/* A folder and a connection that is not open yet; url NULL: the server's socket. */
void begin_server(const char *options, const char *url)
{
	char text[200];

	snprintf(folder, sizeof(folder), "/tmp/stoa-redis-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(socket_path, sizeof(socket_path), "%s/redis.sock", folder);
	snprintf(text, sizeof(text), "unix://%s%s", url && url[0] != 'r' ? url : "", socket_path);
	start(url && url[0] == 'r' ? url : text);
	if (options)
		start_server(options);
}

void end_server(void)
{
	char line[100];

	stop();
	if (server)
		kill_server();
	snprintf(line, sizeof(line), "rm -rf %s", folder);
	ck_assert_int_eq(system(line), 0);
}
