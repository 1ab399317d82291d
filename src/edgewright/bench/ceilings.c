/* What one core can do at best, in operations and bytes per second: printed as three numbers. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "simd.h"

enum { ACCUMULATORS = 12, STEPS = 200000, ROUNDS = 9, BYTES = 1 << 26 };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static float numbers[16 * ACCUMULATORS] __attribute__((aligned(64)));
static int32_t sums[16 * ACCUMULATORS] __attribute__((aligned(64)));

/* Multiply-adds; the barrier and the loads after it keep the compiler from solving the loop. */
static void float32(void) {
  ew_f32x16 acc[ACCUMULATORS];
  for (int i = 0; i < ACCUMULATORS; ++i) acc[i] = ew_f32_dup(0.0f);
  for (int k = 0; k < STEPS; ++k) {
    __asm__ volatile("" ::"r"(numbers) : "memory");
    const ew_f32x16 a = ew_f32_load(numbers);
    EW_UNROLL for (int i = 0; i < ACCUMULATORS; ++i) acc[i] = ew_fma(a, a, acc[i]);
  }
  for (int i = 0; i < ACCUMULATORS; ++i) ew_f32_store(numbers + 16 * i, acc[i]);
}

static void int8(void) {
  ew_i32x16 acc[ACCUMULATORS];
  for (int i = 0; i < ACCUMULATORS; ++i) acc[i] = ew_i32_dup(i);
  for (int k = 0; k < STEPS; ++k) {
    __asm__ volatile("" ::"r"(numbers) : "memory");
    const ew_dot_x a = ew_dot_load_x((const uint8_t *)numbers);
    const ew_dot_w c = ew_dot_load_w((const int8_t *)numbers);
    EW_UNROLL for (int i = 0; i < ACCUMULATORS; ++i) acc[i] = ew_dot4(acc[i], a, c);
  }
  for (int i = 0; i < ACCUMULATORS; ++i) ew_i32_store(sums + 16 * i, acc[i]);
  __asm__ volatile("" ::"r"(sums) : "memory");
}

static char *from;

/* Reads a block that no cache holds, whose content the compiler does not know. */
static void memory(void) {
  ew_i32x16 sum = ew_i32_dup(0);
  __asm__ volatile("" ::"r"(from) : "memory");
  for (size_t i = 0; i < BYTES; i += 64)
    sum = ew_i32_add(sum, ew_i32_load((const int32_t *)(const void *)(from + i)));
  ew_i32_store(sums, sum);
  __asm__ volatile("" ::"r"(sums) : "memory"); /* somebody reads the result */
}

static double best(void (*work)(void), double amount) {
  double least = 1e30;
  for (int i = 0; i < ROUNDS; ++i) {
    const double start = now();
    work();
    const double taken = now() - start;
    if (taken < least) least = taken;
  }
  return amount / least;
}

int main(void) {
  from = malloc(BYTES);
  if (!from) return 1;
  memset(from, 1, BYTES);
  const double operations = 2.0 * 16 * ACCUMULATORS * STEPS;
  printf("%.6g %.6g %.6g\n", best(float32, operations), best(int8, 4 * operations),
         best(memory, (double)BYTES));
  return 0;
}
