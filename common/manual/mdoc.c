/* mdoc.c - text for mdoc(7); see manual.h. */
#include <string.h>

#include "manual.h"

#define PAGES_DATE "November 21, 2026" /* when the words of these pages, beside the tables', were last changed */

void mdoc_add(struct buf *to, const char *text)
{
	for (; *text; text++) {
		if (*text == '\\')
			buf_add_str(to, "\\e");
		else if (*text == '-')
			buf_add_str(to, "\\-");
		else
			buf_add_char(to, *text);
	}
}

void mdoc_text(struct buf *to, const char *text, bool full_stop)
{
	if (*text == '.' || *text == '\'')
		buf_add_str(to, "\\&");
	mdoc_add(to, text);
	buf_add_str(to, full_stop ? ".\n" : "\n");
}

void mdoc_head(struct buf *to, const char *name, int section, const char *summary)
{
	buf_printf(to, ".\\\" Written from the program's own tables.\n.Dd " PAGES_DATE "\n.Dt %s %d\n.Os Stoa %s\n",
		name, section, STOA_VERSION);
	buf_printf(to, ".Sh NAME\n.Nm %s\n.Nd ", name);
	mdoc_text(to, summary, false);
}

void mdoc_exit(struct buf *to, const char *code, const char *meaning)
{
	buf_printf(to, ".It %s\n", code);
	mdoc_text(to, meaning, true);
}
