/*
 * game.c - a regatta: ships gather coins on one sea, and push each other off course.
 *
 *	client sends                   what
 *	(connecting)                   auth {name}
 *	steer Int8Array [x, y]         where to pull, each from -127 to 127; [0, 0] lets the ship run out
 *
 *	server sends                   what
 *	welcome {id, width, height, ships: [{id, name}, ..]}
 *	join {id, name}, leave {id}    another ship has come, is gone
 *	sea ArrayBuffer                20 times a second; all little endian:
 *	                               u16 ships, u16 coins,
 *	                               for each ship: u16 id, u16 x, u16 y, i16 vx, i16 vy, u16 score
 *	                               for each coin: u16 x, u16 y
 *
 * The state is here and nowhere else; clients draw it. A client that reads too slowly gets the newest sea only.
 */
#include <stoa.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SHIPS = 32, COINS = 10, WIDTH = 1600, HEIGHT = 1000, RADIUS = 24, REACH = 38, TICK_MS = 50, NAME_SIZE = 64 };

static const double DT = TICK_MS / 1000.0, PULL = 900, WATER = 1.6; /* 1/s: what water takes of the speed */

struct ship {
	int id; /* 0: this place is free */
	unsigned score;
	double x, y, vx, vy;
	double pull_x, pull_y; /* from -1 to 1 */
	char name[NAME_SIZE];
};

static struct ship ships[SHIPS];
static struct coin {
	int x, y;
} coins[COINS];
static int last_id;

/* --- The sea ------------------------------------------------------------------------------------------------------ */

/* Off the shore, so that a ship can get there. */
static int somewhere(int size)
{
	return 60 + rand() % (size - 120);
}

static struct coin new_coin(void)
{
	return (struct coin){ somewhere(WIDTH), somewhere(HEIGHT) };
}

static void bounce(double *at, double *speed, double end)
{
	if (*at < RADIUS || *at > end - RADIUS) {
		*at = *at < RADIUS ? RADIUS : end - RADIUS;
		*speed *= -0.5;
	}
}

static void sail(struct ship *s)
{
	s->vx += (s->pull_x * PULL - s->vx * WATER) * DT;
	s->vy += (s->pull_y * PULL - s->vy * WATER) * DT;
	s->x += s->vx * DT;
	s->y += s->vy * DT;
	bounce(&s->x, &s->vx, WIDTH);
	bounce(&s->y, &s->vy, HEIGHT);
}

static void gather(struct ship *s)
{
	for (int i = 0; i < COINS; i++) {
		double dx = coins[i].x - s->x, dy = coins[i].y - s->y;

		if (dx * dx + dy * dy < REACH * REACH) {
			s->score++;
			coins[i] = new_coin();
		}
	}
}

/* Two ships of one weight that touch and come nearer swap their speeds along the line between them. */
static void push(struct ship *a, struct ship *b)
{
	double dx = b->x - a->x, dy = b->y - a->y, square = dx * dx + dy * dy;
	double nearing = (a->vx - b->vx) * dx + (a->vy - b->vy) * dy;

	if (square > 4 * RADIUS * RADIUS || square < 1 || nearing <= 0)
		return;
	a->vx -= nearing / square * dx;
	a->vy -= nearing / square * dy;
	b->vx += nearing / square * dx;
	b->vy += nearing / square * dy;
}

/* --- The sea as bytes --------------------------------------------------------------------------------------------- */

static unsigned char *put_u16(unsigned char *at, int value)
{
	*at++ = (unsigned char)(value & 255);
	*at++ = (unsigned char)(value >> 8 & 255);
	return at;
}

static struct stoa_value pack_sea(void)
{
	unsigned char bytes[4 + SHIPS * 12 + COINS * 4], *at = bytes + 4;
	int count = 0;

	for (const struct ship *s = ships; s < ships + SHIPS; s++) {
		const int fields[] = { s->id, (int)s->x, (int)s->y, (int)s->vx, (int)s->vy, (int)s->score };

		if (s->id == 0)
			continue;
		count++;
		for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
			at = put_u16(at, fields[i]);
	}
	for (int i = 0; i < COINS; i++)
		at = put_u16(put_u16(at, coins[i].x), coins[i].y);
	put_u16(put_u16(bytes, count), COINS);
	return stoa_bytes(bytes, (size_t)(at - bytes));
}

static int on_tick(struct stoa_event *ev)
{
	for (int i = 0; i < SHIPS; i++) {
		if (ships[i].id == 0)
			continue;
		sail(&ships[i]);
		gather(&ships[i]);
		for (int j = 0; j < i; j++)
			if (ships[j].id != 0)
				push(&ships[i], &ships[j]);
	}
	return stoa_emit(stoa_to(ev, .broadcast = true, .latest = true), "sea", pack_sea());
}

/* --- Players ------------------------------------------------------------------------------------------------------ */

/* A client's session says which ship is its own. It outlives this module when that is loaded anew; the ship does not. */
static struct ship *ship_of(struct stoa_event *ev)
{
	int place;

	if (stoa_read(stoa_session(ev), stoa_fields("place", &place)) < 0 || ships[place].id == 0)
		return NULL;
	return &ships[place];
}

static struct stoa_value describe(const struct ship *s)
{
	return stoa_object("id", s->id, "name", s->name);
}

static int on_connect(struct stoa_event *ev)
{
	struct stoa_value *others = stoa_list();
	const char *name = "Somebody";
	int place = 0;

	if (stoa_read(stoa_auth(ev), stoa_fields("name", stoa_optional(&name))) < 0 || strlen(name) >= NAME_SIZE)
		return stoa_fail(ev, "a name is a short text");
	while (place < SHIPS && ships[place].id != 0)
		place++;
	if (place == SHIPS)
		return stoa_fail(ev, "the sea is full, come again later");

	last_id = last_id % 65535 + 1;
	ships[place] = (struct ship){ .id = last_id, .x = somewhere(WIDTH), .y = somewhere(HEIGHT) };
	strcpy(ships[place].name, name);
	stoa_session_put(ev, "place", place);
	for (int i = 0; i < SHIPS; i++)
		if (ships[i].id != 0)
			stoa_append(others, describe(&ships[i]));
	stoa_emit(ev, "welcome", stoa_object("id", last_id, "width", WIDTH, "height", HEIGHT, "ships", *others));
	return stoa_emit(stoa_to(ev, .broadcast = true, .skip_self = true), "join", describe(&ships[place]));
}

/* However a client goes, its ship goes with it. */
static int on_disconnect(struct stoa_event *ev)
{
	struct ship *ship = ship_of(ev);
	int id;

	if (ship == NULL)
		return 0;
	id = ship->id;
	ship->id = 0;
	return stoa_emit(stoa_to(ev, .broadcast = true), "leave", stoa_object("id", id));
}

static int on_steer(struct stoa_event *ev)
{
	struct ship *ship = ship_of(ev);
	struct stoa_bytes pull;

	if (stoa_unpack(ev, &pull) < 0)
		return STOA_EINPUT;
	if (ship == NULL || pull.size != 2)
		return stoa_fail(ev, "steering takes two bytes");
	ship->pull_x = ((const signed char *)pull.at)[0] / 127.0;
	ship->pull_y = ((const signed char *)pull.at)[1] / 127.0;
	return 0;
}

STOA_APP(app)
{
	srand((unsigned)time(NULL));
	for (int i = 0; i < COINS; i++)
		coins[i] = new_coin();
	stoa_one_process(app, "/");
	stoa_on(app, "/", "connect", on_connect, NULL);
	stoa_on(app, "/", "disconnect", on_disconnect, NULL);
	stoa_on(app, "/", "steer", on_steer, NULL);
	stoa_every(app, "tide", TICK_MS, on_tick, NULL);
}
