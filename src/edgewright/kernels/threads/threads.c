/* The pool of threads.h: POSIX threads, C11 atomics. Compile it with -pthread.

   A job is offered by writing a ticket: the job's number in its upper half, in its lower half how
   many pieces nobody has taken yet. A thread takes a piece by counting the ticket down, which fails
   where another was faster or the job is another one by now; what the job is may be read once a
   piece of it is held, since it cannot end before that piece is done. */
#define _POSIX_C_SOURCE 200809L /* clocks, under -std=c11 */
#include "threads.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

/* How long a thread stays awake when there is nothing to do. Waking one up takes 25 to 30 us,
   6 to 9 of them of the thread that offers the work: all layers that are faster would be over. It
   is longer than what one thread does alone between two shared layers. */
#define SPIN_NANOSECONDS 100000
/* Looks between two readings of the clock. */
#define SPIN_LOOKS 32

struct ew_threads {
  _Atomic uint64_t ticket;
  _Atomic int32_t unfinished; /* pieces of the job */
  _Atomic int32_t sleepers;   /* threads that wait for `offered` */
  _Atomic int is_busy, is_waited_for, is_ending;
  void (*task)(void *context, int32_t index);
  void *context;
  pthread_mutex_t lock; /* held to sleep and to wake */
  pthread_cond_t offered, finished;
  int32_t count; /* of the threads that were started */
  pthread_t threads[];
};

static uint32_t left_of(uint64_t ticket) { return (uint32_t)ticket; }

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void rest(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
  __asm__ volatile("yield");
#endif
}

static int has_work(ew_threads *pool) {
  return left_of(atomic_load(&pool->ticket)) > 0 || atomic_load(&pool->is_ending);
}
static int has_finished(ew_threads *pool) { return atomic_load(&pool->unfinished) == 0; }

/* Looks for a while; returns what the last look gave. */
static int spin(ew_threads *pool, int (*look)(ew_threads *)) {
  const int64_t end = now() + SPIN_NANOSECONDS;
  do {
    for (int i = 0; i < SPIN_LOOKS; ++i) {
      if (look(pool)) return 1;
      rest();
    }
    sched_yield(); /* what we wait for may be on this very core, if the machine is busy */
  } while (now() < end);
  return look(pool);
}

/* Does pieces of whatever job is offered, until none is left. */
static void work(ew_threads *pool) {
  uint64_t ticket = atomic_load(&pool->ticket);
  while (left_of(ticket) > 0) {
    if (!atomic_compare_exchange_weak(&pool->ticket, &ticket, ticket - 1)) continue;
    pool->task(pool->context, (int32_t)(left_of(ticket) - 1));
    if (atomic_fetch_sub(&pool->unfinished, 1) == 1 && atomic_load(&pool->is_waited_for)) {
      pthread_mutex_lock(&pool->lock);
      pthread_cond_signal(&pool->finished);
      pthread_mutex_unlock(&pool->lock);
    }
    ticket = atomic_load(&pool->ticket);
  }
}

static void *run(void *argument) {
  ew_threads *const pool = argument;
  for (;;) {
    if (!spin(pool, has_work)) {
      pthread_mutex_lock(&pool->lock);
      atomic_fetch_add(&pool->sleepers, 1); /* before the look: see ew_threads_for */
      while (!has_work(pool)) pthread_cond_wait(&pool->offered, &pool->lock);
      atomic_fetch_sub(&pool->sleepers, 1);
      pthread_mutex_unlock(&pool->lock);
    }
    work(pool);
    if (atomic_load(&pool->is_ending)) return 0;
  }
}

ew_threads *ew_threads_create(int32_t threads) {
  const int32_t others = threads > 1 ? threads - 1 : 0;
  ew_threads *const pool = calloc(1, sizeof *pool + (size_t)others * sizeof(pthread_t));
  if (!pool) return 0;
  pthread_mutex_init(&pool->lock, 0);
  pthread_cond_init(&pool->offered, 0);
  pthread_cond_init(&pool->finished, 0);
  while (pool->count < others && !pthread_create(&pool->threads[pool->count], 0, run, pool))
    ++pool->count;
  return pool;
}

void ew_threads_destroy(ew_threads *pool) {
  if (!pool) return;
  pthread_mutex_lock(&pool->lock);
  atomic_store(&pool->is_ending, 1);
  pthread_cond_broadcast(&pool->offered);
  pthread_mutex_unlock(&pool->lock);
  for (int32_t i = 0; i < pool->count; ++i) pthread_join(pool->threads[i], 0);
  pthread_cond_destroy(&pool->finished);
  pthread_cond_destroy(&pool->offered);
  pthread_mutex_destroy(&pool->lock);
  free(pool);
}

/* Sleeps until the last piece is done. */
static void await(ew_threads *pool) {
  if (spin(pool, has_finished)) return;
  pthread_mutex_lock(&pool->lock);
  atomic_store(&pool->is_waited_for, 1); /* before the look: whoever finishes looks the other way */
  while (!has_finished(pool)) pthread_cond_wait(&pool->finished, &pool->lock);
  atomic_store(&pool->is_waited_for, 0);
  pthread_mutex_unlock(&pool->lock);
}

void ew_threads_for(void *argument, int32_t count,
                    void (*task)(void *context, int32_t index), void *context) {
  ew_threads *const pool = argument;
  if (!pool || pool->count == 0 || count < 2 || atomic_exchange(&pool->is_busy, 1)) {
    for (int32_t i = 0; i < count; ++i) task(context, i);
    return;
  }
  pool->task = task;
  pool->context = context;
  atomic_store(&pool->unfinished, count);
  const uint64_t number = (atomic_load(&pool->ticket) >> 32) + 1;
  atomic_store(&pool->ticket, number << 32 | (uint32_t)count);
  if (atomic_load(&pool->sleepers) > 0) { /* after the offer: who falls asleep now has seen it */
    pthread_mutex_lock(&pool->lock);
    pthread_cond_broadcast(&pool->offered);
    pthread_mutex_unlock(&pool->lock);
  }
  work(pool);
  await(pool);
  atomic_store(&pool->is_busy, 0);
}
