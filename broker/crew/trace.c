/*
 * trace.c - see trace.h. In the handlers nothing is called that is not safe there: backtrace() is so once it has loaded
 * what it needs, which is done before, and backtrace_symbols_fd() takes no memory.
 */
#include "trace.h"

#include <execinfo.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

enum { FRAMES_MAX = 100, STACK_BYTES = 64 * 1024 };

_Static_assert(TRACE_SIGNAL == SIGUSR2, "the signal's number");

static struct page *shared;

static const struct {
	int signal;
	const char *text;
} deadly[] = {
	{ SIGSEGV, "SIGSEGV: memory that is none was used\n" },
	{ SIGBUS, "SIGBUS: memory that is not there was used\n" },
	{ SIGABRT, "SIGABRT: it gave up by itself\n" },
	{ SIGFPE, "SIGFPE: a division by zero or the like\n" },
	{ SIGILL, "SIGILL: what was to be run is no code\n" },
};
enum { DEADLY = sizeof(deadly) / sizeof(deadly[0]) };

static const char *text_of(int number)
{
	for (size_t i = 0; i < DEADLY; i++)
		if (deadly[i].signal == number)
			return deadly[i].text;
	return "it took too long\n";
}

/* The page is written by its descriptor, which is how backtrace_symbols_fd() writes; nothing fits behind its end. */
static void write_trace(int number)
{
	void *frames[FRAMES_MAX];
	const char *text = text_of(number);
	off_t end, begin = offsetof(struct page, trace);
	int n;

	if (lseek(PAGE_FD, begin, SEEK_SET) < 0 || write(PAGE_FD, text, strlen(text)) < 0)
		return;
	n = backtrace(frames, FRAMES_MAX);
	backtrace_symbols_fd(frames, n, PAGE_FD);
	end = lseek(PAGE_FD, 0, SEEK_CUR);
	if (end > begin)
		shared->traced = (uint32_t)(end - begin);
}

/* SA_RESETHAND: what comes next, or the signal itself when this returns to what caused it, ends the process. */
static void on_deadly(int number)
{
	memcpy(shared->metrics, metrics_values, sizeof(shared->metrics));
	write_trace(number);
	raise(number);
}

static void on_asked(int number)
{
	memcpy(shared->metrics, metrics_values, sizeof(shared->metrics));
	write_trace(number);
	for (;;)
		pause();
}

void trace_install(struct page *page)
{
	static char stack[STACK_BYTES];
	stack_t own = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction act = { .sa_handler = on_deadly, .sa_flags = (int)SA_RESETHAND | SA_ONSTACK | SA_NODEFER };
	void *frames[1];

	shared = page;
	backtrace(frames, 1);
	sigaltstack(&own, NULL);
	sigemptyset(&act.sa_mask);
	for (size_t i = 0; i < DEADLY; i++)
		sigaction(deadly[i].signal, &act, NULL);
	act = (struct sigaction){ .sa_handler = on_asked, .sa_flags = SA_ONSTACK };
	sigfillset(&act.sa_mask);
	sigaction(TRACE_SIGNAL, &act, NULL);
}
