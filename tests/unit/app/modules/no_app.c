/* no_app.c - a library that is no application. */
int nothing_of_stoa(void);
int nothing_of_stoa(void)
{
	return 0;
}
