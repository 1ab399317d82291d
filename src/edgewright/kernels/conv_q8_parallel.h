/* Chunks of an 8-bit convolution, and of products of matrices. */
#ifndef EW_CONV_Q8_PARALLEL_H
#define EW_CONV_Q8_PARALLEL_H
#include "conv_q8.h"
#include "parallel.h"

/* One chunk of ew_conv_s8 or ew_conv_u8; `bias` of the work holds the channels. */
EW_DRIVER void ew_conv_q8_chunk(const ew_conv_shape *shape, const ew_q8_variant v,
                                const ew_work *work, int32_t chunk) {
  const ew_conv_shape s = *shape;
  ew_conv_q8_plan p = ew_conv_q8_plan_of(s, v);
  int32_t n = 0;
  if (ew_chunks_share_columns_of(&s, p.pixels, p.columns)) {
    const int32_t columns = p.columns, step = ew_chunk_columns(p.pixels);
    n = ew_chunk_start(columns, step, chunk);
    p.columns = ew_chunk_start(columns, step, chunk + 1) - n;
    p.block = ew_conv_block_of(s, p.padded, p.columns, EW_Q8_ROWS);
  } else {
    p.first = ew_chunk_start(p.pixels, EW_Q8_ROWS, chunk);
    p.pixels = ew_chunk_start(p.pixels, EW_Q8_ROWS, chunk + 1);
  }
  const uint8_t *const skip = work->skip;
  ew_conv_q8_planned(s, p, v, work->x, (const int8_t *)work->w + (ptrdiff_t)n * p.padded,
                     (const int32_t *)work->bias + (ptrdiff_t)n * ew_q8_channel_rows(v.mode),
                     work->params, skip ? skip + n : skip, (uint8_t *)work->y + n,
                     ew_work_scratch(work, chunk));
}

#endif
