/*
 * broker_options.h - the options of stoa-broker. Those that a gateway has too are taken from its table, by name, and read
 * from its struct: one help text, one default, one check. The others are broker_options.c's.
 */
#ifndef STOA_CONFIG_BROKER_OPTIONS_H
#define STOA_CONFIG_BROKER_OPTIONS_H

#include "gateway_options.h"

enum { SLOTS_MAX = 256 };

struct broker_options {
	/* What rows of the gateway's table say; of the rest nothing is set. */
	struct gateway_options gateway;

	char *broker_name; /* NULL: host#pid */
	int64_t slots;     /* option `workers`; 0: one for each core */
	int64_t partitions, credits;
	int64_t handler_timeout_ms; /* 0: none */
	int64_t max_attempts;
	int64_t lease_ms, confirm_ms, handover_ms, gateway_gone_ms;
	int64_t max_event_age_ms;
	int64_t max_unconfirmed; /* bytes */
	int64_t max_dead;
	int64_t max_client_states, max_client_state_memory; /* of one worker */
};

/* Made when it is first asked for; not from several threads. */
const struct config_table *broker_options_table(void);

/* What is wrong of options that are good each by itself, one sentence for `why`. True: nothing. */
bool broker_options_agree(const struct broker_options *o, struct buf *why);

#endif
