/* secret.c - see secret.h. */
#include "secret.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"

enum { SECRET_MIN = 16, SECRET_MAX = 1000 }; /* SECRET_MIN as the option's own check */

static bool is_secret(const char *text)
{
	size_t size = strlen(text);

	for (size_t i = 0; i < size; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return size >= SECRET_MIN;
}

static char *read_file(const char *path, char *why, size_t why_size)
{
	char line[SECRET_MAX + 2] = "", *secret = NULL;
	FILE *f = fopen(path, "re");

	if (f == NULL || fgets(line, sizeof(line), f) == NULL)
		snprintf(why, why_size, "cannot read webhook_secret_file %s: %s", path,
			f ? "the file is empty" : strerror(errno));
	if (f)
		fclose(f);
	if (line[0] == '\0')
		return NULL;
	line[strcspn(line, "\r\n")] = '\0';
	if (is_secret(line))
		secret = must_strdup(line);
	else
		snprintf(why, why_size,
			"the first line of %s (webhook_secret_file) is no secret; it has at least %d visible "
			"characters, "
			"without blanks",
			path, SECRET_MIN);
	OPENSSL_cleanse(line, sizeof(line));
	return secret;
}

char *secret_read(const struct gateway_options *options, char *why, size_t why_size)
{
	if (options->webhook_secret_file)
		return read_file(options->webhook_secret_file, why, why_size);
	return must_strdup(options->webhook_secret); /* one of the two is set: gateway_options_agree() */
}

void secret_free(char *secret)
{
	if (secret)
		OPENSSL_cleanse(secret, strlen(secret));
	free(secret);
}
