/* gather.c - a binary packet whose attachments are coming. See client_internal.h. */
#include <errno.h>
#include <stdlib.h>

#include "client_internal.h"

struct gathering *gathering_new(const struct conn *conn, struct slice text, unsigned attachments)
{
	struct gathering *g = calloc(1, sizeof(*g) + attachments * sizeof(*g->blobs) + text.size);
	char *kept;

	if (g == NULL)
		return NULL;
	kept = (char *)(g->blobs + attachments);
	memcpy(kept, text.at, text.size);
	/* It is parsed again where it stays, so that the packet's slices last. It was valid a moment ago. */
	if (sio_parse(slice_of(kept, text.size), &conn->all->config.rules, &g->packet)) {
		free(g);
		return NULL;
	}
	if (conn_is_eio3(conn))
		eio3_split_namespace(&g->packet, NULL);
	return g;
}

void gathering_free(struct gathering *g)
{
	if (g)
		buf_fini(&g->bytes);
	free(g);
}

int gathering_add(struct gathering *g, struct slice data)
{
	size_t begin = 0;

	buf_add_slice(&g->bytes, data);
	if (g->bytes.failed)
		return -ENOMEM;
	g->blobs[g->n_blobs++].size = data.size;
	if (g->n_blobs < g->packet.attachments)
		return 0;
	for (unsigned i = 0; i < g->n_blobs; i++) {
		g->blobs[i] = slice_first(slice_from(buf_slice(&g->bytes), begin), g->blobs[i].size);
		begin += g->blobs[i].size;
	}
	return 1;
}
