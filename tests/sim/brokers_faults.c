/* brokers_faults.c - what fails, by the dice. See brokers_world.h. */
#include "brokers_world.h"

static enum streams_sim_sent some_sent(struct world *w)
{
	return (enum streams_sim_sent)world_roll(w, 3);
}

static void fault_kill_worker(struct world *w, int gate, int shop)
{
	(void)gate;
	tell(w, "a process of b%d is killed", shop);
	shop_kill(w->shop_lives[shop].shop, world_roll(w, SLOTS_MAX));
}

static void fault_kill_broker(struct world *w, int gate, int shop)
{
	(void)gate;
	w->shop_died_ms = w->now_ms;
	end_shop(w, shop);
}

static void fault_leave(struct world *w, int gate, int shop)
{
	(void)gate;
	tell(w, "broker b%d leaves", shop);
	w->shop_lives[shop].leaves = true;
	shop_leave(w->shop_lives[shop].shop);
}

static void fault_reload(struct world *w, int gate, int shop)
{
	(void)gate;
	tell(w, "broker b%d reloads", shop);
	shop_reload(w->shop_lives[shop].shop);
}

static void fault_pause(struct world *w, int gate, int shop)
{
	int64_t ms = 1 + world_roll(w, 3 * SHOP_LEASE_MS);

	(void)gate;
	tell(w, "broker b%d stands still for %lld ms", shop, (long long)ms);
	if (w->shop_lives[shop].paused_until_ms < w->now_ms + ms)
		w->shop_lives[shop].paused_until_ms = w->now_ms + ms;
	streams_sim_hold(w->shop_lives[shop].shop->streams, ms);
}

static void fault_new_broker(struct world *w, int gate, int shop)
{
	(void)gate;
	(void)shop;
	begin_shop(w);
}

static void fault_kill_gateway(struct world *w, int gate, int shop)
{
	(void)shop;
	end_gate(w, gate, true);
}

static void fault_gateway_leaves(struct world *w, int gate, int shop)
{
	(void)shop;
	tell(w, "gateway g%d leaves", gate);
	w->gate_lives[gate].leaves = true;
	gate_leave(w->gate_lives[gate].gate);
}

static void fault_new_gateway(struct world *w, int gate, int shop)
{
	(void)gate;
	(void)shop;
	begin_gate(w);
}

/* Its lease was renewed a third of it ago, at most. */
static void note_cut(struct world *w, struct gate_life *l, int64_t ms)
{
	if (w->now_ms > l->cut_until_ms)
		l->cut_ms = w->now_ms;
	l->cut_until_ms = w->now_ms + ms;
	l->missed |= l->cut_until_ms - l->cut_ms > GATE_LEASE_MS / 2;
}

static void fault_cut_gateway(struct world *w, int gate, int shop)
{
	int64_t ms = 1 + world_roll(w, 3000);

	(void)shop;
	note_cut(w, &w->gate_lives[gate], ms);
	tell(w, "gateway g%d is cut for %lld ms", gate, (long long)ms);
	streams_sim_cut(w->gate_lives[gate].gate->streams, ms, some_sent(w));
}

static void fault_cut_broker(struct world *w, int gate, int shop)
{
	int64_t ms = 1 + world_roll(w, 3000);

	(void)gate;
	tell(w, "broker b%d is cut for %lld ms", shop, (long long)ms);
	streams_sim_cut(w->shop_lives[shop].shop->streams, ms, some_sent(w));
}

static void fault_restart(struct world *w, int gate, int shop)
{
	bool forgets = world_roll(w, 2) != 0;
	int64_t ms = 1 + world_roll(w, 1500);

	(void)gate;
	(void)shop;
	tell(w, "Redis restarts in %lld ms%s", (long long)ms, forgets ? " and forgets" : "");
	w->forgets |= forgets;
	streams_sim_restart(w->streams, ms, forgets);
}

void fault(struct world *w)
{
	static void (*const faults[])(struct world * w, int gate, int shop) = { fault_kill_worker, fault_kill_worker,
		fault_kill_broker, fault_leave, fault_reload, fault_reload, fault_pause, fault_new_broker,
		fault_new_broker, fault_kill_gateway, fault_gateway_leaves, fault_new_gateway, fault_new_gateway,
		fault_cut_gateway, fault_cut_broker, fault_restart };
	int gate = some_gate(w), shop = some_shop(w);

	w->changed_ms = w->now_ms;
	if (gate < 0)
		begin_gate(w);
	else if (shop < 0)
		begin_shop(w);
	else
		faults[world_roll(w, sizeof(faults) / sizeof(faults[0]))](w, gate, shop);
}
