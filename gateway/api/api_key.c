/* api_key.c - see api_key.h. */
#include "api_key.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>

#include "alloc.h"

enum { KEY_MIN = 16, KEY_MAX = 1000 }; /* KEY_MIN as the option's own check */

static bool read_line(const char *path, char *line, size_t size, char *why, size_t why_size)
{
	FILE *f = fopen(path, "re");
	bool read = f && fgets(line, (int)size, f);

	if (!read)
		snprintf(why, why_size, "cannot read the key of the HTTP API from %s: %s", path,
			f ? "the file is empty" : strerror(errno));
	if (f)
		fclose(f);
	return read;
}

/* What a header can carry: visible ASCII. */
static bool is_key(const char *text)
{
	size_t size = strlen(text);

	for (size_t i = 0; i < size; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return size >= KEY_MIN;
}

static bool read_file(const char *path, char **key, char *why, size_t why_size)
{
	char line[KEY_MAX + 2] = "";

	if (!read_line(path, line, sizeof(line), why, why_size))
		return false;
	line[strcspn(line, "\r\n")] = '\0';
	if (is_key(line)) {
		*key = must_strdup(line);
	} else {
		snprintf(why, why_size,
			"the first line of %s (api_key_file) is no key; it has at least %d visible characters, without "
			"blanks",
			path, KEY_MIN);
	}
	OPENSSL_cleanse(line, sizeof(line));
	return *key != NULL;
}

bool api_key_read(const struct gateway_options *options, char **key, char *why, size_t why_size)
{
	*key = NULL;
	if (options->api_key && options->api_key_file) {
		snprintf(why, why_size, "api_key and api_key_file are both set; one of them is the key");
		return false;
	}
	if (options->api_key_file)
		return read_file(options->api_key_file, key, why, why_size);
	if (options->api_key)
		*key = must_strdup(options->api_key);
	return true;
}

bool api_key_matches(const char *key, struct slice authorization)
{
	static const struct slice scheme = { "bearer ", 7 };
	struct slice given = authorization;

	if (given.size < scheme.size || !slice_equal_nocase(slice_first(given, scheme.size), scheme))
		return false;
	given = slice_from(given, scheme.size);
	while (given.size && given.at[0] == ' ')
		given = slice_from(given, 1);
	return given.size == strlen(key) && CRYPTO_memcmp(given.at, key, given.size) == 0;
}
