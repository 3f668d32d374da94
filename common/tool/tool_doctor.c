/* tool_doctor.c - what the doctor finds, as a list or as JSON. See tool.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "doctor.h"
#include "json.h"
#include "tool.h"
#include "utf8.h"

static const struct {
	const char *json, *plain, *colored;
} words[DOCTOR_RESULTS] = {
	[DOCTOR_OK] = { "ok", "ok  ", "\033[32mok  \033[0m" },
	[DOCTOR_WARN] = { "warn", "warn", "\033[33mwarn\033[0m" },
	[DOCTOR_FAIL] = { "fail", "FAIL", "\033[31mFAIL\033[0m" },
	[DOCTOR_SKIP] = { "skip", "skip", "\033[2mskip\033[0m" },
};

struct showing {
	const struct tool_args *args;
	struct buf json;
	bool colored, progress, waits;
};

static void clear_progress(struct showing *s)
{
	if (s->waits)
		fputs("\r\033[K", stderr);
	s->waits = false;
}

static void on_wait(void *to, const char *what, int64_t seconds, int64_t of_seconds)
{
	struct showing *s = to;

	if (!s->progress)
		return;
	fprintf(stderr, "\r      %s: %" PRId64 " of %" PRId64 " s", what, seconds, of_seconds);
	s->waits = true;
}

static void add_text(struct buf *to, const char *name, struct slice text)
{
	struct buf mended = BUF_INIT;

	utf8_mend(&mended, text);
	buf_printf(to, ",\"%s\":", name);
	if (json_encode_text(to, buf_slice(&mended)) < 0)
		buf_add_str(to, "null");
	buf_fini(&mended);
}

static void add_json(struct buf *to, const struct doctor_finding *f)
{
	buf_printf(to, "%s{\"result\":\"%s\"", to->size ? "," : "", words[f->result].json);
	add_text(to, "check", slice_str(f->check));
	add_text(to, "seen", f->seen);
	if (f->advice.size)
		add_text(to, "advice", f->advice);
	buf_add_char(to, '}');
}

static void print_lines(struct slice text)
{
	while (text.size) {
		struct slice line = slice_first(text, slice_find(text, '\n'));

		text = slice_from(text, line.size < text.size ? line.size + 1 : line.size);
		fputs("      -> ", stdout);
		tool_print(line);
		putchar('\n');
	}
}

static void on_found(void *to, const struct doctor_finding *f)
{
	struct showing *s = to;

	clear_progress(s);
	if (s->args->json) {
		add_json(&s->json, f);
		return;
	}
	printf("%s  %s: ", s->colored ? words[f->result].colored : words[f->result].plain, f->check);
	tool_print(f->seen);
	putchar('\n');
	print_lines(f->advice);
	fflush(stdout);
}

static bool is_json(const char *text)
{
	static const struct json_rules rules = { .max_depth = 64, .blobs = JSON_NO_BLOBS };
	unsigned flags;
	const char *why = text ? json_check(slice_str(text), &rules, &flags) : NULL;

	if (why)
		tool_complain("--auth %s: %s", text, why);
	return why == NULL;
}

static enum tool_exit conclude(struct showing *s, const size_t counts[DOCTOR_RESULTS])
{
	if (s->args->json) {
		fputs("{\"checks\":[", stdout);
		tool_write(buf_slice(&s->json));
		printf("],\"ok\":%zu,\"warnings\":%zu,\"failures\":%zu,\"skipped\":%zu}\n", counts[DOCTOR_OK],
			counts[DOCTOR_WARN], counts[DOCTOR_FAIL], counts[DOCTOR_SKIP]);
	} else if (counts[DOCTOR_FAIL] || counts[DOCTOR_WARN]) {
		printf("%zu wrong, %zu warning%s\n", counts[DOCTOR_FAIL], counts[DOCTOR_WARN],
			counts[DOCTOR_WARN] == 1 ? "" : "s");
	} else {
		puts("all is well");
	}
	if (counts[DOCTOR_FAIL])
		return TOOL_FAILED;
	return counts[DOCTOR_WARN] ? TOOL_PARTIAL : TOOL_DONE;
}

enum tool_exit tool_doctor(const struct tool_args *a)
{
	struct showing s = { .args = a,
		.json = BUF_INIT,
		.colored = isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL,
		.progress = isatty(STDERR_FILENO) };
	struct doctor_config config = { .url = a->words.at[0],
		.namespace = a->namespace,
		.auth = a->auth,
		.ca_file = a->ca_file,
		.timeout_ms = a->timeout_ms,
		.quick = a->quick,
		.found = on_found,
		.waits = on_wait,
		.to = &s };
	size_t counts[DOCTOR_RESULTS];
	enum tool_exit status = TOOL_USAGE;
	char why[400];

	if (!is_json(a->auth))
		return status;
	if (doctor_run(&config, counts, why, sizeof(why)))
		status = conclude(&s, counts);
	else
		tool_complain("%s", why);
	buf_fini(&s.json);
	return status;
}
