/* Threads for instrumented code, where env->pool points to the marks: the pool stands before them. */
#include "threads.h"

__attribute__((visibility("default"))) void ew_marked_for(
    void *marks, int32_t count, void (*task)(void *context, int32_t index), void *context);
void ew_marked_for(void *marks, int32_t count, void (*task)(void *context, int32_t index),
                   void *context) {
  ew_threads_for(((void **)marks)[-1], count, task, context);
}
