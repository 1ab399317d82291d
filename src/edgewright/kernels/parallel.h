/* Layers in chunks, which the caller's parallel_for may hand to threads.

   EW_CHUNKS is stated when a model is built, and where chunks begin follows from it and the shape:
   results cannot depend on how many threads there are. No chunk reads what another one writes, and
   each has scratch memory of its own. */
#ifndef EW_PARALLEL_H
#define EW_PARALLEL_H
#include "conv_rows.h"

#if !defined(EW_CHUNKS)
#define EW_CHUNKS 1
#endif

/* The memory of a layer. */
typedef struct ew_work {
  const void *x, *w, *bias, *params, *skip;
  void *y, *scratch;
  ptrdiff_t scratch_bytes; /* of one chunk */
} ew_work;

EW_INLINE void ew_parallel(const ew_env *env, ew_task task, ew_work work) {
  if (env && env->parallel_for) {
    env->parallel_for(env->pool, EW_CHUNKS, task, &work);
    return;
  }
  EW_ROLLED for (int32_t chunk = 0; chunk < EW_CHUNKS; ++chunk) task(&work, chunk);
}

/* The same for tasks that take addresses: of operators that are divided by rows. */
EW_INLINE void ew_parallel_parts(const ew_env *env, ew_task task, const void **at) {
  if (env && env->parallel_for) {
    env->parallel_for(env->pool, EW_CHUNKS, task, at);
    return;
  }
  EW_ROLLED for (int32_t chunk = 0; chunk < EW_CHUNKS; ++chunk) task(at, chunk);
}

EW_INLINE void *ew_work_scratch(const ew_work *work, int32_t chunk) {
  return (char *)work->scratch + chunk * work->scratch_bytes;
}

/* Where a chunk of `count` items begins; they are handed out `step` at a time. */
EW_INLINE int32_t ew_chunk_start(int32_t count, int32_t step, int32_t chunk) {
  const int32_t steps = (count + step - 1) / step;
  return ew_min_i32(count, steps * chunk / EW_CHUNKS * step);
}

/* Rows of a chunk that are worth all of the weights. */
#define EW_CHUNK_ROWS 48

/* Whether chunks share the columns of a product and not its rows. All of what is not shared is read
   by every chunk: that should be the smaller matrix, which is the input's in the deepest layers of a
   net and wherever there is one row. Rows are better where there are enough of them, whatever the
   columns: weights come from the caches in the order in which they lie, and each core reads what it
   wrote in the layer before (14x14x1024 to 256 and back: 1.04 to 1.07 times as fast). */
EW_INLINE int ew_chunks_share_columns(int32_t groups, int32_t rows, int32_t columns) {
  return groups == 1 && columns > rows && rows < EW_CHUNK_ROWS * EW_CHUNKS;
}

/* The same, or what tuning found. */
EW_INLINE int ew_chunks_share_columns_of(const ew_conv_shape *s, int32_t rows, int32_t columns) {
  return s->share ? s->share == 1 : ew_chunks_share_columns(s->groups, rows, columns);
}

/* Columns that chunks take at a time: one row passes by four blocks of 16 at once. Of more rows one
   block: narrower tiles cost less than chunks of 64 and 96 columns (7x7x960 to 160: 79 us, 70). */
EW_INLINE int32_t ew_chunk_columns(int32_t rows) { return rows == 1 ? 64 : 16; }

#endif
