/* none.c - a module that is no application, for the tests of what is said about one. */
int stoa_none(void);

int stoa_none(void)
{
	return 0;
}
