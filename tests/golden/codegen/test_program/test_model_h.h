/* small: made by Edgewright. Use it as main.c shows. */

#ifndef SMALL_MODEL_H
#define SMALL_MODEL_H

/* What a caller of generated code and the code itself share: errors and the environment. */
#ifndef EW_INTERFACE_H
#define EW_INTERFACE_H
#include <stddef.h>
#include <stdint.h>

#define EW_INTERFACE_VERSION 1

/* Every entry point returns one of these; anything but EW_OK leaves the outputs undefined. */
typedef enum ew_error {
  EW_OK = 0,
  EW_ERROR_NULL = 1,      /* a pointer that must not be null is null */
  EW_ERROR_ALIGNMENT = 2, /* arena, weights or state are not 64-byte aligned */
  EW_ERROR_VERSION = 3,   /* env or weights were made for another interface version */
  EW_ERROR_WEIGHTS = 4,   /* the weights belong to another model, or are cut short */
  EW_ERROR_ISA = 5,       /* env->isa names a level that this library does not have */
  EW_ERROR_SHAPE = 6,     /* a run-time dimension is outside its bounds */
  EW_ERROR_INDEX = 7,     /* an input value (a token id, say) is outside the table it indexes */
  EW_ERROR_CAPACITY = 8   /* a data-dependent output is larger than its stated maximum */
} ew_error;

/* One piece of parallel work: `index` runs over 0 .. count-1, in any order. */
typedef void (*ew_task)(void *context, int32_t index);

/* Optional (may be null): how the caller wants the model to run. */
typedef struct ew_env {
  int32_t version; /* EW_INTERFACE_VERSION */
  int32_t isa;     /* what NAME_detect_isa() returned; 0 is the baseline */
  void (*parallel_for)(void *pool, int32_t count, ew_task task, void *context); /* or null */
  void *pool;      /* handed to parallel_for */
} ew_env;

#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Memory that the caller provides: 64-byte aligned; inputs and outputs need not be. */
#define SMALL_ARENA_BYTES 192
#define SMALL_WEIGHTS_BYTES 448
#define SMALL_STATE_BYTES 0
#define SMALL_LAYOUT_HASH 0x...

typedef struct small_io {
  const float *x; /* float32 [1, 4] */
  float *s; /* float32 [1, 3] */
  int32_t *out_dims; /* unused: no size of this model depends on data */
} small_io;

/* Runs once. Returns EW_OK or an ew_error. */
int small_run(const small_io *io, void *arena, const void *weights,
              const ew_env *env);

/* EW_OK when the weights are whole and belong to this code. */
int small_check_weights(const void *weights, size_t bytes);

/* The best level of this CPU, for ew_env.isa; ask once, it may be slow. */
int small_detect_isa(void);

/* Scale and zero point of interface tensors: real = scale * (stored - zero). */
enum { SMALL_X, SMALL_S };
float small_scale(const void *weights, int tensor);
int32_t small_zero(const void *weights, int tensor);

#ifdef __cplusplus
}
#endif

#endif
