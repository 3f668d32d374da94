/* map.c - see map.h. The hash is SipHash-1-3 (Aumasson and Bernstein), written from its description. */
#include "map.h"

#include "random.h"

struct sip {
	uint64_t a, b, c, d;
};

static uint64_t key[2];

static inline uint64_t rotl(uint64_t x, int n)
{
	return x << n | x >> (64 - n);
}

static inline void sip_round(struct sip *s)
{
	s->a += s->b;
	s->b = rotl(s->b, 13) ^ s->a;
	s->a = rotl(s->a, 32);
	s->c += s->d;
	s->d = rotl(s->d, 16) ^ s->c;
	s->a += s->d;
	s->d = rotl(s->d, 21) ^ s->a;
	s->c += s->b;
	s->b = rotl(s->b, 17) ^ s->c;
	s->c = rotl(s->c, 32);
}

static inline void absorb(struct sip *s, uint64_t word)
{
	s->d ^= word;
	sip_round(s);
	s->a ^= word;
}

/* What is left, of less than eight bytes, as the low bytes of a word. */
static inline uint64_t rest(const char *at, size_t size)
{
	uint64_t word = 0;
	uint32_t four;
	uint16_t two;
	int n = 0;

	if (size & 4) {
		memcpy(&four, at, 4);
		word = four;
		n = 4;
	}
	if (size & 2) {
		memcpy(&two, at + n, 2);
		word |= (uint64_t)two << 8 * n;
		n += 2;
	}
	if (size & 1)
		word |= (uint64_t)(unsigned char)at[n] << 8 * n;
	return word;
}

unsigned map_hash(const void *data, size_t size)
{
	struct sip s;
	const char *at = data;
	uint64_t last = (uint64_t)size << 56, word;

	while (key[0] == 0)
		random_bytes(key, sizeof(key));
	s = (struct sip){ key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d, key[0] ^ 0x6c7967656e657261,
		key[1] ^ 0x7465646279746573 };
	for (; size >= 8; size -= 8, at += 8) {
		memcpy(&word, at, 8);
		absorb(&s, word);
	}
	absorb(&s, last | rest(at, size));
	s.c ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(&s);
	word = s.a ^ s.b ^ s.c ^ s.d;
	return (unsigned)(word ^ word >> 32);
}

struct map_node *map_find(const struct map *m, struct slice key_)
{
	struct map_node *node;

	HASH_FIND(hh, m->nodes, key_.at, key_.size, node);
	return node;
}

void map_add(struct map *m, struct map_node *node)
{
	HASH_ADD_KEYPTR(hh, m->nodes, node->key.at, node->key.size, node);
}

void map_remove(struct map *m, struct map_node *node)
{
	HASH_DEL(m->nodes, node);
}

size_t map_count(const struct map *m)
{
	return HASH_COUNT(m->nodes);
}
