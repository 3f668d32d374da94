/* main.c - see load.h. Prints one line of JSON; exits with 1 when the run was no good, and says why in it. On stderr it
 * says "begins" when all are connected. */
#include <getopt.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include "load.h"

static const struct scenario *const scenarios[] = { &scenario_rooms, &scenario_echo, &scenario_idle, &scenario_storm,
	&scenario_crowd };

enum { EVENTS = 512, PRIMERS = 100 };

static const char usage[] =
	"Usage: stoa-load SCENARIO --port PORT[,PORT] [OPTION]...\n"
	"Loads a server that runs the bench's application, and checks all that it says. SCENARIO is\n"
	"  rooms   rooms of --room-size clients, --window messages on their way in each, or --rate of them a second\n"
	"  echo    every client has --window acks outstanding\n"
	"  idle    clients that do nothing\n"
	"  crowd   clients that stay until stdin ends, and are to hear 42[\"news\",N,\"xxx..\"], N being 1, 2, ..\n"
	"  storm   --clients connections at a time, each closed when it has its namespace\n"
	"\n"
	"  --pids PID[,PID]   the server's processes, whose CPU time and memory are read\n"
	"  --clients N        100         --connecting N  64, at a time\n"
	"  --room-size N      1000        --window N      1\n"
	"  --bytes N          128, of a payload           --rate N   messages a second, open loop\n"
	"  --binary           payloads are attachments    --polling  instead of WebSocket\n"
	"  --warmup S         1           --seconds S     3          --cpu N   run there only\n"
	"  --patience S       20; nothing for so long is a loss\n"
	"  --count N          messages, echoes or connections, instead of seconds\n"
	"  --in-step          speak when all have heard, each client in one write\n";

void load_fail(struct load *l, const char *format, ...)
{
	va_list args;

	if (l->error[0])
		return;
	va_start(args, format);
	vsnprintf(l->error, sizeof(l->error), format, args);
	va_end(args);
}

void load_unit(struct load *l, uint64_t sent_ns)
{
	l->units++;
	if (l->phase == PHASE_MEASURING)
		histogram_add(&l->latency, l->now > sent_ns ? l->now - sent_ns : 0);
}

/* --- Options ------------------------------------------------------------------------------------------------------ */

static _Noreturn void misused(void)
{
	fputs(usage, stderr);
	exit(2);
}

/* What an option is read into, by its type. */
struct place {
	const char *name;
	enum { SIZE, SECONDS, FLAG, CPU, PORTS, PIDS } type;
	void *at;
};

static void read_list(const struct place *p, char *list)
{
	struct options *o = p->at;

	for (char *item = strtok(list, ","); item; item = strtok(NULL, ",")) {
		if (p->type == PORTS && o->n_ports < sizeof(o->ports) / sizeof(*o->ports))
			o->ports[o->n_ports++] = (uint16_t)atoi(item);
		else if (p->type == PIDS && o->pids.count < PIDS_MAX)
			o->pids.at[o->pids.count++] = atoi(item);
	}
}

static void read_place(const struct place *p, char *value)
{
	switch (p->type) {
	case SIZE:
		*(size_t *)p->at = strtoul(value, NULL, 10);
		break;
	case SECONDS:
		*(double *)p->at = strtod(value, NULL);
		break;
	case FLAG:
		*(bool *)p->at = true;
		break;
	case CPU:
		*(int *)p->at = atoi(value);
		break;
	case PORTS:
	case PIDS:
		read_list(p, value);
		break;
	}
}

static void read_flags(struct options *o, int argc, char **argv)
{
	const struct place places[] = { { "port", PORTS, o }, { "pids", PIDS, o }, { "clients", SIZE, &o->clients },
		{ "connecting", SIZE, &o->connecting }, { "room-size", SIZE, &o->room_size },
		{ "window", SIZE, &o->window }, { "bytes", SIZE, &o->bytes }, { "rate", SECONDS, &o->rate },
		{ "binary", FLAG, &o->binary }, { "polling", FLAG, &o->polling }, { "warmup", SECONDS, &o->warmup },
		{ "seconds", SECONDS, &o->seconds }, { "patience", SECONDS, &o->patience }, { "cpu", CPU, &o->cpu },
		{ "count", SIZE, &o->count }, { "in-step", FLAG, &o->in_step } };
	enum { N = sizeof(places) / sizeof(*places) };
	struct option names[N + 1] = { 0 };
	int name;

	for (int i = 0; i < N; i++)
		names[i] = (struct option){ .name = places[i].name,
			.has_arg = places[i].type == FLAG ? no_argument : required_argument,
			.val = i + 1 };
	while ((name = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (name < 1 || name > N)
			misused();
		read_place(&places[name - 1], optarg);
	}
}

static void read_options(struct load *l, int argc, char **argv)
{
	l->o = (struct options){ .clients = 100,
		.connecting = 64,
		.room_size = 1000,
		.window = 1,
		.bytes = 128,
		.warmup = 1,
		.seconds = 3,
		.patience = 20,
		.cpu = -1 };
	read_flags(&l->o, argc, argv);
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(*scenarios) && optind < argc; i++)
		if (strcmp(argv[optind], scenarios[i]->name) == 0)
			l->scenario = scenarios[i];
	if (l->scenario == NULL || l->o.n_ports == 0 || l->o.clients == 0 || l->o.window == 0 || l->o.room_size == 0 ||
		l->o.bytes < PAYLOAD_LEAST || l->o.bytes > PAYLOAD_MOST)
		misused();
}

/* --- The run ------------------------------------------------------------------------------------------------------ */

struct snapshot {
	uint64_t at, server, machine, self, units, clients;
	struct ticks ticks;
};

struct report {
	uint64_t resident_before, resident_idle, resident_after;
	struct snapshot start, connected, from, to; /* the run's; the window's */
};

static struct snapshot snap(const struct load *l)
{
	return (struct snapshot){ clock_ns(), cpu_of_ns(&l->o.pids), cpu_machine_ns(), cpu_self_ns(), l->units,
		l->ready, ticks_of(&l->o.pids) };
}

static void prepare(struct load *l)
{
	struct rlimit limit;
	cpu_set_t cpus;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (l->o.clients + 64 > limit.rlim_cur)
		load_fail(l, "%zu clients need more descriptors than the %lu that are allowed", l->o.clients,
			(unsigned long)limit.rlim_cur);
	CPU_ZERO(&cpus);
	CPU_SET(l->o.cpu >= 0 ? (size_t)l->o.cpu : 0, &cpus);
	if (l->o.cpu >= 0)
		sched_setaffinity(0, sizeof(cpus), &cpus);
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->n_clients = l->o.clients + (l->o.polling ? 1 : 0);
	l->clients = calloc(l->n_clients, sizeof(*l->clients));
	if (l->clients == NULL)
		abort();
	for (size_t i = 0; i < l->n_clients; i++)
		l->clients[i] = (struct client){ .load = l, .fd = -1, .index = (uint32_t)i, .polling = l->o.polling };
	if (l->o.polling) {
		l->speaker = &l->clients[l->o.clients];
		l->speaker->polling = false;
	}
	l->scenario->prepare(l);
}

static void connect_more(struct load *l, size_t clients)
{
	while (l->begun < clients && l->begun - l->ready < l->o.connecting && l->error[0] == '\0')
		net_connect(&l->clients[l->begun++]);
}

void load_turn(struct load *l, uint64_t end)
{
	struct epoll_event events[EVENTS];
	struct timespec wait;
	uint64_t due, now;
	int n;

	l->now = clock_ns();
	due = l->scenario->tick && l->phase >= PHASE_WARMING ? l->scenario->tick(l) : UINT64_MAX;
	net_uncork(l);
	now = clock_ns();
	due = due < end ? due : end;
	due = due > now ? due - now : 0;
	if (due > 100000000)
		due = 100000000;
	wait = (struct timespec){ .tv_nsec = (long)due };
	n = epoll_pwait2(l->epoll, events, EVENTS, &wait, NULL);
	for (int i = 0; i < n && l->error[0] == '\0'; i++)
		net_ready(events[i].data.ptr, events[i].events);
}

static void watch_progress(struct load *l)
{
	uint64_t seen = l->units + l->ready + l->begun;
	uint64_t now = clock_ns();

	if (seen != l->seen || (l->phase != PHASE_CONNECTING && l->outstanding == 0)) {
		l->seen = seen;
		l->progressed = now;
	} else if (now - l->progressed > (uint64_t)(l->o.patience * 1e9)) {
		load_fail(l, "nothing came for %g s: %zu of %zu clients are ready, %llu messages are lost",
			l->o.patience, l->ready, l->n_clients, (unsigned long long)l->outstanding);
	}
}

static void connect_all(struct load *l, size_t clients)
{
	l->phase = PHASE_CONNECTING;
	while (l->ready < clients && l->error[0] == '\0') {
		connect_more(l, clients);
		load_turn(l, UINT64_MAX);
		watch_progress(l);
	}
}

static void pass(struct load *l, enum phase phase, double seconds)
{
	uint64_t end = clock_ns() + (uint64_t)(seconds * 1e9);

	l->phase = phase;
	while (clock_ns() < end && l->error[0] == '\0') {
		load_turn(l, end);
		watch_progress(l);
	}
}

/* As many as were asked for. */
static void count(struct load *l)
{
	l->phase = PHASE_MEASURING;
	while ((load_speaks(l) || l->outstanding) && l->error[0] == '\0') {
		load_turn(l, UINT64_MAX);
		watch_progress(l);
	}
}

static void drain(struct load *l)
{
	l->phase = PHASE_DRAINING;
	while (l->outstanding && l->error[0] == '\0') {
		load_turn(l, UINT64_MAX);
		watch_progress(l);
	}
}

static void run(struct load *l, struct report *r)
{
	/* What the server needs once is not what each client costs. */
	connect_all(l, l->n_clients > 4 * PRIMERS ? PRIMERS : 0);
	r->resident_before = resident_bytes(&l->o.pids);
	r->start = snap(l);
	connect_all(l, l->n_clients);
	r->connected = snap(l);
	l->connected_ns = r->connected.at;
	pass(l, PHASE_SETTLING, l->scenario == &scenario_idle ? 2 : 0.3);
	r->resident_idle = resident_bytes(&l->o.pids);
	fputs("begins\n", stderr);
	if (l->scenario->stay) {
		l->scenario->stay(l);
		return;
	}
	l->phase = PHASE_WARMING;
	l->scenario->begin(l);
	if (l->o.count == 0)
		pass(l, PHASE_WARMING, l->o.warmup);
	r->from = snap(l);
	if (l->o.count == 0)
		pass(l, PHASE_MEASURING, l->o.seconds);
	else
		count(l);
	r->to = snap(l);
	drain(l);
	/* Whatever comes now was not asked for. */
	pass(l, PHASE_QUIET, 0.1);
	r->resident_after = resident_bytes(&l->o.pids);
	if (l->error[0] == '\0' && l->o.pids.count && r->to.server == 0)
		load_fail(l, "the server's process is gone");
	l->phase = PHASE_DONE;
}

/* --- The report --------------------------------------------------------------------------------------------------- */

static void print_text(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\' || (unsigned char)*s < 0x20)
			printf("\\u%04x", (unsigned char)*s);
		else
			putchar(*s);
	}
	putchar('"');
}

static void print_kernel_share(const struct ticks *from, const struct ticks *to)
{
	double user = (double)(to->user - from->user), kernel = (double)(to->kernel - from->kernel);

	if (user + kernel > 0)
		printf(",\"kernel_share\":%.3f", kernel / (user + kernel));
}

static void print_ratio(const char *name, double n, double of)
{
	if (of > 0)
		printf(",\"%s\":%.4f", name, n / of);
}

static void print_window(const struct load *l, const struct report *r)
{
	double ns = (double)(r->to.at - r->from.at), units = (double)(r->to.units - r->from.units);
	double server = (double)(r->to.server - r->from.server), self = (double)(r->to.self - r->from.self);
	double machine = (double)(r->to.machine - r->from.machine);

	printf(",\"seconds\":%.3f,\"units\":%.0f,\"per_second\":%.1f", ns / 1e9, units, units / ns * 1e9);
	print_ratio("server_us", server / 1e3, units);
	print_ratio("machine_us", (machine - self) / 1e3, units);
	print_ratio("server_busy", server, ns);
	print_ratio("load_busy", self, ns);
	print_ratio("foreign_busy", machine > server + self ? machine - server - self : 0, ns);
	print_kernel_share(&r->from.ticks, &r->to.ticks);
	printf(",\"p50_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f,\"max_us\":%.1f",
		(double)histogram_at(&l->latency, 0.5) / 1e3, (double)histogram_at(&l->latency, 0.99) / 1e3,
		(double)histogram_at(&l->latency, 0.999) / 1e3, (double)l->latency.max / 1e3);
}

static void print_connects(const struct report *r)
{
	double ns = (double)(r->connected.at - r->start.at),
	       clients = (double)(r->connected.clients - r->start.clients);

	printf(",\"connects_per_second\":%.1f", clients / ns * 1e9);
	print_ratio("connect_us", (double)(r->connected.server - r->start.server) / 1e3, clients);
	printf(",\"resident_before\":%llu", (unsigned long long)r->resident_before);
	print_ratio("resident_per_client", (double)r->resident_idle - (double)r->resident_before, clients);
	print_ratio("resident_per_client_after", (double)r->resident_after - (double)r->resident_before, clients);
}

static void print_report(const struct load *l, const struct report *r)
{
	printf("{\"scenario\":\"%s\",\"clients\":%zu,\"ok\":%s", l->scenario->name, l->o.clients,
		l->error[0] ? "false" : "true");
	if (l->error[0]) {
		printf(",\"error\":");
		print_text(l->error);
	} else if (l->scenario->stay == NULL) {
		print_window(l, r);
		print_connects(r);
	}
	puts("}");
}

int main(int argc, char **argv)
{
	static struct load l;
	struct report r = { 0 };

	read_options(&l, argc, argv);
	prepare(&l);
	if (l.error[0] == '\0')
		run(&l, &r);
	print_report(&l, &r);
	return l.error[0] ? 1 : 0;
}
