/* api_remember.c - see api_remember.h. */
#include "api_remember.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "metrics.h"

void remember_init(struct remembered_answers *all, size_t max_bytes, int64_t keep_ms)
{
	*all = (struct remembered_answers){ .max_bytes = max_bytes, .keep_ms = keep_ms };
	TAILQ_INIT(&all->by_age);
}

static size_t weight(size_t key_size, size_t body_size)
{
	return sizeof(struct remembered) + key_size + body_size;
}

static void forget(struct remembered_answers *all, struct remembered *r)
{
	all->bytes -= weight(r->node.key.size, r->body.size);
	map_remove(&all->by_key, &r->node);
	TAILQ_REMOVE(&all->by_age, r, link);
	free(r);
}

void remember_fini(struct remembered_answers *all)
{
	while (!TAILQ_EMPTY(&all->by_age))
		forget(all, TAILQ_FIRST(&all->by_age));
}

static void forget_old(struct remembered_answers *all, int64_t now_ms)
{
	struct remembered *r;

	while ((r = TAILQ_FIRST(&all->by_age)) && r->until_ms <= now_ms)
		forget(all, r);
}

void request_digest(struct slice path, struct slice body, unsigned char digest[REQUEST_DIGEST_SIZE])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	/* Without memory all requests look alike: a key still finds its own answer. */
	memset(digest, 0, REQUEST_DIGEST_SIZE);
	if (ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) && EVP_DigestUpdate(ctx, path.at, path.size) &&
		EVP_DigestUpdate(ctx, "", 1) && EVP_DigestUpdate(ctx, body.at, body.size))
		EVP_DigestFinal_ex(ctx, digest, NULL);
	EVP_MD_CTX_free(ctx);
}

const struct remembered *remember_find(struct remembered_answers *all, int64_t now_ms, struct slice key)
{
	struct map_node *node;

	forget_old(all, now_ms);
	node = map_find(&all->by_key, key);
	return node ? map_item(node, struct remembered, node) : NULL;
}

static bool make_room(struct remembered_answers *all, size_t bytes)
{
	if (bytes > all->max_bytes) {
		metrics_count(M_LIMIT_API_MEMORY);
		return false;
	}
	while (all->bytes + bytes > all->max_bytes) {
		metrics_count(M_LIMIT_API_MEMORY);
		forget(all, TAILQ_FIRST(&all->by_age));
	}
	return true;
}

void remember_add(struct remembered_answers *all, int64_t now_ms, struct slice key, const unsigned char *digest,
	int status, struct slice body)
{
	size_t bytes = weight(key.size, body.size);
	struct remembered *r = make_room(all, bytes) ? calloc(1, bytes) : NULL;

	if (r == NULL)
		return;
	memcpy(r->copied, key.at, key.size);
	memcpy(r->copied + key.size, body.at, body.size);
	memcpy(r->digest, digest, sizeof(r->digest));
	r->node.key = slice_of(r->copied, key.size);
	r->body = slice_of(r->copied + key.size, body.size);
	r->status = status;
	r->until_ms = now_ms + all->keep_ms;
	map_add(&all->by_key, &r->node);
	TAILQ_INSERT_TAIL(&all->by_age, r, link);
	all->bytes += bytes;
}
