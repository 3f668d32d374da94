/*
 * ledger.h - what the handlers of brokers_app.c tell of themselves: they run in the simulation's own process, so that it knows
 * what was handled, how often, and as what attempt. Nothing of stoa.h, which the simulation's layers do not know.
 */
#ifndef STOA_TESTS_LEDGER_H
#define STOA_TESTS_LEDGER_H

struct stoa_app;
struct stoa_host;
void stoa_module_setup(const struct stoa_host *host, struct stoa_app *app); /* brokers_app.c, for app_from() */

/* Filled by the world. `attempt` is stoa_attempt(). */
struct ledger {
	void (*connected)(const char *sid, int attempt);
	void (*handled)(const char *sid, int number, int attempt);
	void (*left)(const char *sid, const char *reason, int attempt);
	void (*ticked)(void); /* stoa_every() */
};
extern struct ledger ledger;

#endif
