/*
 * wire_python.h - what python-socketio's servers and external processes say to each other over one channel
 * ("socketio", Flask-SocketIO's "flask-socketio"): JSON since 5.14, pickles before (pickle.h).
 *
 *	{"method": "emit", "event": E, "data": D, "binary": B, "namespace": N, "room": R, "skip_sid": S, "callback": C,
 *	 "host_id": H}                          R, S: null, a name or a list; C: null or [room, N, id]
 *	{"method": "callback", "host_id": H, "sid": room, "namespace": N, "id": I, "args": [..]}   H: who is called back
 *	{"method": "disconnect", "sid": S, "namespace": N, "host_id": H}
 *	{"method": "enter_room" or "leave_room", "sid": S, "room": R, "namespace": N, "host_id": H}
 *	{"method": "close_room", "room": R, "namespace": N, "host_id": H}
 *
 * How D stands for the event's arguments has changed:
 *	                       arguments                         binary
 *	<= 5.13, pickle        tuple: several; None: none; else one    bytes
 *	5.14.0, 5.14.1         one, whatever it is               not at all
 *	5.14.2 - 5.15.0        one; B is there                   B: D is [value with placeholders, base64, ..]
 *	5.15.1 on              a list of them; B is there        B: D is [[..] with placeholders, base64, ..]
 * Read: with B a list is the arguments, so that one list from 5.14.2 to 5.15.0 becomes several arguments, as 5.15.1
 * itself reads it. Without B it is one argument, or with wire_rules.python_list_is_args, as 5.15.1 has it, the arguments.
 * Written: one argument stands alone where it can (no list, not null), no argument is null: all versions agree there.
 *
 * JSON here may hold NaN and Infinity, which become null.
 */
#ifndef STOA_CODEC_WIRE_PYTHON_H
#define STOA_CODEC_WIRE_PYTHON_H

#include "buf.h"
#include "wire.h"

enum wire_python_method {
	WIRE_PYTHON_EMIT,
	WIRE_PYTHON_CALLBACK,
	WIRE_PYTHON_DISCONNECT,
	WIRE_PYTHON_ENTER_ROOM,
	WIRE_PYTHON_LEAVE_ROOM,
	WIRE_PYTHON_CLOSE_ROOM
};

struct wire_python {
	enum wire_python_method method;
	struct slice nsp;
	struct slice host_id;          /* empty: none, as before 5.10. Of a CALLBACK: who is called back */
	struct stoa_value data;        /* EMIT: [event, ..args], as wire_check_event() wants it */
	struct stoa_value args;        /* CALLBACK: an array */
	struct wire_names rooms, skip; /* EMIT */
	bool everybody;                /* EMIT: room is null. False with no rooms: nobody */
	bool wants_callback;           /* EMIT: with callback_room and id */
	struct slice callback_room;    /* EMIT: what its callback is to have as sid */
	uint64_t id;                   /* EMIT, CALLBACK: the sender's number of it */
	struct slice sid;              /* all but EMIT and CLOSE_ROOM; of a CALLBACK it is callback_room */
	struct slice room;             /* ENTER_ROOM, LEAVE_ROOM, CLOSE_ROOM */
};

/* Decodes JSON, or a pickle when it begins with 0x80. A message without a namespace is refused, as Python drops it. */
const char *wire_python_decode(
	struct arena *arena, struct slice payload, const struct wire_rules *rules, struct wire_python *m);

/* How arguments are written. */
enum wire_python_form {
	WIRE_PYTHON_ANY,  /* as above: what most versions read */
	WIRE_PYTHON_LIST, /* always a list, as 5.15.1 and later write it and only they read it */
	WIRE_PYTHON_PICKLE, /* a pickle, which only versions before 5.14 read: there is no other way to send them binary */
};

/*
 * Appends the message; `arena` is scratch. Arguments may be raw. Binary in a CALLBACK becomes its base64 in JSON: Python
 * has no other way, and cannot send such at all. 0, -EINVAL (a namespace without slash, a text that is missing,
 * an event that no client takes, nobody's emit), -ENOMEM; then nothing has been appended.
 */
int wire_python_encode(struct buf *to, struct arena *arena, const struct wire_python *m, enum wire_python_form form);

#endif
