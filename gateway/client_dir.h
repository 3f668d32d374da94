/* client_dir.h - where the client's bundle lies when the option client_dir does not say. */
#ifndef STOA_GATEWAY_CLIENT_DIR_H
#define STOA_GATEWAY_CLIENT_DIR_H

/* Beside the running program: ../share/stoa/client when it is installed, ../../deps/client in a build folder. A path
 * to free(), or NULL: neither holds it, and no bundle is served. */
char *client_dir_find(void);

#endif
