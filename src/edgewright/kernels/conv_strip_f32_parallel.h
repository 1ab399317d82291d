/* Chunks of a float32 convolution with windows of one row or column. */
#ifndef EW_CONV_STRIP_F32_PARALLEL_H
#define EW_CONV_STRIP_F32_PARALLEL_H
#include "conv_strip_f32.h"
#include "parallel.h"

/* One chunk of ew_conv_strip_f32: some of the columns. */
EW_DRIVER void ew_conv_strip_f32_chunk(const ew_conv_shape *shape, float lo, float hi,
                                      const ew_work *work, int32_t chunk) {
  const int32_t first = ew_chunk_start(shape->out_c, 16, chunk);
  const int32_t end = ew_chunk_start(shape->out_c, 16, chunk + 1);
  if (first == end) return; /* before any input is transformed */
  ew_conv_strip_f32_part(*shape, first, end, work->x, work->w, work->bias, work->skip, lo, hi,
                        work->y, ew_work_scratch(work, chunk));
}

#endif
