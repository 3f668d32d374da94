/* load.c - a module becomes an application, or a sentence that says why not. */
#include "alloc.h"
#include "internal.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* What dlopen() needs to take `path` for a file of this directory and not for a library's name. */
static bool path_of_file(const char *path, char *to, size_t size)
{
	int n = snprintf(to, size, "%s%s", strchr(path, '/') ? "" : "./", path);

	return n > 0 && (size_t)n < size;
}

/* The loader's messages begin with the file's name when it finds something wrong in it; we have said it already. */
static const char *loader_error(const char *file)
{
	const char *error = dlerror();
	size_t size = strlen(file);

	if (error == NULL)
		return "it cannot be loaded";
	if (strncmp(error, file, size) == 0 && strncmp(error + size, ": ", 2) == 0)
		error += size + 2;
	return error;
}

static void *open_module(const char *path, char *why, size_t why_size)
{
	char file[PATH_MAX];
	struct stat st;
	void *module;

	if (path[0] == '\0' || !path_of_file(path, file, sizeof(file)) || stat(file, &st) < 0) {
		snprintf(why, why_size, "%s: no such file", path);
		return NULL;
	}
	if (!S_ISREG(st.st_mode)) {
		snprintf(why, why_size, "%s: not a file", path);
		return NULL;
	}
	module = dlopen(file, RTLD_NOW | RTLD_LOCAL);
	if (module == NULL)
		snprintf(why, why_size, "%s: %s", path, loader_error(file));
	return module;
}

/* ISO C has no conversion from dlsym()'s pointer to a function's; POSIX promises that they are alike. */
static app_setup_fn *setup_of(void *module)
{
	app_setup_fn *fn = NULL;
	void *symbol = dlsym(module, "stoa_module_setup");

	memcpy(&fn, &symbol, sizeof(fn));
	return fn;
}

static app_setup_fn *find_setup(void *module, const char *path, char *why, size_t why_size)
{
	const int *abi = dlsym(module, "stoa_module_abi");
	app_setup_fn *fn = setup_of(module);

	if (abi == NULL || fn == NULL)
		snprintf(why, why_size, "%s has no STOA_APP: it is no application", path);
	else if (*abi != STOA_ABI)
		snprintf(why, why_size, "%s was built for stoa ABI %d, this is %d", path, *abi, STOA_ABI);
	else
		return fn;
	return NULL;
}

struct app *app_load(const char *path, const struct app_setup *setup, char *why, size_t why_size)
{
	void *module = open_module(path, why, why_size);
	app_setup_fn *fn = module ? find_setup(module, path, why, why_size) : NULL;
	struct app *a = fn ? app_from(path, fn, setup, why, why_size) : NULL;

	if (a)
		a->module = module;
	else if (module)
		dlclose(module);
	return a;
}
