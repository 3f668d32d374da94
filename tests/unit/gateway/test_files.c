/* test_files.c - which file a path names, and what a browser has already: tables. */
#include "files.h"
#include "test_main.h"

static const struct {
	const char *path;
	const char *file; /* NULL: refused */
} paths[] = {
	{ "/", "" },
	{ "/index.html", "index.html" },
	{ "/a/b.js", "a/b.js" },
	{ "/a/", "a/" },
	{ "/a/b/", "a/b/" },
	{ "/a%20b.txt", "a b.txt" },
	{ "/%61", "a" },
	{ "/a%2Fb", "a/b" }, /* as safe as a/b */
	{ "/a+b", "a+b" },
	{ "/%25", "%" },
	{ "/%252e%252e/x", "%2e%2e/x" }, /* decoded once */
	{ "/caf%C3%A9", "caf\xc3\xa9" },
	{ "/a..b", "a..b" },
	{ "/a.", "a." },
	{ "/~root", "~root" },
	{ "/a:b", "a:b" },
	{ "/.well-known/acme-challenge/x", ".well-known/acme-challenge/x" },
	{ "/a/.well-known/x", NULL },
	{ "/.well-knownx/x", NULL },
	{ "/.well-known/.x", NULL },
	{ "", NULL },
	{ "a", NULL },
	{ "*", NULL },
	{ "//", NULL },
	{ "//a", NULL },
	{ "/a//b", NULL },
	{ "/a//", NULL },
	{ "/.", NULL },
	{ "/..", NULL },
	{ "/../a", NULL },
	{ "/a/..", NULL },
	{ "/a/../../b", NULL },
	{ "/./a", NULL },
	{ "/a/./b", NULL },
	{ "/.git/config", NULL },
	{ "/a/.htaccess", NULL },
	{ "/...", NULL },
	{ "/%2e%2e/a", NULL },
	{ "/%2E%2E%2Fa", NULL },
	{ "/..%2fa", NULL },
	{ "/a%2f..%2f..%2fb", NULL },
	{ "/a/%2e/b", NULL },
	{ "/%2fa", NULL },
	{ "/a%2f%2fb", NULL },
	{ "/a%00.html", NULL },
	{ "/%00", NULL },
	{ "/a\\b", NULL },
	{ "/..\\a", NULL },
	{ "/%5c..%5ca", NULL },
	{ "/a%0d%0aX:y", NULL },
	{ "/a%7f", NULL },
	{ "/%", NULL },
	{ "/%2", NULL },
	{ "/%zz", NULL },
	{ "/a%", NULL },
};

START_TEST(which_file)
{
	struct buf b = BUF_INIT;
	bool found = files_resolve(slice_str(paths[_i].path), &b);

	ck_assert_msg(found == (paths[_i].file != NULL), "%s", paths[_i].path);
	if (found) {
		ck_assert_str_eq(b.at, paths[_i].file);
		ck_assert_uint_eq(b.size, strlen(paths[_i].file) + 1);
	}
	buf_fini(&b);
}
END_TEST

static const struct {
	const char *header; /* NULL: none */
	bool match;
} tags[] = {
	{ NULL, false },
	{ "", false },
	{ "\"x\"", true },
	{ "W/\"x\"", true },
	{ "*", true },
	{ "\"a\", \"x\"", true },
	{ "\"a\",W/\"x\" , \"b\"", true },
	{ "  \"x\"\t", true },
	{ ",,\"x\"", true },
	{ "\"a\"", false },
	{ "x", false },
	{ "\"x", false },
	{ "w/\"x\"", false },
	{ "\"a,x\"", false },
	{ "\"xx\"", false },
};

START_TEST(what_the_browser_has)
{
	ck_assert_msg(files_etag_matches(slice_str(tags[_i].header), SLICE("\"x\"")) == tags[_i].match, "%s",
		tags[_i].header);
}
END_TEST

START_TEST(types)
{
	ck_assert_str_eq(files_type(SLICE("index.html")), "text/html; charset=utf-8");
	ck_assert_str_eq(files_type(SLICE("a/b.JS")), "application/javascript; charset=utf-8");
	ck_assert_str_eq(files_type(SLICE("a.min.js.map")), "application/json; charset=utf-8");
	ck_assert_str_eq(files_type(SLICE("a.woff2")), "font/woff2");
	ck_assert_str_eq(files_type(SLICE(".html")), "application/octet-stream");
	ck_assert_str_eq(files_type(SLICE("README")), "application/octet-stream");
	ck_assert_str_eq(files_type(SLICE("")), "application/octet-stream");
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("files");
	TCase *t = tcase_create("files");

	tcase_add_loop_test(t, which_file, 0, sizeof(paths) / sizeof(paths[0]));
	tcase_add_loop_test(t, what_the_browser_has, 0, sizeof(tags) / sizeof(tags[0]));
	tcase_add_test(t, types);
	suite_add_tcase(s, t);
	return s;
}
