/* Chunks of a float32 convolution, and of products of matrices. */
#ifndef EW_CONV_F32_PARALLEL_H
#define EW_CONV_F32_PARALLEL_H
#include "conv_f32.h"
#include "parallel.h"

/* Rows that chunks take at a time: whole tiles. */
EW_INLINE int32_t ew_conv_f32_chunk_rows(const ew_conv_shape s, const ew_conv_plan p) {
#if defined(EW_F32_WIDE_ROWS)
  if (ew_conv_f32_takes_panels(s, p)) return ew_panel_rows(p.columns);
#endif
  (void)s, (void)p;
  return EW_F32_ROWS;
}

/* One chunk of ew_conv_f32. */
EW_DRIVER void ew_conv_f32_chunk(const ew_conv_shape *shape, float lo, float hi,
                                 const ew_work *work, int32_t chunk) {
  const ew_conv_shape s = *shape;
  if (ew_line_takes(s)) {
    ew_conv_line_f32_part(s, chunk, EW_CHUNKS, work->x, work->w, work->bias, work->skip, lo, hi,
                          work->y, ew_work_scratch(work, chunk));
    return;
  }
  ew_conv_plan p = ew_conv_f32_plan(s);
  int32_t n = 0;
  if (ew_chunks_share_columns_of(&s, p.pixels, p.columns)) {
    const int32_t columns = p.columns, step = ew_chunk_columns(p.pixels);
    n = ew_chunk_start(columns, step, chunk);
    p.columns = ew_chunk_start(columns, step, chunk + 1) - n;
    p.block = ew_conv_block_of(s, (int64_t)p.taps * p.depth * 4, p.columns, p.tile);
  } else {
    const int32_t pixels = p.pixels, step = ew_conv_f32_chunk_rows(s, p);
    p.first = ew_chunk_start(pixels, step, chunk);
    p.pixels = ew_chunk_start(pixels, step, chunk + 1);
  }
  const float *const skip = work->skip;
  ew_conv_f32_planned(s, p, work->x, (const float *)work->w + (ptrdiff_t)n * p.taps * p.depth,
                      (const float *)work->bias + n, skip ? skip + n : skip, lo, hi,
                      (float *)work->y + n, ew_work_scratch(work, chunk));
}

#endif
