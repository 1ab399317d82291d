/* A small pool of threads for models that were built with --threads: what ew_env takes.

       ew_threads *pool = ew_threads_create(4);
       ew_env env = {.version = EW_INTERFACE_VERSION, .isa = NAME_detect_isa(),
                     .parallel_for = ew_threads_for, .pool = pool};

   Any number of threads may run models with one pool: whoever finds it busy works alone. */
#ifndef EW_THREADS_H
#define EW_THREADS_H
#include <stdint.h>

typedef struct ew_threads ew_threads;

/* A pool in which `threads` threads work, the calling one among them. With fewer than two, or where
   no more can be had, callers work alone; null, which ew_threads_for takes, without memory. */
__attribute__((visibility("default"))) ew_threads *ew_threads_create(int32_t threads);

/* Ends the threads. No ew_threads_for may be under way. */
__attribute__((visibility("default"))) void ew_threads_destroy(ew_threads *pool);

/* Runs task(context, index) for every index below `count`, on this thread and those of the pool,
   and returns when all are done. `pool` is an ew_threads, or null. */
__attribute__((visibility("default"))) void ew_threads_for(
    void *pool, int32_t count, void (*task)(void *context, int32_t index), void *context);

#endif
