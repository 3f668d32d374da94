/* ws_greeting.c - see ws_internal.h: the answer to an upgrade (RFC 6455 4.2.2). */
#include <openssl/evp.h>
#include <stdlib.h>

#include "alloc.h"
#include "base64.h"
#include "ws_internal.h"

enum { SHA1_SIZE = 20 };
static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

struct ws_greeter {
	EVP_MD *sha1;
	EVP_MD_CTX *hash;
};

void ws_greeter_free(struct ws_greeter *g)
{
	if (g == NULL)
		return;
	EVP_MD_CTX_free(g->hash);
	EVP_MD_free(g->sha1);
	free(g);
}

/* What costs to find is found once. */
struct ws_greeter *ws_greeter_new(void)
{
	struct ws_greeter *g = must_alloc(sizeof(*g));

	g->sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
	g->hash = EVP_MD_CTX_new();
	if (g->sha1 && g->hash)
		return g;
	ws_greeter_free(g);
	return NULL;
}

static bool hash(const struct ws_greeter *g, struct slice key, unsigned char to[SHA1_SIZE])
{
	return EVP_DigestInit_ex(g->hash, g->sha1, NULL) && EVP_DigestUpdate(g->hash, key.at, key.size) &&
	       EVP_DigestUpdate(g->hash, guid, sizeof(guid) - 1) && EVP_DigestFinal_ex(g->hash, to, NULL);
}

void ws_greeter_put(const struct ws_greeter *g, const struct ws_accept *a, struct buf *to)
{
	unsigned char hashed[SHA1_SIZE];

	if (!hash(g, a->key, hashed)) {
		to->failed = true;
		return;
	}
	buf_add_str(to, "HTTP/1.1 101 Switching Protocols\r\n"
			"Upgrade: WebSocket\r\n"
			"Connection: Upgrade\r\n"
			"Sec-WebSocket-Accept: ");
	base64_encode(to, slice_of(hashed, sizeof(hashed)));
	buf_add_str(to, "\r\n");
	buf_add_slice(to, a->extra);
	buf_add_str(to, "\r\n");
}
