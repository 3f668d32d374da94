/* load.c - a module becomes an application, or a sentence that says why not. */
#include "alloc.h"
#include "internal.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MFD_EXEC /* newer than the C library of Debian 12 */
#define MFD_EXEC 0x10U
#endif

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

/* All of `from` into `to`: 0 or -errno. */
static int copy_bytes(int from, int to)
{
	ssize_t n;

	do
		n = sendfile(to, from, NULL, 1 << 20);
	while (n > 0);
	return n < 0 ? -errno : 0;
}

/* A copy in memory: its descriptor, or -errno. */
static int copy_of(const char *file)
{
	int from = open(file, O_RDONLY | O_CLOEXEC), to = -1, error = from < 0 ? -errno : 0;

	if (error == 0) {
		to = memfd_create("stoa-app", MFD_CLOEXEC | MFD_EXEC);
		if (to < 0 && errno == EINVAL) /* before Linux 6.3 all may be executed */
			to = memfd_create("stoa-app", MFD_CLOEXEC);
		error = to < 0 ? -errno : copy_bytes(from, to);
	}
	if (from >= 0)
		close(from);
	if (error && to >= 0)
		close(to);
	return error ? error : to;
}

static void path_of_copy(int fd, char *to, size_t size)
{
	snprintf(to, size, "/proc/self/fd/%d", fd);
}

/* dlopen() knows modules by name, so a number is not given back while something still stands under its name: a module
 * that asked not to be unloaded stays, with its descriptor. */
void module_close(struct module *m)
{
	char name[32];
	void *still;

	if (m->handle == NULL)
		return;
	dlclose(m->handle);
	if (m->fd < 0)
		return;
	path_of_copy(m->fd, name, sizeof(name));
	still = dlopen(name, RTLD_NOW | RTLD_NOLOAD);
	if (still)
		dlclose(still);
	else
		close(m->fd);
}

static bool open_copy(struct module *m, const char *path, char *file, size_t size, char *why, size_t why_size)
{
	m->fd = copy_of(file);
	if (m->fd < 0) {
		snprintf(why, why_size, "%s: cannot be copied: %s", path, strerror(-m->fd));
		return false;
	}
	path_of_copy(m->fd, file, size);
	return true;
}

static bool open_module(struct module *m, const char *path, bool copy, char *why, size_t why_size)
{
	char file[PATH_MAX];
	struct stat st;

	*m = (struct module){ .fd = -1 };
	if (path[0] == '\0' || !path_of_file(path, file, sizeof(file)) || stat(file, &st) < 0) {
		snprintf(why, why_size, "%s: no such file", path);
		return false;
	}
	if (!S_ISREG(st.st_mode)) {
		snprintf(why, why_size, "%s: not a file", path);
		return false;
	}
	if (copy && !open_copy(m, path, file, sizeof(file), why, why_size))
		return false;
	m->handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
	if (m->handle)
		return true;
	snprintf(why, why_size, "%s: %s", path, loader_error(file));
	if (m->fd >= 0)
		close(m->fd);
	return false;
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
	struct module module;
	app_setup_fn *fn;
	struct app *a;

	if (!open_module(&module, path, setup->copy, why, why_size))
		return NULL;
	fn = find_setup(module.handle, path, why, why_size);
	a = fn ? app_from(path, fn, setup, why, why_size) : NULL;
	if (a)
		a->module = module;
	else
		module_close(&module);
	return a;
}
