/* redis_server.c - see redis_server.h. */
#include "redis_server.h"

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

char redis_url[128];
static char folder[64], place[96];
static pid_t redis, servers[8];
static int n_servers;

/* --- Redis -------------------------------------------------------------------------------------------------------- */

static redisContext *dial(void)
{
	redisContext *c = redisConnectUnixWithTimeout(place, (struct timeval){ 60, 0 });

	if (c && !c->err)
		return c;
	redisFree(c);
	return NULL;
}

static bool answers(void)
{
	redisContext *c = dial();
	redisReply *r = c ? redisCommand(c, "PING") : NULL;
	bool good = r && r->type == REDIS_REPLY_STATUS;

	freeReplyObject(r);
	redisFree(c);
	return good;
}

void redis_start(void)
{
	if (folder[0] == '\0') {
		strcpy(folder, "/tmp/stoa-emitter-XXXXXX");
		ck_assert_ptr_nonnull(mkdtemp(folder));
		snprintf(place, sizeof(place), "%s/redis", folder);
		snprintf(redis_url, sizeof(redis_url), "unix://%s", place);
	}
	redis = fork();
	ck_assert_int_ge(redis, 0);
	if (redis == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when the test fails */
		dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
		execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", place, "--dir", folder, "--save",
			"", (char *)NULL);
		_exit(127);
	}
	for (int i = 0; !answers(); i++) {
		ck_assert_msg(i < 3000, "redis-server does not answer");
		poll(NULL, 0, 10);
	}
}

void redis_stop(void)
{
	kill(redis, SIGSTOP);
	waitpid(redis, NULL, WUNTRACED);
}

void redis_kill(void)
{
	kill(redis, SIGKILL);
	waitpid(redis, NULL, 0);
	redis = 0;
}

void redis_clean(void)
{
	if (redis)
		redis_kill();
	unlink(place);
	rmdir(folder);
	folder[0] = '\0';
}

redisContext *redis_connect(void)
{
	redisContext *c = dial();

	ck_assert_ptr_nonnull(c);
	return c;
}

redisContext *redis_listen(void)
{
	redisContext *c = redis_connect();

	freeReplyObject(redisCommand(c, "PSUBSCRIBE *"));
	return c;
}

redisReply *redis_next(redisContext *c)
{
	void *reply = NULL;

	redisSetTimeout(c, (struct timeval){ 60, 0 });
	ck_assert_int_eq(redisGetReply(c, &reply), REDIS_OK);
	return reply;
}

/* --- Servers ------------------------------------------------------------------------------------------------------ */

/* JSON or MessagePack: the text behind the key. */
static void id_of(const redisReply *message, char id[64])
{
	const char *at = memmem(message->str, message->len, "requestId", 9), *text;
	size_t size = 0;

	id[0] = '\0';
	if (at == NULL)
		return;
	text = at + 9 + (message->str[0] == '{' ? 3 : 1);
	if (message->str[0] == '{')
		size = strcspn(text, "\"");
	else
		size = (unsigned char)at[9] & 31;
	snprintf(id, 64, "%.*s", (int)size, text);
}

static void answer(redisContext *c, const char *to, const char *text, const char *id)
{
	char whole[1000] = "";
	const char *at = strchr(text, '@');

	if (at)
		snprintf(whole, sizeof(whole), "%.*s%s%s", (int)(at - text), text, id, at + 1);
	freeReplyObject(redisCommand(c, "PUBLISH %s %s", to, at ? whole : text));
}

static void serve(int ready, const char *listens, const char *to, const char *const *all, int n)
{
	redisContext *hears = dial(), *says = dial();
	void *message;
	char id[64];

	freeReplyObject(redisCommand(hears, "SUBSCRIBE %s", listens));
	(void)!write(ready, "", 1);
	for (int i = 0; i < n && redisGetReply(hears, &message) == REDIS_OK; i++) {
		id_of(((redisReply *)message)->element[2], id);
		for (size_t k = 0; all[k]; k++)
			answer(says, to, all[k], id);
		freeReplyObject(message);
	}
	for (;;)
		pause();
}

void server_start(const char *listens, const char *to, const char *const *all, int n)
{
	int ready[2];
	char byte;
	pid_t child;

	ck_assert_int_eq(pipe(ready), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(ready[1], listens, to, all, n);
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	servers[n_servers++] = child;
}

void server_end(void)
{
	while (n_servers) {
		kill(servers[--n_servers], SIGKILL);
		waitpid(servers[n_servers], NULL, 0);
	}
}
