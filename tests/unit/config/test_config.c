/*
 * test_config.c - every source, which one wins, and every sentence that config_read() says, on a table of one row per
 * type. What belongs to the gateway's own table is in test_gateway_options.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config.h"
#include "test_main.h"

struct sample {
	bool on;
	int64_t number, wait_ms, room;
	char *text;
	struct config_list words, kinds;
	int level;
};

static const char *const levels[] = { "low", "high", NULL };
static const char *const kinds[] = { "red", "green", "blue", NULL };

static const char *check_text(const char *text)
{
	return text[0] == '!' ? "begins with !" : NULL;
}

#define AT(field) .offset = offsetof(struct sample, field)

static const struct config_option rows[] = {
	{ "on", CONFIG_BOOL, AT(on), .otherwise = "false", .help = "Switches", .group = "First" },
	{ "number", CONFIG_INT, AT(number), .otherwise = "5", .min = -10, .max = 10, .value = "NUMBER",
		.help = "Counts" },
	{ "wait_time", CONFIG_DURATION, AT(wait_ms), .otherwise = "25s", .min = 1, .max = 60000, .value = "DURATION",
		.help = "Waits", .aliases = { { "waitTime", ALIAS_MS }, { "wait_seconds", ALIAS_SECONDS } } },
	{ "room", CONFIG_SIZE, AT(room), .otherwise = "1MB", .min = 10, .max = 2000000, .value = "SIZE",
		.help = "Holds", .aliases = { { "roomBytes", ALIAS_BYTES } } },
	{ "text", CONFIG_TEXT, AT(text), .check = check_text, .value = "TEXT", .help = "Says", .group = "Second",
		.aliases = { { "textPath", ALIAS_PATH } } },
	{ "words", CONFIG_LIST, AT(words), .value = "LIST", .help = "Says more" },
	{ "kinds", CONFIG_LIST, AT(kinds), .otherwise = "red, green", .min = 1, .max = 2, .choices = kinds,
		.value = "LIST", .help = "Chooses several" },
	{ "level", CONFIG_CHOICE, AT(level), .otherwise = "high", .choices = levels, .value = "LEVEL",
		.help = "Chooses one" },
	{ 0 },
};

static const struct config_table table = { "sampler", "sampler", "an example", rows };

/* ---- One run ---- */

enum { WORDS = 16 };

static struct sample got;
static struct config_pairs pairs;
static struct buf message;
static char file_path[] = "/tmp/stoa-config-XXXXXX";

static void write_config(const char *text, size_t size)
{
	FILE *f;

	strcpy(file_path + sizeof(file_path) - 7, "XXXXXX");
	f = fdopen(mkstemp(file_path), "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(text, 1, size, f), size);
	fclose(f);
}

static void end_run(void)
{
	config_free(&table, &got, &pairs);
	buf_fini(&message);
	ck_assert_ptr_null(got.text);
	ck_assert_ptr_null(got.words.at);
	ck_assert_uint_eq(pairs.count, 0);
	got = (struct sample){ 0 };
	unlink(file_path);
}

/* Splits "a b c" at blanks into `to`, from index `n` on; ~ stands for a blank. */
static int split(char *words, char **to, int n)
{
	char *rest = NULL;

	for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		for (char *c = word; *c; c++)
			*c = (char)(*c == '~' ? ' ' : *c);
		ck_assert_int_lt(n, WORDS - 1);
		to[n++] = word;
	}
	to[n] = NULL;
	return n;
}

/* The file's text, variables and flags; each may be NULL. Ends the run before it. */
static enum config_action run(const char *file, const char *environment, const char *flags)
{
	char program[] = "sampler", config[64], env_text[400], flag_text[400];
	char *argv[WORDS] = { program, config }, *env[WORDS];
	int argc = 1;
	enum config_action action;

	end_run();
	if (file) {
		write_config(file, strlen(file));
		snprintf(config, sizeof(config), "--config=%s", file_path);
		argc = 2;
	}
	snprintf(env_text, sizeof(env_text), "%s", environment ? environment : "");
	snprintf(flag_text, sizeof(flag_text), "%s", flags ? flags : "");
	split(env_text, env, 0);
	argc = split(flag_text, argv, argc);
	action = config_read(&table, argc, argv, env, &got, &pairs, &message);
	buf_add_char(&message, '\0');
	return action;
}

static void run_well(const char *file, const char *environment, const char *flags)
{
	enum config_action action = run(file, environment, flags);

	ck_assert_msg(action == CONFIG_RUN, "%s", message.at);
	ck_assert_str_eq(message.at, "");
}

static void check_list(const struct config_list *list, const char *joined)
{
	char text[200] = "";

	for (size_t i = 0; i < list->count; i++) {
		strcat(text, i ? "|" : "");
		strcat(text, list->at[i]);
	}
	ck_assert_str_eq(text, joined);
	ck_assert_msg(list->at == NULL || list->at[list->count] == NULL, "no end");
}

static const char *pair(const char *name)
{
	for (size_t i = 0; i < pairs.count; i++)
		if (strcmp(pairs.at[i].name, name) == 0)
			return pairs.at[i].value;
	return NULL;
}

/* ---- Sources ---- */

START_TEST(defaults_hold)
{
	run_well(NULL, NULL, NULL);
	ck_assert(!got.on);
	ck_assert_int_eq(got.number, 5);
	ck_assert_int_eq(got.wait_ms, 25000);
	ck_assert_int_eq(got.room, 1000000);
	ck_assert_ptr_null(got.text);
	ck_assert(!got.words.set);
	ck_assert(got.kinds.set);
	check_list(&got.kinds, "red|green");
	ck_assert_int_eq(got.level, 1);
}
END_TEST

START_TEST(every_type_comes_from_a_file)
{
	run_well("# a comment\n; another\n\n"
		 "on = yes\nnumber=-3\n[sampler]\r\n  wait_time = 300ms ; why\n\troom : 64KB\r\n"
		 "text = a b=c;d \nwords = x, y y ,z\nkinds = blue\nlevel = low",
		NULL, NULL);
	ck_assert(got.on);
	ck_assert_int_eq(got.number, -3);
	ck_assert_int_eq(got.wait_ms, 300);
	ck_assert_int_eq(got.room, 64000);
	ck_assert_str_eq(got.text, "a b=c;d");
	check_list(&got.words, "x|y y|z");
	check_list(&got.kinds, "blue");
	ck_assert_int_eq(got.level, 0);
}
END_TEST

START_TEST(every_type_comes_from_the_environment)
{
	run_well(NULL,
		"STOA_ON=1 STOA_NUMBER=7 STOA_WAIT_TIME=1m STOA_ROOM=1MiB STOA_TEXT=hi STOA_WORDS=x,y STOA_LEVEL=low",
		NULL);
	ck_assert(got.on);
	ck_assert_int_eq(got.number, 7);
	ck_assert_int_eq(got.wait_ms, 60000);
	ck_assert_int_eq(got.room, 1048576);
	ck_assert_str_eq(got.text, "hi");
	check_list(&got.words, "x|y");
	ck_assert_int_eq(got.level, 0);
}
END_TEST

START_TEST(every_type_comes_from_flags)
{
	run_well(NULL, NULL, "--on --number -7 --wait-time=1s --room 10B --text=a=b --words=x,y");
	ck_assert(got.on);
	ck_assert_int_eq(got.number, -7);
	ck_assert_int_eq(got.wait_ms, 1000);
	ck_assert_int_eq(got.room, 10);
	ck_assert_str_eq(got.text, "a=b");
	check_list(&got.words, "x|y");
	run_well(NULL, NULL, "--kinds green --level low --wait_time 2s");
	check_list(&got.kinds, "green");
	ck_assert_int_eq(got.level, 0);
	ck_assert_int_eq(got.wait_ms, 2000);
}
END_TEST

START_TEST(later_sources_win)
{
	run_well("number = 1\nnumber = 2\n", NULL, NULL);
	ck_assert_int_eq(got.number, 2);
	run_well("number = 1\n", "STOA_NUMBER=3", NULL);
	ck_assert_int_eq(got.number, 3);
	run_well("number = 1\n", "STOA_NUMBER=3", "--number 4");
	ck_assert_int_eq(got.number, 4);
	run_well("number = 1\n", NULL, "--number 4 --number 6");
	ck_assert_int_eq(got.number, 6);
	run_well("words = a\nkinds = blue\n", "STOA_WORDS=b", "--kinds green");
	check_list(&got.words, "b");
	check_list(&got.kinds, "green");
}
END_TEST

START_TEST(lines_of_one_list_add_up)
{
	run_well("words = a, b\nnumber = 1\nwords = c\nkinds = blue\nkinds = red\n", NULL, NULL);
	check_list(&got.words, "a|b|c");
	check_list(&got.kinds, "blue|red");
	run_well("words =\nwords = a\n", NULL, NULL);
	check_list(&got.words, "a");
}
END_TEST

START_TEST(empty_differs_by_source)
{
	run_well("text = a\nwords = a\n", "STOA_TEXT= STOA_WORDS= STOA_NUMBER=", NULL);
	ck_assert_str_eq(got.text, "a");
	check_list(&got.words, "a");
	run_well("text = a\nwords = a\n", NULL, "--text= --words=");
	ck_assert_ptr_null(got.text);
	ck_assert(got.words.set);
	ck_assert_uint_eq(got.words.count, 0);
	run_well("words =\n", NULL, NULL);
	ck_assert(got.words.set);
	ck_assert_uint_eq(got.words.count, 0);
}
END_TEST

static const struct {
	const char *flags;
	bool on;
} booleans[] = {
	{ "--on", true },
	{ "--on=true", true },
	{ "--on true", true },
	{ "--on=YES", true },
	{ "--on=On", true },
	{ "--on=1", true },
	{ "--on --on=false", false },
	{ "--on --on no", false },
	{ "--on --on=off", false },
	{ "--on --on=0", false },
	{ "--on --no-on", false },
	{ "--no-on --on", true },
	{ "--on --number 1", true },
};

START_TEST(boolean_flags)
{
	run_well(NULL, NULL, booleans[_i].flags);
	ck_assert_int_eq(got.on, booleans[_i].on);
}
END_TEST

START_TEST(bounds_are_inside)
{
	run_well(NULL, NULL, "--number=-10 --wait-time 1ms --room 10B");
	ck_assert_int_eq(got.number, -10);
	run_well(NULL, NULL, "--number=10 --wait-time 1m --room 2MB --kinds red,blue");
	ck_assert_int_eq(got.number, 10);
	ck_assert_int_eq(got.wait_ms, 60000);
	ck_assert_int_eq(got.room, 2000000);
}
END_TEST

/* ---- Aliases ---- */

static const struct {
	const char *file, *environment, *flags;
	int64_t wait_ms;
} aliases[] = {
	{ "waitTime = 500\n", NULL, NULL, 500 },
	{ "waitTime = 2s\n", NULL, NULL, 2000 },
	{ NULL, NULL, "--waitTime 500", 500 },
	{ NULL, NULL, "--waitTime=1500ms", 1500 },
	{ "wait_seconds = 3\n", NULL, NULL, 3000 },
	{ NULL, "STOA_WAIT_SECONDS=3", NULL, 3000 },
	{ NULL, NULL, "--wait-seconds 3", 3000 },
	{ "wait_time = 1s\nwaitTime = 5\n", NULL, NULL, 5 },
	{ NULL, "STOA_WAIT_TIME=4s", "--waitTime 5", 5 },
};

START_TEST(alias_has_its_unit)
{
	run_well(aliases[_i].file, aliases[_i].environment, aliases[_i].flags);
	ck_assert_int_eq(got.wait_ms, aliases[_i].wait_ms);
}
END_TEST

START_TEST(alias_of_bytes_and_of_a_path)
{
	run_well("roomBytes = 1000000\ntextPath = a/b\n", NULL, NULL);
	ck_assert_int_eq(got.room, 1000000);
	ck_assert_str_eq(got.text, "/a/b");
	run_well(NULL, NULL, "--textPath /a");
	ck_assert_str_eq(got.text, "/a");
	run_well(NULL, NULL, "--textPath=");
	ck_assert_ptr_null(got.text);
}
END_TEST

/* ---- The application's pairs ---- */

START_TEST(pairs_come_from_every_source)
{
	run_well("[app]\ngreeting = hi there\na.b-c = 1\n[sampler]\nnumber = 1\n",
		"STOA_APP_GREETING=servus STOA_APP_LOUD=yes STOA_APP_NOTHING=",
		"--set loud=no --set=x=a=b --set empty=");
	ck_assert_uint_eq(pairs.count, 5);
	ck_assert_str_eq(pair("greeting"), "servus");
	ck_assert_str_eq(pair("a.b-c"), "1");
	ck_assert_str_eq(pair("loud"), "no");
	ck_assert_str_eq(pair("x"), "a=b");
	ck_assert_str_eq(pair("empty"), "");
	ck_assert_int_eq(got.number, 1);
}
END_TEST

/* ---- Where the file's name comes from ---- */

START_TEST(environment_names_the_file)
{
	char variable[64], program[] = "sampler", flag[] = "--config=";
	char *env[] = { variable, NULL }, *argv[] = { program, flag, NULL };

	write_config("number = 9\n", strlen("number = 9\n"));
	snprintf(variable, sizeof(variable), "STOA_CONFIG=%s", file_path);
	ck_assert_int_eq(config_read(&table, 1, argv, env, &got, &pairs, &message), CONFIG_RUN);
	ck_assert_int_eq(got.number, 9);
	ck_assert_int_eq(config_read(&table, 2, argv, env, &got, &pairs, &message), CONFIG_RUN);
	ck_assert_int_eq(got.number, 5);
}
END_TEST

START_TEST(others_variables_are_left_alone)
{
	run_well(NULL, "STOAX=1 PATH=/bin STOA_DEPS=x STOA_LWS_ROOT=y STOA_CONFIG= STOA_UNKNOWN=", NULL);
	run_well(NULL,
		"STOA_SERVICE_HOST=10.0.0.1 STOA_SERVICE_PORT=80 STOA_SERVICE_PORT_HTTP=80 STOA_PORT=tcp://10.0.0.1:80 "
		"STOA_PORT_80_TCP=tcp://10.0.0.1:80 STOA_PORT_80_TCP_PROTO=tcp STOA_WEB_SERVICE_HOST=10.0.0.2",
		NULL);
}
END_TEST

/* ---- Errors ---- */

#define FORM_BOOL "is not a boolean; write true or false"

/* In messages @ stands for the file's path. */
static const struct {
	const char *file, *environment, *flags, *message;
} refused[] = {
	/* Values: every type, every place */
	{ "on = maybe\n", NULL, NULL, "@:1: on \"maybe\" " FORM_BOOL },
	{ NULL, "STOA_ON=2", NULL, "STOA_ON: on \"2\" " FORM_BOOL },
	{ NULL, NULL, "--on=", "--on: on \"\" " FORM_BOOL },
	{ "\n# x\nnumber = 1O\n", NULL, NULL, "@:3: number \"1O\" is not a whole number" },
	{ "number =\n", NULL, NULL, "@:1: number \"\" is not a whole number" },
	{ NULL, NULL, "--number=1-1", "--number: number \"1-1\" is not a whole number" },
	{ NULL, NULL, "--number=-", "--number: number \"-\" is not a whole number" },
	{ NULL, NULL, "--number=99999999999999999999", "--number: number \"99999999999999999999\" is too large" },
	{ NULL, NULL, "--number 11", "--number: number \"11\" is out of range; it goes from -10 to 10" },
	{ NULL, NULL, "--number -11", "--number: number \"-11\" is out of range; it goes from -10 to 10" },
	{ NULL, "STOA_WAIT_TIME=25", NULL,
		"STOA_WAIT_TIME: wait_time \"25\" has no unit; write it like 300ms, 25s, 10m or 2h" },
	{ NULL, NULL, "--wait-time 0ms", "--wait-time: wait_time \"0ms\" is out of range; it goes from 1ms to 1m" },
	{ NULL, NULL, "--wait-time 60001ms",
		"--wait-time: wait_time \"60001ms\" is out of range; it goes from 1ms to 1m" },
	{ NULL, NULL, "--waitTime 60001", "--waitTime: wait_time \"60001ms\" is out of range; it goes from 1ms to 1m" },
	{ NULL, NULL, "--waitTime=1.5",
		"--waitTime: wait_time \"1.5\" has a fraction; write whole numbers, as in 1500ms" },
	{ NULL, NULL, "--room 9B", "--room: room \"9B\" is out of range; it goes from 10B to 2MB" },
	{ NULL, NULL, "--room 2000001B", "--room: room \"2000001B\" is out of range; it goes from 10B to 2MB" },
	{ NULL, NULL, "--room 1000", "--room: room \"1000\" has no unit; write it like 512B, 64KB, 1MB or 1MiB" },
	{ NULL, NULL, "--text=!a", "--text: text \"!a\" begins with !" },
	{ NULL, NULL, "--level mid", "--level: level \"mid\" is not one of low, high" },
	{ "words = a,,b\n", NULL, NULL, "@:1: words \"a,,b\" has an empty item" },
	{ NULL, NULL, "--words=a,", "--words: words \"a,\" has an empty item" },
	{ NULL, NULL, "--kinds red,pink", "--kinds: kinds \"pink\" is not one of red, green, blue" },
	{ NULL, NULL, "--kinds=", "--kinds: kinds \"\" has the wrong number of items; it takes 1 to 2" },
	{ NULL, NULL, "--kinds red,green,blue",
		"--kinds: kinds \"red,green,blue\" has the wrong number of items; it takes 1 to 2" },
	{ "kinds = red\nkinds = green\nkinds = blue\n", NULL, NULL,
		"@:3: kinds \"blue\" has the wrong number of items; it takes 1 to 2" },
	{ "text = !\a\x7f\n", NULL, NULL, "@:1: text \"!\\x07\\x7f\" begins with !" },
	{ NULL, NULL, "--level=aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffg",
		"--level: level \"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff..\" is not one of low, "
		"high" },

	/* Names */
	{ "nunber = 1\n", NULL, NULL, "@:1: unknown option nunber; did you mean number?" },
	{ "wait-time = 1s\n", NULL, NULL, "@:1: unknown option wait-time; did you mean wait_time?" },
	{ "waittime = 1s\n", NULL, NULL, "@:1: unknown option waittime; did you mean wait_time?" },
	{ "roomByte = 1\n", NULL, NULL, "@:1: unknown option roomByte; did you mean roomBytes?" },
	{ "zzzzzz = 1\n", NULL, NULL, "@:1: unknown option zzzzzz; --help lists all" },
	{ NULL, "STOA_WORD=1", NULL, "STOA_WORD: unknown option word; did you mean words?" },
	{ NULL, "STOA_WAITTIME=1", NULL, "STOA_WAITTIME: unknown option waittime; did you mean wait_time?" },
	{ NULL, "STOA_=1", NULL, "STOA_: unknown option ; --help lists all" },
	{ NULL, NULL, "--txt a", "--txt: unknown option txt; did you mean text?" },
	{ NULL, NULL, "--hlep", "--hlep: unknown option hlep; did you mean help?" },
	{ NULL, NULL, "--check", "--check: unknown option check; --help lists all" },
	{ NULL, NULL, "--check-confg", "--check-confg: unknown option check_confg; did you mean check_config?" },
	{ NULL, NULL, "--aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"--aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: unknown option "
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa..; --help lists all" },

	/* The command line's form */
	{ NULL, NULL, "chat.so",
		"command line: unexpected argument \"chat.so\"; options are written --name value, --help lists them" },
	{ NULL, NULL, "--on maybe",
		"command line: unexpected argument \"maybe\"; options are written --name value, --help lists them" },
	{ NULL, NULL, "-h",
		"command line: unexpected argument \"-h\"; options are written --name value, --help lists them" },
	{ NULL, NULL, "--",
		"command line: unexpected argument \"--\"; options are written --name value, --help lists them" },
	{ NULL, NULL, "--=x",
		"command line: unexpected argument \"--=x\"; options are written --name value, --help lists them" },
	{ NULL, NULL, "--number", "--number: a value must follow" },
	{ NULL, NULL, "--text --on", "--text: a value must follow" },
	{ NULL, NULL, "--config", "--config: a value must follow" },
	{ NULL, NULL, "--set", "--set: a value must follow" },
	{ NULL, NULL, "--no-number", "--no-number: number is not a boolean" },
	{ NULL, NULL, "--no-on=true", "--no-on: it takes no value" },
	{ NULL, NULL, "--help=me", "--help: it takes no value" },
	{ NULL, NULL, "--no-onn", "--no-onn: unknown option no_onn; --help lists all" },

	/* Pairs */
	{ NULL, NULL, "--set greeting", "--set: \"greeting\" is not NAME=VALUE" },
	{ NULL, NULL, "--set a~b=c",
		"--set: \"a b\" is not a name for an application's option; it takes letters, digits, _, - and ." },
	{ NULL, "STOA_APP_=1", NULL,
		"STOA_APP_: \"\" is not a name for an application's option; it takes letters, digits, _, - and ." },
	{ "[app]\na/b = 1\n", NULL, NULL,
		"@:2: \"a/b\" is not a name for an application's option; it takes letters, digits, _, - and ." },

	/* The file's form */
	{ "number\n", NULL, NULL, "@:1: the line is neither [section] nor name = value" },
	{ "number = 1\n[sampler\n", NULL, NULL, "@:2: the line is neither [section] nor name = value" },
	{ "[other]\nnumber = 1\n", NULL, NULL, "@:2: unknown section [other]; known are [sampler] and [app]" },
	{ "number = 1\nnumber = x\nnumber = y\n", NULL, NULL, "@:2: number \"x\" is not a whole number" },
	{ NULL, NULL, "--config /nonexistent", "--config: cannot read \"/nonexistent\": No such file or directory" },
	{ NULL, "STOA_CONFIG=/nonexistent", NULL,
		"STOA_CONFIG: cannot read \"/nonexistent\": No such file or directory" },
	{ NULL, NULL, "--config /tmp", "--config: cannot read \"/tmp\": Is a directory" },
};

static void check_message(const char *expected)
{
	char text[400];
	size_t n = 0;

	for (; *expected; expected++) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, *expected == '@' ? "%s" : "%.1s",
			*expected == '@' ? file_path : expected);
	}
	ck_assert_str_eq(message.at, text);
}

START_TEST(error_says_what_and_where)
{
	ck_assert_int_eq(run(refused[_i].file, refused[_i].environment, refused[_i].flags), CONFIG_ERROR);
	check_message(refused[_i].message);
}
END_TEST

/* Lines of every length around what fits, each holding the value whole or refused. */
START_TEST(no_line_is_cut_in_two)
{
	enum { MOST = 198, NAME = 7 };

	for (int size = MOST - 3; size <= MOST + 3; size++) {
		char line[300] = "text = ";

		memset(line + NAME, 'x', (size_t)(size - NAME));
		line[size] = '\n';
		if (run(line, NULL, NULL) == CONFIG_RUN) {
			ck_assert_int_le(size, MOST);
			ck_assert_uint_eq(strlen(got.text), (size_t)(size - NAME));
		} else {
			ck_assert_int_gt(size, MOST);
			check_message("@:1: the line is longer than 198 bytes or holds a zero byte");
		}
	}
}
END_TEST

START_TEST(a_zero_byte_is_refused)
{
	static const char text[] = "number = 1\0number\nlevel = low\n";
	char program[] = "sampler", flag[64];
	char *argv[] = { program, flag, NULL };

	write_config(text, sizeof(text) - 1);
	snprintf(flag, sizeof(flag), "--config=%s", file_path);
	ck_assert_int_eq(config_read(&table, 2, argv, NULL, &got, &pairs, &message), CONFIG_ERROR);
	buf_add_char(&message, '\0');
	check_message("@:1: the line is longer than 198 bytes or holds a zero byte");
}
END_TEST

/* ---- What the command line asks for ---- */

static const struct {
	const char *flags;
	enum config_action action;
} actions[] = {
	{ "--help", CONFIG_HELP },
	{ "--version", CONFIG_VERSION },
	{ "--health", CONFIG_HEALTH },
	{ "--check-config", CONFIG_CHECK },
	{ "--print-config", CONFIG_PRINT },
	{ "--help --nonsense", CONFIG_HELP },
	{ "--number x --help", CONFIG_HELP },
	{ "--version --nonsense", CONFIG_VERSION },
	{ "--nonsense --help", CONFIG_ERROR },
	{ "--check-config --number x", CONFIG_ERROR },
	{ "--print-config --number x", CONFIG_ERROR },
	{ "--health --number x", CONFIG_ERROR },
	{ "--health=1", CONFIG_ERROR },
	{ "--config /nonexistent --help", CONFIG_HELP },
};

START_TEST(action_is_told)
{
	ck_assert_int_eq(run(NULL, NULL, actions[_i].flags), actions[_i].action);
}
END_TEST

START_TEST(help_is_this_text)
{
	run(NULL, NULL, "--help");
	ck_assert_str_eq(message.at,
		"sampler: an example\n\n"
		"Usage: sampler [--OPTION VALUE]...\n\n"
		"Every option is also a line of the file (ping_interval = 25s) and a variable of the environment\n"
		"(STOA_PING_INTERVAL=25s). Flags win over the environment, the environment over the file.\n"
		"Durations are written 300ms, 25s, 10m or 2h; sizes 512B, 64KB, 1MB or 1MiB.\n\n"
		"First:\n"
		"  --[no-]on             Switches [false]\n"
		"  --number NUMBER       Counts [5]\n"
		"  --wait-time DURATION  Waits [25s]\n"
		"  --room SIZE           Holds [1MB]\n\n"
		"Second:\n"
		"  --text TEXT           Says\n"
		"  --words LIST          Says more\n"
		"  --kinds LIST          Chooses several: red, green, blue [red, green]\n"
		"  --level LEVEL         Chooses one: low, high [high]\n\n"
		"Other flags:\n"
		"  --config FILE         Read this file\n"
		"  --set NAME=VALUE      Set an option of the application's own; may be repeated\n"
		"  --check-config        Read the options, report what is wrong, and end\n"
		"  --print-config        Print the options that hold, as a file, and end\n"
		"  --health              Ask the one that runs with these options how it is, and end: 0 well, 1 not\n"
		"  --help                Print this and end\n"
		"  --version             Print the version and end\n");
}
END_TEST

START_TEST(print_is_this_text)
{
	run(NULL, NULL, "--print-config --set a=b --text=x --room=64KB");
	ck_assert_str_eq(message.at, "[sampler]\n"
				     "on = false\n"
				     "number = 5\n"
				     "wait_time = 25s\n"
				     "room = 64KB\n"
				     "text = x\n"
				     "# words is not set\n"
				     "kinds = red, green\n"
				     "level = high\n"
				     "\n[app]\n"
				     "a = b\n");
}
END_TEST

/* Prints, reads that as a file, prints again: nothing may have changed. */
static void check_reads_back(const char *flags)
{
	struct buf first = BUF_INIT;

	ck_assert_int_eq(run(NULL, NULL, flags), CONFIG_PRINT);
	first = message;
	message = BUF_INIT;
	ck_assert_int_eq(run(first.at, NULL, "--print-config"), CONFIG_PRINT);
	ck_assert_str_eq(message.at, first.at);
	buf_fini(&first);
}

START_TEST(print_reads_back)
{
	check_reads_back("--print-config");
	check_reads_back("--print-config --on --number -10 --wait-time 1ms --room 1234B --level low");
	check_reads_back("--print-config --text=a~b=;c;d#e --words=x,y~z,[q] --kinds blue --set q=a~b");
	check_reads_back("--print-config --text= --words= --set empty=");
}
END_TEST

START_TEST(long_list_is_printed_by_the_line)
{
	check_reads_back(
		"--print-config --words=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,"
		"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb,"
		"ccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc");
	ck_assert_uint_eq(got.words.count, 3);
	ck_assert_ptr_nonnull(strstr(message.at, "\nwords = ccc"));
}
END_TEST

START_TEST(what_a_file_cannot_hold_is_said)
{
	run(NULL, NULL, "--print-config --text=a~;b --set p=~x --set q=;y");
	ck_assert_ptr_nonnull(strstr(message.at, "\n# a file cannot hold this value of text: \"a ;b\"\n"));
	ck_assert_ptr_nonnull(strstr(message.at, "\n# a file cannot hold this value of p: \" x\"\n"));
	ck_assert_ptr_nonnull(strstr(message.at, "\n# a file cannot hold this value of q: \";y\"\n"));
}
END_TEST

/* Texts out of the file's own marks: each reads back as it was, or is said not to. */
START_TEST(any_text_prints_and_reads_back)
{
	static const char marks[] = "~;#=:[]\",a!\\";
	unsigned seed = (unsigned)_i + 1, held = 0;

	for (int i = 0; i < 300; i++) {
		char flags[80] = "--print-config --set p=";
		size_t n = strlen(flags), end = n + (size_t)(i % 9);

		while (n < end) {
			seed = seed * 1103515245 + 12345;
			flags[n++] = marks[(seed >> 16) % (sizeof(marks) - 1)];
		}
		run(NULL, NULL, flags);
		if (strstr(message.at, "cannot hold"))
			continue;
		check_reads_back(flags);
		held++;
	}
	ck_assert_uint_gt(held, 100);
}
END_TEST

START_TEST(freeing_nothing_is_fine)
{
	config_free(&table, &got, &pairs);
	config_free(&table, &got, &pairs);
}
END_TEST

#define COUNT(table_) (int)(sizeof(table_) / sizeof((table_)[0]))

Suite *suite(void)
{
	Suite *s = suite_create("config");
	TCase *t = tcase_create("config");

	tcase_add_checked_fixture(t, NULL, end_run);
	tcase_add_test(t, defaults_hold);
	tcase_add_test(t, every_type_comes_from_a_file);
	tcase_add_test(t, every_type_comes_from_the_environment);
	tcase_add_test(t, every_type_comes_from_flags);
	tcase_add_test(t, later_sources_win);
	tcase_add_test(t, lines_of_one_list_add_up);
	tcase_add_test(t, empty_differs_by_source);
	tcase_add_loop_test(t, boolean_flags, 0, COUNT(booleans));
	tcase_add_test(t, bounds_are_inside);
	tcase_add_loop_test(t, alias_has_its_unit, 0, COUNT(aliases));
	tcase_add_test(t, alias_of_bytes_and_of_a_path);
	tcase_add_test(t, pairs_come_from_every_source);
	tcase_add_test(t, environment_names_the_file);
	tcase_add_test(t, others_variables_are_left_alone);
	tcase_add_loop_test(t, error_says_what_and_where, 0, COUNT(refused));
	tcase_add_test(t, no_line_is_cut_in_two);
	tcase_add_test(t, a_zero_byte_is_refused);
	tcase_add_loop_test(t, action_is_told, 0, COUNT(actions));
	tcase_add_test(t, help_is_this_text);
	tcase_add_test(t, print_is_this_text);
	tcase_add_test(t, print_reads_back);
	tcase_add_loop_test(t, any_text_prints_and_reads_back, 0, 4);
	tcase_add_test(t, long_list_is_printed_by_the_line);
	tcase_add_test(t, what_a_file_cannot_hold_is_said);
	tcase_add_test(t, freeing_nothing_is_fine);
	suite_add_tcase(s, t);
	return s;
}
