/* brokers_check.c - what must hold by a deadline, and when all is quiet. See brokers_world.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "brokers_world.h"

void fails(const struct world *w, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "seed %llu, at %lld ms, %d gateways, %d brokers%s: ", (unsigned long long)w->seed,
		(long long)w->now_ms, w->n_gate_lives, w->n_shop_lives, w->faults ? ", with faults" : "");
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n");
	va_end(args);
	exit(EXIT_FAILURE);
}

/* --- Deadlines ---------------------------------------------------------------------------------------------------- */

static void check_verdict(const struct world *w, int who)
{
	const struct person *p = &w->persons[who];

	if (!p->is_in && !p->refused && !p->gone && w->now_ms > p->asked_ms + VERDICT_MS)
		fails(w, "client %d got no verdict", who);
}

static void check_acks(const struct world *w, int who)
{
	const struct person *p = &w->persons[who];

	for (int i = 1; i <= p->n_deeds && !p->gone; i++)
		if (p->deeds[i].wants_ack && p->deeds[i].ack == ACK_WAITS && w->now_ms > p->deeds[i].until_ms)
			fails(w, "client %d was not told ack %d of %lld ms", who, i, (long long)p->deeds[i].sent_ms);
}

void check_deadlines(struct world *w)
{
	for (int who = 0; who < w->n_persons; who++) {
		check_verdict(w, who);
		check_acks(w, who);
	}
}

/* --- When all is quiet -------------------------------------------------------------------------------------------- */

static const struct person *person_with(const struct world *w, struct slice sid)
{
	for (const struct person *p = w->persons; p < w->persons + w->n_persons; p++)
		if (!p->gone && slice_equal(slice_str(p->v.sid), sid))
			return p;
	return NULL;
}

static unsigned partition_of(const struct person *p)
{
	static const struct app_record record = { .partitions = SHOP_PARTITIONS };

	return app_record_partition(&record, slice_str(p->v.nsp), slice_str(p->v.sid));
}

static size_t persons_in(const struct world *w, unsigned partition)
{
	size_t n = 0;

	for (const struct person *p = w->persons; p < w->persons + w->n_persons; p++)
		n += p->is_in && !p->gone && partition_of(p) == partition;
	return n;
}

static bool is_shop(const struct world *w, struct slice name)
{
	for (const struct shop_life *l = w->shop_lives; l < w->shop_lives + w->n_shop_lives; l++)
		if (l->shop && slice_equal(slice_str(l->shop->name), name))
			return true;
	return false;
}

/* Those who are there are kept, and nobody else. */
static void check_clients(const struct world *w, unsigned partition, struct slice hash)
{
	struct slice sid;

	for (size_t i = 0; streams_sim_field_at(w->streams, hash, i, &sid); i++)
		if (person_with(w, sid) == NULL)
			fails(w, "client %.*s is kept in partition %u, and is gone", SLICE_ARG(sid), partition);
	if (streams_sim_fields(w->streams, hash) != persons_in(w, partition))
		fails(w, "%zu clients are kept in partition %u, and %zu are there",
			streams_sim_fields(w->streams, hash), partition, persons_in(w, partition));
}

static void check_partition(struct world *w, unsigned partition)
{
	struct buf events = BUF_INIT, clients = BUF_INIT, lease = BUF_INIT;
	struct slice holder;

	name_events(&events, GATE_APP, partition);
	name_clients(&clients, GATE_APP, partition);
	name_lease(&lease, GATE_APP, partition);
	if (streams_sim_length(w->streams, buf_slice(&events)))
		fails(w, "%zu entries are left in partition %u", streams_sim_length(w->streams, buf_slice(&events)),
			partition);
	check_clients(w, partition, buf_slice(&clients));
	if (!streams_sim_key(w->streams, buf_slice(&lease), &holder))
		fails(w, "nobody holds partition %u", partition);
	else if (!is_shop(w, holder))
		fails(w, "partition %u is held by %.*s, which is no more", partition, SLICE_ARG(holder));
	buf_fini(&events);
	buf_fini(&clients);
	buf_fini(&lease);
}

/* Each is held by one broker, which says the same. */
static void check_holders(const struct world *w)
{
	for (unsigned partition = 0; partition < SHOP_PARTITIONS; partition++) {
		int holders = 0;

		for (const struct shop_life *l = w->shop_lives; l < w->shop_lives + w->n_shop_lives; l++)
			holders += l->shop && intake_holds(l->shop->intake, partition);
		if (holders != 1)
			fails(w, "partition %u is held by %d brokers", partition, holders);
	}
}

/* Its gateway died, and Redis had forgotten what it should have known of it. */
static bool is_forgotten(const struct world *w, const struct life *l)
{
	return w->forgets && w->gate_lives[w->persons[l->person].gate].died;
}

/* Who was let in and is there no more has been told good-bye to. */
static void check_left(const struct world *w)
{
	for (const struct life *l = w->lives; l < w->lives + w->n_lives; l++) {
		bool there = person_with(w, slice_str(l->sid)) != NULL;

		if (there && l->left)
			fails(w, "disconnect of %s was handled, and it is there", l->sid);
		if (!there && l->person >= 0 && l->left == 0 && !is_forgotten(w, l))
			fails(w, "disconnect of %s, client %d, was never handled", l->sid, l->person);
	}
}

static void check_deeds(const struct world *w, int who)
{
	const struct person *p = &w->persons[who];

	for (int i = 1; i <= p->n_deeds && !p->gone; i++) {
		const struct deed *d = &p->deeds[i];

		if (d->kind == DEED_ECHO && d->ack == ACK_OK && d->echoes != 1)
			fails(w, "client %d was told echo %d %d times", who, i, d->echoes);
		if (!w->faults && !d->wants_ack && d->kind == DEED_ECHO && d->echoes != 1)
			fails(w, "client %d was told echo %d %d times", who, i, d->echoes);
		if (!w->faults && d->kind == DEED_LATER && d->echoes != 1)
			fails(w, "client %d was told came %d %d times", who, i, d->echoes);
	}
	if (p->is_in && !p->gone && p->welcomes != 1)
		fails(w, "client %d was told welcome %d times", who, p->welcomes);
}

/* Whether somebody was there when it was said, and is to this day. */
static bool was_there(const struct person *p, const struct person *from, const struct deed *d)
{
	return p != from && !p->gone && p->in[d->room] && p->joined_ms[d->room] + HEARING_MS < d->sent_ms &&
	       slice_equal(slice_str(p->v.nsp), slice_str(from->v.nsp));
}

/* What a client was told is said has been said to all, though its gateway died in that moment. */
static void check_said(const struct world *w, int from, int number)
{
	const struct person *p = &w->persons[from];
	const struct deed *d = &p->deeds[number];

	if (d->kind != DEED_SAY || d->ack != ACK_OK)
		return;
	/* Nobody is left to say it; nor is when the broker dies that has acknowledged it, and has not said it. */
	if (w->gate_lives[p->gate].died &&
		(w->forgets || w->crashes || w->shop_died_ms > w->gate_lives[p->gate].ended_ms))
		return;
	for (int who = 0; who < w->n_persons; who++)
		if (d->said[who] == 0 && was_there(&w->persons[who], p, d))
			fails(w, "client %d was not told said %d of client %d, who was told that it is", who, number,
				from);
}

void check_quiet(struct world *w)
{
	for (unsigned partition = 0; partition < SHOP_PARTITIONS; partition++)
		check_partition(w, partition);
	check_holders(w);
	check_left(w);
	for (int who = 0; who < w->n_persons; who++)
		check_deeds(w, who);
	for (int from = 0; from < w->n_persons; from++)
		for (int number = 1; number <= w->persons[from].n_deeds; number++)
			check_said(w, from, number);
	if (w->ticked_ms < w->now_ms - 1500)
		fails(w, "what one process does was done last at %lld ms", (long long)w->ticked_ms);
}
