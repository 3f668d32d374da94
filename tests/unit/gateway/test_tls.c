/* test_tls.c - keys of session tickets: the same for all that began with one seed, and new ones every hour. A client of TLS 1.3
 * that asks for new keys and takes nothing, which Node's cannot. */
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test_main.h"
#include "tls_internal.h"

static const unsigned char seed[GATEWAY_TLS_SEED_SIZE] = "a seed";
enum { BEGAN_MS = 5 * TLS_TICKET_MS + 17 };

static bool same(const struct tls_ticket_key *a, const struct tls_ticket_key *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static struct tls_tickets tickets(int64_t now_ms)
{
	struct tls_tickets k = { 0 };

	tls_tickets_init(&k, seed, BEGAN_MS);
	tls_tickets_advance(&k, now_ms);
	return k;
}

START_TEST(a_worker_that_comes_later_has_the_keys_of_the_others)
{
	struct tls_tickets old = tickets(BEGAN_MS + TLS_TICKET_MS), late;

	for (int hours = 2; hours < 30; hours++) {
		tls_tickets_advance(&old, BEGAN_MS + (int64_t)hours * TLS_TICKET_MS);
		late = tickets(BEGAN_MS + (int64_t)hours * TLS_TICKET_MS);
		ck_assert(same(&old.now, &late.now));
		ck_assert(same(&old.before, &late.before));
	}
}
END_TEST

START_TEST(keys_change_with_the_hour_and_the_one_before_is_kept)
{
	struct tls_tickets first = tickets(6 * TLS_TICKET_MS - 1), second = tickets(6 * TLS_TICKET_MS);

	ck_assert(same(&first.now, &second.before));
	ck_assert(!same(&first.now, &second.now));
	ck_assert(same(&first.now, &first.before)); /* there was none */
	ck_assert_int_ne(memcmp(first.seed, second.seed, sizeof(first.seed)), 0);
	tls_tickets_advance(&second, 6 * TLS_TICKET_MS - 1);
	ck_assert_msg(same(&first.now, &second.before), "time does not go back");
}
END_TEST

START_TEST(no_part_of_a_key_is_another)
{
	struct tls_tickets k = tickets(BEGAN_MS);

	ck_assert_int_ne(memcmp(k.now.cipher, k.now.mac, sizeof(k.now.mac)), 0);
	ck_assert_int_ne(memcmp(k.now.cipher, k.now.name, sizeof(k.now.name)), 0);
	ck_assert_int_ne(memcmp(k.now.cipher, k.seed, sizeof(k.seed)), 0);
	ck_assert_int_ne(memcmp(k.now.mac, k.seed, sizeof(k.seed)), 0);
}
END_TEST

/* --- A connection ------------------------------------------------------------------------------------------------- */

static struct {
	struct loop loop;
	struct gateway_options options;
	char dir[32], cert[64], key[64];
	char *certs[2], *keys[2];
	struct tls *tls;
	SSL_CTX *context;
	SSL *client;
	int fd, edge;
} fx;

static void write_certificate(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	FILE *f;

	X509_gmtime_adj(X509_getm_notBefore(cert), -60);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, key);
	ck_assert_int_gt(X509_sign(cert, key, EVP_sha256()), 0);
	f = fopen(fx.cert, "we");
	ck_assert(f && PEM_write_X509(f, cert) == 1 && fclose(f) == 0);
	umask(077);
	f = fopen(fx.key, "we");
	ck_assert(f && PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1 && fclose(f) == 0);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static void on_opened(void *ctx, int fd, const struct net_address *peer)
{
	(void)ctx;
	(void)peer;
	fx.edge = fd;
}

static void set_up(void)
{
	char why[200] = "";

	memset(&fx, 0, sizeof(fx));
	fx.fd = fx.edge = -1;
	snprintf(fx.dir, sizeof(fx.dir), "/tmp/stoa-tls-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(fx.dir));
	snprintf(fx.cert, sizeof(fx.cert), "%s/cert", fx.dir);
	snprintf(fx.key, sizeof(fx.key), "%s/key", fx.dir);
	write_certificate();
	fx.certs[0] = fx.cert;
	fx.keys[0] = fx.key;
	fx.options = (struct gateway_options){ .tls_cert_file = { fx.certs, 1, true },
		.tls_key_file = { fx.keys, 1, true },
		.tls_ciphers = (char[]){ "ECDHE+AESGCM" },
		.tls_handshake_timeout_ms = 60000,
		.max_tls_handshakes = 10,
		.close_timeout_ms = 60000,
		.tls_seeded_ms = 1 };
	memcpy(fx.options.tls_seed, seed, sizeof(seed));
	ck_assert_int_eq(loop_init(&fx.loop), 0);
	fx.tls = tls_open(&(struct tls_config){ .options = &fx.options, .loop = &fx.loop, .opened = on_opened }, why,
		sizeof(why));
	ck_assert_msg(fx.tls != NULL, "%s", why);
}

static void tear_down(void)
{
	SSL_free(fx.client);
	SSL_CTX_free(fx.context);
	tls_free(fx.tls);
	loop_fini(&fx.loop);
	if (fx.fd >= 0)
		close(fx.fd);
	if (fx.edge >= 0)
		close(fx.edge);
	unlink(fx.cert);
	unlink(fx.key);
	rmdir(fx.dir);
}

static void turn(void)
{
	loop_poll(&fx.loop);
}

static void shake_hands(void)
{
	int pair[2], room = 4096;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	fx.fd = pair[1];
	fx.context = SSL_CTX_new(TLS_client_method());
	fx.client = SSL_new(fx.context);
	SSL_set_fd(fx.client, fx.fd);
	tls_accept(fx.tls, pair[0], &(struct net_address){ 0 });
	for (int i = 0; i < 100 && fx.edge < 0; i++) {
		SSL_connect(fx.client);
		turn();
	}
	ck_assert_int_ge(fx.edge, 0);
}

static void say(char c)
{
	ck_assert_int_eq(SSL_write(fx.client, &c, 1), 1);
	turn();
}

/* What the client is sent, until nothing more comes. */
static size_t take_all(void)
{
	char bytes[1000];
	size_t all = 0;
	int n, idle = 0;

	while (idle < 10) {
		turn();
		n = SSL_read(fx.client, bytes, sizeof(bytes));
		idle = n > 0 ? 0 : idle + 1;
		all += n > 0 ? (size_t)n : 0;
	}
	return all;
}

/* New keys and a byte, again and again. `_i` says which of the two does not fit any more. */
START_TEST(who_asks_for_new_keys_and_takes_nothing_is_not_read)
{
	const struct tls_conn *c;
	char heard[1000];
	size_t sent = 0;

	shake_hands();
	take_all();
	c = TAILQ_FIRST(&fx.tls->conns);
	for (int i = 0; i < _i; i++, sent++)
		ck_assert_int_eq(write(fx.edge, "x", 1), 1);
	for (turn(); c->to_client.size == 0; sent++) {
		ck_assert_int_eq(SSL_key_update(fx.client, SSL_KEY_UPDATE_REQUESTED), 1);
		ck_assert_int_eq(SSL_do_handshake(fx.client), 1);
		turn();
		ck_assert_int_eq(write(fx.edge, "x", 1), 1);
		turn();
	}
	say('a');
	say('b');
	if (SSL_in_init(c->ssl)) /* nothing is read: then it is not ready in every turn either */
		ck_assert(!event_pending(&c->read, EV_READ, NULL));
	else
		ck_assert(event_pending(&c->read, EV_READ, NULL));
	ck_assert_uint_eq(take_all(), sent);
	ck_assert(event_pending(&c->read, EV_READ, NULL));
	ck_assert_int_eq(read(fx.edge, heard, sizeof(heard)), 2);
	ck_assert(heard[0] == 'a' && heard[1] == 'b');
}
END_TEST

START_TEST(a_seed_that_was_used_is_wiped)
{
	static const unsigned char none[GATEWAY_TLS_SEED_SIZE];

	ck_assert_int_eq(memcmp(fx.options.tls_seed, none, sizeof(none)), 0);
	ck_assert_int_ne(memcmp(fx.tls->tickets.seed, none, sizeof(none)), 0);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("tls");
	TCase *t = tcase_create("tickets");

	tcase_add_test(t, a_worker_that_comes_later_has_the_keys_of_the_others);
	tcase_add_test(t, keys_change_with_the_hour_and_the_one_before_is_kept);
	tcase_add_test(t, no_part_of_a_key_is_another);
	suite_add_tcase(s, t);
	t = tcase_create("connection");
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_loop_test(t, who_asks_for_new_keys_and_takes_nothing_is_not_read, 0, 2);
	tcase_add_test(t, a_seed_that_was_used_is_wiped);
	suite_add_tcase(s, t);
	return s;
}
