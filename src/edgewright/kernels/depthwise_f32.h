/* float32 depthwise convolution: each input channel has `multiplier` output channels of its own. */
#ifndef EW_DEPTHWISE_F32_H
#define EW_DEPTHWISE_F32_H
#include "depthwise_rows.h"
#include "simd.h"

/* One tile: up to EW_DEPTHWISE_PIXELS output pixels next to each other, all channels. */
typedef struct ew_depthwise_f32_tile {
  const void *const *rows; /* [taps][EW_DEPTHWISE_PIXELS]: in_c floats each */
  const float *w;          /* blocks of 16 channels: [taps][16] */
  const float *bias;
  float *y;
  int32_t taps, channels, multiplier;
  int32_t m;               /* pixels that exist */
  float lo, hi;
} ew_depthwise_f32_tile;

/* Input channels of 16 output channels from c on. */
EW_INLINE ew_f32x16 ew_depthwise_f32_load(const float *x, int32_t c, int n, int32_t multiplier) {
  if (multiplier == 1) return n < 16 ? ew_f32_load_n(x + c, n) : ew_f32_load(x + c);
  float lanes[16];
  for (int i = 0; i < 16; ++i) lanes[i] = i < n ? x[(c + i) / multiplier] : 0.0f;
  return ew_f32_load(lanes);
}

EW_INLINE void ew_depthwise_f32_block(const ew_depthwise_f32_tile *t, int32_t c, const int n,
                                      const int32_t multiplier) {
  ew_f32x16 acc[EW_DEPTHWISE_PIXELS];
  const float *w = t->w + (ptrdiff_t)c * t->taps;
  EW_UNROLL for (int i = 0; i < EW_DEPTHWISE_PIXELS; ++i) acc[i] = ew_f32_load(t->bias + c);
  for (int32_t tap = 0; tap < t->taps; ++tap) {
    const ew_f32x16 factor = ew_f32_load(w + tap * 16);
    const void *const *rows = t->rows + tap * EW_DEPTHWISE_PIXELS;
    EW_UNROLL for (int i = 0; i < EW_DEPTHWISE_PIXELS; ++i)
      acc[i] = ew_fma(ew_depthwise_f32_load(rows[i], c, n, multiplier), factor, acc[i]);
  }
  const ew_f32x16 lo = ew_f32_dup(t->lo), hi = ew_f32_dup(t->hi);
  EW_UNROLL for (int i = 0; i < EW_DEPTHWISE_PIXELS; ++i) {
    if (i >= t->m) continue;
    float *y = t->y + (ptrdiff_t)i * t->channels + c;
    const ew_f32x16 v = ew_f32_clamp(acc[i], lo, hi);
    if (n < 16) ew_f32_store_n(y, v, n);
    else ew_f32_store(y, v);
  }
}

EW_INLINE void ew_depthwise_f32_body(const ew_depthwise_f32_tile *t, const int32_t multiplier) {
  int32_t c = 0;
  for (; c + 16 <= t->channels; c += 16) ew_depthwise_f32_block(t, c, 16, multiplier);
  if (c < t->channels) ew_depthwise_f32_block(t, c, t->channels - c, multiplier);
}
EW_KERNEL void ew_depthwise_f32_1(const ew_depthwise_f32_tile *t) { ew_depthwise_f32_body(t, 1); }
EW_KERNEL void ew_depthwise_f32_n(const ew_depthwise_f32_tile *t) {
  ew_depthwise_f32_body(t, t->multiplier);
}

/* y = clamp(depthwise(x, w) + bias, lo, hi)

   x [batch, in_h, in_w, in_c]; w, bias from pack_depthwise_f32; y [batch, out_h, out_w, out_c],
   out_c a multiple of in_c; s.groups is not used.
   scratch: depthwise_scratch_bytes(…) bytes, aligned to 64. */
EW_INLINE void ew_depthwise_f32(const ew_conv_shape s, const float *x, const float *w,
                                const float *bias, float lo, float hi, float *y, void *scratch) {
  const int32_t pad_bytes = ew_depthwise_pad_bytes(s, sizeof(float));
  const void **const rows = (const void **)((char *)scratch + pad_bytes);
  ew_depthwise_f32_tile t = {.rows = (const void *const *)rows,
                             .w = w,
                             .bias = bias,
                             .taps = s.kernel_h * s.kernel_w,
                             .channels = s.out_c,
                             .multiplier = s.out_c / s.in_c,
                             .lo = lo,
                             .hi = hi};
  __builtin_memset(scratch, 0, (size_t)pad_bytes);
  const int32_t pixels = s.batch * s.out_h * s.out_w;
  for (int32_t m = 0; m < pixels; m += EW_DEPTHWISE_PIXELS) {
    t.m = ew_min_i32(pixels - m, EW_DEPTHWISE_PIXELS);
    t.y = y + (ptrdiff_t)m * s.out_c;
    ew_point_rows(&s, x, s.in_c * (int32_t)sizeof(float), scratch, m, t.m, EW_DEPTHWISE_PIXELS,
                  rows);
    if (s.out_c == s.in_c) ew_depthwise_f32_1(&t);
    else ew_depthwise_f32_n(&t);
  }
}

#endif
