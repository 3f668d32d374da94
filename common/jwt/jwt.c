/* jwt.c - a token: its parts, its key, its order of checks. See jwt.h. */
#include "jwt.h"

#include "jwt_internal.h"

/* HEAD.CLAIMS.SIGNATURE */
struct parts {
	struct slice head, claims, signature;
	struct slice said; /* what is signed: the first two with the dot */
};

enum jwt_algorithm jwt_algorithm_of(struct slice name)
{
	static const char *const names[JWT_ALGORITHMS] = { "HS256", "HS384", "HS512", "RS256", "RS384", "RS512",
		"PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA" };
	unsigned i = 0;

	while (i < JWT_ALGORITHMS && !slice_equal(name, slice_str(names[i])))
		i++;
	return (enum jwt_algorithm)i;
}

static bool take_part(struct slice *rest, struct slice *part)
{
	size_t dot = slice_find(*rest, '.');

	*part = slice_first(*rest, dot);
	if (dot == rest->size)
		return false;
	*rest = slice_from(*rest, dot + 1);
	return true;
}

static bool split(struct slice token, struct parts *p)
{
	struct slice rest = token;

	if (!take_part(&rest, &p->head) || !take_part(&rest, &p->claims) || take_part(&rest, &p->signature))
		return false;
	p->said = slice_first(token, p->head.size + 1 + p->claims.size);
	return p->head.size && p->claims.size && p->signature.size;
}

/* Which of the keys it may be. */
struct choice {
	enum jwt_algorithm algorithm;
	struct slice kid;
};

static enum jwt_fault read_head(
	struct arena *arena, struct slice text, const struct jwt_rules *rules, struct choice *to)
{
	struct stoa_value head = jwt_object(arena, jwt_decode(arena, text));
	struct slice alg;

	if (head.kind_ != VALUE_OBJECT || !jwt_text(head, SLICE("alg"), &alg) || alg.size == 0 ||
		!jwt_text(head, SLICE("kid"), &to->kid))
		return JWT_MALFORMED;
	if (jwt_has(head, SLICE("crit")) || jwt_has(head, SLICE("b64")))
		return JWT_CRITICAL;
	to->algorithm = jwt_algorithm_of(alg);
	if (to->algorithm == JWT_ALGORITHMS)
		return JWT_ALGORITHM;
	return rules->algorithms == 0 || (rules->algorithms & 1u << to->algorithm) ? JWT_OK : JWT_ALGORITHM;
}

/* A key without a name may be any. */
static bool may_be(const struct jwt_key *key, const struct choice *c)
{
	return c->kid.size == 0 || key->kid.size == 0 || slice_equal(key->kid, c->kid);
}

/* Why none was right. A name that nobody has may be one that is not known yet, whatever those without one say. */
static enum jwt_fault fault_of(const struct jwt_keys *keys, const struct choice *c, bool fits)
{
	bool is_known = c->kid.size == 0;

	for (size_t i = 0; i < keys->count && !is_known; i++)
		is_known = slice_equal(keys->at[i].kid, c->kid);
	if (!is_known)
		return JWT_UNKNOWN_KEY;
	return fits ? JWT_SIGNATURE : JWT_ALGORITHM;
}

static enum jwt_fault check_signature(
	const struct jwt_keys *keys, const struct choice *c, struct slice said, struct slice signature)
{
	int tries = 0;

	for (size_t i = 0; i < keys->count && tries < JWT_TRIES; i++) {
		const struct jwt_key *key = &keys->at[i];

		if (!may_be(key, c) || (key->algorithms & 1u << c->algorithm) == 0)
			continue;
		tries++;
		if (jwt_signature_is_right(key, c->algorithm, said, signature))
			return JWT_OK;
	}
	return fault_of(keys, c, tries > 0);
}

enum jwt_fault jwt_verify(struct arena *arena, struct slice token, const struct jwt_keys *keys,
	const struct jwt_rules *rules, int64_t wall_ms, struct jwt_claims *claims)
{
	struct stoa_value object;
	struct slice signature;
	struct choice choice;
	enum jwt_fault fault;
	struct parts p;

	*claims = (struct jwt_claims){ .expires_ms = INT64_MAX };
	if (!split(token, &p))
		return JWT_MALFORMED;
	fault = read_head(arena, p.head, rules, &choice);
	if (fault)
		return fault;
	signature = jwt_decode(arena, p.signature);
	if (signature.at == NULL)
		return JWT_MALFORMED;
	fault = check_signature(keys, &choice, p.said, signature);
	if (fault)
		return fault;
	claims->json = jwt_decode(arena, p.claims);
	object = jwt_object(arena, claims->json);
	return object.kind_ == VALUE_OBJECT ? jwt_claims_check(object, rules, wall_ms, claims) : JWT_MALFORMED;
}
