/*
 * script.h - runs a script of wire bytes and clock steps on a rig: the language of tests/scripts.
 *
 *	# a comment; empty lines are passed over
 *	app conformance [name=value ..]       the application and its options; first line that is no comment
 *	with ping_interval=300ms [..]         options of the gateway; before `app`
 *	a ws                                  a client named a, by WebSocket
 *	a polling                             a client named a, by polling: its first GET has been answered
 *	b upgrades a                          a WebSocket b for a's session (or: b may not upgrade a)
 *	a > TEXT                              a sends a message
 *	a >b HEX                              a sends a binary message
 *	a < PATTERN                           the next message a received; '*' matches any run of characters
 *	a <b HEX                              the same, binary; * is any
 *	eio3 [base64] [jsonp]                 clients made from here on speak protocol 3; eio4 [jsonp]: 4 again
 *	a get                                 a sends a GET (or: a get refused)
 *	a << PATTERN                          the answer to a's GET; packets are separated by a space between bars: 2 | 6
 *	a post TEXT                           a posts a payload, written like an answer (or: a post refused TEXT)
 *	a <<b HEX                             the same, application/octet-stream
 *	a postb HEX                           a posts application/octet-stream
 *	a waits                               a's GET has no answer, or a's WebSocket has no message
 *	a closed [CODE]                       the gateway closed a's WebSocket, with that code (0: no status)
 *	a open                                it did not
 *	a gone / a fails                      a's connection ends / with an error
 *	a sticks / a flows                    a's socket is full / takes again
 *	a unknown                             a's session is not known any more
 *	pass 300ms                            time passes
 *	keep NAME BEGIN                       of the last text received what is behind BEGIN, up to a quote: $NAME in later lines
 *	sessions N                            so many are open
 */
#ifndef STOA_TESTS_SCRIPT_H
#define STOA_TESTS_SCRIPT_H

#include <stddef.h>

/* Runs a script. `apps`: the folder of the modules. 0, or the number of the line that failed, with `why`. */
int script_run(const char *text, const char *apps, char *why, size_t why_size);

#endif
