/* gate_keys.c - keys from texts and files, in the order in which the options name them. See gate.h. */
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "gate.h"

static const char *add_secret(struct jwt_keys *keys, struct slice text)
{
	while (text.size && (text.at[text.size - 1] == '\n' || text.at[text.size - 1] == '\r'))
		text.size--;
	return jwt_keys_add_secret(keys, text);
}

static const char *add_private_set(struct jwt_keys *keys, struct slice text)
{
	return jwt_keys_add_set(keys, text, true);
}

/* Larger than `room`: errno is EFBIG. */
static bool read_whole(const char *path, char *to, size_t room, size_t *size)
{
	FILE *f = fopen(path, "re");

	if (f == NULL)
		return false;
	errno = 0;
	*size = fread(to, 1, room, f);
	if (!ferror(f) && fgetc(f) != EOF)
		errno = EFBIG;
	fclose(f);
	return errno == 0;
}

static bool add_file(struct jwt_keys *keys, const struct gateway_options *o, const char *path,
	const char *(*add)(struct jwt_keys *keys, struct slice text), char *why, size_t why_size)
{
	size_t room = (size_t)o->jwt_max_jwks, size = 0;
	char *text = must_alloc(room);
	const char *wrong = NULL;

	if (!read_whole(path, text, room, &size))
		snprintf(why, why_size, "cannot read %s: %s", path,
			errno == EFBIG ? "it is larger than jwt_max_jwks" : strerror(errno));
	else if ((wrong = add(keys, slice_of(text, size))))
		snprintf(why, why_size, "%s %s", path, wrong);
	else
		why[0] = '\0';
	OPENSSL_cleanse(text, size);
	free(text);
	return why[0] == '\0';
}

struct jwt_keys *gate_read_keys(const struct gateway_options *o, char *why, size_t why_size)
{
	const struct {
		const char *path;
		const char *(*add)(struct jwt_keys *keys, struct slice text);
	} files[] = { { o->jwt_key_file, add_secret }, { o->jwt_public_key_file, jwt_keys_add_pem },
		{ o->jwt_jwks_file, add_private_set } };
	struct jwt_keys *keys = jwt_keys_new();
	bool good = true;

	if (o->jwt_key)
		good = jwt_keys_add_secret(keys, slice_str(o->jwt_key)) == NULL; /* long enough: the option's check */
	for (size_t i = 0; good && i < sizeof(files) / sizeof(*files); i++)
		if (files[i].path)
			good = add_file(keys, o, files[i].path, files[i].add, why, why_size);
	if (good)
		return keys;
	jwt_keys_free(keys);
	return NULL;
}
