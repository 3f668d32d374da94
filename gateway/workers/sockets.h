/* sockets.h - one port, bound as many times as there are workers. */
#ifndef STOA_WORKERS_SOCKETS_H
#define STOA_WORKERS_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>

enum { SOCKETS_ADDRESS_SIZE = 80 };

/* Binds `count` sockets that share the address: that of `listen`, or with port 0 one free port for all. None is 0, 1 or 2. `address` is
 * told as the kernel has it. False: `why` is filled, and none is open. */
bool sockets_bind(
	int *sockets, size_t count, const char *listen, char address[SOCKETS_ADDRESS_SIZE], char *why, size_t why_size);
/* Those that are -1 are passed over, as all are then. */
void sockets_close(int *sockets, size_t count);

#endif
