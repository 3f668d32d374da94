/* test_http_encoding.c - Accept-Encoding and dates: tables. */
#include "http_encoding.h"

#include <stdio.h>

#include "test_main.h"

enum { ALL = HTTP_BR | HTTP_GZIP | HTTP_DEFLATE, POLLING = HTTP_GZIP | HTTP_DEFLATE };

static const struct {
	const char *accepts; /* NULL: no header */
	enum http_encoding of_all, of_polling;
} choices[] = {
	{ NULL, HTTP_IDENTITY, HTTP_IDENTITY },
	{ "", HTTP_IDENTITY, HTTP_IDENTITY },
	{ "gzip", HTTP_GZIP, HTTP_GZIP },
	{ "GZip", HTTP_GZIP, HTTP_GZIP },
	{ "deflate", HTTP_DEFLATE, HTTP_DEFLATE },
	{ "deflate, gzip", HTTP_GZIP, HTTP_GZIP }, /* among equals our order decides */
	{ "gzip, deflate, br, zstd", HTTP_BR, HTTP_GZIP },
	{ "br", HTTP_BR, HTTP_IDENTITY },
	{ "*", HTTP_BR, HTTP_GZIP },
	{ "*;q=0", HTTP_IDENTITY, HTTP_IDENTITY },
	{ "gzip;q=0", HTTP_IDENTITY, HTTP_IDENTITY },
	{ "gzip;q=0, *", HTTP_BR, HTTP_DEFLATE },
	{ "*;q=0, gzip", HTTP_GZIP, HTTP_GZIP },
	{ "gzip;q=0.5, deflate;q=0.8", HTTP_DEFLATE, HTTP_DEFLATE },
	{ "gzip;q=0.5, deflate;q=0.8, br;q=0.1", HTTP_DEFLATE, HTTP_DEFLATE },
	{ "gzip;q=0.001", HTTP_GZIP, HTTP_GZIP },
	{ "gzip;q=0.0001", HTTP_IDENTITY, HTTP_IDENTITY },
	{ "gzip ; a=b ; Q = 0.3", HTTP_GZIP, HTTP_GZIP },
	{ "gzip;q=1.000;a=b", HTTP_GZIP, HTTP_GZIP },
	{ "gzip;q=", HTTP_IDENTITY, HTTP_IDENTITY },
	{ "gzip;q=x", HTTP_IDENTITY, HTTP_IDENTITY },
	{ "gzip;q=-1", HTTP_IDENTITY, HTTP_IDENTITY },
	{ "gzip;q=2", HTTP_IDENTITY, HTTP_IDENTITY },
	{ "gzip;q=0x", HTTP_IDENTITY, HTTP_IDENTITY },
	{ "gzip;q=1.999, deflate;q=0.9", HTTP_GZIP, HTTP_GZIP },
	{ "gzip;q=0, gzip", HTTP_IDENTITY, HTTP_IDENTITY }, /* the first of two */
	{ "gzip,,deflate;q=0", HTTP_GZIP, HTTP_GZIP },
	{ ",;,;q=1", HTTP_IDENTITY, HTTP_IDENTITY },
	{ "identity", HTTP_IDENTITY, HTTP_IDENTITY },
	{ "identity, gzip", HTTP_GZIP, HTTP_GZIP },
	{ "identity;q=1, gzip;q=0.5", HTTP_IDENTITY, HTTP_IDENTITY }, /* it would rather not */
	{ "identity;q=0.5, gzip;q=0.5", HTTP_GZIP, HTTP_GZIP },
	{ "identity;q=0", HTTP_IDENTITY, HTTP_IDENTITY }, /* there is nothing else */
	{ "identity;q=0, gzip;q=0.1", HTTP_GZIP, HTTP_GZIP },
	{ "x-gzip, compress, gzipped", HTTP_IDENTITY, HTTP_IDENTITY },
};

static struct http_head head_of(const char *a, const char *b)
{
	static const struct http_limits limits = { 1000, 100, 10 };
	static char text[1000];
	const char *name = "\r\naccept-ENCODING: ";
	struct http_head head;
	struct http_refusal why;
	size_t scanned = 0;

	snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: gzip%s%s%s%s\r\nX: gzip\r\n\r\n", a ? name : "",
		a ? a : "", b ? name : "", b ? b : "");
	ck_assert_int_gt(http_head_parse(slice_str(text), &limits, &scanned, &head, &why), 0);
	return head;
}

START_TEST(the_best_is_chosen)
{
	struct http_head head = head_of(choices[_i].accepts, NULL);

	ck_assert_msg(http_encoding_choose(&head, ALL) == choices[_i].of_all, "%s", choices[_i].accepts);
	ck_assert_msg(http_encoding_choose(&head, POLLING) == choices[_i].of_polling, "%s", choices[_i].accepts);
	ck_assert(http_encoding_choose(&head, 0) == HTTP_IDENTITY);
}
END_TEST

START_TEST(several_lines_are_one_list)
{
	struct http_head head = head_of("deflate;q=0.5", "gzip;q=0.9");

	ck_assert(http_encoding_choose(&head, ALL) == HTTP_GZIP);
	head = head_of("gzip;q=0", "gzip");
	ck_assert(http_encoding_choose(&head, ALL) == HTTP_IDENTITY);
}
END_TEST

START_TEST(codings_have_names)
{
	ck_assert_str_eq(http_encoding_name(HTTP_BR), "br");
	ck_assert_str_eq(http_encoding_name(HTTP_GZIP), "gzip");
	ck_assert_str_eq(http_encoding_name(HTTP_DEFLATE), "deflate");
	ck_assert_ptr_null(http_encoding_name(HTTP_IDENTITY));
}
END_TEST

START_TEST(dates_come_back)
{
	static const int64_t times[] = { 0, 784111777, 951782400, 1709164800, 4102444799 };

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct buf b = BUF_INIT;
		int64_t seconds = -1;

		http_put_date_value(&b, times[i] * 1000 + 999);
		ck_assert(http_parse_date(buf_slice(&b), &seconds));
		ck_assert_int_eq(seconds, times[i]);
		buf_fini(&b);
	}
}
END_TEST

START_TEST(what_is_no_date)
{
	static const char *const texts[] = { "", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 GMT ",
		"Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun, 00 Nov 1994 08:49:37 GMT",
		"Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
		"Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, -6 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 19x4 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 Nov 0000 08:49:37 GMT" };
	int64_t seconds;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		ck_assert_msg(!http_parse_date(slice_str(texts[i]), &seconds), "%s", texts[i]);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("http-encoding");
	TCase *t = tcase_create("http-encoding");

	tcase_add_loop_test(t, the_best_is_chosen, 0, sizeof(choices) / sizeof(choices[0]));
	tcase_add_test(t, several_lines_are_one_list);
	tcase_add_test(t, codings_have_names);
	tcase_add_test(t, dates_come_back);
	tcase_add_test(t, what_is_no_date);
	suite_add_tcase(s, t);
	return s;
}
