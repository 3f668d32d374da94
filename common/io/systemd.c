/* systemd.c - see systemd.h. */
#include "systemd.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { TEXT_MAX = 512 };

/* The socket's address and its length; 0: there is none. */
static socklen_t address(struct sockaddr_un *to)
{
	const char *name = getenv("NOTIFY_SOCKET");
	size_t size = name ? strlen(name) : 0;

	if (size < 2 || size >= sizeof(to->sun_path) || (name[0] != '/' && name[0] != '@'))
		return 0;
	*to = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(to->sun_path, name, size);
	if (name[0] == '@') /* an abstract name begins with a zero and has none at its end */
		to->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + (name[0] == '/'));
}

void systemd_tell(const char *format, ...)
{
	struct sockaddr_un to;
	socklen_t size = address(&to);
	char text[TEXT_MAX];
	va_list arguments;
	int fd;

	if (size == 0)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	if (sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&to, size) < 0) {
		/* Nobody could be told of it. */
	}
	close(fd);
}

void systemd_forget(void)
{
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

int64_t systemd_watchdog_ms(void)
{
	const char *time = getenv("WATCHDOG_USEC"), *who = getenv("WATCHDOG_PID");
	long long us = time ? strtoll(time, NULL, 10) : 0;

	if (us <= 0 || (who && strtoll(who, NULL, 10) != getpid()))
		return 0;
	return us < 2000 ? 1 : us / 2000;
}

static void beat(struct timer *t, int64_t now_ms)
{
	struct systemd_watch *w = (struct systemd_watch *)(void *)((char *)t - offsetof(struct systemd_watch, timer));

	systemd_tell("WATCHDOG=1");
	timer_set(w->timers, t, beat, now_ms + w->every_ms);
}

void systemd_watch(struct systemd_watch *w, struct timers *timers, int64_t now_ms)
{
	*w = (struct systemd_watch){ .timers = timers, .every_ms = systemd_watchdog_ms() };
	if (w->every_ms)
		beat(&w->timer, now_ms);
}
