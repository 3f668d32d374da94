/* dice.c - see dice.h. */
#include "dice.h"

#include "random.h"

static uint64_t state = 1;

void dice_seed(uint64_t seed)
{
	state = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
}

/* splitmix64 */
uint64_t random_u64(void)
{
	uint64_t n = state += UINT64_C(0x9E3779B97F4A7C15);

	n = (n ^ (n >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	n = (n ^ (n >> 27)) * UINT64_C(0x94D049BB133111EB);
	return n ^ (n >> 31);
}

void random_bytes(void *at, size_t size)
{
	unsigned char *to = at;

	for (size_t i = 0; i < size; i++)
		to[i] = (unsigned char)(random_u64() >> 24);
}

void random_id(char *at, size_t n)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	for (size_t i = 0; i < n; i++)
		at[i] = letters[random_u64() % 64];
	at[n] = '\0';
}
