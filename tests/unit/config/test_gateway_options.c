/*
 * test_gateway_options.c - the gateway's table: what every row must have, the defaults that ship, both ends of every
 * range, and the way through --print-config and back for a value of every row.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "gateway_options.h"
#include "log.h"
#include "test_main.h"

static struct gateway_options got;
static struct config_pairs pairs;
static struct buf message;

static void end_run(void)
{
	config_free(&gateway_options_table, &got, &pairs);
	buf_fini(&message);
	got = (struct gateway_options){ 0 };
}

static const struct config_option *row(int i)
{
	return &gateway_options_table.options[i];
}

static int count_rows(void)
{
	int n = 0;

	while (row(n)->name)
		n++;
	return n;
}

/* With one flag, or none. */
static enum config_action run(const char *flag)
{
	char program[] = "stoa-gateway", text[400];
	char *argv[] = { program, text, NULL };
	enum config_action action;

	end_run();
	snprintf(text, sizeof(text), "%s", flag ? flag : "");
	action = config_read(&gateway_options_table, flag ? 2 : 1, argv, NULL, &got, &pairs, &message);
	buf_add_char(&message, '\0');
	return action;
}

static void run_well(const char *flag)
{
	enum config_action action = run(flag);

	ck_assert_msg(action == CONFIG_RUN, "%s", message.at);
}

START_TEST(shipped_defaults)
{
	run_well(NULL);
	ck_assert_ptr_null(got.app);
	ck_assert_str_eq(got.listen, "127.0.0.1:5000");
	ck_assert_ptr_null(got.internal_listen);
	ck_assert_str_eq(got.path, "/socket.io");
	ck_assert_ptr_null(got.public_dir);
	ck_assert(got.serve_client);
	ck_assert_ptr_null(got.client_dir);
	ck_assert_int_eq(got.log_level, LOG_INFO);
	ck_assert(!got.debug);
	ck_assert(!got.watch);
	ck_assert(!got.io_uring);
	ck_assert(!got.always_connect);
	ck_assert_uint_eq(got.transports.count, 2);
	ck_assert_str_eq(got.transports.at[0], "polling");
	ck_assert_str_eq(got.transports.at[1], "websocket");
	ck_assert(got.allow_upgrades);
	ck_assert(!got.allow_eio3);
	ck_assert(!got.jsonp);
	ck_assert(!got.cors_allowed_origins.set);
	ck_assert(got.cors_credentials);
}
END_TEST

#define NUMBER(field, value) \
	{ \
#field, offsetof(struct gateway_options, field), value \
	}

static const struct {
	const char *name;
	size_t offset;
	int64_t value;
} numbers[] = {
	NUMBER(loop_stall_ms, 1000),
	NUMBER(ping_interval_ms, 25000),
	NUMBER(ping_timeout_ms, 20000),
	NUMBER(upgrade_timeout_ms, 10000),
	NUMBER(connect_timeout_ms, 45000),
	NUMBER(polling_close_timeout_ms, 30000),
	NUMBER(max_http_buffer_size, 1000000),
	NUMBER(max_connections, 0),
	NUMBER(max_head_size, 16000),
	NUMBER(max_request_line, 8000),
	NUMBER(max_headers, 100),
	NUMBER(head_timeout_ms, 10000),
	NUMBER(body_timeout_ms, 30000),
	NUMBER(keep_alive_timeout_ms, 65000),
	NUMBER(max_decode_packets, 1000),
	NUMBER(max_fragments, 16384),
	NUMBER(max_send_queue, 1000000),
	NUMBER(max_namespaces, 16),
	NUMBER(max_rooms, 512),
	NUMBER(max_room_name, 200),
	NUMBER(max_event_name, 200),
	NUMBER(max_attachments, 10),
	NUMBER(max_json_depth, 64),
	NUMBER(max_pending_acks, 1000),
	NUMBER(ack_timeout_ms, 30000),
	NUMBER(max_timers, 10000),
	NUMBER(max_effects, 10000),
	NUMBER(shutdown_timeout_ms, 10000),
	NUMBER(close_timeout_ms, 1000),
};
enum { NUMBERS = sizeof(numbers) / sizeof(numbers[0]) };

START_TEST(shipped_number)
{
	int64_t value;

	run_well(NULL);
	memcpy(&value, (const char *)&got + numbers[_i].offset, sizeof(value));
	ck_assert_int_eq(value, numbers[_i].value);
}
END_TEST

START_TEST(log_levels_are_the_logs)
{
	static const char *const names[] = { "error", "warn", "info", "debug" };
	char flag[40];
	enum log_level level;

	ck_assert(log_level_of(names[_i], &level));
	snprintf(flag, sizeof(flag), "--log-level=%s", names[_i]);
	run_well(flag);
	ck_assert_int_eq(got.log_level, (int)level);
}
END_TEST

/* ---- Every row ---- */

START_TEST(row_is_complete)
{
	const struct config_option *o = row(_i);
	size_t end = o->help ? strlen(o->help) : 0;

	ck_assert_uint_gt(end, 0);
	ck_assert_msg(isupper((unsigned char)o->help[0]) && o->help[end - 1] != '.', "%s: %s", o->name, o->help);
	ck_assert_msg(strpbrk(o->help, "|\n") == NULL, "%s would break the reference's table", o->name);
	ck_assert_int_eq(o->value == NULL, o->type == CONFIG_BOOL);
	ck_assert(o->type != CONFIG_CHOICE || (o->choices && o->otherwise));
	ck_assert_uint_eq(strspn(o->name, "abcdefghijklmnopqrstuvwxyz0123456789_"), strlen(o->name));
	ck_assert(_i > 0 || o->group);
	if (o->type == CONFIG_BOOL || o->type == CONFIG_INT || o->type == CONFIG_DURATION || o->type == CONFIG_SIZE)
		ck_assert_ptr_nonnull(o->otherwise);
}
END_TEST

static bool is_alias(const struct config_option *o, const char *name)
{
	for (const struct config_alias *a = o->aliases; a->name; a++)
		if (strcmp(a->name, name) == 0)
			return true;
	return false;
}

START_TEST(row_is_alone_with_its_names_and_field)
{
	const struct config_option *o = row(_i);

	for (int i = 0; row(i)->name; i++) {
		if (i == _i)
			continue;
		ck_assert_str_ne(row(i)->name, o->name);
		ck_assert_uint_ne(row(i)->offset, o->offset);
		ck_assert(!is_alias(o, row(i)->name));
		for (const struct config_alias *a = o->aliases; a->name; a++)
			ck_assert(!is_alias(row(i), a->name));
	}
}
END_TEST

static bool is_number(const struct config_option *o)
{
	return o->type == CONFIG_INT || o->type == CONFIG_DURATION || o->type == CONFIG_SIZE;
}

static const char *unit(const struct config_option *o)
{
	if (o->type == CONFIG_DURATION)
		return "ms";
	return o->type == CONFIG_SIZE ? "B" : "";
}

static void write_flag(const struct config_option *o, const char *value, char *to, size_t size)
{
	snprintf(to, size, "--%s=%s", o->name, value);
}

static void run_number(const struct config_option *o, int64_t n, bool good)
{
	char value[40], flag[100];
	int64_t found;

	snprintf(value, sizeof(value), "%lld%s", (long long)n, unit(o));
	write_flag(o, value, flag, sizeof(flag));
	if (!good) {
		ck_assert_int_eq(run(flag), CONFIG_ERROR);
		return;
	}
	run_well(flag);
	memcpy(&found, (const char *)&got + o->offset, sizeof(found));
	ck_assert_int_eq(found, n);
}

START_TEST(range_holds_at_both_ends)
{
	const struct config_option *o = row(_i);

	if (!is_number(o))
		return;
	ck_assert_int_lt(o->min, o->max);
	run_number(o, o->min, true);
	run_number(o, o->max, true);
	run_number(o, o->min - 1, false);
	run_number(o, o->max + 1, false);
	ck_assert_ptr_nonnull(strstr(message.at, " is out of range; it goes from "));
}
END_TEST

/* Text that the row's check takes; the last is for those that take any. */
static const char *fitting_text(const struct config_option *o)
{
	static const char *const texts[] = { "/path", "[::1]:80", "X-Name", "10.0.0.0/8", "example.com",
		"a-key-of-more-than-thirty-two-letters", "https://example.com" };
	size_t i = 0, last = sizeof(texts) / sizeof(texts[0]) - 1;

	if (o->check == NULL)
		return texts[last];
	while (i < last && o->check(texts[i]))
		i++;
	return texts[i];
}

/* A value of the row's type that is not its default. */
static void another_value(const struct config_option *o, char *to, size_t size)
{
	if (is_number(o))
		snprintf(to, size, "%lld%s", (long long)(o->min + 1), unit(o));
	else if (o->type == CONFIG_BOOL)
		snprintf(to, size, "%s", strcmp(o->otherwise, "true") == 0 ? "false" : "true");
	else if (o->choices)
		snprintf(to, size, "%s", o->choices[o->otherwise && strcmp(o->choices[0], o->otherwise) == 0]);
	else
		snprintf(to, size, "%s", fitting_text(o));
}

/* What --print-config says with one more flag; the caller frees. */
static struct buf print_with(const char *flag)
{
	char program[] = "stoa-gateway", print[] = "--print-config", text[200];
	char *argv[] = { program, print, text, NULL };
	struct buf printed;

	snprintf(text, sizeof(text), "%s", flag);
	end_run();
	ck_assert_int_eq(config_read(&gateway_options_table, 3, argv, NULL, &got, &pairs, &message), CONFIG_PRINT);
	printed = message;
	message = BUF_INIT;
	return printed;
}

static struct buf print_from_file(struct slice text)
{
	char path[] = "/tmp/stoa-options-XXXXXX", flag[64];
	FILE *f = fdopen(mkstemp(path), "w");
	struct buf printed;

	ck_assert_uint_eq(fwrite(text.at, 1, text.size, f), text.size);
	fclose(f);
	snprintf(flag, sizeof(flag), "--config=%s", path);
	printed = print_with(flag);
	unlink(path);
	return printed;
}

START_TEST(row_prints_and_reads_back)
{
	const struct config_option *o = row(_i);
	struct buf defaults = print_with("--config="), first, again;
	char value[100], flag[160];

	another_value(o, value, sizeof(value));
	write_flag(o, value, flag, sizeof(flag));
	first = print_with(flag);
	again = print_from_file(buf_slice(&first));
	ck_assert(!slice_equal(buf_slice(&first), buf_slice(&defaults)));
	if (o->secret) /* and so it cannot be read back either */
		ck_assert_ptr_null(memmem(first.at, first.size, value, strlen(value)));
	else
		ck_assert(slice_equal(buf_slice(&first), buf_slice(&again)));
	buf_fini(&defaults);
	buf_fini(&first);
	buf_fini(&again);
}
END_TEST

START_TEST(row_is_read_from_the_environment)
{
	const struct config_option *o = row(_i);
	char program[] = "stoa-gateway", variable[200] = "STOA_", value[100];
	char *argv[] = { program, NULL }, *env[] = { variable, NULL };
	size_t n = 5;

	another_value(o, value, sizeof(value));
	for (const char *c = o->name; *c; c++)
		variable[n++] = (char)toupper((unsigned char)*c);
	snprintf(variable + n, sizeof(variable) - n, "=%s", value);
	end_run();
	ck_assert_int_eq(config_read(&gateway_options_table, 1, argv, env, &got, &pairs, &message), CONFIG_RUN);
	if (strncmp(o->name, "app_", 4) == 0) { /* STOA_APP_ANYTHING is an application's option, but for this one */
		ck_assert_str_eq(got.app_name, value);
		ck_assert_uint_eq(pairs.count, 0);
		return;
	}
	snprintf(variable + n, sizeof(variable) - n, "X=%s", value);
	end_run();
	ck_assert_int_eq(config_read(&gateway_options_table, 1, argv, env, &got, &pairs, &message), CONFIG_ERROR);
	buf_add_char(&message, '\0');
	snprintf(value, sizeof(value), "did you mean %s?", o->name);
	ck_assert_msg(strstr(message.at, value), "%s", message.at);
}
END_TEST

START_TEST(row_is_in_help_and_reference)
{
	struct buf reference = BUF_INIT;
	char cell[80];

	config_reference(&gateway_options_table, &reference);
	buf_add_char(&reference, '\0');
	run("--help");
	ck_assert_ptr_nonnull(strstr(message.at, row(_i)->group ? row(_i)->group : "--"));
	snprintf(cell, sizeof(cell), "| `%s` |", row(_i)->name);
	ck_assert_ptr_nonnull(strstr(reference.at, cell));
	buf_fini(&reference);
}
END_TEST

START_TEST(help_fits_the_terminal)
{
	char *rest = NULL;

	run("--help");
	for (char *line = strtok_r(message.at, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		ck_assert_msg(strlen(line) <= 100, "too wide: %s", line);
}
END_TEST

/* ---- Values that only the gateway's table judges ---- */

static const char *const good[] = {
	"--listen=:5000",
	"--listen=0.0.0.0:0",
	"--listen=[::]:65535",
	"--listen=chat.example:80",
	"--listen=",
	"--internal-listen=127.0.0.1:9000",
	"--path=/",
	"--path=/chat/socket.io/",
	"--resource=socket.io",
	"--socketio-path=socket.io",
	"--cors-allowed-origins=*",
	"--cors-allowed-origins=",
	"--cors-allowed-origins=null",
	"--cors-allowed-origins=https://a.example, http://localhost:3000,https://*.example.com,capacitor://localhost",
	"--pingInterval=25000",
	"--pingTimeout=20000",
	"--connectTimeout=45000",
	"--upgradeTimeout=10000",
	"--maxHttpBufferSize=1000000",
	"--allowUpgrades=false",
	"--no-allowUpgrades",
	"--serveClient=false",
	"--transports=websocket",
};

START_TEST(good_value)
{
	run_well(good[_i]);
}
END_TEST

#define BAD_ADDRESS "is not an address; write HOST:PORT, [IPV6]:PORT or :PORT"
#define BAD_PATH    "is not a path; write it like /socket.io, without ?, # and %"
#define BAD_ORIGIN  "is not an origin; write it like https://example.com:8443, without a path or slash behind, or *"

static const struct {
	const char *flag, *wrong;
} bad[] = {
	{ "--listen=5000", BAD_ADDRESS },
	{ "--listen=localhost", BAD_ADDRESS },
	{ "--listen=localhost:", BAD_ADDRESS },
	{ "--listen=localhost:http", BAD_ADDRESS },
	{ "--listen=localhost:65536", BAD_ADDRESS },
	{ "--listen=localhost:000080", BAD_ADDRESS },
	{ "--listen=::1:5000", BAD_ADDRESS },
	{ "--listen=[]:5000", BAD_ADDRESS },
	{ "--listen=[::1:5000", BAD_ADDRESS },
	{ "--listen=http://localhost:5000", BAD_ADDRESS },
	{ "--path=socket.io", BAD_PATH },
	{ "--path=/a?b", BAD_PATH },
	{ "--path=/a b", BAD_PATH },
	{ "--cors-allowed-origins=https://a.example/", BAD_ORIGIN },
	{ "--cors-allowed-origins=a.example", BAD_ORIGIN },
	{ "--cors-allowed-origins=https://", BAD_ORIGIN },
	{ "--cors-allowed-origins=://a", BAD_ORIGIN },
	{ "--transports=webtransport", "is not one of polling, websocket" },
	{ "--transports=", "has the wrong number of items; it takes 1 to 2" },
	{ "--ping_interval=25", "has no unit; write it like 300ms, 25s, 10m or 2h" },
	{ "--max_http_buffer_size=1000000", "has no unit; write it like 512B, 64KB, 1MB or 1MiB" },
};

START_TEST(bad_value)
{
	const char *found;

	ck_assert_int_eq(run(bad[_i].flag), CONFIG_ERROR);
	found = strstr(message.at, bad[_i].wrong);
	ck_assert_msg(found && strcmp(found, bad[_i].wrong) == 0, "%s", message.at);
}
END_TEST

#define COUNT(table_) (int)(sizeof(table_) / sizeof((table_)[0]))

Suite *suite(void)
{
	Suite *s = suite_create("gateway-options");
	TCase *t = tcase_create("gateway-options");
	int rows = count_rows();

	tcase_add_checked_fixture(t, NULL, end_run);
	tcase_add_test(t, shipped_defaults);
	tcase_add_loop_test(t, shipped_number, 0, NUMBERS);
	tcase_add_loop_test(t, log_levels_are_the_logs, 0, 4);
	tcase_add_loop_test(t, row_is_complete, 0, rows);
	tcase_add_loop_test(t, row_is_alone_with_its_names_and_field, 0, rows);
	tcase_add_loop_test(t, range_holds_at_both_ends, 0, rows);
	tcase_add_loop_test(t, row_prints_and_reads_back, 0, rows);
	tcase_add_loop_test(t, row_is_read_from_the_environment, 0, rows);
	tcase_add_loop_test(t, row_is_in_help_and_reference, 0, rows);
	tcase_add_test(t, help_fits_the_terminal);
	tcase_add_loop_test(t, good_value, 0, COUNT(good));
	tcase_add_loop_test(t, bad_value, 0, COUNT(bad));
	suite_add_tcase(s, t);
	return s;
}
