/* effect_target.h - whom an effect concerns, written and read; private to records. */
#ifndef STOA_RECORDS_EFFECT_TARGET_H
#define STOA_RECORDS_EFFECT_TARGET_H

#include "record_read.h"
#include "record_write.h"

/* The members of an effect. */
enum effect_member {
	E_DO,
	E_NSP,
	E_SID,
	E_SID_NSP,
	E_ROOMS,
	E_ALL,
	E_SKIP,
	E_SKIP_SELF,
	E_LOCAL,
	E_VOLATILE,
	E_LATEST,
	E_UNCOMPRESSED,
	E_DATA,
	E_ATTACHMENTS,
	E_ACK,
	E_ROOM,
	E_TRANSPORT,
	E_KEY,
	E_VALUE,
	E_CALL,
	E_TIMEOUT,
	E_MESSAGE,
	E_HEADERS,
	E_SESSION_HEADERS,
	EFFECT_MEMBERS
};
const char *effect_member_name(enum effect_member member);

enum effect_whom {
	WHOM_NOBODY,    /* the event's client or request, without being named */
	WHOM_ANY,       /* rooms, everybody, or one client */
	WHOM_CLIENT,    /* one client */
	WHOM_WHO_ASKED, /* the same, or a server, which has no sid */
	WHOM_SERVERS    /* all other servers that have the namespace */
};

void put_target(struct record_writer *w, struct record_part *map, enum effect_whom whom, const struct effect_target *to,
	const struct batch_record *b);
struct effect_target read_target(
	struct record_reader *r, const struct slice *at, enum effect_whom whom, const struct batch_record *b);
void check_room(struct record_reader *r, struct slice name); /* that it is not too long */

#endif
