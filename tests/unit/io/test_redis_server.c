/*
 * test_redis_server.c - a connection to real Redis servers, one per test: logins, ACLs, TLS, and what happens to servers:
 * killed, stopped, full, loading, read-only.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc.h"
#include "metrics.h"
#include "redis_server.h"

static int free_port(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	getsockname(fd, (struct sockaddr *)&at, &size);
	close(fd);
	return ntohs(at.sin_port);
}

/* --- Logging in --------------------------------------------------------------------------------------------------- */

START_TEST(commands_over_a_unix_socket)
{
	begin_server("", NULL);
	fx.config.name = "stoa-test";
	open_redis(REDIS_COMMANDS);
	hears("ready;");
	ck_assert_ptr_nonnull(strstr(admin("CLIENT LIST"), "name=stoa-test "));
	ck_assert_int_eq(command("set", "SET x ''"), 0);
	ck_assert_int_eq(command("get", "GET x"), 0);
	ck_assert_int_eq(command("none", "GET y"), 0);
	ck_assert_int_eq(command("bad", "LPUSH x 1"), 0);
	ck_assert_int_eq(command("pub", "PUBLISH c m"), 0);
	hears("set=+OK;get=;none=nil;bad=-WRONGTYPE;pub=:0;");
	end_server();
}
END_TEST

START_TEST(a_database)
{
	char url[200];

	begin_server("", NULL);
	snprintf(url, sizeof(url), "unix://%s?db=5", socket_path);
	redis_url_fini(&fx.config.url);
	ck_assert_ptr_null(redis_url_parse(url, &fx.config.url));
	open_redis(REDIS_COMMANDS);
	hears("ready;");
	command("set", "SET x here");
	hears("set=+OK;");
	ck_assert_str_eq(admin("-n 5 GET x"), "here\n");
	ck_assert_str_eq(admin("-n 0 GET x"), "\n");
	close_redis();
	fx.config.url.database = 99;
	open_redis(REDIS_COMMANDS);
	wait_for_trouble(REDIS_TROUBLE_DATABASE);
	end_server();
}
END_TEST

START_TEST(a_password)
{
	begin_server("--requirepass right", ":wrong@");
	open_redis(REDIS_COMMANDS);
	wait_for_trouble(REDIS_TROUBLE_AUTH);
	/* It is put right there, and nothing need be done here. */
	admin("-a right CONFIG SET requirepass wrong");
	hears("ready;");
	end_server();
}
END_TEST

START_TEST(a_password_that_is_missing)
{
	begin_server("--requirepass right", NULL);
	open_redis(REDIS_SUBSCRIBER);
	wait_for_trouble(REDIS_TROUBLE_NOAUTH);
	end_server();
}
END_TEST

START_TEST(a_password_where_none_is_needed)
{
	begin_server("", ":any@");
	open_redis(REDIS_COMMANDS);
	wait_for_trouble(REDIS_TROUBLE_AUTH);
	end_server();
}
END_TEST

START_TEST(an_acl_user_and_a_channel_that_is_not_allowed)
{
	begin_server("--user stoa on >pw resetchannels &socket.io* ~* +@all", "stoa:pw@");
	open_redis(REDIS_SUBSCRIBER);
	hears("ready;");
	subscribe("good", REDIS_CHANNELS, "socket.io#/#");
	subscribe("mixed", REDIS_CHANNELS, "socket.io#/a# other");
	subscribe("pattern", REDIS_PATTERNS, "socket.io*");
	hears("+socket.io#/#;good=array;mixed=-NOPERM;+socket.io*;pattern=array;");
	wait_for_trouble(REDIS_TROUBLE_NO_PERMISSION);
	ck_assert(redis_ready(fx.redis));
	admin("PUBLISH socket.io#/# hi");
	hears("message socket.io#/# hi;message socket.io#/# hi;");
	/* Redis ends a subscriber that has lost its right. */
	admin("ACL SETUSER stoa resetchannels");
	hears("lost ended;ready;");
	end_server();
}
END_TEST

START_TEST(a_user_who_may_only_publish)
{
	begin_server("--user stoa on >pw &* -@all +publish", "stoa:pw@");
	fx.config.name = "stoa";
	open_redis(REDIS_COMMANDS);
	hears("ready;");
	command("pub", "PUBLISH c m");
	command("get", "GET x");
	hears("pub=:0;get=-NOPERM;");
	wait_for_trouble(REDIS_TROUBLE_NO_PERMISSION);
	end_server();
}
END_TEST

/* --- What happens to servers -------------------------------------------------------------------------------------- */

START_TEST(killed_and_started_again)
{
	begin_server("", NULL);
	open_redis(REDIS_SUBSCRIBER);
	hears("ready;");
	subscribe("s", REDIS_CHANNELS, "c");
	hears("+c;s=array;");
	kill_server();
	hears("lost ended;");
	wait_for_trouble(REDIS_TROUBLE_CONNECT);
	start_server("");
	hears("ready;");
	subscribe("s", REDIS_CHANNELS, "c");
	hears("+c;s=array;");
	admin("PUBLISH c again");
	hears("message c again;");
	end_server();
}
END_TEST

START_TEST(stopped_and_continued)
{
	begin_server("", NULL);
	fx.config.command_timeout_ms = 500;
	fx.config.connect_timeout_ms = 200;
	open_redis(REDIS_COMMANDS);
	hears("ready;");
	kill(server, SIGSTOP);
	command("get", "GET x");
	hears("get=unknown;lost silent;");
	wait_for_trouble(REDIS_TROUBLE_TIMEOUT);
	kill(server, SIGCONT);
	fx.config.connect_timeout_ms = fx.config.command_timeout_ms = 60 * 1000; /* on a slow machine */
	hears("ready;");
	command("get", "GET x");
	hears("get=nil;");
	end_server();
}
END_TEST

START_TEST(a_subscriber_that_is_killed_again_and_again)
{
	begin_server("", NULL);
	open_redis(REDIS_SUBSCRIBER);
	for (int i = 0; i < 6; i++) {
		hears("ready;");
		subscribe("s", REDIS_CHANNELS, "c");
		hears("+c;s=array;");
		admin("PUBLISH c m");
		hears("message c m;");
		ck_assert_str_eq(admin("CLIENT KILL TYPE pubsub"), "1\n");
		hears("lost ended;");
	}
	end_server();
}
END_TEST

START_TEST(no_room_for_another_client)
{
	struct redis_address at = { 0 };
	int other = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	begin_server("--maxclients 1", NULL);
	await_server();
	at.at.un.sun_family = AF_UNIX;
	snprintf(at.at.un.sun_path, sizeof(at.at.un.sun_path), "%s", socket_path);
	ck_assert_int_eq(connect(other, &at.at.any, sizeof(at.at.un)), 0);
	open_redis(REDIS_COMMANDS);
	wait_for_trouble(REDIS_TROUBLE_MAX_CLIENTS);
	wait_for_trouble(REDIS_TROUBLE_MAX_CLIENTS);
	close(other);
	hears("ready;");
	end_server();
}
END_TEST

/* Redis drops a subscriber that is behind by more than 32 MB. The loop does not turn while redis-cli runs. */
START_TEST(a_publish_that_overflows_redis)
{
	begin_server("", NULL);
	fx.config.max_message = 64 * 1000 * 1000;
	open_redis(REDIS_SUBSCRIBER);
	hears("ready;");
	subscribe("s", REDIS_CHANNELS, "c");
	hears("+c;s=array;");
	run_script("head -c 40000000 /dev/zero >large");
	ck_assert_str_eq(admin("-x PUBLISH c <%s/large", folder), "1\n");
	hears("lost ended;ready;");
	end_server();
}
END_TEST

START_TEST(a_publish_that_is_larger_than_we_take)
{
	begin_server("--client-output-buffer-limit pubsub 0 0 0", NULL);
	open_redis(REDIS_SUBSCRIBER);
	hears("ready;");
	subscribe("s", REDIS_CHANNELS, "c");
	hears("+c;s=array;");
	run_script("head -c 40000000 /dev/zero >large");
	run_script("head -c 15000000 /dev/zero >small");
	admin("-x PUBLISH c <%s/small", folder);
	hears("message c of 15000000;");
	admin("-x PUBLISH c <%s/large", folder);
	hears("lost too-large;ready;");
	end_server();
}
END_TEST

START_TEST(a_server_that_loads_its_data)
{
	begin_server("", NULL);
	await_server();
	admin("EVAL \"for i=1,200 do redis.call('set', i, string.rep(i, 100)) end\" 0");
	admin("SAVE");
	kill_server();
	start_server("--key-load-delay 20000 --loading-process-events-interval-bytes 1024");
	open_redis(REDIS_COMMANDS);
	wait_for_trouble(REDIS_TROUBLE_LOADING);
	hears("ready;");
	command("size", "DBSIZE");
	hears("size=:200;");
	end_server();
}
END_TEST

START_TEST(a_server_that_is_full)
{
	begin_server("--maxmemory 1", NULL);
	open_redis(REDIS_COMMANDS);
	hears("ready;");
	command("set", "SET x 1");
	command("get", "GET x");
	command("pub", "PUBLISH c m");
	hears("set=-OOM;get=nil;pub=:0;");
	wait_for_trouble(REDIS_TROUBLE_OUT_OF_MEMORY);
	ck_assert(redis_ready(fx.redis));
	end_server();
}
END_TEST

START_TEST(a_replica)
{
	begin_server("--replicaof 127.0.0.1 1 --replica-serve-stale-data yes", NULL);
	open_redis(REDIS_COMMANDS);
	hears("ready;");
	command("set", "SET x 1");
	hears("set=-READONLY;lost read-only;ready;");
	end_server();
}
END_TEST

/* --- TLS ---------------------------------------------------------------------------------------------------------- */

static const char make_certificates[] =
	"new() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out $1.key;"
	"  openssl req -new -key $1.key -subj /CN=$1 -out $1.csr;"
	"  printf 'subjectAltName=%s' $2 >$1.ext;"
	"  openssl x509 -req -in $1.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile $1.ext -out $1.crt; "
	"}; "
	"authority() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test-$1"
	"  -keyout $1.key -out $1.crt; }; "
	"set -e; authority other; authority ca; new server DNS:redis.test,IP:127.0.0.1; new client DNS:client";

static char files[6][100];

static const char *file(int slot, const char *name)
{
	snprintf(files[slot], sizeof(files[slot]), "%s/%s", folder, name);
	return files[slot];
}

/* A server with TLS, and the URL of it as the connection's. */
static void begin_tls(const char *auth_clients, bool plain_port)
{
	char options[1000], url[100];
	int port = free_port();

	snprintf(url, sizeof(url), "rediss://127.0.0.1:%d", port);
	begin_server(NULL, url);
	run_script(make_certificates);
	snprintf(options, sizeof(options),
		"--%s %d --tls-cert-file %s --tls-key-file %s --tls-ca-cert-file %s --tls-auth-clients %s",
		plain_port ? "port" : "tls-port", port, file(0, "server.crt"), file(1, "server.key"), file(2, "ca.crt"),
		auth_clients);
	start_server(options);
	await_server();
	fx.config.ca_file = file(2, "ca.crt");
}

START_TEST(tls_by_address)
{
	char *large = must_alloc(5000001);

	begin_tls("no", false);
	open_redis(REDIS_COMMANDS);
	hears("ready;");
	memset(large, 'x', 5000000);
	memcpy(large, "SET y ", 6);
	command("set", large);
	command("len", "STRLEN y");
	command("get", "GET y");
	hears("set=+OK;len=:4999994;get=of 4999994;");
	free(large);
	close_redis();
	end_server();
}
END_TEST

START_TEST(tls_by_name)
{
	begin_tls("no", false);
	fx.config.server_name = "redis.test";
	open_redis(REDIS_SUBSCRIBER);
	hears("ready;");
	subscribe("s", REDIS_CHANNELS, "c");
	hears("+c;s=array;");
	admin("PUBLISH c hi");
	hears("message c hi;");
	admin("CLIENT KILL TYPE pubsub");
	hears("lost ended;ready;");
	end_server();
}
END_TEST

static void fails_with(const char *words)
{
	const char *log;

	catch_log();
	open_redis(REDIS_COMMANDS);
	wait_for_trouble(REDIS_TROUBLE_TLS);
	log = caught_log();
	ck_assert_msg(strstr(log, words) != NULL, "%s", log);
}

START_TEST(tls_with_another_name)
{
	begin_tls("no", false);
	fx.config.server_name = "redis.example";
	fails_with("hostname mismatch");
	end_server();
}
END_TEST

START_TEST(tls_with_another_address)
{
	begin_tls("no", false);
	fx.config.server_name = "127.0.0.2";
	fails_with("IP address mismatch");
	end_server();
}
END_TEST

START_TEST(tls_signed_by_somebody_else)
{
	begin_tls("no", false);
	fx.config.ca_file = file(3, "other.crt");
	fails_with("the server's certificate: ");
	end_server();
}
END_TEST

START_TEST(tls_signed_by_nobody_the_system_knows)
{
	begin_tls("no", false);
	fx.config.ca_file = NULL;
	fails_with("the server's certificate: ");
	end_server();
}
END_TEST

START_TEST(tls_with_a_certificate_of_our_own)
{
	begin_tls("yes", false);
	fails_with("certificate required");
	close_redis();
	fx.config.cert_file = file(3, "client.crt");
	fx.config.key_file = file(4, "client.key");
	open_redis(REDIS_COMMANDS);
	hears("ready;");
	end_server();
}
END_TEST

START_TEST(tls_to_a_port_without_it)
{
	begin_tls("no", true);
	fx.config.connect_timeout_ms = 300;
	fails_with("is TLS spoken at this port?");
	end_server();
}
END_TEST

START_TEST(plain_to_a_port_with_tls)
{
	begin_tls("no", false);
	fx.config.url.tls = false;
	open_redis(REDIS_COMMANDS);
	run_turns(1);
	while (redis_trouble(fx.redis) == REDIS_TROUBLE_COUNT)
		run_turns(1);
	ck_assert(redis_trouble(fx.redis) == REDIS_TROUBLE_ENDED || redis_trouble(fx.redis) == REDIS_TROUBLE_PROTOCOL);
	end_server();
}
END_TEST

static void cannot_open(const char *says)
{
	static const struct redis_ops none = { 0 };
	char why[300] = "";

	ck_assert_ptr_null(redis_open(&fx.loop, &fx.config, REDIS_COMMANDS, &none, NULL, why, sizeof(why)));
	ck_assert_msg(strstr(why, says) != NULL, "%s", why);
}

START_TEST(files_for_tls_that_cannot_be_used)
{
	begin_server(NULL, "rediss://127.0.0.1:1");
	run_script(make_certificates);
	fx.config.ca_file = "/nowhere/ca.crt";
	cannot_open("redis_ca_file /nowhere/ca.crt");
	fx.config.ca_file = file(0, "server.key");
	cannot_open("redis_ca_file");
	fx.config.ca_file = file(0, "ca.crt");
	fx.config.cert_file = file(1, "client.crt");
	cannot_open("belong together");
	fx.config.key_file = file(2, "server.key");
	cannot_open("is not the key of redis_cert_file");
	fx.config.cert_file = file(1, "client.key");
	cannot_open("redis_cert_file");
	fx.config.key_file = NULL;
	fx.config.cert_file = NULL;
	end_server();
}
END_TEST

Suite *suite(void)
{
	const struct redis_test tests[] = {
		REDIS_TEST(commands_over_a_unix_socket),
		REDIS_TEST(a_database),
		REDIS_TEST(a_password),
		REDIS_TEST(a_password_that_is_missing),
		REDIS_TEST(a_password_where_none_is_needed),
		REDIS_TEST(an_acl_user_and_a_channel_that_is_not_allowed),
		REDIS_TEST(a_user_who_may_only_publish),
		REDIS_TEST(killed_and_started_again),
		REDIS_TEST(stopped_and_continued),
		REDIS_TEST(a_subscriber_that_is_killed_again_and_again),
		REDIS_TEST(no_room_for_another_client),
		REDIS_TEST(a_publish_that_overflows_redis),
		REDIS_TEST(a_publish_that_is_larger_than_we_take),
		REDIS_TEST(a_server_that_loads_its_data),
		REDIS_TEST(a_server_that_is_full),
		REDIS_TEST(a_replica),
		REDIS_TEST(tls_by_address),
		REDIS_TEST(tls_by_name),
		REDIS_TEST(tls_with_another_name),
		REDIS_TEST(tls_with_another_address),
		REDIS_TEST(tls_signed_by_somebody_else),
		REDIS_TEST(tls_signed_by_nobody_the_system_knows),
		REDIS_TEST(tls_with_a_certificate_of_our_own),
		REDIS_TEST(tls_to_a_port_without_it),
		REDIS_TEST(plain_to_a_port_with_tls),
		REDIS_TEST(files_for_tls_that_cannot_be_used),
	};

	return redis_suite("redis-server", tests, sizeof(tests) / sizeof(tests[0]));
}
