/* script.c - see script.h. */
#include "script.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "rig.h"

enum { WORDS = 16 };

struct script {
	struct rig rig;
	bool open;
	const char *apps;
	const char *with[WORDS];
	size_t n_with;
	char kept[2048]; /* the words of `with` */
	size_t n_kept;
	char last[512]; /* the last text that was received */
	struct keepsake {
		char name[16], text[64];
	} keepsakes[4];
	size_t n_keepsakes;
	char *why;
	size_t why_size;
};

static bool fail(struct script *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool fail(struct script *s, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(s->why, s->why_size, format, args);
	va_end(args);
	return false;
}

/* '*' matches any run, also an empty one. */
static bool matches(const char *pattern, struct slice text)
{
	const char *star = NULL;
	size_t i = 0, back = 0;

	while (i < text.size) {
		if (*pattern == '*') {
			star = ++pattern;
			back = i;
		} else if (*pattern == text.at[i] && *pattern) {
			pattern++;
			i++;
		} else if (star) {
			pattern = star;
			i = ++back;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

static char *word(char **rest)
{
	char *w = *rest + strspn(*rest, " ");
	size_t n = strcspn(w, " ");

	*rest = w + n;
	if (**rest)
		*(*rest)++ = '\0';
	return n ? w : NULL;
}

static void add_words(struct script *s, char *rest, const char **to, size_t *n)
{
	char *w;

	while ((w = word(&rest)) && *n < WORDS - 1) {
		char *kept = s->kept + s->n_kept;

		s->n_kept += (size_t)snprintf(kept, sizeof(s->kept) - s->n_kept, "%s", w) + 1;
		to[(*n)++] = kept;
	}
}

/* " | " in a payload stands for the separator. */
static size_t separate(char *text)
{
	char *at;

	while ((at = strstr(text, " | "))) {
		at[0] = EIO_SEPARATOR;
		memmove(at + 1, at + 3, strlen(at + 3) + 1);
	}
	return strlen(text);
}

static size_t unhex(char *text)
{
	size_t n = 0;
	unsigned byte;

	for (; sscanf(text + 2 * n, "%2x", &byte) == 1; n++)
		text[n] = (char)byte;
	return n;
}

/* --- Lines about the rig ------------------------------------------------------------------------------------------ */

static bool do_with(struct script *s, char *rest)
{
	add_words(s, rest, s->with, &s->n_with);
	return true;
}

static bool do_app(struct script *s, char *rest)
{
	const char *options[WORDS] = { NULL };
	char path[1024];
	size_t n = 0;

	snprintf(path, sizeof(path), "%s/%s.so", s->apps, word(&rest));
	add_words(s, rest, options, &n);
	s->with[s->n_with] = NULL;
	s->open = rig_open(&s->rig, path, s->with, options) == 0;
	return s->open || fail(s, "%s", s->rig.error);
}

static bool do_pass(struct script *s, char *rest)
{
	int64_t ms;

	if (config_parse_duration(rest, &ms))
		return fail(s, "no duration: %s", rest);
	rig_pass(&s->rig, ms);
	return true;
}

static bool set_protocol(struct script *s, bool eio3, char *rest)
{
	struct session_handshake *as = &s->rig.as;
	char *w;

	*as = (struct session_handshake){ .eio3 = eio3 };
	while ((w = word(&rest))) {
		as->base64 |= strcmp(w, "base64") == 0;
		as->jsonp |= strcmp(w, "jsonp") == 0;
	}
	return true;
}

static bool do_eio3(struct script *s, char *rest)
{
	return set_protocol(s, true, rest);
}

static bool do_eio4(struct script *s, char *rest)
{
	return set_protocol(s, false, rest);
}

static bool do_sessions(struct script *s, char *rest)
{
	size_t n = sessions_count(&s->rig.sim.sessions);

	return n == strtoul(rest, NULL, 10) || fail(s, "%zu sessions are open", n);
}

/* keep NAME BEGIN */
static bool do_keep(struct script *s, char *rest)
{
	const char *name = word(&rest), *at = strstr(s->last, rest);
	struct keepsake *k = &s->keepsakes[s->n_keepsakes];

	if (at == NULL || s->n_keepsakes == sizeof(s->keepsakes) / sizeof(*s->keepsakes))
		return fail(s, "nothing to keep in %s", s->last);
	at += strlen(rest);
	snprintf(k->name, sizeof(k->name), "$%s", name);
	snprintf(k->text, sizeof(k->text), "%.*s", (int)strcspn(at, "\""), at);
	s->n_keepsakes++;
	return true;
}

static const struct {
	const char *verb;
	bool (*run)(struct script *s, char *rest);
} rig_verbs[] = { { "with", do_with }, { "app", do_app }, { "pass", do_pass }, { "sessions", do_sessions },
	{ "eio3", do_eio3 }, { "eio4", do_eio4 }, { "keep", do_keep } };

/* --- Lines about a client ----------------------------------------------------------------------------------------- */

static bool expect(struct script *s, struct rig_client *c, const char *pattern, size_t size, bool binary)
{
	struct sim_message *m = rig_take(c);
	bool ok;

	if (m == NULL)
		return fail(s, "%s received nothing", c->name);
	ok = m->binary == binary && (binary ? m->size == size && memcmp(m->data, pattern, size) == 0
					    : matches(pattern, slice_of(m->data, m->size)));
	ok |= m->binary && binary && strcmp(pattern, "*") == 0;
	if (!ok)
		fail(s, "%s received %s%s", c->name, m->binary ? "binary " : "", m->data);
	if (!m->binary)
		snprintf(s->last, sizeof(s->last), "%s", m->data);
	free(m);
	return ok;
}

static bool do_send(struct script *s, struct rig_client *c, char *rest)
{
	(void)s;
	rig_send(c, slice_str(rest));
	return true;
}

static bool do_send_binary(struct script *s, struct rig_client *c, char *rest)
{
	(void)s;
	rig_send_binary(c, slice_of(rest, unhex(rest)));
	return true;
}

static bool do_expect(struct script *s, struct rig_client *c, char *rest)
{
	return expect(s, c, rest, 0, false);
}

static bool do_expect_binary(struct script *s, struct rig_client *c, char *rest)
{
	return expect(s, c, rest, unhex(rest), true);
}

static bool do_get(struct script *s, struct rig_client *c, char *rest)
{
	bool refused = strcmp(rest, "refused") == 0;

	return rig_get(c) != refused || fail(s, "the GET was %s", refused ? "taken" : "refused");
}

static bool do_answer(struct script *s, struct rig_client *c, char *rest)
{
	struct sim_message *m = c->payload;
	bool ok;

	separate(rest);
	if (m == NULL)
		return fail(s, "%s has no answer", c->name);
	c->payload = NULL;
	ok = (!m->binary && matches(rest, slice_of(m->data, m->size))) ||
	     fail(s, "%s was answered %s%s", c->name, m->binary ? "octets " : "", m->data);
	free(m);
	return ok;
}

static bool do_answer_octets(struct script *s, struct rig_client *c, char *rest)
{
	size_t size = unhex(rest);
	struct sim_message *m = c->payload;
	bool ok;

	if (m == NULL)
		return fail(s, "%s has no answer", c->name);
	c->payload = NULL;
	ok = (m->binary && m->size == size && memcmp(m->data, rest, size) == 0) ||
	     fail(s, "%s was answered otherwise, %zu bytes", c->name, m->size);
	free(m);
	return ok;
}

static bool do_post_octets(struct script *s, struct rig_client *c, char *rest)
{
	return rig_post_octets(c, slice_of(rest, unhex(rest))) || fail(s, "the POST was refused");
}

static bool do_post(struct script *s, struct rig_client *c, char *rest)
{
	bool refused = strncmp(rest, "refused ", 8) == 0;
	char *body = refused ? rest + 8 : rest;

	return rig_post(c, slice_of(body, separate(body))) != refused ||
	       fail(s, "the POST was %s", refused ? "taken" : "refused");
}

static bool do_waits(struct script *s, struct rig_client *c, char *rest)
{
	(void)rest;
	if (c->polling)
		return (c->parked && c->payload == NULL) || fail(s, "%s's GET was answered", c->name);
	return c->ws.received == NULL || fail(s, "%s received %s", c->name, c->ws.received->data);
}

static bool do_closed(struct script *s, struct rig_client *c, char *rest)
{
	if (!c->ws.closed)
		return fail(s, "%s is open", c->name);
	return *rest == '\0' || c->ws.code == strtoul(rest, NULL, 10) || fail(s, "closed with %u", c->ws.code);
}

static bool do_open(struct script *s, struct rig_client *c, char *rest)
{
	(void)rest;
	return !c->ws.closed || fail(s, "%s is closed with %u", c->name, c->ws.code);
}

static bool do_gone(struct script *s, struct rig_client *c, char *rest)
{
	(void)s;
	(void)rest;
	rig_gone(c, false);
	return true;
}

static bool do_fails(struct script *s, struct rig_client *c, char *rest)
{
	(void)s;
	(void)rest;
	rig_gone(c, true);
	return true;
}

static bool do_sticks(struct script *s, struct rig_client *c, char *rest)
{
	(void)s;
	(void)rest;
	rig_stick(c, true);
	return true;
}

static bool do_flows(struct script *s, struct rig_client *c, char *rest)
{
	(void)s;
	(void)rest;
	rig_stick(c, false);
	return true;
}

static bool do_unknown(struct script *s, struct rig_client *c, char *rest)
{
	(void)rest;
	return sessions_find(&s->rig.sim.sessions, slice_str(c->sid)) == NULL || fail(s, "the session is known");
}

static const struct {
	const char *verb;
	bool (*run)(struct script *s, struct rig_client *c, char *rest);
} client_verbs[] = { { ">", do_send }, { ">b", do_send_binary }, { "<", do_expect }, { "<b", do_expect_binary },
	{ "get", do_get }, { "<<", do_answer }, { "<<b", do_answer_octets }, { "postb", do_post_octets },
	{ "post", do_post }, { "waits", do_waits }, { "closed", do_closed }, { "open", do_open }, { "gone", do_gone },
	{ "fails", do_fails }, { "sticks", do_sticks }, { "flows", do_flows }, { "unknown", do_unknown } };

/* Lines that make a client. */
static bool make(struct script *s, const char *name, const char *verb, char *rest, bool *known)
{
	struct rig_client *c;
	bool may = strcmp(verb, "upgrades") == 0;

	*known = true;
	if (strcmp(verb, "ws") == 0)
		return expect(s, rig_ws(&s->rig, name), "0{\"sid\":\"*\",\"upgrades\":[],*}", 0, false);
	if (strcmp(verb, "polling") == 0)
		return rig_polling(&s->rig, name) != NULL;
	if (may || (strcmp(verb, "may") == 0 && strcmp(word(&rest), "not") == 0 && word(&rest))) {
		c = rig_find(&s->rig, rest);
		return (c && rig_upgrade(c, name) == may) || fail(s, "the upgrade was %s", may ? "refused" : "begun");
	}
	*known = false;
	return false;
}

static bool run_line(struct script *s, char *line)
{
	char *rest = line, *first = word(&rest), *verb;
	struct rig_client *c;
	bool known, ok;

	for (size_t i = 0; i < sizeof(rig_verbs) / sizeof(rig_verbs[0]); i++)
		if (strcmp(first, rig_verbs[i].verb) == 0)
			return rig_verbs[i].run(s, rest);
	verb = word(&rest);
	if (!s->open || verb == NULL)
		return fail(s, "what is %s?", first);
	ok = make(s, first, verb, rest, &known);
	if (known)
		return ok;
	c = rig_find(&s->rig, first);
	for (size_t i = 0; c && i < sizeof(client_verbs) / sizeof(client_verbs[0]); i++)
		if (strcmp(verb, client_verbs[i].verb) == 0)
			return client_verbs[i].run(s, c, rest);
	return fail(s, "what is %s %s?", first, verb);
}

/* With what was kept in the places of its names. */
static bool run_filled(struct script *s, const char *line)
{
	struct buf filled = BUF_INIT;
	bool ok;

	while (*line) {
		size_t i = 0;

		while (i < s->n_keepsakes && strncmp(line, s->keepsakes[i].name, strlen(s->keepsakes[i].name)) != 0)
			i++;
		if (i < s->n_keepsakes) {
			buf_add_str(&filled, s->keepsakes[i].text);
			line += strlen(s->keepsakes[i].name);
		} else {
			buf_add_char(&filled, *line++);
		}
	}
	buf_add_char(&filled, '\0');
	ok = run_line(s, filled.at);
	buf_fini(&filled);
	return ok;
}

static int run_lines(struct script *s, char *text)
{
	int number = 1;

	for (char *line = text, *next; line; line = next, number++) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (line[strspn(line, " ")] == '\0' || *line == '#')
			continue;
		if (!run_filled(s, line))
			return number;
	}
	return 0;
}

int script_run(const char *text, const char *apps, char *why, size_t why_size)
{
	struct script *s = calloc(1, sizeof(*s));
	char *copy = strdup(text);
	int failed;

	s->apps = apps;
	s->why = why;
	s->why_size = why_size;
	failed = run_lines(s, copy);
	if (s->open)
		rig_close(&s->rig);
	free(copy);
	free(s);
	return failed;
}
