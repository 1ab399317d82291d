/* Chunks of a float32 product in Strassen's form. */
#ifndef EW_CONV_STRASSEN_F32_PARALLEL_H
#define EW_CONV_STRASSEN_F32_PARALLEL_H
#include "conv_strassen_f32.h"
#include "parallel.h"

/* One chunk of ew_conv_strassen_f32. Rows are shared by blocks, whose pairs of rows must not depend
   on the chunks; where there are few blocks, columns are, and each chunk forms the sums anew. */
EW_INLINE void ew_conv_strassen_f32_chunk(const ew_conv_shape *shape, float lo, float hi,
                                          const ew_work *work, int32_t chunk) {
  const ew_strassen g = ew_strassen_of(shape, ew_work_scratch(work, chunk));
  const int32_t blocks = ew_strassen_blocks(&g), half = shape->out_c / 2;
  ew_strassen_range range = {0, blocks, 0, half};
  const int uneven = blocks < 4 * EW_CHUNKS && blocks % EW_CHUNKS != 0;
  if (uneven || ew_chunks_share_columns_of(shape, g.pixels, g.columns)) {
    range.column = ew_chunk_start(half, 16, chunk);
    range.columns_end = ew_chunk_start(half, 16, chunk + 1);
  } else {
    range.block = ew_chunk_start(blocks, 1, chunk);
    range.blocks_end = ew_chunk_start(blocks, 1, chunk + 1);
  }
  if (range.column == range.columns_end) return; /* before any sum is formed */
  const ew_tile_f32 layer = ew_strassen_layer(shape, work->w, work->bias, work->skip, lo, hi,
                                              work->y);
  ew_strassen_run(&g, &range, work->x, &layer);
}

#endif
