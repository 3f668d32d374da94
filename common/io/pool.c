/* pool.c - see pool.h. */
#include "pool.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "alloc.h"

struct pool_job {
	struct pool_job *next;
	void (*run)(void *arg);
	void *arg;
};

static void cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}

void pool_init(struct pool *p, size_t max_threads)
{
	*p = (struct pool){ .max_threads = max_threads };
	p->end = &p->first;
	p->threads = must_alloc(max_threads * sizeof(*p->threads));
	pthread_mutex_init(&p->lock, NULL);
	cond_init(&p->work);
	cond_init(&p->ended);
	cond_init(&p->woken);
}

void pool_fini(struct pool *p)
{
	pthread_mutex_lock(&p->lock);
	p->is_over = true;
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->lock);
	for (size_t i = 0; i < p->n_threads; i++)
		pthread_join(p->threads[i], NULL);
	pthread_cond_destroy(&p->work);
	pthread_cond_destroy(&p->ended);
	pthread_cond_destroy(&p->woken);
	pthread_mutex_destroy(&p->lock);
	free(p->threads);
}

/* --- Threads ------------------------------------------------------------------------------------------------------ */

/* The lock is held. NULL: the threads are to end. */
static struct pool_job *next_job(struct pool *p)
{
	struct pool_job *job;

	p->idle++;
	while (p->first == NULL && !p->is_over)
		pthread_cond_wait(&p->work, &p->lock);
	p->idle--;
	job = p->first;
	if (job == NULL)
		return NULL;
	p->first = job->next;
	if (p->first == NULL)
		p->end = &p->first;
	return job;
}

static void *run_thread(void *arg)
{
	struct pool *p = arg;
	struct pool_job *job;

	pthread_mutex_lock(&p->lock);
	while ((job = next_job(p))) {
		pthread_mutex_unlock(&p->lock);
		job->run(job->arg);
		free(job);
		pthread_mutex_lock(&p->lock);
		p->jobs--;
		pthread_cond_broadcast(&p->ended);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* The lock is held. A thread inherits the mask of who starts it. */
static int start_thread(struct pool *p)
{
	sigset_t all, old;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(&p->threads[p->n_threads], NULL, run_thread, p);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (error == 0)
		p->n_threads++;
	return -error;
}

/* --- The calls ---------------------------------------------------------------------------------------------------- */

/* The lock is held. How many wait for a thread that is not there yet. */
static size_t waiting(const struct pool *p)
{
	size_t n = 0;

	for (const struct pool_job *job = p->first; job; job = job->next)
		n++;
	return n;
}

int pool_add(struct pool *p, void (*run)(void *arg), void *arg)
{
	struct pool_job *job = must_alloc(sizeof(*job));
	int error = 0;

	*job = (struct pool_job){ NULL, run, arg };
	pthread_mutex_lock(&p->lock);
	if (waiting(p) >= p->idle && p->n_threads < p->max_threads)
		error = start_thread(p);
	if (error && p->n_threads == 0) {
		pthread_mutex_unlock(&p->lock);
		free(job);
		return -EAGAIN;
	}
	*p->end = job;
	p->end = &job->next;
	p->jobs++;
	pthread_cond_signal(&p->work);
	pthread_mutex_unlock(&p->lock);
	return 0;
}

static struct timespec after(int64_t ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	if (ms > INT32_MAX * (int64_t)1000)
		ms = INT32_MAX * (int64_t)1000;
	t.tv_sec += (time_t)(ms / 1000);
	t.tv_nsec += (long)(ms % 1000) * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_nsec -= 1000000000;
		t.tv_sec++;
	}
	return t;
}

int pool_sleep(struct pool *p, int64_t ms)
{
	struct timespec until = after(ms);
	int error = 0;

	pthread_mutex_lock(&p->lock);
	while (!p->is_ending && error == 0)
		error = pthread_cond_timedwait(&p->woken, &p->lock, &until);
	error = p->is_ending ? -ECANCELED : 0;
	pthread_mutex_unlock(&p->lock);
	return error;
}

size_t pool_end(struct pool *p, int64_t timeout_ms)
{
	struct timespec until = after(timeout_ms);
	size_t left;
	int error = 0;

	pthread_mutex_lock(&p->lock);
	p->is_ending = true;
	pthread_cond_broadcast(&p->woken);
	while (p->jobs && error == 0)
		error = pthread_cond_timedwait(&p->ended, &p->lock, &until);
	left = p->jobs;
	pthread_mutex_unlock(&p->lock);
	return left;
}
