/* int16 convolution with int8 weights and int64 sums, in plain C; requantisation `fixed` only. */
#ifndef EW_CONV_S16_H
#define EW_CONV_S16_H
#include "conv_rows.h"

/* TFLite's MultiplyByQuantizedMultiplier for 48-bit sums: a 15-bit multiplier, halves up. */
EW_INLINE int32_t ew_multiply_i64(int64_t v, int32_t multiplier, int32_t shift) {
  const int64_t factor = multiplier < 0x7FFF0000 ? (multiplier + (1 << 15)) >> 16 : 0x7FFF;
  const int32_t bits = 15 - shift;
  return (int32_t)((v * factor + ((int64_t)1 << (bits - 1))) >> bits);
}

/* The sum of one window: output channel o, whose weights are [KH][KW][depth]. */
EW_INLINE int64_t ew_window_s16(const ew_conv_shape *s, ew_pixel p, const int16_t *x,
                                const int8_t *w, int32_t depth) {
  int64_t sum = 0;
  for (int32_t ky = 0; ky < s->kernel_h; ++ky)
    for (int32_t kx = 0; kx < s->kernel_w; ++kx, w += depth) {
      const int32_t iy = p.oy * s->stride_h - s->pad_top + ky * s->dilation_h;
      const int32_t ix = p.ox * s->stride_w - s->pad_left + kx * s->dilation_w;
      if ((uint32_t)iy >= (uint32_t)s->in_h || (uint32_t)ix >= (uint32_t)s->in_w) continue;
      const int16_t *at = x + (((ptrdiff_t)p.image * s->in_h + iy) * s->in_w + ix) * s->in_c;
      for (int32_t k = 0; k < depth; ++k) sum += (int32_t)at[k] * w[k];
    }
  return sum;
}

/* y = clamp(requantize(conv(x, w) + bias), lo, hi); both zero points are 0.

   x [batch, in_h, in_w, in_c]; w as in the model: [out_c, kernel_h, kernel_w, in_c / groups];
   bias [out_c]; factors [2][out_c]: multipliers, then shifts (<= 14); limits: lo, hi;
   y [batch, out_h, out_w, out_c]. A depthwise convolution has groups = in_c. */
EW_KERNEL void ew_conv_s16(const ew_conv_shape s, const int16_t *x, const int8_t *w,
                           const int64_t *bias, const int32_t *factors, const int32_t *limits,
                           int16_t *y) {
  const int32_t depth = s.in_c / s.groups, columns = s.out_c / s.groups;
  const ptrdiff_t window = (ptrdiff_t)s.kernel_h * s.kernel_w * depth;
  const int32_t pixels = s.batch * s.out_h * s.out_w;
  for (int32_t m = 0; m < pixels; ++m) {
    const ew_pixel p = ew_pixel_of(&s, m);
    for (int32_t o = 0; o < s.out_c; ++o) {
      const int16_t *first = x + (ptrdiff_t)(o / columns) * depth;
      const int64_t sum = ew_window_s16(&s, p, first, w + o * window, depth) + bias[o];
      const int32_t v = ew_multiply_i64(sum, factors[o], factors[s.out_c + o]);
      *y++ = (int16_t)ew_clamp_i32(v, limits[0], limits[1]);
    }
  }
}

/* y[rows, columns] = requantize(x[rows, depth] * w + bias); w [columns, depth]. */
EW_INLINE void ew_fully_connected_s16(int32_t rows, int32_t depth, int32_t columns,
                                      const int16_t *x, const int8_t *w, const int64_t *bias,
                                      const int32_t *factors, const int32_t *limits, int16_t *y) {
  ew_conv_s16(ew_matrix_shape(rows, depth, columns), x, w, bias, factors, limits, y);
}

#endif
