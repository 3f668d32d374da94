/* test_jwt_keys.c - the examples of the RFCs, every algorithm, and which keys are for which. */
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <stdio.h>

#include "maker.h"
#include "test_main.h"

#define CLAIMS_OF_7515 "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
#define AT_MS          INT64_C(1300819000000) /* before their exp */

static struct jwt_keys *keys;
static struct arena arena;
static EVP_PKEY *odd; /* with_exponent()'s */

static void setup(void)
{
	keys = jwt_keys_new();
}

static void teardown(void)
{
	jwt_keys_free(keys);
	arena_fini(&arena);
	maker_forget();
	EVP_PKEY_free(odd);
	odd = NULL;
}

static const char *add_set(const char *json)
{
	return jwt_keys_add_set(keys, slice_str(json), true);
}

static const char *add_jwk(const char *jwk)
{
	static char set[4000];

	snprintf(set, sizeof(set), "{\"keys\":[%s]}", jwk);
	return add_set(set);
}

static enum jwt_fault check(const char *token)
{
	struct jwt_rules rules = { .algorithms = 0 };
	struct jwt_claims claims;
	enum jwt_fault fault = jwt_verify(&arena, slice_str(token), keys, &rules, AT_MS, &claims);

	arena_reset(&arena);
	return fault;
}

/* The last character of a signature may hold bits that mean nothing; the first does not. */
static const char *tampered(const char *token)
{
	static char copy[4000];
	char *signature;

	snprintf(copy, sizeof(copy), "%s", token);
	signature = strrchr(copy, '.') + 1;
	*signature = *signature == 'A' ? 'B' : 'A';
	return copy;
}

#define KEY_A1 \
	"{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-" \
	"1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow\"}"
#define TOKEN_A1 \
	"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." CLAIMS_OF_7515 ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define KEY_A2 \
	"{\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-" \
	"4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_" \
	"YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-" \
	"UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-" \
	"DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ\",\"e\":\"AQAB\"}"
#define TOKEN_A2 \
	"eyJhbGciOiJSUzI1NiJ9." CLAIMS_OF_7515 \
	".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_" \
	"O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_" \
	"nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-" \
	"eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_" \
	"IoypGlUPQGe77Rw"
#define KEY_A3 \
	"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"x_" \
	"FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}"
#define TOKEN_A3 \
	"eyJhbGciOiJFUzI1NiJ9." CLAIMS_OF_7515 \
	".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
#define KEY_8037 "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}"
/* What it signs is no JSON: malformed when the signature is right. */
#define TOKEN_8037 \
	"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-" \
	"09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"

START_TEST(the_examples_of_the_rfcs)
{
	ck_assert_ptr_null(add_jwk(KEY_A1 "," KEY_A2 "," KEY_A3 "," KEY_8037));
	ck_assert_uint_eq(jwt_keys_count(keys), 4);
	ck_assert_int_eq(check(TOKEN_A1), JWT_OK);
	ck_assert_int_eq(check(TOKEN_A2), JWT_OK);
	ck_assert_int_eq(check(TOKEN_A3), JWT_OK);
	ck_assert_int_eq(check(TOKEN_8037), JWT_MALFORMED);
	ck_assert_int_eq(check(tampered(TOKEN_A1)), JWT_SIGNATURE);
	ck_assert_int_eq(check(tampered(TOKEN_A2)), JWT_SIGNATURE);
	ck_assert_int_eq(check(tampered(TOKEN_A3)), JWT_SIGNATURE);
	ck_assert_int_eq(check(tampered(TOKEN_8037)), JWT_SIGNATURE);
}
END_TEST

#define CLAIMS "{\"sub\":\"ada\"}"

static void add_public(EVP_PKEY *key)
{
	ck_assert_ptr_null(jwt_keys_add_pem(keys, slice_str(maker_pem(key, false))));
}

static void signs(const char *alg, EVP_PKEY *key, const char *hash, size_t part, bool pss)
{
	const char *token;
	char head[40];

	snprintf(head, sizeof(head), "{\"alg\":\"%s\"}", alg);
	token = maker_signed(head, CLAIMS, key, hash, part, pss);
	ck_assert_msg(check(token) == JWT_OK, "%s", alg);
	ck_assert_msg(check(tampered(token)) == JWT_SIGNATURE, "%s tampered", alg);
}

START_TEST(every_algorithm_of_public_keys)
{
	EVP_PKEY *rsa = maker_rsa(2048), *p256 = maker_ec("P-256"), *p384 = maker_ec("P-384"),
		 *p521 = maker_ec("P-521"), *ed = maker_ed25519();

	add_public(rsa);
	add_public(p256);
	add_public(p384);
	add_public(p521);
	add_public(ed);
	signs("RS256", rsa, "SHA256", 0, false);
	signs("RS384", rsa, "SHA384", 0, false);
	signs("RS512", rsa, "SHA512", 0, false);
	signs("PS256", rsa, "SHA256", 0, true);
	signs("PS384", rsa, "SHA384", 0, true);
	signs("PS512", rsa, "SHA512", 0, true);
	signs("ES256", p256, "SHA256", 32, false);
	signs("ES384", p384, "SHA384", 48, false);
	signs("ES512", p521, "SHA512", 66, false);
	signs("EdDSA", ed, NULL, 0, false);
	/* What one algorithm signed is nothing in another. */
	ck_assert_int_eq(check(maker_signed("{\"alg\":\"PS256\"}", CLAIMS, rsa, "SHA256", 0, false)), JWT_SIGNATURE);
	ck_assert_int_eq(check(maker_signed("{\"alg\":\"RS256\"}", CLAIMS, rsa, "SHA256", 0, true)), JWT_SIGNATURE);
	ck_assert_int_eq(check(maker_signed("{\"alg\":\"RS512\"}", CLAIMS, rsa, "SHA256", 0, false)), JWT_SIGNATURE);
	ck_assert_int_eq(check(maker_signed("{\"alg\":\"ES384\"}", CLAIMS, p256, "SHA384", 32, false)), JWT_SIGNATURE);
}
END_TEST

START_TEST(a_public_key_is_no_secret)
{
	EVP_PKEY *rsa = maker_rsa(2048);
	const char *pem = maker_pem(rsa, false);

	add_public(rsa);
	ck_assert_int_eq(check(maker_token("{\"alg\":\"HS256\"}", CLAIMS, pem)), JWT_ALGORITHM);
	/* Beside a real secret neither: it is another one. */
	ck_assert_ptr_null(jwt_keys_add_secret(keys, SLICE("0123456789abcdef0123456789abcdef")));
	ck_assert_int_eq(check(maker_token("{\"alg\":\"HS256\"}", CLAIMS, pem)), JWT_SIGNATURE);
	ck_assert_int_eq(check(maker_token("{\"alg\":\"HS256\"}", CLAIMS, "0123456789abcdef0123456789abcdef")), JWT_OK);
	ck_assert_int_eq(
		check(maker_token("{\"alg\":\"RS256\"}", CLAIMS, "0123456789abcdef0123456789abcdef")), JWT_SIGNATURE);
}
END_TEST

START_TEST(secrets_are_as_long_as_their_hash)
{
	char secret[65];

	memset(secret, 's', sizeof(secret));
	ck_assert_str_eq(jwt_keys_add_secret(keys, slice_of(secret, 31)),
		"is too short for a secret: 32 bytes for HS256, 48 for HS384, 64 for HS512");
	ck_assert_ptr_null(jwt_keys_add_secret(keys, slice_of(secret, 47)));
	secret[47] = '\0';
	ck_assert_int_eq(check(maker_token("{\"alg\":\"HS256\"}", CLAIMS, secret)), JWT_OK);
	ck_assert_int_eq(check(maker_token("{\"alg\":\"HS384\"}", CLAIMS, secret)), JWT_ALGORITHM);
	ck_assert_int_eq(check(maker_token("{\"alg\":\"HS512\"}", CLAIMS, secret)), JWT_ALGORITHM);
	ck_assert_ptr_null(jwt_keys_add_secret(keys, slice_of("ssssssssssssssssssssssssssssssssssssssssssssssss", 48)));
	ck_assert_int_eq(check(maker_token("{\"alg\":\"HS384\"}", CLAIMS, secret)), JWT_SIGNATURE);
}
END_TEST

/* A public key of the same modulus. */
static EVP_PKEY *with_exponent(EVP_PKEY *key, unsigned long exponent)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	BIGNUM *n = NULL, *e = BN_new();
	OSSL_PARAM *params;

	ck_assert_int_eq(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n), 1);
	BN_set_word(e, exponent);
	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n);
	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e);
	params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY_free(odd);
	odd = NULL;
	EVP_PKEY_fromdata_init(ctx);
	ck_assert_int_eq(EVP_PKEY_fromdata(ctx, &odd, EVP_PKEY_PUBLIC_KEY, params), 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	BN_free(n);
	BN_free(e);
	return odd;
}

START_TEST(pem_that_is_not_taken)
{
	EVP_PKEY *small = maker_rsa(1024), *other = maker_ec("secp256k1"), *good = maker_ec("P-256");

#define IS_WRONG(text, says) ck_assert_str_eq(jwt_keys_add_pem(keys, slice_str(text)), says)
	IS_WRONG("", "has no public key in PEM");
	IS_WRONG("text", "has no public key in PEM");
	IS_WRONG(maker_pem(small, false), "is an RSA key of less than 2048 bits, or more than 8192");
	IS_WRONG(maker_pem(other, false), "is a key of a curve other than P-256, P-384 and P-521");
	IS_WRONG(maker_pem(good, true),
		"has a private key, which belongs to whoever signs tokens and to nobody else: give the public one");
	IS_WRONG("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
		"has a block that is no public key and no certificate");
	IS_WRONG("-----BEGIN SOMETHING-----\nAAAA\n-----END SOMETHING-----\n",
		"has a block that is no public key and no certificate");
	ck_assert_str_eq(jwt_keys_add_secret(keys, slice_str(maker_pem(good, false))),
		"is a key in PEM and no secret: name it as a public key");
	IS_WRONG(maker_pem(with_exponent(maker_rsa(2048), 1), false), "is an RSA key whose exponent lets anybody sign");
	IS_WRONG(maker_pem(with_exponent(maker_rsa(2048), 4), false), "is an RSA key whose exponent lets anybody sign");
	ck_assert_uint_eq(jwt_keys_count(keys), 0);
}
END_TEST

START_TEST(sets_that_are_not_taken)
{
	static const char *const none[] = { "", "{}", "[]", "{\"keys\":{}}", "{\"keys\":[]", "{\"keys\":[]}x",
		"{\"keys\":[],\"keys\":[]}", "{\"keys\":7}" };
	static const char *const broken[] = {
		"7", "{}", "{\"kty\":7}", "{\"kty\":\"oct\",\"kty\":\"oct\"}", "{\"kty\":\"RSA\"}",
		"{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}",
		/* A point beside the curve. */
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":"
		"\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"}",
		"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"}", "{\"kty\":\"oct\",\"k\":\"AA\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ES384\",\"x\":"
		"\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}"
	};
	static const char *const passed_over[] = { "{\"kty\":\"new\"}", "{\"kty\":\"EC\",\"crv\":\"secp256k1\"}",
		"{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"AA\"}", "{\"kty\":\"RSA\",\"use\":\"enc\"}",
		"{\"kty\":\"RSA\",\"use\":7}", "{\"kty\":\"RSA\",\"alg\":\"RSA-OAEP\"}",
		"{\"kty\":\"RSA\",\"alg\":\"none\"}", "{\"kty\":\"RSA\",\"key_ops\":[\"sign\"]}",
		"{\"kty\":\"RSA\",\"key_ops\":\"verify\"}" };

	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
		ck_assert_msg(add_set(none[i]) != NULL, "%s", none[i]);
	for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++)
		ck_assert_msg(add_jwk(broken[i]) != NULL, "%s", broken[i]);
	ck_assert_ptr_null(add_jwk("{\"kty\":\"RSA\"}," KEY_8037 ",7"));
	ck_assert_uint_eq(jwt_keys_count(keys), 1);
	jwt_keys_free(keys);
	keys = jwt_keys_new();
	for (size_t i = 0; i < sizeof(passed_over) / sizeof(*passed_over); i++)
		ck_assert_msg(add_jwk(passed_over[i]) == NULL, "%s", passed_over[i]);
	ck_assert_uint_eq(jwt_keys_count(keys), 0);
	ck_assert_ptr_null(jwt_keys_add_set(keys, SLICE("{\"keys\":[" KEY_A1 "]}"), false)); /* no secrets */
	ck_assert_uint_eq(jwt_keys_count(keys), 0);
}
END_TEST

START_TEST(no_more_keys_than_a_hundred)
{
	for (int i = 0; i < JWT_KEYS_MAX; i++)
		ck_assert_ptr_null(add_jwk(KEY_8037));
	ck_assert_str_eq(add_jwk(KEY_8037), "has more than 100 keys");
	ck_assert_str_eq(add_jwk(KEY_A1), "has more than 100 keys");
}
END_TEST

#define NAMED(kid, k) "{\"kty\":\"oct\",\"kid\":\"" kid "\",\"k\":\"" k "\"}"
#define S1            "MTExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTE" /* 32 times 1 */
#define S2            "MjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjI"
static const char ones[] = "11111111111111111111111111111111", twos[] = "22222222222222222222222222222222";

START_TEST(kid_names_the_key)
{
	ck_assert_ptr_null(add_jwk(NAMED("a", S1) "," NAMED("b", S2) "," KEY_8037));
	ck_assert_int_eq(check(maker_token("{\"alg\":\"HS256\",\"kid\":\"a\"}", CLAIMS, ones)), JWT_OK);
	ck_assert_int_eq(check(maker_token("{\"alg\":\"HS256\",\"kid\":\"b\"}", CLAIMS, twos)), JWT_OK);
	ck_assert_int_eq(check(maker_token("{\"alg\":\"HS256\",\"kid\":\"b\"}", CLAIMS, ones)), JWT_SIGNATURE);
	ck_assert_int_eq(check(maker_token("{\"alg\":\"HS256\"}", CLAIMS, ones)), JWT_OK);
	ck_assert_int_eq(check(maker_token("{\"alg\":\"HS256\"}", CLAIMS, twos)), JWT_OK);
	ck_assert_int_eq(check(maker_token("{\"alg\":\"HS512\",\"kid\":\"a\"}", CLAIMS, ones)), JWT_ALGORITHM);
	ck_assert_int_eq(check(maker_token("{\"alg\":\"HS256\",\"kid\":7}", CLAIMS, ones)), JWT_MALFORMED);
}
END_TEST

START_TEST(a_kid_that_nobody_has)
{
	ck_assert_ptr_null(add_jwk(NAMED("a", S1)));
	ck_assert_int_eq(check(maker_token("{\"alg\":\"HS256\",\"kid\":\"c\"}", CLAIMS, ones)), JWT_UNKNOWN_KEY);
	ck_assert_int_eq(check(maker_token("{\"alg\":\"RS256\",\"kid\":\"a\"}", CLAIMS, ones)), JWT_ALGORITHM);
	ck_assert_int_eq(check(maker_token("{\"alg\":\"RS256\",\"kid\":\"c\"}", CLAIMS, ones)), JWT_UNKNOWN_KEY);
	/* A key without a name may be any. */
	ck_assert_ptr_null(jwt_keys_add_secret(keys, slice_str(twos)));
	ck_assert_int_eq(check(maker_token("{\"alg\":\"HS256\",\"kid\":\"c\"}", CLAIMS, twos)), JWT_OK);
	ck_assert_int_eq(check(maker_token("{\"alg\":\"HS256\",\"kid\":\"c\"}", CLAIMS, ones)), JWT_UNKNOWN_KEY);
}
END_TEST

START_TEST(without_a_kid_so_many_are_tried)
{
	for (int i = 0; i < JWT_TRIES - 1; i++)
		ck_assert_ptr_null(add_jwk(NAMED("a", S1)));
	ck_assert_ptr_null(add_jwk(KEY_8037)); /* does not count */
	ck_assert_ptr_null(add_jwk(NAMED("b", S2)));
	ck_assert_int_eq(check(maker_token("{\"alg\":\"HS256\"}", CLAIMS, twos)), JWT_OK);
	jwt_keys_free(keys);
	keys = jwt_keys_new();
	for (int i = 0; i < JWT_TRIES; i++) /* all that are tried are wrong */
		ck_assert_ptr_null(add_jwk(NAMED("a", S1)));
	ck_assert_ptr_null(add_jwk(NAMED("b", S2)));
	ck_assert_int_eq(check(maker_token("{\"alg\":\"HS256\"}", CLAIMS, twos)), JWT_SIGNATURE);
	ck_assert_int_eq(check(maker_token("{\"alg\":\"HS256\",\"kid\":\"b\"}", CLAIMS, twos)), JWT_OK);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("jwt-keys");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, the_examples_of_the_rfcs);
	tcase_add_test(tc, every_algorithm_of_public_keys);
	tcase_add_test(tc, a_public_key_is_no_secret);
	tcase_add_test(tc, secrets_are_as_long_as_their_hash);
	tcase_add_test(tc, pem_that_is_not_taken);
	tcase_add_test(tc, sets_that_are_not_taken);
	tcase_add_test(tc, no_more_keys_than_a_hundred);
	tcase_add_test(tc, kid_names_the_key);
	tcase_add_test(tc, a_kid_that_nobody_has);
	tcase_add_test(tc, without_a_kid_so_many_are_tried);
	suite_add_tcase(s, tc);
	return s;
}
