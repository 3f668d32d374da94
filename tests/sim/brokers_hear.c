/* brokers_hear.c - what clients and handlers are told, and what must hold of each of it. See brokers_world.h. */
#include <stdio.h>
#include <stdlib.h>

#include "brokers_world.h"
#include "ledger.h"

struct ledger ledger;
static struct world *told; /* whose ledger it is */

/* --- What handlers tell ------------------------------------------------------------------------------------------- */

struct life *life_of(struct world *w, const char *sid)
{
	struct life *l;

	for (l = w->lives; l < w->lives + w->n_lives; l++)
		if (strcmp(l->sid, sid) == 0)
			return l;
	if (w->n_lives == LIVES)
		fails(w, "there are more clients than were made: %s", sid);
	w->n_lives++;
	*l = (struct life){ .person = -1, .left_ms = -1 };
	snprintf(l->sid, sizeof(l->sid), "%s", sid);
	return l;
}

/* What is run once more must say so; and without faults nothing is. */
static void check_again(const char *what, const char *sid, int number, int times, int attempt)
{
	if (times > 1 && !told->faults)
		fails(told, "%s %d of %s was handled %d times though nothing failed", what, number, sid, times);
	if (times > 1 && attempt < 2)
		fails(told, "%s %d of %s was handled %d times, the last as attempt %d", what, number, sid, times,
			attempt);
	if (times == 1 && attempt > 1 && !told->faults)
		fails(told, "%s %d of %s was attempt %d though nothing failed", what, number, sid, attempt);
}

static void connected(const char *sid, int attempt)
{
	struct life *l = life_of(told, sid);

	tell(told, "  handled connect of %s, attempt %d", sid, attempt);
	/* Its gateway was away for so long that it was told gone, and has it let in now. */
	if (l->left && l->person < 0 && attempt > 1)
		l->left = l->connected = l->last = 0;
	if (l->last > 0 || l->left)
		fails(told, "connect of %s was handled behind what followed it", sid);
	check_again("connect", sid, 0, ++l->connected, attempt);
}

static void handled(const char *sid, int number, int attempt)
{
	struct life *l;

	if (number < 0) /* not one of ours: connect, disconnect */
		return;
	l = life_of(told, sid);
	tell(told, "  handled %d of %s, attempt %d", number, sid, attempt);
	if (number == 0 || number > DEEDS)
		fails(told, "event %d of %s was handled, which nobody sent", number, sid);
	if (l->connected == 0)
		fails(told, "event %d of %s was handled before its connect", number, sid);
	if (number < l->last)
		fails(told, "event %d of %s was handled behind %d", number, sid, l->last);
	if (l->left)
		fails(told, "event %d of %s was handled behind its disconnect", number, sid);
	l->last = number;
	check_again("event", sid, number, ++l->handled[number], attempt);
}

static void left(const char *sid, const char *reason, int attempt)
{
	struct life *l = life_of(told, sid);

	tell(told, "  handled disconnect of %s, %s, attempt %d", sid, reason, attempt);
	/* A gateway that died may have left its client's record and not its connect. */
	if (l->connected == 0 && !told->faults)
		fails(told, "disconnect of %s was handled before its connect", sid);
	l->left_ms = told->now_ms;
	check_again("disconnect", sid, 0, ++l->left, attempt);
}

static void ticked(void)
{
	told->ticks++;
	told->ticked_ms = told->now_ms;
}

void ledger_of(struct world *w)
{
	told = w;
	ledger = (struct ledger){ connected, handled, left, ticked };
}

/* --- What clients are told ---------------------------------------------------------------------------------------- */

static int number_at(struct stoa_value list, size_t i)
{
	struct stoa_value v = value_at(list, i);

	return v.kind_ == VALUE_INT ? (int)v.as_.i : -1;
}

static struct deed *deed_of(struct world *w, int who, int number, const char *what)
{
	struct person *p = &w->persons[who];

	if (number < 1 || number > p->n_deeds)
		fails(w, "client %d was told %s %d, which it did not send", who, what, number);
	return &p->deeds[number];
}

static void hear_echo(struct world *w, int who, struct stoa_value args)
{
	struct person *p = &w->persons[who];
	int number = number_at(args, 0);
	struct deed *d = deed_of(w, who, number, "echo");

	if (d->kind != DEED_ECHO || ++d->echoes > 1)
		fails(w, "client %d was told echo %d %d times", who, number, d->echoes);
	if (number < p->last_echo)
		fails(w, "client %d was told echo %d behind %d", who, number, p->last_echo);
	if (d->ack == ACK_FAILED)
		fails(w, "client %d was told echo %d, which had been refused", who, number);
	p->last_echo = number;
}

static void hear_came(struct world *w, int who, struct stoa_value args)
{
	int number = number_at(args, 0);
	struct deed *d = deed_of(w, who, number, "came");

	/* Each process that handled the event has a timer of it. */
	if (d->kind != DEED_LATER || ++d->echoes > life_of(w, w->persons[who].v.sid)->handled[number])
		fails(w, "client %d was told came %d %d times", who, number, d->echoes);
}

static void hear_welcome(struct world *w, int who, struct stoa_value args)
{
	struct person *p = &w->persons[who];

	if (!slice_equal(value_slice(value_at(args, 0)), slice_str(p->v.sid)))
		fails(w, "client %d was told another's welcome", who);
	if (!p->is_in || ++p->welcomes > 1)
		fails(w, "client %d was told welcome %d times", who, p->welcomes);
}

/* It died, or was taken for dead: what it had open a broker may say, and it, when it is back. */
static bool owner_died(const struct world *w, int who)
{
	const struct gate_life *l = &w->gate_lives[w->persons[who].gate];

	return l->ended_ms > 0 || l->missed;
}

static void hear_said(struct world *w, int who, struct stoa_value args)
{
	struct person *p = &w->persons[who];
	char sid[SID_SIZE + 1] = "";
	struct slice text = value_slice(value_at(args, 0));
	int from, number = number_at(args, 1);
	struct deed *d;

	if (text.size == SID_SIZE)
		memcpy(sid, text.at, SID_SIZE);
	from = life_of(w, sid)->person;
	if (from < 0)
		return; /* that client has not been told yet who it is */
	d = deed_of(w, from, number, "said");
	/* A gateway that died may have said it and not have told so: then its broker says it again. */
	if (++d->said[who] > 1 && !owner_died(w, from))
		fails(w, "client %d was told said %d of client %d %d times", who, number, from, d->said[who]);
	if (number < p->last_said[from] && !owner_died(w, from))
		fails(w, "client %d was told said %d of client %d behind %d", who, number, from, p->last_said[from]);
	p->last_said[from] = number;
}

static void hear_event(struct world *w, int who, const struct sio_packet *packet)
{
	static const struct {
		const char *name;
		void (*hear)(struct world *w, int who, struct stoa_value args);
	} events[] = { { "\"echo\"", hear_echo }, { "\"came\"", hear_came }, { "\"welcome\"", hear_welcome },
		{ "\"said\"", hear_said } };
	struct arena arena = ARENA_INIT;
	struct buf list = BUF_INIT;

	buf_printf(&list, "[%.*s]", SLICE_ARG(packet->items));
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		if (slice_equal(packet->event, slice_str(events[i].name)))
			events[i].hear(w, who, json_decode(&arena, buf_slice(&list), NULL, 0));
	if (slice_equal(packet->event, SLICE("\"question\"")) && packet->has_id && !w->persons[who].mute)
		visitor_answer(&w->persons[who].v, (int64_t)packet->id, "[1]");
	buf_fini(&list);
	arena_fini(&arena);
}

/* --- Acks --------------------------------------------------------------------------------------------------------- */

static size_t rooms_of(const struct person *p)
{
	size_t n = 1; /* its own */

	for (int room = 0; room < ROOMS; room++)
		n += p->in[room];
	return n;
}

/* The state that a handler saw is what all events before it had made of it, and nothing else. */
static void check_state(struct world *w, int who, struct stoa_value args)
{
	struct person *p = &w->persons[who];
	size_t rooms = value_open(value_at(args, 2)).size_;

	if (number_at(args, 1) != ++p->counts)
		fails(w, "client %d's count is %d, not %d", who, number_at(args, 1), p->counts);
	if (rooms != rooms_of(p))
		fails(w, "client %d is in %zu rooms, not %zu", who, rooms, rooms_of(p));
}

static void ack_ok(struct world *w, int who, int number, struct stoa_value args)
{
	struct person *p = &w->persons[who];
	struct deed *d = &p->deeds[number];
	bool at_once = d->kind != DEED_ASK && d->kind != DEED_FETCH;

	d->ack = ACK_OK;
	if (at_once && number < p->last_ok)
		fails(w, "client %d was told ack %d behind %d", who, number, p->last_ok);
	if (at_once)
		p->last_ok = number;
	if (life_of(w, p->v.sid)->handled[number] == 0)
		fails(w, "client %d was told ack %d, and nobody handled it", who, number);
	if (d->kind == DEED_ECHO && d->echoes != 1)
		fails(w, "client %d was told ack %d without its echo", who, number);
	if (d->kind == DEED_JOIN && !p->in[d->room])
		p->joined_ms[d->room] = w->now_ms;
	if (d->kind == DEED_JOIN || d->kind == DEED_LEAVE)
		p->in[d->room] = d->kind == DEED_JOIN;
	if (d->kind == DEED_COUNT)
		check_state(w, who, args);
	/* Whom others were to be told of may be told that they are, and nothing else is done. */
	if (d->kind == DEED_SAY && w->faults && !w->settles && world_roll(w, 30) == 0)
		w->doomed = p->gate;
}

/* What is acked later is so by each process that handled the event, and though it was given up; clients pass over acks that
 * they do not wait for. */
static bool is_too_late(const struct world *w, int who, int number)
{
	const struct deed *d = &w->persons[who].deeds[number];
	bool is_later = d->kind == DEED_ASK || d->kind == DEED_FETCH;

	return is_later && (d->ack == ACK_FAILED || (d->ack == ACK_OK && w->faults));
}

static void hear_ack(struct world *w, int who, const struct sio_packet *packet)
{
	struct arena arena = ARENA_INIT;
	int number = (int)packet->id;
	struct deed *d = deed_of(w, who, number, "ack");
	struct stoa_value args;

	tell(w, "client %d: ack %d %.*s", who, number, SLICE_ARG(packet->data));
	if (is_too_late(w, who, number))
		return;
	args = json_decode(&arena, packet->data, NULL, 0);
	if (d->ack != ACK_WAITS || !d->wants_ack)
		fails(w, "client %d was told ack %d twice, or without asking", who, number);
	if (number_at(args, 0) == number)
		ack_ok(w, who, number, args);
	else
		d->ack = ACK_FAILED;
	if (d->ack == ACK_FAILED && d->kind == DEED_ECHO && d->echoes)
		fails(w, "client %d was told echo %d and that it failed", who, number);
	if (d->ack == ACK_FAILED && !w->faults && d->kind != DEED_FAIL)
		fails(w, "ack %d of client %d failed though nothing else did: %.*s", number, who,
			SLICE_ARG(packet->data));
	arena_fini(&arena);
}

/* --- Verdicts ----------------------------------------------------------------------------------------------------- */

static void hear_connect(struct world *w, int who)
{
	struct person *p = &w->persons[who];
	struct life *l = life_of(w, p->v.sid);

	if (p->is_in || p->refused)
		fails(w, "client %d got a second verdict", who);
	if (p->refuses)
		fails(w, "client %d was let in, and was to be refused", who);
	if (l->connected == 0)
		fails(w, "client %d was let in, and nobody handled its connect", who);
	tell(w, "client %d: in as %s", who, p->v.sid);
	p->is_in = true;
	if (p->listens)
		join_all(w, who);
	l->person = who;
}

static void hear_refusal(struct world *w, int who, struct slice why)
{
	struct person *p = &w->persons[who];

	tell(w, "client %d: refused, %.*s", who, SLICE_ARG(why));
	if (p->is_in || p->refused)
		fails(w, "client %d got a second verdict", who);
	if (!p->refuses && !w->faults)
		fails(w, "client %d was refused though nothing failed: %.*s", who, SLICE_ARG(why));
	p->refused = true;
}

void see_end(struct world *w, int who)
{
	struct person *p = &w->persons[who];

	if (p->gone)
		return;
	tell(w, "client %d: gone", who);
	p->gone = true;
	p->gone_ms = w->now_ms;
}

bool hear(struct world *w, int who)
{
	struct sim_message *m;
	struct sio_packet p;
	bool heard = false;

	for (; visitor_hear(&w->persons[who].v, &p, &m); free(m)) {
		heard = true;
		if (p.type == SIO_EVENT)
			hear_event(w, who, &p);
		else if (p.type == SIO_ACK && p.has_id)
			hear_ack(w, who, &p);
		else if (p.type == SIO_CONNECT)
			hear_connect(w, who);
		else if (p.type == SIO_CONNECT_ERROR)
			hear_refusal(w, who, p.data);
		else if (p.type == SIO_DISCONNECT)
			see_end(w, who);
	}
	if (w->persons[who].v.ws.closed)
		see_end(w, who);
	return heard;
}
