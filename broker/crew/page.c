/* page.c - see page.h. */
#include "page.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint32_t magic = 0x53746f61;

static struct page *map(int fd)
{
	void *at = mmap(NULL, sizeof(struct page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return at == MAP_FAILED ? NULL : at;
}

/* Nobody can make it smaller: it would be the end of whoever looks at it. */
struct page *page_new(int *fd)
{
	struct page *p = NULL;
	int error;

	*fd = memfd_create("stoa-worker", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (*fd < 0)
		return NULL;
	if (ftruncate(*fd, sizeof(*p)) == 0 && fcntl(*fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
		p = map(*fd);
	if (p) {
		p->magic = magic;
		p->size = sizeof(*p);
		return p;
	}
	error = errno;
	close(*fd);
	*fd = -1;
	errno = error;
	return NULL;
}

struct page *page_open(void)
{
	struct stat st;
	struct page *p;

	if (fstat(PAGE_FD, &st) < 0 || st.st_size != sizeof(*p))
		return NULL;
	p = map(PAGE_FD);
	if (p == NULL || (p->magic == magic && p->size == sizeof(*p)))
		return p;
	page_free(p);
	return NULL;
}

void page_free(struct page *p)
{
	if (p)
		munmap(p, sizeof(*p));
}
