/* Chunks of a float32 convolution in Winograd's form. */
#ifndef EW_CONV_WINOGRAD_F32_PARALLEL_H
#define EW_CONV_WINOGRAD_F32_PARALLEL_H
#include "conv_winograd_f32.h"
#include "parallel.h"

/* One chunk of ew_conv_winograd_f32. */
EW_INLINE void ew_conv_winograd_f32_chunk(const ew_conv_shape *shape, float lo, float hi,
                                          const ew_work *work, int32_t chunk) {
  const ew_winograd g = ew_winograd_of(*shape, ew_work_scratch(work, chunk));
  ew_winograd_part part = {0, g.tiles, 0, shape->out_c};
  if (ew_chunks_share_columns_of(shape, g.tiles, shape->out_c)) {
    part.column = ew_chunk_start(shape->out_c, 16, chunk);
    part.columns_end = ew_chunk_start(shape->out_c, 16, chunk + 1);
  } else {
    part.tile = ew_chunk_start(g.tiles, EW_F32_ROWS, chunk);
    part.tiles_end = ew_chunk_start(g.tiles, EW_F32_ROWS, chunk + 1);
  }
  if (part.column == part.columns_end) return; /* before any input is transformed */
  ew_winograd_run(g, part, work->x, work->w, work->bias, work->skip, lo, hi, work->y);
}

#endif
