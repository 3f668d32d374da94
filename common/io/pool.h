/*
 * pool.h - threads for work that blocks: started as they are needed, never more than `max_threads`, kept until the end.
 * Jobs run in the order they were given.
 *
 * Any thread may call pool_add(); pool_sleep() is for jobs; the rest is for the pool's owner. Threads leave all signals
 * to the process's other threads.
 */
#ifndef STOA_IO_POOL_H
#define STOA_IO_POOL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pool_job;

struct pool {
	pthread_mutex_t lock;
	pthread_cond_t work;  /* a job came, or the threads are to end */
	pthread_cond_t ended; /* a job ended */
	pthread_cond_t woken; /* sleepers are to wake up */
	struct pool_job *first, **end;
	pthread_t *threads;
	size_t n_threads, max_threads, idle;
	size_t jobs; /* given and not ended */
	bool is_ending, is_over;
};

void pool_init(struct pool *p, size_t max_threads);
void pool_fini(struct pool *p); /* no job is left; joins the threads */

/* Has run(arg) called once. 0, or -EAGAIN: there is no thread and none could be started. */
int pool_add(struct pool *p, void (*run)(void *arg), void *arg);

/* 0 after ms; -ECANCELED at once when pool_end() is called or was. */
int pool_sleep(struct pool *p, int64_t ms);

/* Wakes sleepers and waits for all jobs, those that have not begun too, at most timeout_ms. How many are left. */
size_t pool_end(struct pool *p, int64_t timeout_ms);

#endif
