/* Marks in instrumented code, which is never shipped: the time after each node, in the clock's own ticks. */
#ifndef EW_PROFILE_H
#define EW_PROFILE_H
#include "ew.h"

#if defined(__wasm__)
/* The host's, which knows what a run has cost so far. */
__attribute__((import_module("env"), import_name("ew_mark"))) void ew_mark(const ew_env *env,
                                                                           int32_t mark);
#else
/* A counter that every program may read: the caller measures how fast it ticks. 0 where none is. */
EW_INLINE uint64_t ew_ticks(void) {
#if defined(__x86_64__) || defined(__i386__)
  return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
  uint64_t ticks;
  __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
  return ticks;
#elif defined(__riscv) && __riscv_xlen == 64
  uint64_t ticks; /* cycles are for the kernel alone since Linux 6.6; time is for all */
  __asm__ volatile("rdtime %0" : "=r"(ticks));
  return ticks;
#else
  return 0;
#endif
}

/* env->pool points to one number per node, and one before them for the start. A function of its own,
   since emulators count what runs between its calls, where there is no clock. */
EW_KERNEL void ew_mark(const ew_env *env, int32_t mark) {
  if (env && env->pool) ((uint64_t *)env->pool)[mark] = ew_ticks();
}
#endif

#endif
