/* float32 convolution, channels last, with bias, residual and clamp. */
#ifndef EW_CONV_F32_H
#define EW_CONV_F32_H
#include "conv_rows.h"
#include "tile_f32.h"

EW_INLINE void ew_conv_f32_group(const ew_conv_shape s, const ew_conv_plan p, const float *x,
                                 ew_tile_f32 t, void *scratch) {
  const void *const pad = scratch;
  const void **const rows = (const void **)((char *)scratch + p.pad_bytes);
  char *const gathered = (char *)scratch + p.pad_bytes + p.rows_bytes;
  const ew_tile_f32 first = t;
  const int32_t step = ew_tile_f32_columns(p.pixels);
  t.rows = (const void *const *)rows;
  for (int32_t m0 = 0; m0 < p.pixels; m0 += p.block)
    for (int32_t n = 0; n < p.columns; n += step) {
      const int32_t end = ew_min_i32(p.pixels, m0 + p.block);
      t.n = ew_min_i32(p.columns - n, step);
      t.w = first.w + (n / 16) * t.w_block;
      t.bias = first.bias + n;
      for (int32_t m = m0; m < end; m += EW_F32_ROWS) {
        const ptrdiff_t at = m * t.y_row + n;
        t.m = ew_min_i32(end - m, EW_F32_ROWS);
        if (n == 0 || p.block > EW_F32_ROWS)
          ew_conv_tile_rows(s, p, x, sizeof(float), pad, m, t.m, EW_F32_ROWS, rows, gathered);
        t.y = first.y + at;
        t.skip = first.skip ? first.skip + at : first.skip;
        ew_tile_f32_run(&t);
      }
    }
}

/* y = clamp(conv(x, w) + bias + skip, lo, hi)

   x [batch, in_h, in_w, in_c]; w, bias from pack_f32 (one after the other for each group);
   skip as y, or null, and may be y; y [batch, out_h, out_w, out_c].
   scratch: conv_scratch_bytes(…) bytes, aligned to 64. */
EW_INLINE void ew_conv_f32(const ew_conv_shape s, const float *x, const float *w,
                           const float *bias, const float *skip, float lo, float hi, float *y,
                           void *scratch) {
  const ew_conv_plan p = ew_conv_plan_of(s, sizeof(float), 1, EW_F32_ROWS);
  const int32_t blocks = (p.columns + 15) / 16;
  const ptrdiff_t w_block = (ptrdiff_t)p.taps * p.depth * 16;
  __builtin_memset(scratch, 0, (size_t)p.pad_bytes);
  for (int32_t g = 0; g < s.groups; ++g) {
    const ew_tile_f32 t = {.w = w + g * blocks * w_block,
                           .bias = bias + (ptrdiff_t)g * blocks * 16,
                           .skip = skip ? skip + g * p.columns : skip,
                           .y = y + g * p.columns,
                           .w_block = w_block,
                           .y_row = s.out_c,
                           .taps = p.taps,
                           .depth = p.depth,
                           .lo = lo,
                           .hi = hi};
    ew_conv_f32_group(s, p, x + g * p.channels, t, scratch);
  }
}

#endif
