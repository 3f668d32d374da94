/* send_batch_none.c - see send_batch.h: where there was no liburing to build with. */
#include "send_batch.h"

#include <stdio.h>

struct send_batch *send_batch_new(send_batch_done *done, char *why, size_t why_size)
{
	(void)done;
	snprintf(why, why_size, "it was built without liburing");
	return NULL;
}

void send_batch_free(struct send_batch *b)
{
	(void)b;
}

bool send_batch_add(struct send_batch *b, int fd, struct slice bytes, void *whose)
{
	(void)b;
	(void)fd;
	(void)bytes;
	(void)whose;
	return false;
}

void send_batch_send(struct send_batch *b)
{
	(void)b;
}
