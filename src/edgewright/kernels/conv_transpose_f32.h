/* float32 transposed convolution, channels last. */
#ifndef EW_CONV_TRANSPOSE_F32_H
#define EW_CONV_TRANSPOSE_F32_H
#include "conv_rows.h"
#include "simd.h"

/* The input position that tap `k` of output position `o` reads, or -1. */
EW_INLINE int32_t ew_transposed_tap(int32_t o, int32_t k, int32_t pad, int32_t stride,
                                    int32_t dilation, int32_t size) {
  const int32_t from = o + pad - k * dilation;
  if (from < 0 || from % stride != 0 || from / stride >= size) return -1;
  return from / stride;
}

/* Sixteen output channels of one output pixel. */
EW_INLINE ew_f32x16 ew_transposed_pixel(const ew_conv_shape *s, ew_pixel p, const float *x,
                                        const float *w, ew_f32x16 acc) {
  for (int32_t ky = 0; ky < s->kernel_h; ++ky) {
    const int32_t iy =
        ew_transposed_tap(p.oy, ky, s->pad_top, s->stride_h, s->dilation_h, s->in_h);
    for (int32_t kx = 0; iy >= 0 && kx < s->kernel_w; ++kx) {
      const int32_t ix =
          ew_transposed_tap(p.ox, kx, s->pad_left, s->stride_w, s->dilation_w, s->in_w);
      if (ix < 0) continue;
      const float *at = x + (((ptrdiff_t)p.image * s->in_h + iy) * s->in_w + ix) * s->in_c;
      const float *factor = w + (ptrdiff_t)(ky * s->kernel_w + kx) * s->in_c * 16;
      for (int32_t k = 0; k < s->in_c; ++k)
        acc = ew_fma(ew_f32_dup(at[k]), ew_f32_load(factor + k * 16), acc);
    }
  }
  return acc;
}

/* y = clamp(conv_transpose(x, w) + bias, lo, hi): output pixel o gets x[i] * w[k] wherever
   o = i * stride - pad + k * dilation.

   x [batch, in_h, in_w, in_c]; w, bias from pack_f32 of weights [out_c, kernel_h * kernel_w * in_c];
   y [batch, out_h, out_w, out_c]; s.groups is 1. */
EW_KERNEL void ew_conv_transpose_f32(const ew_conv_shape s, const float *x, const float *w,
                                     const float *bias, float lo, float hi, float *y) {
  const int32_t pixels = s.batch * s.out_h * s.out_w;
  const ptrdiff_t w_block = (ptrdiff_t)s.kernel_h * s.kernel_w * s.in_c * 16;
  for (int32_t m = 0; m < pixels; ++m) {
    const ew_pixel p = ew_pixel_of(&s, m);
    for (int32_t n = 0; n < s.out_c; n += 16) {
      const ew_f32x16 acc =
          ew_transposed_pixel(&s, p, x, w + n / 16 * w_block, ew_f32_load(bias + n));
      ew_f32_store_n(y + (ptrdiff_t)m * s.out_c + n,
                     ew_f32_clamp(acc, ew_f32_dup(lo), ew_f32_dup(hi)),
                     ew_min_i32(s.out_c - n, 16));
    }
  }
}

#endif
