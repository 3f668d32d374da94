/*
 * rig.h - a crew with real processes: stoa-broker's workers with a module of this folder, in a copy that tests may replace.
 * What the crew tells becomes lines:
 *
 *	loaded 2                      an application with two namespaces; or "loaded not: why"
 *	slot 0 runs                   or "rests"
 *	done 3 ["said","x",1,1,PID]   the job's number, its batch's first effect; "nothing" when there is none
 *	failed 3 crashed SIGSEGV..    the backtrace's first line
 *	batch ["later",0] to gw01     one that is no event's, and its gateway
 *	stopped
 *
 * PID is put in place of the number of the process that says it, and kept.
 */
#ifndef STOA_TESTS_CREW_RIG_H
#define STOA_TESTS_CREW_RIG_H

#include "crew.h"
#include "json.h"
#include "test_main.h"

struct rig {
	struct loop loop;
	struct crew *crew;
	struct broker_options options;
	char *log;
	size_t log_size, log_cap;
	size_t seen;        /* of the log: what was waited for */
	long pid;           /* the last one that an event was answered with */
	struct slice trace; /* of the last failure; malloced */
	size_t batches;
	uint64_t call; /* the last question's number */
	int64_t number;
	char module[300];
	bool quiet_batches; /* they are counted, not written down */
};
extern struct rig rig;

void rig_begin(void); /* a fixture: one slot; nothing is started */
void rig_end(void);
void rig_copy(const char *module); /* another module where the first was */
void rig_start(unsigned slots, const char *const *flags);

/* Runs the loop until the log, behind what was waited for before, has the text; the line that has it. */
const char *rig_wait(const char *text);
void rig_turns(int n);          /* of the loop, without waiting */
bool rig_has(const char *text); /* anywhere in the log */

/* Gives an event of client "gw01S"; its job's number. */
uint64_t rig_give(unsigned slot, const char *event, const char *items);
uint64_t rig_give_record(unsigned slot, struct slice record, int attempt);
/* The answer to the question of the last batch. */
uint64_t rig_answer(unsigned slot, const char *by, const char *items);

#endif
