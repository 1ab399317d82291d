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

EW_INLINE void *ew_work_scratch(const ew_work *work, int32_t chunk) {
  return (char *)work->scratch + chunk * work->scratch_bytes;
}

/* Where a chunk of `count` items begins; they are handed out `step` at a time. */
EW_INLINE int32_t ew_chunk_start(int32_t count, int32_t step, int32_t chunk) {
  const int32_t steps = (count + step - 1) / step;
  return ew_min_i32(count, steps * chunk / EW_CHUNKS * step);
}

/* Whether chunks share the columns of a product and not its rows. All of what is not shared is read
   by every chunk: that should be the smaller matrix, which is the input's in the deep layers of a
   net and wherever there is one row. */
EW_INLINE int ew_chunks_share_columns(int32_t groups, int32_t rows, int32_t columns) {
  return groups == 1 && columns > rows;
}

/* The same, or what tuning found. */
EW_INLINE int ew_chunks_share_columns_of(const ew_conv_shape *s, int32_t rows, int32_t columns) {
  return s->share ? s->share == 1 : ew_chunks_share_columns(s->groups, rows, columns);
}

/* Columns that chunks take at a time: one row passes by four blocks of 16 at once. Of more rows one
   block: narrower tiles cost less than chunks of 64 and 96 columns (7x7x960 to 160: 79 us, 70). */
EW_INLINE int32_t ew_chunk_columns(int32_t rows) { return rows == 1 ? 64 : 16; }

#endif
