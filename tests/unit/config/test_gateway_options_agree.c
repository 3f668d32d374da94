/* test_gateway_options_agree.c - options that are good each by itself and wrong together; addresses of workers. */
#include <stdio.h>

#include "gateway_options.h"
#include "test_main.h"

#define REDIS    "--redis-url=redis://127.0.0.1"
#define INTERNAL "--internal-listen=127.0.0.1:9000"
#define BROKER   "--dispatch=broker"
#define WEBHOOK  "--dispatch=webhook"
#define URL      "--webhook-url=http://127.0.0.1/"
#define JWT_KEY  "--jwt-key=0123456789abcdef0123456789abcdef"
#define TLS      "--tls-listen=127.0.0.1:5001"
#define SECRET   "--webhook-secret=0123456789abcdef"

static const struct {
	const char *flags[4];
	const char *wrong; /* NULL: nothing */
} cases[] = {
	{ { "--workers=1" }, NULL },
	{ { "--workers=2" },
		"workers = 2 needs redis_url: each worker is a gateway of its own, and rooms span them through Redis" },
	{ { "--workers=2", INTERNAL },
		"workers = 2 needs redis_url: each worker is a gateway of its own, and rooms span them through Redis" },
	{ { "--workers=2", REDIS }, "workers = 2 needs internal_listen, where workers bring each other requests of "
				    "polling clients; or transports = websocket" },
	{ { "--workers=2", REDIS, "--transports=polling" },
		"workers = 2 needs internal_listen, where workers bring each other requests of polling clients; or "
		"transports = websocket" },
	{ { "--workers=2", REDIS, "--transports=websocket" }, NULL },
	{ { "--workers=2", REDIS, INTERNAL }, NULL },
	{ { "--workers=256", REDIS, "--internal-listen=:0" }, NULL },
	{ { "--workers=6", REDIS, "--internal-listen=:65530" }, NULL },
	{ { "--workers=7", REDIS, "--internal-listen=:65530" },
		"internal_listen = :65530: with workers = 7 the last of them would have port 65536" },
	{ { "--workers=1", "--internal-listen=:65535" }, NULL },
	{ { "--workers=2", REDIS, INTERNAL, "--node-address=a:65535" },
		"node_address = a:65535: with workers = 2 the last of them would have port 65536" },
	{ { "--workers=2", REDIS, INTERNAL, "--node-address=a:65534" }, NULL },
	{ { BROKER, REDIS }, NULL },
	{ { BROKER, REDIS, "--app-name=chat" }, NULL },
	{ { BROKER }, "dispatch = broker needs redis_url: events go to brokers by way of Redis" },
	{ { BROKER, REDIS, "--app=a.so" },
		"app is for dispatch = embedded: elsewhere, who runs the application loads it" },
	{ { BROKER, REDIS, "--watch" },
		"watch is for dispatch = embedded: elsewhere, who runs the application loads it" },
	{ { WEBHOOK, URL, SECRET }, NULL },
	{ { WEBHOOK, URL, "--webhook-secret-file=f" }, NULL },
	{ { WEBHOOK, URL, SECRET, REDIS }, NULL },
	{ { URL }, "webhook_url is set, and events do not go there without dispatch = webhook" },
	{ { WEBHOOK, SECRET }, "dispatch = webhook needs webhook_url, where events are posted" },
	{ { WEBHOOK, URL }, "dispatch = webhook needs webhook_secret_file: the application knows by it who posts" },
	{ { WEBHOOK, URL, SECRET, "--webhook-secret-file=f" },
		"webhook_secret and webhook_secret_file are both set; one of them is the secret" },
	{ { WEBHOOK, URL, SECRET, "--parser=msgpack" },
		"dispatch = webhook needs parser = default: what is posted is JSON" },
	{ { WEBHOOK, URL, SECRET, "--app=a.so" },
		"app is for dispatch = embedded: elsewhere, who runs the application loads it" },
	{ { JWT_KEY, "--jwt-issuer=i", "--jwt-audience=a", "--jwt-algorithms=HS256" }, NULL },
	{ { "--jwt-jwks-url=https://a/keys", "--jwt-issuer=i" }, NULL },
	{ { JWT_KEY, "--jwt-key-file=f" }, "jwt_key and jwt_key_file are both set; one of them is the secret" },
	{ { "--jwt-audience=a" },
		"jwt_issuer, jwt_audience and jwt_algorithms need a key: without one no token is asked for" },
	{ { TLS, "--tls-cert-file=a", "--tls-key-file=b" }, NULL },
	{ { TLS, "--tls-cert-file=a,b", "--tls-key-file=c,d", "--https-redirect" }, NULL },
	{ { TLS, "--tls-cert-file=a,b", "--tls-key-file=c" },
		"tls_cert_file names 2 files and tls_key_file 1; each certificate has a key, in the same order" },
	{ { TLS, "--tls-cert-file=a" }, "tls_listen needs tls_cert_file and tls_key_file" },
	{ { TLS }, "tls_listen needs tls_cert_file and tls_key_file" },
	{ { "--tls-key-file=a" }, "tls_key_file is set, and without tls_listen nobody speaks TLS" },
	{ { "--https-redirect" }, "https_redirect is set, and without tls_listen nobody speaks TLS" },
};

START_TEST(options_agree)
{
	struct gateway_options got = { 0 };
	struct config_pairs pairs = { 0 };
	struct buf message = BUF_INIT;
	char text[5][64] = { "stoa-gateway" }, *argv[6] = { text[0] };
	int n = 1;

	for (int i = 0; i < 4 && cases[_i].flags[i]; i++, n++) {
		snprintf(text[n], sizeof(text[n]), "%s", cases[_i].flags[i]);
		argv[n] = text[n];
	}
	ck_assert_int_eq(config_read(&gateway_options_table, n, argv, NULL, &got, &pairs, &message), CONFIG_RUN);
	ck_assert_int_eq(gateway_options_agree(&got, &message), cases[_i].wrong == NULL);
	buf_add_char(&message, '\0');
	ck_assert_str_eq(message.at, cases[_i].wrong ? cases[_i].wrong : "");
	config_free(&gateway_options_table, &got, &pairs);
	buf_fini(&message);
}
END_TEST

static const struct {
	const char *address;
	int64_t steps;
	const char *want;
} addresses[] = {
	{ "127.0.0.1:9000", 0, "127.0.0.1:9000" },
	{ "127.0.0.1:9000", 7, "127.0.0.1:9007" },
	{ "[::1]:65534", 1, "[::1]:65535" },
	{ ":9000", 255, ":9255" },
	{ "host:0", 3, "host:0" },
};

START_TEST(workers_have_addresses)
{
	char to[64];

	gateway_options_address(addresses[_i].address, addresses[_i].steps, to, sizeof(to));
	ck_assert_str_eq(to, addresses[_i].want);
}
END_TEST

#define COUNT(table_) (int)(sizeof(table_) / sizeof((table_)[0]))

Suite *suite(void)
{
	Suite *s = suite_create("gateway-options-agree");
	TCase *t = tcase_create("gateway-options-agree");

	tcase_add_loop_test(t, options_agree, 0, COUNT(cases));
	tcase_add_loop_test(t, workers_have_addresses, 0, COUNT(addresses));
	suite_add_tcase(s, t);
	return s;
}
