/* Works a pool of threads hard; returns 0 when every piece was done once and idle threads slept. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "threads.h"

enum { MOST = 40, CALLERS = 3 };
static ew_threads *pool;
static int rounds;

typedef struct job {
  int plain[MOST]; /* not atomic: each is written by one thread, and read after the job */
  int inner[MOST];
} job;

static void inner(void *context, int32_t index) { ((int *)context)[index] += 1; }

static void outer(void *context, int32_t index) {
  job *const held = context;
  held->plain[index] += 1;
  int counts[4] = {0};
  ew_threads_for(pool, 4, inner, counts); /* from a task: the pool is busy */
  held->inner[index] += counts[0] + counts[1] + counts[2] + counts[3];
}

static void *caller(void *argument) {
  for (int round = 0; round < rounds; ++round) {
    const int count = round % (MOST + 1);
    job held = {{0}, {0}};
    ew_threads_for(pool, count, outer, &held);
    for (int i = 0; i < MOST; ++i)
      if (held.plain[i] != (i < count) || held.inner[i] != 4 * (i < count)) return argument;
    const struct timespec pause = {0, 200000}; /* long enough for the others to fall asleep */
    if (round % 16 == 0) nanosleep(&pause, 0);
  }
  return 0;
}

static double cpu_seconds(void) {
  struct timespec used;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return (double)used.tv_sec + (double)used.tv_nsec * 1e-9;
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  pool = ew_threads_create(atoi(argv[1]));
  rounds = atoi(argv[2]);
  pthread_t callers[CALLERS];
  int wrong = 0;
  for (int i = 0; i < CALLERS; ++i) pthread_create(&callers[i], 0, caller, &wrong);
  for (int i = 0; i < CALLERS; ++i) {
    void *result;
    pthread_join(callers[i], &result);
    if (result) wrong = 1;
  }
  const struct timespec settle = {0, 50000000}, idle = {0, 300000000};
  nanosleep(&settle, 0);
  const double before = cpu_seconds();
  nanosleep(&idle, 0);
  const double used = cpu_seconds() - before;
  ew_threads_destroy(pool);
  if (wrong) fprintf(stderr, "pieces were lost or done twice\n");
  if (used > 0.1) fprintf(stderr, "used %.3f s of CPU while idle for 0.3 s\n", used);
  return wrong || used > 0.1;
}
