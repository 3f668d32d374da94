/*
 * admission.h - the gateway's door: the edge asks who gets a session, the application answers.
 */
#ifndef STOA_GATEWAY_ADMISSION_H
#define STOA_GATEWAY_ADMISSION_H

#include "edge.h"

struct server;

extern const struct edge_door_ops admission_ops; /* ctx: the struct server */

#endif
