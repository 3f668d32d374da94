/* jwt_claims.c - what a token claims, of which the signature was right: RFC 7519 section 4.1. */
#include <math.h>

#include "jwt_internal.h"

/* Seconds, with or without a fraction. What is beyond anything is so far away. */
static bool date_of(struct stoa_value claims, struct slice name, int64_t otherwise, int64_t *ms)
{
	static const double far_ms = 1e17;
	struct stoa_value v = value_get(claims, name);
	double at;

	*ms = otherwise;
	if (!jwt_has(claims, name))
		return true;
	if (v.kind_ == VALUE_INT)
		at = (double)v.as_.i * 1000;
	else if (v.kind_ == VALUE_UINT)
		at = (double)v.as_.u * 1000;
	else if (v.kind_ == VALUE_FLOAT && isfinite(v.as_.f))
		at = v.as_.f * 1000;
	else
		return false;
	*ms = (int64_t)(at > far_ms ? far_ms : at < -far_ms ? -far_ms : at);
	return true;
}

static bool is_listed(const char *const *list, struct slice text)
{
	for (; list && *list; list++)
		if (slice_equal(slice_str(*list), text))
			return true;
	return false;
}

static bool is_empty(const char *const *list)
{
	return list == NULL || *list == NULL;
}

/* A text, or an array of them. */
static enum jwt_fault check_audience(struct stoa_value claims, const char *const *audiences)
{
	struct stoa_value aud = value_get(claims, SLICE("aud"));
	bool found = false;

	if (!jwt_has(claims, SLICE("aud")))
		return is_empty(audiences) ? JWT_OK : JWT_AUDIENCE;
	if (aud.kind_ == VALUE_TEXT)
		return is_listed(audiences, value_slice(aud)) ? JWT_OK : JWT_AUDIENCE;
	if (aud.kind_ != VALUE_ARRAY)
		return JWT_MALFORMED;
	for (size_t i = 0; i < aud.size_; i++) {
		if (value_at(aud, i).kind_ != VALUE_TEXT)
			return JWT_MALFORMED;
		found = found || is_listed(audiences, value_slice(value_at(aud, i)));
	}
	return found ? JWT_OK : JWT_AUDIENCE;
}

static enum jwt_fault check_required(struct stoa_value claims, const char *const *required)
{
	for (; required && *required; required++)
		if (!jwt_has(claims, slice_str(*required)) ||
			value_get(claims, slice_str(*required)).kind_ == VALUE_NULL)
			return JWT_CLAIM;
	return JWT_OK;
}

static enum jwt_fault check_names(struct stoa_value claims, const struct jwt_rules *rules, struct jwt_claims *to)
{
	enum jwt_fault fault;

	if (!jwt_text(claims, SLICE("iss"), &to->issuer) || !jwt_text(claims, SLICE("sub"), &to->subject))
		return JWT_MALFORMED;
	if (!is_empty(rules->issuers) && !is_listed(rules->issuers, to->issuer))
		return JWT_ISSUER;
	fault = check_audience(claims, rules->audiences);
	return fault ? fault : check_required(claims, rules->required);
}

enum jwt_fault jwt_claims_check(
	struct stoa_value claims, const struct jwt_rules *rules, int64_t wall_ms, struct jwt_claims *to)
{
	int64_t from, issued;

	if (!date_of(claims, SLICE("exp"), INT64_MAX, &to->expires_ms) ||
		!date_of(claims, SLICE("nbf"), INT64_MIN, &from) || !date_of(claims, SLICE("iat"), INT64_MIN, &issued))
		return JWT_MALFORMED;
	if (to->expires_ms != INT64_MAX && to->expires_ms + rules->leeway_ms <= wall_ms)
		return JWT_EXPIRED;
	if (from > wall_ms + rules->leeway_ms || issued > wall_ms + rules->leeway_ms)
		return JWT_NOT_YET;
	return check_names(claims, rules, to);
}
