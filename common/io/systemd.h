/*
 * systemd.h - telling systemd how a service is, for units of Type=notify: sd_notify(3)'s protocol, which is one datagram of
 * NAME=VALUE lines to the socket that NOTIFY_SOCKET names (a path, or @ and an abstract name). Where nobody listens, all of
 * this does nothing; a datagram that does not get through is lost, as with systemd's own function.
 *
 * A child of the service says nothing: systemd hears the main process alone, and warns of others (NotifyAccess=main).
 */
#ifndef STOA_IO_SYSTEMD_H
#define STOA_IO_SYSTEMD_H

#include "timers.h"

/* "READY=1\nSTATUS=..", "RELOADING=1", "STOPPING=1", ..: a format and its arguments, less than 512 bytes of text. */
void systemd_tell(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* In a child: from here on nobody listens. */
void systemd_forget(void);

/* How often systemd is to hear that this process lives: half of WatchdogSec, in milliseconds; 0: never. */
int64_t systemd_watchdog_ms(void);

/* A loop that tells it so. One that stands still does not, and systemd ends and starts it again. */
struct systemd_watch {
	struct timer timer;
	struct timers *timers; /* the owner's; timer_stop() ends it */
	int64_t every_ms;
};
void systemd_watch(struct systemd_watch *w, struct timers *timers, int64_t now_ms);

#endif
