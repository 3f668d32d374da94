/* newer.c - built with a header that knows more functions than the host has. */
#include <stoa.h>

STOA_EXPORT_ extern const int stoa_module_abi;
const int stoa_module_abi = STOA_ABI;
STOA_EXPORT_ void stoa_module_setup(const struct stoa_host *host, struct stoa_app *app);

const struct stoa_host *stoa_host_;

void stoa_module_setup(const struct stoa_host *host, struct stoa_app *app)
{
	size_t known = sizeof(*host) + sizeof(void (*)(void));

	stoa_host_ = host;
	if (host->size < known)
		host->give_up(app, "it was built with a newer stoa.h");
}
