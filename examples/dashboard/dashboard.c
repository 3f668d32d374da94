/*
 * dashboard.c - numbers made by the server, pushed to everybody who looks.
 *
 *	server sends      when                  what
 *	history           a client connects     {period, series: [{name, unit}], samples: [sample, ..]}, oldest first
 *	sample            every period          {n, at, values: [number, ..]}, one value for each of the series
 *
 * The period is the application's option `period`, in milliseconds (--set period=250; 1000 unless given). Only the
 * newest sample counts for a client that reads too slowly: it misses some, which it sees by `n`, and is not closed.
 */
#include <stoa.h>

#include <stdlib.h>
#include <time.h>

enum { KEPT = 120, SERIES = 4 };

/* What is measured; a value wanders between low and high. The last one is real: who is looking. */
static struct series {
	const char *name, *unit;
	double low, high, value;
} series[SERIES] = {
	{ "Requests", "per second", 120, 980, 420 },
	{ "Response time", "ms", 4, 90, 22 },
	{ "Processor", "%", 2, 98, 35 },
	{ "Viewers", "now", 0, 0, 0 },
};

struct sample {
	int64_t n, at; /* number of the sample, and milliseconds since 1970 */
	double values[SERIES];
};

static struct sample samples[KEPT]; /* sample n is at n % KEPT */
static int64_t taken;
static int64_t period_ms;
static int viewers;

/* --- Making numbers ----------------------------------------------------------------------------------------------- */

/* From -1 to 1, more often near 0. */
static double chance(void)
{
	return (double)rand() / RAND_MAX - (double)rand() / RAND_MAX;
}

/* A step of chance, and a pull back to the middle, so that no series rests at its end. */
static void wander(struct series *s)
{
	double width = s->high - s->low;
	double middle = s->low + width * 0.4;

	s->value += chance() * width * 0.09 + (middle - s->value) * 0.03;
	if (s->value < s->low)
		s->value = s->low;
	if (s->value > s->high)
		s->value = s->high;
}

static int64_t now_ms(void)
{
	struct timespec now;

	timespec_get(&now, TIME_UTC);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static const struct sample *take_sample(void)
{
	struct sample *s = &samples[taken % KEPT];

	s->n = taken++;
	s->at = now_ms();
	series[SERIES - 1].value = viewers;
	for (int i = 0; i < SERIES; i++) {
		if (series[i].high > series[i].low)
			wander(&series[i]);
		s->values[i] = (double)(int64_t)(series[i].value * 10) / 10;
	}
	return s;
}

/* --- Numbers as values -------------------------------------------------------------------------------------------- */

static struct stoa_value sample_value(const struct sample *s)
{
	struct stoa_value *values = stoa_list();

	for (int i = 0; i < SERIES; i++)
		stoa_append(values, s->values[i]);
	return stoa_object("n", s->n, "at", s->at, "values", *values);
}

static struct stoa_value series_value(void)
{
	struct stoa_value *list = stoa_list();

	for (int i = 0; i < SERIES; i++)
		stoa_append(list, stoa_object("name", series[i].name, "unit", series[i].unit));
	return *list;
}

static struct stoa_value samples_value(void)
{
	struct stoa_value *list = stoa_list();

	for (int64_t n = taken > KEPT ? taken - KEPT : 0; n < taken; n++)
		stoa_append(list, sample_value(&samples[n % KEPT]));
	return *list;
}

/* --- What happens ------------------------------------------------------------------------------------------------- */

/* Who comes late sees what was before; every sample from now on follows. */
static int on_connect(struct stoa_event *ev)
{
	viewers++;
	return stoa_emit(
		ev, "history", stoa_object("period", period_ms, "series", series_value(), "samples", samples_value()));
}

static int on_disconnect(struct stoa_event *ev)
{
	(void)ev;
	viewers--;
	return 0;
}

static int on_tick(struct stoa_event *ev)
{
	return stoa_emit(stoa_to(ev, .broadcast = true, .latest = true), "sample", sample_value(take_sample()));
}

STOA_APP(app)
{
	char *end;

	period_ms = strtol(stoa_option(app, "period", "1000"), &end, 10);
	if (*end != '\0' || period_ms < 10) {
		stoa_abort(app, "option `period` is a number of milliseconds, 10 or more");
		return;
	}
	srand((unsigned)now_ms());
	stoa_one_process(app, "/");
	stoa_on(app, "/", "connect", on_connect, NULL);
	stoa_on(app, "/", "disconnect", on_disconnect, NULL);
	stoa_every(app, "sample", period_ms, on_tick, NULL);
}
